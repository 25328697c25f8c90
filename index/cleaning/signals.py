"""What can be seen of each block of a text, as numbers: its own shape, its place, and its neighbours.

Nothing here knows a site; what the rules (rules.py) say comes in as signals among others. A block is a paragraph's
text. Owns the numbers; what they weigh is learned (cleaner.py).
"""

import re
from bisect import bisect
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index.cleaning.rules import ANCHOR_WORDS, FUNCTION_WORD, SENTENCE_END, Shape
from index.paragraphs import Kind

Matrix = NDArray[np.float64]

# A block longer than this is no menu; what its first characters show is enough.
_SEEN_CHARACTERS = 1500
_DATE = re.compile(
    r"\b(?:19|20)\d\d\b|\d{1,2}:\d\d|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b|"
    r"\b\d+ (?:second|minute|hour|day|week|month|year)s?\b",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(?:you|your|yours|please|we|us|our)\b", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"\b(?:I|my|me|thanks)\b")
_SENTENCES = re.compile(r"[\w”\"')][.!?](?=\s|$)")
_PAST = re.compile(r"\b\w+ed\b")
_GLUED = re.compile(r"[a-z][.!?]?[A-Z][a-z]")
_ADDRESS_OF_PAGE = re.compile(r"https?:|www\.|\.com\b")
_CONTENT_WORD = re.compile(r"[^\W\d_]{4,}")
_BARS = frozenset("|•·/»›:")

# Windows around a block, in blocks before (negative) and after it.
_WINDOWS = ((-1, -1), (1, 1), (-4, -1), (1, 4), (-10, -1), (1, 10), (-6, 6))
# At most so many blocks away is told apart.
_FAR = 30
# What a block shows by itself. What was learned is bound to this order: a new one makes a new cleaner necessary.
OWN = (
    "words", "characters", "length of a word", "capitals", "words in capitals", "small letters", "short small words",
    "digits", "bars", "commas", "function words", "past tense", "you", "I", "glued words", "sentences",
    "ends a sentence", "quotes", "question", "trails off", "begins small", "date", "address of a page", "sentence",
    "caption", "plea", "asked", "residue", "addresses", "body", "heading", "furniture",
)  # fmt: skip


def signals(blocks: Sequence[str], shapes: Sequence[Shape], kinds: Sequence[Kind]) -> Matrix:
    """(n, s): each block's own signals, its place, and the means of its neighbours' signals.

    shapes, kinds: what the rules see in each block and take it for.
    """
    own = np.array([own_signals(block, shape, kind) for block, shape, kind in zip(blocks, shapes, kinds, strict=True)])
    words = np.array([shape.words for shape in shapes], np.float64)
    anchors = np.array([_is_anchor(shape) for shape in shapes], np.float64)
    around = np.concatenate([_window_means(own[:, _LOOKED_AROUND], *window) for window in _WINDOWS], 1)
    return np.concatenate(
        [
            own,
            around,
            _place(words, anchors),
            _rhythm(words),
            _cohesion(blocks, anchors),
            _interruptions(own, words, anchors),
        ],
        1,
    )


def second_look(first: Matrix, blocks: Sequence[str], body: Matrix) -> Matrix:
    """(n, s + t): the signals, and what a first estimate `body` (n,) of the probabilities tells of each."""
    words = np.array([len(block.split()) for block in blocks], np.float64)
    n = len(blocks)
    sure = np.clip(body, 0.01, 0.99)
    mass = body * words
    sums = np.cumsum(mass) / max(1.0, mass.sum())
    columns = [
        np.log(sure / (1 - sure)),
        body,
        sums,
        np.full(n, body.max()),
        _forward_max(body),
        _forward_max(body[::-1])[::-1],
    ]
    for gain in ((body - 0.3) * np.minimum(words, 60), (body - 0.5) * (words + 5)):
        columns += _main_run(gain)
    columns += _since(words, (body > 0.5) & (words >= 12))
    means = [_window_means(body[:, None], *window) for window in (*_WINDOWS, (-2, 2))]
    masses = [_window_means(mass[:, None], *window) for window in ((-20, -1), (1, 20))]
    return np.concatenate([first, np.stack(columns, 1), *means, *masses, _shared_words(blocks, body, words)], 1)


def _window_means(values: Matrix, low: int, high: int) -> Matrix:
    """(n, s): for each block, the means over the blocks `low` to `high` from it; 0 where there are none."""
    n = len(values)
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, 0)])
    at = np.arange(n)
    left, right = np.clip(at + low, 0, n), np.clip(at + high + 1, 0, n)
    return np.asarray((sums[right] - sums[left]) / np.maximum(1, right - left)[:, None])


