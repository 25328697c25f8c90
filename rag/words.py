"""Words that carry meaning, names, and words that only hold a sentence together. English."""

import re

_WORD = re.compile(r"\w+(?:[-'’.&]\w+)*")
_CAPITALISED = r"[^\W\d_a-zß-öø-ÿ]\w*(?:[-'’.&]\w+)*"
_NAME = re.compile(rf"(?<!\w){_CAPITALISED}(?: (?:(?:of|the|de|van|von|al|bin) )?{_CAPITALISED})*")
_POSSESSIVE = re.compile(r"['’]s?$")
_HOLDING = """
    a an the and or but nor so of in on at to for from by with about as into over after before up out off than
    then is are was were be been being am do does did done has have had having can could will would shall
    should may might must not no it its itself this that these those there here he him his himself she her
    hers herself they them their theirs themselves i me my we us our you your one ones who whom whose which
    what when where why how if also too very just only any some all both each other another such same more
    most much many few ever yet still again else please tell say said know think mean
    happen happened exactly really ok okay thanks
"""
_FUNCTION_WORDS = frozenset(_HOLDING.split())


def content_words(text: str) -> list[str]:
    """The words that carry meaning, as they are written, each once, in order; a possessive's ending left off."""
    words = (_POSSESSIVE.sub("", word) for word in _WORD.findall(text))
    return list({w.casefold(): w for w in words if w and not is_function_word(w)}.values())


def is_function_word(word: str) -> bool:
    """Whether a word only holds a sentence together; a contraction ("isn't", "who's") by its first part."""
    first, *rest = re.split("['’]", word.casefold(), maxsplit=1)
    return first in _FUNCTION_WORDS or (rest == ["t"] and first.removesuffix("n") in _FUNCTION_WORDS)


def names(text: str) -> list[str]:
    """Runs of words with capitals that are no function words, each once, in order: "Ann Example", "Belarus".

    The first word of a sentence counts only where it begins a longer run, or has a capital elsewhere, too.
    """
    found: dict[str, None] = {}
    for match in _NAME.finditer(text):
        words = [_POSSESSIVE.sub("", word) for word in match.group().split()]
        before = text[: match.start()].rstrip(" \"'“‘(")
        begins = not before or before[-1] in ".?!:\n"
        if is_function_word(words[0]):
            words, begins = words[1:], False
        alone = len(words) == 1 and words[0][1:].islower() and text.count(words[0]) == 1
        if words and not (begins and alone):
            found[" ".join(words)] = None
    return list(found)
