"""Everybody can use it: axe-core finds nothing serious, in light and dark, and no width from 360 to 1920 overflows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parent / "axe" / "axe.min.js"
DAY = "On what day did the Russian and Ukrainian presidents hold their meeting in Belarus?"


def violations(page: Any) -> list[str]:
    """What axe-core finds on the page as it stands, serious or worse: rule and elements."""
    page.wait_for_timeout(300)  # transitions end
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [
        f"{v['id']}: {node['target']} {node['failureSummary']}"
        for v in found
        if v["impact"] in ("serious", "critical")
        for node in v["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_any_state(visit: Callable[..., Any], address: str, scheme: str) -> None:
    visitor = visit(address, color_scheme=scheme)
    page = visitor.page
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    page.add_script_tag(path=str(AXE))
    assert violations(page) == []
    visitor.ask(DAY)
    visitor.ask("At what temperature does nitrogen boil?")
    page.locator("a.cite").first.click()
    visitor.marked()
    assert violations(page) == []
    page.click("#limits-button")
    page.click("#tab-collection")
    page.locator("#list input").first.check()
    page.locator("a.cite").first.hover()
    assert violations(page) == []
    page.click("[data-do=drawer]")
    assert violations(page) == []
    page.click("#drawer .close")
    page.locator(".turn [data-do=edit]").first.click()
    page.click("#collection [data-do=remove]")
    assert violations(page) == []


@pytest.mark.parametrize("width", [360, 390, 640, 768, 1024, 1920])
def test_nothing_overflows_and_everything_can_be_reached(visit: Callable[..., Any], address: str, width: int) -> None:
    visitor = visit(address, viewport={"width": width, "height": 800})
    page = visitor.page
    overflowing = """() => [...document.querySelectorAll('.app *')].filter(node => {
        const box = node.getBoundingClientRect();
        return box.width > 1 && (box.right > innerWidth + 1 || box.left < -1)
            && node.checkVisibility({ visibilityProperty: true });
    }).map(node => node.outerHTML.slice(0, 120))"""
    assert page.evaluate(overflowing) == []
    turn = visitor.ask(DAY)
    assert page.evaluate(overflowing) == []
    marker = turn.locator("a.cite").first
    box = marker.bounding_box()
    assert min(box["width"], box["height"]) >= 24
    marker.click()
    visitor.marked()
    page.wait_for_timeout(300)
    assert page.locator("mark.active").first.is_visible()
    assert page.evaluate(overflowing) == []
    if width < 900:
        assert not page.locator("#question").is_visible()
        page.click("#back")
        assert page.evaluate("document.activeElement.matches('a.cite')")
        page.wait_for_timeout(300)
        assert not page.locator("#source").is_visible()
        page.click("[data-do=show-pane]")
        assert page.locator("#list .row").first.is_visible()
    else:
        assert page.locator("#question").is_visible()
        assert page.locator("#source").is_visible()


def test_the_theme_that_was_chosen_stays(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address, color_scheme="light")
    visitor.page.click("[data-do=theme]")
    visitor.page.reload()
    visitor.ready()
    assert visitor.page.evaluate("document.body.classList.contains('dark')")
