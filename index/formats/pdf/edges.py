"""What stands at the upper and lower ends of a PDF's pages: running heads, page numbers and footnotes.

Only what is the same on many pages runs; lines that differ in a number do so because the number matters, unless it
counts the pages.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.formats.pdf.order import Line, Part

# Lines this near to a page's upper or lower end may be running heads or page numbers.
_EDGE_LINES = 2
# A running head stands on at least so many pages, and on this share of them (left and right pages may differ).
_RUNNING_PAGES = 3
_RUNNING_SHARE = 0.3
_ROMAN = r"(?=[ivxl])(?:xl|l?x{0,3})(?:ix|iv|v?i{0,3})"
_PAGE_NUMBER = re.compile(
    rf"(?:page |p\. ?|seite |- ?|– ?|\[)?(?:(\d{{1,4}})|{_ROMAN})(?: ?-| ?–|\])?(?: ?(?:/|of|von|de) ?\d{{1,4}})?",
    re.IGNORECASE,
)
# A number that counts pages in a head: "12 | Report", "Report - Page 12 of 40".
_HEAD_NUMBER = re.compile(
    r"^(?P<first>\d{1,4})(?:\s*[|•·–—]\s*|\s+(?=[A-ZÄÖÜ]))|"
    r"(?:[|•·–—]\s*|\s-\s*|(?P<word>\b(?:[Pp]age|PAGE|[Ss]eite|p\.)\s*)|\s)(?P<last>\d{1,4})"
    r"(?(word)(?:\s*(?:/|of|von|de)\s*\d{1,4})?)$"
)
# Beside a mark or a word such as "page" it counts nothing else; beside other words it may: "Statement for month 4".
_SURELY_PAGE = re.compile(r"[|•·–—]|\s-\s|\b(?:page|seite|p\.)\s*\d", re.IGNORECASE)
# What states a value, "Closing balance: 0.00", or is a sentence, may well be the same on several pages.
_VALUE = re.compile(r":\s*\S*\d")
_SENTENCE = re.compile(r"[^\W\d_]{2,}\s.*[^\W\d_]{3}[.!?]$")
_MARKS = re.compile(r"(?<=[^\s⁰¹²³⁴⁵⁶⁷⁸⁹⁻])[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}(?![⁰¹²³⁴⁵⁶⁷⁸⁹⁻])")
_UNIT = re.compile(r"(?:^|[\d\s/(·])(?:[kcdmµn]?m|ft|in|yd|mi|s|sq|cu)$")
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_NOTE = re.compile(r"(?P<mark>[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}|\d{1,3})[.)]?\s*(?=[^\W\d_]|[\"“„'(])")
# A note stands in the lower part of its page's text.
_NOTES_BELOW = 0.5


@dataclass(frozen=True, slots=True)
class Note:
    """A footnote: its mark and its words."""

    mark: str
    text: str
    page: int


def without_running_heads(pages: Sequence[Sequence[Part]]) -> tuple[list[list[Part]], set[Line]]:
    """The pages without page numbers, and without the repetitions of lines at their ends that stand on many of them.

    The first of each running head stays, and is in the set; so do all of one whose number may count something else.
    """
    edges = [_edge(page) for page in pages]
    ends = [[line for i, line in enumerate(page) if i in edge and isinstance(line, Line)]
            for page, edge in zip(pages, edges, strict=True)]  # fmt: skip
    heads = Counter(head for lines in ends for head in {_head(line) for line in lines})
    counted = Counter(place for lines in ends for place in {_counted(line) for line in lines})
    enough = 2 if len(pages) == 2 else max(_RUNNING_PAGES, _RUNNING_SHARE * len(pages))
    told: set[tuple[str, float]] = set()
    first: set[Line] = set()
    kept: list[list[Part]] = []
    for page, edge in zip(pages, edges, strict=True):
        left: list[Part] = []
        foot = _foot(page)
        for i, part in enumerate(page):
            if i not in edge or not isinstance(part, Line):
                left.append(part)
                continue
            place, head = _counted(part), _head(part)
            if place is not None and (place == 0 or counted[place] > 1):
                continue
            if heads[head] >= enough and not _VALUE.search(part.text) and not _SENTENCE.search(part.text):
                # "Statement for month 4" heads a page; below all of its text such a number is the page's own.
                is_page = i in foot and head[0].startswith("0:")
                if head in told and not ("#" in head[0] and not is_page and not _SURELY_PAGE.search(part.text)):
                    continue
                told.add(head)
                first.add(part)
            left.append(part)
        kept.append(left)
    return kept, first


def page_titles(pages: Sequence[Sequence[Part]], heads: set[Line]) -> set[tuple[int, str]]:
    """(page, words) of lines at the pages' upper ends that are alike but for a number: "Statement for May 2024, no. 5".

    They name what stands below them, page by page. heads: running heads, which do not.
    """
    found: dict[tuple[str, float], set[tuple[int, str]]] = {}
    for page in pages:
        lines = sorted((part for part in page if isinstance(part, Line) and part not in heads), key=lambda x: -x.top)
        for line in lines[:_EDGE_LINES]:
            is_plain = not (_VALUE.search(line.text) or _SENTENCE.search(line.text) or _SURELY_PAGE.search(line.text))
            words = re.findall(r"[^\W\d_]{2,}", line.text)
            if is_plain and len(words) > 1 and re.search(r"\d", line.text) and _counted(line) is None:
                alike = re.sub(r"\d+", "#", line.text.casefold())
                found.setdefault((alike, line.size), set()).add((line.page, line.text))
    enough = 2 if len(pages) == 2 else max(_RUNNING_PAGES, _RUNNING_SHARE * len(pages))
    series = [named for named in found.values() if len(named) >= enough]
    return {one for named in series if len({words for _, words in named}) > 1 for one in named}


def _edge(page: Sequence[Part]) -> set[int]:
    """The numbers of a page's uppermost and lowest lines."""
    order = sorted((i for i, part in enumerate(page) if isinstance(part, Line)), key=lambda i: -_top(page[i]))
    return {*order[:_EDGE_LINES], *order[-_EDGE_LINES:]}


