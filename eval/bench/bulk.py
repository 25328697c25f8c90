"""Documents in bulk: real texts and real vectors, multiplied, and stored as any others are.

First come the documents of BEIR folders as they are, indexed like files. Each further document has five passages, and
each of these lies between two real ones, drawn at random: it is as long as the first of them and made of its pieces of
eight words, each left in place or, one time in two, exchanged for one of the other's; its vector is the first one's
plus half the other's plus noise of length 0.3, of unit norm, which leaves a cosine of about 0.86 with the first. So
words are as frequent as they really are, neighbours are many and near, and no two documents are copies. Dates are
spread evenly over 25 years, and a hundred outlets share the documents, the n-th one 1/n as many as the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from eval.gold.datasets import read_beir
from index.collection import Collection
from index.documents import Document
from index.encoder.embedding import Encoder, Vectors
from index.intake.indexing import index_documents, row_document
from index.opening import create_collection
from index.paragraphs import Kind, Paragraph
from index.passages import Window
from index.prepared import Prepared

PUBLISHERS = 100
FIRST_DAY, DAYS = date(2000, 1, 1), 25 * 365
_PASSAGES = 5
_PIECE = 8
_OTHER, _NOISE = 0.5, 0.3


@dataclass(frozen=True, slots=True)
class Real:
    """The real documents, ready to be stored, and of all their passages in order the titles, pieces and vectors."""

    documents: list[Prepared]
    titles: list[str | None]
    pieces: list[list[str]]
    vectors: Vectors


def index_real(data: Path, folder: Path, encoder: Encoder) -> Collection:
    """A collection of the documents of all BEIR folders below `data`, in the order of their names."""
    collection = create_collection(folder, encoder.identity)
    for corpus in sorted(data.rglob("corpus.jsonl")):
        dataset = read_beir(corpus.parent)
        named = (
            replace(d, doc_id=f"{dataset.name}/{d.doc_id}", source=f"{dataset.name}#{d.doc_id}")
            for d in dataset.documents()
        )
        index_documents(collection, encoder, named)
    return collection


def read_real(collection: Collection) -> Real:
    """What bulk is made of; of documents with the same text, one."""
    seen: set[tuple[str | None, str]] = set()
    documents: list[Prepared] = []
    titles: list[str | None] = []
    pieces: list[list[str]] = []
    with collection.reading() as snapshot:
        for listed in snapshot.documents():
            document = snapshot.document(listed.doc_id)
            if (document.title, document.text) in seen:
                continue
            seen.add((document.title, document.text))
            passages = snapshot.passages_of(document.doc_id)
            vectors = snapshot.vectors([p.passage_id for p in passages])
            windows = [Window(p.start, p.end, None) for p in passages]
            documents.append(Prepared(document, snapshot.paragraphs(document.doc_id), windows, vectors))
            titles += [document.title] * len(passages)
            pieces += [_pieces(p.text) for p in passages]
    return Real(documents, titles, pieces, np.concatenate([p.vectors for p in documents]))


def bulk(real: Real, passages: int) -> Iterator[Prepared]:
    """Documents with so many passages in all; of fewer passages, they are the first of those of more."""
    number, left = 0, passages
    while left > 0:
        chance = np.random.default_rng([1, number])
        p = real.documents[number] if number < len(real.documents) else _derived(real, number, chance)
        p = replace(p, document=_published(p.document, chance), windows=p.windows[:left], vectors=p.vectors[:left])
        yield p
        number, left = number + 1, left - len(p.windows)


def _published(document: Document, chance: np.random.Generator) -> Document:
    """With a date and an outlet."""
    shares = 1 / np.arange(1, PUBLISHERS + 1)
    outlet = int(np.searchsorted(np.cumsum(shares / shares.sum()), chance.random()))
    day = FIRST_DAY + timedelta(days=int(chance.integers(DAYS)))
    return replace(document, date=day.isoformat(), publisher=publisher(outlet))


def publisher(number: int) -> str:
    """The name of an outlet; 0 has the most documents."""
    return f"Outlet {number + 1}"


def _derived(real: Real, number: int, chance: np.random.Generator) -> Prepared:
    drawn = chance.integers(0, len(real.pieces), (2, _PASSAGES))
    texts = [_between(real.pieces[one], real.pieces[other], chance) for one, other in drawn.T]
    noise = chance.standard_normal((_PASSAGES, real.vectors.shape[1])) / np.sqrt(real.vectors.shape[1])
    vectors = real.vectors[drawn[0]] + _OTHER * real.vectors[drawn[1]] + _NOISE * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    document = row_document(
        f"derived/{number}", f"derived#{number}", "\n\n".join(texts), title=real.titles[drawn[0, 0]]
    )
    paragraphs, start = [], 0
    for place, text in enumerate(texts, 1):
        paragraphs.append(Paragraph(document.doc_id, place, start, start + len(text), Kind.BODY))
        start += len(text) + 2
    windows = [Window(p.start, p.end, None) for p in paragraphs]
    return Prepared(document, paragraphs, windows, vectors.astype(np.float32))


def _between(one: list[str], other: list[str], chance: np.random.Generator) -> str:
    exchanged = chance.random(len(one)) < 0.5
    drawn = chance.integers(0, len(other), len(one))
    return " ".join(other[at] if goes else piece for piece, goes, at in zip(one, exchanged, drawn, strict=True))


def _pieces(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[at : at + _PIECE]) for at in range(0, len(words), _PIECE)] or [""]
