"""The plain text of a mail as pieces, and the older mails in it told apart from what its sender writes.

A line of another's mail begins with ">", or stands below a line that says so ("-----Original Message-----", "From: ...
Sent: ..."). Where something of the sender's own follows, a quotation is what an answer is about, and stays; what only
stands below the whole reply is furniture: the older mail says it, not this one. A mail that is forwarded is content.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from index.formats.content import Piece
from index.paragraphs import Kind

_QUOTED = re.compile(r"(?:> ?)+|>+")
_SIGNATURE = "-- "
_FORWARDED = re.compile(
    r"^[\s>-]*(?:begin forwarded message|-{2,}\s*(?:forwarded (?:message|by)|weitergeleitete nachricht|"
    r"message (?:transféré|transferé)|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht|"
    r"mensagem encaminhada|videresendt|vidarebefordrat))",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^\s*-{2,}\s*(?:original (?:message|appointment)|ursprüngliche nachricht|original-?nachricht|message d.origine|"
    r"mensaje original|messaggio originale|oorspronkelijk bericht|mensagem original|opprinnelig melding|"
    r"oprindelig meddelelse|ursprungligt meddelande|wiadomość oryginalna)",
    re.IGNORECASE,
)
_HEADERS = re.compile(
    r"^\W*(?:from|von|de|da|van|fra|från|od)\s*\W?:.*(?:\n|$)(?:.*\n){0,2}?\W*"
    r"(?:sent|date|gesendet|datum|envoyé|fecha|enviado|inviato|data|verzonden|sendt|skickat|wysłano)\s*\W?:",
    re.IGNORECASE,
)
_FORWARDS = re.compile(r"\s*(?:fwd?|wg|tr|rv|i|fs|vs|doorst|enc)\s*:", re.IGNORECASE)
_SAYS_SO = re.compile(r"(?:\d|@)[^\n]*(?:\n[^\n]*){0,2}:$")


def plain_pieces(text: str, *, flowed: bool = False, joins_words: bool = False) -> list[Piece]:
    """The paragraphs of a plain text, one of another's mail with "> " before its lines.

    flowed: lines that end in a blank go on in the next (RFC 3676). joins_words: that blank is not of the text.
    """
    pieces: list[Piece] = []
    lines: list[str] = []
    depth = 0
    goes_on = False
    for raw in [*text.split("\n"), ""]:
        found = _QUOTED.match(raw)
        deep = found[0].count(">") if found else 0
        line = raw[found.end() :] if found else raw
        line = line[1:] if flowed and line.startswith(" ") else line
        if deep != depth or not line.strip():
            pieces += _paragraph(lines, depth)
            lines, depth, goes_on = [], deep, False
        if line.strip():
            soft = flowed and line.endswith(" ") and line != _SIGNATURE
            words = line.rstrip() if soft and joins_words else line
            if goes_on:
                lines[-1] += words
            else:
                lines.append(words)
            goes_on = soft
    return pieces


def _paragraph(lines: Sequence[str], depth: int) -> list[Piece]:
    mark = ">" * depth + " " if depth else ""
    text = "\n".join(mark + line.rstrip() for line in lines)
    return [Piece(text)] if text.strip() else []


def told_apart(pieces: Sequence[Piece], subject: str) -> list[Piece]:
    """The pieces of a mail's body, those of the older mails below it as furniture."""
    forwards = bool(_FORWARDS.match(subject))
    found = list(pieces)
    for n, piece in enumerate(found):
        if _FORWARDED.search(piece.text):
            break  # what follows is why the mail was sent
        if _ORIGINAL.search(piece.text) or _HEADERS.search(_with_next(found, n)):
            return found if forwards or not n else _below(found, n)
    last = next((n for n in range(len(found), 0, -1) if not _is_quoted(found[n - 1])), 0)
    quotes = any(map(_is_quoted, found[last:]))
    if not quotes or forwards:
        return found
    own = last - 1 if last and _SAYS_SO.search(found[last - 1].text) else last
    if own == last and last and found[last - 1].text.rstrip().endswith(":"):
        own = last - 1
    # A mail that is nothing but a quotation has nothing that could be preferred to it.
    return _below(found, own) if own else found


def _below(pieces: list[Piece], first: int) -> list[Piece]:
    return [*pieces[:first], *(replace(piece, kind=Kind.FURNITURE, level=0) for piece in pieces[first:])]


def _is_quoted(piece: Piece) -> bool:
    return piece.text.startswith(">")


def _with_next(pieces: Sequence[Piece], n: int) -> str:
    return "\n".join(piece.text for piece in pieces[n : n + 3])
