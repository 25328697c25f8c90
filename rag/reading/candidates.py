"""What the reader found in the passages, in one order: spans in their sentences, by reading and retrieval together.

Knows hits, readings and sentences; decides which spans make an answer, not whether there is one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.cleaning.rules import is_credit
from index.paragraphs import Kind
from rag.citations import Sentence, Sources
from rag.reading.alike_sections import best_sections, in_alike_sections
from rag.reading.excerpts import Excerpt, excerpts
from rag.reading.reader import PassageReader
from rag.reading.table_rows import best_rows, is_of_another, is_tabular, stands_empty
from rag.retrieval import Hit

# score = margin + weight * answerability logit + weight * (what the order says of the span's passage - of the best).
ANSWERABLE_WEIGHT = 0.5
_ORDER_WEIGHT = 1.0
_NAMED_WEIGHT = 2.0
# Taken off where the exact thing that the question gives, a code or a quoted phrase, is in another document only.
_INEXACT = 4.0
# Excerpts that the reader reads: each of them takes it a fifteenth of a second. Rows: each a quarter of that.
EXCERPTS = 4
ROWS = 8
# A passage that the order puts so far behind the best is not read: of 446 excerpts of 130 questions kept apart these
# were an eighth, and none held what was answered.
_HOPELESS = 10.0
# The best sentences are read once more, each by itself, and what that gives counts so much. On 550 questions kept apart
# the right sentence is then first for .881 of the 387 with an answer, else for .870.
_ALONE = 3
_ALONE_WEIGHT = 0.25
_PROSE = frozenset((Kind.BODY, Kind.CAPTION, Kind.FOOTNOTE))
# Spans asked of the reader for each excerpt.
_SPANS = 8
# Score below the best at which another passage with the same words still counts as saying the same.
_AGREES_WITHIN = 4.0
# Score below the best at which another answer is still worth a sentence of its own.
_ALSO_WITHIN = 0.7
_MAX_LABELS = 2
_MAX_CLAIMS = 3

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
# Marks that change what a value is ("-5", "1.5", "C++", "$5") stay where they touch a digit, or stand behind a letter.
_MARKS = re.compile(r"(?<!\d)[^\w\s$€£%+#-](?!\d)|(?<=\d)[^\w\s%](?=\s|$)|(?<![\w])[-+#](?!\d)|[\"“”«»]")
_PICTURES = re.compile(
    r"\b(?:photo|picture|image|illustrat|video|film|camera|credit|agency|agencies|map)", re.IGNORECASE
)
_YES_OR_NO = re.compile(
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must)(?:n['’]t)? "
    r"(?!(?:you|we|they|anyone|anybody|somebody) (?:please )?(?:tell|know|say|explain|show|give|list|name)\b)"
    r"(?!.*\bor\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may answer: half-open `[start, end)` in characters of its document, inside `sentence`, or inside the
    heading above it, where that is what the sentence is of: "Which site was opened in 1994?".

    score: the span's margin over "no answer", with what reader and order say of its passage; higher is better.
    margin, answerable, yes: the reader's, of the excerpt that it stands in. alone: the best margin in its sentence,
    read by itself; of an item or a row its margin, and of what is further down and not read again the least of these.
    """

    hit: Hit
    sentence: Sentence
    start: int
    end: int
    score: float
    answerable: float
    margin: float = 0.0
    yes: float = 0.0
    alone: float = 0.0

    @property
    def text(self) -> str:
        """The span's characters."""
        return self.sentence.document.text[self.start : self.end]


