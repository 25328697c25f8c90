"""Dense, lexical and fused retrieval on a test collection, between frames: `pilcrow eval retrieval`.

How a setting becomes rankings is `runs.py`'s. The collection is opened, and the questions are embedded, only where a
ranking is not known from before.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from eval.gold.datasets import BadDataset
from eval.gold.places import Places
from eval.gold.questions import QuestionSet
from eval.measures.differences import Difference, compare_with
from eval.measures.ranking import MEASURES, mean_over_queries
from eval.runs.evidence import EvidenceScores, evaluate_evidence
from eval.runs.rankings import Frame, Progress, Run, collection_of, frames, ids, places_of, run_setting
from eval.runs.settings import Setting
from index.address import Place
from index.collection import Collection
from index.encoder.embedding import Encoder, Vectors
from rag.reading.reader import AnyReader
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
    absent: judged documents that are not there. evidence: where the gold is characters, how far up they come.
    """

    dataset: str
    queries: int
    settings: dict[str, dict[str, float]]
    frames: dict[str, dict[str, float]]
    order: dict[str, float]
    differences: tuple[Difference, ...]
    absent: int
    evidence: EvidenceScores | None = None


def evaluate_retrieval(
    asked: QuestionSet,
    encoder: Encoder,
    *,
    reader: AnyReader | None = None,
    collection: Place | None = None,
    folder: Place | None = None,
    beside: Sequence[Path] = (),
    kept: Keep | None = None,
    progress: Progress | None = None,
) -> RetrievalScores:
    """Dense, lexical and fused on the questions that have gold, each document ranked by its best passage.

    collection: which is asked, where the questions bring no documents.
    reader: where given, its order is measured, too, on at most READ_SAMPLE questions.
    folder: where the test collection is indexed, kept and found again; a temporary one by default.
    beside: files of other documents among which the questions' own are to be found.
    kept: gives rankings from before, or makes and keeps them; by default they are made.
    progress: called with the step's name, how much is done, and of how much (0 where that is not known).
    Raises CollectionMismatch where `folder` was made with another encoder, BadDataset where no question has gold.
    """
    qrels = asked.qrels
    if not qrels:
        raise BadDataset(
            f"'{asked.path}' says of no question which document answers it, so there is nothing to measure"
        )
    asked = replace(asked, questions=tuple(q for q in asked.questions if q.question_id in qrels))
    keep = kept or (lambda _name, make: make())
    with _Rankings(asked, encoder, collection, folder, progress, beside=beside) as rankings:
        ways = {way: _kept(keep, way.value, partial(rankings.ranked_by, way)) for way in Way}
        framing = [_kept(keep, name, partial(rankings.frame, name, ways[Way.LEXICAL])) for name in _FRAMES]
        absent = int(keep("absent", rankings.absent))
        sample = asked.sampled(READ_SAMPLE)
        evidence = (
            rankings.evidence(reader) if any(g.start is not None for q in asked.questions for g in q.gold) else None
        )
        order = {}
        if reader is not None:
            read = _kept(keep, f"read {len(sample.questions)}", partial(rankings.read, sample, reader))
            order = _order({q.question_id: qrels[q.question_id] for q in sample.questions}, ways[Way.FUSED], read)
    samples = {
        run.name: np.array([MEASURES["nDCG@10"](ids(run).get(q, ()), grades) for q, grades in qrels.items()])
        for run in ways.values()
    }
    return RetrievalScores(
        asked.name,
        len(qrels),
        {run.name: _means(run, qrels) for run in ways.values()},
        {run.name: _means(run, qrels) for run in framing},
        order,
        tuple(compare_with(Way.DENSE.value, samples)),
        absent,
        evidence,
    )


class _Rankings:
    """The rankings of one test collection, which is opened when the first of them is made."""

    def __init__(
        self,
        asked: QuestionSet,
        encoder: Encoder,
        collection: Place | None,
        folder: Place | None,
        progress: Progress | None,
        *,
        beside: Sequence[Path] = (),
    ) -> None:
        self._asked, self._beside = asked, beside
        self._encoder, self._place, self._folder, self._progress = encoder, collection, folder, progress
        self._stack = ExitStack()

    def __enter__(self) -> "_Rankings":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def _collection(self) -> Collection:
        opened = collection_of(
            self._asked,
            self._encoder,
            asked=self._place,
            folder=self._folder,
            beside=self._beside,
            progress=self._progress,
        )
        return self._stack.enter_context(opened)

    @cached_property
    def _vectors(self) -> Vectors:
        return self._encoder.encode([q.text for q in self._asked.questions])

    @cached_property
    def _places(self) -> dict[str, Places]:
        with self._collection.reading() as snapshot:
            return places_of(self._asked.questions, snapshot)

    def ranked_by(self, way: Way) -> Run:
        """One way's rankings of all questions."""
        return run_setting(
            Setting(way.value, way), self._asked.questions, self._collection, self._encoder, None,
            vectors=self._vectors, progress=self._progress,
        )  # fmt: skip

    def frame(self, name: str, bm25: Run) -> Run:
        """One of _FRAMES."""
        made = frames(self._asked.questions, self._places, self._collection, self._encoder, bm25=bm25)
        return next(run for run in made if run.name == name)

    def absent(self) -> int:
        """How many judged documents are not there."""
        return len({gold.doc_id for found in self._places.values() for gold in found.absent})

    def evidence(self, reader: AnyReader | None) -> EvidenceScores:
        """How far up the gold characters come."""
        return evaluate_evidence(
            self._asked.questions, self._places, self._collection, self._encoder, reader=reader, progress=self._progress
        )

    def read(self, sample: QuestionSet, reader: AnyReader) -> Run:
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


def _order(qrels: Mapping[str, Mapping[str, int]], fused: Run, read: Run) -> dict[str, float]:
    """nDCG@10 of the fused order and of the reader's, on the same questions."""
    of = MEASURES["nDCG@10"]
    scores = {name: mean_over_queries(of, ids(run), qrels) for name, run in (("fused", fused), ("read", read))}
    return {"questions": len(qrels), **scores}
