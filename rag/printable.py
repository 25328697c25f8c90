"""Text of documents and models in which nothing is left for a terminal or a log to obey."""

import re

# Control characters but newline and tab, and the marks that turn the direction of text.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Text in which nothing is left for a terminal to obey."""
    return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)


def printable_line(text: str) -> str:
    """A name on one line: a file's, a question's id; a newline in it must not forge a line of ours."""
    return " ".join(plain(text).split())
