"""Gold in a collection's own terms: which documents, paragraphs, passages and characters should be found.

A hit is turned into the same terms, so that a ranking of passages can be scored by document, paragraph or passage. The
ids of a level are strings: `a.txt`, `a.txt ¶3`, `a.txt 120-480`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from eval.gold.questions import Gold, Question
from eval.gold.trec import ranked
from eval.measures.citations import Numbered, Place
from index.collection import Snapshot
from index.paragraphs import CONTENT, Kind, Paragraph
from index.passages import Passage
from index.sentences import sentence_spans
from rag.citations import Sources
from rag.retrieval import Hit


class Level(StrEnum):
    """What is ranked: documents, paragraphs, or passages as they were embedded."""

    DOCUMENT = "document"
    PARAGRAPH = "paragraph"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a question's gold lies.

    documents, paragraphs, passages: with their grades. evidence: characters; those of a gold span are widened to the
    sentences that they touch, since an answer cites sentences. spans: the gold characters as given.
    absent: gold that the collection does not have. furniture: gold that lies in furniture alone, so in no passage.
    split: gold characters that no passage holds whole.
    """

    documents: Mapping[str, int]
    paragraphs: Mapping[Numbered, int]
    passages: Mapping[str, int]
    evidence: tuple[Place, ...]
    spans: tuple[Place, ...]
    absent: tuple[Gold, ...]
    furniture: tuple[Gold, ...]
    split: tuple[Gold, ...] = ()

    def relevance(self, level: Level) -> dict[str, int]:
        """Unit id -> grade, on one level.

        Gold that no unit can stand for, since it is absent or furniture, keeps an id that nothing has: it counts as
        never found, and its question stays in the mean.
        """
        if level is Level.DOCUMENT:
            return dict(self.documents)
        if level is Level.PASSAGE:
            return dict(self.passages) | _never_found((*self.absent, *self.furniture))
        units = {_paragraph_id(doc_id, number): grade for (doc_id, number), grade in self.paragraphs.items()}
        return units | _never_found(self.absent)


def _never_found(missing: Iterable[Gold]) -> dict[str, int]:
    places = [gold for gold in missing if gold.paragraph is not None or gold.start is not None]
    return {f"{gold.doc_id} absent: {gold.paragraph} {gold.start}": gold.grade for gold in places}


def find_places(question: Question, sources: Sources, snapshot: Snapshot, known: Collection[str]) -> Places:
    """Where a question's gold lies in a collection. known: the names of its documents.

    Gold that names a document only has no paragraph, passage or evidence; its grade counts for the document.
    """
    documents: dict[str, int] = {}
    paragraphs: dict[Numbered, int] = {}
    passages: dict[str, int] = {}
    evidence: list[Place] = []
    spans: list[Place] = []
    absent: list[Gold] = []
    furniture: list[Gold] = []
    split: list[Gold] = []
    for gold in question.gold:
        documents[gold.doc_id] = max(gold.grade, documents.get(gold.doc_id, 0))
        if gold.doc_id not in known:
            absent.append(gold)
            continue
        if gold.paragraph is None and gold.start is None:
            continue
        touched = _paragraphs(gold, sources)
        if not touched:
            absent.append(gold)
            continue
        if all(p.kind is Kind.FURNITURE for p in touched):
            furniture.append(gold)
        for p in touched:
            paragraphs[p.doc_id, p.number] = max(gold.grade, paragraphs.get((p.doc_id, p.number), 0))
        start, end = _characters(gold, touched)
        touching = [p for p in snapshot.passages_of(gold.doc_id) if p.start < end and start < p.end]
        for passage in touching:
            identity = passage_id(passage)
            passages[identity] = max(gold.grade, passages.get(identity, 0))
        if gold.start is not None:
            if touching and not any(p.start <= start and end <= p.end for p in touching):
                split.append(gold)
            spans.append((gold.doc_id, start, end))
        evidence += _sentences(gold, touched, sources, start, end)
    return Places(
        documents, paragraphs, passages, tuple(evidence), tuple(spans), tuple(absent), tuple(furniture), tuple(split)
    )


def _paragraphs(gold: Gold, sources: Sources) -> list[Paragraph]:
    """The paragraphs that gold names or touches; none where the document has none such."""
    if gold.start is not None and gold.end is not None:
        return sources.touched(gold.doc_id, gold.start, gold.end)
    return [p for p in sources.paragraphs(gold.doc_id) if p.number == gold.paragraph]


def _characters(gold: Gold, touched: Sequence[Paragraph]) -> tuple[int, int]:
    if gold.start is not None and gold.end is not None:
        return gold.start, gold.end
    return touched[0].start, touched[-1].end


def _sentences(gold: Gold, touched: Sequence[Paragraph], sources: Sources, start: int, end: int) -> Iterable[Place]:
    """The whole paragraph where gold is one, else the sentences that its characters touch."""
    if gold.start is None:
        return [(gold.doc_id, start, end)]
    text = sources.document(gold.doc_id).text
    return [
        (gold.doc_id, left, right)
        for p in touched
        for left, right in sentence_spans(text, p.start, p.end)
        if left < end and start < right
    ]


def _paragraph_id(doc_id: str, number: int) -> str:
    """A paragraph's name in a ranking."""
    return f"{doc_id} ¶{number}"


def passage_id(passage: Passage) -> str:
    """A passage's name in a ranking: its document and characters, so that it means the same in another collection."""
    return f"{passage.doc_id} {passage.start}-{passage.end}"


def units_of(passage: Passage, level: Level, sources: Sources) -> list[str]:
    """What a passage stands for on a level; its paragraphs are those that it touches, without headings."""
    if level is Level.DOCUMENT:
        return [passage.doc_id]
    if level is Level.PASSAGE:
        return [passage_id(passage)]
    return [
        _paragraph_id(p.doc_id, p.number)
        for p in sources.touched(passage.doc_id, passage.start, passage.end)
        if p.kind in CONTENT
    ]


def rank_units(
    hits: Iterable[Hit], level: Level, sources: Sources, *, without: str | None = None, depth: int
) -> list[tuple[str, float]]:
    """(unit id, score) of the first `depth`, best first, ties by id descending as trec_eval.

    A unit has the score of its best passage: pooled before the cut. without: a document that is left out.
    Scores are rounded to 32 bits, as trec_eval holds them, so that what ties there ties here.
    """
    best: dict[str, float] = {}
    for hit in hits:
        if hit.passage.doc_id != without:
            for unit in units_of(hit.passage, level, sources):
                score = float(np.float32(hit.score))
                best[unit] = max(score, best.get(unit, score))
    return ranked(best)[:depth]
