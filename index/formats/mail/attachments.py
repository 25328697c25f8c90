"""What is attached to a mail, read as files of its format are, below the mail's own text.

Knows no format: who reads which is handed in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from index.errors import Unreadable
from index.formats.content import Block, Content, Piece, laid_out
from index.paragraphs import Kind

# Readers by suffix.
Readers = Mapping[str, Callable[[bytes], Content]]


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a mail: its name, or its type where it has none, and its bytes."""

    name: str
    raw: bytes


def with_attached(content: Content, attached: Sequence[Attached], readers: Readers) -> Content:
    """The mail with the text of each attachment that can be read, below a heading with its name.

    What its headings, rows and items are is kept; its title and date stay the mail's. A line tells what was not read,
    and what each reader left out.
    """
    unread = []
    for file in attached:
        reader = readers.get(PurePosixPath(file.name).suffix.lower())
        if reader is None:
            unread.append(file.name)
            continue
        try:
            content = _below(content, file.name, reader(file.raw))
        except Unreadable as error:
            content = _told(content, f"attachment {file.name}: {error}")
        except (MemoryError, RecursionError):
            content = _told(content, f"attachment {file.name}: not read, as it took more than any document needs")
    if unread:
        names = ", ".join(unread[:5]) + (", ..." if len(unread) > 5 else "")
        files = "1 attachment was" if len(unread) == 1 else f"{len(unread)} attachments were"
        content = _told(content, f"{files} not read ({names}); save what you need as files and index those")
    return content


def _below(mail: Content, name: str, file: Content) -> Content:
    """The mail with a file's text below a heading of the highest level; those of the file are one lower each."""
    if not file.text.strip():
        return _told(mail, f"attachment {name}: no text in it")
    heading, above, _ = laid_out([[Piece(f"Attachment: {name}", Kind.HEADING, 1)]])
    at = len(mail.text) + 2 if mail.text else 0
    below = at + len(heading) + 2
    blocks = [Block(b.start + at, b.end + at, b.kind, b.level) for b in above]
    for b in file.blocks:
        deeper = b.level + 1 if b.kind is Kind.HEADING and b.level else b.level
        blocks.append(Block(b.start + below, b.end + below, b.kind, deeper))
    text = "\n\n".join(filter(None, (mail.text, heading, file.text)))
    told = tuple(f"attachment {name}: {notice}" for notice in file.notices)
    return replace(mail, text=text, blocks=(*mail.blocks, *blocks), notices=(*mail.notices, *told))


def _told(mail: Content, notice: str) -> Content:
    return replace(mail, notices=(*mail.notices, notice))
