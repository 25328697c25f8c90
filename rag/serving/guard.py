"""What stands before the server's paths: who may call, from which page, with what kind of body, and how large.

A web page that somebody has open must not reach documents on their machine. So the Host header must name this machine
(a name that an attacker re-points to 127.0.0.1 does not), a request that a page of another origin makes is refused
(there is no CORS), and a POST must be JSON, which a form of another page cannot send. Knows HTTP as ASGI hands it over,
and nothing of questions.
"""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from ipaddress import ip_address
from typing import Any

from rag.serving.faults import Fault, fault_body

# For the page: nothing comes from elsewhere and nothing goes there, whatever a document says. Gradio's templates need
# 'unsafe-eval'.
_PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
PAGE_HEADERS = (
    (b"content-security-policy", _PAGE_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

# What an application leaves for the process in its lifespan's state: a function that ends all that still runs.
GIVE_UP = "give_up"

MAX_BODY_BYTES = 1_000_000
_BODY_SECONDS = 20.0

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?")
_ALWAYS = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}


class Guard:
    """An ASGI application that lets only proper requests through to another, their bodies read and small."""

    def __init__(
        self, app: App, *, token: str | None, hosts: Collection[str] = (), open_paths: Collection[str] = ()
    ) -> None:
        """token: must come as a bearer token, where there is one. hosts: further names of this machine.

        open_paths: pages that hold nothing private: no token is asked for, and other sites may link to them.
        """
        self._app = app
        self._token = token
        self._hosts = {host.lower() for host in hosts}
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One connection's request, refused or handed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        body = b""
        if refusal is None:
            body, refusal = await _read_body(scope, receive)
        if refusal is not None:
            await _refuse(scope, send, refusal)
            return
        await self._app(scope, _replay(body, receive), _with_headers(send))

    def _refusal(self, scope: MutableMapping[str, Any]) -> Fault | None:
        headers = _Headers(scope)
        path, method = scope["path"], scope["method"]
        host = headers.only("host")
        if host is None or not self._is_own(host):
            return Fault(
                403, "the Host header does not name this machine; start the server with --allow-host NAME", "host"
            )
        origin = headers.only("origin") if "origin" in headers else f"//{host}"
        if origin is None or origin.partition("//")[2].lower() != host.lower():
            return Fault(403, "requests from pages of another origin are refused", "origin")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and path not in self._open_paths:
            return Fault(403, "requests from pages of another site are refused", "origin")
        if self._token is not None and path not in self._open_paths and not self._authorized(headers):
            return Fault(
                401,
                "a bearer token is needed: Authorization: Bearer TOKEN",
                "invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        kind = headers.get("content-type").partition(";")[0].strip().lower()
        if method == "POST" and kind != "application/json":
            return Fault(415, "the body must be JSON, with Content-Type: application/json", "content_type")
        return None

    def _is_own(self, host: str) -> bool:
        """Whether a Host header can only have been sent by somebody who meant this machine.

        An address can't be re-pointed as a name can, so any address is good.
        """
        matched = _HOST.fullmatch(host)
        if matched is None:
            return False
        name = matched[1].lower()
        return name == "localhost" or name in self._hosts or _is_address(name.strip("[]"))

    def _authorized(self, headers: "_Headers") -> bool:
        scheme, _, given = (headers.only("authorization") or "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("latin-1"), (self._token or "").encode())
        return same and scheme.lower() == "bearer"


class _Headers:
    """A request's headers by lower-case name."""

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def only(self, name: str) -> str | None:
        """The value of a header that is there exactly once."""
        values = self._values.get(name, [])
        return values[0] if len(values) == 1 else None

    def get(self, name: str) -> str:
        """The value; "" where the header is absent or there twice."""
        return self.only(name) or ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _read_body(scope: MutableMapping[str, Any], receive: Receive) -> tuple[bytes, Fault | None]:
    """The whole body, or why it is not taken."""
    too_large = Fault(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes", "request_too_large")
    stated = _Headers(scope).get("content-length")
    if stated.isdigit() and int(stated) > MAX_BODY_BYTES:
        return b"", too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return b"", Fault(400, "the body ended too early", "incomplete_body")
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    return b"", too_large
                if not message.get("more_body", False):
                    return bytes(body), None
    except TimeoutError:
        return b"", Fault(408, f"the body did not arrive within {_BODY_SECONDS:.0f} seconds", "timeout")


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, then what comes afterwards: the news that the client has left."""
    rest = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return rest.pop() if rest else await receive()

    return again


def _with_headers(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_ALWAYS.items()]
        await send(message)

    return add


async def _refuse(scope: MutableMapping[str, Any], send: Send, refusal: Fault) -> None:
    body = fault_body(scope["path"], refusal)
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **refusal.headers,
    }
    await _with_headers(send)(
        {
            "type": "http.response.start",
            "status": refusal.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})


def page_refusal(method: str, headers: Mapping[bytes, bytes], *, largest: int) -> tuple[int, str] | None:
    """Status and words with which a request is refused: its size too large or not stated, or made by another site's
    page; None where it is good."""
    if method != "POST":
        return None
    stated, origin = headers.get(b"content-length", b""), headers.get(b"origin")
    if stated.isdigit() and int(stated) > largest:
        return 413, f"a request is at most {largest:,} bytes"
    if b"transfer-encoding" in headers:
        return 411, "a request must state its length"
    other = origin is not None and origin.partition(b"//")[2] != headers.get(b"host")
    if other or headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site"):
        return 403, "another site's page may not ask here"
    return None
