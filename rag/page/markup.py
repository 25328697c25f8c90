"""Where HTML is made, and only here and in rag/page/news_markup.py: answers, documents and lists as page elements.

Every text, whether a document's, a file name's, a model's or a person's, goes through `text_of`, so that it is shown
and never obeyed. The page's script sets these strings into the page and makes none of its own from text.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from index.collection import name_now
from index.documents import Document
from index.formats.reading import file_of
from index.intake.files import is_there
from index.paragraphs import Kind, Paragraph
from index.tables import Table, TableRow, rows_of
from rag.answers import REASONS, Answer, Evidence, date_told, disagreement, is_in_lines, likely_right, words_in
from rag.citations import Citation, Claim, Verdict, plain_claim
from rag.transcript import Exchange

# Characters that no page shows: controls but newline and tab, and halves of characters, which no encoder of JSON takes.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Marks around the words that answer, while a claim is not yet HTML; they are in no text, as `_UNSHOWN` took them out.
_OPEN, _CLOSE = "\x02", "\x03"
_NUMBERED = re.compile(r"\(?\w{1,4}[.)]\s|[^\w\s]")
_PARTED = re.compile(f"([{_OPEN}{_CLOSE}])")
_SET_APART = {_OPEN: '<strong class="short">', _CLOSE: "</strong>"}
_HEADING_MARKS = re.compile(r"#{1,6}[ \t]+")

_DOING = {
    "loading": "Loading the models, once",
    "searching": "Searching the documents",
    "reading": "Reading the best passages",
    "writing": "Writing the answer",
    "checking": "Checking each sentence against its source",
}
_VERDICTS = {
    Verdict.WEAK: ("Weakly supported", "The cited passage bears this out only in part."),
    Verdict.UNSUPPORTED: ("Not supported", "The cited passage does not bear this out."),
    Verdict.UNCHECKED: ("Not checked", "Nobody has compared this sentence with its source."),
}
_QUOTED = ("Quoted instead", "The model’s own sentence was not borne out, so the document’s stands here.")
# Between a heading and the one below it.
_PATH = " › "
_GRADES = (("right", "Right"), ("partly", "Partly"), ("wrong", "Wrong"))
_RELATED = 3
# A cell of more characters is given room; a table of more columns may be wider than a narrow page, and then scrolls.
_LONG_CELL = 40
_NARROW_COLUMNS = 3
_SCROLLS = ' role="group" aria-label="Table" tabindex="0"'
_OLDER = ' <span class="verdict older" title="A newer document replaces this one.">Older</span>'
# What a paragraph is, where its look alone does not tell.
_LABELS = {Kind.CAPTION: "Caption", Kind.FOOTNOTE: "Footnote"}
# Lists deeper than this are set in no further.
_DEEPEST = 4


def text_of(text: object) -> str:
    """Any text as HTML that shows it and nothing else, character for character; unshown ones as U+FFFD."""
    return escape(shown(str(text)), quote=True)


def shown(text: str) -> str:
    """The text with U+FFFD for each character that no page shows; its length stays."""
    return _UNSHOWN.sub("\N{REPLACEMENT CHARACTER}", text)


# ---- The conversation


def exchange_html(
    exchange: Exchange, steps: Sequence[str] = (), documents: Mapping[str, Document] | None = None
) -> str:
    """A question and what came of it. steps: begun so far, in order; documents: those known, by name."""
    e = exchange
    return (
        f'<article class="turn {text_of(e.state)}" id="turn-{text_of(e.exchange_id)}" '
        f'data-turn="{text_of(e.exchange_id)}" aria-labelledby="question-{text_of(e.exchange_id)}">'
        f'<header class="asked"><h2 id="question-{text_of(e.exchange_id)}" class="question" dir="auto">'
        f"{text_of(e.question)}</h2>{_limits(e)}</header>{_reply(e, steps, documents or {})}</article>"
    )


def _reply(exchange: Exchange, steps: Sequence[str], documents: Mapping[str, Document]) -> str:
    if exchange.state == "asking":
        return f'{_steps(steps)}<div class="said draft" dir="auto">{text_of(exchange.draft)}</div>'
    if exchange.answer is not None:
        return _answer(exchange, exchange.answer, documents)
    if exchange.state == "stopped":
        draft = f'<div class="said draft" dir="auto">{text_of(exchange.draft)}</div>' if exchange.draft else ""
        said = "Stopped. This draft was not checked." if draft else "Stopped."
        return f'<div class="reply">{draft}<p class="aside">{said}</p>{_tools(exchange)}</div>'
    fault = text_of(exchange.fault or "The answer could not be finished.")
    return f'<div class="reply"><p class="fault" role="alert">{fault}</p>{_tools(exchange)}</div>'


def _steps(steps: Sequence[str]) -> str:
    rows = "".join(
        f'<li class="{"now" if number == len(steps) else "past"}">{text_of(_DOING.get(step, step))}</li>'
        for number, step in enumerate(steps, 1)
    )
    return f'<ol class="steps" aria-label="Progress">{rows}</ol>'


def _answer(exchange: Exchange, answer: Answer, documents: Mapping[str, Document]) -> str:
    notices = "".join(f'<li class="notice">{text_of(notice)}</li>' for notice in answer.notices)
    said = _abstention(exchange, answer, documents) if answer.abstained else _claims(exchange.exchange_id, answer)
    query = ""
    if answer.query != " ".join(answer.question.split()):
        query = f'<p class="aside">Searched with: <q dir="auto">{text_of(answer.query)}</q></p>'
    return (
        f'<div class="reply">{said}{query}'
        f"{f'<ul class=notices>{notices}</ul>' if notices else ''}"
        f'<p class="spoke">{_spoke(answer)}</p>{_tools(exchange)}</div>'
    )


def _spoke(answer: Answer) -> str:
    """Who answered, how likely it is that the answer found is right, and how long it took."""
    if answer.reason == "small_talk":
        return "Nothing was searched for"
    if answer.generator == "extractive":
        who = "Nothing quoted" if answer.abstained else "Quoted from the documents"
    elif answer.abstained and not answer.seconds.get("generate"):
        who = f"{text_of(answer.generator)} was not asked"
    else:
        all_quoted = bool(answer.claims) and all(claim.quoted_instead for claim in answer.claims)
        who = f"{'Quoted in place of' if all_quoted else 'Written by'} {text_of(answer.generator)}"
    # Nothing was read, as there was nothing or it is in another language: then nothing is known of how likely it is.
    likely = [likely_right(answer)] if answer.confidence else []
    return " · ".join([who, *likely, f"{answer.seconds.get('total', 0.0):.1f} s"])


def _claims(turn: str, answer: Answer) -> str:
    by_label = {citation.label: citation for citation in answer.citations}
    claims = [_claim(turn, number, claim, answer, by_label) for number, claim in enumerate(answer.claims, 1)]
    # Sentences of different documents are no paragraph together; what a model wrote is.
    paragraphs = claims if answer.generator == "extractive" else [" ".join(claims)]
    if answer.disputed:
        told_by = [_told_by(claim, by_label) for claim in answer.claims]
        rows = "".join(f"<li>{who}{claim}</li>" for who, claim in zip(told_by, claims, strict=True))
        said = f'<p class="aside">{disagreement(answer)}</p><ul class="said lines disputed" dir="auto">{rows}</ul>'
    elif len(claims) > 1 and paragraphs is claims and is_in_lines(answer):
        said = f'<ul class="said lines" dir="auto">{"".join(f"<li>{claim}</li>" for claim in claims)}</ul>'
    else:
        # A table cannot stand in a paragraph.
        said = "".join(
            f'<div class="said" dir="auto">{paragraph}</div>' if "<table" in paragraph
            else f'<p class="said" dir="auto">{paragraph}</p>'
            for paragraph in paragraphs
        )  # fmt: skip
    told = {claim.text for claim in answer.claims}
    sources = "".join(_source(turn, citation, told) for citation in answer.citations)
    return f'{_direct(answer)}{said}<ol class="sources" aria-label="Sources">{sources}</ol>'


def _direct(answer: Answer) -> str:
    """The words that answer, before the sentences that say them; and how they were computed, where they were."""
    direct = f'<p class="direct" dir="auto">{text_of(answer.direct)}</p>' if answer.direct else ""
    computed = f'<p class="aside computed">{text_of(answer.computed)}</p>' if answer.computed else ""
    return direct + computed


def _told_by(claim: Claim, by_label: Mapping[int, Citation]) -> str:
    """Which source says a claim and when; that it is older where a newer one replaces it."""
    c = by_label[claim.labels[0]]
    older = _OLDER if claim.older else ""
    who = text_of(c.publisher or c.title or c.file)
    when = f" · {text_of(date_told(c))}" if date_told(c) else ""
    return f'<p class="told-by meta"><span dir="auto">{who}</span>{when}{older}</p>'


def _claim(turn: str, number: int, claim: Claim, answer: Answer, by_label: Mapping[int, Citation]) -> str:
    markers = "".join(_marker(turn, by_label[label]) for label in claim.labels)
    short, long = _VERDICTS.get(claim.verdict, ("", ""))
    kind = str(claim.verdict)
    if claim.quoted_instead:
        kind, (short, long) = "quoted", _QUOTED
    verdict = f' <span class="verdict {text_of(kind)}" title="{long}">{short}</span>' if short else ""
    if claim.older and not answer.disputed:
        verdict += _OLDER
    row = _quoted_row(claim, answer, by_label)
    shown_claim = _marked(claim, answer, by_label) if row is None else _table(row, _short_in(row, answer))
    tag = "span" if row is None else "div"
    return (
        f'<{tag} class="claim {text_of(claim.verdict)}" id="claim-{text_of(turn)}-{number}" tabindex="-1">'
        f"{shown_claim}</{tag}>"
        f'<span class="markers">{markers}</span>{_meant(claim)}{verdict}'
    )


def _quoted_row(claim: Claim, answer: Answer, by_label: Mapping[int, Citation]) -> Citation | None:
    """The citation of a claim that is a table row, verbatim."""
    verbatim = answer.generator == "extractive" or claim.quoted_instead
    cited = [by_label[label] for label in claim.labels[:1]] if verbatim else []
    return next((c for c in cited if c.cells and plain_claim(c.quote) == claim.text), None)


def _short_in(citation: Citation, answer: Answer) -> tuple[int, int] | None:
    """The words that answer, in characters of the document, where the citation has them."""
    words = words_in(citation, answer)
    return (citation.start + words[0][0], citation.start + words[0][1]) if words else None


def _table(citation: Citation, marked: tuple[int, int] | None) -> str:
    """A cited table row below the heads of its columns, the words that answer set apart."""
    c = citation
    cells = []
    for cell in c.cells:
        words = shown(c.quote[cell.start - c.start : cell.end - c.start])
        is_marked = marked is not None and cell.start <= marked[0] < marked[1] <= cell.end
        if marked is not None and is_marked:
            left, right = marked[0] - cell.start, marked[1] - cell.start
            words = f"{words[:left]}{_OPEN}{words[left:right]}{_CLOSE}{words[right:]}"
        inside = _with_short_answer(words) if is_marked else text_of(words)
        kinds = " ".join(kind for kind, is_so in (("found", is_marked), ("long", len(words) > _LONG_CELL)) if is_so)
        told = f' class="{kinds}"' if kinds else ""
        cells.append(f'<td{told} dir="auto">{inside}</td>')
    heads = "".join(f'<th scope="col" dir="auto">{text_of(cell.head)}</th>' for cell in c.cells)
    head = f"<thead><tr>{heads}</tr></thead>" if any(cell.head for cell in c.cells) else ""
    return (
        f'<div class="grid" role="group" aria-label="Table row" tabindex="0"><table>{head}'
        f"<tbody><tr>{''.join(cells)}</tr></tbody></table></div>"
    )


def _meant(claim: Claim) -> str:
    """Who the word is that a sentence begins with, behind it: no part of the quote."""
    return f' <span class="meant" dir="auto">({text_of(claim.meant)})</span>' if claim.meant else ""


def _marked(claim: Claim, answer: Answer, by_label: Mapping[int, Citation]) -> str:
    """The claim, the words that answer set apart where it is their sentence, verbatim."""
    c = by_label[claim.labels[0]] if claim.labels else None
    if c is None or plain_claim(c.quote) != claim.text:
        return text_of(claim.text)
    quote = shown(c.quote)
    for left, right in reversed(words_in(c, answer)):
        quote = f"{quote[:left]}{_OPEN}{quote[left:right]}{_CLOSE}{quote[right:]}"
    return _with_short_answer(plain_claim(quote))


def _with_short_answer(marked: str) -> str:
    return "".join(_SET_APART.get(piece) or text_of(piece) for piece in _PARTED.split(marked))


def _marker(turn: str, citation: Citation) -> str:
    """A link to the cited characters; the page's script opens them beside the answer."""
    key = f"{text_of(turn)}-{citation.label}"
    return (
        f'<a class="cite" href="#source-{key}" {_place(citation)} data-turn="{text_of(turn)}" '
        f'data-label="{citation.label}" aria-label="Source {citation.label}" aria-describedby="source-{key}">'
        f"{citation.label}</a>"
    )


