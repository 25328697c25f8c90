"""A large collection's base: its recall, its exact scores, filters and removals, against a plain matrix product."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.collection import Collection, Filters
from index.documents import Document
from index.encoder.embedding import EncoderIdentity, Vectors, rounded
from index.folder import inverted
from index.folder import snapshot as snapshots
from index.folder import vectors as dense
from index.folder.lexical import LexicalIndex
from index.intake.indexing import row_document
from index.opening import create_collection, open_collection
from index.passages import Window
from index.prepared import Prepared

DIMENSION = 32
WORDS = ("harbour", "mill", "bridge", "quay", "market")


def clustered(n: int, seed: int = 0) -> Vectors:
    """Vectors around some hundred topics, as texts have them."""
    chance = np.random.default_rng(seed)
    topics = np.random.default_rng(99).normal(size=(100, DIMENSION))
    return rounded(topics[chance.integers(0, 100, n)] + 0.7 * chance.normal(size=(n, DIMENSION)))


def chunks_of(ids: dense.Ids, vectors: Vectors, size: int = 700) -> dense.Chunks:
    return lambda: ((ids[at : at + size], vectors[at : at + size]) for at in range(0, len(ids), size))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverted, "FROM_PASSAGES", 1000)


def test_recall_is_as_promised_and_as_an_own_count_over_other_queries_says(tmp_path: Path) -> None:
    ids, vectors = np.arange(6000, dtype=np.int64) * 3 + 5, clustered(6000)
    index, base = dense.build_base(6000, DIMENSION, chunks_of(ids, vectors))
    dense.save(index, tmp_path / "x.faiss")
    index = dense.load(tmp_path / "x.faiss")
    assert (base.kind, base.lists, base.probes) == ("inverted", index.nlist, index.nprobe)
    assert base.recall is not None
    assert base.probes is not None
    assert base.recall >= 0.98
    assert base.probes < index.nlist
    queries = inverted.between(clustered(400, seed=1), 300, np.random.default_rng(5))
    shares = []
    for query in queries:
        expected = ids[np.argsort(-(vectors @ query))[:10]]
        shares.append(np.isin(expected, dense.search(index, query, 26)[0]).mean())
    assert np.mean(shares) == pytest.approx(base.recall, abs=0.015)


def test_the_nearest_of_chunks_are_those_of_all() -> None:
    ids, vectors = np.arange(2000, dtype=np.int64) + 7, clustered(2000)
    queries = clustered(20, seed=3)
    nearest = inverted._Nearest(queries)
    for part in chunks_of(ids, vectors, size=3)():
        nearest.look(*part)
    np.testing.assert_array_equal(nearest.ids, ids[np.argsort(-(queries @ vectors.T), axis=1)[:, :10]])


def test_where_the_nearest_lists_do_not_hold_enough_all_are_looked_at() -> None:
    ids, vectors = np.arange(4000, dtype=np.int64), clustered(4000)
    index, _ = dense.build_base(4000, DIMENSION, chunks_of(ids, vectors))
    index.nprobe = 1
    chance = np.random.default_rng(0)
    for share in (0.5, 0.05, 0.005):
        within = np.sort(chance.choice(4000, int(share * 4000), replace=False))
        found, _ = dense.search(index, vectors[0], 4000, within=dense.bits_of(dense.marks_of(within)), share=share)
        assert set(found) == set(within)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of 1,500 short documents of one passage; its base is an inverted file."""
    folder = tmp_path_factory.mktemp("made") / "many"
    identity = EncoderIdentity("tiny", "w" * 64, DIMENSION, 64, "mean")
    vectors = clustered(1500)
    with pytest.MonkeyPatch.context() as patch, create_collection(folder, identity) as collection:
        patch.setattr(inverted, "FROM_PASSAGES", 1000)
        collection.replace([prepared(n, vectors[n]) for n in range(1500)])
        collection.refresh_base()
    return folder


@pytest.fixture
def stored(made: Path, tmp_path: Path) -> Iterator[tuple[Collection, dict[str, Vectors]]]:
    """A copy of that collection to write to, and the vectors by name."""
    with open_collection(Path(shutil.copytree(made, tmp_path / "many")), write=True) as collection:
        yield collection, {f"d{n}": vector for n, vector in enumerate(clustered(1500))}


def prepared(n: int, vector: Vectors) -> Prepared:
    text = f"The {WORDS[n % 5]} number {n} stands there."
    row = row_document(f"d{n}", f"s#{n}", text)
    made = Document(*(getattr(row, name) for name in ("doc_id", "source", "title", "text")),
                    date=f"20{n % 25:02}-05-01", publisher=f"P{n % 3}", sha256=row.sha256, size=row.size)  # fmt: skip
    return Prepared(made, [], [Window(0, len(text), None)], vector[None])


