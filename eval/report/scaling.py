"""What is outgrown when, and what a hundred million passages take: arithmetic on measured and published figures.

Nothing here was run at that size. Every number is a measured one of this project (results files), a published one that
names where it stands, or a product of these; the tables say which.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from eval.report.results import EARLIER, earlier, saved_results

# Published. AWS's list price of two virtual cores (m7g.large, Linux, us-east-1, June 2026), dollars an hour; other
# cores than those that were measured on.
_DOLLARS_A_CORE_HOUR = 0.0816 / 2
# Assumed. Dollars a gigabyte and month of a general purpose disk in a cloud.
_DOLLARS_A_GB_MONTH = 0.08
_HOURS_A_MONTH = 730
_DOLLARS_A_NODE_MONTH = 16 * _DOLLARS_A_CORE_HOUR * _HOURS_A_MONTH
# Published. FAISS's wiki, "Guidelines to choose an index": a graph (HNSW) takes d * 4 + M * 2 * 4 bytes a vector, a
# scalar quantiser d bytes and its id 8.
_DIMENSION, _LINKS = 384, 16
_GRAPH_BYTES = _DIMENSION * 4 + _LINKS * 2 * 4
_LISTS_BYTES = _DIMENSION + 8
# Published. vLLM 0.23, Llama 3.1 8B on one A100 of 40 GB, 1,024 tokens in and 128 out, at eight requests at once, where
# throughput begins to cost latency: 6.6 times 75 tokens a second (J. Musgrave, "vLLM throughput-latency sweep").
_ANSWERS_A_GPU_SECOND = 6.6 * 75 / 128
# Assumed. Somebody who asks reads for a minute.
_QUESTIONS_A_MINUTE = 1
_ASKERS = 1_000
SIZES = (10_000_000, 100_000_000)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the results files say. Bytes on disk a passage, in a collection of so many; passages a second and core;
    answers a second and core, bytes of the answering process and the cores it had, None where no load was measured;
    whether answers and bytes are those of a reader before the one that ships."""

    bytes_per_passage: float
    of_passages: int
    indexed_per_core: float
    answered_per_core: float | None
    process_bytes: float | None
    cores: int
    earlier_reader: bool


def measured(results: Path) -> Measured:
    """From the record of speed; of growth where there is one, its largest collection; of load where there is one, that
    without an index run before that with."""
    speed = saved_results("speed", results)["cranfield"]
    loads = saved_results("load", results)
    load = loads.get("serve-alone", loads.get("serve"))
    cores = int(speed["cores"])
    size, n = speed["bytes_per_passage"], speed["indexed"]["passages"]
    for record in saved_results("growth", results).values():
        largest = max(record["sizes"], key=lambda grown: grown["passages"])
        if largest["passages"] > n:
            size, n = sum(largest["bytes"].values()) / largest["passages"], largest["passages"]
    return Measured(
        bytes_per_passage=size,
        of_passages=n,
        indexed_per_core=speed["indexed_per_second"]["passages"] / cores,
        answered_per_core=load["per_second"] / cores if load else None,
        process_bytes=load["memory_mb"]["last"] * 1024**2 if load else None,
        cores=cores,
        earlier_reader=bool(load and earlier(load)),
    )


def outgrown_table(results: Path) -> str:
    """Part by part: what was measured, how far that goes on one machine, and what takes over."""
    m = measured(results)
    answered = m.answered_per_core and m.answered_per_core * m.cores
    indexed = m.indexed_per_core * m.cores
    rows = [
        "| part | measured, on two cores | so it lasts for | then |",
        "|---|---|---|---|",
        f"| the processor that reads passages for an answer | {_number(answered)} answers a second | "
        f"{_number(answered and answered * 60 / _QUESTIONS_A_MINUTE, 0)} people who ask once a minute | more "
        "`pilcrow serve` on copies of the folder, or on one Milvus, behind a proxy |",
        f"| the processor that embeds | {indexed:.0f} passages a second | a million passages in "
        f"{1e6 / indexed / 3600:.1f} hours, ten million in {1e7 / indexed / 86400:.1f} days | `pilcrow index "
        "--workers`, on this machine or on a Ray cluster |",
        "| the one writer | a second one is refused | one process that indexes at a time | Milvus |",
        f"| disk | {m.bytes_per_passage / 1e3:.1f} kB a passage, everything included, of {m.of_passages:,} | "
        f"{1e12 / m.bytes_per_passage / 1e6:.0f} million passages a terabyte | Milvus, on object storage |",
        f"| memory | {_number(m.process_bytes and m.process_bytes / 1e6, 0)} MB for the answering process; vectors and "
        "words are mapped files | as long as the system's file cache holds the lists that are looked at: "
        f"{_LISTS_BYTES * 1e6 / 1e9:.1f} GB of vectors a million passages | Milvus, its query nodes each with a part |",
    ]
    return "\n".join([*rows, *_note(m), ""])


