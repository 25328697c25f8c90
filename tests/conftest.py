"""What the tests share: one encoder a session, small collections of invented text, and the sample."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a test that reaches for the network must fail, not wait

from index.collection import Collection
from index.encoder.embedding import Encoder, bundled_folder, open_encoder
from index.intake.indexing import index_paths
from index.opening import create_collection
from rag.reading.reader import Reader, bundled_reader

# A shell starts what it puts in the background with Ctrl-C ignored, and so would be the processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS = Path(__file__).parent
ARTICLES = TESTS.parent / "index" / "sample" / "articles"
# Folders and files of tests that start browsers, servers or other processes, kill them, or train; with what is marked
# slow they are `long`, and `-m "not long"` leaves them out.
LONG = (
    "eval/bench/",
    "eval/runs/test_speed.py",
    "index/formats/test_a_hundred_files.py",
    "index/formats/test_fuzz.py",
    "index/intake/",
    "index/milvus/",
    "index/test_collection_contract.py",
    "index/test_robustness.py",
    "rag/commands/test_chat.py",
    "rag/generation/test_hostile_documents.py",
    "rag/serving/",
    "rag/training/",
    "ui/",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what takes long, before `-m` looks at the marks."""
    for item in items:
        if item.get_closest_marker("slow") or item.path.relative_to(TESTS).as_posix().startswith(LONG):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return open_encoder()


@pytest.fixture(scope="session")
def reader() -> Reader:
    return bundled_reader()


@pytest.fixture
def make_collection(tmp_path: Path, encoder: Encoder) -> Iterator[Callable[..., Collection]]:
    """Texts by file name -> a collection of them, open for writing."""
    opened: list[Collection] = []

    def make(name: str = "collection", /, **texts: str) -> Collection:
        folder = tmp_path / f"{name}-files"
        folder.mkdir(exist_ok=True)
        for stem, text in texts.items():
            (folder / f"{stem}.txt").write_text(text, encoding="utf-8")
        collection = create_collection(tmp_path / name, encoder.identity)
        opened.append(collection)
        if texts:
            index_paths(collection, encoder, [folder])
        return collection

    yield make
    for collection in opened:
        collection.close()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Iterator[Collection]:
    """The bundled sample, indexed once a session."""
    with create_collection(tmp_path_factory.mktemp("sample") / "collection", encoder.identity) as collection:
        index_paths(collection, encoder, [ARTICLES])
        yield collection


@pytest.fixture(scope="session")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real sentence-transformers model of 32 dimensions, its weights drawn at random."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    folder = tmp_path_factory.mktemp("other")
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(bundled_folder())
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=24)
    SentenceTransformer(modules=[transformer, Pooling(32)], device="cpu").save(str(folder / "model"))
    return folder / "model"
