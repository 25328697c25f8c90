"""What an index run knows while it goes from file to file: what is stored, which names are taken, what is given.

    found files -> wanted documents        those that are new, or not as they are stored

Reads the files' bytes; does not parse them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from index.collection import Collection, StoredName
from index.documents import Document, Given, with_given
from index.errors import Unreadable
from index.formats.reading import File, file_of, known_rows, open_file, rows_of
from index.intake.files import Fault, FoundFile, Summary, free_name, is_there
from index.intake.preparation import Job, Split

# Faults of this many rows of one file are told one by one.
_TOLD_ROWS = 10
# Stored documents that are asked for one by one: a few of many thousands; where more are wanted, all are read at once.
_ASKED_ONE_BY_ONE = 100


@dataclass(frozen=True, slots=True)
class ToIndex:
    """A document that is to be read: where it was found, as what it is stored, if it is, and what there is to do."""

    found: FoundFile
    known: Document | None
    job: Job


class KnownDocuments:
    """What is stored, which names are taken, what a person gave, and what was counted so far."""

    def __init__(self, collection: Collection, given: Given, keep_all: bool, summary: Summary) -> None:
        self._collection = collection
        with collection.reading() as snapshot:
            self._stored = stored = snapshot.names()
        self.stored = {name.source: name.doc_id for name in stored}
        self.names = {name.doc_id for name in stored}
        self.given = given
        self.listed: Mapping[Path, Given] = {}
        self.keep_all = keep_all
        self.summary = summary
        self.gone: list[str] = []
        self.moves: dict[str, str] = {}
        self._stored_moves: dict[str, str] = {}
        self._by_bytes: dict[str, list[StoredName]] = {}
        for name in stored:
            self._by_bytes.setdefault(name.sha256, []).append(name)
        self._described: dict[str, Document] = {}
        self._asked = 0

    @cached_property
    def rows(self) -> Mapping[str, list[StoredName]]:
        """The stored documents that are rows of a file, by its source."""
        rows: dict[str, list[StoredName]] = {}
        for name in self._stored:
            if (file := file_of(name.source)) != name.source:
                rows.setdefault(file, []).append(name)
        return rows

    def known_as(self, source: str, sha256: str) -> Document | None:
        """The stored document of this source; else one of the same bytes whose file is gone, moved here."""
        if source in self.stored:
            return self._document(self.stored[source])
        for name in self._by_bytes.get(sha256, ()):
            if name.doc_id not in self.moves and not is_there(file_of(name.source)):
                self.moves[name.doc_id] = source
                self.summary.moved += 1
                return self._document(name.doc_id)
        return None

    def _document(self, doc_id: str) -> Document:
        """A stored document, as it was when the run began or was first asked for it."""
        self._asked += 1
        if self._asked <= _ASKED_ONE_BY_ONE:
            with self._collection.reading() as snapshot:
                return snapshot.described(doc_id)
        if not self._described:
            with self._collection.reading() as snapshot:
                self._described = {document.doc_id: document for document in snapshot.documents()}
        return self._described[doc_id]

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

    def admit(self, wanted: ToIndex, split: Split) -> Split:
        """The document under its name in the collection, counted; what a person gave stays given."""
        known = wanted.known
        self.summary.added += known is None
        self.summary.updated += known is not None
        name = known.doc_id if known else free_name(split.document.doc_id, wanted.found.root, self.names)
        self.names.add(name)
        given = {*(known.given if known else ()), *self.given.named}
        return split.named(name, tuple(sorted(given)))

    def wanted(self, found: FoundFile, max_bytes: int) -> Iterator[ToIndex | Fault]:
        """The documents of a file that are new or not as they are stored, and what of it cannot be read."""
        try:
            file = open_file(found.path, max_bytes=max_bytes)
            yield from (self._rows if file.holds_rows else self._file)(file, found)
        except Unreadable as error:
            yield Fault(str(found.path), str(error))

    def _file(self, file: File, found: FoundFile) -> Iterator[ToIndex | Fault]:
        known = self.known_as(file.source, file.sha256)
        given = self.given_for(Path(file.source), known)
        if known and self.is_unchanged(known, file.sha256, given, keep_all=self.keep_all or not file.is_scraped):
            self.summary.unchanged += 1
        else:
            yield ToIndex(found, known, Job(file, found.name, given, self.keep_all))

    def _rows(self, file: File, found: FoundFile) -> Iterator[ToIndex | Fault]:
        documents, faults = rows_of(file, found.name, keep_all=self.keep_all)
        stored = {row.source: row.doc_id for row in self.rows.get(file.source, ())}
        for fault in faults[:_TOLD_ROWS]:
            stays = "; what was stored of it stays" if f"{file.source}#{fault.number}" in stored else ""
            if fault.may_join and stored:
                stays = "; it may hold other rows, so what was stored from here on stays"
            yield Fault(f"{found.path}:{fault.line}", fault.reason + stays)
        if len(faults) > _TOLD_ROWS:
            yield Fault(str(found.path), f"{len(faults) - _TOLD_ROWS} more rows with such faults")
        rows, gone = known_rows(stored, file, documents, faults)
        self.gone += [doc_id for source, doc_id in stored.items() if source in gone]
        for row in rows:
            known = self.known_as(row.source, row.sha256)
            given = self.given_for(Path(file.source), known)
            if known and self.is_unchanged(known, row.sha256, given, keep_all=row.keep_all):
                self.summary.unchanged += 1
            else:
                yield ToIndex(found, known, Job(with_given(row, given), row.doc_id, given, row.keep_all))
