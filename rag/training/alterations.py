"""English sentences changed: lightly, so that they say the same or less, or so that they say something else.

Their names and numbers, roughly, and what stands in for them. Words only: `rag.training.support_examples` and
`rag.training.support_pairs` own what is changed, and what it is put beside.
"""

import random
import re
from collections.abc import Sequence
from itertools import pairwise

SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])")


def sentences(text: str) -> list[tuple[int, int]]:
    """Characters `[start, end)` of sentences, roughly: after . ! or ? where white space and a capital follow."""
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    return list(zip([0, *ends], [*ends, len(text)], strict=True))


NAME = re.compile(r"\b[A-Z][\w'’.-]*\w(?: (?:of |the |de |von )?[A-Z][\w'’.-]*\w)*")
NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
NOT_NAMES = frozenset(
    re.findall(
        r"\w+",
        """what who whom whose which when where why how in on at the a an is was are were did does do can could by for
        from to of and if this that it he she they there during after before although while since as with""",
    )
)
_OPPOSITE_PAIRS = re.findall(
    r"(\w+)/(\w+)",
    """first/last largest/smallest highest/lowest most/least before/after increase/decrease north/south
    northern/southern east/west eastern/western oldest/youngest began/ended start/end more/fewer early/late won/lost
    above/below public/private positive/negative major/minor biggest/smallest larger/smaller higher/lower
    longest/shortest best/worst always/never import/export inside/outside begin/finish allowed/forbidden rise/fall
    increased/decreased earliest/latest common/rare accepted/rejected supported/opposed defeated/joined rich/poor""",
)
OPPOSITE = {word: other for one, two in _OPPOSITE_PAIRS for word, other in ((one, two), (two, one))}


def names(text: str) -> list[str]:
    """Runs of capitalised words, without a sentence's small first word."""
    return [match for match in NAME.findall(text) if match.lower() not in NOT_NAMES]


