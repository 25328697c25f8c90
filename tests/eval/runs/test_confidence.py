"""The fit of an answer's confidence, against an independent one, and what its examples see."""

import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from eval.gold.datasets import read_squad
from eval.gold.questions import of_squad
from eval.runs.confidence import Example, abstained, examples_of, fit, reliability
from index.encoder.embedding import Encoder
from rag.confidence import Signals
from rag.reading.reader import AnyReader


def drawn(n: int = 600, seed: int = 3) -> list[Example]:
    """Stated and unstated questions whose logits overlap; one stated one in nine or so is read wrongly."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(n):
        stated = number % 2 == 0
        right = stated and bool(rng.random() < 8 / 9)
        margin, alone = rng.normal(2 if right else -1, 2, size=2)
        seen = Signals(margin, rng.uniform(0, 8), alone)
        found.append(Example(stated, seen, right, among_all=number % 3 == 0))
    return found


def test_the_fit_is_that_of_an_independent_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    examples = drawn()
    reference = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(
        [astuple(e.signals) for e in examples],
        [e.right for e in examples],
    )
    fitted = fit(examples)
    expected = [*reference.intercept_, *reference.coef_[0]]
    assert [fitted.bias, *fitted.weights] == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert list(fitted.named()) == ["bias", "margin", "behind", "alone"]


def test_the_threshold_leaves_one_stated_question_in_seven_unanswered() -> None:
    examples = drawn()
    fitted = fit(examples)
    left = [fitted.confidence(e) < fitted.threshold for e in examples if e.stated]
    assert sum(left) / len(left) == pytest.approx(1 / 7, abs=0.005)
    shares = abstained(examples, fitted)
    assert list(shares) == [
        "stated, its document", "not stated, its document", "stated, all documents", "not stated, all documents",
    ]  # fmt: skip
    assert shares["not stated, all documents"] > 0.5
    assert list(abstained([e for e in examples if not e.among_all], fitted)) == list(shares)[:2]


def test_questions_that_are_all_right_or_all_wrong_are_refused() -> None:
    with pytest.raises(ValueError, match="both"):
        fit([example for example in drawn() if example.right])


def test_a_question_is_seen_of_its_own_document_and_among_all(
    tmp_path: Path, encoder: Encoder, reader: AnyReader
) -> None:
    mill = "The mill on the Aller was built in 1788 by the miller Jost Behrens, who drowned in it nine years later."
    other = tmp_path / "other.txt"
    other.write_text("The mill on the Leine was built in 1790 by the miller Karl Otto, who sold it nine years later.")
    qas = [
        {"id": "1", "question": "Who built the mill on the Aller?",
         "answers": [{"text": "Jost Behrens", "answer_start": mill.index("Jost")}]},
        {"id": "2", "question": "What did the sheep of the mill on the Aller cost?", "answers": []},
    ]  # fmt: skip
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "Mill", "paragraphs": [{"context": mill, "qas": qas}]}]}))
    found = examples_of(of_squad(read_squad(path)), encoder, reader, beside=[other])
    assert [(e.stated, e.among_all) for e in found] == [(True, False), (True, True), (False, False), (False, True)]
    assert [e.right for e in found] == [True, True, False, False]
    assert found[0].signals.margin > found[2].signals.margin + 2


def test_reliability_is_the_share_that_came_true() -> None:
    sure, unsure = (Signals(margin=x, behind=0.0, alone=x) for x in (4.0, -4.0))
    examples = [Example(True, sure, right=True)] * 3 + [Example(False, sure, right=False)]
    examples.append(Example(False, unsure, right=False))
    fitted = fit(drawn())
    low, high = sorted(reliability(examples, fitted), key=lambda row: row["low"])
    assert (low["n"], low["share"]) == (1, 0.0)
    assert (high["n"], high["share"]) == (4, 0.75)
    assert high["confidence"] == pytest.approx(fitted.confidence(examples[0]))
