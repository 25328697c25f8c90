"""compose(): from what the reader found to the lines of an answer without a chat model, in the shape asked for.

candidates -> those of the time asked about -> a computed, listed, told or disputed answer -> lines, well quoted
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.collection import Filters
from index.documents import Document
from index.encoder.embedding import Encoder
from index.paragraphs import Kind
from index.tables import is_empty
from rag.citations import Sources
from rag.composing.comparing import NOT_COMPUTED, compared
from rag.composing.covering import account, gist, room_for
from rag.composing.dating import Asked, asked_time, newest_first, of_the_time, replaces, told_as
from rag.composing.disagreeing import asks_for_cause, conflicting, is_sure_of_name, opposed, sureness
from rag.composing.grids import Grid, cell_asked_for, grids, names_no_cell, names_no_row
from rag.composing.lines import Line, direct_words, line_of
from rag.composing.listing import also_said, headed_so, listed, named_next, told_by_grid
from rag.composing.negated import not_denied
from rag.composing.pointed_to import (
    all_about,
    answered_below,
    best_about,
    called,
    defined_below,
    entitled_so,
    headed_about,
    place_of,
    said_by_number,
    subject_of,
)
from rag.composing.shapes import Ask, Shape
from rag.composing.stems import stems
from rag.composing.values import ValueKind, value_of, values
from rag.confidence import THRESHOLD, confidence_of, signals
from rag.reading.alike_sections import said_in_each
from rag.reading.candidates import Candidate, chosen
from rag.reading.reader import PassageReader
from rag.retrieval import Hit

# How sure it is that the opening sentences of a document that was pointed to tell what it is about, and that what was
# computed from a table's column is what was asked for: measured on none, set below what a found sentence can reach.
_GIST, _COMPUTED = 0.8, 0.75
# How sure it is that what stands below a question of the document that says the same answers it; and that a part of the
# number that was asked for is the part that is meant.
_ASKED_BEFORE = _NUMBERED = 0.85
# From this confidence on a sentence is taken to state the most of something though it has not the question's word.
_STATED = 0.85
# Cells that say there is no value.
_NOT_THERE = re.compile(r"n\.?[ ./]?[ad]\.?|not (?:available|applicable|stated)", re.IGNORECASE)
_AT_MOST_DOCUMENTS, _MOST_LISTED = 3, 5
WHICH_DOCUMENT = "there are several documents; say which one is meant, by its subject, or limit the question to it"


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


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of a question: the time that it asks about, its candidates, best first, the hits that they were
    found in, and how sure they are."""

    ask: Ask
    asked: Asked | None
    candidates: Sequence[Candidate]
    hits: Sequence[Hit]
    confidence: float
    reading: Reading


def compose(
    ask: Ask, candidates: Sequence[Candidate], hits: Sequence[Hit], reading: Reading, threshold: float
) -> Composed:
    """The lines that answer a question, made of its candidates, best first, and of the hits that they were found in.

    What asks in a special shape is looked for in that shape first; what is found in none is a sentence that answers.
    """
    documents = [reading.sources.document(d) for d in dict.fromkeys(hit.passage.doc_id for hit in hits)]
    asked = asked_time(ask.question, documents)
    moved = not_denied(ask.question, of_the_time(asked, candidates))
    sure = confidence_of(signals(moved))
    if moved and _is_amount_of(ask.question, moved[0]):
        sure = max(sure, _COMPUTED)
    found = _Found(ask, asked, moved, hits, sure, reading)
    part = _in_part(found)
    found = found if part else _with_heading(found)
    told = (
        _numbered(found)
        or part
        or _gist(found)
        or _below(found)
        or _cell(found)
        or _computed(found)
        or _of_a_grid(found)
        or _headed(found)
        or _sentences(_by_row(found), threshold)
    )
    if asked is not None and asked.assumed is not None:
        told = replace(told, notices=(*told.notices, told_as(asked, documents)))
    if told.confidence < threshold:
        return replace(told, lines=())
    if ask.place and told.lines and told is not part and not told.disputed:
        told = _placed(told, reading.sources)
    return told if told.disputed or asked else replace(told, lines=_with_older(told.lines, documents))


def _is_amount_of(question: str, best: Candidate) -> bool:
    """Whether an item is an amount and what the question asks it of: "600 g beetroot" of "How much beetroot ..?"."""
    if best.sentence.paragraph.kind is not Kind.LIST_ITEM or not re.match(r"\W*how (?:much|many)\b", question, re.I):
        return False
    words = best.sentence.text
    amount = next(iter(values(words)), None)
    if amount is None or amount.start or best.start - best.sentence.start >= amount.end:
        return False
    counted = stems(words[amount.end :])
    return bool(counted) and counted <= stems(question)