def other_number(number: str, rng: random.Random) -> str:
    """A number that differs: a year by at most forty, any other larger by at most a half, or by one to nine."""
    digits = number.replace(",", "").replace(".", "")
    if re.fullmatch(r"1\d{3}|20\d\d", number):
        return str(int(number) + rng.choice((-1, 1)) * rng.randint(1, 40))
    return str(int(digits) + rng.randint(1, max(9, int(digits) // 2)))


# A sentence of six to forty-five words.
FITTING = re.compile(r"\S+(?:\s+\S+){5,44}")
CLAUSE = re.compile(r"(?:,| and| but| which| while| because| after| before| when)\s+")

_ASIDE = re.compile(r"\s*\([^()]*\)")
_LEAD = re.compile(
    r"^(?:However|Moreover|Furthermore|In addition|Also|Thus|Therefore|Additionally|Meanwhile),\s+(?=\w)"
)
_PHRASE = re.compile(r"^(?:In|On|At|By|After|During|Since|Under|From|As|With) [^,]{3,60}, (?=\w)")
_TRAILING = re.compile(r", (?:which|who|where|whose|including|such as|with|and|but|while|although) [^,]{8,}$")
_PRONOUN = re.compile(r"^(?:He|She|It|They)\b")
_SYNONYMS = dict(
    pair.split("/")
    for pair in re.findall(
        r"\S+",
        """began/started started/began large/big big/large often/frequently frequently/often many/numerous
    numerous/many about/approximately approximately/about however/but also/additionally near/close_to
    built/constructed constructed/built made/produced made/created created/made used/employed received/got
    obtained/got important/significant significant/important main/primary primary/main major/principal
    began/commenced show/demonstrate help/assist because/since although/though said/stated stated/said
    called/named named/called located/situated situated/located died/passed_away wrote/authored
    children/kids film/movie movie/film famous/well-known around/approximately several/a_number_of
    get/obtain buy/purchase purchased/bought enough/sufficient needs/requires require/need increase/rise
    reduce/lower provides/offers provide/offer allows/lets contains/includes includes/contains""",
    )
)


def lightly_changed(sentence: str, title: str, rng: random.Random) -> str:
    """The sentence with the same or less in it: an aside, a lead or a clause dropped, the title for a pronoun."""
    text = " ".join(_ASIDE.sub("", sentence).split()) if rng.random() < 0.6 else sentence
    text = _LEAD.sub("", text)
    if rng.random() < 0.4:
        text = _PHRASE.sub("", text)
    if rng.random() < 0.4:
        text = _TRAILING.sub(".", text.rstrip(". ")).rstrip(".") + "."
    if title and rng.random() < 0.6:
        text = _PRONOUN.sub(lambda _: re.sub(r"\s*\(.*\)", "", title), text)
    if rng.random() < 0.6:
        words = [
            _SYNONYMS[word].replace("_", " ") if word in _SYNONYMS and rng.random() < 0.5 else word
            for word in text.split(" ")
        ]
        text = " ".join(words)
    return text[:1].upper() + text[1:]


_HELPER = re.compile(r"\b(is|was|are|were|has|had|can|could|will|would|should)\b(?! not)")


def negated(claim: str, rng: random.Random) -> str | None:
    """The claim denied: "not" behind its first auxiliary. None where it has none."""
    changed = _HELPER.sub(rf"\1 {rng.choice(('not', 'not', 'never'))}", claim, count=1)
    return changed if changed != claim else None


def changed_sentence(claim: str, passage: str, rng: random.Random) -> str | None:
    """The claim with another number or name, the opposite word, or denied; None where nothing of it can be."""
    ways = [_other_number_in, _other_name_in, _opposite_in, _denied]
    rng.shuffle(ways)
    return next((changed for way in ways if (changed := way(claim, passage, rng)) and changed != claim), None)


def _other_number_in(claim: str, passage: str, rng: random.Random) -> str | None:
    numbers = NUMBER.findall(claim)
    if not numbers:
        return None
    old = rng.choice(numbers)
    inside = [number for number in NUMBER.findall(passage) if number not in numbers]
    new = rng.choice(inside) if inside and rng.random() < 0.4 else other_number(old, rng)
    return claim.replace(old, new)


def _other_name_in(claim: str, passage: str, rng: random.Random) -> str | None:
    own = names(claim)
    words = set(claim.lower().split())
    others = [name for name in names(passage) if not words & set(name.lower().split())]
    return claim.replace(rng.choice(own), rng.choice(others)) if own and others else None


def _opposite_in(claim: str, _passage: str, _rng: random.Random) -> str | None:
    words = claim.split(" ")
    place = next((n for n, word in enumerate(words) if word.lower() in OPPOSITE), None)
    if place is None:
        return None
    return " ".join([*words[:place], OPPOSITE[words[place].lower()], *words[place + 1 :]])


def _denied(claim: str, _passage: str, rng: random.Random) -> str | None:
    return negated(claim, rng)


def stitched(parts: Sequence[str], place: int, rng: random.Random) -> str | None:
    """The beginning of a sentence with the end of another one of its paragraph."""
    others = [part for n, part in enumerate(parts) if n != place and FITTING.fullmatch(part)]
    other = rng.choice(others) if others else ""
    cuts = [match.start() for match in CLAUSE.finditer(parts[place])]
    tails = [match.start() for match in CLAUSE.finditer(other)]
    return parts[place][: rng.choice(cuts)] + other[rng.choice(tails) :] if cuts and tails else None


# What stands between two names whose order tells nothing: "Ada and Ivo", "Ada met Ivo", "from Ada, Ivo".
_EITHER_WAY = re.compile(r"(?i)\W*(?:(?:and|or|with|meets?|met|married|near|borders|of|in|at|the|as well as)\W*)*")
_BETWEEN = re.compile(r"(?i)\b(?:between|both|either|respectively|among|including|such as)\b")
# How many words of a sentence may lie between what is exchanged.
_FAR = 12


def swapped(claim: str, passage: str, rng: random.Random) -> str | None:
    """The claim with two of its names, or two of its numbers, exchanged; None where that would say the same."""
    if _BETWEEN.search(claim):
        return None
    found = []
    for pattern in (NAME, NUMBER):
        spans = [m.span() for m in pattern.finditer(claim) if _is_name(m, passage)]
        found += [(one, two) for one, two in pairwise(spans) if _tells_order(claim, one, two)]
    if not found:
        return None
    (start, middle), (second, end) = rng.choice(found)
    return claim[:start] + claim[second:end] + claim[middle:second] + claim[start:middle] + claim[end:]


def _is_name(match: re.Match[str], passage: str) -> bool:
    """Whether a capitalised run is more than a sentence's first word: inside of it, or told of more than once."""
    name = match[0]
    if name.lower().split(" ")[0] in NOT_NAMES or re.search(r"['’]s?$", name):
        return False
    return match.start() > 0 or name[0].isdecimal() or passage.count(name) > 1


def _tells_order(claim: str, one: tuple[int, int], two: tuple[int, int]) -> bool:
    """Whether a sentence with these two places exchanged says something else."""
    first, between, second = claim[slice(*one)], claim[one[1] : two[0]], claim[slice(*two)]
    if set(first.lower().split()) & set(second.lower().split()) or len(between.split()) > _FAR:
        return False
    return not _EITHER_WAY.fullmatch(between)
