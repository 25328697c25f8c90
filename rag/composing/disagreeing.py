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
from rag.composing.values import ValueKind, differ, values, value_of
from rag.confidence import confidence_of, signals
from rag.reading.candidates import Candidate
from rag.words import names

# Which part of the words of the shorter sentence both have, values and names left out, for them to tell of one matter.
_ALIKE = 0.34
# How sure a source must be by itself to be told to disagree, by which part of the question's words that the best one
# has near its value it has near its own; those that have fewer are about something else.
_NEEDED = ((0.6, 0.8), (0.78, 0.75), (0.9, 0.5))
# Of names, several may answer one question, and both rightly.
_SURE_OF_NAMES = 0.85
_MOST = 4
# Of things without kind or unit only what a question asks for one of is compared, each in few words and very sure.
_CAUSE = re.compile(r"\b(?:cause[sd]?|started|triggered|sparked)\b", re.IGNORECASE)
_ONE_THING = re.compile(
    r"\W*(?:(?:of |in |on |from |at )?(?:what|which) (?!(?:is|are|was|were|do|does|did|has|have|had|will|would|can"
    r"|could|may|might|must|should|shall|needs?|happen\w*)\b)\w|where\b|whom?\b|by whom\b|what (?:is|was|are|were) "
    r".*(?:made|built|composed|named|called|known)\b)",
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
    question: str, asked: Asked | None, candidates: Sequence[Candidate], sources: Sources, threshold: float
) -> list[Candidate]:
    """The best candidate and those of other sources that give another value, each above the threshold by itself.

    asked: the time that the question asks about. Empty where none does. Two values conflict where they are of one kind,
    differ, and stand in sentences about one matter.
    """
    if not candidates:
        return []
    best = candidates[0]
    best_sure = sureness(_of_document(best, candidates))
    kind = _kind_of(best)
    if best_sure < max(threshold, _NEEDED[0][0]) or (kind is ValueKind.OTHER and not _is_short(best)):
        return []
    found = [best]
    for doc_id in dict.fromkeys(c.sentence.document.doc_id for c in candidates):
        own = [c for c in candidates if c.sentence.document.doc_id == doc_id]
        other = own[0]
        if any(_are_one_source(c, other, sources) or not _say_otherwise(c, other, kind) for c in found):
            continue
        one_sentence = shared(_frame(best), _frame(other)) >= _ONE_SENTENCE and len(_frame(best)) > 2
        if kind is ValueKind.OTHER and not (one_sentence or _ONE_THING.match(question) or asks_for_cause(question)):
            continue
        sure = sureness(own)
        near = _nearness(question, best, other, alike=min(sure, best_sure) < _VERY_SURE)
        if not near and min(sure, best_sure) >= _SURE:
            loosely = _nearness(question, best, other, alike=False)
            near = loosely if loosely >= _QUITE_NEAR else 0.0
        may = is_of_the_time(asked, other) and (kind is not ValueKind.OTHER or _is_short(other))
        if may and sure >= max(threshold, _needed(kind, near)) and len(found) < _MOST:
            found.append(other)
    return found if len(found) > 1 else []


def _kind_of(candidate: Candidate) -> ValueKind:
    """What the words that answer are; words that have a name in them are a name."""
    words = _own_words(candidate)
    kind = value_of(words).kind
    return ValueKind.NAME if kind is ValueKind.OTHER and names(f"x {words}") else kind


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


def _say_otherwise(one: Candidate, other: Candidate, kind: ValueKind) -> bool:
    """Whether two candidates give values that differ, of the kind of the first, and of one case."""
    kind_of_other = _kind_of(other)
    if _are_of_other_cases(one, other) or _are_namesakes(one, other) or _is_told_with(one, other):
        return False
    if kind in (ValueKind.NAME, ValueKind.OTHER):
        words, others = _own_words(one), _own_words(other)
        if kind is kind_of_other is ValueKind.NAME:
            return differ(" ".join(names(f"x {words}")), " ".join(names(f"x {others}")))
        described = others if kind is ValueKind.NAME else words
        is_comparable = kind is kind_of_other or _PEOPLE.fullmatch(described) is not None
        return is_comparable and kind_of_other in (ValueKind.NAME, ValueKind.OTHER) and _unlike(words, others)
    return kind is kind_of_other and differ(bounded_words(one), bounded_words(other))


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
    dict(pair if len(pair) > 1 else pair * 2 for pair in (tuple(word.split(":")) for word in line.split()))
    for line in _CASES_TEXT.strip().splitlines()
]


def _are_of_other_cases(one: Candidate, other: Candidate) -> bool:
    """Whether the sentences around two values say of which case they are, and of others: in winter, in summer."""
    around = [re.findall(r"[a-z']+", _around(c).casefold()) for c in (one, other)]
    for case in _CASES:
        mine, theirs = ({case[word] for word in words if word in case} for words in around)
        if mine and theirs and not mine & theirs:
            return True
    return False


