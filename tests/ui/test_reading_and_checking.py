"""Asking on the sample and checking a citation in its source, as a person does it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from index.encoder.embedding import Encoder
from index.opening import open_collection
from index.paragraphs import Kind
from rag.answering import Models, answer
from rag.answers import Answer
from rag.reading.reader import Reader

YEARS = "How many years was Kenneth Yalowitz a diplomat?"


def answered(folder: Path, encoder: Encoder, reader: Reader, question: str) -> Answer:
    with open_collection(folder) as collection:
        return answer(collection, Models(encoder, reader), question)


def test_a_click_on_a_marker_highlights_exactly_the_cited_characters(
    visit: Callable[..., Any], address: str, sample_folder: Path, encoder: Encoder, reader: Reader
) -> None:
    expected = answered(sample_folder, encoder, reader, YEARS)
    visitor = visit(address)
    turn = visitor.ask(YEARS)
    assert turn.locator(".claim").all_inner_texts() == [claim.text for claim in expected.claims]
    markers = turn.locator("a.cite")
    assert markers.count() == len(expected.citations)
    for citation, marker in zip(expected.citations, markers.all(), strict=True):
        marker.click()
        assert visitor.marked() == citation.quote
        here = visitor.page.locator("#source .par.here")
        assert here.get_attribute("id") == f"par-{citation.paragraph}"
        assert visitor.page.evaluate("document.activeElement.matches('mark.active')")
        top, pane = (visitor.page.locator(s).bounding_box() for s in ("#source mark.active", "#source"))
        assert pane["y"] <= top["y"] <= pane["y"] + pane["height"]


def test_the_whole_document_is_shown_with_furniture_folded_and_captions_set_apart(
    visit: Callable[..., Any], address: str, sample_folder: Path, encoder: Encoder, reader: Reader
) -> None:
    cited = answered(sample_folder, encoder, reader, YEARS).citations[0].doc_id
    with open_collection(sample_folder) as collection, collection.reading() as snapshot:
        document, paragraphs = snapshot.document(cited), snapshot.paragraphs(cited)
    visitor = visit(address)
    visitor.ask(YEARS)
    visitor.page.wait_for_selector("#source .document")
    shown = visitor.page.locator("#source .par .text").evaluate_all("nodes => nodes.map(node => node.textContent)")
    assert shown == [document.text[p.start : p.end] for p in paragraphs]
    folded = visitor.page.locator("#source details .par").evaluate_all("nodes => nodes.map(node => node.id)")
    assert folded == [f"par-{p.number}" for p in paragraphs if p.kind is Kind.FURNITURE]
    first = visitor.page.locator("#source details").first
    assert not first.locator(".par").first.is_visible()
    first.locator("summary").click()
    assert first.locator(".par").first.is_visible()
    captions = [p for p in paragraphs if p.kind is Kind.CAPTION]
    assert captions
    assert visitor.page.locator("#source .par.caption .kind").all_inner_texts() == ["Caption"] * len(captions)


def test_pointing_at_a_marker_or_focusing_it_shows_quote_outlet_and_date(
    visit: Callable[..., Any], address: str, sample_folder: Path, encoder: Encoder, reader: Reader
) -> None:
    citation = answered(sample_folder, encoder, reader, YEARS).citations[0]
    visitor = visit(address)
    marker = visitor.ask(YEARS).locator("a.cite").first
    note = visitor.page.locator("#note")
    assert not note.is_visible()
    marker.hover()
    assert note.is_visible()
    for words in (citation.quote, citation.publisher, citation.date, citation.title):
        assert words in note.inner_text()
    visitor.page.mouse.move(5, 500)
    note.wait_for(state="hidden")
    visitor.page.focus("#question")
    for _ in range(60):
        visitor.page.keyboard.press("Shift+Tab")
        if visitor.page.evaluate("document.activeElement.matches('a.cite')"):
            break
    assert note.is_visible()
    visitor.page.keyboard.press("Escape")
    assert not note.is_visible()
    described = visitor.page.locator("#" + marker.get_attribute("aria-describedby"))
    assert citation.quote in described.inner_text()


def test_the_keyboard_alone_asks_opens_a_source_and_comes_back(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    press = visitor.page.keyboard.press
    visitor.page.evaluate("document.activeElement.blur()")
    press("/")
    visitor.page.keyboard.type(YEARS)
    press("Enter")
    visitor.page.wait_for_selector(".turn.done")
    for _ in range(60):
        press("Shift+Tab")
        if visitor.page.evaluate("document.activeElement.matches('a.cite')"):
            break
    press("Enter")
    visitor.marked()
    assert visitor.page.evaluate("document.activeElement.matches('mark.active')")
    press("Tab")
    assert visitor.page.evaluate("document.activeElement.textContent").startswith("↩ used in answer 1")
    press("Enter")
    assert visitor.page.evaluate("document.activeElement.matches('a.cite')")
    press("Enter")
    visitor.page.wait_for_function("document.activeElement.matches('mark.active')")
    press("Escape")
    assert visitor.page.evaluate("document.activeElement.matches('a.cite')")


def test_a_highlighted_passage_leads_back_to_every_claim_that_uses_it(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    visitor.ask(YEARS)
    visitor.ask(YEARS)
    visitor.page.locator(".turn").last.locator("a.cite").click()
    visitor.marked()
    backs = visitor.page.locator("#source .backs button")
    assert backs.all_inner_texts() == ["↩ used in answer 1", "↩ used in answer 2"]
    backs.first.click()
    assert visitor.page.evaluate(
        "document.activeElement === document.querySelector('#turns .turn a.cite')"
        " && document.querySelector('#turns .turn .claim').classList.contains('lit')"
    )


def test_a_question_that_the_documents_do_not_answer_gets_an_honest_no_and_what_is_near(
    visit: Callable[..., Any], address: str, sample_folder: Path, encoder: Encoder, reader: Reader
) -> None:
    question = "In what year was Kenneth Yalowitz appointed ambassador to Belarus?"
    expected = answered(sample_folder, encoder, reader, question)
    assert (expected.abstained, expected.reason) == (True, "not_stated")
    visitor = visit(address)
    turn = visitor.ask(question)
    assert turn.locator(".none").inner_text().startswith("No answer.")
    assert turn.locator("a.cite").count() == 0
    related = turn.locator(".related a.open")
    assert related.count() == 3
    related.first.click()
    nearest = expected.evidence[0]
    assert "".join(visitor.marked().split()) == "".join(nearest.text.split())


def test_steps_are_seen_while_they_happen(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    visitor.page.evaluate(
        """() => { window.seen = []; new MutationObserver(() => {
            for (const step of document.querySelectorAll('.steps li.now')) window.seen.push(step.textContent);
        }).observe(document.querySelector('#turns'), { childList: true, subtree: true }); }"""
    )
    visitor.ask(YEARS)
    seen = list(dict.fromkeys(visitor.page.evaluate("window.seen")))
    assert seen == ["Searching the documents", "Reading the best passages"]


def test_the_first_screen_offers_questions_of_the_sample_and_they_are_asked_with_a_click(
    visit: Callable[..., Any], address: str
) -> None:
    visitor = visit(address)
    examples = visitor.page.locator("#examples button")
    assert examples.count() == 5
    asked = examples.nth(4).inner_text()
    examples.nth(4).click()
    visitor.page.wait_for_selector(".turn.done")
    assert visitor.page.locator(".question").inner_text() == asked
    assert not visitor.page.locator("#welcome").is_visible()
