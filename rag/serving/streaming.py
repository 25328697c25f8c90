"""An answer's events in a thread of their own, so that whoever waits for them can leave at any time.

A generator that waits for a model's next word cannot be closed from elsewhere; the thread's can be told, and a model is
stopped at its next piece, those included that are thoughts and seen by nobody. Knows threads and chat models.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Generic, TypeVar

from rag.generation.chat_model import MAX_TOKENS, ChatModel, Message

T = TypeVar("T")


class StoppableModel:
    """A chat model that says no more once it is told to stop."""

    def __init__(self, model: ChatModel, stop: threading.Event) -> None:
        """stop: set by whoever waits for the answer no longer."""
        self._model = model
        self._stop = stop
        self.name, self.context, self.notices = model.name, model.context, model.notices
        self.is_small = model.is_small

    def count(self, messages: Sequence[Message]) -> int:
        """As the model counts."""
        return self._model.count(messages)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = MAX_TOKENS) -> Iterator[str]:
        """As the model says it, until the stop."""
        pieces = self._model.stream(messages, max_tokens=max_tokens)
        try:
            for piece in pieces:
                if self._stop.is_set():
                    return
                yield piece
        finally:
            if isinstance(pieces, Generator):
                pieces.close()


class _Ended(Generic[T]):
    """The end of the work: what it raised, or nothing."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def in_thread(
    work: Callable[[threading.Event], Generator[T, None, None]], patience: float = 0.5
) -> Generator[T | None, None, None]:
    """What the work yields, as it comes, and None after each `patience` seconds without; raises what the work raises.

    The work is given an event that is set when this generator is closed, and is closed at its next step.
    """
    stop = threading.Event()
    arrived: queue.SimpleQueue[T | _Ended[T]] = queue.SimpleQueue()

    def run() -> None:
        error: BaseException | None = None
        try:
            with closing(work(stop)) as steps:
                for step in steps:
                    if stop.is_set():
                        break
                    arrived.put(step)
        except BaseException as raised:  # noqa: BLE001  (it is raised again, where somebody waits)
            error = raised
        arrived.put(_Ended(error))

    threading.Thread(target=run, name="pilcrow-answer", daemon=True).start()
    try:
        while True:
            try:
                step = arrived.get(timeout=patience)
            except queue.Empty:
                yield None
                continue
            if isinstance(step, _Ended):
                if step.error is not None:
                    raise step.error
                return
            yield step
    finally:
        stop.set()
