"""Files into Documents: which format a file is of, and what is the same in all of them.

How a format is read stands beside it, one function a format. Does not know paragraphs, passages or the collection.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index.documents import Document, Given, with_given
from index.errors import Unreadable
from index.formats.container import files, mails
from index.formats.content import Content
from index.formats.parser import READERS as APART
from index.formats.parser import ParserProcess
from index.formats.plain import read_plain
from index.formats.rows import BadRow, Row, read_csv, read_jsonl

_PLAIN: Mapping[str, Callable[[bytes], Content]] = {".txt": read_plain, ".md": read_plain, ".markdown": read_plain}
ROWS: Mapping[str, Callable[[bytes], Iterator[Row | BadRow]]] = {
    ".csv": read_csv,
    ".jsonl": read_jsonl,
    ".tsv": read_csv,
}
# Files that hold files, each of which is a document, or several.
_CONTAINERS = frozenset((".mbox", ".zip"))
FORMATS = frozenset((*_PLAIN, *ROWS, *APART, *_CONTAINERS))
_SCRAPED = frozenset((*_PLAIN, *ROWS, ".html", ".htm"))
# Larger files are read only when told to: a text of this size is a hundred thousand pages.
MAX_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class File:
    """A file's bytes, read once: all that is said of it is said of these."""

    path: Path
    source: str
    raw: bytes
    sha256: str

    @property
    def holds_rows(self) -> bool:
        """Whether each of its rows, or of the files in it, is a document."""
        return self.path.suffix.lower() in (*ROWS, *_CONTAINERS)

    @property
    def is_scraped(self) -> bool:
        """Whether furniture may stand in it: what was written as a document carries no menus and pleas."""
        return self.path.suffix.lower() in _SCRAPED


def open_file(path: Path, *, max_bytes: int = MAX_BYTES) -> File:
    """The bytes of a file of a known format.

    Raises Unreadable where it is of none, cannot be opened, is larger than `max_bytes`, changes while it is read, or
    has a name that is not Unicode.
    """
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(sorted(FORMATS))
        raise Unreadable(f"'{path.suffix or path.name}' is not a format that Pilcrow reads ({known})")
    try:
        source = str(path.resolve())
        source.encode()
        before = path.stat()
        if before.st_size > max_bytes:
            raise Unreadable(
                f"{before.st_size:,} bytes are more than {max_bytes:,}; if that is meant: --max-bytes {before.st_size}"
            )
        raw = path.read_bytes()
        after = path.stat()
    except UnicodeEncodeError as error:
        raise Unreadable("its name is not valid Unicode; rename it") from error
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(raw) != after.st_size:
        raise Unreadable("it changed while it was read; index it again when nothing writes to it")
    return File(path, source, raw, hashlib.sha256(raw).hexdigest())


def read_document(
    path: Path, doc_id: str, *, given: Given | None = None, parser: ParserProcess | None = None
) -> Document:
    """The document in a file that holds one; what is given wins over what the file states.

    parser: where the parsers run that a hostile file could hang; one for this file alone by default.
    Raises Unreadable where the file cannot be opened, or holds no text.
    """
    if parser is None:
        with ParserProcess() as own:
            return read_document(path, doc_id, given=given, parser=own)
    return document_of(open_file(path), doc_id, given or Given(), parser)


def document_of(file: File, doc_id: str, given: Given, parser: ParserProcess, *, keep_all: bool = False) -> Document:
    """The one document that a file's bytes are. Raises Unreadable where they are none."""
    suffix = file.path.suffix.lower()
    content = _PLAIN[suffix](file.raw) if suffix in _PLAIN else parser.read(suffix, file.raw)
    if not content.text.strip():
        raise Unreadable("no text in it")
    keep_all = keep_all or not file.is_scraped
    document = _document(content, doc_id, file.source, file.sha256, len(file.raw), keep_all=keep_all)
    return with_given(document, given)


