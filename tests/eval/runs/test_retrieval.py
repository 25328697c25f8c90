"""A BEIR folder through the same way as any file, and faults of its files told with file and line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.gold.datasets import BadDataset, read_beir
from eval.gold.places import Level, rank_units
from eval.gold.questions import of_beir
from eval.runs.rankings import Frame
from eval.runs.retrieval import evaluate_retrieval
from index.collection import Collection
from index.encoder.embedding import Encoder
from index.passages import Passage
from rag.citations import Sources
from rag.reading.reader import Reader
from rag.retrieval import Hit

MakeCollection = Callable[..., Collection]

CORPUS = {
    "d1": ("Bridges", "The old wooden bridge over the river was mended in winter."),
    "d2": ("Mills", "The miller sold his mill to a baker. He left the valley."),
    "d3": ("", "Ravens are large black birds that build nests on cliffs."),
    "q3": ("", "Which black birds nest on cliffs?"),
}
QUERIES = {
    "q1": "Who bought the mill?",
    "q2": "When was the bridge mended?",
    "q3": "Which black birds nest on cliffs?",
    "q4": "x",
}
QRELS = {"q1": {"d2": 1}, "q2": {"d1": 2, "d3": 0}, "q3": {"d3": 1, "q3": 1}}


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    (tmp_path / "qrels").mkdir()
    rows = [json.dumps({"_id": i, "title": title, "text": text}) for i, (title, text) in CORPUS.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(rows))
    (tmp_path / "queries.jsonl").write_text("\n".join(json.dumps({"_id": i, "text": t}) for i, t in QUERIES.items()))
    judged = [f"{q}\t{d}\t{grade}" for q, relevance in QRELS.items() for d, grade in relevance.items()]
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(judged) + "\n")
    return tmp_path


def test_three_settings_are_scored_and_the_querys_own_document_is_dropped(beir: Path, encoder: Encoder) -> None:
    scores = evaluate_retrieval(of_beir(read_beir(beir)), encoder)
    assert scores.queries == 3
    assert set(scores.settings) == {"dense", "lexical", "fused"}
    # q3 asks with the text of a document: that one is dropped, d3 is first, and one of two relevant ones is found.
    assert scores.settings["fused"]["MRR@10"] == 1.0
    assert scores.settings["fused"]["Recall@100"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert scores.absent == 0


def test_an_equal_id_alone_drops_no_document(beir: Path, encoder: Encoder) -> None:
    """Cranfield numbers both queries and documents from 1."""
    (beir / "queries.jsonl").write_text(json.dumps({"_id": "d2", "text": "Who bought the mill?"}))
    (beir / "qrels" / "test.tsv").write_text("d2\td2\t1\nd2\tgone\t1\n")
    scores = evaluate_retrieval(of_beir(read_beir(beir)), encoder)
    assert scores.settings["fused"]["MRR@10"] == 1.0
    assert scores.absent == 1


def test_frames_stand_below_and_above_and_are_no_settings(beir: Path, encoder: Encoder, reader: Reader) -> None:
    scores = evaluate_retrieval(of_beir(read_beir(beir)), encoder, reader=reader)
    random, bm25, oracle = (scores.frames[name] for name in (Frame.RANDOM, Frame.BM25, Frame.ORACLE))
    assert all(name.startswith("frame: ") for name in scores.frames)
    assert bm25 == scores.settings["lexical"]
    assert oracle["nDCG@10"] == oracle["MRR@10"] == 1.0
    assert random["Recall@100"] == pytest.approx((1 + 1 + 0.5) / 3)  # four documents: all are among a hundred
    assert random == evaluate_retrieval(of_beir(read_beir(beir)), encoder).frames[Frame.RANDOM]
    assert set(scores.order) == {"questions", "fused", "read"}
    assert scores.order["questions"] == 3


def test_an_indexed_test_collection_is_kept_where_a_folder_is_named(
    beir: Path, tmp_path: Path, encoder: Encoder
) -> None:
    first = evaluate_retrieval(of_beir(read_beir(beir)), encoder, folder=tmp_path / "kept")
    seen: list[str] = []
    again = evaluate_retrieval(
        of_beir(read_beir(beir)), encoder, folder=tmp_path / "kept", progress=lambda step, _n, _total: seen.append(step)
    )
    assert again == first
    assert set(seen) == {"dense", "lexical", "fused"}
    (beir / "corpus.jsonl").write_text('{"_id": "d1", "text": "x"}')
    with pytest.raises(BadDataset, match=r"holds other documents too \(d2"):
        evaluate_retrieval(of_beir(read_beir(beir)), encoder, folder=tmp_path / "kept")


def test_a_unit_is_ranked_by_its_best_passage_and_ties_by_id_descending(make_collection: MakeCollection) -> None:
    text = "The committee of the town agreed on Tuesday to mend the old bridge before winter.\n\n"
    with make_collection(a=text, b=text, c=text, own=text).reading() as snapshot:
        sources = Sources(snapshot)

        def hit(doc: str, score: float, rank: int) -> Hit:
            return Hit(Passage(rank, f"{doc}.txt", 0, 20, text[:20]), score, rank, score, 0.0)

        hits = [hit("a", 0.9, 1), hit("b", 0.8, 2), hit("a", 0.7, 3), hit("c", 0.8, 4), hit("own", 0.99, 5)]

        def ids(level: Level, **options: Any) -> list[str]:
            return [unit for unit, _ in rank_units(hits, level, sources, **{"depth": 10, **options})]

        assert ids(Level.DOCUMENT, without="own.txt") == ["a.txt", "c.txt", "b.txt"]
        assert ids(Level.DOCUMENT, depth=2) == ["own.txt", "a.txt"]
        assert ids(Level.PARAGRAPH, depth=2) == ["own.txt ¶1", "a.txt ¶1"]
        assert ids(Level.PASSAGE, depth=2) == ["own.txt 0-20", "a.txt 0-20"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.jsonl", '{"_id": "d1", "text": "x"}\n{broken', r"corpus\.jsonl:2"),
        ("corpus.jsonl", '{"_id": "d1"}', r"corpus\.jsonl:1: 'text' is absent"),
        ("queries.jsonl", '{"_id": 7, "text": "x"}', r"queries\.jsonl:1: '_id' is not a string"),
        ("queries.jsonl", "", r"test\.tsv:2: judges query 'q1'"),
        ("queries.jsonl", '{"_id": "q1", "text": " "}', r"queries\.jsonl:1: query 'q1' is empty"),
        ("queries.jsonl", '{"_id": "q", "text": "x"}\n{"_id": "q", "text": "y"}', r"queries\.jsonl:2: the id 'q'"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td1\t1\n", r"test\.tsv:3: 'd1' was judged"),
        ("corpus.jsonl", '{"_id": "d1", "text": "x"}\n{"_id": "d1", "text": "y"}', r"corpus\.jsonl:2: the id 'd1'"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t0\n", "judges no document relevant"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\tmany\n", r"test\.tsv:2"),
    ],
)
def test_a_malformed_row_is_told_with_file_and_line(
    beir: Path, encoder: Encoder, name: str, content: str, message: str
) -> None:
    (beir / name).write_text(content)
    with pytest.raises(BadDataset, match=message):
        evaluate_retrieval(of_beir(read_beir(beir)), encoder)


def test_an_absent_split_names_the_files_of_a_beir_folder(beir: Path) -> None:
    with pytest.raises(BadDataset, match=r"dev\.tsv' does not exist; a BEIR folder"):
        read_beir(beir, "dev")
