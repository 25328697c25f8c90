"""Citations: characters of one paragraph, by construction.

A citation is made from offsets: those of a sentence where it was split, or where the same words stand in an earlier
copy. So `document.text[start:end] == quote` holds always.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from index.collection import Filters, Snapshot, name_now
from index.documents import Document
from index.errors import BadSpan
from index.paragraphs import CONTENT, Kind, Paragraph, heading_paths, heading_words
from index.passages import Passage
from index.sentences import unit_spans
from index.tables import EMPTY, Shown, Table, TableRow, rows_of, shown_part

# From which support on a claim is supported, and from which on weak.
SUPPORTED_FROM, WEAK_FROM = 0.5, 0.25


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a cited table row: half-open `[start, end)` in characters of the document, equal where it is empty.

    head: what its column is called, "" where nothing says.
    """

    head: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Citation:
    """A quoted span: half-open `[start, end)` in characters of the document's text, inside one paragraph.

    label: the number that a marker `[n]` shows, from 1. page: from 1, where the format has pages.
    paragraph: its number; paragraph_start and paragraph_end: its span. also_in: names of copies of the document.
    kind: the paragraph's. headings: those above it, the highest first. cells: of a table row that is cited whole.
    renamed: what the document's file is called since it was renamed; the document keeps its name.
    """

    label: int
    doc_id: str
    title: str | None
    publisher: str | None
    date: str | None
    page: int | None
    paragraph: int
    start: int
    end: int
    quote: str
    paragraph_start: int
    paragraph_end: int
    also_in: tuple[str, ...] = ()
    kind: Kind = Kind.BODY
    headings: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()
    renamed: str | None = None

    @property
    def file(self) -> str:
        """The document's name, and its file's where that was renamed: "boat.txt (now ship.txt)"."""
        return f"{self.doc_id} (now {self.renamed})" if self.renamed else self.doc_id


class Verdict(StrEnum):
    """What is said of a claim and what it cites; UNCHECKED where nobody judged it."""

    SUPPORTED = "supported"
    WEAK = "weak"
    UNSUPPORTED = "unsupported"
    UNCHECKED = "unchecked"

    @classmethod
    def of(cls, support: float) -> "Verdict":
        """The verdict for a support in [0, 1]."""
        if support >= SUPPORTED_FROM:
            return cls.SUPPORTED
        return cls.WEAK if support >= WEAK_FROM else cls.UNSUPPORTED


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer, without markers. support: in [0, 1].

    speaker: whose words it tells, where it says what somebody says; it is told as said, not as fact.
    quoted_instead: it is the document's sentence, in place of one of a chat model that was not borne out.
    direct: the words of it that answer, "" where it all does. meant: who the word that it begins with is, as "she: Ann
    Example". older: a newer document replaces the one that says it.
    """

    text: str
    labels: tuple[int, ...]
    support: float
    verdict: Verdict
    speaker: str | None = None
    quoted_instead: bool = False
    direct: str = ""
    meant: str | None = None
    older: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage: half-open `[start, end)` in characters of its document, inside `paragraph`."""

    document: Document
    paragraph: Paragraph
    start: int
    end: int

    @property
    def text(self) -> str:
        """The sentence as it stands in the document."""
        return self.document.text[self.start : self.end]


