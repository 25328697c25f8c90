"""Questions about what somebody says, and who says something: the quotations that answer them, as claims.

Knows hits and sources, and reads who speaks in their documents; whether the answer is given at all is decided in
rag/answering.py. What a speaker claims is told as said, never as fact.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from index.documents import Document
from index.news.quotations import Quotation, quotations
from index.paragraphs import Paragraph
from index.sentences import sentence_spans
from rag.answers import ShortAnswer
from rag.citations import Citation, Claim, Sentence, Sources, Verdict, cite_span, unbracketed
from rag.news.quoted import Quote, folded, names_of, quote_of
from rag.reading.candidates import Candidate
from rag.retrieval import Hit
from rag.words import content_words

_SAY = (
    r"(?:say|said|saying|tell|told|think|thought|claim|claimed|argue|argued|state|stated|announce|announced|write"
    r"|wrote|warn|warned|promise|promised|suggest|suggested|comment|commented|reply|replied|answer|answered|predict"
    r"|predicted|believe|believed|ask|asked|deny|denied|admit|admitted|recommend|recommended|demand|demanded|mention"
    r"|mentioned|explain|explained|report|reported|insist|insisted|complain|complained|propose|proposed|remark"
    r"|remarked|have to say|had to say)"
)
_SAYS = (
    r"(?:said|says|claims?|claimed|argues?|argued|stated?|states|announced?|wrote that|writes that|warn(?:s"
    r"|ed)|promise[sd]|suggest(?:s|ed)|predict(?:s|ed)|believes?|believed|thinks?|thought|denie[sd]"
    r"|admit(?:s|ted)|demand(?:s|ed)|explain(?:s|ed)|insist(?:s|ed)|complain(?:s|ed)|propose[sd]|called"
    r"|calls|describe[sd]|told|tells|asked|asks)"
)
_ABOUT = r"(?:about|on|of|regarding|concerning|to|for|in|that|when|as|after|before|at|during|with)"
_LEAD = r"^\W*(?:(?:so|and|but|please|tell me|can you tell me|do you know)[ ,]+)*"
_BY_NAME = (
    re.compile(
        rf"{_LEAD}what (?:else |exactly |all )?(?:did|does|do|has|have|had) (?P<name>.{{2,60}}?) {_SAY}\b"
        rf"(?: (?:to|the) \w+(?= {_ABOUT}))?(?: {_ABOUT}\b)?(?P<topic>.*)$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"{_LEAD}what (?:is|was|are|were) (?P<name>.{{2,60}}?)['’]s? (?:\w+ )?(?:views?|opinions?|position|stance"
        rf"|comments?|statements?|reaction|response|message|take|words|answer|reply|warning)\b(?: {_ABOUT}\b)?"
        r"(?P<topic>.*)$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"{_LEAD}how (?:did|does|do|has) (?P<name>.{{2,60}}?) (?:react|respond|describe|comment|explain"
        rf"|characteri[sz]e|justify)(?:ed|d)?\b(?: {_ABOUT}\b)?(?P<topic>.*)$",
        re.IGNORECASE,
    ),
)
_HOW = _BY_NAME[-1]
_BY_WORDS = re.compile(
    rf"{_LEAD}(?:who(?: else)?|which (?!(?:clause|section|chapter|schedule|paragraph)\b)\w+|whose words (?:are|were)"
    r"|who was it that|who is quoted as)"
    rf"(?: (?:has|have|had|is|was))?(?: (?:also|first|ever|publicly|once))? (?:{_SAYS}|saying)\b"
    r"(?: (?:something|anything))?(?: (?:that|of|about|how|why|whether)\b)?"
    r"(?P<topic>.*)$",
    re.IGNORECASE,
)
# "Who wrote about the roof?": of mails it is told by who sent them.
_WHO_WROTE = re.compile(
    rf"{_LEAD}who (?:wrote|writes|(?:e-?)?mailed(?: (?:me|us))?|(?:told|informed|warned) (?:me|us)"
    r"|sent (?:me |us )?(?:a|an|the) (?:e-?mail|mail|message)) (?:about|of|on|regarding|concerning) (?P<topic>.+)$",
    re.IGNORECASE,
)
# Words of an answer, its first quotation apart, and of one quotation.
_MOST_WORDS, _WORDS_EACH = 90, 60
_MOST_QUOTES, _MOST_SPEAKERS = 4, 3
# The share of the question's words that a quotation has (or its paragraph, where the speaker is asked of).
_ABOUT_SHARE, _WORDS_SHARE = 0.5, 0.6
_STEM = 5


@dataclass(frozen=True, slots=True)
class SaidQuestion:
    """A question about speech. speaker: as it names them; None where it asks who. topic: its content words.

    about: the topic as it is written.
    """

    speaker: str | None
    topic: tuple[str, ...]
    about: str = ""


def said_question(question: str) -> SaidQuestion | None:
    """What a question wants to know of somebody's words; None for any other question."""
    for form in _BY_NAME:
        if match := form.match(question):
            name = match["name"].strip(" \"“”'’")
            if name.casefold() in _NOBODY or not folded(name):
                return None
            topic = tuple(w for w in content_words(match["topic"]) if folded(w) not in folded(name).split())
            return SaidQuestion(name, topic, match["topic"].strip(" ?.!"))
    match = _BY_WORDS.match(question)
    topic = tuple(content_words(match["topic"])) if match else ()
    return SaidQuestion(None, topic) if topic else None


