"""`pilcrow eval ...`: the commands that measure. They read arguments, call what measures, and print."""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval import SAMPLE_SIZE
from eval.commands import models as model_commands
from eval.commands.following import followups_command
from eval.commands.shared import (
    ArticleOption,
    FullOption,
    ReaderOption,
    SaveOption,
    SquadArgument,
    as_typed,
    in_checkout,
    print_figures,
    reader_in,
    report_figures,
)
from rag.commands.console import CollectionOption, JsonOption, print_json, print_line, progress_bar, say

if TYPE_CHECKING:
    from eval.compare.measured import Comparison
    from eval.gold.questions import QuestionSet
    from eval.runs.evidence import EvidenceScores
    from index.address import Place
    from index.encoder.embedding import Encoder

eval_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Measure retrieval and answers on test collections."
)


KeptOption = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="The collection that is asked, where DATA brings no documents; else where they are kept, indexed.",
    ),
]
BesideOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Documents among which those of DATA are to be found; may be given again."),
]
# What questions are read from.
QuestionsArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="BEIR folder, SQuAD's .json, .jsonl of questions, a collection's judgements.sqlite, or: sample",
    ),
]


@eval_app.command("retrieval")
def eval_retrieval_command(
    data: QuestionsArgument,
    split: Annotated[str, typer.Option(metavar="NAME", help="Which judgements of a BEIR folder.")] = "test",
    collection: KeptOption = None,
    encoder: Annotated[str | None, typer.Option(metavar="NAME", help="A sentence-transformers folder or name.")] = None,
    read: Annotated[
        bool, typer.Option("--read", help="Measure the order by reading, too, on at most 300 of the queries.")
    ] = False,
    beside: BesideOption = None,
    n: Annotated[
        int | None, typer.Option("-n", min=1, help="A fixed sample of so many questions. [default: all]")
    ] = None,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """nDCG@10, Recall@100 and MRR@10 of dense, lexical and fused retrieval on a test collection, between frames.

    Where the data marks characters, as SQuAD's files and the evidence in them do, also how far up these come: Recall@1,
    3, 8, 20 and MRR@20 among all documents and in each question's own, with and without each part of the search.
    """
    from eval.compare.text import aligned
    from eval.gold.questions import read_question_set
    from eval.report.figures import retrieval_figures
    from eval.report.results import save_result
    from eval.runs.retrieval import evaluate_retrieval
    from index.encoder.embedding import open_encoder

    questions = read_question_set(data, split=split).sampled(n)
    folder, asked = _collections(questions, collection)
    model = open_encoder(encoder, fetch=True) if encoder else _encoder(questions, collection)
    with progress_bar("evaluating") as progress:
        scores = evaluate_retrieval(
            questions,
            model,
            reader=reader_in(None) if read else None,
            collection=asked,
            folder=folder,
            beside=beside or (),
            progress=lambda step, n, total: progress(n, total, step),
        )
    figures = retrieval_figures(scores)
    if scores.absent:
        say(f"pilcrow: {scores.absent} judged documents are not in '{data}'; they count as never found")
    if save:
        of = ["--split", split] if (questions.path / "corpus.jsonl").exists() else []
        sized = [word for file in beside or () for word in ("--beside", file.name)] + (["-n", str(n)] if n else [])
        command = shlex.join(
            ["pilcrow", "eval", "retrieval", Path(data).name, *of, *(["--read"] if read else []), *sized]
        )
        weights = model.identity.weights
        save_result(f"retrieval-{save}", figures, command=command, data=questions.path, model_sha256=weights)
    if as_json:
        print_json(figures)
        return
    print_line(f"{scores.dataset}, {scores.queries} queries")
    rows = [[name, *(f"{value:.4f}" for value in measures.values())] for name, measures in scores.settings.items()]
    rows += [[name, *(f"{value:.4f}" for value in measures.values())] for name, measures in scores.frames.items()]
    for line in aligned([["", *next(iter(scores.settings.values()))], *rows]):
        print_line(line)
    if scores.order:
        print_line(f"nDCG@10 on {scores.order['questions']:.0f} queries: fused {scores.order['fused']:.4f}, "
                   f"in the order of reading {scores.order['read']:.4f}")  # fmt: skip
    for line in evidence_lines(scores.evidence):
        print_line(line)


def evidence_lines(scores: "EvidenceScores | None") -> list[str]:
    """What `eval retrieval` prints of marked evidence, as tables."""
    from eval.compare.text import aligned

    lines: list[str] = []
    for where, measured in (
        (
            (f"evidence of {scores.questions} questions among {scores.documents} documents", scores.among_all),
            ("each question asked of its own document alone", scores.in_own),
        )
        if scores
        else ()
    ):
        if measured:
            rows = [[name, *(f"{value:.3f}" for value in measures.values())] for name, measures in measured.items()]
            lines += ["", where, *aligned([["", *next(iter(measured.values()))], *rows])]
    return lines


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
    from eval.gold.datasets import read_squad
    from eval.report.figures import reading_figures
    from eval.runs.reading import evaluate_reading

    dataset = read_squad(path, article or None).sampled(None if full else SAMPLE_SIZE)
    model = reader_in(reader)
    with progress_bar("reading") as progress:
        scores = evaluate_reading(dataset, model, threshold=threshold, progress=lambda n, total: progress(n, total, ""))
    figures = reading_figures(scores)
    arguments = as_typed("reading", path, articles=article, full=full, reader=reader, threshold=threshold)
    report_figures(
        figures, "reading", save=save, command=arguments, data=path, model_sha256=model.sha256, as_json=as_json
    )


@eval_app.command("answers")
def eval_answers_command(
    path: QuestionsArgument,
    reader: ReaderOption = None,
    article: ArticleOption = None,
    collection: KeptOption = None,
    of_document: Annotated[
        bool, typer.Option("--of-document", help="Ask each question of the document it was written on, alone.")
    ] = False,
    beside: BesideOption = None,
    full: FullOption = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole line on questions: answers, citations, abstention, calibration, seconds."""
    from eval.gold.questions import read_question_set
    from eval.report.figures import answer_figures
    from eval.runs.answers import ask_questions, score_answers
    from eval.runs.rankings import collection_of, places_of

    questions = read_question_set(path, articles=article or None).sampled(None if full else SAMPLE_SIZE)
    model, encoder = reader_in(reader), _encoder(questions, collection)
    folder, asked = _collections(questions, collection)
    with progress_bar("answering") as progress:

        def report(step: str, n: int, total: int) -> None:
            progress(n, total, step)

        with collection_of(
            questions, encoder, asked=asked, folder=folder, beside=beside or (), progress=report
        ) as indexed:
            with indexed.reading() as snapshot:
                places = places_of(questions.questions, snapshot)
            answers = ask_questions(
                questions.questions, places, indexed, encoder, model, of_document=of_document, progress=report
            )
    figures = answer_figures(score_answers(answers, places))
    arguments = as_typed("answers", Path(path), articles=article, full=full, reader=reader)
    arguments += " --of-document" if of_document else ""
    arguments += "".join(f" --beside {shlex.quote(file.name)}" for file in beside or ())
    report_figures(
        figures,
        "answers",
        save=save,
        command=arguments,
        data=questions.path,
        model_sha256=model.sha256,
        as_json=as_json,
    )


eval_app.command("support")(model_commands.support_command)


@eval_app.command("compare")
def eval_compare_command(
    data: QuestionsArgument,
    settings: Annotated[
        list[str],
        typer.Argument(
            metavar="SETTING...",
            help="dense lexical fused read, fused,passage=96 read,k=16 "
            "fused,encoder=FOLDER run=FILE; the first is the baseline.",
        ),
    ],
    qrels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TREC's judgements; DATA is then a file of TREC's topics.")
    ] = None,
    split: Annotated[str, typer.Option(metavar="NAME", help="Which judgements of a BEIR folder.")] = "test",
    article: ArticleOption = None,
    by: Annotated[str, typer.Option(help="document, paragraph or passage: what is ranked.")] = "document",
    measure: Annotated[
        str | None, typer.Option(help="Of the differences. [default: nDCG@10; with --answers F1, or First citation]")
    ] = None,
    answers: Annotated[bool, typer.Option("--answers", help="Answer each question under each setting, too.")] = False,
    n: Annotated[
        int | None, typer.Option("-n", min=1, help="A fixed sample of so many questions. [default: all]")
    ] = None,
    collection: CollectionOption = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep indexed collections here. [default: temporary ones]")
    ] = None,
    trec: Annotated[Path | None, typer.Option(metavar="DIR", help="Write runs and qrels in TREC's form here.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report, one page, to send on.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Settings on the same questions: differences with intervals and tests, and where what was missed was lost."""
    from eval.compare.measured import compare_settings
    from eval.compare.page import write_page
    from eval.compare.text import comparison_figures, comparison_text
    from eval.gold.places import Level
    from eval.gold.questions import read_question_set, read_trec
    from eval.runs.settings import BadSetting, parse_setting

    if by not in list(Level):
        raise BadSetting(f"--by '{by}' is none of document, paragraph, passage")
    if html and not html.absolute().parent.is_dir():
        raise BadSetting(f"--html '{html}': its folder does not exist; make it first, or name another")
    parsed = [parse_setting(text) for text in settings]
    questions = (
        read_trec(Path(data), qrels) if qrels else read_question_set(data, split=split, articles=article or None)
    ).sampled(n)
    _, asked = _collections(questions, collection)
    default = _encoder(questions, collection).identity.name
    with progress_bar("comparing") as progress:
        comparison = compare_settings(
            questions, parsed, reader_in(None), measure=measure, level=Level(by), answers=answers, asked=asked,
            cache=cache, encoder=default, progress=lambda step, done, total: progress(done, total, step),
        )  # fmt: skip
    if trec:
        _write_trec(comparison, trec)
    if html:
        write_page(comparison, html)
        say(f"report: {html}")
    if as_json:
        print_json(comparison_figures(comparison))
    else:
        print_line(comparison_text(comparison))


@eval_app.command("init")
def eval_init_command(
    path: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="The question file, to be made or looked over.")],
    collection: CollectionOption = None,
    n: Annotated[int, typer.Option("-n", min=1, help="About so many rows.")] = 50,
    check: Annotated[bool, typer.Option("--check", help="Look over a file that was filled in.")] = False,
    difference: Annotated[
        float | None, typer.Option(min=0.001, max=1.0, help="Say how many questions show this difference.")
    ] = None,
) -> None:
    """A question file from a collection, every document in turn, for a person to fill in; and its check."""
    from eval.gold.own_questions import check_questions, enough_text, write_questions
    from rag.opened import open_collection

    sizes = (difference,) if difference else (0.02, 0.05, 0.1)
    with open_collection(collection).stored.reading() as snapshot:
        if not check:
            written = write_questions(path, snapshot, n)
            print_line(f"{written} rows in {path}: fill them in, then: pilcrow eval init {path} --check")
            print_line(enough_text(sizes))
            return
        checked = check_questions(path, snapshot)
    for fault in checked.faults:
        print_line(fault)
    print_line(f"{checked.filled} questions on {checked.documents} documents, {checked.answerable} of them answerable; "
               f"{checked.unfilled} rows not filled in; {len(checked.faults)} faults")  # fmt: skip
    print_line(enough_text(sizes, n=checked.filled))
    if checked.faults:
        raise typer.Exit(1)


