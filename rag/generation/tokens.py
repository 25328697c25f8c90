"""Messages into token ids, so that nothing that was read becomes a control token, whatever it spells.

By construction: the template is rendered with placeholders in place of Data; the control tokens that the template wrote
are looked up one by one; the text between them is tokenized as text, and what is a control token after that is taken
apart, or out. A tokenizer is one of transformers.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from index.errors import ModelUnusable
from rag.generation.chat_model import CLOSING_TAG, OPENING_TAG, Data, Message


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids, and the tag by which the template has begun the model's thoughts for it, where it has.

    fixed: how many of the ids, from the first, are the same whatever the Data says.
    """

    ids: list[int]
    opened: str
    fixed: int = 0


def prompt_of(tokenizer: Any, messages: Sequence[Message]) -> Prompt:
    """The prompt of these messages by the tokenizer's own template, ready for the model to answer.

    A template without a system role, or one that drops it, gets the system's words before the user's. Raises
    ModelUnusable where it takes those no better.
    """
    from jinja2 import TemplateError

    rendered, read = "", dict[str, str]()
    with suppress(TemplateError):
        rendered, read = _rendered(tokenizer, messages)
    if any(isinstance(part, str) and part.strip() not in rendered for m in messages for part in m.parts):
        try:
            rendered, read = _rendered(tokenizer, folded(messages))
        except TemplateError as error:
            raise ModelUnusable(f"the model's chat template takes no question ({error}); use another model") from error
    if not all(placeholder in rendered for placeholder in read):
        raise ModelUnusable("the model's chat template leaves out what it is given; use another model")
    control = control_ids(tokenizer)
    ids: list[int] = []
    fixed: int | None = None
    pieces, first_read = _split(tokenizer, rendered, read, control)
    for number, piece in enumerate(pieces):
        if number == first_read:
            fixed = len(ids)
        ids += [piece] if isinstance(piece, int) else _as_text(tokenizer, piece, control)
    return Prompt(ids, _open_tag(rendered), len(ids) if fixed is None else fixed)


def folded(messages: Sequence[Message]) -> list[Message]:
    """The messages without a system role: its words stand before the first user's."""
    system = [part for message in messages if message.role == "system" for part in (*message.parts, "\n\n")]
    users = [message for message in messages if message.role != "system"]
    return [Message(users[0].role, (*system, *users[0].parts)), *users[1:]]


def control_ids(tokenizer: Any) -> dict[str, int]:
    """Spelling -> id of every token that stands for more than its letters: added ones, special or not.

    White space is text, and so is the token for unknown pieces, unless it ends or begins a text, too.
    """
    bounds = {tokenizer.eos_token_id, tokenizer.bos_token_id}
    return {
        str(token.content): number
        for number, token in tokenizer.added_tokens_decoder.items()
        if token.content.strip() and (number != tokenizer.unk_token_id or number in bounds)
    }


def _rendered(tokenizer: Any, messages: Sequence[Message]) -> tuple[str, dict[str, str]]:
    """The template's text, and what its placeholders stand for. Raises jinja2.TemplateError where it refuses."""
    read: dict[str, str] = {}

    def own(part: str | Data) -> str:
        if isinstance(part, str):
            return part
        placeholder = f"Data{secrets.token_hex(8)}{len(read)}E"  # nothing that was read can spell it
        read[placeholder] = part.text
        return placeholder

    chat = [{"role": m.role, "content": "".join(own(part) for part in m.parts)} for m in messages]
    # Grounded answers need no thoughts; templates that don't know these words pass over them.
    text = tokenizer.apply_chat_template(
        chat, tokenize=False, add_generation_prompt=True, enable_thinking=False, thinking=False
    )
    return str(text), read


def _split(
    tokenizer: Any, rendered: str, read: Mapping[str, str], control: Mapping[str, int]
) -> tuple[list[int | str], int | None]:
    """The rendered text in order: ids of the template's control tokens, and the text between them, Data put in.

    And the position of the first text with Data in it, None where there is none.
    """
    if not control:
        return [_filled(rendered, read)], 0 if read else None
    kinds = {str(token.content): token for token in tokenizer.added_tokens_decoder.values()}
    spelled = "|".join(re.escape(spelling) for spelling in sorted(control, key=len, reverse=True))
    pieces: list[int | str] = []
    first_read: int | None = None
    eat = False
    for i, piece in enumerate(re.split(f"({spelled})", rendered)):
        if i % 2:
            if kinds[piece].lstrip and pieces and isinstance(pieces[-1], str):
                pieces[-1] = pieces[-1].rstrip()
            pieces.append(control[piece])
            eat = kinds[piece].rstrip
        elif piece:
            if first_read is None and any(placeholder in piece for placeholder in read):
                first_read = len(pieces)
            pieces.append(_filled(piece.lstrip() if eat else piece, read))
    return pieces, first_read


def _filled(text: str, read: Mapping[str, str]) -> str:
    if not read:
        return text
    return re.sub("|".join(map(re.escape, read)), lambda match: read[match.group()], text)


def _as_text(tokenizer: Any, text: str, control: Mapping[str, int]) -> list[int]:
    """Ids of a text, none of them a control token's."""
    if not text:
        return []
    forbidden = set(control.values())
    ids = _encoded(tokenizer, text)
    if forbidden.isdisjoint(ids):
        return ids
    # Added tokens that are not special are found in spite of split_special_tokens; a space in them changes no meaning.
    spelled = "|".join(re.escape(spelling) for spelling in sorted(control, key=len, reverse=True))
    apart = re.sub(spelled, lambda match: f"{match.group()[0]} {match.group()[1:]}", text)
    return [number for number in _encoded(tokenizer, apart) if number not in forbidden]


def _encoded(tokenizer: Any, text: str) -> list[int]:
    made = tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)
    return [int(number) for number in made["input_ids"]]


def _open_tag(rendered: str) -> str:
    """The opening tag of a thought that the template has left open at its end; empty where there is none."""
    openings = list(OPENING_TAG.finditer(rendered))
    return openings[-1].group() if openings and not CLOSING_TAG.search(rendered, openings[-1].end()) else ""
