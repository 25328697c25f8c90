"""Events of an answer in a thread of their own: in order, with their fault, and left at any time."""

import threading
from collections.abc import Generator, Iterator, Sequence

import pytest

from rag.generation.chat_model import Message
from rag.serving.streaming import StoppableModel, in_thread


class Endless:
    """A model that never ends its thoughts."""

    name, context, notices = "endless", 100, ()
    is_small = False

    def __init__(self) -> None:
        self.closed = threading.Event()

    def count(self, messages: Sequence[Message]) -> int:
        return len(messages)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 0) -> Iterator[str]:  # noqa: ARG002
        try:
            while True:
                yield "hm "
        finally:
            self.closed.set()


def test_what_the_work_yields_and_raises_arrives_in_order() -> None:
    def work(_: threading.Event) -> Generator[int, None, None]:
        yield 1
        yield 2
        raise ValueError("no three")

    steps = in_thread(work)
    assert [next(steps), next(steps)] == [1, 2]
    with pytest.raises(ValueError, match="no three"):
        next(steps)


def test_whoever_waits_is_given_none_meanwhile_and_can_leave_though_nothing_comes() -> None:
    model = Endless()

    def work(stop: threading.Event) -> Generator[str, None, None]:
        for _ in StoppableModel(model, stop).stream([]):
            pass
        yield "stopped"

    steps = in_thread(work, patience=0.01)
    assert [next(steps), next(steps)] == [None, None]
    assert not model.closed.is_set()
    steps.close()
    assert model.closed.wait(5)