@eval_app.command("suite")
def eval_suite_command(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder with test collections below it.")],
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep what is measured here. [default: the user's cache]")
    ] = None,
    save: Annotated[
        bool,
        typer.Option(
            "--save",
            callback=in_checkout,
            help="Write eval/results and the tables; commit everything first.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Every measure on all test collections below a folder: retrieval, reading, answers, support, cleaning, the sample.

    What the cache holds is not measured again; the results then say where and when it was, durations above all.
    """
    import platformdirs

    from eval.report.suite import run_suite, save_parts
    from index.encoder.embedding import open_encoder

    folder = cache or platformdirs.user_cache_path("pilcrow") / "eval"
    parts = []
    with progress_bar("suite") as progress:
        for part in run_suite(
            data, open_encoder(), reader_in(None), folder, progress=lambda step, n, total: progress(n, total, step)
        ):
            parts.append(part)
            say(f"{part.kind} {part.name}: {part.seconds:.0f} s")
    if save:
        save_parts(parts)
        say("written: eval/results, and the tables made of them")
    if as_json:
        print_json({f"{part.kind}-{part.name}": part.figures for part in parts})
        return
    for part in parts:
        print_line(f"\n{part.kind} {part.name}")
        print_figures(part.figures)


eval_app.command("followups")(followups_command)
eval_app.command("confidence")(model_commands.confidence_command)
eval_app.command("speed")(model_commands.speed_command)
eval_app.command("cleaning")(model_commands.cleaning_command)


# ---- What they share


def _write_trec(comparison: "Comparison", folder: Path) -> None:
    """Each setting's run, and the judgements, in TREC's form."""
    from eval.gold.trec import write_qrels, write_run

    folder.mkdir(parents=True, exist_ok=True)
    for measured in comparison.measured:
        if measured.run:
            name = re.sub(r"[^\w.-]+", "-", measured.name)
            write_run(folder / f"{name}.run", measured.run.rankings, measured.name)
    qrels = {question: places.relevance(comparison.level) for question, places in comparison.places.items()}
    write_qrels(folder / "qrels", qrels)
    say(f"runs and qrels: {folder}")


def _collections(questions: "QuestionSet", named: str | None) -> tuple["Place | None", "Place | None"]:
    """Where the questions' own documents are kept, and the existing collection that is asked where they bring none."""
    from index.address import place_of
    from rag.opened import open_collection

    if questions.bring_documents:
        return place_of(named) if named else None, None
    return None, open_collection(named or questions.collection).place


def _encoder(questions: "QuestionSet", named: str | None) -> "Encoder":
    """The bundled encoder, or that of the collection that is asked."""
    from index.encoder.embedding import open_encoder
    from rag.opened import open_collection

    return open_encoder() if questions.bring_documents else open_collection(named or questions.collection).encoder