def scaling_table(results: Path) -> str:
    """Ten and a hundred million passages, and a thousand askers: machines, memory, disk, cost per part."""
    m = measured(results)
    core_hours = [n / m.indexed_per_core / 3600 for n in SIZES]
    disk = [n * m.bytes_per_passage / 1e9 for n in SIZES]
    graph, lists = ([n * size / 1e9 for n in SIZES] for size in (_GRAPH_BYTES, _LISTS_BYTES))
    nodes = [math.ceil(gb / 32) for gb in graph]
    lines: list[tuple[str, list[str], str]] = [
        ("disk, one copy of everything", [f"{gb:,.0f} GB" for gb in disk], f"measured at {m.of_passages:,}, times n"),
        ("its price a month", [f"${gb * _DOLLARS_A_GB_MONTH:,.0f}" for gb in disk], "times an assumed price"),
        ("embedding, once", [f"{hours:,.0f} core hours" for hours in core_hours], "measured, times n"),
        ("its price", [f"${hours * _DOLLARS_A_CORE_HOUR:,.0f}" for hours in core_hours], "times AWS's price of a core"),
        ("cores that embed it in a day", [f"{math.ceil(hours / 24):,}" for hours in core_hours], "of those hours"),
        ("memory for the vectors in a graph (HNSW)", [f"{gb:,.0f} GB" for gb in graph], "FAISS's formula"),
        ("in lists of one byte a dimension (IVF_SQ8)", [f"{gb:,.0f} GB" for gb in lists], "FAISS's formula"),
        ("nodes of 16 cores and 64 GB, half of it for a graph", [f"{n}" for n in nodes], "of that memory"),
        ("their price a month", [f"${n * _DOLLARS_A_NODE_MONTH:,.0f}" for n in nodes], "times AWS's price of a core"),
    ]
    rows = ["| passages | 10 million | 100 million | what the figure is |", "|---|---|---|---|"]
    rows += [f"| {what} | {' | '.join(cells)} | {kind} |" for what, cells, kind in lines]
    return "\n".join([*rows, "", *_askers_rows(m), *_note(m), ""])


def _note(m: Measured) -> list[str]:
    """What is said below a table where another reader answered."""
    return ["", f"- answers a second, cores and memory that answer: {EARLIER}"] if m.earlier_reader else []


def _askers_rows(m: Measured) -> list[str]:
    asked = _ASKERS * _QUESTIONS_A_MINUTE / 60
    cores = m.answered_per_core and asked / m.answered_per_core
    instances = cores and math.ceil(cores / m.cores)
    memory = instances and m.process_bytes and instances * m.process_bytes / 1e9
    price = cores and math.ceil(cores) * _DOLLARS_A_CORE_HOUR * _HOURS_A_MONTH
    return [
        f"| {_ASKERS:,} people who ask once a minute | | what the figure is |",
        "|---|---|---|",
        f"| questions a second | {asked:.1f} | assumed |",
        f"| cores that retrieve and read | {_number(cores and math.ceil(cores), 0)} | measured, times n |",
        f"| instances of `pilcrow serve` of two cores | {_number(instances, 0)} | of those cores |",
        f"| their memory in all | {_number(memory)} GB | measured, times n |",
        f"| their price a month | ${_number(price, 0)} | times AWS's price of a core |",
        f"| GPUs, where a chat model of 8B writes every answer | {math.ceil(asked / _ANSWERS_A_GPU_SECOND)} A100 | "
        "published throughput of vLLM |",
    ]


def _number(value: float | None, digits: int = 1) -> str:
    """A figure of a table; a dash where it was not measured."""
    return "–" if value is None else f"{value:,.{digits}f}"
