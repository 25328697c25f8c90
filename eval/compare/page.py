"""A comparison as one page that stands alone: no network, no script; plots are inline SVG.

Everything that comes from documents, questions and names goes through `escape`; the page's own policy forbids scripts
and anything that would be fetched, should that ever fail. The chat page's HTML is another matter: `rag.page.markup`.
"""

import shlex
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from eval.compare.diagnosis import FOUND_WITHIN, Loss, counted, next_step
from eval.compare.measured import SHOWN_MOVED, SHOWN_UNITS, Comparison, Measured, best_setting, worst
from eval.compare.plots import Axis, Line, interval_plot, line_plot, ruler_axis, share_bar, shares
from eval.compare.shown import gold_units
from eval.compare.text import columns_of, mean_of, with_interval
from eval.measures.calibration import thinned
from eval.measures.differences import Difference
from eval.measures.thresholds import percentile

_CSS = Path(__file__).with_name("page.css")
_COLOURS = 6
_EXCERPT = 150
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_page(comparison: Comparison, path: Path) -> None:
    """Writes the page to a file."""
    path.write_text(page(comparison), encoding="utf-8")


def page(comparison: Comparison) -> str:
    """The whole page."""
    name = escape(comparison.questions.name)
    sections = [
        _section("figures", "Figures", _figures(comparison)),
        _section("differences", "Differences", _differences(comparison)) if comparison.differences else "",
        _section("curves", "Curves", _curves(comparison)),
        _section("lost", "Where questions were lost", _lost(comparison)),
        _section("worst", "Worst questions", _worst(comparison)),
        _section("texts", "Texts", _texts(comparison)),
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Comparison on {name}</title>\n'
        f"<style>\n{_CSS.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n"
        + _header(comparison)
        + "".join(sections)
        + '<footer class="note"><p>Intervals: 95%, paired bootstrap over the questions, 10,000 resamples. p: paired '
        "randomisation test, 10,000 resamples, adjusted by Holm for all settings that were tested. Both are seeded: "
        "the same run gives the same figures. Rows named “frame” are no settings: they say what the figures "
        "are worth. Made by Pilcrow.</p></footer>\n</main>\n</body>\n</html>\n"
    )


def _section(anchor: str, title: str, body: str) -> str:
    return f'<section id="{anchor}"><h2>{title}</h2>{body}</section>\n' if body else ""


# ---- What it comes to


def _header(comparison: Comparison) -> str:
    questions = comparison.questions
    notices = "".join(f'<p class="note">{escape(notice)}.</p>' for notice in comparison.notices)
    links = [("figures", "Figures"), ("curves", "Curves"), ("lost", "Where lost"), ("worst", "Worst questions")]
    if comparison.differences:
        links.insert(1, ("differences", "Differences"))
    nav = "".join(f'<a href="#{anchor}">{label}</a>' for anchor, label in links)
    return (
        f"<header><h1>Comparison on {escape(questions.name)}</h1>"
        f'<p class="soft">{len(questions.questions):,} questions · ranked by {comparison.level.value} · '
        f"{escape(comparison.measure)}</p>{notices}"
        f'<div class="verdict">{_verdict(comparison)}</div><nav>{nav}</nav></header>\n'
    )


def _verdict(comparison: Comparison) -> str:
    """One sentence a setting: better, worse, or not shown to differ."""
    if not comparison.differences:
        only = comparison.settings[0]
        figure = with_interval(only.intervals.get(comparison.measure))
        return f"<p><b>{escape(only.name)}</b>: {escape(comparison.measure)} {figure}.</p>"
    return "".join(f"<p>{_judgement(d, comparison.measure)}</p>" for d in comparison.differences)


def _judgement(d: Difference, measure: str) -> str:
    names = f"<b>{escape(d.setting)}</b>", f"<b>{escape(d.baseline)}</b>"
    figure = f"{_signed(d)} {escape(measure)}, p {_p(d.holm)}"
    if d.holm < 0.05:
        word, style = ("better", "good") if d.mean.mean > 0 else ("worse", "bad")
        return f'{names[0]} is <span class="{style}">{word}</span> than {names[1]}: {figure}.'
    return (
        f"No difference was shown between {names[0]} and {names[1]}: {figure}. With {d.wins + d.ties + d.losses} "
        f"questions, one of {d.detectable:.3f} would be seen four times in five."
    )


