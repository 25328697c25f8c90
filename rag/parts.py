"""Several questions asked as one: "When was it built, and who paid for it?" """

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.composing.composing import Composed
from rag.composing.lines import Line
from rag.composing.shapes import Ask, Shape, ask_of, parts_of
from rag.conversation import Turn, standalone
from rag.looking import Look
from rag.retrieval import Hit


@dataclass(frozen=True, slots=True)
class Together:
    """What several questions found as one answer. hits: the best of each in turn; found: all; readable: in English."""

    hits: Sequence[Hit]
    found: Sequence[Hit]
    readable: Sequence[Hit]
    notices: Sequence[str]
    composed: Composed


def asks_in(query: str) -> list[Ask]:
    """The questions that a query holds; one that leans on the one before it ("and who paid?") says what it is about."""
    parts = parts_of(query)
    before = [Turn(parts[0], parts[0], "")]
    return [ask_of(parts[0]), *(ask_of(standalone(part, before)) for part in parts[1:])]


def typed_parts(asked: str, query: str) -> list[str]:
    """The parts of a question in the user's own words: of what was typed, where that holds as many as the query that
    was made of it."""
    typed, searched = parts_of(asked), parts_of(query)
    return typed if len(typed) == len(searched) else searched


def together(looks: Sequence[Look], composed: Sequence[Composed], passages: int, typed: Sequence[str] = ()) -> Together:
    """What several questions found as one answer: their hits in turn, their lines one after the other.

    composed: of each look. Its confidence is that of the least sure of those that are answered; for each that is not,
    a notice, with its words in typed; without those with the question's.
    """
    first = looks[0]
    if len(looks) == 1:
        return Together(first.hits, first.found, first.readable, [*first.notices, *composed[0].notices], composed[0])
    hits: dict[int, Hit] = {}
    for rank in range(passages):
        for look in looks:
            hits.update({hit.passage.passage_id: hit for hit in look.hits[rank : rank + 1]})
    merged = [replace(hit, rank=rank) for rank, hit in enumerate([*hits.values()][:passages], 1)]
    readable = {hit.passage.passage_id for look in looks for hit in look.readable}
    one = _as_one(composed, typed or [look.ask.question for look in looks])
    notices = dict.fromkeys(notice for look in looks for notice in look.notices)
    return Together(
        merged, merged, [h for h in merged if h.passage.passage_id in readable], [*notices, *one.notices], one
    )


def _as_one(composed: Sequence[Composed], typed: Sequence[str]) -> Composed:
    answered = [each for each in composed if each.lines]
    return Composed(
        lines=_merged([line for each in answered for line in each.lines]),
        confidence=min(each.confidence for each in answered or composed),
        shape=Shape.PARTS,
        direct="; ".join(each.direct for each in answered if each.direct) or None,
        computed=next((each.computed for each in answered if each.computed), None),
        notices=tuple(
            f"no passage was found that answers this part: {words}"
            for words, each in zip(typed, composed, strict=True)
            if answered and not each.lines
        ),
    )


def _merged(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines, one for each sentence: of several with the same, the first has the words of all."""
    merged: dict[tuple[str, int], Line] = {}
    for line in lines:
        sentence = line.cited[0].sentence
        place = (sentence.document.doc_id, sentence.start)
        before = merged.get(place)
        merged[place] = line if before is None else before.with_words_of(line)
    return tuple(merged.values())
