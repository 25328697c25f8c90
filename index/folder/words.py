"""The words of a collection for tantivy: its index on disk as it is loaded, trusted, and made again.

It may hold more than the truth, never less, and is made of it without embedding anything. A reader who meets damage
answers from the truth, in memory, and leaves a notice.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import tantivy

from index.errors import CollectionError
from index.folder.lexical import LexicalEntry, LexicalIndex, committed_files, remove_folder, remove_orphans, whole_files
from index.folder.truth import meta, set_meta, transaction
from index.passages import encoder_input

# Passages, the newest and the oldest, that a reader looks for before it trusts a lexical index.
_LOOKED_FOR = 8


@dataclass(frozen=True, slots=True)
class LexicalView:
    """The lexical index as one generation of the collection needs it; `index` is None where none can be trusted."""

    generation: int
    index: LexicalIndex | None
    searcher: tantivy.Searcher | None


class LexicalOnDisk:
    """The lexical index of one open collection, loaded when first needed.

    Threads may share it: what is handed out stays as it is, and they wait for one another only while one loads.
    """

    def __init__(self, folder: Path, notices: dict[str, str]) -> None:
        """folder: the collection's. notices: gets what was found damaged, under "lexical"."""
        self._folder = folder
        self._notices = notices
        self._lexical: LexicalIndex | None = None
        self._view = LexicalView(-1, None, None)
        self._load_lock = threading.RLock()  # guards _lexical and _view

    def view(self, generation: int) -> LexicalView | None:
        """What was loaded for this generation, if anything was."""
        known = self._view
        return known if known.generation == generation else None

    def load(self, generation: int) -> LexicalView:
        """The lexical index as it is on disk now; `keep` it when it is known to belong to the generation."""
        with self._load_lock:
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
        with self._load_lock:
            if view.index is not None and not _holds_enough(view, connection):
                view = LexicalView(view.generation, None, None)
                self._let_go()
            if view.index is not None:
                self._notices.pop("lexical", None)
            self._view = view
            return view

    def in_memory(self, connection: sqlite3.Connection, view: LexicalView) -> LexicalView:
        """A lexical index of a reader's own, from the truth, where the one on disk cannot be trusted."""
        with self._load_lock:
            if self._view.generation == view.generation and self._view.index is not None:
                return self._view
            memory = LexicalIndex(None)
            memory.replace(lexical_entries(connection))
            made = LexicalView(view.generation, memory, memory.searcher())
            if len(memory):
                self._notices["lexical"] = "the lexical index is absent or damaged; made again in memory"
            if self._view.generation == view.generation:
                self._view = made
            return made

    def for_writing(self) -> LexicalIndex:
        """The lexical index on disk; `mend` has seen to it."""
        with self._load_lock:
            if self._lexical is None:
                remove_orphans(self._folder / "lexical")
                self._lexical = LexicalIndex(self._folder / "lexical")
            return self._lexical

    def write(self, entries: Iterable[LexicalEntry], removed: Iterable[int] = ()) -> None:
        """Puts entries into the lexical index and takes `removed` ids out, on disk when it returns.

        Raises CollectionError where it cannot be written; then the next call begins from the last that could.
        """
        try:
            self.for_writing().replace(entries, removed)
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
        with self._load_lock:
            if self._lexical is not None:
                self._lexical.settle()
            folder = self._folder / "lexical"
            if folder.is_dir() and meta(connection, "lexical") not in ("", _signature(folder)):
                self.state(connection)

    def state(self, connection: sqlite3.Connection) -> None:
        """Writes down what the lexical files are now, so that opening tells whether anything else touched them."""
        with transaction(connection, self._folder):
            set_meta(connection, "lexical", _signature(self._folder / "lexical"))

    def mend(self, connection: sqlite3.Connection, *, thorough: bool) -> bool:
        """Makes the index again where it is missing, older or altered; whether it was, and there is anything in it.

        thorough: compares the files' bytes with their checksums, also where nothing seems to have touched them.
        """
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
                    self.write((), sorted(held - truth))
                self.state(connection)
                return False
        self.rebuild(connection)
        if truth:
            self._notices["lexical"] = f"the lexical index was {reason}; made again from the stored text"
        return bool(truth)

    def rebuild(self, connection: sqlite3.Connection) -> None:
        """The lexical index made again from the truth, under another name first: what stands there is always whole."""
        folder = self._folder / "lexical"
        partial = self._folder / "lexical.partial"
        remove_folder(partial)
        made = LexicalIndex(partial)
        made.replace(lexical_entries(connection))
        made.settle()
        with self._load_lock:
            self._let_go()
            remove_folder(folder)
            partial.rename(folder)
            self._lexical = LexicalIndex(folder)
        self.state(connection)


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


def is_whole(connection: sqlite3.Connection, folder: Path) -> bool:
    """Whether the files have the bytes that tantivy wrote, and hold all passages; nothing is mended."""
    truth = {row[0] for row in connection.execute("SELECT passage_id FROM passages")}
    index, _ = _stored_lexical(folder / "lexical")
    return index is not None and whole_files(folder / "lexical") and truth <= index.ids()
