"""What the page asks of the server, over one open collection: every question, list and change that a visitor makes.

Decides nothing of an answer, and keeps nothing of a conversation: the browser does. Knows nothing of Gradio.
"""

import json
import threading
import time
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index import SAMPLE
from index.dates import stated_date
from index.documents import Document, Given
from index.errors import CollectionLocked, PilcrowError, UnknownDocument, Unreadable
from index.formats.reading import FORMATS
from index.intake.indexing import edit_document
from rag import judgements
from rag.answers import Answer, Draft, Event, Step, answer_json, citation_json, hits_json
from rag.api import ask_events, models_of, search, show
from rag.citations import Sources
from rag.news.quoted import near_names, quoted_speakers, quotes_of
from rag.news.timeline import timeline
from rag.opened import OpenCollection
from rag.page import markup, news_markup, uploads
from rag.page.answerers import Answerers
from rag.transcript import (
    BadTranscript,
    Exchange,
    conversation_json,
    conversation_markdown,
    exchange_from_json,
    exchange_json,
    filters_from_json,
    now,
)

if TYPE_CHECKING:
    from index.encoder.embedding import Encoder
    from rag.answering import Models
    from rag.conversation import Turn
JsonObject = dict[str, Any]
# A draft is sent at most this often: each one is a message, and nobody reads faster.
_DRAFT_SECONDS = 0.1
_LONGEST_QUESTION = 4000
_ROWS = 300
# Of the sample's questions: who, how, when, why, and one that its articles do not answer.
_EXAMPLES = ("q01", "q19", "q33", "q43", "q58")
_TURNS = 8
_LOCKED = "something else is changing the documents; try again when it has finished"
_OWN = "for your own documents start: pilcrow ui --collection DIR"


