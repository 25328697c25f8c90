"""Confidence: the chance that the answer which would be shown is right.

What the readers and the search say of the best candidate becomes one probability, by a logistic regression as
`eval.runs.confidence` fits it. Below THRESHOLD Pilcrow does not answer.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from rag.reading.candidates import Candidate, same_words
from rag.retrieval import Hit

# The reader that the weights were fitted for, by its SHA-256.
FITTED_TO = "1c1bd89f9d70712a3f100011e89bc60c72ca27f17e2b1afd18e7d03a9c195597"
# Fitted on 300 questions as people ask them about 64 documents kept apart from training (the card of the reader says
# how well): all of them with the document chosen, 200 of them among 514 documents, too. The weight of `agreeing`,
# 3.06 in the fit, stood on few of them and is set to 1 by hand. `pilcrow eval confidence` fits on SQuAD's form only,
# so no command repeats these numbers yet.
_BIAS = -1.736
_WEIGHTS = (0.2645, 0.0942, 0.1046, 0.0064, 0.1769, 1.0)
# The lowest of the shown answers' confidences at which at most one in seven answerable questions gets no answer.
THRESHOLD = 0.44


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of the best candidate.

    answerable: the large reader's logit that its excerpt answers. margin: its span's score over "no answer".
    order: what `rag.reading.order` says of its passage. cosine: of the nearest passage.
    lead: its score over that of the best candidate with other words, at most 8.
    agreeing: 1 where another document has the same words among its best, else 0.
    """

    answerable: float
    margin: float
    order: float
    cosine: float
    lead: float
    agreeing: float


_MOST_LEAD = 8.0


def signals(candidates: Sequence[Candidate], hits: Sequence[Hit]) -> Signals | None:
    """The signals of the best of the candidates; None where there is none."""
    if not candidates:
        return None
    best = candidates[0]
    same = [same_words(best.text, other.text) for other in candidates[1:]]
    other = next((c.score for c, is_same in zip(candidates[1:], same, strict=True) if not is_same), -math.inf)
    elsewhere = {
        c.sentence.document.doc_id for c, is_same in zip(candidates[1:], same, strict=True) if is_same and c.margin > 0
    }
    return Signals(
        answerable=best.answerable,
        margin=best.margin,
        order=best.hit.order,
        cosine=max(hit.cosine for hit in hits),
        lead=min(best.score - other, _MOST_LEAD),
        agreeing=float(bool(elsewhere - {best.sentence.document.doc_id})),
    )


def confidence_of(found: Signals | None) -> float:
    """The probability that the answer is right, in [0, 1]; 0 where nothing was found."""
    if found is None:
        return 0.0
    logit = _BIAS + sum(weight * signal for weight, signal in zip(_WEIGHTS, astuple(found), strict=True))
    return 1 / (1 + math.exp(-min(max(logit, -60.0), 60.0)))
