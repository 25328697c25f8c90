"""Excerpts: what the reader is shown stands in the document at the characters that it is said to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.formats.content import HEAD_ROW
from index.paragraphs import Kind
from rag.citations import Sources
from rag.confidence import confidence_of, signals
from rag.reading.candidates import find_candidates
from rag.reading.excerpts import excerpt_of, excerpts, led
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
            for start, end, place in excerpt.shown.pieces:
                assert excerpt.text[start:end] == text[place : place + end - start]
                assert excerpt.place(start, end) == (place, place + end - start)
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
        right = confidence_of(signals(find_candidates("Who repaired the wheel?", ordered, sources, reader)))
        elsewhere = "What did the king of the islands say of the war?"
        wrong = confidence_of(signals(find_candidates(elsewhere, ordered, sources, reader)))
    assert wrong < right
    assert confidence_of(None) == 0.0


PLACES = [
    (Kind.HEADING, "# Turku"),
    (Kind.BODY, "The castle stands at the mouth of the river. It is 700 years old."),
    (Kind.FURNITURE, "Read more: ten castles"),
    (Kind.BODY, "She restored it in 1961 — for £3.5 million. The work took 15 years."),
    (Kind.HEADING, "# Oulu"),
    (Kind.BODY, "Its bridge fell in 1998. Nobody was hurt."),
]


def test_an_excerpt_leaves_furniture_out_and_says_where_its_characters_stand(shelf: Callable[..., Any]) -> None:
    made, sources = shelf(finland=PLACES)
    excerpt = excerpt_of(made.hit("finland", "She restored it in 1961 — for £3.5 million."), sources)
    document = made.documents["finland"].text
    assert "castle stands" in excerpt.text
    assert "Read more" not in excerpt.text
    for words in ("1961", "£3.5 million", "The castle", "15 years.", "700", "1998"):
        at = excerpt.text.index(words)
        start, end = excerpt.place(at, at + len(words)) or (0, 0)
        assert (start, document[start:end]) == (document.index(words), words)
    assert excerpt.title == "Of finland"


def test_characters_on_both_sides_of_what_was_left_out_are_those_of_the_side_with_most(
    shelf: Callable[..., Any],
) -> None:
    made, sources = shelf(finland=PLACES)
    excerpt = excerpt_of(made.hit("finland", "She restored it in 1961 — for £3.5 million."), sources)
    document = made.documents["finland"].text
    place = excerpt.place(excerpt.text.index("old."), excerpt.text.index("She restored") + len("She restored"))
    assert place is not None
    assert document[slice(*place)] == "She restored"


def test_the_heading_above_is_shown_however_far_above_it_is(shelf: Callable[..., Any]) -> None:
    filler = [(Kind.BODY, f"Sentence {number} says {'nothing ' * 12}at all.") for number in range(40)]
    made, sources = shelf(
        town=[(Kind.HEADING, "# Turku"), *filler, (Kind.HEADING, "# Oulu"), (Kind.BODY, "It rained.")]
    )
    words = filler[20][1]
    excerpt = excerpt_of(made.hit("town", words), sources)
    assert excerpt.text.startswith("# Turku\n\n")
    assert "# Oulu" not in excerpt.text
    assert excerpt.place(0, 7) == (0, 7)
    shown = [text for _, text in filler if text in excerpt.text]
    assert words in shown
    assert 3 <= len(shown) < 15
    assert excerpt.text == "\n\n".join(["# Turku", *shown])  # whole sentences
    assert led(made.hit("town", words).passage, sources) == f"# Turku\n{filler[19][1]}\n{words}"


def test_a_passage_that_was_shown_is_not_shown_again_and_no_more_than_asked_for(shelf: Callable[..., Any]) -> None:
    made, sources = shelf(one=PLACES, two=PLACES)
    hits = [
        made.hit("one", "The castle stands at the mouth of the river.", 1),
        made.hit("one", "The work took 15 years.", 2),
        made.hit("two", "The work took 15 years.", 3),
    ]
    assert [excerpt.hit.rank for excerpt in excerpts(hits, sources, most=4)] == [1, 3]
    assert [excerpt.hit.rank for excerpt in excerpts(hits, sources, most=1)] == [1]
    assert excerpts([], sources, most=4) == []


def test_a_title_that_the_text_begins_with_is_not_said_twice(shelf: Callable[..., Any]) -> None:
    made, sources = shelf(bridge=[(Kind.BODY, "Of bridge and road. It fell in 1998.")])
    assert excerpt_of(made.hit("bridge", "It fell in 1998."), sources).title == ""


def test_an_excerpt_begins_with_a_whole_sentence_where_furniture_next_to_it_was_left_out(
    shelf: Callable[..., Any],
) -> None:
    far = " ".join(f"Number {n} of the long account of the mill was read aloud." for n in range(40))
    made, sources = shelf(
        mill=[(Kind.BODY, far), (Kind.FURNITURE, "Read more about mills. " * 12), (Kind.BODY, "The wheel is oak.")]
    )
    excerpt = excerpt_of(made.hit("mill", "The wheel is oak."), sources)
    assert "Number 39 of" in excerpt.text
    assert excerpt.text.startswith("Number ")


SITES = [
    (Kind.HEADING, "# Works of the company"),
    (Kind.BODY, "It has two sites."),
    (Kind.HEADING, "## Turku"),
    (Kind.HEADING, "### Staff"),
    (Kind.TABLE_ROW, "Year | Weavers | Dyers"),
    (Kind.TABLE_ROW, "1931 | 40 | "),
    (Kind.TABLE_ROW, "1932 | | 12"),
]


def test_the_reader_and_the_order_see_the_path_of_headings_above_and_each_cell_with_its_columns_head(
    shelf: Callable[..., Any],
) -> None:
    made, sources = shelf(works=SITES)
    made.kinds["works"][4] = replace(made.kinds["works"][4], level=HEAD_ROW)
    hit = made.hit("works", "1932 | | 12")
    seen = "Year: 1932; Weavers: -; Dyers: 12"
    assert led(hit.passage, sources).splitlines()[:3] == ["# Works of the company", "## Turku", "### Staff"]
    assert led(hit.passage, sources).endswith(seen)
    assert "Dyers: 12" in excerpt_of(hit, sources).text


def test_a_heading_or_path_longer_than_its_room_is_cut_and_the_highest_left_out(shelf: Callable[..., Any]) -> None:
    long = "## " + "On the mending of mills " * 8
    made, sources = shelf(mill=[(Kind.HEADING, "# Mills"), (Kind.HEADING, long), (Kind.BODY, "It was mended in 1931.")])
    hit = made.hit("mill", "It was mended in 1931.")
    assert led(hit.passage, sources) == f"# Mills\n{long[:120]}\nIt was mended in 1931."
    longer = [(Kind.HEADING, "# " + "Mills and wheels " * 6), (Kind.HEADING, long)]
    made, sources = shelf(mill=[*longer, (Kind.BODY, "It was mended in 1931.")])
    assert led(made.hit("mill", "It was mended in 1931.").passage, sources) == f"{long[:120]}\nIt was mended in 1931."
