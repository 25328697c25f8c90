"""What a question, an opening and an addition take of one collection; run by `eval.bench.million`, a process for each.

    python -m eval.bench.one_size COLLECTION DATA NEW_FILE

The questions are those of the BEIR folders below DATA, a hundred of each. A filter is drawn anew for each question, so
none is answered from memory. What is counted excludes five questions that warm up. Prints one JSON object.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from eval.bench.bulk import DAYS, FIRST_DAY, PUBLISHERS, publisher
from eval.gold.datasets import read_beir
from eval.measures.thresholds import percentile
from index.collection import Collection, Filters, Snapshot
from index.encoder.embedding import Encoder, Vectors, open_encoder
from index.folder.rows import vector_chunks
from index.folder.snapshot import FolderSnapshot
from index.intake.indexing import index_paths
from index.opening import open_collection
from rag.retrieval import CANDIDATES, retrieve

T = TypeVar("T")

_OF_EACH = 100
_WARMING = 5
_ADDED = 5
_MEGABYTE = 1 << 20


class Staged:
    """A snapshot, and the seconds that pass in what each question asks of it, by stage."""

    def __init__(self, snapshot: FolderSnapshot) -> None:
        self.seconds: dict[str, list[float]] = {}
        self._inside = 0.0
        self.encoder, self.generation, self.require = snapshot.encoder, snapshot.generation, snapshot.require
        self.texts_of, self.words_beginning = snapshot.texts_of, snapshot.words_beginning
        self._lexical = self._timed("words: tantivy", snapshot.lexical)
        self.vectors = self._timed("vectors of the hits for words: SQLite", snapshot.vectors)
        self.passages = self._timed("text of the ten best: SQLite", snapshot.passages)
        self.nearest = self._timed("nearest: FAISS", snapshot.nearest)
        snapshot._cosines = self._timed(  # type: ignore[method-assign]
            "vectors of the nearest, exact cosines: SQLite", snapshot._cosines
        )
        snapshot._selection = self._timed(  # type: ignore[method-assign]
            "what filters let through", snapshot._selection
        )

    def lexical_later(self, *given: Any) -> Callable[[], list[tuple[int, float]]]:
        """The search for words, when its hits are asked for: by itself, not beside the other stages."""
        return partial(self._lexical, *given)

    def next_question(self) -> None:
        """From now on another question is asked."""
        for times in self.seconds.values():
            times.append(0.0)

    def _timed(self, stage: str, do: Callable[..., T]) -> Callable[..., T]:
        """The same, its time counted, less that of stages inside it."""
        times = self.seconds.setdefault(stage, [])

        def timed(*given: Any, **named: Any) -> T:
            outside, self._inside = self._inside, 0.0
            began = perf_counter()
            try:
                return do(*given, **named)
            finally:
                passed = perf_counter() - began
                times[-1] += passed - self._inside
                self._inside = outside + passed

        return timed


def measure(folder: Path, data: Path, new_file: Path) -> dict[str, Any]:
    """The figures of one collection."""
    encoder = open_encoder()
    questions = read_questions(data)
    vectors = encoder.encode(questions)
    encoder.encode_passages(["."])
    before = memory()
    figures = opened(folder, questions[0], vectors[0], encoder)
    with open_collection(folder) as collection:
        with collection.reading() as snapshot:
            began = perf_counter()
            status = snapshot.status()
            figures["status_seconds"] = round(perf_counter() - began, 3)
            figures["passages"], figures["documents"] = status.passages, status.documents
            figures["bytes"] = _file_bytes(folder)
            figures["vectors"] = str(status.vectors)
            figures["segments"] = segments(snapshot)
        figures["milliseconds"] = {
            name: _timed_questions(collection, encoder, questions, vectors, filters)
            for name, filters in _filters_of(collection, len(questions)).items()
        }
        figures["milliseconds"]["query encoded, too"] = _timed_questions(collection, encoder, questions, None, [])
        figures["stages"] = stages(collection, encoder, questions, vectors, [])
        dated = _filters_of(collection, len(questions))["dates"]
        figures["stages_within_dates"] = stages(collection, encoder, questions, vectors, dated)
        figures["memory_mb"] = {"without": before, "answering": memory()}
        figures["recall_at_10"] = recall(collection, vectors)
    figures["added"] = added(folder, encoder, new_file, questions[1], vectors[1])
    return figures


def read_questions(data: Path) -> list[str]:
    """A hundred questions of each BEIR folder, the same each time, in an order in which the sets take turns."""
    of_sets = []
    for corpus in sorted(data.rglob("corpus.jsonl")):
        queries = sorted(read_beir(corpus.parent).queries.items())
        drawn = np.random.default_rng(3).permutation(len(queries))[:_OF_EACH]
        of_sets.append([queries[at][1] for at in drawn])
    return [text for turn in zip(*of_sets, strict=True) for text in turn]


def opened(folder: Path, question: str, vector: Vectors, encoder: Encoder) -> dict[str, Any]:
    """Seconds until the collection is open, and until its first question is answered with hits."""
    began = perf_counter()
    with open_collection(folder) as collection, collection.reading() as snapshot:
        opening = perf_counter() - began
        retrieve(snapshot, encoder, question, vector=vector)
        return {"opening_seconds": {"open": round(opening, 3), "first hits": round(perf_counter() - began, 3)}}


def _filters_of(collection: Collection, count: int) -> dict[str, list[Filters]]:
    """Names of ways to filter, and a filter for each question; none for the way without."""
    chance = np.random.default_rng(4)
    with collection.reading() as snapshot:
        names = [name.doc_id for name in snapshot.names()]
    shares = 1 / np.arange(1, PUBLISHERS + 1)
    outlets = chance.choice(PUBLISHERS, count, p=shares / shares.sum())
    return {
        "no filter": [],
        "dates": [_dates(chance) for _ in range(count)],
        "publisher": [Filters(publisher=publisher(int(outlet))) for outlet in outlets],
        "one document": [Filters(documents=(names[at],)) for at in chance.integers(0, len(names), count)],
    }


def _dates(chance: np.random.Generator) -> Filters:
    """A range of a month to all years: its length's logarithm is drawn evenly."""
    days = int(np.exp(chance.uniform(np.log(30), np.log(DAYS))))
    first = FIRST_DAY + timedelta(days=int(chance.integers(0, DAYS - days + 1)))
    return Filters(after=first.isoformat(), before=(first + timedelta(days=days)).isoformat())


