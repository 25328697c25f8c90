"""`pilcrow quotes` and `pilcrow timeline` as their user meets them."""

import json
from pathlib import Path

import pytest

import pilcrow

TEXT = (
    "The harbour\n\n“The pier is rotten,” said Maren Holt, the harbour master of Tarvik. She warned on Tuesday that it "
    "would fall.\n\nThe pier was built on 4 March 1911."
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PILCROW_COLLECTION", raising=False)
    (tmp_path / "a.txt").write_text(TEXT)
    assert pilcrow.main(["index", "a.txt", "--date", "2023-02-22", "--publisher", "Gazette"]) == 0
    capsys.readouterr()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = pilcrow.main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_quotes_lists_who_speaks_and_what_they_say(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "quotes")
    assert (status, err) == (0, "")
    assert " ".join(out.splitlines()[1].split()) == "2 1 1 Maren Holt, the harbour master of Tarvik"
    status, out, err = run(capsys, "quotes", "holt")
    assert (status, err) == (0, "")
    assert "Maren Holt, the harbour master of Tarvik" in out
    assert "“The pier is rotten,”" in out
    assert "(reported) it would fall." in out
    assert "named as “She”" in " ".join(out.split())


def test_quotes_as_json_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run(capsys, "quotes", "Maren Holt", "--json")[1])
    assert [(row["speaker"], row["direct"], row["told"]) for row in rows["quotes"]] == [
        ("Maren Holt", True, "name"), ("Maren Holt", False, "pronoun"),
    ]  # fmt: skip
    for row in rows["quotes"]:
        _, out, _ = run(capsys, "show", row["document"], str(row["start"]), str(row["end"]), "--json")
        assert json.loads(out)["quote"] == row["quote"]
    (speaker,) = json.loads(run(capsys, "quotes", "--json")[1])["speakers"]
    assert speaker == {
        "speaker": "Maren Holt", "post": "the harbour master of Tarvik", "quotes": 2, "direct": 1, "documents": 1,
    }  # fmt: skip


def test_nobody_of_the_name_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "quotes", "Maren Holz")
    assert (status, out) == (0, "No quotation found.\n")
    assert err == "pilcrow: nobody of that name is quoted; quoted are: Maren Holt\n"
    status, out, err = run(capsys, "quotes", "Zebedee", "--json")
    assert (status, json.loads(out)["quotes"]) == (0, [])
    assert "'pilcrow quotes' lists who is" in err
    status, out, err = run(capsys, "quotes", "--after", "2022")
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_timeline_lists_what_happened_when(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "timeline")
    assert (status, err) == (0, "")
    days = [line[:10] for line in out.splitlines() if line[:1].isdigit()]
    assert days == ["1911-03-04", "2023-02-21"]
    assert "“on Tuesday”, counted from the document’s date, 2023-02-22" in " ".join(out.split())
    _, out, _ = run(capsys, "timeline", "pier", "--after", "2000", "--json")
    assert [row["when"] for row in json.loads(out)["statements"]] == ["2023-02-21"]
    status, out, err = run(capsys, "timeline", "--after", "the other day")
    assert (status, out, err.count("\n")) == (2, "", 1)


def test_what_cannot_be_dated_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "edit", "a.txt", "--date", "")[0] == 0
    _, out, err = run(capsys, "timeline")
    assert [line[:10] for line in out.splitlines() if line[:1].isdigit()] == ["1911-03-04"]
    assert err.startswith("pilcrow: 1 statement left out")
    assert "pilcrow edit DOC --date DATE" in err
