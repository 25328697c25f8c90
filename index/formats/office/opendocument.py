"""OpenDocument texts, .odt, by lxml: headings, paragraphs, numbered items, tables and notes, as a person sees them.

What is hidden or was struck out is left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from index.errors import Unreadable
from index.formats.archive import DAMAGED, open_archive
from index.formats.content import Content, Piece, laid_out, one_line, table
from index.paragraphs import Kind

_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_NUMERALS = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
             (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_MOST_COLUMNS = 64
_MOST_SPACES = 100


@dataclass(slots=True)
class _Styles:
    """What styles say by their names: which raise or lower or hide their text, and how lists are numbered."""

    shifts: dict[str, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    parents: dict[str, str] = field(default_factory=dict)
    lists: dict[str, dict[int, tuple[str, str, int, str, int]]] = field(default_factory=dict)


@dataclass(slots=True)
class _Odt:
    """What was read so far of one file."""

    styles: _Styles
    pieces: list[Piece] = field(default_factory=list)
    notes: list[Piece] = field(default_factory=list)
    remarks: list[Piece] = field(default_factory=list)
    after: list[Piece] = field(default_factory=list)
    pictures: int = 0
    hidden: int = 0
    counts: dict[str, dict[int, int]] = field(default_factory=dict)


def read_odt(raw: bytes) -> Content:
    """The pieces of a text document; its heads and feet first, its notes and comments last.

    Raises Unreadable for what is damaged or encrypted.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    archive = open_archive(raw)
    try:
        if b"encryption-data" in _member(archive, "META-INF/manifest.xml"):
            raise Unreadable("it is encrypted; save a copy without a password and index that")
        content = etree.fromstring(archive.read("content.xml"), parser)
        styles = _member(archive, "styles.xml")
        meta = _member(archive, "meta.xml")
        trees = [content, *([etree.fromstring(styles, parser)] if styles else [])]
        stated = etree.fromstring(meta, parser) if meta else None
    except (*DAMAGED, etree.XMLSyntaxError) as error:
        raise Unreadable(f"damaged, or no OpenDocument text ({error})") from error
    found = _Odt(_styles(trees))
    heads = list(dict.fromkeys(_heads(found, trees)))
    body = next((part for part in content.iter() if _name(part) == "office:text"), None)
    if body is None:
        raise Unreadable("no OpenDocument text: it has no body of text")
    _walk(found, body)
    text, blocks, _ = laid_out([[*(Piece(head, Kind.FURNITURE) for head in heads), *found.pieces, *found.notes,
                                 *found.remarks]])  # fmt: skip
    notices = []
    if found.pictures:
        notices.append(f"{found.pictures} picture{'s were' if found.pictures > 1 else ' was'} not read")
    if found.hidden:
        notices.append("hidden text was left out")
    title = (
        next((part.text for part in stated.iter() if _name(part) == "dc:title"), None) if stated is not None else None
    )
    return Content(text, title=one_line(title), blocks=blocks, notices=tuple(notices))


def _member(archive: Any, name: str) -> bytes:
    return bytes(archive.read(name)) if name in archive.namelist() else b""


_SPACES = {"office:1.0": "office", "text:1.0": "text", "table:1.0": "table", "style:1.0": "style",
           "drawing:1.0": "draw", "svg-compatible:1.0": "svg", "xsl-fo-compatible:1.0": "fo"}  # fmt: skip


def _short(tag: str) -> str:
    """ "text:p" for a name with its whole namespace."""
    space, _, name = tag.rpartition("}")
    if space.endswith("purl.org/dc/elements/1.1/"):
        return f"dc:{name}"
    return f"{_SPACES.get(':'.join(space.split(':')[-2:]), '')}:{name}"


def _name(element: Any) -> str:
    return _short(element.tag) if isinstance(element.tag, str) else ""


def _stated(element: Any, name: str) -> str:
    return next((value for key, value in element.attrib.items() if _short(key) == name), "")


def _whole(words: str, usual: int) -> int:
    return int(words) if words.isascii() and words.isdigit() and len(words) < 7 else usual


def _styles(trees: Sequence[Any]) -> _Styles:
    styles = _Styles()
    for element in (element for tree in trees for element in tree.iter()):
        name = _name(element)
        if name == "style:style":
            own = _stated(element, "style:name")
            styles.parents[own] = _stated(element, "style:parent-style-name")
            for looks in (part for part in element if _name(part) == "style:text-properties"):
                place = _stated(looks, "style:text-position").split(" ")[0]
                if place:
                    lowers = place == "sub" or place.startswith("-")
                    styles.shifts[own] = -1 if lowers else int(place == "super" or place.rstrip("%") not in ("0", ""))
                if _stated(looks, "text:display") == "none":
                    styles.hidden.add(own)
        elif name == "text:list-style":
            styles.lists[_stated(element, "style:name")] = {
                _whole(_stated(level, "text:level"), 1): (
                    _stated(level, "style:num-format"),
                    _stated(level, "style:num-prefix"),
                    _whole(_stated(level, "text:start-value"), 1),
                    _stated(level, "style:num-suffix"),
                    _whole(_stated(level, "text:display-levels"), 1),
                )
                for level in element
                if _name(level) == "text:list-level-style-number"
            }
    return styles


