"""Windows of whole sentences that fit the encoder: what is embedded, searched and read.

A caption stands alone, so does code; rows of one table make passages together, and so do items of one list, with the
line that leads to them ("The stores are:"). Furniture is in none. A heading is no part of a passage's characters; its
words go to the encoder and the lexical index with every passage below it, up to the next; those of the headings above
that one to the lexical index alone. So do the heads of a table's columns, to the encoder beside each cell.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from index.documents import Document
from index.paragraphs import CONTENT, Kind, Paragraph, headings_above
from index.sentences import unit_spans
from index.tables import Table, TableRow, begins_table, rows_of, shown_part

SPECIAL_PIECES = 2

# Word pieces of a title and of a heading that go before a passage at the encoder; more would crowd the passage out.
_TITLE_PIECES = 48
_HEADING_PIECES = 24
# A body paragraph below this many word pieces is joined to its neighbours: "He agreed." alone finds nothing.
_SHORT_PIECES = 12
# Rows and items are found by what few of them say; a whole window of them says a little of everything.
_LISTED_PIECES = 128


@dataclass(frozen=True, slots=True)
class Passage:
    """`document.text[start:end] == text`; passage_id is a 64-bit number that is never used twice."""

    passage_id: int
    doc_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Window:
    """A passage to be, before it has an id: half-open `[start, end)`, and the headings above it, a line each.

    The nearest heading comes first, which the encoder sees; the lexical index has all, and after them a line of the
    file's name, and of rows a line of the heads of their columns.
    """

    start: int
    end: int
    heading: str | None


_NAME_WORD = re.compile(r"[^\W\d_]{3,}")
_HUMP = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])")
# What programs and cameras call a file that nobody has named.
_UNNAMED = """
    untitled document scan scanned image img dsc file copy new final draft page index readme
