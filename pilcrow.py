"""The front door: the command line, `python -m pilcrow`, and the public Python API.

    import pilcrow

    collection = pilcrow.open_collection("notes.pilcrow")
    pilcrow.index(collection, ["notes/"])
    answer = pilcrow.ask(collection, "Who signed it?")

Everything heavy is imported where it is used, so that `pilcrow --help` answers at once.
"""

import errno
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

from eval.commands.questions import eval_app  # noqa: E402
from eval.commands.training import (  # noqa: E402
    train_cleaner_command,
    train_order_command,
    train_reader_command,
    train_support_command,
)
from rag.commands.console import (  # noqa: E402
    AfterOption,
    BeforeOption,
    CollectionOption,
    DocumentOption,
    JsonOption,
    ModelOption,
    PublisherOption,
    ServerOption,
    StrictOption,
    not_empty,
    print_json,
    print_line,
    print_notices,
    progress_bar,
    say,
)
from rag.commands.upkeep import check_command, compact_command, export_command, import_command, reindex_command  # noqa: E402
from rag.opened import OpenCollection, open_collection  # noqa: E402

if TYPE_CHECKING:
    from index.collection import Filters
    from index.intake.files import Summary
    from index.intake.preparation import Workers
    from rag.answers import Answer, Evidence
    from rag.citations import Citation
    from rag.conversation import Turn

__all__ = ["ask", "index", "main", "open_collection", "search", "show"]

# `list` sets names in a column of up to so many characters; one longer name must not push all others' dates away.
_NAME_WIDTH = 40
_USER_ERROR = 2
_INTERRUPTED = 130

# ---- The Python API


def index(
    collection: OpenCollection,
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    date: str | None = None,
    publisher: str | None = None,
    keep_all: bool = False,
    prune: bool = False,
    max_bytes: int | None = None,
    workers: str | None = None,
    device: str | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> "Summary":
    """Adds or updates files and folders, or one of them; unchanged ones are skipped. See `index.intake.indexing`.

    date: as a person writes it, such as "2023-02-19", "2023" or "19 February 2023". Raises ValueError for what is none.
    workers: a number of processes, "ray", or "ray://HOST:PORT"; see `index.intake.workers`. By default this process. A
        script that asks for processes must begin under `if __name__ == "__main__":`, since they import it.
    device: what the workers embed on with PyTorch, such as "cuda". Without workers it is `open_collection`'s.
    """
    from index.documents import MAX_BYTES
    from index.intake.files import require_something
    from index.intake.indexing import index_paths
    from index.metadata import parse_date

    stated = parse_date(date)
    if date and stated is None:
        raise ValueError(f"date '{date}' is not a date; write it like 2023-02-19, 2023-02 or 2023")
    files = [Path(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    if not collection.exists:
        require_something(files, collection.folder)
    with _workers(workers, collection, device) as at_work, collection.writer() as writer:
        return index_paths(
            writer,
            collection.encoder,
            files,
            date=stated,
            publisher=publisher,
            keep_all=keep_all,
            prune=prune,
            max_bytes=max_bytes or MAX_BYTES,
            workers=at_work,
            progress=progress,
        )


def _workers(
    named: str | None, collection: OpenCollection, device: str | None
) -> "AbstractContextManager[Workers | None]":
    """Who reads and embeds; None is this process."""
    if named is None:
        return nullcontext()
    from index.intake.workers import open_workers

    return open_workers(named, collection.encoder, device=device) or nullcontext()


def ask(
    collection: OpenCollection,
    question: str,
    *,
    history: "Sequence[Turn]" = (),
    strict: bool = False,
    filters: "Filters | None" = None,
) -> "Answer":
    """One Answer: claims with citations, or an abstention with its reason. See `rag.answering.answer`."""
    from rag.answering import answer

    return answer(
        collection.stored, collection.encoder, collection.reader, question, history=history, model=collection.model,
        support=collection.support, strict=strict, filters=filters,
    )  # fmt: skip


def search(
    collection: OpenCollection, question: str, *, k: int = 10, filters: "Filters | None" = None
) -> "list[Evidence]":
    """The at most k best passages, best first, each with its place in its document."""
    from rag.lookup import find

    return find(collection, question, k, filters)


def show(collection: OpenCollection, doc_id: str, start: int, end: int) -> "Citation":
    """The characters `[start, end)` of a document as a citation, label 0, with the paragraph that they lie in.

    Raises UnknownDocument, and BadSpan for a span that is empty or not inside one paragraph.
    """
    from rag.lookup import quote

    return quote(collection, doc_id, start, end)


# ---- The command line

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Answers questions from your own documents, every sentence pinned to the characters that bear it out.",
)
app.add_typer(eval_app, name="eval")


@app.command("index")
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
            date=_date(date, "--date"),
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
             "ignored": dict(summary.ignored)}
        )  # fmt: skip
    else:
        _print_summary(summary, str(opened.place))
    print_notices(summary.notices)
    if summary.unreadable:
        raise typer.Exit(_USER_ERROR if summary.seen == 0 else 1)


