"""How a question is worded: its asking words, what it leaves out, and what it points back to. English, by rule.

Knows one question at a time; what is meant by what it points to is `rag.followup.referents`'.
"""

import re
from calendar import day_name, month_name
from dataclasses import dataclass

from rag.words import content_words, names

_POLITE = (
    r"(?:thanks|thank you|ok|okay|good|great|nice|cool|right|alright|well|hm+|oh|ah|aha|i see|got it|interesting|yes|"
    r"yeah|please)"
)
_COURTESY = rf"^\W*(?:{_POLITE}\b\W+)*"
_JOINING = r"(?:(?:and|but|or|so|also|now)\b[\s,]*)*"
_LEAD = re.compile(_COURTESY + _JOINING, re.IGNORECASE)
# "Sorry, I meant the winds", "no, I mean Indy", "not the talks, the workshop I mean", "Indy I meant".
_SORRY = re.compile(
    r"^\W*(?:(?:oh|no|nope|sorry|wait|oops|ah|er+|um+|actually|ok|okay|rather|not [^,.;]{1,40}(?=[,.;]))\b[\s,.;:-]*)+"
    r"(?:(?:i (?:mean|meant|was asking about)|make that|i'm asking about|it's|rather)\b[\s,:]*)?",
    re.IGNORECASE,
)
_I_MEAN = re.compile(r"^\W*i (?:mean|meant)\b[\s,:]*", re.IGNORECASE)
_I_MEANT = re.compile(r"[\s,]+(?:i (?:mean|meant)|that is|instead|rather)\W*$", re.IGNORECASE)
ABOUT = re.compile(
    r"^(?:(?:what|how) about|what of|what if it(?:'s| is)|(?:the )?same (?:question )?(?:for|in|with|about)|and|just|"
    r"only|tell me about)\b[\s,]*(?=\S)",
    re.IGNORECASE,
)
_TAG = re.compile(r"[\s,]+(?:then|too|also|as well|though|now|please|instead)\W*$", re.IGNORECASE)

_AUX_WORDS_TEXT = """
    is are was were am be do does did has have had can could will would shall should may might must isn't aren't
    wasn't weren't don't doesn't didn't hasn't haven't hadn't can't couldn't won't wouldn't shouldn't
"""
_AUX_WORDS = _AUX_WORDS_TEXT.split()
AUX = frozenset(_AUX_WORDS)
_AUX = "(?:" + "|".join(map(re.escape, sorted(_AUX_WORDS, key=len, reverse=True))) + ")"
_PREPOSITIONS_TEXT = """
    of in on at to for from by with about into over after before since until during under against between among as
    through without within than near behind
"""
PREPOSITIONS = frozenset(_PREPOSITIONS_TEXT.split())
_PREPOSITION = "(?:" + "|".join(sorted(PREPOSITIONS, key=len, reverse=True)) + ")"
_WH = r"(?:who|whom|whose|what|which|when|where|why|how)"
# The asking words at a question's head: "how much rent", "on what day", "which of the", "who".
_OPENER = re.compile(
    rf"^(?:(?:out|up|based|going|because|instead) )?(?:{_PREPOSITION} )?(?:{_WH})(?:['’]s|['’]re|['’]d)?\b"
    rf"(?: (?!{_AUX}\b)[\w'’-]+){{0,5}}?(?= {_AUX}\b|$)",
    re.IGNORECASE,
)
_WH_WORD = re.compile(rf"^(?:{_PREPOSITION} )?{_WH}\b", re.IGNORECASE)
_ENDS_IN_WH = re.compile(rf"\b(?:{_PREPOSITION}) (?:what|whom?|where|which \w+|what \w+)\W*$", re.IGNORECASE)
# Asking words with a noun and no verb: "in which case?", "how many votes?", "what day?", "based on what?".
_NOUN_WORD = rf"(?: (?!{_AUX}\b)[\w'’-]+)"
_WH_NOUN = re.compile(
    rf"^(?:(?:(?:which|whose|what)(?! (?:about|if|else|happen|{_AUX}\b))|how (?:many|much))(?: other| more)?"
    rf"{_NOUN_WORD}?"
    rf"|how (?:many|much){_NOUN_WORD}{{2}}"
    rf"|(?:[\w'’-]+ )?{_PREPOSITION} (?:whom?|where|(?:which|what|whose|how (?:many|much)){_NOUN_WORD}{{0,2}}))\W*$",
    re.IGNORECASE,
)
_BARE_NOUN = 5
_AUX_AT = re.compile(rf"\s*({_AUX})\b\s*", re.IGNORECASE)
_CONTRACTED = re.compile(r"\b(who|what|when|where|why|how|that|there|it|he|she)['’]s\b", re.IGNORECASE)
_ASKING = re.compile(
    rf"^(?:{_PREPOSITION} )?(?:{_WH}|{_AUX}|tell|name|list|show|give|explain|describe|say|summari[sz]e|define|compare|"
    r"find|anything|anyone|any)\b",
    re.IGNORECASE,
)
# A question that is made of asking words, prepositions and the like: "by how many votes?" has a noun and is none.
_BARE_WORDS_TEXT = """
    who whom whose what which when where why how else exactly on earth so come then that this it there was is were
    are did does do happened happen long often far much many old and not for to with from by at in of about what's
    where's when's who's how's really precisely roughly again ever since until
"""
_BARE_WORDS = frozenset(_BARE_WORDS_TEXT.split())

