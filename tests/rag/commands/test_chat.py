"""The conversation at a terminal, and conversations in a file of questions: true commands, a true server."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pilcrow
from index.collection import Collection
from rag.commands.chat import Chat
from rag.opened import OpenCollection

BRIDGE = (
    "The old bridge of the town was mended by the engineer Ann Example before the winter of 1998. "
    "Ann Example was paid from the town's forest fund."
)
ROOT = Path(pilcrow.__file__).parent


@pytest.fixture
def opened(make_collection: Callable[..., Collection]) -> OpenCollection:
    return pilcrow.open_collection(make_collection(bridge=BRIDGE).folder)


def talk(opened: OpenCollection, *lines: str) -> None:
    Chat(opened).run(iter(lines))


def test_a_follow_up_is_understood_without_a_model_and_its_query_is_shown(
    opened: OpenCollection, capsys: pytest.CaptureFixture[str]
) -> None:
    talk(opened, "Who mended the old bridge?", "And when was that?")
    first, second = capsys.readouterr().out.split("Asked as: ")
    assert "▸Ann Example◂" in first or "Ann Example" in first
    assert second.startswith("when was that (mended old bridge Ann Example)?")
    assert "1998" in second


PARTS = (
    "Filter KX-410 is for the small boiler and costs 31 euros.\n\n"
    "Filter KX-420 is for the large boiler and costs 78 euros.\n\n"
    "Filter KX-420-S is for salt water and costs 90 euros."
)
FLAT = (
    "The contract between Maria Kovac (the owner) and Tom Osei (the lessee) began on 1 May 2020.\n\n"
    "The rent is 740 euros a month.\n\n"
    "The deposit of 1,480 euros lies at the Harbour Bank."
)


def test_another_code_is_asked_about_in_the_place_of_the_first(
    make_collection: Callable[..., Collection], capsys: pytest.CaptureFixture[str]
) -> None:
    talk(
        pilcrow.open_collection(make_collection(parts=PARTS).folder), "How much does filter KX-410 cost?", "And KX-420?"
    )
    _, second = capsys.readouterr().out.split("Asked as: ")
    assert second.startswith("How much does filter KX-420 cost?")
    assert "78 euros" in second.partition("Sources")[0]
    assert "31 euros" not in second


def test_he_is_the_one_in_the_role_that_was_asked_for(
    make_collection: Callable[..., Collection], capsys: pytest.CaptureFixture[str]
) -> None:
    opened = pilcrow.open_collection(make_collection(flat=FLAT).folder)
    talk(opened, "Who is the lessee?", "How much rent does he pay?", "And the deposit?")
    _, rent, deposit = capsys.readouterr().out.split("Asked as: ")
    assert rent.startswith("How much rent does Tom Osei pay")
    assert "740 euros" in rent
    assert "1,480 euros" in deposit.partition("Sources")[0]


def test_small_talk_is_answered_politely_and_nothing_is_searched_for(
    opened: OpenCollection, capsys: pytest.CaptureFixture[str]
) -> None:
    talk(opened, "Who mended the old bridge?", "thanks!", "And when was that?")
    said = capsys.readouterr().out
    first, polite, third = said.partition("You're welcome.")
    assert "Ann Example" in first
    assert polite
    assert third.strip().startswith("Asked as: when was that (mended old bridge Ann Example)?")


def test_sources_and_a_source_in_its_paragraph_are_shown_again(
    opened: OpenCollection, capsys: pytest.CaptureFixture[str]
) -> None:
    talk(
        opened,
        "/sources",
        "Who mended the old bridge?",
        "/sources",
        "/show 1",
        "/show 2",
        "/nonsense",
        "/help",
        "/quit",
        "Who?",
    )
    told = capsys.readouterr()
    assert told.out.count("[1] bridge.txt") == 2
    assert "Ann Example was paid" in told.out
    assert "/save FILE" in told.out
    assert told.err.splitlines() == [
        "pilcrow: nothing was asked yet",
        "pilcrow: the last answer has no source '2'; it has: 1",
        "pilcrow: '/nonsense' is no command; /help lists them",
    ]


@pytest.mark.parametrize("suffix", [".md", ".json"])
def test_a_conversation_is_saved_once(
    opened: OpenCollection, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    file = tmp_path / f"talk{suffix}"
    talk(
        opened,
        "Who mended the old bridge?",
        "And when was that?",
        f"/save {file}",
        f"/save {file}",
        "/save talk.txt",
        "/save",
        f"/save ~nobody-of-this-name/talk{suffix}",
        f"/save a\0b{suffix}",
    )
    told = capsys.readouterr()
    assert f"'~nobody-of-this-name/talk{suffix}' was not written (No such file or directory)" in told.err
    assert "was not written (embedded null byte)" in told.err
    assert f"2 questions and answers are in {file}" in told.out
    assert "was not written (File exists)" in told.err
    assert told.err.count("name a file that ends in .md or .json") == 2
    text = file.read_text(encoding="utf-8")
    if suffix == ".json":
        rows = json.loads(text)
        assert [row["question"] for row in rows] == ["Who mended the old bridge?", "And when was that?"]
        assert rows[0]["citations"][0]["quote"] in BRIDGE
    else:
        assert "\n## Who mended the old bridge?\n" in text
        assert "\nAsked as: when was that (mended old bridge Ann Example)?\n" in text


def test_a_conversation_that_cannot_be_written_to_its_end_leaves_no_file(
    opened: OpenCollection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = pytest.importorskip("resource", reason="limits are those of Unix")
    chat, file = Chat(opened), tmp_path / "talk.md"
    chat.run(iter(["Who mended the old bridge?"]))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, hard))  # as a disk that has room for 16 bytes
    try:
        chat.run(iter([f"/save {file}"]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "was not written" in capsys.readouterr().err
    assert not file.exists()


def test_what_is_saved_as_markdown_loads_and_links_nothing(
    make_collection: Callable[..., Collection], tmp_path: Path
) -> None:
    page = "The old bridge was mended by Ann Example ![x](https://evil.example/a.png) <img src=x> in 1998."
    talk(
        pilcrow.open_collection(make_collection(page=page).folder),
        "Who mended the old bridge?",
        f"/save {tmp_path / 't.md'}",
    )
    text = (tmp_path / "t.md").read_text()
    assert "evil" in text
    assert "![" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "<img" not in text.replace("\\<", "")
    assert "https://" not in text


def test_a_server_that_fails_ends_the_answer_and_not_the_conversation(
    opened: OpenCollection, chat_server: Any, speech: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    opened.model_name, opened.server = "small", chat_server.url
    chat_server.statuses, chat_server.events = [500], speech("Ann Example mended it. [1]")
    talk(opened, "Who mended the old bridge?", "Who mended the old bridge?")
    told = capsys.readouterr()
    assert told.err.startswith("pilcrow: 127.0.0.1 refused with status 500")
    assert "Ann Example mended it. [1]" in told.out


def test_the_model_makes_the_follow_up_stand_alone(
    opened: OpenCollection, chat_server: Any, speech: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    opened.model_name, opened.server = "small", chat_server.url
    chat_server.first = [speech("Ann Example did. [1]")]
    chat_server.events = speech("When did Ann Example mend the old bridge?")
    talk(opened, "Who mended the old bridge?", "And when was that?")
    assert "Asked as: When did Ann Example mend the old bridge?" in capsys.readouterr().out
    asked = chat_server.requests[1]["messages"][1]["content"]
    assert "Q: Who mended the old bridge?\nA: Ann Example did.\n" in asked
    assert "Last question: And when was that?" in asked


@pytest.mark.parametrize("nonsense", ["Paris is the capital of France.", "", "a\nb", "word " * 200, "Where is my cat?"])
def test_a_rewritten_question_about_something_else_is_not_used(
    opened: OpenCollection,
    chat_server: Any,
    speech: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
    nonsense: str,
) -> None:
    opened.model_name, opened.server = "small", chat_server.url
    chat_server.first, chat_server.events = [speech("Ann Example mended it. [1]")], speech(nonsense)
    talk(opened, "Who mended the old bridge?", "And when was that?")
    assert "Asked as: when was that (mended old bridge" in capsys.readouterr().out


# What the model of the second conversation of docs/chat-models.md says: an answer, a rewritten question, an answer.
SCRIPT = [
    "Vladimir Putin met the president of Ukraine, Petro Poroshenko, in Minsk on 26 August [2]. Alexander Lukashenko "
    "stood between the two as host [4]. They signed a peace treaty that evening [4].",
    "Who stood between Putin and Poroshenko in Minsk?",
    "Alexander Lukashenko, as their host [1].",
]


def test_the_readmes_conversation_with_a_model_is_what_is_printed(
    sample: Collection,
    chat_server: Any,
    speech: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    shown = re.findall(
        r"```console\n(.*?)```", (ROOT / "docs" / "chat-models.md").read_text(encoding="utf-8"), re.DOTALL
    )[1]
    opened = OpenCollection(sample.folder, model_name="scripted", server=chat_server.url)
    chat_server.first = [speech(text) for text in SCRIPT]
    chat, printed = Chat(opened), ""
    for question in re.findall(r"^\? (.*)$", shown, re.MULTILINE):
        chat.run(iter([question]))
        printed += f"? {question}\n{capsys.readouterr().out}"
    assert printed.strip() == shown.strip()


def test_history_in_a_file_of_questions_does_the_same(
    opened: OpenCollection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, object]] = [
        {"id": 1, "question": "And when was that?"},
        {"id": 2, "question": "And when was that?", "history": ["Who mended the old bridge?"]},
        {"id": 3, "question": "And when was that?",
         "history": [{"question": "Who mended the old bridge?", "answer": "Ann Example did. [1]"}]},
        {"id": 4, "question": "What was Ann Example paid from?", "history": ["Who mended the old bridge?"]},
    ]  # fmt: skip
    file = tmp_path / "questions.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in asked))
    assert pilcrow.main(["ask", "--questions", str(file), "--json", "--collection", str(opened.folder)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["query"] for row in rows] == [
        "And when was that?",
        "when was that (mended old bridge)?",
        "when was that (mended old bridge Ann Example)?",
        "What was Ann Example paid from?",
    ]
    assert [row["question"] for row in rows] == [row["question"] for row in asked]


@pytest.mark.parametrize("history", [5, [5], [{"answer": "x"}], [{"question": 1}], [{"question": "x", "answer": 2}]])
def test_a_history_that_is_none_is_told_with_its_line(
    opened: OpenCollection, tmp_path: Path, capsys: pytest.CaptureFixture[str], history: object
) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps({"id": 1, "question": "Why?", "history": history}))
    assert pilcrow.main(["ask", "--questions", str(file), "--json", "--collection", str(opened.folder)]) == 2
    assert capsys.readouterr().err == (
        f'pilcrow: {file}:1: "history" is a list of questions, or of objects with a "question" and an "answer"\n'
    )


def test_ask_with_a_server_writes_the_answer_and_tells_what_leaves(
    opened: OpenCollection, chat_server: Any, speech: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    chat_server.events = speech("Ann Exam", "ple mended it. [1", "]")
    line = ["ask", "Who mended the old bridge?", "--json", "--collection", str(opened.folder)]
    assert pilcrow.main([*line, "--server", chat_server.url, "--model", "small"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["answer"], row["generator"]) == ("Ann Example mended it. [1]", "small")
    assert row["seconds"]["generate"] > 0
    assert pilcrow.main([*line, "--server", chat_server.url]) == 2
    assert "--server needs the name of one of its models" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_stops_the_answer_and_keeps_the_conversation(
    opened: OpenCollection, chat_server: Any, speech: Callable[..., list[str]]
) -> None:
    chat_server.events, chat_server.stall_before = speech("Ann Example ", "mended it. [1]"), 1
    line = [sys.executable, "-m", "pilcrow", "chat", "--collection", str(opened.folder)]
    with subprocess.Popen(
        [*line, "--server", chat_server.url, "--model", "small"], cwd=ROOT, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as chat:  # fmt: skip
        assert chat.stdin is not None
        chat.stdin.write("Who mended the old bridge?\n")
        chat.stdin.flush()
        until = time.monotonic() + 60
        while not chat_server.requests and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        chat.send_signal(signal.SIGINT)
        given_up = threading.Timer(60, chat.kill)
        given_up.start()
        assert chat.stderr is not None
        assert any("stopped; the conversation goes on" in line for line in chat.stderr)
        given_up.cancel()
        chat_server.stall_before = None
        out, _ = chat.communicate("Who mended the old bridge?\n", timeout=60)
    assert "Ann Example mended it. [1]" in out
    assert chat.returncode == 0
