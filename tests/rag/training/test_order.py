"""Training of the order: what search finds, the groups made of it, the loss, and that a run is repeated."""

import json
import random
import shutil
from collections import Counter
from math import exp, log
from pathlib import Path
from typing import Any

import pytest

from index.encoder.embedding import BundledEncoder, bundled_folder
from rag.reading import reader as reading
from rag.reading.model_files import ModelFileError, load_tokenizer
from rag.reading.reader import Reader
from rag.training import order
from rag.training.order import Candidate, Found, Group, choose, order_loss, plan_epoch, to_groups
from rag.training.question_sets import load_questions
from rag.training.steps import TrainingDataError, seeded

WINDOW = reading.Window([101, 102], 1, 1, 0, 0)
WRONG = tuple(Candidate("", f"wrong {n}") for n in range(12))
RIGHT = tuple(Candidate("", f"right {n}", holds=True) for n in range(3))


def test_a_group_is_what_answers_and_mostly_the_best_of_what_does_not() -> None:
    found = Found("Who?", True, (*WRONG[:2], *RIGHT, *WRONG[2:]))
    groups = [choose(found, random.Random(n)) for n in range(200)]
    assert {len(group) for group in groups} == {6}
    assert {group[0] for group in groups} == set(RIGHT[:2])
    assert {one for group in groups for one in group[1:5]} == set(WRONG[:8])
    assert {group[5] for group in groups} == set(WRONG[8:])


def test_where_search_finds_no_evidence_its_own_document_is_what_answers() -> None:
    own = Candidate("Mill", "Ada founded it.", holds=True)
    assert choose(Found("Who?", True, WRONG, own), random.Random(0))[0] == own
    assert choose(Found("Who?", True, (), own), random.Random(0)) == [own]


def test_of_an_unanswerable_question_two_of_the_best_four_are_shown() -> None:
    groups = [choose(Found("Who?", False, WRONG), random.Random(n)) for n in range(60)]
    assert {len(group) for group in groups} == {2}
    assert {one for group in groups for one in group} == set(WRONG[:4])


def test_an_epoch_has_every_answerable_question_with_an_answer_and_half_of_the_others() -> None:
    kinds = [
        Found("a", True, RIGHT),
        Found("b", True, WRONG, RIGHT[0]),
        Found("c", True, WRONG),
        Found("d", False, WRONG),
    ]
    found = kinds * 500
    plan = plan_epoch(found, seed=0, epoch=0)
    counts = Counter(found[number].question for number in plan)
    assert (counts["a"], counts["b"], counts["c"]) == (500, 500, 0)
    assert counts["d"] == pytest.approx(250, abs=40)
    assert plan == plan_epoch(found, 0, 0) != plan_epoch(found, 0, 1)


def test_the_loss_wants_what_answers_first_and_says_of_each_whether_it_does() -> None:
    import torch

    batch = [Group((WINDOW,) * 3, answerable=True), Group((WINDOW,) * 2, answerable=False)]
    listwise, logistic = order_loss(torch.tensor([1.0, 0.0, 0.0, 2.0, 0.0]), batch)
    assert float(listwise) == pytest.approx(-log(exp(1) / (exp(1) + 2)), abs=1e-5)
    first = (log(1 + exp(-1)) + 2 * log(2)) / 3
    second = (log(1 + exp(2)) + log(2)) / 2
    assert float(logistic) == pytest.approx(first + second, abs=1e-5)


def test_windows_show_title_and_text_and_a_long_one_is_cut_at_its_end() -> None:
    tokenizer = load_tokenizer(bundled_folder())
    candidates = [Candidate("Mill", "Ada founded it.", holds=True), Candidate("", "cloth " * 500)]
    (group,) = to_groups(tokenizer, [Found("Who?", True, tuple(candidates))], [candidates])
    decoded = [tokenizer.decode(window.ids, skip_special_tokens=False) for window in group.windows]
    assert decoded[0] == "[CLS] who? [SEP] [SEP] mill. ada founded it. [SEP]"
    assert [len(window.ids) for window in group.windows][1] == order.MAX_PIECES
    assert group.answerable


def test_search_marks_the_passages_that_hold_the_evidence(data: Path, tmp_path: Path) -> None:
    corpus, encoder = load_questions(data, ()), BundledEncoder()
    documents = order.read_texts(data / "texts" / "texts.jsonl", order.dev_sources(data))
    assert [document.doc_id for document in documents] == ["t0", "t1", "t2", "t3"]
    with order.collection_at(tmp_path / "c", encoder, documents) as collection, collection.reading() as snapshot:
        found = order.search(corpus, snapshot, encoder, seeded("test"))
    assert [one.question for one in found] == [question.text for question in corpus.questions]
    hours, warm, dogs = found[:3]
    assert {one.title for one in hours.candidates if one.holds} == {"Baths of Norwick"}
    assert (hours.own, warm.answerable, [one.holds for one in warm.candidates].count(True)) == (None, False, 0)
    assert dogs.answerable
    assert sum(one.holds for one in dogs.candidates) == 4  # the same words stand in each of the four texts
    last = found[-3]  # of a document that is not among the texts
    assert last.own is not None
    assert "The baths of Quarrow open at 11 in the morning." in last.own.text


def test_a_row_that_is_no_text_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"id": "a", "text": "b", "source": "c"}\n{"id": "a"}\n', encoding="utf-8")
    with pytest.raises(TrainingDataError, match=r"texts\.jsonl:2: no text with id and source"):
        order.read_texts(path)


def _train(data: Path, out: Path, stable_steps: int = 14, decay_steps: int = 6, seed: int = 5) -> dict[str, Any]:
    from safetensors.torch import load_file

    folder = order.train_order(
        data, data / "texts" / "texts.jsonl", None, bundled_folder(), out, stable_steps=stable_steps,
        decay_steps=decay_steps, seed=seed, warmup_steps=4, batch_groups=2, peak_rate=2e-4, log_steps=5,
    )  # fmt: skip
    return load_file(str(folder / "model.safetensors"))


def test_a_run_of_20_steps_can_be_repeated_and_gone_on_with(data: Path, tmp_path: Path) -> None:
    import torch

    one = _train(data, tmp_path / "one")
    lines = [json.loads(line) for line in (tmp_path / "one" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["listwise_loss"] < lines[1]["listwise_loss"]
    assert (lines[0]["documents"], lines[0]["questions"]) == (4, 18)

    two = _train(data, tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)

    (tmp_path / "three").mkdir()
    shutil.copy(tmp_path / "one" / "stable.safetensors", tmp_path / "three" / "run.safetensors")
    three = _train(data, tmp_path / "three")
    assert all(torch.equal(one[name], three[name]) for name in one)
    with pytest.raises(ModelFileError, match="use a new folder"):
        _train(data, tmp_path / "three", seed=6)

    reader = Reader.open(tmp_path / "one" / "order", bundled_folder())
    assert len(reader.answerable(["Who?"] * 2, ["Ada founded it.", "It closed."], ["Mill", ""])) == 2
