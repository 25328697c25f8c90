"""One state of a collection, as a question sees it: documents, passages, and the two searches.

Lives inside one SQLite read transaction. A hit whose id the truth does not have in it is dropped.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from index import vectors as dense
from index.derived import DerivedIndexes
from index.documents import Document
from index.embedding import EncoderIdentity, Vectors
from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from index.truth import document_number, from_blobs, meta, select_in, stored_encoder

# Hits that the truth no longer has are dropped, so a few more than asked for are fetched.
_SPARE_HITS = 16


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents a question may look at; None is no limit.

    after, before: ISO dates, inclusive; a document without a date passes neither. publisher, documents: exact names.
    """

    after: str | None = None
    before: str | None = None
    publisher: str | None = None
    documents: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.after, self.before, self.publisher, self.documents))


@dataclass(frozen=True, slots=True)
class Status:
    """The collection in numbers. furniture: paragraphs of that kind. size: bytes on disk, all files."""

    documents: int
    paragraphs: int
    passages: int
    furniture: int
    duplicates: int
    size: int
    encoder: EncoderIdentity
    generation: int
    health: str


class Snapshot:
    """One state of a collection; lives inside `Collection.reading()`."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, derived: DerivedIndexes) -> None:
        """Use `Collection.reading`."""
        self._folder = folder
        self._connection = connection
        self._derived = derived
        self.generation = int(meta(connection, "generation"))
        self.encoder = stored_encoder(connection, folder)

    def nearest(self, query: Vectors, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and cosines of the at most k nearest to one query vector (d,), best first, ties by id."""
        last, base = self._derived.base(self._connection)
        within = self._allowed(filters)
        found: list[tuple[int, float]] = []
        if base is not None:
            removed = [row[0] for row in self._connection.execute("SELECT passage_id FROM removed")]
            found.extend(_pairs(dense.search(base, query, k + _SPARE_HITS, without=removed, within=within)))
        found.extend(
            _pairs(dense.search(self._derived.tail(self._connection, self.generation, last), query, k, within=within))
        )
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:k]

    def lexical(self, query: str, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and BM25 scores of the at most k best, best first, ties by id."""
        documents = self._allowed_documents(filters)
        index = self._derived.lexical_for_reading(self._connection, self.generation)
        depth = k + _SPARE_HITS
        while True:
            hits = index.search(query, depth, documents=documents)
            known = self._known([passage_id for passage_id, _ in hits])
            if len(known) >= k or len(hits) < depth:
                break
            depth *= 2  # entries that the truth has no longer stand in the way
        return sorted((hit for hit in hits if hit[0] in known), key=lambda hit: (-hit[1], hit[0]))[:k]

    def vectors(self, passage_ids: Sequence[int]) -> Vectors:
        """Stored vectors (n, d) of passages, in the order asked for."""
        rows = dict(
            select_in(self._connection, "SELECT passage_id, vector FROM passages WHERE passage_id", passage_ids)
        )
        return from_blobs([rows[passage_id] for passage_id in passage_ids], self.encoder.dimension)

    def passages(self, passage_ids: Sequence[int]) -> list[Passage]:
        """Passages in the order asked for, those that are gone left out."""
        rows = {
            row[0]: Passage(*row)
            for row in select_in(
                self._connection,
                "SELECT p.passage_id, d.doc_id, p.start, p.end, substr(d.text, p.start + 1, p.end - p.start) "
                "FROM passages p JOIN documents d USING (doc_no) WHERE p.passage_id",
                passage_ids,
            )
        }
        return [rows[passage_id] for passage_id in passage_ids if passage_id in rows]

    def passages_of(self, doc_id: str) -> list[Passage]:
        """All passages of a document, in the order of its text."""
        number = document_number(self._connection, self._folder, doc_id)
        ids = self._connection.execute("SELECT passage_id FROM passages WHERE doc_no = ? ORDER BY start", (number,))
        return self.passages([row[0] for row in ids])

    def document(self, doc_id: str) -> Document:
        """A document, with its text. Raises UnknownDocument."""
        number = document_number(self._connection, self._folder, doc_id)
        row = self._connection.execute(f"SELECT {_DOCUMENT} FROM documents WHERE doc_no = ?", (number,)).fetchone()
        return _document(row)

    def paragraphs(self, doc_id: str) -> list[Paragraph]:
        """All paragraphs of a document, in order. Raises UnknownDocument."""
        number = document_number(self._connection, self._folder, doc_id)
        rows = self._connection.execute(
            "SELECT number, start, end, kind FROM paragraphs WHERE doc_no = ? ORDER BY number", (number,)
        )
        return [Paragraph(doc_id, row[0], row[1], row[2], Kind(row[3])) for row in rows]

    def documents(self) -> list[Document]:
        """All documents by name, without their texts (`text` is empty)."""
        rows = self._connection.execute(f"SELECT {_WITHOUT_TEXT} FROM documents ORDER BY doc_id")
        return [_document(row) for row in rows]

    def status(self) -> Status:
        """The collection in numbers."""
        one = self._connection.execute
        furniture = one("SELECT count(*) FROM paragraphs WHERE kind = ?", (Kind.FURNITURE.value,)).fetchone()[0]
        duplicates = one("SELECT count(*) - count(DISTINCT sha256) FROM documents").fetchone()[0]
        self._derived.base(self._connection)  # a damaged index leaves its notice here
        self._derived.lexical_for_reading(self._connection, self.generation)
        return Status(
            documents=one("SELECT count(*) FROM documents").fetchone()[0],
            paragraphs=one("SELECT count(*) FROM paragraphs").fetchone()[0],
            passages=one("SELECT count(*) FROM passages").fetchone()[0],
            furniture=furniture,
            duplicates=duplicates,
            size=sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file()),
            encoder=self.encoder,
            generation=self.generation,
            health="; ".join(self._derived.notices) or "ok",
        )

    def _known(self, passage_ids: Sequence[int]) -> set[int]:
        return {
            row[0]
            for row in select_in(self._connection, "SELECT passage_id FROM passages WHERE passage_id", passage_ids)
        }

    def _allowed_documents(self, filters: Filters | None) -> list[int] | None:
        if not filters:
            return None
        clauses: list[str] = []
        values: list[str] = []
        if filters.after:
            clauses.append("date >= ?")
            values.append(filters.after)
        if filters.before:  # "2022" is meant to the end of 2022
            clauses.append(f"substr(date, 1, {len(filters.before)}) <= ?")
            values.append(filters.before)
        if filters.publisher:
            clauses.append("publisher = ?")
            values.append(filters.publisher)
        sql = "SELECT doc_no, doc_id FROM documents" + (" WHERE " + " AND ".join(clauses) if clauses else "")
        wanted = set(filters.documents)
        for doc_id in filters.documents:
            document_number(
                self._connection, self._folder, doc_id
            )  # a name that is not there is a mistake, not an empty result
        return [row[0] for row in self._connection.execute(sql, values) if not wanted or row[1] in wanted]

    def _allowed(self, filters: Filters | None) -> dense.Ids | None:
        numbers = self._allowed_documents(filters)
        if numbers is None:
            return None
        rows = select_in(self._connection, "SELECT passage_id FROM passages WHERE doc_no", numbers)
        return np.array([row[0] for row in rows], np.int64)


_DOCUMENT = "doc_id, source, title, text, date, publisher, sha256, size, keep_all, url, language, pages, given"
_WITHOUT_TEXT = _DOCUMENT.replace(" text", " ''")


def _document(row: Sequence[Any]) -> Document:
    document = Document(*row)
    return replace(
        document,
        keep_all=bool(document.keep_all),
        pages=tuple(json.loads(row[-2])),
        given=tuple(json.loads(row[-1])),
    )


def _pairs(found: tuple[Any, Any]) -> list[tuple[int, float]]:
    ids, scores = found
    return [(int(i), float(s)) for i, s in zip(ids, scores, strict=True)]