def _heads(found: _Odt, trees: Sequence[Any]) -> Iterator[str]:
    """The words of heads and feet of pages."""
    for tree in trees:
        for element in tree.iter():
            if _name(element) in ("style:header", "style:footer"):
                words = " ".join(_words(found, part) for part in element if _name(part) in ("text:p", "text:h"))
                if re.search(r"[^\W\d_]{2}", words):
                    yield " ".join(words.split())


def _walk(found: _Odt, parent: Any) -> None:
    """The blocks of an element, in order."""
    for element in parent:
        name = _name(element)
        if name == "text:h":
            level = _whole(_stated(element, "text:outline-level"), 1)
            _add(found, _words(found, element), Kind.HEADING, min(max(level, 1), 6))
        elif name == "text:p":
            _add(found, _words(found, element), Kind.BODY)
        elif name == "text:list":
            _list(found, element, "", 1)
        elif name == "table:table":
            found.pieces += _table(found, element)
        elif name in ("text:section", "office:annotation") or name.startswith("draw:"):
            if _stated(element, "text:display") == "none":
                found.hidden += 1
            elif name != "office:annotation":
                _walk(found, element)
        elif name in ("text:table-of-content", "text:alphabetical-index", "text:illustration-index"):
            continue  # it repeats what stands in the text
        elif name != "text:tracked-changes":
            _walk(found, element)


def _add(found: _Odt, words: str, kind: Kind, level: int = 0) -> None:
    if words.strip():
        found.pieces.append(Piece(words, kind, level))
    found.pieces += found.after
    found.after = []


def _list(found: _Odt, element: Any, style: str, depth: int) -> None:
    """The items of a list, with the numbers that a person sees before them."""
    style = _stated(element, "text:style-name") or style
    counts = found.counts.setdefault(style, {})
    if _stated(element, "text:continue-numbering") != "true" and not _stated(element, "text:continue-list"):
        counts.pop(depth, None)
    for item in element:
        if _name(item) not in ("text:list-item", "text:list-header"):
            continue
        begun = False
        for part in item:
            if _name(part) == "text:list":
                _list(found, part, style, depth + 1)
                continue
            if _name(part) not in ("text:p", "text:h"):
                _walk(found, [part])
                continue
            number = ""
            if not begun and _name(item) == "text:list-item":
                number = _number(found.styles.lists.get(style, {}), counts, depth, _stated(item, "text:start-value"))
            begun = True
            words = f"{number} {_words(found, part)}".strip()
            if _name(part) == "text:h":
                _add(found, words, Kind.HEADING, min(_whole(_stated(part, "text:outline-level"), 1), 6))
            else:
                _add(found, words, Kind.LIST_ITEM, depth)


def _number(levels: dict[int, tuple[str, str, int, str, int]], counts: dict[int, int], depth: int, start: str) -> str:
    """The number of the next item at this depth; empty where the list has signs."""
    if depth not in levels:
        return ""
    layout, prefix, first, suffix, shown = levels[depth]
    counts[depth] = _whole(start, first) if start or depth not in counts else counts[depth] + 1
    for deeper in [level for level in counts if level > depth]:
        del counts[deeper]
    if not layout:
        return ""
    parts = [
        _numeral(counts.get(level, 1), levels[level][0])
        for level in range(max(depth - shown + 1, 1), depth + 1)
        if level in levels
    ]
    return f"{prefix}{'.'.join(filter(None, parts))}{suffix}"


def _numeral(number: int, layout: str) -> str:
    if layout in ("a", "A"):
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if layout == "A" else letter
    if layout in ("i", "I"):
        words = ""
        for value, letters in _NUMERALS:
            count, number = divmod(number, value)
            words += letters * count
        return words.upper() if layout == "I" else words
    return str(number) if layout else ""


