"""A question and its answer as one statement, by rule: "Who built it?" and "Ada Brandt" are "Ada Brandt built it."

Owns the rules of English question order. It has no parser: a verb is known by a list or by its ending, and a question
of another shape gives None rather than a guess.
"""

import re

_BE = frozenset(["is", "are", "was", "were"])
_DO = frozenset(["do", "does", "did"])
_HELPERS = (
    _BE | _DO | frozenset(["has", "have", "had", "can", "could", "will", "would", "should", "may", "might", "must"])
)
_SMALL = frozenset(
    re.findall(
        r"\S+",
        """the a an of in on at to for from by with and or his her its their this that these those as into than""",
    )
)
_SUBJECTS = frozenset(
    re.findall(
        r"\S+",
        """the a an he she it they we you i his her its their my our your this that these those one there some many
    most all both each""",
    )
)
_PLACES = frozenset(
    re.findall(r"\S+", """in on at from by with during near around after before between under inside through""")
)

# base/past/participle where the past is not the base with -ed.
_IRREGULAR = re.findall(
    r"\S+",
    """be/was/been beat/beat/beaten become/became/become begin/began/begun bite/bit/bitten blow/blew/blown
    break/broke/broken bring/brought/brought build/built/built burn/burned/burnt buy/bought/bought
    catch/caught/caught choose/chose/chosen come/came/come cost/cost/cost cut/cut/cut deal/dealt/dealt
    do/did/done draw/drew/drawn drink/drank/drunk drive/drove/driven eat/ate/eaten fall/fell/fallen
    feel/felt/felt fight/fought/fought find/found/found fly/flew/flown forget/forgot/forgotten get/got/got
    give/gave/given go/went/gone grow/grew/grown have/had/had hear/heard/heard hide/hid/hidden hit/hit/hit
    hold/held/held hurt/hurt/hurt keep/kept/kept know/knew/known lay/laid/laid lead/led/led
    learn/learned/learnt leave/left/left lend/lent/lent let/let/let lie/lay/lain lose/lost/lost
    make/made/made mean/meant/meant meet/met/met pay/paid/paid put/put/put quit/quit/quit read/read/read
    ride/rode/ridden rise/rose/risen run/ran/run say/said/said see/saw/seen sell/sold/sold send/sent/sent
    set/set/set shoot/shot/shot shut/shut/shut sing/sang/sung sink/sank/sunk sit/sat/sat sleep/slept/slept
    speak/spoke/spoken spend/spent/spent split/split/split spread/spread/spread stand/stood/stood
    steal/stole/stolen strike/struck/struck swim/swam/swum take/took/taken teach/taught/taught
    tell/told/told think/thought/thought throw/threw/thrown understand/understood/understood wear/wore/worn
    win/won/won write/wrote/written withdraw/withdrew/withdrawn""",
)
_PAST: dict[str, str] = {line.split("/")[0]: line.split("/")[1] for line in _IRREGULAR}
_PARTICIPLES = frozenset(line.split("/")[2] for line in _IRREGULAR) | {"born", "known", "based"}
_REGULAR = frozenset(
    re.findall(
        r"\S+",
        """accept achieve acquire act add address adopt affect agree aid allow announce appear appoint approve
    argue arrive ask assign attack attempt attend attract award base believe belong blame borrow call carry
    cause celebrate change charge claim close collaborate collect compare compete complete compose conclude
    conduct confirm connect conquer consider consist consume contain continue contribute control convert
    cover create criticize cross damage date debut decide declare decline decrease defeat defend define
    deliver demand deny depend describe design destroy develop die differ disappear discover discuss display
    dominate donate earn elect emerge enable encourage end enjoy enter escape establish estimate exceed
    exist expand expect experience explain express extend face fail favor feature file finish flee focus
    follow force form found function gain generate govern graduate grant happen hate help host identify
    impact implement import impose improve include increase influence inform inhabit inherit initiate
    inspire install intend introduce invade invent invest invite involve issue join kill lack land last
    launch leak like limit link list live locate look love maintain manage manufacture marry measure mention
    move name need notice obtain occupy occur offer open operate oppose order organize originate own
    participate pass perform place plan play portray possess practice prefer prepare present prevent produce
    promise promote protect prove provide publish purchase pursue push qualify reach receive recommend
    record recover reduce refer reflect refuse regard reign reject relate release rely remain remove replace
    report represent require reside resign respond result retire return reveal review rule save score search
    seek seem separate serve share show sign signify specialize specify sponsor start state stay stop store
    strengthen study submit succeed suffer suggest support surprise surrender surround survive switch talk target
    test trade train transfer trust travel treat try turn use vary view visit vote walk want warn watch wish
    wonder work worry""",
    )
)
_BASES = _REGULAR | _PAST.keys()

