"""The words of a line that answer, as they can stand by themselves."""

from index.intake.indexing import row_document
from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from rag.citations import Sentence
from rag.composing.lines import bounded_words
from rag.reading.candidates import Candidate
from rag.retrieval import Hit


def test_a_measure_is_told_with_its_unit_and_a_count_as_it_was_marked() -> None:
    def marked(sentence: str, words: str) -> Candidate:
        at = sentence.index(words)
        paragraph = Paragraph("d", 1, 0, len(sentence), Kind.BODY)
        inside = Sentence(row_document("d", "d", sentence), paragraph, 0, len(sentence))
        hit = Hit(Passage(1, "d", 0, len(sentence), sentence), 0.03, 1, 0.4, 0.0)
        return Candidate(hit, inside, at, at + len(words), 1.0, 1.0)

    assert bounded_words(marked("The lamp weighs about 4 kg with its battery.", "4")) == "about 4 kg"
    assert bounded_words(marked("The share rose to 12 % last year.", "12")) == "12 %"
    assert bounded_words(marked("It costs 30 euros a day.", "30")) == "30 euros"
    assert bounded_words(marked("It is let to not more than six potters.", "more than six")) == "not more than six"
    assert bounded_words(marked("It is let to no fewer than six potters.", "six")) == "no fewer than six"
    assert bounded_words(marked("Of more than six potters two paid 30 euros.", "30 euros")) == "30 euros"
    assert bounded_words(marked("Police held 800 people overnight.", "800")) == "800"
