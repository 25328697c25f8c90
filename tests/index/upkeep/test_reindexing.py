"""Another encoder for a collection: the same documents, its vectors, and no moment in which a question goes wrong."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import pilcrow
from index.collection import Collection
from index.encoder.embedding import Encoder, Vectors, open_encoder
from index.errors import CollectionDamaged, CollectionMismatch, NothingToDo
from index.folder.rows import vectors_after
from index.folder.truth import REINDEXING
from index.intake.indexing import index_paths
from index.opening import create_collection, open_collection
from index.passages import encoder_input
from index.upkeep.checking import check
from index.upkeep.reindexing import reindex
from rag.retrieval import retrieve

BRIDGE = "The bridge\n\nThe committee of the town met on Tuesday and agreed to mend the old bridge before winter."
MILL = "The mill\n\nThe miller of the valley sold his wooden mill to a baker from the city in the spring."
MakeCollection = Callable[..., Collection]


@pytest.fixture
def other(other_folder: Path) -> Encoder:
    return open_encoder(str(other_folder))


class Interrupted:
    """An encoder that is interrupted after so many texts."""

    def __init__(self, real: Encoder, texts: int) -> None:
        self.identity, self.max_length, self.count_pieces = real.identity, real.max_length, real.count_pieces
        self._real, self._left = real, texts

    def encode_passages(self, texts: list[str]) -> Vectors:
        self._left -= len(texts)
        if self._left < 0:
            raise KeyboardInterrupt
        return self._real.encode_passages(texts)


def expected_vectors(collection: Collection, encoder: Encoder) -> Vectors:
    """What the encoder makes of each stored passage, in the order of their ids."""
    with collection.reading() as snapshot:
        ids = vectors_after(snapshot.connection, -1, snapshot.encoder.dimension)[0].tolist()
        passages = snapshot.passages(ids)
        titles = {p.doc_id: snapshot.document(p.doc_id).title for p in passages}
    return encoder.encode_passages([encoder_input(titles[p.doc_id], None, p.text) for p in passages])


def test_the_collection_is_that_of_the_other_encoder_from_the_stored_text_alone(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder, other: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE, mill=MILL, copy=MILL)
    for path in (tmp_path / "collection-files").iterdir():
        path.unlink()  # the files are not needed
    done = reindex(collection, other)
    assert (done.embedded, done.kept) == (2, 0)
    assert collection.encoder == other.identity
    with collection.reading() as snapshot:
        _, stored = vectors_after(snapshot.connection, -1, 32)
        query = other.encode(["the miller"])[0]
        hits = snapshot.nearest(query, 9)
        np.testing.assert_allclose([s for _, s in hits], sorted(stored @ query, reverse=True), atol=1e-6)
        assert {p.doc_id for p in snapshot.passages([i for i, _ in snapshot.lexical("miller", 9)])} <= {"copy.txt"}
        for name in ("bridge.txt", "mill.txt"):
            text = snapshot.document(name).text
            assert all(text[p.start : p.end] == p.text for p in snapshot.passages_of(name))
    np.testing.assert_allclose(stored, expected_vectors(collection, other), atol=2e-3)
    assert check(collection, lambda: other) == []
    with pytest.raises(CollectionMismatch, match=r"384"), collection.reading() as snapshot:
        retrieve(snapshot, encoder, "miller")
    with pytest.raises(NothingToDo, match="already"):
        reindex(collection, other)


def test_questions_are_answered_from_the_old_vectors_until_the_new_ones_are_all_there(
    make_collection: MakeCollection, encoder: Encoder, other: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE, mill=MILL)
    asked: list[list[str]] = []

    class Watched(Interrupted):
        def encode_passages(self, texts: list[str]) -> Vectors:
            with open_collection(collection.folder) as reader, reader.reading() as snapshot:
                hits = retrieve(snapshot, encoder, "Who sold the mill?", 1)
                asked.append([hit.passage.doc_id for hit in hits])
            return super().encode_passages(texts)

    with open_collection(collection.folder) as reader:
        inside, done = threading.Event(), threading.Event()

        def hold() -> None:
            with reader.reading() as snapshot:
                inside.set()
                done.wait(30)
                asked.append([h.passage.doc_id for h in retrieve(snapshot, encoder, "Who sold the mill?", 1)])

        thread = threading.Thread(target=hold)
        thread.start()
        inside.wait(30)
        reindex(collection, Watched(other, 99))  # type: ignore[arg-type]
        done.set()
        thread.join()
        with reader.reading() as snapshot:
            assert len(retrieve(snapshot, other, "Who sold the mill?", 5)) == 2
    assert asked
    assert asked == [["mill.txt"]] * len(asked)


def test_an_interrupted_run_leaves_the_old_vectors_and_the_next_one_goes_on(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder, other: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.upkeep.reindexing._BATCH_PASSAGES", 1)
    collection = make_collection(bridge=BRIDGE, mill=MILL, third=BRIDGE.replace("bridge", "tower"))
    before = collection.encoder
    with pytest.raises(KeyboardInterrupt):
        reindex(collection, Interrupted(other, 2))  # type: ignore[arg-type]
    assert collection.encoder == before
    with collection.reading() as snapshot:
        assert retrieve(snapshot, encoder, "Who sold the mill?", 1)[0].passage.doc_id == "mill.txt"
    (tmp_path / "collection-files" / "bridge.txt").write_text(BRIDGE.replace("winter", "summer"))
    index_paths(collection, encoder, [tmp_path / "collection-files"])
    done = reindex(collection, other)
    assert (done.embedded, done.kept, done.passages) == (2, 1, 3)
    with collection.reading() as snapshot:
        assert "summer" in snapshot.passages_of("bridge.txt")[0].text
        assert len(snapshot.lexical("summer", 9)) == 1
        assert snapshot.lexical("Tuesday", 9) != []
    assert not list(collection.folder.glob("reindex*"))


def test_the_command_reindexes_and_says_so(
    make_collection: MakeCollection, other_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collection = make_collection(bridge=BRIDGE)
    collection.close()
    where = ["--collection", str(collection.folder)]
    opened = pilcrow.open_collection(collection.folder)
    assert [hit.doc_id for hit in pilcrow.search(opened, "bridge")] == ["bridge.txt"]
    assert pilcrow.main(["index", str(other_folder / "config.json"), "--encoder", str(other_folder), *where]) == 2
    assert "pilcrow reindex" in capsys.readouterr().err
    assert pilcrow.main(["reindex", "--encoder", str(other_folder), *where]) == 0
    assert "1 texts embedded" in capsys.readouterr().out
    assert [hit.doc_id for hit in pilcrow.search(opened, "bridge")] == ["bridge.txt"]  # with the new encoder, by itself


@pytest.mark.parametrize("place", ["folder", "milvus"])
def test_a_side_file_that_is_damaged_is_told_under_its_own_name(
    place: str, tmp_path: Path, encoder: Encoder, other: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: str | Path = tmp_path / "collection"
    if place == "milvus":
        pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'pilcrow[milvus]'")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        where = f"milvus+file:{tmp_path}/collection.db"
    (tmp_path / "mill.txt").write_text(MILL)
    with create_collection(where, encoder.identity) as collection:
        index_paths(collection, encoder, [tmp_path / "mill.txt"])
        side = collection.folder / REINDEXING
        side.parent.mkdir(parents=True, exist_ok=True)
        side.write_bytes(b"no database at all, but long enough to be read as one" * 50)
        with pytest.raises(CollectionDamaged) as told:
            reindex(collection, other)
        assert str(told.value).startswith(f"'{side}' cannot be read")
        side.unlink()
        assert reindex(collection, other).passages == 1
