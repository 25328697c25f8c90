"""Exports and registers with a document a row: .jsonl, .csv and .tsv.

Columns known by the usual names are the text and what is stated of it; every other one is kept as "name: value".
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from index.dates import parse_date
from index.errors import Unreadable
from index.formats.content import Block, Content, Piece, clean, laid_out, one_line
from index.formats.text import decode
from index.paragraphs import Kind

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


Fields = Sequence[tuple[str, object]]
# What parts the fields of a row, the commonest first; a colon only where nothing else does.
_DELIMITERS = ",;\t|^~\x1f:"
# Rows that are looked at to find what parts their fields.
_TRIED_ROWS = 40
# A value of more characters than this is a text of several sentences, and no fact.
_FACT_LETTERS = 300


class _Number(str):
    """A number of JSON as it is written: 1250.00 stays so."""

    __slots__ = ()


def read_jsonl(raw: bytes) -> Iterator[Row | BadRow]:
    """A JSON object a line; empty lines hold nothing and are counted. A row is numbered by its line."""
    for number, line in enumerate(decode(raw).split("\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line, parse_float=_Number, parse_int=_Number)
            yield (
                _row(number, number, list(_flat(fields)))
                if isinstance(fields, dict)
                else BadRow(number, "not a JSON object", number)
            )
        except (ValueError, RecursionError) as error:
            yield BadRow(number, f"not a JSON object ({error})", number)


def _flat(value: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """The values of an object and of those inside it, by their names: `{"owner": {"name": "A"}}` has "owner.name"."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{path}{name}.")
        elif isinstance(inner, list) and any(isinstance(part, dict | list) for part in inner):
            yield from _flat({str(n): part for n, part in enumerate(inner, 1)}, f"{path}{name}.")
        elif isinstance(inner, list):
            yield f"{path}{name}", ", ".join(_shown(part) for part in inner if part is not None)
        else:
            yield f"{path}{name}", inner


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def read_csv(raw: bytes) -> Iterator[Row | BadRow]:
    """A head that names the columns, and a row a document; parted by whatever parts the rows alike.

    Raises Unreadable for a quotation mark that is not closed, which would join all that follows to one row.
    """
    text, delimiter, skipped = _parted(decode(raw))
    csv.field_size_limit(max(len(text), 131_072))  # its own limit is 128 KB a field, and a text may well be longer
    rows = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    above = " / ".join(filter(None, skipped))[:200]
    notices = (f"not read above the heads of the columns: {above}",) if above else ()
    try:
        names = [name.strip() or f"column {n}" for n, name in enumerate(next(rows, []), 1)]
        begun = rows.line_num + 1
        for number, row in enumerate(rows, 1):
            if len(row) > len(names) and any(cell.strip() for cell in row[len(names) :]):
                reason = f"{len(row)} fields where the head names {len(names)}: a quotation mark is missing"
                yield BadRow(begun + len(skipped), reason, number, may_join=rows.line_num != begun)
            elif any(cell.strip() for cell in row):
                yield _row(number, begun + len(skipped), list(zip(names, row, strict=False)), notices)
            begun = rows.line_num + 1
    except csv.Error as error:
        at = begun + len(skipped)
        raise Unreadable(f"line {at}: a broken quotation ({error}); mend it and index the file again") from error


def _parted(text: str) -> tuple[str, str, list[str]]:
    """The text from the heads of its columns on, what parts its fields, and the lines above the heads.

    Excel's first line "sep=;" says what parts them, and is none of them.
    """
    if text[:4].lower() == "sep=" and len(text) > 5 and text[5] == "\n":
        return text[6:], text[4], []
    delimiter = _delimiter(text)
    lines = text.split("\n", _TRIED_ROWS + 1)[: _TRIED_ROWS + 1]
    widths = [len(row) for row in _tried(lines, delimiter)]
    # A line of one field above many of several is a title over the table.
    usual = Counter(widths).most_common(1)[0][0] if widths else 1
    first = 0
    while usual > 2 and first < min(len(lines) - 1, 10) and '"' not in lines[first] and (
        len(lines[first].rstrip(delimiter).split(delimiter)) == 1
    ):  # fmt: skip
        first += 1
    skipped = [line.rstrip(delimiter).strip() for line in lines[:first]]
    return "\n".join(text.split("\n")[first:]), delimiter, skipped


