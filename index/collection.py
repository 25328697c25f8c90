"""The collection on disk: one source of truth, and two derived indexes that can be made again from it.

    corpus.sqlite              the truth: documents, paragraphs, passages, vectors, the encoder's identity
    vectors-GENERATION.faiss   derived: the base, immutable        lexical/   derived: tantivy
    writer.lock                held by the one process that writes

The rule that keeps it whole: derived indexes may hold more than the truth, never less. So lexical entries are
committed first, then one SQLite transaction makes documents, passages and vectors visible and moves the generation,
and lexical deletes follow. A question runs inside one read transaction, and a hit whose id the truth does not have is
dropped. Vectors newer than the base are searched from the truth.
"""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import filelock
import numpy as np

from index import vectors as dense
from index.documents import Document
from index.embedding import EncoderIdentity, Vectors
from index.errors import (
    CollectionDamaged,
    CollectionError,
    CollectionLocked,
    CollectionMismatch,
    CollectionMissing,
    UnknownDocument,
)
from index.lexical import LexicalEntry, LexicalIndex, remove_folder
from index.paragraphs import Kind, Paragraph
from index.passages import Passage, Window, encoder_input

FORMAT = 1
_CORPUS = "corpus.sqlite"
# A tail longer than this share of the base is worth a new base: search over the tail reads it from the truth.
_TAIL_SHARE = 0.1
# Hits that the truth no longer has are dropped, so a few more than asked for are fetched.
_SPARE_HITS = 16
_LOCK_SECONDS = 3.0

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    doc_no INTEGER PRIMARY KEY, doc_id TEXT NOT NULL UNIQUE, source TEXT NOT NULL UNIQUE, title TEXT,
    text TEXT NOT NULL, date TEXT, publisher TEXT, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    keep_all INTEGER NOT NULL);
CREATE TABLE paragraphs (
    doc_no INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE, number INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (doc_no, number)) WITHOUT ROWID;
CREATE TABLE passages (
    passage_id INTEGER PRIMARY KEY, doc_no INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, heading TEXT, vector BLOB NOT NULL);
