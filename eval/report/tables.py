"""The tables of README.md and docs/, made from the results files; nothing is computed that is not derived from them.

A table stands between two marks, <!-- table: NAME --> and <!-- end of table -->.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from eval.report.chat_models import prompts_table, tokens_table
from eval.report.claims import claims_table
from eval.report.growth import files_table, growth_table, stages_table
from eval.report.results import README, RESULTS, ROOT, earlier, saved_results, with_provenance
from eval.report.scaling import outgrown_table, scaling_table
from eval.report.speed_tables import load_table, peers_table
from rag.reading.order import DEPTH

# Where tables stand.
DOCUMENTS = (README, *sorted((ROOT / "docs").glob("*.md")))

_TABLE = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)
_WAYS = {"dense": "dense alone", "lexical": "lexical alone", "fused": "**fused**"}


def write_tables(documents: Sequence[Path] = DOCUMENTS, results: Path = RESULTS) -> None:
    """Makes the tables of some documents again, where they stand."""
    for path in documents:
        path.write_text(with_tables(path.read_text(encoding="utf-8"), results), encoding="utf-8")


def with_tables(text: str, results: Path = RESULTS) -> str:
    """A document with each table between its two marks made again from the results files."""
    tables = {
        "claims": claims_table,
        "retrieval": _retrieval_table,
        "reading": _reading_table,
        "answers": _answers_table,
        "support": _support_table,
        "confidence": _confidence_table,
        "speed": _speed_table,
        "growth": growth_table,
        "stages": stages_table,
        "files": files_table,
        "robustness": _robustness_table,
        "cleaning": _cleaning_table,
        "furniture": _furniture_table,
        "precision": _precision_table,
        "load": load_table,
        "peers": peers_table,
        "outgrown": outgrown_table,
        "scaling": scaling_table,
        "milvus": _milvus_table,
        "prompts": prompts_table,
        "tokens": tokens_table,
    }
    return _TABLE.sub(lambda found: found[1] + tables[found["name"]](results) + found[3], text)


def _retrieval_table(results: Path) -> str:
    rows = ["| data | n | setting | nDCG@10 | Recall@100 | MRR@10 |", "|---|---|---|---|---|---|"]
    records = saved_results("retrieval", results).values()
    for record in records:
        ways = [(_WAYS[way], record["settings"][way]) for way in _WAYS]
        framing = [(f"*{name}*", measures) for name, measures in record.get("frames", {}).items()]
        for label, measures in (*framing[:2], *ways, *framing[2:]):
            figures = " | ".join(f"{measures[m]:.3f}" for m in ("nDCG@10", "Recall@100", "MRR@10"))
            rows.append(f"| {record['dataset']} | {record['queries']} | {label} | {figures} |")
    notes = [line for record in records for line in _retrieval_notes(record)]
    return with_provenance(rows, records, notes)


def _retrieval_notes(record: Mapping[str, Any]) -> list[str]:
    """What a table has no room for: differences with intervals, and what the reader's order would do."""
    lines = [
        f"- {record['dataset']}: {d['setting']} against {d['baseline']} {d['mean']:+.3f} {d['measure']} "
        f"[{d['low']:+.3f}, {d['high']:+.3f}], p {d['holm']:.4f} (paired randomisation, Holm), "
        f"{d['wins']} won, {d['losses']} lost"
        for d in record.get("differences", ())
    ]
    if order := record.get("order"):
        before = earlier(record, itself=False)
        read = "eight in the reader's order" if before else f"{DEPTH} in the order of reading"  # it had eight then
        lines.append(
            f"- {record['dataset']}: with the best {read} {order['measure']} is {order['read']:.3f}, without "
            f"{order['fused']:.3f}, on {order['questions']} queries{before}"
        )
    if evidence := record.get("evidence"):
        for where, documents in (("among_all", f"{evidence['documents']} documents"), ("in_own", "its document alone")):
            lines += [
                f"- {record['dataset']}, evidence of {evidence['questions']} questions, {documents}, {setting}: "
                + ", ".join(f"{measure} {value:.3f}" for measure, value in measures.items())
                for setting, measures in evidence[where].items()
            ]
    return lines


def _reading_table(results: Path) -> str:
    rows = [
        "| n | EM, answerable | F1, answerable | F1, all | unanswerable left unanswered | AUROC | threshold |",
        "|---|---|---|---|---|---|---|",
    ]
    records = saved_results("reading", results).values()
    for r in records:
        figures = (r["answerable"]["em"], r["answerable"]["f1"], r["all"]["f1"], r["unanswerable"]["abstained"],
                   r["auroc"], r["threshold"])  # fmt: skip
        rows.append(f"| {r['questions']} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")
    return with_provenance(rows, records, then=earlier)


