"""Table rows: their cells, the heads of their columns, and what a model sees of them.

A row stands in the text as its file has it ("13 | Ida | Runa"); a model sees each cell with its column's head
("Week: 13; First: Ida; Second: Runa"), and what it finds there is traced back to the characters of the text. Knows
paragraphs; not passages, nor who reads.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.formats.content import FIRST_ROW, HEAD_ROW
from index.formats.structure import BAR, LABEL, MARKS, gap_columns
from index.paragraphs import Kind, Paragraph, trim

# What stands for an empty cell where a model reads it.
EMPTY = "-"
# What writers put into a cell that says nothing.
_NOTHING = " -–—−.…?/"
_WIDE = re.compile(r" {2,}")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: the number of its paragraph, and half-open spans of its cells; a cell of nothing is empty, (n, n)."""

    number: int
    cells: tuple[Span, ...]
    is_head: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in order, all of as many cells as there are columns; what each column is called, "" where nothing says."""

    rows: tuple[TableRow, ...]
    heads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a model sees of a part of a document, and where that stands in it.

    pieces: (start, end, place), rising: the characters `[start, end)` shown are those of the document from `place` on.
    What lies in no piece is said by nobody there: a column's head, a sign for an empty cell.
    empty: half-open characters that are shown for cells of nothing.
    """

    text: str
    pieces: tuple[tuple[int, int, int], ...]
    empty: tuple[Span, ...] = ()

    def place(self, start: int, end: int) -> Span | None:
        """Half-open characters of the document for the shown `[start, end)`; None where nothing of it stands there."""
        inside = [(max(start, a), min(end, b), at - a) for a, b, at in self.pieces if a < end and start < b]
        if not inside:
            return None
        places = [(a + moved, b + moved) for a, b, moved in inside]
        return min(a for a, _ in places), max(b for _, b in places)

    def shown_at(self, place: int) -> int | None:
        """Where a character of the document is shown; None where it is not."""
        return next((a + place - at for a, b, at in self.pieces if at <= place < at + b - a), None)


def as_it_stands(text: str, start: int, end: int) -> Shown:
    """The document's `[start, end)` itself."""
    return Shown(text[start:end], ((0, end - start, start),))


def joined(gap: str, parts: Iterable[Shown]) -> Shown:
    """The parts one after the other, with words between them that stand nowhere."""
    builder = _Builder("")
    for n, part in enumerate(parts):
        if n:
            builder.say(gap)
        builder.add(part)
    return builder.shown()


def tables(text: str, paragraphs: Sequence[Paragraph]) -> list[Table]:
    """The tables of a document, in order: rows one after the other, until heads or a first row begin the next."""
    return [_table(text, rows) for rows in _runs(paragraphs)]


def rows_of(text: str, paragraphs: Sequence[Paragraph]) -> dict[int, tuple[Table, TableRow]]:
    """Each row with its table, by its paragraph's number."""
    return {row.number: (table, row) for table in tables(text, paragraphs) for row in table.rows}


def is_empty(cell: str) -> bool:
    """Whether a cell says nothing: it has no characters, or only a sign for that."""
    return not cell.strip(_NOTHING)


def shown_row(text: str, table: Table, row: TableRow, empty: Callable[[int], str | None] = lambda _: None) -> Shown:
    """A row as a model sees it: "head: cell" for each column, an empty cell as "-"; a row of heads as it stands.

    Where nothing names the columns, a row of two cells is "first: second", and another its cells with bars between.
    empty: the number of a column, from 0 -> what is shown in place of a cell that says nothing; None for its sign.
    """
    named = any(table.heads) and not row.is_head
    builder = _Builder(text)
    is_pair = len(row.cells) == 2 and not row.is_head and not named
    for n, (start, end) in enumerate(row.cells):
        head = table.heads[n].rstrip(":") if named else ""
        if n and is_pair:
            builder.say(" " if text[row.cells[0][0] : row.cells[0][1]].endswith(":") else ": ")
        elif n:
            builder.say("; " if named else " | ")
        if head:
            builder.say(f"{head}: ")
        instead = empty(n) if is_empty(text[start:end]) else None
        if start < end and instead is None:
            builder.quote(start, end)
        else:
            builder.say_empty(instead or EMPTY)
    return builder.shown()


