"""Follow-ups become questions that stand alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answers import Answer
from rag.citations import Claim, marked_labels, with_markers, without_markers
from rag.conversation import Turn, standalone, turns_of

BRIDGE = Turn("Who mended it?", "Who mended the old bridge?", "It was mended by the engineer Ann Example in 1998.")
YALOWITZ = Turn(
    "How many years was Kenneth Yalowitz a diplomat?",
    "How many years was Kenneth Yalowitz a diplomat?",
    "Kenneth Yalowitz was a diplomat for 36 years.",
)


COAL = Turn(
    "When was the European Coal and Steel Community founded?",
    "When was the European Coal and Steel Community founded?",
    "It was founded in 1951 by the Treaty of Paris.",
)


@pytest.mark.parametrize(
    ("last", "question", "query"),
    [
        (BRIDGE, "And when was that?", "when was that (mended old bridge Ann Example)?"),
        (BRIDGE, "Was she paid?", "Was Ann Example paid (mended old bridge)?"),
        (BRIDGE, "What about her sister?", "What about Ann Example's sister (mended old bridge)?"),
        (BRIDGE, "Who paid her?", "Who paid Ann Example (mended old bridge)?"),
        (BRIDGE, "And the mayor?", "the mayor (mended old bridge Ann Example)?"),
        (BRIDGE, "What did it cost?", "What did it cost (mended old bridge Ann Example)?"),
        (BRIDGE, "Where did this happen?", "Where did this happen (mended old bridge Ann Example)?"),
        (BRIDGE, "Thanks! And who paid?", "who paid (mended old bridge Ann Example)?"),
        (BRIDGE, "How long?", "How long (mended old bridge Ann Example)?"),
        (YALOWITZ, "What about his wife?", "What about Kenneth Yalowitz's wife (diplomat)?"),
        (YALOWITZ, "Why?", "Why was Kenneth Yalowitz a diplomat?"),
        (YALOWITZ, "Where did he live then?", "Where did Kenneth Yalowitz live then (diplomat)?"),
        (COAL, "Who signed it?", "Who signed it (European Coal Steel Community founded Treaty of Paris)?"),
        (COAL, "Why did he leave?", "Why did he leave (European Coal Steel Community founded Treaty of Paris)?"),
    ],
)
def test_a_follow_up_carries_over_what_the_last_turn_was_about(last: Turn, question: str, query: str) -> None:
    assert standalone(question, [last]) == query


@pytest.mark.parametrize("answer", ["He left. [1][2] She\n came [3].", "He left [1, 2]. She came.[3–5]"])
def test_an_answer_that_is_told_is_carried_on_without_its_markers(answer: str) -> None:
    (turn,) = turns_of([{"question": "Who left?", "answer": answer}])
    assert turn.answer == "He left. She came."


def test_the_labels_of_an_answers_markers_are_those_that_were_set() -> None:
    claims = [Claim("He left (3).", (1, 2), 1.0, "supported"), Claim("She came.", (2,), 1.0, "supported")]
    text = with_markers(claims)
    assert (marked_labels(text), without_markers(text)) == ([1, 2, 2], "He left (3). She came.")


def test_a_follow_up_to_a_follow_up_keeps_the_subject() -> None:
    second = standalone("And when was that?", [BRIDGE])
    turns = [BRIDGE, Turn("And when was that?", second, "In 1998.")]
    assert standalone("Was she paid?", turns) == "Was Ann Example paid (mended old bridge)?"


@pytest.mark.parametrize(
    "question",
    [
        "Is it true that Minsk is in Belarus?",
        "How many people are there in Minsk?",
        "Did Lukashenka say he would leave?",
        "Who said that the tower fell?",
        "Who is the president of Poland?",
        "What time is it in Minsk?",
        "Is it raining in Minsk?",
        "What did Ann Example say about her bridge?",
        "Which law regulates mergers?",
        "How long did it take to build the tower?",
        "",
        "   ",
    ],
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert standalone(question, [BRIDGE]) == question


@pytest.mark.parametrize(
    "question",
    [
        "Are you sure?",
        "Really?",
        "Says who?",
        "OK, where does it say that?",
        "What's your source for that?",
        "How do you know?",
        "Which document says so?",
        "Show me where, please",
        "Is that true?",
    ],
)
def test_who_asks_whether_or_where_that_stands_gets_the_question_before_once_more(question: str) -> None:
    assert standalone(question, [COAL, BRIDGE]) == BRIDGE.query
    assert standalone(question, []) == question


@pytest.mark.parametrize(
    "question", ["Are you sure the mill fell?", "What is the source of the Rhine?", "Who found it?"]
)
def test_what_asks_something_is_not_taken_for_doubt(question: str) -> None:
    assert standalone(question, [BRIDGE]) != BRIDGE.query


@given(question=st.text(max_size=60), asked=st.text(max_size=60), answered=st.text(max_size=60))
def test_any_text_makes_a_query(question: str, asked: str, answered: str) -> None:
    assert standalone(question, []) == question
    query = standalone(question, [Turn(asked, asked, answered)])
    assert bool(query.strip()) == bool(question.strip())


def test_a_turn_carries_no_sentence_that_nothing_bears_out() -> None:
    claims = (Claim("Ann Example did.", (), 0.9, "supported"), Claim("Mallory did.", (), 0.0, "unsupported"))
    given_answer = Answer("Who?", "Who?", "", claims, (), (), (), False, None, 0.5, "m", ())
    assert Turn.of(given_answer) == Turn("Who?", "Who?", "Ann Example did.")


@pytest.mark.parametrize(
    "text", ["it " * 50_000, "And " * 50_000, "A" * 200_000, "A " * 100_000, " " * 200_000, "he's " * 40_000]
)
def test_a_long_question_takes_linear_time(text: str) -> None:
    began = time.process_time()
    standalone(text, [BRIDGE])
    assert time.process_time() - began < 5
