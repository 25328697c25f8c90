"""Where training starts: upstream's weights by our names and numbers, readers that ship, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from index.encoder.embedding import bundled_folder
from index.encoder.engine import MINILM, MPNET, quantized
from rag.reading.model_files import ModelFileError
from rag.training.start import initial_weights, read_tensors, with_berts_names

WORDS = "embeddings.word_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"


def _saved(folder: Path, tensors: dict[str, Any]) -> Path:
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, str(folder / "model.safetensors"))
    return folder


def test_upstreams_word_pieces_and_positions_get_berts_numbers() -> None:
    import torch

    upstream = {
        WORDS: torch.arange(30527.0)[:, None],
        POSITIONS: torch.arange(514.0)[:, None],
        "encoder.layer.3.attention.attn.o.bias": torch.ones(1),
        "encoder.layer.3.attention.LayerNorm.weight": torch.ones(1),
        "encoder.layer.3.output.LayerNorm.weight": torch.ones(1),
    }
    found = with_berts_names(upstream)
    words, positions = found.pop(WORDS)[:, 0], found.pop(POSITIONS)[:, 0]
    assert [int(words[number]) for number in (0, 100, 101, 102, 103, 30521)] == [1, 104, 0, 2, 107, 30525]
    assert (len(words), len(positions), int(positions[0])) == (30522, 512, 2)
    assert list(found) == [
        "encoder.layer.3.attention.output.dense.bias",
        "encoder.layer.3.attention.output.LayerNorm.weight",
        "encoder.layer.3.output.LayerNorm.weight",
    ]


def test_without_a_start_the_transformer_is_the_encoders_and_the_heads_are_new() -> None:
    import torch

    encoder = bundled_folder()
    one, two, other = (initial_weights(encoder, seed) for seed in (3, 3, 4))
    theirs = read_tensors(encoder)
    assert all(torch.equal(one[name], theirs[name]) for name in one if name in theirs)
    assert torch.equal(one["span.weight"], two["span.weight"])
    assert not torch.equal(one["span.weight"], other["span.weight"])
    assert float(one["answerable.dense.weight"].std()) == pytest.approx(0.02, rel=0.05)


def test_a_reader_that_could_not_say_yes_gets_a_row_for_it(tmp_path: Path) -> None:
    import torch

    old = {"answerable.out.weight": torch.ones(1, 384), "answerable.out.bias": torch.ones(1)}
    weights = initial_weights(bundled_folder(), 0, start=_saved(tmp_path, old), shape=MINILM)
    assert weights["answerable.out.weight"].tolist() == [[1.0] * 384, [0.0] * 384]
    assert weights["answerable.out.bias"].tolist() == [1.0, 0.0]


def test_tensors_in_8_bits_are_as_they_were_trained_but_for_their_rounding(tmp_path: Path) -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    tensors = {name: torch.randn(6, 4, generator=generator) for name in (WORDS, "encoder.layer.0.output.dense.weight")}
    stored = {k: torch.from_numpy(v) for name, t in tensors.items() for k, v in quantized(name, t.numpy()).items()}
    found = read_tensors(_saved(tmp_path, stored))
    assert found.keys() == tensors.keys()
    assert all(torch.allclose(found[name], tensors[name], atol=0.02) for name in tensors)


def test_a_start_of_another_shape_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"holds no weights to start a mpnet reader with.*all-mpnet-base-v2"):
        initial_weights(bundled_folder(), 0, start=bundled_folder(), shape=MPNET)
    with pytest.raises(ModelFileError, match=r"holds no model\*\.safetensors"):
        initial_weights(bundled_folder(), 0, start=tmp_path, shape=MPNET)
