"""PDF, by PDFium: paragraphs, headings, tables, filled forms and remarks, each character's page kept.

a page's characters -> runs (runs.py) -> lines and tables in order (order.py), with what was added (marks.py)
-> running heads and notes apart (edges.py) -> pieces (pieces.py)
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.content import Block, Content, laid_out, one_line
from index.formats.pdf import ocr
from index.formats.pdf.edges import Note, page_titles, with_notes, without_running_heads
from index.formats.pdf.marks import marks_of, with_values
from index.formats.pdf.order import Aside, Line, Part, parts_of
from index.formats.pdf.pieces import Placed, cleaned, pieces_of, plain_title
from index.formats.pdf.runs import Page, page_of

if TYPE_CHECKING:
    import pypdfium2

_NO_TITLE = re.compile(
    r"\(?(?:unspecified|untitled|anonymous)\)?|Microsoft Word - .*|.*\.(?:docx?|pdf|indd|qxd|tex|dvi)", re.I
)
# Pages that are named one by one in a notice.
_NAMED_PAGES = 12
# A page of a picture with no more letters than this, such as a scanner's stamp, is a picture.
_STAMP_LETTERS = 60
# Below the one title that a document may have.
_TITLE_LEVEL = 2
# For OCR a page is drawn at 200 dots an inch, and no larger than so many pixels.
_OCR_SCALE = 200 / 72
_OCR_PIXELS = 3500


def read_pdf(raw: bytes) -> Content:
    """The pieces of a PDF, with the place where each page begins; title, date and language as its info states them.

    Raises Unreadable for one that is encrypted, cut short, damaged, or has no text layer.
    """
    import pypdfium2

    _require_end(raw)
    try:
        document = pypdfium2.PdfDocument(raw)
        if document.get_formtype():
            document.init_forms()
        pages, notices = _pages(document)
        outline = _outline(document)
        stated = document.get_metadata_dict()
    except pypdfium2.PdfiumError as error:
        raise Unreadable(_why(str(error))) from error
    if not any(pages):
        raise Unreadable(
            f"{len(pages)} pages without a text layer: this is a scan, and needs OCR: pip install 'pilcrow[ocr]'"
        )
    text, blocks, starts = laid_out_pages(pages, outline)
    title = one_line(stated.get("Title"))
    return Content(
        text,
        title=None if title is None or _NO_TITLE.fullmatch(title) else title,
        date=_date(stated.get("CreationDate", "")),
        pages=starts,
        blocks=blocks,
        notices=tuple(notices),
    )


def _require_end(raw: bytes) -> None:
    """Raises Unreadable where objects follow the last end, or there is none: PDFium would read what is left.

    Bytes that are no objects may follow: mailers, servers and signers leave them.
    """
    end = raw.rfind(b"%%EOF")
    if end < 0 or re.search(rb"\d+ \d+ obj\b", raw[end:]):
        raise Unreadable("it has no end: the file was cut short, or is no PDF; get it again")


def _pages(document: "pypdfium2.PdfDocument") -> tuple[list[list[Part]], list[str]]:
    """What each page holds, in order, and what of the pages is not read, or was only read by OCR."""
    pages: list[list[Part]] = []
    pictures: list[int] = []
    spelled: list[int] = []
    hidden: list[int] = []
    files = _attached(document)
    for number in range(1, len(document) + 1):
        page = page_of(document, number)
        marks = marks_of(document, number, " ".join(run.text for run in page.runs))
        page = replace(page, runs=with_values(page.runs, marks.values))
        if page.hidden:
            hidden.append(number)
        if page.is_picture and sum(len(run.text) for run in page.runs) <= _STAMP_LETTERS:
            read = _by_ocr(document, page)
            (pictures if read is None else spelled).append(number)
            page = read or page
        pages.append([*parts_of(page), *(Aside(remark, number) for remark in marks.remarks)])
        files += marks.files
    return pages, list(_notices(pictures, spelled, hidden, files))


def _notices(pictures: Sequence[int], spelled: Sequence[int], hidden: Sequence[int], files: int) -> Iterator[str]:
    many = len(pictures) > 1
    if pictures:
        what = "are pictures and were not read" if many else "is a picture and was not read"
        yield f"{_named(pictures)} {what}; {_why_unread()}"
    if spelled:
        verb = "were" if len(spelled) > 1 else "was"
        yield f"{_named(spelled)} {verb} read by OCR: a letter or a digit may be wrong"
    if hidden:
        verb = "have" if len(hidden) > 1 else "has"
        yield f"{_named(hidden)} {verb} text that cannot be seen; it was left out"
    if files:
        yield f"{files} attached file{'s were' if files > 1 else ' was'} not read"


def _why_unread() -> str:
    return "reading took too long" if ocr.is_installed() else ocr.HINT


def _by_ocr(document: "pypdfium2.PdfDocument", page: Page) -> Page | None:
    """The page with what OCR reads on it, beside the text that it has; None where there is no OCR, or no time."""
    if not ocr.is_installed() or not ocr.has_time():
        return None
    drawn = document[page.number - 1]
    scale = min(_OCR_SCALE, _OCR_PIXELS / max(drawn.get_width(), drawn.get_height(), 1))
    picture = drawn.render(scale=scale).to_pil()
    drawn.close()
    shown = {run.text for run in page.runs}
    read = [replace(run, order=run.order + len(page.runs)) for run in ocr.runs_in(picture, scale=scale)]
    return replace(page, runs=[*page.runs, *(run for run in read if run.text not in shown)])


def _attached(document: "pypdfium2.PdfDocument") -> int:
    return max(int(document.count_attachments()), 0)


def _named(numbers: Sequence[int]) -> str:
    """ "page 3", or "pages 3, 7 and 9"."""
    if len(numbers) == 1:
        return f"page {numbers[0]}"
    shown = [str(number) for number in numbers[:_NAMED_PAGES]]
    more = len(numbers) - len(shown)
    return f"pages {', '.join(shown)} and {more} more" if more else f"pages {', '.join(shown[:-1])} and {shown[-1]}"


def laid_out_pages(
    pages: Sequence[Sequence[Part]], outline: Mapping[tuple[int, str], int]
) -> tuple[str, tuple[Block, ...], tuple[int, ...]]:
    """The text of what stands on the pages, its blocks, and where each page begins."""
    return _laid_out(cleaned(_placed(pages, outline)), len(pages))


def _placed(pages: Sequence[Sequence[Part]], outline: Mapping[tuple[int, str], int]) -> list[Placed]:
    """The pieces of all pages."""
    kept, heads = without_running_heads(pages)
    notes: list[Note] = []
    marked: list[list[Part]] = []
    for page in kept:
        running = [part for part in page if isinstance(part, Line) and part in heads]
        rest, found = with_notes([part for part in page if not (isinstance(part, Line) and part in heads)])
        marked.append([*running, *rest])
        notes += found
    titles = {(page, plain_title(words)): _TITLE_LEVEL for page, words in page_titles(kept, heads)}
    return pieces_of(marked, notes, heads, {**titles, **outline})


def _laid_out(placed: Sequence[Placed], count: int) -> tuple[str, tuple[Block, ...], tuple[int, ...]]:
    """The text, its blocks, and where each page begins: a page without text begins where the next one does."""
    text, blocks, _ = laid_out([[one.piece for one in placed]])
    first = {count + 1: len(text)}
    for one, block in zip(placed, blocks, strict=True):
        for offset, page in one.pages:
            first[page] = min(block.start + offset, first.get(page, len(text)))
    starts = [len(text)] * (count + 1)
    for number in range(count, 0, -1):
        starts[number - 1] = min(starts[number], first.get(number, len(text)))
    return text, blocks, tuple(starts[:count])


def _outline(document: "pypdfium2.PdfDocument") -> dict[tuple[int, str], int]:
    """(page, title) -> level of the headings that the file lists in its outline."""
    listed: dict[tuple[int, str], int] = {}
    for entry in document.get_toc(max_depth=6):
        place = entry.get_dest()
        title = plain_title(entry.get_title() or "")
        if place is not None and place.get_index() is not None and title:
            listed.setdefault((place.get_index() + 1, title), entry.level + 1)
    return listed


def _why(error: str) -> str:
    if "assword" in error or "ecurity" in error:
        return "it is encrypted; save a copy without a password and index that"
    return f"damaged, or no PDF ({error})"


def _date(stated: str) -> str | None:
    """The day of a PDF's date, "D:20210504120000+02'00'"; None where it is not one."""
    found = re.match(r"(?:D:)?(\d{4})(\d{2})(\d{2})", stated)
    return parse_date("-".join(found.groups())) if found else None
