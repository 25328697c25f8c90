"""What stays of a conversation: streaming, stopping, asking again, reloading, exporting, judging."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.gold.trec import read_qrels
from rag.answers import Answer
from rag.citations import Claim
from rag.generation.chat_model import Message
from rag.judgements import judgements
from rag.opened import OpenCollection
from rag.page.visit import Page
from rag.transcript import BadTranscript, Exchange, exchange_json

YEARS = "How many years was Kenneth Yalowitz a diplomat?"
LEADER = "Which Ukrainian leader sat down with Putin in the capital of Belarus in 2014?"


class Scripted:
    """A model that says what it was given to say, waiting before each piece until it may go on."""

    name, context, notices = "scripted model", 4096, ()
    is_small = False

    def __init__(self) -> None:
        self.pieces: Sequence[str] = ()
        self.asked: list[Sequence[Message]] = []
        self.may_go_on = threading.Event()
        self.stopped = threading.Event()

    def count(self, messages: Sequence[Message]) -> int:
        return sum(len(part if isinstance(part, str) else part.text) // 4 for m in messages for part in m.parts)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 0) -> Iterator[str]:  # noqa: ARG002
        self.asked.append(messages)
        self.stopped.clear()
        try:
            for number, piece in enumerate(self.pieces):
                while number and not self.may_go_on.wait(0.05):
                    yield ""
                yield piece
        finally:
            self.stopped.set()


class Doubting:
    """Judges by a word in the claim."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [0.9 if "36" in claim else 0.4 if "maybe" in claim else 0.1 for claim, _ in pairs]


@pytest.fixture(scope="module")
def model() -> Scripted:
    return Scripted()


@pytest.fixture(scope="module")
def with_model(sample_folder: Path, serving: Callable[..., str], model: Scripted) -> str:
    """A page over the sample whose answers the scripted model writes."""
    return serving(sample_folder, model=model, support=Doubting())


def test_a_conversation_survives_a_reload_and_several_stand_side_by_side(
    visit: Callable[..., Any], address: str
) -> None:
    visitor = visit(address)
    page = visitor.page
    visitor.ask(YEARS)
    first = page.locator("#turns").inner_html()
    page.reload()
    visitor.ready()
    page.wait_for_selector(".turn.done")
    assert page.locator("#turns").inner_html() == first
    page.locator("a.cite").click()
    assert "36 years" in visitor.marked()
    page.click("[data-do=new]")
    assert page.locator("#welcome").is_visible()
    assert page.locator(".turn").count() == 0
    visitor.ask(LEADER)
    page.click("[data-do=drawer]")
    rows = page.locator("#conversations .conversation")
    assert rows.all_inner_texts() == [LEADER, YEARS]
    rows.nth(1).click()
    page.wait_for_selector(".turn.done")
    assert page.locator(".question").all_inner_texts() == [YEARS]
    page.click("[data-do=drawer]")
    page.click("#drawer [data-do=clear]")
    page.click("#confirm-yes")
    page.wait_for_selector("#welcome:visible")
    page.click("[data-do=drawer]")
    assert rows.all_inner_texts() == [LEADER]


def test_a_stopped_answer_keeps_its_question_and_can_be_asked_again(
    visit: Callable[..., Any], with_model: str, model: Scripted
) -> None:
    model.pieces, model.may_go_on = ["He served 36 years [1]. ", "And maybe more [1]. ", "Or none."], threading.Event()
    visitor = visit(with_model)
    page = visitor.page
    page.fill("#question", YEARS)
    page.click("#ask")
    page.wait_for_function("document.querySelector('.draft')?.textContent.includes('36 years')")
    page.click("#stop")
    page.wait_for_selector(".turn.stopped")
    assert "He served 36 years" in page.locator(".turn .draft").inner_text()
    assert "Stopped." in page.locator(".turn").inner_text()
    assert model.stopped.wait(20)
    page.reload()
    visitor.ready()
    page.wait_for_selector(".turn.stopped")
    model.may_go_on.set()
    page.click(".turn [data-do=retry]")
    page.wait_for_selector(".turn.done")
    assert page.locator(".turn").count() == 1
    assert page.locator(".claim").all_inner_texts() == ["He served 36 years.", "And maybe more."]
    # A verdict is words, not a colour; what is refused where the answer stands already is left out, and that is told.
    assert page.locator(".verdict").all_inner_texts() == ["Weakly supported"]
    assert "left out: 1" in page.locator(".notices").inner_text()
    assert "Written by scripted model" in page.locator(".spoke").inner_text()


def test_what_nothing_bears_out_is_not_carried_into_the_next_question(
    visit: Callable[..., Any], with_model: str, model: Scripted
) -> None:
    model.pieces = ["He served 36 years [1]. ", "He was born in Atlantis [1]. "]
    model.may_go_on.set()
    visitor = visit(with_model)
    turn = visitor.ask(YEARS)
    assert turn.locator(".claim").all_inner_texts() == ["He served 36 years."]
    model.pieces = ["No answer."]
    visitor.ask("And where was he ambassador?")
    (history,) = [_told(messages) for messages in model.asked if "Conversation:" in _told(messages)]
    assert "A: He served 36 years.\n" in history


def _told(messages: Sequence[Message]) -> str:
    return "".join(part if isinstance(part, str) else part.text for m in messages for part in m.parts)