def _p(value: float) -> str:
    return f"= {value:.3f}" if value >= 0.0005 else "&lt; 0.0005"


def _signed(d: Difference) -> str:
    """A difference with its interval; the minus is as wide as the plus."""
    return with_interval(d.mean, signed=True).replace("-", "−")


# ---- Figures


def _figures(comparison: Comparison) -> str:
    columns = columns_of(comparison)
    highest = max((m.intervals[comparison.measure].high for m in comparison.settings
                   if comparison.measure in m.intervals), default=1.0)  # fmt: skip
    axis = (
        shares(comparison.measure, 1.0)
        if highest <= 1.0
        else Axis("", 0.0, highest, [(0, "0"), (highest, f"{highest:.1f}")])
    )
    best = mean_of(best_setting(comparison.settings, comparison.measure).intervals.get(comparison.measure))
    head = f'<td></td><th>{escape(comparison.measure)}</th><th class="wide">with 95% interval</th>' + "".join(
        f"<th>{escape(name)}</th>" for name in columns[1:]
    )
    ours = "".join(_figure_row(m, comparison, columns, axis, number=number, best=best) for number, m in
                   enumerate(comparison.settings))  # fmt: skip
    frames = "".join(_figure_row(m, comparison, columns, axis) for m in comparison.frames)
    foot = f'<tr><td></td><td></td><td class="wide">{ruler_axis(axis)}</td>' + "<td></td>" * len(columns[1:]) + "</tr>"
    return (
        f'<div class="card scroll"><table><thead><tr>{head}</tr></thead><tbody>{ours}</tbody>'
        f'<tbody class="frames">{frames}{foot}</tbody></table></div>'
    )


def _figure_row(
    m: Measured,
    comparison: Comparison,
    columns: Sequence[str],
    axis: Axis,
    *,
    number: int | None = None,
    best: str = "",
) -> str:
    """One setting's row, or a frame's. best: the highest mean as it is written; every setting that has it is bold."""
    style = "frame" if number is None else f"s{number % _COLOURS}"
    interval = m.intervals.get(comparison.measure)
    drawn = interval_plot(interval.mean, interval.low, interval.high, axis, style) if interval else ""
    cells = "".join(f"<td>{mean_of(m.intervals.get(name))}</td>" for name in columns[1:])
    row = ' class="frame"' if number is None else ""
    value = f'<td class="best">{best}</td>' if mean_of(interval) == best else f"<td>{mean_of(interval)}</td>"
    return f'<tr{row}><td>{_key(style)}{escape(m.name)}</td>{value}<td class="wide">{drawn}</td>{cells}</tr>'


def _key(style: str) -> str:
    return f'<span class="key {style}"></span>'


# ---- Differences


def _differences(comparison: Comparison) -> str:
    baseline = escape(comparison.differences[0].baseline)
    furthest = max(max(abs(d.mean.low), abs(d.mean.high)) for d in comparison.differences) or 1.0
    axis = Axis("", -furthest, furthest, [(-furthest, f"−{furthest:.3f}"), (0.0, "0"), (furthest, f"{furthest:+.3f}")])
    rows = []
    for number, d in enumerate(comparison.differences, 1):
        drawn = interval_plot(d.mean.mean, d.mean.low, d.mean.high, axis, f"s{number % _COLOURS}", zero=0.0)
        bar = share_bar([("won", d.wins), ("even", d.ties), ("lost", d.losses)], d.wins + d.ties + d.losses)
        rows.append(
            f'<tr><td>{_key(f"s{number % _COLOURS}")}{escape(d.setting)}</td><td class="wide">{drawn}</td>'
            f"<td>{_signed(d)}</td><td>{_p(d.p).removeprefix('= ')}</td><td>{_p(d.holm).removeprefix('= ')}</td>"
            f'<td style="min-width:90px">{bar}</td><td>{d.wins} / {d.ties} / {d.losses}</td></tr>'
        )
    foot = f'<tr><td></td><td class="wide">{ruler_axis(axis)}</td>' + "<td></td>" * 5 + "</tr>"
    table = (
        f'<div class="card scroll"><table><thead><tr><th>against {baseline}</th>'
        f'<th class="wide">{escape(comparison.measure)}, by question</th>'
        "<th>difference</th><th>p</th><th>p, Holm</th><td></td>"
        f"<th>won / even / lost</th></tr></thead><tbody>{''.join(rows)}{foot}</tbody></table></div>"
    )
    moved = "".join(_moved(comparison, d) for d in comparison.differences)
    return table + (f'<div class="card"><div class="moved">{moved}</div></div>' if moved else "")


