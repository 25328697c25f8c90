"""People's judgements of answers and cited passages, in a file of their own beside the collection.

    DIR/judgements.sqlite     one row a judgement, never changed; the last of each person on the same thing counts

A file of its own: indexing never waits for it. A person's checking becomes a test collection: qrels of TREC's form, or
a BEIR folder that `pilcrow eval retrieval` measures.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.collection import Snapshot
from index.errors import CollectionDamaged, CollectionError, NothingToDo
from index.folder.truth import is_still

FILE = "judgements.sqlite"
# Grades as qrels have them. None takes a judgement back.
GRADES: Mapping[str, int] = {"right": 2, "partly": 1, "wrong": 0}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS judgements (
    judgement_no INTEGER PRIMARY KEY, judged_at TEXT NOT NULL, judge TEXT NOT NULL, grade INTEGER,
    question TEXT NOT NULL, answer TEXT, generator TEXT, doc_id TEXT, start INTEGER, end INTEGER, quote TEXT);
"""
_FIELDS = "judged_at, judge, grade, question, answer, generator, doc_id, start, end, quote"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Somebody's grade of an answer, or of a passage as a source for a question.

    judged_at: ISO 8601, UTC. grade: 2 right, 1 partly, 0 wrong, None taken back. An answer's has `answer` and
    `generator`; a passage's has doc_id, `[start, end)` and quote.
    """

    judged_at: str
    judge: str
    grade: int | None
    question: str
    answer: str | None = None
    generator: str | None = None
    doc_id: str | None = None
    start: int | None = None
    end: int | None = None
    quote: str | None = None

    @property
    def about(self) -> tuple[object, ...]:
        """What makes two judgements of one person about the same thing."""
        return (self.judge, self.question, self.answer, self.doc_id, self.start, self.end)


def record(folder: Path, judgement: Judgement) -> None:
    """Stores a judgement; it is on the disk when this returns. Raises CollectionError where it cannot be."""
    with _opened(folder / FILE, write=True) as connection, connection:
        connection.execute(_SCHEMA)
        connection.execute(
            f"INSERT INTO judgements ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (judgement.judged_at, judgement.judge, judgement.grade, judgement.question, judgement.answer,
             judgement.generator, judgement.doc_id, judgement.start, judgement.end, judgement.quote),
        )  # fmt: skip


def judgements(folder: Path) -> list[Judgement]:
    """The judgements that count, in the order in which they were given: each person's last on each thing.

    Nothing is written, so a folder that nobody may write to will do.
    """
    if not (folder / FILE).is_file():
        return []
    with _opened(folder / FILE, write=False) as connection:
        begun = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'judgements'").fetchone()
        rows = connection.execute(f"SELECT {_FIELDS} FROM judgements ORDER BY judgement_no").fetchall() if begun else []
    last: dict[tuple[object, ...], Judgement] = {}
    for row in rows:
        judgement = Judgement(*row)
        last.pop(judgement.about, None)
        last[judgement.about] = judgement
    return [judgement for judgement in last.values() if judgement.grade is not None]


def graded_passages(given: Sequence[Judgement]) -> dict[str, dict[tuple[str, int, int], int]]:
    """Question -> (document, start, end) -> grade, of the passages judged: the mean of its judges', halves down."""
    judged: dict[str, dict[tuple[str, int, int], list[int]]] = {}
    for j in given:
        if j.doc_id is not None and j.grade is not None:
            place = (j.doc_id, j.start or 0, j.end or 0)
            judged.setdefault(j.question, {}).setdefault(place, []).append(j.grade)
    return {
        question: {place: (2 * sum(grades) + len(grades) - 1) // (2 * len(grades)) for place, grades in places.items()}
        for question, places in judged.items()
    }


def qrels(given: Sequence[Judgement]) -> dict[str, dict[str, int]]:
    """Question -> document -> grade, of the passages judged; a document's grade is that of its best passage."""
    graded: dict[str, dict[str, int]] = {}
    for question, places in graded_passages(given).items():
        documents = graded.setdefault(question, {})
        for (doc_id, _, _), grade in places.items():
            documents[doc_id] = max(grade, documents.get(doc_id, 0))
    return graded


def trec_qrels(given: Sequence[Judgement]) -> str:
    """The qrels of the questions judged, numbered q1, q2, ..., as TREC writes them."""
    return trec_lines({f"q{number}": documents for number, documents in enumerate(qrels(given).values(), 1)})


def trec_lines(graded: Mapping[str, Mapping[str, int]]) -> str:
    """Query -> document -> grade as TREC writes it, `QUERY 0 DOCUMENT GRADE` a line; ids as `one_word` gives them."""
    return "".join(
        f"{one_word(query)} 0 {one_word(doc_id)} {grade}\n"
        for query, documents in graded.items()
        for doc_id, grade in documents.items()
    )


def write_beir(folder: Path, given: Sequence[Judgement], snapshot: Snapshot) -> int:
    """A BEIR folder of the questions judged over all documents of the collection; how many questions it has.

    Raises NothingToDo where no passage was judged, or the folder holds something.
    """
    graded = qrels(given)
    if not graded:
        raise NothingToDo("no passage was judged yet; 'pilcrow ui' has Right, Partly and Wrong beside each source")
    if folder.exists() and any(folder.iterdir()):
        raise NothingToDo(f"'{folder}' holds something already; name a new folder")
    (folder / "qrels").mkdir(parents=True)
    names = [document.doc_id for document in snapshot.documents()]
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as file:
        for doc_id in names:
            document = snapshot.document(doc_id)
            row = {"_id": one_word(doc_id), "title": document.title or "", "text": document.text}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    numbered = {f"q{number}": question for number, question in enumerate(graded, 1)}
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as file:
        for query_id, question in numbered.items():
            file.write(json.dumps({"_id": query_id, "text": question}, ensure_ascii=False) + "\n")
    with (folder / "qrels" / "test.tsv").open("w", encoding="utf-8") as file:
        file.write("query-id\tcorpus-id\tscore\n")
        for query_id, question in numbered.items():
            for doc_id, grade in graded[question].items():
                file.write(f"{query_id}\t{one_word(doc_id)}\t{grade}\n")
    return len(graded)


def one_word(name: str) -> str:
    """The name or id without white space, which parts the columns of qrels.

    Where it has some, that and "%" are written as percent signs and two digits a byte.
    """
    if not re.search(r"\s", name):
        return name
    return re.sub(r"[\s%]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)


@contextmanager
def _opened(path: Path, *, write: bool) -> Iterator[sqlite3.Connection]:
    """Raises CollectionDamaged where the file is no such database, CollectionError where it cannot be used now."""
    how = "mode=rwc" if write else "mode=ro&immutable=1" if is_still(path.parent, path.name) else "mode=ro"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", timeout=10, uri=True)) as connection:
            if write:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
            yield connection
    except sqlite3.OperationalError as error:
        raise CollectionError(
            f"'{path}' cannot be used now ({error}); free space or mend its permissions, then try again: what was "
            "judged before is not lost"
        ) from error
    except sqlite3.DatabaseError as error:
        raise CollectionDamaged(
            f"'{path}' cannot be read ({error}); restore it from a backup, or move it away and judge again"
        ) from error
