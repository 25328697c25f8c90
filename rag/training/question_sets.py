"""Question sets on paragraphs: what the reader and the support model are trained on, read and searched.

    SQuAD files, QAMR -> Corpus: paragraphs, questions with spans, and other paragraphs found for each question

Which examples are made of them is `rag.training.examples`'s.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from index.encoder.weights import sha256_of
from rag.training.steps import TrainingDataError

# Of squad2_dev_half's sixteen articles ten may be trained on. These six never are: mathematics, economy, law,
# an institution, biology, a city. Thresholds are chosen on one three and reported on the other.
CALIBRATION_ARTICLES = (
    ("Computational_complexity_theory", "1973_oil_crisis", "Immune_system"),
    ("European_Union_law", "Harvard_University", "Warsaw"),
)
HELD_OUT_ARTICLES = frozenset(title for titles in CALIBRATION_ARTICLES for title in titles)
DEV_FILE = "squad2_dev_half.json"

_MAX_OCCURRENCES = 4
_RETRIEVED_PARAGRAPHS = 12


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph to read: its text, the title shown with it ("" for none), its article, and its question set."""

    text: str
    title: str
    article: str
    source: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question on the paragraph of that number; spans are every reference `[start, end)`, none if unanswerable."""

    question_id: str
    text: str
    paragraph: int
    spans: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Corpus:
    """All paragraphs and questions. retrieved: for each question, numbers of paragraphs found for it, best first."""

    paragraphs: list[Paragraph] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    articles: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    retrieved: list[list[int]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def add_paragraph(self, paragraph: Paragraph) -> int:
        """Its number, from 0 in order of adding."""
        self.paragraphs.append(paragraph)
        self.articles[paragraph.article].append(len(self.paragraphs) - 1)
        return len(self.paragraphs) - 1

    def answers(self, question: Question) -> set[str]:
        """The reference answers in lower case."""
        text = self.paragraphs[question.paragraph].text
        return {text[start:end].lower() for start, end in question.spans}


def load_corpus(data: Path) -> Corpus:
    """Everything below `data` that may be trained on: `train/*.json`, `train/qamr/`, ten articles of the dev half.

    Paragraphs that also stand in a held-out article are left out (`dropped` counts what was left out, and why).
    Raises TrainingDataError for a reference that is not where its offset says, and where there is nothing to read.
    """
    corpus = Corpus()
    dev = data / DEV_FILE
    held_out = _shingles_of_articles(dev, HELD_OUT_ARTICLES) if dev.is_file() else set()
    for path in sorted((data / "train").glob("*.json")):
        add_squad(corpus, path, unlike=held_out)
    if (data / "train" / "qamr").is_dir():
        add_qamr(corpus, data / "train" / "qamr")
    if dev.is_file():
        add_squad(corpus, dev, skip_articles=HELD_OUT_ARTICLES)
    if not corpus.questions:
        raise TrainingDataError(f"no questions below '{data}'; it should hold train/*.json in SQuAD's format")
    corpus.retrieved = retrieve_paragraphs(corpus)
    return corpus


def add_squad(
    corpus: Corpus, path: Path, *, skip_articles: frozenset[str] = frozenset(), unlike: set[int] | None = None
) -> None:
    """Adds a SQuAD JSON file. Raises TrainingDataError for an offset at which the answer does not stand."""
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingDataError(
            f"'{path}' is not a file of SQuAD's form ({error!r}); mend it or take it away"
        ) from error
    for number, article in enumerate(articles):
        title = article.get("title", "")
        if title in skip_articles:
            continue
        shown = "" if re.search(r"unknown|_\d+$|reddit|\.\w+$", title.lower()) else unquote(title).replace("_", " ")
        for entry in article["paragraphs"]:
            text = entry["context"]
            if unlike and _shares_text(text, unlike):
                corpus.dropped["stands in a held-out article"] += len(entry["qas"])
                continue
            paragraph = corpus.add_paragraph(Paragraph(text, shown, f"{path.stem}/{title or number}", path.stem))
            for row in entry["qas"]:
                _add_question(corpus, row, paragraph, f"{path.name}, question {row['id']}")


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
    if not row["question"].strip() or any(start == end for start, end in spans):
        corpus.dropped["empty question or answer"] += 1
        return
    corpus.questions.append(Question(str(row["id"]), row["question"].strip(), paragraph, tuple(sorted(spans))))


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


def _shingles_of_articles(path: Path, titles: frozenset[str]) -> set[int]:
    with path.open(encoding="utf-8") as file:
        articles = json.load(file)["data"]
    held = [entry["context"] for article in articles if article["title"] in titles for entry in article["paragraphs"]]
    return {shingle for text in held for shingle in _shingles(text)}


def _shares_text(text: str, shingles: set[int]) -> bool:
    own = _shingles(text)
    return len(own & shingles) > 0.2 * len(own)


def add_qamr(corpus: Corpus, folder: Path) -> None:
    """Adds QAMR's rows that both validators answered and agreed on; a sentence is a paragraph.

    Rows judged invalid or redundant, cut questions (the form took 50 characters) and answers with gaps are left out.
    """
    sentences = dict(_tsv(folder / "wiki-sentences.tsv"))
    numbers: dict[str, tuple[int, list[tuple[int, int]]]] = {}
    seen: set[tuple[str, str]] = set()
    for path in sorted(folder.glob("*.tsv")):
        for row in _tsv(path):
            if len(row) < 9:
                continue
            spans = _qamr_spans(row)
            question = row[5].strip()
            if not spans or len(question.split()) < 4 or not question.endswith("?") or (row[0], question) in seen:
                corpus.dropped["qamr: disagreement, cut or repeated"] += 1
                continue
            seen.add((row[0], question))
            if row[0] not in numbers:
                text, offsets = detokenise(sentences[row[0]].split())
                article = "qamr/" + ":".join(row[0].split(":")[:3])
                numbers[row[0]] = corpus.add_paragraph(Paragraph(text, "", article, "qamr")), offsets
            paragraph, offsets = numbers[row[0]]
            characters = {(offsets[first][0], offsets[last][1]) for first, last in spans}
            question_id = ":".join((row[0], row[1], row[2], row[3]))
            corpus.questions.append(Question(question_id, question, paragraph, tuple(sorted(characters))))


def _tsv(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line]


def _qamr_spans(row: Sequence[str]) -> set[tuple[int, int]]:
    """(first, last) tokens of the writer's and both validators' answers; empty unless all three overlap by half."""
    marked = [row[6], *(judgement.partition(":")[2] for judgement in row[7:9])]
    if not all(re.fullmatch(r"\d+( \d+)*", tokens) for tokens in marked):
        return set()
    answers = [sorted(int(token) for token in tokens.split()) for tokens in marked]
    if any(answer[-1] - answer[0] >= len(answer) for answer in answers):
        return set()
    written = set(answers[0])
    if any(2 * len(written & set(answer)) < max(len(written), len(answer)) for answer in answers[1:]):
        return set()
    return {(answer[0], answer[-1]) for answer in answers}


_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}", "``": '"', "''": '"'}
_OPENING = frozenset(["-LRB-", "-LSB-", "-LCB-", "``", "`", "$", "£", "€", "#"])
_CLOSING = frozenset(["-RRB-", "-RSB-", "-RCB-", "''", "'", ",", ".", ";", ":", "?", "!", "%", "...", "n't"])


def detokenise(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Penn Treebank tokens as running text, and the characters `[start, end)` of each token in it."""
    text, offsets, glued = "", [], True
    for token in tokens:
        written = _BRACKETS.get(token, token).replace("`", "'")
        joined = token in _CLOSING or re.fullmatch(r"'(s|ve|re|m|d|ll|S|t)", token) is not None
        if not glued and not joined:
            text += " "
        offsets.append((len(text), len(text) + len(written)))
        text += written
        glued = token in _OPENING
    return text, offsets


