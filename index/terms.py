"""The words that a text is found by: as tantivy cuts, folds and stems them, here and in every kind of collection.

Knows no index.
"""

from collections import Counter
from functools import lru_cache

import tantivy

ANALYZER = "pilcrow_english"
# BM25 sums over distinct terms; past this many of a pasted page, the most frequent first, more add nothing but time.
_MAX_TERMS = 512


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


def words_of(text: str) -> list[str]:
    """The words that a text is found by, in order, as they are stored: lower case, without accents, stemmed."""
    return list(_shared_analyzer(stop_words=True).analyze(text))


def query_words(text: str) -> Counter[str]:
    """The words that a query searches with, and how often it has each; "Who is it?" keeps its stop words."""
    analyzers = (_shared_analyzer(stop_words=False), _shared_analyzer(stop_words=True))
    counts = next((c for a in analyzers if (c := Counter(a.analyze(text)))), Counter[str]())
    return Counter(dict(counts.most_common(_MAX_TERMS)))
