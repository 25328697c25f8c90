"""Questions with what should be found for them: one form for every kind of test collection.

Owns the records, and files of questions as JSON lines. What a BEIR folder, a SQuAD file or TREC's files look like is
`datasets.py`'s and `trec.py`'s; how a question is asked is not known here.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.gold.datasets import (
    BadDataset,
    ReadingDataset,
    RetrievalDataset,
    json_rows,
    read_beir,
    read_squad,
    read_squad_folder,
    text_field,
)
from eval.gold.trec import read_qrels, read_topics
from index import SAMPLE
from index.documents import Document
from rag import judgements
from rag.conversation import Turn, turns_of
from rag.judgements import graded_passages


@dataclass(frozen=True, slots=True)
class Gold:
    """What should be found: a document, one paragraph of it by number, or its characters `[start, end)`.

    grade: from 1; how relevant.
    """

    doc_id: str
    grade: int = 1
    paragraph: int | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what is right for it.

    gold: every place that answers or is relevant; none means that the documents do not answer.
    references: right answers in words. history: the turns before it, oldest first. kind: the author's own label.
    document: the name of the one it was written on, where that is known.
    """

    question_id: str
    text: str
    gold: tuple[Gold, ...]
    references: tuple[str, ...] = ()
    history: tuple[Turn, ...] = ()
    kind: str | None = None
    document: str | None = None

    @property
    def answerable(self) -> bool:
        """Whether the documents answer it, as far as its author says."""
        return bool(self.gold or self.references)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions, and the documents that they are asked of.

    path: the file or folder whose bytes stand for the data. documents: makes the documents, in their order, each time
    anew; None where the questions are asked of a collection that is there already. files: a folder of documents to be
    indexed as a user would. collection: the one that they were asked of, where that is known.
    """

    name: str
    path: Path
    questions: tuple[Question, ...]
    documents: Callable[[], Iterator[Document]] | None = None
    files: Path | None = None
    collection: Path | None = None

    @property
    def bring_documents(self) -> bool:
        """Whether they come with what they are asked of."""
        return self.documents is not None or self.files is not None

    @property
    def qrels(self) -> dict[str, dict[str, int]]:
        """Question id -> document -> the highest grade of its gold, of the questions that have gold."""
        judged: dict[str, dict[str, int]] = {}
        for question in self.questions:
            for gold in question.gold:
                grades = judged.setdefault(question.question_id, {})
                grades[gold.doc_id] = max(gold.grade, grades.get(gold.doc_id, 0))
        return judged

    def sampled(self, n: int | None) -> "QuestionSet":
        """A fixed sample of about n questions, stratified by document and answerability; all documents stay.

        Within a stratum the order is that of the ids' hashes, so the same file always gives the same questions.
        """
        if n is None or n >= len(self.questions):
            return self

        def place(q: Question) -> tuple[bool, str, str]:
            group = q.gold[0].doc_id.rpartition("#")[0] if q.gold else ""
            return not q.answerable, group, hashlib.sha256(q.question_id.encode()).hexdigest()

        ordered = sorted(self.questions, key=place)
        step = len(ordered) / n
        return replace(self, questions=tuple(ordered[int(i * step)] for i in range(n)))


def read_question_set(path: Path | str, *, split: str = "test", articles: Collection[str] | None = None) -> QuestionSet:
    """Whatever lies at `path`: a BEIR folder, SQuAD's .json or a folder of such, questions as .jsonl, judgements.

    Or the word `sample`. split: of a BEIR folder. articles: of a SQuAD file, by title.
    Raises BadDataset where it is none of these.
    """
    if str(path) == "sample":
        return sample_questions()
    path = Path(path)
    if path.is_dir():
        if not (path / "corpus.jsonl").exists() and any(path.glob("*.json")):
            return of_squad(read_squad_folder(path))
        return of_beir(read_beir(path, split))
    if path.suffix == ".json":
        return of_squad(read_squad(path, articles))
    if path.suffix == ".jsonl":
        return QuestionSet(path.stem, path, read_questions(path))
    if path.name == judgements.FILE:
        return of_judgements(path)
    reason = "is none of these" if path.exists() else "does not exist"
    raise BadDataset(
        f"'{path}' {reason}: a BEIR folder, .json files of SQuAD's form, a .jsonl file of questions, "
        f"a collection's {judgements.FILE}, or: sample"
    )


def read_trec(topics: Path, qrels: Path) -> QuestionSet:
    """TREC's topics with their judgements, to be asked of a collection whose documents have the judged names.

    Topics that nobody judged are left out. Raises BadDataset for malformed files and judgements of unknown topics.
    """
    words = read_topics(topics)
    judged = read_qrels(qrels, queries=words)
    questions = tuple(
        Question(topic, words[topic], tuple(Gold(doc, grade) for doc, grade in grades.items() if grade > 0))
        for topic, grades in judged.items()
    )
    return QuestionSet(topics.stem, topics, questions)


def of_judgements(path: Path) -> QuestionSet:
    """The questions whose sources were judged on the page, asked of the collection that the file lies in.

    Gold: the passages judged right or partly right, by their characters, with the mean of their judges' grades.
    Questions of which no source is right are left out; the others are numbered as in TREC's qrels of the same file.
    Raises BadDataset where there is no such file or nothing was judged right.
    """
    if not path.is_file():
        raise BadDataset(f"'{path}' does not exist; 'pilcrow ui' has Right, Partly and Wrong beside each source")
    questions = []
    for number, (text, places) in enumerate(graded_passages(judgements.judgements(path.parent)).items(), 1):
        gold = tuple(Gold(doc, grade, start=a, end=b) for (doc, a, b), grade in places.items() if grade > 0)
        if gold:
            questions.append(Question(f"q{number}", text, gold))
    if not questions:
        raise BadDataset(f"'{path}' holds no source that was judged right, so there is nothing to measure")
    return QuestionSet(path.stem, path, tuple(questions), collection=path.parent)


def of_beir(dataset: RetrievalDataset) -> QuestionSet:
    """The judged queries of a BEIR folder."""
    questions = tuple(
        Question(query, text, tuple(Gold(doc, grade) for doc, grade in dataset.qrels[query].items() if grade > 0))
        for query, text in dataset.queries.items()
    )
    return QuestionSet(dataset.name, dataset.folder, questions, dataset.documents)


def of_squad(dataset: ReadingDataset) -> QuestionSet:
    """SQuAD's questions over all paragraphs, one document each.

    gold: the characters that are marked as evidence, else those of the answers.
    """
    questions = []
    for q in dataset.questions:
        name = dataset.document_name(q.paragraph)
        places = [q.evidence] if q.evidence else q.spans
        gold = tuple(Gold(name, start=start, end=end) for start, end in places)
        questions.append(Question(q.question_id, q.text, gold, q.references, document=name))
    return QuestionSet(dataset.name, dataset.path, tuple(questions), dataset.documents)


def sample_questions() -> QuestionSet:
    """The questions on the bundled sample's articles."""
    path = SAMPLE / "questions.jsonl"
    return QuestionSet("sample", SAMPLE, read_questions(path), files=SAMPLE / "articles")


