"""How a collection grows: the same questions of ten thousand, a hundred thousand, a million passages.

    python -m eval.bench.million DATA --folder DIR --passages 10000 --passages 100000 --passages 1000000 --save NAME

DATA: BEIR folders. Bulk is made of them as `eval.bench.bulk` says. DIR keeps the collections, each with a record of how
long it took to make; those that are there are asked again and not made again. Prints one JSON object: for each size
what it took to build, bytes by file, how vectors are searched, opening, memory, milliseconds by filter and by stage,
and what adding one document takes.
"""

import argparse
import json
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, ParamSpec, TypeVar

from eval.bench.bulk import Real, bulk, index_real, read_real
from eval.report import origin
from index.embedding import Encoder, open_encoder
from index.folder import create_collection
from index.records import Prepared

P = ParamSpec("P")
T = TypeVar("T")

# Documents that are stored in one go.
_BATCH = 2_000


class _Clock:
    """Seconds and processor seconds by stage; a stage inside another counts for itself alone."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}
        self._inner = [(0.0, 0.0)]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts what happens in the block."""
        began = perf_counter(), process_time()
        self._inner.append((0.0, 0.0))
        yield
        inner = self._inner.pop()
        passed = perf_counter() - began[0], process_time() - began[1]
        self.seconds[name] = self.seconds.get(name, 0.0) + passed[0] - inner[0]
        self.cpu_seconds[name] = self.cpu_seconds.get(name, 0.0) + passed[1] - inner[1]
        outer = self._inner.pop()
        self._inner.append((outer[0] + passed[0], outer[1] + passed[1]))

    def timed(self, name: str, do: Callable[P, T]) -> Callable[P, T]:
        """The same, counted."""

        def counted(*given: P.args, **named: P.kwargs) -> T:
            with self.stage(name):
                return do(*given, **named)

        return counted


def build(folder: Path, real: Real, encoder: Encoder, passages: int) -> dict[str, Any]:
    """Makes a collection of so many passages as any index run would, less the embedding; what it took."""
    clock = _Clock()
    with create_collection(folder, encoder.identity) as collection:
        derived = collection._derived
        derived.write_lexical = clock.timed("words", derived.write_lexical)  # type: ignore[method-assign]
        documents = 0
        for batch in _batches(bulk(real, passages)):
            with clock.stage("truth"):
                collection.replace(batch)
            documents += len(batch)
            sys.stderr.write(f"\r{folder.name}: {documents:,} documents")
        with clock.stage("vectors"):
            collection.refresh_base()
        sys.stderr.write("\n")
    return {
        "documents": documents,
        "seconds": _rounded(clock.seconds),
        "cpu_seconds": _rounded(clock.cpu_seconds),
        "most_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "made": asdict(origin()),
    }


def _batches(documents: Iterator[Prepared]) -> Iterator[list[Prepared]]:
    batch: list[Prepared] = []
    for document in documents:
        batch.append(document)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(seconds, 1) for name, seconds in figures.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.million", description=__doc__)
    parser.add_argument("data", type=Path, help="a folder of BEIR folders")
    parser.add_argument("--folder", type=Path, required=True, help="where the collections are kept")
    parser.add_argument("--passages", type=int, action="append", required=True)
    given = parser.parse_args(arguments)
    encoder = open_encoder()
    with index_real(given.data, given.folder / "real", encoder) as collection:
        real = read_real(collection)
    for passages in given.passages:
        folder, record = given.folder / str(passages), given.folder / f"{passages}.json"
        if not record.exists():
            record.write_text(json.dumps(build(folder, real, encoder, passages), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
