"""Comparisons over values: the most, the least, the sum and the mean of a table's column or of values in sentences.

Computed only where every value compared is read beyond doubt, and each is cited; else it is told that it was not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.paragraphs import Kind
from index.tables import is_empty
from rag.citations import Sentence, Sources
from rag.composing.grids import Grid, GridRow, column_asked_for, grids, rows_asked_for
from rag.composing.shapes import MEAN, Ask
from rag.composing.stems import stem, stems
from rag.composing.values import Value, ValueKind, column_values, scale_of, values
from rag.reading.candidates import Candidate
from rag.retrieval import Hit

# Rows that are cited of those compared; how many are is told.
MOST_CITED = 8
NOT_COMPUTED = "this asks to compare or add up values; the values were not found in one table or of one kind"
_MEDIAN = re.compile(r"\bmedian\b", re.IGNORECASE)
# "Price (EUR)", "Load, kg": a head that says in what its column is.
_UNIT_OF_HEAD = re.compile(r"[(\[](?P<in>[^()\[\]\d]{1,16})[)\]]\s*$|, (?P<behind>[^\W\d]{1,4})\s*$")
# Which part of a question's words a grid must have, so that it is about the same.
_ABOUT = 0.5
_COUNTING = stems("total sum number amount altogether combined overall count average mean value")
# What a superlative measures: kinds of values, units, and words of a column's head.
_MEASURED = {
    "cheapest dearest priciest expensive": ((ValueKind.MONEY,), (), "price cost fee fare rate rent charge amount"),
    "tallest": ((), ("metre",), "height tall"),
    "longest shortest": ((), ("metre", "second"), "length long duration distance time"),
    "heaviest lightest": ((), ("gram",), "weight mass"),
    "oldest youngest newest latest earliest recent": (
        (ValueKind.DATE, ValueKind.TIME), (), "date year founded built born age time departure opened since"),
    "fastest slowest": ((), (), "speed rpm ppm mph"),
    "quietest loudest noisiest": ((), (), "noise loudness volume db decibel"),
    "thickest thinnest": ((), ("metre",), "thickness"),
    "richest poorest": ((), (), "income wealth fortune"),
    "deepest": ((), ("metre",), "depth deep"),
    "widest narrowest": ((), ("metre",), "width wide"),
    "hottest warmest coldest": ((), (), "temperature"),
    "large big largest biggest smallest greatest": ((), (), "size area"),
    "heavy": ((), ("gram",), "weight mass"),
    "long": ((), ("metre", "second"), "length duration time"),
    "time": ((), ("second",), "duration time"),
    "nearest closest farthest furthest": ((), ("metre",), "distance"),
}  # fmt: skip
# "Pages per minute", "km/h": a speed.
_RATE = re.compile(r"\bper (?:second|minute|hour|day)\b|/ ?(?:s|min|h|sec|hour|minute)\b", re.IGNORECASE)
_UPWARDS = frozenset(("newest", "latest", "recent"))
_WHAT_IS_THE = re.compile(
    r"^(?:what|how (?:much|high|many|big|long|old)) (?:is|was|are|were|does|do|did) the\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Computed:
    """What was computed: the candidates to cite, the one that answers first, or for a sum all in order.

    direct: the answer in words. told: how it was computed, a sentence.
    """

    cited: tuple[Candidate, ...]
    direct: str
    told: str


def compared(ask: Ask, hits: Sequence[Hit], sources: Sources) -> Computed | None:
    """The comparison or sum that a question asks for, over a grid or over sentences; None where it can't be done."""
    if _MEDIAN.search(ask.question):
        return None
    asked = stems(ask.question) - {stem(ask.measure), stem(ask.superlative)} - _COUNTING
    best: tuple[float, Computed] | None = None
    for hit, grid in grids(hits, sources):
        weight = len(asked & grid.around) / len(asked) if asked else 1.0
        computed = _of_grid(ask, hit, grid) if weight >= _ABOUT and (best is None or weight > best[0]) else None
        if computed is not None:
            best = weight, computed
    if best is not None:
        return best[1]
    return _of_sentences(ask, hits, sources) if ask.most is not None else None


