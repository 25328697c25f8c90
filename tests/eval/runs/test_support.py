"""The evaluation of support: its file formats, its measures against scikit-learn, and the cosine beside it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.gold.datasets import BadDataset
from eval.measures.ranking import balanced_accuracy, best_balanced_threshold
from eval.runs.support import JudgedClaim, evaluate_support, judge_claims, read_claims, score_support
from index.encoder.embedding import Encoder

ROWS = [
    {"claim": "The mill opened.", "references": ["It opened in 1874.", "Rain."], "attribution_label": "attributable"},
    {"claim": "The mill closed.", "references": ["It opened."], "attribution_label": "not attributable"},
    {"claim": "The mill burned.", "evidence": ["It burned.", "Nobody died."], "label": "supported"},
    {"claim": "The mill burned twice.", "evidence": ["It burned."], "label": "partially_supported"},
]


def _write(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def test_claims_are_read_in_both_forms_and_in_part_is_not_supported(tmp_path: Path) -> None:
    assert read_claims(_write(tmp_path / "claims.jsonl", *ROWS)) == [
        JudgedClaim("The mill opened.", ("It opened in 1874.", "Rain."), True),
        JudgedClaim("The mill closed.", ("It opened.",), False),
        JudgedClaim("The mill burned.", ("It burned.\nNobody died.",), True),
        JudgedClaim("The mill burned twice.", ("It burned.",), False),
    ]


def test_of_a_page_only_what_a_citation_would_quote_is_shown(tmp_path: Path) -> None:
    page = [f"Sentence {n}." for n in range(12)]
    rows = [
        {"claim": "A.", "evidence": page, "label": "supported", "supporting_sentences": [[0, 7], [9]]},
        {"claim": "B.", "evidence": page, "label": "not_supported", "supporting_sentences": []},
    ]
    path = _write(tmp_path / "claims.jsonl", *rows)
    assert [claim.text.split("\n") for claim in read_claims(path)] == [[page[n] for n in (0, 1, 6, 7, 8)], page[:9]]
    assert [claim.text.split("\n") for claim in read_claims(path, pages=True)] == [page, page]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"claim": "A.", "references": ["B."]}, r"claims\.jsonl:3: no 'attribution_label' or 'label' of attributable"),
        ({"claim": "A.", "references": "B.", "label": "supported"}, r"claims\.jsonl:3: no 'references' or 'evidence'"),
        ({"claim": "A.", "references": None, "label": "supported"}, r"claims\.jsonl:3: no 'references' or 'evidence'"),
        ({"references": ["B."], "label": "supported"}, r"claims\.jsonl:3: 'claim' is absent"),
        (
            {"claim": "A.", "evidence": ["B."], "label": "supported", "supporting_sentences": "first"},
            r"claims\.jsonl:3: 'supporting_sentences' is not lists",
        ),
    ],
)
def test_a_row_of_another_form_is_told_by_its_line(row: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=message):
        read_claims(_write(tmp_path / "claims.jsonl", *ROWS[:2], row))


def test_claims_of_one_kind_measure_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="no claims of both kinds"):
        read_claims(_write(tmp_path / "claims.jsonl", ROWS[0], ROWS[2]))


def test_a_claim_that_cites_nothing_has_no_support_and_counts(tmp_path: Path, encoder: Encoder) -> None:
    bare: dict[str, Any] = {"claim": "The mill opened in May.", "references": [], "attribution_label": "attributable"}
    page: dict[str, Any] = {"claim": "It burned.", "evidence": [], "label": "not_supported"}
    claims = read_claims(_write(tmp_path / "claims.jsonl", ROWS[0], bare, page))
    assert claims[1:] == [JudgedClaim(bare["claim"], (), True), JudgedClaim(page["claim"], (), False)]
    verdicts = judge_claims(claims, _Certain(), encoder)
    assert verdicts.supports == [1.0, 0.0, 0.0]
    assert verdicts.cosines[1:] == [0.0, 0.0]
    scores = score_support(claims, verdicts, threshold=0.5)
    assert (scores.claims, scores.balanced_accuracy, scores.auroc) == (3, 0.75, 0.75)


def test_claims_that_all_cite_nothing_measure_nothing(tmp_path: Path) -> None:
    rows = [{"claim": "A.", "references": [], "label": label} for label in ("supported", "not_supported")]
    with pytest.raises(BadDataset, match="no claim that cites anything"):
        read_claims(_write(tmp_path / "claims.jsonl", *rows))


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import balanced_accuracy_score

    rng = np.random.default_rng(3)
    scores = rng.integers(0, 20, 300) / 20
    right = rng.random(300) < 0.2 + 0.4 * scores
    for threshold in (0.0, 0.35, 0.5, 1.0):
        expected = balanced_accuracy_score(right, scores >= threshold)
        assert balanced_accuracy(scores.tolist(), right.tolist(), threshold) == pytest.approx(expected)


def test_the_best_threshold_is_the_lowest_of_the_best() -> None:
    scores, right = [0.1, 0.2, 0.2, 0.6, 0.8, 0.9], [False, False, True, False, True, True]
    best = best_balanced_threshold(scores, right)
    tried = {cut: balanced_accuracy(scores, right, cut) for cut in sorted(set(scores))}
    assert best == min(cut for cut, value in tried.items() if value == pytest.approx(max(tried.values())))


@pytest.mark.parametrize("right", [[], [True, True], [False]])
def test_one_kind_alone_has_no_balanced_accuracy(right: list[bool]) -> None:
    with pytest.raises(ValueError, match="needs both kinds"):
        balanced_accuracy([0.5] * len(right), right, 0.5)
    with pytest.raises(ValueError, match="needs both kinds"):
        best_balanced_threshold([0.5] * len(right), right)


class _Certain:
    """A judge that believes everything that it is shown."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [1.0 for _ in pairs]


class _Reader:
    """A judge whose support is the share of the claim's words that the text has."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [len(set(claim.split()) & set(text.split())) / len(claim.split()) for claim, text in pairs]


def test_the_figures_are_those_of_the_judge_and_of_the_cosine(encoder: Encoder) -> None:
    claims = [
        JudgedClaim("The mill opened in May.", ("The mill opened in May.",), True),
        JudgedClaim("The mill was bought.", ("The mill was old when it changed hands.",), True),
        JudgedClaim("Two bells hang there.", ("Rain is common.", "It made cloth."), False),
        JudgedClaim("The mill was never sold.", ("The mill was never old.",), False),
    ]
    scores = evaluate_support(claims, _Reader(), encoder, threshold=0.7)
    assert (scores.claims, scores.threshold) == (4, 0.7)
    assert scores.balanced_accuracy == 0.75
    assert scores.auroc == 0.75
    near = [float(one @ other) for claim in claims for one, other in [encoder.encode([claim.claim, claim.text])]]
    assert scores.cosine_auroc == np.mean([[a > b for b in near[2:]] for a in near[:2]])
    assert evaluate_support(claims, _Reader(), encoder, threshold=None).threshold == 0.75


def test_the_time_is_that_of_256_word_pieces(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = [JudgedClaim("The mill opened.", ("It opened.",), True), JudgedClaim("It burned.", ("It opened.",), False)]
    ticks = iter((2.0, 2.5))
    monkeypatch.setattr("eval.runs.support.time.perf_counter", lambda: next(ticks))
    n_pieces = 4 + 3 + 3 + 3
    assert evaluate_support(claims, _Reader(), encoder, threshold=0.5).ms_per_256 == 500 * 256 / n_pieces
