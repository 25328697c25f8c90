"""EPUB: the chapters of a book in the order of its spine, read from the zip and its XHTML.

ebooklib would do it, but is under the AGPL.
"""

import re
from collections.abc import Iterator
from posixpath import basename, dirname, join, normpath
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.archive import DAMAGED, open_archive
from index.formats.content import Content, Piece, laid_out, one_line
from index.formats.html.markup import tree_pieces

_ENDINGS = (".xhtml", ".html", ".htm")
# Books have a cover and a page or two that are only pictures.
_COVERS = 3
_ENCODING = re.compile(rb"(?:encoding|charset)\s*=\s*[\"']?([\w-]{3,20})")
_CHAPTERS = ("application/xhtml+xml", "text/html", "application/xml", "text/xml")
# Fonts are scrambled in many books that anybody can read; anything else that is encrypted is not for us.
_SCRAMBLED_FONTS = (b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC")

_DECLARATIONS = re.compile(rb"<!DOCTYPE[^\[>]*\[.*?\]\s*>", re.DOTALL)


def read_epub(raw: bytes) -> Content:
    """All chapters' blocks, without the table of contents; title, date, publisher and language as its package states.

    A chapter that is missing or damaged is left out and told. Raises Unreadable for a damaged or protected book.
    """
    from lxml import etree

    with open_archive(raw) as archive:
        try:
            package_path = _package_path(archive)
            package = _parsed(archive.read(package_path))
            _require_open(archive)
        except (etree.LxmlError, *DAMAGED) as error:
            raise _damaged(error) from error
        names, pictures = _spine(package, dirname(package_path))
        chapters: list[list[Piece]] = []
        lost: dict[str, Exception] = {}
        for name in names:
            try:
                chapters.append(_chapter(archive, name))
            except (etree.LxmlError, *DAMAGED) as error:
                lost[name] = error
    if lost and not any(chapters):
        raise _damaged(next(iter(lost.values())))
    text, blocks, _ = laid_out([[piece for chapter in chapters for piece in chapter]])
    return Content(
        text,
        title=_stated(package, "title"),
        date=parse_date(_stated(package, "date")),
        publisher=_stated(package, "publisher"),
        language=_stated(package, "language"),
        blocks=blocks,
        notices=tuple(_notices(list(lost), len(names), pictures + sum(not chapter for chapter in chapters))),
    )


def _notices(lost: list[str], count: int, pictures: int) -> Iterator[str]:
    if lost:
        names = ", ".join(basename(name) for name in lost[:5]) + (", ..." if len(lost) > 5 else "")
        lack = "is missing or damaged and was" if len(lost) == 1 else "are missing or damaged and were"
        yield f"{len(lost)} of {count} chapters {lack} not read ({names})"
    if pictures > _COVERS:
        yield f"{pictures} of its pages have no text, such as pictures, and were not read"


def _damaged(error: Exception) -> Unreadable:
    reason = " ".join(str(error).split())[:200]
    return Unreadable(f"damaged, or no whole EPUB ({reason or type(error).__name__})")


def _parsed(blob: bytes) -> Any:
    """An XML part; entities are neither fetched nor expanded."""
    from lxml import etree

    return etree.fromstring(blob, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def _package_path(archive: ZipFile) -> str:
    if "META-INF/container.xml" in archive.namelist():
        for found in _parsed(archive.read("META-INF/container.xml")).iter("{*}rootfile"):
            return normpath(unquote(str(found.get("full-path", ""))))
    for name in archive.namelist():  # the package itself says all that is needed
        if name.lower().endswith(".opf"):
            return name
    raise ValueError("META-INF/container.xml names no package")


def _require_open(archive: ZipFile) -> None:
    if "META-INF/encryption.xml" not in archive.namelist():
        return
    methods = [
        found.get("Algorithm", "").encode()
        for data in _parsed(archive.read("META-INF/encryption.xml")).iter("{*}EncryptedData")
        for found in data.iter("{*}EncryptionMethod")
    ]
    if any(method not in _SCRAMBLED_FONTS for method in methods):
        raise Unreadable("the book is protected (DRM); only its shop's programs can read it")


def _spine(package: Any, folder: str) -> tuple[list[str], int]:
    """The paths of the chapters in the order of reading, without the table of contents; and how many are pictures."""
    parts = {found.get("id"): found for found in package.iter("{*}item")}
    names: list[str] = []
    pictures = 0
    for reference in package.iter("{*}itemref"):
        found = parts.get(reference.get("idref"))
        path = unquote(found.get("href", "")) if found is not None else str(reference.get("idref", ""))
        if found is not None and "nav" in (found.get("properties") or "").split():
            continue
        if found is None or found.get("media-type") in _CHAPTERS or path.lower().endswith(_ENDINGS):
            names.append(normpath(join(folder, path)))
        else:
            pictures += 1
    return names, pictures


def _chapter(archive: ZipFile, path: str) -> list[Piece]:
    from lxml import etree, html

    raw = _member(archive, path)
    try:
        tree = _parsed(raw)
    except etree.XMLSyntaxError:  # many books are no well-formed XHTML, and browsers don't mind
        encoding = _ENCODING.search(raw[:1024])
        raw = _DECLARATIONS.sub(b"", raw, count=1).strip()
        named = encoding[1].decode("ascii") if encoding else "utf-8"
        try:
            parser = html.HTMLParser(encoding=named, huge_tree=True)
        except LookupError:
            parser = html.HTMLParser(encoding="utf-8", huge_tree=True)
        tree = html.document_fromstring(raw, parser=parser) if raw else None
    return tree_pieces(tree) if tree is not None else []


def _member(archive: ZipFile, path: str) -> bytes:
    """A part by its name, or by one that differs in letter case only, as packed on a system that does not mind."""
    try:
        return archive.read(path)
    except KeyError:
        for name in archive.namelist():
            if name.lower() == path.lower():
                return archive.read(name)
        raise


def _stated(package: Any, name: str) -> str | None:
    """The first element of Dublin Core of that name that holds any words."""
    for found in package.iter("{http://purl.org/dc/elements/1.1/}" + name):
        if words := one_line("".join(found.itertext())):
            return words
    return None
