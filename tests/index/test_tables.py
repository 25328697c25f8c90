"""Tables: cells, heads of columns, what a model sees of a row, and the way back to the document's characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.formats.content import Piece, laid_out, table
from index.formats.structure import structure
from index.paragraphs import Kind, Paragraph
from index.tables import EMPTY, Shown, rows_of, shown_part, shown_row, tables


def paragraphs_of(text: str) -> list[Paragraph]:
    return [Paragraph("d", n, b.start, b.end, b.kind, b.level) for n, b in enumerate(structure(text), 1)]


def shown(text: str) -> list[str]:
    return [shown_row(text, of, row).text for of in tables(text, paragraphs_of(text)) for row in of.rows]


MARKDOWN = "| Boat | Crew | Port |\n|---|---|---|\n| Tern | 4 | |\n| Gull |  | Sand Bay |"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MARKDOWN, ["Boat | Crew | Port", "Boat: Tern; Crew: 4; Port: -", "Boat: Gull; Crew: -; Port: Sand Bay"]),
        ("Name\tPhone\tDesk\nAnn\t12\nBo\t\t7", ["Name | Phone | Desk", "Name: Ann; Phone: 12; Desk: -",
                                               "Name: Bo; Phone: -; Desk: 7"]),
        ("Boat    Crew  Port\nTern    4     Sand Bay\nGull          Mole 3", [
            "Boat | Crew | Port", "Boat: Tern; Crew: 4; Port: Sand Bay", "Boat: Gull; Crew: -; Port: Mole 3"]),
        ('Boat;Crew;Port\nTern;4;\n"Gull; old";;Mole 3', [
            "Boat | Crew | Port", "Boat: Tern; Crew: 4; Port: -", 'Boat: "Gull; old"; Crew: -; Port: Mole 3']),
        ("Ann | 12\nBo | 13", ["Ann: 12", "Bo: 13"]),
        ("Name: | Ann\nWork: | baker", ["Name: Ann", "Work: baker"]),
        ("Model\tFlow (m3/h)\tNoise\nP-1\t12\t48\nP-2\t\t52", ["Model | Flow (m3/h) | Noise",
            "Model: P-1; Flow (m3/h): 12; Noise: 48", "Model: P-2; Flow (m3/h): -; Noise: 52"]),
        ("Post | 2030 | 2031 plan\nRoads | 14 | 15\nParks | 3 | 4", ["Post | 2030 | 2031 plan",
            "Post: Roads; 2030: 14; 2031 plan: 15", "Post: Parks; 2030: 3; 2031 plan: 4"]),
        ("Size: small | Here: 49 | Abroad: 129\nSize: large | Here: 79 | Abroad: -", [
            "Size: small; Here: 49; Abroad: 129", "Size: large; Here: 79; Abroad: -"]),
        ("Ann | baker | 12\nBo | | 13", ["Ann | baker | 12", "Bo | - | 13"]),
        ("Model: Finch | Wren\nWeight: 7 kg |\nLength: 2 m | 3 m", [
            "Model | Finch | Wren", "Model: Weight; Finch: 7 kg; Wren: -", "Model: Length; Finch: 2 m; Wren: 3 m"]),
    ],
)  # fmt: skip
def test_each_cell_is_shown_with_the_head_of_its_column(text: str, expected: list[str]) -> None:
    assert shown(text) == expected


def test_a_span_of_what_is_shown_leads_back_to_the_characters_of_the_cell() -> None:
    paragraphs = paragraphs_of(MARKDOWN)
    of, row = rows_of(MARKDOWN, paragraphs)[3]
    seen = shown_row(MARKDOWN, of, row)
    at = seen.text.index("Sand Bay")
    start, end = seen.place(at, at + len("Sand Bay")) or (0, 0)
    assert MARKDOWN[start:end] == "Sand Bay"
    assert seen.shown_at(start) == at
    inside = seen.text.index("Crew")
    assert seen.place(inside, inside + len("Crew: -")) is None
    across = seen.place(seen.text.index("Gull"), len(seen.text))
    assert across is not None
    assert MARKDOWN[slice(*across)] == "Gull |  | Sand Bay"


def test_a_part_of_a_document_shows_whole_rows_with_heads_and_the_rest_as_it_stands() -> None:
    text = f"The boats are:\n\n{MARKDOWN}"
    paragraphs = paragraphs_of(text)
    last = paragraphs[-1]
    seen = shown_part(text, paragraphs, 0, last.end)
    assert seen.text.startswith("The boats are:\n\nBoat | Crew | Port\n")
    assert seen.text.endswith("Boat: Gull; Crew: -; Port: Sand Bay")
    cut = shown_part(text, paragraphs, last.start, last.start + 6)
    assert cut == Shown("| Gull", ((0, 6, last.start),))


def test_heads_on_two_levels_are_joined_and_the_next_heads_begin_the_next_table() -> None:
    pieces = [
        *table([["", "2023", "2023"], ["Port", "Q1", "Q2"], ["Mole", "7", ""]], heads=2),
        *table([["Tern", "4"], ["Gull", "5"]], heads=0),
        *table([["Boat", "Crew"], ["Wren", "6"]]),
    ]
    text, blocks, _ = laid_out([pieces])
    paragraphs = [Paragraph("d", n, b.start, b.end, b.kind, b.level) for n, b in enumerate(blocks, 1)]
    assert [of.heads for of in tables(text, paragraphs)] == [("Port", "2023 Q1", "2023 Q2"), ("", ""), ("Boat", "Crew")]
    rows = [shown_row(text, of, row).text for of in tables(text, paragraphs) for row in of.rows if not row.is_head]
    assert rows == ["Port: Mole; 2023 Q1: 7; 2023 Q2: -", "Tern: 4", "Gull: 5", "Boat: Wren; Crew: 6"]


CELL = st.text(alphabet="ab1|\\ \té.", max_size=6)


@given(st.lists(st.lists(CELL, min_size=2, max_size=4), min_size=1, max_size=4))
def test_what_a_reader_writes_of_a_table_is_read_back_cell_for_cell(rows: list[list[str]]) -> None:
    width = max(map(len, rows))
    rows = [[*row, *[""] * (width - len(row))] for row in rows]
    text, blocks, _ = laid_out([table(rows, heads=0)])
    paragraphs = [Paragraph("d", n, b.start, b.end, b.kind, b.level) for n, b in enumerate(blocks, 1)]
    found = [[text[a:b] for a, b in row.cells] for of in tables(text, paragraphs) for row in of.rows]
    wanted = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    assert found == [row for row in wanted if any(row)]


@given(st.text(alphabet="ab1|\\ \t\n-:", max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_every_piece_that_is_shown_is_what_stands_at_its_place(text: str, one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    seen = shown_part(text, paragraphs_of(text), start, end)
    assert all(seen.text[a:b] == text[at : at + b - a] for a, b, at in seen.pieces)
    assert all(EMPTY in seen.text or a <= b for a, b, _ in seen.pieces)


def test_a_table_without_any_words_has_no_pieces() -> None:
    assert table([["", " "], ["", ""]]) == []
    assert table([["", ""], ["a", ""]], heads=0) == [Piece("| a |  |", Kind.TABLE_ROW, 2)]
