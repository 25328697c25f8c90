"""The time that a question asks about, and which statements are of it."""

import pytest

from index.documents import Document
from rag.composing.dating import asked_time


def dated(date: str | None) -> Document:
    return Document("d", "d", None, "Text.", date, None, "0" * 64, 5)


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("What was reported in 2021?", 20210000, 20219999),
        ("What happened between 2019 and 2021?", 20190000, 20219999),
        ("What happened in May 2021?", 20210500, 20210599),
        ("What has changed since 2021?", 20210000, 99999999),
        ("What has changed since May 2021?", 20210500, 99999999),
        ("What changed after 3 May 2021?", 20210504, 99999999),
        ("What was known before May 2021?", 0, 20210499),
        ("What was known until the end of 2021?", 0, 20219999),
        ("What has changed since March?", 20240300, 99999999),  # the newest document is of May 2024
        ("What has changed since August?", 20230800, 99999999),
        ("what has changed since may", 20240500, 99999999),
        ("What has changed since 20 May?", 20230520, 99999999),
    ],
)
def test_the_time_that_a_question_asks_about(question: str, first: int, last: int) -> None:
    asked = asked_time(question, [dated("2022-01-01"), dated("2024-05-12"), dated(None)])
    assert asked is not None
    assert (asked.first, asked.last) == (first, last)


@pytest.mark.parametrize(
    "question", ["Which of the 1,840 metres may be built?", "What may be brought?", "Who came after the march?"]
)
def test_no_time_is_read_into_other_words(question: str) -> None:
    assert asked_time(question, [dated("2024-05-12")]) is None


def test_a_month_without_a_year_is_not_guessed_where_no_document_is_dated() -> None:
    assert asked_time("What has changed since May?", [dated(None)]) is None
