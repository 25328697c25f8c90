"""Many questions of one collection, answered together and given back in their order.

Knows threads and `rag.answering`. The questions meet at encoder and reader (`rag.gathering`), which work on what has
gathered, so that every core has work while other questions are searched or put into words.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from index.collection import Filters
from rag.answering import answer
from rag.answers import Answer
from rag.conversation import Turn
from rag.gathering import GatheringEncoder, GatheringReader
from rag.opened import OpenCollection

# Questions at once. Eight passages are read for each, and the reader takes the passages of four together.
AT_ONCE = 8
# Questions begun before the first of them is given back: a long answer holds up no others.
_AHEAD = 4 * AT_ONCE


def answer_all(
    opened: OpenCollection,
    asked: Sequence[tuple[str, Sequence[Turn]]],
    *,
    strict: bool = False,
    filters: Filters | None = None,
) -> Iterator[Answer]:
    """The Answer to each (question, history), in order: those that `answer` gives one after the other.

    A chat model writes one answer at a time; without one several questions are answered at once.
    """
    stored, model = opened.stored, opened.model
    encoder, reader = GatheringEncoder(opened.encoder), GatheringReader(opened.reader)

    def answer_one(question: str, history: Sequence[Turn]) -> Answer:
        return answer(
            stored, encoder, reader, question, history=history, model=model, strict=strict, filters=filters
        )  # fmt: skip

    with ThreadPoolExecutor(1 if model else AT_ONCE, thread_name_prefix="question") as pool:
        begun: deque[Future[Answer]] = deque()
        try:
            for question, history in asked:
                begun.append(pool.submit(answer_one, question, history))
                if len(begun) > _AHEAD:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
