"""Plain text and Markdown."""

from index.formats.content import Content
from index.formats.text import decode
from index.metadata import parse_date, stated_metadata


def read_plain(raw: bytes) -> Content:
    """The text is the decoded file; metadata from a leading block that states it."""
    text = decode(raw)
    stated = stated_metadata(text)
    return Content(
        text,
        stated.get("title"),
        parse_date(stated.get("date")),
        stated.get("publisher"),
        stated.get("url"),
        stated.get("language"),
    )
