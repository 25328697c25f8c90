"""A chat model of transformers on this machine: its own template, its own stop tokens, streamed.

How its prompt becomes token ids is in `rag.generation.tokens`; what is made of a GGUF file, in
`rag.generation.gguf_file`.
"""

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from index.encoder.embedding import bfloat16_is_fast
from index.errors import ModelUnusable
from rag.generation.chat_model import MAX_TOKENS, SMALL_PARAMETERS, AnswerCut, Message, is_thought_mark
from rag.generation.gguf_file import is_gguf, ready_folder
from rag.generation.tokens import Prompt, prompt_of

if TYPE_CHECKING:
    import torch

# Tokens of prompt and answer that are used at most, whatever the model can read: memory grows with them.
_LARGEST_CONTEXT = 16_384
# Beginnings of prompts that are kept read: answers and rewritten questions each have their own.
_MOST_KEPT = 4
# Where neither model nor tokenizer says what it can read.
_SMALLEST_CONTEXT = 2048


class LocalModel:
    """A causal chat model from a folder, from a GGUF file, or from the hub's cache by name."""

    def __init__(self, name: str, *, fetch: bool = False) -> None:
        """name: a folder, a GGUF file, `smollm2`, or a name on the hub.

        fetch: a name may be downloaded, since the user has just given it. Weights are safetensors, or GGUF made into
        such; code that comes with a model is never run.
        Raises ModelUnusable where it cannot be loaded or has no chat template.
        """
        self.name = Path(name).resolve().name if Path(name).exists() else name
        self.notices: tuple[str, ...] = ()
        self._device, dtype = _place()
        place = str(ready_folder(name)) if is_gguf(name) else name
        self._tokenizer, self._model = _load(place, dtype, fetch=fetch and not Path(place).exists())
        if not self._tokenizer.chat_template:
            raise ModelUnusable(f"'{name}' has no chat template; name a chat ('instruct') model")
        self._model.to(self._device).eval()
        self.is_small = sum(weights.numel() for weights in self._model.parameters()) < SMALL_PARAMETERS
        self._model_lock = Lock()  # the model writes one text at a time
        self._kept: dict[tuple[int, ...], Any] = {}  # what the model made of the beginnings of prompts

    @cached_property
    def context(self) -> int:
        """Tokens that prompt and answer share: what model and tokenizer can both read, within reason."""
        config = self._model.config.get_text_config()
        told = (getattr(config, "max_position_embeddings", None), self._tokenizer.model_max_length)
        known = [int(length) for length in told if length]
        return min([*known, _LARGEST_CONTEXT]) if known else _SMALLEST_CONTEXT

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt."""
        return len(prompt_of(self._tokenizer, messages).ids)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = MAX_TOKENS) -> Iterator[str]:
        """What the model says, greedily decoded, as it comes; closing it stops the model at its next token.

        Raises AnswerCut behind the last piece where max_tokens ended it.
        """
        from transformers import TextIteratorStreamer

        prompt = prompt_of(self._tokenizer, messages)
        if prompt.opened:
            yield prompt.opened
        streamer = TextIteratorStreamer(
            self._tokenizer, skip_prompt=True, skip_special_tokens=not _thinks_in_special_tokens(self._tokenizer)
        )
        stop = Event()
        with ThreadPoolExecutor(1, thread_name_prefix="pilcrow-model") as thread:
            done = thread.submit(self._generate, prompt, max_tokens, streamer, stop)
            done.add_done_callback(lambda _: streamer.end())  # type: ignore[no-untyped-call]  # also where it failed, or the loop below would not end
            try:
                yield from streamer
            finally:
                stop.set()
        if done.result():
            raise AnswerCut

    def _generate(self, prompt: Prompt, max_tokens: int, streamer: Any, stop: Event) -> bool:
        """Runs the model until it ends, is stopped, or has said max_tokens; whether it was the last."""
        import torch
        from transformers import GenerationConfig, StoppingCriteriaList

        stops = self._stop_ids
        config = GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=max_tokens, do_sample=False, eos_token_id=stops, pad_token_id=stops[0]
        )
        try:
            with self._model_lock, torch.inference_mode():
                ids = torch.tensor([prompt.ids], device=self._device)
                made = self._model.generate(
                    ids, attention_mask=torch.ones_like(ids), generation_config=config, streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([_stop_when(stop)]), cache=self._begun(prompt),
                )  # fmt: skip
        except torch.OutOfMemoryError as error:
            raise ModelUnusable(f"'{self.name}' ran out of memory on {self._device}; use a smaller model") from error
        said = made[0, len(prompt.ids) :].tolist()
        return len(said) >= max_tokens and said[-1] not in stops

    def _begun(self, prompt: Prompt) -> Any:
        """What the model makes of the beginning that all prompts of a kind share, read once; None where that is all."""
        import torch

        beginning = tuple(prompt.ids[: min(prompt.fixed, len(prompt.ids) - 1)])
        if not beginning:
            return None
        if beginning not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            read = self._model(torch.tensor([beginning], device=self._device), use_cache=True, logits_to_keep=1)
            self._kept[beginning] = read.past_key_values
        return copy.deepcopy(self._kept[beginning])  # generating goes on in it

    @cached_property
    def _stop_ids(self) -> list[int]:
        """Every token that ends an answer, by the model's and the tokenizer's own word."""
        told = (
            self._model.generation_config.eos_token_id, self._model.config.get_text_config().eos_token_id,
            self._tokenizer.eos_token_id,
        )  # fmt: skip
        stops = [number for one in told for number in (one if isinstance(one, list) else [one]) if number is not None]
        if not stops:
            raise ModelUnusable(f"'{self.name}' names no token that ends an answer; use another model")
        return list(dict.fromkeys(stops))


def _stop_when(stop: Event) -> Any:
    """A criterion that ends the generation at the next token once the event is set."""
    import torch
    from transformers import StoppingCriteria

    class Stopped(StoppingCriteria):
        def __call__(self, input_ids: "torch.Tensor", scores: object, **_: object) -> "torch.Tensor":  # noqa: ARG002
            return torch.full((input_ids.shape[0],), stop.is_set(), dtype=torch.bool, device=input_ids.device)

    return Stopped()


def _thinks_in_special_tokens(tokenizer: Any) -> bool:
    """Whether thoughts are told from answers by tokens that decoding would leave out."""
    return any(is_thought_mark(str(token)) for token in tokenizer.all_special_tokens)


def _place() -> "tuple[torch.device, torch.dtype]":
    """The fastest device here, and the type that it computes fast and exactly enough with."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda"), torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if torch.backends.mps.is_available():
        return torch.device("mps"), torch.float16
    return torch.device("cpu"), torch.bfloat16 if bfloat16_is_fast() else torch.float32


def _load(name: str, dtype: "torch.dtype", *, fetch: bool) -> tuple[Any, Any]:
    """Tokenizer and model. Raises ModelUnusable."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    if not fetch:
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    options: dict[str, Any] = {"local_files_only": not fetch, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **options)
        model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype, use_safetensors=True, **options)
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelUnusable(
            f"the chat model '{name}' could not be loaded ({reason}); name a folder or a model with safetensors weights"
        ) from error
    return tokenizer, model
