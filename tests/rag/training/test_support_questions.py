"""The support model's questions: what is left out of them, and the paragraphs found beside."""

import json
from pathlib import Path

import pytest

from rag.training.question_sets import DEV_FILE, Corpus, Paragraph, Question
from rag.training.steps import TrainingDataError
from rag.training.support_questions import corpus_files, load_corpus, retrieve_paragraphs


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="no questions below"):
        load_corpus(tmp_path)


def test_held_out_articles_and_copies_of_their_text_are_not_trained_on(questions: Path) -> None:
    held_out = "Quarrow has a tower of nine bells that ring whenever the ferry leaves the northern pier at dawn."
    rows = [("Copy", held_out, "towns.json"), ("Warsaw", held_out, DEV_FILE), ("Normans", "Two ships came.", DEV_FILE)]
    written: dict[str, list[object]] = {}
    for title, text, name in rows:
        row = {"id": title, "question": "How many?", "answers": []}
        written.setdefault(name, []).append({"title": title, "paragraphs": [{"context": text, "qas": [row]}]})
    (questions / "train" / "towns.json").write_text(json.dumps({"data": written["towns.json"]}), encoding="utf-8")
    (questions / DEV_FILE).write_text(json.dumps({"data": written[DEV_FILE]}), encoding="utf-8")
    corpus = load_corpus(questions)
    assert [question.question_id for question in corpus.questions] == ["Normans"]
    assert corpus.dropped["stands in a held-out article"] == 1
    assert [path.name for path in corpus_files(questions)] == ["towns.json", DEV_FILE]


def test_a_retrieved_paragraph_does_not_hold_the_answer() -> None:
    corpus = Corpus()
    for text in ("The mill opened in 1874.", "The mill closed in 1901.", "A mill fair began in 1874."):
        corpus.add_paragraph(Paragraph(text, "", "mills", "towns"))
    corpus.questions.append(Question("q", "When did the mill open?", 0, ((19, 23),)))
    assert retrieve_paragraphs(corpus) == [[1]]
