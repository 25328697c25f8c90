"""English is told from the rest, and a question of names is no other language."""

import json

import pytest

from index import SAMPLE
from index.language import other_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wer hat die Brücke repariert?", "de"),
        ("Qui a réparé le pont ?", "fr"),
        ("¿Quién reparó el puente?", "es"),
        ("Кто починил мост?", "ru"),
        ("谁修了桥?", "zh"),
        ("Kto naprawił most w mieście?", "pl"),
        ("Wie is de koning van België?", "nl"),
        ("Quem é o presidente do Brasil?", "pt"),
        ("Kto to powiedział?", "pl"),
        ("Кто это?", "ru"),
        ("Participants: Angela Merkel, Gerhard Schröder, Helmut Kohl, Helmut Schmidt.", None),
        ("Staphylococcus Escherichia Salmonella", None),
        ("Lukashenko Putin?", None),
        ("Zelensky", None),
        ("", None),
        ("Who mended the Brücke am Fluss?", None),
    ],
)
def test_a_short_question_is_told_apart(text: str, language: str | None) -> None:
    assert other_language(text) == language


def test_no_question_and_no_article_of_the_sample_is_taken_for_another_language() -> None:
    questions = [json.loads(line)["question"] for line in (SAMPLE / "questions.jsonl").read_text().splitlines()]
    articles = [path.read_text() for path in (SAMPLE / "articles").iterdir()]
    assert [text for text in questions + articles if other_language(text)] == []
