"""Workbooks of Excel, by openpyxl: each sheet's tables row by row, values as they are shown.

Sheets, rows and columns that are hidden are left out and told.
"""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from index.errors import Unreadable
from index.formats.archive import DAMAGED, open_archive
from index.formats.content import Content, Piece, laid_out, one_line, table
from index.paragraphs import Kind

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell

# A sheet whose stored text is larger is read as a stream, without what is known of its layout.
_LARGE_SHEETS = 80_000_000
# So are sheets with more cells under others that span them: openpyxl makes an object of each.
_MOST_MERGED = 1_000_000
_SPAN = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_NO_VALUE = re.compile(rb"<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>")
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)(?:-[^\]]*)?\]|_.|\*.|\[[^\]]*\]')
_YEAR = re.compile(r"(?:19|20)\d\d")
_PLAIN_NUMBER = re.compile(r"[-+]?\d[\d.,]*")
_DIGITS = re.compile(r"[#0?][#0?,]*(?:\.(?P<places>[#0?]+))?(?P<power>E[+-]0+)?")


def read_xlsx(raw: bytes) -> Content:
    """A heading a sheet where there are several, and the rows of its tables; empty rows part tables.

    Raises Unreadable for what is damaged or encrypted.
    """
    import openpyxl

    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("it is encrypted, or of before 2007; save it as .xlsx without a password")
    archive = open_archive(raw)
    sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
    large = sum(archive.getinfo(name).file_size for name in sheets) > _LARGE_SHEETS
    try:
        large = large or sum(_merged_cells(archive.read(name)) for name in sheets) > _MOST_MERGED
        unknown = 0 if large else sum(len(_NO_VALUE.findall(archive.read(name))) for name in sheets)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of extensions that openpyxl does not write back
            book = openpyxl.load_workbook(BytesIO(raw), data_only=True, read_only=large)
            for sheet in book.worksheets if large else ():
                sheet.reset_dimensions()  # which rows there are is not for the file to say
            pieces, notices = _pieces(book)
    except (*DAMAGED, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, SyntaxError) as error:
        raise Unreadable(f"damaged, or no workbook ({error})") from error
    if unknown:
        notices.append(f"{unknown} formula{'s have' if unknown > 1 else ' has'} no stored value; open and save it anew")
    text, blocks, _ = laid_out([pieces])
    return Content(text, title=one_line(book.properties.title), blocks=blocks, notices=tuple(notices))


def _pieces(book: Any) -> tuple[list[Piece], list[str]]:
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    pieces: list[Piece] = []
    hidden = len(book.worksheets) - len(sheets)
    notices = [f"{hidden} hidden sheet{'s were' if hidden > 1 else ' was'} not read"] if hidden else []
    left_out = pictures = charts = 0
    for sheet in sheets:
        if len(sheets) > 1:
            pieces.append(Piece(sheet.title, Kind.HEADING, 1))
        rows, remarks, unseen = _rows(sheet)
        left_out += unseen
        pictures += len(getattr(sheet, "_images", ()))
        charts += len(getattr(sheet, "_charts", ()))
        for region in _regions(rows):
            pieces += _region(region)
        pieces += remarks
    if left_out:
        notices.append(f"hidden rows and columns were not read ({left_out})")
    if pictures:
        notices.append(f"{pictures} picture{'s were' if pictures > 1 else ' was'} not read")
    if charts:
        notices.append(f"{charts} chart{'s were' if charts > 1 else ' was'} not read; the values are in the cells")
    return pieces, notices


Row = Sequence[tuple[str, bool, bool]]  # a cell's words, whether they are a number, whether they are bold


