"""Files and folders into a collection: find, read, split, embed, store, a batch at a time.

Owns which files are looked at, how documents are named, and what is skipped and why.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from index.collection import Collection, Prepared
from index.documents import FORMATS, Document, read_document
from index.embedding import Encoder
from index.errors import CollectionMismatch, NothingToDo, Unreadable
from index.furniture import classify, headline
from index.passages import encoder_inputs, windows

# Passages embedded and stored together: enough to sort by length, few enough that a killed run repeats little.
_BATCH_PASSAGES = 512
_SPECIAL_PIECES = 2


@dataclass(slots=True)
class Summary:
    """What an index run did. unreadable: (path, reason). ignored: counts by reason of what was only passed over."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
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
    progress: Progress | None = None,
) -> Summary:
    """Adds or updates files and folders; a file whose bytes and settings are as stored is not embedded again.

    progress: called with files done, files in all, and the name of the file at hand.
    Raises NothingToDo where the paths hold nothing to index; CollectionMismatch for another encoder.
    """
    require_same(collection, encoder)
    summary = Summary()
    files = find_files(paths, collection.folder, summary)
    with collection.reading() as snapshot:
        stored = {document.source: document for document in snapshot.documents()}
    names = {document.doc_id for document in stored.values()}
    batch: list[tuple[Document, list[str], Prepared]] = []
    for done, found in enumerate(files):
        if progress:
            progress(done, len(files), found.name)
        known = stored.get(str(found.path.resolve()))
        try:
            document = read_document(found.path, "", date=date, publisher=publisher)
            document = replace(document, keep_all=keep_all)
        except Unreadable as error:
            summary.unreadable.append((str(found.path), str(error)))
            continue
        if known and _same(known, document, date, publisher):
            summary.unchanged += 1
            continue
        document = replace(document, doc_id=known.doc_id if known else _free_name(found, names))
        names.add(document.doc_id)
        batch.append(_prepare(document, encoder))
        summary.added += known is None
        summary.updated += known is not None
        if sum(len(inputs) for _, inputs, _ in batch) >= _BATCH_PASSAGES:
            _store(collection, encoder, batch)
            batch = []
    _store(collection, encoder, batch)
    if prune:
        summary.removed = _prune(collection, paths, files)
    if progress:
        progress(len(files), len(files), "")
    if not (summary.seen or summary.removed or summary.unreadable):
        raise NothingToDo(_nothing(paths, summary))
    collection.refresh_base()
    return summary


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
    batch: list[tuple[Document, list[str], Prepared]] = []
    for done, document in enumerate(documents):
        if stored.get(document.source) == document.sha256:
            continue
        batch.append(_prepare(document, encoder))
        if sum(len(inputs) for _, inputs, _ in batch) >= _BATCH_PASSAGES:
            _store(collection, encoder, batch)
            batch = []
        if progress:
            progress(done + 1)
    _store(collection, encoder, batch)
    collection.refresh_base()


def row_document(doc_id: str, source: str, text: str, *, title: str | None = None) -> Document:
    """A Document of a row: its sha256 is of the title and the text."""
    raw = f"{title or ''}\0{text}".encode("utf-8", "surrogatepass")
    return Document(doc_id, source, title, text, None, None, hashlib.sha256(raw).hexdigest(), len(raw))


def require_same(collection: Collection, encoder: Encoder) -> None:
    """Raises CollectionMismatch where another encoder made the collection: its vectors would not be comparable."""
    made, now = collection.encoder, encoder.identity
    if made.weights == now.weights:
        return
    raise CollectionMismatch(
        f"the collection in '{collection.folder}' was made with '{made.name}' ({made.dimension} dimensions); "
        f"'{now.name}' gives {now.dimension}{'' if now.name != made.name else ' from other weights'}. "
        f"Use the same encoder, or make a new collection: "
        f"pilcrow index PATH --collection {collection.folder}-2 --encoder {now.name}"
    )


def _prepare(document: Document, encoder: Encoder) -> tuple[Document, list[str], Prepared]:
    """The document with its headline, and what the encoder will see of each of its windows."""
    paragraphs = classify(document.text, document.doc_id, title=document.title, keep_all=document.keep_all)
    document = replace(document, title=document.title or headline(document.text, paragraphs))
    parts = windows(document, paragraphs, encoder.count_pieces, encoder.max_length - _SPECIAL_PIECES)
    inputs = encoder_inputs(document, parts, encoder.count_pieces)
    return document, inputs, Prepared(document, paragraphs, parts, encoder.encode([]))


def _store(collection: Collection, encoder: Encoder, batch: Sequence[tuple[Document, list[str], Prepared]]) -> None:
    """Embed all windows of the batch together, then store its documents in one go."""
    vectors = encoder.encode([text for _, inputs, _ in batch for text in inputs])
    prepared, at = [], 0
    for _, inputs, p in batch:
        prepared.append(replace(p, vectors=vectors[at : at + len(inputs)]))
        at += len(inputs)
    collection.replace(prepared)


def _same(known: Document, document: Document, date: str | None, publisher: str | None) -> bool:
    """Nothing changed: the bytes and the settings are those stored, and no date or publisher is given that differs."""
    return (
        known.sha256 == document.sha256
        and known.keep_all == document.keep_all
        and (date is None or known.date == date)
        and (publisher is None or known.publisher == publisher)
    )


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
        if path.suffix.lower() in FORMATS and path.is_file():
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
        else:
            yield from _files(entry, collection, summary)


def _is_same(entry: Path, collection: Path) -> bool:
    return entry.is_dir() and not entry.is_symlink() and entry.resolve() == collection


def _free_name(found: Found, taken: set[str]) -> str:
    """The path below the folder indexed; on collision with the folder's name before it; then with ~2, ~3, …"""
    prefixed = f"{found.root.absolute().name}/{found.name}"
    for name in (found.name, prefixed):
        if name not in taken:
            return name
    number = 2
    while f"{prefixed}~{number}" in taken:
        number += 1
    return f"{prefixed}~{number}"


def _prune(collection: Collection, paths: Sequence[Path], files: Sequence[Found]) -> int:
    """Documents whose files are gone, below these paths only, are removed; how many."""
    present = {str(found.path.resolve()) for found in files}
    roots = [path.resolve() for path in paths]
    with collection.reading() as snapshot:
        gone = [
            d.doc_id
            for d in snapshot.documents()
            if d.source not in present and any(Path(d.source).is_relative_to(root) for root in roots)
            and not Path(d.source).exists()
        ]  # fmt: skip
    if gone:
        collection.remove(gone)
    return len(gone)


def _missing(path: Path) -> str:
    if str(path).startswith(("http:/", "https:/")):
        return f"'{path}' is a URL; Pilcrow fetches nothing: save the page as a file and index that"
    return f"'{path}' does not exist; give files or folders that do"


def _nothing(paths: Sequence[Path], summary: Summary) -> str:
    where = ", ".join(f"'{path}'" for path in paths)
    passed = "; ".join(f"{n} {reason}" for reason, n in summary.ignored.items())
    return f"nothing to index in {where}{f' ({passed})' if passed else ''}; supported: {' '.join(sorted(FORMATS))}"
