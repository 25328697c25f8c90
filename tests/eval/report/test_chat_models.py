"""The tables of chat models have each figure of each row where its head says."""

import json
from pathlib import Path

from eval.report.chat_models import prompts_table, tokens_table
from eval.report.results import shipped_reader

ORIGIN = {"command": "x", "commit": "c" * 40, "date": "2026-01-01", "machine": "m", "data_sha256": "d" * 64,
          "model_sha256": "e" * 64}  # fmt: skip


def test_a_row_of_figures_for_each_way_to_ask_and_one_without_a_model(tmp_path: Path) -> None:
    of = {"asked": 0, "gold words": 0.7, "said": None, "citation recall": 0.81, "citation precision": 0.92,
          "told": 0.753, "breaks form": None, "quoted instead": None, "words": 20.0, "seconds": 1.26}  # fmt: skip
    asked = of | {"asked": 2, "said": 0.5, "breaks form": 0.125, "quoted instead": 0.6, "seconds": 2.31}
    record = {"answerable": 20, "unanswerable": 8, "rows": {"verbatim": of, "Tiny · no words": asked}, **ORIGIN}
    (tmp_path / "prompts-x.json").write_text(json.dumps(record))
    table = prompts_table(tmp_path)
    assert "| 20, 8 | *no model: verbatim* | 0.70 | – | 0.81 | 0.92 | 0.75 | – | – | 1.3 |\n" in table
    assert "| 20, 8 | Tiny: no words | 0.70 | 0.50 | 0.81 | 0.92 | 0.75 | 0.12 | 0.60 | 2.3 |\n" in table
    assert "`x` at commit `cccccccccccc`" in table
    assert "reader before the present one" in table
    (tmp_path / "prompts-x.json").write_text(json.dumps(record | {"model_sha256": shipped_reader()}))
    assert "reader before the present one" not in prompts_table(tmp_path)


def test_a_row_of_speeds_for_each_length_of_prompt(tmp_path: Path) -> None:
    speeds = {
        f"{n} sentences: {of}": value * n
        for n in (1, 10)
        for of, value in (("prompt tokens", 90), ("seconds to the first word", 0.31),
                          ("prompt tokens a second", 290.0), ("answer tokens a second", 15.25))
    }  # fmt: skip
    record = {"model": "tiny", "load seconds": 3.14, **speeds, **ORIGIN}
    (tmp_path / "tokens-here.json").write_text(json.dumps(record))
    table = tokens_table(tmp_path)
    assert "| tiny | 3.1 s | 90 tokens | 0.31 s | 290 | 15.2 |\n" in table
    assert "| tiny | 3.1 s | 900 tokens | 3.10 s | 2900 | 152.5 |\n" in table
