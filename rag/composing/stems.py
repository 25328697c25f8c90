"""How much of the same two texts say, by their words. English."""

import re

from rag.composing.values import singular
from rag.words import content_words

_NOT = re.compile(
    r"\b(?:not|cannot|no|never|nobody|none|neither|nor|without|forbidden|prohibited|banned)\b|n['’]t\b", re.IGNORECASE
)
_ENDING = re.compile(r"(?:ings?|ed|es|er|ers|ly|e)$")


# Forms that no ending tells; those that are other words, too ("saw", "left", "found"), are left as they are.
_IRREGULAR_TEXT = """
    won:win sold:sell bought:buy built:build paid:pay led:lead began:begin begun:begin chose:choose chosen:choose
    came:come went:go gone:go grew:grow grown:grow held:hold kept:keep knew:know known:know lost:lose made:make
    met:meet ran:run said:say sent:send spent:spend spoke:speak spoken:speak stole:steal stolen:steal taught:teach
    thought:think told:tell took:take taken:take wore:wear wrote:write written:write brought:bring caught:catch
    fought:fight gave:give given:give drove:drive driven:drive ate:eat flew:fly flown:fly froze:freeze got:get
    sang:sing sank:sink slept:sleep swam:swim threw:throw thrown:throw woke:wake drew:draw drawn:draw heard:hear
"""
_IRREGULAR = dict(pair.split(":") for pair in _IRREGULAR_TEXT.split())


def stem(word: str) -> str:
    """A word without the endings that its forms differ by: "allow" of "allowed", "allows"; "win" of "won"."""
    word = singular(re.sub(r"['’]s?$", "", word))
    word = _IRREGULAR.get(word, word)
    short = _ENDING.sub("", word)
    if len(short) < 3:
        return word
    return short[:-1] if len(short) > 3 and short[-1] == short[-2] and short[-1] not in "ls" else short


def stems(text: str) -> set[str]:
    """The stems of a text's words that carry meaning."""
    return {stem(part) for word in content_words(text) for part in {word, *word.split("-")}}


def is_negated(text: str) -> bool:
    """Whether a text says that something is not."""
    return bool(_NOT.search(text))


def shared(one: set[str], other: set[str]) -> float:
    """Which part of the smaller set is in the other, in [0, 1]; 0 where one is empty."""
    return len(one & other) / min(len(one), len(other)) if one and other else 0.0
