"""Dates as files state them and as people write them: ISO 8601, or the first parts of it. Never guessed."""

import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime

_DATE_FORMATS = ("%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y", "%d.%m.%Y", "%Y/%m/%d")
_ISO_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?(?=$|[T ])", re.ASCII)
_MAIL_DATE = re.compile(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}", re.ASCII)

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_MONTH = (
    rf"(?P<month>{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS if name != 'september')}|sept?(?:ember)?)"
)
_MONTH_NUMBERS = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}
_DAY = r"(?P<day>\d{1,2})"
# A day in running text: with its month's name, or in figures, the year first or last.
_DAYS_WRITTEN = tuple(
    re.compile(rf"(?<![\w.]){pattern}(?!\w)", re.ASCII | re.IGNORECASE)
    for pattern in (
        rf"{_DAY}(?:st|nd|rd|th)?(?:\s+of)?\s+{_MONTH}\b\.?(?:,?\s+(?P<year>\d{{4}}))?",
        rf"{_MONTH}\b\.?\s+{_DAY}(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{{4}}))?",
        rf"(?P<year>\d{{4}})(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark){_DAY}",
        rf"{_DAY}(?P<mark>[-/.])(?P<month>\d{{1,2}})(?P=mark)(?P<year>\d{{4}})",
    )
)


def parse_date(stated: str | None) -> str | None:
    """An ISO 8601 date, month or year from what a file states; None where it is not one beyond doubt."""
    if not stated:
        return None
    stated = stated.strip()
    iso = _ISO_DATE.match(stated)
    if iso:
        day = iso[0]
        return day if _is_date(day + "-01-01"[len(day) - 4 :], "%Y-%m-%d") else None
    for layout in _DATE_FORMATS:
        if _is_date(stated, layout):
            return datetime.strptime(stated, layout).date().isoformat()
    return _mail_date(stated) if _MAIL_DATE.match(stated) else None


def stated_date(stated: str) -> str:
    """The ISO 8601 date, month or year that a person states. Raises ValueError, with how to write it, for any other."""
    date = parse_date(stated)
    if date is None:
        raise ValueError(f"'{stated}' is not a date; write it like 2023-02-19, 2023-02 or 2023")
    return date


def days_in(text: str) -> Iterator[str]:
    """The days that a text names, in whatever form, as words to be found by: "day20210503" and, in any year, "day0503".

    "03/05/2021" may be one of two days, and is both of them.
    """
    for _, _, named in written_days(text):
        yield from named


def written_days(text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Where a text names a day: half-open characters, and the words of `days_in` for it."""
    if not any(map(str.isdigit, text)):
        return
    for written in _DAYS_WRITTEN:
        for match in written.finditer(text):
            named = tuple(_names_of_day(match))
            if named:
                yield match.start(), match.end(), named


def _names_of_day(match: re.Match[str]) -> Iterator[str]:
    found = match.groupdict()
    named = found["month"].lower()
    month = int(named) if named.isdecimal() else _MONTH_NUMBERS[named[:3]]
    day, year = int(found["day"]), found["year"]
    readings = {(month, day)} | ({(day, month)} if found.get("mark") == "/" and match[0][-4:] == year else set())
    for m, d in sorted(readings):
        if 1 <= m <= 12 and 1 <= d <= 31:
            if year:
                yield f"day{year}{m:02}{d:02}"
            yield f"day{m:02}{d:02}"


def days_of(date: str) -> tuple[int, int]:
    """The first and the last day of an ISO date, month or year as numbers: 20220300 and 20220399 of "2022-03"."""
    digits = re.sub(r"\D", "", date)
    return int((digits + "00000000")[:8]), int((digits + "99999999")[:8])


def may_lie_within(date: str | None, after: str | None, before: str | None) -> bool:
    """Whether a date may be a day from the first of `after` on, and may be one up to the last of `before`.

    All are ISO dates, months or years: "2022" is meant from its first day, or to its last, and what is dated so may be
    of any day of it. No limit lets everything through, and any limit nothing without a date. Indexes ask the same of
    many documents at once (`index.folder.selection`, `index.milvus.rows`); a test holds them against this.
    """
    if date is None:
        return not after and not before
    first, last = days_of(date)
    return (not after or last >= days_of(after)[0]) and (not before or first <= days_of(before)[1])


def _mail_date(stated: str) -> str | None:
    """The day of a date as mails and feeds write it, where its sender was."""
    try:
        return parsedate_to_datetime(stated).date().isoformat()
    except (ValueError, OverflowError):
        return None


def _is_date(value: str, layout: str) -> bool:
    try:
        datetime.strptime(value, layout)
    except ValueError:
        return False
    return True
