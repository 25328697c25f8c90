"""Accounts and gists: two to five sentences from different places, chosen to cover and not to repeat.

Knows sentences, their vectors and what the reader makes of them; not what a question asks for.
"""

import re
from collections.abc import Sequence, Set

from index.encoder.embedding import Encoder
from index.paragraphs import Kind
from index.sentences import unit_spans
from rag.citations import Sentence, Sources
from rag.composing.lines import whole
from rag.composing.stems import shared, stems
from rag.reading.candidates import Candidate
from rag.retrieval import Hit
from rag.words import names

# Words of an account in all, and its sentences.
MOST_WORDS = 90
_MOST_SENTENCES = 5
# Of two sentences that share more of their words one is enough.
_REPEATS = 0.5
# A further sentence of an account is as near the question as this, and this part as near as the best one.
_NEAR, _AS_NEAR = 0.42, 0.75
# What the reader must make of the excerpt that it stands in, and of its words, against "no answer".
_ANSWERABLE, _MARGIN = 0.0, -2.0
# Sentences of fewer words lead nowhere: "Good morning.", "By Ann Example".
_LEAST_WORDS = 6
# A sentence that leans on the one before it tells nothing by itself.
_LEANS = re.compile(
    r"(?:He|She|They|It|This|That|These|Those|His|Her|Their|Its|But|And|Yet|So|However|Then|Also|There|Here)\b"
    r"|.*\b(?:this|that|so)[.!?]$"
)
_MORE = re.compile(
    r"\b(?:in (?:more )?detail|detailed|at length|long(?:er)?|full(?:y)?|everything|thorough(?:ly)?)\b", re.IGNORECASE
)


def room_for(question: str) -> int:
    """The words that an account may have: more where the question asks for more."""
    return 2 * MOST_WORDS if _MORE.search(question) else MOST_WORDS


def account(
    question: str, lines: Sequence[Candidate], candidates: Sequence[Candidate], encoder: Encoder, *, most_words: int
) -> list[Candidate]:
    """The sentences of an answer with further ones that tell of the same matter, in their order behind the first.

    lines: the answer so far, the best first. Each further sentence is one in which the reader finds an answer, near the
    question, and not what a sentence before it says; of another document only where that has all that is named.
    """
    others: dict[tuple[str, int], Candidate] = {}
    taken = {_place(c) for c in lines}
    for c in candidates:
        may_answer = c.answerable >= _ANSWERABLE and c.margin >= _MARGIN
        if _place(c) not in taken and may_answer and _tells_of_the_same(c, lines[0], question):
            others.setdefault(_place(c), c)
    if not others:
        return list(lines)
    pool = [*lines[:1], *others.values()]
    vectors = encoder.encode([question, *(c.sentence.text for c in pool)])
    near = vectors[1:] @ vectors[0]
    found = list(lines)
    words = sum(len(c.sentence.text.split()) for c in found)
    asked = stems(question)
    for n in sorted(range(1, len(pool)), key=lambda n: -near[n]):
        size = len(pool[n].sentence.text.split())
        if near[n] < max(_NEAR, _AS_NEAR * float(near[0])) or len(found) == _MOST_SENTENCES:
            break
        again = any(_repeats(pool[n].sentence, c.sentence, asked) for c in found)
        if words + size <= most_words and not again:
            found.append(pool[n])
            words += size
    first_of = {doc_id: n for n, doc_id in enumerate(dict.fromkeys(c.sentence.document.doc_id for c in found))}
    return [found[0], *sorted(found[1:], key=lambda c: (first_of[c.sentence.document.doc_id], c.sentence.start))]


def _tells_of_the_same(candidate: Candidate, first: Candidate, question: str) -> bool:
    """Whether a candidate is of the first one's document, or of one that has whatever the question names."""
    document = candidate.sentence.document
    named = stems(" ".join(names(question)))
    around = stems(f"{document.title or ''} {candidate.hit.passage.text}")
    return document.doc_id == first.sentence.document.doc_id or (bool(named) and named <= around)


def gist(
    doc_ids: Sequence[str], hits: Sequence[Hit], sources: Sources, encoder: Encoder, *, most_words: int
) -> list[Candidate]:
    """The sentences that tell what documents are about, in their order: of each its first, and, where there is room,
    those that open its further parts and lie nearest to what all of it says."""
    found: list[Candidate] = []
    share = most_words // max(len(doc_ids), 1)
    for doc_id in doc_ids:
        hit = next((hit for hit in hits if hit.passage.doc_id == doc_id), None)
        if hit is not None:
            found += _gist_of(
                doc_id, hit, sources, encoder, most_words=max(share, 25), most=5 if len(doc_ids) == 1 else 2
            )
    return found[:_MOST_SENTENCES]


def _gist_of(
    doc_id: str, hit: Hit, sources: Sources, encoder: Encoder, *, most_words: int, most: int
) -> list[Candidate]:
    document = sources.document(doc_id)
    openings: list[Sentence] = []
    for paragraph in sources.paragraphs(doc_id):
        if paragraph.kind is not Kind.BODY:
            continue
        spans = unit_spans(document.text, paragraph, paragraph.start, min(paragraph.end, paragraph.start + 4000))
        # Of the first paragraph that says anything its first two sentences, of others the first.
        for start, end in spans[: 1 if openings else 2]:
            words = document.text[start:end]
            if len(words.split()) >= _LEAST_WORDS and not (_LEANS.match(words) or words.endswith("?")):
                openings.append(Sentence(document, paragraph, start, end))
    if not openings:
        return []
    openings = openings[:60]
    vectors = encoder.encode([s.text for s in openings])
    middle = vectors.mean(axis=0)
    central = vectors @ middle
    chosen = [0]
    length = len(openings[0].text.split())
    for n in sorted(range(1, len(openings)), key=lambda n: (n > 1, -central[n])):
        size = len(openings[n].text.split())
        if len(chosen) == most:
            break
        if length + size <= most_words and not any(_repeats(openings[n], openings[m]) for m in chosen):
            chosen.append(n)
            length += size
    like = Candidate(hit, openings[0], openings[0].start, openings[0].end, 0.0, 0.0)
    return [whole(openings[n], like) for n in sorted(chosen)]


def _place(candidate: Candidate) -> tuple[str, int]:
    return candidate.sentence.document.doc_id, candidate.sentence.start


def _repeats(one: Sentence, other: Sentence, asked: Set[str] = frozenset()) -> bool:
    """Whether two sentences say much of the same; the words of the question both may have."""
    return shared(stems(one.text) - asked, stems(other.text) - asked) > _REPEATS
