"""Statements with dates: sentences that say when, and the day, month or year that they mean.

The words of a date are found here, since a library that searches a text for dates takes "may" and "1,500" for some;
what they mean, dateparser says. A date without its year, and "last Tuesday", mean something only beside a date that is
known: one of the same paragraph, else the document's. Where there is none they are left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from index.paragraphs import Kind, Paragraph
from index.sentences import unit_spans

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

TEXT, DOCUMENT_DATE, DATELINE = "text", "document date", "dateline"
_READ = frozenset((Kind.BODY, Kind.LIST_ITEM, Kind.CAPTION, Kind.FOOTNOTE, Kind.TABLE_ROW))
_MONTH = (
    r"(?:Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|July?|Aug(?:ust|\.)?|Sept?(?:ember|\.)?"
    r"|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)(?![a-z])"
)
_WEEKDAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?!\d)"
_YEAR = r"(?:1\d{3}|20\d\d)(?![\d,]\d|\d|s\b)"
_COUNT = r"(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2}|a few|several)"
_FULL = re.compile(
    rf"(?<![\w-])(?:(?P<iso>\d{{4}}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)(?![\w-])"
    rf"|(?P<dmy>(?:{_WEEKDAY},? )?(?:the )?{_DAY}(?: of)? {_MONTH},? {_YEAR})"
    rf"|(?P<mdy>(?:{_WEEKDAY},? )?{_MONTH} {_DAY}(?:,| of)? {_YEAR})"
    rf"|(?P<dots>(?:3[01]|[12]\d|0?[1-9])\.(?:1[0-2]|0?[1-9])\.{_YEAR})(?!\w)"
    rf"|(?P<my>{_MONTH}(?: of)?,? {_YEAR})"
    rf"|(?P<dm>(?:{_WEEKDAY},? )?(?:the )?{_DAY}(?: of)? {_MONTH})(?!\s\d)"
    rf"|(?P<md>(?:{_WEEKDAY},? )?{_MONTH} {_DAY})(?![\w.,]*\d)"
    rf"|(?P<day>(?:[Tt]he day before )?[Yy]esterday|[Tt]oday|[Tt]onight|[Tt]omorrow)\b(?!’s|'s)"
    rf"|(?P<weekday>(?:(?:[Ll]ast|[Nn]ext|[Tt]his|[Oo]n|[Bb]y|[Uu]ntil|[Ss]ince) )?{_WEEKDAY})"
    rf"(?!s|,? \d|,? {_MONTH})"
    rf"|(?P<span>(?:[Ll]ast|[Nn]ext|[Tt]his|[Ee]arlier this|[Ll]ater this) (?:week|month|year))\b(?!-)(?! of)"
    rf"|(?P<ago>{_COUNT} (?:days?|weeks?|months?|years?) ago)\b"
    rf"|(?P<month>(?<=[Ii]n )(?:early |late |mid-)?{_MONTH}|(?<=[Ss]ince ){_MONTH}|(?<=[Ll]ast ){_MONTH}"
    rf"|(?<=[Uu]ntil ){_MONTH})(?! \d)"
    rf"|(?P<year>(?<=\b[Ii]n ){_YEAR}|(?<=\b[Ss]ince ){_YEAR}|(?<=\b[Uu]ntil ){_YEAR}|(?<=\b[Bb]y ){_YEAR}"
    rf"|(?<=\b[Ff]rom ){_YEAR}|(?<=\b[Dd]uring ){_YEAR}|(?<=\b[Bb]efore ){_YEAR}|(?<=\b[Aa]fter ){_YEAR}"
    rf"|(?<=\bbetween ){_YEAR}|(?<=\bearly ){_YEAR}|(?<=\blate ){_YEAR}|(?<=\byear ){_YEAR}|(?<=\(){_YEAR}(?=[),;–-])"
    rf"|(?:(?<=\bthe )|(?<=\bThe )|(?<=\bhis )|(?<=\bher )|(?<=\bits )|(?<=\btheir )|(?<=[’']s )){_YEAR}(?= [a-z])"
    rf"|(?<=\b[Cc]irca ){_YEAR}|^{_YEAR}(?=[:,. –-]\s?\D)))"
)
_LEAST_WORDS = 2
# When a mail was sent is its date, and no event: "Date: Monday, 5 June 2023, 09:12 +0000".
_SENT = re.compile(
    rf"(?:Date|Sent): (?:{_WEEKDAY},? )?(?:{_DAY} {_MONTH} {_YEAR}|{_MONTH} {_DAY},? {_YEAR}|\d{{4}}-\d{{2}}-\d{{2}})"
    r"[ ,at]*[\d:]*(?: ?[AaPp]\.?[Mm]\.?)?(?: [+-]\d{4}| [A-Z]{3,4})?"
)
# How many paragraphs from the first may be the one that dates a text.
_DATELINE_AMONG = 8
_UNIT = re.compile(
    r"\s?(?:people|persons|men|women|metres|meters|miles|feet|pages|copies|units|km|kg|%|rpm|x\b|pixels)"
)
# What speaks of the time to come, the present of a timetable with it; and what tells of when that was said.
_TO_COME = re.compile(
    r"\b(?:will|shall|is to|are to|due|scheduled|upcoming|must|should|deadline|plans? to|expected to|(?:re)?opens"
    r"|starts|begins|closes|ends|expires|launches|resumes|takes (?:place|effect)|comes into force)\b"
)
_SAID = re.compile(
    r"\b(?:said|says|told|wrote|announced|reported|confirmed|stated|warned|added|ruled|decided|agreed)\b"
)
_WITHOUT_YEAR = frozenset(("dm", "md", "month"))
_RELATIVE = frozenset(("day", "weekday", "span", "ago"))


@dataclass(frozen=True, slots=True)
class Dated:
    """A sentence that says when: `[start, end)` in characters of the document, inside paragraph `number`.

    when_start, when_end: the words of the date. kind: their form, such as "dmy" or "weekday".
    year: of a date before it in the same paragraph, for one that states none; None where there is none.
    to_come: the sentence speaks of what is still to come. dateline: the day that stands alone above the text, if any.
    """

    start: int
    end: int
    number: int
    when_start: int
    when_end: int
    words: str
    kind: str
    year: int | None = None
    to_come: bool = False
    dateline: str | None = None

    def resolved(self, document_date: str | None) -> "Moment | None":
        """The date that is meant, the document's date being known or not; None where nothing tells."""
        moment = _resolved(self.words, self.kind, self.year, self.to_come, document_date or self.dateline)
        if moment is not None and moment.by == DOCUMENT_DATE and not document_date:
            return Moment(moment.date, DATELINE)
        return moment


