"""Many questions of one collection, answered together and given back in their order.

Knows threads and `rag.answering`. Encoder and reader run each text by itself on the same few threads, whoever asks
(`index.encoder.engine`), so nothing is gained by gathering the texts of several questions: it is enough that one
question is searched and put into words while another is read, and every core has work.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from index.collection import Filters
from index.encoder.engine import n_cores
from rag.answering import answer
from rag.answers import Answer
from rag.conversation import Turn
from rag.opened import OpenCollection

# Questions begun before the first of them is given back, for each one at work: a long answer holds up no others.
_AHEAD = 8


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
    stored, encoder, reader = opened.stored, opened.encoder, opened.reader
    model, support = opened.model, opened.support
    at_once = 1 if model else n_cores() + 1  # one more than can be read: it is searched, or put into words

    def answer_one(question: str, history: Sequence[Turn]) -> Answer:
        return answer(
            stored, encoder, reader, question, history=history, model=model, support=support, strict=strict,
            filters=filters,
        )  # fmt: skip

    with ThreadPoolExecutor(at_once, thread_name_prefix="question") as pool:
        begun: deque[Future[Answer]] = deque()
        try:
            for question, history in asked:
                begun.append(pool.submit(answer_one, question, history))
                if len(begun) > _AHEAD * at_once:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
