"""PDF: the text that a reader would read out, and the page of every character."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from index.errors import Unreadable
from index.formats.content import Content
from index.formats.pdf import ocr
from index.formats.pdf.document import read_pdf
from index.paragraphs import Kind


def drawn(*pages: Callable[[Any], None], **stated: str) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    raw = BytesIO()
    canvas = Canvas(raw)
    for name, value in stated.items():
        getattr(canvas, f"set{name}")(value)
    for page in pages:
        page(canvas)
        canvas.showPage()
    canvas.save()
    return raw.getvalue()


def lines(*text: str, x: int = 72, y: int = 700, size: int = 11, gap: float = 13.5) -> Callable[[Any], None]:
    def draw(canvas: Any) -> None:
        canvas.setFont("Times-Roman", size)
        for number, line in enumerate(text):
            canvas.drawString(x, y - number * gap, line)

    return draw


def together(*parts: Callable[[Any], None]) -> Callable[[Any], None]:
    def draw(canvas: Any) -> None:
        for part in parts:
            part(canvas)

    return draw


def test_lines_are_joined_and_a_word_cut_at_the_end_of_a_line_is_whole_again() -> None:
    page = lines(
        "The committee of the town met on Tuesday evening and agreed after a long de-",
        "bate about the budget to mend the old bridge before the winter, as a well-",
        "known engineer had asked; the well-known engineer was glad of it, said Jean-",
        "Luc Ander, the clerk.",
    )
    assert read_pdf(drawn(page)).text == (
        "The committee of the town met on Tuesday evening and agreed after a long debate about the budget to mend the "
        "old bridge before the winter, as a well-known engineer had asked; the well-known engineer was glad of it, "
        "said Jean-Luc Ander, the clerk."
    )


def test_a_number_that_ends_a_sentence_at_the_beginning_of_a_line_is_no_item() -> None:
    page = lines(
        "The letter of the harbour office of 2 April was about the mooring at berth",
        "31. It was not answered before the meeting of 15 April, and then by phone.",
    )
    assert [kind for kind, _ in blocks(read_pdf(drawn(page)))] == ["body"]
    items = lines(
        "1. The letter of the harbour office of 2 April was about a mooring at berth",
        "2. It was not answered before the meeting of 15 April, and then by phone.",
    )
    assert [kind for kind, _ in blocks(read_pdf(drawn(items)))] == ["list item", "list item"]


def test_labels_with_their_values_beside_them_are_the_fields_of_a_form() -> None:
    form = {"Surname:": "Okonjo", "Work:": "Bookbinder", "Number of children:": "2", "Card:": "Family"}
    page = together(lines(*form), lines(*form.values(), x=300))
    assert blocks(read_pdf(drawn(page))) == [("list item", f"{label} {value}") for label, value in form.items()]


def test_a_wider_gap_an_indent_or_other_letters_begin_a_paragraph() -> None:
    first = ["It rained all of that long day and the people of the valley stayed at home and", "waited for the sun."]
    second = ["The next day was as bad as the first one and nobody in the whole valley went to", "work or to school."]
    spaced = together(lines(*first), lines(*second, y=660), lines("A heading", y=620, size=18), lines(*first, y=600))
    joined = [" ".join(first), " ".join(second), "A heading", " ".join(first)]
    assert read_pdf(drawn(spaced)).text.split("\n\n") == joined
    indented = together(lines(*first), lines(second[0], y=673, x=90), lines(second[1], y=659.5))
    assert read_pdf(drawn(indented)).text.split("\n\n") == joined[:2]


def test_a_hyphen_that_tells_two_words_apart_is_kept_and_that_of_a_cut_word_is_not() -> None:
    page = lines(
        "The members of the club asked the board to re-",
        "sign the lease of the hall, to re-",
        "port on it in May, and to re-",
        "lay the floor where a com-",
        "mittee cannot.",
    )
    assert read_pdf(drawn(page)).text == (
        "The members of the club asked the board to re-sign the lease of the hall, to report on it in May, and to "
        "re-lay the floor where a committee cannot."
    )


def test_lines_over_pages_that_differ_in_a_number_are_the_headings_of_their_pages() -> None:
    def statement(n: int) -> Callable[[Any], None]:
        return together(
            lines("Heron Lending Society", y=800),
            lines(f"Account 77-1 in quarter {n + 1} of 2031", y=780),
            lines(f"The fee of {n} crowns was paid by the clerk.", y=700),
            lines(f"Left at the end: {n}17.50 crowns", y=60),
        )

    content = read_pdf(drawn(*map(statement, range(2, 6))))
    shown = [(block.kind, content.text[block.start : block.end]) for block in content.blocks]
    for n in range(2, 6):
        assert (Kind.HEADING, f"Account 77-1 in quarter {n + 1} of 2031") in shown
        assert (Kind.BODY, f"Left at the end: {n}17.50 crowns") in shown
    assert [kind for kind, words in shown if words == "Heron Lending Society"] == [Kind.FURNITURE]


def test_running_heads_and_page_numbers_go_and_a_paragraph_goes_on_over_the_page() -> None:
    body = "The committee of the town met on Tuesday evening and agreed after a debate that"
    words = [f"{body} {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(80)]

    def page(number: int) -> Callable[[Any], None]:
        return together(
            lines("Harbour Post Annual Report", y=800, size=9),
            lines(*words[20 * number - 20 : 20 * number]),
            lines(f"Page {number} of 4", y=30, size=9),
        )

    content = read_pdf(drawn(*(page(number) for number in range(1, 5))))
    head, body = content.text.split("\n\n")
    assert [(block.kind, content.text[block.start : block.end]) for block in content.blocks] == [
        (Kind.FURNITURE, "Harbour Post Annual Report"),
        (Kind.BODY, body),
    ]
    assert "of 4" not in content.text
    assert [content.text[start:][:13] for start in content.pages[1:]] == ["The committee"] * 3
    assert content.pages[:2] == (0, len(head) + 2 + 20 * (len(words[0]) + 1))


def test_a_number_that_is_no_page_number_stays() -> None:
    body = lines("The year in which the old bridge was built, as the sign above says, and mended.", y=600)
    content = read_pdf(drawn(together(lines("1984", y=750, size=30), body)))
    assert content.text.startswith("1984\n\nThe year")


def test_two_columns_are_read_one_after_the_other() -> None:
    left = ["The committee of the town met on", "Tuesday and agreed after a long", "debate to mend the old bridge and"]
    right = ["to do so before the winter comes to", "the valley again."]
    page = together(lines(*left), lines(*right, x=320))
    assert read_pdf(drawn(page)).text == " ".join(left + right)


def test_title_and_date_are_those_of_its_info_and_placeholders_are_none() -> None:
    page = lines("The committee of the town met on Tuesday.")
    assert read_pdf(drawn(page, Title="The bridge")).title == "The bridge"
    assert read_pdf(drawn(page)).title is None
    assert read_pdf(drawn(page, Title="Microsoft Word - bridge.doc")).title is None


def test_pages_without_text_keep_the_count() -> None:
    content = read_pdf(drawn(lines("The first page says this."), lambda _: None, lines("The third page says that.")))
    assert content.text == "The first page says this.\n\nThe third page says that."
    assert content.pages == (0, 27, 27)


def blocks(content: Content) -> list[tuple[str, str]]:
    return [(block.kind.value, content.text[block.start : block.end]) for block in content.blocks]


def built(*story: Any) -> Content:
    """What is read of reportlab's flowing text."""
    from reportlab.platypus import SimpleDocTemplate

    raw = BytesIO()
    SimpleDocTemplate(raw).build(list(story))
    return read_pdf(raw.getvalue())


