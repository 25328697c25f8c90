"""Whether the marked evidence of questions is found: among all documents, and in each question's own alone.

For questions whose gold is characters, such as SQuAD files with `evidence`. A hit finds it that has some of them; what
several hits have is found once. How a setting finds hits is `rankings.py`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from eval.gold.places import Places
from eval.gold.questions import Question
from eval.measures.ranking import Measure, Ranking, mean_over_queries, measure_named
from eval.runs.rankings import Progress, find_hits, silent
from eval.runs.settings import Setting, parse_setting
from index.collection import Collection, Filters
from index.encoder.embedding import Encoder
from rag.citations import Sources
from rag.reading.reader import AnyReader
from rag.retrieval import Hit

EVIDENCE_MEASURES: Mapping[str, Measure] = {
    name: measure_named(name) for name in ("Recall@1", "Recall@3", "Recall@8", "Recall@20", "MRR@20")
}
# The product's search, the same without each of its parts, and each leg alone; then the order by reading.
_SETTINGS = ("fused", "fused,document=0", "fused,exact=no", "dense", "lexical")
_READ = "read"
# Hits that a ranking has: what the order by reading reads, and what the deepest measure looks at.
_HITS = 48
_FOUND = "evidence"


@dataclass(frozen=True, slots=True)
class EvidenceScores:
    """Measures by setting, in [0, 1]: among_all["fused"]["Recall@8"]. in_own: the same, each question asked of the
    document that it was written on, alone; empty where that is not known. documents: how many all are."""

    questions: int
    documents: int
    among_all: dict[str, dict[str, float]]
    in_own: dict[str, dict[str, float]]


def evaluate_evidence(
    questions: Sequence[Question],
    places: Mapping[str, Places],
    collection: Collection,
    encoder: Encoder,
    *,
    reader: AnyReader | None = None,
    progress: Progress | None = None,
) -> EvidenceScores:
    """How far up the evidence comes, for each setting; of the questions whose gold has characters.

    places: where the gold of each question lies, as `places_of` says. reader: where given, its order is measured, too.
    Raises ValueError where no question has such gold.
    """
    asked = [q for q in questions if places[q.question_id].spans]
    own = [q for q in asked if q.document is not None]
    report = progress or silent
    vectors = dict(zip((q.question_id for q in asked), encoder.encode([q.text for q in asked]), strict=True))

    def scores(setting: Setting, some: Sequence[Question], *, alone: bool) -> dict[str, float]:
        rankings: dict[str, Ranking] = {}
        for done, q in enumerate(some, 1):
            only = Filters(documents=(q.document,)) if alone and q.document else None
            hits = find_hits(
                setting, q.text, snapshot, Sources(snapshot, only), encoder, reader=reader,
                vector=vectors[q.question_id], k=_HITS, filters=only,
            )  # fmt: skip
            rankings[q.question_id] = ranking(hits, places[q.question_id], snapshot.copies)
            report(setting.name, done, len(some))
        qrels = {question_id: {_FOUND: 1} for question_id in rankings}
        return {name: mean_over_queries(measure, rankings, qrels) for name, measure in EVIDENCE_MEASURES.items()}

    settings = [parse_setting(name) for name in (*_SETTINGS, *([_READ] if reader else []))]
    with collection.reading() as snapshot:
        among_all = {s.name: scores(s, asked, alone=False) for s in settings}
        in_own = {s.name: scores(s, own, alone=True) for s in settings} if own else {}
        return EvidenceScores(len(asked), snapshot.n_documents(), among_all, in_own)


def ranking(hits: Sequence[Hit], places: Places, copies: Callable[[str], Sequence[str]]) -> list[str]:
    """The hits as units of which at most one is the evidence: the first that has characters of it, in any copy."""
    units: list[str] = []
    for hit in hits:
        p = hit.passage
        names = (p.doc_id, *copies(p.doc_id))
        touches = any(doc in names and p.start < end and start < p.end for doc, start, end in places.spans)
        if not touches:
            units.append(str(p.passage_id))
        elif _FOUND not in units:
            units.append(_FOUND)
        else:
            units.append(f"{_FOUND} again {p.passage_id}")
    return units
