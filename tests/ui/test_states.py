"""What a person meets at the edges: nothing to ask, a server that is gone, other scripts, long names, paper."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from index.opening import create_collection
from rag.generation.chat_model import Message

YEARS = "How many years was Kenneth Yalowitz a diplomat?"
NITROGEN = "At what temperature does nitrogen boil?"
ARABIC = "افتتحت مكتبة المدينة القديمة سنة 1954 وفيها كتب كثيرة جدا يقرؤها الناس كل يوم في المدينة."


class Scripted:
    """A model that says two sentences, the second once it may go on."""

    name, context, notices = "scripted model", 4096, ()
    is_small = False

    def __init__(self) -> None:
        self.may_go_on = Event()
        self.may_go_on.set()

    def count(self, messages: Sequence[Message]) -> int:
        return len(str(messages)) // 4

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 0) -> Iterator[str]:  # noqa: ARG002
        yield "He was a diplomat for 36 years [1]. "
        while not self.may_go_on.wait(0.05):
            yield ""
        yield "He was an ambassador to Belarus [1]."


class Agreeing:
    """Takes every claim for borne out."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [0.9] * len(pairs)


FLEET = """# Fleet of the harbour

| Vessel | Registration | Built | Tonnage | Berth | Master | Inspected | Insured until | Remarks |
|---|---|---|---|---|---|---|---|---|
| Tern | GBR-7731-XK-000194 | 1998 | 412 | North quay | Thelonious Abernathy | 2024-02-11 | 2026-01-31 | \
Needs a new anchor chain before the season and a survey of the plates |
| Gull | GBR-7732 | 2004 | 77 | South | Ida Moll | 2023-11-02 | 2025-06-30 | None |
"""

# The left edge of the first place where words stand in an element, in pixels.
LEFT_OF = """([element, words]) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const at = node.nodeValue.indexOf(words);
        if (at < 0) continue;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + words.length);
        return range.getBoundingClientRect().left;
    }
    return null;
}"""


def focused(page: Any, selector: str) -> bool:
    return bool(page.evaluate("selector => document.activeElement.matches(selector)", selector))


def test_the_first_screen_of_an_empty_collection_offers_to_add_documents(
    visit: Callable[..., Any], serving: Callable[..., str], tmp_path: Path, encoder: Encoder
) -> None:
    (tmp_path / "ferry.txt").write_text("The old ferry was sold to Ann Example in 1987.")
    create_collection(tmp_path / "empty", encoder.identity).close()
    visitor = visit(serving(tmp_path / "empty"), viewport={"width": 390, "height": 800})
    page = visitor.page
    assert not page.locator("#lead").is_visible()
    with page.expect_file_chooser() as chosen:
        page.click("[data-do=first-files]")
    assert not page.locator("#find").is_visible()
    chosen.value.set_files(str(tmp_path / "ferry.txt"))
    page.wait_for_selector("#list .row:visible")
    assert page.locator("#find").is_visible()
    page.click("#back")
    assert page.locator("#lead").is_visible()
    assert not page.locator("#begin").is_visible()


