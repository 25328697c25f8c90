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
from typing import Any

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

    asked = 0
    event: dict[str, Any] = {}
    with httpx.Client(base_url=url, timeout=_PATIENCE) as caller:

        def visit() -> None:
            caller.get("/").raise_for_status()
            event.update(_ask_event(caller.get("/config").raise_for_status().json()))
            event["session_hash"] = secrets.token_hex(6)

        def ask(question: str) -> None:
            nonlocal asked
            try:
                if asked % _QUESTIONS_A_VISIT == 0:
                    visit()
                asked += 1
                turn = _turn(caller, event, question)
            except httpx.HTTPError as error:
                raise NoAnswer(type(error).__name__) from error
            if turn.get("state") != "done":
                raise NoAnswer(str(turn.get("state") or "no turn"))

        yield ask


def _ask_event(config: dict[str, Any]) -> dict[str, Any]:
    """Which of the page's events asks."""
    page = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "pilcrow")
    number = next(d["id"] for d in config["dependencies"] if [page, "ask"] in [list(t) for t in d["targets"]])
    return {"data": [], "fn_index": number, "trigger_id": page}


def _turn(caller: Any, event: dict[str, Any], question: str) -> dict[str, Any]:
    """The record of the turn as the page's script keeps it; {} where the stream ended without one."""
    asked = {"id": secrets.token_hex(8), "question": question, "filters": {}, "answerer": "", "history": []}
    joined = caller.post("/gradio_api/queue/join", json={**event, "event_data": asked})
    if not joined.is_success:
        raise NoAnswer(str(joined.status_code))
    record: dict[str, Any] = {}
    session = {"session_hash": event["session_hash"]}
    with caller.stream("GET", "/gradio_api/queue/data", params=session) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:"):
                message = json.loads(line.removeprefix("data:"))
                if message["msg"] == "process_completed" and message["success"]:
                    record = message["output"]["data"][0].get("record", {})
    return record


DOORS = {
    door.name: door for door in (Door("serve", ("serve", "--queue", "1000"), program), Door("page", ("ui",), browser))
}
