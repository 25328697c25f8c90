"""Quoted instead: where the check does not bear out what a model wrote, the document's own sentence stands there.

So an answer with a model is never less right than one without: the words that the reader marked are always in it.
Knows claims and citations; which sentences answer was decided before, in `rag.reading.candidates`.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from rag.citations import Citation, Claim, Verdict
from rag.words import content_words

# Of the marked words that say something, the share that a model's sentences must have to say the same.
_SAID = 0.5
# Of a small model's words, the share that it must have from what it was shown; words are compared by their beginnings.
_BUILT, _STEM = 0.8, 5


@dataclass(frozen=True, slots=True)
class Quotes:
    """The answer without a model: sentences of the documents, and the words marked in each, "" for none; best first."""

    claims: tuple[Claim, ...] = ()
    citations: tuple[Citation, ...] = ()
    words: tuple[str, ...] = ()

    def cited(self, claim: Claim) -> list[Citation]:
        """What one of the claims cites."""
        return [citation for citation in self.citations if citation.label in claim.labels]


def with_quotes(
    claims: Sequence[Claim],
    citations: Sequence[Citation],
    quotes: Quotes,
    *,
    refused: Collection[Verdict],
    built_of: Sequence[str] = (),
) -> tuple[tuple[Claim, ...], tuple[Citation, ...]]:
    """The claims, each whose verdict is refused replaced by the best quote that is not said yet, or left out.

    Where the claims that stay do not have the best quote's words, it is said first. Without quotes, all stays as it is.
    built_of: what a small model was asked; a sentence that has much in it beside that and what it cites, or lacks one
    of the best quote's words, is refused, too, for the check alone lets too many of its inventions pass. As it was
    asked for one sentence, what else the quotes say is quoted behind it.
    """
    if not quotes.claims:
        return tuple(claims), tuple(citations)
    by_label = {citation.label: citation for citation in citations}
    words = quotes.words or ("",) * len(quotes.claims)

    def has(text: str, own: str, quote: Claim) -> bool:
        """Whether a text has a quote's marked words, all of them where a small model was told them."""
        return says(text, own or quote.text) and (not built_of or is_built_of(own, [text], share=1.0))

    def stays(claim: Claim) -> bool:
        if claim.verdict in refused:
            return False
        return not built_of or (
            is_built_of(claim.text, [*built_of, *(by_label[n].quote for n in claim.labels)])
            and has(claim.text, words[0], quotes.claims[0])
        )

    kept = [claim for claim in claims if stays(claim)]
    said = " ".join(claim.text for claim in kept)
    left = [quote for quote, own in zip(quotes.claims, words, strict=True) if not has(said, own, quote)]
    told: list[tuple[Claim, list[Citation]]] = []
    if left and left[0] is quotes.claims[0] and len(kept) == len(claims):
        told.append(_quoted(left.pop(0), quotes))
    for claim in claims:
        if stays(claim):
            told.append((claim, [by_label[label] for label in claim.labels]))
        elif left:
            told.append(_quoted(left.pop(0), quotes))
    if built_of:
        told += [_quoted(quote, quotes) for quote in left]
    return _numbered(told)


def says(text: str, words: str) -> bool:
    """Whether a text has the words: each of their numbers, and half of those that say something at least."""
    own = {word.casefold() for word in content_words(words)} or set(words.casefold().split())
    theirs = {word.casefold() for word in content_words(text)} | set(re.findall(r"\w+", text.casefold()))
    numbers = set(re.findall(r"\d+", words)) - set(re.findall(r"\d+", text))
    return not numbers and len(own & theirs) >= _SAID * len(own)


def is_built_of(text: str, shown: Sequence[str], share: float = _BUILT) -> bool:
    """Whether this share of the words of a text that say something is in what was shown, but for their endings."""
    own = {_stem(word) for word in content_words(text)}
    return len(own & {_stem(word) for other in shown for word in content_words(other)}) >= share * len(own)


def _stem(word: str) -> str:
    return word.casefold()[:_STEM]


def _quoted(claim: Claim, quotes: Quotes) -> tuple[Claim, list[Citation]]:
    return replace(claim, quoted_instead=True), quotes.cited(claim)


def _numbered(
    told: Sequence[tuple[Claim, Sequence[Citation]]],
) -> tuple[tuple[Claim, ...], tuple[Citation, ...]]:
    """The claims with labels in the order of the answer, and the citations under them."""
    labels: dict[tuple[str, int, int], int] = {}
    citations: list[Citation] = []
    claims = []
    for claim, cited in told:
        own = []
        for citation in cited:
            key = (citation.doc_id, citation.start, citation.end)
            if key not in labels:
                labels[key] = len(labels) + 1
                citations.append(replace(citation, label=labels[key]))
            own.append(labels[key])
        claims.append(replace(claim, labels=tuple(dict.fromkeys(own))))
    return tuple(claims), tuple(citations)
