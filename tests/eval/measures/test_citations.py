"""Citations against gold evidence, by hand; characters against sets of characters."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.measures.citations import (
    Place,
    character_precision,
    character_recall,
    citation_precision,
    citation_recall,
    pointer_validity,
    supported_share,
    unresolved_markers,
)
from rag.answers import Answer
from rag.citations import Citation, Claim


def test_paragraphs_by_hand() -> None:
    gold = [("a", 1), ("a", 2), ("b", 1)]
    assert citation_recall([("a", 1), ("c", 1)], gold) == pytest.approx(1 / 3)
    assert citation_recall([], gold) == 0.0
    assert math.isnan(citation_recall([("a", 1)], []))
    assert citation_precision([("a", 1), ("a", 1), ("c", 1)], gold) == pytest.approx(2 / 3)
    assert citation_precision([("a", 1)], gold, unresolved=1) == 0.5
    assert citation_precision([("a", 1)], []) == 0.0
    assert math.isnan(citation_precision([], gold))


PLACES = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 12), st.integers(1, 6)).map(lambda p: (p[0], p[1], p[1] + p[2])),
    max_size=5,
)


@given(PLACES, PLACES)
def test_characters_are_those_of_sets(cited: list[Place], gold: list[Place]) -> None:
    def characters(places: list[Place]) -> set[tuple[str, int]]:
        return {(doc, i) for doc, start, end in places for i in range(start, end)}

    ours, theirs = characters(cited), characters(gold)
    for value, whole in ((character_recall(cited, gold), theirs), (character_precision(cited, gold), ours)):
        if whole:
            assert value == pytest.approx(len(ours & theirs) / len(whole))
        else:
            assert math.isnan(value)


TEXT = "He agreed. She did not."
CITATION = Citation(1, "a", None, None, None, None, 1, 0, 10, "He agreed.", 0, len(TEXT))
ANSWER = Answer(
    "q", "q", "He agreed. [1]", (Claim("He agreed.", (1,), 1.0, "supported"),), (CITATION,), (), (), False, None, 0.9,
    "extractive", (),
)  # fmt: skip


def test_a_pointer_that_does_not_hold_counts() -> None:
    texts = {"a": TEXT}
    assert pointer_validity(ANSWER, texts) == 1.0
    assert pointer_validity(replace(ANSWER, text="He agreed. [1][2]"), texts) == pytest.approx(2 / 3)
    assert unresolved_markers(replace(ANSWER, text="He agreed. [1][2][0]")) == 2
    wrong = (
        replace(CITATION, quote="He agreed!"),
        replace(CITATION, paragraph_end=5),
        replace(CITATION, doc_id="gone"),
        replace(CITATION, start=10, quote=""),
    )
    for citation in wrong:
        assert pointer_validity(replace(ANSWER, citations=(citation,)), texts) == 0.5
    assert pointer_validity(replace(ANSWER, claims=()), texts) == 0.5  # cited, but by no claim
    assert math.isnan(pointer_validity(replace(ANSWER, text="", citations=(), claims=()), texts))


def test_only_a_supported_claim_is_supported() -> None:
    claims = tuple(Claim("x", (1,), 0.5, verdict) for verdict in ("supported", "weak", "unsupported", "unchecked"))
    assert supported_share(replace(ANSWER, claims=claims)) == 0.25
    assert math.isnan(supported_share(replace(ANSWER, claims=())))
