"""Documents read, split and embedded: what is done of a run, by whom.

    wanted documents -> split documents        a text's paragraphs, its windows, and what the encoder will see of each
    windows' inputs -> vectors

`InProcess` does it in this process. Others (index.intake.processes, index.intake.cluster) do the same elsewhere, by the
same functions, so that the same documents give the same passages. Whoever does it, results come back in the order of
what was asked for.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event
from typing import Protocol, Self, TypeVar

from index.cleaning.furniture import classify, headline
from index.documents import Document, Given
from index.encoder.embedding import Encoder, Vectors
from index.encoder.engine import STOP
from index.errors import Unreadable
from index.formats.parser import ParserProcess
from index.formats.reading import File, document_of
from index.paragraphs import Paragraph
from index.passages import SPECIAL_PIECES, Window, encoder_inputs, windows

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Job:
    """A document to be read and split: a file's bytes, or a row, which is read already."""

    text: File | Document
    name: str
    given: Given
    keep_all: bool

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.text.raw) if isinstance(self.text, File) else self.text.size


@dataclass(frozen=True, slots=True)
class Split:
    """A document with its headline, its paragraphs, its windows, and what the encoder will see of each of them."""

    document: Document
    paragraphs: Sequence[Paragraph]
    windows: Sequence[Window]
    inputs: Sequence[str]

    def named(self, doc_id: str, given: tuple[str, ...]) -> "Split":
        """The same under another name, and with what a person gave of it."""
        document = replace(self.document, doc_id=doc_id, given=given)
        if doc_id == self.document.doc_id:
            return replace(self, document=document)
        return replace(self, document=document, paragraphs=[replace(p, doc_id=doc_id) for p in self.paragraphs])


def split(document: Document, encoder: Encoder) -> Split:
    """The document with its headline, and what the encoder will see of each of its windows."""
    paragraphs = classify(
        document.text, document.doc_id, title=document.title, keep_all=document.keep_all, blocks=document.blocks
    )
    return split_at(document, paragraphs, encoder)


def split_at(document: Document, paragraphs: Sequence[Paragraph], encoder: Encoder) -> Split:
    """The same of a document whose paragraphs are known."""
    document = replace(document, title=document.title or headline(document.text, paragraphs))
    parts = windows(document, paragraphs, encoder.count_pieces, encoder.max_length - SPECIAL_PIECES)
    return Split(document, paragraphs, parts, encoder_inputs(document, paragraphs, parts, encoder.count_pieces))


def read_and_split(job: Job, encoder: Encoder, parser: ParserProcess) -> Split | Unreadable:
    """The split document, or the reason why it cannot be read: given back, so that others of its group go on."""
    try:
        if isinstance(job.text, File):
            return split(document_of(job.text, job.name, job.given, parser, keep_all=job.keep_all), encoder)
        return split(job.text, encoder)
    except Unreadable as error:
        return error


class Pending(Protocol[T_co]):
    """A result that is on its way."""

    def result(self) -> T_co:
        """Waits for it. Raises what went wrong."""


class Workforce(Protocol):
    """Those who read, split and embed.

    group_size: documents that are handed over together. groups_ahead, batches_ahead: how many groups, and batches of
    texts, are under way while the next is made ready; what is held in memory grows with them.
    """

    group_size: int
    groups_ahead: int
    batches_ahead: int

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def prepare(self, jobs: Sequence[Job]) -> Pending[list[Split | Unreadable]]:
        """Each document split, or why it cannot be read, in order."""

    def encode(self, texts: Sequence[str]) -> Pending[Vectors]:
        """The vectors of passages (n, d), in the texts' order."""


class InProcess:
    """This process: reads and splits in the thread that asks, and embeds in one of its own meanwhile."""

    group_size = 1
    groups_ahead = 0
    batches_ahead = 1

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._parser = ParserProcess()
        self._stop = Event()
        self._background = ThreadPoolExecutor(1, "embedding", STOP.set, (self._stop,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()  # what is embedded still is asked for by nobody: the run was interrupted, or has failed
        self._parser.close()
        self._background.shutdown(cancel_futures=True)

    def prepare(self, jobs: Sequence[Job]) -> Pending[list[Split | Unreadable]]:
        """Done when it returns."""
        done: Future[list[Split | Unreadable]] = Future()
        done.set_result([read_and_split(job, self._encoder, self._parser) for job in jobs])
        return done

    def encode(self, texts: Sequence[str]) -> Pending[Vectors]:
        """One batch after the other, in the background."""
        return self._background.submit(self._encoder.encode_passages, texts)