def test_limits_that_no_document_fits_are_named_as_the_reason(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    visitor.page.click("#limits-button")
    visitor.page.fill("#after", "2031-01-01")
    turn = visitor.ask(YEARS)
    assert turn.locator(".none").inner_text() == "No answer. No document fits these limits."
    assert "likely" not in turn.locator(".spoke").inner_text()


def test_a_server_that_is_gone_is_told_and_the_question_can_be_asked_again(
    visit: Callable[..., Any], address: str
) -> None:
    visitor = visit(address)
    page = visitor.page
    visitor.ask(YEARS)
    visitor.context.set_offline(True)
    page.fill("#question", NITROGEN)
    page.press("#question", "Enter")
    page.wait_for_selector(".turn.failed .fault", timeout=15_000)
    assert "is Pilcrow still running?" in page.locator(".turn.failed .fault").inner_text()
    assert page.locator("#ask").is_visible()
    with page.expect_navigation(timeout=15_000):  # Gradio loads the page anew once the server is back
        visitor.context.set_offline(False)
    visitor.ready()
    page.click(".turn.failed [data-do=retry]")
    page.wait_for_function("document.querySelectorAll('.turn.done').length === 2", timeout=30_000)


def test_a_name_in_arabic_leaves_the_date_as_it_is_and_its_text_begins_at_the_right(
    visit: Callable[..., Any], serving: Callable[..., str], tmp_path: Path, encoder: Encoder
) -> None:
    (tmp_path / "ar.txt").write_text(f"Title: مكتبة المدينة\nDate: 2019-09-10\nPublisher: صحيفة المثال\n\n{ARABIC}\n")
    outlet = "Verlagsanstalt" * 12
    (tmp_path / "long.txt").write_text(
        f"Title: The mill\nDate: 2020\nPublisher: {outlet}\n\nThe mill of the town burned down on 3 May 1961.\n"
    )
    with create_collection(tmp_path / "collection", encoder.identity) as collection:
        index_paths(collection, encoder, [tmp_path / "ar.txt", tmp_path / "long.txt"])
    page = visit(serving(tmp_path / "collection")).page

    def left(element: Any, words: str) -> float:
        return float(page.evaluate(LEFT_OF, [element.element_handle(), words]))

    row = page.locator('#list .row[data-doc="ar.txt"]')
    assert left(row.locator(".meta"), "2019") < left(row.locator(".meta"), "-09-") < left(row.locator(".meta"), "10 ")
    assert page.evaluate(
        "() => document.querySelector('#list').scrollWidth <= document.querySelector('#list').clientWidth"
    )
    row.locator("a.open").click()
    page.wait_for_selector("#source .par.body .text")
    text = page.locator("#source .par.body .text").last
    box, words = text.bounding_box(), ARABIC.split()
    assert left(text, words[0]) > box["x"] + box["width"] / 2
    assert left(text, words[-1]) > box["x"] + 10  # its last line begins at the right and ends before the left
    assert left(page.locator("#showing"), "2019") < left(page.locator("#showing"), "-09-")


def test_a_new_question_stands_at_the_top_with_nothing_of_the_one_before(
    visit: Callable[..., Any], address: str
) -> None:
    visitor = visit(address)
    visitor.ask(YEARS)
    turn = visitor.ask(YEARS)
    view, box = visitor.page.locator("#talk-scroll").bounding_box(), turn.bounding_box()
    assert abs(box["y"] - view["y"]) <= 1


def test_the_focus_is_never_lost_when_what_had_it_goes(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    page = visitor.page
    page.locator("#examples button").first.press("Enter")
    page.wait_for_selector(".turn.done")
    assert focused(page, "#question")
    page.locator(".turn [data-do=retry]").press("Enter")
    assert focused(page, "#question")
    page.wait_for_selector(".turn.done")


def test_on_a_narrow_page_the_keyboard_goes_to_the_documents_and_back(visit: Callable[..., Any], address: str) -> None:
    page = visit(address, viewport={"width": 390, "height": 800}).page
    page.locator("[data-do=show-pane]").press("Enter")
    assert focused(page, "#tab-collection")
    page.keyboard.press("Escape")
    assert focused(page, "[data-do=show-pane]")


def test_sentences_of_one_answer_that_use_a_paragraph_are_told_apart(
    visit: Callable[..., Any], serving: Callable[..., str], sample_folder: Path
) -> None:
    visitor = visit(serving(sample_folder, model=Scripted(), support=Agreeing()))
    visitor.ask(YEARS).locator("a.cite").first.click()
    visitor.marked()
    backs = visitor.page.locator("#source .backs button")
    assert backs.all_inner_texts() == ["↩ used in answer 1, sentence 1", "↩ used in answer 1, sentence 2"]
    backs.last.click()
    assert visitor.page.locator(".claim.lit").inner_text() == "He was an ambassador to Belarus."


def test_a_fault_of_a_dialog_is_told_inside_it_and_enter_saves(
    visit: Callable[..., Any], serving: Callable[..., str], tmp_path: Path, encoder: Encoder
) -> None:
    (tmp_path / "ferry.txt").write_text("The old ferry was sold to Ann Example in 1987.")
    with create_collection(tmp_path / "collection", encoder.identity) as collection:
        index_paths(collection, encoder, [tmp_path / "ferry.txt"])
    page = visit(serving(tmp_path / "collection")).page
    page.locator("#list input").check()
    page.click("[data-do=mend]")
    page.fill("#mend-date", "yesterday")
    page.press("#mend-date", "Enter")
    page.wait_for_selector("#mend #toast:visible")
    page.fill("#mend-date", "2021")
    page.press("#mend-date", "Enter")
    page.wait_for_function("document.querySelector('#list').textContent.includes('2021')")
    assert not page.locator("#mend").is_visible()
    assert page.locator("#toast").is_visible()
    page.click("#collection [data-do=remove]")
    assert "ferry.txt" in page.locator("#confirm-text").inner_text()


def test_deleting_a_conversation_from_the_list_asks_first(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    page = visitor.page
    page.click("[data-do=drawer]")
    assert not page.locator("#drawer [data-do=export]").first.is_visible()
    page.click("#drawer .close")
    visitor.ask(YEARS)
    page.click("[data-do=drawer]")
    row = page.locator("#conversations li", has_text=YEARS)
    row.get_by_text("Delete").click()
    page.click("#confirm [data-do=no]")
    assert row.is_visible()
    row.get_by_text("Delete").click()
    page.click("#confirm-yes")
    page.wait_for_function("document.querySelector('#conversations').textContent === 'None yet.'")
    assert page.locator(".turn").count() == 0


def test_a_conversation_that_is_deleted_while_it_is_answered_does_not_come_back(
    visit: Callable[..., Any], serving: Callable[..., str], sample_folder: Path
) -> None:
    model = Scripted()
    visitor = visit(serving(sample_folder, model=model, support=Agreeing()))
    page = visitor.page
    visitor.ask(YEARS)
    model.may_go_on.clear()
    page.fill("#question", YEARS)
    page.press("#question", "Enter")
    page.wait_for_function("document.querySelector('.turn.asking .draft')?.textContent.includes('36')")
    page.click("[data-do=drawer]")
    page.locator("#conversations li").get_by_text("Delete").click()
    page.click("#confirm-yes")
    page.wait_for_function("document.querySelector('#conversations').textContent === 'None yet.'")
    model.may_go_on.set()
    page.reload()
    visitor.ready()
    assert page.locator("#welcome").is_visible()
    assert page.evaluate("JSON.parse(localStorage.getItem('pilcrow:list') ?? '[]')") == []


def test_on_paper_there_is_the_whole_conversation_and_nothing_to_press(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address, color_scheme="dark")
    page = visitor.page
    for question in (YEARS, NITROGEN, YEARS):
        visitor.ask(question)
    page.locator("a.cite").first.click()
    visitor.marked()
    page.set_viewport_size({"width": 700, "height": 900})  # paper is narrow, too, and the source lies over the answer
    page.emulate_media(media="print")
    for question in page.locator(".question").all():
        assert question.is_visible()
    boxes = [turn.bounding_box() for turn in page.locator(".turn").all()]
    assert all(above["y"] + above["height"] <= below["y"] + 1 for above, below in pairwise(boxes))
    # The page is as long as what stands on it, so none of it is cut off; and it is not printed white on black.
    assert page.evaluate("document.documentElement.scrollHeight") >= boxes[-1]["y"] + boxes[-1]["height"]
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.app')).getPropertyValue('--ink')").strip() == "#211d19"
    )
    assert page.locator("button:visible, textarea:visible").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_a_wide_table_keeps_its_words_whole_its_columns_in_line_and_shows_the_cell_that_answers(
    visit: Callable[..., Any], serving: Callable[..., str], encoder: Encoder, tmp_path: Path, width: int
) -> None:
    (tmp_path / "fleet.md").write_text(FLEET, encoding="utf-8")
    with create_collection(tmp_path / "collection", encoder.identity) as collection:
        index_paths(collection, encoder, [tmp_path / "fleet.md"])
    visitor = visit(serving(tmp_path / "collection"), viewport={"width": width, "height": 800})
    page = visitor.page
    turn = visitor.ask("Until when is the Tern insured?")
    grid, found = turn.locator(".grid").first.bounding_box(), turn.locator(".grid td.found").first.bounding_box()
    assert grid["x"] <= found["x"]
    assert found["x"] + found["width"] <= grid["x"] + grid["width"] + 1
    turn.locator("a.cite").first.click()
    page.wait_for_function("document.activeElement.matches('#source mark.active')")
    seen = page.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
    assert 0 < seen["top"] < 800
    assert seen["width"] > 0
    lefts = page.locator("#source .moving .par").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('.cell')].map(cell => cell.getBoundingClientRect().left))"
    )
    assert len(lefts) == 3
    assert lefts[0] == lefts[1] == lefts[2]
    assert min(right - left for left, right in pairwise(lefts[0])) > 80
    rows = page.locator("#source .moving")
    assert rows.evaluate("rows => rows.scrollWidth > rows.clientWidth")
    assert page.evaluate(
        "document.querySelector('#source').scrollWidth <= document.querySelector('#source').clientWidth"
    )


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_the_limits_and_the_button_stand_on_one_line(
    visit: Callable[..., Any], address: str, width: int
) -> None:
    page = visit(address, viewport={"width": width, "height": 700}).page
    page.evaluate("document.querySelector('#answerer-label').hidden = false")
    page.evaluate("document.querySelector('#answerer').innerHTML = '<option>Quotes only, about 1 s</option>'")
    page.click("[data-do=show-pane]")
    for box in page.locator("#list .row input").all()[:2]:
        box.check()
    page.click("[data-do=only-these]")
    middles = [
        box["y"] + box["height"] / 2
        for box in (page.locator(name).bounding_box() for name in ("#limits-button", "#answerer", "#ask"))
    ]
    assert max(middles) - min(middles) < 3
    assert page.evaluate("document.querySelector('#ask').getBoundingClientRect().right <= innerWidth")


def test_without_a_network_nothing_lies_over_the_buttons_and_the_page_says_what_is_wrong(
    visit: Callable[..., Any], address: str
) -> None:
    page = visit(address, viewport={"width": 390, "height": 780}).page
    page.context.set_offline(True)
    page.fill("#question", YEARS)
    page.press("#question", "Enter")
    page.wait_for_selector(".turn .fault", timeout=20_000)
    page.wait_for_timeout(1500)  # as long as Gradio takes to tell that the connection is lost
    page.click("[data-do=show-pane]", timeout=3000)
    page.click("#tab-timeline", timeout=3000)
    page.wait_for_selector("#toast:not([hidden])")
    assert page.locator("#toast").inner_text() == "The server did not answer; is Pilcrow still running?"