def _foot(page: Sequence[Part]) -> set[int]:
    """The number of a page's lowest line, where others stand above it."""
    lines = [(part.top, i) for i, part in enumerate(page) if isinstance(part, Line)]
    return {min(lines)[1]} if len(lines) > 1 else set()


def _top(part: Part) -> float:
    return part.top if isinstance(part, Line) else 0.0


def _head(line: Line) -> tuple[str, float]:
    """What a running head has in common on all pages: its words, without a number that counts the pages."""
    text = line.text.casefold()
    found = _HEAD_NUMBER.search(line.text)
    if found:
        number = int(found["first"] or found["last"])
        # The number of the page itself, or one that is as far from it on all pages: told apart by the caller's count.
        text = f"{number - line.page}:{line.text[: found.start()]}#{line.text[found.end() :]}".casefold()
    return text, line.size


def _counted(line: Line) -> int | str | None:
    """By how much a page number differs from the page's place in the file; "roman" for i, ii; None for other lines."""
    found = _PAGE_NUMBER.fullmatch(line.text)
    return None if found is None else int(found[1]) - line.page if found[1] else "roman"


def with_notes(page: Sequence[Part]) -> tuple[list[Part], list[Note]]:
    """The page with marks of footnotes written as "[2]", and its footnotes, which are no longer among its lines.

    A raised digit is a mark where a note at the page's foot begins with it; others stay raised: "10⁵", "m²".
    """
    lines = [part for part in page if isinstance(part, Line)]
    marks = {found[0].translate(_PLAIN) for line in lines for found in _MARKS.finditer(line.text)}
    if not marks:
        return list(page), []
    highest, lowest = max(line.top for line in lines), min(line.bottom for line in lines)
    middle = lowest + _NOTES_BELOW * (highest - lowest)
    notes: list[Note] = []
    kept: list[Part] = []
    last: Line | None = None
    for part in page:
        if not isinstance(part, Line) or part.top > middle:
            kept.append(part)
            continue
        found = _NOTE.match(part.text)
        if found and found["mark"].translate(_PLAIN) in marks:
            notes += _split(part, marks)
        elif last is not None and abs(last.size - part.size) < 0.5 and 0 < last.bottom - part.bottom < 1.6 * part.size:
            notes[-1] = replace(notes[-1], text=f"{notes[-1].text} {part.text}")
        else:
            last = None
            kept.append(part)
            continue
        last = part
    noted = {note.mark for note in notes}

    def mark(found: re.Match[str]) -> str:
        number = found[0].translate(_PLAIN)
        is_unit = number in ("2", "3") and _UNIT.search(found.string[: found.start()])
        return found[0] if is_unit or number not in noted else f"[{number}]"

    return [replace(part, text=_MARKS.sub(mark, part.text)) if isinstance(part, Line) else part for part in kept], notes


def _split(line: Line, marks: set[str]) -> list[Note]:
    """The notes of a line, which may hold several: each begins with the number after the one before it."""
    found = _NOTE.match(line.text)
    if found is None:
        return []
    number = found["mark"].translate(_PLAIN)
    rest = line.text[found.end() :]
    after = str(int(number) + 1)
    following = re.search(rf"(?<=[.!?)]) (?={after}[.)]? [A-ZÄÖÜ])", rest) if after in marks else None
    if following is None:
        return [Note(number, rest, line.page)]
    return [
        Note(number, rest[: following.start()], line.page),
        *_split(replace(line, text=rest[following.end() :]), marks),
    ]
