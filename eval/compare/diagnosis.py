"""Where the gold of a missed question was lost, and what is worth trying next.

A question has one loss: the first wall that its gold ran into, from the files to the answer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from eval.gold.places import Level, Places
from eval.runs.answers import Asked
from rag.answering import PASSAGES
from rag.confidence import THRESHOLD

# A question is found where something relevant is among so many.
FOUND_WITHIN = 10


class Loss(StrEnum):
    """Where it was lost; NONE where it was not."""

    NONE = "found"
    ABSENT = "not in the collection"
    FURNITURE = "taken for furniture"
    SPLIT = "split across passages"
    LOW_IN_BOTH = "ranked low by both dense and lexical"
    LOW_IN_DENSE = "ranked low by dense alone"
    LOW_IN_LEXICAL = "ranked low by lexical alone"
    LOW_IN_ORDER = "ranked low in the final order alone"
    NOT_READ = "found, but not read"
    ABSTAINED = "wrongly abstained"
    MISREAD = "read, but other words were chosen"
    INVENTED = "answered, though nothing answers it"


NEXT_STEP: Mapping[Loss, str] = {
    Loss.ABSENT: "index the documents that the gold names, or mend their names in the question file: pilcrow list",
    Loss.FURNITURE: "see what each paragraph was taken for with pilcrow paragraphs DOC, and index with --keep-all",
    Loss.SPLIT: "compare longer passages, such as fused with an encoder that reads more: fused,encoder=FOLDER",
    Loss.LOW_IN_BOTH: "neither words nor meaning are near: compare another encoder (fused,encoder=FOLDER), or put the "
    "words that people ask with into the documents' titles",
    Loss.LOW_IN_DENSE: "the words are there, but the vector is not near: compare shorter passages (fused,passage=96) "
    "and another encoder",
    Loss.LOW_IN_LEXICAL: "other words are used than those asked with: compare dense, and look at names and spellings",
    Loss.LOW_IN_ORDER: "both legs have it, and what puts them in order loses it: compare fused and read",
    Loss.NOT_READ: "read more passages: compare read,k=16",
    Loss.ABSTAINED: "the threshold is too high for these documents: look at the risk-coverage curve",
    Loss.MISREAD: "the reader takes other words: look at the worst questions; a chat model may do better (--model)",
    Loss.INVENTED: "the threshold is too low for these documents: look at the risk-coverage curve",
}


def _best_rank(ranking: Sequence[str], relevant: Iterable[str]) -> int | None:
    """The rank, from 1, of the first relevant unit; None where there is none."""
    wanted = set(relevant)
    return next((rank for rank, unit in enumerate(ranking, 1) if unit in wanted), None)


def lost_in_search(
    places: Places, level: Level, final: Sequence[str], dense: Sequence[str], lexical: Sequence[str]
) -> Loss:
    """Where a ranking of units lost a question's gold. final, dense, lexical: unit ids, best first."""
    relevant = places.relevance(level)
    if _within(_best_rank(final, relevant)):
        return Loss.NONE
    before = _lost_before_search(places)
    if before is not Loss.NONE:
        return before
    by_dense, by_lexical = _within(_best_rank(dense, relevant)), _within(_best_rank(lexical, relevant))
    return {
        (True, True): Loss.LOW_IN_ORDER,
        (True, False): Loss.LOW_IN_LEXICAL,
        (False, True): Loss.LOW_IN_DENSE,
        (False, False): Loss.LOW_IN_BOTH,
    }[by_dense, by_lexical]


def _lost_before_search(places: Places) -> Loss:
    """Whether no passage could have been found whole, and why."""
    there = set(places.documents) - {gold.doc_id for gold in places.absent}
    if places.absent and not places.passages and not there:
        return Loss.ABSENT
    if places.furniture and not places.passages:
        return Loss.FURNITURE
    if places.split and len(places.split) == len(places.spans):
        return Loss.SPLIT
    return Loss.NONE


def lost_in_answer(
    asked: Asked, places: Places, searched: Loss, *, passages: int = PASSAGES, threshold: float = THRESHOLD
) -> Loss:
    """Where an answer lost it. searched: what `lost_in_search` said of the ranking that it was read from."""
    if not asked.question.answerable:
        return Loss.NONE if asked.abstains(threshold) else Loss.INVENTED
    if asked.right and not asked.abstains(threshold):
        return Loss.NONE
    read = asked.answer.evidence[:passages]
    if places.passages:
        was_read = any(f"{e.doc_id} {e.start}-{e.end}" in places.passages for e in read)
    else:
        was_read = any(e.doc_id in places.documents for e in read)
    if not was_read:
        return searched if searched is not Loss.NONE else Loss.NOT_READ
    return Loss.ABSTAINED if asked.abstains(threshold) else Loss.MISREAD


def _within(rank: int | None) -> bool:
    return rank is not None and rank <= FOUND_WITHIN


def counted(losses: Iterable[Loss]) -> list[tuple[Loss, int]]:
    """How many questions were lost where, the most first; those that were found are left out."""
    counts = Counter(loss for loss in losses if loss is not Loss.NONE)
    return sorted(counts.items(), key=lambda pair: (-pair[1], list(Loss).index(pair[0])))


def next_step(losses: Iterable[Loss]) -> str | None:
    """What is most worth trying: the remedy for where most were lost; None where nothing was."""
    counts = counted(losses)
    return NEXT_STEP[counts[0][0]] if counts else None
