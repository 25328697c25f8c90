"""The server and the page under many askers while their collection is indexed."""

import shutil
from pathlib import Path

import pytest

from eval.bench.doors import DOORS
from eval.bench.load import Load, measure
from index import SAMPLE
from index.collection import Collection


def test_the_summary_counts_answers_and_what_came_instead_and_leaves_the_first_quarter_of_memory_out() -> None:
    load = Load([0.1 * n for n in range(1, 21)], memory=[n * 1024 * 1024 for n in (1, 9, 20, 20, 21, 21, 22, 22)])
    load.other["429"] += 2
    summary = load.summary(askers=3, seconds=4.0)
    assert (summary["answered"], summary["per_second"], summary["other"]) == (20, 5.0, {"429": 2})
    assert summary["latency"] == {"p50": 1.05, "p95": 1.905, "p99": 1.981, "max": 2.0}
    assert summary["memory_mb"] == {"second": 20.0, "third": 21.0, "last": 22.0}
    assert summary["growth"] == pytest.approx(0.1)


def test_the_curve_of_memory_has_at_most_sixty_points() -> None:
    load = Load([0.1], memory=list(range(119)))
    assert len(load.summary(askers=1, seconds=1.0)["memory_curve_mb"]) == 60


def test_a_run_without_an_answer_has_no_figures() -> None:
    load = Load(memory=[1, 1, 1, 1])
    load.other["ConnectError"] += 3
    with pytest.raises(ValueError, match="ConnectError"):
        load.summary(askers=1, seconds=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("door", list(DOORS))
def test_thirty_two_askers_get_answers_and_the_memory_stays_while_an_index_run_goes_on(
    sample: Collection, tmp_path: Path, door: str
) -> None:
    copy = Path(shutil.copytree(sample.folder, tmp_path / "collection"))
    found = measure(DOORS[door], copy, ["Who is Lukashenko?", "What happened in Minsk in 2014?"], askers=32, seconds=60,
                    texts=SAMPLE / "articles")  # fmt: skip
    assert found["other"] == {}
    assert found["answered"] >= 32
    assert found["index_rounds"] >= 1
    assert found["growth"] <= 0.1
