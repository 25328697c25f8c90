"""Several facts: a list or a table's column taken whole, or the sentences of the text that each say one of them.

In the documents' order, a line each. Knows the kinds of paragraphs; what a question asks for, `rag.composing.shapes`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from index.paragraphs import Kind, Paragraph
from rag.citations import Sentence, Sources
from rag.composing.grids import Grid, column_asked_for, grids, named_column, rows_asked_for
from rag.composing.lines import is_pronoun, whole
from rag.composing.shapes import Ask, Shape
from rag.composing.stems import is_negated, stems
from rag.composing.values import ValueKind, value_of
from rag.reading.candidates import Candidate, same_words
from rag.reading.reader import PassageReader
from rag.retrieval import Hit

# Lines of an answer at most; of sentences of prose fewer, since each of them is found by itself.
MOST_LINES = 20
_MOST_SENTENCES = 6
# A sentence read by itself answers from this margin and this logit on; where several were not asked for, from higher.
_ASKED, _NOT_ASKED = (0.0, 0.0), (4.0, 2.0)
# Words that name several things by themselves: "Ann and Bo", "bread, cheese".
_NAMES_SEVERAL = re.compile(r"\w,? (?:and|as well as) \w|\w, \w+.*, ")
# Documents in which a list is looked for by its heading, and paragraphs that may stand between the two.
_HITS_LOOKED_AT, _LEADS = 4, 4
_OF_STEPS = stems("steps step instructions way procedure properly correctly right order")
_LISTING = stems("list name enumerate show give tell every entry entries row rows")


def listed(ask: Ask, best: Candidate, hits: Sequence[Hit], sources: Sources) -> list[Candidate]:
    """The items of the list or the rows of the table that the best candidate stands in or leads to, as far as they are
    what the question asks for; empty where it stands in neither, or only one is.

    A question for who or what does it gets a list whole only where the words above it are those of the question.
    """
    paragraph = best.sentence.paragraph
    grid = next(
        (g for _, g in grids([best.hit, *hits], sources) if any(paragraph in r.paragraphs for r in g.rows)), None
    )
    if grid:
        found = _of_grid(ask, best, grid) if ask.shape is Shape.SEVERAL else []
    elif not ask.whole and _NAMES_SEVERAL.search(best.text):
        found = []
    elif paragraph.kind is Kind.LIST_ITEM:
        found = _of_items(ask, best, _items_around(paragraph, sources), sources)
    elif best.sentence.text.rstrip().endswith(":"):
        found = _of_items(ask, best, _items_below(paragraph, sources), sources)
    else:
        found = []
    return found if len(found) > 1 else []


def told_by_grid(ask: Ask, hits: Sequence[Hit], sources: Sources) -> list[Candidate]:
    """The cells of a column that a question names, of the rows that it picks, where the grid has all of its words."""
    asked = stems(ask.question) - _LISTING
    for hit, grid in grids(hits, sources):
        column = named_column(ask.question, grid)
        if column is None or not asked <= grid.around:
            continue
        rows = rows_asked_for(ask.question, grid)
        picked = asked - stems(" ".join(grid.heads)) - stems(hit.passage.doc_id)
        if len(rows) == len(grid.rows) and picked & frozenset().union(*(stems(row.words) for row in rows)):
            continue
        return [row.candidate(hit, column) for row in rows if row.cells[column][0] < row.cells[column][1]][:MOST_LINES]
    return []


def headed_so(ask: Ask, hits: Sequence[Hit], sources: Sources) -> list[Candidate]:
    """The items of the list whose title, headings and lead have all words of a question for a whole: the steps of
    "how do I clean the filter?", the tasks of "list all tasks of the meeting"; empty where there is none."""
    asked = stems(ask.question) - _LISTING - _OF_STEPS
    best: tuple[int, list[Candidate]] = (0, [])
    for hit in hits[:_HITS_LOOKED_AT]:
        document, paragraphs = sources.document(hit.passage.doc_id), sources.paragraphs(hit.passage.doc_id)
        near: list[Paragraph] = []
        for n, paragraph in enumerate(paragraphs):
            if paragraph.kind is Kind.HEADING:
                near = [paragraph]
            elif paragraph.kind is not Kind.LIST_ITEM:
                near.append(paragraph)
            elif not n or paragraphs[n - 1].kind is not Kind.LIST_ITEM:
                close = stems(" \n".join(document.text[p.start : p.end] for p in near[:_LEADS]))
                path = stems(" \n".join([document.title or "", *sources.heading_words(paragraph)]))
                items = _items_around(paragraph, sources)
                if asked <= close | path and len(asked & close) > best[0] and len(items) > 1:
                    like = Candidate(hit, Sentence(document, paragraph, paragraph.start, paragraph.end), 0, 0, 0.0, 0.0)
                    found = [whole(Sentence(document, p, p.start, p.end), like) for p in items][:MOST_LINES]
                    best = len(asked & close), found
    return best[1]


def also_said(
    ask: Ask,
    candidates: Sequence[Candidate],
    sources: Sources,
    reader: PassageReader,
    *,
    most: int = _MOST_SENTENCES,
) -> list[Candidate]:
    """The best candidate and those of other sentences that answer by themselves, too, with other words; in the order of
    their documents. Words that name several things already are all that was asked for.

    A sentence read by itself does not say whom its section, its row's heads or its record are about: one of which these
    have not all of the question's words that the best one's have is of something else.
    """
    best = candidates[0]
    margin, answerable = _ASKED if ask.shape is Shape.SEVERAL or ask.whole else _NOT_ASKED
    if _NAMES_SEVERAL.search(best.text):
        return [best]
    others: dict[tuple[str, int], Candidate] = {}
    for c in candidates[1:]:
        place = (c.sentence.document.doc_id, c.sentence.start)
        if place != (best.sentence.document.doc_id, best.sentence.start):
            others.setdefault(place, c)
    asked = stems(ask.question)
    own = len(asked & stems(best.sentence.text))
    of_best, record_of_best = asked & _told_of(best, sources), asked & stems(best.hit.passage.text)
    near = [
        c
        for c in others.values()
        if len(asked & stems(c.sentence.text)) >= max(own, 1)
        and not c.sentence.text.rstrip().endswith("?")
        # What stands in another section or record is of something else: it lacks the name that this one goes by.
        and of_best <= _told_of(c, sources)
        and (c.hit.passage.doc_id == best.hit.passage.doc_id or record_of_best <= stems(c.hit.passage.text))
    ][: 2 * most]
    if not near:
        return [best]
    read = [best, *near]
    readings = reader.read(
        ask.read_as, [c.sentence.text for c in read], [c.sentence.document.title or "" for c in read], n_spans=1
    )
    said = []
    for c, reading in zip(read, readings, strict=True):
        if reading.spans and reading.margin >= margin and reading.answerable >= answerable:
            span = reading.spans[0]
            said.append(replace(c, start=c.sentence.start + span.start, end=c.sentence.start + span.end))
    # The best one was found among its neighbours; where it does not answer by itself, others may have it of the same.
    found = [best] if not said or own >= max(len(asked & stems(c.sentence.text)) for c in said) else []
    for c in said:
        if not is_pronoun(c.text) and not any(_says_as_much(other.text, c.text) for other in found):
            found = [other for other in found if not _says_as_much(c.text, other.text)] + [c]
    if any(value_of(c.text).kind is ValueKind.NAME for c in found) and re.match(r"\W*who", ask.question, re.IGNORECASE):
        # Who it is beside what somebody is or does.
        found = [c for c in found if value_of(c.text).kind is ValueKind.NAME]
    found = found[:most]
    order = {doc_id: n for n, doc_id in enumerate(dict.fromkeys(c.sentence.document.doc_id for c in found))}
    return sorted(found, key=lambda c: (order[c.sentence.document.doc_id], c.sentence.start))


_NAMES_THEM = re.compile(r"(?:Among (?:them|these)|(?:They|These|Those) (?:are|were|include[sd]?))\b")


def named_next(best: Candidate, sources: Sources) -> list[Candidate]:
    """The sentence behind one that only counts things, where it names them: "nine rules. Among them are ..."."""
    sentence = best.sentence
    behind = next(
        (s for s in sources.sentences(best.hit.passage) if s.document == sentence.document and s.start >= sentence.end),
        None,
    )
    if behind is None or value_of(best.text).kind is not ValueKind.NUMBER or not _NAMES_THEM.match(behind.text):
        return []
    return [best, whole(behind, best)]


def _says_as_much(one: str, other: str) -> bool:
    """Whether one answer has all the words of another."""
    return same_words(one, other) or (bool(stems(other)) and stems(other) <= stems(one))


def _told_of(candidate: Candidate, sources: Sources) -> set[str]:
    """Stems of a sentence, of the headings above it and, of a row, of the heads of its columns."""
    paragraph, document = candidate.sentence.paragraph, candidate.sentence.document
    above = [document.text[h.start : h.end] for h in sources.headings(paragraph)]
    table, _ = sources.rows(document.doc_id).get(paragraph.number, (None, None))
    return stems(" \n".join([candidate.sentence.text, *above, *(table.heads if table else ())]))


# ---- Lists


def _items_around(paragraph: Paragraph, sources: Sources) -> list[Paragraph]:
    """The items of the list that an item is in, of its own depth."""
    paragraphs = sources.paragraphs(paragraph.doc_id)
    at = next(n for n, p in enumerate(paragraphs) if p.number == paragraph.number)
    first = at
    while first and _goes_on(paragraphs[first - 1], paragraph):
        first -= 1
    last = at
    while last + 1 < len(paragraphs) and _goes_on(paragraphs[last + 1], paragraph):
        last += 1
    return [p for p in paragraphs[first : last + 1] if p.level == paragraph.level]


def _goes_on(other: Paragraph, item: Paragraph) -> bool:
    return other.kind is Kind.LIST_ITEM and other.level >= item.level


def _items_below(paragraph: Paragraph, sources: Sources) -> list[Paragraph]:
    paragraphs = sources.paragraphs(paragraph.doc_id)
    at = next(n for n, p in enumerate(paragraphs) if p.number == paragraph.number)
    if at + 1 < len(paragraphs) and paragraphs[at + 1].kind is Kind.LIST_ITEM:
        return _items_around(paragraphs[at + 1], sources)
    return []


def _of_items(ask: Ask, best: Candidate, items: Sequence[Paragraph], sources: Sources) -> list[Candidate]:
    if not items:
        return []
    document = best.sentence.document
    text = document.text
    above = _above(items[0], sources)
    if ask.shape is Shape.ACCOUNT and _are_terms([text[p.start : p.end] for p in items]):
        return []
    if ask.shape is Shape.FACT and not stems(ask.question) <= stems(above):
        return []
    kept = range(len(items)) if ask.whole else _asked_for(ask.question, [text[p.start : p.end] for p in items], above)
    return [whole(Sentence(document, items[n], items[n].start, items[n].end), best) for n in kept][:MOST_LINES]


_TERM = re.compile(r"[\w.-]+(?: [\w.-]+){0,3}: \S")


def _are_terms(items: Sequence[str]) -> bool:
    """Whether most items say each what a term means, and are no steps: "rate_limit: Requests a second"."""
    return 2 * sum(bool(_TERM.match(item)) for item in items) > len(items)


def _above(item: Paragraph, sources: Sources) -> str:
    """The words that go for all items of a list: the heading above it, and the line that leads to it."""
    text, paragraphs = sources.document(item.doc_id).text, sources.paragraphs(item.doc_id)
    at = next(n for n, p in enumerate(paragraphs) if p.number == item.number)
    heading = [p for p in paragraphs[:at] if p.kind is Kind.HEADING][-1:]
    lead = [p for p in paragraphs[max(at - 1, 0) : at] if text[p.start : p.end].rstrip().endswith(":")]
    return " \n".join(text[p.start : p.end] for p in (*heading, *lead))


def _of_grid(ask: Ask, best: Candidate, grid: Grid) -> list[Candidate]:
    rows = rows_asked_for(ask.question, grid)
    column = column_asked_for(ask.question, grid, rows, best.start)
    return [
        replace(row.candidate(best.hit, column), score=best.score)
        for row in rows
        if row.cells[column][0] < row.cells[column][1]
    ][:MOST_LINES]


def _asked_for(question: str, texts: Sequence[str], named: str = "") -> list[int]:
    """The numbers of the items or rows that a question asks for: those with most of its words, where some have more
    than others and at least half of them, or no words above them are the question's; of these those that are as negated
    as the question. All where nothing tells.

    named: words that go for all of them.
    """
    asked = stems(question) - stems(named)
    is_named = asked != stems(question)
    has = [len(asked & stems(text)) for text in texts]
    most = max(has, default=0)
    kept = list(range(len(texts)))
    if most and (2 * most >= len(asked) or not is_named):
        kept = [n for n in kept if has[n] == most]
    as_negated = [n for n in kept if is_negated(texts[n]) == is_negated(question)]
    return as_negated if most and as_negated and any(is_negated(texts[n]) for n in kept) else kept
