"""HTML pages, as people save them: all that they show, as what it is, with what surrounds it marked as such.

The article is found by trafilatura; what it leaves out is still read: a table or a list of settings is content, too.
"""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.content import Content, Piece, laid_out, one_line
from index.formats.html.markup import tree_pieces
from index.formats.html.page_frame import compared, mark_frame
from index.formats.text import decode
from index.paragraphs import Kind


def read_page(raw: bytes) -> Content:
    """All that a page shows: its content, and marked as such what surrounds it; the metadata that the page states.

    Where a page does not say what its content is, and the article that trafilatura finds is most of it, paragraphs
    beside that surround it, too.
    """
    if b"\0" in raw[:4096] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("NUL characters in it: this looks like binary data, not a page")
    text = _decoded(raw)
    tree = _tree(text)
    if tree is None:
        return Content("")
    stated = _stated_in_page(tree)
    title, found = article_of(raw)
    article = {compared(block) for block in found}
    if mark_frame(tree, article):
        article = set()
    title = _headline(tree) or title
    pieces = [replace(piece, text=_in_lines(piece)) for piece in tree_pieces(tree)]
    pieces = _without_surroundings(pieces, article)
    text, blocks, _ = laid_out([pieces])
    return replace(stated, text=text, title=title, blocks=blocks)


