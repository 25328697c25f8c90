"""Who is quoted in a collection, and what they say, cited.

A person goes by the fullest name that each document has; names of several documents are matched by their words.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from index.collection import Collection, Filters, Snapshot
from index.news.kept import News, open_news
from index.news.quotations import Quotation
from rag.answers import JsonObject, citation_json
from rag.citations import Citation, Sources, cite_span

Progress = Callable[[int, int, str], None]
_WORD = re.compile(r"\w+(?:[-'’]\w+)*")


@dataclass(frozen=True, slots=True)
class Quote:
    """What somebody says, cited: the words alone. Fields as in `index.news.quotations`.

    named_start, named_end: the characters that tell who speaks; `naming` are these words.
    """

    speaker: str
    post: str | None
    direct: bool
    told: str
    named_start: int
    named_end: int
    naming: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class QuotedSpeaker:
    """Somebody who is quoted: how often, how often word for word, and in how many texts."""

    speaker: str
    post: str | None
    quotes: int
    direct: int
    documents: int


def quotes_of(
    collection: Collection, name: str, *, filters: Filters | None = None, progress: Progress | None = None
) -> list[Quote]:
    """The quotations of whoever has this name, or, where nobody has, this post; in the order of `list` and the texts.

    Copies of a document count once. A surname alone is one person's where no other of that surname is quoted.
    """
    with collection.reading() as snapshot, open_news(collection.folder, snapshot, progress=progress) as news:
        named = _named(name, news)
        found = [
            quote for text_no, of in news.quotations(named).items() for quote in _cited(snapshot, text_no, of, filters)
        ]
    return numbered(found)


def numbered(found: Iterable[Quote]) -> list[Quote]:
    """Quotes in documents' order, each once, with labels from 1."""
    once: dict[tuple[str, str], Quote] = {}
    ordered = sorted(found, key=lambda q: (q.citation.doc_id, q.citation.start))
    kept = []
    for quote in ordered:
        same = once.setdefault((quote.speaker, quote.citation.quote), quote)
        if same is quote or quote.citation.doc_id not in same.citation.also_in:
            kept.append(quote)
    return [replace(q, citation=replace(q.citation, label=n)) for n, q in enumerate(kept, 1)]


def quoted_speakers(collection: Collection, *, progress: Progress | None = None) -> list[QuotedSpeaker]:
    """Who is quoted in a collection, the most often quoted first, ties by name."""
    with collection.reading() as snapshot, open_news(collection.folder, snapshot, progress=progress) as news:
        rows = news.speakers()
    full = _full_names(speaker for speaker, _, _, _ in rows)
    together: dict[str, list[tuple[str | None, int, int]]] = {}
    for speaker, post, n, direct in rows:
        together.setdefault(full.get(folded(speaker), speaker), []).append((post, n, direct))
    found = [
        QuotedSpeaker(
            speaker, _most(post for post, _, _ in of), sum(n for _, n, _ in of), sum(d for _, _, d in of), len(of)
        )
        for speaker, of in together.items()
    ]
    return sorted(found, key=lambda s: (-s.quotes, s.speaker.casefold()))


def near_names(collection: Collection, name: str) -> list[str]:
    """Names of who is quoted that are written nearly as one that nobody has."""
    spoken = {folded(s.speaker): s.speaker for s in quoted_speakers(collection)}
    last = {words[-1]: shown for key, shown in spoken.items() if (words := key.split())}
    close = get_close_matches(folded(name), [*spoken, *last], n=3, cutoff=0.75)
    return list(dict.fromkeys(spoken.get(key) or last[key] for key in close))


def folded(name: str) -> str:
    """A name's words in small letters, without accents, possessives and "the"."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    words = [re.sub(r"['’]s?$", "", word) for word in _WORD.findall(plain)]
    return " ".join(word for word in words if word != "the")


def names_of(asked: str, spoken: Iterable[str]) -> list[str]:
    """The names among `spoken` of whoever is asked for: all of the asked words are in them, or they are its surname.

    A surname alone is that of a fuller name that is asked for where nobody else's name ends with it.
    """
    words = folded(asked).split()
    if not words:
        return []
    names = {name: folded(name).split() for name in spoken}
    found = [name for name, own in names.items() if set(words) <= set(own)]
    others = any(len(own) > 1 and own[-1] == words[-1] and not set(words) <= set(own) for own in names.values())
    if len(words) > 1 and not others:
        found += [name for name, own in names.items() if own == words[-1:]]
    return found


def _named(asked: str, news: News) -> list[str]:
    rows = news.speakers()
    found = names_of(asked, {speaker for speaker, _, _, _ in rows})
    if found:
        return found
    words = set(folded(asked).split())
    return list({speaker for speaker, post, _, _ in rows if words and post and words <= set(folded(post).split())})


def _full_names(speakers: Iterable[str]) -> dict[str, str]:
    """Folded name -> the one it is counted under: a surname under the only full name that ends with it."""
    shown: dict[str, str] = {}
    ending: dict[str, set[str]] = {}
    for speaker in speakers:
        key = folded(speaker)
        shown.setdefault(key, speaker)
        if " " in key:
            ending.setdefault(key.rsplit(" ", 1)[-1], set()).add(key)
    for key in list(shown):
        if " " not in key and len(full := ending.get(key, set())) == 1:
            shown[key] = shown[next(iter(full))]
    return shown


def _most(posts: Iterable[str | None]) -> str | None:
    """The post that is told most often, the longer of two; None where none is."""
    told = [post for post in posts if post]
    return max(told, key=lambda post: (told.count(post), len(post))) if told else None


def _cited(snapshot: Snapshot, text_no: int, of: Sequence[Quotation], filters: Filters | None) -> list[Quote]:
    doc_id = allowed_name(snapshot, text_no, filters)
    if doc_id is None:
        return []
    sources = Sources(snapshot, filters)
    return [quote_of(sources, doc_id, quotation) for quotation in of]


def allowed_name(snapshot: Snapshot, text_no: int, filters: Filters | None) -> str | None:
    """A name under which a stored text may be looked at, the earliest dated where there are several."""
    document, _ = snapshot.text(text_no)
    others = snapshot.copies(document.doc_id, filters)
    fits = not filters or (
        filters.fit(document.date, document.publisher)
        and (not filters.documents or document.doc_id in filters.documents)
    )
    if not fits:
        return others[0] if others else None
    earlier = next((name for name in others if (snapshot.described(name).date or "9") < (document.date or "9")), None)
    return earlier or document.doc_id


def quote_of(sources: Sources, doc_id: str, quotation: Quotation) -> Quote:
    """A quotation, cited."""
    q = quotation
    return Quote(
        q.speaker, q.post, q.direct, q.told, q.named_start, q.named_end,
        sources.document(doc_id).text[q.named_start : q.named_end], cite_span(sources, doc_id, q.start, q.end),
    )  # fmt: skip


def quote_json(quote: Quote) -> JsonObject:
    """A quote in the form of `quotes --json`."""
    cited: dict[str, Any] = citation_json(quote.citation)
    return {
        "speaker": quote.speaker,
        "post": quote.post,
        "direct": quote.direct,
        "told": quote.told,
        "named_start": quote.named_start,
        "named_end": quote.named_end,
        **cited,
    }


def speaker_json(speaker: QuotedSpeaker) -> JsonObject:
    """A speaker in the form of `quotes --json` without a name."""
    return {
        "speaker": speaker.speaker,
        "post": speaker.post,
        "quotes": speaker.quotes,
        "direct": speaker.direct,
        "documents": speaker.documents,
    }
