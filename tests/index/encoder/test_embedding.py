"""The encoders: the bundled one against sentence-transformers, on texts of every length and of odd characters."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pilcrow
from index.encoder.embedding import (
    BundledEncoder,
    SentenceTransformersEncoder,
    Vectors,
    bundled_folder,
    open_encoder,
    rounded,
)
from index.encoder.engine import Precision

ROOT = Path(__file__).parent.parent.parent.parent

WORDS = [
    "the",
    "committee",
    "of",
    "a",
    "small",
    "town",
    "agreed",
    "on",
    "Tuesday",
    "1974",
    "£3.5",
    "bridge.",
    "unmended",
]
ODD = [
    "",
    " \n\t",
    "\x00\ufffd\u200b",
    "Süddeutsche 😀 \u2028 e\u0301 ﬁ ß",
    "語한👩\u200d🔬 日本語の文章",
    "x" * 300,
    "[CLS] [MASK] [SEP] ##ing",
    "مرحبا Ωμέγα İstanbul",
]
ODD_TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs",)), st.sampled_from(" \n\u00a0\u200b\u0301ﬁ語한🙂.,'’[]#abc XY 09")
    ),
    max_size=60,
)


@pytest.fixture(scope="module")
def reference() -> SentenceTransformersEncoder:
    """The same files by sentence-transformers, in float32."""
    encoder = SentenceTransformersEncoder(str(bundled_folder()))
    encoder._half = False
    return encoder


@pytest.fixture(scope="module")
def bundled() -> BundledEncoder:
    return BundledEncoder()


def cosines(some: Vectors, others: Vectors) -> Vectors:
    """Of each two rows; rounded to float16, a vector's length is 1 only to within 1e-4."""
    lengths = np.linalg.norm(some, axis=1) * np.linalg.norm(others, axis=1)
    return (some * others).sum(axis=1) / lengths


def test_vectors_are_those_of_sentence_transformers_at_every_length(
    bundled: BundledEncoder, reference: SentenceTransformersEncoder
) -> None:
    rng = np.random.default_rng(0)
    lengths = [1, 2, 3, 7, 15, 16, 17, 40, 100, 200, 253, 254, 255, 256, 257, 600]
    texts = [" ".join(rng.choice(WORDS, length)) for length in lengths] + ODD
    assert cosines(bundled.encode(texts), reference.encode(texts)).min() > 0.9999
    assert bundled.encode([]).shape == (0, 384)


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(ODD_TEXT, min_size=1, max_size=4))
def test_vectors_are_those_of_sentence_transformers_whatever_the_characters(
    bundled: BundledEncoder, reference: SentenceTransformersEncoder, texts: list[str]
) -> None:
    assert cosines(bundled.encode(texts), reference.encode(texts)).min() > 0.9999
    assert bundled.count_pieces(texts) == reference.count_pieces(texts)


def test_passages_on_a_device_of_pytorch_are_comparable_and_are_the_same_ones(bundled: BundledEncoder) -> None:
    on_device = open_encoder(device="cpu")  # stands in for a GPU: the same way, and every machine has it
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(WORDS, length)) for length in (1, 5, 40, 254, 600)] + ODD
    vectors = on_device.encode_passages(texts)
    assert cosines(vectors, bundled.encode(texts)).min() > 0.9999
    assert np.array_equal(vectors, rounded(vectors))
    assert on_device.encode_passages([]).shape == (0, 384)
    assert on_device.count_pieces(texts) == bundled.count_pieces(texts)
    assert np.array_equal(on_device.encode(texts), bundled.encode(texts))
    assert replace(on_device.identity, precision="") == replace(bundled.identity, precision="")
    assert on_device.identity.precision == "float32"


def test_a_device_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def absent(*_: object, **__: object) -> None:
        raise RuntimeError("Found no NVIDIA driver on your system.\nMore lines")

    monkeypatch.setattr(torch, "zeros", absent)
    (tmp_path / "a.txt").write_text("The committee of the town met on Tuesday.")
    command = ["index", str(tmp_path / "a.txt"), "--collection", str(tmp_path / "c"), "--device", "cuda"]
    assert pilcrow.main(command) == 2
    assert capsys.readouterr().err == (
        "pilcrow: PyTorch cannot use the device 'cuda' here (Found no NVIDIA driver on your system.); "
        "install a build that can, or omit --device\n"
    )
    assert not (tmp_path / "c").exists()


def test_identities_agree_but_for_the_name_of_the_weights(
    bundled: BundledEncoder, reference: SentenceTransformersEncoder
) -> None:
    ours, theirs = bundled.identity, reference.identity
    assert (ours.dimension, ours.max_length, ours.pooling) == (theirs.dimension, theirs.max_length, theirs.pooling)
    assert type(ours).from_json(ours.to_json()) == ours


def test_passages_come_near_in_the_precision_that_the_identity_names(bundled: BundledEncoder) -> None:
    texts = ["The committee agreed to mend the old bridge.", "Who was there? Nobody knows.", "Ada Brandt, 1974"]
    exact, passages = bundled.encode(texts), bundled.encode_passages(texts)
    assert (exact * passages).sum(axis=1).min() > 0.99
    np.testing.assert_array_equal(passages, rounded(passages))
    assert (bundled.identity.precision == "float32") == np.array_equal(exact, passages)
    in_full = BundledEncoder(precision=Precision.FLOAT32)
    assert in_full.identity.precision == "float32"
    np.testing.assert_array_equal(in_full.encode_passages(texts), exact)
    assert in_full.identity.weights == bundled.identity.weights


def test_a_text_has_the_same_vector_alone_and_among_longer_ones(bundled: BundledEncoder) -> None:
    texts = ["The bridge.", " ".join(WORDS * 9), "Who mended it, and when?"] * 20
    together = bundled.encode(texts)
    alone = np.vstack([bundled.encode([text]) for text in texts[:3]])
    np.testing.assert_allclose(together[:3], alone, atol=5e-4)
    np.testing.assert_allclose(together[-3:], alone, atol=5e-4)


def test_vectors_are_of_unit_norm_and_on_the_grid_of_float16(bundled: BundledEncoder) -> None:
    vectors = bundled.encode(["One.", "Two."])
    np.testing.assert_array_equal(vectors, rounded(vectors))


def test_a_folder_is_read_by_sentence_transformers_and_the_bundled_name_is_not() -> None:
    assert isinstance(open_encoder(), BundledEncoder)
    assert isinstance(open_encoder(str(bundled_folder())), SentenceTransformersEncoder)


def test_asking_searching_and_indexing_import_no_pytorch_and_nothing_else_that_is_heavy(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The committee of the town agreed on Tuesday to mend the old bridge before winter.")
    code = (
        "import sys, pilcrow\n"
        "at = ['--collection', sys.argv[2]]\n"
        "assert pilcrow.main(['index', sys.argv[1], *at]) == 0\n"
        "assert pilcrow.main(['ask', 'Who agreed to mend the bridge?', *at]) == 0\n"
        "assert pilcrow.main(['search', 'bridge', *at]) == 0\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'ray', 'scipy'}\n"
        "print(*sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.txt"), str(tmp_path / "collection")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert "The committee" in done.stdout
    assert done.stderr.strip() == ""
