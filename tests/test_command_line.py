"""The command line as its user meets it: results on stdout, the rest on stderr, faults as one line."""

import json
import os
import re
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

import pilcrow

ROOT = Path(__file__).parent.parent
BRIDGE = "The bridge\n\nThe committee of the town agreed on Tuesday to mend the old bridge before winter.\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, a cache of its own, and no collection named."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PILCROW_COLLECTION", raising=False)
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = pilcrow.main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_an_empty_path_or_collection_is_told_and_never_taken_for_the_current_folder(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "a.txt").write_text(BRIDGE)
    for command in (
        ["index", ""], ["index", "a.txt", ""], ["index", "a.txt", "--collection", ""], ["list", "--collection="],
        ["eval", "init", "q.jsonl", "--collection", ""],
    ):  # fmt: skip
        status, out, err = run(capsys, *command)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "is empty" in err
    assert not (home / ".pilcrow").exists()
    assert run(capsys, "index", ".")[0] == 0


def test_a_collection_is_indexed_asked_shown_listed_and_emptied(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "notes").mkdir()
    (home / "notes" / "a.txt").write_text(BRIDGE)
    (home / "notes" / "bad.txt").write_bytes(b"\x7fELF\0\0\0")
    status, out, _ = run(capsys, "index", "notes", "--publisher", "Post", "--date", "4 May 2021")
    assert status == 1
    assert out.startswith("1 added, 0 updated, 0 unchanged, 1 skipped in .pilcrow\nskipped ")
    status, out, err = run(capsys, "ask", "Who mends the bridge?", "--json")
    answer = json.loads(out)
    assert (status, err, out.count("\n")) == (0, "", 1)
    (citation,) = answer["citations"]
    assert BRIDGE[citation["start"] : citation["end"]] == citation["quote"]
    assert (citation["document"], citation["publisher"], citation["date"]) == ("a.txt", "Post", "2021-05-04")
    place = [citation["document"], str(citation["start"]), str(citation["end"])]
    status, out, _ = run(capsys, "show", *place, "--json")
    assert json.loads(out) == {key: value for key, value in citation.items() if key != "label"}
    assert "▸The committee" in run(capsys, "show", *place)[1]
    hits = json.loads(run(capsys, "search", "bridge", "-k", "1", "--json")[1])["hits"]
    assert [(h["document"], h["paragraph"], h["rank"]) for h in hits] == [("a.txt", 2, 1)]
    listed = json.loads(run(capsys, "list", "--json")[1])["documents"]
    assert listed == [
        {
            "document": "a.txt",
            "title": "The bridge",
            "date": "2021-05-04",
            "publisher": "Post",
            "source": str(home / "notes" / "a.txt"),
            "bytes": len(BRIDGE),
        }
    ]
    paragraphs = json.loads(run(capsys, "paragraphs", "a.txt", "--json")[1])["paragraphs"]
    assert [(p["number"], p["kind"], BRIDGE[p["start"] : p["end"]] == p["text"]) for p in paragraphs] == [
        (1, "heading", True),
        (2, "body", True),
    ]
    assert [p["headings"] for p in paragraphs] == [[], [paragraphs[0]["text"]]]
    assert run(capsys, "paragraphs", "a.txt", "--furniture") == (0, "", "")
    stated = json.loads(run(capsys, "status", "--json")[1])
    assert list(stated) == [
        "documents",
        "paragraphs",
        "passages",
        "furniture",
        "duplicates",
        "bytes",
        "encoder",
        "generation",
        "health",
        "vectors",
        "not_read",
    ]
    assert (stated["documents"], stated["paragraphs"], stated["passages"], stated["health"]) == (1, 2, 1, "ok")
    assert run(capsys, "remove", "a.txt")[:2] == (0, "1 removed\n")
    assert json.loads(run(capsys, "list", "--json")[1]) == {"documents": []}


