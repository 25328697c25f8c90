"""The reader: its network against transformers' BERT, its spans against brute force, its offsets over any Unicode."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.encoder.embedding import bundled_folder
from index.encoder.engine import Precision
from index.encoder.weights import sha256_of
from rag.reading import reader as reading
from rag.reading.model_files import ModelFileError, load_tokenizer
from rag.reading.reader import BUNDLED_READER, Calibration, Pieces, Reader
from rag.training import network
from rag.training.start import initial_weights

PASSAGE = "The Norwick mill opened in 1874. Its founder, Ada Brandt, sold it to the weavers for £3.5 million."


@pytest.fixture(scope="module")
def encoder() -> Path:
    return bundled_folder()


@pytest.fixture(scope="module")
def weights(encoder: Path) -> dict[str, Any]:
    return initial_weights(encoder, seed=3)


@pytest.fixture(scope="module")
def reader(weights: dict[str, Any], encoder: Path) -> Reader:
    """Untrained heads: what its spans are is chance, what they promise is not."""
    return Reader(_arrays(weights), load_tokenizer(encoder), precision=Precision.FLOAT32)


def _arrays(weights: dict[str, Any]) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in weights.items()}


def _batch(reader_encoder: Path, *passages: str) -> dict[str, Any]:
    question, *pieces = reading.to_pieces(load_tokenizer(reader_encoder), ["Who sold the mill?", *passages])
    return network.to_batch([reading.windows(question, None, passage)[0] for passage in pieces])


@pytest.mark.parametrize("fused", [False, True])
def test_the_network_computes_what_the_bert_of_transformers_computes(
    weights: dict[str, Any], encoder: Path, fused: bool
) -> None:
    import torch
    from transformers import BertModel

    reference = BertModel.from_pretrained(encoder, add_pooling_layer=False).eval()
    batch = _batch(encoder, PASSAGE, "Short.")
    with torch.inference_mode():
        expected = reference(
            input_ids=batch["ids"], token_type_ids=batch["types"], attention_mask=batch["real"].long()
        ).last_hidden_state
        actual = network.hidden_states(weights, batch, dtype=torch.float32, fused=fused)
    assert float((expected - actual)[batch["real"]].abs().max()) < 1e-4


def test_in_every_precision_it_reads_the_same_words(encoder: Path) -> None:
    exact, fast = (Reader.open(BUNDLED_READER, encoder, precision=p) for p in (Precision.FLOAT32, None))
    for question in ("When did the mill open?", "Who sold the mill?", "How much did the weavers pay for it?"):
        one, two = exact.read(question, [PASSAGE], n_spans=1)[0], fast.read(question, [PASSAGE], n_spans=1)[0]
        assert one.spans[0].text == two.spans[0].text
        assert one.answerable == pytest.approx(two.answerable, abs=0.5)


def test_a_passage_reads_the_same_alone_and_beside_longer_ones(reader: Reader) -> None:
    alone = reader.read("Who sold the mill?", [PASSAGE])[0]
    beside = reader.read("Who sold the mill?", [PASSAGE * 3, PASSAGE, "Short."])[1]
    assert [(span.start, span.end) for span in alone.spans] == [(span.start, span.end) for span in beside.spans]
    assert alone.answerable == pytest.approx(beside.answerable, abs=1e-4)


def test_the_best_spans_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(1, 70))
        logits = rng.normal(size=(n, 2)).astype(np.float32)
        starts, ends, spoken = rng.random(n) < 0.7, rng.random(n) < 0.7, rng.random(n) < 0.5
        expected: list[tuple[int, int, float]] = []
        pairs = [
            (float(logits[i, 0]) + float(logits[j, 1]), i, j)
            for i in range(n)
            for j in range(i, min(n, i + reading.MAX_SPAN_PIECES))
            if starts[i] and ends[j] and spoken[i : j + 1].any()
        ]
        for score, i, j in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
            if len(expected) < 4 and all(j < first or last < i for first, last, _ in expected):
                expected.append((i, j, score))
        actual = reading.best_spans(logits, starts, ends, spoken, 4)
        assert [(i, j) for i, j, _ in actual] == [(i, j) for i, j, _ in expected]
        assert [score for _, _, score in actual] == pytest.approx([score for _, _, score in expected])


ODD = st.text(
    st.one_of(
        st.characters(exclude_categories=("Cs",)),
        st.sampled_from(" \n\t\u00a0\u200b\u00ade\u0301ﬁß語한🙂👩\u200d🔬.,'’-“”£"),
        st.sampled_from("abc XYZ 019"),
    ),
    max_size=80,
)


@settings(max_examples=60, deadline=None)
@given(passage=ODD, question=ODD, title=ODD)
def test_a_span_is_characters_of_its_passage_whatever_they_are(passage: str, question: str, title: str) -> None:
    found = _any_reader().read(question, [passage], [title])[0]
    for span in found.spans:
        assert passage[span.start : span.end] == span.text
        assert span.text == span.text.strip()
        assert span.text
    for number, span in enumerate(found.spans):
        assert all(span.end <= other.start or other.end <= span.start for other in found.spans[number + 1 :])
    assert [span.score for span in found.spans] == sorted((span.score for span in found.spans), reverse=True)
    assert 0.0 <= found.probability <= 1.0


def _any_reader(made: list[Reader] = []) -> Reader:  # noqa: B006 (one reader for all of hypothesis's examples)
    if not made:
        folder = bundled_folder()
        made.append(Reader(_arrays(initial_weights(folder, seed=3)), load_tokenizer(folder)))
    return made[0]


def test_a_span_ends_at_the_borders_of_words(reader: Reader) -> None:
    passage = "Unbelievably, Hrothgarsson’s antidisestablishmentarianism outlasted Zwingliesque counterarguments."
    for span in reader.read("What lasted?", [passage], n_spans=9)[0].spans:
        assert span.start == 0 or not (passage[span.start - 1].isalnum() and passage[span.start].isalnum())
        assert span.end == len(passage) or not (passage[span.end - 1].isalnum() and passage[span.end].isalnum())


def test_an_accent_that_is_a_character_of_its_own_stays_with_its_letter(reader: Reader) -> None:
    passage = "cafe\u0301"
    assert reader.read("Where?", [passage])[0].spans[0].text == passage


def test_a_passage_without_a_word_has_no_span_and_probability_zero(reader: Reader) -> None:
    empty, blank = reader.read("Where?", ["", " \n "])
    assert (empty.spans, empty.probability, empty.margin) == ((), 0.0, float("-inf"))
    assert blank.spans == ()


def test_punctuation_alone_is_no_span(reader: Reader) -> None:
    assert reader.read("What?", ["... (!) —"])[0].spans == ()
    spans = reader.read("What?", ["Mills, ; and: looms."], n_spans=9)[0].spans
    assert all(any(map(str.isalnum, span.text)) and span.text[-1] not in ",;:" for span in spans)


def test_no_passages_give_no_readings(reader: Reader) -> None:
    assert reader.read("Where?", []) == []


def test_titles_must_be_as_many_as_passages(reader: Reader) -> None:
    with pytest.raises(ValueError, match="1 questions, 1 passages, 2 titles"):
        reader.read("Where?", ["Here."], ["One", "Two"])


@given(n_passage=st.integers(0, 2000), n_question=st.integers(0, 100), n_title=st.integers(0, 40))
def test_windows_show_every_piece_and_fit(n_passage: int, n_question: int, n_title: int) -> None:
    def pieces(n: int) -> Pieces:
        return Pieces(list(range(1000, 1000 + n)), [(i, i + 1) for i in range(n)], list(range(n)))

    passage = pieces(n_passage)
    shown = reading.windows(pieces(n_question), pieces(n_title), passage)
    covered: set[int] = set()
    for window in shown:
        assert len(window.ids) <= reading.MAX_PIECES
        part = window.ids[window.passage_from : window.passage_from + window.count]
        assert part == passage.ids[window.first : window.first + window.count]
        covered.update(range(window.first, window.first + window.count))
    assert covered == set(range(n_passage))
    for one, two in itertools.pairwise(shown):
        assert one.first + one.count - two.first >= reading.STRIDE_PIECES


def test_a_long_passage_has_spans_beyond_its_first_window(reader: Reader) -> None:
    passage = " ".join(f"Room {number} holds {number * 7} letters." for number in range(200))
    spans = reader.read("How many letters?", [passage], n_spans=300)[0].spans
    assert max(span.end for span in spans) > len(passage) * 0.8
    assert all(passage[span.start : span.end] == span.text for span in spans)


def test_a_saved_reader_reads_what_it_read_before(tmp_path: Path, weights: dict[str, Any], encoder: Path) -> None:
    rounded = {name: tensor.half().float() for name, tensor in weights.items() if name in reading.trained_names()}
    rounded.update({name: weights[name] for name in reading.FROZEN_NAMES})
    before = Reader(_arrays(rounded), load_tokenizer(encoder), calibration=Calibration(0.5, 0.1, 0.9))
    network.save_reader(
        tmp_path,
        weights,
        encoder_sha256=sha256_of(encoder / "model.safetensors"),
        calibration={"bias": 0.5, "margin": 0.1, "answerable": 0.9},
    )
    after = Reader.open(tmp_path, encoder)
    assert after.read("Who sold the mill?", [PASSAGE]) == before.read("Who sold the mill?", [PASSAGE])


@pytest.fixture
def saved(tmp_path: Path, weights: dict[str, Any], encoder: Path) -> Path:
    network.save_reader(tmp_path, weights, encoder_sha256=sha256_of(encoder / "model.safetensors"))
    return tmp_path


def _flip_a_byte(folder: Path) -> None:
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.safetensors").write_bytes(bytes(content))


def _of_other_encoder(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "encoder_sha256": "0" * 64}))


def _of_other_format(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "format": 99}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_flip_a_byte, "is not the file that was trained"),
        (_of_other_encoder, "was trained on an encoder with SHA-256 0000"),
        (_of_other_format, "has format 99, this version reads 1"),
        (lambda folder: (folder / "config.json").unlink(), "holds no reader"),
    ],
)
def test_a_spoiled_reader_is_refused(saved: Path, encoder: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(saved)
    with pytest.raises(ModelFileError, match=message):
        Reader.open(saved, encoder)


def test_an_encoder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"no tokenizer\.json"):
        load_tokenizer(tmp_path)


def test_the_probability_is_the_logistic_of_margin_and_answerability() -> None:
    calibration = Calibration(bias=-1.0, margin=0.5, answerable=2.0)
    assert calibration.probability(margin=2.0, answerable=0.0) == pytest.approx(0.5)
    assert calibration.probability(margin=2.0, answerable=1.0) == pytest.approx(0.880797, abs=1e-6)
    assert calibration.probability(margin=float("-inf"), answerable=9.0) == 0.0
