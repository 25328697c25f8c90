"""The writer's lease: one process writes, a second is told which; where the first was killed, the lease runs out.

Milvus has no locks and no compare-and-set, so a lease is a row that its holder renews. Who takes it looks again after a
moment whether it is still theirs, and a writer looks again before each commit.
"""

import os
import platform
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from secrets import token_hex

from index.errors import CollectionError, CollectionLocked
from index.milvus.store import Row, Store

LEASE_SECONDS = 60.0
# How long a second writer waits: enough for a `remove` to pass, not for an import.
_PATIENCE = 3.0
# Two that take it at once both write; after this the later row is there for both to see.
_SETTLING = 0.05
_KEY = "writer"


class Lease:
    """The right to write, held until `release`."""

    def __init__(self, store: Store) -> None:
        """Raises CollectionLocked where another process, or another part of this one, holds it."""
        self._store = store
        self._token = token_hex(8)
        self._over = threading.Event()
        until = time.monotonic() + _PATIENCE
        while (holder := self._other()) is not None:
            if time.monotonic() > until:
                raise _locked(store, holder)
            time.sleep(0.2)
        self._write()
        time.sleep(_SETTLING)
        self.require()
        self._renewing = threading.Thread(target=self._renew, name="milvus-lease", daemon=True)
        self._renewing.start()

    def require(self) -> None:
        """Raises CollectionLocked where the lease is no longer this one's."""
        held = self._store.value(_KEY)
        if held is None or held["token"] != self._token:
            raise _locked(self._store, held or {})

    def release(self) -> None:
        """Lets others write."""
        self._over.set()
        self._renewing.join()
        with suppress(CollectionError):
            self.require()
            self._store.set_value(_KEY, {"token": "", "until": 0})

    def _other(self) -> Row | None:
        """Who else holds it."""
        held = self._store.value(_KEY)
        if held is None or held["until"] < time.time() or _was_here_and_died(held):
            return None
        return held

    def _write(self) -> None:
        since = datetime.now().astimezone().isoformat(" ", "seconds")
        who = {"pid": os.getpid(), "host": platform.node(), "pids": _pids(), "since": since}
        self._store.set_value(_KEY, {"token": self._token, "until": time.time() + LEASE_SECONDS, **who})

    def _renew(self) -> None:
        while not self._over.wait(LEASE_SECONDS / 3):
            with suppress(CollectionError):  # a server that is away for a moment; `require` tells the rest
                self.require()
                self._write()


def _was_here_and_died(held: Row) -> bool:
    """Whether the holder was a process of this machine that is there no longer: its lease need not be waited for."""
    if not held.get("pids") or held["pids"] != _pids() or os.name != "posix":
        return False
    try:
        os.kill(held["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _pids() -> str:
    """Among which processes a pid names one; "" where that cannot be told.

    Two containers may have one host name, and each a process 7: so Linux's number of the boot and of the namespace of
    pids are in it.
    """
    if platform.system() != "Linux":
        return platform.node()
    try:
        boot, namespace = Path("/proc/sys/kernel/random/boot_id").read_text(), Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{platform.node()} {boot.strip()} {namespace}"


def _locked(store: Store, held: Row) -> CollectionLocked:
    who = f"process {held['pid']} on {held['host']} since {held['since']}" if "pid" in held else "another process"
    left = max(held.get("until", 0) - time.time(), 0)
    return CollectionLocked(
        f"'{store.address.address}' is being written by {who}; try again when it has finished (where it was killed: "
        f"in {left:.0f} seconds)"
    )
