"""The commands that fill a collection and show what is in it: index, list, paragraphs, status, edit and remove.

Know the collection and the console; nothing of questions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import Abort

from rag.api import index, open_collection
from rag.commands.console import (
    CollectionOption,
    JsonOption,
    not_empty,
    print_json,
    print_line,
    print_notices,
    progress_bar,
)
from rag.commands.exits import USER_ERROR
from rag.commands.opening import date_of, document_called, for_reading
from rag.opened import OpenCollection

if TYPE_CHECKING:
    from index.intake.files import Summary

# `list` sets names in a column of up to so many characters; one longer name must not push all others' dates away.
_NAME_WIDTH = 40
# Types of files that were passed over are named up to so many.
_NAMED_TYPES = 6


def index_command(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Files and folders: text, HTML, PDF, Office, EPUB, mail, rows.",
            parser=lambda given: Path(not_empty(given) or ""),
        ),
    ],
    collection: CollectionOption = None,
    prune: Annotated[bool, typer.Option("--prune", help="Drop documents whose files below PATH are gone.")] = False,
    date: Annotated[str | None, typer.Option(metavar="DATE", help="The date of these documents.")] = None,
    publisher: Annotated[str | None, typer.Option(metavar="NAME", help="The outlet of these documents.")] = None,
    keep_all: Annotated[bool, typer.Option("--keep-all", help="Take no paragraph for furniture.")] = False,
    encoder: Annotated[str | None, typer.Option(metavar="NAME", help="A sentence-transformers folder or name.")] = None,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Read files of up to N bytes. [default: 200,000,000]")
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(metavar="W", help="Who reads and embeds: N processes here, ray here, or ray://HOST:PORT."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="D", help="Embed with PyTorch on a device, such as cuda. [default: none]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add or update files and folders; unchanged ones are skipped."""
    # A cluster may have the device that this machine lacks.
    opened = open_collection(collection, encoder=encoder, device=None if workers else device)
    with _kept_told(opened), progress_bar("indexing") as progress:
        summary = index(
            opened,
            paths,
            date=date_of(date, "--date"),
            publisher=publisher or None,
            keep_all=keep_all,
            prune=prune,
            max_bytes=max_bytes,
            workers=workers,
            device=device,
            progress=progress,
        )
    if as_json:
        print_json(
            {"added": summary.added, "updated": summary.updated, "unchanged": summary.unchanged,
             "removed": summary.removed, "moved": summary.moved,
             "unreadable": [{"path": p, "reason": r} for p, r in summary.unreadable],
             "not_read": [{"path": p, "notice": n} for p, n in summary.not_read],
             "ignored": dict(summary.ignored), "unsupported": dict(summary.unsupported)}
        )  # fmt: skip
    else:
        _print_summary(summary, str(opened.place))
    print_notices(summary.notices)
    if summary.unreadable:
        raise typer.Exit(USER_ERROR if summary.seen == 0 else 1)


