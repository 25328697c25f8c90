"""A model's answer as plain prose: no link, no image, no markup, whatever it wrote.

A model that read a hostile document may write an address with the question in it. So nothing that could be followed or
loaded stays: of a link its words, of an image nothing, of an address nothing that the evidence does not hold verbatim.
"""

import re
from collections.abc import Sequence

_LINK = re.compile(r"(!?)\[([^\[\]\n]{0,300})\](?:\([^()\n]{0,2000}\)|\[[^\[\]\n]{0,200}\](?=\s*$))", re.MULTILINE)
_CUT_LINK = re.compile(r"!?\[[^\[\]\n]{0,300}\]\([^()\n]{0,2000}$")
_DEFINITION = re.compile(r"^\s{0,3}\[[^\[\]\n]{1,200}\]:\s?\S.*$", re.MULTILINE)
_TAG = re.compile(r"</?[A-Za-z!][^<>\n]{0,2000}>")
_ADDRESS = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.|(?:data|javascript|mailto|file):(?=\S))[^\s<>\"“”]{1,2000}", re.IGNORECASE
)
# What small models begin with, at times over and over.
_PREAMBLE = re.compile(
    r"(?:\s*(?:the |my )?answer(?: to (?:this|the|your) question)?(?: is)?\s*:(?!//))+\s*", re.IGNORECASE
)
_EMPHASIS = re.compile(r"(\*\*|__|(?<![\w*])\*(?=\S)|(?<=[^\s*])\*(?![\w*])|(?<!\w)_(?=\S)|(?<=\S)_(?!\w))")


def plain_prose(text: str, evidence: Sequence[str]) -> str:
    """The text without links, images, HTML, emphasis, and addresses that stand nowhere in the evidence; a "The answer
    is:" that it begins with is left out.

    Linear in the text's length. Markers `[n]` stay, also where the model made a link of one.
    """
    text = _DEFINITION.sub("", text)
    text = _LINK.sub(_words_of_link, _CUT_LINK.sub("", text))
    text = _TAG.sub(" ", text)
    text = _ADDRESS.sub(lambda match: _kept_address(match.group(), evidence), text)
    return without_preamble(_EMPHASIS.sub("", text))


def without_preamble(text: str) -> str:
    """The text without "The answer to this question is:" at its beginning, however often."""
    found = _PREAMBLE.match(text)
    return text[found.end() :] if found else text


def _words_of_link(match: re.Match[str]) -> str:
    words = match.group(2)
    if match.group(1):
        return ""
    return f"[{words}]" if words.strip().isdecimal() else words


def _kept_address(found: str, evidence: Sequence[str]) -> str:
    """The address where the evidence holds it, else a word that stands for it; what ends a sentence stays."""
    if any(found.rstrip(".,;:!?)]’'") in text for text in evidence):
        return found
    return f"(address left out){found[len(found.rstrip('.,;:!?')) :]}"
