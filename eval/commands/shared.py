"""What the commands of `pilcrow eval` share: options, the reader that is named, figures printed and kept."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.commands.console import print_json, print_line

if TYPE_CHECKING:
    from rag.reading.reader import AnyReader

SquadArgument = Annotated[Path, typer.Argument(metavar="SQUAD.json", help="A file of SQuAD 1.1's or 2.0's form.")]
ReaderOption = Annotated[
    Path | None, typer.Option("--reader", metavar="DIR", help="A reader's folder. [default: the bundled one]")
]
ArticleOption = Annotated[
    list[str] | None,
    typer.Option("--article", metavar="TITLE", help="Only questions on this article; may be given again."),
]
FullOption = Annotated[bool, typer.Option("--full", help="All questions, not a fixed sample of 1,000.")]


def in_checkout(save: Any) -> Any:
    """The value of a `--save`, before anything is measured. Raises BadParameter where results files have no place."""
    from eval.report.results import no_checkout

    if save and (fault := no_checkout()):
        raise typer.BadParameter(fault)
    return save


SaveOption = Annotated[
    str | None,
    typer.Option(
        "--save", metavar="NAME", callback=in_checkout, help="Keep the figures in eval/results under this name."
    ),
]


def reader_in(folder: Path | None) -> "AnyReader":
    """The reader in a folder, or the bundled one."""
    from index.encoder.embedding import bundled_folder
    from rag.reading.reader import Reader, bundled_reader

    return Reader.open(folder, bundled_folder()) if folder else bundled_reader()


def as_typed(
    kind: str,
    path: Path,
    *,
    articles: Sequence[str] | None = None,
    full: bool = False,
    reader: Path | None = None,
    threshold: float | None = None,
) -> str:
    """An evaluation as a user would type it, with all that decides its figures."""
    words = ["pilcrow", "eval", kind, path.name]
    for title in articles or ():
        words += ["--article", title]
    words += ["--threshold", f"{threshold:.4f}"] if threshold is not None else []
    words += ["--reader", reader.name] if reader else []
    return shlex.join([*words, *(["--full"] if full else [])])


def report_figures(
    figures: dict[str, Any],
    kind: str,
    *,
    save: str | None,
    command: str,
    data: Path,
    model_sha256: str,
    as_json: bool,
) -> None:
    """Prints the figures, as JSON or a line each, and keeps them where they are to be kept."""
    from eval.report.results import save_result

    if save:
        save_result(f"{kind}-{save}", figures, command=command, data=data, model_sha256=model_sha256)
    if as_json:
        print_json(figures)
        return
    print_figures(figures)


def print_figures(figures: Mapping[str, Any], above: str = "") -> None:
    """A line a figure; a list, such as a curve, only by its length."""
    for name, value in figures.items():
        label = f"{above} {name}".strip()
        if isinstance(value, dict):
            print_figures(value, label)
        elif isinstance(value, list):
            print_line(f"{label:<46}{len(value)} rows, with --json")
        elif value is None or isinstance(value, str):
            print_line(f"{label:<46}{value or 'none'}")
        else:
            print_line(f"{label:<46}" + (f"{value:,}" if isinstance(value, int) else f"{value:.4f}"))
