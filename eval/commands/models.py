"""`pilcrow eval support|confidence|speed|cleaning`: the commands that measure a model or a machine, not questions."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from eval import SAMPLE_SIZE
from eval.commands.shared import (
    FullOption,
    ReaderOption,
    SaveOption,
    as_typed,
    reader_in,
    report_figures,
)
from rag.commands.console import JsonOption, progress_bar


def support_command(
    path: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Rows of claim, references, attribution_label.")],
    model: Annotated[
        Path | None, typer.Option("--model", metavar="DIR", help="A support model's folder. [default: the bundled one]")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Of the support. [default: the one that makes a claim supported]")
    ] = None,
    pages: Annotated[bool, typer.Option("--pages", help="WiCE: whole pages, not what a citation would quote.")] = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Balanced accuracy and AUROC of support, beside the cosine's, at its best threshold on these very claims."""
    from eval.report.figures import support_figures
    from eval.runs.support import evaluate_support, read_claims
    from index.encoder.embedding import bundled_folder, open_encoder
    from rag.citations import SUPPORTED_FROM
    from rag.support.model import SupportModel, bundled_support

    claims = read_claims(path, pages=pages)
    judge = SupportModel.open(model, bundled_folder()) if model else bundled_support()
    with progress_bar("judging") as progress:
        scores = evaluate_support(
            claims,
            judge,
            open_encoder(),
            threshold=SUPPORTED_FROM if threshold is None else threshold,
            progress=lambda n, total: progress(n, total, ""),
        )
    command = as_typed("support", path, threshold=threshold) + (" --pages" if pages else "")
    report_figures(
        support_figures(scores),
        "support",
        save=save,
        command=command,
        data=path,
        model_sha256=judge.sha256,
        as_json=as_json,
    )


def confidence_command(
    path: Annotated[
        Path, typer.Argument(metavar="DATA", help="Questions to fit on: SQuAD's .json, or a folder of such files.")
    ],
    report_on: Annotated[
        Path, typer.Option("--report-on", metavar="DATA", help="Questions on other documents, to report on.")
    ],
    beside: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Documents among which those of DATA are to be found; may be given again."),
    ] = None,
    reader: ReaderOption = None,
    full: FullOption = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the confidence of an answer on some questions, and show on others whether it can be trusted."""
    from eval.gold.questions import read_question_set
    from eval.runs.confidence import abstained, examples_of, fit, reliability
    from index.encoder.embedding import open_encoder

    model, encoder = reader_in(reader), open_encoder()
    found = []
    for data in (path, report_on):
        questions = read_question_set(data).sampled(None if full else SAMPLE_SIZE // 2)
        with progress_bar("reading") as progress:
            found.append(
                examples_of(
                    questions, encoder, model, beside=beside or (),
                    progress=lambda step, n, total: progress(n, total, step),
                )
            )  # fmt: skip
    fitted = fit(found[0])
    figures = {
        "questions": len(found[1]),
        "weights": fitted.named(),
        "threshold": fitted.threshold,
        "abstained": abstained(found[1], fitted),
        "reliability": reliability(found[1], fitted),
    }
    words = ["--report-on", report_on.name, *(word for file in beside or () for word in ("--beside", file.name))]
    command = shlex.join(["pilcrow", "eval", "confidence", path.name, *words, *(["--full"] if full else [])])
    report_figures(
        figures, "confidence", save=save, command=command, data=path, model_sha256=model.sha256, as_json=as_json
    )


def speed_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH...]", help="Files and folders to index, not the sample.")
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Encode the same passages with sentence-transformers, to compare.")
    ] = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import, load, indexing, answers, memory and bytes on this machine; for a bug report, or to compare two."""
    from eval.runs.speed import measure_speed
    from index import SAMPLE
    from index.encoder.embedding import BUNDLED_SHA256

    with progress_bar("measuring") as progress:
        figures = measure_speed(paths or (), reference=reference, progress=progress)
    arguments = shlex.join(
        ["pilcrow", "eval", "speed", *(path.name for path in paths or ()), *(["--reference"] if reference else [])]
    )
    data = paths[0] if paths else SAMPLE
    report_figures(
        figures, "speed", save=save, command=arguments, data=data, model_sha256=BUNDLED_SHA256, as_json=as_json
    )


def cleaning_command(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A folder of html/*.html.gz and ground-truth.json; or a BEIR folder or SQuAD's .json."
        ),
    ],
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Precision, recall and F1 of what is kept of flattened pages, beside keeping all and trafilatura on the HTML.

    Of texts that are all body, a BEIR folder's or a SQuAD file's: the share of words that is taken for furniture.
    """
    from eval.report.results import data_sha256
    from eval.runs.cleaning import body_texts, evaluate_cleaning, lost_json, lost_words, read_pages, scores_json
    from index.cleaning.cleaner import BUNDLED_CLEANER

    if path.is_file() or (path / "corpus.jsonl").is_file():
        kind, figures = "furniture", dict(lost_json(lost_words(body_texts(path))))
    else:
        with progress_bar("cleaning") as progress:
            kind, figures = "cleaning", dict(scores_json(evaluate_cleaning(read_pages(path), progress=progress)))
    command = shlex.join(["pilcrow", "eval", "cleaning", path.resolve().name])
    report_figures(
        figures, kind, save=save, command=command, data=path, model_sha256=data_sha256(BUNDLED_CLEANER), as_json=as_json
    )
