"""A follow-up as questions that stand alone, the likeliest first: by rule, from the last turns.

Puts together what `wording` sees in a question, what `referents` says it points to, and what `swapping` makes of a
thing alone. Which of the forms is asked is for whoever reads what they find (`rag.answering`).
"""

import re
from collections.abc import Callable, Sequence

from rag.followup import referents
from rag.followup.referents import Said, plain
from rag.followup.swapping import appended, swapped
from rag.followup.wording import (
    ABOUT,
    AUX,
    DATES,
    PERSONAL,
    corrected,
    fragment,
    is_bare,
    points_back,
    without_lead,
    worded,
)
from rag.words import content_words, is_function_word, names

_MAX_TERMS = 12
_MAX_NAMES = 3
_MAX_MARKED_WORDS = 8
# What the last question asked for is not what it was about.
_ASKED_FOR = re.compile(r"\bhow (?:many|much|old|long|big|far|high|often|tall|large)(?: \w+)?", re.IGNORECASE)
_NOW = frozenset(("now", "today", "currently", "nowadays", "meanwhile", "since"))
# The superlative, sum or mean of things that are named is asked for of all of them.
_COMPARES = re.compile(
    r"\b(?:average|in total|altogether|total|most|least|(?:cheap|larg|bigg|small|long|short|high|low)est)\b"
)
_ASKS_WHAT_IS_SAID = re.compile(
    r"what (?:did|does|do|has|have) (?P<who>.+?) "
    r"(?:say|said|tell|told|think|thought|write|written|claim|argue|announce)\b(?P<about>.*)",
    re.IGNORECASE,
)
# "The one for data", "the ones that stay": one of what was asked for.
_THE_ONE = re.compile(r"^the (?:other )?ones? (?:(?P<clause>that|who|which) )?(?P<rest>.+)", re.IGNORECASE)
_IT = re.compile(r"\b(?:it|its)\b(?!['’])", re.IGNORECASE)
_THEY = re.compile(r"\b(?:they|them|their|theirs)\b(?!['’])", re.IGNORECASE)
_THERE = re.compile(r"\bthere\b(?=\W*$)|(?<=\bfrom )there\b", re.IGNORECASE)
_THEN = re.compile(r"\bthen\b(?=\W*$)", re.IGNORECASE)
# Words that carry meaning: up to so many a question without a name may go on, and with hardly any it most likely does.
_FEW_WORDS, _HARDLY_ANY = 5, 1
# With so many words of its own a question in which a name stands for a pronoun needs no more of the topic.
_OWN_WORDS = 4


def forms(question: str, turns: Sequence[Said]) -> list[str]:
    """What a question may mean after the turns before it, as questions that stand alone; the likeliest first.

    turns: oldest first, not empty. One form alone where there is no doubt; a question that needs nothing is itself.
    """
    meant = corrected(question)
    asked = meant if meant is not None else without_lead(question)
    if is_bare(asked) and not PERSONAL.search(asked):
        found = _of_asking_words(asked, turns)
    elif _THE_ONE.match(ABOUT.sub("", asked)) and _noun_asked_for(turns[-1].query):
        found = _of_the_one(asked, turns)
    elif part := fragment(asked):
        found = _of_a_thing(part, asked, turns)
    elif meant is None and not points_back(question):
        found = _of_a_question(question, asked, turns)
    else:
        resolved = _resolved(asked, turns)
        found = [_with_topic(resolved, turns), resolved]
        if not PERSONAL.search(asked) and resolved != asked and _resolved(asked, turns[-1:]) == asked:
            found.reverse()  # what was meant is of a turn before: the topic of the last may be another
        elif resolved != asked and _says_enough(asked):
            found.reverse()
    return list(dict.fromkeys(found))


