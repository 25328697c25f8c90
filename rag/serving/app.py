"""The server: questions over HTTP, in Pilcrow's own form and in that of OpenAI's chat completions.

Owns the paths. Who may call is `rag.serving.guard`'s, who waits is `rag.serving.jobs`'s; what is understood, replied
and told of a fault is in `rag.serving.requests`, `rag.serving.replies` and `rag.serving.faults`; the process is
`rag.serving.listening`'s.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Collection, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from index.collection import Filters
from index.errors import PilcrowError
from rag import api
from rag.answers import Answer, Draft, Event, Step, answer_json, citation_json, hits_json
from rag.api import ask_events, models_of
from rag.conversation import turns_of
from rag.serving import replies
from rag.serving.batching import BatchingEncoder, BatchingReader
from rag.serving.faults import BROKEN, fault_body, fault_of, openai_fault
from rag.serving.guard import GIVE_UP, App, Guard
from rag.serving.jobs import Busy, Gone, Job, JobQueue, Overdue, Stopped
from rag.serving.replies import Completion
from rag.serving.requests import MAX_NAME, MODELS, AskRequest, ChatRequest, SearchRequest, WrongRequest, check

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    from rag.opened import OpenCollection

T = TypeVar("T")

# Answers made at the same time, and questions that wait beyond these; passages are looked up beside them.
AT_ONCE, WAITING = 4, 60
# One question may take so long, its wait included.
SECONDS = 300.0
# A stream that has nothing to say sends a comment this often, so that nothing on the way takes it for dead.
_SILENCE_SECONDS = 10.0

_PAGE = Path(__file__).parent / "static"
_PAGES = {
    "/docs": ("api.html", "text/html; charset=utf-8"),
    "/docs/api.css": ("api.css", "text/css; charset=utf-8"),
    "/docs/api.js": ("api.js", "text/javascript; charset=utf-8"),
}
_OPEN_PATHS = ("/", *_PAGES, "/openapi.json")

_QUESTION = "How many years was Kenneth Yalowitz a diplomat?"
_SEARCHING = Step("searching")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it came, and what came with it.

    filters: which documents may be looked at. history: (question, answer, marked words of it) of the turns before.
    strict: what the documents do not bear out is left out of a model's answer.
    """

    question: str
    filters: Filters | None = None
    history: Sequence[tuple[str, str, str]] = ()
    strict: bool = False


Answering = Callable[[Asked], Generator[Event, None, None]]


def answering(collection: "OpenCollection", *, strict: bool = False) -> Answering:
    """How this collection answers. Its models are loaded before this returns, so that the first question is quick.

    strict: what the documents do not bear out is left out of every model's answer, asked for or not.
    """
    own = models_of(collection)
    encoder, reader = BatchingEncoder(own.encoder), BatchingReader(collection.reader)

    def events(asked: Asked) -> Generator[Event, None, None]:
        nonlocal encoder
        if encoder.inside is not (loaded := collection.encoder):  # the collection was made anew with another one
            encoder = BatchingEncoder(loaded)
        history = turns_of([{"question": q, "answer": said, "marked": marked} for q, said, marked in asked.history])
        yield from ask_events(
            collection, asked.question, history=history, strict=strict or asked.strict, filters=asked.filters,
            models=replace(own, encoder=encoder, reader=reader),
        )  # fmt: skip

    return events


# ---- The application


