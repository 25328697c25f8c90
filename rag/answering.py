"""answer(): the straight line from a question to an Answer.

question -> query -> hits -> their order -> candidates -> claims, each with its citations -> Answer

With a chat model the claims are what it writes from the hits, checked; without one, sentences of the documents.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from index.collection import Collection, Filters, Snapshot
from index.encoder.embedding import Encoder
from rag.answers import Answer, Event, ShortAnswer, Step, evidence_of
from rag.citations import Citation, Claim, Sources, Verdict, cite, plain_claim, with_markers
from rag.composing.composing import Reading, compose
from rag.composing.grids import keep_records
from rag.composing.lines import Line
from rag.composing.shapes import Ask, Shape, ask_of
from rag.confidence import THRESHOLD
from rag.conversation import Turn, said_before, understood
from rag.finding.spelling import Respelled, respelled
from rag.followup.smalltalk import polite_line
from rag.generation.chat_model import ChatModel
from rag.generation.checking import Judge
from rag.generation.quoting import Quotes
from rag.generation.writing import write
from rag.looking import Look, aside_of, is_said, look_at, surest
from rag.news.said import not_told, quotes_asked_for, said_claims, with_senders, written_by
from rag.parts import Together, asks_in, together, typed_parts
from rag.reading.candidates import is_yes_or_no
from rag.reading.order import DEPTH
from rag.reading.reader import PassageReader, logistic
from rag.retrieval import Hit, retrieve
from rag.support.facts import stands_in
from rag.words import content_words, names

# How many passages are an answer's evidence: the best of what was found, in the order in which they are worth reading.
PASSAGES = 8
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
    own_reading: bool = False,
) -> Answer:
    """The answer that the documents hold, each sentence of it cited; or an abstention with its reason.

    question: as a person typed it. history: the turns before it, oldest first; they only say what it is about.
    strict: what the documents do not bear out is left out of a model's answer, and with it what nobody judged.
    passages: how many of the best are read; an upper bound.
    threshold: the confidence below which there is no verbatim answer; 0 answers whatever was found.
    hits: passages to read in place of a search, so that other ways of finding them can be measured.
    own_reading: a model is asked also where the reader finds no answer, which takes long and is wrong more often.
    """
    events = answer_events(
        collection, models, question, history=history, strict=strict, filters=filters, passages=passages,
        threshold=threshold, hits=hits, own_reading=own_reading,
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
    own_reading: bool = False,
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
    # A small model rewrites no question better than the rules do, and takes seconds for it.
    queries = understood(asked, history, None if model is None or model.is_small else model)
    said = said_before(asked, history)
    # The questions that are asked together; or else the things that one may mean, of which the surest is answered.
    in_parts = model is None and hits is None and len(queries) == 1
    asks = asks_in(queries[0]) if in_parts else [ask_of(query) for query in queries]
    with collection.reading() as snapshot:
        sources = Sources(snapshot, filters)
        spelled = [respelled(ask.read_as, snapshot, models.encoder) for ask in asks]
        whole = respelled(queries[0], snapshot, models.encoder).text
        found = [hits] if hits is not None else [
            retrieve(snapshot, models.encoder, words.text, max(passages, DEPTH), filters=filters) for words in spelled
        ]  # fmt: skip
        _keep(asks, found, snapshot, sources, passages=passages, filters=filters)
        nothing = "" if any(found) else _why_nothing(asked, filters, snapshot)
    retrieved = perf_counter()
    yield Step("reading")
    reading = Reading(sources, models.reader, models.encoder, filters)
    looks = [
        look_at(ask, words, each, sources, models.reader, asked=asked, passages=passages, said=said)
        for ask, words, each in zip(asks, spelled, found, strict=False)
    ]
    if len(queries) > 1:
        looks = [surest(looks)]
        whole = looks[0].ask.question
    typed = typed_parts(asked, queries[0]) if len(looks) > 1 else []
    told = _told(looks, reading, threshold, passages, typed, asked=asked, said=said, with_aside=model is None)
    query, hits, composed, confidence = whole, told.hits, told.composed, told.composed.confidence
    notices = [*told.notices, *filter(None, [nothing])]
    read = perf_counter()
    lines = _not_said(composed.lines, said)
    claims, citations = _claims(lines)
    short = () if is_yes_or_no(query) else _short_answers(lines)
    # Who says what, where that is asked; it has claims and citations of its own, in place of the reader's.
    speaks = model is None and bool(told.readable)
    quoted = quotes_asked_for(query, told.found, sources, sure=bool(lines)) if speaks else []
    quoted = not_told(query, quoted, said)
    if quoted:
        by_speaker = said_claims(query, quoted, sources)
        claims, citations, short = by_speaker.claims, by_speaker.citations, by_speaker.answers
        confidence, lines = max(confidence, threshold), ()
    written = None
    if model is not None:
        notices += model.notices
        # A model also reads what the reader cannot. Elsewhere it would take long to find what the reader says at once.
        if hits and (not told.readable or lines or (own_reading and _reason(query, hits) != "off_topic")):
            quotes = Quotes(claims, citations, tuple("" if is_yes_or_no(query) else n.cited[0].text for n in lines))
            written = yield from write(
                asked, query, hits, sources=sources, encoder=models.encoder, model=model, support=models.support,
                strict=strict, quotes=quotes,
            )  # fmt: skip
            hits, lines = hits[: written.read], ()
            claims, citations = written.claims, written.citations
            notices += written.notices
    yield Answer(
        question=question,
        query=query,
        text=with_markers(claims),
        claims=claims,
        citations=tuple(sources.set_out(citation) for citation in citations),
        answers=short,
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
        direct=composed.direct if lines and len(lines) == len(composed.lines) else None,
        shape=composed.shape,
        disputed=bool(lines) and composed.disputed,
        computed=composed.computed if lines else None,
    )


def _keep(
    asks: Sequence[Ask],
    found: Sequence[Sequence[Hit]],
    snapshot: Snapshot,
    sources: Sources,
    *,
    passages: int,
    filters: Filters | None,
) -> None:
    """Reads now all that an answer may cite: the snapshot ends before the reading begins."""
    sources.keep(hit.passage.doc_id for each in found for hit in each)
    if any(ask.shape in (Shape.SEVERAL, Shape.COMPARISON) for ask in asks):
        keep_records(snapshot, sources, [hit for each in found for hit in each[:passages]], filters)


def _in_own_words(
    look: Look, sources: Sources, reader: PassageReader, *, asked: str, passages: int, said: Sequence[str]
) -> Look:
    """The look itself, or a surer one at what somebody wrote whose words are asked for: see `written_by`."""
    own = written_by(look.ask.question, look.found, sources)
    if own is None:
        return look
    query, hits = own
    theirs = look_at(
        ask_of(query), Respelled(query), hits, sources, reader, asked=asked, passages=passages, said=said
    )  # fmt: skip
    senders = with_senders(look.ask.question, theirs.candidates, sources)
    if senders is not None:
        theirs = replace(theirs, ask=look.ask, candidates=senders)
    return max((look, theirs), key=lambda each: each.confidence)


def _told(
    looks: Sequence[Look],
    reading: Reading,
    threshold: float,
    passages: int,
    typed: Sequence[str],
    *,
    asked: str,
    said: Sequence[str],
    with_aside: bool,
) -> Together:
    """What is made of what was read.

    typed: the parts of a question that is several, in the user's words. asked, said: as for `look_at`.
    with_aside: where the text answers nothing, also of what stands around it, and of what its writer says in it.
    """
    if with_aside and len(looks) == 1 and looks[0].confidence < threshold:
        looks = [_in_own_words(looks[0], reading.sources, reading.reader, asked=asked, passages=passages, said=said)]
    composed = [compose(k.ask, k.candidates, k.readable, reading, threshold) for k in looks]
    told = together(looks, composed, passages, typed)
    aside = aside_of(looks[0], reading.sources, reading.reader) if with_aside and not told.composed.lines else None
    if aside is None:
        return told
    return together([aside], [compose(aside.ask, aside.candidates, aside.readable, reading, threshold)], passages)


def _not_said(lines: Sequence[Line], said: Sequence[str]) -> tuple[Line, ...]:
    """The lines that say something new: "who else?" is not answered with who was named already."""
    return tuple(n for n in lines if not any(is_said(n.direct, n.cited[0].sentence.text, words) for words in said))


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


def _claims(lines: Sequence[Line]) -> tuple[tuple[Claim, ...], tuple[Citation, ...]]:
    """A claim for each line, and the citations of all its candidates, numbered in the order of the answer."""
    claims: list[Claim] = []
    citations: list[Citation] = []
    for line in lines:
        first = len(citations) + 1
        cited = [cite(candidate.sentence, label) for label, candidate in enumerate(line.cited, first)]
        citations.extend(cited)
        labels = tuple(range(first, len(citations) + 1))
        text = plain_claim(line.cited[0].sentence.text)
        # What a quote says word for word it bears out: the same test comes before the model in `rag.support.model`.
        support = float(any(stands_in(text, citation.quote) for citation in cited))
        meant = ": ".join(line.meant) if line.meant else None
        claims.append(
            Claim(text, labels, support, Verdict.of(support), direct=line.direct, meant=meant, older=line.older)
        )
    return tuple(claims), tuple(citations)


def _short_answers(lines: Sequence[Line]) -> tuple[ShortAnswer, ...]:
    """The words for which each sentence of the answer is shown, best first."""
    found = [
        ShortAnswer(c.text, c.start, c.end, c.sentence.document.doc_id, logistic(c.score))
        for line in lines
        for c in (line.cited[0], *line.also)
        if any(char.isalnum() for char in c.text) and (line.direct or len(lines) == 1)
    ]
    return tuple(sorted(found, key=lambda short: -short.score))
