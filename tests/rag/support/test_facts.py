"""Facts: numbers, dates and names that a text does not have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.support.facts import missing_names, missing_numbers, names, stands_in

TEXT = (
    "In May 1902 Ada Brandt sold the Norwick mill, with 1,400 spindles and two boilers, for £3.5 million. "
    "The U.S. consul, twenty-three years old, praised the Belarusian weavers; the World Weavers Union did not."
)


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("The mill had 1400 spindles.", []),
        ("It was sold for 3,500,000 pounds.", []),
        ("It had 2 boilers.", []),
        ("The consul was 23.", []),
        ("The consul was twenty-four.", ["twenty-four"]),
        ("It was sold in 1903.", ["1903"]),
        ("It had three boilers and 1,500 spindles.", ["three", "1,500"]),
        ("It was one of the first.", []),
        ("In the 1900s it was sold.", ["1900"]),
        ("It was sold on 2 May 1902.", []),
    ],
)
def test_a_number_is_missing_where_its_value_stands_nowhere(claim: str, missing: list[str]) -> None:
    assert missing_numbers(claim, TEXT) == missing


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("Ada Brandt sold it.", []),
        ("Brandt sold it.", []),
        ("The mill of Norwick was sold by Jon Petrak.", ["Jon Petrak"]),
        ("The weavers of Belarus were praised.", []),
        ("Norwick's mill was sold in June.", ["June"]),
        ("The WWU praised nobody.", []),
        ("The consul of the United States praised it.", []),
        ("It was praised in Ellerby.", ["Ellerby"]),
    ],
)
def test_a_name_is_missing_where_not_a_word_of_it_stands(claim: str, missing: list[str]) -> None:
    assert missing_names(claim, TEXT) == missing


@pytest.mark.parametrize(
    ("claim", "stands"),
    [
        ("She denied that the mill burned.", True),
        ("the mill burned.", False),
        ("She denied  that the\nmill burned. It had opened in 1874 (12).", True),
        ("It had opened in 1874 [12].", True),
        ("It had opened in 1874.", False),
        ("She denied that the mill burned. Nobody asked.", False),
        ("Nobody asked. She denied that the mill burned. It had opened in 1874 [12].", True),
        ("", False),
    ],
)
def test_a_claim_stands_in_a_text_that_says_it_in_whole_sentences(claim: str, stands: bool) -> None:
    assert stands_in(claim, "Nobody asked. She denied that the mill burned. It had opened in 1874 [12].") == stands


def test_accents_and_possessives_make_no_other_name() -> None:
    assert missing_names("It was Zoë's house, in Besançon.", "Zoe lived in Besancon.") == []


def test_the_first_word_is_a_name_only_with_another_behind_it() -> None:
    assert names("Weavers came to Norwick with Ada Brandt.") == ["Norwick", "Ada Brandt"]
    assert names("Ada Brandt came.") == ["Ada Brandt"]
    assert names("NATO came.") == ["NATO"]


@given(st.text())
def test_a_text_has_all_that_it_says_itself(text: str) -> None:
    assert missing_numbers(text, text) == []
    assert missing_names(text, text) == []
