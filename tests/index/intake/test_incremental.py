"""What changes is replaced whole, what moves keeps its name, what is removed is gone, to the last byte."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import pilcrow
from index.collection import Collection
from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from index.opening import open_collection

BRIDGE = "The bridge\n\nThe committee of the town met on Tuesday and agreed to mend the old bridge before winter."
LEDGER = "The ledger\n\nThe quartzibar ledger of the harbour master names forty smugglers and their vexilloptic boats."
WORDS = ("quartzibar", "vexillopt")  # the second as the stemmer leaves it
MakeCollection = Callable[..., Collection]


class NoEncoder:
    """In place of the encoder where nothing may be embedded."""

    def __init__(self, real: Encoder) -> None:
        self.identity = real.identity
        self.max_length = real.max_length
        self.count_pieces = real.count_pieces

    def encode_passages(self, texts: list[str]) -> object:
        assert not texts, "nothing had to be embedded again"
        import numpy as np

        return np.zeros((0, self.identity.dimension), np.float32)

    encode = encode_passages


def names(collection: Collection) -> dict[str, str]:
    with collection.reading() as snapshot:
        return {d.doc_id: Path(d.source).name for d in snapshot.documents()}


def files_with(folder: Path, words: tuple[str, ...]) -> set[str]:
    """The files below a folder that hold one of the words' bytes."""
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(word.encode() in path.read_bytes() for word in words)
    }


