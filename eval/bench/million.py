"""How a collection grows: the same questions of ten thousand, a hundred thousand, a million passages.

    python -m eval.bench.million DATA --folder DIR --passages 10000 --passages 100000 --passages 1000000 --save NAME

DATA: BEIR folders. Bulk is made of them as `eval.bench.bulk` says. DIR keeps the collections, each with a record of
what it took to make; those that are there are measured again, and not made again but for the base of their vectors.
Prints one JSON object: for each size what it took to build, bytes by file, how vectors are searched, opening, memory,
milliseconds by filter and by stage, and what adding one document takes.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, ParamSpec, TypeVar

from eval.bench.bulk import Real, bulk, index_real, read_real
from eval.report.results import ROOT, name_to_save, origin, save_result
from index.encoder.embedding import BUNDLED_SHA256, Encoder, open_encoder
from index.folder.collection import create_collection
from index.folder.collection import open_collection as folder_collection
from index.prepared import Prepared

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
        words = collection._derived.words
        words.write = clock.timed("words", words.write)  # type: ignore[method-assign]
        documents = 0
        for batch in _batches(bulk(real, passages)):
            with clock.stage("truth"):
                collection.replace(batch)
            documents += len(batch)
            sys.stderr.write(f"\r{folder.name}: {documents:,} documents")
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


def rebuild(folder: Path, encoder: Encoder) -> dict[str, Any]:
    """Makes the base of a collection's vectors anew; what that took, and the most memory held, encoder and all."""
    began = perf_counter(), process_time()
    with folder_collection(folder, write=True) as collection, collection._writing() as connection:
        collection._derived.base.refresh(connection, encoder.identity.dimension, always=True)
    return {
        "seconds": round(perf_counter() - began[0], 1),
        "cpu_seconds": round(process_time() - began[1], 1),
        "most_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def measured(given: argparse.Namespace, passages: int) -> dict[str, Any]:
    """The figures of one size, each part in a process of its own."""
    folder = given.folder / str(passages)
    made = json.loads(given.folder.joinpath(f"{passages}.json").read_text(encoding="utf-8"))
    base = _child("eval.bench.million", str(given.data), "--folder", str(given.folder), "--rebuild", str(passages))
    asked = _child("eval.bench.one_size", str(folder), str(given.data), str(given.folder / "new.txt"))
    return {"made": made, "rebuilt_vectors": base, **asked}


def _child(module: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", module, *arguments]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603
    figures: dict[str, Any] = json.loads(said)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.million", description=__doc__)
    parser.add_argument("data", type=Path, help="a folder of BEIR folders")
    parser.add_argument("--folder", type=Path, required=True, help="where the collections are kept")
    parser.add_argument("--passages", type=int, action="append", default=[])
    parser.add_argument("--rebuild", type=int, help="only make the base of this size anew")
    parser.add_argument("--save", type=name_to_save, metavar="NAME", help="also write eval/results/growth-NAME.json")
    given = parser.parse_args(arguments)
    given.folder = given.folder.absolute()
    encoder = open_encoder()
    if given.rebuild:
        sys.stdout.write(json.dumps(rebuild(given.folder / str(given.rebuild), encoder)) + "\n")
        return 0
    missing = [n for n in given.passages if not (given.folder / f"{n}.json").exists()]
    if missing:
        with index_real(given.data, given.folder / "real", encoder) as collection:
            real = read_real(collection)
        for passages in missing:
            made = build(given.folder / str(passages), real, encoder, passages)
            (given.folder / f"{passages}.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        del real
    figures = {"sizes": [measured(given, passages) for passages in given.passages]}
    if given.save:
        sizes = " ".join(f"--passages {n}" for n in given.passages)
        command = f"python -m eval.bench.million {given.data.name} {sizes}"
        save_result(f"growth-{given.save}", figures, command=command, data=given.data, model_sha256=BUNDLED_SHA256)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
