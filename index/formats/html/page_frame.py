"""What surrounds the content of an HTML page: menus, heads and feet, buttons, lists of links. Marked, not removed."""

import re
from collections.abc import Collection, Iterator, Sequence
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
# Lists of other articles have first lines and dates beside their links.
_LISTS_OF_LINKS = frozenset(("ul", "ol", "div", "section", "aside", "table"))
_TEASERS_SHARE = 0.6
# An article that is found has a paragraph of some length, and so many letters in all.
_OF_TEXT = frozenset(("p", "div", "li", "blockquote", "section", "td"))
_PARAGRAPH_LETTERS = 60
_ARTICLE_LETTERS = 300


def mark_frame(tree: Any, article: Collection[str] = ()) -> bool:
    """Renames in the tree what surrounds the content to `nav`, questions that open an answer to headings.

    article: the letters and digits of each block of the article that was found in the page, if one was; lists of links
    to others, with their pictures and first lines, surround it.
    Returns whether the page says itself what its content is.
    Signs that only link to their own heading, and what only a screen reader reads out, are taken out.
    """
    elements = [element for element in tree.iter() if isinstance(element.tag, str)]
    holding = _holding(elements, article)
    content = [element for element in elements if element.tag in _CONTENT or element.get("role") == "main"]
    content = [element for element in content if id(element) in holding] or content
    inside = {id(element) for found in content for element in found.iter()}
    around = {id(above) for found in content for above in found.iterancestors()}
    teasers = _teasers(tree) - holding if holding else set()
    for element in elements[1:]:
        is_inside = id(element) in inside
        if _is_taken_out(element):
            element.drop_tree()
        elif element.tag == "summary":
            element.tag = "h6"
        elif id(element) in around:
            continue
        elif (id(element) in teasers and not is_inside) or _is_frame(
            element, is_inside=is_inside, has_content=bool(content)
        ):
            _as_navigation(element)
    return bool(content)


def _holding(elements: Sequence[Any], article: Collection[str]) -> set[int]:
    """The elements that hold a paragraph of the article, where it is one of some length."""
    known = {block for block in article if len(block) >= _PARAGRAPH_LETTERS}
    if sum(map(len, known)) < _ARTICLE_LETTERS:
        return set()
    holding: set[int] = set()
    for element in elements:
        if element.tag in _OF_TEXT and compared("".join(element.itertext())) in known:
            holding |= {id(element), *(id(above) for above in element.iterancestors())}
    return holding


def compared(words: str) -> str:
    """A block as it is told from others: its first letters and digits."""
    return "".join(filter(str.isalnum, words))[:200]


def _teasers(tree: Any) -> set[int]:
    """The elements that are links for the most part: several of them, not into their own page."""
    counts: dict[int, tuple[int, int, int]] = {}  # letters, letters of links, links
    found: set[int] = set()
    for _, element in _ends(tree):
        if not isinstance(element.tag, str):
            continue
        letters = _letters(element.text) + sum(_letters(child.tail) for child in element)
        below = [counts.pop(id(child), (0, 0, 0)) for child in element]
        letters, linked, links = (sum(numbers) for numbers in zip((letters, 0, 0), *below, strict=True))
        if element.tag == "a" and (element.get("href") or "#")[0] != "#":
            linked, links = letters, 1
        counts[id(element)] = letters, linked, links
        if element.tag in _LISTS_OF_LINKS and links >= _MENU_LINKS and linked >= _TEASERS_SHARE * letters > 0:
            found.add(id(element))
    return found


def _ends(tree: Any) -> Iterator[tuple[str, Any]]:
    """Each element after all that it holds."""
    from lxml import etree

    yield from etree.iterwalk(tree, events=("end",))


def _letters(text: str | None) -> int:
    return len("".join((text or "").split()))


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
            r"h[1-6]|table|tr|td|th|tbody|thead|dl|dt|dd|aside|caption|figcaption|pre", part.tag
        ):
            part.tag = "div"
    element.tag = "nav"
