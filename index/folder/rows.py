"""Documents, paragraphs and passages as rows of the truth, each with a checksum; in and out.

A text is stored once, under the names of all documents that have it; it goes with the last of them. Two texts are the
same when title, characters and paragraphs are, since then their passages and vectors are the same, too.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from index.documents import Document
from index.encoder.embedding import Vectors
from index.errors import CollectionDamaged, UnknownDocument
from index.folder.near_copies import unlink
from index.folder.truth import take_numbers
from index.folder.vectors import Ids
from index.paragraphs import Paragraph, stored_paragraph
from index.prepared import Passages, Prepared, Row, blob, checksum, from_blobs, grouped, paragraph_rows, text_key

# What a checksum of a row is taken over; `document` reads them in the order of a Document's fields.
DOCUMENT_COLUMNS = "doc_id, source, date, publisher, sha256, size, keep_all, url, language, pages, given"
_DOCUMENT = (
    "d.doc_id, d.source, t.title, {text}, d.date, d.publisher, d.sha256, d.size, d.keep_all, "
    "d.url, d.language, d.pages, d.given"
)
PARAGRAPH_COLUMNS = "number, start, end, kind"
PASSAGE_COLUMNS = "passage_id, start, end, heading, vector"


# Vectors that are read at once where all are: 13 MB of 384 dimensions.
_CHUNK = 8192


def find_text(connection: sqlite3.Connection, key: bytes) -> int | None:
    """The number of the stored text with this key."""
    row = connection.execute("SELECT text_no FROM texts WHERE key = ?", (key,)).fetchone()
    return int(row[0]) if row else None


def new_texts(
    connection: sqlite3.Connection, keys: Sequence[bytes], prepared: Sequence[Prepared], *, anew: bool = False
) -> dict[bytes, tuple[int, range, Prepared]]:
    """Texts that are not stored yet (or all, `anew`), by key: a number, ids for the passages, the first document of it.

    Numbers and ids are taken in a transaction of their own: SQLite gives AUTOINCREMENT ids again after a rollback.
    """
    first: dict[bytes, Prepared] = {}
    for key, p in zip(keys, prepared, strict=True):
        if key not in first and (anew or find_text(connection, key) is None):
            first[key] = p
    text_no = take_numbers(connection, "next_text_no", len(first))
    passage_id = take_numbers(connection, "next_passage_id", sum(len(p.windows) for p in first.values()))
    new = {}
    for n, (key, p) in enumerate(first.items()):
        new[key] = (text_no + n, range(passage_id, passage_id + len(p.windows)), p)
        passage_id += len(p.windows)
    return new


def document_numbers(connection: sqlite3.Connection, prepared: Sequence[Prepared]) -> dict[str, int]:
    """The number of each source: that of the document that it has, or one that nobody had or will have."""
    numbers: dict[str, int] = {}
    for p in prepared:
        source = p.document.source
        if source not in numbers:
            row = connection.execute("SELECT doc_no FROM documents WHERE source = ?", (source,)).fetchone()
            numbers[source] = int(row[0]) if row else take_numbers(connection, "next_doc_no", 1)
    return numbers


def store_text(
    connection: sqlite3.Connection, text_no: int, ids: Sequence[int], prepared: Prepared, minhash: bytes | None
) -> None:
    """A new text with its paragraphs, and its passages under these ids."""
    document, paragraphs = prepared.document, paragraph_rows(prepared.paragraphs)
    passages = [
        (passage_id, window.start, window.end, window.heading, blob(vector))
        for passage_id, window, vector in zip(ids, prepared.windows, prepared.vectors, strict=True)
    ]
    connection.execute(
        "INSERT INTO texts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (text_no, text_key(document, prepared.paragraphs), document.title, document.text,
         checksum([(document.title, document.text)]), checksum(paragraphs), checksum(passages), minhash),
    )  # fmt: skip
    connection.executemany("INSERT INTO paragraphs VALUES (?, ?, ?, ?, ?)", [(text_no, *row) for row in paragraphs])
    connection.executemany(
        "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)", [(row[0], text_no, *row[1:]) for row in passages]
    )


def store_document(connection: sqlite3.Connection, doc_no: int, text_no: int, document: Document) -> None:
    """A document's name and what is known of it, in place of what had its number."""
    d = document
    values = (d.doc_id, d.source, d.date, d.publisher, d.sha256, d.size, int(d.keep_all), d.url, d.language,
              _stated_of_file(d), json.dumps(d.given))  # fmt: skip
    connection.execute("DELETE FROM documents WHERE doc_no = ?", (doc_no,))
    connection.execute(
        f"INSERT INTO documents (doc_no, text_no, {DOCUMENT_COLUMNS}, document_sum) "
        f"VALUES (?, ?, {', '.join('?' * len(values))}, ?)",
        (doc_no, text_no, *values, checksum([(*values, text_no)])),
    )


