"""Our own suite: every measure on every test collection below a folder, into results files and the tables made of them.

    pilcrow eval suite DATA --save

What it looks for below DATA, whatever the folders are called: BEIR folders (corpus.jsonl with queries.jsonl), files of
SQuAD's form, JSON lines of judged claims, and folders of web pages with their marked text. Folders named `train` are
passed over, but for their texts, which are looked at for what cleaning would lose. The bundled sample is always asked.

Whatever was measured stays in a cache (`kept.py`), question by question, under all that decides it: the code that
measures, models, data, libraries. What is there is not measured again, and the results file then says where and when
it was: that goes for durations above all.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from eval import SAMPLE_SIZE
from eval.gold.datasets import BadDataset, ReadingDataset, read_beir, read_squad
from eval.gold.questions import QuestionSet, of_beir, of_squad, sample_questions
from eval.report.figures import Figures, answer_figures, finite, reading_figures, retrieval_figures, support_figures
from eval.report.kept import MeasurementCache, code_sha256, kept_folder
from eval.report.results import RESULTS, Origin, data_sha256, save_result
from eval.report.tables import DOCUMENTS, write_tables
from eval.runs.answers import Row, ask_questions, peak_memory_bytes, rows_of, score_rows
from eval.runs.cleaning import (
    Cleaned,
    Lost,
    body_texts,
    clean_pages,
    lost_json,
    lost_words,
    read_pages,
    score_cleaning,
    scores_json,
)
from eval.runs.rankings import Progress, collection_of, places_of, silent
from eval.runs.reading import Read, read_questions, score_reading
from eval.runs.retrieval import evaluate_retrieval
from eval.runs.support import Verdicts, judge_claims, read_claims, score_support
from index.cleaning.cleaner import BUNDLED_CLEANER
from index.encoder.embedding import Encoder
from index.encoder.engine import fastest_precision
from rag.reading.reader import AnyReader
from rag.training.question_sets import CALIBRATION_ARTICLES


@dataclass(frozen=True, slots=True)
class Part:
    """One result: its name without the kind, its figures, and what made it.

    origins: where and when what the figures are made of was measured. seconds: that the suite took for it now.
    """

    kind: str
    name: str
    figures: Figures
    command: str
    data: Path
    model_sha256: str
    origins: Sequence[Origin]
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What lies below a folder. body: BEIR folders and SQuAD files, training ones too, whose texts are all body."""

    beir: tuple[Path, ...]
    squad: tuple[Path, ...]
    claims: tuple[Path, ...]
    pages: tuple[Path, ...]
    body: tuple[Path, ...]


def find_data(folder: Path) -> Found:
    """The test collections below a folder, by name. Raises BadDataset where there is none, or no such folder."""
    if not folder.is_dir():
        raise BadDataset(f"'{folder}' is not a folder; name one with test collections below it")
    everything = sorted(folder.rglob("*.json*"))
    paths = [p for p in everything if "train" not in p.relative_to(folder).parts[:-1]]
    beir = [p.parent for p in paths if p.name == "corpus.jsonl" and (p.parent / "queries.jsonl").is_file()]
    squad = [p for p in everything if p.suffix == ".json" and _is_squad(p)]
    found = Found(
        tuple(beir),
        tuple(p for p in squad if p in paths),
        tuple(p for p in paths if p.suffix == ".jsonl" and _is_claims(p)),
        tuple(p.parent for p in paths if p.name == "ground-truth.json" and (p.parent / "html").is_dir()),
        (*beir, *squad),
    )
    if not any((found.beir, found.squad, found.claims, found.pages)):
        raise BadDataset(
            f"nothing to measure below '{folder}': no BEIR folder, file of SQuAD's form, judged claims or marked pages"
        )
    return found


