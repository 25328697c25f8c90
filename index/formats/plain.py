"""Plain text and Markdown."""

from index.dates import parse_date
from index.formats.content import Content
from index.formats.stated import dateline, stated_metadata
from index.formats.text import decode


def read_plain(raw: bytes) -> Content:
    """The text is the decoded file; metadata from a leading block that states it, or a date from its dateline."""
    text = decode(raw)
    stated = stated_metadata(text)
    return Content(
        text,
        stated.get("title"),
        parse_date(stated.get("date")) if "date" in stated else dateline(text),
        stated.get("publisher"),
        stated.get("url"),
        stated.get("language"),
    )
