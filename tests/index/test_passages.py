"""Windows: whole sentences that fit the encoder, from body and captions only."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.cleaning.furniture import classify
from index.encoder.embedding import Encoder
from index.intake.indexing import row_document
from index.paragraphs import Kind
from index.passages import Window, encoder_inputs, windows
from index.sentences import sentence_spans

BODY = "The committee of the town met on Tuesday and agreed to mend the old bridge before the winter comes."


def cut(text: str, encoder: Encoder, *, title: str | None = None, budget: int = 254) -> list[Window]:
    document = row_document("d", "s", text, title=title)
    return windows(document, classify(text, "d", title=title), encoder.count_pieces, budget)


def texts(text: str, parts: list[Window]) -> list[str]:
    return [text[w.start : w.end] for w in parts]


def test_each_paragraph_is_a_passage_and_a_caption_stands_alone(encoder: Encoder) -> None:
    text = f"How it began\n\n{BODY}\n\nPhoto: Harbour Post\n\n{BODY} Again."
    assert texts(text, cut(text, encoder)) == [BODY, "Photo: Harbour Post", f"{BODY} Again."]


def test_a_short_paragraph_is_joined_to_its_neighbour(encoder: Encoder) -> None:
    text = f"{BODY}\n\n“So it is,” she said.\n\n{BODY} Again, and for longer than before."
    assert len(cut(text, encoder)) == 1


def test_a_heading_goes_with_all_that_stands_below_it_and_is_in_no_passage(encoder: Encoder) -> None:
    text = f"# The bridge\n\n{BODY}\n\n## An old quarrel\n\n{BODY} It rained.\n\n{BODY} It stopped."
    parts = cut(text, encoder, title="The bridge")
    assert [w.heading for w in parts] == [None, "An old quarrel", "An old quarrel"]
    assert not any("quarrel" in t for t in texts(text, parts))


def test_the_encoder_sees_the_nearest_heading_and_the_words_searched_are_of_all(encoder: Encoder) -> None:
    text = f"# Works\n\n## Harbour\n\n### Cranes\n\n{BODY}\n\n{BODY} Again."
    document = row_document("d", "s", text)
    paragraphs = classify(text, "d")
    parts = windows(document, paragraphs, encoder.count_pieces, 254)
    assert [w.heading for w in parts] == ["Cranes\nHarbour\nWorks"] * 2
    inputs = encoder_inputs(document, paragraphs, parts, encoder.count_pieces)
    assert inputs == [f"Cranes\n{BODY}", f"Cranes\n{BODY} Again."]


@pytest.mark.parametrize(
    ("source", "title", "words"),
    [
        ("/home/ann/cv/CV_MariaLindgren-2021.pdf", None, "maria lindgren"),
        ("/home/ann/maria-lindgren.docx", "Maria's curriculum", "lindgren"),
        ("/home/ann/scan0001.pdf", None, ""),
        ("/home/ann/people.csv#12", None, ""),
        ("MED-10", None, ""),
    ],
)
def test_what_the_name_of_a_file_says_is_searched_and_not_embedded(
    encoder: Encoder, source: str, title: str | None, words: str
) -> None:
    document = row_document("d", source, f"{BODY} She led it.", title=title)
    paragraphs = classify(document.text, "d", title=title)
    parts = windows(document, paragraphs, encoder.count_pieces, 254)
    assert [w.heading for w in parts] == [words or None]
    shown = encoder_inputs(document, paragraphs, parts, encoder.count_pieces)
    assert shown == ["\n".join(filter(None, (title, document.text)))]


def test_a_long_paragraph_is_cut_between_sentences_into_even_parts(encoder: Encoder) -> None:
    text = " ".join(f"{BODY[:-1]}, number {n}." for n in range(14))
    parts = cut(text, encoder)
    assert texts(text, parts)
    assert all(n <= 254 for n in encoder.count_pieces(texts(text, parts)))
    ends = {end for _, end in sentence_spans(text)}
    assert all(w.end in ends for w in parts)
    sizes = encoder.count_pieces(texts(text, parts))
    assert min(sizes) > 0.6 * max(sizes)


def test_a_sentence_longer_than_a_window_is_cut_between_words_and_loses_nothing(encoder: Encoder) -> None:
    text = "word " * 2000 + "a" * 3000
    parts = cut(text, encoder)
    assert "".join(texts(text, parts)).replace(" ", "") == text.replace(" ", "")
    assert all(n <= 254 for n in encoder.count_pieces(texts(text, parts)))


def test_a_very_long_title_leaves_room_for_the_text(encoder: Encoder) -> None:
    document = row_document("d", "s", BODY, title="a very long title " * 100)
    paragraphs = classify(BODY, "d")
    parts = windows(document, paragraphs, encoder.count_pieces, 254)
    (seen,) = encoder_inputs(document, paragraphs, parts, encoder.count_pieces)
    assert seen.endswith(BODY)
    assert encoder.count_pieces([seen])[0] <= 254


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(["Menu", BODY, "So.", "# Head", "Photo: X Y", "…", "é😀 \u2028.", "x" * 300]), max_size=8)
)
def test_windows_never_overlap_and_hold_all_body_and_captions_and_nothing_else(
    encoder: Encoder, blocks: list[str]
) -> None:
    text = "\n\n".join(blocks)
    parts = cut(text, encoder, budget=64)
    held = set()
    for w in parts:
        span = {i for i in range(w.start, w.end) if not text[i].isspace()}
        assert span
        assert not held & span
        held |= span
    wanted = {
        i
        for p in classify(text, "d")
        if p.kind in (Kind.BODY, Kind.CAPTION)
        for i in range(p.start, p.end)
        if not text[i].isspace()
    }
    assert held == wanted


TABLE = "## Crews\n\n| Boat | Crew |\n|---|---|\n" + "\n".join(f"| Tern {n} | {n} hands |" for n in range(30))


def test_rows_make_passages_with_heads_to_the_encoder_and_to_the_words(encoder: Encoder) -> None:
    text = f"# Boats\n\n{BODY}\n\n{TABLE}"
    document = row_document("d", "s", text, title="Boats")
    paragraphs = classify(text, "d", title="Boats")
    parts = windows(document, paragraphs, encoder.count_pieces, 254)
    assert len(parts) > 3
    assert [w.heading for w in parts[1:]] == ["Crews\nBoat | Crew"] * (len(parts) - 1)
    seen = encoder_inputs(document, paragraphs, parts, encoder.count_pieces)
    assert seen[-1].startswith("Boats\nCrews\nBoat: Tern ")
    assert seen[-1].endswith("Boat: Tern 29; Crew: 29 hands")
    assert all(n <= 254 for n in encoder.count_pieces(seen))
    assert texts(text, parts)[-1].endswith("| Tern 29 | 29 hands |")


def test_a_line_that_leads_to_a_list_or_to_code_is_found_with_it(encoder: Encoder) -> None:
    text = f"# Mill\n\n{BODY}\n\nTo start it:\n\n```\nmill start\n```\n\nThe stores are:\n\n- flour\n- salt"
    assert texts(text, cut(text, encoder)) == [
        BODY,
        "To start it:\n\n```\nmill start",
        "The stores are:\n\n- flour\n- salt",
    ]
