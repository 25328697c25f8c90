"""Writers of a collection in Milvus that are killed at each of their steps, or at any moment: what is left is whole."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'pilcrow[milvus]'")

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent.parent.parent))

from index.address import milvus_address
from index.collection import Collection
from index.encoder.embedding import EncoderIdentity
from index.errors import CollectionLocked
from index.intake.indexing import row_document
from index.milvus.collection import MilvusCollection
from index.milvus.store import Store, close_store, opened_store
from index.opening import create_collection, exists, open_collection
from index.paragraphs import Kind, Paragraph
from index.passages import Window
from index.prepared import Prepared
from index.upkeep.moving import into_milvus

IDENTITY = EncoderIdentity("invented", "0" * 64, 8, 64, "mean")
STEPS = ("insert", "upsert", "delete", "set_value", "drop")


class Killed(BaseException):
    """The process ends here."""


def prepared(name: str, version: int) -> Prepared:
    """One of the known documents: its first passage says which version it is."""
    text = f"{name} is of version{version}, as it says here.\n\nThe rest of {name} is the same in all versions."
    spans = [(0, text.index("\n\n")), (text.index("\n\n") + 2, len(text))]
    paragraphs = [Paragraph(name, n, start, end, Kind.BODY) for n, (start, end) in enumerate(spans, 1)]
    vectors = np.random.default_rng([version, *name.encode()]).normal(size=(2, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    on_grid = vectors.astype(np.float16).astype(np.float32)
    windows = [Window(start, end, None) for start, end in spans]
    return Prepared(row_document(name, f"/{name}", text), paragraphs, windows, on_grid)


def versions(collection: Collection) -> dict[str, int]:
    """Which version of each document is there, seen as a question sees it: by words, by vectors, by its text."""
    with collection.reading() as snapshot:
        there = {}
        for document in snapshot.documents():
            text = snapshot.document(document.doc_id).text
            version = int(text.partition("version")[2].partition(",")[0])
            assert text == prepared(document.doc_id, version).document.text
            assert [p.text for p in snapshot.passages_of(document.doc_id)] == text.split("\n\n")
            there[document.doc_id] = version
        hits = dict(snapshot.lexical(" ".join(f"version{n}" for n in range(100)), 1000))
        named = {p.doc_id: p.text for p in snapshot.passages(list(hits))}
        assert len(named) == len(hits)
        assert {name: f"version{n}," in named[name] for name, n in there.items()} == dict.fromkeys(there, True)
        nearest = snapshot.nearest(np.ones(8, np.float32), 1000)
        assert len(nearest) == 2 * len(there)
    return there


def steps(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """From now on the process is killed before its write number `at`."""
    done = 0

    def stepping(method: Callable[..., Any]) -> Callable[..., Any]:
        def step(self: Store, *given: Any, **named: Any) -> Any:
            nonlocal done
            done += 1
            if done == at:
                raise Killed
            return method(self, *given, **named)

        return step

    for name in STEPS:
        monkeypatch.setattr(Store, name, stepping(getattr(Store, name)))


def abandon(collection: Collection) -> None:
    """What a killed process leaves: a lease that nobody renews, and that has run out."""
    assert isinstance(collection, MilvusCollection)
    assert collection._lease is not None
    collection._lease._over.set()
    collection.store.set_value("writer", {"token": "gone", "until": 0})


@pytest.mark.parametrize("change", ["replace", "remove", "compact"])
def test_a_writer_killed_at_any_step_leaves_the_state_before_or_the_one_after(
    milvus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("index.milvus.collection.PATIENCE", 0.0)
    place = f"{milvus}/killed_{change}"
    before = {"a": 1, "b": 1}
    with create_collection(place, IDENTITY) as collection:
        collection.replace([prepared(name, n) for name, n in before.items()])
    for step in range(1, 40):
        writer = open_collection(place, write=True)
        with monkeypatch.context() as patch:
            steps(patch, step)
            try:
                after = _changed(writer, change, before)
                finished = True
            except Killed:
                finished = False
        abandon(writer)
        with open_collection(place) as reader:
            seen = versions(reader)
        assert seen == after if finished else seen in (before, _expected(change, before))
        before = seen
        if finished:
            break
    assert finished
    with open_collection(place, write=True) as last:
        assert versions(last) == before
        assert last.damaged_parts() == []
        assert last.damaged_documents() == []


def _expected(change: str, before: dict[str, int]) -> dict[str, int]:
    if change == "replace":
        return {"a": before["a"] + 1, "b": before["b"], f"c{before['a']}": 1} | before | {"a": before["a"] + 1}
    return {name: n for name, n in before.items() if name != "b"} if change == "remove" else before


def _changed(writer: Collection, change: str, before: dict[str, int]) -> dict[str, int]:
    """Makes the change; what is to be there after it."""
    after = _expected(change, before)
    if change == "replace":
        changed = [name for name, n in after.items() if before.get(name) != n]
        writer.replace([prepared(name, after[name]) for name in changed])
    elif change == "remove":
        if "b" in before:
            writer.remove(["b"])
    else:
        writer.compact()
    return after


def test_readers_see_whole_states_while_a_writer_replaces_removes_flushes_and_sweeps(
    milvus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("index.milvus.collection.GRACE", 3.0)
    place, over = f"{milvus}/crowded", threading.Event()

    def read() -> int:
        seen, last = 0, -1
        with open_collection(place) as reader:
            while not over.is_set():
                there = versions(reader)
                assert len(set(there.values())) == 1  # all were replaced in one commit
                assert there["a"] >= last
                seen, last = seen + 1, there["a"]
        return seen

    with create_collection(place, IDENTITY) as writer, ThreadPoolExecutor(3) as readers:
        writer.replace([prepared(name, 0) for name in "abc"])
        reading = [readers.submit(read) for _ in range(3)]
        try:
            until = time.monotonic() + 5
            version = 0
            while time.monotonic() < until and not any(one.done() for one in reading):
                version += 1
                writer.replace([prepared(name, version) for name in "abc"])
                if version % 3 == 0:
                    writer.refresh_base()
        finally:
            over.set()
        assert min(one.result() for one in reading) > 0
        assert version > 3


def test_a_killed_process_leaves_a_lite_file_whole_and_the_next_writer_need_not_wait(tmp_path: Path) -> None:
    place = f"milvus+file:{tmp_path}/killed.db"
    child = subprocess.Popen([sys.executable, __file__, place], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines = [child.stdout.readline() for _ in range(8)]
    time.sleep(0.03)
    child.send_signal(signal.SIGKILL)
    lines += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    told = max(int(line) for line in lines if line.endswith("\n"))
    with open_collection(place, write=True) as collection:
        seen = versions(collection)
        assert seen["a"] in (told, told + 1)
        assert set(seen) == {"a"} | {f"d{n}" for n in range(seen["a"] + 1)}
        assert collection.damaged_documents() == []
        collection.replace([prepared("a", 99)])
        assert versions(collection)["a"] == 99


def test_the_next_writer_finishes_a_flush_that_was_killed_so_that_readers_need_not_wait(tmp_path: Path) -> None:
    place = f"milvus+file:{tmp_path}/odd.db"
    with create_collection(place, IDENTITY) as collection:
        collection.replace([prepared("a", 1)])
        assert isinstance(collection, MilvusCollection)
        collection.store.set_value("epoch", {"n": 7})  # odd: a flush has begun
    with open_collection(place, write=True) as collection:
        assert isinstance(collection, MilvusCollection)
        assert collection.store.value("epoch") == {"n": 10}
        assert versions(collection) == {"a": 1}


def test_an_import_that_is_killed_at_any_step_leaves_no_collection_and_can_begin_anew(
    milvus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    place = f"{milvus}/half"
    with create_collection(tmp_path / "folder", IDENTITY) as folder:
        folder.replace([prepared(name, 3) for name in "abcde"])
    killed = 0
    for step in range(1, 40, 3):
        with monkeypatch.context() as patch, suppress(Killed):
            steps(patch, step)
            into_milvus(tmp_path / "folder", place)
        store = opened_store(milvus_address(place))
        store.set_value("writer", {"token": "gone", "until": 0})
        close_store(store)
        if exists(place):  # the next step would come after the last one
            break
        killed += 1
    assert killed >= 3
    with open_collection(place, write=True) as collection:
        assert versions(collection) == dict.fromkeys("abcde", 3)
        assert collection.damaged_parts() == []
        assert collection.damaged_documents() == []


def test_a_lease_that_another_took_stops_the_first_before_its_commit(milvus: str, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path))
        with create_collection(f"{milvus}/taken", IDENTITY) as first:
            first.replace([prepared("a", 1)])
            assert isinstance(first, MilvusCollection)
            first.store.set_value("writer", {"token": "another", "until": time.time() + 60})
            with pytest.raises(CollectionLocked):
                first.replace([prepared("a", 2)])
            assert versions(first) == {"a": 1}


def test_a_process_of_another_container_is_not_taken_for_dead(
    milvus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("index.milvus.lease._PATIENCE", 0.1)
    place = f"{milvus}/elsewhere"
    with create_collection(place, IDENTITY) as writer:
        assert isinstance(writer, MilvusCollection)
        held = writer.store.value("writer")
    assert held is not None
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    held |= {"pid": ended.pid, "until": time.time() + 60}
    store = opened_store(milvus_address(place))
    store.set_value("writer", held | {"pids": "the same name, another container"})
    with pytest.raises(CollectionLocked, match=f"process {ended.pid}"):
        open_collection(place, write=True)
    store.set_value("writer", held)  # of this one: it is gone for sure
    close_store(store)
    open_collection(place, write=True).close()


def _write_for_ever(place: str) -> None:
    with create_collection(place, IDENTITY) as collection:
        for version in range(10_000):
            collection.replace([prepared("a", version), prepared(f"d{version}", 1)])
            if version % 5 == 4:
                collection.refresh_base()
            print(version, flush=True)


if __name__ == "__main__":
    _write_for_ever(sys.argv[1])
