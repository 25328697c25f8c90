"""Measures of rankings and of answers, each with its formula and its rules.

A ranking names documents, paragraphs or passages: to a measure they are ids. Each measure of a ranking states its
formula and three rules.

    Average   the mean over the qrels' queries that have something relevant; one without results counts as 0.
    Ties      are broken before a ranking comes here: by score, then by id, both descending, as trec_eval does.
    Empty     an empty ranking scores 0.0; so does a query without anything relevant, which the mean leaves out.

The measures of answers state the same four rules, one by one. Citations are `citation_metrics.py`'s, probabilities
`calibration.py`'s.
"""

import math
import re
import string
from bisect import bisect_left, bisect_right
from collections import Counter
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


# ---- Answers


_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise_answer(text: str) -> str:
    """Lower case, without ASCII punctuation, without a, an, the, white space folded: SQuAD's definition (2016)."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, references: Sequence[str]) -> float:
    """1.0 where the normalised prediction equals that of a reference, else 0.0.

    EM = max over the references of [prediction = reference]     (Rajpurkar et al. 2016)

    Average: over the questions. Ties: of several references the best counts, once.
    Empty: no reference means that the question has no answer; "" is then right, and nothing else is.
    """
    return max(float(normalise_answer(prediction) == normalise_answer(text)) for text in references or ("",))


def token_f1(prediction: str, references: Sequence[str]) -> float:
    """The harmonic mean of precision and recall over the bag of normalised tokens, the best reference's; in [0, 1].

    F1 = max over the references of 2 * |tokens in both| / (|prediction's| + |reference's|)     (Rajpurkar et al. 2016)

    Average: over the questions. Ties: a token counts as often as it stands in both; of several references the best
    counts, once. Empty: where either side has no token, 1.0 if neither has, else 0.0; no reference is one of "".
    """
    return max(
        _token_f1(normalise_answer(prediction).split(), normalise_answer(r).split()) for r in references or ("",)
    )


def _token_f1(ours: Sequence[str], theirs: Sequence[str]) -> float:
    if not ours or not theirs:
        return float(list(ours) == list(theirs))
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs))


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """The chance that a positive scores above a negative (Mann and Whitney 1947); in [0, 1], 0.5 for no skill.

    AUROC = (pairs with the positive above + pairs that tie / 2) / (|positives| * |negatives|)

    Average: over all pairs at once, not by question. Ties: count half. Empty: ValueError where either side is.
    """
    if not positives or not negatives:
        raise ValueError(f"{len(positives)} positives and {len(negatives)} negatives: an AUROC needs both")
    below = sorted(negatives)
    wins = math.fsum((bisect_left(below, score) + bisect_right(below, score)) / 2 for score in positives)
    return wins / (len(positives) * len(negatives))


def best_threshold(scores: Sequence[float], answered: Sequence[float], silent: Sequence[float]) -> float:
    """The score from which on answering gives the highest mean: answered[i] if it answers, silent[i] if it does not.

    Ties: the lowest threshold. Infinity where silence is best throughout. Raises ValueError for nothing.
    """
    if not scores:
        raise ValueError("no question to choose a threshold on")
    total = best = math.fsum(silent)
    threshold = math.inf
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    for place, i in enumerate(order):
        total += answered[i] - silent[i]
        last_of_its_score = place + 1 == len(order) or scores[order[place + 1]] != scores[i]
        if last_of_its_score and total >= best:
            best, threshold = total, scores[i]
    return threshold


def balanced_accuracy(scores: Sequence[float], right: Sequence[bool], threshold: float) -> float:
    """The mean of two shares: of the right ones that score `threshold` or more, of the others that score less.

    (|right and score >= threshold| / |right| + |others and score < threshold| / |others|) / 2, in [0, 1]

    Average: each kind counts for half, however many there are; a constant score has 0.5.
    Ties: what scores the threshold itself passes. Empty: ValueError where one of the two kinds is absent.
    """
    n_right = sum(right)
    if not 0 < n_right < len(right):
        raise ValueError(f"{n_right} of {len(right)} are right: a balanced accuracy needs both kinds")
    passed = sum(1 for score, good in zip(scores, right, strict=True) if good and score >= threshold)
    stopped = sum(1 for score, good in zip(scores, right, strict=True) if not good and score < threshold)
    return (passed / n_right + stopped / (len(right) - n_right)) / 2


def best_balanced_threshold(scores: Sequence[float], right: Sequence[bool]) -> float:
    """The score from which on saying "right" has the highest balanced accuracy. Ties: the lowest.

    Raises ValueError where one of the two kinds is absent.
    """
    n_right = sum(right)
    if not 0 < n_right < len(right):
        raise ValueError(f"{n_right} of {len(right)} are right: a balanced accuracy needs both kinds")
    answered = [1 / n_right if good else 0.0 for good in right]
    silent = [0.0 if good else 1 / (len(right) - n_right) for good in right]
    return best_threshold(scores, answered, silent)


def coverage_at(accuracy: float, scores: Sequence[float], right: Sequence[float]) -> float:
    """The largest share of questions that can be answered, surest first, with a mean of `right` of at least `accuracy`.

    coverage = max of |answered| / |all| over thresholds t with mean of right over {score >= t} >= accuracy; in [0, 1]

    Average: `right` over the answered, the share over all. Ties: equal scores are answered together.
    Empty: 0.0 where no threshold reaches it; ValueError for no question.
    """
    if not scores:
        raise ValueError("no question to answer")
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    covered, total = 0, 0.0
    for place, i in enumerate(order, 1):
        total += right[i]
        if (place == len(order) or scores[order[place]] != scores[i]) and total >= accuracy * place:
            covered = place
    return covered / len(order)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies, in their unit; numpy's default definition.

    With the values in order from 0 to n - 1, the one at place share * (n - 1), linear between two neighbours.

    share: in [0, 1]; ValueError for another. Average: none, it is over all values at once.
    Ties: equal values take a place each. Empty: ValueError.
    """
    if not values:
        raise ValueError("no value to take a percentile of")
    if not 0 <= share <= 1:
        raise ValueError(f"a percentile's share lies in [0, 1], not at {share}")
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
