"""The same answers whatever computes them: PyTorch in float32, ONNX Runtime in float32, and what ships.

    python -m eval.bench.precision squad2_dev_half.json --save squad2-dev-half
    python -m eval.bench.precision sample --save sample

The same code asks the same questions three times, each time with an encoder that has embedded all documents anew and a
reader of its own. The reference is sentence-transformers' `encode` and the network that the reader was trained with.
What is counted: the same passages read, the same decision whether to answer, the same words first, the same sentences.
The results file lists every question that differs, by id and characters, without its text.
"""

import argparse
import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval import SAMPLE_SIZE
from eval.gold.questions import QuestionSet, read_question_set
from eval.report.results import RESULTS, name_to_save, save_result
from eval.report.tables import write_tables
from eval.runs.rankings import collection_of
from index.encoder.embedding import BundledEncoder, Encoder, EncoderIdentity, Vectors, bundled_folder, rounded
from index.encoder.engine import MINILM, SHAPES, Precision, Shape, exact_model, fastest_precision
from rag.answering import Models, answer
from rag.answers import Answer
from rag.reading.model_files import open_files
from rag.reading.reader import (
    BUNDLED_ORDER,
    BUNDLED_READER,
    FROZEN_NAMES,
    Calibration,
    Logits,
    Reader,
    Readers,
    Window,
    head_tensors,
)
from rag.training.network import network, to_batch

REFERENCE = "PyTorch, float32"
# In what the answer itself may differ, not only what was read for it.
_ANSWER = {"abstention", "first span", "sentences"}
# Windows that the reference reads together.
_TOGETHER = 8
Progress = Callable[[str, int, int], None]


