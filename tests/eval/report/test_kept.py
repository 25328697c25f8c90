"""What was measured before: found again by all that decides it, and never without where and when it was."""

import json
from pathlib import Path

import pytest

from eval.report import kept
from eval.report.kept import MeasurementCache, code_sha256
from eval.report.results import Origin, save_result


def test_a_value_is_made_once_and_comes_with_its_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def make() -> dict[str, object]:
        made.append("made")
        return {"rows": [[0.1, "é"], [float("nan"), None]]}

    then = Origin("abc", "2026-01-02", "another machine")
    monkeypatch.setattr(kept, "origin", lambda: then)
    first = MeasurementCache(tmp_path, "town", ["code", "data"])
    assert first("read", make)["rows"][0] == [0.1, "é"]
    monkeypatch.setattr(kept, "origin", lambda: Origin("def", "2026-03-04", "this machine"))
    again = MeasurementCache(tmp_path, "town", ["code", "data"])
    assert again("read", make)["rows"][0] == [0.1, "é"]
    assert (made, again.origins) == (["made"], [then])
    for other in (
        MeasurementCache(tmp_path, "town", ["code", "other data"]),
        MeasurementCache(tmp_path, "town", ["codedata"]),
    ):
        other("read", make)
        assert other.origins == [Origin("def", "2026-03-04", "this machine")]
    again("another part", make)
    assert len(made) == 4


def test_other_libraries_are_another_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MeasurementCache(tmp_path, "town", [])("", lambda: 1)
    assert MeasurementCache(tmp_path, "town", [])("", lambda: 2) == 1
    monkeypatch.setattr(kept, "library_versions", lambda: ["onnxruntime 9.9"])
    assert MeasurementCache(tmp_path, "town", [])("", lambda: 2) == 2


def test_a_measurement_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    def fail() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        MeasurementCache(tmp_path, "town", [])("", fail)
    assert MeasurementCache(tmp_path, "town", [])("", lambda: 3) == 3


def test_the_code_is_what_the_measuring_imports_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "eval/runs/rankings.py": "from rag.reading.reader import read\n",
        "rag/reading/reader.py": "def read():\n    from index.encoder import engine\n",
        "index/encoder/engine.py": "GRAPH = 'bert.onnx'\n",
        "index/encoder/bert.onnx": "graph",
        "rag/serving/app.py": "PORT = 1\n",
        "ui.py": "import rag.serving.app\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(kept, "ROOT", tmp_path)
    before = code_sha256("eval.runs.rankings")
    for name in ("rag/serving/app.py", "ui.py"):
        (tmp_path / name).write_text("PORT = 2\n")
        assert code_sha256("eval.runs.rankings") == before
    for name in ("rag/reading/reader.py", "index/encoder/engine.py", "index/encoder/bert.onnx"):
        was = (tmp_path / name).read_text()
        (tmp_path / name).write_text(was + "#")
        assert code_sha256("eval.runs.rankings") != before
        (tmp_path / name).write_text(was)
    assert code_sha256("eval.runs.rankings") == before


def test_a_package_is_code_too_and_so_is_one_around_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "eval/runs.py": "from index import store\nfrom rag.reading.reader import read\n",
        "index/store/__init__.py": "from index.store.rows import ROWS\n",
        "index/store/rows.py": "ROWS = 1\n",
        "rag/reading/__init__.py": "",
        "rag/reading/reader.py": "def read():\n    pass\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(kept, "ROOT", tmp_path)
    before = code_sha256("eval.runs")
    for name in ("index/store/__init__.py", "index/store/rows.py", "rag/reading/__init__.py", "rag/reading/reader.py"):
        was = (tmp_path / name).read_text()
        (tmp_path / name).write_text(was + "#")
        assert code_sha256("eval.runs") != before
        (tmp_path / name).write_text(was)


@pytest.mark.parametrize("module", ["eval.moved_runs", "eval.runs.collection_of", "numpy"])
def test_a_module_that_does_not_exist_has_no_hash(module: str) -> None:
    with pytest.raises(ValueError, match=rf"'{module}' is no module of ours"):
        code_sha256("eval.runs", module)


@pytest.mark.parametrize(
    "module", ["eval.runs.retrieval", "eval.runs.reading", "eval.runs.answers", "eval.runs.support"]
)
def test_neither_page_nor_server_nor_training_decides_a_figure(module: str) -> None:
    names = {path.relative_to(kept.ROOT).as_posix() for path in kept._reached([module])}
    assert {"index/encoder/engine.py", "rag/reading/reader.py", "eval/measures/ranking.py"} <= names
    assert not names & {
        "ui.py",
        "rag/serving/app.py",
        "rag/page/markup.py",
        "rag/training/reader.py",
        "eval/compare/page.py",
        "eval/report/results.py",
    }


def test_a_results_file_says_where_older_figures_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, then = Origin("def", "2026-03-04", "this machine"), Origin("abc", "2026-01-02", "another machine")
    monkeypatch.setattr("eval.report.results.origin", lambda: here)
    (tmp_path / "data").write_text("x")

    def saved(*origins: Origin) -> dict[str, object]:
        path = save_result(
            "answers", {}, command="c", data=tmp_path / "data", model_sha256="m", kept_from=origins, folder=tmp_path
        )
        record: dict[str, object] = json.loads(path.read_text())
        return record

    assert "kept_from" not in saved(here)
    record = saved(then, here)
    assert record["commit"] == "def"
    assert record["kept_from"] == [{"commit": "abc", "date": "2026-01-02", "machine": "another machine"}]
