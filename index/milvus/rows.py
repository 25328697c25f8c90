"""Documents, texts and passages as rows of Milvus, each with its checksum; in and out.

A text is stored once, under the names of all documents that have it, as in a folder. Its characters, title and
paragraphs are one JSON text, cut into pieces that a VARCHAR takes and put together again to the same bytes.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from index.collection import Filters
from index.dates import days_of
from index.documents import Document
from index.encoder.embedding import Vectors
from index.errors import CollectionDamaged, CollectionError
from index.milvus.store import ALIVE, MAX_BYTES, Row
from index.paragraphs import Kind, Paragraph, stored_paragraph
from index.passages import Window, encoder_input
from index.prepared import blob, checksum
from index.terms import words_of

# A text's pieces are numbered within it: 65,536 of 65,000 bytes are 4 GB.
_PIECE_BITS = 16
HEADER = ["text_no", "key", "near", "bands", "value"]
DOCUMENT = ["row_no", "doc_no", "text_no", "value", "sum"]
WHOLE_DOCUMENT = [*DOCUMENT, "born", "died", "died_at", "doc_key", "source_key", "publisher_key", "day"]
PASSAGE = ["text_no", "start", "stop", "text"]
_FIELDS = ("doc_id", "source", "title", "date", "publisher", "sha256", "size", "keep_all", "url", "language", "pages",
           "given")  # fmt: skip
_COMPRESSED = "z:"


@dataclass(frozen=True, slots=True)
class Version:
    """A document as it is stored from one generation on: its number, its text's, and the row's own."""

    row_no: int
    doc_no: int
    text_no: int
    document: Document


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a text without reading it.

    paragraphs, furniture: how many. text_sum, paragraphs_sum: as in a folder. passages: their number and checksum by
    the part that they are in; while a collection is embedded again, of two. near: older texts it is a near-copy of.
    """

    text_no: int
    key: bytes
    pieces: int
    paragraphs: int
    furniture: int
    text_sum: bytes
    paragraphs_sum: bytes
    passages: Mapping[str, tuple[int, bytes]]
    bands: tuple[int, ...]
    near: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is stored: title, characters, and paragraphs as (number, start, end, kind)."""

    title: str | None
    characters: str
    paragraphs: tuple[tuple[int, int, int, str], ...]

    def under(self, doc_id: str) -> list[Paragraph]:
        """Its paragraphs, under one of its names."""
        return [stored_paragraph(doc_id, *row) for row in self.paragraphs]

    @property
    def rows(self) -> list[list[Any]]:
        """What a checksum of the whole text is taken over."""
        return [[self.title, self.characters], *(list(p) for p in self.paragraphs)]


def hashed(name: str) -> str:
    """What a name is looked up by: an expression takes it without quoting, whatever the name holds."""
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def document_row(row_no: int, doc_no: int, text_no: int, document: Document, born: int) -> Row:
    """A version of a document that is visible from a generation on."""
    value = {field: getattr(document, field) for field in _fields(document)}
    return {
        "row_no": row_no, "doc_no": doc_no, "text_no": text_no, "born": born, "died": ALIVE, "died_at": 0,
        "doc_key": hashed(document.doc_id), "source_key": hashed(document.source),
        "publisher_key": hashed(document.publisher) if document.publisher else "",
        "day": days_of(document.date or "0")[0],
        "value": _packed(value, document.doc_id), "sum": checksum([(*value.values(), text_no)]).hex(),
    }  # fmt: skip


def _fields(document: Document) -> tuple[str, ...]:
    """What is stored of a document; its notices only where there are any, as in collections of before."""
    return (*_FIELDS, "notices") if document.notices else _FIELDS


def version_of(row: Mapping[str, Any]) -> Version:
    """The version that a row holds, its text left out."""
    value = _unpacked(row["value"])
    value |= {name: tuple(value.get(name, ())) for name in ("pages", "given", "notices")}
    return Version(row["row_no"], row["doc_no"], row["text_no"], Document(text="", **value))


def row_is_whole(row: Mapping[str, Any]) -> bool:
    """Whether a document's row agrees with its checksum."""
    document = version_of(row).document
    values = [getattr(document, field) for field in _fields(document)]
    return checksum([(*values, row["text_no"])]).hex() == str(row["sum"])


