"""What each paragraph is: body, heading, caption or furniture.

Furniture is what surrounds an article and says nothing of its subject: menus, comment forms, pleas, markup residue.
Rules (rules.py) find the little of it that a clean text has. A page that a scraper flattened is mostly furniture, and
much of it reads like sentences; there a small trained model (cleaner.py) decides, to which the rules' verdict is one
signal of many.
"""

from collections.abc import Sequence

from index.cleaning.cleaner import Cleaner, bundled_cleaner
from index.cleaning.rules import (
    ANCHOR_WORDS,
    Shape,
    bare_words,
    kinds_by_rules,
    line_kind,
    shape_of,
    with_something_below,
)
from index.paragraphs import Kind, Paragraph, paragraph_spans

# Below this share of long sentences among at least so many blocks, a text is a flattened page and not a text.
_TEXT_SHARE = 0.4
_PAGE_BLOCKS = 30


def classify(text: str, doc_id: str, *, title: str | None = None, keep_all: bool = False) -> list[Paragraph]:
    """The paragraphs of `text`, numbered from 1, each with its kind; the same text always gives the same kinds.

    title: where it is known, the paragraph that repeats it is the headline.
    keep_all: nothing is furniture; what would have been is body.
    """
    spans = paragraph_spans(text)
    kinds = kinds_of([text[start:end] for start, end in spans], title, bundled_cleaner())
    if keep_all:
        kinds = [Kind.BODY if kind is Kind.FURNITURE else kind for kind in kinds]
    return [
        Paragraph(doc_id, number, start, end, kind)
        for number, ((start, end), kind) in enumerate(zip(spans, kinds, strict=True), 1)
    ]


def kinds_of(blocks: Sequence[str], title: str | None, cleaner: Cleaner | None) -> list[Kind]:
    """The kind of each block of a text; by the rules alone where there is no cleaner."""
    shapes = [shape_of(block) for block in blocks]
    kinds = kinds_by_rules(shapes, title)
    if cleaner is None or not _is_flattened_page(shapes):
        return kinds
    body = cleaner.body(blocks, shapes, kinds)
    judged = _judged(kinds, shapes, [bool(p >= cleaner.threshold) for p in body])
    # A text that has a sentence is never all furniture.
    return judged if Kind.BODY in judged else kinds


def headline(text: str, paragraphs: Sequence[Paragraph]) -> str | None:
    """The first heading, where it stands before any body, without Markdown marks; None where there is none."""
    first = next((p for p in paragraphs if p.kind in (Kind.HEADING, Kind.BODY)), None)
    if first is None or first.kind is Kind.BODY:
        return None
    return " ".join(bare_words(text[first.start : first.end]).split()) or None


def _is_flattened_page(shapes: Sequence[Shape]) -> bool:
    long = sum(shape.sentence and shape.words >= ANCHOR_WORDS for shape in shapes)
    return len(shapes) >= _PAGE_BLOCKS and long < _TEXT_SHARE * len(shapes)


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