PERSONAL = re.compile(r"\b(?:he|she|him|his|her|hers)\b", re.IGNORECASE)
# As an object it is somebody else than the subject of its verb, so that no name before it explains it.
_OBJECT = re.compile(
    r"\b(?:him|her(?=\W*$|\s+(?:to|in|on|at|for|from|by|with|about|into|after|before)\b)|it|them|"
    r"(?:that|this|so)(?=\W*$))\b",
    re.IGNORECASE,
)
_THING = r"(?:it|its|itself)"
_PLURAL = r"(?:they|them|their|theirs|themselves|these|those)"
POINTING = re.compile(
    rf"\b(?:{_PLURAL}|{_THING}|the same|the former|the latter|the others?|another|others|ones?|both|neither|else)\b"
    r"|\b(?:this|that)\b(?=\s*(?:[?.!,]|$)|\s+(?:is|was|be|happen|happened|mean|true|so|one|time|year|day|place|way|case|"
    r"work|cost|take|help|do|does|did|have|has|mean|number|figure|claim|rule|law|report|company|man|woman|person)\b)"
    r"|\b(?:is|was|did|does|about|of|for|after|before|since|by|with|in|like|than|do|to) (?:this|that)\b(?!\s+\w+ed\b)"
    r"|\b(?:from|in|go|went|live|lived|born|get|got|been|was|happened|over|up|out|car) there\b|\bthere\b\s*[?.!]?\s*$"
    r"|\b(?:say|said|says|think|thinks|thought|believe|do|did|do) so\b\s*[?.!]?\s*$"
    r"|\bthen\b\s*[?.!]?\s*$",
    re.IGNORECASE,
)
# "Is it true that", "what time is it", "it rains": nothing is pointed to.
_EMPTY_IT = re.compile(
    r"\bwhat (?:time|day|year|date) (?:is|was) it\b|"
    r"\b(?:is|was) it (?:true|possible|likely|known|said|legal|allowed|necessary|that)\b|\bit (?:rain|snow)|"
    r"\bhow (?:long|much|many \w+) (?:does|did|would|will) it take\b|\bone of\b|\bone (?:day|year|time)\b",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    _COURTESY
    + r"(?:and|but|or|so|also|then|what about|how about|what of|and what about|what else|who else|where else|why else"
    r"|anything else|anyone else|any others?|any more)\b",
    re.IGNORECASE,
)
_MORE = re.compile(
    r"\b(?:else|another)\b|\b(?:any|what|which|who|are there) (?:more|others?)\b|\bthe others?\b|"
    r"\bbesides (?:that|this|him|her|it)\b",
    re.IGNORECASE,
)
_HOW = re.compile(r"\bhow (?:long|old|far|often|big|tall|large|high|soon|late|come)\b", re.IGNORECASE)
# Capitals that name nobody.
DATES = frozenset(word.casefold() for word in (*month_name, *day_name) if word)


@dataclass(frozen=True, slots=True)
class Worded:
    """A question in parts: `opener` ("how much rent"), `aux` ("does"), `rest` ("he pay"); each may be empty."""

    opener: str
    aux: str
    rest: str


def without_lead(question: str) -> str:
    """The question without "and", "ok, but", "sorry, I meant" before it."""
    return _LEAD.sub("", question, count=1).strip() or question.strip()


