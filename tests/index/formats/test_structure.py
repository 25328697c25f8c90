"""What lines show: headings, lists, tables, code and notes, marked or not; and prose that stays whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.formats.content import FIRST_ROW, HEAD_ROW
from index.formats.structure import gap_columns, structure

PROSE = "The committee of the town met on Tuesday and agreed, after long debates, to mend the old bridge before winter."


def seen(text: str) -> list[tuple[str, int, str]]:
    return [(b.kind.value, b.level, text[b.start : b.end]) for b in structure(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One\n\n### Three\ntext", [("heading", 1, "# One"), ("heading", 3, "### Three")]),
        ("Title\n=====\n\nPart\n----\n", [("heading", 1, "Title"), ("heading", 2, "Part")]),
        ("**Who mends it?**\nNobody yet.", [("heading", 0, "**Who mends it?**")]),
        ("```sh\nmake all\n\nmake test\n```\nend", [("code", 0, "make all\n\nmake test")]),
        ("# A\n\n    make all\n\nend", [("heading", 1, "# A"), ("code", 0, "make all")]),
        ("- one\n- two\n  goes on\n  - deep", [("list item", 1, "one"), ("list item", 1, "two\n  goes on"),
                                               ("list item", 2, "deep")]),
        ("1. First.\n\n2. Second.", [("list item", 1, "1. First."), ("list item", 1, "2. Second.")]),
        ("- [ ] buy bread\n- [x] sell cake", [("list item", 1, "[ ] buy bread"), ("list item", 1, "[x] sell cake")]),
        ("Keel\n: A beam below.\nMast\n: A pole above.", [("list item", 1, "Keel\n: A beam below."),
                                                       ("list item", 1, "Mast\n: A pole above.")]),
        ("[^1]: Since 2019.", [("footnote", 0, "[^1]: Since 2019.")]),
        ("Stores\nFlour: 3 sacks\nSalt: none", [("heading", 0, "Stores"), ("list item", 1, "Flour: 3 sacks"),
                                             ("list item", 1, "Salt: none")]),
        ("3 eggs\n200 g flour\n1 lemon", [("list item", 1, "3 eggs"), ("list item", 1, "200 g flour"),
                                        ("list item", 1, "1 lemon")]),
        ("[3/4/2024, 09:14] Ann: who has it?\n[3/4/2024, 09:15] Bo: I do", [
            ("list item", 1, "[3/4/2024, 09:14] Ann: who has it?"), ("list item", 1, "[3/4/2024, 09:15] Bo: I do")]),
    ],
)  # fmt: skip
def test_marks_and_lines_that_were_broken_on_purpose_show_what_they_are(
    text: str, expected: list[tuple[str, int, str]]
) -> None:
    assert seen(text) == expected


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("| Boat | Port |\n|---|---|\n| Tern | 4 |", [(HEAD_ROW, "| Boat | Port |"), (0, "| Tern | 4 |")]),
        ("Boat | Crew\nTern | 4\nGull |", [(HEAD_ROW, "Boat | Crew"), (0, "Tern | 4"), (0, "Gull |")]),
        ("Ann | baker | 12\nBo | smith | 13", [(FIRST_ROW, "Ann | baker | 12"), (0, "Bo | smith | 13")]),
        ("Name\tPhone\nAnn\t12\nBo\t13", [(HEAD_ROW, "Name\tPhone"), (0, "Ann\t12"), (0, "Bo\t13")]),
        ("Boat    Crew\nTern    4\nGull    12", [(HEAD_ROW, "Boat    Crew"), (0, "Tern    4"), (0, "Gull    12")]),
    ],
)
def test_a_table_is_seen_by_its_bars_tabs_or_wide_gaps(text: str, rows: list[tuple[int, str]]) -> None:
    assert seen(text) == [("table row", level, row) for level, row in rows]


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "It was late when the last of them came home, and nobody\nsaid a word about the bridge or the money that\n"
        "had been lost there in the spring.",
        "Home | News | Sport",
        "- He said nothing.",
        "[Home](/)\n[News](/n)\n[Sport](/s)",
        "She bought two things:  bread and  wine.\nThen she left.",
    ],
)
def test_prose_and_rows_of_links_show_nothing(text: str) -> None:
    assert seen(text) == []


def test_a_leading_block_gives_up_what_is_no_documents_own() -> None:
    text = f"---\ntitle: Ropes\nkeeper: Ann Example\n---\n\n{PROSE}"
    assert seen(text) == [("furniture", 0, "title: Ropes"), ("list item", 0, "keeper: Ann Example")]
    whole = f"---\ntitle: Ropes\ndate: 2021-05-04\n---\n\n{PROSE}"
    assert seen(whole) == [("furniture", 0, "---\ntitle: Ropes\ndate: 2021-05-04\n---")]


def test_columns_begin_where_every_row_has_a_gap() -> None:
    assert gap_columns(["ab   cd   e", "abc  c    ef", "a"]) == [5, 10]
    assert gap_columns(["one two", "three four"]) == []


MARKS = ["# a", "- b", "1. c", "| d | e |", "|---|---|", "f\tg", "```", "    h", "i: j", "[^1]: k", "", "l   m", PROSE]


@given(st.lists(st.sampled_from(MARKS), max_size=12).map("\n".join) | st.text(max_size=200))
def test_what_is_seen_lies_in_order_and_holds_no_white_space_at_its_ends(text: str) -> None:
    at = 0
    for block in structure(text):
        assert at <= block.start < block.end <= len(text)
        assert text[block.start : block.end] == text[block.start : block.end].strip()
        at = block.end


CHAT = """21.05.31, 09:14 - Ada: who has the key of the boat?
21.05.31, 09:15 - Bo: I have it
and the spare one
21.05.31, 09:16 - Ada: good"""


def test_a_line_of_a_chat_is_an_item_with_the_lines_that_go_on_with_it() -> None:
    stamped = CHAT.split("\n21.")
    assert seen(CHAT) == [("list item", 1, stamped[0]), *(("list item", 1, f"21.{line}") for line in stamped[1:])]
    assert seen("[09:14] <ada> who?\n[09:15] <bo> me") == [
        ("list item", 1, "[09:14] <ada> who?"),
        ("list item", 1, "[09:15] <bo> me"),
    ]


def test_questions_are_headings_of_their_answers_and_so_are_labels_in_capitals() -> None:
    assert seen("Q: When is it open?\nA: In May.\nAnd in June.\nQ: Who opens it?\nA: Ada.") == [
        ("heading", 2, "Q: When is it open?"),
        ("body", 0, "A: In May.\nAnd in June."),
        ("heading", 2, "Q: Who opens it?"),
        ("body", 0, "A: Ada."),
    ]
    assert seen("LANGUAGES\nNorwegian, German and a little of the others.")[0] == ("heading", 2, "LANGUAGES")


def test_numbers_of_several_levels_are_a_list_of_these() -> None:
    clauses = ["1. TERM", "1.1 It runs for two years.", "1.2 It ends in May.", "2. RENT", "2.1 It is 40 crowns."]
    assert seen("\n".join(clauses)) == [("list item", 1 + ("." in c.split()[0][:-1]), c) for c in clauses]


def test_rows_parted_by_semicolons_or_commas_are_a_table_and_prose_with_commas_is_not() -> None:
    for mark in ";,":
        rows = [mark.join(cells) for cells in (("Name", "Seats", "Floor"), ("Ada", "", "2"), ('"B"', "40", "3"))]
        assert [(kind, words) for kind, _, words in seen("\n".join(rows))] == [("table row", row) for row in rows]
    prose = (
        "He came to the house, saw that it was shut, and left again, and in the evening,\n"
        "tired of the road, he slept under the bridge, and nobody, not even the dog, was\n"
        "awake, it is said, when the river rose, and the boats, one by one, went away."
    )
    assert seen(prose) == []
