"""The whole line on questions with known answers: each is asked, and what came is measured.

Questions are asked with the threshold off, and what a threshold would have done is counted afterwards: so one run gives
quality, abstention and calibration.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval.gold.places import Places
from eval.gold.questions import Question
from eval.measures.calibration import Bin, RiskPoint, area_under_risk, calibration_error, reliability, risk_coverage
from eval.measures.citations import (
    Numbered,
    Place,
    character_precision,
    character_recall,
    citation_precision,
    citation_recall,
    pointer_validity,
    supported_share,
    unresolved_markers,
)
from eval.measures.matching import exact_match, token_f1
from eval.measures.thresholds import auroc, coverage_at, percentile
from eval.runs.rankings import Frame, Progress, find_hits, mean_or_nan, silent
from eval.runs.settings import Setting, on_the_fused_scale
from index.collection import Collection, Filters, Snapshot
from index.encoder.embedding import Encoder, Vectors
from index.passages import Passage
from rag.answering import Models, answer
from rag.answers import Answer
from rag.citations import Sources
from rag.confidence import THRESHOLD
from rag.reading.reader import AnyReader
from rag.retrieval import Hit, Way

# What one question gives; the average of each is over the questions where it is a number.
ANSWER_MEASURES = (
    "EM", "F1", "First citation", "First place", "Citation recall", "Citation precision", "Character recall",
    "Character precision", "Citations", "Supported", "Pointers",
)  # fmt: skip
# A short answer is right from this token F1 on.
_RIGHT_F1 = 0.5
# No passage is nearer than this to a question that frames ask without searching.
_SURE = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, its answer with the threshold off, and how good that is.

    best: the short answer, "" where there is none. right: whether the words are a reference's (token F1 of one half at
    least), or, where only gold places are known, whether the first citation lies in one; an unanswerable question is
    never right. values: by the names of ANSWER_MEASURES; nan where one does not apply.
    """

    question: Question
    answer: Answer
    best: str
    right: bool
    values: Mapping[str, float]

    def abstains(self, threshold: float = THRESHOLD) -> bool:
        """Whether there would be no answer at a threshold."""
        return self.answer.confidence < threshold or self.answer.abstained


def ask_questions(
    questions: Sequence[Question],
    places: Mapping[str, Places],
    collection: Collection,
    encoder: Encoder,
    reader: AnyReader,
    *,
    setting: Setting | None = None,
    of_document: bool = False,
    progress: Progress | None = None,
) -> list[Asked]:
    """Every question asked, as `pilcrow ask` does it or with what a setting finds.

    of_document: each is asked of the document that it was written on, alone, where that is known.
    setting: None is the product itself. With `read`, too, the hits that are read are the best in the order of reading;
    with others they are the best in the order of the search.
    """
    report = progress or silent
    asked = []
    vectors = encoder.encode([q.text for q in questions]) if setting else None
    for done, question in enumerate(questions, 1):
        hits, own = None, places[question.question_id]
        if setting is not None and vectors is not None:
            with collection.reading() as snapshot:
                hits = _hits(setting, question, own, snapshot, encoder, reader=reader, vector=vectors[done - 1])
        only = Filters(documents=(question.document,)) if of_document and question.document else None
        given = answer(
            collection, Models(encoder, reader), question.text, history=question.history, threshold=0.0, hits=hits,
            filters=only,
        )  # fmt: skip
        asked.append(judge(question, given, own, collection))
        report("asking", done, len(questions))
    return asked


def _hits(
    setting: Setting,
    question: Question,
    places: Places,
    snapshot: Snapshot,
    encoder: Encoder,
    *,
    reader: AnyReader,
    vector: Vectors,
) -> list[Hit]:
    """What is read for a question under a setting or a frame."""
    if setting.name == Frame.ORACLE:
        return _gold_hits(places, snapshot, vector)[: setting.passages]
    if setting.name == Frame.RANDOM:
        return _random_hits(question, snapshot, vector, setting.passages)
    hits = find_hits(setting, question.text, snapshot, Sources(snapshot), encoder, reader=reader, vector=vector, k=100)
    return on_the_fused_scale(hits[: setting.passages], setting.way)


