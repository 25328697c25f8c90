"""The README cannot lie: its commands exist, its Python runs, its tree is the tree, its tables are the results."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from eval.report.results import EARLIER, README, RESULTS, ROOT
from eval.report.tables import DOCUMENTS, with_tables
from index.encoder.embedding import BUNDLED_SHA256
from rag.confidence import FITTED_TO
from rag.reading.reader import BUNDLED_READER
from rag.support.model import BUNDLED_SUPPORT

TEXT = README.read_text(encoding="utf-8")
CHAT_MODELS = (ROOT / "docs" / "chat-models.md").read_text(encoding="utf-8")
PAPERS = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)


def test_both_commands_stand_in_the_first_twenty_lines() -> None:
    head = "\n".join(TEXT.splitlines()[:20])
    assert "pilcrow ask" in head
    assert "-m pytest" in head


def test_the_transcript_is_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pilcrow

    (question,) = re.findall(r'pilcrow ask "(.*?)"', TEXT.split("```")[1])
    (transcript,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.delenv("PILCROW_COLLECTION", raising=False)
    assert pilcrow.main(["ask", question]) == 0
    assert capsys.readouterr().out == transcript


def test_the_conversation_is_what_chat_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pilcrow

    conversation, _ = re.findall(
        r"```console\n(\? .*?)```", CHAT_MODELS, re.DOTALL
    )  # the other is tests/rag/commands/test_chat.py's
    questions = re.findall(r"^\? (.*)\n", conversation, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.delenv("PILCROW_COLLECTION", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(questions)))
    assert pilcrow.main(["chat"]) == 0
    assert capsys.readouterr().out.rstrip() == re.sub(r"^\? .*\n", "", conversation, flags=re.MULTILINE).rstrip()


def test_every_command_is_documented_and_every_documented_one_exists() -> None:
    import pilcrow

    commands = {c.name for c in pilcrow.app.registered_commands}
    table = {
        name
        for row in re.findall(r"^\| (`pilcrow.*?) \|", TEXT, re.MULTILINE)
        for name in re.findall(r"`(?:pilcrow )?([a-z-]+)", row)
    }
    assert table == commands | {"eval"}


def test_it_can_be_read_in_ten_minutes() -> None:
    assert len(TEXT.encode()) <= 16_000


def test_the_python_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    text = "The committee of the town agreed on Tuesday to mend the old bridge before winter."
    (tmp_path / "notes" / "a.txt").write_text(text)
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102  (our own README)
    assert names["cited"].quote == text  # type: ignore[attr-defined]
    assert len(names["hits"]) == 1  # type: ignore[arg-type]


def test_the_file_tree_is_the_tree() -> None:
    (tree,) = re.findall(r"## What lies where\n\n(.*?)\n\n", TEXT, re.DOTALL)
    named = re.findall(r"^    (\S+) ", tree, re.MULTILINE)
    wings = {
        f"{path.parent.relative_to(ROOT)}/" for room in ("index", "rag", "eval") for path in (ROOT / room).rglob("*.py")
    }
    data = {"index/sample/", "rag/model/", "eval/results/", "tests/"}
    assert set(named) == wings - {"eval/bench/peers/"} | data | {"pilcrow.py", "ui.py"}
    assert [name for name in named if not (ROOT / name).exists()] == []


def records(kind: str) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in RESULTS.glob(f"{kind}-*.json")}


def test_the_tables_are_made_from_the_results_and_the_models_are_those_measured() -> None:
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert with_tables(text) == text
    reader = json.loads((BUNDLED_READER / "config.json").read_text())["sha256"]
    assert reader == FITTED_TO
    support = json.loads((BUNDLED_SUPPORT / "config.json").read_text())["sha256"]
    for kind, names, model in (
        ("retrieval", {"retrieval-nfcorpus", "retrieval-cranfield", "retrieval-arguana"}, BUNDLED_SHA256),
        ("support", {"support-attributionbench-dev"}, support),
    ):
        found = records(kind)
        assert set(found) >= names
        assert {record["model_sha256"] for record in found.values()} == {model}
    for kind in ("retrieval", "reading", "support", "answers"):
        assert records(kind)
        assert not [name for name, record in records(kind).items() if record["commit"].endswith("changed")]


@pytest.mark.parametrize("kind", ["reading", "answers", "confidence", "precision", "load", "speed"])
def test_figures_of_another_reader_than_the_one_that_ships_say_so(kind: str) -> None:
    """So says the line of each of those below its table, and that of no other."""
    reader = json.loads((BUNDLED_READER / "config.json").read_text())["sha256"]
    assert records(kind)
    for record in records(kind).values():
        measured = record.get("reader_sha256") if kind == "speed" else record["model_sha256"]
        begins = f"- `{record['command']}` at commit `{record['commit'][:12]}`"
        (line,) = [line for line in PAPERS.splitlines() if line.startswith(begins)]
        assert line.endswith(f"; {EARLIER}") == (measured != reader)


def test_the_shipped_models_fit_in_150_megabytes_and_none_is_a_pickle() -> None:
    files = [path for path in (ROOT / "rag" / "model").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 150_000_000
    assert max(path.stat().st_size for path in files) <= 95_000_000  # some places refuse a file of over 100 MB
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".md"}
