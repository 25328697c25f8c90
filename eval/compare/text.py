"""A comparison as text for a terminal and as JSON. The page is `page.py`'s."""

from collections.abc import Sequence
from dataclasses import asdict

from eval.compare.diagnosis import counted, next_step
from eval.compare.measured import SHOWN_MOVED, Comparison, Measured
from eval.measures.differences import Difference, Interval
from eval.report.figures import Figures, answer_figures, finite

# The columns of a comparison by rankings, and by answers.
RANKING_COLUMNS = ("nDCG@10", "Recall@10", "MRR@10", "MAP@100", "Success@1")
ANSWER_COLUMNS = ("F1", "EM", "First citation", "Citation recall", "Citation precision")


def columns_of(comparison: Comparison) -> tuple[str, ...]:
    """The measures that a table shows, the compared one first."""
    usual = ANSWER_COLUMNS if any(m.asked for m in comparison.measured) else RANKING_COLUMNS
    present = [name for name in usual if any(name in m.intervals for m in comparison.measured)]
    return tuple(dict.fromkeys([comparison.measure, *present]))


def comparison_text(comparison: Comparison) -> str:
    """Tables of figures and differences, questions won and lost, and where the misses were lost."""
    parts = [_head(comparison), *comparison.notices, "", *_figures(comparison)]
    if comparison.differences:
        parts += ["", *_differences(comparison)]
    for difference in comparison.differences:
        parts += _moved(comparison, difference)
    return "\n".join([*parts, "", *_diagnosis(comparison)])


def _head(comparison: Comparison) -> str:
    questions = comparison.questions
    return f"{questions.name}: {len(questions.questions)} questions, ranked by {comparison.level.value}"


def _figures(comparison: Comparison) -> list[str]:
    columns = columns_of(comparison)
    main = f"{comparison.measure} (95%)"
    rows = [["", main, *columns[1:]]]
    for measured in comparison.measured:
        cells = [with_interval(measured.intervals.get(comparison.measure))]
        cells += [mean_of(measured.intervals.get(name)) for name in columns[1:]]
        rows.append([measured.name, *cells])
    return aligned(rows)


def _differences(comparison: Comparison) -> list[str]:
    baseline = comparison.differences[0].baseline
    rows = [[f"{comparison.measure} against {baseline}", "difference (95%)", "p", "p (Holm)", "won", "lost", "even"]]
    rows += [
        [d.setting, with_interval(d.mean, signed=True), f"{d.p:.4f}", f"{d.holm:.4f}", str(d.wins), str(d.losses),
         str(d.ties)]
        for d in comparison.differences
    ]  # fmt: skip
    widest = max(comparison.differences, key=lambda d: d.detectable)
    n = widest.wins + widest.losses + widest.ties
    seen = f"With {n} questions a difference of {widest.detectable:.3f} would be seen four times in five."
    return [*aligned(rows), "", seen]


def _moved(comparison: Comparison, difference: Difference) -> list[str]:
    lines = []
    for label, numbers in (("won most", difference.better), ("lost most", difference.worse)):
        if numbers:
            lines += ["", f"{difference.setting} {label}:"]
            lines += [f"  {comparison.questions.questions[i].text[:90]}" for i in numbers[:SHOWN_MOVED]]
    return lines


def _diagnosis(comparison: Comparison) -> list[str]:
    lines = []
    for name, losses in comparison.losses.items():
        counts = counted(losses.values())
        missed = sum(n for _, n in counts)
        lines.append(f"{name}: {missed} of {len(losses)} questions missed")
        lines += [f"  {n:>5}  {loss.value}" for loss, n in counts]
        if step := next_step(losses.values()):
            lines.append(f"  Next: {step}")
    return lines


def mean_of(interval: Interval | None) -> str:
    """A mean as a table shows it; a dash where there is none."""
    return f"{interval.mean:.3f}" if interval else "–"


def with_interval(interval: Interval | None, *, signed: bool = False) -> str:
    """A mean with its interval; a dash where there is none."""
    if interval is None:
        return "–"
    form = "+.3f" if signed else ".3f"
    return f"{interval.mean:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of a table as lines: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def comparison_figures(comparison: Comparison) -> Figures:
    """What `pilcrow eval compare --json` prints: figures, differences, losses, and the values by question."""
    questions = comparison.questions.questions
    return finite(
        {
            "dataset": comparison.questions.name,
            "questions": len(questions),
            "by": comparison.level.value,
            "measure": comparison.measure,
            "settings": {m.name: _measured_figures(m) for m in comparison.settings},
            "frames": {m.name: _measured_figures(m) for m in comparison.frames},
            "differences": [
                asdict(d)
                | {
                    "better": [questions[i].question_id for i in d.better],
                    "worse": [questions[i].question_id for i in d.worse],
                }
                for d in comparison.differences
            ],
            "lost": {
                name: {loss.value: n for loss, n in counted(losses.values())}
                for name, losses in comparison.losses.items()
            },
            "next": {name: next_step(losses.values()) for name, losses in comparison.losses.items()},
            "by_question": {
                question.question_id: {m.name: float(m.samples[comparison.measure][i]) for m in comparison.settings}
                for i, question in enumerate(questions)
            },
            "notices": list(comparison.notices),
        }
    )


def _measured_figures(measured: Measured) -> Figures:
    figures: Figures = {name: asdict(interval) for name, interval in measured.intervals.items()}
    figures["recall_at"] = [{"k": k, "recall": value} for k, value in measured.recall]
    if measured.scores:
        figures["answers"] = answer_figures(measured.scores)
    return figures
