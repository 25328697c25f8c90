"""tantivy: BM25 over the words of passages, each together with its document's title and the heading above it.

Query text never goes through tantivy's parser, which raises on `what: foo?` and takes `-said` as an exclusion: the
text is analysed as the field is, less the words that join others, and its terms are joined by OR. Measured: title and
text as one field, and no stop words in queries, gave the best fused nDCG@10 of the ways tried.
"""

import json
import os
import re
import shutil
import weakref
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import log1p
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic, sleep
from typing import Any

import tantivy

from index.errors import CollectionError
from index.terms import ANALYZER, analyzer, query_words, searchable

# Of a question of more words than this, those that weigh most are searched. With a million passages the arguments that
# ArguAna asks with, 150 words long, take 16 ms in place of 21; its nDCG@10 goes from 0.505 to 0.502 by words alone,
# and from 0.555 to 0.558 fused (500 queries).
_SEARCHED_TERMS = 48
_FOOTER_MAGIC = 1337
_SYSTEM_SAID = re.compile(r'message: "([^"]+)"')
# How long `settle` waits for segments to be merged: a little, and longer after a bulk, which has the time.
_BEGINNING_SECONDS, _PATIENCE_SECONDS, _PATIENCE_PER_ENTRY = 0.02, 0.3, 0.002


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """What is indexed of a passage. words: its title, its heading and its text."""

    passage_id: int
    text_no: int
    words: str


def _schema() -> tantivy.Schema:
    return (
        tantivy.SchemaBuilder()
        .add_unsigned_field("id", indexed=True, fast=True)
        .add_unsigned_field("doc", indexed=True)
        .add_text_field("words", tokenizer_name=ANALYZER, index_option="freq")
        .build()
    )


class LexicalIndex:
    """The lexical index in a folder, or in memory where `folder` is None."""

    def __init__(self, folder: Path | None) -> None:
        """Raises ValueError or OSError, as tantivy does, where the folder's files are damaged."""
        self._schema = _schema()
        self._folder = folder
        self._writer: tantivy.IndexWriter | None = None
        self._unsettled = 0
        self.is_a_copy = folder is not None and folder.is_dir() and not os.access(folder, os.W_OK)
        if folder is not None and self.is_a_copy:
            # tantivy takes a lock file even to read; a folder that nobody may write to cannot change meanwhile.
            copy = mkdtemp(prefix="pilcrow-")
            weakref.finalize(self, shutil.rmtree, copy, ignore_errors=True)
            folder = Path(shutil.copytree(folder, Path(copy) / "lexical", copy_function=shutil.copyfile))
        if folder is None:
            self._index = tantivy.Index(self._schema)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            self._index = tantivy.Index(self._schema, path=str(folder))
        # By itself a reader would move on whenever something is committed, also in the middle of a question.
        self._index.config_reader("Manual")
        self._index.register_tokenizer(ANALYZER, analyzer(stop_words=True))

    def __len__(self) -> int:
        """The number of entries."""
        return int(self._index.searcher().num_docs)

    def replace(self, entries: Iterable[LexicalEntry], removed: Iterable[int] = ()) -> None:
        """Entries are put in, those of the same id first taken out; `removed` ids go. Committed when this returns.

        Segments are merged in the background from then on, since a merge of large ones takes seconds; until `settle`
        nobody else can write. Raises CollectionError where the disk is full or may not be written to.
        """
        try:
            if self._writer is None:
                self._writer = self._index.writer(heap_size=64_000_000, num_threads=1)
            writer = self._writer
            for passage_id in removed:
                writer.delete_documents_by_query(self._one(passage_id))
            for entry in entries:
                writer.delete_documents_by_query(self._one(entry.passage_id))
                writer.add_document(_tantivy_document(entry))
                self._unsettled += 1
            writer.commit()
            self._index.reload()
        except (ValueError, OSError) as error:
            self._writer = None
            raise CollectionError(
                f"the lexical index cannot be written ({_reason(error)}); free space or mend the folder's permissions, "
                "then try again: nothing that was stored before is lost"
            ) from error

    def settle(self) -> None:
        """Lets others write; waits for merges, but not for one that is out of proportion to what was written.

        Such a one is given up: its segments stay as they are, and the next commit begins it anew.
        """
        if self._writer is None:
            return
        sleep(_BEGINNING_SECONDS)  # for a merge to show itself by its files
        until = monotonic() + _PATIENCE_SECONDS + _PATIENCE_PER_ENTRY * self._unsettled
        while self._folder is not None and _unknown_files(self._folder) and monotonic() < until:
            sleep(0.02)
        self._writer, self._unsettled = None, 0
        self._index.reload()

    def searcher(self) -> tantivy.Searcher:
        """The entries as last loaded: they stay as they are, whatever is written and loaded later."""
        return self._index.searcher()

    def reload(self) -> None:
        """See what has been committed since, by whichever process."""
        self._index.reload()

    def has(self, passage_id: int, searcher: tantivy.Searcher) -> bool:
        """Whether there is an entry of this id."""
        return bool(searcher.search(self._one(passage_id), limit=1, count=False).hits)

    def words_beginning(self, beginning: str, searcher: tantivy.Searcher) -> list[str]:
        """The stored words that begin so, the most frequent first."""
        return [word for word, _ in searcher.terms_with_prefix("words", beginning)]

    def ids(self) -> set[int]:
        """The passage ids of all entries."""
        searcher = self._index.searcher()
        if not searcher.num_docs:
            return set()
        hits = searcher.search(tantivy.Query.all_query(), limit=searcher.num_docs, count=False).hits
        return {int(i) for i in searcher.fast_field_values("id", [address for _, address in hits]) if i is not None}

    def search(
        self,
        query: str,
        k: int,
        *,
        texts: Sequence[int] | None = None,
        searcher: tantivy.Searcher | None = None,
    ) -> list[tuple[int, float]]:
        """Passage ids and BM25 scores of the at most k best, best first; nothing where no term is known.

        texts: where given, only passages of texts of these numbers. searcher: what to search, by default the latest.
        """
        parsed = self._query(query)
        if parsed is None or k < 1:
            return []
        if texts is not None:
            among = tantivy.Query.const_score_query(tantivy.Query.term_set_query(self._schema, "doc", list(texts)), 0.0)
            parsed = tantivy.Query.boolean_query([(tantivy.Occur.Must, parsed), (tantivy.Occur.Must, among)])
        searcher = searcher or self._index.searcher()
        hits = searcher.search(parsed, limit=k, count=False).hits
        ids = searcher.fast_field_values("id", [address for _, address in hits])
        return [(int(i), float(score)) for i, (score, _) in zip(ids, hits, strict=True) if i is not None]

    def _query(self, text: str) -> tantivy.Query | None:
        counts = query_words(text)
        if not counts:
            return None
        if len(counts) > _SEARCHED_TERMS:
            counts = Counter(dict(nlargest(_SEARCHED_TERMS, counts.items(), key=lambda found: self._weight(*found))))
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, self._term(*found)) for found in counts.items()])

    def _weight(self, term: str, count: int) -> float:
        """How much a term can add to a score: its count times its inverse document frequency, as BM25 has it."""
        searcher = self._index.searcher()
        having = searcher.doc_freq("words", term)
        return count * log1p((searcher.num_docs - having + 0.5) / (having + 0.5)) if having else 0.0

    def _one(self, passage_id: int) -> tantivy.Query:
        # delete_documents_by_term takes a Python int for a signed number and finds nothing in an unsigned field.
        return tantivy.Query.term_query(self._schema, "id", passage_id)

    def _term(self, term: str, count: int) -> tantivy.Query:
        query = tantivy.Query.term_query(self._schema, "words", term, "freq")
        return tantivy.Query.boost_query(query, float(count))


