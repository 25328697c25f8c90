"""Sources that disagree: different values for one question from different documents, each sure enough to be shown.

Copies are one source. Nothing is averaged and none is taken for the truth: they stand side by side, the newest first
where one replaces the other.
"""

from collections.abc import Sequence
from dataclasses import replace

from rag.citations import Sources
from rag.composing.dating import Asked, is_of_the_time
from rag.composing.lines import direct_words
from rag.composing.stems import shared, stems
from rag.composing.values import ValueKind, differ, value_of
from rag.confidence import confidence_of, signals
from rag.reading.candidates import Candidate
from rag.words import names

# Which part of the words of the shorter sentence both have, values and names left out, for them to tell of one matter.
_ALIKE = 0.34
# Which part of the question's words a source has near its value, by what the best one has.
_AS_NEAR, _NEARER = 0.75, 0.8
# How sure a source must be by itself to be told to disagree, and how sure where it has few of the question's words.
_SURE, _SURER = 0.6, 0.8
_MOST = 4


def conflicting(
    question: str, asked: Asked | None, candidates: Sequence[Candidate], sources: Sources, threshold: float
) -> list[Candidate]:
    """The best candidate and those of other sources that give another value, each above the threshold by itself.

    asked: the time that the question asks about. Empty where none does. Two values conflict where they are of one kind,
    differ, and stand in sentences about one matter.
    """
    if not candidates:
        return []
    best = candidates[0]
    # Of its own document: rivals that say otherwise take its lead away, and that is what is looked for.
    if sureness(_of_document(best, candidates)) < max(threshold, _SURE):
        return []
    kind = value_of(direct_words(best) or best.text).kind
    if kind is ValueKind.OTHER:
        return []
    found = [best]
    for doc_id in dict.fromkeys(c.sentence.document.doc_id for c in candidates):
        if any(sources.are_copies(doc_id, c.sentence.document.doc_id) for c in found):
            continue
        own = [c for c in candidates if c.sentence.document.doc_id == doc_id]
        other = next((c for c in own if value_of(c.text).kind is kind), None)
        if other is None or other is not own[0]:
            continue
        sure = sureness(own)
        if any(not differ(c.text, other.text) for c in found) or not is_of_the_time(asked, other):
            continue
        nearness = _nearness(question, best, other)
        is_sure = sure >= max(threshold, _SURE if nearness >= _NEARER else _SURER)
        if is_sure and nearness >= _AS_NEAR and len(found) < _MOST:
            found.append(other)
    return found if len(found) > 1 else []


def _of_document(best: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in candidates if c.sentence.document.doc_id == best.sentence.document.doc_id]


def sureness(candidates: Sequence[Candidate]) -> float:
    """How sure a source is by itself: as if its passage were the first to be read, since only one of them can be."""
    found = signals(candidates)
    return confidence_of(replace(found, rank=0.0) if found else None)


def _nearness(question: str, best: Candidate, other: Candidate) -> float:
    """How many of the question's words that the best has around it the other has, in [0, 1]; 0 where they tell of
    different matters: a name asked about is missing, or the sentences share no words."""
    asked = stems(question)
    near, other_near = _surroundings(best), _surroundings(other)
    for name in names(question):
        # Of a name of several words the last tells which is meant: "Port Wren", "Una Falk".
        if stems(name) <= near and not stems(name.split()[-1]) <= other_near:
            return 0.0
    one, two = _frame(best), _frame(other)
    if shared(one, two) < _ALIKE and not asked & one & two:
        return 0.0
    return len(asked & other_near) / max(len(asked & near), 1)


def _surroundings(candidate: Candidate) -> set[str]:
    """The stems of a candidate's paragraph, of its passage and of its document's title."""
    document, paragraph = candidate.sentence.document, candidate.sentence.paragraph
    text = document.text[paragraph.start : min(paragraph.end, paragraph.start + 2000)]
    return stems(f"{document.title or ''} {candidate.hit.passage.text} {text}")


def _frame(candidate: Candidate) -> set[str]:
    """The stems of a candidate's sentence without the words that answer."""
    sentence, text = candidate.sentence, candidate.sentence.document.text
    return stems(f"{text[sentence.start : candidate.start]} {text[candidate.end : sentence.end]}")
