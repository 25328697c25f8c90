"""People's judgements: kept, taken back, averaged, and a test collection that the evaluation itself can read."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.gold.datasets import read_beir
from eval.gold.trec import read_qrels
from index.collection import Collection
from index.errors import CollectionDamaged, CollectionError, NothingToDo
from rag.judgements import Judgement, judgements, qrels, record, trec_qrels, write_beir


def given(judge: str, grade: int | None, doc_id: str, start: int = 0, *, question: str = "Who?") -> Judgement:
    return Judgement("2024-05-01T10:00:00Z", judge, grade, question, doc_id=doc_id, start=start, end=9, quote="A sign.")


def test_the_last_judgement_of_each_person_counts_and_can_be_taken_back(tmp_path: Path) -> None:
    assert judgements(tmp_path) == []
    first, other, second = given("ann", 0, "a.txt"), given("bob", 2, "a.txt"), given("ann", 1, "a.txt")
    for judgement in (first, other, second):
        record(tmp_path, judgement)
    assert judgements(tmp_path) == [other, second]
    record(tmp_path, given("ann", None, "a.txt"))
    assert judgements(tmp_path) == [other]


def test_a_file_that_is_no_database_or_may_not_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "judgements.sqlite").write_bytes(b"not a database" * 500)
    with pytest.raises(CollectionDamaged, match=r"judgements\.sqlite' cannot be read.*move it away"):
        judgements(tmp_path)
    with pytest.raises(CollectionError, match="cannot be used now"):
        record(tmp_path / "nowhere", given("ann", 2, "a.txt"))


def test_judgements_in_a_folder_that_nobody_may_write_to_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judgement = given("ann", 2, "a.txt")
    record(tmp_path, judgement)
    # What a read-only folder says, also to root: access is what our code asks, and no file can be made beside it.
    monkeypatch.setattr(os, "access", lambda path, _mode: not str(path).startswith(str(tmp_path)))
    (tmp_path / "judgements.sqlite-wal").symlink_to(tmp_path / "nowhere" / "wal")
    assert judgements(tmp_path) == [judgement]


def test_reading_judgements_begins_no_file_of_them(tmp_path: Path) -> None:
    (tmp_path / "judgements.sqlite").touch()  # as an interrupted first judgement leaves it
    assert judgements(tmp_path) == []
    assert (tmp_path / "judgements.sqlite").stat().st_size == 0


def test_a_documents_grade_is_that_of_its_best_passage_and_a_passages_the_mean_halves_down() -> None:
    rows = [given("ann", 2, "a.txt"), given("bob", 1, "a.txt"), given("ann", 0, "a.txt", 50), given("ann", 0, "b.txt")]
    assert qrels(rows) == {"Who?": {"a.txt": 1, "b.txt": 0}}
    assert qrels([*rows, given("eve", 2, "a.txt")]) == {"Who?": {"a.txt": 2, "b.txt": 0}}
    answer = Judgement("2024-05-01T10:00:00Z", "ann", 2, "Who?", answer="Nobody.", generator="extractive")
    assert qrels([answer]) == {}


def test_what_is_written_is_read_again_by_the_evaluation(
    make_collection: Callable[..., Collection], tmp_path: Path
) -> None:
    collection = make_collection(one="The bridge was mended by Ann.", two="The mill was mended by Bob.")
    rows = [given("ann", 2, "one.txt"), given("ann", 0, "two.txt"), given("ann", 1, "two.txt", question="When?\tNow?")]
    (tmp_path / "q").write_text(trec_qrels([*rows, given("ann", 2, "a b%c.txt")]))
    assert read_qrels(tmp_path / "q") == {
        "q1": {"one.txt": 2, "two.txt": 0, "a%20b%25c.txt": 2},
        "q2": {"two.txt": 1},
    }
    with collection.reading() as snapshot:
        assert write_beir(tmp_path / "beir", rows, snapshot) == 2
        with pytest.raises(NothingToDo, match="holds something"):
            write_beir(tmp_path / "beir", rows, snapshot)
        with pytest.raises(NothingToDo, match="no passage was judged"):
            write_beir(tmp_path / "other", [], snapshot)
        texts = {doc_id: snapshot.document(doc_id).text for doc_id in ("one.txt", "two.txt")}
    dataset = read_beir(tmp_path / "beir")
    assert dataset.queries == {"q1": "Who?", "q2": "When?\tNow?"}
    assert dataset.qrels == {"q1": {"one.txt": 2, "two.txt": 0}, "q2": {"two.txt": 1}}
    assert {document.doc_id: document.text for document in dataset.documents()} == texts


def test_a_collection_that_is_being_written_does_not_keep_anybody_from_judging(
    make_collection: Callable[..., Collection],
) -> None:
    collection = make_collection(one="The bridge was mended by Ann.")
    with collection.reading():
        people = [
            threading.Thread(target=record, args=(collection.folder, given(f"judge {n}", 2, "one.txt")))
            for n in range(8)
        ]
        for person in people:
            person.start()
        for person in people:
            person.join(10)
    assert sorted(j.judge for j in judgements(collection.folder)) == [f"judge {n}" for n in range(8)]
