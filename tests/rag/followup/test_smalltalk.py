"""Small talk: what it is, what it is not, and what it gets."""

import pytest

from rag.followup.smalltalk import polite_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("thanks", "You're welcome."),
        ("Thank you so much for your help!", "You're welcome."),
        ("ok great, thx", "You're welcome."),
        ("Hello!", "Hello. Ask me something about your documents."),
        ("hi there", "Hello. Ask me something about your documents."),
        ("How are you?", "Hello. Ask me something about your documents."),
        ("Good morning", "Hello. Ask me something about your documents."),
        ("bye, see you later", "Goodbye."),
        ("ok", "All right. Ask on whenever you like."),
        ("that's interesting", "All right. Ask on whenever you like."),
        ("I see, makes sense", "All right. Ask on whenever you like."),
        ("\N{THUMBS UP SIGN}", "All right. Ask on whenever you like."),
    ],
)
def test_small_talk_gets_a_polite_line(text: str, line: str) -> None:
    assert polite_line(text) == line


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "thanks, and who paid?",
        "ok, why?",
        "Hello Kitty revenue",
        "is it good",
        "really?",
        "and then?",
        "what?",
        "Great Britain",
        "What is a good answer?",
        "the welcome letter",
        "no parking",
        "okay what about the rent",
        "42",
    ],
)
def test_a_question_is_no_small_talk(text: str) -> None:
    assert polite_line(text) is None