def make_app(
    collection: "OpenCollection",
    answers: Answering,
    *,
    token: str | None = None,
    hosts: Collection[str] = (),
    at_once: int = AT_ONCE,
    waiting: int = WAITING,
    seconds: float = SECONDS,
) -> App:
    """The whole server as one ASGI application.

    token: must come with every request, where there is one. hosts: further names under which this machine is called.
    at_once, waiting: answers made at the same time, and questions that may wait. seconds: for one, its wait included.
    """
    from fastapi import FastAPI

    desk = _Desk(collection, answers, JobQueue(at_once, waiting), JobQueue(AT_ONCE, WAITING), seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {GIVE_UP: desk.stop}
        await asyncio.to_thread(desk.close)

    app = FastAPI(
        title="Pilcrow",
        version=_version(),
        description=__doc__.partition("\n")[0],
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    _add_own_paths(app, desk)
    _add_openai_paths(app, desk)
    _add_pages(app)
    _add_faults(app)
    return Guard(app, token=token, hosts=hosts, open_paths=_OPEN_PATHS)


class _Desk:
    """The collection, who answers from it, and the two queues before it: for answers, and for looking things up."""

    def __init__(
        self, collection: "OpenCollection", answers: Answering, askers: JobQueue, lookups: JobQueue, seconds: float
    ) -> None:
        self.collection = collection
        self.askers = askers
        self._answers, self._lookups, self._seconds = answers, lookups, seconds

    def stop(self) -> None:
        self.askers.stop()
        self._lookups.stop()

    def close(self) -> None:
        self.askers.close()
        self._lookups.close()

    def ask(self, asked: Asked) -> Job[Event]:
        """The events of an answer, as they come. Raises Busy."""
        return self.askers.ask(lambda: self._answers(asked), self._seconds)

    async def answer(self, asked: Asked, request: "Request") -> Answer:
        """The Answer. Raises Busy; Gone as soon as the client has left; Overdue; what answering raises."""
        asking = self.ask(asked)
        async with _watched(asking, request):
            while not isinstance(event := await asking.next(), Answer):
                pass
            return event

    async def begun(self, asked: Asked, request: "Request") -> tuple[Job[Event], Event]:
        """An answer's events from the end of the search on, so that what goes wrong until then has its own status."""
        asking = self.ask(asked)
        async with _watched(asking, request):
            while (event := await asking.next()) == _SEARCHING:
                pass
            return asking, event

    async def look_up(self, work: Callable[[], T], request: "Request") -> T:
        """What a short piece of work returns, done in a thread. Raises as `answer` does."""

        def once() -> Generator[T, None, None]:
            yield work()

        asking = self._lookups.ask(once, self._seconds)
        async with _watched(asking, request):
            return await asking.next()


@asynccontextmanager
async def _watched(asking: Job[T], request: "Request") -> AsyncIterator[None]:
    """While the client is there: the work is left as soon as it is not, or where something goes wrong."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        asking.leave()

    watching = asyncio.create_task(watch())
    well = False
    try:
        yield
        well = True
    finally:
        watching.cancel()
        if not well:
            asking.leave()


def _add_own_paths(app: "FastAPI", desk: _Desk) -> None:
    from fastapi import Query
    from starlette.requests import Request
    from starlette.responses import Response

    @app.post(
        "/ask",
        tags=["Pilcrow"],
        responses=_replies(replies.AnswerReply, replies.FaultReply),
        openapi_extra=_example({"question": _QUESTION}),
    )
    async def ask(body: AskRequest, request: Request) -> Response:
        """One answer, each sentence with its sources; or the word that the documents do not answer."""
        asked = Asked(body.question, body.filters(), body.turns(), body.strict)
        return _json(answer_json(await desk.answer(asked, request)))

    @app.post(
        "/search",
        tags=["Pilcrow"],
        responses=_replies(replies.HitsReply, replies.FaultReply),
        openapi_extra=_example({"question": _QUESTION, "k": 3}),
    )
    async def search(body: SearchRequest, request: Request) -> Response:
        """The passages nearest to a question, without an answer."""
        found = await desk.look_up(
            lambda: api.search(desk.collection, body.question, k=body.k, filters=body.filters(), read=body.read),
            request,
        )
        return _json(hits_json(body.question, found))

    @app.get("/show", tags=["Pilcrow"], responses=_replies(replies.ShownReply, replies.FaultReply))
    async def show(
        document: Annotated[str, Query(max_length=MAX_NAME, description="As a citation names it.")],
        start: Annotated[int, Query(description="First character, from 0.")],
        end: Annotated[int, Query(description="One past the last character.")],
        request: Request,
    ) -> Response:
        """Characters of a document, and the paragraph that they lie in: what a citation points to."""
        shown = citation_json(await desk.look_up(lambda: api.show(desk.collection, document, start, end), request))
        del shown["label"]
        return _json(shown)

    @app.get("/health", tags=["Pilcrow"], responses=_replies(replies.HealthReply, replies.FaultReply))
    async def health(request: Request) -> Response:
        """Whether the collection can be read, and how many questions are being answered or wait."""

        def generation() -> int:
            with desk.collection.stored.reading() as snapshot:
                return snapshot.generation

        await desk.look_up(generation, request)
        return _json({"status": "ok", "answering": desk.askers.inside, "room": desk.askers.room})


def _add_openai_paths(app: "FastAPI", desk: _Desk) -> None:
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse

    made = int(time.time())

    @app.post(
        "/v1/chat/completions",
        tags=["OpenAI"],
        responses=_replies(replies.ChatReply, replies.OpenAIFaultReply),
        openapi_extra=_example({"model": MODELS[0], "messages": [{"role": "user", "content": _QUESTION}]}),
    )
    async def chat(body: ChatRequest, request: Request) -> Response:
        """OpenAI's chat completion: the last message is the question; `pilcrow` in the reply is the whole answer."""
        check(body)
        asked = Asked(body.question, body.pilcrow.filters(), body.turns(), body.pilcrow.strict)
        completion = Completion(body.model)
        if not body.stream:
            return _json(completion.whole(await desk.answer(asked, request)))
        asking, first = await desk.begun(asked, request)
        stream = _stream(asking, completion, first, drafts=body.pilcrow.drafts)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    @app.get("/v1/models", tags=["OpenAI"], responses=_replies(replies.ModelsReply, replies.OpenAIFaultReply))
    async def models() -> Response:
        """The names that a request may give as its model."""
        return _json({"object": "list", "data": [replies.model_json(model, made) for model in MODELS]})

    @app.get("/v1/models/{model}", tags=["OpenAI"], responses=_replies(replies.ModelReply, replies.OpenAIFaultReply))
    async def model(model: str) -> Response:
        """One of these names."""
        if model not in MODELS:
            raise WrongRequest("there is no such model here", param="model", code="model_not_found", status=404)
        return _json(replies.model_json(model, made))


async def _stream(asking: Job[Event], completion: Completion, event: Event, *, drafts: bool) -> AsyncIterator[str]:
    """Server-sent events as OpenAI's clients expect them. What is sent as content is checked, and stays as it is."""
    try:
        yield _event(completion.first_chunk())
        while not isinstance(event, Answer):
            if drafts and isinstance(event, Draft):
                yield _event(completion.draft_chunk(event.text))
            try:
                event = await asking.next(_SILENCE_SECONDS)
            except TimeoutError:
                yield ": still at work\n\n"
        for chunk in completion.chunks(event):
            yield _event(chunk)
        yield "data: [DONE]\n\n"
    except Exception as error:  # the status is sent already, so the fault must be told as an event
        fault = fault_of(error)
        yield _event(openai_fault(fault or BROKEN))
        if fault is None:
            raise
    finally:
        asking.leave()


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _add_pages(app: "FastAPI") -> None:
    from starlette.responses import FileResponse, RedirectResponse

    @app.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        return RedirectResponse("/docs")

    def add(path: str, file: Path, kind: str) -> None:
        @app.get(path, include_in_schema=False)
        async def page() -> FileResponse:
            return FileResponse(file, media_type=kind)

    for path, (name, kind) in _PAGES.items():
        add(path, _PAGE / name, kind)


def _add_faults(app: "FastAPI") -> None:
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

    async def tell(request: Request, error: Exception) -> Response:
        fault = fault_of(error) or BROKEN
        body = fault_body(request.url.path, fault)
        return Response(body, fault.status, fault.headers, "application/json")

    async def gone(_: Request, __: Exception) -> Response:
        return Response(status_code=499)  # nobody is there to read it

    app.add_exception_handler(Gone, gone)
    for kind in (WrongRequest, PilcrowError, Busy, Overdue, Stopped, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, tell)


def _json(value: dict[str, Any]) -> "Response":
    from starlette.responses import Response

    return Response(json.dumps(value, ensure_ascii=False).encode(), media_type="application/json")


def _replies(good: type, bad: type) -> dict[int | str, dict[str, Any]]:
    """A path's replies for the OpenAPI page."""
    return {200: {"model": good, "description": "As asked."}, "4XX": {"model": bad, "description": "What was wrong."}}


def _example(body: dict[str, Any]) -> dict[str, Any]:
    """A body to try, for the OpenAPI page."""
    return {"requestBody": {"content": {"application/json": {"example": body}}}}


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pilcrow")
    except PackageNotFoundError:
        return "unknown"  # run from its sources