def _of_grid(ask: Ask, hit: Hit, grid: Grid) -> Computed | None:
    """What a grid says; None where several columns could be meant and do not agree, or the most of averages is asked
    for that it does not have."""
    if ask.most is not None and MEAN.search(ask.question) and not any(map(MEAN.search, grid.heads)):
        return None
    rows = rows_asked_for(ask.question, grid)
    if len(rows) < 2:
        rows = list(grid.rows)
    computed = [_of_column(ask, hit, grid, column, rows) for column in _measured_columns(ask, grid)]
    sure = [one for one in computed if one is not None]
    same = {(one.cited[0].sentence.document.doc_id, one.cited[0].sentence.start) for one in sure}
    return sure[0] if sure and (len(sure) == 1 or (len(same) == 1 and ask.most is not None)) else None


def _measured_columns(ask: Ask, grid: Grid) -> list[int]:
    """The columns that the question may compare: by their heads, else by the kind of their values, else the only one
    of numbers; empty where nothing tells."""
    read = [
        column_values([row.cell(n) for row in grid.rows if not is_empty(row.cell(n))]) for n in range(len(grid.heads))
    ]
    able = [n for n, found in enumerate(read) if found and all(value.amount is not None for value in found)]
    heads = [stems(head) for head in grid.heads]
    kinds, units, words = _measured(ask.measure)
    by_head = [n for n in able if heads[n] & (stems(words) if words else {stem(ask.measure)} - {""})]
    if ask.measure in ("fastest", "slowest"):
        by_head = by_head or [n for n in able if _RATE.search(grid.heads[n])]
    by_head = [n for n in by_head if not _numbers_rows(read[n] or [])]
    asked = [n for n in able if stems(_without_unit(grid.heads[n])) & stems(ask.question)]
    if words and asked and not set(by_head) & set(asked):
        # "The dearest month for power": the column that is named, not the one that has prices.
        others = [n for n in asked if n and n not in by_head]
        by_head = others if len(others) == 1 else by_head
    if not by_head and not words and ask.superlative:
        kinds, units, words = _measured(ask.superlative)
        by_head = [n for n in able if heads[n] & stems(words)]
    by_kind = [n for n in able for value in (read[n] or [])[:1] if value.kind in kinds or value.unit in units]
    if ask.most is None:
        # What is added up must be what is counted, and no numbering.
        named = asked if len(asked) == 1 else []
        return [n for n in by_head or (by_kind if ask.mean else []) or named if not _numbers_rows(read[n] or [])]
    counts = [n for n in able if n and (read[n] or [])[0].kind in (ValueKind.NUMBER, ValueKind.MONEY)]
    found = by_head or by_kind or asked or (counts if not words and len(counts) == 1 else [])
    return [n for n in found if not _numbers_rows(read[n] or [])]


def _measured(word: str) -> tuple[tuple[ValueKind, ...], tuple[str, ...], str]:
    """What a word measures: kinds of values, units, and words of a column's head."""
    return next((m for names, m in _MEASURED.items() if word in names.split()), ((), (), ""))


def _numbers_rows(found: Sequence[Value]) -> bool:
    """Whether a column only numbers its rows: 1, 2, 3."""
    return len(found) > 2 and all(
        value.amount == found[0].amount + n for n, value in enumerate(found) if found[0].amount
    )


def _of_column(ask: Ask, hit: Hit, grid: Grid, column: int, rows: Sequence[GridRow]) -> Computed | None:
    rows = [row for row in rows if not is_empty(row.cell(column))]
    found = column_values([row.cell(column) for row in rows])
    if found is None or len(rows) < 2 or any(value.amount is None for value in found):
        return None
    head = grid.heads[column] or "the values"
    if ask.most is None:
        if found[0].kind not in (ValueKind.NUMBER, ValueKind.MONEY, *([ValueKind.PERCENT] if ask.mean else [])):
            return None
        total = sum(value.amount or 0.0 for value in found)
        unit = rows[0].cell(column)[_number_end(rows[0].cell(column)) :].strip()
        amount = total / len(rows) if ask.mean else total
        parts = tuple(row.candidate(hit, column) for row in rows)
        words = _amount_words(amount / scale_of(unit), found[0], unit or _unit_of(head))
        told = f"The mean of {len(rows)} rows: {head}." if ask.mean else f"Added up from {len(rows)} rows: {head}."
        return Computed(parts[:MOST_CITED], words, told)
    best = _extreme(ask, found)
    winners = [n for n, value in enumerate(found) if value.amount == best]
    label = column_asked_for(ask.question, grid, rows)
    if label == column and not _WHAT_IS_THE.match(ask.question):
        label = 0 if column else min(1, len(grid.heads) - 1)
    unit = _unit_of(head)
    values_said = [
        f"{row.cell(column)} {unit}" if row.cell(column)[-1:].isdigit() else row.cell(column) for row in rows
    ]
    words = "; ".join(
        values_said[n].strip() if label == column else f"{rows[n].cell(label)} ({values_said[n].strip()})"
        for n in winners
    )
    cited = [rows[n].candidate(hit, label) for n in winners]
    ordered = [*winners, *(n for n in range(len(rows)) if n not in winners)]
    for compared_cell in (rows[n].candidate(hit, column) for n in ordered):
        if all(compared_cell.sentence != other.sentence for other in cited):
            cited.append(compared_cell)
    return Computed(tuple(cited[:MOST_CITED]), words, f"Compared in {len(rows)} rows: {head}.")


