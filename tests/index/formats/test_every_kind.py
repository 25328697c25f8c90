"""One folder with a real file of every kind, written by other people's libraries: each answers, with page or row."""

import csv
import json
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from index.opening import create_collection
from rag.answering import Models, answer
from rag.reading.reader import Reader

FILLER = (
    "The council of the valley met again in the spring and spoke for a long time about the roads and the school. "
    "Nothing was decided that evening, and the members went home through the rain. "
)


def write_pdf(path: Path, fact: str) -> None:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

    style = getSampleStyleSheet()["BodyText"]
    pages = [Paragraph(FILLER * 3, style), PageBreak(), Paragraph(FILLER, style), Paragraph(fact, style)]
    SimpleDocTemplate(str(path), title="The lighthouse").build(pages)


def write_docx(path: Path, fact: str) -> None:
    import docx

    document = docx.Document()
    document.core_properties.title = "The orchard"
    document.add_heading("The orchard", 1)
    document.add_paragraph(FILLER)
    document.add_paragraph(fact)
    document.save(str(path))


def write_pptx(path: Path, fact: str) -> None:
    import pptx

    slides = pptx.Presentation()
    for title, body in (("Roads", FILLER), ("Harbour", FILLER), ("Ferry", fact)):
        slide = slides.slides.add_slide(slides.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    slides.save(str(path))


def write_epub(path: Path, fact: str) -> None:
    """By hand, as EPUB 3 asks for it: the type first and uncompressed, a package, its navigation, one chapter."""
    container = (
        '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="EPUB/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">x</dc:identifier>'
        "<dc:title>The clock</dc:title><dc:language>en</dc:language><dc:publisher>Valley Press</dc:publisher>"
        "<dc:date>2011-06-07</dc:date></metadata><manifest>"
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="one" href="one.xhtml" media-type="application/xhtml+xml"/>'
        '</manifest><spine><itemref idref="nav"/><itemref idref="one"/></spine></package>'
    )
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{}</title></head><body>{}</body></html>'
    contents = (
        '<nav epub:type="toc" xmlns:epub="http://www.idpf.org/2007/ops">'
        '<ol><li><a href="one.xhtml">One</a></li></ol></nav>'
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("META-INF/container.xml", container)
        book.writestr("EPUB/content.opf", package)
        book.writestr("EPUB/nav.xhtml", page.format("Contents", contents))
        book.writestr("EPUB/one.xhtml", page.format("One", f"<h1>One</h1><p>{FILLER}</p><p>{fact}</p>"))


def write_eml(path: Path, fact: str) -> None:
    message = EmailMessage()
    message["From"] = "Ann Example <ann@example.org>"
    message["To"] = "Bea Example <bea@example.org>"
    message["Subject"] = "The boiler"
    message["Date"] = "Tue, 04 May 2021 10:00:00 +0200"
    message.set_content(f"Dear Bea,\n\n{FILLER}\n\n{fact}\n\nAnn")
    message.add_alternative(f"<p>{FILLER}</p><p>{fact}</p>", subtype="html")
    path.write_bytes(bytes(message))


def write_jsonl(path: Path, fact: str) -> None:
    rows = [
        {"headline": "Roads", "body": FILLER},
        {"headline": "The windmill", "body": fact, "published": "2019-02-03"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def write_csv(path: Path, fact: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Title", "Text", "Outlet"])
        rows.writerow(["Roads", f'{FILLER}\nIt said "no".', "Valley Post"])
        rows.writerow(["School", FILLER * 2, "Valley Post"])
        rows.writerow(["The vineyard", fact, "Valley Post"])


def write_html(path: Path, fact: str) -> None:
    path.write_text(f"<html><body><article><h1>The chapel</h1><p>{FILLER}</p><p>{fact}</p></article></body></html>")


def write_text(path: Path, fact: str) -> None:
    path.write_text(f"The quarry\n\n{FILLER}\n\n{fact}\n", encoding="utf-8")


def write_tsv(path: Path, fact: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t")
        rows.writerows([["No", "Text"], ["1", FILLER], ["2", fact]])


def write_xlsx(path: Path, fact: str) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"title": "The mill"})
        book.add_worksheet("Notes").write_column(0, 0, [FILLER, "", fact])
        book.add_worksheet("Fees").write_row(0, 0, ["Name", "Fee", "Due"])


def write_odt(path: Path, fact: str) -> None:
    from odfdo import Document, Header, Paragraph

    document = Document("text")
    document.body.clear()
    for part in (Header(1, "The dairy"), Paragraph(FILLER), Paragraph(fact)):
        document.body.append(part)
    document.save(str(path))


def write_rtf(path: Path, fact: str) -> None:
    path.write_bytes(rf"{{\rtf1\ansi\ansicpg1252 {FILLER}\par {fact}\par}}".encode("cp1252"))


def write_mbox(path: Path, fact: str) -> None:
    import mailbox

    box = mailbox.mbox(str(path))
    for subject, body in (("Roads", FILLER), ("The forge", fact)):
        message = EmailMessage()
        message["From"], message["Subject"] = "Ann Example <ann@example.org>", subject
        message.set_content(f"{body}\n\nFrom then on it rained.\n")
        box.add(message)
    box.close()


def write_zip(path: Path, fact: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("papers/a.txt", f"The sluice\n\n{FILLER}\n\n{fact}\n")
        archive.writestr("__MACOSX/papers/._a.txt", b"\0")


# kind -> who writes it, the fact in it, the question, the document's name, its page
KINDS: Mapping[str, tuple[Callable[[Path, str], None], str, str, str, int | None]] = {
    "pdf": (
        write_pdf,
        "The lighthouse was painted by Oswald Quint in 1931.",
        "Who painted the lighthouse?",
        "a.pdf",
        2,
    ),
    "docx": (write_docx, "The orchard was planted by Ida Marsh.", "Who planted the orchard?", "a.docx", None),
    "pptx": (write_pptx, "The ferry is steered by Captain Rolf Ander.", "Who steers the ferry?", "a.pptx", 3),
    "epub": (write_epub, "The clock was repaired by Hugo Lind.", "Who repaired the clock?", "a.epub", None),
    "eml": (write_eml, "The boiler was sold to Mr Peder Holm.", "To whom was the boiler sold?", "a.eml", None),
    "jsonl": (write_jsonl, "The windmill belongs to Greta Sund.", "Who owns the windmill?", "a.jsonl#2", None),
    "csv": (write_csv, "The vineyard was bought by Paul Renn.", "Who bought the vineyard?", "a.csv#3", None),
    "tsv": (write_tsv, "The cellar was dug by Arne Lund.", "Who dug the cellar?", "a.tsv#2", None),
    "xlsx": (write_xlsx, "The bakery was leased by Vera Strom.", "Who leased the bakery?", "a.xlsx", None),
    "odt": (write_odt, "The dairy was opened by Bjorn Fisk.", "Who opened the dairy?", "a.odt", None),
    "rtf": (write_rtf, "The tannery was shut by Mayor Elin Hagen.", "Who shut the tannery?", "a.rtf", None),
    "mbox": (write_mbox, "The forge was lit by Sigurd Vik.", "Who lit the forge?", "a.mbox#2", None),
    "zip": (write_zip, "The sluice was built by Nora Dahl.", "Who built the sluice?", "a.zip/papers/a.txt", None),
    "html": (write_html, "The chapel was built by Anton Weiss.", "Who built the chapel?", "a.html", None),
    "htm": (write_html, "The stable was burnt down by Emil Krug.", "Who burnt down the stable?", "a.htm", None),
    "txt": (write_text, "The quarry was closed by Judge Lena Frost.", "Who closed the quarry?", "a.txt", None),
    "md": (write_text, "The brewery was founded by Otto Brand.", "Who founded the brewery?", "a.md", None),
    "markdown": (write_text, "The pier was measured by Nils Strand.", "Who measured the pier?", "a.markdown", None),
}


def write_folder(folder: Path) -> None:
    """A file of every kind."""
    folder.mkdir()
    for kind, (write, fact, *_) in KINDS.items():
        write(folder / f"a.{kind}", fact)


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Collection:
    folder = tmp_path_factory.mktemp("kinds")
    write_folder(folder / "files")
    collection = create_collection(folder / "collection", encoder.identity)
    summary = index_paths(collection, encoder, [folder / "files"])
    assert summary.unreadable == []
    assert summary.added == len(KINDS) + 5  # the exports' other rows, and the other mail
    return collection


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_is_answered_from_a_file_of_each_kind_with_its_page_or_row(
    kind: str, every_kind: Collection, encoder: Encoder, reader: Reader
) -> None:
    _, fact, question, doc_id, page = KINDS[kind]
    found = answer(every_kind, Models(encoder, reader), question)
    assert not found.abstained
    citation = found.citations[0]
    assert (citation.doc_id, citation.page, citation.quote) == (doc_id, page, fact)


def test_what_the_files_state_of_themselves_is_known(every_kind: Collection) -> None:
    with every_kind.reading() as snapshot:
        known = {d.doc_id: (d.title, d.date, d.publisher) for d in snapshot.documents()}
    assert known["a.docx"] == ("The orchard", None, None)
    assert known["a.epub"] == ("The clock", "2011-06-07", "Valley Press")
    assert known["a.eml"] == ("The boiler", "2021-05-04", "Ann Example")
    assert known["a.jsonl#2"] == ("The windmill", "2019-02-03", None)
    assert known["a.csv#3"] == ("The vineyard", None, "Valley Post")
    assert known["a.pdf"][0] == "The lighthouse"
    assert known["a.pptx"] == ("Roads", None, None)


def test_indexing_the_folder_again_changes_nothing(every_kind: Collection, encoder: Encoder) -> None:
    with every_kind.reading() as snapshot:
        folder = Path(snapshot.document("a.txt").source).parent
    summary = index_paths(every_kind, encoder, [folder])
    assert (summary.added, summary.updated, summary.unchanged) == (0, 0, len(KINDS) + 5)
