"""The two derived indexes of a collection, FAISS and tantivy, as they are opened, trusted, and made again.

They may hold more than the truth, never less, and can be made again from it without embedding anything. Only the
holder of the writer's lock writes them; a reader who meets damage answers from the truth, and leaves a notice.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tantivy

from index.collection import Base, Filters
from index.encoder.embedding import Vectors
from index.errors import CollectionError
from index.folder import vectors as dense
from index.folder.lexical import LexicalEntry, LexicalIndex, committed_files, remove_folder, remove_orphans, whole_files
from index.folder.rows import select_in, vector_chunks, vectors_after
from index.folder.selection import Selection, Selections
from index.folder.truth import connect, meta, set_meta, transaction
from index.folder.vectors import Chunks, Ids
from index.passages import encoder_input
from index.prepared import from_blobs

# A tail longer than this share of the base is worth a new base: search over the tail reads it from the truth.
_TAIL_SHARE = 0.1
# Passages, the newest and the oldest, that a reader looks for before it trusts a lexical index.
_LOOKED_FOR = 8
_NO_BASE = {"name": "", "last": -1, "bytes": 0, "blake2": "", "mtime_ns": 0}
_NO_BASE |= asdict(Base())


@dataclass(frozen=True, slots=True)
class LexicalView:
    """The lexical index as one generation of the collection needs it; `index` is None where none can be trusted."""

    generation: int
    index: LexicalIndex | None
    searcher: tantivy.Searcher | None


@dataclass(frozen=True, slots=True)
class _Tail:
    """The vectors behind a base: ids (n,) ascending, vectors (n, d)."""

    generation: int
    last: int
    ids: Ids
    vectors: Vectors
    index: Any


class DerivedIndexes:
    """The base, the tail behind it and the lexical index of one open collection, each loaded when first needed.

    Threads may share it: what is handed out stays as it is, and they wait for one another only while one loads.
    """

    def __init__(self, folder: Path) -> None:
        """folder: the collection's."""
        self._folder = folder
        self._found: dict[str, str] = {}
        self._base: tuple[str, Any] = ("", None)
        self._tail: _Tail | None = None
        self._selections = Selections()
        self._lexical: LexicalIndex | None = None
        self._view = LexicalView(-1, None, None)
        self._one_loads = threading.RLock()

    @property
    def notices(self) -> list[str]:
        """What was found damaged, a line each; for a reader, what still is."""
        return list(self._found.values())

    # The base and its tail

    def base(self, connection: sqlite3.Connection, dimension: int) -> tuple[int, Any]:
        """The last passage id of the base, and the base; (-1, None) where there is none that can be trusted."""
        stated = _base_stated(connection)
        name = stated["name"]
        if not name:
            return -1, None
        with self._one_loads:
            if self._base[0] != name:
                try:
                    index = _load_base(self._folder / name, stated, dimension)
                except (OSError, RuntimeError) as error:
                    if not (self._folder / name).exists() and self._is_superseded(name):
                        return -1, None  # a state from before the newest base: right from the truth, and soon over
                    self._found["vectors"] = f"the vector index is damaged ({error}); answering from the stored vectors"
                    index = None
                else:
                    self._found.pop("vectors", None)
                self._base = (name, index)
            index = self._base[1]
        return (-1, None) if index is None else (int(stated["last"]), index)

    def selection(
        self, connection: sqlite3.Connection, generation: int, last: int, filters: Filters | None
    ) -> Selection | None:
        """The passages that a state with such a base lets through; None is all of them."""
        return self._selections.of(connection, generation, last, filters)

    def _is_superseded(self, name: str) -> bool:
        """Whether the truth, as of now, names another base."""
        connection = connect(self._folder, write=False)
        try:
            return bool(_base_stated(connection)["name"] != name)
        finally:
            connection.close()

    def tail(self, connection: sqlite3.Connection, generation: int, last: int, dimension: int) -> Any:
        """The vectors behind the base, as a flat index; only what is new since the last call is read."""
        with self._one_loads:
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

    def refresh_base(self, connection: sqlite3.Connection, dimension: int, *, always: bool = False) -> None:
        """A new FAISS base where there is none that is whole, or the tail and the removed have passed a tenth of it."""
        stated = _base_stated(connection)
        base = self.base(connection, dimension)[1]
        outside = connection.execute("SELECT count(*) FROM passages WHERE passage_id > ?", (stated["last"],)).fetchone()
        removed = connection.execute("SELECT count(*) FROM removed").fetchone()[0]
        count = outside[0] + (base.ntotal if base is not None else 0)
        few = outside[0] + removed <= _TAIL_SHARE * max(count, 1)
        if not always and few and (base is not None or not _has_passages(connection)):
            return
        written = self.write_base(connection, dimension)
        with transaction(connection, self._folder):
            set_meta(connection, "base", written)
            connection.execute("DELETE FROM removed")
        self.drop_old_bases(connection)

    def write_base(self, connection: sqlite3.Connection, dimension: int) -> str:
        """A base file of all passages, synced and in place; what the truth is to say of it."""
        count, last = connection.execute("SELECT count(*), coalesce(max(passage_id), -1) FROM passages").fetchone()
        chunks = partial(vector_chunks, connection, dimension)
        return self.save_base(int(meta(connection, "generation")), count, last, dimension, chunks)

    def save_base(self, generation: int, count: int, last: int, dimension: int, chunks: Chunks) -> str:
        """As `write_base`, of these vectors, the last of which has the id `last`."""
        path = self._folder / f"vectors-{generation}.faiss"
        index, described = dense.build_base(count, dimension, chunks)
        dense.save(index, path)
        with self._one_loads:
            self._base = ("", None)  # another of the same name may have been loaded
        found = path.stat()
        return json.dumps(
            {"name": path.name, "last": last, "bytes": found.st_size, "blake2": _digest(path),
             "mtime_ns": found.st_mtime_ns, **asdict(described)}
        )  # fmt: skip

    def drop_old_bases(self, connection: sqlite3.Connection) -> None:
        """Removes base files other than the one that the truth names."""
        name = _base_stated(connection)["name"]
        for old in [*self._folder.glob("vectors-*.faiss"), *self._folder.glob("vectors-*.partial")]:
            if old.name != name:
                old.unlink(missing_ok=True)

    # The lexical index

    def view(self, generation: int) -> LexicalView | None:
        """What was loaded for this generation, if anything was."""
        known = self._view
        return known if known.generation == generation else None

    def load_view(self, generation: int) -> LexicalView:
        """The lexical index as it is on disk now; `keep` it when it is known to belong to the generation."""
        with self._one_loads:
            if self._lexical is not None and not self._lexical.is_a_copy:
                try:
                    self._lexical.reload()
                except (OSError, ValueError):
                    self._let_go()
            if self._lexical is None or self._lexical.is_a_copy:
                self._lexical = _stored_lexical(self._folder / "lexical")[0]
            return LexicalView(generation, self._lexical, self._lexical.searcher() if self._lexical else None)

    def keep(self, view: LexicalView, connection: sqlite3.Connection) -> LexicalView:
        """The view for all who read this generation; one that holds less than the truth is not to be trusted."""
        with self._one_loads:
            if view.index is not None and not _holds_enough(view, connection):
                view = LexicalView(view.generation, None, None)
                self._let_go()
            if view.index is not None:
                self._found.pop("lexical", None)
            self._view = view
            return view

    def lexical_in_memory(self, connection: sqlite3.Connection, view: LexicalView) -> LexicalView:
        """A lexical index of a reader's own, from the truth, where the one on disk cannot be trusted."""
        with self._one_loads:
            if self._view.generation == view.generation and self._view.index is not None:
                return self._view
            memory = LexicalIndex(None)
            memory.replace(lexical_entries(connection))
            made = LexicalView(view.generation, memory, memory.searcher())
            if len(memory):
                self._found["lexical"] = "the lexical index is absent or damaged; made again in memory"
            if self._view.generation == view.generation:
                self._view = made
            return made

    def lexical_for_writing(self) -> LexicalIndex:
        """The lexical index on disk; `mend` has seen to it."""
        with self._one_loads:
            if self._lexical is None:
                remove_orphans(self._folder / "lexical")
                self._lexical = LexicalIndex(self._folder / "lexical")
            return self._lexical

    def write_lexical(self, entries: Iterable[LexicalEntry], removed: Iterable[int] = ()) -> None:
        """Puts entries into the lexical index and takes `removed` ids out, on disk when it returns.

        Raises CollectionError where it cannot be written; then the next call begins from the last that could.
        """
        try:
            self.lexical_for_writing().replace(entries, removed)
        except CollectionError:
            self._let_go()
            raise

    def _let_go(self) -> None:
        """The lexical index as it was loaded is not to be used any more; another may write."""
        if self._lexical is not None:
            self._lexical.settle()
        self._lexical = None

    def settle(self, connection: sqlite3.Connection) -> None:
        """Lets others write to the lexical index, once what is being merged there has ended or is given up."""
        with self._one_loads:
            if self._lexical is not None:
                self._lexical.settle()
            folder = self._folder / "lexical"
            if folder.is_dir() and meta(connection, "lexical") not in ("", _signature(folder)):
                self.state_lexical(connection)

    def state_lexical(self, connection: sqlite3.Connection) -> None:
        """Writes down what the lexical files are now, so that opening tells whether anything else touched them."""
        with transaction(connection, self._folder):
            set_meta(connection, "lexical", _signature(self._folder / "lexical"))

    # Mending, by the writer

    def mend(self, connection: sqlite3.Connection, dimension: int, *, thorough: bool = False) -> list[str]:
        """Makes again what is missing, truncated, older or altered, without embedding; the names of what was.

        thorough: compares every file's bytes with their checksums, also where nothing seems to have touched it.
        """
        mended = []
        if self._mend_base(connection, dimension, thorough=thorough):
            mended.append("vector index")
        if self._mend_lexical(connection, thorough=thorough):
            mended.append("lexical index")
        return mended

    def _mend_base(self, connection: sqlite3.Connection, dimension: int, *, thorough: bool) -> bool:
        stated = _base_stated(connection)
        if not stated["name"]:
            return False
        reason = ""
        if self.base(connection, dimension)[1] is None:
            reason = self._found.pop("vectors", "").partition("(")[2].partition(")")[0] or "unreadable"
        elif thorough and _digest(self._folder / stated["name"]) != stated["blake2"]:
            reason = "altered"
        if reason:
            self.refresh_base(connection, dimension, always=True)
            self._found["vectors"] = f"the vector index was damaged ({reason}); made again from the stored vectors"
        return bool(reason)

    def _mend_lexical(self, connection: sqlite3.Connection, *, thorough: bool) -> bool:
        self._let_go()
        folder = self._folder / "lexical"
        untouched = folder.is_dir() and meta(connection, "lexical") == _signature(folder)
        if not untouched:
            remove_orphans(folder)
        index, reason = _stored_lexical(folder)
        if index is not None and untouched and not thorough:
            self._lexical = index
            return False
        truth = {row[0] for row in connection.execute("SELECT passage_id FROM passages")}
        if index is not None and not whole_files(folder):
            index, reason = None, "altered"
        if index is not None:
            held = index.ids()
            reason = "older than the truth" if held else "empty"
            if truth <= held:
                self._lexical = index
                if held - truth:  # what a killed process left behind
                    self.write_lexical((), sorted(held - truth))
                self.state_lexical(connection)
                return False
        self.rebuild_lexical(connection)
        if truth:
            self._found["lexical"] = f"the lexical index was {reason}; made again from the stored text"
        return bool(truth)

    def rebuild_lexical(self, connection: sqlite3.Connection) -> None:
        """The lexical index made again from the truth, under another name first: what stands there is always whole."""
        folder = self._folder / "lexical"
        partial = self._folder / "lexical.partial"
        remove_folder(partial)
        made = LexicalIndex(partial)
        made.replace(lexical_entries(connection))
        made.settle()
        with self._one_loads:
            self._let_go()
            remove_folder(folder)
            partial.rename(folder)
            self._lexical = LexicalIndex(folder)
        self.state_lexical(connection)


