"""Slips in spelling are forgiven where nothing matches exactly, and nothing else is changed."""

from collections.abc import Callable

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from rag.finding.spelling import edits, respelled
from rag.retrieval import retrieve

TEXTS = {
    "lease": "The landlord is Olga Petrov. The deposit is kept at the bank.",
    "council": "The council was led by Kazimir Havranovsky, who was born in Brno. It met in the old harbour house.",
    "clinic": "The surgeon has done a nephrotomy, and later rested.",
}


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("who is teh landlrod", "who is teh landlord"),
        ("how much is the depsoit?", "how much is the deposit?"),
        ("Where was Havranovski born?", "Where was Havranovski born?"),  # the stem is the same: found as it is
        ("Where was Havronowsky born?", "Where was Havranovsky born?"),
        ("When did the counncil meet?", "When did the council meet?"),
        ("Where is the horse?", "Where is the horse?"),  # another word, and not a slip
        ("Who had a nephrectomy?", "Who had a nephrectomy?"),
        ("Where is Olga Petrov?", "Where is Olga Petrov?"),
    ],
)
def test_a_word_that_no_document_has_is_read_as_the_one_that_is_meant(
    make_collection: Callable[..., Collection], encoder: Encoder, question: str, meant: str
) -> None:
    with make_collection(**TEXTS).reading() as snapshot:
        spelled = respelled(question, snapshot, encoder)
        assert spelled.text == meant
        assert bool(spelled.notice) == (question != meant)


def test_the_notice_says_what_was_read_and_the_passage_is_found(
    make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    with make_collection(**TEXTS).reading() as snapshot:
        spelled = respelled("who is teh landlrod", snapshot, encoder)
        assert spelled.notice == "no document has 'landlrod': read as 'landlord'"
        assert retrieve(snapshot, encoder, spelled.text, 1)[0].passage.doc_id == "lease.txt"


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("landlrod", "landlord", 1), ("abc", "abc", 0), ("", "abc", 3), ("kitten", "sitting", 3)],
)
def test_edits_are_counted_with_a_swap_as_one(one: str, other: str, count: int) -> None:
    assert edits(one, other) == edits(other, one) == count
