"""The process that listens: its address, the token that it asks for, its log, and how it ends."""

import asyncio
import copy
import ctypes
import logging
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.address import is_this_machine
from index.errors import PilcrowError
from rag.serving.guard import GIVE_UP, App

if TYPE_CHECKING:
    import uvicorn

# mallopt's name for the size from which a block is mapped by itself, and returned as a whole; see malloc.h.
_M_MMAP_THRESHOLD = -3
_LARGE = 8 * 1024 * 1024

HOST, PORT = "127.0.0.1", 8642
# What runs when the server is told to stop may still take so long.
_LAST_SECONDS = 8
_MOST_CONNECTIONS = 1_000
_TOKEN_VARIABLE = "PILCROW_TOKEN"  # noqa: S105  (the variable's name)
_SHORTEST_TOKEN = 16
_MAKE_ONE = "'python -c \"import secrets; print(secrets.token_urlsafe())\"' makes one"


class AddressTaken(PilcrowError):
    """The address to listen at cannot be had."""


class TokenMissing(PilcrowError):
    """Other machines could call, and nothing would tell who may."""


def web_server(app: App) -> "uvicorn.Server":
    """uvicorn around the application: quiet, and with an end to what it waits for."""
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            """What still runs after a few seconds is told so in a proper reply; uvicorn would cut it off."""
            give_up = self.lifespan.state[GIVE_UP]
            asyncio.get_running_loop().call_later(_LAST_SECONDS, give_up)
            await super().shutdown(sockets)

    return Server(
        uvicorn.Config(
            app, access_log=False, log_config=None, log_level="warning", http="h11", ws="none", lifespan="on",
            proxy_headers=False, server_header=False, limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=2 * _LAST_SECONDS,
        )
    )  # fmt: skip


def serve(app: App, listening: socket.socket) -> None:
    """Serves until the process is told to stop; what runs then has a few seconds to end."""
    _log_to_stderr()
    return_large_blocks()
    # uvicorn raises the signal once more when it has stopped; a terminated server that has stopped as told is no fault.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        web_server(app).run(sockets=[listening])
    finally:
        signal.signal(signal.SIGTERM, before)


def listen(host: str = HOST, port: int = PORT, *, token: str | None = None) -> socket.socket:
    """A socket that listens there; port 0 is any free one.

    Raises AddressTaken where that cannot be had, and TokenMissing where other machines could call without a token.
    """
    try:
        family, _, _, _, address = min(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        if token is None and not is_this_machine(str(address[0])):
            raise TokenMissing(
                f"'{host}' can be reached from other machines, so callers must show a token: set "
                f"{_TOKEN_VARIABLE} or give --token-file FILE; {_MAKE_ONE}"
            )
        return socket.create_server((address[0], port), family=family, backlog=1024)
    except OSError as error:
        raise AddressTaken(
            f"cannot listen at '{host}', port {port} ({error.strerror or error}); another server may be running there: "
            "choose another with --port, or any free one with --port 0"
        ) from error


def read_token(file: Path | None) -> str | None:
    """The token that callers must show, from a file or else from $PILCROW_TOKEN; None where there is neither.

    Raises TokenMissing for a file that cannot be read, or a token that is short or not plain characters.
    """
    where = f"'{file}'" if file else f"${_TOKEN_VARIABLE}"
    try:
        token = file.read_text(encoding="utf-8").strip() if file else os.environ.get(_TOKEN_VARIABLE, "").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenMissing(f"{where} cannot be read ({error}); put the token into it as one line of text") from error
    if not token and file is None:
        return None
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenMissing(
            f"the token in {where} must be at least {_SHORTEST_TOKEN} letters, digits and signs without a space; "
            f"{_MAKE_ONE}"
        )
    return token


class Discreet(logging.Formatter):
    """A trace of the lines that were run, without the error's words: these can hold what a caller sent."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on lines of its own, whatever another handler has made of its trace."""
        alone = copy.copy(record)
        alone.exc_text = None
        return super().format(alone)

    def formatException(self, ei: Any) -> str:  # noqa: N802  (logging's name)
        """The trace, and of the error its kind alone."""
        kind, _, trace = ei
        return "".join(traceback.format_tb(trace)) + (kind.__name__ if kind else "")


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet("pilcrow: %(message)s"))
    for name in ("uvicorn", "pilcrow.serving"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False


def return_large_blocks() -> bool:
    """Has blocks of 8 MB and more returned to the system as soon as they are free; whether this system can be told so.

    By itself glibc raises that size to the largest block that was freed, up to 32 MB, and then keeps such blocks for
    the thread that freed them: a vector index that is loaded anew by one thread after another stays once for each of
    them. Measured with 16 threads and 12 MB: 241 MB, and with this 71 MB.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library, such as musl, which returns such blocks anyway
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGE))
