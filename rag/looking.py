"""What a question finds, as the reader sees it: hits in reading order, candidates, and how sure the best of them is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.language import other_language
from rag.citations import Sources, plain_claim
from rag.composing.dating import since_first
from rag.composing.shapes import Ask, Shape
from rag.confidence import confidence_of, signals
from rag.finding.as_written import as_written
from rag.finding.spelling import Respelled
from rag.reading.aside import ASIDE_FROM, NOTICE, find_aside
from rag.reading.candidates import Candidate, find_candidates, same_words
from rag.reading.order import in_reading_order
from rag.reading.reader import PassageReader
from rag.reading.table_rows import is_tabular
from rag.retrieval import Hit

# What a question most likely means is answered unless something else that it may mean is surer by this much.
_LIKELIEST = 0.1


@dataclass(frozen=True, slots=True)
class Look:
    """What a question finds.

    query: as it was read. hits: the best, in reading order; found: all of them; readable: the hits in English.
    notices: what the user should know of how it was read. confidence: of the best of the candidates.
    """

    ask: Ask
    query: str
    hits: Sequence[Hit]
    found: Sequence[Hit]
    readable: Sequence[Hit]
    notices: Sequence[str]
    candidates: Sequence[Candidate]
    confidence: float


def look_at(
    ask: Ask,
    query: Respelled,
    found: Sequence[Hit],
    sources: Sources,
    reader: PassageReader,
    *,
    asked: str,
    passages: int,
    said: Sequence[str] = (),
) -> Look:
    """Reads the best of the hits of one of the things that a question may mean.

    asked: the question as it was typed. passages: how many hits are read at most.
    said: answers given before, which are none again.
    """
    read_as = as_written(query.text, [hit.passage.text for hit in found])
    if not other_language(asked):
        found = in_reading_order(read_as, found, sources, reader)
    found = since_first(query.text, found, sources.document)
    hits = found[:passages]
    readable, notices = _in_english(asked, hits, sources)
    candidates = [
        candidate
        for candidate in find_candidates(read_as, readable, sources, reader)
        if not any(is_said(candidate.text, candidate.sentence.text, words) for words in said)
    ]
    told = [*notices, *filter(None, [query.notice])]
    return Look(ask, query.text, hits, found, readable, told, candidates, confidence_of(signals(candidates)))


def is_said(answering: str, sentence: str, words: str) -> bool:
    """Whether a sentence says again what was said: the same words answer, or it has them, or they have all of it."""
    return same_words(answering, words) or words in sentence or plain_claim(sentence) in words


def surest(looks: Sequence[Look]) -> Look:
    """The look that is answered from: the first, what the question most likely means, or one that is clearly surer.

    Of those that find the same sentence as surely, the one of the fewest words: what it left out added nothing.
    """
    if looks[0].ask.shape is Shape.COMPARISON:
        return looks[0]  # what is computed does not hang on how sure the reader is of a sentence
    best = max(looks, key=lambda look: look.confidence + (_LIKELIEST if look is looks[0] else 0.0))
    same = [look for look in looks if _found_by(look) == _found_by(best) and look.confidence >= best.confidence]
    # A question with terms added in parentheses is no better told than one that needs none.
    return min(same, key=lambda look: ("(" in look.query, len(look.query))) if best.candidates else best


def _found_by(look: Look) -> tuple[str, int] | None:
    """Where the sentence stands that a look finds first."""
    sentence = look.candidates[0].sentence if look.candidates else None
    return (sentence.document.doc_id, sentence.start) if sentence else None


def aside_of(look: Look, sources: Sources, reader: PassageReader) -> Look | None:
    """The look at what stands around the text, such as menus and credits, for where the text answers nothing.

    None where that does not clearly answer, either.
    """
    aside = find_aside(look.query, look.readable, sources, reader)
    confidence = confidence_of(signals(aside))
    if confidence < ASIDE_FROM:
        return None
    return replace(look, candidates=aside, confidence=confidence, notices=[*look.notices, NOTICE])


def _in_english(query: str, hits: Sequence[Hit], sources: Sources) -> tuple[list[Hit], list[str]]:
    """The hits that the reader can read, and what the user should know about the others.

    Rows of a table are names, figures and single words, which look like any language.
    """
    foreign = other_language(query)
    if foreign:
        return [], [f"the question seems to be in another language ({foreign}); the bundled reader reads English only"]
    readable = [hit for hit in hits if is_tabular(hit.passage, sources) or other_language(hit.passage.text) is None]
    unread = len(hits) - len(readable)
    notice = f"passages found but not in English: {unread} of {len(hits)}; the bundled reader reads English only"
    return readable, [notice] if unread else []
