"""The two derived indexes of a collection, FAISS and tantivy, as they are opened, trusted, and made again.

They may hold more than the truth, never less, and can be made again from it without embedding anything. Only the
holder of the writer's lock writes them; a reader who meets damage answers from the truth, and leaves a notice.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from index import vectors as dense
from index.lexical import LexicalEntry, LexicalIndex, remove_folder
from index.passages import encoder_input
from index.truth import meta, set_meta, transaction, vectors_after

# A tail longer than this share of the base is worth a new base: search over the tail reads it from the truth.
_TAIL_SHARE = 0.1


class DerivedIndexes:
    """The base, the tail behind it and the lexical index of one open collection, each loaded when first needed.

    notices: what was found damaged, a line each.
    """

    def __init__(self, folder: Path, dimension: int, *, writable: bool) -> None:
        """dimension: of the vectors. writable: this process holds the writer's lock, and mends what is damaged."""
        self.notices: list[str] = []
        self._folder = folder
        self._dimension = dimension
        self._writable = writable
        self._base: tuple[str, Any] = ("", None)
        self._tail: tuple[tuple[int, int], Any] = ((-1, -1), None)
        self._lexical: LexicalIndex | None = None
        self._lexical_generation = -1
        self._lexical_is_stored = False
        self._one_at_a_time = threading.RLock()  # threads wait while one loads or builds, not while they search

    def base(self, connection: sqlite3.Connection) -> tuple[int, Any]:
        """The last passage id of the base, and the base; (-1, None) where there is none that can be trusted."""
        with self._one_at_a_time:
            stated = _base_stated(connection)
            name = stated["name"]
            if not name:
                return -1, None
            if self._base[0] != name:
                path = self._folder / name
                try:
                    self._base = (name, _load_base(path, stated["bytes"], self._dimension))
                except (OSError, RuntimeError) as error:
                    self._notice(f"the vector index is damaged ({error}); answering from the stored vectors")
                    self._base = (name, None)
            index = self._base[1]
            return (-1, None) if index is None else (int(stated["last"]), index)

    def tail(self, connection: sqlite3.Connection, generation: int, last: int) -> Any:
        """The vectors behind the base, as a flat index."""
        with self._one_at_a_time:
            if self._tail[0] != (generation, last):  # a new base moves no generation, but shortens the tail
                self._tail = ((generation, last), dense.build(*vectors_after(connection, last, self._dimension)))
            return self._tail[1]

    def refresh_base(self, connection: sqlite3.Connection) -> None:
        """A new FAISS base where there is none that is whole, or the tail and the removed have passed a tenth of it."""
        stated = _base_stated(connection)
        whole = self.base(connection)[1] is not None
        count, outside = connection.execute(
            "SELECT count(*), coalesce(sum(passage_id > ?), 0) FROM passages", (stated["last"],)
        ).fetchone()
        removed = connection.execute("SELECT count(*) FROM removed").fetchone()[0]
        if outside + removed <= _TAIL_SHARE * max(count, 1) and (whole or not count):
            return
        ids, vectors = vectors_after(connection, -1, self._dimension)
        name = f"vectors-{int(meta(connection, 'generation'))}.faiss"
        path = self._folder / name
        dense.save(dense.build(ids, vectors), path)
        stated = {"name": name, "last": int(ids.max(initial=-1)), "bytes": path.stat().st_size, "blake2": _digest(path)}
        with transaction(connection, self._folder):
            set_meta(connection, "base", json.dumps(stated))
            connection.execute("DELETE FROM removed")
        for old in self._folder.glob("vectors-*.faiss"):
            if old.name != name:
                old.unlink(missing_ok=True)

    def lexical_for_writing(self, connection: sqlite3.Connection) -> LexicalIndex:
        """The lexical index on disk, made again first where it is not what the truth says."""
        with self._one_at_a_time:
            if self._lexical is None:
                self._lexical = self._open_lexical(connection, repair=True)
            return self._lexical

    def lexical_for_reading(self, connection: sqlite3.Connection, generation: int) -> LexicalIndex:
        """The lexical index as of now; one in memory is given up when the collection has moved on."""
        with self._one_at_a_time:
            if self._lexical is not None and self._lexical_generation != generation:
                if self._lexical_is_stored:
                    self._lexical.reload()
                else:
                    self._lexical = None
            if self._lexical is None:
                self._lexical = self._open_lexical(connection, repair=self._writable)
            self._lexical_generation = generation
            return self._lexical

    def _open_lexical(self, connection: sqlite3.Connection, *, repair: bool) -> LexicalIndex:
        """The lexical index on disk. Where it is absent or damaged, the writer makes it again, and a reader makes its
        own in memory; both from the truth. It may hold more than the truth, never less; the writer accepts neither."""
        folder = self._folder / "lexical"
        passages = connection.execute("SELECT count(*) FROM passages").fetchone()[0]
        index, reason = _stored_lexical(folder)
        if index is not None and (len(index) == passages or (len(index) > passages and not repair)):
            self._lexical_is_stored = True
            return index
        if passages:
            self._notice(f"the lexical index is {reason or 'not complete'}; made again{'' if repair else ' in memory'}")
        self._lexical_is_stored = repair
        if not repair:
            memory = LexicalIndex(None)
            memory.replace(_lexical_entries(connection))
            return memory
        # Made under another name: a process killed in between must not leave an index that looks whole.
        partial = self._folder / "lexical.partial"
        remove_folder(partial)
        LexicalIndex(partial).replace(_lexical_entries(connection))
        remove_folder(folder)
        partial.rename(folder)
        return LexicalIndex(folder)

    def _notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)


def lexical_entry(passage_id: int, doc_no: int, title: str | None, heading: str | None, text: str) -> LexicalEntry:
    """What the lexical index holds of a passage."""
    return LexicalEntry(passage_id, doc_no, encoder_input(title, heading, text))


def _lexical_entries(connection: sqlite3.Connection) -> Iterator[LexicalEntry]:
    rows = connection.execute(
        "SELECT p.passage_id, p.doc_no, d.title, p.heading, substr(d.text, p.start + 1, p.end - p.start) "
        "FROM passages p JOIN documents d USING (doc_no)"
    )
    return (lexical_entry(*row) for row in rows)


def _stored_lexical(folder: Path) -> tuple[LexicalIndex | None, str]:
    """The lexical index in a folder; None, and why, where there is none that opens."""
    if not (folder / "meta.json").is_file():
        return None, "absent"
    try:
        return LexicalIndex(folder), ""
    except (OSError, ValueError) as error:
        return None, f"damaged ({error})"


def _base_stated(connection: sqlite3.Connection) -> dict[str, Any]:
    """What the truth says of the base: its file's name, last passage id, length and BLAKE2."""
    stored = meta(connection, "base")
    return dict(json.loads(stored)) if stored else {"name": "", "last": -1, "bytes": 0, "blake2": ""}


def _load_base(path: Path, size: int, dimension: int) -> Any:
    """The base index. Raises OSError or RuntimeError where the file is absent, of another length, or no such index."""
    found = path.stat().st_size
    if found != size:
        raise OSError(f"{path.name} has {found} bytes, not {size}")
    index = dense.load(path)
    if index.d != dimension:
        raise OSError(f"{path.name} has {index.d} dimensions, not {dimension}")
    return index


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