@app.command("ask")
def ask_command(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="In plain words.")] = None,
    collection: CollectionOption = None,
    questions: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='Questions from a file, a JSON line {"id", "question", "history"?} each.'),
    ] = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    publisher: PublisherOption = None,
    document: DocumentOption = None,
    model: ModelOption = None,
    server: ServerOption = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Answer a question, each sentence with its source; or say that the documents do not answer it."""
    from rag.answers import answer_json
    from rag.commands.chat import answered
    from rag.commands.text import answer_text, name

    if (question is None) == (questions is None):
        raise typer.BadParameter("give either a QUESTION or --questions FILE")
    filters = _filters(after, before, publisher, document)
    opened = _with_model(_for_reading(collection, sample=not (as_json or questions)), model, server)
    said = opened.model.notices if opened.model else ()
    if questions is not None:
        from rag.batches import answer_all

        rows = _question_rows(questions)
        asked = [(row["question"], row["history"]) for row in rows]
        for row, answer in zip(rows, answer_all(opened, asked, strict=strict, filters=filters), strict=True):
            if as_json:
                print_json({"id": row["id"], **answer_json(answer)})
            else:
                print_line(f"{name(str(row['id']))}  {name(row['question'])}\n\n{answer_text(answer)}\n")
            print_notices(notice for notice in answer.notices if notice not in said)
        return
    answer = answered(opened, question or "", strict=strict, filters=filters)
    print_notices(notice for notice in answer.notices if notice not in said)
    if as_json:
        print_json(answer_json(answer))
    else:
        print_line(answer_text(answer))


@app.command("chat")
def chat_command(
    collection: CollectionOption = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    publisher: PublisherOption = None,
    document: DocumentOption = None,
    model: ModelOption = None,
    server: ServerOption = None,
    strict: StrictOption = False,
) -> None:
    """Ask one question after the other; "and when was that?" goes on from the last one."""
    from rag.commands.chat import Chat, typed_lines

    filters = _filters(after, before, publisher, document)
    opened = _with_model(_for_reading(collection, sample=True), model, server)
    say("Ask something; /help lists the commands, /quit ends.")
    Chat(opened, filters=filters, strict=strict).run(typed_lines())


@app.command("search")
def search_command(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="In plain words.")],
    collection: CollectionOption = None,
    k: Annotated[int, typer.Option("-k", min=1, help="At most this many passages.")] = 10,
    after: AfterOption = None,
    before: BeforeOption = None,
    publisher: PublisherOption = None,
    document: DocumentOption = None,
    as_json: JsonOption = False,
) -> None:
    """The passages nearest to a question, without an answer."""
    from rag.answers import hits_json
    from rag.commands.text import hits_text

    filters = _filters(after, before, publisher, document)
    opened = _for_reading(collection, sample=not as_json)
    hits = search(opened, question, k=k, filters=filters)
    print_notices(opened.stored.notices)
    if as_json:
        print_json(hits_json(question, hits))
    else:
        print_line(hits_text(hits))


@app.command("show")
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

    opened = _for_reading(collection, sample=not as_json)
    citation = show(opened, document, start, end)
    if as_json:
        shown = citation_json(citation)
        del shown["label"]
        print_json(shown)
        return
    with opened.stored.reading() as snapshot:
        text = Sources(snapshot).document(document).text
    print_line(shown_text(text, citation))


@app.command("list")
def list_command(collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """The documents of the collection."""
    from rag.commands.text import name

    opened = _for_reading(collection, sample=not as_json)
    with opened.stored.reading() as snapshot:
        documents = snapshot.documents()
    if as_json:
        print_json(
            {"documents": [{"document": d.doc_id, "title": d.title, "date": d.date, "publisher": d.publisher,
                            "source": d.source, "bytes": d.size} for d in documents]}
        )  # fmt: skip
        return
    width = min(max((len(name(d.doc_id)) for d in documents), default=0), _NAME_WIDTH)
    for d in documents:
        outlet, title = name(d.publisher or "no outlet"), name(d.title or "no title")
        print_line(f"{name(d.doc_id):<{width}}  {d.date or 'no date':<10}  {outlet}  {title}")


@app.command("paragraphs")
def paragraphs_command(
    document: Annotated[str, typer.Argument(metavar="DOC", help="The document's name, as 'list' shows it.")],
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """A document's paragraphs, numbered, each with its kind."""
    from rag.commands.text import paragraph_text

    opened = _for_reading(collection, sample=not as_json)
    with opened.stored.reading() as snapshot:
        text = snapshot.document(document).text
        paragraphs = snapshot.paragraphs(document)
    if as_json:
        print_json(
            {"document": document,
             "paragraphs": [{"number": p.number, "start": p.start, "end": p.end, "kind": p.kind.value,
                             "text": text[p.start : p.end]} for p in paragraphs]}
        )  # fmt: skip
        return
    for p in paragraphs:
        print_line(paragraph_text(p.number, p.kind.value, text[p.start : p.end]))


