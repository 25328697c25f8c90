"""Dates count: which statements are of the time that is asked about, and which document replaces which.

Knows documents' dates and the dates in their texts; nothing is guessed where neither says one.
"""

import re
from calendar import month_name
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from index.dates import days_of
from index.documents import Document
from rag.composing.values import dated_days
from rag.reading.candidates import Candidate
from rag.retrieval import Hit

# Score for a statement of the time asked about, by its own words or its document's date, and against one of another.
_SAID, _DATED, _ELSEWHEN = 1.5, 1.0, 3.0
_YEAR = r"((?:1[0-9]|20)\d\d)"
_SPAN = re.compile(rf"\b(?:from|between) (?:\w+ )?{_YEAR} (?:to|and|until|till) (?:\w+ )?{_YEAR}", re.IGNORECASE)
_WAY = r"\b(?P<way>since|after|from|before|until|till|up to|by)"
_SINCE = re.compile(
    rf"{_WAY} (?:(?:the (?:end|beginning|start|middle) of|the|about|around) )?(?=[\dA-Z])", re.IGNORECASE
)
# "Since May": of which year is told by the newest document. Of a bare "in May" it may be a year to come.
_MONTHS = [name.casefold() for name in month_name[1:]]
_SINCE_MONTH = re.compile(
    rf"\b(?P<way>since|after|before|until|till) (?:the (?:end|beginning|start|middle) of |the (?=\d))?"
    rf"(?:(?P<day>[0-3]?\d)(?:st|nd|rd|th)?(?: of)? )?(?P<month>{'|'.join(_MONTHS)})\b"
    rf"(?! (?:the )?\d{{1,2}}\b| (?:\w+ )?{_YEAR})",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"\b(?:version|edition|rev(?:ision)?|v)\b\.? ?[\d.]*|\d+|\b(?:new|old|updated?|revised|current)\b|\W+|_"
)
_END = 99999999


@dataclass(frozen=True, slots=True)
class Asked:
    """The days asked about, both inclusive, as numbers: 20230501; of an unsaid month or day 0 first and 99 last.

    since: it asks for what came after, which no document of before can tell. assumed: the year that was not said.
    """

    first: int
    last: int
    since: bool = False
    assumed: int | None = None

    def has(self, days: tuple[int, int]) -> bool:
        """Whether a day, month or year lies within what is asked about, as far as it is said."""
        return days[0] <= self.last and self.first <= days[1]


def asked_time(question: str, documents: Sequence[Document] = ()) -> Asked | None:
    """The time that a question asks about; None where it names none.

    documents: a month without a year is the last that the newest of them can know of; without any it is no time.
    """
    span = _SPAN.search(question)
    if span:
        one, other = sorted((int(span[1]), int(span[2])))
        return Asked(one * 10000, other * 10000 + 9999)
    month = _SINCE_MONTH.search(question)
    if month:
        newest = max((day_of(d) or 0 for d in documents), default=0)
        if not newest:
            return None
        number = (_MONTHS.index(month["month"].casefold()) + 1) * 100 + int(month["day"] or 0)
        year = newest // 10000 - (number > newest % 10000 and newest % 10000 > 0)
        day = year * 10000 + number
        return _one_sided(month["way"], (day, day if month["day"] else day + 99), assumed=year)
    for since in _SINCE.finditer(question):
        said = dated_days(question[since.end() :])
        if said and said[0][0] == 0:
            return _one_sided(since["way"], said[0][1])
    named = [days for _, days in dated_days(question)]
    return Asked(min(a for a, _ in named), max(b for _, b in named)) if named else None


def _one_sided(way: str, days: tuple[int, int], assumed: int | None = None) -> Asked:
    way = way.casefold()
    if way in ("since", "from", "after"):
        return Asked(days[1] + 1 if way == "after" else days[0], _END, way == "since", assumed)
    return Asked(0, days[0] - 1 if way == "before" else days[1], assumed=assumed)


def told_as(asked: Asked, documents: Sequence[Document]) -> str:
    """Which year was taken for a month without one, and why: a sentence for the user."""
    newest = max(documents, key=lambda d: day_of(d) or 0)
    when = newest.date or str(year_of(newest))
    return f"the month was taken to be that of {asked.assumed}, as the newest document found is of {when}"


