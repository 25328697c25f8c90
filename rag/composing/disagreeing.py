"""Sources that disagree: different values for one question from different documents, each sure enough to be shown.

Copies are one source. Nothing is averaged and none is taken for the truth: they stand side by side, the newest first
where one replaces the other.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.citations import Sources
from rag.composing.dating import Asked, is_of_the_time
from rag.composing.lines import bounded_words, direct_words
from rag.composing.stems import is_negated, shared, stem, stems
from rag.composing.values import ValueKind, differ, value_of
from rag.confidence import confidence_of, signals
from rag.reading.candidates import Candidate
from rag.words import names

# Which part of the words of the shorter sentence both have, values and names left out, for them to tell of one matter.
_ALIKE = 0.34
# How sure a source must be by itself to be told to disagree, by which part of the question's words that the best one
# has near its value it has near its own; those that have fewer are about something else.
_NEEDED = ((0.6, 0.8), (0.78, 0.75), (0.9, 0.5))
# Of names, several may answer one question, and both rightly.
_SURE_OF_NAMES = 0.85
_MOST = 4
# Of things without kind or unit only causes are compared, each in few words and very sure.
_CAUSE = re.compile(r"\bcause[sd]?\b", re.IGNORECASE)
_SURE_OF_CAUSE, _VERY_SURE, _FEW_WORDS = 0.9, 0.9, 4
# How sure a source must be that says no to another's yes, and how near the question's words, by the other's.
_SURE_OF_NO, _AS_NEAR_AS_YES = 0.5, 0.75


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
    if sureness(_of_document(best, candidates)) < max(threshold, _NEEDED[0][0]):
        return []
    kind = value_of(direct_words(best) or best.text).kind
    if kind is ValueKind.OTHER and not (asks_for_cause(question) and _is_short(best)):
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
        unlike = _unlike if kind is ValueKind.OTHER else differ
        if any(not unlike(bounded_words(c), bounded_words(other)) for c in found):
            continue
        # Two that are very sure may say it in other words: "the turnout was", "so many took part in the election".
        alike = min(sure, sureness(_of_document(best, candidates))) < _VERY_SURE
        needed = _needed(kind, _nearness(question, best, other, alike=alike))
        may = is_of_the_time(asked, other) and (kind is not ValueKind.OTHER or _is_short(other))
        if may and sure >= max(threshold, needed) and len(found) < _MOST:
            found.append(other)
    return found if len(found) > 1 else []


def _needed(kind: ValueKind, nearness: float) -> float:
    """How sure a source must be that is so near; more than any is where it is too far."""
    needed = next((sure for sure, near in _NEEDED if nearness >= near), 2.0)
    least = {ValueKind.NAME: _SURE_OF_NAMES, ValueKind.OTHER: _SURE_OF_CAUSE}.get(kind, 0.0)
    return max(needed, least)


# What one of each pair says the other denies; negation of the whole is told apart in `rag.composing.stems`.
_OPPOSED_TEXT = """
    open:closed open:shut opened:closed allowed:forbidden legal:illegal alive:dead approved:rejected approved:refused
    accepted:rejected accepted:refused agreed:refused passed:failed passed:rejected won:lost started:stopped
    started:ended running:stopped running:suspended running:cancelled takes:cancelled held:cancelled going:cancelled
    continue:stop safe:unsafe safe:dangerous free:jailed guilty:innocent guilty:acquitted present:absent found:missing
    true:false up:down on:off finished:unfinished available:unavailable possible:impossible kept:abolished
    confirmed:denied supports:opposes for:against stays:leaves remains:resigns
