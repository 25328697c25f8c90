"""How fast a local chat model reads a prompt and writes an answer, in tokens a second, as the product runs it.

    python -m eval.bench.tokens --model smollm2 --save here

Three times each: the model loaded, a prompt whose fixed beginning was read before, and the answer's tokens behind its
first. The best of the three is told, as whatever else the machine does only makes it slower.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter

from eval.report.results import data_sha256, name_to_save, save_result
from rag.generation.chat_model import AnswerCut, Data, Message
from rag.generation.gguf_file import is_gguf, ready_folder
from rag.generation.local_model import LocalModel
from rag.generation.prompt import ONE_SENTENCE

_SENTENCE = "The old bridge of the town was mended by the engineer Ann Example before the winter of 1998. "
_PROMPTS = (3, 30)  # sentences of evidence: what a small model is shown, and what a large one is
_ANSWER = 48
_TIMES = 3


def speeds(name: str) -> dict[str, float]:
    """Seconds to load; for each length of prompt: its tokens, seconds to the first word, tokens a second of each."""
    began = perf_counter()
    model = LocalModel(name)
    told = {"load seconds": round(perf_counter() - began, 2)}
    for sentences in _PROMPTS:
        messages = ONE_SENTENCE.messages("Who mended the bridge?", [_SENTENCE * sentences], "")
        read, written, first = 0.0, 0.0, float("inf")
        for _ in range(_TIMES):
            to_first, rest, n = _timed(model, messages)
            first = min(first, to_first)
            read = max(read, model.count(messages) / to_first)
            written = max(written, n / rest if rest else 0.0)
        told |= {
            f"{sentences} sentences: prompt tokens": model.count(messages),
            f"{sentences} sentences: seconds to the first word": round(first, 2),
            f"{sentences} sentences: prompt tokens a second": round(read, 1),
            f"{sentences} sentences: answer tokens a second": round(written, 1),
        }
    return told


def _timed(model: LocalModel, messages: Sequence[Message]) -> tuple[float, float, int]:
    """Seconds to the first word, seconds from there to the end, and the tokens of the answer behind the first."""
    began = perf_counter()
    first, said = 0.0, ""
    with suppress(AnswerCut):
        for piece in model.stream(messages, max_tokens=_ANSWER):
            if piece and not first:
                first = perf_counter() - began
            said += piece
    return first, perf_counter() - began - first, max(_tokens(model, said) - 1, 0)


def _tokens(model: LocalModel, text: str) -> int:
    """Tokens of a text, as the difference that it makes to a prompt."""
    return model.count([Message("user", (Data(f"a{text}"),))]) - model.count([Message("user", (Data("a"),))])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--save", type=name_to_save, metavar="NAME")
    options = parser.parse_args()
    folder = ready_folder(options.model) if is_gguf(options.model) else None
    record = {"model": options.model, **speeds(options.model)}
    if options.save and folder is not None:
        command = shlex.join(["python", "-m", "eval.bench.tokens", *sys.argv[1:]])
        save_result(f"tokens-{options.save}", record, command=command, data=folder, model_sha256=data_sha256(folder))
    sys.stdout.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
