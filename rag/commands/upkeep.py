"""The commands that look after a collection: check, compact, reindex, export and import.

Know the collection and the console; nothing of questions.
"""

from pathlib import Path
from typing import Annotated

import typer

from index.address import is_milvus
from rag.commands.console import (
    CollectionOption,
    JsonOption,
    not_empty,
    print_json,
    print_line,
    print_notices,
    progress_bar,
    say,
)
from rag.opened import open_collection


def check_command(collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """Compare everything stored with its checksum, and mend what can be; exit 1 where damage is left."""
    from index.encoder.embedding import open_encoder
    from index.opening import open_for_mending
    from index.upkeep.checking import check, check_json
    from rag.printable import printable_line

    with open_for_mending(open_collection(collection).place) as stored:
        found = check(stored, lambda: open_encoder(stored.encoder.name))
        with stored.reading() as snapshot:
            documents = len(snapshot.documents())
        print_notices(stored.notices)
    figures = check_json(documents, found)
    if as_json:
        print_json(figures)
    else:
        for damage in found:
            whose = f" of '{printable_line(damage.document)}'" if damage.document else ""
            print_line(f"{damage.part}{whose}: {'mended, ' if damage.mended else ''}{printable_line(damage.remedy)}")
        print_line(f"{documents} documents: {figures['health']}")
    if figures["health"] == "damaged":
        raise typer.Exit(1)


def compact_command(collection: CollectionOption = None) -> None:
    """Make every file anew, so that none holds anything that was removed; exit 1 where a reader is in the way."""
    from index.news.kept import forget_gone
    from index.opening import open_collection as open_stored

    place = open_collection(collection).place
    with open_stored(place, write=True) as writer:
        print_notices(writer.notices)
        with writer.reading() as snapshot:
            forget_gone(writer.folder, snapshot)
        before = writer.size()
        done = writer.compact()
        after = writer.size()
    if not done:
        say("pilcrow: a reader is in the middle of a question, and keeps the old pages; try again when it has finished")
        raise typer.Exit(1)
    if is_milvus(place):
        print_line("the rows of what was removed are deleted; Milvus frees their bytes when it writes its files anew")
    else:
        print_line(f"{before:,} bytes before, {after:,} after")


def reindex_command(
    encoder: Annotated[
        str, typer.Option(metavar="NAME", help="A sentence-transformers folder or name.", callback=not_empty)
    ],
    collection: CollectionOption = None,
) -> None:
    """Embed the stored text with another encoder; questions are answered from the old vectors meanwhile."""
    from index.encoder.embedding import open_encoder
    from index.opening import open_collection as open_stored
    from index.upkeep.reindexing import reindex

    with open_stored(open_collection(collection).place, write=True) as writer, progress_bar("embedding") as progress:
        print_notices(writer.notices)
        done = reindex(writer, open_encoder(encoder, fetch=True), progress=lambda n, total: progress(n, total, ""))
    kept = f", {done.kept} from an interrupted run" if done.kept else ""
    print_line(f"{done.embedded} texts embedded{kept}: {done.passages:,} passages by '{encoder}'")


def export_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A name that is free.")],
    collection: CollectionOption = None,
) -> None:
    """Write the whole collection, as it is at this moment, to one file."""
    from index.upkeep.backup import export_collection

    written = export_collection(open_collection(collection).place, file)
    print_line(f"{written:,} bytes in {file}")


def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'pilcrow export' wrote.")],
    collection: CollectionOption = None,
) -> None:
    """Make a collection from such a file, everything in it compared with its checksum first."""
    from index.upkeep.backup import import_collection

    place = open_collection(collection).place
    print_line(f"{import_collection(file, place)} documents in {place}")