def expected_hits(vectors: dict[str, Vectors], query: Vectors, k: int) -> list[tuple[str, float]]:
    cosines = {name: float(vector @ query) for name, vector in vectors.items()}
    return sorted(cosines.items(), key=lambda item: -item[1])[:k]


def hits(collection: Collection, query: Vectors, k: int, filters: Filters | None = None) -> list[tuple[str, float]]:
    with collection.reading() as snapshot:
        found = snapshot.nearest(query, k, filters)
        names = {p.passage_id: p.doc_id for p in snapshot.passages([i for i, _ in found], filters)}
        return [(names[i], score) for i, score in found]


def require_near(found: list[tuple[str, float]], expected: list[tuple[str, float]], *, missing: int = 0) -> None:
    """The same hits in the same order with exact scores, except for so many that were missed."""
    scores = dict(expected)
    kept = [(name, score) for name, score in found if name in scores]
    assert len(kept) >= len(expected) - missing
    np.testing.assert_allclose([s for _, s in kept], [scores[name] for name, _ in kept], atol=1e-5)
    assert [s for _, s in found] == sorted((s for _, s in found), reverse=True)


Many = tuple[Collection, dict[str, Vectors]]


def test_status_says_how_vectors_are_searched(stored: Many) -> None:
    collection, _ = stored
    with collection.reading() as snapshot:
        vectors = snapshot.status().vectors
    assert vectors.kind == "inverted"
    assert vectors.lists == 128
    assert (vectors.recall or 0) >= 0.98
    assert str(vectors).startswith("128 lists, the nearest ")


def test_scores_are_exact_with_a_tail_and_removed_documents(stored: Many) -> None:
    collection, vectors = stored
    fresh = clustered(40, seed=8)
    collection.replace([prepared(2000 + n, fresh[n]) for n in range(40)])
    vectors |= {f"d{2000 + n}": fresh[n] for n in range(40)}
    gone = [f"d{n}" for n in range(0, 120, 2)]
    collection.remove(gone)
    for name in gone:
        del vectors[name]
    collection.replace([prepared(1, fresh[0])])  # a document that moves to another place
    vectors["d1"] = fresh[0]
    missed = 0
    for query in inverted.between(clustered(400, seed=1), 40, np.random.default_rng(5)):
        found, expected = hits(collection, query, 10), expected_hits(vectors, query, 10)
        require_near(found, expected, missing=3)
        missed += len({name for name, _ in expected} - {name for name, _ in found})
    assert missed <= 0.03 * 400


@pytest.mark.parametrize("few", [0, 10_000])
@pytest.mark.parametrize(
    "filters",
    [
        Filters(after="2020"),
        Filters(before="2003-05-01"),
        Filters(after="2010-01-01", before="2010"),
        Filters(publisher="P1"),
        Filters(publisher="P2", after="2024"),
        Filters(publisher="nobody"),
        Filters(documents=("d7", "d900")),
        Filters(documents=("d7", "d900"), after="2001"),
    ],
)
def test_filters_let_through_what_they_should_also_after_changes(
    stored: Many, monkeypatch: pytest.MonkeyPatch, filters: Filters, few: int
) -> None:
    monkeypatch.setattr("index.folder.selection.FEW", few)
    monkeypatch.setattr("index.folder.snapshot._FEW_TEXTS", few)
    collection, vectors = stored
    query = clustered(1, seed=4)[0]

    def look() -> None:
        with collection.reading() as snapshot:
            allowed = {d.doc_id for d in snapshot.documents() if _passes(d, filters)}
            lexical = snapshot.lexical("harbour market", 2000, filters)
            words = {p.doc_id for p in snapshot.passages([i for i, _ in lexical], filters)}
        expected = expected_hits({name: vectors[name] for name in allowed}, query, 10)
        require_near(hits(collection, query, 10, filters), expected, missing=0 if few else 1)
        assert words == {name for name in allowed if int(name[1:]) % 5 in (0, 4)}

    look()
    collection.replace([prepared(3000 + n, clustered(1, seed=n)[0]) for n in range(10)])  # new ones
    vectors |= {f"d{3000 + n}": clustered(1, seed=n)[0] for n in range(10)}
    look()
    with collection.reading() as snapshot:
        known = snapshot.document("d7")
    collection.describe(Document(**{**_fields(known), "date": "2024-01-01", "publisher": "P2"}))  # one that changes
    look()
    collection.remove(["d900"] if not filters.documents else ["d901"])
    vectors.pop("d900" if not filters.documents else "d901")
    look()


def _fields(document: Document) -> dict[str, object]:
    return {name: getattr(document, name) for name in Document.__dataclass_fields__}