def rename_texts(connection: sqlite3.Connection, doc_no: int, text_no: int) -> None:
    """All documents that have the text of this one have another from now on."""
    row = connection.execute("SELECT text_no FROM documents WHERE doc_no = ?", (doc_no,)).fetchone()
    if row is None:
        return
    names = connection.execute("SELECT doc_no FROM documents WHERE text_no = ?", (row[0],)).fetchall()
    connection.execute("UPDATE documents SET text_no = ? WHERE text_no = ?", (text_no, row[0]))
    for (name,) in names:
        renew_sum(connection, name)


def renew_sum(connection: sqlite3.Connection, doc_no: int) -> None:
    """The checksum of a document's row after a change that was meant."""
    row = connection.execute(
        f"SELECT {DOCUMENT_COLUMNS}, text_no FROM documents WHERE doc_no = ?", (doc_no,)
    ).fetchone()
    connection.execute("UPDATE documents SET document_sum = ? WHERE doc_no = ?", (checksum([row]), doc_no))


def forget_texts(connection: sqlite3.Connection, text_nos: Iterable[int]) -> list[int]:
    """Takes away those of the texts that have lost their last name; the ids of the passages that went with them."""
    gone = [
        text_no
        for text_no in set(text_nos)
        if not connection.execute("SELECT 1 FROM documents WHERE text_no = ?", (text_no,)).fetchone()
    ]
    old = [passage_id for text_no in gone for passage_id in passage_ids(connection, text_no)]
    connection.executemany("INSERT OR IGNORE INTO removed VALUES (?)", [(passage_id,) for passage_id in old])
    for text_no in gone:
        unlink(connection, text_no)
    connection.executemany("DELETE FROM texts WHERE text_no = ?", [(text_no,) for text_no in gone])
    return old


def passage_ids(connection: sqlite3.Connection, text_no: int) -> list[int]:
    """The ids of a text's passages."""
    rows = connection.execute("SELECT passage_id FROM passages WHERE text_no = ?", (text_no,))
    return [row[0] for row in rows]


def document_row(connection: sqlite3.Connection, folder: Path, doc_id: str) -> tuple[int, int]:
    """The number of a document, and of its text. Raises UnknownDocument."""
    row = connection.execute("SELECT doc_no, text_no FROM documents WHERE doc_id = ?", (doc_id,)).fetchone()
    if row is None:
        raise UnknownDocument(f"no document '{doc_id}' in '{folder}'; 'pilcrow list' shows the names")
    return int(row[0]), int(row[1])


def read_document_row(connection: sqlite3.Connection, folder: Path, doc_no: int) -> Document:
    """A document, with its text. Raises CollectionDamaged where the text is not the one that was stored."""
    *row, stated = connection.execute(
        f"SELECT {_DOCUMENT.format(text='t.text')}, t.text_sum FROM documents d JOIN texts t USING (text_no) "
        "WHERE doc_no = ?",
        (doc_no,),
    ).fetchone()
    document = _document(row)
    if checksum([(document.title, document.text)]) != stated:
        raise CollectionDamaged(
            f"the text of '{document.doc_id}' in '{folder}' is not the one that was stored; mend it with: pilcrow check"
        )
    return document


def describe_document_row(connection: sqlite3.Connection, doc_no: int) -> Document:
    """A document without its text (`text` is empty)."""
    query = "SELECT " + _DOCUMENT.format(text="''") + " FROM documents d JOIN texts t USING (text_no) WHERE doc_no = ?"
    return _document(connection.execute(query, (doc_no,)).fetchone())


def read_document_rows(connection: sqlite3.Connection) -> list[Document]:
    """All documents by name, without their texts (`text` is empty)."""
    rows = connection.execute(
        "SELECT " + _DOCUMENT.format(text="''") + " FROM documents d JOIN texts t USING (text_no) ORDER BY d.doc_id"
    )
    return [_document(row) for row in rows]


