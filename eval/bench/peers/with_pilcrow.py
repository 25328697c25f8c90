"""Pilcrow: a collection on disk, dense and BM25 fused, each document by its best passage."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from eval.bench.peers.task import K, main

if TYPE_CHECKING:
    from index.encoder.embedding import Encoder

# Passages that are asked for, since a document may have several among the best.
_PASSAGES = 3 * K


class Pilcrow:
    """`index_documents` and `retrieve`."""

    _encoder: "Encoder"
    _collection: Any

    def __init__(self, folder: Path) -> None:
        """folder: where the collection is made."""
        self._folder = folder

    def load(self) -> None:
        """Imports what it needs, and loads the model."""
        from index.encoder.embedding import open_encoder
        from index.opening import create_collection

        self._encoder = open_encoder()
        self._encoder.encode(["warm"])
        self._collection = create_collection(self._folder, self._encoder.identity)

    def index(self, documents: Mapping[str, tuple[str, str]]) -> None:
        """Takes documents in: id -> title and text."""
        from index.intake.indexing import index_documents, row_document

        rows = (
            row_document(name, f"corpus#{name}", text, title=title or None) for name, (title, text) in documents.items()
        )
        index_documents(self._collection, self._encoder, rows)

    def search(self, query: str) -> Sequence[str]:
        """Ids of the best K documents, best first."""
        from eval.runs.rankings import under_all_names
        from rag.retrieval import retrieve

        with self._collection.reading() as snapshot:
            hits = under_all_names(retrieve(snapshot, self._encoder, query, _PASSAGES), snapshot.copies)
        return list(dict.fromkeys(hit.passage.doc_id for hit in hits))[:K]


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        sys.exit(main(Pilcrow(Path(temporary) / "collection")))
