"""Who is being answered: so many questions at once, each in a thread, and so many more that wait their turn.

Knows threads and time; nothing of HTTP, and nothing of what is asked.
"""

import asyncio
import math
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from time import perf_counter
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Busy(Exception):
    """All places are taken, those of the queue included; carries after how many seconds one should be free."""

    def __init__(self, again_seconds: int) -> None:
        super().__init__(again_seconds)
        self.again_seconds = again_seconds


class Overdue(Exception):
    """The time that one question may take is over."""


class Ended(Exception):
    """The work has ended; whoever asks for more has missed what it ended with."""


class Gone(Exception):
    """Whoever asked has left."""


class Stopped(Exception):
    """Nothing is answered any more."""


class JobQueue:
    """At most `at_once` pieces of work run at the same time, in threads; at most `waiting` more wait, first come first.

    Belongs to one event loop: its methods are called there.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        """Raises ValueError where nobody would ever be answered."""
        if at_once < 1 or waiting < 0:
            raise ValueError(f"at_once must be at least 1 and waiting at least 0, not {at_once} and {waiting}")
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="pilcrow-asker")
        self._at_once = at_once
        self._usual_seconds = 1.0
        self.room = at_once + waiting
        self._asking: set[Job[Any]] = set()

    @property
    def inside(self) -> int:
        """How many are being answered or wait."""
        return len(self._asking)

    def ask(self, work: Callable[[], Generator[T, None, None]], seconds: float) -> "Job[T]":
        """Begins the work when its turn comes. seconds: until it is overdue, the wait included. Raises Busy."""
        if self.inside >= self.room:
            raise Busy(min(60, math.ceil(self._usual_seconds / self._at_once)))
        asking = Job(self._threads, work, seconds, self._left)
        self._asking.add(asking)
        return asking

    def stop(self) -> None:
        """Whoever still waits is told that nothing will come."""
        for asking in self._asking:
            asking.leave(Stopped)

    def _left(self, asking: "Job[Any]", seconds: float) -> None:
        """A piece of work has ended, after so many seconds in its thread."""
        self._asking.discard(asking)
        self._usual_seconds += 0.2 * (seconds - self._usual_seconds)

    def close(self) -> None:
        """Waits until the work that runs has noticed that nobody waits for it; what had not begun never does."""
        self._threads.shutdown(wait=True, cancel_futures=True)


class Job(Generic[T]):
    """What one piece of work yields, as it comes. Its place is free again when its thread has really ended."""

    def __init__(
        self,
        threads: ThreadPoolExecutor,
        work: Callable[[], Generator[T, None, None]],
        seconds: float,
        left: Callable[["Job[Any]", float], None],
    ) -> None:
        """Use `JobQueue.ask`."""
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + seconds
        self._arrived: asyncio.Queue[T | None] = asyncio.Queue()
        self._gone = threading.Event()
        self._reason: type[Exception] = Gone
        self._seconds = 0.0
        self._free_place = left
        self._thread: Future[None] = threads.submit(self._run, work)
        self._thread.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._ended))

    def _run(self, work: Callable[[], Generator[T, None, None]]) -> None:
        began = perf_counter()
        try:
            with closing(work()) as events:
                for event in events:
                    if self._gone.is_set():
                        return
                    self._loop.call_soon_threadsafe(self._arrived.put_nowait, event)
        finally:
            self._seconds = perf_counter() - began

    def _ended(self) -> None:
        self._free_place(self, self._seconds)
        self._arrived.put_nowait(None)

    async def next(self, patience: float | None = None) -> T:
        """The next thing that the work yields. Raises Ended where there is none.

        patience: seconds after which a TimeoutError is raised though the work goes on, and may be asked for again.
        Raises Overdue past the deadline, the reason where `leave` was called, and what the work itself raised.
        """
        now = self._loop.time()
        until = self._deadline if patience is None else min(self._deadline, now + patience)
        try:
            async with asyncio.timeout_at(until):
                event = await self._arrived.get()
        except TimeoutError:
            if self._loop.time() >= self._deadline:
                self.leave()
                raise Overdue from None
            raise
        if event is None:
            if self._gone.is_set() or self._thread.cancelled():
                raise self._reason
            self._thread.result()
            raise Ended
        return event

    def leave(self, reason: type[Exception] = Gone) -> None:
        """Nobody waits any longer: the work is closed before its next step, or never begun. Whoever still does gets the
        reason as an error."""
        self._reason = reason
        self._gone.set()
        self._thread.cancel()
        self._arrived.put_nowait(None)