def list_command(collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """The documents of the collection."""
    from index.collection import name_now
    from rag.printable import printable_line

    opened = for_reading(collection, sample=not as_json)
    with opened.stored.reading() as snapshot:
        documents = snapshot.documents()
    if as_json:
        print_json(
            {"documents": [{"document": d.doc_id, "title": d.title, "date": d.date, "publisher": d.publisher,
                            "source": d.source, "bytes": d.size} for d in documents]}
        )  # fmt: skip
        return
    width = min(max((len(printable_line(d.doc_id)) for d in documents), default=0), _NAME_WIDTH)
    for d in documents:
        outlet, title = printable_line(d.publisher or "no outlet"), printable_line(d.title or "no title")
        renamed = name_now(d.doc_id, d.source)
        now = f"  (now {printable_line(renamed)})" if renamed else ""
        print_line(f"{printable_line(d.doc_id):<{width}}  {d.date or 'no date':<10}  {outlet}  {title}{now}")


def paragraphs_command(
    document: Annotated[str, typer.Argument(metavar="DOC", help="The document's name, as 'list' shows it.")],
    collection: CollectionOption = None,
    furniture: Annotated[bool, typer.Option("--furniture", help="Only what is passed over.")] = False,
    as_json: JsonOption = False,
) -> None:
    """A document's paragraphs, numbered, each with its kind: what was made of the file."""
    from index.paragraphs import Kind, headings_above
    from index.tables import rows_of, shown_row
    from rag.commands.text import paragraph_text

    opened = for_reading(collection, sample=not as_json)
    document = document_called(opened, document)
    with opened.stored.reading() as snapshot:
        text = snapshot.document(document).text
        paragraphs = snapshot.paragraphs(document)
    above = headings_above(text, paragraphs)
    shown = [p for p in paragraphs if p.kind is Kind.FURNITURE or not furniture]
    if as_json:
        print_json(
            {"document": document,
             "paragraphs": [{"number": p.number, "start": p.start, "end": p.end, "kind": p.kind.value,
                             "level": p.level or None, "headings": above[p.number], "text": text[p.start : p.end]}
                            for p in shown]}
        )  # fmt: skip
        return
    rows = rows_of(text, paragraphs)
    for p in shown:
        kind = p.stored_kind if p.kind is Kind.HEADING else p.kind
        words = shown_row(text, *rows[p.number]).text if p.number in rows else text[p.start : p.end]
        print_line(paragraph_text(p.number, kind, words))


def status_command(collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """The collection in numbers, how its vectors are searched, and whether its parts are whole."""
    from dataclasses import asdict

    from rag.printable import printable_line

    opened = for_reading(collection, sample=not as_json)
    with opened.stored.reading() as snapshot:
        status = snapshot.status()
    numbers = {
        "documents": status.documents,
        "paragraphs": status.paragraphs,
        "passages": status.passages,
        "furniture": status.furniture,
        "duplicates": status.duplicates,
        "bytes": status.size,
        "encoder": status.encoder.name,
        "generation": status.generation,
        "health": status.health,
    }
    if as_json:
        not_read = [{"document": document, "notice": notice} for document, notice in status.not_read]
        print_json({**numbers, "vectors": asdict(status.vectors) if status.vectors else None, "not_read": not_read})
        return
    if status.vectors:
        numbers["vectors"] = str(status.vectors)
    for label, value in numbers.items():
        shown = "not told by the server" if value is None else f"{value:,}" if isinstance(value, int) else value
        print_line(f"{label:<11} {shown}")
    for document, notice in status.not_read:
        print_line(f"in {printable_line(document)}: {printable_line(notice)}")


def edit_command(
    document: Annotated[str, typer.Argument(metavar="DOC", help="The document's name, as 'list' shows it.")],
    collection: CollectionOption = None,
    title: Annotated[str | None, typer.Option(metavar="T", help='Its title; "" takes it away.')] = None,
    date: Annotated[
        str | None, typer.Option(metavar="D", help='The date of its publication; "" takes it away.')
    ] = None,
    publisher: Annotated[str | None, typer.Option(metavar="P", help='Its outlet; "" takes it away.')] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help='Where it was published; "" takes it away.')] = None,
) -> None:
    """Say what a document's title, date, outlet or address really is; it stays so when its file is indexed again."""
    from index.documents import Given
    from index.intake.indexing import edit_document
    from rag.printable import printable_line

    typed = {"title": title, "date": date, "publisher": publisher, "url": url}
    cleared = [field for field, value in typed.items() if value is not None and not value.strip()]
    dated = None if "date" in cleared else date_of(date, "--date")
    given = Given(title=title, date=dated, publisher=publisher, url=url)
    if not (given.named or cleared):
        raise typer.BadParameter("give at least one of --title, --date, --publisher, --url")
    opened = open_collection(collection)
    document = document_called(opened, document)  # raises where there is no collection, before one is made
    with opened.writer() as writer:
        edited = edit_document(writer, opened.encoder, document, given, cleared=cleared)
    outlet, headline = printable_line(edited.publisher or "no outlet"), printable_line(edited.title or "no title")
    print_line(f"{printable_line(edited.doc_id)}  {edited.date or 'no date'}  {outlet}  {headline}")


def remove_command(
    documents: Annotated[list[str], typer.Argument(metavar="DOC...", help="Names, as 'list' shows them.")],
    collection: CollectionOption = None,
) -> None:
    """Take documents out of the collection; their files stay."""
    from index.news.kept import forget_gone
    from index.opening import open_collection as open_stored

    opened = open_collection(collection)
    named = list(dict.fromkeys(document_called(opened, document) for document in documents))
    with open_stored(opened.place, write=True) as writer:
        writer.remove(named)
        writer.refresh_base()
        with writer.reading() as snapshot:
            forget_gone(writer.folder, snapshot)
        print_notices(writer.notices)
    print_line(f"{len(named)} removed")


@contextmanager
def _kept_told(opened: OpenCollection) -> Iterator[None]:
    """Ctrl-C meanwhile ends the command with what is stored. Raises Abort."""
    try:
        yield
    except KeyboardInterrupt:
        n = 0
        if opened.exists:
            with opened.stored.reading() as snapshot:
                n = len(snapshot.names())
        kept = f"'{opened.place}' holds {n} documents, whole; the same command goes on from there"
        raise Abort(f"stopped; {kept if n else 'nothing is stored yet'}") from None


def _print_summary(summary: "Summary", place: str) -> None:
    from index.intake.files import UNSUPPORTED
    from rag.printable import printable_line

    counts = {"added": summary.added, "updated": summary.updated, "unchanged": summary.unchanged}
    if summary.moved:
        counts["moved"] = summary.moved
    if summary.removed:
        counts["removed"] = summary.removed
    if summary.unreadable:
        counts["skipped"] = len(summary.unreadable)
    print_line(", ".join(f"{n} {what}" for what, n in counts.items()) + f" in {printable_line(place)}")
    for path, reason in summary.unreadable:
        print_line(f"skipped {printable_line(path)}: {printable_line(reason)}")
    for path, notice in summary.not_read:
        print_line(f"in {printable_line(path)}: {printable_line(notice)}")
    kinds = [f"{printable_line(suffix)} {n}" for suffix, n in summary.unsupported.most_common(_NAMED_TYPES)]
    kinds += ["..."] if len(summary.unsupported) > _NAMED_TYPES else []
    for reason, n in summary.ignored.items():
        print_line(f"ignored {n} {reason}" + (f" ({', '.join(kinds)})" if reason == UNSUPPORTED else ""))
