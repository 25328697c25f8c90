"""Near-copies: texts that differ in small edits, as syndicated articles do.

Two texts are near-copies when the Jaccard similarity of their sets of five-word runs is at least THRESHOLD. Which pairs
to compare is told by MinHash (Broder 1997) and its bands; whether they are, by the sets themselves. Only body and
captions count: a copy's menus are its publisher's own.

Measured: among the 8,674 arguments of ArguAna, the 1,400 abstracts of Cranfield, the 3,633 of NFCorpus and 646
paragraphs of SQuAD 2.0, every pair at 0.5 or more is one text reworked (looked at: all 21 between 0.5 and 0.75), while
different abstracts of one author reach 0.42. An article with one word in twenty changed keeps 0.65 (median; 0.5 at the
fifth percentile), with one in fifty and a paragraph cut 0.83.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b, sha1

import numpy as np
from numpy.typing import NDArray

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
MAX_COMPARED = 20
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
    """The MinHash of a set of runs, 4 bytes a permutation; None where there are too few to tell a copy.

    The least value of each permutation h -> a h + b modulo 2^32 over the mixed SHA-1 of the runs: that of datasketch 2,
    byte for byte. Importing datasketch, which brings SciPy, took a third of the time that the sample took to index.
    """
    if len(found) < _MIN_RUNS:
        return None
    raw = b"".join(sha1(run.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()[:4] for run in found)
    hashes = _mixed(np.frombuffer(raw, "<u4").astype(np.uint32))
    factors, offsets = _permutations()
    return bytes((hashes[:, None] * factors + offsets).min(axis=0).astype("<u4").tobytes())


@cache
def _permutations() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Factors, odd so that nothing collides, and offsets, of the seed that all stored signatures were made with."""
    chance = np.random.RandomState(1)
    factors = chance.randint(0, 1 << 31, _PERMUTATIONS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, chance.randint(0, 1 << 32, _PERMUTATIONS, dtype=np.uint32)


def _mixed(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The finalizer of MurmurHash3: a bijection that spreads every bit."""
    hashes = (hashes ^ (hashes >> np.uint32(16))) * np.uint32(2246822507)
    hashes = (hashes ^ (hashes >> np.uint32(13))) * np.uint32(3266489909)
    return hashes ^ (hashes >> np.uint32(16))


def bands(minhash: bytes) -> Sequence[int]:
    """Signed 64-bit keys, one a band: near-copies share one, almost surely."""
    width = 4 * _BAND
    return [
        int.from_bytes(blake2b(bytes([n]) + minhash[at : at + width], digest_size=8).digest(), "little", signed=True)
        for n, at in enumerate(range(0, len(minhash), width))
    ]
