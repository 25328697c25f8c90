"""Answers that a chat model writes: scripted models, a true collection, a true encoder."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from index.collection import Collection
from index.embedding import Encoder
from rag.answering import answer, answer_events
from rag.answers import Answer, Draft, Step
from rag.generation import Message
from rag.prompt import NO_ANSWER
from rag.reading import Reader

BRIDGE = (
    "The old bridge of the town was mended by the engineer Ann Example before the winter of 1998. "
    "The mayor, Bob Sample, paid for the work from the town's forest fund."
)
QUESTION = "Who mended the old bridge of the town?"


class Scripted:
    """Says what it was given to say, piece by piece; remembers what it was asked, and whether it was stopped."""

    name, context, notices = "scripted", 4096, ()

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.asked: list[Sequence[Message]] = []
        self.stopped = False

    def count(self, messages: Sequence[Message]) -> int:
        return sum(len(part if isinstance(part, str) else part.text) // 4 for m in messages for part in m.parts)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 0) -> Iterator[str]:  # noqa: ARG002
        self.asked.append(messages)
        try:
            yield from self.pieces
        finally:
            self.stopped = True


Ask = Callable[..., Answer]


@pytest.fixture
def ask(make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader) -> Ask:
    collection = make_collection(bridge=BRIDGE)
    return lambda model, **options: answer(collection, encoder, reader, QUESTION, model=model, **options)


def test_a_written_answer_is_claims_with_verbatim_quotes(ask: Ask) -> None:
    given = ask(Scripted("Ann Example mended it [1]. ", "Bob Sample paid [1]."))
    assert [(claim.text, claim.labels, claim.verdict) for claim in given.claims] == [
        ("Ann Example mended it.", (1,), "unchecked"),
        ("Bob Sample paid.", (2,), "unchecked"),
    ]
    assert given.text == "Ann Example mended it. [1] Bob Sample paid. [2]"
    assert [BRIDGE[c.start : c.end] == c.quote for c in given.citations] == [True, True]
    assert [c.paragraph for c in given.citations] == [1, 1]
    assert given.generator == "scripted"


def test_the_events_come_in_order_and_drafts_hold_the_whole_text(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    model = Scripted("Ann ", "Example [", "1", "] did. [7]")
    events = list(answer_events(make_collection(bridge=BRIDGE), encoder, reader, QUESTION, model=model))
    steps = [event.name for event in events if isinstance(event, Step)]
    assert steps == ["searching", "reading", "writing", "checking"]
    assert [event.text for event in events if isinstance(event, Draft)][-1] == "Ann Example [1] did."
    last = events[-1]
    assert isinstance(last, Answer)
    assert "markers that point to no evidence, removed: 1" in last.notices


def test_closing_the_events_stops_the_model(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    model = Scripted("Ann ", "Example ", "did. [1]")
    events = answer_events(make_collection(bridge=BRIDGE), encoder, reader, QUESTION, model=model)
    assert next(event for event in events if isinstance(event, Draft)).text == "Ann"
    assert not model.stopped
    events.close()
    assert model.stopped


def test_a_model_that_says_that_the_evidence_does_not_answer_abstains(ask: Ask) -> None:
    given = ask(Scripted(NO_ANSWER))
    assert (given.abstained, given.reason, given.claims, given.citations) == (True, "not_stated", (), ())
    assert given.evidence
