"""Near-copies: texts that differ in small edits, as syndicated articles do.

Two texts are near-copies when the Jaccard similarity of their sets of five-word runs is at least THRESHOLD. Which pairs
to compare is told by MinHash (Broder 1997) and its bands, by datasketch; whether they are, by the sets themselves.
Only body and captions count: a copy's menus are its publisher's own.

Measured: among the 8,674 arguments of ArguAna, the 1,400 abstracts of Cranfield, the 3,633 of NFCorpus and 646
paragraphs of SQuAD 2.0, every pair at 0.5 or more is one text reworked (looked at: all 21 between 0.5 and 0.75), while
different abstracts of one author reach 0.42. An article with one word in twenty changed keeps 0.65 (median; 0.5 at the
fifth percentile), with one in fifty and a paragraph cut 0.83.
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b

THRESHOLD = 0.5
_RUN = 5
# Texts of fewer runs are too short to tell a copy from a standing phrase.
_MIN_RUNS = 20
# A book is told by its first chapters; all of it would take gigabytes.
_MAX_RUNS = 20_000
# 21 bands of 3 permutations: a pair of similarity 0.5 shares a band with probability 0.94, one of 0.6 with 0.99.
_PERMUTATIONS = 63
_BAND = 3
# A letter that went to thousands of people is compared with the first of them, which links them all.
_MAX_COMPARED = 20
_WORD = re.compile(r"\w+")


def runs(texts: Iterable[str]) -> frozenset[str]:
    """The runs of five words in a text's passages, lower case, punctuation left out; none runs over from one to
    the next. Of a very long text, those of its beginning."""
    found: set[str] = set()
    for text in texts:
        words = _WORD.findall(text.casefold())
        found.update(" ".join(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1))
        if len(found) > _MAX_RUNS:
            break
    return frozenset(found)


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard similarity, in [0, 1]: runs in both over runs in either; 0 where there are none."""
    return len(one & other) / len(one | other) if one or other else 0.0


def signature(found: frozenset[str]) -> bytes | None:
    """The MinHash of a set of runs, 4 bytes a permutation; None where there are too few to tell a copy."""
    from datasketch import MinHash

    if len(found) < _MIN_RUNS:
        return None
    minhash = MinHash(num_perm=_PERMUTATIONS, seed=1)
    minhash.update_batch(run.encode("utf-8", "surrogatepass") for run in sorted(found))
    return bytes(minhash.hashvalues.astype("<u4").tobytes())


def bands(minhash: bytes) -> Sequence[int]:
    """Signed 64-bit keys, one a band: near-copies share one, almost surely."""
    width = 4 * _BAND
    return [
        int.from_bytes(blake2b(bytes([n]) + minhash[at : at + width], digest_size=8).digest(), "little", signed=True)
        for n, at in enumerate(range(0, len(minhash), width))
    ]


def link(connection: sqlite3.Connection, text_no: int, found: frozenset[str], minhash: bytes | None) -> None:
    """Writes down which stored texts the new text `text_no` is a near-copy of.

    found, minhash: its runs, and their signature.
    """
    if minhash is None:
        return
    keys = bands(minhash)
    rows = connection.execute(
        f"SELECT DISTINCT text_no FROM near_keys WHERE key IN ({', '.join('?' * len(keys))}) ORDER BY text_no LIMIT ?",
        [*keys, _MAX_COMPARED],
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
