"""Marked evidence: how far up it comes, among all documents and in a question's own."""

import json
from pathlib import Path

from eval.commands.measuring import evidence_lines
from eval.gold.questions import read_question_set
from eval.report.figures import retrieval_figures
from eval.runs.evidence import EVIDENCE_MEASURES
from eval.runs.retrieval import evaluate_retrieval
from index.encoder.embedding import Encoder

BRIDGE = "The old bridge of the town was mended by Ann Example in 1998. It cost forty coins."
MILL = "The miller sold his mill to a baker. He left the valley in spring."


def squad(folder: Path) -> Path:
    def question(number: int, text: str, context: str, evidence: str, answer: str) -> dict[str, object]:
        start = context.index(evidence)
        return {"id": f"q{number}", "question": text, "is_impossible": False,
                "answers": [{"text": answer, "answer_start": context.index(answer)}],
                "evidence": {"start": start, "end": start + len(evidence)}}  # fmt: skip

    rows = [
        {"title": "Bridge", "paragraphs": [{"context": BRIDGE, "qas": [
            question(1, "Who repaired the old bridge?", BRIDGE, "mended by Ann Example", "Ann Example"),
            {"id": "q2", "question": "Who built the bridge?", "is_impossible": True, "answers": []},
        ]}]},
        {"title": "Mill", "paragraphs": [{"context": MILL, "qas": [
            question(3, "Who bought the mill of the miller?", MILL, "sold his mill to a baker", "a baker"),
        ]}]},
    ]  # fmt: skip
    (folder / "people.json").write_text(json.dumps({"data": rows}))
    return folder / "people.json"


def test_evidence_is_ranked_among_all_documents_and_in_its_own(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "other.txt").write_text("Ravens are large black birds that nest on cliffs by the sea.")
    questions = read_question_set(squad(tmp_path))
    scores = evaluate_retrieval(questions, encoder, beside=[tmp_path / "other.txt"])
    evidence = scores.evidence
    assert evidence is not None
    assert (evidence.questions, evidence.documents) == (2, 3)
    assert list(evidence.among_all) == list(evidence.in_own) == ["fused", "fused,document=0", "fused,exact=no", "dense",
                                                                 "lexical"]  # fmt: skip
    assert evidence.among_all["fused"] == evidence.in_own["fused"] == dict.fromkeys(EVIDENCE_MEASURES, 1.0)
    assert retrieval_figures(scores)["evidence"]["among_all"]["dense"]["Recall@1"] == 1.0
    assert "evidence of 2 questions among 3 documents" in evidence_lines(evidence)
    assert evidence_lines(None) == []
