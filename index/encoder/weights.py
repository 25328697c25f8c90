"""Weights on disk: safetensors files, known by their SHA-256 and mapped into memory.

A hash over 91 MB takes longer than all the rest of a short command. So a file that was once found whole is remembered
in the user's cache folder with its size, inode and times of change, and hashed again when any of them differs.
"""

import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_TYPES = {"F32": "<f4", "F16": "<f2", "I8": "i1"}
# A file written this recently is not remembered: a second write within the clock's grain would leave the same times.
_SETTLED_NS = 2_000_000_000


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; remembered while nothing about the file changes. Raises OSError.

    Who writes into a file and sets back its inode's change time as well is not noticed.
    """
    status = path.stat()
    key = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]
    note = _note(path)
    known = _read_note(note)
    if known is not None and known["file"] == key:
        return str(known["sha256"])
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS:
        _write_note(note, {"path": str(path.resolve()), "file": key, "sha256": found})
    return found


def _note(path: Path) -> Path:
    import platformdirs

    name = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return platformdirs.user_cache_path("pilcrow") / "hashes" / f"{name}.json"


def _read_note(note: Path) -> dict[str, object] | None:
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return known if isinstance(known, dict) and {"file", "sha256"} <= known.keys() else None


def _write_note(note: Path, known: dict[str, object]) -> None:
    """Kept for the next time where the cache folder can be written to; where not, the file is hashed every time."""
    partial = note.with_suffix(f".{os.getpid()}")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(known), encoding="utf-8")
        partial.replace(note)
    except OSError:
        return


def mapped_tensors(path: Path) -> dict[str, NDArray[np.floating]]:
    """Name -> tensor of a safetensors file as read-only views of the mapped file: float32, float16 and int8 ones.

    Raises ValueError where the file is not of this format, OSError where it cannot be read.
    """
    file = np.memmap(path, np.uint8, "r")
    size = int.from_bytes(file[:8].tobytes(), "little")
    if not 0 < size <= len(file) - 8:
        raise ValueError(f"'{path}' is no safetensors file: its header would have {size} bytes")
    header = json.loads(file[8 : 8 + size].tobytes())
    tensors = {}
    for name, stored in header.items():
        if stored.get("dtype") in _TYPES:
            start, end = (8 + size + offset for offset in stored["data_offsets"])
            tensors[name] = np.frombuffer(file[start:end], _TYPES[stored["dtype"]]).reshape(stored["shape"])
    return tensors
