"""A trained model's files on disk, and its encoder's: safetensors and a config that names their hashes.

The readers (`rag.reading.reader`) and the support model (`rag.support.model`) lie on disk alike; this module knows
no network. A large model's tensors lie in several files, since some places refuse one of over 100 MB.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.encoder.embedding import shared_tokenizer
from index.encoder.weights import mapped_tensors, sha256_of
from index.errors import PilcrowError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
FORMAT = 1


class ModelFileError(PilcrowError):
    """A trained model's or an encoder's files are absent or not those that they should be."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What a model's folder and its encoder's hold. trained, encoder: tensors by name, as views of the mapped files."""

    config: dict[str, Any]
    tokenizer: Tokenizer
    trained: dict[str, NDArray[Any]]
    encoder: dict[str, NDArray[np.floating]]


def open_files(folder: Path, encoder: Path, *, kind: str = "reader", command: str = "train-reader") -> ModelFiles:
    """The files of a trained model of that kind, and of its encoder, checked by hash. command: what trains it.

    Raises ModelFileError where a file is absent, altered, or of another encoder than the model was trained on.
    """
    config = read_config(folder, kind=kind, command=command)
    tokenizer = load_tokenizer(encoder)
    found = sha256_of(encoder / WEIGHTS_FILE)
    if found != config["encoder_sha256"]:
        raise ModelFileError(
            f"the {kind} in '{folder}' was trained on an encoder with SHA-256 {config['encoder_sha256']}; "
            f"'{encoder}' has {found}. Give the folder of all-MiniLM-L6-v2"
        )
    trained = {name: tensor for path in weights_files(folder) for name, tensor in mapped_tensors(path).items()}
    return ModelFiles(config, tokenizer, trained, mapped_tensors(encoder / WEIGHTS_FILE))


def weights_files(folder: Path) -> list[Path]:
    """The files that a model's tensors lie in: model.safetensors, or model-1-of-2.safetensors and so on."""
    return sorted(folder.glob("model*.safetensors"))


def weights_sha256(folder: Path) -> str:
    """The identity of a model's weights: its file's SHA-256, or one over those of its files."""
    hashes = [sha256_of(path) for path in weights_files(folder)]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def read_config(folder: Path, *, kind: str = "reader", command: str = "train-reader") -> dict[str, Any]:
    """A model's config. Raises ModelFileError where it is absent, of another format, or its weights are altered."""
    path = folder / CONFIG_FILE
    if not path.is_file() or not weights_files(folder):
        raise ModelFileError(f"'{folder}' holds no {kind}; it should hold {CONFIG_FILE} and {WEIGHTS_FILE}")
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if config.get("format") != FORMAT:
        raise ModelFileError(f"the {kind} in '{folder}' has format {config.get('format')}, this version reads {FORMAT}")
    found = weights_sha256(folder)
    if found != config["sha256"]:
        weights = " and ".join(f"'{path}'" for path in weights_files(folder))
        raise ModelFileError(
            f"{weights} is not the file that was trained: its SHA-256 is {found}, not {config['sha256']}. "
            f"Install the package again, or train: pilcrow {command}"
        )
    return config


def load_tokenizer(encoder: Path) -> Tokenizer:
    """The encoder's tokenizer without truncation or padding. Raises ModelFileError where there is none."""
    if not (encoder / "tokenizer.json").is_file():
        raise ModelFileError(f"no tokenizer.json in '{encoder}'; give the folder of the encoder all-MiniLM-L6-v2")
    return shared_tokenizer(encoder)
