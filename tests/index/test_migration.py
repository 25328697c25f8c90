"""A collection of the previous format opens, and says what it said.

data/format-1.sqlite was made by a Pilcrow of format 1 from three files of invented text, two of them the same;
data/format-2.sqlite from that by a Pilcrow of format 2, which then gave one of them a url.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from index.collection import open_collection
from index.encoder.embedding import Encoder
from index.errors import CollectionMismatch
from index.folder.rows import vectors_after

DATA = Path(__file__).parent / "data"
FERRY = """The ferry

The ferry to the island leaves at seven in the morning and carries forty passengers.

Its captain, Ilse Example, has steered it since 2009.
"""


@pytest.fixture(params=["1", "2"])
def old(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    shutil.copy(DATA / f"format-{request.param}.sqlite", tmp_path / "corpus.sqlite")
    return tmp_path


def format_of(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "corpus.sqlite")) as connection:
        return str(connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()[0])


def test_a_collection_of_the_previous_format_opens_with_its_documents_and_vectors(old: Path, encoder: Encoder) -> None:
    made_by = format_of(old)
    with closing(sqlite3.connect(old / "corpus.sqlite")) as connection:
        before = dict(connection.execute("SELECT passage_id, vector FROM passages").fetchall())
    with open_collection(old) as collection, collection.reading() as snapshot:
        assert [d.doc_id for d in snapshot.documents()] == ["ferry-again.txt", "ferry.txt", "orchard.txt"]
        assert snapshot.document("ferry.txt").text == FERRY
        assert (snapshot.document("ferry.txt").date, snapshot.document("ferry.txt").publisher) == ("2021-05-04", "Post")
        assert snapshot.copies("ferry.txt") == ["ferry-again.txt"]
        ids, vectors = vectors_after(snapshot.connection, -1, 384)
        stored = np.frombuffer(b"".join(before[i] for i in ids.tolist()), "<f2").reshape(-1, 384)
        np.testing.assert_array_equal(vectors, stored.astype(np.float32))
        assert len(ids) == len(before) - len(snapshot.passages_of("ferry.txt"))
        near = snapshot.nearest(encoder.encode(["When does the ferry leave?"])[0], 1)
        assert "leaves at seven" in snapshot.passages([i for i, _ in near])[0].text
        assert "apple" in snapshot.passages([i for i, _ in snapshot.lexical("orchard", 1)])[0].text
        assert snapshot.document("orchard.txt").url == ("https://example.org/orchard" if made_by == "2" else None)
        assert snapshot.status().health == "ok"
    assert format_of(old) == "3"


def test_a_migration_that_is_cut_short_leaves_the_old_format_to_be_migrated_again(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    before = format_of(old)
    with monkeypatch.context() as patch:
        patch.setattr("index.folder.migration.next_generation", fail)
        with pytest.raises(KeyboardInterrupt):
            open_collection(old)
    assert format_of(old) == before
    with open_collection(old) as collection, collection.reading() as snapshot:
        assert len(snapshot.documents()) == 3


def test_a_newer_format_is_refused_and_left_alone(old: Path) -> None:
    with closing(sqlite3.connect(old / "corpus.sqlite")) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    for write in (False, True):
        with pytest.raises(CollectionMismatch, match="format 99"):
            open_collection(old, write=write)
