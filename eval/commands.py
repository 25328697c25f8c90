"""`pilcrow eval ...`: the commands that measure. They read arguments, call what measures, and print."""

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.console import JsonOption, SaveOption, print_json, print_line, progress_bar

if TYPE_CHECKING:
    from rag.reading import Reader

# Questions of an evaluation, where not all are asked for.
_SAMPLE = 1000

eval_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Measure retrieval and answers on test collections."
)


@eval_app.command("retrieval")
def eval_retrieval_command(
    folder: Annotated[Path, typer.Argument(metavar="BEIR_FOLDER", help="corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv")],
    split: Annotated[str, typer.Option(metavar="NAME", help="Which judgements.")] = "test",
    collection: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the indexed collection here. [default: a temporary folder]")
    ] = None,
    encoder: Annotated[str | None, typer.Option(metavar="NAME", help="A sentence-transformers folder or name.")] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the figures in eval/results, with commit and hashes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """nDCG@10, Recall@100 and MRR@10 of dense, lexical and fused retrieval on a BEIR folder."""
    from eval.datasets import read_beir
    from eval.report import save_result
    from eval.runs import evaluate_retrieval
    from index.embedding import BUNDLED, open_encoder

    dataset, model = read_beir(folder, split), open_encoder(encoder or BUNDLED, fetch=encoder is not None)
    with progress_bar("evaluating") as progress:
        scores = evaluate_retrieval(
            dataset, model, folder=collection, progress=lambda step, n, total: progress(n, total, step)
        )
    figures = {"dataset": scores.dataset, "queries": scores.queries, "settings": scores.settings}
    if save:
        command = f"pilcrow eval retrieval {scores.dataset} --split {split}"
        save_result(f"retrieval-{save}", figures, command=command, data=folder, model_sha256=model.identity.weights)
    if as_json:
        print_json(figures)
        return
    names = list(next(iter(scores.settings.values())))
    print_line(f"{scores.dataset}, {scores.queries} queries")
    print_line(" " * 10 + "".join(f"{name:>12}" for name in names))
    for setting, measures in scores.settings.items():
        print_line(f"{setting:<10}" + "".join(f"{measures[name]:>12.4f}" for name in names))


SquadArgument = Annotated[Path, typer.Argument(metavar="SQUAD.json", help="A file of SQuAD 1.1's or 2.0's form.")]
ReaderOption = Annotated[
    Path | None, typer.Option("--reader", metavar="DIR", help="A reader's folder. [default: the bundled one]")
]
ArticleOption = Annotated[
    list[str] | None,
    typer.Option("--article", metavar="TITLE", help="Only questions on this article; may be given again."),
]
FullOption = Annotated[bool, typer.Option("--full", help="All questions, not a fixed sample of 1,000.")]


@eval_app.command("reading")
def eval_reading_command(
    path: SquadArgument,
    reader: ReaderOption = None,
    article: ArticleOption = None,
    threshold: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Of the probability. [default: the best on these questions]")
    ] = None,
    full: FullOption = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """EM, F1 and AUROC of the reader with each question's paragraph given."""
    from eval.datasets import read_squad
    from eval.reading_runs import evaluate_reading

    dataset = read_squad(path, article or None).sampled(None if full else _SAMPLE)
    model = _reader(reader)
    with progress_bar("reading") as progress:
        scores = evaluate_reading(dataset, model, threshold=threshold, progress=lambda n, total: progress(n, total, ""))
    figures = {
        "questions": scores.questions,
        "answerable": {"em": scores.em, "f1": scores.f1},
        "unanswerable": {"abstained": scores.abstained},
        "all": {"em": scores.all_em, "f1": scores.all_f1},
        "auroc": scores.auroc,
        "threshold": scores.threshold,
    }
    arguments = _asked("reading", path, article, full, reader, threshold)
    _report_figures(figures, "reading", save, arguments, path, model.sha256, as_json)


@eval_app.command("answers")
def eval_answers_command(
    path: SquadArgument,
    reader: ReaderOption = None,
    article: ArticleOption = None,
    collection: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the indexed collection here. [default: a temporary folder]")
    ] = None,
    full: FullOption = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole line on questions asked over all of the file's paragraphs: answers, citations, abstention, seconds."""
    from eval.datasets import read_squad
    from eval.reading_runs import ask_all, score_answers
    from index.embedding import open_encoder

    dataset = read_squad(path, article or None).sampled(None if full else _SAMPLE)
    model = _reader(reader)
    with progress_bar("answering") as progress:
        asked = ask_all(
            dataset, open_encoder(), model, folder=collection, progress=lambda step, n, total: progress(n, total, step)
        )
    scores = score_answers(asked)
    figures = {
        "questions": scores.questions,
        "em": scores.em,
        "f1": scores.f1,
        "first_citation": scores.first_citation,
        "citations_per_answer": scores.citations_per_answer,
        "abstained": {"answerable": scores.abstained_answerable, "unanswerable": scores.abstained_unanswerable},
        "coverage_at_90": scores.coverage_at_90,
        "seconds": {"p50": scores.p50, "p95": scores.p95},
    }
    arguments = _asked("answers", path, article, full, reader)
    _report_figures(figures, "answers", save, arguments, path, model.sha256, as_json)


# ---- What they share


def _reader(folder: Path | None) -> "Reader":
    """The reader in a folder, or the bundled one."""
    from index.embedding import bundled_folder
    from rag.reading import Reader, bundled_reader

    return Reader.open(folder, bundled_folder()) if folder else bundled_reader()


def _asked(
    kind: str,
    path: Path,
    articles: Sequence[str] | None,
    full: bool,
    reader: Path | None,
    threshold: float | None = None,
) -> str:
    """An evaluation as a user would type it, with all that decides its figures."""
    words = ["pilcrow", "eval", kind, path.name]
    for title in articles or ():
        words += ["--article", title]
    words += ["--threshold", f"{threshold:.4f}"] if threshold is not None else []
    words += ["--reader", reader.name] if reader else []
    return shlex.join([*words, *(["--full"] if full else [])])


def _report_figures(
    figures: dict[str, Any], kind: str, save: str | None, command: str, data: Path, model_sha256: str, as_json: bool
) -> None:
    """Prints the figures, as JSON or a line each, and keeps them where they are to be kept."""
    from eval.report import save_result

    finite = _finite(figures)
    if save:
        save_result(f"{kind}-{save}", finite, command=command, data=data, model_sha256=model_sha256)
    if as_json:
        print_json(finite)
        return
    for name, value in finite.items():
        for part, number in value.items() if isinstance(value, dict) else [("", value)]:
            shown = "none" if number is None else f"{number:,}" if isinstance(number, int) else f"{number:.4f}"
            print_line(f"{f'{name} {part}':<26}{shown}")


def _finite(figures: dict[str, Any]) -> dict[str, Any]:
    """A figure that could not be computed, or a threshold that nothing passes, is null: JSON has no word for it."""
    return {
        name: _finite(value)
        if isinstance(value, dict)
        else None
        if isinstance(value, float) and not math.isfinite(value)
        else value
        for name, value in figures.items()
    }