def _table(found: _Odt, element: Any) -> list[Piece]:
    """The rows of a table, cells that span several columns or rows in their places."""
    rows: list[list[str]] = []
    heads = 0
    for row in element.iter():
        if _name(row) != "table:table-row" or _inside(row, element):
            continue
        is_head = _name(row.getparent()) == "table:table-header-rows"
        cells: list[str] = []
        for cell in row:
            if _name(cell) not in ("table:table-cell", "table:covered-table-cell"):
                continue
            words = _cell(found, cell)
            repeated = min(_whole(_stated(cell, "table:number-columns-repeated"), 1), _MOST_COLUMNS)
            if _name(cell) == "table:covered-table-cell" and not words:
                words = _covered(rows, cells, is_head=is_head, row=row)
            cells += [words] * repeated
        if any(cells):
            heads += is_head and len(rows) == heads
            rows.append(cells[:_MOST_COLUMNS])
    width = max(map(len, rows), default=0)
    rows = [[*row, *[""] * (width - len(row))] for row in rows]
    if width == 1:
        return [Piece(row[0]) for row in rows]
    if rows and not heads:
        first = rows[0]
        named = all(first[1:]) and not any(re.search(r"\d", cell) for cell in first)
        heads = int(named and (width > 2 or len(rows) > 3))
    return table(rows, heads=heads)


def _inside(row: Any, table_of: Any) -> bool:
    """Whether a row is of a table inside a cell of this one."""
    above = row.getparent()
    while above is not None and above is not table_of:
        if _name(above) == "table:table":
            return True
        above = above.getparent()
    return False


def _covered(rows: Sequence[Sequence[str]], cells: Sequence[str], *, is_head: bool, row: Any) -> str:
    """What is seen at a place that another cell covers: the cell above, or in a head the one on the left."""
    at = len(cells)
    before = [cell for cell in row if _name(cell) == "table:table-cell"][-1:]
    spans = bool(before) and _whole(_stated(before[0], "table:number-columns-spanned"), 1) > 1
    if spans:
        return cells[-1] if is_head and cells else ""
    return rows[-1][at] if rows and at < len(rows[-1]) else ""


def _cell(found: _Odt, cell: Any) -> str:
    """The words of a cell, its paragraphs and inner tables on one line."""
    own = _Odt(found.styles, notes=found.notes, remarks=found.remarks)
    _walk(own, cell)
    found.pictures += own.pictures
    found.hidden += own.hidden
    return " ".join(piece.text for piece in own.pieces)


def _words(found: _Odt, paragraph: Any) -> str:
    """The characters of a paragraph as they are seen; its notes, comments and frames go where they belong."""
    words = "".join(_inline(found, paragraph, 0))
    return "\n".join(" ".join(line.split()) for line in words.split("\n")).strip()


def _inline(found: _Odt, element: Any, shift: int) -> Iterator[str]:
    yield _shifted(element.text or "", shift)
    for part in element:
        name = _name(part)
        if name == "text:s":
            yield " " * min(_whole(_stated(part, "text:c"), 1), _MOST_SPACES)
        elif name in ("text:tab", "text:line-break"):
            yield "\n" if name == "text:line-break" else " "
        elif name == "text:note":
            yield from _note(found, part)
        elif name == "office:annotation":
            words = " ".join(_words(found, line) for line in part if _name(line) == "text:p").strip()
            if words:
                found.remarks.append(Piece(f"Comment: {words}", Kind.LIST_ITEM, 1))
        elif name.startswith("draw:"):
            _frame(found, part)
        elif name in ("text:hidden-text", "text:hidden-paragraph", "text:ruby-text", "text:change"):
            found.hidden += name.startswith("text:hidden")
        elif name:
            style = _stated(part, "text:style-name")
            if _is_hidden(found.styles, style):
                found.hidden += 1
            else:
                yield from _inline(found, part, found.styles.shifts.get(style, shift))
        yield _shifted(part.tail or "", shift)


def _is_hidden(styles: _Styles, name: str) -> bool:
    for _ in range(20):
        if name in styles.hidden:
            return True
        name = styles.parents.get(name, "")
    return False


def _shifted(text: str, shift: int) -> str:
    # White space in the file is only layout; line breaks that are meant are elements.
    text = re.sub(r"\s+", " ", text)
    return text.translate(_RAISED if shift > 0 else _LOWERED) if shift else text


def _note(found: _Odt, note: Any) -> Iterator[str]:
    """The mark of a note; its words go after the text."""
    mark = next(("".join(part.itertext()) for part in note if _name(part) == "text:note-citation"), "").strip()
    words = " ".join(_words(found, line) for part in note if _name(part) == "text:note-body" for line in part)
    mark = mark or str(len(found.notes) + 1)
    found.notes.append(Piece(f"[{mark}] {words}", Kind.FOOTNOTE))
    yield f"[{mark}]"


def _frame(found: _Odt, frame: Any) -> None:
    """What a frame holds: a text box's paragraphs after this one, a picture's description as its caption."""
    for part in frame.iter():
        name = _name(part)
        if name == "draw:text-box":
            own = _Odt(found.styles, notes=found.notes, remarks=found.remarks)
            _walk(own, part)
            found.after += own.pieces
            found.pictures += own.pictures
        elif name == "draw:image":
            found.pictures += 1
        elif name in ("svg:title", "svg:desc") and (part.text or "").strip():
            found.after.append(Piece(" ".join((part.text or "").split()), Kind.CAPTION))