def damaged_files(connection: sqlite3.Connection, folder: Path, dimension: int) -> list[str]:
    """The names of the derived indexes that are not as they were written; nothing is mended."""
    damaged = []
    stated = _base_stated(connection)
    try:
        whole = not stated["name"] or (
            _load_base(folder / stated["name"], stated, dimension) is not None
            and _digest(folder / stated["name"]) == stated["blake2"]
        )
    except (OSError, RuntimeError):
        whole = False
    if not whole:
        damaged.append("vector index")
    truth = {row[0] for row in connection.execute("SELECT passage_id FROM passages")}
    index, _ = _stored_lexical(folder / "lexical")
    if index is None or not whole_files(folder / "lexical") or not truth <= index.ids():
        damaged.append("lexical index")
    return damaged


def lexical_entry(passage_id: int, text_no: int, title: str | None, heading: str | None, text: str) -> LexicalEntry:
    """What the lexical index holds of a passage."""
    return LexicalEntry(passage_id, text_no, encoder_input(title, heading, text))


def lexical_entries(connection: sqlite3.Connection) -> Iterator[LexicalEntry]:
    """What the lexical index is to hold, of all passages."""
    rows = connection.execute(
        "SELECT p.passage_id, p.text_no, t.title, p.heading, substr(t.text, p.start + 1, p.end - p.start) "
        "FROM passages p JOIN texts t USING (text_no)"
    )
    return (lexical_entry(*row) for row in rows)


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


