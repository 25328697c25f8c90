"""Plots as inline SVG, drawn by hand: no library, no script, no network; colours come from the page.

A plot of lines has a viewBox and scales; a plot in a table's row has percentages and stretches, and its strokes do not.
Every number is ours; labels are escaped all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 400, 262
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 44
# The ruler in a row's plot keeps this free at both ends, so that a mark at 0 or 1 is whole.
_MARGIN = 2.0


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points (x, y); style: the CSS class that colours it. dots: whether points are marked."""

    name: str
    points: Sequence[tuple[float, float]]
    style: str
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from `low` to `high`, with ticks (value, label)."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


def shares(title: str, high: float = 1.0) -> Axis:
    """An axis of fractions from 0 to `high`, with six ticks at most."""
    step = next(step for step in (0.02, 0.05, 0.1, 0.2) if high / step <= 5 + 1e-9)
    n = round(high / step)
    return Axis(
        title, 0.0, n * step, [(i * step, f"{i * step:.2f}".rstrip("0").rstrip(".") or "0") for i in range(n + 1)]
    )


def line_plot(title: str, x: Axis, y: Axis, lines: Sequence[Line], *, diagonal: bool = False) -> str:
    """Lines over two axes. diagonal: a faint line from corner to corner, where y equals x."""

    def across(value: float) -> float:
        return _LEFT + (value - x.low) / ((x.high - x.low) or 1) * (_WIDTH - _LEFT - _RIGHT)

    def up(value: float) -> float:
        return _HEIGHT - _BOTTOM - (value - y.low) / ((y.high - y.low) or 1) * (_HEIGHT - _TOP - _BOTTOM)

    floor, wall = up(y.low), across(x.high)
    parts = [f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">']
    for value, label in y.ticks:
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{wall:.1f}" y1="{up(value):.1f}" y2="{up(value):.1f}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 7}" y="{up(value) + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        )
    for value, label in x.ticks:
        parts.append(f'<text class="tick" x="{across(value):.1f}" y="{floor + 17:.1f}" text-anchor="middle">'
                     f"{escape(label)}</text>")  # fmt: skip
    middle = (_LEFT + wall) / 2
    parts.append(f'<text class="axis" x="{middle:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x.title)}</text>')
    parts.append(f'<text class="axis" transform="translate(11 {(_TOP + floor) / 2:.1f}) rotate(-90)" '
                 f'text-anchor="middle">{escape(y.title)}</text>')  # fmt: skip
    if diagonal:
        parts.append(f'<line class="diagonal" x1="{_LEFT}" y1="{floor:.1f}" x2="{wall:.1f}" y2="{up(y.high):.1f}"/>')
    for line in lines:
        drawn = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in line.points)
        parts.append(f'<g class="{line.style}"><title>{escape(line.name)}</title><polyline points="{drawn}"/>')
        if line.dots:
            parts += [f'<circle cx="{across(a):.1f}" cy="{up(b):.1f}" r="3.2"/>' for a, b in line.points]
        parts.append("</g>")
    return "".join([*parts, "</svg>"])


def interval_plot(mean: float, low: float, high: float, axis: Axis, style: str, *, zero: float | None = None) -> str:
    """A mean with its interval on a ruler, for a row of a table. zero: where a faint line stands, such as no change."""

    def at(value: float) -> str:
        share = (min(max(value, axis.low), axis.high) - axis.low) / ((axis.high - axis.low) or 1)
        return f"{_MARGIN + share * (100 - 2 * _MARGIN):.2f}%"

    label = f"{mean:.3f}, between {low:.3f} and {high:.3f}"
    parts = [f'<svg class="ruler" role="img" aria-label="{label}">']
    parts += [f'<line class="grid" x1="{at(value)}" x2="{at(value)}" y1="0" y2="100%"/>' for value, _ in axis.ticks]
    if zero is not None:
        parts.append(f'<line class="diagonal" x1="{at(zero)}" x2="{at(zero)}" y1="0" y2="100%"/>')
    parts.append(f'<g class="{style}"><line class="span" x1="{at(low)}" x2="{at(high)}" y1="50%" y2="50%"/>'
                 f'<circle cx="{at(mean)}" cy="50%" r="5"/></g></svg>')  # fmt: skip
    return "".join(parts)


def ruler_axis(axis: Axis) -> str:
    """The labels under the rulers of a table."""
    size = (axis.high - axis.low) or 1
    parts = ['<svg class="ruler labels" aria-hidden="true">']
    for value, label in axis.ticks:
        place = _MARGIN + (value - axis.low) / size * (100 - 2 * _MARGIN)
        parts.append(f'<text class="tick" x="{place:.2f}%" y="13" text-anchor="middle">{escape(label)}</text>')
    return "".join([*parts, "</svg>"])


def share_bar(parts: Sequence[tuple[str, int]], total: int) -> str:
    """Counts as parts of one bar; parts: (CSS class, count), in order."""
    drawn, left = [], 0.0
    for style, count in parts:
        width = 100 * count / total if total else 0.0
        drawn.append(f'<rect class="{style}" x="{left:.2f}%" width="{width:.2f}%" height="100%"/>')
        left += width
    return f'<svg class="bar" aria-hidden="true">{"".join(drawn)}</svg>'