def test_the_answerer_can_be_chosen_and_the_page_says_which_one_spoke(
    visit: Callable[..., Any], with_model: str, model: Scripted
) -> None:
    model.pieces = ["He served 36 years [1]."]
    visitor = visit(with_model)
    # What each takes here stands behind it, once it has answered; further models are those on this machine.
    choices = [words.partition(", about ") for words in visitor.page.locator("#answerer option").all_inner_texts()]
    assert [name for name, _, _ in choices[:2]] == ["scripted model", "Quotes only"]
    visitor.page.select_option("#answerer", "quotes")
    assert "Quoted from the documents" in visitor.ask(YEARS).locator(".spoke").inner_text()


def test_a_follow_up_is_searched_for_with_what_it_is_about(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    visitor.ask(YEARS)
    turn = visitor.ask("And where was he ambassador?")
    assert "Yalowitz" in turn.locator(".aside q").inner_text()


def test_thanks_gets_a_polite_line_and_the_talk_goes_on(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    visitor.ask(YEARS)
    polite = visitor.ask("Thank you!")
    assert polite.locator(".said").inner_text() == "You're welcome."
    assert polite.locator(".spoke").inner_text().startswith("Nothing was searched for")
    assert polite.locator(".aside q, .sources, .related").count() == 0
    assert "Yalowitz" in visitor.ask("And where was he ambassador?").locator(".aside q").inner_text()


def test_editing_a_question_drops_what_followed_from_it(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    page = visitor.page
    visitor.ask(YEARS)
    visitor.ask(LEADER)
    page.locator(".turn").first.locator("[data-do=edit]").click()
    assert "drops the later question" in page.locator(".editing").inner_text()
    page.keyboard.press("Escape")
    assert page.locator(".question").all_inner_texts() == [YEARS, LEADER]
    page.locator(".turn").first.locator("[data-do=edit]").click()
    page.fill(".editing textarea", LEADER)
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn.done")
    assert page.locator(".question").all_inner_texts() == [LEADER]


def test_a_conversation_is_exported_with_its_citations(visit: Callable[..., Any], address: str) -> None:
    visitor = visit(address)
    page = visitor.page
    quote = visitor.ask(YEARS).locator(".source .quote").text_content()
    page.click("[data-do=drawer]")
    with page.expect_download() as saved:
        page.click("[data-form=json]")
    exported = json.loads(Path(saved.value.path()).read_text(encoding="utf-8"))
    (exchange,) = exported["exchanges"]
    assert (exchange["question"], exchange["answer"]["citations"][0]["quote"]) == (YEARS, quote)
    with page.expect_download() as saved:
        page.click("[data-form=markdown]")
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert saved.value.suggested_filename == "conversation.md"
    assert f"## {YEARS}" in text
    assert re.search(r"^\[\^1\]: “Kenneth Yalowitz.*Example Review, 2023\\?-02\\?-25", text, re.MULTILINE)


def test_judgements_are_kept_with_who_and_when_and_become_qrels(
    visit: Callable[..., Any], address: str, sample_folder: Path, tmp_path: Path
) -> None:
    visitor = visit(address)
    page = visitor.page
    turn = visitor.ask(YEARS)
    page.click("[data-do=drawer]")
    page.fill("#judge", "Ann Example")
    page.click("#drawer .close")
    turn.locator(".judging[data-subject=answer] [data-grade=partly]").click()
    turn.locator(".source .judging [data-grade=right]").click()
    page.wait_for_selector(".source .judging [data-grade=right][aria-pressed=true]")
    given = judgements(sample_folder)
    assert [(j.judge, j.grade, j.question, j.doc_id is None) for j in given] == [
        ("Ann Example", 1, YEARS, True),
        ("Ann Example", 2, YEARS, False),
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", j.judged_at) for j in given)
    page.click("[data-do=drawer]")
    with page.expect_download() as saved:
        page.click("[data-do=qrels]")
    path = tmp_path / "judged.qrels"
    saved.value.save_as(path)
    assert read_qrels(path) == {"q1": {given[1].doc_id: 2}}
    page.click("#drawer .close")
    page.reload()
    visitor.ready()
    pressed = page.locator(".source .judging [data-grade=right]")
    pressed.wait_for()
    assert pressed.get_attribute("aria-pressed") == "true"
    pressed.click()
    page.wait_for_selector(".source .judging [data-grade=right][aria-pressed=false]")
    assert [j.doc_id for j in judgements(sample_folder)] == [None]


def test_a_grade_that_there_is_not_takes_no_judgement_back(tmp_path: Path) -> None:
    said = Answer(
        YEARS, YEARS, "He served 36 years.", (Claim("He served 36 years.", (), 1.0, "supported"),), (), (), (),
        abstained=False, reason=None, confidence=0.9, generator="extractive", notices=(), seconds={},
    )  # fmt: skip
    turn = exchange_json(Exchange("a", YEARS, "2024-05-01T10:00:00Z", "done", said))
    page = Page(OpenCollection(tmp_path))
    page.judge({"turn": turn, "grade": "right"}, "ann")
    for grade in ("Right", "good", None):
        with pytest.raises(BadTranscript, match=f"'{grade}' is no grade; give right, partly, wrong, or ''"):
            page.judge({"turn": turn, "grade": grade}, "ann")
    assert [j.grade for j in judgements(tmp_path)] == [2]
    assert page.judge({"turn": turn, "grade": ""}, "ann") == {"said": "Taken back."}
    assert judgements(tmp_path) == []


def test_two_people_see_only_their_own_conversation(visit: Callable[..., Any], address: str) -> None:
    one, other = visit(address), visit(address)
    one.ask(YEARS)
    other.ask(LEADER)
    for visitor, question in ((one, YEARS), (other, LEADER)):
        visitor.page.reload()
        visitor.ready()
        visitor.page.wait_for_selector(".turn.done")
        assert visitor.page.locator(".question").all_inner_texts() == [question]
