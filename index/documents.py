"""The Document: a text that can be cited, and what is known of it; and what a person says of one.

Knows no files, paragraphs or passages.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace

from index.formats.content import Block, one_line


@dataclass(frozen=True, slots=True)
class Document:
    """A text that can be cited, and what is known of it.

    doc_id: the display name, unique in a collection; never changes.
    source: absolute path, URL, or `file#row`: the identity for update and move.
    text: final; every offset anywhere counts characters (code points) of it.
    date: ISO 8601, or the part of it that is known ("2022", "2022-03"). Unknown is None, never guessed.
    sha256: of the file's bytes (or of the row), in hex. size: their number.
    keep_all: read with no paragraph taken for furniture.
    url: where it was published, where that is stated. language: as stated, "en" or "en-GB".
    pages: where each page begins in `text`, from page 1; empty where the format has none.
    given: which of title, date, publisher and url a person gave; the file's own words don't change them.
    notices: what of the file is not in `text`, a line each.
    blocks: what its reader knows of stretches of the text; not stored, since its paragraphs are.
    """

    doc_id: str
    source: str
    title: str | None
    text: str
    date: str | None
    publisher: str | None
    sha256: str
    size: int
    keep_all: bool = False
    url: str | None = None
    language: str | None = None
    pages: tuple[int, ...] = ()
    given: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()

    def page(self, offset: int) -> int | None:
        """The page, from 1, that a character of the text stands on; None where the format has no pages."""
        return bisect_right(self.pages, offset) if self.pages else None


@dataclass(frozen=True, slots=True)
class Given:
    """What a person says of a file, each on one line; None says nothing, and so does a blank."""

    title: str | None = None
    date: str | None = None
    publisher: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        for name in ("title", "date", "publisher", "url"):
            object.__setattr__(self, name, one_line(getattr(self, name)))

    @property
    def named(self) -> tuple[str, ...]:
        """The names of what is said."""
        return tuple(name for name in ("title", "date", "publisher", "url") if getattr(self, name))

    def over(self, other: "Given") -> "Given":
        """Both together; this one wins where both speak."""
        return Given(*(getattr(self, name) or getattr(other, name) for name in ("title", "date", "publisher", "url")))


def with_given(document: Document, given: Given) -> Document:
    """The document with what is given in place of what it states."""
    return replace(document, **{name: getattr(given, name) for name in given.named})
