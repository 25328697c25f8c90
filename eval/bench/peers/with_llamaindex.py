"""LlamaIndex with its FAISS store in memory."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from eval.bench.peers.task import K, main, model_folder, one_text


class LlamaIndex:
    """`VectorStoreIndex` over `FaissVectorStore`, and its retriever."""

    _model: Any
    _retriever: Any

    def load(self) -> None:
        """Imports what it needs, and loads the model."""
        import faiss  # noqa: F401
        from llama_index.core import VectorStoreIndex  # noqa: F401
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding
        from llama_index.vector_stores.faiss import FaissVectorStore  # noqa: F401

        self._model = HuggingFaceEmbedding(model_name=model_folder())

    def index(self, documents: Mapping[str, tuple[str, str]]) -> None:
        """Takes documents in: id -> title and text."""
        import faiss
        from llama_index.core import StorageContext, VectorStoreIndex
        from llama_index.core.schema import TextNode
        from llama_index.vector_stores.faiss import FaissVectorStore

        store = FaissVectorStore(faiss_index=faiss.IndexFlatIP(384))
        nodes = [TextNode(id_=name, text=one_text(title, text)) for name, (title, text) in documents.items()]
        index = VectorStoreIndex(
            nodes, storage_context=StorageContext.from_defaults(vector_store=store), embed_model=self._model
        )
        self._retriever = index.as_retriever(similarity_top_k=K)

    def search(self, query: str) -> Sequence[str]:
        """Ids of the best K documents, best first."""
        return [found.node.node_id for found in self._retriever.retrieve(query)]


if __name__ == "__main__":
    sys.exit(main(LlamaIndex()))
