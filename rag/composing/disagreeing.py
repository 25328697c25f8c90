"""Sources that disagree: different values for one question from different documents, each sure enough to be shown.

Copies are one source. Nothing is averaged and none is taken for the truth: they stand side by side, the newest first
where one replaces the other.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.citations import Sources
from rag.composing.dating import Asked, is_of_the_time
from rag.composing.lines import bounded_words, direct_words
from rag.composing.stems import is_negated, shared, stem, stems
from rag.composing.values import ValueKind, differ, value_of, values
from rag.confidence import confidence_of, signals
from rag.reading.candidates import Candidate
from rag.words import names

# Which part of the words of the shorter sentence both have, values and names left out, for them to tell of one matter.
_ALIKE = 0.34
# How sure a source must be by itself to be told to disagree, by which part of the question's words that the best one
# has near its value it has near its own; those that have fewer are about something else.
_NEEDED = ((0.6, 0.8), (0.78, 0.75), (0.9, 0.5))
# Of names, several may answer one question, and both rightly.
_SURE_OF_NAMES, _SURE_OF_NEAR_NAMES = 0.85, 0.8
_MOST = 4
# Of things without kind or unit only what a question asks for one of is compared, each in few words and very sure.
_CAUSE = re.compile(r"\b(?:cause[sd]?|started|triggered|sparked)\b", re.IGNORECASE)
_ONE_THING = re.compile(
    r"\W*(?:(?:of |in |on |from |at )?(?:what|which) (?!(?:is|are|was|were|do|does|did|has|have|had|will|would|can"
    r"|could|may|might|must|should|shall|needs?|happen\w*)\b)\w|where\b|whom?\b|by whom\b|what (?:is|was|are|were) "
    r"(?:.*(?:made|built|composed|named|called|known)\b|(?:the |\w+ ){1,3}of\b|.*['’]s \w+\W*$))",
    re.IGNORECASE,
)
_SURE_OF_THING, _FEW_WORDS = 0.9, 4
# From this on a source may say it in other words than the best: "the turnout was", "so many took part in the election";
# and from this on where it has nearly all of the question's words that the best has.
_VERY_SURE, _SURE, _QUITE_NEAR = 0.85, 0.75, 0.9
# Two sentences that have so much in common are one, with another word in it.
_ONE_SENTENCE = 0.75
# How sure a source must be that says no to another's yes, and how near the question's words, by the other's.
_SURE_OF_NO, _AS_NEAR_AS_YES = 0.5, 0.75


def conflicting(
    question: str,
    asked: Asked | None,
    candidates: Sequence[Candidate],
    sources: Sources,
    threshold: float,
    *,
    sure_of_best: float = 0.0,
) -> list[Candidate]:
    """The best candidate and those of other sources that give another value, each above the threshold by itself.

    asked: the time that the question asks about. sure_of_best: how sure the best is, where more than the reader's word
    says it. Empty where none does. Two values conflict where they are of one kind, differ, and stand in sentences about
    one matter.
    """
    if not candidates:
        return []
    best = candidates[0]
    is_for_one = _ONE_THING.match(question) is not None
    best_sure = max(sure_of_best, sureness(_of_document(best, candidates)))
    kind = _kind_of(best)
    if best_sure < max(threshold, _NEEDED[0][0]) or (kind is ValueKind.OTHER and not _is_short(best)):
        return []
    found = [best]
    for doc_id in dict.fromkeys(c.sentence.document.doc_id for c in candidates):
        own = [c for c in candidates if c.sentence.document.doc_id == doc_id]
        other = own[0]
        if any(_are_one_source(c, other, sources) or not _say_otherwise(question, c, other, kind) for c in found):
            continue
        frames = _frame(best), _frame(other)
        are_copies = sources.are_copies(doc_id, best.sentence.document.doc_id)
        one_sentence = shared(*frames) >= _ONE_SENTENCE and (are_copies or min(map(len, frames)) > 2)
        if kind is ValueKind.OTHER and not (one_sentence or is_for_one or asks_for_cause(question)):
            continue
        sure = sureness(own)
        near = _nearness(question, best, other, alike=min(sure, best_sure) < _VERY_SURE)
        if not near and min(sure, best_sure) >= _SURE:
            loosely = _nearness(question, best, other, alike=False)
            near = loosely if loosely >= _QUITE_NEAR else 0.0
        may = is_of_the_time(asked, other) and (kind is not ValueKind.OTHER or _is_short(other))
        # Words that only have a name in them, "a barn near Lund", are as little a name as other things are.
        is_loose = any(value_of(_own_words(c)).kind is ValueKind.OTHER for c in (best, other))
        needed = _needed(ValueKind.OTHER if is_loose else kind, near, one=is_for_one)
        if may and sure >= max(threshold, needed) and len(found) < _MOST:
            found.append(other)
    return found if len(found) > 1 else []


def _kind_of(candidate: Candidate) -> ValueKind:
    """What the words that answer are; words that have a name in them are a name, but not "Norse poet"."""
    words = _own_words(candidate)
    kind = value_of(words).kind
    if kind not in (ValueKind.NAME, ValueKind.OTHER) or not names(f"x {words}"):
        return kind
    return ValueKind.OTHER if _OF_A_COUNTRY.fullmatch(words) else ValueKind.NAME


_OF_A_COUNTRY = re.compile(
    r"(?:(?:an?|the) )?[A-Z]\w*(?:ish|[ei]an|can|ese|gian|utch|rench|elsh|wiss|reek|zech|erman)(?: [a-z]+)+"
)


def _own_words(candidate: Candidate) -> str:
    """The words that answer, without the capital that a word has only since it begins the sentence."""
    words = direct_words(candidate) or candidate.text
    first = words.split()[0] if words.split() else ""
    begins = candidate.start == candidate.sentence.start and first[1:].islower()
    if begins and (len(words.split()) > 1 or re.search(rf"\b{first.lower()}\b", candidate.sentence.document.text)):
        is_name = any(run.startswith(first) for run in names(words))
        return words if is_name else words[0].lower() + words[1:]
    return words


# A group or a kind of people, against one who has a name.
_PEOPLE = re.compile(r"(?:(?:the|some|two|three|four|local|several) )?(?:[a-z]+ )?[a-z]{3,}s", re.ASCII)


def _say_otherwise(question: str, one: Candidate, other: Candidate, kind: ValueKind) -> bool:
    """Whether two candidates give values that differ, of the kind of the first, and of one case."""
    kind_of_other = _kind_of(other)
    is_of_another = _are_of_other_cases(one, other) or _tell_of_other_deeds(question, one, other)
    if is_of_another or _is_told_with(one, other) or _is_of_the_other(question, one, other):
        return False
    if kind in (ValueKind.NAME, ValueKind.OTHER):
        words, others = _own_words(one), _own_words(other)
        if kind is kind_of_other is ValueKind.NAME:
            return differ(_capitals(words), _capitals(others))
        described = others if kind is ValueKind.NAME else words
        is_comparable = kind is kind_of_other or _PEOPLE.fullmatch(described) is not None
        return is_comparable and kind_of_other in (ValueKind.NAME, ValueKind.OTHER) and _unlike(words, others)
    return kind is kind_of_other and differ(bounded_words(one), bounded_words(other))


def _capitals(words: str) -> str:
    return " ".join(word for word in words.split() if word.lstrip("\"'“‘(")[:1].isupper())


def _are_one_source(one: Candidate, other: Candidate, sources: Sources) -> bool:
    """Whether two candidates are of one document, or of copies that both say what either says. A copy in which another
    value was put says something else."""
    a, b = one.sentence, other.sentence
    if not sources.are_copies(a.document.doc_id, b.document.doc_id):
        return False
    return a.document.doc_id == b.document.doc_id or a.text in b.document.text or b.text in a.document.text


# Of each of these a statement holds for one: what is so in winter and what is so in summer do not disagree.
_CASES_TEXT = """
    winter summer spring autumn
    highseason lowseason peakseason:highseason offseason:lowseason
    weekday weekend weekdays:weekday weekends:weekend
    monday tuesday wednesday thursday friday saturday sunday
    adult child student senior pensioner adults:adult children:child students:student seniors:senior
    men women boy girl boys:boy girls:girl men's:men women's:women male female
    north south east west northern:north southern:south eastern:east western:west
    morning afternoon evening night
    single double return
    upper lower
    left right
    indoor outdoor
    gross net
    first second third fourth
