"""Results files with their provenance: commit, command, hashes of data and model, machine, date.

    pilcrow eval retrieval FOLDER --save NAME     writes eval/results/retrieval-NAME.json
    python -m eval.report                         writes the tables of README.md and docs/ again (`eval.report.tables`)

A figure in these documents comes from such a file or is not there; a test compares the two.
"""

import hashlib
import json
import os
import platform
import re
import subprocess
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rag.reading.reader import BUNDLED_READER

ROOT: Path = Path(__file__).resolve().parent.parent.parent
RESULTS: Path = ROOT / "eval" / "results"
README: Path = ROOT / "README.md"
# Said of figures that another reader than the one that ships had a part in.
EARLIER = "measured with the reader before the present one"
# What is made of results; it may differ while they are being written.
_MADE = ("eval/results", "README.md", "docs")


def no_checkout() -> str:
    """Why results files have no place beside the code that runs, which is then installed; "" where they have one."""
    if all((ROOT / name).is_file() for name in ("pyproject.toml", "README.md")):
        return ""
    return (
        f"figures are saved beside Pilcrow's code, and '{ROOT}' is no checkout of it; clone it and measure there, or "
        "keep what is printed"
    )


def name_to_save(name: str) -> str:
    """The NAME of a `--save` for argparse, before anything is measured. Raises ArgumentTypeError outside a checkout."""
    if fault := no_checkout():
        raise ArgumentTypeError(fault)
    return name


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and when something was measured. commit: see `_commit`; date: ISO 8601, UTC."""

    commit: str
    date: str
    machine: str


def origin() -> Origin:
    """Here and now."""
    return Origin(_commit(), datetime.now(UTC).date().isoformat(), _machine())


def save_result(
    name: str,
    scores: Mapping[str, Any],
    *,
    command: str,
    data: Path,
    model_sha256: str,
    kept_from: Sequence[Origin] = (),
    folder: Path = RESULTS,
) -> Path:
    """Writes `NAME.json`: the scores, and what is needed to get them again; returns the file.

    data: the folder that was measured on; its files' hash is kept. command: as a user would type it.
    kept_from: where and when what the scores are made of was measured, where that was not here and now.
    """
    here = origin()
    before = [asdict(other) for other in kept_from if other != here]
    record = {
        **scores,
        "command": command,
        "commit": here.commit,
        "data_sha256": data_sha256(data),
        "model_sha256": model_sha256,
        "reader_sha256": shipped_reader(),
        "machine": here.machine,
        "date": here.date,
        **({"kept_from": before} if before else {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return path


def saved_results(kind: str, folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Name -> record of the files `KIND-NAME.json`, in the order of their names."""
    paths = sorted(folder.glob(f"{kind}-*.json"))
    return {path.stem.removeprefix(f"{kind}-"): json.loads(path.read_text(encoding="utf-8")) for path in paths}


def data_sha256(folder: Path) -> str:
    """SHA-256 over the names and bytes of a folder's files, in the order of their names, or of one file; hex."""
    digest = hashlib.sha256()
    if folder.is_file():
        return hashlib.sha256(folder.read_bytes()).hexdigest()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()


def shipped_reader() -> str:
    """The identity of the reader that ships."""
    return str(json.loads((BUNDLED_READER / "config.json").read_text(encoding="utf-8"))["sha256"])


def earlier(record: Mapping[str, Any], *, itself: bool = True) -> str:
    """ "; measured with the reader before the present one" where that is so, for figures that the reader has a part in.

    itself: the reader is the record's model; else it is the one that shipped when the record was saved.
    """
    measured = record["model_sha256"] if itself else record.get("reader_sha256")
    return "" if measured == shipped_reader() else f"; {EARLIER}"


def provenance(record: Mapping[str, Any]) -> str:
    """Where a row comes from, so that anybody can get it again; and where that is another day, when it was measured."""
    return (
        f"- `{record['command']}` at commit `{record['commit'][:12]}`, {record['date']}, {record['machine']}; "
        f"data `{record['data_sha256'][:12]}`, model `{record['model_sha256'][:12]}`{_kept_from(record)}"
    )


def with_provenance(
    rows: Iterable[str],
    records: Iterable[Mapping[str, Any]],
    notes: Iterable[str] = (),
    *,
    then: Callable[[Mapping[str, Any]], str] | None = None,
) -> str:
    """A table: its rows, notes below it, a line for each record that it was made of, and what `then` says of it."""
    lines = [provenance(record) + (then(record) if then else "") for record in records]
    return "\n".join([*rows, "", *notes, *lines, ""])


def _kept_from(record: Mapping[str, Any]) -> str:
    """Where and when it was measured, where the figures were made of what was measured before, by the same code."""
    before = [f"commit `{o['commit'][:12]}`, {o['date']}, {o['machine']}" for o in record.get("kept_from", ())]
    return f"; measured, durations too, at {' and '.join(before)}" if before else ""


def _commit() -> str:
    """The commit that is checked out, with `-changed` where the working tree differs; `unknown` outside a checkout."""
    try:
        commit = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *(f":!{path}" for path in _MADE))
        return commit + ("-changed" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603, S607
    return done.stdout.strip()


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", info.read_text()) if info.is_file() else [platform.processor()]
    return f"{os.cpu_count()} cores, {names[0] or platform.machine()}, Python {platform.python_version()}"
