"""Trains the support model that ships: the network in PyTorch, where it starts, and the run.

What it learns from is `rag.training.support_pairs`'s, the steps are `rag.training.steps`'s, the shapes
`rag.support.model`'s; nothing here is needed to judge a claim.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.encoder.weights import sha256_of
from rag.reading import reader as reading
from rag.reading.model_files import CONFIG_FILE, load_tokenizer, read_config
from rag.reading.reader import Window
from rag.support import model as support
from rag.support.model import Calibration, SupportModel
from rag.training import network
from rag.training.question_sets import sha256_of_files
from rag.training.steps import Losses, Recipe, Run, Schedule, pool_batches, stream, train
from rag.training.support_pairs import Pair, load_material, make_pair, plan_epoch
from rag.training.support_questions import corpus_files

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

# Longer pairs are left out: two in ten. A text to be judged is cut into windows of about this length anyway.
MAX_PIECES = 224
# The lowest layers keep what they start with: a quarter less work.
_FROZEN = ("embeddings.", "encoder.layer.0.", "encoder.layer.1.")


@dataclass(frozen=True, slots=True)
class Target:
    """An input of the network, and whether its text bears its claim out."""

    window: Window
    supported: bool


def to_targets(tokenizer: Tokenizer, pairs: Sequence[Pair]) -> list[Target]:
    """One input for each pair; a pair that does not fit is left out."""
    claims = reading.to_pieces(tokenizer, [pair.claim for pair in pairs])
    texts = reading.to_pieces(tokenizer, [pair.text for pair in pairs])
    return [
        Target(support.support_window(claim, text), pair.supported)
        for pair, claim, text in zip(pairs, claims, texts, strict=True)
        if len(claim.ids) + len(text.ids) + 3 <= MAX_PIECES and len(claim.ids) <= support.MAX_CLAIM_PIECES
    ]


def logits(weights: Mapping[str, Tensor], windows: Sequence[Window], *, bfloat16: bool) -> Tensor:
    """Logits (n,), float32, that each window's text bears its claim out. weights: as `support.merged` makes them."""
    import torch
    from torch.nn.functional import gelu, linear

    batch = network.to_batch(windows)
    dtype = torch.bfloat16 if bfloat16 else torch.float32
    hidden = network.hidden_states(weights, batch, dtype=dtype, fused=False).float()
    claim = batch["real"] & (batch["types"] == 0)
    claim[:, 0] = False
    looked = linear(hidden, weights["head.look.weight"])[:, :, 0].masked_fill(~claim, -1e4)
    pooled = torch.einsum("nl,nlw->nw", looked.softmax(-1), hidden)
    seen = torch.cat([hidden[:, 0], pooled], -1)
    inner = gelu(linear(seen, weights["head.dense.weight"], weights["head.dense.bias"]))
    return linear(inner, weights["head.out.weight"], weights["head.out.bias"])[:, 0]


def initial_weights(encoder: Mapping[str, Tensor], start: Mapping[str, Tensor] | None, seed: int) -> dict[str, Tensor]:
    """The trained tensors before the first step; float32.

    start: None for the encoder itself, its changes zero; a support model's tensors as they are; else those of another
    model on the same backbone, whose difference from the encoder's is taken as far as the rank goes, by its largest
    singular values.
    """
    import torch

    shapes = support.trained_names()
    if start is not None and start.keys() == shapes.keys():
        return {name: start[name].float().clone() for name in shapes}
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        if name.endswith((".up", ".down")):
            continue
        if not name.startswith("head."):
            weights[name] = (start or encoder)[name].float().clone()
        elif name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        else:
            weights[name] = torch.randn(shape, generator=generator) * 0.02
    for name, (rows, columns) in support.matrix_names().items():
        if start is None:
            up, down = torch.zeros(rows, support.RANK), torch.randn(support.RANK, columns, generator=generator)
            down *= columns**-0.5
        else:
            up, down = low_rank(start[f"{name}.weight"].float() - encoder[f"{name}.weight"].float(), support.RANK)
        weights[f"{name}.up"], weights[f"{name}.down"] = up, down
    return weights


