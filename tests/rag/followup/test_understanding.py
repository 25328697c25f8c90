"""What a follow-up means after the turns before it, by kind of follow-up; texts of this test's own."""

import pytest

from rag.conversation import Turn, standalone, understood


def turn(question: str, answer: str = "", marked: str = "", query: str = "") -> Turn:
    return Turn(question, query or question, answer, marked)


TENANT = turn(
    "Who is the lessee?",
    "The flat is let by Maria Kovac (the owner) to Tom Osei (the lessee) from May 2020.",
    "Maria Kovac (the owner) to Tom Osei",
)
FERRY = turn("Which ferry runs at night?", "Only the Blue Heron runs at night.", "the Blue Heron")
PRICE = turn("How much does filter KX-410 cost?", "Filter KX-410 costs 31 euros.", "31 euros")
MILL = turn("When did the Tarn mill close?", "The Tarn mill closed in 1987.", "1987")
MAYOR = turn("Who opened the Lund library?", "Ingrid Solberg opened the Lund library in 2004.", "Ingrid Solberg")
CREW = turn("Who repaired the crane?", "Ana Ruiz and Karl Weiss repaired the crane.", "Ana Ruiz and Karl Weiss")


@pytest.mark.parametrize(
    ("last", "question", "query"),
    [
        # A pronoun stands for the answer that was marked, and of several for the one in the role asked for.
        (MAYOR, "How old was she?", "How old was Ingrid Solberg (opened Lund library)?"),
        (MAYOR, "What is her job?", "What is Ingrid Solberg's job (opened Lund library)?"),
        (TENANT, "How much rent does he pay?", "How much rent does Tom Osei pay (lessee Maria Kovac)?"),
        (FERRY, "How fast is it?", "How fast is the Blue Heron (ferry runs night)?"),
        (CREW, "Where do they live?", "Where do Ana Ruiz and Karl Weiss live (repaired crane)?"),
        # Bare asking words ask the last question once more.
        (MILL, "Why?", "Why did the Tarn mill close (1987)?"),
        (MILL, "How?", "How did the Tarn mill close (1987)?"),
        (PRICE, "since when?", "Since when does filter KX-410 cost (31 euros)?"),
        # A thing alone takes the place of the one of its form.
        (PRICE, "And KX-420?", "How much does filter KX-420 cost?"),
        (PRICE, "what about filter KX-420?", "How much does filter KX-420 cost?"),
        (
            turn("how many days does it take?", query="how many days does it take (KX-410 cost)?"),
            "and KX-420?",
            "how many days does it take (KX-420 cost)?",
        ),
        (MILL, "And the Ormen mill?", "When did the Ormen mill close?"),
        (turn("Who led the club in 2019?"), "And in 2022?", "Who led the club in 2022?"),
        (turn("Who led the club in 2019?"), "2022?", "Who led the club in 2022?"),
        (turn("Who paid for Norway?"), "and for Chile?", "Who paid for Chile?"),
        (turn("What did Ana Ruiz call the crane?"), "and Karl Weiss?", "What did Karl Weiss call the crane?"),
        (turn("What does level 3 allow?"), "and 4?", "What does level 4 allow?"),
        (turn("What is the fee for 20 million euros?"), "300 million?", "What is the fee for 300 million euros?"),
        (turn("When is the March meeting?"), "and April?", "When is the April meeting?"),
        # A superlative takes the place of one, a name that of a place, a plural that of the subject.
        (turn("Which pump is the cheapest?"), "and the fastest one?", "Which pump is the fastest?"),
        (
            turn("How many pages per minute does the Orsa print?"),
            "the Lumo X2?",
            "How many pages per minute does the Lumo X2 print?",
        ),
        (turn("How many boats are in the harbour?"), "and in Lund?", "How many boats are in Lund?"),
        (turn("When does the pool open on Sundays?"), "and on weekdays?", "When does the pool open on weekdays?"),
        (turn("Are dogs allowed?"), "and cats?", "Are cats allowed?"),
        (turn("How much does the W3 Plus cost?"), "and the W2?", "How much does the W2 cost?"),
        (turn("Who was Norway's minister?"), "Chile's?", "Who was Chile's minister?"),
        # Where nothing of its form is there, a time or a place is added.
        (turn("How many boats are in the harbour?"), "and in 2018?", "How many boats are in the harbour in 2018?"),
        (turn("How much does a ticket cost?"), "and in Lund?", "How much does a ticket cost in Lund?"),
        # What somebody else says of the same.
        (turn("What did Ana Ruiz say about the crane?"), "who else?", "Who else said something about the crane?"),
        # "Why" of what was marked, "why not" of what may not be.
        (turn("Which pump takes longest?", "The AX takes longest.", "The AX"), "why?", "Why The AX takes longest?"),
        (turn("Which pump was bought?", "They bought the AX.", "the AX"), "why?", "Why was the AX bought?"),
        (turn("Can I use vinegar?"), "why not?", "Why can't I use vinegar?"),
        # A correction is taken for what was meant.
        (PRICE, "sorry, I meant KX-430", "How much does filter KX-430 cost?"),
        (MAYOR, "no, I mean when did she leave", "when did Ingrid Solberg leave (opened Lund library)?"),
        # One of what was asked for.
        (turn("Which pump is for oil?"), "and the one that moves sand?", "Which pump moves sand?"),
        # More of the same.
        (MAYOR, "Who else?", "Who else (opened Lund library Ingrid Solberg)?"),
        (MAYOR, "what else did she do?", "what else did Ingrid Solberg do (opened Lund library)?"),
    ],
)
def test_a_follow_up_is_asked_in_full(last: Turn, question: str, query: str) -> None:
    assert standalone(question, [last]) == query


