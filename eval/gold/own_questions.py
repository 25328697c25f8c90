"""Questions of one's own: a file to fill in, made from a collection; its check; how many questions are enough."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.gold.datasets import BadDataset, json_rows
from eval.gold.places import find_places
from eval.gold.questions import Question, question_of_row
from eval.measures.differences import questions_needed
from eval.measures.matching import normalise_answer
from index.collection import Snapshot
from index.paragraphs import Kind, Paragraph
from rag.citations import Sources

# A paragraph that is asked about has at least so many characters: less states no fact that can be asked for.
_LEAST_CHARACTERS = 120
# Of the rows, those for questions that nothing answers: without them nobody learns when it should be silent.
_UNANSWERABLE = 0.2
# Of two settings' differences by question: 0.20 between dense and lexical search on Cranfield's nDCG@10.
_DEVIATION = 0.2


@dataclass(frozen=True, slots=True)
class Checked:
    """A question file, looked over. faults: one line each, with file and line."""

    filled: int
    unfilled: int
    answerable: int
    documents: int
    faults: tuple[str, ...]


def write_questions(path: Path, snapshot: Snapshot, n: int) -> int:
    """Writes a file of about n rows to be filled in; returns how many. Every document in turn, paragraphs by chance.

    The chance is that of hashes, so the same collection gives the same file. Raises BadDataset where the file exists,
    or the collection has no paragraph to ask about.
    """
    if path.exists():
        raise BadDataset(f"'{path}' exists, and is not written over; to look it over: pilcrow eval init {path} --check")
    chosen = _chosen(snapshot, n)
    if not chosen:
        raise BadDataset("the collection has no paragraph that could be asked about")
    sources = Sources(snapshot)
    silent = round(len(chosen) * _UNANSWERABLE)
    rows = []
    for number, paragraph in enumerate(chosen, 1):
        text = sources.document(paragraph.doc_id).text[paragraph.start : paragraph.end]
        answered = number <= len(chosen) - silent
        gold = [{"document": paragraph.doc_id, "paragraph": paragraph.number}] if answered else []
        task = "ask what this paragraph answers" if answered else "ask what is near to this, and is nowhere answered"
        rows.append({"id": f"own-{number:03}", "question": "", "answers": [], "gold": gold, "task": task, "text": text})
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return len(rows)


def _chosen(snapshot: Snapshot, n: int) -> list[Paragraph]:
    """Up to n body paragraphs: one of each document, then a second one, as long as there are any."""
    by_document = [
        sorted(found, key=_chance)
        for document in sorted(snapshot.documents(), key=lambda d: _hash(d.doc_id))
        if (found := [p for p in snapshot.paragraphs(document.doc_id) if _can_be_asked_about(p)])
    ]
    deepest = max(map(len, by_document), default=0)
    in_turn = [own[depth] for depth in range(deepest) for own in by_document if depth < len(own)]
    return in_turn[:n]


def _can_be_asked_about(paragraph: Paragraph) -> bool:
    return paragraph.kind is Kind.BODY and paragraph.end - paragraph.start >= _LEAST_CHARACTERS


def _chance(paragraph: Paragraph) -> str:
    return _hash(f"{paragraph.doc_id} {paragraph.number}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check_questions(path: Path, snapshot: Snapshot) -> Checked:
    """Looks over a file that a person filled in; rows with an empty question count as unfilled, and are no fault.

    A fault: a malformed row, an id that comes twice, gold that the collection does not have or takes for furniture,
    an answer that does not stand in its gold.
    """
    known = {document.doc_id for document in snapshot.documents()}
    sources = Sources(snapshot)
    faults: list[str] = []
    seen: set[str] = set()
    filled = unfilled = answerable = 0
    documents: set[str] = set()
    for number, row in json_rows(path):
        if isinstance(row.get("question"), str) and not row["question"].strip():
            unfilled += 1
            continue
        try:
            question = question_of_row(row, path, number)
        except BadDataset as error:
            faults.append(str(error))
            continue
        if question.question_id in seen:
            faults.append(f"{path}:{number}: the id '{question.question_id}' was there before")
        seen.add(question.question_id)
        filled += 1
        answerable += question.answerable
        documents |= {gold.doc_id for gold in question.gold}
        faults += [f"{path}:{number}: {fault}" for fault in _faults(question, snapshot, sources, known)]
    return Checked(filled, unfilled, answerable, len(documents), tuple(faults))


def _faults(question: Question, snapshot: Snapshot, sources: Sources, known: set[str]) -> list[str]:
    places = find_places(question, sources, snapshot, known)
    faults = [
        f"gold '{gold.doc_id}', paragraph {gold.paragraph}, is not in the collection; pilcrow list shows the names"
        for gold in places.absent
    ]
    faults += [
        f"gold '{gold.doc_id}', paragraph {gold.paragraph}, is taken for furniture, so nothing finds it; "
        "pilcrow paragraphs DOC shows why"
        for gold in places.furniture
    ]
    texts = [normalise_answer(sources.document(doc).text[start:end]) for doc, start, end in places.evidence]
    if texts:
        faults += [
            f"the answer '{reference}' does not stand in its gold"
            for reference in question.references
            if not any(normalise_answer(reference) in text for text in texts)
        ]
    return faults


def enough_text(differences: Sequence[float] = (0.02, 0.05, 0.1), *, n: int | None = None) -> str:
    """How many questions show differences of these sizes, in a line; n: how many there are."""
    needed = "; ".join(f"{questions_needed(size, _DEVIATION):,} show {size:g}" for size in differences)
    there = f" There are {n:,}." if n is not None else ""
    return (
        f"Questions that show a difference between two settings four times in five, where it varies by {_DEVIATION:g} "
        f"from question to question: {needed}.{there}"
    )
