"""What a command asks: the collection that was named, or the sample; its models; and the limits that were typed."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from index import SAMPLE
from rag.api import index, open_collection
from rag.commands.console import print_notices, progress_bar, say
from rag.opened import OpenCollection

if TYPE_CHECKING:
    from index.collection import Filters


def for_reading(place: str | None, *, sample: bool) -> OpenCollection:
    """The collection to read. Where none was named and there is none yet, the sample, unless a program is asking."""
    from index.errors import CollectionMissing

    opened = open_collection(place)
    if opened.exists:
        return opened
    if place is None and "PILCROW_COLLECTION" not in os.environ and sample:
        return sample_collection()
    raise CollectionMissing(
        f"no collection in '{opened.place}'; make one with: pilcrow index PATH --collection {opened.place}"
    )


def sample_collection() -> OpenCollection:
    """The bundled sample, indexed into the user's cache folder on its first use."""
    import hashlib

    import platformdirs

    articles = SAMPLE / "articles"
    files = sorted(articles.iterdir())
    # The code that indexes is part of the key: another version may split or store the same texts otherwise.
    made_of = [*sorted(SAMPLE.parent.rglob("*.py")), *files]
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


def with_model(opened: OpenCollection, model: str | None, server: str | None) -> OpenCollection:
    """The collection with the chat model that was named; what leaves the machine with it is said before it does."""
    from rag.generation.gguf_file import is_gguf, is_ready

    if server is not None and not model:
        raise typer.BadParameter("--server needs the name of one of its models: --model NAME")
    opened.model_name, opened.server = model or None, server
    if server is None and model and is_gguf(model) and not is_ready(model):
        say(f"Making '{model}' ready, once; it loads in seconds from then on.")
    if opened.model is not None:
        print_notices(opened.model.notices)
    return opened


def document_called(opened: OpenCollection, name: str) -> str:
    """The name in the collection of what a person calls so: that name, or the one its file has now."""
    from index.collection import doc_id_called

    with opened.stored.reading() as snapshot:
        return doc_id_called(snapshot, name)


def filters_of(
    after: str | None, before: str | None, publisher: str | None, documents: Sequence[str] | None
) -> "Filters":
    """The limits that were typed. Raises BadParameter for what is no date."""
    from index.collection import Filters

    return Filters(date_of(after, "--after"), date_of(before, "--before"), publisher or None, tuple(documents or ()))


def filters_in(opened: OpenCollection, filters: "Filters") -> "Filters":
    """The limits with the collection's names of the documents that were typed."""
    return replace(filters, documents=tuple(document_called(opened, name) for name in filters.documents))


def date_of(value: str | None, option: str) -> str | None:
    """An ISO date from what was typed for `option`. Raises BadParameter for what is no date."""
    from index.dates import stated_date

    try:
        return None if value is None else stated_date(value)
    except ValueError as error:
        raise typer.BadParameter(f"{option} {error}") from error
