"""The pieces of an HTML tree that is all its author's: a mail, a chapter of a book.

Nothing is judged: menus and forms come along with the text. What a reader does not see (`display: none`, the preheader
of a newsletter) is left out.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html.entities import html5
from typing import Any

from index.formats.cells import Cell, table_pieces
from index.formats.content import Piece
from index.formats.counting import written
from index.formats.html.page import visible_blocks
from index.formats.letters import lowered, raised, settled, subscript, superscript, without_break_marks
from index.paragraphs import Kind

# A line break that is meant, among white space that is not; private, so that no text has it.
_BREAK = "\U0010fff3"
_BLOCKS = frozenset(
    ("address", "article", "aside", "blockquote", "body", "button", "center", "details", "dialog", "dir", "div", "dl",
     "fieldset", "figure", "footer", "form", "header", "hgroup", "hr", "html", "label", "legend", "main", "menu", "nav",
     "ol", "dd", "dt", "option", "p", "section", "select", "summary", "textarea", "ul", "tbody", "thead", "tfoot", "tr",
     "td", "th")
)  # fmt: skip
_UNSEEN = frozenset(
    ("head", "script", "style", "noscript", "template", "svg", "object", "datalist", "iframe", "rp", "audio", "video",
     "title", "meta", "link", "annotation", "annotation-xml")
)  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDING = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$|!)"
    r"|max-height\s*:\s*0(?:px)?\s*(?:;|$|!)(?=.*overflow\s*:\s*hidden|.*font-size\s*:\s*[01](?:px)?\s*(?:;|$|!)))",
    re.IGNORECASE,
)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_MEDIA = re.compile(r"@[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_REMARKS = re.compile(r"/\*.*?\*/", re.DOTALL)
_SIMPLE_NAME = re.compile(r"([.#])([\w-]+)")
_FILE_NAME = re.compile(r"\S*|.*\.(?:png|jpe?g|gif|bmp|tiff?|svg|webp)", re.IGNORECASE)
_LIST_FORMS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_MOST_SPAN = 64


def tree_pieces(tree: Any, *, pre: Kind = Kind.CODE, is_quote: Callable[[Any], bool] = lambda _: False) -> list[Piece]:
    """The pieces of a tree in order; raised digits are settled by the notes of this tree.

    pre: what `pre` holds: code in a book, plain text in a mail. is_quote: which elements hold what somebody else wrote
    before; their pieces begin with "> ".
    """
    walker = _Walker(pre, is_quote, _hiding_names(tree))
    try:
        walker.walk(tree)
    except RecursionError:  # nested deeper than anybody writes by hand; its words are still its words
        return [Piece(block) for block in visible_blocks(tree)]
    walker.flush()
    return settled(_without_repeated_captions(walker.pieces))


def _without_repeated_captions(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces; what a picture is said to show is left out where it stands beside it, or is said of it twice."""
    told = {piece.text for piece in pieces if piece.kind is not Kind.CAPTION}
    left = []
    for piece in pieces:
        if piece.kind is not Kind.CAPTION or piece.text not in told:
            left.append(piece)
        told.add(piece.text)
    return left


def named(element: Any) -> str:
    """An element's name without its namespace, in small letters; "" for what is no element."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _hiding_names(tree: Any) -> frozenset[str]:
    """The classes (".x") and ids ("#x") that the tree's own style sheets hide, whatever the screen."""
    names = set()
    for sheet in tree.iter("{*}style"):
        rules = _MEDIA.sub("", _REMARKS.sub("", sheet.text or "")[:200_000])
        for selectors, body in _RULE.findall(rules):
            if re.search(r"display\s*:\s*none", body, re.IGNORECASE):
                names |= {word.strip() for word in selectors.split(",") if _SIMPLE_NAME.fullmatch(word.strip())}
    return frozenset(names)


@dataclass(slots=True)
class _List:
    """A list that is being read: the form of its numbers, None for bullets, and the next one."""

    form: str | None
    next: int
    step: int = 1


