"""What a reader finds in a file, and how it is put together.

Knows no format.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# What nothing that people write holds: control characters but tab and newline, and half of a surrogate pair, which
# has no UTF-8 form. NUL is refused in a text file; inside other formats it is only a fault of their fonts.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Content:
    """The text of a file or of a row, and what it states about itself; what it does not state is None.

    pages: where each page begins in `text`, rising, from page 1; empty where the format has no pages.
    """

    text: str
    title: str | None = None
    date: str | None = None
    publisher: str | None = None
    url: str | None = None
    language: str | None = None
    pages: tuple[int, ...] = ()


def clean(text: str) -> str:
    """The text without characters that nobody can see or store; newlines are `\\n`."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(words: str | None) -> str | None:
    """A title or a name on one line; None for nothing."""
    return " ".join(clean(words).split()) or None if words else None


def joined(blocks: Iterable[str]) -> str:
    """The blocks that are not empty, a blank line between each two."""
    return "\n\n".join(block for block in map(str.strip, map(clean, blocks)) if block)


def paged(pages: Iterable[Iterable[str]]) -> tuple[str, tuple[int, ...]]:
    """The text of all pages' blocks, and where each page begins in it; a page of nothing begins where the next does."""
    text, starts = "", []
    parts: list[str] = []
    length = 0
    for blocks in pages:
        page = joined(blocks)
        starts.append(length)
        if page:
            parts.append(page)
            length += len(page) + 2
    text = "\n\n".join(parts)
    return text, tuple(min(start, len(text)) for start in starts)