def quotes_asked_for(question: str, hits: Sequence[Hit], sources: Sources, *, sure: bool = False) -> list[Quote]:
    """The quotations that answer a question about speech, in documents' order; none for any other question.

    hits: passages found for it, the best first. sure: the reader has found that they answer it, so that a
    quotation in the best of them does, though it shares no word with the question.
    """
    asked = said_question(question)
    # How somebody explains a thing may be told in other words than theirs: a sentence that does goes before.
    if asked is None or (sure and _HOW.match(question)):
        return []
    found = _in_hits(hits, sources)
    if asked.speaker is not None:
        names = names_of(asked.speaker, {q.speaker for _, q, _ in found})
        words = set(folded(asked.speaker).split())
        found = [
            one
            for one in found
            if one[1].speaker in names or (not names and words <= set(folded(one[1].post or "").split()))
        ]
    scored = sorted(
        ((_score(asked, doc_id, q, rank, sources), n) for n, (doc_id, q, rank) in enumerate(found)), reverse=True
    )
    least = _ABOUT_SHARE if asked.speaker else _WORDS_SHARE
    good = [n for (share, _), n in scored if share >= least or not asked.topic]
    if not good and sure and asked.speaker:
        nearest = min((found[n][2] for _, n in scored), default=0)
        good = [n for _, n in scored if found[n][2] == nearest <= 2]
    if asked.speaker is None and good:
        best = scored[0][0][0]
        good = [n for (share, _), n in scored if share >= best - 0.1 and n in good]
    chosen = _within(good, found, sources, who=asked.speaker is None)
    quotes = [quote_of(sources, found[n][0], _cut(found[n][1], sources.document(found[n][0]).text)) for n in chosen]
    return sorted(quotes, key=lambda q: (q.citation.doc_id, q.citation.start))


def written_by(question: str, hits: Sequence[Hit], sources: Sources) -> tuple[str, list[Hit]] | None:
    """What a question about somebody's words asks of their own documents, such as their mails, and the hits in those;
    or what one for who wrote of something asks of all mails.

    Who wrote a mail is named above it and not in its sentences, so that "What did Ann say about the roof?" is read
    there as "What about the roof?". None for any other question, and where no document found is theirs and has a word
    of what is asked about.
    """
    wrote = _WHO_WROTE.match(question)
    asked = None if wrote else said_question(question)
    if wrote is None and (asked is None or asked.speaker is None):
        return None
    about = wrote["topic"].strip(" ?.!") if wrote else asked.about if asked else ""
    words = [folded(word)[:_STEM] for word in content_words(about)]
    outlets = {hit.passage.doc_id: sources.document(hit.passage.doc_id).publisher or "" for hit in hits}
    speaker = re.sub(r"^the ", "", asked.speaker, flags=re.IGNORECASE) if asked and asked.speaker else ""
    names = names_of(speaker, set(filter(None, outlets.values())))
    own = {
        doc_id for doc_id, outlet in outlets.items()
        if (_sent_by(doc_id, sources) if wrote else outlet in names)
        and any(word in folded(sources.document(doc_id).text) for word in words)
    }  # fmt: skip
    return (f"What about {about}?", [hit for hit in hits if hit.passage.doc_id in own]) if own else None


