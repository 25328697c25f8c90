"""A whole collection from a folder into Milvus, and back, with the same numbers: ids, hits and answers stay.

Nothing is embedded. What is moved was compared with its checksums by index.upkeep.backup, which calls this.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index import copies
from index.errors import CollectionDamaged
from index.folder.collection import open_collection as open_folder
from index.folder.rows import PASSAGE_COLUMNS, read_document_row, read_paragraphs, store_document, store_text
from index.folder.truth import connect, make_truth, meta, set_meta, transaction
from index.milvus import collection as theirs
from index.milvus.rows import (
    DOCUMENT,
    PASSAGE,
    Header,
    document_row,
    new_header,
    passage_row,
    passages_sum,
    text_of,
    text_rows,
    version_of,
    window_of,
)
from index.milvus.snapshot import MilvusSnapshot
from index.milvus.store import Row, Store
from index.passages import Window
from index.prepared import Prepared, from_blobs

# Texts that are sent together.
_TEXTS = 200
_NUMBERS = ("next_passage_id", "next_text_no", "next_doc_no")


def into_milvus(folder: Path, address: str) -> int:
    """Makes the collection in `folder` anew at an address, where there is none yet; the number of documents.

    Raises CollectionError where one is there, CollectionLocked where somebody makes one.
    """
    with open_folder(folder) as collection:
        encoder = collection.encoder
        with theirs.making(address, encoder) as store, collection.reading() as snapshot:
            connection = snapshot.connection
            texts = [row[0] for row in connection.execute("SELECT text_no FROM texts ORDER BY text_no")]
            for some in (texts[at : at + _TEXTS] for at in range(0, len(texts), _TEXTS)):
                _send_texts(connection, store, folder, some)
            documents = _send_documents(connection, store, folder)
            numbers = {key: int(meta(connection, key)) for key in _NUMBERS}
            state = theirs.empty_state(encoder) | numbers | {"next_row_no": documents + 1}
            store.flush()
            store.set_value("state", state | {"generation": snapshot.generation})
    return documents


def _send_texts(connection: sqlite3.Connection, store: Store, folder: Path, text_nos: Sequence[int]) -> None:
    dimension = store.dimension("passages_1")
    sent = [_text_sent(connection, folder, text_no, dimension) for text_no in text_nos]
    store.insert("texts", [row for pieces, _ in sent for row in pieces])
    store.insert("passages_1", [row for _, passages in sent for row in passages])


def _text_sent(
    connection: sqlite3.Connection, folder: Path, text_no: int, dimension: int
) -> tuple[list[Row], list[Row]]:
    """The rows of a text, and of its passages."""
    (doc_no,) = connection.execute("SELECT min(doc_no) FROM documents WHERE text_no = ?", (text_no,)).fetchone()
    document = read_document_row(connection, folder, doc_no)
    text = text_of(document, read_paragraphs(connection, text_no, document.doc_id))
    rows = connection.execute(
        f"SELECT {PASSAGE_COLUMNS} FROM passages WHERE text_no = ? ORDER BY passage_id", (text_no,)
    ).fetchall()
    ids, cut = [row[0] for row in rows], [Window(*row[1:4]) for row in rows]
    vectors = from_blobs([row[4] for row in rows], dimension)
    (minhash,) = connection.execute("SELECT minhash FROM texts WHERE text_no = ?", (text_no,)).fetchone()
    near = connection.execute("SELECT other_no FROM near_copies WHERE text_no = ? AND other_no < ?", (text_no, text_no))
    header = new_header(
        text_no, text, {"passages_1": (len(ids), passages_sum(ids, cut, vectors))},
        copies.bands(minhash) if minhash else (), [row[0] for row in near],
    )  # fmt: skip
    passages = [passage_row(i, text_no, w, text, vector) for i, w, vector in zip(ids, cut, vectors, strict=True)]
    return text_rows(header, text), passages


def _send_documents(connection: sqlite3.Connection, store: Store, folder: Path) -> int:
    rows: list[Row] = []
    for row_no, (doc_no, text_no) in enumerate(
        connection.execute("SELECT doc_no, text_no FROM documents ORDER BY doc_no").fetchall(), 1
    ):
        document = read_document_row(connection, folder, doc_no)
        rows.append(document_row(row_no, doc_no, text_no, document, 0))
    store.insert("documents", rows)
    return len(rows)


def into_folder(address: str, folder: Path) -> None:
    """Makes the truth of the collection at an address in an empty folder. Raises CollectionMissing, CollectionDamaged.

    Derived indexes are not made: who opens the folder for writing makes them.
    """
    with theirs.open_collection(address) as collection, collection.reading() as snapshot:
        make_truth(folder, snapshot.encoder)
        connection = connect(folder, write=True)
        try:
            with transaction(connection, folder):
                _store_all(connection, collection.store, snapshot)
        finally:
            connection.close()


def _store_all(connection: sqlite3.Connection, store: Store, snapshot: MilvusSnapshot) -> None:
    rows = store.query("documents", snapshot.visible, DOCUMENT)
    versions = sorted((version_of(row) for row in rows), key=lambda version: version.doc_no)
    for header in sorted(snapshot.headers({v.text_no for v in versions}), key=lambda header: header.text_no):
        _store_text(connection, store, snapshot, header)
    for version in versions:
        store_document(connection, version.doc_no, version.text_no, version.document)
    state = store.value("state") or {}
    for key in _NUMBERS:
        set_meta(connection, key, str(state[key]))
    set_meta(connection, "generation", str(snapshot.generation))


def _store_text(connection: sqlite3.Connection, store: Store, snapshot: MilvusSnapshot, header: Header) -> None:
    document, paragraphs = snapshot.text(header.text_no)
    fields = [*PASSAGE, "passage_id", "heading", "vector"]
    rows = store.query(snapshot.passages_part, f"text_no == {header.text_no}", fields)
    rows.sort(key=lambda row: int(row["passage_id"]))
    vectors = np.array([row["vector"] for row in rows], np.float32).reshape(-1, snapshot.encoder.dimension)
    prepared = Prepared(document, paragraphs, [window_of(row) for row in rows], vectors)
    ids = [row["passage_id"] for row in rows]
    if (len(ids), passages_sum(ids, prepared.windows, vectors)) != header.passages.get(snapshot.passages_part):
        raise CollectionDamaged(
            f"the passages of '{document.doc_id}' in '{snapshot.place}' are not those that were stored; mend them "
            "with: pilcrow check"
        )
    minhash = copies.signature(copies.runs(document.text[w.start : w.end] for w in prepared.windows))
    store_text(connection, header.text_no, ids, prepared, minhash)
    keys = copies.bands(minhash) if minhash else ()
    connection.executemany("INSERT OR IGNORE INTO near_keys VALUES (?, ?)", [(key, header.text_no) for key in keys])
    older = [other for other in header.near if snapshot.is_named(other)]  # those are stored before it
    pairs = [pair for other in older for pair in ((header.text_no, other), (other, header.text_no))]
    connection.executemany("INSERT OR IGNORE INTO near_copies VALUES (?, ?)", pairs)
