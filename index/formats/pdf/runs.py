"""What stands on a page of a PDF, by PDFium: runs of characters on a line, ruled lines and pictures, each with its box.

Knows neither lines of text nor paragraphs; leaves out what nobody who looks at the page sees.
"""

import ctypes
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from index.formats.content import clean

if TYPE_CHECKING:
    import pypdfium2

# A gap between two characters as wide as this, in sizes of the letters, is a gap between columns or cells.
_GAP = 1.1
# Objects beyond so many are a drawing, such as a map: nothing is ruled or covered by them that can be told.
_OBJECTS = 20_000
# Characters are compared with no more boxes than this.
_COVERS = 500
# A picture that covers so much of a page is the page.
_PAGE_PICTURE = 0.5
_RAISED = str.maketrans("0123456789+-−=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"})
_TEXT, _PATH, _IMAGE, _SHADING, _FORM = 1, 2, 3, 4, 5
_INVISIBLE = (3, 7)  # text that is neither filled nor stroked


@dataclass(slots=True)
class Box:
    """A rectangle of a page, in points from its lower left."""

    left: float
    bottom: float
    right: float
    top: float

    def holds(self, other: "Box", slack: float = 1.0) -> bool:
        """Whether the other lies in it."""
        return (
            self.left - slack <= other.left
            and other.right <= self.right + slack
            and self.bottom - slack <= other.bottom
            and other.top <= self.top + slack
        )


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that follow each other on one line without a wide gap.

    order: its place in the file, which is that of reading in nearly all. angle: degrees from the page's other text.
    is_value: it is what a field of a form holds, with its label; label: the name of a field.
    """

    text: str
    box: Box
    baseline: float
    size: float
    bold: bool
    order: int
    angle: float = 0.0
    is_value: bool = False
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its runs in the file's order, the heights of ruled lines with their ends, and its pictures' boxes.

    hidden: whether text was left out that nobody sees. area: of the page, in square points.
    """

    number: int
    runs: Sequence[Run]
    rules: Sequence[tuple[float, float, float]]
    pictures: Sequence[Box]
    hidden: bool
    area: float

    @property
    def is_picture(self) -> bool:
        """Whether a picture covers most of it."""
        return sum(_area(box) for box in self.pictures) > _PAGE_PICTURE * self.area


def page_of(document: "pypdfium2.PdfDocument", number: int) -> Page:
    """The page of this number, from 1."""
    from pypdfium2 import raw

    page = document[number - 1]
    characters = page.get_textpage()
    try:
        crop = Box(*page.get_cropbox())
        drawn = _Drawn(page, crop)
        found = Page(number, (), drawn.rules, drawn.pictures, False, _area(crop))
        runs, hidden = _runs(raw, characters, drawn, crop, shows_invisible=found.is_picture)
        return replace(found, runs=_upright(_once(runs)), hidden=hidden)
    finally:
        characters.close()
        page.close()


def _area(box: Box) -> float:
    return max(box.right - box.left, 0.0) * max(box.top - box.bottom, 0.0)


