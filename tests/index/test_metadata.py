"""What a person says of documents: in a metadata.csv beside them, with an option, or with `pilcrow edit`."""

from collections.abc import Callable
from pathlib import Path

import pytest

import pilcrow
from index.collection import Collection
from index.dates import days_of, parse_date
from index.documents import Given
from index.encoder.embedding import Encoder
from index.errors import Unreadable
from index.formats.reading import read_document
from index.formats.stated import stated_metadata
from index.intake.given import read_given
from index.intake.indexing import edit_document, index_paths

TEXT = "The committee of the town met on Tuesday and agreed to mend the old bridge before winter."


def known(collection: Collection) -> dict[str, tuple[str | None, str | None, str | None]]:
    with collection.reading() as snapshot:
        return {d.doc_id: (d.title, d.date, d.publisher) for d in snapshot.documents()}


def test_a_metadata_file_states_what_the_files_below_it_do_not(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    folder = tmp_path / "files"
    (folder / "below").mkdir(parents=True)
    (folder / "a.txt").write_text(f"Title: Its own\nDate: 2001-01-01\n\n{TEXT}")
    (folder / "below" / "b.txt").write_text(TEXT)
    (folder / "metadata.csv").write_text(
        'path,title,date,publisher,url\na.txt,,2020-02-03,"Post, Harbour",\nbelow/b.txt,The bridge,3 May 2019,,\n'
        "below/b.txt,The old bridge,,Valley Post,https://example.org/b\n"
    )
    (folder / "below" / "metadata.csv").write_text("path,date\nb.txt,2018\n")
    collection = make_collection()
    summary = index_paths(collection, encoder, [folder])
    assert summary.unreadable == []
    expected = {
        "a.txt": ("Its own", "2020-02-03", "Post, Harbour"),
        "below/b.txt": ("The old bridge", "2018", "Valley Post"),
    }
    assert known(collection) == expected
    assert index_paths(collection, encoder, [folder]).unchanged == 2
    (folder / "below" / "metadata.csv").write_text("path,date\nb.txt,2017\n")
    assert index_paths(collection, encoder, [folder]).updated == 1
    assert known(collection)["below/b.txt"] == ("The old bridge", "2017", "Valley Post")


def test_faults_of_a_metadata_file_are_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    path = tmp_path / "metadata.csv"
    path.write_text(f"path,date\na.txt,yesterday\nb.txt,2020\n,2020\na.txt,2020\n{'x' * 300},2020\n")
    given, faults = read_given(path)
    assert given == {(tmp_path / "a.txt").resolve(): Given(date="2020")}
    assert [(place.rpartition(":")[2], reason.partition(";")[0]) for place, reason in faults] == [
        ("2", "'yesterday' is not a date"),
        ("3", "names 'b.txt', which is not there"),
        ("4", "names no path"),
        ("6", f"names '{'x' * 300}', which cannot be looked at (File name too long)"),
    ]
    for text, told in (("name,date\n", "no column 'path'"), ('path,date\na.txt,"2020\n', "line 2"), ("", "empty")):
        path.write_text(text)
        with pytest.raises(Unreadable, match=told):
            read_given(path)


def test_an_edited_document_stays_so_when_its_file_changes(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    (tmp_path / "a.txt").write_text(f"Title: Its own\nDate: 2001-01-01\n\n{TEXT}")
    collection = make_collection()
    index_paths(collection, encoder, [tmp_path / "a.txt"])
    edit_document(collection, encoder, "a.txt", Given(date="2020-02-03", publisher="Harbour Post"))
    assert known(collection)["a.txt"] == ("Its own", "2020-02-03", "Harbour Post")
    assert index_paths(collection, encoder, [tmp_path / "a.txt"]).unchanged == 1
    (tmp_path / "a.txt").write_text(f"Title: Another\nDate: 2002-01-01\n\n{TEXT} So it was.")
    assert index_paths(collection, encoder, [tmp_path / "a.txt"]).updated == 1
    assert known(collection)["a.txt"] == ("Another", "2020-02-03", "Harbour Post")
    assert index_paths(collection, encoder, [tmp_path / "a.txt"], date="1999").updated == 1
    assert known(collection)["a.txt"] == ("Another", "1999", "Harbour Post")


def test_an_edited_title_is_what_search_sees(make_collection: Callable[..., Collection], encoder: Encoder) -> None:
    collection = make_collection(a=TEXT, b="A fish swam in the river and nobody saw it until the evening came.")
    edit_document(collection, encoder, "b.txt", Given(title="Zanzibar"))
    with collection.reading() as snapshot:
        (best, _), *_ = snapshot.lexical("zanzibar", 5)
        assert snapshot.passages([best])[0].doc_id == "b.txt"
        assert snapshot.document("b.txt").title == "Zanzibar"


def test_edit_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PILCROW_COLLECTION", raising=False)
    (tmp_path / "a.txt").write_text(TEXT)
    assert pilcrow.main(["edit", "a.txt", "--date", "2020"]) == 2
    assert not (tmp_path / ".pilcrow").exists()
    assert pilcrow.main(["index", "a.txt"]) == 0
    capsys.readouterr()
    assert pilcrow.main(["edit", "a.txt", "--date", "3 May 2020", "--publisher", "Harbour Post"]) == 0
    assert capsys.readouterr().out == "a.txt  2020-05-03  Harbour Post  no title\n"
    assert pilcrow.main(["edit", "a.txt", "--date", "soon"]) == 2
    assert "'soon' is not a date" in capsys.readouterr().err
    assert pilcrow.main(["edit", "b.txt", "--date", "2020"]) == 2
    assert "no document 'b.txt'" in capsys.readouterr().err
    assert pilcrow.main(["edit", "a.txt"]) == 2
    assert "--publisher" in capsys.readouterr().err


def test_what_is_given_stands_on_one_line_and_a_blank_says_nothing() -> None:
    assert Given(title="The\n old  bridge\x07", publisher=" \t ") == Given(title="The old bridge")
    assert Given(publisher=" ").named == ()


def test_what_was_given_is_taken_away_by_an_empty_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PILCROW_COLLECTION", raising=False)
    (tmp_path / "a.txt").write_text(f"The bridge\n\n{TEXT}")
    assert pilcrow.main(["index", "a.txt", "--publisher", "  "]) == 0
    assert pilcrow.main(["edit", "a.txt", "--title", "An\nother", "--date", "2020", "--publisher", "Post"]) == 0
    assert capsys.readouterr().out.endswith("a.txt  2020  Post  An other\n")
    assert pilcrow.main(["edit", "a.txt", "--publisher", "", "--date="]) == 0
    assert pilcrow.main(["edit", "a.txt", "--title", " "]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert (first, second) == ("a.txt  no date  no outlet  An other", "a.txt  no date  no outlet  The bridge")
    (tmp_path / "a.txt").write_text(f"Title: Stated\nDate: 2002-01-01\n\n{TEXT}")
    assert pilcrow.main(["index", "a.txt"]) == 0
    with pilcrow.open_collection().stored.reading() as snapshot:
        stored = snapshot.document("a.txt")
    assert (stored.title, stored.date, stored.given) == ("Stated", "2002-01-01", ())


def test_linked_data_of_other_articles_and_dates_in_prose_and_captions_are_not_the_pages(tmp_path: Path) -> None:
    other = '<script type="application/ld+json">{"@type": "ItemList", "itemListElement": [{"@type": "NewsArticle", ' \
        '"datePublished": "2015-01-01"}]}</script>'  # fmt: skip
    own = '<script type="application/ld+json">{"@graph": [{"@type": "Organization"}, {"@type": ["NewsArticle"], ' \
        '"datePublished": "2020-02-03T10:00:00Z", "publisher": {"name": "Harbour Post"}}]}</script>'  # fmt: skip
    body = (
        f"<p>{TEXT}</p><figure><figcaption>The bridge on 4 May 2019.</figcaption></figure><p>On 5 May 2018 it fell.</p>"
    )
    for head, expected in ((other, (None, None)), (own, ("2020-02-03", "Harbour Post")), ("", (None, None))):
        page = f'<html lang="en-GB"><head>{head}</head><body><article>{body}</article></body></html>'
        (tmp_path / "a.html").write_text(page)
        document = read_document(tmp_path / "a.html", "a")
        assert (document.date, document.publisher) == expected
        assert document.language == "en-GB"


def test_other_names_of_the_same_lines_and_dates_of_mails_and_feeds() -> None:
    head = "Title: A\nPublished: 2020-02-03\nOutlet: Harbour Post\nLang: de\nURL: https://example.org\n\n"
    assert stated_metadata(head + TEXT) == {
        "title": "A",
        "date": "2020-02-03",
        "publisher": "Harbour Post",
        "language": "de",
        "url": "https://example.org",
    }
    assert parse_date("Tue, 04 May 2021 23:30:00 -0500") == "2021-05-04"
    assert parse_date("4 May 2021 10:00 in the morning, 99 Foo") in ("2021-05-04", None)
    assert parse_date("Tue, 99 May 2021 10:00:00 +0000") is None


@pytest.mark.parametrize(
    ("date", "first", "last"),
    [("2022", 20220000, 20229999), ("2022-03", 20220300, 20220399), ("2022-03-05", 20220305, 20220305)],
)
def test_a_date_in_part_spans_all_days_that_it_may_mean(date: str, first: int, last: int) -> None:
    assert days_of(date) == (first, last)