def _place(citation: Citation) -> str:
    return f'data-doc="{text_of(citation.doc_id)}" data-start="{citation.start}" data-end="{citation.end}"'


def _source(turn: str, citation: Citation, told: Collection[str]) -> str:
    """A source's row. told: the sentences of the answer; a quote that stands there already is not shown twice."""
    c = citation
    is_told = plain_claim(c.quote) in told
    # A row that the answer does not show already is shown as a table; the note at a marker has its words as they stand.
    table = _table(c, None) if c.cells and not is_told else ""
    quote = "quote hidden" if is_told or table else "quote"
    path = f'<p class="path" dir="auto">{text_of(_PATH.join(c.headings))}</p>' if c.headings else ""
    aside = " · set aside as furniture" if c.kind is Kind.FURNITURE else ""
    now = f' · now <span dir="auto">{text_of(c.renamed)}</span>' if c.renamed and c.title else ""
    title = text_of(c.title or c.file)
    also = f'<p class="also">Also in: {", ".join(text_of(name) for name in c.also_in)}</p>' if c.also_in else ""
    return (
        f'<li id="source-{text_of(turn)}-{c.label}" class="source" data-label="{c.label}">'
        f'<span class="n" aria-hidden="true">{c.label}</span><div class="what">'
        f'<a class="open" href="#source-{text_of(turn)}-{c.label}" {_place(c)} data-turn="{text_of(turn)}" '
        f'data-label="{c.label}" dir="auto">{title}</a>{path}'
        f'<p class="meta">{_meta(c.publisher, c.date, c.page, c.paragraph)}{aside}{now}</p>'
        f'{table}<blockquote class="{quote}" dir="auto">{text_of(c.quote)}</blockquote>{also}'
        f"{_judging('passage', f'source {c.label}', 'As a source:')}</div></li>"
    )


