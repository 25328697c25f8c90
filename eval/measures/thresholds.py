"""Measures of scores against what is right: how well they rank, where to cut, and shares of a list of numbers."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence


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