def find_candidates(question: str, hits: Sequence[Hit], sources: Sources, reader: PassageReader) -> list[Candidate]:
    """The spans of the best passages, best first, ties by rank and place; a span that is in no sentence is left out.

    None where an empty cell of a table is what the question asks for: nothing states the answer. Who took a picture
    answers no question but one about pictures, and what only asks settles no question of yes or no.
    """
    by_rank = in_alike_sections(hits, sources)
    hits = [by_rank.get(hit.rank, hit) for hit in hits]
    alike = list(by_rank.values())
    shown = _to_read(question, hits, sources, reader, alike)
    if not shown:
        return []
    about_pictures = bool(_PICTURES.search(question))
    yes_or_no = is_yes_or_no(question)
    readings = reader.read(question, [e.text for e in shown], [e.title for e in shown], n_spans=_SPANS)
    best_order = max(excerpt.hit.order for excerpt in shown)
    exact = {hit.passage.doc_id for hit in hits if hit.exact}
    found = []
    empty = float("-inf")
    for excerpt, reading in zip(shown, readings, strict=True):
        of_excerpt = (
            ANSWERABLE_WEIGHT * reading.answerable
            + _NAMED_WEIGHT * excerpt.named
            - (_INEXACT if exact and excerpt.hit.passage.doc_id not in exact else 0.0)
        )
        for span in reading.spans:
            margin = span.score - reading.null_score
            shown_from, shown_to, of_cell = excerpt.asked_for(span.start, span.end)
            if excerpt.says_nothing(shown_from, shown_to):
                of_order = _ORDER_WEIGHT * (excerpt.hit.order - best_order)
                empty = max(empty, margin + of_excerpt + of_order + of_cell)
                continue
            place = excerpt.place(shown_from, shown_to)
            sentence = sources.sentence_at(excerpt.hit.passage.doc_id, *place) if place else None
            if place is None or sentence is None or (_is_credit(sentence) and not about_pictures):
                continue
            if is_of_another(question, sentence, in_rows=excerpt.hit in alike):
                continue
            if stands_empty(question, sentence, sources):
                continue
            if yes_or_no and _is_asked(sentence):
                continue
            start, end = max(place[0], sentence.start), min(place[1], sentence.end)
            hit = _hit_of(sentence, excerpt.hit, hits)
            # An excerpt reaches into the passages beside its own: what the order says of the span's is what counts.
            # Of a row it was asked by itself.
            order = excerpt.hit.order if sentence.paragraph.kind is Kind.TABLE_ROW else hit.order
            score = margin + of_excerpt + _ORDER_WEIGHT * (order - best_order) + of_cell
            found.append(Candidate(hit, sentence, start, end, score, reading.answerable, margin, reading.yes))
    found.sort(key=_best_first)
    return _read_alone(question, found, reader, alike) if found and found[0].score >= empty else []


def _best_first(candidate: Candidate) -> tuple[float, int, int]:
    return -candidate.score, candidate.hit.rank, candidate.start


def _read_alone(
    question: str, found: Sequence[Candidate], reader: PassageReader, alike: Sequence[Hit]
) -> list[Candidate]:
    """The candidates, best first, with what the best sentences say by themselves.

    In an excerpt a sentence gains from its neighbours' words, and stands beside others like it. An item, a row or what
    is in a section among others that are alike says little without what it is headed by.
    """
    best = {_place(c): c for c in reversed(found)}
    read = [best[place] for place in dict.fromkeys(map(_place, found))][:_ALONE]
    prose = [c.sentence for c in read if c.sentence.paragraph.kind in _PROSE and c.hit not in alike]
    titles = [sentence.document.title or "" for sentence in prose]
    readings = reader.read(question, [sentence.text for sentence in prose], titles, n_spans=1) if prose else []
    alone = {_place(c): c.margin for c in read}
    for sentence, reading in zip(prose, readings, strict=True):
        alone[sentence.document.doc_id, sentence.start] = reading.margin
    least = min(alone.values())
    told = [replace(c, alone=alone.get(_place(c), least)) for c in found]
    return sorted((replace(c, score=c.score + _ALONE_WEIGHT * c.alone) for c in told), key=_best_first)


def _place(candidate: Candidate) -> tuple[str, int]:
    """Where its sentence begins."""
    return candidate.sentence.document.doc_id, candidate.sentence.start


