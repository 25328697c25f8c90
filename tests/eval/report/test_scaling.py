"""The tables of what would be needed, and those of load and peers: arithmetic worked by hand."""

import json
from pathlib import Path

import pytest

from eval.bench.peers.compare import medians
from eval.report.scaling import outgrown_table, scaling_table
from eval.report.speed_tables import load_table, peers_table

ORIGIN = {"command": "x", "commit": "c" * 40, "date": "2026-01-01", "machine": "m", "data_sha256": "d" * 64,
          "model_sha256": "e" * 64}  # fmt: skip


def row(table: str, begins: str) -> list[str]:
    """The cells of the one row that begins so."""
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {begins}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    speed = {"cores": 2, "bytes_per_passage": 5_000.0, "indexed": {"passages": 900},
             "indexed_per_second": {"passages": 100.0}, **ORIGIN}  # fmt: skip
    (tmp_path / "speed-cranfield.json").write_text(json.dumps(speed))
    return tmp_path


@pytest.fixture
def load(results: Path) -> Path:
    record = {
        "door": "serve", "dataset": "town", "documents": 3, "passages": 1_200, "askers": 32, "seconds": 300.2,
        "answered": 3000, "other": {}, "per_second": 10.0, "index_rounds": 7, "growth": 0.01,
        "latency": {"p50": 3.21, "p95": 4.56, "p99": 5.0, "max": 6.0},
        "memory_mb": {"second": 400.2, "third": 401.0, "last": 1000.0}, **ORIGIN,
    }  # fmt: skip
    (results / "load-serve.json").write_text(json.dumps(record))
    return results


def test_a_hundred_million_passages_are_as_many_times_the_measured_one(results: Path) -> None:
    table = scaling_table(results)
    assert row(table, "disk")[1:3] == ["50 GB", "500 GB"]
    assert row(table, "embedding")[1:3] == ["56 core hours", "556 core hours"]  # 1e7 / 50 / 3600
    assert row(table, "memory for the vectors")[1:3] == ["17 GB", "166 GB"]  # 1e8 * (384 * 4 + 16 * 2 * 4) bytes
    assert row(table, "nodes of")[1:3] == ["1", "6"]
    assert row(table, "cores that retrieve")[1] == "–"


def test_bytes_a_passage_are_those_of_the_largest_collection_that_was_measured(results: Path) -> None:
    assert row(outgrown_table(results), "disk")[1] == "5.0 kB a passage, everything included, of 900"
    sizes = [
        {"passages": 10_000, "bytes": {"vectors": 9_000_000}},
        {"passages": 1_000_000, "bytes": {"vectors": 400_000_000, "lexical": 600_000_000, "corpus.sqlite": 10**9}},
    ]
    (results / "growth-million.json").write_text(json.dumps({"sizes": sizes, **ORIGIN}))
    assert row(outgrown_table(results), "disk")[1] == "2.0 kB a passage, everything included, of 1,000,000"
    assert row(scaling_table(results), "disk")[1:] == ["20 GB", "200 GB", "measured at 1,000,000, times n"]


def test_askers_are_counted_from_the_load_that_was_measured(load: Path) -> None:
    table = scaling_table(load)
    assert row(table, "questions a second")[1] == "16.7"
    assert row(table, "cores that retrieve")[1] == "4"  # 16.7 / 5 a core
    assert row(table, "instances")[1] == "2"
    assert row(table, "their memory")[1] == "2.1 GB"
    reads = row(outgrown_table(load), "the processor that reads")
    assert reads[1:3] == ["10.0 answers a second", "600 people who ask once a minute"]


def test_the_load_without_an_index_run_counts_before_the_one_with(load: Path) -> None:
    record = json.loads((load / "load-serve.json").read_text()) | {"per_second": 20.0, "index_rounds": 0}
    (load / "load-serve-alone.json").write_text(json.dumps(record))
    assert row(outgrown_table(load), "the processor that reads")[1] == "20.0 answers a second"
    cells = [line.split("|")[-2].strip() for line in load_table(load).splitlines() if "pilcrow serve" in line]
    assert cells == ["no", "7 times"]


def test_a_run_is_a_row_with_its_memory_over_the_time(load: Path) -> None:
    assert row(load_table(load), "`pilcrow serve`") == [
        "`pilcrow serve`", "town, 1,200 passages", "32", "300 s", "10.0", "3.2, 4.6, 5.0 s", "nothing",
        "400, 401, 1000 MB", "7 times",
    ]  # fmt: skip


def test_where_pilcrow_is_behind_is_said_with_the_best_of_the_others(tmp_path: Path) -> None:
    ours = {"load_seconds": 0.3, "documents_per_second": 80.0, "p50_ms": 12.0, "p95_ms": 13.0, "nDCG@10": 0.42,
            "peak_mb": 500.0}  # fmt: skip
    theirs = ours | {"load_seconds": 8.0, "p50_ms": 10.0, "nDCG@10": 0.38}
    best = ours | {"load_seconds": 9.0, "p50_ms": 9.0, "documents_per_second": 20.0}
    record = {"dataset": "town", "turns": 3, "versions": {"txtai": "1"}, **ORIGIN,
              "systems": {"pilcrow": ours, "langchain": theirs, "txtai": best}}  # fmt: skip
    (tmp_path / "peers-town.json").write_text(json.dumps(record))
    table = peers_table(tmp_path)
    assert "- town: Pilcrow is behind in p50 (txtai, dense 9.0 ms); level in documents a second, p95, " in table
    worse = {"load_seconds": 9.0, "documents_per_second": 20.0, "p50_ms": 13.0, "p95_ms": 14.0, "nDCG@10": 0.41,
             "peak_mb": 700.0}  # fmt: skip
    record["systems"] = {"pilcrow": ours, "langchain": worse}
    (tmp_path / "peers-town.json").write_text(json.dumps(record))
    assert "- town: Pilcrow is ahead in every column; medians of 3 turns" in peers_table(tmp_path)


def test_figures_of_several_turns_are_their_medians() -> None:
    assert medians([{"p50_ms": 3.0}, {"p50_ms": 1.0}, {"p50_ms": 2.0}]) == {"p50_ms": 2.0}
