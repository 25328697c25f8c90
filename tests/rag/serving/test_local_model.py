"""`pilcrow serve` with a chat model of transformers on this machine: OpenAI's client, a tiny Llama."""

import re
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from index.collection import Collection

ROOT = Path(__file__).parent.parent.parent.parent
QUESTION = "How many years was Kenneth Yalowitz a diplomat?"
SAID = ["He was a diplomat", " for 36 years", " [1].", " He likes tea", " [9]."]


@pytest.fixture
def talking(tiny_chat: Path, tmp_path: Path) -> Path:
    """The tiny model made to say SAID and nothing else.

    Each part is a token of its own. The layers add nothing to a token's embedding, and the output's row of a token is
    the embedding of the one before it, so that each token is followed by the next.
    """
    import torch
    from tokenizers import AddedToken
    from transformers import AutoTokenizer, LlamaForCausalLM

    tokenizer: Any = AutoTokenizer.from_pretrained(tiny_chat)
    tokenizer.add_tokens([AddedToken(part, normalized=False) for part in SAID])
    model: Any = LlamaForCausalLM.from_pretrained(tiny_chat)
    model.resize_token_embeddings(len(tokenizer))
    chain = [tokenizer.encode("\n")[-1], *tokenizer.convert_tokens_to_ids(SAID), tokenizer.eos_token_id]
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        torch.nn.init.normal_(model.get_input_embeddings().weight, generator=torch.Generator().manual_seed(1))
        model.lm_head.weight.zero_()
        for one, other in pairwise(chain):
            model.lm_head.weight[other] = model.get_input_embeddings().weight[one]
    model.save_pretrained(tmp_path / "talking")
    tokenizer.save_pretrained(tmp_path / "talking")
    return tmp_path / "talking"


def test_a_local_models_answer_goes_over_http_checked_and_cited_streamed_and_not(
    sample: Collection, talking: Path
) -> None:
    command = [sys.executable, "-m", "pilcrow", "serve", "--collection", str(sample.folder), "--port", "0"]
    started = [*command, "--model", str(talking)]
    with subprocess.Popen(started, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        (address,) = re.findall(r"at (http://127\.0\.0\.1:\d+) ", process.stderr.readline())
        messages: Any = [{"role": "user", "content": QUESTION}]
        with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as caller:
            whole = caller.chat.completions.create(model="pilcrow", messages=messages)
            chunks = list(caller.chat.completions.create(model="pilcrow", messages=messages, stream=True))
        asked = httpx.post(f"{address}/ask", json={"question": QUESTION, "strict": True}, timeout=60).json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    answer = whole.pilcrow  # type: ignore[attr-defined]
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert streamed == whole.choices[0].message.content == answer["answer"]
    assert [(claim["text"], claim["verdict"]) for claim in answer["claims"]] == [
        ("He was a diplomat for 36 years.", "supported"),
    ]
    assert answer["generator"] == asked["generator"] == "talking"
    assert [claim["text"] for claim in asked["claims"]] == ["He was a diplomat for 36 years."]
    (citation,) = answer["citations"]
    assert "36 years" in citation["quote"]
    with sample.reading() as snapshot:
        text = snapshot.document(citation["document"]).text
    assert text[citation["start"] : citation["end"]] == citation["quote"]
