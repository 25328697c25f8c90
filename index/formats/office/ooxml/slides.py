"""Slides as pieces, each slide a page: its title, its shapes from top to bottom, its notes and comments.

A slide that is left out of the show, and a shape that is hidden, are seen by nobody: left out and told.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from index.formats.cells import Cell, table_pieces
from index.formats.content import Piece, one_line
from index.formats.counting import written
from index.formats.letters import settled
from index.formats.office.ooxml.drawing import MC, A, chosen, drawn_parts, drawn_text
from index.formats.office.ooxml.package import Package, R, is_on, told
from index.paragraphs import Kind

P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_SHAPES = (f"{P}sp", f"{P}grpSp", f"{P}graphicFrame", f"{P}pic", f"{P}cxnSp", f"{P}contentPart")
_TITLES = ("title", "ctrTitle")
# What stands on every slide: told once, behind all slides. Slide numbers are told by every citation.
_RUNNING = ("ftr", "dt", "hdr")
# A picture smaller than 2 cm is a sign or a logo.
_SMALL_PICTURE = 720_000
_NUMBERS = {"arabic": "decimal", "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
            "romanUc": "upperRoman"}  # fmt: skip

_LEFT_OUT = {
    "slide": ("1 slide is missing or damaged", "{} slides are missing or damaged"),
    "hidden slide": (
        "1 slide that is hidden in the show was left out",
        "{} slides that are hidden in the show were left out",
    ),
    "hidden": ("1 hidden shape was left out", "{} hidden shapes were left out"),
    "picture": ("1 picture was not read", "{} pictures were not read"),
    "object": ("1 embedded object was not read", "{} embedded objects were not read"),
}


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a shape stands, in the slide's units."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Place:
    """How the inside of a group lies on the slide: x -> (x - from_left) * wide + left."""

    left: float = 0.0
    top: float = 0.0
    from_left: float = 0.0
    from_top: float = 0.0
    wide: float = 1.0
    high: float = 1.0

    def on_slide(self, box: _Box) -> _Box:
        return _Box(
            (box.left - self.from_left) * self.wide + self.left,
            (box.top - self.from_top) * self.high + self.top,
            box.width * self.wide,
            box.height * self.high,
        )


def slides_pieces(package: Package, presentation: str) -> tuple[list[list[Piece]], tuple[str, ...]]:
    """The pieces of each slide in order, and what was not read. Raises ValueError where this is no presentation."""
    tree = package.tree(presentation)
    if tree is None or tree.tag != f"{P}presentation":
        raise ValueError("it holds no slides")
    deck = _Deck(package, presentation)
    pages = [deck.slide(found.get(f"{R}id")) for found in tree.iterfind(f"{P}sldIdLst/{P}sldId")]
    for n, pieces in enumerate(pages, 1):
        # What stands on a slide without a title is not under that of the slide before it.
        if pieces and not _has_title(pieces) and any(map(_has_title, pages[: n - 1])):
            pieces.insert(0, Piece(f"Slide {n}", Kind.HEADING, 1))
    if pages:
        pages[-1] += deck.running()
    return pages, tuple(deck.notices())


def _has_title(pieces: list[Piece]) -> bool:
    return any(piece.kind is Kind.HEADING for piece in pieces)


class _Deck:
    """Goes through the slides once."""

    def __init__(self, package: Package, presentation: str) -> None:
        self._package = package
        self._authors = {
            found.get("id"): found.get("name")
            for kind in ("commentAuthors", "authors")
            for part in package.related(presentation, kind)
            if (tree := package.tree(part)) is not None
            for found in tree
        }
        self._running: dict[str, None] = {}
        self._left: Counter[str] = Counter()
        self._part = ""

    def slide(self, relation: str | None) -> list[Piece]:
        """All that a slide shows."""
        (part, *_), package = (*self._related_slide(relation), None), self._package
        slide = package.tree(part)
        if part is None or slide is None:
            self._left["slide"] += 1
            return []
        if not is_on(slide, "show"):
            self._left["hidden slide"] += 1
            return []
        self._part = part
        shapes = self._shapes(slide.find(f"{P}cSld/{P}spTree"), _Place(), self._inherited(part))
        title = next((shape for shape, _ in shapes if _placeholder(shape)[0] in _TITLES), None)
        pieces = list(self._title(title)) if title is not None else []
        for shape in [shape for shape, _ in _in_reading_order([found for found in shapes if found[0] is not title])]:
            pieces += self._shape(shape)
        return settled([*pieces, *self._notes(part), *self._comments(part)])

    def _related_slide(self, relation: str | None) -> list[str]:
        document = self._package.document or ""
        target = self._package.target(document, relation)
        return [target] if target is not None else []

    def running(self) -> list[Piece]:
        """Footers and dates of all slides, each once."""
        return [Piece(words) for words in self._running]

    def notices(self) -> list[str]:
        """What was not read, and how much of it."""
        return [*told(self._left, _LEFT_OUT), *self._package.faults()]

    # Shapes and their places

    def _shapes(self, tree: Any, place: _Place, inherited: dict[tuple[str, str], _Box]) -> list[tuple[Any, _Box]]:
        """The shapes of a slide or group and where they stand; a group stands as one, its shapes in their own order."""
        found = []
        for child in tree if tree is not None else ():
            shape = child
            if child.tag == f"{MC}AlternateContent":
                choice = chosen(child)
                shape = next((one for one in choice if one.tag in _SHAPES), None) if choice is not None else None
            if shape is None or shape.tag not in _SHAPES:
                continue
            if _is_hidden(shape):
                self._left["hidden"] += 1
                continue
            box = _own_box(shape) or inherited.get(_placeholder(shape)) or inherited.get((_placeholder(shape)[0], ""))
            found.append((shape, place.on_slide(box or _Box(0, 0, 0, 0))))
        return found

    def _inherited(self, slide: str) -> dict[tuple[str, str], _Box]:
        """Where the layout and the master of a slide put their placeholders, by type and number."""
        boxes: dict[tuple[str, str], _Box] = {}
        layout = next(iter(self._package.related(slide, "slideLayout")), None)
        master = next(iter(self._package.related(layout, "slideMaster")), None) if layout else None
        for part in (master, layout):
            tree = self._package.tree(part)
            for shape in tree.iter(f"{P}sp") if tree is not None else ():
                kind, number = _placeholder(shape)
                box = _own_box(shape)
                if box is not None and (kind or number):
                    boxes[kind, number] = boxes[kind, ""] = box
        return boxes

    # What a shape shows

    def _title(self, shape: Any) -> Iterator[Piece]:
        words = " ".join(" ".join(map(drawn_text, _paragraphs(shape))).split())
        if words:
            yield Piece(words, Kind.HEADING, 1)

    def _shape(self, shape: Any) -> list[Piece]:
        kind, _ = _placeholder(shape)
        if kind == "sldNum":
            return []
        if kind in _RUNNING:
            words = " ".join(" ".join(map(drawn_text, _paragraphs(shape))).split())
            self._running |= {words: None} if words else {}
            return []
        if shape.tag == f"{P}grpSp":
            inside = _in_reading_order(self._shapes(shape, _group_place(shape), {}))
            return [piece for one, _ in inside for piece in self._shape(one)]
        if shape.tag == f"{P}pic":
            return self._picture(shape)
        if kind in _TITLES:
            return list(self._title(shape))
        pieces = [piece for found in shape.iter(f"{A}tbl") for piece in _table(found)]
        pieces += drawn_parts(self._package, self._part, shape)
        if next(shape.iter(f"{P}oleObj"), None) is not None:
            self._left["object"] += 1
        return pieces + _listed(_paragraphs(shape), is_list=kind in ("body", "obj"))

    def _picture(self, shape: Any) -> list[Piece]:
        box = _own_box(shape)
        self._left["picture"] += box is None or min(box.width, box.height) >= _SMALL_PICTURE
        described = one_line(next((found.get("descr") for found in shape.iter(f"{P}cNvPr")), None)) or ""
        is_name = " " not in described or described.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".emf", ".svg"))
        generated = described.rstrip(".").lower().endswith(("automatically generated", "may be incorrect"))
        return [] if is_name or generated else [Piece(described, Kind.CAPTION)]

    def _notes(self, slide: str) -> list[Piece]:
        pieces = []
        for part in self._package.related(slide, "notesSlide"):
            tree = self._package.tree(part)
            for shape in tree.iter(f"{P}sp") if tree is not None else ():
                if _placeholder(shape)[0] == "body":
                    pieces += _listed(_paragraphs(shape), is_list=False)
        return pieces

    def _comments(self, slide: str) -> list[Piece]:
        """Comments of both kinds: with one text, and threads of paragraphs."""
        pieces = []
        for part in self._package.related(slide, "comments"):
            tree = self._package.tree(part)
            for found in tree.iter() if tree is not None else ():
                name = found.tag.rpartition("}")[2] if isinstance(found.tag, str) else ""
                if name not in ("cm", "reply"):
                    continue
                body = next((child for child in found if child.tag.endswith("}txBody")), None)
                words = one_line(found.findtext(f"{P}text")) or ""
                if body is not None:
                    words = " ".join(" ".join(map(drawn_text, body.iter(f"{A}p"))).split())
                author = one_line(self._authors.get(found.get("authorId")))
                if words:
                    pieces.append(Piece(f"Comment by {author}: {words}" if author else f"Comment: {words}"))
        return pieces


def _placeholder(shape: Any) -> tuple[str, str]:
    """The type of a shape's placeholder and its number; ("", "") for a shape that is none."""
    for properties in shape:
        found = properties.find(f"{P}nvPr/{P}ph") if isinstance(properties.tag, str) else None
        if found is not None:
            return found.get("type", "obj"), found.get("idx", "0")
    return "", ""


