"""PDF: the text that a reader would read out, and the page of every character."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from index.formats.pdf import read_pdf


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


def test_a_wider_gap_an_indent_or_other_letters_begin_a_paragraph() -> None:
    first = ["It rained all of that long day and the people of the valley stayed at home and", "waited for the sun."]
    second = ["The next day was as bad as the first one and nobody in the whole valley went to", "work or to school."]
    spaced = together(lines(*first), lines(*second, y=660), lines("A heading", y=620, size=18), lines(*first, y=600))
    joined = [" ".join(first), " ".join(second), "A heading", " ".join(first)]
    assert read_pdf(drawn(spaced)).text.split("\n\n") == joined
    indented = together(lines(*first), lines(second[0], y=673, x=90), lines(second[1], y=659.5))
    assert read_pdf(drawn(indented)).text.split("\n\n") == joined[:2]


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
    assert "Annual" not in content.text
    assert "of 4" not in content.text
    assert "\n" not in content.text
    assert [content.text[start:][:13] for start in content.pages] == ["The committee"] * 4
    assert content.pages[1] == 20 * (len(words[0]) + 1)


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
