"""HTML pages and the XHTML inside books and mails.

A page is scraped: its article is found by trafilatura. A book's chapter or a mail is all its author's: every block of
it is kept.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.content import Content, joined, one_line
from index.formats.text import decode


def read_page(raw: bytes) -> Content:
    """The article in a page, by trafilatura, a blank line between its blocks; the metadata that the page states."""
    import trafilatura

    if b"\0" in raw[:4096] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("NUL characters in it: this looks like binary data, not a page")
    # Where the page names its encoding, the parser finds it; where it does not, it is read as any text is.
    tree = trafilatura.load_html(raw if _NAMES_ENCODING.search(raw[:2048]) else decode(raw))
    if tree is None:
        return Content(decode(raw) if b"<" not in raw else "")
    stated = _stated_in_page(tree)
    whole = joined(visible_blocks(tree))  # trafilatura changes the tree
    page = trafilatura.bare_extraction(tree, with_metadata=True, include_comments=False, favor_recall=True)
    if not isinstance(page, trafilatura.settings.Document):
        return replace(stated, text=whole)
    text = joined(_article_blocks(page.body)) or joined([page.text or ""]) or whole
    return replace(stated, text=text, title=one_line(page.title))


_NAMES_ENCODING = re.compile(rb"charset|encoding", re.IGNORECASE)
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

# Elements that stand by themselves on the screen; all others run on in the line.
_BLOCKS = frozenset(
    ("address", "article", "aside", "blockquote", "body", "br", "button", "caption", "center", "dd", "details",
     "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form",
     "h1", "h2", "h3", "h4", "h5", "h6",
     "header", "hr", "html", "iframe", "label", "legend", "li", "main", "menu", "nav", "ol", "option", "p", "pre",
     "section", "select", "summary", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "title", "tr", "ul",
     "video")
)  # fmt: skip
_UNSEEN = frozenset(("head", "script", "style", "noscript", "template", "svg", "math", "object", "datalist", "iframe"))


def visible_blocks(tree: Any) -> Iterator[str]:
    """All text of an HTML tree that a reader would see, block by block in order, white space folded.

    Nothing is judged: menus, forms and footers come along with the text.
    """
    from lxml import etree

    pieces: list[str] = []
    walk = etree.iterwalk(tree, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        name = element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
        if name in _BLOCKS and (words := " ".join("".join(pieces).split())):
            yield words
        if name in _BLOCKS:
            pieces.clear()
        if event == "start" and name in _UNSEEN:
            walk.skip_subtree()
        elif event == "start" and name:  # an entity that was not expanded is a node without a name
            pieces.append(element.text or "")
        if event != "start" and element is not tree:
            pieces.append(element.tail or "")
    if words := " ".join("".join(pieces).split()):
        yield words


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
