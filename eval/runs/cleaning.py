"""How well furniture is told from body in a page that a bad scraper flattened.

A folder holds `html/ID.html.gz` and `ground-truth.json` (ID -> {"articleBody", "url"}), as Scrapinghub's benchmark of
article extraction does. Each page is flattened to all of its visible text, block by block. What is kept is compared
with the body that people marked: precision, recall and F1 of each page's bags of words, averaged over the pages.
Whatever is learned is measured on sites that it was not learned from.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from eval.gold.datasets import BadDataset, json_rows, read_squad, text_field
from index.cleaning.furniture import kinds_of
from index.formats.html.page import visible_blocks
from index.formats.html.web import article_of
from index.paragraphs import Kind, paragraph_spans
from rag.training.cleaner import MarkedPage, folds, look_at, train

FOLDS = 5


@dataclass(frozen=True, slots=True)
class CleaningScores:
    """Means over pages, in [0, 1]: (precision, recall, F1) of our cleaner, of keeping all, and of trafilatura."""

    pages: int
    ours: tuple[float, float, float]
    rules: tuple[float, float, float]
    all: tuple[float, float, float]
    trafilatura: tuple[float, float, float]


def read_pages(folder: Path) -> list[MarkedPage]:
    """The pages of a folder, in the order of their ids. Raises BadDataset."""
    import trafilatura

    truth = folder / "ground-truth.json"
    if not truth.is_file():
        raise BadDataset(f"'{truth}' does not exist; the folder has ground-truth.json and html/ID.html.gz")
    try:
        stated = json.loads(truth.read_bytes())
        rows = [(name, stated[name]["articleBody"], stated[name]["url"]) for name in sorted(stated)]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BadDataset(f"{truth}: not ID -> {{'articleBody', 'url'}} ({error!r})") from error
    if not rows:
        raise BadDataset(f"'{truth}' names no page, so there is nothing to measure")
    pages = []
    for name, body, url in rows:
        path = folder / "html" / f"{name}.html.gz"
        try:
            html = gzip.decompress(path.read_bytes())
        except (OSError, EOFError) as error:
            raise BadDataset(f"'{path}' cannot be read ({error})") from error
        pages.append(MarkedPage(_flattened(visible_blocks(trafilatura.load_html(html))), body, _site(url), html))
    return pages


def _flattened(blocks: Iterable[str]) -> tuple[str, ...]:
    text = "\n\n".join(blocks)
    return tuple(text[start:end] for start, end in paragraph_spans(text))


def _site(url: str) -> str:
    """A site's name without its subdomain; a.co.uk and b.co.uk fall together, which only makes it harder."""
    return ".".join((urlsplit(url).hostname or url).split(".")[-2:])


# Scores


def words_of(text: str) -> Counter[str]:
    """The bag of a text's words, lower case."""
    return Counter(re.findall(r"\w+", text.lower()))