@app.command("status")
def status_command(collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """The collection in numbers, how its vectors are searched, and whether its parts are whole."""
    from dataclasses import asdict

    opened = _for_reading(collection, sample=not as_json)
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
        print_json({**numbers, "vectors": asdict(status.vectors) if status.vectors else None})
        return
    if status.vectors:
        numbers["vectors"] = str(status.vectors)
    for name, value in numbers.items():
        shown = "not told by the server" if value is None else f"{value:,}" if isinstance(value, int) else value
        print_line(f"{name:<11} {shown}")


@app.command("edit")
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
    from index.intake.indexing import edit_document
    from index.metadata import Given
    from rag.commands.text import name

    typed = {"title": title, "date": date, "publisher": publisher, "url": url}
    cleared = [field for field, value in typed.items() if value is not None and not value.strip()]
    dated = None if "date" in cleared else _date(date, "--date")
    given = Given(title=title, date=dated, publisher=publisher, url=url)
    if not (given.named or cleared):
        raise typer.BadParameter("give at least one of --title, --date, --publisher, --url")
    opened = open_collection(collection)
    with opened.stored.reading():  # raises where there is no collection, before one is made
        pass
    with opened.writer() as writer:
        edited = edit_document(writer, opened.encoder, document, given, cleared=cleared)
    outlet, headline = name(edited.publisher or "no outlet"), name(edited.title or "no title")
    print_line(f"{name(edited.doc_id)}  {edited.date or 'no date'}  {outlet}  {headline}")


@app.command("remove")
def remove_command(
    documents: Annotated[list[str], typer.Argument(metavar="DOC...", help="Names, as 'list' shows them.")],
    collection: CollectionOption = None,
) -> None:
    """Take documents out of the collection; their files stay."""
    from index.collection import open_collection as open_stored

    with open_stored(open_collection(collection).place, write=True) as writer:
        writer.remove(list(dict.fromkeys(documents)))
        writer.refresh_base()
        print_notices(writer.notices)
    print_line(f"{len(set(documents))} removed")


@app.command("serve")
def serve_command(
    collection: CollectionOption = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; others than this machine's own need a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any free one.")] = 8642,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The token that callers must show. [default: $PILCROW_TOKEN]")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A further name of this machine; may be given again.")
    ] = None,
    queue: Annotated[int, typer.Option(min=0, help="Questions that may wait; those beyond are sent away.")] = 60,
    seconds: Annotated[float, typer.Option(min=1, help="The most that one question may take.")] = 300,
    model: ModelOption = None,
    server: ServerOption = None,
    strict: StrictOption = False,
) -> None:
    """Answer over HTTP: OpenAI's chat completions, and ask, search and show."""
    from rag.serving.app import answering, make_app
    from rag.serving.listening import listen, read_token, serve

    opened = _with_model(_for_reading(collection, sample=True), model, server)
    token = read_token(token_file)
    with listen(host, port, token=token) as listening:
        answers = answering(opened, strict=strict)
        served = make_app(opened, answers, token=token, hosts=allow_host or (), waiting=queue, seconds=seconds)
        shown = f"[{host}]" if ":" in host else host
        say(f"Serving '{opened.place}' at http://{shown}:{listening.getsockname()[1]} (/docs says how to call it)")
        serve(served, listening)


