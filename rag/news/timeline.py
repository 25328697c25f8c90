"""What happened when: dated statements of a collection in order, each cited; all, or those about a name or question."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from index.collection import Collection, Filters, Snapshot
from index.dates import days_of, may_lie_within
from index.encoder.embedding import Encoder
from index.news.dated import DATELINE, TEXT, Dated, dated_statements
from index.news.kept import News, open_news
from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from index.prepared import text_key
from rag.answers import JsonObject, citation_json
from rag.citations import Citation, Sources, cite_span
from rag.news.quoted import Progress, allowed_name, folded
from rag.retrieval import Hit, retrieve
from rag.words import content_words, names

# Passages in which a name is looked for, and those that are read for a question.
_NAMING, _NEAR = 400, 24
_ASKS = re.compile(
    r"\?\s*$|^\s*(?:what|when|who|where|why|how|which|did|does|is|was|has|tell|show|list)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that says when, cited.

    date: ISO 8601, the day, month or year that is meant. words: its words of the date, at
    `[when_start, when_end)`. by: "text", or what the words are counted from ("document date", "dateline").
    """

    date: str
    by: str
    words: str
    when_start: int
    when_end: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class Timeline:
    """Statements, the earliest first. undated: those left out, as they say "yesterday" and nothing tells of when."""

    statements: tuple[Statement, ...]
    undated: int


def timeline(
    collection: Collection,
    about: str | None = None,
    *,
    encoder: Callable[[], Encoder],
    filters: Filters | None = None,
    after: str | None = None,
    before: str | None = None,
    progress: Progress | None = None,
) -> Timeline:
    """The dated statements of a collection in the order of their dates; copies count once.

    about: a name, which their paragraphs have, or a question, whose nearest passages they are in.
    encoder: of the collection; called only for a question. after, before: of the statements' own dates; by default
        what the question says: "in March 2022", "since 2014".
    filters: which documents are looked at.
    """
    with collection.reading() as snapshot, open_news(collection.folder, snapshot, progress=progress) as news:
        sources = Sources(snapshot, filters)
        if about is not None and not (after or before):
            after, before = _dates_asked(about)
        found: Iterable[tuple[str, Dated]]
        if about is None:
            found = _everything(snapshot, news, filters)
        elif _ASKS.search(about):
            hits = retrieve(snapshot, encoder(), about, _NEAR, filters=filters)
            found = _near(about, hits, news, sources)
        else:
            found = _naming(about, snapshot, news, sources, filters)
        statements: dict[tuple[str, int, int], Statement] = {}
        undated = 0
        for doc_id, dated in found:
            moment = dated.resolved(sources.document(doc_id).date)
            if moment is None:
                undated += 1
            elif may_lie_within(moment.date, after, before):
                cited = cite_span(sources, doc_id, dated.start, dated.end)
                statements[doc_id, dated.when_start, dated.when_end] = Statement(
                    moment.date, moment.by, dated.words, dated.when_start, dated.when_end, cited
                )
    return Timeline(tuple(_in_order(statements.values())), undated)


def _dates_asked(question: str) -> tuple[str | None, str | None]:
    """From when to when a question asks, where it names one date; else no limits."""
    words = f"It is asked {question}"  # so that a date at its beginning stands in a sentence
    dated = dated_statements(words, [Paragraph("", 1, 0, len(words), Kind.BODY)])
    moments = [(moment, d) for d in dated if (moment := d.resolved(None)) is not None]
    if len(moments) != 1:
        return None, None
    moment, d = moments[0]
    before = words[: d.when_start].rstrip().rsplit(" ", maxsplit=1)[-1].lower()
    after_it, until_it = before in {"since", "after", "from"}, before in {"before", "until", "till"}
    return None if until_it else moment.date, None if after_it else moment.date


def _in_order(statements: Iterable[Statement]) -> list[Statement]:
    """By date, a year before its months; of the same words in copies, and of one date twice in a sentence, one."""
    ordered = sorted(statements, key=lambda s: (days_of(s.date)[0], s.citation.doc_id, s.when_start))
    kept: list[Statement] = []
    seen: dict[tuple[str, str], Citation] = {}
    for statement in ordered:
        key = (statement.date, statement.citation.quote)
        same = seen.setdefault(key, statement.citation)
        twice = same is not statement.citation
        if twice and (same.doc_id == statement.citation.doc_id or statement.citation.doc_id in same.also_in):
            continue
        kept.append(statement)
    return [replace(s, citation=replace(s.citation, label=n)) for n, s in enumerate(kept, 1)]


def _everything(snapshot: Snapshot, news: News, filters: Filters | None) -> Iterable[tuple[str, Dated]]:
    for text_no, of in news.dated().items():
        doc_id = allowed_name(snapshot, text_no, filters)
        if doc_id is not None:
            yield from ((doc_id, dated) for dated in of)


def _naming(
    name: str, snapshot: Snapshot, news: News, sources: Sources, filters: Filters | None
) -> Iterable[tuple[str, Dated]]:
    """Statements in whose paragraph the name stands, or its last word where the passage has it whole."""
    words = folded(name).split()
    if not words:
        return
    ids = [passage_id for passage_id, _ in snapshot.lexical(name, _NAMING, filters)]
    whole = [p for p in snapshot.passages(ids, filters) if set(words) <= set(folded(p.text).split())]
    documents = {p.doc_id for p in whole}
    for doc_id, dated in _in_passages(snapshot.passages(ids, filters), news, sources):
        paragraph = sources.touched(doc_id, dated.start, dated.end)[0]
        text = sources.document(doc_id).text[paragraph.start : paragraph.end]
        if doc_id in documents and words[-1] in folded(text).split():
            yield doc_id, dated


def _near(question: str, hits: Sequence[Hit], news: News, sources: Sources) -> Iterable[tuple[str, Dated]]:
    """Statements of the passages nearest to a question, which share a word with it, its names' where it names any."""
    named = {word for name in names(question) for word in folded(name).split()}
    asked = named or {folded(word) for word in content_words(question)}
    for doc_id, dated in _in_passages([hit.passage for hit in hits], news, sources):
        paragraph = sources.touched(doc_id, dated.start, dated.end)[0]
        text = sources.document(doc_id).text[paragraph.start : paragraph.end]
        if not asked or asked & set(folded(text).split()):
            yield doc_id, dated


def _in_passages(passages: Iterable[Passage], news: News, sources: Sources) -> Iterable[tuple[str, Dated]]:
    by_document: dict[str, list[Passage]] = {}
    for passage in passages:
        by_document.setdefault(passage.doc_id, []).append(passage)
    for doc_id, found in by_document.items():
        key = text_key(sources.document(doc_id), sources.paragraphs(doc_id))
        for dated in news.dated_of(key):
            if any(p.start < dated.end and dated.start < p.end for p in found):
                yield doc_id, dated


def counted_from(statement: Statement) -> str | None:
    """In words, what a date is counted from that its sentence does not say whole; None where it does."""
    if statement.by == TEXT:
        return None
    day = statement.citation.date
    if statement.by == DATELINE or not day:
        return f"“{statement.words}”, counted from the day above the text"
    return f"“{statement.words}”, counted from the document’s date, {day}"


def timeline_json(about: str | None, found: Timeline) -> JsonObject:
    """A timeline in the form of `timeline --json`: `when` is the statement's date, `date` its document's."""
    return {
        "about": about,
        "statements": [
            {"when": s.date, "by": s.by, "words": s.words, "when_start": s.when_start, "when_end": s.when_end,
             **citation_json(s.citation)}
            for s in found.statements
        ],
        "undated": found.undated,
    }  # fmt: skip
