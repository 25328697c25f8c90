"""Title, date, publisher and the like from the leading block of a text; never guessed.

What a page, a PDF or a mail states of itself is read by its format's reader.
"""

import re
from collections.abc import Mapping

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
