"""Settings measured on the same questions: what `pilcrow eval compare` prints, keeps and shows.

Brings together what others own: the rankings (`runs.py`), the answers (`answer_runs.py`), the measures, the paired
statistics (`comparison.py`) and where each miss was lost (`diagnosis.py`).
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eval.compare.diagnosis import Loss, lost_in_answer, lost_in_search
from eval.compare.shown import UnitText, gold_units, show_units
from eval.gold.datasets import BadDataset
from eval.gold.places import Level, Places
from eval.gold.questions import Question, QuestionSet
from eval.measures.differences import Difference, Interval, Sample, bootstrap_interval, compare_with
from eval.measures.ranking import measure_named
from eval.report.kept import kept_folder
from eval.runs.answers import ANSWER_MEASURES, AnswerScores, Asked, answer_frames, ask_questions, score_answers
from eval.runs.rankings import Progress, Run, collection_of, frames, ids, places_of, run_setting
from eval.runs.settings import BadSetting, Setting, encoder_of
from index.address import Place
from index.collection import Collection
from index.encoder.embedding import BUNDLED, Encoder, Vectors
from rag.reading.reader import Reader
from rag.retrieval import Way

RANKING_MEASURES = ("nDCG@10", "Recall@10", "Recall@100", "Precision@10", "MRR@10", "MAP@100", "Success@1")
# Where the curve of recall is drawn.
RECALL_AT = (1, 2, 3, 5, 10, 20, 50, 100)
# Questions of a setting that are shown, the worst first; units of each ranking; questions won and lost.
SHOWN_QUESTIONS = 12
SHOWN_UNITS = 3
SHOWN_MOVED = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """One setting, or one frame.

    samples: measure -> (n,), one number a question, nan where the measure does not apply to it. intervals: of their
    means, with 95%. recall: (k, Recall@k). asked: the answers, where they were asked for, and scores: what they score.
    """

    name: str
    run: Run | None
    samples: Mapping[str, Sample]
    intervals: Mapping[str, Interval]
    recall: tuple[tuple[int, float], ...] = ()
    asked: tuple[Asked, ...] = ()
    scores: AnswerScores | None = None

    @property
    def is_frame(self) -> bool:
        """Whether it only frames the others."""
        return self.name.startswith("frame: ")

    @property
    def seconds(self) -> tuple[float, ...]:
        """Of its timed questions: from the words to the hits, or to the answer where answers were asked for."""
        if self.asked:
            return tuple(a.answer.seconds["total"] for a in self.asked)
        return self.run.seconds if self.run else ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that was measured; the first setting is the baseline. measure: what the differences are of.

    losses: for each setting, question id -> where its gold was lost. shown: unit id -> its text, for those displayed.
    """

    questions: QuestionSet
    level: Level
    measure: str
    measured: tuple[Measured, ...]
    differences: tuple[Difference, ...]
    places: Mapping[str, Places]
    losses: Mapping[str, Mapping[str, Loss]]
    shown: Mapping[str, UnitText] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def settings(self) -> list[Measured]:
        """Those that were asked for."""
        return [m for m in self.measured if not m.is_frame]

    @property
    def frames(self) -> list[Measured]:
        """Those that frame them."""
        return [m for m in self.measured if m.is_frame]


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A collection with what every setting on it needs: the questions' vectors and places, and both legs' rankings."""

    collection: Collection
    encoder: Encoder
    vectors: Vectors
    places: Mapping[str, Places]
    legs: tuple[Run, Run]


def compare_settings(
    questions: QuestionSet,
    settings: Sequence[Setting],
    reader: Reader,
    *,
    measure: str | None = None,
    level: Level = Level.DOCUMENT,
    answers: bool = False,
    asked: Place | None = None,
    cache: Path | None = None,
    encoder: str = BUNDLED,
    progress: Progress | None = None,
) -> Comparison:
    """Each setting on all questions, between frames, the first one the baseline of the differences.

    measure: of the differences; nDCG@10, or with answers F1, or First citation where no answer is known in words.
    answers: whether each question is answered, too.
    asked: the collection, where the questions bring no documents. cache: where collections are kept, by what made them.
    encoder: of settings that name none. Raises BadSetting for no setting, a name given twice or an unknown measure;
    BadDataset where no question has gold on this level.
    """
    measure = _checked(settings, measure, answers, questions)
    measured: dict[str, Measured] = {}
    losses: dict[str, dict[str, Loss]] = {}
    opened: dict[tuple[str | None, int | None], _Indexed] = {}
    with ExitStack() as stack:
        for setting in settings:
            if setting.indexed_as not in opened:
                model = encoder_of(setting, encoder)
                folder = kept_folder(cache, questions, model) if cache else None
                collection = stack.enter_context(
                    collection_of(questions, model, asked=asked, folder=folder, progress=progress)
                )
                opened[setting.indexed_as] = _indexed(questions, collection, model, level)
            here = opened[setting.indexed_as]
            one = _measure(setting, questions.questions, here, reader, level=level, answers=answers, progress=progress)
            measured[setting.name] = one
            losses[setting.name] = _losses(one, setting, questions.questions, here, level)
        first = opened[settings[0].indexed_as]
        shown = _shown(list(measured.values()), measure, questions.questions, first)
        differences = compare_with(settings[0].name, {name: m.samples[measure] for name, m in measured.items()})
        framing = _frames(questions.questions, first, reader, level=level, answers=answers, progress=progress)
    return Comparison(
        questions, level, measure, (*measured.values(), *framing), tuple(differences), first.places, losses, shown,
        _notices(questions.questions, first.places),
    )  # fmt: skip


def _checked(settings: Sequence[Setting], measure: str | None, answers: bool, questions: QuestionSet) -> str:
    """The measure of the differences."""
    names = [setting.name for setting in settings]
    if not names or len(set(names)) != len(names):
        raise BadSetting(f"give each setting once, and at least one; given: {', '.join(names) or 'none'}")
    if answers and any(setting.run for setting in settings):
        raise BadSetting("a run from a file holds no passages to answer from; leave out --answers")
    in_words = any(question.references for question in questions.questions)
    chosen = measure or (("F1" if in_words else "First citation") if answers else "nDCG@10")
    known = (*RANKING_MEASURES, *(ANSWER_MEASURES if answers else ()))
    if chosen not in known:
        raise BadSetting(f"no measure '{chosen}'; there are {', '.join(known)}")
    if chosen in ("EM", "F1") and not in_words:
        raise BadSetting(f"'{questions.path}' has no answers in words, so there is no {chosen}; try 'First citation'")
    return chosen


def _indexed(questions: QuestionSet, collection: Collection, encoder: Encoder, level: Level) -> _Indexed:
    """What all settings on a collection share. Raises BadDataset where no gold is known on the level."""
    vectors = encoder.encode([q.text for q in questions.questions])
    with collection.reading() as snapshot:
        places = places_of(questions.questions, snapshot)
    if not any(found.relevance(level) for found in places.values()):
        raise BadDataset(f"the gold of '{questions.path}' names no {level}; compare by document: --by document")
    dense, lexical = (
        run_setting(Setting(way.value, way), questions.questions, collection, encoder, None, level=level,
                    vectors=vectors) for way in (Way.DENSE, Way.LEXICAL)
    )  # fmt: skip
    return _Indexed(collection, encoder, vectors, places, (dense, lexical))


def _measure(
    setting: Setting,
    questions: Sequence[Question],
    on: _Indexed,
    reader: Reader,
    *,
    level: Level,
    answers: bool,
    progress: Progress | None,
) -> Measured:
    run = run_setting(
        setting, questions, on.collection, on.encoder, reader, level=level, vectors=on.vectors, timed=not answers,
        progress=progress,
    )  # fmt: skip
    given = None
    if answers:
        given = ask_questions(
            questions, on.places, on.collection, on.encoder, reader, setting=setting, progress=progress
        )
    return _figures(setting.name, questions, on.places, level, run, asked=given)


def _frames(
    questions: Sequence[Question],
    on: _Indexed,
    reader: Reader,
    *,
    level: Level,
    answers: bool,
    progress: Progress | None,
) -> list[Measured]:
    """Random order and BM25 from below, the gold first from above; with answers, what the reader makes of each."""
    runs = {
        run.name: run
        for run in frames(questions, on.places, on.collection, on.encoder, level=level, vectors=on.vectors)
    }
    given: dict[str, list[Asked]] = {}
    if answers:
        for frame in answer_frames():
            given[frame.name] = ask_questions(
                questions, on.places, on.collection, on.encoder, reader, setting=frame, progress=progress
            )
    return [_figures(name, questions, on.places, level, run, asked=given.get(name)) for name, run in runs.items()]


def _figures(
    name: str,
    questions: Sequence[Question],
    places: Mapping[str, Places],
    level: Level,
    run: Run,
    *,
    asked: Sequence[Asked] | None,
) -> Measured:
    """A setting's numbers by question, their means with intervals, and its curve of recall."""
    rankings = ids(run)
    relevance = [places[q.question_id].relevance(level) for q in questions]

    def sample(measure: str) -> Sample:
        of = measure_named(measure)
        return np.array([
            of(rankings.get(q.question_id, ()), grades) if grades else math.nan
            for q, grades in zip(questions, relevance, strict=True)
        ])  # fmt: skip

    samples = {measure: sample(measure) for measure in RANKING_MEASURES}
    for measure in ANSWER_MEASURES if asked else ():
        samples[measure] = np.array([a.values[measure] for a in asked or ()])
    intervals = {
        measure: bootstrap_interval(known)
        for measure, values in samples.items()
        if len(known := values[~np.isnan(values)])
    }
    recall = tuple((k, float(np.nanmean(sample(f"Recall@{k}")))) for k in RECALL_AT)
    scores = score_answers(asked, places) if asked else None
    return Measured(name, run, samples, intervals, recall, tuple(asked or ()), scores)


