"""PDF, by PDFium: lines joined into paragraphs, running heads and page numbers dropped, each character's page kept.

A PDF knows where characters stand, not which of them belong together. A line goes on in the next one unless something
says otherwise: the distance, the size of the letters, an indent, or room at its end that the next word would have had.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.content import Content, clean, one_line

if TYPE_CHECKING:
    import pypdfium2

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
_SENTENCE_END = re.compile(r"[.!?…:;][\"'”’»)\]]*$")
_LIST_ITEM = re.compile(r"(?:[•▪◦‣·●○■–—*-]|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)])\s+\S", re.IGNORECASE)
# PDFium writes one of these for the hyphen of a word that is cut at the end of its line, and no newline after it.
_CUT = "\x02\ufffe"
_LINE_END = "\r\n" + _CUT
_CUT_WORD = re.compile(r"([^\W\d_]+)[-‐\u00ad]$")
_NO_TITLE = re.compile(
    r"\(?(?:unspecified|untitled|anonymous)\)?|Microsoft Word - .*|.*\.(?:docx?|pdf|indd|qxd|tex|dvi)", re.I
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a page: its box in points from the page's lower left, and the size of its letters."""

    text: str
    page: int
    left: float
    right: float
    bottom: float
    top: float
    size: float


def read_pdf(raw: bytes) -> Content:
    """The paragraphs of a PDF, with the place where each page begins; title, date and language as its info states them.

    Raises Unreadable for one that is encrypted, cut short, damaged, or has no text layer.
    """
    import pypdfium2

    if b"%%EOF" not in raw[-4096:]:
        raise Unreadable("it has no end: the file was cut short, or is no PDF; get it again")
    try:
        document = pypdfium2.PdfDocument(raw)
        pages = [list(_lines(document, number)) for number in range(len(document))]
        stated = document.get_metadata_dict()
    except pypdfium2.PdfiumError as error:
        raise Unreadable(_why(str(error))) from error
    if not any(pages):
        raise Unreadable(
            f"{len(pages)} pages without a text layer: this is a scan, and needs OCR first (ocrmypdf does it)"
        )
    text, starts = _text(_without_running_heads(pages))
    title = one_line(stated.get("Title"))
    return Content(
        text,
        title=None if title is None or _NO_TITLE.fullmatch(title) else title,
        date=_date(stated.get("CreationDate", "")),
        pages=starts,
    )


def _why(error: str) -> str:
    if "assword" in error or "ecurity" in error:
        return "it is encrypted; save a copy without a password and index that"
    return f"damaged, or no PDF ({error})"


def _date(stated: str) -> str | None:
    """The day of a PDF's date, "D:20210504120000+02'00'"; None where it is not one."""
    found = re.match(r"(?:D:)?(\d{4})(\d{2})(\d{2})", stated)
    return parse_date("-".join(found.groups())) if found else None


def _lines(document: "pypdfium2.PdfDocument", number: int) -> Iterator[_Line]:
    """The lines of a page, in the order in which the file writes them, which is that of reading in nearly all."""
    from pypdfium2 import raw

    page = document[number]
    characters = page.get_textpage()
    line: list[int] = []
    text = ""
    count = characters.count_chars()
    for i in range(count):
        code = raw.FPDFText_GetUnicode(characters.raw, i)
        letter = chr(code) if code < 0x110000 else "\ufffd"
        if letter in _CUT:
            text += "-"
            line.append(i)
        if letter in _LINE_END:
            if found := _line(characters, line, text, number + 1):
                yield found
            line, text = [], ""
            continue
        text += letter
        if not letter.isspace():
            line.append(i)
    if found := _line(characters, line, text, number + 1):
        yield found
    characters.close()
    page.close()


def _line(characters: Any, letters: Sequence[int], text: str, page: int) -> _Line | None:
    """The line of these characters; None for a line of nothing."""
    from pypdfium2 import raw

    words = " ".join(text.split())
    if not letters or not clean(words):
        return None
    left, bottom, _, top = characters.get_charbox(letters[0], loose=True)
    _, low, right, high = characters.get_charbox(letters[-1], loose=True)
    size = raw.FPDFText_GetFontSize(characters.raw, letters[0])
    # A text that was scaled by its matrix states any size; its box tells what is seen.
    return _Line(words, page, left, right, min(bottom, low), max(top, high), round(max(top - bottom, size * 0.1), 1))


def _without_running_heads(pages: Sequence[Sequence[_Line]]) -> list[list[_Line]]:
    """The pages without the lines at their ends that stand on many of them, and without page numbers."""
    edges = [_edge(page) for page in pages]
    ends = [[page[i] for i in edge] for page, edge in zip(pages, edges, strict=True)]
    heads = Counter(head for lines in ends for head in {_head(line) for line in lines})
    counted = Counter(place for lines in ends for place in {_counted(line) for line in lines})
    enough = max(_RUNNING_PAGES, _RUNNING_SHARE * len(pages))

    def runs(line: _Line) -> bool:
        place = _counted(line)
        return heads[_head(line)] >= enough or (place is not None and (place == 0 or counted[place] > 1))

    return [
        [line for i, line in enumerate(page) if i not in edge or not runs(line)]
        for page, edge in zip(pages, edges, strict=True)
    ]


