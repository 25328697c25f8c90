"""Who is named beside a word of saying: a name with its post, a post alone, a body, or a pronoun. English, by rules.

Knows phrases, not sentences: what is said, and where, is for index/news/quotations.py.
"""

import re
from dataclasses import dataclass

# A letter that is no small one, as in rag/words.py: Python's `re` has no class for capitals.
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
_CAP = rf"{_CAPITAL}(?:[\w]|[-'’.&](?=\w))*(?:(?<=\b[^\W\d_a-z])\.|(?<=\bSt)\.|(?<=\b[MD][rs])\.|(?<=\bMrs)\.)?"
_PARTICLE = r"(?:de|da|di|du|del|della|der|den|van|von|zu|al|el|bin|ibn|la|le|ter|ten|dos|das|dela)"
_OF = r"(?:(?:of|for)(?: the)?|&|and(?= [A-Z]\w+(?: [A-Z]\w+)* (?:Department|Committee|Council|Commission|Agency)))"
_NAME = rf"{_CAP}(?:,? (?:(?:{_PARTICLE}|{_OF}) ){{0,2}}{_CAP})*"
_NAME = _NAME.replace(",? ", " ")
_ARTICLE = (
    r"(?:[Tt]he|[Aa]n?|[Oo]ne|[Tt]his|[Hh]is|[Hh]er|[Tt]heir|[Mm]y|[Oo]ur|[Ii]ts|[Ss]ome|[Mm]any|[Ss]everal|[Oo]ther"
    r"|[Aa]nother|[Tt]wo|[Tt]hree|[Bb]oth|[Mm]ost|[Aa]ll|[Ll]ocal|[Ff]ellow|[Ff]ormer)"
)
_NOT_IN_A_NAME = (
    r"(?:and|or|but|nor|so|yet|if|as|that|which|who|whom|whose|when|while|where|because|although|though|since|until"
    r"|unless|than|then|is|was|are|were|be|been|being|am|has|have|had|having|do|does|did|will|would|can|could|may|might"
    r"|must|shall|should|not|he|she|they|it|we|i|you|him|them|us|me|there|here|to|by|into|onto|after|before|during"
    r"|about|over|under|against|between|through|despite|according|however|also|later|even|only|just|said|says|told"
    r"|tells|asked|added|made|came|went|took|got|gave|left|met|found|with|from|on|at|in)"
)
_WORD = rf"(?!{_NOT_IN_A_NAME}\b)[\w’'][\w’'.-]*"
_PLACE = rf"(?: (?:of|for|at|from|in|with|on|to|and|such as|like)(?: {_ARTICLE})?(?: {_WORD}){{1,7}}?){{0,3}}"
_PRONOUN = r"(?:[Hh]e|[Ss]he|I)"

PHRASE = (
    rf"(?:{_PRONOUN}|(?:{_ARTICLE} )?(?:{_WORD} ){{0,7}}?{_NAME}(?: \([^()]{{1,40}}\))?"
    rf"|(?:{_ARTICLE} )?(?:{_WORD} ){{0,5}}?{_WORD})"
)
PHRASE_AND_PLACE = rf"{PHRASE}{_PLACE}"

