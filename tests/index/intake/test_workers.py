"""Whoever reads and embeds, the same documents give the same collection: passages, ids and vectors."""

import gc
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import pytest

import pilcrow
from index.encoder.embedding import BUNDLED, BUNDLED_SHA256, Encoder, Vectors, open_encoder
from index.errors import Unreadable, WorkersFailed
from index.intake.files import Summary
from index.intake.indexing import index_paths
from index.intake.preparation import InProcess, Job, Pending, Split, Workforce
from index.intake.processes import Processes
from index.intake.workers import open_workers
from index.opening import create_collection, open_collection

ROOT = Path(__file__).parent.parent.parent.parent
STREETS = ("mill", "harbour", "church", "market", "bridge", "garden", "station")
DOCUMENTS = 23 + 1 + 1 + 7 + 1  # texts, a copy, a page, rows, another copy
Stored = dict[str, list[tuple[Any, ...]]]


def article(number: int) -> str:
    street = STREETS[number % len(STREETS)]
    return (
        f"Notice {number} of the {street} street\n\n"
        f"The committee of the {street} street met for the {number}th time and agreed to mend {number % 9 + 2} lamps.\n"
        "\n"
        f"The lamps were lit in the year {1800 + number} by Ilse Example, who kept the ladder behind the {street}.\n"
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Files of several kinds: readable ones, copies, rows, and some that cannot be read."""
    folder = tmp_path / "files"
    (folder / "old").mkdir(parents=True)
    for number in range(24):
        (folder / f"{number:02}.txt").write_text(article(number))
    (folder / "05-copy.txt").write_text(article(5))
    (folder / "06.html").write_text(f"<html><title>A page</title><body><p>{article(31)}</p></body></html>")
    (folder / "07.txt").write_text("")
    (folder / "08.pdf").write_bytes(b"%PDF-1.7 and then nothing of one")
    (folder / "09.docx").write_bytes(b"no archive at all")
    rows = [json.dumps({"title": f"Row {n}", "text": article(40 + n)}) for n in range(7)]
    (folder / "10.jsonl").write_text("\n".join([*rows[:3], "{not json", *rows[3:]]) + "\n")
    (folder / "old" / "11.txt").write_text(article(3))
    (folder / "metadata.csv").write_text("path,date,publisher\n03.txt,2021-03-04,The Lamp\n")
    return folder


def stored(folder: Path) -> Stored:
    """All that makes two collections the same, row by row."""
    with closing(sqlite3.connect(f"file:{folder}/corpus.sqlite?mode=ro", uri=True)) as connection:
        return {
            table: connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()
            for table, columns in {
                "documents": "doc_no, text_no, doc_id, source, date, publisher, sha256, given",
                "texts": "text_no, key, title, text, minhash",
                "paragraphs": "text_no, number, start, end, kind",
                "passages": "passage_id, text_no, start, end, heading, vector",
                "near_copies": "*",
            }.items()
        }


def indexed(place: Path, encoder: Encoder, files: Path, workers: Workforce | None = None) -> tuple[Summary, Stored]:
    with create_collection(place, encoder.identity) as collection:
        summary = index_paths(collection, encoder, [files], workers=workers)
    return summary, stored(place)


@pytest.fixture
def alone(tmp_path: Path, encoder: Encoder, files: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Summary, Stored]:
    """What this process makes of the files by itself, in several batches of some documents each; as all the others."""
    monkeypatch.setattr("index.intake.indexing._BATCH_PASSAGES", 8)
    return indexed(tmp_path / "alone", encoder, files)


class Late:
    """Workers that do nothing until a result is asked for: as late as any may be."""

    group_size, groups_ahead, batches_ahead = 3, 4, 3

    def __init__(self, encoder: Encoder) -> None:
        self.here = InProcess(encoder)
        self.most: deque[int] = deque([0], maxlen=1)
        self.under_way = 0
        self.embedded = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.here.__exit__()

    def prepare(self, jobs: Sequence[Job]) -> Pending[list[Split | Unreadable]]:
        return self._later(lambda: self.here.prepare(jobs).result())

    def encode(self, texts: Sequence[str]) -> Pending[Vectors]:
        self.embedded += len(texts)
        return self._later(lambda: self.here.encode(texts).result())

    def _later(self, work: Callable[[], Any]) -> Any:
        self.under_way += 1
        self.most.append(max(self.most[0], self.under_way))
        late = self

        class Asked:
            def result(self) -> Any:
                late.under_way -= 1
                return work()

        return Asked()


def test_results_that_come_late_make_the_same_collection_and_the_same_report(
    tmp_path: Path, encoder: Encoder, files: Path, alone: tuple[Summary, Stored]
) -> None:
    with Late(encoder) as late:
        assert indexed(tmp_path / "late", encoder, files, late) == alone
    assert late.most[0] <= (Late.groups_ahead + 1) + (Late.batches_ahead + 1)
    summary, found = alone
    assert [Path(path).name for path, _ in summary.unreadable] == ["07.txt", "08.pdf", "09.docx", "10.jsonl:4"]
    assert summary.added == DOCUMENTS
    # Copies, in the same batch or in one that is still on its way, are stored once.
    assert len(found["texts"]) == DOCUMENTS - 2


def test_a_text_that_loses_its_last_name_while_another_document_with_it_is_on_its_way_is_embedded(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.intake.indexing._BATCH_PASSAGES", 1)
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.txt").write_text(article(1))
    indexed(tmp_path / "c", encoder, folder)
    (folder / "a.txt").write_text(article(2))
    (folder / "z.txt").write_text(article(1))
    with Late(encoder) as late:
        summary, found = indexed(tmp_path / "c", encoder, folder, late)
    assert (summary.added, summary.updated) == (1, 1)
    texts = {row[2].splitlines()[0] if row[2] else row[3].splitlines()[0] for row in found["texts"]}
    assert texts == {"Notice 1 of the harbour street", "Notice 2 of the church street"}
    assert {row[1] for row in found["passages"]} == {row[0] for row in found["texts"]}


def test_words_that_name_no_workers_are_one_line(encoder: Encoder) -> None:
    for words in ("0", "-3", "many", "dask", "http://localhost:1"):
        with pytest.raises(WorkersFailed, match=rf"^'{words}' names no workers; write .*$"):
            open_workers(words, encoder)
    assert open_workers(None, encoder) is None
    assert open_workers("1", encoder) is None


def test_two_processes_make_the_same_collection_and_the_command_says_the_same(
    tmp_path: Path, files: Path, alone: tuple[Summary, Stored], capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for name, options in (("one", ()), ("two", ("--workers", "2"))):
        assert pilcrow.main(["index", str(files), "--collection", str(tmp_path / name), "--json", *options]) == 1
        said.append(capsys.readouterr())
    assert said[0] == said[1]
    assert stored(tmp_path / "two") == stored(tmp_path / "one") == alone[1]


def test_a_killed_process_is_one_line_and_the_next_run_goes_on_from_there(
    tmp_path: Path, encoder: Encoder, files: Path, alone: tuple[Summary, Stored]
) -> None:
    class Ended(Processes):
        batches = 0

        def encode(self, texts: Sequence[str]) -> Pending[Vectors]:
            self.batches += 1
            if self.batches == 7:  # three have been stored by then
                os.kill(next(iter(self._pool._processes)), signal.SIGKILL)
            return super().encode(texts)

    with Ended(2, BUNDLED) as workers, pytest.raises(WorkersFailed, match=r"^[^\n]*run it again[^\n]*$"):
        indexed(tmp_path / "c", encoder, files, workers)
    with open_collection(tmp_path / "c") as collection, collection.reading() as snapshot:
        before = len(snapshot.documents())
    assert before >= 3
    summary, found = indexed(tmp_path / "c", encoder, files)
    assert (summary.unchanged, summary.added) == (before, DOCUMENTS - before)
    assert found == alone[1]


# A command in a process of its own, to be killed: small batches, each of which takes a while to be stored.
KILLED = """
import sys, time
import index.folder.collection, index.intake.indexing, pilcrow
index.intake.indexing._BATCH_PASSAGES = 8
replace = index.folder.collection.FolderCollection.replace
def slowly(*given, **named):
    replace(*given, **named)
    print("stored", flush=True)
    time.sleep(0.2)
index.folder.collection.FolderCollection.replace = slowly
sys.exit(pilcrow.main(sys.argv[1:]))
"""


def killed_after(batches: int, *command: str) -> set[int]:
    """The processes that the command's process had started when it was killed, after it had stored so many batches."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        for _ in range(batches):
            assert process.stdout.readline() == "stored\n"
        children = children_of(process.pid)
        process.kill()
    return children


def children_of(parent: int) -> set[int]:
    """The processes that a process has started, and those that they have."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, after = int(path.parent.name), path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == parent:
            found |= {pid} | children_of(pid)
    return found


@pytest.mark.parametrize("workers", ["2", pytest.param("ray", marks=pytest.mark.slow)])
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_killed_run_loses_nothing_repeats_little_and_leaves_no_process(
    workers: str, tmp_path: Path, encoder: Encoder, files: Path, alone: tuple[Summary, Stored]
) -> None:
    if workers == "ray" and find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    command = ["index", str(files), "--collection", str(tmp_path / "c"), "--workers", workers]
    children = killed_after(2, *command)
    assert len(children) >= 2
    with open_collection(tmp_path / "c") as collection, collection.reading() as snapshot:
        before, passages = len(snapshot.documents()), snapshot.status().passages
    assert 2 <= before < DOCUMENTS
    with Late(encoder) as counting:
        summary, found = indexed(tmp_path / "c", encoder, files, counting)
    assert (summary.unchanged, summary.added) == (before, DOCUMENTS - before)
    assert found == alone[1]
    # What was stored is not embedded again; a copy beside its text, in one batch, is.
    assert counting.embedded <= len(found["passages"]) - passages + 2 * 2
    deadline = time.monotonic() + 150  # Ray's own agents take a minute to see it
    while still := {pid for pid in children if Path(f"/proc/{pid}").exists() and not _is_ended(pid)}:
        assert time.monotonic() < deadline, f"{still} are left of {children}"
        time.sleep(0.1)


def _is_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


# ---- Ray


def test_without_ray_one_line_says_what_to_install(
    tmp_path: Path, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert pilcrow.main(["index", str(files), "--collection", str(tmp_path / "c"), "--workers", "ray"]) == 2
    assert capsys.readouterr().err == "pilcrow: --workers ray needs Ray; install it with: pip install 'pilcrow[ray]'\n"
    assert not (tmp_path / "c").exists()


def test_an_address_where_no_cluster_answers_is_one_line(
    tmp_path: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for address, said in (
        ("ray://127.0.0.1:1", "pilcrow: no Ray cluster answers at 'ray://127.0.0.1:1' (Connection refused); start one"),
        ("ray://somewhere", "pilcrow: 'ray://somewhere' is no address of a Ray cluster; write ray://HOST:PORT"),
    ):
        assert pilcrow.main(["index", str(files), "--collection", str(tmp_path / "c"), "--workers", address]) == 2
        error = capsys.readouterr().err
        assert error.startswith(said)
        assert error.count("\n") == 1
    assert not (tmp_path / "c").exists()


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """Ray on this machine with three workers, as the command starts it, and kept for the module's tests."""
    from contextlib import ExitStack

    from index.intake import cluster

    if find_spec("ray") is None:  # looked for, and not imported: how it is imported is part of how it is started
        pytest.skip("Ray is not installed")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as undo:
        patch.setattr(cluster, "n_cores", lambda: 3)
        library = cluster._ray(None, undo)
        cluster._connect(library, None, undo)
        yield library
    with warnings.catch_warnings():
        # Ray ends its processes without waiting for them, of which Python complains when their handles go.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_ray_loses_a_worker_in_the_middle_and_makes_the_same_collection(
    tmp_path: Path, encoder: Encoder, files: Path, alone: tuple[Summary, Stored], ray: Any
) -> None:
    from index.intake.cluster import Cluster

    class Shot(Cluster):
        group_size = 4
        sent = 0
        sends = 0

        def _send(self, sent: Any) -> Any:
            self.sends += sent.method == "encode"
            return super()._send(sent)

        def encode(self, texts: Sequence[str]) -> Pending[Vectors]:
            pending = super().encode(texts)
            self.sent += 1
            if self.sent == 3:
                actor = pending.actor  # type: ignore[attr-defined]
                os.kill(ray.get(actor.__ray_call__.remote(lambda _: os.getpid())), signal.SIGKILL)
            return pending

    with Shot(None, BUNDLED, BUNDLED_SHA256) as workers:
        assert len(workers._actors) + len(workers._starting) == 3
        found = indexed(tmp_path / "c", encoder, files, workers)
        assert workers.lost == 1
        assert not workers._sent
        # Only what the lost worker had was done again: of five batches under way, among three, two at most.
        assert workers.sends - workers.sent in (1, 2)
    assert found == alone


