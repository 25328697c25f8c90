"""Many askers at the page: what they ask is read together, nobody is held up by one who leaves, nothing piles up."""

import gc
import json
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import ui
from eval.bench.doors import Visit, browser
from index.collection import Collection
from index.errors import EncoderMissing
from rag.opened import OpenCollection
from rag.page.visit import Page
from rag.reading.reader import Reader, Reading

QUESTIONS = [f"How many years was Kenneth Yalowitz a diplomat when asked for the {n}th time?" for n in range(12)]


class Counted:
    """A reader that takes a while, and keeps which questions it was given together."""

    def __init__(self, inside: Reader) -> None:
        self.calls: list[list[str]] = []
        self._inside = inside

    def read_pairs(self, questions: Sequence[str], *rest: Any, **named: Any) -> list[Reading]:
        self.calls.append(list(questions))
        time.sleep(0.6)
        return self._inside.read_pairs(questions, *rest, **named)

    def answerable(self, *asked: Sequence[str]) -> list[float]:
        return self._inside.answerable(*asked)


def ask_all(address: str, questions: Sequence[str]) -> None:
    """Everybody asks at once; NoAnswer where one of them gets none."""

    def one(question: str) -> None:
        with browser(address) as ask:
            ask(question)

    with ThreadPoolExecutor(len(questions)) as askers:
        list(askers.map(one, questions))


def test_questions_that_come_together_are_read_together(
    serving: Callable[..., str], sample_folder: Path, reader: Reader
) -> None:
    counted = Counted(reader)
    address = serving(sample_folder, reads=counted)
    ask_all(address, QUESTIONS)
    together = [len(set(questions)) for questions in counted.calls]
    assert sum(together) == 2 * len(QUESTIONS)  # its excerpts, then its best sentences by themselves
    assert max(len(questions) for questions in counted.calls) <= 32  # at most four excerpts for each question
    assert len(together) <= len(QUESTIONS)


def answering_threads() -> int:
    return sum(thread.name == "pilcrow-answer" for thread in threading.enumerate())


def test_who_leaves_in_the_middle_or_never_reads_holds_nobody_up(address: str) -> None:
    stuck = []
    with httpx.Client(base_url=address, timeout=30) as caller:
        for number in range(24):
            visit = Visit(caller)
            visit.join(QUESTIONS[number % len(QUESTIONS)])
            path = f"/gradio_api/queue/data?session_hash={visit.session}"
            if number % 3 == 0:  # leaves with the first words of the stream
                with caller.stream("GET", path) as stream:
                    next(stream.iter_lines())
            elif number % 3 == 1:  # asks for the stream, and never reads it
                host, _, port = address.removeprefix("http://").partition(":")
                stuck.append(socket.create_connection((host, int(port))))
                stuck[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
                stuck[-1].sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            # the third never comes back for it
    ask_all(address, QUESTIONS[:4])
    for connection in stuck:
        connection.close()
    until = time.monotonic() + 20
    while answering_threads() and time.monotonic() < until:
        time.sleep(0.05)
    assert answering_threads() == 0


def test_of_many_visits_only_the_last_are_kept(
    serving: Callable[..., str], sample_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradio.state_holder import StateHolder

    monkeypatch.setattr(ui, "_VISITS", 3)
    address = serving(sample_folder)
    for _ in range(5):
        with browser(address) as ask:
            ask(QUESTIONS[0])
    # By type, not isinstance, which asks every object for its class: some warn of being asked.
    (holder,) = [found for found in gc.get_objects() if type(found) is StateHolder and found.capacity == 3]
    assert len(holder.session_data) == 3


def test_a_question_in_two_visits_at_once_gets_two_answers(address: str) -> None:
    with httpx.Client(base_url=address, timeout=60) as caller:
        visits = [Visit(caller), Visit(caller)]
        for visit in visits:
            visit.join(QUESTIONS[0])
        records = [visit.record() for visit in visits]
    assert [record["state"] for record in records] == ["done", "done"]
    assert json.dumps(records[0]["answer"]["claims"]) == json.dumps(records[1]["answer"]["claims"])


def test_models_that_cannot_be_loaded_are_told_to_whoever_asks(tmp_path: Path, sample: Collection) -> None:
    page = Page(OpenCollection(sample.place, encoder_name=str(tmp_path / "no-model")))
    page.load_early()
    with pytest.raises(EncoderMissing):
        page.load()