def rows_of(file: File, name: str, *, keep_all: bool = False) -> tuple[list[Document], list[BadRow]]:
    """The documents that a file's rows are, named `NAME#ROW`, and the rows that are none.

    Those of a mailbox are its mails, those of an archive the files in it, named `NAME/FILE`.
    Raises Unreadable where the file as a whole cannot be read by rows, or has none.
    """
    if file.path.suffix.lower() in _CONTAINERS:
        return _members_of(file, name, keep_all=keep_all)
    rows = list(ROWS[file.path.suffix.lower()](file.raw))
    if not rows:
        raise Unreadable("no rows in it")
    documents = [
        _document(
            row.content,
            f"{name}#{row.number}",
            f"{file.source}#{row.number}",
            hashlib.sha256(row.raw).hexdigest(),
            len(row.raw),
            keep_all=keep_all,
        )
        for row in rows
        if isinstance(row, Row)
    ]
    return documents, [row for row in rows if isinstance(row, BadRow)]


def _members_of(file: File, name: str, *, keep_all: bool) -> tuple[list[Document], list[BadRow]]:
    """The documents in the files that a file holds."""
    is_mailbox = file.path.suffix.lower() == ".mbox"
    documents: list[Document] = []
    faults: list[BadRow] = []
    with ParserProcess() as parser:
        for member in mails(file.raw) if is_mailbox else files(file.raw, FORMATS):
            if isinstance(member, BadRow):
                faults.append(member)
                continue
            source, path = f"{file.source}#{member.number}", Path(member.name)
            inner = File(path, source, member.raw, hashlib.sha256(member.raw).hexdigest())
            called = f"{name}#{member.number}" if is_mailbox else f"{name}/{member.name}"
            try:
                if inner.holds_rows:
                    rows, bad = rows_of(replace(inner, source=f"{source}."), called, keep_all=keep_all)
                    documents += [replace(row, source=row.source.replace(".#", ".")) for row in rows]
                    faults += [BadRow(member.number, f"{member.name}: {row.reason}", member.number) for row in bad]
                else:
                    documents.append(document_of(inner, called, Given(), parser, keep_all=keep_all))
            except Unreadable as error:
                faults.append(BadRow(member.number, f"{member.name}: {error}", member.number))
    if not documents and not faults:
        raise Unreadable("no files in it")
    return documents, faults


def known_rows(
    stored: Iterable[str], file: File, documents: Sequence[Document], faults: Sequence[BadRow]
) -> tuple[Sequence[Document], set[str]]:
    """The rows of a file that are what they are stored as, or new; and the stored sources that it has no longer.

    A row that cannot be read stays what it was. After one that may have swallowed others, a row has the number of
    another: then nothing that is stored goes, and from there on nothing is replaced.
    """
    known = set(stored)
    joined = next((fault.number for fault in faults if fault.may_join), None)
    if joined is not None:
        after = known - {f"{file.source}#{number}" for number in range(1, joined)}
        return [document for document in documents if document.source not in after], set()
    return documents, known - {d.source for d in documents} - {f"{file.source}#{fault.number}" for fault in faults}


def file_of(source: str) -> str:
    """The file that a source lies in: itself, or what stands before `#row`, or `#member.row`."""
    file, _, row = source.rpartition("#")
    holds = file[file.rfind(".") :].lower() in (*ROWS, *_CONTAINERS)
    return file if holds and all(map(str.isdigit, row.split("."))) else source


def _document(content: Content, doc_id: str, source: str, sha256: str, size: int, *, keep_all: bool) -> Document:
    return Document(
        doc_id=doc_id,
        source=source,
        title=content.title,
        text=content.text,
        date=content.date,
        publisher=content.publisher,
        sha256=sha256,
        size=size,
        keep_all=keep_all,
        url=content.url,
        language=content.language,
        pages=content.pages,
        notices=content.notices,
        blocks=content.blocks,
    )
