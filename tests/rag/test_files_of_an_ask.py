"""How many of our files a question passes through, from `ask` to the Answer: those whose functions are called."""

import sys
import threading
from pathlib import Path
from types import FrameType

import pilcrow
from index.collection import Collection
from rag.opened import OpenCollection

ROOT = Path(pilcrow.__file__).parent
# The straight line, the collection it reads, both networks, and each wing that looks whether it is asked for. A new
# file on the way of every question is a reason to think; raise this where it belongs there.
MOST = 58
NOT_ASKED = (
    "eval/", "index/cleaning/", "index/formats/", "index/intake/", "index/milvus/", "index/upkeep/", "rag/generation/",
    "rag/page/", "rag/serving/", "rag/training/",
)  # fmt: skip


def files_called(opened: OpenCollection, question: str) -> set[str]:
    """Our files in which anything runs while a question is answered, in any thread, as paths below the root."""
    found: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.add(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(note)
    threading.setprofile(note)
    try:
        pilcrow.ask(opened, question)
    finally:
        sys.setprofile(before)
        threading.setprofile(before)
    ours = {Path(name).relative_to(ROOT) for name in found if name.startswith(str(ROOT))}
    # An environment may lie in the checkout.
    rooms = {path.as_posix() for path in ours if path.parts[0] in ("index", "rag", "eval") or len(path.parts) == 1}
    return rooms - {Path(__file__).relative_to(ROOT).as_posix()}


def test_a_question_passes_through_few_files_and_none_that_index_write_or_serve(sample: Collection) -> None:
    opened = OpenCollection(sample.folder)
    question = "How many years was Kenneth Yalowitz a diplomat?"
    assert "36 years" in pilcrow.ask(opened, question).text  # once before, so that what is loaded once is not counted
    files = files_called(opened, question)
    assert {"rag/answering.py", "rag/retrieval.py", "rag/reading/reader.py", "rag/citations.py"} <= files
    assert [name for name in files if name.startswith(NOT_ASKED)] == []
    assert len(files) <= MOST
