"""What the lines of a text show of its structure: headings, lists, tables, code, notes.

Owns what Markdown means, and what a table or a list looks like where nobody marked it: columns between bars, tabs or
wide gaps; lines that were broken on purpose. What it does not see is left to be split at blank lines. Of a run of lines
that might be prose it says nothing: prose that is taken for a list is cut to pieces, a list for prose is only long.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.formats.content import FIRST_ROW, HEAD_ROW, Block
from index.formats.stated import FRONT_MATTER, LEADING_LINES, STATED_KEYS, stated_metadata
from index.paragraphs import WRAPPED_LINE_MAX, Kind, trim

_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})[^`\n]*$")
_ATX = re.compile(r"[ \t]{0,3}(#{1,6})[ \t]+\S")
_UNDERLINE = re.compile(r"[ \t]{0,3}(=+|-{2,})[ \t]*$")
_BOLD_LINE = re.compile(r"(\*\*|__)(?!\s)[^*_\n]{1,100}(?<!\s)\1:?$")
_BULLET = re.compile(r"(?P<indent>[ \t]*)(?P<mark>[-*+•‣◦▪–])(?P<gap>[ \t]+)(?=\S)")
_NUMBER = re.compile(
    r"(?P<indent>[ \t]*)(?P<mark>\d{1,3}(?:\.\d{1,3})+\.?|\(?(?:\d{1,3}|[a-z])[.)])(?P<gap>[ \t]+)(?=\S)"
)
_NOTE = re.compile(r"[ \t]{0,3}\[\^[^\]\s]{1,40}\]:[ \t]*\S")
_DELIMITERS = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_RULED = re.compile(r"[ \t]*[+|=:\- ]*(?:-{3}|={3})[+|=:\- ]*$")
BAR = re.compile(r"(?<!\\)\|")
# What parts the cells of a table that was exported, outside quotation marks; of two columns no comma does.
MARKS = (
    re.compile(r";(?=(?:[^\"\n]*\"[^\"\n]*\")*[^\"\n]*$)"),
    re.compile(r",(?!\s)(?=(?:[^\"\n]*\"[^\"\n]*\")*[^\"\n]*$)"),
)
_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")
# Figures of a column's head that are none: "Flow (m3/h)", "Q3".
_UNITS = re.compile(r"\([^()]*\)|\b[A-Za-z]{1,4}\d{1,2}\b")
LABEL = re.compile(r"(?=[^\s])[^:\n]{1,60}(?<!\s)(?<!https)(?<!http): +(?=\S)")
_SENTENCE = re.compile(r"[.!?…][\"'”’»)\]*_]*$")
_LINK_ITEM = re.compile(r"(?:\[[^\]]*\]\([^)]*\)|[|•· \t])+$")
# What a line of a log or a chat begins with.
STAMP = re.compile(r"[\[(<]?\d{1,4}[-/.:]\d{1,2}(?:[-/.:]\d{1,4})?[\s,)\]T]")
_QUESTION = re.compile(r"[ \t]*(?:Q|Question|F|Frage)[ \t]?\d{0,3}[:.)][ \t]+\S.*\?[ \t]*$")
_DEFINITION = re.compile(r"[ \t]{0,3}:[ \t]+\S")
_LETTERED_NOTE = re.compile(r"[ \t]*[\w*†‡]{1,2}[.)]?(?:[ \t]{2,}|\t)\S.*[.!?]$")
_KEY = re.compile(r"(?P<key>[\w-][\w -]*):")

# A heading above a list or a table in one block with it has no more words.
_LABEL_WORDS = 10
# Labels in capitals and questions stand below a text's title, beside each other.
_LABEL_LEVEL = 2
# A table by wide gaps has at least so many rows; two lines may have them by chance.
_ALIGNED_ROWS = 3
# Breaks that the width of a text did not ask for; above this share of them its lines are no prose.
_VOLUNTARY_SHARE = 0.5
# A narrower text than this was not wrapped by a mailer.
_NARROWEST = 40


@dataclass(frozen=True, slots=True)
class _Line:
    """Half-open `[start, end)` of a line in its text, and its characters."""

    start: int
    end: int
    words: str

    @property
    def blank(self) -> bool:
        return not self.words.strip()

    @property
    def bars(self) -> int:
        """How many bars part cells in it."""
        return len(BAR.findall(self.words.strip()[1:-1]))


def structure(text: str) -> list[Block]:
    """What is seen, in order, none over another; lines of marks alone (fences, rules below heads) are in no block."""
    lines = _lines_of(text)
    found: list[Block] = []
    at = _front_matter(text, lines, found)
    is_markdown = any(_ATX.match(line.words) or _FENCE.match(line.words) for line in lines)
    while at < len(lines):
        line = lines[at]
        after = None if line.blank else _marked(text, lines, at, found, is_markdown=is_markdown)
        if after is None and not line.blank and (at == 0 or lines[at - 1].blank or _follows(found, lines[at - 1])):
            after = _run(text, lines, at, found)
        at = after if after is not None else at + 1
    return found


def _lines_of(text: str) -> list[_Line]:
    lines = []
    position = 0
    for words in text.split("\n"):
        lines.append(_Line(position, position + len(words), words))
        position += len(words) + 1
    return lines


def _follows(found: Sequence[Block], above: _Line) -> bool:
    """Whether the line above is the end of something that is known."""
    return bool(found) and above.start < found[-1].end <= above.end


def _block(text: str, start: int, end: int, kind: Kind, level: int = 0) -> Block:
    return Block(*trim(text, start, end), kind, level)


def _front_matter(text: str, lines: Sequence[_Line], found: list[Block]) -> int:
    """The first line behind the leading block that states things; those that are no document's own are items."""
    leading = FRONT_MATTER.match(text) or (LEADING_LINES.match(text) if stated_metadata(text) else None)
    if leading is None:
        return 0
    start, end = leading.span("block")
    inside = [line for line in lines if start <= line.start < end and not line.blank]
    keys = [_KEY.match(line.words) for line in inside]
    if any(key and key["key"].lower() not in STATED_KEYS for key in keys):
        for line, key in zip(inside, keys, strict=True):
            if key:
                kind = Kind.FURNITURE if key["key"].lower() in STATED_KEYS else Kind.LIST_ITEM
                found.append(_block(text, line.start, line.end, kind))
            elif found:
                above = found.pop()
                found.append(_block(text, above.start, line.end, above.kind))
    else:
        found.append(_block(text, leading.start(), leading.end(), Kind.FURNITURE))
    return next((n for n, line in enumerate(lines) if line.start >= leading.end()), len(lines))


