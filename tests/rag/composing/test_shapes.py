"""What a question asks for, and the questions that one question holds."""

import pytest

from rag.composing.shapes import Shape, ask_of, parts_of


@pytest.mark.parametrize(
    ("question", "shape"),
    [
        ("Who owns the mill?", Shape.FACT),
        ("What is the rent?", Shape.FACT),
        ("What made the mill close?", Shape.FACT),
        ("Which sells better?", Shape.FACT),
        ("Is the mill open?", Shape.YES_NO),
        ("Which flights are not allowed?", Shape.SEVERAL),
        ("List all errors", Shape.SEVERAL),
        ("What are the opening hours?", Shape.SEVERAL),
        ("Who are the members of the board?", Shape.SEVERAL),
        ("Please name the towns on the line.", Shape.SEVERAL),
        ("What is not allowed?", Shape.SEVERAL),
        ("Why did the mill close?", Shape.ACCOUNT),
        ("How do I start the pump?", Shape.ACCOUNT),
        ("What happened to the mill?", Shape.ACCOUNT),
        ("What did Ada Bramwell say about the mill?", Shape.ACCOUNT),
        ("What is this document about?", Shape.GIST),
        ("Summarise the lease", Shape.GIST),
        ("Could you give me a short summary of the report?", Shape.GIST),
        ("What are the main points?", Shape.GIST),
        ("Which part is the cheapest?", Shape.COMPARISON),
        ("Who has the most points?", Shape.COMPARISON),
        ("How many members are there in total?", Shape.COMPARISON),
        ("What is the average price?", Shape.COMPARISON),
        ("What do most people think of it?", Shape.ACCOUNT),
        ("Why does the AX take longest?", Shape.ACCOUNT),
        ("How much does the AX cost (pump quietest)?", Shape.FACT),
        ("What's the latest on the mill?", Shape.GIST),
        ("Which articles are about the mill?", Shape.GIST),
        ("Tell me about the mill", Shape.ACCOUNT),
        ("By how much may the rent rise at most?", Shape.FACT),
        ("When must the mill be open at the latest?", Shape.FACT),
        ("What is the longest we may keep the key?", Shape.FACT),
        ("What's the most money that I can claim?", Shape.FACT),
        ("Which mill has the most wheels we can see?", Shape.COMPARISON),
        ("What do they charge at the cheapest mill?", Shape.COMPARISON),
    ],
)
def test_the_shape_of_a_question(question: str, shape: Shape) -> None:
    assert ask_of(question).shape is shape


@pytest.mark.parametrize(
    ("question", "read_as", "topic"),
    [
        ("Which clause says we may keep a goat?", "May we keep a goat?", ""),
        ("What section of the lease states that the yard is shared?", "Is the yard shared?", ""),
        ("Which paragraph says who mends the fence?", "Who mends the fence?", ""),
        ("Which clause allows us to sell cider?", "May we sell cider?", ""),
        ("Which article requires the tenant to paint?", "Must the tenant paint?", ""),
        ("Under which clause can the owner come in?", "Can the owner come in?", ""),
        ("Where does it say how long the notice is?", "How long the notice is?", ""),
        ("Where in the lease does it say that dogs are allowed?", "Are dogs allowed?", ""),
        ("Which section sets out how long the notice is?", "How long the notice is?", ""),
        ("Which section deals with frost?", "What about frost?", "frost"),
        ("Which schedule lists the tools?", "What about the tools?", "the tools"),
    ],
)
def test_a_question_for_a_part_is_read_as_what_the_part_says(question: str, read_as: str, topic: str) -> None:
    ask = ask_of(question)
    assert (ask.place, ask.read_as, ask.topic) == (True, read_as, topic)


@pytest.mark.parametrize(
    "question",
    [
        "Which section of the road is closed?",
        "Under which section was he charged?",
        "Which articles are about the mill?",
        "Where does he say he was born?",
    ],
)
def test_a_question_that_only_has_such_a_word_is_not_for_a_part(question: str) -> None:
    assert not ask_of(question).place


def test_words_for_how_it_is_now_are_told_and_left_out_for_the_reader() -> None:
    ask = ask_of("What is the current meal allowance?")
    assert (ask.recent, ask.read_as) == (True, "What is the meal allowance?")
    assert ask_of("What is the latest?").read_as == "What is the latest?"


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Who is the landlord and how much is the rent?", ["Who is the landlord?", "How much is the rent?"]),
        ("When was it built and who paid?", ["When was it built?", "Who paid?"]),
        ("When and where was it built?", ["When was it built?", "Where was it built?"]),
        ("Who came? What did they bring?", ["Who came?", "What did they bring?"]),
        ("What is the rent and the deposit?", ["What is the rent and the deposit?"]),
        ("Did she say who came and when?", ["Did she say who came and when?"]),
        ("Who knows and understands what it is?", ["Who knows and understands what it is?"]),
        ("Why and how?", ["Why and how?"]),
    ],
)
def test_the_questions_that_one_question_holds(question: str, parts: list[str]) -> None:
    assert parts_of(question) == parts
