"""The README's table of results: a row a claim, each with the file that its figure comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.report.results import earlier, saved_results


@dataclass(frozen=True, slots=True)
class _Claim:
    """What is claimed, the results file that it stands in, and how its figure is written.

    read: whether the reader has a part in it, so that a figure of an earlier one says so.
    """

    words: str
    file: str
    figure: Callable[[Mapping[str, Any]], str]
    read: bool = False


def _fused(record: Mapping[str, Any]) -> str:
    ways, frames = record["settings"], record["frames"]
    return f"nDCG@10 {ways['fused']['nDCG@10']:.3f}; BM25 alone {frames['frame: BM25 alone']['nDCG@10']:.3f}"


def _answers(record: Mapping[str, Any]) -> str:
    return (
        f"{record['first_citation']:.2f} of {record['answerable']} cited right first; F1 {record['f1']:.2f}; "
        f"{record['abstained']['unanswerable']:.2f} of {record['questions'] - record['answerable']} "
        "unanswerable ones told"
    )


def _people(record: Mapping[str, Any]) -> str:
    place = record["first_place"]
    return (
        f"{place['all']:.2f} of {record['answerable']} cited right first; "
        f"{place['of_answered']:.2f} of those answered; "
        f"F1 {record['f1']:.2f}; {record['abstained']['unanswerable']:.2f} of "
        f"{record['questions'] - record['answerable']} unanswerable ones told"
    )


def _largest(record: Mapping[str, Any]) -> str:
    size = record["sizes"][-1]
    return f"{size['passages']:,} passages: ten hits in {size['milliseconds']['no filter']['p50']:.0f} ms"


_CLAIMS = (
    _Claim("Questions as people ask them, each of its document", "answers-people-dev", _people, read=True),
    _Claim("The same among 2,042 documents", "answers-people-dev-among", _people, read=True),
    _Claim(
        "Questions in the documents' words (SQuAD, held out)", "answers-squad2-dev-half-held-out", _answers, read=True
    ),
    _Claim("Search by meaning and by words (NFCorpus)", "retrieval-nfcorpus", _fused),
    _Claim(
        "Whether a text bears a claim out (AttributionBench)",
        "support-attributionbench-dev",
        lambda r: f"AUROC {r['auroc']:.3f}; the cosine's {r['cosine']['auroc']:.3f}",
    ),
    _Claim(
        "What is kept of web pages flattened to text",
        "cleaning-scrapinghub",
        lambda r: f"F1 {r['ours']['f1']:.3f}; of all of it {r['all']['f1']:.3f}",
    ),
    _Claim("A large collection on two cores", "growth-bulk", _largest),
    _Claim(
        "A writer killed at a random moment",
        "robustness-killed",
        lambda r: f"{r['kills']} times, nothing committed lost",
    ),
)


def claims_table(results: Path) -> str:
    """The claims whose files there are, a row each."""
    kept = {f"{kind}-{name}": record for kind in ("answers", "retrieval", "support", "cleaning", "growth", "robustness")
            for name, record in _named(kind, results).items()}  # fmt: skip
    rows = ["| what | how well | file in `eval/results/` |", "|---|---|---|"]
    for claim in _CLAIMS:
        if record := kept.get(claim.file):
            note = earlier(record) if claim.read else ""
            rows.append(f"| {claim.words} | {claim.figure(record)}{note} | `{claim.file}.json` |")
    return "\n".join([*rows, ""])


def _named(kind: str, results: Path) -> dict[str, Mapping[str, Any]]:
    return {name.removeprefix(f"{kind}-"): record for name, record in saved_results(kind, results).items()}
