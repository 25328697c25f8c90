"""Questions in the letters and the dates of the documents: which words change, and what the reader then finds."""

from collections.abc import Callable

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from rag.answering import Models, answer
from rag.finding.as_written import as_written
from rag.reading.reader import Reader

TEXTS = ["Åse Løken mends the ﬂag of the café.", "2031-04-09: The lift was mended.", "Unit QX‑77 is new."]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Who is Ase Loken?", "Who is Åse Løken?"),
        ("Where is the flag of the cafe?", "Where is the ﬂag of the café?"),
        ("Is QX-77 new?", "Is QX‑77 new?"),
        ("What was mended on 9 April 2031?", "What was mended on 2031-04-09?"),
        ("What was mended on 10 April 2031?", "What was mended on 10 April 2031?"),
        ("Who is Åse?", "Who is Åse?"),
        ("Who mends the boat?", "Who mends the boat?"),
    ],
)
def test_what_no_text_has_as_it_is_typed_is_read_as_one_has_it(typed: str, expected: str) -> None:
    assert as_written(typed, TEXTS) == expected


def test_a_day_without_a_year_is_any_years_and_one_that_a_text_has_stays() -> None:
    assert as_written("What was mended on 9 April?", TEXTS) == "What was mended on 2031-04-09?"
    assert as_written("Met on 9 April 2031?", ["Met on 9 April 2031.", *TEXTS]) == "Met on 9 April 2031?"


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ("Who is Bjorn Aslund?", "the lock keeper"),
        ("What happened on 7 June 2023?", "The dredger was sold to Petra Vance"),
    ],
)
def test_the_reader_finds_what_stands_in_other_letters_or_another_form_of_date(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader, question: str, right: str
) -> None:
    log = "2023-06-07: The dredger was sold to Petra Vance.\n\n2023-08-12: The dredger was mended by Olga Reid."
    people = "Björn Åslund is the lock keeper. Bjarne Aslak is the cook."
    a = answer(make_collection(log=log, people=people), Models(encoder, reader), question)
    assert right in a.text
    assert len(a.citations) == 1
    assert a.question == question
