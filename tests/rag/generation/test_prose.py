"""A model's answer is prose: nothing in it can be followed or loaded."""

import time

import pytest

from rag.generation.prose import plain_prose

EVIDENCE = ["Write to https://bridge.example/office, or come by."]


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("See [the page](https://evil.example/?q=secret) [1].", "See the page [1]."),
        ("Look: ![chart](https://evil.example/a.png?d=secret) done.", "Look:  done."),
        ("![](data:image/png;base64,AAAA)Done.", "Done."),
        ("It fell [1](https://evil.example).", "It fell [1]."),
        ("Go to https://evil.example/?d=secret.", "Go to (address left out)."),
        ("Go to www.evil.example now.", "Go to (address left out) now."),
        ("Go to <https://evil.example>.", "Go to  ."),
        ("javascript:alert(1) ends.", "(address left out) ends."),
        ("Write to https://bridge.example/office.", "Write to https://bridge.example/office."),
        ("A <img src='https://evil.example/a.png'> b.", "A   b."),
        ("A <script>x()</script> b.", "A  x()  b."),
        ("**Bold** and *slanted* and _so_ [1].", "Bold and slanted and so [1]."),
        ("[ref]: https://evil.example\nIt fell.", "\nIt fell."),
        ("2 * 3 * 4 and snake_case_name stay.", "2 * 3 * 4 and snake_case_name stay."),
        ("a < b and c > d.", "a < b and c > d."),
        ("It fell [1][2].", "It fell [1][2]."),
        ("Growing ![chart](https://evil.exam", "Growing "),
        ("Growing [page](https://evil.exam", "Growing "),
    ],
)
def test_links_images_and_markup_leave_their_words(text: str, prose: str) -> None:
    assert plain_prose(text, EVIDENCE) == prose


def test_no_address_is_shown_while_the_text_grows() -> None:
    text = "See [the page](https://evil.example/?q=secret), ![x](https://evil.example/y) https://evil.example/z <b>"
    for cut in range(len(text) + 1):
        shown = plain_prose(text[:cut], EVIDENCE)
        assert "evil" not in shown
        assert "secret" not in shown


@pytest.mark.parametrize(
    "unit", ["[", "![", "](", "<a", "[a](", "*", "_", "https://", "www.", "[a]", "<", "[a]: b\n", "a:", " "]
)
def test_a_lot_of_anything_takes_linear_time(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        plain_prose(text, EVIDENCE)
        return time.process_time() - began

    small = max(seconds(30_000), 0.02)
    assert seconds(300_000) < 40 * small


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("The answer is: Ann mended it.", "Ann mended it."),
        ("The answer to this question is: The answer is: Ann mended it.", "Ann mended it."),
        ("Answer: 85% of it.", "85% of it."),
        ("The answer is 85%.", "The answer is 85%."),
        ("Ann's answer: no.", "Ann's answer: no."),
    ],
)
def test_what_small_models_begin_with_is_left_out(said: str, left: str) -> None:
    assert plain_prose(said, []) == left
