"""Many questions together: the same answers as one after the other, in their order."""

from collections.abc import Callable
from typing import Any

import pytest

from index.collection import Collection
from rag.answering import Models, answer
from rag.api import ask_all, models_of
from rag.opened import OpenCollection

# Short documents: what takes time is to read, and the sample's are long.
TEXTS = {
    "bridge": "The old bridge of Hollin was mended by the engineer Ann Example before the winter of 1998.",
    "ferry": "The ferry to the island costs four euros. It leaves at seven from the north quay, said Anton Brisk.",
    "mill": "The mill stood empty from 1931 to 1954. A baker of the name of Ida Moll bought it for 900 crowns.",
}
ASKED = (
    "Who mended the old bridge?", "When was the bridge mended?", "What does the ferry cost?", "When does it leave?",
    "Who bought the mill?", "How much was paid for the mill?", "How long did the mill stand empty?", "", "Who?",
    "Who painted the ceiling?", "Did Ida Moll buy the mill?", "Quelle est la capitale de la France ?",
)  # fmt: skip


@pytest.fixture
def opened(make_collection: Callable[..., Collection]) -> OpenCollection:
    return OpenCollection(make_collection(**TEXTS).folder)


def test_answers_are_those_of_one_after_the_other_in_the_order_of_the_questions(opened: OpenCollection) -> None:
    single = [answer(opened.stored, Models(opened.encoder, opened.reader), question) for question in ASKED]
    together = list(ask_all(opened, [(question, ()) for question in ASKED]))
    assert tuple(a.question for a in together) == ASKED
    assert {a.abstained for a in together} == {True, False}
    for one, other in zip(single, together, strict=True):
        assert other.confidence == pytest.approx(one.confidence, abs=1e-6)
        assert (other.claims, other.citations, other.abstained) == (one.claims, one.citations, one.abstained)
        assert [(a.start, a.end, a.text) for a in other.answers] == [(a.start, a.end, a.text) for a in one.answers]


@pytest.mark.parametrize("strict", [False, True])
def test_what_a_model_writes_is_checked_as_for_a_single_question(
    sample: Collection, chat_server: Any, speech: Callable[..., list[str]], strict: bool
) -> None:
    opened = OpenCollection(sample.folder, model_name="told", server=chat_server.url)
    question = "How many years was Kenneth Yalowitz a diplomat?"
    chat_server.events = speech("Kenneth Yalowitz was a diplomat for 36 years [1]. He sold bicycles in Norway [1].")
    alone = answer(opened.stored, models_of(opened), question, strict=strict)
    (together,) = ask_all(opened, [(question, ())], strict=strict)
    assert (together.claims, together.citations) == (alone.claims, alone.citations)
    verdicts = [claim.verdict for claim in together.claims]
    assert verdicts == ["supported"]  # what is not borne out is left out where there is no other quote for it


def test_no_questions_give_no_answers_and_a_stopped_run_ends(opened: OpenCollection) -> None:
    assert list(ask_all(opened, [])) == []
    answers = ask_all(opened, [("Who?", ())] * 3)
    assert next(answers).question == "Who?"
    answers.close()
