"""Spans of a text: its paragraphs, numbered from 1.

Owns where a paragraph begins and ends where nothing but its words tells, and how what it is is written down. What a
paragraph is, its reader says, or index/formats/structure.py sees in its lines, or index/cleaning/ judges.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

_BLANK_LINES = re.compile(r"\n\s*\n")
_LEVEL = re.compile(r" (\d+)$")
_HEADING_LINE = re.compile(r"#{1,6}[ \t]+\S")

# A text wrapped by hand or by a mailer keeps its lines below this; a longer line is a paragraph by itself.
WRAPPED_LINE_MAX = 120


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


# What is found, read and cited; a heading goes with what stands below it.
CONTENT = frozenset((Kind.BODY, Kind.LIST_ITEM, Kind.TABLE_ROW, Kind.CODE, Kind.CAPTION, Kind.FOOTNOTE))


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Half-open `[start, end)` in characters of the document's text; `number` from 1 counts furniture, too.

    level: of a heading, from 1, or how deep a list item lies; of a table row HEAD_ROW, FIRST_ROW or 0; 0 if unknown.
    """

    doc_id: str
    number: int
    start: int
    end: int
    kind: Kind
    level: int = 0

    @property
    def stored_kind(self) -> str:
        """Kind and level as they are stored: "body", "heading 2"."""
        return f"{self.kind.value} {self.level}" if self.level else self.kind.value


def stored_paragraph(doc_id: str, number: int, start: int, end: int, stored_kind: str) -> Paragraph:
    """The paragraph whose kind and level were stored as one word, or a word and a number."""
    level = _LEVEL.search(stored_kind)
    kind = Kind(stored_kind[: level.start()] if level else stored_kind)
    return Paragraph(doc_id, number, start, end, kind, int(level[1]) if level else 0)


def headings_above(text: str, paragraphs: Sequence[Paragraph]) -> dict[int, tuple[str, ...]]:
    """The words of the headings above each paragraph, by its number, the highest first; see `heading_paths`."""
    return {
        number: tuple(heading_words(text[heading.start : heading.end]) for heading in path)
        for number, path in heading_paths(text, paragraphs).items()
    }


def heading_paths(text: str, paragraphs: Sequence[Paragraph]) -> dict[int, tuple[Paragraph, ...]]:
    """The path of headings above each paragraph, by its number, the highest first; a heading is not in its own.

    The level of a heading that states none is that of its Markdown marks, else one below the highest: a text's first.
    """
    found: dict[int, tuple[Paragraph, ...]] = {}
    path: list[tuple[int, Paragraph]] = []
    above: tuple[Paragraph, ...] = ()
    for paragraph in paragraphs:
        if paragraph.kind is Kind.HEADING:
            words = text[paragraph.start : paragraph.end]
            marks = len(words) - len(words.lstrip("#"))
            level = paragraph.level or marks or (1 if not found else 2)
            while path and path[-1][0] >= level:
                path.pop()
            found[paragraph.number] = tuple(heading for _, heading in path)
            path.append((level, paragraph))
            above = tuple(heading for _, heading in path)
        else:
            found[paragraph.number] = above
    return found


def heading_words(heading: str) -> str:
    """A heading's words on one line, without Markdown's marks around them."""
    return " ".join(heading.strip("# \t\n*_").split())


def paragraph_spans(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Half-open spans of the paragraphs of `text[start:end]`, in order, trimmed; only white space lies between them.

    Blank lines part paragraphs. So does every newline of a block that is not wrapped (it has a line of over
    120 characters), and a line that starts like a Markdown heading stands alone.
    """
    end = len(text) if end is None else end
    spans = [span for block in _blocks(text, start, end) for span in _lines(text, *block)]
    return [trimmed for left, right in spans if (trimmed := trim(text, left, right))[0] < trimmed[1]]


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """`[start, end)` without white space at either end; empty at `start` where there is nothing else."""
    piece = text[start:end]
    stripped = piece.strip()
    if not stripped:
        return start, start
    lead = len(piece) - len(piece.lstrip())
    return start + lead, start + lead + len(stripped)


def _blocks(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for gap in _BLANK_LINES.finditer(text, start, end):
        yield start, gap.start()
        start = gap.end()
    yield start, end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The block itself where its lines are wrapped, else its lines; Markdown heading lines always by themselves."""
    lines: list[tuple[int, int]] = []
    position = start
    for line in text[start:end].split("\n"):
        lines.append((position, position + len(line)))
        position += len(line) + 1
    wrapped = all(line_end - line_start <= WRAPPED_LINE_MAX for line_start, line_end in lines)
    pending = start
    for line_start, line_end in lines:
        if not wrapped or _HEADING_LINE.match(text, line_start, line_end):
            if pending < line_start:
                yield pending, line_start
            yield line_start, line_end
            pending = line_end
    if pending < end:
        yield pending, end
