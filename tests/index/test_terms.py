"""Words to be found by: one form for what is written in several ways."""

import pytest

from index.dates import days_in
from index.terms import folded, query_words, words_of


@pytest.mark.parametrize("written", ["3 May 2021", "3rd of May, 2021", "May 3rd, 2021", "May 3, 2021", "2021-05-03",
                                     "2021/5/3", "03.05.2021", "3 MAY 2021"])  # fmt: skip
def test_a_day_is_one_word_however_it_is_written(written: str) -> None:
    assert set(days_in(f"It met on {written}, late.")) == {"day20210503", "day0503"}
    assert {"day20210503", "day0503"} <= set(words_of(f"It met on {written}, late."))


def test_a_day_in_figures_with_strokes_may_be_either_and_what_is_no_day_is_none() -> None:
    assert set(days_in("03/05/2021")) == {"day20210503", "day0503", "day20210305", "day0305"}
    assert set(days_in("25/05/2021")) == {"day20210525", "day0525"}
    assert list(days_in("it may 2021 be, 99 May 2021, 2021-13-45, 1.2.3, May 1")) == ["day0501"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Part PX-4711-B is new.", "px4711b"),
        ("Part px4711b is new.", "px4711b"),
        ("Part PX\u20114711\u2013B is new.", "px4711b"),
        ("Section 4.2 holds.", "4point2"),
        ("It cost 1,200 coins.", "1200"),
        ("INV/2021/003", "inv2021003"),
    ],
)
def test_a_code_is_one_word_however_it_is_parted(text: str, word: str) -> None:
    assert word in words_of(text)


def test_other_numbers_are_other_words() -> None:
    assert not {"42", "4point2"} & set(words_of("Section 4.2.1 holds."))
    assert "42" not in words_of("Section 4.2 holds.")
    assert words_of("no figures-at-all / here.") == words_of("no figures at all here")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Gro\u0308\u00dfe", "Gr\u00f6\u00dfe"),
        ("Gr\u00f6\u00dfe", "Grosse"),
        ("\uff21\uff38\uff12\uff12", "AX22"),
        ("the \ufb01nal", "the final"),
        ("for\u00admat", "format"),
    ],
)
def test_what_looks_the_same_is_found_the_same(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)
    assert query_words(one) == query_words(other)


def test_plain_text_is_folded_to_itself() -> None:
    assert folded("A plain text, 3.5 - and more.") == "A plain text, 3.5 - and more."
