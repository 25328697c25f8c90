"""The page, carried by Gradio; what it asks of the server is `rag.page.visit`'s.

One gr.HTML holds the page's own elements. Asking is an event of Gradio, so that it streams and can be stopped; the
rest are functions of the server. Nothing of a conversation is kept here: the browser keeps it and sends what is
needed, so ten people at once cannot see one another's, and a restart loses nothing.
"""

import importlib.util
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from index.address import is_this_machine
from index.errors import PilcrowError
from rag.page import uploads
from rag.page.visit import JsonObject, Page, sentence
from rag.serving.guard import PAGE_HEADERS, page_refusal
from rag.serving.listening import AUTH_VARIABLE, BadAccess, return_large_blocks
from rag.transcript import BadTranscript

if TYPE_CHECKING:
    from fastapi import FastAPI

_PAGE = Path(__file__).parent / "rag" / "page" / "static"
_SCRIPTS = ("store.js", "source.js", "talk.js", "collection.js", "news.js", "page.js")
# Questions answered at the same time; more wait. Gradio's own limit is one.
_AT_ONCE = 16
# Visits of which Gradio keeps the state: the last turn, with its source's whole document. Nobody needs it, and Gradio's
# own 10,000 would be gigabytes. Of its statistics, which nobody reads, it keeps the last few events.
_VISITS = 50
# A request is at most an upload with what a form puts around it.
_LARGEST_REQUEST = uploads.MAX_BYTES + 1_000_000