class _Drawn:
    """The objects of a page that are no text: what is ruled, pictured, filled, and in which order all is drawn."""

    def __init__(self, page: Any, crop: Box) -> None:
        from pypdfium2 import raw

        self.rules: list[tuple[float, float, float]] = []
        self.pictures: list[Box] = []
        self.grounds: list[Box] = []
        self.covers: list[tuple[int, Box]] = []
        self.places: dict[int, int] = {}
        for place in range(min(raw.FPDFPage_CountObjects(page.raw), _OBJECTS)):
            self._add(raw, raw.FPDFPage_GetObject(page.raw, place), place, crop)
        self.settle()

    def _add(self, raw: Any, found: Any, place: int, crop: Box) -> None:
        kind = raw.FPDFPageObj_GetType(found)
        if kind == _TEXT:
            self.places[_address(found)] = place
            return
        left, bottom, right, top = (ctypes.c_float() for _ in range(4))
        if not raw.FPDFPageObj_GetBounds(found, left, bottom, right, top):
            return
        box = Box(left.value, bottom.value, right.value, top.value)
        if kind == _IMAGE:
            inside = Box(max(box.left, crop.left), max(box.bottom, crop.bottom), min(box.right, crop.right),
                         min(box.top, crop.top))  # fmt: skip
            self.pictures.append(inside)
        if kind in (_IMAGE, _SHADING, _FORM):
            self.grounds.append(box)
        elif kind == _PATH:
            self._add_path(raw, found, place, box)

    def _add_path(self, raw: Any, path: Any, place: int, box: Box) -> None:
        mode, stroked = ctypes.c_int(), ctypes.c_int()
        raw.FPDFPath_GetDrawMode(path, mode, stroked)
        color = _color(raw, path)
        if mode.value and color[3] and box.right - box.left > 2 and box.top - box.bottom > 2:
            if min(color[:3]) < 250:
                self.grounds.append(box)
            if color[3] == 255 and raw.FPDFPath_CountSegments(path) <= 6 and not raw.FPDFPageObj_HasTransparency(path):
                self.covers.append((place, box))
        self.rules += _rules(raw, path, box)

    def settle(self) -> None:
        """Forgets what so much is drawn over that it would take too long to compare."""
        self.covers = self.covers if len(self.covers) <= _COVERS else []

    def hides(self, place: int | None, box: Box) -> bool:
        """Whether something opaque was drawn over the box after the object of this place."""
        return place is not None and any(later > place and cover.holds(box) for later, cover in self.covers)

    def is_on_ground(self, box: Box) -> bool:
        """Whether something that is not white lies under the box, as far as can be told of a drawing."""
        return len(self.grounds) > _COVERS or any(ground.holds(box, slack=2.0) for ground in self.grounds)


def _address(found: Any) -> int:
    return ctypes.cast(found, ctypes.c_void_p).value or 0


def _color(raw: Any, found: Any) -> tuple[int, int, int, int]:
    """Red, green, blue and alpha of what an object is filled with; opaque black where it states none."""
    parts = [ctypes.c_uint() for _ in range(4)]
    if not raw.FPDFPageObj_GetFillColor(found, *parts):
        return 0, 0, 0, 255
    red, green, blue, alpha = (part.value for part in parts)
    return red, green, blue, alpha


def _rules(raw: Any, path: Any, box: Box) -> Iterator[tuple[float, float, float]]:
    """Height, left and right end of each level line in a path, those of boxes, too."""
    if box.right - box.left < 15:
        return
    if box.top - box.bottom <= 3:
        yield (box.top + box.bottom) / 2, box.left, box.right
        return
    count = raw.FPDFPath_CountSegments(path)
    if not 2 <= count <= 600:
        return
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(path, matrix)
    before: tuple[float, float] | None = None
    for i in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, i)
        x, y = ctypes.c_float(), ctypes.c_float()
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        drawn = raw.FPDFPathSegment_GetType(segment) == 0
        if before and drawn and abs(point[1] - before[1]) < 1 and abs(point[0] - before[0]) >= 15:
            yield point[1], min(point[0], before[0]), max(point[0], before[0])
        before = point


@dataclass(frozen=True, slots=True)
class _Style:
    """What the characters of one text object have in common."""

    angle: float
    size: float
    bold: bool
    is_invisible: bool
    is_white: bool
    place: int | None
    baseline: float


@dataclass(slots=True)
class _Letter:
    """A character with its box, in the frame in which its line is level."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    style: _Style
    is_generated: bool


def _runs(raw: Any, characters: Any, drawn: _Drawn, crop: Box, *, shows_invisible: bool) -> tuple[list[Run], bool]:
    """The runs of a page, in the file's order, and whether some characters were left out, as nobody sees them."""
    runs: list[Run] = []
    letters: list[_Letter] = []
    last: _Letter | None = None
    hidden = False
    styles: dict[int, _Style] = {}
    rect, handle = raw.FS_RECTF(), characters.raw
    unicode, text_object, char_box = raw.FPDFText_GetUnicode, raw.FPDFText_GetTextObject, raw.FPDFText_GetLooseCharBox
    for i in range(characters.count_chars()):
        letter = _letter(unicode(handle, i))
        pointer = text_object(handle, i) if letter else None
        if not pointer:
            if letter == " " and last is not None:
                letters.append(_Letter(" ", last.right, last.right, last.bottom, last.top, last.style, True))
            continue
        found = ctypes.addressof(pointer.contents)
        style = styles.get(found) or styles.setdefault(found, _style(raw, characters, i, drawn.places.get(found)))
        char_box(handle, i, rect)
        if letter != " " and _is_unseen(style, rect, drawn, crop, shows_invisible=shows_invisible):
            hidden = True
            continue
        placed = _placed(raw, handle, i, letter, rect, style)
        if last is not None and _parts(last, placed):
            runs += _run(letters, len(runs))
            letters, last = [], None
        if letter != " " or last is not None:
            letters.append(placed)
            last = placed
    return runs + _run(letters, len(runs)), hidden


