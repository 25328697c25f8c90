"""Training of the reader: inputs and batches, the loss, the rate, and that a run is repeated and gone on with."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from index.encoder.embedding import bundled_folder
from index.encoder.engine import MINILM
from rag.reading import reader as reading
from rag.reading.model_files import ModelFileError, load_tokenizer
from rag.training import reader as training
from rag.training import steps
from rag.training.examples import Example
from rag.training.network import Logits, padded_length
from rag.training.reader import MAX_PIECES, Target

PASSAGE = "Ada Brandt founded the mill."


def _targets(*examples: Example) -> list[Target]:
    return training.to_targets(load_tokenizer(bundled_folder()), examples, steps.seeded("test"))


def test_a_reference_becomes_the_places_of_its_pieces() -> None:
    (target,) = _targets(Example("Who founded it?", "Mill", PASSAGE, ((0, 10),), True, None, "answerable"))
    ((first, last),) = target.places
    assert load_tokenizer(bundled_folder()).decode(target.window.ids[first : last + 1]) == "ada brandt"
    assert (target.answerable, target.yes) == (True, None)


def test_no_answer_is_the_first_place_and_an_unmarked_answer_none() -> None:
    wrong, unmarked = _targets(
        Example("Who?", "", PASSAGE, (), False, None, "hard"),
        Example("Did she?", "", PASSAGE, (), True, True, "answerable"),
    )
    assert (wrong.places, wrong.answerable, wrong.yes) == (((0, 0),), False, None)
    assert (unmarked.places, unmarked.answerable, unmarked.yes) == ((), True, True)


def test_of_a_long_passage_a_part_is_shown_that_holds_the_reference_anywhere_in_it() -> None:
    long = "The mill made cloth. " * 60 + PASSAGE + " It closed at last." * 60
    span = (long.index("Ada"), long.index("Ada") + 10)
    example = Example("Who founded it?", "", long, (span,), True, None, "answerable")
    tokenizer = load_tokenizer(bundled_folder())
    targets = _targets(*[example] * 30)
    assert len(targets) == 30
    for target in targets:
        ((first, last),) = target.places
        assert len(target.window.ids) == MAX_PIECES
        assert tokenizer.decode(target.window.ids[first : last + 1]) == "ada brandt"
    assert len({target.places for target in targets}) > 10


def test_batches_hold_every_example_once_within_their_budget() -> None:
    rng = steps.seeded("test")
    targets = [
        Target(reading.Window([0] * rng.randint(5, 90), 0, 0, 0, 0), ((number, number),), True) for number in range(300)
    ]
    batches = steps.pool_batches(targets, 400, rng)
    assert sorted(target.places[0][0] for batch in batches for target in batch) == list(range(300))
    longest = [padded_length(max(len(target.window.ids) for target in batch)) for batch in batches]
    assert all(length * len(batch) <= 400 for length, batch in zip(longest, batches, strict=True))


def test_the_loss_is_that_of_all_references_together_and_of_two_decisions() -> None:
    import torch

    window = reading.Window([0] * 4, 0, 1, 0, 3)
    span = torch.zeros(3, 4, 2)
    span[0, 1, 0] = 1.0
    span[2] = 9.0  # nobody marked what answers, so it does not matter
    found = Logits(span, torch.tensor([0.0, 2.0, 0.0]), torch.tensor([5.0, 5.0, 2.0]))
    batch = [
        Target(window, ((1, 2), (3, 3)), True),
        Target(window, ((0, 0),), False),
        Target(window, (), True, yes=False),
    ]
    loss = training.reader_loss(found, batch)
    # First row: p(start=1) = e/(e+3), p(start=3) = 1/(e+3), every end 1/4. Second row: 1/4 * 1/4.
    e = 2.718281828
    assert float(loss.span) == pytest.approx(-_ln((e + 1) / (e + 3) / 4) - _ln(1 / 16), abs=1e-5)
    assert float(loss.answerable) == pytest.approx(-2 * _ln(0.5) - _ln(1 - 1 / (1 + e**-2)), abs=1e-5)
    assert float(loss.yes) == pytest.approx(-_ln(1 - 1 / (1 + e**-2)), abs=1e-5)
    none_told = training.reader_loss(Logits(span[2:], found.answerable[2:], found.yes[2:]), [Target(window, (), True)])
    assert (float(none_told.span), float(none_told.yes)) == (0.0, 0.0)


def _ln(value: float) -> float:
    import math

    return math.log(value)


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    schedule = steps.Schedule(peak=1.0, warmup_steps=4, stable_steps=10, decay_steps=4)
    assert [schedule.rate(step) for step in (0, 3, 4, 9)] == [0.25, 1.0, 1.0, 1.0]
    assert [schedule.rate(step) for step in (10, 11, 12, 13, 14)] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])


def _train(data: Path, out: Path, stable_steps: int = 14, decay_steps: int = 6, seed: int = 5) -> dict[str, Any]:
    from safetensors.torch import load_file

    folder = training.train_reader(
        data, None, bundled_folder(), out, shape=MINILM, stable_steps=stable_steps, decay_steps=decay_steps, seed=seed,
        peak_rate=2e-4, warmup_steps=4, batch_pieces=512, log_steps=5,
    )  # fmt: skip
    return load_file(str(folder / "model.safetensors"))


def test_a_run_of_20_steps_can_be_repeated_and_gone_on_with(data: Path, tmp_path: Path) -> None:
    import torch

    one = _train(data, tmp_path / "one")
    lines = [json.loads(line) for line in (tmp_path / "one" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["span_loss"] < lines[1]["span_loss"]
    assert lines[0]["questions"] == {"people/train": 18, "reading/more/qed_nq_dev.json": 12, "yesno/boolq_val.jsonl": 5}

    two = _train(data, tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)

    (tmp_path / "three").mkdir()
    shutil.copy(tmp_path / "one" / "stable.safetensors", tmp_path / "three" / "run.safetensors")
    three = _train(data, tmp_path / "three")
    assert all(torch.equal(one[name], three[name]) for name in one)

    with pytest.raises(ModelFileError, match="use a new folder"):
        _train(data, tmp_path / "three", seed=6)


def test_a_run_that_is_past_the_end_of_its_stable_part_keeps_where_it_stood(data: Path, tmp_path: Path) -> None:
    _train(data, tmp_path / "one", stable_steps=6, decay_steps=0)
    (tmp_path / "two").mkdir()
    shutil.copy(tmp_path / "one" / "run.safetensors", tmp_path / "two" / "run.safetensors")
    _train(data, tmp_path / "two", stable_steps=5, decay_steps=3)
    stood, ended = tmp_path / "one" / "run.safetensors", tmp_path / "two" / "run.safetensors"
    assert (tmp_path / "two" / "stable.safetensors").read_bytes() == stood.read_bytes() != ended.read_bytes()


def test_a_trained_reader_gives_the_same_spans_when_it_is_loaded(data: Path, tmp_path: Path) -> None:
    _train(data, tmp_path / "run")
    encoder = bundled_folder()
    text = "The mill of Norwick opened in 1870. Its founder was Ada Brandt."
    one, two = (reading.Reader.open(tmp_path / "run" / "reader", encoder) for _ in range(2))
    found = one.read("When did the mill open?", [text])
    assert found == two.read("When did the mill open?", [text])
    assert text[found[0].spans[0].start : found[0].spans[0].end] == found[0].spans[0].text