"""
_OPPOSED = [(stem(one), stem(other)) for one, other in (pair.split(":") for pair in _OPPOSED_TEXT.split())]
# What somebody wants or what might be says nothing of what is.
_WISHED = re.compile(
    r"\b(?:want(?:s|ed)?|ask(?:s|ed)?|demand(?:s|ed)?|hop(?:es?|ed)|plan(?:s|ned)?|propos(?:es?|ed)|urg(?:es?|ed)|fears?"
    r"|should|would|could|might|if|calls? for|called for)\b",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"[;,:]\s| but | though | although | while ")


def opposed(
    question: str, asked: Asked | None, candidates: Sequence[Candidate], sources: Sources, threshold: float
) -> list[Candidate]:
    """For a question of yes or no the best candidate and those of other sources that say the opposite; empty where none
    does. One says the opposite where it denies what the other says, or says the other of two opposites."""
    if not candidates or sureness(_of_document(candidates[0], candidates)) < threshold:
        return []
    best = candidates[0]
    said = _clause_of(question, best)

    def whole(candidate: Candidate) -> Candidate:
        return replace(candidate, start=candidate.sentence.start, end=candidate.sentence.end)

    for doc_id in dict.fromkeys(c.sentence.document.doc_id for c in candidates):
        if sources.are_copies(doc_id, best.sentence.document.doc_id):
            continue
        own = [c for c in candidates if c.sentence.document.doc_id == doc_id]
        sure, near = sureness(own), _nearness(question, whole(best), whole(own[0]))
        if sure < max(threshold, _SURE_OF_NO) or near < _AS_NEAR_AS_YES or not is_of_the_time(asked, own[0]):
            continue
        if _says_opposite(question, said, _clause_of(question, own[0])):
            return [best, own[0]]
    return []


def _clause_of(question: str, candidate: Candidate) -> str:
    """The clause of a candidate's sentence that has most of the question's words."""
    asked = stems(question)
    return max(_CLAUSES.split(candidate.sentence.text), key=lambda clause: len(asked & stems(clause)))


def _says_opposite(question: str, one: str, other: str) -> bool:
    if _WISHED.search(one) or _WISHED.search(other):
        return False
    words, others = _words(one), _words(other)
    facing = any((a in words and b in others) or (b in words and a in others) for a, b in _OPPOSED)
    denied = is_negated(one) != is_negated(other)
    if facing:
        # "Is not allowed" and "is forbidden" say the same.
        return _denies(one) == _denies(other)
    asked = stems(question)
    return denied and len(asked & stems(one) & stems(other)) * 2 >= len(asked)


def _denies(text: str) -> bool:
    return bool(re.search(r"\b(?:not|no|never|nor)\b|n['’]t\b", text, re.IGNORECASE))


def _words(text: str) -> set[str]:
    return {stem(word) for word in re.findall(r"[a-z]+", text.casefold())}


def asks_for_cause(question: str) -> bool:
    """Whether a question asks what caused something."""
    return _CAUSE.search(question) is not None


def _is_short(candidate: Candidate) -> bool:
    return len(candidate.text.split()) <= _FEW_WORDS


def _unlike(one: str, other: str) -> bool:
    """Whether two answers have no word in common."""
    return not stems(one) & stems(other)


def _of_document(best: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in candidates if c.sentence.document.doc_id == best.sentence.document.doc_id]


def sureness(candidates: Sequence[Candidate]) -> float:
    """How sure a source is by itself: as if its passage were the first to be read, since only one of them can be."""
    found = signals(candidates)
    return confidence_of(replace(found, behind=0.0) if found else None)


def is_sure_of_name(candidate: Candidate) -> bool:
    """Whether a source is sure enough of a name for another source's to disagree with it."""
    return sureness([candidate]) >= _SURE_OF_NAMES


def _nearness(question: str, best: Candidate, other: Candidate, *, alike: bool = True) -> float:
    """How many of the question's words that the best has around it the other has, in [0, 1]; 0 where they tell of
    different matters: a name asked about is missing, or, where they must be alike, the sentences share no words."""
    asked = stems(question)
    near, other_near = _surroundings(best), _surroundings(other)
    for name in names(question):
        # Of a name of several words the last tells which is meant: "Port Wren", "Una Falk".
        if stems(name) <= near and not stems(name.split()[-1]) <= other_near:
            return 0.0
    one, two = _frame(best), _frame(other)
    if alike and shared(one, two) < _ALIKE and not asked & one & two:
        return 0.0
    return len(asked & other_near) / max(len(asked & near), 1)


def _surroundings(candidate: Candidate) -> set[str]:
    """The stems of a candidate's paragraph, of its passage and of its document's title."""
    document, paragraph = candidate.sentence.document, candidate.sentence.paragraph
    text = document.text[paragraph.start : min(paragraph.end, paragraph.start + 2000)]
    return stems(f"{document.title or ''} {candidate.hit.passage.text} {text}")


def _frame(candidate: Candidate) -> set[str]:
    """The stems of a candidate's sentence without the words that answer, where they are less than it."""
    if candidate.text == candidate.sentence.text:
        return stems(candidate.text)
    sentence, text = candidate.sentence, candidate.sentence.document.text
    return stems(f"{text[sentence.start : candidate.start]} {text[candidate.end : sentence.end]}")
