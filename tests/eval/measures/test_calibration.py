"""Risk, coverage and reliability, worked by hand."""

import pytest

from eval.measures.calibration import Bin, area_under_risk, calibration_error, reliability, risk_coverage, thinned
from eval.measures.ranking import coverage_at


def test_risk_grows_with_coverage_and_ties_go_together() -> None:
    points = risk_coverage([0.9, 0.5, 0.5, 0.1], [1, 0, 1, 0])
    assert [(p.coverage, p.risk, p.confidence) for p in points] == [
        (0.25, 0.0, 0.9),
        (0.75, pytest.approx(1 / 3), 0.5),
        (1.0, 0.5, 0.1),
    ]
    assert area_under_risk([0.9, 0.5, 0.5, 0.1], [1, 0, 1, 0]) == pytest.approx(0.5 / 3 + 0.25 * 0.5)
    with pytest.raises(ValueError, match="no question"):
        risk_coverage([], [])


def test_the_curve_agrees_with_the_coverage_at_an_accuracy() -> None:
    confidences, right = [0.9, 0.8, 0.7, 0.6, 0.5], [1.0, 1.0, 0.0, 1.0, 0.0]
    points = risk_coverage(confidences, right)
    for accuracy in (0.6, 0.75, 0.9):
        best = max((p.coverage for p in points if 1 - p.risk >= accuracy), default=0.0)
        assert coverage_at(accuracy, confidences, right) == pytest.approx(best)


def test_a_thin_curve_keeps_its_end() -> None:
    points = risk_coverage([i / 1000 for i in range(1000)], [1.0] * 1000)
    thin = thinned(points)
    assert len(thin) == 51
    assert (thin[0], thin[-1]) == (points[0], points[-1])
    assert thinned(points[:3], 5) == [points[0], points[2]]
    assert thinned([]) == []


def test_reliability_and_its_error_by_hand() -> None:
    confidences, came_true = [0.05, 0.15, 0.1, 0.95, 1.0], [0, 1, 0, 1, 1]
    assert reliability(confidences, came_true) == [
        Bin(0.0, 0.1, 1, 0.05, 0.0),
        Bin(0.1, 0.2, 2, pytest.approx(0.125), 0.5),
        Bin(0.9, 1.0, 2, pytest.approx(0.975), 1.0),
    ]
    assert calibration_error(confidences, came_true) == pytest.approx((0.05 + 2 * 0.375 + 2 * 0.025) / 5)
    with pytest.raises(ValueError, match="no question"):
        calibration_error([], [])
    with pytest.raises(ValueError, match=r"not at 1\.5"):
        reliability([1.5], [1])
