"""RTF, as word processors save it for each other: text, headings, list items, tables and notes.

What is hidden or struck out by a change is not read; pictures are only told.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from index.errors import Unreadable
from index.formats.content import Content, Piece, laid_out, one_line, table
from index.paragraphs import Kind

_TOKEN = re.compile(
    rb"\\(?P<word>[A-Za-z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<code>[0-9A-Fa-f]{2})|\\(?P<sign>[^A-Za-z])|"
    rb"(?P<brace>[{}])|(?P<newline>[\r\n]+)|(?P<text>[^\\{}\r\n]+)|(?P<rest>.)",
    re.DOTALL,
)
# Groups that hold no text of the document.
_SKIPPED = frozenset(
    ("colortbl", "datafield", "datastore", "docvar", "fldinst", "filetbl", "fontemb", "formfield", "generator",
     "listtable", "listoverridetable", "latentstyles", "mmathPr", "nesttableprops", "objdata", "panose", "pgdsctbl",
     "pn", "private", "revtbl", "rsidtbl", "sn", "sp", "sv", "tc", "themedata", "ud", "userprops", "xe", "xmlnstbl",
     "bkmkstart", "bkmkend", "atnid", "atnauthor", "atndate", "atnref", "atrfstart", "atrfend", "colorschememapping",
     "shppict", "nonshppict", "background", "do")
)  # fmt: skip
_HEADS = frozenset(("header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"))
_STARRED = frozenset(("annotation", "footnote", "shpinst", "shptxt", "listtext", "pntext", *_HEADS))
_SIGNS = {"tab": "\t", "line": "\n", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•",
          "endash": "–", "emdash": "—", "emspace": " ", "enspace": " ", "qmspace": " "}  # fmt: skip
_RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_CHARSETS = {0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253",
             162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
             238: "cp1250"}  # fmt: skip
_HEADING_STYLE = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|nagłówek)\s*(\d)", re.IGNORECASE)
_MARK_BEFORE = re.compile(r"(?:\[(\d{1,3})\]|([⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}))\s*$")
_MARK_AT_START = re.compile(r"(?:\[\d{1,3}\]|[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})[.)]?\s*")
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_DEEPEST = 500


@dataclass(frozen=True, slots=True)
class _State:
    """What holds within a group: where its characters go, and how they look."""

    goes_to: str = "text"
    encoding: str = "cp1252"
    shift: int = 0
    hidden: bool = False
    skip_after_unicode: int = 1


@dataclass(slots=True)
class _Paragraph:
    """What is known of the paragraph that is being read."""

    level: int = 0
    depth: int = 1
    in_table: bool = False
    label: str = ""


@dataclass(slots=True)
class _Reader:
    """What was read so far of one file."""

    encoding: str = "cp1252"
    fonts: dict[int, str] = field(default_factory=dict)
    headings: dict[int, int] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)
    notes: list[Piece] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    title: str = ""
    pictures: int = 0
    paragraph: _Paragraph = field(default_factory=_Paragraph)
    texts: dict[str, list[str]] = field(default_factory=dict)
    rows: list[list[str]] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    next_merge: str = ""
    noted: int = 0

    def take(self, where: str) -> str:
        """The characters that went there since it was last asked."""
        return "".join(self.texts.pop(where, []))

    def end_paragraph(self) -> None:
        """The paragraph as a piece, or as a line of its cell."""
        text = self.take("text")
        found, self.paragraph = self.paragraph, replace(self.paragraph, label="")
        if found.in_table:
            self.texts["text"] = [text + "\n"] if text else []
            return
        self.end_table()
        words = "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()
        if not words:
            return
        if found.level:
            self.pieces.append(Piece(words, Kind.HEADING, min(found.level, 6)))
        elif found.label:
            number = found.label if any(map(str.isalnum, found.label)) else ""
            self.pieces.append(Piece(f"{number} {words}".strip(), Kind.LIST_ITEM, found.depth))
        else:
            self.pieces.append(Piece(words))

    def end_row(self) -> None:
        """The row with the cells that go on from above, or that the cell on their left takes in."""
        above = self.rows[-1] if self.rows else []
        row = []
        for n, cell in enumerate(self.cells):
            merge = self.merged[n] if n < len(self.merged) else ""
            row.append(above[n] if merge == "down" and n < len(above) and not cell else cell)
        self.rows.append(row)
        self.cells = []

    def end_table(self) -> None:
        """The rows so far as a table."""
        rows, self.rows = self.rows, []
        if self.cells:
            rows, self.cells = [*rows, self.cells], []
        width = max(map(len, rows), default=0)
        rows = [[*row, *[""] * (width - len(row))] for row in rows]
        if width == 1:
            self.pieces += [Piece(cell) for row in rows for cell in row]
        elif rows:
            named = all(rows[0][1:]) and not any(re.search(r"\d", cell) for cell in rows[0])
            self.pieces += table(rows, heads=int(named and (width > 2 or len(rows) > 3)))

    def mark_note(self) -> str:
        """The number of the note that begins, its mark in the text written as "[2]"."""
        text = "".join(self.texts.get("text", []))
        found = _MARK_BEFORE.search(text)
        number = (found[1] or found[2].translate(_PLAIN)) if found else str(self.noted + 1)
        self.texts["text"] = [f"{text[: found.start()] if found else text}[{number}]"]
        self.noted = max(self.noted, int(number))
        return number


def read_rtf(raw: bytes) -> Content:
    """The pieces of an RTF file, notes after the text; the title that it states.

    Raises Unreadable for what is no RTF.
    """
    if not raw.lstrip()[:6].startswith(b"{\\rtf"):
        raise Unreadable("no RTF: it does not begin with {\\rtf")
    reader = _read(raw)
    reader.end_paragraph()
    reader.end_table()
    heads = [Piece(text, Kind.FURNITURE) for text in dict.fromkeys(reader.heads)]
    remarks = [Piece(f"Comment: {text}", Kind.LIST_ITEM, 1) for text in reader.remarks]
    text, blocks, _ = laid_out([[*heads, *reader.pieces, *reader.notes, *remarks]])
    count = reader.pictures
    notices = (f"{count} picture{'s were' if count > 1 else ' was'} not read",) if count else ()
    return Content(text, title=one_line(reader.title), blocks=blocks, notices=notices)


class _Groups:
    """The groups that are open, and what holds in each."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader
        self.states = [_State()]
        self.skip = 0
        self.starred = False
        self._notes: dict[int, str] = {}

    def brace(self, brace: bytes) -> None:
        """A group begins or ends."""
        if brace == b"{":
            if len(self.states) > _DEEPEST:
                raise Unreadable("its groups are nested deeper than any document's")
            self.states.append(self.states[-1])
        elif len(self.states) > 1:
            state = self.states.pop()
            if state.goes_to != self.states[-1].goes_to:
                _close(self.reader, state.goes_to, self._notes.pop(len(self.states), ""))

    def word(self, word: str, value: int | None) -> None:
        """A control word."""
        state = self.states[-1]
        if word == "u" and value is not None:
            _write(self.reader, state, chr(value % 65536))
            self.skip = state.skip_after_unicode
            return
        self.states[-1] = _word(self.reader, state, word, value, starred=self.starred)
        if self.states[-1].goes_to == "note" != state.goes_to:
            self._notes[len(self.states) - 1] = self.reader.mark_note()

    def sign(self, sign: bytes) -> None:
        """A control sign: some are characters."""
        if sign not in b"*\r\n:|-":
            _write(self.reader, self.states[-1], {b"~": "\u00a0", b"_": "‑"}.get(sign, sign.decode("latin-1")))