"""
_CASES = [
    {word.partition(":")[0]: word.rpartition(":")[2] for word in line.split()}
    for line in _CASES_TEXT.strip().splitlines()
]
_OF_SEASONS = re.compile(r"\b(high|low|peak|off)[- ](season)\b")
# What one did to a thing another need not have done: who built it is not who designed it.
_DONE_TEXT = """
    design build direct produce write:write compose:write pen:write found:found establish:found start:found own lead
    publish translate paint edit manage coach invent open sell buy play star sing edit illustrate
"""
_DONE = {word.partition(":")[0]: word.rpartition(":")[2] for word in _DONE_TEXT.split()}


def _tell_of_other_deeds(question: str, one: Candidate, other: Candidate) -> bool:
    """Whether a question asks for what was done, and the second sentence tells only of something else that was."""
    asked, mine, theirs = (
        {_DONE[w] for w in stems(text) if w in _DONE} for text in (question, *map(_around, (one, other)))
    )
    return bool(asked & mine) and bool(theirs) and not asked & theirs


def _are_of_other_cases(one: Candidate, other: Candidate) -> bool:
    """Whether the sentences around two values say of which case they are, and of others: in winter, in summer."""
    around = [re.findall(r"[a-z']+", _OF_SEASONS.sub(r"\1\2", _around(c).casefold())) for c in (one, other)]
    for case in _CASES:
        mine, theirs = ({case[word] for word in words if word in case} for words in around)
        if mine and theirs and not mine & theirs:
            return True
    return False


def _around(candidate: Candidate) -> str:
    """A candidate's sentence without the words that answer."""
    sentence, text = candidate.sentence, candidate.sentence.document.text
    return f"{text[sentence.start : candidate.start]} {text[candidate.end : sentence.end]}"


