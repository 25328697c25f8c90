"""What a question asks for: one fact, several, an account, a document's gist, a comparison, a yes or no. English.

Told by the question's own words alone; knows nothing of documents.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from rag.composing.values import singular
from rag.reading.candidates import is_yes_or_no
from rag.words import content_words


class Shape(StrEnum):
    """What an answer is made of: a sentence, a line for each fact, some sentences that together tell it."""

    FACT = "fact"
    YES_NO = "yes_no"
    SEVERAL = "several"
    ACCOUNT = "account"
    GIST = "gist"
    COMPARISON = "comparison"
    PARTS = "parts"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question and what it asks for. whole: it asks for all of them in so many words, or for the steps of a thing.

    most: of a comparison, whether the most or the least is wanted; None for a sum, or with mean for an average.
    measure: what is compared, a word as it is written ("cheap", "goals", "" where only the text can tell).
    superlative: the word that asks for it.
    place: it asks which clause or section says something; topic: what that is about, "" where it is a statement.
    recent: it asks for how it is now. read_as: the question without the words that say so, as the reader gets it.
    """

    question: str
    shape: Shape
    read_as: str
    whole: bool = False
    recent: bool = False
    most: bool | None = None
    mean: bool = False
    measure: str = ""
    superlative: str = ""
    place: bool = False
    topic: str = ""


