"""Archives and mailboxes: each file in them is a document, and what cannot be read of them is told."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.errors import Unreadable
from index.formats.container import Member, mails
from index.formats.reading import FORMATS, file_of, open_file, rows_of
from index.intake.indexing import index_paths

SENTENCE = "The committee of the town met on Tuesday and agreed to mend the old bridge before winter."


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, raw in members.items():
            file.writestr(name.replace("__", "/").replace("_dot_", "."), raw)
    return path


def test_each_file_of_an_archive_is_a_document_and_so_is_each_row_of_its_tables(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", a_dot_txt=SENTENCE.encode(), sub__b_dot_csv=b"Item,Fee\nOar,4\nNet,5\n",
                   c_dot_pdf=b"junk", d_dot_gif=b"", e_dot_zip=b"", _dot_hidden_dot_txt=b"x")  # fmt: skip
    documents, faults = rows_of(open_file(path), "a.zip")
    assert [(d.doc_id, d.source.removeprefix(str(path)), d.text) for d in documents] == [
        ("a.zip/a.txt", "#1", SENTENCE),
        ("a.zip/sub/b.csv#1", "#2.1", "Item: Oar\nFee: 4"),
        ("a.zip/sub/b.csv#2", "#2.2", "Item: Net\nFee: 5"),
    ]
    assert {file_of(d.source) for d in documents} == {str(path)}
    assert [fault.reason for fault in faults] == [
        "c.pdf: it has no end: the file was cut short, or is no PDF; get it again",
        "2 files in it are of no format that is read (d.gif, e.zip)",
    ]


def test_a_name_that_leads_out_of_its_archive_stays_inside(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", **{"..__..__out_dot_txt": SENTENCE.encode(), "__etc__in_dot_txt": b"Elsewhere."})
    documents, faults = rows_of(open_file(path), "a.zip")
    assert [d.doc_id for d in documents] == ["a.zip/out.txt", "a.zip/etc/in.txt"]
    assert faults == []


def test_an_archive_that_would_unpack_to_gigabytes_is_not_opened(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", a_dot_txt=b"\0" * 501_000_000)
    with pytest.raises(Unreadable, match="unpacks to"):
        rows_of(open_file(path), "a.zip")


def test_a_file_that_unpacks_to_hundreds_of_times_its_size_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", a_dot_csv=b"a,b\n" * 3_000_000, b_dot_txt=SENTENCE.encode())
    documents, faults = rows_of(open_file(path), "a.zip")
    assert [d.doc_id for d in documents] == ["a.zip/b.txt"]
    assert [fault.reason for fault in faults] == [
        "a.csv: it unpacks to 12,000,000 bytes, more than 200 times its size, as no document does; it was not opened"
    ]


def test_two_files_of_one_name_in_an_archive_are_two_documents(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", sub__a_dot_txt=SENTENCE.encode(), **{"..__sub__a_dot_txt": b"Another text."})
    documents, faults = rows_of(open_file(path), "a.zip")
    assert {d.doc_id: d.text for d in documents} == {
        "a.zip/sub/a.txt": SENTENCE,
        "a.zip/sub/a (2).txt": "Another text.",
    }
    assert faults == []


def test_a_file_that_goes_from_an_archive_goes_from_the_collection(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    collection = make_collection()
    path = archive(tmp_path / "a.zip", a_dot_txt=SENTENCE.encode(), b_dot_txt=f"{SENTENCE} Again.".encode())
    assert index_paths(collection, encoder, [path]).added == 2
    assert index_paths(collection, encoder, [path]).unchanged == 2
    archive(path, a_dot_txt=SENTENCE.encode())
    summary = index_paths(collection, encoder, [path])
    assert (summary.unchanged, summary.removed) == (1, 1)


def test_mails_are_parted_where_they_begin_and_not_at_the_word_from() -> None:
    begun = b"From ann@example.org Tue May  4 10:00:00 2021\n"
    raw = begun + b"Subject: One\n\nFrom then on\n\n>From here\n\n" + begun + b"Subject: Two\n\nB\n"
    found = [mail.raw for mail in mails(raw) if isinstance(mail, Member)]
    assert found == [b"Subject: One\n\nFrom then on\n\nFrom here", b"Subject: Two\n\nB"]
    assert {".zip", ".mbox", ".xlsx", ".odt", ".rtf", ".tsv"} <= FORMATS


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK junk")
    with pytest.raises(Unreadable, match="damaged"):
        rows_of(open_file(tmp_path / "a.zip"), "a.zip")
    raw = BytesIO(b"nothing")
    with pytest.raises(Unreadable, match="no mailbox"):
        list(mails(raw.read()))