# What a question says beside a name to tell whom of that name it means: "the singer NAME", "NAME, the singer".
_BESIDE = r"(?:\b([a-z]+) )?{name}\b(?:,? (?:an? |the |\()((?:\w+ )?[a-z]+)\b)?"


def _is_of_the_other(question: str, one: Candidate, other: Candidate) -> bool:
    """Whether a question says beside a name which of two it means, and the second document, which says otherwise what
    that name is, has no such word."""
    near, far = _surroundings(one), _surroundings(other)
    document = other.sentence.document
    for name in names(question):
        explained = rf"{re.escape(name)}(?: \(|[^.!?]{{0,40}}\b(?:is|was|are|were) an? )"
        for said in re.findall(_BESIDE.format(name=re.escape(name)), question):
            if (stems(" ".join(said)) & near) - far and re.search(explained, f"{document.title} {document.text}"):
                return True
    return False


def _is_told_with(one: Candidate, other: Candidate) -> bool:
    """Whether one document itself says the two together: "in Lund, Sweden", against "in Sweden"."""
    for mine, theirs in ((one, other), (other, one)):
        behind = mine.sentence.document.text[mine.end : mine.end + 30 + len(theirs.text)]
        if not values(theirs.text) and theirs.text in behind.partition(".")[0]:
            return True
    return False


def _needed(kind: ValueKind, nearness: float, *, one: bool) -> float:
    """How sure a source must be that is so near; more than any is where it is too far. one: one thing is asked for."""
    needed = next((sure for sure, near in _NEEDED if nearness >= near), 2.0)
    of_names = _SURE_OF_NEAR_NAMES if one and nearness >= _QUITE_NEAR else _SURE_OF_NAMES
    least = {ValueKind.NAME: of_names, ValueKind.OTHER: _SURE_OF_THING}.get(kind, 0.0)
    return max(needed, least)


