"""The steps of a training run: order of examples, learning rate, AdamW, checkpoints, log. Not what is learnt.

    plans of an epoch -> pools -> batches of like length -> steps, each of them where a stopped run would go on

Everything random is drawn from (seed, epoch, position), so that a run that was stopped goes on exactly where it was.
The learning rate warms up, stays, and falls linearly to zero ("warmup, stable, decay", Hu et al. 2024, MiniCPM): the
checkpoint at the end of the stable part can be trained further at any time, and decayed again.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from index.errors import PilcrowError
from rag.reading import reader as reading
from rag.reading.model_files import ModelFileError
from rag.training.network import padded_length

if TYPE_CHECKING:
    from torch import Tensor


class TrainingDataError(PilcrowError):
    """What is trained on is not what its format promises; the message names file and row."""


class Shown(Protocol):
    """Anything with an input of the network in it."""

    @property
    def window(self) -> reading.Window:
        """The input."""
        ...


Plan = TypeVar("Plan")
Target = TypeVar("Target", bound=Shown)


def seeded(*names: object) -> random.Random:
    """A source of random numbers that depends on nothing but its names."""
    return random.Random(" ".join(str(name) for name in names))  # noqa: S311 (shuffles examples, keeps no secret)


def times(rate: float, rng: random.Random) -> int:
    """How often something of that rate comes this time; a rate's fraction is drawn."""
    return int(rate) + (rng.random() < rate % 1)


# --- the order of examples ---------------------------------------------------------------------------------------