def paragraph(text: str) -> Any:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph

    return Paragraph(text, getSampleStyleSheet()["BodyText"])


def test_a_raised_note_mark_is_not_glued_to_a_number_and_an_exponent_stays_raised() -> None:
    content = built(
        paragraph("The club has 45<super>1</super> boats, a hall of 80 m<super>2</super>, 10<super>5</super> nails."),
        paragraph("<br/>" * 40),
        paragraph("1 Two of them are hired."),
    )
    assert blocks(content) == [
        ("body", "The club has 45[1] boats, a hall of 80 m², 10⁵ nails."),
        ("footnote", "[1] Two of them are hired."),
    ]


RULED = [("GRID", (0, 0), (-1, -1), 0.5, "black"), ("VALIGN", (0, 0), (-1, -1), "TOP")]
ROWS = [
    ["Pier", "Depth", "Keeper"],
    ["North", "4.5", "Ada Finch"],
    ["South", "", "Bo Lund"],
    ["East", "6.0", "Cy Mar"],
]
READ = ["Pier | Depth | Keeper", "North | 4.5 | Ada Finch", "South |  | Bo Lund", "East | 6.0 | Cy Mar"]


@pytest.mark.parametrize("style", [[], RULED])
def test_a_table_ruled_or_only_aligned_is_read_row_by_row_with_its_empty_cells(style: Any) -> None:
    from reportlab.platypus import Table

    content = built(paragraph("The piers are listed."), Table(ROWS, style=style), paragraph("All are open."))
    assert blocks(content) == [("body", "The piers are listed."), *(("table row", row) for row in READ),
                               ("body", "All are open.")]  # fmt: skip
    assert [block.level for block in content.blocks] == [0, 1, 0, 0, 0, 0]


