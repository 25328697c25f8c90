"""Files and folders into a collection, a batch at a time.

    found files -> wanted documents -> split documents -> embedded batches -> stored

Owns the line and its order. What is looked at is found by index.intake.files, what is new is known to
index.intake.known, and who reads and embeds is one of index.intake.preparation's Workers. Batches are the same whoever
that is, and are stored in order: so passages, ids and vectors are, too.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from index.collection import Collection
from index.documents import Document, Given, with_given
from index.encoder.embedding import Encoder, Vectors
from index.errors import NothingToDo, Unreadable
from index.formats.reading import MAX_BYTES
from index.intake.files import Fault, FoundFile, Summary, find_files, given_by_lists, gone_files, nothing_in
from index.intake.known import KnownDocuments, ToIndex
from index.intake.preparation import InProcess, Pending, Split, Workforce, split, split_at
from index.opening import require_same
from index.prepared import Prepared, text_key

# Passages embedded and stored together: enough to sort by length, few enough that a killed run repeats little.
_BATCH_PASSAGES = 512
# The first batch is small, so that the encoder has work while the rest is read.
_FIRST_PASSAGES = 64
# Bytes of documents that are handed to workers together, unless one alone has more.
_GROUP_BYTES = 1_000_000

Progress = Callable[[int, int, str], None]


def index_paths(
    collection: Collection,
    encoder: Encoder,
    paths: Sequence[Path],
    *,
    date: str | None = None,
    publisher: str | None = None,
    keep_all: bool = False,
    prune: bool = False,
    max_bytes: int = MAX_BYTES,
    workers: Workforce | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Adds or updates files and folders; a file whose bytes and settings are as stored is not embedded again.

    max_bytes: a larger file is told and passed over.
    workers: who reads and embeds; this process by default. They stay open.
    progress: called with files done, files in all, and the name of the file at hand.
    Raises NothingToDo where the paths hold nothing to index; CollectionMismatch for another encoder.
    """
    require_same(collection, encoder)
    summary = Summary()
    files = find_files(paths, collection.folder, summary)
    intake = KnownDocuments(collection, Given(date=date, publisher=publisher), keep_all, summary)
    intake.listed = given_by_lists(files, summary)
    with (
        nullcontext(workers) if workers else InProcess(encoder) as at_work,
        _Batches(collection, at_work, before=lambda: collection.move(intake.take_moves())) as batches,
    ):
        for ready in _prepared(_wanted(files, intake, max_bytes, progress), at_work):
            if isinstance(ready, Fault):
                summary.unreadable.append(ready)
            else:
                found, read = ready
                summary.not_read += [Fault(str(found.found.path), notice) for notice in read.document.notices]
                batches.add(intake.admit(found, read))
    gone = intake.gone
    if prune:
        with collection.reading() as snapshot:
            gone += gone_files(snapshot.documents(), paths, files)
    if gone:
        collection.remove(gone)
        summary.removed = len(gone)
    if progress:
        progress(len(files), len(files), "")
    if not (summary.seen or summary.removed or summary.unreadable):
        raise NothingToDo(nothing_in(paths, summary))
    collection.refresh_base()
    summary.notices += collection.notices
    return summary


def _wanted(
    files: Sequence[FoundFile], intake: KnownDocuments, max_bytes: int, progress: Progress | None
) -> Iterator[ToIndex | Fault]:
    for done, found in enumerate(files):
        if progress:
            progress(done, len(files), found.name)
        yield from intake.wanted(found, max_bytes)


def _prepared(wanted: Iterable[ToIndex | Fault], workers: Workforce) -> Iterator[tuple[ToIndex, Split] | Fault]:
    """What is wanted, split by the workers, in the same order; some groups are under way while one is taken."""
    under_way: deque[tuple[list[ToIndex | Fault], Pending[list[Split | Unreadable]]]] = deque()
    for group in _groups(wanted, workers.group_size):
        under_way.append((group, workers.prepare([one.job for one in group if isinstance(one, ToIndex)])))
        while len(under_way) > workers.groups_ahead:
            yield from _settled(*under_way.popleft())
    while under_way:
        yield from _settled(*under_way.popleft())


def _groups(wanted: Iterable[ToIndex | Fault], size: int) -> Iterator[list[ToIndex | Fault]]:
    group: list[ToIndex | Fault] = []
    n_bytes = 0
    for one in wanted:
        group.append(one)
        n_bytes += one.job.size if isinstance(one, ToIndex) else 0
        if len(group) >= size or n_bytes >= _GROUP_BYTES:
            yield group
            group, n_bytes = [], 0
    if group:
        yield group


def _settled(
    group: Sequence[ToIndex | Fault], pending: Pending[list[Split | Unreadable]]
) -> Iterator[tuple[ToIndex, Split] | Fault]:
    results = iter(pending.result())
    for one in group:
        if isinstance(one, Fault):
            yield one
            continue
        result = next(results)
        yield Fault(str(one.found.path), str(result)) if isinstance(result, Unreadable) else (one, result)


