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
from index.intake.indexing import row_document


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
        for number, row in json_rows(corpus):
            doc_id, text = text_field(row, "_id", corpus, number), text_field(row, "text", corpus, number)
            if doc_id in seen:
                raise BadDataset(f"{corpus}:{number}: the id '{doc_id}' was there before")
            seen.add(doc_id)
            yield row_document(doc_id, f"{corpus.absolute()}#{doc_id}", text, title=str(row.get("title") or "") or None)


def read_beir(folder: Path, split: str = "test") -> RetrievalDataset:
    """A BEIR folder: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv.

    Raises BadDataset for an absent file, a malformed row, an empty query, a query or judgement that comes twice, or a
    judged query that queries.jsonl does not have. A judged document that the corpus lacks is no error: public sets
    have some, and they count as never found.
    """
    qrels_path, queries_path = folder / "qrels" / f"{split}.tsv", folder / "queries.jsonl"
    for path in (folder / "corpus.jsonl", queries_path, qrels_path):
        if not path.is_file():
            raise BadDataset(
                f"'{path}' does not exist; a BEIR folder has corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv"
            )
    texts = _queries(queries_path)
    judgements = Judgements(qrels_path, texts)
    for number, row in _tab_rows(qrels_path):
        if len(row) != 3:
            raise BadDataset(f"{qrels_path}:{number}: not 'query-id<TAB>corpus-id<TAB>score': {row}")
        judgements.add(number, *row)
    judged = judgements.judged()
    return RetrievalDataset(folder.resolve().name, folder, {query: texts[query] for query in judged}, judged)


class Judgements:
    """Grades by query and document, each once, gathered line by line from one file."""

    def __init__(self, path: Path, queries: Collection[str] | None) -> None:
        """path: named in errors. queries: the ids that may be judged; None is any."""
        self._path = path
        self._queries = queries
        self._grades: dict[str, dict[str, int]] = {}
        self._lines: dict[tuple[str, str], int] = {}

    def add(self, number: int, query: str, doc: str, grade: str) -> None:
        """One line's judgement. Raises BadDataset for a grade that is no whole number, an unknown query, a repeat."""
        where = f"{self._path}:{number}"
        if self._queries is not None and query not in self._queries:
            raise BadDataset(f"{where}: judges query '{query}', which the queries do not have")
        before = self._lines.setdefault((query, doc), number)
        if before != number:
            raise BadDataset(f"{where}: '{doc}' was judged for query '{query}' in line {before} before")
        try:
            self._grades.setdefault(query, {})[doc] = int(grade)
        except ValueError as error:
            raise BadDataset(f"{where}: the grade '{grade}' is not a whole number") from error

    def judged(self) -> dict[str, dict[str, int]]:
        """The queries with a relevant document. Raises BadDataset where there is none: nothing can be measured."""
        judged = {query: grades for query, grades in self._grades.items() if any(g > 0 for g in grades.values())}
        if not judged:
            raise BadDataset(f"'{self._path}' judges no document relevant, so there is nothing to measure")
        return judged