def with_senders(question: str, candidates: Sequence[Candidate], sources: Sources) -> list[Candidate] | None:
    """Where it is asked who wrote, the name of each who did, once, in place of what they wrote; None elsewhere."""
    if not _WHO_WROTE.match(question):
        return None
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        sent = _sent_by(candidate.sentence.document.doc_id, sources)
        if sent is not None:
            name, line = sent
            start = line.start + line.text.index(name)
            found.setdefault(name, replace(candidate, sentence=line, start=start, end=start + len(name)))
    return list(found.values())


def _sent_by(doc_id: str, sources: Sources) -> tuple[str, Sentence] | None:
    """Who sent a mail, and the line above it that says so; None for what is no mail."""
    document = sources.document(doc_id)
    for paragraph in sources.paragraphs(doc_id)[:1]:
        words = document.text[paragraph.start : paragraph.end]
        if document.publisher and words.startswith(f"From: {document.publisher}"):
            return document.publisher, Sentence(document, paragraph, paragraph.start, paragraph.end)
    return None


def not_told(question: str, quotes: Sequence[Quote], said: Sequence[str]) -> list[Quote]:
    """The quotes without those that answers before told: "who else?" wants other speakers, "what else?" other words."""
    asked = said_question(question)
    by_words = asked is not None and asked.speaker is not None

    def is_told(quote: Quote) -> bool:
        told_by = " ".join(unbracketed(quote.citation.quote).split()) if by_words else quote.speaker
        return any(told_by in words for words in said)

    return [quote for quote in quotes if not is_told(quote)]


def said_claims(question: str, quotes: Sequence[Quote], sources: Sources) -> "SaidAnswer":
    """Quotes as an answer: a claim for each, that names who says it, and what it cites.

    The sentence in which the words stand is cited; where it does not name the speaker, the one that does, too.
    """
    asked = said_question(question)
    claims: list[Claim] = []
    citations: list[Citation] = []
    answers: list[ShortAnswer] = []
    for quote in quotes:
        cited = [_sentence_of(sources, quote)]
        named = _naming_place(sources, quote)
        if named is not None and not cited[0].start <= named[0] < cited[0].end:
            cited.append(_sentence_at(sources, quote.citation.doc_id, *named))
        labels = []
        for citation in cited:
            same = next((c for c in citations if (c.doc_id, c.start) == (citation.doc_id, citation.start)), None)
            if same is None:
                same = _labelled(citation, len(citations) + 1)
                citations.append(same)
            labels.append(same.label)
        claims.append(Claim(told(quote), tuple(labels), 1.0, Verdict.SUPPORTED, speaker=quote.speaker))
        if asked is not None and asked.speaker is None and named is not None:
            doc_id = quote.citation.doc_id
            answers.append(ShortAnswer(sources.document(doc_id).text[slice(*named)], *named, doc_id, 1.0))
    return SaidAnswer(tuple(claims), tuple(citations), tuple(answers))


@dataclass(frozen=True, slots=True)
class SaidAnswer:
    """An answer made of quotations; `answers` are the speakers' names where the question asks who."""

    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    answers: tuple[ShortAnswer, ...]


def told(quote: Quote) -> str:
    """A quote as told: its speaker with post, and the words as said."""
    who = quote.speaker if not quote.post else f"{quote.speaker}, {quote.post}"
    words = " ".join(unbracketed(quote.citation.quote).split())
    comma = "," if quote.post else ""
    who = f"{who[:1].upper()}{who[1:]}"
    return f"{who}{comma} said: “{words}”" if quote.direct else f"{who}{comma} said, as reported: {words}"


_NOBODY = frozenset(
    ("it", "this", "that", "they", "he", "she", "we", "you", "i", "people", "anyone", "anybody", "somebody")
)


def _in_hits(hits: Sequence[Hit], sources: Sources) -> list[tuple[str, Quotation, int]]:
    """(document, quotation, rank of the best hit that has it, else one behind all) of the hits' documents."""
    found = []
    for doc_id in dict.fromkeys(hit.passage.doc_id for hit in hits):
        document = sources.document(doc_id)
        for quotation in _quotations(document, tuple(sources.paragraphs(doc_id))):
            ranks = [
                n
                for n, hit in enumerate(hits)
                if hit.passage.doc_id == doc_id
                and hit.passage.start < quotation.end
                and quotation.start < hit.passage.end
            ]
            found.append((doc_id, quotation, min(ranks, default=len(hits))))
    return found


