"""Files that came through a browser: names, updates, rows, refusals."""

from pathlib import Path

import pytest

from index.documents import Document
from index.encoder.embedding import Encoder
from index.errors import Unreadable
from index.opening import create_collection
from rag.opened import OpenCollection
from rag.page.uploads import Added, add_upload, clean_name

SIGN = "The sign of the old bridge says that nobody may cross it in winter."


@pytest.fixture
def opened(tmp_path: Path, encoder: Encoder) -> OpenCollection:
    create_collection(tmp_path / "collection", encoder.identity).close()
    opened = OpenCollection(tmp_path / "collection")
    opened._encoder = encoder
    return opened


def documents(opened: OpenCollection) -> list[Document]:
    with opened.stored.reading() as snapshot:
        return [snapshot.document(document.doc_id) for document in snapshot.documents()]


def sent(folder: Path, text: str, name: str = "sent.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_same_name_again_is_an_update_and_the_same_bytes_are_nothing_new(
    opened: OpenCollection, tmp_path: Path
) -> None:
    assert add_upload(opened, sent(tmp_path, SIGN), "sign.txt") == Added(1, 0, 0)
    assert add_upload(opened, sent(tmp_path, SIGN), "sign.txt") == Added(0, 0, 1)
    assert add_upload(opened, sent(tmp_path, SIGN + " Or in spring."), "sign.txt") == Added(0, 1, 0)
    (document,) = documents(opened)
    assert (document.doc_id, document.source, document.text) == ("sign.txt", "upload:sign.txt", SIGN + " Or in spring.")


def test_a_row_is_a_document_and_a_bad_one_is_told(opened: OpenCollection, tmp_path: Path) -> None:
    rows = sent(tmp_path, f'{{"text": "{SIGN}"}}\nnot json\n{{"text": "Another {SIGN}"}}\n', "rows.jsonl")
    added = add_upload(opened, rows, "rows.jsonl")
    assert (added.added, len(added.faults), added.faults[0].startswith("row 2: ")) == (2, 1, True)
    assert [document.doc_id for document in documents(opened)] == ["rows.jsonl#1", "rows.jsonl#3"]


def test_rows_that_are_gone_when_a_file_comes_again_are_documents_no_longer(
    opened: OpenCollection, tmp_path: Path
) -> None:
    lines = [f'{{"text": "{SIGN} It is sign number {number}."}}' for number in range(3)]
    add_upload(opened, sent(tmp_path, "\n".join(lines), "rows.jsonl"), "rows.jsonl")
    add_upload(opened, sent(tmp_path, lines[0], "more-rows.jsonl"), "more-rows.jsonl")
    again = add_upload(opened, sent(tmp_path, "\n".join(lines[:2]), "rows.jsonl"), "rows.jsonl")
    assert again == Added(0, 0, 2, removed=1)
    assert [d.doc_id for d in documents(opened)] == ["more-rows.jsonl#1", "rows.jsonl#1", "rows.jsonl#2"]


def test_what_cannot_be_read_changes_nothing(opened: OpenCollection, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="not a format"):
        add_upload(opened, sent(tmp_path, SIGN, "x.exe"), "x.exe")
    with pytest.raises(Unreadable, match="not named as what was sent"):
        add_upload(opened, sent(tmp_path, SIGN), "sign.html")
    with pytest.raises(Unreadable, match="no text"):
        add_upload(opened, sent(tmp_path, "  "), "empty.txt")
    assert documents(opened) == []


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/evil.txt", "evil.txt"),
        ("C:\\folder\\a b.txt", "a b.txt"),
        ("x\u202etxt.exe\n.txt", "xtxt.exe.txt"),
        ("é" * 300 + ".pdf", "é" * 196 + ".pdf"),
        (".txt", ".txt"),
    ],
)
def test_a_name_is_its_last_part_in_characters_that_a_line_shows(given: str, name: str) -> None:
    assert clean_name(given) == name


def test_a_name_of_nothing_is_refused() -> None:
    for given in ("", "..", "a/", "\x00"):
        with pytest.raises(Unreadable, match="no name"):
            clean_name(given)


def test_a_row_that_cannot_be_read_when_its_file_is_sent_again_stays(opened: OpenCollection, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "The bridge."}\n{"text": "The mill."}\n{"text": "The church."}\n')
    add_upload(opened, path, "rows.jsonl")
    path.write_text('{"text": "The bridge."}\n{"text": "The mi\n')
    again = add_upload(opened, path, "rows.jsonl")
    assert (again.unchanged, again.removed, len(again.faults)) == (1, 1, 1)
    with opened.stored.reading() as snapshot:
        assert {d.doc_id for d in snapshot.documents()} >= {"rows.jsonl#1", "rows.jsonl#2"}
