"""The tables of chat models: what becomes of questions by each way to ask them, and how fast they read and write."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.report.results import earlier, saved_results, with_provenance

_FIGURES = ("gold words", "said", "citation recall", "citation precision", "told", "breaks form", "quoted instead")


def prompts_table(results: Path) -> str:
    """A row for each model and way to ask it; before them, the answer that is sentences of the documents alone."""
    rows = [
        "| n: answerable, unanswerable | model: asked | gold words in the answer | in what the model said | "
        "citation recall | precision | unanswerable told | breaks the form | quoted instead | seconds |",
        "|---" * 10 + "|",
    ]
    records = saved_results("prompts", results).values()
    for record in records:
        n = f"{record['answerable']}, {record['unanswerable']}"
        for name, figures in record["rows"].items():
            label = "*no model: verbatim*" if name == "verbatim" else name.replace(" · ", ": ")
            shown = " | ".join(_share(figures[of]) for of in _FIGURES)
            rows.append(f"| {n} | {label} | {shown} | {figures['seconds']:.1f} |")
    return with_provenance(rows, records, then=earlier)


def tokens_table(results: Path) -> str:
    """A row for each length of prompt."""
    rows = [
        "| model | ready | prompt | first word | prompt, tokens a second | answer, tokens a second |",
        "|---" * 6 + "|",
    ]
    records = saved_results("tokens", results).values()
    for record in records:
        rows += [_speeds(record, length) for length in _lengths(record)]
    return with_provenance(rows, records)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _lengths(record: Mapping[str, Any]) -> list[str]:
    """What the figures of each prompt begin with."""
    return [name.partition(":")[0] for name in record if name.endswith(": prompt tokens")]


def _speeds(record: Mapping[str, Any], length: str) -> str:
    prompt, first, read, written = (
        record[f"{length}: {of}"]
        for of in ("prompt tokens", "seconds to the first word", "prompt tokens a second", "answer tokens a second")
    )
    return (
        f"| {record['model']} | {record['load seconds']:.1f} s | {prompt} tokens | {first:.2f} s | "
        f"{read:.0f} | {written:.1f} |"
    )
