"""The collection on disk: one source of truth, and two derived indexes that can be made again from it.

    corpus.sqlite              the truth: texts, their names, paragraphs, passages, vectors, the encoder's identity
    vectors-GENERATION.faiss   derived: the base, immutable        lexical/   derived: tantivy
    writer.lock                held by the one process that writes

The rule that keeps it whole: derived indexes may hold more than the truth, never less. So lexical entries are
committed first, then one SQLite transaction makes documents, passages and vectors visible and moves the generation,
and lexical deletes follow. A question runs inside one read transaction, and a hit whose id the truth does not have is
dropped. Vectors newer than the base are searched from the truth.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import filelock

from index.address import Place, folder_size
from index.collection import Damage
from index.copies import runs, signature
from index.documents import Document
from index.encoder.embedding import EncoderIdentity
from index.errors import CollectionError, UnknownDocument
from index.folder.connections import Connections, file_id, missing
from index.folder.damage import any_text, damaged_database, damaged_documents, damaged_files
from index.folder.lexical import LexicalEntry
from index.folder.locking import acquire
from index.folder.near_copies import link
from index.folder.rows import (
    document_numbers,
    document_row,
    find_text,
    forget_texts,
    new_texts,
    numbered_chunks,
    read_document_rows,
    read_text,
    rename_texts,
    renew_sum,
    store_document,
    store_passages,
    store_text,
)
from index.folder.selection import mark_documents_changed
from index.folder.snapshot import DerivedIndexes, FolderSnapshot, read_generation
from index.folder.truth import (
    CORPUS,
    connect,
    forget_reindexing,
    make_truth,
    next_generation,
    require_format,
    set_meta,
    sqlite_errors_as_ours,
    stored_encoder,
    take_numbers,
    transaction,
)
from index.folder.words import LexicalView, lexical_entry
from index.prepared import Passages, Prepared, text_key

# How often a reading begins anew because something was committed while it began.
_BEGINNINGS = 50
# How long `compact` waits for readers that are inside a question.
PATIENCE_MS = 5000


class FolderCollection:
    """A collection in a folder, opened for reading, or for writing by one process at a time.

    How a long-lived process uses it: open it once and keep it. Any number of threads may be inside `reading()` at
    once; each has a connection and a state of its own for as long as that lasts, and none waits for another or for a
    writer. Keep a reading short (one question), begin and end it in one thread, without an `await` or a `yield` to
    others inside, and hand its Snapshot to nobody. Each new reading sees what has
    been committed by then, by whichever process, also a collection that was made anew in the folder; a thread that
    reads inside its own reading sees the same state. Threads that write wait for one another.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection | None, lock: filelock.FileLock | None) -> None:
        """Use `open_collection` or `create_collection`. connection: the writer's."""
        self.folder = folder
        self.place: Place = folder
        self._writer = connection
        self._lock = lock
        self._derived = DerivedIndexes(folder)
        self._write_lock = threading.RLock()  # guards the writer's connection, _writer
        self._here = threading.local()
        self._file = file_id(folder)
        self._connections = Connections(folder)
        self.mended: list[str] = []  # derived indexes that were made again when this was opened for writing

    # Opening and closing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the files and of the writer's lock."""
        self._connections.close()
        try:
            if self._writer is not None:
                # What SQLite or tantivy has against it, the next to write finds out for itself.
                with (
                    closing(self._writer),
                    suppress(CollectionError, OSError, ValueError),
                    sqlite_errors_as_ours(self.folder),
                ):
                    self._derived.words.settle(self._writer)
        finally:
            if self._lock is not None:
                self._lock.release()

    @property
    def writable(self) -> bool:
        """Whether this process holds the writer's lock."""
        return self._lock is not None

    @property
    def notices(self) -> list[str]:
        """What was found damaged in derived files, a line each; for a reader, what still is."""
        return self._derived.notices

    def size(self) -> int:
        """Bytes of all files in the folder."""
        return folder_size(self.folder)

    @property
    def encoder(self) -> EncoderIdentity:
        """The encoder that made the stored vectors, as of now."""
        with self.reading() as snapshot:
            return snapshot.encoder

    # Reading

    @contextmanager
    def reading(self) -> Iterator[FolderSnapshot]:
        """One whole state of the collection, whatever is written meanwhile, by whichever thread or process."""
        outer: FolderSnapshot | None = getattr(self._here, "snapshot", None)
        if outer is not None:
            yield outer
            return
        derived = self._derived_of_now()
        with self._connections.one() as connection, sqlite_errors_as_ours(self.folder):
            try:
                view = self._begin(connection, derived)
                self._here.snapshot = FolderSnapshot(self.folder, connection, derived, view)
                yield self._here.snapshot
            finally:
                self._here.snapshot = None
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def _derived_of_now(self) -> DerivedIndexes:
        """The derived indexes of the truth that is there now, which may be another than when this was opened."""
        file = file_id(self.folder)
        if file != self._file:
            self._derived = DerivedIndexes(self.folder)
            self._file = file  # set last: whoever sees it finds the indexes that belong to it
        return self._derived

    def _begin(self, connection: sqlite3.Connection, derived: DerivedIndexes) -> LexicalView:
        """Begins a read transaction, and finds the lexical entries that belong to it.

        tantivy is no part of the transaction. Entries go from it only after a transaction that took their passages has
        moved the generation: so what was loaded while the generation stood still holds all that this state needs.
        """
        generation = -1
        for _ in range(_BEGINNINGS):
            connection.execute("BEGIN")
            generation = read_generation(connection)
            known = derived.words.view(generation)
            if known is not None:
                return known
            view = derived.words.load(generation)
            with self._connections.one() as another:
                latest = read_generation(another)
            if latest == generation:
                return derived.words.keep(view, connection)
            connection.execute("ROLLBACK")
        connection.execute("BEGIN")
        return LexicalView(read_generation(connection), None, None)

    # Writing

    def replace(self, prepared: Sequence[Prepared], *, anew: bool = False) -> None:
        """The documents become visible, whole, all at once; those of the same source go in the same moment.

        A text that is stored already gets a further name, and nothing else. anew: what is stored of these documents is
        damaged; all names of their texts get what is given here.
        """
        if not prepared:
            return
        with self._writing() as connection:
            keys = [text_key(p.document, p.paragraphs) for p in prepared]
            with transaction(connection, self.folder):
                new = new_texts(connection, keys, prepared, anew=anew)
                doc_nos = document_numbers(connection, prepared)
            self._derived.words.write(
                lexical_entry(passage_id, text_no, p.document.title, window.heading,
                              p.document.text[window.start : window.end])
                for text_no, ids, p in new.values()
                for passage_id, window in zip(ids, p.windows, strict=True)
            )  # fmt: skip
            with transaction(connection, self.folder):
                before = [
                    row[0]
                    for doc_no in doc_nos.values()
                    for row in connection.execute("SELECT text_no FROM documents WHERE doc_no = ?", (doc_no,))
                ]
                if anew:  # their keys are for those that come
                    connection.executemany(
                        "UPDATE texts SET key = randomblob(17) WHERE text_no = ?", [(t,) for t in before]
                    )
                for text_no, ids, p in new.values():
                    found = runs(p.document.text[window.start : window.end] for window in p.windows)
                    minhash = signature(found)
                    store_text(connection, text_no, ids, p, minhash)
                    link(connection, text_no, found, minhash)
                for key, p in zip(keys, prepared, strict=True):
                    text_no = new[key][0] if key in new else find_text(connection, key) or 0
                    if anew:
                        rename_texts(connection, doc_nos[p.document.source], text_no)
                    store_document(connection, doc_nos[p.document.source], text_no, p.document)
                # A new text may be without a name, too: where the same source was given twice.
                gone = forget_texts(connection, [*before, *(text_no for text_no, _, _ in new.values())])
                next_generation(connection)
                if before:
                    mark_documents_changed(connection)
            if gone:
                self._derived.words.write((), gone)
            self._derived.words.state(connection)

    def remove(self, doc_ids: Sequence[str]) -> None:
        """The documents go, and texts that lose their last name. Raises UnknownDocument, before anything goes."""
        with self._writing() as connection:
            rows = [document_row(connection, self.folder, doc_id) for doc_id in doc_ids]
            with transaction(connection, self.folder):
                connection.executemany("DELETE FROM documents WHERE doc_no = ?", [(doc_no,) for doc_no, _ in rows])
                gone = forget_texts(connection, [text_no for _, text_no in rows])
                next_generation(connection)
                mark_documents_changed(connection)
            if gone:
                self._derived.words.write((), gone)
                self._derived.words.state(connection)

    def move(self, sources: Mapping[str, str]) -> None:
        """Documents whose files lie elsewhere now: name -> new source; nothing else changes. Raises UnknownDocument."""
        if not sources:
            return
        with self._writing() as connection, transaction(connection, self.folder):
            for doc_id, source in sources.items():
                doc_no, _ = document_row(connection, self.folder, doc_id)
                connection.execute("UPDATE documents SET source = ? WHERE doc_no = ?", (source, doc_no))
                renew_sum(connection, doc_no)
            next_generation(connection)

    def exchange(self, encoder: EncoderIdentity, passages: Iterable[Passages]) -> int:
        """Puts passages and vectors by another encoder in place of all that are there, in one moment; how many.

        passages: those of every stored text, each time from the first on: they are gone through several times, and
        never held at once. Readers that are inside a question keep the old ones until it ends.
        """
        with self._writing() as connection:
            count = sum(len(p.windows) for p in passages)
            with transaction(connection, self.folder):
                first = take_numbers(connection, "next_passage_id", count)
            self._derived.words.write(_entries(connection, passages, first))
            base = self._derived.base.save(
                read_generation(connection) + 1, count, first + count - 1, encoder.dimension,
                lambda: numbered_chunks(passages, first),
            )  # fmt: skip
            old = [
                row[0] for row in connection.execute("SELECT passage_id FROM passages WHERE passage_id < ?", (first,))
            ]
            with transaction(connection, self.folder):
                connection.execute("DELETE FROM passages")
                at = first
                for p in passages:
                    store_passages(connection, p.text_no, range(at, at + len(p.windows)), p)
                    at += len(p.windows)
                connection.execute("DELETE FROM removed")
                set_meta(connection, "encoder", encoder.to_json())
                set_meta(connection, "base", base)
                next_generation(connection)
            self._derived.words.write((), old)
            self._derived.words.state(connection)
            self._derived.base.drop_old(connection)
            return count

    def describe(self, document: Document) -> None:
        """A document's date, publisher, url, and which of them a person gave, are what they are in `document`.

        Its title is part of what is embedded: see `replace`. Raises UnknownDocument.
        """
        with self._writing() as connection, transaction(connection, self.folder):
            doc_no, text_no = document_row(connection, self.folder, document.doc_id)
            store_document(connection, doc_no, text_no, document)
            next_generation(connection)
            mark_documents_changed(connection)

    # Looking for damage

    def damaged_parts(self) -> list[Damage]:
        """What is not as it was stored and is no document's own; derived files are made again by a writer."""
        with self._looking() as connection:
            found = list(damaged_database(connection))
        if self._writer is None:
            with self.reading() as snapshot:
                parts = damaged_files(snapshot.connection, self.folder, snapshot.encoder.dimension)
            remedy = "any command that writes makes it again from the truth"
            return found + [Damage(part, None, mended=False, remedy=remedy) for part in parts]
        with self._writing() as connection:
            dimension = stored_encoder(connection, self.folder).dimension
            parts = sorted({*self.mended, *self._derived.mend(connection, dimension, thorough=True)})
        return found + [Damage(part, None, mended=True, remedy="made again from the truth") for part in parts]

    def damaged_documents(self) -> list[tuple[str, list[str]]]:
        """Names of documents, and which of their parts differ from their checksums."""
        with self._looking() as connection:
            return list(damaged_documents(connection))

    def described(self, doc_id: str) -> Document:
        """What is stored of a document that may be damaged, its text left out. Raises UnknownDocument."""
        with self._looking() as connection:
            for document in read_document_rows(connection):
                if document.doc_id == doc_id:
                    return document
        raise UnknownDocument(f"no document '{doc_id}' in '{self.folder}'; 'pilcrow list' shows the names")

    @contextmanager
    def _looking(self) -> Iterator[sqlite3.Connection]:
        """A connection that reads damaged bytes, too, as what no checksum agrees with; in one transaction."""
        with sqlite_errors_as_ours(self.folder), closing(connect(self.folder, write=False)) as connection:
            connection.text_factory = any_text
            connection.execute("BEGIN")
            yield connection

    def compact(self) -> bool:
        """Makes every file anew, so that none holds a byte of what was removed; False where a reader is in the way.

        A reader that is inside a question keeps the old pages of the truth; it is waited for, for five seconds.
        """
        with self._writing() as connection:
            dimension = stored_encoder(connection, self.folder).dimension
            self._derived.base.refresh(connection, dimension, always=True)
            self._derived.words.rebuild(connection)
            forget_reindexing(self.folder)
            connection.execute("VACUUM")
            connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def refresh_base(self) -> None:
        """A new FAISS base where there is none that is whole, or the tail and the removed have passed a tenth of it."""
        with self._writing() as connection:
            self._derived.base.refresh(connection, stored_encoder(connection, self.folder).dimension)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The writer's connection, for one thread at a time."""
        if self._writer is None:
            raise CollectionError(f"'{self.folder}' is open for reading only; open it with write=True")
        with self._write_lock, sqlite_errors_as_ours(self.folder):
            yield self._writer


