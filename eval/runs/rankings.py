"""Runs: the rankings that settings give to the questions of a test collection, and what they score.

Owns where a test collection is indexed, how a setting becomes rankings, and the frames: rankings that nobody would
use, but that say what a figure is worth. How figures are compared is `comparison.py`'s.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from eval.gold.datasets import BadDataset
from eval.gold.places import Level, Places, find_places, rank_units, units_of
from eval.gold.questions import Question, QuestionSet
from eval.gold.trec import ranked, read_run
from eval.measures.ranking import Ranking
from eval.runs.settings import Setting, scored_by_rank
from index.address import Place
from index.collection import Collection, Filters, Snapshot
from index.encoder.embedding import Encoder, Vectors
from index.intake.indexing import index_documents, index_paths
from index.opening import create_collection, open_collection, require_same
from rag.citations import Sources
from rag.reading.order import in_reading_order
from rag.reading.reader import AnyReader
from rag.retrieval import Hit, Way, retrieve

# Units ranked per question, and the passages that each leg gives for them: a document may have several, so this is
# more than the hundred of an ordinary question (nDCG@10 differs by 0.002 at most).
DEPTH = 100
_PASSAGES = 300
# Questions that are searched once more, one by one from their words on, to take the time.
_TIMED = 50

Progress = Callable[[str, int, int], None]
Scored = list[tuple[str, float]]


class Frame:
    """Names of the rankings that frame ours. Whoever reads a table must not take them for settings of ours."""

    RANDOM = "frame: random order"
    BM25 = "frame: BM25 alone"
    ORACLE = "frame: gold first (oracle)"


@dataclass(frozen=True, slots=True)
class Run:
    """One setting's or frame's rankings. seconds: of the timed questions, from the words to the hits; may be none."""

    name: str
    rankings: Mapping[str, Scored]
    seconds: tuple[float, ...] = ()

    @property
    def is_frame(self) -> bool:
        """Whether it only frames the others."""
        return self.name.startswith("frame: ")


# ---- Where the documents are


@contextmanager
def collection_of(
    questions: QuestionSet,
    encoder: Encoder,
    *,
    asked: Place | None = None,
    folder: Place | None = None,
    beside: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Iterator[Collection]:
    """A collection of the questions' documents, indexed where that is not done yet.

    asked: an existing collection, for questions that bring no documents. It is opened as it is where this encoder made
    it with passages of this length; else its documents are indexed again, elsewhere.
    folder: where it is kept and found again; a temporary one by default.
    beside: files of other documents among which the questions' own are to be found.
    Raises CollectionMismatch where it was made with another encoder, BadDataset where it holds other documents, too.
    """
    report = progress or silent
    with ExitStack() as stack:
        if asked is not None and not questions.bring_documents:
            theirs = stack.enter_context(open_collection(asked))
            with theirs.reading() as snapshot:
                made, now = snapshot.encoder, encoder.identity
            if (made.weights, made.max_length) == (now.weights, now.max_length):
                yield theirs
                return
        if folder is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="pilcrow-eval-"))) / "collection"
        collection = stack.enter_context(create_collection(folder, encoder.identity))
        require_same(collection, encoder)
        if questions.files is not None:
            index_paths(
                collection, encoder, [questions.files], progress=lambda n, total, _: report("indexing", n, total)
            )
        elif questions.documents is not None:
            index_documents(collection, encoder, questions.documents(), progress=lambda n: report("indexing", n, 0))
            if not beside:
                _require_nothing_else(collection, {document.doc_id for document in questions.documents()})
        elif asked is not None:
            with theirs.reading() as snapshot:
                documents = (snapshot.document(d.doc_id) for d in snapshot.documents())
                index_documents(collection, encoder, documents, progress=lambda n: report("indexing", n, 0))
        else:
            raise BadDataset(
                f"'{questions.path}' holds questions but no documents; name the collection: --collection DIR"
            )
        if beside:
            index_paths(collection, encoder, beside, progress=lambda n, total, _: report("indexing", n, total))
        yield collection


def _require_nothing_else(collection: Collection, own: set[str]) -> None:
    with collection.reading() as snapshot:
        strangers = {d.doc_id for d in snapshot.documents()} - own
    if strangers:
        raise BadDataset(
            f"'{collection.place}' holds other documents too ({min(strangers)}, …); name a folder of its own"
        )


def places_of(questions: Sequence[Question], snapshot: Snapshot) -> dict[str, Places]:
    """Question id -> where its gold lies in the collection."""
    sources = Sources(snapshot)
    known = {document.doc_id for document in snapshot.documents()}
    return {q.question_id: find_places(q, sources, snapshot, known) for q in questions}


def _own_documents(questions: Sequence[Question], snapshot: Snapshot) -> dict[str, str]:
    """Question id -> the document of that name, where the question is that document's own text.

    ArguAna asks with the text of its own documents, and a document is no answer to itself. Elsewhere an equal id is an
    accident: Cranfield numbers both queries and documents from 1.
    """
    known = {document.doc_id for document in snapshot.documents()}
    return {
        q.question_id: q.question_id
        for q in questions
        if q.question_id in known and snapshot.document(q.question_id).text.split() == q.text.split()
    }


# ---- Rankings


def run_setting(
    setting: Setting,
    questions: Sequence[Question],
    collection: Collection,
    encoder: Encoder,
    reader: AnyReader | None,
    *,
    level: Level = Level.DOCUMENT,
    vectors: Vectors | None = None,
    timed: bool = False,
    progress: Progress | None = None,
) -> Run:
    """The rankings of one setting. reader: needed where it orders. vectors: of the questions, where they are known.

    timed: whether some questions are searched once more, alone, to take the time.
    Raises ValueError where a reader is needed and absent.
    """
    if setting.read and reader is None:
        raise ValueError(f"setting '{setting.name}' needs a reader")
    report = progress or silent
    rankings: dict[str, Scored] = {}
    known = encoder.encode([q.text for q in questions]) if vectors is None else vectors
    with collection.reading() as snapshot:
        if setting.run is not None:
            return _read_run(setting.name, setting.run, questions, snapshot)
        sources = Sources(snapshot)
        own = _own_documents(questions, snapshot)
        copies = cache(snapshot.copies)  # the same documents are found again and again
        for done, (question, vector) in enumerate(zip(questions, known, strict=True), 1):
            without = own.get(question.question_id)
            found = find_hits(setting, question.text, snapshot, sources, encoder, reader=reader, vector=vector)
            if setting.read or any(hit.exact for hit in found):
                found = scored_by_rank(found)
            hits = under_all_names(found, copies)
            rankings[question.question_id] = rank_units(hits, level, sources, without=without, depth=DEPTH)
            report(setting.name, done, len(questions))
        seconds = _seconds(setting, questions[:_TIMED], snapshot, encoder, reader) if timed else ()
    return Run(setting.name, rankings, seconds)


def find_hits(
    setting: Setting,
    text: str,
    snapshot: Snapshot,
    sources: Sources,
    encoder: Encoder,
    *,
    reader: AnyReader | None = None,
    vector: Vectors | None = None,
    k: int = _PASSAGES,
    filters: Filters | None = None,
) -> list[Hit]:
    """The at most k passages that a setting finds for a question, best first."""
    hits = retrieve(
        snapshot, encoder, text, k, way=setting.way, candidates=max(k, 1), document_weight=setting.document,
        exact=setting.exact, vector=vector, filters=filters,
    )  # fmt: skip
    if setting.read and reader is not None:
        return in_reading_order(text, hits, sources, reader)
    return hits


def under_all_names(hits: Sequence[Hit], copies: Callable[[str], Sequence[str]]) -> list[Hit]:
    """Each hit under every document that has its text: the judgements know them all, the collection stores one.

    copies: the other names of a document, as the snapshot gives them.
    """
    named = []
    for hit in hits:
        others = copies(hit.passage.doc_id)
        named += [hit, *(replace(hit, passage=replace(hit.passage, doc_id=name)) for name in others)]
    return named


def _seconds(
    setting: Setting, questions: Sequence[Question], snapshot: Snapshot, encoder: Encoder, reader: AnyReader | None
) -> tuple[float, ...]:
    """Seconds from the words to the hits, one question at a time, as `pilcrow search` does it."""
    seconds = []
    for question in questions:
        began = perf_counter()
        find_hits(setting, question.text, snapshot, Sources(snapshot), encoder, reader=reader, k=DEPTH)
        seconds.append(perf_counter() - began)
    return tuple(seconds)


def _read_run(name: str, path: Path, questions: Sequence[Question], snapshot: Snapshot) -> Run:
    """Somebody else's rankings, cut to the same depth; a question that they lack gets none."""
    names = [document.doc_id for document in snapshot.documents()]
    run = read_run(path, queries=[q.question_id for q in questions], documents=names)
    return Run(name, {q.question_id: run.get(q.question_id, [])[:DEPTH] for q in questions})


