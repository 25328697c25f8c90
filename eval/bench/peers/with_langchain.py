"""LangChain with its FAISS store in memory."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from eval.bench.peers.task import K, main, model_folder, one_text


class LangChain:
    """`FAISS.from_texts` and `similarity_search`."""

    _store: Any
    _embeddings: Any

    def load(self) -> None:
        """Imports what it needs, and loads the model."""
        from langchain_community.vectorstores import FAISS  # noqa: F401  (its import is part of the load)
        from langchain_huggingface import HuggingFaceEmbeddings

        self._embeddings = HuggingFaceEmbeddings(
            model_name=model_folder(), encode_kwargs={"normalize_embeddings": True}
        )

    def index(self, documents: Mapping[str, tuple[str, str]]) -> None:
        """Takes documents in: id -> title and text."""
        from langchain_community.vectorstores import FAISS

        texts = [one_text(title, text) for title, text in documents.values()]
        self._store = FAISS.from_texts(texts, self._embeddings, ids=list(documents))

    def search(self, query: str) -> Sequence[str]:
        """Ids of the best K documents, best first."""
        return [found.id for found in self._store.similarity_search(query, k=K)]


if __name__ == "__main__":
    sys.exit(main(LangChain()))
