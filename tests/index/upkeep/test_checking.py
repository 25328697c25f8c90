"""Damage is named and mended: a flipped byte anywhere, and derived files that are missing, cut, older or altered."""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.errors import CollectionDamaged, CollectionError
from index.intake.indexing import index_paths
from index.opening import open_collection
from index.upkeep.checking import Damage, check

BRIDGE = "The bridge\n\nThe committee of the town met on Tuesday and agreed to mend the old bridge before winter."
MILL = "The mill\n\nThe miller of the valley sold his wooden mill to a baker from the city in the spring."
MakeCollection = Callable[..., Collection]
Change = Callable[[Path], None]


def sql(statement: str) -> Change:
    """What a fault of the disk does to rows: the statement is run behind the collection's back."""

    def change(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "corpus.sqlite")) as connection, connection:
            connection.execute(statement)

    return change


def flip(pattern: str) -> Change:
    """One bit of the file's middle byte, the time of the file as before."""

    def change(folder: Path) -> None:
        path = next(folder.glob(pattern))
        times = path.stat()
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 4
        path.write_bytes(raw)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    return change


def found(collection: Collection, encoder: Encoder, query: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Names and texts by the dense leg, names by the lexical one."""
    with collection.reading() as snapshot:
        near = snapshot.passages([i for i, _ in snapshot.nearest(encoder.encode([query])[0], 9)])
        lexical = snapshot.passages([i for i, _ in snapshot.lexical(query, 9)])
    return [(p.doc_id, p.text) for p in near], [p.doc_id for p in lexical]


@pytest.mark.parametrize(
    ("damage", "part", "remedy"),
    [
        (sql("UPDATE texts SET text = replace(text, 'wooden', 'golden')"), "text", "read again"),
        (sql("UPDATE texts SET text = CAST(X'ff80' AS TEXT) WHERE text LIKE '%wooden%'"), "text", "read again"),
        (sql("UPDATE documents SET date = '1999' WHERE doc_id = 'mill.txt'"), "metadata", "read again"),
        (sql("UPDATE paragraphs SET kind = 'furniture' WHERE text_no = 2"), "paragraphs", "stored text"),
        (sql("UPDATE passages SET vector = zeroblob(768) WHERE text_no = 2"), "vectors", "stored text"),
        (sql("UPDATE texts SET key = zeroblob(16) WHERE text_no = 2"), "key", "stored text"),
        (sql("UPDATE passages SET start = start + 1 WHERE text_no = 2"), "vectors", "stored text"),
    ],
)
def test_what_is_damaged_in_the_truth_is_named_and_made_again(
    make_collection: MakeCollection, encoder: Encoder, damage: Change, part: str, remedy: str
) -> None:
    writer = make_collection(bridge=BRIDGE, mill=MILL)
    expected = found(writer, encoder, "the miller and his mill")
    assert check(writer, lambda: encoder) == []
    damage(writer.folder)
    (told,) = check(writer, lambda: encoder)
    assert (told.part, told.document, told.mended) == (part, "mill.txt", True)
    assert remedy in told.remedy
    assert found(writer, encoder, "the miller and his mill") == expected
    with writer.reading() as snapshot:
        assert snapshot.document("mill.txt").text == MILL
        assert snapshot.document("mill.txt").date is None
    assert check(writer, lambda: encoder) == []


def test_a_damaged_text_whose_source_has_changed_is_named_and_never_cited(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    writer = make_collection(bridge=BRIDGE, mill=MILL)
    sql("UPDATE texts SET text = replace(text, 'wooden', 'golden')")(writer.folder)
    (tmp_path / "collection-files" / "mill.txt").write_text("Other words.")
    (told,) = check(writer, lambda: encoder)
    assert (told.part, told.document, told.mended) == ("text", "mill.txt", False)
    assert "not what it was" in told.remedy
    with writer.reading() as snapshot:
        assert snapshot.document("bridge.txt").text == BRIDGE
        with pytest.raises(CollectionDamaged, match=r"'mill\.txt'.*pilcrow check"):
            snapshot.document("mill.txt")


def test_a_damaged_text_is_mended_under_all_its_names(make_collection: MakeCollection, encoder: Encoder) -> None:
    writer = make_collection(mill=MILL, copy=MILL)
    sql("UPDATE texts SET text = replace(text, 'wooden', 'golden')")(writer.folder)
    assert {d.document for d in check(writer, lambda: encoder) if d.mended} == {"mill.txt", "copy.txt"}
    with writer.reading() as snapshot:
        assert snapshot.copies("mill.txt") == ["copy.txt"]
        assert snapshot.document("copy.txt").text == MILL
        assert len(snapshot.passages([i for i, _ in snapshot.nearest(encoder.encode(["mill"])[0], 9)])) == 1


def contents(collection: Collection) -> list[object]:
    with collection.reading() as snapshot:
        names = [d.doc_id for d in snapshot.documents()]
        passages = [snapshot.passages_of(name) for name in names]
        vectors = snapshot.vectors([p.passage_id for of_one in passages for p in of_one])
        return [
            [snapshot.document(name) for name in names],
            [snapshot.paragraphs(name) for name in names],
            passages,
            vectors.tobytes(),
            snapshot.encoder,
        ]


def test_a_bit_that_flips_anywhere_in_the_truth_is_told_or_changes_nothing(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    writer = make_collection(bridge=BRIDGE, mill=MILL)
    expected = contents(writer)
    writer.compact()
    writer.close()
    raw = (writer.folder / "corpus.sqlite").read_bytes()
    copy = shutil.copytree(writer.folder, tmp_path / "copy")
    chance, told = random.Random(0), 0
    for _ in range(60):
        flipped = bytearray(raw)
        flipped[chance.randrange(100, len(raw))] ^= 1 << chance.randrange(8)
        (copy / "corpus.sqlite").write_bytes(flipped)
        try:
            with open_collection(copy) as collection:
                if check(collection, lambda: encoder):
                    told += 1
                else:
                    assert contents(collection) == expected
        except CollectionError:
            told += 1
    assert told > 5


def remove_base(folder: Path) -> None:
    next(folder.glob("vectors-*.faiss")).unlink()


def cut_base(folder: Path) -> None:
    path = next(folder.glob("vectors-*.faiss"))
    path.write_bytes(path.read_bytes()[:-100])


def alter_base(folder: Path) -> None:
    path = next(folder.glob("vectors-*.faiss"))
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 4
    path.write_bytes(raw)


def remove_lexical(folder: Path) -> None:
    shutil.rmtree(folder / "lexical")


def cut_lexical(folder: Path) -> None:
    for path in (folder / "lexical").glob("*.idx"):
        path.write_bytes(path.read_bytes()[:-9])


def alter_lexical(folder: Path) -> None:
    for path in (folder / "lexical").glob("*.fast"):
        raw = bytearray(path.read_bytes())
        raw[0] ^= 4
        path.write_bytes(raw)


def older_lexical(folder: Path) -> None:
    """The lexical index of before the mill was added, as a backup program would put it back."""
    shutil.rmtree(folder / "lexical")
    shutil.copytree(folder / "before", folder / "lexical")


@pytest.mark.parametrize(
    "damage", [remove_base, cut_base, alter_base, remove_lexical, cut_lexical, alter_lexical, older_lexical]
)
def test_a_damaged_derived_index_is_told_by_readers_and_made_again_by_the_next_writer_without_embedding(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder, damage: Change
) -> None:
    writer = make_collection(bridge=BRIDGE)
    shutil.copytree(writer.folder / "lexical", writer.folder / "before")
    (tmp_path / "collection-files" / "mill.txt").write_text(MILL)
    index_paths(writer, encoder, [tmp_path / "collection-files"])
    expected = found(writer, encoder, "the miller and his mill")
    writer.close()
    damage(writer.folder)
    with open_collection(writer.folder) as reader:
        if damage is not alter_lexical:  # a flipped bit is for the writer to see, and for `check`
            assert found(reader, encoder, "the miller and his mill") == expected
        with open_collection(writer.folder, write=True) as again:
            (notice,) = again.notices
            assert "made again" in notice
            assert found(again, encoder, "the miller and his mill") == expected
    with open_collection(writer.folder) as reader:
        assert found(reader, encoder, "the miller and his mill") == expected
        assert reader.notices == []
    with open_collection(writer.folder, write=True) as again:
        assert again.notices == []


def test_a_writer_killed_between_a_delete_and_its_commit_leaves_nothing_in_the_next_ones_way(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    writer = make_collection(bridge=BRIDGE, mill=MILL)
    before = (writer.folder / "lexical" / "meta.json").read_bytes()
    writer.remove(["mill.txt"])
    writer.close()
    assert list((writer.folder / "lexical").glob("*.del"))
    (writer.folder / "lexical" / "meta.json").write_bytes(before)  # the file of deletes is there, the commit is not
    with open_collection(writer.folder, write=True) as again:
        assert found(again, encoder, "the miller")[1] == []
        assert found(again, encoder, "the bridge")[1] == ["bridge.txt"]
        assert again.notices == []
        assert check(again, lambda: encoder) == []


@pytest.mark.parametrize(
    ("damage", "part"), [(flip("vectors-*.faiss"), "vector index"), (flip("lexical/*.term"), "lexical index")]
)
def test_a_bit_that_flipped_under_an_old_date_is_found_by_check(
    make_collection: MakeCollection, encoder: Encoder, damage: Change, part: str
) -> None:
    writer = make_collection(bridge=BRIDGE, mill=MILL)
    expected = found(writer, encoder, "the miller and his mill")
    writer.close()
    damage(writer.folder)
    with open_collection(writer.folder) as reader:
        assert [(d.part, d.mended) for d in check(reader, lambda: encoder)] == [(part, False)]
    with open_collection(writer.folder, write=True) as again:
        assert check(again, lambda: encoder) == [Damage(part, None, True, "made again from the truth")]
        assert found(again, encoder, "the miller and his mill") == expected
        assert check(again, lambda: encoder) == []
