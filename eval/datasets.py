"""Test collections from files: documents, queries, judgements. Every fault is told with its file and line."""

import csv
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.documents import Document
from index.errors import PilcrowError
from index.indexing import row_document


class BadDataset(PilcrowError):
    """A test collection whose files are absent or malformed; says which file and line."""


@dataclass(frozen=True, slots=True)
class RetrievalDataset:
    """Documents, queries (id -> text) and qrels (query id -> document id -> grade).

    Only judged queries are kept: those with a relevant document.
    """

    name: str
    folder: Path
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]

    def documents(self) -> Iterator[Document]:
        """The collection's documents, in the order of the file; the title is the document's, not in its text."""
        corpus = self.folder / "corpus.jsonl"
        seen: set[str] = set()
        for number, row in _json_rows(corpus):
            doc_id, text = _field(row, "_id", corpus, number), _field(row, "text", corpus, number)
            if doc_id in seen:
                raise BadDataset(f"{corpus}:{number}: the id '{doc_id}' was there before")
            seen.add(doc_id)
            yield row_document(doc_id, f"{corpus.absolute()}#{doc_id}", text, title=str(row.get("title") or "") or None)


def read_beir(folder: Path, split: str = "test") -> RetrievalDataset:
    """A BEIR folder: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv.

    Raises BadDataset for an absent file, a malformed row, or a judged query that queries.jsonl does not have.
    """
    qrels_path, queries_path = folder / "qrels" / f"{split}.tsv", folder / "queries.jsonl"
    for path in (folder / "corpus.jsonl", queries_path, qrels_path):
        if not path.is_file():
            raise BadDataset(
                f"'{path}' does not exist; a BEIR folder has corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv"
            )
    qrels = _qrels(qrels_path)
    texts = {
        _field(row, "_id", queries_path, number): _field(row, "text", queries_path, number)
        for number, row in _json_rows(queries_path)
    }
    unknown = next((query for query in qrels if query not in texts), None)
    if unknown is not None:
        raise BadDataset(f"'{qrels_path}' judges query '{unknown}', which '{queries_path}' does not have")
    judged = {query: grades for query, grades in qrels.items() if any(grade > 0 for grade in grades.values())}
    if not judged:
        raise BadDataset(f"'{qrels_path}' judges no document relevant, so there is nothing to measure")
    return RetrievalDataset(folder.resolve().name, folder, {query: texts[query] for query in judged}, judged)


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 1):
            if number == 1 and row[-1:] == ["score"]:
                continue
            try:
                query, doc, grade = row
                qrels.setdefault(query, {})[doc] = int(grade)
            except ValueError as error:
                raise BadDataset(f"{path}:{number}: not 'query-id<TAB>corpus-id<TAB>score': {row}") from error
    return qrels


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:  # not JSON, or not UTF-8
                raise BadDataset(f"{path}:{number}: not a JSON object ({error})") from error
            if not isinstance(row, dict):
                raise BadDataset(f"{path}:{number}: not a JSON object")
            yield number, row


def _field(row: Mapping[str, object], key: str, path: Path, number: int) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise BadDataset(f"{path}:{number}: '{key}' is {'absent' if value is None else 'not a string'}")
    return value


@dataclass(frozen=True, slots=True)
class ReadingQuestion:
    """A question of SQuAD's form.

    paragraph: its number among the dataset's paragraphs. references: the right answers, none where unanswerable.
    """

    question_id: str
    text: str
    paragraph: int
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadingDataset:
    """Paragraphs, each with its article's title, and the questions on them."""

    name: str
    path: Path
    titles: tuple[str, ...]
    paragraphs: tuple[str, ...]
    questions: tuple[ReadingQuestion, ...]

    def documents(self) -> Iterator[Document]:
        """Each paragraph as a document of its own: its name is the title and the paragraph's number in the dataset."""
        for number, (title, text) in enumerate(zip(self.titles, self.paragraphs, strict=True)):
            yield row_document(
                self.document_name(number), f"{self.path.absolute()}#{number}", text, title=title or None
            )

    def document_name(self, paragraph: int) -> str:
        """The name of the document that a paragraph becomes."""
        return f"{self.titles[paragraph] or 'untitled'}#{paragraph}"

    def sampled(self, n: int | None) -> "ReadingDataset":
        """A fixed sample of about n questions, stratified by article and answerability; all paragraphs stay.

        Within a stratum the order is that of the ids' hashes, so the same file always gives the same questions.
        """
        if n is None or n >= len(self.questions):
            return self

        def place(q: ReadingQuestion) -> tuple[str, bool, str]:
            return self.titles[q.paragraph], not q.references, hashlib.sha256(q.question_id.encode()).hexdigest()

        ordered = sorted(self.questions, key=place)
        step = len(ordered) / n
        return replace(self, questions=tuple(ordered[int(i * step)] for i in range(n)))


def read_squad(path: Path, articles: Collection[str] | None = None) -> ReadingDataset:
    """A SQuAD 1.1 or 2.0 file: all its paragraphs, and the questions on them, or on some articles by title.

    Raises BadDataset for another form, an answer that does not stand where its offset says, or no question at all.
    """
    titles: list[str] = []
    paragraphs: list[str] = []
    questions: list[ReadingQuestion] = []
    try:
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
            title = str(article.get("title", ""))
            for entry in article["paragraphs"]:
                titles.append(title.replace("_", " "))
                paragraphs.append(entry["context"])
                if articles is None or title in articles:
                    number = len(paragraphs) - 1
                    questions.extend(_reading_question(row, number, entry["context"], path) for row in entry["qas"])
    except (OSError, ValueError) as error:
        raise BadDataset(f"'{path}' cannot be read ({error}); give a JSON file of SQuAD's form") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise BadDataset(f"'{path}' is not of SQuAD's form: a field is absent or of another type ({error})") from error
    absent = sorted(set(articles or ()) - {title.replace(" ", "_") for title in titles} - set(titles))
    if absent or not questions:
        raise BadDataset(f"'{path}' holds no question" + (f" on {', '.join(absent or articles)}" if articles else ""))
    return ReadingDataset(path.stem, path, tuple(titles), tuple(paragraphs), tuple(questions))


def _reading_question(row: Mapping[str, Any], paragraph: int, context: str, path: Path) -> ReadingQuestion:
    if not isinstance(row["question"], str) or not row["question"].strip():
        raise BadDataset(f"'{path}', question {row['id']}: there is no question in it")
    for answer in row["answers"]:
        start, words = answer["answer_start"], answer["text"]
        if not words or start < 0 or context[start : start + len(words)] != words:
            raise BadDataset(f"'{path}', question {row['id']}: the answer does not stand at {start}")
    references = tuple(dict.fromkeys(answer["text"] for answer in row["answers"]))
    return ReadingQuestion(str(row["id"]), row["question"], paragraph, references)