_WHO = re.compile(r"^(?:who|whom)\s+(.+)$", re.I)
_WHAT = re.compile(r"^what(?:'s|’s)?\s+(.+)$", re.I)
_NOUN = re.compile(
    r"^(?:which|what)\s+(?!(?:"
    + "|".join(sorted(_HELPERS))
    + r")\s)((?:[\w'’-]+\s+){1,4}?)("
    + "|".join(sorted(_HELPERS))
    + r")\s+(.+)$",
    re.I,
)
_IN_NOUN = re.compile(
    r"^(in|on|at|from|to|by|for|with|under|during)\s+(?:which|what|whom)\b\s*((?:[\w'’-]+\s+){0,4}?)("
    + "|".join(sorted(_HELPERS))
    + r")\s+(.+)$",
    re.I,
)
_WHEN = re.compile(r"^(when|where|why|how)\s+(" + "|".join(sorted(_HELPERS)) + r")\s+(.+)$", re.I)
_HOW_MANY = re.compile(
    r"^how\s+(many|much|long|old|far|tall|large|big|often)\b\s*((?:[\w'’-]+\s+){0,4}?)("
    + "|".join(sorted(_HELPERS))
    + r")\s+(.+)$",
    re.I,
)
_LAST = re.compile(
    r"^(.+\S)\s+(?:(?:in|on|at|to|from|by|for|with)\s+)?(who|whom|what|where|when|which)(\s+[\w-]+){0,2}$", re.I
)
_YEAR = re.compile(r"^(1\d|20)\d\d$")
_DAY = re.compile(
    r"^(\d{1,2} )?(January|February|March|April|May|June|July|August|September|October|November|December)\b", re.I
)


def statement(question: str, answer: str) -> str | None:
    """The statement that the answer makes of the question, with a full stop; None for a question of another shape.

    The words are the question's and the answer's; an auxiliary "did" becomes the verb's ending.
    """
    asked = " ".join(question.split()).rstrip(" ?.!")
    said = " ".join(answer.split()).strip(" .,;:")
    if not asked or not said:
        return None
    for rule in (_by_who, _by_preposition, _by_count, _by_noun, _by_adverb, _by_what, _by_last):
        words = rule(asked, said)
        if words:
            text = " ".join(words.split())
            return text[0].upper() + text[1:] + "."
    return None


def past(base: str) -> str:
    """The past tense of a verb: "carry" -> "carried", "win" -> "won"."""
    if base in _PAST:
        return _PAST[base]
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        return base[:-1] + "ied"
    return (
        base + "ed" if base not in ("stop", "plan", "refer", "occur", "submit", "transfer") else f"{base}{base[-1]}ed"
    )


def third_person(base: str) -> str:
    """The verb with he, she or it: "carry" -> "carries", "do" -> "does"."""
    if base in ("be", "have"):
        return {"be": "is", "have": "has"}[base]
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return base + "es"
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def _declarative(helper: str, rest: str) -> tuple[str, str] | None:
    """A clause after its question word in the order of a statement: (subject and verb, what follows the verb).

    "did", "the team win the cup" -> ("the team won", "the cup").
    """
    words = rest.split()
    helper = helper.lower()
    for place in range(1, len(words)):
        word, before = words[place].lower(), words[place - 1].lower()
        if before in _SMALL or (words[place] != word and helper not in _BE):
            continue
        subject, after = " ".join(words[:place]), " ".join(words[place + 1 :])
        if helper in _DO and word in _BASES:
            verb = past(word) if helper == "did" else third_person(word) if helper == "does" else word
            return f"{subject} {verb}", after
        if helper in _BE and _is_participle(word):
            return f"{subject} {helper} {word}", after
        if helper not in _DO | _BE and (word in _BASES or word == "be" or _is_participle(word)):
            return f"{subject} {helper} {word}", after
    return None


def _is_participle(word: str) -> bool:
    return word in _PARTICIPLES or (len(word) > 4 and word.endswith(("ed", "ing")))


def _by_who(asked: str, said: str) -> str | None:
    match = _WHO.match(asked)
    if not match:
        return None
    rest = match[1]
    helper, _, after = rest.partition(" ")
    if helper.lower() in _DO:
        clause = _declarative(helper, after)
        return _with_object(clause, said) if clause else None
    clause = _declarative(helper, after) if helper.lower() in _BE and _opens_subject(after) else None
    if clause and after.split()[-1].lower() in _PLACES | _SMALL:
        return _with_object(clause, said)
    if asked.lower().startswith("whom"):
        return None
    return f"{said} {rest}"


def _with_object(clause: tuple[str, str], said: str) -> str:
    """The answer where the verb's object is missing: behind a preposition at the end, else behind the verb."""
    verb, after = clause
    last = after.split()[-1].lower() if after else ""
    if last in _SMALL | _PLACES | {"about", "against", "over", "towards"}:
        return f"{verb} {after} {said}"
    if not after or after.split()[0].lower() in _PLACES | {"to", "as", "for", "because", "when", "while", "if"}:
        return f"{verb} {said} {after}"
    return f"{verb} {after} {said}"


def _by_preposition(asked: str, said: str) -> str | None:
    match = _IN_NOUN.match(asked)
    clause = _declarative(match[3], match[4]) if match else None
    if not match or not clause:
        return None
    kind = match[2].strip().lower()
    noun = (
        "" if not kind or kind in ("year", "city", "country", "month", "state", "place", "decade", "century") else kind
    )
    if noun and noun.split()[-1] not in said.lower():
        said = f"the {noun} {said}"
    return f"{clause[0]} {clause[1]} {_placed(match[1].lower(), said)}"


