"""What speaks against a line of a text; what nothing speaks against is given back to the text.

The rules (rules.py) judge by shape, place and manner, for pages that a scraper flattened. In what was written as a text
the same shapes are content: "Close the valve." asks nobody for a click, a name at the end is no footer. There a line is
furniture only where it says itself that it is of a page, or stands beyond the text's ends among lines that do.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from index.cleaning.rules import ANCHOR_WORDS, Shape, bare_words, is_anchor, residue_of
from index.paragraphs import Kind

# Fewer lines of a page than this, and less than this share of a text's lines, do not make it one.
_PAGE_LINES = 3
_PAGE_SHARE = 0.05
# A flattened page has fewer blocks with marks or structure, and fewer sentences.
_STRUCTURED_SHARE = 0.1
_SENTENCES_SHARE = 0.7
# What has more of it was written so, with its headings, lists and code, whatever it asks for and links to.
_WRITTEN_SHARE = 0.25
_HEADING_WORDS = 8
_HEADLINE_WORDS = 20
_STATED = re.compile(
    r"(?:contacts?|e-?mail|support|registration|print|search|home|terms|register|copyright|privacy|accept)"
    r"\b[^:\n]{0,30}: +\S",
    re.IGNORECASE,
)
# What a page calls itself, or asks for; more surely than the words that the rules count.
_OF_A_PAGE = re.compile(
    r"\b(?:newsletters?|inbox|subscribe (?:to|now|for)|sign(?:ed)? (?:up|in)|cookies?|log ?in|read more|free trial|"
    r"moderat(?:e|ed|ing) all comments|this (?:article|story|web ?page|page|post|site|website)|full (?:article|story)|"
    r"privacy policy|"
    r"terms of (?:use|service)|an article|community of|"
    r"facebook|twitter|whatsapp|instagram|linkedin|rights reserved|unlimited access|ad ?-?blocker|paywall|"
    r"our (?:foreign staff|own staff|correspondents?|readers?|journalism|app|team|community|reporting|coverage|work|"
    r"series)|"
    r"your (?:e-?mail|inbox|browser|account|comment|name|password)|required fields|become a member|navigation)\b",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"\b(?:[Yy]ou|[Yy]ours?|us|[Oo]urs?|[Ww]e)\b")
_LINK = re.compile(r"\[[^\[\]]*\]\([^()]*\)")
# An item that names what it links to, elsewhere than in its own text; a picture that links is a badge.
_NAMED_LINK = re.compile(r"(?<!!)\[[^\[\]!]*\w[^\[\]]*\]\((?!#)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
# "run(a);" and "x = 1;" end so, and no clause of a law: "(1) The Mayor;".
_SCRIPT = re.compile(
    r"^(?:<?!--|/\*|\*/|<script|<style|[{}])|-->|\bfunction ?\(|[{}]$|\w\(.*\);$|\w ?=[^=].*;$|^\W+$", re.DOTALL
)
# Who wrote something and when, as pages say it beside their articles.
_SIGNED = re.compile(
    r"^(?:(?:written|edited|posted|published|(?:medically )?reviewed|(?:last )?updated) (?:by|on)\b[^.!?]{2,80}\b\d{4}|"
    r"[^.!?]{2,60}@\w+ */ *\d+ (?:minute|hour|day|week|month)s?(?: ago)?)$",
    re.IGNORECASE,
)
# "By the river" is no byline, "By the foreign desk" is one; what is marked as a heading is one where it has names or a
# date alone: "By Ann Example in Leeds", "Posted on 4 May 2021".
_PLACED = re.compile(
    r"(?:by|from) (?:the|an?) (?!.*\b(?:staff|writers?|agenc(?:y|ies)|correspondents?|reporters?|editors?|team|desk|"
    r"bureau|press|service)\b)[a-z]",
    re.IGNORECASE,
)
_NAMES_OR_DATE = re.compile(
    r"(?i:by|from) (?:(?i:our|the)\b.*|[A-Z][\w.'’-]*(?:,? (?:and |in |for |of |at |the )*[A-Z][\w.'’-]*)+)$|"
    r"(?i:published|updated|posted|last modified):?(?: (?i:on|at|by))? (?:\w+, )?(?:\d|[A-Z][a-z]{2,8}\.? \d)|"
    r"(?i:listen) \d"
)
# A label and a value: a number, or a name of a few words.
_FACT = re.compile(r"[^:\n]{2,40}: +(?:[^\n]*\d|[A-Z]\S*(?: [A-Z]\S*){0,3}$)")
# Pictures that link, and nothing else: "[![Build](x.svg)](https://y)".
_BADGES = re.compile(r"\s*(?:\[!\[[^\]]*\]\([^()]*\)\]\([^()]*\)\s*)+$")
_CLAUSE = re.compile(r"(?:§ ?\d|\((?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})\) +\S|\d{1,3}(?:\.\d{1,3})+\.? +\S)")
_ITEM = re.compile(rf"[ \t]*[-*+•] +\S|{_CLAUSE.pattern}")
_LABEL = re.compile(r"[^:\n\[]{2,40}: +\S")
_VALUE = re.compile(r"\d|: +\S|[.,;:]$")


def is_against(block: str, shape: Shape, *, is_item: bool = False, written: bool = False) -> bool:
    """Whether a block says itself that it is of a page: a plea, a menu, a byline, markup.

    written: the text has its structure. Then a menu has no items, a label before a link says something, and a line asks
    for something only where it names what pages ask about.
    """
    of_a_page = bool(_OF_A_PAGE.search(shape.text))
    if shape.plea and (of_a_page and not is_item if written else not _is_content(shape)):
        return True
    speaks = shape.addresses or (not shape.sentence and not written)
    if shape.words < ANCHOR_WORDS and speaks and of_a_page and not (written and is_item):
        return True
    if written and (_NAMED_LINK.search(block) if is_item else _LABEL.match(shape.text)):
        return False
    if "](" in block and len(_LINK.sub("", block).split()) < 4:
        return True
    rest = residue_of(block, bare_words(block), shape.words)
    if rest == "markup":
        plain = _TAG.sub(" ", block)
        return bool(_SCRIPT.search(plain.strip())) or (plain != block and len(plain.split()) < 4)
    is_byline = not _PLACED.match(shape.text) and (not shape.marked_heading or bool(_NAMES_OR_DATE.match(shape.text)))
    return rest == "menu" or (rest == "byline" and is_byline) or bool(_SIGNED.match(shape.text))


def is_written(blocks: Sequence[str], seen: Sequence[Kind | None], certain: int) -> bool:
    """Whether so much of a text shows structure that a person wrote it so; a scraper leaves none.

    seen: what the lines of a block show it to be, None where they don't; a clause shows its number. certain: how many
    paragraphs there are beside the blocks, all of which show what they are.
    """
    structured = sum(kind is not None or bool(_CLAUSE.match(block)) for block, kind in zip(blocks, seen, strict=True))
    return certain + structured >= _WRITTEN_SHARE * max(1, certain + len(seen))


def may_be_page(shapes: Sequence[Shape], seen: Sequence[Kind | None]) -> bool:
    """Whether a text of many short blocks may be a flattened page: its blocks ask, link and are left over from markup,
    or they are neither sentences nor show any structure, of which flattening leaves little or nothing."""
    if sum(shape.plea or shape.residue for shape in shapes) >= max(_PAGE_LINES, _PAGE_SHARE * len(shapes)):
        return True
    structured = sum(kind is not None for kind in seen)
    sentences = sum(shape.sentence for shape in shapes)
    return structured < _STRUCTURED_SHARE * len(shapes) and sentences < _SENTENCES_SHARE * len(shapes)


def given_back(
    blocks: Sequence[str],
    shapes: Sequence[Shape],
    kinds: Sequence[Kind],
    seen: Sequence[Kind | None],
    title: str | None,
    *,
    written: bool = False,
) -> list[Kind]:
    """The kinds of a text's blocks without the furniture that nothing speaks against.

    seen: what the lines of a block show it to be, None where they don't. In front of the first long sentence and behind
    the last one block of a page is enough to speak against all, unless the text was `written` with its structure.
    """
    # A line that leads to what stands below it is the text's own.
    against = [
        not (written and shape.text.endswith(":"))
        and is_against(block, shape, is_item=kind is Kind.LIST_ITEM or bool(_ITEM.match(block)), written=written)
        for block, shape, kind in zip(blocks, shapes, seen, strict=True)
    ]
    # What is marked as a heading and has a text of its own below it says what that is about, whatever its words are.
    for i, (above, below) in enumerate(pairwise(shapes)):
        if against[i] and above.marked_heading and (above.plea or _is_offer(above)) and is_anchor(below):
            against[i] = against[i + 1]
    anchors = [i for i, shape in enumerate(shapes) if is_anchor(shape)]
    first, last = (anchors[0], anchors[-1]) if anchors else (0, len(blocks) - 1)
    before, behind = any(against[:first]) and not written, any(against[last + 1 :]) and not written
    titled = _titled(shapes[:first], title)
    result = list(kinds)
    for i, kind in enumerate(kinds):
        beyond = (i < first and before) or (i > last and behind) or (titled is not None and i < titled)
        if _BADGES.match(blocks[i]):
            result[i] = Kind.FURNITURE
        elif kind is Kind.FURNITURE and not (against[i] or beyond):
            result[i] = Kind.BODY if shapes[i].sentence else _line_kind(i, shapes, seen)
        elif kind is Kind.HEADING and i > first and not shapes[i].marked_heading and _says_more(shapes[i].text):
            result[i] = Kind.BODY
    if titled is None and not before:
        _take_first_for_headline(result, shapes, seen, first)
    return result


def _is_offer(shape: Shape) -> bool:
    return shape.residue is None and bool(_OF_A_PAGE.search(shape.text))


def _titled(shapes: Sequence[Shape], title: str | None) -> int | None:
    """Which of the blocks repeats the title."""
    known = " ".join((title or "").split()).casefold()
    same = (i for i, shape in enumerate(shapes) if known and " ".join(shape.text.split()).casefold() == known)
    return next(same, None)


def _says_more(words: str) -> bool:
    """Whether a line that looks like a heading states a fact, leads to what is below, or holds markup."""
    return bool(_FACT.search(words) or _TAG.search(words)) or words.endswith(":")


def _take_first_for_headline(
    kinds: list[Kind], shapes: Sequence[Shape], seen: Sequence[Kind | None], first: int
) -> None:
    """The first line above the first long sentence is the headline, and no other that is not marked as one."""
    lines = [
        i
        for i in range(first)
        if seen[i] in (None, Kind.HEADING) and not shapes[i].sentence and shapes[i].words <= _HEADLINE_WORDS
        and kinds[i] in (Kind.HEADING, Kind.BODY)
    ]  # fmt: skip
    if not lines or any(seen[i] is None and kinds[i] is Kind.BODY for i in range(lines[0])):
        return
    for i in lines:
        if kinds[i] is Kind.HEADING and not shapes[i].marked_heading:
            kinds[i] = _line_kind(i, shapes, seen)
    kinds[lines[0]] = Kind.HEADING


def _line_kind(i: int, shapes: Sequence[Shape], seen: Sequence[Kind | None]) -> Kind:
    """Of a line that is no sentence: a heading where it is short, states nothing, and stands alone above a text or a
    list; else body."""
    shape = shapes[i]
    if shape.marked_heading:
        return Kind.HEADING
    if shape.words > _HEADING_WORDS or _VALUE.search(shape.text) or _says_more(shape.text):
        return Kind.BODY
    if i + 1 == len(shapes):
        return Kind.HEADING if i and shapes[i - 1].sentence and seen[i] is None else Kind.BODY
    stands_above = shapes[i + 1].sentence or seen[i + 1] is Kind.LIST_ITEM
    alone = i == 0 or shapes[i - 1].sentence or shapes[i - 1].marked_heading or seen[i - 1] is not None
    return Kind.HEADING if stands_above and alone else Kind.BODY


def _is_content(shape: Shape) -> bool:
    """Whether what the rules take for a plea is a step ("Close the valve."), or a fact ("Contact: Ann Example")."""
    if _OF_A_PAGE.search(shape.text):
        return False
    if _STATED.match(shape.text):
        return True
    return shape.text.endswith((".", "!")) and shape.words >= 3 and not _ADDRESSED.search(shape.text)
