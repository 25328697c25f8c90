"""Sentence spans inside a text, by sentencex, with quotations split again so that each sentence can be cited."""

import re
from itertools import pairwise

from index.paragraphs import Kind, Paragraph, trim

_MARKS = '"“”„«»'
_CLOSING = _MARKS + "'‘’)]}"
_UNQUOTE = str.maketrans(dict.fromkeys(_MARKS, " "))
# sentencex panics on "A\u00a0." and its like (version 1.0.32), so it never sees white space of that kind.
_WIDE_SPACE = re.compile(r"[^\S\n]")
_REFERENCES = re.compile(r"(?:\[\w(?:[\w, –-]{0,8}\w)?\]|[*_]{1,3}(?=\s))+")
# Its time grows with the square of the length where quotation marks do not close; no sentence is this long.
_PIECE = 20_000


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


# An item of a list up to so many characters is one statement, however many sentences it has.
_ITEM = 240


def unit_spans(text: str, paragraph: Paragraph, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """What is cited of a paragraph, inside `[start, end)`, as `sentence_spans`: a table row whole, code line by line, a
    short item of a list whole, else its sentences."""
    left, right = max(paragraph.start, start), paragraph.end if end is None else min(paragraph.end, end)
    if paragraph.kind is Kind.TABLE_ROW or (paragraph.kind is Kind.LIST_ITEM and right - left <= _ITEM):
        spans = [trim(text, left, right)]
    elif paragraph.kind is Kind.CODE:
        cuts = [left, *(n + 1 for n in range(left, right) if text[n] == "\n"), right]
        spans = [trim(text, a, b) for a, b in pairwise(cuts)]
    else:
        return sentence_spans(text, left, right)
    return [span for span in spans if span[0] < span[1]]


def _boundaries(text: str) -> list[tuple[int, int]]:
    """sentencex's spans, made to cover the text without gap or overlap."""
    import sentencex

    starts = {0, len(text)}
    left = 0
    while left < len(text):
        piece = _WIDE_SPACE.sub(" ", text[left : left + _PIECE])
        found = [left + b["start_index"] for b in sentencex.get_sentence_boundaries("en", piece)]
        starts.update(found)
        whole = left + _PIECE >= len(text)
        # The piece's end cuts its last sentence, so the next piece begins with that one.
        left = found[-1] if not whole and found and found[-1] > left else left + _PIECE
    return list(pairwise(sorted({_after_references(text, start) for start in starts})))


def _after_references(text: str, cut: int) -> int:
    """The cut moved behind marks right at a sentence's end ("[12]", closing emphasis): they are that sentence's."""
    marks = _REFERENCES.match(text, cut) if cut > 0 and not text[cut - 1].isspace() else None
    return marks.end() if marks else cut


def _split_quotation(text: str, start: int, end: int) -> list[tuple[int, int]]:
    sentence = text[start:end]
    if not any(mark in sentence for mark in _MARKS) or not _ends_inside(sentence):
        return [(start, end)]
    masked = sentence.translate(_UNQUOTE)
    cuts = [start]
    for left, _ in _boundaries(masked)[1:]:
        cut = _after_closing_marks(sentence, left)
        if sentence[cut:].strip(_CLOSING + " \t\n"):
            cuts.append(start + cut)
    return list(zip(cuts, [*cuts[1:], end], strict=True))


def _ends_inside(sentence: str) -> bool:
    """Whether a word before the last one ends as a sentence may."""
    return any(mark in word for word in sentence.split()[:-1] for mark in ".!?…")


def _after_closing_marks(sentence: str, cut: int) -> int:
    """The cut moved to just behind the terminal and the marks that close it, before the next sentence's own marks."""
    left = cut
    while left > 0 and (sentence[left - 1].isspace() or sentence[left - 1] in _CLOSING):
        left -= 1
    while left < len(sentence) and sentence[left] in _CLOSING:
        left += 1
    return left
