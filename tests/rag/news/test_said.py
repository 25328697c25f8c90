"""What somebody says about something, and who says it, asked of a real collection."""

import pytest

import pilcrow
from rag.answers import answer_json
from rag.news.said import said_question
from rag.opened import OpenCollection

TEXT = (
    "The harbour\n\n“The pier is rotten and must be closed before the winter storms,” said Maren Holt, the harbour "
    "master of Tarvik. “Nobody will be allowed on it.”\n\nOle Brandt, a fisherman, said that the closing would ruin "
    "the small boats. He warned that the cannery would leave for the south.\n\nThe town has four thousand people and a "
    "cannery. The pier was built in 1911 by the railway."
)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> OpenCollection:
    folder = tmp_path_factory.mktemp("said")
    (folder / "harbour.txt").write_text(TEXT)
    opened = pilcrow.open_collection(folder / "collection")
    pilcrow.index(opened, [folder / "harbour.txt"])
    return opened


@pytest.mark.parametrize(
    ("question", "speaker", "topic"),
    [
        ("What did Maren Holt say about the pier?", "Maren Holt", ("pier",)),
        ("what does the harbour master think of the old pier", "the harbour master", ("old", "pier")),
        ("What is Brandt's opinion on the closing?", "Brandt", ("closing",)),
        ("How did Ole Brandt react to the plan?", "Ole Brandt", ("plan",)),
        ("Who said that the pier is rotten?", None, ("pier", "rotten")),
        ("Who warned of a flood?", None, ("flood",)),
    ],
)
def test_a_question_about_speech_is_seen(question: str, speaker: str | None, topic: tuple[str, ...]) -> None:
    asked = said_question(question)
    assert asked is not None
    assert (asked.speaker, asked.topic) == (speaker, topic)


@pytest.mark.parametrize(
    "question",
    ["What did it say?", "Who built the pier?", "What was said?", "When did Holt say it?", "Who is Maren Holt?", ""],
)
def test_any_other_question_is_not(question: str) -> None:
    assert said_question(question) is None


def test_what_somebody_says_is_told_as_said_with_speaker_and_post(collection: OpenCollection) -> None:
    answer = pilcrow.ask(collection, "What did Maren Holt say about the pier?")
    assert not answer.abstained
    first = answer.claims[0]
    assert first.speaker == "Maren Holt"
    assert first.text.startswith("Maren Holt, the harbour master of Tarvik, said: “The pier is rotten")
    for citation in answer.citations:
        assert TEXT[citation.start : citation.end] == citation.quote
    assert answer_json(answer)["claims"][0]["speaker"] == "Maren Holt"


def test_who_says_it_is_answered_with_the_name(collection: OpenCollection) -> None:
    answer = pilcrow.ask(collection, "Who said that the closing would ruin the small boats?")
    assert [a.text for a in answer.answers] == ["Ole Brandt"]
    assert answer.claims[0].text == (
        "Ole Brandt, a fisherman, said, as reported: the closing would ruin the small boats."
    )


def test_where_the_sentence_says_he_the_one_that_names_him_is_cited_too(collection: OpenCollection) -> None:
    answer = pilcrow.ask(collection, "Who warned that the cannery would leave?")
    assert answer.claims[0].speaker == "Ole Brandt"
    assert len(answer.claims[0].labels) == 2
    assert "Ole Brandt" in answer.citations[1].quote


def test_what_somebody_does_not_say_is_not_put_into_their_mouth(collection: OpenCollection) -> None:
    answer = pilcrow.ask(collection, "What did Maren Holt say about the price of herring?")
    assert all(claim.speaker is None for claim in answer.claims)
    answer = pilcrow.ask(collection, "What did Lena Orr say about the pier?")
    assert all(claim.speaker is None for claim in answer.claims)


def test_a_question_of_facts_is_answered_as_before(collection: OpenCollection) -> None:
    answer = pilcrow.ask(collection, "When was the pier built?")
    assert all(claim.speaker is None for claim in answer.claims)


def mail(sender: str, subject: str, words: str) -> str:
    return (
        f"From: {sender}\nTo: Nora Vance <nora@mill.example>\nSubject: {subject}\n"
        f"Date: Mon, 4 Mar 2024 09:00:00 +0000\nMessage-ID: <{subject}@mill.example>\n\n{words}\n"
    )


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> OpenCollection:
    folder = tmp_path_factory.mktemp("mails")
    (folder / "weir.eml").write_text(
        mail("Jonas Ekdahl <jonas@weir.example>", "Sluice", "Nora,\n\nI looked at it again on Friday. The sluice is "
             "rotten below the water line and holds by one bolt.\n\nJonas")
    )  # fmt: skip
    (folder / "miller.eml").write_text(
        mail("Berit Aune <berit@mill.example>", "Flour", "Nora,\n\nthe flour for the bakers is packed.\n\nBerit")
    )
    opened = pilcrow.open_collection(folder / "collection")
    pilcrow.index(opened, [folder])
    return opened


def test_what_a_sender_says_is_read_in_their_own_mails(mails: OpenCollection) -> None:
    answer = pilcrow.ask(mails, "What did Jonas say about the sluice?")
    assert "The sluice is rotten below the water line" in answer.text
    assert [c.publisher for c in answer.citations] == ["Jonas Ekdahl"]


def test_who_wrote_of_something_is_told_by_who_sent_the_mail(mails: OpenCollection) -> None:
    answer = pilcrow.ask(mails, "Who wrote about the rotten sluice?")
    assert (answer.direct, [c.quote for c in answer.citations]) == (
        "Jonas Ekdahl", ["From: Jonas Ekdahl <jonas@weir.example>"]
    )  # fmt: skip
    assert pilcrow.ask(mails, "Who wrote about the observatory?").abstained


def test_who_wrote_nothing_of_it_is_given_nobody_elses_words(mails: OpenCollection) -> None:
    assert pilcrow.ask(mails, "What did Berit say about the sluice?").abstained
