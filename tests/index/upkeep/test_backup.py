"""A collection as one file: what comes out of it is what went in, or is refused."""

import json
import os
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import filelock
import pytest

import pilcrow
from index.collection import Collection
from index.encoder.embedding import Encoder
from index.errors import CollectionDamaged, CollectionError, CollectionLocked, Unreadable
from index.folder.locking import acquire
from index.folder.rows import vectors_after
from index.opening import open_collection
from index.upkeep.backup import export_collection, import_collection
from index.upkeep.checking import check
from rag.judgements import Judgement, record

BRIDGE = "The bridge\n\nThe committee of the town met on Tuesday and agreed to mend the old bridge before winter."
MILL = "The mill\n\nThe miller of the valley sold his wooden mill to a baker from the city in the spring."
MakeCollection = Callable[..., Collection]


def contents(collection: Collection) -> list[object]:
    with collection.reading() as snapshot:
        ids, vectors = vectors_after(snapshot.connection, -1, snapshot.encoder.dimension)
        names = [d.doc_id for d in snapshot.documents()]
        return [
            [snapshot.document(name) for name in names],
            [snapshot.paragraphs(name) for name in names],
            [snapshot.passages_of(name) for name in names],
            ids.tolist(),
            vectors.tolist(),
            snapshot.encoder,
            snapshot.lexical("the miller", 9),
        ]


def test_what_is_imported_is_what_was_exported_while_somebody_writes(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE, mill=MILL, copy=MILL)  # open for writing
    (collection.folder / "judgements.sqlite").write_bytes(b"")
    written = export_collection(collection.folder, tmp_path / "backup.pilcrow")
    assert written == (tmp_path / "backup.pilcrow").stat().st_size
    assert import_collection(tmp_path / "backup.pilcrow", tmp_path / "again") == 3
    with open_collection(tmp_path / "again", write=True) as again:
        assert contents(again) == contents(collection)
        assert check(again, lambda: encoder) == []
        assert again.notices == []
    assert not list(tmp_path.glob("*.partial"))
    assert not list((tmp_path / "again").glob("*.partial"))


