"""`pilcrow eval` from end to end: judgements of the page, TREC's files, runs of others, another encoder, cleaning."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pilcrow
from eval.gold.datasets import BadDataset
from eval.gold.questions import Gold, of_judgements
from rag.judgements import Judgement, record, trec_qrels

TEXTS = {
    "bridge": "The old wooden bridge of the town was mended by the engineer Ann Example in 1998.\n\nIt fell in 2003.",
    "mill": "The miller Bob Sample sold his mill to a baker from the city for forty coins.",
    "ravens": "Ravens are large black birds that build their nests on cliffs near the cold northern sea.",
}
Run = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with an indexed collection in `.pilcrow`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PILCROW_COLLECTION", raising=False)
    (tmp_path / "notes").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "notes" / f"{name}.txt").write_text(text)
    assert pilcrow.main(["index", "notes"]) == 0
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(*arguments: str) -> Any:
        capsys.readouterr()
        assert pilcrow.main(arguments) == 0, capsys.readouterr().err
        out = capsys.readouterr().out
        return json.loads(out) if "--json" in arguments else out

    return run_command


def judged(question: str, citation: dict[str, Any], grade: int, judge: str = "ann") -> Judgement:
    start, end, quote = citation["start"], citation["end"], citation["quote"]
    return Judgement("2024-05-01T10:00:00Z", judge, grade, question, doc_id=citation["document"], start=start, end=end,
                     quote=quote)  # fmt: skip


def test_the_pages_judgements_are_measured_where_they_lie(home: Path, run: Run) -> None:
    questions = ["Who mended the bridge?", "Who sold his mill?", "What do ravens eat?"]
    for question, grade in zip(questions, (2, 1, 0), strict=True):
        hit = run("search", question, "-k", "1", "--json")["hits"][0]
        citation = {"document": hit["document"], "start": hit["start"], "end": hit["start"] + 9, "quote": "A quote."}
        record(home / ".pilcrow", judged(question, citation, grade))
    file = home / ".pilcrow" / "judgements.sqlite"
    given = of_judgements(file)
    # Nothing was right for the third: that says nothing of what would have been, so it is not asked.
    assert [(q.question_id, q.text) for q in given.questions] == [("q1", questions[0]), ("q2", questions[1])]
    assert given.questions[1].gold == (Gold("mill.txt", 1, start=0, end=9),)
    found = run("eval", "retrieval", str(file), "--json")
    assert (found["dataset"], found["queries"], found["judged_but_absent"]) == ("judgements", 2, 0)
    assert found["settings"]["fused"]["nDCG@10"] == 1.0
    assert set(found["settings"]["dense"]) == {"nDCG@10", "Recall@100", "MRR@10"}
    compared = run("eval", "compare", str(file), "dense", "fused", "--by", "passage", "--json")
    assert compared["questions"] == 2
    assert list(compared["settings"]) == ["dense", "fused"]
    assert run("eval", "answers", str(file), "--json")["first_citation"] == 1.0
    assert run("judgements", "--beir", "judged") == run("judgements")
    assert run("eval", "retrieval", "judged", "--json")["settings"] == found["settings"]


def test_judgements_that_are_absent_or_of_nothing_right_are_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadDataset, match=r"judgements\.sqlite' does not exist; 'pilcrow ui' has Right"):
        of_judgements(home / ".pilcrow" / "judgements.sqlite")
    record(home, judged("Who?", {"document": "mill.txt", "start": 0, "end": 9, "quote": "A quote."}, 0))
    assert pilcrow.main(["eval", "retrieval", "judgements.sqlite"]) == 2
    assert "holds no source that was judged right" in capsys.readouterr().err


def test_judges_grades_are_averaged_as_in_the_qrels(home: Path) -> None:
    place = {"document": "mill.txt", "start": 0, "end": 9, "quote": "A quote."}
    rows = [judged("Who?", place, 2), judged("Who?", place, 1, "bob"), judged("Who?", {**place, "end": 8}, 0)]
    for row in rows:
        record(home, row)
    (question,) = of_judgements(home / "judgements.sqlite").questions
    assert question.gold == (Gold("mill.txt", 1, start=0, end=9),)
    assert trec_qrels(rows) == "q1 0 mill.txt 1\n"


TOPICS = """<top>
<num> Number: 301
<title> Topic: Who mended the bridge
<desc> Description: not read
</top>
<top>
<num> Number: 302
<title> mill sold
</top>
<top><num> Number: 303 <title> nobody judged this </top>
"""


def test_trecs_topics_and_qrels_are_asked_of_a_collection_and_runs_come_back(home: Path, run: Run) -> None:
    (home / "topics").write_text(TOPICS)
    (home / "qrels").write_text("301 0 bridge.txt 2\n301 0 ravens.txt 0\n302 0 mill.txt 1\n")
    asked = ("eval", "compare", "topics", "--qrels", "qrels", "--json")
    first = run(*asked, "lexical", "fused", "--trec", "out", "--html", "report.html")
    assert first["questions"] == 2
    assert [first["settings"][name]["nDCG@10"]["mean"] for name in ("lexical", "fused")] == [1.0, 1.0]
    assert "<script src" not in (home / "report.html").read_text()
    assert sorted(path.name for path in (home / "out").iterdir())[-3:] == ["fused.run", "lexical.run", "qrels"]
    assert (home / "out" / "qrels").read_text().split("\n")[0].split() == ["301", "0", "bridge.txt", "2"]
    # What was written is a run that can be compared again, and so is one of somebody else's, the wrong way round.
    (home / "theirs.run").write_text("301 Q0 ravens.txt 1 9.5 t\n301 Q0 bridge.txt 2 9.0 t\n302 Q0 mill.txt 1 3 t\n")
    again = run(*asked, "run=out/fused.run", "run=theirs.run")
    assert again["settings"]["fused"]["nDCG@10"]["mean"] == 1.0
    assert again["settings"]["theirs"]["MRR@10"]["mean"] == pytest.approx((0.5 + 1) / 2)
    (difference,) = again["differences"]
    assert (difference["wins"], difference["losses"], difference["ties"]) == (0, 1, 1)


def test_another_encoder_and_shorter_passages_are_compared_with_the_collections_own(
    home: Path, run: Run, other_folder: Path
) -> None:
    rows = [
        {"id": 1, "question": "Who mended the bridge?", "gold": [{"document": "bridge.txt", "paragraph": 1}]},
        {"id": 2, "question": "Who sold his mill?", "gold": [{"document": "mill.txt", "start": 0, "end": 21}]},
    ]
    (home / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)))
    settings = ("fused", f"fused,encoder={other_folder}", "dense,passage=64", "read,k=2")
    found = run(
        "eval",
        "compare",
        "mine.jsonl",
        *settings,
        "--by",
        "paragraph",
        "--answers",
        "--json",
        "--cache",
        "c",
        "--html",
        "r.html",
    )
    assert {name: figures["Recall@10"]["mean"] for name, figures in found["settings"].items()} == dict.fromkeys(
        settings, 1.0
    )
    assert len([path for path in (home / "c").iterdir() if path.is_dir()]) == 2  # the asked collection is used as it is
    assert found["measure"] == "First citation"  # no answer is known in words
    assert pilcrow.main(["eval", "compare", "mine.jsonl", "dense", "--answers", "--measure", "F1"]) == 2
    one = run("eval", "retrieval", "mine.jsonl", "--encoder", str(other_folder), "--json")
    assert one["settings"]["lexical"]["Recall@100"] == 1.0


def test_cleaning_of_texts_that_are_all_body_is_their_share_lost(home: Path, run: Run) -> None:
    qas = [{"id": "1", "question": "Who?", "answers": []}]
    squad = {"data": [{"title": "T", "paragraphs": [{"context": text, "qas": qas} for text in TEXTS.values()]}]}
    (home / "squad.json").write_text(json.dumps(squad))
    words = sum(len(text.split()) for text in TEXTS.values())
    expected = {"texts": 3, "words": words, "lost_words": 0, "share_lost": 0.0}
    assert run("eval", "cleaning", "squad.json", "--json") == expected


@pytest.mark.parametrize(
    "arguments",
    [("suite", ".", "--save"), ("retrieval", ".", "--save", "x"), ("speed", "--save", "x")],
)
def test_nothing_is_measured_that_cannot_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("eval.report.results.ROOT", tmp_path)
    monkeypatch.setattr("eval.report.results.RESULTS", tmp_path / "results")
    monkeypatch.setattr("eval.runs.speed.measure_speed", lambda *_, **__: pytest.fail("it was measured"))
    assert pilcrow.main(["eval", *arguments]) == 2
    assert f"'{tmp_path}' is no checkout" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