def _moved(comparison: Comparison, d: Difference) -> str:
    """The questions that a setting won and lost most, with both values."""
    by_name = {m.name: m.samples[comparison.measure] for m in comparison.settings}
    parts = []
    for label, numbers in (("wins most on", d.better), ("loses most on", d.worse)):
        if not numbers:
            continue
        items = "".join(
            f'<li><span dir="auto">{_question_link(comparison, i)}</span>'
            f"<span>{by_name[d.baseline][i]:.2f} → {by_name[d.setting][i]:.2f}</span></li>"
            for i in numbers[:SHOWN_MOVED]
        )
        parts.append(f"<div><h3>{escape(d.setting)} {label}</h3><ul>{items}</ul></div>")
    return "".join(parts)


def _question_link(comparison: Comparison, number: int) -> str:
    text = escape(_short(comparison.questions.questions[number].text))
    return f'<a href="#q{number}">{text}</a>' if number in _displayed(comparison) else text


# ---- Curves


def _curves(comparison: Comparison) -> str:
    styled = [(m, f"s{i % _COLOURS}") for i, m in enumerate(comparison.settings)]
    framed = [(m, "frame") for m in comparison.frames]
    cards = [_recall_plot([*styled, *framed])]
    if any(m.scores for m, _ in styled):
        cards += [_risk_plot(styled), _reliability_plot(styled)]
    cards.append(_latency(styled, answered=any(m.asked for m, _ in styled)))
    return f'<div class="plots">{"".join(card for card in cards if card)}</div>'


def _legend(styled: Sequence[tuple[Measured, str]]) -> str:
    items = "".join(f"<li>{_key(style)}{escape(m.name)}</li>" for m, style in styled if not m.is_frame)
    framed = [escape(m.name.removeprefix("frame: ")) for m, _ in styled if m.is_frame]
    items += f"<li>{_key('frame')}frames, dashed: {', '.join(framed)}</li>" if framed else ""
    return f'<ul class="legend">{items}</ul>'


def _recall_plot(styled: Sequence[tuple[Measured, str]]) -> str:
    ks = [k for k, _ in styled[0][0].recall]
    x = Axis("k, not to scale", 0, len(ks) - 1, [(i, str(k)) for i, k in enumerate(ks)])
    lines = [
        Line(m.name, [(i, value) for i, (_, value) in enumerate(m.recall)], style, dots=style != "frame")
        for m, style in reversed(styled)
    ]
    drawn = line_plot("Recall over k", x, shares("Recall@k"), lines)
    return f'<div class="card"><h3>Recall over k</h3>{_legend(styled)}{drawn}</div>'


def _risk_plot(styled: Sequence[tuple[Measured, str]]) -> str:
    lines = [
        Line(m.name, [(p.coverage, p.risk) for p in thinned(m.scores.curve)], style) for m, style in styled if m.scores
    ]
    drawn = line_plot("Risk over coverage", shares("share of questions answered, surest first"),
                      shares("share of them wrong"), lines)  # fmt: skip
    return f'<div class="card"><h3>Risk over coverage</h3>{_legend(styled)}{drawn}</div>'


def _reliability_plot(styled: Sequence[tuple[Measured, str]]) -> str:
    lines = [
        Line(m.name, [(b.confidence, b.share) for b in m.scores.reliability], style, dots=True)
        for m, style in styled
        if m.scores
    ]
    drawn = line_plot("Reliability", shares("confidence"), shares("share that has an answer"), lines, diagonal=True)
    errors = " · ".join(f"{escape(m.name)} {m.scores.calibration_error:.3f}" for m, _ in styled if m.scores)
    return (
        f'<div class="card"><h3>Reliability of the confidence</h3>{_legend(styled)}{drawn}'
        f'<p class="note">Calibration error: {errors}</p></div>'
    )