def test_ray_that_is_started_here_listens_at_this_machine_alone(ray: Any) -> None:
    assert {node["NodeManagerAddress"] for node in ray.nodes()} == {"127.0.0.1"}
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_documents_that_end_every_worker_are_given_up_in_one_line(
    tmp_path: Path, encoder: Encoder, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from index.intake import cluster

    real = cluster._actor

    def ending(library: Any) -> Any:
        class Actor(real(library)):  # type: ignore[misc]
            @library.method(concurrency_group="encode")  # type: ignore[untyped-decorator]
            def encode(self, texts: Sequence[str]) -> None:
                os._exit(len(texts))

        return Actor

    monkeypatch.setattr(cluster, "_actor", ending)
    with (
        cluster.Cluster(None, BUNDLED, BUNDLED_SHA256) as workers,
        pytest.raises(WorkersFailed, match=r"^4 workers were ended by the same documents, [^\n]*$"),
    ):
        indexed(tmp_path / "c", encoder, files, workers)


@pytest.mark.usefixtures("ray")
def test_workers_with_other_code_or_another_encoder_are_refused() -> None:
    from index.intake.cluster import Cluster

    with pytest.raises(WorkersFailed, match=r"^the workers have another encoder \(53aa51172d14…, not 0123…\), [^\n]*$"):
        Cluster(None, BUNDLED, "0123").__enter__()
    other = Cluster(None, BUNDLED, BUNDLED_SHA256)
    other._expected = ("0123", BUNDLED_SHA256)
    with pytest.raises(WorkersFailed, match=r"^the workers have another version of Pilcrow \([^\n]*$"):
        other.__enter__()


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_an_encoder_that_the_workers_do_not_have_is_one_line(tmp_path: Path) -> None:
    from index.errors import EncoderMissing
    from index.intake.cluster import Cluster

    with pytest.raises(EncoderMissing, match=r"^the encoder '[^\n]*$"):
        Cluster(None, str(tmp_path / "absent"), "0123").__enter__()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_a_cluster_that_is_there_is_used_by_its_address_and_may_lose_a_worker(
    tmp_path: Path, files: Path, alone: tuple[Summary, Stored]
) -> None:
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": "0123456789abcdef" * 4,
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--port=0", "--num-cpus=2"]
    options = [f"--ray-client-server-port={port}", "--include-dashboard=false", "--object-store-memory=100000000"]
    with (
        tempfile.TemporaryDirectory(prefix="pilcrow-", dir="/tmp", ignore_cleanup_errors=True) as folder,
        subprocess.Popen(
            [*command, *options, f"--temp-dir={folder}"],
            env={**environment, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as head,
    ):
        try:
            _wait_until_listening(port)
            indexing = subprocess.Popen(
                [sys.executable, "-c", KILLED, "index", str(files), "--collection", str(tmp_path / "c"),
                 "--workers", f"ray://127.0.0.1:{port}"],
                cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            assert indexing.stdout is not None
            with indexing, indexing.stdout:
                assert indexing.stdout.readline() == "stored\n"
                actors = [pid for pid in children_of(head.pid) if _command_of(pid).startswith("ray::Actor")]
                assert len(actors) == 2
                os.kill(actors[0], signal.SIGKILL)
                said = indexing.stdout.read()
            assert indexing.returncode == 1  # since some files cannot be read
            assert f"{DOCUMENTS} added" in said
        finally:
            head.terminate()
    assert stored(tmp_path / "c") == alone[1]


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 100
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "Ray does not start"
            time.sleep(0.5)
        else:
            return


# A command in a process of its own, to be interrupted: it says when a long text is embedded and others are stored.
INTERRUPTED = """
import sys, threading, time
import index.encoder.engine, index.folder.collection, index.intake.indexing, pilcrow
index.intake.indexing._BATCH_PASSAGES = 8
index.encoder.engine.n_cores = lambda: 2  # of many cores each would have begun a part of the text
hidden_states, replace = index.encoder.engine.Engine.hidden_states, index.folder.collection.FolderCollection.replace
stored, calls = threading.Event(), []
def slowly(self, ids, types):
    if ids.shape[1] > 30:
        time.sleep(0.2)
        calls.append(stored.is_set())
    return hidden_states(self, ids, types)
def told(self, batch):
    replace(self, batch)
    stored.set()
    print("stored", flush=True)
index.encoder.engine.Engine.hidden_states, index.folder.collection.FolderCollection.replace = slowly, told
status = pilcrow.main(sys.argv[1:])
print(sum(calls))
sys.exit(status)
"""


def test_an_interrupted_run_ends_in_the_middle_of_a_batch_and_says_what_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.txt").write_text(f"Lamp {number} was lit.\n")
    (folder / "long.txt").write_text("".join(article(number) for number in range(300)))
    command = ["index", str(folder), "--collection", str(tmp_path / "c")]
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *command], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "stored\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100)
    assert int(out) <= 20  # of a hundred that its text has
    assert process.returncode == 130
    assert (
        err == f"pilcrow: stopped; '{tmp_path / 'c'}' holds 8 documents, whole; the same command goes on from there\n"
    )
    assert pilcrow.main(command) == 0
    assert capsys.readouterr().out.startswith("1 added, 0 updated, 8 unchanged in ")


def test_a_model_of_sentence_transformers_stops_between_its_batches(other_folder: Path) -> None:
    encoder = open_encoder(str(other_folder))
    with InProcess(encoder) as here:
        many: Any = here.encode([article(number) for number in range(40_000)])
        while not many.running():
            time.sleep(0.01)
    with pytest.raises(CancelledError):
        many.result()
    assert encoder.encode_passages(["The old bridge."]).shape == (1, 32)


def test_processes_are_not_waited_for_when_a_run_fails() -> None:
    texts = ["The old bridge over the river was mended before winter by the town's committee. " * 12] * 4000
    workers = Processes(1, BUNDLED)
    workers.encode(texts[:1]).result()
    (child,) = workers._pool._processes.values()
    workers.encode(texts)
    time.sleep(0.5)
    workers.__exit__(KeyboardInterrupt)
    assert child.exitcode == 1  # it ended itself, with minutes of work before it
