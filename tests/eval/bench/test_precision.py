"""The same answers whatever computes them, and on a processor whose 8-bit products saturate."""

from dataclasses import replace
from pathlib import Path

import pytest

from eval.bench.precision import Compared, ReferenceEncoder, figures_of, measure, models
from eval.gold.questions import sample_questions
from eval.runs.rankings import collection_of
from index.encoder import engine
from index.encoder.embedding import open_encoder
from index.encoder.engine import Precision, fastest_precision
from rag.answering import Models, answer
from rag.answers import Answer, Evidence, ShortAnswer
from rag.reading.reader import bundled_reader

SECONDS = {"retrieve": 0.0, "read": 0.0, "generate": 0.0, "total": 0.0}


def given(
    confidence: float = 0.75, start: int = 3, evidence: tuple[int, ...] = (0, 9), *, abstained: bool = False
) -> Answer:
    return Answer(
        question="Who?", query="Who?", text="", claims=(), citations=(),
        answers=() if abstained else (ShortAnswer("Ann", start, start + 3, "a.txt", 0.9),),
        evidence=tuple(
            Evidence("a.txt", 1, place, place + 9, "Ann did.", 0.5, rank) for rank, place in enumerate(evidence, 1)
        ),
        abstained=abstained, reason="not_stated" if abstained else None, confidence=confidence,
        generator="extractive", notices=(), seconds=SECONDS,
    )  # fmt: skip


def test_differences_are_counted_by_kind_and_listed_without_text() -> None:
    rows = [
        Compared("same", given(), given(0.5)),
        Compared("order", given(), given(evidence=(9, 0))),
        Compared("passages", given(), given(evidence=(0, 18))),
        Compared("span", given(), given(start=4)),
        Compared("silent", given(), given(0.25, abstained=True)),
    ]
    figures = figures_of(rows)
    listed = figures.pop("different")
    assert figures == {
        "questions": 5, "both_answered": 4, "other_passages": 1, "other_order": 1, "other_abstention": 1,
        "other_first_span": 1, "other_sentences": 0, "confidence_difference": {"mean": 0.15, "max": 0.5},
    }  # fmt: skip
    assert [(row["id"], row["differs"]) for row in listed] == [("span", ["first span"]), ("silent", ["abstention"])]
    assert listed[0]["other"]["first_span"] == [("a.txt", 4, 7)]
    assert "Ann" not in str(listed)
    with pytest.raises(ValueError, match="no question"):
        figures_of([])


def test_float32_answers_as_the_training_code_and_8_bits_come_near() -> None:
    questions = sample_questions()
    questions = replace(questions, questions=questions.questions[::13])
    found = measure(questions, lambda *_: None)
    exact, *fast = found["against"].values()
    assert (exact["questions"], exact["other_passages"], exact["different"]) == (5, 0, [])
    assert exact["confidence_difference"]["max"] < 1e-3
    assert len(fast) == (fastest_precision() is Precision.INT8)
    for figures in fast:
        assert figures["other_abstention"] <= 1
        assert figures["confidence_difference"]["max"] < 0.2


def test_where_8_bit_products_saturate_everything_is_float32_and_answers_as_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = sample_questions()
    few = replace(few, questions=few.questions[4::13])
    with collection_of(few, open_encoder(), folder=tmp_path / "here"):
        pass  # made on a machine with the fast instructions, perhaps
    monkeypatch.setattr(engine, "int8_is_exact", lambda: False)
    assert fastest_precision() is Precision.FLOAT32
    assert list(models())[1:] == ["ONNX Runtime, float32"]
    encoder, reader = open_encoder(), bundled_reader()
    assert (encoder.identity.precision, reader._engine.precision) == ("float32", Precision.FLOAT32)
    reference_encoder, reference_reader = next(iter(models().values()))()
    assert isinstance(reference_encoder, ReferenceEncoder)
    with collection_of(few, encoder, folder=tmp_path / "there") as collection:
        for question in few.questions:
            one = answer(collection, Models(encoder, reader), question.text)
            other = answer(collection, Models(reference_encoder, reference_reader), question.text)
            assert Compared(question.question_id, other, one).differs == ()
            assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
    with collection_of(few, encoder, folder=tmp_path / "here") as moved:
        assert [answer(moved, Models(encoder, reader), q.text).evidence != () for q in few.questions] == [True] * 5