@dataclass(frozen=True, slots=True)
class Moment:
    """An ISO 8601 day, month or year.

    by: TEXT where the words say it whole, or with a year of their paragraph; DOCUMENT_DATE where they mean it beside
    the document's date, DATELINE where that is only told by a line of its own above the text.
    """

    date: str
    by: str


def dated_statements(text: str, paragraphs: Sequence[Paragraph]) -> list[Dated]:
    """The sentences that say when, in the order of the text; once for each date in them."""
    dateline = next(filter(None, (_dateline(text, p) for p in paragraphs[:_DATELINE_AMONG])), None)
    found = [found for p in paragraphs if p.kind in _READ for found in _of_paragraph(text, p)]
    return [replace(one, dateline=dateline) for one in found] if dateline else found


def _dateline(text: str, paragraph: Paragraph) -> str | None:
    """The day that a paragraph is, and nothing else."""
    words = text[paragraph.start : paragraph.end].strip(" .")
    match = _FULL.match(words)
    if match is None or match.end() != len(words) or match.lastgroup not in {"iso", "dmy", "mdy", "dots"}:
        return None
    moment = _resolved(" ".join(words.split()), match.lastgroup, None, False, None)
    return moment.date if moment and len(moment.date) == 10 else None


def _of_paragraph(text: str, paragraph: Paragraph) -> Iterator[Dated]:
    matches = list(_dates(text, paragraph.start, paragraph.end))
    if not matches:
        return
    units = unit_spans(text, paragraph)
    year: int | None = None
    for match, kind in matches:
        words = match[kind]
        stated = re.search(rf"{_YEAR}", words)
        if stated:
            year = int(stated[0])
        start, end = next(((a, b) for a, b in units if a <= match.start(kind) < b), (paragraph.start, paragraph.end))
        if len(text[start:end].split()) - len(words.split()) < _LEAST_WORDS or _SENT.fullmatch(text, start, end):
            continue  # a date alone says nothing
        yield Dated(
            start, end, paragraph.number, match.start(kind), match.end(kind), " ".join(words.split()), kind,
            year if kind in _WITHOUT_YEAR else None, _is_to_come(text[start : match.start(kind)]),
        )  # fmt: skip


