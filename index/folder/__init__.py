"""A collection in a folder of this machine: SQLite is the truth, FAISS and tantivy are made of it.

Does not know where documents come from or who embedded them.
"""