class Sources:
    """Documents and paragraphs of one snapshot, each read once.

    What was read stays: after `keep` the passages of those documents are read and cited without the snapshot.
    """

    def __init__(self, snapshot: Snapshot, filters: Filters | None = None) -> None:
        """snapshot: the state that the question sees. filters: which documents it may look at."""
        self._snapshot = snapshot
        self._filters = filters
        self._copies: dict[str, tuple[list[str], list[str]]] = {}
        self._documents: dict[str, Document] = {}
        self._paragraphs: dict[str, list[Paragraph]] = {}
        self._rows: dict[str, dict[int, tuple[Table, TableRow]]] = {}
        self._headings: dict[str, dict[int, tuple[Paragraph, ...]]] = {}

    def keep(self, doc_ids: Iterable[str]) -> None:
        """Reads documents and their paragraphs now, so that the snapshot can end."""
        for doc_id in doc_ids:
            self.document(doc_id)
            self.paragraphs(doc_id)
            for other in self._copies_of(doc_id)[1]:
                self.document(other)
                self.paragraphs(other)
                self._copies_of(other)

    def keep_rows(self, doc_ids: Iterable[str], filters: Filters | None = None) -> None:
        """Reads documents that are rows of a file, as far as the filters allow, without a look at their copies."""
        for doc_id in doc_ids:
            document = self.document(doc_id)
            if filters is None or filters.fit(document.date, document.publisher):
                self.paragraphs(doc_id)

    def kept(self) -> list[str]:
        """The names of the documents whose paragraphs were read."""
        return list(self._paragraphs)

    def are_copies(self, one: str, other: str) -> bool:
        """Whether two documents are one source: the same, or one a copy or near-copy of the other."""
        return one == other or any(other in names for names in self._copies_of(one))

    def set_out(self, citation: Citation) -> Citation:
        """The citation with what stands around it: copies, its kind, the headings above, the cells of a whole row."""
        paragraph = self.paragraphs(citation.doc_id)[citation.paragraph - 1]
        cells: tuple[Cell, ...] = ()
        if paragraph.kind is Kind.TABLE_ROW and (citation.start, citation.end) == (paragraph.start, paragraph.end):
            table, row = self.rows(citation.doc_id)[paragraph.number]
            heads = [""] * len(row.cells) if row.is_head else table.heads
            cells = tuple(Cell(head, start, end) for head, (start, end) in zip(heads, row.cells, strict=True))
        return replace(
            citation,
            also_in=self._also_in(citation),
            kind=paragraph.kind,
            headings=self.heading_words(paragraph),
            cells=cells,
        )

    def _also_in(self, citation: Citation) -> tuple[str, ...]:
        """The other documents in which the quoted words stand: copies of the cited one."""
        same, near = self._copies_of(citation.doc_id)
        quoting = [n for n in near if n in self._documents and citation.quote in self._documents[n].text]
        return (*same, *quoting)

    def earliest(self, sentence: Sentence) -> Sentence:
        """The same words in the earliest dated of the document's near-copies; the sentence itself where it is that."""
        best = sentence
        for doc_id in self._copies_of(sentence.document.doc_id)[1]:
            document = self.document(doc_id)
            if document.date is None or document.date >= (best.document.date or "9999"):
                continue
            read = (p for p in self.paragraphs(doc_id) if p.kind in CONTENT)
            places = ((p, document.text.find(sentence.text, p.start, p.end)) for p in read)
            paragraph, start = next(((p, start) for p, start in places if start >= 0), (None, -1))
            if paragraph is not None:
                best = Sentence(document, paragraph, start, start + len(sentence.text))
        return best

    def _copies_of(self, doc_id: str) -> tuple[list[str], list[str]]:
        """Names of the documents that have the same text, and of those that have nearly the same."""
        if doc_id not in self._copies:
            found = self._snapshot.copies(doc_id, self._filters), self._snapshot.near_copies(doc_id, self._filters)
            self._copies[doc_id] = found
        return self._copies[doc_id]

    def document(self, doc_id: str) -> Document:
        """The document, with its text."""
        if doc_id not in self._documents:
            self._documents[doc_id] = self._snapshot.document(doc_id)
        return self._documents[doc_id]

    def paragraphs(self, doc_id: str) -> list[Paragraph]:
        """All its paragraphs, in order."""
        if doc_id not in self._paragraphs:
            self._paragraphs[doc_id] = self._snapshot.paragraphs(doc_id)
        return self._paragraphs[doc_id]

    def rows(self, doc_id: str) -> dict[int, tuple[Table, TableRow]]:
        """Its table rows, each with its table, by their paragraphs' numbers."""
        if doc_id not in self._rows:
            self._rows[doc_id] = rows_of(self.document(doc_id).text, self.paragraphs(doc_id))
        return self._rows[doc_id]

    def headings(self, paragraph: Paragraph) -> tuple[Paragraph, ...]:
        """The path of headings above a paragraph, the highest first."""
        doc_id = paragraph.doc_id
        if doc_id not in self._headings:
            self._headings[doc_id] = heading_paths(self.document(doc_id).text, self.paragraphs(doc_id))
        return self._headings[doc_id][paragraph.number]

    def heading_words(self, paragraph: Paragraph) -> tuple[str, ...]:
        """The words of the headings above a paragraph, the highest first; the document's title is none."""
        document = self.document(paragraph.doc_id)
        words = (heading_words(document.text[heading.start : heading.end]) for heading in self.headings(paragraph))
        return tuple(heading for heading in words if heading != document.title)

    def touched(self, doc_id: str, start: int, end: int) -> list[Paragraph]:
        """The paragraphs that have characters in `[start, end)`, in order."""
        return [p for p in self.paragraphs(doc_id) if p.start < end and start < p.end]

    def shown(self, doc_id: str, start: int, end: int) -> Shown:
        """Characters `[start, end)` of a document as a model sees them: whole table rows with their columns' heads."""
        touched = self.touched(doc_id, start, end)
        rows = self.rows(doc_id) if any(p.kind is Kind.TABLE_ROW for p in touched) else {}
        return shown_part(self.document(doc_id).text, touched, start, end, rows)

    def sentence_at(self, doc_id: str, start: int, end: int) -> Sentence | None:
        """The sentence that has most of the characters `[start, end)`; None where none that can be cited has any."""
        document = self.document(doc_id)
        found = [
            Sentence(document, paragraph, left, right)
            for paragraph in self.touched(doc_id, start, end)
            if paragraph.kind in CONTENT
            for left, right in unit_spans(document.text, paragraph, paragraph.start, paragraph.end)
            if left < end and start < right
        ]
        return max(found, key=lambda s: (min(end, s.end) - max(start, s.start), -s.start), default=None)

    def sentences(self, passage: Passage) -> list[Sentence]:
        """The sentences, rows and lines of a passage, each inside one paragraph."""
        document = self.document(passage.doc_id)
        return [
            Sentence(document, paragraph, start, end)
            for paragraph in self.touched(passage.doc_id, passage.start, passage.end)
            if paragraph.kind in CONTENT
            for start, end in unit_spans(document.text, paragraph, passage.start, passage.end)
        ]


