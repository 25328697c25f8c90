"""Who is named beside a word of saying: a name with its post, a post alone, a body, or a pronoun. English, by rules.

Knows phrases, not sentences: what is said, and where, is for index/news/quotations.py.
"""

import re
from dataclasses import dataclass

from index.news.roles import BODY, CAPITAL, EMPTY, POLITE, ROLES, TITLES, is_capital, is_post, is_role

_CAP = rf"{CAPITAL}(?:[\w]|[-'’.&](?=\w))*(?:(?<=\b[^\W\d_a-z])\.|(?<=\bSt)\.|(?<=\b[MD][rs])\.|(?<=\bMrs)\.)?"
_PARTICLE = r"(?:de|da|di|du|del|della|der|den|van|von|zu|al|el|bin|ibn|la|le|ter|ten|dos|das|dela)"
_OF = r"(?:(?:of|for)(?: the)?|&|and(?= [A-Z]\w+(?: [A-Z]\w+)* (?:Department|Committee|Council|Commission|Agency)))"
_NAME = rf"{_CAP}(?: (?:(?:{_PARTICLE}|{_OF}) ){{0,2}}{_CAP})*"
# Every name in a text, and what is written like one.
NAMES = re.compile(rf"(?<![\w’']){_NAME}")
_ARTICLES = frozenset(
    ("The", "A", "An", "One", "His", "Her", "Their", "Our", "My", "Some", "Its", "Many", "Several", "Two", "Three",
     "Most", "All", "Other", "Another")
)  # fmt: skip
_BARE = frozenset(
    ("the", "a", "an", "The", "A", "An", "his", "her", "their", "His", "Her", "Their", "one", "then", "Then", "local",
     "former", ".")
)  # fmt: skip
_WHEN_BEHIND = re.compile(
    r" (?:(?:on|in|at|by|this|last) )?(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|\d{4}|today|yesterday)$"
)
_NUMBERED = re.compile(r"(?:Title|Rule|Act|Case|Item|Step|Level|Option|Phase|Volume|Book|Part) (?:[IVXLC]+|\d+)")
_ENDS_ASIDE = re.compile(r"[,;.:—\n“\"”]|\(| who | which | and (?:he|she|they) ")


@dataclass(frozen=True, slots=True)
class Speaker:
    """A speaker as a phrase has it.

    name: the words that name it, titles left off: "Scott Rauland", "Viasna", "the command", "he".
    post: what the phrase says the speaker is; None where it says nothing. kind: "name", "post" or "pronoun".
    """

    name: str
    post: str | None
    kind: str


def speaker_of(phrase: str) -> Speaker | None:
    """The speaker that a phrase names; None where it names none: "the bridge", "Tuesday"."""
    phrase = " ".join(re.sub(r"\s*\([^()]*\)", "", phrase).strip(" ,.;:").split())
    phrase = _WHEN_BEHIND.sub("", phrase)
    if re.fullmatch(r"[Hh]e|[Ss]he|I", phrase):
        return Speaker(phrase if phrase == "I" else phrase.lower(), None, "pronoun")
    head, place = _head(phrase)
    before, name = _parted(head.split())
    if _says_who(before, name):  # "a Labour Councillor"; "Officials", at a sentence's beginning
        words = [*before, *name]
        return Speaker(" ".join([words[0].lower(), *words[1:]]) + place, None, "post")
    titles, name = _untitled(name)
    if not name:
        return _post_alone(before, titles, place)
    return _named(name, before, titles, place) if _is_name(name) and _may_stand_before(before, titles) else None


def _named(name: list[str], before: list[str], titles: list[str], place: str) -> Speaker:
    shown = " ".join(name)
    if len(before) == 1 and before[0].lower() == "the" and not titles:
        return Speaker(f"the {shown}", _of(place), "name")
    post = _post_before(before, titles)
    return Speaker(shown, post + place if post else _of(place), "name")


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    """The words before a phrase's last name, and the name with its titles; no name where it has none."""
    cut = len(words)
    while cut and (is_capital(words[cut - 1]) or (cut < len(words) and _joins(words, cut))):
        cut -= 1
    while cut < len(words) and not is_capital(words[cut]):
        cut += 1
    of_whom = (n for n in range(cut, len(words) - 1) if words[n].endswith(("'s", "’s")))  # "Exampleton's Ann Example"
    cut = max(of_whom, default=cut - 1) + 1
    if cut == 0 and words and words[0] in _ARTICLES:
        cut = 1
    return words[:cut], words[cut:]


def _says_who(before: list[str], name: list[str]) -> bool:
    """Whether what is written as a name is a post."""
    if before:
        return bool(name) and is_role(name[-1]) and not BODY.search(" ".join(name))
    return len(name) == 1 and name[0].lower() in ROLES and (name[0].endswith("s") or name[0] == "Police")


def _is_name(name: list[str]) -> bool:
    empty = name[0].rstrip(".") in EMPTY or all(len(word) < 2 for word in name)
    owner = re.search(r"[’']s?$", name[-1]) and not name[-1].endswith(("s’", "s'"))
    return not (empty or owner or _NUMBERED.fullmatch(" ".join(name)))


