"""One state of a collection, as a question sees it: documents, passages, and the two searches.

Lives inside one SQLite read transaction. A hit whose id the truth does not have in it is dropped.
"""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

from index.address import folder_size
from index.collection import Filters, Status, StoredName
from index.documents import Document
from index.encoder.embedding import EncoderIdentity, Vectors, require_comparable
from index.folder import vectors as dense
from index.folder.base import BaseAndTail, described_base
from index.folder.rows import (
    describe_document_row,
    document_row,
    find_text,
    read_document_row,
    read_document_rows,
    read_notices,
    read_paragraphs,
    select_in,
)
from index.folder.selection import Selection, Selections, clauses_of
from index.folder.truth import meta, stored_encoder
from index.folder.words import LexicalOnDisk, LexicalView
from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from index.prepared import from_blobs, text_key

# Hits that the truth no longer has are dropped, so a few more than asked for are fetched.
_SPARE_HITS = 16
# Texts up to which words are searched among those only, and hits up to which others are passed over instead. Measured
# with a million passages: among 2,000, 4,000, 8,000 texts a search takes tantivy 11, 13, 16 ms of processor time. Where
# filters let as many through, the best 12,000, 6,000, 3,000 hits have to be asked for, and take 15, 11, 9 ms.
_FEW_TEXTS, _DEEPEST = 3_000, 20_000
# From so many passages on, another thread searches words while this one encodes the question and looks at vectors: with
# a million they take 5 ms and, filtered, 9. Of fewer the search takes less than one thread may wait for another.
_MANY_PASSAGES = 50_000
# Hits for words, and whether there are no others.
_Words = tuple[list[tuple[int, float]], bool]
# Of the names of a text, the one that it is cited under: the earliest dated, then the first that was stored.
_EARLIEST = "ORDER BY d.date IS NULL, d.date, d.doc_no"


class DerivedIndexes:
    """The indexes of one open collection, and what they were found to be; shared by all its snapshots and the writer.

    They may hold more than the truth, never less. Only the holder of the writer's lock writes them.
    """

    def __init__(self, folder: Path) -> None:
        """folder: the collection's."""
        self._notices: dict[str, str] = {}
        self.base = BaseAndTail(folder, self._notices)
        self.words = LexicalOnDisk(folder, self._notices)
        self.selections = Selections()

    @property
    def notices(self) -> list[str]:
        """What was found damaged, a line each; for a reader, what still is."""
        return list(self._notices.values())

    def mend(self, connection: sqlite3.Connection, dimension: int, *, thorough: bool = False) -> list[str]:
        """Makes again what is missing, truncated, older or altered, without embedding; the names of what was.

        thorough: compares every file's bytes with their checksums, also where nothing seems to have touched it.
        """
        mended = []
        if self.base.mend(connection, dimension, thorough=thorough):
            mended.append("vector index")
        if self.words.mend(connection, thorough=thorough):
            mended.append("lexical index")
        return mended


