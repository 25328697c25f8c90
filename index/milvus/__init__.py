"""A collection in Milvus: a server, a cluster behind one, or a Milvus Lite file. `pip install pilcrow[milvus]`.

Knows no FAISS, tantivy or SQLite, and not where documents come from.
"""
