"""The server as its callers meet it: a real one on loopback, OpenAI's own client, and a page that means no good."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.errors import CollectionError
from rag.answering import Models, answer
from rag.answers import Answer, Draft, Event, Step, answer_json
from rag.conversation import Turn
from rag.opened import OpenCollection
from rag.reading.reader import Reader
from rag.serving.app import Answering, Asked, answering, make_app
from rag.serving.guard import MAX_BODY_BYTES
from rag.serving.listening import AddressTaken, Discreet, TokenMissing, listen, read_token, web_server
from rag.serving.replies import (
    AnswerReply,
    ChatReply,
    HealthReply,
    HitsReply,
    ModelsReply,
    OpenAIFaultReply,
    ShownReply,
)
from rag.serving.requests import MAX_MESSAGES, MAX_QUESTION, unmarked

ROOT = Path(__file__).parent.parent.parent.parent
QUESTION = "How many years was Kenneth Yalowitz a diplomat?"
TOKEN = "correct-horse-battery-staple"  # noqa: S105  (nobody's)
MESSAGES: Any = [{"role": "user", "content": QUESTION}]


@contextmanager
def served(collection: OpenCollection, answers: Answering, **options: Any) -> Iterator[str]:
    """The URL of a server that runs in a thread of its own."""
    with listen(port=0) as listening:
        server = web_server(make_app(collection, answers, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def opened(sample: Collection, encoder: Encoder, reader: Reader) -> Iterator[OpenCollection]:
    """The sample, its models loaded already."""
    collection = OpenCollection(sample.folder)
    collection._encoder, collection.reader = encoder, reader
    yield collection
    collection.stored.close()


@pytest.fixture(scope="module")
def url(opened: OpenCollection) -> Iterator[str]:
    with served(opened, answering(opened)) as address:
        yield address


@pytest.fixture(scope="module")
def expected(opened: OpenCollection) -> Answer:
    return answer(opened.stored, Models(opened.encoder, opened.reader), QUESTION)


def client(url: str, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


def timeless(reply: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in reply.items() if key != "seconds"}


# ---- Answers


def test_the_openai_client_gets_the_answer_with_its_citations(url: str, expected: Answer) -> None:
    with client(url) as caller:
        reply = caller.chat.completions.create(model="pilcrow", messages=MESSAGES)
    (choice,) = reply.choices
    assert (choice.message.role, choice.message.content) == ("assistant", expected.text)
    assert (choice.finish_reason, reply.usage, reply.model) == ("stop", None, "pilcrow")
    assert timeless(reply.pilcrow) == timeless(answer_json(expected))  # type: ignore[attr-defined]


def test_a_stream_is_the_same_answer_claim_by_claim_and_its_last_chunk_has_the_citations(
    url: str, expected: Answer
) -> None:
    with client(url) as caller:
        chunks = list(caller.chat.completions.create(model="pilcrow", messages=MESSAGES, stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert (deltas[0].role, deltas[0].content) == ("assistant", "")
    assert "".join(delta.content or "" for delta in deltas) == expected.text
    assert len([delta for delta in deltas if delta.content]) == len(expected.claims)
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert timeless(chunks[-1].pilcrow) == timeless(answer_json(expected))  # type: ignore[attr-defined]
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_has_openais_form_to_the_letter(url: str) -> None:
    body = {"model": "pilcrow", "messages": MESSAGES, "stream": True}
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
        text = reply.read().decode()
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    for event in events[:-2]:
        chunk = json.loads(event.removeprefix("data: "))
        assert chunk["object"] == "chat.completion.chunk"
        assert {"id", "created", "model", "choices"} <= set(chunk)


def test_ask_search_show_and_health_reply_as_documented(url: str, expected: Answer) -> None:
    with httpx.Client(base_url=url) as caller:
        answered = caller.post("/ask", json={"question": QUESTION}).json()
        found = caller.post("/search", json={"question": QUESTION, "k": 2}).json()
        citation = answered["citations"][0]
        place = {key: citation[key] for key in ("document", "start", "end")}
        shown = caller.get("/show", params=place).json()
        health = caller.get("/health").json()
    assert timeless(answered) == timeless(answer_json(expected))
    AnswerReply.model_validate(answered)
    HitsReply.model_validate(found)
    assert [hit["rank"] for hit in found["hits"]] == [1, 2]
    ShownReply.model_validate(shown)
    assert shown == {key: value for key, value in citation.items() if key != "label"}
    HealthReply.model_validate(health)


def test_the_chat_reply_and_the_models_are_as_documented(url: str) -> None:
    with httpx.Client(base_url=url) as caller:
        ChatReply.model_validate(
            caller.post("/v1/chat/completions", json={"model": "pilcrow", "messages": MESSAGES}).json()
        )
        ModelsReply.model_validate(caller.get("/v1/models").json())
    with client(url) as openais:
        assert [model.id for model in openais.models.list()] == ["pilcrow", "pilcrow-with-sources"]
        assert openais.models.retrieve("pilcrow").owned_by == "pilcrow"
        with pytest.raises(openai.NotFoundError):
            openais.models.retrieve("gpt-9")


def test_filters_narrow_what_is_looked_at_and_are_checked(url: str, opened: OpenCollection) -> None:
    with opened.stored.reading() as snapshot:
        name = snapshot.documents()[3].doc_id
    with httpx.Client(base_url=url) as caller:
        found = caller.post("/search", json={"question": "Minsk", "documents": [name]}).json()["hits"]
        assert {hit["document"] for hit in found} == {name}
        unknown = caller.post("/ask", json={"question": "Minsk?", "documents": ["no such.txt"]})
        assert (unknown.status_code, unknown.json()) == (404, {"error": "the collection has no document of that name"})
        undated = caller.post("/ask", json={"question": "Minsk?", "after": "soon"})
        assert undated.status_code == 400
        assert undated.json()["error"].startswith("after: 'soon' is not a date; write it like ")
    extras = {"pilcrow": {"documents": ["no such.txt"]}}
    for stream in (False, True):
        with client(url) as openais, pytest.raises(openai.NotFoundError):
            openais.chat.completions.create(model="pilcrow", messages=MESSAGES, extra_body=extras, stream=stream)


def test_where_the_documents_do_not_answer_the_text_says_so(url: str) -> None:
    with client(url) as caller:
        reply = caller.chat.completions.create(
            model="pilcrow", messages=[{"role": "user", "content": "What is the boiling point of tungsten?"}]
        )
    assert (reply.choices[0].message.content or "").startswith("No answer. The documents ")
    assert reply.pilcrow["abstained"] is True  # type: ignore[attr-defined]


FOLLOW_UP = "And for which country was he its ambassador?"


def test_a_follow_up_keeps_the_subject_of_the_messages_before_it(url: str, opened: OpenCollection) -> None:
    first = answer(opened.stored, Models(opened.encoder, opened.reader), QUESTION)
    second = answer(
        opened.stored, Models(opened.encoder, opened.reader), FOLLOW_UP, history=[replace(Turn.of(first), marked="")]
    )
    assert "Yalowitz" in second.query
    with client(url) as caller:
        told = (
            caller.chat.completions.create(model="pilcrow-with-sources", messages=MESSAGES).choices[0].message.content
        )
        messages: Any = [
            {"role": "system", "content": "Obey."},
            *MESSAGES,
            {"role": "assistant", "content": told},
            {"role": "user", "content": FOLLOW_UP},
        ]
        reply = caller.chat.completions.create(model="pilcrow", messages=messages)
    history = [{"question": QUESTION, "answer": told}]
    asked = httpx.post(f"{url}/ask", json={"question": FOLLOW_UP, "history": history}).json()
    assert timeless(reply.pilcrow) == timeless(asked) == timeless(answer_json(second))  # type: ignore[attr-defined]


def test_whom_he_means_is_told_by_the_marked_words_of_the_history(url: str) -> None:
    before = {
        "question": "Who is the ambassador?",
        "answer": "Its envoys to the two capitals were Ruth Abelard and Kenneth Yalowitz.",
        "marked": "Kenneth Yalowitz",
    }
    asked = httpx.post(f"{url}/ask", json={"question": "How old is he?", "history": [before]}).json()
    assert asked["query"].startswith("How old is Kenneth Yalowitz")


def test_small_talk_is_replied_to_without_a_search(url: str) -> None:
    asked = httpx.post(f"{url}/ask", json={"question": "thanks!"}).json()
    assert (asked["answer"], asked["reason"], asked["evidence"]) == ("You're welcome.", "small_talk", [])
    with client(url) as caller:
        messages: Any = [{"role": "user", "content": "hello"}]
        reply = caller.chat.completions.create(model="pilcrow", messages=messages)
    assert reply.choices[0].message.content == "Hello. Ask me something about your documents."


def test_of_an_earlier_reply_only_what_it_said_is_remembered() -> None:
    assert unmarked("He left. [1][2] She came [3].\n\nSources:\n\n- [1] a.txt") == "He left. She came."
    assert unmarked("No answer. The documents do not seem to be about this.") == ""


def test_the_other_model_lists_its_sources_for_clients_that_show_only_text(url: str, expected: Answer) -> None:
    with client(url) as caller:
        whole = caller.chat.completions.create(model="pilcrow-with-sources", messages=MESSAGES)
        chunks = list(caller.chat.completions.create(model="pilcrow-with-sources", messages=MESSAGES, stream=True))
    text = whole.choices[0].message.content or ""
    assert text == "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.startswith(f"{expected.text}\n\nSources:\n\n- [1] ")
    assert expected.citations[0].quote in text


def test_a_message_may_come_in_parts_of_text_and_only_of_text(url: str, expected: Answer) -> None:
    parts: Any = [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]
    image: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]
    with client(url) as caller:
        assert (
            caller.chat.completions.create(model="pilcrow", messages=parts).choices[0].message.content == expected.text
        )
        with pytest.raises(openai.BadRequestError, match=r"messages\.0\.content: "):
            caller.chat.completions.create(model="pilcrow", messages=image)


def made_up(text: str, *, between: Callable[[], None] = lambda: None) -> Generator[Event, None, None]:
    """An answer of the words given, without a citation."""
    yield Step("searching")
    yield Step("reading")
    between()
    yield Draft("so far")
    between()
    yield Answer("q", "q", text, (), (), (), (), False, None, 0.5, "made up", ())


def test_no_client_is_led_to_load_a_picture(opened: OpenCollection) -> None:
    text = "Look ![x](http://evil.example/p.png) <img src=http://evil.example/q.png> 3 < 4."
    with served(opened, lambda _: made_up(text)) as address, client(address) as caller:
        shown = caller.chat.completions.create(model="pilcrow", messages=MESSAGES).choices[0].message.content
    assert shown == "Look !\\[x](http://evil.example/p.png) \\<img src=http://evil.example/q.png> 3 < 4."


def test_drafts_are_sent_only_to_those_who_ask_and_never_as_content(opened: OpenCollection) -> None:
    with served(opened, lambda _: made_up("Done.")) as address, client(address) as caller:
        for drafts in (False, True):
            chunks = list(
                caller.chat.completions.create(
                    model="pilcrow", messages=MESSAGES, stream=True, extra_body={"pilcrow": {"drafts": drafts}}
                )
            )
            assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Done."
            extras = [getattr(chunk, "pilcrow", {}) for chunk in chunks]
            assert [extra["draft"] for extra in extras if "draft" in extra] == (["so far"] if drafts else [])


@pytest.fixture
def with_server(opened: OpenCollection, chat_server: Any) -> Iterator[OpenCollection]:
    """The sample, its answers written by a model on a server."""
    other = OpenCollection(opened.folder, model_name="tiny", server=chat_server.url)
    other._encoder, other.reader = opened.encoder, opened.reader
    yield other
    other.stored.close()


def test_a_models_answer_is_streamed_when_it_is_checked_with_its_citations(
    with_server: OpenCollection, chat_server: Any, speech: Callable[..., list[str]]
) -> None:
    chat_server.events = speech("He was a dip", "lomat for 36 years [1]. He likes tea [9].")
    with served(with_server, answering(with_server)) as address, client(address) as caller:
        chunks = list(caller.chat.completions.create(model="pilcrow", messages=MESSAGES, stream=True))
        strict: Any = {"pilcrow": {"strict": True}}
        cut = caller.chat.completions.create(model="pilcrow", messages=MESSAGES, extra_body=strict)
    whole = chunks[-1].pilcrow  # type: ignore[attr-defined]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole["answer"]
    assert (whole["generator"], whole["claims"][0]["text"]) == (
        "tiny",
        "He was a diplomat for 36 years.",
    )
    assert "36 years" in whole["citations"][0]["quote"]
    assert "markers that point to no evidence, removed: 1" in whole["notices"]
    kept = [claim["text"] for claim in cut.pilcrow["claims"]]  # type: ignore[attr-defined]
    assert kept == ["He was a diplomat for 36 years."]


def test_a_models_server_that_fails_is_told_without_what_it_said(
    with_server: OpenCollection, chat_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    chat_server.status, chat_server.body = 500, '{"error": {"message": "cannot do: my secret"}}'
    with served(with_server, answering(with_server)) as address:
        for stream in (False, True):
            body = {"model": "pilcrow", "messages": MESSAGES, "stream": stream}
            reply = httpx.post(f"{address}/v1/chat/completions", json=body)
            assert "unavailable" in reply.text
            assert "secret" not in reply.text + caplog.text
            assert chat_server.url not in reply.text
    assert "refused with status 500" in caplog.text


def test_any_unicode_goes_through_and_comes_back(opened: OpenCollection) -> None:
    question = "Кто\u0301 👩‍👩‍👧 \u202eabc\u202c \x00 “x”?"
    heard: list[str] = []

    def repeat(asked: Asked) -> Generator[Event, None, None]:
        heard.append(asked.question)
        return made_up(asked.question)

    with served(opened, repeat) as address, client(address) as caller:
        messages: Any = [{"role": "user", "content": question}]
        reply = caller.chat.completions.create(model="pilcrow", messages=messages)
        stream = caller.chat.completions.create(model="pilcrow", messages=messages, stream=True)
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert heard == [question] * 2
    assert reply.choices[0].message.content == streamed == question


# ---- Who may call


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "localhost.evil.example:80"}, 403),
        ({"Host": "localhost@evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "localhost:9000"}, 200),
        ({"Host": "LOCALHOST"}, 200),
        ({"Host": "[::1]:9000"}, 200),
        ({"Host": "192.168.0.7"}, 200),
        ({"Host": "localhost:9000", "Origin": "http://localhost:9000"}, 200),
    ],
)
def test_a_page_of_another_site_or_name_is_refused(url: str, headers: dict[str, str], status: int) -> None:
    for path in ("/health", "/v1/models"):
        reply = httpx.get(url + path, headers=headers)
        assert reply.status_code == status
        assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_two_hosts_or_two_origins_are_no_host_and_no_origin(url: str) -> None:
    port = int(url.rpartition(":")[2])
    for twice in ("Host: localhost\r\nHost: evil.example\r\n", "Host: localhost\r\nOrigin: http://localhost\r\n" * 2):
        with closing(socket.create_connection(("127.0.0.1", port))) as connection:
            connection.sendall(f"GET /health HTTP/1.1\r\n{twice}Connection: close\r\n\r\n".encode())
            assert connection.recv(100).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 403 "))


def test_a_form_of_another_page_cannot_post(url: str) -> None:
    body = json.dumps({"question": QUESTION})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        reply = httpx.post(f"{url}/ask", content=body, headers={"Content-Type": kind})
        assert (reply.status_code, list(reply.json())) == (415, ["error"])
    assert httpx.options(f"{url}/ask", headers={"Access-Control-Request-Method": "POST"}).status_code == 405
    assert httpx.post(
        f"{url}/ask", content=body, headers={"Content-Type": "Application/JSON; charset=utf-8"}
    ).is_success


def test_a_name_that_was_allowed_is_let_in(opened: OpenCollection) -> None:
    with served(opened, lambda _: made_up("x"), hosts=["Box.lan"]) as address:
        assert httpx.get(f"{address}/health", headers={"Host": "box.lan:80"}).is_success


def test_the_token_is_asked_for_everywhere_but_on_the_page_that_documents(opened: OpenCollection) -> None:
    with served(opened, lambda _: made_up("x"), token=TOKEN) as address:
        for path in ("/health", "/show?document=a&start=0&end=1", "/v1/models", "/nothing"):
            reply = httpx.get(address + path)
            assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
        for wrong in ("Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer é"):
            given_token = {"Authorization": wrong.encode("latin-1")}
            assert httpx.get(f"{address}/health", headers=given_token).status_code == 401
        assert httpx.get(f"{address}/health", headers={"Authorization": f"bearer {TOKEN}"}).is_success
        assert httpx.get(f"{address}/docs").is_success
        with client(address, "wrong") as caller, pytest.raises(openai.AuthenticationError):
            caller.models.list()
        with client(address, TOKEN) as caller:
            assert caller.chat.completions.create(model="pilcrow", messages=MESSAGES).choices[0].message.content == "x"


def test_off_loopback_a_token_is_demanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TokenMissing, match="PILCROW_TOKEN"):
        listen("0.0.0.0", 0)  # noqa: S104  (the point)
    listen("0.0.0.0", 0, token=TOKEN).close()  # noqa: S104
    monkeypatch.delenv("PILCROW_TOKEN", raising=False)
    assert read_token(None) is None
    monkeypatch.setenv("PILCROW_TOKEN", TOKEN)
    assert read_token(None) == TOKEN
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}-2\n")
    assert read_token(file) == f"{TOKEN}-2"
    for text in ("", "short", "two words in one token", "ünïcödé-ünïcödé-ünïcödé"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(TokenMissing, match="at least 16"):
            read_token(file)
    with pytest.raises(TokenMissing, match="cannot be read"):
        read_token(tmp_path / "absent")


# ---- Limits


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": "gpt-9"}, "model", "model_not_found"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": [*MESSAGES, {"role": "assistant", "content": "x"}]}, "messages", "invalid_value"),
        ({"messages": [{"role": "user", "content": " \n"}]}, "messages", "invalid_value"),
        ({"messages": [{"role": "user", "content": "x" * (MAX_QUESTION + 1)}]}, "messages", "string_above_max_length"),
        ({"messages": MESSAGES * (MAX_MESSAGES + 1)}, "messages", "invalid_value"),
        ({"messages": [{"role": "pirate", "content": "x"}]}, "messages.0.role", "invalid_value"),
        ({"n": 2}, "n", "invalid_value"),
        ({"tools": [{"type": "function"}]}, "tools", "invalid_value"),
        ({"response_format": {"type": "json_object"}}, "response_format.type", "invalid_value"),
        ({"pilcrow": {"afer": "2020"}}, "pilcrow.afer", "invalid_value"),
    ],
)
def test_what_cannot_be_done_is_told_in_openais_form(url: str, change: dict[str, Any], param: str, code: str) -> None:
    body = {"model": "pilcrow", "messages": MESSAGES} | change
    reply = httpx.post(f"{url}/v1/chat/completions", json=body)
    fault = OpenAIFaultReply.model_validate(reply.json()).error
    assert (reply.status_code, fault.param, fault.code) == (404 if code == "model_not_found" else 400, param, code)
    assert fault.message


def test_parameters_of_sampling_are_taken_and_have_no_effect(url: str, expected: Answer) -> None:
    with client(url) as caller:
        reply = caller.chat.completions.create(
            model="pilcrow", messages=MESSAGES, temperature=0.2, max_completion_tokens=5, seed=1, stop=["x"], user="me"
        )
    assert reply.choices[0].message.content == expected.text


def test_limits_of_our_own_paths_are_told_in_one_line(url: str) -> None:
    with httpx.Client(base_url=url) as caller:
        for body, message in (
            ({}, "question: Field required"),
            ({"question": "  "}, "question: the question is empty"),
            ({"question": "x" * (MAX_QUESTION + 1)}, "question: String should have at most 4000 characters"),
            ({"question": "x", "quesion": "y"}, "quesion: Extra inputs are not permitted"),
        ):
            reply = caller.post("/ask", json=body)
            assert (reply.status_code, reply.json()) == (400, {"error": message})
        assert caller.post("/search", json={"question": "x", "k": 0}).status_code == 400
        assert caller.get("/absent").json() == {"error": "there is no such path; /docs lists them"}
        assert caller.get("/ask").status_code == 405
        assert caller.get("/v1/absent").json()["error"]["type"] == "not_found_error"


def test_a_span_that_is_none_is_told_without_a_path_of_this_machine(url: str, opened: OpenCollection) -> None:
    with opened.stored.reading() as snapshot:
        name = snapshot.documents()[0].doc_id
    with httpx.Client(base_url=url) as caller:
        for place, status in (
            ({"document": name, "start": 5, "end": 5}, 400),
            ({"document": name, "start": -1, "end": 5}, 400),
            ({"document": name, "start": 0, "end": 10**30}, 400),
            ({"document": name, "start": "x", "end": 5}, 400),
            ({"document": name}, 400),
            ({"document": "../../etc/passwd", "start": 0, "end": 5}, 404),
        ):
            reply = caller.get("/show", params=place)
            assert (reply.status_code, list(reply.json())) == (status, ["error"])
            assert str(opened.folder) not in reply.text


def test_a_body_that_is_too_large_is_refused_whether_its_length_is_told_or_not(url: str) -> None:
    large = b'{"question": "' + b"x" * MAX_BODY_BYTES + b'"}'
    kind = {"Content-Type": "application/json"}

    def in_pieces() -> Iterator[bytes]:
        for start in range(0, len(large), 100_000):
            yield large[start : start + 100_000]

    for content in (large, in_pieces()):
        with suppress(httpx.WriteError):  # the server may hang up before all of it is sent
            assert httpx.post(f"{url}/ask", content=content, headers=kind).status_code == 413
    assert httpx.get(f"{url}/health").is_success


def test_beyond_the_queue_callers_are_told_when_to_come_again(opened: OpenCollection) -> None:
    go_on, began = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        began.release()
        go_on.wait(20)

    with served(opened, lambda _: made_up("x", between=wait), at_once=1, waiting=1) as address:
        replies: list[httpx.Response] = []
        ask = lambda: replies.append(httpx.post(f"{address}/ask", json={"question": "x"}, timeout=30))  # noqa: E731
        askers = [threading.Thread(target=ask) for _ in range(2)]
        for asker in askers:
            asker.start()
        began.acquire()
        until(lambda: httpx.get(f"{address}/health").json()["answering"] == 2)
        refused = httpx.post(f"{address}/ask", json={"question": "x"})
        assert (refused.status_code, refused.headers["retry-after"].isdigit()) == (429, True)
        with client(address) as caller, pytest.raises(openai.RateLimitError):
            caller.chat.completions.create(model="pilcrow", messages=MESSAGES)
        assert httpx.post(f"{address}/search", json={"question": "Minsk"}).is_success
        go_on.set()
        for asker in askers:
            asker.join()
        assert [reply.status_code for reply in replies] == [200, 200]


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Waits for it to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_question_that_takes_too_long_is_given_up(opened: OpenCollection) -> None:
    def slow() -> None:
        time.sleep(0.4)

    with served(opened, lambda _: made_up("x", between=slow), seconds=0.2) as address:
        reply = httpx.post(f"{address}/ask", json={"question": "x"})
        assert (reply.status_code, list(reply.json())) == (504, ["error"])
        with client(address) as caller, pytest.raises(openai.APIError, match="took too long"):
            list(caller.chat.completions.create(model="pilcrow", messages=MESSAGES, stream=True))


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_stops_what_was_made_for_it(opened: OpenCollection, stream: bool) -> None:
    closed, said = threading.Event(), []

    def endless(_: Asked) -> Generator[Event, None, None]:
        try:
            yield Step("writing")
            while True:
                said.append(1)
                time.sleep(0.02)
                yield Draft("and so on")
        finally:
            closed.set()

    with served(opened, endless) as address:
        body = {"model": "pilcrow", "messages": MESSAGES, "stream": stream, "pilcrow": {"drafts": True}}
        if stream:
            with httpx.stream("POST", f"{address}/v1/chat/completions", json=body) as reply:
                next(reply.iter_lines())
        else:
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{address}/v1/chat/completions", json=body, timeout=0.3)
        assert closed.wait(5)
        assert said
        until(lambda: httpx.get(f"{address}/health").json()["answering"] == 0)


def test_two_at_once_are_both_answered(url: str, expected: Answer) -> None:
    replies: list[dict[str, Any]] = []
    ask = lambda: replies.append(httpx.post(f"{url}/ask", json={"question": QUESTION}, timeout=60).json())  # noqa: E731
    askers = [threading.Thread(target=ask) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert [reply["answer"] for reply in replies] == [expected.text] * 6


# ---- Faults of the server's own


def test_a_bug_is_told_as_such_and_neither_words_nor_paths_get_out(
    opened: OpenCollection, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(asked: Asked) -> Generator[Event, None, None]:
        yield Step("reading")
        raise KeyError(asked.question)

    with served(opened, broken) as address:
        reply = httpx.post(f"{address}/ask", json={"question": "my secret"})
        assert reply.status_code == 500
        assert reply.json() == {"error": "something is broken in the server; its terminal says what"}
        with client(address) as caller, pytest.raises(openai.APIError, match="something is broken"):
            list(caller.chat.completions.create(model="pilcrow", messages=MESSAGES, stream=True))
        assert httpx.get(f"{address}/health").is_success
    told = "".join(Discreet().format(record) for record in caplog.records)
    assert "KeyError" in told
    assert "in broken" in told
    assert "secret" not in told


def test_a_collection_that_cannot_be_read_now_is_told_without_its_path(opened: OpenCollection) -> None:
    def unreadable(_: Asked) -> Generator[Event, None, None]:
        yield Step("searching")
        raise CollectionError(f"'{opened.folder}' cannot be used now")

    with served(opened, unreadable) as address:
        for stream in (False, True):
            body = {"model": "pilcrow", "messages": MESSAGES, "stream": stream}
            reply = httpx.post(f"{address}/v1/chat/completions", json=body)
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "unavailable")
            assert str(opened.folder) not in reply.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    ["model", "messages", "stream", "pilcrow", "n", "tools", "role", "content", "question", "k", "after", "documents"]
)
bodies = st.dictionaries(fields | st.text(max_size=8), json_values | st.just("pilcrow") | st.just(MESSAGES), max_size=6)


@pytest.fixture(scope="module")
def quick(opened: OpenCollection) -> Iterator[httpx.Client]:
    with served(opened, lambda asked: made_up(asked.question)) as address, httpx.Client(base_url=address) as caller:
        yield caller


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies.map(json.dumps) | json_values.map(json.dumps) | st.text() | st.just("[" * 100_000))
def test_no_body_breaks_the_server(quick: httpx.Client, body: str) -> None:
    content = body.encode("utf-8", "surrogatepass")
    for path in ("/ask", "/v1/chat/completions"):
        reply = quick.post(path, content=content, headers={"Content-Type": "application/json"})
        assert reply.status_code < 500
        if reply.is_error:
            assert list(reply.json()) == ["error"]


@settings(max_examples=60, deadline=None)
@given(name=st.text(), start=st.integers() | st.text(), end=st.integers() | st.floats())
def test_no_place_breaks_show(quick: httpx.Client, name: str, start: object, end: object) -> None:
    place = {
        "document": name.encode("utf-8", "replace").decode(),
        "start": str(start).encode("utf-8", "replace"),
        "end": str(end),
    }
    assert quick.get("/show", params=place).status_code in {400, 404}


# ---- The page


def test_the_documentation_loads_nothing_from_elsewhere(url: str) -> None:
    with httpx.Client(base_url=url) as caller:
        assert caller.get("/").headers["location"] == "/docs"
        page = caller.get("/docs")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for name in re.findall(r'(?:href|src)="([^"]+)"', page.text):
            assert name == "data:," or caller.get(name).is_success
        for path in ("/docs", "/docs/api.css", "/docs/api.js"):
            assert not re.search(r"(?:https?:)?//[a-z]", caller.get(path).text.replace("// ", ""))
        paths = caller.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/ask",
        "/search",
        "/show",
        "/health",
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/{model}",
    }
    assert all({"200", "4XX"} == set(one["responses"]) for methods in paths.values() for one in methods.values())


# ---- The process


def test_the_command_serves_until_it_is_told_to_stop_and_says_no_word_of_what_was_asked(
    opened: OpenCollection,
) -> None:
    command = [sys.executable, "-m", "pilcrow", "serve", "--collection", str(opened.folder), "--port", "0"]
    environment = {**os.environ, "PILCROW_TOKEN": TOKEN}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        (address,) = re.findall(r"at (http://127\.0\.0\.1:\d+) ", line)
        with client(address, TOKEN) as caller:
            caller.chat.completions.create(model="pilcrow", messages=MESSAGES)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_one_line() -> None:
    with listen(port=0) as taken, pytest.raises(AddressTaken, match="--port") as error:
        listen(port=taken.getsockname()[1])
    assert "\n" not in str(error.value)
    with pytest.raises(AddressTaken):
        listen("no.such.host.invalid", 0)