def frames(
    questions: Sequence[Question],
    places: Mapping[str, Places],
    collection: Collection,
    encoder: Encoder,
    *,
    level: Level = Level.DOCUMENT,
    vectors: Vectors | None = None,
    bm25: Run | None = None,
) -> list[Run]:
    """Random order and BM25 alone from below, the gold put first from above. bm25: where it was run already.

    Random: seeded by the question's id. Oracle: what is relevant and in the collection, highest grade first.
    """
    with collection.reading() as snapshot:
        units = _all_units(snapshot, level)
        own = _own_documents(questions, snapshot)
        random = {q.question_id: _shuffled(q.question_id, units, own.get(q.question_id)) for q in questions}
    known = set(units)
    oracle = {
        q.question_id: ranked({
            unit: float(grade) for unit, grade in places[q.question_id].relevance(level).items() if unit in known
        })[:DEPTH]
        for q in questions
    }  # fmt: skip
    if bm25 is None:
        bm25 = run_setting(Setting("", Way.LEXICAL), questions, collection, encoder, None, level=level, vectors=vectors)
    return [Run(Frame.RANDOM, random), replace(bm25, name=Frame.BM25), Run(Frame.ORACLE, oracle)]


def _all_units(snapshot: Snapshot, level: Level) -> list[str]:
    if level is Level.DOCUMENT:
        return [document.doc_id for document in snapshot.documents()]
    sources = Sources(snapshot)
    return list(
        dict.fromkeys(
            unit
            for document in snapshot.documents()
            for passage in snapshot.passages_of(document.doc_id)
            for unit in units_of(passage, level, sources)
        )
    )


def _shuffled(question_id: str, units: Sequence[str], without: str | None) -> Scored:
    seed = int.from_bytes(hashlib.sha256(question_id.encode()).digest()[:8], "big")
    places = np.random.default_rng(seed).permutation(len(units))[: DEPTH + 1]
    chosen = [units[place] for place in places if units[place] != without][:DEPTH]
    return [(unit, float(DEPTH - rank)) for rank, unit in enumerate(chosen)]


def ids(run: Run) -> dict[str, Ranking]:
    """Question id -> unit ids, best first: what the measures take."""
    return {question: [unit for unit, _ in ranking] for question, ranking in run.rankings.items()}


def silent(_step: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


def mean_or_nan(values: Sequence[float]) -> float:
    """The mean of the values that are numbers; nan where there are none."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
