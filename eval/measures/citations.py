"""Citations against gold evidence, and whether pointers hold. Nobody is asked for an opinion: all is counted.

A place is a document with half-open characters; a paragraph is a document with its number. `nan` stands for a
question to which a measure does not apply, and is left out of the mean.
"""

import math
from collections.abc import Collection, Mapping, Sequence

from rag.answers import Answer
from rag.citations import Verdict, marked_labels

Place = tuple[str, int, int]
Numbered = tuple[str, int]


def citation_recall(cited: Collection[Numbered], gold: Collection[Numbered]) -> float:
    """Share of the gold paragraphs that are cited; in [0, 1].

    |gold and cited| / |gold|

    Average: over the questions that have gold evidence; one without citation counts as 0.
    Ties: a paragraph cited twice counts once. Empty: nan without gold.
    """
    wanted = set(gold)
    return len(wanted.intersection(cited)) / len(wanted) if wanted else math.nan


def citation_precision(cited: Sequence[Numbered], gold: Collection[Numbered], *, unresolved: int = 0) -> float:
    """Share of the citations that lie in a gold paragraph; in [0, 1].

    |citations in gold| / (|citations| + unresolved)     unresolved: markers that point at no citation; all are wrong

    Average: over the questions that got a citation. Ties: a paragraph cited twice counts twice.
    Empty: nan without citation; 0.0 with citations but without gold.
    """
    total = len(cited) + unresolved
    return sum(place in set(gold) for place in cited) / total if total else math.nan


def character_recall(cited: Collection[Place], gold: Collection[Place]) -> float:
    """Share of the gold evidence's characters that are cited; in [0, 1].

    |characters in both| / |gold characters|

    Average: over the questions that have gold evidence. Ties: a character counts once, however often it is cited.
    Empty: nan without gold.
    """
    size = _size(_merged(gold))
    return _shared(cited, gold) / size if size else math.nan


def character_precision(cited: Collection[Place], gold: Collection[Place]) -> float:
    """Share of the cited characters that are gold evidence; in [0, 1].

    |characters in both| / |cited characters|

    Average: over the questions that got a citation. Ties: a character counts once, however often it is cited.
    Empty: nan without citation.
    """
    size = _size(_merged(cited))
    return _shared(cited, gold) / size if size else math.nan


def pointer_validity(answer: Answer, texts: Mapping[str, str]) -> float:
    """Share of an answer's pointers that hold; in [0, 1]; 1.0 is what is promised.

    Pointers are its markers and its citations. A marker holds if a citation has its label; a citation holds if
    `text[start:end] == quote`, not empty, inside its paragraph, and a claim carries its label.

    |pointers that hold| / |pointers|

    texts: of the documents cited. Average: over the answers with a pointer. Ties: a marker that comes twice counts
    twice. Empty: nan without pointer.
    """
    labels = {citation.label for citation in answer.citations}
    carried = {label for claim in answer.claims for label in claim.labels}
    markers = [label in labels for label in marked_labels(answer.text)]
    quotes = [
        c.paragraph_start <= c.start < c.end <= c.paragraph_end
        and texts.get(c.doc_id, "")[c.start : c.end] == c.quote
        and c.label in carried
        for c in answer.citations
    ]
    held = [*markers, *quotes]
    return sum(held) / len(held) if held else math.nan


def unresolved_markers(answer: Answer) -> int:
    """How many of an answer's markers point at no citation."""
    labels = {citation.label for citation in answer.citations}
    return sum(label not in labels for label in marked_labels(answer.text))


def supported_share(answer: Answer) -> float:
    """Share of an answer's claims whose verdict is `supported`; in [0, 1].

    |supported claims| / |claims|     a weak, unsupported or unchecked claim is none

    Average: over the answers with a claim. Ties: equal claims count one by one. Empty: nan without claim.
    """
    verdicts = [claim.verdict == Verdict.SUPPORTED for claim in answer.claims]
    return sum(verdicts) / len(verdicts) if verdicts else math.nan


def _merged(places: Collection[Place]) -> list[Place]:
    """The same characters, each once, as few places as possible."""
    merged: list[Place] = []
    for doc, start, end in sorted(places):
        if merged and merged[-1][0] == doc and start <= merged[-1][2]:
            merged[-1] = (doc, merged[-1][1], max(merged[-1][2], end))
        else:
            merged.append((doc, start, end))
    return merged


def _size(places: Sequence[Place]) -> int:
    return sum(end - start for _, start, end in places)


def _shared(one: Collection[Place], other: Collection[Place]) -> int:
    """Characters in both: of each plus of the other, less those of either."""
    ours, theirs = _merged(one), _merged(other)
    return _size(ours) + _size(theirs) - _size(_merged([*ours, *theirs]))
