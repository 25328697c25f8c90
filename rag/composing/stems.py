"""How much of the same two texts say, by their words. English."""

import re

from rag.composing.values import singular
from rag.words import content_words

_NOT = re.compile(
    r"\b(?:not|no|never|nobody|none|neither|nor|without|forbidden|prohibited|banned)\b|n['’]t\b", re.IGNORECASE
)
_ENDING = re.compile(r"(?:ings?|ed|es|er|ers|ly|e)$")


def stem(word: str) -> str:
    """A word without the endings that its forms differ by: "allow" of "allowed", "allows"."""
    word = singular(re.sub(r"['’]s?$", "", word))
    short = _ENDING.sub("", word)
    if len(short) < 3:
        return word
    return short[:-1] if len(short) > 4 and short[-1] == short[-2] and short[-1] not in "ls" else short


def stems(text: str) -> set[str]:
    """The stems of a text's words that carry meaning."""
    return {stem(part) for word in content_words(text) for part in {word, *word.split("-")}}


def is_negated(text: str) -> bool:
    """Whether a text says that something is not."""
    return bool(_NOT.search(text))


def shared(one: set[str], other: set[str]) -> float:
    """Which part of the smaller set is in the other, in [0, 1]; 0 where one is empty."""
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0