def _queries(path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for number, row in json_rows(path):
        query, text = text_field(row, "_id", path, number), text_field(row, "text", path, number)
        if query in texts:
            raise BadDataset(f"{path}:{number}: the id '{query}' was there before")
        if not text.strip():
            raise BadDataset(f"{path}:{number}: query '{query}' is empty")
        texts[query] = text
    return texts


def _tab_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Lines of tab-separated fields with their numbers, without BEIR's heading and empty lines."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 1):
                if row and not (number == 1 and row[-1:] == ["score"]):
                    yield number, row
    except UnicodeDecodeError as error:
        raise BadDataset(f"'{path}' is not UTF-8 ({error})") from error


def json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a file, one a line, with their line numbers.

    Raises BadDataset for a file that cannot be read, and for another line.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise BadDataset(f"'{path}' cannot be read ({error.strerror}); give a file of JSON lines") from error
    with file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:  # not JSON, or not UTF-8
                raise BadDataset(f"{path}:{number}: not a JSON object ({error})") from error
            if not isinstance(row, dict):
                raise BadDataset(f"{path}:{number}: not a JSON object")
            yield number, row


def text_field(row: Mapping[str, Any], key: str, path: Path, number: int) -> str:
    """The string under a key. Raises BadDataset, with file and line, where there is none."""
    value = row.get(key)
    if not isinstance(value, str):
        raise BadDataset(f"{path}:{number}: '{key}' is {'absent' if value is None else 'not a string'}")
    return value


@dataclass(frozen=True, slots=True)
class ReadingQuestion:
    """A question of SQuAD's form.

    paragraph: its number among the dataset's paragraphs. references: the right answers, none where unanswerable.
    spans: where each answer stands, half-open characters of the paragraph. evidence: the characters that bear it out,
    where the file marks them.
    """

    question_id: str
    text: str
    paragraph: int
    references: tuple[str, ...]
    spans: tuple[tuple[int, int], ...] = ()
    evidence: tuple[int, int] | None = None


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
                paragraphs.append(_context(entry))
                if articles is None or title in articles:
                    number = len(paragraphs) - 1
                    questions.extend(_reading_question(row, number, paragraphs[-1], path) for row in entry["qas"])
    except (OSError, ValueError, RecursionError) as error:
        raise BadDataset(f"'{path}' cannot be read ({error}); give a JSON file of SQuAD's form") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise BadDataset(f"'{path}' is not of SQuAD's form: a field is absent or of another type ({error})") from error
    absent = sorted(set(articles or ()) - {title.replace(" ", "_") for title in titles} - set(titles))
    if absent or not questions:
        raise BadDataset(f"'{path}' holds no question" + (f" on {', '.join(absent or articles)}" if articles else ""))
    return ReadingDataset(path.stem, path, tuple(titles), tuple(paragraphs), tuple(questions))


def read_squad_folder(folder: Path) -> ReadingDataset:
    """All SQuAD files right below a folder, in the order of their names, as one dataset.

    Raises BadDataset as `read_squad`, and for an id that two questions have.
    """
    titles: list[str] = []
    paragraphs: list[str] = []
    questions: dict[str, ReadingQuestion] = {}
    for path in sorted(folder.glob("*.json")):
        part = read_squad(path)
        for question in part.questions:
            if question.question_id in questions:
                raise BadDataset(f"'{path}', question {question.question_id}: the id was there before")
            moved = replace(question, paragraph=question.paragraph + len(paragraphs))
            questions[question.question_id] = moved
        titles += part.titles
        paragraphs += part.paragraphs
    return ReadingDataset(folder.resolve().name, folder, tuple(titles), tuple(paragraphs), tuple(questions.values()))


def _context(entry: Mapping[str, Any]) -> str:
    context = entry["context"]
    if not isinstance(context, str):
        raise TypeError(f"'context' is {context!r:.40}")
    return context


def _reading_question(row: Mapping[str, Any], paragraph: int, context: str, path: Path) -> ReadingQuestion:
    if not isinstance(row["question"], str) or not row["question"].strip():
        raise BadDataset(f"'{path}', question {row['id']}: there is no question in it")
    for answer in row["answers"]:
        start, words = answer["answer_start"], answer["text"]
        if not words or start < 0 or context[start : start + len(words)] != words:
            raise BadDataset(f"'{path}', question {row['id']}: the answer does not stand at {start}")
    references = tuple(dict.fromkeys(answer["text"] for answer in row["answers"]))
    spans = dict.fromkeys((a["answer_start"], a["answer_start"] + len(a["text"])) for a in row["answers"])
    # A question of yes or no has evidence and no words that answer.
    evidence = None if row.get("is_impossible") else _evidence(row, len(context), path)
    return ReadingQuestion(str(row["id"]), row["question"], paragraph, references, tuple(spans), evidence)


def _evidence(row: Mapping[str, Any], length: int, path: Path) -> tuple[int, int] | None:
    marked = row.get("evidence")
    if marked is None:
        return None
    start, end = marked["start"], marked["end"]
    if not 0 <= start < end <= length:
        raise BadDataset(f"'{path}', question {row['id']}: its evidence, {start} to {end}, is not in the paragraph")
    return start, end
