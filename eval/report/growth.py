"""How costs grow with the number of passages: tables and a picture of the results of `eval.bench.million`.

python -m eval.report      writes docs/growth.svg again, with the tables
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eval.report.results import RESULTS, ROOT, provenance, saved_results, with_provenance

PICTURE = ROOT / "docs" / "growth.svg"
_COLOURS = ("#2f5d8a", "#c2703d", "#5b8c5a", "#8a5a83", "#6b6b6b")

Size = Mapping[str, Any]
Lines = Mapping[str, Callable[[Size], float]]

_PANELS: Mapping[str, Lines] = {
    "Ten hits for a question, ms": {
        "p50": lambda s: s["milliseconds"]["no filter"]["p50"],
        "p95": lambda s: s["milliseconds"]["no filter"]["p95"],
        "p95 within dates": lambda s: s["milliseconds"]["dates"]["p95"],
        "p95 of one outlet": lambda s: s["milliseconds"]["publisher"]["p95"],
        "p95 of one document": lambda s: s["milliseconds"]["one document"]["p95"],
    },
    "Opening, adding, s": {
        "opening to first hits": lambda s: s["opening_seconds"]["first hits"],
        "adding a document": lambda s: s["added"]["seconds"],
        "status": lambda s: s["status_seconds"],
    },
    "On disk and in memory, MB": {
        "corpus.sqlite": lambda s: s["bytes"]["corpus.sqlite"] / 1e6,
        "vectors' index": lambda s: s["bytes"]["vectors"] / 1e6,
        "words' index": lambda s: s["bytes"]["lexical"] / 1e6,
        "memory while answering": lambda s: s["memory_mb"]["answering"]["resident"],
    },
    "Making it, s": {
        "texts and vectors stored (processor)": lambda s: s["made"]["cpu_seconds"]["truth"],
        "words' index (processor)": lambda s: s["made"]["cpu_seconds"]["words"],
        "vectors' index": lambda s: s["rebuilt_vectors"]["seconds"],
    },
}


# What should hardly grow stands on an axis from 0; what grows as the collection does, on a logarithmic one.
_LINEAR = ("Ten hits for a question, ms", "Opening, adding, s")


def growth_table(results: Path) -> str:
    """What each size takes, a column a size."""
    rows: list[str] = []
    records = saved_results("growth", results).values()
    for record in records:
        sizes = record["sizes"]
        rows += [
            "| passages | " + " | ".join(f"{size['passages']:,}" for size in sizes) + " |",
            "|---" * (1 + len(sizes)) + "|",
        ]
        for label, figure in _GROWTH.items():
            rows.append(f"| {label} | " + " | ".join(figure(size) for size in sizes) + " |")
        made = sorted({size["made"]["made"]["commit"][:12] for size in sizes})
        rows += ["", f"- documents stored at commit `{'`, `'.join(made)}`, the rest:"]
    picture = ["", "![The same figures over the number of passages, the latter on a logarithmic axis](growth.svg)"]
    return "\n".join([*rows, *(provenance(record) for record in records), *(picture if records else ()), ""])


_GROWTH: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "documents": lambda s: f"{s['documents']:,}",
    "storing texts and vectors, near-copies looked for: processor time": lambda s: (
        f"{s['made']['cpu_seconds']['truth']:,.0f} s"
    ),
    "indexing words: processor time": lambda s: f"{s['made']['cpu_seconds']['words']:,.0f} s",
    "making the vectors' index: time; most memory": lambda s: (
        f"{s['rebuilt_vectors']['seconds']:,.0f} s; {s['rebuilt_vectors']['most_memory_mb']:,} MB"
    ),
    "corpus.sqlite": lambda s: f"{s['bytes']['corpus.sqlite'] / 1e6:,.0f} MB",
    "vectors' index": lambda s: f"{s['bytes']['vectors'] / 1e6:,.0f} MB",
    "words' index; its segments": lambda s: f"{s['bytes']['lexical'] / 1e6:,.0f} MB; {s['segments']}",
    "vectors are searched": lambda s: s["vectors"],
    "recall@10 of the questions": lambda s: f"{s['recall_at_10']:.3f}",
    "opening; opening to first hits": lambda s: (
        f"{s['opening_seconds']['open']:.2f} s; {s['opening_seconds']['first hits']:.2f} s"
    ),
    "`status`": lambda s: f"{s['status_seconds']:.2f} s",
    "ten hits, no filter: p50, p95": lambda s: _quantiles(s, "no filter"),
    "within dates": lambda s: _quantiles(s, "dates"),
    "of one outlet": lambda s: _quantiles(s, "publisher"),
    "of one document": lambda s: _quantiles(s, "one document"),
    "no filter, the query encoded, too": lambda s: _quantiles(s, "query encoded, too"),
    "memory while answering; of which mapped files": lambda s: (
        f"{s['memory_mb']['answering']['resident']:,} MB; {s['memory_mb']['answering']['of files']:,} MB"
    ),
    "adding a document: median, most": lambda s: f"{s['added']['seconds']:.2f} s, {s['added']['most_seconds']:.2f} s",
    "of which is written": lambda s: f"{s['added']['bytes_written'] / 1e6:.1f} MB",
    "the first question after it": lambda s: f"{s['added']['first_question_after_ms']:.0f} ms",
}


def _quantiles(size: Mapping[str, Any], name: str) -> str:
    shares = size["milliseconds"][name]
    return f"{shares['p50']:.1f}, {shares['p95']:.1f} ms"


def stages_table(results: Path) -> str:
    """Where the time of a question goes in the largest collection."""
    rows = []
    for record in saved_results("growth", results).values():
        largest = record["sizes"][-1]
        rows += [
            f"| of a question, {largest['passages']:,} passages | mean | p50 | p95 | within dates: mean | p50 | p95 |",
            "|---|---|---|---|---|---|---|",
        ]
        asked = (largest["stages"], largest.get("stages_within_dates", {}))
        for stage in {**asked[0], **asked[1]}:
            figures = " | ".join(
                f"{spread[name]:.2f} ms" if name in (spread := found.get(stage, {})) else "–"
                for found in asked
                for name in ("mean", "p50", "p95")
            )
            rows.append(f"| {stage} | {figures} |")
    return "\n".join([*rows, ""])


def files_table(results: Path) -> str:
    """Indexing many files by the command: time, bytes, memory."""
    rows = [
        "| files | passages | time | on disk | most memory: the largest process | all together |",
        "|---|---|---|---|---|---|",
    ]
    records = saved_results("files", results).values()
    for r in records:
        rows.append(
            f"| {r['files']:,} | {r['passages']:,} | {r['seconds'] / 60:.0f} min | {r['bytes'] / 1e6:,.0f} MB | "
            f"{r['largest_process_mb']:,} MB | {r['all_processes_mb']:,} MB |"
        )
    return with_provenance(rows, records)


def draw(results: Path = RESULTS, picture: Path = PICTURE) -> None:
    """The picture of the last result by name; none where nothing was measured. The same result gives the same bytes."""
    records = list(saved_results("growth", results).values())
    if not records:
        return
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, NullFormatter

    sizes = records[-1]["sizes"]
    counts = [size["passages"] for size in sizes]
    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "growth", "font.family": "sans-serif", "font.size": 9}
    with matplotlib.rc_context(style):
        figure, panels = pyplot.subplots(2, 2, figsize=(9, 6.4), layout="constrained")
        for panel, (title, lines) in zip(panels.flat, _PANELS.items(), strict=True):
            for colour, (name, value) in zip(_COLOURS, lines.items(), strict=False):
                panel.plot(
                    counts,
                    [max(value(size), 1e-3) for size in sizes],
                    marker="o",
                    markersize=4,
                    color=colour,
                    label=name,
                )
            panel.set_title(title, loc="left", fontsize=10, fontweight="bold")
            panel.set_xscale("log")
            panel.set_xticks(counts, [f"{count:,}" for count in counts])
            panel.xaxis.set_minor_formatter(NullFormatter())
            panel.set_yscale("linear" if title in _LINEAR else "log")
            panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
            if title in _LINEAR:
                panel.set_ylim(bottom=0)
            else:
                panel.yaxis.set_minor_formatter(NullFormatter())
            panel.grid(visible=True, color="#e4e4e4", linewidth=0.7)
            panel.spines[["top", "right"]].set_visible(False)
            panel.legend(frameon=False, fontsize=8)
        figure.supxlabel("passages", fontsize=9)
        picture.parent.mkdir(exist_ok=True)
        figure.savefig(picture, metadata={"Date": None}, facecolor="white")
        pyplot.close(figure)