def _meta(publisher: str | None, date: str | None, page: int | None, paragraph: int | None) -> str:
    parts = [f'<span dir="auto">{text_of(publisher)}</span>' if publisher else "no outlet", text_of(date or "no date")]
    if page is not None:
        parts.append(f"page {page}")
    if paragraph is not None:
        parts.append(f"paragraph {paragraph}")
    return " · ".join(parts)


def _abstention(exchange: Exchange, answer: Answer, documents: Mapping[str, Document]) -> str:
    if answer.reason == "small_talk":
        return f'<p class="said none">{text_of(answer.text)}</p>'
    why = REASONS.get(answer.reason or "", "No passage was found that answers this.")
    if not answer.evidence:
        why = "No document fits these limits." if _limits(exchange) else "There is nothing to answer from."
    said = f'<p class="said none">No answer. {why}</p>'
    related = [e for e in answer.evidence[:_RELATED] if e.text]
    if not related:
        return said
    what = "The nearest passages, which may still help:" if answer.reason != "off_topic" else "What came nearest:"
    rows = "".join(_related(e, documents) for e in related)
    return f'{said}<p class="aside">{what}</p><ol class="related" aria-label="Related passages">{rows}</ol>'


def _related(evidence: Evidence, documents: Mapping[str, Document]) -> str:
    e = evidence
    known = documents.get(e.doc_id)
    title = (known.title if known else None) or e.doc_id
    meta = _meta(known.publisher, known.date, None, e.paragraph) if known else f"paragraph {e.paragraph}"
    place = f'data-doc="{text_of(e.doc_id)}" data-start="{e.start}" data-end="{e.end}"'
    path = f'<p class="path" dir="auto">{text_of(_PATH.join(e.headings))}</p>' if e.headings else ""
    return (
        f'<li><a class="open" href="#" {place} dir="auto">{text_of(title)}</a>{path}'
        f'<p class="meta">{meta}</p>'
        f'<blockquote class="quote" dir="auto">{text_of(e.text)}</blockquote></li>'
    )


