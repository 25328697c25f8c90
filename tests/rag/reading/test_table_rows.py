"""Rows of tables read one by one: the right cell of the right row, and nothing where the cell that is asked for is."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from index.paragraphs import Kind
from rag.answering import Models, answer
from rag.answers import citation_json
from rag.citations import Sentence, Sources
from rag.reading.candidates import find_candidates
from rag.reading.excerpts import excerpt_of
from rag.reading.reader import Reader, Reading, Span
from rag.reading.table_rows import best_rows, is_of_another, is_tabular
from rag.retrieval import Hit, retrieve

LIFTS = """# Lifts of the harbour

The harbour has four lifts. Each of them was tested by the office of works in the spring of the year.

## Loads

### East quay

| Lift | Built | Load in tonnes | Keeper |
|------|-------|----------------|--------|
| Heron | 1962 | 14 | Ida Moss |
| Stork | 1971 | | Per Lind |
| Crane | | 32 | Ola Berg |

### West quay

| Lift | Built | Load in tonnes | Keeper |
|------|-------|----------------|--------|
| Egret | 1988 | 25 | Eva Dahl |
"""
QUESTION = "What load can the Stork lift?"


@pytest.fixture
def lifts(make_collection: Callable[..., Collection]) -> Collection:
    return make_collection(lifts=LIFTS, dull="The bakery of the town opens at six, and its bread is sold by noon.\n")


def tabular(collection: Collection, encoder: Encoder, question: str) -> tuple[list[Hit], Sources]:
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        hits = [h for h in retrieve(snapshot, encoder, question) if is_tabular(h.passage, sources)]
        sources.keep(h.passage.doc_id for h in hits)
    return hits, sources


def test_the_row_that_the_question_names_comes_first_below_its_headings_and_leads_back_to_its_cells(
    lifts: Collection, encoder: Encoder, reader: Reader
) -> None:
    hits, sources = tabular(lifts, encoder, QUESTION)
    rows = best_rows(QUESTION, hits, sources, reader, most=3)
    assert len(rows) == 3
    stork = rows[0]
    # What is not stated is shown as the nearest row has it.
    assert stork.text == "## Loads\n\n### East quay\n\nLift: Stork; Built: 1971; Load in tonnes: 14; Keeper: Per Lind"
    assert stork.named > max(row.named for row in rows[1:])
    text = sources.document("lifts.txt").text
    for words in ("Stork", "1971", "Per Lind", "### East quay"):
        at = stork.text.index(words)
        place = stork.place(at, at + len(words))
        assert place is not None
        assert text[slice(*place)] == words
    at = stork.text.index("14")
    assert stork.says_nothing(at, at + 2)
    assert stork.place(at, at + 2) is None
    assert not stork.says_nothing(0, 8)
    head = stork.text.index("Keeper")
    assert stork.place(head, head + len("Keeper")) is None


def test_what_the_question_says_stands_in_for_no_empty_cell(
    lifts: Collection, encoder: Encoder, reader: Reader
) -> None:
    question = "Which lift has a load of 14 tonnes?"
    hits, sources = tabular(lifts, encoder, question)
    rows = best_rows(question, hits, sources, reader, most=8)
    assert rows[0].text.endswith("Lift: Heron; Built: 1962; Load in tonnes: 14; Keeper: Ida Moss")
    (stork,) = (row.text for row in rows if "Stork" in row.text)
    assert "Load in tonnes: 32" in stork


def test_rows_beside_prose_are_read_by_themselves_alone(lifts: Collection, encoder: Encoder) -> None:
    with lifts.reading() as snapshot:
        sources = Sources(snapshot)
        hits = retrieve(snapshot, encoder, "When were the four lifts tested?")
        prose = next(hit for hit in hits if hit.passage.text.startswith("The harbour has four lifts."))
        assert "Heron" not in excerpt_of(prose, sources).text


class Picking:
    """A reader that takes given words for the answer wherever they stand, and says that they are an answer."""

    def __init__(self, words: str) -> None:
        self.words = words

    def read(
        self, _question: str, passages: Sequence[str], _titles: object = None, *, n_spans: int = 5
    ) -> list[Reading]:
        def spans(text: str) -> tuple[Span, ...]:
            at = text.find(self.words)
            return (Span(at, at + len(self.words), self.words, 9.0),) if at >= 0 else ()

        return [Reading(spans(text)[:n_spans], 0.0, 0.0, 0.5) for text in passages]

    def answerable(self, _questions: object, passages: Sequence[str], _titles: object) -> list[float]:
        return [0.0] * len(passages)


@pytest.mark.parametrize(
    ("words", "found"),
    [("Ola Berg", ["Ola Berg"]), ("Keeper", []), ("Load in tonnes: 25", ["25"]), ("Stork; Built", ["Stork"])],
)
def test_an_answer_is_a_cell_and_no_head_of_a_column(
    lifts: Collection, encoder: Encoder, words: str, found: list[str]
) -> None:
    hits, sources = tabular(lifts, encoder, "Who keeps the lift?")
    candidates = find_candidates("Who keeps the lift?", hits, sources, Picking(words))
    assert [c.text for c in candidates] == found
    assert all(c.sentence.paragraph.kind is Kind.TABLE_ROW for c in candidates)


def test_where_an_empty_cell_is_asked_for_nothing_states_the_answer(
    lifts: Collection, encoder: Encoder, reader: Reader
) -> None:
    models = Models(encoder, reader)
    stated = answer(lifts, models, "What load can the Crane lift?")
    assert [short.text for short in stated.answers] == ["32"]
    assert stated.citations[0].quote == "| Crane | | 32 | Ola Berg |"
    empty = answer(lifts, models, QUESTION)
    assert (empty.abstained, empty.reason) == (True, "not_stated")
    assert any("| Stork | 1971 | | Per Lind |" in e.text for e in empty.evidence)


def test_a_citation_of_a_row_tells_its_cells_with_their_heads_and_the_headings_above(
    lifts: Collection, encoder: Encoder, reader: Reader
) -> None:
    cited = answer(lifts, Models(encoder, reader), "Who is the keeper of the Egret?").citations[0]
    assert cited.kind is Kind.TABLE_ROW
    assert cited.headings == ("Loads", "West quay")
    shown = [(cell.head, LIFTS[cell.start : cell.end]) for cell in cited.cells]
    assert shown == [("Lift", "Egret"), ("Built", "1988"), ("Load in tonnes", "25"), ("Keeper", "Eva Dahl")]
    told = citation_json(cited)
    assert (told["kind"], told["headings"]) == ("table row", ["Loads", "West quay"])
    assert told["cells"][3] == {"head": "Keeper", "start": cited.cells[3].start, "end": cited.cells[3].end}


SHIFTS = """# Shifts at the lock