def _with_heading(found: _Found) -> _Found:
    """With the heading first, of sections that are alike, below which alone a sentence says all that is asked: "Which
    site was opened in 1994?"; as found where the reader finds other words of that sentence."""
    asks = re.match(r"\W*(?:which|what) ([\w'’-]+)", found.ask.question, re.IGNORECASE)
    asked = stems(found.ask.question) - (stems(asks[1]) if asks else set())
    if asks is None or not asked or found.ask.shape is not Shape.FACT:
        return found
    said = [
        (hit, heading, sentence)
        for hit, heading, sentences in said_in_each(found.hits, found.reading.sources)
        for sentence in sentences
        if asked <= stems(sentence.text)
    ]
    best = found.candidates[0] if found.candidates else None
    if len({heading for _, heading, _ in said}) != 1:
        return found
    hit, heading, sentence = said[0]
    says_more = best is not None and best.sentence.start == sentence.start and not stems(best.text) <= stems(asks[1])
    if says_more and found.confidence >= THRESHOLD:
        return found
    first = Candidate(hit, sentence, *heading, best.score + 1.0 if best else 0.0, 0.0)
    return replace(found, candidates=[first, *found.candidates], confidence=max(found.confidence, _COMPUTED))


def _with_older(lines: Sequence[Line], documents: Sequence[Document]) -> tuple[Line, ...]:
    """The lines, those told as older whose document another one of those found replaces, if none of theirs does."""

    def is_older(line: Line) -> bool:
        own = [c.sentence.document for c in line.cited]
        return any(replaces(d, own[0]) for d in documents) and not any(replaces(d, own[0]) for d in own)

    return tuple(replace(line, older=is_older(line)) for line in lines)


def _numbered(found: _Found) -> Composed | None:
    """What a part says that the question names by its number, in each document that has such a part."""
    sources = found.reading.sources
    parts = said_by_number(found.ask.question, found.hits, sources)
    lines = tuple(line_of([c], sources, direct="") for part in parts for c in part)
    return Composed(lines, max(found.confidence, _NUMBERED), found.ask.shape) if lines else None


def _below(found: _Found) -> Composed | None:
    """What stands below a question of the document that says the same, or below the word whose meaning is asked."""
    ask, sources = found.ask, found.reading.sources
    below = answered_below(ask.question, found.hits, sources) or defined_below(ask.question, found.hits, sources)
    if not below:
        return None
    inside = [c for c in found.candidates if any(c.sentence == b.sentence for b in below) and c.margin > 0][:1]
    lines = tuple(line_of([c], sources, direct="") for c in below)
    direct = line_of(inside, sources).direct if inside and ask.shape is Shape.FACT else ""
    return Composed(lines, max(found.confidence, _ASKED_BEFORE), ask.shape, direct or None)


def _computed(found: _Found) -> Composed | None:
    """The most, the least or the sum of values; no lines where it is asked for, not computed and not stated."""
    ask, sources = found.ask, found.reading.sources
    if ask.shape is not Shape.COMPARISON:
        return None
    computed = compared(ask, found.hits, sources)
    if computed is not None:
        # Of a comparison one line that cites all that was compared; of a sum a line for each of its parts.
        groups = [[c] for c in computed.cited] if ask.most is None else [computed.cited]
        lines = tuple(line_of(group, sources) for group in groups)
        direct = computed.direct or _named(ask, computed.cited[0], found.reading.reader)
        return Composed(lines, max(found.confidence, _COMPUTED), ask.shape, direct, computed=computed.told)
    if (ask.recent and ask.most) or (found.candidates and _states(ask, found.candidates[0])):
        return None
    in_a_row = found.candidates and found.candidates[0].sentence.paragraph.kind in (Kind.TABLE_ROW, Kind.LIST_ITEM)
    if ask.most is not None and found.confidence >= _STATED and not in_a_row:
        return None
    return Composed((), min(found.confidence, 0.5 * THRESHOLD), ask.shape, notices=(NOT_COMPUTED,))


def _of_a_grid(found: _Found) -> Composed | None:
    """The cells of a column that a question for several things names."""
    if found.ask.shape is not Shape.SEVERAL:
        return None
    cells = told_by_grid(found.ask, found.hits, found.reading.sources)
    lines = tuple(line_of([c], found.reading.sources) for c in cells)
    return Composed(lines, max(found.confidence, _COMPUTED), Shape.SEVERAL, _all_of(lines)) if lines else None