_TITLES = frozenset(
    """Mr Mrs Ms Miss Mx Dr Prof Professor Sir Dame Lord Lady President Premier Minister Senator Sen Rep
    Representative Colonel Col General Gen Captain Capt Major Maj Lieutenant Lt Sergeant Sgt Corporal Admiral Judge
    Justice Governor Gov Mayor King Queen Prince Princess Emperor Pope Bishop Archbishop Cardinal Father Rev
    Reverend Rabbi Imam Sheikh Sister Brother Ambassador Secretary Chancellor Chairman Chairwoman Chair Councillor Cllr
    Councilman Councilwoman Alderman Commissioner Director Detective Inspector Superintendent Constable Sheriff Officer
    Attorney Congressman Congresswoman Deputy Administrator Assemblyman Assemblywoman
    CEO CTO CIO CFO COO VP Spokesman Spokeswoman Spokesperson Coach Dean Uncle Aunt Speaker MP MEP Treasurer Vicar Principal Manager
    Commander Leader Analyst Economist Astronaut Engineer Nurse Herr Frau Monsieur Madame Señor Don""".split()
)
_ROLES = frozenset(
    """official officials police spokesman spokesmen spokeswoman spokesperson spokespeople minister ministers president
    judge judges court courts company companies government governments ministry department council committee commission
    commissioner agency authority authorities army military navy troops witness witnesses resident residents critic
    critics expert experts scientist scientists researcher researchers source sources analyst analysts diplomat
    diplomats leader leaders activist activists organiser organizer organisers organizers union unions party team group
    groups organisation organization association federation institute university college school hospital bank
    board panel report reports study studies survey poll statement letter letters article paper newspaper magazine
    website page author authors writer writers editor reporter reporters journalist journalists correspondent doctor
    doctors nurse nurses teacher teachers student students pupil pupils parent parents mother father son daughter
    brother sister wife husband woman women man men boy girl child children king queen prince princess bishop priest
    pope vicar chief chair chairman chairwoman chairperson director manager secretary treasurer clerk mayor governor
    senator deputy ambassador envoy lawyer lawyers attorney attorneys prosecutor prosecutors defendant victim victims
    suspect neighbour neighbours neighbor neighbors friend friends colleague colleagues captain colonel general sergeant
    officer officers soldier soldiers commander command opposition coalition campaigners campaigner firm firms office
    administration embassy kremlin pentagon palace parliament senate congress assembly members member delegates delegate
    people survivors passengers passenger driver pilot crew coach player players owner owners tenant landlord host guest
    speaker participants participant respondents interviewer interviewee narrator master servant maid lady gentleman
    stranger farmer engineer economist historian philosopher professor lecturer astronaut candidate candidates rebels
    protesters protester demonstrators supporters opponents relatives family representative representatives head founder
    co-founder chancellor premier aide adviser advisor advisers attaché consultant investigator inquiry inquest tribunal
    jury ruling review audit auditor auditors charity foundation club network station channel broadcaster outlet agencies
    fox wolf voice someone somebody everyone everybody nobody observers others scholars scholar vendor supplier
    customer customers user users developer developers maintainer maintainers community attendee attendees""".split()
)
_ROLE_ENDING = re.compile(r"(?:ologists?|graphers?|ists?|m[ae]n|wom[ae]n|persons?|ians?|keepers?|makers?|holders?)$")
_BARE = frozenset("the a an The A An his her their His Her Their one then Then local former . . .".split())
_ARTICLES = frozenset("The A An One His Her Their Our My Some Its Many Several Two Three Most All Other Another".split())
_VERBS = frozenset("is was are were has have had will would can could may might must should did does do then not".split())
_POLITE = frozenset("Mr Mrs Ms Miss Mx Sir Madame Monsieur Herr Frau Señor Don Dr".split())
# What is written as a name and says nothing.
_NO_SPEAKER = frozenset(
    """The This That These Those There Then When Where What Why How If In On At For From But And Or So As It Its
    However Meanwhile Also Yet Still Here Now Later Today Yesterday Tomorrow Monday Tuesday Wednesday Thursday Friday
    Saturday Sunday January February March April May June July August September October November December We You They
    Section Article Chapter Table Figure Page Part Note Appendix Which Who Some Many Others One While Since After Before
    Although Because During Under Over By With Like Unlike Despite Both Even Not No Yes Is Are Was Were Did Do Does Has
    Have Had Can Could Will Would Should May Might Must Said According My Our Your Their His Her All Any Each Every
    Other Another Only Just Once Until Through Though Thus Hence Dear Asked Speaking He She Me Us Them Him To An A
    Most Several Two Three Four Five First Second Third Finally Indeed Perhaps Maybe Please See Oh Well Never Former
    Nor Such Against About Without Within Among Between Upon Unless Whether Whenever Moreover Therefore Besides
    Nevertheless Otherwise Instead Everywhere Everyone Everybody Somebody Someone Nobody Anyone Nothing Everything Something Late Early""".split()
)
_WHEN_BEHIND = re.compile(r" (?:(?:on|in|at|by|this|last) )?(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|\d{4}|today|yesterday)$")
_NUMBERED = re.compile(r"(?:Title|Rule|Act|Case|Item|Step|Level|Option|Phase|Volume|Book|Part) (?:[IVXLC]+|\d+)")
_BODY = re.compile(
    r"\b(?:Ministry|Department|Office|Agency|Council|Committee|Commission|Court|University|Institute|Association|Union"
    r"|Party|Police|Bank|Company|Inc|Ltd|Group|Center|Centre|Society|Foundation|Organi[sz]ation|Federation|Service"
    r"|Board|Bureau|House|Cross|Guard|Forces?|Command|Army|Navy|Airlines?|Airport|Congress|Senate|Parliament|Government|Project|Linux|Times|Post|News|Herald|Journal|Street|River|City|County|State|States|Church|Act|Report)\b"
)


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
    if re.fullmatch(_PRONOUN, phrase):
        return Speaker(phrase if phrase == "I" else phrase.lower(), None, "pronoun")
    head, place = _head(phrase)
    words = head.split()
    if not words:
        return None
    cut = len(words)
    while cut and (_is_capital(words[cut - 1]) or (0 < cut < len(words) and _joins(words, cut))):
        cut -= 1
    while cut < len(words) and not _is_capital(words[cut]):
        cut += 1
    name, before = words[cut:], words[:cut]
    if name and cut == 0 and name[0] in _ARTICLES:
        name, before = name[1:], [name[0]]
    if before and _is_role(name[-1] if name else "") and not _BODY.search(" ".join(name)):
        return Speaker(" ".join([before[0].lower(), *before[1:], *name]) + place, None, "post")  # "a Labour Councillor"
    titles, name = _untitled(name)
    if not name:
        return _post_alone(before, titles, place)
    shown = " ".join(name)
    if name[0].rstrip(".") in _NO_SPEAKER or all(len(word) < 2 for word in name) or _NUMBERED.fullmatch(shown):
        return None
    if before and not (len(before) == 1 and (before[0] in _BARE or before[0].endswith("-old"))) and not is_post([*before, *titles]):
        return None
    if re.search(r"[’']s?$", name[-1]) and not name[-1].endswith(("s’", "s'")):
        return None
    if before and before[0].lower() == "the" and len(before) == 1 and not titles:
        return Speaker(f"the {shown}", _of(place), "name")
    post = _post_before(before, titles)
    if place and post:
        post += place
    return Speaker(shown, post or _of(place), "name")


