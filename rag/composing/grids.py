"""Rows and columns, wherever they lie: the rows of a table in a document, or documents that are the rows of one file.

A grid's cells are places in documents, so that what is compared or listed can be cited. Knows documents and sources.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index.collection import Filters, Snapshot
from index.documents import Document
from index.paragraphs import Kind, Paragraph
from index.tables import Table, rows_of
from rag.citations import Sentence, Sources
from rag.composing.stems import is_negated, stem, stems
from rag.reading.candidates import Candidate
from rag.retrieval import Hit
from rag.words import names

# Rows of a file that are read together, and documents of a collection in which they are looked for.
_MOST_ROWS, _MOST_NAMES = 1000, 200_000
_IN_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]]")
_FIELD = re.compile(r"(?P<name>[^\n:]{1,60}):[ \t]*(?P<value>[^\n]*)(?:\n|$)")
_TOTAL_ROW = re.compile(r"\W*(?:(?:sub-?|grand )?total|sum|average|mean)\b", re.IGNORECASE)
# Words that ask for a column -> words of its head: "how heavy" asks for a weight.
_ASKED_AS = (
    ("cost costs price charge charged fee", "price cost fee fare rate rent tariff charge"),
    ("heavy weigh weighs", "weight mass"),
    ("long last lasts time minutes hours days", "duration time"),
    ("long", "length"), ("tall high", "height"), ("deep", "depth"), ("wide broad", "width"), ("fast", "speed"),
    ("loud noisy quiet", "noise"), ("hot warm cold", "temperature"), ("thick", "thickness"), ("large big", "size area"),
)  # fmt: skip
# Unit of a head as a question says it.
_UNITS = {
    "min": "minute", "h": "hour", "s": "second", "d": "day", "l": "litre", "w": "watt", "v": "volt", "€": "euro",
    "eur": "euro", "usd": "dollar", "m": "metre", "g": "gram", "%": "percent", "db": "decibel", "kw": "kilowatt",
}  # fmt: skip
_YEAR = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
# Words of a question that any row may be asked with.
_SAYS_LITTLE = "take need use get come give cost run pay go goes work sell sale long much there number value figure"
# Letters that forms of a word have in common: "produced" and "production".
_LIKE_FROM = 5
_ASKS_WITH = re.compile(r"\W*(?:which|what|whose) (?P<noun>[^\W\d_][\w'’-]*)", re.IGNORECASE)
_VERBS = frozenset(("is", "are", "was", "were", "has", "have", "had", "does", "do", "did", "will", "would", "can"))
_YES = frozenset(("yes", "y", "✓", "✔", "x", "true"))
_SAYS_NO = frozenset(("no", "none", "✗", "✘"))
_NO = frozenset(("no", "n", "✗", "✘", "false", "-", "–", "—", ""))


@dataclass(frozen=True, slots=True)
class GridRow:
    """A row: half-open spans of its cells in its document, and the paragraph that each stands in; an empty cell is
    (n, n). A table's row is one paragraph, a row of a file has one for each of its fields."""

    document: Document
    paragraphs: tuple[Paragraph, ...]
    cells: tuple[tuple[int, int], ...]

    def cell(self, column: int) -> str:
        """The words of a cell."""
        start, end = self.cells[column]
        return self.document.text[start:end].strip()

    @property
    def words(self) -> str:
        """The words of all cells."""
        return " ; ".join(self.cell(n) for n in range(len(self.cells)))

    def candidate(self, hit: Hit, column: int) -> Candidate:
        """The paragraph of one of its cells, to be cited for it."""
        paragraph = self.paragraphs[column]
        sentence = Sentence(self.document, paragraph, paragraph.start, paragraph.end)
        return Candidate(hit, sentence, *self.cells[column], 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows without heads and totals, all of as many cells as there are heads, "" where nothing names a column.

    around: stems of what the whole of it is about: title, heading, the line before it, heads and cells.
    totals: the rows of totals, which are compared with none.
    """

    heads: tuple[str, ...]
    rows: tuple[GridRow, ...]
    around: frozenset[str]
    totals: tuple[GridRow, ...] = ()


def keep_records(snapshot: Snapshot, sources: Sources, hits: Sequence[Hit], filters: Filters | None) -> None:
    """Reads the other rows of the files of which rows were found, before the snapshot ends, as the filters allow."""
    files = {hit.passage.doc_id.rpartition("#")[0] for hit in hits if _is_record(hit.passage.doc_id)}
    if not files or snapshot.n_documents() > _MOST_NAMES:
        return
    names = [n.doc_id for n in snapshot.names() if _is_record(n.doc_id) and n.doc_id.rpartition("#")[0] in files]
    if filters and filters.documents:
        names = [name for name in names if name in filters.documents]
    if len(names) <= _MOST_ROWS:
        sources.keep_rows(names, filters)


def grids(hits: Sequence[Hit], sources: Sources) -> list[tuple[Hit, Grid]]:
    """The grids that hits are in, each with the best of those hits."""
    found: list[tuple[Hit, Grid]] = []
    seen: set[tuple[str, int]] = set()
    for hit in hits:
        doc_id = hit.passage.doc_id
        if _is_record(doc_id):
            file = doc_id.rpartition("#")[0]
            if (file, 0) not in seen:
                seen.add((file, 0))
                records = _records(file, sources)
                found += [(hit, records)] if records else []
            continue
        touched = [p for p in sources.touched(doc_id, hit.passage.start, hit.passage.end) if p.kind is Kind.TABLE_ROW]
        if not touched:
            continue
        tables = rows_of(sources.document(doc_id).text, sources.paragraphs(doc_id))
        for paragraph in touched:
            table = tables[paragraph.number][0]
            if (doc_id, table.rows[0].number) not in seen:
                seen.add((doc_id, table.rows[0].number))
                found.append((hit, _of_table(table, doc_id, sources)))
    return [(hit, grid) for hit, grid in found if len(grid.rows) > 1]


def _is_record(doc_id: str) -> bool:
    return bool(re.search(r"#\d+$", doc_id))


def _of_table(table: Table, doc_id: str, sources: Sources) -> Grid:
    document, paragraphs = sources.document(doc_id), sources.paragraphs(doc_id)
    by_number = {p.number: p for p in paragraphs}
    of_all = [GridRow(document, (by_number[r.number],) * len(r.cells), r.cells) for r in table.rows if not r.is_head]
    totals = tuple(row for row in of_all if _TOTAL_ROW.match(row.cell(0)))
    rows = [row for row in of_all if row not in totals]
    first = next(n for n, p in enumerate(paragraphs) if p.number == table.rows[0].number)
    above = [p for p in paragraphs[:first] if p.kind is Kind.HEADING][-1:]
    before = [p for p in paragraphs[max(first - 1, 0) : first] if p.kind not in (Kind.TABLE_ROW, Kind.HEADING)]
    said = [document.title or "", *(document.text[p.start : p.end] for p in (*above, *before))]
    return Grid(table.heads, tuple(rows), _around(said, table.heads, of_all), totals)


def _records(file: str, sources: Sources) -> Grid | None:
    """The rows of a file as one grid, a column for each field; None where there is but one."""
    read = []
    for doc_id in sources.kept():
        if doc_id.rpartition("#")[0] != file or not _is_record(doc_id):
            continue
        document, paragraphs = sources.document(doc_id), sources.paragraphs(doc_id)
        fields: dict[str, tuple[Paragraph, tuple[int, int]]] = {}
        for paragraph in paragraphs:
            for field in _FIELD.finditer(document.text, paragraph.start, paragraph.end):
                fields.setdefault(field["name"].strip(), (paragraph, field.span("value")))
        if fields:
            read.append((int(doc_id.rpartition("#")[2]), document, fields))
    if len(read) < 2:
        return None
    read.sort(key=lambda record: record[0])
    heads = tuple(dict.fromkeys(name for _, _, fields in read for name in fields))
    rows = []
    for _, document, fields in read:
        nowhere = next(iter(fields.values()))[0]
        cells = [fields.get(head, (nowhere, (nowhere.end, nowhere.end))) for head in heads]
        rows.append(GridRow(document, tuple(p for p, _ in cells), tuple(span for _, span in cells)))
    return Grid(heads, tuple(rows), _around([_words_of_name(file)], heads, rows))


def _words_of_name(file: str) -> str:
    """The words of a file's name: "tools 2026" of "prices/tools_2026.csv"."""
    return re.sub(r"[\W_]+", " ", file.rpartition("/")[2].rpartition(".")[0])


def _around(said: Sequence[str], heads: Sequence[str], rows: Sequence[GridRow]) -> frozenset[str]:
    return frozenset(stems(" \n".join([*said, *heads, *(row.words for row in rows)])))


def record_label(sentence: Sentence, sources: Sources) -> tuple[str, str] | None:
    """The first field of the record in which a field is cited: ("Printer", "Orsa"); None elsewhere."""
    doc_id = sentence.document.doc_id
    if not _is_record(doc_id):
        return None
    fields = sources.paragraphs(doc_id)
    first = fields[0] if len(fields) > 1 else sentence.paragraph
    field = _FIELD.match(sentence.document.text, first.start, first.end)
    if field is None or first.start <= sentence.start < first.end or not field["value"].strip():
        return None
    return field["name"].strip(), field["value"].strip()


# ---- What a question asks for of a grid


def rows_asked_for(question: str, grid: Grid) -> list[GridRow]:
    """The rows that a question asks for: those that say yes or no in the column that it names, or whose cells have its
    words, where some have more of them than others; all where nothing tells."""
    rows = list(grid.rows)
    asked = stems(question)
    for column, head in enumerate(grid.heads):
        cells = [row.cell(column).strip(" .").casefold() for row in rows]
        if stems(head) & asked and len(set(cells)) > 1 and all(cell in _YES | _NO for cell in cells):
            wanted = _NO if is_negated(question) else _YES
            return [row for row, cell in zip(rows, cells, strict=True) if cell in wanted]
        if _tells_which(question, grid, column):
            return [row for row, cell in zip(rows, cells, strict=True) if (cell in _NO) == is_negated(question)]
    asked -= stems(" ".join(grid.heads))
    has = [len(asked & stems(row.words)) for row in rows]
    most = max(has, default=0)
    if not most:
        return rows
    kept = [row for row, n in zip(rows, has, strict=True) if n == most]
    as_negated = [row for row in kept if is_negated(row.words) == is_negated(question)]
    return as_negated or kept


def cell_asked_for(question: str, grid: Grid) -> tuple[GridRow, int] | None:
    """The cell, be it empty, of the column and the row that a question names, all its other words being the grid's;
    None where it names not one of each: "How many pages per minute does the Orsa print?".

    A column is named by its head, by its unit or by what asks for it ("how heavy"); a row by its first cell, or where
    no other row has as many of the words that are left.
    """
    asked = stems(question)
    columns = _columns_named(question, asked, grid)
    for rows_named in (_rows_called, _rows_told):
        cells = [(row, n) for n, words in columns for row in rows_named(asked, words, n, grid)]
        if cells:
            return cells[0] if len(cells) == 1 else None
    return None


def names_no_cell(question: str, grid: Grid) -> bool:
    """Whether a question names a row or a year that a grid has not: "How many layers does Large have?" of others."""
    years = {head for head in grid.heads if _YEAR.fullmatch(head)}
    if len(years) > 1 and any(year not in grid.around for year in _YEAR.findall(question)):
        return True
    asked = stems(question)
    told = stems(" ".join(names(question)))
    columns = _columns_named(question, asked, grid)
    if not told or not columns or any(_is_in(word, grid.around) for word in told):
        return False
    left = asked - columns[0][1] - stems(_SAYS_LITTLE)
    return not any(_is_in(word, stems(row.words)) for row in grid.rows for word in left)


def _rows_called(asked: set[str], of_column: set[str], column: int, grid: Grid) -> list[GridRow]:
    """The rows that a question names beside a column by their first cells; none where a word is not the grid's."""
    left = asked - of_column
    if not column or not all(_is_in(word, grid.around) for word in left - stems(_SAYS_LITTLE)):
        return []
    named = [(row, words) for row in (*grid.rows, *grid.totals) if (words := _naming(row.cell(0), left))]
    most = max((len(words) for _, words in named), default=0)  # "W3 Plus" has the words of "W3", too
    return [row for row, words in named if len(words) == most]


def _rows_told(asked: set[str], of_column: set[str], column: int, grid: Grid) -> list[GridRow]:
    """The rows that a question tells beside a column by what asks for their first cells, or by words of others."""
    left = asked - of_column - stems(_SAYS_LITTLE)
    told = [row for row in grid.rows if column and _asked_as(row.cell(0), asked - of_column)]
    asked_with = set().union(*(_asked_as(row.cell(0), asked - of_column) for row in told))
    if not all(_is_in(word, grid.around) for word in left - asked_with):
        return []
    return told or _rows_with(left - _of_heads(grid, column, asked), grid, column)


def _columns_named(question: str, asked: set[str], grid: Grid) -> list[tuple[int, set[str]]]:
    """The columns that a question names best, each with the words that name it; one that it asks with before all."""
    asks = _ASKS_WITH.match(question)
    noun = stems(asks["noun"]) if asks else set()
    with_it = [n for n, head in enumerate(grid.heads) if noun and noun <= stems(_IN_BRACKETS.sub("", head))]
    if len(with_it) == 1:
        return [(with_it[0], noun)]
    fits = {n: words for n, head in enumerate(grid.heads) if n and (words := _naming(head, asked))}
    if not fits:
        fits = {n: words for n, head in enumerate(grid.heads) if n and (words := _asked_as(head, asked))}
    most = max(map(len, fits.values()), default=0)
    return [(n, words) for n, words in fits.items() if len(words) == most]


def _naming(label: str, asked: set[str]) -> set[str]:
    """The words of a question that name what a head or a first cell says, where it has all of that's words."""
    words = stems(_IN_BRACKETS.sub("", label))
    said = {word: {other for other in asked if _is_like(word, other)} for word in words}
    return set().union(*said.values()) if said and all(said.values()) else set()


def _asked_as(label: str, asked: set[str]) -> set[str]:
    """The words of a question that ask for what a head says by other words: its unit, or "heavy" for a weight."""
    words = stems(_IN_BRACKETS.sub("", label))
    found = {word for ask, heads in _ASKED_AS if words & stems(heads) for word in asked & stems(ask)}
    units = [unit.strip("()[] .").casefold() for unit in _IN_BRACKETS.findall(label)]
    return found | (asked & {stem(form) for unit in units for form in (unit, _UNITS.get(unit, unit))})


def _of_heads(grid: Grid, column: int, asked: set[str]) -> set[str]:
    """The words of a question that name other columns, as "in Q3" does where a tenant is asked for."""
    heads = [_naming(head, asked) for n, head in enumerate(grid.heads) if n != column]
    return set().union(*heads)


def _rows_with(left: set[str], grid: Grid, column: int) -> list[GridRow]:
    """The rows that have all of those words that tell rows apart; none where no word does, or it is in the column."""
    cells = [stems(" ; ".join(row.cell(n) for n in range(len(row.cells)) if n != column)) for row in grid.rows]
    telling = {word for word in left if 0 < sum(word in words for words in cells) < len(cells)}
    return [row for row, words in zip(grid.rows, cells, strict=True) if telling and telling <= words]


def _is_in(word: str, words: Iterable[str]) -> bool:
    return word in words or any(_is_like(word, other) for other in words)


def _is_like(one: str, other: str) -> bool:
    """Whether two stems are of one word: equal, or one begins with all of the other, which is long: "param" is
    "parameter"."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= _LIKE_FROM and short.isalpha() and long.startswith(short)


def names_no_row(question: str, grid: Grid, row: GridRow, column: int) -> bool:
    """Whether a question leaves open which row is meant, and the rows differ in the column."""
    asked = stems(question) - stems(" ".join(grid.heads))
    cells = {other.cell(column) for other in grid.rows}
    return len(cells) > 1 and not asked & stems(row.words.replace(row.cell(column), ""))


def column_asked_for(question: str, grid: Grid, rows: Sequence[GridRow], answer: int | None = None) -> int:
    """The column that a question asks for: whose head has the first of its words, else that of the answer, a place in
    the document, where its cells differ, else what the rows are called."""
    named = named_column(question, grid)
    if named is not None:
        return named
    if any(_tells_which(question, grid, column) for column in range(len(grid.heads))):
        return _label_column(grid)
    at = next((n for row in rows for n, (a, b) in enumerate(row.cells) if answer is not None and a <= answer < b), None)
    return at if at is not None and len({row.cell(at) for row in rows}) > 1 else _label_column(grid)


def named_column(question: str, grid: Grid) -> int | None:
    """The column that one of a question's first words names, the last of them first: "plot holders" are holders."""
    words = question.split()[1:5]
    heads = [stems(head) for head in grid.heads]
    run: list[int] = []
    for word in words:
        column = next((n for n, head in enumerate(heads) if stems(word) & head), None)
        # "In which month was power": behind the verb it is another noun.
        if column is None and run and (stems(word) or word.casefold() in _VERBS):
            break
        run += [] if column is None else [column]
    return run[-1] if run and not _tells_which(question, grid, run[-1]) else None


def _tells_which(question: str, grid: Grid, column: int) -> bool:
    """Whether a column tells which rows are meant and is not what is asked for: "Which tools run on battery?", where
    some rows say "no" and others what battery; the question has no word of these."""
    asks, head, asked = _ASKS_WITH.match(question), stems(grid.heads[column]), stems(question)
    cells = [row.cell(column).strip(" .").casefold() for row in grid.rows]
    if asks is None or not head & asked or stems(asks["noun"]) & head:
        return False
    said = [cell for cell in cells if cell not in _NO]
    return bool(said) and any(cell in _SAYS_NO for cell in cells) and not (asked - head) & stems(" ; ".join(said))


def _label_column(grid: Grid) -> int:
    """The column of what its rows are called: that of the titles of records, else the first."""
    columns = range(len(grid.heads))
    return next((n for n in columns if all(row.cell(n) == row.document.title for row in grid.rows)), 0)