def _to_read(
    question: str, hits: Sequence[Hit], sources: Sources, reader: PassageReader, alike: Sequence[Hit]
) -> list[Excerpt]:
    """The best passages among their neighbours; of those that are rows of tables, the best rows one by one, and so of
    those in sections that are alike."""
    read: list[Excerpt] = []
    tabular = [hit for hit in hits if is_tabular(hit.passage, sources)]
    best = max((hit.order for hit in hits), default=0.0)
    shown = excerpts([h for h in hits if h.exact or h.order >= best - _HOPELESS], sources, most=EXCERPTS)
    prose = [excerpt for excerpt in shown if excerpt.hit not in tabular and excerpt.hit not in alike]
    if any(excerpt.hit in tabular for excerpt in shown):
        read = best_rows(question, tabular, sources, reader, most=ROWS)
    if any(excerpt.hit in alike for excerpt in shown):
        read = [*best_sections(question, alike, sources, most=ROWS), *read]
    return [*prose, *read]


def _hit_of(sentence: Sentence, read: Hit, hits: Sequence[Hit]) -> Hit:
    """The best hit whose passage has the sentence; the one that was read where none has."""
    doc_id = sentence.document.doc_id
    return next(
        (hit for hit in hits if hit.passage.doc_id == doc_id and hit.passage.start <= sentence.start < hit.passage.end),
        read,
    )


def _is_credit(sentence: Sentence) -> bool:
    return sentence.paragraph.kind is Kind.CAPTION and is_credit(sentence.text)


def _is_asked(sentence: Sentence) -> bool:
    return sentence.text.rstrip("\"'”’»)]* ").endswith("?")


def chosen(candidates: Sequence[Candidate], sources: Sources | None = None) -> list[list[Candidate]]:
    """The sentences of an answer, best first: for each, the candidate it is shown for, and those that agree with it.

    A sentence is shown once. A candidate agrees with another when its words or its whole sentence are the same, and it
    is in another passage.
    sources: tells copies, which are one source: of several only one is shown, the words in the earliest dated.
    """
    if not candidates:
        return []
    best = candidates[0].score
    groups: list[list[Candidate]] = []
    for candidate in candidates:
        if candidate.score < best - _AGREES_WITHIN:
            break
        if any(_same_sentence(candidate, other) for group in groups for other in group):
            continue
        agreeing = next((g for g in groups if _agree(g[0], candidate)), None)
        if agreeing is not None:
            elsewhere = not any(_same_source(candidate, other, sources) for other in agreeing)
            if elsewhere and len(agreeing) < _MAX_LABELS:
                agreeing.append(candidate)
        elif not groups or (candidate.score >= best - _ALSO_WITHIN and len(groups) < _MAX_CLAIMS):
            groups.append([candidate])
    return [[_earliest(candidate, sources) for candidate in group] for group in groups] if sources else groups


def same_words(one: str, other: str) -> bool:
    """Equal but for case, punctuation, articles and white space."""
    return _normal(one) == _normal(other)


def is_yes_or_no(question: str) -> bool:
    """Whether a question asks for a yes or a no: it begins with its verb, and asks nothing else and no choice."""
    return bool(_YES_OR_NO.match(question.lstrip("\"'“‘ ")))


def _agree(one: Candidate, other: Candidate) -> bool:
    return same_words(one.text, other.text) or one.sentence.text.split() == other.sentence.text.split()


def _same_source(one: Candidate, other: Candidate, sources: Sources | None) -> bool:
    """Whether two candidates are in one passage, or in copies of it."""
    copies = sources is not None and sources.are_copies(one.sentence.document.doc_id, other.sentence.document.doc_id)
    return one.hit.rank == other.hit.rank or (copies and one.hit.passage.doc_id != other.hit.passage.doc_id)


def _earliest(candidate: Candidate, sources: Sources) -> Candidate:
    """The candidate in the earliest dated document that has its sentence."""
    sentence = sources.earliest(candidate.sentence)
    moved = sentence.start - candidate.sentence.start
    return replace(candidate, sentence=sentence, start=candidate.start + moved, end=candidate.end + moved)


def _normal(text: str) -> str:
    """Lower case without articles and punctuation; the text itself where that leaves nothing."""
    return " ".join(_ARTICLES.sub(" ", _MARKS.sub("", text.casefold())).split()) or text


def _same_sentence(one: Candidate, other: Candidate) -> bool:
    a, b = one.sentence, other.sentence
    return (a.document.doc_id, a.start, a.end) == (b.document.doc_id, b.start, b.end)
