"""The commands that ask: ask, chat, search and show."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from rag.api import search, show, spelling_notice
from rag.commands.console import (
    AfterOption,
    BeforeOption,
    CollectionOption,
    DocumentOption,
    JsonOption,
    ModelOption,
    OwnReadingOption,
    PublisherOption,
    ServerOption,
    StrictOption,
    print_json,
    print_line,
    print_notices,
    say,
)
from rag.commands.opening import document_called, filters_in, filters_of, for_reading, with_model


def ask_command(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="In plain words.")] = None,
    collection: CollectionOption = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='Questions from a file, a line each, or a JSON line {"id", "question", "history"?} each.',
        ),
    ] = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    publisher: PublisherOption = None,
    document: DocumentOption = None,
    model: ModelOption = None,
    server: ServerOption = None,
    strict: StrictOption = False,
    own_reading: OwnReadingOption = False,
    as_json: JsonOption = False,
) -> None:
    """Answer a question, each sentence with its source; or say that the documents do not answer it."""
    from rag.answers import answer_json
    from rag.commands.chat import answered
    from rag.commands.text import answer_text
    from rag.printable import printable_line

    if (question is None) == (questions is None):
        raise typer.BadParameter("give either a QUESTION or --questions FILE")
    filters = filters_of(after, before, publisher, document)
    opened = with_model(for_reading(collection, sample=not (as_json or questions)), model, server)
    filters = filters_in(opened, filters)
    said = opened.model.notices if opened.model else ()
    if questions is not None:
        from rag.api import ask_all

        rows = _question_rows(questions)
        asked = [(row["question"], row["history"]) for row in rows]
        for row, answer in zip(
            rows, ask_all(opened, asked, strict=strict, filters=filters, own_reading=own_reading), strict=True
        ):
            if as_json:
                print_json({"id": row["id"], **answer_json(answer)})
            else:
                head = f"{printable_line(str(row['id']))}  {printable_line(row['question'])}"
                print_line(f"{head}\n\n{answer_text(answer)}\n")
            print_notices(notice for notice in answer.notices if notice not in said)
        return
    answer = answered(opened, question or "", strict=strict, filters=filters, own_reading=own_reading)
    print_notices(notice for notice in answer.notices if notice not in said)
    if as_json:
        print_json(answer_json(answer))
    else:
        print_line(answer_text(answer))


def chat_command(
    collection: CollectionOption = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    publisher: PublisherOption = None,
    document: DocumentOption = None,
    model: ModelOption = None,
    server: ServerOption = None,
    strict: StrictOption = False,
    own_reading: OwnReadingOption = False,
) -> None:
    """Ask one question after the other; "and when was that?" goes on from the last one."""
    from rag.commands.chat import Chat, typed_lines

    filters = filters_of(after, before, publisher, document)
    opened = with_model(for_reading(collection, sample=True), model, server)
    filters = filters_in(opened, filters)
    say("Ask something; /help lists the commands, /quit ends.")
    Chat(opened, filters=filters, strict=strict, own_reading=own_reading).run(typed_lines())


def search_command(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="In plain words.")],
    collection: CollectionOption = None,
    k: Annotated[int, typer.Option("-k", min=1, help="At most this many passages.")] = 10,
    after: AfterOption = None,
    before: BeforeOption = None,
    publisher: PublisherOption = None,
    document: DocumentOption = None,
    read: Annotated[
        bool | None,
        typer.Option(
            "--read/--no-read", help="In the order in which 'ask' reads them. [default: where it is a question]"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The passages nearest to a question, without an answer."""
    from rag.answers import hits_json
    from rag.commands.text import hits_text

    filters = filters_of(after, before, publisher, document)
    opened = for_reading(collection, sample=not as_json)
    filters = filters_in(opened, filters)
    hits = search(opened, question, k=k, filters=filters, read=read)
    print_notices([*opened.stored.notices, *filter(None, [spelling_notice(opened, question)])])
    if as_json:
        print_json(hits_json(question, hits))
    else:
        print_line(hits_text(hits))


def show_command(
    document: Annotated[str, typer.Argument(metavar="DOC", help="The document's name, as 'list' shows it.")],
    start: Annotated[int, typer.Argument(metavar="START", help="First character, from 0.")],
    end: Annotated[int, typer.Argument(metavar="END", help="One past the last character.")],
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """The cited characters inside their paragraph."""
    from rag.answers import citation_json
    from rag.citations import Sources
    from rag.commands.text import shown_text

    opened = for_reading(collection, sample=not as_json)
    document = document_called(opened, document)
    citation = show(opened, document, start, end)
    if as_json:
        shown = citation_json(citation)
        del shown["label"]
        print_json(shown)
        return
    with opened.stored.reading() as snapshot:
        text = Sources(snapshot).document(document).text
    print_line(shown_text(text, citation))


def _question_rows(path: Path) -> list[dict[str, Any]]:
    """Rows with an "id", a "question" and turns as "history", from JSON lines, or from a question a line.

    A file none of whose lines begins as JSON does is plain questions; their ids are the numbers of their lines.
    Raises Unreadable with file and line.
    """
    from index.errors import Unreadable
    from rag.conversation import turns_of

    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(
            f"'{path}' cannot be read ({error}); give a UTF-8 file with a question, or a JSON object, a line"
        ) from error
    if not any(line.lstrip().startswith(("{", "[")) for line in lines):
        return [
            {"id": number, "question": line.strip(), "history": ()}
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=lambda _: None)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"{path}:{number}: not a JSON object ({error})") from error
        if not isinstance(row, dict) or not isinstance(row.get("question"), str) or row.get("id") is None:
            raise Unreadable(f'{path}:{number}: a row is a JSON object with an "id" and a "question" that is a string')
        try:
            row["history"] = turns_of(row.get("history") or [])
        except ValueError as error:
            raise Unreadable(f"{path}:{number}: {error}") from error
        rows.append(row)
    return rows
