"""Chat models: what is asked of one, and what of its output may be seen.

Knows messages, the protocol that a model follows, and how thoughts are told from an answer. Knows nothing of
documents or of prompt words; `rag.generation.local_model` and `rag.generation.server_model` are the two models.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

# Tokens of an answer, thoughts included. Answers are a few sentences; a model that thinks aloud needs the rest.
MAX_TOKENS = 2048
# A model with fewer parameters is small: it is asked for less, by `rag.generation.prompt`. The prompts were measured at
# 0.1 and 0.5 thousand million; from three on models are known to follow the longer one.
SMALL_PARAMETERS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Data:
    """Text that a model is given to read: a document's, a person's, another model's. Never obeyed, never a template.

    No part of it becomes a control token, whatever it spells.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a chat model. role: system or user. parts: our own words as `str`, everything else as Data."""

    role: str
    parts: tuple[str | Data, ...]


class AnswerCut(Exception):
    """The model came to the end of its tokens before its answer was done; what was said until then stands."""


class ChatModel(Protocol):
    """A chat model, wherever it runs."""

    @property
    def name(self) -> str:
        """Shown as the answer's generator."""
        ...

    @property
    def context(self) -> int:
        """Tokens that prompt and answer share."""
        ...

    @property
    def is_small(self) -> bool:
        """Whether it has fewer than SMALL_PARAMETERS, and is asked for less."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know before a question is asked, such as that passages leave the machine."""
        ...

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt that these messages make; an upper estimate where they cannot be counted."""
        ...

    def stream(self, messages: Sequence[Message], *, max_tokens: int = MAX_TOKENS) -> Iterator[str]:
        """What the model says, in pieces as they come, thoughts and tags included; closing it stops the model.

        Raises AnswerCut behind the last piece where max_tokens ended it.
        """
        ...


def visible_text(model: ChatModel, messages: Sequence[Message], *, max_tokens: int = MAX_TOKENS) -> Generator[str]:
    """What the model says without its thoughts: the whole text from its beginning, each time that it has changed.

    Raises AnswerCut as `ChatModel.stream` does. Closing it stops the model.
    """
    raw, shown = "", ""
    pieces = model.stream(messages, max_tokens=max_tokens)
    cut: AnswerCut | None = None
    try:
        for piece in pieces:
            raw += piece
            text = without_thoughts(raw, growing=True)
            if text != shown:
                shown = text
                yield shown
    except AnswerCut as error:
        cut = error
    finally:
        if isinstance(pieces, Generator):
            pieces.close()
    if (text := without_thoughts(raw)) != shown:
        yield text
    if cut is not None:
        raise cut


# Pairs of tags around thoughts, as the templates of open models have them.
OPENING_TAG = re.compile(r"<(?:think|thinking|thought|reasoning|seed:think)>|\[THINK\]|<\|START_THINKING\|>|◁think▷")
CLOSING_TAG = re.compile(r"</(?:think|thinking|thought|reasoning|seed:think)>|\[/THINK\]|<\|END_THINKING\|>|◁/think▷")
# Harmony and its like: every message begins with the name of its channel; only the final one is for the user.
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w*)[^<]*<\|message\|>")
_CONTROL = re.compile(r"<\|[^<>|\s]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</?s>|<(?:start|end)_of_turn>|<eos>|<bos>|<pad>")
_UNFINISHED = re.compile(r"[<\[◁][^<>\[\]◁▷\s]{0,24}$")


def is_thought_mark(spelling: str) -> bool:
    """Whether a token's spelling is one of the tags that tell thoughts from an answer."""
    return spelling == "<|channel|>" or bool(OPENING_TAG.fullmatch(spelling) or CLOSING_TAG.fullmatch(spelling))


def without_thoughts(raw: str, *, growing: bool = False) -> str:
    """The part of a model's output that is its answer, trimmed; linear in its length.

    An open thought hides everything behind it, and a closing tag without an opening one everything before it (the
    template opened it). growing: more may come, so what may be the beginning of a tag is held back.
    """
    text = _final_channel(raw)
    closings = list(CLOSING_TAG.finditer(text))
    if closings and not OPENING_TAG.search(text, 0, closings[0].start()):
        text = text[closings[0].end() :]
    kept, at = [], 0
    while opening := OPENING_TAG.search(text, at):
        kept.append(text[at : opening.start()])
        closing = CLOSING_TAG.search(text, opening.end())
        if closing is None:
            at = len(text)
            break
        at = closing.end()
    kept.append(text[at:])
    visible = "".join(kept)
    if growing:
        visible = _UNFINISHED.sub("", visible, count=1)
    return CLOSING_TAG.sub("", _CONTROL.sub("", visible)).strip()


def _final_channel(raw: str) -> str:
    """What stands in the channel "final", where the output has channels; nothing while there is no such channel yet."""
    channels = list(_CHANNEL.finditer(raw))
    if not channels:
        return "" if raw.lstrip().startswith("<|channel|>") else raw
    ends = [*(c.start() for c in channels[1:]), len(raw)]
    finals = [raw[c.end() : end] for c, end in zip(channels, ends, strict=True) if c.group(1) == "final"]
    return re.split(r"<\|(?:end|return|start)\|>", finals[-1])[0] if finals else ""