def test_what_was_removed_is_not_in_the_file(tmp_path: Path, make_collection: MakeCollection) -> None:
    collection = make_collection(bridge=BRIDGE, mill=MILL)
    collection.remove(["mill.txt"])
    export_collection(collection.folder, tmp_path / "backup.pilcrow")
    with zipfile.ZipFile(tmp_path / "backup.pilcrow") as archive:
        raw = b"".join(archive.read(name) for name in archive.namelist())
    assert b"committee" in raw
    assert b"wooden" not in raw


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """The archive again, its members changed."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(file, "w") as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)


def flip_a_byte(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 3] ^= 1
    file.write_bytes(raw)


def alter_a_text(members: dict[str, bytes]) -> None:
    members["corpus.sqlite"] = members["corpus.sqlite"].replace(b"wooden", b"golden")


def alter_text_and_manifest(members: dict[str, bytes]) -> None:
    """As a collection would look that was damaged before it was exported."""
    import hashlib

    alter_a_text(members)
    manifest = json.loads(members["manifest.json"])
    manifest["files"]["corpus.sqlite"]["sha256"] = hashlib.sha256(members["corpus.sqlite"]).hexdigest()
    members["manifest.json"] = json.dumps(manifest).encode()


def name_a_path(members: dict[str, bytes]) -> None:
    manifest = json.loads(members["manifest.json"])
    manifest["files"]["../outside"] = manifest["files"]["corpus.sqlite"]
    members["manifest.json"] = json.dumps(manifest).encode()
    members["../outside"] = members["corpus.sqlite"]


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_byte,
        lambda file: os.truncate(file, file.stat().st_size // 2),
        lambda file: file.write_text("no archive at all"),
        lambda file: file.unlink(),
        lambda file: file.rename(file.with_name("moved")).with_name(file.name).mkdir(),
        lambda file: rewritten(file, alter_a_text),
        lambda file: rewritten(file, alter_text_and_manifest),
        lambda file: rewritten(file, name_a_path),
        lambda file: rewritten(file, lambda members: members.pop("corpus.sqlite") and None),
        lambda file: rewritten(file, lambda members: members.pop("manifest.json") and None),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_refused_and_leaves_no_collection(
    tmp_path: Path, make_collection: MakeCollection, damage: Callable[[Path], None]
) -> None:
    file = tmp_path / "backup.pilcrow"
    export_collection(make_collection(bridge=BRIDGE, mill=MILL).folder, file)
    damage(file)
    with pytest.raises(Unreadable, match=r"backup\.pilcrow.*pilcrow export"):
        import_collection(file, tmp_path / "again")
    assert not (tmp_path / "again" / "corpus.sqlite").exists()
    assert not list((tmp_path / "again").glob("*.partial"))
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "described",
    ["x", {}, {"bytes": "many", "sha256": "0" * 64}, {"bytes": True, "sha256": "0" * 64}, {"bytes": 9}],
)
def test_a_manifest_that_does_not_describe_its_members_is_refused(tmp_path: Path, described: object) -> None:
    file = tmp_path / "backup.pilcrow"
    manifest = {"kind": "pilcrow collection", "format": 1, "files": {"corpus.sqlite": described}}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("corpus.sqlite", b"123456789")
    with pytest.raises(Unreadable, match=r"bytes and SHA-256 of 'corpus\.sqlite'.*pilcrow export"):
        import_collection(file, tmp_path / "again")


def test_a_failed_import_leaves_no_folder_that_it_made_and_those_that_were_there(tmp_path: Path) -> None:
    (tmp_path / "no.pilcrow").write_bytes(b"no archive")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "own.txt").write_text("mine")
    for folder in ("new", "new/below/it", "there", "there/new"):
        with pytest.raises(Unreadable):
            import_collection(tmp_path / "no.pilcrow", tmp_path / folder)
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "there" / "new").exists()
    assert (tmp_path / "there" / "own.txt").read_text() == "mine"


def test_who_waited_to_write_where_an_import_fails_is_still_the_only_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no.pilcrow").write_bytes(b"no archive")
    waited: list[filelock.FileLock] = []
    release = filelock.FileLock.release

    def passed_on(lock: filelock.FileLock, force: bool = False) -> None:
        release(lock, force)
        monkeypatch.undo()
        waited.append(acquire(tmp_path / "new"))

    monkeypatch.setattr(filelock.FileLock, "release", passed_on)
    with pytest.raises(Unreadable):
        import_collection(tmp_path / "no.pilcrow", tmp_path / "new")
    with pytest.raises(CollectionLocked):
        acquire(tmp_path / "new", seconds=0)
    waited[0].release()


@pytest.mark.parametrize("name", ["corpus.sqlite", "judgements.sqlite"])
def test_a_collection_that_cannot_be_read_to_its_end_is_not_exported_and_the_line_says_so(
    tmp_path: Path, make_collection: MakeCollection, name: str
) -> None:
    collection = make_collection(bridge=BRIDGE, mill=MILL)
    record(collection.folder, Judgement("2026-01-01", "Ann", 2, "Who?"))
    collection.close()
    table, remedy = ("passages", "pilcrow check") if name == "corpus.sqlite" else ("judgements", "move it away")
    with closing(sqlite3.connect(collection.folder / name)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with (collection.folder / name).open("rb+") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 64)
    with pytest.raises(CollectionDamaged, match=rf"{name}' cannot be read.*{remedy}"):
        export_collection(collection.folder, tmp_path / "backup.pilcrow")
    assert not list(tmp_path.glob("backup*"))


def test_nothing_is_overwritten(tmp_path: Path, make_collection: MakeCollection) -> None:
    collection = make_collection(bridge=BRIDGE)
    file = tmp_path / "backup.pilcrow"
    export_collection(collection.folder, file)
    with pytest.raises(CollectionError, match="exists already"):
        export_collection(collection.folder, file)
    with pytest.raises(CollectionError, match="already"):
        import_collection(file, collection.folder)
    with pytest.raises(CollectionError, match="cannot be written"):
        export_collection(collection.folder, tmp_path / "nowhere" / "backup.pilcrow")


def test_the_commands_carry_a_collection_from_folder_to_folder(
    tmp_path: Path, make_collection: MakeCollection, capsys: pytest.CaptureFixture[str]
) -> None:
    collection = make_collection(bridge=BRIDGE, mill=MILL)
    file = str(tmp_path / "backup.pilcrow")
    assert pilcrow.main(["export", file, "--collection", str(collection.folder)]) == 0
    assert pilcrow.main(["import", file, "--collection", str(tmp_path / "again")]) == 0
    assert "2 documents in" in capsys.readouterr().out
    assert pilcrow.main(["check", "--json", "--collection", str(tmp_path / "again")]) == 0
    assert json.loads(capsys.readouterr().out) == {"documents": 2, "damaged": [], "health": "ok"}
    assert pilcrow.main(["import", file, "--collection", str(tmp_path / "again")]) == 2