def own_signals(block: str, shape: Shape, kind: Kind) -> list[float]:
    """What a block shows by itself, in the order of OWN."""
    seen = block[:_SEEN_CHARACTERS]
    words = seen.split()
    n = max(1, len(words))
    spelled = [word for word in words if word[0].isalpha()]
    n_spelled = max(1, len(spelled))
    return [
        float(np.log1p(shape.words)),
        float(np.log1p(len(block))),
        len(seen) / n,
        sum(word[0].isupper() for word in spelled[1:]) / max(1, len(spelled) - 1),
        sum(word.isupper() and len(word) > 1 for word in spelled) / n_spelled,
        sum(word[0].islower() for word in spelled) / n,
        sum(word.islower() and len(word) <= 3 for word in words) / n,
        sum(char.isdigit() for char in seen) / max(1, len(seen)),
        sum(char in _BARS for char in seen) / n,
        seen.count(",") / n,
        len(FUNCTION_WORD.findall(seen)) / n,
        len(_PAST.findall(seen)) / n,
        len(_ADDRESS.findall(seen)) / n,
        len(_FIRST_PERSON.findall(seen)) / n,
        len(_GLUED.findall(seen)) / n,
        float(np.log1p(len(_SENTENCES.findall(seen)))),
        float(bool(SENTENCE_END.search(block[-80:]))),
        float(any(char in '"“”«' for char in seen)),
        float(block.endswith("?")),
        float(block.endswith(("…", "..."))),
        float(block[:1].islower()),
        float(bool(_DATE.search(seen)) and shape.words <= 15),
        float(bool(_ADDRESS_OF_PAGE.search(seen))),
        *map(float, (shape.sentence, shape.caption, shape.plea, shape.asked, shape.residue, shape.addresses)),
        *(float(kind is other) for other in (Kind.BODY, Kind.HEADING, Kind.FURNITURE)),
    ]


# What the neighbours are asked for; all of OWN only overfit.
_LOOKED_AROUND = [
    OWN.index(name)
    for name in ("words", "capitals", "small letters", "digits", "function words", "you", "I", "ends a sentence",
                 "date", "sentence", "caption", "plea", "residue", "body", "furniture")
]  # fmt: skip


def _is_anchor(shape: Shape) -> bool:
    return shape.sentence and shape.words >= ANCHOR_WORDS and not (shape.plea or shape.caption)


def _place(words: Matrix, anchors: Matrix) -> Matrix:
    """(n, 18): from the ends, from the nearest anchors, in the longest run of them; and the same for the whole text."""
    n = len(words)
    at = np.arange(n)
    mass = words * anchors
    total = max(1.0, mass.sum())
    sums = np.cumsum(mass) / total
    columns = [at / max(1, n - 1), np.log1p(at), np.log1p(n - 1 - at), sums - mass / total, 1 - sums]
    columns += [np.log1p(_distance(anchors)), np.log1p(_distance(anchors[::-1])[::-1])]
    columns += _main_run(np.where(anchors > 0, words, -8.0))
    whole = (
        np.log1p(n),
        np.log1p(words.sum()),
        anchors.mean(),
        mass.sum() / max(1.0, words.sum()),
        np.log1p(anchors.sum()),
    )
    columns += [np.full(n, value) for value in whole]
    columns += [_window_means(anchors[:, None], *window)[:, 0] for window in ((-2, 2), (-10, 10), (-15, -1), (1, 15))]
    return np.stack(columns, 1)


def _distance(anchors: Matrix) -> Matrix:
    """(n,): blocks back to the anchor before each block, at most _FAR."""
    at = np.arange(len(anchors))
    last = np.maximum.accumulate(np.where(anchors > 0, at, -_FAR - 1))
    before = np.concatenate([[-_FAR - 1], last[:-1]])
    return np.asarray(np.minimum(at - before, _FAR), np.float64)


