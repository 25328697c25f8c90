"""Connections to a truth for reading: each has one user at a time, and those that nobody uses wait for the next."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from index.errors import CollectionMissing
from index.folder.truth import CORPUS, connect, is_still


class Connections:
    """The connections of one open collection; threads may share it."""

    def __init__(self, folder: Path) -> None:
        """folder: the collection's."""
        self._folder = folder
        self._idle: list[tuple[sqlite3.Connection, tuple[int, ...]]] = []
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile, to the file that is there now. Raises CollectionMissing."""
        stamp = self._stamp()
        connection = self._take(stamp) or connect(self._folder, write=False)
        try:
            yield connection
        finally:
            self._idle.append((connection, stamp))
            if self._closed:  # looked at last: `close` may have come meanwhile
                self._close_idle()

    def close(self) -> None:
        """Closes those that wait; those in use are closed when they are given back."""
        self._closed = True
        self._close_idle()

    def _take(self, stamp: tuple[int, ...]) -> sqlite3.Connection | None:
        """One that waits, of this stamp; those of another are of no use any more."""
        with suppress(IndexError):  # other threads take, too: only `pop` tells whether one is left
            while True:
                connection, of = self._idle.pop()
                if of == stamp:
                    return connection
                connection.close()
        return None

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop()[0].close()

    def _stamp(self) -> tuple[int, ...]:
        """What a connection belongs to: the file and, where it is read as one that cannot change, its time and size."""
        file = file_id(self._folder)
        if not is_still(self._folder):
            return file
        found = (self._folder / CORPUS).stat()
        return (*file, found.st_mtime_ns, found.st_size)


def file_id(folder: Path) -> tuple[int, int]:
    """What tells the truth in a folder from another that takes its place. Raises CollectionMissing."""
    try:
        found = (folder / CORPUS).stat()
    except FileNotFoundError as error:
        raise missing(folder) from error
    return found.st_dev, found.st_ino


def missing(folder: Path) -> CollectionMissing:
    """The error for a folder without a collection."""
    return CollectionMissing(f"no collection in '{folder}'; make one with: pilcrow index PATH --collection {folder}")
