"""Excerpts: what is left out of a text as no words, and which sentences of a long one are kept."""

import pytest

from index.encoder.embedding import bundled_folder
from rag.reading import reader as reading
from rag.reading.model_files import load_tokenizer
from rag.support.excerpt import excerpt, plain

SENTENCES = [
    "The mill of Norwick opened early.",
    "Rain is common there.",
    "Its founder was Ada Brandt.",
    "The river froze.",
    "The mill made cloth.",
]
TEXT = " ".join(SENTENCES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It burned [2][3, 4].", "It burned."),
        ("[1] https://mills.example/1874?a=b **It** burned", "It burned"),
        ("In [brackets] it stays [a].", "In [brackets] it stays [a]."),
        ("[1]", "[1]"),
    ],
)
def test_marks_and_addresses_are_left_out(text: str, expected: str) -> None:
    assert plain(text) == expected


def _n_pieces(*sentences: str) -> int:
    return sum(len(pieces.ids) for pieces in reading.to_pieces(load_tokenizer(bundled_folder()), sentences))


@pytest.mark.parametrize(
    ("claim", "room", "expected"),
    [
        ("Ada Brandt founded it.", _n_pieces(TEXT), TEXT),
        ("Ada Brandt was the founder.", _n_pieces(SENTENCES[2]), SENTENCES[2]),
        ("Ada Brandt was the founder of the mill.", _n_pieces(*SENTENCES[::2][:2]), " ".join(SENTENCES[::2][:2])),
        ("Quite another matter", _n_pieces(SENTENCES[0]), SENTENCES[0]),
        ("Ada Brandt was the founder.", 2, SENTENCES[2]),
    ],
)  # fmt: skip
def test_the_sentences_that_share_most_are_kept_in_their_order(claim: str, room: int, expected: str) -> None:
    assert excerpt(claim, TEXT, load_tokenizer(bundled_folder()), room) == expected
