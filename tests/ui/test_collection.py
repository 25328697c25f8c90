"""The collection's tab: files are dropped, listed, narrowed, mended and removed; questions are limited."""

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from reportlab.pdfgen.canvas import Canvas

from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from index.opening import create_collection, open_collection
from rag.opened import OpenCollection
from rag.page.visit import Page
from rag.reading.reader import Reader

FOREST = "The town council of Example agreed on 4 May to plant nine hundred oak trees along the northern road."
BRIDGE = "The old bridge of Example was mended by the engineer Ann Sample before the winter began."


@pytest.fixture
def folder(tmp_path: Path, encoder: Encoder) -> Path:
    files = tmp_path / "files"
    files.mkdir()
    (files / "bridge.txt").write_text(f"Title: The bridge\nDate: 2019-03-01\nPublisher: Example Post\n\n{BRIDGE}\n")
    (files / "mill.txt").write_text(
        "Title: The mill\nDate: 2022-06-01\nPublisher: Sample Times\n\n"
        "The old mill of Example was mended by the carpenter Bob Sample in the spring of that year.\n"
    )
    with create_collection(tmp_path / "collection", encoder.identity) as collection:
        index_paths(collection, encoder, [files])
    return tmp_path / "collection"


def names(page: Any) -> list[str]:
    return [str(row) for row in page.locator("#list .row .name").all_inner_texts()]


def test_the_list_has_the_documents_that_a_question_with_its_limits_is_asked_of(
    tmp_path: Path, encoder: Encoder
) -> None:
    for date in ("2021", "2022", "2022-06", "2022-06-01"):
        (tmp_path / f"{date}.txt").write_text(f"Date: {date}\n\n{BRIDGE} That is what happened in {date}.\n")
    with create_collection(tmp_path / "collection", encoder.identity) as collection:
        index_paths(collection, encoder, sorted(tmp_path.glob("*.txt")))
    listed = Page(OpenCollection(tmp_path / "collection")).listing({"after": "2022-06-02", "before": "2022-12-31"})
    assert re.findall(r'class="row" data-doc="([^"]*)"', listed["html"]) == ["2022-06.txt", "2022.txt"]


