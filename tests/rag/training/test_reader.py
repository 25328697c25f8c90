"""Training: inputs and batches, the loss, the rate, and that a run can be repeated and gone on with."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from index.encoder.embedding import bundled_folder
from rag.reading import reader as reading
from rag.reading.model_files import ModelFileError, load_tokenizer
from rag.training import reader as training
from rag.training import steps
from rag.training.examples import Example
from rag.training.network import padded_length
from rag.training.reader import Target


def test_a_reference_becomes_the_places_of_its_pieces() -> None:
    passage = "Ada Brandt founded the mill."
    example = Example("Who founded it?", "", passage, ((0, 10),), "answerable")
    tokenizer = load_tokenizer(bundled_folder())
    (target,) = training.to_targets(tokenizer, [example], steps.seeded("test"))
    ((first, last),) = target.places
    assert tokenizer.decode(target.window.ids[first : last + 1]) == "ada brandt"
    (empty,) = training.to_targets(tokenizer, [Example("Who?", "", passage, (), "neighbour")], steps.seeded("test"))
    assert empty.places == ((0, 0),)


def test_batches_hold_every_example_once_within_their_budget() -> None:
    rng = steps.seeded("test")
    targets = [
        Target(reading.Window([0] * rng.randint(5, 90), 0, 0, 0, 0), ((number, number),)) for number in range(300)
    ]
    batches = steps.pool_batches(targets, 400, rng)
    assert sorted(target.places[0][0] for batch in batches for target in batch) == list(range(300))
    longest = [padded_length(max(len(target.window.ids) for target in batch)) for batch in batches]
    assert all(length * len(batch) <= 400 for length, batch in zip(longest, batches, strict=True))


def test_the_loss_is_that_of_all_references_together() -> None:
    import torch

    window = reading.Window([0] * 4, 0, 1, 0, 3)
    span = torch.zeros(2, 4, 2)
    span[0, 1, 0] = 1.0
    batch = [Target(window, ((1, 2), (3, 3))), Target(window, ((0, 0),))]
    span_loss, logistic = training.reader_loss(span, torch.tensor([0.0, 2.0]), batch)
    # First row: p(start=1) = e/(e+3), p(start=3) = 1/(e+3), every end 1/4. Second row: 1/4 * 1/4.
    e = 2.718281828
    assert float(span_loss) == pytest.approx(-_ln((e + 1) / (e + 3) / 4) - _ln(1 / 16), abs=1e-5)
    assert float(logistic) == pytest.approx(-_ln(0.5) - _ln(1 - 1 / (1 + e**-2)), abs=1e-5)


def _ln(value: float) -> float:
    import math

    return math.log(value)


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    schedule = steps.Schedule(peak=1.0, warmup_steps=4, stable_steps=10, decay_steps=4)
    assert [schedule.rate(step) for step in (0, 3, 4, 9)] == [0.25, 1.0, 1.0, 1.0]
    assert [schedule.rate(step) for step in (10, 11, 12, 13, 14)] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])


def _train(questions: Path, out: Path, stable_steps: int = 14, decay_steps: int = 6, seed: int = 5) -> dict[str, Any]:
    from safetensors.torch import load_file

    folder = training.train_reader(
        questions,
        bundled_folder(),
        out,
        stable_steps=stable_steps,
        decay_steps=decay_steps,
        seed=seed,
        warmup_steps=4,
        batch_pieces=512,
        log_steps=5,
    )
    return load_file(str(folder / "model.safetensors"))


def test_a_run_of_20_steps_can_be_repeated_and_gone_on_with(questions: Path, tmp_path: Path) -> None:
    import torch

    one = _train(questions, tmp_path / "one")
    losses = [json.loads(line) for line in (tmp_path / "one" / "log.jsonl").read_text().splitlines()]
    assert losses[-1]["span_loss"] < losses[1]["span_loss"]

    two = _train(questions, tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)

    (tmp_path / "three").mkdir()
    shutil.copy(tmp_path / "one" / "stable.safetensors", tmp_path / "three" / "run.safetensors")
    three = _train(questions, tmp_path / "three")
    assert all(torch.equal(one[name], three[name]) for name in one)

    with pytest.raises(ModelFileError, match="use a new folder"):
        _train(questions, tmp_path / "three", seed=6)


def test_a_run_that_is_past_the_end_of_its_stable_part_keeps_where_it_stood(questions: Path, tmp_path: Path) -> None:
    _train(questions, tmp_path / "one", stable_steps=6, decay_steps=0)
    (tmp_path / "two").mkdir()
    shutil.copy(tmp_path / "one" / "run.safetensors", tmp_path / "two" / "run.safetensors")
    _train(questions, tmp_path / "two", stable_steps=5, decay_steps=3)
    stood, ended = tmp_path / "one" / "run.safetensors", tmp_path / "two" / "run.safetensors"
    assert (tmp_path / "two" / "stable.safetensors").read_bytes() == stood.read_bytes() != ended.read_bytes()


def test_a_trained_reader_gives_the_same_spans_when_it_is_loaded(questions: Path, tmp_path: Path) -> None:
    _train(questions, tmp_path / "run")
    encoder = bundled_folder()
    text = "The mill of Norwick opened in 1870. Its founder was Ada Brandt."
    one, two = (reading.Reader.open(tmp_path / "run" / "reader", encoder) for _ in range(2))
    found = one.read("When did the mill open?", [text])
    assert found == two.read("When did the mill open?", [text])
    assert text[found[0].spans[0].start : found[0].spans[0].end] == found[0].spans[0].text
