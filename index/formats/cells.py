"""Cells of tables put in their places, and which rows name the columns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.formats.content import Piece, table
from index.paragraphs import Kind

_MOST_COLUMNS = 64


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's words; span: how many columns it takes; goes_on: it is the cell above, going on."""

    text: str
    span: int = 1
    goes_on: bool = False


def table_pieces(rows: Sequence[Sequence[Cell]], *, marked: int = 0, bold: Sequence[bool] = ()) -> list[Piece]:
    """A table's rows as pieces. A first row of one cell over all columns is the table's caption.

    marked: how many of the first rows are said to name the columns. bold: which rows are bold as a whole.
    """
    captions = 0
    while captions < len(rows) - 1 and _is_caption(rows[captions], rows[captions + 1]):
        captions += 1
    named = [Piece(rows[n][0].text, Kind.CAPTION) for n in range(captions)]
    rows, bold, marked = rows[captions:], bold[captions:], max(0, marked - captions)
    heads = min(marked, len(rows) - 1) if marked else _heads(rows, bold)
    return [*named, *table(_grid(rows, heads), heads=heads)]


def _is_caption(row: Sequence[Cell], below: Sequence[Cell]) -> bool:
    return len(row) == 1 and row[0].span > 1 and row[0].span == sum(cell.span for cell in below) and len(below) > 1


def _grid(rows: Sequence[Sequence[Cell]], heads: int) -> list[list[str]]:
    """All rows with as many cells.

    One that spans rows has its words in each; one that spans columns in each where it heads them, else in the first.
    """
    placed: list[list[str]] = []
    for row in rows:
        words: list[str] = []
        above = placed[-1] if placed else []
        for cell in row:
            text = above[len(words)] if cell.goes_on and not cell.text and len(words) < len(above) else cell.text
            words += [text, *[text if len(placed) < heads else ""] * (cell.span - 1)]
        placed.append(words[:_MOST_COLUMNS] if not any(words[_MOST_COLUMNS:]) else words)
    width = max(map(len, placed), default=0)
    return [[*words, *[""] * (width - len(words))] for words in placed]


_NUMBER = re.compile(r"[\s$€£¥%+\-−–(]*\d[\d\s.,:/%()+\-−–]*\s?[^\W\d]{0,12}[°%€$£/²³]{0,3}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_LABEL = re.compile(r".*[:：]\s*")


def _heads(rows: Sequence[Sequence[Cell]], bold: Sequence[bool]) -> int:
    """How many of the first rows name the columns, by their looks.

    One does that has no number (but a year) and no empty cell but the first; and the one below a head whose cells span
    columns. Of two columns, only where numbers stand below its second word or it alone is bold, since most such tables
    are a name and its value.
    """
    if len(rows) < 2 or not _may_head(rows[0]):
        return 0
    head, below = rows[0], rows[1:]
    if any(cell.span > 1 for cell in head):
        return 2 if len(below) > 1 and _may_head(below[0]) else 1
    if len(head) > 2 or (len(bold) > 1 and bold[0] and not any(bold[1:])):
        return 1
    is_label = any(row and _LABEL.fullmatch(row[0].text) for row in rows)
    counts = sum(1 for row in below if len(row) > 1 and _NUMBER.fullmatch(row[1].text)) * 2 >= len(below)
    return int(not is_label and counts)


def _may_head(row: Sequence[Cell]) -> bool:
    words = [cell.text.strip() for cell in row[1:] if not cell.goes_on]
    return len(row) > 1 and all(word and (_YEAR.fullmatch(word) or not _NUMBER.fullmatch(word)) for word in words)
