"""The tables of load and of peers, made from results files."""

from collections.abc import Mapping
from pathlib import Path

from eval.report.results import earlier, saved_results, with_provenance

_DOORS = {"serve": "`pilcrow serve`", "page": "the page"}
_SYSTEMS = {
    "pilcrow": "**Pilcrow**",
    "langchain": "LangChain + FAISS",
    "llamaindex": "LlamaIndex + FAISS",
    "txtai": "txtai, dense",
    "txtai_hybrid": "txtai, hybrid",
}
# Figure -> what it is called, how it is written, whether more is better.
_COLUMNS = {
    "load_seconds": ("import and load", "{:.1f} s", False),
    "documents_per_second": ("documents a second", "{:.1f}", True),
    "p50_ms": ("p50", "{:.1f} ms", False),
    "p95_ms": ("p95", "{:.1f} ms", False),
    "nDCG@10": ("nDCG@10", "{:.3f}", True),
    "peak_mb": ("peak memory", "{:.0f} MB", False),
}


def load_table(results: Path) -> str:
    """A row for each run of `eval.bench.load`."""
    rows = [
        "| asked | collection | askers | for | answers a second | p50, p95, p99 | anything else | "
        "memory: second, third, last quarter | indexed meanwhile |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    found = saved_results("load", results).values()
    for r in found:
        latency = ", ".join(f"{r['latency'][share]:.1f}" for share in ("p50", "p95", "p99"))
        memory = ", ".join(f"{part:.0f}" for part in r["memory_mb"].values())
        other = ", ".join(f"{n} times {what}" for what, n in r["other"].items()) or "nothing"
        indexed = f"{r['index_rounds']} times" if r["index_rounds"] else "no"
        rows.append(
            f"| {_DOORS[r['door']]} | {r['dataset']}, {r['passages']:,} passages | {r['askers']} | "
            f"{r['seconds']:.0f} s | {r['per_second']:.1f} | {latency} s | {other} | {memory} MB | {indexed} |"
        )
    return with_provenance(rows, found, then=earlier)


def peers_table(results: Path) -> str:
    """A row for each system on each set, and below in which columns Pilcrow is behind."""
    head = [name for name, _, _ in _COLUMNS.values()]
    rows = [f"| data | system | {' | '.join(head)} |", f"|---|---|{'---|' * len(head)}"]
    found = saved_results("peers", results).values()
    for r in found:
        for system, figures in r["systems"].items():
            cells = " | ".join(form.format(figures[key]) for key, (_, form, _) in _COLUMNS.items())
            rows.append(f"| {r['dataset']} | {_SYSTEMS[system]} | {cells} |")
    notes = [f"- {r['dataset']}: {_standing(r['systems'])}; medians of {_turns(r['turns'])}" for r in found]
    versions = sorted({f"{package} {version}" for r in found for package, version in r["versions"].items()})
    measured = [f"- measured: {', '.join(versions)}"] if versions else []
    return with_provenance(rows, found, [*notes, *measured])


def _turns(turns: int) -> str:
    return "one turn" if turns == 1 else f"{turns} turns"


def _standing(systems: Mapping[str, Mapping[str, float]]) -> str:
    """Pilcrow among the others, column by column, as the table shows the figures."""
    behind, level = [], []
    for key, (name, form, more) in _COLUMNS.items():
        others = {system: figures[key] for system, figures in systems.items() if system != "pilcrow"}
        best = sorted(others, key=others.__getitem__, reverse=more)[0]
        ours, theirs = (form.format(systems[system][key]) for system in ("pilcrow", best))
        if ours == theirs:
            level.append(name)
        elif (others[best] > systems["pilcrow"][key]) is more:
            behind.append(f"{name} ({_SYSTEMS[best]} {theirs})")
    parts = (("behind", behind), ("level", level))
    said = [f"{how} in {', '.join(names)}" for how, names in parts if names]
    return f"Pilcrow is {'; '.join(said) or 'ahead in every column'}"
