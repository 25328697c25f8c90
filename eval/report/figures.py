"""Scores as the JSON that commands print and results files keep. Nothing is computed here."""

import math
from dataclasses import asdict
from typing import Any

from eval.measures.calibration import thinned
from eval.runs.answers import AnswerScores
from eval.runs.reading import ReadingScores
from eval.runs.retrieval import RetrievalScores
from eval.runs.support import SupportScores

Figures = dict[str, Any]


def retrieval_figures(scores: RetrievalScores) -> Figures:
    """What `pilcrow eval retrieval --json` prints."""
    figures: Figures = {
        "dataset": scores.dataset,
        "queries": scores.queries,
        "settings": scores.settings,
        "frames": scores.frames,
        "judged_but_absent": scores.absent,
        "differences": [
            {"measure": "nDCG@10", "setting": d.setting, "baseline": d.baseline, **asdict(d.mean), "p": d.p,
             "holm": d.holm, "wins": d.wins, "losses": d.losses, "ties": d.ties}
            for d in scores.differences
        ],
    }  # fmt: skip
    if scores.order:
        figures["order"] = {"measure": "nDCG@10", **scores.order}
    if scores.evidence:
        figures["evidence"] = asdict(scores.evidence)
    return finite(figures)


def reading_figures(scores: ReadingScores) -> Figures:
    """What `pilcrow eval reading --json` prints."""
    return finite(
        {
            "questions": scores.questions,
            "answerable": {"em": scores.em, "f1": scores.f1},
            "unanswerable": {"abstained": scores.abstained},
            "all": {"em": scores.all_em, "f1": scores.all_f1},
            "auroc": scores.auroc,
            "threshold": scores.threshold,
        }
    )


def answer_figures(scores: AnswerScores) -> Figures:
    """What `pilcrow eval answers --json` prints; the curve has at most 51 points."""
    values = scores.values
    return finite(
        {
            "questions": scores.questions,
            "answerable": scores.answerable,
            "em": values["EM"],
            "f1": values["F1"],
            "first_citation": values["First citation"],
            "first_place": {"all": values["First place"], "of_answered": scores.first_of_answered},
            "citations_per_answer": values["Citations"],
            "citation_recall": {"paragraph": values["Citation recall"], "character": values["Character recall"]},
            "citation_precision": {
                "paragraph": values["Citation precision"],
                "character": values["Character precision"],
            },
            "supported": values["Supported"],
            "pointers": values["Pointers"],
            "recall_at_1": scores.recall_at_1,
            "abstained": {"answerable": scores.abstained_answerable, "unanswerable": scores.abstained_unanswerable},
            "auroc": scores.auroc,
            "coverage_at_90": scores.coverage_at_90,
            "area_under_risk": scores.area_under_risk,
            "risk_coverage": [asdict(point) for point in thinned(scores.curve)],
            "calibration_error": scores.calibration_error,
            "reliability": [asdict(part) for part in scores.reliability],
            "seconds": {"p50": scores.p50, "p95": scores.p95},
            "peak_memory_bytes": scores.peak_memory_bytes,
        }
    )


def support_figures(scores: SupportScores) -> Figures:
    """What `pilcrow eval support --json` prints."""
    cosine = {"balanced_accuracy": scores.cosine_balanced_accuracy, "auroc": scores.cosine_auroc}
    return {
        "claims": scores.claims,
        "threshold": scores.threshold,
        "balanced_accuracy": scores.balanced_accuracy,
        "auroc": scores.auroc,
        "cosine": cosine,
        "ms_per_256": scores.ms_per_256,
    }


def finite(figures: Figures) -> Figures:
    """A figure that could not be computed, or a threshold that nothing passes, is null: JSON has no word for it."""
    return {name: _finite(value) for name, value in figures.items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return finite(value)
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