def _support_table(results: Path) -> str:
    rows = [
        "| claims | n | balanced accuracy | AUROC | threshold | ms for 256 word pieces | "
        "cosine at its best: balanced accuracy | its AUROC |",
        "|---|---|---|---|---|---|---|---|",
    ]
    records = saved_results("support", results)
    for name, r in records.items():
        ms = f"{r['ms_per_256']:.0f}" if "ms_per_256" in r else "–"
        own = f"{r['balanced_accuracy']:.3f} | {r['auroc']:.3f} | {r['threshold']:.3f} | {ms}"
        cosine = f"{r['cosine']['balanced_accuracy']:.3f} | {r['cosine']['auroc']:.3f}"
        rows.append(f"| {name} | {r['claims']} | {own} | {cosine} |")
    return with_provenance(rows, records.values())


def _answers_table(results: Path) -> str:
    rows = [
        "| questions | n | EM | F1 | first citation right | citations | citation recall, precision | abstained: "
        "answerable, unanswerable | AUROC | coverage at 90% | calibration error | p50, p95 |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    records = saved_results("answers", results)
    for name, r in records.items():
        silent, seconds = r["abstained"], r["seconds"]
        recall, precision = (r.get(f"citation_{side}", {}).get("paragraph") for side in ("recall", "precision"))
        rows.append(
            f"| {name} | {r['questions']} | {_cell(r['em'])} | {_cell(r['f1'])} | "
            f"{_cell(r['first_citation'])} | {r['citations_per_answer']:.2f} | {_cell(recall)}, {_cell(precision)} | "
            f"{_cell(silent['answerable'])}, {_cell(silent['unanswerable'])} | {_cell(r.get('auroc'))} | "
            f"{_cell(r['coverage_at_90'])} | {_cell(r.get('calibration_error'))} | "
            f"{seconds['p50'] * 1000:.0f}, {seconds['p95'] * 1000:.0f} ms |"
        )
    notes = [
        f"- {name}: the gold paragraph is first for {r['recall_at_1']['fused']:.3f} of "
        f"the answerable questions as found, for {r['recall_at_1']['read']:.3f} as read; pointers that hold "
        f"{_cell(r['pointers'])}; peak memory {(r['peak_memory_bytes'] or 0) / 1e6:,.0f} MB"
        for name, r in records.items()
        if "recall_at_1" in r
    ]
    return with_provenance(rows, records.values(), notes, then=earlier)


def _cell(value: float | None) -> str:
    """A figure of a table; a dash where it was not measured."""
    return "–" if value is None else f"{value:.3f}"


def _cleaning_table(results: Path) -> str:
    rows = ["| pages | what is kept | precision | recall | F1 |", "|---|---|---|---|---|"]
    ways = {"ours": "**Pilcrow, from the flattened text**", "rules": "its rules alone", "all": "everything",
            "trafilatura": "trafilatura, from the HTML"}  # fmt: skip
    records = saved_results("cleaning", results).values()
    for record in records:
        for way, label in ways.items():
            figures = " | ".join(f"{record[way][name]:.3f}" for name in ("precision", "recall", "f1"))
            rows.append(f"| {record['pages']} | {label} | {figures} |")
    return with_provenance(rows, records)


def _furniture_table(results: Path) -> str:
    rows = ["| texts that are all body | how many | words | taken for furniture |", "|---|---|---|---|"]
    records = saved_results("furniture", results)
    for name, r in records.items():
        rows.append(f"| {name} | {r['texts']:,} | {r['words']:,} | {r['share_lost']:.3%} |")
    return with_provenance(rows, records.values())


def _precision_table(results: Path) -> str:
    rows = [
        "| questions | n | computed by | other passages read | answered or not: otherwise | both answered | "
        "other words first | other sentences | confidence off by: mean, most |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    records = saved_results("precision", results)
    for name, record in records.items():
        for way, r in record["against"].items():
            off = r["confidence_difference"]
            rows.append(
                f"| {name} | {r['questions']} | {way} | {r['other_passages']} | "
                f"{r['other_abstention']} | {r['both_answered']} | {r['other_first_span']} | {r['other_sentences']} | "
                f"{off['mean']:.4f}, {off['max']:.3f} |"
            )
    return with_provenance(rows, records.values(), then=earlier)


def _milvus_table(results: Path) -> str:
    rows = [
        "| data, n | where | nDCG@10: dense, lexical, fused | ms: dense, lexical, a search | MB |",
        "|---|---|---|---|---|",
    ]
    records = saved_results("milvus", results).values()
    for r in records:
        for name, label in (("folder", "a folder"), ("milvus", f"Milvus Lite {r['milvus_lite']}, over the network")):
            gained = ", ".join(f"{r[name]['nDCG@10'][way]:.4f}" for way in ("dense", "lexical", "fused"))
            ms = ", ".join(f"{r[name]['ms'][leg]:.1f}" for leg in ("dense", "lexical", "search"))
            size = r[name]["bytes"]
            megabytes = "–" if size is None else f"{size / 1e6:.0f}"
            rows.append(f"| {r['dataset']}, {r['queries']} | {label} | {gained} | {ms} | {megabytes} |")
    notes = [
        f"- {r['dataset']}, the best hundred of {r['passages']:,} passages: dense hits have the same ids and scores "
        f"within 0.001 for {r['dense']['equal']:.1%} of the questions, with a largest difference of "
        f"{r['dense']['largest_difference']:.1e}; of lexical ones the first is the same for "
        f"{r['lexical']['same_first']:.1%}, and {r['lexical']['shared_10']:.1%} of the first ten are"
        for r in records
    ]
    notes += [
        f"- {r['dataset']}: {r['answers']:.1%} of the answers are the same, with their citations"
        f"{earlier(r, itself=False)}"
        for r in records
        if r["answers"] is not None
    ]
    return with_provenance(rows, records, notes)


def _confidence_table(results: Path) -> str:
    rows = []
    records = saved_results("confidence", results).values()
    for r in records:
        rows += ["| asked | left unanswered |", "|---|---|"]
        rows += [f"| {kind} | {share:.3f} |" for kind, share in r["abstained"].items()]
        rows += ["", "| confidence | questions | its mean | came true |", "|---|---|---|---|"]
        rows += [
            f"| {b['low']:.1f} to {b['high']:.1f} | {b['n']} | {b['confidence']:.2f} | {b['share']:.2f} |"
            for b in r["reliability"]
        ]
    return with_provenance(rows, records, then=earlier)


def _speed_table(results: Path) -> str:
    rows = ["| what | how much |", "|---|---|"]
    records = saved_results("speed", results).values()
    for r in records:
        whole, reference = r["indexed"], r["reference"]
        rows += [
            f"| `pilcrow ask` on the sample from a cold process, median | {r['first_answer_seconds']:.2f} s |",
            f"| its answer in a warm one: p50, p95, p99 | {_milliseconds(r['total_ms'])} |",
            f"| of which retrieval | {_milliseconds(r['retrieve_ms'])} |",
            *_together(r),
            f"| indexing, {whole['documents']:,} documents in {whole['passages']:,} passages | "
            f"{r['indexed_per_second']['passages']:.0f} passages a second |",
            f"| of which the encoder, {r['precision']} | {r['passages_encoded_per_second']:.0f} passages a second |",
            f"| the same passages by sentence-transformers, float32 | "
            f"{reference['passages_encoded_per_second']:.0f} passages a second, so {reference['times']:.1f} times |",
            f"| most memory held at once | {r['resident_bytes'] / 1e6:.0f} MB |",
            f"| on disk | {r['bytes_per_passage'] / 1e3:.1f} kB a passage |",
        ]
    return with_provenance(rows, records, then=partial(earlier, itself=False))


def _together(record: Mapping[str, Any]) -> list[str]:
    """The row of many questions, where they were measured."""
    if (found := record.get("questions_per_second")) is None:
        return []
    return [
        f"| the sample's questions one after the other; together, with `--questions` | {found['one']:.1f}; "
        f"{found['together']:.1f} questions a second |"
    ]


def _milliseconds(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{shares[name]:.0f}" for name in ("p50", "p95", "p99")) + " ms"


def _robustness_table(results: Path) -> str:
    rows = ["| what was done, to the end without a fault | how much |", "|---|---|"]
    saved = saved_results("robustness", results)
    killed, crowded = saved["killed"], saved["reading"]
    rows.append(
        f"| a writer killed at a random moment, and the whole collection looked at | {killed['kills']} times, "
        f"{killed['kills_inside_a_step']} of them inside a step, after {killed['steps']:,} steps |"
    )
    rows.append(
        f"| {crowded['readers']} processes reading while one writes, for {crowded['seconds']} s | "
        f"{crowded['readings']:,} readings, {crowded['steps']:,} steps of the writer |"
    )
    return with_provenance(rows, [killed, crowded])
