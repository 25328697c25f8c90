"""Question sets: what is read of each form, and what is refused or left out."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rag.training import question_sets
from rag.training.examples import SETS
from rag.training.question_sets import PEOPLE, Corpus, load_questions
from rag.training.steps import TrainingDataError
from tests.rag.training.conftest import notice, written

TOWNS = "reading/more/towns.json"


def _article(context: str, answers: list[dict[str, Any]], title: str = "Town", **more: Any) -> dict[str, Any]:
    row = {"id": f"{title}-1", "question": "Who founded the mill?", "answers": answers, **more}
    return {"title": title, "paragraphs": [{"context": context, "qas": [row]}]}


def _read(folder: Path, *articles: dict[str, Any]) -> Corpus:
    written(folder / TOWNS, articles)
    return load_questions(folder, [TOWNS])


def test_an_answer_that_is_not_where_its_offset_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"towns\.json, question Town-1: 'Ada Brandt' does not stand at 1"):
        _read(tmp_path, _article("Ada Brandt founded it.", [{"text": "Ada Brandt", "answer_start": 1}]))


def test_a_guessed_offset_makes_every_whole_occurrence_a_reference(tmp_path: Path) -> None:
    text = "Adam met Ada. Ada Brandt founded it."
    row = {"text": "Ada", "answer_start": 0, "start_is_first_occurrence": True}
    assert _read(tmp_path, _article(text, [row])).questions[0].spans == ((9, 12), (14, 17))


def test_a_guess_among_many_occurrences_is_left_out(tmp_path: Path) -> None:
    row = {"text": "Ada", "answer_start": 0, "start_is_first_occurrence": True}
    corpus = _read(tmp_path, _article("Ada " * 9, [row]), _article("Ada founded it.", [row], title="Other"))
    assert [question.question_id for question in corpus.questions] == ["Other-1"]
    assert corpus.dropped == Counter({"guessed offset, many occurrences": 1})


def test_an_answer_of_several_parts_is_left_out(tmp_path: Path) -> None:
    several = [{"text": word, "answer_start": start} for start, word in ((0, "Ada"), (4, "Ivo"))]
    five = [{"text": "a" * n, "answer_start": 0} for n in range(1, 6)]
    one = _article("Ada Ivo", several[:1], title="One")
    corpus = _read(tmp_path, _article("Ada Ivo", several, multi_span=True), _article("aaaaa", five), one)
    assert ([question.question_id for question in corpus.questions], corpus.dropped) == (
        ["One-1"],
        {"several answers": 2},
    )
    name = "reading/more/selqa_sentence.json"
    written(tmp_path / name, [_article("Ada Ivo", several, title="Sentences")])
    assert load_questions(tmp_path, [TOWNS, name]).dropped == {"several answers": 3}


def test_a_people_question_has_its_evidence_and_its_way(data: Path) -> None:
    corpus = load_questions(data, ())
    text = corpus.paragraphs[0].text
    hours, warm, dogs = corpus.questions[:3]
    assert corpus.paragraphs[0].source == PEOPLE
    assert [text[start:end] for start, end in (hours.settled_by, *hours.spans)] == [
        "The baths of Norwick open at 6 in the morning.",
        "at 6 in the morning",
    ]
    assert (warm.spans, warm.evidence, warm.yes) == ((), None, None)
    assert (dogs.spans, dogs.yes) == ((dogs.evidence,), False)
    with pytest.raises(ValueError, match="'Norwick-2' has no place"):
        _ = warm.settled_by


def test_evidence_outside_of_its_text_is_refused(data: Path) -> None:
    spoiled = notice(0, "Norwick")
    spoiled["paragraphs"][0]["qas"][0]["evidence"] = {"start": 5, "end": 5000}
    written(data / PEOPLE / "baths.json", [spoiled])
    with pytest.raises(TrainingDataError, match=r"question Norwick-1: evidence 5 to 5000 is not within"):
        load_questions(data, ())


def test_rows_of_yes_and_no_are_read_and_others_left(data: Path) -> None:
    corpus = load_questions(data, SETS)
    asked = [question for question in corpus.questions if question.question_id.startswith("boolq_val")]
    assert [question.yes for question in asked] == [True, False, True, False, False]
    assert corpus.dropped["neither yes nor no"] == 1
    written(data / "yesno" / "boolq_val.jsonl", [{"question": "is it", "answer": True}])
    with pytest.raises(TrainingDataError, match=r"boolq_val\.jsonl:1: no question with context and answer"):
        load_questions(data, SETS)


def test_one_document_in_twelve_is_kept_for_the_confidence(data: Path) -> None:
    documents = [notice(number, f"Town {number}") for number in range(120)]
    written(data / PEOPLE / "baths.json", documents)
    corpus = load_questions(data, ())
    kept = [one for one in documents if question_sets.is_kept_for_confidence(one["paragraphs"][0]["context"])]
    assert 4 <= len(kept) <= 16
    assert corpus.dropped == Counter({"kept for the confidence": 3 * len(kept)})
    assert {p.text for p in corpus.paragraphs}.isdisjoint(one["paragraphs"][0]["context"] for one in kept)


def test_held_out_articles_and_copies_of_their_text_are_not_trained_on(tmp_path: Path) -> None:
    held_out = "Quarrow has a tower of nine bells that ring whenever the ferry leaves the northern pier at dawn."
    dev = f"reading/{question_sets.DEV_FILE}"
    written(tmp_path / dev, [_article(held_out, [], title="Warsaw"), _article("Two ships came.", [], title="Normans")])
    written(tmp_path / TOWNS, [_article(held_out, [], title="Copy")])
    corpus = load_questions(tmp_path, [TOWNS, dev])
    assert [question.question_id for question in corpus.questions] == ["Normans-1"]
    assert corpus.dropped["stands in a held-out article"] == 1


def test_the_hash_and_the_corpus_are_of_the_same_files(data: Path) -> None:
    paths = question_sets.question_files(data, SETS)
    assert [path.name for path in paths] == ["baths.json", "qed_nq_dev.json", "boolq_val.jsonl"]
    before = question_sets.sha256_of_files(data, paths)
    with paths[-1].open("a") as file:
        file.write("\n")
    assert question_sets.sha256_of_files(data, paths) != before


def test_nothing_to_train_on_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="no questions below"):
        load_questions(tmp_path, SETS)


def test_six_articles_are_held_out_in_two_halves_of_three() -> None:
    assert [len(titles) for titles in question_sets.CALIBRATION_ARTICLES] == [3, 3]
    assert len(question_sets.HELD_OUT_ARTICLES) == 6


@pytest.mark.parametrize("content", ["{", '{"x": 1}', "[]"])
def test_a_file_of_another_form_is_told_by_its_name(data: Path, content: str) -> None:
    (data / PEOPLE / "other.json").write_text(content, encoding="utf-8")
    with pytest.raises(TrainingDataError, match=r"other\.json"):
        load_questions(data, ())
