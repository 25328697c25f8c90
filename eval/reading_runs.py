"""The reader and the whole line on questions of SQuAD's form: with the paragraph given, and over all paragraphs."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from eval.datasets import BadDataset, ReadingDataset
from eval.metrics import auroc, best_threshold, coverage_at, exact_match, percentile, token_f1
from index.collection import create_collection
from index.embedding import Encoder
from index.indexing import index_documents, require_same
from rag.answering import THRESHOLD, answer
from rag.answers import Answer
from rag.reading import Reader

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


def evaluate_reading(
    dataset: ReadingDataset,
    reader: Reader,
    *,
    threshold: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ReadingScores:
    """Each question read with its own paragraph.

    threshold: None chooses the best one on these very questions, which flatters; give one chosen on others.
    """
    predictions: list[str] = []
    probabilities: list[float] = []
    for left in range(0, len(dataset.questions), _PAIRS):
        asked = dataset.questions[left : left + _PAIRS]
        readings = reader.read_pairs(
            [q.text for q in asked],
            [dataset.paragraphs[q.paragraph] for q in asked],
            [dataset.titles[q.paragraph] for q in asked],
            n_spans=1,
        )
        predictions += [r.spans[0].text if r.spans else "" for r in readings]
        probabilities += [r.probability for r in readings]
        if progress:
            progress(len(predictions), len(dataset.questions))
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


@dataclass(frozen=True, slots=True)
class Asked:
    """One question asked over all paragraphs, the threshold off: its answer, and how right it is.

    cited: whether the first citation lies in the question's own paragraph. Fractions in [0, 1].
    """

    question_id: str
    references: tuple[str, ...]
    answer: Answer
    em: float
    f1: float
    cited: bool


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """Over all paragraphs. em, f1, first_citation, citations: over the answerable questions, the threshold off.

    abstained_answerable, abstained_unanswerable: shares below the threshold. coverage_at_90: the largest share of all
    questions that can be answered, surest first, with 90% of them right (token F1 of at least one half).
    """

    questions: int
    em: float
    f1: float
    first_citation: float
    citations_per_answer: float
    abstained_answerable: float
    abstained_unanswerable: float
    coverage_at_90: float
    p50: float
    p95: float


def ask_all(
    dataset: ReadingDataset,
    encoder: Encoder,
    reader: Reader,
    *,
    folder: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Asked]:
    """Every question asked of a collection of all the dataset's paragraphs, one document each.

    folder: where the collection is indexed and kept; a temporary one by default.
    """
    if folder is None:
        with TemporaryDirectory(prefix="pilcrow-eval-") as temporary:
            return ask_all(dataset, encoder, reader, folder=Path(temporary) / "collection", progress=progress)
    report = progress or _silent
    asked = []
    with create_collection(folder, encoder.identity) as collection:
        require_same(collection, encoder)
        index_documents(collection, encoder, dataset.documents(), progress=lambda n: report("indexing", n, 0))
        with collection.reading() as snapshot:
            strangers = {d.doc_id for d in snapshot.documents()} - set(
                map(dataset.document_name, range(len(dataset.paragraphs)))
            )
        if strangers:
            raise BadDataset(f"'{folder}' holds other documents too ({min(strangers)}, …); name a folder of its own")
        for done, question in enumerate(dataset.questions, 1):
            given = answer(collection, encoder, reader, question.text, threshold=0.0)
            best = given.answers[0].text if given.answers else ""
            own = dataset.document_name(question.paragraph)
            asked.append(
                Asked(
                    question.question_id,
                    question.references,
                    given,
                    exact_match(best, question.references) if question.references else 0.0,
                    token_f1(best, question.references) if question.references else 0.0,
                    bool(given.citations) and given.citations[0].doc_id == own,
                )
            )
            report("asking", done, len(dataset.questions))
    return asked


def score_answers(asked: Sequence[Asked], *, threshold: float = THRESHOLD) -> AnswerScores:
    """What `ask_all` found, as figures; each mean over the questions that its name says, nan where there are none."""
    able = [a for a in asked if a.references]
    unable = [a for a in asked if not a.references]
    seconds = [a.answer.seconds["total"] for a in asked]
    return AnswerScores(
        questions=len(asked),
        em=_mean(a.em for a in able),
        f1=_mean(a.f1 for a in able),
        first_citation=_mean(float(a.cited) for a in able),
        citations_per_answer=_mean(float(len(a.answer.citations)) for a in able),
        abstained_answerable=_mean(float(a.answer.confidence < threshold) for a in able),
        abstained_unanswerable=_mean(float(a.answer.confidence < threshold) for a in unable),
        coverage_at_90=coverage_at(0.9, [a.answer.confidence for a in asked], [float(a.f1 >= 0.5) for a in asked]),
        p50=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return fmean(listed) if listed else math.nan


def _auroc(scores: Sequence[float], references: Sequence[tuple[str, ...]]) -> float:
    positives = [s for s, r in zip(scores, references, strict=True) if r]
    negatives = [s for s, r in zip(scores, references, strict=True) if not r]
    return auroc(positives, negatives) if positives and negatives else math.nan


def _silent(_step: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""
