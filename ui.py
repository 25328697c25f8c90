"""The page: Gradio carries it, it shows Answers and decides nothing.

One gr.HTML holds the page's own elements. Asking is an event of Gradio, so that it streams and can be stopped; the rest
are functions of the server. Nothing of a conversation is kept here: the browser sends what is needed and keeps the rest,
so ten people at once cannot see one another's, and a restart loses nothing.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import PilcrowError
from rag import markup
from rag.answers import Answer, Draft, Step
from rag.citations import Sources
from rag.opened import OpenCollection
from rag.transcript import (
    BadTranscript,
    Exchange,
    conversation_json,
    conversation_markdown,
    exchange_from_json,
    exchange_json,
    filters_from_json,
)

if TYPE_CHECKING:
    from fastapi import FastAPI

JsonObject = dict[str, Any]

_PAGE = Path(__file__).parent / "rag" / "page"
_SCRIPTS = ("store.js", "source.js", "talk.js", "collection.js", "page.js")
# A draft is sent at most this often: each one is a message, and nobody reads faster.
_DRAFT_SECONDS = 0.1
_LONGEST_QUESTION = 4000
_ROWS = 300
_EXAMPLES = 5


class Page:
    """What the page can ask of the server, over one open collection. Every argument comes from a browser."""

    def __init__(self, opened: OpenCollection) -> None:
        """opened: the collection, with its models."""
        self._opened = opened

    def ask(self, asked: JsonObject) -> Iterator[JsonObject]:
        """The turn as it stands after each event; the last one with its record and the first source's document."""
        exchange = Exchange(str(asked.get("id")), str(asked.get("question"))[:_LONGEST_QUESTION], _now())
        steps: list[str] = []
        try:
            exchange = replace(exchange, filters=filters_from_json(asked.get("filters")))
            sent = 0.0
            for event in self._answer_events(exchange, asked):
                if isinstance(event, Step):
                    steps.append(event.name)
                elif isinstance(event, Draft):
                    exchange = replace(exchange, draft=event.text)
                    if time.monotonic() - sent < _DRAFT_SECONDS:
                        continue
                    sent = time.monotonic()
                else:
                    exchange = replace(exchange, state="done", answer=event, draft="")
                yield self._turn(exchange, steps)
        except (PilcrowError, BadTranscript) as error:
            yield self._turn(replace(exchange, state="failed", fault=_sentence(error)), steps)

    def _answer_events(self, exchange: Exchange, asked: JsonObject) -> Iterator[Step | Draft | Answer]:
        from rag.answering import answer_events

        opened = self._opened
        return answer_events(
            opened.stored, opened.encoder, opened.reader, exchange.question, filters=exchange.filters
        )

    def _turn(self, exchange: Exchange, steps: list[str]) -> JsonObject:
        titles = self._titles([exchange])
        turn: JsonObject = {
            "turn": exchange.exchange_id,
            "html": markup.exchange_html(exchange, steps, titles),
            "draft": exchange.draft,
            "said": steps[-1] if steps else "",
        }
        if exchange.state != "asking":
            turn["record"] = exchange_json(exchange)
            if exchange.answer is not None and exchange.answer.citations:
                # The first source comes with its answer, so that the first click has nothing to wait for.
                doc_id = exchange.answer.citations[0].doc_id
                turn["source"] = {"document": doc_id, "html": self._document_html(doc_id)}
        return turn

    def _titles(self, exchanges: list[Exchange]) -> dict[str, str]:
        """Titles of the documents that abstentions show, those that are still there."""
        names = {e.doc_id for x in exchanges if x.answer and x.answer.abstained for e in x.answer.evidence if e.text}
        if not names:
            return {}
        with self._opened.stored.reading() as snapshot:
            return {d.doc_id: d.title for d in snapshot.documents() if d.doc_id in names and d.title}

    def _document_html(self, doc_id: str) -> str:
        with self._opened.stored.reading() as snapshot:
            sources = Sources(snapshot)
            return markup.document_html(sources.document(doc_id), sources.paragraphs(doc_id))

    def begin(self, _: JsonObject, user: str | None) -> JsonObject:
        """What the page needs to know once."""
        return {
            "prefix": f"pilcrow:{user}:" if user else "pilcrow:",
            "user": user,
            "examples": markup.examples_html(self._examples()),
            "answerers": markup.options_html([("extractive", "Quotes only")]),
        }

    def _examples(self) -> list[str]:
        """Questions of the bundled sample, one of each kind, where its articles are what the collection holds."""
        sample = Path(__file__).parent / "index" / "sample"
        with self._opened.stored.reading() as snapshot:
            held = {document.doc_id: document.size for document in snapshot.documents()}
        articles = {path.name: path.stat().st_size for path in (sample / "articles").iterdir()}
        if held != articles:
            return []
        by_kind: dict[str, str] = {}
        for line in (sample / "questions.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            by_kind.setdefault(row["kind"], row["question"])
        return [by_kind[kind] for kind in ("who", "when", "why", "number", "near_miss")]

    def render(self, asked: JsonObject) -> JsonObject:
        """Turns that the browser kept, as HTML; how many could not be read."""
        exchanges, unreadable = [], 0
        for record in _list(asked, "turns"):
            try:
                exchanges.append(exchange_from_json(record))
            except BadTranscript:
                unreadable += 1
        titles = self._titles(exchanges)
        turns = [{"id": e.exchange_id, "html": markup.exchange_html(e, (), titles)} for e in exchanges]
        said = f"{unreadable} of this conversation's answers could not be read." if unreadable else ""
        return {"turns": turns, "unreadable": said}

    def open(self, asked: JsonObject) -> JsonObject:
        """A document, whole."""
        return {"html": self._document_html(str(asked.get("document")))}

    def list(self, asked: JsonObject) -> JsonObject:
        """The documents that fit the limits, and the outlets to choose from."""
        filters = filters_from_json(asked)
        find = str(asked.get("find") or "").casefold().split()
        with self._opened.stored.reading() as snapshot:
            documents = snapshot.documents()
        fitting = [d for d in documents if _fits(d.date, d.publisher, filters)]
        fitting = [d for d in fitting if all(w in f"{d.title} {d.doc_id} {d.publisher}".casefold() for w in find)]
        fitting.sort(key=lambda d: (d.date or "", d.doc_id), reverse=True)
        publishers = sorted({d.publisher for d in documents if d.publisher})
        return {
            "html": markup.list_html(fitting[:_ROWS], more=max(len(fitting) - _ROWS, 0), total=len(documents)),
            "publishers": markup.options_html([("", "any"), *((p, p) for p in publishers)]),
            "where": _where([d.date for d in documents]),
        }

    def export(self, asked: JsonObject) -> JsonObject:
        """A conversation as a file's name and text."""
        exchanges = [exchange_from_json(record) for record in _list(asked, "turns")]
        title = str(asked.get("title") or "Conversation")
        if asked.get("form") == "json":
            text = json.dumps(conversation_json(title, exchanges, _now()), ensure_ascii=False, indent=1) + "\n"
            return {"name": "conversation.json", "text": text}
        return {"name": "conversation.md", "text": conversation_markdown(title, exchanges, _now())}


def _fits(date: str | None, publisher: str | None, filters: Any) -> bool:
    """As the collection's own filters do: a document without a date passes no limit of dates."""
    if filters.publisher and publisher != filters.publisher:
        return False
    if filters.after and not (date and date >= filters.after):
        return False
    return not (filters.before and not (date and date[: len(filters.before)] <= filters.before))


def _where(dates: list[str | None]) -> str:
    """The collection in a few words: "14 documents, 2014 to 2023"."""
    years = sorted({date[:4] for date in dates if date})
    span = f", {years[0]}" + (f" to {years[-1]}" if len(years) > 1 else "") if years else ""
    return f"{len(dates):,} document{'' if len(dates) == 1 else 's'}{span}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _list(asked: Mapping[str, object], key: str) -> list[object]:
    rows = asked.get(key)
    if not isinstance(rows, list):
        raise BadTranscript(f"'{key}' is not a list")
    return rows


# ---- Gradio


def build(page: Page) -> Any:
    """The page as Gradio Blocks."""
    import gradio as gr

    def server(name: str, function: Callable[..., JsonObject], *, named: bool = False) -> Callable[..., JsonObject]:
        def answer(asked: JsonObject, request: gr.Request) -> JsonObject:
            try:
                user = (getattr(request, "username", None),) if named else ()
                return function(asked if isinstance(asked, dict) else {}, *user)
            except (PilcrowError, BadTranscript) as error:
                return {"error": _sentence(error)}

        answer.__name__ = name
        return answer

    def ask(event: gr.EventData) -> Iterator[JsonObject]:
        yield from page.ask(event._data or {})

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
                server("page_open", page.open),
                server("page_list", page.list),
                server("page_export", page.export),
            ],
        )
        asking = view.ask(
            ask, None, view, show_progress="hidden", api_visibility="private", trigger_mode="multiple",
            concurrency_limit=_AT_ONCE,
        )  # fmt: skip
        asking.failure(None, None, None, js="() => pilcrow.talk.broken()", api_visibility="private")
        view.stop(None, None, None, cancels=[asking], queue=False, api_visibility="private")
    blocks.queue(max_size=200, api_open=True)
    return blocks


_AT_ONCE = 16


def application(opened: OpenCollection) -> "FastAPI":
    """The page as an application that any ASGI server can run."""
    import gradio as gr
    from fastapi import FastAPI

    blocks = build(Page(opened))
    return gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        blocks,
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        head=_head(),
    )


def _head() -> str:
    """The page's own style and script, in the document: nothing is fetched from anywhere else."""
    css = (_PAGE / "page.css").read_text(encoding="utf-8")
    scripts = "\n".join((_PAGE / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    return f"<style>{css}</style><script>(() => {{ 'use strict';\n{scripts}\n}})();</script>"


def serve(opened: OpenCollection, *, host: str = "127.0.0.1", port: int = 7860) -> None:
    """Runs the page until it is stopped."""
    import uvicorn

    uvicorn.run(application(opened), host=host, port=port, log_level="warning")