def answer_frames() -> list[Setting]:
    """Random passages and BM25's from below, the gold passages given to the reader from above."""
    return [
        Setting(Frame.RANDOM),
        Setting(Frame.BM25, Way.LEXICAL),
        Setting(Frame.ORACLE),
    ]


def _gold_hits(places: Places, snapshot: Snapshot, vector: Vectors) -> list[Hit]:
    """The passages that hold the gold, in the order of their text, as if each had been found for sure."""
    documents = dict.fromkeys(doc for doc, _, _ in places.evidence)
    passages = [
        passage
        for doc in documents
        for passage in snapshot.passages_of(doc)
        if any(d == doc and passage.start < end and start < passage.end for d, start, end in places.evidence)
    ]
    return _as_hits(passages, snapshot, vector)


def _random_hits(question: Question, snapshot: Snapshot, vector: Vectors, n: int) -> list[Hit]:
    """Passages of random documents, seeded by the question's id."""
    documents = snapshot.documents()
    rng = np.random.default_rng(list(question.question_id.encode()) or [0])
    passages = []
    for place in rng.permutation(len(documents))[:n]:
        own = snapshot.passages_of(documents[place].doc_id)
        passages += [own[int(rng.integers(len(own)))]] if own else []
    return _as_hits(passages, snapshot, vector)


def _as_hits(passages: Sequence[Passage], snapshot: Snapshot, vector: Vectors) -> list[Hit]:
    if not passages:
        return []
    cosines = snapshot.vectors([p.passage_id for p in passages]) @ vector
    return [Hit(p, _SURE, rank, float(c), 0.0) for rank, (p, c) in enumerate(zip(passages, cosines, strict=True), 1)]


def judge(question: Question, given: Answer, places: Places, collection: Collection) -> Asked:
    """An answer against what is right for its question."""
    best = given.answers[0].text if given.answers else ""
    em = exact_match(best, question.references) if question.references else math.nan
    f1 = token_f1(best, question.references) if question.references else math.nan
    gold: set[Numbered] = set(places.paragraphs) or {(doc, 0) for doc in places.documents}
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        texts = {c.doc_id: sources.document(c.doc_id).text for c in given.citations}
        names = {doc: _name_in_gold(doc, places, snapshot) for doc in texts}
    cited = [(names[c.doc_id], c.paragraph if places.paragraphs else 0) for c in given.citations]
    first = (float(bool(cited) and cited[0] in gold)) if gold else math.nan
    spans = [(names[c.doc_id], c.start, c.end) for c in given.citations]
    first_place = float(any(_overlap(span, place) for span in spans[:1] for place in places.spans))
    answerable = question.answerable
    values = {
        "EM": em,
        "F1": f1,
        "First citation": first,
        "First place": first_place if places.spans else math.nan,
        "Citation recall": citation_recall(cited, gold),
        "Citation precision": citation_precision(cited, gold, unresolved=unresolved_markers(given))
        if answerable
        else math.nan,
        "Character recall": character_recall(spans, places.evidence),
        "Character precision": character_precision(spans, places.evidence) if places.evidence else math.nan,
        "Citations": float(len(given.citations)) if answerable else math.nan,
        "Supported": supported_share(given),
        "Pointers": pointer_validity(given, texts),
    }
    right = f1 >= _RIGHT_F1 if question.references else first == 1.0
    return Asked(question, given, best, right, values)


def _overlap(one: Place, other: Place) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def _name_in_gold(doc_id: str, places: Places, snapshot: Snapshot) -> str:
    """The name under which the gold knows a document: of several with one text, any may be cited."""
    return next((name for name in (doc_id, *snapshot.copies(doc_id)) if name in places.documents), doc_id)


@dataclass(frozen=True, slots=True)
class Row:
    """What the figures need of one answered question; all of it can stand in JSON.

    answerable: whether the documents answer. abstained: with the threshold off. right, values: see Asked.
    first_found: whether the first passage found lies in the gold, nan without gold. seconds: of the whole answer.
    """

    answerable: bool
    abstained: bool
    confidence: float
    right: bool
    values: Mapping[str, float]
    first_found: float
    seconds: float


