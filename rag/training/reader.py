"""Trains the extractive reader that ships: examples to inputs, inputs to steps, steps to a checkpoint.

The examples are `rag.training.examples`'s, the run is `rag.training.steps`'s, the network is `rag.training.network`'s
and its inputs are `rag.reading.reader`'s; nothing here is needed to answer a question.

    SQuAD files, QAMR -> Corpus -> an epoch's plans -> Example -> windows -> batches of like length -> steps
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index.encoder.weights import sha256_of
from rag.reading import reader as reading
from rag.reading.model_files import load_tokenizer
from rag.training import network
from rag.training.examples import Example, make_example, plan_epoch
from rag.training.question_sets import folder_sha256, load_corpus
from rag.training.steps import Losses, Recipe, Run, Schedule, stream, train

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Target:
    """An input and the places of its references: (start, end) in `window.ids`, ((0, 0),) for "no answer"."""

    window: reading.Window
    places: tuple[tuple[int, int], ...]


def to_targets(tokenizer: Tokenizer, examples: Sequence[Example], rng: random.Random) -> list[Target]:
    """One window for each example: one that holds a reference where there is one, else any."""
    questions = reading.to_pieces(tokenizer, [example.question for example in examples])
    titles = reading.to_pieces(tokenizer, [f"{example.title}." if example.title else "" for example in examples])
    passages = reading.to_pieces(tokenizer, [example.passage for example in examples])
    targets = []
    for example, question, title, passage in zip(examples, questions, titles, passages, strict=True):
        shown = reading.windows(question, title if example.title else None, passage)
        rng.shuffle(shown)
        found = [(window, _places(example, passage, window)) for window in shown]
        window, places = max(found, key=lambda pair: len(pair[1]))
        if places or not example.spans:
            targets.append(Target(window, tuple(places) or ((0, 0),)))
    return targets


def _places(example: Example, passage: reading.Pieces, window: reading.Window) -> list[tuple[int, int]]:
    """Places in the window of the references that lie wholly in it."""
    places = set()
    for start, end in example.spans:
        inside = [n for n, (left, right) in enumerate(passage.offsets) if left < end and start < right]
        if inside and window.first <= inside[0] and inside[-1] < window.first + window.count:
            shift = window.passage_from - window.first
            places.add((inside[0] + shift, inside[-1] + shift))
    return sorted(places)


def reader_loss(span: Tensor, answerable: Tensor, batch: Sequence[Target]) -> tuple[Tensor, Tensor]:
    """Sums over the batch: the span's loss and the answerability's, in nats.

    span (n, length, 2), answerable (n,).  The span's loss is -log of the probability of all references together,
    -log sum over r of p(start_r) p(end_r): the reader may choose the reference (marginal likelihood, Clark and
    Gardner 2018). "No answer" is the reference (0, 0). The answerability's is the logistic loss.
    """
    import torch

    most = max(len(target.places) for target in batch)
    padded = [list(target.places) + [(-1, -1)] * (most - len(target.places)) for target in batch]
    places = torch.tensor(padded)  # (n, most, 2)
    logp = span.log_softmax(dim=1)
    picked = logp.gather(1, places.clamp(min=0)).sum(-1)  # (n, most)
    picked = picked.masked_fill(places[:, :, 0] < 0, float("-inf"))
    has_answer = (places[:, 0, 0] > 0).float()
    logistic = torch.nn.functional.binary_cross_entropy_with_logits(answerable, has_answer, reduction="sum")
    return -picked.logsumexp(dim=1).sum(), logistic


def initial_weights(encoder: Path, seed: int) -> dict[str, Tensor]:
    """The encoder's tensors, frozen ones included, and new heads: normal with deviation 0.02, biases 0. float32."""
    import torch
    from safetensors.torch import load_file

    found = load_file(str(encoder / "model.safetensors"))
    generator = torch.Generator().manual_seed(seed)
    weights = {name: found[name].float() for name in reading.FROZEN_NAMES}
    for name, shape in reading.trained_names().items():
        if name in found:
            weights[name] = found[name].float()
        elif name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        else:
            weights[name] = torch.randn(shape, generator=generator) * 0.02
    return weights


def train_reader(
    data: Path,
    encoder: Path,
    out: Path,
    *,
    stable_steps: int = 4000,
    decay_steps: int = 2000,
    seed: int = 0,
    peak_rate: float = 2e-4,
    warmup_steps: int = 300,
    batch_pieces: int = 6144,
    pool_examples: int = 2048,
    weight_decay: float = 0.01,
    checkpoint_minutes: float = 5.0,
    log_steps: int = 50,
    threads: int | None = None,
) -> Path:
    """Trains, or goes on where `out` stands, to the end of the decay; the folder of the finished reader, `out/reader`.

    data: a folder with `train/*.json` (SQuAD's format), and where they are there `train/qamr/`, `squad2_dev_half.json`.
    encoder: the folder of all-MiniLM-L6-v2 (tokenizer.json, model.safetensors).
    out: gets `run.safetensors` every `checkpoint_minutes`, `stable.safetensors` at the end of the stable part, and
    `log.jsonl`. To train longer, copy `stable.safetensors` over `run.safetensors` and call with more stable_steps.
    batch_pieces: word pieces in a batch, padding included; a batch's loss is divided by batch_pieces / 192, so that
    every example weighs the same.

    Raises TrainingDataError for bad data, ModelFileError for a checkpoint of another recipe.
    """
    import torch

    if threads:
        torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(
        seed,
        peak_rate,
        warmup_steps,
        batch_pieces,
        pool_examples,
        weight_decay,
        folder_sha256(data),
        sha256_of(encoder / "model.safetensors"),
    )
    corpus = load_corpus(data)
    tokenizer = load_tokenizer(encoder)
    run = Run(
        initial_weights(encoder, seed),
        list(reading.trained_names()),
        recipe,
        out,
        scale=192 / batch_pieces,
    )

    def make(plans: Sequence[tuple[int, str]], rng: random.Random) -> tuple[list[Target], Counter[str]]:
        examples = [make_example(corpus, number, kind, rng) for number, kind in plans]
        return to_targets(tokenizer, examples, rng), Counter(example.kind for example in examples)

    train(
        run,
        stream(
            lambda epoch: plan_epoch(corpus, seed, epoch),
            make,
            seed,
            run.position,
            batch_pieces=batch_pieces,
            pool_examples=pool_examples,
        ),
        lambda batch: _losses(run.weights, batch),
        Schedule(peak_rate, warmup_steps, stable_steps, decay_steps),
        checkpoint_minutes=checkpoint_minutes,
        log_steps=log_steps,
        questions=len(corpus.questions),
        dropped=dict(corpus.dropped),
    )
    network.save_reader(out / "reader", run.weights, encoder_sha256=recipe.encoder_sha256)
    return out / "reader"


def _losses(weights: Mapping[str, Tensor], batch: Sequence[Target]) -> Losses:
    span, answerable = network.network(
        weights, network.to_batch([target.window for target in batch]), bfloat16=True, fused=False
    )
    span_loss, logistic = reader_loss(span, answerable, batch)
    return Losses(
        span_loss + logistic, {"span_loss": float(span_loss.detach()), "answerable_loss": float(logistic.detach())}
    )
