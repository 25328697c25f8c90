"""Made-up things among look-alikes: the small version of `python -m eval.bench.exact`."""

from pathlib import Path

from eval.bench.exact import made_up, measure
from index.encoder.embedding import Encoder
from index.intake.indexing import index_documents
from index.opening import create_collection


def test_the_document_that_has_what_the_question_gives_comes_first(tmp_path: Path, encoder: Encoder) -> None:
    made = list(made_up(240))
    assert len({one.document.text for one in made}) == len(made)
    with create_collection(tmp_path / "collection", encoder.identity) as collection:
        index_documents(collection, encoder, (one.document for one in made))
        figures = measure(collection, encoder, made[::5])
    assert figures["questions"] == 48
    assert figures["missed"] == []
    assert figures["first"]["search"] == dict.fromkeys(
        ("all", "code", "part", "invoice", "day", "section", "name"), 1.0
    )
