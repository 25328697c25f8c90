"""What can be told exactly of a claim and a text, without a model.

Whether the claim is said there word for word, and which of its numbers, dates and names stand nowhere in it.
"""

import re
import unicodedata
from collections.abc import Iterable

from index.sentences import sentence_spans
from rag.citations import plain_claim

_UNITS = re.findall(
    r"\S+",
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen""",
)
_ORDINALS = re.findall(
    r"\S+",
    """zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth""",
)
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_VALUES = (
    {word: n for n, word in enumerate(_UNITS)}
    | {word: n for n, word in enumerate(_ORDINALS)}
    | {word: 10 * n for n, word in enumerate(_TENS, 2)}
    | {f"{word[:-1]}ieth": 10 * n for n, word in enumerate(_TENS, 2)}
    | {"dozen": 12, "once": 1, "twice": 2, "half": 2, "double": 2, "both": 2, "pair": 2, "triple": 3}
)
_BELOW_TEN = frozenset(_UNITS[1:10] + _ORDINALS[1:10])
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SHORT_SCALES = {"k": 1000, "m": 10**6, "mn": 10**6, "b": 10**9, "bn": 10**9}
# Words for numbers that are more often no number: "one of them", "in the first place", "a second later".
_VAGUE = frozenset(re.findall(r"\S+", """zero one first second once half both pair double dozen zeroth third"""))
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+", re.UNICODE)
_MONTHS = re.findall(
    r"\S+",
    """january february march april may june july august september october november december jan feb mar apr
    jun jul aug sep sept oct nov dec""",
)
_NAME_WORD = re.compile(r"[^\W\d_](?:[\w'’&.-]*\w)?", re.UNICODE)
_SENTENCE_WORDS = frozenset(
    re.findall(
        r"\S+",
        """a an the this that these those it its he she they his her their we our you your i my in on at by for
    from to of with as if when while where why how what which who whom whose there here and or but not no
    yes so because although though since after before during until unless many most some several all each
    every other another one two both however also additionally moreover furthermore overall therefore thus
    finally according while it's there's mr mrs ms dr""",
    )
)


def stands_in(claim: str, text: str) -> bool:
    """Whether the claim is the text, or one or more of its sentences in a row, word for word.

    White space and the brackets of reference marks are passed over. A part of a sentence is not enough: "the mill
    burned" is not what "She denied that the mill burned" says.
    """
    said = plain_claim(claim)
    if not said or said == plain_claim(text):
        return bool(said)
    sentences = [plain_claim(text[start:end]) for start, end in sentence_spans(text)]
    return any(
        said == " ".join(sentences[first : last + 1])
        for first, sentence in enumerate(sentences)
        if said.startswith(sentence)
        for last in range(first, len(sentences))
    )


def missing_numbers(claim: str, text: str) -> list[str]:
    """The numbers of the claim, as written, whose value stands nowhere in the text, in digits or in words.

    "1,400" is "1400", "two" is "2", "5 million" is "5,000,000"; "one", "first" and their like are not looked at.
    """
    known = {value for values, _ in _numbers(text) for value in values}
    known |= {value.removesuffix("s") for value in known}
    return [
        written
        for values, written in _numbers(claim)
        if written.lower() not in _VAGUE and not known.intersection(values)
    ]


def _numbers(text: str) -> list[tuple[set[str], str]]:
    """For each number (its values: alone, and times the scale after it; the number as written)."""
    tokens = _TOKEN.findall(text)
    found: list[tuple[set[str], str]] = []
    place = 0
    while place < len(tokens):
        token, after = tokens[place], (tokens[place + 1 : place + 2] or [""])[0].lower()
        value = _value(token)
        if value is not None and token.lower() in _TENS and after in _BELOW_TEN:
            value, token = value + _VALUES[after], f"{token}-{after}"
            place += 1
            after = (tokens[place + 1 : place + 2] or [""])[0].lower()
        if value is not None:
            scale = _SCALES.get(after) or (_SHORT_SCALES.get(after) if token[0].isdecimal() else None)
            found.append(({_plain(value), _plain(value * scale)} if scale else {_plain(value)}, token))
        place += 1
    return found


def _value(token: str) -> float | None:
    if not token[0].isdecimal():
        value = _VALUES.get(token.lower())
        return None if value is None else float(value)
    digits = re.sub(r",(?=\d{3}\b)", "", token).replace(",", ".")
    return float(digits) if digits.count(".") < 2 else float(digits.replace(".", ""))


def _plain(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def missing_names(claim: str, text: str) -> list[str]:
    """The names of the claim of which not a word stands in the text, months included.

    A name is a run of capitalised words; the claim's first word counts only with another behind it. Words agree where
    they begin alike ("Belarus", "Belarusian"), an acronym where the text has words with its letters.
    """
    known = [_folded(word) for word in _NAME_WORD.findall(text)]
    words = set(known)
    stems = {word[:length] for word in words for length in (4, 5, 6) if len(word) >= length}
    initials = "".join(word[0] for word in known)
    acronyms = {_folded(word).replace(".", "") for word in _NAME_WORD.findall(text) if word.isupper()}
    return [
        name
        for name in names(claim)
        if not any(_stands(part, words, stems, initials) for part in name.split()) and not _spelled(name, acronyms)
    ]


def names(claim: str) -> list[str]:
    """Runs of capitalised words of a claim, without its small words."""
    found: list[list[str]] = []
    previous_end = -2
    for match in _NAME_WORD.finditer(claim):
        word = match[0]
        if not word[0].isupper() or _folded(word) in _SENTENCE_WORDS:
            continue
        joined = found and claim[previous_end : match.start()] == " "
        if joined:
            found[-1].append(word)
        else:
            found.append([word])
        previous_end = match.end()
    opening = _NAME_WORD.search(claim)
    first = opening[0] if opening else ""
    return [
        " ".join(run)
        for number, run in enumerate(found)
        if number or run[0] != first or len(run) > 1 or sum(map(str.isupper, first)) > 1
    ]


def _folded(word: str) -> str:
    """Lower case, without accents or a possessive ending."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    return re.sub(r"['’]s?$", "", plain.lower())


def _stands(word: str, words: Iterable[str], stems: set[str], initials: str) -> bool:
    folded = _folded(word)
    if folded in words:
        return True
    if word.replace(".", "").isupper() and 2 <= len(folded.replace(".", "")) <= 6:
        return folded.replace(".", "") in initials
    if folded in _MONTHS:
        return any(other[:3] == folded[:3] for other in words if other in _MONTHS)
    length = min(6, max(4, len(folded) - 2))
    return len(folded) >= length and folded[:length] in stems


def _spelled(name: str, acronyms: set[str]) -> bool:
    """Whether the text has the name's initials as an acronym."""
    return len(name.split()) > 1 and "".join(_folded(part)[0] for part in name.split()) in acronyms