def _around(candidate: Candidate) -> str:
    """A candidate's sentence without the words that answer."""
    sentence, text = candidate.sentence, candidate.sentence.document.text
    return f"{text[sentence.start : candidate.start]} {text[candidate.end : sentence.end]}"


_BORN = re.compile(r"\((?:b\.|born)?[^()\d]*(1\d{3}|20\d\d)")


def _are_namesakes(one: Candidate, other: Candidate) -> bool:
    """Whether two documents tell of two of one name: the same title with another explanation in brackets, or another
    year of birth behind it."""
    titles = [(c.sentence.document.title or "").partition(" (") for c in (one, other)]
    if not titles[0][0] or titles[0][0].casefold() != titles[1][0].casefold():
        return False
    if titles[0][2] and titles[1][2] and titles[0][2] != titles[1][2]:
        return not any(char.isdigit() for char in titles[0][2] + titles[1][2])
    born = [_BORN.search(c.sentence.document.text[:400]) for c in (one, other)]
    return bool(born[0] and born[1]) and born[0][1] != born[1][1]


def _is_told_with(one: Candidate, other: Candidate) -> bool:
    """Whether one document itself says the two together: "in Lund, Sweden", against "in Sweden"."""
    for mine, theirs in ((one, other), (other, one)):
        behind = mine.sentence.document.text[mine.end : mine.end + 30 + len(theirs.text)]
        if not values(theirs.text) and theirs.text in behind.partition(".")[0]:
            return True
    return False


def _needed(kind: ValueKind, nearness: float) -> float:
    """How sure a source must be that is so near; more than any is where it is too far."""
    needed = next((sure for sure, near in _NEEDED if nearness >= near), 2.0)
    least = {ValueKind.NAME: _SURE_OF_NAMES, ValueKind.OTHER: _SURE_OF_THING}.get(kind, 0.0)
    return max(needed, least)


# What one of each pair says the other denies; negation of the whole is told apart in `rag.composing.stems`.
_OPPOSED_TEXT = """
    open:closed open:shut opened:closed allowed:forbidden legal:illegal alive:dead approved:rejected approved:refused
    accepted:rejected accepted:refused agreed:refused passed:failed passed:rejected won:lost started:stopped
    started:ended running:stopped running:suspended running:cancelled takes:cancelled held:cancelled going:cancelled
    continue:stop safe:unsafe safe:dangerous free:jailed guilty:innocent guilty:acquitted present:absent found:missing
    true:false up:down on:off finished:unfinished available:unavailable possible:impossible kept:abolished
    confirmed:denied supports:opposes for:against stays:leaves remains:resigns
"""
_OPPOSED = [(stem(one), stem(other)) for one, other in (pair.split(":") for pair in _OPPOSED_TEXT.split())]
# What somebody wants or what might be says nothing of what is.
_WISHED = re.compile(
    r"\b(?:want(?:s|ed)?|ask(?:s|ed)?|demand(?:s|ed)?|hop(?:es?|ed)|plan(?:s|ned)?|propos(?:es?|ed)|urg(?:es?|ed)|fears?"
    r"|should|would|could|might|if|calls? for|called for)\b",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"[;,:]\s| but | though | although | while ")


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
        if sources.are_copies(doc_id, best.sentence.document.doc_id):
            continue
        own = [c for c in candidates if c.sentence.document.doc_id == doc_id]
        sure, near = sureness(own), _nearness(question, whole(best), whole(own[0]))
        if sure < max(threshold, _SURE_OF_NO) or near < _AS_NEAR_AS_YES or not is_of_the_time(asked, own[0]):
            continue
        if _says_opposite(question, said, _clause_of(question, own[0])):
            return [best, own[0]]
    return []


def _clause_of(question: str, candidate: Candidate) -> str:
    """The clause of a candidate's sentence that has most of the question's words."""
    asked = stems(question)
    return max(_CLAUSES.split(candidate.sentence.text), key=lambda clause: len(asked & stems(clause)))


def _says_opposite(question: str, one: str, other: str) -> bool:
    if _WISHED.search(one) or _WISHED.search(other):
        return False
    words, others = _words(one), _words(other)
    facing = any((a in words and b in others) or (b in words and a in others) for a, b in _OPPOSED)
    denied = is_negated(one) != is_negated(other)
    if facing:
        # "Is not allowed" and "is forbidden" say the same.
        return _denies(one) == _denies(other)
    asked = stems(question)
    return denied and len(asked & stems(one) & stems(other)) * 2 >= len(asked)


def _denies(text: str) -> bool:
    return bool(re.search(r"\b(?:not|no|never|nor)\b|n['’]t\b", text, re.IGNORECASE))


def _words(text: str) -> set[str]:
    return {stem(word) for word in re.findall(r"[a-z]+", text.casefold())}


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
