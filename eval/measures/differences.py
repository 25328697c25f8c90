"""Is one setting better than another on the same questions, and by how much: paired statistics, seeded.

A sample here is an array of one number a question. Two settings are compared by the differences on the questions that
both answered; the same seed gives the same figures to the last digit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Sample = NDArray[np.float64]

SEED = 20_240_229
RESAMPLES = 10_000
# Numbers drawn at once: 8 bytes each.
_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the interval that holds it with 95% confidence."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Setting minus baseline, question by question.

    mean: of the differences, with its 95% interval. p: of the paired randomisation test, two-sided. holm: p adjusted
    for the family that was tested. wins, losses, ties: questions. better, worse: numbers of the questions won and lost,
    by the largest difference first. detectable: the difference that as many questions show in four cases of five.
    """

    setting: str
    baseline: str
    mean: Interval
    p: float
    holm: float
    wins: int
    losses: int
    ties: int
    better: tuple[int, ...]
    worse: tuple[int, ...]
    detectable: float


def bootstrap_interval(values: Sample, *, resamples: int = RESAMPLES, seed: int = SEED) -> Interval:
    """The mean and its 95% interval: the 2.5th and 97.5th percentile of the means of resampled questions (Efron 1979).

    values: (n,), one a question. Given differences of two settings, this is the paired bootstrap.
    Average: over the questions. Raises ValueError where there is none.
    """
    n = len(values)
    if n == 0:
        raise ValueError("no question to resample")
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    step = max(1, _AT_ONCE // n)
    for left in range(0, resamples, step):
        rows = min(step, resamples - left)
        means[left : left + rows] = values[rng.integers(0, n, (rows, n), dtype=np.int32)].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(math.fsum(values) / n, float(low), float(high))


def randomisation_p(differences: Sample, *, resamples: int = RESAMPLES, seed: int = SEED) -> float:
    """The chance of a mean at least so far from 0 if the two settings' names were swapped at random for each question.

    p = (1 + resamples with |mean| >= |observed mean|) / (1 + resamples)     (Fisher; Smucker, Allan, Carterette 2007)

    Ties: differences of 0 stay in, and change nothing. Raises ValueError where there is none.
    """
    n = len(differences)
    if n == 0:
        raise ValueError("no question to compare on")
    observed = abs(math.fsum(differences))
    moved = differences[differences != 0]
    if len(moved) == 0:
        return 1.0
    rng = np.random.default_rng(seed)
    as_far = 0
    step = max(1, _AT_ONCE // len(moved))
    for left in range(0, resamples, step):
        rows = min(step, resamples - left)
        signs = rng.integers(0, 2, (rows, len(moved)), dtype=np.int8) * 2 - 1
        # A sum in another order differs in the last digits, which must not make an equal one seem smaller.
        as_far += int((np.abs(signs @ moved) >= observed * (1 - 1e-9)).sum())
    return (1 + as_far) / (1 + resamples)


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p adjusted for all that were tested together, in their order (Holm 1979): at most 1, never below its own.

    The i-th smallest of m is multiplied by m - i + 1, and is at least as large as the one before it.
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, i in enumerate(order):
        largest = max(largest, min(1.0, p_values[i] * (len(p_values) - place)))
        adjusted[i] = largest
    return adjusted


def compare_with(baseline: str, samples: dict[str, Sample], *, seed: int = SEED) -> list[Difference]:
    """Every other sample against the baseline's, the family being all of them.

    samples: setting -> (n,), the same questions in the same order; nan where the measure does not apply to a question.
    Raises ValueError for an unknown baseline, samples of other lengths, or no question that both have.
    """
    if baseline not in samples:
        raise ValueError(f"no setting '{baseline}' among {', '.join(samples)}")
    pairs = {name: values - samples[baseline] for name, values in samples.items() if name != baseline}
    tested = {name: d[~np.isnan(d)] for name, d in pairs.items()}
    p_values = [randomisation_p(d, seed=seed) for d in tested.values()]
    return [
        _difference(name, baseline, pairs[name], p=p, adjusted=adjusted, seed=seed)
        for name, p, adjusted in zip(pairs, p_values, holm(p_values), strict=True)
    ]


def _difference(setting: str, baseline: str, pairs: Sample, *, p: float, adjusted: float, seed: int) -> Difference:
    known = pairs[~np.isnan(pairs)]
    order = np.argsort(-np.nan_to_num(pairs), kind="stable")
    return Difference(
        setting,
        baseline,
        bootstrap_interval(known, seed=seed),
        p,
        adjusted,
        wins=int((known > 0).sum()),
        losses=int((known < 0).sum()),
        ties=int((known == 0).sum()),
        better=tuple(int(i) for i in order if pairs[i] > 0),
        worse=tuple(int(i) for i in order[::-1] if pairs[i] < 0),
        detectable=detectable_difference(len(known), float(known.std(ddof=1)) if len(known) > 1 else 0.0),
    )


def detectable_difference(n: int, deviation: float, *, power: float = 0.8, level: float = 0.05) -> float:
    """The mean difference that n questions show with probability `power` at a two-sided `level`.

    (z(1 - level / 2) + z(power)) * deviation / sqrt(n)     deviation: of the differences by question
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    z = NormalDist().inv_cdf
    return (z(1 - level / 2) + z(power)) * deviation / math.sqrt(n)


def questions_needed(difference: float, deviation: float, *, power: float = 0.8, level: float = 0.05) -> int:
    """How many questions show a mean difference with probability `power` at a two-sided `level`: the inverse."""
    if difference <= 0:
        raise ValueError(f"a difference to be shown is above 0, not {difference}")
    return max(2, math.ceil((detectable_difference(1, deviation, power=power, level=level) / difference) ** 2))
