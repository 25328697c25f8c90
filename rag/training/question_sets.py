"""Question sets on paragraphs: what the readers and the support model are trained on.

    people/, reading/, yesno/ -> load_questions -> Corpus: paragraphs, questions with spans, evidence, yes or no

Which examples are made of them is `rag.training.examples`'s; what the support model reads is
`rag.training.support_questions`'s. What the data folder should hold is said by `load_questions`; its texts stay outside
of the project.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zlib import crc32

from index.encoder.weights import sha256_of
from index.paragraphs import paragraph_spans
from index.sentences import sentence_spans
from rag.training.steps import TrainingDataError

# Of squad2_dev_half's sixteen articles ten may be trained on. These six never are: mathematics, economy, law,
# an institution, biology, a city. Thresholds are chosen on one three and reported on the other.
CALIBRATION_ARTICLES = (
    ("Computational_complexity_theory", "1973_oil_crisis", "Immune_system"),
    ("European_Union_law", "Harvard_University", "Warsaw"),
)
HELD_OUT_ARTICLES = frozenset(title for titles in CALIBRATION_ARTICLES for title in titles)
DEV_FILE = "squad2_dev_half.json"
# Where the sets lie below the data folder.
READING = "reading"
PEOPLE = "people/train"

_MAX_OCCURRENCES = 4
_KEPT = 12
# Sets in which several references are several sentences of one answer.
_SENTENCES_TOGETHER = frozenset({"reading/more/selqa_sentence.json"})


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph to read: its text, the title shown with it ("" for none), its article, and its question set."""

    text: str
    title: str
    article: str
    source: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question on the paragraph of that number; spans are every reference `[start, end)`, none if unanswerable.

    evidence: the characters that settle it, where a person marked them. yes: which way a yes-or-no question is
    decided; such a question is answerable even where no span is marked.
    """

    question_id: str
    text: str
    paragraph: int
    spans: tuple[tuple[int, int], ...]
    evidence: tuple[int, int] | None = None
    yes: bool | None = None

    @property
    def settled_by(self) -> tuple[int, int]:
        """The characters to show: the evidence, else the first reference. Raises ValueError where there is neither."""
        if not self.spans:
            raise ValueError(f"question '{self.question_id}' has no place in its paragraph")
        return self.evidence or self.spans[0]


@dataclass(slots=True)
class Corpus:
    """All paragraphs and questions. retrieved: for each question, numbers of paragraphs found for it, best first."""

    paragraphs: list[Paragraph] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    articles: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    retrieved: list[list[int]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    _sentences: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def add_paragraph(self, paragraph: Paragraph) -> int:
        """Its number, from 0 in order of adding."""
        self.paragraphs.append(paragraph)
        self.articles[paragraph.article].append(len(self.paragraphs) - 1)
        return len(self.paragraphs) - 1

    def answers(self, question: Question) -> set[str]:
        """The reference answers in lower case."""
        text = self.paragraphs[question.paragraph].text
        return {text[start:end].lower() for start, end in question.spans}

    def sentences(self, paragraph: int) -> list[tuple[int, int]]:
        """The sentences `[start, end)` of the paragraph of that number, as the product cuts them, in order."""
        if paragraph not in self._sentences:
            text = self.paragraphs[paragraph].text
            self._sentences[paragraph] = [
                span for start, end in paragraph_spans(text) for span in sentence_spans(text, start, end)
            ]
        return self._sentences[paragraph]


def load_questions(data: Path, sets: Iterable[str]) -> Corpus:
    """Everything below `data` that a reader may be trained on.

    people/train/*.json: SQuAD's form with `evidence` ({"start", "end"}) and `yesno` ("yes", "no"); documents that
    `is_kept_for_confidence` are left out.
    sets: other files below `data`, SQuAD's .json or .jsonl as `add_yes_or_no` takes it; one that is absent is passed
    over. A SQuAD dev half loses its held-out articles, and every set the paragraphs that also stand in those.

    `dropped` counts what was left out, and why. Raises TrainingDataError for a reference that is not where its offset
    says, and where there is nothing to read.
    """
    corpus = Corpus()
    held_out = held_out_shingles(data / READING / DEV_FILE)
    for path in sorted((data / PEOPLE).glob("*.json")):
        add_squad(corpus, path, source=PEOPLE, unless=is_kept_for_confidence)
    for name in sets:
        path = data / name
        if path.is_file() and path.suffix == ".jsonl":
            add_yes_or_no(corpus, path, source=name)
        elif path.is_file():
            skipped = HELD_OUT_ARTICLES if path.name == DEV_FILE else frozenset()
            add_squad(corpus, path, source=name, skip_articles=skipped, unlike=held_out)
    _keep_what_has_one_answer(corpus)
    if not corpus.questions:
        raise TrainingDataError(f"no questions below '{data}'; it should hold {PEOPLE}/*.json in SQuAD's format")
    return corpus


def question_files(data: Path, sets: Iterable[str]) -> list[Path]:
    """The files that `load_questions` reads, in its order."""
    return [*sorted((data / PEOPLE).glob("*.json")), *(data / name for name in sets if (data / name).is_file())]


def is_kept_for_confidence(text: str) -> bool:
    """One document of the people questions in twelve is not trained on: the confidence is fitted on it."""
    return crc32(text.encode()) % _KEPT == 0


def _keep_what_has_one_answer(corpus: Corpus) -> None:
    """Leaves out questions with many references, or several sentences that are the answer only together."""
    kept = []
    for question in corpus.questions:
        several = corpus.paragraphs[question.paragraph].source in _SENTENCES_TOGETHER and len(question.spans) > 1
        if several or len(question.spans) > _MAX_OCCURRENCES:
            corpus.dropped["several answers"] += 1
        else:
            kept.append(question)
    corpus.questions = kept


def add_squad(
    corpus: Corpus,
    path: Path,
    *,
    source: str | None = None,
    skip_articles: frozenset[str] = frozenset(),
    unlike: set[int] | None = None,
    unless: Callable[[str], bool] | None = None,
) -> None:
    """Adds a SQuAD JSON file. Raises TrainingDataError for an offset at which the answer does not stand.

    source: the set's name; by default the file's. unlike: shingles of texts that must not be among the paragraphs.
    unless: says of a paragraph's text that it is left out.
    """
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingDataError(
            f"'{path}' is not a file of SQuAD's form ({error!r}); mend it or take it away"
        ) from error
    for number, article in enumerate(articles):
        title = article.get("title") or ""
        if title in skip_articles:
            continue
        for entry in article["paragraphs"]:
            text = entry["context"]
            if unlike and _shares_text(text, unlike):
                corpus.dropped["stands in a held-out article"] += len(entry["qas"])
                continue
            if unless and unless(text):
                corpus.dropped["kept for the confidence"] += len(entry["qas"])
                continue
            paragraph = corpus.add_paragraph(
                Paragraph(text, _shown(title), f"{path.stem}/{title or number}", source or path.stem)
            )
            for row in entry["qas"]:
                _add_question(corpus, row, paragraph, f"{path.name}, question {row['id']}")


def _shown(title: str) -> str:
    """A title as a reader would see it; "" for one that is a file's name or a number."""
    return "" if re.search(r"unknown|_\d+$|reddit|\.\w+$", title.lower()) else unquote(title).replace("_", " ")


def _add_question(corpus: Corpus, row: Mapping[str, Any], paragraph: int, where: str) -> None:
    text = corpus.paragraphs[paragraph].text
    spans: set[tuple[int, int]] = set()
    for answer in row["answers"]:
        start, end = answer["answer_start"], answer["answer_start"] + len(answer["text"])
        if text[start:end] != answer["text"]:
            raise TrainingDataError(f"{where}: {answer['text']!r} does not stand at {start}, but {text[start:end]!r}")
        guessed = answer.get("start_is_first_occurrence", False)
        spans.update(occurrences(text, answer["text"]) if guessed else [(start, end)])
    if len(spans) > _MAX_OCCURRENCES and any(answer.get("start_is_first_occurrence") for answer in row["answers"]):
        corpus.dropped["guessed offset, many occurrences"] += 1
        return
    if row.get("multi_span"):
        corpus.dropped["several answers"] += 1
        return
    evidence = _evidence(row, text, where)
    if evidence and not spans:
        spans.add(evidence)
    if not row["question"].strip() or any(start == end for start, end in spans):
        corpus.dropped["empty question or answer"] += 1
        return
    yes = _WAYS.get(row.get("yesno", ""))
    corpus.questions.append(
        Question(str(row["id"]), row["question"].strip(), paragraph, tuple(sorted(spans)), evidence, yes)
    )


def _evidence(row: Mapping[str, Any], text: str, where: str) -> tuple[int, int] | None:
    """The characters that a people question's row marks. Raises TrainingDataError where they are none of its text."""
    if not row.get("evidence"):
        return None
    start, end = row["evidence"]["start"], row["evidence"]["end"]
    if not 0 <= start < end <= len(text):
        raise TrainingDataError(f"{where}: evidence {start} to {end} is not within its text of {len(text)} characters")
    return start, end


_WAYS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def add_yes_or_no(corpus: Corpus, path: Path, *, source: str) -> None:
    """Adds a .jsonl of question, context, answer and perhaps title; rows with another answer than yes or no are left.

    Raises TrainingDataError for a row without question, context or answer.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            text, question, answer = row["context"], row["question"].strip(), str(row["answer"]).strip().lower()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingDataError(f"{path.name}:{number}: no question with context and answer ({error!r})") from error
        if answer not in _WAYS:
            corpus.dropped["neither yes nor no"] += 1
            continue
        paragraph = corpus.add_paragraph(
            Paragraph(text, row.get("title") or "", f"{path.stem}/{row.get('title') or number}", source)
        )
        corpus.questions.append(Question(f"{path.stem}:{number}", question, paragraph, (), yes=_WAYS[answer]))


def occurrences(text: str, answer: str) -> list[tuple[int, int]]:
    """Every place where the answer stands as whole words; every place at all if none is whole.

    For an offset that is a guess: all are references, and the loss lets the reader choose among them.
    """
    found = [match.span() for match in re.finditer(re.escape(answer), text)]
    whole = [span for span in found if _is_whole(text, *span)]
    return whole or found


def _is_whole(text: str, start: int, end: int) -> bool:
    before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    after = end < len(text) and text[end].isalnum() and text[end - 1].isalnum()
    return not before and not after


def _shingles(text: str, size: int = 8) -> set[int]:
    words = re.findall(r"\w+", text.lower())
    return {hash(tuple(words[i : i + size])) for i in range(len(words) - size + 1)}


def held_out_shingles(dev: Path) -> set[int]:
    """Of the held-out articles in that file; none where there is no such file."""
    if not dev.is_file():
        return set()
    articles = json.loads(dev.read_text(encoding="utf-8"))["data"]
    held = [a for a in articles if a["title"] in HELD_OUT_ARTICLES]
    return {shingle for a in held for entry in a["paragraphs"] for shingle in _shingles(entry["context"])}


def _shares_text(text: str, shingles: set[int]) -> bool:
    own = _shingles(text)
    return len(own & shingles) > 0.2 * len(own)


def sha256_of_files(data: Path, paths: Iterable[Path]) -> str:
    """One hash over the names below `data` and the bytes of files."""
    lines = [f"{path.relative_to(data).as_posix()} {sha256_of(path)}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
