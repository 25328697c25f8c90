"""Hits: each leg, their fusion by the formula, ties, and filters."""

from collections.abc import Callable

import pytest

from index.collection import Collection, Filters
from index.encoder.embedding import Encoder
from rag.retrieval import DENSE_WEIGHT, DOCUMENT_WEIGHT, Way, retrieve

QUESTION = "How many people were taken into custody on referendum day?"


def test_the_fused_score_is_the_weighted_sum_of_both_legs_and_of_the_best_in_the_document(
    sample: Collection, encoder: Encoder
) -> None:
    with sample.reading() as snapshot:
        hits = retrieve(snapshot, encoder, QUESTION, 500)
        alone = retrieve(snapshot, encoder, QUESTION, 500, document_weight=0)
        dense = {h.passage.passage_id: h.score for h in retrieve(snapshot, encoder, QUESTION, 500, way=Way.DENSE)}
        lexical = {h.passage.passage_id: h.score for h in retrieve(snapshot, encoder, QUESTION, 500, way=Way.LEXICAL)}
    best = max(lexical.values())
    shares = {i: lexical.get(i, 0.0) / best for i in dense}
    own = {i: DENSE_WEIGHT * c + (1 - DENSE_WEIGHT) * shares[i] for i, c in dense.items()}
    of = {h.passage.passage_id: h.passage.doc_id for h in hits}
    expected = {}
    for i, doc in of.items():
        others = [j for j, other in of.items() if other == doc]
        document = DENSE_WEIGHT * max(dense[j] for j in others) + (1 - DENSE_WEIGHT) * max(shares[j] for j in others)
        expected[i] = (1 - DOCUMENT_WEIGHT) * own[i] + DOCUMENT_WEIGHT * document
    assert {h.passage.passage_id: h.score for h in alone} == pytest.approx(own, abs=1e-6)
    assert {h.passage.passage_id: h.score for h in hits} == pytest.approx(expected, abs=1e-6)
    assert [h.rank for h in hits] == list(range(1, len(hits) + 1))
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert {h.passage.passage_id: h.bm25 for h in hits if h.bm25} == pytest.approx(lexical)


def test_a_passage_that_only_the_words_find_gets_its_exact_cosine(sample: Collection, encoder: Encoder) -> None:
    with sample.reading() as snapshot:
        few = retrieve(snapshot, encoder, QUESTION, 1, candidates=1)
        for hit in few:
            exact = snapshot.vectors([hit.passage.passage_id]) @ encoder.encode([QUESTION])[0]
            assert hit.cosine == pytest.approx(float(exact[0]), abs=1e-6)


def test_equal_texts_are_ranked_by_passage_id(make_collection: Callable[..., Collection], encoder: Encoder) -> None:
    text = "The committee of the town agreed on Tuesday to mend the old bridge before winter."
    collection = make_collection(b=text, a=text, c=text)
    with collection.reading() as snapshot:
        hits = retrieve(snapshot, encoder, "Who mends the bridge?", 3)
    assert len({h.score for h in hits}) == 1
    assert [h.passage.passage_id for h in hits] == sorted(h.passage.passage_id for h in hits)


@pytest.mark.parametrize("way", list(Way))
def test_k_is_an_upper_bound_and_an_empty_question_or_collection_finds_nothing(
    make_collection: Callable[..., Collection], sample: Collection, encoder: Encoder, way: Way
) -> None:
    with sample.reading() as snapshot:
        assert len(retrieve(snapshot, encoder, QUESTION, 3, way=way)) == 3
        assert retrieve(snapshot, encoder, QUESTION, 10**12, way=way) == retrieve(
            snapshot, encoder, QUESTION, snapshot.status().passages, way=way
        )
        assert retrieve(snapshot, encoder, "  ", 3, way=way) == []
        with pytest.raises(ValueError, match="at least 1"):
            retrieve(snapshot, encoder, QUESTION, 0, way=way)
    with make_collection().reading() as snapshot:
        assert retrieve(snapshot, encoder, QUESTION, 3, way=way) == []


def test_filters_hold_for_all_hits(sample: Collection, encoder: Encoder) -> None:
    with sample.reading() as snapshot:
        dates = {d.doc_id: d.date for d in snapshot.documents()}
        hits = retrieve(snapshot, encoder, "troops", 50, filters=Filters(after="2023"))
    assert hits
    assert all((dates[h.passage.doc_id] or "") >= "2023" for h in hits)


def test_a_query_with_a_lone_surrogate_searches(sample: Collection, encoder: Encoder) -> None:
    with sample.reading() as snapshot:
        assert retrieve(snapshot, encoder, "\ud800 constitution", 3)
