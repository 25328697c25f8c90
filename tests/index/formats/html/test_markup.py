"""HTML that is all its author's, and the chapters of books."""

import zipfile
from io import BytesIO

import pytest
from lxml import html

from index.errors import Unreadable
from index.formats.content import HEAD_ROW
from index.formats.html.book import read_epub
from index.formats.html.markup import tree_pieces


def pieces(page: str) -> list[tuple[str, int, str]]:
    parser = html.HTMLParser(huge_tree=True)
    return [(p.kind.value, p.level, p.text) for p in tree_pieces(html.document_fromstring(page, parser=parser))]


def test_lists_have_their_depth_and_their_numbers() -> None:
    page = (
        "<ul><li>a<ul><li>b</li></ul></li><li><p>c</p><p>d</p></li></ul>"
        "<ol start=3 type=a><li>x<li value=9>y</ol><ol reversed><li>p<li>q</ol>"
    )
    assert pieces(page) == [
        ("list item", 1, "a"),
        ("list item", 2, "b"),
        ("list item", 1, "c\nd"),
        ("list item", 1, "c. x"),
        ("list item", 1, "i. y"),
        ("list item", 1, "2. p"),
        ("list item", 1, "1. q"),
    ]


def test_terms_stand_with_what_is_said_of_them() -> None:
    page = (
        "<dl><dt>Depth:</dt><dd>4 m</dd><dd>at ebb</dd><dt>Tide</dt><dt>Ebb</dt><dd>low</dd>"
        "<div><dt>Pier</dt><dd>12</dd></div><dt>Alone</dt></dl>"
    )
    assert [text for _, _, text in pieces(page)] == [
        "Depth: 4 m",
        "Depth: at ebb",
        "Tide, Ebb: low",
        "Pier: 12",
        "Alone",
    ]


def test_cells_that_span_rows_and_columns_keep_the_others_in_their_place() -> None:
    page = (
        "<table><caption>Sales</caption><thead><tr><th rowspan=2>Town<th colspan=2>2023</tr>"
        "<tr><th>Q1<th>Q2</tr></thead>"
        "<tr><td rowspan=2>Oslo<td>1<td></tr><tr><td>3<td>4</tr></table>"
    )
    assert pieces(page) == [
        ("caption", 0, "Sales"),
        ("table row", HEAD_ROW, "Town | 2023 | 2023"),
        ("table row", HEAD_ROW, "Town | Q1 | Q2"),
        ("table row", 0, "| Oslo | 1 |  |"),
        ("table row", 0, "Oslo | 3 | 4"),
    ]


def test_a_table_that_only_places_things_is_none() -> None:
    page = (
        "<table><tr><td><table><tr><td>logo</td></tr></table></td><td><h2>News</h2><p>One.</p></td></tr></table>"
        "<table role=presentation><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
    )
    assert [(kind, text) for kind, _, text in pieces(page)] == [
        ("body", "logo"),
        ("heading", "News"),
        ("body", "One."),
        *(("body", letter) for letter in "abcd"),
    ]


def test_code_keeps_its_spaces_and_formulas_pictures_and_readings_their_words() -> None:
    page = (
        "<pre>a\n  b</pre><p>See <img alt='a red boat at sea'> x<sub>1</sub>: <math><mi>y</mi><mo>=</mo><mfrac><mrow>"
        "<mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac></math></p><p><ruby>東<rp>(</rp><rt>ひがし</rt><rp>)</rp></ruby></p>"
    )
    assert [(kind, text) for kind, _, text in pieces(page)] == [
        ("code", "a\n  b"),
        ("body", "See x₁: y = (a+b)/2"),
        ("caption", "a red boat at sea"),
        ("body", "東(ひがし)"),
    ]


def test_what_is_nested_too_deep_keeps_its_words() -> None:
    page = "<div>" * 900 + "<p>deep</p>" + "</div>" * 900 + "<p>after</p>"
    assert [text for _, _, text in pieces(page)] == ["deep", "after"]


CONTAINER = '<container><rootfiles><rootfile full-path="x/p.opf"/></rootfiles></container>'


def book(chapters: dict[str, str | None], *, container: str | None = CONTAINER) -> bytes:
    """A book of chapters by name; None: named by the package and missing."""
    manifest = "".join(f'<item id="{n}" href="{n}" media-type="application/xhtml+xml"/>' for n in chapters)
    spine = "".join(f'<itemref idref="{n}"/>' for n in chapters)
    raw = BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        if container:
            archive.writestr("META-INF/container.xml", container)
        archive.writestr("x/p.opf", f"<package><manifest>{manifest}</manifest><spine>{spine}</spine></package>")
        for name, text in chapters.items():
            if text is not None:
                archive.writestr(f"x/{name}", text)
    return raw.getvalue()


def test_a_missing_chapter_loses_itself_not_the_book() -> None:
    content = read_epub(book({"a.xhtml": "<html><p>First.</p></html>", "b.xhtml": None, "c.xhtml": "<p>Third.</p>"}))
    assert content.text == "First.\n\nThird."
    assert content.notices == ("1 of 3 chapters is missing or damaged and was not read (b.xhtml)",)
    with pytest.raises(Unreadable, match="no whole EPUB"):
        read_epub(book({"a.xhtml": None}))
    assert read_epub(book({"a.xhtml": "<p>Only.</p>"}, container=None)).text == "Only."


def test_a_chapter_keeps_its_headings_its_notes_and_its_named_characters() -> None:
    page = (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "x.dtd"><html xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:epub="http://www.idpf.org/2007/ops"><body><h2>One</h2><p>Caf&eacute;, 1&frac12; l'
        '<a epub:type="noteref" href="#n">2</a>.</p><aside epub:type="footnote"><p>2. By the glass.</p></aside>'
        "</body></html>"
    )
    content = read_epub(book({"a.xhtml": page}))
    assert [(b.kind.value, content.text[b.start : b.end]) for b in content.blocks] == [
        ("heading", "One"),
        ("body", "Café, 1½ l[2]."),
        ("footnote", "2. By the glass."),
    ]
