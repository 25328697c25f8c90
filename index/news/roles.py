"""What people and bodies are called by: titles, posts, and words that look like names and are none. English."""

import re
from itertools import pairwise

# A letter that is no small one, as in rag/words.py: Python's `re` has no class for capitals.
CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
_TITLE_WORDS = """
    Mr Mrs Ms Miss Mx Dr Prof Professor Sir Dame Lord Lady President Premier Minister Senator Sen Rep Representative
    Colonel Col General Gen Captain Capt Major Maj Lieutenant Lt Sergeant Sgt Corporal Admiral Judge Justice
    Governor Gov Mayor King Queen Prince Princess Emperor Pope Bishop Archbishop Cardinal Father Rev Reverend Rabbi
    Imam Sheikh Sister Brother Ambassador Secretary Chancellor Chairman Chairwoman Chair Councillor Cllr Councilman
    Councilwoman Alderman Commissioner Director Detective Inspector Superintendent Constable Sheriff Officer
    Attorney Congressman Congresswoman Deputy Administrator Assemblyman Assemblywoman CEO CTO CIO CFO COO VP
    Spokesman Spokeswoman Spokesperson Coach Dean Uncle Aunt Speaker MP MEP Treasurer Vicar Principal Manager
    Commander Leader Analyst Economist Astronaut Engineer Nurse Herr Frau Monsieur Madame Señor Don
"""
_ROLE_WORDS = """
    official officials police spokesman spokesmen spokeswoman spokesperson spokespeople minister ministers president
    judge judges court courts company companies government governments ministry department council committee
    commission commissioner agency authority authorities army military navy troops witness witnesses resident
    residents critic critics expert experts scientist scientists researcher researchers source sources analyst
    analysts diplomat diplomats leader leaders activist activists organiser organizer organisers organizers union
    unions party team group groups organisation organization association federation institute university college
    school hospital bank board panel report reports study studies survey poll statement letter letters article paper
    newspaper magazine website page author authors writer writers editor reporter reporters journalist journalists
    correspondent doctor doctors nurse nurses teacher teachers student students pupil pupils parent parents mother
    father son daughter brother sister wife husband woman women man men boy girl child children king queen prince
    princess bishop priest pope vicar chief chair chairman chairwoman chairperson director manager secretary
    treasurer clerk mayor governor senator deputy ambassador envoy lawyer lawyers attorney attorneys prosecutor
    prosecutors defendant victim victims suspect neighbour neighbours neighbor neighbors friend friends colleague
    colleagues captain colonel general sergeant officer officers soldier soldiers commander command opposition
    coalition campaigners campaigner firm firms office administration embassy kremlin pentagon palace parliament
    senate congress assembly members member delegates delegate people survivors passengers passenger driver pilot
    crew coach player players owner owners tenant landlord host guest speaker participants participant respondents
    interviewer interviewee narrator master servant maid lady gentleman stranger farmer engineer economist historian
    philosopher professor lecturer astronaut candidate candidates rebels protesters protester demonstrators
    supporters opponents relatives family representative representatives head founder co-founder chancellor premier
    aide adviser advisor advisers attaché consultant investigator inquiry inquest tribunal jury ruling review audit
    auditor auditors charity foundation club network station channel broadcaster outlet agencies fox wolf voice
    someone somebody everyone everybody nobody legislator legislators lawmaker lawmakers politician politicians
    actor actress singer observers others brigade firefighter firefighters rescuers staff worker workers employee
    employees employer employers trader traders shopkeeper fisherman fishermen sailor sailors guard guards pensioner
    pensioners tourist tourists applicant applicants claimant respondent counsel headteacher head-teacher inspector
    inspectors scholars scholar vendor supplier customer customers user users developer developers maintainer
    maintainers community attendee attendees
"""
# What is written as a name and says nothing.
_EMPTY_WORDS = """
    The This That These Those There Then When Where What Why How If In On At For From But And Or So As It Its
    However Meanwhile Also Yet Still Here Now Later Today Yesterday Tomorrow Monday Tuesday Wednesday Thursday
    Friday Saturday Sunday January February March April May June July August September October November December We
    You They Section Article Chapter Table Figure Page Part Note Appendix Which Who Some Many Others One While Since
    After Before Although Because During Under Over By With Like Unlike Despite Both Even Not No Yes Is Are Was Were
    Did Do Does Has Have Had Can Could Would Should Might Must Said According My Our Your Their His Her All Any Each
    Every Other Another Only Just Once Until Through Though Thus Hence Dear Asked Speaking He She Me Us Them Him To
    An A Most Several Two Three Four Five First Second Third Finally Indeed Perhaps Maybe Please See Oh Well Never
    Former Nor Such Against About Without Within Among Between Upon Unless Whether Whenever Moreover Therefore
    Besides Nevertheless Otherwise Instead Everywhere Everyone Everybody Somebody Someone Nobody Anyone Nothing
    Everything Something Late Early I'm I'd I've I'll I’m I’d I’ve I’ll It's It’s That's That’s There's There’s
"""
TITLES = frozenset(_TITLE_WORDS.split())
ROLES = frozenset(_ROLE_WORDS.split())
EMPTY = frozenset(_EMPTY_WORDS.split())
POLITE = frozenset(("Mr", "Mrs", "Ms", "Miss", "Mx", "Sir", "Madame", "Monsieur", "Herr", "Frau", "Señor", "Don", "Dr"))
_ROLE_ENDING = re.compile(r"(?:ologists?|graphers?|ists?|m[ae]n|wom[ae]n|persons?|ians?|keepers?|makers?|holders?)$")
# The last word of a post that stands beside a name may end so, too: "a baker", "the founding director".
_POST_ENDING = ("er", "or", "ant")
_VERBS = re.compile(r"is|was|are|were|has|have|had|will|would|can|could|may|might|must|should|did|does|do|then|not")
NOT_IN_A_NAME = (
    r"(?:and|or|but|nor|so|yet|if|as|that|which|who|whom|whose|when|while|where|because|although|though|since|until"
    r"|unless|than|then|is|was|are|were|be|been|being|am|has|have|had|having|do|does|did|will|would|can|could|may|might"
    r"|must|shall|should|not|he|she|they|it|we|i|you|him|them|us|me|there|here|to|by|into|onto|after|before|during"
    r"|about|over|under|against|between|through|despite|according|however|also|later|even|only|just|said|says|told"
    r"|tells|asked|added|made|came|went|took|got|gave|left|met|found|with|from|on|at|in)"
)
BODY = re.compile(
    r"\b(?:Ministry|Department|Office|Agency|Council|Committee|Commission|Court|University|Institute|Association|Union"
    r"|Party|Police|Bank|Company|Inc|Ltd|Group|Center|Centre|Society|Foundation|Organi[sz]ation|Federation|Service"
    r"|Board|Bureau|House|Cross|Guard|Forces?|Command|Army|Navy|Airlines?|Airport|Congress|Senate|Parliament"
    r"|Government|Project|Limited|Corp|Corporation|plc|LLC|Times|Post|News|Herald|Journal|Street|River|City|County"
    r"|State|States|Church|Act|Report)\b"
)


