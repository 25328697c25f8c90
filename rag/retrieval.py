"""A query into hits: dense and lexical, fused.

Knows a collection's snapshot and the encoder; nothing of answers.
"""

from dataclasses import dataclass
from enum import StrEnum

from index.collection import Filters, Snapshot
from index.encoder.embedding import Encoder, Vectors
from index.passages import Passage

# The weight of the cosine; the rest is BM25 over its maximum. Measured with 0.5 to 0.9 on NFCorpus, Cranfield and
# ArguAna: 0.7 to 0.75 is best on the first two, and far from hurting the third.
DENSE_WEIGHT = 0.75
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
    order: what `rag.reading.order` says of it, where that was asked.
    """

    passage: Passage
    score: float
    rank: int
    cosine: float
    bm25: float
    order: float = 0.0


def retrieve(
    snapshot: Snapshot,
    encoder: Encoder,
    query: str,
    k: int = 10,
    *,
    way: Way = Way.FUSED,
    filters: Filters | None = None,
    candidates: int = CANDIDATES,
    vector: Vectors | None = None,
) -> list[Hit]:
    """The at most k best passages, best first, ties by passage_id.

    Fused score = w * cosine + (1 - w) * BM25 / (best BM25 of this query), over the union of each leg's best
    `candidates`, with exact cosines for all of them and 0 for an absent BM25 score.
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
    missing = [passage_id for passage_id in lexical if passage_id not in cosines]
    if missing:
        exact = snapshot.vectors(missing) @ vector
        cosines.update(zip(missing, (float(cosine) for cosine in exact), strict=True))
    best = max(lexical.values(), default=0.0)

    def score(passage_id: int) -> float:
        if way is Way.DENSE:
            return cosines[passage_id]
        if way is Way.LEXICAL:
            return lexical[passage_id]
        share = lexical.get(passage_id, 0.0) / best if best > 0 else 0.0
        return DENSE_WEIGHT * cosines[passage_id] + (1 - DENSE_WEIGHT) * share

    ranked = sorted(
        lexical if way is Way.LEXICAL else cosines, key=lambda passage_id: (-score(passage_id), passage_id)
    )[:k]
    return [
        Hit(passage, score(passage.passage_id), rank, cosines[passage.passage_id], lexical.get(passage.passage_id, 0.0))
        for rank, passage in enumerate(snapshot.passages(ranked, filters), 1)
    ]
