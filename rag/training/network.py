"""The reader's network in PyTorch: what training differentiates, and what the tests compare the engine with.

`rag.reading.reader` computes the same with `index.encoder.engine` and numpy, without PyTorch. The transformer's tensors
have the upstream names, so that other models on this backbone can be trained with `hidden_states` as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from index.encoder.engine import HEADS, LAYERS, WIDTH
from index.encoder.weights import sha256_of
from rag.reading.model_files import CONFIG_FILE, FORMAT, WEIGHTS_FILE
from rag.reading.reader import FROZEN_NAMES, PAD, Window, trained_names

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def to_batch(batch: Sequence[Window]) -> dict[str, Tensor]:
    """Padded tensors of some windows.

    ids, types: int64 (n, length).  real: bool (n, length), not padding.  passage: bool (n, length), may hold a span.
    """
    import torch

    length = padded_length(max(len(window.ids) for window in batch))
    ids = torch.full((len(batch), length), PAD)
    types = torch.zeros((len(batch), length), dtype=torch.int64)
    real = torch.zeros((len(batch), length), dtype=torch.bool)
    passage = torch.zeros((len(batch), length), dtype=torch.bool)
    for row, window in enumerate(batch):
        n = len(window.ids)
        ids[row, :n] = torch.tensor(window.ids)
        types[row, window.second_from : n] = 1
        real[row, :n] = True
        passage[row, window.passage_from : window.passage_from + window.count] = True
    return {"ids": ids, "types": types, "real": real, "passage": passage}


def network(
    weights: Mapping[str, Tensor], batch: Mapping[str, Tensor], *, bfloat16: bool, fused: bool
) -> tuple[Tensor, Tensor]:
    """Span logits, float32 (n, length, 2), and answerability logits, float32 (n,).

    Places that can hold neither a span nor "no answer" get minus infinity. A plain function of its weights, so that
    training and reading cannot differ, and so that neither needs the 8-second import of transformers.

    bfloat16: the transformer's arithmetic; the heads are float32 always.
    fused: PyTorch's fused attention: a third faster forwards, five times slower backwards (measured, 2 cores).
    """
    import torch

    hidden = hidden_states(weights, batch, dtype=torch.bfloat16 if bfloat16 else torch.float32, fused=fused).float()
    allowed = batch["passage"].clone()
    allowed[:, 0] = True
    span = torch.nn.functional.linear(hidden, weights["span.weight"], weights["span.bias"])
    span = span.masked_fill(~allowed[:, :, None], float("-inf"))
    return span, _answerable(weights, hidden, span)


def _answerable(weights: Mapping[str, Tensor], hidden: Tensor, span: Tensor) -> Tensor:
    """Logits (n,) from [CLS] and from the pieces where a span would start, so that it can look at the candidate."""
    import torch
    from torch.nn.functional import gelu, linear

    inside = span[:, :, 0].clone()
    inside[:, 0] = -1e4
    candidate = torch.einsum("nl,nlw->nw", inside.softmax(-1), hidden)
    seen = torch.cat([hidden[:, 0], candidate], dim=-1)
    inner = gelu(linear(seen, weights["answerable.dense.weight"], weights["answerable.dense.bias"]))
    return linear(inner, weights["answerable.out.weight"], weights["answerable.out.bias"])[:, 0]


def hidden_states(
    weights: Mapping[str, Tensor], batch: Mapping[str, Tensor], *, dtype: torch.dtype, fused: bool
) -> Tensor:
    """The last layer of BERT (Devlin et al. 2019) for each piece: (n, length, WIDTH) in `dtype`."""
    import torch
    from torch.nn.functional import gelu

    length = batch["ids"].shape[1]
    hidden = weights[FROZEN_NAMES[0]][batch["ids"]] + weights[FROZEN_NAMES[1]][:length]
    hidden = hidden + weights["embeddings.token_type_embeddings.weight"][batch["types"]]
    hidden = _norm(weights, "embeddings.LayerNorm", hidden.to(dtype))
    mask = torch.zeros(batch["real"].shape, dtype=dtype).masked_fill(~batch["real"], -1e4)  # (n, length)
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        mixed = _linear(weights, prefix + "attention.output.dense", _attend(weights, prefix, hidden, mask, fused))
        hidden = _norm(weights, prefix + "attention.output.LayerNorm", hidden + mixed)
        inner = gelu(_linear(weights, prefix + "intermediate.dense", hidden))
        hidden = _norm(weights, prefix + "output.LayerNorm", hidden + _linear(weights, prefix + "output.dense", inner))
    return hidden


def _attend(weights: Mapping[str, Tensor], prefix: str, hidden: Tensor, mask: Tensor, fused: bool) -> Tensor:
    import torch

    n, length, _ = hidden.shape
    size = WIDTH // HEADS

    def heads(name: str) -> Tensor:
        projected = _linear(weights, f"{prefix}attention.self.{name}", hidden)
        return projected.view(n, length, HEADS, size).transpose(1, 2)  # (n, HEADS, length, size)

    query, key, value = heads("query"), heads("key"), heads("value")
    if fused:
        mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value, mask[:, None, None, :])
    else:
        scores = (query * size**-0.5) @ key.transpose(-1, -2) + mask[:, None, None, :]
        mixed = scores.softmax(-1) @ value
    return mixed.transpose(1, 2).reshape(n, length, WIDTH)


def _linear(weights: Mapping[str, Tensor], name: str, hidden: Tensor) -> Tensor:
    from torch.nn.functional import linear

    return linear(hidden, weights[name + ".weight"].to(hidden.dtype), weights[name + ".bias"].to(hidden.dtype))


def _norm(weights: Mapping[str, Tensor], name: str, hidden: Tensor) -> Tensor:
    from torch.nn.functional import layer_norm

    scale, shift = weights[name + ".weight"].to(hidden.dtype), weights[name + ".bias"].to(hidden.dtype)
    return layer_norm(hidden, (WIDTH,), scale, shift, 1e-12)


def save_reader(folder: Path, weights: Mapping[str, Tensor], *, encoder_sha256: str, **about: object) -> None:
    """Writes the reader's trained tensors; see `save_model`."""
    save_model(folder, {name: weights[name] for name in trained_names()}, encoder_sha256=encoder_sha256, **about)


def save_model(folder: Path, trained: Mapping[str, Tensor], *, encoder_sha256: str, **about: object) -> None:
    """Writes tensors as float16 and a config that names their hash and the encoder's."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().to(torch.float16).contiguous() for name, tensor in trained.items()}
    save_file(tensors, str(folder / WEIGHTS_FILE))
    config = {
        "format": FORMAT,
        "sha256": sha256_of(folder / WEIGHTS_FILE),
        "encoder_sha256": encoder_sha256,
        **about,
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def padded_length(n_pieces: int) -> int:
    """The next multiple of 16: few different shapes, since the kernels that are made for each stay in memory."""
    return -(-n_pieces // 16) * 16
