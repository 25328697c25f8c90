"""Fits the confidence of an answer: the probability that the documents answer, from what reading and search say.

SQuAD's unanswerable questions are written to mislead, which few people do to their own documents. So three other kinds
stand beside them: an answerable question whose own paragraph is hidden (the right topic, the fact missing), one whose
whole article is hidden, and questions about something else altogether.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from eval.gold.datasets import ReadingDataset
from index.collection import Collection
from index.encoder.embedding import Encoder
from index.intake.indexing import index_documents
from index.opening import create_collection
from rag.answering import PASSAGES
from rag.citations import Sources
from rag.reading.candidates import find_candidates, logistic
from rag.reading.reader import Reader
from rag.retrieval import Hit, retrieve

# Hits fetched where some are hidden, so that enough are left.
_DEPTH = 64
# At most this share of the answerable questions may be left unanswered by the threshold.
_LOST = 0.1


class Kind(StrEnum):
    """What is asked: a fact that is stated, or one that is not, and why."""

    STATED = "stated"
    HIDDEN = "paragraph hidden"
    MISLEADING = "written to mislead"
    ELSEWHERE = "article hidden"
    UNRELATED = "about something else"


# What each kind counts for in the fit: as many unstated questions as stated ones, mostly of the kinds people ask.
_SHARES = {Kind.STATED: 0.5, Kind.HIDDEN: 0.175, Kind.MISLEADING: 0.15, Kind.ELSEWHERE: 0.1, Kind.UNRELATED: 0.075}


@dataclass(frozen=True, slots=True)
class Example:
    """A question as reading and search see it: logit that the best candidate's passage answers, and best cosine."""

    kind: Kind
    answerable: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Fit:
    """confidence = logistic(bias + answerable * logit + cosine * best cosine); below `threshold` there is no answer."""

    bias: float
    answerable: float
    cosine: float
    threshold: float

    def confidence(self, example: Example) -> float:
        """The probability that the documents answer, in (0, 1)."""
        return logistic(self.bias + self.answerable * example.answerable + self.cosine * example.cosine)


def examples_of(
    dataset: ReadingDataset,
    encoder: Encoder,
    reader: Reader,
    unrelated: Iterable[str],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> list[Example]:
    """Every question of the dataset in each kind that it can take, over a collection of all its paragraphs.

    unrelated: questions that none of the paragraphs answers. One that finds nothing to read gives no example.
    """
    examples: list[Example] = []
    articles: dict[str, set[str]] = {}
    for number, title in enumerate(dataset.titles):
        articles.setdefault(title, set()).add(dataset.document_name(number))
    with (
        TemporaryDirectory(prefix="pilcrow-eval-") as folder,
        create_collection(Path(folder) / "collection", encoder.identity) as collection,
    ):
        index_documents(collection, encoder, dataset.documents())

        def add(kind: Kind, question: str, hidden: set[str]) -> None:
            example = _seen(collection, encoder, reader, question, hidden)
            examples.extend([Example(kind, *example)] if example else [])

        for done, question in enumerate(dataset.questions, 1):
            if question.references:
                add(Kind.STATED, question.text, set())
                add(Kind.HIDDEN, question.text, {dataset.document_name(question.paragraph)})
                add(Kind.ELSEWHERE, question.text, articles[dataset.titles[question.paragraph]])
            else:
                add(Kind.MISLEADING, question.text, set())
            if progress:
                progress(done, len(dataset.questions))
        for text in unrelated:
            add(Kind.UNRELATED, text, set())
    return examples


def fit(examples: Sequence[Example]) -> Fit:
    """Logistic regression by Newton's method, each kind with its share; the threshold loses one stated question in ten.

    Raises ValueError where a stated or an unstated question is missing.
    """
    y = np.array([example.kind is Kind.STATED for example in examples], dtype=float)
    if not 0 < y.sum() < len(y):
        raise ValueError("stated and unstated questions are needed, both")
    x = np.array([[1.0, example.answerable, example.cosine] for example in examples])
    weight = _weights(examples)
    b = np.zeros(3)
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ b))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(3)
        b += np.linalg.solve(hessian, x.T @ (weight * (y - p)))
    untried = Fit(float(b[0]), float(b[1]), float(b[2]), 0.0)
    stated = [untried.confidence(example) for example in examples if example.kind is Kind.STATED]
    return Fit(untried.bias, untried.answerable, untried.cosine, float(np.quantile(stated, _LOST)))


def abstained(examples: Sequence[Example], fitted: Fit) -> dict[str, float]:
    """For each kind that is there, the share of its questions that get no answer."""
    return {
        kind.value: fmean(fitted.confidence(e) < fitted.threshold for e in examples if e.kind is kind)
        for kind in Kind
        if any(e.kind is kind for e in examples)
    }


def reliability(examples: Sequence[Example], fitted: Fit, *, bins: int = 10) -> list[dict[str, float]]:
    """Confidence against the share of stated questions, in bins of equal width, each kind with its share as in the fit.

    A bin: low, high, n (questions), confidence (their mean), share (of stated ones). One without questions is left out.
    """
    confidences = [fitted.confidence(example) for example in examples]
    weights = _weights(examples)
    rows = []
    for number in range(bins):
        inside = [i for i, c in enumerate(confidences) if min(int(c * bins), bins - 1) == number]
        if inside:
            total = float(sum(weights[i] for i in inside))
            mean = float(sum(weights[i] * confidences[i] for i in inside)) / total
            stated = float(sum(weights[i] for i in inside if examples[i].kind is Kind.STATED)) / total
            rows.append({"low": number / bins, "high": (number + 1) / bins, "n": len(inside),
                         "confidence": mean, "share": stated})  # fmt: skip
    return rows


def _weights(examples: Sequence[Example]) -> NDArray[np.float64]:
    """What each example counts for (n,), so that every kind has its share; they sum to n where all kinds are there."""
    counts = Counter(example.kind for example in examples)
    return np.array([_SHARES[e.kind] * len(examples) / counts[e.kind] for e in examples])


def _seen(
    collection: Collection, encoder: Encoder, reader: Reader, question: str, hidden: set[str]
) -> tuple[float, float] | None:
    """The best candidate's answerability logit and the best cosine, as if the hidden documents were not there."""
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        found = retrieve(snapshot, encoder, question, _DEPTH if hidden else PASSAGES)
        left = [hit for hit in found if hit.passage.doc_id not in hidden][:PASSAGES]
        hits = [Hit(h.passage, h.score, rank, h.cosine, h.bm25) for rank, h in enumerate(left, 1)]
        candidates = find_candidates(question, hits, sources, reader)
    return (candidates[0].answerable, max(hit.cosine for hit in hits)) if candidates else None