def test_years_name_the_columns_of_values_with_their_errors() -> None:
    from reportlab.platypus import Table

    rows = [["Plot", "2021", "2022", "2023"], ["Bare", "41 (4)", "38 (5)", "44 (4)"], ["Sown", "58 (6)", "55 (7)", "3"]]
    content = built(paragraph("Moths a night:"), Table(rows, style=RULED))
    assert [block.level for block in content.blocks] == [0, 1, 0, 0]
    numbers = [["Lot", "2021", "2024"], ["Weir", "2019", "2022"], ["Quay", "2020", "2023"]]
    assert [block.level for block in built(paragraph("Numbers:"), Table(numbers, style=RULED)).blocks][1] != 1


def test_a_caption_parts_two_tables_that_stand_near() -> None:
    from reportlab.platypus import Table

    one = [["Roof", "2018", "2020"], ["Slate", "12 (3)", "15 (4)"], ["Tile", "22 (6)", "27 (5)"]]
    two = [["Model", "Params", "AIC"], ["M1", "3", "412.6"], ["M2", "5", "398.2"]]
    content = built(paragraph("Table 1. Moss."), Table(one), paragraph("Table 2. Models."), Table(two))
    rows = [" | ".join(row) for row in (*one, *two)]
    assert [text for kind, text in blocks(content) if kind == "table row"] == rows
    assert [block.level for block in content.blocks if block.kind is Kind.TABLE_ROW] == [1, 0, 0, 1, 0, 0]


def test_a_head_of_groups_that_is_repeated_in_the_next_column_stands_once() -> None:
    from reportlab.platypus import Table

    head = [["Boat", "Summer", "", "Winter", ""], ["", "Trips", "Guests", "Trips", "Guests"]]
    rows = [*head, *([f"B{n}", f"{n}1", f"{n}2", f"{n}3", f"{n}4"] for n in range(1, 60))]
    content = built(
        Table(rows, colWidths=[60] * 5, repeatRows=1, style=[("SPAN", (1, 0), (2, 0)), ("SPAN", (3, 0), (4, 0))])
    )
    assert len(content.pages) > 1
    shown = blocks(content)
    assert [text for _, text in shown[:2]] == [
        "Boat | Summer | Summer | Winter | Winter",
        "|  | Trips | Guests | Trips | Guests |",
    ]
    assert [text for _, text in shown[2:]] == [f"B{n} | {n}1 | {n}2 | {n}3 | {n}4" for n in range(1, 60)]
    assert [block.level for block in content.blocks][2:] == [0] * 59


def test_a_foot_with_the_number_of_its_page_stands_once_and_a_numbered_heading_is_none_with_the_title() -> None:
    def page(number: int) -> Callable[[Any], None]:
        title = [lines("The Orla range", y=790, size=20), lines("1 Ovens", y=768, size=20)] if number == 1 else []
        body = [f"The door of oven {chr(96 + number)}{chr(97 + n)} is made of steel and glass." for n in range(20)]
        foot = [lines("Orla ovens", y=30, size=8), lines(str(number), y=30, x=540, size=8)]
        return together(*title, lines(*body), *foot)

    content = read_pdf(drawn(page(1), page(2), page(3)))
    headings = [content.text[b.start : b.end] for b in content.blocks if b.kind is Kind.HEADING]
    assert headings == ["1 Ovens"]
    assert content.text.count("Orla ovens") == 1


def test_cells_of_several_lines_are_one_row_and_a_head_that_is_repeated_on_the_next_page_stands_once() -> None:
    from reportlab.platypus import Table

    words = "Every boat that is moored here for more than a week must be registered at the harbour office by its owner"
    rows = [
        ["No", "Rule", "Fine"],
        *([str(n), paragraph(f"{words}, says rule {n}."), f"{n}.50"] for n in range(1, 40)),
    ]
    content = built(Table(rows, colWidths=[40, 200, 60], repeatRows=1, style=RULED))
    assert len(content.pages) > 1
    assert [text for _, text in blocks(content)] == [
        "No | Rule | Fine", *(f"{n} | {words}, says rule {n}. | {n}.50" for n in range(1, 40))
    ]  # fmt: skip
    assert content.text[content.pages[1] :].split(" | ")[0].isdigit()