def is_capital(word: str) -> bool:
    """Whether a word is written as a name: "Example", but not "Forty-year-old"."""
    return re.match(CAPITAL, word) is not None and not word.endswith("-year-old")


def is_role(word: str) -> bool:
    """Whether a word says what somebody is: "minister", "Scientist", "biologist"."""
    small = word.strip(".,’'").lower()
    return small in ROLES or small == "fellow" or _ROLE_ENDING.search(small) is not None


def is_post(words: list[str]) -> bool:
    """Whether words between commas, or before a name, say what somebody is."""
    first = words[0].lower()
    before = []
    for word in words:
        if re.fullmatch(r"of|for|at|from|in|with|on|to|and|who|under|since|about", word):
            break
        before.append(word)
    if not before or re.fullmatch(NOT_IN_A_NAME, first) or first.endswith("ing") or _has_verb(words):
        return False
    sure = is_role(before[-1]) or before[-1].strip(".,") in TITLES
    has_role = sure or before[-1].strip(".,’'").endswith(_POST_ENDING)
    if first in {"a", "an"}:
        return has_role or 1 < len(before) < min(len(words), 7)
    if before[-1].islower() and len(before) == 1 and before[-1].endswith("s") and not before[-1].endswith("ss"):
        return False  # "neighbours from the quay" are several
    definite = first in {"the", "former", "his", "her", "their", "then", "now", "its"}
    return has_role and (definite or sure or len(words) > 1)


def _has_verb(words: list[str]) -> bool:
    """Whether words are a sentence: "the Queen suspended parliament"."""
    return any(_VERBS.fullmatch(word) for word in words) or any(
        two.endswith(("ed", "ing")) and two.islower() and (is_capital(one) or is_role(one))
        for one, two in pairwise(words)
    )
