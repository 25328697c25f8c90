"""Who is quoted, what they say, and what happened when, as HTML of the page's pane; texts as in rag/page/markup.py."""

from calendar import month_name
from collections.abc import Sequence
from itertools import groupby

from index.paragraphs import Kind
from rag.citations import Citation
from rag.news.quoted import Quote, QuotedSpeaker
from rag.news.timeline import Statement, Timeline, counted_from
from rag.page.markup import text_of
from rag.printable import without_bars

# Rows shown at a time: nobody reads more, and a browser lays them out at once.
MOST_ROWS = 300


def speakers_html(speakers: Sequence[QuotedSpeaker]) -> str:
    """Everybody who is quoted, as buttons that lead to what they say."""
    if not speakers:
        return '<p class="empty">Nobody is quoted in these documents.</p>'
    rows = "".join(
        f'<li class="voice"><button type="button" data-do="voice" data-name="{text_of(s.speaker)}" dir="auto">'
        f"{text_of(s.speaker)}</button>{_post(s.post)}"
        f'<p class="meta">{_counted(s)}</p></li>'
        for s in speakers[:MOST_ROWS]
    )
    return f'<ul class="voices">{rows}</ul>{_more(len(speakers), "name somebody above to see them")}'


def quotes_html(name: str, quotes: Sequence[Quote], near: Sequence[str]) -> str:
    """What somebody says, under their name. near: names that are written nearly so, where nobody has this one."""
    if not quotes:
        buttons = "".join(
            f'<li class="voice"><button type="button" data-do="voice" data-name="{text_of(other)}" dir="auto">'
            f"{text_of(other)}</button></li>"
            for other in near
        )
        meant = f'<p class="aside">Quoted are:</p><ul class="voices">{buttons}</ul>' if near else ""
        return f'<p class="empty">Nobody of the name “<span dir="auto">{text_of(name)}</span>” is quoted.</p>{meant}'
    parts = []
    for speaker, group in groupby(quotes[:MOST_ROWS], key=lambda q: q.speaker):
        said = list(group)
        rows = "".join(_quote(quote) for quote in said)
        post = next((q.post for q in said if q.post), None)
        parts.append(
            f'<h3 class="speaker" dir="auto">{text_of(speaker)}</h3>{_post(post)}<ol class="quoted">{rows}</ol>'
        )
    return "".join(parts) + _more(len(quotes), "the command line lists them all")


def timeline_html(found: Timeline) -> str:
    """Statements under their years, each with its day, its sentence and where it stands."""
    left_out = ""
    if found.undated:
        n = found.undated
        left_out = (
            f'<p class="aside">{n:,} statement{"" if n == 1 else "s"} left out that say “yesterday” or the like in '
            "documents without a date; give them one under Collection.</p>"
        )
    if not found.statements:
        return f'<p class="empty">No dated statement found.</p>{left_out}'
    parts = []
    for year, statements in groupby(found.statements[:MOST_ROWS], key=lambda s: s.date[:4]):
        rows = "".join(_statement(s) for s in statements)
        parts.append(f'<section><h3 class="year">{text_of(year)}</h3><ol class="dated">{rows}</ol></section>')
    return "".join(parts) + _more(len(found.statements), "name something above, or set dates") + left_out


def _quote(quote: Quote) -> str:
    words = text_of(" ".join(quote.citation.quote.split()))
    said = f"“{words}”" if quote.direct else words
    kind = "" if quote.direct else '<span class="kind">Reported</span> '
    told = {"pronoun": f" · named as “{text_of(quote.naming)}”", "nearby": " · told by the quotation beside it"}
    return (
        f'<li>{kind}<blockquote class="words" dir="auto">{said}</blockquote>'
        f'<p class="meta">{_where(quote.citation)}{told.get(quote.told, "")}</p></li>'
    )


def _statement(statement: Statement) -> str:
    s, c = statement, statement.citation
    left, right = s.when_start - c.start, s.when_end - c.start
    shown = (c.quote[:left], c.quote[left:right], c.quote[right:])
    if c.kind is Kind.TABLE_ROW:
        shown = (without_bars(shown[0]).lstrip(" ·"), shown[1], without_bars(shown[2]).rstrip(" ·"))
    before, when, after = map(text_of, shown)
    counted = counted_from(s)
    aside = f'<p class="counted">{text_of(counted)}</p>' if counted else ""
    return (
        f'<li><time datetime="{text_of(s.date)}">{_day(s.date)}</time><div class="what">'
        f'<p class="words" dir="auto">{before}<strong>{when}</strong>{after}</p>{aside}'
        f'<p class="meta">{_where(c)}</p></div></li>'
    )


def _day(date: str) -> str:
    """A day or month as a person writes it below its year: "4 March", "March"; empty of a year."""
    parts = date.split("-")
    if len(parts) == 1:
        return ""
    month = month_name[int(parts[1])]
    return f"{int(parts[2])} {month}" if len(parts) == 3 else month


def _where(citation: Citation) -> str:
    c = citation
    also = f" · also in {len(c.also_in)} more" if c.also_in else ""
    parts = [f'<span dir="auto">{text_of(c.publisher)}</span>' if c.publisher else "", text_of(c.date or "no date")]
    page = f" · page {c.page}" if c.page is not None else ""
    return (
        f'<a class="open" href="#" data-doc="{text_of(c.doc_id)}" data-start="{c.start}" data-end="{c.end}" dir="auto">'
        f"{text_of(c.title or c.doc_id)}</a> · {' · '.join(part for part in parts if part)}{page}"
        f" · paragraph {c.paragraph}{also}"
    )


def _post(post: str | None) -> str:
    return f'<p class="post" dir="auto">{text_of(post)}</p>' if post else ""


def _counted(speaker: QuotedSpeaker) -> str:
    s = speaker
    quotes = f"{s.quotes:,} quotation{'' if s.quotes == 1 else 's'}"
    verbatim = f", {s.direct:,} word for word" if s.direct else ", all reported"
    return f"{quotes}{verbatim} · {s.documents:,} document{'' if s.documents == 1 else 's'}"


def _more(total: int, how: str) -> str:
    left = total - MOST_ROWS
    return f'<p class="aside">{left:,} more; {how}.</p>' if left > 0 else ""
