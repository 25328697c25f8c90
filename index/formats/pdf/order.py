"""The runs of a PDF's page in the order of reading: lines, and the rows of tables, ruled or only aligned.

A PDF knows where characters stand, not which of them belong together. The file's order is trusted where nothing speaks
against it; where lines of two columns alternate, or most lines go upwards, the page's geometry decides.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from index.formats.pdf.runs import Box, Page, Run

# A column of text has at least so many lines that fill it.
_COLUMN_LINES = 4
_COLUMN_LETTERS = 22
# Rows of one table are not further apart than so many sizes of their letters.
_ROW_GAP = 3.2
# So many characters a cell, most of them in rows that fill their columns, are text in columns and no table.
_CELL_LETTERS = 60
_MARK = re.compile(r"(?:[•▪◦‣·●○■□–—*➢✓-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)])")
# A line that names the next table or picture.
_CAPTION = re.compile(r"(?:Table|Tab\.|Figure|Fig\.)\s?\d+", re.IGNORECASE)
_NUMBER = re.compile(r"[-+−(]?[^\W\d_]{0,3}\s?[€$£%]?\s?\d[\d.,'  ]*\)?\s?[%€$£]?(?:\s?[^\W\d_]{1,4})?\.?")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page: its box in points from the page's lower left, its baseline, and the size of its letters."""

    text: str
    page: int
    left: float
    right: float
    bottom: float
    top: float
    size: float
    bold: bool = False
    is_value: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equally many cells; heads: how many of the first name the columns."""

    rows: Sequence[Sequence[str]]
    heads: int
    page: int


@dataclass(frozen=True, slots=True)
class Aside:
    """What stands across or along a page and is no part of its text: a stamp, a watermark; or a remark on it."""

    text: str
    page: int


Part = Line | Table | Aside


def parts_of(page: Page) -> list[Part]:
    """The lines, tables and asides of a page, in the order of reading; asides come last."""
    level = [run for run in page.runs if run.angle == 0]
    level = _with_capitals(level)
    columns = _columns(level, page)
    placed: list[tuple[int, int, float, Line | Table]] = []
    for number in range(-1, len(columns)):
        inside = [run for run in level if _column(run, columns) == number]
        placed += [(order, number, top, part) for order, top, part in _parts_of_column(inside, page)]
    return [part for *_, part in _ordered(placed)] + _asides(page)


def _with_capitals(runs: Sequence[Run]) -> list[Run]:
    """The runs with a large first letter that reaches over several lines set before the words that it begins."""
    result: list[Run] = []
    for run in runs:
        above = result[-1] if result else None
        if (
            above is not None
            and len(above.text) == 1
            and above.text.isalpha()
            and above.size > 1.7 * run.size
            and 0 <= run.box.left - above.box.right + 0.3 * run.size < 1.5 * run.size
            and above.baseline < run.baseline < above.box.top
        ):
            result[-1] = Run(above.text + run.text, run.box, run.baseline, run.size, run.bold, above.order)
        else:
            result.append(run)
    return result


def _columns(runs: Sequence[Run], page: Page) -> list[tuple[float, float]]:
    """The left and right ends of the columns that the page's text is set in; none where it is set in one."""
    full = [run for run in runs if len(run.text) >= _COLUMN_LETTERS]
    groups: list[list[Run]] = []
    for run in sorted(full, key=lambda run: run.box.left):
        near = next((g for g in groups if abs(median(r.box.left for r in g) - run.box.left) < 2 * run.size), None)
        if near is None:
            groups.append([run])
        else:
            near.append(run)
    columns: list[tuple[float, float]] = []
    for group in (g for g in groups if len(g) >= _COLUMN_LINES):
        left = min(run.box.left for run in group)
        right = sorted(run.box.right for run in group)[int(0.9 * (len(group) - 1))]
        widths = [run.box.right - run.box.left for run in group]
        filled = sum(width > 0.7 * (right - left) for width in widths)
        if filled < 0.5 * len(group):
            continue
        if columns and left < columns[-1][1]:
            if right > columns[-1][1] + 2:  # lines that cross what seemed to be a gutter
                columns[-1] = (columns[-1][0], right)
            continue
        columns.append((left, right))
    if len(columns) < 2 or _is_ruled_across(columns, page):
        return []
    # A column is as wide as the page lets it be, so that a short line or a heading lies in it, too.
    starts = [left for left, _ in columns]
    ends = [*(start - 1 for start in starts[1:]), max(run.box.right for run in runs)]
    return [(start - 2, end) for start, end in zip(starts, ends, strict=True)]


