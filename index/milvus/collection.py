"""A collection in Milvus, written so that a question never sees half, without transactions.

What is new is written first: pieces of text and passages, which nothing names yet; then rows of documents that are born
in the next generation, and the death of those that they replace. One row then moves the generation, and that is the
commit: until it a reader sees the old state, from it on the new one, whole. What a killed writer left is of a
generation that never came; the next writer takes it away. What was replaced or removed is deleted GRACE seconds later,
after the new rows are flushed: a question that began before can still read it.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace as changed
from typing import Self

from index.address import MilvusAddress, Place, milvus_address
from index.collection import Damage
from index.documents import Document
from index.encoder.embedding import EncoderIdentity
from index.errors import CollectionError, CollectionMismatch, CollectionMissing
from index.milvus.lease import Lease
from index.milvus.rows import version_of
from index.milvus.snapshot import MilvusSnapshot
from index.milvus.store import Row, Store, close_store, opened_store
from index.milvus.writing import Writing
from index.prepared import Passages, Prepared, text_key

FORMAT = 1
# The longest that a question takes; what it has found is not deleted under it.
GRACE = 300.0
# `compact` deletes what was removed longer ago than this.
PATIENCE = 5.0
# From so many passages on `compact` builds an HNSW index in place of the flat one, which looks at every vector.
FLAT_UNTIL = 250_000


class MilvusCollection:
    """A collection in Milvus, opened for reading by any number of threads, or for writing by one process at a time."""

    def __init__(self, store: Store, lease: Lease | None) -> None:
        """Use `open_collection` or `create_collection`."""
        self.store = store
        self._lease = lease
        self._here = threading.local()
        self._write_lock = threading.RLock()  # one thread writes at a time
        self._closed = False
        self.place: Place = store.address.address
        self.folder = store.address.folder()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mended: list[str] = []
        self.notices: list[str] = []

    # Opening and closing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the connection and of the writer's lease."""
        if self._closed:
            return
        self._closed = True
        if self._lease is not None:
            self._lease.release()
        close_store(self.store)

    @property
    def writable(self) -> bool:
        """Whether this process holds the writer's lease."""
        return self._lease is not None

    @property
    def encoder(self) -> EncoderIdentity:
        """The encoder that made the stored vectors, as of now."""
        return EncoderIdentity.from_json(self._state()["encoder"])

    def size(self) -> int | None:
        """Bytes of a Lite file; None for a server, which does not tell."""
        return self.store.size()

    # Reading

    @contextmanager
    def reading(self) -> Iterator[MilvusSnapshot]:
        """One whole state of the collection, whatever is written meanwhile, by whichever thread or process."""
        outer: MilvusSnapshot | None = getattr(self._here, "snapshot", None)
        if outer is not None:
            yield outer
            return
        self._here.snapshot = MilvusSnapshot(self.store, self._state())
        try:
            yield self._here.snapshot
        finally:
            self._here.snapshot = None

    def _state(self) -> Row:
        state = self.store.value("state")
        if state is None:
            raise _missing(self.store.address)
        return state

    # Writing

    def replace(self, prepared: Sequence[Prepared], *, anew: bool = False) -> None:
        """The documents become visible, whole, all at once; those of the same source go in the same moment.

        A text that is stored already gets a further name, and nothing else. anew: what is stored of these documents is
        damaged; all names of their texts get what is given here.
        """
        if not prepared:
            return
        with self._writing() as writing:
            keys = [text_key(p.document, p.paragraphs) for p in prepared]
            known = {} if anew else writing.snapshot.texts_of_keys(set(keys))
            new = {key: p for key, p in zip(keys, prepared, strict=True) if key not in known}
            before = writing.by_source(p.document.source for p in prepared)
            ids = writing.reserve(len(new), sum(len(p.windows) for p in new.values()))
            known |= writing.store_texts(list(new.values()), ids)
            last = {p.document.source: (p, key) for p, key in zip(prepared, keys, strict=True)}
            for source, (p, key) in last.items():
                old = before.get(source)
                writing.put(p.document, known[key], old)
                if anew and old is not None:
                    for other in writing.named(old["text_no"], but=old["row_no"]):
                        writing.put(version_of(other).document, known[key], other)
            writing.commit()

    def remove(self, doc_ids: Sequence[str]) -> None:
        """The documents go, and texts that lose their last name. Raises UnknownDocument, before anything goes."""
        with self._writing() as writing:
            for row in [writing.row(doc_id) for doc_id in doc_ids]:
                writing.end(row)
            writing.commit()

    def move(self, sources: Mapping[str, str]) -> None:
        """Documents whose files lie elsewhere now: name -> new source; nothing else changes. Raises UnknownDocument."""
        if not sources:
            return
        with self._writing() as writing:
            for doc_id, source in sources.items():
                row = writing.row(doc_id)
                writing.put(changed(version_of(row).document, source=source), row["text_no"], row)
            writing.commit()

    def describe(self, document: Document) -> None:
        """A document's date, publisher, url, and which of them a person gave, are what they are in `document`.

        Its title is part of what is embedded: see `replace`. Raises UnknownDocument.
        """
        with self._writing() as writing:
            row = writing.row(document.doc_id)
            writing.put(document, row["text_no"], row)
            writing.commit()

    def exchange(self, encoder: EncoderIdentity, passages: Iterable[Passages]) -> int:
        """Puts passages and vectors by another encoder in place of all that are there, in one moment; how many.

        passages: those of every stored text. They go into a part of their own, and the commit says that it is the one.
        """
        with self._writing() as writing:
            return writing.exchange(encoder, passages)

    def refresh_base(self) -> None:
        """What was written goes into files with their indexes; what was replaced a while ago is deleted."""
        with self._writing() as writing:
            self.store.flush()
            writing.sweep(GRACE)

    def compact(self) -> bool:
        """Deletes every row of what was removed, and has Milvus write its files anew; builds HNSW where it is due.

        A question that began before may still read them, so those of the last five seconds are waited for.
        """
        with self._writing() as writing:
            writing.sweep(PATIENCE, wait=True)
            self.store.flush()
            part = writing.snapshot.passages_part
            self.store.compact([part, "texts", "documents"])
            kind = self.store.index_type(part)
            if not kind or (kind == "FLAT" and self.store.count(part) > FLAT_UNTIL):
                self.store.build_hnsw(part)
            return True

    @contextmanager
    def _writing(self) -> Iterator[Writing]:
        """What is to be committed, for one thread at a time."""
        if self._lease is None:
            raise CollectionError(f"'{self.place}' is open for reading only; open it with write=True")
        with self._write_lock:
            yield Writing(self.store, self._lease, self._state())

    # Looking for damage

    def damaged_parts(self) -> list[Damage]:
        """Texts that nothing names and no writer is at work on: taken away by a writer. Milvus minds its own files."""
        if self._lease is None:
            return []
        with self._writing() as writing:
            orphans = writing.orphans()
            writing.delete_texts(orphans)
        left = f"{len(orphans)} texts that a killed writer left are taken away"
        return [Damage("leftovers", None, mended=True, remedy=left)] if orphans else []

    def damaged_documents(self) -> list[tuple[str, list[str]]]:
        """Names of documents, and which of their parts differ from their checksums."""
        from index.milvus.damage import damaged_documents

        with self.reading() as snapshot:
            return damaged_documents(self.store, snapshot)

    def described(self, doc_id: str) -> Document:
        """What is stored of a document that may be damaged, its text left out. Raises UnknownDocument."""
        with self.reading() as snapshot:
            return snapshot.described(doc_id)


