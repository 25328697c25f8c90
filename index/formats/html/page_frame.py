"""What surrounds the content of an HTML page: menus, heads and feet, buttons, lists of links. Marked, not removed."""

import re
from collections.abc import Iterator
from typing import Any

_FRAME_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "menu", "menubar", "toolbar", "tablist",
                          "dialog", "alertdialog"))  # fmt: skip
# Words of which a class or an id of a menu, a plea or a credit is made; whole words, as "related" is in "unrelated".
_FRAME_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|menu|breadcrumbs?|cookies?|consent|newsletter|subscribe|share|sharing|social|"
    r"site-header|site-footer|page-footer|footer|masthead|pagination|pager|skip-link|toolbar|login|signin|advert|ads?|"
    r"sponsored|promo|popup|modal|related-posts|recommended|comment-form|toc)(?=$|[\s_-])",
    re.IGNORECASE,
)
# What a stylesheet hides from the eye under names that everybody uses, for readers of the screen aloud.
_UNSEEN_NAMES = re.compile(r"(?:^|\s)(?:sr-only|visually-?hidden|screen-reader(?:-text)?|a11y-hidden)(?=$|\s)", re.I)
_NAMED_FRAMES = frozenset(("div", "aside", "section", "ul", "ol", "form", "p", "span"))
_CONTENT = frozenset(("main", "article"))
_OF_CONTENT = re.compile(r"h[1-6]|table|tr|td|th|tbody|thead|dl|dt|dd|aside|caption|pre")
# A list of so many links and little else is a menu where the page has its content elsewhere.
_MENU_LINKS = 3
_LINKED_SHARE = 0.85
_MENU_WORDS = 5


def mark_frame(tree: Any) -> bool:
    """Renames in the tree what surrounds the content to `nav`, questions that open an answer to headings.

    Returns whether the page says itself what its content is.
    Signs that only link to their own heading, and what only a screen reader reads out, are taken out.
    """
    elements = [element for element in tree.iter() if isinstance(element.tag, str)]
    content = [element for element in elements if element.tag in _CONTENT or element.get("role") == "main"]
    inside = {id(element) for found in content for element in found.iter()}
    around = {id(above) for found in content for above in found.iterancestors()}
    for element in elements[1:]:
        is_inside = id(element) in inside
        if _is_taken_out(element):
            element.drop_tree()
        elif element.tag == "summary":
            element.tag = "h6"
        elif id(element) not in around and _is_frame(element, is_inside=is_inside, has_content=bool(content)):
            _as_navigation(element)
    return bool(content)


def _is_taken_out(element: Any) -> bool:
    if element.getparent() is None:
        return False
    named = element.get("class") or ""
    if _UNSEEN_NAMES.search(named):
        return True
    words = "".join(element.itertext()).strip()
    return element.tag == "a" and words in ("¶", "#", "§", "") and (element.get("href") or "").startswith("#") and (
        not len(element)
    )  # fmt: skip


def _is_frame(element: Any, *, is_inside: bool, has_content: bool) -> bool:
    """Whether an element is a part of the page's frame and not of its content."""
    name = element.tag.lower()
    if name in ("html", "body", *_CONTENT):
        return False
    if name == "nav" or element.get("role") in _FRAME_ROLES:
        return True
    if name == "button":
        return not _opens_an_answer(element)
    called = f"{element.get('class') or ''} {element.get('id') or ''}"
    is_called = name in _NAMED_FRAMES and _FRAME_NAMES.search(called) is not None
    is_beside = not is_inside and not _holds_content(element)
    if name in ("header", "footer") or is_called:
        return is_beside or (is_called and _linked_share(element) > 0.5)
    is_menu = name in ("ul", "ol") and not is_inside and _is_menu(element)
    return (is_menu and (has_content or _words_each(element) <= _MENU_WORDS)) or (
        name == "aside" and has_content and not is_inside
    )


def _opens_an_answer(button: Any) -> bool:
    """Whether a button is the question of a list that folds: a heading, or one that says what it opens."""
    above = button.getparent()
    in_heading = above is not None and isinstance(above.tag, str) and re.fullmatch(r"h[1-6]|dt|summary", above.tag)
    words = "".join(button.itertext()).split()
    return bool(in_heading) or (button.get("aria-expanded") is not None and len(words) > 2)


def _holds_content(element: Any) -> bool:
    """Whether a head or foot of the page holds sentences beside links, as where a page is all in one `header`."""
    text = " ".join("".join(part.itertext()) for part in element.iter("p"))
    return len(text.split()) > 80


def _linked_share(element: Any) -> float:
    """Which share of an element's characters are links."""
    whole = len("".join("".join(element.itertext()).split()))
    linked = sum(len("".join("".join(link.itertext()).split())) for link in element.iter("a"))
    return linked / whole if whole else 0.0


def _is_menu(element: Any) -> bool:
    links = sum(1 for _ in element.iter("a"))
    return links >= _MENU_LINKS and _linked_share(element) >= _LINKED_SHARE


def _words_each(element: Any) -> float:
    items = list(_items(element))
    return sum(len("".join(item.itertext()).split()) for item in items) / max(len(items), 1)


def _items(element: Any) -> Iterator[Any]:
    yield from element.iter("li")


def _as_navigation(element: Any) -> None:
    """The element and all in it as the frame: no heading, table or term of it is one of the content."""
    for part in element.iter():
        if isinstance(part.tag, str) and re.fullmatch(
            r"h[1-6]|table|tr|td|th|tbody|thead|dl|dt|dd|aside|caption|pre", part.tag
        ):
            part.tag = "div"
    element.tag = "nav"
