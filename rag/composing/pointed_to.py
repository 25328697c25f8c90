"""What a question points to: a document by its subject, title or kind, a part by its number, or a question that the
document asks itself.

What stands below a question that says the same is its answer. To a reader of meaning a number says nothing: "What does
clause 2.2 say?" asks for what stands behind it. Knows the kinds of paragraphs; not how documents were found.
"""

import re
from collections.abc import Iterator, Sequence

from index.paragraphs import CONTENT, Kind, Paragraph, heading_words
from index.sentences import unit_spans
from rag.citations import Sentence, Sources
from rag.composing.dating import newest_first
from rag.composing.stems import is_negated, stems
from rag.reading.candidates import Candidate
from rag.retrieval import Hit

# Which part of all words of both questions both must have.
_SAME = 0.75
# An answer of a page of questions, or a part, is shown up to so many words; parts of so many documents.
_MOST_WORDS = 60
_MOST_DOCUMENTS = 3
_LABEL = r"(?:clause|section|article|paragraph|chapter|rule|item|step|point|part|regulation|requirement|§+|sec\.)"
_NUMBERED = re.compile(
    rf"(?<!\w){_LABEL}\s*(?:no\.?\s*|number\s+)?(?P<number>\d{{1,4}}(?:\.\d{{1,3}})*)(?![\w.]*\d)", re.IGNORECASE
)
# "What does the word X mean?", "What is meant by X?", "What does X stand for?", "Define X".
_CALLED = r"(?:the )?(?:(?:word|term|expression|phrase|abbreviation|acronym)s? )?"
_MEANING = re.compile(
    rf"\W*(?:what do(?:es)? {_CALLED}(?P<term>.+?) (?:mean|stand for|refer to)\b.*"
    rf"|(?:what is (?:meant by|the (?:meaning|definition) of)|define) {_CALLED}(?P<defined>.+))",
    re.IGNORECASE,
)
_AROUND_A_TERM = " \"'“”‘’«»:.?!"
_SAYS = stems(
    "say state provide contain mean read tell describe cover require regulate about text word content show give "
    "explain summarise summarize quote repeat deal concern"
)


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
                return _sentences([paragraph], hit, sources)
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


def defined_below(question: str, hits: Sequence[Hit], sources: Sources) -> list[Candidate]:
    """The sentences below the heading that is just the word whose meaning is asked, as in a glossary; else none."""
    asked = _MEANING.match(question)
    term = (asked["term"] or asked["defined"]).strip(_AROUND_A_TERM).casefold() if asked else ""
    for hit in hits if term else ():
        for paragraph in sources.touched(hit.passage.doc_id, hit.passage.start, hit.passage.end):
            above = [*sources.headings(paragraph)][-1:]
            text = sources.document(hit.passage.doc_id).text
            words = [heading_words(text[h.start : h.end]).strip(_AROUND_A_TERM).casefold() for h in above]
            if paragraph.kind in CONTENT and words == [term]:
                return _sentences([paragraph], hit, sources)
    return []


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


# ---- Parts by their numbers


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


_OWN_NUMBER = re.compile(
    rf"(?:{_LABEL}\s*)?(?P<number>(?:§+\s?)?\d{{1,3}}(?:\.\d{{1,3}})*|\([a-z\d]{{1,3}}\))[.):]*\s", re.I
)


def headed_about(topic: str, hits: Sequence[Hit], sources: Sources) -> list[Candidate]:
    """The first sentences below the heading that has all words of a topic, the shortest such heading of the documents
    found; empty where none has."""
    words = stems(topic)
    found: list[tuple[int, Hit, Paragraph]] = []
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(hit.passage.doc_id, hit)
    for doc_id, hit in first.items():
        text = sources.document(doc_id).text
        for paragraph in sources.paragraphs(doc_id):
            heading = heading_words(text[paragraph.start : paragraph.end])
            if paragraph.kind is Kind.HEADING and heading != sources.document(doc_id).title and words <= stems(heading):
                found.append((len(heading.split()), hit, paragraph))
    for _, hit, heading_above in sorted(found, key=lambda f: f[0]) if words else ():
        paragraphs = sources.paragraphs(hit.passage.doc_id)
        below = [p for p in paragraphs if p.kind in CONTENT and heading_above in sources.headings(p)]
        if below:
            return _sentences(below, hit, sources)
    return []


