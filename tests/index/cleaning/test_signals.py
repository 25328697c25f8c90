"""What a block shows by itself has names, in the order that the shipped cleaner was trained with."""

import hashlib

from index.cleaning.rules import shape_of
from index.cleaning.signals import OWN, own_signals
from index.paragraphs import Kind

# Of the names, a line each, as they were when what ships was trained. Train a new cleaner before this is changed.
TRAINED_WITH = "b765aaebe423ca50"


def shown(block: str, kind: Kind = Kind.BODY) -> dict[str, float]:
    return dict(zip(OWN, own_signals(block, shape_of(block), kind), strict=True))


def test_each_signal_stands_under_its_name() -> None:
    seen = shown("Published on 9 March 2024 at 10:30")
    assert (seen["words"] > 0, seen["date"], seen["question"], seen["body"], seen["heading"]) == (True, 1, 0, 1, 0)
    assert shown("Will you subscribe?")["question"] == 1
    assert shown("Sign up for our newsletter and never miss a story!")["plea"] == 1
    assert shown("Read more on www.example.com", Kind.FURNITURE)["furniture"] == 1
    assert shown("Read more on www.example.com")["address of a page"] == 1


def test_the_order_is_the_one_that_the_cleaner_was_trained_with() -> None:
    assert hashlib.sha256("\n".join(OWN).encode()).hexdigest()[:16] == TRAINED_WITH
