"""Markers: the numbers in brackets by which a generated sentence says where it comes from.

One resolver for an answer that is still being written and for the finished one. Knows text only: what a number stands
for, and whether the sentence says what is there, is decided in `rag.generation.checking`.
"""

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from index.sentences import sentence_spans
from rag.citations import unbracketed

# What models write for a marker: [1] [1, 3] [1-3] [^1] [source 2] 【4】 and the like; ours is `MARKER` of
# `rag.citations`. Every repetition is bounded, so any input takes linear time.
_NUMBERS = r"[0-9]{1,9}(?:\s{0,2}(?:,|;|-|–|—|&|and)\s{0,2}\^?[0-9]{1,9}){0,40}"
_WORD = r"(?:\^|(?:sources?|passages?|documents?|evidence|refs?|no)\s?[.:#]?\s?)?"
_WRITTEN = re.compile(rf"[\[【]\s{{0,2}}{_WORD}({_NUMBERS})(?:†[^\[\]【】]{{0,60}})?\s{{0,2}}[\]】]", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]{1,9})(?:\s*[-–—]\s*\^?([0-9]{1,9}))?")
# Characters behind an opening bracket in which it may still become a marker.
_MARKER_LENGTH = 80
_LIST_MARK = re.compile(r"\s{0,20}(?:[-*•+]\s{1,4}|[0-9]{1,3}[.)]\s{1,4}|#{1,6}\s{1,4}|>\s?)?")
_SAYS = re.compile(r"[^\W_]")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,500}`", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """One sentence of a generated answer, without markers, and the numbers that it cites, each once, in order."""

    text: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A generated text taken apart. wrong: how many markers held a number that stands for nothing."""

    sentences: tuple[CitedSentence, ...]
    wrong: int


class _Part(NamedTuple):
    """A stretch of text; or a marker, with those of its numbers that stand for something."""

    text: str
    numbers: tuple[int, ...] = ()
    is_marker: bool = False
    is_wrong: bool = False


def resolve(text: str, n: int) -> Resolved:
    """The sentences of a text with the numbers 1 to n that their markers cite.

    A marker belongs to the sentence that it stands in or behind; at the beginning of a line, to the one that follows.
    A number in brackets inside code is code.
    """
    parts = list(_parts(text, n))
    bare, places = _taken_out(parts)
    spans = _spans(bare)
    cited: list[list[int]] = [[] for _ in spans]
    for at, numbers in places if spans else []:
        cited[_owner(at, spans, bare)].extend(numbers)
    said = (
        CitedSentence(_one_line(bare[start:end]), tuple(dict.fromkeys(numbers)))
        for (start, end), numbers in zip(spans, cited, strict=True)
    )
    return Resolved(tuple(said), sum(part.is_wrong for part in parts))


def draft(text: str, n: int) -> str:
    """A text that is still growing with the markers that resolve, in the form [1][3]; others, whole or begun, not."""
    runs = [""]  # text and our markers by turns, as taking a marker out may leave brackets that seem to be another
    for part in _parts(_settled(text), n):
        if part.numbers:
            runs += ["".join(f"[{number}]" for number in part.numbers), ""]
        else:
            runs[-1] = runs[-1].rstrip(" \t") if part.is_marker else runs[-1] + part.text
    runs[::2] = [unbracketed(run) for run in runs[::2]]
    return "".join([*runs[:-1], _settled(runs[-1])]).rstrip()


def defused(text: str) -> str:
    """A text of others in which nothing is a marker any more: numbers in brackets stand in parentheses."""
    return unbracketed(_WRITTEN.sub(r"(\1)", text))


def _settled(text: str) -> str:
    """The text without what may become a marker when more comes, or would seem to be one begun."""
    end = len(text.rstrip())
    while True:
        near = max(end - _MARKER_LENGTH, 0)
        opening = max(text.rfind("[", near, end), text.rfind("【", near, end))
        if opening < 0 or re.search(r"[\]】]", text[opening:end]):
            return text[:end]
        end = opening
        while end and text[end - 1] in "[【 \t\n":
            end -= 1


def _parts(text: str, n: int) -> Iterator[_Part]:
    """The text in order: stretches without markers, and the markers."""
    at = 0
    code = deque((c.start(), c.end()) for c in _CODE.finditer(text))
    for match in _WRITTEN.finditer(text):
        while code and code[0][1] <= match.start():
            code.popleft()
        if code and code[0][0] <= match.start():
            continue
        yield _Part(text[at : match.start()])
        numbers, is_wrong = _numbers(match.group(1), n)
        yield _Part(match.group(), numbers, is_marker=True, is_wrong=is_wrong)
        at = match.end()
    yield _Part(text[at:])


def _numbers(inside: str, n: int) -> tuple[tuple[int, ...], bool]:
    """The numbers from 1 to n of what stands between the brackets, in order, and whether there were others."""
    found: list[int] = []
    is_wrong = False
    for match in _RANGE.finditer(inside):
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        is_wrong = is_wrong or not 1 <= first <= last <= n
        found.extend(range(max(first, 1), min(last, n) + 1))
    return tuple(dict.fromkeys(found)), is_wrong


def _taken_out(parts: Iterable[_Part]) -> tuple[str, list[tuple[int, tuple[int, ...]]]]:
    """The text without its markers, and for each marker where it stood in that text, and its numbers."""
    kept: list[str] = []
    places: list[tuple[int, tuple[int, ...]]] = []
    length = 0
    for part in parts:
        if part.is_marker:
            if kept:
                bare = kept[-1].rstrip(" \t")
                length -= len(kept[-1]) - len(bare)
                kept[-1] = bare
            places.append((length, part.numbers))
            continue
        text = part.text
        if places and text[:1].isalnum():
            text = " " + text
        kept.append(text)
        length += len(text)
    return unbracketed("".join(kept)), places


def _spans(text: str) -> list[tuple[int, int]]:
    """The sentences of each line that say something, half-open, in order."""
    spans = []
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        lead = start + len(_LIST_MARK.match(line).group())  # type: ignore[union-attr]  # it matches the empty string
        if _SAYS.search(line):
            spans.extend(sentence_spans(text, lead, end))
        start = end + 1
    return [(left, right) for left, right in spans if _SAYS.search(text, left, right)]


def _owner(at: int, spans: Sequence[tuple[int, int]], text: str) -> int:
    """The position of the sentence that a marker at `at` belongs to."""
    last = bisect_left(spans, (at, 0)) - 1
    line = text.rfind("\n", 0, at) + 1
    following = last + 1
    begins = last < 0 or spans[last][0] < line
    if begins and following < len(spans) and "\n" not in text[at : spans[following][0]]:
        return following
    return max(last, 0)


def _one_line(text: str) -> str:
    return " ".join(text.split())