| Keeper | Mon-Thu | Fri | Sat, Sun | Hut |
|---|---|---|---|---|
| Aino | early | late | off | 3 |
| Bram | late | | early | 12 |
| Cato | off | early | late | 7 |

All keepers have a key. A spare one hangs in the tower beside the upper gate.
"""


@pytest.mark.parametrize(
    ("question", "words", "found"),
    [
        ("Which hut does Bram sleep in?", "late", "late"),
        ("Which hut does Bram sleep in?", "early; Hut: 12", "12"),
        ("What does Cato do on Saturday?", "early; Sat, Sun: late", "late"),
        ("What does Aino do on Friday?", "early; Fri: late", "late"),
        ("Which keeper has hut 7?", "Cato; Mon-Thu", "Cato"),
    ],
)
def test_of_a_row_the_words_in_the_column_that_is_asked_for_are_taken(
    make_collection: Callable[..., Collection], encoder: Encoder, question: str, words: str, found: str
) -> None:
    hits, sources = tabular(make_collection(shifts=SHIFTS), encoder, question)
    assert found in [c.text for c in find_candidates(question, hits, sources, Picking(words))]


class Preferring(Picking):
    """A reader that takes the first of given words for the answer, and the others for a little less."""

    def __init__(self, *words: str) -> None:
        super().__init__(words[0])
        self.all = words

    def read(self, question: str, passages: Sequence[str], titles: object = None, *, n_spans: int = 5) -> list[Reading]:
        of_each = [Picking(words).read(question, passages, titles, n_spans=n_spans) for words in self.all]
        return [
            Reading(
                tuple(replace(s, score=9.0 - 3 * n) for n, reading in enumerate(readings) for s in reading.spans),
                0.0, 0.0, 0.5,
            )
            for readings in zip(*of_each, strict=True)
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "preferred", "asked_for"),
    [
        ("Which hut does Bram sleep in?", "late", "12"),
        ("What does Bram do on Saturday?", "late", "early"),
        ("Which keeper has hut 7?", "early", "Cato"),
    ],
)
def test_the_column_that_is_asked_for_outweighs_what_the_reader_prefers_by_little(
    make_collection: Callable[..., Collection], encoder: Encoder, question: str, preferred: str, asked_for: str
) -> None:
    hits, sources = tabular(make_collection(shifts=SHIFTS), encoder, question)
    assert find_candidates(question, hits, sources, Preferring(preferred, asked_for))[0].text == asked_for


def test_an_empty_cell_in_the_column_that_is_asked_for_is_no_answer_whatever_else_the_row_says(
    make_collection: Callable[..., Collection], encoder: Encoder
) -> None:
    hits, sources = tabular(make_collection(shifts=SHIFTS), encoder, "What does Bram do on Friday?")
    # The row is shown with another row's word in the empty cell: "Fri: late".
    assert find_candidates("What does Bram do on Friday?", hits, sources, Preferring("12", "Fri: late")) == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [("What does Aino do on Friday?", False), ("What does Dunya do on Friday?", True), ("Who has hut 7?", False),
     ("What does Cato do in the USA?", False), ("What does the Dutch keeper of Lock Bremen do?", False),
     ("Who is off in July?", False)],
)  # fmt: skip
def test_a_table_that_has_none_of_the_names_asked_for_says_nothing_of_them(
    make_collection: Callable[..., Collection], encoder: Encoder, question: str, expected: bool
) -> None:
    hits, sources = tabular(make_collection(shifts=SHIFTS), encoder, "Who has hut 7?")
    document = sources.document(hits[0].passage.doc_id)
    row = next(p for p in sources.paragraphs(document.doc_id) if p.kind is Kind.TABLE_ROW)
    assert is_of_another(question, Sentence(document, row, row.start, row.end)) is expected


CALLS = """Whom to ring