def retrieve_paragraphs(corpus: Corpus, k: int = _RETRIEVED_PARAGRAPHS) -> list[list[int]]:
    """For each answerable question up to k paragraphs found for it by BM25 that do not hold its answer, best first."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("number", stored=True, indexed=True)
    builder.add_text_field("text", tokenizer_name="en_stem")
    index = tantivy.Index(builder.build())
    writer = index.writer(num_threads=1)  # one thread: ties keep their order from run to run
    for number, paragraph in enumerate(corpus.paragraphs):
        writer.add_document(tantivy.Document(number=number, text=f"{paragraph.title} {paragraph.text}"))
    writer.commit()
    index.reload()
    searcher = index.searcher()
    lowered = [paragraph.text.lower() for paragraph in corpus.paragraphs]
    found: list[list[int]] = []
    for question in corpus.questions:
        words = " ".join(re.findall(r"\w+", question.text.lower()))
        if not question.spans or not words:
            found.append([])
            continue
        hits = searcher.search(index.parse_query(words, ["text"]), limit=k + 8).hits
        numbers = [int(searcher.doc(address)["number"][0]) for _, address in hits]
        answers = corpus.answers(question)
        own = question.paragraph
        found.append([n for n in numbers if n != own and not any(answer in lowered[n] for answer in answers)][:k])
    return found


def folder_sha256(data: Path) -> str:
    """One hash over names and bytes of every file below `data` that `load_corpus` reads."""
    paths = [path for path in sorted((data / "train").rglob("*")) if path.suffix in (".json", ".tsv")]
    paths += [data / DEV_FILE] if (data / DEV_FILE).is_file() else []
    lines = [f"{path.relative_to(data).as_posix()} {sha256_of(path)}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