class _Walker:
    """Goes through a tree once; what it has read of the line that is under way stands in `_line`."""

    def __init__(self, pre: Kind, is_quote: Callable[[Any], bool], hidden: frozenset[str]) -> None:
        self.pieces: list[Piece] = []
        self._pre = pre
        self._is_quote = is_quote
        self._hidden = hidden
        self._line: list[str] = []
        self._kind, self._level = Kind.BODY, 0
        self._lists: list[_List] = []
        self._quotes = 0
        self._item: int | None = None  # which piece is the item that is being read: its further lines go to it
        self._mark = ""
        self._pictured: list[str] = []  # what the pictures beside the line are said to show

    def flush(self) -> None:
        """Ends the line: a piece, or one more line of the item that is being read; then what stood beside it."""
        self._end_line()
        pictured, self._pictured = self._pictured, []
        for words in pictured:
            self._add(Piece(words, Kind.FURNITURE if self._kind is Kind.FURNITURE else Kind.CAPTION))

    def _end_line(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._line).split(_BREAK))
        self._line.clear()
        text = without_break_marks("\n".join(lines)).strip()
        if not text:
            return
        if self._item is not None and self._item == len(self.pieces) - 1 and self._kind is Kind.LIST_ITEM:
            self.pieces[-1] = replace(self.pieces[-1], text=f"{self.pieces[-1].text}\n{text}")
            return
        text = text.replace("\n", " ") if self._kind is Kind.HEADING else text
        self._add(Piece(f"{self._mark} {text}".strip(), self._kind, self._level))
        self._mark = ""
        if self._kind is Kind.LIST_ITEM:
            self._item = len(self.pieces) - 1

    def _add(self, piece: Piece) -> None:
        if self._quotes:
            lines = piece.text.split("\n")
            piece = Piece("\n".join(f"> {line}".rstrip() for line in lines))
        self.pieces.append(piece)

    def walk(self, element: Any) -> None:
        """Reads an element, but not what follows it."""
        name = named(element)
        if not name:
            if isinstance(getattr(element, "name", None), str):  # an entity that was not expanded
                self._line.append(html5.get(f"{element.name};", ""))
            return
        if name in _UNSEEN or self._is_hidden(element):
            return
        quoted = self._is_quote(element)
        if quoted:
            self.flush()
            self._quotes += 1
        special = _SPECIAL.get(name)
        if special is not None:
            special(self, element)
        elif name in _BLOCKS:
            self.flush()
            self._inside(element)
            self.flush()
        else:
            self._inside(element)
        if quoted:
            self.flush()
            self._quotes -= 1

    def _inside(self, element: Any) -> None:
        self._line.append(element.text or "")
        for child in element:
            self.walk(child)
            self._line.append(child.tail or "")

    def _is_hidden(self, element: Any) -> bool:
        if element.get("hidden") is not None and element.get("hidden") != "until-found":
            return True
        if named(element) == "input":
            return True
        if _HIDING.search(element.get("style") or ""):
            return True
        if not self._hidden:
            return False
        names = {f".{word}" for word in (element.get("class") or "").split()} | {f"#{element.get('id')}"}
        return not self._hidden.isdisjoint(names)

    def _as(self, kind: Kind, level: int, element: Any) -> None:
        self.flush()
        before = self._kind, self._level, self._item
        self._kind, self._level, self._item = kind, level, None
        self._inside(element)
        self.flush()
        self._kind, self._level, self._item = before

    def apart(self, element: Any) -> list[Piece]:
        """The pieces of an element as if it stood alone."""
        other = _Walker(self._pre, lambda _: False, self._hidden)
        other._inside(element)
        other.flush()
        return other.pieces

    def line(self, element: Any) -> str:
        """All words of an element in one line."""
        return " ".join(" ".join(piece.text for piece in self.apart(element)).split())

    # Elements that are read in their own way

    def heading(self, element: Any) -> None:
        self._as(Kind.HEADING, _HEADINGS[named(element)], element)

    def caption(self, element: Any) -> None:
        self._as(Kind.CAPTION, 0, element)

    def navigation(self, element: Any) -> None:
        self._as(Kind.FURNITURE, 0, element)

    def note(self, element: Any) -> None:
        kinds = f"{element.get('{http://www.idpf.org/2007/ops}type', '')} {element.get('role', '')}"
        self._as(Kind.FOOTNOTE if "footnote" in kinds or "endnote" in kinds else self._kind, 0, element)

    def breaks(self, _: Any) -> None:
        self._line.append(_BREAK)

    def nothing(self, _: Any) -> None:
        """A place where a line may be broken."""

    def picture(self, element: Any) -> None:
        words = " ".join((element.get("alt") or "").split())
        if re.search(r"math|latex|tex\b|equation", element.get("class") or ""):
            self._line.append(f" {words} ")
        elif words.count(" ") > 1 and not _FILE_NAME.fullmatch(words):
            self._pictured.append(words)

    def above(self, element: Any) -> None:
        """Raised, but for a reference to a note that says that it is one."""
        words = self.line(element)
        near = [element.getparent(), *element] if element.getparent() is not None else [*element]
        is_mark = any(_is_note_mark(found) for found in near) and words.strip("[]()")
        self._line.append(f"[{words.strip('[]()')}]" if is_mark else raised(words))

    def below(self, element: Any) -> None:
        self._line.append(lowered(self.line(element)))

    def link(self, element: Any) -> None:
        words = self.line(element).strip("[]()") if _is_note_mark(element) else ""
        if words and element.find("{*}sup") is None:
            self._line.append(f"[{words}]")
        else:
            self._inside(element)

    def reading(self, element: Any) -> None:
        """How a word is read, behind it."""
        self._line.append(f"({self.line(element)})")

    def formula(self, element: Any) -> None:
        self._line.append(f" {mathml(element)} ")

    def code(self, element: Any) -> None:
        self.flush()
        words = without_break_marks("".join(_lines(element))).strip("\n")
        if words.strip():
            self._add(Piece(words, self._pre))

    def numbers(self, element: Any) -> None:
        self.flush()
        start = element.get("start") or ""
        first = int(start) if re.fullmatch(r"-?\d{1,6}", start) else 1
        reverse = element.get("reversed") is not None
        if reverse and not start:
            first = sum(1 for child in element if named(child) == "li")
        self._list(element, _List(_LIST_FORMS.get(element.get("type") or "", "decimal"), first, -1 if reverse else 1))

    def bullets(self, element: Any) -> None:
        self.flush()
        self._list(element, _List(None, 0))

    def _list(self, element: Any, items: _List) -> None:
        if re.search(r"list-style(?:-type)?\s*:\s*none", element.get("style") or ""):
            items.form = None
        self._lists.append(items)
        self._inside(element)
        self.flush()
        self._lists.pop()

    def item(self, element: Any) -> None:
        self.flush()
        mark = ""
        if self._lists and self._lists[-1].form:
            items = self._lists[-1]
            said = element.get("value") or ""
            items.next = int(said) if re.fullmatch(r"-?\d{1,6}", said) else items.next
            mark = f"{written(items.next, items.form or 'decimal')}."
            items.next += items.step
        before, self._mark = self._mark, mark
        kind = self._kind if self._kind in (Kind.FURNITURE, Kind.FOOTNOTE) else Kind.LIST_ITEM
        self._as(kind, max(1, len(self._lists)) if kind is Kind.LIST_ITEM else 0, element)
        self._mark = before

    def definitions(self, element: Any) -> None:
        """Terms and what is said of them, "Term: words", each an item."""
        self.flush()
        terms: list[str] = []
        told = True
        level = len(self._lists) + 1
        for child in _own(element, "dt", "dd"):
            words = self.line(child)
            if named(child) == "dt":
                terms = [] if told else terms
                terms.append(words.rstrip(":"))
                told = False
            else:
                label = ", ".join(filter(None, terms))
                self._add(Piece(f"{label}: {words}" if label and words else label + words, Kind.LIST_ITEM, level))
                told = True
        if not told:
            self._add(Piece(", ".join(filter(None, terms)), Kind.LIST_ITEM, level))

    def table(self, element: Any) -> None:
        self.flush()
        rows = [row for row in _own(element, "tr") if not self._is_hidden(row)]
        for found in _own(element, "caption"):
            self.caption(found)
        if self._is_layout(element, rows):
            for row in rows:
                for cell in row:
                    self._line.append("")
                    self.walk(cell)
                    self.flush()
            return
        marked = 0
        for row in rows:
            head = named(row.getparent()) == "thead" or all(named(cell) == "th" for cell in row if named(cell))
            if not head:
                break
            marked += 1
        for piece in table_pieces(self._cells(rows), marked=marked):
            self._add(piece)

    def _cells(self, rows: Sequence[Any]) -> list[list[Cell]]:
        """The cells of each row, with those that reach into it from above."""
        read: list[list[Cell]] = []
        reach: dict[int, tuple[int, int]] = {}  # column -> how many rows it still reaches into, and how wide it is
        for row in rows:
            cells: list[Cell] = []
            begun: set[int] = set()
            column = 0
            for cell in [*(found for found in row if named(found) in ("td", "th")), None]:
                while column in reach and column not in begun:
                    left, span = reach.pop(column)
                    if left > 1:
                        reach[column] = (left - 1, span)
                    cells.append(Cell("", span, goes_on=True))
                    column += span
                if cell is None:
                    break
                span, deep = _span(cell, "colspan"), _span(cell, "rowspan")
                cells.append(Cell("" if self._is_hidden(cell) else self.line(cell), span))
                if deep > 1:
                    begun.add(column)
                    reach[column] = (deep - 1, span)
                column += span
            read.append(cells)
        return read

    def _is_layout(self, element: Any, rows: Sequence[Any]) -> bool:
        """Whether a table only puts things in their places: its cells hold tables, headings or several paragraphs."""
        if element.get("role") in ("presentation", "none"):
            return True
        cells = [cell for row in rows for cell in row if named(cell) in ("td", "th")]
        if len(rows) < 2 and not any(named(cell) == "th" for cell in cells):
            return True
        if all(sum(1 for cell in row if named(cell) in ("td", "th")) < 2 for row in rows):
            return True
        for cell in cells:
            names = [named(found) for found in cell.iter() if isinstance(found.tag, str)][1:]
            if "table" in names or not _HEADINGS.keys().isdisjoint(names):
                return True
            if sum(name in ("p", "ul", "ol", "blockquote", "pre") for name in names) > 3:
                return True
        return False


