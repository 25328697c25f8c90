"""The server under many askers while its collection is indexed."""

from pathlib import Path

import pytest

from eval.bench.load import SAMPLE, Load, measure
from index.collection import Collection


def test_the_summary_counts_answers_and_what_came_instead_and_leaves_the_first_quarter_of_memory_out() -> None:
    load = Load([0.1 * n for n in range(1, 21)], memory=[n * 1024 * 1024 for n in (1, 9, 20, 20, 21, 21, 22, 22)])
    load.other["429"] += 2
    summary = load.summary(askers=3, seconds=4.0)
    assert (summary["answered"], summary["per_second"], summary["other"]) == (20, 5.0, {"429": 2})
    assert summary["latency"] == {"p50": pytest.approx(1.05), "p95": pytest.approx(1.995, abs=0.01), "max": 2.0}
    assert summary["memory_mb"] == [20.0, 21.0, 22.0]


@pytest.mark.slow
def test_thirty_two_askers_get_answers_and_the_memory_stays_while_an_index_run_goes_on(sample: Collection) -> None:
    found = measure(Path(sample.folder), ["Who is Lukashenko?", "What happened in Minsk in 2014?"],
                    SAMPLE / "articles", askers=32, seconds=40)  # fmt: skip
    assert found["other"] == {}
    assert found["answered"] >= 32
    assert found["index_rounds"] >= 1
    assert found["memory_mb"][-1] <= 1.1 * found["memory_mb"][0]
