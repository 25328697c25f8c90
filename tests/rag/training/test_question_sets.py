"""Question sets: what is read of each form, what is refused or left out, and the paragraphs found beside."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rag.training import question_sets
from rag.training.question_sets import Corpus, Paragraph, Question
from rag.training.steps import TrainingDataError


def _write(folder: Path, context: str, answers: list[dict[str, Any]], title: str = "Town") -> None:
    row = {"id": "q1", "question": "Who founded the mill?", "answers": answers}
    squad = {"data": [{"title": title, "paragraphs": [{"context": context, "qas": [row]}]}]}
    (folder / "train" / "towns.json").write_text(json.dumps(squad), encoding="utf-8")


def test_an_answer_that_is_not_where_its_offset_says_is_refused(questions: Path) -> None:
    _write(questions, "Ada Brandt founded it.", [{"text": "Ada Brandt", "answer_start": 1}])
    with pytest.raises(TrainingDataError, match=r"towns\.json, question q1: 'Ada Brandt' does not stand at 1"):
        question_sets.load_corpus(questions)


def test_a_guessed_offset_makes_every_whole_occurrence_a_reference(questions: Path) -> None:
    text = "Adam met Ada. Ada Brandt founded it."
    _write(questions, text, [{"text": "Ada", "answer_start": 0, "start_is_first_occurrence": True}])
    assert question_sets.load_corpus(questions).questions[0].spans == ((9, 12), (14, 17))


def test_a_guess_among_many_occurrences_is_left_out(questions: Path) -> None:
    row = {"text": "Ada", "answer_start": 0, "start_is_first_occurrence": True}
    corpus = Corpus()
    _write(questions, "Ada " * 9, [row])
    question_sets.add_squad(corpus, questions / "train" / "towns.json")
    assert corpus.questions == []
    assert corpus.dropped == Counter({"guessed offset, many occurrences": 1})


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="no questions below"):
        question_sets.load_corpus(tmp_path)


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
    (questions / question_sets.DEV_FILE).write_text(json.dumps({"data": articles}), encoding="utf-8")
    corpus = question_sets.load_corpus(questions)
    assert [question.question_id for question in corpus.questions] == ["Normans"]
    assert corpus.dropped["stands in a held-out article"] == 1


def test_six_articles_are_held_out_in_two_halves_of_three() -> None:
    assert [len(titles) for titles in question_sets.CALIBRATION_ARTICLES] == [3, 3]
    assert len(question_sets.HELD_OUT_ARTICLES) == 6


def test_treebank_tokens_become_running_text_with_offsets() -> None:
    sentence = "`` We 'll pay $ 5 , '' said Ann 's aide -LRB- who did n't -RRB- ."
    text, offsets = question_sets.detokenise(sentence.split())
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
    question_sets.add_qamr(corpus, tmp_path)
    text = corpus.paragraphs[0].text
    assert text == "Ada Brandt sold the mill."
    assert [(q.text, q.spans) for q in corpus.questions] == [("Who sold the old mill?", ((0, 10), (4, 10)))]
    assert corpus.dropped["qamr: disagreement, cut or repeated"] == 4


def test_a_retrieved_paragraph_does_not_hold_the_answer() -> None:
    corpus = Corpus()
    for text in ("The mill opened in 1874.", "The mill closed in 1901.", "A mill fair began in 1874."):
        corpus.add_paragraph(Paragraph(text, "", "mills", "towns"))
    corpus.questions.append(Question("q", "When did the mill open?", 0, ((19, 23),)))
    assert question_sets.retrieve_paragraphs(corpus) == [[1]]


@pytest.mark.parametrize("content", ["{", '{"x": 1}', "[]"])
def test_a_file_of_another_form_is_told_by_its_name(questions: Path, content: str) -> None:
    (questions / "train" / "other.json").write_text(content, encoding="utf-8")
    with pytest.raises(TrainingDataError, match=r"other\.json"):
        question_sets.load_corpus(questions)