# What one of each pair says the other denies; negation of the whole is told apart in `rag.composing.stems`.
_OPPOSED_TEXT = """
    open:closed open:shut opened:closed allowed:forbidden legal:illegal alive:dead approved:rejected approved:refused
    accepted:rejected accepted:refused agreed:refused passed:failed passed:rejected won:lost started:stopped
    started:ended running:stopped running:suspended running:cancelled takes:cancelled held:cancelled going:cancelled
    continue:stop safe:unsafe safe:dangerous free:jailed guilty:innocent guilty:acquitted present:absent found:missing
    true:false up:down finished:unfinished available:unavailable possible:impossible kept:abolished
    confirmed:denied supports:opposes for:against stays:leaves remains:resigns held:postponed planned:cancelled
    scheduled:cancelled safe:harmful harmless:harmful harmless:dangerous effective:ineffective extinct:alive
"""
# Phrases that say what one of the words says.
_PHRASES = (
    (re.compile(r"\b(?:called off|scrapped|axed|abandoned|dropped)\b", re.IGNORECASE), "cancelled"),
    (re.compile(r"\b(?:put off|pushed back|delayed)\b", re.IGNORECASE), "postponed"),
    (re.compile(r"\b(?:tak(?:e|es|en|ing)|took) place\b|\b(?:go(?:es|ing|ne)?|went) ahead\b", re.IGNORECASE), "held"),
)
_OPPOSED = [(stem(one), stem(other)) for one, other in (pair.split(":") for pair in _OPPOSED_TEXT.split())]
# What somebody wants or what might be says nothing of what is.
_WISHED = re.compile(
    r"\b(?:want(?:s|ed)?|ask(?:s|ed)?|demand(?:s|ed)?|hop(?:es?|ed)|plan(?:s|ned)?|propos(?:es?|ed)|urg(?:es?|ed)|fears?"
    r"|should|would|could|might|if|calls? for|called for)\b",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"[;,:]\s| but | though | although | while ")
# "On the lead", "off the lead": opposed before the same word.
_ON_OR_OFF = re.compile(r"\b(on|off) (?:an? |the )?(\w+)", re.IGNORECASE)
# A clause of so few words goes with the one before it.
_FEW = 4


def opposed(
    question: str, asked: Asked | None, candidates: Sequence[Candidate], sources: Sources, threshold: float
) -> list[Candidate]:
    """For a question of yes or no the best candidate and those of other sources that say the opposite; empty where none
    does. One says the opposite where it denies what the other says, or says the other of two opposites."""
    if not candidates or sureness(_of_document(candidates[0], candidates)) < threshold:
        return []
    best = candidates[0]
    said = _clause_of(question, best)

    def whole(candidate: Candidate) -> Candidate:
        return replace(candidate, start=candidate.sentence.start, end=candidate.sentence.end)

    for doc_id in dict.fromkeys(c.sentence.document.doc_id for c in candidates):
        own = [c for c in candidates if c.sentence.document.doc_id == doc_id]
        if _are_one_source(best, own[0], sources) or _are_of_other_cases(whole(best), whole(own[0])):
            continue
        sure, near = sureness(own), _nearness(_without_opposites(question), whole(best), whole(own[0]))
        if sure < max(threshold, _SURE_OF_NO) or near < _AS_NEAR_AS_YES or not is_of_the_time(asked, own[0]):
            continue
        told = stems(" ".join(c.sentence.document.title or "" for c in (best, own[0])))
        if _says_opposite(stems(question) - told, said, _clause_of(question, own[0])):
            return [best, own[0]]
    return []


def _clause_of(question: str, candidate: Candidate) -> str:
    """The clause of a candidate's sentence that has most of the question's words."""
    asked = stems(question)
    clauses: list[str] = []
    for clause in _CLAUSES.split(candidate.sentence.text):
        if clauses and len(clause.split()) <= _FEW:
            clauses[-1] += f" {clause}"
        else:
            clauses.append(clause)
    return max(clauses, key=lambda clause: len(asked & stems(clause)))


