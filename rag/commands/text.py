"""An Answer, hits and paragraphs as text for a terminal: wrapped to its width, readable without colour.

Text from documents is data here, too: characters that a terminal would obey are shown as the replacement character.
"""

import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from index.paragraphs import Kind
from rag.answers import REASONS, Answer, Evidence, date_told, disagreement, is_in_lines, words_in
from rag.citations import Citation, Claim, Verdict, cell_words, plain_claim, row_words
from rag.printable import plain, printable_line, without_bars

if TYPE_CHECKING:
    from rag.news.quoted import Quote, QuotedSpeaker
    from rag.news.timeline import Timeline

_WIDEST = 100
# Set around the cited characters, as colour would not survive a pipe.
OPEN, CLOSE = "▸", "◂"


# What is shown behind a sentence that a model wrote, by the verdict of its claim.
_DOUBTS = {
    Verdict.WEAK: "weakly supported",
    Verdict.UNSUPPORTED: "not supported by the documents",
    Verdict.UNCHECKED: "not checked",
}


def answer_text(answer: Answer) -> str:
    """The answer, its short answer marked, then the sources: document, date, outlet, paragraph, the quoted sentence."""
    if answer.abstained:
        return _abstention(answer)
    return "\n\n".join(
        [*_asked_as(answer), *_said(answer), *(["Sources", *_sources(answer)] if answer.citations else [])]
    )


def _said(answer: Answer) -> list[str]:
    """The words that answer on a line of their own, then the sentences that say them: a line each where they are facts
    side by side, each source's where sources disagree."""
    # Where sources disagree it stands before a claim that it is older.
    claims = [_claim(replace(c, older=c.older and not answer.disputed), answer) for c in answer.claims]
    shown = [] if answer.direct is None else [_wrap(answer.direct)]
    if answer.computed:
        shown.append(_wrap(answer.computed))
    if answer.disputed:
        sources = [_told_by(claim, answer) for claim in answer.claims]
        lines = [_wrap(f"- {source}: {claim}", "", "  ") for source, claim in zip(sources, claims, strict=True)]
        return [*shown, "\n".join([_wrap(disagreement(answer)), *lines])]
    if len(claims) > 1 and is_in_lines(answer):
        return [*shown, "\n".join(_wrap(f"- {claim}", "", "  ") for claim in claims)]
    return [*shown, _wrap(" ".join(claims))]


def _told_by(claim: Claim, answer: Answer) -> str:
    """Which source says a claim, and when; that it is older where a newer one replaces it."""
    c = next(c for c in answer.citations if c.label == claim.labels[0])
    name = printable_line(c.publisher or c.title or c.file)
    return ", ".join([name, *filter(None, [date_told(c)]), *(["older"] if claim.older else [])])


def sources_text(answer: Answer) -> str:
    """The sources of an answer alone."""
    return "\n\n".join(_sources(answer)) or "The answer has no sources."


def _asked_as(answer: Answer) -> list[str]:
    """The question that was searched for, where it is not the one that was typed."""
    if answer.query.split() == plain(answer.question).split():
        return []
    return [_wrap(f"Asked as: {printable_line(answer.query)}")]


def _sources(answer: Answer) -> list[str]:
    return [_source(citation, _answering(citation, answer)) for citation in answer.citations]


def _claim(claim: Claim, answer: Answer) -> str:
    """A claim with its markers, the words that answer set between marks where it shows them."""
    if answer.generator != "extractive" and not claim.quoted_instead:
        return f"{claim.text} {_mark(claim)}".strip()
    if claim.speaker is not None:
        return f"{printable_line(claim.text)} {_mark(claim)}"
    citation = next(c for c in answer.citations if c.label == claim.labels[0])
    markers = "".join(f"[{label}]" for label in claim.labels) + (" (quoted instead)" if claim.quoted_instead else "")
    words = words_in(citation, answer)
    if citation.cells:
        return (
            f"{plain_claim(row_words(citation, _answering(citation, answer), (OPEN, CLOSE)))} {markers}{_meant(claim)}"
        )
    quote = citation.quote
    for left, right in reversed(words):
        quote = f"{quote[:left]}{OPEN}{quote[left:right]}{CLOSE}{quote[right:]}"
    return f"{plain_claim(quote)} {markers}{_meant(claim)}"


