"""`pilcrow eval ...`: the commands that measure. They read arguments, call what measures, and print."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.console import CollectionOption, JsonOption, SaveOption, print_json, print_line, progress_bar, say

if TYPE_CHECKING:
    from eval.measured import Comparison
    from eval.questions import QuestionSet
    from index.address import Place
    from index.embedding import Encoder
    from rag.reading import Reader

# Questions of an evaluation, where not all are asked for.
_SAMPLE = 1000

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
        bool, typer.Option("--read", help="Measure the reader's order, too, on at most 300 of the queries.")
    ] = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """nDCG@10, Recall@100 and MRR@10 of dense, lexical and fused retrieval on a test collection, between frames."""
    from eval.figures import retrieval_figures
    from eval.questions import read_question_set
    from eval.report import save_result
    from eval.retrieval_runs import evaluate_retrieval
    from eval.table import aligned
    from index.embedding import open_encoder

    questions = read_question_set(data, split=split)
    folder, asked = _collections(questions, collection)
    model = open_encoder(encoder, fetch=True) if encoder else _encoder(questions, collection)
    with progress_bar("evaluating") as progress:
        scores = evaluate_retrieval(
            questions,
            model,
            reader=_reader(None) if read else None,
            collection=asked,
            folder=folder,
            progress=lambda step, n, total: progress(n, total, step),
        )
    figures = retrieval_figures(scores)
    if scores.absent:
        say(f"pilcrow: {scores.absent} judged documents are not in '{data}'; they count as never found")
    if save:
        of = ["--split", split] if questions.path.is_dir() and data != "sample" else []
        command = shlex.join(["pilcrow", "eval", "retrieval", Path(data).name, *of, *(["--read"] if read else [])])
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
                   f"in the reader's order {scores.order['read']:.4f}")  # fmt: skip


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
    from eval.figures import reading_figures
    from eval.reading_runs import evaluate_reading

    dataset = read_squad(path, article or None).sampled(None if full else _SAMPLE)
    model = _reader(reader)
    with progress_bar("reading") as progress:
        scores = evaluate_reading(dataset, model, threshold=threshold, progress=lambda n, total: progress(n, total, ""))
    figures = reading_figures(scores)
    arguments = _asked("reading", path, article, full, reader, threshold)
    _report_figures(figures, "reading", save, arguments, path, model.sha256, as_json)


@eval_app.command("answers")
def eval_answers_command(
    path: QuestionsArgument,
    reader: ReaderOption = None,
    article: ArticleOption = None,
    collection: KeptOption = None,
    full: FullOption = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole line on questions: answers, citations, abstention, calibration, seconds."""
    from eval.answer_runs import ask_questions, score_answers
    from eval.figures import answer_figures
    from eval.questions import read_question_set
    from eval.runs import collection_of, places_of

    questions = read_question_set(path, articles=article or None).sampled(None if full else _SAMPLE)
    model, encoder = _reader(reader), _encoder(questions, collection)
    folder, asked = _collections(questions, collection)
    with progress_bar("answering") as progress:

        def report(step: str, n: int, total: int) -> None:
            progress(n, total, step)

        with collection_of(questions, encoder, asked=asked, folder=folder, progress=report) as indexed:
            with indexed.reading() as snapshot:
                places = places_of(questions.questions, snapshot)
            answers = ask_questions(questions.questions, places, indexed, encoder, model, progress=report)
    figures = answer_figures(score_answers(answers, places))
    arguments = _asked("answers", Path(path), article, full, reader)
    _report_figures(figures, "answers", save, arguments, questions.path, model.sha256, as_json)


