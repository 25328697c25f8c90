"""The collection on disk: one source of truth, and two derived indexes that can be made again from it.

    corpus.sqlite              the truth: documents, paragraphs, passages, vectors, the encoder's identity
    vectors-GENERATION.faiss   derived: the base, immutable        lexical/   derived: tantivy
    writer.lock                held by the one process that writes

The rule that keeps it whole: derived indexes may hold more than the truth, never less. So lexical entries are
committed first, then one SQLite transaction makes documents, passages and vectors visible and moves the generation,
and lexical deletes follow. A question runs inside one read transaction, and a hit whose id the truth does not have is
dropped. Vectors newer than the base are searched from the truth.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import filelock

from index.derived import DerivedIndexes, lexical_entry
from index.documents import Document
from index.embedding import EncoderIdentity, Vectors
from index.errors import CollectionLocked, CollectionMissing
from index.paragraphs import Paragraph
from index.passages import Window
from index.snapshot import Filters, Snapshot, Status
from index.truth import (
    CORPUS,
    blob,
    connect,
    document_number,
    faults_told,
    make_truth,
    meta,
    set_meta,
    stored_encoder,
    transaction,
)

__all__ = ["Collection", "Filters", "Prepared", "Snapshot", "Status", "create_collection", "open_collection"]

_LOCK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be stored: its paragraphs, its windows, and their vectors (n, d) in the same order."""

    document: Document
    paragraphs: Sequence[Paragraph]
    windows: Sequence[Window]
    vectors: Vectors


