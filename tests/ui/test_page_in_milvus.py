"""The page over a collection in Milvus: files are added, asked, judged and removed as in a folder."""

import threading
from pathlib import Path

import pytest

from rag.opened import open_collection
from rag.page.visit import Page

TEXT = "The committee of the town agreed on Tuesday to mend the old bridge before winter."


def test_the_page_adds_asks_judges_and_removes_in_milvus(tmp_path: Path) -> None:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'pilcrow[milvus]'")
    opened = open_collection(f"milvus+file:{tmp_path}/page.db")
    with opened.writer():
        pass
    page, sent = Page(opened), tmp_path / "sent"
    sent.mkdir()
    (sent / "bridge.txt").write_text(TEXT)
    assert page.add({"path": str(sent / "bridge.txt"), "name": "bridge.txt"}, sent)["said"] == "added"
    assert 'data-doc="bridge.txt"' in page.listing({})["html"]
    asked = {"id": "1", "question": "When is the old bridge to be mended?", "history": []}
    *_, last = page.ask(asked, threading.Event())
    (citation,) = last["record"]["answer"]["citations"]
    assert TEXT[citation["start"] : citation["end"]] == citation["quote"]
    judged = page.judge({"turn": last["record"], "grade": "right", "label": 1, "judge": "A"}, None)
    assert judged["said"] == "Kept, judged by A."
    assert "bridge.txt" in page.qrels({})["text"]
    assert page.remove({"documents": ["bridge.txt"]})["said"] == "1 document removed."
    assert 'data-doc="bridge.txt"' not in page.listing({})["html"]
    opened.stored.close()