def _read(raw: bytes) -> _Reader:
    reader = _Reader(headings=dict(heading_styles(raw)))
    groups = _Groups(reader)
    at = 0
    pending = b""
    while found := _TOKEN.match(raw, at):
        at = found.end()
        if found["code"] or found["text"]:
            pending += bytes([int(found["code"], 16)]) if found["code"] else found["text"]
            continue
        if pending:
            groups.skip = _put(reader, groups.states[-1], pending, groups.skip)
            pending = b""
        if found["sign"]:
            groups.starred = groups.starred or found["sign"] == b"*"
            groups.sign(found["sign"])
            continue
        if found["brace"]:
            groups.brace(found["brace"])
        elif found["word"]:
            value = int(found["number"]) if found["number"] else None
            at += max(value or 0, 0) if found["word"] == b"bin" else 0
            groups.word(found["word"].decode(), value)
        groups.starred = False
    if pending:
        _put(reader, groups.states[-1], pending, groups.skip)
    return reader


def _put(reader: _Reader, state: _State, raw: bytes, skip: int) -> int:
    """Writes bytes but for those that stand in for a character already written; how many of these are still to come."""
    kept = raw[skip:]
    if kept:
        _write(reader, state, kept.decode(state.encoding, "replace"))
    return max(skip - len(raw), 0)


