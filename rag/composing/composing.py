"""compose(): from what the reader found to the lines of an answer without a chat model, in the shape asked for.

candidates -> those of the time asked about -> a computed, listed, told or disputed answer -> lines, each as one quotes it
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.collection import Filters
from index.encoder.embedding import Encoder
from rag.citations import Sources
from rag.composing.asked_before import answered_below
from rag.composing.comparing import NOT_COMPUTED, compared
from rag.composing.covering import account, gist, room_for
from rag.composing.dating import newest_first, of_the_time, replaces
from rag.composing.disagreeing import conflicting
from rag.composing.lines import Line, direct_words, line_of
from rag.composing.listing import also_said, listed, told_by_grid
from rag.composing.negated import not_denied
from rag.composing.shapes import Ask, Shape
from rag.composing.wording import stems
from rag.confidence import confidence_of, signals
from rag.reading.candidates import Candidate, chosen
from rag.reading.reader import PassageReader
from rag.retrieval import Hit

# How sure it is that the opening sentences of a document that was pointed to tell what it is about, and that what was
# computed from a table's column is what was asked for: measured on none, set below what a found sentence can reach.
_GIST, _COMPUTED = 0.8, 0.75
# How sure it is that what stands below a question of the document that says the same answers it.
_ASKED_BEFORE = 0.85
# From this confidence on a sentence is taken to state the most of something though it has not the question's word.
_STATED = 0.7
_AT_MOST_DOCUMENTS = 3


@dataclass(frozen=True, slots=True)
class Composed:
    """The lines of an answer; none where nothing is sure enough.

    direct: the words that answer all of it, None where the lines do. disputed: each line is another source's, and they
    disagree. computed: how the direct answer was computed, a sentence. notices: what the user should know.
    """

    lines: tuple[Line, ...]
    confidence: float
    shape: Shape
    direct: str | None = None
    disputed: bool = False
    computed: str | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What composing needs beside the candidates: who reads and measures sentences, and what documents are asked."""

    sources: Sources
    reader: PassageReader
    encoder: Encoder
    filters: Filters | None = None


def compose(
    ask: Ask, candidates: Sequence[Candidate], hits: Sequence[Hit], reading: Reading, threshold: float
) -> Composed:
    """The lines that answer a question, made of its candidates, best first, and of the hits that they were found in."""
    sources = reading.sources
    candidates = not_denied(ask.question, of_the_time(ask.question, candidates, sources))
    confidence = confidence_of(signals(candidates, hits))
    if ask.shape is Shape.GIST:
        told = _gist(ask, hits, reading)
        if told is not None:
            return told
    below = answered_below(ask.question, hits, sources)
    if below:
        inside = [c for c in candidates if _is_in(c, below) and c.margin > 0][:1]
        lines = tuple(line_of([c], sources, direct="") for c in below)
        direct = line_of(inside, sources).direct if inside and ask.shape is Shape.FACT else ""
        return Composed(lines, max(confidence, _ASKED_BEFORE), ask.shape, direct or None)
    notices: tuple[str, ...] = ()
    if ask.shape is Shape.COMPARISON:
        computed = compared(ask, hits, sources)
        if computed is not None:
            lines = _computed_lines(ask, computed.cited, sources)
            direct = computed.direct or _named(ask, computed.cited[0], reading.reader)
            return Composed(lines, max(confidence, _COMPUTED), ask.shape, direct, computed=computed.told)
        if not ask.recent or ask.most is None:
            notices = (NOT_COMPUTED,)
            if candidates and confidence < _STATED and not _states(ask, candidates[0]):
                return Composed((), min(confidence, threshold / 2), ask.shape, notices=notices)
            if candidates and _states(ask, candidates[0]):
                notices = ()
    cells = told_by_grid(ask, hits, sources) if ask.shape is Shape.SEVERAL else []
    if cells:
        lines = tuple(line_of([c], sources) for c in cells)
        return Composed(lines, max(confidence, _COMPUTED), ask.shape, _all_of(lines))
    if confidence < threshold or not candidates:
        return Composed((), confidence, ask.shape, notices=notices)
    if ask.shape is not Shape.YES_NO and ask.shape is not Shape.ACCOUNT and not ask.whole:
        disputed = conflicting(ask.question, candidates, hits, sources, threshold)
        if disputed:
            return _disputed(ask, disputed, candidates, sources, confidence)
    return replace(_stated(ask, candidates, hits, reading, confidence), notices=notices)


def _stated(
    ask: Ask, candidates: Sequence[Candidate], hits: Sequence[Hit], reading: Reading, confidence: float
) -> Composed:
    """What the documents say, in the shape asked for."""
    sources = reading.sources
    groups = chosen(candidates, sources)
    items: list[Candidate] = []
    if ask.shape is Shape.SEVERAL or ask.whole or _asks_who(ask):
        items = listed(ask, groups[0][0], hits, sources)
    if not items and (ask.shape is Shape.SEVERAL or _asks_who(ask)):
        items = also_said(ask, candidates, reading.reader)
        if len(items) == 1:
            # One sentence answers by itself, or none but the best: others near it in score are not what was asked for.
            groups = [group for group in groups if group[0].sentence == items[0].sentence] or groups
            items = []
    if items:
        lines = tuple(line_of([c], sources) for c in items)
        return Composed(lines, confidence, Shape.SEVERAL, None if ask.shape is Shape.ACCOUNT else _all_of(lines))
    if ask.shape is Shape.ACCOUNT:
        shown = [group[0] for group in groups[:1]]
        told = account(ask.read_as, shown, candidates, reading.encoder, most_words=room_for(ask.question))
        lines = (line_of(groups[0], sources), *(line_of([c], sources) for c in told[1:]))
        return Composed(lines, confidence, ask.shape)
    lines = tuple(line_of(group, sources) for group in groups)
    direct = None if ask.shape is Shape.YES_NO else lines[0].direct or None
    return Composed(lines, confidence, ask.shape, direct)


