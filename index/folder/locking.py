"""The writer's lock: one process writes, and a second is told which.

The system lets go of it when its process ends, however that ends.
"""

import os
import platform
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import filelock

from index.errors import CollectionLocked, CollectionReadOnly

_LOCK = "writer.lock"
_HOLDER = "writer.pid"
# How long a second writer waits: enough for a `remove` to pass, not for an import.
_SECONDS = 3.0


def acquire(folder: Path, *, seconds: float | None = None) -> filelock.FileLock:
    """The lock, held. seconds: how long to wait for it.

    Raises CollectionLocked with its holder's process, host and time; CollectionReadOnly where `folder` is read-only.
    """
    lock = filelock.FileLock(folder / _LOCK, timeout=_SECONDS if seconds is None else seconds, thread_local=False)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise CollectionLocked(
            f"'{folder}' is being written by {_holder(folder)}; try again when it has finished"
        ) from error
    except OSError as error:
        raise CollectionReadOnly(
            f"'{folder}' cannot be written to ({error.strerror or error}); mend its permissions, or copy it to where "
            "it can be: it is as it was"
        ) from error
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    # The line is for people; on a full disk the lock holds all the same.
    with suppress(OSError):
        (folder / _HOLDER).write_text(f"process {os.getpid()} on {platform.node()} since {since}", encoding="utf-8")
    return lock


def remove_lock(folder: Path) -> None:
    """Takes away what `acquire` has left in a folder that is to be no collection's; to be called by the lock's holder.

    Windows keeps a file that is open: there the lock goes when it is released.
    """
    for name in (_HOLDER, _LOCK):
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def _holder(folder: Path) -> str:
    try:
        return (folder / _HOLDER).read_text(encoding="utf-8") or "another process"
    except OSError:
        return "another process"
