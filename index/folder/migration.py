"""Collections of earlier formats, made into today's, without embedding anything.

1, 2 -> 3   a text is stored once, under all its names; checksums; near-copies
"""

import json
import sqlite3
from pathlib import Path

from index.copies import link, runs, signature
from index.documents import Document
from index.encoder.embedding import EncoderIdentity
from index.folder.rows import Prepared, find_text, from_blobs, store_document, store_text, text_key
from index.folder.truth import FORMAT, TABLES, meta, next_generation, require_format, set_meta, transaction
from index.paragraphs import Kind, Paragraph
from index.passages import Window

_OLD = ("1", "2")
_TABLES = ("passages", "paragraphs", "documents")


def needs_migration(connection: sqlite3.Connection) -> bool:
    """Whether the truth is of an earlier format that can be made into today's."""
    return meta(connection, "format") in _OLD


def can_be_read(connection: sqlite3.Connection) -> bool:
    """Whether the truth is of today's format, or of one that can be made into it."""
    return meta(connection, "format") == str(FORMAT) or needs_migration(connection)


def migrate(connection: sqlite3.Connection, folder: Path, encoder: EncoderIdentity) -> None:
    """Makes today's format of the truth, in one transaction. The caller holds the writer's lock.

    Raises CollectionMismatch for a format that is neither today's nor an earlier one.
    """
    if not needs_migration(connection):
        require_format(connection, folder)
        return
    connection.execute("PRAGMA foreign_keys = OFF")
    with transaction(connection, folder):
        for table in _TABLES:
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_old")
        for statement in TABLES.split(";"):
            connection.execute(statement)
        numbers = [row[0] for row in connection.execute("SELECT doc_no FROM documents_old ORDER BY doc_no")]
        for doc_no in numbers:
            _carry_over(connection, doc_no, encoder.dimension)
        for table in _TABLES:
            connection.execute(f"DROP TABLE {table}_old")
        set_meta(connection, "next_text_no", meta(connection, "next_doc_no"))
        set_meta(connection, "format", str(FORMAT))
        next_generation(connection)
    connection.execute("PRAGMA foreign_keys = ON")


def _carry_over(connection: sqlite3.Connection, doc_no: int, dimension: int) -> None:
    """One document of an earlier format; its text keeps its number, its passages their ids, unless it is there."""
    document = _old_document(connection, doc_no)
    paragraphs = [
        Paragraph(document.doc_id, number, start, end, Kind(kind))
        for number, start, end, kind in connection.execute(
            "SELECT number, start, end, kind FROM paragraphs_old WHERE doc_no = ? ORDER BY number", (doc_no,)
        )
    ]
    rows = connection.execute(
        "SELECT passage_id, start, end, heading, vector FROM passages_old WHERE doc_no = ? ORDER BY passage_id",
        (doc_no,),
    ).fetchall()
    text_no = find_text(connection, text_key(document, paragraphs))
    if text_no is not None:
        connection.executemany("INSERT OR IGNORE INTO removed VALUES (?)", [(row[0],) for row in rows])
        store_document(connection, doc_no, text_no, document)
        return
    windows = [Window(start, end, heading) for _, start, end, heading, _ in rows]
    prepared = Prepared(document, paragraphs, windows, from_blobs([row[4] for row in rows], dimension))
    found = runs(document.text[window.start : window.end] for window in windows)
    minhash = signature(found)
    store_text(connection, doc_no, [row[0] for row in rows], prepared, minhash)
    link(connection, doc_no, found, minhash)
    store_document(connection, doc_no, doc_no, document)


def _old_document(connection: sqlite3.Connection, doc_no: int) -> Document:
    cursor = connection.execute("SELECT * FROM documents_old WHERE doc_no = ?", (doc_no,))
    row = dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))
    del row["doc_no"]
    row["keep_all"] = bool(row["keep_all"])
    for name in ("pages", "given"):
        row[name] = tuple(json.loads(row.get(name, "[]")))
    return Document(**row)
