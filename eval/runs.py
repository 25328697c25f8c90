"""Runs: the rankings that a setting gives to the queries of a test collection, and what they score."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from eval.datasets import RetrievalDataset
from eval.metrics import MEASURES, mean_over_queries
from index.collection import Collection, Snapshot, create_collection
from index.embedding import Encoder
from index.indexing import index_documents, require_same
from rag.retrieval import Hit, Way, retrieve

# Documents ranked per query, and the passages that each leg gives for them: a document may have several, so this is
# more than the hundred of an ordinary question (nDCG@10 differs by 0.002 at most).
_DEPTH = 100
_PASSAGES = 300


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """Measures by setting: settings["fused"]["nDCG@10"], in [0, 1]; queries: how many were judged."""

    dataset: str
    queries: int
    settings: dict[str, dict[str, float]]


def evaluate_retrieval(
    dataset: RetrievalDataset,
    encoder: Encoder,
    *,
    folder: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> RetrievalScores:
    """Dense, lexical and fused on one test collection, each document ranked by its best passage.

    folder: where the test collection is indexed, kept and found again; a temporary one by default.
    progress: called with the step's name, how much is done, and of how much (0 where that is not known).
    Raises CollectionMismatch where `folder` was made with another encoder.
    """
    report = progress or _silent
    if folder is None:
        with TemporaryDirectory(prefix="pilcrow-eval-") as temporary:
            return evaluate_retrieval(dataset, encoder, folder=Path(temporary) / "collection", progress=progress)
    with create_collection(folder, encoder.identity) as collection:
        require_same(collection, encoder)
        index_documents(collection, encoder, dataset.documents(), progress=lambda n: report("indexing", n, 0))
        runs = _runs(dataset, collection, encoder, report)
    return RetrievalScores(
        dataset.name,
        len(dataset.qrels),
        {
            way: {name: mean_over_queries(measure, run, dataset.qrels) for name, measure in MEASURES.items()}
            for way, run in runs.items()
        },
    )


def _silent(_step: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


def rank_documents(hits: Sequence[Hit], *, without: str | None = None, depth: int = _DEPTH) -> list[str]:
    """Document ids by their best passage, best first, ties by id descending as trec_eval; `without` is dropped.

    ArguAna asks with the text of its own documents: a hit whose id is the query's own is no answer.
    """
    best: dict[str, float] = {}
    for hit in hits:
        if hit.passage.doc_id != without:
            best[hit.passage.doc_id] = max(hit.score, best.get(hit.passage.doc_id, -1.0))
    ranked = sorted(best, reverse=True)  # the order of ids; the stable sort below keeps it among equal scores
    return sorted(ranked, key=lambda doc: -best[doc])[:depth]


def _under_all_names(hits: Sequence[Hit], snapshot: Snapshot) -> list[Hit]:
    """Each hit under every document that has its text: the judgements know them all, the collection stores one."""
    named = []
    for hit in hits:
        names = (hit.passage.doc_id, *snapshot.copies(hit.passage.doc_id))
        named += [replace(hit, passage=replace(hit.passage, doc_id=name)) for name in names]
    return named


def _runs(
    dataset: RetrievalDataset, collection: Collection, encoder: Encoder, report: Callable[[str, int, int], None]
) -> dict[str, dict[str, list[str]]]:
    runs: dict[str, dict[str, list[str]]] = {way.value: {} for way in Way}
    vectors = encoder.encode(list(dataset.queries.values()))
    with collection.reading() as snapshot:
        for done, ((query, text), vector) in enumerate(zip(dataset.queries.items(), vectors, strict=True), 1):
            for way in Way:
                hits = retrieve(snapshot, encoder, text, _PASSAGES, way=way, candidates=_PASSAGES, vector=vector)
                runs[way.value][query] = rank_documents(_under_all_names(hits, snapshot), without=query)
            report("searching", done, len(dataset.queries))
    return runs
