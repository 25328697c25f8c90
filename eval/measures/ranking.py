"""Measures of rankings, each with its formula and its rules.

A ranking names documents, paragraphs or passages: to a measure they are ids. Each measure of a ranking states its
formula and three rules.

    Average   the mean over the qrels' queries that have something relevant; one without results counts as 0.
    Ties      are broken before a ranking comes here: by score, then by id, both descending, as trec_eval does.
    Empty     an empty ranking scores 0.0; so does a query without anything relevant, which the mean leaves out.

The other measures state the same four rules, one by one: words of answers in `matching`, scores in `thresholds`,
citations in `citations`, probabilities in `calibration`.
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
    Average: over the qrels. Ties: broken before. Empty: 0.0. Raises ValueError for k < 1 or a repeated id.
    """
    gains = [max(relevance.get(doc, 0), 0) for doc in _cut(ranking, k)]
    ideal = sorted((grade for grade in relevance.values() if grade > 0), reverse=True)[:k]
    return _dcg(gains) / _dcg(ideal) if ideal else 0.0


def recall_at_k(ranking: Ranking, relevance: Relevance, k: int = 100) -> float:
    """Share of the relevant documents that are among the first k; in [0, 1].

    Recall@k = |relevant and among the first k| / |relevant|

    Average: over the qrels. Ties: broken before. Empty: 0.0. Raises ValueError for k < 1 or a repeated id.
    """
    relevant = _relevant(relevance)
    return len(relevant.intersection(_cut(ranking, k))) / len(relevant) if relevant else 0.0


def precision_at_k(ranking: Ranking, relevance: Relevance, k: int = 10) -> float:
    """Share of the first k places that hold a relevant document; in [0, 1].

    Precision@k = |relevant and among the first k| / k     (k, also where the ranking is shorter, as trec_eval)

    Average: over the qrels. Ties: broken before. Empty: 0.0. Raises ValueError for k < 1 or a repeated id.
    """
    return len(_relevant(relevance).intersection(_cut(ranking, k))) / k


def mrr_at_k(ranking: Ranking, relevance: Relevance, k: int = 10) -> float:
    """1 / the rank of the first relevant document, 0.0 where the first k hold none; in [0, 1].

    MRR@k = mean of 1 / rank of the first relevant

    Average: over the qrels. Ties: broken before. Empty: 0.0. Raises ValueError for k < 1 or a repeated id.
    """
    ranks = (rank for rank, doc in enumerate(_cut(ranking, k), 1) if relevance.get(doc, 0) > 0)
    return 1 / first if (first := next(ranks, 0)) else 0.0


def average_precision_at_k(ranking: Ranking, relevance: Relevance, k: int = 100) -> float:
    """Precision at the rank of each relevant document of the first k, over all that are relevant; in [0, 1].

    AP@k = sum over relevant at rank r <= k of Precision@r / |relevant|;  MAP@k is its mean     (as trec_eval)

    Average: over the qrels. Ties: broken before. Empty: 0.0. Raises ValueError for k < 1 or a repeated id.
    """
    relevant = _relevant(relevance)
    ranks = [rank for rank, doc in enumerate(_cut(ranking, k), 1) if doc in relevant]
    return math.fsum(found / rank for found, rank in enumerate(ranks, 1)) / len(relevant) if relevant else 0.0


def success_at_k(ranking: Ranking, relevance: Relevance, k: int = 1) -> float:
    """1.0 where the first k hold a relevant document, else 0.0.

    Success@k = 1 if Recall@k > 0 else 0

    Average: over the qrels. Ties: broken before. Empty: 0.0. Raises ValueError for k < 1 or a repeated id.
    """
    return float(not _relevant(relevance).isdisjoint(_cut(ranking, k)))


_AT_K: Mapping[str, Callable[[Ranking, Relevance, int], float]] = {
    "nDCG": ndcg_at_k,
    "Recall": recall_at_k,
    "Precision": precision_at_k,
    "MRR": mrr_at_k,
    "MAP": average_precision_at_k,
    "Success": success_at_k,
}
# What `pilcrow eval retrieval` prints.
MEASURES: Mapping[str, Measure] = {"nDCG@10": ndcg_at_k, "Recall@100": recall_at_k, "MRR@10": mrr_at_k}


def measure_named(name: str) -> Measure:
    """The measure that a name like "nDCG@10" stands for. Raises ValueError, naming those that there are."""
    family, _, k = name.partition("@")
    if family not in _AT_K or not k.isdecimal() or int(k) < 1:
        raise ValueError(f"no measure '{name}'; there are {', '.join(f'{known}@k' for known in _AT_K)}, k from 1")
    at_k, cut = _AT_K[family], int(k)
    return lambda ranking, relevance: at_k(ranking, relevance, cut)


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


def _relevant(relevance: Relevance) -> set[str]:
    return {doc for doc, grade in relevance.items() if grade > 0}


def _cut(ranking: Ranking, k: int) -> Ranking:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if len(set(ranking)) != len(ranking):
        raise ValueError("a ranking names a document twice")
    return ranking[:k]