def _of_asking_words(asked: str, turns: Sequence[Said]) -> list[str]:
    """ "Why?", "by how many votes?"."""
    last = turns[-1]
    said_by = _ASKS_WHAT_IS_SAID.match(plain(last.query))
    if said_by and re.match(r"who else\b", asked, re.IGNORECASE):
        return [f"Who else said something{said_by['about'].rstrip('?!. ')}?"]
    found = [*(_of_its_subject(asked, last) or _asked_again(asked, last)), _with_topic(asked, turns)]
    return found if _takes_the_verb(asked, turns[-1]) else found[::-1]


def _of_the_one(asked: str, turns: Sequence[Said]) -> list[str]:
    """ "And the one for oil?"."""
    one = _THE_ONE.match(ABOUT.sub("", asked))
    verb = "" if one and one["clause"] else " is"
    rest = one["rest"].rstrip("?!. ") if one else ""
    return [f"{_noun_asked_for(turns[-1].query)}{verb} {rest}?", _with_topic(asked, turns)]


def _of_a_thing(part: str, asked: str, turns: Sequence[Said]) -> list[str]:
    """ "And AX-2210?", "what about the port?". One form where the new thing is a code, a year or an amount."""
    changed = swapped(part, _swapped_in(turns)) or swapped(part, turns[-1].query)
    longer = None if changed else appended(part, _swapped_in(turns))
    if longer:
        return [longer, _with_topic(asked, turns)]
    if changed:
        if (re.search(r"\d", part) and re.search(r"\d", _swapped_in(turns))) or _ASKS_WHAT_IS_SAID.match(changed):
            return [changed]
        # Said again with the new thing first; the old one is in neither, or its answer would be found again.
        own = _words_of(part)
        rest = [word for word in content_words(_ASKED_FOR.sub(" ", changed)) if word.casefold() not in own]
        return [changed, f"{part} ({' '.join(rest)})?"] if rest else [changed]
    if re.match(r"how much\b", turns[-1].query, re.IGNORECASE) and not names(f"x {part}"):
        asked = f"How much {'are' if part.endswith('s') else 'is'} {part}"
    return [_with_topic(asked, turns), asked]


def _of_a_question(question: str, asked: str, turns: Sequence[Said]) -> list[str]:
    """A whole question that points to nothing: it begins anew, or goes on where it says little by itself."""
    if names(f"x {question}") or len(content_words(question)) > _FEW_WORDS:
        return [question]
    if set(map(str.casefold, content_words(question))) <= _NOW:
        return [_with_topic(asked, turns)]
    found = [question, _with_topic(asked, turns)]
    # "Who was paid?" asks for somebody new.
    if _COMPARES.search(question) and not _lacks_a_verb(asked) and len(content_words(question)) > _HARDLY_ANY + 1:
        return found
    hardly_any = len(content_words(question)) <= _HARDLY_ANY and not referents.asks_who(question)
    goes_on = hardly_any or _lacks_a_verb(asked) or _takes_up(question, turns[-1])
    return found[::-1] if goes_on else found


def _says_enough(asked: str) -> bool:
    """Whether a question needs no topic beside the name that is put in it: "what did he say about the airport?"."""
    about = re.search(r"\b(?:say|said|says|think|thinks|call|called|tell|told)\b.*\babout \w", asked, re.IGNORECASE)
    return about is not None or len(content_words(asked)) >= _OWN_WORDS


def _takes_up(question: str, last: Said) -> bool:
    """Whether a question has a word of the last turn: "when did the mill close?" after "Who owned the mills?"."""
    before = {_stem(word) for word in content_words(f"{plain(last.query)} {last.answer}")}
    return any(_stem(word) in before for word in content_words(question))


def _stem(word: str) -> str:
    """The word without the endings of number and tense, roughly."""
    return re.sub(r"(?:ies|es|s|ed|ing|y)$", "", word.casefold())


def _lacks_a_verb(asked: str) -> bool:
    """Whether a "why" or a "how" has no verb of its own: "why so early?", "why not the full name?"."""
    words = asked.casefold().rstrip("?!. ").split()
    return words[0] in ("why", "how") and not any(word in AUX for word in words)


