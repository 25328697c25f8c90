"""Who says what: the speaker, the post, and the exact words, over texts of many kinds."""

from time import process_time

import pytest

from index.news.quotations import quotations
from index.paragraphs import Kind, Paragraph, paragraph_spans


def paragraphs_of(text: str, kind: Kind = Kind.BODY) -> list[Paragraph]:
    return [Paragraph("d", number, a, b, kind) for number, (a, b) in enumerate(paragraph_spans(text), 1)]


def said(text: str) -> list[tuple[str, str | None, bool, str]]:
    """(speaker, post, direct, words) of each quotation of a text."""
    found = quotations(text, paragraphs_of(text))
    return [(q.speaker, q.post, q.direct, text[q.start : q.end]) for q in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "“The ferry will sail on Monday,” said Maren Holt, a harbour master in Tarvik. The fog was lifting.",
            ("Maren Holt", "a harbour master in Tarvik", True, "The ferry will sail on Monday,"),
        ),
        (
            '"We lost the barley and half of the oats," farmer Ole Brandt told the Tarvik Gazette.',
            ("Ole Brandt", "farmer", True, "We lost the barley and half of the oats,"),
        ),
        (
            'The mayor, Lena Orr, called the news "a hard blow, but no reason to stop". Councillor Ole Brandt asked '
            "for a new vote.",
            ("Lena Orr", "mayor", True, "a hard blow, but no reason to stop"),
        ),
        (
            "Colonel Ida Marsh wrote: «Nobody crossed the river that night.»",
            ("Ida Marsh", "Colonel", True, "Nobody crossed the river that night."),
        ),
        (
            "Speaking in Tarvik on Tuesday, Lena Orr, the deputy mayor, announced that the school would open in May.",
            ("Lena Orr", "the deputy mayor", False, "the school would open in May."),
        ),
        (
            "The dam is one winter away from failing, warned Piet Aalto, who built it.",
            ("Piet Aalto", None, False, "The dam is one winter away from failing"),
        ),
        (
            "According to the fire brigade, the barn was empty when the roof fell in.",
            ("the fire brigade", None, False, "the barn was empty when the roof fell in."),
        ),
        (
            "Four hundred birds were counted, according to the ornithologist Runa Feld.",
            ("Runa Feld", "ornithologist", False, "Four hundred birds were counted"),
        ),
        (
            "The mayor of Tarvik, Jon Eide, said the bridge was safe.",
            ("Jon Eide", "mayor of Tarvik", False, "the bridge was safe."),
        ),
        (
            "The paper quoted Sigrid Vang, a nurse, as saying that the ward had been closed for a week.",
            ("Sigrid Vang", "a nurse", False, "the ward had been closed for a week."),
        ),
        (
            "A spokesperson for the railway denied that any train had been cancelled.",
            ("a spokesperson for the railway", None, False, "any train had been cancelled."),
        ),
        (
            "‘You cannot moor here,’ the old man said.",
            ("the old man", None, True, "You cannot moor here,"),
        ),
        (
            "The toll, Maren Holt said, is too high for the small boats.",
            ("Maren Holt", None, False, "The toll, Maren Holt said, is too high for the small boats."),
        ),
    ],
)
def test_a_speaker_is_tied_to_the_words(text: str, expected: tuple[str, str | None, bool, str]) -> None:
    assert said(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "The plan is said to be dead, and nobody was told that it was.",
        "Add the salt, note the time, and report the weight to the kitchen.",
        "The so-called “floating market” opens at six, and the “Old Customs House” closes at noon.",
        "He did not say that the harbour would close.",
        "Pay the bill according to your payment plan.",
        'The board measures 5" by 7" and the claims form is on the back.',
        "Did Maren Holt say that the ferry would sail?",
    ],
)
def test_what_nobody_says_is_no_quotation(text: str) -> None:
    assert said(text) == []


