"""Who the words beside a verb of saying name: its subject before it, the phrase behind it.

Words are those of one paragraph in which what is quoted is masked, so that no one in a quotation is taken for who
speaks it; places are counted from the paragraph's first character.
"""

import re
from dataclasses import dataclass

from index.news.saying import BEFORE_THE_VERB, names_a_verb
from index.news.speakers import Speaker, appositive, speaker_of


@dataclass(frozen=True, slots=True)
class Named:
    """A speaker, and the words `[start, end)` that name them."""

    speaker: Speaker
    start: int
    end: int


_ENDS_PHRASE = re.compile(
    r"[,;:—–(“\"\n]|\.(?=\s|$)(?<!\b[A-Z]\.)(?<!\bMr\.)(?<!\bDr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bSt\.)"
    r"| (?:in|on|at|to|during|as|when|after|while|before|last|this|who|with|from|yesterday|today|earlier|later"
    r"|whose|which|that|by|and (?:then|he|she|it|was)|but|\w+ly) "
)
_CLAUSE_BEGINS = re.compile(r"[;:—–]\s+|\)\s+(?=[A-Z])|[”\"»’]\s+(?=[A-Z])|\b(?:and|but) (?=(?:he|she|[A-Z]\w+) $)")
_SECOND_VERB = re.compile(r"[,\s](?:and|but)(?: then| also| later)?\s*$")
_SEGMENTS = re.compile(r"(?:\([^()]*\)|[^,])+")
_INNER_CLAUSE = re.compile(r"\b(?:that|as|because|when|while|and|but|where|if|what|which|whom|though|so|since|or)\s+")
_ADVERBIAL = re.compile(
    r"(?:In|On|At|After|Before|When|While|But|However|Earlier|Asked|Speaking|As|Since|During|For|By|With|If|Although"
    r"|Though|Meanwhile|Also|And|Yet|Later|Last|This|From|Despite|According|Then|Now|Today|Yesterday|Once|To|Responding"
    r"|Writing|Addressing|Commenting|Referring|Following|Citing|in|on|at|after|before|when|while|however|earlier|as"
    r"|since|during|for|by|with|if|though|later|too|also|\w+ly|Still|Even|Until|Under|Over|Through|Instead|Indeed)\b"
)
_CONJUNCTION = re.compile(
    r"^(?:although|though|while|as|because|and|but|But|And|when|where|so|yet|if|since|that|or)\s+"
)
_LEADING_DAY = re.compile(r"^(?:on|in|by|at|On|In|By|At) (?:\w+day|\w+ \d+|\d{4}|[A-Z]\w+) (?=the |a |an |[A-Z])")
_DID = re.compile(r"[^\W\d_a-z]\w+ [a-z]+ed\b")
_VERB_INSIDE = re.compile(
    r"\b(?:is|was|are|were|has|have|had|will|would|can|could|may|might|must|should|did|does|do|said|says|told|went"
    r"|came|made|took|got|that|which|who|where|when|because|if|not)\b"
)


def is_adverbial(words: str) -> bool:
    """Whether words say when, where or how, and not who: "On Tuesday", "Speaking to reporters"."""
    return _ADVERBIAL.match(words) is not None


def phrase_at(words: str, start: int, end: int) -> Named | None:
    """The speaker whose phrase begins at `start`, what stands behind a comma as post included."""
    rest = words[start:end]
    stop = _ENDS_PHRASE.search(rest)
    piece = rest[: stop.start()] if stop else rest
    piece = re.sub(r" and [a-z].*$", "", piece)
    speaker = speaker_of(piece)
    if speaker is None:
        return None
    upto = start + len(piece)
    if speaker.kind == "post" and stop and stop[0] == ",":
        name = _named_aside(rest[stop.end() :].split(",")[0], speaker)
        if name is not None:
            return Named(name, start, start + rest.find(name.name) + len(name.name))
    post, behind = appositive(words, upto, end)
    if post and speaker.kind == "name":
        speaker, upto = Speaker(speaker.name, post, speaker.kind), behind
    return Named(speaker, start, upto)


