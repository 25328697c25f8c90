"""What a pronoun can stand for: people, places, times and things of the last answer and of the last questions.

Knows turns and their words. A guess that is not plain is not made: the pronoun then stays, and the topic is added.
"""

import re
from collections.abc import Sequence
from typing import Protocol

from index.news.roles import is_role
from rag.followup.wording import AUX, DATES, PERSONAL, PREPOSITIONS, worded
from rag.words import content_words, is_function_word, names


class Said(Protocol):
    """A turn as far as it says what was spoken of: see `rag.conversation.Turn`."""

    @property
    def question(self) -> str:
        """As it was typed."""
        ...

    @property
    def query(self) -> str:
        """As it was searched for."""
        ...

    @property
    def answer(self) -> str:
        """What the documents said; empty where nothing."""
        ...

    @property
    def marked(self) -> str:
        """The words of it that answer; empty where not known."""
        ...


_ASKS_WHO = re.compile(r"\W*(?:\w+ )?(?:who|whose|whom)\b", re.IGNORECASE)
_ASKS_WHERE = re.compile(
    r"\W*(?:where|(?:in|to|from|at) (?:what|which) \w+|(?:what|which) (?:city|town|country|place|state|village))\b",
    re.IGNORECASE,
)
_ASKS_WHEN = re.compile(
    r"\W*(?:when|(?:in|on|since) (?:what|which)|(?:what|which) (?:year|day|date|month))\b", re.IGNORECASE
)
_ASKS_WHICH = re.compile(r"\W*(?:(?:in|on|at|to|from|of|with|for|by) )?(?:what(?!ever)|which)\b", re.IGNORECASE)
_NO_PERSON = re.compile(
    r"\b(?:University|College|School|Institute|Council|Committee|Commission|Department|Ministry|Office|Agency|Bank|"
    r"Company|Corporation|Inc|Ltd|LLC|GmbH|Union|Party|Group|Association|Society|Foundation|Court|Congress|Parliament|"
    r"Senate|House|Act|Treaty|Street|Road|Avenue|River|Lake|Mountain|Island|Islands|Bridge|Museum|Church|Times|News|"
    r"Post|Republic|States|Kingdom|City|County|North|South|East|West|World|Hurricane|Board|Team|Project|Program|"
    r"Service|List|System|Community|Federation|Center|Centre|Hospital|Station|Airport|Army|Navy|Force|League|Club|Festival|Award|Prize|War)\b"
)
_SHE = re.compile(r"\b(?:Mrs|Ms|Miss|Madam|Madame|Lady|Queen|Princess|Sister|Duchess|Empress|Dame)\b\.?")
_HE = re.compile(r"\b(?:Mr|Sir|Lord|King|Prince|Father|Brother|Duke|Emperor|Pope)\b\.?")
TITLE = re.compile(r"\b(Dr|Mr|Mrs|Ms|St|Prof|Sen|Rep|Gov|Gen|Col|Capt|Lt|Sgt|Rev|Hon)\. ")
_ADVERBS_TEXT = """
    first ever still now then really already finally also just once again last next not only
"""
_ADVERBS = frozenset(_ADVERBS_TEXT.split())
_MOST_WORDS = 7
_NUMBER = re.compile(r"^\W*(?:about |around |nearly |over |some |at least )?[\d$€£]", re.IGNORECASE)


def asks_who(query: str) -> bool:
    """Whether a question asks for people."""
    return _ASKS_WHO.match(query) is not None


def person(pronoun: str, turns: Sequence[Said]) -> str | None:
    """Whom "he" or "she" means: who was named most plainly, the later the better; None where nobody was plainly.

    The marked answer to a "who" counts most, then a name in a question, then one that an answer is about.
    """
    weights: dict[str, float] = {}
    for age, turn in enumerate(reversed(turns)):
        for name, weight in _named(turn).items():
            if _fits(name, pronoun, turns):
                known = next((old for old in weights if _same_person(old, name)), name)
                weights[known] = max(weights.get(known, 0.0), weight * _DECAY**age) + (
                    _AGAIN if known in weights else 0.0
                )
    best = max(weights, key=lambda name: weights[name], default=None)
    return _whole(best, turns) if best and weights[best] >= _PLAIN else None


# Weights of a name by where it stands; by each turn further back they fall, and each further mention adds a little.
_ANSWERS_WHO, _ANSWERS_WHICH, _ASKED_ABOUT, _CARRIED, _TOLD_OF, _TOLD = 4.0, 3.0, 2.5, 2.0, 2.2, 0.6
_DECAY, _AGAIN, _PLAIN = 0.6, 0.2, 0.9


