"""A collection, as indexing, asking and measuring see it, wherever it lies.

Two implementations of one promise: a reading sees one whole state, whatever is written meanwhile; a document is
replaced whole; passage ids are never used twice; one process writes at a time. What a front door needs beyond the
promise is `folder`: a room on this machine for what is not the collection's own, such as people's judgements.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from index.address import Place
from index.dates import may_lie_within

if TYPE_CHECKING:
    from index.documents import Document
    from index.encoder.embedding import EncoderIdentity, Vectors
    from index.paragraphs import Paragraph
    from index.passages import Passage
    from index.prepared import Passages, Prepared


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents a question may look at; None is no limit.

    after, before: ISO dates, or their first parts, inclusive, as `may_lie_within` reads them.
    publisher, documents: exact names.
    """

    after: str | None = None
    before: str | None = None
    publisher: str | None = None
    documents: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.after, self.before, self.publisher, self.documents))

    def fit(self, date: str | None, publisher: str | None) -> bool:
        """Whether they let a document of this date and outlet through, whatever its name."""
        return may_lie_within(date, self.after, self.before) and (not self.publisher or publisher == self.publisher)


@dataclass(frozen=True, slots=True)
class Status:
    """The collection in numbers. furniture: paragraphs of that kind.

    size: bytes on disk, all files; None where a server does not tell.
    duplicates: documents that are a copy or near-copy of another; the first of each set of copies is not counted.
    vectors: how those of all but the newest passages are searched; None where a server sees to it.
    not_read: names of documents, and what of their files is not in their texts.
    """

    documents: int
    paragraphs: int
    passages: int
    furniture: int
    duplicates: int
    size: int | None
    encoder: "EncoderIdentity"
    generation: int
    health: str
    vectors: "Base | None" = None
    not_read: tuple[tuple[str, str], ...] = ()


class StoredName(NamedTuple):
    """What a document is known by. sha256: of its file's bytes."""

    doc_id: str
    source: str
    sha256: str


