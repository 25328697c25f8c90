"""Sentence spans inside a text, by sentencex, with quotations split again so that each sentence can be cited."""

import re
from itertools import pairwise

from index.paragraphs import trim

_QUOTES = "\"'“”„«»‘’"
_CLOSING = _QUOTES + ")]}"
_QUOTED_END = re.compile(r"[.!?…]\S*\s")
_UNQUOTE = str.maketrans(dict.fromkeys('"“”„«»', " "))


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Half-open spans of the sentences of `text[start:end]`, in order, trimmed; only white space lies between them.

    sentencex keeps a quotation as one sentence however many it holds, so a sentence with quotation marks is split
    once more with the marks masked (same length, so offsets stay), and a mark that closes goes with what it closes.
    """
    end = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    for left, right in _boundaries(text[start:end]):
        spans.extend(_split_quotation(text, start + left, start + right))
    return [trimmed for left, right in spans if (trimmed := trim(text, left, right))[0] < trimmed[1]]


def _boundaries(text: str) -> list[tuple[int, int]]:
    """sentencex's spans, made to cover the text without gap or overlap."""
    import sentencex

    starts = [0, *(b["start_index"] for b in sentencex.get_sentence_boundaries("en", text)), len(text)]
    starts = sorted({min(max(s, 0), len(text)) for s in starts})
    return list(pairwise(starts))


def _split_quotation(text: str, start: int, end: int) -> list[tuple[int, int]]:
    sentence = text[start:end]
    if not any(mark in sentence for mark in '"“”„«»') or not _QUOTED_END.search(sentence.strip()):
        return [(start, end)]
    masked = sentence.translate(_UNQUOTE)
    cuts = [start]
    for left, _ in _boundaries(masked)[1:]:
        cut = _after_closing_marks(sentence, left)
        if sentence[cut:].strip(_CLOSING + " \t\n"):
            cuts.append(start + cut)
    return list(zip(cuts, [*cuts[1:], end], strict=True))


def _after_closing_marks(sentence: str, cut: int) -> int:
    """The cut moved to just behind the terminal and the marks that close it, before the next sentence's own marks."""
    left = cut
    while left > 0 and (sentence[left - 1].isspace() or sentence[left - 1] in _CLOSING):
        left -= 1
    while left < len(sentence) and sentence[left] in _CLOSING:
        left += 1
    return left
