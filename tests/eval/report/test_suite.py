"""The suite on a folder of small test collections: what it finds, what it keeps, what it writes."""

import gzip
import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from eval.gold.datasets import BadDataset
from eval.report.results import Origin
from eval.report.suite import find_data, run_suite, save_parts
from eval.report.tables import with_tables
from eval.runs.cleaning import evaluate_cleaning, read_pages, scores_json
from index.encoder.embedding import Encoder
from rag.reading.reader import Reader

TEXT = "The old wooden bridge of the town was mended by the engineer Ann Example in 1998."
MILL = "The miller Bob Sample sold his mill to a baker from the city for forty coins."


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "beir" / "town" / "qrels").mkdir(parents=True)
    (folder / "reading" / "train").mkdir(parents=True)
    corpus = [{"_id": "bridge", "text": TEXT}, {"_id": "mill", "text": MILL}]
    (folder / "beir" / "town" / "corpus.jsonl").write_text("\n".join(map(json.dumps, corpus)))
    (folder / "beir" / "town" / "queries.jsonl").write_text('{"_id": "q 1", "text": "Who mended the bridge?"}')
    (folder / "beir" / "town" / "qrels" / "test.tsv").write_text("q 1\tbridge\t1\n")
    qas = [{"id": "1", "question": "Who mended it?", "answers": [{"text": "Ann Example", "answer_start": 61}]}]
    squad = {"data": [{"title": "Bridge", "paragraphs": [{"context": TEXT, "qas": qas}]}]}
    (folder / "reading" / "few_questions.json").write_text(json.dumps(squad))
    (folder / "reading" / "train" / "other.json").write_text(json.dumps(squad))
    (folder / "reading" / "notes.json").write_text('{"data": 3}')
    return folder


def test_collections_are_found_by_their_form_and_training_data_is_passed_over(data: Path, tmp_path: Path) -> None:
    found = find_data(data)
    assert [path.name for path in found.beir] == ["town"]
    assert [path.name for path in found.squad] == ["few_questions.json"]
    assert found.claims == ()
    assert [path.name for path in found.body] == ["town", "few_questions.json", "other.json"]
    with pytest.raises(BadDataset, match="nothing to measure below"):
        find_data(data / "beir" / "town" / "qrels")
    with pytest.raises(BadDataset, match="is not a folder"):
        find_data(tmp_path / "nowhere")


def test_the_suite_measures_all_keeps_runs_and_writes_results_and_tables(
    data: Path, tmp_path: Path, encoder: Encoder, reader: Reader
) -> None:
    parts = list(islice(run_suite(data, encoder, reader, tmp_path / "cache"), 6))  # the sample comes last
    assert [(part.kind, part.name) for part in parts] == [
        ("retrieval", "town"),
        ("reading", "few-questions"),
        ("answers", "few-questions"),
        ("furniture", "town"),
        ("furniture", "few-questions"),
        ("furniture", "other"),
    ]
    steps: list[str] = []
    watched = run_suite(data, encoder, reader, tmp_path / "cache", progress=lambda step, _n, _of: steps.append(step))
    again = list(islice(watched, 6))
    assert [part.figures for part in again] == [part.figures for part in parts]  # durations, too: those from before
    assert [part.origins for part in again] == [part.origins for part in parts]
    assert steps == []  # nothing is indexed, ranked, read or asked again
    assert parts[3].figures == {"texts": 2, "words": 32, "lost_words": 0, "share_lost": 0.0}
    results, readme = tmp_path / "results", tmp_path / "README.md"
    results.mkdir()
    (results / "retrieval-old.json").write_text("{}")
    readme.write_text(
        "".join(f"<!-- table: {name} -->\n<!-- end of table -->\n" for name in ("retrieval", "answers", "furniture"))
    )
    save_parts(parts, results, [readme])
    assert sorted(path.stem for path in results.iterdir()) == sorted(f"{part.kind}-{part.name}" for part in parts)
    text = readme.read_text()
    assert "| town | 1 | **fused** | 1.000 | 1.000 | 1.000 |" in text
    assert "| town | 1 | *frame: gold first (oracle)* | 1.000 |" in text
    assert "| few-questions | 1 | " in text
    assert "| town | 2 | 32 | 0.000% |" in text
    assert "measured, durations too" not in text
    assert with_tables(text, results) == text
    save_parts([replace(parts[2], origins=[Origin("abc", "2026-01-02", "another machine")])], results, [readme])
    assert "; measured, durations too, at commit `abc`, 2026-01-02, another machine\n" in readme.read_text()


def test_pages_with_their_marked_text_are_cleaned_as_the_command_does(
    tmp_path: Path, encoder: Encoder, reader: Reader
) -> None:
    folder = tmp_path / "data" / "pages"
    (folder / "html").mkdir(parents=True)
    marked = {}
    for number in range(12):
        body = " ".join(
            f"Town {number} agreed on its bridge number {i}, after a long and loud debate." for i in range(9)
        )
        rows = [*(["Home", "News", "Sport", "Log in"] * 4), body, *(["Read more", "Share this", "4 hours ago"] * 4)]
        html = "".join(f"<p>{row}</p>" for row in rows)
        (folder / "html" / f"{number}.html.gz").write_bytes(gzip.compress(f"<html><body>{html}</body></html>".encode()))
        marked[str(number)] = {"articleBody": body, "url": f"https://town{number}.example/"}
    (folder / "ground-truth.json").write_text(json.dumps(marked))
    found = find_data(tmp_path / "data")
    assert found.pages == (folder,)
    part = next(run_suite(tmp_path / "data", encoder, reader, tmp_path / "cache"))
    scores = evaluate_cleaning(read_pages(folder))
    assert (part.kind, part.name, part.figures) == ("cleaning", "pages", scores_json(scores))
    assert part.figures["pages"] == 12
