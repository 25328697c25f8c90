"""What the tests of reading share: documents whose paragraphs are of the kinds that the test says."""

from collections.abc import Callable
from typing import Any

import pytest

from index.documents import Document
from index.intake.indexing import row_document
from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from rag.citations import Sources
from rag.retrieval import Hit


class Shelf:
    """As much of a collection's snapshot as `Sources` needs of it here."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.kinds: dict[str, list[Paragraph]] = {}

    def put(self, name: str, *parts: tuple[Kind, str]) -> None:
        start = 0
        self.kinds[name] = []
        for number, (kind, text) in enumerate(parts, 1):
            self.kinds[name].append(Paragraph(name, number, start, start + len(text), kind))
            start += len(text) + 2
        text = "\n\n".join(text for _, text in parts)
        self.documents[name] = row_document(name, name, text, title=f"Of {name}")

    def document(self, doc_id: str) -> Document:
        return self.documents[doc_id]

    def paragraphs(self, doc_id: str) -> list[Paragraph]:
        return self.kinds[doc_id]

    def hit(self, name: str, words: str, rank: int = 1, **more: Any) -> Hit:
        """A hit on the passage that has these words and no others."""
        start = self.documents[name].text.index(words)
        passage = Passage(rank, name, start, start + len(words), words)
        return Hit(passage, **{"score": 0.03, "rank": rank, "cosine": 0.4, "bm25": 0.0} | more)


@pytest.fixture
def shelf() -> Callable[..., tuple[Shelf, Sources]]:
    """Documents by name, each a list of (kind, text)."""

    def make(**documents: list[tuple[Kind, str]]) -> tuple[Shelf, Sources]:
        made = Shelf()
        for name, parts in documents.items():
            made.put(name, *parts)
        return made, Sources(made)  # type: ignore[arg-type]  # it asks a snapshot for nothing else here

    return make
