"""A sentence as a reader would quote it: marks of quotation pair up, and who "she" is, is said. English.

Knows sentences and their paragraphs; not how they were found.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from index.news.roles import is_role
from index.paragraphs import CONTENT, Kind
from index.sentences import sentence_spans
from rag.citations import Sentence, Sources
from rag.words import names

# Characters of the longest citation that is made by taking a whole quotation.
_MOST = 420
# A clause behind a quotation stands by itself from so many words on: "Ann Example, a farmer, told the paper."
_LEAST_WORDS = 5
_OPENS, _CLOSES = "“„«‟", "”»"
_TERMINALS = ".!?…"


def as_quoted(sentence: Sentence, start: int, end: int) -> Sentence:
    """The sentence with whole quotations: `[start, end)`, the characters that answer, stay inside.

    Where a mark's other half lies outside, the quotation is cited whole if it is not too long for that; else the clause
    of the sentence that has the answer, without the half mark, where it can stand by itself; else it stays as it is.
    """
    text = sentence.document.text
    pairs = _quotations(text, sentence.paragraph.start, sentence.paragraph.end)
    cut = [(a, b) for a, b in pairs if _is_cut(a, b, sentence)]
    if not cut:
        return sentence
    clause = _clause(sentence, start, end, cut)
    whole = _widened(sentence, cut)
    if clause is not None and not any(a < clause.start and clause.end <= b for a, b in cut):
        return clause
    return whole or clause or sentence


def _is_cut(a: int, b: int, sentence: Sentence) -> bool:
    """Whether one mark of a quotation, at `a` and `b`, lies in the sentence and the other outside."""
    return (sentence.start <= a < sentence.end) != (sentence.start <= b < sentence.end)


def _quotations(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The places of opening and closing marks in a paragraph, in order; marks without their other half are left out.

    A straight mark opens where a word begins and closes where one ends, so that inches do neither.
    """
    pairs = []
    opened: int | None = None
    for at in range(start, end):
        mark = text[at]
        if mark not in _OPENS and mark not in _CLOSES and mark != '"':
            continue
        after_word = at > start and not text[at - 1].isspace() and text[at - 1] not in "([{—–-/:"
        before_word = at + 1 < end and not text[at + 1].isspace()
        if mark in _OPENS or (mark == '"' and before_word and not after_word):
            opened = at
        elif opened is not None and (mark in _CLOSES or after_word):
            pairs.append((opened, at))
            opened = None
    return pairs


def _widened(sentence: Sentence, cut: Sequence[tuple[int, int]]) -> Sentence | None:
    """The sentence with all sentences of its quotations; None where that is too long."""
    text, paragraph = sentence.document.text, sentence.paragraph
    low = min(sentence.start, *(a for a, _ in cut))
    high = max(sentence.end, *(b + 1 for _, b in cut))
    if high - low > _MOST:
        return None
    for left, right in sentence_spans(text, paragraph.start, paragraph.end):
        if left < high and low < right:
            low, high = min(low, left), max(high, right)
    wide = replace(sentence, start=low, end=high)
    still = [pair for pair in _quotations(text, paragraph.start, paragraph.end) if _is_cut(*pair, wide)]
    return wide if high - low <= _MOST and not still else None


def _clause(sentence: Sentence, start: int, end: int, cut: Sequence[tuple[int, int]]) -> Sentence | None:
    """The part of the sentence before or behind the half mark that has the answer, where it can stand by itself."""
    text = sentence.document.text
    edges = [sentence.start, *sorted(mark for pair in cut for mark in pair if sentence.start <= mark < sentence.end)]
    for n, edge in enumerate(edges):
        left, right = edge + bool(n), edges[n + 1] if n + 1 < len(edges) else sentence.end
        while left < right and (text[left].isspace() or text[left] in ",;:—–-"):
            left += 1
        while left < right and (text[right - 1].isspace() or text[right - 1] in "—–-"):
            right -= 1
        if left <= start and end <= right and _stands_alone(text[left:right], behind=n > 0):
            return replace(sentence, start=left, end=right)
    return None


def _stands_alone(clause: str, *, behind: bool) -> bool:
    """Whether a clause can be cited by itself; behind a quotation it names who speaks or begins a sentence."""
    words = clause.split()
    if len(words) < _LEAST_WORDS or not words[0][0].isupper():
        return False
    if not behind:
        return clause[-1] in _TERMINALS + ",;:"
    return clause[-1] in _TERMINALS


# ---- Who "she" is

