"""The documents cannot lie: commands exist, Python runs, the tree is the tree, records and tables are as they say."""

import io
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from eval.report.results import EARLIER, README, RESULTS, ROOT
from eval.report.tables import DOCUMENTS, with_tables
from index.collection import Collection
from index.documents import Document
from index.encoder.embedding import BUNDLED_SHA256, Encoder
from index.paragraphs import Paragraph
from index.passages import Passage
from rag.answering import Models, answer
from rag.answers import Answer, Evidence, ShortAnswer, answer_json
from rag.citations import Cell, Citation, Claim
from rag.confidence import FITTED_TO
from rag.reading.reader import BUNDLED_READER, bundled_reader
from rag.retrieval import Hit
from rag.support.model import BUNDLED_SUPPORT

TEXT = README.read_text(encoding="utf-8")
CHAT_MODELS = (ROOT / "docs" / "chat-models.md").read_text(encoding="utf-8")
DEVELOPMENT = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
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


def test_every_measuring_and_training_command_is_documented_where_development_is() -> None:
    import pilcrow

    (evaluating,) = [group for group in pilcrow.app.registered_groups if group.name == "eval"]
    commands = {f"eval {c.name}" for c in evaluating.typer_instance.registered_commands}
    commands |= {c.name for c in pilcrow.app.registered_commands if str(c.name).startswith("train-")}
    assert set(re.findall(r"^\| `pilcrow ((?:eval )?[a-z-]+)", DEVELOPMENT, re.MULTILINE)) == commands
    benches = re.findall(r"`([\w.]+)`", re.findall(r"measures what no command does: (.*?) for other", DEVELOPMENT)[0])
    assert [name for name in benches if not (ROOT / "eval/bench" / f"{name.replace('.', '/')}.py").is_file()] == []


def test_the_readme_takes_at_most_sixteen_kilobytes() -> None:
    assert len(TEXT.encode()) <= 16_000


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).is_file()] == []


def test_the_records_have_the_fields_that_the_architecture_names() -> None:
    rows = re.findall(r"^\| ([A-Z]\w+) \| ([a-z_0-9, ]+) \|", ARCHITECTURE, re.MULTILINE)
    records = (Document, Paragraph, Passage, Hit, Evidence, Citation, Cell, Claim, ShortAnswer, Answer)
    assert {name: named.split(", ") for name, named in rows} == {
        record.__name__: [field.name for field in fields(record)] for record in records
    }


def test_an_answer_as_json_has_the_form_that_the_architecture_shows(sample: Collection, encoder: Encoder) -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", ARCHITECTURE, re.DOTALL)
    printed = answer_json(answer(sample, Models(encoder, bundled_reader()), "How long was Yalowitz a diplomat?"))

    def form(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: form(part) for name, part in value.items()}
        return [form(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else ()

    assert form(json.loads(shown)) == form(printed)


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
