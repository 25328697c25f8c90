"""Many askers at once: `pilcrow serve` on loopback, asked without a pause while its collection is indexed again.

    python -m eval.bench.load --collection DIR --askers 32 --seconds 300

A copy of the collection is served by a process of its own. Each asker sends its next question when it has its answer.
Meanwhile `pilcrow index` runs over and over, and finds every file changed. Prints one JSON object: questions and their
latency, what else came than an answer, and the server's memory over the time.
"""

import argparse
import itertools
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "index" / "sample"
_MEGABYTE = 1024 * 1024


@dataclass
class Load:
    """What the askers saw. latencies: seconds of each answer. other: what came instead, by kind. memory: bytes."""

    latencies: list[float] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    index_rounds: int = 0

    def summary(self, askers: int, seconds: float) -> dict[str, Any]:
        """The figures. memory_mb: the medians of the run's second, third and last quarter; the first one warms up."""
        cuts = quantiles(self.latencies, n=20) if len(self.latencies) > 1 else [float("nan")] * 19
        quarter = max(1, len(self.memory) // 4)
        parts = [self.memory[quarter * n : quarter * (n + 1)] for n in (1, 2, 3)]
        return {
            "askers": askers,
            "seconds": round(seconds, 1),
            "answered": len(self.latencies),
            "other": dict(self.other),
            "per_second": round(len(self.latencies) / seconds, 2),
            "latency": {"p50": round(cuts[9], 3), "p95": round(cuts[18], 3), "max": round(max(self.latencies), 3)},
            "memory_mb": [round(median(part) / _MEGABYTE, 1) for part in parts if part],
            "index_rounds": self.index_rounds,
        }


def measure(collection: Path, questions: Sequence[str], texts: Path, *, askers: int, seconds: float) -> dict[str, Any]:
    """The figures of one run. texts: a folder whose files are indexed again and again."""
    load = Load()
    over = threading.Event()
    with TemporaryDirectory() as temporary:
        copy = Path(temporary) / "collection"
        shutil.copytree(collection, copy)
        with _served(copy, waiting=askers) as (url, process_id):
            asked = itertools.cycle(questions)
            threads = [
                *(threading.Thread(target=_ask, args=(url, asked, load, over)) for _ in range(askers)),
                threading.Thread(target=_index, args=(copy, texts, Path(temporary) / "texts", load, over)),
            ]
            began = time.monotonic()
            for thread in threads:
                thread.start()
            while time.monotonic() < began + seconds:
                load.memory.append(_memory(process_id))
                time.sleep(min(1.0, seconds / 40))
            over.set()
            taken = time.monotonic() - began
            for thread in threads:
                thread.join()
    return load.summary(askers, taken)


@contextmanager
def _served(collection: Path, *, waiting: int) -> Iterator[tuple[str, int]]:
    """The address and the process of a server that is gone afterwards."""
    command = [sys.executable, "-m", "pilcrow", "serve", "--collection", str(collection), "--port", "0",
               "--queue", str(waiting)]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        line = process.stderr.readline() if process.stderr else ""
        found = re.search(r"http://\S+", line)
        if found is None:
            raise RuntimeError(f"the server did not start: {line}")
        try:
            yield found[0], process.pid
        finally:
            process.terminate()


def _ask(url: str, questions: Iterator[str], load: Load, over: threading.Event) -> None:
    import httpx

    with httpx.Client(base_url=url, timeout=120) as caller:
        while not over.is_set():
            began = time.perf_counter()
            try:
                reply = caller.post("/ask", json={"question": next(questions)})
            except httpx.HTTPError as error:
                load.other[type(error).__name__] += 1
                continue
            if reply.is_success:
                load.latencies.append(time.perf_counter() - began)
            else:
                load.other[str(reply.status_code)] += 1


def _index(collection: Path, texts: Path, copies: Path, load: Load, over: threading.Event) -> None:
    """Indexes copies of the texts, each time with another first line."""
    copies.mkdir()
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


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.load", description=__doc__)
    parser.add_argument("--collection", type=Path, required=True, help="a copy of it is asked")
    parser.add_argument("--questions", type=Path, default=SAMPLE / "questions.jsonl", help="JSON lines with a question")
    parser.add_argument("--texts", type=Path, default=SAMPLE / "articles", help="the folder that is indexed meanwhile")
    parser.add_argument("--askers", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=300)
    given = parser.parse_args(arguments)
    lines = given.questions.read_text(encoding="utf-8").splitlines()
    questions = [str(json.loads(line)["question"]) for line in lines if line.strip()]
    found = measure(given.collection, questions, given.texts, askers=given.askers, seconds=given.seconds)
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if found["other"] else 0


if __name__ == "__main__":
    sys.exit(main())
