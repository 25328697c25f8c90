"""The texts behind a ranking's ids, for a report: what was found, and what should have been."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from eval.gold.places import Places
from index.collection import Snapshot
from index.paragraphs import Kind
from rag.citations import Sources

# Characters of a document that stand for it where nothing smaller is known.
_EXCERPT = 700
_PARAGRAPH = re.compile(r"(?P<doc>.+) ¶(?P<number>\d+)")
_PASSAGE = re.compile(r"(?P<doc>.+) (?P<start>\d+)-(?P<end>\d+)")


@dataclass(frozen=True, slots=True)
class UnitText:
    """A unit's place and text: half-open characters `[start, end)` of a document."""

    doc_id: str
    title: str | None
    start: int
    end: int
    text: str


def show_units(units: Iterable[str], snapshot: Snapshot) -> dict[str, UnitText]:
    """Unit id -> its text; a unit that the collection does not have is left out."""
    sources = Sources(snapshot)
    known = {document.doc_id for document in snapshot.documents()}
    shown = {}
    for unit in dict.fromkeys(units):
        place = _place(unit, known, sources)
        if place is not None:
            doc_id, start, end = place
            document = sources.document(doc_id)
            shown[unit] = UnitText(doc_id, document.title, start, end, document.text[start:end])
    return shown


def gold_units(places: Places) -> list[str]:
    """What a report shows as expected: the evidence where it is known, else the documents, highest grade first."""
    if places.evidence:
        return list(dict.fromkeys(f"{doc} {start}-{end}" for doc, start, end in places.evidence))
    return sorted(places.documents, key=lambda doc: (-places.documents[doc], doc))


def _place(unit: str, known: set[str], sources: Sources) -> tuple[str, int, int] | None:
    """The document and characters that a unit's id stands for."""
    if unit in known:
        # A scraped page begins with its menu, a note with its front matter: neither says what the document is about.
        body = next((p.start for p in sources.paragraphs(unit) if p.kind is Kind.BODY), 0)
        return unit, body, min(body + _EXCERPT, len(sources.document(unit).text))
    if (found := _PARAGRAPH.fullmatch(unit)) and found["doc"] in known:
        paragraphs = sources.paragraphs(found["doc"])
        return next(((p.doc_id, p.start, p.end) for p in paragraphs if p.number == int(found["number"])), None)
    if (found := _PASSAGE.fullmatch(unit)) and found["doc"] in known:
        return found["doc"], int(found["start"]), int(found["end"])
    return None