_SPECIAL: dict[str, Callable[[_Walker, Any], None]] = {
    **dict.fromkeys(_HEADINGS, _Walker.heading),
    **dict.fromkeys(("caption", "figcaption"), _Walker.caption),
    "a": _Walker.link,
    "aside": _Walker.note,
    "br": _Walker.breaks,
    "dl": _Walker.definitions,
    "img": _Walker.picture,
    "li": _Walker.item,
    "math": _Walker.formula,
    "nav": _Walker.navigation,
    "ol": _Walker.numbers,
    "pre": _Walker.code,
    "rt": _Walker.reading,
    "sub": _Walker.below,
    "sup": _Walker.above,
    "table": _Walker.table,
    "ul": _Walker.bullets,
    "wbr": _Walker.nothing,
}


def _is_note_mark(element: Any) -> bool:
    """Whether an element says that it refers to a note, as books do."""
    return "noteref" in element.get("{http://www.idpf.org/2007/ops}type", "") + element.get("role", "")


def _own(element: Any, *names: str) -> Iterator[Any]:
    """The rows of a table, or the terms of a list, not those of another one inside it."""
    for child in element:
        if named(child) in names:
            yield child
        elif named(child) in ("tbody", "thead", "tfoot", "form", "div"):
            yield from _own(child, *names)


