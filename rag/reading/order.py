"""The order in which passages are worth reading: what search found, read by a small network before the reader reads.

Search compares a question with a passage's words and its mean meaning; the network reads both together. Knows hits and
the reader's protocol; where the weights come from is `rag.training.order`'s.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.citations import Sources
from rag.reading.excerpts import led
from rag.reading.reader import PassageReader
from rag.retrieval import Hit

# How many of the best that search found are read for their order.
DEPTH = 48
# score = logit that the passage answers the question + weight * fused score of the search.
_FUSED_WEIGHT = 16.0
# How questions begin, and other ways to ask for an answer.
_ASKS = re.compile(
    r"\s*(?:(?:and|but|so|or|please|ok(?:ay)?),? )?"
    r"(?:who|whom|whose|what|which|when|where|why|how|in (?:which|what)|is|are|was|were|am|do|does|did|has|have|had|"
    r"can|could|will|would|should|may|might|must|tell me|name the|list)\b",
    re.IGNORECASE,
)


def worth_reading(query: str) -> bool:
    """Whether the network's order serves what was typed: a question, for which it was trained, and no statement."""
    return query.rstrip().endswith("?") or bool(_ASKS.match(query))


def in_reading_order(question: str, hits: Sequence[Hit], sources: Sources, reader: PassageReader) -> list[Hit]:
    """The hits in the order of what the small network and the search say together, best first, ties by rank.

    What has more of the question's exact things stays before what has fewer. The first DEPTH are read; the others keep
    their order behind them. A hit's `score` stays what search said.
    """
    if not hits:
        return []
    read = hits[:DEPTH]
    logits = reader.answerable(
        [question] * len(read),
        [led(hit.passage, sources) for hit in read],
        [sources.document(hit.passage.doc_id).title or "" for hit in read],
    )
    scored = [replace(hit, order=logit + _FUSED_WEIGHT * hit.score) for hit, logit in zip(read, logits, strict=True)]
    scored.sort(key=lambda hit: (-hit.exact, -hit.order, hit.rank))
    return [replace(hit, rank=rank) for rank, hit in enumerate([*scored, *hits[DEPTH:]], 1)]
