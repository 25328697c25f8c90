"""The fit of an answer's confidence, against an independent one, and what its examples see."""

import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from eval.gold.datasets import read_squad
from eval.runs.confidence import Example, Kind, abstained, examples_of, fit, reliability
from index.encoder.embedding import Encoder
from rag.confidence import Signals
from rag.reading.reader import AnyReader


def drawn(n: int = 600, seed: int = 3) -> list[Example]:
    """Stated and unstated questions whose logits and cosines overlap; one stated one in nine or so is read wrongly."""
    rng = np.random.default_rng(seed)
    kinds = [Kind.STATED, Kind.HIDDEN, Kind.STATED, Kind.MISLEADING]
    found = []
    for kind in (kinds[i % 4] for i in range(n)):
        right = kind is Kind.STATED and bool(rng.random() < 8 / 9)
        answerable, margin, order = rng.normal(2 if right else -1, 2, size=3)
        lead, agreeing = rng.uniform(0, 8), rng.random() < 0.05
        found.append(
            Example(
                kind,
                Signals(answerable, margin, order, cosine=rng.uniform(0.2, 0.8), lead=lead, agreeing=float(agreeing)),
                right,
            )
        )
    return found


def test_the_fit_is_that_of_an_independent_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    examples = drawn()
    share = {Kind.STATED: 0.5 / 300, Kind.HIDDEN: 0.175 / 150, Kind.MISLEADING: 0.15 / 150}
    reference = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(
        [astuple(e.signals) for e in examples],
        [e.right for e in examples],
        sample_weight=[share[e.kind] * 600 for e in examples],
    )
    fitted = fit(examples)
    expected = [*reference.intercept_, *reference.coef_[0]]
    assert [fitted.bias, *fitted.weights] == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert list(fitted.named()) == ["bias", "answerable", "margin", "order", "cosine", "lead", "agreeing"]


def test_the_threshold_leaves_one_stated_question_in_seven_unanswered() -> None:
    examples = drawn()
    shares = abstained(examples, fit(examples))
    assert shares["stated"] == pytest.approx(1 / 7, abs=0.005)
    assert shares["paragraph hidden"] > 0.5
    assert "article hidden" not in shares


def test_questions_that_are_all_right_or_all_wrong_are_refused() -> None:
    with pytest.raises(ValueError, match="both"):
        fit([example for example in drawn() if example.right])


def test_a_hidden_paragraph_is_not_read(tmp_path: Path, encoder: Encoder, reader: AnyReader) -> None:
    mill = "The mill on the Aller was built in 1788 by the miller Jost Behrens, who drowned in it nine years later."
    fair = "The autumn fair of the town is held on the meadow behind the church, where sheep are sold in October."
    question = {"id": "1", "question": "Who built the mill on the Aller?",
                "answers": [{"text": "Jost Behrens", "answer_start": mill.index("Jost")}]}  # fmt: skip
    articles = [
        {"title": "Mill", "paragraphs": [{"context": mill, "qas": [question]}]},
        {"title": "Fair", "paragraphs": [{"context": fair, "qas": []}]},
    ]
    (tmp_path / "squad.json").write_text(json.dumps({"data": articles}))
    found = examples_of(read_squad(tmp_path / "squad.json"), encoder, reader, ["At what heat does iron melt?"])
    kinds = {example.kind: example for example in found}
    assert set(kinds) == {Kind.STATED, Kind.HIDDEN, Kind.ELSEWHERE, Kind.UNRELATED}
    assert {kind for kind, example in kinds.items() if example.right} == {Kind.STATED}
    assert kinds[Kind.STATED].signals.answerable > kinds[Kind.HIDDEN].signals.answerable + 2
    assert kinds[Kind.STATED].signals.cosine > kinds[Kind.HIDDEN].signals.cosine


def test_reliability_counts_every_kind_by_its_share() -> None:
    sure, unsure = (Signals(x, x, x, cosine=0.5, lead=4.0, agreeing=0.0) for x in (4.0, -4.0))
    examples = [Example(Kind.STATED, sure, right=True)] + [Example(Kind.HIDDEN, sure, right=False)] * 9
    examples.append(Example(Kind.HIDDEN, unsure, right=False))
    fitted = fit(drawn())
    low, high = sorted(reliability(examples, fitted), key=lambda row: row["low"])
    assert low == {"low": low["low"], "high": low["high"], "n": 1, "confidence": low["confidence"], "share": 0.0}
    # Nine of the ten unstated ones, .175 in all, against the one stated, .5.
    assert high["share"] == pytest.approx(0.5 / (0.5 + 0.175 * 9 / 10))
    assert high["confidence"] == pytest.approx(fitted.confidence(examples[0]))
