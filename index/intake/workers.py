"""Other processes that read, split and embed: of this machine, or of a cluster.

    --workers 4                  four processes of this machine
    --workers ray                Ray on all cores of this machine, started for the run and ended with it
    --workers ray://HOST:PORT    a Ray cluster that is there

Owns what such a process holds and does. Documents go to it as bytes, so that it need not see the files, and what comes
back is put in order and stored by the one process that writes.
"""

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from index.encoder.embedding import Encoder, Vectors, open_encoder
from index.errors import Unreadable, WorkersFailed
from index.formats.parser import Worker
from index.intake.preparation import Job, Pending, Split, Workers, read_and_split

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# Documents that are handed over together: few enough that nobody waits long for the first of them.
GROUP_DOCUMENTS = 64
# Groups under way for each process: more than it reads while it embeds one batch would only fill the memory.
GROUPS_A_PROCESS = 4
_HERE = Path(__file__).parent.parent

T = TypeVar("T")


class Station:
    """What another process holds: the encoder, and the child that parses. It uses one core."""

    def __init__(self, encoder: str, device: str | None = None) -> None:
        """encoder: its name; or its folder, which must be there under the same path. device: as for `open_encoder`."""
        self._name, self._device = encoder, device
        # The other cores are the other stations'.
        os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")

    @cached_property
    def _encoder(self) -> Encoder:
        return open_encoder(self._name, device=self._device)

    @cached_property
    def _worker(self) -> Worker:
        return Worker()

    def check(self) -> tuple[str, str]:
        """The hashes of its code, and of its encoder's weights. Raises EncoderMissing."""
        return code_hash(), self._encoder.identity.weights

    def prepare(self, jobs: Sequence[Job]) -> list[Split | Unreadable]:
        """Each document split, or why it cannot be read, in order."""
        return [read_and_split(job, self._encoder, self._worker) for job in jobs]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages (n, d), in the texts' order."""
        return self._encoder.encode_passages(texts)


def code_hash() -> str:
    """What must be equal for two installations to make the same passages of a document: a hash over this package."""
    digest = hashlib.sha256()
    for path in sorted(path for suffix in ("py", "onnx", "json") for path in _HERE.rglob(f"*.{suffix}")):
        digest.update(path.relative_to(_HERE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def open_workers(named: str | None, encoder: Encoder, *, device: str | None = None) -> Workers | None:
    """Who `--workers` names, to be used in a `with`; None is this process.

    encoder: theirs is the one of the same name. device: what each embeds on, with PyTorch.
    Raises WorkersFailed where the words name nobody.
    """
    if named is None or named == "1":
        return None
    name = encoder.identity.name
    name = str(Path(name).resolve()) if Path(name).is_dir() else name
    if named.isdecimal() and int(named):
        return Processes(int(named), name, device)
    if named == "ray" or named.startswith("ray://"):
        from index.intake.cluster import Cluster

        return Cluster(None if named == "ray" else named, name, encoder.identity.weights, device)
    raise WorkersFailed(f"'{named}' names no workers; write a number of processes, or ray, or ray://HOST:PORT")


class Processes:
    """Processes of this machine, each with an encoder of its own."""

    group_size = GROUP_DOCUMENTS

    def __init__(self, number: int, encoder: str, device: str | None = None) -> None:
        self.groups_ahead = GROUPS_A_PROCESS * number
        self.batches_ahead = number + 1
        # A fork would take over the threads' locks, but not the threads.
        spawn = multiprocessing.get_context("spawn")
        held, self._hold = spawn.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(number, spawn, _begin, (held, encoder, device))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if any(raised):  # nobody waits for what they are at
            self._hold.close()
        self._pool.shutdown(cancel_futures=True)

    def prepare(self, jobs: Sequence[Job]) -> Pending[list[Split | Unreadable]]:
        """Each document split, or why it cannot be read, in order."""
        return self._submit(_prepare, jobs)

    def encode(self, texts: Sequence[str]) -> Pending[Vectors]:
        """The vectors of passages (n, d), in the texts' order."""
        return self._submit(_encode, texts)

    def _submit(self, work: Callable[[Sequence[str]], T] | Callable[[Sequence[Job]], T], given: object) -> Pending[T]:
        try:
            return _FromProcess(self._pool.submit(work, given))  # type: ignore[arg-type]
        except BrokenProcessPool as error:
            raise _ended() from error


@dataclass(frozen=True, slots=True)
class _FromProcess(Generic[T]):
    future: Future[T]

    def result(self) -> T:
        try:
            return self.future.result()
        except BrokenProcessPool as error:
            raise _ended() from error


def _ended() -> WorkersFailed:
    return WorkersFailed(
        "a process that reads and embeds was ended from outside, perhaps for lack of memory; what was stored stays: "
        "run it again to go on, with fewer --workers"
    )


# The side of the processes.

_stations: list[Station] = []


def _begin(held: "Connection", encoder: str, device: str | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started us, which then ends us
    threading.Thread(target=_end_with, args=(held,), daemon=True).start()
    _stations.append(Station(encoder, device))


def _end_with(held: "Connection") -> None:
    """Ends this process, whatever it is at, when the other end is let go: by a parent that gives up, or is killed."""
    held.poll(None)
    os._exit(1)


def _prepare(jobs: Sequence[Job]) -> list[Split | Unreadable]:
    return _stations[0].prepare(jobs)


def _encode(texts: Sequence[str]) -> Vectors:
    return _stations[0].encode(texts)
