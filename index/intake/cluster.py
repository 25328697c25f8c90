"""A Ray cluster whose actors read, split and embed.

Ray starts them, moves documents and vectors, and says when one is gone; this module decides who gets what, and gives
what a lost one had to another. It is Ray's actors and not Ray Data, since the source is the one process that writes:
it alone knows what is stored already, and sends bytes, so that no worker need see the files.
"""

import os
import secrets
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Generic, Self, TypeVar, cast

from index.encoder.embedding import Vectors
from index.encoder.engine import n_cores
from index.errors import PilcrowError, Unreadable, WorkersFailed
from index.intake.preparation import Job, Pending, Split
from index.intake.worker import GROUP_DOCUMENTS, GROUPS_A_PROCESS, WorkerSide, code_hash

# Seconds until a first worker must be there: a busy cluster may have to make room.
_PATIENCE = 120.0
_CONNECTING = 10.0
# A document that ends so many workers is at fault itself.
_TRIES = 3
# Ray's own memory for what is under way, where it is started here: groups and batches are a few megabytes together.
_STORE_BYTES = 200_000_000
# Read when Ray is imported: only so does it listen at this machine's own address and nowhere else.
_LOOPBACK_ONLY = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"

T = TypeVar("T")


class _Sent(Generic[T]):
    """Work that an actor has; what was given stays here, for another to do should that one be lost."""

    def __init__(self, cluster: "Cluster", method: str, given: Sequence[object]) -> None:
        self.cluster, self.method, self.given = cluster, method, given
        self.actor: Any = None
        self.ref: Any = None
        self.tries = 0

    def result(self) -> T:
        """Waits for it. Raises WorkersFailed where all workers are gone."""
        return cast("T", self.cluster.wait_for(self))


class Cluster:
    """The actors of a Ray cluster, one a core or a GPU; those that are there first begin, others join them."""

    group_size = GROUP_DOCUMENTS

    def __init__(self, address: str | None, encoder: str, weights: str, device: str | None = None) -> None:
        """address: ray://HOST:PORT; None starts Ray on this machine, or uses one that this process has started.

        encoder: its name, or the path of its folder, on the workers. weights: the hash that theirs must have.
        device: what each embeds on, with PyTorch; with "cuda" there are as many as the cluster has GPUs.
        """
        self._address = address
        self._station, self._expected = (encoder, device), (code_hash(), weights)
        self._resource = "GPU" if (device or "").startswith("cuda") else "CPU"
        self._actors: list[Any] = []
        self._starting: dict[Any, Any] = {}  # what a new actor says when it is there -> the actor
        self._sent: list[_Sent[Any]] = []
        self._undo = ExitStack()
        self.lost = 0  # workers that were there and are gone
        self.groups_ahead = self.batches_ahead = 1

    def __enter__(self) -> Self:
        """Connects, and waits for a first worker. Raises WorkersFailed where there is none."""
        if self._address is not None:
            _require_listening(self._address)
        with ExitStack() as undo:
            self._ray = _ray(self._address, undo)
            _connect(self._ray, self._address, undo)
            number = max(1, int(self._ray.cluster_resources().get(self._resource, 0)))
            self.groups_ahead = GROUPS_A_PROCESS * number
            self.batches_ahead = number + 1
            undo.callback(self._end_all)
            for _ in range(number):
                self._start()
            self._join(_PATIENCE)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def prepare(self, jobs: Sequence[Job]) -> Pending[list[Split | Unreadable]]:
        """Each document split, or why it cannot be read, in order."""
        return self._send(_Sent[list[Split | Unreadable]](self, "prepare", jobs))

    def encode(self, texts: Sequence[str]) -> Pending[Vectors]:
        """The vectors of passages (n, d), in the texts' order."""
        return self._send(_Sent[Vectors](self, "encode", texts))

    def wait_for(self, sent: _Sent[Any]) -> object:
        """The result of what was sent; where its worker is lost, another does it again."""
        while True:
            try:
                result = self._ray.get(sent.ref)
            except (self._ray.exceptions.RayActorError, self._ray.exceptions.ObjectLostError):
                self._replace(sent.actor)
            except self._ray.exceptions.RayTaskError as error:
                raise _cause(error) from None
            except (ConnectionError, self._ray.exceptions.RaySystemError) as error:
                raise WorkersFailed(
                    f"the connection to {self._address or 'Ray'} was lost; what was stored stays: run it again to go "
                    "on from there"
                ) from error
            else:
                self._sent.remove(sent)
                return result

    def _send(self, sent: _Sent[T]) -> _Sent[T]:
        """To the worker that has the least of the kind."""
        self._join(0)
        load = dict.fromkeys(self._actors, 0)
        for other in self._sent:
            if other.method == sent.method and other.actor in load:
                load[other.actor] += 1
        sent.actor = min(self._actors, key=load.__getitem__)
        sent.ref = getattr(sent.actor, sent.method).remote(sent.given)
        if sent not in self._sent:
            self._sent.append(sent)
        return sent

    def _start(self) -> None:
        """Asks for one more actor."""
        groups = {"prepare": 1, "encode": 1}
        options = {"num_cpus": 1, "num_gpus": int(self._resource == "GPU"), "max_restarts": 0}
        actor = self._ray.remote(**options, concurrency_groups=groups)(_actor(self._ray)).remote(*self._station)
        self._starting[actor.check.remote()] = actor

    def _join(self, seconds: float) -> None:
        """Takes in those that have started; waits so long where nobody is there at all."""
        while self._starting:
            waiting = seconds if not self._actors else 0
            ready, _ = self._ray.wait(list(self._starting), num_returns=1, timeout=waiting)
            if not ready:
                break
            actor = self._starting.pop(ready[0])
            try:
                found = self._ray.get(ready[0])
            except self._ray.exceptions.RayActorError:
                continue
            except self._ray.exceptions.RayTaskError as error:
                raise _cause(error) from None
            _require_equal(found, self._expected)
            self._actors.append(actor)
        if not self._actors:
            raise WorkersFailed(
                f"no machine of the Ray cluster has a free {self._resource}, after {_PATIENCE:.0f} seconds; what was "
                "stored stays: run it again when there is room, and it goes on from there"
            )

    def _replace(self, actor: Any) -> None:
        """Gives what a lost worker had to others, and asks for a new one in its place."""
        if actor in self._actors:
            self._actors.remove(actor)
            self._ray.kill(actor)  # where it only cannot be reached
            self.lost += 1
            self._start()
            self._join(_PATIENCE)
        for sent in [sent for sent in self._sent if sent.actor is actor]:
            sent.tries += 1
            if sent.tries > _TRIES:
                raise WorkersFailed(
                    f"{sent.tries} workers were ended by the same documents, perhaps for lack of memory; what was "
                    "stored stays: run it again, without --workers, to see which"
                )
            self._send(sent)

    def _end_all(self) -> None:
        if not self._ray.is_initialized():
            return  # the connection is lost, and the cluster ends them itself
        with suppress(ConnectionError):
            for actor in (*self._actors, *self._starting.values()):
                self._ray.kill(actor)


