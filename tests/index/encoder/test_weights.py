"""Weights on disk: the hash is remembered only while the file is the same, and tensors are those of safetensors."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from index.encoder import weights
from index.encoder.weights import mapped_tensors, sha256_of


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that has lain still for long enough to be remembered, and a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "_SETTLED_NS", -1)
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    return path


def _notes(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache").rglob("*.json"))


def test_a_hash_is_remembered_until_the_file_changes(file: Path, tmp_path: Path) -> None:
    expected = hashlib.sha256(b"weights").hexdigest()
    assert sha256_of(file) == expected
    (note,) = _notes(tmp_path)
    note.write_text(note.read_text().replace(expected, "remembered"))
    assert sha256_of(file) == "remembered"
    status = file.stat()
    file.write_bytes(b"WEIGHTS")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # as a copy that keeps times would
    assert sha256_of(file) == hashlib.sha256(b"WEIGHTS").hexdigest()


def test_a_file_written_just_now_is_not_remembered(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_SETTLED_NS", 10**10)
    sha256_of(file)
    assert _notes(tmp_path) == []


@pytest.mark.parametrize("note", ["", "{", "[]", '{"file": 1}'])
def test_a_spoiled_note_is_no_note(file: Path, tmp_path: Path, note: str) -> None:
    expected = sha256_of(file)
    _notes(tmp_path)[0].write_text(note)
    assert sha256_of(file) == expected


def test_without_a_cache_folder_the_file_is_hashed_every_time(file: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert sha256_of(file) == hashlib.sha256(b"weights").hexdigest()


def test_mapped_tensors_are_those_that_safetensors_wrote(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stored = {
        "a": rng.normal(size=(3, 5)).astype(np.float32),
        "b": rng.normal(size=(7,)).astype(np.float16),
        "ids": np.arange(4),
    }
    save_file(stored, str(tmp_path / "x.safetensors"), metadata={"format": "np"})
    found = mapped_tensors(tmp_path / "x.safetensors")
    assert set(found) == {"a", "b"}
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, stored[name])
        assert tensor.dtype == stored[name].dtype


@pytest.mark.parametrize("content", [b"", b"other", b"\xff" * 64])
def test_a_file_of_another_format_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match=r"safetensors|empty"):
        mapped_tensors(tmp_path / "x")