def _marked(text: str, lines: Sequence[_Line], at: int, found: list[Block], *, is_markdown: bool) -> int | None:
    """What Markdown's marks at a line begin; the line behind it, None where there are none."""
    starts = at == 0 or lines[at - 1].blank or _follows(found, lines[at - 1])
    after = _fenced(text, lines, at, found) or _headed(text, lines, at, found, starts=starts)
    after = after or _noted(text, lines, at, found)
    if after is None and is_markdown and starts and not (found and found[-1].kind is Kind.LIST_ITEM):
        after = _indented(text, lines, at, found)
    return after or _ruled_off(text, lines, at, found)


def _fenced(text: str, lines: Sequence[_Line], at: int, found: list[Block]) -> int | None:
    fence = _FENCE.match(lines[at].words)
    if fence is None:
        return None
    end = at + 1
    while end < len(lines) and not _closes(lines[end].words, fence[1]):
        end += 1
    _add_code(text, lines[at + 1 : end], found)
    return end + 1


def _headed(text: str, lines: Sequence[_Line], at: int, found: list[Block], *, starts: bool) -> int | None:
    line = lines[at]
    atx = _ATX.match(line.words)
    if atx:
        found.append(_block(text, line.start, line.end, Kind.HEADING, len(atx[1])))
        return at + 1
    if starts and at + 1 < len(lines) and _is_underlined(line, lines[at + 1]):
        level = 1 if lines[at + 1].words.strip()[0] == "=" else 2
        found.append(_block(text, line.start, line.end, Kind.HEADING, level))
        return at + 2
    return None