def _actor(ray: Any) -> Any:
    """A Station that reads while it embeds: what is read next must not wait for a whole batch of vectors."""

    class Actor(WorkerSide):
        @ray.method(concurrency_group="prepare")  # type: ignore[untyped-decorator]
        def prepare(self, jobs: Sequence[Job]) -> list[Split | Unreadable]:
            return super().prepare(jobs)

        @ray.method(concurrency_group="encode")  # type: ignore[untyped-decorator]
        def encode(self, texts: Sequence[str]) -> Vectors:
            return super().encode(texts)

    return Actor


def _ray(address: str | None, undo: ExitStack) -> Any:
    """The library, imported so that what it starts here is for this machine and this user alone."""
    # Without a connection Ray would start itself anew, at any call.
    _set({"RAY_ENABLE_AUTO_CONNECT": "0"}, undo)
    if address is None:
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        python = os.pathsep.join(filter(None, [str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH")]))
        _set({"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": python, **token}, undo)
        if "ray" not in sys.modules:  # later, only its processes would heed it, and the two would not meet
            _set({_LOOPBACK_ONLY: "0"}, undo)
    try:
        import ray
    except ImportError as error:
        raise WorkersFailed("--workers ray needs Ray; install it with: pip install 'pilcrow[ray]'") from error
    return ray


def _connect(ray: Any, address: str | None, undo: ExitStack) -> None:
    if ray.is_initialized():
        return
    quiet = {"logging_level": "ERROR", "log_to_driver": False}
    if address is None:
        # Its sockets' paths may have some hundred characters, which a user's own temporary folder may pass.
        short = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108
        folder = tempfile.mkdtemp(prefix="pilcrow-", dir=short)
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        undo.callback(ray.shutdown)
        ray.init(
            "local", num_cpus=n_cores(), object_store_memory=_STORE_BYTES, include_dashboard=False, _temp_dir=folder,
            **quiet,
        )  # fmt: skip
        return
    undo.callback(ray.shutdown)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they say is in the error, too
            ray.init(address, **quiet)
    except (ConnectionError, RuntimeError) as error:
        told = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = told[0] if len(told) == 1 else f"{told[0]} {told[-1]}"
        raise WorkersFailed(
            f"the Ray cluster at '{address}' cannot be used: {reason}; its Ray and Python must be "
            "those of this machine, and where it asks for a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
        ) from error


def _require_listening(address: str) -> None:
    """Raises WorkersFailed where nobody listens: Ray's client would try for half a minute, and tell much."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise WorkersFailed(f"'{address}' is no address of a Ray cluster; write ray://HOST:PORT (its port is 10001)")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECTING).close()
    except OSError as error:
        raise WorkersFailed(
            f"no Ray cluster answers at '{address}' ({error.strerror or error}); start one there with "
            "'ray start --head', or use --workers ray for this machine's cores"
        ) from error


def _require_equal(found: tuple[str, str], expected: tuple[str, str]) -> None:
    for what, theirs, ours in zip(("version of Pilcrow", "encoder"), found, expected, strict=True):
        if theirs != ours:
            raise WorkersFailed(
                f"the workers have another {what} ({theirs[:12]}…, not {ours[:12]}…), and would make other passages "
                "or vectors; install the same on them"
            )


def _cause(error: Any) -> BaseException:
    """What went wrong on the worker: for a user its one line, else the whole of it."""
    cause: BaseException = error.cause
    return cause if isinstance(cause, PilcrowError) else error


def _set(variables: Mapping[str, str], undo: ExitStack) -> None:
    """Sets variables of the environment, until it is undone."""
    before = {name: os.environ.get(name) for name in variables}

    def put(values: Mapping[str, str | None]) -> None:
        for name, value in values.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    put(variables)
    undo.callback(put, before)
