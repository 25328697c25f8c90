"""The front door: the command line, `python -m pilcrow`, and the public Python API.

    import pilcrow

    collection = pilcrow.open_collection("notes.pilcrow")
    pilcrow.index(collection, ["notes/"])
    answer = pilcrow.ask(collection, "Who signed it?")

Everything heavy is imported where it is used, so that `pilcrow --help` answers at once.
"""

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException


def _check_siblings() -> None:
    """Ends where another package of the same general name would be used in place of ours."""
    here = Path(__file__).resolve().parent
    for name in ("index", "rag", "eval", "ui"):
        spec = importlib.util.find_spec(name)
        file = Path(spec.origin).resolve() if spec and spec.origin else None
        found = file.parent.parent if file and file.name == "__init__.py" else file.parent if file else None
        if found != here:
            sys.stderr.write(
                f"pilcrow: the package '{name}' that Python finds is not Pilcrow's (it is in '{found}', not '{here}'); "
                "install Pilcrow into an environment of its own, and run it without PYTHONPATH\n"
            )
            sys.exit(2)


_check_siblings()  # before the first import of one of them

from eval.commands.measuring import eval_app  # noqa: E402
from eval.commands.training import (  # noqa: E402
    train_cleaner_command,
    train_order_command,
    train_reader_command,
    train_support_command,
)
from rag.api import ask, index, open_collection, search, show  # noqa: E402
from rag.commands.asking import ask_command, chat_command, search_command, show_command  # noqa: E402
from rag.commands.collecting import (  # noqa: E402
    edit_command,
    index_command,
    list_command,
    paragraphs_command,
    remove_command,
    status_command,
)
from rag.commands.console import CollectionOption, ModelOption, ServerOption, StrictOption, say  # noqa: E402
from rag.commands.doors import serve_command  # noqa: E402
from rag.commands.exits import INTERRUPTED, USER_ERROR, file_fault, usage_fault  # noqa: E402
from rag.commands.judging import judgements_command  # noqa: E402
from rag.commands.opening import sample_collection, with_model  # noqa: E402
from rag.commands.telling import quotes_command, timeline_command  # noqa: E402
from rag.commands.upkeep import (  # noqa: E402
    check_command,
    compact_command,
    export_command,
    import_command,
    reindex_command,
)

__all__ = ["ask", "index", "main", "open_collection", "search", "show"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Answers questions from your own documents, every sentence pinned to the characters that bear it out.",
)
app.add_typer(eval_app, name="eval")


def ui_command(
    collection: CollectionOption = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; others than this machine's own need --auth.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any free one.")] = 7860,
    auth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Who may come in, a line USER:PASSWORD each. [default: $PILCROW_UI_AUTH]"),
    ] = None,
    model: ModelOption = None,
    server: ServerOption = None,
    strict: StrictOption = False,
    mcp: Annotated[bool, typer.Option("--mcp", help="Serve ask, search and show over MCP, too.")] = False,
) -> None:
    """Open a page on which to ask, read the answer, and check each citation in its source."""
    import ui
    from rag.page.visit import Page
    from rag.serving.listening import read_users

    users = read_users(auth)
    named = collection is not None or "PILCROW_COLLECTION" in os.environ
    opened = open_collection(collection)
    if not opened.exists and named:
        with opened.writer():  # an empty one, for files that are dropped on the page
            pass
    sample = not opened.exists
    if sample:
        opened = sample_collection()
    opened = with_model(opened, model, server)
    ui.serve(
        Page(opened, sample=sample, strict=strict), host=host, port=port, users=users, mcp=mcp,
        ready=lambda address: say(f"Pilcrow is at {address} (stop it with Ctrl-C)"),
    )  # fmt: skip


# In the order in which --help shows them.
_COMMANDS: dict[str, Callable[..., None]] = {
    "index": index_command,
    "ask": ask_command,
    "chat": chat_command,
    "search": search_command,
    "show": show_command,
    "quotes": quotes_command,
    "timeline": timeline_command,
    "list": list_command,
    "paragraphs": paragraphs_command,
    "status": status_command,
    "edit": edit_command,
    "remove": remove_command,
    "serve": serve_command,
    "ui": ui_command,
    "judgements": judgements_command,
    "check": check_command,
    "compact": compact_command,
    "reindex": reindex_command,
    "export": export_command,
    "import": import_command,
    "train-reader": train_reader_command,
    "train-order": train_order_command,
    "train-support": train_support_command,
    "train-cleaner": train_cleaner_command,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0, 1 where a part failed, 2 for a user's error."""
    for mode, name in (("r", "stdin"), ("w", "stdout"), ("w", "stderr")):
        if getattr(sys, name) is None:  # closed by the shell: what would be written there is wanted by nobody
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter must not end the answer
    from index.errors import PilcrowError

    typed = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = typer.main.get_command(app).main(typed, prog_name="pilcrow", standalone_mode=False)
        sys.stdout.flush()
        if status == INTERRUPTED:
            say("pilcrow: stopped")
    except PilcrowError as error:
        say(f"pilcrow: {error}")
        return USER_ERROR
    except TyperException as error:
        say(usage_fault(error))
        return USER_ERROR
    except (KeyboardInterrupt, Abort) as stopped:
        say(f"pilcrow: {str(stopped) or 'stopped'}")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more when it ends
        return 1
    except OSError as error:
        fault = file_fault(error, typed)
        if fault is None:
            raise
        say(fault)
        return USER_ERROR
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    sys.exit(main())