def low_rank(change: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """(out, rank) and (rank, in) whose product is nearest to `change` of all of that rank (Eckart and Young 1936)."""
    import torch

    left, values, right = torch.linalg.svd(change, full_matrices=False)
    root = values[:rank].sqrt()
    return (left[:, :rank] * root).contiguous(), (root[:, None] * right[:rank]).contiguous()


def train_support(
    questions: Path,
    claims: Path,
    encoder: Path,
    out: Path,
    *,
    start: Path | None = reading.BUNDLED_ORDER,
    stable_steps: int = 1500,
    decay_steps: int = 500,
    seed: int = 0,
    peak_rate: float = 5e-4,
    warmup_steps: int = 100,
    batch_pieces: int = 6144,
    pool_examples: int = 2048,
    weight_decay: float = 0.01,
    checkpoint_minutes: float = 5.0,
    log_steps: int = 25,
) -> Path:
    """Trains, or goes on where `out` stands, to the end of the decay; the folder of the finished model, `out/support`.

    questions: a folder as `load_corpus` takes it. claims: a folder with *.jsonl of claims, evidence and labels.
    start: the folder of a small reader whose tensors are where training starts, by `low_rank`, or of a support model
    that is trained further; None for the encoder's own.
    out: gets what `rag.training.steps.train` writes. The finished model is not calibrated.
    Raises TrainingDataError for bad data, ModelFileError for a checkpoint of another recipe.
    """
    from safetensors.torch import load_file

    recipe = Recipe(
        seed,
        peak_rate,
        warmup_steps,
        batch_pieces,
        pool_examples,
        weight_decay,
        _data_sha256(questions, claims),
        sha256_of(encoder / "model.safetensors"),
        sha256_of(start / "model.safetensors") if start else "",
    )
    material = load_material(questions, claims)
    tokenizer = load_tokenizer(encoder)
    found = load_file(str(encoder / "model.safetensors"))
    base = {name: tensor.float() for name, tensor in found.items() if tensor.is_floating_point()}
    begin = load_file(str(start / "model.safetensors")) if start else None
    weights = initial_weights(base, begin, seed)
    names = [name for name in weights if not name.startswith(_FROZEN)]
    run = Run(weights, names, recipe, out, scale=128 / batch_pieces)

    def make(plans: Sequence[tuple[str, int, str]], rng: random.Random) -> tuple[list[Target], Counter[str]]:
        pairs = [pair for plan in plans if (pair := make_pair(material, plan, rng))]
        return to_targets(tokenizer, pairs), Counter(f"{'+-'[not pair.supported]} {pair.kind}" for pair in pairs)

    train(
        run,
        stream(
            lambda epoch: plan_epoch(material, seed, epoch),
            make,
            seed,
            run.position,
            cut=lambda targets, rng: pool_batches(targets, batch_pieces, rng),
            pool_examples=pool_examples,
        ),
        lambda batch: _losses(base, weights, batch),
        Schedule(peak_rate, warmup_steps, stable_steps, decay_steps),
        checkpoint_minutes=checkpoint_minutes,
        log_steps=log_steps,
        questions=len(material.corpus.questions),
        claims=len(material.claims),
    )
    network.save_model(out / "support", weights, encoder_sha256=recipe.encoder_sha256)
    return out / "support"


def calibrate(folder: Path, encoder: Path, pairs: Sequence[tuple[str, str]], right: Sequence[bool]) -> Calibration:
    """Fits the calibration of the model in `folder` on judged (claim, text) pairs, and writes it into its config.

    Pairs where a number is missing are left out: those are decided without it.
    """
    model = SupportModel.open(folder, encoder)
    seen = zip(model.seen(pairs), right, strict=True)
    open_ones = [(one, good) for one, good in seen if not one.number_missing]
    features = np.array([[1.0, one.logit, one.cosine, -float(one.name_missing)] for one, _ in open_ones])
    weights = fit_logistic(features, [good for _, good in open_ones])
    calibration = Calibration(*(round(float(weight), 4) for weight in weights))
    config = read_config(folder, kind="support model", command="train-support")
    config["calibration"] = asdict(calibration)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return calibration


def fit_logistic(features: NDArray[np.float64], right: Sequence[bool], *, ridge: float = 1e-3) -> NDArray[np.float64]:
    """Weights (d,) of a logistic regression, both kinds weighing the same however many there are, by Newton's method.

    features: (n, d). ridge: half of it times the weights' squares is added to the mean loss, so that a kind that
    can be told perfectly has an end.
    """
    wanted = np.array(right, np.float64)
    share = np.where(wanted == 1, 0.5 / wanted.sum(), 0.5 / (1 - wanted).sum())
    weights = np.zeros(features.shape[1])
    for _ in range(100):
        chance = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (share * (chance - wanted)) + ridge * weights
        curve = (features * (share * chance * (1 - chance))[:, None]).T @ features + ridge * np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _losses(base: Mapping[str, Tensor], weights: Mapping[str, Tensor], batch: Sequence[Target]) -> Losses:
    """The logistic loss, in nats, and how many of the batch are told right."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    found = logits(support.merged(base, weights), [target.window for target in batch], bfloat16=True)
    wanted = torch.tensor([float(target.supported) for target in batch])
    loss = binary_cross_entropy_with_logits(found, wanted, reduction="sum")
    right = int(((found > 0).float() == wanted).sum())
    return Losses(loss, {"loss": float(loss.detach()), "accuracy": float(right)})


def _data_sha256(questions: Path, claims: Path) -> str:
    """One hash over everything that is learnt from."""
    lines = [f"{path.name} {sha256_of(path)}\n" for path in sorted(claims.glob("*.jsonl"))]
    return hashlib.sha256((sha256_of_files(questions, corpus_files(questions)) + "".join(lines)).encode()).hexdigest()
