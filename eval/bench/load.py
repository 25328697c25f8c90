"""Many askers at once, at the server or at the page, while the collection is indexed.

    python -m eval.bench.load DATA --door serve --askers 32 --seconds 300 [--save NAME]

DATA is whatever brings documents and questions: a BEIR folder, a SQuAD file, or the word sample. Its documents are
indexed into a collection, which a process of its own opens to the askers. Each of them asks the next question when the
answer to the last is there. Meanwhile `pilcrow index` runs over and over, and finds each of the sample's articles
changed. Prints one JSON object: answers and their latency, what else came, and the process's memory over the time.
Askers, index run and server share this machine.
"""

import argparse
import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from eval.bench.doors import DOORS, ROOT, Door, NoAnswer, opened
from eval.gold.questions import QuestionSet, read_question_set
from eval.measures.thresholds import percentile
from eval.report.results import name_to_save, save_result
from index import SAMPLE

_MEGABYTE = 1024 * 1024
# Points of the curve of memory that are kept.
_POINTS = 60
_QUARTERS = ("second", "third", "last")


@dataclass
class Load:
    """What the askers saw. latencies: seconds of each answer. other: what came instead, by kind. memory: bytes."""

    latencies: list[float] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    index_rounds: int = 0

    def summary(self, askers: int, seconds: float) -> dict[str, Any]:
        """The figures. memory_mb: the median of each quarter of the run but the first, which warms up; growth: of the
        last over the second. Raises ValueError where nothing was answered."""
        if not self.latencies:
            raise ValueError(f"nothing was answered; what came instead: {dict(self.other)}")
        quarter = max(1, len(self.memory) // 4)
        parts = [median(self.memory[quarter * n : quarter * (n + 1)]) / _MEGABYTE for n in (1, 2, 3)]
        step = -(-len(self.memory) // _POINTS)
        shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}
        return {
            "askers": askers,
            "seconds": round(seconds, 1),
            "answered": len(self.latencies),
            "other": dict(self.other),
            "per_second": round(len(self.latencies) / seconds, 2),
            "latency": {name: round(percentile(self.latencies, share), 3) for name, share in shares.items()},
            "memory_mb": {name: round(part, 1) for name, part in zip(_QUARTERS, parts, strict=True)},
            "growth": round(parts[-1] / parts[0] - 1, 4),
            "memory_curve_mb": [round(found / _MEGABYTE, 1) for found in self.memory[::step]],
            "index_rounds": self.index_rounds,
        }


def measure(
    door: Door, collection: Path, questions: Sequence[str], *, askers: int, seconds: float, texts: Path | None = None
) -> dict[str, Any]:
    """The figures of one run. collection: it is changed. texts: a folder whose files are indexed again and again."""
    load = Load()
    over = threading.Event()
    with ExitStack() as stack:
        url, process_id = stack.enter_context(opened(door, collection))
        copies = Path(stack.enter_context(TemporaryDirectory()))
        asked = itertools.cycle(questions)
        threads = [threading.Thread(target=_ask, args=(door, url, asked, load, over)) for _ in range(askers)]
        if texts is not None:
            threads.append(threading.Thread(target=_index, args=(collection, texts, copies, load, over)))
        began = time.monotonic()
        for thread in threads:
            thread.start()
        while time.monotonic() < began + seconds:
            load.memory.append(_memory(process_id))
            time.sleep(min(1.0, seconds / 40))
        taken = time.monotonic() - began
        over.set()
        for thread in threads:
            thread.join()
    return load.summary(askers, taken)


def _ask(door: Door, url: str, questions: Iterator[str], load: Load, over: threading.Event) -> None:
    """One asker. What is answered after the end counts neither as an answer nor as a fault."""
    with door.asker(url) as ask:
        while not over.is_set():
            began = time.perf_counter()
            try:
                ask(next(questions))
            except NoAnswer as error:
                load.other[str(error)] += not over.is_set()
                continue
            if not over.is_set():
                load.latencies.append(time.perf_counter() - began)


def _index(collection: Path, texts: Path, copies: Path, load: Load, over: threading.Event) -> None:
    """Indexes copies of the texts, each time with another first line."""
    command = [sys.executable, "-m", "pilcrow", "index", str(copies), "--collection", str(collection)]
    for number in itertools.count(1):
        for file in sorted(path for path in texts.iterdir() if path.is_file()):
            (copies / file.name).write_bytes(f"Round {number}\n\n".encode() + file.read_bytes())
        if over.is_set():
            return
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            load.other[f"index: {done.stderr.strip().splitlines()[-1:]}"] += 1
        load.index_rounds += 1


def _memory(process_id: int) -> int:
    """Bytes of a process that are its own and resident, files that it maps left out (Linux)."""
    status = Path(f"/proc/{process_id}/status").read_text()
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def _index_data(data: QuestionSet, folder: Path) -> Mapping[str, int]:
    """Indexes the documents into a new collection in `folder`, as they are; how many documents and passages it has."""
    from eval.runs.rankings import collection_of
    from index.encoder.embedding import open_encoder

    with collection_of(data, open_encoder(), folder=folder) as collection, collection.reading() as snapshot:
        status = snapshot.status()
    return {"documents": status.documents, "passages": status.passages}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.load", description=__doc__)
    parser.add_argument("data", metavar="DATA", help="a BEIR folder, SQuAD's .json, or: sample")
    parser.add_argument("--door", choices=DOORS, default="serve")
    parser.add_argument("--askers", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--alone", action="store_true", help="no index run goes on meanwhile")
    parser.add_argument("--collection", type=Path, help="an indexed collection of DATA; a copy of it is asked")
    parser.add_argument(
        "--save", type=name_to_save, metavar="NAME", help="write eval/results/load-NAME.json; commit everything first"
    )
    given = parser.parse_args(arguments)
    data = read_question_set(given.data)
    with TemporaryDirectory(prefix="pilcrow-load-") as temporary:
        folder = Path(temporary) / "collection"
        if given.collection:
            shutil.copytree(given.collection, folder)
        size = _index_data(data, folder)
        texts = None if given.alone else SAMPLE / "articles"
        questions = [question.text for question in data.questions]
        found = measure(DOORS[given.door], folder, questions, askers=given.askers, seconds=given.seconds, texts=texts)
    figures = {"door": given.door, "dataset": data.name, **size, **found}
    if given.save:
        _save(given, data, figures)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 1 if found["other"] else 0


def _save(given: argparse.Namespace, data: QuestionSet, figures: Mapping[str, Any]) -> None:
    from rag.reading.reader import bundled_reader

    command = ["python", "-m", "eval.bench.load", data.path.name if given.data != "sample" else "sample",
               "--door", given.door, "--askers", str(given.askers), "--seconds", f"{given.seconds:g}",
               *(["--alone"] if given.alone else [])]  # fmt: skip
    model = bundled_reader().sha256
    save_result(f"load-{given.save}", figures, command=shlex.join(command), data=data.path, model_sha256=model)


if __name__ == "__main__":
    sys.exit(main())