class ReferenceEncoder:
    """all-MiniLM-L6-v2 by sentence-transformers, in float32; in all else the bundled encoder."""

    def __init__(self) -> None:
        """Loads both."""
        from sentence_transformers import SentenceTransformer

        self._bundled = BundledEncoder(precision=Precision.FLOAT32)
        self._model = SentenceTransformer(str(bundled_folder()), device="cpu", local_files_only=True)
        self.max_length = self._bundled.max_length
        self.identity: EncoderIdentity = self._bundled.identity

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """As the bundled encoder."""
        return self._bundled.count_pieces(texts)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, unit norm, rounded to float16's grid."""
        if not texts:
            return self._bundled.encode(texts)
        return rounded(self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True))

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As `encode`."""
        return self.encode(texts)


class ReferenceReader(Reader):
    """The bundled reader on the network that it was trained with, PyTorch, float32."""

    def __init__(self, weights: Mapping[str, NDArray[np.floating]], *, shape: Shape = MINILM, **options: Any) -> None:
        """As Reader."""
        import torch

        super().__init__(weights, shape=shape, precision=Precision.FLOAT32, **options)
        self._shape = shape
        self._tensors = {name: torch.tensor(np.array(tensor)).float() for name, tensor in weights.items()}

    def _run(self, shown: Sequence[Window]) -> list[Logits]:
        import torch

        found: list[Logits] = []
        for start in range(0, len(shown), _TOGETHER):
            batch = shown[start : start + _TOGETHER]
            with torch.inference_mode():
                said = network(self._tensors, to_batch(batch), shape=self._shape, bfloat16=False, fused=True)
            for window, span, answerable, yes in zip(batch, *said, strict=True):
                places = [0, *range(window.passage_from, window.passage_from + window.count)]
                found.append(Logits(span[places].numpy(), float(answerable), float(yes)))
        return found


def models() -> dict[str, Callable[[], tuple[Encoder, Readers]]]:
    """Name -> what loads encoder and readers of that name; the reference first, what ships last."""

    def one(folder: Path, kind: type[Reader], **options: Any) -> Reader:
        files = open_files(folder, bundled_folder())
        shape = SHAPES[files.config.get("shape", MINILM.name)]
        frozen = {name: files.encoder[name] for name in FROZEN_NAMES} if shape is MINILM else {}
        calibration = Calibration(**files.config.get("calibration", {}))
        weights = exact_model(files.trained | frozen, shape) | head_tensors(files.trained)
        return kind(weights, tokenizer=files.tokenizer, shape=shape, calibration=calibration, **options)

    def readers(kind: type[Reader], **options: Any) -> Readers:
        return Readers(one(BUNDLED_ORDER, kind, **options), one(BUNDLED_READER, kind, **options))

    def engine(precision: Precision) -> tuple[Encoder, Readers]:
        return BundledEncoder(precision=precision), readers(Reader, precision=precision)

    ways: dict[str, Callable[[], tuple[Encoder, Readers]]] = {
        REFERENCE: lambda: (ReferenceEncoder(), readers(ReferenceReader)),
        "ONNX Runtime, float32": lambda: engine(Precision.FLOAT32),
    }
    if fastest_precision() is Precision.INT8:
        ways["ONNX Runtime, int8, as it ships here"] = lambda: engine(Precision.INT8)
    return ways


def ask_all(questions: QuestionSet, encoder: Encoder, reader: Readers, progress: Progress) -> list[Answer]:
    """The answer to each question, as `pilcrow ask` gives it, over documents that this encoder has embedded."""
    answers = []
    with collection_of(questions, encoder, progress=progress) as collection:
        for done, question in enumerate(questions.questions, 1):
            answers.append(answer(collection, Models(encoder, reader), question.text))
            progress("asking", done, len(questions.questions))
    return answers


@dataclass(frozen=True, slots=True)
class Compared:
    """Two answers to one question. differs: in what, from the passages to the sentences; empty where in nothing."""

    question_id: str
    reference: Answer
    other: Answer

    @property
    def differs(self) -> tuple[str, ...]:
        """passages, their order, abstention, first span, sentences."""
        one, two = _passages(self.reference), _passages(self.other)
        kinds = []
        if set(one) != set(two):
            kinds.append("passages")
        elif one != two:
            kinds.append("their order")
        if self.reference.abstained != self.other.abstained:
            return (*kinds, "abstention")
        if _spans(self.reference)[:1] != _spans(self.other)[:1]:
            kinds.append("first span")
        if _sentences(self.reference) != _sentences(self.other):
            kinds.append("sentences")
        return tuple(kinds)

    @property
    def confidence_difference(self) -> float:
        """Of the two confidences, without sign."""
        return abs(self.reference.confidence - self.other.confidence)


def _passages(given: Answer) -> list[tuple[str, int, int]]:
    return [(e.doc_id, e.start, e.end) for e in given.evidence]


def _spans(given: Answer) -> list[tuple[str, int, int]]:
    return [(a.doc_id, a.start, a.end) for a in given.answers]


def _sentences(given: Answer) -> list[tuple[str, int, int]]:
    return [(c.doc_id, c.start, c.end) for c in given.citations]


def figures_of(compared: Sequence[Compared]) -> dict[str, Any]:
    """Counts over all questions, and those that are answered otherwise. Raises ValueError for no question."""
    if not compared:
        raise ValueError("no question was asked")
    counts = Counter(kind for one in compared for kind in one.differs)
    both = sum(not one.reference.abstained and not one.other.abstained for one in compared)
    off = [one.confidence_difference for one in compared]
    return {
        "questions": len(compared),
        "both_answered": both,
        "other_passages": counts["passages"],
        "other_order": counts["their order"],
        "other_abstention": counts["abstention"],
        "other_first_span": counts["first span"],
        "other_sentences": counts["sentences"],
        "confidence_difference": {"mean": float(np.mean(off)), "max": max(off)},
        "different": [_different(one) for one in compared if _ANSWER & {*one.differs}],
    }


def _different(one: Compared) -> dict[str, Any]:
    """A question whose answer differs, without any text."""
    sides = {
        name: {"abstained": given.abstained, "confidence": round(given.confidence, 4), "first_span": _spans(given)[:1],
               "sentences": _sentences(given)} for name, given in (("reference", one.reference), ("other", one.other))
    }  # fmt: skip
    return {"id": one.question_id, "differs": list(one.differs), **sides}


def _told(progress: Progress, name: str, step: str, done: int, total: int) -> None:
    progress(f"{name}: {step}", done, total)


def measure(questions: QuestionSet, progress: Progress) -> dict[str, Any]:
    """The figures of each way against the reference, on the same questions."""
    given = {name: ask_all(questions, *load(), partial(_told, progress, name)) for name, load in models().items()}
    reference = given.pop(REFERENCE)
    ids = [q.question_id for q in questions.questions]
    return {
        "reference": REFERENCE,
        "against": {
            name: figures_of([Compared(*row) for row in zip(ids, reference, others, strict=True)])
            for name, others in given.items()
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.precision", description=__doc__)
    parser.add_argument("data", help="SQuAD's .json, a BEIR folder, or: sample")
    parser.add_argument("-n", type=int, default=SAMPLE_SIZE, help="a fixed sample of about so many questions")
    parser.add_argument(
        "--save", type=name_to_save, metavar="NAME", help="write eval/results/precision-NAME.json and the tables"
    )
    given = parser.parse_args(arguments)
    questions = read_question_set(given.data).sampled(given.n)
    figures = measure(questions, lambda step, n, of: print(f"\r{step} {n}/{of}", end="", file=sys.stderr))
    print(file=sys.stderr)
    sys.stdout.write(json.dumps(figures) + "\n")
    if given.save:
        sized = ["-n", str(given.n)] if given.n != SAMPLE_SIZE else []
        command = shlex.join(["python", "-m", "eval.bench.precision", Path(given.data).name, *sized])
        sha256 = json.loads((BUNDLED_READER / "config.json").read_text(encoding="utf-8"))["sha256"]
        save_result(f"precision-{given.save}", figures, command=command, data=questions.path, model_sha256=sha256,
                    folder=RESULTS)  # fmt: skip
        write_tables()
    return 0


if __name__ == "__main__":
    sys.exit(main())