def _all_of(lines: Sequence[Line]) -> str | None:
    """What each line says in one, where each has words of its own that do."""
    words = [line.direct for line in lines]
    return "; ".join(dict.fromkeys(words)) if all(words) else None


def _asks_who(ask: Ask) -> bool:
    return ask.question.casefold().startswith(("who ", "whom ")) and ask.shape is Shape.FACT


def _disputed(
    ask: Ask, disputed: Sequence[Candidate], candidates: Sequence[Candidate], sources: Sources, confidence: float
) -> Composed:
    """Sources that disagree, side by side: the best first, or, where one replaces another, the newest."""
    documents = [c.sentence.document for c in disputed]
    older = [any(replaces(other, document) for other in documents) for document in documents]
    order = list(range(len(disputed)))
    if ask.recent or any(older):
        order = newest_first(documents)
    groups = {group[0].sentence.start: group for group in chosen(candidates, sources)}
    lines = []
    for n in order:
        group = groups.get(disputed[n].sentence.start, [])
        same = [c for c in group[1:] if group[0].sentence.document.doc_id == documents[n].doc_id]
        moved = chosen([disputed[n]], sources)[0]
        lines.append(line_of([*moved, *same], sources, older=older[n] or (ask.recent and n != order[0])))
    if ask.recent or any(older):
        return Composed(tuple(lines), confidence, Shape.FACT, lines[0].direct or None, disputed=True)
    words = [f"{line.direct} ({_said_by(line)})" for line in lines if line.direct]
    return Composed(tuple(lines), confidence, Shape.FACT, "; ".join(words) or None, disputed=True)


def _said_by(line: Line) -> str:
    """Who says it and when, as short as it can be told."""
    document = line.cited[0].sentence.document
    return ", ".join(filter(None, (document.publisher or document.title or document.doc_id, document.date)))


def _computed_lines(ask: Ask, cited: Sequence[Candidate], sources: Sources) -> tuple[Line, ...]:
    """Of a comparison one line that cites all that was compared; of a sum a line for each of its parts."""
    if ask.most is None:
        return tuple(line_of([c], sources) for c in cited)
    return (line_of(cited, sources),)


def _named(ask: Ask, winner: Candidate, reader: PassageReader) -> str:
    """What has the value that was asked for: the words of its sentence that the reader takes for the answer, and it."""
    sentence = winner.sentence
    value = direct_words(winner) or winner.text
    (reading,) = reader.read(ask.question, [sentence.text], [sentence.document.title or ""], n_spans=4)
    for span in reading.spans:
        start, end = sentence.start + span.start, sentence.start + span.end
        if end <= winner.start or winner.end <= start:
            name = direct_words(replace(winner, start=start, end=end))
            return f"{name} ({value})" if name else value
    return value


def _is_in(candidate: Candidate, sentences: Sequence[Candidate]) -> bool:
    return any(candidate.sentence == c.sentence for c in sentences)


def _states(ask: Ask, best: Candidate) -> bool:
    """Whether a sentence says itself what is the most: it has the question's superlative, or a form of it."""
    text = best.sentence.text.casefold()
    compared = {word for word in stems(ask.question) if word in stems(text)}
    roots = [ask.measure.removesuffix("iest").removesuffix("est")] if ask.measure.endswith("est") else []
    superlatives = (
        "most",
        "least",
        "highest",
        "lowest",
        "largest",
        "biggest",
        "longest",
        "best",
        "record",
        "more than any",
    )
    said = any(root and f"{root}" in text for root in roots) or any(word in text.split() for word in superlatives)
    return said or (
        ask.most is None and bool(compared) and bool({"total", "average", "altogether"} & set(text.split()))
    )


def _gist(ask: Ask, hits: Sequence[Hit], reading: Reading) -> Composed | None:
    """What a document is about: of those that were pointed to, of the only ones there are, or of the one found."""
    pointed = reading.filters.documents if reading.filters else ()
    found = list(dict.fromkeys(hit.passage.doc_id for hit in hits))
    subject = stems(ask.question) - _OF_DOCUMENTS
    if subject and not pointed and found:
        with_subject = [d for d in found if subject & _of_document(d, hits, reading.sources)]
        found = with_subject[:1]
    elif pointed:
        found = [doc_id for doc_id in found if doc_id in pointed]
    if not found or len(found) > _AT_MOST_DOCUMENTS:
        return None
    told = gist(found, hits, reading.sources, reading.encoder, most_words=room_for(ask.question))
    lines = tuple(line_of([c], reading.sources, direct="") for c in told)
    return Composed(lines, _GIST, ask.shape) if lines else None


_OF_DOCUMENTS = stems(
    "summarise summarize sum outline recap summary overview gist synopsis main key central point points idea topic "
    "subject theme message takeaway document documents text article paper report page file letter email message memo book "
    "story chapter note notes manual contract minutes piece post essay study transcript policy leaflet guide speech "
    "interview review kind short brief briefly quick deal cover describe content contents detail detailed whole"
)


def _of_document(doc_id: str, hits: Sequence[Hit], sources: Sources) -> set[str]:
    texts = [hit.passage.text for hit in hits if hit.passage.doc_id == doc_id]
    return stems(" ".join([sources.document(doc_id).title or "", doc_id, *texts]))