def _is_squad(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(content, dict) and isinstance(content.get("data"), list)


def _is_claims(path: Path) -> bool:
    with path.open("rb") as file:
        line = file.readline()
    try:
        row = json.loads(line)
    except ValueError:
        return False
    return isinstance(row, dict) and "claim" in row and bool({"references", "evidence"} & set(row))


class _Suite:
    """What every part of the suite needs: models, the cache, and who is told how far it is."""

    def __init__(self, encoder: Encoder, reader: AnyReader, cache: Path, progress: Progress | None) -> None:
        self.encoder, self.reader, self.cache = encoder, reader, cache
        self.progress: Progress = progress or silent
        self.models = (encoder.identity.weights, encoder.identity.precision, str(encoder.max_length), reader.sha256,
                       fastest_precision())  # fmt: skip

    def kept(self, name: str, data: Path, code: str, *more: str) -> MeasurementCache:
        """Where the values of one part are. code: the module that measures. more: what else decides them."""
        return MeasurementCache(self.cache, name, (code_sha256(code), data_sha256(data), *self.models, *more))

    def retrieval(self, folder: Path) -> Part:
        """Rankings of a BEIR folder."""
        asked = of_beir(read_beir(folder))
        kept = self.kept(asked.name, folder, "eval.runs.retrieval")
        where = kept_folder(self.cache, asked, self.encoder)
        scores = evaluate_retrieval(
            asked, self.encoder, reader=self.reader, folder=where, kept=kept, progress=self.progress
        )
        command = f"pilcrow eval retrieval {asked.name} --split test --read"
        figures = retrieval_figures(scores)
        return Part("retrieval", asked.name, figures, command, folder, self.encoder.identity.weights, kept.origins)

    def reading(self, dataset: ReadingDataset, calibration: ReadingDataset | None) -> Part:
        """The paragraph given; the threshold chosen on other articles where there are such."""
        kept = self.kept(f"reading-{dataset.name}", dataset.path, "eval.runs.reading")

        def read(asked: ReadingDataset) -> list[Read]:
            def make() -> list[tuple[str, float]]:
                found = read_questions(asked, self.reader, progress=partial(self.progress, "reading"))
                return [(one.text, one.probability) for one in found]

            return [Read(*one) for one in kept(_digest(q.question_id for q in asked.questions), make)]

        chosen = None
        if calibration:
            sample = calibration.sampled(SAMPLE_SIZE)
            chosen = score_reading(sample, read(sample)).threshold
        asked = dataset.sampled(SAMPLE_SIZE)
        figures = reading_figures(score_reading(asked, read(asked), threshold=chosen))
        command = _command("reading", dataset, *(("--threshold", f"{chosen:.4f}") if chosen is not None else ()))
        return Part("reading", _name(dataset), figures, command, dataset.path, self.reader.sha256, kept.origins)

    def answers(self, questions: QuestionSet, name: str, command: str) -> Part:
        """The whole line on questions."""
        kept = self.kept(f"answers-{name}", questions.path, "eval.runs.answers")

        def make() -> dict[str, Any]:
            folder = kept_folder(self.cache, questions, self.encoder)
            with collection_of(questions, self.encoder, folder=folder, progress=self.progress) as collection:
                with collection.reading() as snapshot:
                    places = places_of(questions.questions, snapshot)
                asked = ask_questions(
                    questions.questions, places, collection, self.encoder, self.reader, progress=self.progress
                )
            return {"rows": [asdict(row) for row in rows_of(asked, places)], "memory": peak_memory_bytes()}

        measured = kept(_digest(q.question_id for q in questions.questions), make)
        scores = score_rows([Row(**row) for row in measured["rows"]], memory=measured["memory"])
        return Part("answers", name, answer_figures(scores), command, questions.path, self.reader.sha256, kept.origins)

    def support(self, path: Path) -> Part:
        """Judged claims."""
        from rag.citations import SUPPORTED_FROM
        from rag.support.model import bundled_support

        judge, claims = bundled_support(), read_claims(path)
        name = path.stem.replace("_", "-")
        kept = self.kept(f"support-{name}", path, "eval.runs.support", judge.sha256, str(judge.calibration))
        told = partial(self.progress, "judging")
        verdicts = Verdicts(**kept("", lambda: asdict(judge_claims(claims, judge, self.encoder, progress=told))))
        figures = finite(support_figures(score_support(claims, verdicts, threshold=SUPPORTED_FROM)))
        return Part("support", name, figures, f"pilcrow eval support {path.name}", path, judge.sha256, kept.origins)

    def cleaning(self, folder: Path) -> Part:
        """Pages with their marked text."""
        name = folder.resolve().name
        kept = self.kept(f"cleaning-{name}", folder, "eval.runs.cleaning")

        def make() -> Cleaned:
            return clean_pages(read_pages(folder), progress=lambda n, of, _: self.progress("cleaning", n, of))

        figures = dict(scores_json(score_cleaning(kept("", make))))
        command = f"pilcrow eval cleaning {name}"
        return Part("cleaning", name, figures, command, folder, data_sha256(BUNDLED_CLEANER), kept.origins)

    def furniture(self, path: Path) -> Part:
        """What would be lost of texts that are all body."""
        name = path.resolve().stem.replace("_", "-")
        kept = self.kept(f"furniture-{name}", path, "eval.runs.cleaning")
        figures = dict(lost_json(Lost(**kept("", lambda: asdict(lost_words(body_texts(path)))))))
        command = f"pilcrow eval cleaning {path.resolve().name}"
        return Part("furniture", name, figures, command, path, data_sha256(BUNDLED_CLEANER), kept.origins)


def run_suite(
    folder: Path, encoder: Encoder, reader: AnyReader, cache: Path, *, progress: Progress | None = None
) -> Iterator[Part]:
    """Each part as it is done: retrieval, reading, answers, support, cleaning, and answers on the sample.

    cache: where collections, and whatever was measured, are kept. Raises BadDataset where there is nothing to measure.
    """
    found = find_data(folder)
    cache.mkdir(parents=True, exist_ok=True)
    suite = _Suite(encoder, reader, cache, progress)
    parts: list[Callable[[], Part]] = [partial(suite.retrieval, path) for path in found.beir]
    for path in found.squad:
        dataset, calibration = _held_out(path)
        asked = of_squad(dataset).sampled(SAMPLE_SIZE)
        parts.append(partial(suite.reading, dataset, calibration))
        parts.append(partial(suite.answers, asked, _name(dataset), _command("answers", dataset)))
    parts += [partial(suite.support, path) for path in found.claims]
    parts += [partial(suite.cleaning, path) for path in found.pages]
    parts += [partial(suite.furniture, path) for path in found.body]
    parts.append(partial(suite.answers, sample_questions(), "sample", "pilcrow eval answers sample"))
    for measure in parts:
        began = perf_counter()
        yield replace(measure(), seconds=perf_counter() - began)


def _digest(words: Iterable[str]) -> str:
    """One word that stands for many, in their order."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _held_out(path: Path) -> tuple[ReadingDataset, ReadingDataset | None]:
    """What is reported on, and what the threshold is chosen on.

    Of a file that holds articles which the reader that ships was kept from, only these: the rest may be known to it.
    """
    whole = read_squad(path)
    titles = {title.replace(" ", "_") for title in whole.titles}
    calibration, reported = CALIBRATION_ARTICLES
    if not titles.issuperset((*calibration, *reported)):
        return whole, None
    return read_squad(path, reported), read_squad(path, calibration)


def _name(dataset: ReadingDataset) -> str:
    return f"{dataset.name.replace('_', '-')}-held-out" if _reported(dataset) else dataset.name.replace("_", "-")


def _reported(dataset: ReadingDataset) -> list[str]:
    """The articles that the questions are on, where they are the reported ones."""
    asked = {dataset.titles[q.paragraph].replace(" ", "_") for q in dataset.questions}
    return sorted(asked) if asked <= set(CALIBRATION_ARTICLES[1]) else []


def _command(kind: str, dataset: ReadingDataset, *more: str) -> str:
    articles = [word for title in _reported(dataset) for word in ("--article", title)]
    return " ".join(["pilcrow", "eval", kind, dataset.path.name, *articles, *more])


def save_parts(parts: list[Part], results: Path = RESULTS, documents: Sequence[Path] = DOCUMENTS) -> None:
    """The parts as results files, in place of those of their kinds from before, and the documents' tables from them."""
    for kind in {part.kind for part in parts}:
        for old in results.glob(f"{kind}-*.json"):
            old.unlink()
    for part in parts:
        save_result(
            f"{part.kind}-{part.name}", part.figures, command=part.command, data=part.data,
            model_sha256=part.model_sha256, kept_from=part.origins, folder=results,
        )  # fmt: skip
    write_tables(documents, results)
