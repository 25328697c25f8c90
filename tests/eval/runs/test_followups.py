"""`pilcrow eval followups`: conversations asked of their documents, and rewritings searched for."""

import json
from pathlib import Path
from typing import Any

import pytest

import pilcrow
from eval.gold.datasets import BadDataset
from eval.gold.dialogues import read_followups

PARTS = (
    "Filter KX-410 is for the small boiler and costs 31 euros.\n\n"
    "Filter KX-420 is for the large boiler and costs 78 euros.\n\n"
    "Ines Duarte keeps the spare parts in the cellar."
)
CONVERSATION: dict[str, Any] = {
    "id": "c1",
    "doc": "parts",
    "turns": [
        {"q": "How much does filter KX-410 cost?", "standalone": "How much does filter KX-410 cost?",
         "a": ["31 euros"], "in": "costs 31 euros", "link": "first"},
        {"q": "and KX-420?", "standalone": "How much does filter KX-420 cost?",
         "a": ["78 euros"], "in": "costs 78 euros", "link": "swap code"},
        {"q": "thanks", "standalone": "thanks", "a": [], "in": "", "link": "smalltalk"},
    ],
}  # fmt: skip
SAID = [
    "When did the Tarn mill close?",
    "The Tarn mill closed for good in the wet autumn of 1987.",
    "Who bought it?",
    "A baker from Lund bought the building two years later.",
]
REWRITINGS = [
    {"id": "r_q#0", "title": ["Tarn", "The mill"], "history": [], "question": SAID[0], "rewrite": SAID[0]},
    {"id": "r_q#1", "title": ["Tarn", "The mill"], "history": SAID[:2], "question": "Who bought it?",
     "rewrite": "Who bought the Tarn mill?"},
    {"id": "r_q#2", "title": ["Tarn", "The mill"], "history": SAID, "question": "Why?",
     "rewrite": "Why did a baker from Lund buy the Tarn mill?"},
]  # fmt: skip


def _file(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def _figures(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert pilcrow.main(["eval", "followups", *arguments, "--json"]) == 0, capsys.readouterr().err
    figures: dict[str, Any] = json.loads(capsys.readouterr().out)
    return figures


def test_conversations_are_asked_of_their_documents_in_three_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = _file(tmp_path / "texts.jsonl", [{"id": "parts", "title": "Parts", "text": PARTS}])
    asked = _file(tmp_path / "talk.jsonl", [CONVERSATION])
    figures = _figures(capsys, asked, "--documents", texts)
    assert (figures["later_turns"], figures["answerable"], figures["small_talk_told"]) == (2, 1, 1.0)
    assert figures["first_citation"]["followed"] == figures["first_citation"]["in_full"] == 1.0
    assert figures["by_kind"]["swap code"]["followed"] == 1.0


def test_rewritings_are_searched_for_among_the_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = _figures(capsys, _file(tmp_path / "r.jsonl", REWRITINGS))
    # The answer to the last question is not known.
    assert figures["questions"] == 1
    assert figures["recall@8"]["in_full"] == figures["recall@8"]["followed"] == 1.0


def test_the_answer_of_a_rewriting_is_known_by_its_place(tmp_path: Path) -> None:
    followups = read_followups(Path(_file(tmp_path / "r.jsonl", REWRITINGS)))
    (document,) = followups.documents()
    places = [document.text[r.start : r.end] for r in followups.rewritings if r.start is not None]
    assert places == [SAID[3]]
    assert followups.rewritings[1].history == ((SAID[0], SAID[1]), (SAID[2], SAID[3]))


def test_a_history_of_questions_alone_has_turns_without_answers(tmp_path: Path) -> None:
    row = {"id": "x_2", "history": ["What is ringworm?"], "question": "Is it dangerous?", "rewrite": "Is ringworm so?"}
    (rewriting,) = read_followups(Path(_file(tmp_path / "c.jsonl", [row]))).rewritings
    assert rewriting.history == (("What is ringworm?", ""),)
    assert rewriting.start is None


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([{"id": "a", "doc": "d", "turns": []}], ":1: 'turns' is no list of objects"),
        ([{"id": "a", "history": "x", "question": "q", "rewrite": "r"}], ":1: 'history' is no list of texts"),
        ([{"id": "a", "history": [], "question": "q", "rewrite": "r"}], "holds no question with a history"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_line(
    tmp_path: Path, rows: list[dict[str, Any]], fault: str
) -> None:
    with pytest.raises(BadDataset, match=fault):
        read_followups(Path(_file(tmp_path / "bad.jsonl", rows)))