def _letter(code: int) -> str:
    """The character of a code; empty for what PDFium makes up at the end of a line."""
    if code > 0x10FFFF:
        return "\ufffd"
    letter = chr(code)
    if letter in "\x02\ufffe":  # the hyphen of a word that is cut at the end of its line
        return "-"
    if letter in "\r\n\0":
        return ""
    return " " if letter.isspace() else letter


def _style(raw: Any, characters: Any, i: int, place: int | None) -> _Style:
    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(characters.raw, i, matrix)
    found = raw.FPDFText_GetTextObject(characters.raw, i)
    red, green, blue, alpha = _color(raw, found)
    size = raw.FPDFText_GetFontSize(characters.raw, i) * math.hypot(matrix.c, matrix.d)
    mode = raw.FPDFTextObj_GetTextRenderMode(found)
    angle = round(math.degrees(math.atan2(matrix.b, matrix.a))) % 360
    turn = math.radians(-angle)
    x, y = _origin(raw, characters.raw, i)
    return _Style(
        angle=angle,
        size=round(size, 1) or 1.0,
        bold=raw.FPDFText_GetFontWeight(characters.raw, i) >= 600 or _is_bold(raw, found),
        is_invisible=mode in _INVISIBLE or (mode == 0 and alpha == 0) or 0 < size < 1,
        is_white=mode == 0 and min(red, green, blue) >= 250,
        place=place,
        baseline=round(math.sin(turn) * x + math.cos(turn) * y, 1),
    )


def _origin(raw: Any, handle: Any, i: int) -> tuple[float, float]:
    """Where a character begins, on its line."""
    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(handle, i, x, y)
    return x.value, y.value


def _is_bold(raw: Any, found: Any) -> bool:
    name = ctypes.create_string_buffer(128)
    raw.FPDFFont_GetBaseFontName(raw.FPDFTextObj_GetFont(found), name, 128)
    return any(word in name.value.lower() for word in (b"bold", b"black", b"heavy"))


def _is_unseen(style: _Style, rect: Any, drawn: _Drawn, crop: Box, *, shows_invisible: bool) -> bool:
    """Whether a character is invisible, white on white, beyond the page's edge, or covered.

    Where a picture is the page, its invisible text is what was read on it: that is kept.
    """
    if style.is_invisible:
        return not shows_invisible
    if rect.right < crop.left or rect.left > crop.right or rect.top < crop.bottom or rect.bottom > crop.top:
        return True
    if not style.is_white and not drawn.covers:
        return False
    box = Box(rect.left, rect.bottom, rect.right, rect.top)
    return (style.is_white and not drawn.is_on_ground(box)) or drawn.hides(style.place, box)


def _placed(raw: Any, handle: Any, i: int, letter: str, rect: Any, style: _Style) -> _Letter:  # noqa: PLR0917
    """The character in the frame in which its line is level."""
    if style.angle == 0:
        return _Letter(letter, rect.left, rect.right, rect.bottom, rect.top, style, False)
    turn = math.radians(-style.angle)
    x, y = _origin(raw, handle, i)
    across = math.cos(turn) * x - math.sin(turn) * y
    quarter = style.angle % 180 == 90
    width = rect.top - rect.bottom if quarter else rect.right - rect.left
    size, level = style.size, style.baseline
    right = across + (width if style.angle % 90 == 0 else 0.5 * size)
    return _Letter(letter, across, right, level - 0.25 * size, level + 0.9 * size, style, False)


