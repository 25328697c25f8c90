"""What the reader is shown of a document: a passage among its neighbours, and where each character of that stands.

A passage alone does not say who "she" is, or that its figure is Turku's: the sentences around it and the headings above
it do. A table's row is shown with the heads of its columns. Knows sources and passages; nothing of networks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.documents import Document
from index.paragraphs import Kind, Paragraph, heading_words
from index.passages import Passage
from index.sentences import unit_spans
from index.tables import Shown, Span, as_it_stands, joined, shown_row
from rag.citations import Sources
from rag.retrieval import Hit

# Characters of an excerpt: what the reader was trained on, and what fits beside a question and a title.
_CHARACTERS = 1150
# Characters of the nearest heading above, of all of them, and of what stands before a passage where only its order is
# looked for.
_HEADING_CHARACTERS = 120
_PATH_CHARACTERS = 200
_LEAD_CHARACTERS = 160
# A passage of which this share is in an excerpt already is not shown again.
_COVERED = 0.8
_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text to read. title: of its document, "" where the text begins with it. hit: the best of those inside.

    Of a table's row read by itself, named: how well it has the question's words and other rows have not, at least 0;
    cell: half-open characters of the cell, be it empty, in the column that the question names, if it names one;
    of_cell: how much that speaks for what stands there.
    """

    hit: Hit
    title: str
    shown: Shown
    named: float = 0.0
    cell: Span | None = None
    of_cell: float = 0.0

    @property
    def text(self) -> str:
        """What is read."""
        return self.shown.text

    def place(self, start: int, end: int) -> tuple[int, int] | None:
        """Characters of the document for those of the excerpt: of several pieces (paragraphs, cells) the one with most
        of them; None where that is an empty cell, or they stand in none, as a column's head beside a cell."""
        piece = self._piece(start, end)
        if piece is None:
            return None
        a, b, at = piece
        return None if at is None else (max(start, a) + at - a, min(end, b) + at - a)

    def says_nothing(self, start: int, end: int) -> bool:
        """Whether the piece that has most of these characters is an empty cell."""
        piece = self._piece(start, end)
        return piece is not None and piece[2] is None

    def _piece(self, start: int, end: int) -> tuple[int, int, int | None] | None:
        """The piece that has most of the characters, the first of equals, and its place; None for an empty cell's."""
        pieces = [*self.shown.pieces, *((a, b, None) for a, b in self.shown.empty)]
        touched = [(a, b, at) for a, b, at in pieces if a < end and start < b]
        return max(touched, key=lambda p: (min(end, p[1]) - max(start, p[0]), -p[0]), default=None)

    def asked_for(self, start: int, end: int) -> tuple[int, int, float]:
        """The characters that are of the cell in the column that the question names, and what speaks for them; all of
        them, and 0, where none is."""
        if self.cell is None or end <= self.cell[0] or self.cell[1] <= start:
            return start, end, 0.0
        return max(start, self.cell[0]), min(end, self.cell[1]), self.of_cell

    def covers(self, passage: Passage) -> bool:
        """Whether nearly all of a passage is in it."""
        if passage.doc_id != self.hit.passage.doc_id:
            return False
        inside = sum(max(0, min(at + b - a, passage.end) - max(at, passage.start)) for a, b, at in self.shown.pieces)
        return inside >= _COVERED * (passage.end - passage.start)


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, row, item or heading: what is shown of it, and where it stands."""

    paragraph: Paragraph
    start: int
    end: int
    shown: Shown

    @property
    def size(self) -> int:
        return len(self.shown.text)


def excerpts(hits: Sequence[Hit], sources: Sources, *, most: int) -> list[Excerpt]:
    """At most so many excerpts that together show the best hits, in their order; what is shown is not shown again."""
    found: list[Excerpt] = []
    for hit in hits:
        if len(found) == most:
            break
        if not any(excerpt.covers(hit.passage) for excerpt in found):
            found.append(excerpt_of(hit, sources))
    return found


def excerpt_of(hit: Hit, sources: Sources) -> Excerpt:
    """The passage with as many whole sentences before and after it as there is room for, and the headings above."""
    passage = hit.passage
    document = sources.document(passage.doc_id)
    near = _near(passage, sources)
    shown = _grown(near, passage)
    if shown:
        parts = [*path_above(shown[0].paragraph, sources), *_together(document.text, shown)]
    else:
        parts = [as_it_stands(document.text, passage.start, passage.end)]
    return excerpt_with(hit, document, parts)


def excerpt_with(hit: Hit, document: Document, parts: Sequence[Shown], named: float = 0.0) -> Excerpt:
    """The excerpt of these parts, blank lines between them."""
    shown = joined(_GAP, parts)
    title = document.title or ""
    return Excerpt(hit, "" if shown.text.startswith(title) else title, shown, named)


def led(passage: Passage, sources: Sources) -> str:
    """The passage with the headings above it and the sentence before it there: what says in short what it is about."""
    first = sources.touched(passage.doc_id, passage.start, passage.end)[0]
    above = path_above(first, sources)
    section = sources.headings(first)
    before = [
        unit
        for unit in _near(passage, sources)
        if passage.start - _LEAD_CHARACTERS <= unit.start and unit.end <= passage.start
        if unit.paragraph.kind is not Kind.HEADING and sources.headings(unit.paragraph) == section
    ]
    shown = sources.shown(passage.doc_id, passage.start, passage.end)
    return "\n".join(part.text for part in [*above, *(unit.shown for unit in before), shown])


def _near(passage: Passage, sources: Sources) -> list[_Unit]:
    """What could stand in one excerpt with the passage, whole: sentences, rows, items and headings, in order.

    Furniture is left out; so are rows of tables beside a passage that has none, as they are read by themselves, and the
    heads of a table's columns, since each cell is shown with its own.
    """
    low, high = passage.start - _CHARACTERS, passage.end + _CHARACTERS
    own = sources.touched(passage.doc_id, passage.start, passage.end)
    has_rows = any(paragraph.kind is Kind.TABLE_ROW for paragraph in own)
    left_out = {Kind.FURNITURE} if has_rows else {Kind.FURNITURE, Kind.TABLE_ROW}
    return [
        unit
        for paragraph in sources.touched(passage.doc_id, low, high)
        if paragraph.kind not in left_out
        for unit in _units(paragraph, passage, sources)
    ]


def _units(paragraph: Paragraph, passage: Passage, sources: Sources) -> Iterator[_Unit]:
    """What is shown of a paragraph near the passage, one by one."""
    text = sources.document(paragraph.doc_id).text
    if paragraph.kind is Kind.TABLE_ROW:
        table, row = sources.rows(paragraph.doc_id)[paragraph.number]
        if not row.is_head or all(other.is_head for other in table.rows):
            yield _Unit(paragraph, paragraph.start, paragraph.end, shown_row(text, table, row))
    elif paragraph.kind is Kind.HEADING:
        yield _Unit(paragraph, paragraph.start, paragraph.end, as_it_stands(text, paragraph.start, paragraph.end))
    else:
        # A paragraph may be a whole book: only what is near is split, and a sentence that this cuts is left out.
        low, high = max(paragraph.start, passage.start - _CHARACTERS), min(paragraph.end, passage.end + _CHARACTERS)
        for a, b in unit_spans(text, paragraph, low, high):
            is_cut = (a == low > paragraph.start) or (b == high < paragraph.end)
            start, end = (max(a, passage.start), min(b, passage.end)) if is_cut else (a, b)
            if start < end:
                yield _Unit(paragraph, start, end, as_it_stands(text, start, end))


def _grown(near: Sequence[_Unit], passage: Passage) -> Sequence[_Unit]:
    """Those that are shown: the passage's own, and before and after them in turn."""
    own = [n for n, unit in enumerate(near) if unit.start < passage.end and passage.start < unit.end]
    if not own:
        return []
    first, last = own[0], own[-1]
    size = sum(unit.size for unit in near[first : last + 1])
    backwards = True
    while True:
        before = first > 0 and size + near[first - 1].size <= _CHARACTERS
        after = last + 1 < len(near) and size + near[last + 1].size <= _CHARACTERS
        if not before and not after:
            return near[first : last + 1]
        if before and (backwards or not after):
            first -= 1
            size += near[first].size
        else:
            last += 1
            size += near[last].size
        backwards = not backwards


def path_above(paragraph: Paragraph, sources: Sources) -> list[Shown]:
    """The headings above a paragraph, the nearest for certain, the highest first; the document's title is none."""
    document = sources.document(paragraph.doc_id)
    text = document.text
    path: list[Shown] = []
    room = _PATH_CHARACTERS
    for heading in reversed(sources.headings(paragraph)):
        end = min(heading.end, heading.start + _HEADING_CHARACTERS)
        if path and (end - heading.start > room or heading_words(text[heading.start : heading.end]) == document.title):
            break
        path.append(as_it_stands(text, heading.start, end))
        room -= end - heading.start
    return path[::-1]


def _together(text: str, units: Sequence[_Unit]) -> Iterator[Shown]:
    """What is shown of each paragraph: sentences of one as they stand there, with what is between them."""
    pending: list[_Unit] = []
    for unit in units:
        if pending and (unit.paragraph.number != pending[-1].paragraph.number):
            yield _as_one(text, pending)
            pending = []
        pending.append(unit)
    if pending:
        yield _as_one(text, pending)


def _as_one(text: str, units: Sequence[_Unit]) -> Shown:
    return units[0].shown if len(units) == 1 else as_it_stands(text, units[0].start, units[-1].end)
