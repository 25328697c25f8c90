"""What a model said, checked: each cited number pinned to characters of one paragraph, each sentence with its support.

A claim's labels are numbered in the order of the answer, whatever numbers the model used. Nothing here writes text: a
claim is the model's sentence, a quote is the document's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from index.encoder.embedding import Encoder, Vectors
from index.passages import Passage
from rag.citations import Citation, Claim, Sentence, Sources, Verdict, cite
from rag.generation.markers import CitedSentence
from rag.words import content_words

# How much better two sentences must fit than the better one alone to be quoted together.
_SECOND_SENTENCE = 0.2
# Places in a passage, and passages for an uncited sentence, whose support is asked.
_TRIED = 3


class Judge(Protocol):
    """Says whether a text bears a claim out."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each (claim, text) how far the text bears the claim out, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Claims with their citations. dropped: sentences left out since nothing bears them out.

    removed: citations left out since another bears the sentence out, and they do not.
    """

    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    dropped: int
    removed: int


@dataclass(frozen=True, slots=True)
class _Pinned:
    """A sentence of an answer, the places that it cites, how they support it, and how many more it had cited."""

    text: str
    places: tuple[Sentence, ...]
    support: float
    verdict: Verdict
    removed: int = 0


def check(
    said: Sequence[CitedSentence],
    passages: Sequence[Passage],
    sources: Sources,
    encoder: Encoder,
    support: Judge | None,
    *,
    strict: bool = False,
    shown: Sequence[Citation] = (),
) -> Checked:
    """Claims, pinned and judged.

    said: their numbers count `passages` from 1. support: without it every claim is unchecked. strict: what is not
    borne out, and what was not checked, is dropped. shown: what a model that was not asked for numbers wrote from; of
    the places that bear a sentence out, it comes first.
    """
    places = _Places(passages, sources, encoder)
    vectors = encoder.encode([sentence.text for sentence in said])
    first = [_place(citation, sources) for citation in shown]
    pinned = [_pin(sentence, vector, places, first, support) for sentence, vector in zip(said, vectors, strict=True)]
    kept = [p for p in pinned if not (strict and p.verdict in (Verdict.UNSUPPORTED, Verdict.UNCHECKED))]
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
    return Checked(tuple(claims), tuple(citations), len(pinned) - len(kept), sum(p.removed for p in kept))


class _Places:
    """The places in each passage that a sentence may be pinned to: its sentences, and pairs of neighbours."""

    def __init__(self, passages: Sequence[Passage], sources: Sources, encoder: Encoder) -> None:
        self._passages, self._sources, self._encoder = passages, sources, encoder
        self._read: dict[int, tuple[list[Sentence], list[set[str]], Vectors, int]] = {}
        self.numbers = range(1, len(passages) + 1)

    def ranked(self, text: str, vector: Vectors, number: int) -> list[tuple[Sentence, float]]:
        """The places in passage `number` that fit a sentence best, by words in common and by cosine, and how well.

        At most _TRIED, best first; ties: the earlier place, one sentence before two.
        """
        places, words, vectors, n_single = self._of(number)
        own = _words(text)
        fits = [
            len(own & theirs) / max(len(own), 1) + float(cosine) - (_SECOND_SENTENCE if i >= n_single else 0.0)
            for i, (theirs, cosine) in enumerate(zip(words, vectors @ vector, strict=True))
        ]
        order = sorted(range(len(fits)), key=lambda i: (-fits[i], i))[:_TRIED]
        return [(places[i], fits[i]) for i in order]

    def read(self, places: Sequence[Sentence]) -> str:
        """What bears a claim out at these places: their paragraphs, each once, as a quoted sentence needs them to say
        who "he" is; a table's row with the heads of its columns, as the model was given it."""
        paragraphs = {(p.document.doc_id, p.paragraph.start): p for p in places}
        return "\n".join(
            self._sources.shown(p.document.doc_id, p.paragraph.start, p.paragraph.end).text for p in paragraphs.values()
        )

    def alone(self, place: Sentence) -> str:
        """The words of one place, a table's row with the heads of its columns."""
        return self._sources.shown(place.document.doc_id, place.start, place.end).text

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
            self._read[number] = ([*single, *pairs], words, self._encoder.encode_passages(texts), len(single))
        return self._read[number]


