"""The weights that training starts with: the encoder's, all-mpnet-base-v2's, or a reader's that is trained further.

Upstream's MPNet has names of its own, and its word pieces are BERT's four rows further on, with its own [CLS], [SEP]
and [PAD] in front; here everything gets BERT's names and numbers, which one tokenizer and one engine serve.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from index.encoder.engine import MINILM, POSITIONS, SCALE, VOCABULARY, WORDS, Shape, tensor_shapes
from rag.reading.model_files import ModelFileError, weights_files, weights_sha256
from rag.reading.reader import CLS, PAD, SEP, head_shapes

if TYPE_CHECKING:
    from torch import Tensor

_POSITIONS = "embeddings.position_embeddings.weight"
_OUT = ("answerable.out.weight", "answerable.out.bias")
# MPNet's numbers of [CLS], [PAD] and [SEP], and how far its other word pieces and its positions are from BERT's.
_UPSTREAM_CLS, _UPSTREAM_PAD, _UPSTREAM_SEP = 0, 1, 2
_WORDS_FROM, _POSITIONS_FROM = 4, 2
_BERT_NAMES = {
    "attention.attn.q": "attention.self.query",
    "attention.attn.k": "attention.self.key",
    "attention.attn.v": "attention.self.value",
    "attention.attn.o": "attention.output.dense",
    "attention.LayerNorm": "attention.output.LayerNorm",
}


def initial_weights(encoder: Path, seed: int, *, start: Path | None = None, shape: Shape = MINILM) -> dict[str, Tensor]:
    """All of a reader's tensors before the first step, those that stay as they are included; float32.

    start: a folder with all-mpnet-base-v2's model.safetensors, or a reader's; None for the encoder's own.
    What a reader of the encoder's shape lacks in words and positions is the encoder's. Heads that are absent are new:
    normal with deviation 0.02, biases 0; where there is none for "yes" yet, its row is 0.
    Raises ModelFileError where tensors of the shape are absent or have another shape.
    """
    import torch

    found = read_tensors(start) if start is not None else {}
    if shape is MINILM:
        found = {**read_tensors(encoder), **found}
    if any(f".{theirs}." in name for name in found for theirs in _BERT_NAMES):
        found = with_berts_names(found)
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}
    for name, dimensions in {**tensor_shapes(shape), **head_shapes(shape)}.items():
        if name in found:
            weights[name] = _with_yes(found[name]) if name in _OUT else found[name]
        elif name in head_shapes(shape):
            weights[name] = torch.zeros(dimensions)
            if not name.endswith("bias"):
                weights[name] = torch.randn(dimensions, generator=generator) * 0.02
        if name not in weights or weights[name].shape != dimensions:
            wrong = f"'{name}' has shape {tuple(weights[name].shape)}" if name in weights else f"'{name}' is absent"
            raise ModelFileError(
                f"'{start or encoder}' holds no weights to start a {shape.name} reader with: {wrong}, "
                f"it should have {dimensions}. Give the folder of all-mpnet-base-v2, or of a trained reader"
            )
    return weights


def start_sha256(start: Path | None) -> str:
    """The identity of the weights in the folder that training starts with; "" for none."""
    return weights_sha256(start) if start is not None else ""


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """The float tensors of the folder's files, as float32, and those in 8 bits made float again, as they are trained.

    Raises ModelFileError where there are no files.
    """
    from safetensors.torch import load_file

    paths = weights_files(folder)
    if not paths:
        raise ModelFileError(f"'{folder}' holds no model*.safetensors; give the folder of the weights to start with")
    stored = {name: tensor for path in paths for name, tensor in load_file(str(path)).items()}
    tensors: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        if name + SCALE in stored:
            trained = tensor if name == WORDS else tensor.T
            tensors[name] = (trained.float() * stored[name + SCALE][:, None]).contiguous()
        elif tensor.is_floating_point() and not name.endswith(SCALE):
            tensors[name] = tensor.float()
    return tensors


def with_berts_names(upstream: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """MPNet's tensors by BERT's names, word pieces and positions by BERT's numbers."""
    tensors = {_bert_name(name): tensor for name, tensor in upstream.items()}
    words = upstream[WORDS]
    own = words[_WORDS_FROM : _WORDS_FROM + VOCABULARY].clone()
    own[CLS], own[SEP], own[PAD] = words[_UPSTREAM_CLS], words[_UPSTREAM_SEP], words[_UPSTREAM_PAD]
    tensors[WORDS] = own
    tensors[_POSITIONS] = upstream[_POSITIONS][_POSITIONS_FROM : _POSITIONS_FROM + POSITIONS].clone()
    return tensors


def _bert_name(name: str) -> str:
    for theirs, ours in _BERT_NAMES.items():
        if f".{theirs}." in name:
            return name.replace(f".{theirs}.", f".{ours}.")
    return name


def _with_yes(out: Tensor) -> Tensor:
    """The last layer's weight or bias with a row for "yes", where it has none."""
    import torch

    return out if len(out) == 2 else torch.cat([out, torch.zeros_like(out)])
