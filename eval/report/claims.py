"""The README's table of results: a row a claim, each with the results file that its figure is read from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.report.results import earlier, saved_results

Record = Mapping[str, Any]


def _nothing(_: Record) -> str:
    """Nothing to add: no reader has a part in the figure."""
    return ""


def _of_the_reader(record: Record) -> str:
    """That an earlier reader was measured, where the record's model is a reader."""
    return earlier(record)


def _with_the_reader(record: Record) -> str:
    """The same where the record's model is another, and the reader only had a part in it."""
    return earlier(record, itself=False)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A row of the table: what is claimed, KIND-NAME of the results file, how the figure reads, and what is added."""

    words: str
    file: str
    figure: Callable[[Record], str]
    note: Callable[[Record], str] = _nothing


def _fused(record: Record) -> str:
    ways = record["settings"]
    return (
        f"nDCG@10 {ways['fused']['nDCG@10']:.3f}; by meaning alone {ways['dense']['nDCG@10']:.3f}, "
        f"by words alone (BM25) {ways['lexical']['nDCG@10']:.3f}"
    )


def _answers(record: Record) -> str:
    unanswerable = record["questions"] - record["answerable"]
    return (
        f"the first citation is right for {record['first_citation']:.2f} of {record['answerable']}, with F1 "
        f"{record['f1']:.2f}; {record['abstained']['unanswerable']:.2f} of {unanswerable} without an answer get none"
    )


def _people(record: Record) -> str:
    place, unanswerable = record["first_place"], record["questions"] - record["answerable"]
    return (
        f"the first citation is right for {place['all']:.2f} of {record['answerable']}, for {place['of_answered']:.2f} "
        f"of those answered, with F1 {record['f1']:.2f}; {record['abstained']['unanswerable']:.2f} of {unanswerable} "
        "without an answer get none"
    )


def _speed(record: Record) -> str:
    spread = record["total_ms"]
    return (
        f"{record['first_answer_seconds']:.1f} s from a cold process; then {spread['p50']:.0f} ms, p95 "
        f"{spread['p95']:.0f} ms"
    )


def _largest(record: Record) -> str:
    size = record["sizes"][-1]
    shares = size["milliseconds"]["no filter"]
    return f"{shares['p50']:.0f} ms, p95 {shares['p95']:.0f} ms; recall@10 {size['recall_at_10']:.2f}"


_CLAIMS = (
    _Claim("questions as people ask them, each of its document", "answers-people-dev", _people, _of_the_reader),
    _Claim("the same, asked of 2,042 documents", "answers-people-dev-among", _people, _of_the_reader),
    _Claim(
        "SQuAD 2.0's questions, asked of sixteen articles", "answers-squad2-dev-half-held-out", _answers, _of_the_reader
    ),
    _Claim("search, NFCorpus", "retrieval-nfcorpus", _fused),
    _Claim("search, Cranfield", "retrieval-cranfield", _fused),
    _Claim("search, ArguAna", "retrieval-arguana", _fused),
    _Claim(
        "whether a text bears a claim out, AttributionBench",
        "support-attributionbench-dev",
        lambda r: f"AUROC {r['auroc']:.3f}; by the cosine {r['cosine']['auroc']:.3f}",
    ),
    _Claim(
        "web pages flattened to text, what is kept",
        "cleaning-scrapinghub",
        lambda r: f"F1 {r['ours']['f1']:.3f}; of all the text {r['all']['f1']:.3f}",
    ),
    _Claim("time to an answer, the sample", "speed-cranfield", _speed, _with_the_reader),
    _Claim(
        "indexing",
        "speed-cranfield",
        lambda r: f"{r['indexed_per_second']['passages']:.0f} passages a second",
    ),
    _Claim("ten hits among a million passages", "growth-bulk", _largest),
    _Claim(
        "a writer killed at a random moment",
        "robustness-killed",
        lambda r: f"{r['kills']} times, nothing committed lost",
    ),
)


def claims_table(results: Path) -> str:
    """The claims whose results files there are, a row each."""
    rows = ["| what | measured | file in `eval/results/` |", "|---|---|---|"]
    for claim in _CLAIMS:
        kind, _, name = claim.file.partition("-")
        if record := saved_results(kind, results).get(name):
            rows.append(f"| {claim.words} | {claim.figure(record)}{claim.note(record)} | `{claim.file}.json` |")
    return "\n".join([*rows, ""])
