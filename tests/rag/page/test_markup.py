"""Elements of the page: every text is text, and a verdict is words."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from index.cleaning.furniture import classify
from index.documents import Document
from index.paragraphs import Kind
from rag.answers import Answer, ShortAnswer
from rag.citations import Cell, Citation, Claim
from rag.page import markup
from rag.transcript import Exchange


class Parsed(HTMLParser):
    """The tags, their attributes, and the text of a piece of HTML, by Python's own parser."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def answered(verdict: str, text: str = "He served 36 years.") -> Answer:
    quote = "He served 36 years."
    citation = Citation(1, "a.txt", "A title", None, "2023-02", 4, 7, 10, 29, quote, 0, 40)
    return Answer(
        "How long?", "How long?", f"{text} [1]", (Claim(text, (1,), 0.5, verdict),), (citation,),
        (ShortAnswer("36 years", 20, 28, "a.txt", 0.9),), (), False, None, 0.93, "extractive", (), {"total": 0.2},
    )  # fmt: skip


@given(st.text())
def test_any_text_is_shown_character_for_character_and_makes_no_tag(text: str) -> None:
    parsed = Parsed(f'<p title="{markup.text_of(text)}">{markup.text_of(text)}</p>')
    assert parsed.tags == ["p"]
    assert parsed.attributes == [("title", markup.shown(text))]
    assert "".join(parsed.words) == markup.shown(text)
    assert len(markup.shown(text)) == len(text)


@given(st.text(min_size=1))
def test_a_document_of_any_text_keeps_its_characters_in_its_paragraphs(text: str) -> None:
    document = Document("a<b>.txt", "/a", "<i>t", text, "<d>", '"p', "0" * 64, 1)
    paragraphs = classify(text, "a")
    parsed = Parsed(markup.document_html(document, paragraphs))
    assert set(parsed.tags) <= {"article", "header", "h2", "p", "div", "span", "details", "summary"}
    whole = "".join(parsed.words)
    for paragraph in paragraphs:
        assert markup.shown(text[paragraph.start : paragraph.end]) in whole


def test_how_likely_the_answer_is_right_is_told_of_what_is_shown() -> None:
    shown = answered("supported")
    hidden = replace(shown, claims=(), citations=(), answers=(), abstained=True, reason="not_stated", confidence=0.12)
    for answer, words in (
        (shown, "Quoted from the documents · 93% likely to be right · 0.2 s"),
        (hidden, "Nothing quoted · the best sentence found is 12% likely to answer · 0.2 s"),
    ):
        html = markup.exchange_html(Exchange("1", "How long?", "2023-02-19T08:00:00", "done", answer))
        assert words in " ".join("".join(Parsed(html).words).split())


def test_what_speakers_say_is_a_line_each() -> None:
    one = answered("supported")
    claim = replace(one.claims[0], speaker="Ann Example")
    two = replace(one, claims=(claim, replace(claim, text="He did not.")), shape="account")
    html = markup.exchange_html(Exchange("1", "q", "2023-02-19T08:00:00", "done", two))
    assert Parsed(html.partition("<ol")[0]).tags.count("li") == 2


def test_a_verdict_is_told_in_words() -> None:
    for verdict, words in (
        ("weak", "Weakly supported"),
        ("unsupported", "Not supported"),
        ("unchecked", "Not checked"),
    ):
        html = markup.exchange_html(Exchange("a", "How long?", "", "done", answered(verdict)))
        assert f">{words}</span>" in html
    assert 'class="verdict' not in markup.exchange_html(Exchange("a", "?", "", "done", answered("supported")))


def test_what_was_quoted_in_place_of_a_model_says_so_and_who_was_not_asked_is_told() -> None:
    given = replace(answered("supported"), generator="smollm2")
    quoted = replace(given, claims=(replace(given.claims[0], quoted_instead=True),))
    html = markup.exchange_html(Exchange("a", "How long?", "", "done", quoted))
    assert 'class="verdict quoted"' in html
    assert ">Quoted instead</span>" in html
    assert "Quoted in place of smollm2" in html
    assert "Written by smollm2" in markup.exchange_html(Exchange("a", "How long?", "", "done", given))
    none = replace(given, claims=(), citations=(), abstained=True, reason="not_stated", seconds={"generate": 0.0})
    assert "smollm2 was not asked" in markup.exchange_html(Exchange("a", "How long?", "", "done", none))


def test_the_words_that_answer_are_set_apart_where_the_claim_is_the_quote() -> None:
    html = markup.exchange_html(Exchange("a", "How long?", "", "done", answered("supported")))
    assert 'He served <strong class="short">36 years</strong>.' in html
    assert 'data-doc="a.txt" data-start="10" data-end="29"' in html
    assert "page 4 · paragraph 7" in html
    other = markup.exchange_html(Exchange("a", "How long?", "", "done", answered("weak", "It was 36 years.")))
    assert "<strong" not in other


