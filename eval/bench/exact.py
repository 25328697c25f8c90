"""Exact things among look-alikes: made-up codes, part and invoice numbers, dates, sections and names, asked for.

    python -m eval.bench.exact -n 5000 --asked 500

Every document has one thing that no other has, and many others have one that differs in a sign. A question gives the
thing, of a date and a part number in another form than the document's; counted is whether its document comes first, as
search finds it and after the order of reading, by kind. All of it is made up from a seed.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from index.collection import Collection
from index.documents import Document
from index.encoder.embedding import Encoder, open_encoder
from index.intake.indexing import index_documents, row_document
from index.opening import create_collection
from rag.citations import Sources
from rag.finding.spelling import respelled
from rag.reading.order import DEPTH, in_reading_order
from rag.reading.reader import AnyReader, bundled_reader
from rag.retrieval import retrieve

_PLACES = ("the north store", "the boiler house", "the harbour office", "workshop two", "the archive", "the east wing")
_PEOPLE = ("Tove Ekdal", "Ruben Sayeg", "Marta Illes", "Ove Stang", "Lin Achterberg", "Pia Corvo", "Jonas Weyde")
_FIRST = ("Alva", "Bertil", "Cleo", "Dagny", "Edvin", "Frida", "Gunnar", "Hedda", "Ivar", "Jorid", "Knut", "Liv",
          "Magne", "Nora", "Oskar", "Petra", "Ragna", "Sigurd", "Thea", "Ulrik")  # fmt: skip
_LAST = ("Aaberg", "Brekke", "Carlsen", "Dalgard", "Engen", "Fossum", "Grude", "Hagen", "Isdal", "Jordet", "Kvamme",
         "Lunde", "Moen", "Nygard", "Opdal", "Rustad", "Sande", "Tveit", "Ulven", "Vik")  # fmt: skip
_DEEDS = ("checked the seals", "repaired the roof", "counted the stock", "changed the locks", "painted the gate")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A made-up document, and the question whose answer stands in no other."""

    kind: str
    document: Document
    question: str


