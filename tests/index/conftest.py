"""Places where a collection can lie: a folder, a Milvus Lite file, and a Milvus Lite server over the network."""

import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

Places = Callable[[], str | Path]
_numbers = itertools.count(1)


@contextmanager
def lite_server(folder: Path) -> Iterator[str]:
    """A Milvus Lite server of its own process on 127.0.0.1; its address without a collection's name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "milvus_lite.cmdline", "server", "--data-dir", str(folder), "--host", "127.0.0.1"]
    log = (folder.parent / f"{folder.name}.log").open("wb")
    with log, subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log) as server:
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until and server.poll() is None:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.05)
            yield f"milvus+http://127.0.0.1:{port}"
        finally:
            server.kill()


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Milvus Lite server for the whole session."""
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'pilcrow[milvus]'")
    with lite_server(tmp_path_factory.mktemp("milvus") / "data") as address:
        yield address


@pytest.fixture(params=["folder", "file", "server"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Gives a place where no collection is yet, each time another."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if request.param == "folder":
        return lambda: tmp_path / f"folder{next(_numbers)}"
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'pilcrow[milvus]'")
    if request.param == "file":
        return lambda: f"milvus+file:{tmp_path}/file{next(_numbers)}.db"
    server = request.getfixturevalue("milvus")
    return lambda: f"{server}/test{next(_numbers)}"