def _named(turn: Said) -> dict[str, float]:
    """The people that a turn names, with their weights."""
    query = plain(turn.query)
    # "Which Neo Democrat" names no person, but what is asked for.
    asked = people(query[len(worded(query).opener) :])
    several_marked = _is_plural(turn.marked) and " and " in turn.marked
    marked = people(f"x {turn.marked}") if _is_short(turn.marked) and not several_marked else []
    # What was put in the place of a pronoun before may have been wrong: it counts for less than what was typed.
    typed = set(people(turn.question))
    found = {n: (_ASKED_ABOUT if n in typed else _CARRIED) - 0.1 * place for place, n in enumerate(asked)}
    role = _ROLE.search(query)
    if role and not asked:
        found = {role[1]: _ASKED_ABOUT}
    # "Who is Ann Example?" is about her, not about who else the answer names.
    of_name = asked and worded(query).rest == asked[0]
    if asks_who(query) and not of_name:
        told = marked or ([turn.marked] if _is_short(turn.marked) and _one(turn.marked) else [])
        told = told or ([] if turn.marked else people(turn.answer)[:1])
        told = _in_role(query, turn.answer) or told
        # "Who were his parents?" leaves "he" where it was.
        weight = _TOLD_OF - 0.4 if PERSONAL.search(turn.question) else _ANSWERS_WHO
        found = {name: weight for name in told if name not in asked} | found
    elif _ASKS_WHICH.match(query) and not PERSONAL.search(turn.question):
        found = {name: _ANSWERS_WHICH for name in marked if " " in name and name not in asked} | found
    for name in people(turn.answer):
        subject_of = re.search(rf"(?:^|[.!?]\s+|, |\bthat ){re.escape(name)}(?:['’]s)? [a-z]", turn.answer)
        if " " in name or subject_of:
            found.setdefault(name, _TOLD_OF if subject_of else _TOLD)
    return found


# "What did the mayor say": who says, thinks or wants is a person.
_ROLE = re.compile(
    r"\b(?:did|does|has|had|will|would) ((?:the|his|her|their) (?:[a-z'’-]+ )?[a-z'’-]+) "
    r"(?:say|said|think|want|tell|told|promise|promised|call|called|ask|asked|warn|announce|claim|argue|believe|report)\b"
)


def _in_role(query: str, answer: str) -> list[str]:
    """Names beside the very noun that was asked for: "Ann Example (the tenant)", "the tenant, Ann Example"."""
    asked = [re.escape(word) for word in content_words(worded(query).rest) if word.islower()]
    if not asked:
        return []
    role = rf"(?:(?:the|a|an|our|its|their|his|her) )?(?:[\w'’-]+ ){{0,2}}(?:{'|'.join(asked)})\b"
    return [
        name
        for name in people(answer)
        if re.search(rf"{re.escape(name)},? ?\(?{role}", answer, re.IGNORECASE)
        or re.search(rf"\b(?:{'|'.join(asked)})(?:,|:| is| was)? {re.escape(name)}", answer, re.IGNORECASE)
    ][:1]