def pool_batches(targets: Sequence[Target], batch_pieces: int, rng: random.Random) -> list[list[Target]]:
    """Batches of like length, at most `batch_pieces` with padding in each, in random order."""
    by_length = sorted(targets, key=lambda target: (len(target.window.ids), rng.random()), reverse=True)
    batches: list[list[Target]] = []
    start = 0
    while start < len(by_length):
        size = max(1, batch_pieces // padded_length(len(by_length[start].window.ids)))
        batches.append(list(by_length[start : start + min(size, 64)]))
        start += len(batches[-1])
    rng.shuffle(batches)
    return batches


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stands in its endless stream of batches: the next batch of a pool of an epoch."""

    epoch: int = 0
    pool: int = 0
    batch: int = 0


def stream(
    plan: Callable[[int], Sequence[Plan]],
    make: Callable[[Sequence[Plan], random.Random], tuple[list[Target], Counter[str]]],
    seed: int,
    position: Position,
    *,
    batch_pieces: int,
    pool_examples: int,
) -> Iterator[tuple[Position, list[Target], Counter[str]]]:
    """(position after it, batch, kinds of the pool when it is the pool's first) without end, from `position` on.

    plan: the plans of an epoch. make: inputs and their kinds for a pool of plans.
    """
    while True:
        plans = plan(position.epoch)
        starts = range(0, len(plans), pool_examples)
        for pool in range(position.pool, len(starts)):
            rng = seeded("pool", seed, position.epoch, pool)
            targets, kinds = make(plans[starts[pool] : starts[pool] + pool_examples], rng)
            batches = pool_batches(targets, batch_pieces, rng)
            for number in range(position.batch, len(batches)):
                yield Position(position.epoch, pool, number + 1), batches[number], kinds if number == 0 else Counter()
            position = Position(position.epoch, pool + 1, 0)
        position = Position(position.epoch + 1)


# --- the steps ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Schedule:
    """The learning rate by step, from 0: rises for warmup_steps, stays until stable_steps, falls to 0 in decay_steps.

    peak: the rate while it stays.
    """

    peak: float
    warmup_steps: int
    stable_steps: int
    decay_steps: int

    def rate(self, step: int) -> float:
        """The rate of a step."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        if step < self.stable_steps:
            return self.peak
        return self.peak * max(0.0, 1.0 - (step - self.stable_steps + 1) / (self.decay_steps + 1))


@dataclass(frozen=True, slots=True)
class Losses:
    """What a batch gives: the sum to go down on, and the sums to be logged by name, over its examples."""

    total: Tensor
    sums: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides a run's result, kept in the checkpoint; a run goes on only with the same, its ends excepted.

    start_sha256: of the weights where it starts; "" where those are the encoder's own.
    """

    seed: int
    peak_rate: float
    warmup_steps: int
    batch_pieces: int
    pool_examples: int
    weight_decay: float
    data_sha256: str
    encoder_sha256: str
    start_sha256: str = ""


class Run:
    """Weights, AdamW's moments, and how far the run is. There is no dropout, so no further random state."""

    def __init__(
        self, weights: dict[str, Tensor], names: Sequence[str], recipe: Recipe, out: Path, *, scale: float
    ) -> None:
        """A new run, or the one that `out/run.safetensors` holds.

        names: the weights that are trained, all float32; they are changed in place. scale: of the loss.
        Raises ModelFileError for a checkpoint of another recipe.
        """
        import torch

        self.weights, self.names, self.recipe, self.out, self.scale = weights, sorted(names), asdict(recipe), out, scale
        self.step, self.position = 0, Position()
        trained = [weights[name].requires_grad_() for name in self.names]
        # Vectors (biases, norms) are not decayed, as usual for transformers.
        groups: list[dict[str, Any]] = [
            {"params": [w for w in trained if w.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [w for w in trained if w.ndim == 1], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), eps=1e-6, fused=True)
        out.mkdir(parents=True, exist_ok=True)
        if (out / "run.safetensors").is_file():
            self._resume(out / "run.safetensors")

    def _resume(self, path: Path) -> None:
        import torch
        from safetensors import safe_open

        with safe_open(str(path), framework="pt") as file:
            about = json.loads(file.metadata()["run"])
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (a safetensors file is no dict)
        if about["recipe"] != self.recipe:
            raise ModelFileError(f"'{path}' was made with {about['recipe']}, not {self.recipe}; use a new folder")
        self.step, self.position = about["step"], Position(**about["position"])
        with torch.no_grad():
            for name in self.names:
                self.weights[name].copy_(found[name])
                keys = ("step", "exp_avg", "exp_avg_sq")
                self.optimiser.state[self.weights[name]] = {key: found[f"{key}/{name}"] for key in keys}

    def take_step(self, total: Tensor, rate: float) -> None:
        """One update that goes down on `total`, at that learning rate."""
        import torch

        torch.autograd.backward(total * self.scale)
        torch.nn.utils.clip_grad_norm_([self.weights[name] for name in self.names], 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1

    def save(self, name: str = "run") -> None:
        """Writes everything that the run needs to go on into one safetensors file, whole or not at all."""
        from safetensors.torch import save_file

        tensors = {name: self.weights[name].detach() for name in self.names}
        for trained in self.names:
            for key, value in self.optimiser.state[self.weights[trained]].items():
                tensors[f"{key}/{trained}"] = value
        about = {"step": self.step, "position": asdict(self.position), "recipe": self.recipe}
        path = self.out / f"{name}.safetensors"
        partial = path.with_suffix(".partial")
        save_file(tensors, str(partial), metadata={"run": json.dumps(about)})
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)


def train(
    run: Run,
    batches: Iterator[tuple[Position, list[Target], Counter[str]]],
    losses: Callable[[list[Target]], Losses],
    schedule: Schedule,
    *,
    checkpoint_minutes: float,
    log_steps: int,
    **about: object,
) -> None:
    """Takes steps until the end of the decay, with `run.safetensors` every `checkpoint_minutes` and `log.jsonl`.

    The end of the stable part is kept as `stable.safetensors`. about: the first line of the log.
    """
    log = Log(run.out / "log.jsonl", log_steps)
    log.write(**about, recipe=run.recipe, step=run.step)
    if run.step >= schedule.stable_steps and not (run.out / "stable.safetensors").is_file():
        run.save("stable")  # gone on with beyond the end of the stable part
    saved = time.monotonic()
    while run.step < schedule.stable_steps + schedule.decay_steps:
        run.position, batch, kinds = next(batches)
        rate = schedule.rate(run.step)
        found = losses(batch)
        run.take_step(found.total, rate)
        log.step(run, len(batch), found.sums, rate, kinds)
        if run.step == schedule.stable_steps:
            run.save("stable")
        if time.monotonic() - saved > 60 * checkpoint_minutes:
            run.save()
            saved = time.monotonic()
    run.save()


class Log:
    """JSON lines with means of the sums by name, and examples a second, over the last `every` steps."""

    def __init__(self, path: Path, every: int) -> None:
        """path: appended to."""
        self.path, self.every = path, every
        self.kinds: Counter[str] = Counter()
        self._restart()

    def _restart(self) -> None:
        self.started, self.n_examples = time.monotonic(), 0
        self.sums: dict[str, float] = {}

    def write(self, **values: object) -> None:
        """Appends one line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")

    def step(self, run: Run, n_examples: int, sums: Mapping[str, float], rate: float, kinds: Mapping[str, int]) -> None:
        """Counts a step, and writes when `every` have passed. Raises ArithmeticError when a sum is not finite."""
        if not math.isfinite(math.fsum(sums.values())):
            raise ArithmeticError(f"the loss became {dict(sums)} at step {run.step}; lower peak_rate")
        self.n_examples += n_examples
        for name, value in sums.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.kinds.update(kinds)
        if run.step % self.every:
            return
        seconds = time.monotonic() - self.started
        self.write(
            step=run.step,
            epoch=run.position.epoch,
            pool=run.position.pool,
            rate=rate,
            **{name: round(value / self.n_examples, 4) for name, value in self.sums.items()},
            examples_per_second=round(self.n_examples / seconds, 1),
            kinds=dict(self.kinds),
        )
        self.kinds.clear()
        self._restart()
