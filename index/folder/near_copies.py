"""Near-copies as rows of the truth: which texts of a collection are near-copies of one another.

What makes two texts near-copies is `index.copies`'s.
"""

import sqlite3

from index.copies import MAX_COMPARED, THRESHOLD, bands, runs, similarity


def link(connection: sqlite3.Connection, text_no: int, found: frozenset[str], minhash: bytes | None) -> None:
    """Writes down which stored texts the new text `text_no` is a near-copy of.

    found, minhash: its runs, and their signature.
    """
    if minhash is None:
        return
    keys = bands(minhash)
    rows = connection.execute(
        f"SELECT DISTINCT text_no FROM near_keys WHERE key IN ({', '.join('?' * len(keys))}) ORDER BY text_no LIMIT ?",
        [*keys, MAX_COMPARED],
    ).fetchall()
    for (other_no,) in rows:
        if similarity(found, _stored_runs(connection, other_no)) >= THRESHOLD:
            connection.executemany(
                "INSERT OR IGNORE INTO near_copies VALUES (?, ?)", [(text_no, other_no), (other_no, text_no)]
            )
    connection.executemany("INSERT OR IGNORE INTO near_keys VALUES (?, ?)", [(key, text_no) for key in keys])


def unlink(connection: sqlite3.Connection, text_no: int) -> None:
    """Takes the keys of a text that goes away; its pairs go with it."""
    row = connection.execute("SELECT minhash FROM texts WHERE text_no = ?", (text_no,)).fetchone()
    if row and row[0]:
        connection.executemany(
            "DELETE FROM near_keys WHERE key = ? AND text_no = ?", [(key, text_no) for key in bands(row[0])]
        )


def _stored_runs(connection: sqlite3.Connection, text_no: int) -> frozenset[str]:
    rows = connection.execute(
        "SELECT substr(t.text, p.start + 1, p.end - p.start) FROM passages p JOIN texts t USING (text_no) "
        "WHERE text_no = ? ORDER BY p.start",
        (text_no,),
    )
    return runs(row[0] for row in rows)
