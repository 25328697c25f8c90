"""What the commands share: their common options, results on stdout, progress and notices on stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer


def not_empty(given: str | None) -> str | None:
    """What was given. Raises BadParameter for "", which is what a shell makes of a variable that is not set."""
    if given == "":
        raise typer.BadParameter("it is empty; name one, or see whether a variable of your shell is not set")
    return given


CollectionOption = Annotated[
    str | None,
    typer.Option(
        "--collection",
        metavar="DIR",
        callback=not_empty,
        help="The collection's folder, or its address in Milvus. [default: $PILCROW_COLLECTION, then ./.pilcrow]",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, and nothing else.")]
AfterOption = Annotated[str | None, typer.Option(metavar="DATE", help="Only documents of this date or later.")]
BeforeOption = Annotated[str | None, typer.Option(metavar="DATE", help="Only documents of this date or earlier.")]
PublisherOption = Annotated[str | None, typer.Option(metavar="NAME", help="Only documents of this outlet.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", metavar="NAME", help="A chat model: smollm2, a GGUF file, a folder, a hub or --server name."
    ),
]
ServerOption = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="An OpenAI-compatible server, as http://localhost:8080.")
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Leave out what the documents do not bear out, of a model's answer.")
]
OwnReadingOption = Annotated[
    bool, typer.Option("--own-reading", help="Ask the model also where the reader finds no answer.")
]
DocumentOption = Annotated[
    list[str] | None, typer.Option(metavar="DOC", help="Only this document; may be given again.")
]


def print_line(text: str) -> None:
    """One line on stdout."""
    sys.stdout.write(text + "\n")


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on a line of stdout; where that is not Unicode, in ASCII, so that no character is lost."""
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    print_line(json.dumps(value, ensure_ascii=not unicode))


def say(text: str) -> None:
    """One line on stderr, for a person."""
    sys.stderr.write(text + "\n")


def print_notices(notices: Iterable[str]) -> None:
    """Each notice on a line of stderr."""
    for notice in notices:
        say(f"pilcrow: {notice}")


@contextmanager
def live_text() -> Iterator[Callable[[str], None]]:
    """A text on stderr that grows while it is shown and is gone afterwards, where that is a terminal."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Live(console=console, transient=True, auto_refresh=False, vertical_overflow="ellipsis") as live:
        yield lambda text: live.update(Text(text), refresh=True)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar on stderr, where that is a terminal; nothing otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(label, total=None)

        def advance(done: int, total: int, what: str) -> None:
            progress.update(task, completed=done, total=total or None, description=f"{label} {what[-40:]:<40}")

        yield advance
