"""Conversations as records: what the browser kept comes back whole, and what it should not have is refused."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.collection import Collection, Filters
from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from index.opening import create_collection
from rag.answering import Models, answer
from rag.answers import Answer
from rag.reading.reader import Reader
from rag.transcript import (
    BadTranscript,
    Exchange,
    conversation_json,
    conversation_markdown,
    exchange_from_json,
    exchange_json,
)

TEXT = "The *old* bridge of [Example] was mended by the engineer Ann Sample before the winter of 1998."
ASKED = "2024-05-01T10:00:00Z"


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder, reader: Reader) -> Answer:
    folder = tmp_path_factory.mktemp("transcript")
    (folder / "bridge.txt").write_text(TEXT, encoding="utf-8")
    with create_collection(folder / "collection", encoder.identity) as collection:
        index_paths(collection, encoder, [folder / "bridge.txt"])
        return answer(collection, Models(encoder, reader), "Who mended the old bridge?")


def test_an_exchange_comes_back_from_its_record_as_it_was(answered: Answer) -> None:
    assert answered.citations
    filters = Filters(after="2020", publisher="Post", documents=("a.txt",))
    exchange = Exchange("a7", "Who mended the old bridge?", ASKED, "done", answered, filters=filters)
    again = exchange_from_json(json.loads(json.dumps(exchange_json(exchange))))
    assert again.answer is not None
    assert (again.filters, again.answer.claims, again.answer.citations) == (
        filters,
        answered.claims,
        answered.citations,
    )
    assert exchange_json(again) == exchange_json(exchange)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["id"], '"><b>'),
        (["state"], "<b>"),
        (["question"], 7),
        (["answer"], []),
        (["answer", "citations"], {}),
        (["answer", "citations", 0, "start"], "1"),
        (["answer", "citations", 0, "label"], True),
        (["answer", "claims", 0, "labels"], [9]),
        (["answer", "claims", 0, "labels"], ["1"]),
        (["answer", "confidence"], "high"),
        (["answer", "notices"], [1]),
        (["filters", "after"], "yesterday"),
        (["filters", "documents"], "a.txt"),
    ],
)
def test_a_record_that_no_exchange_makes_is_refused(answered: Answer, place: list[str | int], value: object) -> None:
    record = exchange_json(Exchange("a7", "Who?", ASKED, "done", answered))
    assert exchange_from_json(record)
    at = record
    for key in place[:-1]:
        at = at[key]  # type: ignore[index]
    at[place[-1]] = value  # type: ignore[index]
    with pytest.raises(BadTranscript):
        exchange_from_json(record)


def test_markdown_has_a_footnote_for_each_citation_and_the_documents_signs_as_text(answered: Answer) -> None:
    exchange = Exchange("a7", "# Who <b>mended</b> it?", ASKED, "done", answered)
    text = conversation_markdown("The bridge", [exchange, exchange], ASKED)
    assert "## \\# Who \\<b\\>mended\\</b\\> it?" in text
    assert text.count("The \\*old\\* bridge of \\[Example\\] was mended") == 4
    assert "[^1]\n" in text
    assert "[^2]: “The " in text
    assert "bridge.txt, paragraph 1, characters 0 to 94." in text
    stopped = Exchange("a8", "Who?", ASKED, "stopped")
    assert "Stopped before there was an answer" in conversation_markdown("x", [stopped], ASKED)
    assert conversation_json("x", [stopped], ASKED)["exchanges"] == [exchange_json(stopped)]


def test_markdown_obeys_nothing_of_what_was_read_and_neither_does_a_terminal() -> None:
    question = "1. See https://a.example, b@a.example, $x$, ^y^, [z]: \x1b[2J\u202e & \x00"
    *_, told, _ = conversation_markdown("x", [Exchange("a", question, ASKED, "stopped")], ASKED).split("\n\n")
    assert told == (
        r"## 1\. See https\://a.example, b\@a.example, \$x\$, \^y\^, \[z\]\: "
        "\N{REPLACEMENT CHARACTER}\\[2J\N{REPLACEMENT CHARACTER} \\& \N{REPLACEMENT CHARACTER}"
    )


@given(st.text())
def test_no_question_begins_a_heading_a_list_or_a_footnote(question: str) -> None:
    lines = conversation_markdown("x", [Exchange("a", question, ASKED, "stopped")], ASKED).splitlines()
    assert [line for line in lines if line.startswith(("# ", "- ", "[^", "!", "<"))] == ["# x"]


TABLE = "The lifts of the harbour\n\nLift\tBuilt\tLoad\nStork\t1971\t14\nCrane\t1962\t\n"


def test_a_cited_row_comes_back_with_its_cells_and_a_record_from_before_there_were_any_is_read(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    answered = answer(make_collection(lifts=TABLE), Models(encoder, reader), "When was the Stork built?")
    assert [cell.head for cell in answered.citations[0].cells] == ["Lift", "Built", "Load"]
    record = exchange_json(Exchange("a", "When was the Stork built?", ASKED, "done", answered))
    again = exchange_from_json(json.loads(json.dumps(record))).answer
    assert again is not None
    assert again.citations == answered.citations
    cited = record["answer"]["citations"][0]
    cited["cells"][0]["end"] = cited["end"] + 1
    with pytest.raises(BadTranscript, match="not inside its citation"):
        exchange_from_json(record)
    for name in ("kind", "headings", "cells", "renamed"):
        del cited[name]
    old = exchange_from_json(record).answer
    assert old is not None
    assert (old.citations[0].cells, old.citations[0].headings) == ((), ())
    cited["kind"] = "<b>"
    with pytest.raises(BadTranscript, match="'kind'"):
        exchange_from_json(record)
