"""What was measured before, kept in a folder: what the same code, models, data and libraries would give again.

A kept value comes with its origin, the commit, day and machine that it was measured at. Durations in it are of that
day and that machine; whoever reports them says so. It is found again only by all that decides it, so a value of other
code or other data is never taken for one of these.
"""

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from eval.gold.questions import QuestionSet
from eval.report.results import ROOT, Origin, data_sha256, origin
from index.encoder.embedding import Encoder

_ROOMS = ("index", "rag", "eval")
# What reads, cuts, embeds, searches and learns, beside our own code.
_LIBRARIES = ("faiss-cpu", "numpy", "onnxruntime", "scikit-learn", "tantivy", "tokenizers", "trafilatura")


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of JSON, and where and when it was measured."""

    value: Any
    origin: Origin


class MeasurementCache:
    """The values behind one figure. origins: of those that were asked for, each once, in the order of asking."""

    def __init__(self, folder: Path, name: str, made_of: Iterable[str]) -> None:
        """name: of the files, for whoever looks into the folder. made_of: all that decides the values."""
        self._folder, self._name = folder, name
        self._made_of = (*made_of, *library_versions())
        self.origins: list[Origin] = []

    def __call__(self, part: str, make: Callable[[], Any]) -> Any:
        """The value of that part: from the folder, or made now and kept. make: gives what JSON can hold."""
        key = hashlib.sha256("\0".join((*self._made_of, part)).encode()).hexdigest()[:16]
        path = self._folder / f"{self._name}-{key}.json"
        if not path.is_file():
            made = _Value(make(), origin())
            partly = path.with_suffix(".partial")  # a measurement that was cut off must not look whole
            partly.write_text(json.dumps(asdict(made)), encoding="utf-8")
            partly.replace(path)
        read = json.loads(path.read_text(encoding="utf-8"))
        kept = _Value(read["value"], Origin(**read["origin"]))
        if kept.origin not in self.origins:
            self.origins.append(kept.origin)
        return kept.value


def kept_folder(cache: Path, questions: QuestionSet, encoder: Encoder) -> Path:
    """Where a collection is kept: named after the data, the encoder, the passages' length and the code that indexes."""
    of = encoder.identity
    made_of = (
        data_sha256(questions.path),
        of.weights,
        str(of.max_length),
        of.precision,
        code_sha256("index.intake.indexing"),
    )
    return cache / f"{questions.name}-{hashlib.sha256(' '.join(made_of).encode()).hexdigest()[:12]}"


def code_sha256(*modules: str) -> str:
    """SHA-256 of some modules and of all of ours that they import, directly or not, with the files beside these.

    So a change of the page or of the server spoils no measurement of answers. The files beside are graphs and trained
    figures that the code reads, such as the cleaner's. Raises ValueError for a module that there is not.
    """
    for name in modules:
        if _file_of(name) is None:
            raise ValueError(f"'{name}' is no module of ours; name one that measures, such as 'eval.runs.support'")
    paths = _reached(modules)
    beside = {path for folder in {path.parent for path in paths} for path in folder.iterdir() if _is_read(path)}
    digest = hashlib.sha256()
    for path in sorted((*paths, *beside)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _is_read(path: Path) -> bool:
    return path.suffix in (".json", ".onnx") and path.is_file()


def _reached(modules: Sequence[str]) -> set[Path]:
    """The files of modules by name ("eval.runs.support"), and of all of ours that they import, wherever they do it."""
    found: set[Path] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if path is None or path in found:
            continue
        found.add(path)
        waiting.append(name.rpartition(".")[0])  # the package around it, which is run first
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def _file_of(name: str) -> Path | None:
    """The file of a module or package in our rooms; None for any other name."""
    if name.partition(".")[0] not in _ROOMS:
        return None
    place = name.replace(".", "/")
    return next((path for path in (ROOT / f"{place}.py", ROOT / place / "__init__.py") if path.is_file()), None)


def library_versions() -> list[str]:
    """The versions of the libraries that decide figures; "absent" for one that is not installed."""
    return [f"{name} {_version(name)}" for name in _LIBRARIES]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