def _noted(text: str, lines: Sequence[_Line], at: int, found: list[Block]) -> int | None:
    if not _NOTE.match(lines[at].words):
        return None
    end = at + 1
    while end < len(lines) and not lines[end].blank and not _NOTE.match(lines[end].words):
        end += 1
    found.append(_block(text, lines[at].start, lines[end - 1].end, Kind.FOOTNOTE))
    return end


def _indented(text: str, lines: Sequence[_Line], at: int, found: list[Block]) -> int | None:
    end = at
    while end < len(lines) and (_is_indented(lines[end]) or (lines[end].blank and end > at)):
        end += 1
    _add_code(text, lines[at:end], found)
    return end if end > at else None


def _ruled_off(text: str, lines: Sequence[_Line], at: int, found: list[Block]) -> int | None:
    """A table whose head a row of dashes and bars sets off from its rows."""
    if at + 1 == len(lines) or not lines[at].bars:
        return None
    if not (_DELIMITERS.match(lines[at + 1].words) and "|" in lines[at + 1].words):
        return None
    found.append(_block(text, lines[at].start, lines[at].end, Kind.TABLE_ROW, HEAD_ROW))
    end = at + 2
    while end < len(lines) and BAR.search(lines[end].words):
        found.append(_block(text, lines[end].start, lines[end].end, Kind.TABLE_ROW))
        end += 1
    return end


def _closes(words: str, fence: str) -> bool:
    closing = words.strip()
    return len(closing) >= len(fence) and closing == fence[0] * len(closing)


def _add_code(text: str, lines: Sequence[_Line], found: list[Block]) -> None:
    kept = [line for line in lines if not line.blank]
    if kept:
        found.append(_block(text, kept[0].start, kept[-1].end, Kind.CODE))


def _is_underlined(line: _Line, below: _Line) -> bool:
    words = line.words.strip()
    return bool(
        _UNDERLINE.match(below.words)
        and len(words) <= 100
        and len(below.words.strip()) >= min(3, len(words))
        and not _GAP.search(words)
        and "|" not in words
        and not _SENTENCE.search(words)
    )


def _is_indented(line: _Line) -> bool:
    return not line.blank and (line.words.startswith("\t") or line.words.startswith("    "))


# Runs of lines in a block between blank lines


def _run(text: str, lines: Sequence[_Line], at: int, found: list[Block]) -> int | None:
    """What the lines from one on are together, a label above them included; the line behind them, None for prose."""
    end = at
    while end < len(lines) and not lines[end].blank:
        end += 1
    after = _listed(text, lines, at, found) or _tabled(text, lines, at, end, found)
    if after is not None:
        return after
    if at + 1 < end and _DEFINITION.match(lines[at + 1].words):
        return _defined(text, lines, at, end, found)
    if at + 1 < end and _is_in_capitals(lines[at]) and not _is_in_capitals(lines[at + 1]):
        found.append(_block(text, lines[at].start, lines[at].end, Kind.HEADING, _LABEL_LEVEL))
        return at + 1
    if at + 1 < end and (_may_be_label(lines[at]) or _is_bold(lines[at])):
        rest: list[Block] = []
        after = _listed(text, lines, at + 1, rest) or _tabled(text, lines, at + 1, end, rest)
        if after is not None or _is_bold(lines[at]) or _are_details(lines[at:end]):
            found.append(_block(text, lines[at].start, lines[at].end, Kind.HEADING))
            found += rest
            return after if after is not None else at + 1
    return _spoken(text, lines[at:end], found, end) or _broken(text, lines[at:end], found, end)


def _defined(text: str, lines: Sequence[_Line], at: int, end: int, found: list[Block]) -> int:
    """Terms, each with what is said of it below, behind colons: an item each."""
    first = at
    for n in range(at + 1, end + 1):
        below = n + 1 < end and _DEFINITION.match(lines[n + 1].words) and not _DEFINITION.match(lines[n].words)
        if n == end or below:
            found.append(_block(text, lines[first].start, lines[n - 1].end, Kind.LIST_ITEM, 1))
            first = n
    return end


def _may_be_label(line: _Line) -> bool:
    words = line.words.strip()
    plain = not (_SENTENCE.search(words) or words.endswith((",", ";")) or BAR.search(words) or "\t" in words)
    return plain and len(words.split()) <= _LABEL_WORDS


def _is_bold(line: _Line) -> bool:
    return bool(_BOLD_LINE.match(line.words.strip()))