CREATE INDEX passages_of_document ON passages (doc_no);
CREATE TABLE removed (passage_id INTEGER PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be stored: its paragraphs, its windows, and their vectors (n, d) in the same order."""

    document: Document
    paragraphs: Sequence[Paragraph]
    windows: Sequence[Window]
    vectors: Vectors


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


class Collection:
    """A collection in a folder, opened for reading, or for writing by one process at a time."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, lock: filelock.FileLock | None) -> None:
        """Use `open_collection` or `create_collection`."""
        self.folder = folder
        self.notices: list[str] = []
        self._connection = connection
        self._lock = lock
        self._base: tuple[str, Any] = ("", None)
        self._tail: tuple[tuple[int, int], Any] = ((-1, -1), None)
        self._lexical: LexicalIndex | None = None
        self._lexical_generation = -1
        self._lexical_is_stored = False
        self._one_at_a_time = threading.RLock()
        self._nested = 0
        self.encoder = _stored_encoder(folder, self._meta("encoder"))

    # Opening and closing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the files and of the writer's lock."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    @property
    def writable(self) -> bool:
        """Whether this process holds the writer's lock."""
        return self._lock is not None

    # Reading

    @contextmanager
    def reading(self) -> Iterator["Snapshot"]:
        """One whole state of the collection, whatever is written meanwhile; threads wait for one another."""
        with self._one_at_a_time:
            if not self._nested:
                self._execute("BEGIN")
            self._nested += 1
            try:
                yield Snapshot(self)
            except sqlite3.OperationalError as error:
                raise _unusable(self.folder, error) from error
            except sqlite3.DatabaseError as error:
                raise _damaged(self.folder, error) from error
            finally:
                self._nested -= 1
                if not self._nested and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _execute(self, statement: str) -> None:
        """One statement without a result; what SQLite has against it becomes an error that a user understands."""
        try:
            self._connection.execute(statement)
        except sqlite3.OperationalError as error:
            raise _unusable(self.folder, error) from error
        except sqlite3.DatabaseError as error:
            raise _damaged(self.folder, error) from error

    def _meta(self, key: str) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    def _set_meta(self, key: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # Writing

    def replace(self, prepared: Sequence[Prepared]) -> None:
        """The documents become visible, whole, all at once; those of the same source go in the same moment."""
        if not prepared:
            return
        first = self._reserve(sum(len(p.windows) for p in prepared))
        entries, rows, old = [], [], []
        passage_id = first
        numbers = self._document_numbers(prepared)
        for p, (doc_no, exists) in zip(prepared, numbers, strict=True):
            if exists:
                old.extend(self._passage_ids(doc_no))
            for window, vector in zip(p.windows, p.vectors, strict=True):
                entries.append(_lexical_entry(passage_id, doc_no, p.document.title, window.heading,
                                              p.document.text[window.start : window.end]))  # fmt: skip
                rows.append((passage_id, doc_no, window.start, window.end, window.heading, _blob(vector)))
                passage_id += 1
        lexical = self._lexical_for_writing()
        lexical.replace(entries)
        with self._transaction():
            self._forget(old)
            for p, (doc_no, _) in zip(prepared, numbers, strict=True):
                self._store_document(doc_no, p)
            self._connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._next_generation()
        if old:
            lexical.replace((), removed=old)

    def remove(self, doc_ids: Sequence[str]) -> None:
        """The documents, their passages and vectors go. Raises UnknownDocument, before anything goes."""
        numbers = [self._document_number(doc_id) for doc_id in doc_ids]
        old = [passage_id for number in numbers for passage_id in self._passage_ids(number)]
        with self._transaction():
            self._forget(old)
            self._connection.executemany("DELETE FROM documents WHERE doc_no = ?", [(n,) for n in numbers])
            self._next_generation()
        self._lexical_for_writing().replace((), removed=old)

    def refresh_base(self) -> None:
        """A new FAISS base where there is none that is whole, or the tail and the removed have passed a tenth of it."""
        stated = self._base_stated()
        whole = self._base_index()[1] is not None
        count, outside = self._connection.execute(
            "SELECT count(*), coalesce(sum(passage_id > ?), 0) FROM passages", (stated["last"],)
        ).fetchone()
        removed = self._connection.execute("SELECT count(*) FROM removed").fetchone()[0]
        if outside + removed <= _TAIL_SHARE * max(count, 1) and (whole or not count):
            return
        ids, vectors = self._vectors_after(-1)
        generation = int(self._meta("generation"))
        name = f"vectors-{generation}.faiss"
        path = self.folder / name
        dense.save(dense.build(ids, vectors), path)
        stated = {"name": name, "last": int(ids.max(initial=-1)), "bytes": path.stat().st_size, "blake2": _digest(path)}
        with self._transaction():
            self._set_meta("base", json.dumps(stated))
            self._connection.execute("DELETE FROM removed")
        for old in self.folder.glob("vectors-*.faiss"):
            if old.name != name:
                old.unlink(missing_ok=True)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise _unusable(self.folder, error) from error
        finally:
            # A full disk has rolled back already, and a second ROLLBACK would hide what was wrong.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _reserve(self, count: int) -> int:
        """The first of `count` passage ids that nobody had or will have: committed before any is used, since SQLite
        gives AUTOINCREMENT ids again after a rollback."""
        with self._transaction():
            first = int(self._meta("next_passage_id"))
            self._set_meta("next_passage_id", str(first + count))
        return first

    def _next_generation(self) -> None:
        self._set_meta("generation", str(int(self._meta("generation")) + 1))

    def _document_numbers(self, prepared: Sequence[Prepared]) -> list[tuple[int, bool]]:
        """The number of each document, and whether it is there already, by source; new numbers are never reused."""
        with self._transaction():
            free = int(self._meta("next_doc_no"))
            numbers = []
            for p in prepared:
                row = self._connection.execute(
                    "SELECT doc_no FROM documents WHERE source = ?", (p.document.source,)
                ).fetchone()
                numbers.append((int(row[0]), True) if row else (free, False))
                free += row is None
            self._set_meta("next_doc_no", str(free))
        return numbers

    def _store_document(self, doc_no: int, prepared: Prepared) -> None:
        d = prepared.document
        self._connection.execute("DELETE FROM documents WHERE doc_no = ?", (doc_no,))
        self._connection.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (doc_no, d.doc_id, d.source, d.title, d.text, d.date, d.publisher, d.sha256, d.size, d.keep_all),
        )
        self._connection.executemany(
            "INSERT INTO paragraphs VALUES (?, ?, ?, ?, ?)",
            [(doc_no, p.number, p.start, p.end, p.kind.value) for p in prepared.paragraphs],
        )

    def _forget(self, passage_ids: Sequence[int]) -> None:
        ids = [(passage_id,) for passage_id in passage_ids]
        self._connection.executemany("INSERT OR IGNORE INTO removed VALUES (?)", ids)
        self._connection.executemany("DELETE FROM passages WHERE passage_id = ?", ids)

    def _document_number(self, doc_id: str) -> int:
        row = self._connection.execute("SELECT doc_no FROM documents WHERE doc_id = ?", (doc_id,)).fetchone()
        if row is None:
            raise UnknownDocument(f"no document '{doc_id}' in '{self.folder}'; 'pilcrow list' shows the names")
        return int(row[0])

    def _passage_ids(self, doc_no: int) -> list[int]:
        rows = self._connection.execute("SELECT passage_id FROM passages WHERE doc_no = ?", (doc_no,))
        return [row[0] for row in rows]

    # The derived indexes

    def _base_stated(self) -> dict[str, Any]:
        """What the truth says of the base: its file's name, last passage id, length and BLAKE2."""
        stored = self._meta("base")
        return dict(json.loads(stored)) if stored else {"name": "", "last": -1, "bytes": 0, "blake2": ""}

    def _base_index(self) -> tuple[int, Any]:
        """The last passage id of the base, and the base; (-1, None) where there is none that can be trusted."""
        stated = self._base_stated()
        name = stated["name"]
        if not name:
            return -1, None
        if self._base[0] != name:
            path = self.folder / name
            try:
                self._base = (name, _load_base(path, stated["bytes"], self.encoder.dimension))
            except (OSError, RuntimeError) as error:
                self._notice(f"the vector index is damaged ({error}); answering from the stored vectors")
                self._base = (name, None)
        index = self._base[1]
        return (-1, None) if index is None else (int(stated["last"]), index)

    def _vectors_after(self, last: int) -> tuple[dense.Ids, Vectors]:
        rows = self._connection.execute(
            "SELECT passage_id, vector FROM passages WHERE passage_id > ? ORDER BY passage_id", (last,)
        ).fetchall()
        ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        return ids, _from_blobs([row[1] for row in rows], self.encoder.dimension)

    def _tail_index(self, generation: int, last: int) -> Any:
        if self._tail[0] != (generation, last):  # a new base moves no generation, but shortens the tail
            self._tail = ((generation, last), dense.build(*self._vectors_after(last)))
        return self._tail[1]

    def _lexical_for_writing(self) -> LexicalIndex:
        if self._lexical is None:
            self._lexical = self._open_lexical(repair=True)
        return self._lexical

    def _lexical_for_reading(self, generation: int) -> LexicalIndex:
        """The lexical index as of now; one in memory is given up when the collection has moved on."""
        if self._lexical is not None and self._lexical_generation != generation:
            if self._lexical_is_stored:
                self._lexical.reload()
            else:
                self._lexical = None
        if self._lexical is None:
            self._lexical = self._open_lexical(repair=self.writable)
        self._lexical_generation = generation
        return self._lexical

    def _open_lexical(self, *, repair: bool) -> LexicalIndex:
        """The lexical index on disk. Where it is absent or damaged, the writer makes it again, and a reader makes its
        own in memory; both from the truth. It may hold more than the truth, never less; the writer accepts neither."""
        folder = self.folder / "lexical"
        passages = self._connection.execute("SELECT count(*) FROM passages").fetchone()[0]
        index, reason = _stored_lexical(folder)
        if index is not None and (len(index) == passages or (len(index) > passages and not repair)):
            self._lexical_is_stored = True
            return index
        if passages:
            self._notice(f"the lexical index is {reason or 'not complete'}; made again{'' if repair else ' in memory'}")
        self._lexical_is_stored = repair
        if not repair:
            memory = LexicalIndex(None)
            memory.replace(self._lexical_entries())
            return memory
        # Made under another name: a process killed in between must not leave an index that looks whole.
        partial = self.folder / "lexical.partial"
        remove_folder(partial)
        LexicalIndex(partial).replace(self._lexical_entries())
        remove_folder(folder)
        partial.rename(folder)
        return LexicalIndex(folder)

    def _lexical_entries(self) -> Iterator[LexicalEntry]:
        rows = self._connection.execute(
            "SELECT p.passage_id, p.doc_no, d.title, p.heading, substr(d.text, p.start + 1, p.end - p.start) "
            "FROM passages p JOIN documents d USING (doc_no)"
        )
        return (_lexical_entry(*row) for row in rows)

    def _notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)