def place_of(candidate: Candidate, sources: Sources) -> str:
    """Where a sentence stands, as its document numbers or heads it: "7.3", "Keeping animals"; "" where it does not."""
    paragraph = candidate.sentence.paragraph
    own = _OWN_NUMBER.match(candidate.sentence.document.text[paragraph.start : paragraph.end])
    if own and paragraph.kind is not Kind.TABLE_ROW:
        return own["number"]
    return next(reversed(sources.heading_words(paragraph)), "")


# ---- Documents


_ABOUT_DOCUMENTS = """
    summarise summarize sum outline recap summary overview gist synopsis main key central point points idea topic
    subject theme message takeaway document documents text article paper report page file letter email message memo
    book story chapter note notes manual contract minutes piece post essay study transcript policy leaflet guide
    speech interview review news development update status kind short brief briefly quick deal cover describe
    content contents detail detailed whole
"""
# Words that say of a document what it is, and not what it is about.
_OF_DOCUMENTS = stems(_ABOUT_DOCUMENTS)
# "Tell me about the old library".
_TELL_OF = re.compile(
    r"\W*(?:(?:please|can you|could you) )*(?:describe|(?:(?:what can you )?tell me )?(?:more |something )?about)\b",
    re.IGNORECASE,
)


def subject_of(question: str) -> set[str]:
    """The stems that say what the document is about that a question asks for: empty of "summarise the minutes"."""
    return stems(question) - _OF_DOCUMENTS


def best_about(subject: set[str], hits: Sequence[Hit], sources: Sources, *, recent: bool) -> list[str]:
    """The document that has a word of the subject, the best found; for the latest of it the newest that has all."""
    words = _words_of_each(hits, sources)
    some = [d for d in words if subject & words[d]]
    if recent:
        some = [d for d in some if subject <= words[d]] or some
        some = [some[n] for n in newest_first([sources.document(d) for d in some])]
    return some[:1]


def all_about(subject: set[str], hits: Sequence[Hit], sources: Sources) -> list[str]:
    """The documents that have all words of a subject, in the order found; those alone with one in their title, if there
    are such."""
    about = [d for d, words in _words_of_each(hits, sources).items() if subject and subject <= words]
    return [d for d in about if subject & stems(sources.document(d).title or d)] or about


def called(question: str, hits: Sequence[Hit], sources: Sources) -> list[str]:
    """The documents whose title or name has one of the question's words: "the minutes", "the contract"."""
    asked = stems(question)
    doc_ids = dict.fromkeys(hit.passage.doc_id for hit in hits)
    return [d for d in doc_ids if asked & stems(f"{sources.document(d).title or ''} {d}")]


def entitled_so(question: str, hits: Sequence[Hit], sources: Sources) -> str | None:
    """The document that has all words of what a question wants told in its title: "tell me about the old library"."""
    lead = _TELL_OF.match(question)
    subject = stems(question[lead.end() :]) if lead else set()
    doc_ids = dict.fromkeys(hit.passage.doc_id for hit in hits)
    return next((d for d in doc_ids if subject and subject <= stems(sources.document(d).title or "")), None)


def _words_of_each(hits: Sequence[Hit], sources: Sources) -> dict[str, set[str]]:
    """The stems of what was found of each document, and of its title and name; in the order found."""
    texts: dict[str, list[str]] = {}
    for hit in hits:
        texts.setdefault(hit.passage.doc_id, []).append(hit.passage.text)
    return {d: stems(" ".join([sources.document(d).title or "", d, *found])) for d, found in texts.items()}
