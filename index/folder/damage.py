"""What of a truth is damaged: every row against its checksum. Knows SQLite and the rows; mends nothing.

SQLite does not notice a flipped byte.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from index.collection import Damage
from index.folder import base, words
from index.folder.rows import DOCUMENT_COLUMNS, PARAGRAPH_COLUMNS, PASSAGE_COLUMNS
from index.prepared import Row, checksum


def any_text(raw: bytes) -> str:
    """Damaged bytes are read, too, as what no checksum agrees with."""
    return raw.decode("utf-8", "surrogateescape")


def damaged_database(connection: sqlite3.Connection) -> Iterator[Damage]:
    """What SQLite itself says is wrong with its file."""
    try:
        rows = connection.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        rows = [(str(error),)]
    for (said,) in rows:
        if said != "ok":
            remedy = f"{said}; restore a backup with 'pilcrow import', or index the files into another folder"
            yield Damage("database", None, mended=False, remedy=remedy)


def damaged_documents(connection: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    """Names of documents, and which of their parts differ from their checksums."""
    parts_of: dict[int, list[str]] = {}
    for (text_no,) in connection.execute("SELECT text_no FROM texts").fetchall():
        parts_of[text_no] = list(_damaged_parts(connection, text_no))
    rows = connection.execute(f"SELECT text_no, {DOCUMENT_COLUMNS}, document_sum FROM documents ORDER BY doc_id")
    for text_no, *values, stated in rows.fetchall():
        parts = list(parts_of.get(text_no, ["text"]))
        if checksum([[*values, text_no]]) != stated:
            parts.insert(0, "metadata")
        if parts:
            yield str(values[0]), parts


def _damaged_parts(connection: sqlite3.Connection, text_no: int) -> Iterator[str]:
    """Of a text, which parts differ from their checksums, or cannot be read at all."""
    sums = "SELECT text_sum, paragraphs_sum, passages_sum FROM texts WHERE text_no = ?"
    queries = {
        "text": "SELECT title, text FROM texts WHERE text_no = ?",
        "paragraphs": f"SELECT {PARAGRAPH_COLUMNS} FROM paragraphs WHERE text_no = ? ORDER BY number",
        "vectors": f"SELECT {PASSAGE_COLUMNS} FROM passages WHERE text_no = ? ORDER BY passage_id",
    }
    whole: list[Row] = []
    for at, (part, query) in enumerate(queries.items()):
        try:
            rows = connection.execute(query, (text_no,)).fetchall()
            is_whole = checksum(rows) == connection.execute(sums, (text_no,)).fetchone()[at]
        except sqlite3.DatabaseError:
            is_whole = False
        if not is_whole:
            yield part
            return  # it is made again, and what follows from it, too
        whole += rows if part != "vectors" else []
    # By its key a text is known when it comes again under another name.
    if connection.execute("SELECT key FROM texts WHERE text_no = ?", (text_no,)).fetchone()[0] != checksum(whole):
        yield "key"


def damaged_files(connection: sqlite3.Connection, folder: Path, dimension: int) -> list[str]:
    """The names of the derived indexes that are not as they were written; nothing is mended."""
    whole = {
        "vector index": base.is_whole(connection, folder, dimension),
        "lexical index": words.is_whole(connection, folder),
    }
    return [name for name, is_whole in whole.items() if not is_whole]
