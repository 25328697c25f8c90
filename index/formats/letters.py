"""Letters that a format writes in its own way: raised and lowered ones, marks of notes, fonts of symbols, break marks.

What is raised is not yet known to be an exponent or the mark of a note when it is read: a reader writes it with
`raised`, and `settled` decides when the whole document is there. Knows no format.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from index.formats.content import Piece
from index.paragraphs import Kind

# Around what is raised or lowered, until it is settled: private characters that no text has.
_UP, _DOWN, _END = "\U0010fff0", "\U0010fff1", "\U0010fff2"
_OPEN = re.compile(f"[{_UP}{_DOWN}{_END}]")
_SHIFTED = re.compile(f"([{_UP}{_DOWN}])([^{_UP}{_DOWN}{_END}]*){_END}")
_RAISED = re.compile(f"{_UP}([^{_UP}{_DOWN}{_END}]*){_END}")
# Two runs of raised letters that follow each other are one: programs part them for reasons of their own.
_SEAM = re.compile(f"(?<={_END})(?:{_UP}|{_DOWN})")

_SUPERSCRIPTS = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_SUBSCRIPTS = str.maketrans("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
# Raised, but no power: 19th, 2e, 1er, n°, Mme, and signs that stand high by themselves.
_HIGH_WORDS = frozenset(
    ["st", "nd", "rd", "th", "er", "re", "e", "ère", "ème", "me", "mes", "o", "a", "os", "as", "le", "lle"]
)
_HIGH_SIGNS = re.compile(r"[*†‡§¶°ºª™®©′″'’\s,;.]+")
_MARKS = re.compile(r"\d{1,3}(?:\s*[,;]\s*\d{1,3})*")
_SMALL_POWER = re.compile(r"\d{1,3}")

_BREAK_MARKS = re.compile("[\u00ad\u200b\u2060\ufeff]")


def without_break_marks(text: str) -> str:
    """The text without the characters that only say where a line may or may not be broken, which nobody sees."""
    return _BREAK_MARKS.sub("", text)


def raised(text: str) -> str:
    """Raised letters as a reader writes them; `settled` or `superscript` makes of them what is read."""
    return f"{_UP}{text}{_END}" if text.strip() else text


def lowered(text: str) -> str:
    """Lowered letters, likewise."""
    return f"{_DOWN}{text}{_END}" if text.strip() else text


def superscript(text: str) -> str:
    """Raised letters in a line: "⁶" where Unicode has them, "^x" where not; what is no power as it is ("th", "*")."""
    words = text.strip()
    if words.lower() in _HIGH_WORDS or _HIGH_SIGNS.fullmatch(words):
        return text
    if words in ("TM", "SM"):
        return "™" if words == "TM" else "℠"
    if _MARKS.fullmatch(words) or all(ord(char) in _SUPERSCRIPTS for char in words):
        return text.translate(_SUPERSCRIPTS)
    return "^" + (words if re.fullmatch(r"\w+(\.\w+)?", words) else f"({words})")


def subscript(text: str) -> str:
    """Lowered letters in a line: "₂" where Unicode has them, "_x" where not."""
    words = text.strip()
    if all(ord(char) in _SUBSCRIPTS for char in words):
        return text.translate(_SUBSCRIPTS)
    return "_" + (words if re.fullmatch(r"\w+", words) else f"({words})")


def settled(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with each raised number as a power ("10⁶") or as the mark of a note ("45[2]", "[2] Preliminary").

    It is a mark where a later piece begins with that number as a note does, and what stands before it is no unit and no
    ten.
    """
    joined = [replace(piece, text=_joined(piece.text)) for piece in pieces]
    notes = {mark: place for place, piece in enumerate(joined) if (mark := _note(piece))}
    return [_settled(piece, {mark for mark, at in notes.items() if at >= place}) for place, piece in enumerate(joined)]


