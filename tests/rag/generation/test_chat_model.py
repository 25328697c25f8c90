"""Thoughts never reach the answer, however the stream is cut."""

import time
from collections.abc import Iterator, Sequence

import pytest

from rag.generation.chat_model import AnswerCut, Message, visible_text, without_thoughts

THOUGHT = [
    "<think>Secret plan.</think>The bridge fell. [1]",
    "<think>\nSecret plan.\n</think>\n\nThe bridge fell. [1]<|im_end|>",
    "<thinking>Secret plan.</thinking> The bridge fell. [1]",
    "[THINK]Secret plan.[/THINK]The bridge fell. [1]</s>",
    "◁think▷Secret plan.◁/think▷The bridge fell. [1]",
    "<|START_THINKING|>Secret plan.<|END_THINKING|>The bridge fell. [1]",
    "<think>Secret</think><think> plan</think>The bridge fell. [1]",
    "<|channel|>analysis<|message|>Secret plan.<|end|><|start|>assistant<|channel|>final<|message|>"
    "The bridge fell. [1]<|return|>",
    "<|channel|>commentary to=x<|message|>Secret plan.<|end|><|start|>assistant<|channel|>final<|message|>"
    "The bridge fell. [1]",
]


class Parrot:
    """Says what it is told, in the pieces that it is told."""

    name, context, notices = "parrot", 4096, ()
    is_small = False

    def __init__(self, pieces: Sequence[str], *, cut: bool = False) -> None:
        self.pieces, self.cut, self.closed = pieces, cut, False

    def count(self, messages: Sequence[Message]) -> int:
        return len(messages)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 0) -> Iterator[str]:  # noqa: ARG002
        try:
            yield from self.pieces
        finally:
            self.closed = True
        if self.cut:
            raise AnswerCut


@pytest.mark.parametrize("raw", THOUGHT)
def test_thoughts_are_left_out_wherever_the_stream_is_cut(raw: str) -> None:
    for cut in range(len(raw) + 1):
        drafts = list(visible_text(Parrot([raw[:cut], raw[cut:]]), []))
        assert drafts[-1] == "The bridge fell. [1]"
        for draft in drafts:
            assert "The bridge fell. [1]".startswith(draft)


@pytest.mark.parametrize("raw", THOUGHT)
def test_thoughts_are_left_out_letter_by_letter(raw: str) -> None:
    for draft in visible_text(Parrot(list(raw)), []):
        assert "The bridge fell. [1]".startswith(draft)


def test_a_closing_tag_alone_hides_what_came_before_it() -> None:
    assert list(visible_text(Parrot(["Secret plan.</th", "ink>The bridge."]), []))[-1] == "The bridge."


def test_a_thought_without_an_end_is_no_answer() -> None:
    assert list(visible_text(Parrot(["<think>Secret plan. And so on"]), [])) == []


def test_what_only_looks_like_a_tag_at_the_end_is_not_lost() -> None:
    assert list(visible_text(Parrot(["2 <", " 3 [1"]), []))[-1] == "2 < 3 [1"


def test_the_end_by_tokens_is_told_behind_the_text() -> None:
    texts = visible_text(Parrot(["One. Tw", "o <"], cut=True), [])
    assert next(texts) == "One. Tw"
    assert [next(texts), next(texts)] == ["One. Two", "One. Two <"]
    with pytest.raises(AnswerCut):
        next(texts)


def test_closing_the_texts_closes_the_stream() -> None:
    model = Parrot(["One. ", "Two."])
    texts = visible_text(model, [])
    next(texts)
    assert not model.closed
    texts.close()
    assert model.closed


@pytest.mark.parametrize(
    "unit", ["<", "<think>", "</think>", "<|", "<|channel|>final<|message|>", "[THINK]", "<|channel|>"]
)
def test_output_of_any_kind_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        without_thoughts(text)
        without_thoughts(text, growing=True)
        return time.process_time() - began

    small = max(seconds(30_000), 0.02)
    assert seconds(300_000) < 40 * small
