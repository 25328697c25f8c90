"""Title, date, publisher and the like from the leading block of a text, and the day from its dateline; never guessed.

What a page, a PDF or a mail states of itself is read by its format's reader.
"""

import re
from collections.abc import Mapping

from index.dates import parse_date

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


# "Tuesday, 12 March 2024", "By Ann Example, Harbour Post, 3 May 2021", "3 May 2021 | Harbour Post": a line that is a
# day, or a day and who brings it. A label before it ("Deadline: ") says that it is the day of something else.
_NAMES = r"[^\W\d_][^\d\n:|·]{1,60}?"
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATELINE = re.compile(
    rf"[*_]{{0,2}}(?:{_NAMES}(?:,| \||·| [–—-]) ?)?(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,? )?"
    rf"(?P<day>\d{{1,2}} (?:{_MONTHS}) \d{{4}}|(?:{_MONTHS}) \d{{1,2}}, \d{{4}}|\d{{4}}-\d{{2}}-\d{{2}})"
    rf"(?: ?[|·–—-] {_NAMES}|, {_NAMES})*\.?[*_]{{0,2}}"
)
_HEAD_LINES, _HEAD_LINE = 5, 100


def dateline(text: str) -> str | None:
    """The day of a text as a line of its own states it among the first below its headline, or in place of one.

    None where a longer line, which begins the text itself, comes before it, or where several such lines stand in the
    text: a diary, or a list of reports.
    """
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for n, line in enumerate(lines[:_HEAD_LINES]):
        if len(line) > _HEAD_LINE and n:
            return None
        found = _DATELINE.fullmatch(line)
        if found and (n or len(found["day"]) + 12 > len(line)):
            if len(lines) < n + 2 or any(
                _DATELINE.fullmatch(other) for other in lines[n + 1 :] if len(other) < _HEAD_LINE
            ):
                return None
            return parse_date(found["day"])
    return None
