"""Files that are broken, hostile or odd: each is told with its reason, and the others go in all the same."""

import json
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.errors import NothingToDo, Unreadable
from index.formats.parser import ParserProcess
from index.formats.reading import open_file, read_document
from index.intake.files import Summary, find_files
from index.intake.indexing import index_paths

SENTENCE = "The committee of the town met on Tuesday and agreed to mend the old bridge before winter."
CONTAINER = '<container><rootfiles><rootfile full-path="p.opf"/></rootfiles></container>'
PACKAGE = (
    '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>T</dc:title></metadata><manifest>'
    '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine>'
    "</package>"
)
BOMB = '<!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
)


@pytest.fixture(scope="module")
def parser() -> Iterator[ParserProcess]:
    with ParserProcess() as parser:
        yield parser


def reason(path: Path, raw: bytes, parser: ParserProcess) -> str:
    path.write_bytes(raw)
    with pytest.raises(Unreadable) as told:
        read_document(path, path.name, parser=parser)
    assert "\n" not in str(told.value)
    return str(told.value)


def pdf(pages: int = 1, *, text: str = SENTENCE, password: str | None = None) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    raw = BytesIO()
    canvas = Canvas(raw, encrypt=password)
    for _ in range(pages):
        canvas.drawString(72, 720, text)
        canvas.showPage()
    canvas.save()
    return raw.getvalue()


def archive(**members: bytes | str) -> bytes:
    raw = BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return raw.getvalue()


def epub(chapter: str | bytes) -> bytes:
    return archive(META_INF=b"", **{"META-INF/container.xml": CONTAINER, "p.opf": PACKAGE, "a.xhtml": chapter})


def docx(path: Path, **extra: str | bytes) -> bytes:
    """A real document with members added or replaced."""
    import docx as library

    document = library.Document()
    document.add_paragraph(SENTENCE)
    document.save(str(path))
    raw = BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            if name not in extra:
                new.writestr(name, old.read(name))
        for name, content in extra.items():
            new.writestr(name, content)
    return raw.getvalue()


@pytest.mark.parametrize("suffix", ["txt", "md", "html", "pdf", "docx", "pptx", "epub", "eml", "jsonl", "csv"])
def test_an_empty_file_and_one_of_junk_are_told_in_every_format(
    suffix: str, tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / f"a.{suffix}").write_bytes(b"")
    (tmp_path / "empty" / f"b.{suffix}").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "empty" / "good.txt").write_text(SENTENCE)
    summary = index_paths(make_collection(), encoder, [tmp_path / "empty"])
    assert summary.added == 1
    assert [Path(path).name for path, _ in summary.unreadable] == [f"a.{suffix}", f"b.{suffix}"]


def test_an_encrypted_pdf_a_scan_and_one_cut_short_are_told_apart(tmp_path: Path, parser: ParserProcess) -> None:
    path = tmp_path / "a.pdf"
    assert "encrypted" in reason(path, pdf(password="secret"), parser)  # noqa: S106
    assert "OCR" in reason(path, pdf(text=""), parser)
    assert "cut short" in reason(path, pdf(40)[:-2000], parser)
    assert "damaged" in reason(path, b"%PDF-1.7 nothing of the kind\n%%EOF", parser)


def test_an_archive_that_would_unpack_to_gigabytes_is_not_opened(tmp_path: Path, parser: ParserProcess) -> None:
    zeros = b"\0" * 501_000_000
    bomb = docx(tmp_path / "x.docx", **{"word/media/image1.png": zeros})
    assert len(bomb) < 3_000_000
    assert "unpacks to" in reason(tmp_path / "a.docx", bomb, parser)
    assert "unpacks to" in reason(tmp_path / "a.epub", epub(zeros), parser)


def test_entities_are_not_expanded(tmp_path: Path, parser: ParserProcess) -> None:
    xml = f'{BOMB}]><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p>' \
        "<w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>"  # fmt: skip
    bomb = docx(tmp_path / "x.docx", **{"word/document.xml": xml})
    assert "entities" in reason(tmp_path / "a.docx", bomb, parser)
    chapter = f"{BOMB}]><html><body><p>{SENTENCE} &j;</p></body></html>"
    (tmp_path / "a.epub").write_bytes(epub(chapter))
    assert read_document(tmp_path / "a.epub", "a", parser=parser).text == f"{SENTENCE} &j;"
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    chapter = f'<!DOCTYPE z [<!ENTITY x SYSTEM "{secret.as_uri()}">]><html><body><p>{SENTENCE} &x;</p></body></html>'
    (tmp_path / "a.epub").write_bytes(epub(chapter))
    assert read_document(tmp_path / "a.epub", "a", parser=parser).text == SENTENCE


def test_a_protected_book_and_an_office_file_with_a_password_are_told(tmp_path: Path, parser: ParserProcess) -> None:
    protected = archive(**{
        "META-INF/container.xml": CONTAINER, "p.opf": PACKAGE, "a.xhtml": b"junk",
        "META-INF/encryption.xml": '<encryption><EncryptedData><EncryptionMethod Algorithm="http://www.w3.org/2001/04/'
        'xmlenc#aes128-cbc"/></EncryptedData></encryption>',
    })  # fmt: skip
    assert "DRM" in reason(tmp_path / "a.epub", protected, parser)
    assert "encrypted" in reason(tmp_path / "a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 900, parser)


def test_a_file_cut_anywhere_is_told_or_read_but_never_an_exception(tmp_path: Path, parser: ParserProcess) -> None:
    whole = docx(tmp_path / "x.docx")
    for share in (0.1, 0.5, 0.9, 0.99):
        assert "damaged" in reason(tmp_path / "a.docx", whole[: int(len(whole) * share)], parser)


def test_a_parser_that_takes_too_long_is_stopped_and_the_next_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "b.pdf").write_bytes(pdf())
    with ParserProcess(seconds=0.4) as parser:
        assert "longer than" in reason(tmp_path / "a.pdf", pdf(4000, text=SENTENCE * 3), parser)
    with ParserProcess() as parser:
        assert read_document(tmp_path / "b.pdf", "b", parser=parser).text == SENTENCE


