"""Confidence: the chance that the answer which would be shown is right.

What the readers and the search say of the best candidate becomes one probability, by a logistic regression as
`eval.runs.confidence` fits it. Below THRESHOLD Pilcrow does not answer.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from index.paragraphs import Kind
from rag.reading.candidates import Candidate

# The reader that the weights were fitted for, by its SHA-256.
FITTED_TO = "1c1bd89f9d70712a3f100011e89bc60c72ca27f17e2b1afd18e7d03a9c195597"
# Fitted as `eval.runs.confidence` fits, on questions as people ask them of documents kept apart from training: 400 of
# them asked of their document alone, and 150 of 2,042 documents, which together count as much.
_BIAS = -0.104
_WEIGHTS = (0.163, -0.367, 0.126)
# The highest, in steps of .05, that leaves at most one stated question in seven without an answer, asked either way. Of
# its document .11 of those that it answers get none, and .85 of the others; of all documents .14 and .81.
THRESHOLD = 0.45


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of the best candidate.

    margin: its span's score over "no answer", in its excerpt. alone: the best such in its sentence, read by itself.
    behind: by how much the order of reading puts its passage behind the best that has a candidate, in [0, 8]; of a
        table's row other rows of its document are left out. It counts for less the surer the reader is: in full up to
        a margin of 4, for nothing from 8 on.
    """

    margin: float
    behind: float
    alone: float


_MOST_BEHIND = 8.0
# Margins between which the order's word loses its weight: of the 11 best candidates of those questions that stood
# behind by 1.5 or more with a margin of 6 or more, 10 were right.
_UNSURE, _SURE = 4.0, 8.0


def signals(candidates: Sequence[Candidate]) -> Signals | None:
    """The signals of the first of the candidates; None where there is none.

    How far its score is above the next says little: sentences that answer alike are rivals by their scores, too.
    """
    if not candidates:
        return None
    best = candidates[0]
    # Rows of one document are read one by one: in which of its passages a row stands says nothing of it.
    orders = [c.hit.order for c in candidates if not (_is_row(best) and _is_row(c) and _are_of_one_document(best, c))]
    behind = max([*orders, best.hit.order]) - best.hit.order
    unsure = min(max((_SURE - best.margin) / (_SURE - _UNSURE), 0.0), 1.0)
    return Signals(best.margin, min(behind, _MOST_BEHIND) * unsure, best.alone)


def _is_row(candidate: Candidate) -> bool:
    return candidate.sentence.paragraph.kind is Kind.TABLE_ROW


def _are_of_one_document(one: Candidate, other: Candidate) -> bool:
    return one.sentence.document.doc_id == other.sentence.document.doc_id


def confidence_of(found: Signals | None) -> float:
    """The probability that the answer is right, in [0, 1]; 0 where nothing was found."""
    if found is None:
        return 0.0
    logit = _BIAS + sum(weight * signal for weight, signal in zip(_WEIGHTS, astuple(found), strict=True))
    return 1 / (1 + math.exp(-min(max(logit, -60.0), 60.0)))
