"""What happened when, over a real collection."""

from pathlib import Path

import pytest

import pilcrow
from index.collection import Filters
from rag.news.timeline import Timeline, counted_from, timeline, timeline_json
from rag.opened import OpenCollection

MILL = (
    "The mill\n\nMaren Holt bought the mill at Tarvik in 1954. On Tuesday the council agreed to close it.\n\n"
    "The mill burnt down on 4 March 1911, and was rebuilt in 1912."
)


@pytest.fixture
def collection(tmp_path: Path) -> OpenCollection:
    files = tmp_path / "files"
    files.mkdir()
    (files / "dated.txt").write_text(f"Date: 2023-02-22\n\n{MILL}")
    (files / "undated.txt").write_text("The quay\n\nOle Brandt says that the quay was closed on Tuesday for repairs.")
    opened = pilcrow.open_collection(tmp_path / "collection")
    pilcrow.index(opened, [files])
    return opened


def of(collection: OpenCollection, about: str | None = None, **limits: object) -> Timeline:
    return timeline(collection.stored, about, encoder=lambda: collection.encoder, **limits)  # type: ignore[arg-type]


def test_statements_stand_in_the_order_of_their_dates_each_cited(collection: OpenCollection) -> None:
    found = of(collection)
    assert [(s.date, s.by) for s in found.statements] == [
        ("1911-03-04", "text"), ("1912", "text"), ("1954", "text"), ("2023-02-21", "document date"),
    ]  # fmt: skip
    for s in found.statements:
        shown = pilcrow.show(collection, s.citation.doc_id, s.citation.start, s.citation.end)
        assert shown.quote == s.citation.quote
        assert pilcrow.show(collection, s.citation.doc_id, s.when_start, s.when_end).quote == s.words


def test_a_relative_date_says_what_it_is_counted_from_and_without_a_date_is_left_out(
    collection: OpenCollection,
) -> None:
    found = of(collection)
    assert [counted_from(s) for s in found.statements] == [
        None, None, None, "“On Tuesday”, counted from the document’s date, 2023-02-22",
    ]  # fmt: skip
    assert found.undated == 1


def test_a_name_keeps_the_statements_of_its_paragraphs(collection: OpenCollection) -> None:
    assert [s.date for s in of(collection, "Maren Holt").statements] == ["1954", "2023-02-21"]
    assert of(collection, "Nobody Atall").statements == ()
    assert of(collection, "?!").statements == ()


def test_a_question_keeps_those_of_its_nearest_passages(collection: OpenCollection) -> None:
    found = of(collection, "When did the mill burn down?")
    assert "1911-03-04" in [s.date for s in found.statements]
    assert {s.citation.doc_id for s in found.statements} == {"dated.txt"}


def test_the_date_that_a_question_names_is_its_limit(collection: OpenCollection) -> None:
    assert [s.date for s in of(collection, "What happened to the mill in 1911?").statements] == ["1911-03-04"]
    assert [s.date for s in of(collection, "What happened to the mill since 1912?").statements] == [
        "1912", "1954", "2023-02-21",
    ]  # fmt: skip


def test_limits_are_those_of_the_statements_and_of_the_documents(collection: OpenCollection) -> None:
    assert [s.date for s in of(collection, after="1912", before="1960").statements] == ["1912", "1954"]
    assert of(collection, filters=Filters(documents=("undated.txt",))).statements == ()


def test_json_has_all_of_it(collection: OpenCollection) -> None:
    rows = timeline_json("mill", of(collection, "mill"))
    assert rows["about"] == "mill"
    first = rows["statements"][0]
    assert (first["when"], first["by"], first["words"], first["document"], first["date"]) == (
        "1911-03-04", "text", "4 March 1911", "dated.txt", "2023-02-22",
    )  # fmt: skip
