"""The engine: the graph that ships is the one that the code makes, and its order of batches does not show."""

import numpy as np
import pytest

from index.embedding import bundled_folder
from index.engine import BATCH_PIECES, GRAPH, WIDTH, Engine, Floats, Integers, _batches, tensor_shapes
from index.graph import build
from index.weights import mapped_tensors


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    return mapped_tensors(bundled_folder() / "model.safetensors")


def test_the_graph_that_ships_is_the_one_that_the_code_makes() -> None:
    assert GRAPH.read_bytes() == build()


def test_hidden_states_are_those_of_transformers_with_two_segments_and_padding(tensors: dict[str, np.ndarray]) -> None:
    import torch
    from transformers import BertModel

    rng = np.random.default_rng(0)
    ids = rng.integers(1000, 30000, (3, 512)).astype(np.int32)
    types = (np.arange(512) > np.array([[5], [400], [1]])).astype(np.int32)
    lengths = np.array([512, 17, 1], np.int32)
    mask = np.arange(512) < lengths[:, None]
    reference = BertModel.from_pretrained(bundled_folder(), add_pooling_layer=False).eval()
    with torch.inference_mode():
        expected = reference(
            input_ids=torch.tensor(ids).long(),
            token_type_ids=torch.tensor(types).long(),
            attention_mask=torch.tensor(mask).long(),
        ).last_hidden_state.numpy()
    actual = Engine(tensors).hidden_states(ids, types, lengths)
    assert actual.shape == (3, 512, WIDTH)
    np.testing.assert_allclose(actual[mask], expected[mask], atol=1e-4)


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_inputs(tensors: dict[str, np.ndarray], threads: int) -> None:
    inputs = [[101, *range(1000, 1000 + n), 102] for n in (3, 200, 0, 90, 1, 300, 7)]

    def firsts(hidden: Floats, lengths: Integers, _: object) -> list[tuple[int, Floats]]:
        return list(zip(lengths.tolist(), hidden[:, 0], strict=True))

    engine = Engine(tensors, threads=threads)
    found = engine.run(inputs, firsts)
    assert [length for length, _ in found] == [len(ids) for ids in inputs]
    for ids, (_, state) in zip(inputs, found, strict=True):
        np.testing.assert_allclose(state, engine.run([ids], firsts)[0][1], atol=1e-4)
    assert engine.run([], firsts) == []


def test_batches_hold_every_input_once_fit_and_keep_all_threads_at_work() -> None:
    lengths = np.random.default_rng(0).integers(2, 257, 500).tolist()
    batches = list(_batches(lengths, 4))
    assert sorted(number for batch in batches for number in batch) == list(range(500))
    assert all(len(batch) * max(lengths[n] for n in batch) <= BATCH_PIECES for batch in batches)
    assert [len(batch) for batch in _batches([300] * 8, 2)] == [3, 3, 2]
    assert [len(batch) for batch in _batches([100] * 8, 2)] == [4, 4]


def test_a_tensor_of_another_shape_is_named(tensors: dict[str, np.ndarray]) -> None:
    name = "encoder.layer.3.output.dense.bias"
    with pytest.raises(ValueError, match=rf"'{name}' has shape \(5,\), not \(384,\)"):
        Engine({**tensors, name: np.zeros(5, np.float32)})
    with pytest.raises(KeyError, match=name):
        Engine({key: tensor for key, tensor in tensors.items() if key != name})
    assert name in tensor_shapes()