def _tried(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The first rows, as they are parted by this; up to where they cannot be read so."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(StringIO("\n".join(lines[:-1] or lines), newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
    except csv.Error:
        return rows
    return rows


def _delimiter(text: str) -> str:
    """What parts the first rows into several fields each, and all into equally many."""
    lines = text.split("\n", _TRIED_ROWS + 1)[: _TRIED_ROWS + 1]

    def alike(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in _tried(lines, delimiter)]
        several = Counter(width for width in widths if width > 1)
        if not several:
            return 0.0, 0
        width, rows = several.most_common(1)[0]
        head = len(lines[0].split(delimiter)) > 1
        return (rows / len(widths) + head) * (0.5 if delimiter == ":" else 1), width

    best = max(_DELIMITERS, key=alike)
    # One column of texts has commas, too, but not in its head, and not equally many.
    return best if best in lines[0] or alike(best)[0] >= 0.6 else "\x1f"


def _known(fields: Fields) -> dict[str, int]:
    """The places of the columns that are known by their names; of nested ones those beside a text are, too."""
    tops = _by_name(fields, "")
    if "text" not in tops:
        nested = next((name for name, _ in fields if _plain(name.rpartition(".")[2]) in _COLUMNS["text"]), "")
        return {**_by_name(fields, nested.rpartition(".")[0] + "."), **tops} if "." in nested else tops
    return tops


def _by_name(fields: Fields, prefix: str) -> dict[str, int]:
    plain: dict[str, int] = {}
    for at, (name, _) in enumerate(fields):
        if str(name).startswith(prefix):
            plain.setdefault(_plain(str(name)[len(prefix) :]), at)
    found = {field: next((name for name in names if name in plain), None) for field, names in _COLUMNS.items()}
    return {field: plain[name] for field, name in found.items() if name is not None}


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _row(number: int, line: int, fields: Fields, notices: tuple[str, ...] = ()) -> Row | BadRow:
    """The document in a row: its text, where a column holds one, and below it every column that is no known one."""
    known = _known(fields)
    if "text" in known and type(fields[known["text"]][1]) is not str:
        del known["text"]  # a number or nothing under a name such as "message"
    values = {field: fields[at][1] for field, at in known.items()}
    date = parse_date(_words(values.get("date")))
    if date is None:
        known.pop("date", None)
    text = clean(_shown(values.get("text", ""))).rstrip()
    others = [field for at, field in enumerate(fields) if at not in known.values() and _is_told(field[1])]
    if not text.strip() and not others:
        told = [name for name, value in fields if _is_told(value)]
        why = f"it has only {', '.join(told)[:200]}" if told else "all its fields are empty"
        return BadRow(line, f"no document: {why}", number)
    # Where no column is the text, what would be said of one is a fact like the others.
    text, blocks = _with_facts(text, others if text.strip() else fields)
    content = Content(
        text,
        title=_words(values.get("title")),
        date=date,
        publisher=_words(values.get("publisher")),
        url=_words(values.get("url")),
        language=_words(values.get("language")),
        blocks=blocks,
        notices=notices,
    )
    return Row(number, content, json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _is_told(value: object) -> bool:
    return value is not None and bool(clean(_shown(value)).strip())


def _with_facts(text: str, facts: Fields) -> tuple[str, tuple[Block, ...]]:
    """The text with a line "name: value" for each fact below it, and their blocks."""
    pieces = [
        Piece(f"{name}: {shown}", Kind.LIST_ITEM if len(shown) <= _FACT_LETTERS else Kind.BODY, 1)
        for name, value in facts
        if _is_told(value) and (shown := clean(_shown(value)).strip())
    ]
    below, blocks, _ = laid_out([pieces])
    if not text.strip():
        return below, blocks
    start = len(text) + 2
    if not below:
        return text, ()
    moved = tuple(Block(block.start + start, block.end + start, block.kind, block.level) for block in blocks)
    return f"{text}\n\n{below}", moved


def _words(value: object) -> str | None:
    return one_line(value) if isinstance(value, str) else None
