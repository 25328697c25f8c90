"""What several tests need: a server that says what it was told to say, a tiny chat model, invented question sets."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


def delta(text: str | None = None, finish: str | None = None, **more: str) -> str:
    content = {} if text is None else {"content": text}
    return json.dumps({"choices": [{"index": 0, "delta": content | more, "finish_reason": finish}]}, ensure_ascii=False)


def spoken(*pieces: str, finish: str = "stop") -> list[str]:
    """The events of an answer that comes in these pieces."""
    return [*(delta(piece) for piece in pieces), delta(finish=finish), "[DONE]"]


@dataclass
class ChatServer:
    """What the server does with a request. sleep: what it waits for before the event of that number."""

    url: str
    events: list[str] = field(default_factory=list)
    first: list[list[str]] = field(default_factory=list)  # the events of the first requests, one after the other
    status: int = 200
    body: str = ""
    content_type: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    models: dict[str, Any] = field(default_factory=lambda: {"data": []})
    stall_before: int | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    statuses: list[int] = field(default_factory=list)


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.reply(200, json.dumps(server.models), "application/json")

        def do_POST(self) -> None:
            assert self.path == "/v1/chat/completions"
            server.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            server.keys.append(self.headers.get("authorization"))
            status = server.statuses.pop(0) if server.statuses else server.status
            if status != 200 or server.content_type != "text/event-stream":
                self.reply(status, server.body, server.content_type)
                return
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            try:
                for number, event in enumerate(server.first.pop(0) if server.first else server.events):
                    if number == server.stall_before:
                        server.released.wait(20)
                    self.wfile.write(f"data: {event}\n\n".encode())
                    self.wfile.flush()
            except OSError:
                server.gone.set()

        def reply(self, status: int, text: str, content_type: str) -> None:
            self.send_response(status)
            self.send_header("content-type", content_type)
            for header, value in server.headers.items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(text.encode())

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = ChatServer(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.released.set()
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def speech() -> Callable[..., list[str]]:
    return spoken


TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session")
def tiny_chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Llama of two layers with random weights, and with a chat template."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    text = "The old bridge of the town was mended by the engineer Ann Example before the winter of 1998."
    made.train_from_iterator([text], trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, chat_template=TEMPLATE)
    tokenizer.add_special_tokens({"eos_token": "<|im_end|>"})
    tokenizer.add_tokens([AddedToken("<|im_start|>", special=True)], special_tokens=True)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=2048, eos_token_id=tokenizer.eos_token_id, bos_token_id=None,
    )  # fmt: skip
    place = tmp_path_factory.mktemp("models") / "tiny-chat"
    LlamaForCausalLM(config).save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


TOWNS = ("Norwick", "Ellerby", "Tarn Cross", "Stonham", "Veldmark", "Quarrow")
PEOPLE = ("Ada Brandt", "Ivo Sellin", "Mara Lindqvist", "Jon Petrak", "Edith Roose", "Paul Okafor")


def _squad(n_articles: int = 6) -> dict[str, Any]:
    """Invented articles of two paragraphs with three questions each, in SQuAD's format."""
    articles = []
    for number in range(n_articles):
        town, person, year = TOWNS[number], PEOPLE[number], 1870 + 7 * number
        texts = [
            f"The mill of {town} opened in {year}. Its founder was {person}. It made cloth until the river froze.",
            f"Today {town} is known for its library. The library lends {number + 40} violins. Rain is common there.",
        ]
        asked = [
            [("When did the mill open?", str(year)), (f"Who founded the mill of {town}?", person)],
            [("What is the town known for?", "its library"), ("How many violins are lent?", str(number + 40))],
        ]
        paragraphs = []
        for place, (text, pairs) in enumerate(zip(texts, asked, strict=True)):
            qas = [
                {
                    "id": f"{number}-{place}-{turn}",
                    "question": question,
                    "answers": [{"text": answer, "answer_start": text.index(answer)}],
                }
                for turn, (question, answer) in enumerate(pairs)
            ]
            paragraphs.append({"context": text, "qas": qas})
        articles.append({"title": f"{town.replace(' ', '_')}", "paragraphs": paragraphs})
    return {"data": articles}


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A folder as `train_reader` takes it."""
    folder = tmp_path / "questions"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "towns.json").write_text(json.dumps(_squad()), encoding="utf-8")
    return folder
