"""`--save` of what is run with `python -m eval.bench...`: refused at once where results files have no place."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from eval.report.results import ROOT

BENCHES = {
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for path in (ROOT / "eval" / "bench").rglob("*.py")
    if '"--save"' in path.read_text(encoding="utf-8")
}


@pytest.mark.parametrize("bench", sorted(BENCHES))
def test_nothing_is_measured_for_a_save_outside_a_checkout(
    bench: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main = import_module(bench).main
    arguments = ["--save", "n", "no-such-data"]
    monkeypatch.setattr("eval.report.results.ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", [bench, *arguments])
    with pytest.raises(SystemExit, match="2"):
        main(arguments) if main.__code__.co_argcount else main()
    assert f"'{tmp_path}' is no checkout" in capsys.readouterr().err


def test_all_that_save_are_looked_at() -> None:
    assert {"eval.bench.load", "eval.bench.million", "eval.bench.peers.compare"} <= BENCHES
