"""What is counted of chat models' answers: by hand, and of a scripted model that answers from a true collection."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.bench.prompts import FORMS, Listening, breaks_form, command_of, figures, found, given
from index.collection import Collection
from index.encoder.embedding import Encoder
from rag.answering import Models
from rag.generation.chat_model import Message
from rag.generation.prompt import NO_ANSWER, ONE_SENTENCE
from rag.reading.reader import Reader
from rag.support.model import bundled_support

BRIDGE = "The old bridge of the town was mended by the engineer Ann Example before the winter of 1998."
ROWS: list[dict[str, Any]] = [
    {
        "question": "Who mended the old bridge of the town?", "context": BRIDGE, "answers": [{"text": "Ann Example"}],
        "evidence": {"start": 0, "end": len(BRIDGE)},
    },
    {"question": "Who sold the old bridge of the town to the circus?", "context": BRIDGE, "answers": []},
]  # fmt: skip


class Says:
    """Says the same always; counts how often it was asked."""

    name = "says"
    context = 4096
    notices = ()
    is_small = True

    def __init__(self, text: str) -> None:
        self.text, self.asked = text, 0

    def count(self, messages: Sequence[Message]) -> int:
        return 40 * len(messages)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 0) -> Iterator[str]:  # noqa: ARG002
        self.asked += 1
        yield self.text


@pytest.mark.parametrize(
    ("said", "numbered", "broken"),
    [
        ("Ann mended it.", False, False),
        ("The answer is: Ann mended it.", False, True),
        ("Ann mended it. [1]", False, True),
        ("Ann mended", False, True),
        ("- Ann\n- Bob", False, True),
        ("", False, True),
        (f"{'Ann mended it and ' * 16}left.", False, True),
        ("Ann mended it. [1]", True, False),
        (NO_ANSWER, True, False),
        ("Ann mended it.", True, True),
        ("For two: [1]", True, True),
        (" ".join(["Ann mended it. [1]"] * 6), True, True),
    ],
)
def test_what_breaks_the_form(said: str, *, numbered: bool, broken: bool) -> None:
    assert breaks_form(said, numbered=numbered) is broken


def test_the_figures_of_a_model_that_says_the_answer_and_of_one_that_makes_it_up(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    collection, models = make_collection(bridge=BRIDGE), Models(encoder, reader, support=bundled_support())
    asked = [found(row, collection, models) for row in ROWS]
    assert [bool(a.quotes.claims) for a in asked] == [True, False]
    rows = []
    for text in ("The engineer Ann Example mended it.", "The answer is: Carl."):
        model = Says(text)
        rows.append(figures(asked, [given(a, Listening(model), ONE_SENTENCE, models) for a in asked]))
        assert model.asked == 1  # where nothing answers, it is not waited for
    own, made_up = rows
    same = {"asked": 1, "gold words": 1.0, "citation recall": 1.0, "citation precision": 1.0, "told": 1.0}
    assert {name: own[name] for name in same} == {name: made_up[name] for name in same} == same
    assert [(r["said"], r["breaks form"], r["quoted instead"]) for r in rows] == [(1.0, 0.0, 0.0), (0.0, 1.0, 1.0)]


def test_a_form_that_ships_is_one_of_those_measured() -> None:
    assert ONE_SENTENCE in FORMS.values()


def test_a_results_file_names_files_without_their_folders(tmp_path: Path) -> None:
    (tmp_path / "town.json").touch()
    words = [str(tmp_path / "town.json"), "--model", "smollm2", "--form", "no words", "--show"]
    assert command_of(words) == "python -m eval.bench.prompts town.json --model smollm2 --form 'no words'"