class Collection:
    """A collection in a folder, opened for reading, or for writing by one process at a time.

    Any number of threads may read one open collection at once, each with a connection of its own for as long as its
    `reading()` lasts; a thread that reads inside its own reading sees the same state. Threads that write wait for one
    another. So a long-lived process opens a collection once and keeps it: each new reading sees what has been
    committed by then, by whichever process.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection, lock: filelock.FileLock | None) -> None:
        """Use `open_collection` or `create_collection`."""
        self.folder = folder
        self._connection = connection
        self._lock = lock
        self.encoder = stored_encoder(connection, folder)
        self._derived = DerivedIndexes(folder, self.encoder.dimension, writable=lock is not None)
        self._writing_thread = threading.RLock()
        self._here = threading.local()
        self._idle: list[sqlite3.Connection] = []

    # Opening and closing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the files and of the writer's lock."""
        while self._idle:
            self._idle.pop().close()
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    @property
    def writable(self) -> bool:
        """Whether this process holds the writer's lock."""
        return self._lock is not None

    @property
    def notices(self) -> list[str]:
        """What was found damaged in derived files, a line each."""
        return self._derived.notices

    # Reading

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """One whole state of the collection, whatever is written meanwhile, by whichever thread or process."""
        outer: Snapshot | None = getattr(self._here, "snapshot", None)
        if outer is not None:
            yield outer
            return
        connection = self._idle.pop() if self._idle else connect(self.folder, write=False)
        try:
            with faults_told(self.folder):
                connection.execute("BEGIN")
                self._here.snapshot = Snapshot(self.folder, connection, self._derived)
                yield self._here.snapshot
        finally:
            self._here.snapshot = None
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._idle.append(connection)

    # Writing

    def replace(self, prepared: Sequence[Prepared]) -> None:
        """The documents become visible, whole, all at once; those of the same source go in the same moment."""
        if not prepared:
            return
        with self._writing():
            first = self._reserve(sum(len(p.windows) for p in prepared))
            entries, rows, old = [], [], []
            passage_id = first
            numbers = self._document_numbers(prepared)
            for p, (doc_no, exists) in zip(prepared, numbers, strict=True):
                if exists:
                    old.extend(self._passage_ids(doc_no))
                for window, vector in zip(p.windows, p.vectors, strict=True):
                    entries.append(lexical_entry(passage_id, doc_no, p.document.title, window.heading,
                                                 p.document.text[window.start : window.end]))  # fmt: skip
                    rows.append((passage_id, doc_no, window.start, window.end, window.heading, blob(vector)))
                    passage_id += 1
            lexical = self._derived.lexical_for_writing(self._connection)
            lexical.replace(entries)
            with transaction(self._connection, self.folder):
                self._forget(old)
                for p, (doc_no, _) in zip(prepared, numbers, strict=True):
                    self._store_document(doc_no, p)
                self._connection.executemany("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)", rows)
                self._next_generation()
            if old:
                lexical.replace((), removed=old)

    def describe(self, document: Document) -> None:
        """A document's date, publisher, url, and which of them a person gave, are what they are in `document`.

        Its title is part of what is embedded: see `replace`. Raises UnknownDocument.
        """
        with self._writing():
            number = document_number(self._connection, self.folder, document.doc_id)
            with transaction(self._connection, self.folder):
                self._connection.execute(
                    "UPDATE documents SET date = ?, publisher = ?, url = ?, given = ? WHERE doc_no = ?",
                    (document.date, document.publisher, document.url, json.dumps(document.given), number),
                )
                self._next_generation()

    def remove(self, doc_ids: Sequence[str]) -> None:
        """The documents, their passages and vectors go. Raises UnknownDocument, before anything goes."""
        with self._writing():
            numbers = [document_number(self._connection, self.folder, doc_id) for doc_id in doc_ids]
            old = [passage_id for number in numbers for passage_id in self._passage_ids(number)]
            with transaction(self._connection, self.folder):
                self._forget(old)
                self._connection.executemany("DELETE FROM documents WHERE doc_no = ?", [(n,) for n in numbers])
                self._next_generation()
            self._derived.lexical_for_writing(self._connection).replace((), removed=old)

    def refresh_base(self) -> None:
        """A new FAISS base where there is none that is whole, or the tail and the removed have passed a tenth of it."""
        with self._writing():
            self._derived.refresh_base(self._connection)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._writing_thread, faults_told(self.folder):
            yield

    def _reserve(self, count: int) -> int:
        """The first of `count` passage ids that nobody had or will have: committed before any is used, since SQLite
        gives AUTOINCREMENT ids again after a rollback."""
        with transaction(self._connection, self.folder):
            first = int(meta(self._connection, "next_passage_id"))
            set_meta(self._connection, "next_passage_id", str(first + count))
        return first

    def _next_generation(self) -> None:
        set_meta(self._connection, "generation", str(int(meta(self._connection, "generation")) + 1))

    def _document_numbers(self, prepared: Sequence[Prepared]) -> list[tuple[int, bool]]:
        """The number of each document, and whether it is there already, by source; new numbers are never reused."""
        with transaction(self._connection, self.folder):
            free = int(meta(self._connection, "next_doc_no"))
            numbers = []
            for p in prepared:
                row = self._connection.execute(
                    "SELECT doc_no FROM documents WHERE source = ?", (p.document.source,)
                ).fetchone()
                numbers.append((int(row[0]), True) if row else (free, False))
                free += row is None
            set_meta(self._connection, "next_doc_no", str(free))
        return numbers

    def _store_document(self, doc_no: int, prepared: Prepared) -> None:
        d = prepared.document
        self._connection.execute("DELETE FROM documents WHERE doc_no = ?", (doc_no,))
        self._connection.execute(
            f"INSERT INTO documents VALUES ({', '.join('?' * 14)})",
            (doc_no, d.doc_id, d.source, d.title, d.text, d.date, d.publisher, d.sha256, d.size, d.keep_all,
             d.url, d.language, json.dumps(d.pages), json.dumps(d.given)),
        )  # fmt: skip
        self._connection.executemany(
            "INSERT INTO paragraphs VALUES (?, ?, ?, ?, ?)",
            [(doc_no, p.number, p.start, p.end, p.kind.value) for p in prepared.paragraphs],
        )

    def _forget(self, passage_ids: Sequence[int]) -> None:
        ids = [(passage_id,) for passage_id in passage_ids]
        self._connection.executemany("INSERT OR IGNORE INTO removed VALUES (?)", ids)
        self._connection.executemany("DELETE FROM passages WHERE passage_id = ?", ids)

    def _passage_ids(self, doc_no: int) -> list[int]:
        rows = self._connection.execute("SELECT passage_id FROM passages WHERE doc_no = ?", (doc_no,))
        return [row[0] for row in rows]


def open_collection(folder: Path, *, write: bool = False) -> Collection:
    """The collection in `folder`. With `write`, this process becomes its one writer.

    Raises CollectionMissing, CollectionMismatch (another format), CollectionLocked, CollectionDamaged.
    """
    if not (folder / CORPUS).is_file():
        raise CollectionMissing(f"no collection in '{folder}'; make one with: pilcrow index PATH --collection {folder}")
    with ExitStack() as undo:
        lock = _acquire(folder) if write else None
        if lock is not None:
            undo.callback(lock.release)
        collection = Collection(folder, connect(folder, write=write), lock)
        undo.pop_all()
        return collection


def create_collection(folder: Path, encoder: EncoderIdentity) -> Collection:
    """A new, empty collection in `folder`, open for writing. Raises CollectionLocked where somebody else makes it."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / CORPUS).is_file():
        return open_collection(folder, write=True)
    with ExitStack() as undo:
        lock = _acquire(folder)
        undo.callback(lock.release)
        if not (folder / CORPUS).is_file():
            make_truth(folder, encoder)
        collection = Collection(folder, connect(folder, write=True), lock)
        undo.pop_all()
        return collection


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