def shown_part(
    text: str,
    paragraphs: Sequence[Paragraph],
    start: int,
    end: int,
    rows: Mapping[int, tuple[Table, TableRow]] | None = None,
) -> Shown:
    """What a model sees of the document's `[start, end)`: whole rows with their heads, the rest as it stands.

    rows: of the whole document, from `rows_of`; looked for here where they are not given.
    """
    touched = [p for p in paragraphs if p.start < end and start < p.end]
    whole = [p for p in touched if p.kind is Kind.TABLE_ROW and start <= p.start and p.end <= end]
    if not whole:
        return as_it_stands(text, start, end)
    builder = _Builder(text)
    known = rows_of(text, paragraphs) if rows is None else rows
    at = start
    for paragraph in whole:
        if at < paragraph.start:
            builder.quote(at, paragraph.start)
        builder.add(shown_row(text, *known[paragraph.number]))
        at = paragraph.end
    if at < end:
        builder.quote(at, end)
    return builder.shown()


class _Builder:
    """A shown text as it grows."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts: list[str] = []
        self._pieces: list[tuple[int, int, int]] = []
        self._empty: list[Span] = []
        self._length = 0

    def say(self, words: str) -> None:
        """Words that do not stand in the document here."""
        self._parts.append(words)
        self._length += len(words)

    def say_empty(self, words: str) -> None:
        """What is shown for a cell of nothing."""
        self._empty.append((self._length, self._length + len(words)))
        self.say(words)

    def quote(self, start: int, end: int) -> None:
        """Characters of the document."""
        self._pieces.append((self._length, self._length + end - start, start))
        self.say(self._text[start:end])

    def add(self, shown: Shown) -> None:
        """What is shown already."""
        self._pieces += [(a + self._length, b + self._length, at) for a, b, at in shown.pieces]
        self._empty += [(a + self._length, b + self._length) for a, b in shown.empty]
        self.say(shown.text)

    def shown(self) -> Shown:
        """All of it."""
        return Shown("".join(self._parts), tuple(self._pieces), tuple(self._empty))


def _runs(paragraphs: Sequence[Paragraph]) -> Iterator[list[Paragraph]]:
    run: list[Paragraph] = []
    for paragraph in paragraphs:
        is_row = paragraph.kind is Kind.TABLE_ROW
        if run and (not is_row or begins_table(run[-1], paragraph)):
            yield run
            run = []
        if is_row:
            run.append(paragraph)
    if run:
        yield run


def begins_table(above: Paragraph, row: Paragraph) -> bool:
    """Whether a row that follows another is the first of a table of its own."""
    return row.level == FIRST_ROW or (row.level == HEAD_ROW and above.level != HEAD_ROW)


def _table(text: str, rows: Sequence[Paragraph]) -> Table:
    cells = _cells(text, rows)
    columns = max(map(len, cells))
    labels = [] if any(row.level == HEAD_ROW for row in rows) else _labels(text, cells)
    if labels:
        cells = [[_behind_label(text, cell) for cell in row] for row in cells]
    first = [row.level == HEAD_ROW for row in rows]
    filled = tuple(
        TableRow(row.number, _filled(text, row, of_row, columns), is_head)
        for row, of_row, is_head in zip(rows, cells, first, strict=True)
    )
    heads = []
    for n in range(columns):
        words = [text[slice(*row.cells[n])] for row in filled if row.is_head]
        heads.append(" ".join(dict.fromkeys(word for word in words if word)))
    return Table(filled, tuple(labels or heads))


def _filled(text: str, row: Paragraph, cells: list[Span], columns: int) -> tuple[Span, ...]:
    """The cells with empty ones for those that are left out: the first where a bar opens the row and none closes it."""
    missing = columns - len(cells)
    words = text[row.start : row.end]
    if missing == 1 and words.startswith("|") and not words.endswith("|"):
        return ((row.start, row.start), *cells)
    return (*cells, *[(row.end, row.end)] * missing)


def _cells(text: str, rows: Sequence[Paragraph]) -> list[list[Span]]:
    """The cells of each row, by what parts them: tabs, bars, or the wide gaps that all rows share."""
    words = [text[row.start : row.end] for row in rows]
    if any("\t" in line for line in words) and not all(line.startswith("|") for line in words):
        return [_parted(text, row.start, row.end, re.compile("\t")) for row in rows]
    if any(BAR.search(line) for line in words):
        cells = [_parted(text, *_without_outer_bars(text, row), BAR) for row in rows]
        return _unlabelled(text, cells)
    if not any(_WIDE.search(line) for line in words):
        mark = next((mark for mark in MARKS if len({len(mark.findall(line)) for line in words} | {0}) == 2), None)
        if mark is None or not all(mark.search(line) for line in words):
            return [[(row.start, row.end)] for row in rows]
        return [
            [trim(text, row.start + a, row.start + b) for a, b in _between(mark, line)]
            for row, line in zip(rows, words, strict=True)
        ]
    lead = [row.start - (text.rfind("\n", 0, row.start) + 1) for row in rows]
    columns = gap_columns([" " * n + line for n, line in zip(lead, words, strict=True)])
    if not columns:
        return [_parted(text, row.start, row.end, _WIDE) for row in rows]
    cells = []
    for row, n in zip(rows, lead, strict=True):
        cuts = [row.start, *(row.start - n + column for column in columns), row.end]
        cuts = [max(row.start, min(cut, row.end)) for cut in cuts]
        cells.append([trim(text, a, b) for a, b in pairwise(cuts)])
    return cells


def _without_outer_bars(text: str, row: Paragraph) -> Span:
    words = text[row.start : row.end]
    closed = words.endswith("|") and not words.endswith("\\|") and len(words) > 1
    return row.start + words.startswith("|"), row.end - closed


def _parted(text: str, start: int, end: int, mark: re.Pattern[str]) -> list[Span]:
    cells = []
    at = start
    for gap in mark.finditer(text, start, end):
        cells.append(trim(text, at, gap.start()))
        at = gap.end()
    return [*cells, trim(text, at, end)]


def _between(mark: re.Pattern[str], line: str) -> Iterator[Span]:
    at = 0
    for found in mark.finditer(line):
        yield at, found.start()
        at = found.end()
    yield at, len(line)


def _unlabelled(text: str, cells: list[list[Span]]) -> list[list[Span]]:
    """Rows that are all "label: a | b": the label is a cell of its own, unless each cell has one."""
    if _labels(text, cells):
        return cells
    labels = [LABEL.match(text[slice(*row[0])]) for row in cells]
    if not all(labels):
        return cells
    split = []
    for row, label in zip(cells, labels, strict=True):
        start, end = row[0]
        cut = start + (label.end() if label else 0)
        colon = text.rfind(":", start, cut)
        split.append([(start, colon), (cut, end), *row[1:]])
    return split


def _labels(text: str, cells: Sequence[Sequence[Span]]) -> list[str]:
    """What each cell of all rows is labelled, column by column the same: "Inland: 49 | Europe: 129"; else nothing."""
    found = [[LABEL.match(text[slice(*cell)]) for cell in row] for row in cells]
    if len(cells) < 2 or len(cells[0]) < 2 or not all(all(row) for row in found):
        return []
    labels = [[label[0].strip().rstrip(":").rstrip() for label in row if label] for row in found]
    return labels[0] if all(row == labels[0] for row in labels) else []


def _behind_label(text: str, cell: Span) -> Span:
    label = LABEL.match(text[slice(*cell)])
    return trim(text, cell[0] + (label.end() if label else 0), cell[1])
