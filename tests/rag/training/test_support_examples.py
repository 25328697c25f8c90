"""The support model's examples: that each holds its references or no answer."""

import itertools
from collections import Counter
from pathlib import Path

from rag.training import steps
from rag.training.support_examples import make_example
from rag.training.support_questions import load_corpus

KINDS = ("answerable", "neighbour", "retrieved", "removed", "changed_question", "changed_passage")


def test_an_example_holds_its_references_and_an_unanswerable_one_no_answer(questions: Path) -> None:
    corpus = load_corpus(questions)
    rng = steps.seeded("test")
    kinds: Counter[str] = Counter()
    for number, kind in itertools.product(range(len(corpus.questions)), KINDS * 3):
        example = make_example(corpus, number, kind, rng)
        answers = corpus.answers(corpus.questions[number])
        kinds[example.kind] += 1
        assert {example.passage[start:end].lower() for start, end in example.spans} <= answers
        assert bool(example.spans) == (example.kind == "answerable")
        if example.kind in ("neighbour", "retrieved", "removed"):
            assert not any(answer in example.passage.lower() for answer in answers)
        if example.kind == "changed_question":
            assert example.question.lower().rstrip(" ?") != corpus.questions[number].text.lower().rstrip(" ?")
    assert set(kinds) == set(KINDS)