def text_of(document: Document, paragraphs: Sequence[Paragraph]) -> Text:
    """What is stored of a document's text."""
    return Text(document.title, document.text, tuple((p.number, p.start, p.end, p.stored_kind) for p in paragraphs))


def text_rows(header: Header, text: Text) -> list[Row]:
    """A text's rows: the pieces first, the header last."""
    pieces = [_piece_row(header.text_no, n, piece) for n, piece in enumerate(_pieces(_written(text)), 1)]
    return [*pieces, header_row(header)]


def new_header(
    text_no: int, text: Text, passages: Mapping[str, tuple[int, bytes]], bands: Sequence[int], near: Sequence[int]
) -> Header:
    """What is known of a text that is about to be stored."""
    furniture = sum(kind == Kind.FURNITURE.value for _, _, _, kind in text.paragraphs)
    return Header(
        text_no, checksum(text.rows), len(list(_pieces(_written(text)))), len(text.paragraphs), furniture,
        checksum(text.rows[:1]), checksum(text.rows[1:]), dict(passages), tuple(bands), tuple(near),
    )  # fmt: skip


def header_row(header: Header) -> Row:
    """The row that holds a header."""
    described = {
        "pieces": header.pieces, "paragraphs": header.paragraphs, "furniture": header.furniture,
        "text_sum": header.text_sum.hex(), "paragraphs_sum": header.paragraphs_sum.hex(),
        "passages": {part: [n, total.hex()] for part, (n, total) in header.passages.items()},
    }  # fmt: skip
    row = _piece_row(header.text_no, 0, json.dumps(described))
    return row | {"key": header.key.hex(), "near": list(header.near), "bands": list(header.bands)}


def header_of(row: Mapping[str, Any]) -> Header:
    """The header that a row holds."""
    value = json.loads(row["value"])
    passages = {part: (n, bytes.fromhex(total)) for part, (n, total) in value["passages"].items()}
    return Header(
        row["text_no"], bytes.fromhex(row["key"]), value["pieces"], value["paragraphs"], value["furniture"],
        bytes.fromhex(value["text_sum"]), bytes.fromhex(value["paragraphs_sum"]), passages,
        tuple(int(n) for n in row["bands"]), tuple(int(n) for n in row["near"]),
    )  # fmt: skip


def header_no(text_no: int) -> int:
    """The primary key of a text's header."""
    return text_no << _PIECE_BITS


def piece_nos(header: Header) -> list[int]:
    """The primary keys of a text's pieces, in order."""
    return [header_no(header.text_no) + n for n in range(1, header.pieces + 1)]


def text_of_pieces(header: Header, rows: Iterable[Mapping[str, Any]]) -> Text:
    """The text that its pieces hold, put together. Raises ValueError where they are not those that were stored."""
    pieces = {row["piece"]: row["value"] for row in rows}
    if sorted(pieces) != list(range(1, header.pieces + 1)):
        raise ValueError("a piece of the text is absent")
    title, paragraphs, characters = json.loads("".join(pieces[n] for n in sorted(pieces)))
    text = Text(title, characters, tuple((n, start, end, kind) for n, start, end, kind in paragraphs))
    if checksum(text.rows[:1]) != header.text_sum:
        raise ValueError("the text is not the one that was stored")
    return text


def passages_sum(ids: Iterable[int], windows: Iterable[Window], vectors: Iterable[Vectors]) -> bytes:
    """The checksum of a text's passages, as in a folder."""
    return checksum(
        (passage_id, window.start, window.end, window.heading, blob(vector))
        for passage_id, window, vector in zip(ids, windows, vectors, strict=True)
    )