def _is_hidden(shape: Any) -> bool:
    return any(
        found.get("hidden", "0") in ("1", "true")
        for properties in shape
        if isinstance(properties.tag, str)
        for found in properties.findall(f"{P}cNvPr")
    )


def _number(words: str | None) -> float:
    """A length or a count; 0 for what is none, or is larger than any slide."""
    try:
        number = float(words or 0)
    except ValueError:
        return 0.0
    return number if abs(number) < 1e12 else 0.0


def _own_box(shape: Any) -> _Box | None:
    """Where a shape says that it stands."""
    for path in (f"{P}spPr/{A}xfrm", f"{P}grpSpPr/{A}xfrm", f"{P}xfrm"):
        found = shape.find(path)
        off, extent = (found.find(f"{A}off"), found.find(f"{A}ext")) if found is not None else (None, None)
        if off is not None and extent is not None:
            width, height = _number(extent.get("cx")), _number(extent.get("cy"))
            return _Box(_number(off.get("x")), _number(off.get("y")), max(0.0, width), max(0.0, height))
    return None


def _group_place(group: Any) -> _Place:
    own, found = _own_box(group), group.find(f"{P}grpSpPr/{A}xfrm")
    inside = [found.find(f"{A}chOff"), found.find(f"{A}chExt")] if found is not None else [None, None]
    if own is None or inside[0] is None or inside[1] is None:
        return _Place()
    width, height = _number(inside[1].get("cx")), _number(inside[1].get("cy"))
    return _Place(
        own.left,
        own.top,
        _number(inside[0].get("x")),
        _number(inside[0].get("y")),
        own.width / width if width else 1.0,
        own.height / height if height else 1.0,
    )


