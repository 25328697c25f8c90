"""Saved pages: all that a reader sees is read as what it is, and what surrounds it is marked as such."""

import pytest

from index.formats.content import Content
from index.formats.html.web import read_page

LONG = "The committee of the town met on Tuesday and agreed to mend the old bridge before the winter."


def blocks(content: Content) -> list[tuple[str, str]]:
    return [(block.kind.value, content.text[block.start : block.end]) for block in content.blocks]


def page(body: str, head: str = "") -> Content:
    return read_page(f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode())


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<p>The chair is Rosa Lind.</p>", "The chair is Rosa Lind."),
        ("Just text with a <b>bold</b> word.", "Just text with a bold word."),
        ("<div><div><span>The clerk is Uma Rao.</span></div></div>", "The clerk is Uma Rao."),
        ("Plain text alone.", "Plain text alone."),
        ('<?xml version="1.0" encoding="utf-8"?><p>Olé.</p>', "Olé."),
        ("<li>One", "One"),
    ],
)
def test_a_part_of_a_page_is_read_as_a_page(raw: str, text: str) -> None:
    assert read_page(raw.encode()).text == text


def test_menus_heads_feet_and_buttons_are_marked_and_all_else_is_content() -> None:
    content = page(
        '<header><a href="/">Harbour</a></header><nav><ul><li><a href="/a">News</a></li></ul></nav>'
        f"<main><h1>Bridge</h1><p>{LONG}</p><dl><dt>Length</dt><dd>40 m</dd></dl><button>Print</button>"
        "<pre>mend --all\n  --now</pre><ul><li>Oak</li><li>Iron</li></ul></main>"
        '<div class="cookie-banner"><p>We use cookies.</p></div><footer><p>All rights reserved</p></footer>'
    )
    assert blocks(content) == [
        ("furniture", "Harbour"),
        ("furniture", "News"),
        ("heading", "Bridge"),
        ("body", LONG),
        ("list item", "Length: 40 m"),
        ("furniture", "Print"),
        ("code", "mend --all\n  --now"),
        ("list item", "Oak"),
        ("list item", "Iron"),
        ("furniture", "We use cookies."),
        ("furniture", "All rights reserved"),
    ]
    assert content.title == "Bridge"


def test_what_is_hidden_is_not_read() -> None:
    content = page(
        '<p>The fee is 20.</p><p hidden>The fee is 30.</p><p style="display:none">The fee is 40.</p>'
        '<p class="off">The fee is 50.</p><span class="sr-only">The fee is 60.</span>',
        "<style>.off { display: none }</style>",
    )
    assert content.text == "The fee is 20."


def test_questions_stand_over_their_answers_folded_or_not() -> None:
    content = page(
        "<h3>Who pays?</h3><p>You do.</p><details><summary>Who brings it?</summary><p>We do.</p></details>"
        '<h2><button aria-expanded="false">Who fetches it?</button></h2><div><p>Nobody.</p></div>'
    )
    assert blocks(content) == [
        ("heading", "Who pays?"), ("body", "You do."), ("heading", "Who brings it?"), ("body", "We do."),
        ("heading", "Who fetches it?"), ("body", "Nobody."),
    ]  # fmt: skip


def test_the_rows_of_a_table_have_a_cell_that_spans_them_each() -> None:
    content = page(
        "<table><tr><th>Pier</th><th>Fee</th><th>Due</th></tr><tr><td rowspan=2>North</td><td>4</td><td></td></tr>"
        "<tr><td>5</td><td>May</td></tr></table>"
    )
    assert blocks(content) == [
        ("table row", "Pier | Fee | Due"), ("table row", "| North | 4 |  |"), ("table row", "North | 5 | May")
    ]  # fmt: skip


def test_a_page_in_latin_1_is_read_as_browsers_do() -> None:
    raw = '<html><head><meta charset="iso-8859-1"></head><body><p>It costs 5 € – “cheap”.</p></body></html>'
    assert read_page(raw.encode("cp1252")).text == "It costs 5 € – “cheap”."


def test_a_raised_number_is_not_glued_to_the_one_before_it() -> None:
    content = page(f"<p>{LONG} It has 45<sup>2</sup> piers.</p><p><sup>2</sup> Of oak.</p>")
    assert "45[2] piers" in content.text


def test_lists_of_other_articles_beside_an_article_surround_it_and_where_there_is_none_they_are_content() -> None:
    more = "".join(
        f'<div><img src="{n}.jpg" alt="Picture of the harbour {n}"><h4><a href="/{n}">The harbour in year {n}</a></h4>'
        "<span>May</span></div>"
        for n in range(4)
    )
    teasers = f'<div class="x1">{more}</div>'
    told = "".join(f"<p>{LONG} In year {n} it had been closed for {n} weeks, nobody knew why.</p>" for n in range(5))
    article = f"<div><h1>Bridge</h1>{told}<p>See <a href='/map'>the map</a>.</p></div>"
    beside = {words: kind for kind, words in blocks(page(article + teasers))}
    assert beside[f"{LONG} In year 3 it had been closed for 3 weeks, nobody knew why."] == "body"
    assert beside["See the map."] == "body"
    assert {kind for words, kind in beside.items() if "harbour" in words} == {"furniture"}
    alone = blocks(page(f"<h1>Years</h1>{teasers}"))
    assert ("heading", "The harbour in year 3") in alone
    assert ("caption", "Picture of the harbour 3") in alone


def test_what_a_picture_shows_is_not_told_beside_the_same_words() -> None:
    content = page(f'<p>{LONG}</p><figure><img src="a.jpg" alt="The old bridge in June"><figcaption>The old bridge in'
                   " June</figcaption></figure>")  # fmt: skip
    assert blocks(content) == [("body", LONG), ("caption", "The old bridge in June")]
