"""What each paragraph is: as its reader knows, as its lines show, or as it reads.

Furniture is what surrounds an article and says nothing of its subject: menus, comment forms, pleas, markup residue.
Rules (rules.py) find the little of it that a clean text has, where something speaks against a line (evidence.py). A
page that a scraper flattened is mostly furniture, and much of it reads like sentences; there a small trained model
(cleaner.py) decides, to which the rules' verdict is one signal of many.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.cleaning.cleaner import Cleaner, bundled_cleaner
from index.cleaning.evidence import given_back, is_written, may_be_page
from index.cleaning.rules import (
    ANCHOR_WORDS,
    Shape,
    bare_words,
    kinds_by_rules,
    line_kind,
    shape_of,
    with_something_below,
)
from index.formats.content import Block
from index.formats.structure import STAMP, structure
from index.paragraphs import Kind, Paragraph, paragraph_spans, trim

# Below this share of long sentences among at least so many blocks, a text is a flattened page and not a text.
_TEXT_SHARE = 0.4
_PAGE_BLOCKS = 30


# What index/formats/structure.py sees that no menu looks like.
_CERTAIN = frozenset((Kind.TABLE_ROW, Kind.CODE, Kind.FOOTNOTE, Kind.FURNITURE))
_MARKS = re.compile(r"[ \t]*(?:(?:`{3,}|~{3,})[^`\n]*|[-*+•‣◦▪–=|: \t]+)$")


@dataclass(frozen=True, slots=True)
class _Part:
    """A paragraph to be: half-open `[start, end)`, what it is, and whether that may still turn out furniture."""

    start: int
    end: int
    kind: Kind | None
    level: int
    is_certain: bool


def classify(
    text: str, doc_id: str, *, title: str | None = None, keep_all: bool = False, blocks: Sequence[Block] = ()
) -> list[Paragraph]:
    """The paragraphs of `text`, numbered from 1, each with its kind; the same text always gives the same kinds.

    title: where it is known, the paragraph that repeats it is the headline.
    keep_all: nothing is taken for furniture by its words; what would have been is body.
    blocks: what the reader of the text knows; without any, what its lines show.
    """
    parts = _parts(text, blocks)
    judged = [part for part in parts if part.kind not in _CERTAIN]
    words = [_words(text, part) for part in judged]
    seen = [part.kind for part in judged]
    certain = sum(part.kind in _CERTAIN and part.kind is not Kind.FURNITURE for part in parts)
    kinds = kinds_of(words, title, bundled_cleaner(), seen, certain=certain)
    found = {
        part: _settled(part, kind, keep_all=keep_all) for part, kind in zip(judged, kinds, strict=True)
    }  # fmt: skip
    settled = [found.get(part) or _settled(part, Kind.BODY, keep_all=keep_all) for part in parts]
    settled = _without_empty_headings(parts, settled, keep_all=keep_all)
    return [
        Paragraph(doc_id, number, part.start, part.end, kind, part.level if kind is part.kind else 0)
        for number, (part, kind) in enumerate(zip(parts, settled, strict=True), 1)
    ]


def kinds_of(
    blocks: Sequence[str],
    title: str | None,
    cleaner: Cleaner | None,
    seen: Sequence[Kind | None] | None = None,
    *,
    certain: int = 0,
) -> list[Kind]:
    """The kind of each block of a text; by the rules alone where there is no cleaner.

    seen: what the lines of a block show it to be, None where they don't. certain: how many paragraphs the text has
    beside the blocks, such as rows and code, that nobody judges.
    """
    shapes = [shape_of(block) for block in blocks]
    kinds = kinds_by_rules(shapes, title)
    seen = seen or [None] * len(blocks)
    written = is_written(blocks, seen, certain)
    if written or not _is_flattened_page(shapes, seen):
        return given_back(blocks, shapes, kinds, seen, title, written=written)
    if cleaner is None:
        return kinds
    body = cleaner.body(blocks, shapes, kinds)
    judged = _judged(kinds, shapes, [bool(p >= cleaner.threshold) for p in body])
    # A text that has a sentence is never all furniture.
    return judged if Kind.BODY in judged else kinds


def _without_empty_headings(parts: Sequence[_Part], kinds: Sequence[Kind], *, keep_all: bool) -> list[Kind]:
    """A line that was taken for a heading must have something under it, unless it is the first that is read."""
    first = next((i for i, kind in enumerate(kinds) if kind is not Kind.FURNITURE), 0)
    last = max((i for i, kind in enumerate(kinds) if kind not in (Kind.FURNITURE, Kind.HEADING)), default=-1)
    return [
        (Kind.BODY if keep_all else Kind.FURNITURE)
        if kind is Kind.HEADING and first < i and i > last and part.kind is None
        else kind
        for i, (part, kind) in enumerate(zip(parts, kinds, strict=True))
    ]


def _parts(text: str, blocks: Sequence[Block]) -> list[_Part]:
    """The blocks, and the paragraphs of what lies between them; lines of marks beside a block are in none."""
    known = [block for block in blocks or structure(text) if block.start < block.end]
    parts: list[_Part] = []
    at = 0
    for block in known:
        parts += _between(text, at, block.start, is_first=at == 0)
        start, end = trim(text, block.start, block.end)
        if block.kind is Kind.BODY:
            parts += [_Part(*span, None, 0, is_certain=False) for span in paragraph_spans(text, start, end)]
        elif start < end:
            is_certain = bool(blocks) or block.kind in _CERTAIN or bool(STAMP.match(text, start, end))
            parts.append(_Part(start, end, block.kind, block.level, is_certain))
        at = block.end
    return [*parts, *_between(text, at, len(text), is_first=at == 0)]


def _between(text: str, start: int, end: int, *, is_first: bool) -> list[_Part]:
    while not is_first and (line := text[start:end].lstrip().split("\n", 1)[0]) and _MARKS.match(line):
        start = text.index(line, start, end) + len(line)
    while end < len(text) and (line := text[start:end].rstrip().rsplit("\n", 1)[-1]) and _MARKS.match(line):
        end = text.rindex(line, start, end)
    return [_Part(*span, None, 0, is_certain=False) for span in paragraph_spans(text, start, end)]


def _words(text: str, part: _Part) -> str:
    """A part's text as the rules see it: a heading that is known has its mark."""
    words = text[part.start : part.end]
    return f"# {words}" if part.kind is Kind.HEADING and not words.startswith("#") else words


