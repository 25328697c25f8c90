"""A question in the documents' own letters and forms of dates, as the reader takes it by its letters.

The search finds "Größe" by "Grosse" and "2024-05-03" by "3 May 2024"; a reader to whom these are different words then
finds no answer where it stands. Knows texts; no search, no reader.
"""

import re
from collections.abc import Sequence

from index.dates import written_days
from index.terms import plain_letters

_WORD = re.compile(r"\w+(?:[-\u2010-\u2015\u2212'’]\w+)*")
_NO_YEAR = len("day0503")


def as_written(question: str, texts: Sequence[str]) -> str:
    """The question with each word and day that no text has as it is typed in the form in which one has it, the first.

    texts: what was found, best first.
    """
    return _words_as_written(_days_as_written(question, texts), texts)


def _days_as_written(question: str, texts: Sequence[str]) -> str:
    changed = question
    for start, end, named in written_days(question):
        typed = question[start:end]
        if any(typed.casefold() in text.casefold() for text in texts):
            continue
        whole = {name for name in named if len(name) > _NO_YEAR} or set(named)
        found = (text[a:b] for text in texts for a, b, other in written_days(text) if whole.intersection(other))
        changed = changed.replace(typed, next(found, typed))
    return changed


def _words_as_written(question: str, texts: Sequence[str]) -> str:
    if question.isascii() and all(text.isascii() for text in texts):
        return question
    words = [word for text in texts for word in _WORD.findall(text)]
    stands = {word.lower() for word in words}
    missing = {word for word in _WORD.findall(question) if word.lower() not in stands}
    if not missing:
        return question
    forms: dict[str, str] = {}
    for word in words:
        forms.setdefault(plain_letters(word), word)
    return _WORD.sub(lambda m: forms.get(plain_letters(m[0]), m[0]) if m[0] in missing else m[0], question)
