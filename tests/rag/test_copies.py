"""Copies: one text under several names, near-copies, and an answer that does not count them as two sources."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.collection import Collection, Filters
from index.copies import THRESHOLD, bands, runs, signature, similarity
from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths, row_document
from index.paragraphs import Kind, Paragraph, paragraph_spans
from index.passages import Window
from index.prepared import Prepared
from rag.answering import Models, answer
from rag.citations import Sources
from rag.reading.reader import Reader

FERRY = """The ferry of the island

The council of the island agreed on Monday to buy a second ferry for forty passengers. The captain Ilse Example will
steer it from the first of May, and her brother will look after the engines in the old boat house by the pier.

The fishermen of the north shore had asked for it since the great storm, when the only ferry lay in the harbour for
eleven days and the school had to close. The money comes from a loan of the county bank, to be paid back in ten years.
"""
# As another paper would print it: a word here and there, and a line of its own.
SYNDICATED = (
    FERRY.replace("on Monday", "this week").replace("great storm", "last storm") + "\nThis text came by wire.\n"
)
OTHER = """The bakery of the island

The bakery at the corner of the long street opens at five in the morning and sells a bread with rye and caraway that
the fishermen take with them. The baker learned it from his aunt, who came from the mainland when she was a girl.
"""
MakeCollection = Callable[..., Collection]


def test_similarity_is_the_share_of_common_runs_of_five_words() -> None:
    one = runs(["a b c d e f g"])  # abcde bcdef cdefg
    other = runs(["A, b; c d E f x"])  # abcde bcdef cdefx
    assert similarity(one, other) == 2 / 4
    assert similarity(runs(["too short"]), runs([])) == 0.0
    assert runs(["a b c", "d e f"]) == frozenset()  # no run goes over the border of two passages


def test_near_copies_share_a_band_and_other_texts_do_not() -> None:
    ferry, syndicated, other = (runs([text]) for text in (FERRY, SYNDICATED, OTHER))
    keys = [set(bands(minhash)) for text in (ferry, syndicated, other) if (minhash := signature(text))]
    assert similarity(ferry, syndicated) > THRESHOLD > similarity(ferry, other)
    assert keys[0] & keys[1]
    assert not keys[0] & keys[2]
    assert signature(runs(["a text of a few words is no copy of anything"])) is None


@pytest.mark.parametrize("n", [20, 21, 5000])
def test_a_signature_is_that_of_datasketch(n: int) -> None:
    from datasketch import MinHash

    found = frozenset(f"über \U0001f600 the run number {number}" for number in range(n))
    minhash = MinHash(num_perm=63, seed=1)
    minhash.update_batch([run.encode() for run in found])
    assert signature(found) == minhash.hashvalues.astype("<u4").tobytes()


def test_one_text_under_several_names_is_stored_once_and_stays_until_the_last_name_goes(
    make_collection: MakeCollection,
) -> None:
    collection = make_collection(a=FERRY, b=FERRY, c=FERRY)

    def shown() -> tuple[list[str], int, int]:
        with collection.reading() as snapshot:
            hits = snapshot.lexical("ferry captain", 20)
            passages = len({passage_id for passage_id, _ in hits})
            return [d.doc_id for d in snapshot.documents()], passages, snapshot.status().duplicates

    names, passages, duplicates = shown()
    assert (names, duplicates) == (["a.txt", "b.txt", "c.txt"], 2)
    assert passages == 2
    for gone, left in (("a.txt", ["b.txt", "c.txt"]), ("c.txt", ["b.txt"])):
        collection.remove([gone])
        assert shown() == (left, passages, len(left) - 1)
        with collection.reading() as snapshot:
            assert snapshot.document("b.txt").text == FERRY
            assert snapshot.copies("b.txt") == left[1:]
    collection.remove(["b.txt"])
    assert shown() == ([], 0, 0)


def test_a_hit_is_named_after_the_earliest_dated_copy_that_the_filters_allow(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection()
    for name, date, publisher in (("undated", None, "A"), ("late", "2022-05", "B"), ("early", "2021", "C")):
        (tmp_path / f"{name}.txt").write_text(FERRY)
        index_paths(collection, encoder, [tmp_path / f"{name}.txt"], date=date, publisher=publisher)
    query = encoder.encode(["Who steers the ferry?"])[0]
    for filters, expected in (
        (None, "early.txt"),
        (Filters(publisher="B"), "late.txt"),
        (Filters(documents=("undated.txt",)), "undated.txt"),
        (Filters(after="2022"), "late.txt"),
    ):
        with collection.reading() as snapshot:
            near = [i for i, _ in snapshot.nearest(query, 5, filters)]
            lexical = [i for i, _ in snapshot.lexical("ferry", 5, filters)]
            assert {p.doc_id for p in snapshot.passages(near, filters)} == {expected}
            assert {p.doc_id for p in snapshot.passages(lexical, filters)} == {expected}
    with collection.reading() as snapshot:
        assert snapshot.copies("late.txt") == ["early.txt", "undated.txt"]


def test_a_changed_copy_goes_its_own_way(tmp_path: Path, make_collection: MakeCollection, encoder: Encoder) -> None:
    collection = make_collection(a=FERRY, b=FERRY)
    (tmp_path / "collection-files" / "b.txt").write_text(OTHER)
    index_paths(collection, encoder, [tmp_path / "collection-files"])
    with collection.reading() as snapshot:
        assert (snapshot.document("a.txt").text, snapshot.document("b.txt").text) == (FERRY, OTHER)
        assert snapshot.copies("a.txt") == []
        assert snapshot.status().duplicates == 0


def test_near_copies_are_known_both_ways_counted_and_forgotten_with_their_text(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(ferry=FERRY, wire=SYNDICATED, bakery=OTHER)
    with collection.reading() as snapshot:
        assert snapshot.near_copies("ferry.txt") == ["wire.txt"]
        assert snapshot.near_copies("wire.txt") == ["ferry.txt"]
        assert snapshot.near_copies("bakery.txt") == []
        assert snapshot.status().duplicates == 1
    (tmp_path / "collection-files" / "wire.txt").write_text(OTHER.replace("rye", "oats"))
    index_paths(collection, encoder, [tmp_path / "collection-files"])
    with collection.reading() as snapshot:
        assert snapshot.near_copies("ferry.txt") == []
        assert snapshot.near_copies("bakery.txt") == ["wire.txt"]


def test_the_syndicated_article_of_the_sample_is_found(sample: Collection) -> None:
    with sample.reading() as snapshot:
        pairs = {(d.doc_id, other) for d in snapshot.documents() for other in snapshot.near_copies(d.doc_id)}
        assert len(pairs) == 2
        assert snapshot.status().duplicates == 1


@pytest.mark.parametrize("second", [FERRY, SYNDICATED])
def test_an_answer_counts_copies_as_one_source_and_cites_the_earliest_dated(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder, reader: Reader, second: str
) -> None:
    collection = make_collection(bakery=OTHER)
    for name, text, date in (("late", FERRY, "2022-03-02"), ("early", second, "2022-03-01")):
        (tmp_path / f"{name}.txt").write_text(text)
        index_paths(collection, encoder, [tmp_path / f"{name}.txt"], date=date)
    said = answer(collection, Models(encoder, reader), "Who will steer the second ferry?")
    assert "Ilse Example" in said.text
    about = [c for c in said.citations if "Ilse Example" in c.quote]
    assert [(c.doc_id, c.also_in) for c in about] == [("early.txt", ("late.txt",))]
    assert second[about[0].start : about[0].end] == about[0].quote
    assert [a.doc_id for a in said.answers][:1] == ["early.txt"]
    assert second[said.answers[0].start : said.answers[0].end] == said.answers[0].text
    alone = answer(
        collection,
        Models(encoder, reader),
        "Who will steer the second ferry?",
        filters=Filters(documents=("late.txt",)),
    )
    assert [(c.doc_id, c.also_in) for c in alone.citations if "Ilse" in c.quote] == [("late.txt", ())]


def test_a_sentence_that_also_stands_in_furniture_above_is_cited_from_the_body_of_the_earlier_copy(
    make_collection: MakeCollection,
) -> None:
    sentence = "The money comes from a loan of the county bank, to be paid back in ten years."
    early = f"{sentence}\n\n{SYNDICATED}"

    def prepared(name: str, text: str, date: str, furniture: int) -> Prepared:
        spans = paragraph_spans(text)
        kinds = [Kind.FURNITURE] * furniture + [Kind.BODY] * (len(spans) - furniture)
        paragraphs = [Paragraph(name, n, a, b, k) for n, ((a, b), k) in enumerate(zip(spans, kinds, strict=True), 1)]
        body = [Window(p.start, p.end, None) for p in paragraphs if p.kind is Kind.BODY]
        document = replace(row_document(name, f"/{name}", text), date=date)
        return Prepared(document, paragraphs, body, np.eye(len(body), 384, dtype=np.float32))

    collection = make_collection()
    collection.replace([prepared("late", FERRY, "2022-03-02", 0), prepared("early", early, "2022-03-01", 1)])
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        (late,) = [s for p in snapshot.passages_of("late") for s in sources.sentences(p) if s.text == sentence]
        moved = sources.earliest(late)
    assert (moved.document.doc_id, moved.text, moved.paragraph.kind) == ("early", sentence, Kind.BODY)
    assert moved.start == early.rindex(sentence)