@app.command("ui")
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

    users = ui.read_users(auth)
    named = collection is not None or "PILCROW_COLLECTION" in os.environ
    opened = open_collection(collection)
    if not opened.exists and named:
        with opened.writer():  # an empty one, for files that are dropped on the page
            pass
    sample = not opened.exists
    if sample:
        opened = _sample_collection()
    opened = _with_model(opened, model, server)
    ui.serve(
        ui.Page(opened, sample=sample, strict=strict), host=host, port=port, users=users, mcp=mcp,
        ready=lambda address: say(f"Pilcrow is at {address} (stop it with Ctrl-C)"),
    )  # fmt: skip


@app.command("judgements")
def judgements_command(
    collection: CollectionOption = None,
    trec: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them as TREC qrels.")] = None,
    beir: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write them with the collection as a BEIR folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What people judged on the page, for other programs; 'pilcrow eval' reads the judgements where they lie."""
    from dataclasses import asdict

    from rag.commands.text import name
    from rag.judgements import judgements, trec_qrels, write_beir

    opened = _for_reading(collection, sample=not as_json)
    given = judgements(opened.folder)
    if trec is not None:
        trec.write_text(trec_qrels(given), encoding="utf-8")
    if beir is not None:
        with opened.stored.reading() as snapshot:
            write_beir(beir, given, snapshot)
    if as_json:
        print_json({"judgements": [asdict(judgement) for judgement in given]})
        return
    for j in given:
        what = f"{name(j.doc_id)} {j.start}-{j.end}" if j.doc_id is not None else "the answer"
        print_line(f"{j.judged_at}  {name(j.judge)}  {j.grade}  {name(j.question)}  {what}")


app.command("check")(check_command)
app.command("compact")(compact_command)
app.command("reindex")(reindex_command)
app.command("export")(export_command)
app.command("import")(import_command)
app.command("train-reader")(train_reader_command)
app.command("train-order")(train_order_command)
app.command("train-support")(train_support_command)
app.command("train-cleaner")(train_cleaner_command)


# ---- What the commands share


def _for_reading(place: str | None, *, sample: bool) -> OpenCollection:
    """The collection to read. Where none was named and there is none yet, the sample, unless a program is asking."""
    from index.errors import CollectionMissing

    opened = open_collection(place)
    if opened.exists:
        return opened
    if place is None and "PILCROW_COLLECTION" not in os.environ and sample:
        return _sample_collection()
    raise CollectionMissing(
        f"no collection in '{opened.place}'; make one with: pilcrow index PATH --collection {opened.place}"
    )


def _sample_collection() -> OpenCollection:
    """The bundled sample, indexed into the user's cache folder on its first use."""
    import hashlib

    import platformdirs

    room = Path(__file__).parent / "index"
    articles = room / "sample" / "articles"
    files = sorted(articles.iterdir())
    # The code that indexes is part of the key: another version may split or store the same texts otherwise.
    made_of = [*sorted(room.rglob("*.py")), *files]
    key = hashlib.sha256(b"\0".join(path.read_bytes() for path in made_of)).hexdigest()[:12]
    opened = open_collection(platformdirs.user_cache_path("pilcrow") / f"sample-{key}")
    say(f"No collection here yet, so this is the bundled sample: {len(files)} short articles about Belarus.")
    say("To ask your own documents: pilcrow index PATH...")
    done = opened.folder / "complete"
    if not done.is_file():
        with progress_bar("indexing the sample, once") as progress:
            index(opened, [articles], progress=progress)
        done.touch()
    return opened


def _with_model(opened: OpenCollection, model: str | None, server: str | None) -> OpenCollection:
    """The collection with the chat model that was named; what leaves the machine with it is said before it does."""
    if server is not None and not model:
        raise typer.BadParameter("--server needs the name of one of its models: --model NAME")
    opened.model_name, opened.server = model or None, server
    if opened.model is not None:
        print_notices(opened.model.notices)
    return opened


def _filters(
    after: str | None, before: str | None, publisher: str | None, documents: Sequence[str] | None
) -> "Filters":
    from index.collection import Filters

    return Filters(_date(after, "--after"), _date(before, "--before"), publisher or None, tuple(documents or ()))


def _date(value: str | None, option: str) -> str | None:
    from index.metadata import parse_date

    date = parse_date(value)
    if value is not None and date is None:
        raise typer.BadParameter(f"{option} '{value}' is not a date; write it like 2023-02-19, 2023-02 or 2023")
    return date


def _question_rows(path: Path) -> list[dict[str, Any]]:
    """Rows with an "id", a "question" and turns as "history" from JSON lines. Raises Unreadable with file and line."""
    from index.errors import Unreadable
    from rag.conversation import turns_of

    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"'{path}' cannot be read ({error}); give a UTF-8 file of JSON lines") from error
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
    from rag.commands.text import name

    counts = {"added": summary.added, "updated": summary.updated, "unchanged": summary.unchanged}
    if summary.moved:
        counts["moved"] = summary.moved
    if summary.removed:
        counts["removed"] = summary.removed
    if summary.unreadable:
        counts["skipped"] = len(summary.unreadable)
    print_line(", ".join(f"{n} {what}" for what, n in counts.items()) + f" in {name(place)}")
    for path, reason in summary.unreadable:
        print_line(f"skipped {name(path)}: {name(reason)}")
    for reason, n in summary.ignored.items():
        print_line(f"ignored {n} {reason}")


