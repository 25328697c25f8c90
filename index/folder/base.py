"""The vectors of a collection for FAISS: the base, an immutable file, and the tail of what came after it.

Both may hold more than the truth, never less, and are made of it without embedding anything. Knows no words, and not
how an index is searched.
"""

import hashlib
import json
import sqlite3
import threading
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from index.collection import Base
from index.encoder.embedding import Vectors
from index.folder import vectors as dense
from index.folder.rows import select_in, vector_chunks, vectors_after
from index.folder.truth import connect, meta, set_meta, transaction
from index.folder.vectors import Chunks, Ids
from index.prepared import from_blobs

# A tail longer than this share of the base is worth a new base: search over the tail reads it from the truth.
_TAIL_SHARE = 0.1
_NO_BASE = {"name": "", "last": -1, "bytes": 0, "blake2": "", "mtime_ns": 0}
_NO_BASE |= asdict(Base())


@dataclass(frozen=True, slots=True)
class _Tail:
    """The vectors behind a base: ids (n,) ascending, vectors (n, d)."""

    generation: int
    last: int
    ids: Ids
    vectors: Vectors
    index: Any


class BaseAndTail:
    """The base and the tail behind it of one open collection, each loaded when first needed.

    Threads may share it: what is handed out stays as it is, and they wait for one another only while one loads.
    """

    def __init__(self, folder: Path, notices: dict[str, str]) -> None:
        """folder: the collection's. notices: gets what was found damaged, under "vectors"."""
        self._folder = folder
        self._notices = notices
        self._base: tuple[str, Any] = ("", None)
        self._tail: _Tail | None = None
        self._load_lock = threading.RLock()  # guards _base and _tail

    def base(self, connection: sqlite3.Connection, dimension: int) -> tuple[int, Any]:
        """The last passage id of the base, and the base; (-1, None) where there is none that can be trusted."""
        stated = _base_stated(connection)
        name = stated["name"]
        if not name:
            return -1, None
        with self._load_lock:
            if self._base[0] != name:
                try:
                    index = _load_base(self._folder / name, stated, dimension)
                except (OSError, RuntimeError) as error:
                    if not (self._folder / name).exists() and self._is_superseded(name):
                        return -1, None  # a state from before the newest base: right from the truth, and soon over
                    self._notices["vectors"] = (
                        f"the vector index is damaged ({error}); answering from the stored vectors"
                    )
                    index = None
                else:
                    self._notices.pop("vectors", None)
                self._base = (name, index)
            index = self._base[1]
        return (-1, None) if index is None else (int(stated["last"]), index)

    def _is_superseded(self, name: str) -> bool:
        """Whether the truth, as of now, names another base."""
        connection = connect(self._folder, write=False)
        try:
            return bool(_base_stated(connection)["name"] != name)
        finally:
            connection.close()

    def tail(self, connection: sqlite3.Connection, generation: int, last: int, dimension: int) -> Any:
        """The vectors behind the base, as a flat index; only what is new since the last call is read."""
        with self._load_lock:
            known = self._tail
            if known is not None and (known.generation, known.last) == (generation, last):
                return known.index
            if (
                known is None
                or known.last != last
                or known.generation > generation
                or known.vectors.shape[1] != dimension
            ):
                known = None
            ids, vectors = _tail_vectors(connection, last, dimension, known)
            tail = _Tail(generation, last, ids, vectors, dense.build(ids, vectors))
            if self._tail is None or self._tail.generation <= generation:
                self._tail = tail
            return tail.index

    def refresh(self, connection: sqlite3.Connection, dimension: int, *, always: bool = False) -> None:
        """A new FAISS base where there is none that is whole, or the tail and the removed have passed a tenth of it."""
        stated = _base_stated(connection)
        base = self.base(connection, dimension)[1]
        outside = connection.execute("SELECT count(*) FROM passages WHERE passage_id > ?", (stated["last"],)).fetchone()
        removed = connection.execute("SELECT count(*) FROM removed").fetchone()[0]
        count = outside[0] + (base.ntotal if base is not None else 0)
        few = outside[0] + removed <= _TAIL_SHARE * max(count, 1)
        if not always and few and (base is not None or not _has_passages(connection)):
            return
        written = self.write(connection, dimension)
        with transaction(connection, self._folder):
            set_meta(connection, "base", written)
            connection.execute("DELETE FROM removed")
        self.drop_old(connection)

    def write(self, connection: sqlite3.Connection, dimension: int) -> str:
        """A base file of all passages, synced and in place; what the truth is to say of it."""
        count, last = connection.execute("SELECT count(*), coalesce(max(passage_id), -1) FROM passages").fetchone()
        chunks = partial(vector_chunks, connection, dimension)
        return self.save(int(meta(connection, "generation")), count, last, dimension, chunks)

    def save(self, generation: int, count: int, last: int, dimension: int, chunks: Chunks) -> str:
        """As `write`, of these vectors, the last of which has the id `last`."""
        path = self._folder / f"vectors-{generation}.faiss"
        index, described = dense.build_base(count, dimension, chunks)
        dense.save(index, path)
        with self._load_lock:
            self._base = ("", None)  # another of the same name may have been loaded
        found = path.stat()
        return json.dumps(
            {"name": path.name, "last": last, "bytes": found.st_size, "blake2": _digest(path),
             "mtime_ns": found.st_mtime_ns, **asdict(described)}
        )  # fmt: skip

    def drop_old(self, connection: sqlite3.Connection) -> None:
        """Removes base files other than the one that the truth names."""
        name = _base_stated(connection)["name"]
        for old in [*self._folder.glob("vectors-*.faiss"), *self._folder.glob("vectors-*.partial")]:
            if old.name != name:
                old.unlink(missing_ok=True)

    def mend(self, connection: sqlite3.Connection, dimension: int, *, thorough: bool) -> bool:
        """Makes the base again where it is missing, older or altered; whether it was.

        thorough: compares its bytes with their hash, also where nothing seems to have touched it.
        """
        stated = _base_stated(connection)
        if not stated["name"]:
            return False
        reason = ""
        if self.base(connection, dimension)[1] is None:
            reason = self._notices.pop("vectors", "").partition("(")[2].partition(")")[0] or "unreadable"
        elif thorough and _digest(self._folder / stated["name"]) != stated["blake2"]:
            reason = "altered"
        if reason:
            self.refresh(connection, dimension, always=True)
            self._notices["vectors"] = f"the vector index was damaged ({reason}); made again from the stored vectors"
        return bool(reason)


