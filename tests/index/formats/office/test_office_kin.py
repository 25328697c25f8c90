"""Workbooks, OpenDocument texts and RTF: what a person sees of them, cell by cell, and what is left out is told."""

import zipfile
from datetime import date
from io import BytesIO
from typing import Any

import pytest

from index.errors import Unreadable
from index.formats.content import Content
from index.formats.office.opendocument import read_odt
from index.formats.office.rtf import read_rtf
from index.formats.office.workbook import read_xlsx


def blocks(content: Content) -> list[tuple[str, str]]:
    return [(block.kind.value, content.text[block.start : block.end]) for block in content.blocks]


def workbook() -> tuple[Any, BytesIO]:
    import xlsxwriter

    raw = BytesIO()
    return xlsxwriter.Workbook(raw), raw


def test_the_cells_of_a_sheet_stand_in_their_rows_as_they_are_shown() -> None:
    book, raw = workbook()
    sheet = book.add_worksheet("Fees")
    sheet.write("A1", "Fees of the year")
    sheet.write_row(2, 0, ["Name", "Fee", "Share", "Due", "Code"])
    sheet.write("A4", "Ada")
    sheet.write("B4", 1250.5, book.add_format({"num_format": '#,##0.00 "€"'}))
    sheet.write("C4", 0.125, book.add_format({"num_format": "0.0%"}))
    sheet.write("D4", date(2024, 3, 9), book.add_format({"num_format": "dd.mm.yyyy"}))
    sheet.write("E4", 71, book.add_format({"num_format": "00000"}))
    sheet.write_row(4, 0, ["Bo", "", 0.5])
    book.close()
    assert blocks(read_xlsx(raw.getvalue())) == [
        ("body", "Fees of the year"),
        ("table row", "Name | Fee | Share | Due | Code"),
        ("table row", "Ada | 1,250.50 € | 12.5% | 2024-03-09 | 00071"),
        ("table row", "| Bo |  | 0.5 |  |  |"),
    ]


def test_a_name_over_all_columns_of_a_sheet_is_a_line_of_its_own() -> None:
    book, raw = workbook()
    sheet = book.add_worksheet("Fees")
    sheet.merge_range("A1:C1", "Fees of the year")
    sheet.write_row(1, 0, ["Name", "Fee", "Due"])
    sheet.write_row(2, 0, ["Ada", 12, "May"])
    book.close()
    assert blocks(read_xlsx(raw.getvalue())) == [
        ("body", "Fees of the year"),
        ("table row", "Name | Fee | Due"),
        ("table row", "Ada | 12 | May"),
    ]


def test_what_is_hidden_in_a_workbook_is_left_out_and_told_and_comments_are_kept() -> None:
    book, raw = workbook()
    sheet = book.add_worksheet("Fees")
    for n, row in enumerate([["Name", "Fee", "Note"], ["Ada", 4, "x"], ["Bo", 5, "y"], ["Cy", 6, "z"]]):
        sheet.write_row(n, 0, row)
    sheet.set_row(2, None, None, {"hidden": True})
    sheet.set_column("C:C", None, None, {"hidden": True})
    sheet.write_comment("B2", "Agreed in May")
    book.add_worksheet("Secret").write("A1", "hidden words")
    book.get_worksheet_by_name("Secret").hide()
    book.close()
    content = read_xlsx(raw.getvalue())
    assert [text for _, text in blocks(content)] == ["Name | Fee", "Ada | 4", "Cy | 6", "Comment on B2: Agreed in May"]
    assert content.notices == ("1 hidden sheet was not read", "hidden rows and columns were not read (2)")


