"""The words that a text is found by: as tantivy cuts, folds and stems them, here and in every kind of collection.

Beside its words stand forms that are the same however they were written: "PX-4711-B" is also px4711b, "1,200" is also
1200, and "3 May 2021", "2021-05-03" and "May 3rd, 2021" are one day. Knows no index.
"""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

import tantivy

from index.dates import days_in

ANALYZER = "pilcrow_english"
# BM25 sums over distinct terms; past this many of a pasted page, the most frequent first, more add nothing but time.
_MAX_TERMS = 512

# Characters that are not seen, such as soft hyphens, would part a word; dashes of all kinds join as a hyphen does.
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
# What has marks inside at which tantivy parts words: "PX-4711-B", "INV/2021/003", "4.2", "1,200".
_MARKED = re.compile(r"(?<!\w)[^\W_]+(?:(?:[-./:_#]|(?<=\d),(?=\d))[^\W_]+)+(?!\w)")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_LONGEST_CODE = 40


def analyzer(*, stop_words: bool) -> tantivy.TextAnalyzer:
    """Words, lower case, without accents, stemmed; without `stop_words`, those that only join others are left out."""
    builder = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(60))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
    )
    if not stop_words:
        builder = builder.filter(tantivy.Filter.stopword("english"))
    return builder.filter(tantivy.Filter.stemmer("english")).build()


@lru_cache(maxsize=2)
def _shared_analyzer(*, stop_words: bool) -> tantivy.TextAnalyzer:
    return analyzer(stop_words=stop_words)


@lru_cache(maxsize=1)
def _letters() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw())
    return builder.filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.ascii_fold()).build()


def plain_letters(word: str) -> str:
    """A word as any keyboard writes it: "Größe" and "Grosse" are "grosse", "AX‑2210" has the common hyphen."""
    return "".join(_letters().analyze(folded(word)))


def folded(text: str) -> str:
    """The text as it is compared: Unicode's compatible forms as one, nothing unseen in it, every dash a hyphen."""
    if text.isascii():
        return text
    return _DASHES.sub("-", unicodedata.normalize("NFKC", _UNSEEN.sub("", text)))


def searchable(text: str) -> str:
    """What an analyzer is to be given of a text: it, folded, and the joined forms of its codes, numbers and days."""
    text = folded(text)
    if not any(map(str.isdigit, text)):
        return text
    joined = [*map(joined_form, marked_codes(text)), *days_in(text)]
    return f"{text}\n{' '.join(joined)}" if joined else text


def marked_codes(text: str) -> list[str]:
    """The codes and numbers of a folded text that have marks inside, as they stand: "PX-4711-B", "4.2"."""
    found = (match[0] for match in _MARKED.finditer(text))
    return [code for code in found if len(code) <= _LONGEST_CODE and any(map(str.isdigit, code))]


def joined_form(code: str) -> str:
    """A code as one word: "px4711b"; of a number the marks that are not between thousands stay: "4point2"."""
    code = code.lower()
    if _GROUPED.fullmatch(code):
        code = code.replace(",", "")
    return re.sub(r"[-./:_#,]", "" if re.search(r"[^\W\d]", code) else "point", code)


def words_of(text: str) -> list[str]:
    """The words that a text is found by, in order, as they are stored: lower case, without accents, stemmed."""
    return list(_shared_analyzer(stop_words=True).analyze(searchable(text)))


def query_words(text: str) -> Counter[str]:
    """The words that a query searches with, and how often it has each; "Who is it?" keeps its stop words."""
    text = searchable(text)
    analyzers = (_shared_analyzer(stop_words=False), _shared_analyzer(stop_words=True))
    counts = next((c for a in analyzers if (c := Counter(a.analyze(text)))), Counter[str]())
    return Counter(dict(counts.most_common(_MAX_TERMS)))