def _headed(found: _Found) -> Composed | None:
    """The list that stands below a heading of the question's own words."""
    ask, sources = found.ask, found.reading.sources
    if not ask.whole:
        return None
    items = headed_so(ask, found.hits, sources)
    lines = tuple(line_of([c], sources) for c in items)
    direct = _all_of(lines) if ask.shape is Shape.SEVERAL else None
    return Composed(lines, max(found.confidence, _COMPUTED), Shape.SEVERAL, direct) if lines else None


def _cell(found: _Found) -> Composed | None:
    """The cell that a question names by its row and its column; no lines where it is empty, or is not in the table
    in which the reader finds another."""
    ask, sources = found.ask, found.reading.sources
    if ask.shape not in (Shape.FACT, Shape.SEVERAL, Shape.COMPARISON) or ask.whole or ask.most is not None or ask.mean:
        return None
    best = found.candidates[0].sentence if found.candidates else None
    in_prose = best is not None and best.paragraph.kind not in (Kind.TABLE_ROW, Kind.LIST_ITEM)
    for hit, grid in grids(found.hits, sources):
        if any(best.paragraph in row.paragraphs for row in grid.rows if best) and names_no_cell(ask.question, grid):
            return Composed((), min(found.confidence, 0.5 * THRESHOLD), ask.shape)
        named = cell_asked_for(ask.question, grid)
        if named is None or (in_prose and found.confidence >= _STATED):
            continue
        row, column = named
        if is_empty(row.cell(column)) or _NOT_THERE.fullmatch(row.cell(column)):
            if in_prose and found.confidence >= THRESHOLD:
                continue
            return Composed((), min(found.confidence, 0.5 * THRESHOLD), ask.shape)
        line = line_of([row.candidate(hit, column)], sources)
        return Composed((line,), max(found.confidence, _COMPUTED), Shape.FACT, line.direct or None)
    return None


def _by_row(found: _Found) -> _Found:
    """With cells behind all others for which a question for one fact names no row."""
    ask, sources = found.ask, found.reading.sources
    if ask.shape is not Shape.FACT or not found.candidates:
        return found
    read = grids(found.hits, sources)
    best = found.candidates[0]
    unnamed = [c for c in found.candidates if _is_any_row(ask.question, c, read)]
    others = [c for c in found.candidates if c not in unnamed]
    # As if they were the first to be read: rows that are not asked for took their place.
    sure = sureness(others)
    if best not in unnamed or sure < THRESHOLD:
        return found
    return replace(found, candidates=[*others, *unnamed], confidence=sure)


def _is_any_row(question: str, candidate: Candidate, read: Sequence[tuple[Hit, Grid]]) -> bool:
    place, document = candidate.start, candidate.sentence.document
    return any(
        row.document.doc_id == document.doc_id and a <= place < b and names_no_row(question, grid, row, column)
        for _, grid in read
        for row in grid.rows
        for column, (a, b) in enumerate(row.cells)
    )


def _sentences(found: _Found, threshold: float) -> Composed:
    """The sentences that answer: of sources that disagree, of several facts, of an account, else the best."""
    ask, sources = found.ask, found.reading.sources
    if not found.candidates:
        return Composed((), found.confidence, ask.shape)
    disputed = _in_dispute(found, threshold)
    if disputed:
        return _disputed(replace(found, confidence=max(found.confidence, sureness(disputed[:1]))), disputed)
    if found.confidence < threshold:
        return Composed((), found.confidence, ask.shape)
    groups = chosen(found.candidates, sources)
    items = _items(found, groups[0][0])
    if _ONE_POST.match(ask.question):
        if len(items) > 1 and _of_several_sources(items, sources) and all(map(is_sure_of_name, items)):
            return _disputed(found, items)
        items, groups = (), groups[:1]
    if len(items) > 1:
        facts = tuple(line_of([c], sources) for c in items)
        direct = None if ask.shape is Shape.ACCOUNT else _all_of(facts)
        return Composed(facts, found.confidence, Shape.SEVERAL, direct)
    # One sentence answers by itself: others near it in score are not what was asked for.
    groups = [g for g in groups if items and g[0].sentence == items[0].sentence] or groups
    lines = [line_of(group, sources) for group in groups]
    if ask.shape is Shape.ACCOUNT:
        room = room_for(ask.question)
        more = account(ask.read_as, [groups[0][0]], found.candidates, found.reading.encoder, most_words=room)[1:]
        lines = [lines[0], *(line_of([c], sources) for c in more)]
    direct = None if ask.shape in (Shape.YES_NO, Shape.ACCOUNT) else lines[0].direct or None
    return Composed(tuple(lines), found.confidence, ask.shape, direct)


