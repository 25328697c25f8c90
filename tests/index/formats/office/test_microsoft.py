"""Word documents and slides: what a person sees of them, in order and once; what nobody sees is left out and told."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import docx
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from index.cleaning.furniture import classify
from index.errors import Unreadable
from index.formats.content import HEAD_ROW, Content
from index.formats.counting import roman, written
from index.formats.letters import settled_text, subscript, superscript, symbol
from index.formats.office.microsoft import read_docx, read_pptx
from index.formats.office.ooxml.drawing import shown_number
from index.paragraphs import Kind, headings_above

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
RELATION = '<Relationship Id="{id}" Type="' + OFFICE + '/relationships/{kind}" Target="{target}"/></Relationships>'


def blocks(content: Content) -> list[tuple[str, int, str]]:
    return [(block.kind.value, block.level, content.text[block.start : block.end]) for block in content.blocks]


def texts(content: Content) -> list[str]:
    return [text for _, _, text in blocks(content)]


def saved(document: Any) -> bytes:
    raw = BytesIO()
    document.save(raw)
    return raw.getvalue()


def written_docx(build: Callable[[Any], None]) -> Content:
    document = docx.Document()
    build(document)
    return read_docx(saved(document))


def changed(raw: bytes, change: Callable[[str, bytes], bytes | None], **added: bytes) -> bytes:
    """The archive with each member as `change` gives it back; None leaves it out."""
    new = BytesIO()
    with zipfile.ZipFile(BytesIO(raw)) as old, zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in old.namelist():
            member = change(name, old.read(name))
            if member is not None:
                archive.writestr(name, member)
        for name, member in added.items():
            archive.writestr(name, member)
    return new.getvalue()


def paragraph(document: Any, inside: str, properties: str = "") -> Any:
    """A paragraph of raw WordprocessingML at the end of a document."""
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    xml = f"<w:p {nsdecls('w')} {math}><w:pPr>{properties}</w:pPr>{inside}</w:p>"
    document.element.body.insert(len(document.element.body) - 1, parse_xml(xml))


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def numbered(document: Any, *levels: tuple[str, str], number: int = 90, more: str = "") -> None:
    """A list definition whose levels are (form, text)."""
    numbering = document.part.numbering_part.element
    inside = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for at, (form, text) in enumerate(levels)
    )
    numbering.insert(0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="{number}">{inside}</w:abstractNum>'))
    numbering.append(
        parse_xml(f'<w:num {nsdecls("w")} w:numId="{number}"><w:abstractNumId w:val="{number}"/>{more}</w:num>')
    )


def item(document: Any, text: str, level: int, number: int = 90) -> None:
    paragraph(
        document,
        run(text),
        f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>',
    )


def test_a_clause_has_the_number_that_the_program_shows() -> None:
    def build(document: Any) -> None:
        numbered(document, ("upperRoman", "Article %1"), ("decimal", "%1.%2"), ("lowerLetter", "(%3)"))
        for text, level in (("Rent", 0), ("It is 900.", 1), ("In cash.", 2), ("By cheque.", 2), ("It is due.", 1)):
            item(document, text, level)
        document.add_paragraph("A word between.")
        item(document, "Notice", 0)
        item(document, "Ninety days.", 1)

    assert blocks(written_docx(build)) == [
        ("list item", 1, "Article I Rent"),
        ("list item", 2, "I.1 It is 900."),
        ("list item", 3, "(a) In cash."),
        ("list item", 3, "(b) By cheque."),
        ("list item", 2, "I.2 It is due."),
        ("body", 0, "A word between."),
        ("list item", 1, "Article II Notice"),
        ("list item", 2, "II.1 Ninety days."),
    ]


def test_a_list_that_overrides_its_start_begins_there_and_one_that_shares_a_definition_goes_on() -> None:
    def build(document: Any) -> None:
        numbered(document, ("decimal", "%1."))
        numbering = document.part.numbering_part.element
        for number, start in ((91, ""), (92, '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>')):
            xml = f'<w:num {nsdecls("w")} w:numId="{number}"><w:abstractNumId w:val="90"/>{start}</w:num>'
            numbering.append(parse_xml(xml))
        for text, number in (("a", 90), ("b", 90), ("c", 91), ("d", 92), ("e", 92)):
            item(document, text, 0, number)

    assert texts(written_docx(build)) == ["1. a", "2. b", "3. c", "7. d", "8. e"]


def test_headings_have_their_levels_and_the_numbers_of_their_styles() -> None:
    def build(document: Any) -> None:
        numbered(document, ("decimal", "%1"), ("decimal", "%1.%2"))
        for at in (1, 2):
            style = document.styles[f"Heading {at}"].element
            style.get_or_add_pPr().append(
                parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{at - 1}"/><w:numId w:val="90"/></w:numPr>')
            )
        document.add_heading("The handbook", 0)
        for text, level in (("Scope", 1), ("Terms", 1), ("Pump", 2), ("Valve", 2)):
            document.add_heading(text, level)

    content = written_docx(build)
    assert content.title == "The handbook"
    assert blocks(content) == [
        ("heading", 1, "The handbook"),
        ("heading", 1, "1 Scope"),
        ("heading", 1, "2 Terms"),
        ("heading", 2, "2.1 Pump"),
        ("heading", 2, "2.2 Valve"),
    ]


def test_numbers_are_written_in_every_form_of_the_program() -> None:
    assert [roman(n) for n in (1, 4, 9, 40, 1999, 0)] == ["I", "IV", "IX", "XL", "MCMXCIX", "0"]
    forms = {"lowerLetter": "ab", "upperRoman": "XXVIII", "decimalZero": "28", "ordinal": "28th", "none": "",
             "cardinalText": "Twenty-eight", "ordinalText": "Twenty-eighth", "hebrew1": "28"}  # fmt: skip
    assert written(28, "lowerLetter") == "bb"
    assert {form: written(28, form) for form in forms} == {**forms, "lowerLetter": "bb"}
    assert [written(n, "ordinal") for n in (1, 2, 3, 11, 113)] == ["1st", "2nd", "3rd", "11th", "113th"]


def test_an_empty_cell_keeps_its_place_and_the_first_row_names_the_columns() -> None:
    def build(document: Any) -> None:
        table = document.add_table(3, 4)
        for row, words in zip(table.rows, (("Site", "2021", "2022", "2023"), ("Oslo", "4", "", "6"), ("", "", "7", "")),
                              strict=True):  # fmt: skip
            for cell, text in zip(row.cells, words, strict=True):
                cell.text = text

    assert blocks(written_docx(build)) == [
        ("table row", HEAD_ROW, "Site | 2021 | 2022 | 2023"),
        ("table row", 0, "Oslo | 4 |  | 6"),
        ("table row", 0, "|  |  | 7 |  |"),
    ]


def test_merged_cells_keep_the_columns_apart() -> None:
    def build(document: Any) -> None:
        table = document.add_table(4, 3)
        rows = (("Region", "Sales", ""), ("", "Q1", "Q2"), ("North", "5", "6"), ("", "7", "8"))
        for row, words in zip(table.rows, rows, strict=True):
            for cell, text in zip(row.cells, words, strict=True):
                cell.text = text
        table.cell(0, 1).merge(table.cell(0, 2))
        table.cell(0, 0).merge(table.cell(1, 0))
        table.cell(2, 0).merge(table.cell(3, 0))

    assert blocks(written_docx(build)) == [
        ("table row", HEAD_ROW, "Region | Sales | Sales"),
        ("table row", HEAD_ROW, "Region | Q1 | Q2"),
        ("table row", 0, "North | 5 | 6"),
        ("table row", 0, "North | 7 | 8"),
    ]


def test_a_nested_table_stands_there_once_and_a_box_of_one_cell_is_no_table() -> None:
    def build(document: Any) -> None:
        outer = document.add_table(2, 2)
        for cell, text in zip([cell for row in outer.rows for cell in row.cells], ("Kit", "Contents", "K1", ""),
                              strict=True):  # fmt: skip
            cell.text = text
        inner = outer.cell(1, 1).add_table(2, 2)
        for cell, text in zip([cell for row in inner.rows for cell in row.cells], ("Part", "Grams", "Nut", "12"),
                              strict=True):  # fmt: skip
            cell.text = text
        box = document.add_table(1, 1).cell(0, 0)
        box.text = "A note in a frame."
        box.add_paragraph("Its second line.")

    content = written_docx(build)
    assert texts(content)[-4:] == ["Part | Grams", "Nut | 12", "A note in a frame.", "Its second line."]
    assert content.text.count("Nut") == 1


@pytest.mark.parametrize(
    ("base", "high", "after", "shown"),
    [
        ("The plot has 45 m", "2", " of lawn.", "The plot has 45 m² of lawn."),
        ("It made 45", "3", " tonnes.", "It made 45[3] tonnes."),
        ("It counts 10", "3", " times.", "It counts 10³ times."),
        ("On the 19", "th", " of May.", "On the 19th of May."),
        ("Grown by x", "n+1", " a year.", "Grown by xⁿ⁺¹ a year."),
        ("As he said", "3", " in May.", "As he said[3] in May."),
    ],
)
def test_a_raised_digit_is_never_a_digit_of_the_number(base: str, high: str, after: str, shown: str) -> None:
    def build(document: Any) -> None:
        paragraph(document, run(base) + run(high, '<w:vertAlign w:val="superscript"/>') + run(after))
        paragraph(document, run("3", '<w:vertAlign w:val="superscript"/>') + run(" By the register of the town."))

    content = written_docx(build)
    assert texts(content)[0] == shown
    assert blocks(content)[1] == ("footnote", 0, "[3] By the register of the town.")


def test_raised_digits_without_a_note_are_powers_and_lowered_ones_stay_low() -> None:
    def build(document: Any) -> None:
        paragraph(document, run("45") + run("2", '<w:vertAlign w:val="superscript"/>') + run(" is 2025."))
        paragraph(document, run("H") + run("2", '<w:vertAlign w:val="subscript"/>') + run("O"))

    assert texts(written_docx(build)) == ["45² is 2025.", "H₂O"]
    assert (superscript("ab"), subscript("max"), superscript("1,2")) == ("^ab", "ₘₐₓ", "¹,²")
    assert settled_text("\U0010fff0loose") == "loose"


def test_hidden_text_is_left_out_and_told() -> None:
    def build(document: Any) -> None:
        style = document.styles.add_style("Draft", 2)
        style.font.hidden = True
        document.add_paragraph("The fee is 60.")
        document.add_paragraph().add_run("The fee was 45.").font.hidden = True
        mixed = document.add_paragraph("It is due ")
        mixed.add_run("never ", style="Draft")
        mixed.add_run("on Friday.").font.hidden = False

    content = written_docx(build)
    assert content.text == "The fee is 60.\n\nIt is due on Friday."
    assert content.notices == ("21 characters of hidden text were left out",)


def test_tracked_changes_are_read_as_accepted_and_moved_text_stands_once() -> None:
    def build(document: Any) -> None:
        gone = "<w:del w:id='1' w:author='A'><w:r><w:delText>forty</w:delText></w:r></w:del>"
        new = f"<w:ins w:id='2' w:author='A'>{run('fifty')}</w:ins>"
        paragraph(document, run("The deposit is ") + gone + new + run(" pounds."))
        paragraph(document, f"<w:moveFrom w:id='3' w:author='A'>{run('Pets are allowed.')}</w:moveFrom>")
        paragraph(document, run("Smoking is not."))
        paragraph(document, f"<w:moveTo w:id='4' w:author='A'>{run('Pets are allowed.')}</w:moveTo>")

    content = written_docx(build)
    assert texts(content) == ["The deposit is fifty pounds.", "Smoking is not.", "Pets are allowed."]
    assert content.notices == ("what tracked changes delete or move away was left out (2 places)",)


def test_headers_footers_and_comments_are_read_once_and_page_numbers_are_not() -> None:
    def build(document: Any) -> None:
        pump = document.add_paragraph("Every pump is tested.")
        document.add_comment(pump.runs, text="At 8 bar.", author="Ines")
        document.add_paragraph("A second paragraph.")
        document.sections[0].header.paragraphs[0].text = "Form 12, revision C"
        document.sections[0].first_page_header.paragraphs[0].text = "Never shown"
        document.sections[0].different_first_page_header_footer = False
        footer = document.sections[0].footer.paragraphs[0]._p
        footer.append(parse_xml(f"<w:r {nsdecls('w')}><w:t>Page </w:t></w:r>"))
        footer.append(parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr=" PAGE "><w:r><w:t>7</w:t></w:r></w:fldSimple>'))
        document.add_section()

    assert texts(written_docx(build)) == [
        "Every pump is tested.",
        "Comment by Ines: At 8 bar.",
        "A second paragraph.",
        "Form 12, revision C",
    ]


def test_break_marks_go_and_symbols_of_fonts_are_what_they_show() -> None:
    def build(document: Any) -> None:
        document.add_paragraph("con\u00adfi\u00addential Donau\u200bschiff")
        paragraph(document, run("p ") + '<w:r><w:sym w:font="Symbol" w:char="F0A3"/></w:r>' + run(" 0.05"))
        paragraph(document, run("\uf0b3 4", '<w:rFonts w:ascii="Symbol" w:hAnsi="Symbol"/>'))
        paragraph(
            document, run("soft") + "<w:r><w:softHyphen/></w:r>" + run("ware, x") + "<w:r><w:noBreakHyphen/></w:r>"
        )

    assert texts(written_docx(build)) == ["confidential Donauschiff", "p ≤ 0.05", "≥ 4", "software, x-"]
    codes = (0xF0B1, 0xB0, 0xF061, 0xF0E5, 0xF0F2, 0xF0D6, 0xF0FE)
    assert "".join(symbol("Symbol", code) or "?" for code in codes) == "±°α∑∫√⎭"
    assert (symbol("Wingdings", 0xF0FE), symbol("Wingdings", 0xF021), symbol("Arial", 0x41)) == ("☑", None, "A")


def test_an_equation_is_read_in_a_line() -> None:
    def build(document: Any) -> None:
        power = "<m:sSup><m:e><m:r><m:t>b</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
        root = f"<m:rad><m:deg/><m:e>{power}<m:r><m:t>−4ac</m:t></m:r></m:e></m:rad>"
        fraction = f"<m:f><m:num><m:r><m:t>−b ± </m:t></m:r>{root}</m:num><m:den><m:r><m:t>2a</m:t></m:r></m:den></m:f>"
        paragraph(document, run("So ") + f"<m:oMath><m:r><m:t>x = </m:t></m:r>{fraction}</m:oMath>" + run("."))

    assert texts(written_docx(build)) == ["So x = (−b ± √(b²−4ac))/2a."]


def field(shown: str, words: str, data: str = "") -> str:
    def step(kind: str, inside: str = "") -> str:
        return f"<w:r><w:fldChar w:fldCharType='{kind}'>{inside}</w:fldChar></w:r>"

    return f"{step('begin', data)}<w:r><w:instrText>{words}</w:instrText></w:r>{step('separate')}{shown}{step('end')}"


def test_footnotes_have_their_marks_and_fields_and_boxes_their_values() -> None:
    def build(document: Any) -> None:
        tick = "<w:ffData><w:checkBox><w:checked/></w:checkBox></w:ffData>"
        paragraph(document, field("", " FORMCHECKBOX ", tick) + run(" Married"))
        paragraph(document, run("See ") + field(run("Clause 4"), " REF x ") + run("."))
        paragraph(document, run("Made 45") + '<w:r><w:footnoteReference w:id="2"/></w:r>' + run(" tonnes"))

    document = docx.Document()
    build(document)
    notes = (
        f'<w:footnotes {nsdecls("w")}><w:footnote w:id="2"><w:p>{run(" Not audited.")}</w:p></w:footnote></w:footnotes>'
    )
    relation = RELATION.format(id="rId77", kind="footnotes", target="footnotes.xml").encode()
    raw = changed(
        saved(document),
        lambda name, old: old.replace(b"</Relationships>", relation) if name.endswith("document.xml.rels") else old,
        **{"word/footnotes.xml": notes.encode()},
    )
    content = read_docx(raw)
    assert texts(content) == ["☒ Married", "See Clause 4.", "Made 45[1] tonnes", "[1] Not audited."]
    assert blocks(content)[-1][0] == "footnote"


def test_a_reference_to_nothing_and_strict_open_xml_are_read() -> None:
    document = docx.Document()
    document.add_paragraph("The ferryman is called Otto.")
    raw = saved(document)
    dangling = RELATION.format(id="rId900", kind="image", target="../NULL").encode()
    broken = changed(raw, lambda name, old: old.replace(b"</Relationships>", dangling) if "rels" in name else old)
    strict = changed(
        raw,
        lambda _, old: old.replace(
            b"http://schemas.openxmlformats.org/wordprocessingml/2006/", b"http://purl.oclc.org/ooxml/wordprocessingml/"
        ).replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/", b"http://purl.oclc.org/ooxml/officeDocument/"
        ),
    )
    bare = changed(raw, lambda name, old: None if name.startswith(("word/styles", "word/numbering")) else old)
    for found in (broken, strict, bare):
        assert read_docx(found).text == "The ferryman is called Otto."
    torn = changed(raw, lambda name, old: old[:-50] if name == "word/numbering.xml" else old)
    assert read_docx(torn).notices == ("1 of its parts could not be read, they are damaged (word/numbering.xml)",)
    with pytest.raises(Unreadable, match="no whole DOCX"):
        read_docx(changed(raw, lambda name, old: old[:-50] if name == "word/document.xml" else old))


# Slides


def slides(build: Callable[[Any, Any], None], layout: int = 5) -> Content:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[layout])
    slide.shapes.title.text = "Harbour"
    build(deck, slide)
    return read_pptx(saved(deck))


def box(slide: Any, text: str, left: float, top: float, height: float = 0.5) -> Any:
    shape = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(3), Inches(height))
    shape.text_frame.text = text
    return shape


def test_shapes_are_read_from_top_to_bottom_and_what_stands_beside_each_other_from_left_to_right() -> None:
    def build(_: Any, slide: Any) -> None:
        box(slide, "fourth", 1, 5)
        box(slide, "third", 5, 3.1)
        box(slide, "second", 1, 3)
        group = slide.shapes.add_group_shape()
        for text, top in (("in the group, below", 2.2), ("in the group, above", 1.6)):
            shape = group.shapes.add_textbox(Inches(1), Inches(top), Inches(3), Inches(0.5))
            shape.text_frame.text = text

    found = ["Harbour", "in the group, above", "in the group, below", "second", "third", "fourth"]
    assert texts(slides(build)) == found


def test_shapes_of_one_id_are_all_read_and_hidden_ones_are_told() -> None:
    def build(_: Any, slide: Any) -> None:
        shape = box(slide, "The caretaker is Torvald.", 1, 2)
        shape._element.nvSpPr.cNvPr.set("id", str(slide.shapes.title.shape_id))
        box(slide, "Not for the public.", 1, 3)._element.nvSpPr.cNvPr.set("hidden", "1")

    content = slides(build)
    assert texts(content) == ["Harbour", "The caretaker is Torvald."]
    assert content.notices == ("1 hidden shape was left out",)


@pytest.mark.parametrize("size", ["-1", "nan", "1e400", "x", "9" * 40])
def test_a_shape_of_no_sound_size_is_read_all_the_same(size: str) -> None:
    def build(_: Any, slide: Any) -> None:
        for at in range(3):
            shape = box(slide, f"Line {at}.", 1, 2 + at)
            for name in ("cx", "cy"):
                shape._element.spPr.find(f"{{{DRAWING}}}xfrm/{{{DRAWING}}}ext").set(name, size)

    assert texts(slides(build)) == ["Harbour", "Line 0.", "Line 1.", "Line 2."]


def test_a_slide_without_a_title_is_not_under_the_title_before_it() -> None:
    def build(deck: Any, slide: Any) -> None:
        box(slide, "Torvald is the caretaker.", 1, 2)
        box(deck.slides.add_slide(deck.slide_layouts[6]), "Ask Bo Moe.", 1, 2)

    content = slides(build)
    paragraphs = classify(content.text, "d", keep_all=True, blocks=content.blocks)
    above = headings_above(content.text, paragraphs)
    assert {content.text[p.start : p.end]: above[p.number] for p in paragraphs if p.kind is not Kind.HEADING} == {
        "Torvald is the caretaker.": ("Harbour",),
        "Ask Bo Moe.": ("Slide 2",),
    }


def test_a_hidden_slide_keeps_its_page_and_is_told() -> None:
    def build(deck: Any, slide: Any) -> None:
        slide._element.set("show", "0")
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "Seen"

    content = slides(build)
    assert (content.text, content.pages) == ("Seen", (0, 0))
    assert content.notices == ("1 slide that is hidden in the show was left out",)


def test_a_chart_gives_its_title_and_a_row_for_each_category() -> None:
    def build(_: Any, slide: Any) -> None:
        data = CategoryChartData(number_format="0%")
        data.categories = ["North", "South"]
        data.add_series("2023", (0.25, None))
        data.add_series("2024", (0.5, 0.125))
        chart = slide.shapes.add_chart(
            XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(2), Inches(4), Inches(3), data
        ).chart
        chart.has_title = True
        chart.chart_title.text_frame.text = "Share of the mills"
        points = XyChartData()
        series = points.add_series("Depth")
        series.add_data_point(1.5, 20)
        slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, Inches(1), Inches(6), Inches(4), Inches(1), points)

    assert blocks(slides(build))[1:] == [
        ("caption", 0, "Share of the mills"),
        ("table row", HEAD_ROW, "|  | 2023 | 2024 |"),
        ("table row", 0, "North | 25% | 50%"),
        ("table row", 0, "South |  | 12%"),
        ("table row", HEAD_ROW, "|  | Depth |"),
        ("table row", 0, "1.5 | 20"),
    ]
    assert shown_number("44927", "d/m/yyyy") == "2023-01-01"
    assert (shown_number("0.30000000000000004", "General"), shown_number("x", "0%")) == ("0.3", "x")


def test_points_have_their_numbers_and_levels_and_a_table_its_heads() -> None:
    def build(_: Any, slide: Any) -> None:
        frame = slide.placeholders[1].text_frame
        frame.text = "First"
        for text, level in (("Below", 1), ("Second", 0)):
            point = frame.add_paragraph()
            point.text, point.level = text, level
        for point in frame.paragraphs:
            point._p.get_or_add_pPr().append(parse_xml(f'<a:buAutoNum xmlns:a="{DRAWING}" type="alphaLcParenR"/>'))
        table = slide.shapes.add_table(2, 2, Inches(1), Inches(6), Inches(4), Inches(1)).table
        for cell, text in zip(table.iter_cells(), ("Port", "Depth", "Odda", ""), strict=True):
            cell.text = text

    assert blocks(slides(build, layout=1)) == [
        ("heading", 1, "Harbour"),
        ("list item", 1, "a) First"),
        ("list item", 2, "a) Below"),
        ("list item", 1, "b) Second"),
        ("table row", HEAD_ROW, "Port | Depth"),
        ("table row", 0, "| Odda |  |"),
    ]


def test_notes_come_last_and_raised_digits_stay_apart() -> None:
    def build(_: Any, slide: Any) -> None:
        slide.notes_slide.notes_text_frame.text = "Say it slowly."
        frame = box(slide, "Lawn of 45 m", 1, 2).text_frame
        high = frame.paragraphs[0].add_run()
        high.text = "2"
        high.font._element.set("baseline", "30000")

    assert texts(slides(build)) == ["Harbour", "Lawn of 45 m²", "Say it slowly."]