def test_the_list_tells_that_a_file_is_gone_and_a_row_lies_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").touch()
    sources = {
        "a row": f"{tmp_path}/rows.csv#1",
        "a row of a file that is gone": f"{tmp_path}/gone.csv#1",
        "a file that is gone": f"{tmp_path}/gone.txt",
        "of which nothing can be known": f"{tmp_path}/{'long' * 100}.txt",
        "an upload": "upload:gone.txt",
    }
    rows = [Document(name, source, None, "", None, None, "0" * 64, 1) for name, source in sources.items()]
    html = markup.list_html(rows, more=0, total=len(rows))
    told = {name for name, row in zip(sources, html.split("<li ")[1:], strict=True) if "file gone" in row}
    assert told == {"a row of a file that is gone", "a file that is gone"}


def test_sizes_are_words() -> None:
    sizes = [0, 812, 3400, 12_000_000, 999_600, 5_000_000_000_000]
    assert [markup.size_words(size) for size in sizes] == ["0 B", "812 B", "3.4 kB", "12 MB", "1.0 MB", "5000 GB"]


ROW = "| Stork | 1971 | | Per <b>Lind |"


def row_answer(short: str = "1971") -> Answer:
    cells = tuple(
        Cell(head, 10 + ROW.index(words), 10 + ROW.index(words) + len(words))
        for head, words in (("Lift", "Stork"), ("Built", "1971"), ("Load", "| |"), ("Keeper & co", "Per <b>Lind"))
    )
    cells = tuple(replace(cell, end=cell.start) if cell.head == "Load" else cell for cell in cells)
    at = 10 + ROW.index(short)
    citation = Citation(
        1, "a.md", "Lifts", None, None, None, 7, 10, 10 + len(ROW), ROW, 10, 10 + len(ROW),
        kind=Kind.TABLE_ROW, headings=("Loads", "East <quay>"), cells=cells,
    )  # fmt: skip
    return Answer(
        "When?", "When?", f"{ROW} [1]", (Claim(ROW, (1,), 1.0, "supported"),), (citation,),
        (ShortAnswer(short, at, at + len(short), "a.md", 0.9),), (), False, None, 0.9, "extractive", (), {"total": 0.2},
    )  # fmt: skip


def test_a_row_is_shown_as_a_table_with_its_heads_the_cell_that_answers_marked_and_the_headings_above() -> None:
    html = markup.exchange_html(Exchange("a", "When?", "", "done", row_answer()))
    parsed = Parsed(html)
    assert parsed.tags.count("table") == 1
    assert "".join(f'<th scope="col" dir="auto">{h}</th>' for h in ("Lift", "Built", "Load", "Keeper &amp; co")) in html
    assert '<td class="found" dir="auto"><strong class="short">1971</strong></td>' in html
    assert '<td dir="auto"></td>' in html
    assert "Per &lt;b&gt;Lind</td>" in html
    assert "Loads › East &lt;quay&gt;" in html


def test_a_row_that_is_quoted_in_place_of_a_model_is_a_table_too() -> None:
    given = row_answer()
    quoted = replace(given, generator="smollm2", claims=(replace(given.claims[0], quoted_instead=True),))
    html = markup.exchange_html(Exchange("a", "When?", "", "done", quoted))
    assert html.index("<table>") < html.index(">Quoted instead</span>")
    written = replace(given, generator="smollm2", claims=(replace(given.claims[0], text="It was 1971."),))
    assert "It was 1971." in markup.exchange_html(Exchange("a", "When?", "", "done", written))


def test_a_row_of_a_document_keeps_all_its_characters_and_its_cells_apart() -> None:
    text = "# Lifts\n\n| Lift | Built |\n|---|---|\n| Stork | 1971 |\n| Crane | |\n"
    document = Document("a.md", "/a", None, text, None, None, "0" * 64, 1)
    paragraphs = classify(text, None)
    html = markup.document_html(document, paragraphs)
    rows = [p for p in paragraphs if p.kind is Kind.TABLE_ROW]
    assert len(rows) == 3
    words = "".join(Parsed(html).words)
    for row in rows:
        assert text[row.start : row.end] in words
    assert html.count('class="par table-row heads"') == 1
    assert '<span class="cell">Stork</span>' in html
    assert html.count('class="cell"') == 6


def test_items_of_a_list_are_set_in_by_their_depth_and_get_a_bullet_where_they_have_no_number() -> None:
    text = "Do this every morning, before the mill is started:\n\n1. Oil the wheel of the mill\n2. Count the sacks\n"
    html = markup.document_html(Document("a", "/a", None, text, None, None, "0" * 64, 1), classify(text, None))
    assert html.count('class="par list-item level-1 numbered"') == 2
    text = text.replace("1. ", "- ").replace("2. ", "- ")
    html = markup.document_html(Document("a", "/a", None, text, None, None, "0" * 64, 1), classify(text, None))
    assert html.count('class="par list-item level-1"') == 2
