"""Places where a collection can lie: a folder, a Milvus Lite file, and a Milvus Lite server over the network."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eval.bench.milvus import lite_server

Places = Callable[[], str | Path]
_numbers = itertools.count(1)


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