def _unit_of(head: str) -> str:
    """The unit that a column's head says; "" where it says none."""
    found = _UNIT_OF_HEAD.search(head)
    return (found["in"] or found["behind"]).strip() if found else ""


def _without_unit(head: str) -> str:
    return _UNIT_OF_HEAD.sub("", head)


def _number_end(cell: str) -> int:
    number = re.search(r"\d[\d.,]*", cell)
    return number.end() if number else 0


def _extreme(ask: Ask, found: Sequence[Value]) -> float:
    """The amount that is asked for. The newest and the latest have the highest date; the youngest, by birth, too."""
    amounts = [value.amount or 0.0 for value in found]
    dated = found[0].kind in (ValueKind.DATE, ValueKind.TIME)
    high = bool(ask.most)
    if ask.measure in _UPWARDS or (ask.measure == "youngest" and dated):
        high = True
    elif ask.measure == "oldest":
        high = not dated
    return max(amounts) if high else min(amounts)


def _of_sentences(ask: Ask, hits: Sequence[Hit], sources: Sources) -> Computed | None:
    """Values of one kind in sentences of one document that say the same of different things."""
    kinds, units, _ = _measured(ask.measure)
    if not kinds and not units:
        return None
    noun = stems(ask.question) - {stem(ask.measure), stem(ask.superlative)}
    by_document: dict[str, list[tuple[Sentence, Value, Hit]]] = {}
    for hit in hits:
        for sentence in sources.sentences(hit.passage):
            fitting = [
                v for v in values(sentence.text) if (v.kind in kinds or v.unit in units) and v.amount is not None
            ]
            known = by_document.setdefault(hit.passage.doc_id, [])
            is_new = all(s.start != sentence.start for s, _, _ in known)
            if is_new and len(fitting) == 1 and noun and noun <= _with_heading(sentence, sources):
                known.append((sentence, fitting[0], hit))
    for found in by_document.values():
        same = [one for one in found if one[1].is_like(found[0][1])]
        if len(same) < 2 or len(same) != len(found) or not _say_the_same([s.text for s, _, _ in same]):
            continue
        same.sort(key=lambda one: one[0].start)
        amount = _extreme(ask, [value for _, value, _ in same])
        winners = [one for one in same if one[1].amount == amount]
        ordered = [*winners, *(one for one in same if one not in winners)]
        cited = tuple(
            Candidate(hit, s, s.start + value.start, s.start + value.end, 0.0, 0.0) for s, value, hit in ordered
        )
        return Computed(cited[:MOST_CITED], "", f"Compared in {len(same)} sentences of one document.")
    return None


def _with_heading(sentence: Sentence, sources: Sources) -> set[str]:
    text = sentence.document.text
    above = [
        p for p in sources.paragraphs(sentence.document.doc_id) if p.kind is Kind.HEADING and p.end <= sentence.start
    ]
    return stems(" ".join([sentence.text, *(text[p.start : p.end] for p in above[-1:])]))


def _say_the_same(texts: Sequence[str]) -> bool:
    """Whether the sentences share a word that is no number and no name: "costs", "opened"."""
    common = set[str].intersection(*(stems(text) for text in texts))
    return any(word.isalpha() for word in common)


def _amount_words(amount: float, like: Value, unit: str) -> str:
    number = f"{amount:,.2f}".rstrip("0").rstrip(".") if amount % 1 else f"{amount:,.0f}"
    if like.kind is ValueKind.MONEY:
        number = f"{amount:,.2f}" if amount % 1 else f"{amount:,.0f}"
        return f"{number} {like.unit}{'' if amount == 1 or like.unit in ('yen', 'rand', 'yuan') else 's'}"
    if like.kind is ValueKind.PERCENT:
        return f"{number}%"
    return f"{number} {unit}".strip()
