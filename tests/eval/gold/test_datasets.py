"""Questions and judgements from files: what is read, and faults told with file and line."""

import json
from collections.abc import Callable
from pathlib import Path

import ir_measures
import pytest

from eval.gold.datasets import BadDataset
from eval.gold.questions import Gold, read_question_set, read_questions
from eval.gold.trec import ranked, read_qrels, read_run, read_topics, write_qrels, write_run
from rag.conversation import Turn

TOPICS = """<top>
<num> Number: 301
<title> International Organized Crime

<desc> Description:
Which groups?
</top>
<top>
<num> 302 </num>
<title>Poliomyelitis
and post-polio</title>
</top>
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


Written = Callable[[str, str], Path]


def test_topics_are_read_in_both_forms(written: Written) -> None:
    assert read_topics(written("t", TOPICS)) == {
        "301": "International Organized Crime",
        "302": "Poliomyelitis and post-polio",
    }
    assert read_topics(written("t", "1\twho  is it\n\n2\twhat\n")) == {"1": "who is it", "2": "what"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<top>\n<num> 1 <title> a\n</top>\n<top>\n<num> 2 <title> \n</top>", r"t:4: topic '2' is empty"),
        ("<top><title> a</top>", r"t:1: a topic has no number"),
        ("1\ta\n1\tb\n", r"t:2: topic '1' was there before"),
        ("1\t \n", r"t:1: topic '1' is empty"),
        ("one two\n", r"t:1: neither '<top>'"),
        ("\n", "no topic"),
    ],
)
def test_a_malformed_topic_is_told(written: Written, text: str, message: str) -> None:
    with pytest.raises(BadDataset, match=message):
        read_topics(written("t", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 0 a 1\n1 0 b\n", r"q:2: not 'QUERY 0 DOCUMENT GRADE'"),
        ("1 0 a 1\n1 0 a 2\n", r"q:2: 'a' was judged for query '1' in line 1 before"),
        ("1 0 a good\n", r"q:1: the grade 'good'"),
        ("9 0 a 1\n", r"q:1: judges query '9'"),
        ("1 0 a 0\n", "judges no document relevant"),
    ],
)
def test_a_malformed_judgement_is_told(written: Written, text: str, message: str) -> None:
    with pytest.raises(BadDataset, match=message):
        read_qrels(written("q", text), queries=["1"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 Q0 a 1 0.5\n", r"r:1: not 'QUERY Q0"),
        ("1 Q0 a 1 nan x\n", r"r:1: the score 'nan'"),
        ("1 Q0 a 1 1 x\n1 Q0 a 2 0 x\n", r"r:2: 'a' was there before"),
        ("", "no result"),
    ],
)
def test_a_malformed_run_is_told(written: Written, text: str, message: str) -> None:
    with pytest.raises(BadDataset, match=message):
        read_run(written("r", text))


def test_runs_and_qrels_come_back_as_they_were_and_ir_measures_reads_them(tmp_path: Path) -> None:
    run = {"q 1": [("a b#1", 0.75), ("100%", 0.5), ("c", 0.5)], "q2": [("c", 1e-9)]}
    qrels = {"q 1": {"100%": 2, "x": 0}, "q2": {"c": 1}}
    write_run(tmp_path / "run", run, "a setting")
    write_qrels(tmp_path / "qrels", qrels)
    names = ["a b#1", "100%", "c", "x"]
    assert read_run(tmp_path / "run", queries=run, documents=names) == {
        "q 1": [("a b#1", 0.75), ("c", 0.5), ("100%", 0.5)],  # ties by id descending
        "q2": [("c", 1e-9)],
    }
    assert read_qrels(tmp_path / "qrels", queries=qrels, documents=names) == qrels
    theirs = ir_measures.calc_aggregate(
        [ir_measures.nDCG @ 10],
        ir_measures.read_trec_qrels(str(tmp_path / "qrels")),
        ir_measures.read_trec_run(str(tmp_path / "run")),
    )
    assert theirs[ir_measures.nDCG @ 10] == pytest.approx((0.5 + 1) / 2)  # rank 3 of q 1, rank 1 of q2
    with pytest.raises(ValueError, match="rise with rank"):
        write_run(tmp_path / "run", {"q": [("a", 0.1), ("b", 0.2)]}, "x")


def test_ties_are_broken_by_id_descending() -> None:
    assert ranked({"a": 1.0, "c": 1.0, "b": 2.0}) == [("b", 2.0), ("c", 1.0), ("a", 1.0)]


def test_questions_are_read_with_gold_answers_and_history(written: Written) -> None:
    row = {
        "id": 7,
        "question": "And when?",
        "answers": ["1998", "1998"],
        "gold": [{"document": "a.txt", "paragraph": 3}, {"document": "b.txt", "start": 4, "end": 9, "grade": 2}],
        "history": [{"question": "Who mended it?", "answer": "Ann"}],
        "kind": "when",
    }
    question, other = read_questions(written("q.jsonl", json.dumps(row) + '\n\n{"id": "8", "question": "Why?"}\n'))
    assert question.question_id == "7"
    assert question.references == ("1998",)
    assert question.gold == (Gold("a.txt", paragraph=3), Gold("b.txt", 2, start=4, end=9))
    assert question.history == (Turn("Who mended it?", "Who mended it?", "Ann"),)
    assert (question.answerable, other.answerable) == (True, False)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"question": "x"}', r"q\.jsonl:1: 'id' is absent"),
        ('{"id": 1}', r"q\.jsonl:1: 'question' is absent"),
        ('{"id": 1, "question": " "}', r"q\.jsonl:1: question '1' is empty"),
        ('{"id": 1, "question": "x"}\n{"id": "1", "question": "y"}', r"q\.jsonl:2: the id '1' was there before"),
        ('{"id": 1, "question": "x", "answers": "y"}', r"q\.jsonl:1: 'answers' is not a list of strings"),
        ('{"id": 1, "question": "x", "gold": ["y"]}', r"q\.jsonl:1: 'gold' is not a list of objects"),
        ('{"id": 1, "question": "x", "gold": [{"paragraph": 1}]}', r"'document' is absent"),
        ('{"id": 1, "question": "x", "history": [{"answer": "y"}]}', r"q\.jsonl:1: \"history\" is a list of questions"),
        ('{"id": 1, "question": "x", "gold": [{"document": "d", "paragraph": "1"}]}', r"'paragraph' is '1', not a"),
        ('{"id": 1, "question": "x", "gold": [{"document": "d", "start": 3}]}', r"'start' 3 and 'end' None"),
        ('{"id": 1, "question": "x", "gold": [{"document": "d", "grade": 0}]}', r"a grade is 1 or more"),
        ("", "holds no question"),
    ],
)
def test_a_malformed_question_is_told(written: Written, row: str, message: str) -> None:
    with pytest.raises(BadDataset, match=message):
        read_questions(written("q.jsonl", row))


def test_the_sample_and_a_squad_file_are_question_sets(written: Written) -> None:
    sample = read_question_set("sample")
    assert len(sample.questions) == 65
    assert {q.answerable for q in sample.questions if q.kind == "near_miss"} == {False}
    qas = [
        {"id": "a", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 2}]},
        {"id": "b", "question": "Why?", "answers": [], "is_impossible": True},
    ]
    squad = {"data": [{"title": "A_b", "paragraphs": [{"context": "¶ Ann did.", "qas": qas}]}]}
    found = read_question_set(written("s.json", json.dumps(squad)))
    assert [q.gold for q in found.questions] == [(Gold("A b#0", start=2, end=5),), ()]
    assert found.documents is not None
    assert [d.doc_id for d in found.documents()] == ["A b#0"]
    with pytest.raises(BadDataset, match="does not exist: a BEIR folder"):
        read_question_set("nowhere")


def _squad(identity: str, context: str, answer: str, **more: object) -> str:
    asked = {"id": identity, "question": "Who?", "answers": [{"text": answer, "answer_start": context.index(answer)}]}
    return json.dumps({"data": [{"title": "A", "paragraphs": [{"context": context, "qas": [asked | more]}]}]})


def test_marked_evidence_is_the_gold_and_a_folder_of_squad_files_is_one_set(written: Written, tmp_path: Path) -> None:
    written("a.json", _squad("a", "Rain fell. Ann sang loudly.", "Ann", evidence={"start": 11, "end": 27}))
    written("b.json", _squad("b", "Bob left.", "Bob"))
    found = read_question_set(tmp_path)
    assert [q.gold for q in found.questions] == [(Gold("A#0", start=11, end=27),), (Gold("A#1", start=0, end=3),)]
    assert [q.document for q in found.questions] == ["A#0", "A#1"]
    assert found.documents is not None
    assert [d.text for d in found.documents()] == ["Rain fell. Ann sang loudly.", "Bob left."]


def test_a_question_with_evidence_and_no_words_is_answered_by_yes_or_no(written: Written, tmp_path: Path) -> None:
    evidence = {"start": 0, "end": 10}
    written("a.json", _squad("a", "Rain fell.", "Rain", answers=[], evidence=evidence, is_impossible=False))
    written("b.json", _squad("b", "Bob left.", "Bob", answers=[], evidence={"start": 0, "end": 9}, is_impossible=True))
    found = read_question_set(tmp_path)
    assert [(q.answerable, q.references) for q in found.questions] == [(True, ()), (False, ())]


def test_evidence_outside_of_the_paragraph_and_an_id_in_two_files_are_told(written: Written, tmp_path: Path) -> None:
    path = written("a.json", _squad("a", "Ann sang.", "Ann", evidence={"start": 5, "end": 10}))
    with pytest.raises(BadDataset, match="question a: its evidence, 5 to 10, is not in the paragraph"):
        read_question_set(path)
    path.write_text(_squad("a", "Ann sang.", "Ann"))
    written("b.json", _squad("a", "Bob left.", "Bob"))
    with pytest.raises(BadDataset, match=r"b\.json', question a: the id was there before"):
        read_question_set(tmp_path)


def test_a_sample_of_questions_is_fixed(written: Written) -> None:
    rows = [json.dumps({"id": i, "question": "x", "gold": [{"document": f"d#{i % 3}"}]}) for i in range(20)]
    questions = read_question_set(written("q.jsonl", "\n".join(rows)))
    assert questions.sampled(5) == questions.sampled(5)
    assert len(questions.sampled(5).questions) == 5
    assert questions.sampled(50) is questions
