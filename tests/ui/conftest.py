"""A real Chromium on the running page: one browser and one page of the sample a session, a context of its own a test.

Where there is no browser these tests are skipped, with the reason; $PILCROW_BROWSER=required makes that a failure.
"""

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import ui
from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from index.opening import create_collection
from rag.opened import OpenCollection
from rag.reading.reader import Reader

ARTICLES = Path(__file__).parent.parent.parent / "index" / "sample" / "articles"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if executable is None or sync_playwright is None:
        reason = "no chromium on the path" if executable is None else "playwright is not installed"
        if os.environ.get("PILCROW_BROWSER") == "required":
            pytest.fail(f"the tests of the page need a browser: {reason}")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # Chromium's sandbox does not start for root, as in most containers.
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=executable, args=flags)
        yield chromium
        chromium.close()


def opened_collection(folder: Path, encoder: Encoder, reader: Reader) -> OpenCollection:
    """The collection in a folder with the session's models, so that none is loaded twice."""
    opened = OpenCollection(folder)
    opened._encoder, opened.reader = encoder, reader
    return opened


@pytest.fixture(scope="session")
def serving(encoder: Encoder, reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """A folder of a collection -> the address of a page over it, running until the session ends.

    reads: what reads in the reader's place.
    """
    import uvicorn

    running: list[tuple[Any, threading.Thread]] = []
    os.environ["GRADIO_TEMP_DIR"] = str(tmp_path_factory.mktemp("sent"))

    def serve(
        folder: Path, *, model: Any = None, support: Any = None, sample: bool = False, reads: Any = None, **options: Any
    ) -> str:
        opened = opened_collection(folder, encoder, reads or reader)
        if model is not None:
            opened.model, opened.model_name, opened.support = model, model.name, support
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        servers: list[uvicorn.Server] = []

        async def run() -> None:
            # Made inside the running loop: outside, Gradio makes a loop of its own and never closes it.
            app = ui.application(ui.Page(opened, sample=sample), **options)
            servers.append(uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1)))
            await servers[0].serve(sockets=[listener])

        thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
        thread.start()
        while thread.is_alive() and not (servers and servers[0].started):
            thread.join(0.02)
        running.append((servers[0], thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for server, _ in running:
        server.should_exit = True
    for _, thread in running:
        thread.join(5)


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """The bundled sample, indexed for the page: it is not held open for writing."""
    folder = tmp_path_factory.mktemp("page") / "sample"
    with create_collection(folder, encoder.identity) as collection:
        index_paths(collection, encoder, [ARTICLES])
    return folder


@pytest.fixture(scope="session")
def address(sample_folder: Path, serving: Callable[..., str]) -> str:
    """A page over the sample."""
    return serving(sample_folder)


class Visitor:
    """Somebody at a browser of their own: a page, what they asked, and everything that went wrong or left the host."""

    def __init__(self, context: Any, address: str) -> None:
        self.context = context
        self.address = address
        self.page = context.new_page()
        self.faults: list[str] = []
        self.foreign: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        context.on("request", self._requested)
        self.page.goto(address)
        self.ready()

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", f"blob:{self.address}")):
            self.foreign.append(request.url)

    def ready(self) -> None:
        self.page.wait_for_selector(".app[data-ready]", timeout=30_000)

    def ask(self, question: str) -> Any:
        """Types a question and sends it with Enter; the finished turn."""
        before = self.page.locator(".turn").count()
        self.page.fill("#question", question)
        self.page.press("#question", "Enter")
        self.page.wait_for_function(
            "n => document.querySelectorAll('.turn').length > n && !document.querySelector('.turn.asking')",
            arg=before,
            timeout=30_000,
        )
        return self.page.locator(".turn").last

    def marked(self) -> str:
        """The characters that are highlighted as cited."""
        self.page.wait_for_selector("#source mark.active", timeout=10_000)
        return "".join(self.page.locator("#source mark.active").all_text_contents())


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visitor]]:
    """An address -> a Visitor with a context of their own. Nobody may meet a script's fault or a foreign request."""
    visitors: list[Visitor] = []

    def go(address: str, **options: Any) -> Visitor:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        visitors.append(Visitor(context, address))
        return visitors[-1]

    yield go
    for visitor in visitors:
        visitor.context.close()
    assert [fault for visitor in visitors for fault in visitor.faults] == []
    assert [url for visitor in visitors for url in visitor.foreign] == []
