"""Windows of whole sentences that fit the encoder: what is embedded, searched and read.

A passage never mixes kinds: a caption stands alone, furniture is in none. A heading is no part of a passage's
characters; its words go to the encoder and the lexical index with the paragraph after it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from index.documents import Document
from index.paragraphs import Kind, Paragraph
from index.sentences import sentence_spans

SPECIAL_PIECES = 2

# Word pieces of a title and of a heading that go before a passage at the encoder; more would crowd the passage out.
_TITLE_PIECES = 48
_HEADING_PIECES = 24
# A body paragraph below this many word pieces is joined to its neighbours: "He agreed." alone finds nothing.
_SHORT_PIECES = 12


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
    """A passage to be, before it has an id: half-open `[start, end)`, and the heading that stands right above it."""

    start: int
    end: int
    heading: str | None


CountPieces = Callable[[Sequence[str]], list[int]]


def windows(
    document: Document, paragraphs: Sequence[Paragraph], count_pieces: CountPieces, budget: int
) -> list[Window]:
    """The windows of a document, in order: each of at most `budget` word pieces, title and heading included.

    count_pieces: texts -> number of word pieces of each, as the encoder's tokenizer counts them, without specials.
    A sentence that is longer than a whole window is cut between words.
    """
    title_pieces = min(count_pieces([document.title])[0], _TITLE_PIECES) if document.title else 0
    result: list[Window] = []
    for group, heading in _groups(document, paragraphs, count_pieces):
        heading_pieces = min(count_pieces([heading])[0], _HEADING_PIECES) if heading else 0
        sentences = [span for p in group for span in sentence_spans(document.text, p.start, p.end)]
        room = max(budget - title_pieces - heading_pieces, 16)
        for start, end in _fit(document.text, sentences, count_pieces, room):
            result.append(Window(start, end, heading))
    return result


def encoder_inputs(document: Document, parts: Sequence[Window], count_pieces: CountPieces) -> list[str]:
    """What the encoder sees of each window: title and heading, shortened to their word pieces, then the text."""
    shortened: dict[tuple[str | None, int], str | None] = {}

    def short(words: str | None, pieces: int) -> str | None:
        if (words, pieces) not in shortened:
            shortened[words, pieces] = _shorten(words, pieces, count_pieces)
        return shortened[words, pieces]

    return [
        encoder_input(
            short(document.title, _TITLE_PIECES),
            short(part.heading, _HEADING_PIECES),
            document.text[part.start : part.end],
        )
        for part in parts
    ]


def encoder_input(title: str | None, heading: str | None, text: str) -> str:
    """Title, heading and text of a passage, a line each: what the encoder and the lexical index see of it."""
    return "\n".join(part for part in (title, heading, text) if part)


def _groups(
    document: Document, paragraphs: Sequence[Paragraph], count_pieces: CountPieces
) -> Iterator[tuple[list[Paragraph], str | None]]:
    """Paragraphs that make passages together, and the heading above: one each, short body neighbours joined."""
    short = _short(document.text, paragraphs, count_pieces)
    group: list[Paragraph] = []
    heading: str | None = None
    for paragraph in paragraphs:
        if paragraph.kind is Kind.FURNITURE:
            continue
        if paragraph.kind is Kind.BODY:
            if group and not _joins(group[-1], paragraph, short):
                yield group, heading
                group, heading = [], None
            group.append(paragraph)
            continue
        if group:
            yield group, heading
            group, heading = [], None
        if paragraph.kind is Kind.CAPTION:
            yield [paragraph], None
        else:
            words = " ".join(document.text[paragraph.start : paragraph.end].lstrip("# ").split())
            heading = None if words == document.title else words
    if group:
        yield group, heading


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
    text: str, sentences: Sequence[tuple[int, int]], count_pieces: CountPieces, room: int
) -> Iterator[tuple[int, int]]:
    """Runs of whole sentences of at most `room` word pieces each, in order, none twice; lengths evened out."""
    sizes = count_pieces([text[start:end] for start, end in sentences])
    total = sum(sizes)
    # A paragraph of 1.1 windows gives two halves and not a whole and a scrap.
    target = total / max(1, -(-total // room))
    left: int | None = None
    right = used = 0
    for (start, end), size in zip(sentences, sizes, strict=True):
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
