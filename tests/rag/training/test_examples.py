"""Examples: around the evidence or without it, how many there are, and that an epoch is its seed's."""

import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from index.encoder.embedding import BundledEncoder
from rag.training import examples, steps
from rag.training.examples import RATES, SETS, crop, make_example, plan_epoch, sentence_cosines
from rag.training.question_sets import PEOPLE, Corpus, Paragraph, Question, load_questions

TEXT = "Opened at six. Towels are lent. Closed at nine. Dogs stay out. Trams go till nine."


def _one_document() -> Corpus:
    corpus = Corpus()
    corpus.add_paragraph(Paragraph(TEXT, "Baths", "baths", PEOPLE))
    place = TEXT.index("nine")
    corpus.questions.append(Question("1", "When does it close?", 0, ((place, place + 4),), evidence=(32, 47)))
    corpus.questions.append(Question("2", "How warm is it?", 0, ()))
    return corpus


# The cosine of each of the five sentences; the fourth matches the second question best.
COSINES = {0: np.array([0.3, 0.2, 0.9, 0.1, 0.5], np.float16), 1: np.array([0.1, 0.2, 0.3, 0.9, 0.0], np.float16)}


def test_an_answerable_example_holds_its_evidence_and_a_hard_one_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "_BUDGETS", (20, 40, 60))
    corpus, rng = _one_document(), steps.seeded("test")
    made = [make_example(corpus, COSINES, 0, kind, rng) for kind in ("answerable", "hard") for _ in range(40)]
    right = [example for example in made[:40] if example]
    assert len(right) == 40
    for example in right:
        assert "Closed at nine." in example.passage
        assert [example.passage[start:end] for start, end in example.spans] == ["nine"]
        assert (example.answerable, example.yes) == (True, None)
    wrong = [example for example in made[40:] if example]
    assert wrong
    for example in wrong:
        assert "nine" not in example.passage
        assert (example.spans, example.answerable, example.kind) == ((), False, "hard")
    assert {example.title for example in (*right, *wrong)} == {"", "Baths"}


def test_an_unanswerable_question_is_shown_where_it_matches_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "_BUDGETS", (1,))
    corpus, rng = _one_document(), steps.seeded("test")
    made = [make_example(corpus, COSINES, 1, "unanswerable", rng) for _ in range(200)]
    shown = Counter(example.passage for example in made if example)
    assert shown.most_common(1)[0][0] == "Dogs stay out."
    assert set(shown) == {"Dogs stay out.", "Closed at nine.", "Towels are lent.", "Opened at six."}


def test_a_neighbour_is_of_the_same_title_near_by_and_holds_no_answer() -> None:
    corpus = Corpus()
    source = "reading/more/qed_nq_dev.json"
    for text, title in (("It made cloth.", "Mill"), ("Cloth was sold.", "Mill"), ("It sank.", "Ferry"),
                        ("It closed.", "Mill")):  # fmt: skip
        corpus.add_paragraph(Paragraph(text, title, title, source))
    corpus.questions.append(Question("1", "What did it make?", 0, ((8, 13),)))
    made = [make_example(corpus, {}, 0, "hard", random.Random(n)) for n in range(9)]
    assert {example.passage for example in made if example} == {"It closed."}


def test_a_yes_or_no_question_without_evidence_shows_its_paragraph_and_its_way(data: Path) -> None:
    corpus = load_questions(data, SETS)
    (number,) = [n for n, question in enumerate(corpus.questions) if question.question_id == "boolq_val:2"]
    example = make_example(corpus, {}, number, "answerable", random.Random(0))
    assert example == examples.Example(
        "does the ferry of Ellerby sail", "", "No ferry sails from Ellerby.", (), True, False, "answerable"
    )


def test_a_crop_is_whole_sentences_around_the_middle_within_its_budget() -> None:
    sentences = [(n * 10, n * 10 + 9) for n in range(20)]
    crops = [crop(sentences, 9, 10, 62, random.Random(n)) for n in range(50)]
    for start, end in crops:
        assert start % 10 == 0
        assert end % 10 == 9
        assert start <= 90
        assert end >= 109
        assert 50 < end - start <= 62
    assert len({start for start, _ in crops}) > 2
    assert crop(sentences, 9, 10, 5, random.Random(0)) == (90, 109)


def test_an_epoch_has_as_many_examples_of_each_set_as_its_rates_say() -> None:
    corpus = Corpus()
    sources = ("reading/more/timeqa_human_train.json", "yesno/boolq_val.jsonl", PEOPLE)
    for number, source in enumerate(sources):
        corpus.add_paragraph(Paragraph("It made cloth.", "", str(number), source))
        asked = [Question("a", "What?", number, ((8, 13),))] if "yesno" not in source else []
        unanswerable = (
            [Question("u", "Why?", number, ())] if asked else [Question("y", "Did it?", number, (), yes=True)]
        )
        corpus.questions += (asked + unanswerable) * 4000
    plans = plan_epoch(corpus, seed=0, epoch=0)
    found = Counter((corpus.questions[number].paragraph, kind) for number, kind in plans)
    share = {key: round(count / 4000, 2) for key, count in found.items()}
    assert share == {
        (0, "answerable"): pytest.approx(0.2, abs=0.03), (0, "hard"): pytest.approx(0.03, abs=0.02),
        (0, "unanswerable"): pytest.approx(0.5, abs=0.04), (1, "answerable"): pytest.approx(0.3, abs=0.03),
        (2, "answerable"): 1.0, (2, "unanswerable"): 1.0, (2, "hard"): pytest.approx(0.35, abs=0.03),
        (2, "other"): pytest.approx(0.06, abs=0.02),
    }  # fmt: skip
    assert {PEOPLE, *SETS} == set(RATES)


def test_an_epoch_has_the_same_plan_each_time_and_another_epoch_another(data: Path) -> None:
    corpus = load_questions(data, SETS)
    assert plan_epoch(corpus, 0, 1) == plan_epoch(corpus, 0, 1)
    assert plan_epoch(corpus, 0, 1) != plan_epoch(corpus, 0, 2)


def test_each_people_question_has_the_cosine_of_each_sentence_of_its_document(data: Path) -> None:
    corpus, encoder = load_questions(data, SETS), BundledEncoder()
    found = sentence_cosines(corpus, encoder)
    asked = [n for n, question in enumerate(corpus.questions) if question.question_id.endswith(("-1", "-2", "-3"))]
    assert list(found) == asked
    last = corpus.questions[asked[-1]]
    text = corpus.paragraphs[last.paragraph].text
    sentences = [text[start:end] for start, end in corpus.sentences(last.paragraph)]
    assert found[asked[-1]] == pytest.approx(encoder.encode(sentences) @ encoder.encode([last.text])[0], abs=2e-3)
    assert sentences[int(found[asked[-1]].argmax())] == "Dogs must stay outside."
    assert all(one[1] <= two[0] for one, two in pairwise(corpus.sentences(last.paragraph)))
