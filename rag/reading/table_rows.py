"""Rows of tables, each read by itself: beside many others the reader loses which cell is whose.

Of 68 questions about rows of 28 tables, it found the right row of 62% where it read the table, of 87% where it read
its rows one by one. What is asked for may be an empty cell: such a cell is shown as another row has it, and a reader
that takes this for the answer says that there is none. Knows excerpts; not what is made of the reader's answers.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from itertools import takewhile
from math import log

from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from index.tables import Shown, Table, TableRow, as_it_stands, is_empty, shown_row
from index.terms import query_words, words_of
from rag.citations import Sentence, Sources
from rag.reading.excerpts import Excerpt, excerpt_with, path_above
from rag.reading.reader import PassageReader
from rag.retrieval import Hit
from rag.words import names

# order of a row = logit of the small network + weight * fused score of its passage + weight * how well it is named.
_FUSED_WEIGHT = 16.0
_NAMED_WEIGHT = 2.0
# Added to a span in the column that the question names, as the reader may prefer another's value: where it has a word
# of the column's head, and where it asks with that word, "Which room ..".
_COLUMN_WEIGHT, _ASKED_COLUMN_WEIGHT = 4.0, 9.0
_ASKS_WITH = re.compile(
    r"\W*(?:(?:in|on|at|to|from|by|for|of|with|under) )?(?:which|what|whose) ([\w'’-]+)", re.IGNORECASE
)
_DAY_OR_MONTH = re.compile(
    r"mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:rs?)?(?:day)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|"
    r"jan(?:uary?)?\w*|feb\w*|mar(?:ch)?|apr(?:il)?|june?|jul\w?|aug(?:ust)?|sept?(?:emb)?(?:er)?|oct(?:ob)?(?:er)?|"
    r"nov(?:emb)?(?:er)?|dec(?:emb)?(?:er)?"
)
# Fields of a record of a file of rows, which is no longer than that; rows may also be articles.
_RECORD, _FIELD, _RECORD_CHARACTERS = re.compile(r"#\d+$"), re.compile(r"[^\n:]{1,60}: \S"), 2000
# An item that says nothing of what it names: "Lift:", "Keys: -".
_EMPTY_ITEM = re.compile(r"([^\n:]{2,60}):[ \t]*[-–—?/.]*$")
_DAY = r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b"
_MONTH = r"\b(?:january|february|march|april|june|july|august|september|october|november|december)\b"
# Rows on either side in which a cell is looked for that shows what an empty one could say.
_NEAR_ROWS = 40
# Characters of a line right above a table that says what it is of.
_LINE_CHARACTERS = 160
_LINES = frozenset((Kind.BODY, Kind.CAPTION))


def is_tabular(passage: Passage, sources: Sources) -> bool:
    """Whether a passage is rows of a table, be it with the line that leads to them."""
    return any(p.kind is Kind.TABLE_ROW for p in sources.touched(passage.doc_id, passage.start, passage.end))


def is_of_another(question: str, sentence: Sentence, *, in_rows: bool = False) -> bool:
    """Whether a row says nothing of whom or what the question names: a table's whose document has none of its names, or
    a record, as of a CSV file, that has none.

    A name is a word with a capital, not one in capitals, which may be short for others; one of more words is there with
    one of them. A day of the week or a month names nothing where the document has none.
    in_rows: whether it is of one of several that say alike, as a row is: short sections.
    """
    document = sentence.document
    if sentence.paragraph.kind is not Kind.TABLE_ROW and not _is_field(sentence) and not in_rows:
        return False
    told = f"{document.title or ''}\n{document.doc_id}\n{document.text}"
    asked = [
        name
        for name in names(question)
        if not name.isupper() and not any(map(str.isdigit, name))
        if all(
            re.search(dated, told, re.IGNORECASE) for dated in (_DAY, _MONTH) if re.match(dated, name, re.IGNORECASE)
        )
    ]
    return bool(asked) and not any(_has_word_of(name, told) for name in asked)


def _is_field(sentence: Sentence) -> bool:
    document = sentence.document
    short = len(document.text) <= _RECORD_CHARACTERS and _RECORD.search(document.doc_id)
    return bool(short and _FIELD.match(sentence.text))


def stands_empty(question: str, sentence: Sentence, sources: Sources) -> bool:
    """Whether another item of a sentence's list names what the question asks of, and says nothing of it."""
    if sentence.paragraph.kind is not Kind.LIST_ITEM:
        return False
    text, paragraphs = sentence.document.text, sources.paragraphs(sentence.document.doc_id)
    asked = set(query_words(question)) - set(words_of(sentence.text))
    at = sentence.paragraph.number - 1
    above = takewhile(_is_item, reversed(paragraphs[max(at - _NEAR_ROWS, 0) : at]))
    items = [*reversed([*above]), *takewhile(_is_item, paragraphs[at : at + _NEAR_ROWS])]
    for item, below in zip(items, [*items[1:], None], strict=True):
        empty = _EMPTY_ITEM.match(text[item.start : item.end])
        leads = below is not None and below.level > item.level
        if empty and not leads and not asked.isdisjoint(words_of(empty[1])):
            return True
    return False