def _post_before(before: list[str], titles: list[str]) -> str | None:
    """What the words before a name say of its bearer: "former US ambassador", "Colonel"; a mere "Mr" says nothing."""
    told = before if before and is_post([*before, *titles]) else []
    if told and told[0].lower() in {"the", "a", "an"}:
        told = told[1:]
    kept = [*told, *titles]
    while kept and kept[-1].rstrip(".") in _POLITE:
        kept = kept[:-1]
    return " ".join(kept) or None


def _of(place: str) -> str | None:
    """ "of the National Archives" behind a name says where somebody belongs; other places say where they were."""
    return place.strip() if re.match(r" (?:of|from) ", place) else None


def _head(phrase: str) -> tuple[str, str]:
    """The phrase without the places behind its name, and these; "such as X" and "like X" name X."""
    example = re.search(rf" (?:such as|like) ({_NAME})$", phrase)
    if example:
        return example[1], ""
    place = re.search(r" (?:for|at|from|in|with|on|to|of) (?:the )?[\w’' -]*$", phrase)
    earliest = None
    for match in re.finditer(r" (?:for|at|from|in|with|on|to|of) ", phrase):
        left = phrase[: match.start()].split()
        right = phrase[match.end() :].split()
        if match[0] in {" of ", " for "} and left and _is_capital(left[-1]) and right and _is_capital(right[-1]):
            if _BODY.search(left[-1]) or len(left) == 1 or left[0].lower() == "the":  # "Ministry of Defence"
                continue
            if left[-1] in _TITLES and len(right) > 2:  # "First Minister of Scotland Ann Example"
                continue
        earliest = match
        break
    if place and earliest:
        return phrase[: earliest.start()], phrase[earliest.start() :]
    return phrase, ""


def _joins(words: list[str], cut: int) -> bool:
    """Whether the small word before `cut` joins two parts of a name: "Valérie de Vries", "Ministry of the Interior"."""
    small = words[cut - 1].lower()
    particle = re.fullmatch(_PARTICLE, small) is not None or small in {"of", "for", "the", "&"}
    if small == "and":  # "Institute of Volcanology and Seismology"
        particle = cut > 2 and words[cut - 3] in {"of", "for"} and bool(_BODY.search(" ".join(words[: cut - 2])))
    return particle and cut > 1 and (_is_capital(words[cut - 2]) or small == "the")


