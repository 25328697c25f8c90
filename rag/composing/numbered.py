"""What a part says that a question names by its number: "What does clause 2.2 say?"

To a reader of meaning a number says nothing; it stands before the words that are asked for. Knows the kinds of
paragraphs and their numbers as they are written; not how documents were found.
"""

import re
from collections.abc import Iterator, Sequence

from index.paragraphs import CONTENT, Kind, Paragraph, heading_words
from index.sentences import unit_spans
from rag.citations import Sentence, Sources
from rag.composing.stems import stems
from rag.reading.candidates import Candidate
from rag.retrieval import Hit

_LABEL = r"(?:clause|section|article|paragraph|chapter|rule|item|step|point|part|regulation|requirement|§+|sec\.)"
_NUMBERED = re.compile(
    rf"(?<!\w){_LABEL}\s*(?:no\.?\s*|number\s+)?(?P<number>\d{{1,4}}(?:\.\d{{1,3}})*)(?![\w.]*\d)", re.IGNORECASE
)
_SAYS = stems(
    "say state provide contain mean read tell describe cover require regulate about text word content show give "
    "explain summarise summarize quote repeat deal concern"
)
# Sentences are shown up to so many words of a part, and parts of that number of so many documents.
_MOST_WORDS = 60
_MOST_DOCUMENTS = 3


def said_by_number(question: str, hits: Sequence[Hit], sources: Sources) -> list[list[Candidate]]:
    """The first sentences of the part that a question asks for by its number alone, of each document that has one.

    Empty where a question asks something else, or names by its other words what is no document's name.
    """
    named = _NUMBERED.search(question)
    if named is None:
        return []
    others = stems(question[: named.start()] + " " + question[named.end() :]) - _SAYS
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(hit.passage.doc_id, hit)
    parts = []
    for doc_id, hit in first.items():
        document = sources.document(doc_id)
        if others <= stems(f"{document.title or ''} {re.sub(r'[_.-]+', ' ', doc_id)}"):
            part = next(_parts(named["number"], doc_id, sources), None)
            if part:
                parts.append(_sentences(part, hit, sources))
    return parts[:_MOST_DOCUMENTS]


def _parts(number: str, doc_id: str, sources: Sources) -> Iterator[list[Paragraph]]:
    """The content of each part of this number: the paragraph that begins with it, or all below such a heading."""
    text, paragraphs = sources.document(doc_id).text, sources.paragraphs(doc_id)
    begins = re.compile(rf"(?:{_LABEL}\s*)?{re.escape(number)}(?:[.):]*\s|[.):]*$)", re.IGNORECASE)
    for paragraph in paragraphs:
        if not begins.match(heading_words(text[paragraph.start : paragraph.end])):
            continue
        if paragraph.kind is Kind.HEADING:
            below = [p for p in paragraphs if p.kind in CONTENT and paragraph in sources.headings(p)]
            if below:
                yield below
        elif paragraph.kind in CONTENT - {Kind.TABLE_ROW}:
            yield [paragraph]


def _sentences(part: Sequence[Paragraph], hit: Hit, sources: Sources) -> list[Candidate]:
    found: list[Candidate] = []
    words = 0
    for paragraph in part:
        document = sources.document(paragraph.doc_id)
        for start, end in unit_spans(document.text, paragraph):
            words += len(document.text[start:end].split())
            if found and words > _MOST_WORDS:
                return found
            found.append(Candidate(hit, Sentence(document, paragraph, start, end), start, end, 0.0, 0.0))
    return found
