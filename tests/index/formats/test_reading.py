"""Files into documents: encodings, formats, stated metadata, and files that give no text."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.dates import parse_date
from index.documents import Given
from index.errors import Unreadable
from index.formats.reading import read_document
from index.formats.stated import stated_metadata
from index.formats.text import decode

PAGE = """<!doctype html><html lang="en"><head><title>The bridge is saved - Harbour Post</title>
<meta property="og:title" content="The bridge is saved"><meta property="og:site_name" content="Harbour Post">
<meta property="article:published_time" content="2021-05-04T10:00:00Z"></head><body>
<nav><a href="/">Home</a> <a href="/news">News</a></nav><article><h1>The bridge is saved</h1>
<p>The committee of the town met on Tuesday &amp; agreed to mend the <b>old</b> bridge before winter.</p>
<h2>An old quarrel</h2><p>For ten years two parties had fought over it,<br>and neither would give way to the other.</p>
<ul><li>It costs two million.</li><li>It takes a year.</li></ul>
<blockquote><p>We are glad that it is over, said the mayor of the town.</p></blockquote></article>
<footer>All rights reserved</footer></body></html>"""


@given(st.text())
def test_any_text_survives_utf_8_but_for_its_newlines_and_nul(text: str) -> None:
    text = text.replace("\0", "").removeprefix("\ufeff")
    assert decode(text.encode()) == text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marked_and_plain_unicode_gives_the_same_text(encoding: str) -> None:
    assert decode("Zeitung — “Süddeutsche”\r\nline".encode(encoding)) == "Zeitung — “Süddeutsche”\nline"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Le président a déclaré à la presse que l’été était terminé, déjà."),
        ("cp1252", "He said it cost £5 and she said “yes” to €3."),
        ("latin-1", "Die Straße ist gesperrt, sagte der Bürgermeister über die Brücke."),
        ("cp1250", "Burmistrz powiedział, że most zostanie naprawiony przed zimą, później niż myślał."),
        ("cp1251", "Мэр сказал, что старый мост починят до зимы."),
        ("cp932", "東京で会議が開かれた。橋は修理される予定です。"),
    ],
)
def test_a_text_in_an_old_encoding_is_recognised(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("raw", [b"\x7fELF\x02\x01\x01\0\0\0\0\xff\xfe\xfd", b"text\0with nul", bytes(range(256)) * 8])
def test_binary_junk_is_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(Unreadable, match="binary"):
        decode(raw)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_its_mark_is_refused_with_what_to_do(encoding: str) -> None:
    with pytest.raises(Unreadable, match="UTF-16 without its mark; save a text as UTF-8"):
        decode("The old bridge of the town.".encode(encoding))


@pytest.mark.parametrize(
    ("name", "raw"), [("a.txt", b""), ("b.md", b" \n\n"), ("c.html", b""), ("d.txt", b"\xef\xbb\xbf")]
)
def test_a_file_without_text_is_refused(tmp_path: Path, name: str, raw: bytes) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(Unreadable, match="no text"):
        read_document(tmp_path / name, name)


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("x")
    with pytest.raises(Unreadable, match=r"\.html.*\.txt"):
        read_document(tmp_path / "a.xyz", "a.xyz")


def test_what_a_plain_file_does_not_state_is_null(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A headline\n\nOn 3 May 2020 the bridge fell, said the Harbour Post.")
    document = read_document(tmp_path / "a.txt", "a.txt")
    assert (document.title, document.date, document.publisher) == (None, None, None)
    assert document.source == str(tmp_path / "a.txt")


def test_leading_lines_and_front_matter_state_title_date_and_publisher() -> None:
    expected = {"title": "The bridge", "date": "2021-05-04", "publisher": "Harbour Post"}
    assert stated_metadata("Title: The bridge\nDate: 2021-05-04\nPublisher: Harbour Post\n\nText.") == expected
    front = '---\ntitle: "The bridge"\ndate: 2021-05-04\nauthor: A\npublisher: Harbour Post\n---\nText.'
    assert stated_metadata(front) == expected
    assert stated_metadata("Note: this is prose.\n\nTitle: not at the head") == {}
    assert stated_metadata("He said:\nDate: unknown to me") == {}


@pytest.mark.parametrize(
    ("stated", "date"),
    [
        ("2021-05-04", "2021-05-04"),
        ("2021-05-04T10:00:00+02:00", "2021-05-04"),
        ("2021-05", "2021-05"),
        ("2021", "2021"),
        ("4 May 2021", "2021-05-04"),
        ("May 4, 2021", "2021-05-04"),
        ("2021/05/04", "2021-05-04"),
        ("4.5.2021", "2021-05-04"),
        ("2021-13-01", None),
        ("2021-02-30", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        ("20210", None),
    ],
)
def test_only_a_date_beyond_doubt_is_one(stated: str | None, date: str | None) -> None:
    assert parse_date(stated) == date


@pytest.mark.parametrize(
    ("head", "date"),
    [
        ("The bridge is saved\n\nTuesday, May 4, 2021", "2021-05-04"),
        ("The bridge is saved\n\nTuesday, 4 May 2021\nBy Ann Example, Harbour Post", "2021-05-04"),
        ("The bridge is saved\n\nHarbour Post, 4 May 2021", "2021-05-04"),
        ("# The bridge is saved\n\n*The Harbour Post, 4 May 2021*", "2021-05-04"),
        ("The bridge is saved\n\n4 May 2021 | Harbour Post | Ann Example", "2021-05-04"),
        ("4 May 2021\n\nDear Ann,", "2021-05-04"),
        ("The bridge is saved\n\nDeadline: 4 May 2021", None),
        ("The bridge is saved\n\nOn 4 May 2021 it was mended.", None),
        ("The bridge is saved\n\nIt was mended on 4 May 2021", None),
        ("The bridge is saved\n\n31 February 2021", None),
        ("Diary\n\n4 May 2021\n\nRain.\n\n5 May 2021", None),
        (f"{'The bridge stands. ' * 9}\n\n{'It was mended. ' * 9}\n\n4 May 2021", None),
        ("Minutes of the harbour board, 4 May 2021\n\nPresent: Ann Example", None),
    ],
)
def test_a_text_states_its_day_in_a_line_of_its_own_below_the_headline(
    tmp_path: Path, head: str, date: str | None
) -> None:
    (tmp_path / "a.md").write_text(f"{head}\n\nThe committee of the town met and agreed to mend the bridge.")
    assert read_document(tmp_path / "a.md", "a.md").date == date


def test_a_date_that_a_leading_block_states_goes_before_a_dateline(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Title: The bridge\nDate: 2022-01-02\n\nHarbour Post, 4 May 2021\n\nIt is mended.")
    assert read_document(tmp_path / "a.txt", "a.txt").date == "2022-01-02"


def test_a_page_gives_its_article_block_by_block_and_its_metadata(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    document = read_document(tmp_path / "page.html", "page.html")
    assert (document.title, document.date, document.publisher) == ("The bridge is saved", "2021-05-04", "Harbour Post")
    blocks = document.text.split("\n\n")
    assert "The committee of the town met on Tuesday & agreed to mend the old bridge before winter." in blocks
    assert "For ten years two parties had fought over it, and neither would give way to the other." in blocks
    assert "It costs two million.\nIt takes a year." in blocks
    assert document.text.count("We are glad") == 1
    assert "Home" not in blocks


def test_a_given_date_and_publisher_win_over_the_files(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    document = read_document(tmp_path / "page.html", "p", given=Given(date="2020", publisher="Mine"))
    assert (document.date, document.publisher) == ("2020", "Mine")


def html(body: str, head: str = "") -> bytes:
    return f"<html><head><title>T</title>{head}</head><body><article>{body}</article></body></html>".encode()


def page_text(tmp_path: Path, raw: bytes) -> str:
    (tmp_path / "p.html").write_bytes(raw)
    return read_document(tmp_path / "p.html", "p.html").text


LONG = "The committee of the town met on Tuesday and agreed to mend the old bridge before winter"


def test_no_text_of_a_page_is_lost_or_glued_to_its_neighbour(tmp_path: Path) -> None:
    body = (
        f"<h1>Head</h1>{LONG} alpha.<br><br>{LONG} beta.<ul><li><p>{LONG} first.</p><p>{LONG} second.</p></li>"
        f"<li>Outer item<ul><li>Inner one</li></ul></li></ul><table><tr><td>Delta</td><td>Epsilon</td></tr></table>"
        f"<blockquote><p>{LONG} A.</p><p>{LONG} B.</p></blockquote><p>{LONG} end.</p>"
    )
    text = page_text(tmp_path, html(body))
    for word in ("alpha.", "beta.", "first.", "second.", "Outer item", "Inner one", " A.", " B.", "end."):
        assert text.count(word) == 1
    for glued in ("first.The", "A.The", "itemInner", "DeltaEpsilon", "alpha.The"):
        assert glued not in text


@pytest.mark.parametrize("offset", range(4))
def test_a_long_page_of_another_script_is_read_wherever_its_characters_fall(tmp_path: Path, offset: int) -> None:
    assert "предложение" in page_text(
        tmp_path, html("<p>" + "x" * offset + "Это длинное предложение для проверки. " * 200)
    )


def test_a_page_that_names_no_encoding_is_read_as_a_text_would_be(tmp_path: Path) -> None:
    raw = f"<html><body><p>{LONG}, said the café’s owner, très content.</p></body></html>".encode("cp1252")
    assert "café’s owner, très" in page_text(tmp_path, raw)


def test_a_page_states_its_date_in_meta_tags_or_linked_data_and_nowhere_else(tmp_path: Path) -> None:
    linked = (
        '<script type="application/ld+json">{"@type": "NewsArticle", "datePublished": "2020-02-03T01:00Z"}</script>'
    )
    guess = (
        '<link rel="canonical" href="https://example.com/2020/01/02/x.html">'
        '<meta name="last-modified" content="2021-01-01">'
    )
    for head, date in ((linked, "2020-02-03"), (guess, None), ("", None)):
        (tmp_path / "p.html").write_bytes(html(f"<p>{LONG} on 4 May 2019.</p>", head))
        document = read_document(tmp_path / "p.html", "p.html")
        assert (document.date, document.publisher) == (date, None)


def test_a_title_keeps_the_quotation_marks_that_are_its_own() -> None:
    assert stated_metadata("Title: 'Wait' says the mayor\nDate: 2020") == {
        "title": "'Wait' says the mayor",
        "date": "2020",
    }
    assert stated_metadata("---\ntitle: >\n  folded\ndate: 2020\n---\n") == {"date": "2020"}
    assert stated_metadata("---\nA scene. He said it.\ntitle: no\n---\n") == {}
    assert parse_date("٢٠٢٣") is None


def test_a_file_whose_name_is_not_unicode_is_refused(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text(LONG)
    with pytest.raises(Unreadable, match="rename"):
        read_document(path, "x")