_POLITE = (
    r"^(?:(?:please|so|well|and|ok(?:ay)?|hi|hello|hey),? )*"
    r"(?:(?:can|could|would|will) you (?:please )?|i(?: would|['’]d) like (?:you )?to |i (?:want|need) (?:you )?to )?"
    r"(?:please )?"
    r"(?:(?:tell|show|give) me )?"
)
_LEAD = re.compile(_POLITE, re.IGNORECASE)
_PLURAL = (
    r"(?!(?:was|is|has|does|this|his|its|as|made)\b)[a-z][a-z’'-]*(?:[^siu'’]s|ies|people|men|women|children|criteria)"
)
_SEVERAL = re.compile(
    rf"(?:list|enumerate|name)\b(?! of\b)"
    rf"|(?:what|who) (?:all )?(?:are|were) (?!you\b|we\b|they\b)(?:(?:the|all|some|its|his|her|their|my|our) )*"
    rf"(?:[\w’'-]+ ){{0,3}}?{_PLURAL}\b(?! (?:called|named|made|used|about)\b)"
    rf"|(?:which|what) (?!made\b|makes\b)(?:[\w’'-]+ ){{0,2}}?{_PLURAL} (?!(?:is|was|has|does)\b)[a-z]"
    rf"|which of (?:the|these|those|them)\b"
    rf"|(?:all|every|each) (?:the|of the)\b"
    rf"|who (?:all|else)\b"
    rf"|(?:(?:a|the) list of )?(?:all )?(?:the )(?:[\w’'-]+ )?{_PLURAL} (?:of|for|in|to|that|who|which|on|from)\b",
    re.IGNORECASE,
)
_ALLOWED = re.compile(
    r"what (?:is|was|isn['’]t|must|may|can|should)(?: not|n['’]t)? (?:be )?"
    r"(?:allowed|forbidden|permitted|prohibited|banned|included|excluded|covered|required|needed)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"\b(?:list|enumerate|name|all|every|each)\b|\b(?:steps?|ingredients?|items?|tools?|requirements?|rules?|options?"
    r"|members?|agenda|contents?)\b",
    re.IGNORECASE,
)
# "what colours the leaves", "which sells": verbs that seem to be plurals; and measures that are one value.
_ONE_VALUE = re.compile(
    r"^(?:what|which) (?:is|was|does|did|do|has|happens|makes|causes|gives|keeps|means|needs|takes|sets|lets|gets|goes"
    r"|comes|says|helps|sells|costs|buys|runs|pays|plays|lies|leads|begins|starts|ends|prevents|allows|becomes)\b",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(
    r"(?:why|how come|how so)\b"
    r"|how (?:do|does|did|can|could|should|would|is|are|was|were|to|will|has|have|might|must)\b"
    r"|for what reasons?\b|what (?:is|was|were|are) the (?:reasons?|causes?|story|background|history)\b"
    r"|what (?:happened|happens|caused|led)\b"
    r"|what (?:does|did|do|has|have) .+\b(?:say|said|think|thinks|write|written|argue|believe|recommend|claim|explain)"
    r"|(?:explain|describe|tell|elaborate)\b|what(?: is|['’]s| was) (?:known|said|written|reported) (?:about|on|of)\b"
    r"|(?:(?:anything|something|what|more) )?about |(?:anything|something|what|more) on ",
    re.IGNORECASE,
)
_STEPS = re.compile(
    r"how (?:do|can|should|could|would|to|must)\b|what (?:do|must|should) (?:i|we|you) do\b", re.IGNORECASE
)
_DOCUMENT_WORD = (
    r"(?:document|text|article|paper|report|page|file|letter|e-?mail|message|memo|book|story|chapter|note|notes|manual"
    r"|contract|minutes|piece|post|essay|study|transcript|policy|leaflet|guide|speech|interview|review)"
)
_GIST = re.compile(
    rf"(?:summari[sz]e|sum up|outline|recap|tl;?dr\b)"
    rf"|(?:a |the |your )?(?:short |brief |quick )?(?:summary|overview|gist|synopsis)\b"
    rf"|what(?: is|['’]s| are| was) (?:the |a )?(?:main |key |central )?(?:summary|gist|overview|points?|idea|topic"
    rf"|subject|theme|message|takeaways?)s?\b(?: of| in|\?|$)"
    rf"|what(?: is|['’]s| are) (?:this|that|these|it|the|all this)\b[^?]*\babout\W*$"
    rf"|what (?:is|does) (?:this|the|that) {_DOCUMENT_WORD} (?:deal with|cover|describe|say|tell)"
    rf"|what kind of {_DOCUMENT_WORD} is\b",
    re.IGNORECASE,
)
# "the oldest member", "the latest train"; of "most people" nothing is compared, and "at most", or "the
# most we may claim", asks for a limit.
_SMALL = """
    cheapest smallest shortest lowest least fewest youngest lightest slowest nearest closest earliest newest oldest
    thinnest narrowest weakest coldest quietest calmest poorest softest driest darkest
"""
_GREAT = """
    most largest biggest longest highest tallest heaviest fastest dearest priciest farthest furthest latest strongest
    deepest widest greatest hottest warmest steepest loudest noisiest richest thickest brightest busiest wettest
"""
_LEAST, _MOST = _SMALL.split(), _GREAT.split()
_LIMIT = r"(?<!\bat )(?<!\bat the )(?<!\bat the very )"
_ALLOWED_MOST = (
    r"(?! (?:(?:money|time|notice|weight|amount|sum) )?(?:that )?(?:i|we|you|they|he|she|one|somebody|anybody)"
    r" (?:may|can|could|must|should|have to|has to|need to|(?:am|are|is) allowed)\b)"
)
_COMPARED = re.compile(
    rf"\b(?:(?!(?:most|least|latest|earliest)\b)|{_LIMIT})(?P<word>{'|'.join((*_LEAST, *_MOST))})\b{_ALLOWED_MOST}"
    r"(?! (?:people|of (?:the|all|these|its|their)\b(?! \w+ (?:is|was|has|does|did))|likely|important|common|recent))",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"\b(?:in total|in all|altogether|all together|combined|overall)\b|\btotal (?:number|amount|cost|price|sum)\b"
    r"|\bsum of\b|\b(?:on )?average\b|\bmean (?:value|of)\b|\bmedian\b",
    re.IGNORECASE,
)
# The middle value is none of these: it is not computed.
MEAN = re.compile(r"\b(?:average|mean(?= (?:value|of)\b))\b", re.IGNORECASE)
_RECENT = re.compile(
    rf"\b(?:current(?:ly)?|{_LIMIT}latest|most recent(?:ly)?|newest|up[- ]to[- ]date|at present|at the moment|right now"
    r"|these days|nowadays|today['’]s|now(?=\W*$))\b",
    re.IGNORECASE,
)
# "Which articles are about the bridge?"
_WHICH_DOCUMENTS = re.compile(
    rf"(?:which|what|list (?:all )?(?:the )?|are there (?:any )?|is there an? )\s*{_DOCUMENT_WORD}s?"
    r"(?: is| are)? (?:there )?"
    r"(?:about|on|mention(?:s|ing)?|deal(?:s|ing)? with|cover(?:s|ing)?|discuss(?:es|ing)?) ",
    re.IGNORECASE,
)
# "What's the latest on the bridge?": what the newest document about it tells.
_LATEST_NEWS = re.compile(
    r"(?:what(?: is|['’]s| are) (?:the )?|(?:the )?(?=latest))(?:latest|newest|most recent)"
    r"(?: (?:news|developments?|updates?|state(?: of affairs)?))? (?:on|about|regarding|concerning|with|from) ",
    re.IGNORECASE,
)
# "Which clause of the lease says that we may keep a cat?", "Where does it say who pays?", "Under which section is it?"
_PART = (
    r"(?:(?:sub-?)?clauses?|(?:sub-?)?sections?|articles?|paragraphs?|schedules?|chapters?|appendix|appendices|annex(?:es)?"
    r"|provisions?|headings?)"
    r"(?: (?:of|in) (?:the|this|that|our|my) (?:[\w’'-]+ )?(?:lease|contract|agreement|document|manual|handbook|guide"
    r"|policy|act|law|statute|code|rules|regulations?|constitution|charter|treaty|by-?laws|terms|text|report|book))?"
)
_WHICH_PART = re.compile(
    rf"(?:which|what) {_PART} (?:"
    r"(?:says?|states?|provides?|stipulates?|specif(?:y|ies)|tells? (?:me|us|you))(?: that)? (?P<said>.+)"
    r"|(?:deals? with|covers?|is about|are about|governs?|regulates?|concerns?|mentions?|sets? out|speaks? of|contains?"
    r"|describes?|defines?|explains?|talks? about|handles?|lists?|shows?|says? something (?:about|on)|forbids?"
    r"|prohibits?|bans?|limits?) (?P<topic>.+)"
    r"|(?P<verb>allows?|permits?|lets?|entitles?|requires?|obliges?) (?P<who>(?:the )?[\w’'-]+)(?: to)? (?P<does>.+))$"
    # "Under which section was he charged?" asks for a law that is named, not for a part of the document.
    rf"|(?:in|under|by) (?:which|what) {_PART} (?P<asked>(?:may|must|can|could|shall|should|do|does) .+)$"
    r"|where (?:in (?:the|this|that|our|my) [\w’'-]+ )?(?:does|do) (?:it|they|the [\w’'-]+) say (?:that )?"
    r"(?P<where>.+)$",
    re.IGNORECASE,
)
_MODAL = re.compile(
    r"^(?P<who>(?:[\w’'-]+ ){1,5}?)(?P<verb>may|must|can(?:not)?|shall|should|will|would|is|are|has|have)"
    r" (?P<rest>.+)$",
    re.IGNORECASE,
)
# "Why is this the longest?" compares nothing.
_REASON = re.compile(r"(?:why|how come|how so|for what reason|what is the reason)\b", re.IGNORECASE)
# What is new or old by its own date is compared; "the latest allowance" is the one that holds now.
_BY_DATE = frozenset(("latest", "newest", "earliest", "oldest", "youngest"))


def ask_of(question: str) -> Ask:
    """What a question asks for."""
    lead = _LEAD.match(question)
    rest = question[lead.end() :] if lead else question
    recent = bool(_RECENT.search(question))
    read_as = " ".join(_RECENT.sub(" ", question).split()) if recent else question
    if not content_words(read_as):
        read_as = question
    if _WHICH_DOCUMENTS.match(rest):
        return Ask(question, Shape.GIST, read_as, whole=True)
    part = _WHICH_PART.match(rest)
    if part:
        return _of_part(question, part)
    if _GIST.match(rest) or _LATEST_NEWS.match(rest):
        return Ask(question, Shape.GIST, read_as, recent=recent)
    # What was added to a follow-up in parentheses is what the talk is about, not what is asked for.
    own = re.sub(r" \([^()]*\)\W*$", "", rest)
    compared = None if _REASON.match(rest) else _COMPARED.search(own)
    if compared and not is_yes_or_no(question):
        word = compared["word"].casefold()
        most = word in _MOST
        # "the newest" has the latest date, "the youngest" the latest birth; "the latest allowance" may be no table's.
        return Ask(
            question,
            Shape.COMPARISON,
            read_as,
            recent=recent,
            most=most,
            measure=_measure(word, rest, compared),
            superlative=word,
        )
    if _TOTAL.search(own) and re.match(r"(?:what|how \w+)\b", rest, re.IGNORECASE):
        mean = bool(MEAN.search(rest))
        return Ask(question, Shape.COMPARISON, read_as, recent=recent, most=None, mean=mean, measure=_counted(rest))
    shape, whole = _plain_shape(rest)
    return Ask(question, shape, read_as, whole=whole, recent=recent)


def _of_part(question: str, part: re.Match[str]) -> Ask:
    """What a question for a clause or a section asks for: the same as without it, and where that stands."""
    found = {name: words.strip(" ?.") for name, words in part.groupdict().items() if words}
    topic = found.get("topic", "")
    if re.match(rf"{_ASKING}\b", topic, re.IGNORECASE):  # "sets out how long it takes"
        found["said"], topic = topic, ""
    if topic:
        read_as = f"What about {topic}?"
    elif "verb" in found:
        modal = "Must" if found["verb"].casefold().startswith(("require", "oblige")) else "May"
        read_as = f"{modal} {_SUBJECTS.get(found['who'].casefold(), found['who'])} {found['does']}?"
    else:
        read_as = _asking(found.get("said") or found.get("asked") or found["where"])
    shape, whole = _plain_shape(read_as)
    shape = shape if shape in (Shape.YES_NO, Shape.ACCOUNT) else Shape.FACT
    return Ask(question, shape, read_as, whole=whole, place=True, topic=topic)


_SUBJECTS = {"me": "I", "us": "we", "him": "he", "her": "she", "them": "they"}


def _asking(words: str) -> str:
    """A statement as the question whether it is so: "we may keep a cat" as "May we keep a cat?"."""
    turned = None if _ASKS.match(words) else _MODAL.match(words)
    if turned:
        words = f"{turned['verb']} {turned['who']}{turned['rest']}"
    return f"{words[0].upper()}{words[1:]}?"


def _plain_shape(rest: str) -> tuple[Shape, bool]:
    """The shape of a question that compares nothing, and whether it asks for all of something."""
    if is_yes_or_no(rest):
        return Shape.YES_NO, False
    if _ACCOUNT.match(rest):
        return Shape.ACCOUNT, bool(_STEPS.match(rest))
    if _ALLOWED.match(rest) or (_SEVERAL.match(rest) and not _ONE_VALUE.match(rest)):
        return Shape.SEVERAL, bool(_WHOLE.search(rest))
    return Shape.FACT, False


def _measure(word: str, rest: str, found: re.Match[str]) -> str:
    """What a superlative compares: the noun behind "most", "highest", else the superlative itself."""
    if word in ("most", "least", "fewest", "highest", "lowest", "largest", "biggest", "smallest", "greatest"):
        behind = re.match(r" (?:(?:number|amount|total) of )?([a-z][\w’'-]*)", rest[found.end() :], re.IGNORECASE)
        return singular(behind[1]) if behind else ""
    return word


def _counted(rest: str) -> str:
    adjective = re.match(r"how (?!many\b|much\b)(\w+)", rest, re.IGNORECASE)
    if adjective:
        return adjective[1].casefold()
    counted = re.match(r"how (?:many|much) ([a-z][\w’'-]*)", rest, re.IGNORECASE)
    if counted is None or not content_words(counted[1]):
        counted = re.search(
            r"(?:total|average|mean) (?:number of |amount of |value of )?(?:the )?([a-z][\w’'-]*)", rest, re.IGNORECASE
        )
    return singular(counted[1]) if counted else ""


# ---- Two questions in one

_ASKING = r"(?:who|whom|whose|what|when|where|which|why|how)"
_JOINT = re.compile(rf"(?:\?\s+|,? (?:and|or|also)(?: also)? )(?={_ASKING}\b)", re.IGNORECASE)
_TOGETHER = re.compile(
    rf"^(?P<first>{_ASKING}(?: (?:many|much|long|often|far))?) and (?P<second>{_ASKING}(?: (?:many|much|long|often))?)"
    r" (?P<rest>(?!(?:who|what|when|where|which|why|how)\b).+)$",
    re.IGNORECASE,
)
_ASKS = re.compile(
    rf"^(?:{_POLITE[1:]})?(?:(?:in|on|at|for|from|by|with|to|since) )?{_ASKING}\b"
    r"|^(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would)\b",
    re.IGNORECASE,
)
_REPORTS = re.compile(r"\b(?:say|said|know|explain|decide|tell|told|ask|asked|describe|about|of|on)$", re.IGNORECASE)


def parts_of(question: str) -> list[str]:
    """The questions that one question holds, each as a question; one where it holds one.

    "When was it built and who paid?" holds two, and so does "When and where was it built?".
    """
    together = _TOGETHER.match(question)
    if together:
        parts = [f"{together[part]} {together['rest']}" for part in ("first", "second")]
        return [f"{part[0].upper()}{part[1:]}" for part in parts]
    cuts = [
        match for match in _JOINT.finditer(question)
        if _ASKS.match(question) and not _REPORTS.search(question[: match.start()])
        and len(question[: match.start()].split()) > 1 and len(question[match.end() :].split()) > 1
    ]  # fmt: skip
    starts = [0, *(match.end() for match in cuts)]
    ends = [*(match.start() for match in cuts), len(question)]
    parts = [question[a:b].strip(" ,?") for a, b in zip(starts, ends, strict=True)]
    if len(parts) > 3 or not all(content_words(part) or _ASKS.match(part) for part in parts):
        return [question]
    return [f"{part[0].upper()}{part[1:]}?" for part in parts] if len(parts) > 1 else [question]