class Snapshot:
    """One state of a collection; lives inside `Collection.reading()`."""

    def __init__(self, collection: Collection) -> None:
        """Use `Collection.reading`."""
        self._collection = collection
        self._connection = collection._connection
        self.generation = int(collection._meta("generation"))

    def nearest(self, query: Vectors, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and cosines of the at most k nearest to one query vector (d,), best first, ties by id."""
        c = self._collection
        last, base = c._base_index()
        within = self._allowed(filters)
        found: list[tuple[int, float]] = []
        if base is not None:
            removed = [row[0] for row in self._connection.execute("SELECT passage_id FROM removed")]
            found.extend(_pairs(dense.search(base, query, k + _SPARE_HITS, without=removed, within=within)))
        found.extend(_pairs(dense.search(c._tail_index(self.generation, last), query, k, within=within)))
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:k]

    def lexical(self, query: str, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and BM25 scores of the at most k best, best first, ties by id."""
        documents = self._allowed_documents(filters)
        index = self._collection._lexical_for_reading(self.generation)
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
            _select_in(self._connection, "SELECT passage_id, vector FROM passages WHERE passage_id", passage_ids)
        )
        return _from_blobs([rows[passage_id] for passage_id in passage_ids], self._collection.encoder.dimension)

    def passages(self, passage_ids: Sequence[int]) -> list[Passage]:
        """Passages in the order asked for, those that are gone left out."""
        rows = {
            row[0]: Passage(*row)
            for row in _select_in(
                self._connection,
                "SELECT p.passage_id, d.doc_id, p.start, p.end, substr(d.text, p.start + 1, p.end - p.start) "
                "FROM passages p JOIN documents d USING (doc_no) WHERE p.passage_id",
                passage_ids,
            )
        }
        return [rows[passage_id] for passage_id in passage_ids if passage_id in rows]

    def passages_of(self, doc_id: str) -> list[Passage]:
        """All passages of a document, in the order of its text."""
        number = self._collection._document_number(doc_id)
        ids = self._connection.execute("SELECT passage_id FROM passages WHERE doc_no = ? ORDER BY start", (number,))
        return self.passages([row[0] for row in ids])

    def document(self, doc_id: str) -> Document:
        """A document, with its text. Raises UnknownDocument."""
        number = self._collection._document_number(doc_id)
        row = self._connection.execute(
            "SELECT doc_id, source, title, text, date, publisher, sha256, size, keep_all "
            "FROM documents WHERE doc_no = ?",
            (number,),
        ).fetchone()
        return _document(row)

    def paragraphs(self, doc_id: str) -> list[Paragraph]:
        """All paragraphs of a document, in order. Raises UnknownDocument."""
        number = self._collection._document_number(doc_id)
        rows = self._connection.execute(
            "SELECT number, start, end, kind FROM paragraphs WHERE doc_no = ? ORDER BY number", (number,)
        )
        return [Paragraph(doc_id, row[0], row[1], row[2], Kind(row[3])) for row in rows]

    def documents(self) -> list[Document]:
        """All documents by name, without their texts (`text` is empty)."""
        rows = self._connection.execute(
            "SELECT doc_id, source, title, '', date, publisher, sha256, size, keep_all FROM documents ORDER BY doc_id"
        )
        return [_document(row) for row in rows]

    def status(self) -> Status:
        """The collection in numbers."""
        one = self._connection.execute
        furniture = one("SELECT count(*) FROM paragraphs WHERE kind = ?", (Kind.FURNITURE.value,)).fetchone()[0]
        duplicates = one("SELECT count(*) - count(DISTINCT sha256) FROM documents").fetchone()[0]
        folder = self._collection.folder
        self._collection._base_index()  # a damaged index leaves its notice here
        self._collection._lexical_for_reading(self.generation)
        return Status(
            documents=one("SELECT count(*) FROM documents").fetchone()[0],
            paragraphs=one("SELECT count(*) FROM paragraphs").fetchone()[0],
            passages=one("SELECT count(*) FROM passages").fetchone()[0],
            furniture=furniture,
            duplicates=duplicates,
            size=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            encoder=self._collection.encoder,
            generation=self.generation,
            health="; ".join(self._collection.notices) or "ok",
        )

    def _known(self, passage_ids: Sequence[int]) -> set[int]:
        return {
            row[0]
            for row in _select_in(self._connection, "SELECT passage_id FROM passages WHERE passage_id", passage_ids)
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
            self._collection._document_number(doc_id)  # a name that is not there is a mistake, not an empty result
        return [row[0] for row in self._connection.execute(sql, values) if not wanted or row[1] in wanted]

    def _allowed(self, filters: Filters | None) -> dense.Ids | None:
        numbers = self._allowed_documents(filters)
        if numbers is None:
            return None
        rows = _select_in(self._connection, "SELECT passage_id FROM passages WHERE doc_no", numbers)
        return np.array([row[0] for row in rows], np.int64)


def open_collection(folder: Path, *, write: bool = False) -> Collection:
    """The collection in `folder`. With `write`, this process becomes its one writer.

    Raises CollectionMissing, CollectionMismatch (another format), CollectionLocked, CollectionDamaged.
    """
    if not (folder / _CORPUS).is_file():
        raise CollectionMissing(f"no collection in '{folder}'; make one with: pilcrow index PATH --collection {folder}")
    with ExitStack() as undo:
        lock = _acquire(folder) if write else None
        if lock is not None:
            undo.callback(lock.release)
        try:
            collection = Collection(folder, _connect_checked(folder, write=write), lock)
        except sqlite3.DatabaseError as error:
            raise _damaged(folder, error) from error
        undo.pop_all()
        return collection


def _connect_checked(folder: Path, *, write: bool) -> sqlite3.Connection:
    """A connection to a truth of the format that this version reads."""
    connection = _connect(folder / _CORPUS, write=write)
    row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    if row is None or row[0] != str(FORMAT):
        raise CollectionMismatch(
            f"the collection in '{folder}' has format {row[0] if row else 'none'}, this Pilcrow reads {FORMAT}; "
            "index its files again into another folder"
        )
    return connection


def create_collection(folder: Path, encoder: EncoderIdentity) -> Collection:
    """A new, empty collection in `folder`, open for writing. Raises CollectionLocked where somebody else makes it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = _acquire(folder)
    corpus = folder / _CORPUS
    if corpus.is_file():
        lock.release()
        return open_collection(folder, write=True)
    # Made under another name: a process killed in between leaves no half-made truth behind.
    partial = folder / "corpus.partial"
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial, isolation_level=None)
    connection.executescript(_SCHEMA)
    meta = {"format": str(FORMAT), "encoder": encoder.to_json(), "generation": "0", "next_passage_id": "1",
            "next_doc_no": "1", "base": ""}  # fmt: skip
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.close()
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(corpus)
    return Collection(folder, _connect(corpus, write=True), lock)


def _acquire(folder: Path) -> filelock.FileLock:
    lock = filelock.FileLock(folder / "writer.lock", timeout=_LOCK_SECONDS)
    holder = folder / "writer.pid"
    try:
        lock.acquire()
    except filelock.Timeout as error:
        who = holder.read_text() if holder.is_file() else "another process"
        raise CollectionLocked(f"'{folder}' is being written by {who}; try again when it has finished") from error
    holder.write_text(f"process {os.getpid()}")
    return lock


def _connect(corpus: Path, *, write: bool) -> sqlite3.Connection:
    if write:
        connection = sqlite3.connect(corpus, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
    else:
        wal = corpus.with_name(corpus.name + "-wal")
        still = not os.access(corpus.parent, os.W_OK) and (not wal.exists() or wal.stat().st_size == 0)
        uri = f"{corpus.absolute().as_uri()}?mode=ro" + ("&immutable=1" if still else "")
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 5000")
    return connection


def _select_in(connection: sqlite3.Connection, sql: str, values: Sequence[int]) -> Iterator[Any]:
    """Rows of `sql IN (...)`, the values bound in groups that SQLite takes."""
    for left in range(0, len(values), 500):
        group = [int(value) for value in values[left : left + 500]]
        yield from connection.execute(f"{sql} IN ({','.join('?' * len(group))})", group)


def _lexical_entry(passage_id: int, doc_no: int, title: str | None, heading: str | None, text: str) -> LexicalEntry:
    return LexicalEntry(passage_id, doc_no, encoder_input(title, heading, text))


def _stored_lexical(folder: Path) -> tuple[LexicalIndex | None, str]:
    """The lexical index in a folder; None, and why, where there is none that opens."""
    if not (folder / "meta.json").is_file():
        return None, "absent"
    try:
        return LexicalIndex(folder), ""
    except (OSError, ValueError) as error:
        return None, f"damaged ({error})"


def _load_base(path: Path, size: int, dimension: int) -> Any:
    """The base index. Raises OSError or RuntimeError where the file is absent, of another length, or no such index."""
    found = path.stat().st_size
    if found != size:
        raise OSError(f"{path.name} has {found} bytes, not {size}")
    index = dense.load(path)
    if index.d != dimension:
        raise OSError(f"{path.name} has {index.d} dimensions, not {dimension}")
    return index


def _stored_encoder(folder: Path, stored: str) -> EncoderIdentity:
    try:
        return EncoderIdentity.from_json(stored)
    except (ValueError, TypeError) as error:
        raise _damaged(folder, error) from error


def _unusable(folder: Path, error: Exception) -> CollectionError:
    return CollectionError(
        f"'{folder / _CORPUS}' cannot be used now ({error}); free space or wait for the other process, then try again: "
        "nothing that was stored before is lost"
    )


def _damaged(folder: Path, error: Exception) -> CollectionDamaged:
    return CollectionDamaged(f"'{folder / _CORPUS}' cannot be read ({error}); restore it from a backup")


def _document(row: Sequence[Any]) -> Document:
    return replace(Document(*row[:-1]), keep_all=bool(row[-1]))


def _pairs(found: tuple[Any, Any]) -> list[tuple[int, float]]:
    ids, scores = found
    return [(int(i), float(s)) for i, s in zip(ids, scores, strict=True)]


def _blob(vector: Vectors) -> bytes:
    return vector.astype("<f2").tobytes()


def _from_blobs(blobs: Sequence[bytes], dimension: int) -> Vectors:
    return np.frombuffer(b"".join(blobs), "<f2").reshape(-1, dimension).astype(np.float32)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
