"""`pilcrow eval speed`: every figure is there, and those that can be checked are right."""

import json
from pathlib import Path

import pytest

import pilcrow
from eval.runs.speed import measure_speed

TEXT = "The committee of the town agreed on Tuesday to mend the old bridge before winter.\n"
MEETING = "Meeting {} was long, and nobody who took part in it was content with how it ended.\n"


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("files")
    for number in range(3):
        (folder / f"{number}.txt").write_text(f"{TEXT}\n{MEETING.format(number)}")
    return measure_speed([folder], starts=1, asked=6)


def test_amounts_are_those_of_the_files(figures: dict[str, dict[str, float]]) -> None:
    assert (figures["indexed"]["documents"], figures["indexed"]["passages"]) == (3, 6)
    assert figures["indexed"]["characters"] == 3 * (len(TEXT) + 1 + len(MEETING.format(0)))
    assert figures["indexed_per_second"]["documents"] == pytest.approx(3 / figures["indexed"]["seconds"])


def test_durations_are_of_the_order_that_they_must_have(figures: dict[str, dict[str, float]]) -> None:
    for stage in ("retrieve_ms", "read_ms", "total_ms"):
        assert 0 < figures[stage]["p50"] <= figures[stage]["p95"] <= figures[stage]["p99"]
    assert figures["total_ms"]["p50"] > figures["read_ms"]["p50"]
    together = figures["questions_per_second"]
    assert set(together) == {"one", "together"}
    assert all(rate > 0 for rate in together.values())
    assert figures["first_answer_seconds"] > figures["import_seconds"] > 0  # type: ignore[operator]
    assert figures["indexed"]["encoding_seconds"] < figures["indexed"]["seconds"] * 2


def test_the_command_prints_the_figures(
    figures: dict[str, object], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def measured(paths: list[Path], **options: object) -> dict[str, object]:
        asked.append((list(paths), options["reference"]))
        return figures

    monkeypatch.setattr("eval.runs.speed.measure_speed", measured)
    assert pilcrow.main(["eval", "speed", str(tmp_path), "--reference", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == figures
    assert asked == [([tmp_path], True)]
    assert pilcrow.main(["eval", "speed"]) == 0
    assert "total_ms p95" in capsys.readouterr().out
