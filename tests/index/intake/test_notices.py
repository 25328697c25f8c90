"""What of a file is not in its text is told when it is indexed, and stays known."""

from dataclasses import replace
from pathlib import Path

from index.encoder.embedding import Encoder
from index.folder.rows import read_notices
from index.intake.indexing import index_documents, row_document
from index.opening import create_collection, open_collection

NOTICES = ("2 pages are pictures and were not read (pages 3 and 7)", "a chart was not read")


def test_notices_are_stored_with_a_document_and_told_by_the_status(tmp_path: Path, encoder: Encoder) -> None:
    plain = row_document("a", "/a", "The mill was sold in May to a baker from the north.")
    told = replace(row_document("b", "/b", "The bridge was mended in June by the town."), notices=NOTICES, pages=(0, 3))
    with create_collection(tmp_path / "c", encoder.identity) as collection:
        index_documents(collection, encoder, [plain, told])
    with open_collection(tmp_path / "c") as collection:
        assert collection.damaged_documents() == []
        with collection.reading() as snapshot:
            assert (snapshot.document("b").notices, snapshot.document("b").pages) == (NOTICES, (0, 3))
            assert snapshot.document("a").notices == ()
            assert snapshot.status().not_read == tuple(("b", notice) for notice in NOTICES)
            assert read_notices(snapshot.connection) == snapshot.status().not_read  # type: ignore[attr-defined]
