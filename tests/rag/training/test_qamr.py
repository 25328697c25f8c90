"""QAMR: which rows are kept, and Treebank tokens as running text."""

from pathlib import Path

from rag.training.question_sets import Corpus
from rag.training.support_questions import add_qamr, detokenise


def test_treebank_tokens_become_running_text_with_offsets() -> None:
    sentence = "`` We 'll pay $ 5 , '' said Ann 's aide -LRB- who did n't -RRB- ."
    text, offsets = detokenise(sentence.split())
    assert text == "\"We'll pay $5,\" said Ann's aide (who didn't)."
    assert [text[start:end] for start, end in offsets][:5] == ['"', "We", "'ll", "pay", "$"]
    assert text[offsets[9][0] : offsets[9][1]] == "Ann"


def test_qamr_keeps_rows_that_the_writer_and_both_validators_agree_on(tmp_path: Path) -> None:
    head = ["s:1:2:3", "0 1", "9", "0", "0"]
    rows = [
        [*head, "Who sold the old mill?", "0 1", "7:0 1", "8:1"],
        [*head, "What did Ada sell then?", "3 4", "7:Invalid", "8:3 4"],
        [*head, "Who sold what to whom?", "0 1", "7:3 4", "8:0 1"],
        [*head, "Who sold the old", "0 1", "7:0 1", "8:0 1"],
        [*head, "Who sold it and why?", "0 4", "7:0 4", "8:0 4"],
    ]
    (tmp_path / "dev.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    (tmp_path / "wiki-sentences.tsv").write_text("s:1:2:3\tAda Brandt sold the mill .\n", encoding="utf-8")
    corpus = Corpus()
    add_qamr(corpus, tmp_path)
    text = corpus.paragraphs[0].text
    assert text == "Ada Brandt sold the mill."
    assert [(q.text, q.spans) for q in corpus.questions] == [("Who sold the old mill?", ((0, 10), (4, 10)))]
    assert corpus.dropped["qamr: disagreement, cut or repeated"] == 4
