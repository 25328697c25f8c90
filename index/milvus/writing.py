"""One change of a collection in Milvus, from what is written ahead to the commit; and what nobody sees any more."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace as changed

from index import copies
from index.documents import Document
from index.encoder.embedding import EncoderIdentity
from index.milvus.lease import Lease
from index.milvus.rows import (
    HEADER,
    WHOLE_DOCUMENT,
    document_row,
    hashed,
    header_of,
    header_row,
    new_header,
    passage_row,
    passages_sum,
    text_of,
    text_rows,
    version_of,
)
from index.milvus.snapshot import MilvusSnapshot
from index.milvus.store import ALIVE, Row, Store
from index.prepared import Passages, Prepared, grouped

_WAITING_ROWS = 2000


class Writing:
    """One change on its way to the commit: rows that come and rows that end in the next generation."""

    def __init__(self, store: Store, lease: Lease, state: Row) -> None:
        """Use `MilvusCollection._writing`."""
        self._store = store
        self._lease = lease
        self._state = state
        self.snapshot = MilvusSnapshot(store, state)
        self._next: int = state["generation"] + 1
        self._visible = f"born <= {state['generation']} and died > {state['generation']}"
        self._coming: list[tuple[Document, int, int]] = []
        self._ending: dict[int, Row] = {}  # by row_no
        self._new_numbers = 0

    # What is there

    def row(self, doc_id: str) -> Row:
        """The row of a document. Raises UnknownDocument."""
        self.snapshot.described(doc_id)
        (row,) = self._store.query("documents", f'doc_key == "{hashed(doc_id)}" and {self._visible}', WHOLE_DOCUMENT)
        return row

    def by_source(self, sources: Iterable[str]) -> dict[str, Row]:
        """The rows of the documents of these sources, by source."""
        keys = ", ".join(f'"{hashed(source)}"' for source in set(sources))
        rows = self._store.query("documents", f"source_key in [{keys}] and {self._visible}", WHOLE_DOCUMENT)
        return {version_of(row).document.source: row for row in rows}

    def named(self, text_no: int, *, but: int) -> list[Row]:
        """The rows of the other documents that have a text."""
        rows = self._store.query("documents", f"text_no == {text_no} and {self._visible}", WHOLE_DOCUMENT)
        return [row for row in rows if row["row_no"] != but]

    # What comes, and what ends

    def reserve(self, texts: int, passages: int) -> tuple[int, int]:
        """The first of so many numbers for texts, and for passages, that nobody had or will have.

        They are written down with what they are for, before anything has them: a killed writer's rows are found again.
        """
        first = self._state["next_text_no"], self._state["next_passage_id"]
        if texts:
            self._state |= {
                "next_text_no": first[0] + texts, "next_passage_id": first[1] + passages, "pending": [first[0], texts]
            }  # fmt: skip
            self._save()
        return first

    def store_texts(self, prepared: Sequence[Prepared], first: tuple[int, int]) -> dict[bytes, int]:
        """Writes texts and their passages under the reserved numbers; the number of each text, by its key."""
        part, numbers = self.snapshot.passages_part, {}
        text_no, passage_id = first
        near = _copies_of(self._store, self.snapshot, prepared, text_no)
        pieces: list[Row] = []
        passages: list[Row] = []
        for n, p in enumerate(prepared):
            ids, text = range(passage_id, passage_id + len(p.windows)), text_of(p.document, p.paragraphs)
            cut = {part: (len(ids), passages_sum(ids, p.windows, p.vectors))}
            header = new_header(text_no + n, text, cut, *near[n])
            pieces += text_rows(header, text)
            passages += [
                passage_row(i, text_no + n, window, text, vector)
                for i, window, vector in zip(ids, p.windows, p.vectors, strict=True)
            ]
            numbers[header.key] = text_no + n
            passage_id += len(p.windows)
        self._store.insert("texts", pieces)
        self._store.insert(part, passages)
        return numbers

    def put(self, document: Document, text_no: int, old: Row | None) -> None:
        """A document is to have this text from the next generation on, in place of the row that it has."""
        if old is None:
            doc_no = self._state["next_doc_no"] + self._new_numbers
            self._new_numbers += 1
        else:
            doc_no = old["doc_no"]
            self.end(old)
        self._coming.append((document, doc_no, text_no))

    def end(self, row: Row) -> None:
        """A row is not to be seen from the next generation on."""
        self._ending.setdefault(row["row_no"], row)

    def commit(self) -> None:
        """What comes is there, what ends is gone, for whoever begins to read from now on."""
        first_row = self._state["next_row_no"]
        self._state["next_row_no"] += len(self._coming)
        self._state["next_doc_no"] += self._new_numbers
        self._save()
        self._store.insert(
            "documents",
            [document_row(first_row + n, doc_no, text_no, d, self._next)
             for n, (d, doc_no, text_no) in enumerate(self._coming)],
        )  # fmt: skip
        now = int(time.time())
        self._store.upsert("documents", [row | {"died": self._next, "died_at": now} for row in self._ending.values()])
        self._state |= {"generation": self._next, "pending": None}
        self._save()

    def exchange(self, encoder: EncoderIdentity, passages: Iterable[Passages]) -> int:
        """Passages by another encoder in a new part, and the commit that makes it the one; how many."""
        old = self.snapshot.passages_part
        number = int(old.rpartition("_")[2]) + 1
        while (part := f"passages_{number}") in self._store.parts():
            number += 1
        self._store.create_passages(part, encoder.dimension)
        first = count = 0
        for some in grouped(passages, _WAITING_ROWS):
            cut = sum(len(p.windows) for p in some)
            first = self._state["next_passage_id"]
            self._state["next_passage_id"] += cut
            self._save()
            self._store_exchanged(part, some, first)
            count += cut
        self._store.flush()
        replaced = {**self._state.get("replaced", {}), old: int(time.time())}
        self._state |= {"generation": self._next, "encoder": encoder.to_json(), "passages": part, "replaced": replaced}
        self._save()
        return count

    def _store_exchanged(self, part: str, some: Sequence[Passages], passage_id: int) -> None:
        rows, headers = [], []
        for p in some:
            ids = range(passage_id, passage_id + len(p.windows))
            (header,) = self.snapshot.headers([p.text_no])
            text = self.snapshot.stored_text(p.text_no)
            rows += [
                passage_row(i, p.text_no, window, text, vector)
                for i, window, vector in zip(ids, p.windows, p.vectors, strict=True)
            ]
            cut = (len(ids), passages_sum(ids, p.windows, p.vectors))
            kept = {old: found for old, found in header.passages.items() if old == self.snapshot.passages_part}
            headers.append(header_row(changed(header, passages={**kept, part: cut})))
            passage_id += len(p.windows)
        self._store.insert(part, rows)
        self._store.upsert("texts", headers)

    # What nobody sees any more

    def recover(self) -> None:
        """Takes away what a killed writer left, and takes back what it meant to end."""
        generation = self._state["generation"]
        ended = self._store.query("documents", f"died > {generation} and died < {ALIVE}", WHOLE_DOCUMENT)
        self._store.upsert("documents", [row | {"died": ALIVE, "died_at": 0} for row in ended])
        born = self._store.query("documents", f"born > {generation}", ["row_no"])
        self._store.delete("documents", "row_no", [row["row_no"] for row in born])
        if self._state["pending"]:
            first, count = self._state["pending"]
            self.delete_texts(range(first, first + count))
            self._state["pending"] = None
            self._save()

    def sweep(self, grace: float, *, wait: bool = False) -> None:
        """Deletes what was replaced or removed more than so many seconds ago. wait: and what will soon be."""
        gone = f"died <= {self._state['generation']}"
        rows = self._store.query("documents", gone, ["row_no", "text_no", "died_at"])
        ended = [row["died_at"] for row in rows] + list(self._state.get("replaced", {}).values())
        if wait and ended:
            time.sleep(max(max(ended) + grace - time.time(), 0))
        before = time.time() - grace
        rows = [row for row in rows if row["died_at"] <= before]
        if rows:
            self._store.flush()  # what replaces them is whole in files before they go
            ended_rows, texts = {row["row_no"] for row in rows}, {row["text_no"] for row in rows}
            named = self._store.query_in("documents", "text_no", sorted(texts), ["row_no", "text_no"])
            kept = {row["text_no"] for row in named if row["row_no"] not in ended_rows}
            self.delete_texts(sorted(texts - kept))
            self._store.delete("documents", "row_no", sorted(ended_rows))
        self._drop_parts(before)

    def _drop_parts(self, before: float) -> None:
        replaced = dict(self._state.get("replaced", {}))
        for part in self._store.parts():
            if part.startswith("passages_") and part != self._state["passages"] and replaced.get(part, 0) <= before:
                self._store.drop(part)
                replaced.pop(part, None)
        if replaced != self._state.get("replaced", {}):
            self._state["replaced"] = replaced
            self._save()

    def orphans(self) -> list[int]:
        """The numbers of texts that no row of a document names."""
        named = {row["text_no"] for row in self._store.query("documents", "row_no >= 0", ["text_no"])}
        stored = {row["text_no"] for row in self._store.query("texts", "piece_no >= 0", ["text_no"])}
        return sorted(stored - named)

    def delete_texts(self, text_nos: Sequence[int]) -> None:
        """Deletes texts and their passages."""
        self._store.delete(self._state["passages"], "text_no", text_nos)
        self._store.delete("texts", "text_no", text_nos)

    def _save(self) -> None:
        self._lease.require()
        self._store.set_value("state", self._state)


def _copies_of(
    store: Store, snapshot: MilvusSnapshot, prepared: Sequence[Prepared], first: int
) -> list[tuple[list[int], list[int]]]:
    """Of each new text, numbered from `first` on: its bands, and the texts before it that it is a near-copy of."""
    found = [copies.runs(p.document.text[w.start : w.end] for w in p.windows) for p in prepared]
    hashes = [copies.signature(one) for one in found]
    bands = [list(copies.bands(minhash)) if minhash else [] for minhash in hashes]
    stored = _texts_in_bands(store, snapshot, sorted({band for some in bands for band in some}))
    runs = dict(enumerate(found, first))
    result: list[tuple[list[int], list[int]]] = []
    for text_no, own in enumerate(bands, first):
        touched = sorted(other for other, theirs in stored.items() if not theirs.isdisjoint(own))
        near = []
        for other in touched[: copies.MAX_COMPARED]:
            if other not in runs:
                runs[other] = copies.runs(passage.text for passage in snapshot.passages_of_text(other))
            if copies.similarity(runs[text_no], runs[other]) >= copies.THRESHOLD:
                near.append(other)
        if own:
            stored[text_no] = set(own)
        result.append((own, near))
    return result


def _texts_in_bands(store: Store, snapshot: MilvusSnapshot, bands: Sequence[int]) -> dict[int, set[int]]:
    """The stored texts that share one of these bands, and the bands of each."""
    found: dict[int, set[int]] = {}
    for at in range(0, len(bands), _WAITING_ROWS):
        some = list(bands[at : at + _WAITING_ROWS])
        for row in store.query("texts", f"array_contains_any(bands, {some})", HEADER):
            found[row["text_no"]] = set(header_of(row).bands)
    return {text_no: theirs for text_no, theirs in found.items() if snapshot.is_named(text_no)}