def exists(address: str) -> bool:
    """Whether there is a collection at an address."""
    parsed = milvus_address(address)
    if parsed.file is not None and not parsed.file.exists():
        return False
    store = opened_store(parsed)
    try:
        return store.exists()
    finally:
        close_store(store)


def open_collection(address: str, *, write: bool = False) -> MilvusCollection:
    """The collection at an address. With `write`, this process becomes its one writer.

    Raises CollectionMissing, CollectionMismatch (another format), CollectionLocked, CollectionError.
    """
    parsed = milvus_address(address)
    if parsed.file is not None and not parsed.file.exists():
        raise _missing(parsed)
    with ExitStack() as undo:
        store = opened_store(parsed)
        undo.callback(close_store, store)
        if not store.exists():
            raise _missing(parsed)
        collection = _opened(store, write=write)
        undo.pop_all()
    return collection


def create_collection(address: str, encoder: EncoderIdentity) -> MilvusCollection:
    """A new, empty collection at an address, open for writing; or the one that is there. Raises CollectionLocked."""
    with ExitStack() as undo:
        store = opened_store(milvus_address(address))
        undo.callback(close_store, store)
        if not store.exists():
            with _made_by_us(store, encoder):
                if store.value("state") is None:
                    store.set_value("state", empty_state(encoder))
        collection = _opened(store, write=True)
        undo.pop_all()
    return collection


@contextmanager
def making(address: str, encoder: EncoderIdentity) -> Iterator[Store]:
    """The empty parts of a new collection, to be filled; it is there once its state is set.

    Raises CollectionError where there is one already, CollectionLocked where somebody makes one.
    """
    with ExitStack() as undo:
        store = opened_store(milvus_address(address))
        undo.callback(close_store, store)
        if store.exists():
            raise CollectionError(f"there is a collection in '{address}' already; name a new one: --collection ADDRESS")
        undo.enter_context(_made_by_us(store, encoder))
        yield store


@contextmanager
def _made_by_us(store: Store, encoder: EncoderIdentity) -> Iterator[None]:
    """Holds the lease; what somebody who was killed left half-made is taken away, and empty parts are there."""
    store.create_state()
    lease = Lease(store)
    try:
        if store.value("state") is None:
            store.create_parts()
            store.create_passages("passages_1", encoder.dimension)
        yield
    finally:
        lease.release()


def empty_state(encoder: EncoderIdentity) -> Row:
    """The state of a collection that holds nothing yet."""
    return {
        "format": FORMAT, "generation": 0, "encoder": encoder.to_json(), "passages": "passages_1", "next_text_no": 1,
        "next_passage_id": 1, "next_doc_no": 1, "next_row_no": 1, "pending": None,
    }  # fmt: skip


def _opened(store: Store, *, write: bool) -> MilvusCollection:
    state = store.value("state") or {}
    if state.get("format") != FORMAT:
        raise CollectionMismatch(
            f"the collection in '{store.address.address}' has format {state.get('format') or 'none'}, this Pilcrow "
            f"reads {FORMAT}; use a newer Pilcrow, or index its files again under another name"
        )
    if not write:
        return MilvusCollection(store, None)
    with ExitStack() as undo:
        lease = Lease(store)
        undo.callback(lease.release)
        store.finish_flush()
        writing = Writing(store, lease, store.value("state") or state)
        writing.recover()
        writing.sweep(GRACE)
        undo.pop_all()
    return MilvusCollection(store, lease)


def _missing(address: MilvusAddress) -> CollectionMissing:
    where = address.address
    return CollectionMissing(f"no collection in '{where}'; make one with: pilcrow index PATH --collection {where}")