def _swapped_in(turns: Sequence[Said]) -> str:
    """The question in which a thing is swapped: the last that was more than asking words, without its "else"."""
    whole = [turn for turn in turns if not is_bare(without_lead(turn.question))] or turns
    return re.sub(r"\belse ", "", plain(whole[-1].query))


def _noun_asked_for(query: str) -> str | None:
    """ "Which pump" of "Which pump is for oil?": up to what looks like its verb."""
    words = plain(query).rstrip("?!. ").split()
    if words[0].casefold() not in ("which", "what"):
        return None
    for number, word in enumerate(words[2:], 2):
        if word.casefold() in AUX or re.search(r"(?:[^s]s|ed)$", word):
            return " ".join(words[:number])
    return None


def _asked_again(asked: str, last: Said) -> list[str]:
    """The last question with the asking words of this one: "why?" after "When did the mill close?" asks why it did."""
    denied = re.match(r"why not\b", asked, re.IGNORECASE) is not None
    asked = re.sub(r"^why (?:not|on earth)\b|^how come\b", "why", asked, flags=re.IGNORECASE)
    opener = re.sub(r"\W*(?:\b(?:was|is|were|did) (?:that|this|it)\b)?\W*$", "", asked, flags=re.IGNORECASE)
    parts = worded(plain(last.query))
    marked = last.marked.strip(" .,;") if 0 < len(last.marked.split()) <= _MAX_MARKED_WORDS else ""
    if not parts.aux or not parts.rest or re.match(r"what happen", opener, re.IGNORECASE):
        return []
    if denied and not parts.opener:
        return [_denied(parts.aux, parts.rest)]
    said = f" ({marked})" if marked and parts.opener and marked.casefold() not in parts.rest.casefold() else ""
    opener = f"{opener[:1].upper()}{opener[1:]} {parts.aux.casefold()}"
    if (
        said
        and re.match(rf"(?:[a-z]+(?:ing|ed)|{_PARTICIPLES})\b", parts.rest)
        and re.match(r"who|which|what", parts.opener, re.IGNORECASE)
    ):
        return [f"{opener} {marked} {parts.rest}?"]  # "Who is giving the talk?": whoever it is was the subject
    return [f"{opener} {parts.rest}{said}?"]


_PARTICIPLES = (
    r"(?:bought|sold|built|made|chosen|held|kept|left|lost|paid|put|read|sent|set|shown|taken|told|given|written|won"
    r"|found|brought|cut|hit|hurt|let|met|drawn|driven|eaten|fallen|known|run|seen|spent|stolen|thrown|worn|closed)"
)


def _of_its_subject(asked: str, last: Said) -> list[str]:
    """ "Why?" after "Which pump takes longest?": why the pump that was marked does."""
    query, marked = plain(last.query), last.marked.strip(" .,;")
    opener = re.match(r"(?:why|how|when|where)\W*$", asked, re.IGNORECASE)
    if not opener or worded(query).aux or not 0 < len(marked.split()) <= _MAX_MARKED_WORDS:
        return []
    words = query.rstrip("?!. ").split()
    noun = _noun_asked_for(query)
    rest = words[len(noun.split()) :] if noun else words[1:] if words[0].casefold() == "who" else []
    return [f"{asked.rstrip('?!. ').capitalize()} {marked} {' '.join(rest)}?"] if rest else []


def _denied(aux: str, rest: str) -> str:
    """ "Why not?" after "can I use vinegar?"."""
    word = aux.casefold()
    irregular = {"can": "can't", "will": "won't", "may": "may not", "might": "might not", "shall": "shall not"}
    denied = irregular.get(word) or f"{word}n't"
    return f"Why {denied} {rest}?"


def _takes_the_verb(asked: str, last: Said) -> bool:
    """Whether bare asking words ask after the verb of the last question: "why?", "by how many votes?", "what day?"."""
    noun = re.match(r"(?:how (?:many|much)|whose|what|which) (\w+)", asked, re.IGNORECASE)
    if not noun or is_function_word(noun.group(1)):
        return True
    return noun.group(1).casefold() in last.query.casefold() or noun.group(1).casefold() in (
        "day",
        "year",
        "time",
        "date",
    )