def _meant(claim: Claim) -> str:
    """Who the word is that a sentence begins with, behind it: no part of the quote; and that its document is older."""
    notes = [claim.meant or "", "older: there is a newer document" if claim.older else ""]
    told = "; ".join(filter(None, notes))
    return f" ({told})" if told else ""


def _answering(citation: Citation, answer: Answer) -> tuple[int, int] | None:
    """The words that answer, in characters of the document, where the citation has them."""
    words = words_in(citation, answer)
    return (citation.start + words[0][0], citation.start + words[0][1]) if words else None


def _mark(claim: Claim) -> str:
    """The markers of a claim that a model wrote, and what the check said of it, where it is not borne out."""
    markers = "".join(f"[{label}]" for label in claim.labels)
    doubt = "" if claim.verdict == Verdict.SUPPORTED else f"({_DOUBTS[claim.verdict]})"
    return " ".join(part for part in (markers, doubt) if part)


def hits_text(hits: Sequence[Evidence]) -> str:
    """Hits as numbered passages, each with its place and score."""
    if not hits:
        return "Nothing found."
    return "\n\n".join(
        _wrap(
            f"{h.rank}. {printable_line(h.doc_id)} · paragraph {h.paragraph} "
            f"· characters {h.start}-{h.end} · {h.score:.3f}",
            "",
            "   ",
        )
        + "".join(f"\n{_wrap(path, '   ')}" for path in [_path(h.headings)] if path)
        + "\n"
        + _wrap(h.text, "   ")
        for h in hits
    )


def shown_text(text: str, citation: Citation) -> str:
    """A paragraph with the cited characters between marks; `text` is the document's."""
    path = _path(citation.headings)
    above = f"{_wrap(_place(citation))}\n" + (f"{_wrap(path)}\n" if path else "")
    if citation.cells:
        return f"{above}\n{_table(citation, None)}"
    before = text[citation.paragraph_start : citation.start]
    after = text[citation.end : citation.paragraph_end]
    return f"{above}\n{_wrap(f'{before}{OPEN}{citation.quote}{CLOSE}{after}', '    ')}"


def paragraph_text(number: int, kind: str, text: str) -> str:
    """A paragraph with its number and kind before it, its lines joined."""
    label = f"{number:>4} {kind:<10}"
    return label + _wrap(" ".join(text.split()), " " * len(label))[len(label) :]


def _abstention(answer: Answer) -> str:
    if answer.reason == "small_talk":
        return _wrap(answer.text)
    lines = [*_asked_as(answer), _wrap("No answer. " + REASONS.get(answer.reason or "", ""))]
    if answer.evidence and answer.reason != "off_topic":
        lines.append("The nearest passages:")
        lines.append(hits_text(answer.evidence[:3]))
    return "\n\n".join(lines)


def _source(citation: Citation, marked: tuple[int, int] | None) -> str:
    place = _wrap(f"[{citation.label}] {_place(citation)}", "", "    ")
    path = _path([*([citation.title] if citation.title else []), *citation.headings])
    above = f"\n{_wrap(path, '    ')}" if path else ""
    quote = _table(citation, marked) if citation.cells else _wrap(f"“{citation.quote}”", "    ")
    return f"{place}{above}\n{quote}"


def _path(headings: Sequence[str]) -> str:
    """The title and the headings above a paragraph on one line."""
    return " › ".join(printable_line(heading) for heading in headings)


