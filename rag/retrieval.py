"""A query into hits: dense and lexical, fused, and first what has the query's exact things.

Knows a collection's snapshot and the encoder; nothing of answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from index.collection import Filters, Snapshot
from index.encoder.embedding import Encoder, Vectors
from index.passages import Passage
from rag.finding.exact import passages_with

# The weight of the cosine; the rest is BM25 over its maximum. Measured with 0.5 to 0.9 on NFCorpus, Cranfield and
# ArguAna: 0.7 to 0.75 is best on the first two, and far from hurting the third.
DENSE_WEIGHT = 0.75
# The weight of the best that a passage's document has, in place of the passage's own: a passage that says "she" or "the
# committee" is found by what its neighbours say. Of 1,035 people questions asked of 2,042 documents the evidence is
# among the first 8 and 48 for .817 and .932 without, .833 and .939 with it, of 400 on training's documents that were
# kept apart among the first 48 for .938 and .960; 0.2 to 0.5 differ little. Where a document is
# one passage, it changes nothing.
DOCUMENT_WEIGHT = 0.3
# tantivy and FAISS make room for all that are asked for: where it is more than this, it is no more than there are.
_MANY = 10_000
# The best of each leg that are fused. At 200 nDCG@10 changes by 0.002 at most.
CANDIDATES = 100


class Way(StrEnum):
    """How hits are found."""

    DENSE = "dense"
    LEXICAL = "lexical"
    FUSED = "fused"


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found: score is a similarity, higher is better, and means nothing across questions; rank from 1.

    cosine, bm25: what each leg said of it; bm25 is 0 where the passage was not among the lexical leg's best.
    exact: how many of the query's exact things it has, see `rag.finding.exact`; those that have more go first.
    order: what `rag.reading.order` says of it, where that was asked.
    """

    passage: Passage
    score: float
    rank: int
    cosine: float
    bm25: float
    order: float = 0.0
    exact: int = 0


def retrieve(
    snapshot: Snapshot,
    encoder: Encoder,
    query: str,
    k: int = 10,
    *,
    way: Way = Way.FUSED,
    filters: Filters | None = None,
    candidates: int = CANDIDATES,
    document_weight: float = DOCUMENT_WEIGHT,
    exact: bool = True,
    vector: Vectors | None = None,
) -> list[Hit]:
    """The at most k best passages, best first, ties by passage_id.

    A passage's own score = w * cosine + (1 - w) * BM25 / (best BM25 of this query), over the union of each leg's best
    `candidates`, with exact cosines for all of them and 0 for an absent BM25 score.
    Fused score = (1 - d) * own score + d * the same of the best cosine and the best BM25 in its text; d is
    document_weight. exact: whether passages that have what the query gives exactly go before the others.
    vector: the query's (d,), where it is known already.
    Raises ValueError for k < 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    snapshot.require(encoder.identity)
    if not query.strip():
        return []
    query = query.encode("utf-8", "replace").decode()
    if k > _MANY:
        k = min(k, max(snapshot.status().passages, 1))
    depth = max(candidates, k)
    words_searched = snapshot.lexical_later(query, depth, filters) if way is not Way.DENSE else list
    if vector is None:
        vector = encoder.encode([query])[0]
    cosines = dict(snapshot.nearest(vector, depth, filters)) if way is not Way.LEXICAL else {}
    lexical = dict(words_searched())
    having = passages_with(query, snapshot, filters) if exact and way is Way.FUSED else {}
    missing = [passage_id for passage_id in {**lexical, **having} if passage_id not in cosines]
    if missing:
        found = snapshot.vectors(missing) @ vector
        cosines.update(zip(missing, (float(cosine) for cosine in found), strict=True))
    if way is Way.LEXICAL:
        scores = lexical
    elif way is Way.DENSE:
        scores = cosines
    else:
        scores = _fused(cosines, lexical, snapshot.texts_of(list(cosines)) if document_weight else {}, document_weight)
    ranked = sorted(scores, key=lambda i: (-having.get(i, 0), -scores[i], i))[:k]
    return [
        Hit(p, scores[p.passage_id], rank, cosines[p.passage_id], lexical.get(p.passage_id, 0.0),
            exact=having.get(p.passage_id, 0))
        for rank, p in enumerate(snapshot.passages(ranked, filters), 1)
    ]  # fmt: skip


def _fused(
    cosines: Mapping[int, float], lexical: Mapping[int, float], texts: Mapping[int, int], document_weight: float
) -> dict[int, float]:
    """Passage id -> fused score. texts: passage id -> its text's number; may be empty where document_weight is 0."""
    best = max(lexical.values(), default=0.0)
    shares = {i: lexical.get(i, 0.0) / best if best > 0 else 0.0 for i in cosines}

    def weighed(cosine: float, share: float) -> float:
        return DENSE_WEIGHT * cosine + (1 - DENSE_WEIGHT) * share

    if not document_weight:
        return {i: weighed(cosine, shares[i]) for i, cosine in cosines.items()}
    near: dict[int, float] = {}
    worded: dict[int, float] = {}
    for i, cosine in cosines.items():
        near[texts[i]] = max(cosine, near.get(texts[i], cosine))
        worded[texts[i]] = max(shares[i], worded.get(texts[i], 0.0))
    return {
        i: (1 - document_weight) * weighed(cosine, shares[i])
        + document_weight * weighed(near[texts[i]], worded[texts[i]])
        for i, cosine in cosines.items()
    }