def _same_person(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return f" {long} ".endswith(f" {short} ")


def _is_short(text: str) -> bool:
    return 0 < len(text.split()) <= _MOST_WORDS


def _one(marked: str) -> bool:
    """Whether words could be one person though they are no name: "the instructor", not "two brothers"."""
    return not _NUMBER.match(marked) and not _is_plural(marked) and len(marked.split()) <= 4


def _whole(name: str, turns: Sequence[Said]) -> str:
    """A surname as the whole name that one of the turns gives."""
    for turn in reversed(turns):
        for said in (f"x {turn.marked}", plain(turn.query), turn.answer):
            fuller = [full for full in people(said) if full.endswith(f" {name}")]
            if fuller:
                return fuller[0]
    return name


def _fits(name: str, pronoun: str, turns: Sequence[Said]) -> bool:
    """Whether a title, or the pronoun for which the name was put in before, does not say otherwise."""
    she = _is_she(pronoun)
    if (_HE if she else _SHE).search(name):
        return False
    for turn in turns:
        before = PERSONAL.search(turn.question)
        if before and _is_she(before.group()) != she and name not in turn.question:
            put_in = people(plain(turn.query))
            if any(_same_person(name, other) for other in put_in if other not in turn.question):
                return False
    return True


def _is_she(pronoun: str) -> bool:
    return pronoun.casefold() in ("she", "her", "hers")


def plain(query: str) -> str:
    """A query without the terms that were added to it in parentheses."""
    return re.sub(r" \([^()]*\)\?$", "?", query)


def people(text: str) -> list[str]:
    """Names that may be a person's: no article, "in" or "at" before them, no word of an institution in them."""
    text = TITLE.sub(r"\1 ", text)
    found: list[str] = []
    for name in names(text):
        place = rf"{re.escape(name)}(?!\w)(?!['’]s)"
        joined = re.search(rf"([\w'’-]+) and {place}", text)
        part = (
            joined is not None and joined.group(1)[0].isupper() and not any(n.endswith(joined.group(1)) for n in found)
        )
        if (
            not part  # "Coal and Steel Community" is one name
            and not _NO_PERSON.search(name)
            and not name.isupper()
            and not re.search(r"\d", name)
            and name.casefold() not in DATES
            and not re.search(rf"\b(?i:the|a|an|in|of|at|on|from|near) {place}", text)
        ):
            found.append(name)
    return found


def thing(turn: Said) -> str | None:
    """What "it" may mean: the marked answer to a "which" or "what" where that is a thing, else what was asked about."""
    marked = turn.marked.strip(" .,;:")
    words = marked.split()
    is_noun = names(f"x {marked}") or re.match(r"(?:the|a|an) ", marked, re.IGNORECASE)
    no_noun = _NUMBER.match(marked) or _is_plural(marked) or any(word in AUX for word in words)
    if _ASKS_WHICH.match(turn.query) and 0 < len(words) <= 5 and is_noun and not no_noun and not people(f"x {marked}"):
        return re.sub(r"^an? ", "the ", marked)
    return subject(turn.query, plural=False)


def several(turn: Said) -> str | None:
    """What "they" may mean: the marked answer where it is several, else the plural or the body that was asked about."""
    marked = turn.marked.strip(" .,;:")
    if _is_short(marked) and not _NUMBER.match(marked) and _is_plural(marked):
        return marked
    if asks_who(turn.query) and _is_short(marked) and (_NO_PERSON.search(marked) or marked.isupper()):
        return marked
    return subject(turn.query, plural=True)


def place(turn: Said) -> str | None:
    """What "there" may mean: the marked answer to a "where", else a place that the question names."""
    marked = turn.marked.strip(" .,;:")
    if _ASKS_WHERE.match(turn.query) and _is_short(marked):
        return re.sub(r"^(?:in|at|to|from|near|on) ", "", marked, flags=re.IGNORECASE)
    named = re.findall(r"\b(?:in|at|to|from|near|as far as) ((?:the )?[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*)", turn.query)
    return named[-1] if named else None


def time(turn: Said) -> str | None:
    """What "then" may mean: the marked answer to a "when"."""
    marked = turn.marked.strip(" .,;:")
    return marked if _ASKS_WHEN.match(turn.query) and _is_short(marked) else None


def subject(query: str, *, plural: bool) -> str | None:
    """The first words after the verb that make a noun of that number: "the old bridge" of "when was the old bridge
    built"; None where that is not plain.
    """
    parts = worded(plain(query))
    if not parts.aux:
        return None
    words = parts.rest.split()
    taken: list[str] = []
    for word in words:
        bare = word.casefold().strip(",;:'\"")
        if bare in PREPOSITIONS and bare != "of":
            break
        adverb = bare in _ADVERBS or (bare.endswith("ly") and bare.islower())
        if taken and (bare in AUX or bare in _PRONOUNS or adverb or _verb_like(bare, taken)):
            break
        taken.append(word)
    text = " ".join(taken).strip(" ,")
    if len(taken) == len(words) and parts.aux.casefold() in ("do", "does", "did", "can", "could", "will", "would"):
        taken = taken[:-1]  # the last word is the verb
        text = " ".join(taken)
    if not taken or len(taken) > 6 or taken[0].casefold() in _PRONOUNS or not content_words(text):
        return None
    determined = re.match(r"(?:the|a|an|this|that|these|those|its|their)\b", text, re.IGNORECASE)
    if not determined and not names(f"x {text}"):
        return None
    if plural != _is_plural(text) or people(f"x {text}") or (not plural and is_role(text.split()[-1])):
        return None
    return text


def is_about_a_role(query: str) -> bool:
    """Whether a question is about somebody in a post: "when did the mayor resign?"."""
    found = re.match(r"(?:the|a|an|its|our|their) (?:[a-z-]+ )?([a-z-]+)\b", worded(plain(query)).rest, re.IGNORECASE)
    return found is not None and any(is_role(word) for word in found.group().split())


_PRONOUNS_TEXT = """
    i you we he she it they there this that these those me us him her them one anyone somebody
"""
_PRONOUNS = frozenset(_PRONOUNS_TEXT.split())


def _verb_like(word: str, before: list[str]) -> bool:
    """Whether a word after a noun is a verb rather than another noun, as far as its ending says."""
    last = before[-1].casefold()
    if last in ("the", "a", "an", "of", "and", "this", "that", "these", "those", "new", "old"):
        return False
    return (
        bool(re.search(r"(?:ed|ing|en|wn|ght|old|ade|ood)$", word)) and not is_function_word(word)
    ) or word in _VERBS


_VERBS_TEXT = """
    go get make take come see say think need want use mean work start begin end cost pay run hold give keep call
    lead become happen help do have be let put set win lose meet bring leave live die look stop open close sign sell
    buy built made held sold won lost met paid put set led left come become called done gone cost mean
"""
_VERBS = frozenset(_VERBS_TEXT.split())


def _is_plural(text: str) -> bool:
    """Whether words are several things: joined by "and", or with a plural ending on their head."""
    first, *others = text.split() or [""]
    if first.casefold() in _PRONOUNS - {"these", "those"} or any(word.casefold() in AUX for word in others):
        return False
    head = re.split(r"\b(?:of|in|on|at|to|for|from|by|with|about|who|that|which)\b", text, maxsplit=1)[0].strip(
        " ,.'\"’"
    )
    if re.search(r"\band\b", head) and not re.search(r"\b(?:Inc|Ltd)\b", head):
        return True
    last = head.split()[-1].casefold() if head.split() else ""
    return bool(re.search(r"(?<![siu])s$", last)) or last in ("people", "men", "women", "children", "police", "both")
