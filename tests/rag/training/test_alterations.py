"""Changed sentences: what a light change keeps, and what a heavier one turns round."""

import pytest

from rag.training.alterations import lightly_changed, negated, sentences, swapped
from rag.training.steps import seeded


def test_sentences_cover_the_text() -> None:
    text = 'He left. "Why?" she asked. In 1990 (not before) it ended!'
    spans = sentences(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert [text[start:end] for start, end in spans] == [
        "He left. ",
        '"Why?" she asked. ',
        "In 1990 (not before) it ended!",
    ]


def test_a_light_change_keeps_what_is_said() -> None:
    sentence = "However, in 1902, he bought the mill (for £9), which was old."
    changed = {lightly_changed(sentence, "Ivo Sellin (weaver)", seeded(n)) for n in range(200)}
    assert "He bought the mill." in {lightly_changed("He bought the mill.", "", seeded(n)) for n in range(9)}
    assert any("(" not in text for text in changed)
    assert all("bought" in text or "purchased" in text for text in changed)
    names = {lightly_changed("He sold the mill.", "Ivo Sellin (weaver)", seeded(n)) for n in range(99)}
    assert names == {"He sold the mill.", "Ivo Sellin sold the mill."}


def test_a_denial_stands_behind_the_first_auxiliary() -> None:
    denied = {negated("Ada Brandt was the founder.", seeded(n)) for n in range(20)}
    assert denied == {"Ada Brandt was not the founder.", "Ada Brandt was never the founder."}
    assert negated("Ada Brandt founded it.", seeded(1)) is None


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("The weaver Ada Brandt sold it to Ivo Sellin.", "The weaver Ivo Sellin sold it to Ada Brandt."),
        ("Ada Brandt defeated Ivo Sellin.", "Ivo Sellin defeated Ada Brandt."),
        ("It grew from 14 looms in the first year to 43.", "It grew from 43 looms in the first year to 14."),
    ],
)
def test_two_names_or_two_numbers_change_places(claim: str, expected: str) -> None:
    passage = "Ada Brandt sold the mill. Ada Brandt was a weaver."
    assert {swapped(claim, passage, seeded(n)) for n in range(9)} == {expected}


@pytest.mark.parametrize(
    "claim",
    [
        "The weavers Ada Brandt and Ivo Sellin sold the mill.",  # either order says the same
        "The road between Norwick in the north and Ellerby is long.",
        "Yesterday it was sold to Ada Brandt.",  # a sentence's first word is no name
        "It was sold to Ada Brandt by a Brandt.",
        "They made cloth.",
    ],
)
def test_nothing_changes_places_where_that_tells_nothing(claim: str) -> None:
    assert {swapped(claim, "Yesterday. Ada Brandt.", seeded(n)) for n in range(9)} == {None}
