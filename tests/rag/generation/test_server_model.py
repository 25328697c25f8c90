"""A model behind a server: a real HTTP server on loopback that streams, breaks off, refuses and stalls."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from index.errors import ModelUnusable, PilcrowError, ServerFailed
from rag.generation.chat_model import AnswerCut, Data, Message, visible_text
from rag.generation.server_model import ServerModel

Speech = Callable[..., list[str]]
ASKED = [Message("system", ("Be short.",)), Message("user", ("Evidence: ", Data("a bridge"), "\n"))]


def event(content: object, finish: str | None = None) -> str:
    return json.dumps({"choices": [{"delta": content, "finish_reason": finish}]}, ensure_ascii=False)


def test_an_answer_is_streamed_as_it_comes_and_the_request_is_openais(chat_server: Any, speech: Speech) -> None:
    chat_server.events = speech("Ann ", "mended\u2028it. \x85[1]")
    assert list(ServerModel(chat_server.url, "small").stream(ASKED, max_tokens=9)) == [
        "Ann ",
        "mended\u2028it. \x85[1]",
    ]
    assert chat_server.requests == [
        {
            "model": "small",
            "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": "Evidence: a bridge\n"},
            ],
            "stream": True,
            "max_tokens": 9,
            "temperature": 0,
        }
    ]


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_the_address_may_be_given_in_any_of_its_usual_forms(chat_server: Any, speech: Speech, suffix: str) -> None:
    chat_server.events = speech("Yes.")
    assert list(ServerModel(chat_server.url + suffix, "small").stream(ASKED)) == ["Yes."]


def test_a_server_that_does_not_stream_is_read_whole(chat_server: Any) -> None:
    chat_server.content_type = "application/json"
    chat_server.body = json.dumps({"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]})
    assert list(ServerModel(chat_server.url, "small").stream(ASKED)) == ["Yes."]


def test_thoughts_that_the_server_sets_apart_are_left_out(chat_server: Any) -> None:
    chat_server.events = [event({"reasoning_content": "Hm."}), event({"content": "Yes."}, "stop"), "[DONE]"]
    assert list(visible_text(ServerModel(chat_server.url, "small"), ASKED)) == ["Yes."]


def test_an_answer_that_ran_out_of_tokens_is_told_to_be_cut(chat_server: Any, speech: Speech) -> None:
    chat_server.events = speech("One. Tw", finish="length")
    pieces = ServerModel(chat_server.url, "small").stream(ASKED)
    assert next(pieces) == "One. Tw"
    with pytest.raises(AnswerCut):
        next(pieces)


def fault(model: ServerModel) -> str:
    with pytest.raises(PilcrowError) as caught:
        list(model.stream(ASKED))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_server_that_is_down_is_told_with_its_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    message = fault(ServerModel(f"http://127.0.0.1:{port}", "small"))
    assert message.startswith(f"no server answers at http://127.0.0.1:{port}/v1 (")
    assert message.endswith("start it, or name another with --server")


@pytest.mark.parametrize("end", [1, 2, 3])
def test_a_stream_that_breaks_off_is_told_and_its_text_is_no_answer(chat_server: Any, speech: Speech, end: int) -> None:
    chat_server.events = speech("Ann ", "mended ", "it.")[:end]
    assert fault(ServerModel(chat_server.url, "small")) == "127.0.0.1 broke off before its answer's end; ask again"


def test_a_fault_in_the_middle_of_a_stream_is_told(chat_server: Any, speech: Speech) -> None:
    chat_server.events = [*speech("Ann ")[:1], json.dumps({"error": {"message": "out of\nmemory"}})]
    assert fault(ServerModel(chat_server.url, "small")) == (
        "127.0.0.1 failed before its answer's end (out of memory); ask again"
    )


def test_what_is_no_json_is_told(chat_server: Any) -> None:
    chat_server.events = ["{hm"]
    assert fault(ServerModel(chat_server.url, "small")) == "127.0.0.1 sends what is no JSON; is its API OpenAI's?"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, "", "127.0.0.1 refused with status 500; ask again later"),
        (503, '{"error": {"message": "Loading model"}}', "refused with status 503 (Loading model); ask again later"),
        (404, "<html>Not found", "404; is 'small' one of its models, and is its API OpenAI's?"),
        (401, '{"message": "no"}', "401 (no); give its key in the environment: PILCROW_API_KEY"),
        (429, "", "429; it has too much to do; ask again later"),
        (400, "bad\x1b[31m", "400 (bad [31m); it does not take what was asked"),
    ],
)
def test_a_refusal_is_one_line_with_what_to_do(chat_server: Any, status: int, body: str, message: str) -> None:
    chat_server.status, chat_server.body = status, body
    assert fault(ServerModel(chat_server.url, "small")).endswith(message)


def test_a_server_that_falls_silent_is_given_up(chat_server: Any, speech: Speech) -> None:
    chat_server.events, chat_server.stall_before = speech("Ann "), 1
    assert fault(ServerModel(chat_server.url, "small", silence_seconds=0.3)) == (
        "127.0.0.1 said nothing for 0.3 seconds; is the model too large?"
    )


def test_a_server_that_takes_too_long_in_all_is_given_up(chat_server: Any, speech: Speech) -> None:
    chat_server.events = speech(*["more "] * 50)
    assert fault(ServerModel(chat_server.url, "small", total_seconds=0.0)).startswith("127.0.0.1 took too long")


def test_closing_the_stream_hangs_up(chat_server: Any, speech: Speech) -> None:
    chat_server.events = speech(*["more " * 1000] * 4_000)
    stream = ServerModel(chat_server.url, "small").stream(ASKED)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert chat_server.gone.wait(10)


def test_a_redirect_is_not_followed(chat_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILCROW_API_KEY", "secret-1")
    chat_server.status, chat_server.headers = 307, {"location": chat_server.url + "/v1/chat/completions"}
    assert fault(ServerModel(chat_server.url, "small")).startswith("127.0.0.1 answers from another address")
    assert len(chat_server.requests) == 1


def test_the_key_is_sent_and_never_shown(
    chat_server: Any, speech: Speech, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    monkeypatch.setenv("PILCROW_API_KEY", "secret-1")
    chat_server.events = speech("Yes.")
    model = ServerModel(chat_server.url, "small")
    list(model.stream(ASKED))
    chat_server.status, chat_server.body = 401, "Incorrect API key provided: secret-1"
    assert "(Incorrect API key provided: …)" in fault(model)
    assert chat_server.keys == ["Bearer secret-1"] * 2
    assert "secret-1" not in caplog.text + repr(model)


def test_openais_key_goes_only_to_openai_and_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PILCROW_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "secret-2")
    sent = {s: ServerModel(s, "m")._key for s in ("https://api.openai.com/v1", "localhost:1", "https://example.com")}
    assert sent == {"https://api.openai.com/v1": "secret-2", "localhost:1": "secret-2", "https://example.com": None}


@pytest.mark.parametrize(
    ("server", "notices"),
    [
        ("http://localhost:8080", ()),
        ("http://127.8.0.1:8080", ()),
        ("http://[::1]:8080", ()),
        ("https://example.com", ("questions and passages are sent to example.com, which is not this machine",)),
        (
            "http://192.0.2.7:8080",
            ("questions and passages are sent to 192.0.2.7, which is not this machine, unencrypted",),
        ),
        ("https://localhost.example.com", ServerModel("https://localhost.example.com", "m").notices),
    ],
)
def test_a_server_that_is_not_this_machine_is_announced(server: str, notices: tuple[str, ...]) -> None:
    assert ServerModel(server, "m").notices == notices
    assert bool(notices) is ("example" in server or "192" in server)


@pytest.mark.parametrize("server", ["ftp://example.com", "http://", "http://[::1", "http://a:b", "https://u:key@h"])
def test_what_is_no_address_is_refused_without_showing_it(server: str) -> None:
    with pytest.raises(ModelUnusable) as caught:
        ServerModel(server, "m")
    assert "key@" not in str(caught.value)


def test_a_server_without_a_system_role_gets_its_words_with_the_users(chat_server: Any, speech: Speech) -> None:
    chat_server.events, chat_server.statuses = speech("Yes."), [400]
    chat_server.body = '{"error": {"message": "System role not supported"}}'
    assert list(ServerModel(chat_server.url, "small").stream(ASKED)) == ["Yes."]
    assert chat_server.requests[1]["messages"] == [
        {"role": "user", "content": "Be short.\n\nEvidence: a bridge\n"},
    ]


def test_the_context_is_the_servers_where_it_says_it(chat_server: Any) -> None:
    assert ServerModel(chat_server.url, "small").context == 4096
    chat_server.models = {"data": [{"id": "other", "max_model_len": 1}, {"id": "small", "max_model_len": 9000}]}
    assert ServerModel(chat_server.url, "small").context == 9000


def test_a_server_that_does_not_stop_is_given_up(chat_server: Any, speech: Speech) -> None:
    chat_server.events = speech(*["more " * 1000] * 20)
    with pytest.raises(ServerFailed, match="does not stop sending"):
        list(ServerModel(chat_server.url, "small").stream(ASKED, max_tokens=100))


def test_a_server_that_never_ends_a_line_is_given_up(chat_server: Any) -> None:
    chat_server.events = ["x" * 3_000_000]
    with pytest.raises(ServerFailed, match="no stream of events"):
        list(ServerModel(chat_server.url, "small").stream(ASKED))


@pytest.mark.parametrize(
    ("name", "told", "is_small"),
    [
        ("qwen3:0.6b", {}, True), ("SmolLM2-135M-Instruct", {}, True), ("qwen3:4b", {}, False), ("mistral", {}, False),
        ("llama-3.2-1b", {"meta": {"n_params": 8_000_000_000}}, False),
        ("local", {"meta": {"n_params": 5 * 10**8}}, True),
        ("Qwen2.5-72B", {"meta": "?"}, False),
    ],
)  # fmt: skip
def test_a_small_model_is_known_by_what_the_server_says_or_by_its_name(
    chat_server: Any, name: str, told: dict[str, Any], is_small: bool
) -> None:
    chat_server.models = {"data": [{"id": name, **told}]}
    assert ServerModel(chat_server.url, name).is_small is is_small


def test_a_model_named_by_its_file_is_asked_for_by_that_and_shown_without_its_folders(
    chat_server: Any, speech: Any
) -> None:
    chat_server.events = speech("Yes.")
    model = ServerModel(chat_server.url, "/models/SmolLM2-135M.gguf")
    assert "".join(model.stream([Message("user", ("Well?",))])) == "Yes."
    assert model.name == "SmolLM2-135M.gguf"
    assert chat_server.requests[0]["model"] == "/models/SmolLM2-135M.gguf"