def _is_item(paragraph: Paragraph) -> bool:
    return paragraph.kind is Kind.LIST_ITEM


def _has_word_of(name: str, text: str) -> bool:
    """Whether a text has one of a name's words, or of a long one another form: "Swedish" of "Sweden"."""
    beginnings = [re.escape(word[:5]) if len(word) > 5 else rf"{re.escape(word)}\b" for word in name.split()]
    return bool(re.search(rf"\b(?:{'|'.join(beginnings)})", text, re.IGNORECASE))


def best_rows(
    question: str, hits: Sequence[Hit], sources: Sources, reader: PassageReader, *, most: int
) -> list[Excerpt]:
    """The rows of these passages that are worth reading most, best first, each an excerpt of its own.

    hits: their passages are tabular. A row of heads is none. The order is that of a quick look at each row.
    """
    asked = set(query_words(question))
    rows: dict[tuple[str, int], tuple[Excerpt, set[str]]] = {}
    for hit in hits:
        for number, excerpt, words in _rows(question, hit, asked, sources):
            rows.setdefault((hit.passage.doc_id, number), (excerpt, words & asked))
    if not rows:
        return []
    found = [excerpt for excerpt, _ in rows.values()]
    in_rows = Counter(word for _, words in rows.values() for word in words)
    weights = {word: log(len(found) / n) for word, n in in_rows.items()}
    # The parts of one code or date are one name: else a table's own number outweighs what is asked of its rows.
    tokens = [set(query_words(token)) for token in question.split()]
    named = [
        sum(max((weights[word] for word in words & token), default=0.0) for token in tokens)
        for _, words in rows.values()
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


def _rows(question: str, hit: Hit, asked: set[str], sources: Sources) -> Iterator[tuple[int, Excerpt, set[str]]]:
    """The rows of a passage, each with its number and its words, below the headings and the line above its table."""
    passage = hit.passage
    document = sources.document(passage.doc_id)
    text = document.text
    asks = _ASKS_WITH.match(question)
    asks_with = set(words_of(asks[1])) if asks else set()
    for paragraph in sources.touched(passage.doc_id, passage.start, passage.end):
        table, row = sources.rows(passage.doc_id).get(paragraph.number, (None, None))
        if table is None or row is None or row.is_head:
            continue
        shown = shown_row(text, table, row, partial(_stand_in, text, table, row, asked))
        parts = [*path_above(paragraph, sources), *_line_above(passage.doc_id, table, sources), shown]
        excerpt = excerpt_with(hit, document, parts)
        heads = [_short_days(words_of(head)) for head in table.heads]
        cells = [_short_days(words_of(text[start:end])) for start, end in row.cells]
        column, weight = asked_column(asks_with, heads, [set()] * len(cells)), _ASKED_COLUMN_WEIGHT
        if column is None:
            column, weight = asked_column(_short_days(asked), heads, cells), _COLUMN_WEIGHT
        if column is not None:
            spans = sorted([*((a, b) for a, b, _ in excerpt.shown.pieces), *excerpt.shown.empty])
            excerpt = replace(excerpt, cell=spans[column - len(cells)], of_cell=weight)
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


def _short_days(words: Iterable[str]) -> set[str]:
    """The words, days of the week and months by their first three letters, as heads of columns have them."""
    return {word[:3] if _DAY_OR_MONTH.fullmatch(word) else word for word in words}


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
