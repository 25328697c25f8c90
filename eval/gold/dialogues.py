"""Files of conversations: follow-up questions with their rewritings by people, or with the places that answer them.

Two forms of JSON lines. Rewritings, as CANARD's: "id", "history" (question, answer, question, answer...), "question",
"rewrite", perhaps "title". Conversations over documents: "id", "doc", "turns" of "q", "standalone", "a" and "in", the
words of the document that answer.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.gold.datasets import BadDataset, json_rows, text_field
from index.documents import Document
from index.intake.indexing import row_document


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn of a conversation: as it was asked, as it can be asked alone, and the document's words that answer it.

    answered: whether the document answers. place: words of the document, "" where it does not answer.
    kind: the author's label of how the turn hangs on those before it.
    """

    question: str
    standalone: str
    place: str
    answered: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns of one conversation about one document."""

    conversation_id: str
    doc_id: str
    turns: tuple[Spoken, ...]


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A follow-up, the (question, answer) turns before it, and what a person made of it.

    document: whose passages hold the answer, and its characters `[start, end)`; start is None where it is not known.
    """

    question: str
    history: tuple[tuple[str, str], ...]
    rewrite: str
    document: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Followups:
    """A file: conversations over documents, or rewritings with the documents that their answers make."""

    path: Path
    conversations: tuple[Conversation, ...] = ()
    rewritings: tuple[Rewriting, ...] = ()
    texts: Mapping[str, tuple[str, str]] | None = None

    def documents(self) -> Iterator[Document]:
        """A document of each conversation's answers, a paragraph each, under its title; none where there are none."""
        for doc_id, (title, text) in (self.texts or {}).items():
            yield row_document(doc_id, f"{self.path.absolute()}#{doc_id}", text, title=title or None)


def read_followups(path: Path) -> Followups:
    """A file of either form. Raises BadDataset with file and line for another, or where it holds nothing."""
    rows = list(json_rows(path))
    if not rows:
        raise BadDataset(f"'{path}' holds no conversation")
    if "turns" in rows[0][1]:
        return Followups(path, tuple(_conversation(row, path, number) for number, row in rows))
    return _rewritings(rows, path)


def read_documents(path: Path) -> Iterator[Document]:
    """The documents that conversations are about: JSON lines of "id", "title"? and "text", or SQuAD's articles with an
    "id", in a file or in all `.json` files below a folder. Raises BadDataset for another form.
    """
    if path.suffix == ".jsonl":
        for number, row in json_rows(path):
            doc_id, text = text_field(row, "id", path, number), text_field(row, "text", path, number)
            yield row_document(doc_id, f"{path.absolute()}#{doc_id}", text, title=str(row.get("title") or "") or None)
        return
    for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
        try:
            for article in json.loads(file.read_text(encoding="utf-8"))["data"]:
                text = "\n\n".join(paragraph["context"] for paragraph in article["paragraphs"])
                doc_id, title = str(article["id"]), str(article.get("title") or "")
                yield row_document(doc_id, f"{file.absolute()}#{doc_id}", text, title=title or None)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadDataset(f'\'{file}\' is no JSON of articles with an "id" and "paragraphs" ({error})') from error


def _conversation(row: Mapping[str, Any], path: Path, number: int) -> Conversation:
    turns = row.get("turns")
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
        raise BadDataset(f"{path}:{number}: 'turns' is no list of objects")
    return Conversation(
        text_field(row, "id", path, number),
        text_field(row, "doc", path, number),
        tuple(
            Spoken(
                text_field(turn, "q", path, number), text_field(turn, "standalone", path, number),
                str(turn.get("in") or ""), bool(turn.get("a")), str(turn.get("link") or ""),
            )
            for turn in turns
        ),
    )  # fmt: skip


def _rewritings(rows: list[tuple[int, dict[str, Any]]], path: Path) -> Followups:
    """Rewritings, and a document of each conversation: the answers of its longest history."""
    longest: dict[str, tuple[str, list[str]]] = {}
    for number, row in rows:
        history = row.get("history")
        if not isinstance(history, list) or not all(isinstance(said, str) for said in history):
            raise BadDataset(f"{path}:{number}: 'history' is no list of texts")
        name = _name(row, path, number)
        title = " - ".join(row["title"]) if isinstance(row.get("title"), list) else str(row.get("title") or "")
        if len(history) > len(longest.get(name, ("", []))[1]) or name not in longest:
            longest[name] = (title, history)
    texts = {name: (title, "\n\n".join(history[1::2])) for name, (title, history) in longest.items() if title}
    found = []
    for number, row in rows:
        name, history = _name(row, path, number), row["history"]
        if not history:
            continue
        # CAsT's history is of questions alone.
        turns = (
            tuple(zip(history[::2], history[1::2], strict=False)) if name in texts else tuple((q, "") for q in history)
        )
        answers = longest[name][1][1::2]
        start = end = None
        if name in texts and len(turns) < len(answers) and _tells(answers[len(turns)]):
            start = sum(len(answer) + 2 for answer in answers[: len(turns)])
            end = start + len(answers[len(turns)])
        question, rewrite = text_field(row, "question", path, number), text_field(row, "rewrite", path, number)
        found.append(Rewriting(question, turns, rewrite, name, start, end))
    if not found:
        raise BadDataset(f"'{path}' holds no question with a history")
    return Followups(path, rewritings=tuple(found), texts=texts)


_SHORTEST = 25


def _tells(answer: str) -> bool:
    """Whether an answer says enough to be looked for."""
    return len(answer) >= _SHORTEST and "don't know" not in answer


def _name(row: Mapping[str, Any], path: Path, number: int) -> str:
    """What the rows of one conversation share: the id without its last number, with the title."""
    identity = text_field(row, "id", path, number)
    title = row.get("title")
    if isinstance(title, list):
        # CANARD's test rows are numbered through: a conversation is told by its section and its first question.
        first = row["history"][0] if row.get("history") else row.get("question")
        return hashlib.sha256(json.dumps([title, first]).encode()).hexdigest()[:16]
    return identity.rsplit("_", 1)[0]