def _is_ruled_across(columns: Sequence[tuple[float, float]], page: Page) -> bool:
    """Whether ruled lines go over the gaps between columns: then they are columns of a table."""
    half = 0.5 * (columns[-1][1] - columns[0][0])
    over = {
        round(y)
        for y, left, right in page.rules
        if left < columns[0][1] - 5 and right > columns[1][0] + 5 and right - left > half
    }
    return len(over) >= 4


def _column(run: Run, columns: Sequence[tuple[float, float]]) -> int:
    """The number of the column that a run lies in; -1 where it lies in none, or in several."""
    return next(
        (n for n, (left, right) in enumerate(columns) if left <= run.box.left and run.box.right <= right + run.size), -1
    )


def _parts_of_column(runs: Sequence[Run], page: Page) -> list[tuple[int, float, Line | Table]]:
    """The lines and tables among the runs of a column, each with its place in the file and its height."""
    rows = _rows(runs)
    parts: list[tuple[int, float, Line | Table]] = []
    at = 0
    while at < len(rows):
        end = _table_end(rows, at)
        if _is_over_table(rows[at:end]):
            end = at
        found = _table(rows[at:end], page) if end - at >= 2 else None
        if found is None:
            parts += _lines(rows[at], page.number)
            at += 1
        else:
            order = min(run.order for row in rows[at:end] for run in row)
            parts.append((order, rows[at][0].baseline, found))
            at = end
    return parts


