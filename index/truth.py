"""corpus.sqlite, the truth: its tables, its format version, how it is opened, and what its faults are called.

Everything else in a collection can be made again from it. Knows SQLite; nothing of FAISS or tantivy.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from index.embedding import EncoderIdentity, Vectors
from index.errors import CollectionDamaged, CollectionError, CollectionMismatch, UnknownDocument
from index.vectors import Ids

CORPUS = "corpus.sqlite"
FORMAT = 2

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    doc_no INTEGER PRIMARY KEY, doc_id TEXT NOT NULL UNIQUE, source TEXT NOT NULL UNIQUE, title TEXT,
    text TEXT NOT NULL, date TEXT, publisher TEXT, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    keep_all INTEGER NOT NULL, url TEXT, language TEXT, pages TEXT NOT NULL DEFAULT '[]',
    given TEXT NOT NULL DEFAULT '[]');
CREATE TABLE paragraphs (
    doc_no INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE, number INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (doc_no, number)) WITHOUT ROWID;
CREATE TABLE passages (
    passage_id INTEGER PRIMARY KEY, doc_no INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, heading TEXT, vector BLOB NOT NULL);
CREATE INDEX passages_of_document ON passages (doc_no);
CREATE TABLE removed (passage_id INTEGER PRIMARY KEY);
"""
# What format 1 lacked. A collection of format 1 gets it when it is next opened, and nothing needs to be embedded again.
_SINCE_FORMAT_1 = """
ALTER TABLE documents ADD COLUMN url TEXT;
ALTER TABLE documents ADD COLUMN language TEXT;
ALTER TABLE documents ADD COLUMN pages TEXT NOT NULL DEFAULT '[]';
ALTER TABLE documents ADD COLUMN given TEXT NOT NULL DEFAULT '[]';
UPDATE meta SET value = '2' WHERE key = 'format';
"""


def make_truth(folder: Path, encoder: EncoderIdentity) -> None:
    """An empty truth in `folder`. Made under another name: a process killed in between leaves no half-made one."""
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
    partial.replace(folder / CORPUS)


def connect(folder: Path, *, write: bool) -> sqlite3.Connection:
    """A connection to the truth in `folder`. Raises CollectionMismatch for another format, CollectionDamaged."""
    try:
        connection = _connect(folder / CORPUS, write=write)
        found = meta(connection, "format")
        if found == "1" and os.access(folder / CORPUS, os.W_OK):
            found = _upgrade(folder)
    except sqlite3.DatabaseError as error:
        raise damaged(folder, error) from error
    if found != str(FORMAT):
        connection.close()
        raise CollectionMismatch(
            f"the collection in '{folder}' has format {found or 'none'}, this Pilcrow reads {FORMAT}; "
            "index its files again into another folder"
        )
    return connection


def _upgrade(folder: Path) -> str:
    """Brings a truth of format 1 to format 2, all or nothing; the format that it has then."""
    connection = _connect(folder / CORPUS, write=True)
    try:
        connection.execute("BEGIN IMMEDIATE")
        if meta(connection, "format") == "1":  # nobody else did it meanwhile
            for statement in filter(str.strip, _SINCE_FORMAT_1.split(";")):
                connection.execute(statement)
        connection.execute("COMMIT")
        return meta(connection, "format")
    finally:
        connection.close()


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


@contextmanager
def faults_told(folder: Path) -> Iterator[None]:
    """What SQLite has against a statement becomes an error that a user understands."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _unusable(folder, error) from error
    except sqlite3.DatabaseError as error:
        raise damaged(folder, error) from error


@contextmanager
def transaction(connection: sqlite3.Connection, folder: Path) -> Iterator[None]:
    """All of the block's statements or none, on disk when it ends."""
    with faults_told(folder):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        finally:
            # A full disk has rolled back already, and a second ROLLBACK would hide what was wrong.
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def meta(connection: sqlite3.Connection, key: str) -> str:
    """A value of the meta table; empty where there is none."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0]) if row else ""


def set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Stores a value in the meta table."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def stored_encoder(connection: sqlite3.Connection, folder: Path) -> EncoderIdentity:
    """The encoder that made the stored vectors. Raises CollectionDamaged."""
    try:
        return EncoderIdentity.from_json(meta(connection, "encoder"))
    except (ValueError, TypeError) as error:
        raise damaged(folder, error) from error


def document_number(connection: sqlite3.Connection, folder: Path, doc_id: str) -> int:
    """The number of a document. Raises UnknownDocument."""
    row = connection.execute("SELECT doc_no FROM documents WHERE doc_id = ?", (doc_id,)).fetchone()
    if row is None:
        raise UnknownDocument(f"no document '{doc_id}' in '{folder}'; 'pilcrow list' shows the names")
    return int(row[0])


def vectors_after(connection: sqlite3.Connection, last: int, dimension: int) -> tuple[Ids, Vectors]:
    """Passage ids greater than `last`, ascending, and their vectors (n, d)."""
    rows = connection.execute(
        "SELECT passage_id, vector FROM passages WHERE passage_id > ? ORDER BY passage_id", (last,)
    ).fetchall()
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    return ids, from_blobs([row[1] for row in rows], dimension)


def select_in(connection: sqlite3.Connection, sql: str, values: Sequence[int]) -> Iterator[Any]:
    """Rows of `sql IN (...)`, the values bound in groups that SQLite takes."""
    for left in range(0, len(values), 500):
        group = [int(value) for value in values[left : left + 500]]
        yield from connection.execute(f"{sql} IN ({','.join('?' * len(group))})", group)


def blob(vector: Vectors) -> bytes:
    """A vector as it is stored: float16, little-endian."""
    return vector.astype("<f2").tobytes()


def from_blobs(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """Stored vectors as one array (n, d)."""
    return np.frombuffer(b"".join(blobs), "<f2").reshape(-1, dimension).astype(np.float32)


def _unusable(folder: Path, error: Exception) -> CollectionError:
    return CollectionError(
        f"'{folder / CORPUS}' cannot be used now ({error}); free space or wait for the other process, then try again: "
        "nothing that was stored before is lost"
    )


def damaged(folder: Path, error: Exception) -> CollectionDamaged:
    """The error for a truth that cannot be read."""
    return CollectionDamaged(f"'{folder / CORPUS}' cannot be read ({error}); restore it from a backup")
