"""The Answer, and what it looks like as JSON: the record that terminal, page and scores share."""

import re
from dataclasses import dataclass, field
from typing import Any

from index.paragraphs import Kind
from rag.citations import Citation, Claim, Sources
from rag.retrieval import Hit

# What is told in place of an answer, by the reason of the abstention.
REASONS = {
    "off_topic": "The documents do not seem to be about this.",
    "not_stated": "The documents seem to be about this, but no passage was found that states it.",
}

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """The words that answer: half-open `[start, end)` in characters of the document; score in [0, 1]."""

    text: str
    start: int
    end: int
    doc_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that was read, with the number of the first paragraph that it touches.

    kind: of the last of its paragraphs, since a line may lead to a list or a table. headings: those above it, the
    highest first.
    """

    doc_id: str
    paragraph: int
    start: int
    end: int
    text: str
    score: float
    rank: int
    kind: Kind = Kind.BODY
    headings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question got. Abstained: no claims, no citations, and a reason: `off_topic`, `not_stated` or `small_talk`.

    Small talk gets a polite line as its text, and nothing is searched for. Else text carries the markers; every label
    in it resolves to one of `citations`.
    confidence: the probability in [0, 1] that the answer found is right, also when it was not shown.
    evidence: the passages read, or the related ones when abstaining. seconds: by step, and in total.
    direct: the words that answer, in one line; None where the sentences themselves do.
    shape: what was asked for, as `rag.composing.shapes` tells it. disputed: sources disagree, each claim is one's.
    computed: how the direct answer was computed, where no document states it.
    polarity: "yes" or "no"; None where nobody said which.
    """

    question: str
    query: str
    text: str
    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    answers: tuple[ShortAnswer, ...]
    evidence: tuple[Evidence, ...]
    abstained: bool
    reason: str | None
    confidence: float
    generator: str
    notices: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    direct: str | None = None
    shape: str = "fact"
    disputed: bool = False
    computed: str | None = None
    polarity: str | None = None


def words_in(citation: Citation, answer: Answer) -> list[tuple[int, int]]:
    """Half-open characters of a quote that answer, in order, of overlapping ones the best; none where all does."""
    found: list[tuple[int, int]] = []
    for short in answer.answers:
        left, right = short.start - citation.start, short.end - citation.start
        inside = short.doc_id == citation.doc_id and 0 <= left < right <= len(citation.quote)
        if inside and right - left < len(citation.quote) and not any(a < right and left < b for a, b in found):
            found.append((left, right))
    return sorted(found)


def likely_right(answer: Answer) -> str:
    """What the confidence says: of a quoted answer, of one that was found and not shown, of what a model read."""
    if answer.abstained:
        return f"the best sentence found is {answer.confidence:.0%} likely to answer"
    if answer.generator != "extractive":
        return f"the best sentence that it read is {answer.confidence:.0%} likely to answer"
    return f"{answer.confidence:.0%} likely to be right"


# Shapes of answers of which each sentence is a line by itself.
_LISTED = frozenset(("several", "comparison", "parts"))


def is_in_lines(answer: Answer) -> bool:
    """Whether each claim is a line by itself: a fact beside others, or what somebody says."""
    facts = answer.generator == "extractive" and answer.shape in _LISTED
    return facts or any(claim.speaker for claim in answer.claims)


def date_told(citation: Citation) -> str:
    """A document's date as it is told beside its name; "" where that says one: "Minutes of 12 March 2024"."""
    name = citation.publisher or citation.title or citation.doc_id
    return citation.date or ("" if re.search(r"\b(?:19|20)\d\d\b", name) else "no date")


def disagreement(answer: Answer) -> str:
    """What is told before the claims of sources that disagree."""
    return "The documents differ, the newest first:" if any(c.older for c in answer.claims) else "The sources disagree:"


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done now: searching, reading, writing or checking."""

    name: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The answer so far, while it is being written: whole text from its beginning; nothing in it is checked yet."""

    text: str


Event = Step | Draft | Answer


def evidence_of(hit: Hit, sources: Sources) -> Evidence:
    """A hit as evidence."""
    p = hit.passage
    touched = sources.touched(p.doc_id, p.start, p.end)
    headings = sources.heading_words(touched[0])
    return Evidence(
        p.doc_id, touched[0].number, p.start, p.end, p.text, hit.score, hit.rank, touched[-1].kind, headings
    )


def answer_json(answer: Answer) -> JsonObject:
    """The answer in the form of `ask --json`."""
    return {
        "question": answer.question,
        "query": answer.query,
        "answer": answer.text,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "confidence": round(answer.confidence, 4),
        "claims": [
            {"text": c.text, "labels": list(c.labels), "support": round(c.support, 4), "verdict": c.verdict,
             "speaker": c.speaker, "quoted_instead": c.quoted_instead, "direct": c.direct or None, "meant": c.meant,
             "older": c.older}
            for c in answer.claims
        ],
        "citations": [citation_json(citation) for citation in answer.citations],
        "answers": [
            {"text": a.text, "start": a.start, "end": a.end, "document": a.doc_id, "score": round(a.score, 4)}
            for a in answer.answers
        ],
        "evidence": [
            {"document": e.doc_id, "paragraph": e.paragraph, "start": e.start, "end": e.end,
             "score": round(e.score, 4), "rank": e.rank}
            for e in answer.evidence
        ],
        "generator": answer.generator,
        "notices": list(answer.notices),
        "seconds": {step: round(seconds, 4) for step, seconds in answer.seconds.items()},
        "direct": answer.direct,
        "polarity": answer.polarity,
        "shape": answer.shape,
        "disputed": answer.disputed,
        "computed": answer.computed,
    }  # fmt: skip


def citation_json(citation: Citation) -> JsonObject:
    """A citation in the form of `ask --json`."""
    return {
        "label": citation.label,
        "document": citation.doc_id,
        "title": citation.title,
        "publisher": citation.publisher,
        "date": citation.date,
        "page": citation.page,
        "paragraph": citation.paragraph,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "paragraph_start": citation.paragraph_start,
        "paragraph_end": citation.paragraph_end,
        "also_in": list(citation.also_in),
        "kind": citation.kind.value,
        "headings": list(citation.headings),
        "cells": [{"head": cell.head, "start": cell.start, "end": cell.end} for cell in citation.cells],
        "renamed": citation.renamed,
    }


def hits_json(question: str, hits: list[Evidence]) -> JsonObject:
    """Hits in the form of `search --json`."""
    return {
        "question": question,
        "hits": [
            {"document": h.doc_id, "paragraph": h.paragraph, "start": h.start, "end": h.end, "text": h.text,
             "score": round(h.score, 4), "rank": h.rank, "kind": h.kind.value, "headings": list(h.headings)}
            for h in hits
        ],
    }  # fmt: skip