def test_two_columns_that_the_file_writes_line_by_line_are_read_one_after_the_other() -> None:
    left = [f"The members of the left side came to row {n}" for n in "abcdef"]
    right = [f"and those of the right side sat in seat {n}" for n in "abcdef"]

    def page(canvas: Any) -> None:
        for n in range(6):
            canvas.drawString(60, 700 - 14 * n, left[n])
            canvas.drawString(330, 700 - 14 * n, right[n])

    assert read_pdf(drawn(page)).text.replace("\n\n", " ") == " ".join(left + right)


@pytest.mark.parametrize(
    ("above", "below", "read"),
    [
        ("a long-", "term contract", "a long-term contract"),
        ("the e-", "mail of the office", "the e-mail of the office"),
        ("a twenty-", "Swiss-made watch", "a twenty-Swiss-made watch"),
        ("the two- and three-", "storey houses", "the two- and three-storey houses"),
        ("the gover-", "nment of the day", "the government of the day"),
        ("in the years 2020-", "2024 it rained", "in the years 2020-2024 it rained"),
        ("for 1,2-", "00 euros", "for 1,200 euros"),
        ("on the north-", "east side", "on the north-east side"),
    ],
)
def test_a_hyphen_at_a_lines_end_goes_only_where_the_word_is_one(above: str, below: str, read: str) -> None:
    assert read_pdf(drawn(lines(f"He spoke of {above}", f"{below}."))).text == f"He spoke of {read}."


def test_the_words_of_a_ligature_are_its_letters_and_lines_of_chinese_are_joined_without_a_space() -> None:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))

    def page(canvas: Any) -> None:
        canvas.setFont("STSong-Light", 12)
        canvas.drawString(60, 700, "委员会在星期二晚上开会并在长时间")
        canvas.drawString(60, 684, "的辩论之后同意修理旧桥。")

    assert read_pdf(drawn(page)).text == "委员会在星期二晚上开会并在长时间的辩论之后同意修理旧桥。"


def test_what_a_form_holds_stands_after_its_label_and_an_empty_field_adds_nothing() -> None:
    def page(canvas: Any) -> None:
        canvas.drawString(60, 700, "Name of the boat:")
        canvas.acroForm.textfield(name="boat", x=180, y=695, width=200, height=18, value="Petrel")
        canvas.drawString(60, 670, "Second owner:")
        canvas.acroForm.textfield(name="second", x=180, y=665, width=200, height=18, value="")
        canvas.drawString(60, 640, "Berth:")
        canvas.acroForm.choice(name="berth", x=180, y=635, width=90, height=18, value="B", options=["A", "B"])
        canvas.acroForm.checkbox(name="insured", x=60, y=600, size=14, checked=True)
        canvas.drawString(80, 603, "The boat is insured")
        canvas.acroForm.textfield(name="crew", tooltip="Size of the crew", x=60, y=560, width=90, height=18, value="7")

    assert blocks(read_pdf(drawn(page))) == [
        ("list item", "Name of the boat: Petrel"),
        ("body", "Second owner:"),
        ("list item", "Berth: B"),
        ("list item", "☑ The boat is insured"),
        ("list item", "Size of the crew: 7"),
    ]


def test_remarks_on_a_page_are_read_once_and_hidden_ones_are_not() -> None:
    def page(canvas: Any) -> None:
        lines("The rent is due in May.")(canvas)
        canvas.freeTextAnnotation("Agreed with Otto: 640 crowns.", "/Helv 12 Tf", Rect=[60, 500, 400, 520])
        canvas.textAnnotation("The roof leaks, says Ines.", Rect=[400, 500, 420, 520])
        canvas.textAnnotation("The rent is due in May.", Rect=[400, 600, 420, 620])

    assert blocks(read_pdf(drawn(page))) == [
        ("body", "The rent is due in May."),
        ("body", "Agreed with Otto: 640 crowns."),
        ("body", "The roof leaks, says Ines."),
    ]


def test_a_stamp_across_the_page_parts_no_sentence() -> None:
    def page(canvas: Any) -> None:
        lines("The auction of the ship was held in May and")(canvas)
        canvas.saveState()
        canvas.translate(300, 300)
        canvas.rotate(45)
        canvas.drawString(0, 0, "DRAFT 17")
        canvas.restoreState()
        lines("the winner was Torunn Eide.", y=686)(canvas)

    assert blocks(read_pdf(drawn(page))) == [
        ("body", "The auction of the ship was held in May and the winner was Torunn Eide."),
        ("body", "DRAFT 17"),
    ]


