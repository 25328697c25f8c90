"""Text of documents and models as it can be shown: nothing in it to obey, no marks of a table."""

import re

# Control characters but newline and tab, and the marks that turn the direction of text.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Text in which nothing is left for a terminal to obey."""
    return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)


def printable_line(text: str) -> str:
    """A name on one line: a file's, a question's id; a newline in it must not forge a line of ours."""
    return " ".join(plain(text).split())


def without_bars(row: str) -> str:
    """A table's row, or a part of it, with middle dots where bars and tabs parted its cells."""
    return re.sub(r"\s*[|\t]\s*", " · ", row)
