"""An invented data folder as `train_reader` and `train_order` take it."""

import json
from pathlib import Path
from typing import Any

import pytest

TOWNS = ("Norwick", "Ellerby", "Tarn Cross", "Stonham", "Veldmark", "Quarrow")


def marked(text: str, evidence: str) -> dict[str, int]:
    return {"start": text.index(evidence), "end": text.index(evidence) + len(evidence)}


def notice(number: int, town: str) -> dict[str, Any]:
    """A document with a question that is answered, one that is not, and one that is answered with no."""
    hours, fee = f"The baths of {town} open at {number + 6} in the morning.", f"A visit costs {number + 11} crowns."
    dogs = "Dogs must stay outside."
    text = f"Notice from {town}\n\n{hours} Towels are lent at the desk. {fee} Children pay half. {dogs}"
    asked = f"can i swim early in {town}, from when?"
    answer = f"at {number + 6} in the morning"
    return {
        "title": f"Baths of {town}",
        "source": f"invented/{town}",
        "paragraphs": [
            {
                "context": text,
                "qas": [
                    {"id": f"{town}-1", "question": asked, "evidence": marked(text, hours),
                     "answers": [{"text": answer, "answer_start": text.index(answer)}]},
                    {"id": f"{town}-2", "question": "How warm is the water?", "answers": [], "is_impossible": True},
                    {"id": f"{town}-3", "question": "May I bring my dog?", "answers": [], "yesno": "no",
                     "evidence": marked(text, dogs)},
                ],
            }
        ],
    }  # fmt: skip


def history(town: str) -> dict[str, Any]:
    """An article of two paragraphs with a question each."""
    texts = f"The mill of {town} made cloth. It closed.", f"The ferry of {town} was painted green. It sank."
    rows = [("What did the mill make?", "cloth"), ("Which colour had the ferry?", "green")]
    paragraphs = [
        {"context": text, "qas": [{"id": f"{town}-{answer}", "question": question,
                                   "answers": [{"text": answer, "answer_start": text.index(answer)}]}]}
        for text, (question, answer) in zip(texts, rows, strict=True)
    ]  # fmt: skip
    return {"title": f"History_of_{town}", "paragraphs": paragraphs}


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(map(json.dumps, content)) if path.suffix == ".jsonl" else json.dumps({"data": content})
    path.write_text(lines, encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    notices = [notice(number, town) for number, town in enumerate(TOWNS)]
    written(folder / "people" / "train" / "baths.json", notices)
    written(folder / "people" / "dev" / "dev.json", [{"source": "invented/dev", "title": "Dev", "paragraphs": []}])
    written(folder / "reading" / "more" / "qed_nq_dev.json", [history(town) for town in TOWNS])
    ways = [
        {"question": f"does the ferry of {town} sail", "context": f"No ferry sails from {town}.", "answer": answer}
        for town, answer in zip(TOWNS, (True, False, "yes", "no", "maybe", False), strict=True)
    ]
    written(folder / "yesno" / "boolq_val.jsonl", ways)
    texts = [
        {"id": f"t{number}", "title": one["title"], "source": one["source"], "text": one["paragraphs"][0]["context"]}
        for number, one in enumerate(notices[:4])
    ]
    other = {"id": "t9", "title": "Dev", "source": "invented/dev", "text": "The baths of Devon open at nine."}
    written(folder / "texts" / "texts.jsonl", [*texts, other])
    return folder
