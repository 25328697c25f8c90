"""Bulk, and what is measured of it."""

import json
import re
import resource
from pathlib import Path

import numpy as np
import pytest

from eval.bench import many_files, million
from eval.bench import one_size as growth
from eval.bench.bulk import bulk, index_real, read_real
from eval.report.growth import draw
from eval.report.results import save_result
from eval.report.tables import with_tables
from index.encoder.embedding import Encoder

WORDS = (
    "harbour",
    "ferry",
    "mill",
    "bridge",
    "quay",
    "lantern",
    "orchard",
    "winter",
    "barley",
    "copper",
    "widow",
    "ledger",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small BEIR folders."""
    folder = tmp_path_factory.mktemp("data")
    chance = np.random.default_rng(0)
    for name in ("ants", "bees"):
        (folder / name / "qrels").mkdir(parents=True)
        rows = [
            {"_id": str(n), "title": f"{name} {n}", "text": " ".join(chance.choice(WORDS, 40)) + "."} for n in range(20)
        ]
        queries = [{"_id": f"q{n}", "text": f"Where is the {word}?"} for n, word in enumerate(WORDS)]
        (folder / name / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / name / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
        qrels = "".join(f"q{n}\t{n}\t1\n" for n in range(len(WORDS)))
        (folder / name / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + qrels)
    return folder


def test_bulk_is_of_real_words_and_vectors_and_a_smaller_one_is_the_beginning_of_a_larger(
    data: Path, tmp_path: Path, encoder: Encoder
) -> None:
    with index_real(data, tmp_path / "real", encoder) as collection:
        real = read_real(collection)
    assert len(real.documents) == 40
    small, large = list(bulk(real, 60)), list(bulk(real, 203))
    assert sum(len(p.windows) for p in large) == sum(len(p.vectors) for p in large) == 203
    assert [p.document for p in small[:-1]] == [p.document for p in large[: len(small) - 1]]
    assert len({p.document.text for p in large}) == len(large)
    words = {word for pieces in real.pieces for piece in pieces for word in piece.split()}
    nearest = []
    for p in large[40:]:
        assert set(p.document.text.split()) <= words
        np.testing.assert_allclose(np.linalg.norm(p.vectors, axis=1), 1, atol=1e-3)
        nearest += (p.vectors @ real.vectors.T).max(axis=1).tolist()
        assert p.document.date is not None
        assert "2000-01-01" <= p.document.date <= "2024-12-31"
    assert 0.8 < np.mean(nearest) < 0.99  # so near are they to a real one, and not the same


def test_every_figure_of_two_sizes_stands_in_the_tables_and_the_picture(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(growth, "_OF_EACH", 6)
    monkeypatch.setattr(million, "_child", _here)
    folder = str(tmp_path / "bulk")
    million.main([str(data), "--folder", folder, "--passages", "50", "--passages", "120"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [size["passages"] for size in figures["sizes"]] == [50, 120]
    for size in figures["sizes"]:
        assert size["recall_at_10"] == 1.0  # both are searched exactly
        assert set(size["milliseconds"]) == {"no filter", "dates", "publisher", "one document", "query encoded, too"}
        assert size["added"]["bytes_written"] >= 0
    save_result("growth-x", figures, command="x", data=data, model_sha256="x", folder=tmp_path / "results")
    text = with_tables(
        "<!-- table: growth -->\n<!-- end of table --><!-- table: stages -->\n<!-- end of table -->",
        tmp_path / "results",
    )
    assert "| passages | 50 | 120 |" in text
    assert "| words: tantivy | " in text
    assert re.search(r"\| what filters let through (\| [\d.]+ ms ){6}\|", text)
    draw(tmp_path / "results", tmp_path / "growth.svg")
    first = (tmp_path / "growth.svg").read_bytes()
    draw(tmp_path / "results", tmp_path / "growth.svg")
    assert (tmp_path / "growth.svg").read_bytes() == first
    assert b"Ten hits for a question" in first


def _here(module: str, *arguments: str) -> dict[str, object]:
    """What the child process would say, from this process, whose encoder is loaded."""
    if module == "eval.bench.one_size":
        return growth.measure(*(Path(argument) for argument in arguments))
    from index.encoder.embedding import open_encoder

    return million.rebuild(Path(arguments[2]) / arguments[4], open_encoder())


def test_files_in_thousands_are_made_once_and_indexed_by_the_command(data: Path, tmp_path: Path) -> None:
    many_files.make_files(data, tmp_path / "files", 12)
    path = tmp_path / "files" / "000" / "000011.txt"
    assert len(path.read_text().split()) == 48
    path.write_text("Mine.\n")
    many_files.make_files(data, tmp_path / "files", 12)
    assert path.read_text() == "Mine.\n"
    figures = many_files.index_files(tmp_path / "files", tmp_path / "collection")
    assert figures["documents"] == 12
    # What is forked begins with the memory of its parent, which here are all tests before this one.
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert 50 < figures["largest_process_mb"] < 2000 + ours