@lru_cache(maxsize=64)
def _quotations(document: Document, paragraphs: tuple[Paragraph, ...]) -> list[Quotation]:
    return quotations(document.text, paragraphs)


def _score(asked: SaidQuestion, doc_id: str, q: Quotation, rank: int, sources: Sources) -> tuple[float, float]:
    """The share of the question's words that the quotation has, those that only its paragraph has by half; and how
    near it stands to the best hit."""
    topic = _stems(asked.topic)
    text = sources.document(doc_id).text
    own = _stems(content_words(text[q.start : q.end]))
    paragraph = sources.touched(doc_id, q.start, q.end)[0]
    around = _stems(content_words(text[paragraph.start : paragraph.end]))
    weight = 0.75 if asked.speaker else 0.4
    share = sum(1.0 if w in own else weight if w in around else 0.0 for w in topic) / max(len(topic), 1)
    return share, -float(rank)


def _stems(words: Sequence[str]) -> set[str]:
    return {folded(word)[:_STEM] for word in words}


def _within(
    good: Sequence[int], found: Sequence[tuple[str, Quotation, int]], sources: Sources, *, who: bool
) -> list[int]:
    """The best of them that an answer has room for; of copies and of each speaker asked for one."""
    chosen: list[int] = []
    words = 0
    for n in good:
        doc_id, q, _ = found[n]
        text = sources.document(doc_id).text
        said = " ".join(text[q.start : q.end].split())
        others = [(found[m][0], found[m][1]) for m in chosen]
        if any(" ".join(sources.document(d).text[o.start : o.end].split()) == said for d, o in others):
            continue
        if who and any(o.speaker == q.speaker for _, o in others):
            continue
        length = min(len(said.split()), _WORDS_EACH)
        if chosen and (words + length > _MOST_WORDS or len(chosen) >= (_MOST_SPEAKERS if who else _MOST_QUOTES)):
            break
        chosen.append(n)
        words += length
    return chosen


def _cut(q: Quotation, text: str) -> Quotation:
    """A quotation of too many words as its first sentences."""
    end = q.start
    for _, right in sentence_spans(text, q.start, q.end):
        if end > q.start and len(text[q.start : right].split()) > _WORDS_EACH:
            break
        end = right
    return replace(q, end=end) if end > q.start else q


def _sentence_of(sources: Sources, quote: Quote) -> Citation:
    """The sentences that have the words and, where they stand together, what names their speaker."""
    c = quote.citation
    start, end = c.start, c.end
    first, last = sources.sentence_at(c.doc_id, start, start + 1), sources.sentence_at(c.doc_id, end - 1, end)
    left, right = (first.start if first else start), (last.end if last else end)
    if c.paragraph_start <= quote.named_start <= c.paragraph_end and right <= quote.named_start < right + 60:
        naming = sources.sentence_at(c.doc_id, quote.named_start, quote.named_end)
        right = naming.end if naming and naming.start >= right else right
    return cite_span(sources, c.doc_id, max(left, c.paragraph_start), min(max(right, end), c.paragraph_end))


def _naming_place(sources: Sources, quote: Quote) -> tuple[int, int] | None:
    """Where the speaker's name stands: in the words that name them, else the nearest place before."""
    text = sources.document(quote.citation.doc_id).text
    last = quote.speaker.split()[-1]
    inside = text.find(last, quote.named_start, quote.named_end)
    if inside >= 0:
        whole = text.find(quote.speaker, quote.named_start, quote.named_end)
        return (whole, whole + len(quote.speaker)) if whole >= 0 else (inside, inside + len(last))
    before = text.rfind(last, 0, quote.named_start)
    return (before, before + len(last)) if before >= 0 else None


def _sentence_at(sources: Sources, doc_id: str, start: int, end: int) -> Citation:
    sentence = sources.sentence_at(doc_id, start, end)
    return cite_span(sources, doc_id, *(sentence.start, sentence.end) if sentence else (start, end))


def _labelled(citation: Citation, label: int) -> Citation:
    return replace(citation, label=label)
