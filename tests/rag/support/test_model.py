"""Support: engine against PyTorch, windows of whole sentences, calibration, verdicts, and the file."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.encoder.embedding import Encoder, bundled_folder
from index.encoder.engine import Precision
from index.encoder.weights import mapped_tensors
from rag.citations import Verdict
from rag.reading import reader as reading
from rag.reading.model_files import ModelFileError, load_tokenizer
from rag.support import model as support
from rag.support.model import (
    SUPPORTED,
    WEAK,
    Calibration,
    Evidence,
    SupportModel,
    cosines,
    merged,
    support_window,
    trained_names,
    verdict,
)
from rag.training import network
from rag.training.support import initial_weights, logits

PAIRS = [
    ("Ada Brandt sold the mill.", "The Norwick mill opened in 1874. Its founder, Ada Brandt, sold it to the weavers."),
    ("The mill is in Norwick and was sold twice, as the ledger of the weavers says.", "Short."),
]


@pytest.fixture(scope="module")
def trained() -> dict[str, Any]:
    """Tensors as training begins with them, shaken so that every change does something."""
    import torch

    base = {name: torch.tensor(array) for name, array in mapped_tensors(_encoder_file()).items()}
    weights = initial_weights(base, None, seed=1)
    generator = torch.Generator().manual_seed(2)
    return {name: w + 0.02 * torch.randn(w.shape, generator=generator) for name, w in weights.items()}


@pytest.fixture(scope="module")
def model(trained: dict[str, Any]) -> SupportModel:
    arrays = {name: tensor.numpy() for name, tensor in trained.items()}
    weights = merged(mapped_tensors(_encoder_file()), arrays)
    return SupportModel(weights, load_tokenizer(bundled_folder()), precision=Precision.FLOAT32)


def _encoder_file() -> Path:
    return bundled_folder() / "model.safetensors"


def _pieces(*texts: str) -> list[reading.Pieces]:
    return reading.to_pieces(load_tokenizer(bundled_folder()), texts)


def test_the_engine_and_numpy_compute_what_training_computes(model: SupportModel, trained: dict[str, Any]) -> None:
    import torch

    base = {name: torch.tensor(array) for name, array in mapped_tensors(_encoder_file()).items()}
    windows = [support_window(claim, text) for claim, text in (_pieces(*pair) for pair in PAIRS)]
    with torch.inference_mode():
        expected = logits(merged(base, trained), windows, bfloat16=False)
    assert model.logits(PAIRS) == pytest.approx(expected.tolist(), abs=2e-4)


def test_a_matrix_is_the_encoders_with_its_change_added() -> None:
    name = "encoder.layer.3.attention.output.dense"
    base = mapped_tensors(_encoder_file())
    arrays = {n: np.zeros(shape, np.float32) for n, shape in trained_names().items()}
    arrays[f"{name}.up"][5, 2], arrays[f"{name}.down"][2, 7] = 2.0, 3.0
    changed = merged(base, arrays)[f"{name}.weight"] - base[f"{name}.weight"]
    assert changed[5, 7] == pytest.approx(6.0)
    assert np.count_nonzero(changed) == 1


def test_a_text_and_a_claim_that_do_not_fit_are_cut() -> None:
    claim, long = _pieces("It is about the mill.", "mill " * 400)
    cut = support_window(claim, long, max_pieces=64)
    assert len(cut.ids) == 64
    assert cut.ids[: cut.second_from] == [101, *claim.ids, 102]
    assert support_window(claim, _pieces("")[0]).ids == [101, *claim.ids, 102, 102]
    assert support_window(long, claim).ids == [101, *long.ids[: support.MAX_CLAIM_PIECES], 102, *claim.ids, 102]


def test_a_long_text_is_judged_by_the_sentences_that_bear_on_the_claim(model: SupportModel) -> None:
    claim, answer = "Ada Brandt sold the mill in 1902.", "In 1902 Ada Brandt, a weaver, sold the old mill."
    sentences = [f"In year {n} the weavers of Norwick counted {n + 3} looms and {n + 7} baskets." for n in range(60)]
    text = " ".join([*sentences[:30], answer, *sentences[30:]])
    (long,) = model.seen([(claim, text)])
    (excerpted,) = model.seen([(claim, model._shown(claim, text))])
    assert answer in model._shown(claim, text)
    assert long == excerpted
    (absent,) = model.seen([(claim, " ".join(sentences))])
    assert (absent.name_missing, long.name_missing) == (True, False)
    assert absent.cosine < long.cosine


def test_reference_marks_and_addresses_are_no_words(model: SupportModel) -> None:
    marked, bare = "Ada Brandt sold the mill [12].", "Ada Brandt sold the mill."
    text = "In May she sold it to the weavers. See https://mills.example/12 for more [3]."
    said = "In May she sold it to the weavers. See  for more."
    one, other = model.seen([(marked, text), (bare, said)])
    assert one == other
    assert not one.number_missing


def test_nothing_to_judge_gives_nothing(model: SupportModel) -> None:
    assert model.support([]) == []


def test_what_stands_nowhere_in_the_text_lowers_support(trained: dict[str, Any]) -> None:
    arrays = {name: tensor.numpy() for name, tensor in trained.items()}
    model = SupportModel(
        merged(mapped_tensors(_encoder_file()), arrays),
        load_tokenizer(bundled_folder()),
        calibration=Calibration(bias=1.5, weight=0.0, cosine=0.0, name=1.0),
    )
    text = "Ada Brandt sold the mill in 1902."
    claims = ["Ada Brandt sold it in 1902.", "It was Jon Petrak, in 1902.", "It was Jon Petrak, in 1903."]
    whole, nameless = 1 / (1 + np.exp(-1.5)), 1 / (1 + np.exp(-0.5))
    assert model.support([(claim, text) for claim in claims]) == pytest.approx([whole, nameless, 0.49 * nameless])


def test_the_cosine_is_that_of_the_best_part_of_a_long_text(encoder: Encoder) -> None:
    claim, end = "The mill opened in May.", "In May the mill of Norwick opened."
    filler = " ".join(f"On day {n} the weavers counted looms and baskets in the yard." for n in range(60))
    text = f"{filler} {end}"
    assert encoder.count_pieces([text])[0] > 2 * encoder.max_length
    near, alone, whole = cosines([(claim, text), (claim, end), (claim, filler)], encoder)
    vectors = encoder.encode_passages([claim, end])
    assert alone == pytest.approx(float(vectors[0] @ vectors[1]))
    assert whole < near <= alone


def test_support_is_the_logistic_of_what_is_seen_and_a_missing_number_is_never_supported() -> None:
    calibration = Calibration(bias=-1.0, weight=0.5, cosine=2.0, name=0.3)
    for name, logit in ((False, 0.4), (True, 0.1)):
        seen = Evidence(1.2, 0.4, number_missing=False, name_missing=name)
        assert calibration.support(seen) == pytest.approx(1 / (1 + np.exp(-logit)))
        assert verdict(calibration.support(Evidence(200.0, 1.0, number_missing=True, name_missing=name))) == "weak"


def test_what_the_text_says_word_for_word_is_supported_without_the_network(model: SupportModel) -> None:
    text = "Nobody asked. Ada Brandt sold the mill in 1902."
    value, other = model.support([("Ada Brandt sold the mill in 1902.", text), ("Ada Brandt sold the mill.", text)])
    assert value == 1.0
    assert other < 1.0


def test_the_verdict_follows_from_support() -> None:
    assert [verdict(s) for s in (1.0, SUPPORTED, SUPPORTED - 1e-9, WEAK, WEAK - 1e-9, 0.0)] == [
        "supported", "supported", "weak", "weak", "unsupported", "unsupported",
    ]  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path, trained: dict[str, Any]) -> Path:
    encoder_sha256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    network.save_model(tmp_path, trained, encoder_sha256=encoder_sha256, calibration={"bias": -1.0, "weight": 2.0})
    return tmp_path


def test_a_saved_model_judges_as_the_one_in_memory(saved: Path, model: SupportModel) -> None:
    opened = SupportModel.open(saved, bundled_folder())
    assert opened.calibration == Calibration(bias=-1.0, weight=2.0)
    # float16 in the file, and integers of 8 bits where the processor has them
    assert opened.logits(PAIRS) == pytest.approx(model.logits(PAIRS), abs=0.1)
    assert opened.sha256 == json.loads((saved / "config.json").read_text())["sha256"]


def test_an_altered_or_absent_model_is_refused(saved: Path, tmp_path: Path) -> None:
    weights = saved / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"is not the file that was trained.*pilcrow train-support"):
        SupportModel.open(saved, bundled_folder())
    with pytest.raises(ModelFileError, match="holds no support model"):
        SupportModel.open(tmp_path / "nowhere", bundled_folder())


def test_a_model_of_another_encoder_is_refused(saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(config | {"encoder_sha256": "0" * 64}))
    with pytest.raises(ModelFileError, match=r"the support model in .* was trained on an encoder with SHA-256 0000"):
        SupportModel.open(saved, bundled_folder())


# --- the model that ships

MILL = (
    "The Norwick mill opened in 1874. Its founder, Ada Brandt, a weaver from Ellerby, sold it to the weavers' union "
    "for £3.5 million in 1902. The union closed it when the river froze for the third winter in a row."
)
LIBRARY = (
    "The library of Norwick lends 43 violins to anyone who asks. Mara Lindqvist started the collection in 1955 with "
    "her father's violin."
)


@pytest.fixture(scope="module")
def bundled() -> SupportModel:
    return support.bundled_support()


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("Ada Brandt founded the Norwick mill.", MILL),
        ("In 1902 Ada Brandt sold the mill to the union of the weavers.", MILL),
        ("The union closed the mill because the river froze.", MILL),
        ("Mara Lindqvist began the collection of violins in 1955.", LIBRARY),
        ("The library has 43 violins that anybody can borrow.", LIBRARY),
    ],
)
def test_what_the_text_says_in_other_words_is_supported(bundled: SupportModel, claim: str, text: str) -> None:
    (value,) = bundled.support([(claim, text)])
    assert Verdict.of(value) == "supported"


@pytest.mark.parametrize(
    ("failure", "claim", "text"),
    [
        ("fabricated", "Ada Brandt died in a fire in Ellerby.", MILL),
        ("fabricated", "The Norwick mill opened in 1877.", MILL),
        ("fabricated", "The mill of Norwick never opened.", MILL),
        ("misattributed", "Ada Brandt founded the Norwick mill.", LIBRARY),
        ("misattributed", "Mara Lindqvist started the collection of violins in 1955.", MILL),
        ("stitched", "Ada Brandt, who founded the mill, started the collection of violins in 1955.", MILL),
        ("stitched", "Ada Brandt, who founded the mill, started the collection of violins in 1955.", LIBRARY),
    ],
)
def test_what_is_fabricated_misattributed_or_stitched_is_not_supported(
    bundled: SupportModel, failure: str, claim: str, text: str
) -> None:
    (value,) = bundled.support([(claim, text)])
    assert Verdict.of(value) != "supported", failure