def _decoded(raw: bytes) -> str:
    """The page's characters in the encoding that it names, as browsers take it; else as any text is read."""
    named = None if raw.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")) else _ENCODING.search(raw[:2048])
    if named is not None:
        name = named[1].decode("ascii").lower()
        with suppress(LookupError, UnicodeDecodeError):
            # The web's Latin-1 is Windows-1252.
            return raw.decode("cp1252" if name in ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii") else name)
    return decode(raw)


def _tree(text: str) -> Any | None:
    """The page as a tree; one that is only a part of a page, too. None where there is nothing in it."""
    from lxml import etree, html

    bare = _PROLOGUE.sub("", text.lstrip("\ufeff"))
    if not bare.strip():
        return None
    try:
        return html.document_fromstring(bare, parser=html.HTMLParser(encoding=None, recover=True))
    except (etree.ParserError, ValueError):
        return None


def article_of(raw: bytes) -> tuple[str | None, list[str]]:
    """A page's title, and the blocks of the article in it, by trafilatura; none where it finds no article."""
    import trafilatura

    tree = trafilatura.load_html(_PROLOGUE.sub("", _decoded(raw)))
    if tree is None:
        return None, []
    page = trafilatura.bare_extraction(tree, with_metadata=True, include_comments=False, favor_recall=True)
    if not isinstance(page, trafilatura.settings.Document):
        return None, []
    return one_line(page.title), _article_blocks(page.body)


def _in_lines(piece: Piece) -> str:
    """A piece's text, on one line where a line break parts no two sentences, as in an address or a poem."""
    return _BREAK_IN_SENTENCE.sub(" ", piece.text) if piece.kind is Kind.BODY else piece.text


def _headline(tree: Any) -> str | None:
    """The title that a page gives itself for others to show, or the one headline of it."""
    said = next((tag.get("content") for tag in tree.iter("meta") if tag.get("property") == "og:title"), None)
    heads = list(tree.iter("h1"))
    return one_line(said) or (one_line("".join(heads[0].itertext()).strip(" \n¶#")) if len(heads) == 1 else None)


def _without_surroundings(pieces: Sequence[Piece], article: set[str]) -> list[Piece]:
    """The pieces; where the article is most of the page's text, paragraphs before and after it are no part of it."""
    body = [piece.kind is Kind.BODY and compared(piece.text) in article for piece in pieces]
    letters = sum(len(piece.text) for piece in pieces if piece.kind is Kind.BODY)
    found = sum(len(piece.text) for piece, is_found in zip(pieces, body, strict=True) if is_found)
    if not any(body) or found < _ARTICLE_SHARE * letters:
        return list(pieces)
    first, last = body.index(True), len(body) - 1 - body[::-1].index(True)
    return [
        Piece(piece.text, Kind.FURNITURE) if piece.kind is Kind.BODY and not first <= n <= last and (
            len(piece.text) < _PARAGRAPH_LETTERS
        ) else piece
        for n, piece in enumerate(pieces)
    ]  # fmt: skip


# An article of less than this share of a page's text is not all that the page has to say.
_ARTICLE_SHARE = 0.6
# A longer paragraph is content wherever it stands.
_PARAGRAPH_LETTERS = 200
_BREAK_IN_SENTENCE = re.compile(r"\n(?=[a-zß-ÿ])")
_PROLOGUE = re.compile(r"\A\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]{2,30})", re.IGNORECASE)
_PAGE_DATES = (
    "article:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dcterms.created",
    "pubdate",
    "publishdate",
)


def _stated_in_page(tree: Any) -> Content:
    """What a page's meta tags and JSON-LD state, without its text: date of publication, site, address, language.

    trafilatura's own finder also guesses, from addresses and from the prose; what is unknown is null.
    """
    stated: dict[str, str] = {}
    for tag in tree.iter("meta"):
        key = (tag.get("property") or tag.get("name") or tag.get("itemprop") or "").lower()
        stated.setdefault(key, tag.get("content") or "")
    linked = _linked_article(tree)
    dates = [*(stated.get(key) for key in _PAGE_DATES), linked.get("datePublished")]
    address = next((tag.get("href") for tag in tree.iter("link") if tag.get("rel") == "canonical"), None)
    publisher = linked.get("publisher")
    return Content(
        "",
        date=next((date for value in dates if isinstance(value, str) and (date := parse_date(value))), None),
        publisher=one_line(stated.get("og:site_name"))
        or one_line(_text(publisher.get("name") if isinstance(publisher, dict) else publisher)),
        url=_address(stated.get("og:url")) or _address(address),
        language=one_line(tree.get("lang")),
    )


def _address(stated: str | None) -> str | None:
    return stated.strip() if stated and stated.strip().startswith(("http://", "https://")) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _linked_article(tree: Any) -> dict[str, object]:
    """The first object of the page's JSON-LD that is an article of some kind; empty where there is none.

    A list of other articles beside it states their dates, not this one's, so only objects at the head are looked at.
    """
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or ""):
            continue
        try:
            value = json.loads(script.text or "", strict=False)
        except (ValueError, RecursionError):
            continue
        graph = value.get("@graph", value) if isinstance(value, dict) else value
        for found in graph if isinstance(graph, list) else [graph]:
            if isinstance(found, dict) and _ARTICLE.search(str(found.get("@type"))):
                return found
    return {}


_ARTICLE = re.compile(r"Article|Posting|Report|Blog|Review|WebPage")

_ARTICLE_TAGS = frozenset(("p", "head", "item", "row", "quote", "code", "ab", "list", "table", "div", "body"))


def _article_blocks(body: Any) -> list[str]:
    """The texts of the blocks of trafilatura's tree, in order, white space folded; a list item and a row are blocks.

    A text that stands outside any block, or between two, is a block, too: nothing that was extracted is lost.
    """
    blocks: list[str] = []
    pieces: list[str] = []

    def flush() -> None:
        words = " ".join("".join(pieces).split())
        pieces.clear()
        if words:
            blocks.append(words)

    def walk(element: Any) -> None:
        if element.tag in _ARTICLE_TAGS:
            flush()
        if element.tag == "row":
            cells = (" ".join(" ".join(cell.itertext()).split()) for cell in element)
            pieces.append(" | ".join(cell for cell in cells if cell))
        else:
            pieces.append((" " if element.tag == "lb" else "") + (element.text or ""))
            for child in element:
                walk(child)
        if element.tag in _ARTICLE_TAGS:
            flush()
        pieces.append(element.tail or "")

    walk(body)
    flush()
    return blocks
