"""corpus.sqlite, the truth: its tables, its format version, how it is opened, and what its faults are called.

Everything else in a collection can be made again from it. Knows SQLite; nothing of FAISS or tantivy.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from index.encoder.embedding import EncoderIdentity
from index.errors import CollectionDamaged, CollectionError, CollectionMismatch

# Where `reindex` keeps what it has embedded, until all is.
REINDEXING = "reindex.sqlite"

CORPUS = "corpus.sqlite"
FORMAT = 3

# A text, with its paragraphs, passages and vectors, is stored once; documents are its names. `key` is what makes two
# texts the same. Each `..._sum` is a checksum (see index.folder.rows), since SQLite does not notice a flipped byte.
TABLES = """
CREATE TABLE texts (
    text_no INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, title TEXT, text TEXT NOT NULL,
    text_sum BLOB NOT NULL, paragraphs_sum BLOB NOT NULL, passages_sum BLOB NOT NULL, minhash BLOB);
CREATE TABLE documents (
    doc_no INTEGER PRIMARY KEY, doc_id TEXT NOT NULL UNIQUE, source TEXT NOT NULL UNIQUE,
    text_no INTEGER NOT NULL REFERENCES texts, date TEXT, publisher TEXT, sha256 TEXT NOT NULL, size INTEGER NOT NULL,
    keep_all INTEGER NOT NULL, url TEXT, language TEXT, pages TEXT NOT NULL, given TEXT NOT NULL,
    document_sum BLOB NOT NULL);
CREATE INDEX documents_of_text ON documents (text_no);
CREATE INDEX documents_of_bytes ON documents (sha256);
CREATE TABLE paragraphs (
    text_no INTEGER NOT NULL REFERENCES texts ON DELETE CASCADE, number INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (text_no, number)) WITHOUT ROWID;
CREATE TABLE passages (
    passage_id INTEGER PRIMARY KEY, text_no INTEGER NOT NULL REFERENCES texts ON DELETE CASCADE,
    start INTEGER NOT NULL, end INTEGER NOT NULL, heading TEXT, vector BLOB NOT NULL);
CREATE INDEX passages_of_text ON passages (text_no);
CREATE TABLE near_keys (
    key INTEGER NOT NULL, text_no INTEGER NOT NULL, PRIMARY KEY (key, text_no)) WITHOUT ROWID;
CREATE TABLE near_copies (
    text_no INTEGER NOT NULL REFERENCES texts ON DELETE CASCADE,
    other_no INTEGER NOT NULL REFERENCES texts ON DELETE CASCADE, PRIMARY KEY (text_no, other_no)) WITHOUT ROWID;
CREATE INDEX near_copies_of_other ON near_copies (other_no);
"""
_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE removed (passage_id INTEGER PRIMARY KEY);
{TABLES}
"""


def make_truth(folder: Path, encoder: EncoderIdentity) -> None:
    """An empty truth in `folder`. Made under another name: a process killed in between leaves no half-made one."""
    partial = folder / "corpus.partial"
    partial.unlink(missing_ok=True)
    with sqlite_errors_as_ours(folder), closing(sqlite3.connect(partial, isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
        meta = {"format": str(FORMAT), "encoder": encoder.to_json(), "generation": "0", "next_passage_id": "1",
                "next_doc_no": "1", "next_text_no": "1"}  # fmt: skip
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    put_in_place(partial, folder / CORPUS)


def put_in_place(partial: Path, path: Path) -> None:
    """Renames a finished file, its bytes on disk first: what stands under `path` is always whole."""
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    # Where a folder can be opened, the rename itself is made to last; elsewhere the system sees to it.
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def connect(folder: Path, *, write: bool) -> sqlite3.Connection:
    """A connection to the truth in `folder`, of whichever format. Raises CollectionDamaged where it is none.

    Reading a folder that nobody may write to, with nothing left in the write-ahead log, asks for no lock and makes no
    file there (`immutable`).
    """
    how = "mode=rw" if write else "mode=ro&immutable=1" if is_still(folder) else "mode=ro"
    uri = f"{(folder / CORPUS).absolute().as_uri()}?{how}"
    with sqlite_errors_as_ours(folder), ExitStack() as undo:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        undo.callback(connection.close)
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("SELECT count(*) FROM meta").fetchone()
        undo.pop_all()
    return connection


def is_still(folder: Path, file: str = CORPUS) -> bool:
    """Whether nobody of our rights can be writing in `folder`, and all that was written is in the database itself."""
    wal = folder / f"{file}-wal"
    return not os.access(folder, os.W_OK) and (not wal.exists() or wal.stat().st_size == 0)


def require_format(connection: sqlite3.Connection, folder: Path) -> None:
    """Raises CollectionMismatch for a truth of another format than this version reads."""
    found = meta(connection, "format")
    if found != str(FORMAT):
        raise CollectionMismatch(
            f"the collection in '{folder}' has format {found or 'none'}, this Pilcrow reads {FORMAT}; "
            "use a newer Pilcrow, or index its files again into another folder"
        )


@contextmanager
def sqlite_errors_as_ours(folder: Path, file: str = CORPUS) -> Iterator[None]:
    """What SQLite has against a statement becomes an error that a user understands.

    file: the database of the statement; any but the truth can be done without.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _unusable(folder / file, error) from error
    except sqlite3.DatabaseError as error:
        if file == CORPUS:
            raise damaged(folder, error) from error
        raise CollectionDamaged(
            f"'{folder / file}' cannot be read ({error}); delete it and try again: the collection is as it was"
        ) from error


@contextmanager
def transaction(connection: sqlite3.Connection, folder: Path, file: str = CORPUS) -> Iterator[None]:
    """All of the block's statements or none, on disk when it ends."""
    with sqlite_errors_as_ours(folder, file):
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


def take_numbers(connection: sqlite3.Connection, key: str, count: int) -> int:
    """The first of `count` numbers that nobody had or will have: `key` is moved past them."""
    first = int(meta(connection, key))
    set_meta(connection, key, str(first + count))
    return first


def next_generation(connection: sqlite3.Connection) -> None:
    """Moves the generation, by which readers see that something has changed."""
    set_meta(connection, "generation", str(int(meta(connection, "generation")) + 1))


def stored_encoder(connection: sqlite3.Connection, folder: Path) -> EncoderIdentity:
    """The encoder that made the stored vectors. Raises CollectionDamaged."""
    try:
        return EncoderIdentity.from_json(meta(connection, "encoder"))
    except (ValueError, TypeError) as error:
        raise damaged(folder, error) from error


def _unusable(path: Path, error: Exception) -> CollectionError:
    return CollectionError(
        f"'{path}' cannot be used now ({error}); free space or wait for the other process, then try again: "
        "nothing that was stored before is lost"
    )


def damaged(folder: Path, error: Exception) -> CollectionDamaged:
    """The error for a truth that cannot be read."""
    return CollectionDamaged(
        f"'{folder / CORPUS}' cannot be read ({error}); see what is whole with 'pilcrow check', or restore a backup "
        "with 'pilcrow import'"
    )


def forget_reindexing(folder: Path) -> None:
    """Removes what an interrupted `reindex` has embedded."""
    for path in folder.glob(f"{REINDEXING}*"):
        path.unlink(missing_ok=True)
