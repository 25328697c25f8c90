"""Confidence: what is known of the best candidate, and that what makes an answer likelier makes it more confident."""

from dataclasses import replace

import pytest

from index.intake.indexing import row_document
from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from rag.citations import Sentence
from rag.confidence import THRESHOLD, Signals, confidence_of, signals
from rag.reading.candidates import Candidate
from rag.retrieval import Hit

TEXT = "The bridge fell in 1998."
GOOD = Signals(margin=8.0, behind=0.0, alone=6.0)
BAD = Signals(margin=-8.0, behind=4.0, alone=-8.0)


def candidate(words: str, score: float, name: str = "d", *, margin: float = 2.0) -> Candidate:
    hit = Hit(Passage(1, name, 0, len(TEXT), TEXT), 0.03, 1, 0.4, 0.0)
    inside = Sentence(row_document(name, name, TEXT), Paragraph(name, 1, 0, len(TEXT), Kind.BODY), 0, len(TEXT))
    at = TEXT.index(words)
    return Candidate(hit, inside, at, at + len(words), score, 0.0, margin, alone=1.5)


def ordered(one: Candidate, order: float) -> Candidate:
    return replace(one, hit=replace(one.hit, order=order))


def test_the_signals_are_those_of_the_first_candidate_and_how_far_the_order_puts_it_behind() -> None:
    best = ordered(candidate("1998", 5.0, margin=3.0), 6.5)
    others = [ordered(candidate("in 1998", 4.0), 9.0), ordered(candidate("bridge", 3.0), -2.0)]
    assert signals([best, *others]) == Signals(3.0, 2.5, 1.5)
    assert signals([others[0], best]) == Signals(2.0, 0.0, 1.5)
    assert signals([others[1], others[0]]) == Signals(2.0, 8.0, 1.5)


def test_the_surer_the_reader_is_the_less_the_order_says() -> None:
    rival = ordered(candidate("bridge", 3.0), 6.0)
    told = [signals([ordered(candidate("1998", 5.0, margin=margin), 0.0), rival]) for margin in (4.0, 6.0, 8.0, 9.0)]
    assert [found.behind for found in told if found] == [6.0, 3.0, 0.0, 0.0]


def test_a_row_is_not_behind_the_other_rows_of_its_document() -> None:
    def row(one: Candidate) -> Candidate:
        paragraph = replace(one.sentence.paragraph, kind=Kind.TABLE_ROW)
        return replace(one, sentence=replace(one.sentence, paragraph=paragraph))

    best, other = row(ordered(candidate("1998", 5.0), 2.0)), row(ordered(candidate("bridge", 3.0), 6.0))
    assert signals([best, other]).behind == 0.0
    assert signals([best, row(ordered(candidate("bridge", 3.0, "other"), 6.0))]).behind == 4.0


def test_others_that_answer_as_well_do_not_make_it_less_confident() -> None:
    best = candidate("1998", 5.0)
    assert confidence_of(signals([best, candidate("bridge", 4.9)])) == confidence_of(signals([best]))


def test_nothing_found_is_no_confidence() -> None:
    assert signals([]) is None
    assert confidence_of(None) == 0.0


def test_it_lies_between_nought_and_one_and_the_threshold_parts_good_from_bad() -> None:
    assert 0 < confidence_of(BAD) < THRESHOLD < confidence_of(GOOD) < 1
    for margin in (-1e9, 1e9):
        assert 0 <= confidence_of(replace(GOOD, margin=margin)) <= 1


@pytest.mark.parametrize(("name", "step"), [("margin", 1.0), ("behind", -1.0), ("alone", 1.0)])
def test_no_signal_that_an_answer_is_right_makes_it_less_confident(name: str, step: float) -> None:
    middle = Signals(0.0, 0.0, 1.0)
    assert confidence_of(replace(middle, **{name: getattr(middle, name) + step})) > confidence_of(middle)
