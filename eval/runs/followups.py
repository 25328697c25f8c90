"""Follow-ups measured: conversations asked of their documents, and rewritings by what they find.

Each follow-up is asked after the turns before it, in full as a person put it, and alone: what the rewriting gives
lies between the last two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eval.gold.dialogues import Conversation, Rewriting, Spoken
from eval.runs.rankings import Progress, mean_or_nan, silent
from index.collection import Collection, Filters, Snapshot
from rag.answering import Models, answer
from rag.answers import Answer
from rag.citations import Sources
from rag.confidence import THRESHOLD
from rag.conversation import Turn, standalone, turns_of
from rag.followup.smalltalk import polite_line
from rag.retrieval import retrieve

# Passages in which an answer is looked for.
DEPTH = 8
# The three ways in which a follow-up is asked.
WAYS = ("followed", "in full", "alone")


@dataclass(frozen=True, slots=True)
class Followed:
    """A later turn that was asked. right: by way, whether the first citation touches the words that answer; nan where
    the document does not answer. abstained: by way, whether there would be no answer.
    """

    spoken: Spoken
    query: str
    right: dict[str, float]
    abstained: dict[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """A rewriting's recall: by way, whether the answer's characters are in one of the best DEPTH passages."""

    rewriting: Rewriting
    query: str
    recall: dict[str, float]


def follow(
    conversations: Sequence[Conversation], collection: Collection, models: Models, *, progress: Progress | None = None
) -> list[Followed]:
    """The later turns of conversations, each asked of its document; the product's own answers are what goes before.

    Answers are asked with the threshold off, and what it would have kept back is not carried on. Small talk that is
    told as such counts as an abstention; nothing is searched for it.
    """
    report = progress or silent
    found = []
    for done, conversation in enumerate(conversations, 1):
        filters = Filters(documents=(conversation.doc_id,))

        def ask(question: str, history: Sequence[Turn] = (), filters: Filters = filters) -> Answer:
            return answer(collection, models, question, history=history, filters=filters, threshold=0.0)

        history: list[Turn] = []
        for number, spoken in enumerate(conversation.turns):
            given = ask(spoken.question, history)
            if number:
                ways = {"followed": given, "in full": ask(spoken.standalone), "alone": ask(spoken.question)}
                found.append(_followed(spoken, ways, conversation.doc_id, collection))
            kept = given.confidence >= THRESHOLD
            history.append(Turn.of(given) if kept else Turn(given.question, given.query, ""))
        report("following", done, len(conversations))
    return found


def _followed(spoken: Spoken, ways: dict[str, Answer], doc_id: str, collection: Collection) -> Followed:
    with collection.reading() as snapshot:
        text = Sources(snapshot).document(doc_id).text
    places = _places(spoken.place, text) if spoken.answered else []
    return Followed(
        spoken,
        ways["followed"].query,
        {way: _first_right(given, places, doc_id) if places else math.nan for way, given in ways.items()},
        {way: float(given.abstained or given.confidence < THRESHOLD) for way, given in ways.items()},
    )


def _places(words: str, text: str) -> list[tuple[int, int]]:
    """Every place where the words stand."""
    found, at = [], text.find(words) if words else -1
    while at >= 0:
        found.append((at, at + len(words)))
        at = text.find(words, at + 1)
    return found


def _first_right(given: Answer, places: Sequence[tuple[int, int]], doc_id: str) -> float:
    if not given.citations:
        return 0.0
    first = given.citations[0]
    return float(first.doc_id == doc_id and any(first.start < end and start < first.end for start, end in places))


def find(
    rewritings: Sequence[Rewriting], snapshot: Snapshot, models: Models, *, progress: Progress | None = None
) -> list[Found]:
    """Each rewriting whose answer is known searched for, in the three ways."""
    report = progress or silent
    found = []
    asked = [r for r in rewritings if r.start is not None]
    for done, rewriting in enumerate(asked, 1):
        query = rewritten(rewriting)
        ways = {"followed": query, "in full": rewriting.rewrite, "alone": rewriting.question}
        recall = {way: _recall(text, rewriting, snapshot, models) for way, text in ways.items()}
        found.append(Found(rewriting, query, recall))
        report("searching", done, len(asked))
    return found


def rewritten(rewriting: Rewriting) -> str:
    """What the rules make of a follow-up."""
    turns = turns_of([{"question": question, "answer": said} for question, said in rewriting.history])
    return standalone(rewriting.question, turns)


def _recall(text: str, rewriting: Rewriting, snapshot: Snapshot, models: Models) -> float:
    start, end = rewriting.start or 0, rewriting.end or 0
    hits = retrieve(snapshot, models.encoder, text, DEPTH)
    return float(
        any(h.passage.doc_id == rewriting.document and h.passage.start < end and start < h.passage.end for h in hits)
    )


def figures_of(followed: Sequence[Followed]) -> dict[str, object]:
    """What `pilcrow eval followups --json` prints of conversations; fractions in [0, 1], None where nothing counts."""
    able = [f for f in followed if not math.isnan(f.right["followed"])]
    unable = [f for f in followed if not f.spoken.answered and polite_line(f.spoken.question) is None]
    kinds = sorted({f.spoken.kind for f in able})
    small = [f for f in followed if f.spoken.kind == "smalltalk"]
    return {
        "later_turns": len(followed),
        "answerable": len(able),
        "first_citation": _means(able, "right"),
        "unanswerable_abstained": _means(unable, "abstained"),
        "small_talk_told": _mean([float(polite_line(f.spoken.question) is not None) for f in small]),
        "by_kind": {kind: _means([f for f in able if f.spoken.kind == kind], "right") for kind in kinds},
    }


def _means(followed: Sequence[Followed], what: str) -> dict[str, float | None]:
    return {way.replace(" ", "_"): _mean([getattr(f, what)[way] for f in followed]) for way in WAYS}


def found_figures(found: Sequence[Found]) -> dict[str, object]:
    """The same of rewritings."""
    return {
        "questions": len(found),
        f"recall@{DEPTH}": {way.replace(" ", "_"): _mean([f.recall[way] for f in found]) for way in WAYS},
    }


def _mean(values: Sequence[float]) -> float | None:
    mean = mean_or_nan(values)
    return None if math.isnan(mean) else mean
