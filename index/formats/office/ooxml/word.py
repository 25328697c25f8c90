"""A Word document as pieces: what a person sees of it, in order, with the numbers that Word counts.

Tracked changes are read as accepted. What nobody sees (hidden text) is left out and told. Notes stand behind the text,
headers and footers behind these, each once; a comment behind the paragraph or table that it is about.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from index.formats.cells import Cell, table_pieces
from index.formats.content import Piece, one_line
from index.formats.counting import written
from index.formats.html.page import visible_blocks
from index.formats.letters import is_symbol_font, lowered, raised, settled, symbol, without_break_marks
from index.formats.office.ooxml.drawing import MC, chosen, drawn_parts
from index.formats.office.ooxml.equations import M, equation
from index.formats.office.ooxml.numbering import Numbering
from index.formats.office.ooxml.package import Package, R, is_on, told
from index.formats.office.ooxml.styles import VAL, Styles, W, first, number, value
from index.formats.text import decode
from index.paragraphs import Kind

_PICTURE = "{http://schemas.openxmlformats.org/drawingml/2006/picture}pic"
_DRAWN = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_VML = "{urn:schemas-microsoft-com:vml}"
_BREAKS = {f"{W}tab": "\t", f"{W}ptab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_GONE = frozenset((f"{W}del", f"{W}moveFrom"))
# Word writes these before the page is laid out anew: their stored results are those of another day.
_PAGE_FIELDS = re.compile(r"\s*(PAGE|NUMPAGES|SECTIONPAGES)\b")
_CODE_STYLES = frozenset(("html preformatted", "source code", "code", "code block", "preformatted text", "macro"))
# A picture of less than 2 cm is a sign or a logo.
_SMALL_PICTURE = 720_000
_NO_ALTERNATIVE = re.compile(r"\S*|.*\.(?:png|jpe?g|gif|bmp|tiff?|svg|emf|wmf)|.*automatically generated\.?", re.DOTALL)

_LEFT_OUT = {
    "hidden": ("1 character of hidden text was left out", "{} characters of hidden text were left out"),
    "hidden row": ("1 hidden row of a table was left out", "{} hidden rows of tables were left out"),
    "deleted": ("what tracked changes delete was left out (1 place)",
                "what tracked changes delete or move away was left out ({} places)"),
    "picture": ("1 picture was not read", "{} pictures were not read"),
    "object": ("1 embedded object was not read", "{} embedded objects were not read"),
    "document": ("1 embedded document was not read", "{} embedded documents were not read"),
    "symbol": ("1 symbol of an unknown font was not read", "{} symbols of unknown fonts were not read"),
}  # fmt: skip


def word_pieces(package: Package, document: str) -> tuple[list[Piece], str | None, tuple[str, ...]]:
    """The pieces of a document, the title that one of its styles names, and what was not read.

    Raises ValueError where its main part is no document.
    """
    tree = package.tree(document)
    body = first(tree, "body")
    if body is None:
        raise ValueError("it has no body")
    reader = _Reader(package, document)
    pieces = reader.whole(body)
    return settled(pieces), reader.title, tuple(reader.notices())


@dataclass(slots=True)
class _Field:
    """A field that has begun and not ended: its words, and whether what follows is what it shows."""

    words: str = ""
    shows: bool = False


class _Reader:
    """Goes through the stories of a document once."""

    def __init__(self, package: Package, document: str) -> None:
        self._package = package
        self._part = document
        self._document = document
        self._styles = Styles(self._only("styles"))
        self._numbering = Numbering(self._only("numbering"))
        self._settings = self._only("settings")
        self._comments = {
            found.get(f"{W}id", ""): found for found in self._children("comments") if found.tag == f"{W}comment"
        }
        self._notes = {
            kind: {found.get(f"{W}id", ""): found for found in self._children(f"{kind}s")}
            for kind in ("footnote", "endnote")
        }
        self._cited: dict[tuple[str, str], str] = {}
        self._about: list[str] = []  # comments on what is being read
        self._extras: list[Piece] = []  # boxes, charts and captions that hang on the paragraph that is being read
        self._fields: list[_Field] = []
        self._numbers_pages = False
        self._depth = 0
        self._left: Counter[str] = Counter()
        self.title: str | None = None

    def _only(self, kind: str) -> Any:
        return next((self._package.tree(part) for part in self._package.related(self._document, kind)), None)

    def _children(self, kind: str) -> list[Any]:
        tree = self._only(kind)
        return list(tree) if tree is not None else []

    def whole(self, body: Any) -> list[Piece]:
        """All that the document shows."""
        pieces = list(self._blocks(body))
        for comment in list(self._comments):
            pieces += self._comment(comment)
        for (kind, name), mark in list(self._cited.items()):
            pieces += self._note(kind, name, mark)
        return pieces + self._margins(body, {piece.text for piece in pieces})

    def notices(self) -> list[str]:
        """What was not read, and how much of it."""
        return [*told(self._left, _LEFT_OUT), *self._package.faults()]

    # Blocks

    def _blocks(self, element: Any) -> Iterator[Piece]:
        """The pieces of all that stands under an element, in order."""
        code: list[str] = []
        for child in element:
            tag = child.tag
            if code and not (tag == f"{W}p" and self._is_code(child)):
                yield Piece("\n".join(code), Kind.CODE)
                code = []
            if tag == f"{W}p":
                piece = self._paragraph(child)
                if piece is not None and piece.kind is Kind.CODE:
                    code.append(piece.text)
                elif piece is not None:
                    yield piece
                yield from self._hanging()
            elif tag == f"{W}tbl":
                yield from self._table(child)
                yield from self._hanging()
            elif tag in _GONE:
                self._left["deleted"] += 1
            elif tag == f"{MC}AlternateContent":
                if (choice := chosen(child)) is not None:
                    yield from self._blocks(choice)
            elif tag == f"{W}altChunk":
                yield from self._chunk(child.get(f"{R}id"))
            elif isinstance(tag, str) and not tag.endswith("Pr"):
                yield from self._blocks(child)
        if code:
            yield Piece("\n".join(code), Kind.CODE)

    def _hanging(self) -> Iterator[Piece]:
        """What hangs on the paragraph or table that was just read; inside a table it waits for its end."""
        if self._depth:
            return
        extras, self._extras = self._extras, []
        about, self._about = self._about, []
        yield from extras
        for name in about:
            yield from self._comment(name)

    def _comment(self, name: str) -> list[Piece]:
        comment = self._comments.pop(name, None)
        if comment is None:
            return []
        pieces = list(self._blocks(comment))
        author = one_line(comment.get(f"{W}author"))
        says = f"Comment by {author}: " if author else "Comment: "
        return [replace(pieces[0], text=says + pieces[0].text), *pieces[1:]] if pieces else []

    def _note(self, kind: str, name: str, mark: str) -> list[Piece]:
        note = self._notes[kind].get(name)
        pieces = list(self._blocks(note)) if note is not None else []
        said = [replace(piece, kind=Kind.FOOTNOTE) if piece.kind is Kind.BODY else piece for piece in pieces]
        return [replace(said[0], text=f"{mark} {said[0].text}".strip()), *said[1:]] if said else []

    def _margins(self, body: Any, seen: set[str]) -> list[Piece]:
        """Headers, then footers: of each the pieces that stand nowhere else, each once."""
        even = is_on(first(self._settings, "evenAndOddHeaders"), VAL)
        shown: dict[str, list[str]] = {"header": [], "footer": []}
        for section in body.iter(f"{W}sectPr"):
            first_differs = is_on(first(section, "titlePg"), VAL)
            for kind, parts in shown.items():
                for found in section.findall(f"{W}{kind}Reference"):
                    of = found.get(f"{W}type", "default")
                    part = self._package.target(self._document, found.get(f"{R}id"))
                    if part and part not in parts and (of == "default" or (first_differs if of == "first" else even)):
                        parts.append(part)
        pieces: list[Piece] = []
        for part in (*shown["header"], *shown["footer"]):
            tree = self._package.tree(part)
            self._part = part
            for piece in self._blocks(tree) if tree is not None else ():
                if piece.text not in seen:
                    seen.add(piece.text)
                    pieces.append(piece)
        self._part = self._document
        return pieces

    def _chunk(self, relation: str | None) -> Iterator[Piece]:
        """A document of another format that lies in this one, as some programs put it together."""
        from lxml import html

        part = self._package.target(self._document, relation)
        raw = self._package.blob(part)
        if part and raw and part.lower().endswith((".htm", ".html", ".xhtml")):
            yield from map(Piece, visible_blocks(html.document_fromstring(raw)))
        elif part and raw and part.lower().endswith(".txt"):
            yield Piece(decode(raw))
        else:
            self._left["document"] += 1

    # Tables

    def _table(self, element: Any) -> Iterator[Piece]:
        rows: list[tuple[Any, Any]] = []
        marked = 0
        for row in _rows(element):
            properties = first(row, "trPr")
            if first(properties, "del") is not None or is_on(first(properties, "hidden"), VAL):
                self._left["deleted" if first(properties, "del") is not None else "hidden row"] += 1
                continue
            marked += len(rows) == marked and is_on(first(properties, "tblHeader"), VAL)
            rows.append((row, properties))
        if all(sum(1 for _ in _cells(row)) <= 1 for row, _ in rows):
            for row, _ in rows:
                for cell in _cells(row):
                    yield from self._blocks(cell)
            return
        self._depth += 1
        nested: list[Piece] = []
        read = [[*self._cells_of(row, properties, nested)] for row, properties in rows]
        self._depth -= 1
        yield from table_pieces(read, marked=marked, bold=[_is_bold(row) for row, _ in rows])
        yield from nested

    def _cells_of(self, row: Any, properties: Any, nested: list[Piece]) -> Iterator[Cell]:
        yield from [Cell("")] * min(number(properties, "gridBefore") or 0, 63)
        for cell in _cells(row):
            pieces = list(self._blocks(cell))
            own = [piece.text for piece in pieces if piece.kind is not Kind.TABLE_ROW]
            nested += [piece for piece in pieces if piece.kind is Kind.TABLE_ROW]
            merge = first(cell, "tcPr", "vMerge")
            goes_on = merge is not None and merge.get(VAL, "continue") == "continue"
            span = max(1, min(number(cell, "tcPr", "gridSpan") or 1, 63))
            yield Cell(" ".join(own), span, goes_on=goes_on)

    # Paragraphs

    def _is_code(self, paragraph: Any) -> bool:
        return not _CODE_STYLES.isdisjoint(self._styles.names(paragraph))

    def _paragraph(self, paragraph: Any) -> Piece | None:
        self._fields.clear()
        self._numbers_pages = False
        hidden = self._left["hidden"] + self._left["deleted"]
        text = without_break_marks("".join(self._runs(paragraph, paragraph))).strip("\n")
        if not text.strip() and hidden < self._left["hidden"] + self._left["deleted"]:
            return None  # hidden or deleted as a whole: Word does not count it
        mark, level = self._number(paragraph)
        if not text.strip() or (self._numbers_pages and _is_only_page(text)):
            return None
        return self._styled(paragraph, mark, level, text)

    def _styled(self, paragraph: Any, mark: str, level: int, text: str) -> Piece:
        """A paragraph as what its style says that it is."""
        name = self._styles.name(paragraph)
        if name == "title" and self.title is None:
            self.title = one_line(settled([Piece(text)])[0].text)
        heading = 1 if name == "title" else self._styles.heading(paragraph)
        if name.startswith(("toc ", "table of ")):
            return Piece(" ".join(text.split()), Kind.FURNITURE)
        if heading:
            return Piece(" ".join(f"{mark} {text}".split()), Kind.HEADING, heading)
        if self._is_code(paragraph):
            return Piece(text, Kind.CODE)
        if name == "caption":
            return Piece(f"{mark} {text}".strip(), Kind.CAPTION)
        return Piece(f"{mark} {text.strip()}".strip(), Kind.LIST_ITEM if level else Kind.BODY, level)

    def _number(self, paragraph: Any) -> tuple[str, int]:
        """The number that Word shows before a paragraph, and how deep it lies in its list; 0 where it is of none."""
        numbered, styles = self._styles.numbered(paragraph)
        if numbered.list_id is not None and self._numbering.is_item(numbered):
            level = self._numbering.level(numbered, styles)
            return self._numbering.next(numbered.list_id, level), level + 1
        name = self._styles.name(paragraph)
        if name.startswith(("list bullet", "list number")):
            return "", int(name[-1]) if name[-1].isdecimal() else 1
        return "", 0

    def _runs(self, element: Any, paragraph: Any) -> Iterator[str]:
        """The pieces of a paragraph's own text; what hangs on it is kept for later."""
        for child in element:
            tag = child.tag
            if tag == f"{W}r":
                yield from self._run(child, paragraph)
            elif tag in _GONE:
                self._left["deleted"] += 1
            elif tag in (f"{M}oMath", f"{M}oMathPara"):
                yield equation(child)
            elif tag == f"{W}fldSimple":
                if _PAGE_FIELDS.match(child.get(f"{W}instr", "")):
                    self._numbers_pages = True
                else:
                    yield from self._runs(child, paragraph)
            elif tag == f"{W}ruby":
                yield from self._ruby(child, paragraph)
            elif tag == f"{MC}AlternateContent":
                if (choice := chosen(child)) is not None:
                    yield from self._runs(choice, paragraph)
            elif isinstance(tag, str) and not tag.endswith("Pr"):
                yield from self._runs(child, paragraph)

    def _run(self, run: Any, paragraph: Any) -> Iterator[str]:
        if self._styles.hides(run, paragraph):
            self._left["hidden"] += sum(len(found.text or "") for found in run.iter(f"{W}t"))
            return
        text = ""
        for child in run:
            if child.tag == f"{W}t" and self._is_shown():
                text += self._letters(child.text or "", run)
            elif child.tag in _BREAKS and self._is_shown():
                text += _BREAKS[child.tag]
            elif child.tag == f"{W}sym" and self._is_shown():
                text += self._symbol(child.get(f"{W}font", ""), child.get(f"{W}char", ""))
            else:
                yield self._shifted(text, run, paragraph)
                text = ""
                yield from self._other(child, paragraph)
        yield self._shifted(text, run, paragraph)

    def _shifted(self, text: str, run: Any, paragraph: Any) -> str:
        shift = self._styles.shift(run, paragraph) if text else "baseline"
        return raised(text) if shift == "superscript" else lowered(text) if shift == "subscript" else text

    def _other(self, child: Any, paragraph: Any) -> Iterator[str]:
        """What else may stand in a run."""
        tag = child.tag
        if tag == f"{W}fldChar":
            yield self._field(child)
        elif tag == f"{W}instrText" and self._fields:
            self._fields[-1].words += child.text or ""
        elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
            yield self._mark(child, tag[len(W) :].removesuffix("Reference"))
        elif tag == f"{W}commentReference":
            self._about.append(child.get(f"{W}id", ""))
        elif tag == f"{W}ruby":
            yield from self._ruby(child, paragraph)
        elif tag == f"{MC}AlternateContent":
            choice = chosen(child)
            for found in choice if choice is not None else ():
                yield from self._other(found, paragraph)
        elif tag in (f"{W}drawing", f"{W}pict", f"{W}object"):
            self._hang(child)
        elif tag == f"{W}delText":
            self._left["deleted"] += 1

    def _ruby(self, element: Any, paragraph: Any) -> Iterator[str]:
        """Its base, then how it is read."""
        for name, (before, after) in {"rubyBase": ("", ""), "rt": ("(", ")")}.items():
            found = first(element, name)
            words = "".join(self._runs(found, paragraph)) if found is not None else ""
            yield f"{before}{words}{after}" if words else ""

    def _letters(self, text: str, run: Any) -> str:
        fonts = first(run, "rPr", "rFonts")
        font = fonts.get(f"{W}ascii", "") if fonts is not None else ""
        if not is_symbol_font(font):
            return text
        return "".join(symbol(font, ord(char)) or char if 0xF000 <= ord(char) <= 0xF0FF else char for char in text)

    def _symbol(self, font: str, code: str) -> str:
        found = symbol(font, int(code, 16)) if re.fullmatch(r"[0-9A-Fa-f]{1,6}", code) else None
        self._left["symbol"] += found is None
        return found or ""

    def _mark(self, reference: Any, kind: str) -> str:
        """The mark of a note: counted, or one of the author's own, which follows as text."""
        name = reference.get(f"{W}id", "")
        if (kind, name) in self._cited:
            return self._cited[kind, name]
        own = reference.get(f"{W}customMarkFollows", "0") not in ("0", "false", "off")
        form = value(self._settings, f"{kind}Pr", "numFmt") or ("decimal" if kind == "footnote" else "lowerRoman")
        count = sum(1 for (of, _), mark in self._cited.items() if of == kind and mark) + 1
        self._cited[kind, name] = "" if own else f"[{written(count, form)}]"
        return self._cited[kind, name]

    def _field(self, element: Any) -> str:
        step = element.get(f"{W}fldCharType")
        if step == "begin":
            self._fields.append(_Field())
            return _form_value(first(element, "ffData"))
        if step == "separate" and self._fields:
            self._fields[-1].shows = True
        elif step == "end" and self._fields:
            self._fields.pop()
        return ""

    def _is_shown(self) -> bool:
        """Whether text that stands here is seen: not as the words of a field, nor as the number of a page."""
        if any(_PAGE_FIELDS.match(field.words) for field in self._fields):
            self._numbers_pages = True
            return False
        return all(field.shows for field in self._fields[:-1])

    def _hang(self, drawing: Any) -> None:
        """Text boxes, charts, diagrams and word art of a drawing, for after the paragraph; what is left is counted."""
        if any(is_on(found, "hidden") and found.get("hidden") for found in drawing.iter(f"{_DRAWN}docPr")):
            return
        outer, self._fields = self._fields, []
        self._depth += 1
        for box in _boxes(drawing):
            self._extras += list(self._blocks(box))
        self._depth -= 1
        self._fields = outer
        self._extras += drawn_parts(self._package, self._part, drawing)
        for art in drawing.iter(f"{_VML}textpath"):
            self._extras.append(Piece(art.get("string", "")))
        if drawing.tag == f"{W}object":
            self._left["object"] += 1
        elif self._part == self._document and next(drawing.iter(_PICTURE, f"{_VML}imagedata"), None) is not None:
            self._picture(drawing)

    def _picture(self, drawing: Any) -> None:
        extent = next(drawing.iter(f"{_DRAWN}extent"), None)
        sides = [extent.get(side, "") for side in ("cx", "cy")] if extent is not None else []
        self._left["picture"] += not any(side.isdecimal() and int(side) < _SMALL_PICTURE for side in sides)
        described = next((found.get("descr", "") for found in drawing.iter(f"{_DRAWN}docPr")), "").strip()
        if not _NO_ALTERNATIVE.fullmatch(described):
            self._extras.append(Piece(one_line(described) or "", Kind.CAPTION))


