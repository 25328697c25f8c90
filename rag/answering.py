"""answer(): the straight line from a question to an Answer.

question -> query -> hits -> sentences -> claims, each with its citation -> Answer
"""

import re
from time import perf_counter

from index.collection import Collection, Filters
from index.embedding import Encoder
from rag.answers import Answer, evidence_of
from rag.citations import Claim, Sources, cite, with_markers
from rag.retrieval import retrieve
from rag.selecting import Selected, logistic, select_sentences, worth_showing

# How many passages are looked at for sentences.
PASSAGES = 8
# Nothing nearer than this: the documents are about something else.
NEAR_ENOUGH = 0.32
# P(the answer is in the best three passages) = logistic(slope * (best cosine - middle)): fitted on 795 questions,
# 600 of SQuAD 2.0's dev set over all paragraphs of their 16 articles and 195 about something else.
_SLOPE, _MIDDLE = 7.7, 0.617


_MARKER = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")


def answer(
    collection: Collection,
    encoder: Encoder,
    question: str,
    *,
    filters: Filters | None = None,
    passages: int = PASSAGES,
) -> Answer:
    """The best answer that the documents hold, each sentence of it cited; or an abstention with its reason.

    question: as a person typed it. passages: how many of the best are read; an upper bound.
    """
    began = perf_counter()
    query = " ".join(question.split())
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        hits = retrieve(snapshot, encoder, query, passages, filters=filters)
        retrieved = perf_counter()
        ranked = select_sentences(query, hits, sources, encoder)
        evidence = tuple(evidence_of(hit, sources) for hit in hits)
    read = perf_counter()
    nearness = max((s.nearness for s in ranked), default=0.0)
    abstained = nearness < NEAR_ENOUGH
    chosen = [] if abstained else worth_showing(ranked)
    claims = tuple(_claim(s, label) for label, s in enumerate(chosen, 1))
    return Answer(
        question=question,
        query=query,
        text=with_markers(claims),
        claims=claims,
        citations=tuple(cite(s.sentence, label) for label, s in enumerate(chosen, 1)),
        answers=(),
        evidence=evidence,
        abstained=abstained,
        reason="off_topic" if abstained else None,
        confidence=logistic(_SLOPE * (max(hit.cosine for hit in hits) - _MIDDLE)) if hits else 0.0,
        generator="extractive",
        notices=tuple(collection.notices),
        seconds={
            "retrieve": retrieved - began,
            "read": read - retrieved,
            "generate": 0.0,
            "total": perf_counter() - began,
        },
    )


def _claim(selected: Selected, label: int) -> Claim:
    """A sentence of the documents, verbatim: what it cites is itself, so it is supported by construction.

    Markers of the document's own ("[12]") are left out of the claim, or they would seem to be ours.
    """
    text = " ".join(_MARKER.sub("", selected.sentence.text).split())
    return Claim(text, (label,), 1.0, "supported")
