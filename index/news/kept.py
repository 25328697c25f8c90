"""The quotations and dated statements of a collection, kept in a file of their own beside it.

    DIR/news.sqlite     derived: what was read in each stored text, by the text's key; made again where it is absent

They are read when documents are indexed, and by the first question about them where a collection was made before they
were. Other rules make the file anew. Where nobody may write there, they are read into memory.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

from index.collection import Snapshot
from index.folder.truth import is_still, sqlite_errors_as_ours, transaction
from index.news.dated import Dated, dated_statements
from index.news.quotations import Quotation, quotations

FILE = "news.sqlite"
# Texts read between two transactions: a killed run repeats no more.
_BATCH = 200
_SCHEMA = """
CREATE TABLE IF NOT EXISTS rules (version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS texts (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quotations (
    key BLOB NOT NULL REFERENCES texts ON DELETE CASCADE, start INTEGER, end INTEGER, number INTEGER, speaker TEXT,
    post TEXT, direct INTEGER, named_start INTEGER, named_end INTEGER, told TEXT);
CREATE INDEX IF NOT EXISTS quotations_of_text ON quotations (key);
CREATE INDEX IF NOT EXISTS quotations_of_speaker ON quotations (speaker);
CREATE TABLE IF NOT EXISTS dated (
    key BLOB NOT NULL REFERENCES texts ON DELETE CASCADE, start INTEGER, end INTEGER, number INTEGER,
    when_start INTEGER, when_end INTEGER, words TEXT, kind TEXT, year INTEGER, to_come INTEGER, dateline TEXT);
CREATE INDEX IF NOT EXISTS dated_of_text ON dated (key);
"""

Progress = Callable[[int, int, str], None]


class News:
    """What was read in the texts of one snapshot. Lives inside `open_news`."""

    def __init__(self, connection: sqlite3.Connection, keys: dict[bytes, int]) -> None:
        """keys: of the snapshot's texts -> their numbers."""
        self._connection = connection
        self._keys = keys

    def speakers(self) -> list[tuple[str, str | None, int, int]]:
        """(speaker, post, quotations, direct ones) by text, in no order; a post is None where it is not told."""
        rows = self._connection.execute(
            "SELECT key, speaker, post, count(*), sum(direct) FROM quotations GROUP BY key, speaker, post"
        )
        return [(speaker, post, n, direct) for key, speaker, post, n, direct in rows if key in self._keys]

    def quotations(self, speakers: Sequence[str]) -> dict[int, list[Quotation]]:
        """The quotations of speakers, by the number of the text, in its order."""
        found: dict[int, list[Quotation]] = {}
        for name in speakers:
            rows = self._connection.execute(
                "SELECT key, start, end, number, speaker, post, direct, named_start, named_end, told FROM quotations "
                "WHERE speaker = ? ORDER BY key, start",
                (name,),
            )
            for key, start, end, number, speaker, post, direct, named_start, named_end, told in rows:
                if key in self._keys:
                    found.setdefault(self._keys[key], []).append(
                        Quotation(start, end, number, speaker, post, bool(direct), named_start, named_end, told)
                    )
        return {text_no: sorted(of, key=lambda q: q.start) for text_no, of in found.items()}

    def dated(self) -> dict[int, list[Dated]]:
        """The dated statements of all texts, by the number of the text, in its order."""
        found = {text_no: self.dated_of(key) for key, text_no in self._keys.items()}
        return {text_no: of for text_no, of in found.items() if of}

    def dated_of(self, key: bytes) -> list[Dated]:
        """The dated statements of the text that has this key, in its order."""
        rows = self._connection.execute(
            "SELECT start, end, number, when_start, when_end, words, kind, year, to_come, dateline FROM dated "
            "WHERE key = ? ORDER BY when_start",
            (key,),
        )
        return [Dated(*row) for row in rows]


@contextmanager
def open_news(folder: Path, snapshot: Snapshot, *, progress: Progress | None = None) -> Iterator[News]:
    """What was read in the snapshot's texts; those not read yet are read now, and kept where that is allowed."""
    keys = {key: text_no for text_no, key in snapshot.text_keys().items()}
    with _opened(folder) as connection, sqlite_errors_as_ours(folder, FILE):
        _read_missing(connection, folder, snapshot, keys, progress)
        yield News(connection, keys)


def keep_news(folder: Path, snapshot: Snapshot) -> None:
    """Reads what is new in the snapshot, and forgets the texts that are gone."""
    forget_gone(folder, snapshot)
    with open_news(folder, snapshot):
        pass


def forget_gone(folder: Path, snapshot: Snapshot) -> None:
    """Takes away what was read in texts that the snapshot lacks, every byte of it."""
    if not (folder / FILE).is_file():
        return
    keys = set(snapshot.text_keys().values())
    with _opened(folder) as connection, sqlite_errors_as_ours(folder, FILE):
        gone = [(key,) for (key,) in connection.execute("SELECT key FROM texts") if key not in keys]
        if gone:
            with transaction(connection, folder, FILE):
                connection.executemany("DELETE FROM texts WHERE key = ?", gone)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _read_missing(
    connection: sqlite3.Connection, folder: Path, snapshot: Snapshot, keys: dict[bytes, int], progress: Progress | None
) -> None:
    read = {key for (key,) in connection.execute("SELECT key FROM texts")}
    missing = [(key, text_no) for key, text_no in keys.items() if key not in read]
    for first in range(0, len(missing), _BATCH):
        rows = []
        for done, (key, text_no) in enumerate(missing[first : first + _BATCH], first):
            document, paragraphs = snapshot.text(text_no)
            if progress:
                progress(done, len(missing), document.doc_id)
            rows.append((key, quotations(document.text, paragraphs), dated_statements(document.text, paragraphs)))
        with transaction(connection, folder, FILE):
            for key, said, dated in rows:
                # Another process may have read the same text meanwhile.
                if connection.execute("INSERT OR IGNORE INTO texts VALUES (?)", (key,)).rowcount:
                    _store(connection, key, said, dated)


def _store(connection: sqlite3.Connection, key: bytes, said: Sequence[Quotation], dated: Sequence[Dated]) -> None:
    connection.executemany(
        "INSERT INTO quotations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(key, q.start, q.end, q.number, q.speaker, q.post, q.direct, q.named_start, q.named_end, q.told)
         for q in said],
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO dated VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(key, d.start, d.end, d.number, d.when_start, d.when_end, d.words, d.kind, d.year, d.to_come, d.dateline)
         for d in dated],
    )  # fmt: skip


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    """The file, open for writing; a copy of it in memory where nobody may write to it."""
    path = folder / FILE
    writable = os.access(path if path.exists() else folder, os.W_OK) and os.access(folder, os.W_OK)
    with sqlite_errors_as_ours(folder, FILE):
        connection = sqlite3.connect(path if writable else ":memory:", timeout=10, isolation_level=None)
        with closing(connection):
            if writable:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
            elif path.is_file():
                how = "mode=ro&immutable=1" if is_still(folder, FILE) else "mode=ro"
                with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as kept:
                    kept.backup(connection)
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA foreign_keys = ON")
            _make_tables(connection)
            yield connection


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.executescript(_SCHEMA)
    if connection.execute("SELECT version FROM rules").fetchall() != [(_rules(),)]:
        connection.executescript("DELETE FROM texts; DELETE FROM rules;")
        connection.execute("INSERT INTO rules VALUES (?)", (_rules(),))


@cache
def _rules() -> str:
    """What tells the rules of this version from those of another: a hash of the code that reads."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