def read_questions(path: Path) -> tuple[Question, ...]:
    """Questions as JSON lines: "id", "question"; perhaps "answers", "gold", "history", "kind".

    gold: a list of objects with "document" and perhaps "paragraph", or "start" and "end" in characters, and "grade".
    Raises BadDataset with file and line for a malformed row, an empty question, an id that comes twice; and where the
    file holds no question.
    """
    if not path.is_file():
        raise BadDataset(f"'{path}' does not exist; 'pilcrow eval init {path}' makes one from a collection")
    questions: dict[str, Question] = {}
    for number, row in json_rows(path):
        question = question_of_row(row, path, number)
        if question.question_id in questions:
            raise BadDataset(f"{path}:{number}: the id '{question.question_id}' was there before")
        questions[question.question_id] = question
    if not questions:
        raise BadDataset(f"'{path}' holds no question")
    return tuple(questions.values())


def question_of_row(row: Mapping[str, Any], path: Path, number: int) -> Question:
    """One line's question. Raises BadDataset with file and line where it is malformed."""
    identity, text = row.get("id"), text_field(row, "question", path, number)
    if not isinstance(identity, str | int) or isinstance(identity, bool):
        raise BadDataset(f"{path}:{number}: 'id' is {'absent' if identity is None else 'no string or number'}")
    if not text.strip():
        raise BadDataset(f"{path}:{number}: question '{identity}' is empty")
    answers = _listed(row, "answers", str, path, number)
    gold = _listed(row, "gold", dict, path, number)
    try:
        history = turns_of(row.get("history") or [])
    except ValueError as error:
        raise BadDataset(f"{path}:{number}: {error}") from error
    kind = row.get("kind")
    return Question(
        str(identity),
        text,
        tuple(dict.fromkeys(_gold(place, path, number) for place in gold)),
        tuple(dict.fromkeys(answers)),
        tuple(history),
        str(kind) if kind is not None else None,
    )


def _listed(row: Mapping[str, Any], key: str, kind: type, path: Path, number: int) -> Sequence[Any]:
    value = row.get(key) or []
    if not isinstance(value, list) or not all(isinstance(part, kind) for part in value):
        what = "strings" if kind is str else "objects"
        raise BadDataset(f"{path}:{number}: '{key}' is not a list of {what}")
    return value


def _gold(place: Mapping[str, Any], path: Path, number: int) -> Gold:
    """One object of "gold". Raises BadDataset where a field is of another type or the characters are none."""
    where = f"{path}:{number}: 'gold'"
    if not isinstance(place.get("document"), str):
        raise BadDataset(f"{where}: 'document' is absent or not a string")
    numbers: dict[str, int | None] = {}
    for key in ("paragraph", "start", "end", "grade"):
        value = place.get(key)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise BadDataset(f"{where}: '{key}' is {value!r}, not a whole number")
        numbers[key] = value
    start, end, grade = numbers["start"], numbers["end"], numbers["grade"]
    if (start is None) != (end is None) or (start is not None and end is not None and start >= end):
        raise BadDataset(f"{where}: 'start' {start} and 'end' {end} are no characters; start < end")
    if grade == 0:
        raise BadDataset(f"{where}: a grade is 1 or more; leave out what is not relevant")
    return Gold(place["document"], grade or 1, numbers["paragraph"], start, end)