def test_a_surname_gets_the_full_name_and_the_post_that_the_document_has_elsewhere() -> None:
    text = (
        "Brandt said the harvest was lost.\n\n"
        "Ole Brandt, the head of the growers’ league, has farmed at Tarvik since 1990.\n\n“It is over,” Brandt added."
    )
    post = "the head of the growers’ league"
    assert said(text) == [
        ("Ole Brandt", post, False, "the harvest was lost."),
        ("Ole Brandt", post, True, "It is over,"),
    ]


def test_two_people_of_one_surname_are_not_taken_for_one_another() -> None:
    text = "Ole Brandt and Ida Brandt farm at Tarvik.\n\nBoth came to the meeting. “It is over,” Brandt said."
    assert said(text)[0][0] == "Brandt"


def test_he_and_she_mean_whoever_spoke_or_the_sentence_before_is_about() -> None:
    text = (
        "Lena Orr opened the school on Monday. She said it had cost nine millions.\n\n"
        "In Tarvik it was raining. He said the roof leaked."
    )
    found = quotations(text, paragraphs_of(text))
    assert [(q.speaker, q.told) for q in found] == [("Lena Orr", "pronoun")]


def test_words_that_go_on_keep_their_speaker() -> None:
    text = (
        "“The pier is rotten,” said Maren Holt. “We close it tomorrow at noon.”\n\n"
        "“It was built in a hurry, with the wrong wood, and everybody in this town knew about it.”"
    )
    found = quotations(text, paragraphs_of(text))
    assert [(q.speaker, q.told) for q in found] == [
        ("Maren Holt", "name"), ("Maren Holt", "nearby"), ("Maren Holt", "nearby"),
    ]  # fmt: skip


def test_a_quotation_that_its_speaker_parts_is_one() -> None:
    text = "“The old lighthouse,” said Maren Holt, “is not for sale.”"
    assert [words for *_, words in said(text)] == ["The old lighthouse,” said Maren Holt, “is not for sale."]


def test_minutes_and_hearings_name_the_speaker_before_each_turn() -> None:
    text = (
        "MS HOLT: I move that the pier be closed until the autumn.\n\nMR BRANDT (Growers’ League): And who pays for it?"
        "\n\nMS HOLT: The harbour office does, as it always did."
    )
    assert said(text) == [
        ("Ms Holt", None, True, "I move that the pier be closed until the autumn."),
        ("Mr Brandt", "Growers’ League", True, "And who pays for it?"),
        ("Ms Holt", None, True, "The harbour office does, as it always did."),
    ]


def test_labels_of_a_form_are_no_speakers() -> None:
    text = (
        "Location: the town hall of Tarvik\n\nDate: the fourth of May\n\n"
        "Location: the school, upstairs\n\nNote: bring a pen with you"
    )
    assert said(text) == []


def test_furniture_and_headings_are_not_read() -> None:
    text = "Maren Holt says the ferry will sail on Monday."
    assert quotations(text, paragraphs_of(text)) != []
    assert [quotations(text, paragraphs_of(text, kind)) for kind in (Kind.FURNITURE, Kind.HEADING)] == [[], []]


def test_every_quotation_lies_inside_its_paragraph_whatever_the_marks() -> None:
    text = (
        "“An open mark that nothing closes, said Maren Holt.\n\n“Another one” said Ole Brandt, \"and 'a third\n\n"
        "»The wrong way« told Lena Orr ''and `` so on''"
    )
    paragraphs = paragraphs_of(text)
    found = quotations(text, paragraphs)
    assert found
    for q in found:
        own = next(p for p in paragraphs if p.number == q.number)
        assert own.start <= q.start < q.end <= own.end


def test_no_rule_takes_time_that_grows_with_the_square_of_a_text() -> None:
    def seconds(n: int) -> float:
        text = ("Maren Holt (the harbour master, " * n) + "said “" * n
        began = process_time()
        quotations(text, paragraphs_of(text))
        return process_time() - began

    small = max(seconds(200), 0.005)
    assert seconds(800) < 40 * small