def _is_to_come(before: str) -> bool:
    """Whether what stands before a date in its sentence makes it one to come: "will open on", but not "will open in
    spring, the county said on"."""
    to_come = list(_TO_COME.finditer(before))
    return bool(to_come) and _SAID.search(before, to_come[-1].end()) is None


def _dates(text: str, start: int, end: int) -> Iterator[tuple["re.Match[str]", str]]:
    for match in _FULL.finditer(text, start, end):
        kind = match.lastgroup or ""
        if kind == "year" and _UNIT.match(text, match.end()):
            continue
        if kind == "month" and match[kind] == "May" and text[match.end() :][:1] not in " ,.;)":
            continue
        yield match, kind


@lru_cache(maxsize=20_000)
def _resolved(words: str, kind: str, year: int | None, to_come: bool, document_date: str | None) -> Moment | None:
    stated = kind not in _WITHOUT_YEAR | _RELATIVE
    if stated or (kind in _WITHOUT_YEAR and year is not None):
        date = _stated(words if stated else f"{words} {year}", kind)
        return Moment(date, TEXT) if date else None
    base = _whole(document_date, kind)
    date = _beside(words, kind, base, to_come=to_come) if base else None
    return Moment(date, DOCUMENT_DATE) if date else None


def _stated(words: str, kind: str) -> str | None:
    """The date that words say whole."""
    if kind == "iso":
        return words if _exists(words) else None
    if kind == "year":
        return words
    bare = re.sub(r"^(?:early |late |mid-)", "", words)
    return _parsed(bare, datetime(2000, 1, 1), "past", _period(kind), "DMY" if kind == "dots" else "MDY")


def _whole(document_date: str | None, kind: str) -> datetime | None:
    """The document's date as a day, where it is known as exactly as the words need it."""
    needed = 4 if kind in {"span", "ago"} else 10
    if not document_date or len(document_date) < needed:
        return None
    return datetime.fromisoformat((document_date + "-12-28"[len(document_date) - 4 :])[:10] + "T12:00")


def _beside(words: str, kind: str, base: datetime, *, to_come: bool) -> str | None:
    """The date that words mean on a day; None where they mean no one date: "last week", "a few days ago"."""
    small = words.lower()
    if kind == "span":
        return _span(small, base)
    if kind == "ago":
        unit = re.search(r"(day|week|month|year)s? ago", small)
        if unit is None or small.startswith(("a few", "several")):
            return None
        return _parsed(words, base, "past", {"month": "month", "year": "year"}.get(unit[1], "day"))
    if kind == "day":
        return _parsed(small.replace("tonight", "today"), base, "past", "day")
    bare = re.sub(r"^(?:on|by|until|since|last|next|this|early|late|mid)[ -]", "", small)
    if small.startswith("next ") or (to_come and not small.startswith("last ")):
        return _parsed(bare, base, "future", _period(kind))
    # A report of Tuesday that says "on Tuesday" means its own day; "last Tuesday" is a week before.
    since = base if small.startswith("last ") else base + timedelta(days=1)
    return _parsed(bare, since, "past", _period(kind))


def _span(small: str, base: datetime) -> str | None:
    ahead = {"last": -1, "next": 1}.get(small.split(maxsplit=1)[0], 0)
    if small.endswith("year"):
        return str(base.year + ahead)
    if small.endswith("month"):
        month = base.year * 12 + base.month - 1 + ahead
        return f"{month // 12:04}-{month % 12 + 1:02}"
    return None  # of a week's seven days none is said


def _period(kind: str) -> str:
    return "month" if kind in {"my", "month"} else "day"


@lru_cache(maxsize=64)
def _parser(preference: str, order: str, base: datetime) -> "DateDataParser":
    from dateparser.date import DateDataParser

    settings = {"RELATIVE_BASE": base, "PREFER_DATES_FROM": preference, "DATE_ORDER": order,
                "RETURN_AS_TIMEZONE_AWARE": False}  # fmt: skip
    return DateDataParser(languages=["en"], settings=settings)


def _parsed(words: str, base: datetime, preference: str, period: str, order: str = "MDY") -> str | None:
    """An ISO date from words, by dateparser; its first parts where only these are said."""
    found: datetime | None = (
        _parser(preference, order, base).get_date_data(re.sub(r"\b(?:the|of)\b ?", "", words)).date_obj
    )
    return found.date().isoformat()[: {"day": 10, "month": 7, "year": 4}[period]] if found else None


def _exists(iso: str) -> bool:
    try:
        datetime.fromisoformat(iso if len(iso) == 10 else f"{iso}-01")
    except ValueError:
        return False
    return True