def test_many_questions_are_answered_in_order_under_their_ids(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.txt").write_text(BRIDGE)
    run(capsys, "index", "a.txt")
    rows = [
        {"id": 7, "question": "Who mends the bridge?"},
        {"id": "x", "question": "What boils at 100 degrees?", "history": []},
    ]
    (home / "q.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    status, out, err = run(capsys, "ask", "--questions", "q.jsonl", "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert (status, err, [a["id"] for a in answers]) == (0, "", [7, "x"])
    assert [a["abstained"] for a in answers] == [False, True]
    (home / "q.jsonl").write_text('{"id": 1, "question": "ok?"}\n{"id": 2}\n')
    status, out, err = run(capsys, "ask", "--questions", "q.jsonl", "--json")
    assert (status, out, err.startswith("pilcrow: q.jsonl:2: ")) == (2, "", True)


def test_a_file_of_plain_questions_asks_each_under_the_number_of_its_line(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "a.txt").write_text(BRIDGE)
    run(capsys, "index", "a.txt")
    (home / "q.txt").write_bytes(b"\xef\xbb\xbfWho mends the bridge?\r\n\r\nWhat boils at 100 degrees?\r\n")
    status, out, err = run(capsys, "ask", "--questions", "q.txt", "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert (status, err, [(a["id"], a["question"]) for a in answers]) == (
        0, "", [(1, "Who mends the bridge?"), (3, "What boils at 100 degrees?")]
    )  # fmt: skip


def test_without_a_collection_a_person_gets_the_sample_and_a_program_an_error(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "q.jsonl").write_text('{"id": 1, "question": "x?"}\n')
    for arguments in (
        ["ask", "x?", "--json"],
        ["ask", "--questions", "q.jsonl"],
        ["ask", "x?", "--collection", "mine"],
    ):
        status, out, err = run(capsys, *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "pilcrow index PATH" in err
    status, out, err = run(capsys, "ask", "How many years was Kenneth Yalowitz a diplomat?")
    assert status == 0
    assert "[1] " in out
    assert "sample" in err
    assert "pilcrow index PATH" in err
    assert list((home.parent / "cache" / "pilcrow").glob("sample-*/complete"))
    monkeypatch.setenv("PILCROW_COLLECTION", str(home / "named"))
    assert run(capsys, "list")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command"),
        (["ask"], "QUESTION or --questions"),
        (["ask", "x?", "--after", "soon"], "--after 'soon' is not a date"),
        (["search", "x", "-k", "0"], "-k"),
        (["index", "nowhere"], "'nowhere' does not exist"),
        (["index", "https://example.org/x.html"], "is a URL"),
        (["index", "b.tar"], "nothing to index"),
        (["index", "empty.txt"], ""),
        (["show", "a.txt", "5", "2", "--collection", "c"], "no characters"),
        (["show", "nobody.txt", "0", "2", "--collection", "c"], "no document 'nobody.txt'"),
        (["remove", "nobody.txt", "--collection", "c"], "no document 'nobody.txt'"),
        (["remove", "a.txt", "--collection", "none"], "no collection"),
        (["eval", "retrieval", "nowhere"], "a BEIR folder, .json files"),
        (["search", "-said"], "No such option: -s. Put -- before"),
        (["ask", "x?", "--document", "nobody.txt", "--collection", "c"], "no document 'nobody.txt'"),
        (["ask", "--questions", "nowhere.jsonl", "--collection", "c"], "nowhere.jsonl"),
        (["ask", "--questions", "nested.jsonl", "--collection", "c"], "nested.jsonl:1: not a JSON object"),
        (["index", "a" * 300], "File name too long; give another path"),
        (["index", "a.txt", "--collection", "b.tar"], "'b.tar': File exists; give another path"),
        (["judgements", "--trec", "no/qrels", "--collection", "c"], "'no/qrels': No such file or directory; give"),
        (["judgements", "--trec=no/qrels", "--collection", "c"], "'no/qrels': No such file or directory; give"),
        (["judgements", "--trec", "./no//qrels", "--collection", "c"], "'no/qrels': No such file or directory; give"),
        (["judgements", "--trec", "", "--collection", "c"], "'.': Is a directory; give another path"),
        (["index", "a.txt", "--collection", "./b.tar"], "'b.tar': File exists; give another path"),
        (["reindex", "--encoder", "", "--collection", "c"], "it is empty; name one"),
        (["eval", "init", "nowhere.jsonl", "--check", "--collection", "c"], "'nowhere.jsonl' cannot be read"),
        (["eval", "support", "nowhere.jsonl"], "'nowhere.jsonl' cannot be read"),
        (["eval", "support", "nested.jsonl"], "nested.jsonl:1: not a JSON object"),
        (["eval", "compare", "sample", "dense", "--html", "no/x.html"], "'no/x.html': its folder does not exist"),
    ],
)
def test_a_users_fault_is_one_line_that_says_what_to_do(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (home / "a.txt").write_text(BRIDGE)
    (home / "b.tar").write_text("x")
    (home / "empty.txt").write_text("")
    (home / "nested.jsonl").write_text("[" * 100_000)
    if "c" in arguments:
        run(capsys, "index", "a.txt", "--collection", "c")
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert said in err
    assert err.count("\n") <= 1


def test_a_collection_that_the_environment_names_is_a_path_that_the_user_named(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "a.txt").write_text(BRIDGE)
    (home / "b.tar").write_text("x")
    monkeypatch.setenv("PILCROW_COLLECTION", "b.tar")
    assert run(capsys, "index", "a.txt") == (2, "", "pilcrow: 'b.tar': File exists; give another path\n")


def test_a_path_that_nobody_named_and_that_is_missing_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "inside/of/pilcrow")

    monkeypatch.setattr("rag.commands.opening.open_collection", broken)
    with pytest.raises(FileNotFoundError):
        pilcrow.main(["list", "--collection", "inside"])


def test_json_loses_no_character_where_the_output_is_not_unicode(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "The café of Łódź “Pod Różą” opens at noon, and Zoë keeps its keys 🗝."
    (home / "a.txt").write_text(text, encoding="utf-8")
    pilcrow.main(["index", "a.txt"])
    for encoding in ("latin-1", "ascii", "cp1252", "utf-8"):
        printed = BytesIO()
        monkeypatch.setattr(sys, "stdout", TextIOWrapper(printed, encoding=encoding))
        assert pilcrow.main(["search", "Who keeps the keys?", "--json"]) == 0
        (hit,) = json.loads(printed.getvalue().decode(encoding))["hits"]
        assert hit["text"] == text


def test_filters_that_let_nothing_through_and_an_empty_question_are_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "a.txt").write_text(BRIDGE)
    run(capsys, "index", "a.txt", "--publisher", "Post", "--date", "2021")
    for filters in (["--publisher", "The Post"], ["--after", "2022"], ["--after", "2021", "--before", "2020"]):
        status, out, err = run(capsys, "ask", "Who mends the bridge?", *filters)
        assert (status, out.startswith("No answer.")) == (0, True)
        assert err == "pilcrow: no document is of these dates, outlets and names; 'pilcrow list' shows what there is\n"
    assert run(capsys, "ask", "Who mends the bridge?", "--publisher", "Post")[2] == ""
    assert run(capsys, "ask", " ", "--publisher", "Nobody")[2] == "pilcrow: the question is empty\n"
    assert json.loads(run(capsys, "ask", "", "--json")[1])["notices"] == ["the question is empty"]


def test_from_python_one_path_is_enough_and_a_date_is_one_that_filters_know(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "a.txt").write_text(BRIDGE)
    collection = pilcrow.open_collection("c")
    assert pilcrow.index(collection, "a.txt", date="4 May 2021").added == 1
    assert [d["date"] for d in json.loads(run(capsys, "list", "--collection", "c", "--json")[1])["documents"]] == [
        "2021-05-04"
    ]
    with pytest.raises(ValueError, match="'soon' is not a date"):
        pilcrow.index(collection, home / "a.txt", date="soon")
    assert "more than 0" in pilcrow.index(collection, home / "a.txt", max_bytes=0).unreadable[0][1]


def test_one_long_name_does_not_push_all_others_dates_away(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ("long" * 40 + ".txt")).write_text("A note of the clerk on the old bridge of the town.")
    (home / "a.txt").write_text(BRIDGE)
    run(capsys, "index", ".")
    short, long = run(capsys, "list")[1].splitlines()
    assert len(short) < 80
    assert long.startswith("long" * 40 + ".txt  no date")


def test_what_was_not_read_of_a_file_and_which_files_were_not_is_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "d").mkdir()
    (home / "d" / "a.html").write_text(f"<p>{BRIDGE}</p>")
    for name in ("b.bin", "c.bin", "noext"):
        (home / "d" / name).write_text("x")
    (home / "d" / "m.eml").write_text(
        "From: Ann <ann@example.org>\nSubject: Bridge\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n"
        f"{BRIDGE}\n--b\nContent-Type: application/x-plan; name=plan.dwg\nContent-Disposition: attachment\n\nxyz\n"
        "--b--\n"
    )
    said = run(capsys, "index", "d")[1].splitlines()[1:]
    notice = "1 attachment was not read (plan.dwg); save what you need as files and index those"
    assert said == [f"in d/m.eml: {notice}", "ignored 3 of an unsupported type (.bin 2, noext 1)"]
    assert run(capsys, "status")[1].splitlines()[-1] == f"in m.eml: {notice}"
    assert json.loads(run(capsys, "status", "--json")[1])["not_read"] == [{"document": "m.eml", "notice": notice}]


