"""Questions whose words stand beside the passage, not in it: in a heading, a file's name, another form of a day."""

from collections.abc import Callable
from pathlib import Path

import docx
import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from rag.answering import Models, answer
from rag.reading.reader import Reader
from rag.retrieval import retrieve

MakeCollection = Callable[..., Collection]
STATIONS = ("Kemi", "Pori", "Vaasa", "Lahti")
KEEPERS = ("Aino Harju", "Eero Salmi", "Tiina Koski", "Onni Laine")


def first(collection: Collection, encoder: Encoder, question: str) -> str:
    with collection.reading() as snapshot:
        return retrieve(snapshot, encoder, question, 3)[0].passage.text


@pytest.mark.parametrize("number", range(4))
def test_a_passage_is_found_by_the_heading_above_it_also_the_second_below_it(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder, number: int
) -> None:
    parts = [
        f"## {station}\n\nThe keeper of the station is {keeper}, who came from the coast guard.\n\n"
        f"The boat was built in {1950 + n} and has room for {n + 7} people in all weathers."
        for n, (station, keeper) in enumerate(zip(STATIONS, KEEPERS, strict=True))
    ]
    (tmp_path / "stations.md").write_text("# Rescue stations\n\n" + "\n\n".join(parts))
    collection = make_collection()
    index_paths(collection, encoder, [tmp_path / "stations.md"])
    assert KEEPERS[number] in first(collection, encoder, f"Who is the keeper of {STATIONS[number]}?")
    assert f"{1950 + number}" in first(collection, encoder, f"When was the boat of {STATIONS[number]} built?")


def test_a_passage_of_a_word_document_is_found_by_the_heading_above_it(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder, reader: Reader
) -> None:
    document = docx.Document()
    document.add_heading("Rescue stations", 0)
    for n, (station, keeper) in enumerate(zip(STATIONS, KEEPERS, strict=True)):
        document.add_heading(station, 1)
        document.add_paragraph(f"The keeper of the station is {keeper}, who came from the coast guard.")
        document.add_paragraph(f"The boat was built in {1950 + n} and has room for {n + 7} people in all weathers.")
    document.save(str(tmp_path / "stations.docx"))
    collection = make_collection()
    index_paths(collection, encoder, [tmp_path / "stations.docx"])
    for n, (station, keeper) in enumerate(zip(STATIONS, KEEPERS, strict=True)):
        assert f"{1950 + n}" in first(collection, encoder, f"When was the boat of {station} built?")
        a = answer(collection, Models(encoder, reader), f"Who is the keeper of {station}?")
        assert (a.direct, a.citations[0].headings[-1]) == (keeper, station)


@pytest.mark.parametrize(
    "name", ["boat🚢.md", "semi;colon#1.txt", "trailing .txt", "Ünïcode (1) — copy.txt", "UPPER.TXT"]
)
def test_a_file_of_any_name_is_found_and_cited(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder, reader: Reader, name: str
) -> None:
    (tmp_path / name).write_text("The lantern is mended by Milla Roos.")
    collection = make_collection(other="The oars are kept in the loft over the smithy.")
    index_paths(collection, encoder, [tmp_path / name])
    a = answer(collection, Models(encoder, reader), "Who mends the lantern?")
    assert (a.direct, a.citations[0].doc_id) == ("Milla Roos", name)


def test_a_text_that_says_she_is_found_by_the_name_of_its_file(
    tmp_path: Path, make_collection: MakeCollection, encoder: Encoder
) -> None:
    for name, town in (("cv-maria-lindgren", "Lund"), ("cv-petra-osei", "Accra"), ("cv-joan-brandt", "Kiel")):
        text = f"She studied law in {town}, and worked in a bank for eleven years. She likes to sail."
        (tmp_path / f"{name}.txt").write_text(text)
    collection = make_collection()
    index_paths(collection, encoder, [tmp_path])
    assert "Accra" in first(collection, encoder, "Where did Petra Osei study?")
    assert "Lund" in first(collection, encoder, "Where did Maria Lindgren study law?")


@pytest.mark.parametrize("asked", ["5 June 2023", "2023-06-05", "June 5th, 2023"])
def test_a_day_is_found_in_whatever_form_it_stands(
    make_collection: MakeCollection, encoder: Encoder, asked: str
) -> None:
    texts = {
        "a": "2023-06-05: The pump was oiled by Nils Rud.", "b": "5 July 2023: The pump was painted by Ida Moe.",
        "c": "2023-06-15: The pump was replaced by Ulf Dahl.", "d": "June 5th, 2022: The pump was tried by Per Ek.",
    }  # fmt: skip
    assert "Nils Rud" in first(make_collection(**texts), encoder, f"What happened on {asked}?")


def test_of_people_with_one_surname_the_one_who_is_meant_comes_first(
    make_collection: MakeCollection, encoder: Encoder
) -> None:
    collection = make_collection(
        a="Ingrid Halvorsen runs the dairy in the valley. She was born in Lom.",
        b="Per Halvorsen runs the sawmill by the river. He was born in Odda.",
    )
    assert "sawmill" in first(collection, encoder, "Who runs the sawmill?")
    assert "Odda" in first(collection, encoder, "Where was Per Halvorsen born?")


@pytest.mark.parametrize("asked", ["rent", "who is teh landlord", "notice period tenant"])
def test_a_word_or_two_are_enough(make_collection: MakeCollection, encoder: Encoder, asked: str) -> None:
    texts = {"rent": "The rent is 940 euros a month.", "who is teh landlord": "The landlord is Olga Stern.",
             "notice period tenant": "A tenant gives notice three months ahead."}  # fmt: skip
    named = {f"lease{n}": text for n, text in enumerate(texts.values())}
    assert first(make_collection(**named, other="The pump is in the cellar."), encoder, asked) == texts[asked]
