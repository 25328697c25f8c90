"""Exports with a document a row: .jsonl and .csv, their columns known by the usual names."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.content import Content, clean, one_line
from index.formats.text import decode

# Names of columns, in the order in which they are looked for; letter case, spaces and signs do not matter.
_COLUMNS: Mapping[str, Sequence[str]] = {
    "text": ("text", "body", "content", "articlebody", "articletext", "article", "fulltext", "maintext", "bodytext",
             "story", "message", "passage", "document"),
    "title": ("title", "headline", "subject", "heading", "name"),
    "date": ("date", "published", "publishedat", "publishdate", "datepublished", "publicationdate", "pubdate",
             "datetime", "day", "publishedon", "publicationtime"),
    "publisher": ("publisher", "outlet", "publication", "newspaper", "sitename", "site", "source", "journal"),
    "url": ("url", "link", "uri", "href", "permalink"),
    "language": ("language", "lang"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A row that holds a document; number: from 1, in the order of the file, its head not counted.

    raw: what tells one state of it from another.
    """

    number: int
    content: Content
    raw: bytes


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that holds none: the line of the file, from 1, and why.

    number: as a Row's. may_join: it may have swallowed rows after it, so that nobody knows which those that follow are.
    """

    line: int
    reason: str
    number: int
    may_join: bool = False


def read_jsonl(raw: bytes) -> Iterator[Row | BadRow]:
    """A JSON object a line; empty lines hold nothing and are counted. A row is numbered by its line."""
    for number, line in enumerate(decode(raw).split("\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield BadRow(number, f"not a JSON object ({error})", number)
            continue
        if isinstance(fields, dict):
            yield _row(number, number, _known(fields), fields)
        else:
            yield BadRow(number, "not a JSON object", number)


def read_csv(raw: bytes) -> Iterator[Row | BadRow]:
    """A head that names the columns, and a row a document; parted by commas, semicolons or tabs.

    Raises Unreadable for a head without a text column, and for a quotation mark that is not closed, which would join
    all that follows to one row.
    """
    text = decode(raw)
    csv.field_size_limit(max(len(text), 131_072))  # its own limit is 128 KB a field, and a text may well be longer
    rows = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    begun = 1
    try:
        names = next(rows, [])
        if "text" not in _known(dict.fromkeys(names)):
            raise Unreadable(
                f"line 1: none of the columns ({', '.join(names)[:200]}) is called 'text', 'body' or 'content'; "
                "rename the one that holds the texts"
            )
        begun = rows.line_num + 1
        for number, row in enumerate(rows, 1):
            fields = dict(zip(names, row, strict=False))
            if len(row) > len(names):
                reason = f"{len(row)} fields where the head names {len(names)}: a quotation mark is missing"
                yield BadRow(begun, reason, number, may_join=rows.line_num != begun)
            elif any(row):
                yield _row(number, begun, _known(fields), fields)
            begun = rows.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"line {begun}: a broken quotation ({error}); mend it and index the file again") from error


def _delimiter(text: str) -> str:
    head = text[: text.find("\n")] if "\n" in text else text
    return max(",;\t|", key=head.count)


def _known(fields: Mapping[str, object]) -> dict[str, object]:
    """The values of the columns that are known by their names."""
    plain = {
        "".join(filter(str.isalnum, str(name).casefold())): value for name, value in reversed(list(fields.items()))
    }
    return {
        field: plain[name]
        for field, names in _COLUMNS.items()
        if (name := next((name for name in names if name in plain), None)) is not None
    }


def _row(number: int, line: int, known: Mapping[str, object], fields: Mapping[str, object]) -> Row | BadRow:
    text = known.get("text")
    if not isinstance(text, str) or not clean(text).strip():
        found = "is empty" if isinstance(text, str) or text is None else f"is not a string ({text!r:.40})"
        had = found if "text" in known else f"is none of its fields ({', '.join(map(str, fields))[:200]})"
        return BadRow(line, f"no document: its text, under 'text', 'body' or 'content', {had}", number)
    content = Content(
        clean(text),
        title=_words(known.get("title")),
        date=parse_date(_words(known.get("date"))),
        publisher=_words(known.get("publisher")),
        url=_words(known.get("url")),
        language=_words(known.get("language")),
    )
    return Row(number, content, json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _words(value: object) -> str | None:
    return one_line(value) if isinstance(value, str) else str(value) if isinstance(value, int) else None
