"""The measures: tables worked by hand, and ir_measures as the independent reference."""

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import MEASURES, mean_over_queries, mrr_at_k, ndcg_at_k, recall_at_k

RELEVANCE = {"a": 3, "b": 1, "c": 2, "z": 0, "y": -1}


@pytest.mark.parametrize(
    ("ranking", "k", "ndcg", "recall", "mrr"),
    [
        # ideal DCG@3 = 3 + 2/log2(3) + 1/2 = 4.761860
        (["a", "c", "b"], 3, 1.0, 1.0, 1.0),
        (["b", "x", "a"], 3, (1 + 3 / 2) / 4.761860, 2 / 3, 1.0),
        (["x", "z", "a"], 3, 1.5 / 4.761860, 1 / 3, 1 / 3),
        (["x", "z", "a"], 2, 0.0, 0.0, 0.0),
        (["y"], 3, 0.0, 0.0, 0.0),
        ([], 3, 0.0, 0.0, 0.0),
    ],
)
def test_values_worked_by_hand(ranking: list[str], k: int, ndcg: float, recall: float, mrr: float) -> None:
    assert ndcg_at_k(ranking, RELEVANCE, k) == pytest.approx(ndcg, abs=1e-6)
    assert recall_at_k(ranking, RELEVANCE, k) == pytest.approx(recall)
    assert mrr_at_k(ranking, RELEVANCE, k) == pytest.approx(mrr)


DOCS = st.sampled_from("abcdefghij")
RUNS = st.dictionaries(st.sampled_from(["q1", "q2", "q3"]), st.lists(DOCS, unique=True), min_size=1)
QRELS = st.dictionaries(
    st.sampled_from(["q1", "q2", "q3"]), st.dictionaries(DOCS, st.integers(0, 4), min_size=1), min_size=1
).filter(lambda qrels: any(grade for relevance in qrels.values() for grade in relevance.values()))


@given(RUNS, QRELS)
def test_means_are_those_of_ir_measures(run: dict[str, list[str]], qrels: dict[str, dict[str, int]]) -> None:
    judged = {q: relevance for q, relevance in qrels.items() if any(relevance.values())}
    scored = {q: {doc: float(-rank) for rank, doc in enumerate(ranking)} for q, ranking in run.items()}
    theirs = {"nDCG@10": ir_measures.nDCG @ 10, "Recall@100": ir_measures.R @ 100, "MRR@10": ir_measures.RR @ 10}
    # ir_measures leaves out a query without results, so each judged one is given a document that nobody judged.
    padded = {q: scored.get(q) or {"nobody": 0.0} for q in judged}
    expected = ir_measures.calc_aggregate(theirs.values(), judged, padded)
    for name, measure in MEASURES.items():
        assert mean_over_queries(measure, run, qrels) == pytest.approx(expected[theirs[name]])


def test_nothing_judged_and_a_repeated_id_are_errors_and_not_zero() -> None:
    with pytest.raises(ValueError, match="nothing to average"):
        mean_over_queries(ndcg_at_k, {}, {"q": {"a": 0}})
    with pytest.raises(ValueError, match="twice"):
        ndcg_at_k(["a", "a"], RELEVANCE)
    with pytest.raises(ValueError, match="at least 1"):
        recall_at_k(["a"], RELEVANCE, 0)