@pytest.mark.long
def test_an_attachment_that_takes_too_long_does_not_take_its_mail_with_it() -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "Ann <ann@quay.example>", "The jetty"
    mail.set_content(SENTENCE)
    mail.add_attachment(pdf(9000, text=SENTENCE * 3), maintype="application", subtype="pdf", filename="jetty.pdf")
    with ParserProcess(seconds=6) as parser:
        content = parser.read(".eml", bytes(mail))
    assert content.text.endswith(SENTENCE)
    assert content.notices[0].startswith("1 attachment was not read (jetty.pdf)")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to a limit of memory")
def test_a_parser_that_takes_too_much_memory_is_stopped_and_the_next_file_is_read(tmp_path: Path) -> None:
    large = docx(tmp_path / "x.docx", **{"word/document.xml": b"<w:document><w:body>" + b" " * 300_000_000})
    with ParserProcess(memory_bytes=300_000_000) as parser:
        assert "more memory than any document needs" in reason(tmp_path / "a.docx", large, parser)
        (tmp_path / "b.eml").write_bytes(f"From: a@b.example\nSubject: S\n\n{SENTENCE}\n".encode())
        assert SENTENCE in read_document(tmp_path / "b.eml", "b", parser=parser).text


def test_rows_without_text_and_lines_that_are_no_json_are_told_by_line(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    rows = [
        json.dumps({"text": SENTENCE}),
        '{"title": "no text"}',
        "",
        "{broken",
        json.dumps({"text": " "}),
        "[1]",
        "{}",
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    summary = index_paths(make_collection(), encoder, [tmp_path / "a.jsonl"])
    assert summary.added == 1
    places = [path.rpartition(":")[2] for path, _ in summary.unreadable]
    assert places == ["2", "4", "5", "6", "7"]
    assert summary.unreadable[0][1] == "no document: it has only title"
    assert summary.unreadable[2][1] == "no document: all its fields are empty"
    assert summary.unreadable[4][1] == "no document: all its fields are empty"


def test_a_broken_quotation_in_a_table_is_told_with_its_line_and_nothing_of_it_is_read(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    good = f'id,text\n1,"{SENTENCE}\nTwo lines."\n'
    (tmp_path / "a.csv").write_text(good + f'2,"{SENTENCE}\n3,{SENTENCE}\n')
    (tmp_path / "b.csv").write_text(good + '2,"He said "no" twice."\n')
    (tmp_path / "d.csv").write_text(good)
    files = [tmp_path / f"{name}.csv" for name in "abd"]
    summary = index_paths(make_collection(), encoder, files)
    told = {Path(path).name: why for path, why in summary.unreadable}
    assert summary.added == 1
    assert told["a.csv"].startswith("line 4:")
    assert told["b.csv"].startswith("line 4:")


def test_a_row_that_is_gone_from_its_file_goes_from_the_collection(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    path, collection = tmp_path / "a.csv", make_collection()
    path.write_text(f"text,date\n{SENTENCE},2020\n{SENTENCE} Again.,2021\n")
    index_paths(collection, encoder, [path])
    path.write_text(f"text,date\n{SENTENCE},2022\n")
    summary = index_paths(collection, encoder, [path])
    assert (summary.added, summary.updated, summary.removed) == (0, 1, 1)
    with collection.reading() as snapshot:
        assert [(d.doc_id, d.date) for d in snapshot.documents()] == [("a.csv#1", "2022")]


def test_a_larger_file_than_allowed_is_passed_over_with_the_option_that_allows_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x" * 1001)
    with pytest.raises(Unreadable, match="--max-bytes 1001"):
        open_file(tmp_path / "a.txt", max_bytes=1000)
    assert len(open_file(tmp_path / "a.txt", max_bytes=1001).raw) == 1001


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"x" * 40_000_000)
    done = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            while not done.is_set():
                file.write(b"y")
                time.sleep(0.0005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(Unreadable, match="changed while it was read"):
            open_file(path)
    finally:
        done.set()
        writer.join()


def test_links_in_circles_end_and_names_of_any_letters_are_read(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    folder = tmp_path / "odd"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    names = ["new\nline.txt", "quo\"te's.txt", "x..dots...txt", "дом 東京 عربي.txt", "-dash.txt", "a#1.txt"]
    for number, name in enumerate(names):
        (folder / "below" / name).write_text(f"{SENTENCE} Number {number}.", encoding="utf-8")
    summary = index_paths(make_collection(), encoder, [folder / "below" / ".." / "below"])
    assert summary.added == len(names)
    assert summary.unreadable == []
    assert summary.ignored["a link to a folder, or to nothing"] == 1
    with pytest.raises(NothingToDo):
        find_files([folder / "loop.txt"], tmp_path / "c", Summary())


def test_a_document_of_nothing_but_furniture_is_kept_and_gives_no_answer(
    make_collection: Callable[..., Collection],
) -> None:
    collection = make_collection(menu="Home | News | Sport\n\n© Harbour Post\n\nLog in")
    with collection.reading() as snapshot:
        assert [d.doc_id for d in snapshot.documents()] == ["menu.txt"]
        assert snapshot.passages_of("menu.txt") == []


def test_an_address_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(NothingToDo, match="fetches nothing"):
        find_files([Path("https://example.org/a.pdf")], tmp_path, Summary())