def build(page: Page) -> Any:
    """The page as Gradio Blocks: one element, the event `ask`, functions of the server, and three named endpoints."""
    import gradio as gr
    from gradio.events import api
    from gradio.utils import get_upload_folder

    from rag.serving.streaming import in_thread

    def server(
        name: str, function: Callable[..., JsonObject], *, named: bool = False, sent: bool = False
    ) -> Callable[..., JsonObject]:
        """A function that the page's script can call; a user's error becomes words of the page."""

        def answer(asked: JsonObject, request: gr.Request) -> JsonObject:
            extra = (getattr(request, "username", None),) if named else (Path(get_upload_folder()),) if sent else ()
            try:
                return function(asked if isinstance(asked, dict) else {}, *extra)
            except (PilcrowError, BadTranscript) as error:
                return {"error": sentence(error)}

        answer.__name__ = name
        return answer

    def ask(event: gr.EventData) -> Iterator[Any]:
        for turn in in_thread(partial(page.ask, event._data or {})):
            yield gr.skip() if turn is None else turn

    with gr.Blocks(title="Pilcrow", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as blocks:
        view = gr.HTML(
            value={},
            html_template=(_PAGE / "shell.html").read_text(encoding="utf-8"),
            js_on_load="pilcrow.start({trigger, watch, props, server, upload}); /* events: 'ask' 'stop' */",
            apply_default_css=False,
            elem_id="pilcrow",
            server_functions=[
                server("page_begin", page.begin, named=True),
                server("page_render", page.render),
                server("page_open", page.document),
                server("page_list", page.listing),
                server("page_quotes", page.quotes),
                server("page_timeline", page.timeline),
                server("page_add", page.add, sent=True),
                server("page_remove", page.remove),
                server("page_mend", page.mend),
                server("page_judge", page.judge, named=True),
                server("page_qrels", page.qrels),
                server("page_export", page.export),
            ],
        )
        asking = view.ask(
            ask, None, view, api_name="page_ask", api_visibility="private", show_progress="hidden",
            trigger_mode="multiple", concurrency_limit=_AT_ONCE,
        )  # fmt: skip
        asking.failure(None, None, None, js="() => pilcrow.talk.broken()", api_visibility="private")
        view.stop(None, None, None, cancels=[asking], queue=False, api_visibility="private")
        for name, function in (("ask", page.answered), ("search", page.found), ("show", page.shown)):
            api(_told(function), api_name=name, concurrency_limit=_AT_ONCE)
    blocks.queue(max_size=200)
    blocks.state_session_capacity = _VISITS
    return blocks


def _told(function: Callable[..., str]) -> Callable[..., str]:
    """The endpoint under the words that its callers know, a user's error as Gradio tells it to them."""
    import gradio as gr

    @wraps(function)
    def endpoint(*args: Any, **kwargs: Any) -> str:
        try:
            return function(*args, **kwargs)
        except (PilcrowError, BadTranscript) as error:
            raise gr.Error(sentence(error), print_exception=False) from error

    endpoint.__name__ = {"answered": "ask", "found": "search", "shown": "show"}[function.__name__]
    return endpoint


def application(
    page: Page, *, users: Mapping[str, str] | None = None, hosts: tuple[str, ...] = ("*",), mcp: bool = False
) -> "FastAPI":
    """The page as an application that any ASGI server can run.

    users: name -> password; None lets everybody in. hosts: names under which it may be called, against pages elsewhere
    that give themselves this machine's address.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before Gradio is imported: it asks for its newest version else
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = str(_VISITS)
    import gradio as gr
    from fastapi import FastAPI
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    app: FastAPI = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        build(page),
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=uploads.MAX_BYTES,
        auth=list(users.items()) if users else None,
        mcp_server=mcp,
        head=_head(),
    )
    app.add_middleware(_Guard, most_files=page.most_files)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    return app


def _head() -> str:
    """The page's own style and script, in the document: nothing is fetched from anywhere else."""
    css = (_PAGE / "page.css").read_text(encoding="utf-8")
    scripts = "\n".join((_PAGE / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    return f"<style>{css}</style><script>(() => {{ 'use strict';\n{scripts}\n}})();</script>"


class _Guard:
    """Adds the headers that keep a browser from obeying anybody else, and refuses what is too large or too much."""

    def __init__(self, app: Any, *, most_files: int) -> None:
        """most_files: that were sent may wait to be read."""
        self._app = app
        self._most_files = most_files

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = page_refusal(scope["method"], dict(scope["headers"]), largest=_LARGEST_REQUEST) or self._no_room(
            scope
        )
        if refusal is not None:
            status, words = refusal
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": words.encode()})
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in PAGE_HEADERS}
                kept = [header for header in message["headers"] if header[0].lower() not in own]
                message = {**message, "headers": [*kept, *PAGE_HEADERS]}
            await send(message)

        await self._app(scope, receive, with_headers)

    def _no_room(self, scope: Any) -> tuple[int, str] | None:
        """The refusal of a file that would wait behind too many others."""
        from gradio.utils import get_upload_folder

        if scope["method"] != "POST" or not scope["path"].endswith("/upload"):
            return None
        words = uploads.why_full(Path(get_upload_folder()), self._most_files)
        return (429, words) if words else None


# ---- Running it


def serve(
    page: Page,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    users: Mapping[str, str] | None = None,
    mcp: bool = False,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Runs the page until it is stopped. ready: called with its address.

    Raises BadAccess for an address that others can reach without users, a port that is taken, MCP without its extra.
    """
    import socket

    import uvicorn

    if mcp and importlib.util.find_spec("mcp") is None:
        raise BadAccess("--mcp needs an extra: pip install 'pilcrow[mcp]'")
    if users is None and not is_this_machine(host):
        raise BadAccess(
            f"'{host}' can be reached from other machines, so users are needed: --auth FILE with lines USER:PASSWORD, "
            f"or ${AUTH_VARIABLE}"
        )
    return_large_blocks()
    hosts = ("localhost", "127.0.0.1", "[::1]", "::1") if is_this_machine(host) else ("*",)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise BadAccess(f"'{host}' port {port} cannot be used ({error.strerror}); try --port {port + 1}") from error
        # Uploads wait in a folder that nobody else of this machine can read, and that goes with the page.
        with TemporaryDirectory(prefix="pilcrow-") as folder:
            os.environ["GRADIO_TEMP_DIR"] = folder
            app = application(page, users=users, hosts=hosts, mcp=mcp)
            # Waited for when the page ends: the interpreter may not go while a model is being read in.
            threading.Thread(target=page.load_early, name="load-models").start()
            listener.listen(2048)  # who comes before the first answer can be given waits, and is not refused
            shown = f"[{host}]" if ":" in host else host
            ready(f"http://{shown}:{listener.getsockname()[1]}")
            uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)).run(
                sockets=[listener]
            )