def _latency(styled: Sequence[tuple[Measured, str]], *, answered: bool) -> str:
    timed = [(m, style) for m, style in styled if m.seconds]
    if not timed:
        return ""
    slowest = max(percentile(m.seconds, 0.95) for m, _ in timed) * 1000
    high = _round_up(slowest)
    axis = Axis("", 0.0, high, [(0.0, "0"), (high / 2, f"{high / 2:g}"), (high, f"{high:g} ms")])
    rows = []
    for m, style in timed:
        p50, p95 = (percentile(m.seconds, share) * 1000 for share in (0.5, 0.95))
        drawn = interval_plot(p50, p50, p95, axis, style)
        rows.append(f'<tr><td>{_key(style)}{escape(m.name)}</td><td class="wide">{drawn}</td>'
                    f"<td>{p50:,.0f}</td><td>{p95:,.0f}</td></tr>")  # fmt: skip
    foot = f'<tr><td></td><td class="wide">{ruler_axis(axis)}</td><td></td><td></td></tr>'
    what = "from the question to the answer" if answered else "from the question to the passages"
    return (
        f'<div class="card scroll"><h3>Latency</h3><p class="note">Milliseconds {what}, one question at a time; '
        f"{len(timed[0][0].seconds)} questions.</p><table><thead><tr><td></td><td></td><th>p50</th><th>p95</th></tr>"
        f"</thead><tbody>{''.join(rows)}{foot}</tbody></table></div>"
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(max(value, 1e-9)))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value))


# ---- Where questions were lost


def _lost(comparison: Comparison) -> str:
    kinds = [loss for loss in Loss if any(loss in losses.values() for losses in comparison.losses.values())]
    kinds = [loss for loss in kinds if loss is not Loss.NONE]
    names = list(comparison.losses)
    if not kinds:
        return '<div class="card"><p>No question was missed.</p></div>'
    head = "<td></td>" + "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = []
    for kind in kinds:
        cells = "".join(f"<td>{sum(v is kind for v in comparison.losses[name].values()) or '–'}</td>" for name in names)
        rows.append(f"<tr><td>{kind.value}</td>{cells}</tr>")
    missed = "".join(
        f'<td class="best">{sum(n for _, n in counted(comparison.losses[name].values()))}</td>' for name in names
    )
    best = best_setting(comparison.settings, comparison.measure).name
    step = next_step(comparison.losses[best].values())
    advice = f'<p class="next"><b>Next, for {escape(best)}:</b> {escape(step)}</p>' if step else ""
    return (
        f'<p class="note">Missed: nothing relevant among the first {FOUND_WITHIN}'
        f"{', or the answer is not right' if any(m.asked for m in comparison.measured) else ''}. "
        f"Each question is counted at the first wall that it met.</p>"
        f'<div class="card scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}'
        f"<tr><td>missed, of {len(comparison.questions.questions)}</td>{missed}</tr></tbody></table>{advice}</div>"
    )


# ---- Questions and texts


def _displayed(comparison: Comparison) -> list[int]:
    """Numbers of the questions that are shown in full: the worst of the best setting, then those that moved most."""
    best = best_setting(comparison.settings, comparison.measure)
    moved = [i for d in comparison.differences for i in (*d.better[:SHOWN_MOVED], *d.worse[:SHOWN_MOVED])]
    return list(dict.fromkeys([*worst(best, comparison.measure), *moved]))


