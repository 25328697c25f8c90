"""The two doors at which people ask, each a process of its own: `pilcrow serve`, and the page of `pilcrow ui`.

Owns how a door is opened and how one asker asks there, again and again: a program over HTTP, or a browser, which joins
the page's queue and reads the stream of turns until its own is finished. Knows nothing of what is measured.
"""

import json
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

ROOT = Path(__file__).resolve().parent.parent.parent
# Seconds after which an asker gives up.
_PATIENCE = 120
# Questions that somebody asks before the page is loaded again.
_QUESTIONS_A_VISIT = 10

Ask = Callable[[str], None]


class NoAnswer(Exception):
    """What came was no answer; carries in a word what it was."""


@dataclass(frozen=True, slots=True)
class Door:
    """A way to ask. command: what opens it, to be followed by the collection. asker: its address -> somebody there."""

    name: str
    command: tuple[str, ...]
    asker: Callable[[str], AbstractContextManager[Ask]]


@contextmanager
def opened(door: Door, collection: Path) -> Iterator[tuple[str, int]]:
    """The address and the process id of a door to a collection, which is closed afterwards.

    Raises RuntimeError where it does not open.
    """
    command = [sys.executable, "-m", "pilcrow", *door.command, "--port", "0", "--collection", str(collection)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        line = process.stderr.readline() if process.stderr else ""
        found = re.search(r"http://\S+", line)
        if found is None:
            process.kill()
            raise RuntimeError(f"'pilcrow {door.command[0]}' did not start: {line}")
        # What it says is passed on: it would stand still once a pipe that nobody reads is full.
        threading.Thread(target=shutil.copyfileobj, args=(process.stderr, sys.stderr), daemon=True).start()
        try:
            yield found[0], process.pid
        finally:
            process.terminate()


@contextmanager
def program(url: str) -> Iterator[Ask]:
    """Somebody who asks `pilcrow serve` over one connection; NoAnswer for any other status."""
    import httpx

    with httpx.Client(base_url=url, timeout=_PATIENCE) as caller:

        def ask(question: str) -> None:
            try:
                reply = caller.post("/ask", json={"question": question})
            except httpx.HTTPError as error:
                raise NoAnswer(type(error).__name__) from error
            if not reply.is_success or "claims" not in reply.json():
                raise NoAnswer(str(reply.status_code))

        yield ask


@contextmanager
def browser(url: str) -> Iterator[Ask]:
    """Somebody at the page, as its script asks; NoAnswer where the turn does not end with an answer."""
    import httpx

    visits: list[Visit] = []
    with httpx.Client(base_url=url, timeout=_PATIENCE) as caller:

        def ask(question: str) -> None:
            try:
                if not visits or visits[-1].asked == _QUESTIONS_A_VISIT:
                    visits[:] = [Visit(caller)]
                visits[-1].join(question)
                record = visits[-1].record()
            except httpx.HTTPStatusError as error:
                raise NoAnswer(str(error.response.status_code)) from error
            except httpx.HTTPError as error:
                raise NoAnswer(type(error).__name__) from error
            if record.get("state") != "done":
                raise NoAnswer(str(record.get("state") or "no turn"))

        yield ask


class Visit:
    """The page, loaded in one tab."""

    def __init__(self, caller: "httpx.Client") -> None:
        """caller: to the page's address. Raises httpx.HTTPError, as the other functions do."""
        self.session = secrets.token_hex(6)
        self.asked = 0
        self._caller = caller
        caller.get("/").raise_for_status()
        config = caller.get("/config").raise_for_status().json()
        page = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "pilcrow")
        number = next(d["id"] for d in config["dependencies"] if [page, "ask"] in [list(t) for t in d["targets"]])
        self._event = {"data": [], "fn_index": number, "trigger_id": page, "session_hash": self.session}

    def join(self, question: str) -> None:
        """Puts a question into the page's queue."""
        self.asked += 1
        asked = {"id": secrets.token_hex(8), "question": question, "filters": {}, "answerer": "", "history": []}
        joined = self._caller.post("/gradio_api/queue/join", json={**self._event, "event_data": asked})
        joined.raise_for_status()

    def record(self) -> dict[str, Any]:
        """The record of the turn, read from the stream as the page's script keeps it; {} where none came."""
        record: dict[str, Any] = {}
        session = {"session_hash": self.session}
        with self._caller.stream("GET", "/gradio_api/queue/data", params=session) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    message = json.loads(line.removeprefix("data:"))
                    if message["msg"] == "process_completed" and message["success"]:
                        record = message["output"]["data"][0].get("record", {})
        return record


DOORS = {
    door.name: door for door in (Door("serve", ("serve", "--queue", "1000"), program), Door("page", ("ui",), browser))
}
