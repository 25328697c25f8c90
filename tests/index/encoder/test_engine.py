"""The engine: the graph that ships is the one that the code makes, and its order of batches does not show."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index.encoder.embedding import bundled_folder, shared_tokenizer
from index.encoder.engine import (
    BATCH_PIECES,
    GRAPHS,
    MINILM,
    MPNET,
    PROBE,
    SCALE,
    WIDTH,
    Engine,
    Floats,
    Integers,
    Precision,
    Shape,
    _batches,
    fastest_precision,
    int8_is_exact,
    quantized,
    tensor_shapes,
)
from index.encoder.graph import build, build_probe
from index.encoder.weights import mapped_tensors

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    return mapped_tensors(bundled_folder() / "model.safetensors")


@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("shape", [MINILM, MPNET])
def test_the_graph_that_ships_is_the_one_that_the_code_makes(shape: Shape, precision: Precision) -> None:
    assert GRAPHS[shape, precision].read_bytes() == build(shape, precision)
    assert PROBE.read_bytes() == build_probe()


def test_the_engine_prepares_no_report_about_its_user(tmp_path: Path) -> None:
    # ONNX Runtime is silent of itself in a test or on a CI's machine; users have neither.
    own = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    home = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME", "TMPDIR")}
    script = "from index.encoder.embedding import open_encoder; open_encoder().encode_passages(['The old bridge.'])"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={**own, **home}, check=True)
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name or path.name == "deviceid"]


def test_hidden_states_are_those_of_transformers_with_two_segments(tensors: dict[str, np.ndarray]) -> None:
    import torch
    from transformers import BertModel

    rng = np.random.default_rng(0)
    ids = rng.integers(1000, 30000, (4, 512)).astype(np.int32)
    second_from, lengths = [5, 9, 1, 3], [512, 17, 1, 17]
    types = (np.arange(512) >= np.array(second_from)[:, None]).astype(np.int32)
    mask = np.arange(512) < np.array(lengths)[:, None]
    reference = BertModel.from_pretrained(bundled_folder(), add_pooling_layer=False).eval()
    with torch.inference_mode():
        expected = reference(
            input_ids=torch.tensor(ids).long(),
            token_type_ids=torch.tensor(types).long(),
            attention_mask=torch.tensor(mask).long(),
        ).last_hidden_state.numpy()
    inputs = [row[:length].tolist() for row, length in zip(ids, lengths, strict=True)]
    for threads in (1, 2):
        actual = Engine(tensors, threads=threads).run(inputs, lambda hidden, *_: list(hidden), second_from=second_from)
        assert [states.shape for states in actual] == [(length, WIDTH) for length in lengths]
        for states, reference_states, length in zip(actual, expected, lengths, strict=True):
            np.testing.assert_allclose(states, reference_states[:length], atol=1e-4)


def _means(engine: Engine, inputs: list[list[int]]) -> Floats:
    def take(hidden: Floats, lengths: Integers, _: object) -> list[Floats]:
        assert lengths.tolist() == [hidden.shape[1]] * len(hidden)
        means = [states.mean(axis=0) for states in hidden]
        return [mean / np.linalg.norm(mean) for mean in means]

    return np.stack(engine.run(inputs, take))


@pytest.mark.skipif(not int8_is_exact(), reason="this processor saturates: float32 is used")
def test_8_bit_integers_come_near_and_do_not_depend_on_the_neighbours(tensors: dict[str, np.ndarray]) -> None:
    text = (
        "The committee of the town agreed on Tuesday to mend the old bridge before winter, said its chair, Ada Brandt. "
        "Nobody knew in 1974 what it would cost; £3.5 million were set aside for the piers alone. "
    )
    tokenizer = shared_tokenizer(bundled_folder())
    inputs = [tokenizer.encode(text * 3).ids[:n] for n in (2, 5, 17, 40, 100)]
    exact, near = Engine(tensors), Engine(tensors, precision=Precision.INT8)
    assert (_means(exact, inputs) * _means(near, inputs)).sum(axis=1).min() > 0.99
    alone = np.vstack([_means(near, [ids]) for ids in inputs])
    np.testing.assert_allclose(_means(near, inputs), alone, atol=1e-5)
    assert fastest_precision() is Precision.INT8


def test_an_8_bit_weight_is_at_most_half_a_step_off(tensors: dict[str, np.ndarray]) -> None:
    name = "encoder.layer.2.output.dense.weight"
    found = quantized(name, tensors[name])
    assert set(found) == {name, name + SCALE}
    assert np.abs(found[name]).max() == 127
    steps = np.abs(found[name].T.astype(np.float64) - tensors[name] / found[name + SCALE][:, None])
    assert steps.max() <= 0.5001


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


def test_batches_hold_every_input_once_with_others_of_its_length_and_keep_all_threads_at_work() -> None:
    lengths = np.random.default_rng(0).integers(2, 257, 500).tolist()
    batches = list(_batches(lengths, 4))
    assert sorted(number for batch in batches for number in batch) == list(range(500))
    assert all(len({lengths[number] for number in batch}) == 1 for batch in batches)
    assert all(len(batch) == 1 or len(batch) * lengths[batch[0]] <= BATCH_PIECES for batch in batches)
    assert [len(batch) for batch in _batches([300] * 8, 2)] == [1] * 8
    assert [len(batch) for batch in _batches([20] * 16, 2)] == [8, 8]
    assert [len(batch) for batch in _batches([20] * 30, 1)] == [12, 12, 6]


def test_a_tensor_of_another_shape_is_named(tensors: dict[str, np.ndarray]) -> None:
    name = "encoder.layer.3.output.dense.bias"
    with pytest.raises(ValueError, match=rf"'{name}' has shape \(5,\), not \(384,\)"):
        Engine({**tensors, name: np.zeros(5, np.float32)})
    with pytest.raises(KeyError, match=name):
        Engine({key: tensor for key, tensor in tensors.items() if key != name})
    assert name in tensor_shapes()
