"""Which passages a question may look at: those of the documents that its filters let through, less the removed ones.

A million passages are not asked of SQLite at each question. What decides is kept in memory, in arrays, and only what is
new is read after a change: an id is never used twice, and a passage's text never changes.
"""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.collection import Filters
from index.dates import days_of
from index.folder.rows import select_in
from index.folder.truth import meta, set_meta
from index.folder.vectors import Bits, Ids, bits_of, in_bits, marks_of

# The generation in which documents were last changed or taken away; new ones alone do not count.
_CHANGED = "documents_changed"
# Up to so many passages are looked at one by one: reading their vectors takes 5 ms, and nothing is missed. Two thousand
# took 20 ms, more than all lists of a million passages.
FEW = 500
# Selections that are kept, of one bit a passage each.
_KEPT = 64
# The number of no text: as an index it is the last place, which is left for it.
_NONE = -1
# The days of a document without a date: before none, after none.
_NO_DAYS = (10**8, -1)


@dataclass(frozen=True, slots=True)
class Selection:
    """Passages: as bits by id, and how many; and the numbers of their texts. few: their ids, ascending, where few.

    Passages that the truth no longer has may be among them.
    """

    bits: Bits
    count: int
    texts: Ids
    few: Ids | None

    def lets_through(self, passage_ids: Sequence[int]) -> list[bool]:
        """For each id whether it is among them."""
        return [bool(passes) for passes in in_bits(self.bits, np.asarray(passage_ids, np.int64))]


class Selections:
    """The selections of one open collection; threads may share it."""

    def __init__(self) -> None:
        self._kept_lock = threading.Lock()  # guards _kept, for a moment
        self._read_lock = threading.Lock()  # guards the rest; the truth may take a second, so only who filters waits
        self._texts = np.zeros(0, np.int64)  # by the passage's id; _NONE where there is no such passage
        self._last_text = 0
        self._documents = _Documents()
        self._kept: OrderedDict[tuple[int, int, Filters], Selection | None] = OrderedDict()

    def of(
        self, connection: sqlite3.Connection, generation: int, last: int, filters: Filters | None
    ) -> Selection | None:
        """What a state lets through; None is everything. last: the last id of the base, whose removed ones go."""
        key = (generation, last, filters or Filters())
        with self._kept_lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        removed = _removed(connection)
        if not filters:
            made = _all_but(removed, _newest(connection)) if len(removed) else None
        else:
            with self._read_lock:
                made = self._make(connection, generation, filters, removed)
        with self._kept_lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def _make(self, connection: sqlite3.Connection, generation: int, filters: Filters, removed: Ids) -> Selection:
        if filters.documents:
            texts = _texts_by_name(connection, filters)
            passing = marks_of(_passages_of(connection, texts))
        else:
            self._read_passages(connection)
            allowed = self._documents.allowed(connection, generation, filters, self._last_text)
            passing, texts = np.take(allowed, self._texts, mode="wrap"), np.flatnonzero(allowed)
        passing[removed[removed < len(passing)]] = False
        count = int(np.count_nonzero(passing))
        few = np.flatnonzero(passing) if count <= FEW else None
        return Selection(bits_of(passing), count, texts, few)

    def _read_passages(self, connection: sqlite3.Connection) -> None:
        """The texts of passages that are new since the last time."""
        known, newest = len(self._texts), _newest(connection)
        if newest < known:
            return
        # A text's passages have ids in a row, so the first and the last say it all. Without a condition SQLite
        # reads the index of texts alone, which is far narrower than the table with the vectors.
        only, values = (" WHERE passage_id >= ?", (known,)) if known else ("", ())
        rows = connection.execute(
            f"SELECT text_no, min(passage_id), max(passage_id) FROM passages{only} GROUP BY text_no", values
        )
        text_nos, first, last = np.concatenate([np.array(part, np.int64) for part in _parts(rows)]).T
        counts = last - first + 1
        texts = np.concatenate([self._texts, np.full(newest + 1 - known, _NONE)])
        ids = np.arange(counts.sum()) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        texts[ids] = np.repeat(text_nos, counts)
        self._texts, self._last_text = texts, max(self._last_text, int(text_nos.max()))


