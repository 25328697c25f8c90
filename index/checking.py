"""Whether a collection is what was stored: every text, vector and derived file against its checksum, and what mends it.

Neither SQLite, FAISS nor tantivy notices a flipped byte. What is damaged is named; a text is read again from its
source where that is unchanged, passages and vectors are made again from a whole text, derived files from the truth.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from index.collection import Collection
from index.derived import damaged_files
from index.documents import Document, document_of, file_of, open_file, rows_of
from index.embedding import Encoder
from index.errors import CollectionError, EncoderMissing, Unreadable
from index.formats.worker import Worker
from index.indexing import store_anew
from index.metadata import Given
from index.records import (
    DOCUMENT_COLUMNS,
    PARAGRAPH_COLUMNS,
    PASSAGE_COLUMNS,
    Row,
    checksum,
    read_document_rows,
)
from index.truth import connect, faults_told


@dataclass(frozen=True, slots=True)
class Damage:
    """What is not as it was stored.

    part: "text", "metadata", "paragraphs", "vectors", "key", "vector index", "lexical index" or "database".
    document: whose, where it is one's. remedy: what was done, or is left to do.
    """

    part: str
    document: str | None
    mended: bool
    remedy: str


def check(collection: Collection, encoder: Callable[[], Encoder]) -> list[Damage]:
    """All that is damaged; mended where the collection is open for writing and it can be.

    encoder: gives the collection's, asked only where passages have to be embedded again.
    """
    with faults_told(collection.folder), closing(connect(collection.folder, write=False)) as connection:
        connection.text_factory = _any_text
        connection.execute("BEGIN")
        found = list(_damaged_database(connection))
        by_document = dict(damaged_documents(connection))
    found += _check_derived(collection)
    with Worker() as worker:
        for name, parts in by_document.items():
            mended, remedy = _mend(collection, encoder, worker, name, parts)
            found += [Damage(part, name, mended, remedy) for part in parts]
    if any(damage.mended and damage.document for damage in found):
        collection.refresh_base()
    return found


def _any_text(raw: bytes) -> str:
    """Damaged bytes are read, too, as what no checksum agrees with."""
    return raw.decode("utf-8", "surrogateescape")


def _damaged_database(connection: sqlite3.Connection) -> Iterator[Damage]:
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


def _check_derived(collection: Collection) -> list[Damage]:
    if collection.writable:
        parts = sorted({*collection.mended, *collection.mend()})
        return [Damage(part, None, mended=True, remedy="made again from the truth") for part in parts]
    with collection.reading() as snapshot:
        return [
            Damage(part, None, mended=False, remedy="any command that writes makes it again from the truth")
            for part in damaged_files(snapshot.connection, collection.folder, snapshot.encoder.dimension)
        ]


def _mend(
    collection: Collection, encoder: Callable[[], Encoder], worker: Worker, name: str, parts: list[str]
) -> tuple[bool, str]:
    """Whether a document could be mended, and what was done or is left to do."""
    if not collection.writable:
        return False, "to mend it, run 'pilcrow check' when nobody writes to the collection and its folder is writable"
    try:
        with closing(connect(collection.folder, write=False)) as connection:
            connection.text_factory = _any_text
            known = next(d for d in read_document_rows(connection) if d.doc_id == name)
        if "text" in parts or "metadata" in parts:
            document = _read_again(known, worker, trusted="metadata" not in parts)
            done = "read again from its source"
        else:
            with collection.reading() as snapshot:
                document = snapshot.document(name)
            done = "made again from the stored text"
        store_anew(collection, encoder(), [document])
    except (Unreadable, EncoderMissing, CollectionError) as error:
        return False, f"{error}; restore a backup, or remove it and index its file again"
    return True, done


def _read_again(known: Document, worker: Worker, *, trusted: bool) -> Document:
    """The document as its source gives it. trusted: what is stored of it, other than its text, is whole, and stays.

    Raises Unreadable where the source is gone or no longer the one that was read.
    """
    path = Path(file_of(known.source))
    file = open_file(path)
    given = Given(**{name: getattr(known, name) for name in known.given if name != "title"}) if trusted else Given()
    if file.holds_rows:
        rows, _ = rows_of(file, known.doc_id, keep_all=known.keep_all)
        fresh = next((row for row in rows if (row.source, row.sha256) == (known.source, known.sha256)), None)
    elif file.sha256 == known.sha256:
        fresh = document_of(file, known.doc_id, given, worker, keep_all=known.keep_all)
    else:
        fresh = None
    if fresh is None:
        raise Unreadable(f"its source '{known.source}' is not what it was")
    if trusted:
        return replace(known, title=fresh.title, text=fresh.text)
    return replace(fresh, doc_id=known.doc_id)


def check_json(documents: int, found: list[Damage]) -> dict[str, object]:
    """What `check --json` prints. health: "ok", "mended" or "damaged"."""
    return {
        "documents": documents,
        "damaged": [{"part": d.part, "document": d.document, "mended": d.mended, "remedy": d.remedy} for d in found],
        "health": "ok" if not found else "mended" if all(d.mended for d in found) else "damaged",
    }
