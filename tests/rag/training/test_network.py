"""The network against the engine, for both shapes, and what a reader becomes on disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.encoder.embedding import bundled_folder
from index.encoder.engine import MINILM, MPNET, Engine, Precision, Shape, tensor_shapes
from index.encoder.weights import sha256_of
from rag.reading import reader as reading
from rag.reading.model_files import load_tokenizer
from rag.reading.reader import Heads, Reader, Window, head_shapes
from rag.training import network

PASSAGE = "The Norwick mill opened in 1874. Its founder, Ada Brandt, sold it to the weavers for £3.5 million."


@pytest.fixture(scope="module")
def weights_of() -> Callable[[Shape], dict[str, Any]]:
    """Random weights of a shape, as large as trained ones."""
    import torch

    made: dict[str, dict[str, Any]] = {}

    def weights(shape: Shape) -> dict[str, Any]:
        if shape.name not in made:
            generator = torch.Generator().manual_seed(4)
            made[shape.name] = {
                name: torch.randn(dimensions, generator=generator) * (0.3 if "relative" in name else 0.05)
                + (1.0 if name.endswith("LayerNorm.weight") else 0.0)
                for name, dimensions in {**tensor_shapes(shape), **head_shapes(shape)}.items()
            }
        return made[shape.name]

    return weights


def _windows(*passages: str) -> list[Window]:
    tokenizer = load_tokenizer(bundled_folder())
    question, title, *pieces = reading.to_pieces(tokenizer, ["Who sold the mill?", "Norwick.", *passages])
    return [network.window_at(question, title, passage, 0, max_pieces=64) for passage in pieces]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("shape", [MINILM, MPNET], ids=lambda shape: shape.name)
def test_the_engine_computes_what_the_network_computes(
    weights_of: Callable[[Shape], dict[str, Any]], shape: Shape, fused: bool
) -> None:
    import torch

    weights = weights_of(shape)
    arrays = {name: tensor.numpy() for name, tensor in weights.items()}
    engine, heads = Engine(arrays, shape=shape, precision=Precision.FLOAT32), Heads(arrays)
    shown = _windows(PASSAGE, "Short.", "", PASSAGE * 3)
    with torch.inference_mode():
        expected = network.network(weights, network.to_batch(shown), shape=shape, bfloat16=False, fused=fused)
    found = engine.run(
        [window.ids for window in shown],
        lambda hidden, _, numbers: [heads.logits(states, shown[n]) for states, n in zip(hidden, numbers, strict=True)],
        second_from=[window.second_from for window in shown],
    )
    for window, one, span, answerable, yes in zip(shown, found, *expected, strict=True):
        places = [0, *range(window.passage_from, window.passage_from + window.count)]
        np.testing.assert_allclose(one.span, span[places].numpy(), atol=2e-3)
        assert (one.answerable, one.yes) == pytest.approx((float(answerable), float(yes)), abs=2e-3)


def test_only_passage_and_no_answer_can_hold_a_span(weights_of: Callable[[Shape], dict[str, Any]]) -> None:
    import torch

    shown = _windows("Short.", PASSAGE)
    with torch.inference_mode():
        span = network.network(weights_of(MINILM), network.to_batch(shown), bfloat16=False, fused=False).span
    allowed = [[0, *range(w.passage_from, w.passage_from + w.count)] for w in shown]
    assert [row.isfinite().all(-1).nonzero()[:, 0].tolist() for row in span] == allowed


@pytest.mark.parametrize("shape", [MINILM, MPNET], ids=lambda shape: shape.name)
def test_frozen_layers_get_no_gradient_and_the_others_and_their_biases_do(
    weights_of: Callable[[Shape], dict[str, Any]], shape: Shape
) -> None:
    weights = {name: tensor.clone().requires_grad_() for name, tensor in weights_of(shape).items()}
    batch = network.to_batch(_windows("Short."))
    found = network.network(weights, batch, shape=shape, bfloat16=True, fused=False, frozen_layers=2)
    (found.span[:, 0].sum() + found.answerable.sum() + found.yes.sum()).backward()
    without = {name for name, tensor in weights.items() if tensor.grad is None}
    assert without == {n for n in weights if n.startswith(("embeddings.", "encoder.layer.0.", "encoder.layer.1."))}


def test_bfloat16_comes_near_and_is_cast_only_once(weights_of: Callable[[Shape], dict[str, Any]]) -> None:
    import torch

    weights, batch = weights_of(MINILM), network.to_batch(_windows(PASSAGE))
    shared = network.cast(weights, torch.bfloat16)
    assert (
        network.cast(shared, torch.bfloat16)["encoder.layer.0.output.dense.bias"]
        is (shared["encoder.layer.0.output.dense.bias"])
    )
    with torch.inference_mode():
        exact = network.network(weights, batch, bfloat16=False, fused=False)
        near = network.network(shared, batch, bfloat16=True, fused=False)
    assert near.answerable.dtype == torch.float32
    assert float(near.answerable) == pytest.approx(float(exact.answerable), abs=0.15)


def test_a_large_reader_is_saved_in_files_of_under_100_mb_and_reads_as_before(
    weights_of: Callable[[Shape], dict[str, Any]], tmp_path: Path
) -> None:
    weights, encoder = weights_of(MPNET), bundled_folder()
    network.save_reader(
        tmp_path, weights, shape=MPNET, encoder_sha256=sha256_of(encoder / "model.safetensors"),
        calibration={"bias": 0.5, "margin": 0.1, "answerable": 0.9},
    )  # fmt: skip
    sizes = {path.name: path.stat().st_size for path in sorted(tmp_path.glob("*.safetensors"))}
    assert list(sizes) == ["model-1-of-2.safetensors", "model-2-of-2.safetensors"]
    assert all(30_000_000 < size < 100_000_000 for size in sizes.values())
    arrays = {name: tensor.numpy() for name, tensor in weights.items()}
    before = Reader(arrays, load_tokenizer(encoder), shape=MPNET).read("Who sold the mill?", [PASSAGE])[0]
    after = Reader.open(tmp_path, encoder).read("Who sold the mill?", [PASSAGE])[0]
    assert [(span.start, span.end) for span in after.spans] == [(span.start, span.end) for span in before.spans]
    assert (after.answerable, after.yes) == pytest.approx((before.answerable, before.yes), abs=1e-4)
