"""A file that came through a browser becomes documents of the collection.

Its name is a word to show and the document's name, never a path: the bytes lie where the server put them, the source is
`upload:NAME`, and nothing is written under that name. The same name again is an update, as a file's path would be.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index.documents import Document, Given
from index.errors import Unreadable
from index.formats.parser import ParserProcess
from index.formats.reading import File, document_of, file_of, known_rows, open_file, rows_of
from index.formats.rows import BadRow
from index.intake.indexing import index_documents
from rag.opened import OpenCollection

# A page's visitors may send files this large, and this many may wait to be read. The command line takes larger ones.
MAX_BYTES = 50_000_000
MAX_FILES = 50
_PREFIX = "upload:"
_LONGEST_NAME = 200
# Controls, marks that turn the direction of text, and what separates folders on any system.
_NOT_IN_A_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]|.*[/\\\\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an upload: documents added and updated, and those that were there already, unchanged.

    removed: those that were rows of the file of that name, and are no longer.
    """

    added: int
    updated: int
    unchanged: int
    faults: tuple[str, ...] = ()
    removed: int = 0


def add_upload(opened: OpenCollection, path: Path, name: str) -> Added:
    """Indexes the file at `path` under `name`. Raises Unreadable with the reason; CollectionLocked."""
    name = clean_name(name)
    if Path(name).suffix.lower() != path.suffix.lower():
        raise Unreadable(f"'{name}' is not named as what was sent")
    file = replace(open_file(path, max_bytes=MAX_BYTES), source=_PREFIX + name)
    documents, bad_rows = _documents(file, name)
    with opened.writer() as writer:
        with writer.reading() as snapshot:
            stored = {document.source: document for document in snapshot.documents()}
        rows = [source for source in stored if file_of(source) == file.source]
        documents, gone = known_rows(rows, file, documents, bad_rows)
        fresh, added, updated = [], 0, 0
        names = {document.doc_id for document in stored.values()}
        for document in documents:
            known = stored.get(document.source)
            if known is not None and known.sha256 == document.sha256:
                continue
            added, updated = added + (known is None), updated + (known is not None)
            doc_id = known.doc_id if known else free_name(document.doc_id, names)
            names.add(doc_id)
            fresh.append(_as_before(replace(document, doc_id=doc_id), known))
        index_documents(writer, opened.encoder, fresh)
        if gone:
            writer.remove([stored[source].doc_id for source in rows if source in gone])
            writer.refresh_base()
    faults = tuple(f"row {row.line}: {row.reason}" for row in bad_rows)
    return Added(added, updated, len(documents) - len(fresh), faults, len(gone))


def why_full(folder: Path, most: int = MAX_FILES) -> str | None:
    """Why no further file may be sent, in a line; None where one may.

    folder: where files wait that were sent and have not been read yet. most: how many may; 0 where none is taken.
    """
    if most == 0:
        return "no file is taken here"
    waiting = sum(path.is_file() for path in folder.rglob("*"))
    return (
        f"{waiting} files wait to be read, and no more than {most} may; send others later" if waiting >= most else None
    )


def clean_name(name: str) -> str:
    """The last part of a name as a browser gives it, in characters that a line can show. Raises Unreadable for none."""
    cleaned = " ".join(_NOT_IN_A_NAME.sub("", name).split())
    if not cleaned.strip("."):
        raise Unreadable("it has no name")
    stem, dot, suffix = cleaned.rpartition(".")
    if len(cleaned) > _LONGEST_NAME and dot:
        cleaned = f"{stem[: _LONGEST_NAME - len(suffix) - 1]}.{suffix}"
    return cleaned[-_LONGEST_NAME:]


def free_name(name: str, taken: set[str]) -> str:
    """The name, or with ~2, ~3, … where another document has it."""
    number, free = 2, name
    while free in taken:
        free = f"{name}~{number}"
        number += 1
    return free


def _documents(file: File, name: str) -> tuple[Sequence[Document], Sequence[BadRow]]:
    if file.holds_rows:
        return rows_of(file, name)
    with ParserProcess() as parser:
        return [document_of(file, name, Given(), parser)], []


def _as_before(document: Document, known: Document | None) -> Document:
    """What a person said of the document before stays said."""
    if known is None:
        return document
    said = {field: getattr(known, field) for field in known.given}
    return replace(document, given=known.given, **said)
