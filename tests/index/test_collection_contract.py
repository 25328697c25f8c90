"""What every collection promises, wherever it lies: a folder, a Milvus Lite file, a Milvus Lite server."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import index.milvus.lease
from index.collection import Collection, Filters
from index.documents import Given
from index.encoder.embedding import Encoder, EncoderIdentity
from index.errors import CollectionLocked, CollectionMismatch, CollectionMissing, UnknownDocument
from index.intake.indexing import edit_document, index_documents, index_paths, row_document
from index.opening import create_collection, exists, open_collection
from index.upkeep.checking import check
from index.upkeep.reindexing import reindex

Places = Callable[[], str | Path]
Make = Callable[..., Collection]

BRIDGE = "The bridge\n\nThe committee of the town met on Tuesday and agreed to mend the old bridge before winter."
MILL = "The mill\n\nThe miller of the valley sold his wooden mill to a baker from the city in the spring."


@pytest.fixture
def make(new_place: Places, encoder: Encoder) -> Iterator[Make]:
    """Texts by name -> a collection of them, open for writing."""
    with ExitStack() as opened:

        def made(**texts: str) -> Collection:
            collection = opened.enter_context(create_collection(new_place(), encoder.identity))
            put(collection, encoder, **texts)
            return collection

        yield made


def put(collection: Collection, encoder: Encoder, /, date: str | None = None, **texts: str) -> None:
    rows = [replace(row_document(name, f"/texts/{name}", text), date=date) for name, text in texts.items()]
    index_documents(collection, encoder, rows)


def found(collection: Collection, encoder: Encoder, question: str, filters: Filters | None = None) -> set[str]:
    """The documents of all passages that either leg finds, each hit compared with its document."""
    with collection.reading() as snapshot:
        hits = dict(snapshot.nearest(encoder.encode([question])[0], 20, filters))
        hits |= dict(snapshot.lexical(question, 20, filters))
        passages = snapshot.passages(list(hits), filters)
        for p in passages:
            assert snapshot.document(p.doc_id).text[p.start : p.end] == p.text
        return {p.doc_id for p in passages}


def all_ids(collection: Collection) -> set[int]:
    with collection.reading() as snapshot:
        return {p.passage_id for d in snapshot.documents() for p in snapshot.passages_of(d.doc_id)}


def test_a_document_is_given_back_unchanged_whatever_its_characters(make: Make, encoder: Encoder) -> None:
    wide = "Ein Stück Käse 🧀 und “quotes” \\ 'x' \t{y} [z]. " * 1500  # some 90,000 bytes: pieces cut no character
    told = replace(
        row_document('a "name" \\ with ünïcode', "/texts/a", wide, title="Käse\x00"),
        date="2022-03", publisher='"P" \\',
        url="https://example.org/ä", language="de", pages=tuple(range(0, 65_000, 3)), given=("date",), keep_all=True,
    )  # fmt: skip
    collection = make()
    index_documents(collection, encoder, [told])
    with collection.reading() as snapshot:
        assert snapshot.document(told.doc_id) == told
        (listed,) = snapshot.documents()
        assert listed == replace(told, text="")
        assert "".join(wide[p.start : p.end] for p in snapshot.paragraphs(told.doc_id)).split() == wide.split()
        assert snapshot.passages_of(told.doc_id)
        status = snapshot.status()
        assert snapshot.n_documents() == 1
    assert (status.documents, status.duplicates, status.health) == (1, 0, "ok")
    assert status.passages == len(all_ids(collection))


def test_dense_hits_equal_a_matrix_product_over_the_stored_vectors(make: Make, encoder: Encoder) -> None:
    collection = make(bridge=BRIDGE, mill=MILL)
    query = encoder.encode(["Who mends the bridge?"])[0]
    with collection.reading() as snapshot:
        ids = sorted(all_ids(collection))
        stored = snapshot.vectors(ids)
        assert (stored.astype(np.float16) == stored).all()
        expected = sorted(zip(ids, stored @ query, strict=True), key=lambda hit: (-hit[1], hit[0]))
        hits = snapshot.nearest(query, 10)
        assert [i for i, _ in hits] == [i for i, _ in expected]
        assert [s for _, s in hits] == pytest.approx([s for _, s in expected], abs=1e-5)
        assert snapshot.nearest(query, 0) == []
        assert snapshot.lexical("", 10) == []
        assert snapshot.lexical("the of and", 10) != []  # only words that join others: then they count


def test_a_changed_document_is_replaced_whole_and_ids_never_come_back(make: Make, encoder: Encoder) -> None:
    collection = make(a=BRIDGE, b=MILL)
    before = all_ids(collection)
    put(collection, encoder, a="The harbour\n\nThe harbour was dredged by a Dutch company in the autumn of that year.")
    assert found(collection, encoder, "committee bridge winter") == {"a", "b"}
    with collection.reading() as snapshot:
        assert not any("committee" in p.text for p in snapshot.passages_of("a"))
        assert [i for i, _ in snapshot.lexical("committee", 5)] == []
    collection.remove(["b"])
    put(collection, encoder, b=MILL)
    with collection.reading() as snapshot:
        new = {p.passage_id for p in snapshot.passages_of("a") + snapshot.passages_of("b")}
    assert not new & before


def test_what_is_removed_is_found_by_nothing_and_an_unknown_name_removes_nothing(make: Make, encoder: Encoder) -> None:
    collection = make(a=BRIDGE, b=MILL)
    with pytest.raises(UnknownDocument, match="no document 'c'"):
        collection.remove(["a", "c"])
    assert found(collection, encoder, "bridge mill") == {"a", "b"}
    collection.remove(["a"])
    assert found(collection, encoder, "bridge mill") == {"b"}
    with collection.reading() as snapshot, pytest.raises(UnknownDocument):
        snapshot.document("a")


def test_a_reading_keeps_its_state_while_documents_change_and_go(make: Make, encoder: Encoder) -> None:
    collection = make(a=BRIDGE, b=MILL)
    with open_collection(collection.place) as reader:
        with reader.reading() as snapshot:
            done = threading.Thread(target=_change_all, args=(collection, encoder))
            done.start()
            done.join()
            assert {d.doc_id for d in snapshot.documents()} == {"a", "b"}
            assert snapshot.n_documents() == 2
            assert snapshot.document("a").text == BRIDGE
            assert found(reader, encoder, "bridge mill") == {"a", "b"}
        assert found(reader, encoder, "bridge mill harbour") == {"a", "c"}
        with reader.reading() as snapshot:
            assert "harbour" in snapshot.document("a").text


def _change_all(collection: Collection, encoder: Encoder) -> None:
    put(collection, encoder, a="The harbour\n\nThe harbour of the town was dredged by a Dutch company that year.")
    put(collection, encoder, c="The tower\n\nThe tower of the town was painted white by a man from the coast.")
    collection.remove(["b"])


def test_one_text_under_several_names_is_stored_once_and_goes_with_the_last(make: Make, encoder: Encoder) -> None:
    collection = make()
    put(collection, encoder, late=BRIDGE, date="2023")
    ids = all_ids(collection)
    put(collection, encoder, early=BRIDGE, date="2022-05-01")
    put(collection, encoder, undated=BRIDGE)
    assert all_ids(collection) == ids
    with collection.reading() as snapshot:
        assert snapshot.copies("late") == ["early", "undated"]
        (passage,) = snapshot.passages(sorted(ids), Filters(after="2022-06"))
        assert passage.doc_id == "late"
        assert snapshot.passages(sorted(ids))[0].doc_id == "early"
        assert (snapshot.status().documents, snapshot.status().duplicates) == (3, 2)
    collection.remove(["early", "late"])
    assert found(collection, encoder, "bridge") == {"undated"}
    collection.remove(["undated"])
    assert found(collection, encoder, "bridge") == set()


def test_near_copies_are_known_both_ways_and_forgotten_with_their_text(make: Make, encoder: Encoder) -> None:
    long = " ".join(f"The committee of the {n}th town met on Tuesday and agreed to mend its bridge." for n in range(9))
    collection = make(a=long, other=MILL)
    put(collection, encoder, b=long.replace("Tuesday", "Monday", 1), c=long.replace("bridge", "road", 1))
    with collection.reading() as snapshot:
        assert snapshot.near_copies("a") == ["b", "c"]
        assert snapshot.near_copies("c") == ["a", "b"]
        assert snapshot.near_copies("other") == []
        assert snapshot.status().duplicates == 2
    collection.remove(["b"])
    with collection.reading() as snapshot:
        assert snapshot.near_copies("a") == ["c"]
        assert snapshot.status().duplicates == 1


def test_filters_hold_for_both_legs(make: Make, encoder: Encoder) -> None:
    collection = make()
    rows = [
        replace(row_document(f"d{n}", f"/d{n}", f"{BRIDGE} It was day {n}."), date=date, publisher=outlet)
        for n, (date, outlet) in enumerate([("2021-12-31", "A"), ("2022", "B"), ("2022-03-05", "A"), (None, "B")])
    ]
    index_documents(collection, encoder, rows)
    for filters, expected in (
        (Filters(after="2022"), {"d1", "d2"}),
        (Filters(after="2022-03"), {"d1", "d2"}),
        (Filters(after="2022-03-06"), {"d1"}),
        (Filters(after="2022-12-31", before="2022-12-31"), {"d1"}),
        (Filters(after="2023"), set()),
        (Filters(before="2022"), {"d0", "d1", "d2"}),
        (Filters(before="2022-03"), {"d0", "d1", "d2"}),
        (Filters(before="2021"), {"d0"}),
        (Filters(publisher="B"), {"d1", "d3"}),
        (Filters(publisher="B", after="2000"), {"d1"}),
        (Filters(documents=("d0", "d3")), {"d0", "d3"}),
        (Filters(publisher="nobody"), set()),
    ):
        assert found(collection, encoder, "bridge", filters) == expected
        if not filters.documents:
            assert {row.doc_id for row in rows if filters.fit(row.date, row.publisher)} == expected
    with collection.reading() as snapshot, pytest.raises(UnknownDocument):
        snapshot.lexical("bridge", 5, Filters(documents=("d9",)))


def test_what_a_person_says_of_a_document_stays_and_a_moved_one_keeps_its_name(make: Make, encoder: Encoder) -> None:
    collection = make(a=BRIDGE, b=MILL)
    ids = all_ids(collection)
    edit_document(collection, encoder, "a", Given(date="2022-01-01", publisher="The Post"))
    collection.move({"b": "/elsewhere/b"})
    assert all_ids(collection) == ids
    with collection.reading() as snapshot:
        a, b = snapshot.documents()
    assert (a.date, a.publisher, a.given) == ("2022-01-01", "The Post", ("date", "publisher"))
    assert (b.doc_id, b.source) == ("b", "/elsewhere/b")
    edit_document(collection, encoder, "a", Given(title="Carpentry"))
    assert found(collection, encoder, "carpentry", Filters(documents=("a",))) == {"a"}
    with collection.reading() as snapshot:
        assert snapshot.document("a").date == "2022-01-01"


def test_a_second_writer_is_told_who_writes_and_a_reader_may_read(
    make: Make, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.folder.locking._SECONDS", 0.1)
    monkeypatch.setattr(index.milvus.lease, "_PATIENCE", 0.1)
    collection = make(a=BRIDGE)
    with pytest.raises(CollectionLocked, match="being written by process"):
        open_collection(collection.place, write=True)
    with open_collection(collection.place) as reader:
        assert not reader.writable
        assert found(reader, encoder, "bridge") == {"a"}
    collection.close()
    with open_collection(collection.place, write=True) as writer:
        assert writer.writable


def test_an_absent_collection_and_another_encoder_are_told(new_place: Places, make: Make) -> None:
    place = new_place()
    assert not exists(place)
    with pytest.raises(CollectionMissing, match="make one with: pilcrow index PATH --collection"):
        open_collection(place)
    collection = make(a=BRIDGE)
    assert exists(collection.place)
    other = EncoderIdentity("another", "0" * 64, 8, 64, "mean")
    with collection.reading() as snapshot, pytest.raises(CollectionMismatch, match="pilcrow reindex --collection"):
        snapshot.require(other)


def test_files_are_indexed_and_unchanged_ones_skipped(make: Make, encoder: Encoder, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.txt").write_text(BRIDGE)
    (texts / "b.txt").write_text(MILL)
    collection = make()
    assert index_paths(collection, encoder, [texts]).added == 2
    (texts / "a.txt").write_text(BRIDGE.replace("winter", "summer"))
    (texts / "b.txt").unlink()
    again = index_paths(collection, encoder, [texts], prune=True)
    assert (again.updated, again.unchanged, again.removed) == (1, 0, 1)
    assert found(collection, encoder, "bridge summer") == {"a.txt"}


def test_a_whole_collection_is_found_whole_and_compacting_changes_nothing(
    make: Make, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.milvus.collection.PATIENCE", 0.0)
    collection = make(a=BRIDGE, b=MILL)
    put(collection, encoder, a=BRIDGE.replace("winter", "summer"))
    query = encoder.encode(["Who mends the bridge?"])[0]
    with collection.reading() as snapshot:
        before = snapshot.nearest(query, 5)
    assert collection.compact()
    assert check(collection, lambda: encoder) == []
    with collection.reading() as snapshot:
        assert snapshot.nearest(query, 5) == before


def test_another_encoder_takes_the_place_of_the_first(make: Make, encoder: Encoder) -> None:
    collection = make(a=BRIDGE, b=MILL)
    before = all_ids(collection)
    other = Halves(encoder)
    done = reindex(collection, other)
    assert (done.embedded, done.passages) == (2, len(before))
    assert collection.encoder == other.identity
    assert not all_ids(collection) & before
    with collection.reading() as snapshot:
        assert snapshot.vectors(sorted(all_ids(collection))).shape == (len(before), 192)
        (first, *_) = snapshot.nearest(other.encode(["Who mends the bridge?"])[0], 5)
        assert snapshot.passages([first[0]])[0].doc_id == "a"
        assert snapshot.lexical("bridge", 5)
    assert check(collection, lambda: other) == []


class Halves:
    """An encoder of half the dimensions: the first 192 of another's, at unit norm, on float16's grid."""

    def __init__(self, inside: Encoder) -> None:
        self._inside = inside
        self.max_length = inside.max_length
        self.identity = replace(inside.identity, name="halves", weights="1" * 64, dimension=192)
        self.count_pieces = inside.count_pieces

    def encode(self, texts: list[str]) -> np.ndarray:
        half = self._inside.encode(texts)[:, :192]
        unit = half / np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9)
        return unit.astype(np.float16).astype(np.float32)

    encode_passages = encode
