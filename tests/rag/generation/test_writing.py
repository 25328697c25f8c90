"""Answers that a chat model writes: scripted models, a true collection, a true encoder."""

import re
from collections.abc import Callable, Iterator, Sequence

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.errors import ModelUnusable
from rag.answering import Models, answer, answer_events
from rag.answers import Answer, Draft, Step, answer_json
from rag.conversation import Turn
from rag.generation.chat_model import AnswerCut, Message
from rag.generation.prompt import NO_ANSWER, Exhibit, answer_messages
from rag.reading.reader import Reader
from rag.support.model import bundled_support

BRIDGE = (
    "The old bridge of the town was mended by the engineer Ann Example before the winter of 1998. "
    "The mayor, Bob Sample, paid for the work from the town's forest fund."
)
QUESTION = "Who mended the old bridge of the town?"


class Scripted:
    """Says what it was given to say, piece by piece; remembers what it was asked, and whether it was stopped."""

    name = "scripted"
    context = 4096
    notices = ()
    is_small = False

    def __init__(self, *pieces: str, cut: bool = False) -> None:
        self.pieces, self.cut = pieces, cut
        self.asked: list[Sequence[Message]] = []
        self.stopped = False

    def count(self, messages: Sequence[Message]) -> int:
        return sum(len(part if isinstance(part, str) else part.text) // 4 for m in messages for part in m.parts)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 0) -> Iterator[str]:  # noqa: ARG002
        self.asked.append(messages)
        try:
            yield from self.pieces
        finally:
            self.stopped = True
        if self.cut:
            raise AnswerCut


Ask = Callable[..., Answer]


@pytest.fixture
def ask(make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader) -> Ask:
    collection = make_collection(bridge=BRIDGE)
    return lambda model, **options: answer(collection, Models(encoder, reader, model=model), QUESTION, **options)


def test_a_written_answer_is_claims_with_verbatim_quotes(ask: Ask) -> None:
    given = ask(Scripted("Ann Example mended it [1]. ", "Bob Sample paid [1]."))
    assert [(claim.text, claim.labels, claim.verdict) for claim in given.claims] == [
        ("Ann Example mended it.", (1,), "unchecked"),
        ("Bob Sample paid.", (2,), "unchecked"),
    ]
    assert given.text == "Ann Example mended it. [1] Bob Sample paid. [2]"
    assert [BRIDGE[c.start : c.end] == c.quote for c in given.citations] == [True, True]
    assert [c.paragraph for c in given.citations] == [1, 1]
    assert given.generator == "scripted"


def test_the_events_come_in_order_and_drafts_hold_the_whole_text(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    model = Scripted("Ann ", "Example [", "1", "] did. [7]")
    events = list(answer_events(make_collection(bridge=BRIDGE), Models(encoder, reader, model=model), QUESTION))
    steps = [event.name for event in events if isinstance(event, Step)]
    assert steps == ["searching", "reading", "writing", "checking"]
    assert [event.text for event in events if isinstance(event, Draft)][-1] == "Ann Example [1] did."
    last = events[-1]
    assert isinstance(last, Answer)
    assert "markers that point to no evidence, removed: 1" in last.notices


def test_closing_the_events_stops_the_model(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    model = Scripted("Ann ", "Example ", "did. [1]")
    events = answer_events(make_collection(bridge=BRIDGE), Models(encoder, reader, model=model), QUESTION)
    assert next(event for event in events if isinstance(event, Draft)).text == "Ann"
    assert not model.stopped
    events.close()
    assert model.stopped


def test_a_model_that_says_that_the_evidence_does_not_answer_abstains(ask: Ask) -> None:
    given = ask(Scripted(NO_ANSWER))
    assert (given.abstained, given.reason, given.claims, given.citations) == (True, "not_stated", (), ())
    assert given.evidence


def test_wherever_the_stream_is_cut_the_answer_is_the_same(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    collection = make_collection(bridge=BRIDGE)
    text = "<think>[1]</think>Ann Example [1, 9] did. [0] Bob paid [1-1][1]."
    answers = set()
    for cut in range(len(text) + 1):
        events = list(
            answer_events(collection, Models(encoder, reader, model=Scripted(text[:cut], text[cut:])), QUESTION)
        )
        drafts = [event.text for event in events if isinstance(event, Draft)]
        assert all(set(re.findall(r"\[[^\]]*\]?", draft)) <= {"[1]"} for draft in drafts)
        assert drafts[-1] == "Ann Example [1] did. Bob paid [1][1]."
        last = events[-1]
        assert isinstance(last, Answer)
        answers.add((last.text, last.claims, last.citations, last.notices))
    assert len(answers) == 1
    ((shown, _, _, notices),) = answers
    assert shown == "Ann Example did. [1] Bob paid. [2]"
    assert notices == ("markers that point to no evidence, removed: 2",)


def test_what_fits_the_context_is_the_best_and_the_rest_is_told(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    pages = {
        f"page{i}": f"The old bridge of town {i} was mended by engineer {i}. {'It is long. ' * 60}" for i in range(6)
    }
    collection = make_collection(**pages)
    whole, model = Scripted("Engineer 1 did [1]."), Scripted("Engineer 1 did [1].")
    full = answer(collection, Models(encoder, reader, model=whole), QUESTION)
    assert len(full.evidence) == 6
    model.context = whole.count(whole.asked[0])  # with room for the answer taken off, some must go
    given = answer(collection, Models(encoder, reader, model=model), QUESTION)
    read = len(given.evidence)
    assert 0 < read < 6
    assert given.evidence == full.evidence[:read]
    assert f"the model was given the best {read} of 6 passages; more do not fit its context" in given.notices
    assert model.count(model.asked[0]) <= model.context - model.context // 4
    prompt = "".join(part if isinstance(part, str) else part.text for part in model.asked[0][1].parts)
    assert f"[{read}] " in prompt
    assert f"[{read + 1}] " not in prompt


def test_a_model_that_reads_too_little_is_refused(ask: Ask) -> None:
    model = Scripted("No.")
    model.context = 100
    with pytest.raises(ModelUnusable, match="'scripted' reads 100 tokens, too few for one passage"):
        ask(model)


def test_an_answer_that_is_cut_ends_with_its_last_whole_sentence(ask: Ask) -> None:
    given = ask(Scripted("Ann Example mended it. [1] Bob Sam", cut=True))
    assert given.text == "Ann Example mended it. [1]"
    assert "ran out of tokens" in given.notices[-1]
    endless = ask(Scripted(*(f"Ann Example mended bridge {i}. [1] " for i in range(300))))
    assert "did not come to an end" in endless.notices[-1]
    assert len(endless.text) < 7000


def test_a_model_that_repeats_itself_is_stopped_and_said_once(ask: Ask) -> None:
    model = Scripted(*["Ann Example mended it. [1] "] * 400)
    given = ask(model)
    assert given.text == "Ann Example mended it. [1]"
    assert given.notices == ("the model began to repeat itself; its answer was cut off",)
    assert model.stopped


def test_a_small_model_that_repeats_itself_is_stopped_before_its_tokens_are_spent(ask: Ask) -> None:
    words = [f"{word} " for line in ["The answer to this question is:"] * 13 for word in line.split()]
    said: list[str] = []
    model = Scripted()
    model.is_small = True
    model.pieces = (said.append(word) or word for word in words)  # type: ignore[assignment,func-returns-value]
    given = ask(model)
    assert 24 < len(said) < 45 < len(words)
    assert [claim.quoted_instead for claim in given.claims] == [True]
    assert given.notices == ("the model gave no answer",)


def test_for_a_model_that_says_nothing_the_document_is_quoted_and_it_is_told(ask: Ask) -> None:
    given = ask(Scripted("<think>Hm.</think>"))
    assert [(claim.text in BRIDGE, claim.quoted_instead) for claim in given.claims] == [(True, True)]
    assert given.notices == ("the model gave no answer",)
    of_the_reader_no_quote = ask(Scripted("<think>Hm.</think>"), threshold=1.0, own_reading=True)
    assert (of_the_reader_no_quote.abstained, of_the_reader_no_quote.reason) == (True, "not_stated")


@pytest.mark.parametrize(
    "said", [NO_ANSWER, f"{NO_ANSWER} [1]", "The evidence does not answer this.", f"**{NO_ANSWER}**"]
)
def test_the_sentence_for_no_answer_abstains_in_any_dress(ask: Ask, said: str) -> None:
    assert ask(Scripted(said)).abstained


def test_what_else_is_said_beside_the_sentence_for_no_answer_is_kept(ask: Ask) -> None:
    given = ask(Scripted(f"{NO_ANSWER} Ann Example mended it. [1]"))
    assert [claim.text for claim in given.claims] == ["Ann Example mended it."]


def test_strict_quotes_what_nobody_judged_and_abstains_where_nothing_is_left(ask: Ask) -> None:
    quoted = ask(Scripted("Ann Example mended it. [1]"), strict=True)
    assert [(claim.verdict, claim.quoted_instead) for claim in quoted.claims] == [("supported", True)]
    given = ask(Scripted("Ann Example mended it. [1]"), strict=True, threshold=1.0, own_reading=True)
    assert (given.abstained, given.text, given.citations) == (True, "", ())
    assert given.notices == ("sentences that nothing bears out, left out: 1",)


def test_an_off_topic_question_is_not_put_to_the_model(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    model = Scripted("Paris. [1]")
    given = answer(
        make_collection(bridge=BRIDGE), Models(encoder, reader, model=model), "What is the boiling point of tin?"
    )
    assert (given.abstained, given.reason, model.asked) == (True, "off_topic", [])


def test_a_question_that_the_reader_cannot_read_is_put_to_the_model(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    model = Scripted("Ann Example hat sie repariert. [1]")
    question = "Wer hat die alte Brücke der Stadt repariert?"
    given = answer(make_collection(bridge=BRIDGE), Models(encoder, reader, model=model), question)
    assert given.text == "Ann Example hat sie repariert. [1]"


def test_without_a_model_nothing_of_an_answer_is_written(ask: Ask) -> None:
    given = ask(None)
    assert given.generator == "extractive"
    assert given.claims[0].text in BRIDGE


def test_the_prompt_has_titles_dates_outlets_and_the_question_in_full() -> None:
    messages = answer_messages(
        "And when was that?", "When did Ann mend it?", [Exhibit("It\nfell [3].", "A [2] title", "2023-02-19", "Outlet")]
    )
    text = "".join(part if isinstance(part, str) else part.text for part in messages[1].parts)
    assert text == (
        "Evidence:\n[1] (A (2) title · 2023-02-19 · Outlet) It fell (3).\n\nQuestion: And when was that?\n"
        "Asked in full: When did Ann mend it?\nAnswer from the evidence above, every sentence with its number."
    )
    assert NO_ANSWER in str(messages[0].parts[0])


def test_a_small_model_is_asked_for_one_sentence_in_the_readers_words(ask: Ask) -> None:
    model = Scripted("Ann Example ", "mended the old bridge. ", "She also wrote a ", "book about cats.")
    model.is_small = True
    given = ask(model)
    assert [claim.text for claim in given.claims] == ["Ann Example mended the old bridge."]
    asked = "".join(part if isinstance(part, str) else part.text for m in model.asked[0] for part in m.parts)
    assert "Ann Example" in asked.split(QUESTION)[1]  # behind the question: what the reader marked
    assert not re.search(r"\[\d", asked)
    assert NO_ANSWER not in asked
    assert model.stopped


CANTEEN = """Meals sold in the canteen of the harbour office, by quarter.

| Dish | Q2 | Q3 |
|------|----|----|
| Lentil soup | | 1250 |
| Fish pie | 310 | 480 |
"""


@pytest.mark.parametrize("is_small", [True, False])
def test_a_row_of_a_table_is_given_and_judged_with_the_heads_of_its_columns(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader, *, is_small: bool
) -> None:
    judged: list[str] = []

    class Judge:
        def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
            judged.extend(text for _, text in pairs)
            return [0.9 for _ in pairs]

    said = "Lentil soup sold 1250 in Q3."
    model = Scripted(said if is_small else f"{said} [1]")
    model.is_small = is_small
    question = "How much lentil soup was sold in Q3?"
    given = answer(make_collection(canteen=CANTEEN), Models(encoder, reader, model, Judge()), question)
    shown = "Dish: Lentil soup; Q2: -; Q3: 1250"
    asked = "".join(part if isinstance(part, str) else part.text for m in model.asked[0] for part in m.parts)
    assert shown in asked
    assert "|" not in asked
    assert is_small or "Dish: Fish pie; Q2: 310; Q3: 480" in asked
    assert shown in judged
    assert not any("| Lentil" in text for text in judged)
    assert [(claim.text, claim.quoted_instead) for claim in given.claims] == [(said, False)]
    assert given.citations[0].quote == "| Lentil soup | | 1250 |"


def test_a_small_models_sentence_cites_what_it_was_written_from_where_that_bears_it_out(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    class Judge:
        def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
            return [0.9 for _ in pairs]

    song = "A song of the town says: Ann Example mended a bridge and was merry."
    collection = make_collection(bridge=BRIDGE, song=song)
    model = Scripted("Ann Example mended a bridge of the town.")
    model.is_small = True
    given = answer(collection, Models(encoder, reader, model, Judge()), QUESTION)
    plain = answer(collection, Models(encoder, reader), QUESTION)
    assert [claim.quoted_instead for claim in given.claims] == [False]
    assert [c.quote for c in given.citations] == [plain.citations[0].quote] == [BRIDGE.partition(". ")[0] + "."]
    model.is_small = False  # a large one wrote from all of them
    assert answer(collection, Models(encoder, reader, model, Judge()), QUESTION).citations[0].quote == song


def test_what_a_model_makes_up_is_quoted_instead(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    collection, support = make_collection(bridge=BRIDGE), bundled_support()
    for is_small, said in ((True, "Carl Other tore the bridge down in 2005."), (False, "Carl Other did in 2005. [1]")):
        model = Scripted(said)
        model.is_small = is_small
        given = answer(collection, Models(encoder, reader, model, support), QUESTION)
        plain = answer(collection, Models(encoder, reader), QUESTION)
        assert [(c.text, c.quoted_instead) for c in given.claims] == [(plain.claims[0].text, True)]
        assert given.citations[0].quote == plain.citations[0].quote
        assert answer_json(given)["claims"][0]["quoted_instead"] is True


def test_where_the_reader_finds_no_answer_the_model_is_not_waited_for(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    collection, model = make_collection(bridge=BRIDGE), Scripted("Ann Example sold it. [1]")
    question = "Who sold the old bridge of the town to the circus?"
    given = answer(collection, Models(encoder, reader, model), question)
    assert (given.abstained, given.reason, model.asked) == (True, "not_stated", [])
    assert answer(collection, Models(encoder, reader, model), question, own_reading=True).claims
    assert len(model.asked) == 1


def test_a_small_model_is_not_asked_to_rewrite_a_follow_up(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    collection, before = make_collection(bridge=BRIDGE), [Turn(QUESTION, QUESTION, "Ann Example mended it.")]
    queries = []
    for is_small in (False, True):
        model = Scripted("When was the old bridge of the town mended?")
        model.is_small = is_small
        queries.append(answer(collection, Models(encoder, reader, model), "And when?", history=before).query)
    assert queries == [
        "When was the old bridge of the town mended?",
        answer(collection, Models(encoder, reader), "And when?", history=before).query,
    ]


def test_what_is_refused_and_has_no_quote_left_is_left_out_and_told(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    collection = make_collection(bridge=BRIDGE)
    model = Scripted("Ann Example mended the old bridge. [1] Carl Other tore it down in 2005. [1]")
    given = answer(collection, Models(encoder, reader, model, bundled_support()), QUESTION)
    assert [(claim.text, claim.quoted_instead) for claim in given.claims] == [
        ("Ann Example mended the old bridge.", False)
    ]
    assert given.notices == ("sentences that nothing bears out, left out: 1",)
