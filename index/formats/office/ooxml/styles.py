"""What the styles of a Word document say of its paragraphs and runs: hidden, raised, a heading, an item of a list."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from index.formats.office.ooxml.package import is_on

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
VAL = f"{W}val"


def first(element: Any, *path: str) -> Any:
    """The element at the end of a path of names of Word's own; None where there is none."""
    for name in path:
        element = element.find(f"{W}{name}") if element is not None else None
    return element


def value(element: Any, *path: str) -> str | None:
    """The `val` of the element at the end of a path."""
    found = first(element, *path)
    return None if found is None else str(found.get(VAL, "")) or None


def number(element: Any, *path: str) -> int | None:
    """The `val` of the element at the end of a path, as a number; None where it is none."""
    words = value(element, *path)
    return int(words) if words and words.lstrip("-").isdecimal() and len(words) < 10 else None


@dataclass(frozen=True, slots=True)
class Numbered:
    """Of which list a paragraph is, and at which level from 0; None where that is not said."""

    list_id: int | None
    level: int | None


class Styles:
    """The styles of a document by their ids; each says what it and those that it is based on say, itself first."""

    def __init__(self, tree: Any) -> None:
        found = tree.findall(f"{W}style") if tree is not None else []
        self._styles = {style.get(f"{W}styleId", ""): style for style in found}
        self._defaults = first(tree, "docDefaults", "rPrDefault", "rPr")
        self._chains: dict[str, list[Any]] = {}

    @cached_property
    def _normal(self) -> str | None:
        """The style of a paragraph that names none."""
        for name, style in self._styles.items():
            if style.get(f"{W}type") == "paragraph" and style.get(f"{W}default") in ("1", "true"):
                return str(name)
        return None

    def _chain(self, name: str | None) -> list[Any]:
        if name is None:
            return []
        if name not in self._chains:
            chain: list[Any] = []
            follow: str | None = name
            while follow is not None and (style := self._styles.get(follow)) is not None and style not in chain:
                chain.append(style)
                follow = value(style, "basedOn")
            self._chains[name] = chain
        return self._chains[name]

    def name(self, paragraph: Any) -> str:
        """The name of a paragraph's style in small letters: "heading 1", "title"; "" for none."""
        style = self._styles.get(value(paragraph, "pPr", "pStyle") or "")
        return (value(style, "name") or "").lower() if style is not None else ""

    def names(self, paragraph: Any) -> list[str]:
        """The names of a paragraph's style and of those that it is based on."""
        return [(value(style, "name") or "").lower() for style in self._chain(value(paragraph, "pPr", "pStyle"))]

    def heading(self, paragraph: Any) -> int:
        """The level of a heading, from 1; 0 for what is none."""
        own = number(paragraph, "pPr", "outlineLvl")
        if own is not None:
            return own + 1 if 0 <= own < 9 else 0
        for style in self._chain(value(paragraph, "pPr", "pStyle")):
            name = (value(style, "name") or "").lower()
            if name.startswith("heading ") and name[8:].isdecimal():
                return min(int(name[8:]), 9)
            level = number(style, "pPr", "outlineLvl")
            if level is not None:
                return level + 1 if 0 <= level < 9 else 0
        return 0

    def numbered(self, paragraph: Any) -> tuple[Numbered, list[str]]:
        """Of which list a paragraph is, by itself or by its style; and the ids of the styles, the nearest first."""
        own = first(paragraph, "pPr", "numPr")
        list_id, level = number(own, "numId"), number(own, "ilvl")
        chain = self._chain(value(paragraph, "pPr", "pStyle") or self._normal)
        for style in chain:
            if list_id is not None:
                break
            list_id = number(style, "pPr", "numPr", "numId")
            level = number(style, "pPr", "numPr", "ilvl") if level is None else level
        return Numbered(list_id, level), [style.get(f"{W}styleId", "") for style in chain]

    def hides(self, run: Any, paragraph: Any) -> bool:
        """Whether nobody sees a run: it says so, or one of its two styles does (both together show it again)."""
        own = first(run, "rPr", "vanish")
        if own is not None:
            return is_on(own, VAL)
        hidden = [self._switch(name) for name in (value(run, "rPr", "rStyle"), self._style_of(paragraph))]
        return hidden[0] != hidden[1] or is_on(first(self._defaults, "vanish"), VAL)

    def _style_of(self, paragraph: Any) -> str | None:
        return value(paragraph, "pPr", "pStyle") or self._normal

    def _switch(self, style: str | None) -> bool:
        found = (first(link, "rPr", "vanish") for link in self._chain(style))
        return is_on(next((switch for switch in found if switch is not None), None), VAL)

    def shift(self, run: Any, paragraph: Any) -> str:
        """ "superscript", "subscript" or "baseline"."""
        own = value(run, "rPr", "vertAlign")
        for style in (*self._chain(value(run, "rPr", "rStyle")), *self._chain(value(paragraph, "pPr", "pStyle"))):
            own = own or value(style, "rPr", "vertAlign")
        return own or "baseline"