def _parts(last: _Letter, letter: _Letter) -> bool:
    """Whether a new run begins with `letter`: another line, a wide gap, or a way back."""
    before, style = last.style, letter.style
    size = before.size if before.size > style.size else style.size
    gap = letter.left - last.right
    if before is not style and (before.angle != style.angle or abs(style.baseline - before.baseline) > 0.6 * size):
        return True
    return gap > _GAP * size or letter.left < last.left - 0.5 * size


def _run(letters: Sequence[_Letter], order: int) -> list[Run]:
    """The run of these characters; none where they are all space."""
    seen = [letter for letter in letters if letter.text != " "]
    if not seen:
        return []
    styles = Counter(letter.style for letter in seen)
    usual = styles.most_common(1)[0][0]
    if len(styles) > 1:
        sizes: Counter[float] = Counter()
        for style, n in styles.items():
            sizes[style.size] += n
        size = sizes.most_common(1)[0][0]
        usual = max((style for style in styles if style.size == size), key=lambda style: styles[style])
    text = clean(" ".join(_spelled(letters, usual, len(styles) > 1).split())).translate(_LIGATURES)
    if not text:
        return []
    box = Box(
        min(letter.left for letter in seen),
        min(letter.bottom for letter in seen),
        max(letter.right for letter in seen),
        max(letter.top for letter in seen if letter.style.size == usual.size),
    )
    bold = 2 * sum(n for style, n in styles.items() if style.bold) > len(seen)
    return [Run(text, box, usual.baseline, usual.size, bold, order, usual.angle)]


def _spelled(letters: Sequence[_Letter], usual: _Style, mixed: bool) -> str:
    """The characters' text: small raised ones as such, so that "38" with a note 1 is not "381"; spread words whole."""
    text = [letter.text for letter in letters]
    for i, letter in enumerate(letters if mixed else ()):
        small = letter.style.size < 0.86 * usual.size
        above = letter.style.baseline - usual.baseline
        if small and above > 0.12 * usual.size:
            text[i] = text[i].translate(_RAISED)
        elif small and above < -0.05 * usual.size and i and letters[i - 1].text in "/⁄":
            text[i] = text[i].translate(_LOWERED)
    return _unspread(text, letters)


def _unspread(text: Sequence[str], letters: Sequence[_Letter]) -> str:
    """The text without the spaces that PDFium makes of spread letters, "H A R B O U R"."""
    plain = "".join(text)
    words = plain.split()
    if len(words) < 5 or 2 * len(words) < 0.8 * len(plain):
        return plain
    made = sum(letter.is_generated for letter in letters)
    if sum(len(word) == 1 for word in words) < 0.8 * len(words) or made < len(words) - 2:
        return plain
    seen = [(t, letter) for t, letter in zip(text, letters, strict=True) if t != " "]
    gaps = sorted(b.left - a.right for (_, a), (_, b) in pairwise(seen))
    usual = gaps[len(gaps) // 2]
    spelled = seen[0][0]
    for (_, before), (t, letter) in pairwise(seen):
        spelled += (" " if letter.left - before.right > usual + 0.25 * letter.style.size else "") + t
    return spelled


def _once(runs: Sequence[Run]) -> list[Run]:
    """The runs without those that were drawn again a little aside, for a shadow or to look bold."""
    seen: set[tuple[str, int, int]] = set()
    kept = []
    for run in runs:
        step = max(0.25 * run.size, 0.5)
        x, y = round(run.box.left / step), round(run.baseline / step)
        if any((run.text, x + right, y + up) in seen for right in (-1, 0, 1) for up in (-1, 0, 1)):
            continue
        seen.add((run.text, x, y))
        kept.append(run)
    return kept


def _upright(runs: Sequence[Run]) -> list[Run]:
    """The runs with angles from that of most of the page's text: a page may be printed sideways."""
    angles: Counter[float] = Counter()
    for run in runs:
        angles[run.angle] += len(run.text)
    if not angles:
        return []
    usual = angles.most_common(1)[0][0]
    return [replace(run, angle=(run.angle - usual) % 360) for run in runs]
