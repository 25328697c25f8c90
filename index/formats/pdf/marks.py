"""What was added to a page of a PDF: the values of a form's fields, and remarks.

A value stands where its field is, as any other text of the page; a field's label is the text before it.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from index.formats.content import clean
from index.formats.pdf.runs import Box, Run

if TYPE_CHECKING:
    import pypdfium2

_NOTE, _FREE_TEXT, _LINK, _STAMP, _POPUP, _ATTACHMENT, _WIDGET = 1, 3, 2, 13, 16, 17, 20
_UNSEEN = 0x2 | 0x20  # flags of an annotation: hidden, and not for the screen
_BUTTON, _CHECK, _RADIO, _COMBO, _LIST, _TEXT = 1, 2, 3, 4, 5, 6
_PASSWORD = 1 << 13


@dataclass(frozen=True, slots=True)
class Marks:
    """values: one a filled field, at its place. remarks: what was written on the page, in order. files: attached."""

    values: Sequence[Run]
    remarks: Sequence[str]
    files: int


def marks_of(document: "pypdfium2.PdfDocument", number: int, shown: str) -> Marks:
    """The marks of a page, from 1; a remark that only repeats what is `shown` on the page is left out."""
    from pypdfium2 import raw

    page = document[number - 1]
    values: list[Run] = []
    remarks: list[str] = []
    files = 0
    try:
        for i in range(raw.FPDFPage_GetAnnotCount(page.raw)):
            found = raw.FPDFPage_GetAnnot(page.raw, i)
            if not found:
                continue
            try:
                kind = raw.FPDFAnnot_GetSubtype(found)
                if raw.FPDFAnnot_GetFlags(found) & _UNSEEN:
                    continue
                files += kind == _ATTACHMENT
                if kind == _WIDGET and document.formenv is not None:
                    values += _value(raw, document.formenv.raw, found)
                elif kind not in (_LINK, _POPUP, _WIDGET, _ATTACHMENT):
                    words = " ".join(clean(_string(raw.FPDFAnnot_GetStringValue, found, b"Contents")).split())
                    if words and words not in shown and words not in remarks:
                        remarks.append(words)
            finally:
                raw.FPDFPage_CloseAnnot(found)
    finally:
        page.close()
    return Marks(values, remarks, files)


def _string(ask: Callable[..., int], *of: Any) -> str:
    """What PDFium says as UTF-16, of any length."""
    from pypdfium2 import raw

    size = ask(*of, None, 0)
    if size < 4:
        return ""
    buffer = ctypes.create_string_buffer(size)
    ask(*of, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")


def _value(raw: Any, form: Any, field: Any) -> Iterator[Run]:
    """The value of a field, where it is shown; nothing for an empty one, a button or a password."""
    kind = raw.FPDFAnnot_GetFormFieldType(form, field)
    if kind in (_CHECK, _RADIO):
        text = "☑" if raw.FPDFAnnot_IsChecked(form, field) else "☐"
    elif kind in (_COMBO, _LIST, _TEXT) and not raw.FPDFAnnot_GetFormFieldFlags(form, field) & _PASSWORD:
        text = " ".join(clean(_string(raw.FPDFAnnot_GetFormFieldValue, form, field)).split())
    else:
        return
    rect = raw.FS_RECTF()
    if not text or not raw.FPDFAnnot_GetRect(field, rect):
        return
    named = " ".join(clean(_string(raw.FPDFAnnot_GetFormFieldAlternateName, form, field)).split())
    box = Box(rect.left, rect.bottom, rect.right, rect.top)
    size = min(max(0.6 * (box.top - box.bottom), 6.0), 12.0)
    yield Run(text, box, box.bottom + 0.3 * size, size, False, 0, label=named or None, is_value=True)


def with_values(runs: Sequence[Run], values: Sequence[Run]) -> list[Run]:
    """The runs with the values of fields among them: after its label where one stands before it or over it.

    A label ends in a colon, or is the only text on the field's left. A field without one has the name that its form
    tells who points at it; a box to tick goes before the words on its right.
    """
    result = list(runs)
    for value in values:
        at = _label(result, value)
        if at is None:
            words = f"{value.label.rstrip(':')}: {value.text}" if value.label else value.text
            result.append(replace(value, text=words, order=_order(result, value)))
            continue
        label = result[at]
        box = Box(min(label.box.left, value.box.left), label.box.bottom, max(label.box.right, value.box.right),
                  label.box.top)  # fmt: skip
        if label.box.left > value.box.left:  # a box to tick, before its words
            text = f"{value.text} {label.text}"
        elif value.text in "☑☐":
            text = f"{label.text.rstrip(':')}: {'yes' if value.text == '☑' else 'no'}"
        else:
            text = f"{label.text.rstrip(':')}: {value.text}"
        result[at] = replace(label, text=text, box=box, is_value=True)
    return result


def _label(runs: Sequence[Run], value: Run) -> int | None:
    """The place of the run that a field belongs to."""
    level = (value.box.bottom + value.box.top) / 2
    beside = [
        (i, run) for i, run in enumerate(runs) if not run.is_value and run.angle == 0
        and run.box.bottom - 2 <= level <= run.box.top + 2
    ]  # fmt: skip
    size = value.size
    before = [(value.box.left - run.box.right, i) for i, run in beside if -size <= value.box.left - run.box.right]
    after = [(run.box.left - value.box.right, i) for i, run in beside if -size <= run.box.left - value.box.right]
    if value.text in "☑☐" and after and min(after)[0] < 2 * size and not _asks(runs, before):
        return min(after)[1]
    if before and (_asks(runs, before) or len(beside) == 1):
        return min(before)[1]
    over = [
        (run.box.bottom - value.box.top, i) for i, run in enumerate(runs)
        if not run.is_value and run.angle == 0 and -2 <= run.box.bottom - value.box.top < 1.2 * size
        and abs(run.box.left - value.box.left) < 2 * size and len(run.text) < 60
    ]  # fmt: skip
    return min(over)[1] if over and not before else None


def _asks(runs: Sequence[Run], before: Sequence[tuple[float, int]]) -> bool:
    """Whether the nearest run before a field ends as a label does."""
    return bool(before) and runs[min(before)[1]].text.endswith((":", "?", "….", "___"))


def _order(runs: Sequence[Run], value: Run) -> int:
    """The place in the file's order of the run that stands nearest above a field."""
    above = [(run.box.bottom - value.box.bottom, run.order) for run in runs if run.box.bottom >= value.box.bottom - 2]
    return min(above)[1] if above else 0