def _in_dispute(found: _Found, threshold: float) -> Sequence[Candidate]:
    """The candidates of sources that disagree, the best first; empty where none does or all is asked for."""
    ask, sources = found.ask, found.reading.sources
    if ask.shape is Shape.YES_NO:
        return opposed(ask.question, found.asked, found.candidates, sources, threshold)
    is_value = value_of(found.candidates[0].text).kind not in (ValueKind.NAME, ValueKind.OTHER)
    if ask.whole or (ask.shape is Shape.ACCOUNT and not is_value and not asks_for_cause(ask.question)):
        return []
    least, sure = max(threshold, THRESHOLD), found.confidence
    return conflicting(ask.question, found.asked, found.candidates, sources, least, sure_of_best=sure)


def _items(found: _Found, best: Candidate) -> Sequence[Candidate]:
    """The facts of a question for several, one for each line; empty where it does not ask for any."""
    ask, sources = found.ask, found.reading.sources
    of_several = ask.shape is Shape.SEVERAL or ask.whole or _asks_who(ask)
    if not of_several and not (ask.shape is Shape.FACT and _WHAT_ALL.match(ask.question)):
        return []
    items = listed(ask, best, found.hits, sources)
    if not items and ask.shape is Shape.SEVERAL:
        items = named_next(best, sources)
    if not items and of_several and ask.shape is not Shape.ACCOUNT:
        items = also_said(ask, found.candidates, sources, found.reading.reader)
    return items


# "What may not be burned?" is answered by one thing or by a list of them.
_WHAT_ALL = re.compile(
    r"\W*what (?:may|must|can(?:not)?|could|should|shall|will|has|have|do|does|did|needs?|is not|isn['’]t)\b",
    re.IGNORECASE,
)


# One person at a time is it: others are of other times, or disputed.
_ONE_POST = re.compile(
    r"\W*who (?:is|was|leads|led|heads|headed|runs|ran|chairs|chaired|directs|directed|founded|invented|composed|won) "
    r"(?:the )?(?!(?:\w+ )*?\w+[^su]s\b (?:of|in|at))",
    re.IGNORECASE,
)


def _of_several_sources(items: Sequence[Candidate], sources: Sources) -> bool:
    """Whether each item is of a document of its own, and none is another's copy."""
    documents = list(dict.fromkeys(c.sentence.document.doc_id for c in items))
    is_copy = any(sources.are_copies(one, other) for n, one in enumerate(documents) for other in documents[:n])
    return len(documents) == len(items) and not is_copy


def _all_of(lines: Sequence[Line]) -> str | None:
    """What each line says in one, where each has words of its own that do."""
    words = [line.direct for line in lines]
    return "; ".join(dict.fromkeys(words)) if all(words) else None


def _asks_who(ask: Ask) -> bool:
    """Whether it asks who does something, which several may; "who is Ann Example" asks what one person is."""
    asks = re.match(r"whom?\b", ask.question, re.IGNORECASE)
    is_about_one = re.match(r"\W*(?i:who) (?i:is|was|are|were) (?:(?:Mr|Mrs|Ms|Dr)\.? )?[A-Z]", ask.question)
    return ask.shape is Shape.FACT and asks is not None and is_about_one is None


def _disputed(found: _Found, disputed: Sequence[Candidate]) -> Composed:
    """Sources that disagree, side by side: the best first, or, where one replaces another, the newest."""
    ask, sources = found.ask, found.reading.sources
    documents = [c.sentence.document for c in disputed]
    older = [any(replaces(other, document) for other in documents) for document in documents]
    order = list(range(len(disputed)))
    if ask.recent or any(older):
        order = newest_first(documents)
    groups = {group[0].sentence.start: group for group in chosen(found.candidates, sources)}
    lines = []
    for n in order:
        group = groups.get(disputed[n].sentence.start, [])
        same = [c for c in group[1:] if group[0].sentence.document.doc_id == documents[n].doc_id]
        moved = chosen([disputed[n]], sources)[0]
        lines.append(line_of([*moved, *same], sources, older=older[n] or (ask.recent and n != order[0])))
    if ask.recent or any(older):
        return Composed(tuple(lines), found.confidence, Shape.FACT, lines[0].direct or None, disputed=True)
    return Composed(tuple(lines), found.confidence, Shape.FACT, _side_by_side(lines), disputed=True)


