"""The numbers that Word shows before headings and items and writes nowhere: "2.1", "(a)", "Article IV".

Counts as Word does: lists that share a definition go on counting, a level begins again below a higher one, a list that
overrides a start begins there once.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from index.formats.counting import written
from index.formats.letters import symbol
from index.formats.office.ooxml.package import is_on
from index.formats.office.ooxml.styles import VAL, Numbered, W, first, number, value

_PLACE = re.compile(r"%([1-9])")
_LEVELS = 9


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list is numbered; restart: the level, from 1, whose next number begins this one again."""

    start: int
    form: str
    text: str
    style: str | None
    restart: int | None
    is_legal: bool


@dataclass(slots=True)
class _List:
    definition: str
    levels: dict[int, Level]
    starts: dict[int, int]
    begun: set[int] = field(default_factory=set)


class Numbering:
    """The lists of a document, and how far each is counted."""

    def __init__(self, tree: Any) -> None:
        found = list(tree) if tree is not None else []
        definitions = {item.get(f"{W}abstractNumId", ""): item for item in found if item.tag == f"{W}abstractNum"}
        styled = {value(item, "styleLink"): name for name, item in definitions.items()}
        self._lists: dict[int, _List] = {}
        for item in found:
            list_id = item.get(f"{W}numId", "")
            if item.tag != f"{W}num" or not list_id.isdecimal():
                continue
            name = value(item, "abstractNumId") or ""
            name = styled.get(value(definitions.get(name), "numStyleLink") or "", name)
            self._lists[int(list_id)] = _list(name, definitions.get(name), item)
        self._counts: dict[str, dict[int, int]] = {}

    def is_item(self, numbered: Numbered) -> bool:
        """Whether this is of a list that is there; list 0 is none."""
        return numbered.list_id in self._lists

    def level(self, numbered: Numbered, styles: list[str]) -> int:
        """The level, from 0: the stated one, else the one that a level of the list has for one of the styles."""
        if numbered.level is not None:
            return max(0, min(numbered.level, _LEVELS - 1))
        levels = self._lists[numbered.list_id or 0].levels
        return next((at for style in styles for at, level in levels.items() if level.style == style), 0)

    def next(self, list_id: int, at: int) -> str:
        """The number that the next item of a list shows at a level; "" for a bullet."""
        items = self._lists[list_id]
        counts = self._counts.setdefault(items.definition, {})
        level = items.levels.get(at)
        if at in items.starts and at not in items.begun:
            items.begun.add(at)
            counts[at] = items.starts[at]
        else:
            counts[at] = counts[at] + 1 if at in counts else level.start if level else 1
        for below in [deeper for deeper in counts if deeper > at]:
            restart = items.levels[below].restart if below in items.levels else None
            if restart is None or at < restart:
                del counts[below]
        if level is None or (level.form in ("bullet", "none") and "%" not in level.text):
            return ""
        return _PLACE.sub(lambda found: self._part(items, counts, level, int(found[1]) - 1), level.text).strip()

    @staticmethod
    def _part(items: _List, counts: dict[int, int], level: Level, at: int) -> str:
        part = items.levels.get(at)
        count = counts.setdefault(at, items.starts.get(at, part.start if part else 1))
        return written(count, "decimal" if level.is_legal or part is None else part.form)


def _list(name: str, definition: Any, item: Any) -> _List:
    levels = {at: _level(found) for found in _children(definition, "lvl") if (at := _at(found)) is not None}
    starts = {}
    for override in _children(item, "lvlOverride"):
        at = _at(override)
        if at is None:
            continue
        if (own := first(override, "lvl")) is not None:
            levels[at] = _level(own)
        start = number(override, "startOverride")
        if start is not None:
            starts[at] = start
    return _List(name, levels, starts)


def _children(element: Any, name: str) -> list[Any]:
    return element.findall(f"{W}{name}") if element is not None else []


def _at(element: Any) -> int | None:
    at = element.get(f"{W}ilvl", "")
    return int(at) if at.isdecimal() and int(at) < _LEVELS else None


def _level(element: Any) -> Level:
    start = number(element, "start")
    font = first(element, "rPr", "rFonts")
    shown = value(element, "lvlText") or ""
    names = {font.get(f"{W}{kind}", "") for kind in ("ascii", "hAnsi")} if font is not None else set()
    if len(shown) == 1 and ord(shown) >= 0xE000:
        shown = next((char for name in names if (char := symbol(name, ord(shown)))), "•")
    return Level(
        start=0 if start is None else start,
        form=value(element, "numFmt") or "decimal",
        text=shown,
        style=value(element, "pStyle"),
        restart=number(element, "lvlRestart"),
        is_legal=is_on(first(element, "isLgl"), VAL),
    )
