"""The order by reading: what the small network and the search say together, of the best hits and no others."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from index.paragraphs import Kind
from rag.reading import order
from rag.reading.order import in_reading_order, worth_reading

NAMES = ("bridge", "harbour", "mill")


class Scripted:
    """Says of a passage what it was told by a word in it, and keeps what it was shown."""

    def __init__(self, **logits: float) -> None:
        self.logits = logits
        self.shown: list[tuple[str, str, str]] = []

    def answerable(self, questions: Sequence[str], passages: Sequence[str], titles: Sequence[str]) -> list[float]:
        self.shown += zip(questions, passages, titles, strict=True)
        return [next(logit for word, logit in self.logits.items() if word in passage) for passage in passages]

    def read(self, *_: object, **__: object) -> Any:
        raise AssertionError("the order needs no spans")


@pytest.fixture
def found(shelf: Callable[..., Any]) -> Any:
    """Sources and a hit in each of three documents, ranked by name."""
    documents = {
        name: [(Kind.HEADING, f"# About {name}"), (Kind.BODY, f"It is old. The {name} of the town was mended.")]
        for name in NAMES
    }
    made, sources = shelf(**documents)
    return sources, [made.hit(n, f"The {n} of the town was mended.", rank) for rank, n in enumerate(NAMES, 1)]


def places(hits: Sequence[Any]) -> list[tuple[int, str]]:
    return [(hit.rank, hit.passage.doc_id) for hit in hits]


def test_what_the_network_says_orders_and_the_searchs_score_stays(found: Any) -> None:
    sources, hits = found
    reader = Scripted(bridge=-2.0, harbour=0.5, mill=3.0)
    ordered = in_reading_order("What?", hits, sources, reader)
    assert places(ordered) == [(1, "mill"), (2, "harbour"), (3, "bridge")]
    assert [hit.score for hit in ordered] == [0.03] * 3
    assert ordered[0].order - ordered[2].order == pytest.approx(5.0)
    assert [hit.rank for hit in hits] == [1, 2, 3]


def test_the_search_has_its_say_and_ties_keep_their_order(found: Any, shelf: Callable[..., Any]) -> None:
    sources, hits = found
    same = Scripted(bridge=1.0, harbour=1.0, mill=1.0)
    assert places(in_reading_order("What?", hits, sources, same)) == [(1, "bridge"), (2, "harbour"), (3, "mill")]
    made, sources = shelf(**{name: [(Kind.BODY, f"The {name}.")] for name in NAMES})
    scores = {"bridge": 0.01, "harbour": 0.02, "mill": 0.03}
    hits = [made.hit(name, f"The {name}.", rank, score=scores[name]) for rank, name in enumerate(NAMES, 1)]
    assert places(in_reading_order("What?", hits, sources, same)) == [(1, "mill"), (2, "harbour"), (3, "bridge")]


def test_what_has_the_questions_exact_things_stays_first_whatever_the_network_says(found: Any) -> None:
    sources, hits = found
    hits = [hits[0], replace(hits[1], exact=1), hits[2]]
    reader = Scripted(bridge=9.0, harbour=-9.0, mill=3.0)
    assert places(in_reading_order("What?", hits, sources, reader)) == [(1, "harbour"), (2, "bridge"), (3, "mill")]


@pytest.mark.parametrize(
    ("typed", "is_read"),
    [
        ("Who mended the bridge?", True),
        ("turnout in the vote?", True),
        ("tell me about the mill", True),
        ("and when was it sold", True),
        ("rent", False),
        ("breast cancer treatment", False),
        ("Zoos are cruel because animals live in cages.", False),
    ],
)
def test_questions_are_worth_reading_and_key_words_and_claims_are_not(typed: str, is_read: bool) -> None:
    assert worth_reading(typed) is is_read


def test_only_the_best_are_read_and_the_others_stay_behind_them(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sources, hits = found
    monkeypatch.setattr(order, "DEPTH", 2)
    reader = Scripted(bridge=-9.0, harbour=-8.0, mill=9.0)
    ordered = in_reading_order("What?", hits, sources, reader)
    assert places(ordered) == [(1, "harbour"), (2, "bridge"), (3, "mill")]
    assert len(reader.shown) == 2


def test_the_network_is_shown_question_title_heading_and_the_sentence_before(found: Any) -> None:
    sources, hits = found
    reader = Scripted(bridge=0.0)
    in_reading_order("What?", hits[:1], sources, reader)
    text = "# About bridge\nIt is old.\nThe bridge of the town was mended."
    assert reader.shown == [("What?", text, "Of bridge")]


def test_no_hits_are_no_order(found: Any) -> None:
    assert in_reading_order("What?", [], found[0], Scripted()) == []