def test_a_renamed_file_is_found_by_both_of_its_names(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "d").mkdir()
    (home / "d" / "a.txt").write_text(BRIDGE)
    run(capsys, "index", "d")
    (home / "d" / "a.txt").rename(home / "d" / "bridges.txt")
    assert run(capsys, "index", "d")[1].startswith("0 added, 0 updated, 1 unchanged, 1 moved")
    assert run(capsys, "list")[1].rstrip().endswith("(now bridges.txt)")
    for name in ("a.txt", "bridges.txt"):
        assert json.loads(run(capsys, "paragraphs", name, "--json")[1])["document"] == "a.txt"
        assert json.loads(run(capsys, "show", name, "0", "9", "--json")[1])["document"] == "a.txt"
        assert json.loads(run(capsys, "search", "bridge", "--document", name, "--json")[1])["hits"]
    assert run(capsys, "remove", "bridges.txt") == (0, "1 removed\n", "")
    assert run(capsys, "list")[1] == ""


def test_an_index_run_that_finds_nothing_leaves_no_collection(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "b.tar").write_text("x")
    assert run(capsys, "index", "b.tar")[0] == 2
    assert not (home / ".pilcrow").exists()


def test_names_and_ids_cannot_speak_to_the_terminal(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a\x1b]0;x\x07\nforged.txt").write_text(BRIDGE)
    (home / "b\x1b[2J.txt").write_text("")
    (home / "q.jsonl").write_text(json.dumps({"id": "i\x1b[2J", "question": "Who\x1b[2J mends the bridge?"}))
    said = "".join(run(capsys, "index", ".")[1:])
    for command in (["list"], ["ask", "Who mends it?"], ["search", "bridge"], ["ask", "--questions", "q.jsonl"]):
        said += "".join(run(capsys, *command)[1:])
    assert not set(said) & set("\x1b\x07")
    assert not any(line.startswith("forged") for line in said.splitlines())


