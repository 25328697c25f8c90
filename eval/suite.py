"""Our own suite: every measure on every test collection below a folder, into results files and the README's tables.

    pilcrow eval suite DATA --save

What it looks for below DATA, whatever the folders are called: BEIR folders (corpus.jsonl with queries.jsonl), files of
SQuAD's form, JSON lines of judged claims, and folders of web pages with their marked text. Folders named `train` are
passed over. The bundled sample is always asked.

Collections and runs are kept in a cache, by data, models and code: what has not changed is not embedded or ranked
again. What is timed (answers) is never taken from the cache.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter

from eval.answer_runs import ask_questions, score_answers
from eval.datasets import BadDataset, ReadingDataset, read_beir, read_squad
from eval.figures import Figures, answer_figures, finite, reading_figures, retrieval_figures, support_figures
from eval.measured import code_sha256, kept_folder
from eval.questions import QuestionSet, of_beir, of_squad, sample_questions
from eval.reading_runs import evaluate_reading
from eval.report import RESULTS, data_sha256, save_result
from eval.runs import KeepRun, Progress, Run, collection_of, evaluate_retrieval, places_of
from eval.support_runs import evaluate_support, read_claims
from eval.tables import DOCUMENTS, write_tables
from index.embedding import Encoder
from rag.reading import Reader
from rag.training import CALIBRATION_ARTICLES

SAMPLE = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """One result: its name without the kind, its figures, what made it, and the seconds that it took."""

    kind: str
    name: str
    figures: Figures
    command: str
    data: Path
    model_sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """What lies below a folder."""

    beir: tuple[Path, ...]
    squad: tuple[Path, ...]
    claims: tuple[Path, ...]
    pages: tuple[Path, ...] = ()


def find_data(folder: Path) -> Found:
    """The test collections below a folder, by name. Raises BadDataset where there is none, or no such folder."""
    if not folder.is_dir():
        raise BadDataset(f"'{folder}' is not a folder; name one with test collections below it")
    paths = [p for p in sorted(folder.rglob("*.json*")) if "train" not in p.relative_to(folder).parts[:-1]]
    found = Found(
        tuple(p.parent for p in paths if p.name == "corpus.jsonl" and (p.parent / "queries.jsonl").is_file()),
        tuple(p for p in paths if p.suffix == ".json" and _is_squad(p)),
        tuple(p for p in paths if p.suffix == ".jsonl" and _is_claims(p)),
        tuple(p.parent for p in paths if p.name == "ground-truth.json" and (p.parent / "html").is_dir()),
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


def run_suite(
    folder: Path, encoder: Encoder, reader: Reader, cache: Path, *, progress: Progress | None = None
) -> Iterator[Part]:
    """Each part as it is done: retrieval, reading, answers, support, cleaning, and answers on the sample.

    cache: where collections and runs are kept. Raises BadDataset where there is nothing to measure.
    """
    found = find_data(folder)
    cache.mkdir(parents=True, exist_ok=True)
    for path in found.beir:
        yield _timed(partial(_retrieval, path, encoder, reader, cache, progress))
    answers = partial(_answers, encoder=encoder, reader=reader, cache=cache, progress=progress)
    for path in found.squad:
        dataset, calibration = _held_out(path)
        yield _timed(partial(_reading, dataset, calibration, reader))
        asked = of_squad(dataset).sampled(SAMPLE)
        yield _timed(partial(answers, asked, _name(dataset), _command("answers", dataset)))
    for path in found.claims:
        yield _timed(partial(_support, path, encoder))
    for path in found.pages:
        yield _timed(partial(_cleaning, path, progress))
    yield _timed(partial(answers, sample_questions(), "sample", "pilcrow eval answers sample"))


def _timed(measure: Callable[[], Part]) -> Part:
    began = perf_counter()
    return replace(measure(), seconds=perf_counter() - began)


def _retrieval(folder: Path, encoder: Encoder, reader: Reader, cache: Path, progress: Progress | None) -> Part:
    dataset = read_beir(folder)
    scores = evaluate_retrieval(
        dataset,
        encoder,
        reader=reader,
        folder=kept_folder(cache, of_beir(dataset), encoder),
        kept=_keep_runs(cache, folder, encoder, reader),
        progress=progress,
    )
    command = f"pilcrow eval retrieval {dataset.name} --split test --read"
    return Part("retrieval", dataset.name, retrieval_figures(scores), command, folder, encoder.identity.weights, 0.0)


def _keep_runs(cache: Path, data: Path, encoder: Encoder, reader: Reader) -> KeepRun:
    """Runs as files of the cache, named after all that decides them: the code, the models, the data, the setting."""
    made_of = (code_sha256(), data_sha256(data), encoder.identity.weights, str(encoder.max_length), reader.sha256)

    def keep(name: str, make: Callable[[], Run]) -> Run:
        key = hashlib.sha256(" ".join((*made_of, name)).encode()).hexdigest()[:16]
        path = cache / f"{data.name}-{key}.json"
        if not path.is_file():
            made = make()
            partly = path.with_suffix(".partial")  # a run that was cut off must not look whole
            partly.write_text(json.dumps({"name": made.name, "rankings": made.rankings}), encoding="utf-8")
            partly.replace(path)
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Run(kept["name"], {q: [(unit, score) for unit, score in found] for q, found in kept["rankings"].items()})

    return keep


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


def _reading(dataset: ReadingDataset, calibration: ReadingDataset | None, reader: Reader) -> Part:
    """The paragraph given; the threshold chosen on other articles where there are such."""
    chosen = evaluate_reading(calibration.sampled(SAMPLE), reader).threshold if calibration else None
    scores = evaluate_reading(dataset.sampled(SAMPLE), reader, threshold=chosen)
    more = ("--threshold", f"{chosen:.4f}") if chosen is not None else ()
    command = _command("reading", dataset, *more)
    return Part("reading", _name(dataset), reading_figures(scores), command, dataset.path, reader.sha256, 0.0)


def _answers(
    questions: QuestionSet,
    name: str,
    command: str,
    *,
    encoder: Encoder,
    reader: Reader,
    cache: Path,
    progress: Progress | None,
) -> Part:
    folder = kept_folder(cache, questions, encoder)
    with collection_of(questions, encoder, folder=folder, progress=progress) as collection:
        with collection.reading() as snapshot:
            places = places_of(questions.questions, snapshot)
        asked = ask_questions(questions.questions, places, collection, encoder, reader, progress=progress)
    figures = answer_figures(score_answers(asked, places))
    return Part("answers", name, figures, command, questions.path, reader.sha256, 0.0)


def _support(path: Path, encoder: Encoder) -> Part:
    from rag.support import SUPPORTED, bundled_support

    judge = bundled_support()
    scores = evaluate_support(read_claims(path), judge, encoder, threshold=SUPPORTED)
    name = path.stem.replace("_", "-")
    figures = finite(support_figures(scores))
    return Part("support", name, figures, f"pilcrow eval support {path.name}", path, judge.sha256, 0.0)


def _cleaning(folder: Path, progress: Progress | None) -> Part:
    from eval.cleaning import evaluate_cleaning, read_pages, scores_json
    from index.cleaner import BUNDLED_CLEANER

    scores = evaluate_cleaning(read_pages(folder), progress=lambda n, of, _: progress and progress("cleaning", n, of))
    name = folder.resolve().name
    command = f"pilcrow eval cleaning {name}"
    return Part("cleaning", name, dict(scores_json(scores)), command, folder, data_sha256(BUNDLED_CLEANER), 0.0)


def save_parts(parts: list[Part], results: Path = RESULTS, documents: Sequence[Path] = DOCUMENTS) -> None:
    """The parts as results files, in place of those of their kinds from before, and the documents' tables from them."""
    for kind in {part.kind for part in parts}:
        for old in results.glob(f"{kind}-*.json"):
            old.unlink()
    for part in parts:
        save_result(
            f"{part.kind}-{part.name}", part.figures, command=part.command, data=part.data,
            model_sha256=part.model_sha256, folder=results,
        )  # fmt: skip
    write_tables(documents, results)
