"""Sections that say alike of different things are read one by one, told apart by their headings."""

from collections.abc import Callable

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from rag.answering import Models, answer
from rag.citations import Sources
from rag.reading.alike_sections import best_sections, in_alike_sections
from rag.reading.reader import Reader
from rag.retrieval import retrieve

QUARTERS = "# Gas bills of Kiln House\n\n" + "\n\n".join(
    f"## Bill of the quarter {n} of 2031\n\nThe meter was read by the agent on the third.\n\nThe rent of the meter was "
    f"paid by the tenants.\n\nGas used: {used} cubic metres\n\nTo pay: {price} crowns"
    for n, (used, price) in enumerate([(410, "96.20"), (388, "91.05"), (402, "94.40"), (511, "120.75"), (399, "93")], 1)
)
HUTS = """# Huts of the Sarn club

The club keeps four huts, of which the warden of each writes once a year.

## Alvik

The warden is Pia Norrby and the hut was built in 1961. It has 14 beds.

## Brenna

The warden is Jon Aasen and the hut was built in 1974. It has 22 beds.

## Corrie

The warden is Moira Reid and the hut was built in 1988. It has 9 beds.

## Drangen

The warden is Lars Holt and the hut was built in 2006. It has 30 beds.
"""
STORY = """# A walk

## Morning

We left the hut at six and came to the river, which was high after the rain of the week before.

## Noon

A goat took the bread out of the sack while Ines slept, and nobody saw where it went with it.

## Evening

The lamp had no oil. Everybody went to bed early, and the wind kept on until the sun came up.
"""


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How much was to pay in quarter 4?", "120.75 crowns"),
        ("How much gas was used in quarter 2?", "388 cubic metres"),
    ],
)
def test_each_of_alike_sections_says_what_is_its_own(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader, question: str, words: str
) -> None:
    assert answer(make_collection(bills=QUARTERS), Models(encoder, reader), question).direct == words


def test_a_heading_answers_where_a_sentence_below_it_says_what_is_asked(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    a = answer(make_collection(huts=HUTS), Models(encoder, reader), "Which hut was built in 1974?")
    assert a.direct == "Brenna"
    assert [c.quote for c in a.citations] == ["The warden is Jon Aasen and the hut was built in 1974."]
    assert a.citations[0].headings[-1] == "Brenna"
    assert HUTS[a.answers[0].start : a.answers[0].end] == "Brenna"


def test_a_section_that_is_not_there_is_told_and_not_answered_by_another(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    models, collection = Models(encoder, reader), make_collection(huts=HUTS)
    assert answer(collection, models, "How many beds does Corrie have?").direct in ("9", "9 beds")
    assert answer(collection, models, "How many beds does Fjellbu have?").abstained


def test_only_short_sections_that_share_their_words_are_read_one_by_one(
    make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    collection = make_collection(huts=HUTS, walk=STORY)
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        hits = retrieve(snapshot, encoder, "Who is the warden of the hut at Corrie, and who went to the river?")
        alike = list(in_alike_sections(hits, sources).values())
        assert {hit.passage.doc_id for hit in alike} == {"huts.txt"}
        assert len({hit.order for hit in alike}) == 1
        sections = best_sections("Who is the warden of Corrie?", alike, sources, most=3)
        assert sections[0].text.startswith("## Corrie")
        assert len(sections) == 3
        assert all(e.text.count("The warden is") == 1 for e in sections)