def _write(reader: _Reader, state: _State, text: str) -> None:
    if not text or state.goes_to == "skip" or (state.hidden and state.goes_to != "title"):
        return
    if state.shift and text.strip():
        text = text.translate(_RAISED if state.shift > 0 else _LOWERED)
    reader.texts.setdefault(state.goes_to, []).append(text)


def _close(reader: _Reader, where: str, number: str) -> None:
    """The end of a group whose characters went somewhere else."""
    if where in ("skip", "font", "style", "info"):
        if where != "skip":
            reader.take(where)
        return
    text = " ".join(reader.take(where).encode("utf-16", "surrogatepass").decode("utf-16", "replace").split())
    if where == "title":
        reader.title = text
    elif where == "label":
        reader.paragraph.label = text or reader.paragraph.label
    elif where == "note" and text:
        reader.notes.append(Piece(f"[{number}] {_MARK_AT_START.sub('', text, count=1)}", Kind.FOOTNOTE))
    elif where == "head" and text:
        reader.heads.append(text)
    elif where == "remark" and text:
        reader.remarks.append(text)


_GROUPS = {"footnote": "note", "annotation": "remark", "info": "info", "listtext": "label", "pntext": "label",
           **dict.fromkeys(_HEADS, "head"), "fonttbl": "font", "stylesheet": "style"}  # fmt: skip


def _word(reader: _Reader, state: _State, word: str, value: int | None, *, starred: bool) -> _State:
    """What holds after a control word."""
    if state.goes_to == "skip":
        return state
    goes_to = _destination(state, word, starred=starred)
    if goes_to is not None:
        reader.pictures += word == "pict"
        return replace(state, goes_to=goes_to, shift=0)
    if state.goes_to in ("font", "style"):
        return _in_table_of(reader, state, word, value)
    if word in _LOOKS:
        return _LOOKS[word](state, value)
    if word in ("f", "ansicpg", "mac"):
        return replace(state, encoding=_encoding(reader, word, value))
    if word in _SIGNS:
        _write(reader, state, _SIGNS[word])
    elif word == "chftn" and state.goes_to == "text":
        reader.noted += 1
        _write(reader, replace(state, shift=0), f"[{reader.noted}]")
    elif state.goes_to == "text":
        _layout(reader, word, value)
    elif word == "par":
        _write(reader, state, " ")
    return state


def _destination(state: _State, word: str, *, starred: bool) -> str | None:
    """Where the characters of the group go that begins with this word; None where it begins none."""
    if word in _GROUPS:
        return _GROUPS[word]
    # Word writes a picture twice, for old readers and for new ones.
    if word in _SKIPPED or word == "pict" or (starred and word not in _STARRED):
        return state.goes_to if word == "shppict" else "skip"
    if state.goes_to == "info":
        return "title" if word == "title" else "skip"
    return None