def cite(sentence: Sentence, label: int) -> Citation:
    """The citation of a sentence under a label."""
    document, paragraph = sentence.document, sentence.paragraph
    return Citation(
        label=label,
        doc_id=document.doc_id,
        title=document.title,
        publisher=document.publisher,
        date=document.date,
        page=document.page(sentence.start),
        paragraph=paragraph.number,
        start=sentence.start,
        end=sentence.end,
        quote=sentence.text,
        paragraph_start=paragraph.start,
        paragraph_end=paragraph.end,
        renamed=name_now(document.doc_id, document.source),
    )


def cite_span(sources: Sources, doc_id: str, start: int, end: int) -> Citation:
    """The characters `[start, end)` of a document as a citation, label 0.

    Raises UnknownDocument, and BadSpan where they are none, or not inside one paragraph.
    """
    sources.keep([doc_id])
    document = sources.document(doc_id)
    if not 0 <= start < end <= len(document.text):
        raise BadSpan(f"{start} to {end} are no characters of '{doc_id}', which has {len(document.text)}; START < END")
    touched = sources.touched(doc_id, start, end)
    inside = next((p for p in touched if p.start <= start and end <= p.end), None)
    if inside is None:
        where = ", ".join(f"{p.number} ({p.start}-{p.end})" for p in touched[:4]) or "none"
        raise BadSpan(f"characters {start} to {end} of '{doc_id}' are not inside one paragraph; they touch: {where}")
    return sources.set_out(cite(Sentence(document, inside, start, end), 0))


def row_words(citation: Citation, marked: tuple[int, int] | None = None, marks: tuple[str, str] = ("", "")) -> str:
    """A cited table row on one line, each cell with what its column is called, as `index.tables.shown_row` has it.

    marked: characters of the document that are set between the marks, where a cell has them.
    """
    cells = [(cell.head, cell_words(citation, cell, marked, marks)) for cell in citation.cells]
    if any(head for head, _ in cells):
        return "; ".join(f"{head.rstrip(':')}: {words}" if head else words for head, words in cells)
    label = cells[0][1] if len(cells) == 2 else ""
    return (" | " if not label else " " if label.endswith(":") else ": ").join(words for _, words in cells)


def cell_words(
    citation: Citation, cell: Cell, marked: tuple[int, int] | None = None, marks: tuple[str, str] = ("", "")
) -> str:
    """A cell's words on one line, "-" for none, those that are marked between marks."""
    words = citation.quote[cell.start - citation.start : cell.end - citation.start]
    if marked and cell.start <= marked[0] < marked[1] <= cell.end:
        left, right = marked[0] - cell.start, marked[1] - cell.start
        words = f"{words[:left]}{marks[0]}{words[left:right]}{marks[1]}{words[right:]}"
    return " ".join(words.split()) or EMPTY


# What `with_markers` writes, and lists and ranges of a document's own, which would seem to be that: [1], [1, 3], [1–3].
MARKER = re.compile(r"\[(\d+(?:\s*[,–-]\s*\d+)*)\]")
_MARKED = re.compile(rf"\s?{MARKER.pattern}")


def unbracketed(text: str) -> str:
    """The text with reference marks of its own ("[12]") as "(12)", or they would seem to be ours."""
    return MARKER.sub(r"(\1)", text)


def plain_claim(text: str) -> str:
    """A document's sentence as a claim: on one line, unbracketed."""
    return " ".join(unbracketed(text).split())


def without_markers(text: str) -> str:
    """What an answer's text says: its markers taken out."""
    return _MARKED.sub("", text)


def marked_labels(text: str) -> list[int]:
    """The labels that an answer's markers show, in order, each as often as it is shown."""
    return [int(label) for labels in MARKER.findall(text) for label in re.findall(r"\d+", labels)]


def with_markers(claims: Sequence[Claim]) -> str:
    """The answer's text: the claims in order, each followed by the markers of its labels."""
    return " ".join(f"{claim.text} {''.join(f'[{label}]' for label in claim.labels)}".strip() for claim in claims)