def _worst(comparison: Comparison) -> str:
    best = best_setting(comparison.settings, comparison.measure)
    low = worst(best, comparison.measure)
    moved = [i for i in _displayed(comparison) if i not in low]
    anchors = {unit: number for number, unit in enumerate(comparison.shown)}
    parts = [
        f'<p class="note">Lowest {escape(comparison.measure)} under {escape(best.name)}. A link leads to the text.</p>'
    ]
    if low:
        parts.append(f'<div class="card">{"".join(_question(comparison, i, anchors) for i in low)}</div>')
    if moved:
        parts.append('<p class="note" style="margin-top:18px">Won or lost most between the settings.</p>')
        parts.append(f'<div class="card">{"".join(_question(comparison, i, anchors) for i in moved)}</div>')
    return "".join(parts) if low or moved else '<div class="card"><p>Every question is at its best value.</p></div>'


def _question(comparison: Comparison, number: int, anchors: dict[str, int]) -> str:
    """One question: what each setting found, and what should have been found."""
    question = comparison.questions.questions[number]
    best = best_setting(comparison.settings, comparison.measure)
    places = comparison.places[question.question_id]
    relevant = places.relevance(comparison.level)
    loss = comparison.losses.get(best.name, {}).get(question.question_id, Loss.NONE)
    tag = f' <span class="tag">{loss.value}</span>' if loss is not Loss.NONE else ""
    sides = [_expected(comparison, number, anchors)]
    for m in comparison.settings:
        value = m.samples[comparison.measure][number]
        found = (m.run.rankings.get(question.question_id, ()) if m.run else ())[:SHOWN_UNITS]
        items = "".join(
            f'<li class="{"right" if unit in relevant else "wrong"}">{_unit(comparison, unit, anchors)}</li>'
            for unit, _ in found
        )
        words = next((a.best for a in m.asked if a.question.question_id == question.question_id), None)
        said = f'<p class="note" dir="auto">Answer: {escape(words) or "none"}</p>' if words is not None else ""
        sides.append(f"<div><h3>{escape(m.name)} · {value:.2f}</h3>{said}<ol>{items or '<li>nothing</li>'}</ol></div>")
    return (
        f'<details id="q{number}"{" open" if number == _displayed(comparison)[0] else ""}>'
        f'<summary><span dir="auto">{escape(_short(question.text, 400))}{tag}</span>'
        f'<span class="value">{best.samples[comparison.measure][number]:.2f}</span></summary>'
        f'<div class="sides">{"".join(sides)}</div></details>'
    )


def _expected(comparison: Comparison, number: int, anchors: dict[str, int]) -> str:
    question = comparison.questions.questions[number]
    places = comparison.places[question.question_id]
    units = gold_units(places)
    items = "".join(f"<li>{_unit(comparison, unit, anchors)}</li>" for unit in units[:SHOWN_UNITS])
    more = f"<li>and {len(units) - SHOWN_UNITS} more</li>" if len(units) > SHOWN_UNITS else ""
    words = (
        f'<p class="note" dir="auto">Answers: {escape("; ".join(question.references))}</p>'
        if question.references
        else ""
    )
    return f"<div><h3>expected</h3>{words}<ul>{items or '<li>nothing answers it</li>'}{more}</ul></div>"


def _unit(comparison: Comparison, unit: str, anchors: dict[str, int]) -> str:
    """A unit's name as a link to its text, with the first words of it."""
    shown = comparison.shown.get(unit)
    if shown is None:
        return f'<span dir="auto">{escape(unit)}</span> <span class="excerpt">not in the collection</span>'
    return (
        f'<a href="#t{anchors[unit]}" dir="auto">{escape(shown.title or shown.doc_id)}</a>'
        f'<span class="excerpt" dir="auto">{escape(_short(shown.text))}</span>'
    )


def _texts(comparison: Comparison) -> str:
    parts = []
    for number, (unit, shown) in enumerate(comparison.shown.items()):
        parts.append(
            f'<details class="text"><summary><span dir="auto">{escape(shown.title or shown.doc_id)}</span>'
            f'<span class="value">{escape(unit)}</span></summary><div id="t{number}" class="body" dir="auto">'
            f"<code>pilcrow show {escape(shlex.quote(shown.doc_id))} {shown.start} {shown.end}</code>\n"
            f"{escape(shown.text)}</div></details>"
        )
    return f'<div class="card">{"".join(parts)}</div>' if parts else ""


def _short(text: str, length: int = _EXCERPT) -> str:
    """The text on one line, cut between words."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[:length].rpartition(" ")[0] + " …"
