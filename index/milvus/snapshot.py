"""One state of a collection in Milvus, as a question sees it.

A document's row is visible from generation `born` until before `died`; the generation that a reading began with decides
for as long as it lasts. Texts and passages are never changed, and outlive the last row that names them by a while (see
`collection.GRACE`), so what a question has found it can still read. A hit whose text no visible row names is dropped.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from index.collection import Filters, Status, StoredName
from index.documents import Document
from index.encoder.embedding import EncoderIdentity, Vectors, require_comparable
from index.errors import UnknownDocument
from index.milvus.rows import (
    DOCUMENT,
    HEADER,
    PASSAGE,
    Header,
    Text,
    Version,
    condition_of,
    damaged_text,
    earliest_first,
    hashed,
    header_no,
    header_of,
    piece_nos,
    text_of_pieces,
    version_of,
)
from index.milvus.store import MAX_ROWS, Row, Store
from index.paragraphs import Paragraph
from index.passages import Passage
from index.prepared import text_key
from index.terms import query_words

# Hits that no visible row names are dropped, so a few more than asked for are fetched.
_SPARE_HITS = 16
# Where filters let more texts through, their numbers are not sent: hits are dropped here, and more are asked for.
_MANY_TEXTS = 20_000


class MilvusSnapshot:
    """One state of a collection; lives inside `MilvusCollection.reading()`, and keeps what it has read."""

    def __init__(self, store: Store, state: Row) -> None:
        """Use `MilvusCollection.reading`."""
        self._store = store
        self._state = state
        self.generation: int = state["generation"]
        self.encoder = EncoderIdentity.from_json(state["encoder"])
        self.passages_part: str = state["passages"]
        self.visible = f"born <= {self.generation} and died > {self.generation}"
        self._names: dict[int, list[Version]] = {}  # by text, the earliest dated first
        self._by_name: dict[str, Version] = {}
        self._headers: dict[int, Header] = {}
        self._texts: dict[int, Text] = {}
        self._passages: dict[int, Row] = {}
        self._allowed: dict[Filters, list[int]] = {}

    @property
    def place(self) -> str:
        """The collection's address."""
        return self._store.address.address

    # Searching

    def require(self, encoder: EncoderIdentity) -> None:
        """Raises CollectionMismatch where another encoder made the vectors: a query's would not be comparable."""
        require_comparable(self.encoder, encoder, self.place)

    def nearest(self, query: Vectors, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and cosines of the at most k nearest to one query vector (d,), best first, ties by id."""
        return self._search("vector", query.tolist(), k, filters)

    def lexical(self, query: str, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and BM25 scores of the at most k best, best first, ties by id."""
        words = " ".join(query_words(query).elements())
        return self._search("bm25", words, k, filters) if words else []

    def lexical_later(
        self, query: str, k: int, filters: Filters | None = None
    ) -> Callable[[], list[tuple[int, float]]]:
        """Such a search, to be made when its hits are asked for."""
        return partial(self.lexical, query, k, filters)

    def _search(self, field: str, query: Any, k: int, filters: Filters | None) -> list[tuple[int, float]]:
        texts = self._allowed_texts(filters)
        if k < 1 or texts == []:
            return []
        many = texts is not None and len(texts) > _MANY_TEXTS
        allowed = frozenset(texts) if texts is not None and many else None
        condition = "" if texts is None or many else f"text_no in {texts}"
        depth = k + _SPARE_HITS
        while True:
            hits = self._store.search(self.passages_part, field, query, depth, condition=condition, fields=PASSAGE)
            self._load_names({hit["text_no"] for hit in hits})
            known = [
                hit for hit in hits
                if self._names[hit["text_no"]] and (allowed is None or hit["text_no"] in allowed)
            ]  # fmt: skip
            if len(known) >= k or len(hits) < depth:
                break
            if depth >= MAX_ROWS:
                if allowed is None:
                    break
                allowed, condition, depth = None, f"text_no in {texts}", k
            depth *= 2  # passages that no visible row names, or that filters keep back, stand in the way
        self._passages.update((hit["passage_id"], hit) for hit in known)
        return sorted(((h["passage_id"], float(h["score"])) for h in known), key=lambda hit: (-hit[1], hit[0]))[:k]

    def vectors(self, passage_ids: Sequence[int]) -> Vectors:
        """Stored vectors (n, d) of passages, in the order asked for."""
        rows = self._store.get(self.passages_part, list(passage_ids), ["vector"])
        found = {row["passage_id"]: row["vector"] for row in rows}
        stored = [found[passage_id] for passage_id in passage_ids]
        return np.array(stored, np.float32).reshape(-1, self.encoder.dimension)

    def texts_of(self, passage_ids: Sequence[int]) -> dict[int, int]:
        """Passage id -> the number of the text that it is of."""
        return {row["passage_id"]: row["text_no"] for row in self._passage_rows(passage_ids)}

    def words_beginning(self, beginning: str) -> list[str]:  # noqa: ARG002 - Milvus lists no words
        """None: Milvus does not list the words of a field."""
        return []

    def passages(self, passage_ids: Sequence[int], filters: Filters | None = None) -> list[Passage]:
        """Passages in the order asked for, those that are gone left out.

        Where several documents have the same text, `doc_id` is the earliest dated of those that the filters allow.
        """
        rows = self._passage_rows(passage_ids)
        self._load_names({row["text_no"] for row in rows})
        named = {row["text_no"]: self._named(row["text_no"], filters) for row in rows}
        return [self._passage(row, names[0]) for row in rows if (names := named[row["text_no"]])]

    def _passage_rows(self, passage_ids: Sequence[int]) -> list[Row]:
        """The stored rows of passages, in the order asked for, those that are gone left out."""
        missing = [passage_id for passage_id in passage_ids if passage_id not in self._passages]
        if missing:
            found = self._store.get(self.passages_part, missing, PASSAGE)
            self._passages.update((row["passage_id"], row) for row in found)
        return [self._passages[passage_id] for passage_id in passage_ids if passage_id in self._passages]

    # Documents

    def passages_of(self, doc_id: str) -> list[Passage]:
        """All passages of a document, in the order of its text. Raises UnknownDocument."""
        return self._all_passages(self._version(doc_id))

    def document(self, doc_id: str) -> Document:
        """A document, with its text. Raises UnknownDocument; CollectionDamaged where the text is not as stored."""
        return self._with_text(self._version(doc_id))

    def paragraphs(self, doc_id: str) -> list[Paragraph]:
        """All paragraphs of a document, in order. Raises UnknownDocument."""
        return self._text(self._version(doc_id)).under(doc_id)

    def documents(self) -> list[Document]:
        """All documents by name, without their texts (`text` is empty)."""
        return sorted((v.document for v in self.versions()), key=lambda document: document.doc_id)

    def names(self) -> list[StoredName]:
        """The names of all documents."""
        return [StoredName(v.document.doc_id, v.document.source, v.document.sha256) for v in self.versions()]

    def n_documents(self) -> int:
        """How many documents there are, none of them read."""
        return self._store.count("documents", self.visible)

    def versions(self, condition: str = "") -> list[Version]:
        """All visible versions of documents that meet a condition."""
        also = f" and {condition}" if condition else ""
        return [version_of(row) for row in self._store.query("documents", self.visible + also, DOCUMENT)]

    def text_keys(self) -> dict[int, bytes]:
        """The key of each stored text, by its number: what makes two texts the same."""
        headers = self.headers({version.text_no for version in self.versions()})
        return {header.text_no: header.key for header in sorted(headers, key=lambda header: header.text_no)}

    def headers(self, text_nos: Iterable[int]) -> list[Header]:
        """What is known of texts without reading them."""
        numbers = list(text_nos)
        missing = [header_no(n) for n in numbers if n not in self._headers]
        for row in self._store.get("texts", missing, HEADER) if missing else ():
            self._headers[row["text_no"]] = header_of(row)
        return [self._headers[n] for n in numbers if n in self._headers]

    def text(self, text_no: int) -> tuple[Document, list[Paragraph]]:
        """A stored text under one of its names, and its paragraphs. Raises CollectionDamaged."""
        self._load_names({text_no})
        version = self._names[text_no][0]
        return self._with_text(version), self._text(version).under(version.document.doc_id)

    def has_text(self, document: Document, paragraphs: Sequence[Paragraph]) -> bool:
        """Whether the same text, under whatever name, is stored."""
        return bool(self.texts_of_keys([text_key(document, paragraphs)]))

    def texts_of_keys(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """The numbers of the stored texts that have these keys, by key."""
        wanted = ", ".join(f'"{key.hex()}"' for key in keys)
        if not wanted:
            return {}
        rows = self._store.query("texts", f"key in [{wanted}]", ["text_no", "key"])
        self._load_names({row["text_no"] for row in rows})
        return {bytes.fromhex(row["key"]): row["text_no"] for row in rows if self._names[row["text_no"]]}

    def copies(self, doc_id: str, filters: Filters | None = None) -> list[str]:
        """The other documents that have the same text, the earliest dated first. Raises UnknownDocument."""
        version = self._version(doc_id)
        self._load_names({version.text_no})
        names = [v.document.doc_id for v in self._named(version.text_no, filters)]
        return [name for name in names if name != doc_id]

    def near_copies(self, doc_id: str, filters: Filters | None = None) -> list[str]:
        """Documents of which the text differs from this one's in small edits, the earliest dated first."""
        near = self.near_texts(self._version(doc_id).text_no)
        self._load_names(near)
        found = [version for text_no in near for version in self._named(text_no, filters)]
        return [version.document.doc_id for version in earliest_first(found)]

    def near_texts(self, text_no: int) -> set[int]:
        """The numbers of the texts that are near-copies of one: those it was linked to, and those linked to it."""
        (header,) = self.headers([text_no])
        later = self._store.query("texts", f"array_contains(near, {text_no})", ["text_no"])
        return {*header.near, *(row["text_no"] for row in later)}

    def status(self) -> Status:
        """The collection in numbers."""
        versions = self.versions()
        headers = {header.text_no: header for header in self.headers({v.text_no for v in versions})}
        named = [headers[v.text_no] for v in versions]
        return Status(
            documents=len(versions),
            paragraphs=sum(header.paragraphs for header in named),
            passages=sum(header.passages[self.passages_part][0] for header in headers.values()),
            furniture=sum(header.furniture for header in named),
            duplicates=len(versions) - _different(headers),
            size=self._store.size(),
            encoder=self.encoder,
            generation=self.generation,
            health="ok",
            not_read=tuple(sorted((d.doc_id, notice) for d in (v.document for v in versions) for notice in d.notices)),
        )

    def described(self, doc_id: str) -> Document:
        """A document without its text. Raises UnknownDocument."""
        return self._version(doc_id).document

    def is_named(self, text_no: int) -> bool:
        """Whether a visible document has this text."""
        self._load_names({text_no})
        return bool(self._names[text_no])

    def stored_text(self, text_no: int) -> Text:
        """A text as it is stored. Raises CollectionDamaged."""
        self._load_names({text_no})
        return self._text(self._names[text_no][0])

    def passages_of_text(self, text_no: int) -> list[Passage]:
        """All passages of a text that a document has, in its order."""
        self._load_names({text_no})
        return self._all_passages(self._names[text_no][0])

    # What the methods share

    def _version(self, doc_id: str) -> Version:
        """The visible version of a document. Raises UnknownDocument."""
        if doc_id not in self._by_name:
            found = self.versions(f'doc_key == "{hashed(doc_id)}"')
            if not found:
                raise UnknownDocument(f"no document '{doc_id}' in '{self.place}'; 'pilcrow list' shows the names")
            self._by_name[doc_id] = found[0]
        return self._by_name[doc_id]

    def _load_names(self, text_nos: Iterable[int]) -> None:
        """Reads which visible documents have these texts, where that is not known yet."""
        missing = [text_no for text_no in text_nos if text_no not in self._names]
        found: dict[int, list[Version]] = {text_no: [] for text_no in missing}
        for row in self._store.query_in("documents", "text_no", missing, DOCUMENT, self.visible):
            version = version_of(row)
            self._by_name[version.document.doc_id] = version
            found[row["text_no"]].append(version)
        self._names.update((text_no, earliest_first(versions)) for text_no, versions in found.items())

    def _named(self, text_no: int, filters: Filters | None) -> list[Version]:
        """The names of a text that filters allow, the earliest dated first."""
        return [v for v in self._names.get(text_no, ()) if _allows(filters, v.document)]

    def _allowed_texts(self, filters: Filters | None) -> list[int] | None:
        """The numbers of the texts that a question may look at; None is all of them. Raises UnknownDocument."""
        if not filters:
            return None
        if filters not in self._allowed:
            for doc_id in filters.documents:
                self._version(doc_id)  # a name that is not there is a mistake, not an empty result
            rows = self._store.query("documents", f"{self.visible} and {condition_of(filters)}", ["text_no"])
            self._allowed[filters] = sorted({row["text_no"] for row in rows})
        return self._allowed[filters]

    def _text(self, version: Version) -> Text:
        """A text, its pieces put together. Raises CollectionDamaged."""
        if version.text_no not in self._texts:
            try:
                (header,) = self.headers([version.text_no])
                rows = self._store.get("texts", piece_nos(header), ["piece", "value"])
                self._texts[version.text_no] = text_of_pieces(header, rows)
            except ValueError as error:  # a header that is absent, or what its pieces hold
                raise damaged_text(version.document.doc_id, self.place, error) from error
        return self._texts[version.text_no]

    def _all_passages(self, version: Version) -> list[Passage]:
        rows = self._store.query(self.passages_part, f"text_no == {version.text_no}", [*PASSAGE, "passage_id"])
        return [self._passage(row, version) for row in sorted(rows, key=lambda row: row["start"])]

    def _with_text(self, version: Version) -> Document:
        return replace(version.document, text=self._text(version).characters)

    def _passage(self, row: Row, version: Version) -> Passage:
        text = row["text"]
        if len(text) != row["stop"] - row["start"]:  # it was too long for a field of Milvus
            text = self._text(version).characters[row["start"] : row["stop"]]
        return Passage(row["passage_id"], version.document.doc_id, row["start"], row["stop"], text)


def _allows(filters: Filters | None, document: Document) -> bool:
    """Whether filters let a document through; as `rows.condition_of` says it to Milvus."""
    if not filters:
        return True
    named = not filters.documents or document.doc_id in filters.documents
    return named and filters.fit(document.date, document.publisher)


def _different(headers: dict[int, Header]) -> int:
    """The number of texts, near-copies counted once: of sets that are linked by near-copies."""
    first: dict[int, int] = {}

    def find(text_no: int) -> int:
        while first.get(text_no, text_no) != text_no:
            text_no = first[text_no]
        return text_no

    texts = len(headers)
    for header in headers.values():
        for other in header.near:
            if other in headers:
                a, b = find(header.text_no), find(other)
                texts -= a != b
                first[b] = a
    return texts
