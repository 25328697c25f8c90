"""Training of the support model: where it starts, that it learns, can be repeated, gone on with, and calibrated."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.encoder.embedding import bundled_folder
from index.encoder.weights import mapped_tensors
from rag.reading.model_files import ModelFileError, load_tokenizer
from rag.support import model as support
from rag.support.model import SupportModel
from rag.training import support as support_training
from rag.training.support import calibrate, fit_logistic, initial_weights, low_rank, to_targets
from rag.training.support_pairs import Pair

TOWNS = ("Norwick", "Ellerby", "Stonham", "Veldmark", "Quarrow", "Hollin")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Invented questions and claims as `train_support` takes them."""
    (tmp_path / "questions" / "train").mkdir(parents=True)
    (tmp_path / "claims").mkdir()
    articles = []
    for number, town in enumerate(TOWNS):
        text = (
            f"The mill of {town} opened in {1870 + number}. It made cloth until the river froze. Rain is common there."
        )
        answer = str(1870 + number)
        row = {"id": town, "question": f"When did the mill of {town} open?",
               "answers": [{"text": answer, "answer_start": text.index(answer)}]}  # fmt: skip
        articles.append({"title": town, "paragraphs": [{"context": text, "qas": [row]}]})
    (tmp_path / "questions" / "train" / "towns.json").write_text(json.dumps({"data": articles}), encoding="utf-8")
    rows = [
        {"claim": f"The mill of {town} {verb} .", "evidence": f"The mill of {town} opened .", "label": label}
        for town in TOWNS
        for verb, label in (("opened", "SUPPORTS"), ("never opened", "REFUTES"))
    ]
    (tmp_path / "claims" / "mills.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return tmp_path


def _train(folder: Path, out: Path, stable_steps: int = 14, decay_steps: int = 6, seed: int = 5) -> dict[str, Any]:
    finished = support_training.train_support(
        folder / "questions", folder / "claims", bundled_folder(), out, start=None, stable_steps=stable_steps,
        decay_steps=decay_steps, seed=seed, warmup_steps=4, batch_pieces=512, pool_examples=16, log_steps=5,
    )  # fmt: skip
    return dict(mapped_tensors(finished / "model.safetensors"))


def test_a_run_learns_is_repeated_by_its_seed_and_goes_on_where_it_stopped(folder: Path, tmp_path: Path) -> None:
    whole = _train(folder, tmp_path / "whole")
    lines = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert lines[1]["loss"] > lines[-1]["loss"]
    assert lines[0]["claims"] == 12
    part = tmp_path / "part"
    _train(folder, part, stable_steps=9, decay_steps=0)
    shutil.copy(part / "stable.safetensors", part / "run.safetensors")
    gone_on = _train(folder, part)
    assert whole.keys() == support.trained_names().keys()
    assert all(np.array_equal(whole[name], gone_on[name]) for name in whole)
    with pytest.raises(ModelFileError, match="use a new folder"):
        _train(folder, part, seed=6)


def test_training_starts_as_the_encoder_or_as_near_to_a_reader_as_the_rank_goes() -> None:
    import torch

    base = {name: torch.tensor(array) for name, array in mapped_tensors(bundled_folder() / "model.safetensors").items()}
    name = "encoder.layer.4.attention.self.key"
    weights = support.merged(base, initial_weights(base, None, seed=1))
    assert torch.equal(weights[f"{name}.weight"], base[f"{name}.weight"])
    generator = torch.Generator().manual_seed(0)
    reader = {}
    for key, tensor in base.items():  # the encoder changed in a few directions much, and a little in all
        change = torch.randn(tensor.shape, generator=generator) * 1e-4
        if tensor.ndim == 2 and key.startswith("encoder.layer."):
            parts = [torch.randn(size, 4, generator=generator) * 0.05 for size in tensor.shape]
            change = change + parts[0] @ parts[1].T
        reader[key] = tensor.float() + change if tensor.is_floating_point() else tensor
    weights = support.merged(base, initial_weights(base, reader, seed=1))
    near = (weights[f"{name}.weight"] - reader[f"{name}.weight"].float()).norm()
    assert near < (base[f"{name}.weight"] - reader[f"{name}.weight"].float()).norm() / 1.5
    assert torch.equal(
        weights["encoder.layer.2.output.LayerNorm.bias"], reader["encoder.layer.2.output.LayerNorm.bias"].float()
    )


def test_a_support_model_is_trained_further_from_where_it_is(folder: Path, tmp_path: Path) -> None:
    first = _train(folder, tmp_path / "first", stable_steps=3, decay_steps=0)
    again = support_training.train_support(
        folder / "questions", folder / "claims", bundled_folder(), tmp_path / "again",
        start=tmp_path / "first" / "support", stable_steps=0, decay_steps=0, seed=5,
    )  # fmt: skip
    further = mapped_tensors(again / "model.safetensors")
    assert first.keys() == further.keys()
    assert all(np.array_equal(first[name], further[name]) for name in first)


def test_a_matrix_of_low_rank_is_kept_whole_and_another_as_near_as_can_be() -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    thin = torch.randn(20, 3, generator=generator) @ torch.randn(3, 12, generator=generator)
    up, down = low_rank(thin, 3)
    assert torch.allclose(up @ down, thin, atol=1e-4)
    full = torch.randn(20, 12, generator=generator)
    up, down = low_rank(full, 4)
    left_over = torch.linalg.svdvals(full)[4:]
    assert (full - up @ down).norm() == pytest.approx(float(left_over.norm()), rel=1e-4)


def test_a_pair_that_does_not_fit_is_left_out() -> None:
    tokenizer = load_tokenizer(bundled_folder())
    pairs = [Pair("The mill opened.", "The mill opened.", True, "a"), Pair("The mill.", "mill " * 300, False, "b")]
    (target,) = to_targets(tokenizer, pairs)
    assert target.supported
    assert target.window.ids[0] == 101


def test_the_logistic_regression_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(4)
    features = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    right = (features @ [0.3, 1.0, -2.0] + rng.logistic(size=200) > 0.8).tolist()
    reference = LogisticRegression(C=1 / (0.1 * 200), fit_intercept=False, class_weight="balanced", tol=1e-10)
    assert fit_logistic(features, right, ridge=0.1) == pytest.approx(reference.fit(features, right).coef_[0], abs=1e-4)


def test_calibrating_fits_what_lacks_no_number_and_writes_it(folder: Path, tmp_path: Path) -> None:
    _train(folder, tmp_path / "run", stable_steps=2, decay_steps=0)
    model = tmp_path / "run" / "support"
    text = "The mill of Norwick opened in 1870; so did those of Ellerby and Stonham."
    claims = [
        "The mill opened.",
        "In 1870 it opened.",
        "Norwick has a mill.",
        "Rain is common.",
        "It burned.",
        "It was sold.",
    ]
    right = [True, True, True, False, False, False]
    calibration = calibrate(model, bundled_folder(), [(claim, text) for claim in claims], right)
    seen = SupportModel.open(model, bundled_folder()).seen([(claim, text) for claim in claims])
    weights = fit_logistic(np.array([[1.0, one.logit, one.cosine, -float(one.name_missing)] for one in seen]), right)
    assert list(asdict(calibration).values()) == pytest.approx(weights, abs=1e-4)
    assert SupportModel.open(model, bundled_folder()).calibration == calibration
    with_missing = [*claims, "It opened in 1999.", "It burned in 1911."]
    again = calibrate(model, bundled_folder(), [(claim, text) for claim in with_missing], [*right, True, True])
    assert again == calibration
