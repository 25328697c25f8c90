"""What a program asks of an open collection: index, ask, search, show; and many questions together.

The command line, the page and the server go through here, too: this is the one place that knows which models of an
`OpenCollection` an answer takes. Everything heavy is imported where it is used.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rag.opened import OpenCollection, open_collection

if TYPE_CHECKING:
    from concurrent.futures import Future

    from index.collection import Filters
    from index.intake.files import Summary
    from index.intake.preparation import Workforce
    from rag.answering import Models
    from rag.answers import Answer, Event, Evidence
    from rag.citations import Citation
    from rag.conversation import Turn

__all__ = ["ask", "ask_all", "ask_events", "index", "models_of", "open_collection", "search", "show"]

# Questions begun before the first of them is given back, for each one at work: a long answer holds up no others.
_AHEAD = 8


def index(
    collection: OpenCollection,
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    date: str | None = None,
    publisher: str | None = None,
    keep_all: bool = False,
    prune: bool = False,
    max_bytes: int | None = None,
    workers: str | None = None,
    device: str | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> "Summary":
    """Adds or updates files and folders, or one of them; unchanged ones are skipped. See `index.intake.indexing`.

    date: as a person writes it, such as "2023-02-19", "2023" or "19 February 2023". Raises ValueError for what is none.
    workers: a number of processes, "ray", or "ray://HOST:PORT"; see `index.intake.workers`. By default this process. A
        script that asks for processes must begin under `if __name__ == "__main__":`, since they import it.
    device: what the workers embed on with PyTorch, such as "cuda". Without workers it is `open_collection`'s.
    """
    from index.dates import stated_date
    from index.formats.reading import MAX_BYTES
    from index.intake.files import require_something
    from index.intake.indexing import index_paths

    stated = stated_date(date) if date else None
    files = [Path(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    if not collection.exists:
        require_something(files, collection.folder)
    with _workers(workers, collection, device) as at_work, collection.writer() as writer:
        return index_paths(
            writer,
            collection.encoder,
            files,
            date=stated,
            publisher=publisher,
            keep_all=keep_all,
            prune=prune,
            max_bytes=MAX_BYTES if max_bytes is None else max_bytes,
            workers=at_work,
            progress=progress,
        )


def _workers(
    named: str | None, collection: OpenCollection, device: str | None
) -> "AbstractContextManager[Workforce | None]":
    """Who reads and embeds; None is this process."""
    if named is None:
        return nullcontext()
    from index.intake.workers import open_workers

    return open_workers(named, collection.encoder, device=device) or nullcontext()


def models_of(collection: OpenCollection) -> "Models":
    """Everything that answers questions of the collection, loaded. Raises what loading a model raises."""
    from rag.answering import Models

    return Models(collection.encoder, collection.reader, collection.model, collection.support)


def ask(
    collection: OpenCollection,
    question: str,
    *,
    history: "Sequence[Turn]" = (),
    strict: bool = False,
    filters: "Filters | None" = None,
    own_reading: bool = False,
) -> "Answer":
    """One Answer: claims with citations, or an abstention with its reason. See `rag.answering.answer`."""
    from rag.answers import Answer

    events = ask_events(collection, question, history=history, strict=strict, filters=filters, own_reading=own_reading)
    return next(event for event in events if isinstance(event, Answer))


def ask_events(
    collection: OpenCollection,
    question: str,
    *,
    history: "Sequence[Turn]" = (),
    strict: bool = False,
    filters: "Filters | None" = None,
    models: "Models | None" = None,
    own_reading: bool = False,
) -> "Generator[Event]":
    """The same, as it happens; see `rag.answering.answer_events`. models: in place of the collection's own."""
    from rag.answering import answer_events

    return answer_events(
        collection.stored, models or models_of(collection), question, history=history, strict=strict, filters=filters,
        own_reading=own_reading,
    )  # fmt: skip


def ask_all(
    collection: OpenCollection,
    asked: "Sequence[tuple[str, Sequence[Turn]]]",
    *,
    strict: bool = False,
    filters: "Filters | None" = None,
    own_reading: bool = False,
) -> "Iterator[Answer]":
    """The Answer to each (question, history), in order: those that `ask` gives one after the other.

    A chat model writes one answer at a time; without one several questions are answered at once: encoder and reader run
    each text by itself on the same few threads, whoever asks, so it is enough that one question is searched and put
    into words while another is read, and every core has work.
    """
    from concurrent.futures import ThreadPoolExecutor

    from index.encoder.engine import n_cores
    from rag.answering import answer

    stored, models = collection.stored, models_of(collection)
    at_once = 1 if models.model else n_cores() + 1  # one more than can be read: it is searched, or put into words

    def answer_one(question: str, history: "Sequence[Turn]") -> "Answer":
        return answer(
            stored, models, question, history=history, strict=strict, filters=filters, own_reading=own_reading
        )

    with ThreadPoolExecutor(at_once, thread_name_prefix="question") as pool:
        begun: deque[Future[Answer]] = deque()
        try:
            for question, history in asked:
                begun.append(pool.submit(answer_one, question, history))
                if len(begun) > _AHEAD * at_once:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()


def search(
    collection: OpenCollection,
    question: str,
    *,
    k: int = 10,
    filters: "Filters | None" = None,
    read: bool | None = None,
) -> "list[Evidence]":
    """The at most k best passages, best first, each with its place in its document.

    read: whether they are put in the order in which `ask` would read them; None is where it is a question, since of key
    words and statements the order of the search is the better one.
    """
    from rag.answers import evidence_of
    from rag.citations import Sources
    from rag.finding.spelling import respelled
    from rag.reading.order import DEPTH, in_reading_order, worth_reading
    from rag.retrieval import retrieve

    with collection.stored.reading() as snapshot:
        sources = Sources(snapshot, filters)
        query = respelled(question, snapshot, collection.encoder).text
        reading = worth_reading(query) if read is None else read
        depth = max(k, DEPTH) if reading else k
        hits = retrieve(snapshot, collection.encoder, query, depth, filters=filters)
        if reading:
            hits = in_reading_order(query, hits, sources, collection.reader)
        return [evidence_of(hit, sources) for hit in hits[:k]]


def spelling_notice(collection: OpenCollection, question: str) -> str:
    """What a person should know of how a question's words were read by `search`; empty where they stand as typed."""
    from rag.finding.spelling import respelled

    with collection.stored.reading() as snapshot:
        return respelled(question, snapshot, collection.encoder).notice


def show(collection: OpenCollection, doc_id: str, start: int, end: int) -> "Citation":
    """The characters `[start, end)` of a document as a citation, label 0, with the paragraph that they lie in.

    Raises UnknownDocument, and BadSpan for a span that is empty or not inside one paragraph.
    """
    from rag.citations import Sources, cite_span

    with collection.stored.reading() as snapshot:
        return cite_span(Sources(snapshot), doc_id, start, end)
