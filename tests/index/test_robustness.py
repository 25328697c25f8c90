"""Killed, crowded, out of room: what was committed stays, and a question sees a whole state.

Short runs here; the long ones, from which the figures of docs/results.md come, with `pytest -m slow`.
"""

import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from eval.report.results import save_result
from index.collection import Collection
from index.encoder.embedding import BUNDLED_SHA256, Encoder
from index.errors import CollectionError, CollectionLocked
from index.folder import inverted
from index.folder import vectors as dense
from index.opening import create_collection, open_collection
from rag.answering import Models, answer
from rag.reading.reader import Reader

resource = pytest.importorskip("resource", reason="kills and limits are those of Unix")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
FIRE = Path(__file__).with_name("fire.py")


def _load_fire() -> Any:
    specification = importlib.util.spec_from_file_location("fire", FIRE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


fire = _load_fire()


@pytest.fixture(scope="module")
def vectors(encoder: Encoder) -> np.ndarray:
    """The vectors of all known paragraphs, by the real encoder, made once."""
    return encoder.encode(fire.inputs())


@pytest.fixture
def town(tmp_path: Path, encoder: Encoder, vectors: np.ndarray) -> Path:
    """An empty collection of the known documents' encoder, their vectors beside it."""
    folder = tmp_path / "town"
    create_collection(folder, encoder.identity).close()
    np.save(folder.with_suffix(".npy"), vectors)
    return folder


@pytest.fixture(params=["exact", "inverted"])
def base(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which kind of base this process and the writers it starts make."""
    if request.param == "inverted":
        monkeypatch.setenv("INVERTED", "1")
        monkeypatch.setattr(inverted, "FROM_PASSAGES", 16)
        monkeypatch.setattr(inverted, "RECALL", 1.01)  # all lists are looked at, so that hits can be compared
    return str(request.param)


@contextmanager
def writers() -> Iterator[Callable[[Path, int], int]]:
    """(folder, seed) -> the process id of a writer that was just forked; it is waited for when it has been killed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, str(FIRE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None

        def start(folder: Path, seed: int) -> int:
            assert nursery.stdin is not None
            assert nursery.stdout is not None
            nursery.stdin.write(json.dumps({"folder": str(folder), "seed": seed}) + "\n")
            nursery.stdin.flush()
            line = nursery.stdout.readline().strip()
            return int(nursery.stdout.readline() if line == "ended" else line)

        yield start
        nursery.stdin.close()


Asks = Callable[[Collection, str], str]


@pytest.fixture
def ask(encoder: Encoder, reader: Reader) -> Asks:
    """(collection, question) -> the text of its answer, by the bundled models."""
    return lambda collection, question: answer(collection, Models(encoder, reader), question).text


def kill_and_look(town: Path, kills: int, seed: int, ask: Asks, vectors: np.ndarray) -> dict[str, int]:
    """Kills so many writers at random moments, and looks at what is left after each; the figures of the run."""
    chance = random.Random(seed)
    journal = fire.Journal(town)
    figures = {"kills": 0, "documents_looked_at": 0, "steps": 0, "kills_inside_a_step": 0}
    with writers() as start:
        for kill in range(kills):
            before = journal.steps()
            process = start(town, seed + kill)
            # Not before it writes: the first documents are there, and this writer has ended a step of its own.
            deadline = time.monotonic() + 60
            while journal.steps() <= before or not journal.state()[0]:
                assert time.monotonic() < deadline, "the writer does not write"
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.5))
            os.kill(process, signal.SIGKILL)
            figures["kills"] += 1
            figures["kills_inside_a_step"] += journal.state()[1] is not None
            figures["documents_looked_at"] += look(town, journal, chance, ask, vectors)
    figures["steps"] = journal.steps()
    return figures


def look(town: Path, journal: Any, chance: random.Random, ask: Asks, vectors: np.ndarray) -> int:
    """After a kill: as a reader finds it, and as the next writer finds it; the number of documents."""
    for attempt in range(100):  # the killed process may still be ending
        try:
            with open_collection(town) as found:
                documents = int(fire.require_committed(found, journal))
                fire.require_whole(found, vectors, chance)
                group, version = chance.choice(sorted(fire.versions_in(found).items()))
                sign = f"group{group}version{version} near {fire.place_of(group, 0)}"
                said = ask(found, f"Who owns the workshop with the sign {sign}?")
                assert f"Owner{group}x" in said, said
            with open_collection(town, write=True) as mended:
                fire.require_committed(mended, journal)
                fire.require_whole(mended, vectors, chance)
        except CollectionLocked:
            assert attempt < 99
            time.sleep(0.02)
        else:
            return documents
    raise AssertionError


def test_a_writer_killed_at_any_moment_loses_nothing_that_was_committed(
    town: Path, ask: Asks, vectors: np.ndarray, base: str
) -> None:
    figures = kill_and_look(town, 8, 0, ask, vectors)
    assert figures["kills"] == 8
    assert figures["steps"] >= 8
    with open_collection(town, write=True) as collection:
        collection.refresh_base()
        with collection.reading() as snapshot:
            assert snapshot.status().vectors.kind == base


def test_eight_threads_read_whole_states_while_another_process_writes(town: Path, vectors: np.ndarray) -> None:
    with writers() as start, open_collection(town) as shared, ThreadPoolExecutor(8) as threads:
        process = start(town, 1)
        until = time.monotonic() + 4

        def read(seed: int) -> int:
            chance, readings = random.Random(seed), 0
            while time.monotonic() < until or readings < 5:
                fire.require_whole(shared, vectors, chance, looks=1)
                readings += 1
            return readings

        readings = list(threads.map(read, range(8)))
        os.kill(process, signal.SIGKILL)
        assert min(readings) >= 5
        assert shared.notices == []


def test_threads_do_not_wait_for_one_another(town: Path) -> None:
    with open_collection(town) as collection:
        meet = threading.Barrier(4, timeout=10)

        def read(_: int) -> int:
            with collection.reading() as snapshot:
                meet.wait()  # all four are inside at once, or this breaks
                return snapshot.generation

        with ThreadPoolExecutor(4) as threads:
            assert len(set(threads.map(read, range(4)))) == 1


def test_a_writer_may_be_closed_by_another_thread_than_opened_it(town: Path) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(open_collection, town, write=True).result().close()
    open_collection(town, write=True).close()


def test_a_second_writer_waits_a_little_and_the_lock_dies_with_its_process(town: Path) -> None:
    journal = fire.Journal(town)
    with writers() as start:
        process = start(town, 2)
        while len(journal.lines()) < 2:
            time.sleep(0.01)
        with pytest.raises(CollectionLocked, match=rf"process {process} on .* since \d{{4}}-\d\d-\d\d \d\d:\d\d"):
            open_collection(town, write=True)
        threading.Timer(0.5, os.kill, (process, signal.SIGKILL)).start()
        with open_collection(town, write=True) as after:
            fire.require_committed(after, journal)


def _in_child(work: Callable[[], None]) -> str:
    """What the work has to say, done in a forked process that may give up rights and limits: "" or an error's line."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        said = ""
        # The threads that FAISS had in the parent are not here, and it would wait for them or fall.
        faiss.omp_set_num_threads(1)
        try:
            work()
        except CollectionError as error:
            said = f"{type(error).__name__}: {error}"
        except BaseException as error:  # noqa: BLE001  (a forked child must end here, and tell)
            said = f"BUG {error!r}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(process, 0)
    return said if status == 0 else f"BUG: the child ended with status {status}"


def fill(folder: Path, vectors: np.ndarray) -> None:
    """Adds groups until something is in the way."""
    with open_collection(folder, write=True) as collection:
        for group in range(fire.GROUPS):
            collection.replace(fire.prepared(group, 0, vectors))
            collection.refresh_base()


@pytest.mark.parametrize("room", [150_000, 250_000, 400_000])
def test_files_that_may_not_grow_are_one_clear_line_and_the_collection_is_as_it_was(
    town: Path, vectors: np.ndarray, room: int
) -> None:
    with open_collection(town, write=True) as collection:
        collection.replace(fire.prepared(0, 0, vectors))
        collection.replace(fire.prepared(fire.GROUPS - 1, 0, vectors))
        collection.refresh_base()

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        fill(town, vectors)

    said = _in_child(work)
    assert said.startswith("CollectionError: ")
    assert "nothing that was stored before is lost" in said
    assert "\n" not in said
    with open_collection(town) as collection:
        fire.require_whole(collection, vectors, random.Random(0))
        assert fire.versions_in(collection).items() >= {0: 0, fire.GROUPS - 1: 0}.items()
    fill(town, vectors)  # with room again, it goes on
    with open_collection(town) as collection:
        assert fire.versions_in(collection) == dict.fromkeys(range(fire.GROUPS), 0)
        fire.require_whole(collection, vectors, random.Random(0))


def test_a_base_that_cannot_be_written_is_one_clear_line_and_leaves_no_scrap(town: Path, vectors: np.ndarray) -> None:
    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        dense.save(dense.build(np.arange(len(vectors)), vectors), town / "vectors-9.faiss")

    said = _in_child(work)
    assert said.startswith("CollectionError: ")
    assert "\n" not in said
    assert not list(town.glob("vectors-9*"))


@pytest.mark.parametrize("kilobytes", [500, 700])
def test_a_full_disk_is_one_clear_line_and_the_collection_is_as_it_was(
    town: Path, vectors: np.ndarray, kilobytes: int
) -> None:
    disk = town.with_name("disk")
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)],  # noqa: S607
        check=False,
        capture_output=True,
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small tmpfs takes root")
    try:
        shutil.copytree(town, disk / "town")
        with open_collection(disk / "town", write=True) as collection:
            collection.replace(fire.prepared(0, 0, vectors))
        with pytest.raises(CollectionError, match=r"^[^\n]*nothing that was stored before is lost$"):
            fill(disk / "town", vectors)
        with open_collection(disk / "town") as collection:
            fire.require_whole(collection, vectors, random.Random(0))
            assert 0 in fire.versions_in(collection)
    finally:
        # Lazily: what the error's traceback still holds open would stand in the way.
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S607


def test_a_folder_that_may_not_be_written_to_is_read_and_writing_is_refused_in_one_line(
    town: Path, vectors: np.ndarray
) -> None:
    with open_collection(town, write=True) as collection:
        collection.replace(fire.prepared(0, 0, vectors))
        collection.refresh_base()
    # pytest's own folders are closed to others, whom we become where we are root.
    with tempfile.TemporaryDirectory() as open_to_all:
        os.chmod(open_to_all, 0o755)  # noqa: PTH101, S103
        folder = Path(shutil.copytree(town, Path(open_to_all) / "town"))
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = sorted((path.name, path.stat().st_mtime_ns) for path in folder.rglob("*"))

        def become_nobody() -> None:
            if os.getuid() == 0:
                os.setuid(65534)

        def read() -> None:
            become_nobody()
            with open_collection(folder) as collection:
                fire.require_whole(collection, vectors, random.Random(0))
                assert collection.notices == []

        def write() -> None:
            become_nobody()
            open_collection(folder, write=True)

        assert _in_child(read) == ""
        said = _in_child(write)
        assert said.startswith(f"CollectionReadOnly: '{folder}' cannot be written to (Permission denied)")
        assert sorted((path.name, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)


def test_a_collection_made_anew_in_the_folder_is_seen_by_those_who_had_the_old_one_open(
    town: Path, encoder: Encoder, vectors: np.ndarray
) -> None:
    def fresh(group: int) -> Collection:
        made = create_collection(town, encoder.identity)
        made.replace(fire.prepared(group, 0, vectors))
        made.close()
        return made

    fresh(3)
    with open_collection(town) as reader:
        assert fire.versions_in(reader) == {3: 0}
        fire.require_whole(reader, vectors, random.Random(0))
        shutil.rmtree(town)
        fresh(5)
        assert fire.versions_in(reader) == {5: 0}
        fire.require_whole(reader, vectors, random.Random(0))


@pytest.mark.slow
def test_two_hundred_killed_writers_lose_nothing(town: Path, ask: Asks, vectors: np.ndarray) -> None:
    figures = kill_and_look(town, 220, 1000, ask, vectors)
    assert figures["kills"] == 220
    _keep("killed", figures)


@pytest.mark.slow
def test_one_writer_and_eight_reading_processes_for_two_minutes(town: Path) -> None:
    with writers() as start:
        process = start(town, 7)
        while not fire.Journal(town).lines():
            time.sleep(0.01)
        readers = [
            subprocess.Popen(
                [sys.executable, str(FIRE), "read", str(town), "120", str(seed)],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            for seed in range(8)
        ]
        said = [reader.communicate() for reader in readers]
        os.kill(process, signal.SIGKILL)
    assert [reader.returncode for reader in readers] == [0] * 8
    readings = [int(out) for out, _ in said]
    assert min(readings) >= 100
    steps = fire.Journal(town).steps()
    assert steps >= 100
    # Each reader ends at its first wrong or failed reading, and did not.
    _keep("reading", {"readers": 8, "seconds": 120, "readings": sum(readings), "steps": steps})


def _keep(name: str, figures: dict[str, int]) -> None:
    """A long run's figures into eval/results, where PILCROW_SAVE asks for it."""
    if "PILCROW_SAVE" in os.environ:
        command = f"PILCROW_SAVE=1 python -m pytest -m slow tests/index/test_robustness.py -k {name}"
        save_result(f"robustness-{name}", figures, command=command, data=FIRE, model_sha256=BUNDLED_SHA256)
