"""Paragraph and sentence spans: offsets that always resolve, and the places where a split belongs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.paragraphs import Kind, Paragraph, headings_above, paragraph_spans, stored_paragraph
from index.sentences import sentence_spans, unit_spans

ANY_TEXT = st.text(max_size=300)
# Text that looks like prose, with what trips splitters: quotes, abbreviations, blank lines, odd spaces, emoji.
PROSE = st.lists(
    st.sampled_from(
        [
            "He left the U.S. in 1991.",
            "“Is it so? It is.”",
            "J. K. Smith said no.",
            "\n\n",
            "\r",
            "\n",
            " ",
            "\u2028",
            "\x85",
            "…",
            "😀",
            "e\u0301",
            "(a. b.)",
            "'tis",
            "No",
            "!",
            "?”",
            "#",
            "# Title",
            "a" * 130,
            "\t",
            "\u00a0",
            "。",
        ]
    ),
    max_size=30,
).map("".join)


def assert_covers(text: str, spans: list[tuple[int, int]], start: int, end: int) -> None:
    """Spans are in order, without overlap, trimmed, not empty, and only white space lies outside them."""
    position = start
    for left, right in spans:
        assert position <= left < right <= end
        assert text[position:left].strip() == ""
        assert text[left:right] == text[left:right].strip()
        position = right
    assert text[position:end].strip() == ""


@given(st.one_of(ANY_TEXT, PROSE))
def test_paragraphs_cover_any_text_and_only_white_space_is_outside(text: str) -> None:
    assert_covers(text, paragraph_spans(text), 0, len(text))


@given(st.one_of(ANY_TEXT, PROSE))
def test_sentences_cover_any_text_and_only_white_space_is_outside(text: str) -> None:
    assert_covers(text, sentence_spans(text), 0, len(text))


@given(st.one_of(ANY_TEXT, PROSE), st.data())
def test_sentences_of_a_part_stay_inside_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert_covers(text, sentence_spans(text, start, end), start, end)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.\n\nTwo.", ["One.", "Two."]),
        ("One.\n \t\n\n  Two. ", ["One.", "Two."]),
        ("A line that is wrapped\nby its mailer.", ["A line that is wrapped\nby its mailer."]),
        ("Headline\n" + "word " * 40 + "end.", ["Headline", "word " * 40 + "end."]),
        ("# Title\nText below it.\n## Part\nMore.", ["# Title", "Text below it.", "## Part", "More."]),
        ("", []),
        (" \n\n \n", []),
    ],
)
def test_blank_lines_long_lines_and_heading_lines_part_paragraphs(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in paragraph_spans(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He met U.S. officials. They left.", ["He met U.S. officials.", "They left."]),
        ("J. K. Example wrote it. Dr. Sample read it.", ["J. K. Example wrote it.", "Dr. Sample read it."]),
        (
            "“That way is shut. It will stay shut,” the envoy said. “He knows it. He can’t say so.”",
            ["“That way is shut.", "It will stay shut,” the envoy said.", "“He knows it.", "He can’t say so.”"],
        ),
        ("They spoke of a “union of states.” Fear grew.", ["They spoke of a “union of states.”", "Fear grew."]),
        ('"It is late. We go," she said.', ['"It is late.', 'We go," she said.']),
        ("“I’m ready to give land again,” he told reporters.", ["“I’m ready to give land again,” he told reporters."]),
        ("It cost 3.5 million. Cheap!", ["It cost 3.5 million.", "Cheap!"]),
        ("It closed.[3, 4] It opened.[12][a] [Sic] it.", ["It closed.[3, 4]", "It opened.[12][a]", "[Sic] it."]),
        ("**May 2014.** Rain. _So._ It fell.", ["**May 2014.**", "Rain.", "_So._", "It fell."]),
        ("See Plan A\xa0. It failed.", ["See Plan A\xa0.", "It failed."]),
    ],
)
def test_sentences_survive_initials_and_abbreviations_and_quotations_are_split(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in sentence_spans(text)] == expected


@pytest.mark.parametrize("sentence", ["This is a sentence of words.", "“It is late,” said Dr. A. Example. “Is it?”"])
def test_a_long_paragraph_has_the_sentences_of_its_parts(sentence: str) -> None:
    text = f"{sentence} " * 1000
    assert {text[a:b] for a, b in sentence_spans(text)} == {sentence[a:b] for a, b in sentence_spans(sentence)}


def test_letters_without_end_are_cut_all_the_same() -> None:
    assert sentence_spans("x" * 50_000) == [(0, 20_000), (20_000, 40_000), (40_000, 50_000)]


def test_quotation_marks_that_never_close_do_not_take_forever() -> None:
    text = "“" * 60_000 + " end."
    assert "".join(text[a:b] for a, b in sentence_spans(text)).replace(" ", "") == text.replace(" ", "")


def test_kind_and_level_are_stored_as_one_word_and_read_back_as_before() -> None:
    heading = Paragraph("d", 3, 5, 9, Kind.HEADING, 2)
    assert heading.stored_kind == "heading 2"
    assert Paragraph("d", 1, 0, 4, Kind.LIST_ITEM).stored_kind == "list item"
    assert stored_paragraph("d", 3, 5, 9, "heading 2") == heading
    assert stored_paragraph("d", 1, 0, 4, "list item") == Paragraph("d", 1, 0, 4, Kind.LIST_ITEM)


def test_each_paragraph_has_its_path_of_headings_by_levels_that_are_stated_or_marked() -> None:
    lines = ["Sites", "## North", "one", "### Boats", "two", "South", "three"]
    text = "\n\n".join(lines)
    kinds = [Kind.HEADING, Kind.HEADING, Kind.BODY, Kind.HEADING, Kind.BODY, Kind.HEADING, Kind.BODY]
    levels = [0, 0, 0, 3, 0, 2, 0]
    paragraphs = [
        Paragraph("d", n, text.index(line), text.index(line) + len(line), kind, level)
        for n, (line, kind, level) in enumerate(zip(lines, kinds, levels, strict=True), 1)
    ]
    above = headings_above(text, paragraphs)
    assert above == {
        1: (),
        2: ("Sites",),
        3: ("Sites", "North"),
        4: ("Sites", "North"),
        5: ("Sites", "North", "Boats"),
        6: ("Sites",),
        7: ("Sites", "South"),
    }


@pytest.mark.parametrize(
    ("kind", "text", "units"),
    [
        (Kind.TABLE_ROW, "| a. B | c. D |", ["| a. B | c. D |"]),
        (Kind.LIST_ITEM, "E4: too hot. Let it cool.", ["E4: too hot. Let it cool."]),
        (Kind.CODE, "make all\n\n  make test", ["make all", "make test"]),
        (Kind.BODY, "It rained. It stopped.", ["It rained.", "It stopped."]),
    ],
)
def test_a_row_and_a_short_item_are_cited_whole_and_code_by_the_line(kind: Kind, text: str, units: list[str]) -> None:
    paragraph = Paragraph("d", 1, 2, 2 + len(text), kind)
    assert [f"# {text}"[a:b] for a, b in unit_spans(f"# {text}", paragraph)] == units
