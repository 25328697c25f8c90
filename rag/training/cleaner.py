"""Training of what tells furniture from body in a flattened page: from pages with their body marked by hand.

Blocks to signals, signals to two looks; what they are is `index.cleaning`'s. Nothing here is needed to clean a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from index.cleaning.cleaner import Cleaner, Linear, Trees
from index.cleaning.rules import kinds_by_rules, shape_of
from index.cleaning.signals import Matrix, second_look, signals

# Blocks above this probability are kept: chosen for a recall of 0.95 and more, since losing body is the worse fault.
THRESHOLD = 0.2
# Inside a training set, the second look learns from first estimates of sites that the first look did not see.
_INNER_FOLDS = 3
# A block counts by its words, up to this many; each page counts the same.
_WORDS_COUNTED = 60
_L2 = 0.03


@dataclass(frozen=True, slots=True)
class MarkedPage:
    """A flattened page: its blocks, the body marked by hand, its site, and its HTML."""

    blocks: tuple[str, ...]
    body: str
    site: str
    html: bytes


def folds(sites: Sequence[str], count: int) -> list[int]:
    """A fold for each page, all pages of a site in the same; by the sites' names in a fixed shuffled order."""
    names = sorted(set(sites))
    order = np.random.default_rng(0).permutation(len(names))
    at = {names[place]: i % count for i, place in enumerate(order)}
    return [at[site] for site in sites]


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A page as it is learned from: signals (n, s), whether each block is body (n,), and what each counts (n,)."""

    page: MarkedPage
    seen: Matrix
    is_body: Any
    weight: Matrix


def look_at(page: MarkedPage) -> LookedAt:
    """A page with its signals, beside what people marked."""
    shapes = [shape_of(block) for block in page.blocks]
    words = np.array([min(_WORDS_COUNTED, shape.words + 1) for shape in shapes], np.float64)
    seen = signals(page.blocks, shapes, kinds_by_rules(shapes, None))
    return LookedAt(page, seen, marked_body(page.blocks, page.body), words / words.sum())


def marked_body(blocks: Sequence[str], body: str) -> Any:
    """(n,) bool: which blocks stand in the body marked by hand; short ones only between longer ones that do."""
    plain = _letters(body)
    lines = {_letters(line) for line in body.split("\n")}
    words = [_letters(word) for word in body.split()]
    runs = {tuple(words[i : i + 4]) for i in range(len(words) - 3)}
    marks = np.zeros(len(blocks), bool)
    for i, block in enumerate(blocks):
        letters, mine = _letters(block), [_letters(word) for word in block.split()]
        found = sum(tuple(mine[j : j + 4]) in runs for j in range(len(mine) - 3))
        marks[i] = (len(letters) >= 25 and letters in plain) or (len(mine) >= 6 and found > 0.5 * (len(mine) - 3))
    long = np.flatnonzero(marks)
    for i in range(long[0], min(long[-1] + 2, len(blocks))) if len(long) else ():
        letters = _letters(blocks[i])
        marks[i] |= bool(letters) and (letters in lines or (4 <= len(letters) < 25 and letters in plain))
    return marks


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def train_cleaner(pages: Sequence[MarkedPage]) -> Cleaner:
    """A cleaner learned from pages; the same pages give the same."""
    return train([look_at(page) for page in pages])


def train(looked: Sequence[LookedAt]) -> Cleaner:
    """A cleaner learned from pages that were looked at.

    On one thread: a regression adds up in another order on two, stops elsewhere, and its figures differ in the third
    digit. So the same pages give the same cleaner on every number of cores.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return _trained(looked)


def _trained(looked: Sequence[LookedAt]) -> Cleaner:
    fold = folds([look.page.site for look in looked], _INNER_FOLDS)
    estimates: list[Matrix] = [np.zeros(0)] * len(looked)
    for n in range(_INNER_FOLDS):
        model = _linear([look.seen for look, at in zip(looked, fold, strict=True) if at != n],
                        [look for look, at in zip(looked, fold, strict=True) if at != n])  # fmt: skip
        for i, look in enumerate(looked):
            if fold[i] == n:
                estimates[i] = model.probability(look.seen)
    again = [second_look(look.seen, look.page.blocks, p) for look, p in zip(looked, estimates, strict=True)]
    return Cleaner(
        _linear([look.seen for look in looked], looked), _linear(again, looked), _trees(again, looked), THRESHOLD
    )


def _together(looked: Sequence[LookedAt]) -> tuple[Any, Matrix]:
    weight = np.concatenate([look.weight for look in looked])
    return np.concatenate([look.is_body for look in looked]), weight * len(weight) / weight.sum()


def _linear(seen: Sequence[Matrix], looked: Sequence[LookedAt]) -> Linear:
    """A logistic regression with the standardisation folded into its weights."""
    from sklearn.linear_model import LogisticRegression

    values = np.concatenate(seen).astype(np.float32)
    is_body, weight = _together(looked)
    mean, spread = values.mean(0), values.std(0)
    spread[spread < 1e-6] = 1.0
    fitted = LogisticRegression(C=_L2, max_iter=150).fit((values - mean) / spread, is_body, sample_weight=weight)
    weights = np.asarray(fitted.coef_[0] / spread, np.float64)
    return Linear(weights, float(fitted.intercept_[0] - weights @ mean))


def _trees(seen: Sequence[Matrix], looked: Sequence[LookedAt]) -> Trees:
    """Boosted trees of eight leaves."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    is_body, weight = _together(looked)
    fitted = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=40, l2_regularization=5.0,
        max_features=0.3, early_stopping=False, random_state=0,
    ).fit(np.concatenate(seen), is_body, sample_weight=weight)  # fmt: skip
    nodes: list[list[float]] = []
    roots: list[int] = []
    for (predictor,) in fitted._predictors:  # its trees have no public form
        base = len(nodes)
        roots.append(base)
        for i, node in enumerate(predictor.nodes):
            left, right = (base + i, base + i) if node["is_leaf"] else (base + node["left"], base + node["right"])
            threshold = 0.0 if node["is_leaf"] else node["num_threshold"]
            nodes.append(
                [float(node["feature_idx"]), float(threshold), float(left), float(right), float(node["value"])]
            )
    return Trees(np.array(nodes), roots, float(np.ravel(fitted._baseline_prediction)[0]))