def _holds_enough(view: LexicalView, connection: sqlite3.Connection) -> bool:
    """Whether the view has as many entries as the truth has passages, and those for its newest and oldest."""
    if view.index is None or view.searcher is None:
        return False
    if view.searcher.num_docs < connection.execute("SELECT count(*) FROM passages").fetchone()[0]:
        return False
    looked_for = [
        row[0]
        for order in ("DESC", "ASC")
        for row in connection.execute(
            f"SELECT passage_id FROM passages ORDER BY passage_id {order} LIMIT {_LOOKED_FOR}"
        )
    ]
    return all(view.index.has(passage_id, view.searcher) for passage_id in looked_for)


def _stored_lexical(folder: Path) -> tuple[LexicalIndex | None, str]:
    """The lexical index in a folder; None, and why, where there is none that opens."""
    if not (folder / "meta.json").is_file():
        return None, "absent"
    try:
        return LexicalIndex(folder), ""
    except (OSError, ValueError) as error:
        return None, f"damaged ({str(error).splitlines()[0]})"


def _signature(folder: Path) -> str:
    """Names, lengths and times of the committed lexical files, hashed: the same while nothing has touched them."""
    found = []
    for path in committed_files(folder):
        with suppress(FileNotFoundError):  # merged away meanwhile
            stat = path.stat()
            found.append((path.name, stat.st_size, stat.st_mtime_ns))
    return hashlib.blake2b(json.dumps(found).encode(), digest_size=16).hexdigest()


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
