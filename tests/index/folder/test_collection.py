"""The collection on disk: what is stored is what was read, what is removed is gone, and damage is told."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.collection import Collection, Filters
from index.encoder.embedding import Encoder, EncoderIdentity
from index.errors import (
    CollectionDamaged,
    CollectionError,
    CollectionLocked,
    CollectionMismatch,
    CollectionMissing,
    NothingToDo,
    UnknownDocument,
)
from index.folder import vectors as dense
from index.folder.connections import Connections
from index.folder.lexical import LexicalEntry, LexicalIndex
from index.folder.rows import vectors_after
from index.intake.indexing import index_documents, index_paths, row_document
from index.opening import create_collection, open_collection
from index.passages import Window
from index.prepared import Prepared

BRIDGE = "The bridge\n\nThe committee of the town met on Tuesday and agreed to mend the old bridge before winter."
MILL = "The mill\n\nThe miller of the valley sold his wooden mill to a baker from the city in the spring."
MakeCollection = Callable[..., Collection]


def all_vectors(collection: Collection) -> tuple[dense.Ids, np.ndarray]:
    with collection.reading() as snapshot:
        return vectors_after(snapshot.connection, -1, snapshot.encoder.dimension)


def found(collection: Collection, encoder: Encoder, query: str) -> tuple[list[str], list[str]]:
    """Document names by the dense and by the lexical leg, best first."""
    with collection.reading() as snapshot:
        near = snapshot.passages([i for i, _ in snapshot.nearest(encoder.encode([query])[0], 5)])
        lexical = snapshot.passages([i for i, _ in snapshot.lexical(query, 5)])
    return [p.doc_id for p in near], [p.doc_id for p in lexical]


@settings(deadline=None, max_examples=40)
@given(text=st.text(min_size=1), title=st.none() | st.text())
def test_a_document_survives_storing_unchanged(
    tmp_path_factory: pytest.TempPathFactory, text: str, title: str | None
) -> None:
    identity = EncoderIdentity("tiny", "0", 4, 16, "mean")
    document = row_document("d", "s", text, title=title)
    with create_collection(tmp_path_factory.mktemp("any"), identity) as collection:
        collection.replace([Prepared(document, [], [], np.zeros((0, 4), np.float32))])
        with collection.reading() as snapshot:
            assert snapshot.document("d") == document


def test_dense_hits_equal_a_matrix_product_over_the_stored_vectors(sample: Collection, encoder: Encoder) -> None:
    ids, vectors = all_vectors(sample)
    for question in ("Who kept count of the arrests?", "bridge", "What is the union state?"):
        query = encoder.encode([question])[0]
        expected = sorted(zip((-(vectors @ query)).tolist(), ids.tolist(), strict=True))[:10]
        with sample.reading() as snapshot:
            hits = snapshot.nearest(query, 10)
        assert [i for i, _ in hits] == [i for _, i in expected]
        np.testing.assert_allclose([s for _, s in hits], [-s for s, _ in expected], atol=1e-6)


def test_a_reopened_collection_gives_the_hits_of_the_one_saved(sample: Collection, encoder: Encoder) -> None:
    question = "How many people were detained?"
    with open_collection(sample.folder) as reopened:
        assert found(reopened, encoder, question) == found(sample, encoder, question)
        ids, vectors = all_vectors(reopened)
    assert (all_vectors(sample)[0] == ids).all()
    np.testing.assert_array_equal(vectors, all_vectors(sample)[1])


def test_passages_and_paragraphs_resolve_to_the_characters_of_their_document(sample: Collection) -> None:
    with sample.reading() as snapshot:
        for listed in snapshot.documents():
            document = snapshot.document(listed.doc_id)
            assert [p.number for p in snapshot.paragraphs(listed.doc_id)] == list(
                range(1, len(snapshot.paragraphs(listed.doc_id)) + 1)
            )
            for passage in snapshot.passages_of(listed.doc_id):
                assert document.text[passage.start : passage.end] == passage.text


def test_an_unchanged_file_is_skipped_and_a_changed_one_replaced_whole(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE, mill=MILL)
    files = tmp_path / "collection-files"
    again = index_paths(collection, encoder, [files])
    assert (again.added, again.updated, again.unchanged) == (0, 0, 2)
    before = set(all_vectors(collection)[0].tolist())
    (files / "mill.txt").write_text(MILL.replace("baker", "lighthouse keeper"))
    changed = index_paths(collection, encoder, [files])
    assert (changed.added, changed.updated, changed.unchanged) == (0, 1, 1)
    assert found(collection, encoder, "lighthouse keeper")[1] == ["mill.txt"]
    assert found(collection, encoder, "baker")[1] == []
    after = set(all_vectors(collection)[0].tolist())
    assert len(before & after) == 1
    assert max(after) > max(before)


def test_a_removed_document_is_found_by_nothing_and_its_ids_never_come_back(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE, mill=MILL)
    old = set(all_vectors(collection)[0].tolist())
    collection.remove(["mill.txt"])
    assert found(collection, encoder, "mill baker") == (["bridge.txt"], [])
    index_paths(collection, encoder, [tmp_path / "collection-files"])
    assert found(collection, encoder, "mill baker")[1] == ["mill.txt"]
    assert min(set(all_vectors(collection)[0].tolist()) - old) > max(old)
    with pytest.raises(UnknownDocument, match=r"nobody\.txt.*pilcrow list"):
        collection.remove(["nobody.txt", "mill.txt"])
    assert found(collection, encoder, "mill baker")[1] == ["mill.txt"]


def test_a_reader_sees_what_is_written_meanwhile_but_not_inside_its_own_snapshot(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    writer = make_collection(bridge=BRIDGE)
    with open_collection(writer.folder) as reader:
        assert found(reader, encoder, "mill")[1] == []
        with reader.reading() as snapshot:
            first = snapshot.status().documents
            index_documents(writer, encoder, [row_document("mill", "s#1", MILL)])
            assert snapshot.status().documents == first == 1
            assert snapshot.lexical("miller", 5) == []
        assert found(reader, encoder, "miller")[1] == ["mill"]
        assert found(reader, encoder, "miller")[0][0] == "mill"


def test_a_second_writer_is_told_who_writes(make_collection: MakeCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = make_collection(bridge=BRIDGE)
    monkeypatch.setattr("index.folder.locking._SECONDS", 0.05)
    with pytest.raises(CollectionLocked, match=r"process \d+"):
        open_collection(writer.folder, write=True)
    writer.close()
    open_collection(writer.folder, write=True).close()


def damage_base(folder: Path) -> None:
    (base,) = folder.glob("vectors-*.faiss")
    base.write_bytes(base.read_bytes()[:-100])


def damage_lexical(folder: Path) -> None:
    (folder / "lexical" / "meta.json").write_text("{")


@pytest.mark.parametrize(
    "damage",
    [
        damage_base,
        damage_lexical,
        lambda folder: shutil.rmtree(folder / "lexical"),
        lambda folder: next(folder.glob("vectors-*.faiss")).unlink(),
    ],
)
def test_a_reader_answers_from_the_truth_when_a_derived_index_is_damaged_and_says_so(
    make_collection: MakeCollection, encoder: Encoder, damage: Callable[[Path], None]
) -> None:
    writer = make_collection(bridge=BRIDGE, mill=MILL)
    expected = found(writer, encoder, "the miller and his mill")
    writer.close()
    damage(writer.folder)
    with open_collection(writer.folder) as reader:
        assert found(reader, encoder, "the miller and his mill") == expected
        with reader.reading() as snapshot:
            assert snapshot.status().health != "ok"


def test_a_damaged_truth_is_one_clear_line(make_collection: MakeCollection) -> None:
    collection = make_collection(bridge=BRIDGE)
    collection.close()
    (collection.folder / "corpus.sqlite").write_bytes(b"not a database" * 500)
    with pytest.raises(CollectionDamaged, match="backup"):
        open_collection(collection.folder)


def test_another_format_or_encoder_is_refused_with_the_remedy(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE)
    collection.close()
    other = EncoderIdentity("bge-base", "other", 768, 512, "cls")
    with (
        create_collection(tmp_path / "other", other) as another,
        pytest.raises(
            CollectionMismatch, match=r"'bge-base' \(768 dimensions\); 'all-MiniLM-L6-v2' gives 384.*pilcrow reindex"
        ),
    ):
        index_paths(another, encoder, [tmp_path / "collection-files"])
    with closing(sqlite3.connect(collection.folder / "corpus.sqlite")) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
        connection.commit()
    with pytest.raises(CollectionMismatch, match="99"):
        open_collection(collection.folder)
    with pytest.raises(CollectionMissing, match="pilcrow index"):
        open_collection(tmp_path / "nowhere")


def test_a_new_base_is_made_when_the_tail_has_grown_and_hits_stay_the_same(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE)
    (first,) = collection.folder.glob("vectors-*.faiss")
    collection.replace(
        [Prepared(row_document(f"d{n}", f"s#{n}", "x"), [], [], np.zeros((0, 384), np.float32)) for n in range(3)]
    )
    collection.refresh_base()
    assert list(collection.folder.glob("vectors-*.faiss")) == [first]
    index_documents(collection, encoder, [row_document("mill", "s#9", MILL)])
    (second,) = collection.folder.glob("vectors-*.faiss")
    assert second != first
    assert found(collection, encoder, "miller")[0][0] == "mill"


@pytest.fixture
def dated(make_collection: MakeCollection) -> Collection:
    texts = {
        name: f"Title: {name}\nDate: {date}\nPublisher: {outlet}\n\nThe bridge of {name} was mended by the town."
        for name, date, outlet in (
            ("old", "2019-05-01", "Post"),
            ("mid", "2021", "Post"),
            ("new", "2022-03-04", "Wire"),
        )
    }
    return make_collection("dated", none=BRIDGE, **texts)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(after="2020"), {"mid.txt", "new.txt"}),
        (Filters(before="2021"), {"old.txt", "mid.txt"}),
        (Filters(after="2022-03-04", before="2022-03-04"), {"new.txt"}),
        (Filters(publisher="Post", after="2020-01-01"), {"mid.txt"}),
        (Filters(documents=("none.txt", "old.txt")), {"none.txt", "old.txt"}),
        (Filters(publisher="Nobody"), set()),
        (Filters(), {"old.txt", "mid.txt", "new.txt", "none.txt"}),
    ],
)
def test_filters_hold_before_both_legs_search(
    dated: Collection, encoder: Encoder, filters: Filters, expected: set[str]
) -> None:
    with dated.reading() as snapshot:
        near = snapshot.passages([i for i, _ in snapshot.nearest(encoder.encode(["bridge"])[0], 9, filters)])
        lexical = snapshot.passages([i for i, _ in snapshot.lexical("bridge", 9, filters)])
    assert {p.doc_id for p in near} == {p.doc_id for p in lexical} == expected


def test_names_are_the_paths_below_the_folder_and_collisions_are_told_apart(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection()
    for folder in ("one/x", "two/x", "deep/two/x"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.txt").write_text(BRIDGE + folder)
    for folder in ("one", "two", "deep/two"):
        index_paths(collection, encoder, [tmp_path / folder])
    with collection.reading() as snapshot:
        assert [d.doc_id for d in snapshot.documents()] == ["two/x/a.txt", "two/x/a.txt~2", "x/a.txt"]


def test_hidden_unsupported_and_unreadable_files_are_passed_over_and_told(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    files = tmp_path / "files"
    (files / ".git").mkdir(parents=True)
    for name, text in {"a.txt": BRIDGE, "b.tar": "x", ".git/c.txt": "x", ".hidden.txt": "x", "empty.txt": ""}.items():
        (files / name).write_text(text)
    shutil.copytree(make_collection("inner").folder, files / "store")
    collection = make_collection()
    (files / "link").symlink_to(files)
    summary = index_paths(collection, encoder, [files, files / "a.txt"])
    assert (summary.added, [(Path(p).name, r) for p, r in summary.unreadable]) == (1, [("empty.txt", "no text in it")])
    assert summary.ignored["hidden"] == 2
    assert summary.ignored["a link to a folder, or to nothing"] == 1
    with pytest.raises(NothingToDo, match="supported"):
        index_paths(collection, encoder, [files / "b.tar"])
    with pytest.raises(NothingToDo, match="URL"):
        index_paths(collection, encoder, [Path("https://example.org/a.html")])


def test_a_folder_that_cannot_be_entered_and_a_path_too_long_are_told_and_the_rest_is_read(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "files"
    for folder in ("closed", "open"):
        (files / folder).mkdir(parents=True)
        (files / folder / "a.txt").write_text(BRIDGE + folder)
    deep = files / "zzz"
    monkeypatch.chdir(files)
    while len(str(deep)) < 4400:  # longer than the system takes in one piece
        Path(deep.name).mkdir()
        monkeypatch.chdir(deep.name)
        deep /= "z" * 250
    real = Path.stat

    def denied(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.parent.name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", denied)
    summary = index_paths(make_collection(), encoder, [files])
    assert summary.added == 1
    assert [reason for _, reason in summary.unreadable] == ["Permission denied", "File name too long"]


def test_prune_drops_only_what_is_gone_below_the_paths_of_the_call(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in ("a.txt", "b.txt"):
            (tmp_path / folder / name).write_text(f"{BRIDGE} {folder} {name}")
    collection = make_collection()
    index_paths(collection, encoder, [tmp_path / "one", tmp_path / "two"])
    for folder in ("one", "two"):
        (tmp_path / folder / "a.txt").unlink()
    assert index_paths(collection, encoder, [tmp_path / "one"]).removed == 0
    assert index_paths(collection, encoder, [tmp_path / "one"], prune=True).removed == 1
    with collection.reading() as snapshot:
        assert len(snapshot.documents()) == 3


def test_a_lexical_index_that_holds_less_than_the_truth_is_made_again_by_the_writer(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    writer = make_collection(bridge=BRIDGE, mill=MILL)
    writer.close()
    shutil.rmtree(writer.folder / "lexical")
    LexicalIndex(writer.folder / "lexical")  # what a process that was killed while making it again would leave
    with open_collection(writer.folder) as reader:
        assert found(reader, encoder, "miller")[1] == ["mill.txt"]
    with open_collection(writer.folder, write=True) as again:
        assert found(again, encoder, "miller")[1] == ["mill.txt"]
    with open_collection(writer.folder) as reader:
        assert found(reader, encoder, "miller")[1] == ["mill.txt"]
        assert reader.notices == []


def test_entries_that_the_truth_has_no_longer_do_not_crowd_out_those_it_has(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE, mill=MILL)
    stale = [LexicalEntry(10_000 + n, 99, "miller miller miller") for n in range(200)]
    collection._derived.words.for_writing().replace(stale)
    assert found(collection, encoder, "miller")[1] == ["mill.txt"]


def test_a_lost_vector_index_is_made_again_by_the_next_index_run(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    writer = make_collection(bridge=BRIDGE)
    writer.close()
    next(writer.folder.glob("vectors-*.faiss")).unlink()
    with open_collection(writer.folder, write=True) as again:
        index_paths(again, encoder, [tmp_path / "collection-files"])
    assert list(writer.folder.glob("vectors-*.faiss"))


def test_a_lexical_index_that_is_gone_when_a_writer_closes_is_made_again_by_the_next(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    writer = make_collection(bridge=BRIDGE)
    shutil.rmtree(writer.folder / "lexical")
    writer.close()
    with open_collection(writer.folder, write=True) as another:
        assert another.mended == ["lexical index"]
        assert found(another, encoder, "bridge")[1] == ["bridge.txt"]


def test_a_new_base_under_a_readers_feet_gives_no_passage_twice(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    writer = make_collection(bridge=BRIDGE)
    query = encoder.encode(["mill"])[0]
    mill = row_document("mill", "s#1", MILL)
    vectors = encoder.encode([MILL])
    with open_collection(writer.folder) as reader:
        writer.replace([Prepared(mill, [], [Window(0, len(MILL), None)], vectors)])
        for _ in range(2):
            with reader.reading() as snapshot:
                ids = [i for i, _ in snapshot.nearest(query, 20)]
            assert len(ids) == len(set(ids)) == 2
            writer.refresh_base()


def test_a_full_disk_is_one_clear_line_and_loses_nothing(make_collection: MakeCollection, encoder: Encoder) -> None:
    collection = make_collection(bridge=BRIDGE)
    pages = collection._writer.execute("PRAGMA page_count").fetchone()[0]
    collection._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(CollectionError, match=r"full.*nothing that was stored before is lost"):
        index_documents(collection, encoder, [row_document("big", "s#1", f"{MILL} " * 300)])
    assert found(collection, encoder, "bridge")[1] == ["bridge.txt"]
    collection._writer.execute("PRAGMA max_page_count = 1000000")
    index_documents(collection, encoder, [row_document("mill", "s#1", MILL)])
    assert found(collection, encoder, "miller")[1] == ["mill"]


def test_a_reading_that_ends_while_the_collection_closes_leaves_no_connection_open(sample: Collection) -> None:
    connections = Connections(sample.folder)

    class ClosedMeanwhile(list[Any]):
        def append(self, one: object) -> None:
            connections.close()
            super().append(one)

    connections._idle = ClosedMeanwhile()
    with connections.one() as connection:
        assert connection.execute("SELECT count(*) FROM documents").fetchone() != (0,)
    assert connections._idle == []
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_threads_ask_one_collection_at_a_time_and_all_get_an_answer(sample: Collection, encoder: Encoder) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: found(sample, encoder, "union state"), range(16)))
    assert all(answer == answers[0] for answer in answers)


def test_keep_all_is_a_setting_that_counts_as_a_change(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(page=f"Menu\n\n{BRIDGE}\n\nSign up now")
    files = [tmp_path / "collection-files"]
    assert index_paths(collection, encoder, files, keep_all=True).updated == 1
    assert index_paths(collection, encoder, files, keep_all=True).unchanged == 1
    with collection.reading() as snapshot:
        assert snapshot.status().furniture == 0


def test_a_file_reached_by_several_ways_is_one_document(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE)
    (tmp_path / "way").symlink_to(tmp_path / "collection-files")
    (tmp_path / "way" / "loop.txt").symlink_to(tmp_path / "way" / "loop.txt")
    for way in (tmp_path / "way", tmp_path / "collection-files" / ".." / "collection-files"):
        assert index_paths(collection, encoder, [way]).unchanged == 1


def test_a_collection_in_a_folder_that_nobody_may_write_to_is_read_without_complaint(
    make_collection: MakeCollection, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = make_collection(bridge=BRIDGE, mill=MILL)
    writer.close()
    # What a read-only folder says, also to root: access is what our code asks, and tantivy is kept from locking there.
    monkeypatch.setattr(os, "access", lambda path, _mode: not str(path).startswith(str(writer.folder)))
    with open_collection(writer.folder) as reader:
        assert found(reader, encoder, "miller")[1] == ["mill.txt"]
        assert reader.notices == []
        assert not list(writer.folder.glob("corpus.sqlite-*"))
