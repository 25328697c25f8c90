"""Follow-ups become questions that stand alone."""

import pytest

from rag.conversation import Turn, standalone

BRIDGE = Turn("Who mended it?", "Who mended the old bridge?", "It was mended by the engineer Ann Example in 1998.")
YALOWITZ = Turn(
    "How many years was Kenneth Yalowitz a diplomat?",
    "How many years was Kenneth Yalowitz a diplomat?",
    "Kenneth Yalowitz was a diplomat for 36 years.",
)


@pytest.mark.parametrize(
    ("last", "question", "query"),
    [
        (BRIDGE, "And when was that?", "when was that (mended bridge Ann Example)?"),
        (BRIDGE, "Was she paid?", "Was Ann Example paid (mended bridge)?"),
        (YALOWITZ, "What about his wife?", "What about Kenneth Yalowitz's wife (diplomat)?"),
        (YALOWITZ, "Why?", "Why (Kenneth Yalowitz diplomat)?"),
    ],
)
def test_a_follow_up_carries_over_what_the_last_turn_was_about(last: Turn, question: str, query: str) -> None:
    assert standalone(question, [last]) == query


@pytest.mark.parametrize(
    "question",
    [
        "Is it true that Minsk is in Belarus?",
        "How many people are there in Minsk?",
        "Did Lukashenka say he would leave?",
        "Who said that the tower fell?",
        "Who is the president of Poland?",
    ],
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert standalone(question, [BRIDGE]) == question
    assert standalone("And when was that?", []) == "And when was that?"
