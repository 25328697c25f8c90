"""A follow-up becomes a question that stands alone: "and when was that?" says what it is about.

Knows turns and words. With a chat model the model rewrites, and what it says is checked; without one, a rule carries
over what the last turns were about.
"""

import re
from calendar import day_name, month_name
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Self

from rag.answers import Answer
from rag.citations import Verdict, without_markers
from rag.generation.chat_model import AnswerCut, ChatModel, visible_text
from rag.generation.prompt import query_messages
from rag.words import content_words, names


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and answer of a conversation that goes on. query: what was searched for.

    answer is without markers, and empty where the documents did not answer.
    """

    question: str
    query: str
    answer: str

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """The turn that an answer ends; what nothing bears out is not carried on."""
        said = " ".join(claim.text for claim in answer.claims if claim.verdict != Verdict.UNSUPPORTED)
        return cls(answer.question, answer.query, said)


def turns_of(rows: object) -> list[Turn]:
    """The turns of a "history": a question as a string or as {"question", "answer"?} each, oldest first.

    Raises ValueError for anything else.
    """
    turns: list[Turn] = []
    for row in rows if isinstance(rows, list) else [rows]:
        told = row if isinstance(row, dict) else {"question": row}
        match (told.get("question"), told.get("answer") or ""):
            case (str(question), str(answer)):
                turns.append(Turn(question, standalone(question, turns), " ".join(without_markers(answer).split())))
            case _:
                raise ValueError('"history" is a list of questions, or of objects with a "question" and an "answer"')
    return turns


# Words that point to something said before, and where a person's name can stand in their place.
_PERSONAL = re.compile(r"\b(?:he|she|him|his|her|hers|himself|herself)\b", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:they|them|their|theirs|it|its|those|these|the same|the former|the latter|the other|others|ones?)\b"
    r"|\b(?:this|that)\b(?=\s*(?:[?.!,]|$)|\s+(?:is|was|be|happen|happened|mean|true|so|one|time|year|day|place)\b)"
    r"|\b(?:is|was|did|does|about|of|for|after|before|since|by|with|in) (?:this|that)\b(?!\s+\w+ed\b)"
    r"|\b(?:from|in|go|went|live|lived|born|get|got|been|was|happened|over|up|out) there\b|\bthere\b\s*[?.!]?\s*$"
    r"|\bthen\b\s*[?.!]?\s*$",
    re.IGNORECASE,
)
# "Is it true that", "what time is it", "it rains": nothing is pointed to.
_EMPTY_IT = re.compile(
    r"\bwhat (?:time|day|year|date) (?:is|was) it\b|"
    r"\b(?:is|was) it (?:true|possible|likely|known|said|legal|allowed|necessary|that)\b|\bit (?:rain|snow)|"
    r"\bhow (?:long|much|many \w+) (?:does|did|would|will) it take\b|\bone of\b|\bone (?:day|year|time)\b",
    re.IGNORECASE,
)
_THANKS = r"^\W*(?:(?:thanks|thank you|ok|okay|good|great|i see)\W+)*"
_GOES_ON = re.compile(
    _THANKS
    + r"(?:and|but|or|so|also|then|what about|how about|what of|and what about|what else|who else|where else|why else"
    r"|anything else|any others?)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(_THANKS + r"(?:(?:and|but|or|so|also)\b[\s,]*)?", re.IGNORECASE)
# Tokens and characters of a rewritten question, thoughts included in the tokens; turns that the model is told.
_QUERY_TOKENS = 512
_QUERY_CHARACTERS = 400
_TURNS_TOLD = 4
_HOW = re.compile(r"\bhow (?:long|old|far|often|big|tall|large|high|soon|late|come)\b", re.IGNORECASE)
# What the last question asked for is not what it was about.
_ASKED_FOR = re.compile(r"\bhow (?:many|much) \w+", re.IGNORECASE)
# Capitals that name nobody.
_DAYS = frozenset(word.casefold() for word in (*month_name, *day_name) if word)
_MAX_TERMS = 12
_MAX_NAMES = 3


def standalone(question: str, history: Sequence[Turn], model: ChatModel | None = None) -> str:
    """The question as it can be asked without the turns before it: by the model if there is one, else by the rule."""
    if not history or not question.strip():
        return question
    if model is None or (names(question) and not _points_back(question)):
        return _carried_over(question, history[-1])
    rewritten = _rewritten(question, history, model)
    return rewritten or _carried_over(question, history[-1])


def _carried_over(question: str, last: Turn) -> str:
    """The question with what the last turn was about, where it points back to it; otherwise as it is.

    A question points back with a pronoun that no name of its own explains, by going on ("and", "what about"), or by
    having no word of its own. A person's pronoun is replaced by the name that the last turn was about; names and terms
    of the last question, and the names of its answer, are added in parentheses.
    """
    if not _points_back(question):
        return question
    asked = _LEAD.sub("", question, count=1).strip() or question.strip()
    person = _subject(last)
    if person and _PERSONAL.search(asked):
        asked = _PERSONAL.sub(lambda match: _in_place(match, person, asked), asked, count=1)
    known = _words_of(asked)
    topic = _ASKED_FOR.sub(" ", last.query)
    terms = [word for word in content_words(topic) if word.casefold() not in known][:_MAX_TERMS]
    known |= _words_of(last.query)
    terms += [name for name in names(last.answer) if not _words_of(name) <= known | _DAYS][:_MAX_NAMES]
    return f"{asked.rstrip('?!. ')} ({' '.join(terms)})?" if terms else asked


def _rewritten(question: str, history: Sequence[Turn], model: ChatModel) -> str | None:
    """The model's standalone question; None where what it says is no question about the same things."""
    turns = [(turn.question, turn.answer) for turn in history[-_TURNS_TOLD:]]
    messages = query_messages(question, turns)
    if model.count(messages) + _QUERY_TOKENS > model.context:
        messages = query_messages(question, turns[-1:])
    text = ""
    with suppress(AnswerCut), closing(visible_text(model, messages, max_tokens=_QUERY_TOKENS)) as growing:
        for text in growing:
            if len(text) > _QUERY_CHARACTERS:
                return None
    lines = [line.strip(" \"“”'*`") for line in text.splitlines() if line.strip()]
    return lines[0] if len(lines) == 1 and _is_about_the_same(lines[0], question, history) else None


