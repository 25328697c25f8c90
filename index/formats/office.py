"""Word documents and slides, by python-docx and python-pptx.

Their XML is walked here, not read through those libraries' `text`, which leaves out what stands in tracked insertions,
content controls and text boxes.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import BadZipFile

from index.errors import Unreadable
from index.formats.archive import DAMAGED, open_archive
from index.formats.content import Content, joined, one_line, paged

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # the same again for old readers
_BREAKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-", f"{_A}br": "\n"}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_docx(raw: bytes) -> Content:
    """Paragraphs and table rows in order, footnotes and endnotes behind them; title and language as it states them.

    The date in its properties is when its file or its template was made, not when it was published.
    """
    import docx
    from docx.opc.exceptions import OpcError

    _require_archive(raw)
    try:
        document = docx.Document(BytesIO(raw))
        blocks = list(_blocks(document.element.body, _W, row=f"{_W}tr", cell=f"{_W}tc"))
        for part in document.part.package.iter_parts():
            if str(part.partname) in ("/word/footnotes.xml", "/word/endnotes.xml"):
                blocks += _blocks(_parsed(part.blob), _W, row=f"{_W}tr", cell=f"{_W}tc")
        properties = document.core_properties
        title, language = properties.title, properties.language
    except (OpcError, SyntaxError, AttributeError, IndexError, TypeError, *DAMAGED) as error:
        raise _damaged(error, "DOCX") from error
    return Content(joined(blocks), title=one_line(title), language=one_line(language))


def read_pptx(raw: bytes) -> Content:
    """The slides' texts and tables, each slide a page, its title first and its notes last."""
    import pptx
    from pptx.exc import PythonPptxError

    _require_archive(raw)
    try:
        slides = pptx.Presentation(BytesIO(raw))
        text, starts = paged([list(_slide_blocks(slide)) for slide in slides.slides])
        title, language = slides.core_properties.title, slides.core_properties.language
    except (PythonPptxError, SyntaxError, AttributeError, IndexError, TypeError, *DAMAGED) as error:
        raise _damaged(error, "PPTX") from error
    # The template that most libraries and some versions of the program start from states this.
    title = None if title == "PowerPoint Presentation" else one_line(title)
    return Content(text, title=title, language=one_line(language), pages=starts)


def _require_archive(raw: bytes) -> None:
    if raw.startswith(_OLD_OFFICE):
        raise Unreadable("it is encrypted, or of the format before 2007; save it without a password in today's format")
    with open_archive(raw) as archive:
        for member in archive.infolist():
            if member.filename.endswith((".xml", ".rels")):
                _refuse_entities(archive, member)


def _refuse_entities(archive: Any, member: Any) -> None:
    """No office document declares entities; one that does is made to blow up in its reader."""
    try:
        with archive.open(member) as part:
            head = part.read(4096)
    except DAMAGED as error:
        raise Unreadable(f"damaged, or cut short ({error})") from error
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise Unreadable(
            f"'{member.filename}' in it declares XML entities, which no such document does; it was not opened"
        )


def _damaged(error: BaseException, name: str) -> Unreadable:
    what = "cut short" if isinstance(error, BadZipFile | EOFError) else "no whole " + name
    return Unreadable(f"damaged: {what} ({' '.join(str(error).split())[:200] or type(error).__name__})")


def _parsed(blob: bytes) -> Any:
    from lxml import etree

    return etree.fromstring(blob, etree.XMLParser(resolve_entities=False, no_network=True))


def _slide_blocks(slide: Any) -> Iterator[str]:
    title = slide.shapes.title
    if title is not None:
        yield from _blocks(title._element, _A)
    for shape in slide.shapes:
        if title is None or shape.shape_id != title.shape_id:
            yield from _blocks(shape._element, _A, row=f"{_A}tr", cell=f"{_A}tc")
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield from _blocks(slide.notes_slide.notes_text_frame._element, _A)


def _blocks(element: Any, namespace: str, *, row: str = "", cell: str = "") -> Iterator[str]:
    """The texts of the paragraphs under an element, in order; a table's row is one, its cells parted by a bar."""
    for child in element:
        if child.tag == _FALLBACK:
            continue
        if child.tag == row:
            cells = (" ".join(" ".join(_blocks(part, namespace)).split()) for part in child.iter(cell))
            yield " | ".join(words for words in cells if words)
        elif child.tag == f"{namespace}p":
            yield "".join(_runs(child, namespace))
            for boxed in _boxes(child, namespace):
                yield from _blocks(boxed, namespace, row=row, cell=cell)
        else:
            yield from _blocks(child, namespace, row=row, cell=cell)


def _runs(paragraph: Any, namespace: str) -> Iterator[str]:
    """The pieces of a paragraph's own text, without the paragraphs in text boxes that hang on it."""
    for child in paragraph:
        if child.tag == f"{namespace}t":
            yield child.text or ""
        elif child.tag in _BREAKS:
            yield _BREAKS[child.tag]
        elif child.tag not in (f"{namespace}p", f"{namespace}pPr", f"{namespace}txbxContent", _FALLBACK):
            yield from _runs(child, namespace)


def _boxes(element: Any, namespace: str) -> Iterator[Any]:
    for child in element:
        if child.tag == f"{namespace}txbxContent":
            yield child
        elif child.tag != _FALLBACK:
            yield from _boxes(child, namespace)
