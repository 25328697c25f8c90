"""The text that a reader sees of an HTML tree, block by block, of whatever it is: a page, a chapter, a mail."""

from collections.abc import Iterator
from typing import Any

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
