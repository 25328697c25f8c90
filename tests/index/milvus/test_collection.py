"""A collection in Milvus beside the same one in a folder: equal hits, moved there and back; killed writers; faults."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from eval.bench.milvus import lite_server
from index.address import milvus_address, place_of
from index.collection import Collection, Filters, Snapshot
from index.encoder.embedding import Encoder
from index.errors import CollectionDamaged, CollectionError, CollectionLocked
from index.intake.indexing import index_paths
from index.milvus.collection import MilvusCollection
from index.milvus.rows import HEADER, PASSAGE, WHOLE_DOCUMENT
from index.opening import create_collection, open_collection
from index.upkeep.backup import export_collection, import_collection
from index.upkeep.checking import check
from rag.retrieval import retrieve

pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'pilcrow[milvus]'")

QUESTIONS = (
    "Who was sent to Kazakhstan, and when did they come back?",
    "What does the constitution say about neutrality?",
    "How many people in cities are against joining the war?",
    "Which words does the story of Belarus need?",
)


@pytest.fixture(scope="module")
def moved(
    sample: Collection, milvus: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Collection, Path]]:
    """The sample, exported and imported into Milvus; and the file that it went by."""
    folder = tmp_path_factory.mktemp("moved")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        export_collection(sample.folder, folder / "sample.zip")
        assert import_collection(folder / "sample.zip", f"{milvus}/moved") == 14
        with open_collection(f"{milvus}/moved") as collection:
            yield collection, folder / "sample.zip"


def dense(snapshot: Snapshot, encoder: Encoder, question: str, filters: Filters | None = None) -> dict[int, float]:
    return dict(snapshot.nearest(encoder.encode([question])[0], 50, filters))


def test_dense_hits_in_milvus_have_the_ids_and_scores_of_the_folder(
    sample: Collection, moved: tuple[Collection, Path], encoder: Encoder
) -> None:
    with sample.reading() as ours, moved[0].reading() as theirs:
        for question in QUESTIONS:
            for filters in (None, Filters(after="2022-02"), Filters(documents=("is-belarus-next.md",))):
                expected, got = (dense(s, encoder, question, filters) for s in (ours, theirs))
                assert list(got) == list(expected)
                assert got == pytest.approx(expected, abs=1e-3)


def test_words_find_the_same_passages_in_milvus_with_about_the_same_scores(
    sample: Collection, moved: tuple[Collection, Path]
) -> None:
    with sample.reading() as ours, moved[0].reading() as theirs:
        for question in QUESTIONS:
            expected, got = (dict(s.lexical(question, 135)) for s in (ours, theirs))
            assert got.keys() == expected.keys()
            # tantivy keeps the length of a passage in one byte, so scores differ by some per cent.
            assert got == pytest.approx(expected, rel=0.15)


def test_what_is_stored_in_milvus_is_what_the_folder_holds(
    sample: Collection, moved: tuple[Collection, Path], encoder: Encoder
) -> None:
    with sample.reading() as ours, moved[0].reading() as theirs:
        assert theirs.documents() == ours.documents()
        for d in ours.documents():
            assert theirs.document(d.doc_id) == ours.document(d.doc_id)
            assert theirs.paragraphs(d.doc_id) == ours.paragraphs(d.doc_id)
            assert theirs.passages_of(d.doc_id) == ours.passages_of(d.doc_id)
            assert theirs.near_copies(d.doc_id) == ours.near_copies(d.doc_id)
        counts = [(s.documents, s.paragraphs, s.passages, s.furniture, s.duplicates)
                  for s in (ours.status(), theirs.status())]  # fmt: skip
        assert counts[0] == counts[1]
        for question in QUESTIONS:  # of the fused ones the first: further down BM25's per cents change places
            first, same = (retrieve(s, encoder, question, 1)[0] for s in (ours, theirs))
            assert same.passage == first.passage
    assert check(moved[0], lambda: encoder) == []


def test_a_collection_goes_back_into_a_folder_with_the_same_hits(
    sample: Collection, moved: tuple[Collection, Path], encoder: Encoder, tmp_path: Path
) -> None:
    export_collection(moved[0].place, tmp_path / "back.zip")
    assert import_collection(tmp_path / "back.zip", tmp_path / "back") == 14
    with open_collection(tmp_path / "back", write=True) as back, sample.reading() as ours:
        assert check(back, lambda: encoder) == []
        with back.reading() as snapshot:
            assert snapshot.documents() == ours.documents()
            for question in QUESTIONS:
                assert dense(snapshot, encoder, question) == dense(ours, encoder, question)
                assert snapshot.lexical(question, 50) == ours.lexical(question, 50)
            assert snapshot.near_copies("is-belarus-next.md") == ours.near_copies("is-belarus-next.md")


def test_an_import_over_a_collection_is_refused(moved: tuple[Collection, Path]) -> None:
    with pytest.raises(CollectionError, match="already; name a new one"):
        import_collection(moved[1], moved[0].place)


@pytest.mark.parametrize(
    ("address", "uri", "name"),
    [
        ("milvus+http://localhost:19530/notes", "http://localhost:19530", "notes"),
        ("milvus+http:/localhost:19530/notes", "http://localhost:19530", "notes"),  # as a Path writes it
        ("milvus+https://in01.example.com/My_notes2/", "https://in01.example.com", "My_notes2"),
        ("milvus+file:/tmp/a b.db", "/tmp/a b.db", "pilcrow"),  # noqa: S108
    ],
)
def test_an_address_is_taken_apart(address: str, uri: str, name: str) -> None:
    assert (milvus_address(address).uri, milvus_address(address).name) == (uri, name)
    assert place_of(milvus_address(address).address) == milvus_address(address).address


@pytest.mark.parametrize(
    "address",
    ["milvus+http://localhost:19530", "milvus+http://localhost:19530/1-a", "milvus+file:/tmp/a", "milvus+ftp://a/b",
     "milvus+http://user:secret@localhost/notes"],
)  # fmt: skip
def test_what_is_no_address_is_one_clear_line(address: str) -> None:
    with pytest.raises(CollectionError, match="is no address of a Milvus collection; write") as fault:
        place_of(address)
    assert "secret" not in str(fault.value)


def test_the_commands_take_an_address(
    milvus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pilcrow

    place, texts = f"{milvus}/commands", tmp_path / "texts"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PILCROW_COLLECTION", place)
    monkeypatch.setattr("index.milvus.collection.PATIENCE", 0.0)
    texts.mkdir()
    (texts / "a.txt").write_text("The committee of the town agreed on Tuesday to mend the old bridge before winter.")
    (texts / "b.txt").write_text("The miller of the valley sold his wooden mill to a baker from the city in spring.")

    def said(*arguments: str) -> str:
        assert pilcrow.main(arguments) == 0
        return capsys.readouterr().out

    assert pilcrow.main(["status"]) == 2
    assert f"make one with: pilcrow index PATH --collection {place}" in capsys.readouterr().err
    assert said("index", str(texts)) == f"2 added, 0 updated, 0 unchanged in {place}\n"
    answer = json.loads(said("ask", "When is the old bridge to be mended?", "--json"))
    for cited in answer["citations"]:
        document = (texts / cited["document"]).read_text()
        assert document[cited["start"] : cited["end"]] == cited["quote"]
    assert answer["citations"]
    assert said("show", "a.txt", "4", "13").startswith("a.txt")
    assert [d["document"] for d in json.loads(said("list", "--json"))["documents"]] == ["a.txt", "b.txt"]
    assert said("edit", "b.txt", "--date", "2022").startswith("b.txt  2022")
    assert json.loads(said("search", "mill", "--after", "2022", "--json"))["hits"][0]["document"] == "b.txt"
    assert said("remove", "a.txt") == "1 removed\n"
    assert "Milvus frees their bytes" in said("compact")
    status = json.loads(said("status", "--json"))
    assert (status["documents"], status["bytes"], status["health"]) == (1, None, "ok")
    assert "not told by the server" in said("status")
    assert said("check") == "1 documents: ok\n"


def test_where_pymilvus_is_absent_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(CollectionError, match=r"pip install 'pilcrow\[milvus\]'"):
        open_collection("milvus+http://127.0.0.1:9/absent")


def test_a_lite_file_that_another_process_has_open_is_one_clear_line(tmp_path: Path, encoder: Encoder) -> None:
    place = f"milvus+file:{tmp_path}/busy.db"
    create_collection(place, encoder.identity).close()
    hold = f"from index.opening import open_collection; c = open_collection({place!r}); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(CollectionLocked, match="a Milvus Lite file serves one process at a time"):
            open_collection(place)
        other.kill()
    with open_collection(place) as collection, collection.reading() as snapshot:
        assert snapshot.documents() == []


def test_filters_that_let_many_documents_through_are_held_without_naming_them_all(
    sample: Collection, moved: tuple[Collection, Path], encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.milvus.snapshot._MANY_TEXTS", 2)
    filters = Filters(after="2022-02")
    with sample.reading() as ours, moved[0].reading() as theirs:
        for question in QUESTIONS:
            expected, got = (dense(s, encoder, question, filters) for s in (ours, theirs))
            assert list(got) == list(expected)


def test_compact_builds_hnsw_for_a_large_collection_and_hits_stay(
    moved: tuple[Collection, Path], milvus: str, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("index.milvus.collection.FLAT_UNTIL", 100)
    import_collection(moved[1], f"{milvus}/large")
    with open_collection(f"{milvus}/large", write=True) as large, moved[0].reading() as flat:
        assert isinstance(large, MilvusCollection)
        assert large.store.index_type("passages_1") == "FLAT"
        assert large.compact()
        assert large.store.index_type("passages_1") == "HNSW"
        large.store.client.release_collection(large.store.part("passages_1"))  # as by one killed on the way
        large.store.client.drop_index(large.store.part("passages_1"), "vector")
        assert large.compact()
        assert large.store.index_type("passages_1") == "HNSW"
        with large.reading() as graph:
            for question in QUESTIONS:
                expected, got = (dense(s, encoder, question) for s in (flat, graph))
                assert len(got.keys() & expected.keys()) >= 0.98 * len(expected)
                assert got == pytest.approx({i: expected[i] for i in got if i in expected} | got, abs=1e-3)


def test_what_is_damaged_is_named_never_shown_and_mended_where_it_can_be(
    milvus: str, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for name in "abcd":
        (tmp_path / f"{name}.txt").write_text(
            f"The {name} committee of the town agreed to mend the old bridge by winter."
        )
    with create_collection(f"{milvus}/damaged", encoder.identity) as collection:
        index_paths(collection, encoder, [tmp_path / f"{name}.txt" for name in "abcd"])
        assert isinstance(collection, MilvusCollection)
        store = collection.store
        (piece,) = [row for row in store.query("texts", "piece == 1", [*HEADER, "piece_no", "piece"])
                    if "The a committee" in row["value"]]  # fmt: skip
        store.upsert("texts", [piece | {"value": piece["value"].replace("winter", "summer")}])
        (row,) = [row for row in store.query("documents", "row_no > 0", WHOLE_DOCUMENT) if '"b.txt"' in row["value"]]
        store.upsert("documents", [row | {"value": row["value"].replace('"publisher": null', '"publisher": "X"')}])
        passages = store.query("passages_1", "passage_id > 0", ["passage_id", *PASSAGE, "heading", "words", "vector"])
        (passage,) = [row for row in passages if "The c committee" in row["text"]]
        store.upsert("passages_1", [passage | {"vector": passage["vector"][::-1]}])
        with collection.reading() as snapshot, pytest.raises(CollectionDamaged, match="mend it with: pilcrow check"):
            snapshot.document("a.txt")
        found = check(collection, lambda: encoder)
        assert {(damage.document, damage.part, damage.mended) for damage in found} == {
            ("a.txt", "text", True), ("b.txt", "metadata", True), ("c.txt", "vectors", True),
        }  # fmt: skip
        assert check(collection, lambda: encoder) == []
        with collection.reading() as snapshot:
            assert snapshot.document("a.txt").text == (tmp_path / "a.txt").read_text()


def test_a_server_that_begins_anew_is_asked_again_and_one_that_is_gone_is_told(
    moved: tuple[Collection, Path], encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("index.milvus.store._READ_SECONDS", 2.0)
    with lite_server(tmp_path / "lite") as first:
        import_collection(moved[1], f"{first}/again")
        reader = open_collection(f"{first}/again")
        with reader.reading() as snapshot:
            before = dense(snapshot, encoder, QUESTIONS[0])
    with pytest.raises(CollectionError, match="no Milvus answers at"), reader.reading():
        pass
    with lite_server(tmp_path / "lite", int(first.rpartition(":")[2])):
        after: dict[int, float] = {}
        for _ in range(100):  # gRPC knocks again after a moment
            with suppress(CollectionError), reader.reading() as snapshot:
                after = dense(snapshot, encoder, QUESTIONS[0])
            if after:
                break
            time.sleep(0.1)
        assert after == pytest.approx(before)
        reader.close()


def test_a_server_that_is_down_is_one_clear_line() -> None:
    with pytest.raises(CollectionError, match=r"no Milvus answers at 'milvus.http://127.0.0.1:9/notes'") as fault:
        open_collection("milvus+http://127.0.0.1:9/notes")
    assert "\n" not in str(fault.value)