class Snapshot(Protocol):
    """One state of a collection; lives inside `Collection.reading()`."""

    generation: int
    encoder: "EncoderIdentity"

    def require(self, encoder: "EncoderIdentity") -> None:
        """Raises CollectionMismatch where another encoder made the vectors: a query's would not be comparable."""

    def nearest(self, query: "Vectors", k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and cosines of the at most k nearest to one query vector (d,), best first, ties by id."""

    def lexical(self, query: str, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and BM25 scores of the at most k best, best first, ties by id."""

    def lexical_later(
        self, query: str, k: int, filters: Filters | None = None
    ) -> Callable[[], list[tuple[int, float]]]:
        """Begins such a search, beside what else is done where it takes long; what is returned waits for its hits."""

    def vectors(self, passage_ids: Sequence[int]) -> "Vectors":
        """Stored vectors (n, d) of passages, in the order asked for."""

    def texts_of(self, passage_ids: Sequence[int]) -> dict[int, int]:
        """Passage id -> the number of the text that it is of; passages of one document share it."""

    def words_beginning(self, beginning: str) -> list[str]:
        """Words of the collection, as `index.terms` stores them, that begin so, the most frequent first.

        Empty where nobody can tell: Milvus does not list its words.
        """

    def passages(self, passage_ids: Sequence[int], filters: Filters | None = None) -> "list[Passage]":
        """Passages in the order asked for, those that are gone left out.

        Where several documents have the same text, `doc_id` is the earliest dated of those that the filters allow.
        """

    def passages_of(self, doc_id: str) -> "list[Passage]":
        """All passages of a document, in the order of its text. Raises UnknownDocument."""

    def document(self, doc_id: str) -> "Document":
        """A document, with its text. Raises UnknownDocument; CollectionDamaged where the text is not as stored."""

    def paragraphs(self, doc_id: str) -> "list[Paragraph]":
        """All paragraphs of a document, in order. Raises UnknownDocument."""

    def documents(self) -> "list[Document]":
        """All documents by name, without their texts (`text` is empty)."""

    def names(self) -> list[StoredName]:
        """The names of all documents."""

    def n_documents(self) -> int:
        """How many documents there are, none of them read."""

    def described(self, doc_id: str) -> "Document":
        """A document without its text (`text` is empty). Raises UnknownDocument."""

    def text_keys(self) -> dict[int, bytes]:
        """The key of each stored text, by its number: what makes two texts the same."""

    def text(self, text_no: int) -> "tuple[Document, list[Paragraph]]":
        """A stored text under one of its names, and its paragraphs. Raises CollectionDamaged."""

    def has_text(self, document: "Document", paragraphs: "Sequence[Paragraph]") -> bool:
        """Whether the same text, under whatever name, is stored."""

    def copies(self, doc_id: str, filters: Filters | None = None) -> list[str]:
        """The other documents that have the same text, the earliest dated first. Raises UnknownDocument."""

    def near_copies(self, doc_id: str, filters: Filters | None = None) -> list[str]:
        """Documents of which the text differs from this one's in small edits, the earliest dated first."""

    def status(self) -> Status:
        """The collection in numbers."""


class Collection(Protocol):
    """A collection, opened for reading by any number of threads, or for writing by one process at a time.

    place: its address, as a person would name it. folder: a room on this machine for what is beside it.
    mended: parts that were made again when it was opened for writing.
    """

    place: Place
    folder: Path
    mended: list[str]

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None:
        """Lets go of files, connections and the writer's lock."""

    @property
    def writable(self) -> bool:
        """Whether this process is the one that writes."""

    @property
    def notices(self) -> list[str]:
        """What was found damaged, a line each."""

    @property
    def encoder(self) -> "EncoderIdentity":
        """The encoder that made the stored vectors, as of now."""

    def size(self) -> int | None:
        """Bytes on disk; None where a server keeps them and does not tell."""

    def reading(self) -> AbstractContextManager[Snapshot]:
        """One whole state of the collection, whatever is written meanwhile, by whichever thread or process."""

    def replace(self, prepared: "Sequence[Prepared]", *, anew: bool = False) -> None:
        """The documents become visible, whole, all at once; those of the same source go in the same moment.

        A text that is stored already gets a further name, and nothing else. anew: what is stored of these documents is
        damaged; all names of their texts get what is given here.
        """

    def remove(self, doc_ids: Sequence[str]) -> None:
        """The documents go, and texts that lose their last name. Raises UnknownDocument, before anything goes."""

    def move(self, sources: Mapping[str, str]) -> None:
        """Documents whose files lie elsewhere now: name -> new source; nothing else changes. Raises UnknownDocument."""

    def describe(self, document: "Document") -> None:
        """A document's date, publisher, url, and which of them a person gave, are what they are in `document`.

        Its title is part of what is embedded: see `replace`. Raises UnknownDocument.
        """

    def exchange(self, encoder: "EncoderIdentity", passages: "Iterable[Passages]") -> int:
        """Puts passages and vectors by another encoder in place of all that are there, in one moment; how many.

        passages: those of every stored text, each time from the first on: they are gone through several times.
        """

    def refresh_base(self) -> None:
        """What searches are made fast with is brought up to what was written."""

    def compact(self) -> bool:
        """Takes away every byte of what was removed; False where a reader is in the way."""

    def damaged_parts(self) -> "list[Damage]":
        """What is not as it was stored and is no document's own; mended where this is open for writing."""

    def damaged_documents(self) -> list[tuple[str, list[str]]]:
        """Names of documents, and which of their parts differ from their checksums."""

    def described(self, doc_id: str) -> "Document":
        """What is stored of a document that may be damaged, its text left out. Raises UnknownDocument."""


def name_now(doc_id: str, source: str) -> str | None:
    """What the file of a document is called since it was renamed; None where it is called as the document is.

    A document keeps its name for good, since citations and judgements say it.
    """
    file = Path(source)
    if "#" in source:  # a row, or a file in a file
        from index.formats.reading import file_of

        file = Path(file_of(source))
    return None if not file.is_absolute() or file.name in doc_id else Path(source).name


def doc_id_called(snapshot: Snapshot, name: str) -> str:
    """The document of this name, else the one whose renamed file is called so; the name itself where none or several
    are."""
    names = snapshot.names()
    if any(stored.doc_id == name for stored in names):
        return name
    renamed = [stored.doc_id for stored in names if name_now(stored.doc_id, stored.source) == name]
    return renamed[0] if len(renamed) == 1 else name


@dataclass(frozen=True, slots=True)
class Damage:
    """What is not as it was stored.

    part: "text", "metadata", "paragraphs", "vectors", "key", "vector index", "lexical index" or "database".
    document: whose, where it is one's. remedy: what was done, or is left to do.
    """

    part: str
    document: str | None
    mended: bool
    remedy: str


@dataclass(frozen=True, slots=True)
class Base:
    """How the base is searched: exactly, or by the lists of an inverted file, of which `probes` are looked at.

    recall: recall@10 against exact search, as measured when it was made; None for exact search.
    """

    kind: str = "exact"
    lists: int | None = None
    probes: int | None = None
    recall: float | None = None

    def __str__(self) -> str:
        if self.recall is None:
            return "exact search"
        return f"{self.lists:,} lists, the nearest {self.probes:,} searched; recall@10 {self.recall:.3f}"
