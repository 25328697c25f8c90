"""Exact things: codes, numbers, days and quoted phrases of a question, and the passages that have them.

Meaning says nothing of "PX-4711-B": to an encoder it is as near to PX-4712-B. So what a question gives in figures or in
quotation marks, and few passages have, goes before whatever is only alike. Knows a collection's snapshot; no scores.
"""

import re
from collections import Counter
from collections.abc import Iterable

from index.collection import Filters, Snapshot
from index.dates import days_in
from index.passages import Passage
from index.terms import folded, joined_form, marked_codes, words_of

# What more passages have than this is no mark of any of them: a year, a round number, the name of a month's first day.
MOST = 20
# Passages that are looked through for a phrase, or for a code in a collection that was made before codes were joined.
_LOOKED_THROUGH = 64
_QUOTED = re.compile(r"""["“„«](?P<double>[^"“”„«»]{2,200})["”“»]|(?<!\w)['‘](?P<single>[^'‘’]{2,200})['’](?!\w)""")
_WORD = re.compile(r"[^\W_]+")
# Years, hours, ages, amounts: what so few figures say, many documents say.
_FEW_FIGURES = re.compile(r"\d{1,3}|1\d{3}|20\d{2}|\d{1,4}(?:st|nd|rd|th|s|k|m|am|pm)")

_NO_YEAR = len("day0503")


def exact_terms(question: str) -> list[str]:
    """The codes, numbers and days of a question, each once, as the lexical index has them: "px4711b", "day20210503"."""
    text = folded(question)
    days = list(days_in(text))
    days = [day for day in days if len(day) > _NO_YEAR] or days
    marked = marked_codes(text)
    for code in marked:
        text = text.replace(code, " ")
    plain = [word.lower() for word in _WORD.findall(text) if any(map(str.isdigit, word))]
    codes = [joined_form(code) for code in marked if not any(days_in(code))]
    return list(dict.fromkeys([*codes, *(word for word in plain if not _FEW_FIGURES.fullmatch(word)), *days]))


def quoted_phrases(question: str) -> list[str]:
    """What stands in quotation marks, each once; an apostrophe is none."""
    found = (match["double"] or match["single"] for match in _QUOTED.finditer(question))
    return list(dict.fromkeys(phrase.strip() for phrase in found if phrase.strip()))


def passages_with(question: str, snapshot: Snapshot, filters: Filters | None = None) -> dict[int, int]:
    """Passage id -> how many of the question's exact things it has, of those that at most MOST passages have."""
    counts: Counter[int] = Counter()
    for term in exact_terms(question):
        found = [passage_id for passage_id, _ in snapshot.lexical(term, MOST + 1, filters)]
        if len(found) <= MOST:
            counts.update(found)
    for phrase in quoted_phrases(question):
        hits = [passage_id for passage_id, _ in snapshot.lexical(phrase, _LOOKED_THROUGH, filters)]
        found = _having(phrase, snapshot.passages(hits, filters))
        if len(found) <= MOST:
            counts.update(found)
    return dict(counts)


def _having(phrase: str, passages: Iterable[Passage]) -> list[int]:
    """The passages in which the words of a phrase stand side by side."""
    wanted = f" {' '.join(words_of(phrase))} "
    return [p.passage_id for p in passages if wanted in f" {' '.join(words_of(p.text))} "]
