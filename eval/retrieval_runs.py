"""Dense, lexical and fused retrieval on a test collection, between frames: `pilcrow eval retrieval`.

How a setting becomes rankings is `runs.py`'s. The collection is opened, and the questions are embedded, only where a
ranking is not known from before.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from eval.comparison import Difference, compare_with
from eval.datasets import RetrievalDataset
from eval.metrics import MEASURES, mean_over_queries
from eval.places import Places
from eval.questions import QuestionSet, of_beir
from eval.runs import Frame, Progress, Run, collection_of, frames, ids, places_of, run_setting
from eval.settings import Setting
from index.address import Place
from index.collection import Collection
from index.embedding import Encoder, Vectors
from rag.reading import Reader
from rag.retrieval import Way

# Questions that the reader orders with `--read`: about 0.1 s each.
READ_SAMPLE = 300
_FRAMES = (Frame.RANDOM, Frame.BM25, Frame.ORACLE)

# Given a name and what makes a value that JSON can hold, gives it, perhaps one from before.
Keep = Callable[[str, Callable[[], Any]], Any]


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """Measures by setting: settings["fused"]["nDCG@10"], in [0, 1]; queries: how many were judged.

    frames: the same measures of rankings that nobody would use. order: nDCG@10 in the fused order and in the reader's,
    on the same questions; empty where the reader was not asked. differences: of nDCG@10, against dense alone.
    absent: judged documents that are not there.
    """

    dataset: str
    queries: int
    settings: dict[str, dict[str, float]]
    frames: dict[str, dict[str, float]]
    order: dict[str, float]
    differences: tuple[Difference, ...]
    absent: int


def evaluate_retrieval(
    dataset: RetrievalDataset,
    encoder: Encoder,
    *,
    reader: Reader | None = None,
    folder: Place | None = None,
    kept: Keep | None = None,
    progress: Progress | None = None,
) -> RetrievalScores:
    """Dense, lexical and fused on one test collection, each document ranked by its best passage.

    reader: where given, its order is measured, too, on at most READ_SAMPLE questions.
    folder: where the test collection is indexed, kept and found again; a temporary one by default.
    kept: gives rankings from before, or makes and keeps them; by default they are made.
    progress: called with the step's name, how much is done, and of how much (0 where that is not known).
    Raises CollectionMismatch where `folder` was made with another encoder.
    """
    keep = kept or (lambda _name, make: make())
    with _Rankings(of_beir(dataset), encoder, folder, progress) as rankings:
        ways = {way: _kept(keep, way.value, partial(rankings.ranked_by, way)) for way in Way}
        framing = [_kept(keep, name, partial(rankings.frame, name, ways[Way.LEXICAL])) for name in _FRAMES]
        absent = int(keep("absent", rankings.absent))
        sample = rankings.asked.sampled(READ_SAMPLE)
        order = {}
        if reader is not None:
            read = _kept(keep, f"read {len(sample.questions)}", partial(rankings.read, sample, reader))
            order = _order(sample, dataset, ways[Way.FUSED], read)
    judged = list(dataset.qrels)
    samples = {
        run.name: np.array([MEASURES["nDCG@10"](ids(run).get(q, ()), dataset.qrels[q]) for q in judged])
        for run in ways.values()
    }
    return RetrievalScores(
        dataset.name,
        len(dataset.qrels),
        {run.name: _means(run, dataset.qrels) for run in ways.values()},
        {run.name: _means(run, dataset.qrels) for run in framing},
        order,
        tuple(compare_with(Way.DENSE.value, samples)),
        absent,
    )


class _Rankings:
    """The rankings of one test collection, which is opened when the first of them is made."""

    def __init__(self, asked: QuestionSet, encoder: Encoder, folder: Place | None, progress: Progress | None) -> None:
        self.asked = asked
        self._encoder, self._folder, self._progress = encoder, folder, progress
        self._stack = ExitStack()

    def __enter__(self) -> "_Rankings":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def _collection(self) -> Collection:
        opened = collection_of(self.asked, self._encoder, folder=self._folder, progress=self._progress)
        return self._stack.enter_context(opened)

    @cached_property
    def _vectors(self) -> Vectors:
        return self._encoder.encode([q.text for q in self.asked.questions])

    @cached_property
    def _places(self) -> dict[str, Places]:
        with self._collection.reading() as snapshot:
            return places_of(self.asked.questions, snapshot)

    def ranked_by(self, way: Way) -> Run:
        """One way's rankings of all questions."""
        return run_setting(
            Setting(way.value, way), self.asked.questions, self._collection, self._encoder, None,
            vectors=self._vectors, progress=self._progress,
        )  # fmt: skip

    def frame(self, name: str, bm25: Run) -> Run:
        """One of _FRAMES."""
        made = frames(self.asked.questions, self._places, self._collection, self._encoder, bm25=bm25)
        return next(run for run in made if run.name == name)

    def absent(self) -> int:
        """How many judged documents are not there."""
        return len({gold.doc_id for found in self._places.values() for gold in found.absent})

    def read(self, sample: QuestionSet, reader: Reader) -> Run:
        """The rankings of a sample with the best passages in the reader's order."""
        return run_setting(
            Setting("read", read=True), sample.questions, self._collection, self._encoder, reader,
            progress=self._progress,
        )  # fmt: skip


def _kept(keep: Keep, name: str, make: Callable[[], Run]) -> Run:
    """A run, made or from before."""
    value: Sequence[Any] = keep(name, lambda: list(make().rankings.items()))
    return Run(name, {question: [(unit, score) for unit, score in found] for question, found in value})


def _means(run: Run, qrels: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    return {name: mean_over_queries(measure, ids(run), qrels) for name, measure in MEASURES.items()}


def _order(sample: QuestionSet, dataset: RetrievalDataset, fused: Run, read: Run) -> dict[str, float]:
    """nDCG@10 of the fused order and of the reader's, on the same sample of questions."""
    judged = {q.question_id: dataset.qrels[q.question_id] for q in sample.questions}
    of = MEASURES["nDCG@10"]
    scores = {run.name.split()[0]: mean_over_queries(of, ids(run), judged) for run in (fused, read)}
    return {"questions": len(judged), **scores}
