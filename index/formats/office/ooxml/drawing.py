"""What slides and documents draw: the text of DrawingML's paragraphs, charts, and diagrams (SmartArt)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from index.formats.content import Piece, table
from index.formats.letters import is_symbol_font, lowered, raised, settled_text, symbol, without_break_marks
from index.formats.office.ooxml.equations import M, equation
from index.formats.office.ooxml.package import Package, R
from index.paragraphs import Kind

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
CX = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# Fields that say where a slide stands: its number is the page, which every citation has.
_PLACES = ("slidenum",)


def chosen(element: Any) -> Any:
    """Of the ways in which one thing is stated for newer and older programs, the newest."""
    choice = element.find(f"{MC}Choice")
    return choice if choice is not None else element.find(f"{MC}Fallback")


def drawn_text(paragraph: Any) -> str:
    """The text of an `a:p`; raised and lowered letters are marked, not yet settled."""
    return without_break_marks("".join(_drawn(paragraph)))


def _drawn(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag in (f"{A}r", f"{A}fld"):
            if child.get("type") not in _PLACES:
                yield _run(child)
        elif child.tag == f"{A}br":
            yield "\n"
        elif child.tag in (f"{M}oMath", f"{M}oMathPara"):
            yield equation(child)
        elif child.tag == f"{MC}AlternateContent":
            if (choice := chosen(child)) is not None:
                yield from _drawn(choice)
        elif isinstance(child.tag, str) and not child.tag.endswith("Pr"):
            yield from _drawn(child)


def _run(run: Any) -> str:
    properties, text = run.find(f"{A}rPr"), run.findtext(f"{A}t") or ""
    if properties is None:
        return text
    font = properties.find(f"{A}sym")
    name = font.get("typeface", "") if font is not None else ""
    if is_symbol_font(name):
        text = "".join(symbol(name, ord(char)) or char if ord(char) >= 0xF000 else char for char in text)
    baseline = properties.get("baseline", "0")
    if baseline.startswith("-"):
        return lowered(text)
    return raised(text) if baseline.strip("0%") else text


def texts_in(element: Any) -> str:
    """The texts of all DrawingML paragraphs under an element, in one line."""
    return " ".join(" ".join(map(drawn_text, element.iter(f"{A}p"))).split()) if element is not None else ""


@dataclass(slots=True)
class _Series:
    name: str
    categories: dict[int, str] = field(default_factory=dict)
    values: dict[int, str] = field(default_factory=dict)


def chart(package: Package, part: str | None) -> list[Piece]:
    """A chart's title as a caption, and its values as tables: a category a row, a series a column."""
    tree = package.tree(part)
    if tree is None:
        return []
    return _new_chart(tree) if tree.tag.startswith(CX) else _chart(tree)


def _chart(tree: Any) -> list[Piece]:
    titles = [settled_text(texts_in(found)) for found in tree.findall(f"{C}chart/{C}title")]
    axes: dict[bool, list[str]] = {True: [], False: []}
    for axis in tree.iterfind(f"{C}chart/{C}plotArea/*"):
        if axis.tag in (f"{C}catAx", f"{C}dateAx", f"{C}valAx", f"{C}serAx"):
            words = settled_text(texts_in(axis.find(f"{C}title")))
            axes[axis.tag in (f"{C}catAx", f"{C}dateAx")] += [words] if words else []
    rows = [_one_series(found) for found in tree.iter(f"{C}ser")]
    title = " · ".join([*filter(None, titles), *axes[False]])
    return [Piece(title, Kind.CAPTION), *_tables(rows, " · ".join(axes[True]))]


def _one_series(element: Any) -> _Series:
    name = element.find(f"{C}tx")
    found = _Series(" ".join(_points(name).values()))
    for tag in ("cat", "xVal"):
        found.categories = found.categories or _points(element.find(f"{C}{tag}"))
    for tag in ("val", "yVal"):
        found.values = found.values or _points(element.find(f"{C}{tag}"))
    for at, size in _points(element.find(f"{C}bubbleSize")).items():
        found.values[at] = f"{found.values.get(at, '')} ({size})"
    return found


def _points(element: Any) -> dict[int, str]:
    """The points of a category or a value list by their numbers; levels of categories are joined, the outer first."""
    if element is None:
        return {}
    levels = element.findall(f".//{C}lvl")
    if levels:
        return _joined_levels([_cached(level, "") for level in reversed(levels)])
    texts = texts_in(element.find(f"{C}rich"))
    if texts:
        return {0: texts}
    if (own := element.findtext(f"{C}v")) is not None:
        return {0: own}
    for cache in element.iter(f"{C}strCache", f"{C}numCache", f"{C}strLit", f"{C}numLit"):
        return _cached(cache, cache.findtext(f"{C}formatCode") or "")
    return {}


def _joined_levels(levels: Sequence[dict[int, str]]) -> dict[int, str]:
    """The words of all levels at each point of the innermost; an outer level's word stands at all that it spans."""
    joined: dict[int, list[str]] = {at: [] for at in sorted(levels[-1])}
    for level in levels:
        word, begins = "", sorted(level, reverse=True)
        for at, words in joined.items():
            while begins and begins[-1] <= at:
                word = level[begins.pop()]
            words.append(word)
    return {at: " ".join(filter(None, words)) for at, words in joined.items()}