def _span(cell: Any, name: str) -> int:
    said = (cell.get(name) or "").strip()
    return max(1, min(int(said), _MOST_SPAN)) if said.isdecimal() and len(said) < 6 else 1


def _lines(element: Any) -> Iterator[str]:
    """The text under an element as it is, a line break for each `br`."""
    if not isinstance(element.tag, str):
        return
    if named(element) == "br":
        yield "\n"
    yield element.text or ""
    for child in element:
        yield from _lines(child)
        yield child.tail or ""


def mathml(element: Any) -> str:
    """MathML in a line: "x = (a+b)/2"."""
    return " ".join(_math(element).split())


def _math(element: Any) -> str:
    name = named(element)
    if not name or name in _UNSEEN:
        return ""
    arms = [_math(child).strip() for child in element if named(child) and named(child) not in _UNSEEN]
    shape = _MATH_SHAPES.get(name)
    if shape is not None and len(arms) >= shape[0]:
        return shape[1](arms)
    if name in ("mi", "mn", "mo", "mtext", "ms"):
        words = " ".join("".join(element.itertext()).split())
        return f" {words} " if name == "mo" and words in ("=", "<", ">", "≤", "≥", "≠", "≈") else words
    return "; ".join(arms) if name == "mtable" else ", ".join(arms) if name == "mtr" else "".join(map(_spaced, arms))


def _spaced(arm: str) -> str:
    return f" {arm} " if arm in ("=", "<", ">", "≤", "≥", "≠", "≈") else arm


def _grouped(words: str) -> str:
    return words if words.isalnum() or len(words) <= 1 else f"({words})"


_MATH_SHAPES: dict[str, tuple[int, Callable[[list[str]], str]]] = {
    "mfrac": (2, lambda arms: f"{_grouped(arms[0])}/{_grouped(arms[1])}"),
    "msup": (2, lambda arms: arms[0] + (superscript(arms[1]) if arms[1] else "")),
    "msub": (2, lambda arms: arms[0] + (subscript(arms[1]) if arms[1] else "")),
    "msubsup": (3, lambda arms: arms[0] + subscript(arms[1]) + superscript(arms[2])),
    "munderover": (3, lambda arms: arms[0] + subscript(arms[1]) + superscript(arms[2])),
    "msqrt": (1, lambda arms: "√" + _grouped("".join(arms))),
    "mroot": (2, lambda arms: superscript(arms[1]) + "√" + _grouped(arms[0])),
}
