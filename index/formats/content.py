"""What a reader finds in a file, and how it is put together.

A reader gives pieces, one a heading, paragraph, item or row, and `laid_out` makes the text of them and says what each
stretch of it is. Knows no format.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from index.paragraphs import Kind

# What nothing that people write holds: control characters but tab and newline, and half of a surrogate pair, which
# has no UTF-8 form. NUL is refused in a text file; inside other formats it is only a fault of their fonts.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


# What `level` says of a table row.
HEAD_ROW = 1
FIRST_ROW = 2

_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Block:
    """What a stretch of a text is, as its reader knows: half-open `[start, end)` in characters of the text.

    level: a heading's, from 1 (the highest); how deep a list item lies, from 1; 0 where that is not known. Of a table
    row HEAD_ROW where it heads the rows below it, FIRST_ROW where a table without heads begins with it, else 0.
    """

    start: int
    end: int
    kind: Kind
    level: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A block that has no place in a text yet; `level` as a Block's."""

    text: str
    kind: Kind = Kind.BODY
    level: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a file or of a row, and what it states about itself; what it does not state is None.

    pages: where each page begins in `text`, rising, from page 1; empty where the format has no pages.
    blocks: what is known of stretches of the text, in order, none over another. What lies in none of them, or in one of
    kind body, is split and judged by its words; a block of another kind is one paragraph and stays what it is.
    notices: what of the file is not in the text, a line each, without the file's name.
    """

    text: str
    title: str | None = None
    date: str | None = None
    publisher: str | None = None
    url: str | None = None
    language: str | None = None
    pages: tuple[int, ...] = ()
    blocks: tuple[Block, ...] = ()
    notices: tuple[str, ...] = ()


def content_of(stated: Mapping[str, Any]) -> Content:
    """The Content that was written as JSON, field by field."""
    blocks = tuple(Block(b["start"], b["end"], Kind(b["kind"]), b["level"]) for b in stated["blocks"])
    return Content(**{**stated, "pages": tuple(stated["pages"]), "blocks": blocks, "notices": tuple(stated["notices"])})


def clean(text: str) -> str:
    """The text without characters that nobody can see or store; newlines are `\\n`."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(words: str | None) -> str | None:
    """A title or a name on one line; None for nothing."""
    return " ".join(clean(words).split()) or None if words else None


def joined(blocks: Iterable[str]) -> str:
    """The blocks that are not empty, a blank line between each two."""
    return "\n\n".join(block for block in map(str.strip, map(clean, blocks)) if block)


def paged(pages: Iterable[Iterable[str]]) -> tuple[str, tuple[int, ...]]:
    """The text of all pages' blocks, and where each page begins in it; a page of nothing begins where the next does."""
    text, starts = "", []
    parts: list[str] = []
    length = 0
    for blocks in pages:
        page = joined(blocks)
        starts.append(length)
        if page:
            parts.append(page)
            length += len(page) + 2
    text = "\n\n".join(parts)
    return text, tuple(min(start, len(text)) for start in starts)


def table(rows: Sequence[Sequence[str]], *, heads: int = 1) -> list[Piece]:
    """A table's rows as pieces; a row without any words is left out.

    heads: how many of the first rows name the columns; with 0 the first row is one of values.
    """
    pieces: list[Piece] = []
    for n, cells in enumerate(rows):
        if not any(map(str.strip, map(clean, cells))):
            continue
        level = HEAD_ROW if n < heads else FIRST_ROW if not pieces else 0
        pieces.append(Piece(row_text(cells), Kind.TABLE_ROW, level))
    return pieces


def row_text(cells: Sequence[str]) -> str:
    """A table row as it stands in a text: one line, cells parted by " | ", an empty one in its place.

    A row that begins or ends with an empty cell has outer bars, too ("| Q2 |  | 5 |"). A bar inside a cell is written
    as Markdown does, "\\|", so that it parts nothing.
    """
    words = [_SPACES.sub(" ", clean(cell)).strip().replace("|", "\\|") for cell in cells]
    row = " | ".join(words)
    return row if words and words[0] and words[-1] else f"| {row} |"


def laid_out(pages: Iterable[Iterable[Piece]]) -> tuple[str, tuple[Block, ...], tuple[int, ...]]:
    """The text of all pages' pieces, its blocks, and where each page begins in it.

    Pieces that are empty are left out. A blank line parts two pieces; a newline two rows of a table, or two items of a
    list. A page of nothing begins where the next does. A format without pages gives one, and leaves its start unused.
    """
    parts: list[str] = []
    blocks: list[Block] = []
    starts: list[int | None] = []
    length = 0
    for pieces in pages:
        starts.append(None)
        for piece in pieces:
            words = clean(piece.text).strip("\n").rstrip() if piece.kind is Kind.CODE else clean(piece.text).strip()
            if not words.strip():
                continue
            if blocks:
                parts.append("\n" if _goes_on(blocks[-1], piece) else "\n\n")
                length += len(parts[-1])
            starts = [length if start is None else start for start in starts]
            blocks.append(Block(length, length + len(words), piece.kind, piece.level))
            parts.append(words)
            length += len(words)
    return "".join(parts), tuple(blocks), tuple(length if start is None else start for start in starts)


def _goes_on(above: Block, piece: Piece) -> bool:
    """Whether a piece is of the same table or list as the block above it."""
    if piece.kind is Kind.TABLE_ROW and above.kind is Kind.TABLE_ROW:
        return piece.level == 0 or piece.level == above.level == HEAD_ROW
    return piece.kind is Kind.LIST_ITEM and above.kind is Kind.LIST_ITEM