def _placed(preposition: str, said: str) -> str:
    return said if said.split(maxsplit=1)[0].lower() in _PLACES else f"{preposition} {said}"


def _by_count(asked: str, said: str) -> str | None:
    match = _HOW_MANY.match(asked)
    if not match:
        return None
    kind, noun, helper, rest = match[1].lower(), match[2].strip(), match[3].lower(), match[4]
    amount = (
        said
        if not noun or noun.split()[0].lower() in said.lower() or kind not in ("many", "much")
        else f"{said} {noun}"
    )
    if rest.lower().startswith("there"):
        return f"there {helper} {amount} {rest[5:]}"
    if helper in _BE and kind not in ("many", "much"):
        clause = _declarative(helper, rest)
        return f"{clause[0]} {clause[1]} {said}" if clause else f"{rest} {helper} {said}"
    if helper in _DO:
        clause = _declarative(helper, rest)
        return _with_object(clause, amount) if clause else None
    return f"{amount} {helper} {rest}"


def _by_noun(asked: str, said: str) -> str | None:
    match = _NOUN.match(asked)
    if not match:
        return _by_noun_subject(asked, said)
    noun, helper, rest = match[1].strip().lower(), match[2].lower(), match[3]
    clause = _declarative(helper, rest)
    if noun in ("year", "month", "day", "date", "time", "century", "decade"):
        return f"{clause[0]} {clause[1]} {_placed(_time_preposition(said), said)}" if clause else None
    if helper in _DO or (clause and _opens_subject(rest)):
        return _with_object(clause, said) if clause else None
    return f"{said} {helper} {rest}"


def _opens_subject(rest: str) -> bool:
    """Whether a subject stands right behind the auxiliary: a determiner, a pronoun or a name."""
    first = rest.split(maxsplit=1)[0] if rest else ""
    return first.lower() in _SUBJECTS or first[:1].isupper()


def _by_noun_subject(asked: str, said: str) -> str | None:
    """ "Which team won the cup?": a past tense or a third person is the verb of the answer."""
    words = asked.split()
    if words[0].lower() not in ("which", "what") or words[1:2] == [] or words[1].lower() in _HELPERS:
        return None
    for place in range(2, min(6, len(words))):
        word = words[place].lower()
        if words[place - 1].lower() in _SMALL:
            continue
        if word in _PAST.values() or word.endswith("ed") or word in {third_person(base) for base in _BASES}:
            return f"{said} {' '.join(words[place:])}"
    return None


def _time_preposition(said: str) -> str:
    return "on" if _DAY.match(said) and re.search(r"\b\d{1,2}\b(?!\d)", said) else "in"


def _by_adverb(asked: str, said: str) -> str | None:
    match = _WHEN.match(asked)
    if not match:
        return None
    adverb, helper, rest = match[1].lower(), match[2].lower(), match[3]
    clause = _declarative(helper, rest)
    if not clause and helper not in _BE:
        return None
    start = f"{clause[0]} {clause[1]}" if clause else f"{rest} {helper}"
    if adverb == "when":
        known = _YEAR.match(said) or _DAY.match(said) or said[0].isdigit()
        return f"{start} {_placed(_time_preposition(said), said) if known else said}"
    if adverb == "where":
        return f"{start} {said if said.split(maxsplit=1)[0].lower() in _PLACES | {'to'} else f'in {said}'}"
    if adverb == "why":
        return f"{start} {said if said.lower().startswith(('because', 'to ', 'due', 'for ')) else f'because {said}'}"
    return f"{start} {said if not said[0].isupper() else f'by {said}'}"


def _by_what(asked: str, said: str) -> str | None:
    match = _WHAT.match(asked)
    if not match:
        return None
    contracted = asked[4:5] in ("'", "’")
    helper, _, rest = ("is", "", match[1]) if contracted else match[1].partition(" ")
    if helper.lower() not in _HELPERS:
        verb = helper in _PAST.values() or helper.endswith(("ed", "s"))
        return f"{said} {match[1]}" if verb else None
    return _what_with_helper(helper.lower(), rest, said) if rest else None


def _what_with_helper(helper: str, rest: str, said: str) -> str | None:
    clause = _declarative(helper, rest)
    if helper in _BE:
        # "What was the name of the band formed by X?": the participle belongs to the noun, not to the question.
        of_a_noun = rest.lower().startswith(("the ", "a ", "an ", "one ")) and " of " in rest
        return _with_object(clause, said) if clause and not of_a_noun else f"{rest} {helper} {said}"
    if clause and (helper in _DO or _opens_subject(rest)):
        return _with_object(clause, said)
    return None if helper in _DO or _opens_subject(rest) else f"{said} {helper} {rest}"


def _by_last(asked: str, said: str) -> str | None:
    """ "It was named for who?": the answer stands where the question word stands."""
    match = _LAST.match(asked)
    if not match or asked.split(maxsplit=1)[0].lower() in _HELPERS:
        return None
    return f"{asked[: match.start(2)]}{said}"
