"""What stands between quotation marks in a paragraph: English, typewriter, German and French ones.

Knows characters only; whether it is speech, a title or irony is for index/news/quotations.py to see.
"""

from dataclasses import dataclass

_DOUBLE = {"“": "”", "„": "“”", "«": "»", "‟": "”"}
_BEFORE_OPENING = frozenset("([{—–-/:") | {""}
_ENDS = frozenset(".,!?…;:—–-")


@dataclass(frozen=True, slots=True)
class Quoted:
    """`[start, end)`: the words between the marks. `[outer, outer_end)`: with the marks.

    closed: the mark that closes it is there; where it is not, the words go on to the paragraph's end.
    """

    start: int
    end: int
    outer: int
    outer_end: int
    closed: bool = True


def quoted_spans(text: str, start: int, end: int) -> list[Quoted]:
    """What stands between marks in one paragraph, `text[start:end]`, in order; of nested ones the outermost.

    A straight mark opens where a word begins and closes where one ends, so that inches and minutes do neither. A
    single one is an apostrophe unless it opens before a word and closes behind one.
    """
    found: list[Quoted] = []
    at = start
    while at < end:
        closing = _closing(text, at, start, end)
        if closing is None:
            at += 1
            continue
        found.append(closing)
        at = closing.outer_end
    return found


def _closing(text: str, at: int, start: int, end: int) -> Quoted | None:
    """What the mark at `at` opens; None where it opens nothing."""
    mark = text[at]
    before = text[at - 1] if at > start else ""
    opens = (before in _BEFORE_OPENING or before.isspace()) and at + 1 < end and not text[at + 1].isspace()
    if mark in _DOUBLE:
        return _until(text, at, end, _DOUBLE[mark], again=mark)
    if mark == '"' and opens:
        return _until(text, at, end, '"”', again="")
    if text.startswith("``", at):
        close = text.find("''", at, end)
        return Quoted(at + 2, close, at, close + 2) if close > 0 else None
    if mark in "‘'" and opens and text[at + 1].isalnum():
        return _single(text, at, end, "’'" if mark == "‘" else "'")
    return None


def _until(text: str, at: int, end: int, marks: str, again: str) -> Quoted | None:
    """To the mark that closes; to where another opens after a sentence's end, or to the end, where none does."""
    for n in range(at + 1, end):
        if text[n] in marks and not (text[n] == '"' and _opens_anew(text, n, end)):
            return Quoted(at + 1, n, at, n + 1)
        if (again and text[n] == again) or (text[n] == '"' and '"' in marks):
            last = n
            while text[last - 1].isspace():
                last -= 1
            return Quoted(at + 1, last, at, last, closed=False) if text[last - 1] in ".!?…" else None
    return Quoted(at + 1, end, at, end, closed=False)


def _opens_anew(text: str, n: int, end: int) -> bool:
    return text[n - 1].isspace() and n + 1 < end and not text[n + 1].isspace()


def _single(text: str, at: int, end: int, marks: str) -> Quoted | None:
    """Single marks: the first that closes behind a sentence's or clause's mark, else behind a word's last letter."""
    last = None
    for n in range(at + 2, min(end, at + 1500)):
        if text[n] not in marks or (n + 1 < end and text[n + 1].isalnum()):
            continue
        if text[n - 1] in _ENDS:
            return Quoted(at + 1, n, at, n + 1)
        last = last or n
    return Quoted(at + 1, last, at, last + 1) if last and "’" in marks else None
