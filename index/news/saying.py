"""Words of saying, and how they join a speaker to what is said. English."""

import re

_FULL = """said says told tells replied replies answered answers stated states warned warns claimed claims argued
argues explained explains insisted insists declared declares maintained maintains stressed stresses emphasised
emphasized emphasises emphasizes admitted admits acknowledged acknowledges conceded concedes confirmed confirms denied
denies suggested suggests predicted predicts promised promises pledged pledges vowed vows testified testifies wrote
writes recalled recalls remarked remarks commented comments concluded concludes complained complains continued
continues responded responds reiterated repeated revealed reveals alleged alleges contended contends asserted asserts
tweeted quipped boasted cautioned cautions advised advises added adds asked asks noted notes announced announces
reported reports observed observes proposed proposes urged urges estimated estimates believed believes joked agreed
agrees objected protested affirmed lamented mused ventured offered recounted ruled wondered inquired enquired demanded
cried cries shouted shouts whispered exclaimed murmured muttered called laughed smiled sighed groaned growled snapped
sneered begged implored pleaded thought returned resumed interrupted interposed went-on""".split()
# These are other things, too ("added salt", "noted the time"): of what they say only "that", "whether" and the like tell.
_ONLY_QUOTED = frozenset(
    """cried cries shouted shouts whispered exclaimed murmured muttered called laughed smiled sighed groaned growled
    snapped sneered begged implored pleaded thought returned resumed interrupted interposed continued continues mused
    ventured offered repeated wrote writes believed believes""".split()
)
# Whoever says these says something, whatever follows.
STRONG = frozenset("said says told tells warned warns insisted insists claimed claims argued argues stressed".split())

VERB = r"(?:" + "|".join(sorted((w for w in _FULL if w != "went-on"), key=len, reverse=True)) + r"|went on|points out"
VERB += r"|pointed out)"
INDIRECT_VERB = (
    r"(?:"
    + "|".join(
        sorted((w for w in _FULL if w != "went-on" and w not in _ONLY_QUOTED), key=len, reverse=True)
    )
    + r"|points out|pointed out|wrote|writes|repeated|believes|believed)"
)
ADVERB = r"(?:(?:also|later|then|now|once|even|again|already|further|today|yesterday|first|repeatedly|\w+ly|previously) )"
# "has said", "had told"; never "was told", "can say", "did not say".
AUXILIARY = r"(?:(?:has|have|had|who) )"
ACCORDING = re.compile(r"\b[Aa]ccording to ")
_SAID = re.compile(rf"(?<![\w-]){INDIRECT_VERB}(?![\w-])")
_NOT_SAID = re.compile(
    r"(?:\b(?:is|was|are|were|be|been|being|am|to|not|never|can|could|will|would|shall|should|may|might|must|do|does|did"
    r"|often|widely|commonly|generally|if|nobody|the|a|an|of|its|their|his|her|as|than|for|no|any|these|those|by|and the)"
    r"|n[’']t)\s*$",
    re.IGNORECASE,
)


def said_places(narrative: str) -> list[re.Match[str]]:
    """The words of saying in a sentence that somebody may be the subject of."""
    return [m for m in _SAID.finditer(narrative) if not _NOT_SAID.search(narrative[max(0, m.start() - 20) : m.start()])]


def is_strong(verb: str) -> bool:
    """Whether the verb is of speech whatever follows it."""
    return verb in STRONG


def names_a_verb(words: str) -> bool:
    """Whether words hold a word of saying of their own."""
    return _SAID.search(words) is not None
