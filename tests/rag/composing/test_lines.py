"""The words of a line that answer, as they can stand by themselves."""

from index.intake.indexing import row_document
from index.paragraphs import Kind, Paragraph
from index.passages import Passage
from rag.citations import Sentence
from rag.composing.lines import bounded_words, direct_words
from rag.reading.candidates import Candidate
from rag.retrieval import Hit


def marked(sentence: str, words: str, kind: Kind = Kind.BODY) -> Candidate:
    at = sentence.index(words)
    paragraph = Paragraph("d", 1, 0, len(sentence), kind)
    inside = Sentence(row_document("d", "d", sentence), paragraph, 0, len(sentence))
    hit = Hit(Passage(1, "d", 0, len(sentence), sentence), 0.03, 1, 0.4, 0.0)
    return Candidate(hit, inside, at, at + len(words), 1.0, 1.0)


def test_a_measure_is_told_with_its_unit_and_a_count_as_it_was_marked() -> None:
    assert bounded_words(marked("The lamp weighs about 4 kg with its battery.", "4")) == "about 4 kg"
    assert bounded_words(marked("The share rose to 12 % last year.", "12")) == "12 %"
    assert bounded_words(marked("It costs 30 euros a day.", "30")) == "30 euros"
    assert bounded_words(marked("It is let to not more than six potters.", "more than six")) == "not more than six"
    assert bounded_words(marked("It is let to no fewer than six potters.", "six")) == "no fewer than six"
    assert bounded_words(marked("Of more than six potters two paid 30 euros.", "30 euros")) == "30 euros"
    assert bounded_words(marked("Police held 800 people overnight.", "800")) == "800"


def test_a_notes_mark_does_not_part_a_measure_from_its_unit() -> None:
    assert bounded_words(marked("The crate weighs 14[2] kg and the lid 3 kg.", "14")) == "14 kg"
    assert bounded_words(marked("The choir has 14[2] singers.", "14")) == "14"


def test_a_command_is_told_whole_and_a_setting_by_its_value() -> None:
    assert direct_words(marked("quarryctl jobs --all", "quarryctl jobs --", Kind.CODE)) == "quarryctl jobs --all"
    assert direct_words(marked("pkg_add quarry-tools", "pkg_add", Kind.CODE)) == "pkg_add quarry-tools"
    assert direct_words(marked("retries: 7", "7", Kind.CODE)) == "7"
    assert direct_words(marked("quarryctl scale --replicas 5", "5", Kind.CODE)) == "5"
