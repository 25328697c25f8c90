"""A collection of the previous format opens, and says what it said.

data/format-1.sqlite was made by Pilcrow at its first commit of format 1 from the three files below, two of them the same.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from index.collection import open_collection
from index.embedding import Encoder
from index.errors import CollectionMismatch
from index.records import vectors_after

FORMAT_1 = Path(__file__).parent / "data" / "format-1.sqlite"
FERRY = """The ferry

The ferry to the island leaves at seven in the morning and carries forty passengers.

Its captain, Ilse Example, has steered it since 2009.
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shutil.copy(FORMAT_1, tmp_path / "corpus.sqlite")
    return tmp_path


def test_a_collection_of_the_previous_format_opens_with_its_documents_and_vectors(old: Path, encoder: Encoder) -> None:
    with closing(sqlite3.connect(FORMAT_1)) as connection:
        before = dict(connection.execute("SELECT passage_id, vector FROM passages").fetchall())
    with open_collection(old) as collection, collection.reading() as snapshot:
        assert [d.doc_id for d in snapshot.documents()] == ["ferry-again.txt", "ferry.txt", "orchard.txt"]
        assert snapshot.document("ferry.txt").text == FERRY
        assert (snapshot.document("ferry.txt").date, snapshot.document("ferry.txt").publisher) == ("2021-05-04", "Post")
        assert snapshot.copies("ferry.txt") == ["ferry-again.txt"]
        ids, vectors = vectors_after(snapshot._connection, -1, 384)
        stored = np.frombuffer(b"".join(before[i] for i in ids.tolist()), "<f2").reshape(-1, 384)
        np.testing.assert_array_equal(vectors, stored.astype(np.float32))
        assert len(ids) == len(before) - len(snapshot.passages_of("ferry.txt"))
        near = snapshot.nearest(encoder.encode(["When does the ferry leave?"])[0], 1)
        assert "leaves at seven" in snapshot.passages([i for i, _ in near])[0].text
        assert "apple" in snapshot.passages([i for i, _ in snapshot.lexical("orchard", 1)])[0].text
        assert snapshot.status().health == "ok"


def test_a_migration_that_is_cut_short_leaves_the_old_format_to_be_migrated_again(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("index.migration.next_generation", fail)
        open_collection(old)
    with closing(sqlite3.connect(old / "corpus.sqlite")) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone() == ("1",)
    with open_collection(old) as collection, collection.reading() as snapshot:
        assert len(snapshot.documents()) == 3


def test_a_newer_format_is_refused_and_left_alone(old: Path) -> None:
    with closing(sqlite3.connect(old / "corpus.sqlite")) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    for write in (False, True):
        with pytest.raises(CollectionMismatch, match="format 99"):
            open_collection(old, write=write)