def _reason(error: Exception) -> str:
    """What the system said, where tantivy shows it inside its records; else the first line of tantivy's own."""
    found = _SYSTEM_SAID.search(str(error))
    return found[1] if found else str(error).splitlines()[0]


def _tantivy_document(entry: LexicalEntry) -> tantivy.Document:
    document = tantivy.Document()  # given by keyword, a number would become a signed one, which the schema refuses
    document.add_unsigned("id", entry.passage_id)
    document.add_unsigned("doc", entry.text_no)
    document.add_text("words", searchable(entry.words))
    return document


def remove_orphans(folder: Path) -> None:
    """Takes away files that no commit knows: a process that was killed left them.

    tantivy counts its steps from the last commit, so a later one comes to the same name and would fail there:
    "FileAlreadyExists". Only for the writer, before it writes.
    """
    for path in _unknown_files(folder):
        path.unlink(missing_ok=True)


def committed_files(folder: Path) -> list[Path]:
    """The files of the last commit, in the order of their names; not those of segments that are being merged."""
    passing = {".lock", ".managed.json"}
    unknown = {path.name for path in _unknown_files(folder)}
    return sorted(
        path for path in folder.iterdir() if path.name not in unknown and not passing & {path.suffix, path.name}
    )


def _unknown_files(folder: Path) -> list[Path]:
    """Files that the last commit does not name; none where it cannot be read."""
    try:
        stated = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        segments = {s["segment_id"].replace("-", ""): (s["deletes"] or {}).get("opstamp") for s in stated["segments"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # not an index that could be opened, either: it will be made again
    unknown = []
    for path in folder.iterdir():
        segment, _, kind = path.name.partition(".")
        if path.suffix in (".json", ".lock"):
            continue
        if segment not in segments or (kind.endswith("del") and kind != f"{segments[segment]}.del"):
            unknown.append(path)
    return unknown


def whole_files(folder: Path) -> bool:
    """Whether the bytes of all files are those that tantivy wrote: each ends with their CRC-32, which it never checks.

    A file ends: bytes, a JSON object with "crc", its length (4 bytes), a magic number (4 bytes), little-endian.
    """
    for path in folder.iterdir():
        if path.suffix in (".lock", ".json"):
            continue
        raw: Any = _mapped(path)
        length = int.from_bytes(raw[-8:-4], "little")
        if len(raw) < length + 8 or int.from_bytes(raw[-4:], "little") != _FOOTER_MAGIC:
            return False
        try:
            stated = json.loads(bytes(raw[-8 - length : -8]))["crc"]
        except (ValueError, KeyError, TypeError):
            return False
        if zlib.crc32(raw[: -8 - length]) != stated:
            return False
    return True


def _mapped(path: Path) -> memoryview:
    """A file's bytes, read as they are looked at: one may have hundreds of megabytes."""
    with path.open("rb") as file:
        return memoryview(mmap(file.fileno(), 0, access=ACCESS_READ) if path.stat().st_size else b"")


def remove_folder(folder: Path) -> None:
    """Take the index away, so that it can be made again from the truth."""
    shutil.rmtree(folder, ignore_errors=True)
