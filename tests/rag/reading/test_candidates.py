"""Candidates: order, agreement, and which spans become sentences of an answer."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from index.collection import Collection
from index.documents import Document
from index.encoder.embedding import Encoder
from index.intake.indexing import row_document
from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from rag.citations import Sentence, Sources
from rag.reading.candidates import Candidate, chosen, find_candidates, is_yes_or_no, same_words
from rag.reading.reader import Reading, Span, logistic
from rag.retrieval import Hit, retrieve

TEXT = "The bridge fell in 1998. It was mended by Ann Example. Ann Example left."
BODY = "The committee of the town met on Tuesday for two hours and agreed to mend the old bridge before the winter."
SENTENCES = [(0, 24), (25, 54), (55, 72)]


def candidate(words: str, sentence: int, score: float, name: str = "d", rank: int = 1) -> Candidate:
    document: Document = row_document(name, name, TEXT)
    start, end = SENTENCES[sentence]
    at = TEXT.index(words, start)
    hit = Hit(Passage(rank, name, 0, len(TEXT), TEXT), 0.5, rank, 0.5, 0.0)
    inside = Sentence(document, Paragraph(name, 1, 0, len(TEXT), Kind.BODY), start, end)
    return Candidate(hit, inside, at, at + len(words), score, 0.0)


def shown(groups: list[list[Candidate]]) -> list[list[tuple[str, str]]]:
    return [[(c.sentence.document.doc_id, c.text) for c in group] for group in groups]


def test_documents_that_hold_the_same_words_are_cited_together_for_one_sentence() -> None:
    found = [
        candidate("Ann Example", 1, 3.0),
        candidate("the Ann Example"[4:], 1, 2.0, "e", 2),
        candidate("1998", 0, 1.0),
    ]
    assert shown(chosen(found)) == [[("d", "Ann Example"), ("e", "Ann Example")]]


def test_another_answer_about_as_good_gets_its_own_sentence_and_a_sentence_is_shown_once() -> None:
    found = [candidate("1998", 0, 3.0), candidate("bridge", 0, 2.9), candidate("Ann Example", 1, 2.8)]
    assert shown(chosen(found)) == [[("d", "1998")], [("d", "Ann Example")]]


class FromTheEnd:
    """A reader that takes a text's last words for the best answer, those before them for the next, and so on."""

    def read(self, _question: str, passages: Sequence[str], _titles: object = None, *, n_spans: int) -> list[Reading]:
        def spans(text: str) -> Iterator[Span]:
            words = list(re.finditer(r"\S+", text))
            for score, word in enumerate(words, -len(words)):
                yield Span(word.start(), word.end(), word[0], float(score))

        return [Reading(tuple(spans(text))[: -n_spans - 1 : -1], 0.0, 0.0, 0.5) for text in passages]


