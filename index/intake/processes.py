"""Processes of this machine that read, split and embed: the side that gives them work, and their own."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from index.encoder.embedding import Vectors
from index.errors import Unreadable, WorkersFailed
from index.intake.preparation import Job, Pending, Split
from index.intake.worker import GROUP_DOCUMENTS, GROUPS_A_PROCESS, WorkerSide

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
T = TypeVar("T")


class Processes:
    """Processes of this machine, each with an encoder of its own."""

    group_size = GROUP_DOCUMENTS

    def __init__(self, number: int, encoder: str, device: str | None = None) -> None:
        self.groups_ahead = GROUPS_A_PROCESS * number
        self.batches_ahead = number + 1
        # A fork would take over the threads' locks, but not the threads.
        spawn = multiprocessing.get_context("spawn")
        held, self._hold = spawn.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(number, spawn, _begin, (held, encoder, device))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if any(raised):  # nobody waits for what they are at
            self._hold.close()
        self._pool.shutdown(cancel_futures=True)

    def prepare(self, jobs: Sequence[Job]) -> Pending[list[Split | Unreadable]]:
        """Each document split, or why it cannot be read, in order."""
        return self._submit(_prepare, jobs)

    def encode(self, texts: Sequence[str]) -> Pending[Vectors]:
        """The vectors of passages (n, d), in the texts' order."""
        return self._submit(_encode, texts)

    def _submit(self, work: Callable[[Sequence[str]], T] | Callable[[Sequence[Job]], T], given: object) -> Pending[T]:
        try:
            return _FromProcess(self._pool.submit(work, given))  # type: ignore[arg-type]
        except BrokenProcessPool as error:
            raise _ended() from error


@dataclass(frozen=True, slots=True)
class _FromProcess(Generic[T]):
    future: Future[T]

    def result(self) -> T:
        try:
            return self.future.result()
        except BrokenProcessPool as error:
            raise _ended() from error


def _ended() -> WorkersFailed:
    return WorkersFailed(
        "a process that reads and embeds was ended from outside, perhaps for lack of memory; what was stored stays: "
        "run it again to go on, with fewer --workers"
    )


# The side of the processes.

_stations: list[WorkerSide] = []


def _begin(held: "Connection", encoder: str, device: str | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started us, which then ends us
    threading.Thread(target=_end_with, args=(held,), daemon=True).start()
    _stations.append(WorkerSide(encoder, device))


def _end_with(held: "Connection") -> None:
    """Ends this process, whatever it is at, when the other end is let go: by a parent that gives up, or is killed."""
    held.poll(None)
    os._exit(1)


def _prepare(jobs: Sequence[Job]) -> list[Split | Unreadable]:
    return _stations[0].prepare(jobs)


def _encode(texts: Sequence[str]) -> Vectors:
    return _stations[0].encode(texts)
