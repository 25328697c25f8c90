"""Dates count: which statements are of the time that is asked about, and which document replaces which.

Knows documents' dates and the dates in their texts; nothing is guessed where neither says one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.dates import days_of
from index.documents import Document
from rag.composing.values import years
from rag.reading.candidates import Candidate

# Score for a statement of the time asked about, by its own words or its document's date, and against one of another.
_SAID, _DATED, _ELSEWHEN = 1.5, 1.0, 3.0
_YEAR = r"((?:1[0-9]|20)\d\d)"
_SPAN = re.compile(rf"\b(?:from|between) (?:\w+ )?{_YEAR} (?:to|and|until|till) (?:\w+ )?{_YEAR}", re.IGNORECASE)
_SINCE = re.compile(
    r"\b(?P<way>since|after|from|before|until|till|up to|by) (?:the )?(?:\d{1,2}(?:st|nd|rd|th)? )?(?:[a-z]+ )?"
    rf"{_YEAR}",
    re.IGNORECASE,
)
_PLAIN = re.compile(rf"(?<![\w.,-]){_YEAR}(?![\w]|[.,-]\d)")
_VERSION = re.compile(
    r"\b(?:version|edition|rev(?:ision)?|v)\b\.? ?[\d.]*|\d+|\b(?:new|old|updated?|revised|current)\b|\W+|_"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The years asked about, both inclusive."""

    first: int
    last: int

    def has(self, year: int) -> bool:
        """Whether a year is asked about."""
        return self.first <= year <= self.last


def asked_years(question: str) -> Asked | None:
    """The years that a question asks about; None where it names none."""
    span = _SPAN.search(question)
    if span:
        return Asked(*sorted((int(span[1]), int(span[2]))))
    since = _SINCE.search(question)
    if since:
        year, way = int(since[2]), since["way"].casefold()
        if way in ("since", "from"):
            return Asked(year, 9999)
        if way == "after":
            return Asked(year, 9999)
        return Asked(0, year)
    named = [int(year) for year in _PLAIN.findall(question)]
    return Asked(min(named), max(named)) if named else None


def of_the_time(question: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates in order of their scores, those of the years asked about moved up and others down.

    What a sentence says of its year counts; where it says none, the date of its document. The words that answer may be
    a year themselves ("since when", "when"), so a year in them does not count.
    """
    asked = asked_years(question)
    if asked is None or len(candidates) < 2:
        return list(candidates)
    moved = [replace(c, score=c.score + _shift(c, asked)) for c in candidates]
    return sorted(moved, key=lambda c: (-c.score, c.hit.rank, c.start))


def is_of_the_time(question: str, candidate: Candidate) -> bool:
    """Whether a statement is of the years that a question asks about, or nothing says of which it is."""
    asked = asked_years(question)
    return asked is None or _shift(candidate, asked) > 0 or year_of(candidate.sentence.document) is None


def _shift(candidate: Candidate, asked: Asked) -> float:
    text, sentence = candidate.sentence.document.text, candidate.sentence
    around = f"{text[sentence.start : candidate.start]} {text[candidate.end : sentence.end]}"
    said = years(around)
    if said:
        return _SAID if any(map(asked.has, said)) else -_ELSEWHEN
    year = year_of(sentence.document)
    if year is None:
        return 0.0
    return _DATED if asked.has(year) else -_DATED if year < asked.first else 0.0


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