def test_text_that_nobody_sees_is_left_out_and_told() -> None:
    def page(canvas: Any) -> None:
        lines("The fee is 20 crowns.")(canvas)
        canvas.saveState()
        hidden = canvas.beginText(72, 600)
        hidden.setTextRenderMode(3)
        hidden.textLine("The fee is 30 crowns.")
        canvas.drawText(hidden)
        canvas.restoreState()
        canvas.setFillGray(1)
        canvas.drawString(72, 560, "The fee is 40 crowns.")
        canvas.setFillGray(0)
        canvas.rect(70, 520, 200, 20, fill=1)
        canvas.setFillGray(1)
        canvas.drawString(72, 525, "Fees of the club")
        canvas.setFillGray(0)
        canvas.drawString(72, 485, "The fee is 50 crowns.")
        canvas.rect(70, 480, 200, 20, fill=1)
        canvas.drawString(700, 400, "The fee is 60 crowns.")

    content = read_pdf(drawn(page))
    assert [text for _, text in blocks(content)] == ["The fee is 20 crowns.", "Fees of the club"]
    assert content.notices == ("page 1 has text that cannot be seen; it was left out",)


def picture(canvas: Any) -> None:
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    canvas.drawImage(ImageReader(Image.new("RGB", (60, 80), (200, 190, 180))), 0, 0, 595, 842)


def test_pages_that_are_pictures_are_told_by_their_numbers_and_a_blank_page_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    content = read_pdf(drawn(lines("Scanned on 4 March."), picture, lambda _: None, picture))
    assert content.notices == (
        "pages 2 and 4 are pictures and were not read; pip install 'pilcrow[ocr]' to have them read",
    )


def test_the_invisible_text_of_a_scan_that_was_read_is_its_text() -> None:
    def page(canvas: Any) -> None:
        picture(canvas)
        read = canvas.beginText(72, 600)
        read.setTextRenderMode(3)
        read.textLine("The deed was signed by Ada Finch in the presence of two witnesses from Bergen.")
        canvas.drawText(read)

    content = read_pdf(drawn(page))
    assert content.text == "The deed was signed by Ada Finch in the presence of two witnesses from Bergen."
    assert content.notices == ()


def test_lines_at_the_ends_of_pages_that_differ_in_a_number_or_state_a_value_stay() -> None:
    def page(number: int) -> Callable[[Any], None]:
        return together(
            lines("Harbour Bank", y=800),
            lines(f"Statement for month {number}", y=760),
            lines("Wages were paid in by the mill on the first day."),
            lines(f"Interest of {number}.25 was added.", y=100),
            lines("Overdraft: 0.00", y=60),
            lines(f"Harbour Bank | {number}", y=30),
        )

    content = read_pdf(drawn(*(page(number) for number in range(1, 6))))
    text = content.text
    assert [text.count(f"Statement for month {n}") for n in range(1, 6)] == [1] * 5
    assert [text.count(f"Interest of {n}.25") for n in range(1, 6)] == [1] * 5
    assert text.count("Overdraft: 0.00") == 5
    assert text.count("Harbour Bank |") == 1


def test_bytes_after_the_end_do_no_harm_and_a_file_that_was_cut_is_told() -> None:
    raw = drawn(lines("The anchor weighs 380 kilograms."))
    assert read_pdf(raw + b"\0" * 9000).text == "The anchor weighs 380 kilograms."
    assert read_pdf(raw + b"<!-- served by a proxy -->" * 400).text == "The anchor weighs 380 kilograms."
    with pytest.raises(Unreadable, match="cut short"):
        read_pdf(raw + b"\n7 0 obj\n<< /Type /Page")


def test_what_the_outline_lists_is_a_heading_of_its_level() -> None:
    def page(canvas: Any) -> None:
        lines("Mooring", "Every boat is tied up with two ropes, one of which must be new.", gap=30)(canvas)
        canvas.bookmarkPage("m")
        canvas.addOutlineEntry("Mooring", "m", level=0)

    content = read_pdf(drawn(page))
    assert [(block.kind, block.level) for block in content.blocks] == [(Kind.HEADING, 1), (Kind.BODY, 0)]


def test_a_shadow_is_no_second_text_and_a_spread_word_is_one() -> None:
    def page(canvas: Any) -> None:
        canvas.drawString(72, 700, "The mill was sold.")
        canvas.drawString(72.7, 699.5, "The mill was sold.")
        spread = canvas.beginText(72, 650)
        spread.setCharSpace(7)
        spread.textLine("HARBOUR")
        canvas.drawText(spread)

    assert read_pdf(drawn(page)).text == "The mill was sold.\n\nHARBOUR"