def _timed_questions(
    collection: Collection,
    encoder: Encoder,
    questions: Sequence[str],
    vectors: Vectors | None,
    filters: Sequence[Filters],
) -> dict[str, float]:
    """Milliseconds of retrieving ten hits. vectors: those of the questions; None to count their encoding."""
    seconds = []
    for at, question in enumerate(questions):
        began = perf_counter()
        with collection.reading() as snapshot:
            vector = None if vectors is None else vectors[at]
            retrieve(snapshot, encoder, question, vector=vector, filters=filters[at] if filters else None)
        seconds.append(perf_counter() - began)
    kept = [1000 * one for one in seconds[_WARMING:]]
    return {
        "p50": round(percentile(kept, 0.5), 2),
        "p95": round(percentile(kept, 0.95), 2),
        "first": round(1000 * seconds[0], 1),
    }


def stages(
    collection: Collection,
    encoder: Encoder,
    questions: Sequence[str],
    vectors: Vectors,
    filters: Sequence[Filters],
) -> dict[str, dict[str, float]]:
    """Milliseconds of each stage of a question, its parts taken out of a whole. filters: as of `timed_questions`."""
    whole: list[float] = []
    with collection.reading() as snapshot:
        staged: Any = Staged(_folder_snapshot(snapshot))
        for at, (question, vector) in enumerate(zip(questions, vectors, strict=True)):
            staged.next_question()
            began = perf_counter()
            retrieve(staged, encoder, question, vector=vector, filters=filters[at] if filters else None)
            whole.append(perf_counter() - began)
    encoding = []
    for question in questions:
        began = perf_counter()
        encoder.encode([question])
        encoding.append(perf_counter() - began)
    parts = {"query: the encoder": encoding, **{name: times for name, times in staged.seconds.items() if any(times)}}
    rest = sum(whole) - sum(sum(times) for times in staged.seconds.values())
    figures = {name: _spread(times[_WARMING:]) for name, times in parts.items()}
    return figures | {"the rest: fusion": {"mean": round(1000 * rest / len(whole), 2)}}


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    ms = [1000 * one for one in seconds]
    return {
        "mean": round(sum(ms) / len(ms), 2),
        "p50": round(percentile(ms, 0.5), 2),
        "p95": round(percentile(ms, 0.95), 2),
    }


