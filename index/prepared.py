"""What is stored of a document: its paragraphs, its windows and their vectors, and the sums that tell them apart.

Knows no database: a folder and Milvus keep the same bytes of the same document.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.documents import Document
from index.encoder.embedding import Vectors
from index.paragraphs import Paragraph
from index.passages import Window

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be stored: its paragraphs, its windows, and their vectors (n, d) in the same order.

    Of a text that is stored already, the windows and vectors are not looked at.
    """

    document: Document
    paragraphs: Sequence[Paragraph]
    windows: Sequence[Window]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Passages:
    """The passages of a stored text by another encoder: its windows, and their vectors (n, d) in the same order."""

    text_no: int
    windows: Sequence[Window]
    vectors: Vectors


def checksum(rows: Iterable[Row]) -> bytes:
    """BLAKE2b of rows, 16 bytes: of their values, each with its type and its length."""
    digest = hashlib.blake2b(digest_size=16)
    for row in rows:
        for value in row:
            raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
            digest.update(f"{type(value).__name__[0]}{len(raw)}:".encode())
            digest.update(raw)
        digest.update(b";")
    return digest.digest()


def text_key(document: Document, paragraphs: Sequence[Paragraph]) -> bytes:
    """What is equal for two documents of the same text, 16 bytes."""
    return checksum([(document.title, document.text), *paragraph_rows(paragraphs)])


def grouped(passages: Iterable[Passages], enough: int) -> Iterator[list[Passages]]:
    """Those of several texts together, in order: each time as soon as there are `enough` windows, and the rest."""
    group: list[Passages] = []
    count = 0
    for p in passages:
        group.append(p)
        count += len(p.windows)
        if count >= enough:
            yield group
            group, count = [], 0
    if group:
        yield group


def blob(vector: Vectors) -> bytes:
    """A vector as it is stored: float16, little-endian."""
    return vector.astype("<f2").tobytes()


def from_blobs(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """Stored vectors as one array (n, d)."""
    return np.frombuffer(b"".join(blobs), "<f2").reshape(-1, dimension).astype(np.float32)


def paragraph_rows(paragraphs: Sequence[Paragraph]) -> list[tuple[int, int, int, str]]:
    """What is stored of each paragraph."""
    return [(p.number, p.start, p.end, p.stored_kind) for p in paragraphs]
