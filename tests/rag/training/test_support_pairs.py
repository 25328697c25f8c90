"""Pairs: claims made of questions, paragraphs and human claims, and that their labels are true by construction."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rag.training import support_pairs
from rag.training.steps import TrainingDataError, seeded
from rag.training.support_pairs import HumanClaim, Material, Pair, load_claims, load_material, make_pair, plan_epoch

MILL = (
    "The mill of Norwick opened in 1874. Its founder was Ada Brandt, a weaver from Ellerby. "
    "In 1902, Ivo Sellin bought the mill, and the river froze in the same winter. It made cloth for the army."
)
LIBRARY = (
    "The library of Norwick lends 43 violins to anyone who asks. Mara Lindqvist started the collection in 1955. "
    "However, the largest violin is kept in a glass case, because it was played by Edith Roose."
)
QUESTIONS = {
    MILL: [("When did the mill open?", "1874"), ("Who was the founder of the mill?", "Ada Brandt"),
           ("Who bought the mill?", "Ivo Sellin"), ("What did the mill make?", "cloth")],
    LIBRARY: [("How many violins does the library lend?", "43"), ("Who started the collection?", "Mara Lindqvist"),
              ("Who played the largest violin?", "Edith Roose")],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Question sets and claims as `load_material` takes them."""
    (tmp_path / "questions" / "train").mkdir(parents=True)
    (tmp_path / "claims").mkdir()
    paragraphs: list[dict[str, Any]] = []
    for text, asked in QUESTIONS.items():
        rows = [
            {"id": question, "question": question, "answers": [{"text": answer, "answer_start": text.index(answer)}]}
            for question, answer in asked
        ]
        paragraphs.append({"context": text, "qas": rows})
    squad = {"data": [{"title": "Norwick", "paragraphs": paragraphs}]}
    (tmp_path / "questions" / "train" / "towns.json").write_text(json.dumps(squad), encoding="utf-8")
    impossible = {"id": "x", "question": "Who sold the mill?", "answers": [], "is_impossible": True,
                  "plausible_answers": [{"text": "Ada Brandt", "answer_start": 0}]}  # fmt: skip
    dev = {"data": [{"title": "Mills", "paragraphs": [{"context": MILL, "qas": [impossible]}]}]}
    held = {"data": [*dev["data"], *({"title": t, "paragraphs": []} for t in ("Warsaw", "Immune_system"))]}
    (tmp_path / "questions" / "squad2_dev_half.json").write_text(json.dumps(held), encoding="utf-8")
    fm2 = {
        "text": "Ada Brandt wove before she had a mill.", "label": "SUPPORTS", "wikipedia_page": "Ada Brandt",
        "gold_evidence": [{"text": "Brandt was a weaver."}],
        "retrieved_evidence": [{"text": "Brandt was a weaver."}, {"text": "She kept bees."}],
    }  # fmt: skip
    fever = {"claim": "The mill did n't open .", "evidence": "The mill opened in 1874 .", "label": "REFUTES"}
    rows = "\n".join(json.dumps(row) for row in (fm2, fever))
    (tmp_path / "claims" / "some.jsonl").write_text(rows + "\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def material(folder: Path) -> Material:
    return load_material(folder / "questions", folder / "claims")


def _made(material: Material, what: str, kind: str, n: int = 40) -> list[Pair]:
    """Every pair of a kind, from each question or paragraph, several times."""
    able = [n for n, q in enumerate(material.corpus.questions) if bool(q.spans) == (kind != "unanswerable")]
    numbers = able if what == "question" else range(len(material.corpus.paragraphs))
    plans = [(what, number, kind) for number in numbers]
    return [
        pair
        for turn in range(n)
        for plan in plans
        if (pair := make_pair(material, plan, seeded("test", turn, *plan))) is not None
    ]


def test_claims_of_both_forms_are_read(folder: Path) -> None:
    fm2, fever = load_claims(folder / "claims")
    assert fm2 == HumanClaim(
        "Ada Brandt wove before she had a mill.", "Ada Brandt", ("Brandt was a weaver.",), ("She kept bees.",), True
    )
    assert fever == HumanClaim("The mill didn't open.", "", ("The mill opened in 1874.",), (), False)


@pytest.mark.parametrize("row", [{"claim": "A.", "evidence": "B."}, {"claim": "A.", "evidence": "B.", "label": "MAYBE"},
                                 {"label": "SUPPORTS", "claim": "A."}, {"label": "SUPPORTS"}])  # fmt: skip
def test_a_row_without_claim_evidence_and_label_is_refused_by_its_line(row: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("\n" + json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(TrainingDataError, match=r"bad\.jsonl:2: no claim with evidence and a label"):
        load_claims(tmp_path)


def test_no_claims_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="no claims in"):
        load_claims(tmp_path)


def test_some_pages_are_held_out_and_claims_without_a_page_never(folder: Path) -> None:
    pages = [HumanClaim("A.", f"Page {n}", ("B.",), (), True) for n in range(500)]
    assert 25 < sum(map(support_pairs.is_held_out, pages)) < 80
    assert not support_pairs.is_held_out(load_claims(folder / "claims")[1])


def test_held_out_claims_come_with_title_and_evidence(tmp_path: Path) -> None:
    rows = [
        {"text": f"Claim {n}.", "label": "REFUTES", "wikipedia_page": f"Page {n}", "retrieved_evidence": [],
         "gold_evidence": [{"text": "One."}, {"text": "Two."}]}
        for n in range(60)
    ]  # fmt: skip
    (tmp_path / "fm2.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    held_out = [claim for claim in load_claims(tmp_path) if support_pairs.is_held_out(claim)]
    assert support_pairs.held_out_pairs(tmp_path) == [
        Pair(claim.claim, f"Title: {claim.title}\n\nOne. Two.", False, "held out") for claim in held_out
    ]
    assert held_out


def test_a_statement_against_its_own_paragraph_is_supported(material: Material) -> None:
    pairs = _made(material, "question", "answerable")
    assert all(pair.supported for pair in pairs)
    assert {pair.claim for pair in pairs} >= {"The mill opened in 1874.", "Ada Brandt was the founder of the mill."}


def test_another_answer_of_its_kind_is_not_supported(material: Material) -> None:
    pairs = _made(material, "question", "other_answer")
    assert pairs
    true = {pair.claim for pair in _made(material, "question", "answerable")}
    for pair in pairs:
        assert not pair.supported
        assert pair.claim not in true


@pytest.mark.parametrize("kind", ["removed", "neighbour", "changed_question", "negated"])
def test_what_the_text_lacks_or_contradicts_is_not_supported(material: Material, kind: str) -> None:
    """Where a kind cannot be made of a question the plain pair stands in, and says so."""
    pairs = _made(material, "question", kind)
    assert {pair.supported for pair in pairs if pair.kind == kind} == {False}
    assert {pair.supported for pair in pairs if pair.kind != kind} <= {True}


def test_a_negated_claim_is_denied(material: Material) -> None:
    assert all(" not " in p.claim or " never " in p.claim for p in _made(material, "question", "negated"))


def test_two_statements_are_supported_only_where_both_are(material: Material) -> None:
    pairs = _made(material, "question", "joined")
    assert {pair.supported for pair in pairs} == {True, False}
    for pair in pairs:
        if pair.supported:
            assert any(text in pair.text for text in QUESTIONS)


def test_a_plausible_answer_of_an_unanswerable_question_is_not_supported(material: Material) -> None:
    pairs = _made(material, "question", "unanswerable")
    assert {(pair.claim, pair.supported) for pair in pairs} == {("Ada Brandt sold the mill.", False)}


def test_a_sentence_without_its_own_place_in_the_text_is_not_supported(material: Material) -> None:
    for kind in ("sentence_removed", "sentence_elsewhere"):
        pairs = _made(material, "paragraph", kind)
        assert pairs
        assert not any(pair.supported for pair in pairs)
        assert not any(pair.claim in pair.text for pair in pairs)


def test_a_changed_swapped_stitched_or_extended_sentence_is_not_supported(material: Material) -> None:
    for kind in ("sentence_changed", "swapped", "stitched", "extended"):
        pairs = _made(material, "paragraph", kind)
        assert pairs
        assert not any(pair.supported or pair.claim in pair.text for pair in pairs)


def test_a_human_claim_keeps_its_evidence_or_loses_its_support(folder: Path) -> None:
    claim = load_claims(folder / "claims")[0]
    pairs = [support_pairs.pair_of_claim(claim, seeded(n)) for n in range(300)]
    assert {pair.supported for pair in pairs} == {True, False}
    assert all(("Brandt was a weaver." in pair.text) == pair.supported for pair in pairs)


def test_an_epoch_is_the_same_for_a_seed_and_another_for_the_next(material: Material) -> None:
    assert plan_epoch(material, 3, 0) == plan_epoch(material, 3, 0)
    assert plan_epoch(material, 3, 0) != plan_epoch(material, 3, 1)
    kinds = Counter(what for what, _, _ in plan_epoch(material, 3, 0))
    assert kinds["claim"] == support_pairs.CLAIM_RATE * len(material.claims)