def _usage_fault(error: TyperException) -> str:
    """The one line for a wrong call; the whole help where there was no argument at all."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if message.startswith("Usage:"):
        return message
    if "No such option" in message:
        message = f"{message.rstrip('.')}. Put -- before a question or a name that begins with a dash."
    return f"pilcrow: {message} (pilcrow --help shows the commands)"


# Faults of the disk and of permissions: the user can mend them, and a traceback would not help to.
_DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
# So are these where they are about a path that the user has named; about any other they are a bug of ours.
_PATH_FAULTS = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG)


def _file_fault(error: OSError, arguments: Sequence[str]) -> str | None:
    """The one line for a fault of files that a user can mend; None for a bug.

    arguments: as they were typed; a path among them stands by itself, or as --option=PATH. Python tells it without what
    means nothing in it, such as "./".
    """
    if error.errno in _DISK_FAULTS:
        return f"pilcrow: {error.filename or 'a file'}: {error.strerror}; nothing that was stored before is lost"
    import platformdirs

    given = [*arguments, os.environ.get("PILCROW_COLLECTION") or ".pilcrow"]
    named = {str(Path(path)) for argument in given for path in (argument, *argument.split("=", 1)[1:])}
    if error.errno in _PATH_FAULTS and error.filename is not None and str(Path(str(error.filename))) in named:
        return f"pilcrow: '{error.filename}': {error.strerror}; give another path"
    if error.errno == errno.ENOTDIR and Path(str(error.filename)).is_relative_to(platformdirs.user_cache_path()):
        return f"pilcrow: the cache folder '{error.filename}': {error.strerror}; name another: $XDG_CACHE_HOME"
    return None


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
        if status == _INTERRUPTED:
            say("pilcrow: stopped")
    except PilcrowError as error:
        say(f"pilcrow: {error}")
        return _USER_ERROR
    except TyperException as error:
        say(_usage_fault(error))
        return _USER_ERROR
    except (KeyboardInterrupt, Abort) as stopped:
        say(f"pilcrow: {str(stopped) or 'stopped'}")
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more when it ends
        return 1
    except OSError as error:
        fault = _file_fault(error, typed)
        if fault is None:
            raise
        say(fault)
        return _USER_ERROR
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    sys.exit(main())