def _main_run(gain: Matrix) -> list[Matrix]:
    """Three columns: in the run of blocks whose gains have the greatest sum, how far from it, and on which side."""
    best, current, begin, run = 0.0, 0.0, 0, (0, 0)
    for i, value in enumerate(gain):
        if current <= 0:
            current, begin = 0.0, i
        current += value
        if current > best:
            best, run = current, (begin, i)
    at = np.arange(len(gain))
    away = np.maximum(0, np.maximum(run[0] - at, at - run[1])).astype(np.float64)
    return [(away == 0).astype(np.float64), np.log1p(away), np.sign(at - run[1]) * (away > 0)]


def _rhythm(words: Matrix) -> Matrix:
    """(n, 4): how alike its length is to those some blocks before and after, as in lists of links."""
    size = np.log1p(words)
    n = len(size)
    columns = []
    for step in (2, 3, 4):
        difference = np.full(n, 4.0)
        if n > 2 * step:
            inner = size[step:-step]
            difference[step:-step] = abs(inner - size[: -2 * step]) + abs(inner - size[2 * step :])
        columns.append(np.minimum(difference, 4.0))
    mean = _window_means(size[:, None], -6, 6)[:, 0]
    columns.append(np.sqrt(np.maximum(0, _window_means(size[:, None] ** 2, -6, 6)[:, 0] - mean**2)))
    return np.stack(columns, 1)


def _cohesion(blocks: Sequence[str], anchors: Matrix) -> Matrix:
    """(n, 3): the shares of its words that other anchors have, and the nearest; how often it stands there."""
    words = [set(_CONTENT_WORD.findall(block[:_SEEN_CHARACTERS].lower())) for block in blocks]
    at = [i for i in range(len(blocks)) if anchors[i]]
    counts = Counter(word for i in at for word in words[i])
    repeated = Counter(blocks)
    rows = []
    for i, mine in enumerate(words):
        middle = bisect(at, i)
        near = set().union(*(words[j] for j in at[max(0, middle - 5) : middle + 4] if j != i))
        everywhere = sum(counts[word] > anchors[i] for word in mine)
        n = max(1, len(mine))
        rows.append(
            (everywhere / n if mine else 0.5, len(mine & near) / n if mine else 0.3, min(3, repeated[blocks[i]] - 1))
        )
    return np.array(rows, np.float64)


def _interruptions(own: Matrix, words: Matrix, anchors: Matrix) -> Matrix:
    """(n, 2): logarithms of pleas and residue since the first anchor, and of words since the last such line."""
    plea, residue, date = (own[:, OWN.index(name)] for name in ("plea", "residue", "date"))
    asks = np.maximum(plea, residue)
    begun = np.maximum.accumulate(anchors)
    return np.stack([np.log1p(np.cumsum(asks * begun)), _since(words, np.maximum(asks, date) > 0)[0]], 1)


def _since(words: Matrix, marks: NDArray[np.bool_]) -> list[Matrix]:
    """Two columns: the logarithm of the words between a block and the mark before it, and after it."""

    def walk(order: Sequence[int]) -> Matrix:
        found, passed = np.zeros(len(words)), 0.0
        for i in order:
            found[i] = passed
            passed = 0.0 if marks[i] else passed + words[i]
        return np.log1p(found)

    return [walk(range(len(words))), walk(range(len(words) - 1, -1, -1))]


def _forward_max(values: Matrix) -> Matrix:
    return np.asarray(np.maximum.accumulate(values))


def _shared_words(blocks: Sequence[str], body: Matrix, lengths: Matrix) -> Matrix:
    """(n, 2): the share of a block's words that other likely body has, and that are the subject's: in three of it."""
    words = [set(_CONTENT_WORD.findall(block[:_SEEN_CHARACTERS].lower())) for block in blocks]
    core = (body > 0.5) & (lengths >= 12)
    counts = Counter(word for i, mine in enumerate(words) if core[i] for word in mine)
    rows = []
    for i, mine in enumerate(words):
        n = max(1, len(mine))
        rows.append(
            (sum(counts[w] > core[i] for w in mine) / n if mine else 0.3, sum(counts[w] >= 3 for w in mine) / n)
        )
    return np.array(rows, np.float64)