def test_an_index_run_that_reads_nothing_new_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.txt").write_text(BRIDGE)
    run(capsys, "index", "a.txt")
    assert run(capsys, "index", "a.txt") == (0, "0 added, 0 updated, 1 unchanged in .pilcrow\n", "")
    assert json.loads(run(capsys, "index", ".", "--json")[1])["ignored"] == {"the collection itself": 1}


def test_a_package_of_the_same_name_ahead_of_ours_is_told(home: Path) -> None:
    (home / "eval").mkdir()
    (home / "eval" / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, str(ROOT / "pilcrow.py"), "status"],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(home)},
    )
    # Started as a script, its own folder comes first and ours are found; as a module, the user's would be.
    assert "is not Pilcrow's" not in done.stderr
    assert (done.returncode, "documents" in done.stdout) == (0, True)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[1:1] = [{str(ROOT)!r}]\nimport pilcrow\nsys.exit(pilcrow.main(['list']))",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
    )
    assert (done.returncode, "'eval'" in done.stderr) == (2, True)


def test_reading_and_answers_are_measured_in_the_form_of_the_contract(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "The old bridge of the town was mended by the engineer Ann Example in 1998."
    rows = [
        {"id": "1", "question": "Who mended the bridge?", "answers": [{"text": "Ann Example", "answer_start": 54}]},
        {"id": "2", "question": "When was the bridge mended?", "answers": [{"text": "1998", "answer_start": 69}]},
    ]
    squad = {"data": [{"title": "Bridge", "paragraphs": [{"context": text, "qas": rows}]}]}
    (home / "squad.json").write_text(json.dumps(squad))
    status, out, err = run(capsys, "eval", "reading", "squad.json", "--json")
    assert (status, err) == (0, "")
    read = json.loads(out)
    assert list(read) == ["questions", "answerable", "unanswerable", "all", "auroc", "threshold"]
    assert (read["questions"], list(read["answerable"]), read["auroc"]) == (2, ["em", "f1"], None)
    assert read["answerable"]["f1"] >= 0.6
    status, out, err = run(capsys, "eval", "answers", "squad.json", "--json")
    assert (status, err) == (0, "")
    answers = json.loads(out)
    stated = {
        "questions",
        "em",
        "f1",
        "first_citation",
        "citations_per_answer",
        "abstained",
        "coverage_at_90",
        "seconds",
    }
    assert stated < set(answers)
    assert answers["risk_coverage"][-1]["coverage"] == 1.0
    assert (answers["first_citation"], answers["abstained"]["unanswerable"]) == (1.0, None)
    assert run(capsys, "eval", "answers", "squad.json", "--article", "Nothing")[0] == 2
    assert run(capsys, "eval", "reading", "squad.json", "--reader", "nowhere")[0] == 2


def test_what_is_written_to_a_closed_stream_is_wanted_by_nobody(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.txt").write_text(BRIDGE)
    assert run(capsys, "index", "a.txt")[0] == 0
    for number, command in ((1, "list"), (2, "ask 'Who mends it?'"), (0, "chat")):
        closed = f"exec {sys.executable} -m pilcrow {command} --collection {home / '.pilcrow'} {number}>&-"
        ended = subprocess.run(["/bin/sh", "-c", closed], cwd=ROOT, capture_output=True, text=True, check=False)
        assert (ended.returncode, "Traceback" in ended.stdout + ended.stderr) == (0, False)


def test_a_cache_folder_that_cannot_be_one_is_a_line(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "file" / "below"))
    status, out, err = run(capsys, "ask", "Who is the president?")
    assert (status, out) == (2, "")
    assert re.fullmatch(
        r"pilcrow: the cache folder '.*': Not a directory; name another: \$XDG_CACHE_HOME", err.splitlines()[-1]
    )