def _tail_vectors(
    connection: sqlite3.Connection, last: int, dimension: int, known: _Tail | None
) -> tuple[Ids, Vectors]:
    """Ids greater than `last`, and their vectors; those of `known` are not read again, since an id never comes back."""
    if known is None or not len(known.ids):
        return vectors_after(connection, last, dimension)
    rows = connection.execute("SELECT passage_id FROM passages WHERE passage_id > ? ORDER BY passage_id", (last,))
    now = np.fromiter((row[0] for row in rows), np.int64)
    new = np.setdiff1d(now, known.ids)
    kept = np.isin(known.ids, now)
    blobs = dict(select_in(connection, "SELECT passage_id, vector FROM passages WHERE passage_id", new.tolist()))
    vectors = from_blobs([blobs[passage_id] for passage_id in new.tolist()], dimension)
    return np.concatenate([known.ids[kept], new]), np.concatenate([known.vectors[kept], vectors])


def _base_stated(connection: sqlite3.Connection) -> dict[str, Any]:
    """What the truth says of the base: its file's name, last passage id, length, BLAKE2 and time."""
    stored = meta(connection, "base")
    return {**_NO_BASE, **json.loads(stored)} if stored else dict(_NO_BASE)


def described_base(connection: sqlite3.Connection) -> Base:
    """How the base that the truth names is searched."""
    stated = _base_stated(connection)
    return Base(**{field.name: stated[field.name] for field in fields(Base)})


def _has_passages(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM passages LIMIT 1").fetchone() is not None


def _load_base(path: Path, stated: dict[str, Any], dimension: int) -> Any:
    """The base index. Raises OSError or RuntimeError where the file is absent, another than stated, or no such index.

    Its bytes are compared with their hash only where the file's time is another than when it was written.
    """
    found = path.stat()
    if found.st_size != stated["bytes"]:
        raise OSError(f"{path.name} has {found.st_size} bytes, not {stated['bytes']}")
    if found.st_mtime_ns != stated["mtime_ns"] and _digest(path) != stated["blake2"]:
        raise OSError(f"{path.name} is not the file that was written")
    index = dense.load(path)
    if index.d != dimension:
        raise OSError(f"{path.name} has {index.d} dimensions, not {dimension}")
    return index


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def is_whole(connection: sqlite3.Connection, folder: Path, dimension: int) -> bool:
    """Whether the base that the truth names, if any, has the bytes that were written; nothing is mended."""
    stated = _base_stated(connection)
    try:
        return not stated["name"] or (
            _load_base(folder / stated["name"], stated, dimension) is not None
            and _digest(folder / stated["name"]) == stated["blake2"]
        )
    except (OSError, RuntimeError):
        return False