def _edge(page: Sequence[_Line]) -> set[int]:
    """The numbers of a page's uppermost and lowest lines."""
    order = sorted(range(len(page)), key=lambda i: -page[i].top)
    return {*order[:_EDGE_LINES], *order[-_EDGE_LINES:]}


def _head(line: _Line) -> tuple[str, float]:
    """What a running head has in common on all pages: all but its numbers."""
    return re.sub(r"\d+", "#", line.text.casefold()), line.size


def _counted(line: _Line) -> int | str | None:
    """By how much a page number differs from the page's place in the file; "roman" for i, ii; None for other lines."""
    found = _PAGE_NUMBER.fullmatch(line.text)
    return None if found is None else int(found[1]) - line.page if found[1] else "roman"


def _text(pages: Sequence[Sequence[_Line]]) -> tuple[str, tuple[int, ...]]:
    """The paragraphs of all pages, a blank line between each two, and where each page begins."""
    lines = [line for page in pages for line in page]
    known = Counter(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", " ".join(line.text for line in lines).casefold()))
    ends = _column_ends(lines)
    leading = _leading(lines)
    text = ""
    parts: list[str] = []
    length = 0
    starts: list[int] = []
    for i, line in enumerate(lines):
        if i:
            text, between = _join(text, lines[i - 1], line, known, ends=ends, leading=leading)
            if between == "\n\n":
                parts.append(clean(text) + between)
                length += len(parts[-1])
                text = ""
            else:
                text += between
        while len(starts) < line.page:  # a page without text begins where the next one does
            starts.append(length + len(clean(text)))
        text += line.text
    starts += [length + len(clean(text))] * (len(pages) - len(starts))
    return "".join([*parts, clean(text)]), tuple(starts)


def _join(
    text: str, above: _Line, line: _Line, known: Counter[str], *, ends: dict[_Line, float], leading: dict[float, float]
) -> tuple[str, str]:
    """The text so far, its last word mended, and what comes before the next line: "", a space, or a blank line."""
    if _breaks(above, line, ends=ends, leading=leading):
        return text, "\n\n"
    cut = _CUT_WORD.search(text)
    rest = re.match(r"[^\W\d_]+", line.text)
    if not cut or not rest:
        return text, " "
    whole, parted = (cut[1] + rest[0]).casefold(), f"{cut[1]}-{rest[0]}".casefold()
    # "well-" and "known" stay parted where the document writes the word so elsewhere, or a name follows.
    if known[parted] > known[whole] or not rest[0][0].islower():
        return text[:-1] + "-", ""
    return text[:-1], ""


def _breaks(above: _Line, line: _Line, *, ends: dict[_Line, float], leading: dict[float, float]) -> bool:
    """Whether a new paragraph begins with `line`."""
    ended = bool(_SENTENCE_END.search(above.text))
    if abs(above.size - line.size) > 0.12 * max(above.size, line.size):
        return True
    if _LIST_ITEM.match(line.text) and (ended or line.left <= above.left + line.size):
        return True
    if above.page != line.page or line.bottom > above.bottom + line.size:  # the next page, or the next column
        return ended or not (line.text[0].islower() or _CUT_WORD.search(above.text) or _full(above, line, ends))
    if above.bottom - line.bottom > 1.4 * leading.get(line.size, 1.2 * line.size):
        return True
    if _full(above, line, ends):
        indented = line.left > above.left + 0.8 * line.size and line.left < above.left + 5 * line.size
        return ended and indented
    return ended or not line.text[0].islower()


def _full(above: _Line, line: _Line, ends: dict[_Line, float]) -> bool:
    """Whether the next line's first word would have had no room on the line above."""
    letters = max(len(line.text), 1)
    first = len(line.text.split()[0]) * (line.right - line.left) / letters
    return above.right + first > ends[above] - 0.5 * above.size


def _column_ends(lines: Sequence[_Line]) -> dict[_Line, float]:
    """For each line, where the lines of its column and size end on its page: the rightmost of them."""
    columns: dict[tuple[int, float, int], float] = {}

    def column(line: _Line) -> tuple[int, float, int]:
        return line.page, line.size, round(line.left / max(4 * line.size, 1))

    for line in lines:
        for near in (-1, 0, 1):
            page, size, at = column(line)
            columns[page, size, at + near] = max(line.right, columns.get((page, size, at + near), 0.0))
    return {line: columns[column(line)] for line in lines}


def _leading(lines: Sequence[_Line]) -> dict[float, float]:
    """For each size of letters, the usual distance between two lines, in points: the median."""
    gaps: dict[float, list[float]] = {}
    for above, line in pairwise(lines):
        if above.page == line.page and above.size == line.size and 0 < above.bottom - line.bottom < 3 * line.size:
            gaps.setdefault(line.size, []).append(above.bottom - line.bottom)
    return {size: sorted(found)[len(found) // 2] for size, found in gaps.items()}
