"""Words of saying, and how they join a speaker to what is said. English."""

import re

_SAYING_WORDS = """
    said says told tells replied replies answered answers stated states warned warns claimed claims argued argues
    explained explains insisted insists declared declares maintained maintains stressed stresses emphasised
    emphasized emphasises emphasizes admitted admits acknowledged acknowledges conceded concedes confirmed confirms
    denied denies suggested suggests predicted predicts promised promises pledged pledges vowed vows testified
    testifies wrote writes recalled recalls remarked remarks commented comments concluded concludes complained
    complains continued continues responded responds reiterated repeated revealed reveals alleged alleges contended
    contends asserted asserts tweeted quipped boasted cautioned cautions advised advises added adds asked asks noted
    notes announced announces reported reports observed observes proposed proposes urged urges estimated estimates
    believed believes joked agreed agrees objected protested affirmed lamented mused ventured offered recounted
    ruled wondered inquired enquired demanded cried cries shouted shouts whispered exclaimed murmured muttered
    called laughed smiled sighed groaned growled snapped sneered begged implored pleaded thought returned resumed
    interrupted interposed
"""
# These tell of words that stand between marks; of others they say that something is called or thought so.
_ONLY_QUOTED_WORDS = """
    cried cries shouted shouts whispered exclaimed murmured muttered called laughed smiled sighed groaned growled
    snapped sneered begged implored pleaded thought returned resumed interrupted interposed continued continues
    mused ventured offered repeated wrote writes believed believes
"""


def _one_of(words: list[str], *more: str) -> str:
    """A pattern of words, the longest first."""
    return "(?:" + "|".join([*sorted(words, key=len, reverse=True), *more]) + ")"


_REPORTING = [word for word in _SAYING_WORDS.split() if word not in _ONLY_QUOTED_WORDS.split()]
# Whatever speaks beside words between marks; and what reports words in a clause.
VERB = _one_of(_SAYING_WORDS.split(), "went on", "points out", "pointed out", "put in", "chimed in")
INDIRECT_VERB = _one_of(_REPORTING, "points out", "pointed out", "wrote", "writes", "repeated", "believes", "believed")
# Whoever says these says something, whatever follows.
STRONG = frozenset(
    ("said", "says", "told", "tells", "warned", "warns", "insisted", "insists", "claimed", "claims", "argued", "argues",
     "stressed")
)  # fmt: skip
_BETWEEN = "also|later|then|now|once|even|again|already|further|since|long|always|still|just"
ADVERB = rf"(?:(?:{_BETWEEN}|today|yesterday|first|\w+ly) )"
# What may stand between a subject and its verb, at the end of the words before it.
BEFORE_THE_VERB = re.compile(rf"(?: (?:has|have|had|who|{_BETWEEN}|\w+ly))+\s*$")
# "has said", "had told"; never "was told", "can say", "did not say".
AUXILIARY = r"(?:(?:has|have|had|who) )"
ACCORDING = re.compile(r"\b[Aa]ccording to ")
_SAID = re.compile(rf"(?<![\w-]){INDIRECT_VERB}(?![\w-])")
_NOT_SAID = re.compile(
    r"(?:\b(?:is|was|are|were|be|been|being|am|to|not|never|can|could|will|would|shall|should|may|might|must|do|does|did"
    r"|often|widely|commonly|generally|if|nobody|the|a|an|of|its|their|his|her|as|than|for|no|any|these|those|by"
    r"|and the)"
    r"|n[’']t)\s*$",
    re.IGNORECASE,
)


def said_places(narrative: str) -> list[re.Match[str]]:
    """The words of saying in a sentence that somebody may be the subject of."""
    return [m for m in _SAID.finditer(narrative) if not _NOT_SAID.search(narrative[max(0, m.start() - 20) : m.start()])]


def names_a_verb(words: str) -> bool:
    """Whether words hold a word of saying of their own."""
    return _SAID.search(words) is not None


_THAT = re.compile(
    r"(?P<between>,? [^,;.]{0,70}?)?(?:, (?:however|though|too|also|moreover),)? (?:that|whether|how|why)\b(?=,? )"
)
# What may stand between a verb and its "that": when, where and to whom; behind some verbs whoever is spoken to.
_ASIDE = re.compile(
    r",? (?:of|about|to|in|on|at|during|before|after|by|via|again|also|later|earlier|once|yesterday|today|this"
    r"|last|\w+ly|\w+day)\b"
)
_SPOKEN_TO = frozenset(("told", "tells", "warned", "warns", "advised", "advises", "asked", "asks"))
_OTHER_CLAUSE = re.compile(r"\b(?:and|but|who|which|by)\b")
_QUESTION = re.compile(r" (?:to be|to have|that|if|what|when|where|who) ")
_FINITE = re.compile(
    r"\b(?:is|was|are|were|has|had|have|will|would|can|could|may|might|must|should|did|does|do|\w+ed)\b"
)
_PROMISES = frozenset(("promised", "promises", "pledged", "pledges", "vowed", "vows", "agreed", "agrees", "proposed",
                       "proposes", "offered", "claimed", "claims"))  # fmt: skip
_CALLS = frozenset(("called", "urged", "urges", "warned", "warns", "denied", "denies", "proposed", "proposes"))
_WITH_A_CLAUSE = STRONG | {"added", "adds", "announced", "explained", "stated", "believes", "believed"}
_SUBJECTS = "he|she|it|they|we|I|there|this|these|his|her|their|its|the|a|an|some|no|all|most|many|both"
_TO_SOMEBODY = re.compile(
    r" (?:him|her|them|us|me|reporters|(?:the |a )?[\w’'.]+(?: [\w’'.]+){0,4}?) "
    r"(?=(?:he|she|it|they|his|her|the|there|we|its|their)\b)"
)
_CLAUSE = re.compile(
    r" (?:(?:(?:on )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|yesterday|today) )?"
    rf"(?=(?:{_SUBJECTS}|[A-Z\d]\w*)\b)"
)


def reported_from(verb: str, rest: str) -> int | None:
    """Where the reported words begin in what follows a word of saying; None where none are reported there."""
    match = _THAT.match(rest)
    if match and not _OTHER_CLAUSE.search(match[0]):
        between = match["between"]
        return match.end() if not between or verb in _SPOKEN_TO or _ASIDE.match(between) else None
    if _QUESTION.match(rest) or (verb in _PROMISES and re.match(r" to (?=\w)", rest)):
        return 0
    if verb in _CALLS:
        called = re.match(r" (?:for|of|against|any|the|a|\w+ing)\b", rest) and len(rest.split()) > 2
        return 0 if called else None
    return _bare_clause(verb, rest)


def _bare_clause(verb: str, rest: str) -> int | None:
    """As `reported_from`, of a clause without "that"."""
    if verb not in _WITH_A_CLAUSE or not (verb in {"said", "says"} or _FINITE.search(rest)):
        return None
    match = (_TO_SOMEBODY if verb in {"told", "tells"} else _CLAUSE).match(rest)
    return match.end() if match and len(rest.split()) > 3 else None


def is_a_statement(rest: str) -> bool:
    """Whether what follows "said" is a statement though it begins as an adverb does: "said as a child she swam"."""
    return bool(_FINITE.search(rest)) and len(rest.split()) > 5 and not rest.startswith((",", "."))
