"""What stands in furniture: looked at where nothing else answers, and believed only where the reader is very sure.

Furniture is in no passage, so search finds none of it; here that of the documents found is read, as it stands. Knows
paragraphs and candidates; not whether something else answers.
"""

from collections.abc import Iterator, Sequence

from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from index.sentences import unit_spans
from index.tables import as_it_stands
from index.terms import query_words, words_of
from rag.citations import Sentence, Sources
from rag.reading.candidates import ANSWERABLE_WEIGHT, Candidate
from rag.reading.excerpts import Excerpt, excerpt_with
from rag.reading.reader import PassageReader
from rag.retrieval import Hit

# From which confidence on a line of furniture answers: a menu that shares a question's words is no answer.
ASIDE_FROM = 0.75
NOTICE = (
    "nothing in the text itself answers; this stands in what surrounds it (menus, bylines, notices), else passed over"
)
# Documents whose furniture is looked at, characters of a stretch of it, and how many of the stretches are read.
_DOCUMENTS = 8
# "Dear Ann," and "On 3 May, Ann Example wrote:" above a quoted mail open what is said, and say nothing.
_OPENS = (",", ":")
_CHARACTERS = 600
_READ = 2


def find_aside(question: str, hits: Sequence[Hit], sources: Sources, reader: PassageReader) -> list[Candidate]:
    """The spans of furniture that may answer, best first, from stretches that have most of the question's words.

    hits: what was found, in the order of reading; the furniture of their documents is looked at.
    """
    asked = set(query_words(question))
    named = dict.fromkeys(hit.passage.doc_id for hit in hits)
    found = []
    for doc_id in list(named)[:_DOCUMENTS]:
        text = sources.document(doc_id).text
        for start, end in _stretches(sources.paragraphs(doc_id)):
            shared = len(asked.intersection(words_of(text[start:end])))
            if shared:
                found.append((shared, Passage(-1, doc_id, start, end, text[start:end])))
    found.sort(key=lambda of: -of[0])
    rank = len(hits)
    shown = [
        excerpt_with(
            Hit(passage, 0.0, rank + n, 0.0, 0.0),
            sources.document(passage.doc_id),
            [as_it_stands(sources.document(passage.doc_id).text, passage.start, passage.end)],
        )
        for n, (_, passage) in enumerate(found[:_READ], 1)
    ]
    return _candidates(question, shown, sources, reader)


def _candidates(question: str, shown: Sequence[Excerpt], sources: Sources, reader: PassageReader) -> list[Candidate]:
    readings = reader.read(question, [e.text for e in shown], [e.title for e in shown]) if shown else []
    found = []
    for excerpt, reading in zip(shown, readings, strict=True):
        for span in reading.spans:
            place = excerpt.place(span.start, span.end)
            sentence = _sentence_at(excerpt.hit.passage.doc_id, *place, sources) if place else None
            if place is None or sentence is None or sentence.text.endswith(_OPENS):
                continue
            margin = span.score - reading.null_score
            score = margin + ANSWERABLE_WEIGHT * reading.answerable
            start, end = max(place[0], sentence.start), min(place[1], sentence.end)
            found.append(
                Candidate(excerpt.hit, sentence, start, end, score, reading.answerable, margin, reading.yes, margin)
            )
    return sorted(found, key=lambda c: (-c.score, c.hit.rank, c.start))


def _sentence_at(doc_id: str, start: int, end: int, sources: Sources) -> Sentence | None:
    """The sentence of furniture that has the first of these characters."""
    document = sources.document(doc_id)
    return next(
        (
            Sentence(document, paragraph, left, right)
            for paragraph in sources.touched(doc_id, start, end)
            if paragraph.kind is Kind.FURNITURE
            for left, right in unit_spans(document.text, paragraph)
            if left <= start < right
        ),
        None,
    )


def _stretches(paragraphs: Sequence[Paragraph]) -> Iterator[tuple[int, int]]:
    """Runs of furniture without anything between, of whole paragraphs while there is room, a long one by itself."""
    run: tuple[int, int] | None = None
    for paragraph in paragraphs:
        is_aside = paragraph.kind is Kind.FURNITURE
        if run and not (is_aside and paragraph.end - run[0] <= _CHARACTERS):
            yield run
            run = None
        if is_aside:
            run = (run[0] if run else paragraph.start, paragraph.end)
    if run:
        yield run
