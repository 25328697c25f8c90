"""Rows of tables, each read by itself: beside many others the reader loses which cell is whose.

Of 68 questions about rows of 28 tables, it found the right row of 62% where it read the table, of 87% where it read
its rows one by one. What is asked for may be an empty cell: such a cell is shown as another row has it, and a reader
that takes this for the answer says that there is none. Knows excerpts; not what is made of the reader's answers.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from math import log

from index.paragraphs import Kind
from index.passages import Passage
from index.tables import Shown, Table, TableRow, as_it_stands, is_empty, shown_row
from index.terms import query_words, words_of
from rag.citations import Sources
from rag.reading.excerpts import Excerpt, excerpt_with, path_above
from rag.reading.reader import PassageReader
from rag.retrieval import Hit

# order of a row = logit of the small network + weight * fused score of its passage + weight * how well it is named.
_FUSED_WEIGHT = 16.0
_NAMED_WEIGHT = 2.0
# Rows on either side in which a cell is looked for that shows what an empty one could say.
_NEAR_ROWS = 40
# Characters of a line right above a table that says what it is of.
_LINE_CHARACTERS = 160
_LINES = frozenset((Kind.BODY, Kind.CAPTION))


def is_tabular(passage: Passage, sources: Sources) -> bool:
    """Whether a passage is rows of a table, be it with the line that leads to them."""
    return any(p.kind is Kind.TABLE_ROW for p in sources.touched(passage.doc_id, passage.start, passage.end))


def best_rows(
    question: str, hits: Sequence[Hit], sources: Sources, reader: PassageReader, *, most: int
) -> list[Excerpt]:
    """The rows of these passages that are worth reading most, best first, each an excerpt of its own.

    hits: their passages are tabular. A row of heads is none. The order is that of a quick look at each row.
    """
    asked = set(query_words(question))
    rows: dict[tuple[str, int], tuple[Excerpt, set[str]]] = {}
    for hit in hits:
        for number, excerpt, words in _rows(hit, asked, sources):
            rows.setdefault((hit.passage.doc_id, number), (excerpt, words & asked))
    if not rows:
        return []
    found = [excerpt for excerpt, _ in rows.values()]
    in_rows = Counter(word for _, words in rows.values() for word in words)
    weights = {word: log(len(found) / n) for word, n in in_rows.items()}
    # The parts of one code or date are one name: else a table's own number outweighs what is asked of its rows.
    names = [set(query_words(token)) for token in question.split()]
    named = [
        sum(max((weights[word] for word in words & name), default=0.0) for name in names) for _, words in rows.values()
    ]
    logits = reader.answerable([question] * len(found), [e.text for e in found], [e.title for e in found])
    ordered = [
        replace(
            excerpt,
            hit=replace(excerpt.hit, order=logit + _FUSED_WEIGHT * excerpt.hit.score + _NAMED_WEIGHT * of_row),
            named=of_row,
        )
        for excerpt, logit, of_row in zip(found, logits, named, strict=True)
    ]
    return sorted(ordered, key=lambda excerpt: (-excerpt.hit.order, excerpt.hit.rank))[:most]


def _rows(hit: Hit, asked: set[str], sources: Sources) -> Iterator[tuple[int, Excerpt, set[str]]]:
    """The rows of a passage, each with its number and its words, below the headings and the line above its table."""
    passage = hit.passage
    document = sources.document(passage.doc_id)
    text = document.text
    for paragraph in sources.touched(passage.doc_id, passage.start, passage.end):
        table, row = sources.rows(passage.doc_id).get(paragraph.number, (None, None))
        if table is None or row is None or row.is_head:
            continue
        shown = shown_row(text, table, row, partial(_stand_in, text, table, row, asked))
        parts = [*path_above(paragraph, sources), *_line_above(passage.doc_id, table, sources), shown]
        excerpt = excerpt_with(hit, document, parts)
        column = asked_column(asked, [set(words_of(head)) for head in table.heads], [
            set(words_of(text[start:end])) for start, end in row.cells
        ])  # fmt: skip
        if column is not None:
            spans = sorted([*((a, b) for a, b, _ in excerpt.shown.pieces), *excerpt.shown.empty])
            excerpt = replace(excerpt, cell=spans[column - len(row.cells)])
        yield paragraph.number, excerpt, set(words_of(text[paragraph.start : paragraph.end]))


def asked_column(
    asked: AbstractSet[str], heads: Sequence[AbstractSet[str]], cells: Sequence[AbstractSet[str]]
) -> int | None:
    """The column that a question names: whose head has most of its words; None where none has, or several as many.

    All as sets of words. A column of which the question gives what stands in the row is not what it asks for.
    """
    shared = [len(asked & head) if asked.isdisjoint(cell) else 0 for head, cell in zip(heads, cells, strict=True)]
    most = max(shared, default=0)
    return shared.index(most) if most and shared.count(most) == 1 else None


def _line_above(doc_id: str, table: Table, sources: Sources) -> list[Shown]:
    """The line right above a table, which may say what it is of."""
    first = table.rows[0].number
    line = sources.paragraphs(doc_id)[first - 2] if first > 1 else None
    if line is None or line.kind not in _LINES or line.end - line.start > _LINE_CHARACTERS:
        return []
    return [as_it_stands(sources.document(doc_id).text, line.start, line.end)]


def _stand_in(text: str, table: Table, row: TableRow, asked: set[str], column: int) -> str | None:
    """What the nearest row says in a column, none of it asked for; None where no row near says anything."""
    at = row.number - table.rows[0].number
    for away in range(1, _NEAR_ROWS):
        for other in (at - away, at + away):
            if 0 <= other < len(table.rows) and not table.rows[other].is_head:
                cell = text[slice(*table.rows[other].cells[column])]
                if not is_empty(cell) and asked.isdisjoint(words_of(cell)):
                    return cell
    return None
