"""Retrieval measures over one ranking, and their mean over the judged queries.

Four rules hold for each: the formula in its docstring; the average is the mean over all judged queries, one without
results counting as 0; ties are broken before a ranking comes here (score, then id, both descending, as trec_eval); a
query without a relevant document is not judged and is left out of the mean.
"""

import math
from collections.abc import Callable, Mapping, Sequence

Ranking = Sequence[str]
Relevance = Mapping[str, int]
Measure = Callable[[Ranking, Relevance], float]


def ndcg_at_k(ranking: Ranking, relevance: Relevance, k: int = 10) -> float:
    """Gain of the first k results, discounted by rank, over that of the ideal order; in [0, 1].

    DCG@k = sum over r = 1..k of rel(r) / log2(r + 1)     (linear gain, Järvelin and Kekäläinen 2002, as trec_eval)

    ranking: document ids, best first, without repeats; shorter than k is allowed.
    relevance: document id -> grade; an id not listed, or of a grade below 1, is not relevant.
    Returns 0.0 where nothing is relevant. Raises ValueError for k < 1 or a repeated id.
    """
    gains = [max(relevance.get(doc, 0), 0) for doc in _cut(ranking, k)]
    ideal = sorted((grade for grade in relevance.values() if grade > 0), reverse=True)[:k]
    return _dcg(gains) / _dcg(ideal) if ideal else 0.0


def recall_at_k(ranking: Ranking, relevance: Relevance, k: int = 100) -> float:
    """Share of the relevant documents that are among the first k; in [0, 1].

    Returns 0.0 where nothing is relevant. Raises ValueError for k < 1 or a repeated id.
    """
    relevant = {doc for doc, grade in relevance.items() if grade > 0}
    return len(relevant.intersection(_cut(ranking, k))) / len(relevant) if relevant else 0.0


def mrr_at_k(ranking: Ranking, relevance: Relevance, k: int = 10) -> float:
    """1 / the rank of the first relevant document among the first k, 0.0 where there is none; in [0, 1].

    Raises ValueError for k < 1 or a repeated id.
    """
    ranks = (rank for rank, doc in enumerate(_cut(ranking, k), 1) if relevance.get(doc, 0) > 0)
    return 1 / first if (first := next(ranks, 0)) else 0.0


MEASURES: Mapping[str, Measure] = {"nDCG@10": ndcg_at_k, "Recall@100": recall_at_k, "MRR@10": mrr_at_k}


def mean_over_queries(measure: Measure, run: Mapping[str, Ranking], qrels: Mapping[str, Relevance]) -> float:
    """The mean of a measure over the queries that have a relevant document; one without results counts as 0.

    Raises ValueError where no query is judged.
    """
    judged = [query for query, relevance in qrels.items() if any(grade > 0 for grade in relevance.values())]
    if not judged:
        raise ValueError("no query has a relevant document, so there is nothing to average")
    return math.fsum(measure(run.get(query, ()), qrels[query]) for query in judged) / len(judged)


def _dcg(gains: Sequence[int]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def _cut(ranking: Ranking, k: int) -> Ranking:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if len(set(ranking)) != len(ranking):
        raise ValueError("a ranking names a document twice")
    return ranking[:k]