def exists(folder: Path) -> bool:
    """Whether there is a collection in `folder`."""
    return (folder / CORPUS).is_file()


def open_collection(folder: Path, *, write: bool = False) -> FolderCollection:
    """The collection in `folder`. With `write`, this process becomes its one writer.

    Raises CollectionMissing, CollectionMismatch (another format), CollectionLocked, CollectionDamaged.
    """
    if not exists(folder):
        raise missing(folder)
    if write:
        with ExitStack() as undo:
            lock = acquire(folder)
            undo.callback(lock.release)
            return _opened_for_writing(folder, lock, undo)
    with closing(connect(folder, write=False)) as connection:
        require_format(connection, folder)
    return FolderCollection(folder, None, None)


def create_collection(folder: Path, encoder: EncoderIdentity) -> FolderCollection:
    """A new, empty collection in `folder`, open for writing; or the one that is there.

    Raises CollectionLocked where somebody else makes it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as undo:
        lock = acquire(folder)
        undo.callback(lock.release)
        if not exists(folder):
            make_truth(folder, encoder)
        return _opened_for_writing(folder, lock, undo)


def _opened_for_writing(folder: Path, lock: filelock.FileLock, undo: ExitStack) -> FolderCollection:
    """The collection, of today's format, its derived files mended; `undo` is let off once it is."""
    connection = connect(folder, write=True)
    undo.callback(connection.close)
    with sqlite_errors_as_ours(folder):
        encoder = stored_encoder(connection, folder)
        require_format(connection, folder)
        collection = FolderCollection(folder, connection, lock)
        collection.mended = collection._derived.mend(connection, encoder.dimension)
    undo.pop_all()
    return collection


def _entries(connection: sqlite3.Connection, passages: Iterable[Passages], first: int) -> Iterator[LexicalEntry]:
    """What the lexical index is to hold of passages that are numbered from `first` on."""
    passage_id = first
    for p in passages:
        title, text = read_text(connection, p.text_no)
        for window in p.windows:
            yield lexical_entry(passage_id, p.text_no, title, window.heading, text[window.start : window.end])
            passage_id += 1
