"""The commands that look after a collection: check and compact.

Know the collection and the console; nothing of questions.
"""

import typer

from rag.console import CollectionOption, JsonOption, print_json, print_line, print_notices, say
from rag.opened import open_collection


def check_command(collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """Compare everything stored with its checksum, and mend what can be; exit 1 where damage is left."""
    from index.checking import check, check_json
    from index.collection import open_for_mending
    from index.embedding import open_encoder
    from rag.terminal import name

    with open_for_mending(open_collection(collection).folder) as stored:
        found = check(stored, lambda: open_encoder(stored.encoder.name))
        with stored.reading() as snapshot:
            documents = len(snapshot.documents())
        print_notices(stored.notices)
    figures = check_json(documents, found)
    if as_json:
        print_json(figures)
    else:
        for damage in found:
            whose = f" of '{name(damage.document)}'" if damage.document else ""
            print_line(f"{damage.part}{whose}: {'mended, ' if damage.mended else ''}{name(damage.remedy)}")
        print_line(f"{documents} documents: {figures['health']}")
    if figures["health"] == "damaged":
        raise typer.Exit(1)


def compact_command(collection: CollectionOption = None) -> None:
    """Make every file anew, so that none holds anything that was removed; exit 1 where a reader is in the way."""
    from index.collection import open_collection as open_stored

    with open_stored(open_collection(collection).folder, write=True) as writer:
        print_notices(writer.notices)
        before = writer.size()
        done = writer.compact()
        after = writer.size()
    if not done:
        say("pilcrow: a reader is in the middle of a question, and keeps the old pages; try again when it has finished")
        raise typer.Exit(1)
    print_line(f"{before:,} bytes before, {after:,} after")
