"""The base of a large collection: an inverted file, its vectors in one byte a dimension.

Vectors lie in lists by the centre that they are nearest to, and a search looks at the lists nearest to the query only.
So it may miss a neighbour: how many lists are looked at is chosen by measuring, when the file is made, how many of the
ten nearest are found. It is made in passes over the stored vectors, a chunk at a time. Knows ids and vectors alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.encoder.embedding import Vectors

Ids = NDArray[np.int64]
# Each call begins anew with the first: ids (m,), vectors (m, d).
Chunks = Callable[[], Iterable[tuple[Ids, Vectors]]]

# From so many passages on: exact search takes 0.06 ms a thousand, so 3 ms here, and one byte a dimension in place of
# four begins to matter; below, training would take longer than it ever saves.
FROM_PASSAGES = 50_000
# Of the ten nearest, the share that must be found. What is promised is 0.98: the rest is for the luck of the queries.
RECALL = 0.985
# Candidates that are fetched for ten results: they are put in order by their exact cosines, see `Snapshot.nearest`.
_FETCHED = 26
_NEAREST = 10
# Queries that recall is measured with; its standard error is then below 0.004.
_QUERIES = 512
# Vectors that the centre of a list is learned from. FAISS asks for 39.
_TRAINED_ON = 40
_FEWEST_PROBES = 8


@dataclass(frozen=True, slots=True)
class Built:
    """An index, and what is to be told of it: the number of lists, those looked at (probes), and recall@10."""

    index: Any
    lists: int
    probes: int
    recall: float


def n_lists(count: int) -> int:
    """The number of lists for so many passages: the power of two that is nearest to four times the square root."""
    return int(2 ** max(round(np.log2(4 * np.sqrt(count))), 4))


def build(count: int, chunks: Chunks, *, seed: int = 0) -> Built:
    """An inverted file of `count` vectors of unit norm, at least 16.

    Holds one byte a dimension of each vector, and a sample of forty for each list, at most, in full.
    """
    import faiss

    chance = np.random.default_rng(seed)
    lists = n_lists(count)
    sample = _sample(count, chunks, min(count, _TRAINED_ON * lists), chance)
    dimension = sample.shape[1]
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension), dimension, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False
    )
    index.cp.seed, index.cp.niter = 1 + seed, 10
    index.cp.min_points_per_centroid = 1  # or it warns on stderr; there are as many as there are
    index.train(sample)
    nearest = _Nearest(between(sample, _QUERIES, chance))
    del sample
    for ids, vectors in chunks():
        index.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.ascontiguousarray(ids, np.int64))
        nearest.look(ids, vectors)
    index.nprobe, recall = _fewest_probes(index, nearest)
    return Built(index, lists, index.nprobe, recall)


def between(vectors: Vectors, count: int, chance: np.random.Generator) -> Vectors:
    """Queries (count, d) that are no stored vector: each the sum of three that are drawn at random, of unit norm.

    They are as hard to serve as questions, or harder. Measured with a hundred thousand passages, 64 lists of 1024: the
    questions of three BEIR sets had a recall@10 of 0.976, these 0.971; a vector and half of another 0.998, a vector and
    as much noise 0.997, which would promise too much.
    """
    mixed = np.sum([vectors[chance.integers(0, len(vectors), count)] for _ in range(3)], axis=0)
    lengths = np.linalg.norm(mixed, axis=1, keepdims=True)
    return np.asarray(mixed / np.maximum(lengths, 1e-9), np.float32)


def _sample(count: int, chunks: Chunks, size: int, chance: np.random.Generator) -> Vectors:
    """So many of the vectors, drawn without repeats."""
    drawn = np.zeros(count, bool)
    drawn[chance.choice(count, size, replace=False)] = True
    at, kept = 0, []
    for _, vectors in chunks():
        kept.append(vectors[drawn[at : at + len(vectors)]])
        at += len(vectors)
    return np.ascontiguousarray(np.concatenate(kept), np.float32)


class _Nearest:
    """The ten nearest of all vectors that were looked at, by a plain matrix product, for each query."""

    def __init__(self, queries: Vectors) -> None:
        self.queries = queries
        self._scores = np.full((len(queries), _NEAREST), -np.inf, np.float32)
        self.ids = np.full((len(queries), _NEAREST), -1, np.int64)

    def look(self, ids: Ids, vectors: Vectors) -> None:
        """Takes these into account."""
        scores = self.queries @ vectors.T
        best = np.argpartition(-scores, min(_NEAREST, len(ids)) - 1, axis=1)[:, :_NEAREST]
        scores = np.concatenate([self._scores, np.take_along_axis(scores, best, axis=1)], axis=1)
        found = np.concatenate([self.ids, ids[best]], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :_NEAREST]
        self._scores = np.take_along_axis(scores, order, axis=1)
        self.ids = np.take_along_axis(found, order, axis=1)


def _fewest_probes(index: Any, nearest: _Nearest) -> tuple[int, float]:
    """The fewest lists, doubled from eight on, with which recall@10 is as promised; and that recall."""
    probes = min(_FEWEST_PROBES, index.nlist)
    while (recall := _recall(index, nearest, probes)) < RECALL and probes < index.nlist:
        probes = min(2 * probes, index.nlist)
    return probes, recall


def _recall(index: Any, nearest: _Nearest, probes: int) -> float:
    index.nprobe = probes
    _, found = index.search(nearest.queries, _FETCHED)
    return float(np.mean([np.isin(ids, there).mean() for ids, there in zip(nearest.ids, found, strict=True)]))
