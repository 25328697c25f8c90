"""Files and folders into a collection: find, read, split, embed, store, a batch at a time.

Owns which files are looked at, how documents are named, and what is skipped and why.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from index.collection import Collection
from index.documents import FORMATS, MAX_BYTES, Document, File, document_of, file_of, open_file, rows_of, with_given
from index.embedding import Encoder, Vectors
from index.errors import NothingToDo, Unreadable
from index.formats.worker import Worker
from index.furniture import classify, headline
from index.metadata import GIVEN_FILE, Given, read_given
from index.passages import encoder_inputs, windows
from index.records import Prepared
from index.truth import CORPUS

# Passages embedded and stored together: enough to sort by length, few enough that a killed run repeats little.
_BATCH_PASSAGES = 512
SPECIAL_PIECES = 2
# Faults of this many rows of one file are told one by one.
_TOLD_ROWS = 10


@dataclass(slots=True)
class Summary:
    """What an index run did. unreadable: (path, reason). ignored: counts by reason of what was only passed over.

    moved: files known by their content that lie elsewhere now; they are unchanged, or updated, too.
    notices: what was found damaged in the collection, and mended.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    moved: int = 0
    notices: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def seen(self) -> int:
        """Documents that are in the collection now because of this run's paths."""
        return self.added + self.updated + self.unchanged


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read, and the name its document would like to have."""

    path: Path
    name: str
    root: Path


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
    progress: Progress | None = None,
) -> Summary:
    """Adds or updates files and folders; a file whose bytes and settings are as stored is not embedded again.

    max_bytes: a larger file is told and passed over.
    progress: called with files done, files in all, and the name of the file at hand.
    Raises NothingToDo where the paths hold nothing to index; CollectionMismatch for another encoder.
    """
    require_same(collection, encoder)
    summary = Summary()
    files = find_files(paths, collection.folder, summary)
    with collection.reading() as snapshot:
        intake = _Intake(snapshot.documents(), Given(date=date, publisher=publisher), keep_all, summary)
    intake.listed = _listed(files, summary)
    with (
        Worker() as worker,
        _Batches(collection, encoder, before=lambda: collection.move(intake.take_moves())) as batches,
    ):
        for done, found in enumerate(files):
            if progress:
                progress(done, len(files), found.name)
            for document in _changed(found, intake, worker, max_bytes):
                batches.add(document)
    gone = [*intake.gone, *(_pruned(collection, paths, files) if prune else ())]
    if gone:
        collection.remove(gone)
        summary.removed = len(gone)
    if progress:
        progress(len(files), len(files), "")
    if not (summary.seen or summary.removed or summary.unreadable):
        raise NothingToDo(_nothing(paths, summary))
    collection.refresh_base()
    summary.notices += collection.notices
    return summary


class _Intake:
    """What an index run knows while it goes from file to file: what is stored, which names are taken, what is given."""

    def __init__(self, stored: Sequence[Document], given: Given, keep_all: bool, summary: Summary) -> None:
        self.stored = {document.source: document for document in stored}
        self.names = {document.doc_id for document in stored}
        self.rows: dict[str, list[Document]] = {}  # by the file's source
        for document in stored:
            if (file := file_of(document.source)) != document.source:
                self.rows.setdefault(file, []).append(document)
        self.given = given
        self.listed: Mapping[Path, Given] = {}
        self.keep_all = keep_all
        self.summary = summary
        self.gone: list[str] = []
        self.moves: dict[str, str] = {}
        self._stored_moves: dict[str, str] = {}
        self._by_bytes: dict[str, list[Document]] = {}
        for document in stored:
            self._by_bytes.setdefault(document.sha256, []).append(document)

    def known_as(self, source: str, sha256: str) -> Document | None:
        """The stored document of this source; else one of the same bytes whose file is gone, moved here."""
        if source in self.stored:
            return self.stored[source]
        for document in self._by_bytes.get(sha256, ()):
            if document.doc_id not in self.moves and not _is_there(file_of(document.source)):
                self.moves[document.doc_id] = source
                self.summary.moved += 1
                return document
        return None

    def take_moves(self) -> dict[str, str]:
        """Name -> new source of the moves that are not stored yet."""
        taken, self._stored_moves = self.moves.items() - self._stored_moves.items(), dict(self.moves)
        return dict(taken)

    def given_for(self, path: Path, known: Document | None) -> Given:
        """What a person says of a file: with this command, else before, else in a metadata.csv."""
        before = Given(**{name: getattr(known, name) for name in known.given}) if known else Given()
        return self.given.over(before).over(self.listed.get(path, Given()))

    def is_unchanged(self, known: Document, sha256: str, given: Given, *, keep_all: bool) -> bool:
        """The bytes and the settings are those stored, and nothing is given that differs."""
        return (
            known.sha256 == sha256
            and known.keep_all == keep_all
            and all(getattr(known, name) == getattr(given, name) for name in given.named)
        )

    def admit(self, document: Document, found: "Found", known: Document | None) -> Document:
        """The document under its name in the collection, counted; what a person gave stays given."""
        self.summary.added += known is None
        self.summary.updated += known is not None
        name = known.doc_id if known else _free_name(document.doc_id, found.root, self.names)
        self.names.add(name)
        kept = set(known.given) if known else set()
        return replace(document, doc_id=name, given=tuple(sorted(kept | set(self.given.named))))


def _changed(found: Found, intake: _Intake, worker: Worker, max_bytes: int) -> Iterator[Document]:
    """The documents of a file that are new or not as they are stored; what cannot be read is told in the summary."""
    try:
        file = open_file(found.path, max_bytes=max_bytes)
        yield from (_changed_rows if file.holds_rows else _changed_file)(file, found, intake, worker)
    except Unreadable as error:
        intake.summary.unreadable.append((str(found.path), str(error)))


def _changed_file(file: File, found: Found, intake: _Intake, worker: Worker) -> Iterator[Document]:
    known = intake.known_as(file.source, file.sha256)
    given = intake.given_for(Path(file.source), known)
    if known and intake.is_unchanged(known, file.sha256, given, keep_all=intake.keep_all or not file.is_scraped):
        intake.summary.unchanged += 1
        return
    yield intake.admit(document_of(file, found.name, given, worker, keep_all=intake.keep_all), found, known)


def _changed_rows(file: File, found: Found, intake: _Intake, _: Worker) -> Iterator[Document]:
    documents, faults = rows_of(file, found.name, keep_all=intake.keep_all)
    for fault in faults[:_TOLD_ROWS]:
        intake.summary.unreadable.append((f"{found.path}:{fault.line}", fault.reason))
    if len(faults) > _TOLD_ROWS:
        intake.summary.unreadable.append((str(found.path), f"{len(faults) - _TOLD_ROWS} more rows with such faults"))
    here = {document.source for document in documents}
    intake.gone += [row.doc_id for row in intake.rows.get(file.source, ()) if row.source not in here]
    for row in documents:
        known = intake.known_as(row.source, row.sha256)
        given = intake.given_for(Path(file.source), known)
        if known and intake.is_unchanged(known, row.sha256, given, keep_all=row.keep_all):
            intake.summary.unchanged += 1
        else:
            yield intake.admit(with_given(row, given), found, known)


def edit_document(collection: Collection, encoder: Encoder, doc_id: str, given: Given) -> Document:
    """A document with what a person says of it; it stays so when its file changes and is indexed again.

    A title is embedded with the passages, so they are made again; date, publisher and url only change their words.
    Raises UnknownDocument.
    """
    with collection.reading() as snapshot:
        document = snapshot.document(doc_id)
    edited = replace(with_given(document, given), given=tuple(sorted({*document.given, *given.named})))
    if edited.title == document.title:
        collection.describe(edited)
    else:
        with _Batches(collection, encoder) as batches:
            batches.add(edited)
    return edited


def _listed(files: Sequence[Found], summary: Summary) -> dict[Path, Given]:
    """What the metadata.csv files beside the files, up to the folder indexed, say of them; the nearest wins."""
    folders = {folder for found in files for folder in found.path.parents if folder.is_relative_to(found.root)}
    listed: dict[Path, Given] = {}
    for folder in sorted(folders, key=lambda folder: len(folder.parts)):
        path = folder / GIVEN_FILE
        if not path.is_file():
            continue
        try:
            given, faults = read_given(path)
        except Unreadable as error:
            summary.unreadable.append((str(path), str(error)))
            continue
        listed.update({file: row.over(listed.get(file, Given())) for file, row in given.items()})
        summary.unreadable += faults
    return listed


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
        stored = {document.source: document.sha256 for document in snapshot.documents()}
    with _Batches(collection, encoder) as batches:
        for done, document in enumerate(documents):
            if stored.get(document.source) == document.sha256:
                continue
            batches.add(document)
            if progress:
                progress(done + 1)
    collection.refresh_base()


def row_document(doc_id: str, source: str, text: str, *, title: str | None = None) -> Document:
    """A Document of a row: its sha256 is of the title and the text."""
    raw = f"{title or ''}\0{text}".encode("utf-8", "surrogatepass")
    return Document(doc_id, source, title, text, None, None, hashlib.sha256(raw).hexdigest(), len(raw))


def require_same(collection: Collection, encoder: Encoder) -> None:
    """Raises CollectionMismatch where another encoder made the collection: its vectors would not be comparable."""
    with collection.reading() as snapshot:
        snapshot.require(encoder.identity)


# A document with its headline, what the encoder will see of each of its windows, and the windows.
_Split = tuple[Document, list[str], Prepared]


def _prepare(document: Document, encoder: Encoder) -> _Split:
    """The document with its headline, and what the encoder will see of each of its windows."""
    paragraphs = classify(document.text, document.doc_id, title=document.title, keep_all=document.keep_all)
    document = replace(document, title=document.title or headline(document.text, paragraphs))
    parts = windows(document, paragraphs, encoder.count_pieces, encoder.max_length - SPECIAL_PIECES)
    inputs = encoder_inputs(document, parts, encoder.count_pieces)
    return document, inputs, Prepared(document, paragraphs, parts, encoder.encode([]))


def store_anew(collection: Collection, encoder: Encoder, documents: Sequence[Document]) -> None:
    """Documents in place of what is stored of them and is damaged, under all names of their texts."""
    batch = [_prepare(document, encoder) for document in documents]
    prepared = [replace(p, vectors=encoder.encode_passages(inputs)) for _, inputs, p in batch]
    collection.replace(prepared, anew=True)


class _Batches:
    """Documents on their way in: while one batch is embedded in the background, the next is read and split.

    What is stored is what would be stored one batch after the other. Where reading fails, the batch that is being
    embedded is given up, and what was stored before stays.
    """

    def __init__(self, collection: Collection, encoder: Encoder, *, before: Callable[[], None] = lambda: None) -> None:
        """before: called each time before a batch is stored, and at the end at least once."""
        self._collection, self._encoder, self._before = collection, encoder, before
        self._background = ThreadPoolExecutor(1, thread_name_prefix="embedding")
        self._filling: list[_Split] = []
        self._passages = 0
        self._embedding: tuple[list[_Split], list[bool], Future[Vectors]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._embed()
                self._store()
        finally:
            self._background.shutdown(cancel_futures=True)

    def add(self, document: Document) -> None:
        """Splits the document; where a batch is full, stores the one before it."""
        self._filling.append(_prepare(document, self._encoder))
        self._passages += len(self._filling[-1][1])
        if self._passages >= _BATCH_PASSAGES:
            self._embed()

    def _embed(self) -> None:
        """Stores the batch before, then has all windows of this one embedded together; a known text needs none."""
        self._store()
        batch, self._filling, self._passages = self._filling, [], 0
        with self._collection.reading() as snapshot:
            known = [snapshot.has_text(p.document, p.paragraphs) for _, _, p in batch]
        new = [inputs for (_, inputs, _), is_known in zip(batch, known, strict=True) if not is_known]
        texts = [text for inputs in new for text in inputs]
        self._embedding = batch, known, self._background.submit(self._encoder.encode_passages, texts)

    def _store(self) -> None:
        """Waits for the batch that is being embedded, and stores its documents in one go."""
        if self._embedding is None:
            return
        (batch, known, future), self._embedding = self._embedding, None
        vectors, prepared, at = future.result(), [], 0
        for (_, inputs, p), is_known in zip(batch, known, strict=True):
            if is_known:
                prepared.append(p)
                continue
            prepared.append(replace(p, vectors=vectors[at : at + len(inputs)]))
            at += len(inputs)
        self._before()
        self._collection.replace(prepared)


def find_files(paths: Sequence[Path], collection: Path, summary: Summary) -> list[Found]:
    """Files of known formats under the paths, each once, sorted; the rest are only counted in `summary`.

    Raises NothingToDo for a path that does not exist, before anything is read.
    """
    absent = next((path for path in paths if not path.exists()), None)
    if absent is not None:
        raise NothingToDo(_missing(absent))
    seen: set[Path] = set()
    found = []
    for path in paths:
        root = path if path.is_dir() else path.parent
        for file in _files(path, collection.resolve(), summary):
            if file.resolve() not in seen:
                seen.add(file.resolve())
                found.append(Found(file, file.relative_to(root).as_posix(), root))
    return found


def require_something(paths: Sequence[Path], collection: Path) -> None:
    """Raises NothingToDo where the paths hold no file of a known format, so that no collection is made for nothing."""
    summary = Summary()
    if not (find_files(paths, collection, summary) or summary.unreadable):
        raise NothingToDo(_nothing(paths, summary))


def _files(path: Path, collection: Path, summary: Summary) -> Iterator[Path]:
    if not path.is_dir():
        if path.name == GIVEN_FILE:
            summary.ignored[f"{GIVEN_FILE}, read for what it says of its files"] += 1
        elif path.suffix.lower() in FORMATS and path.is_file():
            yield path
        else:
            summary.ignored["of an unsupported type"] += 1
        return
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        summary.unreadable.append((str(path), error.strerror or str(error)))
        return
    for entry in entries:
        if entry.name.startswith(".") and not _is_same(entry, collection):
            summary.ignored["hidden"] += 1
        elif entry.is_symlink() and not entry.is_file():
            summary.ignored["a link to a folder, or to nothing"] += 1
        elif entry.is_dir() and _is_same(entry, collection):
            summary.ignored["the collection itself"] += 1
        elif (entry / CORPUS).is_file():
            summary.ignored["another collection"] += 1
        else:
            yield from _files(entry, collection, summary)


def _is_same(entry: Path, collection: Path) -> bool:
    return entry.is_dir() and not entry.is_symlink() and entry.resolve() == collection


def _free_name(name: str, root: Path, taken: set[str]) -> str:
    """The path below the folder indexed; on collision with the folder's name before it; then with ~2, ~3, …"""
    prefixed = f"{root.absolute().name}/{name}"
    for free in (name, prefixed):
        if free not in taken:
            return free
    number = 2
    while f"{prefixed}~{number}" in taken:
        number += 1
    return f"{prefixed}~{number}"


