"""The learned part of cleaning: how likely each block of a text is its body, from its signals.

Two looks. A logistic regression estimates every block from itself and its neighbours; then a second one, and a small
sum of trees, see that estimate for the whole page, too, and their mean decides. The weights are JSON;
eval/runs/cleaning.py trains them, and index/cleaning/cleaner.json is what ships.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.cleaning.rules import Shape
from index.cleaning.signals import Matrix, second_look, signals
from index.paragraphs import Kind

BUNDLED_CLEANER = Path(__file__).parent / "cleaner.json"


@dataclass(frozen=True, slots=True)
class Linear:
    """A logistic regression over signals (s,): probability = 1 / (1 + exp(-(signals @ weights + bias)))."""

    weights: Matrix
    bias: float

    def probability(self, values: Matrix) -> Matrix:
        """(n, s) -> (n,)."""
        return _logistic(values @ self.weights + self.bias)


@dataclass(frozen=True, slots=True)
class Trees:
    """A sum of binary trees. A row of `nodes`: signal, threshold, left, right, value; a leaf has itself to its left."""

    nodes: Matrix
    roots: Sequence[int]
    bias: float

    def probability(self, values: Matrix) -> Matrix:
        """(n, s) -> (n,). All blocks go down a tree together, a level at a time."""
        total = np.full(len(values), self.bias)
        rows = np.arange(len(values))
        signal, left, right = (self.nodes[:, i].astype(np.intp) for i in (0, 2, 3))
        threshold, value = self.nodes[:, 1], self.nodes[:, 4]
        for root in self.roots:
            at = np.full(len(values), root)
            while (left[at] != at).any():
                goes_left = values[rows, signal[at]] <= threshold[at]
                at = np.where(left[at] == at, at, np.where(goes_left, left[at], right[at]))
            total += value[at]
        return _logistic(total)


@dataclass(frozen=True, slots=True)
class Cleaner:
    """What was learned, and the probability below which a block is furniture."""

    first: Linear
    second: Linear
    trees: Trees
    threshold: float

    def body(self, blocks: Sequence[str], shapes: Sequence[Shape], kinds: Sequence[Kind]) -> Matrix:
        """(n,): the probability that each block is body; the same blocks always give the same."""
        seen = signals(blocks, shapes, kinds)
        again = second_look(seen, blocks, self.first.probability(seen))
        return np.asarray((self.second.probability(again) + self.trees.probability(again)) / 2)

    def to_json(self) -> dict[str, Any]:
        """The weights as they are written to a file, rounded to six digits."""
        return {
            "threshold": self.threshold,
            "first": {"bias": _short(self.first.bias), "weights": [_short(w) for w in self.first.weights]},
            "second": {"bias": _short(self.second.bias), "weights": [_short(w) for w in self.second.weights]},
            "trees": {
                "bias": _short(self.trees.bias),
                "roots": list(self.trees.roots),
                "nodes": [[_short(x) for x in node] for node in self.trees.nodes],
            },
        }


def cleaner_of(stored: Mapping[str, Any]) -> Cleaner:
    """The cleaner that `Cleaner.to_json` wrote."""
    first, second = (
        Linear(np.array(stored[name]["weights"]), float(stored[name]["bias"])) for name in ("first", "second")
    )
    trees = stored["trees"]
    return Cleaner(first, second, Trees(np.array(trees["nodes"]), trees["roots"], trees["bias"]), stored["threshold"])


@cache
def bundled_cleaner() -> Cleaner:
    """The cleaner that ships."""
    return cleaner_of(json.loads(BUNDLED_CLEANER.read_text(encoding="utf-8")))


def _logistic(values: Matrix) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -30, 30))))


def _short(value: float) -> float:
    return float(f"{value:.6g}")
