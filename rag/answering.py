"""answer(): the straight line from a question to an Answer.

question -> query -> hits -> their order -> candidates -> claims, each with its citations -> Answer

With a chat model the claims are what it writes from the hits, checked; without one, sentences of the documents.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from index.collection import Collection, Filters, Snapshot
from index.encoder.embedding import Encoder
from index.language import other_language
from rag.answers import Answer, Event, ShortAnswer, Step, evidence_of
from rag.citations import Citation, Claim, Sources, Verdict, cite, plain_claim, with_markers
from rag.confidence import THRESHOLD, confidence_of, signals
from rag.conversation import Turn, said_before, understood
from rag.followup.smalltalk import polite_line
from rag.generation.chat_model import ChatModel
from rag.generation.checking import Judge
from rag.generation.writing import write
from rag.reading.candidates import Candidate, chosen, find_candidates, is_yes_or_no, same_words
from rag.reading.order import DEPTH, in_reading_order
from rag.reading.reader import PassageReader, logistic
from rag.retrieval import Hit, retrieve
from rag.support.facts import stands_in
from rag.words import content_words, names

# How many passages are an answer's evidence: the best of what was found, in the order in which they are worth reading.
PASSAGES = 8
# What a question most likely means is answered unless something else that it may mean is surer by this much.
_LIKELIEST = 0.1
# Where it does not answer and nothing is nearer than this cosine, the documents may be about something else.
_NEAR_ENOUGH = 0.3


@dataclass(frozen=True, slots=True)
class Models:
    """What answers a question of a collection.

    encoder: that of the collection. reader: finds the words that answer. model: writes the answer from the passages;
    without one it is sentences of the documents, verbatim. support: judges what the model wrote.
    """

    encoder: Encoder
    reader: PassageReader
    model: ChatModel | None = None
    support: Judge | None = None


def answer(
    collection: Collection,
    models: Models,
    question: str,
    *,
    history: Sequence[Turn] = (),
    strict: bool = False,
    filters: Filters | None = None,
    passages: int = PASSAGES,
    threshold: float = THRESHOLD,
    hits: Sequence[Hit] | None = None,
) -> Answer:
    """The answer that the documents hold, each sentence of it cited; or an abstention with its reason.

    question: as a person typed it. history: the turns before it, oldest first; they only say what it is about.
    strict: what the documents do not bear out is left out of a model's answer, and with it what nobody judged.
    passages: how many of the best are read; an upper bound.
    threshold: the confidence below which there is no verbatim answer; 0 answers whatever was found.
    hits: passages to read in place of a search, so that other ways of finding them can be measured.
    """
    events = answer_events(
        collection, models, question, history=history, strict=strict, filters=filters, passages=passages,
        threshold=threshold, hits=hits,
    )  # fmt: skip
    return next(event for event in events if isinstance(event, Answer))


def answer_events(
    collection: Collection,
    models: Models,
    question: str,
    *,
    history: Sequence[Turn] = (),
    strict: bool = False,
    filters: Filters | None = None,
    passages: int = PASSAGES,
    threshold: float = THRESHOLD,
    hits: Sequence[Hit] | None = None,
) -> Generator[Event]:
    """The same, as it happens: each Step as it begins, Drafts where an answer is being written, the Answer last.

    Nothing of the collection is held between two events, so the next one may be asked for late, or by another thread.
    Closing it stops the model.
    """
    began, model = perf_counter(), models.model
    polite = polite_line(question)
    if polite is not None:
        yield _small_talk(question, polite)
        return
    yield Step("searching")
    # A lone surrogate, as from bytes that are no UTF-8, is no character that tokenizer or index knows.
    asked = " ".join(question.encode("utf-8", "replace").decode().split())
    queries, said = understood(asked, history, model), said_before(asked, history)
    with collection.reading() as snapshot:
        sources = Sources(snapshot, filters)
        found = [hits] if hits is not None else [
            retrieve(snapshot, models.encoder, query, max(passages, DEPTH), filters=filters) for query in queries
        ]  # fmt: skip
        sources.keep(hit.passage.doc_id for each in found for hit in each)
        nothing = [] if any(found) else [_why_nothing(asked, filters, snapshot)]
    retrieved = perf_counter()
    yield Step("reading")
    looks = [
        _look(query, each, sources, models.reader, asked=asked, passages=passages, said=said)
        for query, each in zip(queries, found, strict=False)
    ]
    best = max(looks, key=lambda look: look.confidence + (_LIKELIEST if look is looks[0] else 0.0))
    query, hits, candidates, confidence = best.query, best.hits, best.candidates, best.confidence
    notices = [*best.notices, *filter(None, nothing)]
    read = perf_counter()
    groups = chosen(candidates, sources) if model is None and confidence >= threshold else []
    claims, citations = _claims(groups)
    written = None
    if model is not None:
        notices += model.notices
        # A model also reads what the reader cannot: then nothing is known of how near the hits are.
        if hits and (not best.readable or _reason(query, hits) != "off_topic" or confidence >= threshold):
            written = yield from write(
                asked, query, hits, sources=sources, encoder=models.encoder, model=model, support=models.support,
                strict=strict,
            )  # fmt: skip
            hits = hits[: written.read]
            claims, citations = written.claims, written.citations
            notices += written.notices
    yield Answer(
        question=question,
        query=query,
        text=with_markers(claims),
        claims=claims,
        citations=tuple(replace(citation, also_in=sources.also_in(citation)) for citation in citations),
        answers=() if is_yes_or_no(query) else _short_answers(groups),
        evidence=tuple(evidence_of(hit, sources) for hit in hits),
        abstained=not claims,
        reason=None if claims else "not_stated" if written else _reason(query, hits),
        confidence=confidence,
        generator="extractive" if model is None else model.name,
        notices=(*collection.notices, *notices),
        seconds={
            "retrieve": retrieved - began,
            "read": read - retrieved,
            "generate": perf_counter() - read if written else 0.0,
            "total": perf_counter() - began,
        },
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """What a query finds: hits in reading order, those that the reader can read, its candidates, and the confidence."""

    query: str
    hits: Sequence[Hit]
    readable: list[Hit]
    notices: list[str]
    candidates: list[Candidate]
    confidence: float


def _look(
    query: str,
    hits: Sequence[Hit],
    sources: Sources,
    reader: PassageReader,
    *,
    asked: str,
    passages: int,
    said: Sequence[str],
) -> _Look:
    """Reads the best of the hits of one of the things that a question may mean; what was said before is no answer."""
    if not other_language(asked):
        hits = in_reading_order(query, hits, sources, reader)
    hits = hits[:passages]
    readable, notices = _in_english(asked, hits)
    candidates = [
        candidate
        for candidate in find_candidates(query, readable, sources, reader)
        if not any(same_words(candidate.text, words) or candidate.text in words for words in said)
    ]
    return _Look(query, hits, readable, notices, candidates, confidence_of(signals(candidates, readable)))


def _small_talk(question: str, line: str) -> Answer:
    """A polite line in place of an answer: nothing was searched for."""
    return Answer(
        question=question, query=question, text=line, claims=(), citations=(), answers=(), evidence=(), abstained=True,
        reason="small_talk", confidence=0.0, generator="extractive", notices=(), seconds={"total": 0.0},
    )  # fmt: skip


def _why_nothing(asked: str, filters: Filters | None, snapshot: Snapshot) -> str:
    """What the user should know where nothing was found; empty where that says all."""
    if not snapshot.n_documents():
        return "the collection holds no document yet; add some with: pilcrow index PATH"
    if not asked:
        return "the question is empty"
    return "no document is of these dates, outlets and names; 'pilcrow list' shows what there is" if filters else ""


def _in_english(query: str, hits: Sequence[Hit]) -> tuple[list[Hit], list[str]]:
    """The hits that the reader can read, and what the user should know about the others."""
    foreign = other_language(query)
    if foreign:
        return [], [f"the question seems to be in another language ({foreign}); the bundled reader reads English only"]
    readable = [hit for hit in hits if other_language(hit.passage.text) is None]
    unread = len(hits) - len(readable)
    notice = f"passages found but not in English: {unread} of {len(hits)}; the bundled reader reads English only"
    return readable, [notice] if unread else []


def _reason(query: str, hits: Sequence[Hit]) -> str:
    """Why there is no answer: the documents speak of what the question is about, or they do not.

    They do where a passage is near, or where the passages found name all that the question names; of a question that
    names nothing, where they have half of its words.
    """
    near = max((hit.cosine for hit in hits), default=0.0) >= _NEAR_ENOUGH
    if near or not hits:
        return "not_stated" if near else "off_topic"
    found = {word.casefold() for hit in hits for word in content_words(hit.passage.text)}
    named = [word.casefold() for name in names(query) for word in name.split()]
    asked = [word.casefold() for word in content_words(query)]
    spoken_of = all(w in found for w in named) if named else 2 * sum(w in found for w in asked) >= len(asked) > 0
    return "not_stated" if spoken_of else "off_topic"


def _claims(groups: Sequence[Sequence[Candidate]]) -> tuple[tuple[Claim, ...], tuple[Citation, ...]]:
    """A claim for each group, and the citations of all its candidates, numbered in the order of the answer."""
    claims: list[Claim] = []
    citations: list[Citation] = []
    for group in groups:
        first = len(citations) + 1
        cited = [cite(candidate.sentence, label) for label, candidate in enumerate(group, first)]
        citations.extend(cited)
        labels = tuple(range(first, len(citations) + 1))
        text = plain_claim(group[0].sentence.text)
        # What a quote says word for word it bears out: the same test comes before the model in `rag.support.model`.
        support = float(any(stands_in(text, citation.quote) for citation in cited))
        claims.append(Claim(text, labels, support, Verdict.of(support)))
    return tuple(claims), tuple(citations)


def _short_answers(groups: Sequence[Sequence[Candidate]]) -> tuple[ShortAnswer, ...]:
    """The words for which each sentence of the answer is shown, best first."""
    return tuple(
        ShortAnswer(c.text, c.start, c.end, c.sentence.document.doc_id, logistic(c.score))
        for c in (group[0] for group in groups)
        if any(char.isalnum() for char in c.text)
    )