def _place(citation: Citation, sources: Sources) -> Sentence:
    """The place that a citation was made of."""
    paragraph = sources.paragraphs(citation.doc_id)[citation.paragraph - 1]
    return Sentence(sources.document(citation.doc_id), paragraph, citation.start, citation.end)


def _pin(
    said: CitedSentence, vector: Vectors, places: _Places, first: Sequence[Sentence], support: Judge | None
) -> _Pinned:
    """A sentence with what it cites; where it cites nothing, with the passage that surely bears it out."""
    found = [places.ranked(said.text, vector, number) for number in said.numbers]
    if support is None:
        return _Pinned(said.text, tuple(ranked[0][0] for ranked in found if ranked), 0.0, Verdict.UNCHECKED)
    cited = [_best_borne_out(said.text, ranked, places, support) for ranked in found if ranked]
    return _judged(said.text, cited, places, support) if cited else _found(said.text, vector, places, first, support)


def _best_borne_out(claim: str, ranked: Sequence[tuple[Sentence, float]], places: _Places, support: Judge) -> Sentence:
    """The place whose own words bear the claim out best, of those that fit it."""
    values = support.support([(claim, places.alone(place)) for place, _ in ranked])
    scores = [fit + value for (_, fit), value in zip(ranked, values, strict=True)]
    return ranked[scores.index(max(scores))][0]


def _judged(claim: str, cited: Sequence[Sentence], places: _Places, support: Judge) -> _Pinned:
    """A claim with its support and verdict by the places that it cites.

    What one place bears out alone is as that place says, and places that say nothing of it are no longer cited. What
    only all of them together bear out is weak at most: each word may stand somewhere, and the claim nowhere.
    """
    alone = support.support([(claim, places.read([place])) for place in cited])
    best = max(alone)
    if Verdict.of(best) == Verdict.SUPPORTED:
        kept = [p for p, value in zip(cited, alone, strict=True) if Verdict.of(value) != Verdict.UNSUPPORTED]
        return _Pinned(claim, tuple(kept), best, Verdict.SUPPORTED, len(cited) - len(kept))
    together = max(best, *support.support([(claim, places.read(cited))])) if len(cited) > 1 else best
    verdict = Verdict.of(together)
    return _Pinned(claim, tuple(cited), together, Verdict.WEAK if verdict == Verdict.SUPPORTED else verdict)


def _found(claim: str, vector: Vectors, places: _Places, first: Sequence[Sentence], support: Judge) -> _Pinned:
    """A claim that cites nothing, with the place that surely bears it out; without any where none does."""
    values = support.support([(claim, places.read([place])) for place in first]) if first else []
    for place, value in zip(first, values, strict=True):
        if Verdict.of(value) == Verdict.SUPPORTED:
            return _Pinned(claim, (place,), value, Verdict.SUPPORTED)
    fitting = [ranked[0] for number in places.numbers if (ranked := places.ranked(claim, vector, number))]
    nearest = [place for place, _ in sorted(fitting, key=lambda found: -found[1])[:_TRIED]]
    values = support.support([(claim, places.read([place])) for place in nearest])
    if not values:
        return _Pinned(claim, (), 0.0, Verdict.UNSUPPORTED)
    value = max(values)
    verdict = Verdict.of(value)
    return _Pinned(claim, (nearest[values.index(value)],) if verdict == Verdict.SUPPORTED else (), value, verdict)


def _words(text: str) -> set[str]:
    return {word.casefold() for word in content_words(text)}