def _boxes(element: Any) -> Iterator[Any]:
    """The contents of text boxes, not those that lie in another."""
    for child in element:
        if child.tag == f"{W}txbxContent":
            yield child
        elif child.tag == f"{MC}AlternateContent":
            choice = chosen(child)
            yield from _boxes(choice) if choice is not None else ()
        else:
            yield from _boxes(child)


def _rows(element: Any) -> Iterator[Any]:
    """The rows of a table, those in content controls and tracked changes, too; not those of a table inside."""
    for child in element:
        if child.tag == f"{W}tr":
            yield child
        elif child.tag not in (f"{W}tbl", f"{W}tc", f"{W}p") and isinstance(child.tag, str):
            yield from _rows(child)


def _cells(row: Any) -> Iterator[Any]:
    for child in row:
        if child.tag == f"{W}tc":
            yield child
        elif child.tag not in (f"{W}tbl", f"{W}tr", f"{W}p") and isinstance(child.tag, str):
            yield from _cells(child)


def _is_bold(row: Any) -> bool:
    """Whether all words of a row are bold."""
    runs = [run for run in row.iter(f"{W}r") if any((text.text or "").strip() for text in run.iter(f"{W}t"))]
    return bool(runs) and all(is_on(first(run, "rPr", "b"), VAL) for run in runs)


def _form_value(data: Any) -> str:
    """What an old form field shows that has no text of its own: a box, ticked or not, or the chosen line of a list."""
    box, chooser = first(data, "checkBox"), first(data, "ddList")
    if box is not None:
        state = first(box, "checked")
        return "☒" if is_on(state if state is not None else first(box, "default"), VAL) else "☐"
    entries = chooser.findall(f"{W}listEntry") if chooser is not None else []
    place = number(chooser, "result")
    place = place if place is not None else number(chooser, "default") or 0
    return entries[place].get(VAL, "") if 0 <= place < len(entries) else ""


def _is_only_page(text: str) -> bool:
    """Whether nothing is left of a line once its page numbers are: "Page of"."""
    words = re.findall(r"\w+", text)
    return len(words) <= 2 and all(len(word) <= 6 for word in words)
