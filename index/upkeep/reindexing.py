"""A collection's vectors by another encoder, from the stored text.

    reindex.sqlite      beside the truth: passages and vectors by the new encoder, a text at a time, until all are there

Questions go on being answered from the old vectors; then one transaction exchanges them. What was embedded stays when
the run is interrupted, and the next one goes on from there.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from index.collection import Collection
from index.encoder.embedding import Encoder, Vectors
from index.errors import NothingToDo
from index.folder.truth import REINDEXING, forget_reindexing, meta, set_meta, sqlite_errors_as_ours, transaction
from index.passages import SPECIAL_PIECES, Window, encoder_inputs, windows
from index.prepared import Passages, blob, from_blobs

_BATCH_PASSAGES = 512
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE texts (text_no INTEGER PRIMARY KEY, key BLOB NOT NULL);
CREATE TABLE passages (
    text_no INTEGER NOT NULL REFERENCES texts ON DELETE CASCADE, number INTEGER NOT NULL,
    start INTEGER NOT NULL, end INTEGER NOT NULL, heading TEXT, vector BLOB NOT NULL,
    PRIMARY KEY (text_no, number)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What a run did: texts embedded now, those that an interrupted run had embedded, passages in all."""

    embedded: int
    kept: int
    passages: int


def reindex(
    collection: Collection, encoder: Encoder, *, progress: Callable[[int, int], None] | None = None
) -> Reindexed:
    """Embeds every stored text with another encoder, then puts its passages and vectors in place of the old ones.

    progress: called with texts done, and texts in all. Raises NothingToDo where this encoder made the collection.
    """
    path = collection.folder / REINDEXING
    if collection.encoder.weights == encoder.identity.weights:
        forget_reindexing(collection.folder)
        raise NothingToDo(f"the collection in '{collection.place}' is made with '{encoder.identity.name}' already")
    with (
        sqlite_errors_as_ours(collection.folder, REINDEXING),
        closing(_open_sidecar(path, encoder.identity.to_json())) as sidecar,
    ):
        with collection.reading() as snapshot:
            keys = snapshot.text_keys()
        kept = _drop_what_changed(sidecar, keys, collection.folder)
        missing = [text_no for text_no in keys if text_no not in kept]
        for done, batch in _batches(collection, encoder, missing):
            with transaction(sidecar, collection.folder, REINDEXING):
                for text_no, parts, vectors in batch:
                    sidecar.execute("INSERT INTO texts VALUES (?, ?)", (text_no, keys[text_no]))
                    sidecar.executemany(
                        "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?)",
                        [(text_no, n, w.start, w.end, w.heading, blob(v))
                         for n, (w, v) in enumerate(zip(parts, vectors, strict=True))],
                    )  # fmt: skip
            if progress:
                progress(len(kept) + done, len(keys))
        passages = collection.exchange(
            encoder.identity, _Embedded(sidecar, collection.folder, keys, encoder.identity.dimension)
        )
    forget_reindexing(collection.folder)
    return Reindexed(len(missing), len(kept), passages)


def _open_sidecar(path: Path, identity: str) -> sqlite3.Connection:
    """What an interrupted run of the same encoder left, else a new one."""
    connection = _connect(path)
    if meta(connection, "encoder") != identity:
        connection.close()
        forget_reindexing(path.parent)
        connection = _connect(path)
        set_meta(connection, "encoder", identity)
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
    return connection


def _drop_what_changed(sidecar: sqlite3.Connection, keys: dict[int, bytes], folder: Path) -> set[int]:
    """Takes texts that are stored no longer out of what is embedded; the numbers of those that stay."""
    embedded = dict(sidecar.execute("SELECT text_no, key FROM texts").fetchall())
    stale = [text_no for text_no, key in embedded.items() if keys.get(text_no) != key]
    with transaction(sidecar, folder, REINDEXING):
        sidecar.executemany("DELETE FROM texts WHERE text_no = ?", [(text_no,) for text_no in stale])
    return set(embedded) - set(stale)


def _batches(
    collection: Collection, encoder: Encoder, text_nos: list[int]
) -> Iterator[tuple[int, list[tuple[int, list[Window], Vectors]]]]:
    """Texts with their windows and vectors, some hundred passages at a time, and how many texts are done with them."""
    waiting: list[tuple[int, list[Window], list[str]]] = []
    for done, text_no in enumerate(text_nos, 1):
        with collection.reading() as snapshot:
            document, paragraphs = snapshot.text(text_no)
        parts = windows(document, paragraphs, encoder.count_pieces, encoder.max_length - SPECIAL_PIECES)
        waiting.append((text_no, parts, encoder_inputs(document, paragraphs, parts, encoder.count_pieces)))
        if done == len(text_nos) or sum(len(inputs) for _, _, inputs in waiting) >= _BATCH_PASSAGES:
            vectors = encoder.encode_passages([text for _, _, inputs in waiting for text in inputs])
            batch, at = [], 0
            for number, windows_of, inputs in waiting:
                batch.append((number, windows_of, vectors[at : at + len(inputs)]))
                at += len(inputs)
            yield done, batch
            waiting = []


@dataclass(frozen=True, slots=True)
class _Embedded:
    """All that was embedded, in the order of the texts; each iteration reads it anew."""

    sidecar: sqlite3.Connection
    folder: Path
    text_nos: Iterable[int]
    dimension: int

    def __iter__(self) -> Iterator[Passages]:
        query = "SELECT start, end, heading, vector FROM passages WHERE text_no = ? ORDER BY number"
        for text_no in self.text_nos:
            with sqlite_errors_as_ours(self.folder, REINDEXING):
                rows = self.sidecar.execute(query, (text_no,)).fetchall()
            vectors = from_blobs([row[3] for row in rows], self.dimension)
            yield Passages(text_no, [Window(*row[:3]) for row in rows], vectors)
