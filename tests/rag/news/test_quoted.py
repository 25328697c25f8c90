"""Who is quoted in a collection, over real files, a real SQLite file and the bundled encoder."""

import os
import sqlite3
from pathlib import Path

import pytest

import pilcrow
from index.collection import Filters
from index.news import kept
from index.news.kept import FILE
from rag.news.quoted import near_names, quoted_speakers, quotes_of
from rag.opened import OpenCollection

FERRY = "The ferry\n\n“The ferry will sail on Monday,” said Maren Holt, the harbour master of Tarvik. The fog lifts."
DOCUMENTS = {
    "a.txt": FERRY,
    "b.txt": "More of the ferry\n\nHolt said the ferry would need a new engine by the autumn.\n\n"
    "“It is not the engine,” Ole Brandt told the paper.",
    "c.txt": "A sister\n\nIda Brandt, a baker, announced that her shop would close in May.",
    "copy.txt": FERRY,
}


@pytest.fixture
def collection(tmp_path: Path) -> OpenCollection:
    files = tmp_path / "files"
    files.mkdir()
    for name, text in DOCUMENTS.items():
        (files / name).write_text(text)
    opened = pilcrow.open_collection(tmp_path / "collection")
    pilcrow.index(opened, [files], date="2023-02-22", publisher="Tarvik Gazette")
    return opened


def test_a_name_a_surname_and_a_post_find_the_quotations_each_cited_to_the_character(
    collection: OpenCollection,
) -> None:
    for asked in ("Maren Holt", "holt", "HOLT", "maren hölt"):
        quotes = quotes_of(collection.stored, asked)
        found = [(q.speaker, q.citation.doc_id, q.direct) for q in quotes]
        assert found == [("Maren Holt", "a.txt", True), ("Holt", "b.txt", False)]
        for q in quotes:
            text = DOCUMENTS[q.citation.doc_id]
            assert text[q.citation.start : q.citation.end] == q.citation.quote
            assert text[q.named_start : q.named_end] == q.naming
    assert [q.speaker for q in quotes_of(collection.stored, "harbour master")] == ["Maren Holt"]


def test_a_copy_is_told_and_not_counted_twice(collection: OpenCollection) -> None:
    first = quotes_of(collection.stored, "Maren Holt")[0]
    assert first.citation.also_in == ("copy.txt",)
    assert next(s.quotes for s in quoted_speakers(collection.stored) if s.speaker == "Maren Holt") == 2


def test_a_surname_alone_goes_to_nobody_where_two_bear_it(collection: OpenCollection) -> None:
    assert [q.speaker for q in quotes_of(collection.stored, "Ida Brandt")] == ["Ida Brandt"]
    assert [q.speaker for q in quotes_of(collection.stored, "Brandt")] == ["Ole Brandt", "Ida Brandt"]


def test_limits_look_at_the_documents(collection: OpenCollection) -> None:
    only = Filters(documents=("b.txt",))
    assert {q.citation.doc_id for q in quotes_of(collection.stored, "Holt", filters=only)} == {"b.txt"}
    assert quotes_of(collection.stored, "Holt", filters=Filters(after="2024")) == []
    through_its_copy = Filters(documents=("copy.txt",))
    assert [q.citation.doc_id for q in quotes_of(collection.stored, "Holt", filters=through_its_copy)] == ["copy.txt"]


def test_a_name_that_is_written_otherwise_is_suggested(collection: OpenCollection) -> None:
    assert quotes_of(collection.stored, "Maren Hollt") == []
    assert near_names(collection.stored, "Maren Hollt") == ["Maren Holt"]
    assert quotes_of(collection.stored, "???") == []


def test_indexing_reads_who_speaks_and_removing_forgets_it_every_byte(collection: OpenCollection) -> None:
    file = collection.folder / FILE
    assert b"Ida Brandt" in _bytes(file)
    assert pilcrow.main(["remove", "c.txt", "--collection", str(collection.folder)]) == 0
    assert b"Ida Brandt" not in _bytes(file)
    assert quotes_of(collection.stored, "Ida Brandt") == []


def _bytes(file: Path) -> bytes:
    return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


def test_a_collection_that_was_made_before_is_read_when_it_is_first_asked(collection: OpenCollection) -> None:
    before = quotes_of(collection.stored, "Holt")
    for path in collection.folder.glob(f"{FILE}*"):
        path.unlink()
    assert quotes_of(collection.stored, "Holt") == before
    assert (collection.folder / FILE).is_file()


def test_other_rules_make_it_anew(collection: OpenCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(collection.folder / FILE) as connection:
        connection.execute("UPDATE quotations SET speaker = 'Nobody At All'")
    assert quotes_of(collection.stored, "Nobody At All") != []
    monkeypatch.setattr(kept, "_rules", lambda: "others")
    assert quotes_of(collection.stored, "Nobody At All") == []
    assert len(quotes_of(collection.stored, "Holt")) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_where_nobody_may_write_it_is_read_into_memory(collection: OpenCollection) -> None:
    before = quotes_of(collection.stored, "Holt")
    for path in collection.folder.glob(f"{FILE}*"):
        path.unlink()
    collection.folder.chmod(0o555)
    try:
        assert quotes_of(collection.stored, "Holt") == before
        assert not (collection.folder / FILE).exists()
    finally:
        collection.folder.chmod(0o755)


def test_a_file_that_is_damaged_is_told_in_one_line(collection: OpenCollection) -> None:
    from index.errors import CollectionDamaged

    for path in collection.folder.glob(f"{FILE}-*"):
        path.unlink()
    (collection.folder / FILE).write_bytes(b"no database " * 400)
    with pytest.raises(CollectionDamaged, match="delete it and try again: the collection is as it was"):
        quotes_of(collection.stored, "Holt")
