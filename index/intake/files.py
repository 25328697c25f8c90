"""Which files an index run looks at, what their documents would like to be called, and what was passed over and why."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from index.documents import Document, Given
from index.errors import NothingToDo, Unreadable
from index.folder.truth import CORPUS
from index.formats.parser import PICTURES
from index.formats.pdf import ocr
from index.formats.reading import FORMATS, file_of
from index.intake.given import GIVEN_FILE, read_given

UNSUPPORTED = "of an unsupported type"


class Fault(NamedTuple):
    """A file, or a row of it, that could not be read, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class Summary:
    """What an index run did. ignored: counts by reason of what was only passed over.

    moved: files known by their content that lie elsewhere now; they are unchanged, or updated, too.
    notices: what was found damaged in the collection, and mended.
    not_read: files that were read, and what in them was not: a picture of a page, a chart.
    unsupported: counts of the ignored files of a type that is not read, by their suffix, or their name without one.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    moved: int = 0
    notices: list[str] = field(default_factory=list)
    unreadable: list[Fault] = field(default_factory=list)
    not_read: list[Fault] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    unsupported: Counter[str] = field(default_factory=Counter)

    @property
    def seen(self) -> int:
        """Documents that are in the collection now because of this run's paths."""
        return self.added + self.updated + self.unchanged


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read, and the name its document would like to have."""

    path: Path
    name: str
    root: Path


def find_files(paths: Sequence[Path], collection: Path, summary: Summary) -> list[FoundFile]:
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
                found.append(FoundFile(file, file.relative_to(root).as_posix(), root))
    return found


def require_something(paths: Sequence[Path], collection: Path) -> None:
    """Raises NothingToDo where the paths hold no file of a known format, so that no collection is made for nothing."""
    summary = Summary()
    if not (find_files(paths, collection, summary) or summary.unreadable):
        raise NothingToDo(nothing_in(paths, summary))


def given_by_lists(files: Sequence[FoundFile], summary: Summary) -> dict[Path, Given]:
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
            summary.unreadable.append(Fault(str(path), str(error)))
            continue
        listed.update({file: row.over(listed.get(file, Given())) for file, row in given.items()})
        summary.unreadable += map(Fault._make, faults)
    return listed


def gone_files(stored: Sequence[Document], paths: Sequence[Path], files: Sequence[FoundFile]) -> list[str]:
    """The names of the stored documents whose files are gone, below these paths only."""
    present = {str(found.path.resolve()) for found in files}
    roots = [path.resolve() for path in paths]
    return [
        d.doc_id
        for d in stored
        if (file := file_of(d.source)) not in present and any(Path(file).is_relative_to(root) for root in roots)
        and not is_there(file)
    ]  # fmt: skip


def free_name(name: str, root: Path, taken: set[str]) -> str:
    """The path below the folder indexed; on collision with the folder's name before it; then with ~2, ~3, …"""
    prefixed = f"{root.absolute().name}/{name}"
    for free in (name, prefixed):
        if free not in taken:
            return free
    number = 2
    while f"{prefixed}~{number}" in taken:
        number += 1
    return f"{prefixed}~{number}"


def _files(path: Path, collection: Path, summary: Summary) -> Iterator[Path]:
    if not path.is_dir():
        if path.name == GIVEN_FILE:
            summary.ignored[f"{GIVEN_FILE}, read for what it says of its files"] += 1
        elif path.suffix.lower() in FORMATS and path.is_file():
            yield path
        else:
            is_picture = path.suffix.lower() in PICTURES
            summary.ignored[f"a picture: {ocr.HINT}" if is_picture else UNSUPPORTED] += 1
            if not is_picture:
                summary.unsupported[path.suffix.lower() or path.name] += 1
        return
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        summary.unreadable.append(Fault(str(path), error.strerror or str(error)))
        return
    for entry in entries:
        try:
            passed = _passed_over(entry, collection)
        except OSError as error:  # a folder that may be listed but not entered, or a path that is too long
            summary.unreadable.append(Fault(str(entry), error.strerror or str(error)))
            continue
        if passed:
            summary.ignored[passed] += 1
        else:
            yield from _files(entry, collection, summary)


def _passed_over(entry: Path, collection: Path) -> str | None:
    """Why an entry of a folder is passed over; None for one to look at."""
    if entry.name.startswith(".") and not _is_same(entry, collection):
        return "hidden"
    if entry.is_symlink() and not entry.is_file():
        return "a link to a folder, or to nothing"
    if entry.is_dir() and _is_same(entry, collection):
        return "the collection itself"
    return "another collection" if (entry / CORPUS).is_file() else None


def _is_same(entry: Path, collection: Path) -> bool:
    return entry.is_dir() and not entry.is_symlink() and entry.resolve() == collection


def is_there(file: str) -> bool:
    """Whether a file is there, or may be: in a folder that cannot be looked into, nothing is known to be gone."""
    try:
        return Path(file).exists()
    except OSError:
        return True


def _missing(path: Path) -> str:
    if str(path).startswith(("http:/", "https:/")):
        return f"'{path}' is a URL; Pilcrow fetches nothing: save the page as a file and index that"
    return f"'{path}' does not exist; give files or folders that do"


def nothing_in(paths: Sequence[Path], summary: Summary) -> str:
    """The words for paths that hold nothing to index: which, what was passed over there, and what can be read."""
    where = ", ".join(f"'{path}'" for path in paths)
    passed = "; ".join(f"{n} {reason}" for reason, n in summary.ignored.items())
    return f"nothing to index in {where}{f' ({passed})' if passed else ''}; supported: {' '.join(sorted(FORMATS))}"
