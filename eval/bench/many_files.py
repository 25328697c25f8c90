"""A hundred thousand files: `pilcrow index` of a folder, and the memory that it and its parsing child hold together.

    python -m eval.bench.many_files DATA --files 100000 --folder DIR --save NAME

DATA: BEIR folders. The files are made of their words: each has three sentences of sixteen words, drawn at random from
three documents, in folders of a thousand. They are left in DIR, with the collection; files that are there are not made
again, and the collection is made anew. Prints one JSON object: documents, seconds, and the most memory held at once, by
the largest process as the system tells it, and by all of them together as looked at twice a second.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.gold.datasets import read_beir
from eval.report.results import ROOT, name_to_save, save_result
from index.encoder.embedding import BUNDLED_SHA256
from index.opening import open_collection

_WORDS, _PARTS, _A_FOLDER = 16, 3, 1_000
_MEGABYTE = 1 << 20


def make_files(data: Path, folder: Path, count: int) -> None:
    """So many text files of three short paragraphs each; of fewer files, they are the first of those of more."""
    texts = [
        document.text.split()
        for corpus in sorted(data.rglob("corpus.jsonl"))
        for document in read_beir(corpus.parent).documents()
    ]
    texts = [words for words in texts if len(words) > _WORDS]
    for number in range(count):
        path = folder / f"{number // _A_FOLDER:03}" / f"{number:06}.txt"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        chance = np.random.default_rng([2, number])
        drawn = [texts[at] for at in chance.integers(0, len(texts), _PARTS)]
        starts = [int(chance.integers(len(words) - _WORDS)) for words in drawn]
        parts = [" ".join(words[at : at + _WORDS]) for words, at in zip(drawn, starts, strict=True)]
        path.write_text(" ".join(f"{part[:1].upper()}{part[1:]}." for part in parts) + "\n", encoding="utf-8")


def index_files(files: Path, collection: Path, *options: str) -> dict[str, Any]:
    """Indexes a folder by the command; seconds, and the most memory held at once."""
    command = [sys.executable, "-m", "pilcrow", "index", str(files), "--collection", str(collection), *options]
    began, most = time.monotonic(), 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            most = max(most, _resident(process.pid))
            time.sleep(0.5)
        process.returncode = os.waitstatus_to_exitcode(ended[1])
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}")
    largest = ended[2].ru_maxrss * 1024  # of it and the children that it waited for, not of any other of ours
    with open_collection(collection) as stored, stored.reading() as snapshot:
        status = snapshot.status()
    return {
        "documents": status.documents,
        "passages": status.passages,
        "seconds": round(time.monotonic() - began, 1),
        "largest_process_mb": round(largest / _MEGABYTE),
        "all_processes_mb": round(most / _MEGABYTE),
        "bytes": status.size,
    }


def _resident(process_id: int) -> int:
    """Bytes of memory that a process and its descendants hold, shared pages counted for each of them (Linux)."""
    parents: dict[int, int] = {}
    held: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            stated = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
        except OSError:  # it has ended
            continue
        pid = int(path.parent.name)
        parents[pid], held[pid] = int(stated["PPid"]), 1024 * int(stated.get("VmRSS", "0").split()[0])
    family = {process_id}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(held.get(pid, 0) for pid in family)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.many_files", description=__doc__)
    parser.add_argument("data", type=Path, help="a folder of BEIR folders")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, required=True, help="where files and collection are kept")
    parser.add_argument("--save", type=name_to_save, metavar="NAME", help="also write eval/results/files-NAME.json")
    given = parser.parse_args(arguments)
    files, collection = given.folder / "files", given.folder / "collection"
    make_files(given.data, files, given.files)
    shutil.rmtree(collection, ignore_errors=True)
    figures = {"files": given.files, **index_files(files, collection)}
    if given.save:
        command = f"python -m eval.bench.many_files {given.data.name} --files {given.files}"
        save_result(f"files-{given.save}", figures, command=command, data=given.data, model_sha256=BUNDLED_SHA256)
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
