"""A folder beside Milvus: what counts as the same hits, and the measuring of both from end to end."""

import json
from pathlib import Path

import pytest

from eval.bench.milvus import _compared, lite_server, measure
from eval.gold.questions import read_question_set
from eval.report.tables import with_tables
from index.encoder.embedding import Encoder

OURS = [(1, 0.9), (2, 0.5), (3, 0.4)]


@pytest.mark.parametrize(
    ("theirs", "equal"),
    [
        ([(1, 0.9), (2, 0.5), (3, 0.4)], 1.0),
        ([(1, 0.9004), (2, 0.4996), (3, 0.4)], 1.0),  # within 0.001
        ([(1, 0.9), (2, 0.5), (4, 0.4)], 1.0),  # at the cut one of two of the same score
        ([(1, 0.902), (2, 0.5), (3, 0.4)], 0.0),
        ([(1, 0.9), (5, 0.5), (3, 0.4)], 0.0),
        ([(1, 0.9), (2, 0.5)], 0.0),
        ([], 0.0),
    ],
)
def test_hits_are_equal_with_the_same_passages_and_scores(theirs: list[tuple[int, float]], equal: float) -> None:
    assert _compared([OURS], [theirs])["equal"] == equal


def test_shares_and_differences_of_hits_are_those_worked_by_hand() -> None:
    found = _compared([OURS, []], [[(2, 0.6), (1, 0.2), (7, 0.1)], []])
    assert found == {
        "equal": 0.5, "same_first": 0.5, "shared_10": pytest.approx((2 / 3 + 1) / 2),
        "largest_difference": pytest.approx(0.7),
    }  # fmt: skip


def test_both_are_measured_on_a_test_collection_and_the_table_says_it(tmp_path: Path, encoder: Encoder) -> None:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'pilcrow[milvus]'")
    data = tmp_path / "towns"
    (data / "qrels").mkdir(parents=True)
    rows = {"a": "The committee agreed to mend the old bridge.", "b": "The miller sold his wooden mill to a baker."}
    lines = [json.dumps({"_id": name, "title": "", "text": text}) for name, text in rows.items()]
    (data / "corpus.jsonl").write_text("\n".join(lines))
    (data / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "Who sold the mill?"}))
    (data / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tb\t1\n")
    with lite_server(tmp_path / "milvus") as address:
        questions = read_question_set(data)
        figures = measure(questions, encoder, tmp_path / "folder", f"{address}/towns", answers=True)
    assert figures["folder"]["nDCG@10"] == figures["milvus"]["nDCG@10"] == {"dense": 1, "lexical": 1, "fused": 1}
    assert (figures["dense"]["equal"], figures["lexical"]["same_first"], figures["answers"]) == (1, 1, 1)
    assert figures["passages"] == 2
    known = {"command": "c", "commit": "0" * 40, "date": "d", "machine": "m", "data_sha256": "", "model_sha256": ""}
    (tmp_path / "milvus-towns.json").write_text(json.dumps(figures | known))
    table = with_tables("<!-- table: milvus -->\n<!-- end of table -->", tmp_path)
    assert "| towns, 1 | a folder | 1.0000, 1.0000, 1.0000 |" in table
    assert "dense hits have the same ids and scores within 0.001 for 100.0% of the questions" in table
    assert "100.0% of the answers are the same" in table