def _rows(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs by their height: those on one level are a row, from left to right; rows go downwards."""
    rows: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: (-run.baseline, run.box.left)):
        if rows and abs(rows[-1][0].baseline - run.baseline) < 0.35 * min(rows[-1][0].size, run.size):
            rows[-1].append(run)
        else:
            rows.append([run])
    for row in rows:
        row.sort(key=lambda run: run.box.left)
    return [_marked(row) for row in rows]


def _marked(row: Sequence[Run]) -> list[Run]:
    """A row whose first run is a bullet or an item's number, joined to the words after it."""
    if len(row) < 2 or not _MARK.fullmatch(row[0].text) or row[1].box.left - row[0].box.right > 4 * row[0].size:
        return list(row)
    return [_together(row[:2]), *row[2:]]


def _together(runs: Sequence[Run]) -> Run:
    """Runs of one row as one."""
    box = Box(
        min(run.box.left for run in runs),
        min(run.box.bottom for run in runs),
        max(run.box.right for run in runs),
        max(run.box.top for run in runs),
    )
    widest = max(runs, key=lambda run: len(run.text))
    text = " ".join(run.text for run in runs)
    return replace(widest, text=text, box=box, bold=all(run.bold for run in runs), order=min(run.order for run in runs))


def _lines(row: Sequence[Run], page: int) -> list[tuple[int, float, Line]]:
    """A row that is in no table as lines: one, or more where the file writes its runs far from each other."""
    groups: list[list[Run]] = []
    for run in row:
        if groups and abs(run.order - groups[-1][-1].order) <= 2 and not run.is_value and not groups[-1][-1].is_value:
            groups[-1].append(run)
        else:
            groups.append([run])
    return [(run.order, run.baseline, _line(run, page)) for run in map(_together, groups)]


def _line(run: Run, page: int) -> Line:
    box = run.box
    height = box.top - box.bottom
    # A text that was scaled by its matrix states any size; its box tells what is seen.
    size = round(run.size if 0.5 * height < run.size < 1.5 * height else 0.8 * height, 1)
    return Line(run.text, page, box.left, box.right, run.baseline, run.baseline + size, size, run.bold, run.is_value)


def _spans(rows: Sequence[Sequence[Run]]) -> list[tuple[float, float]]:
    """The stretches across the page that the rows' runs cover, from left to right: their columns."""
    spans: list[tuple[float, float]] = []
    for left, right in sorted((run.box.left, run.box.right) for row in rows for run in row):
        if spans and left < spans[-1][1] + 0.5:
            spans[-1] = (spans[-1][0], max(spans[-1][1], right))
        else:
            spans.append((left, right))
    return spans


def _table_end(rows: Sequence[Sequence[Run]], start: int) -> int:
    """Behind the last row of the table that may begin at `start`: as long as no row puts two cells in one column."""
    if len(rows[start]) < 2 or all(run.is_value for run in rows[start]):
        return start
    end = start + 1
    spans = _spans(rows[start:end])
    while end < len(rows):
        above, row = rows[end - 1], rows[end]
        if len(row) == 1 and _CAPTION.match(row[0].text):
            break
        gap = above[0].baseline - row[0].baseline
        if gap > _ROW_GAP * max(above[0].size, row[0].size) or max(above[0].size, row[0].size) > 1.35 * min(
            above[0].size, row[0].size
        ):
            break
        merged = _spans([*rows[start:end], row])
        widest = max(len(r) for r in rows[start : end + 1])
        if len(merged) < widest or len(merged) < len(spans) - 1 or len(merged) < 2:
            break
        spans = merged
        end += 1
    while end > start and len(rows[end - 1]) == 1 and not _continues(rows[start:end]):
        end -= 1
    return end


def _is_over_table(rows: Sequence[Sequence[Run]]) -> bool:
    """Whether the first row stands apart from the others, or in other columns: it is a line over their table."""
    if len(rows) < 3:
        return False
    gaps = [above[0].baseline - row[0].baseline for above, row in pairwise(rows)]
    wider = len(_spans(rows[1:])) < len(_spans(rows))
    return gaps[0] > (1.1 if wider else 1.5) * max(gaps[1:])


def _continues(rows: Sequence[Sequence[Run]]) -> bool:
    """Whether the last row of one cell belongs to the table above it: its cell is not the first, or it is close."""
    if len(rows) < 2:
        return False
    spans = _spans(rows[:-1])
    run = rows[-1][0]
    return run.box.left > spans[0][1] and rows[-2][0].baseline - run.baseline < 1.6 * run.size


def _table(rows: Sequence[Sequence[Run]], page: Page) -> Table | None:
    """The table of these rows; None where they are something else."""
    several = [row for row in rows if len(row) >= 2]
    if len(several) < 2:
        return None
    spans = _spans(rows)
    grid = [_cells(row, spans) for row in rows]
    merged = _merged(grid, rows, page)
    if len(merged) < 2 or _is_prose(grid, rows):
        return None
    bold = [all(run.bold for run in row) for row in rows]
    heads = _heads(merged, is_bold=bold[0] and not all(bold))
    return Table(_spread(merged) if heads == 2 else merged, heads, page.number)


def _cells(row: Sequence[Run], spans: Sequence[tuple[float, float]]) -> list[str]:
    cells = [""] * len(spans)
    for run in row:
        middle = (run.box.left + run.box.right) / 2
        at = next((n for n, (_, right) in enumerate(spans) if middle <= right), len(spans) - 1)
        cells[at] = f"{cells[at]} {run.text}".strip()
    return cells


def _is_prose(grid: Sequence[Sequence[str]], rows: Sequence[Sequence[Run]]) -> bool:
    """Whether the cells are lines of a text in columns: long ones, none a number, written column by column."""
    cells = [cell for row in grid for cell in row if cell]
    if any(_NUMBER.fullmatch(cell) for cell in cells):
        return False
    columns = [[row[n] for row in grid if row[n]] for n in range(len(grid[0]))]
    long = [sum(len(cell) >= _COLUMN_LETTERS for cell in column) / len(column) for column in columns if column]
    if sum(share >= 0.7 for share in long) >= 2:
        return True
    orders = [run.order for row in rows for run in row]
    by_rows = sum(before < after for before, after in pairwise(orders)) / max(len(orders) - 1, 1)
    return by_rows < 0.8 and sum(share >= 0.5 for share in long) >= 2


def _merged(grid: Sequence[list[str]], rows: Sequence[Sequence[Run]], page: Page) -> list[list[str]]:
    """The rows with the lines of cells of several lines put together: by ruled lines, else by distance."""
    left, right = rows[0][0].box.left, max(run.box.right for row in rows for run in row)
    heights = sorted({round(y, 1) for y, a, b in page.rules if a < right and b > left and b - a > 0.4 * (right - left)})
    between = [any(row[0].baseline < y < above[0].baseline + 0.2 for y in heights) for above, row in pairwise(rows)]
    gaps = [above[0].baseline - row[0].baseline for above, row in pairwise(rows)]
    starts = [gap for gap, cells in zip(gaps, grid[1:], strict=True) if cells[0]]
    usual = median(starts) if starts else 0.0
    ruled = sum(between) >= 2 and sum(between) >= 0.3 * len(between)
    merged = [list(grid[0])]
    for gap, cells, parted in zip(gaps, grid[1:], between, strict=True):
        filled = sum(bool(cell) for cell in cells)
        below = [(above, cell) for above, cell in zip(merged[-1], cells, strict=True) if cell]
        if ruled:
            goes_on = not parted and filled <= max(1, 0.6 * len(cells)) and all(above for above, _ in below)
        else:
            goes_on = (
                not cells[0]
                and filled <= 0.5 * len(cells)
                and all(above for above, _ in below)
                and (gap < 0.9 * usual or all(cell[0].islower() for _, cell in below))
            )
        if goes_on:
            merged[-1] = [f"{above} {cell}".strip() for above, cell in zip(merged[-1], cells, strict=True)]
        else:
            merged.append(list(cells))
    return merged


def _heads(rows: Sequence[Sequence[str]], *, is_bold: bool) -> int:
    """How many of the first rows name the columns: one, or none in a list of labels and values."""
    first, rest = rows[0], rows[1:]
    if _has_two_heads(rows):
        return 2
    if _are_years(first[1:]) and not any(_are_years(row[1:]) for row in rest):
        return 1
    if any(_NUMBER.fullmatch(cell) for cell in first) or not all(first[1:]):
        return 0
    if is_bold:
        return 1
    numbers = any(_NUMBER.fullmatch(row[n]) for row in rest for n in range(len(first)) if row[n])
    if len(first) == 2:
        return int(numbers and all(_NUMBER.fullmatch(row[1]) for row in rest if row[1]) and not _is_labels(rows))
    return 1


def _are_years(cells: Sequence[str]) -> bool:
    """Whether cells are years, one after the other, as columns are named: 2021, 2022, 2023."""
    years = [int(cell) for cell in cells if re.fullmatch(r"(?:1[5-9]|20)\d\d", cell)]
    in_order = years in (sorted(years), sorted(years, reverse=True))
    return len(set(years)) == len(cells) > 1 and in_order


def _has_two_heads(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names groups of columns, and the second each column, before rows of values."""
    if len(rows) < 3 or len(rows[0]) < 3 or not any(rows[0]):
        return False
    first, second, values = rows[0][1:], rows[1][1:], rows[2:]
    named = all(second) and not any(_NUMBER.fullmatch(cell) for cell in second)
    numbers = any(_NUMBER.fullmatch(cell) for row in values for cell in row[1:])
    return named and numbers and not all(first) and bool(first[0])


def _spread(rows: list[list[str]]) -> list[list[str]]:
    """The rows with a head of two levels: a group's name stands over each of its columns."""
    for n in range(2, len(rows[0])):
        rows[0][n] = rows[0][n] or rows[0][n - 1]
    return rows


def _is_labels(rows: Sequence[Sequence[str]]) -> bool:
    return any(cells[0].endswith(":") for cells in rows)


def _ordered(placed: Sequence[tuple[int, int, float, Line | Table]]) -> list[tuple[int, int, float, Line | Table]]:
    """The parts in the file's order, or by the page's geometry where that order jumps to and fro."""
    by_file = sorted(placed, key=lambda part: part[0])
    steps = list(pairwise(by_file))
    switches = sum(a[1] != b[1] and min(a[1], b[1]) >= 0 for a, b in steps)
    upwards = sum(a[1] == b[1] and b[2] > a[2] + 1 for a, b in steps)
    if len(steps) < 3 or (switches <= max(3, 0.3 * len(steps)) and upwards <= max(2, 0.25 * len(steps))):
        return by_file
    bands = sorted((part[2] for part in placed if part[1] < 0), reverse=True)
    # What lies over all columns parts the page into bands, in each of which the columns are read one after the other.
    return sorted(placed, key=lambda part: (sum(top > part[2] for top in bands), part[1], -part[2]))


def _asides(page: Page) -> list[Part]:
    """The texts at other angles, those of one angle that follow each other together."""
    found: list[Part] = []
    words: list[str] = []
    before: Run | None = None
    for run in (run for run in page.runs if run.angle != 0):
        if before and (before.angle != run.angle or run.order != before.order + 1):
            found.append(Aside(" ".join(words), page.number))
            words = []
        words.append(run.text)
        before = run
    return [*found, *([Aside(" ".join(words), page.number)] if words else [])]
