"""Fits the confidence of an answer: the probability that what it cites first is right, from `rag.confidence`'s signals.

Each question is asked of the document that it was written on, alone, and where there are others of all of them, too:
people do both, and what looks like the only place in one document has rivals among two thousand.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from statistics import fmean

import numpy as np

from eval.gold.questions import Question, QuestionSet
from eval.runs.rankings import collection_of
from index.collection import Collection, Filters
from index.encoder.embedding import Encoder
from rag.answering import PASSAGES
from rag.citations import Sources
from rag.confidence import Signals, signals
from rag.reading.candidates import Candidate, find_candidates
from rag.reading.order import DEPTH, in_reading_order
from rag.reading.reader import AnyReader, logistic
from rag.retrieval import retrieve

# At most this share of the stated questions may be left unanswered by the threshold.
_LOST = 1 / 7
# Half of so much times each squared weight is added to the loss, but for the bias: few questions have some signals.
_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Example:
    """A question as reading and search see it.

    stated: whether the documents answer it. among_all: asked of all documents, not of its own alone.
    right: what would be cited first touches the gold characters; only of stated ones.
    """

    stated: bool
    signals: Signals
    right: bool
    among_all: bool = False


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
    questions: QuestionSet,
    encoder: Encoder,
    reader: AnyReader,
    *,
    beside: Sequence[Path] = (),
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Example]:
    """Every question asked of its own document, where that is known, and of all.

    beside: files of documents among which the questions' own are. One that finds nothing to read gives no example.
    """
    examples: list[Example] = []
    with collection_of(questions, encoder, beside=beside, progress=progress) as collection:
        for done, question in enumerate(questions.questions, 1):
            ways = [None] if question.document is None else [Filters(documents=(question.document,)), None]
            for only in ways:
                found, best = _seen(collection, encoder, reader, question.text, only)
                if found is not None and best is not None:
                    right = _is_right(best, question)
                    examples.append(Example(question.answerable, found, right, among_all=only is None))
            if progress:
                progress("reading", done, len(questions.questions))
    return examples


def fit(examples: Sequence[Example]) -> Fit:
    """Logistic regression with a small ridge, by Newton's method; the target is `right`.

    The threshold leaves at most one stated question in seven unanswered. Raises ValueError where all are right or none.
    """
    y = np.array([example.right for example in examples], dtype=float)
    if not 0 < y.sum() < len(y):
        raise ValueError("questions with a right and with a wrong first citation are needed, both")
    x = np.array([[1.0, *astuple(example.signals)] for example in examples])
    ridge = np.diag([0.0] + [_RIDGE] * (x.shape[1] - 1))
    b = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ b, -60, 60)))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + ridge
        b += np.linalg.solve(hessian, x.T @ (y - p) - ridge @ b)
    untried = Fit(float(b[0]), tuple(b[1:].tolist()), 0.0)
    stated = [untried.confidence(example) for example in examples if example.stated]
    return replace(untried, threshold=float(np.quantile(stated, _LOST)))


def abstained(examples: Sequence[Example], fitted: Fit) -> dict[str, float]:
    """The share that gets no answer, of what is stated and what is not, of one document and among all, as far as there
    are such."""
    shares: dict[str, float] = {}
    for among_all in (False, True):
        for stated in (True, False):
            some = [e for e in examples if (e.stated, e.among_all) == (stated, among_all)]
            name = f"{'stated' if stated else 'not stated'}, {'all documents' if among_all else 'its document'}"
            if some:
                shares[name] = fmean(fitted.confidence(e) < fitted.threshold for e in some)
    return shares


def reliability(examples: Sequence[Example], fitted: Fit, *, bins: int = 10) -> list[dict[str, float]]:
    """Confidence against the share that is right, in bins of equal width.

    A bin: low, high, n (questions), confidence (their mean), share (of right ones). One without questions is left out.
    """
    confidences = [fitted.confidence(example) for example in examples]
    rows = []
    for number in range(bins):
        inside = [i for i, c in enumerate(confidences) if min(int(c * bins), bins - 1) == number]
        if inside:
            mean, right = fmean(confidences[i] for i in inside), fmean(examples[i].right for i in inside)
            rows.append({"low": number / bins, "high": (number + 1) / bins, "n": len(inside),
                         "confidence": mean, "share": right})  # fmt: skip
    return rows


def _seen(
    collection: Collection, encoder: Encoder, reader: AnyReader, question: str, only: Filters | None
) -> tuple[Signals | None, Candidate | None]:
    """The signals and the best candidate, as `rag.answering` finds them."""
    with collection.reading() as snapshot:
        sources = Sources(snapshot, only)
        hits = retrieve(snapshot, encoder, question, DEPTH, filters=only)
        hits = in_reading_order(question, hits, sources, reader)[:PASSAGES]
        candidates = find_candidates(question, hits, sources, reader)
    return signals(candidates), candidates[0] if candidates else None


def _is_right(best: Candidate, question: Question) -> bool:
    """Whether the sentence that would be cited touches the gold characters."""
    sentence = best.sentence
    return any(
        gold.doc_id == sentence.document.doc_id and sentence.start < gold.end and gold.start < sentence.end
        for gold in question.gold
        if gold.start is not None and gold.end is not None
    )