def _limits(exchange: Exchange) -> str:
    """In words, which documents the question was limited to."""
    f = exchange.filters
    parts = []
    if f.after:
        parts.append(f"from {f.after}")
    if f.before:
        parts.append(f"to {f.before}")
    if f.publisher:
        parts.append(f"outlet {f.publisher}")
    if f.documents:
        parts.append(f.documents[0] if len(f.documents) == 1 else f"{len(f.documents)} documents")
    return f'<p class="aside limits" dir="auto">Asked only of: {text_of(", ".join(parts))}</p>' if parts else ""


def _tools(exchange: Exchange) -> str:
    judging = _judging("answer", "this answer", "This answer:") if exchange.answer is not None else ""
    copying = '<button type="button" data-do="copy">Copy</button>' if exchange.answer is not None else ""
    return (
        f'<div class="tools">{judging}<span class="again">{copying}'
        '<button type="button" data-do="retry">Retry</button>'
        '<button type="button" data-do="edit">Edit</button></span></div>'
    )


def _judging(subject: str, what: str, lead: str) -> str:
    buttons = "".join(
        f'<button type="button" data-do="judge" data-grade="{grade}" aria-pressed="false">{word}</button>'
        for grade, word in _GRADES
    )
    label = f"Judge {text_of(what)}"
    return f'<span class="judging" role="group" data-subject="{subject}" aria-label="{label}">{lead} {buttons}</span>'


