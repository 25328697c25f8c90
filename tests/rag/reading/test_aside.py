"""Furniture: it answers where nothing else does, is marked as what it is, and is never seen otherwise."""

from collections.abc import Callable
from pathlib import Path

import pilcrow
from index.collection import Collection
from index.encoder.embedding import Encoder
from index.paragraphs import Kind
from rag.answering import Models, answer
from rag.commands.text import answer_text
from rag.reading.aside import NOTICE
from rag.reading.reader import Reader

TEXT = """The old bridge is mended

The old bridge of the town was mended by the engineer Ann Example before the winter of 1998, and nobody was hurt.

The council paid for the work with the money that the harbour had earned in the years of the long dispute.

It was opened again by the mayor, who crossed it on foot with his two daughters on the first morning of May.

Subscribe to our newsletter

By Carl Penman, editor of the Harbour Post
"""


def test_furniture_answers_where_nothing_else_does_and_is_marked(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    collection = make_collection(bridge=TEXT)
    with collection.reading() as snapshot:
        kinds = {p.kind for p in snapshot.paragraphs("bridge.txt") if "Penman" in TEXT[p.start : p.end]}
    assert kinds == {Kind.FURNITURE}
    models = Models(encoder, reader)
    a = answer(collection, models, "Who is the editor of the Harbour Post?")
    assert [short.text for short in a.answers] == ["Carl Penman"]
    assert [c.kind for c in a.citations] == [Kind.FURNITURE]
    assert a.notices == (NOTICE,)
    assert "set aside as furniture" in answer_text(a)


def test_what_the_text_answers_or_nothing_does_shows_no_furniture(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    models = Models(encoder, reader)
    collection = make_collection(bridge=TEXT)
    for question in ("Who mended the old bridge?", "What does the newsletter cost?", "Who built the bridge?"):
        a = answer(collection, models, question)
        assert Kind.FURNITURE not in [c.kind for c in a.citations], question
        assert NOTICE not in a.notices
    assert answer(collection, models, "Who mended the old bridge?").answers[0].text == "the engineer Ann Example"


def test_what_only_opens_a_quoted_mail_answers_nothing(tmp_path: Path) -> None:
    (tmp_path / "mill.eml").write_text(
        "From: Berit Aune <berit@mill.example>\nTo: Jonas Ekdahl <jonas@weir.example>\nSubject: Re: Noise\n"
        "Date: Tue, 5 Mar 2024 09:00:00 +0000\n\nSorry, Jonas. The belt slipped.\n\nBerit\n\n"
        "On 04 March 2024 at 09:00, Jonas Ekdahl wrote:\n> Morning Berit,\n>\n> the people next door complained "
        "again: your mill was roaring on Saturday night.\n>\n> Jonas\n"
    )
    opened = pilcrow.open_collection(tmp_path / "collection")
    pilcrow.index(opened, [tmp_path / "mill.eml"])
    assert pilcrow.ask(opened, "What did Jonas write to Berit?").abstained
    assert "next door complained" in pilcrow.ask(opened, "Who complained?").text
