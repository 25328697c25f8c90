"""What a sentence denies is not what happened: of two values in one sentence the one that is not denied answers.

"It did not take place on 4 May; it was moved to 11 May." English.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from rag.composing.stems import is_negated
from rag.composing.values import values
from rag.reading.candidates import Candidate

# What parts a sentence into what is denied and what is said in its place.
_PARTS = re.compile(r";|,? but |, (?=(?:it|he|she|they|this|that)\b)|: ")


def not_denied(question: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, each that is a value in a denied part of its sentence moved to the only one of its kind that is
    not; a question that denies something itself leaves them as they are."""
    if is_negated(question):
        return list(candidates)
    return [_moved(candidate) for candidate in candidates]


def _moved(candidate: Candidate) -> Candidate:
    sentence = candidate.sentence.text
    if not is_negated(sentence):
        return candidate
    start, end = candidate.start - candidate.sentence.start, candidate.end - candidate.sentence.start
    cuts = [0, *(match.end() for match in _PARTS.finditer(sentence)), len(sentence)]
    parts = list(pairwise(cuts))
    own = next(((a, b) for a, b in parts if a <= start and end <= b), None)
    if own is None or not is_negated(sentence[own[0] : start]):
        return candidate
    of_answer = [v for v in values(sentence) if v.start < end and start < v.end]
    if len(of_answer) != 1:
        return candidate
    instead = [
        v for v in values(sentence)
        if v.kind is of_answer[0].kind
        and any(a <= v.start and v.end <= b and not is_negated(sentence[a:b]) for a, b in parts)
    ]  # fmt: skip
    if len(instead) != 1:
        return candidate
    at = candidate.sentence.start
    return replace(candidate, start=at + instead[0].start, end=at + instead[0].end)