def _is_capital(word: str) -> bool:
    return re.match(_CAPITAL, word) is not None and not word.endswith("-year-old")


def _untitled(name: list[str]) -> tuple[list[str], list[str]]:
    """Titles before a name, and the name; a name that is nothing but titles stays with them."""
    last = max((n for n, word in enumerate(name) if word.rstrip(".") in _TITLES), default=-1)
    if last < 0 and len(name) > 2 and not _BODY.search(" ".join(name)):
        rest = [n for n, word in enumerate(name) if _is_role(word) and len(name) - n > 2 and "of" not in name[n:]]
        last = max(rest, default=-1)
    if last < 0 or last == len(name) - 1:
        return ([], name) if last < 0 else (name, [])
    titles, rest = name[: last + 1], name[last + 1 :]
    if rest[0] in {"of", "for"}:  # "Mayor of London Ann Example", and "Mayor of London" alone
        place = 3 if rest[1:2] == ["the"] else 2
        return ([*titles, *rest[:place]], rest[place:]) if len(rest) - place > 1 else (name, [])
    return titles, rest


def _is_role(word: str) -> bool:
    small = word.strip(".,’'").lower()
    return small in _ROLES or small == "fellow" or _ROLE_ENDING.search(small) is not None


def _post_alone(before: list[str], titles: list[str], place: str) -> Speaker | None:
    words = [*before, *titles]
    head = words[-1].strip(".,").lower() if words else ""
    if words and words[0] in _NO_SPEAKER and words[0] not in _ARTICLES:
        return None
    if not (_is_role(head) or titles or _ROLE_ENDING.search(head)):
        return None
    if head.endswith(("’", "'s", "’s")):
        return None
    first = words[0].lower() if words[0] in _ARTICLES else words[0]
    return Speaker(" ".join([first, *words[1:]]) + place, None, "post")


def appositive(text: str, at: int, end: int) -> tuple[str | None, int]:
    """What is said between commas of the one named just before `at`: "a foreign affairs representative for ...".

    Returns it and where it ends; None and `at` where there is none.
    """
    if not text.startswith(",", at):
        return None, at
    close = re.compile(r"[,;.:—\n“\"”]|\(| who | which | and (?:he|she|they) ").search(text, at + 1, end)
    stop = close.start() if close else end
    while close and close[0] == "." and re.search(r"(?:\b[A-Z]|\b(?:Mr|Dr|St|Mrs|Ms))$", text[at:stop]):
        close = re.compile(r"[,;.:—\n“\"”]").search(text, stop + 1, end)
        stop = close.start() if close else end
    words = text[at + 1 : stop].split()
    if not words or len(words) > 20 or not is_post(words) or words[-1].endswith(("’s", "'s")):
        return None, at
    return " ".join(words), stop


def is_post(words: list[str]) -> bool:
    """Whether words between commas say what somebody is."""
    first = words[0].lower()
    if re.fullmatch(_NOT_IN_A_NAME, first) or first.endswith("ing"):
        return False
    before = []
    for word in words:
        if re.fullmatch(r"of|for|at|from|in|with|on|to|and|who|under|since", word):
            break
        before.append(word)
    if not before:
        return False
    head = before[-1].strip(".,’'").lower()
    titled = before[-1].strip(".,") in _TITLES
    has_role = head in _ROLES or titled or bool(_ROLE_ENDING.search(head)) or head.endswith(("er", "or", "ant"))
    if any(word in _VERBS for word in words):
        return False
    if first in {"a", "an"}:
        return has_role or (1 < len(before) < min(len(words), 7))
    if first in {"the", "former", "his", "her", "their", "then", "now", "its"}:
        return has_role
    return has_role and (head in _ROLES or titled or len(words) > 1)


def looks_like_a_person(name: str) -> bool:
    """Whether a name may be meant by "he" or "she": two to four words, none of them that of a body."""
    words = name.split()
    return 1 < len(words) <= 4 and not _BODY.search(name) and words[0] not in _NO_SPEAKER and words[0] != "the"


NAMES = re.compile(rf"(?<![\w’']){_NAME}")


def is_empty_word(word: str) -> bool:
    """Whether a word with a capital only begins a sentence: "While", "The"."""
    return word in _NO_SPEAKER
