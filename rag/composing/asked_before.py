"""Questions that a document asks itself: what stands below one that says the same is its answer."""

from collections.abc import Sequence

from index.paragraphs import CONTENT, Kind, Paragraph, heading_words
from index.sentences import unit_spans
from rag.citations import Sentence, Sources
from rag.composing.stems import is_negated, stems
from rag.reading.candidates import Candidate
from rag.retrieval import Hit

# Which part of all words of both questions both must have.
_SAME = 0.75
# An answer of a page of questions is shown up to so many words.
_MOST_WORDS = 60


def answered_below(question: str, hits: Sequence[Hit], sources: Sources) -> list[Candidate]:
    """The sentences below the question that a document asks and that is nearly this one; empty where none is."""
    asked = stems(question)
    if not asked:
        return []
    for hit in hits:
        for paragraph in sources.touched(hit.passage.doc_id, hit.passage.start, hit.passage.end):
            above = _question_above(paragraph, sources)
            if above is None or is_negated(above) != is_negated(question):
                continue
            same = stems(above)
            if paragraph.kind in CONTENT and len(asked & same) >= _SAME * len(asked | same):
                return _sentences(paragraph, hit, sources)
    return []


def _question_above(paragraph: Paragraph, sources: Sources) -> str | None:
    """The question right above a paragraph: a heading, or a paragraph that is nothing else."""
    paragraphs = sources.paragraphs(paragraph.doc_id)
    at = next(n for n, p in enumerate(paragraphs) if p.number == paragraph.number)
    if not at:
        return None
    above = paragraphs[at - 1]
    words = heading_words(sources.document(paragraph.doc_id).text[above.start : above.end])
    is_one = words.endswith("?") and (above.kind is Kind.HEADING or (words.count("?") == 1 and len(words.split()) < 30))
    return words if is_one and above.kind in (CONTENT | {Kind.HEADING}) else None


def _sentences(paragraph: Paragraph, hit: Hit, sources: Sources) -> list[Candidate]:
    document = sources.document(paragraph.doc_id)
    found: list[Candidate] = []
    words = 0
    for start, end in unit_spans(document.text, paragraph):
        words += len(document.text[start:end].split())
        if found and words > _MOST_WORDS:
            break
        found.append(Candidate(hit, Sentence(document, paragraph, start, end), start, end, 0.0, 0.0))
    return found
