"""Words of a question that no document has, spelled as the documents have them: "landlrod", "Kavaleusky".

Forgiven only where nothing matches exactly: a word that any document has stays as it is, and so does one that the
encoder knows as a whole word, since it is no slip but another word. Knows a collection's snapshot and the encoder's
count of word pieces.
"""

import re
from dataclasses import dataclass

from index.collection import Snapshot
from index.encoder.embedding import Encoder
from index.terms import folded, words_of

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# A slip in fewer letters could be too many other words. Two are forgiven in a long name alone: in an ordinary word of
# another field ("nephrectomy", "nephrotomy") they make a difference.
_SHORTEST, _SHORTEST_FOR_TWO = 5, 8
# Passages in which a word is looked for as it is written.
_LOOKED_THROUGH = 4


@dataclass(frozen=True, slots=True)
class Respelled:
    """A question to search with. changes: each word as typed, and as the documents have it."""

    text: str
    changes: tuple[tuple[str, str], ...] = ()

    @property
    def notice(self) -> str:
        """What the user should know; empty where nothing was changed."""
        return "; ".join(f"no document has '{typed}': read as '{meant}'" for typed, meant in self.changes)


def respelled(question: str, snapshot: Snapshot, encoder: Encoder) -> Respelled:
    """The question with each word that nothing has replaced by the likeliest that something has, if there is one."""
    changes: dict[str, str] = {}
    text = question
    for typed in dict.fromkeys(_WORD.findall(question)):
        if len(typed) >= _SHORTEST and (meant := _meant(typed, snapshot, encoder)):
            changes[typed] = meant
            text = re.sub(rf"(?<!\w){re.escape(typed)}(?!\w)", meant.replace("\\", ""), text)
    return Respelled(text, tuple(changes.items()))


def _meant(typed: str, snapshot: Snapshot, encoder: Encoder) -> str | None:
    """The word of the documents that a word stands for; None for one that they have, or that is none of theirs."""
    words = words_of(typed)
    if len(words) != 1 or not words[0].isalpha() or len(words[0]) < _SHORTEST:
        return None
    if 1 in encoder.count_pieces([typed.lower(), words[0]]) or snapshot.lexical(typed, 1):
        return None
    allowed = 2 if typed[0].isupper() and len(words[0]) >= _SHORTEST_FOR_TWO else 1
    near = [
        (distance, n, word)
        for n, word in enumerate(snapshot.words_beginning(words[0][0]))
        if abs(len(word) - len(words[0])) <= allowed
        and len(set(word) ^ set(words[0])) <= 2 * allowed
        and (distance := edits(word, words[0])) <= allowed
    ]
    return _as_written(min(near)[2], typed, snapshot) if near else None


def _as_written(word: str, typed: str, snapshot: Snapshot) -> str | None:
    """A stored word as it stands in a document: whole, with its ending and its accents."""
    hits = [passage_id for passage_id, _ in snapshot.lexical(word, _LOOKED_THROUGH)]
    found = [w for p in snapshot.passages(hits) for w in _WORD.findall(folded(p.text)) if words_of(w)[:1] == [word]]
    found = found or [word]
    return min(found, key=lambda w: (edits(w.lower(), typed.lower()), w)) if found else None


def edits(one: str, other: str) -> int:
    """Letters to insert, drop, change, or swap with the next, to make one word of the other (optimal alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]