def _resolved(asked: str, turns: Sequence[Said]) -> str:
    """The question with names and nouns in the place of its pronouns, where it is plain which."""
    pronoun = PERSONAL.search(asked)
    if pronoun:
        person = referents.person(pronoun.group(), turns)
        if person:
            return PERSONAL.sub(lambda match: _in_place(match, person, asked), asked, count=1)
    for pattern, meant in (
        (_IT, referents.thing), (_THEY, referents.several), (_THERE, referents.place), (_THEN, referents.time)
    ):  # fmt: skip
        found = pattern.search(asked)
        said = _meant(meant, pattern, turns) if found else None
        if found and said:
            if pattern is _THEN and not re.match(r"(?:in|on|at|since|from) ", said, re.IGNORECASE):
                said = f"in {said}" if re.fullmatch(r"\d{4}|[A-Z][a-z]+ \d{4}", said) else f"at that time ({said})"
            if pattern is _THERE and asked[: found.start()].rstrip().rsplit(" ", 1)[-1].casefold() != "from":
                said = f"in {said}"
            return asked[: found.start()] + _in_case(found.group(), said) + asked[found.end() :]
    return asked


def _meant(meant: Callable[[Said], str | None], pattern: re.Pattern[str], turns: Sequence[Said]) -> str | None:
    """What a pronoun stands for: of the last turn; "it" also of one before, where that, too, only points to it, is
    about somebody, or speaks of it."""
    spoken_of = ""
    for turn in reversed(turns if pattern is _IT else turns[-1:]):
        said = meant(turn)
        if said and said.casefold() in (spoken_of or said.casefold()):
            return said
        asks = without_lead(turn.question)
        if not spoken_of and not (pattern.search(asks) or is_bare(asks) or referents.is_about_a_role(turn.query)):
            spoken_of = turn.query.casefold()  # what was meant before may still be, where it is spoken of here
    return None


def _in_case(pronoun: str, said: str) -> str:
    """A noun in the pronoun's case: "its" and "their" become possessive."""
    if pronoun.casefold() in ("its", "their", "theirs"):
        return f"{said}'" if said.endswith("s") else f"{said}'s"
    return said


def _in_place(pronoun: re.Match[str], person: str, text: str) -> str:
    """The name in the pronoun's case: "his" and a "her" before a noun become possessive."""
    word = pronoun.group().casefold()
    before_noun = re.match(r"\s+\w", text[pronoun.end() :]) is not None
    return f"{person}'s" if word in ("his", "hers") or (word == "her" and before_noun) else person


def _with_topic(asked: str, turns: Sequence[Said]) -> str:
    """The question with the terms of the last one, and the names of its answer, in parentheses behind it."""
    last = turns[-1]
    known = _words_of(asked)
    # "Why are there more?" asks of what was counted.
    why = re.match(r"why\b", asked, re.IGNORECASE)
    topic = plain(last.query) if why else _ASKED_FOR.sub(" ", plain(last.query))
    own, added = content_words(topic), content_words(last.query[len(plain(last.query)) - 1 :])
    # Of what was added to the last one only names are kept, where that has words of its own.
    words = [*own, *(word for word in added if not own or not word.islower())]
    terms = [word for word in dict.fromkeys(words) if word.casefold() not in known][:_MAX_TERMS]
    known |= _words_of(last.query)
    if not names(f"x {topic}") and not names(f"x {last.marked}"):  # what the talk is about was named further back
        before = next((named for turn in reversed(turns[:-1]) if (named := names(f"x {turn.query}"))), [])
        terms += [word for name in before for word in name.split() if word.casefold() not in known][:_MAX_NAMES]
    said = last.marked or last.answer
    terms += [name for name in names(f"x {said}") if not _words_of(name) <= known | DATES][:_MAX_NAMES]
    return f"{asked.rstrip('?!. ')} ({' '.join(terms)})?" if terms else asked


def _words_of(term: str) -> set[str]:
    return {word.casefold() for word in content_words(term)}
