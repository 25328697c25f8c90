"""The commands that read documents as news: quotes, who said what; timeline, what happened when."""

from typing import Annotated

import typer

from rag.commands.console import (
    CollectionOption,
    DocumentOption,
    JsonOption,
    PublisherOption,
    print_json,
    print_line,
    print_notices,
    progress_bar,
    say,
)
from rag.commands.opening import date_of, filters_of, for_reading


def quotes_command(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Whose; a name, a surname or a post. [default: who is quoted]")
    ] = None,
    collection: CollectionOption = None,
    after: Annotated[str | None, typer.Option(metavar="DATE", help="Only in documents of this date or later.")] = None,
    before: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only in documents of this date or earlier.")
    ] = None,
    publisher: PublisherOption = None,
    document: DocumentOption = None,
    as_json: JsonOption = False,
) -> None:
    """What somebody says in the documents, word for word or reported, each cited; or who is quoted, how often."""
    from rag.commands.text import quotes_text, speakers_text
    from rag.news.quoted import near_names, quote_json, quoted_speakers, quotes_of, speaker_json

    filters = filters_of(after, before, publisher, document)
    if name is None and filters:
        raise typer.BadParameter("limits need a NAME; without one, all who are quoted are listed")
    opened = for_reading(collection, sample=not as_json)
    stored = opened.stored
    with progress_bar("reading who says what") as progress:
        if name is None:
            speakers = quoted_speakers(stored, progress=progress)
        else:
            quotes = quotes_of(stored, name, filters=filters, progress=progress)
    print_notices(stored.notices)
    if name is None:
        if as_json:
            print_json({"speakers": [speaker_json(speaker) for speaker in speakers]})
        else:
            print_line(speakers_text(speakers))
        return
    if as_json:
        print_json({"name": name, "quotes": [quote_json(quote) for quote in quotes]})
    elif quotes:
        print_line(quotes_text(quotes))
    else:
        print_line("No quotation found.")
    if not quotes:
        near = near_names(stored, name)
        say(f"pilcrow: nobody of that name is quoted{' there' if filters else ''}; "
            + (f"quoted are: {', '.join(near)}" if near else "'pilcrow quotes' lists who is"))  # fmt: skip


def timeline_command(
    about: Annotated[
        str | None, typer.Argument(metavar="QUESTION or NAME", help="What about. [default: everything]")
    ] = None,
    collection: CollectionOption = None,
    after: Annotated[str | None, typer.Option(metavar="DATE", help="Only what happened then or later.")] = None,
    before: Annotated[str | None, typer.Option(metavar="DATE", help="Only what happened then or earlier.")] = None,
    publisher: PublisherOption = None,
    document: DocumentOption = None,
    as_json: JsonOption = False,
) -> None:
    """What the documents say happened when, in order, each cited; "last Tuesday" counts from a document's date."""
    from rag.commands.text import timeline_text
    from rag.news.timeline import timeline, timeline_json

    filters = filters_of(None, None, publisher, document)
    since, until = date_of(after, "--after"), date_of(before, "--before")
    opened = for_reading(collection, sample=not as_json)
    with progress_bar("reading what happened when") as progress:
        found = timeline(
            opened.stored, about, encoder=lambda: opened.encoder, filters=filters, after=since, before=until,
            progress=progress,
        )  # fmt: skip
    print_notices(opened.stored.notices)
    if as_json:
        print_json(timeline_json(about, found))
    else:
        print_line(timeline_text(found) or "No dated statement found.")
    if found.undated:
        n = found.undated
        say(
            f"pilcrow: {n} statement{'' if n == 1 else 's'} left out that say when only beside the document's date, "
            "such as “yesterday”, in documents without one; give it with: pilcrow edit DOC --date DATE"
        )