def rewritten(raw: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The workbook with other bytes in one of its parts."""
    packed = BytesIO()
    with zipfile.ZipFile(BytesIO(raw)) as book, zipfile.ZipFile(packed, "w") as other:
        for name in book.namelist():
            inside = book.read(name)
            assert name != part or old in inside
            other.writestr(name, inside.replace(old, new) if name == part else inside)
    return packed.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_a_sheet_whose_every_cell_is_said_to_be_merged_is_read_without_making_them() -> None:
    book, raw = workbook()
    sheet = book.add_worksheet("A")
    sheet.write_row(0, 0, ["Name", "Fee", "Share"])
    sheet.write_row(1, 0, ["Ada", 4, 5])
    book.close()
    spans = b'</sheetData><mergeCells count="1"><mergeCell ref="A9:XFD1048576"/></mergeCells>'
    found = read_xlsx(rewritten(raw.getvalue(), SHEET, b"</sheetData>", spans))
    assert [text for _, text in blocks(found)] == ["Name | Fee | Share", "Ada | 4 | 5"]


def test_a_large_sheet_is_read_to_its_end_whatever_size_it_states(monkeypatch: pytest.MonkeyPatch) -> None:
    book, raw = workbook()
    sheet = book.add_worksheet("A")
    for n, row in enumerate([["Name", "Fee", "Share"], ["Ada", 4, 5], ["Bo", 6, 7]]):
        sheet.write_row(n, 0, row)
    book.close()
    monkeypatch.setattr("index.formats.office.workbook._LARGE_SHEETS", 10)
    found = read_xlsx(rewritten(raw.getvalue(), SHEET, b'<dimension ref="A1:C3"/>', b'<dimension ref="A1:B2"/>'))
    assert [text for _, text in blocks(found)] == ["Name | Fee | Share", "Ada | 4 | 5", "Bo | 6 | 7"]


def test_a_workbook_in_an_encoding_that_nobody_knows_is_told() -> None:
    book, raw = workbook()
    book.add_worksheet("A").write(0, 0, "x")
    book.close()
    with pytest.raises(Unreadable, match="unknown encoding"):
        read_xlsx(rewritten(raw.getvalue(), SHEET, b'encoding="UTF-8"', b'encoding="UTFxVk"'))


def test_a_cell_that_spans_rows_is_seen_beside_each_and_two_rows_of_heads_are_heads() -> None:
    book, raw = workbook()
    sheet = book.add_worksheet("A")
    sheet.merge_range("B1:C1", "2023")
    sheet.write_row(1, 0, ["", "Q1", "Q2"])
    sheet.merge_range("A3:A4", "North")
    sheet.write_row(2, 1, [1, 2])
    sheet.write_row(3, 1, [3, 4])
    book.add_worksheet("B").write_row(0, 0, ["Door", 3])
    book.close()
    content = read_xlsx(raw.getvalue())
    assert blocks(content)[:6] == [
        ("heading", "A"),
        ("table row", "|  | 2023 | 2023 |"),
        ("table row", "|  | Q1 | Q2 |"),
        ("table row", "North | 1 | 2"),
        ("table row", "North | 3 | 4"),
        ("heading", "B"),
    ]
    assert [block.level for block in content.blocks[1:4]] == [1, 1, 0]


def test_a_formula_without_a_stored_value_is_told() -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["Total", "=1+1"])
    raw = BytesIO()
    book.save(raw)
    assert read_xlsx(raw.getvalue()).notices == ("1 formula has no stored value; open and save it anew",)


def test_a_cell_far_below_costs_nothing_and_is_read() -> None:
    from openpyxl import Workbook

    book = Workbook()
    for row in (["Boat", "Seats"], ["Elsa", 60], ["Tern", 50]):
        book.active.append(row)
    book.active.cell(1_048_576, 16_384, "Checked by Ines Falk")
    raw = BytesIO()
    book.save(raw)
    text = read_xlsx(raw.getvalue()).text
    assert [line.strip() for line in text.splitlines() if line.strip()][-1] == "Checked by Ines Falk"
    assert "Elsa" in text
    assert len(text) < 200


def test_an_open_document_text_is_read_with_its_notes_lists_and_tables() -> None:
    from odfdo import Document, Header, List, Note, Paragraph, Span, Style, Table

    document = Document("text")
    document.body.clear()
    document.insert_style(Style("text", name="up", text_position="super 58%"), automatic=True)
    document.insert_style(Style("text", name="gone", display="none"), automatic=True)
    fee = Paragraph("The fee is 45")
    fee.append(Note(note_class="footnote", note_id="n1", citation="2", body="Without tax."))
    fee.append(" crowns for 10")
    fee.append(Span("5", style="up"))
    fee.append(" nails")
    table = Table("Fees")
    table.set_values([["Name", "Fee", "Due"], ["Ada", 4, "May"], ["Bo", None, "June"]])
    for part in (Header(2, "Rules"), fee, List(["One", "Two"]), table):
        document.body.append(part)
    document.meta.title = "The rules"
    raw = BytesIO()
    document.save(raw)
    content = read_odt(raw.getvalue())
    assert content.title == "The rules"
    assert blocks(content) == [
        ("heading", "Rules"),
        ("body", "The fee is 45[2] crowns for 10⁵ nails"),
        ("list item", "One"),
        ("list item", "Two"),
        ("table row", "Name | Fee | Due"),
        ("table row", "Ada | 4 | May"),
        ("table row", "Bo |  | June"),
        ("footnote", "[2] Without tax."),
    ]


RTF = rb"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Times;}{\f1\fcharset204 Arial;}}
{\stylesheet{\s0 Normal;}{\s1\b heading 1;}}{\info{\title The mill}{\author Ada}}{\header Mill and Sons\par}
\pard\s1\b Fees\b0\par \pard The caf\'e9 asks \u8364?5 for 45{\super\chftn}{\footnote {\super\chftn} Loaves.}
 and m{\super 2} {\f1\'cf\'f0\'e8}{\v hidden}{\deleted gone}.\par {\*\annotation Ask Otto.}
\trowd\clvmgf\cellx1\cellx2\cellx3\pard\intbl Pier\cell Fee\cell Due\cell\row
\trowd\clvmgf\cellx1\cellx2\cellx3\intbl North\cell 4,5\cell May\cell\row
\trowd\clvmrg\cellx1\cellx2\cellx3\intbl\cell\cell June\cell\row
\pard{\listtext 1.\tab}One\par{\listtext\'b7\tab}Two\par{\*\shppict{\pict\pngblip 89504e47}}
{\nonshppict{\pict\wmetafile8 01}}
{\field{\*\fldinst HYPERLINK "http://example.org"}{\fldrslt the link}}\par}"""


def test_rtf_is_read_as_it_is_seen() -> None:
    content = read_rtf(RTF)
    assert content.title == "The mill"
    assert blocks(content) == [
        ("furniture", "Mill and Sons"),
        ("heading", "Fees"),
        ("body", "The café asks €5 for 45[1] and m² При."),
        ("table row", "Pier | Fee | Due"),
        ("table row", "North | 4,5 | May"),
        ("table row", "North |  | June"),
        ("list item", "1. One"),
        ("list item", "Two"),
        ("body", "the link"),
        ("footnote", "[1] Loaves."),
        ("list item", "Comment: Ask Otto."),
    ]
    assert content.notices == ("1 picture was not read",)


@pytest.mark.parametrize("read", [read_xlsx, read_odt, read_rtf])
def test_what_is_of_another_kind_is_told(read: Any) -> None:
    with pytest.raises(Unreadable):
        read(b"%PDF-1.7 nothing of the kind")
