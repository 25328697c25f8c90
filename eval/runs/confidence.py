"""Fits the confidence of an answer: the probability that what it cites first is right, from `rag.confidence`'s signals.

SQuAD's unanswerable questions are written to mislead, which few people do to their own documents. So three other kinds
stand beside them: an answerable question whose own paragraph is hidden (the right topic, the fact missing), one whose
whole article is hidden, and questions about something else altogether.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from eval.gold.datasets import ReadingDataset, ReadingQuestion
from index.collection import Collection
from index.encoder.embedding import Encoder
from index.intake.indexing import index_documents
from index.opening import create_collection
from rag.answering import PASSAGES
from rag.citations import Sources
from rag.confidence import Signals, signals
from rag.reading.candidates import Candidate, find_candidates
from rag.reading.order import DEPTH, in_reading_order
from rag.reading.reader import AnyReader, logistic
from rag.retrieval import retrieve

# Hits fetched beyond those that are read where some are hidden, so that enough are left.
_MORE = 64
# At most this share of the stated questions may be left unanswered by the threshold.
_LOST = 1 / 7
# Half of so much times each squared weight is added to the loss, but for the bias: few questions have some signals.
_RIDGE = 1.0


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
    """A question as reading and search see it. right: what would be cited first has the answer; only of stated ones."""

    kind: Kind
    signals: Signals
    right: bool


@dataclass(frozen=True, slots=True)
class Fit:
    """confidence = logistic(bias + the sum of each weight times its signal); below `threshold` there is no answer.

    weights: in the order of the fields of `Signals`.
    """

    bias: float
    weights: tuple[float, ...]
    threshold: float

    def confidence(self, example: Example) -> float:
        """The probability that the first citation is right, in (0, 1)."""
        return logistic(self.bias + float(np.dot(self.weights, astuple(example.signals))))

    def named(self) -> dict[str, float]:
        """The bias and each signal's weight, by name."""
        names = [field.name for field in fields(Signals)]
        return {"bias": self.bias, **dict(zip(names, self.weights, strict=True))}


def examples_of(
    dataset: ReadingDataset,
    encoder: Encoder,
    reader: AnyReader,
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

        def add(kind: Kind, question: str, hidden: set[str], asked: ReadingQuestion | None = None) -> None:
            found, best = _seen(collection, encoder, reader, question, hidden)
            if found is not None and best is not None:
                examples.append(Example(kind, found, asked is not None and _has_answer(best, dataset, asked)))

        for done, question in enumerate(dataset.questions, 1):
            if question.references:
                add(Kind.STATED, question.text, set(), question)
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
    """Logistic regression with a small ridge, by Newton's method, each kind with its share; the target is `right`.

    The threshold leaves at most one stated question in seven unanswered. Raises ValueError where all are right or none.
    """
    y = np.array([example.right for example in examples], dtype=float)
    if not 0 < y.sum() < len(y):
        raise ValueError("questions with a right and with a wrong first citation are needed, both")
    x = np.array([[1.0, *astuple(example.signals)] for example in examples])
    weight = _weights(examples)
    ridge = np.diag([0.0] + [_RIDGE] * (x.shape[1] - 1))
    b = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ b, -60, 60)))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge
        b += np.linalg.solve(hessian, x.T @ (weight * (y - p)) - ridge @ b)
    untried = Fit(float(b[0]), tuple(b[1:].tolist()), 0.0)
    stated = [untried.confidence(example) for example in examples if example.kind is Kind.STATED]
    return replace(untried, threshold=float(np.quantile(stated, _LOST)))


def abstained(examples: Sequence[Example], fitted: Fit) -> dict[str, float]:
    """For each kind that is there, the share of its questions that get no answer."""
    return {
        kind.value: fmean(fitted.confidence(e) < fitted.threshold for e in examples if e.kind is kind)
        for kind in Kind
        if any(e.kind is kind for e in examples)
    }


def reliability(examples: Sequence[Example], fitted: Fit, *, bins: int = 10) -> list[dict[str, float]]:
    """Confidence against the share that is right, in bins of equal width, each kind with its share as in the fit.

    A bin: low, high, n (questions), confidence (their mean), share (of right ones). One without questions is left out.
    """
    confidences = [fitted.confidence(example) for example in examples]
    weights = _weights(examples)
    rows = []
    for number in range(bins):
        inside = [i for i, c in enumerate(confidences) if min(int(c * bins), bins - 1) == number]
        if inside:
            total = float(sum(weights[i] for i in inside))
            mean = float(sum(weights[i] * confidences[i] for i in inside)) / total
            right = float(sum(weights[i] for i in inside if examples[i].right)) / total
            rows.append({"low": number / bins, "high": (number + 1) / bins, "n": len(inside),
                         "confidence": mean, "share": right})  # fmt: skip
    return rows


def _weights(examples: Sequence[Example]) -> NDArray[np.float64]:
    """What each example counts for (n,), so that every kind has its share; they sum to n where all kinds are there."""
    counts = Counter(example.kind for example in examples)
    return np.array([_SHARES[e.kind] * len(examples) / counts[e.kind] for e in examples])


def _seen(
    collection: Collection, encoder: Encoder, reader: AnyReader, question: str, hidden: set[str]
) -> tuple[Signals | None, Candidate | None]:
    """The signals and the best candidate, as `rag.answering` finds them if the hidden documents were not there."""
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        found = retrieve(snapshot, encoder, question, DEPTH + (_MORE if hidden else 0))
        left = [hit for hit in found if hit.passage.doc_id not in hidden][:DEPTH]
        ranked = [replace(hit, rank=rank) for rank, hit in enumerate(left, 1)]
        hits = in_reading_order(question, ranked, sources, reader)[:PASSAGES]
        candidates = find_candidates(question, hits, sources, reader)
    return signals(candidates, hits), candidates[0] if candidates else None


def _has_answer(best: Candidate, dataset: ReadingDataset, question: ReadingQuestion) -> bool:
    """Whether the sentence that would be cited is of the question's paragraph, and one of its answers stands in it."""
    sentence = best.sentence
    own = sentence.document.doc_id == dataset.document_name(question.paragraph)
    return own and any(reference in sentence.text for reference in question.references)
