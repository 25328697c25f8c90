"""What a person says of documents: in a metadata.csv beside them, with an option, or with `pilcrow edit`."""

import sqlite3
from calendar import monthrange
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pilcrow
from index.collection import Collection, Filters
from index.dates import days_of, may_lie_within, parse_date, stated_date
from index.documents import Given
from index.encoder.embedding import Encoder
from index.errors import Unreadable
from index.folder.selection import _Documents, clauses_of
from index.formats.reading import read_document
from index.formats.stated import stated_metadata
from index.intake.given import read_given
from index.intake.indexing import edit_document, index_paths, row_document
from index.milvus.rows import condition_of, document_row

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


@pytest.mark.parametrize(
    ("date", "after", "before", "expected"),
    [
        ("2022", "2022-12-31", "2022-12-31", True),
        ("2022", "2023", None, False),
        ("2022-03", "2022-03-31", None, True),
        ("2022-03-05", "2022-03-06", None, False),
        ("2022-03-05", None, "2022-03", True),
        ("2022-04", None, "2022-03-31", False),
        (None, None, None, True),
        (None, "1900", None, False),
        (None, None, "2100", False),
    ],
)
def test_a_date_lies_within_limits_where_one_of_its_days_may(
    date: str | None, after: str | None, before: str | None, expected: bool
) -> None:
    assert may_lie_within(date, after, before) is expected


def days(stated: str) -> tuple[date, date]:
    """The first and the last day of a date, month or year, by the calendar."""
    year, month, day = (int(part) for part in f"{stated}-00-00"[:10].split("-"))
    last = day or monthrange(year, month or 12)[1]
    return date(year, month or 1, day or 1), date(year, month or 12, last)


NEAR = st.dates(date(2021, 11, 1), date(2023, 2, 28))
DATES = st.builds(lambda day, length: day.isoformat()[:length], NEAR | st.dates(), st.sampled_from([4, 7, 10]))


@given(st.lists(st.none() | DATES, min_size=1), st.none() | DATES, st.none() | DATES)
def test_sql_arrays_and_milvus_let_through_what_may_lie_within_by_the_calendar(
    dates: list[str | None], after: str | None, before: str | None
) -> None:
    expected = [
        (not after or (stated is not None and days(stated)[1] >= days(after)[0]))
        and (not before or (stated is not None and days(stated)[0] <= days(before)[1]))
        for stated in dates
    ]
    filters = Filters(after=after, before=before)
    assert [may_lie_within(stated, after, before) for stated in dates] == expected
    assert [filters.fit(stated, None) for stated in dates] == expected
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE meta (key, value)")
        connection.execute("CREATE TABLE documents (doc_no INTEGER PRIMARY KEY, text_no, date, publisher)")
        connection.executemany("INSERT INTO documents VALUES (?, ?, ?, NULL)", [(n, n, d) for n, d in enumerate(dates)])
        clauses, values = clauses_of(filters)
        passing = connection.execute(f"SELECT doc_no FROM documents d WHERE true{clauses}", values).fetchall()
        assert [(n,) in passing for n in range(len(dates))] == expected
        assert _Documents().allowed(connection, 1, filters, 0)[: len(dates)].tolist() == expected
    documents = [replace(row_document("d", "/d", "x"), date=stated) for stated in dates]
    milvus = condition_of(filters) or "True"  # Python reads these conditions as Milvus does
    assert [eval(milvus, {"day": document_row(1, 1, 1, d, 1)["day"]}) for d in documents] == expected  # noqa: S307


def test_a_date_that_a_person_states_is_one_or_the_error_says_how_to_write_it() -> None:
    assert stated_date("3 May 2019") == "2019-05-03"
    with pytest.raises(ValueError, match=r"^'soon' is not a date; write it like 2023-02-19, 2023-02 or 2023$"):
        stated_date("soon")
