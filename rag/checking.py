"""What a model said, checked: each cited number pinned to characters of one paragraph, each sentence with its support.

A claim's labels are numbered in the order of the answer, whatever numbers the model used. Nothing here writes text: a
claim is the model's sentence, a quote is the document's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from index.embedding import Encoder, Vectors
from index.passages import Passage
from rag.citations import Citation, Claim, Sentence, Sources, cite
from rag.markers import Said
from rag.words import content_words

SUPPORTED, WEAK, UNSUPPORTED, UNCHECKED = "supported", "weak", "unsupported", "unchecked"
# How much better two sentences must fit than the better one alone to be quoted together.
_SECOND_SENTENCE = 0.2
# Passages whose support for an uncited sentence is asked.
_TRIED = 3


class SupportModel(Protocol):
    """Says whether a text bears a claim out."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each (claim, text) how far the text bears the claim out, in [0, 1]."""
        ...

    def verdict(self, support: float) -> str:
        """supported, weak or unsupported."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """Claims with their citations. dropped: sentences left out since nothing bears them out."""

    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    dropped: int


@dataclass(frozen=True, slots=True)
class _Pinned:
    """A sentence of an answer, the places that it cites, and how they support it."""

    text: str
    places: tuple[Sentence, ...]
    support: float
    verdict: str


def check(
    said: Sequence[Said],
    passages: Sequence[Passage],
    sources: Sources,
    encoder: Encoder,
    support: SupportModel | None,
    *,
    strict: bool = False,
) -> Checked:
    """Claims, pinned and judged.

    said: their numbers count `passages` from 1. support: without it every claim is unchecked. strict: what is not
    borne out, and what was not checked, is dropped.
    """
    places = _Places(passages, sources, encoder)
    vectors = encoder.encode([sentence.text for sentence in said])
    pinned = [_pin(sentence, vector, places, support) for sentence, vector in zip(said, vectors, strict=True)]
    kept = [p for p in pinned if not (strict and p.verdict in (UNSUPPORTED, UNCHECKED))]
    citations: list[Citation] = []
    labels: dict[tuple[str, int, int], int] = {}
    claims = []
    for p in kept:
        for place in p.places:
            key = (place.document.doc_id, place.start, place.end)
            if key not in labels:
                labels[key] = len(labels) + 1
                citations.append(cite(place, labels[key]))
        own = dict.fromkeys(labels[place.document.doc_id, place.start, place.end] for place in p.places)
        claims.append(Claim(p.text, tuple(own), p.support, p.verdict))
    return Checked(tuple(claims), tuple(citations), len(pinned) - len(kept))


class _Places:
    """The places in each passage that a sentence may be pinned to: its sentences, and pairs of neighbours."""

    def __init__(self, passages: Sequence[Passage], sources: Sources, encoder: Encoder) -> None:
        self._passages, self._sources, self._encoder = passages, sources, encoder
        self._read: dict[int, tuple[list[Sentence], list[set[str]], Vectors, int]] = {}
        self.numbers = range(1, len(passages) + 1)

    def best(self, text: str, vector: Vectors, number: int) -> tuple[Sentence, float] | None:
        """The place in passage `number` that fits a sentence best, by words in common and by cosine, and how well.

        None where the passage has no sentence. Ties: the earlier place, one sentence before two.
        """
        places, words, vectors, n_single = self._of(number)
        if not places:
            return None
        own = _words(text)
        cosines = vectors @ vector
        fits = [
            len(own & theirs) / max(len(own), 1) + float(cosine) - (_SECOND_SENTENCE if i >= n_single else 0.0)
            for i, (theirs, cosine) in enumerate(zip(words, cosines, strict=True))
        ]
        best = max(range(len(fits)), key=lambda i: (fits[i], -i))
        return places[best], fits[best]

    def _of(self, number: int) -> tuple[list[Sentence], list[set[str]], Vectors, int]:
        if number not in self._read:
            single = self._sources.sentences(self._passages[number - 1])
            pairs = [
                Sentence(one.document, one.paragraph, one.start, other.end)
                for one, other in pairwise(single)
                if one.paragraph == other.paragraph
            ]
            texts = [place.text for place in [*single, *pairs]]
            words = [_words(text) for text in texts]
            self._read[number] = ([*single, *pairs], words, self._encoder.encode(texts), len(single))
        return self._read[number]


def _pin(said: Said, vector: Vectors, places: _Places, support: SupportModel | None) -> _Pinned:
    """A sentence with what it cites; where it cites nothing, with the passage that surely bears it out."""
    cited = [best[0] for number in said.numbers if (best := places.best(said.text, vector, number))]
    if support is None:
        return _Pinned(said.text, tuple(cited), 0.0, UNCHECKED)
    if cited:
        return _Pinned(said.text, tuple(cited), *_judged(said.text, cited, support))
    found = [best for number in places.numbers if (best := places.best(said.text, vector, number))]
    nearest = [place for place, _ in sorted(found, key=lambda best: -best[1])[:_TRIED]]
    values = support.support([(said.text, _cited_text([place])) for place in nearest])
    if not values:
        return _Pinned(said.text, (), 0.0, UNSUPPORTED)
    value = max(values)
    verdict = support.verdict(value)
    return _Pinned(said.text, (nearest[values.index(value)],) if verdict == SUPPORTED else (), value, verdict)


def _judged(claim: str, cited: Sequence[Sentence], support: SupportModel) -> tuple[float, str]:
    """Support and verdict of a claim by the places that it cites.

    What one place bears out alone is as that place says. What only all of them together bear out is weak at most: each
    word may stand somewhere, and the claim nowhere.
    """
    alone = support.support([(claim, _cited_text([place])) for place in cited])
    best = max(alone)
    if len(cited) == 1 or support.verdict(best) == SUPPORTED:
        return best, support.verdict(best)
    (together,) = support.support([(claim, _cited_text(cited))])
    verdict = support.verdict(max(together, best))
    return max(together, best), WEAK if verdict == SUPPORTED else verdict


def _cited_text(places: Sequence[Sentence]) -> str:
    """The paragraphs of the places, each once: a quoted sentence needs them to say who "he" is."""
    paragraphs = {(p.document.doc_id, p.paragraph.start): p for p in places}
    return "\n".join(p.document.text[p.paragraph.start : p.paragraph.end] for p in paragraphs.values())


def _words(text: str) -> set[str]:
    return {word.casefold() for word in content_words(text)}
