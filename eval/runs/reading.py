"""The reader on questions of SQuAD's form, each with its own paragraph given."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from eval.gold.datasets import ReadingDataset
from eval.measures.matching import exact_match, token_f1
from eval.measures.thresholds import auroc, best_threshold
from rag.reading.reader import AnyReader

_PAIRS = 256


@dataclass(frozen=True, slots=True)
class ReadingScores:
    """With the paragraph given. Fractions in [0, 1]; threshold: of the reader's probability, chosen elsewhere.

    em, f1: over the answerable questions, whatever the threshold. all_em, all_f1: over all, silence below it.
    abstained: the share of the unanswerable ones below it. auroc: of answerability; nan where all are of one kind.
    """

    questions: int
    em: float
    f1: float
    abstained: float
    all_em: float
    all_f1: float
    auroc: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Read:
    """What the reader makes of a question and its paragraph: its best words, "" for none, and its probability."""

    text: str
    probability: float


def evaluate_reading(
    dataset: ReadingDataset,
    reader: AnyReader,
    *,
    threshold: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ReadingScores:
    """Each question read with its own paragraph, and scored as `score_reading` does it.

    Questions that are answered by yes or no are left out: they have evidence, and no words to compare with.
    """
    dataset = replace(dataset, questions=tuple(q for q in dataset.questions if q.references or q.evidence is None))
    return score_reading(dataset, read_questions(dataset, reader, progress=progress), threshold=threshold)


def read_questions(
    dataset: ReadingDataset, reader: AnyReader, *, progress: Callable[[int, int], None] | None = None
) -> list[Read]:
    """Each question read with its own paragraph, in their order."""
    found: list[Read] = []
    for left in range(0, len(dataset.questions), _PAIRS):
        asked = dataset.questions[left : left + _PAIRS]
        readings = reader.read_pairs(
            [q.text for q in asked],
            [dataset.paragraphs[q.paragraph] for q in asked],
            [dataset.titles[q.paragraph] for q in asked],
            n_spans=1,
        )
        found += [Read(r.spans[0].text if r.spans else "", r.probability) for r in readings]
        if progress:
            progress(len(found), len(dataset.questions))
    return found


def score_reading(dataset: ReadingDataset, read: Sequence[Read], *, threshold: float | None = None) -> ReadingScores:
    """What was read of each question, against its references.

    threshold: None chooses the best one on these very questions, which flatters; give one chosen on others.
    """
    predictions, probabilities = [r.text for r in read], [r.probability for r in read]
    references = [q.references for q in dataset.questions]
    em = [exact_match(p, r) if r else 0.0 for p, r in zip(predictions, references, strict=True)]
    f1 = [token_f1(p, r) if r else 0.0 for p, r in zip(predictions, references, strict=True)]
    silence = [0.0 if r else 1.0 for r in references]
    cut = best_threshold(probabilities, f1, silence) if threshold is None else threshold
    answers = [p >= cut for p in probabilities]
    return ReadingScores(
        questions=len(references),
        em=_mean(x for x, r in zip(em, references, strict=True) if r),
        f1=_mean(x for x, r in zip(f1, references, strict=True) if r),
        abstained=_mean(float(not a) for a, r in zip(answers, references, strict=True) if not r),
        all_em=fmean(x if a else s for x, a, s in zip(em, answers, silence, strict=True)),
        all_f1=fmean(x if a else s for x, a, s in zip(f1, answers, silence, strict=True)),
        auroc=_auroc(probabilities, references),
        threshold=cut,
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return fmean(listed) if listed else math.nan


def _auroc(scores: Sequence[float], references: Sequence[tuple[str, ...]]) -> float:
    positives = [s for s, r in zip(scores, references, strict=True) if r]
    negatives = [s for s, r in zip(scores, references, strict=True) if not r]
    return auroc(positives, negatives) if positives and negatives else math.nan
