"""What the reader is shown of a document: a passage among its neighbours, and where each character of that stands.

A passage alone does not say who "she" is, or that its figure is Turku's: the sentences around it and the heading above
it do. Knows sources and passages; nothing of networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from index.sentences import sentence_spans
from rag.citations import Sources
from rag.retrieval import Hit

# Characters of an excerpt: what the reader was trained on, and what fits beside a question and a title.
_CHARACTERS = 1150
# Characters of a heading above, or of what stands before a passage where only its order is looked for.
_HEADING_CHARACTERS = 120
_LEAD_CHARACTERS = 160
# A passage of which this share is in an excerpt already is not shown again.
_COVERED = 0.8
_GAP = "\n\n"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters that stand in one piece in the document: `excerpt[at:at + end - start] == document[start:end]`."""

    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text to read. title: of its document, "" where the text begins with it. hit: the best of those inside."""

    hit: Hit
    title: str
    text: str
    stretches: tuple[Stretch, ...]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Characters of the document for those of the excerpt; of several stretches the one with most of them."""

        def shared(stretch: Stretch) -> int:
            return min(end, stretch.at + stretch.end - stretch.start) - max(start, stretch.at)

        stretch = max(self.stretches, key=shared)
        move = stretch.start - stretch.at
        return max(start + move, stretch.start), min(end + move, stretch.end)

    def covers(self, passage: Passage) -> bool:
        """Whether nearly all of a passage is in it."""
        if passage.doc_id != self.hit.passage.doc_id:
            return False
        inside = sum(max(0, min(s.end, passage.end) - max(s.start, passage.start)) for s in self.stretches)
        return inside >= _COVERED * (passage.end - passage.start)


def excerpts(hits: Sequence[Hit], sources: Sources, *, most: int) -> list[Excerpt]:
    """At most so many excerpts that together show the best hits, in their order; what is shown is not shown again."""
    found: list[Excerpt] = []
    for hit in hits:
        if len(found) == most:
            break
        if not any(excerpt.covers(hit.passage) for excerpt in found):
            found.append(excerpt_of(hit, sources))
    return found


def excerpt_of(hit: Hit, sources: Sources) -> Excerpt:
    """The passage with as many whole sentences before and after it as there is room for, and the heading above."""
    passage = hit.passage
    document = sources.document(passage.doc_id)
    near = _near(passage, sources)
    first, last = _grown(near, passage)
    spans = [(start, end) for start, end, _ in near[first : last + 1]] or [(passage.start, passage.end)]
    heading = _heading_above(spans[0][0], sources.paragraphs(passage.doc_id))
    if heading is not None:
        spans = [heading, *spans]
    text, stretches = _joined(document.text, spans, {start: number for start, _, number in near})
    title = document.title or ""
    return Excerpt(hit, "" if text.startswith(title) else title, text, stretches)


def led(passage: Passage, sources: Sources) -> str:
    """The passage with the heading above it and the sentence before it: what says in short what it is about."""
    document = sources.document(passage.doc_id)
    paragraphs = sources.paragraphs(passage.doc_id)
    heading = _heading_above(passage.start, paragraphs)
    before = [
        (start, end)
        for start, end, _ in _near(passage, sources)
        if passage.start - _LEAD_CHARACTERS <= start and end <= passage.start
    ]
    spans = ([heading] if heading and (not before or heading[1] <= before[0][0]) else []) + before
    return "\n".join([*(document.text[start:end] for start, end in spans), passage.text])


def _near(passage: Passage, sources: Sources) -> list[tuple[int, int, int]]:
    """Sentences (start, end, paragraph) that could stand in one excerpt with the passage, furniture left out."""
    text = sources.document(passage.doc_id).text
    low, high = passage.start - _CHARACTERS, passage.end + _CHARACTERS
    return [
        (start, end, paragraph.number)
        for paragraph in sources.touched(passage.doc_id, low, high)
        if paragraph.kind is not Kind.FURNITURE
        for start, end in _sentences(text, max(paragraph.start, low), min(paragraph.end, high), paragraph)
    ]


def _sentences(text: str, start: int, end: int, paragraph: Paragraph) -> list[tuple[int, int]]:
    return [(start, end)] if paragraph.kind is Kind.HEADING else sentence_spans(text, start, end)


def _grown(near: Sequence[tuple[int, int, int]], passage: Passage) -> tuple[int, int]:
    """First and last of the sentences that are shown: the passage's own, and before and after them in turn."""
    own = [n for n, (start, end, _) in enumerate(near) if start < passage.end and passage.start < end]
    if not own:
        return 0, -1
    first, last = own[0], own[-1]
    size = sum(end - start for start, end, _ in near[first : last + 1])
    backwards = True
    while True:
        before = first > 0 and size + near[first - 1][1] - near[first - 1][0] <= _CHARACTERS
        after = last + 1 < len(near) and size + near[last + 1][1] - near[last + 1][0] <= _CHARACTERS
        if not before and not after:
            return first, last
        if before and (backwards or not after):
            first -= 1
            size += near[first][1] - near[first][0]
        else:
            last += 1
            size += near[last][1] - near[last][0]
        backwards = not backwards


def _heading_above(start: int, paragraphs: Sequence[Paragraph]) -> tuple[int, int] | None:
    """The nearest heading that ends before a place; None where the place is in one, or there is none."""
    above = [p for p in paragraphs if p.kind is Kind.HEADING and p.start <= start]
    if not above or above[-1].end > start:
        return None
    return above[-1].start, min(above[-1].end, above[-1].start + _HEADING_CHARACTERS)


def _joined(
    text: str, spans: Sequence[tuple[int, int]], paragraph_of: dict[int, int]
) -> tuple[str, tuple[Stretch, ...]]:
    """The spans as one text: what stands together in a paragraph stays as it is, a blank line between paragraphs."""
    stretches: list[Stretch] = []
    number = None
    at = 0
    for start, end in spans:
        if stretches and paragraph_of.get(start, -1) == number:
            grown = Stretch(stretches[-1].at, stretches[-1].start, end)
            at += end - stretches[-1].end
            stretches[-1] = grown
        else:
            at += len(_GAP) if stretches else 0
            stretches.append(Stretch(at, start, end))
            at += end - start
        number = paragraph_of.get(start, -1)
    return _GAP.join(text[s.start : s.end] for s in stretches), tuple(stretches)