def read_notices(connection: sqlite3.Connection) -> tuple[tuple[str, str], ...]:
    """Names of documents, and what of their files is not in their texts."""
    rows = connection.execute("SELECT doc_id, pages FROM documents WHERE pages LIKE '{%' ORDER BY doc_id")
    return tuple((doc_id, notice) for doc_id, pages in rows for notice in json.loads(pages)["notices"])


def read_text(connection: sqlite3.Connection, text_no: int) -> tuple[str | None, str]:
    """The title and the characters of a stored text."""
    title, text = connection.execute("SELECT title, text FROM texts WHERE text_no = ?", (text_no,)).fetchone()
    return title, text


def store_passages(connection: sqlite3.Connection, text_no: int, ids: Sequence[int], passages: Passages) -> None:
    """The passages of a stored text, which has none, under these ids."""
    rows = [
        (passage_id, window.start, window.end, window.heading, blob(vector))
        for passage_id, window, vector in zip(ids, passages.windows, passages.vectors, strict=True)
    ]
    connection.executemany(
        "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)", [(row[0], text_no, *row[1:]) for row in rows]
    )
    connection.execute("UPDATE texts SET passages_sum = ? WHERE text_no = ?", (checksum(rows), text_no))


def read_paragraphs(connection: sqlite3.Connection, text_no: int, doc_id: str) -> list[Paragraph]:
    """All paragraphs of a text, in order, under one of its names."""
    rows = connection.execute(
        f"SELECT {PARAGRAPH_COLUMNS} FROM paragraphs WHERE text_no = ? ORDER BY number", (text_no,)
    )
    return [stored_paragraph(doc_id, *row) for row in rows]


def vectors_after(connection: sqlite3.Connection, last: int, dimension: int) -> tuple[Ids, Vectors]:
    """Passage ids greater than `last`, ascending, and their vectors (n, d)."""
    rows = connection.execute(
        "SELECT passage_id, vector FROM passages WHERE passage_id > ? ORDER BY passage_id", (last,)
    ).fetchall()
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    return ids, from_blobs([row[1] for row in rows], dimension)


def vector_chunks(connection: sqlite3.Connection, dimension: int) -> Iterator[tuple[Ids, Vectors]]:
    """All passage ids, ascending, and their vectors, some thousands at a time."""
    cursor = connection.execute("SELECT passage_id, vector FROM passages ORDER BY passage_id")
    while rows := cursor.fetchmany(_CHUNK):
        ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        yield ids, from_blobs([row[1] for row in rows], dimension)


def numbered_chunks(passages: Iterable[Passages], first: int) -> Iterator[tuple[Ids, Vectors]]:
    """Vectors with ids from `first` on, some thousands at a time."""
    for group in grouped(passages, _CHUNK):
        vectors = np.concatenate([p.vectors for p in group])
        yield np.arange(first, first + len(vectors)), vectors
        first += len(vectors)


def select_in(
    connection: sqlite3.Connection, sql: str, values: Sequence[int], *, before: Sequence[Any] = ()
) -> Iterator[Any]:
    """Rows of `sql IN (...)`, the values bound in groups that SQLite takes; `before` are those of `sql` itself."""
    for left in range(0, len(values), 500):
        group = [int(value) for value in values[left : left + 500]]
        yield from connection.execute(f"{sql} IN ({','.join('?' * len(group))})", [*before, *group])


def _stated_of_file(document: Document) -> str:
    """Where its pages begin; and what was not read of it, where that is anything: older collections have no notices."""
    if not document.notices:
        return json.dumps(document.pages)
    return json.dumps({"pages": document.pages, "notices": document.notices})


def _document(row: Row) -> Document:
    stated = json.loads(row[11])
    pages, notices = (stated["pages"], stated["notices"]) if isinstance(stated, dict) else (stated, ())
    return Document(
        doc_id=row[0], source=row[1], title=row[2], text=row[3], date=row[4], publisher=row[5], sha256=row[6],
        size=row[7], keep_all=bool(row[8]), url=row[9], language=row[10], pages=tuple(pages),
        given=tuple(json.loads(row[12])), notices=tuple(notices),
    )  # fmt: skip
