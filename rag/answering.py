"""answer(): the straight line from a question to an Answer.

question -> query -> hits -> their order -> candidates -> claims, each with its citations -> Answer

With a chat model the claims are what it writes from the hits, checked; without one, sentences of the documents.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from time import perf_counter

from index.collection import Collection, Filters, Snapshot
from index.encoder.embedding import Encoder
from index.language import other_language
from rag.answers import Answer, Event, ShortAnswer, Step, evidence_of
from rag.citations import Citation, Claim, Sources, Verdict, cite, plain_claim, with_markers
from rag.confidence import THRESHOLD, confidence_of, signals
from rag.conversation import Turn, standalone
from rag.generation.chat_model import ChatModel
from rag.generation.checking import Judge
from rag.generation.writing import write
from rag.reading.aside import ASIDE_FROM, NOTICE, find_aside
from rag.reading.candidates import Candidate, chosen, find_candidates, is_yes_or_no
from rag.reading.order import DEPTH, in_reading_order
from rag.reading.reader import PassageReader, logistic
from rag.reading.table_rows import is_tabular
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
    yield Step("searching")
    # A lone surrogate, as from bytes that are no UTF-8, is no character that tokenizer or index knows.
    asked = " ".join(question.encode("utf-8", "replace").decode().split())
    query = standalone(asked, history, model)
    with collection.reading() as snapshot:
        sources = Sources(snapshot, filters)
        if hits is None:
            hits = retrieve(snapshot, models.encoder, query, max(passages, DEPTH), filters=filters)
        sources.keep(hit.passage.doc_id for hit in hits)
        nothing = [] if hits else [_why_nothing(asked, filters, snapshot)]
    retrieved = perf_counter()
    yield Step("reading")
    if not other_language(asked):
        hits = in_reading_order(query, hits, sources, models.reader)
    hits = hits[:passages]
    readable, notices = _in_english(asked, hits, sources)
    notices += filter(None, nothing)
    candidates = find_candidates(query, readable, sources, models.reader)
    confidence = confidence_of(signals(candidates, readable))
    if model is None and confidence < threshold:
        aside = find_aside(query, readable, sources, models.reader)
        of_aside = confidence_of(signals(aside, readable))
        if of_aside >= ASIDE_FROM:
            candidates, confidence = aside, of_aside
            notices.append(NOTICE)
    read = perf_counter()
    groups = chosen(candidates, sources) if model is None and confidence >= threshold else []
    claims, citations = _claims(groups)
    written = None
    if model is not None:
        notices += model.notices
        # A model also reads what the reader cannot: then nothing is known of how near the hits are.
        if hits and (not readable or _reason(query, hits) != "off_topic" or confidence >= threshold):
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
        citations=tuple(sources.set_out(citation) for citation in citations),
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


def _why_nothing(asked: str, filters: Filters | None, snapshot: Snapshot) -> str:
    """What the user should know where nothing was found; empty where that says all."""
    if not snapshot.n_documents():
        return "the collection holds no document yet; add some with: pilcrow index PATH"
    if not asked:
        return "the question is empty"
    return "no document is of these dates, outlets and names; 'pilcrow list' shows what there is" if filters else ""


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
