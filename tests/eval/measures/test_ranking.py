"""The measures: tables worked by hand, and ir_measures as the independent reference."""

import re
from collections.abc import Callable

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.measures import calibration
from eval.measures import citations as citation_metrics
from eval.measures.matching import exact_match, token_f1
from eval.measures.ranking import (
    average_precision_at_k,
    mean_over_queries,
    measure_named,
    mrr_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    success_at_k,
)
from eval.measures.thresholds import auroc, balanced_accuracy, coverage_at, percentile
from eval.runs.cleaning import Lost
from eval.runs.cleaning import score as cleaning_score

RELEVANCE = {"a": 3, "b": 1, "c": 2, "z": 0, "y": -1}


MEASURES = (ndcg_at_k, recall_at_k, precision_at_k, mrr_at_k, average_precision_at_k, success_at_k)


@pytest.mark.parametrize(
    ("ranking", "k", "expected"),
    [
        # In the order of MEASURES; ideal DCG@3 = 3 + 2/log2(3) + 1/2 = 4.761860
        (["a", "c", "b"], 3, (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)),
        (["b", "x", "a"], 3, ((1 + 3 / 2) / 4.761860, 2 / 3, 2 / 3, 1.0, (1 + 2 / 3) / 3, 1.0)),
        (["x", "z", "a"], 3, (1.5 / 4.761860, 1 / 3, 1 / 3, 1 / 3, 1 / 9, 1.0)),
        (["x", "z", "a"], 2, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
        (["a"], 3, (3 / 4.761860, 1 / 3, 1 / 3, 1.0, 1 / 3, 1.0)),  # precision is over k, also of a short ranking
        (["y"], 3, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
        ([], 3, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_values_worked_by_hand(ranking: list[str], k: int, expected: tuple[float, ...]) -> None:
    assert [measure(ranking, RELEVANCE, k) for measure in MEASURES] == pytest.approx(expected, abs=1e-6)


NAMES = ("nDCG", "Recall", "Precision", "MRR", "MAP", "Success")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_relevant_is_zero(name: str) -> None:
    assert measure_named(f"{name}@3")(["a"], {"a": 0}) == 0.0
    assert measure_named(f"{name}@3")([], {}) == 0.0


DOCS = st.sampled_from("abcdefghij")
QUERIES = st.sampled_from(["q1", "q2", "q3"])
RUNS = st.dictionaries(QUERIES, st.lists(DOCS, unique=True), min_size=1)
QRELS = st.dictionaries(QUERIES, st.dictionaries(DOCS, st.integers(0, 4), min_size=1), min_size=1).filter(
    lambda qrels: any(grade for relevance in qrels.values() for grade in relevance.values())
)


@given(RUNS, QRELS, st.sampled_from([1, 3, 10]))
def test_means_are_those_of_ir_measures(run: dict[str, list[str]], qrels: dict[str, dict[str, int]], k: int) -> None:
    judged = {q: relevance for q, relevance in qrels.items() if any(relevance.values())}
    scored = {q: {doc: float(-rank) for rank, doc in enumerate(ranking)} for q, ranking in run.items()}
    of = {"nDCG": ir_measures.nDCG, "Recall": ir_measures.R, "Precision": ir_measures.P, "MRR": ir_measures.RR,
          "MAP": ir_measures.AP, "Success": ir_measures.Success}  # fmt: skip
    theirs = {name: family @ k for name, family in of.items()}
    # ir_measures leaves out a query without results, so each judged one is given a document that nobody judged.
    padded = {q: scored.get(q) or {"nobody": 0.0} for q in judged}
    expected = ir_measures.calc_aggregate(theirs.values(), judged, padded)
    for name in NAMES:
        ours = mean_over_queries(measure_named(f"{name}@{k}"), run, qrels)
        assert ours == pytest.approx(expected[theirs[name]]), name


def test_nothing_judged_and_a_repeated_id_are_errors_and_not_zero() -> None:
    with pytest.raises(ValueError, match="nothing to average"):
        mean_over_queries(ndcg_at_k, {}, {"q": {"a": 0}})
    with pytest.raises(ValueError, match="twice"):
        ndcg_at_k(["a", "a"], RELEVANCE)
    with pytest.raises(ValueError, match="at least 1"):
        recall_at_k(["a"], RELEVANCE, 0)


@pytest.mark.parametrize("name", ["nDCG", "ndcg@10", "nDCG@0", "nDCG@x", "F1@3"])
def test_an_unknown_measure_is_told_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"no measure .* nDCG@k, Recall@k"):
        measure_named(name)


@pytest.mark.parametrize(
    "measure",
    [
        *MEASURES, exact_match, token_f1, auroc, balanced_accuracy, coverage_at, percentile,
        citation_metrics.citation_recall, citation_metrics.citation_precision, citation_metrics.character_recall,
        citation_metrics.character_precision, citation_metrics.pointer_validity, citation_metrics.supported_share,
        calibration.risk_coverage, calibration.area_under_risk, calibration.reliability, calibration.calibration_error,
        Lost.share.fget, cleaning_score,
    ],
    ids=lambda measure: measure.__name__,
)  # fmt: skip
def test_every_measure_states_formula_average_ties_and_empty(measure: Callable[..., object]) -> None:
    text = measure.__doc__ or ""
    assert re.search(r"[=/]|share \* ", text), "no formula"
    for rule in ("Average: ", r"Ties\b", "Empty: "):
        assert re.search(rule, text), rule


def test_ties_of_answers_and_scores_by_hand() -> None:
    assert exact_match("The Mill!", ["mill", "a mill"]) == 1.0
    assert (exact_match("", []), exact_match("mill", [])) == (1.0, 0.0)
    assert token_f1("mill mill", ["mill", "mill mill mill"]) == pytest.approx(0.8)  # 2 * 2 / (2 + 3), the best one
    assert (token_f1("the", [""]), token_f1("mill", [])) == (1.0, 0.0)
    assert auroc([0.5, 0.9], [0.5, 0.1]) == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert balanced_accuracy([0.5, 0.5], [True, False], 0.5) == 0.5
    assert coverage_at(0.5, [0.9, 0.9, 0.1], [1.0, 0.0, 0.0]) == pytest.approx(2 / 3)
    assert coverage_at(0.9, [0.9, 0.9, 0.1], [1.0, 0.0, 0.0]) == 0.0
    assert percentile([1, 1, 3, 9], 0.5) == 2.0
    assert percentile([1, 1, 3, 9], 0.25) == 1.0
    assert citation_metrics.citation_recall([("a", 1), ("a", 1)], [("a", 1), ("b", 1)]) == 0.5
    for empty in (
        lambda: auroc([], [1.0]),
        lambda: balanced_accuracy([1.0], [True], 0.5),
        lambda: coverage_at(0.9, [], []),
        lambda: percentile([], 0.5),
        lambda: calibration.area_under_risk([], []),
        lambda: calibration.calibration_error([], []),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 (each says something else)
            empty()