Furnace: Nilsen and Daughter
Hoist:
Gutters: Fairweather, 8831
Mail: fetched at noon
Padlocks: -
"""


def test_an_item_that_is_left_empty_is_not_answered_from_the_next(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    collection, models = make_collection(calls=CALLS), Models(encoder, reader)
    assert answer(collection, models, "Who is rung for the furnace?").direct == "Nilsen and Daughter"
    assert answer(collection, models, "Who is rung for the hoist?").abstained
    assert answer(collection, models, "Who is rung for the padlocks?").abstained


def test_a_record_that_leaves_a_field_out_is_not_answered_from_another(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    rows = "Name,Voice,Phone\nAda Wrenfield,alto,5501\nBen Frostad,,5502\nCleo Marsk,bass,\n"
    (tmp_path / "choir.csv").write_text(rows)
    collection = make_collection("collection")
    index_paths(collection, encoder, [tmp_path / "choir.csv"])
    models = Models(encoder, reader)
    assert answer(collection, models, "What is the phone number of Ben Frostad?").direct == "5502"
    for question in ("What is the phone number of Cleo Marsk?", "What is the phone number of Eva Stonefield?"):
        assert answer(collection, models, question).abstained


def test_the_parts_of_a_code_are_one_name_and_do_not_outweigh_what_is_asked_of_its_table(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    rows = (" | ", "---|---", "Bill number | KX-2031-0554", "Date | 17 May 2031", "Net | 179.00", "Total | 214.80")
    bill = "".join(f"| {row} |\n" for row in rows)
    a = answer(make_collection(bill=bill), Models(encoder, reader), "What is the total of bill KX-2031-0554?")
    assert a.direct == "214.80"


def test_rows_of_names_are_read_in_a_collection_of_english_texts(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    rows = "Week | First | Second\n--- | --- | ---\n12 | Tomas de Vries | Ida van der Moss\n13 | Aino Oja | Pia du Bois"
    a = answer(make_collection(duty=f"# Duty\n\n{rows}\n"), Models(encoder, reader), "Who is first in week 13?")
    assert a.notices == ()
    assert [short.text for short in a.answers] == ["Aino Oja"]
