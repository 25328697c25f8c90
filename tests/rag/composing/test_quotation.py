"""Citations as a reader would quote them: marks pair up, and who "she" is, is said where it is sure."""

from collections.abc import Sequence

import pytest

from index.documents import Document
from index.intake.indexing import row_document
from index.paragraphs import Kind, Paragraph, paragraph_spans
from index.sentences import sentence_spans
from rag.citations import Sentence, Sources
from rag.composing.quotation import as_quoted, who_is_meant


class Shelf:
    """As much of a collection's snapshot as `Sources` needs of it here: one document."""

    def __init__(self, text: str) -> None:
        self.text = text

    def document(self, doc_id: str) -> Document:
        return row_document(doc_id, doc_id, self.text)

    def paragraphs(self, doc_id: str) -> list[Paragraph]:
        return [Paragraph(doc_id, n, a, b, Kind.BODY) for n, (a, b) in enumerate(paragraph_spans(self.text), 1)]


def sentence_with(text: str, words: str) -> tuple[Sentence, int, int, Sources]:
    """The sentence of a text that has these words, and where they are."""
    shelf = Shelf(text)
    at = text.index(words)
    document = shelf.document("d")
    (paragraph,) = (p for p in shelf.paragraphs("d") if p.start <= at < p.end)
    spans: Sequence[tuple[int, int]] = sentence_spans(text, paragraph.start, paragraph.end)
    ((start, end),) = ((a, b) for a, b in spans if a <= at < b)
    return Sentence(document, paragraph, start, end), at, at + len(words), Sources(shelf)  # type: ignore[arg-type]


TOLD = (
    "The mill closed in May. “We waited too long. That chance is gone, as far as I can see,” Ada Bramwell, the former "
    "head of the mill, told the Valley Post. Nobody replied."
)


def test_a_clause_behind_a_quotation_that_stands_by_itself_is_cited_alone() -> None:
    sentence, start, end, _ = sentence_with(TOLD, "Ada Bramwell")
    assert sentence.text.startswith("That chance")  # it begins inside the quotation
    quoted = as_quoted(sentence, start, end)
    assert quoted.text == "Ada Bramwell, the former head of the mill, told the Valley Post."


def test_words_inside_a_quotation_get_it_whole_with_both_marks() -> None:
    sentence, start, end, _ = sentence_with(TOLD, "gone")
    quoted = as_quoted(sentence, start, end)
    assert quoted.text == TOLD[TOLD.index("“") : TOLD.index(" Nobody")]


@pytest.mark.parametrize(
    "text",
    [
        'The board is 5" wide. It is 9" long and cost 4 crowns.',
        "“I never saw it,” said Ada Bramwell. She left.",
        "He called it “a disgrace”. It was closed.",
        "It's the drivers' own fault. They didn't look.",
    ],
)
def test_sentences_with_whole_quotations_or_other_marks_stay_as_they_are(text: str) -> None:
    for start, end in sentence_spans(text):
        sentence = Sentence(row_document("d", "d", text), Paragraph("d", 1, 0, len(text), Kind.BODY), start, end)
        assert as_quoted(sentence, start, start + 2) == sentence


def test_straight_marks_pair_up_too_and_the_citation_stays_in_its_paragraph() -> None:
    text = 'Before.\n\n"It rained. We all got wet," said Jon Ashby.\n\nAfter "that" nothing.'
    sentence, start, end, _ = sentence_with(text, "wet")
    assert as_quoted(sentence, start, end).text == '"It rained. We all got wet," said Jon Ashby.'


def test_a_quotation_that_is_too_long_to_be_cited_whole_leaves_the_sentence() -> None:
    text = "“" + "We had waited for a very long time in the cold rain. " * 12 + "Then it came,” she said."
    sentence, start, end, _ = sentence_with(text, "Then it came")
    assert as_quoted(sentence, start, end) == sentence


@pytest.mark.parametrize(
    ("text", "words", "meant"),
    [
        ("Ada Bramwell leads the mill. She joined it in 2009.", "2009", ("She", "Ada Bramwell")),
        ("Dr Jon Ashby came last. He left early. He was ill.", "ill", ("He", "Dr Jon Ashby")),
        ("Ada Bramwell leads the mill.\n\nHer office is in Varg.", "Varg", ("Her", "Ada Bramwell")),
        ("The old bridge was closed in May. It is 40 metres long.", "40", ("It", "The old bridge")),
        ("In 2019 the mill at Varg was sold. Its wheel weighs two tonnes.", "two tonnes", ("Its", "the mill")),
        ("She bought a boat in Varg. It has two masts.", "masts", ("It", "a boat")),
        ("Kestrel Mills Ltd makes flour. The company employs 40 people.", "40", ("The company", "Kestrel Mills Ltd")),
    ],
)
def test_who_a_pronoun_means_is_said_where_the_sentence_before_names_one_person(
    text: str, words: str, meant: tuple[str, str]
) -> None:
    sentence, _, _, sources = sentence_with(text, words)
    assert who_is_meant(sentence, sources) == meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada Bramwell met Jon Ashby. He left early.", "early"),
        ("Ada Bramwell sold it to a man from Varg. He paid 40 crowns.", "40"),
        ("The Valley Post wrote about it. She left.", "left"),
        ("It rained. She left.", "left"),
        ("The council bought a new mower. It cost 900 crowns.", "900"),
        ("Kestrel Ltd owns the mill. It has 40 workers.", "40"),
        ("Rain damaged the hall. It lasted for three days.", "three"),
        ("The old bridge was closed. It is not known when work begins.", "known"),
        ("The old bridge was closed. It took two years to mend.", "two"),
        ("The old bridges were closed. It cost 900 crowns.", "900"),
        ("The mayor resigned. It came late.", "late"),
        ("The mill was built by the Varg Company. It has 40 workers.", "40"),
        ("Ada Bramwell left. He stayed. She came back.", "back"),
        ("Ada Bramwell came from Varg in 1990.", "1990"),
    ],
)
def test_nobody_is_named_where_it_is_not_sure(text: str, words: str) -> None:
    sentence, _, _, sources = sentence_with(text, words)
    assert who_is_meant(sentence, sources) is None
