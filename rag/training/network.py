"""The network in PyTorch: what training differentiates, and what the tests compare the engine with.

`rag.reading.reader` computes the same with `index.encoder.engine` and numpy, without PyTorch. One network for both of
the engine's shapes; the transformer's tensors have BERT's names, so that other models on it can be trained with
`hidden_states` as well. What trained tensors become on disk is here, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from index.encoder.engine import MINILM, RELATIVE, Shape, buckets, quantized_model
from rag.reading.model_files import CONFIG_FILE, FORMAT, WEIGHTS_FILE, weights_sha256
from rag.reading.reader import (
    CLS,
    FROZEN_NAMES,
    MAX_QUESTION_PIECES,
    MAX_TITLE_PIECES,
    PAD,
    SEP,
    Pieces,
    Window,
    head_shapes,
    trained_names,
)

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# Bytes of tensors in a file at most: some places refuse a file of over 100 MB.
_FILE_BYTES = 95_000_000


# --- inputs ------------------------------------------------------------------------------------------------------


def window_at(question: Pieces, title: Pieces, passage: Pieces, first: int, *, max_pieces: int) -> Window:
    """The input that shows as much of the passage from that piece on as fits; see `rag.reading.reader.windows`."""
    head = [CLS, *question.ids[:MAX_QUESTION_PIECES], SEP, SEP]
    titled = head + title.ids[:MAX_TITLE_PIECES]
    shown = passage.ids[first : first + max_pieces - len(titled) - 1]
    return Window([*titled, *shown, SEP], len(head) - 1, len(titled), first, len(shown))


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


# --- the network -------------------------------------------------------------------------------------------------


class Logits(NamedTuple):
    """What the heads say of n windows, float32.

    span: (n, length, 2), start and end; minus infinity where neither a span nor "no answer" can be.
    answerable, yes: (n,), that the text answers, and that it answers with yes.
    """

    span: Tensor
    answerable: Tensor
    yes: Tensor


def network(
    weights: Mapping[str, Tensor],
    batch: Mapping[str, Tensor],
    *,
    shape: Shape = MINILM,
    bfloat16: bool,
    fused: bool,
    frozen_layers: int = 0,
) -> Logits:
    """What the heads say of each window of a batch.

    A plain function of its weights, so that training and reading cannot differ, and so that neither needs the 8-second
    import of transformers. bfloat16: the transformer's arithmetic; the heads are float32 always.
    fused, frozen_layers: see `hidden_states`.
    """
    import torch
    from torch.nn.functional import gelu, linear

    dtype = torch.bfloat16 if bfloat16 else torch.float32
    hidden = hidden_states(weights, batch, shape=shape, dtype=dtype, fused=fused, frozen_layers=frozen_layers).float()
    allowed = batch["passage"].clone()
    allowed[:, 0] = True
    span = linear(hidden, weights["span.weight"], weights["span.bias"])
    span = span.masked_fill(~allowed[:, :, None], float("-inf"))
    # [CLS], and the pieces where a span would start and end, so that answerability looks at the candidate.
    inside = span.clone()
    inside[:, 0] = -1e4
    candidate = torch.einsum("nl,nlw->nw", inside.softmax(1).mean(-1), hidden)
    seen = torch.cat([hidden[:, 0], candidate], dim=-1)
    inner = gelu(linear(seen, weights["answerable.dense.weight"], weights["answerable.dense.bias"]))
    said = linear(inner, weights["answerable.out.weight"], weights["answerable.out.bias"])
    return Logits(span, said[:, 0], said[:, 1])


def hidden_states(
    weights: Mapping[str, Tensor],
    batch: Mapping[str, Tensor],
    *,
    shape: Shape = MINILM,
    dtype: torch.dtype,
    fused: bool,
    frozen_layers: int = 0,
) -> Tensor:
    """The last layer of BERT (Devlin et al. 2019) or MPNet (Song et al. 2020) for each piece: (n, length, width).

    fused: PyTorch's fused attention: a third faster forwards, five times slower backwards (measured, 2 cores).
    frozen_layers: the embeddings and so many of the lowest layers are run without a gradient.
    """
    import torch
    from torch.nn.functional import gelu

    weights = cast(weights, dtype)
    bias = _attention_bias(weights, batch["real"], shape, dtype)
    with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen_layers):
        hidden = _embedded(weights, batch, shape, dtype)
    for layer in range(shape.layers):
        prefix = f"encoder.layer.{layer}."
        with torch.set_grad_enabled(torch.is_grad_enabled() and layer >= frozen_layers):
            attended = _attend(weights, prefix, hidden, bias, n_heads=shape.heads, fused=fused)
            mixed = hidden + _linear(weights, prefix + "attention.output.dense", attended)
            hidden = _norm(weights, prefix + "attention.output.LayerNorm", mixed, shape)
            inner = gelu(_linear(weights, prefix + "intermediate.dense", hidden))
            hidden = _norm(
                weights, prefix + "output.LayerNorm", hidden + _linear(weights, prefix + "output.dense", inner), shape
            )
    return hidden


def cast(weights: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """The same, with the layers' tensors in `dtype`: for a step that runs several batches, so that it casts once."""
    inner = ("encoder.layer.", "embeddings.LayerNorm.")
    return {name: tensor.to(dtype) if name.startswith(inner) else tensor for name, tensor in weights.items()}


