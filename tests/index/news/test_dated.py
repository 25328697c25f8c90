"""What a sentence says of when: the day, month or year that is meant, and beside what it is counted."""

import pytest

from index.news.dated import Moment, dated_statements
from index.paragraphs import Kind, Paragraph, paragraph_spans

TEXT, BESIDE = "text", "document date"
WEDNESDAY = "2023-02-22"


def moments(text: str, document_date: str | None = None) -> list[tuple[str, Moment | None]]:
    paragraphs = [Paragraph("d", n, a, b, Kind.BODY) for n, (a, b) in enumerate(paragraph_spans(text), 1)]
    return [(d.words, d.resolved(document_date)) for d in dated_statements(text, paragraphs)]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("The mill burnt down on 4 March 1911.", "1911-03-04"),
        ("The mill burnt down on Saturday, March 4, 1911, at noon.", "1911-03-04"),
        ("On the 4th of March 1911 the mill burnt down.", "1911-03-04"),
        ("The mill was sold on 1911-03-04 for a song.", "1911-03-04"),
        ("The mill was sold on 04.03.1911 for a song.", "1911-03-04"),
        ("The mill was rebuilt in Sept. 1912 by others.", "1912-09"),
        ("The mill closed for good in 1954, and was forgotten.", "1954"),
        ("Nobody has milled there since 1954.", "1954"),
    ],
)
def test_a_date_that_is_said_whole_needs_no_other(text: str, date: str) -> None:
    assert [moment for _, moment in moments(text)] == [Moment(date, TEXT)]


@pytest.mark.parametrize(
    ("words", "date"),
    [
        ("on Tuesday", "2023-02-21"),
        ("on Wednesday", "2023-02-22"),  # the day of the report itself
        ("last Wednesday", "2023-02-15"),
        ("yesterday", "2023-02-21"),
        ("today", "2023-02-22"),
        ("two weeks ago", "2023-02-08"),
        ("three years ago", "2020"),
        ("last year", "2022"),
        ("last month", "2023-01"),
        ("on 3 March", "2022-03-03"),  # it has not come yet in 2023
        ("in January", "2023-01"),
    ],
)
def test_other_dates_are_counted_from_the_documents_date_and_say_so(words: str, date: str) -> None:
    text = f"The council met {words} in the old mill."
    assert [moment for _, moment in moments(text, WEDNESDAY)] == [Moment(date, BESIDE)]
    assert [moment for _, moment in moments(text)] == [None]


def test_what_is_still_to_come_is_looked_for_ahead() -> None:
    assert moments("The council will meet on Friday in the mill.", WEDNESDAY) == [
        ("on Friday", Moment("2023-02-24", BESIDE))
    ]
    assert moments("The fair is due on 3 March, they say.", WEDNESDAY) == [("3 March", Moment("2023-03-03", BESIDE))]
    assert moments("The ferry now opens on Friday, the office wrote.", WEDNESDAY) == [
        ("on Friday", Moment("2023-02-24", BESIDE))
    ]
    assert moments("The mill opens in September, the miller wrote.", WEDNESDAY) == [
        ("September", Moment("2023-09", BESIDE))
    ]


def test_when_it_was_said_is_past_though_what_was_said_is_to_come() -> None:
    assert moments("The mill will open in spring, the council said on Wednesday.", WEDNESDAY) == [
        ("on Wednesday", Moment("2023-02-22", BESIDE))
    ]


def test_a_year_that_is_known_alone_tells_no_day() -> None:
    assert moments("The council met on Tuesday in the mill.", "2023") == [("on Tuesday", None)]
    assert moments("The council met there last year, too.", "2023") == [("last year", Moment("2022", BESIDE))]


def test_a_year_said_before_in_the_paragraph_is_that_of_a_day_without_one() -> None:
    text = "The mill was sold on 4 March 1911. On 9 April it burnt down.\n\nOn 1 May it rained."
    assert moments(text, WEDNESDAY) == [
        ("4 March 1911", Moment("1911-03-04", TEXT)),
        ("9 April", Moment("1911-04-09", TEXT)),
        ("1 May", Moment("2022-05-01", BESIDE)),
    ]


def test_a_line_that_is_a_date_dates_a_text_that_nothing_else_does() -> None:
    text = "The mill\n\nFriday, 24 February 2023\n\nThe council met on Tuesday in the mill."
    assert moments(text) == [("on Tuesday", Moment("2023-02-21", "dateline"))]
    assert moments(text, "2023-03-03") == [("on Tuesday", Moment("2023-02-28", BESIDE))]


@pytest.mark.parametrize(
    "text",
    [
        "It may march on, as the second of August's heirs did.",
        "In 2000 people came, and 1,500 left.",
        "Turn to page 1911 of the manual, order number 4.3.",
        "Mondays are quiet, and the weekly market is gone.",
        "On 31 February 2023 nothing happened at all.",
        "A few days ago the council met, and again last week.",
    ],
)
def test_what_is_no_one_date_is_none(text: str) -> None:
    assert [moment for _, moment in moments(text, WEDNESDAY) if moment] == []


def test_the_sentence_and_the_words_of_the_date_are_exact() -> None:
    text = "It rained. The mill burnt down on 4 March 1911, at noon. Nobody died."
    (dated,) = dated_statements(text, [Paragraph("d", 1, 0, len(text), Kind.BODY)])
    assert text[dated.start : dated.end] == "The mill burnt down on 4 March 1911, at noon."
    assert text[dated.when_start : dated.when_end] == "4 March 1911"


@pytest.mark.parametrize(
    "line",
    [
        "Date: Monday, 5 June 2023, 09:12 +0000",
        "Sent: Tuesday, March 5, 2024 4:10 PM",
        "Date: 2024-03-05 16:10 UTC",
    ],
)
def test_when_a_mail_was_sent_is_no_event(line: str) -> None:
    assert moments(line) == []
    assert moments("Start: Monday, 5 June 2023, 09:12 UTC") == [("Monday, 5 June 2023", Moment("2023-06-05", TEXT))]