def rows_of(asked: Sequence[Asked], places: Mapping[str, Places]) -> list[Row]:
    """The rows of what was asked."""
    return [
        Row(a.question.answerable, a.answer.abstained, a.answer.confidence, a.right, a.values,
            _first_found(a, places[a.question.question_id]), a.answer.seconds["total"]) for a in asked
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """What was asked, as figures; fractions in [0, 1], nan where nothing was there to count.

    values: the mean of each of ANSWER_MEASURES; those of words and citations are over the answerable questions.
    abstained_answerable, abstained_unanswerable: shares below the threshold; the second is the accuracy on
    unanswerable questions. first_of_answered: of the answerable ones that are answered, the share whose first citation
    touches the gold characters. auroc: of confidence, answerable against unanswerable. coverage_at_90: the largest
    share of all questions that can be answered, surest first, with 90% of them right. area_under_risk: the mean risk
    over all coverages. calibration_error, reliability: confidence against whether the documents answer, which is what
    it claims to be. recall_at_1: the gold paragraph first, in the fused order and as it was read. p50, p95: seconds.
    """

    questions: int
    answerable: int
    values: dict[str, float]
    abstained_answerable: float
    abstained_unanswerable: float
    first_of_answered: float
    auroc: float
    coverage_at_90: float
    area_under_risk: float
    curve: list[RiskPoint]
    calibration_error: float
    reliability: list[Bin]
    recall_at_1: dict[str, float]
    p50: float
    p95: float
    peak_memory_bytes: int | None


def score_answers(
    asked: Sequence[Asked], places: Mapping[str, Places], *, threshold: float = THRESHOLD
) -> AnswerScores:
    """What was asked, as figures. Raises ValueError where nothing was."""
    return score_rows(rows_of(asked, places), threshold=threshold, memory=peak_memory_bytes())


def score_rows(rows: Sequence[Row], *, threshold: float = THRESHOLD, memory: int | None = None) -> AnswerScores:
    """Rows as figures. memory: the most bytes that the process held which asked. Raises ValueError for no row."""
    if not rows:
        raise ValueError("no question was asked")
    able, unable = [r for r in rows if r.answerable], [r for r in rows if not r.answerable]
    confidences = [r.confidence for r in rows]
    right = [float(r.right) for r in rows]
    answerable = [float(r.answerable) for r in rows]
    seconds = [r.seconds for r in rows]

    def abstained(some: Sequence[Row]) -> float:
        return mean_or_nan([float(r.confidence < threshold or r.abstained) for r in some])

    return AnswerScores(
        questions=len(rows),
        answerable=len(able),
        values={name: mean_or_nan([r.values[name] for r in rows]) for name in ANSWER_MEASURES},
        abstained_answerable=abstained(able),
        abstained_unanswerable=abstained(unable),
        first_of_answered=mean_or_nan(
            [r.values["First place"] for r in able if r.confidence >= threshold and not r.abstained]
        ),
        auroc=auroc([r.confidence for r in able], [r.confidence for r in unable]) if able and unable else math.nan,
        coverage_at_90=coverage_at(0.9, confidences, right),
        area_under_risk=area_under_risk(confidences, right),
        curve=risk_coverage(confidences, right),
        calibration_error=calibration_error(confidences, answerable),
        reliability=reliability(confidences, answerable),
        recall_at_1={
            "fused": mean_or_nan([r.first_found for r in able]),
            "read": mean_or_nan([r.values["First citation"] for r in able]),
        },
        p50=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
        peak_memory_bytes=memory,
    )


def _first_found(asked: Asked, places: Places) -> float:
    """Whether the first passage that was found lies in the gold; nan without gold."""
    gold = places.passages or places.documents
    if not gold:
        return math.nan
    if not asked.answer.evidence:
        return 0.0
    first = asked.answer.evidence[0]
    return float((f"{first.doc_id} {first.start}-{first.end}" if places.passages else first.doc_id) in gold)


def peak_memory_bytes() -> int | None:
    """The most memory that this process ever held; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows has no such module
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
