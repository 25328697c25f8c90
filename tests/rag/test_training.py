"""Training: what is read of question sets, what is made of it, and that a run can be repeated and gone on with."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from index.embedding import bundled_folder
from rag import reading, steps, training
from rag.steps import TrainingDataError
from rag.training import Corpus, Example, Paragraph, Question, Rates, Target

TOWNS = ("Norwick", "Ellerby", "Tarn Cross", "Stonham", "Veldmark", "Quarrow")
PEOPLE = ("Ada Brandt", "Ivo Sellin", "Mara Lindqvist", "Jon Petrak", "Edith Roose", "Paul Okafor")


def _squad(n_articles: int = 6) -> dict[str, Any]:
    """Invented articles of two paragraphs with three questions each, in SQuAD's format."""
    articles = []
    for number in range(n_articles):
        town, person, year = TOWNS[number], PEOPLE[number], 1870 + 7 * number
        texts = [
            f"The mill of {town} opened in {year}. Its founder was {person}. It made cloth until the river froze.",
            f"Today {town} is known for its library. The library lends {number + 40} violins. Rain is common there.",
        ]
        asked = [
            [("When did the mill open?", str(year)), (f"Who founded the mill of {town}?", person)],
            [("What is the town known for?", "its library"), ("How many violins are lent?", str(number + 40))],
        ]
        paragraphs = []
        for place, (text, pairs) in enumerate(zip(texts, asked, strict=True)):
            qas = [
                {
                    "id": f"{number}-{place}-{turn}",
                    "question": question,
                    "answers": [{"text": answer, "answer_start": text.index(answer)}],
                }
                for turn, (question, answer) in enumerate(pairs)
            ]
            paragraphs.append({"context": text, "qas": qas})
        articles.append({"title": f"{town.replace(' ', '_')}", "paragraphs": paragraphs})
    return {"data": articles}


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A folder as `train_reader` takes it."""
    folder = tmp_path / "questions"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "towns.json").write_text(json.dumps(_squad()), encoding="utf-8")
    return folder


def _write(folder: Path, context: str, answers: list[dict[str, Any]], title: str = "Town") -> None:
    row = {"id": "q1", "question": "Who founded the mill?", "answers": answers}
    squad = {"data": [{"title": title, "paragraphs": [{"context": context, "qas": [row]}]}]}
    (folder / "train" / "towns.json").write_text(json.dumps(squad), encoding="utf-8")


# --- reading the question sets


def test_an_answer_that_is_not_where_its_offset_says_is_refused(questions: Path) -> None:
    _write(questions, "Ada Brandt founded it.", [{"text": "Ada Brandt", "answer_start": 1}])
    with pytest.raises(TrainingDataError, match=r"towns\.json, question q1: 'Ada Brandt' does not stand at 1"):
        training.load_corpus(questions)


def test_a_guessed_offset_makes_every_whole_occurrence_a_reference(questions: Path) -> None:
    text = "Adam met Ada. Ada Brandt founded it."
    _write(questions, text, [{"text": "Ada", "answer_start": 0, "start_is_first_occurrence": True}])
    assert training.load_corpus(questions).questions[0].spans == ((9, 12), (14, 17))


def test_a_guess_among_many_occurrences_is_left_out(questions: Path) -> None:
    row = {"text": "Ada", "answer_start": 0, "start_is_first_occurrence": True}
    corpus = Corpus()
    _write(questions, "Ada " * 9, [row])
    training.add_squad(corpus, questions / "train" / "towns.json")
    assert corpus.questions == []
    assert corpus.dropped == Counter({"guessed offset, many occurrences": 1})


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="no questions below"):
        training.load_corpus(tmp_path)


def test_held_out_articles_and_copies_of_their_text_are_not_trained_on(questions: Path) -> None:
    held_out = "Quarrow has a tower of nine bells that ring whenever the ferry leaves the northern pier at dawn."
    _write(questions, held_out, [{"text": "nine", "answer_start": held_out.index("nine")}], title="Copy")
    articles = [
        {
            "title": title,
            "paragraphs": [
                {
                    "context": text,
                    "qas": [{"id": title, "question": "How many?", "answers": [], "is_impossible": True}],
                }
            ],
        }
        for title, text in (("Warsaw", held_out), ("Normans", "Two ships came."))
    ]
    (questions / training.DEV_FILE).write_text(json.dumps({"data": articles}), encoding="utf-8")
    corpus = training.load_corpus(questions)
    assert [question.question_id for question in corpus.questions] == ["Normans"]
    assert corpus.dropped["stands in a held-out article"] == 1


def test_six_articles_are_held_out_in_two_halves_of_three() -> None:
    assert [len(titles) for titles in training.CALIBRATION_ARTICLES] == [3, 3]
    assert len(training.HELD_OUT_ARTICLES) == 6


def test_treebank_tokens_become_running_text_with_offsets() -> None:
    sentence = "`` We 'll pay $ 5 , '' said Ann 's aide -LRB- who did n't -RRB- ."
    text, offsets = training.detokenise(sentence.split())
    assert text == "\"We'll pay $5,\" said Ann's aide (who didn't)."
    assert [text[start:end] for start, end in offsets][:5] == ['"', "We", "'ll", "pay", "$"]
    assert text[offsets[9][0] : offsets[9][1]] == "Ann"


def test_qamr_keeps_rows_that_the_writer_and_both_validators_agree_on(tmp_path: Path) -> None:
    head = ["s:1:2:3", "0 1", "9", "0", "0"]
    rows = [
        [*head, "Who sold the old mill?", "0 1", "7:0 1", "8:1"],
        [*head, "What did Ada sell then?", "3 4", "7:Invalid", "8:3 4"],
        [*head, "Who sold what to whom?", "0 1", "7:3 4", "8:0 1"],
        [*head, "Who sold the old", "0 1", "7:0 1", "8:0 1"],
        [*head, "Who sold it and why?", "0 4", "7:0 4", "8:0 4"],
    ]
    (tmp_path / "dev.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    (tmp_path / "wiki-sentences.tsv").write_text("s:1:2:3\tAda Brandt sold the mill .\n", encoding="utf-8")
    corpus = Corpus()
    training.add_qamr(corpus, tmp_path)
    text = corpus.paragraphs[0].text
    assert text == "Ada Brandt sold the mill."
    assert [(q.text, q.spans) for q in corpus.questions] == [("Who sold the old mill?", ((0, 10), (4, 10)))]
    assert corpus.dropped["qamr: disagreement, cut or repeated"] == 4


# --- examples


def test_an_example_holds_its_references_and_an_unanswerable_one_no_answer(
    questions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = training.load_corpus(questions)
    monkeypatch.setattr(training, "rates_of", lambda _: Rates(3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0))
    rng = steps.seeded("test")
    kinds: Counter[str] = Counter()
    for number, kind in training.plan_epoch(corpus, seed=0, epoch=0):
        example = training.make_example(corpus, number, kind, rng)
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
    corpus = training.load_corpus(questions)
    corpus.questions = corpus.questions[:1] * 2000
    kinds = Counter(kind for _, kind in training.plan_epoch(corpus, seed=0, epoch=0))
    assert kinds["answerable"] == 2000
    assert kinds["retrieved"] == pytest.approx(2000 * Rates().retrieved, rel=0.15)


def test_an_epoch_has_the_same_plan_each_time_and_another_epoch_another(questions: Path) -> None:
    corpus = training.load_corpus(questions)
    assert training.plan_epoch(corpus, 0, 1) == training.plan_epoch(corpus, 0, 1)
    assert training.plan_epoch(corpus, 0, 1) != training.plan_epoch(corpus, 0, 2)


def test_sentences_cover_the_text() -> None:
    text = 'He left. "Why?" she asked. In 1990 (not before) it ended!'
    spans = training.sentences(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert [text[start:end] for start, end in spans] == [
        "He left. ",
        '"Why?" she asked. ',
        "In 1990 (not before) it ended!",
    ]


def test_a_reference_becomes_the_places_of_its_pieces() -> None:
    passage = "Ada Brandt founded the mill."
    example = Example("Who founded it?", "", passage, ((0, 10),), "answerable")
    tokenizer = reading.load_tokenizer(bundled_folder())
    (target,) = training.to_targets(tokenizer, [example], steps.seeded("test"))
    ((first, last),) = target.places
    assert tokenizer.decode(target.window.ids[first : last + 1]) == "ada brandt"
    (empty,) = training.to_targets(tokenizer, [Example("Who?", "", passage, (), "neighbour")], steps.seeded("test"))
    assert empty.places == ((0, 0),)


def test_batches_hold_every_example_once_within_their_budget() -> None:
    rng = steps.seeded("test")
    targets = [
        Target(reading.Window([0] * rng.randint(5, 90), 0, 0, 0, 0), ((number, number),)) for number in range(300)
    ]
    batches = steps.pool_batches(targets, 400, rng)
    assert sorted(target.places[0][0] for batch in batches for target in batch) == list(range(300))
    longest = [reading.padded_length(max(len(target.window.ids) for target in batch)) for batch in batches]
    assert all(length * len(batch) <= 400 for length, batch in zip(longest, batches, strict=True))


# --- loss, schedule, run


def test_the_loss_is_that_of_all_references_together() -> None:
    import torch

    window = reading.Window([0] * 4, 0, 1, 0, 3)
    span = torch.zeros(2, 4, 2)
    span[0, 1, 0] = 1.0
    batch = [Target(window, ((1, 2), (3, 3))), Target(window, ((0, 0),))]
    span_loss, logistic = training.reader_loss(span, torch.tensor([0.0, 2.0]), batch)
    # First row: p(start=1) = e/(e+3), p(start=3) = 1/(e+3), every end 1/4. Second row: 1/4 * 1/4.
    e = 2.718281828
    assert float(span_loss) == pytest.approx(-_ln((e + 1) / (e + 3) / 4) - _ln(1 / 16), abs=1e-5)
    assert float(logistic) == pytest.approx(-_ln(0.5) - _ln(1 - 1 / (1 + e**-2)), abs=1e-5)


def _ln(value: float) -> float:
    import math

    return math.log(value)


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    schedule = steps.Schedule(peak=1.0, warmup_steps=4, stable_steps=10, decay_steps=4)
    assert [schedule.rate(step) for step in (0, 3, 4, 9)] == [0.25, 1.0, 1.0, 1.0]
    assert [schedule.rate(step) for step in (10, 11, 12, 13, 14)] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])


def _train(questions: Path, out: Path, stable_steps: int = 14, decay_steps: int = 6, seed: int = 5) -> dict[str, Any]:
    from safetensors.torch import load_file

    folder = training.train_reader(
        questions,
        bundled_folder(),
        out,
        stable_steps=stable_steps,
        decay_steps=decay_steps,
        seed=seed,
        warmup_steps=4,
        batch_pieces=512,
        log_steps=5,
    )
    return load_file(str(folder / "model.safetensors"))


def test_a_run_of_20_steps_can_be_repeated_and_gone_on_with(questions: Path, tmp_path: Path) -> None:
    import torch

    one = _train(questions, tmp_path / "one")
    losses = [json.loads(line) for line in (tmp_path / "one" / "log.jsonl").read_text().splitlines()]
    assert losses[-1]["span_loss"] < losses[1]["span_loss"]

    two = _train(questions, tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)

    (tmp_path / "three").mkdir()
    shutil.copy(tmp_path / "one" / "stable.safetensors", tmp_path / "three" / "run.safetensors")
    three = _train(questions, tmp_path / "three")
    assert all(torch.equal(one[name], three[name]) for name in one)

    with pytest.raises(reading.ReaderFileError, match="use a new folder"):
        _train(questions, tmp_path / "three", seed=6)


def test_a_run_that_is_past_the_end_of_its_stable_part_keeps_where_it_stood(questions: Path, tmp_path: Path) -> None:
    _train(questions, tmp_path / "one", stable_steps=6, decay_steps=0)
    (tmp_path / "two").mkdir()
    shutil.copy(tmp_path / "one" / "run.safetensors", tmp_path / "two" / "run.safetensors")
    _train(questions, tmp_path / "two", stable_steps=5, decay_steps=3)
    stood, ended = tmp_path / "one" / "run.safetensors", tmp_path / "two" / "run.safetensors"
    assert (tmp_path / "two" / "stable.safetensors").read_bytes() == stood.read_bytes() != ended.read_bytes()


def test_a_trained_reader_gives_the_same_spans_when_it_is_loaded(questions: Path, tmp_path: Path) -> None:
    _train(questions, tmp_path / "run")
    encoder = bundled_folder()
    text = "The mill of Norwick opened in 1870. Its founder was Ada Brandt."
    one, two = (reading.Reader.open(tmp_path / "run" / "reader", encoder) for _ in range(2))
    found = one.read("When did the mill open?", [text])
    assert found == two.read("When did the mill open?", [text])
    assert text[found[0].spans[0].start : found[0].spans[0].end] == found[0].spans[0].text


def test_a_retrieved_paragraph_does_not_hold_the_answer() -> None:
    corpus = Corpus()
    for text in ("The mill opened in 1874.", "The mill closed in 1901.", "A mill fair began in 1874."):
        corpus.add_paragraph(Paragraph(text, "", "mills", "towns"))
    corpus.questions.append(Question("q", "When did the mill open?", 0, ((19, 23),)))
    assert training.retrieve_paragraphs(corpus) == [[1]]


@pytest.mark.parametrize("content", ["{", '{"x": 1}', "[]"])
def test_a_file_of_another_form_is_told_by_its_name(questions: Path, content: str) -> None:
    (questions / "train" / "other.json").write_text(content, encoding="utf-8")
    with pytest.raises(TrainingDataError, match=r"other\.json"):
        training.load_corpus(questions)
