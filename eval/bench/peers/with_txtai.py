"""txtai, dense alone."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from eval.bench.peers.task import K, main, model_folder, one_text


class Txtai:
    """`Embeddings`, with BM25 beside it where `hybrid`."""

    _embeddings: Any

    def __init__(self, *, hybrid: bool = False) -> None:
        """hybrid: dense and BM25, fused by txtai."""
        self._hybrid = hybrid

    def load(self) -> None:
        """Imports what it needs, and loads the model."""
        from txtai import Embeddings

        self._embeddings = Embeddings(path=model_folder(), hybrid=self._hybrid)

    def index(self, documents: Mapping[str, tuple[str, str]]) -> None:
        """Takes documents in: id -> title and text."""
        self._embeddings.index([(name, one_text(*document), None) for name, document in documents.items()])

    def search(self, query: str) -> Sequence[str]:
        """Ids of the best K documents, best first."""
        return [name for name, _ in self._embeddings.search(query, K)]


if __name__ == "__main__":
    sys.exit(main(Txtai()))