def _table(citation: Citation, marked: tuple[int, int] | None) -> str:
    """A table row below the heads of its columns, in columns; a line for each cell where that is too wide."""
    heads = [" ".join(printable_line(cell.head).split()) for cell in citation.cells]
    cells = [printable_line(cell_words(citation, cell, marked, (OPEN, CLOSE))) for cell in citation.cells]
    if not any(heads):
        return _wrap(row_words(citation, marked, (OPEN, CLOSE)), "    ")
    widths = [max(len(head), len(cell)) for head, cell in zip(heads, cells, strict=True)]
    if sum(widths) + 2 * len(widths) + 2 > _width():
        return "\n".join(
            _wrap(f"{head}: {cell}" if head else cell, "    ", "      ")
            for head, cell in zip(heads, cells, strict=True)
        )
    lines = ["  ".join(f"{word:<{n}}" for word, n in zip(row, widths, strict=True)) for row in (heads, cells)]
    return "\n".join(f"    {line}".rstrip() for line in lines)


def _place(citation: Citation) -> str:
    parts = [printable_line(citation.file), citation.date or "no date", citation.publisher or "no outlet"]
    if citation.page is not None:
        parts.append(f"page {citation.page}")
    if citation.kind is Kind.FURNITURE:
        parts.append("set aside as furniture")
    return " · ".join([*parts, f"paragraph {citation.paragraph}", f"characters {citation.start}-{citation.end}"])


def _width() -> int:
    return max(min(shutil.get_terminal_size().columns, _WIDEST), 30)


def _wrap(text: str, indent: str = "", hanging: str | None = None) -> str:
    """Each line of the text wrapped to the terminal's width, at most _WIDEST; `hanging` indents all but its first."""
    width = _width()
    return "\n".join(
        textwrap.fill(
            line,
            width,
            initial_indent=indent,
            subsequent_indent=indent if hanging is None else hanging,
            break_on_hyphens=False,
        )
        for line in plain(text).split("\n")
    )


# ---- Who said what, and what happened when


def quotes_text(quotes: "Sequence[Quote]") -> str:
    """Quotes with their speakers, each with its place; a speaker is named again behind another, or with a new post."""
    blocks: list[str] = []
    speaking: tuple[str, str | None] = ("", None)
    for quote in quotes:
        if quote.speaker != speaking[0] or (quote.post and quote.post != speaking[1]):
            speaking = (quote.speaker, quote.post)
            blocks.append(_wrap(", ".join(printable_line(part) for part in speaking if part)))
        words = " ".join(quote.citation.quote.split())
        said = f"“{words}”" if quote.direct else f"(reported) {words}"
        how = _HOW_TOLD.get(quote.told, "").format(printable_line(quote.naming))
        where = f"{_place(quote.citation)}{how}"
        blocks.append(f"{_wrap(said, '    ')}\n{_wrap(where, '    ')}")
    return "\n\n".join(blocks)


def speakers_text(speakers: "Sequence[QuotedSpeaker]") -> str:
    """A line a speaker: how often they are quoted, how often word for word, in how many documents, who they are."""
    if not speakers:
        return "Nobody is quoted in these documents."
    lines = [f"{'quotes':>6}  {'direct':>6}  {'documents':>9}  speaker"]
    for s in speakers:
        who = ", ".join(printable_line(part) for part in (s.speaker, s.post) if part)
        lines.append(_wrap(f"{s.quotes:>6}  {s.direct:>6}  {s.documents:>9}  {who}", "", " " * 27))
    return "\n".join(lines)


def timeline_text(found: "Timeline") -> str:
    """A block a statement: its date, its sentence, its place, and what a date is counted from that it does not say."""
    from rag.news.timeline import counted_from

    blocks = []
    for s in found.statements:
        # The first line's date stands in the indent of the others.
        quote = " ".join(s.citation.quote.split())
        if s.citation.kind is Kind.TABLE_ROW:
            quote = without_bars(quote).strip(" ·")
        said = _wrap(quote, " " * 12)
        lines = [f"{s.date:<12}{said[12:]}", _wrap(_place(s.citation), " " * 12)]
        if (counted := counted_from(s)) is not None:
            lines.append(_wrap(counted, " " * 12))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


_HOW_TOLD = {"pronoun": " · named as “{}”", "nearby": " · the speaker is told by the quotation beside it"}
