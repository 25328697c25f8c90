"""A follow-up becomes a question that stands alone: "and when was that?" says what it is about.

Knows turns. With a chat model the model rewrites, and what it says is checked; without one, the rules of `rag.followup`
say what the question may mean, and who reads the documents finds out which.
"""

from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Self

from rag.answers import Answer
from rag.citations import Verdict, without_markers
from rag.followup.rewriting import forms
from rag.followup.smalltalk import polite_line
from rag.followup.wording import asks_again, asks_for_more, points_back
from rag.generation.chat_model import AnswerCut, ChatModel, visible_text
from rag.generation.prompt import query_messages
from rag.words import content_words, names


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and answer of a conversation that goes on. query: what was searched for.

    answer is without markers, and empty where the documents did not answer. marked: the words of it that answer, as the
    reader marked them; empty where that is not known.
    """

    question: str
    query: str
    answer: str
    marked: str = ""

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """The turn that an answer ends; what nothing bears out is not carried on."""
        said = " ".join(claim.text for claim in answer.claims if claim.verdict != Verdict.UNSUPPORTED)
        return cls(answer.question, answer.query, said, answer.answers[0].text if said and answer.answers else "")


def turns_of(rows: object) -> list[Turn]:
    """The turns of a "history": a question as a string or as {"question", "answer"?, "marked"?} each, oldest first.

    Raises ValueError for anything else.
    """
    turns: list[Turn] = []
    for row in rows if isinstance(rows, list) else [rows]:
        told = row if isinstance(row, dict) else {"question": row}
        match (told.get("question"), told.get("answer") or "", told.get("marked") or ""):
            case (str(question), str(answer), str(marked)):
                said = " ".join(without_markers(answer).split())
                turns.append(Turn(question, standalone(question, turns), said, " ".join(marked.split())))
            case _:
                raise ValueError('"history" is a list of questions, or of objects with a "question" and an "answer"')
    return turns


# Tokens and characters of a rewritten question, thoughts included in the tokens; turns that the model is told.
_QUERY_TOKENS = 512
_QUERY_CHARACTERS = 400
_TURNS_TOLD = 4
# Turns in which a rule looks for what a pronoun stands for.
_TURNS_LOOKED_AT = 6


def standalone(question: str, history: Sequence[Turn], model: ChatModel | None = None) -> str:
    """The question as it can be asked without the turns before it; the likeliest of what `understood` gives."""
    return understood(question, history, model)[0]


def understood(question: str, history: Sequence[Turn], model: ChatModel | None = None) -> tuple[str, ...]:
    """What a question may mean after the turns before it, each to be asked alone; the likeliest first, at least one.

    One by the model if there is one and the question needs it; else by the rules, which may leave a choice: "is there a
    cure?" may go on, or begin anew. Where it asks whether or where that stands, the question before is asked once more.
    """
    turns = [turn for turn in history if polite_line(turn.question) is None]
    if not turns or not question.strip():
        return (question,)
    if asks_again(question):
        return (turns[-1].query,)
    if model is not None and (points_back(question) or not names(question)):
        rewritten = _rewritten(question, turns, model)
        if rewritten:
            return (rewritten,)
    found = tuple(forms(question, turns[-_TURNS_LOOKED_AT:]))
    return found if model is None else found[:1]


def said_before(question: str, history: Sequence[Turn]) -> tuple[str, ...]:
    """What the turns before said that a question does not want again: "who else?" after "Ann" is not Ann.

    Their marked words and their answers.
    """
    if not asks_for_more(question):
        return ()
    return tuple(words for turn in history[-_TURNS_LOOKED_AT:] for words in (turn.marked, turn.answer) if words)


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


def _words_of(term: str) -> set[str]:
    return {word.casefold() for word in content_words(term)}
