"""Title, date, publisher and the like, from where they are really stated; never guessed.

Owns dates, the leading block of a text, and `metadata.csv` beside the files. What a page, a PDF or a mail states of
itself is read by its format's reader.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from io import StringIO
from pathlib import Path

from index.errors import Unreadable
from index.formats.content import one_line
from index.formats.text import decode

# A block of `key: value` lines, and nothing else but indented or listed values: between rules, or at the very head.
FRONT_MATTER = re.compile(r"\s*---[ \t]*\n(?P<block>(?:(?:[\w-]+:|[ \t]+|-[ \t]|#)[^\n]*\n|\n)*)---[ \t]*(?:\n|$)")
LEADING_LINES = re.compile(r"\s*(?P<block>(?:[A-Za-z][A-Za-z -]{1,20}:[ \t]*\S[^\n]*(?:\n|$))+)(?:[ \t]*\n|$)")
_STATED = re.compile(
    r"^(title|date|published|publisher|outlet|url|language|lang)[ \t]*:[ \t]*(.*?)[ \t]*$", re.IGNORECASE | re.MULTILINE
)
# The keys that a leading block states of a document itself.
STATED_KEYS = frozenset(("title", "date", "published", "publisher", "outlet", "url", "language", "lang"))
_SAME_AS = {"published": "date", "outlet": "publisher", "lang": "language"}
_QUOTED = re.compile(r"([\"'])(.*)\1")


def stated_metadata(text: str) -> Mapping[str, str]:
    """Title, date, publisher, url and language from a leading block: front matter, or lines such as `Title:`.

    A block that names neither a title nor a date is taken for prose. Keys are lower case; values are never empty.
    """
    found = FRONT_MATTER.match(text) or LEADING_LINES.match(text)
    if found is None:
        return {}
    stated: dict[str, str] = {}
    for key, value in _STATED.findall(found["block"]):
        quoted = _QUOTED.fullmatch(value)
        words = quoted[2] if quoted else value
        if words.strip("|>-+ "):  # YAML's signs for a text that goes on below are no title
            stated.setdefault(_SAME_AS.get(key.lower(), key.lower()), words)
    return stated if "title" in stated or "date" in stated else {}


_DATE_FORMATS = ("%d %B %Y", "%B %d, %Y", "%d %b %Y", "%b %d, %Y", "%d.%m.%Y", "%Y/%m/%d")
_ISO_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?(?=$|[T ])", re.ASCII)


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


_MAIL_DATE = re.compile(r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}", re.ASCII)


def days_of(date: str) -> tuple[int, int]:
    """The first and the last day of an ISO date, month or year as numbers: 20220300 and 20220399 of "2022-03"."""
    digits = re.sub(r"\D", "", date)
    return int((digits + "00000000")[:8]), int((digits + "99999999")[:8])


def _mail_date(stated: str) -> str | None:
    """The day of a date as mails and feeds write it, where its sender was."""
    try:
        return parsedate_to_datetime(stated).date().isoformat()
    except ValueError:
        return None


def _is_date(value: str, layout: str) -> bool:
    try:
        datetime.strptime(value, layout)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Given:
    """What a person says of a file, each on one line; None says nothing, and so does a blank."""

    title: str | None = None
    date: str | None = None
    publisher: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        for name in ("title", "date", "publisher", "url"):
            object.__setattr__(self, name, one_line(getattr(self, name)))

    @property
    def named(self) -> tuple[str, ...]:
        """The names of what is said."""
        return tuple(name for name in ("title", "date", "publisher", "url") if getattr(self, name))

    def over(self, other: "Given") -> "Given":
        """Both together; this one wins where both speak."""
        return Given(*(getattr(self, name) or getattr(other, name) for name in ("title", "date", "publisher", "url")))


GIVEN_FILE = "metadata.csv"


def read_given(path: Path) -> tuple[dict[Path, Given], list[tuple[str, str]]]:
    """The rows of a `metadata.csv` by the resolved path of the file that each names, and its faults: (place, reason).

    Columns: path, relative to its own folder, and any of title, date, publisher, url.
    Raises Unreadable where it cannot be read at all.
    """
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    given: dict[Path, Given] = {}
    faults: list[tuple[str, str]] = []
    try:
        if "path" not in (rows.fieldnames or ()):
            raise Unreadable(
                f"its first line has no column 'path' ({', '.join(rows.fieldnames or ()) or 'it is empty'})"
            )
        for row in rows:
            fields = {
                key: (row.get(key) or "").strip() or None for key in ("path", "title", "date", "publisher", "url")
            }
            fault, file = _fault(path, fields)
            if fault:
                faults.append((f"{path}:{rows.line_num}", fault))
            else:
                given[file] = Given(fields["title"], parse_date(fields["date"]), fields["publisher"], fields["url"])
    except csv.Error as error:
        raise Unreadable(f"line {rows.line_num + 1}: a broken quotation ({error})") from error
    return given, faults


def _fault(path: Path, fields: Mapping[str, str | None]) -> tuple[str | None, Path]:
    """What is wrong with a row, or None; and the file that it names."""
    name = fields["path"]
    file = (path.parent / (name or "")).resolve()
    if not name:
        return "names no path", file
    try:
        there = file.is_file()
    except OSError as error:  # such as an address in the wrong column: too long for a file's name
        return f"names '{name}', which cannot be looked at ({error.strerror})", file
    if not there:
        return f"names '{name}', which is not there", file
    if fields["date"] and not parse_date(fields["date"]):
        return f"'{fields['date']}' is not a date; write it like 2023-02-19, 2023-02 or 2023", file
    return None, file