def _embedded(weights: Mapping[str, Tensor], batch: Mapping[str, Tensor], shape: Shape, dtype: torch.dtype) -> Tensor:
    hidden = weights[FROZEN_NAMES[0]][batch["ids"]] + weights[FROZEN_NAMES[1]][: batch["ids"].shape[1]]
    if not shape.relative:
        hidden = hidden + weights["embeddings.token_type_embeddings.weight"][batch["types"]]
    return _norm(weights, "embeddings.LayerNorm", hidden.to(dtype), shape)


def _attention_bias(weights: Mapping[str, Tensor], real: Tensor, shape: Shape, dtype: torch.dtype) -> Tensor:
    """What is added to the attention scores: (n, 1 or heads, 1 or length, length)."""
    import torch

    mask = torch.zeros(real.shape).masked_fill(~real, -1e4)[:, None, None, :]
    if shape.relative:
        places = np.arange(real.shape[1])
        table = weights[RELATIVE][torch.from_numpy(buckets(places[None, :] - places[:, None]))]
        mask = mask + table.permute(2, 0, 1)[None]
    return mask.to(dtype)


def _attend(
    weights: Mapping[str, Tensor], prefix: str, hidden: Tensor, bias: Tensor, *, n_heads: int, fused: bool
) -> Tensor:
    import torch

    n, length, width = hidden.shape
    size = width // n_heads

    def heads(name: str) -> Tensor:
        projected = _linear(weights, f"{prefix}attention.self.{name}", hidden)
        return projected.view(n, length, n_heads, size).transpose(1, 2)  # (n, heads, length, size)

    query, key, value = heads("query"), heads("key"), heads("value")
    if fused:
        mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value, bias)
    else:
        scores = (query * size**-0.5) @ key.transpose(-1, -2) + bias
        mixed = scores.softmax(-1) @ value
    return mixed.transpose(1, 2).reshape(n, length, width)


def _linear(weights: Mapping[str, Tensor], name: str, hidden: Tensor) -> Tensor:
    from torch.nn.functional import linear

    return linear(hidden, weights[name + ".weight"], weights[name + ".bias"])


def _norm(weights: Mapping[str, Tensor], name: str, hidden: Tensor, shape: Shape) -> Tensor:
    from torch.nn.functional import layer_norm

    return layer_norm(hidden, (shape.width,), weights[name + ".weight"], weights[name + ".bias"], shape.epsilon)


# --- on disk -----------------------------------------------------------------------------------------------------


def save_reader(
    folder: Path, weights: Mapping[str, Tensor], *, shape: Shape = MINILM, encoder_sha256: str, **about: object
) -> None:
    """Writes a reader's tensors and its config.

    One of the encoder's shape in float16, without what it reads in the encoder's folder; see `save_model`. A relative
    one in 8 bits as the engine runs it, its heads in float32, in several files: in float16 it would be twice as large.
    """
    if not shape.relative:
        save_model(folder, {n: weights[n] for n in trained_names(shape)}, encoder_sha256=encoder_sha256, **about)
        return
    from safetensors.numpy import save_file

    arrays = {name: tensor.detach().float().numpy() for name, tensor in weights.items()}
    tensors = {**quantized_model(arrays, shape), **{name: arrays[name] for name in head_shapes(shape)}}
    folder.mkdir(parents=True, exist_ok=True)
    parts = _parts({name: tensor.nbytes for name, tensor in tensors.items()})
    for number, names in enumerate(parts, 1):
        path = folder / f"model-{number}-of-{len(parts)}.safetensors"
        save_file({name: np.ascontiguousarray(tensors[name]) for name in names}, str(path))
    _write_config(folder, encoder_sha256, shape=shape.name, **about)


def _parts(sizes: Mapping[str, int]) -> list[list[str]]:
    """The names in as few runs as files of _FILE_BYTES need, each about as large as the others."""
    n_parts = -(-sum(sizes.values()) // _FILE_BYTES)
    parts: list[list[str]] = [[] for _ in range(n_parts)]
    done = 0
    for name, size in sizes.items():
        parts[min(done * n_parts // sum(sizes.values()), n_parts - 1)].append(name)
        done += size
    return parts


def save_model(folder: Path, trained: Mapping[str, Tensor], *, encoder_sha256: str, **about: object) -> None:
    """Writes tensors as float16 and a config that names their hash and the encoder's."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().to(torch.float16).contiguous() for name, tensor in trained.items()}
    save_file(tensors, str(folder / WEIGHTS_FILE))
    _write_config(folder, encoder_sha256, **about)


def _write_config(folder: Path, encoder_sha256: str, **about: object) -> None:
    config = {"format": FORMAT, "sha256": weights_sha256(folder), "encoder_sha256": encoder_sha256, **about}
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def padded_length(n_pieces: int) -> int:
    """The next multiple of 16: few different shapes, since the kernels that are made for each stay in memory."""
    return -(-n_pieces // 16) * 16
