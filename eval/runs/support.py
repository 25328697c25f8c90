"""How well support is told: claims with what they cite, and whether people found them borne out."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.gold.datasets import BadDataset, json_rows, text_field
from eval.measures.ranking import auroc, balanced_accuracy, best_balanced_threshold
from index.encoder.embedding import Encoder
from rag.generation.checking import Judge
from rag.support.model import cosines

# Labels of AttributionBench and of WiCE. What is borne out in part is not borne out.
_LABELS = {
    "attributable": True,
    "not attributable": False,
    "supported": True,
    "partially_supported": False,
    "not_supported": False,
}
# Claims that are judged together; only so that progress can be told.
_TOGETHER = 64
# Sentences of a page that stand for it where none of them supports the claim.
_BEGINNING = 8


@dataclass(frozen=True, slots=True)
class JudgedClaim:
    """A claim, the texts that it cites, perhaps none, and whether people found that they bear it out."""

    claim: str
    references: tuple[str, ...]
    supported: bool

    @property
    def text(self) -> str:
        """All that is cited, as one text."""
        return "\n\n".join(self.references)


@dataclass(frozen=True, slots=True)
class SupportScores:
    """Of the model at `threshold`, and of the cosine alone at the threshold that is best on these very claims.

    ms_per_256: milliseconds of judging for each 256 word pieces of claims and texts, many pairs at a time.
    """

    claims: int
    threshold: float
    balanced_accuracy: float
    auroc: float
    cosine_balanced_accuracy: float
    cosine_auroc: float
    ms_per_256: float


def read_claims(path: Path, *, pages: bool = False) -> list[JudgedClaim]:
    """A file of JSON lines with `claim`, `references` (or WiCE's `evidence`), and `attribution_label` or `label`.

    A claim whose list is empty cites nothing. WiCE's evidence is a page, sentence by sentence.
    pages: all of it; else what a citation would quote, the first set of `supporting_sentences` with one before and
    after each, and the page's beginning where there is none.
    Raises BadDataset for a row of another form, and where the claims are all borne out or all not, or none cites.
    """
    claims = []
    for number, row in json_rows(path):
        label = row.get("attribution_label", row.get("label"))
        cited = row.get("references", row.get("evidence"))
        if not isinstance(label, str) or label not in _LABELS:
            raise BadDataset(f"{path}:{number}: no 'attribution_label' or 'label' of {', '.join(_LABELS)}: {label!r}")
        if not isinstance(cited, list) or not all(isinstance(text, str) for text in cited):
            raise BadDataset(f"{path}:{number}: no 'references' or 'evidence', a list of texts")
        try:
            texts = tuple(cited)
            if texts and "references" not in row:
                texts = ("\n".join(cited if pages else _quoted(row, cited)),)
        except (TypeError, KeyError) as error:
            raise BadDataset(f"{path}:{number}: 'supporting_sentences' is not lists of sentences' numbers") from error
        claims.append(JudgedClaim(text_field(row, "claim", path, number), texts, _LABELS[label]))
    if len({claim.supported for claim in claims}) < 2:
        raise BadDataset(f"'{path}' has no claims of both kinds, borne out and not, so there is nothing to measure")
    if not any(claim.references for claim in claims):
        raise BadDataset(f"'{path}' has no claim that cites anything, so there is nothing to measure")
    return claims


def _quoted(row: Mapping[str, Any], page: Sequence[str]) -> list[str]:
    supporting = (row.get("supporting_sentences") or [range(_BEGINNING)])[0]
    near = {n for place in supporting for n in (place - 1, place, place + 1)}
    return [sentence for n, sentence in enumerate(page) if n in near]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a judge says of each claim, and the cosine of each with what it cites. ms_per_256: as in SupportScores."""

    supports: list[float]
    cosines: list[float]
    ms_per_256: float


def evaluate_support(
    claims: Sequence[JudgedClaim],
    judge: Judge,
    encoder: Encoder,
    *,
    threshold: float | None,
    progress: Callable[[int, int], None] | None = None,
) -> SupportScores:
    """Each claim judged, and scored as `score_support` does it."""
    return score_support(claims, judge_claims(claims, judge, encoder, progress=progress), threshold=threshold)


def judge_claims(
    claims: Sequence[JudgedClaim],
    judge: Judge,
    encoder: Encoder,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Verdicts:
    """Each claim judged, in their order; one that cites nothing has a support and a cosine of 0, unjudged."""
    pairs = [(claim.claim, claim.text) for claim in claims if claim.references]
    judge.support(pairs[:1])  # so that no model is loaded while the time is taken
    found: list[float] = []
    started = time.perf_counter()
    for start in range(0, len(pairs), _TOGETHER):
        found += judge.support(pairs[start : start + _TOGETHER])
        if progress:
            progress(len(found), len(pairs))
    seconds = time.perf_counter() - started
    n_pieces = sum(encoder.count_pieces([text for pair in pairs for text in pair]))
    supports, near = iter(found), iter(cosines(pairs, encoder))
    return Verdicts(
        [next(supports) if claim.references else 0.0 for claim in claims],
        [next(near) if claim.references else 0.0 for claim in claims],
        seconds * 1000 * 256 / n_pieces,
    )


def score_support(claims: Sequence[JudgedClaim], verdicts: Verdicts, *, threshold: float | None) -> SupportScores:
    """What a judge's support is worth, beside the cosine of claim and text.

    threshold: support from which on a claim is said to be borne out; None takes the best on these claims.
    """
    found, near = verdicts.supports, verdicts.cosines
    right = [claim.supported for claim in claims]
    cut = best_balanced_threshold(found, right) if threshold is None else threshold
    return SupportScores(
        claims=len(claims),
        threshold=cut,
        balanced_accuracy=balanced_accuracy(found, right, cut),
        auroc=auroc(*_sides(found, right)),
        cosine_balanced_accuracy=balanced_accuracy(near, right, best_balanced_threshold(near, right)),
        cosine_auroc=auroc(*_sides(near, right)),
        ms_per_256=verdicts.ms_per_256,
    )


def _sides(scores: Sequence[float], right: Sequence[bool]) -> tuple[list[float], list[float]]:
    paired = list(zip(scores, right, strict=True))
    return [score for score, good in paired if good], [score for score, good in paired if not good]
