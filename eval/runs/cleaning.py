"""How well furniture is told from body in a page that a bad scraper flattened, and the training of what tells it.

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
from index.cleaning.cleaner import Cleaner, Linear, Trees
from index.cleaning.furniture import kinds_of
from index.cleaning.rules import kinds_by_rules, shape_of
from index.cleaning.signals import Matrix, second_look, signals
from index.formats.page import visible_blocks
from index.formats.web import article_of
from index.paragraphs import Kind, paragraph_spans

FOLDS = 5
# Blocks above this probability are kept: chosen for a recall of 0.95 and more, since losing body is the worse fault.
THRESHOLD = 0.2
# Inside a training set, the second look learns from first estimates of sites that the first look did not see.
_INNER_FOLDS = 3
# A block counts by its words, up to this many; each page counts the same.
_WORDS_COUNTED = 60
_L2 = 0.03


@dataclass(frozen=True, slots=True)
class Page:
    """A flattened page: its blocks, the body marked by hand, its site, and its HTML."""

    blocks: tuple[str, ...]
    body: str
    site: str
    html: bytes


@dataclass(frozen=True, slots=True)
class CleaningScores:
    """Means over pages, in [0, 1]: (precision, recall, F1) of our cleaner, of keeping all, and of trafilatura."""

    pages: int
    ours: tuple[float, float, float]
    rules: tuple[float, float, float]
    all: tuple[float, float, float]
    trafilatura: tuple[float, float, float]


def read_pages(folder: Path) -> list[Page]:
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
        pages.append(Page(_flattened(visible_blocks(trafilatura.load_html(html))), body, _site(url), html))
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
    pages: Sequence[Page], *, progress: Callable[[int, int, str], None] | None = None
) -> CleaningScores:
    """The means of all four ways over the pages."""
    return score_cleaning(clean_pages(pages, progress=progress))


def clean_pages(pages: Sequence[Page], *, progress: Callable[[int, int, str], None] | None = None) -> Cleaned:
    """Each page cleaned in all four ways; ours learned on other sites, fold by fold."""
    looked = [_look(page) for page in pages]
    fold = _folds([page.site for page in pages], FOLDS)
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


def _folds(sites: Sequence[str], count: int) -> list[int]:
    """A fold for each page, all pages of a site in the same; by the sites' names in a fixed shuffled order."""
    names = sorted(set(sites))
    order = np.random.default_rng(0).permutation(len(names))
    at = {names[place]: i % count for i, place in enumerate(order)}
    return [at[site] for site in sites]


# Training


@dataclass(frozen=True, slots=True)
class _Looked:
    """A page as it is learned from: signals (n, s), whether each block is body (n,), and what each counts (n,)."""

    page: Page
    seen: Matrix
    is_body: Any
    weight: Matrix


def _look(page: Page) -> _Looked:
    shapes = [shape_of(block) for block in page.blocks]
    words = np.array([min(_WORDS_COUNTED, shape.words + 1) for shape in shapes], np.float64)
    seen = signals(page.blocks, shapes, kinds_by_rules(shapes, None))
    return _Looked(page, seen, marked_body(page.blocks, page.body), words / words.sum())


def marked_body(blocks: Sequence[str], body: str) -> Any:
    """(n,) bool: which blocks stand in the body marked by hand; short ones only between longer ones that do."""
    plain = _letters(body)
    lines = {_letters(line) for line in body.split("\n")}
    words = [_letters(word) for word in body.split()]
    runs = {tuple(words[i : i + 4]) for i in range(len(words) - 3)}
    marks = np.zeros(len(blocks), bool)
    for i, block in enumerate(blocks):
        letters, mine = _letters(block), [_letters(word) for word in block.split()]
        found = sum(tuple(mine[j : j + 4]) in runs for j in range(len(mine) - 3))
        marks[i] = (len(letters) >= 25 and letters in plain) or (len(mine) >= 6 and found > 0.5 * (len(mine) - 3))
    long = np.flatnonzero(marks)
    for i in range(long[0], min(long[-1] + 2, len(blocks))) if len(long) else ():
        letters = _letters(blocks[i])
        marks[i] |= bool(letters) and (letters in lines or (4 <= len(letters) < 25 and letters in plain))
    return marks


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def train_cleaner(pages: Sequence[Page]) -> Cleaner:
    """A cleaner learned from pages; the same pages give the same."""
    return train([_look(page) for page in pages])


def train(looked: Sequence[_Looked]) -> Cleaner:
    """A cleaner learned from pages that were looked at.

    On one thread: a regression adds up in another order on two, stops elsewhere, and its figures differ in the third
    digit. So the same pages give the same cleaner on every number of cores.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return _trained(looked)


def _trained(looked: Sequence[_Looked]) -> Cleaner:
    fold = _folds([look.page.site for look in looked], _INNER_FOLDS)
    estimates: list[Matrix] = [np.zeros(0)] * len(looked)
    for n in range(_INNER_FOLDS):
        model = _linear([look.seen for look, at in zip(looked, fold, strict=True) if at != n],
                        [look for look, at in zip(looked, fold, strict=True) if at != n])  # fmt: skip
        for i, look in enumerate(looked):
            if fold[i] == n:
                estimates[i] = model.probability(look.seen)
    again = [second_look(look.seen, look.page.blocks, p) for look, p in zip(looked, estimates, strict=True)]
    return Cleaner(
        _linear([look.seen for look in looked], looked), _linear(again, looked), _trees(again, looked), THRESHOLD
    )


def _together(looked: Sequence[_Looked]) -> tuple[Any, Matrix]:
    weight = np.concatenate([look.weight for look in looked])
    return np.concatenate([look.is_body for look in looked]), weight * len(weight) / weight.sum()


def _linear(seen: Sequence[Matrix], looked: Sequence[_Looked]) -> Linear:
    """A logistic regression with the standardisation folded into its weights."""
    from sklearn.linear_model import LogisticRegression

    values = np.concatenate(seen).astype(np.float32)
    is_body, weight = _together(looked)
    mean, spread = values.mean(0), values.std(0)
    spread[spread < 1e-6] = 1.0
    fitted = LogisticRegression(C=_L2, max_iter=150).fit((values - mean) / spread, is_body, sample_weight=weight)
    weights = np.asarray(fitted.coef_[0] / spread, np.float64)
    return Linear(weights, float(fitted.intercept_[0] - weights @ mean))


def _trees(seen: Sequence[Matrix], looked: Sequence[_Looked]) -> Trees:
    """Boosted trees of eight leaves."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    is_body, weight = _together(looked)
    fitted = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=40, l2_regularization=5.0,
        max_features=0.3, early_stopping=False, random_state=0,
    ).fit(np.concatenate(seen), is_body, sample_weight=weight)  # fmt: skip
    nodes: list[list[float]] = []
    roots: list[int] = []
    for (predictor,) in fitted._predictors:  # its trees have no public form
        base = len(nodes)
        roots.append(base)
        for i, node in enumerate(predictor.nodes):
            left, right = (base + i, base + i) if node["is_leaf"] else (base + node["left"], base + node["right"])
            threshold = 0.0 if node["is_leaf"] else node["num_threshold"]
            nodes.append(
                [float(node["feature_idx"]), float(threshold), float(left), float(right), float(node["value"])]
            )
    return Trees(np.array(nodes), roots, float(np.ravel(fitted._baseline_prediction)[0]))


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