def passage_row(passage_id: int, text_no: int, window: Window, text: Text, vector: Vectors) -> Row:
    """A passage with its vector and the words that it is found by, those that the lexical index of a folder has."""
    characters = text.characters[window.start : window.end]
    words = " ".join(words_of(encoder_input(text.title, window.heading, characters)))
    return {
        "passage_id": passage_id, "text_no": text_no, "start": window.start, "stop": window.end,
        "heading": _packed_text(window.heading), "text": clipped(characters), "words": clipped(words),
        "vector": vector.tolist(),
    }  # fmt: skip


def window_of(row: Mapping[str, Any]) -> Window:
    """The window that a passage's row holds."""
    heading = json.loads(row["heading"]) if row["heading"] else None
    return Window(row["start"], row["stop"], heading)


def clipped(text: str) -> str:
    """As much of a text as a VARCHAR takes: a "word" of a hundred thousand letters can be one passage."""
    raw = text.encode()
    return text if len(raw) <= MAX_BYTES else raw[:MAX_BYTES].decode(errors="ignore")


def condition_of(filters: Filters | None) -> str:
    """What filters ask of a document's row, dates as `may_lie_within`; empty for nothing."""
    if not filters:
        return ""
    parts = []
    if filters.after:
        first = max(days_of(filters.after)[0], 1)
        known_in_part = [day for day in (first // 100 * 100, first // 10_000 * 10_000) if 0 < day < first]
        parts.append(f"(day >= {first} or day in {known_in_part})")
    if filters.before:
        parts.append(f"day > 0 and day <= {days_of(filters.before)[1]}")
    if filters.publisher:
        parts.append(f'publisher_key == "{hashed(filters.publisher)}"')
    if filters.documents:
        parts.append("doc_key in [" + ", ".join(f'"{hashed(name)}"' for name in filters.documents) + "]")
    return " and ".join(parts)


def earliest_first(versions: Iterable[Version]) -> list[Version]:
    """Of the names of a text, the one that it is cited under first: the earliest dated, then the first stored."""
    return sorted(versions, key=lambda v: (v.document.date is None, v.document.date or "", v.doc_no))


def damaged_text(name: str, place: str, error: Exception) -> CollectionDamaged:
    """The error for a text that does not agree with its checksum."""
    return CollectionDamaged(f"the text of '{name}' in '{place}' cannot be read ({error}); mend it with: pilcrow check")


def _piece_row(text_no: int, piece: int, value: str) -> Row:
    return {
        "piece_no": header_no(text_no) + piece, "text_no": text_no, "piece": piece, "key": "", "near": [], "bands": [],
        "value": value,
    }  # fmt: skip


def _pieces(value: str) -> Iterator[str]:
    """A value in parts of at most MAX_BYTES bytes, none of which cuts a character."""
    at = 0
    while at < len(value):
        part = clipped(value[at : at + MAX_BYTES])
        yield part
        at += len(part)


def _written(text: Text) -> str:
    return json.dumps([text.title, text.paragraphs, text.characters], ensure_ascii=False)


def _packed(value: Mapping[str, Any], name: str) -> str:
    """A JSON object as a VARCHAR takes it, compressed where it is long. Raises CollectionError where it is too long."""
    plain = json.dumps(value, ensure_ascii=False)
    if len(plain.encode()) > MAX_BYTES:
        plain = _COMPRESSED + b64encode(zlib.compress(plain.encode(), 9)).decode()
    if len(plain) > MAX_BYTES:
        raise CollectionError(f"what is known of '{name}', other than its text, is too long for Milvus; shorten it")
    return plain


def _unpacked(value: str) -> dict[str, Any]:
    if value.startswith(_COMPRESSED):
        value = zlib.decompress(b64decode(value[len(_COMPRESSED) :])).decode()
    found: dict[str, Any] = json.loads(value)
    return found


def _packed_text(heading: str | None) -> str:
    """A heading, told from none; of one that is longer than a VARCHAR, its beginning."""
    return "" if heading is None else json.dumps(heading[: MAX_BYTES // 6], ensure_ascii=False)