def edit_document(
    collection: Collection, encoder: Encoder, doc_id: str, given: Given, *, cleared: Sequence[str] = ()
) -> Document:
    """A document with what a person says of it; it stays so when its file changes and is indexed again.

    cleared: of title, date, publisher and url those that are unknown from now on, until the file changes and states
    them, or a metadata.csv beside it does. Without a title, a headline is looked for in the text.
    A title is embedded with the passages, so they are made again; date, publisher and url only change their words.
    Raises UnknownDocument.
    """
    with collection.reading() as snapshot:
        document, paragraphs = snapshot.document(doc_id), snapshot.paragraphs(doc_id)
    names = {*document.given, *given.named} - set(cleared)
    nothing: dict[str, Any] = dict.fromkeys(cleared)
    edited = replace(with_given(document, given), **nothing, given=tuple(sorted(names)))
    if edited.title == document.title:
        collection.describe(edited)
    else:
        with InProcess(encoder) as workers, _Batches(collection, workers) as batches:
            prepared = split_at(edited, paragraphs, encoder)
            batches.add(prepared)
        edited = prepared.document
    return edited


def index_documents(
    collection: Collection,
    encoder: Encoder,
    documents: Iterable[Document],
    *,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Documents that were not read from files of their own, such as the rows of a test collection; same way in.

    A document whose source and sha256 are stored already is passed over.
    """
    with collection.reading() as snapshot:
        stored = {name.source: name.sha256 for name in snapshot.names()}
    with InProcess(encoder) as workers, _Batches(collection, workers) as batches:
        for done, document in enumerate(documents):
            if stored.get(document.source) == document.sha256:
                continue
            batches.add(split(document, encoder))
            if progress:
                progress(done + 1)
    collection.refresh_base()


def row_document(doc_id: str, source: str, text: str, *, title: str | None = None) -> Document:
    """A Document of a row: its sha256 is of the title and the text."""
    raw = f"{title or ''}\0{text}".encode("utf-8", "surrogatepass")
    return Document(doc_id, source, title, text, None, None, hashlib.sha256(raw).hexdigest(), len(raw))


def store_anew(collection: Collection, encoder: Encoder, documents: Sequence[Document]) -> None:
    """Documents in place of what is stored of them and is damaged, under all names of their texts."""
    batch = [split(document, encoder) for document in documents]
    prepared = [_with_vectors(one, encoder.encode_passages(one.inputs)) for one in batch]
    collection.replace(prepared, anew=True)


@dataclass(frozen=True, slots=True)
class _Embedding:
    """A batch on its way: its documents, those whose text is new, and the vectors of these to come."""

    batch: Sequence[Split]
    keys: Sequence[bytes]
    is_new: Sequence[bool]
    vectors: Pending[Vectors]


class _Batches:
    """Documents on their way in: while some batches are embedded, the next is read and split.

    What is stored is what would be stored one batch after the other. Where reading fails, the batches that are being
    embedded are given up, and what was stored before stays.
    """

    def __init__(
        self, collection: Collection, workers: Workforce, *, before: Callable[[], None] = lambda: None
    ) -> None:
        """before: called each time before a batch is stored, and at the end at least once."""
        self._collection, self._workers, self._before = collection, workers, before
        self._filling: list[Split] = []
        self._passages = 0
        self._room = min(_FIRST_PASSAGES, _BATCH_PASSAGES)
        self._embedding: deque[_Embedding] = deque()
        self._nothing = np.zeros((0, collection.encoder.dimension), np.float32)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._embed()
            self._store(0)
            self._before()

    def add(self, document: Split) -> None:
        """Where this fills a batch, has it embedded, and stores those before it that the workers are done with."""
        self._filling.append(document)
        self._passages += len(document.inputs)
        if self._passages >= self._room:
            self._embed()

    def _embed(self) -> None:
        """Has all windows of the batch embedded together; a text that is stored, or on its way, needs none."""
        batch, self._filling, self._passages, self._room = self._filling, [], 0, _BATCH_PASSAGES
        if not batch:
            return
        keys = [text_key(one.document, one.paragraphs) for one in batch]
        on_their_way = {key for embedding in self._embedding for key in embedding.keys}
        with self._collection.reading() as snapshot:
            is_new = [
                key not in on_their_way and not snapshot.has_text(one.document, one.paragraphs)
                for key, one in zip(keys, batch, strict=True)
            ]
        texts = [text for one, new in zip(batch, is_new, strict=True) if new for text in one.inputs]
        self._embedding.append(_Embedding(batch, keys, is_new, self._workers.encode(texts)))
        self._store(self._workers.batches_ahead)

    def _store(self, ahead: int) -> None:
        """Stores the oldest batches, each in one go, until only so many are under way."""
        while len(self._embedding) > ahead:
            embedding = self._embedding.popleft()
            vectors, at = embedding.vectors.result(), 0
            prepared = []
            for one, is_new in zip(embedding.batch, embedding.is_new, strict=True):
                own = vectors[at : at + len(one.inputs)] if is_new else self._known(one)
                at += len(one.inputs) if is_new else 0
                prepared.append(_with_vectors(one, own))
            self._before()
            self._collection.replace(prepared)

    def _known(self, document: Split) -> Vectors:
        """None, unless the text has lost its last name since it was looked for: then its vectors."""
        with self._collection.reading() as snapshot:
            if snapshot.has_text(document.document, document.paragraphs):
                return self._nothing
        return self._workers.encode(document.inputs).result()


def _with_vectors(document: Split, vectors: Vectors) -> Prepared:
    return Prepared(document.document, document.paragraphs, document.windows, vectors)
