"""A collection in Milvus: a server, a cluster behind one, or a Milvus Lite file. `pip install pilcrow[milvus]`."""

from index.milvus.collection import create_collection, exists, open_collection

__all__ = ["create_collection", "exists", "open_collection"]
