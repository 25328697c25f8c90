"""OpenAI's form of an answer: what a person reads in a client that shows text alone."""

from collections.abc import Callable

from index.collection import Collection
from index.encoder.embedding import Encoder
from rag.answering import Models, answer
from rag.answers import answer_json
from rag.reading.reader import Reader
from rag.serving.replies import Completion

CANTEEN = """# Canteen

Meals sold in the canteen of the harbour office, by quarter.

| Dish | Q2 | Q3 |
|------|----|----|
| Lentil soup | | 1250 |
| Fish pie | 310 | 480 |
"""


def test_a_row_of_a_table_is_told_with_the_heads_of_its_columns_and_cited_as_it_stands(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    given = answer(make_collection(canteen=CANTEEN), Models(encoder, reader), "How many fish pies were sold in Q3?")
    assert [c.quote for c in given.citations] == ["| Fish pie | 310 | 480 |"]
    told = "Dish: Fish pie; Q2: 310; Q3: 480"
    for completion in (Completion("pilcrow"), Completion("pilcrow-with-sources")):
        whole = completion.whole(given)
        content = whole["choices"][0]["message"]["content"]
        assert content.startswith(f"{told} [1]")
        assert "|" not in content
        assert content.count(told) == (2 if completion.model == "pilcrow-with-sources" else 1)
        pieces = [chunk["choices"][0]["delta"].get("content", "") for chunk in completion.chunks(given)]
        assert "".join(pieces) == content
        assert whole["pilcrow"] == answer_json(given)
    assert "| Fish pie | 310 | 480 |" in given.text
