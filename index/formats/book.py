"""EPUB: the chapters of a book in the order of its spine, read from the zip and its XHTML.

ebooklib would do it, but is under the AGPL.
"""

import re
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.archive import DAMAGED, open_archive
from index.formats.content import Content, joined, one_line
from index.formats.page import visible_blocks

_CHAPTERS = ("application/xhtml+xml", "text/html", "application/xml", "text/xml")
# Fonts are scrambled in many books that anybody can read; anything else that is encrypted is not for us.
_SCRAMBLED_FONTS = (b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC")

_DECLARATIONS = re.compile(rb"<!DOCTYPE[^\[>]*\[.*?\]\s*>", re.DOTALL)


def read_epub(raw: bytes) -> Content:
    """All chapters' blocks, without the table of contents; title, date, publisher and language as its package states.

    Raises Unreadable for a book that is damaged or protected.
    """
    from lxml import etree

    with open_archive(raw) as archive:
        try:
            package_path = _package_path(archive)
            package = _parsed(archive.read(package_path))
            _require_open(archive)
            chapters = [_chapter(archive, path) for path in _spine(package, dirname(package_path))]
        except (etree.LxmlError, *DAMAGED) as error:
            reason = " ".join(str(error).split())[:200]
            raise Unreadable(f"damaged, or no whole EPUB ({reason or type(error).__name__})") from error
    return Content(
        joined(block for chapter in chapters for block in chapter),
        title=_stated(package, "title"),
        date=parse_date(_stated(package, "date")),
        publisher=_stated(package, "publisher"),
        language=_stated(package, "language"),
    )


def _parsed(blob: bytes) -> Any:
    """An XML part; entities are neither fetched nor expanded."""
    from lxml import etree

    return etree.fromstring(blob, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def _package_path(archive: ZipFile) -> str:
    container = _parsed(archive.read("META-INF/container.xml"))
    for found in container.iter("{*}rootfile"):
        return normpath(str(found.get("full-path", "")))
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


def _spine(package: Any, folder: str) -> list[str]:
    """The paths of the chapters in the order of reading, without the table of contents."""
    parts = {found.get("id"): found for found in package.iter("{*}item")}
    chapters = (parts.get(found.get("idref")) for found in package.iter("{*}itemref"))
    return [
        normpath(join(folder, unquote(found.get("href", ""))))
        for found in chapters
        if found is not None
        and found.get("media-type") in _CHAPTERS
        and "nav" not in (found.get("properties") or "").split()
    ]


def _chapter(archive: ZipFile, path: str) -> list[str]:
    from lxml import etree, html

    raw = archive.read(path)
    try:
        tree = _parsed(raw)
    except etree.XMLSyntaxError:  # many books are no well-formed XHTML, and browsers don't mind
        raw = _DECLARATIONS.sub(b"", raw, count=1).strip()
        tree = html.document_fromstring(raw, parser=html.HTMLParser(encoding="utf-8")) if raw else None
    return list(visible_blocks(tree)) if tree is not None else []


def _stated(package: Any, name: str) -> str | None:
    """The first element of Dublin Core of that name that holds any words."""
    for found in package.iter("{http://purl.org/dc/elements/1.1/}" + name):
        if words := one_line("".join(found.itertext())):
            return words
    return None