def _losses(
    measured: Measured, setting: Setting, questions: Sequence[Question], on: _Indexed, level: Level
) -> dict[str, Loss]:
    """Question id -> where its gold was lost; without answers only the answerable ones are asked about."""
    if measured.run is None:
        return {}
    final, dense, lexical = (ids(run) for run in (measured.run, *on.legs))
    given = {a.question.question_id: a for a in measured.asked}
    losses: dict[str, Loss] = {}
    for question in questions:
        key = question.question_id
        found = on.places[key]
        searched = Loss.NONE
        if question.gold:
            searched = lost_in_search(found, level, final.get(key, ()), dense.get(key, ()), lexical.get(key, ()))
        asked = given.get(key)
        losses[key] = lost_in_answer(asked, found, searched, passages=setting.passages) if asked else searched
    return losses


def worst(measured: Measured, measure: str, n: int = SHOWN_QUESTIONS) -> list[int]:
    """Numbers of the questions with the lowest values, the lowest first, those at the best value left out."""
    values = measured.samples[measure]
    order = [int(i) for i in np.argsort(np.nan_to_num(values, nan=np.inf), kind="stable")]
    return [i for i in order if not math.isnan(values[i]) and values[i] < 1.0][:n]


def best_setting(settings: Sequence[Measured], measure: str) -> Measured:
    """The setting with the highest mean; the first of equals."""
    return max(settings, key=lambda m: m.intervals[measure].mean if measure in m.intervals else -math.inf)