"""
_SAY_NOTHING = frozenset(_UNNAMED.split())

CountPieces = Callable[[Sequence[str]], list[int]]
Rows = Mapping[int, tuple[Table, TableRow]]


def windows(
    document: Document, paragraphs: Sequence[Paragraph], count_pieces: CountPieces, budget: int
) -> list[Window]:
    """The windows of a document, in order: each of at most `budget` word pieces, title and heading included.

    count_pieces: texts -> number of word pieces of each, as the encoder's tokenizer counts them, without specials.
    A sentence that is longer than a whole window is cut between words.
    """
    text = document.text
    title_pieces = min(count_pieces([document.title])[0], _TITLE_PIECES) if document.title else 0
    rows = rows_of(text, paragraphs)
    of_file = file_words(document)
    result: list[Window] = []
    for group, heading in _groups(document, paragraphs, count_pieces):
        heading_pieces = min(count_pieces([_nearest(heading)])[0], _HEADING_PIECES) if heading else 0
        units = [(p, span) for p in group for span in unit_spans(text, p)]
        shown = [shown_part(text, [p], *span, rows).text for p, span in units]
        room = max(budget - title_pieces - heading_pieces, 16)
        if group[-1].kind in _LISTED:
            room = min(room, _LISTED_PIECES)
        heads = _heads(group, rows)
        named = "\n".join(filter(None, (heading, of_file, heads))) or None
        fitting = _fit(text, [span for _, span in units], shown, count_pieces, room)
        result += [Window(start, end, named) for start, end in fitting]
    return result


def encoder_inputs(
    document: Document, paragraphs: Sequence[Paragraph], parts: Sequence[Window], count_pieces: CountPieces
) -> list[str]:
    """What the encoder sees of each window: title and heading, shortened to their word pieces, then the text, each cell
    of a table row with the head of its column."""
    shortened: dict[tuple[str | None, int], str | None] = {}

    def short(words: str | None, pieces: int) -> str | None:
        if (words, pieces) not in shortened:
            shortened[words, pieces] = _shorten(words, pieces, count_pieces)
        return shortened[words, pieces]

    rows = rows_of(document.text, paragraphs)
    of_file = file_words(document)
    inputs = []
    at = 0
    for part in parts:
        while at < len(paragraphs) and paragraphs[at].end <= part.start:
            at += 1
        end = at
        while end < len(paragraphs) and paragraphs[end].start < part.end:
            end += 1
        inside = paragraphs[at:end]
        headings = (part.heading or "").removesuffix(_heads(inside, rows)).rstrip("\n").removesuffix(of_file)
        heading = short(_nearest(headings) or None, _HEADING_PIECES)
        shown = shown_part(document.text, inside, part.start, part.end, rows)
        inputs.append(encoder_input(short(document.title, _TITLE_PIECES), heading, shown.text))
    return inputs


def file_words(document: Document) -> str:
    """What the name of a document's file says and its title does not: a CV says "she", and its name who that is.

    Words of three letters and more; empty for what is no file of its own, such as the row of a table.
    """
    name = document.source.replace("\\", "/").rpartition("/")[2]
    stem, dot, _ = name.rpartition(".")
    if not dot or "#" in name:
        return ""
    known = set(_NAME_WORD.findall((document.title or "").lower()))
    words = dict.fromkeys(_NAME_WORD.findall(_HUMP.sub(" ", stem).lower()))
    return " ".join(word for word in words if word not in known and word not in _SAY_NOTHING)


def _nearest(headings: str) -> str:
    """The first of the headings above a passage."""
    return headings.partition("\n")[0]


def _heads(paragraphs: Sequence[Paragraph], rows: Rows) -> str:
    """The heads of the columns of the rows among the paragraphs, as words of a heading."""
    row = next((p for p in paragraphs if p.number in rows), None)
    return " | ".join(filter(None, rows[row.number][0].heads)) if row else ""


def encoder_input(title: str | None, heading: str | None, text: str) -> str:
    """Title, heading and text of a passage, a line each: what the encoder and the lexical index see of it."""
    return "\n".join(part for part in (title, heading, text) if part)


# Paragraphs of these kinds make passages with others of their kind.
_LISTED = frozenset((Kind.LIST_ITEM, Kind.TABLE_ROW, Kind.FOOTNOTE))


def _groups(
    document: Document, paragraphs: Sequence[Paragraph], count_pieces: CountPieces
) -> Iterator[tuple[list[Paragraph], str | None]]:
    """Paragraphs that make passages together, and the headings above, the nearest first: one each, short body
    neighbours joined, rows of a table, items of a list, and the line that leads to these."""
    short = _short(document.text, paragraphs, count_pieces)
    above = headings_above(document.text, paragraphs)

    def headings(paragraph: Paragraph) -> str | None:
        words = [heading for heading in reversed(above[paragraph.number]) if heading != document.title]
        return "\n".join(words) or None

    group: list[Paragraph] = []
    for paragraph in paragraphs:
        if paragraph.kind is Kind.FURNITURE:
            continue
        if group and not _goes_on(group, paragraph, short):
            led = _leading(document.text, group, paragraph)
            if len(led) < len(group):
                yield group[: len(group) - len(led)], headings(group[0])
            group = led
        if paragraph.kind in CONTENT:
            group.append(paragraph)
    if group:
        yield group, headings(group[0])


def _goes_on(group: Sequence[Paragraph], paragraph: Paragraph, short: set[int]) -> bool:
    """Whether a paragraph makes one passage with those above it."""
    above = group[-1]
    if paragraph.kind is Kind.BODY:
        return above.kind is Kind.BODY and _joins(above, paragraph, short)
    if paragraph.kind is Kind.TABLE_ROW:
        return above.kind is Kind.TABLE_ROW and not begins_table(above, paragraph)
    return paragraph.kind in _LISTED and paragraph.kind is above.kind


def _leading(text: str, group: Sequence[Paragraph], paragraph: Paragraph) -> list[Paragraph]:
    """The last of the paragraphs where it leads to the next, a list, a table or code: "To start it:"."""
    above = group[-1]
    follows = paragraph.number == above.number + 1 and paragraph.kind in (*_LISTED, Kind.CODE)
    return [above] if follows and above.kind is Kind.BODY and text[above.start : above.end].endswith(":") else []


def _joins(above: Paragraph, paragraph: Paragraph, short: set[int]) -> bool:
    """Whether two body paragraphs make one passage: neighbours, with nothing between them, one of them short."""
    return paragraph.number == above.number + 1 and (paragraph.number in short or above.number in short)


def _short(text: str, paragraphs: Sequence[Paragraph], count_pieces: CountPieces) -> set[int]:
    """Numbers of the body paragraphs that are too short to be found by themselves."""
    body = [p for p in paragraphs if p.kind is Kind.BODY]
    # Word pieces are never more than characters, so a long paragraph needs no counting.
    maybe = [p for p in body if p.end - p.start < _SHORT_PIECES * 12]
    pieces = count_pieces([text[p.start : p.end] for p in maybe])
    return {p.number for p, n in zip(maybe, pieces, strict=True) if n < _SHORT_PIECES}


def _fit(
    text: str, units: Sequence[tuple[int, int]], shown: Sequence[str], count_pieces: CountPieces, room: int
) -> Iterator[tuple[int, int]]:
    """Runs of whole sentences or rows of at most `room` word pieces each, in order, none twice; lengths evened out.

    shown: what the encoder sees of each of them.
    """
    sizes = count_pieces(shown)
    total = sum(sizes)
    # A paragraph of 1.1 windows gives two halves and not a whole and a scrap.
    target = total / max(1, -(-total // room))
    left: int | None = None
    right = used = 0
    for (start, end), size in zip(units, sizes, strict=True):
        if left is not None and (used + size > room or used + size / 2 > target):
            yield left, right
            left, used = None, 0
        if size > room:
            yield from _cut(text, start, end, count_pieces, room)
            continue
        left = start if left is None else left
        right, used = end, used + size
    if left is not None:
        yield left, right


def _shorten(text: str | None, pieces: int, count_pieces: CountPieces) -> str | None:
    """The first words of a text that make at most so many word pieces."""
    if text is None or count_pieces([text])[0] <= pieces:
        return text
    words = text.split()[:pieces]
    sizes = count_pieces(words)
    while words and sum(sizes[: len(words)]) > pieces:
        words.pop()
    return " ".join(words)


_WORD = re.compile(r"\S{1,40}\s*")


def _cut(text: str, start: int, end: int, count_pieces: CountPieces, room: int) -> Iterator[tuple[int, int]]:
    """A sentence longer than a window, cut between words, and inside words of more than forty characters."""
    words = [(m.start(), m.start() + len(m[0].rstrip())) for m in _WORD.finditer(text, start, end)]
    sizes = count_pieces([text[a:b] for a, b in words])
    left, used = start, 0
    right = start
    for (a, b), size in zip(words, sizes, strict=True):
        if used and used + size > room:
            yield left, right
            left, used = a, 0
        right, used = b, used + size
    yield left, right
