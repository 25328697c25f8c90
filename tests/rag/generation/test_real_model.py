"""The form that answers have with the real small model; minutes long, and skipped where its package is absent."""

import re
from collections.abc import Callable

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from rag.answering import Models, answer
from rag.generation.gguf_file import PACKAGED, packaged_here
from rag.generation.local_model import LocalModel
from rag.generation.quoting import says
from rag.reading.reader import Reader
from rag.support.model import bundled_support

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("smollm2" not in packaged_here(), reason=f"absent; {PACKAGED['smollm2'].advice}"),
]

MILL = (
    "The mill of Norwick opened in 1874. Its founder was the weaver Ada Brandt, who had come from Ellerby. "
    "It made cloth until the river froze in 1902. The town's library, in the old mill since 1990, lends 41 violins."
)
ASKED = {
    "When did the mill of Norwick open?": "1874",
    "Who founded the mill at Norwick?": "Ada Brandt",
    "How many violins does the library of Norwick lend?": "41 violins",
    "Until when did the Norwick mill make cloth?": "until the river froze in 1902",
}


def test_each_answer_is_plain_sentences_that_have_the_words_and_are_borne_out(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    models = Models(encoder, reader, LocalModel("smollm2"), bundled_support())
    collection = make_collection(mill=MILL)
    own = 0
    for question, words in ASKED.items():
        given = answer(collection, models, question)
        assert not given.abstained
        assert says(given.text, words), given.text
        assert {claim.verdict for claim in given.claims} == {"supported"}
        assert all(claim.labels for claim in given.claims)
        for claim in given.claims:
            assert re.fullmatch(r"[^\n\[\]*#]{8,300}", claim.text), claim.text
            own += not claim.quoted_instead
    assert own >= 2  # it is asked in a form in which it can say something
    assert answer(collection, models, "Who sold the mill of Norwick in 1850?").seconds["generate"] == 0.0
