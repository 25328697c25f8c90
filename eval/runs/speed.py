"""How fast Pilcrow is on this machine: import, load, indexing, answers, memory, bytes.

The bundled sample is indexed and asked; other files may be indexed in its place. Every duration is wall-clock time of
this machine, as it is: run it on an idle one. What is compared with what stands in the names: `reference` is
sentence-transformers' plain float32 `encode` of the very same texts on the same cores, when asked for.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from eval.measures.thresholds import percentile
from eval.runs.answers import peak_memory_bytes
from index import SAMPLE
from index.address import folder_size
from index.collection import Collection
from index.encoder.embedding import Encoder, Vectors, bundled_folder, open_encoder
from index.encoder.engine import n_cores
from index.intake.indexing import index_paths
from index.opening import create_collection
from rag.answering import Models, answer
from rag.api import ask_all
from rag.opened import OpenCollection
from rag.reading.reader import AnyReader, bundled_reader

_STAGES = ("retrieve", "read", "total")
_SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
# A process is started this often; the first start, which finds nothing in the disk's cache, is not counted.
_STARTS = 5
_IMPORTS = (
    "import pilcrow, index.opening, index.encoder.embedding, onnxruntime, tokenizers, rag.answering, rag.commands.text"
)
Progress = Callable[[int, int, str], None]


def measure_speed(
    paths: Sequence[Path] = (),
    *,
    reference: bool = False,
    starts: int = _STARTS,
    asked: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The figures, ready for JSON: seconds, documents, passages and characters a second, ms by stage, bytes.

    paths: files and folders to index in place of the sample.
    reference: whether sentence-transformers encodes the same passages, too, for comparison.
    starts: how often a process is started to take the time of import and first answer.
    asked: how many of the sample's questions are asked, three that warm up included; None is all.
    """
    report = progress or _silent
    articles = SAMPLE / "articles"
    rows = [json.loads(line) for line in (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    questions = [str(row["question"]) for row in rows[:asked]]
    figures: dict[str, Any] = {"cores": n_cores()}
    report(0, 0, "importing")
    figures["import_seconds"] = median(_started([sys.executable, "-c", _IMPORTS], starts))
    encoder, reader, figures["load_seconds"] = _loaded()
    figures["precision"] = encoder.identity.precision
    with TemporaryDirectory(prefix="pilcrow-speed-") as folder:
        sample = Path(folder) / "sample"
        counted = _Counted(encoder)
        indexed = Path(folder) / "files" if paths else sample
        figures |= _indexing(list(paths) or [articles], indexed, counted, report)
        if paths:
            with create_collection(sample, encoder.identity) as collection:
                index_paths(collection, encoder, [articles])
        report(0, 0, "answering")
        with create_collection(sample, encoder.identity) as collection:
            figures |= _latency(collection, encoder, reader, questions)
        figures["questions_per_second"] = _questions_per_second(sample, questions)
        ask = [sys.executable, "-m", "pilcrow", "ask", questions[0], "--collection", str(sample)]
        figures["first_answer_seconds"] = median(_started(ask, starts))
    figures["resident_bytes"] = peak_memory_bytes()
    if reference:
        report(0, 0, "sentence-transformers")
        figures["reference"] = _reference(counted)
    return figures


class _Counted:
    """An encoder that keeps the passages it is given, and the seconds that they took."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.identity, self.max_length = encoder.identity, encoder.max_length
        self.texts: list[str] = []
        self.seconds = 0.0

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """As the encoder's."""
        return self._encoder.count_pieces(texts)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's."""
        return self._encoder.encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's, counted."""
        began = perf_counter()
        vectors = self._encoder.encode_passages(texts)
        self.seconds += perf_counter() - began
        self.texts += texts
        return vectors


def _loaded() -> tuple[Encoder, AnyReader, dict[str, float]]:
    """Encoder and reader, each used once, and the seconds until they could be."""
    began = perf_counter()
    encoder = open_encoder()
    encoder.encode(["?"])
    encoder_loaded = perf_counter()
    reader = bundled_reader()
    reader.read("?", ["."])
    loaded = {"encoder": encoder_loaded - began, "reader": perf_counter() - encoder_loaded}
    encoder.encode_passages(["."])  # its own load is no part of indexing
    return encoder, reader, loaded


def _indexing(paths: Sequence[Path], folder: Path, encoder: _Counted, report: Progress) -> dict[str, Any]:
    began = perf_counter()
    with create_collection(folder, encoder.identity) as collection:
        index_paths(collection, encoder, paths, progress=report)
        seconds = perf_counter() - began
        with collection.reading() as snapshot:
            documents = [snapshot.document(d.doc_id) for d in snapshot.documents()]
            status = snapshot.status()
    amounts = {
        "documents": len(documents),
        "passages": len(encoder.texts),
        "characters": sum(len(document.text) for document in documents),
    }
    return {
        "indexed": {**amounts, "seconds": seconds, "encoding_seconds": encoder.seconds},
        "indexed_per_second": {name: amount / seconds for name, amount in amounts.items()},
        "passages_encoded_per_second": len(encoder.texts) / encoder.seconds,
        "bytes_per_passage": folder_size(folder) / max(status.passages, 1),
    }


def _latency(
    collection: Collection, encoder: Encoder, reader: AnyReader, questions: Iterable[str]
) -> dict[str, dict[str, float]]:
    """Milliseconds of each stage of questions asked one after the other; the first three warm up."""
    seconds = [answer(collection, Models(encoder, reader), question).seconds for question in questions][3:]
    return {
        f"{stage}_ms": {name: 1000 * percentile([s[stage] for s in seconds], share) for name, share in _SHARES.items()}
        for stage in _STAGES
    }


def _questions_per_second(folder: Path, questions: Sequence[str]) -> dict[str, float]:
    """Of the same questions one after the other, and together as `pilcrow ask --questions` asks them."""
    opened = OpenCollection(folder)
    asked = [(question, ()) for question in questions]
    list(ask_all(opened, asked[:3]))  # so that no model is loaded while the time is taken
    began = perf_counter()
    for question, _ in asked:
        answer(opened.stored, Models(opened.encoder, opened.reader), question)
    turned = perf_counter()
    list(ask_all(opened, asked))
    return {"one": len(asked) / (turned - began), "together": len(asked) / (perf_counter() - turned)}


def _reference(counted: _Counted) -> dict[str, float]:
    """Passages a second by sentence-transformers' `encode` as it is called by default, float32, on the same cores."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(n_cores())
    model = SentenceTransformer(str(bundled_folder()), device="cpu")
    model.encode(counted.texts[:32], show_progress_bar=False)
    began = perf_counter()
    model.encode(counted.texts, show_progress_bar=False)
    per_second = len(counted.texts) / (perf_counter() - began)
    return {"passages_encoded_per_second": per_second, "times": len(counted.texts) / counted.seconds / per_second}


def _started(command: Sequence[str], starts: int) -> list[float]:
    """Seconds from start to end of a process, for each start but a first one."""
    seconds = []
    path = os.pathsep.join([str(Path(__file__).resolve().parent.parent.parent), os.environ.get("PYTHONPATH", "")])
    for _ in range(starts + 1):
        began = perf_counter()
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": path})  # noqa: S603
        seconds.append(perf_counter() - began)
    return seconds[1:]


def _silent(_done: int, _total: int, _what: str) -> None:
    """Progress that nobody watches."""