def test_a_person_stays_the_person_when_another_is_only_told_of() -> None:
    turns = [
        turn("Who opened the Lund library?", "Ingrid Solberg opened it in 2004.", "Ingrid Solberg"),
        turn("Who were her parents?", "Her parents were Nils and Marta Berg.", "Nils and Marta Berg",
             query="Who were Ingrid Solberg's parents?"),
    ]  # fmt: skip
    assert standalone("Where did she study?", turns).startswith("Where did Ingrid Solberg study")


def test_she_is_no_mister() -> None:
    last = turn("When did Mr. Brandt hire Mrs. Okafor?", "Mr. Brandt hired Mrs. Okafor in 1999.", "1999")
    assert standalone("Where did she work?", [last]).startswith("Where did Mrs Okafor work")
    assert standalone("Where did he work?", [last]).startswith("Where did Mr Brandt work")


def test_she_is_whom_she_was_before_though_he_was_spoken_of_between() -> None:
    turns = [
        turn("Who won the race?", "Nora Lind won the race.", "Nora Lind"),
        turn("how old is she?", "Nora Lind is 31.", "31", query="how old is Nora Lind?"),
        turn("And Emil Roth?", "Emil Roth is 40.", "40", query="how old is Emil Roth?"),
        turn("which club is he from?", "He runs for the Blue Sails.", "Blue Sails",
             query="which club is Emil Roth from?"),
    ]  # fmt: skip
    assert standalone("what did he win?", turns).startswith("what did Emil Roth win")
    assert standalone("when did she train?", turns).startswith("when did Nora Lind train")


def test_who_is_somebody_is_about_that_somebody() -> None:
    last = turn("Who is Emil Roth?", "Nora Lind said that the runner, Emil Roth, is ill.", "the runner")
    assert standalone("when did he fall ill?", [last]).startswith("when did Emil Roth fall ill")


def test_the_mayor_who_said_something_is_she() -> None:
    last = turn("What did the mayor say about the bridge?", "It must close, she said.", "It must close")
    assert standalone("What is her name?", [last]).startswith("What is the mayor's name")


@pytest.mark.parametrize(
    "question",
    [
        "Which museum shows the Vasa?",
        "When does the swimming pool on the north shore open in winter?",
        "What did Tom Osei say about his garden?",
        "Is it true that Lund has two libraries?",
    ],
)
def test_a_new_topic_carries_nothing_over(question: str) -> None:
    assert understood(question, [MAYOR]) == (question,)


def test_a_short_question_without_a_name_may_go_on_or_begin_anew() -> None:
    before = [turn("What is ringworm?")]
    assert understood("is there a cure?", before) == ("is there a cure (ringworm)?", "is there a cure?")
    assert understood("when does the night ferry leave?", before) == (
        "when does the night ferry leave?",
        "when does the night ferry leave (ringworm)?",
    )


def test_it_is_what_it_was_before_where_a_turn_between_only_points_to_it_or_is_about_somebody() -> None:
    turns = [turn("Which pump was bought?", "They bought the AX.", "the AX"), turn("when did it arrive?")]
    assert standalone("what did it cost?", turns) == "what did the AX cost?"
    turns = [turn("How much will the bridge cost?"), turn("When did the mayor resign?")]
    assert standalone("why did it get so expensive?", turns) == "why did the bridge get so expensive?"
    turns.insert(1, turn("How many people marched against the bridge?"))
    assert standalone("why did it get so expensive?", turns) == "why did the bridge get so expensive?"
    turns[1] = turn("How many people marched against the war?")
    assert "bridge" not in standalone("why did it get so expensive?", turns)
    last = turn("How much do the trainings reduce?", "They reduce bias.", "bias")
    assert "reduce bias" not in standalone("do they really?", [last, turn("who says so?")])


def test_a_question_with_no_word_of_its_own_only_goes_on() -> None:
    before = [turn("How many seals are there in the sound?")]
    assert understood("Why are there more now?", before) == ("Why are there more now (seals sound)?",)


def test_a_mean_of_things_that_are_named_begins_anew() -> None:
    before = [turn("How hot is the cotton programme?")]
    assert standalone("What is the average duration of the programmes?", before).endswith("of the programmes?")


def test_small_talk_between_is_passed_over() -> None:
    assert standalone("How old was she?", [MAYOR, turn("thanks!")]) == standalone("How old was she?", [MAYOR])


def test_what_the_talk_is_about_is_found_behind_a_turn_that_names_nothing() -> None:
    turns = [turn("Who opened the Lund library?"), turn("is there a cafe?", "There is a cafe.")]
    assert "Lund" in standalone("when was it closed?", turns)
