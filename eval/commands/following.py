"""`pilcrow eval followups`: how well a follow-up question is understood."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypeVar

import typer

from eval.commands.shared import SaveOption, reader_in, report_figures
from rag.commands.console import CollectionOption, JsonOption, print_line, progress_bar

_Row = TypeVar("_Row")


def followups_command(
    path: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Conversations, or follow-ups with rewritings.")],
    documents: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="The documents of conversations: .jsonl, or SQuAD's .json, or a folder of it."
        ),
    ] = None,
    collection: CollectionOption = None,
    first: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N.")] = None,
    last: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the last N.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Each follow-up with what it is taken to mean.")] = False,
    save: SaveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow-up questions as understood, against the same asked in full and asked alone.

    Conversations are asked of their documents: whether the first citation is right. Rewritings are searched for among
    the answers of all conversations of the file: whether the answer is in the best 8 passages.
    """
    from eval.gold.dialogues import read_documents, read_followups
    from eval.report.figures import finite
    from eval.runs.followups import figures_of, find, follow, found_figures
    from index.encoder.embedding import open_encoder
    from index.intake.indexing import index_documents
    from index.opening import create_collection
    from rag.answering import Models
    from rag.opened import open_collection

    followups = read_followups(path)
    kept = open_collection(collection) if documents is None and followups.conversations else None
    encoder, reader = kept.encoder if kept else open_encoder(), reader_in(None)
    models = Models(encoder, reader)
    figures: dict[str, Any]
    with ExitStack() as stack, progress_bar("follow-ups") as progress:

        def report(step: str, done: int, total: int) -> None:
            progress(done, total, step)

        if kept:
            asked = kept.stored
        else:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="pilcrow-eval-"))) / "collection"
            asked = stack.enter_context(create_collection(folder, encoder.identity))
            spoken_of = {conversation.doc_id for conversation in followups.conversations}
            texts = (
                (document for document in read_documents(documents) if document.doc_id in spoken_of)
                if documents
                else followups.documents()
            )
            index_documents(asked, encoder, texts, progress=lambda n: report("indexing", n, 0))
        if followups.conversations:
            followed = follow(_cut(followups.conversations, first, last), asked, models, progress=report)
            figures = figures_of(followed)
            shown = [(f.spoken.question, f.query, f.spoken.standalone) for f in followed]
        else:
            with asked.reading() as snapshot:
                found = find(_cut(followups.rewritings, first, last), snapshot, models, progress=report)
            figures = found_figures(found)
            shown = [(f.rewriting.question, f.query, f.rewriting.rewrite) for f in found]
    for question, query, full in shown if show else ():
        print_line(f"{question}\n  {query}\n  {full}")
    cut = [f"--{name} {n}" for name, n in (("first", first), ("last", last)) if n]
    report_figures(
        finite(figures), "followups", save=save, command=" ".join(["pilcrow eval followups", path.name, *cut]),
        data=path, model_sha256=reader.sha256, as_json=as_json,
    )  # fmt: skip


def _cut(rows: tuple[_Row, ...], first: int | None, last: int | None) -> tuple[_Row, ...]:
    rows = rows[:first]
    return rows[-last:] if last else rows
