"""The sentences of the best passages that are nearest to the question: the answer as long as no reader is at hand.

Knows similarity only: it cannot tell a sentence that answers from one that is merely about the same thing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from index.embedding import Encoder
from rag.citations import Sentence, Sources
from rag.retrieval import Hit

# A sentence alone has lost its subject ("He agreed."), so its passage's score weighs more than its own cosine.
_PASSAGE_WEIGHT = 0.7
# A second or third sentence is worth the reader's time only when it is about as near as the first.
_KEEP_WITHIN = 0.06
_MAX_SENTENCES = 3
# "File photo." says nothing by itself.
_MIN_WORDS = 4
# Two sentences of which one has this share of the other's words say the same thing twice.
_SAME_WORDS = 0.8


@dataclass(frozen=True, slots=True)
class Selected:
    """A sentence and its score, a similarity; `nearness`: the larger of the cosines of the sentence and its passage."""

    sentence: Sentence
    score: float
    nearness: float


def select_sentences(question: str, hits: Sequence[Hit], sources: Sources, encoder: Encoder) -> list[Selected]:
    """The sentences of the hits' passages, best first, ties by place."""
    sentences = [(hit, sentence) for hit in hits for sentence in sources.sentences(hit.passage)]
    pairs = [(hit, sentence) for hit, sentence in sentences if len(sentence.text.split()) >= _MIN_WORDS]
    if not pairs:
        return []
    vectors = encoder.encode([question, *(sentence.text for _, sentence in pairs)])
    cosines = vectors[1:] @ vectors[0]
    selected = [
        Selected(
            sentence,
            _PASSAGE_WEIGHT * hit.score + (1 - _PASSAGE_WEIGHT) * float(cosine),
            max(hit.cosine, float(cosine)),
        )
        for (hit, sentence), cosine in zip(pairs, cosines, strict=True)
    ]
    return sorted(selected, key=lambda s: -s.score)


def worth_showing(ranked: Sequence[Selected]) -> list[Selected]:
    """The best sentence and the few that come close to it and say something else."""
    shown: list[Selected] = []
    for candidate in ranked:
        if candidate.score < ranked[0].score - _KEEP_WITHIN or len(shown) == _MAX_SENTENCES:
            break
        if not any(_says_the_same(candidate.sentence.text, s.sentence.text) for s in shown):
            shown.append(candidate)
    return shown


def _says_the_same(one: str, other: str) -> bool:
    a, b = set(one.casefold().split()), set(other.casefold().split())
    return len(a & b) >= _SAME_WORDS * min(len(a), len(b))


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), in (0, 1)."""
    return 1 / (1 + math.exp(-x))