def _is_in_capitals(line: _Line) -> bool:
    """Whether a line is a label in capitals: "LANGUAGES"."""
    words = line.words.strip()
    return (
        words.isupper()
        and _may_be_label(line)
        and len(re.findall(r"[^\W\d_]", words)) > 3
        and (not any(map(str.isdigit, words)))
    )


def _are_details(lines: Sequence[_Line]) -> bool:
    """Whether all lines but the first are indented below it: a term, and what is said of it."""
    return not lines[0].words[:1].isspace() and all(line.words[:2].isspace() for line in lines[1:])


def _item(line: _Line) -> "re.Match[str] | None":
    return _BULLET.match(line.words) or _NUMBER.match(line.words)


def _listed(text: str, lines: Sequence[_Line], at: int, found: list[Block]) -> int | None:
    """A list of two items or more, blank lines between them or not; None where there is none at the line."""
    items: list[tuple[int, int, int, str]] = []  # first line, line behind the last, indent, mark
    n = at
    while n < len(lines):
        mark = None if lines[n].blank else _item(lines[n])
        if lines[n].blank:
            below = n + 1
            while below < len(lines) and lines[below].blank:
                below += 1
            if below == len(lines) or below > n + 1 or not _goes_on(items, lines[below]):
                break
            n = below
            continue
        if mark:
            indent = _depth(mark)
            if items and not _goes_on(items, lines[n]):
                break
            items.append((n, n + 1, indent, mark["mark"]))
        elif items and (lines[n].words[:1].isspace() or _wraps(lines[n - 1], lines[n])):
            first, _, indent, sign = items.pop()
            items.append((first, n + 1, indent, sign))
        else:
            break
        n += 1
    if len(items) < 2:
        return None
    if all(_LINK_ITEM.match(lines[first].words[_item_end(lines[first]) :].strip()) for first, _, _, _ in items):
        return None
    indents: list[int] = []
    for first, behind, indent, _ in items:
        while indents and indents[-1] >= indent:
            indents.pop()
        indents.append(indent)
        bullet = _BULLET.match(lines[first].words)
        start = lines[first].start + (bullet.end() if bullet else 0)
        found.append(_block(text, start, lines[behind - 1].end, Kind.LIST_ITEM, len(indents)))
    return max(behind for _, behind, _, _ in items)


def _item_end(line: _Line) -> int:
    mark = _item(line)
    return mark.end() if mark else 0


def _goes_on(items: Sequence[tuple[int, int, int, str]], line: _Line) -> bool:
    """Whether a line is a further item of the list: by the same bullet, a rising number, or one further in or out."""
    mark = _item(line)
    if mark is None or not items:
        return False
    indent = _depth(mark)
    # Below a higher item the count begins anew.
    begun = max((n for n, (_, _, other, _) in enumerate(items) if other < indent), default=-1) + 1
    same = [sign for _, _, other, sign in items[begun:] if other == indent]
    if not same:
        return indent > items[-1][2]
    number, above = _value(mark["mark"]), _value(same[-1])
    if number is None or above is None:
        return number is above is None
    return number == above + 1 or (number == 1 and above == 1)


def _depth(mark: "re.Match[str]") -> int:
    """How far an item is indented, by blanks or by its number: "2.1" lies below "2."."""
    return len(mark["indent"].expandtabs(4)) + 4 * mark["mark"].strip(".").count(".")


def _value(mark: str) -> int | None:
    """What a mark counts: 3 of "3." and "2.3", 2 of "b)"; None of a bullet."""
    sign = mark.strip("().").rpartition(".")[2]
    return int(sign) if sign.isdigit() else ord(sign) - ord("a") + 1 if sign.isalpha() else None


def _wraps(above: _Line, line: _Line) -> bool:
    """Whether a line goes on with the one above: that is long, or this begins small."""
    return line.words[:1].islower() or len(above.words) >= _NARROWEST + 10


