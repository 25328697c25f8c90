"""Word documents and slides: opened, their parts read by the folder ooxml, what they state of themselves."""

from typing import Any
from zipfile import BadZipFile

from index.errors import Unreadable
from index.formats.archive import DAMAGED, open_archive
from index.formats.content import Content, laid_out, one_line
from index.formats.office.ooxml.package import Package
from index.formats.office.ooxml.slides import slides_pieces
from index.formats.office.ooxml.word import word_pieces

_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_docx(raw: bytes) -> Content:
    """All that a document shows, notes, headers, footers and comments included; title and language as it states them.

    The date in its properties is when its file or its template was made, not when it was published.
    """
    with _opened(raw) as archive:
        package = Package(archive)
        try:
            pieces, title, notices = word_pieces(package, _main(package))
            stated = package.stated("title"), package.stated("language")
        except (SyntaxError, AttributeError, IndexError, TypeError, *DAMAGED) as error:
            raise _damaged(error, "DOCX") from error
    text, blocks, _ = laid_out([pieces])
    return Content(
        text, title=one_line(stated[0]) or title, language=one_line(stated[1]), blocks=blocks, notices=notices
    )


def read_pptx(raw: bytes) -> Content:
    """All that the slides show, each slide a page, its title first, its notes and comments last."""
    with _opened(raw) as archive:
        package = Package(archive)
        try:
            pages, notices = slides_pieces(package, _main(package))
            title, language = package.stated("title"), package.stated("language")
        except (SyntaxError, AttributeError, IndexError, TypeError, *DAMAGED) as error:
            raise _damaged(error, "PPTX") from error
    text, blocks, starts = laid_out(pages)
    # The template that most libraries and some versions of the program start from states this.
    title = None if title == "PowerPoint Presentation" else one_line(title)
    return Content(text, title=title, language=one_line(language), pages=starts, blocks=blocks, notices=notices)


def _main(package: Package) -> str:
    if package.document is None:
        raise ValueError("it names no main part")
    return package.document


def _opened(raw: bytes) -> Any:
    """The archive. No office document declares entities; one that does is made to blow up in its reader."""
    if raw.startswith(_OLD_OFFICE):
        raise Unreadable("it is encrypted, or of the format before 2007; save it without a password in today's format")
    archive = open_archive(raw)
    for member in archive.infolist():
        if member.filename.endswith((".xml", ".rels")):
            _refuse_entities(archive, member)
    return archive


def _refuse_entities(archive: Any, member: Any) -> None:
    try:
        with archive.open(member) as part:
            head = part.read(4096)
    except DAMAGED:
        return  # told where it is read, if it is
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise Unreadable(
            f"'{member.filename}' in it declares XML entities, which no such document does; it was not opened"
        )


def _damaged(error: BaseException, name: str) -> Unreadable:
    what = "cut short" if isinstance(error, BadZipFile | EOFError) else "no whole " + name
    return Unreadable(f"damaged: {what} ({' '.join(str(error).split())[:200] or type(error).__name__})")