_PERSON = re.compile(r"(?P<word>He|She|His|Her)\b(?! own\b)")
_FIRM = re.compile(r"(?P<word>The (?:company|firm|bank|institute|university|school|club|charity|agency|association))\b")
_FIRM_NAME = re.compile(
    r"\b(?:Ltd|Inc|Corp|Corporation|Company|Co|GmbH|AG|PLC|plc|LLC|Group|Holdings?|Bank|Institute|University|School|Club"
    r"|Trust|Agency|Association|Society|Foundation|College|Ministry|Council|Museum|Hospital|Committee|Office|Party"
    r"|Street|Road|River|Lake|Mount|Island|City|County|North|South|East|West|New|Air|Times|Post|News|Republic|Union"
    r"|States|Kingdom|Court|Church|Park|Square|House|Award|Prize|Cup|League|War|Act|January|February|March|April|May"
    r"|June|July|August|September|October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b"
)
_HONORIFIC = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Sir|Dame|Lord|Lady|President|Minister|Judge|Captain)\b\.?"
)
# A name that a sentence begins with, and behind it what a subject has: a verb, or who the person is.
_BEGINS = re.compile(r"^(?:[A-Z][a-z]+ (?:[a-z]+ ){0,3}\d{4}, |Then |Later,? |But |And |Yet )?")
_BACK = 3
# Somebody else may be meant where a sentence speaks of them without a name, or by half of one.
_ANYBODY = re.compile(r"\b(?:he|she|his|her|him)\b")
_OTHERS = re.compile(
    r"\b(?:[Aa]n?|[Tt]he|[Hh]is|[Hh]er|[Mm]y|[Oo]ne) (?:\w+ )?"
    r"(?:man|woman|boy|girl|wife|husband|mother|father|son|daughter|brother|sister|friend|neighbou?r|victim|driver|suspect"
    r"|officer|doctor|teacher|judge|king|queen|author|player|singer|writer|student|child|colleague|predecessor|successor"
    r"|partner|widow|manager|minister|president)\b"
)


def who_is_meant(sentence: Sentence, sources: Sources) -> tuple[str, str] | None:
    """The word that a cited sentence begins with and what it means: ("She", "Ann Example"); None if it is not sure."""
    it = _IT.match(sentence.text)
    if it is None:
        return _person_or_firm(sentence, sources)
    named = None if _EMPTY_IT.match(sentence.text) else thing_named(next(iter(_before(sentence, sources)), ""))
    return (it["word"], named) if named else None


def _person_or_firm(sentence: Sentence, sources: Sources) -> tuple[str, str] | None:
    """Whom "she" or "the company" means.

    It is sure where the sentences right before name one person only, as their subject, and every one between them and
    this begins with such a word, too.
    """
    word = _PERSON.match(sentence.text) or _FIRM.match(sentence.text)
    if word is None:
        return None
    is_firm = word["word"].startswith("The ")
    if any(not is_firm and len(name.split()) > 1 and _is_person(name) for name in names(sentence.text)):
        return None
    for earlier in _before(sentence, sources):
        again = _PERSON.match(earlier)
        if again and not is_firm:
            if _gender(again["word"]) != _gender(word["word"]) or any(map(_is_person, _full_names(earlier))):
                return None
            continue
        found = list(dict.fromkeys(_full_names(earlier)))
        kind = word["word"].removeprefix("The ").capitalize()
        fitting = [name for name in found if (kind in name or _is_firm(name, kind) if is_firm else _is_person(name))]
        is_subject = len(fitting) == 1 and earlier[_begin(earlier) :].startswith(fitting[0])
        if len(fitting) == 1 and not _OTHERS.search(earlier) and (is_subject or not _ANYBODY.search(earlier)):
            return word["word"], fitting[0]
        return None
    return None


# "It is true that", "it took two years to": nothing is meant.
_IT = re.compile(r"(?P<word>It|Its)\b(?!['’]s own)")
_EMPTY_IT = re.compile(
    r"It (?:(?:is|was|will be|would be|has been|had been|may be|might be|seems?|seemed|appears?|appeared|turned out)"
    r"(?: \w+){0,4} (?:that|to|whether|how|why|who|when|where|if)\b"
    r"|(?:rain|snow|happen|take|took|seem|appear|turn|follow|mean|depend)(?:s|ed)?\b|is up to|was not until"
    r"|(?:is|was) (?:\w+ )?(?:raining|snowing|cold|warm|hot|dark|late|early|time"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day))",
)
_DETERMINED = re.compile(r"\b(?:The|the|A|a|An|an|This|this|Its|its|Their|their|Our|our|His|his|Her|her)(?= )")
_PREPOSED = re.compile(
    r"\b(?:of|in|on|at|to|for|from|by|with|about|into|over|after|before|since|until|during|under|between|near|behind"
    r"|through|without|within|against|above|below|beside|around|as|than|like|per) (?:all |both |most )?$",
    re.IGNORECASE,
)
_NOUN_ENDS = re.compile(
    r"(?:[,.;:!?()“”\"]|\b(?:is|are|was|were|be|been|has|have|had|will|would|can|could|may|might|must|shall|should|do|does"
    r"|did|and|or|but|because|that|which|who|when|where|while|if|so|not|of|in|on|at|to|for|from|by|with|about|into|over"
    r"|after|before|since|until|during|under|between|near|behind|through|without|within|against|instead|again|today"
    r"|yesterday|here|there|came|went|began|became|cost|ran|rose|fell|stood|lay|took|gave|made|got|kept|broke|won|lost"
    r"|left|grew|led|held|met|sold|built|\w+ed|\w+ly|\w+ing)\b)"
)
_MOST_OF_A_NOUN = 4
# What may stand before the subject: "In May 2019 the mill ...".
_LEADS = re.compile(r"(?:(?:In|On|Since|By|Until|Then|Later|But|And|Yet|Today)(?: [\w’'-]+){0,3},? )?")


