"""Whether a confidence can be trusted: risk against coverage, reliability, calibration error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_BINS = 10


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Answering every question from `confidence` on: the share of all that is answered, and the share of it wrong."""

    coverage: float
    risk: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions whose confidence lies in [low, high): how many, their mean confidence, the share that came true."""

    low: float
    high: float
    n: int
    confidence: float
    share: float


def risk_coverage(confidences: Sequence[float], right: Sequence[float]) -> list[RiskPoint]:
    """The risk of answering only the surest questions, for every share of them that can be told apart.

    coverage = answered / all;  risk = 1 - mean of `right` over the answered     (El-Yaniv and Wiener 2010)

    right: in [0, 1], one a question; an unanswerable one that is answered is 0. Average: over the answered questions.
    Ties in confidence are answered together. Empty: ValueError. Points come by growing coverage.
    """
    if not confidences:
        raise ValueError("no question to answer")
    order = sorted(range(len(confidences)), key=lambda i: -confidences[i])
    points, total = [], 0.0
    for place, i in enumerate(order, 1):
        total += right[i]
        if place == len(order) or confidences[order[place]] != confidences[i]:
            points.append(RiskPoint(place / len(order), 1 - total / place, confidences[i]))
    return points


def thinned(points: Sequence[RiskPoint], n: int = 50) -> list[RiskPoint]:
    """At most n + 1 of the points, evenly spread over coverage, the last always: enough for a curve in a file."""
    kept: list[RiskPoint] = []
    for point in points:
        if not kept or point.coverage - kept[-1].coverage >= 1 / n - 1e-12:
            kept.append(point)
    if points and kept[-1] is not points[-1]:
        kept.append(points[-1])
    return kept


def area_under_risk(confidences: Sequence[float], right: Sequence[float]) -> float:
    """The mean risk over all coverages; in [0, 1], lower is better.

    AURC = sum over points of risk * (coverage - that of the point before)

    Average: over the coverages, each point for the questions that it adds. Ties in confidence are answered together.
    Empty: ValueError.
    """
    points = risk_coverage(confidences, right)
    before = [0.0, *(point.coverage for point in points)]
    return math.fsum(point.risk * (point.coverage - left) for point, left in zip(points, before, strict=False))


def reliability(confidences: Sequence[float], came_true: Sequence[float], *, bins: int = _BINS) -> list[Bin]:
    """Confidence against what came true, in bins of equal width; a bin without questions is left out.

    share(bin) = mean of came_true, confidence(bin) = mean of confidences, over the questions in [low, high)

    Average: inside a bin. Ties: equal confidences are in one bin; one on a border is in the upper, 1.0 in the last.
    Empty: no bin. Raises ValueError outside [0, 1].
    """
    outside = next((c for c in confidences if not 0 <= c <= 1), None)
    if outside is not None:
        raise ValueError(f"a confidence lies in [0, 1], not at {outside}")
    groups: dict[int, list[int]] = {}
    for i, confidence in enumerate(confidences):
        groups.setdefault(min(int(confidence * bins), bins - 1), []).append(i)
    return [
        Bin(
            number / bins,
            (number + 1) / bins,
            len(group),
            math.fsum(confidences[i] for i in group) / len(group),
            math.fsum(came_true[i] for i in group) / len(group),
        )
        for number, group in sorted(groups.items())
    ]


def calibration_error(confidences: Sequence[float], came_true: Sequence[float], *, bins: int = _BINS) -> float:
    """How far confidence and what came true lie apart, in the mean (ECE; Naeini, Cooper, Hauskrecht 2015); in [0, 1].

    ECE = sum over bins of n(bin) / n * |mean confidence - share that came true|

    Average: over the questions, by bins of equal width. Ties: equal confidences are in one bin. Empty: ValueError.
    """
    if not confidences:
        raise ValueError("no question to calibrate on")
    found = reliability(confidences, came_true, bins=bins)
    return math.fsum(b.n * abs(b.confidence - b.share) for b in found) / len(confidences)