# ---- A document


def document_html(document: Document, paragraphs: Sequence[Paragraph]) -> str:
    """A whole document as it was understood: headings, tables, lists, code; furniture folded away where it stands."""
    d = document
    rows = rows_of(d.text, paragraphs)
    blocks: list[str] = []
    furniture: list[Paragraph] = []
    table: Table | None = None
    for paragraph in [*paragraphs, None]:
        if paragraph is not None and paragraph.kind is Kind.FURNITURE:
            furniture.append(paragraph)
            continue
        if furniture:
            blocks.append(_folded(d.text, furniture))
            furniture = []
        of, row = rows.get(paragraph.number, (None, None)) if paragraph is not None else (None, None)
        if table is not None and of is not table:
            blocks.append("</div>")
        if of is not None and of is not table:
            blocks.append(f'<div class="moving"{_SCROLLS if len(of.heads) > _NARROW_COLUMNS else ""}>')
        table = of
        if paragraph is not None:
            blocks.append(_paragraph(d.text, paragraph, row))
    counted = f"{len(paragraphs)} paragraph{'s' if len(paragraphs) != 1 else ''}"
    title = f'<h2 class="title" tabindex="-1" dir="auto">{text_of(d.title or d.doc_id)}</h2>'
    not_read = "".join(f'<p class="aside" dir="auto">Not read: {text_of(notice)}</p>' for notice in d.notices)
    return (
        f'<article class="document" data-doc="{text_of(d.doc_id)}"><header>{title}'
        f'<p class="meta">{_meta(d.publisher, d.date, None, None)} · '
        f'<span class="name" dir="auto">{text_of(_file(d))}</span> · {counted}</p>{not_read}</header>'
        f"{''.join(blocks)}</article>"
    )


def _file(document: Document) -> str:
    """A document's name, and its file's where that was renamed."""
    renamed = name_now(document.doc_id, document.source)
    return f"{document.doc_id} (now {renamed})" if renamed else document.doc_id


def _paragraph(text: str, paragraph: Paragraph, row: TableRow | None = None) -> str:
    p = paragraph
    label = f'<span class="kind">{_LABELS[p.kind]}</span>' if p.kind in _LABELS else ""
    role = ' role="heading" aria-level="3"' if p.kind is Kind.HEADING else ""
    kind = p.kind.value.replace(" ", "-") + (" heads" if row is not None and row.is_head else "")
    if p.kind is Kind.LIST_ITEM:
        numbered = " numbered" if _NUMBERED.match(text, p.start) else ""
        kind += f" level-{min(max(p.level, 1), _DEEPEST)}{numbered}"
    words = _lead(text[p.start : p.end], p.kind) if row is None else _cells(text, p, row)
    return (
        f'<div class="par {kind}" id="par-{p.number}" data-start="{p.start}" data-end="{p.end}">'
        f'<span class="number" aria-hidden="true">{p.number}</span>{label}'
        f'<p class="text" dir="auto"{role}>{words}</p></div>'
    )