def recall(collection: Collection, queries: Vectors) -> float:
    """Of the ten passages nearest to each question by a plain matrix product, the share that is found."""
    with collection.reading() as snapshot:
        folder = _folder_snapshot(snapshot)
        best = np.full((len(queries), 10), -1, np.int64)
        scores = np.full((len(queries), 10), -np.inf, np.float32)
        for ids, vectors in vector_chunks(folder.connection, queries.shape[1]):
            both = np.concatenate([scores, queries @ vectors.T], axis=1)
            named = np.concatenate([best, np.broadcast_to(ids, (len(queries), len(ids)))], axis=1)
            kept = np.argpartition(-both, 9, axis=1)[:, :10]
            scores, best = np.take_along_axis(both, kept, 1), np.take_along_axis(named, kept, 1)
        found = [[i for i, _ in snapshot.nearest(query, CANDIDATES)[:10]] for query in queries]
    return round(float(np.mean([np.isin(a, b).mean() for a, b in zip(best, found, strict=True)])), 4)


def added(folder: Path, encoder: Encoder, new_file: Path, question: str, vector: Vectors) -> dict[str, Any]:
    """Seconds of opening for writing, of `pilcrow index` of one new file in an open collection, medians of five.

    And the bytes that this wrote, and milliseconds of the first question after it. The documents are removed again.
    """
    began = perf_counter()
    seconds, written, first = [], [], []
    with open_collection(folder, write=True) as writer, open_collection(folder) as reader:
        opening = perf_counter() - began
        for number in range(_ADDED):
            new_file.write_text(f"Number {number}. {_SENTENCE}\n", encoding="utf-8")
            before, began = _written(), perf_counter()
            index_paths(writer, encoder, [new_file])
            seconds.append(perf_counter() - began)
            written.append(_written() - before)
            began = perf_counter()
            with reader.reading() as snapshot:
                retrieve(snapshot, encoder, question, vector=vector)
            first.append(perf_counter() - began)
        with writer.reading() as snapshot:
            mine = [name.doc_id for name in snapshot.names() if name.source == str(new_file.resolve())]
        writer.remove(mine)
        began = perf_counter()
    return {
        "opening_seconds": round(opening, 3),
        "seconds": round(median(seconds), 3),
        "most_seconds": round(max(seconds), 3),
        "closing_seconds": round(perf_counter() - began, 3),
        "bytes_written": int(median(written)),
        "first_question_after_ms": round(1000 * median(first), 1),
    }


_SENTENCE = "The ferry across the sound was delayed by fog, and the harbour master kept the lamps burning until noon."


def _written() -> int:
    """Bytes that this process has had written to disk (Linux)."""
    return int(re.findall(r"^write_bytes: (\d+)", Path("/proc/self/io").read_text(), re.MULTILINE)[0])


def memory() -> dict[str, int]:
    """Megabytes resident: all, and those of mapped files among them, which the system takes back when it needs them."""
    stated = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE))
    return {
        "resident": int(stated["VmRSS"]) * 1024 // _MEGABYTE,
        "of files": int(stated["RssFile"]) * 1024 // _MEGABYTE,
    }


def _file_bytes(folder: Path) -> dict[str, int]:
    """Bytes of the truth, the vectors and the words."""
    return {
        "corpus.sqlite": sum(path.stat().st_size for path in folder.glob("corpus.sqlite*")),
        "vectors": sum(path.stat().st_size for path in folder.glob("vectors-*.faiss")),
        "lexical": sum(path.stat().st_size for path in (folder / "lexical").iterdir()),
    }


def segments(snapshot: Snapshot) -> int:
    """The number of tantivy's segments."""
    searcher = _folder_snapshot(snapshot)._lexical.searcher
    return searcher.num_segments if searcher else 0


def _folder_snapshot(snapshot: Snapshot) -> FolderSnapshot:
    if not isinstance(snapshot, FolderSnapshot):
        raise TypeError("only a collection in a folder is measured here")
    return snapshot


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.one_size", description=__doc__)
    parser.add_argument("collection", type=Path)
    parser.add_argument("data", type=Path, help="a folder of BEIR folders, for their questions")
    parser.add_argument("new_file", type=Path, help="a .txt file that is written, indexed, and taken out again")
    given = parser.parse_args(arguments)
    sys.stdout.write(json.dumps(measure(given.collection, given.data, given.new_file)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