class Page:
    """What the page can ask of the server, over one open collection. Every argument comes from a browser."""

    def __init__(self, opened: OpenCollection, *, sample: bool = False, strict: bool = False) -> None:
        """opened: the collection, with its models. sample: it is the bundled one, which stays as it is.

        strict: of a model's answer, what the documents do not bear out is left out.
        """
        self._opened = opened
        self._sample = sample
        self._strict = strict
        self._answerers = Answerers(opened)
        self._loading = threading.Lock()
        self._models: tuple[Encoder, Models] | None = None

    @property
    def most_files(self) -> int:
        """Files that visitors may send before they have been read; none where the collection stays as it is."""
        return 0 if self._sample else uploads.MAX_FILES

    def load(self) -> "Models":
        """The models; encoder and reader make one batch of what ten people ask at once. Who comes meanwhile waits."""
        from rag.serving.batching import BatchingEncoder, BatchingReader

        with self._loading:
            own = models_of(self._opened)
            if self._models is None or self._models[0] is not own.encoder:  # reindexed with another one meanwhile
                encoder, reader = BatchingEncoder(own.encoder), BatchingReader(self._opened.reader)
                self._models = (own.encoder, replace(own, encoder=encoder, reader=reader))
            return self._models[1]

    def load_early(self) -> None:
        """As `load`, before anybody asks; what is wrong with a model is told to whoever asks."""
        with suppress(PilcrowError):
            self.load()

    def ask(self, asked: JsonObject, stop: threading.Event) -> Generator[JsonObject, None, None]:
        """The turn as it stands after each event; the last one with its record and the first source's document.

        stop: set when nobody waits any longer.
        """
        exchange = Exchange(str(asked.get("id")), str(asked.get("question"))[:_LONGEST_QUESTION], now())
        steps: list[str] = []
        try:
            exchange = replace(exchange, filters=filters_from_json(asked.get("filters")))
            sent = 0.0
            for event in self._answer_events(exchange, asked, stop):
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
            yield self._turn(replace(exchange, state="failed", fault=sentence(error)), steps)

    def _answer_events(self, exchange: Exchange, asked: JsonObject, stop: threading.Event) -> Iterator[Event]:
        from rag.serving.streaming import StoppableModel

        if self._loading.locked():
            yield Step("loading")
        own = self.load()
        answerer = self._answerers.key_of(asked.get("answerer"))
        if not self._answerers.is_loaded(answerer):
            yield Step("loading")
        models = self._answerers.models(answerer, own)
        if models.model is not None:
            models = replace(models, model=StoppableModel(models.model, stop))
        for event in ask_events(
            self._opened, exchange.question, history=_history(asked), strict=self._strict, filters=exchange.filters,
            models=models,
        ):  # fmt: skip
            if isinstance(event, Answer):
                self._answerers.took(answerer, event.seconds["total"])
            yield event

    def _turn(self, exchange: Exchange, steps: list[str]) -> JsonObject:
        turn: JsonObject = {
            "turn": exchange.exchange_id,
            "html": markup.exchange_html(exchange, steps, self._shown([exchange])),
            "draft": exchange.draft,
            "said": steps[-1] if steps else "",
        }
        if exchange.state != "asking":
            turn["record"] = exchange_json(exchange)
            turn["answerers"] = dict(self._answerers.choices())
            if exchange.answer is not None and exchange.answer.citations:
                # The first source comes with its answer, so that the first click has nothing to wait for.
                doc_id = exchange.answer.citations[0].doc_id
                turn["source"] = {"document": doc_id, "html": self._document_html(doc_id)}
        return turn

    def _shown(self, exchanges: list[Exchange]) -> dict[str, Document]:
        """The documents whose passages abstentions show, those that are still there."""
        names = {e.doc_id for x in exchanges if x.answer and x.answer.abstained for e in x.answer.evidence if e.text}
        return self._described(names)

    def _described(self, names: Collection[str]) -> dict[str, Document]:
        """The documents of these names that are there, without their texts; the others are not read."""
        described = {}
        if names:
            with self._opened.stored.reading() as snapshot:
                for name in names:
                    with suppress(UnknownDocument):
                        described[name] = snapshot.described(name)
        return described

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
            "answerers": markup.options_html(self._answerers.choices()),
            "limits": {
                "files": self.most_files,
                "bytes": uploads.MAX_BYTES,
                "bytesWords": markup.size_words(uploads.MAX_BYTES),
                "formats": sorted(FORMATS),
            },
            "limitsWords": _limits_words(sample=self._sample),
            "changes": not self._sample,
        }

    def _examples(self) -> list[str]:
        """Questions of the bundled sample, where its articles are what the collection holds."""
        articles = {path.name: path.stat().st_size for path in (SAMPLE / "articles").iterdir()}
        with self._opened.stored.reading() as snapshot:
            n_documents = snapshot.n_documents()
        if n_documents != len(articles):
            return []
        if articles != {name: document.size for name, document in self._described(articles).items()}:
            return []
        lines = (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        asked = {row["id"]: row["question"] for row in map(json.loads, lines)}
        return [asked[question_id] for question_id in _EXAMPLES]

    def render(self, asked: JsonObject) -> JsonObject:
        """Turns that the browser kept, as HTML; how many could not be read."""
        exchanges, unreadable = [], 0
        for record in _list(asked, "turns"):
            try:
                exchanges.append(exchange_from_json(record))
            except BadTranscript:
                unreadable += 1
        shown = self._shown(exchanges)
        turns = [{"id": e.exchange_id, "html": markup.exchange_html(e, (), shown)} for e in exchanges]
        said = f"{unreadable} of this conversation's answers could not be read." if unreadable else ""
        return {"turns": turns, "unreadable": said}

    def document(self, asked: JsonObject) -> JsonObject:
        """A document, whole."""
        return {"html": self._document_html(str(asked.get("document")))}

    def listing(self, asked: JsonObject) -> JsonObject:
        """The documents that fit the limits, and the outlets to choose from."""
        filters = filters_from_json(asked)
        find = str(asked.get("find") or "").casefold().split()
        with self._opened.stored.reading() as snapshot:
            documents = snapshot.documents()
        fitting = [d for d in documents if filters.fit(d.date, d.publisher)]
        fitting = [d for d in fitting if all(w in f"{d.title} {d.doc_id} {d.publisher}".casefold() for w in find)]
        fitting.sort(key=lambda d: (d.date or "", d.doc_id), reverse=True)
        publishers = sorted({d.publisher for d in documents if d.publisher})
        return {
            "html": markup.list_html(fitting[:_ROWS], more=max(len(fitting) - _ROWS, 0), total=len(documents)),
            "publishers": markup.options_html([("", "any"), *((p, p) for p in publishers)]),
            "where": _where([d.date for d in documents]),
            "empty": not documents,
        }

    def quotes(self, asked: JsonObject) -> JsonObject:
        """What somebody says in the documents that fit the limits; without a name, everybody who is quoted in any."""
        about = str(asked.get("about") or "")[:_LONGEST_QUESTION]
        if not about:
            return {"html": news_markup.speakers_html(quoted_speakers(self._opened.stored))}
        found = quotes_of(self._opened.stored, about, filters=filters_from_json(asked))
        near = [] if found else near_names(self._opened.stored, about)
        return {"html": news_markup.quotes_html(about, found, near)}

    def timeline(self, asked: JsonObject) -> JsonObject:
        """Dated statements about a name or a question, or all; the dates of the limits are those of the statements."""
        limits = filters_from_json(asked)
        about = str(asked.get("about") or "")[:_LONGEST_QUESTION] or None
        found = timeline(
            self._opened.stored, about, encoder=lambda: self.load().encoder, after=limits.after, before=limits.before,
            filters=replace(limits, after=None, before=None),
        )  # fmt: skip
        return {"html": news_markup.timeline_html(found)}

    def add(self, asked: JsonObject, sent: Path) -> JsonObject:
        """A file that was sent becomes documents. sent: the folder where Gradio puts such files."""
        self._refuse_sample()
        path = Path(str(asked.get("path"))).resolve()
        # The path comes from a browser: only what lies where uploads are put was sent by one.
        if not (path.is_relative_to(sent.resolve()) and path.is_file()):
            raise Unreadable("it did not arrive; send it again")
        self.load()
        try:
            done = uploads.add_upload(self._opened, path, str(asked.get("name")))
        finally:
            path.unlink(missing_ok=True)
        counts = {"added": done.added, "updated": done.updated, "unchanged": done.unchanged, "removed": done.removed}
        rows = sum(counts.values()) > 1
        said = ", ".join(f"{n} {what}" if rows else what for what, n in counts.items() if n) or "nothing in it"
        return {"said": "; ".join([said, *done.faults[:3]])}

    def remove(self, asked: JsonObject) -> JsonObject:
        """Documents leave the collection."""
        self._refuse_sample()
        names = [str(name) for name in _list(asked, "documents")]
        with self._opened.writer() as writer:
            writer.remove(list(dict.fromkeys(names)))
            writer.refresh_base()
        return {"said": f"{len(names)} document{'' if len(names) == 1 else 's'} removed."}

    def mend(self, asked: JsonObject) -> JsonObject:
        """Documents get the date and the outlet that a person states."""
        self._refuse_sample()
        stated = str(asked.get("date") or "").strip()
        try:
            date = stated_date(stated) if stated else None
        except ValueError as error:
            raise BadTranscript(str(error)) from error
        given = Given(date=date, publisher=str(asked.get("publisher") or "").strip() or None)
        names = [str(name) for name in _list(asked, "documents")]
        if not given.named:
            raise BadTranscript("give a date or an outlet")
        with self._opened.writer() as writer:
            for name in names:
                edit_document(writer, self._opened.encoder, name, given)
        return {"said": f"{len(names)} document{'' if len(names) == 1 else 's'} changed."}

    def judge(self, asked: JsonObject, user: str | None) -> JsonObject:
        """A person's judgement of an answer, or of one of its sources, is stored; an empty grade takes it back."""
        exchange = exchange_from_json(asked.get("turn"))
        if exchange.answer is None:
            raise BadTranscript("there is no answer to judge")
        stated = str(asked.get("grade"))
        grade = judgements.GRADES.get(stated)
        if stated and grade is None:
            raise BadTranscript(f"'{stated}' is no grade; give {', '.join(judgements.GRADES)}, or '' to take it back")
        judge = user or " ".join(str(asked.get("judge") or "").split())[:80] or "anonymous"
        about: JsonObject = {"answer": exchange.answer.text or "No answer.", "generator": exchange.answer.generator}
        if asked.get("label") is not None:
            cited = next((c for c in exchange.answer.citations if c.label == asked["label"]), None)
            if cited is None:
                raise BadTranscript("there is no such source")
            about = {"doc_id": cited.doc_id, "start": cited.start, "end": cited.end, "quote": cited.quote}
        given = judgements.Judgement(now(), judge, grade, exchange.question, **about)
        judgements.record(self._opened.folder, given)
        return {"said": f"Kept, judged by {judge}." if grade is not None else "Taken back."}

    def qrels(self, _: JsonObject) -> JsonObject:
        """The judgements as TREC qrels."""
        text = judgements.trec_qrels(judgements.judgements(self._opened.folder))
        return {"name": "judgements.qrels", "text": text} if text else {"error": "No source was judged yet."}

    # For programs: the named endpoints, and the tools over MCP

    def answered(self, question: str, after: str = "", before: str = "", publisher: str = "") -> str:
        """Answers a question from the documents, every sentence with the characters of its source.

        Args:
            question: In plain words.
            after: Only documents of this date or later, as 2023-02-19, 2023-02 or 2023.
            before: Only documents of this date or earlier.
            publisher: Only documents of this outlet.

        Returns:
            A JSON object as `pilcrow ask --json` prints it: answer, claims, citations, abstained, reason, confidence.
        """
        filters = filters_from_json({"after": after, "before": before, "publisher": publisher})
        events = ask_events(
            self._opened, question[:_LONGEST_QUESTION], strict=self._strict, filters=filters, models=self.load()
        )
        given = next(event for event in events if isinstance(event, Answer))
        return json.dumps(answer_json(given), ensure_ascii=False)

    def found(self, question: str, k: int = 10, after: str = "", before: str = "", publisher: str = "") -> str:
        """The passages nearest to a question, without an answer.

        Args:
            question: In plain words.
            k: At most this many passages, from 1 to 100.
            after: Only documents of this date or later, as 2023-02-19, 2023-02 or 2023.
            before: Only documents of this date or earlier.
            publisher: Only documents of this outlet.

        Returns:
            A JSON object as `pilcrow search --json` prints it: question and hits, best first.
        """
        self.load()
        filters = filters_from_json({"after": after, "before": before, "publisher": publisher})
        question = question[:_LONGEST_QUESTION]
        return json.dumps(
            hits_json(question, search(self._opened, question, k=min(max(k, 1), 100), filters=filters)),
            ensure_ascii=False,
        )

    def shown(self, document: str, start: int, end: int) -> str:
        """Characters of a document as a citation, with the paragraph that they lie in.

        Args:
            document: Its name, as a citation or a hit gives it.
            start: The first character, from 0.
            end: One past the last character, inside the same paragraph.

        Returns:
            A JSON object as `pilcrow show --json` prints it: document, title, publisher, date, paragraph, quote.
        """
        cited = citation_json(show(self._opened, document, start, end))
        del cited["label"]
        return json.dumps(cited, ensure_ascii=False)

    def _refuse_sample(self) -> None:
        if self._sample:
            raise BadTranscript("this is the bundled sample, which stays as it is; " + _OWN)

    def export(self, asked: JsonObject) -> JsonObject:
        """A conversation as a file's name and text."""
        exchanges = [exchange_from_json(record) for record in _list(asked, "turns")]
        title = str(asked.get("title") or "Conversation")
        if asked.get("form") == "json":
            text = json.dumps(conversation_json(title, exchanges, now()), ensure_ascii=False, indent=1) + "\n"
            return {"name": "conversation.json", "text": text}
        return {"name": "conversation.md", "text": conversation_markdown(title, exchanges, now())}


def _limits_words(*, sample: bool) -> str:
    if sample:
        return f"This is the bundled sample, and stays as it is. {_OWN[:1].upper()}{_OWN[1:]}"
    formats = " ".join(sorted(FORMATS))
    return f"{formats}. Up to {uploads.MAX_FILES} at a time, {markup.size_words(uploads.MAX_BYTES)} each."


def _history(asked: JsonObject) -> "list[Turn]":
    """The turns before a question, as the browser tells them. Raises BadTranscript for another form."""
    from rag.conversation import Turn

    turns = []
    for row in _list(asked, "history")[-_TURNS:]:
        if not isinstance(row, dict):
            raise BadTranscript("a turn of the history is not an object")
        told = [str(row.get(key) or "") for key in ("question", "query", "answer", "marked")]
        turns.append(Turn(*told))
    return turns


def _where(dates: list[str | None]) -> str:
    """The collection in a few words: "14 documents, 2014 to 2023"."""
    years = sorted({date[:4] for date in dates if date})
    span = f", {years[0]}" + (f" to {years[-1]}" if len(years) > 1 else "") if years else ""
    return f"{len(dates):,} document{'' if len(dates) == 1 else 's'}{span}"


def sentence(error: Exception) -> str:
    """An error in words for a visitor, who is not told which process of which machine writes, and where."""
    text = _LOCKED if isinstance(error, CollectionLocked) else str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _list(asked: Mapping[str, object], key: str) -> list[object]:
    rows = asked.get(key)
    if not isinstance(rows, list):
        raise BadTranscript(f"'{key}' is not a list")
    return rows