def of_the_time(asked: Asked | None, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates in order of their scores, those of the time asked about moved up and others down; those that can't
    be of it are left out where it asks for what came since.

    What a sentence says of its time counts; where it says none, the date of its document. The words that answer may be
    a date themselves ("since when", "when"), so a date in them does not count.
    """
    if asked is None:
        return list(candidates)
    kept = [c for c in candidates if not (asked.since and _shift(c, asked) < 0)]
    if len(kept) < 2:
        return kept
    moved = [replace(c, score=c.score + _shift(c, asked)) for c in kept]
    return sorted(moved, key=lambda c: (-c.score, c.hit.rank, c.start))


def since_first(question: str, hits: Sequence[Hit], document_of: Callable[[str], Document]) -> list[Hit]:
    """The hits in their order, but where a question asks for what came since a day those of documents from before it
    behind the others, if there are others. document_of: the document of a name."""
    documents = [document_of(hit.passage.doc_id) for hit in hits]
    asked = asked_time(question, documents)
    if asked is None or not asked.since:
        return list(hits)
    days = [days_of_document(document) for document in documents]
    late = [hit for hit, known in zip(hits, days, strict=True) if known is None or asked.has(known)]
    if not late or len(late) == len(hits):
        return list(hits)
    early = [hit for hit in hits if hit not in late]
    return [replace(hit, rank=rank) for rank, hit in enumerate([*late, *early], 1)]


def is_of_the_time(asked: Asked | None, candidate: Candidate) -> bool:
    """Whether a statement is of the time that a question asks about, or nothing says of which it is."""
    if asked is None:
        return True
    shift = _shift(candidate, asked)
    return shift > 0 or (shift == 0 and days_of_document(candidate.sentence.document) is None)


def _shift(candidate: Candidate, asked: Asked) -> float:
    text, sentence = candidate.sentence.document.text, candidate.sentence
    around = f"{text[sentence.start : candidate.start]} {text[candidate.end : sentence.end]}"
    said = [days for _, days in dated_days(around)]
    if said:
        return _SAID if any(map(asked.has, said)) else -_ELSEWHEN
    days = days_of_document(sentence.document)
    if days is None:
        return 0.0
    if asked.has(days):
        return _DATED
    # An earlier document knows nothing of it; a later one of the same year may tell of it.
    return -_DATED if days[1] < asked.first else 0.0


def days_of_document(document: Document) -> tuple[int, int] | None:
    """The first and the last day that a document may be from, as numbers; None where nothing says it."""
    if document.date:
        return days_of(document.date)
    year = year_of(document)
    return None if year is None else (year * 10000, year * 10000 + 9999)


def year_of(document: Document) -> int | None:
    """The year of a document: of its date, else the only one that its title or its name has."""
    if document.date:
        return int(document.date[:4])
    for words in (document.title or "", document.doc_id):
        named = {int(year) for year in re.findall(rf"(?<!\d){_YEAR}(?!\d)", words)}
        if len(named) == 1:
            return named.pop()
    return None


def day_of(document: Document) -> int | None:
    """When a document is from, as a number that grows with time; None where nothing says it."""
    if document.date:
        return days_of(document.date)[0]
    year = year_of(document)
    return None if year is None else year * 10000


def replaces(newer: Document, older: Document) -> bool:
    """Whether a document is a later state of another: of the same title or name but for numbers, and dated later."""
    one, other = day_of(newer), day_of(older)
    if one is None or other is None or one <= other:
        return False
    titles = [_VERSION.sub("", (d.title or "").casefold()) for d in (newer, older)]
    file_names = [_VERSION.sub("", d.doc_id.casefold().rpartition("/")[2]) for d in (newer, older)]
    same_title = titles[0] == titles[1] and len(titles[0]) > 3
    same_name = file_names[0] == file_names[1] and len(file_names[0]) > 5
    return same_title or (same_name and (not titles[0] or not titles[1]))


def newest_first(documents: Sequence[Document]) -> list[int]:
    """The numbers of documents from the newest to the oldest; those without a date behind, as they came."""
    return sorted(range(len(documents)), key=lambda n: -(day_of(documents[n]) or 0))