def made_up(count: int, seed: int = 0) -> Iterator[Made]:
    """So many documents, the kinds in turn."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    kinds: Sequence[Callable[[int, random.Random], tuple[str, str]]] = (
        _code, _part, _invoice, _day, _section, _name,
    )  # fmt: skip
    for number in range(count):
        kind = kinds[number % len(kinds)]
        text, question = kind(number // len(kinds), chance)
        name = f"note-{number:05}.md"
        yield Made(kind.__name__.strip("_"), row_document(name, f"made-up#{name}", text), question)


def _code(number: int, chance: random.Random) -> tuple[str, str]:
    code = f"zq{number:04}{'xyvw'[number % 4]}"
    text = f"Cabinet {code} stands in {chance.choice(_PLACES)}. {chance.choice(_PEOPLE)} has the key to it."
    return text, chance.choice([f"Where is cabinet {code}?", f"Who has the key to {code}?", code])


def _part(number: int, chance: random.Random) -> tuple[str, str]:
    written = f"PX-{4000 + number // 4}-{'ABCD'[number % 4]}"
    text = (
        f"Part {written} is kept in {chance.choice(_PLACES)}; the shelf holds {chance.randint(2, 90)} of them. "
        f"Orders go to {chance.choice(_PEOPLE)}."
    )
    asked = chance.choice([written, written.lower(), written.replace("-", ""), written.replace("-", "\u2011")])
    return text, chance.choice([f"How many of part {asked} are left?", f"who takes orders for {asked}"])


def _invoice(number: int, chance: random.Random) -> tuple[str, str]:
    written = f"{402000 + number}"
    text = f"Invoice {written} was paid by {chance.choice(_PEOPLE)} after the work in {chance.choice(_PLACES)}."
    return text, chance.choice([f"Who paid invoice {written}?", f"invoice {written}"])


def _day(number: int, chance: random.Random) -> tuple[str, str]:
    day = date(2011, 1, 1) + timedelta(days=number)
    forms = (
        day.isoformat(), f"{day.day} {_MONTHS[day.month - 1]} {day.year}", f"{day:%d.%m.%Y}",
        f"{_MONTHS[day.month - 1]} {day.day}, {day.year}",
    )  # fmt: skip
    written, asked = chance.sample(forms, 2)
    text = f"{written}: {chance.choice(_PEOPLE)} {chance.choice(_DEEDS)} at {chance.choice(_PLACES)}."
    return text, chance.choice([f"What happened on {asked}?", f"Who was at work on {asked}?"])


def _section(number: int, chance: random.Random) -> tuple[str, str]:
    section = f"{number // 40 + 2}.{number % 40 + 1}"
    text = (
        f"# Rules of the works\n\n## {section} {chance.choice(['Keys', 'Stores', 'Visitors', 'Repairs'])}\n\n"
        f"{chance.choice(_PEOPLE)} answers for {chance.choice(_PLACES)} and keeps a list of who goes in."
    )
    return text, chance.choice([f"What does section {section} say?", f"Who answers for it under §{section}?"])


def _name(number: int, chance: random.Random) -> tuple[str, str]:
    name = f"{_FIRST[number % len(_FIRST)]} {_LAST[number // len(_FIRST) % len(_LAST)]}"
    name += f"-{_LAST[number // len(_FIRST) // len(_LAST) - 1]}" if number >= len(_FIRST) * len(_LAST) else ""
    text = f"{name} {chance.choice(_DEEDS)} in {chance.choice(_PLACES)} and asked for {chance.randint(2, 90)} coins."
    return text, chance.choice([f"What did {name} do?", f"How much did {name} ask for?", name.lower()])


def measure(
    collection: Collection, encoder: Encoder, asked: Sequence[Made], reader: AnyReader | None = None
) -> dict[str, Any]:
    """Of the questions asked of a collection of all documents, the share whose document is first, in all and by kind.

    "search": as search finds it; "read": after the order of reading, where there is a reader. missed: the questions
    whose document is not first after the last of these. ms: the median of a search.
    """
    first: dict[str, Counter[str]] = {"search": Counter(), **({"read": Counter()} if reader else {})}
    missed, seconds = [], []
    with collection.reading() as snapshot:
        for one in asked:
            began = time.perf_counter()
            query = respelled(one.question, snapshot, encoder).text
            hits = retrieve(snapshot, encoder, query, DEPTH)
            seconds.append(time.perf_counter() - began)
            orders = {"search": hits}
            if reader:
                orders["read"] = in_reading_order(query, hits, Sources(snapshot), reader)
            for name, ordered in orders.items():
                is_first = bool(ordered) and ordered[0].passage.doc_id == one.document.doc_id
                first[name][one.kind] += is_first
            if not is_first:
                missed.append(one.question)
    of = Counter(one.kind for one in asked)
    shares = {
        name: {"all": counts.total() / len(asked), **{kind: counts[kind] / n for kind, n in of.items()}}
        for name, counts in first.items()
    }
    return {"questions": len(asked), "first": shares, "missed": missed, "ms": 1000 * median(seconds)}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench.exact", description=__doc__)
    parser.add_argument("-n", type=int, default=5000, help="documents")
    parser.add_argument("--asked", type=int, default=500, help="questions, spread over the documents")
    parser.add_argument("--read", action="store_true", help="measure the order of reading, too")
    given = parser.parse_args(arguments)
    encoder = open_encoder()
    made = list(made_up(given.n))
    with (
        TemporaryDirectory(prefix="pilcrow-exact-") as folder,
        create_collection(Path(folder) / "collection", encoder.identity) as collection,
    ):
        index_documents(collection, encoder, (one.document for one in made))
        asked = random.Random(1).sample(made, min(given.asked, len(made)))  # noqa: S311 - nothing secret
        figures = measure(collection, encoder, asked, bundled_reader() if given.read else None)
    sys.stdout.write(json.dumps({"documents": len(made), **figures}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
