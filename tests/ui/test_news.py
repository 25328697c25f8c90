"""The page's tabs that read documents as news: who is quoted, and what happened when."""

from collections.abc import Callable
from typing import Any


def test_a_speaker_leads_to_the_quotes_and_a_quote_to_its_characters(visit: Callable[..., Any], address: str) -> None:
    page = visit(address).page
    page.click("#tab-quotes")
    page.click(".voice button:has-text('Kenneth Yalowitz')")
    page.wait_for_selector(".quoted li")
    assert page.locator("h3.speaker >> nth=0").inner_text() == "Kenneth Yalowitz"
    words = page.locator(".quoted .words >> nth=0").inner_text().strip("“”")
    page.click(".quoted .open >> nth=0")
    page.wait_for_selector("mark.active")
    assert page.locator("#tab-source").get_attribute("aria-selected") == "true"
    assert "".join(page.locator("mark.active").all_inner_texts()).strip() == words
    page.click("#tab-quotes")
    page.click("#quotes-all")
    page.wait_for_selector(".voices")


def test_the_timeline_is_in_order_and_can_be_about_something(visit: Callable[..., Any], address: str) -> None:
    page = visit(address).page
    page.click("#tab-timeline")
    page.wait_for_selector(".dated time")
    dates = page.eval_on_selector_all(".dated time", "nodes => nodes.map(n => n.getAttribute('datetime'))")
    assert dates == sorted(dates)
    assert len(dates) > 20
    page.fill("#timeline-about", "Kazakhstan")
    page.press("#timeline-about", "Enter")
    page.wait_for_function(f"document.querySelectorAll('.dated time').length < {len(dates)}")
    assert page.locator(".dated li").count() > 0


def test_arrows_go_through_all_tabs_and_all_fit_a_narrow_page(visit: Callable[..., Any], address: str) -> None:
    page = visit(address, viewport={"width": 390, "height": 780}).page
    page.click("[data-do=show-pane]")
    for name in ("quotes", "timeline", "source", "collection"):
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.id") == f"tab-{name}"
    # The pane slides in from the right: where its tabs stand counts once it has come to rest.
    page.wait_for_function("new DOMMatrix(getComputedStyle(document.querySelector('.pane')).transform).e === 0")
    rights = page.eval_on_selector_all(
        "[role=tab]", "nodes => nodes.filter(n => n.offsetParent).map(n => n.getBoundingClientRect().right)"
    )
    assert len(rights) == 4
    assert max(rights) <= 390
