"""Equations of Office documents as one line of text: "x = (−b ± √(b² − 4ac))/(2a)"."""

from collections.abc import Callable, Mapping
from typing import Any

from index.formats.letters import subscript, superscript

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"


def equation(element: Any) -> str:
    """The equation under an `oMath` or `oMathPara` element."""
    return " ".join(_inside(element).split())


def _inside(element: Any) -> str:
    return "".join(_of(child) for child in element) if element is not None else ""


def _of(element: Any) -> str:
    if not isinstance(element.tag, str):
        return ""
    if element.tag == f"{M}t":
        return element.text or ""
    namespace, _, name = element.tag.rpartition("}")
    if name.endswith("Pr") or name in ("del", "moveFrom", "delText", "instrText"):
        return ""
    shape = _SHAPES.get(name) if namespace + "}" == M else None
    return shape(element) if shape else _inside(element)


def _arm(element: Any, name: str) -> str:
    return " ".join(_inside(element.find(f"{M}{name}")).split())


def _value(element: Any, properties: str, name: str, default: str) -> str:
    found = element.find(f"{M}{properties}/{M}{name}")
    return default if found is None else found.get(f"{M}val") or ""


def _grouped(words: str) -> str:
    """In brackets, where it is more than one number, letter or word."""
    return words if words.isalnum() or len(words) <= 1 else f"({words})"


def _fraction(element: Any) -> str:
    return f"{_grouped(_arm(element, 'num'))}/{_grouped(_arm(element, 'den'))}"


def _power(base: str, below: str, above: str) -> str:
    return base + (subscript(below) if below else "") + (superscript(above) if above else "")


def _scripts(element: Any) -> str:
    return _power(_arm(element, "e"), _arm(element, "sub"), _arm(element, "sup"))


def _before(element: Any) -> str:
    return _power("", _arm(element, "sub"), _arm(element, "sup")) + _arm(element, "e")


def _root(element: Any) -> str:
    degree = _arm(element, "deg")
    return (superscript(degree) if degree else "") + "√" + _grouped(_arm(element, "e"))


def _large(element: Any) -> str:
    sign = _value(element, "naryPr", "chr", "∫") or "∫"
    return f"{_power(sign, _arm(element, 'sub'), _arm(element, 'sup'))} {_arm(element, 'e')}"


def _brackets(element: Any) -> str:
    parting = _value(element, "dPr", "sepChr", "|")
    arms = (" ".join(_inside(arm).split()) for arm in element.findall(f"{M}e"))
    return _value(element, "dPr", "begChr", "(") + parting.join(arms) + _value(element, "dPr", "endChr", ")")


def _function(element: Any) -> str:
    return f"{_arm(element, 'fName')} {_arm(element, 'e')}"


def _matrix(element: Any) -> str:
    rows = (
        ", ".join(" ".join(_inside(arm).split()) for arm in row.findall(f"{M}e")) for row in element.findall(f"{M}mr")
    )
    return "; ".join(rows)


def _lines(element: Any) -> str:
    return "; ".join(" ".join(_inside(arm).split()) for arm in element.findall(f"{M}e"))


def _limit_below(element: Any) -> str:
    return f"{_arm(element, 'e')}{subscript(_arm(element, 'lim'))}"


def _limit_above(element: Any) -> str:
    return f"{_arm(element, 'e')}{superscript(_arm(element, 'lim'))}"


def _accent(element: Any) -> str:
    sign = _value(element, "accPr", "chr", "\u0302")
    return _arm(element, "e") + (sign if len(sign) == 1 else "")


def _bar(element: Any) -> str:
    return _arm(element, "e") + "\u0305"


_SHAPES: Mapping[str, Callable[[Any], str]] = {
    "f": _fraction,
    "sSup": _scripts,
    "sSub": _scripts,
    "sSubSup": _scripts,
    "sPre": _before,
    "rad": _root,
    "nary": _large,
    "d": _brackets,
    "func": _function,
    "m": _matrix,
    "eqArr": _lines,
    "limLow": _limit_below,
    "limUpp": _limit_above,
    "acc": _accent,
    "bar": _bar,
}