@pytest.fixture(params=[0, 100])
def _one_by_one(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored documents are read all at once, or one by one."""
    monkeypatch.setattr("index.intake.known._ASKED_ONE_BY_ONE", request.param)


@pytest.mark.usefixtures("_one_by_one")
def test_a_file_that_was_moved_keeps_its_document_and_is_not_embedded_again(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE, ledger=LEDGER)
    files = tmp_path / "collection-files"
    (files / "old").mkdir()
    (files / "ledger.txt").rename(files / "old" / "1821.txt")
    summary = index_paths(collection, NoEncoder(encoder), [files], prune=True)  # type: ignore[arg-type]
    assert (summary.added, summary.updated, summary.unchanged, summary.moved, summary.removed) == (0, 0, 2, 1, 0)
    assert names(collection) == {"bridge.txt": "bridge.txt", "ledger.txt": "1821.txt"}
    again = index_paths(collection, NoEncoder(encoder), [files], prune=True)  # type: ignore[arg-type]
    assert (again.unchanged, again.moved) == (2, 0)


def test_a_copied_file_is_a_document_of_its_own_and_of_several_moved_copies_each_keeps_one_name(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(a=LEDGER, b=LEDGER)
    files = tmp_path / "collection-files"
    (files / "c.txt").write_text(LEDGER)
    summary = index_paths(collection, NoEncoder(encoder), [files])  # type: ignore[arg-type]
    assert (summary.added, summary.moved) == (1, 0)
    for name in "ab":
        (files / f"{name}.txt").rename(files / f"moved-{name}.txt")
    summary = index_paths(collection, NoEncoder(encoder), [files], prune=True)  # type: ignore[arg-type]
    assert (summary.added, summary.moved, summary.removed) == (0, 2, 0)
    assert names(collection) == {"a.txt": "moved-a.txt", "b.txt": "moved-b.txt", "c.txt": "c.txt"}


@pytest.mark.usefixtures("_one_by_one")
def test_moved_rows_keep_their_documents(tmp_path: Path, make_collection: MakeCollection, encoder: Encoder) -> None:
    collection = make_collection(bridge=BRIDGE)
    files = tmp_path / "collection-files"
    rows = "title,text\nThe ledger,The harbour master keeps a ledger.\nThe mill,The miller sold his mill.\n"
    (files / "notes.csv").write_text(rows)
    index_paths(collection, encoder, [files])
    before = set(names(collection))
    (files / "notes.csv").rename(files / "renamed.csv")
    summary = index_paths(collection, NoEncoder(encoder), [files], prune=True)  # type: ignore[arg-type]
    assert (summary.added, summary.moved, summary.removed) == (0, 2, 0)
    assert set(names(collection)) == before


BROKEN_ROWS = {
    "rows.jsonl": (
        '{"text": "The harbour."}\n{"text": "The mill."}\n{"text": "The bridge."}\n{"text": "The church."}\n',
        '{"text": "The harbour."}\n{"text": "The mi\n{"text": ""}\n',
        {"rows.jsonl#4"},
        "what was stored of it stays",
    ),
    "rows.csv": (
        "text,title\nThe harbour.,A\nThe mill.,B\nThe bridge.,C\nThe church.,D\n",
        "text,title\nThe harbour.,A\nThe mill, the other.,B\n,C\n",
        {"rows.csv#4"},
        "what was stored of it stays",
    ),
    "joined.csv": (
        "text,title\nThe harbour.,A\nThe mill.,B\nThe bridge.,C\nThe church.,D\n",
        'text,title\nThe harbour.,A\n"The mill.,B\nThe bridge.",C,D\n',
        set(),
        "it may hold other rows, so what was stored from here on stays",
    ),
}


@pytest.mark.parametrize("name", BROKEN_ROWS)
def test_a_row_that_cannot_be_read_any_more_keeps_its_document(
    name: str, tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    whole, broken, gone, said = BROKEN_ROWS[name]
    collection = make_collection()
    file = tmp_path / name
    file.write_text(whole)
    index_paths(collection, encoder, [file])
    before = set(names(collection))
    assert len(before) == 4
    file.write_text(broken)
    summary = index_paths(collection, encoder, [file])
    assert set(names(collection)) == before - gone
    assert (summary.unchanged, summary.removed) == (1, len(gone))
    assert all(fault.reason.endswith(said) for fault in summary.unreadable)
    assert summary.unreadable


def test_rows_after_one_that_swallowed_others_replace_none_of_another_number(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    whole = "text,title\nThe harbour.,A\nThe mill.,B\nThe bridge.,C\nThe church.,D\n"
    collection = make_collection()
    file = tmp_path / "rows.csv"
    file.write_text(whole)
    index_paths(collection, encoder, [file])
    before = texts(collection)
    joined = whole.replace("The mill.", '"The mill.').replace("bridge.", 'bridge.",E')
    file.write_text(joined.replace("harbour", "port"))
    index_paths(collection, encoder, [file])
    assert texts(collection) == before | {"rows.csv#1": "The port."}
    file.write_text(f"{whole}The tower.,F\n")
    index_paths(collection, encoder, [file])
    assert texts(collection) == before | {"rows.csv#5": "The tower."}


def texts(collection: Collection) -> dict[str, str]:
    with collection.reading() as snapshot:
        return {document.doc_id: snapshot.document(document.doc_id).text for document in snapshot.documents()}


def test_what_is_removed_is_found_by_nothing_and_after_compact_stands_in_no_file(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE, ledger=LEDGER)
    assert files_with(collection.folder, WORDS) != set()
    collection.remove(["ledger.txt"])
    with collection.reading() as snapshot:
        ids = [i for i, _ in snapshot.nearest(encoder.encode(["the ledger of the smugglers"])[0], 9)]
        assert [p.doc_id for p in snapshot.passages(ids)] == ["bridge.txt"]
        assert snapshot.lexical("quartzibar vexilloptic ledger", 9) == []
    assert collection.compact()
    assert files_with(collection.folder, WORDS) == set()
    assert files_with(collection.folder, ("committee",)) != set()
    with collection.reading() as snapshot:
        ids = [i for i, _ in snapshot.nearest(encoder.encode(["the bridge"])[0], 9)]
        assert [p.doc_id for p in snapshot.passages(ids)] == ["bridge.txt"]
        assert len(snapshot.lexical("bridge", 9)) == 1


def test_after_a_change_and_compact_the_old_words_stand_in_no_file(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(bridge=BRIDGE, ledger=LEDGER)
    files = tmp_path / "collection-files"
    (files / "ledger.txt").write_text("The ledger\n\nThe ledger of the harbour master was lost in the great fire.")
    index_paths(collection, encoder, [files])
    assert collection.compact()
    assert files_with(collection.folder, WORDS) == set()
    assert files_with(collection.folder, ("harbour",)) != set()


def test_compact_says_so_where_a_reader_is_in_the_middle_of_a_question(
    make_collection: MakeCollection, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = make_collection(bridge=BRIDGE, ledger=LEDGER)
    collection.close()
    monkeypatch.setattr("index.folder.collection.PATIENCE_MS", 50)
    with open_collection(collection.folder) as reader:
        with reader.reading() as snapshot:
            assert len(snapshot.documents()) == 2
            done = threading.Thread(
                target=lambda: pilcrow.main(["remove", "ledger.txt", "--collection", str(collection.folder)])
            )
            done.start()
            done.join()
            assert pilcrow.main(["compact", "--collection", str(collection.folder)]) == 1
            assert "a reader is in the middle" in capsys.readouterr().err
            assert len(snapshot.documents()) == 2
        # Open, but not asking: no longer in the way.
        assert pilcrow.main(["compact", "--collection", str(collection.folder)]) == 0
        assert files_with(collection.folder, WORDS) == set()
        with reader.reading() as snapshot:
            assert [d.doc_id for d in snapshot.documents()] == ["bridge.txt"]
            assert len(snapshot.lexical("bridge", 9)) == 1


def test_prune_leaves_alone_what_lies_in_a_folder_that_cannot_be_looked_into(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = make_collection(bridge=BRIDGE, ledger=LEDGER)
    files = tmp_path / "collection-files"
    (files / "ledger.txt").unlink()
    real = Path.exists

    def denied(path: Path) -> bool:
        if path.name == "ledger.txt":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "exists", denied)
    assert index_paths(collection, encoder, [files], prune=True).removed == 0
