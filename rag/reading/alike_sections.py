"""Short sections that say alike of different things, a month's statement or a site each: read one by one.

Side by side in one excerpt the reader takes one's value for another's, as with the rows of a table. What tells them
apart are their headings. Knows excerpts; not what is made of the reader's answers.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

from index.paragraphs import Kind, Paragraph, heading_words
from index.sentences import unit_spans
from index.tables import Span, as_it_stands
from index.terms import query_words, words_of
from rag.citations import Sentence, Sources
from rag.reading.excerpts import Excerpt, excerpt_with, path_above
from rag.retrieval import Hit

# Characters of a section that is short, and which part of the words of the shorter one two that are alike share.
_SHORT, _SHARED = 600, 0.5
# Sections that must be alike for each of them to be read by itself: with two a difference may be what is asked for.
_ENOUGH = 3
# Sections on either side among which those that are alike are looked for.
_AROUND = 3
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading and the paragraphs below it, up to the next heading."""

    heading: Paragraph
    body: tuple[Paragraph, ...]

    def words(self, text: str) -> set[str]:
        """Its words without those of its heading, in small letters."""
        return {word for p in self.body for word in _WORD.findall(text[p.start : p.end].casefold())}


def in_alike_sections(hits: Sequence[Hit], sources: Sources) -> dict[int, Hit]:
    """The hits whose passages are in sections that others beside them are like, by their ranks.

    The order of reading says nothing of which of them is meant: each has that of the best of its document.
    """
    found = [hit for hit in hits if _alike_section(hit, sources) is not None]
    best: dict[str, float] = {}
    for hit in found:
        best[hit.passage.doc_id] = max(hit.order, best.get(hit.passage.doc_id, hit.order))
    return {hit.rank: replace(hit, order=best[hit.passage.doc_id]) for hit in found}


def best_sections(question: str, hits: Sequence[Hit], sources: Sources, *, most: int) -> list[Excerpt]:
    """The sections of these hits, each an excerpt of its own; those first whose headings the question names."""
    asked = set(query_words(question))
    sections: dict[tuple[str, int], tuple[Hit, _Section]] = {}
    for hit in hits:
        section = _alike_section(hit, sources)
        if section is not None:
            sections.setdefault((hit.passage.doc_id, section.heading.number), (hit, section))
    named = [asked & _heading_words(section.heading, sources) for _, section in sections.values()]
    in_headings = Counter(word for words in named for word in words)
    found = []
    for (hit, section), words in zip(sections.values(), named, strict=True):
        document = sources.document(hit.passage.doc_id)
        parts = [
            *path_above(section.body[0], sources),
            *(as_it_stands(document.text, p.start, p.end) for p in section.body),
        ]
        found.append(excerpt_with(hit, document, parts, sum(log(len(sections) / in_headings[word]) for word in words)))
    return sorted(found, key=lambda excerpt: (-excerpt.named, excerpt.hit.rank))[:most]


def said_in_each(hits: Sequence[Hit], sources: Sources) -> list[tuple[Hit, Span, list[Sentence]]]:
    """Of the alike sections that hits are in, each once: the words of its heading and the sentences below it."""
    found: dict[tuple[str, int], tuple[Hit, Span, list[Sentence]]] = {}
    for hit in hits:
        section = _alike_section(hit, sources)
        if section is not None:
            document, heading = sources.document(hit.passage.doc_id), section.heading
            words = heading_words(document.text[heading.start : heading.end])
            start = document.text.find(words, heading.start)
            said = [
                Sentence(document, p, left, right)
                for p in section.body
                for left, right in unit_spans(document.text, p, p.start, p.end)
            ]
            found.setdefault((document.doc_id, heading.number), (hit, (start, start + len(words)), said))
    return [each for each in found.values() if each[1][0] >= 0]


def _heading_words(heading: Paragraph, sources: Sources) -> set[str]:
    return set(words_of(sources.document(heading.doc_id).text[heading.start : heading.end]))


def _alike_section(hit: Hit, sources: Sources) -> _Section | None:
    """The section of a hit, where it is short and enough of those beside it say alike."""
    doc_id, text = hit.passage.doc_id, sources.document(hit.passage.doc_id).text
    paragraphs = sources.paragraphs(doc_id)
    first = sources.touched(doc_id, hit.passage.start, hit.passage.end)[0]
    own = _section_at(paragraphs, first.number - 1)
    if own is None:
        return None
    words = own.words(text)
    beside = [*_beside(paragraphs, own, -1), *_beside(paragraphs, own, 1)]
    alike = [n for n in beside if len(words & n.words(text)) >= _SHARED * max(len(words), len(n.words(text)), 1)]
    return own if len(alike) + 1 >= _ENOUGH else None


def _section_at(paragraphs: Sequence[Paragraph], at: int) -> _Section | None:
    """The short section that a paragraph is in; None where it has no heading, rows of a table or too many words."""
    first = at
    while first >= 0 and paragraphs[first].kind is not Kind.HEADING:
        if paragraphs[at].end - paragraphs[first].start > _SHORT:
            return None
        first -= 1
    last = first + 1
    while last < len(paragraphs) and paragraphs[last].kind is not Kind.HEADING:
        if first < 0 or paragraphs[last].end - paragraphs[first].end > _SHORT:
            return None
        last += 1
    body = tuple(p for p in paragraphs[first + 1 : last] if p.kind is not Kind.FURNITURE)
    if first < 0 or not body or any(p.kind is Kind.TABLE_ROW for p in body):
        return None
    return _Section(paragraphs[first], body)


def _beside(paragraphs: Sequence[Paragraph], own: _Section, step: int) -> list[_Section]:
    """The sections next to one on one side, of its level, up to a longer one or a heading above it."""
    found: list[_Section] = []
    at = own.heading.number - 1 + (step if step < 0 else len(own.body) + 1)
    while 0 <= at < len(paragraphs) and len(found) < _AROUND:
        section = _section_at(paragraphs, at if step < 0 else min(at + 1, len(paragraphs) - 1))
        if section is None or section.heading.level != own.heading.level or section in found:
            break
        found.append(section)
        at = section.heading.number - 1 + (step if step < 0 else len(section.body) + 1)
    return found
