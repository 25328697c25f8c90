"""The fit of an answer's confidence, against an independent one, and what its examples see."""

import json
from pathlib import Path

import numpy as np
import pytest

from eval.gold.datasets import read_squad
from eval.runs.confidence import Example, Kind, abstained, examples_of, fit, reliability
from index.encoder.embedding import Encoder
from rag.reading.reader import Reader


def drawn(n: int = 600, seed: int = 3) -> list[Example]:
    """Stated and unstated questions whose logits and cosines overlap."""
    rng = np.random.default_rng(seed)
    kinds = [Kind.STATED, Kind.HIDDEN, Kind.STATED, Kind.MISLEADING]
    return [
        Example(kind, float(rng.normal(2 if kind is Kind.STATED else -1, 2)), float(rng.uniform(0.2, 0.8)))
        for kind in (kinds[i % 4] for i in range(n))
    ]


def test_the_fit_is_that_of_an_independent_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    examples = drawn()
    share = {Kind.STATED: 0.5 / 300, Kind.HIDDEN: 0.175 / 150, Kind.MISLEADING: 0.15 / 150}
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(
        [[e.answerable, e.cosine] for e in examples],
        [e.kind is Kind.STATED for e in examples],
        sample_weight=[share[e.kind] * 600 for e in examples],
    )
    fitted = fit(examples)
    expected = [*reference.intercept_, *reference.coef_[0]]
    assert [fitted.bias, fitted.answerable, fitted.cosine] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_threshold_leaves_one_stated_question_in_ten_unanswered() -> None:
    examples = drawn()
    shares = abstained(examples, fit(examples))
    assert shares["stated"] == pytest.approx(0.1, abs=0.005)
    assert shares["paragraph hidden"] > 0.5
    assert "article hidden" not in shares


def test_questions_of_one_kind_alone_are_refused() -> None:
    with pytest.raises(ValueError, match="both"):
        fit([example for example in drawn() if example.kind is Kind.STATED])


def test_a_hidden_paragraph_is_not_read(tmp_path: Path, encoder: Encoder, reader: Reader) -> None:
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
    assert kinds[Kind.STATED].answerable > kinds[Kind.HIDDEN].answerable + 2
    assert kinds[Kind.STATED].cosine > kinds[Kind.HIDDEN].cosine


def test_reliability_counts_every_kind_by_its_share() -> None:
    examples = [Example(Kind.STATED, 4.0, 0.5)] + [Example(Kind.HIDDEN, 4.0, 0.5)] * 9 + [Example(Kind.HIDDEN, -4, 0.5)]
    fitted = fit(drawn())
    low, high = sorted(reliability(examples, fitted), key=lambda row: row["low"])
    assert low == {"low": low["low"], "high": low["high"], "n": 1, "confidence": low["confidence"], "share": 0.0}
    # Nine of the ten unstated ones, .175 in all, against the one stated, .5.
    assert high["share"] == pytest.approx(0.5 / (0.5 + 0.175 * 9 / 10))
    assert high["confidence"] == pytest.approx(fitted.confidence(examples[0]))
