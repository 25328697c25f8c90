"""EM, F1, AUROC, thresholds and coverage, worked by hand; and the whole line on a small file of SQuAD's form."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pilcrow
from eval.gold.datasets import BadDataset, read_squad
from eval.gold.questions import of_squad, read_questions
from eval.measures.matching import exact_match, token_f1
from eval.measures.thresholds import auroc, best_threshold, coverage_at, percentile
from eval.runs.answers import ask_questions, score_answers
from eval.runs.rankings import collection_of, places_of
from eval.runs.reading import evaluate_reading
from index.collection import Collection
from index.encoder.embedding import Encoder
from rag.reading.reader import Reader


@pytest.mark.parametrize(
    ("prediction", "references", "em", "f1"),
    [
        ("the Bridge!", ["bridge"], 1.0, 1.0),
        ("old bridge", ["the bridge"], 0.0, 2 / 3),  # precision 1/2, recall 1
        ("a b b", ["b b c"], 0.0, 0.8),  # "a" is an article: 2 of 2 against 2 of 3
        ("x", ["y", "x y"], 0.0, 2 / 3),
        ("", [], 1.0, 1.0),
        ("x", [], 0.0, 0.0),
        ("the", ["an"], 1.0, 1.0),
    ],
)
def test_em_and_f1_are_squads(prediction: str, references: list[str], em: float, f1: float) -> None:
    assert exact_match(prediction, references) == em
    assert token_f1(prediction, references) == pytest.approx(f1)


SCORES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12)


@given(SCORES, SCORES)
def test_auroc_is_the_share_of_pairs_in_the_right_order(positives: list[float], negatives: list[float]) -> None:
    pairs = [(p > n) + (p == n) / 2 for p in positives for n in negatives]
    assert auroc(positives, negatives) == pytest.approx(sum(pairs) / len(pairs))


def test_auroc_of_one_side_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs both"):
        auroc([1.0], [])


@given(st.lists(st.tuples(st.integers(0, 4).map(float), st.sampled_from([0.0, 0.5, 1.0]), st.booleans()), min_size=1))
def test_the_best_threshold_is_the_best_of_all(rows: list[tuple[float, float, bool]]) -> None:
    scores, answered, silent = [r[0] for r in rows], [r[1] for r in rows], [float(r[2]) for r in rows]

    def mean(threshold: float) -> float:
        return sum(a if s >= threshold else q for s, a, q in zip(scores, answered, silent, strict=True))

    best = max(mean(t) for t in (*scores, math.inf))
    assert mean(best_threshold(scores, answered, silent)) == pytest.approx(best)


def test_coverage_counts_the_surest_questions_and_ties_go_together() -> None:
    assert coverage_at(0.9, [0.9, 0.8, 0.7, 0.6], [1, 1, 0, 1]) == 0.5
    assert coverage_at(0.75, [0.9, 0.8, 0.7, 0.6], [1, 1, 0, 1]) == 1.0
    assert coverage_at(0.9, [0.5, 0.5], [1, 0]) == 0.0
    assert percentile([1, 2, 3, 4], 0.5) == 2.5
    assert percentile([7.0], 0.95) == 7.0


PARAGRAPHS = {
    "Bridges": ["The old wooden bridge of the town was mended by the engineer Ann Example in 1998."],
    "Mills": ["The miller Bob Sample sold his mill to a baker from the city for forty coins."],
}


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    def row(number: int, question: str, context: str, answer: str | None) -> dict[str, object]:
        answers = [{"text": answer, "answer_start": context.index(answer)}] if answer else []
        return {"id": str(number), "question": question, "answers": answers, "is_impossible": not answers}

    bridge, mill = PARAGRAPHS["Bridges"][0], PARAGRAPHS["Mills"][0]
    on_bridges = [
        row(1, "Who mended the bridge?", bridge, "Ann Example"),
        row(2, "When was the bridge mended?", bridge, "1998"),
        row(3, "What did the engineer eat for breakfast?", bridge, None),
    ]
    on_mills = [row(4, "Who sold his mill?", mill, "Bob Sample")]
    data = [
        {"title": "Bridges", "paragraphs": [{"context": bridge, "qas": on_bridges}]},
        {"title": "Mills", "paragraphs": [{"context": mill, "qas": on_mills}]},
    ]
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": data}))
    return path


def test_the_paragraph_given_the_reader_finds_what_stands_there(squad: Path, reader: Reader) -> None:
    scores = evaluate_reading(read_squad(squad), reader)
    assert (scores.questions, scores.auroc, scores.abstained) == (4, 1.0, 1.0)
    assert scores.em <= scores.f1 <= 1.0
    assert scores.f1 >= 0.6  # the reader takes the baker for who sold the mill
    assert scores.all_f1 == pytest.approx((3 * scores.f1 + 1) / 4)
    assert math.isnan(evaluate_reading(read_squad(squad, ["Mills"]), reader).auroc)


def test_over_all_paragraphs_the_first_citation_is_the_right_one(squad: Path, encoder: Encoder, reader: Reader) -> None:
    questions = of_squad(read_squad(squad))
    with collection_of(questions, encoder) as collection:
        with collection.reading() as snapshot:
            places = places_of(questions.questions, snapshot)
        asked = ask_questions(questions.questions, places, collection, encoder, reader)
    scores = score_answers(asked, places)
    assert [a.values["First citation"] for a in asked[:3] if a.question.answerable] == [1.0, 1.0]
    assert (scores.questions, scores.answerable) == (4, 3)
    assert scores.values["First citation"] == scores.recall_at_1["read"] == 1.0
    assert scores.values["F1"] >= 0.6  # as above
    assert scores.values["Citations"] >= 1
    assert scores.values["Pointers"] == scores.values["Supported"] == 1.0
    assert scores.values["Citation recall"] == scores.values["Character recall"] == 1.0
    # The third question has no answer: it is never right, so at full coverage a quarter is wrong at least.
    assert scores.curve[-1].coverage == 1.0
    assert 0.25 <= scores.curve[-1].risk <= 0.5
    assert scores.auroc == 1.0
    assert 0 < scores.p50 <= scores.p95
    assert scores.peak_memory_bytes is None or scores.peak_memory_bytes > 100_000_000


def test_a_question_is_asked_of_its_own_document_and_among_others(
    squad: Path, tmp_path: Path, encoder: Encoder, reader: Reader
) -> None:
    twin = tmp_path / "twin.txt"
    twin.write_text("The old wooden bridge of the town was mended by the engineer Tom Twin in 1951.")
    questions = of_squad(read_squad(squad, ["Bridges"]))
    with collection_of(questions, encoder, beside=[twin]) as collection:
        with collection.reading() as snapshot:
            assert snapshot.n_documents() == 3
            places = places_of(questions.questions, snapshot)
        alone = ask_questions(questions.questions, places, collection, encoder, reader, of_document=True)
    assert {c.doc_id for a in alone for c in a.answer.citations} == {"Bridges#0"}
    assert {e.doc_id for a in alone for e in a.answer.evidence} == {"Bridges#0"}
    scores = score_answers(alone, places, threshold=0.0)
    assert scores.values["First place"] == scores.first_of_answered == 1.0
    assert math.isnan(score_answers(alone, places, threshold=1.0).first_of_answered)


def test_a_sample_is_fixed_and_keeps_every_paragraph(squad: Path) -> None:
    dataset = read_squad(squad)
    assert dataset.sampled(2) == read_squad(squad).sampled(2)
    assert len(dataset.sampled(2).questions) == 2
    assert dataset.sampled(2).paragraphs == dataset.paragraphs
    assert dataset.sampled(None) is dataset


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ('{"data": [{"paragraphs": [{"qas": []}]}]}', "SQuAD's form"),
        ('{"data": [{"paragraphs": [{"context": 5, "qas": []}]}]}', "SQuAD's form.*'context' is 5"),
        ('{"data": []}', "no question"),
        (
            '{"data": [{"title": "t", "paragraphs": [{"context": "abc", "qas": '
            '[{"id": "7", "question": null, "answers": []}]}]}]}',
            "question 7: there is no question",
        ),
        (
            '{"data": [{"title": "t", "paragraphs": [{"context": "abc", "qas": '
            '[{"id": "7", "question": "q", "answers": [{"text": "b", "answer_start": 0}]}]}]}]}',
            "question 7.*does not stand at 0",
        ),
    ],
)
def test_a_file_of_another_form_is_told(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(BadDataset, match=message):
        read_squad(tmp_path / "x.json")


def test_an_article_that_is_not_there_is_told(squad: Path) -> None:
    with pytest.raises(BadDataset, match="no question on Typo"):
        read_squad(squad, ["Mills", "Typo"])


def test_a_question_that_goes_on_is_asked_as_the_command_asks_it(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    history = ["Who mended the old bridge of the town?", {"question": "And when was that?", "answer": "In 1998. [1]"}]
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps({"id": "1", "question": "And who stood beside it?", "history": history}))
    collection = make_collection(bridge=PARAGRAPHS["Bridges"][0], mill=PARAGRAPHS["Mills"][0])
    (question,) = read_questions(file)
    with collection.reading() as snapshot:
        places = places_of([question], snapshot)
    (asked,) = ask_questions([question], places, collection, encoder, reader)
    arguments = ["ask", "--questions", str(file), "--json", "--collection", str(collection.place)]
    assert pilcrow.main(arguments) == 0
    query = json.loads(capsys.readouterr().out)["query"]
    assert "bridge" in query
    assert asked.answer.query == query