def _side_by_side(lines: Sequence[Line]) -> str | None:
    """The words of sources that disagree in one line: by their years where those tell them apart, else by outlet."""
    documents = [line.cited[0].sentence.document for line in lines]
    words = [line.direct for line in lines]
    if not all(words):
        return None
    for names in ([(d.date or "")[:4] for d in documents], [d.publisher or "" for d in documents]):
        if all(names) and len(set(names)) == len(names):
            return "; ".join(f"{name}: {said}" for name, said in zip(names, words, strict=True))
    return " or ".join(words)


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


_SUPERLATIVES = re.compile(
    r"\b(?:most(?:ly)?|least|highest|lowest|largest|biggest|longest|best|worst|hardest|record|primarily|mainly|chiefly"
    r"|more than any)\b"
)


def _states(ask: Ask, best: Candidate) -> bool:
    """Whether a sentence says itself what is the most: it has the question's superlative, or a form of it."""
    text = best.sentence.text.casefold()
    compared = {word for word in stems(ask.question) if word in stems(text)}
    roots = [ask.measure.removesuffix("iest").removesuffix("est")] if ask.measure.endswith("est") else []
    said = any(root and root in text for root in roots) or bool(_SUPERLATIVES.search(text))
    return said or (
        ask.most is None and bool(compared) and bool({"total", "average", "altogether"} & set(text.split()))
    )


def _in_part(found: _Found) -> Composed | None:
    """What stands below the heading that has all words of what a question for a clause or a section is about."""
    ask, sources = found.ask, found.reading.sources
    below = headed_about(ask.topic, found.hits, sources) if ask.topic else []
    if not below:
        return None
    lines = tuple(line_of([c], sources, direct="") for c in below)
    heading = sources.heading_words(below[0].sentence.paragraph)[-1]
    return Composed(lines, max(found.confidence, _NUMBERED), ask.shape, heading)


def _placed(told: Composed, sources: Sources) -> Composed:
    """The answer with the numbers, or else the headings, of the parts that its sentences stand in as its words."""
    lines = tuple(replace(line, direct=place_of(line.cited[0], sources), also=()) for line in told.lines)
    return replace(told, lines=lines, direct=_all_of(lines))


def _gist(found: _Found) -> Composed | None:
    """What a document is about: of those that were pointed to, of the only ones there are, or of the one found; or
    which documents are about something."""
    ask, hits, sources = found.ask, found.hits, found.reading.sources
    if ask.shape is not Shape.GIST:
        entitled = entitled_so(ask.question, hits, sources) if ask.shape is Shape.ACCOUNT else None
        return _told(found, [entitled]) if entitled else None
    subject = subject_of(ask.read_as)
    if ask.whole:
        doc_ids = all_about(subject, hits, sources)[:_MOST_LISTED]
        leads = [c for d in doc_ids for c in gist([d], hits, sources, found.reading.encoder, most_words=0)[:1]]
        lines = tuple(line_of([c], sources, direct="") for c in leads)
        return Composed(lines, _GIST, Shape.SEVERAL) if lines else None
    doc_ids = list(dict.fromkeys(hit.passage.doc_id for hit in hits))
    if found.reading.filters and found.reading.filters.documents:
        doc_ids = [doc_id for doc_id in doc_ids if doc_id in found.reading.filters.documents]
    elif subject:
        doc_ids = best_about(subject, hits, sources, recent=ask.recent)
    elif len(doc_ids) > _AT_MOST_DOCUMENTS:
        doc_ids = called(ask.question, hits, sources) or doc_ids
    if len(doc_ids) > _AT_MOST_DOCUMENTS:
        return Composed((), 0.0, ask.shape, notices=(WHICH_DOCUMENT,))
    return _told(found, doc_ids) if doc_ids else None


def _told(found: _Found, doc_ids: Sequence[str]) -> Composed | None:
    """What some documents are about, in their own sentences."""
    ask, reading = found.ask, found.reading
    told = gist(doc_ids, found.hits, reading.sources, reading.encoder, most_words=room_for(ask.question))
    lines = tuple(line_of([c], reading.sources, direct="") for c in told)
    return Composed(lines, _GIST, ask.shape) if lines else None