def _cells(text: str, paragraph: Paragraph, row: TableRow) -> str:
    """A row's characters, all of them, since offsets count them: its cells apart, what stands between them unseen."""
    parts = []
    at = paragraph.start
    for start, end in row.cells:
        parts.append(f'<span class="between">{text_of(text[at:start])}</span>' if at < start else "")
        parts.append(f'<span class="cell">{text_of(text[start:end])}</span>')
        at = end
    parts.append(f'<span class="between">{text_of(text[at : paragraph.end])}</span>' if at < paragraph.end else "")
    return "".join(parts)


def _lead(block: str, kind: Kind) -> str:
    """A paragraph's characters, a Markdown heading's marks dimmed but there, since offsets count them."""
    marks = _HEADING_MARKS.match(block) if kind is Kind.HEADING else None
    if marks is None:
        return text_of(block)
    return f'<span class="dim">{text_of(marks[0])}</span>{text_of(block[marks.end() :])}'


def _folded(text: str, furniture: Sequence[Paragraph]) -> str:
    inside = "".join(_paragraph(text, paragraph) for paragraph in furniture)
    what = "1 paragraph" if len(furniture) == 1 else f"{len(furniture)} paragraphs"
    return (
        f'<details class="furniture"><summary>{what} set aside: menus, bylines and the like</summary>{inside}</details>'
    )


# ---- The collection


def list_html(documents: Sequence[Document], *, more: int, total: int) -> str:
    """The collection's documents as rows: a box to choose it, its title, date, outlet, size and state."""
    if not total:
        return '<p class="empty">No document yet. Add files above: they stay on this machine.</p>'
    if not documents:
        return '<p class="empty">No document matches what you typed, or the limits of the question.</p>'
    rows = "".join(_row(number, document) for number, document in enumerate(documents))
    tail = f'<p class="aside">{more:,} more; narrow the list to see them.</p>' if more else ""
    return f'<ul class="rows">{rows}</ul>{tail}'


def _row(number: int, document: Document) -> str:
    d = document
    file = file_of(d.source)
    gone = Path(file).is_absolute() and not is_there(file)
    state = '<span class="state">file gone, text kept</span>' if gone else ""
    return (
        f'<li class="row" data-doc="{text_of(d.doc_id)}" data-date="{text_of(d.date or "")}" '
        f'data-publisher="{text_of(d.publisher or "")}">'
        f'<input type="checkbox" id="pick-{number}" aria-label="Choose {text_of(d.title or d.doc_id)}">'
        f'<div class="what"><a class="open" href="#" data-doc="{text_of(d.doc_id)}" dir="auto">'
        f"{text_of(d.title or d.doc_id)}</a>"
        f'<p class="meta">{_meta(d.publisher, d.date, None, None)} · {size_words(d.size)}{state}</p>'
        f'<p class="name" dir="auto">{text_of(_file(d))}</p></div></li>'
    )


def size_words(n_bytes: int) -> str:
    """A size as a person reads it: "812 B", "3.4 kB", "12 MB"; powers of 1000."""
    if n_bytes < 1000:
        return f"{n_bytes} B"
    for power, unit in ((1, "kB"), (2, "MB"), (3, "GB")):
        size = n_bytes / 1000**power
        if size < 999.5 or unit == "GB":
            return f"{size:.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"
    raise AssertionError


def examples_html(questions: Iterable[str]) -> str:
    """Questions to begin with, as buttons."""
    rows = "".join(
        f'<li><button type="button" data-do="example" dir="auto">{text_of(question)}</button></li>'
        for question in questions
    )
    return f'<ul class="examples" aria-label="Example questions">{rows}</ul>' if rows else ""


def options_html(values: Iterable[tuple[str, str]]) -> str:
    """Choices of a select: (value, words)."""
    return "".join(f'<option value="{text_of(value)}">{text_of(words)}</option>' for value, words in values)
