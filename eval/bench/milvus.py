"""One collection in a folder and in Milvus: whether they find the same, how well, how fast, in how many bytes.

    python -m eval.bench.milvus BEIR_FOLDER [--answers] --save NAME

The documents are indexed into a folder (`--folder DIR` keeps it), moved into Milvus as `pilcrow export` and `import` do
it, and both are asked the same questions. By default Milvus is a Milvus Lite server of this command's own, in a process
of its own, asked over the network on 127.0.0.1; `--address milvus+http://HOST:PORT/NAME` names another. Prints one
JSON object. `equal`: the share of questions with the same ids in the same order and every score within 0.001. With
`--answers` the questions are answered, too, and `answers` is the share of which text, abstention and citations are the
same. In place of a BEIR folder: a file of questions, or the word `sample`.
"""

import argparse
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from eval.gold.questions import QuestionSet, read_question_set
from eval.report.results import name_to_save, save_result
from eval.runs.retrieval import evaluate_retrieval
from index.address import Place
from index.collection import Collection, Snapshot
from index.encoder.embedding import Encoder, Vectors, open_encoder
from index.opening import open_collection
from index.upkeep.moving import into_milvus
from rag.answering import Models, answer
from rag.reading.reader import bundled_reader
from rag.retrieval import retrieve

# Hits that are compared of each leg: those that an ordinary question fuses.
_DEPTH = 100
_TOLERANCE = 1e-3
# How long a server may take to begin.
_PATIENCE = 60.0
Hits = list[tuple[int, float]]


def measure(
    questions: QuestionSet, encoder: Encoder, folder: Path, address: str, *, answers: bool = False
) -> dict[str, Any]:
    """The figures of both. folder: where the documents are indexed, or are already. address: where nothing is yet."""
    scores = evaluate_retrieval(questions, encoder, folder=folder)
    began = perf_counter()
    into_milvus(folder, address)
    moved = perf_counter() - began
    theirs = evaluate_retrieval(questions, encoder, folder=address)
    vectors = encoder.encode([q.text for q in questions.questions])
    texts = [q.text for q in questions.questions]
    with open_collection(folder) as ours, open_collection(address) as milvus:
        hits = {name: _hits(collection, texts, vectors) for name, collection in (("folder", ours), ("milvus", milvus))}
        figures = {
            name: {
                "nDCG@10": {way: measures["nDCG@10"] for way, measures in found.settings.items()},
                "ms": _milliseconds(collection, encoder, texts, vectors),
                "bytes": collection.size() or None,
            }
            for name, collection, found in (("folder", ours, scores), ("milvus", milvus, theirs))
        }
        answered = _same_answers(ours, milvus, encoder, texts) if answers else None
        with ours.reading() as snapshot:
            passages = snapshot.status().passages
    return {
        "dataset": questions.name,
        "queries": len(texts),
        "passages": passages,
        "milvus_lite": version("milvus-lite"),
        "pymilvus": version("pymilvus"),
        "moved_seconds": round(moved, 1),
        "dense": _compared(hits["folder"]["dense"], hits["milvus"]["dense"]),
        "lexical": _compared(hits["folder"]["lexical"], hits["milvus"]["lexical"]),
        "answers": answered,
        **figures,
    }


def _same_answers(ours: Collection, theirs: Collection, encoder: Encoder, texts: Sequence[str]) -> float:
    """The share of questions with the same text, abstention and cited characters."""
    reader = bundled_reader()

    def said(collection: Collection, text: str) -> tuple[Any, ...]:
        given = answer(collection, Models(encoder, reader), text)
        return given.text, given.abstained, [(c.doc_id, c.start, c.end) for c in given.citations]

    return _share(said(ours, text) == said(theirs, text) for text in texts)


def _hits(collection: Collection, texts: Sequence[str], vectors: Vectors) -> dict[str, list[Hits]]:
    """The hits of each leg, for each question."""
    with collection.reading() as snapshot:
        return {
            "dense": [snapshot.nearest(vector, _DEPTH) for vector in vectors],
            "lexical": [snapshot.lexical(text, _DEPTH) for text in texts],
        }


def _compared(ours: Sequence[Hits], theirs: Sequence[Hits]) -> dict[str, float]:
    """How far hits are the same. same_first: of the best; shared_10: of the best ten; difference: of scores, most."""
    pairs = list(zip(ours, theirs, strict=True))
    differences = [_difference(dict(a), dict(b)) for a, b in pairs]
    return {
        "equal": _share(_is_equal(a, b) for a, b in pairs),
        "same_first": _share(a[:1] == [] == b[:1] or (a and b and a[0][0] == b[0][0]) for a, b in pairs),
        "shared_10": sum(_shared(a[:10], b[:10]) for a, b in pairs) / len(pairs),
        "largest_difference": max(differences),
    }