def _passes(document: Document, filters: Filters) -> bool:
    date, number = document.date or "", len(filters.before or "")
    return (
        (not filters.after or date >= filters.after)
        and (not filters.before or date[:number] <= filters.before)
        and (not filters.publisher or document.publisher == filters.publisher)
        and (not filters.documents or document.doc_id in filters.documents)
    )


def test_a_text_with_two_names_is_found_where_one_of_them_passes(stored: Many) -> None:
    collection, vectors = stored
    twin = prepared(7, vectors["d7"])
    copy = Document(**{**_fields(twin.document), "doc_id": "twin", "source": "t#1", "date": "1999-01-01"})
    collection.replace([Prepared(copy, [], twin.windows, twin.vectors)])
    assert [name for name, _ in hits(collection, vectors["d7"], 3, Filters(before="1999"))] == ["twin"]
    collection.remove(["twin"])
    assert hits(collection, vectors["d7"], 3, Filters(before="1999")) == []
    assert hits(collection, vectors["d7"], 1, Filters(after="2007", before="2007"))[0][0] == "d7"


def test_a_reader_with_filters_sees_what_is_written_meanwhile(stored: Many) -> None:
    collection, vectors = stored
    with open_collection(collection.folder) as reader:
        assert len(hits(reader, vectors["d7"], 5, Filters(publisher="P1"))) == 5
        collection.replace([prepared(5001, vectors["d6"])])  # of P0
        collection.replace([prepared(5002, vectors["d6"])])  # of P1, as d6 is not
        assert hits(reader, vectors["d6"], 1, Filters(publisher="P1"))[0][0] == "d5002"


def test_a_large_base_is_made_without_holding_all_vectors_in_full(tmp_path: Path) -> None:
    """Each pass asks for the chunks anew, and none is kept."""
    asked: list[int] = []
    ids, vectors = np.arange(3000, dtype=np.int64), clustered(3000)

    def chunks() -> Iterator[tuple[dense.Ids, Vectors]]:
        asked.append(0)
        for at in range(0, 3000, 500):
            asked[-1] += 1
            yield ids[at : at + 500], vectors[at : at + 500]

    index, _ = dense.build_base(3000, DIMENSION, chunks)
    assert asked == [6, 6]
    dense.save(index, tmp_path / "x.faiss")
    assert (tmp_path / "x.faiss").stat().st_size < 3000 * (DIMENSION + 8) * 1.3 + 4 * DIMENSION * index.nlist


@pytest.mark.parametrize("damage", ["gone", "short", "flipped"])
def test_a_damaged_inverted_file_is_noticed_answered_around_and_made_again(stored: Many, damage: str) -> None:
    collection, vectors = stored
    collection.close()
    (path,) = collection.folder.glob("vectors-*.faiss")
    raw = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(raw[:-100] if damage == "short" else raw[:5000] + bytes([raw[5000] ^ 255]) + raw[5001:])
    with open_collection(collection.folder) as reader:
        require_near(hits(reader, vectors["d3"], 10), expected_hits(vectors, vectors["d3"], 10))
        assert any("the vector index is damaged" in notice for notice in reader.notices)
    with open_collection(collection.folder, write=True) as writer:
        assert writer.mended == ["vector index"]
    with open_collection(collection.folder) as reader:
        require_near(hits(reader, vectors["d3"], 10), expected_hits(vectors, vectors["d3"], 10), missing=2)
        assert reader.notices == []
        with reader.reading() as snapshot:
            assert snapshot.status().vectors.kind == "inverted"


def test_words_searched_by_another_thread_have_the_same_hits(stored: Many, monkeypatch: pytest.MonkeyPatch) -> None:
    collection, _ = stored
    collection.remove([f"d{n}" for n in range(0, 300, 5)])  # so that entries are met which the truth has no longer
    asked = [
        (query, filters)
        for query in ("harbour number 77", "mill", "the bridge stands there", "quay 3 or 4", "unheard")
        for filters in (None, Filters(publisher="P1"), Filters(after="2007", before="2009"), Filters(documents=("d7",)))
    ]
    names: set[str] = set()

    def found() -> list[list[tuple[int, float]]]:
        with collection.reading() as snapshot:
            waiting = [snapshot.lexical_later(query, 40, filters) for query, filters in asked]
            return [search() for search in waiting]

    def named(self: LexicalIndex, *given: Any, **how: Any) -> list[tuple[int, float]]:
        names.add(threading.current_thread().name)
        return search(self, *given, **how)

    search = LexicalIndex.search
    monkeypatch.setattr(LexicalIndex, "search", named)
    expected = found()
    assert names == {threading.current_thread().name}
    monkeypatch.setattr(snapshots, "_MANY_PASSAGES", 1)
    assert found() == expected
    assert sum(map(len, expected)) > 200
    assert len(names) > 1