def _says_opposite(asked: set[str], one: str, other: str) -> bool:
    """Whether one of two clauses denies what the other says. asked: the stems of the question that tell what is meant,
    not of whom."""
    if _WISHED.search(one) or _WISHED.search(other):
        return False
    words, others = _words(one), _words(other)
    facing = any((a in words and b in others) or (b in words and a in others) for a, b in _OPPOSED)
    placed = [{(at.casefold(), noun.casefold()) for at, noun in _ON_OR_OFF.findall(text)} for text in (one, other)]
    facing = facing or any((("off" if at == "on" else "on"), noun) in placed[1] for at, noun in placed[0])
    denied = is_negated(one) != is_negated(other)
    if facing:
        # "Is not allowed" and "is forbidden" say the same.
        return _denies(one) == _denies(other)
    common = asked & stems(one) & stems(other)
    return denied and bool(common) and len(common) * 2 >= len(asked)


def _without_opposites(question: str) -> str:
    """The question without the words that one source may say and the other the opposite of."""
    opposites = {word for pair in _OPPOSED for word in pair}
    return " ".join(word for word in _plain(question).split() if stem(word.casefold().strip("?.,")) not in opposites)


def _plain(text: str) -> str:
    """The text with phrases put into the words that are compared."""
    for phrase, word in _PHRASES:
        text = phrase.sub(word, text)
    return text


def _denies(text: str) -> bool:
    return bool(re.search(r"\b(?:not|cannot|no|never|nor)\b|n['’]t\b", text, re.IGNORECASE))


def _words(text: str) -> set[str]:
    return {stem(word) for word in re.findall(r"[a-z]+", _plain(text).casefold())}


def asks_for_cause(question: str) -> bool:
    """Whether a question asks what caused something."""
    return _CAUSE.search(question) is not None


def _is_short(candidate: Candidate) -> bool:
    return len(candidate.text.split()) <= _FEW_WORDS


def _unlike(one: str, other: str) -> bool:
    """Whether two answers have no word in common."""
    return not stems(one) & stems(other)


def _of_document(best: Candidate, candidates: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in candidates if c.sentence.document.doc_id == best.sentence.document.doc_id]


def sureness(candidates: Sequence[Candidate]) -> float:
    """How sure a source is by itself: as if its passage were the first to be read, since only one of them can be."""
    found = signals(candidates)
    return confidence_of(replace(found, behind=0.0) if found else None)


def is_sure_of_name(candidate: Candidate) -> bool:
    """Whether a source is sure enough of a name for another source's to disagree with it."""
    return sureness([candidate]) >= _SURE_OF_NAMES


def _nearness(question: str, best: Candidate, other: Candidate, *, alike: bool = True) -> float:
    """How many of the question's words that the best has around it the other has, in [0, 1]; 0 where they tell of
    different matters: a name asked about is missing, or, where they must be alike, the sentences share no words."""
    asked = stems(question)
    near, other_near = _surroundings(best), _surroundings(other)
    for name in names(question):
        # Of a name of several words the last tells which is meant: "Port Wren", "Una Falk".
        if stems(name) <= near and not stems(name.split()[-1]) <= other_near:
            return 0.0
    one, two = _frame(best), _frame(other)
    if alike and shared(one, two) < _ALIKE and not asked & one & two:
        return 0.0
    return len(asked & other_near) / max(len(asked & near), 1)


def _surroundings(candidate: Candidate) -> set[str]:
    """The stems of a candidate's paragraph, of its passage and of its document's title."""
    document, paragraph = candidate.sentence.document, candidate.sentence.paragraph
    text = document.text[paragraph.start : min(paragraph.end, paragraph.start + 2000)]
    return stems(f"{document.title or ''} {candidate.hit.passage.text} {text}")


def _frame(candidate: Candidate) -> set[str]:
    """The stems of a candidate's sentence without the words that answer, where they are less than it."""
    return stems(candidate.text if candidate.text == candidate.sentence.text else _around(candidate))
