"""Statements: what a question and its answer say together."""

import pytest

from rag.training.statements import past, statement, third_person

CASES = [
    ("Who founded the mill?", "Ada Brandt", "Ada Brandt founded the mill."),
    ("Who was the founder of the mill?", "Ada Brandt", "Ada Brandt was the founder of the mill."),
    ("Who did the weavers trust?", "Ada Brandt", "The weavers trusted Ada Brandt."),
    ("Who was the mill sold to?", "the weavers", "The mill was sold to the weavers."),
    ("When did the mill open?", "1874", "The mill opened in 1874."),
    ("When was the old mill sold to the weavers?", "9 May 1902", "The old mill was sold to the weavers on 9 May 1902."),
    ("Where does the river rise?", "the Arnfell hills", "The river rises in the Arnfell hills."),
    ("Where is the mill?", "in Norwick", "The mill is in Norwick."),
    ("Why did the weavers leave?", "the river froze", "The weavers left because the river froze."),
    ("How many violins does the library lend?", "43", "The library lends 43 violins."),
    ("How many bells are there in the tower?", "nine", "There are nine bells in the tower."),
    ("How many people came?", "200", None),
    ("Which river drives the mill?", "the Tarn", "The Tarn drives the mill."),
    ("What year did the mill burn?", "1911", "The mill burned in 1911."),
    ("In what year was the mill rebuilt?", "1913", None),
    ("In which town was the mill founded?", "Norwick", "The mill was founded in the town Norwick."),
    ("What is the name of the mill?", "Old Anna", "The name of the mill is Old Anna."),
    ("What's the name of the mill?", "Old Anna", "The name of the mill is Old Anna."),
    ("What did the mill produce?", "cloth", "The mill produced cloth."),
    ("What can the mill make in a day?", "forty metres of cloth", "The mill can make forty metres of cloth in a day."),
    ("What has never been found?", "the ledger", "The ledger has never been found."),
    ("What drove the mill?", "a stream", "A stream drove the mill."),
    ("The mill was named after whom?", "Anna Sellin", "The mill was named after Anna Sellin."),
    ("Is the mill open?", "yes", None),
    ("Who founded the mill?", " . ", None),
    ("?", "Ada", None),
]  # fmt: skip


@pytest.mark.parametrize(("question", "answer", "expected"), CASES)
def test_a_question_and_its_answer_become_a_statement(question: str, answer: str, expected: str | None) -> None:
    assert statement(question, answer) == expected


def test_the_shape_of_a_question_may_be_written_carelessly() -> None:
    assert statement("who founded  the mill ??", "Ada Brandt.") == "Ada Brandt founded the mill."


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("open", "opened"),
        ("carry", "carried"),
        ("play", "played"),
        ("win", "won"),
        ("stop", "stopped"),
        ("move", "moved"),
    ],
)
def test_a_verb_gets_its_past(base: str, expected: str) -> None:
    assert past(base) == expected


@pytest.mark.parametrize(
    ("base", "expected"),
    [("open", "opens"), ("carry", "carries"), ("do", "does"), ("have", "has"), ("watch", "watches")],
)
def test_a_verb_gets_its_third_person(base: str, expected: str) -> None:
    assert third_person(base) == expected