def score(kept: str, body: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of the words kept against those of the body, as bags; each in [0, 1].

    precision = |words in both| / |kept|, recall = |words in both| / |body|, F1 = their harmonic mean

    Average: over the pages (`_mean_scores`). Ties: a word counts as often as it stands in both.
    Empty: nothing kept has a precision of 0; a body of nothing a recall of 1; nothing in common an F1 of 0.
    """
    ours, right = words_of(kept), words_of(body)
    shared = (ours & right).total()
    precision = shared / ours.total() if ours else 0.0
    recall = shared / right.total() if right else 1.0
    return precision, recall, 2 * precision * recall / (precision + recall) if shared else 0.0


def _mean_scores(rows: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """The mean over pages of each of the three."""
    precision, recall, f1 = (float(np.mean(column)) for column in zip(*rows, strict=True))
    return precision, recall, f1


def kept_text(blocks: Sequence[str], kinds: Sequence[Kind]) -> str:
    """What is not furniture, without the headline, which is the document's title and no part of its body."""
    headline = next((i for i, kind in enumerate(kinds) if kind in (Kind.HEADING, Kind.BODY)), None)
    return "\n".join(
        block
        for i, (block, kind) in enumerate(zip(blocks, kinds, strict=True))
        if kind is not Kind.FURNITURE and not (i == headline and kind is Kind.HEADING)
    )


# How a page is cleaned -> (precision, recall, F1) of each page.
Cleaned = Mapping[str, Sequence[Sequence[float]]]


def evaluate_cleaning(
    pages: Sequence[MarkedPage], *, progress: Callable[[int, int, str], None] | None = None
) -> CleaningScores:
    """The means of all four ways over the pages."""
    return score_cleaning(clean_pages(pages, progress=progress))


def clean_pages(pages: Sequence[MarkedPage], *, progress: Callable[[int, int, str], None] | None = None) -> Cleaned:
    """Each page cleaned in all four ways; ours learned on other sites, fold by fold."""
    looked = [look_at(page) for page in pages]
    fold = folds([page.site for page in pages], FOLDS)
    ours: dict[int, tuple[float, float, float]] = {}
    for n in range(FOLDS):
        cleaner = train([look for look, at in zip(looked, fold, strict=True) if at != n])
        for i, page in enumerate(pages):
            if fold[i] == n:
                ours[i] = score(kept_text(page.blocks, kinds_of(page.blocks, None, cleaner)), page.body)
        if progress:
            progress(n + 1, FOLDS, "training and judging")
    rules = [score(kept_text(p.blocks, kinds_of(p.blocks, None, None)), p.body) for p in pages]
    everything = [score("\n".join(page.blocks), page.body) for page in pages]
    extracted = [score("\n\n".join(article_of(page.html)[1]), page.body) for page in pages]
    own = [ours[i] for i in range(len(pages))]
    return {"ours": own, "rules": rules, "all": everything, "trafilatura": extracted}


def score_cleaning(cleaned: Cleaned) -> CleaningScores:
    """The means over the pages. Raises ValueError where there is no page."""
    means = {way: _mean_scores(rows) for way, rows in cleaned.items()}
    return CleaningScores(len(cleaned["ours"]), means["ours"], means["rules"], means["all"], means["trafilatura"])


# Texts that are all body


@dataclass(frozen=True, slots=True)
class Lost:
    """What of texts without furniture is taken for some. texts, words, lost_words: how many there are."""

    texts: int
    words: int
    lost_words: int

    @property
    def share(self) -> float:
        """lost_words / words, in [0, 1].

        Average: over all words together, so that a long text counts for more. Ties: none, each word is lost or kept.
        Empty: 0.0 without words.
        """
        return self.lost_words / self.words if self.words else 0.0


def lost_words(texts: Iterable[str]) -> Lost:
    """How many words of texts are taken for furniture. A word is what stands between white space."""
    from index.cleaning.furniture import classify

    n_texts = lost = total = 0
    for text in texts:
        n_texts += 1
        for paragraph in classify(text, ""):
            words = len(text[paragraph.start : paragraph.end].split())
            total += words
            lost += words * (paragraph.kind is Kind.FURNITURE)
    return Lost(n_texts, total, lost)


def body_texts(path: Path) -> list[str]:
    """The texts of a BEIR folder's documents, or of a SQuAD file's paragraphs: collections of body alone.

    Raises BadDataset where it is neither.
    """
    if path.is_dir():
        corpus = path / "corpus.jsonl"
        if not corpus.is_file():
            raise BadDataset(f"'{path}' has neither ground-truth.json with html/ nor a BEIR folder's corpus.jsonl")
        return [text_field(row, "text", corpus, number) for number, row in json_rows(corpus)]
    return list(read_squad(path).paragraphs)


def lost_json(lost: Lost) -> Mapping[str, Any]:
    """What `pilcrow eval cleaning --json` prints of texts that are all body."""
    return {"texts": lost.texts, "words": lost.words, "lost_words": lost.lost_words, "share_lost": lost.share}


def scores_json(scores: CleaningScores) -> Mapping[str, Any]:
    """The scores as `pilcrow eval cleaning --json` prints them."""
    names = ("precision", "recall", "f1")
    return {
        "pages": scores.pages,
        **{way: dict(zip(names, getattr(scores, way), strict=True)) for way in ("ours", "rules", "all", "trafilatura")},
    }