@eval_app.command("support")
def eval_support_command(
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
    from eval.figures import support_figures
    from eval.support_runs import evaluate_support, read_claims
    from index.embedding import bundled_folder, open_encoder
    from rag.support import SUPPORTED, SupportModel, bundled_support

    claims = read_claims(path, pages=pages)
    judge = SupportModel.open(model, bundled_folder()) if model else bundled_support()
    with progress_bar("judging") as progress:
        scores = evaluate_support(
            claims,
            judge,
            open_encoder(),
            threshold=SUPPORTED if threshold is None else threshold,
            progress=lambda n, total: progress(n, total, ""),
        )
    command = _asked("support", path, None, False, None, threshold) + (" --pages" if pages else "")
    _report_figures(support_figures(scores), "support", save, command, path, judge.sha256, as_json)


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
    from eval.measured import compare_settings
    from eval.page import write_page
    from eval.places import Level
    from eval.questions import read_question_set, read_trec
    from eval.settings import BadSetting, parse_setting
    from eval.table import comparison_figures, comparison_text

    if by not in list(Level):
        raise BadSetting(f"--by '{by}' is none of document, paragraph, passage")
    parsed = [parse_setting(text) for text in settings]
    questions = (
        read_trec(Path(data), qrels) if qrels else read_question_set(data, split=split, articles=article or None)
    ).sampled(n)
    _, asked = _collections(questions, collection)
    default = _encoder(questions, collection).identity.name
    with progress_bar("comparing") as progress:
        comparison = compare_settings(
            questions, parsed, _reader(None), measure=measure, level=Level(by), answers=answers, asked=asked,
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
    from eval.own_questions import check_questions, enough_text, write_questions
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
        Path | None, typer.Option(metavar="DIR", help="Keep collections and runs here. [default: the user's cache]")
    ] = None,
    save: Annotated[
        bool,
        typer.Option("--save", help="Write eval/results and the README's tables; commit everything first."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Every measure on all test collections below a folder: retrieval, reading, answers, support, the sample."""
    import platformdirs

    from eval.suite import run_suite, save_parts
    from index.embedding import open_encoder

    folder = cache or platformdirs.user_cache_path("pilcrow") / "eval"
    parts = []
    with progress_bar("suite") as progress:
        for part in run_suite(
            data, open_encoder(), _reader(None), folder, progress=lambda step, n, total: progress(n, total, step)
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
        _print_figures(part.figures)


@eval_app.command("confidence")
def eval_confidence_command(
    path: SquadArgument,
    fit_on: Annotated[
        list[str], typer.Option("--fit-on", metavar="TITLE", help="Fit on this article; again for more.")
    ],
    report_on: Annotated[
        list[str], typer.Option("--report-on", metavar="TITLE", help="Report on this article; again for more.")
    ],
    reader: ReaderOption = None,
    full: FullOption = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the confidence of an answer on some articles, and show on others whether it can be trusted."""
    from eval.confidence import abstained, examples_of, fit, reliability
    from eval.datasets import read_squad
    from eval.questions import sample_questions
    from index.embedding import open_encoder

    model, encoder = _reader(reader), open_encoder()
    # Articles about Belarus: nothing that these questions ask for stands in an encyclopaedia's other articles.
    unrelated = [question.text for question in sample_questions().questions]
    found = []
    for titles, asked in ((fit_on, unrelated[::2]), (report_on, unrelated[1::2])):
        dataset = read_squad(path, titles).sampled(None if full else _SAMPLE // 2)
        with progress_bar("reading") as progress:
            found.append(examples_of(dataset, encoder, model, asked, progress=lambda n, total: progress(n, total, "")))
    fitted = fit(found[0])
    figures = {
        "questions": len(found[1]),
        "weights": {"bias": fitted.bias, "answerable": fitted.answerable, "cosine": fitted.cosine},
        "threshold": fitted.threshold,
        "abstained": abstained(found[1], fitted),
        "reliability": reliability(found[1], fitted),
    }
    words = [word for option, titles in (("--fit-on", fit_on), ("--report-on", report_on))
             for title in titles for word in (option, title)]  # fmt: skip
    command = shlex.join(["pilcrow", "eval", "confidence", path.name, *words, *(["--full"] if full else [])])
    _report_figures(figures, "confidence", save, command, path, model.sha256, as_json)


@eval_app.command("speed")
def eval_speed_command(
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
    from eval.speed import SAMPLE, measure_speed
    from index.embedding import BUNDLED_SHA256

    with progress_bar("measuring") as progress:
        figures = measure_speed(paths or (), reference=reference, progress=progress)
    arguments = shlex.join(
        ["pilcrow", "eval", "speed", *(path.name for path in paths or ()), *(["--reference"] if reference else [])]
    )
    data = paths[0] if paths else SAMPLE
    _report_figures(figures, "speed", save, arguments, data, BUNDLED_SHA256, as_json)


# ---- What they share


def _write_trec(comparison: "Comparison", folder: Path) -> None:
    """Each setting's run, and the judgements, in TREC's form."""
    from eval.trec import write_qrels, write_run

    folder.mkdir(parents=True, exist_ok=True)
    for measured in comparison.measured:
        if measured.run:
            name = re.sub(r"[^\w.-]+", "-", measured.name)
            write_run(folder / f"{name}.run", measured.run.rankings, measured.name)
    qrels = {question: places.relevance(comparison.level) for question, places in comparison.places.items()}
    write_qrels(folder / "qrels", qrels)
    say(f"runs and qrels: {folder}")


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

    if save:
        save_result(f"{kind}-{save}", figures, command=command, data=data, model_sha256=model_sha256)
    if as_json:
        print_json(figures)
        return
    _print_figures(figures)


def _print_figures(figures: Mapping[str, Any], above: str = "") -> None:
    """A line a figure; a list, such as a curve, only by its length."""
    for name, value in figures.items():
        label = f"{above} {name}".strip()
        if isinstance(value, dict):
            _print_figures(value, label)
        elif isinstance(value, list):
            print_line(f"{label:<46}{len(value)} rows, with --json")
        elif value is None or isinstance(value, str):
            print_line(f"{label:<46}{value or 'none'}")
        else:
            print_line(f"{label:<46}" + (f"{value:,}" if isinstance(value, int) else f"{value:.4f}"))


def _collections(questions: "QuestionSet", named: str | None) -> tuple["Place | None", "Place | None"]:
    """Where the questions' own documents are kept, and the existing collection that is asked where they bring none."""
    from index.address import place_of
    from rag.opened import open_collection

    if questions.bring_documents:
        return place_of(named) if named else None, None
    return None, open_collection(named or questions.collection).place


def _encoder(questions: "QuestionSet", named: str | None) -> "Encoder":
    """The bundled encoder, or that of the collection that is asked."""
    from index.embedding import open_encoder
    from rag.opened import open_collection

    return open_encoder() if questions.bring_documents else open_collection(named or questions.collection).encoder


@eval_app.command("cleaning")
def eval_cleaning_command(
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
    from eval.cleaning import body_texts, evaluate_cleaning, lost_json, lost_words, read_pages, scores_json
    from eval.report import data_sha256
    from index.cleaner import BUNDLED_CLEANER

    if path.is_file() or (path / "corpus.jsonl").is_file():
        kind, figures = "furniture", dict(lost_json(lost_words(body_texts(path))))
    else:
        with progress_bar("cleaning") as progress:
            kind, figures = "cleaning", dict(scores_json(evaluate_cleaning(read_pages(path), progress=progress)))
    command = shlex.join(["pilcrow", "eval", "cleaning", path.resolve().name])
    _report_figures(figures, kind, save, command, path, data_sha256(BUNDLED_CLEANER), as_json)