def _in_reading_order(shapes: Sequence[tuple[Any, _Box]]) -> list[tuple[Any, _Box]]:
    """From top to bottom, and from left to right what stands beside each other: it shares half of the lower one's
    height. Shapes that stand in the same place stay as they were drawn."""
    rest = sorted(shapes, key=lambda shape: (shape[1].top, shape[1].left))
    ordered: list[tuple[Any, _Box]] = []
    while rest:
        lead = rest[0][1]
        reach = next((n for n, (_, box) in enumerate(rest) if box.top > lead.top + lead.height), len(rest))
        reach = max(reach, 1)
        row = [shape for shape in rest[:reach] if _beside(lead, shape[1])]
        ordered += sorted(row, key=lambda shape: (shape[1].left, shape[1].top))
        rest = [shape for shape in rest[:reach] if not _beside(lead, shape[1])] + rest[reach:]
    return ordered


def _beside(one: _Box, other: _Box) -> bool:
    if one is other:
        return True
    shared = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    return shared * 2 > min(one.height, other.height) or one.top == other.top


def _paragraphs(shape: Any) -> Iterator[Any]:
    body = shape.find(f"{P}txBody")
    return iter(body.findall(f"{A}p") if body is not None else ())


def _listed(paragraphs: Iterator[Any], *, is_list: bool) -> list[Piece]:
    """Paragraphs, with their numbers; items are those with a bullet or number, and a slide's points."""
    found = [(paragraph, drawn_text(paragraph).strip()) for paragraph in paragraphs]
    points = sum(1 for _, words in found if words) > 1 and is_list
    counts: dict[int, tuple[str, int]] = {}
    pieces = []
    for paragraph, words in found:
        if not words:
            continue
        properties = paragraph.find(f"{A}pPr")
        level = int(_number(properties.get("lvl"))) if properties is not None else 0
        mark = _counted(properties, level, counts)
        kind = Kind.LIST_ITEM if mark or _has_bullet(properties, points=points) else Kind.BODY
        pieces.append(Piece(f"{mark} {words}".strip(), kind, level + 1 if kind is Kind.LIST_ITEM else 0))
    return pieces


