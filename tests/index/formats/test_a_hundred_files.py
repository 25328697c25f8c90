"""A hundred files, written by other people's libraries, with a fact in each place that a person may write in.

Every fact stands in the text of its file as it was written, once, and is content: found, read and cited.
"""

import csv
import email.policy
import json
import mailbox
import random
import zipfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from index.cleaning.furniture import classify
from index.documents import Document, Given
from index.formats.parser import ParserProcess
from index.formats.reading import document_of, open_file, rows_of
from index.paragraphs import Kind

# What changes a value when it is lost: signs, points, fractions, empty places, letters outside ASCII.
VALUES = (
    "-3.5 %",
    "1,250.50 €",
    "½ litre",
    "0.07 mm",
    "+12",
    "§ 4(2)",
    "9:05",
    "±0.5 K",
    "<3",
    "16/9",
    "No. 7-B",
    "éö ß",
)
NAMES = ("heron", "marten", "plover", "otter", "dunlin", "badger", "siskin", "weasel", "curlew", "ermine")
FILLER = (
    "The keepers of the reserve wrote down what they saw on each of their walks, and the list below was made from "
    "their notebooks at the end of the year by the two clerks of the office."
)


class Facts:
    """Facts of one file, each another one; what was given out must be found."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = 1000 * seed
        self.given: list[str] = []

    def words(self) -> str:
        """A name and a number that stand nowhere else, and a value: "heron 17003 weighs -3.5 %"."""
        self._number += 1
        self.given.append(f"{self._chance.choice(NAMES)} {self._number} has {self._chance.choice(VALUES)}")
        return self.given[-1]

    def sentence(self) -> str:
        """The same as a sentence."""
        return f"The {self.words()} in the book."

    def number(self) -> str:
        """A number that stands nowhere else, for a cell."""
        self._number += 1
        self.given.append(f"{self._number}.50")
        return self.given[-1]


def write_docx(path: Path, n: int, facts: Facts) -> None:
    import docx
    from docx.enum.text import WD_BREAK

    document = docx.Document()
    document.add_heading(facts.words(), 1)
    document.add_paragraph(facts.sentence())
    for style in ("List Bullet", "List Number", "Quote", "Intense Quote", "Caption", "List Bullet 2")[: 2 + n % 5]:
        document.add_paragraph(facts.words(), style=style)
    rows = document.add_table(3, 3)
    for row in range(3):
        for column in range(3):
            if (row, column) not in ((0, 0), (1, 1)):
                rows.cell(row, column).text = facts.words()
    if n % 2:
        section = document.sections[0]
        section.header.paragraphs[0].text = facts.words()
        section.footer.paragraphs[0].text = facts.words()
    if n % 3 == 0:
        run = document.add_paragraph("Beside it: ").add_run(facts.sentence())
        document.add_comment([run], text=facts.words(), author="Ann", initials="A")
    if n % 3 == 1:
        merged = document.add_table(2, 3)
        merged.cell(0, 0).merge(merged.cell(0, 2)).text = facts.words()
        merged.cell(1, 1).text = facts.words()
        inner = merged.cell(1, 2).add_table(2, 2)
        inner.cell(0, 0).text, inner.cell(1, 1).text = facts.words(), facts.words()
    if n % 4 == 2:
        broken = document.add_paragraph(facts.sentence())
        broken.add_run().add_break(WD_BREAK.PAGE)
        broken.add_run(facts.sentence())
        document.add_heading("Appendix", 2)
        document.add_paragraph(facts.sentence())
    document.save(str(path))


def write_pptx(path: Path, n: int, facts: Facts) -> None:
    import pptx
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches

    slides = pptx.Presentation()
    for number in range(2):
        slide = slides.slides.add_slide(slides.slide_layouts[1 if number else 5])
        slide.shapes.title.text = facts.words()
        if number:
            slide.placeholders[1].text = facts.sentence()
            slide.placeholders[1].text_frame.add_paragraph().text = facts.words()
        if n % 2:
            slide.notes_slide.notes_text_frame.text = facts.sentence()
        if n % 3 == 0:
            box = slide.shapes.add_textbox(Inches(1), Inches(5), Inches(4), Inches(1))
            box.text_frame.text = facts.words()
            group = slide.shapes.add_group_shape()
            group.shapes.add_textbox(Inches(1), Inches(6), Inches(4), Inches(1)).text_frame.text = facts.words()
    slide = slides.slides.add_slide(slides.slide_layouts[6])
    if n % 2:
        rows = slide.shapes.add_table(2, 3, Inches(1), Inches(1), Inches(8), Inches(2)).table
        for row, column in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2)):
            rows.cell(row, column).text = facts.words()
    else:
        chart = CategoryChartData()
        chart.categories = [facts.words(), facts.words()]
        chart.add_series(facts.words(), [float(facts.number()), float(facts.number())])
        facts.given[-2:] = [number.removesuffix("0") for number in facts.given[-2:]]  # a number, as charts keep it
        slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(1), Inches(6), Inches(4), chart)
    slides.save(str(path))


def write_xlsx(path: Path, n: int, facts: Facts) -> None:
    if n % 2:
        import xlsxwriter

        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet("Year")
            sheet.write_row(0, 0, ["Name", "Note", "Sum"])
            sum_format = book.add_format({"num_format": "0.00"})
            for row in range(1, 5):
                sheet.write(row, 0, facts.words())
                if row != 2:
                    sheet.write(row, 1, facts.words())
                sheet.write_number(row, 2, float(facts.number()), sum_format)
            sheet.merge_range(6, 0, 6, 2, facts.words())
            sheet.write_comment(3, 1, facts.words())
            book.add_worksheet("Second").write(40, 12, facts.words())
        return
    import openpyxl
    from openpyxl.comments import Comment

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Name", "Note", "Sum"])
    for row in range(2, 6):
        sheet.append([facts.words(), None if row == 3 else facts.words(), float(facts.number())])
        sheet.cell(row, 3).number_format = "0.00"
    sheet.cell(2, 1).comment = Comment(facts.words(), "Ann")
    sheet.merge_cells("A8:C9")
    sheet["A8"] = facts.words()
    other = book.create_sheet(f"Sheet {facts.words().split()[1]}")
    facts.given[-1] = facts.given[-1].split()[1]
    other["B3"] = facts.words()
    book.save(str(path))


def write_odt(path: Path, n: int, facts: Facts) -> None:
    from odfdo import Cell, Header, List, ListItem, Paragraph, Row, Table
    from odfdo import Document as Written

    document = Written("text")
    body = document.body
    body.clear()
    body.append(Header(1, facts.words()))
    noted = Paragraph(f"{facts.sentence()} It ends here.")
    if n % 2:
        noted.insert_note(after="ends", note_id="n1", citation="1", body=facts.words())
        noted.insert_annotation(after="here", body=facts.words(), creator="Ann")
    body.append(noted)
    items = List([facts.words(), facts.words()])
    items.append(ListItem(facts.words()))
    body.append(items)
    rows = Table("Year")
    for number in range(3):
        row = Row()
        for cell in (facts.words(), "" if number == 1 else facts.words(), facts.words()):
            row.append(Cell(text=cell))
        rows.append(row)
    body.append(rows)
    body.append(Header(2, "Later"))
    body.append(Paragraph(facts.sentence()))
    document.save(str(path))


def write_pdf(path: Path, n: int, facts: Facts) -> None:
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import ListFlowable, PageBreak, SimpleDocTemplate, Table
    from reportlab.platypus import Paragraph as Written

    styles = getSampleStyleSheet()
    if n % 7 == 6:
        canvas = Canvas(str(path), pagesize=A4)
        canvas.drawString(72, 780, f"Form {facts.words()}")
        for row in range(4):
            canvas.drawString(72, 740 - 30 * row, f"Field {row}")
            canvas.acroForm.textfield(
                name=f"f{row}", value=facts.words(), x=200, y=732 - 30 * row, width=300, height=20
            )
        canvas.showPage()
        canvas.save()
        return
    story: list[Any] = [Written(facts.words(), styles["Heading1"])]
    for _ in range(3):
        story += [Written(f"{FILLER} {facts.sentence()}", styles["BodyText"])]
    story.append(ListFlowable([Written(facts.words(), styles["BodyText"]) for _ in range(3)], bulletType="1"))
    cells = [[facts.words() for _ in range(2)] for _ in range(4)]
    grid = [("GRID", (0, 0), (-1, -1), 0.5, "black")] if n % 2 else []
    story.append(Table(cells, style=grid))
    if n % 3 == 0:
        story += [PageBreak(), Written(facts.words(), styles["Heading2"])]
        story += [Written(f"{facts.sentence()} {FILLER} {facts.sentence()}", styles["BodyText"])]
    heads = [facts.words()] if n % 3 == 1 else []

    def head(canvas: Canvas, _: object) -> None:
        for words in heads:
            canvas.drawString(72, 810, words)
            canvas.drawString(500, 20, f"Page {canvas.getPageNumber()}")

    SimpleDocTemplate(str(path), pagesize=A4).build(story, onFirstPage=head, onLaterPages=head)


def message_of(n: int, facts: Facts) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = "Ann Example <ann@example.org>"
    message["To"] = f"{facts.words().split()[1]} <bea@example.org>"
    facts.given[-1] = facts.given[-1].split()[1]
    message["Subject"] = facts.words()
    message["Date"] = "Tue, 04 May 2021 10:00:00 +0200"
    plain = [facts.sentence() for _ in range(3)]
    if n % 4 == 0:
        message.set_content("\n\n".join(plain))
    elif n % 4 == 1:
        message.set_content("\n\n".join(plain))
        message.add_alternative("".join(f"<p>{one}</p>" for one in map(marked_up, plain)), subtype="html")
    elif n % 4 == 2:
        cells = "".join(f"<tr><td>{marked_up(facts.words())}<td>{marked_up(facts.words())}</tr>" for _ in range(3))
        message.set_content(
            "".join(f"<p>{one}</p>" for one in map(marked_up, plain)) + f"<table>{cells}</table>", subtype="html"
        )
    else:
        message.set_content("\n\n".join(plain), cte="quoted-printable", charset="utf-8")
        inner = EmailMessage()
        inner["From"], inner["Subject"] = "Cy <cy@example.org>", facts.words()
        inner.set_content(facts.sentence())
        message.add_attachment(inner)
    return message


def marked_up(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;")


def write_eml(path: Path, n: int, facts: Facts) -> None:
    path.write_bytes(bytes(message_of(n, facts)))


def write_mbox(path: Path, n: int, facts: Facts) -> None:
    box = mailbox.mbox(str(path))
    for number in range(4):
        box.add(message_of(n + number, facts))
    box.close()


def write_html(path: Path, n: int, facts: Facts) -> None:
    def words() -> str:
        return marked_up(facts.words())

    parts: list[Callable[[], str]] = [
        lambda: f"<h1>{words()}</h1><p>{marked_up(facts.sentence())}</p>",
        lambda: f"<ul><li>{words()}<li>{words()}<ol><li>{words()}</ol></ul>",
        lambda: f"<dl><dt>{words()}<dd>{words()}</dl><pre>{words()}\n  {words()}</pre>",
        lambda: f"<details><summary>{words()}</summary>{words()}</details><blockquote>{words()}</blockquote>",
        lambda: (
            f"<figure><img alt='' src='x.png'><figcaption>{words()}</figcaption></figure><p>A line<br>{words()}</p>"
        ),
        lambda: (
            f"<p>A line<br>{words()}</p><table><tr><th>{words()}<th>{words()}</tr><tr><td>{words()}<td></tr></table>"
        ),
    ]
    chosen = "".join(part() for part in parts[: 3 + n % 4])
    frame = "<nav><a href='/'>Home</a> <a href='/n'>News</a></nav>"
    page = f"<html><body>{frame}<main>{chosen}</main></body></html>" if n % 2 else f"<body>{chosen}</body>"
    path.write_text(f"<!doctype html><meta charset=utf-8><title>Book</title>{page}", encoding="utf-8")


def write_md(path: Path, n: int, facts: Facts) -> None:
    def words() -> str:
        return facts.words()

    parts = [
        f"# {words()}\n\n{facts.sentence()}",
        f"- {words()}\n- {words()}\n  - {words()}\n\n1. {words()}\n2. {words()}",
        f"| Name | Note |\n|---|---|\n| {words()} | {words()} |\n| {words()} | |",
        f"```\n{words()}\n\n{words()}\n```\n\n    {words()}",
        f"> {words()}\n\nTerm\n: {words()}\n\n[^1]: {words()}",
        f"## {words()}\n\nKeeper: {words()}\nWarden: {words()}",
    ]
    start = f"---\ntitle: Book\nkeeper: {words()}\n---\n\n" if n % 2 else ""
    path.write_text(start + "\n\n".join(parts), encoding="utf-8")


def write_txt(path: Path, n: int, facts: Facts) -> None:
    parts = [
        f"Book\n\n{FILLER} {facts.sentence()}",
        "\n".join(f"* {facts.words()}" for _ in range(4)),
        "Name\tNote\n" + "\n".join(f"{facts.words()}\t{facts.words()}" for _ in range(3)),
        f"Contact: {facts.words()}\nRegister: {facts.words()}",
        f"Close the gate of the {facts.words()} first.",
        facts.words(),
    ]
    path.write_text("\n\n".join(parts), encoding=("utf-8", "utf-16", "utf-8-sig", "cp1252")[n % 4])


def write_csv(path: Path, n: int, facts: Facts) -> None:
    delimiter = "\t" if path.suffix == ".tsv" else ",;"[n % 2]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter=delimiter)
        rows.writerow(["Text" if n % 2 else "Animal", "Keeper", "Note"])
        for number in range(5):
            rows.writerow(
                [facts.sentence(), facts.words(), "" if number == 2 else f"{facts.words()},\n{facts.words()}"]
            )


def write_jsonl(path: Path, n: int, facts: Facts) -> None:
    rows = [
        {
            "text" if n % 2 else "animal": facts.words(),
            "keeper": {"name": facts.words(), "tags": [facts.words()]},
            "no": 7,
        }
        for _ in range(5)
    ]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=bool(n % 2)) for row in rows), encoding="utf-8")


def write_epub(path: Path, n: int, facts: Facts) -> None:
    names = [f"c{number}.xhtml" for number in range(3)]
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in names)
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Book {n}</dc:title></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/epub+zip")
        book.writestr("book.opf", package)
        for name in names:
            body = (
                f"<h2>{marked_up(facts.words())}</h2><p>{marked_up(facts.sentence())}</p>"
                f"<ul><li>{marked_up(facts.words())}</li></ul>"
                f"<table><tr><td>{marked_up(facts.words())}</td><td/></tr></table>"
            )
            book.writestr(name, f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>')


def write_rtf(path: Path, n: int, facts: Facts) -> None:
    def escaped(words: str) -> str:
        return "".join(char if ord(char) < 128 else f"\\u{ord(char)}?" for char in words)

    lines = [facts.sentence() for _ in range(3 + n)]
    cells = "".join(rf"\trowd\cellx3000\cellx6000 {escaped(facts.words())}\cell {escaped(facts.words())}\cell\row" "\n")
    path.write_text(
        "{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Times;}}\n" + "\\par\n".join(map(escaped, lines)) + f"\\par\n{cells}}}",
        encoding="ascii",
    )


def write_zip(path: Path, n: int, facts: Facts) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, write in (
            ("a.docx", write_docx),
            ("deep/b.md", write_md),
            ("c.eml", write_eml),
            ("d.csv", write_csv),
        ):
            inner = path.with_name(f"{path.stem}-{Path(name).name}")
            write(inner, n, facts)
            archive.write(inner, name)
            inner.unlink()


WRITERS: tuple[tuple[str, int, Callable[[Path, int, Facts], None]], ...] = (
    ("docx", 12, write_docx),
    ("pptx", 10, write_pptx),
    ("xlsx", 12, write_xlsx),
    ("odt", 8, write_odt),
    ("pdf", 14, write_pdf),
    ("eml", 12, write_eml),
    ("mbox", 2, write_mbox),
    ("html", 10, write_html),
    ("md", 6, write_md),
    ("txt", 4, write_txt),
    ("csv", 2, write_csv),
    ("tsv", 2, write_csv),
    ("jsonl", 2, write_jsonl),
    ("epub", 2, write_epub),
    ("rtf", 1, write_rtf),
    ("zip", 1, write_zip),
)


@pytest.fixture(scope="module")
def parser() -> Iterator[ParserProcess]:
    with ParserProcess() as parser:
        yield parser


def documents_of(path: Path, parser: ParserProcess) -> list[Document]:
    file = open_file(path)
    if not file.holds_rows:
        return [document_of(file, path.name, Given(), parser)]
    documents, faults = rows_of(file, path.name)
    assert faults == []
    return documents


def told_wrong(documents: list[Document], facts: Facts) -> list[tuple[str, str]]:
    """Each fact that is not there once as content, and what is the matter with it."""
    everything = "\n\n".join(document.text for document in documents)
    content = "\n\n".join(
        document.text[p.start : p.end]
        for document in documents
        for p in classify(
            document.text, document.doc_id, title=document.title, keep_all=document.keep_all, blocks=document.blocks
        )
        if p.kind is not Kind.FURNITURE
    )
    wrong = []
    for fact in facts.given:
        if everything.count(fact) != 1:
            wrong.append((fact, f"stands there {everything.count(fact)} times"))
        elif fact not in content:
            wrong.append((fact, "is furniture"))
    return wrong


def test_they_are_a_hundred() -> None:
    assert sum(count for _, count, _ in WRITERS) == 100


@pytest.mark.parametrize("kind", [kind for kind, _, _ in WRITERS])
def test_no_fact_of_a_file_is_lost_changed_or_doubled(kind: str, tmp_path: Path, parser: ParserProcess) -> None:
    place = next(at for at, (name, _, _) in enumerate(WRITERS, 1) if name == kind)
    _, count, write = WRITERS[place - 1]
    wrong: dict[str, list[tuple[str, str]]] = {}
    for n in range(count):
        facts = Facts(100 * place + n)
        path = tmp_path / f"{n}.{kind}"
        write(path, n, facts)
        assert len(facts.given) > 3
        if faults := told_wrong(documents_of(path, parser), facts):
            wrong[path.name] = faults
    assert wrong == {}
