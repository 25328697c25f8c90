"""Scores of cleaning against hand-worked figures; what is learned comes from other sites; weights survive a file."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from eval.gold.datasets import BadDataset
from eval.runs.cleaning import body_texts, evaluate_cleaning, kept_text, lost_words, read_pages, scores_json
from eval.runs.cleaning import score as scored
from index.cleaning.cleaner import Cleaner, cleaner_of
from index.paragraphs import Kind
from rag.training import cleaner
from rag.training.cleaner import MarkedPage, _linear, _trees, folds, look_at, marked_body, train_cleaner

BODY = (
    "The committee of the town of {} met on Tuesday and agreed, after a long debate, to mend bridge {} before winter."
)
TEASER = "Read how the people of {} found their way to the sea and what they did there all summer in picture {}."


def page(number: int) -> MarkedPage:
    """An invented page of a site of its own: a menu, an article, teasers of other articles, a footer."""
    rng = np.random.default_rng(number)
    town = f"Town{number}"
    body = [BODY.format(town, i) + f" It was the {i}th time." for i in range(int(rng.integers(4, 9)))]
    menu = ["Home", "News", "Sport", "Weather", "Log in", "Search"] * int(rng.integers(1, 4))
    teasers = [line for i in range(9) for line in (f"{i} hours ago", TEASER.format(f"Place{i}", i), "Read more")]
    blocks = (*menu, f"The bridges of {town}", *body, "Share this", *teasers, "© Harbour Post")
    html = "".join(f"<p>{block}</p>" for block in blocks)
    return MarkedPage(blocks, "\n\n".join(body), f"site{number}.example", f"<html><body>{html}</body></html>".encode())


@pytest.fixture(scope="module")
def pages() -> list[MarkedPage]:
    return [page(number) for number in range(20)]


def test_scores_are_those_worked_by_hand() -> None:
    # kept: a a b c; body: a b b d; shared: a, b
    assert scored("a A b c", "a b b d") == pytest.approx((0.5, 0.5, 0.5))
    assert scored("a", "a b c d") == pytest.approx((1.0, 0.25, 0.4))
    assert scored("", "a") == (0.0, 0.0, 0.0)
    assert scored("a", "") == (0.0, 1.0, 0.0)


def test_the_headline_and_furniture_are_not_kept_and_captions_and_later_headings_are() -> None:
    kinds = [Kind.FURNITURE, Kind.HEADING, Kind.BODY, Kind.HEADING, Kind.CAPTION, Kind.FURNITURE]
    assert kept_text(["menu", "title", "body", "section", "caption", "foot"], kinds) == "body\nsection\ncaption"
    assert kept_text(["body", "section"], [Kind.BODY, Kind.HEADING]) == "body\nsection"


def test_short_blocks_are_body_only_between_longer_ones_that_are() -> None:
    body = f"{BODY.format('A', 1)}\n\nAn old quarrel\n\n{BODY.format('A', 2)}"
    blocks = ["An old quarrel", *body.split("\n\n"), "Sport", "An old quarrel"]
    assert marked_body(blocks, body).tolist() == [False, True, True, True, False, False]


def test_pages_of_a_site_are_in_one_fold_and_folds_do_not_depend_on_the_order() -> None:
    sites = [f"s{i % 7}" for i in range(30)]
    fold_of = folds(sites, 3)
    assert len({(site, fold) for site, fold in zip(sites, fold_of, strict=True)}) == 7
    assert folds(sites[::-1], 3) == fold_of[::-1]
    assert set(fold_of) == {0, 1, 2}


def test_a_cleaner_learned_from_some_sites_finds_the_body_on_others(pages: list[MarkedPage]) -> None:
    scores = evaluate_cleaning(pages)
    assert scores.ours[2] > 0.97
    assert scores.ours[2] > scores.rules[2] > scores.all[2]
    assert scores.all[1] == 1.0
    assert set(scores_json(scores)) == {"pages", "ours", "rules", "all", "trafilatura"}


def test_the_probabilities_are_those_of_the_library_that_fitted_them(pages: list[MarkedPage]) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    looked = [look_at(page) for page in pages[:8]]
    seen = [look.seen for look in looked]
    trees = _trees(seen, looked)
    values, is_body = np.concatenate(seen), np.concatenate([look.is_body for look in looked])
    weight = np.concatenate([look.weight for look in looked])
    reference = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=40, l2_regularization=5.0,
        max_features=0.3, early_stopping=False, random_state=0,
    ).fit(values, is_body, sample_weight=weight * len(weight) / weight.sum())  # fmt: skip
    np.testing.assert_allclose(trees.probability(values), reference.predict_proba(values)[:, 1], atol=1e-9)
    linear = _linear(seen, looked).probability(values)
    assert ((linear > 0.5) == is_body).mean() > 0.97


def test_weights_survive_a_file_and_the_same_pages_give_the_same_weights(pages: list[MarkedPage]) -> None:
    cleaner = train_cleaner(pages[:8])
    stored = json.loads(json.dumps(cleaner.to_json()))
    assert cleaner_of(stored).to_json() == stored
    assert train_cleaner(pages[:8]).to_json() == stored


def test_training_runs_on_one_thread_since_sums_on_two_give_another_cleaner(
    pages: list[MarkedPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[int] = set()

    def watched(*given: object) -> Cleaner:
        seen.update(pool["num_threads"] for pool in threadpool_info())
        return trained(*given)  # type: ignore[arg-type]

    trained = cleaner._trained
    monkeypatch.setattr(cleaner, "_trained", watched)
    with threadpool_limits(limits=2):
        train_cleaner(pages[:4])
    assert seen == {1}


def test_a_folder_of_pages_is_read_and_its_faults_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"ground-truth\.json"):
        read_pages(tmp_path)
    (tmp_path / "html").mkdir()
    invented = page(1)
    truth = {"a": {"articleBody": invented.body, "url": "https://www.news.example.org/x"}}
    (tmp_path / "ground-truth.json").write_text(json.dumps(truth))
    with pytest.raises(BadDataset, match=r"a\.html\.gz"):
        read_pages(tmp_path)
    (tmp_path / "html" / "a.html.gz").write_bytes(gzip.compress(invented.html))
    (read,) = read_pages(tmp_path)
    assert (read.blocks, read.body, read.site) == (invented.blocks, invented.body, "example.org")
    for text, told in (
        ('{"a": {}}', "articleBody"),
        ('[["a"]]', "articleBody"),
        ("[1]", "articleBody"),
        ("{}", "no page"),
    ):
        (tmp_path / "ground-truth.json").write_text(text)
        with pytest.raises(BadDataset, match=told):
            read_pages(tmp_path)


def test_what_is_lost_of_texts_is_counted_over_all_their_words(tmp_path: Path) -> None:
    body = BODY.format("Norwick", 1)
    lost = lost_words([f"{body}\n\nSubscribe to our newsletter\n\n{body}", body])
    assert (lost.texts, lost.words, lost.lost_words) == (2, 3 * len(body.split()) + 4, 4)
    assert lost.share == 4 / lost.words
    assert lost_words([]).share == 0.0
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"_id": "1", "text": body}))
    assert body_texts(tmp_path) == [body]
    squad = {
        "data": [
            {"title": "T", "paragraphs": [{"context": body, "qas": [{"id": 1, "question": "Who?", "answers": []}]}]}
        ]
    }
    (tmp_path / "squad.json").write_text(json.dumps(squad))
    assert body_texts(tmp_path / "squad.json") == [body]
    (tmp_path / "none").mkdir()
    with pytest.raises(BadDataset, match="neither ground-truth"):
        body_texts(tmp_path / "none")
