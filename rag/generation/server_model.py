"""A chat model behind an OpenAI-compatible server (llama.cpp, Ollama, vLLM and others), streamed.

Owns time limits, the key, and one clear line for whatever goes wrong. The key comes from the environment, goes to the
named server and nowhere else, and stands in no message. Nothing is sent but to the address that was given.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import PurePath
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from index.address import is_this_machine
from index.errors import ModelUnusable, ServerFailed
from rag.generation.chat_model import MAX_TOKENS, SMALL_PARAMETERS, AnswerCut, Data, Message
from rag.generation.tokens import folded

if TYPE_CHECKING:
    import httpx

# Seconds until a connection stands; between two pieces, the first of which waits for the whole prompt to be read; and
# for an answer in all.
CONNECT_SECONDS, SILENCE_SECONDS, TOTAL_SECONDS = 10.0, 300.0, 900.0
# Tokens that prompt and answer share where the server does not say: Ollama cuts longer prompts without a word.
_CONTEXT = 4096
# ASCII characters to a token, fewer than in the English that models know well; any other character counts as one.
_CHARACTERS_PER_TOKEN = 3.5
# No line of a stream is this long, and no token; a server that sends more is broken or hostile.
_MAX_LINE_BYTES, _MAX_TOKEN_CHARACTERS = 1_000_000, 40
_OPENAI = "api.openai.com"
# How names state a size: "qwen3:0.6b", "SmolLM2-135M-Instruct".
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([bBmM])(?![A-Za-z0-9])")

# Spellings of control tokens in the templates of open models; a server may read them in a document as its own.
_TEMPLATE_WORDS = re.compile(
    r"<[|｜][^<>|｜\s]{1,60}[|｜]>|<[|][^<>|\s]{1,40}>|<[^<>|\s]{1,40}[|]>|</?s>|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|"
    r"AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|THINK|IMG|SYS|gMASK|BOS|EOS|SEP|CLS|PAD|MASK|UNK)\]|<(?:/|)"
    r"(?:start_of_turn|end_of_turn|bos|eos|pad|unk|mask|sop|eop|think|thinking|thought|reasoning|tool_call|"
    r"tool_response|tools|start_of_image|im_start|im_end|seed:[a-z_]{1,30})>",
    re.IGNORECASE,
)
_SYSTEM_REFUSED = re.compile(r"system.{0,20}role|role.{0,20}(?:system|alternat)", re.IGNORECASE)


class ServerModel:
    """A model of a server, by the server's address and the model's name there."""

    def __init__(
        self,
        server: str,
        name: str,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        """server: its address, with or without "/v1". Raises ModelUnusable for what is no http address."""
        self._model = name
        self.name = PurePath(name).name if name.endswith(".gguf") else name  # llama.cpp names a model by its file
        self._base, self._host = _address(server)
        self._is_here = is_this_machine(self._host)
        self._key = _key(self._host, is_here=self._is_here)
        self._limits = (connect_seconds, silence_seconds, total_seconds)
        self._has_system = True

    @property
    def notices(self) -> tuple[str, ...]:
        """That passages leave the machine, where they do."""
        if self._is_here:
            return ()
        how = "" if self._base.startswith("https://") else ", unencrypted"
        return (f"questions and passages are sent to {self._host}, which is not this machine{how}",)

    @cached_property
    def context(self) -> int:
        """Tokens that prompt and answer share, where the server says it; else few enough for any."""
        told = self._described.get("max_model_len")  # vLLM's
        return told if isinstance(told, int) else _CONTEXT

    @cached_property
    def is_small(self) -> bool:
        """Whether the server or the model's name says that it has few parameters; large where neither does."""
        meta = self._described.get("meta")  # llama.cpp's
        told = meta.get("n_params") if isinstance(meta, dict) else None
        named = _SIZE.findall(self.name)
        if not isinstance(told, int) and named:
            number, unit = named[-1]
            told = int(float(number) * (1e6 if unit in "mM" else 1e9))
        return isinstance(told, int) and told < SMALL_PARAMETERS

    @cached_property
    def _described(self) -> dict[str, Any]:
        """What the server says of the model; nothing where it says nothing."""
        try:
            with self._asked("GET", "/models", None) as response:
                listed = json.loads(response.read())
        except (ServerFailed, ValueError):
            return {}  # what is wrong is said when the question is asked
        rows = listed.get("data") if isinstance(listed, dict) else None
        rows = rows if isinstance(rows, list) else []
        return next((row for row in rows if isinstance(row, dict) and row.get("id") == self._model), {})

    def count(self, messages: Sequence[Message]) -> int:
        """An upper estimate of the prompt's tokens: what the server counts with is not known here."""
        text = "".join(_text(part) for message in messages for part in message.parts)
        plain = sum(char.isascii() for char in text)
        return int(plain / _CHARACTERS_PER_TOKEN) + len(text) - plain + 16 * len(messages) + 16

    def stream(self, messages: Sequence[Message], *, max_tokens: int = MAX_TOKENS) -> Iterator[str]:
        """What the model says, as the server sends it; thoughts that the server has set apart are left out.

        Raises ServerFailed, and AnswerCut behind the last piece where max_tokens ended it.
        """
        try:
            yield from self._answered(messages, max_tokens)
        except _SystemRefused:
            self._has_system = False
            yield from self._answered(messages, max_tokens)

    def _answered(self, messages: Sequence[Message], max_tokens: int) -> Iterator[str]:
        told = messages if self._has_system else folded(messages)
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": m.role, "content": "".join(_text(part) for part in m.parts)} for m in told],
            "stream": True,
        }
        if self._host == _OPENAI:  # its newer models refuse the older name, and a temperature
            body["max_completion_tokens"] = max_tokens
        else:
            body |= {"max_tokens": max_tokens, "temperature": 0}
        with self._asked("POST", "/chat/completions", body) as response:
            characters = 0
            for piece in _pieces(response, monotonic() + self._limits[2], self._host):
                characters += len(piece)
                if characters > _MAX_TOKEN_CHARACTERS * (max_tokens + 100):
                    raise ServerFailed(f"{self._host} does not stop sending; its answer is not used")
                yield piece

    @contextmanager
    def _asked(self, method: str, path: str, body: dict[str, Any] | None) -> "Iterator[httpx.Response]":
        """The server's reply, open for reading. Raises ServerFailed for all that can go wrong, then and while read."""
        import httpx

        connect, silence, _ = self._limits
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx.Timeout(silence, connect=connect)
        try:
            # No proxy between this machine and itself: the passages would leave it unannounced.
            with (
                httpx.Client(timeout=limits, follow_redirects=False, trust_env=not self._is_here) as client,
                client.stream(method, self._base + path, json=body, headers=headers) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise self._refused(response)
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ServerFailed(
                f"no server answers at {self._base} ({_line(error)}); start it, or name another with --server"
            ) from error
        except httpx.TimeoutException as error:
            raise ServerFailed(f"{self._host} said nothing for {silence:g} seconds; is the model too large?") from error
        except httpx.HTTPError as error:
            raise ServerFailed(
                f"{self._host} broke off in the middle of its answer ({_line(error)}); ask again"
            ) from error

    def _refused(self, response: "httpx.Response") -> Exception:
        """What a status other than 200 means to a user."""
        status = response.status_code
        said = self._said(response)
        if self._has_system and _SYSTEM_REFUSED.search(said):
            return _SystemRefused()
        if 300 <= status < 400:
            return ServerFailed(f"{self._host} answers from another address; name that one with --server")
        advice = {
            401: "give its key in the environment: PILCROW_API_KEY",
            403: "give its key in the environment: PILCROW_API_KEY",
            404: f"is '{self.name}' one of its models, and is its API OpenAI's?",
            429: "it has too much to do; ask again later",
        }.get(status, "ask again later" if status >= 500 else "it does not take what was asked")
        return ServerFailed(f"{self._host} refused with status {status}{f' ({said})' if said else ''}; {advice}")

    def _said(self, response: "httpx.Response") -> str:
        """The first words of an error's text, without the key."""
        import httpx

        raw = b""
        try:
            for piece in response.iter_bytes():
                raw += piece
                if len(raw) > 4096:
                    break
        except httpx.HTTPError:
            return ""
        text = raw.decode("utf-8", "replace")
        found = re.search(r'"message"\s*:\s*"((?:[^"\\]|\\.){1,400})', text)
        said = _line(found.group(1) if found else "" if "<html" in text.lower() else text)
        return said.replace(self._key, "…") if self._key else said


class _SystemRefused(Exception):
    """The server's template has no system role."""


def _pieces(response: "httpx.Response", deadline: float, host: str) -> Iterator[str]:
    """The text of a reply, as a stream of events or, from servers that do not stream, whole."""
    if "text/event-stream" not in response.headers.get("content-type", "text/event-stream"):
        choice = _choice(response.read().decode("utf-8", "replace"), host)
        yield _words(choice.get("message"))
        ended = choice.get("finish_reason")
    else:
        ended = None
        for event in _events(response, deadline, host):
            choice = _choice(event, host)
            piece = _words(choice.get("delta"))
            if piece:
                yield piece
            ended = choice.get("finish_reason") or ended
        if ended is None:
            raise ServerFailed(f"{host} broke off before its answer's end; ask again")
    if ended == "length":
        raise AnswerCut


def _events(response: "httpx.Response", deadline: float, host: str) -> Iterator[str]:
    """The data of each event until the last. Lines end with a newline only: other separators are text in JSON."""
    waiting = b""
    for piece in response.iter_bytes():
        if monotonic() > deadline:
            raise ServerFailed(f"{host} took too long; use a smaller model, or ask for less")
        *lines, waiting = (waiting + piece).split(b"\n")
        if len(waiting) > _MAX_LINE_BYTES:
            raise ServerFailed(f"{host} sends what is no stream of events; is its API OpenAI's?")
        for line in lines:
            if line.startswith(b"data:"):
                data = line[5:].strip().decode("utf-8", "replace")
                if data == "[DONE]":
                    return
                yield data


def _choice(event: str, host: str) -> dict[str, Any]:
    """The first choice of an event; empty where it has none. Raises ServerFailed for an error or what is no JSON."""
    try:
        sent = json.loads(event)
    except ValueError as error:
        raise ServerFailed(f"{host} sends what is no JSON; is its API OpenAI's?") from error
    if isinstance(sent, dict) and sent.get("error"):
        told = sent["error"].get("message", "") if isinstance(sent["error"], dict) else sent["error"]
        raise ServerFailed(f"{host} failed before its answer's end ({_line(told)}); ask again")
    choices = sent.get("choices") if isinstance(sent, dict) else None
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}