def _shown(
    settings: Sequence[Measured], measure: str, questions: Sequence[Question], on: _Indexed
) -> dict[str, UnitText]:
    """The texts of what a report displays: of the worst questions, and of those that settings won or lost most."""
    displayed = set(worst(best_setting(settings, measure), measure))
    for difference in compare_with(settings[0].name, {m.name: m.samples[measure] for m in settings}):
        displayed |= {*difference.better[:SHOWN_MOVED], *difference.worse[:SHOWN_MOVED]}
    units: list[str] = []
    for i in sorted(displayed):
        key = questions[i].question_id
        units += gold_units(on.places[key])[:SHOWN_UNITS]
        for measured in settings:
            units += [unit for unit, _ in (measured.run.rankings.get(key, ()) if measured.run else ())][:SHOWN_UNITS]
    with on.collection.reading() as snapshot:
        return show_units(units, snapshot)


def _notices(questions: Sequence[Question], places: Mapping[str, Places]) -> tuple[str, ...]:
    """What a reader of the figures should know of the data."""
    absent = sum(bool(found.absent) for found in places.values())
    unanswerable = sum(not q.answerable for q in questions)
    notices = []
    if absent:
        notices.append(f"{absent} questions have gold that the collection does not hold; it counts as never found")
    if unanswerable:
        notices.append(f"{unanswerable} questions have no answer in the documents; rankings are not scored on them")
    return tuple(notices)