def _tabled(text: str, lines: Sequence[_Line], at: int, end: int, found: list[Block]) -> int | None:
    """Rows of a table from a line on: by bars, tabs or wide gaps; None where there is none."""
    for parts, least in ((_by_bars, 2), (_by_tabs, 2), (_by_gaps, _ALIGNED_ROWS), (_by_marks, _ALIGNED_ROWS)):
        rows = parts(lines[at:end])
        real = [row for row in rows if not _RULED.match(row.words)]
        if len(real) >= least:
            if all(_LETTERED_NOTE.match(row.words) for row in real):
                found += [_block(text, row.start, row.end, Kind.FOOTNOTE) for row in real]
                return at + len(rows)
            heads = _has_head(rows)
            for n, row in enumerate(real):
                level = HEAD_ROW if n == 0 and heads else FIRST_ROW if n == 0 else 0
                found.append(_block(text, row.start, row.end, Kind.TABLE_ROW, level))
            return at + len(rows)
    return None


def _by_bars(lines: Sequence[_Line]) -> Sequence[_Line]:
    """The first lines that have bars between cells, with rules among them; the same number in most."""
    rows = _while(lines, lambda line: bool(BAR.search(line.words) or _RULED.match(line.words)))
    if not any(row.bars for row in rows) or all(_LINK_ITEM.match(row.words.strip()) for row in rows):
        return []
    return rows


def _by_tabs(lines: Sequence[_Line]) -> Sequence[_Line]:
    """The first lines with tabs inside, none indented by one alone."""
    rows = _while(lines, lambda line: "\t" in line.words.strip("\n ").rstrip("\t") or line.words.endswith("\t"))
    return rows if rows and "\t" in rows[0].words.strip() else []


def _by_gaps(lines: Sequence[_Line]) -> Sequence[_Line]:
    """The first lines that have cells below each other, wide gaps between them."""
    rows = _while(lines, lambda line: bool(_GAP.search(line.words.strip()) or _RULED.match(line.words)))
    while len(rows) >= _ALIGNED_ROWS:
        if len(gap_columns([row.words for row in rows if not _RULED.match(row.words)])) >= 1:
            return rows
        rows = rows[:-1]
    # A list of names and values, parted by gaps but not below each other.
    rows = _while(lines, lambda line: len(_GAP.findall(line.words.strip())) == 1 and " " in line.words)
    return rows if rows and all(len(row.words) <= WRAPPED_LINE_MAX for row in rows) else []


def _by_marks(lines: Sequence[_Line]) -> Sequence[_Line]:
    """The first lines that have equally many cells between semicolons, or between commas without blanks after them."""
    for mark in MARKS:
        count = len(mark.findall(lines[0].words)) if lines else 0
        rows = _while(lines, lambda line, mark=mark, n=count: len(mark.findall(line.words)) == n)  # type: ignore[misc]
        if count and len(rows) >= _ALIGNED_ROWS and all(len(row.words) <= WRAPPED_LINE_MAX * 2 for row in rows):
            return rows
    return []


def gap_columns(rows: Sequence[str]) -> list[int]:
    """Where columns begin in rows that are aligned: places with two blanks before them in every row that goes so far,
    and no letter of any row across."""
    width = max(map(len, rows), default=0)
    blank = [all(len(row) <= n or row[n] == " " for row in rows) for n in range(width)]
    starts = []
    for n in range(2, width):
        gap = blank[n - 1] and blank[n - 2] and not blank[n]
        reached = [row for row in rows if len(row) > n]
        if gap and any(row[:n].strip() for row in rows) and 2 * len(reached) >= len(rows):
            starts.append(n)
    return starts


def _while(lines: Sequence[_Line], holds: Callable[[_Line], bool]) -> list[_Line]:
    rows = []
    for line in lines:
        if not holds(line):
            break
        rows.append(line)
    return rows


def _has_head(rows: Sequence[_Line]) -> bool:
    """Whether the first row names the columns: a rule stands below it, or it has no digit where the others have."""
    if len(rows) > 1 and _RULED.match(rows[1].words) and not _RULED.match(rows[0].words):
        return True
    real = [row for row in rows if not _RULED.match(row.words)]
    first, others = real[0].words, real[1:]
    label = LABEL.match(first)
    if label:
        if len(_cells_of(first)) > 1 and all(map(LABEL.match, _cells_of(first))):
            return False
        return len(others) >= 2 and all(LABEL.match(row.words) for row in others) and first[label.end()].isalpha()
    if not others or (any(char.isdigit() for char in _UNITS.sub("", first)) and not _names_years(first)):
        return False
    numbers = [any(char.isdigit() for char in row.words) for row in others]
    columns = max(len(BAR.findall(first.strip().strip("|"))), len(re.findall("\t", first.strip()))) + 1
    return 2 * sum(numbers) >= len(others) or (not any(numbers) and columns >= 3 and len(others) >= 2)