def _settled(part: _Part, judged: Kind, *, keep_all: bool) -> Kind:
    """What a part is: as it is known, unless it may be furniture and is judged so."""
    is_known = part.kind is not None and (part.is_certain or judged is not Kind.FURNITURE)
    kind = part.kind if is_known and part.kind else judged
    guessed = not part.is_certain or (keep_all and part.kind is None)
    return Kind.BODY if keep_all and guessed and kind is Kind.FURNITURE else kind


def headline(text: str, paragraphs: Sequence[Paragraph]) -> str | None:
    """The first heading, where it stands before any body, without Markdown marks; None where there is none."""
    first = next((p for p in paragraphs if p.kind not in (Kind.FURNITURE, Kind.CAPTION)), None)
    if first is None or first.kind is not Kind.HEADING:
        return None
    return " ".join(bare_words(text[first.start : first.end]).split()) or None


def _is_flattened_page(shapes: Sequence[Shape], seen: Sequence[Kind | None]) -> bool:
    long = sum(shape.sentence and shape.words >= ANCHOR_WORDS for shape in shapes)
    return len(shapes) >= _PAGE_BLOCKS and long < _TEXT_SHARE * len(shapes) and may_be_page(shapes, seen)


def _judged(kinds: Sequence[Kind], shapes: Sequence[Shape], is_body: Sequence[bool]) -> list[Kind]:
    """The kinds with the model's say of what is body; captions and the headline stay where body is near."""
    inside = [i for i, kept in enumerate(is_body) if kept]
    first, last = (inside[0], inside[-1]) if inside else (0, -1)
    at = next((i for i, kind in enumerate(kinds) if kind in (Kind.HEADING, Kind.BODY)), None)
    headline_at = at if at is not None and kinds[at] is Kind.HEADING and at <= last else None
    result = []
    for i, (kind, kept) in enumerate(zip(kinds, is_body, strict=True)):
        if i == headline_at or (kind is Kind.CAPTION and first - 2 <= i <= last + 1):
            result.append(kind)
        elif not kept:
            result.append(Kind.FURNITURE)
        elif kind is Kind.FURNITURE:
            result.append(Kind.BODY if shapes[i].sentence else line_kind(i, shapes))
        else:
            result.append(kind)
    return with_something_below(result, headline_at)