def _is_equal(ours: Hits, theirs: Hits) -> bool:
    """Whether the ids are the same in the same order, but for those of equal scores, and the scores are."""
    if len(ours) != len(theirs):
        return False
    scores = all(abs(a - b) <= _TOLERANCE for (_, a), (_, b) in zip(ours, theirs, strict=True))
    last = ours[-1][1] + 2e-6 if ours else 0.0  # at the cut, either of two of one score may have been left out
    return scores and {i for i, s in ours if s > last} <= {i for i, _ in theirs}


def _difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> float:
    """The largest difference of the scores of a passage that both found."""
    return max((abs(score - theirs[i]) for i, score in ours.items() if i in theirs), default=0.0)


def _shared(ours: Hits, theirs: Hits) -> float:
    ids = {i for i, _ in ours}
    return len(ids & {i for i, _ in theirs}) / len(ids) if ids else 1.0


def _share(found: Iterator[Any]) -> float:
    known = [bool(value) for value in found]
    return sum(known) / len(known)


def _milliseconds(collection: Collection, encoder: Encoder, texts: Sequence[str], vectors: Vectors) -> dict[str, float]:
    """Medians, one question at a time, each in a reading of its own: each leg, and all of a search with its words."""

    def timed(snapshot: Snapshot, leg: str, text: str, vector: Vectors) -> float:
        began = perf_counter()
        if leg == "dense":
            snapshot.nearest(vector, _DEPTH)
        elif leg == "lexical":
            snapshot.lexical(text, _DEPTH)
        else:
            retrieve(snapshot, encoder, text, 10)
        return 1000 * (perf_counter() - began)

    def one(leg: str, text: str, vector: Vectors) -> float:
        began = perf_counter()
        with collection.reading() as snapshot:
            opened = 1000 * (perf_counter() - began)
            return opened + timed(snapshot, leg, text, vector)

    return {
        leg: round(median(one(leg, text, vector) for text, vector in zip(texts, vectors, strict=True)), 2)
        for leg in ("dense", "lexical", "search")
    }


@contextmanager
def lite_server(folder: Path, port: int = 0) -> Iterator[str]:
    """A Milvus Lite server in a process of its own on 127.0.0.1; its address, less a collection's name.

    port: 0 is any free one.
    """
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "milvus_lite.cmdline", "server", "--data-dir", str(folder), "--host", "127.0.0.1",
               "--port", str(port)]  # fmt: skip
    log = folder.with_name(f"{folder.name}.log")
    with log.open("wb") as told, subprocess.Popen(command, stdout=told, stderr=told) as server:  # noqa: S603
        try:
            until = time.monotonic() + _PATIENCE
            while not _answers(port):
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the Milvus Lite server did not begin: {log.read_text(errors='replace')}")
                time.sleep(0.05)
            yield f"milvus+http://127.0.0.1:{port}"
        finally:
            server.kill()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def main() -> None:
    """Reads the arguments, measures, prints, and keeps the figures where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", metavar="BEIR_FOLDER")
    parser.add_argument("--answers", action="store_true", help="Answer the questions, too.")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="Keep the collection that is indexed here.")
    parser.add_argument("--address", metavar="ADDRESS", help="Where in Milvus; nothing may be there yet.")
    parser.add_argument(
        "--save", type=name_to_save, metavar="NAME", help="Keep the figures in eval/results under this name."
    )
    given = parser.parse_args()
    questions, encoder = read_question_set(given.data), open_encoder()
    with ExitStack() as stack:
        room = Path(stack.enter_context(TemporaryDirectory(prefix="pilcrow-milvus-")))
        address: Place = given.address or f"{stack.enter_context(lite_server(room / 'milvus'))}/measured"
        figures = measure(questions, encoder, given.folder or room / "collection", str(address), answers=given.answers)
        if not given.address:
            figures["milvus"]["bytes"] = sum(p.stat().st_size for p in (room / "milvus").rglob("*") if p.is_file())
    if given.save:
        asked = " --answers" if given.answers else ""
        save_result(
            f"milvus-{given.save}",
            figures,
            command=f"python -m eval.bench.milvus {Path(given.data).name}{asked} --save {given.save}",
            data=questions.path,
            model_sha256=encoder.identity.weights,
        )
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
