"""Intervals, tests and families: against scipy, against enumeration, and worked by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eval.measures.differences import (
    bootstrap_interval,
    compare_with,
    detectable_difference,
    holm,
    questions_needed,
    randomisation_p,
)


def test_the_interval_is_that_of_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(3).beta(2, 3, 120)
    ours = bootstrap_interval(values)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=1).confidence_interval
    assert ours.mean == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


def test_the_same_seed_gives_the_same_figures_and_another_does_not() -> None:
    values = np.random.default_rng(1).normal(size=40)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=2)
    assert randomisation_p(values) == randomisation_p(values)


def test_p_is_that_of_every_swap_of_names() -> None:
    differences = np.array([0.4, -0.1, 0.3, 0.2, 0.0, 0.35, -0.05, 0.15, 0.3, 0.1])
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in product((1, -1), repeat=10)]
    exact = np.mean([total >= abs(differences.sum()) - 1e-12 for total in sums])
    assert randomisation_p(differences, resamples=100_000) == pytest.approx(exact, abs=0.003)


def test_no_difference_at_all_is_p_1() -> None:
    assert randomisation_p(np.zeros(5)) == 1.0
    with pytest.raises(ValueError, match="no question"):
        randomisation_p(np.array([]))
    with pytest.raises(ValueError, match="no question"):
        bootstrap_interval(np.array([]))


def test_holm_worked_by_hand() -> None:
    # sorted .01 .02 .04: times 3, 2, 1 = .03 .04 .04
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_never_helps(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    ordered = [adjusted[i] for i in sorted(range(len(p_values)), key=lambda i: p_values[i])]
    assert ordered == sorted(ordered)


def test_settings_are_compared_question_by_question() -> None:
    nan = float("nan")
    samples = {
        "a": np.array([0.1, 0.5, 0.5, 0.9, nan]),
        "b": np.array([0.4, 0.5, 0.2, 1.0, 1.0]),
        "c": np.array([1.0, 1.0, 1.0, 1.0, 1.0]),
    }
    b, c = compare_with("a", samples)
    assert (b.wins, b.losses, b.ties) == (2, 1, 1)
    assert (b.better, b.worse) == ((0, 3), (2,))
    assert b.mean.mean == pytest.approx(0.1 / 4)
    assert (c.setting, c.baseline, c.wins) == ("c", "a", 4)
    assert [d.holm for d in (b, c)] == pytest.approx(holm([b.p, c.p]))
    with pytest.raises(ValueError, match="no setting 'x'"):
        compare_with("x", samples)


def test_the_questions_needed_show_the_difference_that_they_are_said_to() -> None:
    # (1.959964 + 0.841621)^2 * 0.3^2 / 0.05^2 = 282.6
    n = questions_needed(0.05, 0.3)
    assert n == 283
    assert detectable_difference(n, 0.3) <= 0.05 < detectable_difference(n - 1, 0.3)
    rng = np.random.default_rng(0)
    shown = [stats.ttest_1samp(rng.normal(0.05, 0.3, n), 0).pvalue < 0.05 for _ in range(800)]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.04)
    with pytest.raises(ValueError, match="above 0"):
        questions_needed(0.0, 0.3)
