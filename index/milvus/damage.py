"""What of a collection in Milvus is damaged: every row against its checksum. Mends nothing."""

from collections.abc import Iterator

import numpy as np

from index.milvus.rows import (
    DOCUMENT,
    PASSAGE,
    Header,
    Text,
    clipped,
    passages_sum,
    piece_nos,
    row_is_whole,
    text_of_pieces,
    version_of,
    window_of,
)
from index.milvus.snapshot import MilvusSnapshot
from index.milvus.store import Store
from index.prepared import checksum


def damaged_documents(store: Store, snapshot: MilvusSnapshot) -> list[tuple[str, list[str]]]:
    """Names of documents, and which of their parts differ from their checksums."""
    rows = store.query("documents", snapshot.visible, DOCUMENT)
    headers = {header.text_no: header for header in snapshot.headers({row["text_no"] for row in rows})}
    parts_of = {text_no: list(_damaged_parts(store, snapshot, header)) for text_no, header in headers.items()}
    found = []
    for row in rows:
        parts = list(parts_of.get(row["text_no"], ["text"]))
        if not row_is_whole(row):
            parts.insert(0, "metadata")
        if parts:
            found.append((version_of(row).document.doc_id, parts))
    return sorted(found)


def _damaged_parts(store: Store, snapshot: MilvusSnapshot, header: Header) -> Iterator[str]:
    """Of a text, which parts differ from their checksums; what follows from one that does is made again with it."""
    try:
        text = text_of_pieces(header, store.get("texts", piece_nos(header), ["piece", "value"]))
    except ValueError:
        yield "text"
        return
    if checksum(text.rows[1:]) != header.paragraphs_sum:
        yield "paragraphs"
    elif not _passages_are_whole(store, snapshot, header, text):
        yield "vectors"
    elif checksum(text.rows) != header.key:
        yield "key"


def _passages_are_whole(store: Store, snapshot: MilvusSnapshot, header: Header, text: Text) -> bool:
    fields = [*PASSAGE, "passage_id", "heading", "vector"]
    rows = store.query(snapshot.passages_part, f"text_no == {header.text_no}", fields)
    rows.sort(key=lambda row: int(row["passage_id"]))
    vectors = [np.array(row["vector"], np.float32) for row in rows]
    total = passages_sum([row["passage_id"] for row in rows], [window_of(row) for row in rows], vectors)
    same = all(row["text"] == clipped(text.characters[row["start"] : row["stop"]]) for row in rows)
    return same and (len(rows), total) == header.passages.get(snapshot.passages_part)