def test_who_took_a_picture_answers_no_question_but_one_about_pictures(
    make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    caption = "The mayors of two towns at the old bridge on 3 March 1998. Ann Example/WPL"
    collection = make_collection(bridge=f"The bridge\n\n{BODY} It rained.\n\n{BODY}\n\n{caption}\n")
    best = {}
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        for question in ("What happened at the old bridge?", "Who took the photograph of the mayors?"):
            hits = [h for h in retrieve(snapshot, encoder, question) if h.passage.text == caption]
            best[question] = find_candidates(question, hits, sources, FromTheEnd())[0].text
    assert list(best.values()) == ["1998.", "Example/WPL"]


class Preferring:
    """A reader that finds the same words in every text that has them, the surer the earlier it is told of them."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, _question: str, passages: Sequence[str], _titles: object = None, *, n_spans: int) -> list[Reading]:
        return [
            Reading(
                tuple(
                    Span(text.index(word), text.index(word) + len(word), word, float(-n))
                    for n, word in enumerate(self.words)
                    if word in text
                )[:n_spans],
                0.0,
                0.0,
                0.5,
            )
            for text in passages
        ]


def test_what_only_asks_settles_no_question_of_yes_or_no(
    make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    asked, told = "Was the old bridge mended before the winter came?", "The old bridge was closed until the spring."
    collection = make_collection(bridge=f"The bridge\n\n{BODY} {asked} {told}\n")
    best = {}
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        for question in ("Was the old bridge mended?", "Which bridge was mended?"):
            hits = retrieve(snapshot, encoder, question)
            best[question] = find_candidates(question, hits, sources, Preferring(asked, told))[0].text
    assert list(best.values()) == [told, asked]


def test_what_the_order_says_of_the_passage_that_has_the_words_counts(
    make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    # Both passages fit into one excerpt, which is read for the first of them.
    near, far = "The keeper of the tower is Ann Example.", "The keeper of the mill is Bob Example."
    collection = make_collection(town=f"The town\n\n{BODY} {near}\n\n{BODY} {BODY} {far}\n")
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        hits = retrieve(snapshot, encoder, "Who is the keeper?")
        first, second = (next(h for h in hits if text in h.passage.text) for text in (near, far))
        assert first.passage != second.passage
        ordered = [replace(first, rank=1, order=5.0), replace(second, rank=2, order=-5.0)]
        found = find_candidates("Who is the keeper?", ordered, sources, Preferring("Bob Example", "Ann Example"))
    assert found[0].text == "Ann Example"


class Unsure(Preferring):
    """The same, but surer of the last words where a text has no others."""

    def read(self, question: str, passages: Sequence[str], titles: object = None, *, n_spans: int) -> list[Reading]:
        readings = super().read(question, passages, titles, n_spans=n_spans)
        return [
            replace(one, spans=(replace(one.spans[0], score=9.0),))
            if [span.text for span in one.spans] == [self.words[-1]]
            else one
            for one in readings
        ]


def test_what_the_best_sentences_say_by_themselves_counts(
    make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    sentences = "The keeper of the mill is Bob Example.", "The keeper of the tower is Ann Example."
    collection = make_collection(town=f"The town\n\n{BODY} {' '.join(sentences)}\n")
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        hits = retrieve(snapshot, encoder, "Who is the keeper?")
        found = find_candidates("Who is the keeper?", hits, sources, Unsure("Bob Example", "Ann Example"))
    assert [(c.text, c.margin, c.alone) for c in found] == [("Ann Example", -1.0, 9.0), ("Bob Example", 0.0, 0.0)]


def test_what_the_order_puts_far_behind_is_not_read_unless_it_has_exactly_what_is_asked(
    make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    near, far = "The keeper of the tower is Ann Example.", "The keeper of the mill is Bob Example."
    collection = make_collection(tower=f"{BODY}\n\n{near}\n", mill=f"{BODY}\n\n{far}\n")
    read = {}
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        hits = retrieve(snapshot, encoder, "Who is the keeper?")
        first, second = (next(h for h in hits if text in h.passage.text) for text in (near, far))
        for exact in (0, 1):
            shown = [replace(first, rank=1, order=5.0), replace(second, rank=2, order=-6.0, exact=exact)]
            found = find_candidates("Who is the keeper?", shown, sources, Preferring("Ann Example", "Bob Example"))
            read[exact] = sorted(c.text for c in found)
    assert read == {0: ["Ann Example"], 1: ["Ann Example", "Bob Example"]}


def test_nothing_found_is_no_answer_and_a_weak_agreement_is_left_out() -> None:
    assert chosen([]) == []
    assert shown(chosen([candidate("1998", 0, 3.0), candidate("1998", 0, -9.0, "e", 2)])) == [[("d", "1998")]]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Did it fall?", True),
        ("“Is it so?”", True),
        ("have they left", True),
        ("Who did it?", False),
        ("Isaac who?", False),
        ("What is it?", False),
        ("", False),
        ("Isn’t it old?", True),
        ("Could you tell me when it fell?", False),
        ("Is it Ann or Bob?", False),
        ("Did he stand against what they did?", True),
        ("May 1998 was when?", False),
    ],
)
def test_a_question_that_begins_with_its_verb_wants_a_yes_or_a_no(question: str, expected: bool) -> None:
    assert is_yes_or_no(question) is expected


def test_the_same_words_are_the_same_but_for_case_articles_and_punctuation() -> None:
    assert same_words("The U.S.", "us")
    assert same_words("“36 years”", "36 years.")
    for one, other in (
        ("36 years", "35 years"),
        ("-5 degrees", "5 degrees"),
        ("1.5", "15"),
        ("C++", "C"),
        ("...", "—"),
    ):
        assert not same_words(one, other)


def test_the_same_sentence_in_two_documents_is_one_claim_whatever_span_was_found_in_it() -> None:
    found = [candidate("Ann Example", 1, 3.0), candidate("mended by Ann Example", 1, 2.9, "e", 2)]
    assert shown(chosen(found)) == [[("d", "Ann Example"), ("e", "mended by Ann Example")]]


def test_one_passage_does_not_agree_with_itself() -> None:
    found = [candidate("Ann Example", 1, 3.0), candidate("Ann Example", 2, 1.0)]
    assert shown(chosen(found)) == [[("d", "Ann Example")]]


def test_logistic_stays_inside_nought_and_one() -> None:
    assert logistic(0.0) == 0.5
    assert logistic(2.0) == pytest.approx(0.8807970779778823)
    assert 0 < logistic(-1e9) < logistic(1e9) <= 1