def subject(words: str, start: int, end: int) -> Named | None:
    """The subject of a verb that begins at `end`, in a sentence that begins at `start`."""
    before = words[start:end]
    begin = max((m.end() for m in _CLAUSE_BEGINS.finditer(before)), default=0)
    before, start = before[begin:], start + begin
    if _SECOND_VERB.search(before):  # "Ann Example, a baker, came and"
        return _first_subject(before, start)
    segments = [m for m in _SEGMENTS.finditer(before) if m[0].strip()]
    if not segments:
        return None
    if not before.rstrip().endswith(","):
        return _ending(segments[-1][0], start + segments[-1].start(), None)
    for n, segment in enumerate(segments):
        if not is_adverbial(segment[0].strip()):
            aside = segments[n + 1][0].strip() if n + 1 < len(segments) else None
            return _ending(segment[0], start + segment.start(), aside)
    return None


def leading_name(words: str) -> Speaker | None:
    """The name or pronoun that words begin with."""
    of_one = re.match(r"[A-Z]\w+[’']s? (?:[\w-]+ ){0,2}?[a-z]+(?= )", words)  # "Exampleton’s army has noted"
    if of_one and (speaker := speaker_of(of_one[0])) is not None:
        return speaker
    match = re.match(r"(?:He|She|he|she)\b|[A-Z][\w’'.-]*(?: (?:(?:de|van|von|al|bin|of|the) )*[A-Z][\w’'.-]*)*", words)
    return speaker_of(match[0]) if match else None


def _first_subject(before: str, start: int) -> Named | None:
    lead = len(before) - len(before.lstrip())
    first = before[lead:].split(",", maxsplit=1)[0]
    speaker = speaker_of(first) if _is_phrase(first) else leading_name(first)
    if speaker is None or re.match(rf"{re.escape(speaker.name)} and\b", before[lead:]):
        return None
    return Named(speaker, start + lead, start + lead + len(first))


def _ending(words: str, start: int, aside: str | None) -> Named | None:
    """The speaker in a clause's words before its verb, which end with it. aside: what stands between commas behind."""
    trimmed = BEFORE_THE_VERB.sub("", words.rstrip())
    piece = _CONJUNCTION.sub("", trimmed.strip())
    tries = [piece, *(piece[m.end() :] for m in reversed(list(_INNER_CLAUSE.finditer(piece))))]
    if pronoun := re.search(r"\b(?:he|she)$", piece):
        tries.append(pronoun[0])
    for phrase in (_LEADING_DAY.sub("", one) for one in tries):
        speaker = speaker_of(phrase) if _is_phrase(phrase) else None
        if speaker is not None:
            at = start + max(trimmed.rfind(phrase), 0)
            return Named(_with_aside(speaker, aside), at, at + len(phrase))
    return None


def _with_aside(speaker: Speaker, aside: str | None) -> Speaker:
    """The speaker, with what is said between commas: a post behind a name, a name behind a post."""
    if not aside or speaker.kind == "pronoun":
        return speaker
    if speaker.kind == "post":
        return _named_aside(aside, speaker) or speaker
    return Speaker(speaker.name, appositive("," + aside, 0, len(aside) + 1)[0] or speaker.post, speaker.kind)


def _named_aside(aside: str, post: Speaker) -> Speaker | None:
    """Who is named between commas behind a post: "the mayor of Exampleton, Ann Example,"."""
    named = speaker_of(aside.strip()) if re.match(r"\s*[^\W\d_a-z]", aside) else None
    if named is None or named.kind != "name" or len(aside.split()) > 6:
        return None
    return Speaker(named.name, re.sub(r"^(?:[Tt]he|[Aa]n?) ", "", post.name), "name")


def _is_phrase(words: str) -> bool:
    """Whether words before a verb can be its subject: no other verb in them, and no more than a subject has."""
    return 0 < len(words.split()) <= 16 and not (
        _VERB_INSIDE.search(words) or names_a_verb(words) or _DID.search(words)
    )