class FolderSnapshot:
    """One state of a collection; lives inside `Collection.reading()`."""

    def __init__(
        self, folder: Path, connection: sqlite3.Connection, derived: DerivedIndexes, lexical: LexicalView
    ) -> None:
        """Use `Collection.reading`. connection: inside its read transaction."""
        self._folder = folder
        self.connection = connection
        self._derived = derived
        self._lexical = lexical
        self.generation = lexical.generation
        self.encoder = stored_encoder(connection, folder)

    # Searching

    def require(self, encoder: EncoderIdentity) -> None:
        """Raises CollectionMismatch where another encoder made the vectors: a query's would not be comparable."""
        require_comparable(self.encoder, encoder, self._folder)

    def nearest(self, query: Vectors, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and cosines of the at most k nearest to one query vector (d,), best first, ties by id."""
        dimension = self.encoder.dimension
        last, base = self._derived.base.base(self.connection, dimension)
        selection = self._selection(last, filters)
        is_exact = described_base(self.connection).kind == "exact"
        if selection is not None and selection.few is not None and not is_exact:
            return _best(self._cosines(query, selection.few), k)
        within = None if selection is None else selection.bits
        found: list[tuple[int, float]] = []
        if base is not None:
            share = 1.0 if selection is None else min(selection.count / max(base.ntotal, 1), 1.0)
            ids, cosines = dense.search(base, query, k + _SPARE_HITS, within=within, share=share)
            found.extend(_pairs(ids, cosines) if is_exact else self._cosines(query, ids))
        tail = self._derived.base.tail(self.connection, self.generation, last, dimension)
        found.extend(_pairs(*dense.search(tail, query, k, within=within)))
        return _best(found, k)

    def lexical(self, query: str, k: int, filters: Filters | None = None) -> list[tuple[int, float]]:
        """Passage ids and BM25 scores of the at most k best, best first, ties by id."""
        return self.lexical_later(query, k, filters)()

    def lexical_later(
        self, query: str, k: int, filters: Filters | None = None
    ) -> Callable[[], list[tuple[int, float]]]:
        """Begins such a search; what is returned waits for its hits. In a large collection another thread searches."""
        last = self._derived.base.base(self.connection, self.encoder.dimension)[0]
        selection = self._selection(last, filters) if filters else None
        if self._lexical.index is None:
            self._lexical = self._derived.words.in_memory(self.connection, self._lexical)
        searching: Callable[[], _Words] = partial(self._words, query, k + _SPARE_HITS, selection)
        if self._lexical.searcher is not None and self._lexical.searcher.num_docs >= _MANY_PASSAGES:
            searching = _threads().submit(searching).result
        return partial(self._stored_words, query, k, selection, searching)

    def _stored_words(
        self, query: str, k: int, selection: Selection | None, searching: Callable[[], _Words]
    ) -> list[tuple[int, float]]:
        """The k best that the truth has, of a search for a few more, and of deeper ones where those are not enough."""
        wanted = k + _SPARE_HITS
        hits, are_all = searching()
        while True:
            known = self._known([passage_id for passage_id, _ in hits])
            if len(known) >= k or are_all:
                return _best([hit for hit in hits if hit[0] in known], k)
            wanted *= 2  # entries that the truth has no longer stand in the way
            hits, are_all = self._words(query, wanted, selection)

    def _words(self, query: str, wanted: int, selection: Selection | None) -> _Words:
        """The best hits for words, at most so many, and whether there are no others. Asks nothing of the truth."""
        index, searcher = self._lexical.index, self._lexical.searcher
        if index is None or searcher is None:
            return [], True
        if selection is None:
            hits = index.search(query, wanted, searcher=searcher)
            return hits, len(hits) < wanted
        depth = wanted * max(searcher.num_docs, 1) // max(selection.count, 1)
        # Among few texts only those are searched. Where many pass, it is faster to pass over the hits that do not.
        if len(selection.texts) <= _FEW_TEXTS or depth > _DEEPEST:
            hits = index.search(query, wanted, texts=selection.texts.tolist(), searcher=searcher)
            return hits, len(hits) < wanted
        hits = index.search(query, depth, searcher=searcher)
        passing = selection.lets_through([passage_id for passage_id, _ in hits])
        return [hit for hit, passes in zip(hits, passing, strict=True) if passes][:wanted], len(hits) < depth

    def vectors(self, passage_ids: Sequence[int]) -> Vectors:
        """Stored vectors (n, d) of passages, in the order asked for."""
        rows = dict(select_in(self.connection, "SELECT passage_id, vector FROM passages WHERE passage_id", passage_ids))
        return from_blobs([rows[passage_id] for passage_id in passage_ids], self.encoder.dimension)

    def texts_of(self, passage_ids: Sequence[int]) -> dict[int, int]:
        """Passage id -> the number of the text that it is of."""
        return dict(
            select_in(self.connection, "SELECT passage_id, text_no FROM passages WHERE passage_id", passage_ids)
        )

    def words_beginning(self, beginning: str) -> list[str]:
        """Words of the collection, as `index.terms` stores them, that begin so, the most frequent first."""
        if self._lexical.index is None:
            self._lexical = self._derived.words.in_memory(self.connection, self._lexical)
        index, searcher = self._lexical.index, self._lexical.searcher
        return index.words_beginning(beginning, searcher) if index and searcher else []

    def passages(self, passage_ids: Sequence[int], filters: Filters | None = None) -> list[Passage]:
        """Passages in the order asked for, those that are gone left out.

        Where several documents have the same text, `doc_id` is the earliest dated of those that the filters allow.
        """
        clauses, values = clauses_of(filters)
        name = f"SELECT d.doc_id FROM documents d WHERE d.text_no = p.text_no{clauses} {_EARLIEST} LIMIT 1"
        rows = {
            row[0]: Passage(*row)
            for row in select_in(
                self.connection,
                f"SELECT p.passage_id, ({name}), p.start, p.end, substr(t.text, p.start + 1, p.end - p.start) "
                "FROM passages p JOIN texts t USING (text_no) WHERE p.passage_id",
                passage_ids,
                before=values,
            )
            if row[1] is not None
        }
        return [rows[passage_id] for passage_id in passage_ids if passage_id in rows]

    # Documents

    def passages_of(self, doc_id: str) -> list[Passage]:
        """All passages of a document, in the order of its text. Raises UnknownDocument."""
        rows = self.connection.execute(
            "SELECT p.passage_id, p.start, p.end, substr(t.text, p.start + 1, p.end - p.start) "
            "FROM passages p JOIN texts t USING (text_no) WHERE text_no = ? ORDER BY p.start",
            (self._row(doc_id)[1],),
        )
        return [Passage(row[0], doc_id, *row[1:]) for row in rows]

    def document(self, doc_id: str) -> Document:
        """A document, with its text. Raises UnknownDocument; CollectionDamaged where the text is not as stored."""
        return read_document_row(self.connection, self._folder, self._row(doc_id)[0])

    def paragraphs(self, doc_id: str) -> list[Paragraph]:
        """All paragraphs of a document, in order. Raises UnknownDocument."""
        return read_paragraphs(self.connection, self._row(doc_id)[1], doc_id)

    def names(self) -> list[StoredName]:
        """The names of all documents."""
        return list(map(StoredName._make, self.connection.execute("SELECT doc_id, source, sha256 FROM documents")))

    def n_documents(self) -> int:
        """How many documents there are, none of them read."""
        count: int = self.connection.execute("SELECT count(*) FROM documents").fetchone()[0]
        return count

    def described(self, doc_id: str) -> Document:
        """A document without its text (`text` is empty). Raises UnknownDocument."""
        return describe_document_row(self.connection, self._row(doc_id)[0])

    def documents(self) -> list[Document]:
        """All documents by name, without their texts (`text` is empty)."""
        return read_document_rows(self.connection)

    def text_keys(self) -> dict[int, bytes]:
        """The key of each stored text, by its number: what makes two texts the same."""
        return dict(self.connection.execute("SELECT text_no, key FROM texts ORDER BY text_no").fetchall())

    def text(self, text_no: int) -> tuple[Document, list[Paragraph]]:
        """A stored text under one of its names, and its paragraphs. Raises CollectionDamaged."""
        (doc_no,) = self.connection.execute("SELECT doc_no FROM documents WHERE text_no = ?", (text_no,)).fetchone()
        document = read_document_row(self.connection, self._folder, doc_no)
        return document, read_paragraphs(self.connection, text_no, document.doc_id)

    def has_text(self, document: Document, paragraphs: Sequence[Paragraph]) -> bool:
        """Whether the same text, under whatever name, is stored."""
        return find_text(self.connection, text_key(document, paragraphs)) is not None

    def copies(self, doc_id: str, filters: Filters | None = None) -> list[str]:
        """The other documents that have the same text, the earliest dated first. Raises UnknownDocument."""
        clauses, values = clauses_of(filters)
        rows = self.connection.execute(
            f"SELECT d.doc_id FROM documents d WHERE d.text_no = ? AND d.doc_id != ?{clauses} {_EARLIEST}",
            (self._row(doc_id)[1], doc_id, *values),
        )
        return [row[0] for row in rows]

    def near_copies(self, doc_id: str, filters: Filters | None = None) -> list[str]:
        """Documents of which the text differs from this one's in small edits, the earliest dated first."""
        clauses, values = clauses_of(filters)
        rows = self.connection.execute(
            "SELECT d.doc_id FROM near_copies n JOIN documents d ON d.text_no = n.other_no "
            f"WHERE n.text_no = ?{clauses} {_EARLIEST}",
            (self._row(doc_id)[1], *values),
        )
        return [row[0] for row in rows]

    def status(self) -> Status:
        """The collection in numbers."""
        one = self.connection.execute
        self._derived.base.base(self.connection, self.encoder.dimension)  # a damaged index leaves its notice
        if self._lexical.index is None:
            self._lexical = self._derived.words.in_memory(self.connection, self._lexical)
        documents = self.n_documents()
        paragraphs, furniture = one(
            "SELECT count(*), coalesce(sum(kind = ?), 0) FROM documents JOIN paragraphs USING (text_no)",
            (Kind.FURNITURE.value,),
        ).fetchone()
        return Status(
            documents=documents,
            paragraphs=paragraphs,
            passages=one("SELECT count(*) FROM passages").fetchone()[0],
            furniture=furniture,
            duplicates=documents - self._different_texts(),
            size=folder_size(self._folder),
            encoder=self.encoder,
            generation=self.generation,
            health="; ".join(self._derived.notices) or "ok",
            vectors=described_base(self.connection),
            not_read=read_notices(self.connection),
        )

    def _different_texts(self) -> int:
        """The number of texts, near-copies counted once: of sets that are linked by near-copies."""
        first: dict[int, int] = {}

        def find(text_no: int) -> int:
            while first.get(text_no, text_no) != text_no:
                text_no = first[text_no]
            return text_no

        texts = self.connection.execute("SELECT count(*) FROM texts").fetchone()[0]
        for one, other in self.connection.execute("SELECT text_no, other_no FROM near_copies WHERE text_no < other_no"):
            a, b = find(one), find(other)
            texts -= a != b
            first[b] = a
        return int(texts)

    def _row(self, doc_id: str) -> tuple[int, int]:
        return document_row(self.connection, self._folder, doc_id)

    def _known(self, passage_ids: Sequence[int]) -> set[int]:
        return {
            row[0]
            for row in select_in(self.connection, "SELECT passage_id FROM passages WHERE passage_id", passage_ids)
        }

    def _selection(self, last: int, filters: Filters | None) -> Selection | None:
        """What the filters let through; None is everything. Raises UnknownDocument."""
        for doc_id in filters.documents if filters else ():
            self._row(doc_id)  # a name that is not there is a mistake, not an empty result
        return self._derived.selections.of(self.connection, self.generation, last, filters)

    def _cosines(self, query: Vectors, passage_ids: dense.Ids) -> list[tuple[int, float]]:
        """Exact cosines of those of the passages that the truth has."""
        rows = list(
            select_in(self.connection, "SELECT passage_id, vector FROM passages WHERE passage_id", passage_ids.tolist())
        )
        cosines = from_blobs([row[1] for row in rows], self.encoder.dimension) @ query
        return [(row[0], float(cosine)) for row, cosine in zip(rows, cosines, strict=True)]


@cache
def _threads() -> ThreadPoolExecutor:
    """Those that search for words."""
    return ThreadPoolExecutor(thread_name_prefix="words")


def read_generation(connection: sqlite3.Connection) -> int:
    """The generation, as the connection sees it now."""
    return int(meta(connection, "generation"))


def _pairs(ids: dense.Ids, scores: Vectors) -> list[tuple[int, float]]:
    return list(zip(ids.tolist(), scores.tolist(), strict=True))


def _best(found: list[tuple[int, float]], k: int) -> list[tuple[int, float]]:
    return sorted(found, key=lambda hit: (-hit[1], hit[0]))[:k]