def _may_stand_before(before: list[str], titles: list[str]) -> bool:
    """Whether words before a name belong to it: an article, an age, a post."""
    alone = len(before) == 1 and (before[0] in _BARE or before[0].endswith("-old"))
    return not before or alone or is_post([*before, *titles])


def _post_before(before: list[str], titles: list[str]) -> str | None:
    """What the words before a name say of its bearer: "former US ambassador", "Colonel"; a mere "Mr" says nothing."""
    told = before if before and is_post([*before, *titles]) else []
    if told and told[0].lower() in {"the", "a", "an"}:
        told = told[1:]
    kept = [*told, *titles]
    while kept and kept[-1].rstrip(".") in POLITE:
        kept = kept[:-1]
    if kept and kept[0] in _ARTICLES:  # "His wife", at a sentence's beginning
        kept[0] = kept[0].lower()
    return " ".join(kept) or None


def _of(place: str) -> str | None:
    """ "of the National Archives" behind a name says where somebody belongs; other places say where they were."""
    return place.strip() if re.match(r" (?:of|from) ", place) else None


def _head(phrase: str) -> tuple[str, str]:
    """The phrase without the places behind its name, and these; "such as X" and "like X" name X."""
    example = re.search(rf" (?:such as|like) ({_NAME})$", phrase)
    if example:
        return example[1], ""
    for match in re.finditer(r" (?:for|at|from|in|with|on|to|of) ", phrase):
        left = phrase[: match.start()].split()
        right = phrase[match.end() :].split()
        if match[0] in {" of ", " for "} and left and is_capital(left[-1]) and right and is_capital(right[-1]):
            whole = BODY.search(left[-1]) or len(left) == 1 or left[0].lower() == "the"  # "Ministry of Defence"
            if whole or (left[-1] in TITLES and len(right) > 2):  # "First Minister of Scotland Ann Example"
                continue
        return phrase[: match.start()], phrase[match.start() :]
    return phrase, ""


def _joins(words: list[str], cut: int) -> bool:
    """Whether the small word before `cut` joins two parts of a name: "Valérie de Vries", "Ministry of the Interior"."""
    small = words[cut - 1].lower()
    particle = re.fullmatch(_PARTICLE, small) is not None or small in {"of", "for", "the", "&"}
    if small == "and":  # "Institute of Volcanology and Seismology"
        particle = cut > 2 and words[cut - 3] in {"of", "for"} and bool(BODY.search(" ".join(words[: cut - 2])))
    return particle and cut > 1 and (is_capital(words[cut - 2]) or small == "the")


def _untitled(name: list[str]) -> tuple[list[str], list[str]]:
    """Titles before a name, and the name; a name that is nothing but titles stays with them."""
    last = max((n for n, word in enumerate(name) if word.rstrip(".") in TITLES), default=-1)
    if last < 0 and len(name) > 2 and not BODY.search(" ".join(name)):
        named = (n for n, word in enumerate(name) if is_role(word) and len(name) - n > 2 and "of" not in name[n:])
        last = max(named, default=-1)
    if last < 0 or last == len(name) - 1:
        return ([], name) if last < 0 else (name, [])
    titles, rest = name[: last + 1], name[last + 1 :]
    if rest[0] in {"of", "for"}:  # "Mayor of London Ann Example", and "Mayor of London" alone
        place = 3 if rest[1:2] == ["the"] else 2
        return ([*titles, *rest[:place]], rest[place:]) if len(rest) - place > 1 else (name, [])
    return titles, rest


def _post_alone(before: list[str], titles: list[str], place: str) -> Speaker | None:
    words = [*before, *titles]
    last = words[-1].strip(".,") if words else ""
    starts_empty = bool(words) and words[0] in EMPTY and words[0] not in _ARTICLES
    if starts_empty or not (is_role(last) or titles) or last.endswith(("’", "'s", "’s")):
        return None
    first = words[0].lower() if words[0] in _ARTICLES else words[0]
    return Speaker(" ".join([first, *words[1:]]) + place, None, "post")


def appositive(text: str, at: int, end: int) -> tuple[str | None, int]:
    """What is said between commas of the one named just before `at`: "a foreign affairs representative for ...".

    Returns it and where it ends; None and `at` where there is none.
    """
    if not text.startswith(",", at):
        return None, at
    close = _ENDS_ASIDE.search(text, at + 1, end)
    while close and close[0] == "." and re.search(r"(?:\b[A-Z]|\b(?:Mr|Dr|St|Mrs|Ms))$", text[at : close.start()]):
        close = _ENDS_ASIDE.search(text, close.end(), end)
    stop = close.start() if close else end
    words = text[at + 1 : stop].split()
    if not words or len(words) > 20 or not is_post(words) or words[-1].endswith(("’s", "'s")):
        return None, at
    return " ".join(words), stop


def looks_like_a_person(name: str) -> bool:
    """Whether a name may be meant by "he" or "she": two to four words, none of them that of a body."""
    words = name.split()
    return 1 < len(words) <= 4 and not BODY.search(name) and words[0] not in EMPTY and words[0] != "the"
