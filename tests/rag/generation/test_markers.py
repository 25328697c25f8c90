"""Markers: one resolver, for a text that grows and for the whole one."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.generation.markers import draft, resolve

OURS = re.compile(r"\[(\d+)\]")


def resolved(text: str, n: int = 3) -> list[tuple[str, tuple[int, ...]]]:
    return [(said.text, said.numbers) for said in resolve(text, n).sentences]


@pytest.mark.parametrize(
    ("text", "sentences", "wrong"),
    [
        ("He left [1].", [("He left.", (1,))], 0),
        ("He left. [1] She stayed. [2]", [("He left.", (1,)), ("She stayed.", (2,))], 0),
        ("He left.[1] She stayed.[2]", [("He left.", (1,)), ("She stayed.", (2,))], 0),
        ("He left [1, 3].", [("He left.", (1, 3))], 0),
        ("He left [1][2].", [("He left.", (1, 2))], 0),
        ("He left [1] [2].", [("He left.", (1, 2))], 0),
        ("He left [1-3].", [("He left.", (1, 2, 3))], 0),
        ("He left [1–3].", [("He left.", (1, 2, 3))], 0),
        ("He left [2; 1 and 3].", [("He left.", (2, 1, 3))], 0),
        ("He left [1][1].", [("He left.", (1,))], 0),
        ("He left [0].", [("He left.", ())], 1),
        ("He left [9].", [("He left.", ())], 1),
        ("He left [1, 9].", [("He left.", (1,))], 1),
        ("He left [2-9].", [("He left.", (2, 3))], 1),
        ("He left [3-1].", [("He left.", ())], 1),
        ("He left [999999999].", [("He left.", ())], 1),
        ("He left 【2†notes】.", [("He left.", (2,))], 0),
        ("He left [source 2].", [("He left.", (2,))], 0),
        ("He left [^2].", [("He left.", (2,))], 0),
        ("[1] He left.", [("He left.", (1,))], 0),
        ("- [1] He left.\n- [2] She stayed.", [("He left.", (1,)), ("She stayed.", (2,))], 0),
        ("He left.\n[1]", [("He left.", (1,))], 0),
        ("He [1] left, and she [2] stayed.", [("He left, and she stayed.", (1, 2))], 0),
        ("“He left [1],” she said.", [("“He left,” she said.", (1,))], 0),
        ("“He left.” [1] She stayed.", [("“He left.”", (1,)), ("She stayed.", ())], 0),
        ("Use `a[1]` here [2].", [("Use `a(1)` here.", (2,))], 0),
        ("```\na[1]\n```", [("a(1)", ())], 0),
        ("He left [word] now.", [("He left [word] now.", ())], 0),
        ("He left [1", [("He left [1", ())], 0),
        ("1. He left [1].\n2) She stayed [2].", [("He left.", (1,)), ("She stayed.", (2,))], 0),
        ("[1]", [], 0),
        ("", [], 0),
        ("[1][2] . !", [], 0),
    ],
)
def test_a_marker_belongs_to_its_sentence(text: str, sentences: list[object], wrong: int) -> None:
    assert resolved(text) == sentences
    assert resolve(text, 3).wrong == wrong


TEXTS = st.lists(
    st.sampled_from(["He left", ". ", " ", "\n", "[1]", "[2, 3]", "[1-3]", "[0]", "[9]", "[", "]", "1", ",", "`", "“"]),
    max_size=14,
).map("".join)


@given(text=TEXTS)
@example("He left [1, 3]. [2]")
@example("[[0]9]")
@example("[1[He left[1]")
@example("[\n1")
def test_a_text_cut_anywhere_shows_only_markers_that_resolve(text: str) -> None:
    for cut in range(len(text) + 1):
        shown = draft(text[:cut], 3)
        assert {int(number) for number in OURS.findall(shown)} <= {1, 2, 3}
        assert not re.search(r"\[\s*[0-9][0-9 ,-]*$", shown)


@given(text=TEXTS)
def test_what_was_shown_stays_until_the_text_is_whole_but_for_its_end(text: str) -> None:
    """No draft takes back a marker that an earlier one showed, unless what follows made code of it."""
    if "`" in text:
        return
    shown: list[str] = []
    for cut in range(len(text) + 1):
        now = OURS.findall(draft(text[:cut], 3))
        assert now[: len(shown)] == shown
        shown = now


@given(text=TEXTS)
@example("He left [[0]1].")
def test_no_sentence_of_a_resolved_text_holds_a_marker(text: str) -> None:
    for said in resolve(text, 3).sentences:
        assert not OURS.search(said.text)
        assert set(said.numbers) <= {1, 2, 3}
        assert len(set(said.numbers)) == len(said.numbers)


@given(text=st.text(max_size=60), n=st.integers(0, 5))
def test_any_text_resolves(text: str, n: int) -> None:
    resolve(text, n)
    draft(text, n)


UNITS = [
    "[",
    "]",
    "[1",
    "[1]",
    "[1,",
    "1,",
    "[ ",
    " ",
    "[^",
    "`",
    "`[1]",
    "[source ",
    "【1†",
    "\n[1]",
    "a [",
    "-",
    "a [1]. ",
]


def seconds(text: str) -> float:
    began = time.process_time()
    resolve(text, 3)
    draft(text, 3)
    return time.process_time() - began


@pytest.mark.parametrize("unit", UNITS)
def test_a_lot_of_anything_takes_linear_time(unit: str) -> None:
    small = max(seconds(unit * (20_000 // len(unit))), 0.02)
    assert seconds(unit * (200_000 // len(unit))) < 40 * small  # ten times as long; a hundred where quadratic


def test_a_megabyte_of_brackets_takes_no_time_worth_telling() -> None:
    assert seconds("[" * 1_000_000) < 10