def settled_text(text: str) -> str:
    """A text by itself: what is raised is a power."""
    return _OPEN.sub("", _SHIFTED.sub(_shifted, _joined(text)))


def _joined(text: str) -> str:
    return text.replace(_END + _UP, "").replace(_END + _DOWN, "")


def _shifted(found: re.Match[str]) -> str:
    return superscript(found[2]) if found[1] == _UP else subscript(found[2])


_RAISED_NOTE = re.compile(f"{_UP}\\s*(\\d{{1,3}}){_END}[.)]?\\s*\\w")
_PLAIN_NOTE = re.compile(r"(\d{1,3})[.)]?\s+[^\W\d_]")


def _note(piece: Piece) -> str | None:
    """The mark that a piece begins with, where it may be a note."""
    if found := _RAISED_NOTE.match(piece.text):
        return found[1]
    found = _PLAIN_NOTE.match(piece.text) if piece.kind in (Kind.BODY, Kind.FOOTNOTE) else None
    return found[1] if found and len(piece.text) <= 400 else None


def _settled(piece: Piece, marks: set[str]) -> Piece:
    if not _OPEN.search(piece.text):
        return piece
    note = _RAISED_NOTE.match(piece.text)

    def shifted(found: re.Match[str]) -> str:
        numbers = re.findall(r"\d+", found[2]) if found[1] == _UP and _MARKS.fullmatch(found[2].strip()) else []
        if numbers and marks.issuperset(numbers) and (found.start() == 0 or not _has_powers(piece.text, found.start())):
            return "".join(f"[{number}]" for number in numbers)
        return _shifted(found)

    text = _OPEN.sub("", _SHIFTED.sub(shifted, piece.text))
    is_note = note is not None and piece.kind is Kind.BODY and text.startswith(f"[{note[1]}]")
    if is_note:
        text = re.sub(r"^(\[\d+\])[.)]?\s*", r"\1 ", text)
    return replace(piece, text=text, kind=Kind.FOOTNOTE if is_note else piece.kind)


_UNITS = re.compile(r"(?:^|[^\w])(?:[a-zµ]?m|[a-z]?s|ft|in|yd|mi|km|[a-z]|[A-Z]|10)\s?$")


def _has_powers(text: str, end: int) -> bool:
    """Whether what stands before this place is raised to powers: a unit of length or time, a letter, or ten."""
    before = text[max(0, end - 12) : end]
    return bool(_UNITS.search(before) or before.endswith(")"))


_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ 〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
)
_FONTS: dict[str, dict[int, str]] = {
    "symbol": {
        **{0x20 + n: char for n, char in enumerate(_SYMBOL[0])},
        **{0xA0 + n: char for n, char in enumerate(_SYMBOL[1])},
    },
    "wingdings": {
        0x28: "☎", 0x2A: "✉", 0x4A: "☺", 0x4C: "☹", 0x6C: "●", 0x6E: "■", 0x6F: "☐", 0x71: "❑", 0x76: "❖", 0x9F: "•",
        0xA7: "▪", 0xA8: "☐", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xF0: "⇨", 0xFB: "✗",
        0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
    },
    "wingdings 2": {0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0x97: "•", 0xA3: "☐"},
    "wingdings 3": {0x67: "→", 0x7D: "►"},
}  # fmt: skip


def symbol(font: str, code: int) -> str | None:
    """The character that a font of symbols shows for a code (0xF0A3 or 0xA3 of Symbol: "≤"); None where unknown."""
    known = _FONTS.get(font.strip().lower())
    low = code - 0xF000 if 0xF000 <= code <= 0xF0FF else code
    if known is not None:
        return known.get(low)
    return None if 0xE000 <= code <= 0xF8FF or not 0x20 <= code <= 0x10FFFF else chr(code)


def is_symbol_font(font: str) -> bool:
    """Whether a font's letters are not what their codes say."""
    return font.strip().lower() in _FONTS
