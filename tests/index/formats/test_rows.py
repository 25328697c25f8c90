"""Registers and exports by rows: what each column says is in the document, by its name."""

import csv
from io import StringIO

import pytest

from index.formats.content import Content
from index.formats.rows import BadRow, Row, read_csv, read_jsonl


def contents(raw: str) -> list[Content]:
    return [row.content for row in read_csv(raw.encode()) if isinstance(row, Row)]


@pytest.mark.parametrize("delimiter", list(",;\t|^~:"))
def test_a_register_without_a_text_is_a_document_a_row_whatever_parts_its_columns(delimiter: str) -> None:
    raw = StringIO()
    rows = csv.writer(raw, delimiter=delimiter)
    rows.writerows([["Invoice", "Amount", "Paid"], ["R-1", "1.250,00", "yes"], ["R-2", f"980{delimiter}50", ""]])
    assert [content.text for content in contents(raw.getvalue())] == [
        "Invoice: R-1\nAmount: 1.250,00\nPaid: yes",
        f"Invoice: R-2\nAmount: 980{delimiter}50",
    ]


def test_excels_first_line_says_what_parts_the_columns() -> None:
    assert [content.text for content in contents("sep=;\nItem;Price\nOar;12,5\n")] == ["Item: Oar\nPrice: 12,5"]


def test_columns_beside_the_known_ones_stand_below_the_text_and_a_date_that_is_none_is_one_of_them() -> None:
    (content,) = contents('ticket,date,text,title\nT-1,next week,"The lift stops, he said.",Lift\n')
    assert content.text == "The lift stops, he said.\n\nticket: T-1\ndate: next week"
    assert (content.title, content.date) == ("Lift", None)
    assert [content.text[block.start : block.end] for block in content.blocks] == ["ticket: T-1", "date: next week"]


def test_a_column_of_texts_alone_may_hold_commas_without_quotation_marks() -> None:
    assert [content.text for content in contents("text\nYes, it is.\nNo, I, too, say no.\nSo.\n")] == [
        "Yes, it is.", "No, I, too, say no.", "So."
    ]  # fmt: skip


def test_lines_above_the_heads_are_told() -> None:
    found = contents("Accounts of 2024\n\nName,Fee,Paid\nAda,4,yes\nBo,5,no\n")
    assert [content.text for content in found] == ["Name: Ada\nFee: 4\nPaid: yes", "Name: Bo\nFee: 5\nPaid: no"]
    assert found[0].notices == ("not read above the heads of the columns: Accounts of 2024",)


def test_columns_of_one_name_or_of_none_are_all_kept() -> None:
    assert [content.text for content in contents("No,Fee,Fee,\n1,2,3,x\n")] == ["No: 1\nFee: 2\nFee: 3\ncolumn 4: x"]


def test_nested_values_are_named_by_their_path_and_numbers_stay_as_they_are_written() -> None:
    owner = '{"owner": {"name": "Ada", "since": 2019}, "fee": 1250.00, "tags": ["a", "b"], "paid": false, "left": null,'
    rows = [owner + ' "items": [{"sku": "X1", "qty": 2}]}', '{"page": {"body": "The mill was sold.", "title": "Mill"}}']
    found = [row.content for row in read_jsonl("\n".join(rows).encode()) if isinstance(row, Row)]
    assert found[0].text == (
        "owner.name: Ada\nowner.since: 2019\nfee: 1250.00\ntags: a, b\npaid: false\nitems.1.sku: X1\nitems.1.qty: 2"
    )
    assert (found[1].text, found[1].title) == ("The mill was sold.", "Mill")


def test_a_row_with_more_fields_than_heads_is_told() -> None:
    (row,) = read_csv(b"a,b\n1,2,3\n")
    assert isinstance(row, BadRow)
    assert "3 fields where the head names 2" in row.reason
