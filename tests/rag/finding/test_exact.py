"""What a question gives exactly, and the passages that have it."""

from collections.abc import Callable

import pytest

from index.collection import Collection, Filters
from index.encoder.embedding import Encoder
from rag.finding.exact import exact_terms, passages_with, quoted_phrases
from rag.retrieval import Way, retrieve

MakeCollection = Callable[..., Collection]


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("Where is zq0000x?", ["zq0000x"]),
        ("How many of part PX-4711-B are left?", ["px4711b"]),
        ("What does section 4.2 of the Heron 3 manual say?", ["4point2"]),
        ("What happened on 3 May 2024?", ["day20240503"]),
        ("What happened on 2024-05-03?", ["day20240503"]),
        ("What happened on the 3rd of May?", ["day0503"]),
        ("Who paid invoice 402871?", ["402871"]),
        ("How many died in the flood of 1953, at the age of 12?", []),
        ("Who is the manager of Turku?", []),
    ],
)
def test_codes_numbers_and_days_are_exact_and_years_and_small_numbers_are_not(question: str, terms: list[str]) -> None:
    assert exact_terms(question) == terms


def test_what_is_in_quotation_marks_is_a_phrase_and_an_apostrophe_begins_none() -> None:
    assert quoted_phrases("Who said “we shall see” and 'never again'?") == ["we shall see", "never again"]
    assert quoted_phrases("What is the mayor's view of the farmers' plan?") == []


def look_alikes() -> dict[str, str]:
    return {
        f"note{n}": f"Cabinet zq{n:04}x stands in the boiler house. Part PX-{4700 + n}-B is in it, with grey goods {n}."
        for n in range(30)
    }


@pytest.mark.parametrize(
    "question",
    ["Where does the cabinet zq0011x stand?", "part PX\u20114711\u2011B", "Where is px4711b?",
     "Where are the \"grey goods 11\"?"],
)  # fmt: skip
def test_the_one_passage_that_has_it_comes_before_all_that_are_alike(
    make_collection: MakeCollection, encoder: Encoder, question: str
) -> None:
    with make_collection(**look_alikes()).reading() as snapshot:
        hits = retrieve(snapshot, encoder, question, 5)
        plain = retrieve(snapshot, encoder, question, 5, exact=False)
        (only,) = passages_with(question, snapshot)
    assert (hits[0].passage.doc_id, hits[0].exact) == ("note11.txt", 1)
    assert hits[0].passage.passage_id == only
    assert [hit.exact for hit in hits[1:]] == [0] * 4
    assert [hit.exact for hit in plain] == [0] * 5


def test_what_many_passages_have_is_no_mark_of_any_and_filters_hold(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    texts = {f"n{n}": f"Form AB-77 was filled in by visitor number {n} of the harbour." for n in range(30)}
    collection = make_collection(**texts, other="Form AB-78 was filled in by nobody.")
    with collection.reading() as snapshot:
        assert passages_with("Who filled in form AB-77?", snapshot) == {}
        assert list(passages_with("Who filled in form AB-78?", snapshot).values()) == [1]
        assert passages_with("Who filled in form AB-78?", snapshot, Filters(documents=("n1.txt",))) == {}
        assert retrieve(snapshot, encoder, "AB-78", 3, way=Way.LEXICAL)[0].passage.doc_id == "other.txt"
