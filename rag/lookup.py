"""Passages and quoted characters of an open collection, without an answer: `search` and `show` on every door."""

from index.collection import Filters
from rag.answers import Evidence, evidence_of
from rag.citations import Citation, Sources, cite_span
from rag.opened import OpenCollection
from rag.retrieval import retrieve


def find(collection: OpenCollection, question: str, k: int = 10, filters: Filters | None = None) -> list[Evidence]:
    """The at most k best passages, best first, each with its place in its document."""
    with collection.stored.reading() as snapshot:
        sources = Sources(snapshot)
        return [
            evidence_of(hit, sources) for hit in retrieve(snapshot, collection.encoder, question, k, filters=filters)
        ]


def quote(collection: OpenCollection, doc_id: str, start: int, end: int) -> Citation:
    """The characters `[start, end)` of a document as a citation, label 0, with the paragraph that they lie in.

    Raises UnknownDocument, and BadSpan for a span that is empty or not inside one paragraph.
    """
    with collection.stored.reading() as snapshot:
        return cite_span(Sources(snapshot), doc_id, start, end)