def _is_about_the_same(rewritten: str, question: str, history: Sequence[Turn]) -> bool:
    """Whether a rewritten question keeps most of the question's words and takes most others from the conversation."""
    own, new = _words_of(question), _words_of(rewritten)
    before = set[str]().union(*(_words_of(text) for turn in history for text in (turn.query, turn.answer)))
    return len(own & new) * 2 >= len(own) and len(new & (own | before)) * 2 > len(new)


def _points_back(question: str) -> bool:
    """Whether a question needs the turns before it."""
    if _GOES_ON.match(question) or not content_words(_HOW.sub(" ", question)):
        return True
    without = _EMPTY_IT.sub(" ", question)
    pointing = min((m.start() for m in (_PERSONAL.search(without), _POINTING.search(without)) if m), default=None)
    return pointing is not None and not names(without[:pointing])


def _subject(turn: Turn) -> str | None:
    """The person that a turn may be about: whom the answer to a "who" names, else the question, else the answer.

    A name behind an article is no person's.
    """
    asked, answered = _people(turn.query), _people(turn.answer)
    if re.match(r"\W*(?:who|whose|whom)\b", turn.query, re.IGNORECASE):
        answered = [name for name in answered if name not in asked] or answered
        return next(iter([*answered, *asked]), None)
    return next(iter([*asked, *answered]), None)


def _people(text: str) -> list[str]:
    return [name for name in names(text) if not re.search(rf"\b(?i:the|a|an|in|of|and) {re.escape(name)}", text)]


def _in_place(pronoun: re.Match[str], person: str, text: str) -> str:
    """The name in the pronoun's case: "his" and a "her" before a noun become possessive."""
    word = pronoun.group().casefold()
    before_noun = re.match(r"\s+\w", text[pronoun.end() :]) is not None
    return f"{person}'s" if word in ("his", "hers") or (word == "her" and before_noun) else person


def _words_of(term: str) -> set[str]:
    return {word.casefold() for word in content_words(term)}