def _pruned(collection: Collection, paths: Sequence[Path], files: Sequence[Found]) -> list[str]:
    """The documents whose files are gone, below these paths only."""
    present = {str(found.path.resolve()) for found in files}
    roots = [path.resolve() for path in paths]
    with collection.reading() as snapshot:
        return [
            d.doc_id
            for d in snapshot.documents()
            if (file := file_of(d.source)) not in present and any(Path(file).is_relative_to(root) for root in roots)
            and not _is_there(file)
        ]  # fmt: skip


def _is_there(file: str) -> bool:
    """Whether a file is there, or may be: in a folder that cannot be looked into, nothing is known to be gone."""
    try:
        return Path(file).exists()
    except OSError:
        return True


def _missing(path: Path) -> str:
    if str(path).startswith(("http:/", "https:/")):
        return f"'{path}' is a URL; Pilcrow fetches nothing: save the page as a file and index that"
    return f"'{path}' does not exist; give files or folders that do"


def _nothing(paths: Sequence[Path], summary: Summary) -> str:
    where = ", ".join(f"'{path}'" for path in paths)
    passed = "; ".join(f"{n} {reason}" for reason, n in summary.ignored.items())
    return f"nothing to index in {where}{f' ({passed})' if passed else ''}; supported: {' '.join(sorted(FORMATS))}"
