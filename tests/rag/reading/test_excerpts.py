"""Excerpts: what the reader is shown stands in the document at the characters that it is said to."""

from collections.abc import Callable

from index.collection import Collection
from index.encoder.embedding import Encoder
from rag.citations import Sources
from rag.confidence import confidence_of, signals
from rag.reading.candidates import find_candidates
from rag.reading.excerpts import excerpts, led
from rag.reading.order import in_reading_order
from rag.reading.reader import Readers
from rag.retrieval import retrieve

MILL = """# The mill

The council of the town bought the mill in 1931 from the Brandt family, who had owned it for two centuries.

## Its wheel

The wheel was made of oak and weighed three tonnes. It was taken down in May after a long and costly dispute.

Ada Brandt, a carpenter, repaired it with her two sons. She was paid forty crowns for the work by the council.
"""


def test_every_character_of_an_excerpt_is_found_in_its_document(
    make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    collection = make_collection(mill=MILL, other="The harbour was dredged in the spring by a firm from the coast.\n")
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        hits = retrieve(snapshot, encoder, "Who repaired the wheel of the mill?")
        shown = excerpts(hits, sources, most=4)
        for excerpt in shown:
            text = sources.document(excerpt.hit.passage.doc_id).text
            for stretch in excerpt.stretches:
                length = stretch.end - stretch.start
                assert excerpt.text[stretch.at : stretch.at + length] == text[stretch.start : stretch.end]
                assert excerpt.place(stretch.at, stretch.at + length) == (stretch.start, stretch.end)
        mills = [e for e in shown if "carpenter" in e.text]
        assert len(mills) == 1  # neighbours are shown together, once
        assert "three tonnes" in mills[0].text
        assert all(any(e.covers(hit.passage) for e in shown) for hit in hits)
        repaired = next(hit.passage for hit in hits if "carpenter" in hit.passage.text)
        assert "Its wheel" in led(repaired, sources)


def test_the_order_by_reading_puts_the_passage_that_answers_first(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Readers
) -> None:
    collection = make_collection(mill=MILL, other="The harbour was dredged in the spring by a firm from the coast.\n")
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        found = list(reversed(retrieve(snapshot, encoder, "Who repaired the wheel?")))
        ordered = in_reading_order("Who repaired the wheel?", found, sources, reader)
        assert [hit.rank for hit in ordered] == list(range(1, len(found) + 1))
        assert {hit.passage.passage_id for hit in ordered} == {hit.passage.passage_id for hit in found}
        assert [hit.order for hit in ordered] == sorted((hit.order for hit in ordered), reverse=True)
        assert "repaired" in ordered[0].passage.text
        right = confidence_of(signals(find_candidates("Who repaired the wheel?", ordered, sources, reader), ordered))
        elsewhere = "What did the king of the islands say of the war?"
        wrong = confidence_of(signals(find_candidates(elsewhere, ordered, sources, reader), ordered))
    assert wrong < right
    assert confidence_of(None) == 0.0