def _has_bullet(properties: Any, *, points: bool) -> bool:
    if properties is None:
        return points
    if properties.find(f"{A}buNone") is not None:
        return False
    return points or properties.find(f"{A}buChar") is not None or properties.find(f"{A}buBlip") is not None


def _counted(properties: Any, level: int, counts: dict[int, tuple[str, int]]) -> str:
    """The number that a paragraph shows: one more than the last of its level and form."""
    found = properties.find(f"{A}buAutoNum") if properties is not None else None
    for deeper in [at for at in counts if at > level or (at == level and found is None)]:
        del counts[deeper]
    if found is None:
        return ""
    form, start = found.get("type", "arabicPeriod"), int(_number(found.get("startAt", "1")))
    last = counts.get(level)
    count = last[1] + 1 if last and last[0] == form else start
    counts[level] = (form, count)
    number = written(count, next((shown for name, shown in _NUMBERS.items() if form.startswith(name)), "decimal"))
    if form.endswith("ParenBoth"):
        return f"({number})"
    return number + {"R": ")", "d": "."}.get(form[-1], "") if form.endswith(("ParenR", "Period")) else number


def _table(element: Any) -> Iterator[Piece]:
    rows = []
    for row in element.findall(f"{A}tr"):
        cells: list[Cell] = []
        for cell in row.findall(f"{A}tc"):
            if cell.get("hMerge") in ("1", "true") and cells:
                continue  # counted by the span of the cell that it was merged into
            words = " ".join(" ".join(map(drawn_text, cell.iter(f"{A}p"))).split())
            span = max(1, min(int(_number(cell.get("gridSpan", "1"))), 64))
            cells.append(Cell(words, span, goes_on=cell.get("vMerge") in ("1", "true")))
        rows.append(cells)
    properties = element.find(f"{A}tblPr")
    first = properties is not None and properties.get("firstRow") in ("1", "true") and len(rows) > 1
    yield from table_pieces(rows, marked=int(first))