def _rows(sheet: Any) -> tuple[list[Row], list[Piece], int]:
    """The rows of a sheet as they are shown, the comments on its cells, and how many rows and columns are hidden."""
    merged = {} if not hasattr(sheet, "merged_cells") else _merged(sheet)
    rows_seen = getattr(sheet, "row_dimensions", {})
    hidden_columns = _hidden_columns(sheet)
    rows: list[Row] = []
    remarks: list[Piece] = []
    hidden = 0
    for cells in _used(sheet, merged):
        number = next((cell.row for cell in cells if getattr(cell, "row", None)), None)
        if number in rows_seen and rows_seen[number].hidden:
            hidden += any(cell.value is not None for cell in cells)
            rows.append(())
            continue
        row = []
        for cell in cells:
            if getattr(cell, "column", None) in hidden_columns:
                continue
            source = merged.get((cell.row, cell.column), cell) if merged else cell
            row.append((_shown(source), _is_number(source), bool(getattr(getattr(cell, "font", None), "bold", False))))
            remark = getattr(cell, "comment", None)
            if remark is not None and str(remark.text or "").strip():
                words = " ".join(str(remark.text).split())
                remarks.append(Piece(f"Comment on {cell.coordinate}: {words}", Kind.LIST_ITEM, 1))
        # A row that only cells from above reach into says nothing of its own.
        reached = [cell for cell in cells if merged and merged.get((cell.row, cell.column), cell).row < cell.row]
        if not reached or any(cell.value is not None for cell in cells):
            rows.append(row)
    return rows, remarks, hidden + len(hidden_columns)


def _used(sheet: Any, merged: Mapping[tuple[int, int], "Cell"]) -> Iterator[Sequence[Any]]:
    """The rows that hold anything, each over the columns that do, an empty one between those that are apart.

    All rows and columns between the first and the last are not walked: one stray cell may stand a million rows below.
    """
    stored = getattr(sheet, "_cells", None)  # by row and column; no public name tells which cells there are
    if stored is None:  # read as a stream
        yield from sheet.iter_rows()
        return
    places = {place for place, cell in stored.items() if cell.value is not None or cell.comment} | {
        place for place in merged if place in stored
    }
    columns = sorted({column for _, column in places})
    last = None
    for row in sorted({row for row, _ in places}):
        if last is not None and row > last + 1:
            yield ()
        yield [sheet.cell(row, column) for column in columns]
        last = row


def _merged_cells(sheet: bytes) -> int:
    """How many cells of a sheet's XML lie in areas that are merged."""
    return sum(
        (_number_of(right) - _number_of(left) + 1) * (int(bottom) - int(top) + 1)
        for left, top, right, bottom in _SPAN.findall(sheet)
    )


def _number_of(column: bytes) -> int:
    """The number of a column, from 1: 1 of "A", 27 of "AA"."""
    number = 0
    for letter in column:
        number = 26 * number + letter - ord("A") + 1
    return number


def _hidden_columns(sheet: Any) -> set[int]:
    """The numbers of the columns that are hidden and hold something or may."""
    found: set[int] = set()
    for dimension in getattr(sheet, "column_dimensions", {}).values():
        if dimension.hidden and dimension.min and dimension.max:
            found.update(range(dimension.min, min(dimension.max, sheet.max_column) + 1))
    return found


def _merged(sheet: Any) -> dict[tuple[int, int], "Cell"]:
    """The cells that lie under one that spans rows, and that cell: it is seen beside each of these rows."""
    found = {}
    for area in sheet.merged_cells.ranges:
        for row in range(area.min_row, min(area.max_row, area.min_row + 1000) + 1):
            found[row, area.min_col] = sheet.cell(area.min_row, area.min_col)
        # A name over several columns stands over each; one over all of them is the table's.
        over_all = area.min_col <= sheet.min_column and area.max_col >= sheet.max_column
        if area.min_row == area.max_row == sheet.min_row and not over_all:
            for column in range(area.min_col, area.max_col + 1):
                found[area.min_row, column] = sheet.cell(area.min_row, area.min_col)
    return found