def _encoding(reader: _Reader, word: str, value: int | None) -> str:
    """The encoding of the bytes after a word that says it, or after one that names a font."""
    if word == "f":
        return reader.fonts.get(value or 0, reader.encoding)
    reader.encoding = "mac_roman" if word == "mac" else _codec(f"cp{value}")
    return reader.encoding


_LOOKS: dict[str, Callable[[_State, int | None], _State]] = {
    "plain": lambda state, _: replace(state, shift=0, hidden=False),
    "super": lambda state, value: replace(state, shift=int(value != 0)),
    "up": lambda state, value: replace(state, shift=int(value != 0)),
    "sub": lambda state, value: replace(state, shift=-int(value != 0)),
    "dn": lambda state, value: replace(state, shift=-int(value != 0)),
    "nosupersub": lambda state, _: replace(state, shift=0),
    "v": lambda state, value: replace(state, hidden=value != 0),
    "deleted": lambda state, value: replace(state, hidden=value != 0),
    "uc": lambda state, value: replace(state, skip_after_unicode=max(value if value is not None else 1, 0)),
}


def _codec(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        return "cp1252"
    return name


def _in_table_of(reader: _Reader, state: _State, word: str, value: int | None) -> _State:
    """Fonts by number with their encodings, and styles that are headings by their names."""
    if state.goes_to == "font":
        if word == "f" and value is not None:
            reader.fonts[value] = reader.encoding
        elif word == "fcharset" and reader.fonts:
            reader.fonts[next(reversed(reader.fonts))] = _CHARSETS.get(value or 0, reader.encoding)
    elif word == "outlinelevel" and value is not None and value < 9 and reader.texts.get("number"):
        reader.headings[int(reader.texts["number"][-1])] = value + 1
    elif word == "s" and value is not None:
        reader.texts["number"] = [str(value)]
    return state


def _layout(reader: _Reader, word: str, value: int | None) -> None:
    """Control words of paragraphs and tables."""
    paragraph = reader.paragraph
    if word in ("par", "sect", "page"):
        reader.end_paragraph()
    elif word == "pard":
        reader.paragraph = _Paragraph(label=paragraph.label)
    elif word == "intbl":
        paragraph.in_table = True
    elif word == "outlinelevel" and value is not None:
        paragraph.level = value + 1 if value < 9 else 0
    elif word == "s" and value is not None:
        paragraph.level = reader.headings.get(value, 0)
    elif word == "ilvl" and value is not None:
        paragraph.depth = min(max(value, 0), 8) + 1
    else:
        _table_word(reader, word)


def _table_word(reader: _Reader, word: str) -> None:
    if word == "trowd":
        reader.merged, reader.next_merge = [], ""
    elif word in ("clmrg", "clvmrg"):
        reader.next_merge = "left" if word == "clmrg" else "down"
    elif word == "cellx":
        reader.merged.append(reader.next_merge)
        reader.next_merge = ""
    elif word in ("cell", "nestcell"):
        cell = " ".join(reader.take("text").split())
        if word == "cell":
            reader.cells.append(cell)
        elif cell:
            reader.texts["text"] = [cell + " "]
    elif word == "row":
        reader.end_row()


def heading_styles(raw: bytes) -> Sequence[tuple[int, int]]:
    """The numbers of styles that are headings by their names, and their levels."""
    found = re.search(rb"\{\\stylesheet(.{0,60000}?)\}\s*\}", raw, re.DOTALL)
    styles = re.findall(rb"\\s(\d+)[^{}]*?\s([^\\{};]+);", found[1]) if found else []
    return [
        (int(number), int(level[1]))
        for number, name in styles
        if (level := _HEADING_STYLE.search(name.decode("latin-1")))
    ]