def _cells_of(words: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"\t|\|| {2,}", words.strip(" |")) if cell.strip()]


def _names_years(first: str) -> bool:
    """Whether the only figures of a row are two or more years, in order, as columns are named."""
    figures = re.findall(r"\d[\d.,]*", first)
    years = [int(figure) for figure in figures if re.fullmatch(r"(?:1[5-9]|20)\d\d", figure)]
    in_order = len(set(years)) == len(years) and years in (sorted(years), sorted(years, reverse=True))
    return len(years) == len(figures) > 1 and in_order


def _spoken(text: str, lines: Sequence[_Line], found: list[Block], end: int) -> int | None:
    """Lines of a chat or a log, each with those that go on with it, or questions and their answers; None where neither
    is."""
    stamped = [n for n, line in enumerate(lines) if STAMP.match(line.words.strip())]
    if len(stamped) > 1 and stamped[0] == 0 and 2 * len(stamped) >= len(lines):
        for first, behind in pairwise([*stamped, len(lines)]):
            found.append(_block(text, lines[first].start, lines[behind - 1].end, Kind.LIST_ITEM, 1))
        return end
    return _asked(text, lines, found, end) if any(_QUESTION.match(line.words) for line in lines) else None


def _broken(text: str, lines: Sequence[_Line], found: list[Block], end: int) -> int | None:
    """Lines that were broken on purpose, each by itself: labelled ones, or those with room for more; None for prose."""
    if len(lines) < 2 or any(len(line.words) > WRAPPED_LINE_MAX * 2 for line in lines):
        return None
    if all(_LINK_ITEM.match(line.words.strip()) for line in lines):
        return None
    labelled = [bool(LABEL.match(line.words.strip())) for line in lines]
    head = not labelled[0] and _may_be_label(lines[0]) and sum(labelled) >= 1 and all(labelled[1:2])
    rest = labelled[1:] if head else labelled
    mostly = len(rest) >= 1 + (not head) and sum(rest) >= 0.6 * len(rest)
    if not mostly:
        if len(lines) < 3 or _voluntary(lines) <= _VOLUNTARY_SHARE:
            return None
        digits = [any(char.isdigit() for char in line.words) for line in lines]
        head = not digits[0] and _may_be_label(lines[0]) and all(digits[1:])
    elif not head and _voluntary(lines) < 0.3:
        return None
    if head:
        found.append(_block(text, lines[0].start, lines[0].end, Kind.HEADING))
    for line in lines[1:] if head else lines:
        is_item = bool(LABEL.match(line.words.strip())) or not _SENTENCE.search(line.words.strip())
        found.append(_block(text, line.start, line.end, Kind.LIST_ITEM if is_item else Kind.BODY, 1 if is_item else 0))
    return end


def _asked(text: str, lines: Sequence[_Line], found: list[Block], end: int) -> int:
    """Questions, each a heading, and the answer below it."""
    at = 0
    for n in range(1, len(lines) + 1):
        if n == len(lines) or _QUESTION.match(lines[n].words) or _QUESTION.match(lines[at].words):
            asks = bool(_QUESTION.match(lines[at].words))
            kind, level = (Kind.HEADING, _LABEL_LEVEL) if asks else (Kind.BODY, 0)
            found.append(_block(text, lines[at].start, lines[n - 1].end, kind, level))
            at = n
    return end


def _voluntary(lines: Sequence[_Line]) -> float:
    """The share of line breaks that no width asked for: the next word would have had room."""
    width = max(_NARROWEST, *(len(line.words.rstrip()) for line in lines))
    breaks = 0
    for above, line in pairwise(lines):
        first = line.words.split(maxsplit=1)[0]
        breaks += len(above.words.rstrip()) + 1 + len(first) <= width
    return breaks / (len(lines) - 1)
