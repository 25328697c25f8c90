"""Spans of a text: its paragraphs, numbered from 1.

Owns where a paragraph begins and ends. What a paragraph is (body, heading, caption, furniture) is furniture.py's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_BLANK_LINES = re.compile(r"\n\s*\n")
_HEADING_LINE = re.compile(r"#{1,6}[ \t]+\S")

# A text wrapped by hand or by a mailer keeps its lines below this; a longer line is a paragraph by itself.
_WRAPPED_LINE_MAX = 120


class Kind(StrEnum):
    """What a paragraph is to a reader; furniture is what surrounds an article and says nothing of its subject."""

    BODY = "body"
    HEADING = "heading"
    LIST_ITEM = "list item"
    TABLE_ROW = "table row"
    CODE = "code"
    CAPTION = "caption"
    FOOTNOTE = "footnote"
    FURNITURE = "furniture"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Half-open `[start, end)` in characters of the document's text; `number` from 1 counts furniture, too."""

    doc_id: str
    number: int
    start: int
    end: int
    kind: Kind


def paragraph_spans(text: str) -> list[tuple[int, int]]:
    """Half-open spans of the paragraphs of `text`, in order, trimmed; only white space lies between them.

    Blank lines part paragraphs. So does every newline of a block that is not wrapped (it has a line of over
    120 characters), and a line that starts like a Markdown heading stands alone.
    """
    spans = [span for block in _blocks(text) for span in _lines(text, *block)]
    return [trimmed for start, end in spans if (trimmed := trim(text, start, end))[0] < trimmed[1]]


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """`[start, end)` without white space at either end; empty at `start` where there is nothing else."""
    piece = text[start:end]
    stripped = piece.strip()
    if not stripped:
        return start, start
    lead = len(piece) - len(piece.lstrip())
    return start + lead, start + lead + len(stripped)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in _BLANK_LINES.finditer(text):
        yield start, gap.start()
        start = gap.end()
    yield start, len(text)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The block itself where its lines are wrapped, else its lines; Markdown heading lines always by themselves."""
    lines: list[tuple[int, int]] = []
    position = start
    for line in text[start:end].split("\n"):
        lines.append((position, position + len(line)))
        position += len(line) + 1
    wrapped = all(line_end - line_start <= _WRAPPED_LINE_MAX for line_start, line_end in lines)
    pending = start
    for line_start, line_end in lines:
        if not wrapped or _HEADING_LINE.match(text, line_start, line_end):
            if pending < line_start:
                yield pending, line_start
            yield line_start, line_end
            pending = line_end
    if pending < end:
        yield pending, end