def test_the_page_reads_no_more_documents_than_it_shows(
    folder: Path, encoder: Encoder, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = OpenCollection(folder)
    opened._encoder, opened.reader = encoder, reader
    page = Page(opened)
    with opened.stored.reading() as snapshot:
        monkeypatch.setattr(type(snapshot), "documents", lambda _: pytest.fail("all documents were read"))
    assert page.begin({}, None)["examples"] == ""
    question = {"id": "a", "history": [], "question": "What did the mayor of Example eat for breakfast?"}
    *_, turn = page.ask(question, threading.Event())
    assert turn["record"]["answer"]["abstained"]
    assert "Example Post · 2019-03-01" in unescape(re.sub("<[^>]+>", "", turn["html"]))
    (again,) = page.render({"turns": [turn["record"]]})["turns"]
    assert again["html"] == turn["html"]
    page.remove({"documents": ["bridge.txt"]})
    (again,) = page.render({"turns": [turn["record"]]})["turns"]
    assert "Example Post" not in again["html"]
    *_, turn = page.ask({**question, "filters": {"before": "2000"}}, threading.Event())
    assert turn["record"]["answer"]["notices"] == [
        "no document is of these dates, outlets and names; 'pilcrow list' shows what there is"
    ]


def test_who_removes_or_mends_while_others_write_waits_for_them(folder: Path, encoder: Encoder) -> None:
    opened = OpenCollection(folder)
    opened._encoder = encoder
    page = Page(opened)
    with ThreadPoolExecutor() as visitors:
        with opened.writer():
            mended = visitors.submit(page.mend, {"documents": ["bridge.txt"], "publisher": "Other Post"})
            removed = visitors.submit(page.remove, {"documents": ["mill.txt"]})
            _, waiting = wait([mended, removed], timeout=4)  # a writer of another process is waited for 3 seconds
            assert waiting == {mended, removed}
        assert (mended.result(), removed.result()) == ({"said": "1 document changed."}, {"said": "1 document removed."})
    with opened.stored.reading() as snapshot:
        assert [(d.doc_id, d.publisher) for d in snapshot.documents()] == [("bridge.txt", "Other Post")]


def test_a_visitor_is_not_told_which_process_writes_and_where(
    serving: Callable[..., str], folder: Path, encoder: Encoder
) -> None:
    address = serving(folder)
    with create_collection(folder, encoder.identity):
        told = _called(address, "page_remove", {"documents": ["mill.txt"]})
    assert told == {"error": "Something else is changing the documents; try again when it has finished."}


def _called(address: str, function: str, data: dict[str, Any]) -> Any:
    """What one of the page's functions gives to whoever calls it."""
    components = httpx.get(f"{address}/config").json()["components"]
    (view,) = [c["id"] for c in components if c["props"].get("elem_id") == "pilcrow"]
    body = {"session_hash": "x", "fn_name": function, "component_id": view, "data": data}
    return httpx.post(f"{address}/gradio_api/component_server", json=body, timeout=30).json()


def test_a_pdf_is_dropped_told_listed_and_asked_about(
    visit: Callable[..., Any], serving: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    pdf = tmp_path / "forest plan.pdf"
    canvas = Canvas(str(pdf))
    first, second = FOREST.split(" oak ")
    canvas.drawString(60, 760, f"{first} oak")
    canvas.drawString(60, 745, second)
    canvas.save()
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "empty.txt").write_text("")
    visitor = visit(serving(folder))
    page = visitor.page
    assert page.locator("#where").inner_text() == "2 documents, 2019 to 2022"
    page.set_input_files("#files", [str(pdf), str(tmp_path / "picture.png"), str(tmp_path / "empty.txt")])
    page.wait_for_function("document.querySelectorAll('#results .good, #results .bad').length === 3", timeout=60_000)
    said = page.locator("#results li").all_inner_texts()
    assert said[0] == "forest plan.pdf added"
    assert said[1] == "picture.png Damaged, or no picture (its kind is unknown)."
    assert said[2].startswith("empty.txt No text in it")
    page.wait_for_function("document.querySelectorAll('#list .row').length === 3")
    assert sorted(names(page)) == ["bridge.txt", "forest plan.pdf", "mill.txt"]
    turn = visitor.ask("How many oak trees will be planted along the northern road?")
    assert "nine hundred" in turn.locator(".claim").inner_text()
    assert "page 1" in turn.locator(".source .meta").inner_text()
    turn.locator("a.cite").click()
    assert "nine hundred oak trees" in " ".join(visitor.marked().split())
    # Nothing was written under the file's name, and the same file again is no second document.
    assert not [path for path in folder.rglob("*") if "forest" in path.name]
    page.set_input_files("#files", [str(pdf)])
    page.wait_for_function("document.querySelectorAll('#results .good').length === 2", timeout=60_000)
    assert page.locator("#results li").last.inner_text() == "forest plan.pdf unchanged"


def test_a_question_is_limited_by_date_outlet_and_document(
    visit: Callable[..., Any], serving: Callable[..., str], folder: Path
) -> None:
    visitor = visit(serving(folder))
    page = visitor.page
    question = "Who mended it?"
    page.click("#limits-button")
    page.fill("#after", "2020-01-01")
    assert page.locator("#limits-button").inner_text() == "Only from 2020-01-01"
    page.wait_for_function("document.querySelectorAll('#list .row').length === 1")
    assert names(page) == ["mill.txt"]
    turn = visitor.ask(question)
    assert {link.get_attribute("data-doc") for link in turn.locator("a[data-doc]").all()} == {"mill.txt"}
    assert "from 2020-01-01" in turn.locator(".limits").inner_text()
    page.click("[data-do=clear-limits]")
    page.wait_for_function("document.querySelectorAll('#list .row').length === 2")
    page.select_option("#publisher", "Example Post")
    turn = visitor.ask(question)
    assert {link.get_attribute("data-doc") for link in turn.locator("a[data-doc]").all()} == {"bridge.txt"}
    page.click("[data-do=clear-limits]")
    page.click("#tab-collection")
    page.locator("#list .row", has_text="mill.txt").locator("input").check()
    page.click("[data-do=only-these]")
    assert page.locator("#limits-button").inner_text() == "Only mill.txt"
    turn = visitor.ask(question)
    assert {link.get_attribute("data-doc") for link in turn.locator("a[data-doc]").all()} == {"mill.txt"}


def test_documents_are_mended_and_removed_only_when_that_is_confirmed(
    visit: Callable[..., Any], serving: Callable[..., str], folder: Path
) -> None:
    visitor = visit(serving(folder))
    page = visitor.page
    page.locator("#list .row", has_text="bridge.txt").locator("input").check()
    page.click("[data-do=mend]")
    assert page.input_value("#mend-date") == "2019-03-01"
    page.fill("#mend-date", "yesterday")
    page.click("[data-do=mended]")
    page.wait_for_selector("#toast:visible")
    assert "is not a date" in page.locator("#toast").inner_text()
    page.fill("#mend-date", "2021-05")
    page.fill("#mend-publisher", "Other Post")
    page.click("[data-do=mended]")
    page.wait_for_function("document.querySelector('#list').textContent.includes('Other Post · 2021-05')")
    page.click("[data-do=remove]")
    page.click("#confirm [data-do=no]")
    with open_collection(folder) as collection, collection.reading() as snapshot:
        assert [d.doc_id for d in snapshot.documents()] == ["bridge.txt", "mill.txt"]
    page.click("[data-do=remove]")
    page.click("#confirm-yes")
    page.wait_for_function("document.querySelectorAll('#list .row').length === 1")
    with open_collection(folder) as collection, collection.reading() as snapshot:
        assert [d.doc_id for d in snapshot.documents()] == ["mill.txt"]


def test_an_empty_collection_says_what_to_do(
    visit: Callable[..., Any], serving: Callable[..., str], tmp_path: Path, encoder: Encoder
) -> None:
    create_collection(tmp_path / "empty", encoder.identity).close()
    visitor = visit(serving(tmp_path / "empty"))
    assert "Add files above" in visitor.page.locator("#list").inner_text()
    assert visitor.page.locator("#examples button").count() == 0
    turn = visitor.ask("Who mended the bridge?")
    assert "holds no document yet" in turn.locator(".notice").inner_text()


def test_the_bundled_sample_stays_as_it_is(
    visit: Callable[..., Any], serving: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "new.txt").write_text(FOREST)
    visitor = visit(serving(folder, sample=True))
    page = visitor.page
    assert "pilcrow ui --collection DIR" in page.locator("#drop-limits").inner_text()
    page.locator("#list input").first.check()
    assert page.locator("[data-do=only-these]").is_visible()
    assert not page.locator("[data-do=remove]").is_visible()
    refused = page.evaluate(
        """async () => (await (await fetch('/gradio_api/component_server', { method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ session_hash: 'x', fn_name: 'page_remove',
            component_id: window.gradio_config.components.find(c => c.props.elem_id === 'pilcrow').id,
            data: { documents: ['mill.txt'] } }) })).json())"""
    )
    assert "bundled sample" in json.dumps(refused)
