"""Examples: that each holds its references or no answer, how many there are, and that an epoch is its seed's."""

from collections import Counter
from pathlib import Path

import pytest

from rag.training import examples, steps
from rag.training.examples import Rates
from rag.training.question_sets import load_corpus


def test_an_example_holds_its_references_and_an_unanswerable_one_no_answer(
    questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = load_corpus(questions)
    monkeypatch.setattr(examples, "rates_of", lambda _: Rates(3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0))
    rng = steps.seeded("test")
    kinds: Counter[str] = Counter()
    for number, kind in examples.plan_epoch(corpus, seed=0, epoch=0):
        example = examples.make_example(corpus, number, kind, rng)
        answers = corpus.answers(corpus.questions[number])
        kinds[example.kind] += 1
        assert {example.passage[start:end].lower() for start, end in example.spans} <= answers
        assert bool(example.spans) == (example.kind == "answerable")
        if example.kind in ("neighbour", "retrieved", "removed"):
            assert not any(answer in example.passage.lower() for answer in answers)
        if example.kind == "changed_question":
            assert example.question.lower().rstrip(" ?") != corpus.questions[number].text.lower().rstrip(" ?")
    assert set(kinds) == {"answerable", "neighbour", "retrieved", "removed", "changed_question", "changed_passage"}


def test_a_rate_is_the_mean_number_of_examples(questions: Path) -> None:
    corpus = load_corpus(questions)
    corpus.questions = corpus.questions[:1] * 2000
    kinds = Counter(kind for _, kind in examples.plan_epoch(corpus, seed=0, epoch=0))
    assert kinds["answerable"] == 2000
    assert kinds["retrieved"] == pytest.approx(2000 * Rates().retrieved, rel=0.15)


def test_an_epoch_has_the_same_plan_each_time_and_another_epoch_another(questions: Path) -> None:
    corpus = load_corpus(questions)
    assert examples.plan_epoch(corpus, 0, 1) == examples.plan_epoch(corpus, 0, 1)
    assert examples.plan_epoch(corpus, 0, 1) != examples.plan_epoch(corpus, 0, 2)
