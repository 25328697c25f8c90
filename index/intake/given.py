"""`metadata.csv`: what a person says of the files beside it.

Knows no documents and no collection; what is given wins over what a file states elsewhere.
"""

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from index.dates import parse_date, stated_date
from index.documents import Given
from index.errors import Unreadable
from index.formats.text import decode

GIVEN_FILE = "metadata.csv"


def read_given(path: Path) -> tuple[dict[Path, Given], list[tuple[str, str]]]:
    """The rows of a `metadata.csv` by the resolved path of the file that each names, and its faults: (place, reason).

    Columns: path, relative to its own folder, and any of title, date, publisher, url.
    Raises Unreadable where it cannot be read at all.
    """
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    given: dict[Path, Given] = {}
    faults: list[tuple[str, str]] = []
    try:
        if "path" not in (rows.fieldnames or ()):
            raise Unreadable(
                f"its first line has no column 'path' ({', '.join(rows.fieldnames or ()) or 'it is empty'})"
            )
        for row in rows:
            fields = {
                key: (row.get(key) or "").strip() or None for key in ("path", "title", "date", "publisher", "url")
            }
            fault, file = _fault(path, fields)
            if fault:
                faults.append((f"{path}:{rows.line_num}", fault))
            else:
                given[file] = Given(fields["title"], parse_date(fields["date"]), fields["publisher"], fields["url"])
    except csv.Error as error:
        raise Unreadable(f"line {rows.line_num + 1}: a broken quotation ({error})") from error
    return given, faults


def _fault(path: Path, fields: Mapping[str, str | None]) -> tuple[str | None, Path]:
    """What is wrong with a row, or None; and the file that it names."""
    name = fields["path"]
    file = (path.parent / (name or "")).resolve()
    if not name:
        return "names no path", file
    try:
        there = file.is_file()
    except OSError as error:  # such as an address in the wrong column: too long for a file's name
        return f"names '{name}', which cannot be looked at ({error.strerror})", file
    if not there:
        return f"names '{name}', which is not there", file
    try:
        if fields["date"]:
            stated_date(fields["date"])
    except ValueError as error:
        return str(error), file
    return None, file
