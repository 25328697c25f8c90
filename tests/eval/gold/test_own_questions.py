"""A question file made from a collection, filled in, and looked over."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.gold.datasets import BadDataset
from eval.gold.own_questions import check_questions, enough_text, write_questions
from eval.gold.questions import read_questions
from index.collection import Collection

MakeCollection = Callable[..., Collection]


def paragraph(subject: str, number: int) -> str:
    return (
        f"The {subject} of the town was mended for the {number}th time by an engineer who came from the coast, "
        f"stayed for {number} weeks, and left a long report in the library."
    )


@pytest.fixture
def collection(make_collection: MakeCollection) -> Collection:
    return make_collection(
        bridge="\n\n".join(paragraph("bridge", number) for number in range(3, 9)),
        mill=paragraph("mill", 2),
        short="He left.",
    )


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_document_comes_before_any_comes_twice(collection: Collection, tmp_path: Path) -> None:
    with collection.reading() as snapshot:
        assert write_questions(tmp_path / "q.jsonl", snapshot, 5) == 5
        assert write_questions(tmp_path / "again.jsonl", snapshot, 5) == 5
    made = rows(tmp_path / "q.jsonl")
    assert rows(tmp_path / "again.jsonl") == made
    asked = [row["gold"][0]["document"] for row in made if row["gold"]]  # type: ignore[index]
    assert sorted(asked[:2]) == ["bridge.txt", "mill.txt"]
    assert asked[2:] == ["bridge.txt", "bridge.txt"]
    assert [bool(row["gold"]) for row in made] == [True] * 4 + [False]  # a fifth asks what is nowhere answered
    assert {row["question"] for row in made} == {""}


def test_a_file_is_not_written_over_and_an_empty_collection_is_told(
    collection: Collection, make_collection: MakeCollection, tmp_path: Path
) -> None:
    (tmp_path / "q.jsonl").write_text("mine")
    with collection.reading() as snapshot, pytest.raises(BadDataset, match="exists, and is not written over"):
        write_questions(tmp_path / "q.jsonl", snapshot, 5)
    with make_collection("empty").reading() as snapshot, pytest.raises(BadDataset, match="no paragraph"):
        write_questions(tmp_path / "other.jsonl", snapshot, 5)


def test_what_is_filled_in_is_looked_over(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    gold = [{"document": "mill.txt", "paragraph": 1}]
    filled = [
        {"id": "a", "question": "Where did the engineer come from?", "answers": ["the coast"], "gold": gold},
        {"id": "b", "question": "", "answers": [], "gold": gold},
        {"id": "c", "question": "Who?", "answers": ["Nobody"], "gold": gold},
        {"id": "d", "question": "Who?", "gold": [{"document": "gone.txt", "paragraph": 1}]},
        {"id": "a", "question": "Why?"},
        {"id": "e", "question": "How?", "answers": "x"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in filled))
    with collection.reading() as snapshot:
        checked = check_questions(path, snapshot)
    assert (checked.filled, checked.unfilled, checked.answerable, checked.documents) == (4, 1, 3, 2)
    assert [fault.removeprefix(str(path)).partition(";")[0] for fault in checked.faults] == [
        ":3: the answer 'Nobody' does not stand in its gold",
        ":4: gold 'gone.txt', paragraph 1, is not in the collection",
        ":5: the id 'a' was there before",
        ":6: 'answers' is not a list of strings",
    ]


def test_a_filled_file_is_read_as_questions(collection: Collection, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    with collection.reading() as snapshot:
        write_questions(path, snapshot, 2)
    made = [{**row, "question": f"What is {row['id']}?"} for row in rows(path)]
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    assert [q.question_id for q in read_questions(path)] == ["own-001", "own-002"]


def test_enough_is_said_in_numbers() -> None:
    assert "126 show 0.05" in enough_text((0.05,), n=40)  # (2.8016 * 0.2 / 0.05)^2 = 125.6
    assert enough_text((0.05,), n=40).endswith("There are 40.")