def thing_named(sentence: str) -> str | None:
    """What "it" means behind a sentence that names one thing alone: "the old printer"; None where it names more.

    Those behind a preposition are of another thing ("the roof of the hall") and do not count; people are no thing. It
    is the subject, or the object of "we" or "she": nouns without an article may be meant, too.
    """
    found: list[str] = []
    for match in _DETERMINED.finditer(sentence):
        if _PREPOSED.search(sentence[: match.start()]):
            continue
        end = _NOUN_ENDS.search(sentence, match.end())
        noun = sentence[match.start() : end.start() if end else len(sentence)].strip()
        own = noun.split()[1:]
        if not own or len(own) > _MOST_OF_A_NOUN:
            return None
        found.append(noun)
    things = [noun for noun in found if not _OTHERS.match(noun) and not is_role(noun.split()[-1])]
    if len(things) != 1 or len(found) != 1:
        return None
    is_subject = _LEADS.fullmatch(sentence[: sentence.index(things[0])])
    if not (is_subject or re.match(r"(?:I|We|You|He|She|They) ", sentence)) or _rivals(sentence, things[0]):
        return None
    # A plural is no "it", and a word that ends as one may be a verb.
    last = things[0].split()[-1]
    if last.endswith("s") and not last.endswith(("ss", "us", "is")):
        return None
    begins = re.match(r"(?:His|Her|Their|Our)\b", things[0], re.IGNORECASE)
    return None if begins or things[0].split()[0] in ("Its", "its") else things[0]


def _rivals(sentence: str, noun: str) -> bool:
    """Whether a sentence has a name, behind no preposition, beside a noun: it may be what is meant."""
    at = sentence.index(noun)
    for name in names(f"x {sentence}"):
        start = sentence.find(name)
        inside = at <= start < at + len(noun)
        before = re.sub(r"\b[Tt]he $", "", sentence[: max(start, 0)])
        if start >= 0 and not inside and (before.endswith(" by ") or not _PREPOSED.search(before)):
            return True
    return False


def _gender(word: str) -> str:
    return "he" if word in ("He", "His") else "she"


def _begin(sentence: str) -> int:
    match = _BEGINS.match(sentence)
    return match.end() if match else 0


def _full_names(sentence: str) -> list[str]:
    """Names of two words or more, or of one behind a title."""
    found = []
    for match in re.finditer(
        rf"(?:{_HONORIFIC.pattern} )?[A-ZÀ-Þ][\w’'-]+(?: (?:of|de|van|von|al|bin|da|der|den|la|le) (?=[A-ZÀ-Þ])"
        r"| [A-ZÀ-Þ]\.(?= )|[ ][A-ZÀ-Þ][\w’'-]+|(?<= [A-Z]\.) [A-ZÀ-Þ][\w’'-]+)*(?: [A-ZÀ-Þ][\w’-]+)?",
        sentence,
    ):
        name = re.sub(r"['’]s$", "", match.group()).strip()
        if len(name.split()) > 1 and not re.match(r"(?:The|A|An|In|On|At|It|This|That|When|After|Before|But)\b", name):
            found.append(name)
    return found


def _is_person(name: str) -> bool:
    return not _FIRM_NAME.search(name) and not re.search(r"\d", name)


def _is_firm(name: str, kind: str) -> bool:
    endings = {
        "Company": r"\b(?:Ltd|Inc|Corp|Corporation|Co|GmbH|AG|PLC|plc|LLC|Holdings?)\b",
        "Firm": r"\b(?:Ltd|Inc|LLP|Co)\b",
    }
    return kind in endings and re.search(endings[kind], name) is not None


def _before(sentence: Sentence, sources: Sources) -> list[str]:
    """The sentences right before, the nearest first: of the paragraph, and of the body paragraph before it."""
    text, doc_id = sentence.document.text, sentence.document.doc_id
    paragraphs = sources.paragraphs(doc_id)
    at = next((n for n, p in enumerate(paragraphs) if p.number == sentence.paragraph.number), 0)
    read = [sentence.paragraph]
    if at and paragraphs[at - 1].kind is Kind.BODY and sentence.paragraph.kind in CONTENT:
        read.insert(0, paragraphs[at - 1])
    spans = [span for p in read for span in sentence_spans(text, max(p.start, sentence.start - 2000), p.end)]
    return [text[a:b] for a, b in spans if b <= sentence.start][: -_BACK - 1 : -1]
