"""Speakers, quotes and the timeline as HTML: shown, never obeyed, each with its place."""

from dataclasses import replace

from index.paragraphs import Kind
from rag.citations import Citation
from rag.commands.text import timeline_text
from rag.news.quoted import Quote, QuotedSpeaker
from rag.news.timeline import Statement, Timeline
from rag.page.news_markup import MOST_ROWS, quotes_html, speakers_html, timeline_html

EVIL = "<img src=x onerror=alert(1)>"


def cited(quote: str, start: int = 10) -> Citation:
    return Citation(1, f"{EVIL}.txt", EVIL, EVIL, "2023-02-22", 3, 2, start, start + len(quote), quote, 0, 900)


def quote(**changes: object) -> Quote:
    fields = {
        "speaker": "Maren Holt", "post": "harbour master", "direct": True, "told": "name", "named_start": 0,
        "named_end": 4, "naming": "Holt", "citation": cited("The pier is rotten,"),
    }  # fmt: skip
    return Quote(**{**fields, **changes})  # type: ignore[arg-type]


def test_nothing_of_a_document_is_obeyed() -> None:
    statement = Statement("2023-02-21", "document date", EVIL, 10, 10 + len(EVIL), cited(f"{EVIL} it fell."))
    pages = (
        speakers_html([QuotedSpeaker(EVIL, EVIL, 1, 1, 1)]),
        quotes_html(EVIL, [quote(speaker=EVIL, post=EVIL, naming=EVIL, told="pronoun", citation=cited(EVIL))], []),
        quotes_html(EVIL, [], [EVIL]),
        timeline_html(Timeline((statement,), 1)),
    )
    for html in pages:
        assert "<img" not in html
        assert "&lt;img src=x" in html


def test_a_quote_says_how_it_is_told_and_leads_to_its_characters() -> None:
    html = quotes_html("holt", [quote(), quote(direct=False, told="pronoun", naming="she", post=None)], [])
    assert html.count('<h3 class="speaker"') == 1
    assert "“The pier is rotten,”" in html
    assert '<span class="kind">Reported</span>' in html
    assert "named as “she”" in html
    assert 'data-start="10" data-end="29"' in html


def test_a_statement_stands_under_its_year_with_the_words_of_its_date_set_apart() -> None:
    said = cited("It fell on Tuesday, at noon.")
    found = Timeline((Statement("2023-02-21", "document date", "on Tuesday", 18, 28, said),), 2)
    html = timeline_html(found)
    assert '<h3 class="year">2023</h3>' in html
    assert '<time datetime="2023-02-21">21 February</time>' in html
    assert "It fell <strong>on Tuesday</strong>, at noon." in html
    assert "counted from the document’s date, 2023-02-22" in html
    assert "2 statements left out" in html


def test_what_is_too_much_for_a_page_is_counted() -> None:
    html = speakers_html([QuotedSpeaker(f"Speaker {n}", None, 1, 0, 1) for n in range(MOST_ROWS + 7)])
    assert html.count('class="voice"') == MOST_ROWS
    assert "7 more" in html


def test_nothing_found_says_so() -> None:
    assert "Nobody is quoted" in speakers_html([])
    assert "No dated statement" in timeline_html(Timeline((), 0))
    assert 'data-name="Maren Holt"' in quotes_html("Maren Hollt", [], ["Maren Holt"])


def test_a_row_of_a_table_is_shown_without_its_bars_on_the_page_and_in_the_terminal() -> None:
    row = "| Elsa | 60 | 8 January 2024 | ramp |"
    at = 10 + row.index("8 January")
    said = replace(cited(row), kind=Kind.TABLE_ROW)
    found = Timeline((Statement("2024-01-08", "text", "8 January 2024", at, at + 14, said),), 0)
    assert "Elsa · 60 · <strong>8 January 2024</strong> · ramp<" in timeline_html(found)
    assert "2024-01-08  Elsa · 60 · 8 January 2024 · ramp\n" in timeline_text(found)