def corrected(question: str) -> str | None:
    """What was meant, where a question corrects the one before it: "sorry, I meant X" means X."""
    sorry = _SORRY.match(question)
    meant = question[sorry.end() :] if sorry else question
    meant = _I_MEAN.sub("", meant)
    cut = _I_MEANT.sub("", meant)
    said = bool(re.search(r"\b(?:i (?:mean|meant)|make that|sorry)\b", question, re.IGNORECASE)) or (
        sorry is not None and re.match(r"\W*(?:no|not|wait|oops|actually)\b", question, re.IGNORECASE) is not None
    )
    return cut.strip(" ,.?!") or None if said and cut.strip() != question.strip() else None


def fragment(asked: str) -> str | None:
    """The thing alone that a fragment names: "what about the port?", "Jiahao Chen?", "200 million then?".

    None where the question has asking words or a verb that is seen to be one. asked: without its lead.
    """
    about = ABOUT.match(asked)
    rest = _TAG.sub("", (asked[about.end() :] if about else asked).strip(" ?!.,")).strip(" ,")
    rest = re.sub(r"(?<=[a-z]est) ones?$", "", rest)  # "the fastest one"
    if not rest or len(rest.split()) > 7 or _ASKING.match(rest) or "," in rest.strip(","):
        return None
    if any(word.casefold() in AUX for word in rest.split()) or POINTING.search(rest) or PERSONAL.search(rest):
        return None
    return rest


def is_bare(asked: str) -> bool:
    """Whether a question is nothing but asking words: "why?", "who with?", "when was that?", "to what?"."""
    words = re.findall(r"[\w'’]+", asked.casefold())
    if not words or not (_WH_WORD.match(asked.strip()) or _ENDS_IN_WH.search(asked)):
        return False
    if all(w in _BARE_WORDS for w in words):
        return True
    return len(words) <= _BARE_NOUN and not POINTING.search(asked) and _WH_NOUN.match(asked) is not None


def worded(question: str) -> Worded:
    """A question in parts; a question without asking words has no opener."""
    text = _CONTRACTED.sub(r"\1 is", question.strip().rstrip("?!. "))
    found = _OPENER.match(text)
    opener = found.group() if found else ""
    after = text[len(opener) :]
    aux = _AUX_AT.match(after)
    return Worded(opener, aux.group(1) if aux else "", after[aux.end() :].strip() if aux else after.strip())


def asks_for_more(question: str) -> bool:
    """Whether a question asks for what was not said yet: "who else?", "any others?", "name another"."""
    return _MORE.search(question) is not None


# "Are you sure?", "says who?", "where does it say that?", "what's your source?", "how do you know?", "show me where".
_DOUBT = re.compile(
    rf"{_COURTESY}{_JOINING}(?:"
    r"(?:are|r) (?:you|u) (?:really |quite |absolutely )?(?:sure|certain)(?: (?:about|of) (?:that|this|it))?"
    r"|(?:is|was) (?:that|this|it) (?:really |actually )?(?:so|true|right|correct|certain)|really|says who|who says so"
    r"|(?:where|which (?:document|file|page|source|paragraph)|in which (?:document|file|source))"
    r" (?:does it |do they |do you |is it |exactly does it )?(?:says?|said|stated?|written|found)"
    r"(?: (?:that|this|it|so))?"
    r"|where did you (?:get|find|read|see) (?:that|this|it)|where(?:['’]s| is) (?:that|this|it) (?:from|written|stated)"
    r"|(?:what(?:['’]s| is| are)|tell me|show me|give me|name) (?:your|the) (?:sources?|evidence|proof)"
    r"(?: (?:of|for) that)?"
    r"|how (?:do|can) you (?:know|tell)(?: (?:that|this))?|(?:can you )?prove (?:it|that)"
    r"|(?:can you )?show me where(?: it says (?:that|so))?)(?:,? (?:please|exactly|though))?\W*$",
    re.IGNORECASE,
)


def asks_again(question: str) -> bool:
    """Whether a question asks nothing new but whether or where what was answered is stated: "are you sure?"."""
    return bool(re.search(r"\w", question)) and _DOUBT.match(question) is not None


def points_back(question: str) -> bool:
    """Whether a question needs the turns before it: by a pronoun that no name of its own explains, by going on, or by
    having no word of its own.
    """
    if _GOES_ON.match(question) or not content_words(_HOW.sub(" ", question)):
        return True
    without = _EMPTY_IT.sub(" ", question)
    found = [match for match in (PERSONAL.search(without), POINTING.search(without)) if match]
    if not found:
        return False
    first = min(found, key=re.Match.start)
    before = without[: first.start()]
    thing = _OBJECT.search(without)
    is_object = thing is not None and first.start() <= thing.start() < first.end()
    return not names(before) or (is_object and not re.search(r"[,;:]| (?:that|if|when|which|who) ", before))