def _regions(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows between empty ones, without the columns that are empty in all of them."""
    region: list[Row] = []
    for row in [*rows, ()]:
        if any(words for words, *_ in row):
            region.append(row)
        elif region:
            yield _without_empty_columns(region)
            region = []


def _without_empty_columns(rows: Sequence[Row]) -> list[Row]:
    width = max(map(len, rows))
    full = [n for n in range(width) if any(n < len(row) and row[n][0] for row in rows)]
    return [[row[n] if n < len(row) else ("", False, False) for n in full] for row in rows]


def _region(rows: Sequence[Row]) -> Iterator[Piece]:
    """A table; lines of one cell above it, or by themselves, are text."""
    rows = list(rows)
    while rows and sum(bool(words) for words, *_ in rows[0]) == 1:
        words = next(words for words, *_ in rows.pop(0) if words)
        yield Piece(words)
    if not rows:
        return
    cells = [[words for words, *_ in row] for row in rows]
    yield from table(cells, heads=_heads(rows))


def _heads(rows: Sequence[Row]) -> int:
    """How many of the first rows name the columns: none in a list of labels, two where names span several columns."""
    first, below = rows[0], rows[1:]
    if not below or not all(_names(cell) for cell in first[1:]) or not (_names(first[0]) or not first[0][0]):
        return 0
    spans = any(left[0] == right[0] for left, right in pairwise(first[1:]))
    if spans and len(below) > 1 and all(_names(cell) for cell in below[0][1:]):
        return 2
    rest = [bold for row in below for words, _, bold in row if words]
    if all(bold for words, _, bold in first if words) and not all(rest):
        return 1
    return int(len(first) > 2 or all(row[-1][1] for row in below if row[-1][0]))


def _names(cell: tuple[str, bool, bool]) -> bool:
    """Whether a cell may name its column: words, or a year."""
    words, is_number, _ = cell
    return bool(words) and (bool(_YEAR.fullmatch(words)) or not (is_number or _PLAIN_NUMBER.fullmatch(words)))


def _is_number(cell: Any) -> bool:
    return isinstance(cell.value, int | float | datetime | date | time | timedelta) and not isinstance(cell.value, bool)


def _shown(cell: Any) -> str:
    """A cell's value as the sheet shows it; dates as 2024-03-09."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes") if value.time() != time() else value.date().isoformat()
    if isinstance(value, time):
        return value.isoformat("auto")
    if isinstance(value, int | float):
        return _number(value, str(getattr(cell, "number_format", None) or "General"))
    return str(value)


def _number(value: float, layout: str) -> str:
    """A number in the layout of its cell: "1,250.00 €", "12.5%"; by itself where the layout says nothing we know."""
    sections = layout.split(";")
    own = sections[1] if value < 0 and len(sections) > 1 and _DIGITS.search(sections[1]) else sections[0]
    sign = "-" if value < 0 and own is sections[0] else ""
    own = "0" + own if own.startswith(".") else own
    bare = _LITERAL.sub(lambda found: "\0" * len(found[0]), own)
    digits = _DIGITS.search(bare)
    if digits is None or "/" in bare or "General" in own:
        return format(value, ".15g") if isinstance(value, float) else str(value)
    size = abs(value) * (100 if "%" in bare else 1)
    pattern = digits[0].split(".")[0]
    size /= 1000 ** (len(pattern) - len(pattern.rstrip(",")))
    places = digits["places"] or ""
    group = "," if "," in pattern.rstrip(",") else ""
    if digits["power"]:
        return sign + format(size, f".{len(places)}E")
    words = format(size, f"{group}.{len(places)}f")
    for place in reversed(places):  # "#" shows no zero at the end
        words = words[:-1] if place != "0" and words[-1] == "0" and "." in words else words
        if place == "0" or words[-1] == ".":
            break
    around = [_LITERAL.sub(lambda found: found[1] or found[2] or found[3] or "", part).strip("#?0,")
              for part in (own[: digits.start()], own[digits.end() :])]  # fmt: skip
    whole, point, rest = words.partition(".")
    # "00000" shows as many digits as it has zeros: a postal code keeps its first.
    words = whole.zfill(pattern.count("0")) + (point + rest if rest else "")
    return " ".join(f"{sign}{around[0]}{words}{around[1]}".split())