def _words(part: object) -> str:
    """The text of a delta or a message; its "reasoning_content" is thoughts, and not looked at."""
    content = part.get("content") if isinstance(part, dict) else None
    return content if isinstance(content, str) else ""


def _text(part: str | Data) -> str:
    """A part as it is sent. Which tokens a server makes of it is not known here, so in what was read the spellings of
    control tokens get a space, which changes no meaning."""
    if isinstance(part, str):
        return part
    return _TEMPLATE_WORDS.sub(lambda match: f"{match.group()[0]} {match.group()[1:]}", part.text)


def _address(server: str) -> tuple[str, str]:
    """The address below which the API lies, and its host. Raises ModelUnusable."""
    try:
        parts = urlsplit(server if "://" in server else f"http://{server}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https"):
        raise ModelUnusable("the address of --server is none; write it like http://localhost:8080")
    if parts.username or parts.password:
        raise ModelUnusable("a key does not belong into the address of --server; put it into PILCROW_API_KEY")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}", host


def _key(host: str, *, is_here: bool) -> str | None:
    """PILCROW_API_KEY for the server that was named; OPENAI_API_KEY only for OpenAI's own and for this machine."""
    key = os.environ.get("PILCROW_API_KEY")
    if not key and (is_here or host == _OPENAI):
        key = os.environ.get("OPENAI_API_KEY")
    return key.strip() if key else None


def _line(told: object) -> str:
    """What a server or a library said, on one line, short, with nothing that a terminal would obey."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(told)).split())[:200]