class _Documents:
    """Days and publishers of all documents."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._generation = self._last = -1
        self._publishers: dict[str | None, int] = {}
        # For each document: the number of its text, its first and its last day, the number of its publisher.
        self._columns = np.zeros((4, 0), np.int64)

    def allowed(
        self, connection: sqlite3.Connection, generation: int, filters: Filters, last_text: int
    ) -> NDArray[np.bool_]:
        """For each text by its number whether the filters let one of its names through; there is a last place, False.

        last_text: the number that the places go up to at least. As `clauses_of`, but of named documents.
        """
        self._read(connection, generation)
        texts, first_days, last_days, publishers = self._columns
        passing = np.ones(len(texts), bool)
        if filters.after:
            passing &= last_days >= days_of(filters.after)[0]
        if filters.before:
            passing &= first_days <= days_of(filters.before)[1]
        if filters.publisher:
            passing &= publishers == self._publishers.get(filters.publisher, -1)
        allowed = np.zeros(max(int(texts.max(initial=0)), last_text) + 2, bool)
        allowed[texts[passing]] = True
        return allowed

    def _read(self, connection: sqlite3.Connection, generation: int) -> None:
        """Documents that are new since the last time; all of them, where others were changed or an older state asks."""
        if generation == self._generation:
            return
        if int(meta(connection, _CHANGED) or 0) > self._generation or generation < self._generation:
            self._forget()
        rows = connection.execute(
            "SELECT doc_no, text_no, date, publisher FROM documents WHERE doc_no > ? ORDER BY doc_no", (self._last,)
        )
        days = {None: _NO_DAYS}
        parts, publishers = [self._columns], self._publishers
        for part in _parts(rows):
            for date in {row[2] for row in part} - days.keys():
                days[date] = days_of(date)
            numbered = [
                (text_no, *days[date], publishers.setdefault(publisher, len(publishers)))
                for _, text_no, date, publisher in part
            ]
            parts.append(np.array(numbered, np.int64).T)
            self._last = int(part[-1][0])
        self._columns = np.concatenate(parts, axis=1)
        self._generation = generation


def clauses_of(filters: Filters | None) -> tuple[str, list[Any]]:
    """What filters ask of a document `d`, as SQL to follow a condition, and its values; dates as `may_lie_within`."""
    clauses, values = "", []
    if filters and filters.after:
        clauses += " AND d.date >= substr(?, 1, length(d.date))"
        values.append(filters.after)
    if filters and filters.before:
        clauses += f" AND substr(d.date, 1, {len(filters.before)}) <= ?"
        values.append(filters.before)
    if filters and filters.publisher:
        clauses += " AND d.publisher = ?"
        values.append(filters.publisher)
    if filters and filters.documents:
        clauses += f" AND d.doc_id IN ({', '.join('?' * len(filters.documents))})"
        values.extend(filters.documents)
    return clauses, values


def mark_documents_changed(connection: sqlite3.Connection) -> None:
    """For readers that keep what they know of documents: some of those that were there are changed or gone.

    To be called in the transaction that did it, when the generation has moved.
    """
    set_meta(connection, _CHANGED, meta(connection, "generation"))


def _all_but(removed: Ids, newest: int) -> Selection:
    passing = np.ones(newest + 1, bool)
    passing[removed[removed <= newest]] = False
    return Selection(bits_of(passing), newest, np.zeros(0, np.int64), None)


def _removed(connection: sqlite3.Connection) -> Ids:
    """Ids that the base still has and the truth has no longer."""
    return np.fromiter((row[0] for row in connection.execute("SELECT passage_id FROM removed")), np.int64)


def _newest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(passage_id), -1) FROM passages").fetchone()[0])


def _parts(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    """Rows by the ten thousand: a million at once would take hundreds of megabytes."""
    while part := cursor.fetchmany(10_000):
        yield part


def _texts_by_name(connection: sqlite3.Connection, filters: Filters) -> Ids:
    clauses, values = clauses_of(filters)
    rows = connection.execute(f"SELECT DISTINCT d.text_no FROM documents d WHERE true{clauses}", values)
    return np.sort(np.fromiter((row[0] for row in rows), np.int64))


def _passages_of(connection: sqlite3.Connection, texts: Ids) -> Ids:
    rows = select_in(connection, "SELECT passage_id FROM passages WHERE text_no", texts.tolist())
    return np.sort(np.fromiter((row[0] for row in rows), np.int64))