def _cached(element: Any, form: str) -> dict[int, str]:
    points = {}
    for point in element.iter(f"{C}pt"):
        at = point.get("idx", "")
        if at.isdecimal():
            points[int(at)] = shown_number(point.findtext(f"{C}v") or "", point.get("formatCode") or form)
    return points


def shown_number(value: str, form: str) -> str:
    """A stored number as its format shows it: a share as per cent, a day as a date; else without a float's noise."""
    try:
        worth = float(value)
    except ValueError:
        return value
    plain = form.partition(";")[0]
    if "%" in plain:
        digits = len(plain.partition(".")[2].rstrip("%").strip()) if "." in plain else 0
        return f"{worth * 100:.{digits}f}%" if abs(worth) < 1e12 else value
    if any(letters in plain.lower() for letters in ("yy", "mmm", "d/", "/d", "dd")) and 0 < worth < 2_958_466:
        return (date(1899, 12, 30) + timedelta(days=int(worth))).isoformat()
    return f"{worth:.12g}" if len(value) > 14 and abs(worth) < 1e12 else value


def _tables(rows: Sequence[_Series], head: str) -> list[Piece]:
    """Series of the same categories in one table; a row a category, empty where a series has no value."""
    pieces: list[Piece] = []
    rest = [series for series in rows if series.values]
    while rest:
        categories = rest[0].categories or {at: str(at + 1) for at in rest[0].values}
        together = [series for series in rest if (series.categories or categories) == categories]
        rest = [series for series in rest if series not in together]
        places = sorted({*categories, *(at for series in together for at in series.values)})
        cells = [[categories.get(at, ""), *(series.values.get(at, "") for series in together)] for at in places]
        names = [series.name for series in together]
        pieces += table([[head, *names], *cells]) if any((head, *names)) else table(cells, heads=0)
    return pieces


def _new_chart(tree: Any) -> list[Piece]:
    """A chart of the kinds that came in 2016: waterfall, funnel, treemap and the like."""
    named = {}
    for found in tree.iter(f"{CX}data"):
        named[found.get("id")] = (
            _level_points(found.findall(f"{CX}strDim/{CX}lvl")),
            _level_points(found.findall(f"{CX}numDim/{CX}lvl")),
        )
    rows = []
    for series in tree.iter(f"{CX}series"):
        data = series.find(f"{CX}dataId")
        words, numbers = named.get(data.get("val") if data is not None else None, ({}, {}))
        name = series.findtext(f"{CX}tx/{CX}txData/{CX}v") or ""
        rows.append(_Series(name, words, numbers))
    title = tree.find(f"{CX}chart/{CX}title")
    words_of_title = texts_in(title) or (title.findtext(f".//{CX}v") or "" if title is not None else "")
    return [Piece(settled_text(words_of_title), Kind.CAPTION), *_tables(rows, "")]


def _level_points(levels: Sequence[Any]) -> dict[int, str]:
    read = []
    for level in reversed(levels):
        points = {}
        for point in level.iter(f"{CX}pt"):
            at = point.get("idx", "")
            if at.isdecimal():
                points[int(at)] = shown_number(point.text or "", level.get("formatCode") or "")
        read.append(points)
    return _joined_levels(read) if read else {}


def diagram(package: Package, part: str | None) -> list[Piece]:
    """The words of a diagram, each an item, those under another one level deeper."""
    tree = package.tree(part)
    if tree is None:
        return []
    points = {point.get("modelId", ""): point for point in tree.iter(f"{DGM}pt")}
    below: dict[str, list[tuple[int, str]]] = {}
    for link in tree.iter(f"{DGM}cxn"):
        if link.get("type", "parOf") == "parOf":
            order = link.get("srcOrd", "")
            place = int(order) if order.isdecimal() else 0
            below.setdefault(link.get("srcId", ""), []).append((place, link.get("destId", "")))
    pieces: list[Piece] = []
    seen: set[str] = set()
    # Those under nothing come last: whatever is linked is told where it belongs.
    stack = sorted(((name, 0) for name in reversed(points)), key=lambda point: points[point[0]].get("type") == "doc")
    while stack:
        name, depth = stack.pop()
        if name in seen or name not in points:
            continue
        seen.add(name)
        if points[name].get("type", "node") in ("node", "asst", "doc"):
            words = texts_in(points[name].find(f"{DGM}t"))
            pieces += [Piece(words, Kind.LIST_ITEM, max(depth, 1))] if words else []
        stack += [(child, depth + 1) for _, child in sorted(below.get(name, ()), reverse=True)]
    return pieces


def drawn_parts(package: Package, owner: str, element: Any) -> list[Piece]:
    """The charts and diagrams that a drawing in a part shows."""
    pieces: list[Piece] = []
    for found in element.iter(f"{C}chart", f"{CX}chart", f"{DGM}relIds"):
        if found.tag == f"{DGM}relIds":
            pieces += diagram(package, package.target(owner, found.get(f"{R}dm")))
        else:
            pieces += chart(package, package.target(owner, found.get(f"{R}id")))
    return pieces
