"""Scans and pictures of pages, read by OCR where the extra is installed; where not, that is told."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from index.errors import Unreadable
from index.formats.parser import ParserProcess
from index.formats.pdf import ocr
from index.formats.pdf.document import laid_out_pages, read_pdf
from index.formats.pdf.picture import read_picture

needs_ocr = pytest.mark.skipif(not ocr.is_installed(), reason="the extra pilcrow[ocr] is not installed")
TEXT = ["The deputy of the harbour master is Ines Holm, who", "was chosen on 4 March 2021 for 1,250.50 euros."]


def drawn(lines: list[str]) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (1240, 700), "white")
    draw = ImageDraw.Draw(picture)
    for n, line in enumerate(lines):
        draw.text((120, 150 + 48 * n), line, fill="black", font=ImageFont.load_default(size=32))
    return picture


def saved(picture: Any, kind: str, **how: Any) -> bytes:
    raw = BytesIO()
    picture.save(raw, kind, **how)
    return raw.getvalue()


def scanned(*pages: Any) -> bytes:
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    raw = BytesIO()
    canvas = Canvas(raw, pagesize=(595, 336))
    canvas.drawString(72, 300, "The first page is text.")
    canvas.showPage()
    for picture in pages:
        canvas.drawImage(ImageReader(picture), 0, 0, 595, 336)
        canvas.showPage()
    canvas.save()
    return raw.getvalue()


@needs_ocr
def test_a_page_that_is_a_picture_is_read_and_told() -> None:
    content = read_pdf(scanned(drawn(TEXT)))
    assert content.text == f"The first page is text.\n\n{' '.join(TEXT)}"
    assert content.pages == (0, 25)
    assert content.notices == ("page 2 was read by OCR: a letter or a digit may be wrong",)


@needs_ocr
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_of_a_page_is_read_in_the_child_with_its_limits(kind: str) -> None:
    with ParserProcess() as parser:
        content = parser.read({"PNG": ".png", "JPEG": ".jpg", "TIFF": ".tif"}[kind], saved(drawn(TEXT), kind))
    assert content.text == " ".join(TEXT)
    assert content.notices == ("read by OCR: a letter or a digit may be wrong",)


@needs_ocr
@pytest.mark.parametrize("degrees", [2, 90, 180, 270])
def test_a_page_that_lies_askew_on_its_side_or_on_its_head_is_read_as_one_that_does_not(degrees: int) -> None:
    turned = drawn([*TEXT, "He was a pilot."]).rotate(degrees, expand=True, fillcolor="white")
    read = read_picture(saved(turned, "PNG")).text
    assert read.casefold() == " ".join([*TEXT, "He was a pilot."]).casefold()


@needs_ocr
def test_lines_in_letters_of_one_size_are_one_paragraph_whatever_letters_they_have() -> None:
    lines = [
        "been eaten by beetles and was soon",
        "replaced by the firm of Corbin and",
        "daughters, as we saw near a mine",
    ]
    assert read_picture(saved(drawn(lines), "PNG")).text == " ".join(lines)


@pytest.mark.parametrize(
    ("read", "words"),
    [
        ("He fell on29 December.", "He fell on 29 December."),
        ("an arm above 80degrees", "an arm above 80 degrees"),
        ("Physiotherapy,Weston", "Physiotherapy, Weston"),
        ("flat 4b, 10mm, the 3rd, A4, 1,250 and 12a", "flat 4b, 10mm, the 3rd, A4, 1,250 and 12a"),
    ],
)
def test_spaces_that_are_lost_beside_numbers_are_put_back(read: str, words: str) -> None:
    assert ocr.spaced(read) == words


@needs_ocr
def test_each_frame_of_a_picture_is_a_page() -> None:
    raw = saved(drawn(TEXT[:1]), "TIFF", save_all=True, append_images=[drawn(["A second page."])])
    content = read_picture(raw)
    assert content.text[content.pages[1] :] == "A second page."


@needs_ocr
def test_what_is_no_picture_or_has_no_text_is_told() -> None:
    with pytest.raises(Unreadable, match="no picture"):
        read_picture(b"junk")
    with pytest.raises(Unreadable, match="no text"):
        read_picture(saved(drawn([]), "PNG"))


@needs_ocr
def test_pages_for_which_there_is_no_time_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "has_time", lambda: False)
    content = read_pdf(scanned(drawn(TEXT)))
    assert content.notices == ("page 2 is a picture and was not read; reading took too long",)


def test_without_the_extra_a_picture_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from index.intake.files import Summary, find_files

    monkeypatch.setattr(ocr, "is_installed", lambda: False)
    with pytest.raises(Unreadable, match=r"pip install 'pilcrow\[ocr\]'"):
        read_picture(b"")
    (tmp_path / "a.gif").write_bytes(b"x")
    summary = Summary()
    find_files([tmp_path], tmp_path / "collection", summary)
    assert dict(summary.ignored) == {"of an unsupported type": 1}


def test_a_page_of_which_nothing_is_left_to_read_has_no_text() -> None:
    assert laid_out_pages([[]], {})[0] == ""
