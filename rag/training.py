"""Trains the extractive reader that ships: question sets to examples, examples to steps, steps to a checkpoint.

Owns the recipe: which questions, which of them are made unanswerable and how, the loss. The run is `rag.steps`'s, the
network and its inputs are `rag.reading`'s; nothing here is needed to answer a question.

    SQuAD files, QAMR -> Corpus -> an epoch's plans -> Example -> windows -> batches of like length -> steps
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from index.weights import sha256_of
from rag import network, reading
from rag.steps import Losses, Run, Schedule, TrainingDataError, seeded, stream, times, train

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

# Of squad2_dev_half's sixteen articles ten may be trained on. These six never are: mathematics, economy, law,
# an institution, biology, a city. Thresholds are chosen on one three and reported on the other.
CALIBRATION_ARTICLES = (
    ("Computational_complexity_theory", "1973_oil_crisis", "Immune_system"),
    ("European_Union_law", "Harvard_University", "Warsaw"),
)
HELD_OUT_ARTICLES = frozenset(title for titles in CALIBRATION_ARTICLES for title in titles)
DEV_FILE = "squad2_dev_half.json"

MAX_OCCURRENCES = 4
RETRIEVED_PARAGRAPHS = 12


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


@dataclass(frozen=True, slots=True)
class Example:
    """What one input is made of; spans are in characters of `passage`, none where it does not answer."""

    question: str
    title: str
    passage: str
    spans: tuple[tuple[int, int], ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Rates:
    """How many examples of each kind an epoch makes, on average, for one question of a set.

    answerable: of a question with an answer.  unanswerable: of a question that people wrote to have none.
    The others are made from a question with an answer: a neighbouring paragraph, a retrieved one, the paragraph
    without the sentences that answer, a name or number changed in the question, one changed in the paragraph.
    """

    answerable: float = 1.0
    unanswerable: float = 2.0
    neighbour: float = 0.15
    retrieved: float = 0.20
    removed: float = 0.12
    changed_question: float = 0.17
    changed_passage: float = 0.06


# By the first letters of a set's file name; Wikipedia has the default rates. Questions on posts and reviews are often
# vague ("Where do they live?"), so another post may well answer them; a privacy policy's spans are long and loose, and
# every policy answers every question. Such negatives would teach that nothing is ever answered.
VAGUE = Rates(answerable=0.6, neighbour=0.0, retrieved=0.08, removed=0.10, changed_question=0.06, changed_passage=0.0)
POSITIVE_ONLY = Rates(
    answerable=0.3, neighbour=0.0, retrieved=0.0, removed=0.0, changed_question=0.0, changed_passage=0.0
)
SENTENCES = Rates(
    answerable=0.35, neighbour=0.04, retrieved=0.03, removed=0.0, changed_question=0.02, changed_passage=0.0
)
RATES: dict[str, Rates] = {
    "squadshifts_reddit": VAGUE,
    "squadshifts_amazon": VAGUE,
    "policyqa": POSITIVE_ONLY,
    "qamr": SENTENCES,
    # Written by people to look answerable: the only such questions there are, so each is seen three times.
    "squad2_dev_half": Rates(answerable=2.0, unanswerable=3.0),
}


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


# --- reading the question sets -----------------------------------------------------------------------------------


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
    if len(spans) > MAX_OCCURRENCES and any(answer.get("start_is_first_occurrence") for answer in row["answers"]):
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


BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}", "``": '"', "''": '"'}
OPENING = frozenset(["-LRB-", "-LSB-", "-LCB-", "``", "`", "$", "£", "€", "#"])
CLOSING = frozenset(["-RRB-", "-RSB-", "-RCB-", "''", "'", ",", ".", ";", ":", "?", "!", "%", "...", "n't"])


def detokenise(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Penn Treebank tokens as running text, and the characters `[start, end)` of each token in it."""
    text, offsets, glued = "", [], True
    for token in tokens:
        written = BRACKETS.get(token, token).replace("`", "'")
        joined = token in CLOSING or re.fullmatch(r"'(s|ve|re|m|d|ll|S|t)", token) is not None
        if not glued and not joined:
            text += " "
        offsets.append((len(text), len(text) + len(written)))
        text += written
        glued = token in OPENING
    return text, offsets


def retrieve_paragraphs(corpus: Corpus, k: int = RETRIEVED_PARAGRAPHS) -> list[list[int]]:
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


# --- from questions to examples ----------------------------------------------------------------------------------


def plan_epoch(corpus: Corpus, seed: int, epoch: int) -> list[tuple[int, str]]:
    """(question number, kind) of every example of an epoch, shuffled. A rate's fraction is drawn for each question."""
    rng = seeded("plan", seed, epoch)
    plans: list[tuple[int, str]] = []
    for number, question in enumerate(corpus.questions):
        rates = asdict(rates_of(corpus.paragraphs[question.paragraph].source))
        official = rates.pop("unanswerable")
        for kind, rate in rates.items() if question.spans else [("unanswerable", official)]:
            plans += [(number, kind)] * times(rate, rng)
    rng.shuffle(plans)
    return plans


def rates_of(source: str) -> Rates:
    """The rates of a question set by its file's name."""
    return next((rates for name, rates in RATES.items() if source.startswith(name)), Rates())


def make_example(corpus: Corpus, number: int, kind: str, rng: random.Random) -> Example:
    """The example that a plan stands for; the plain answerable one where its kind cannot be made of this question."""
    question = corpus.questions[number]
    own = corpus.paragraphs[question.paragraph]
    example = Example(question.text, own.title, own.text, question.spans, "answerable" if question.spans else kind)
    if kind in ("neighbour", "retrieved"):
        example = _elsewhere(corpus, number, kind, rng) or example
    elif kind == "removed":
        example = without_answer(example, corpus.answers(question)) or example
    elif kind == "changed_question":
        example = _changed_question(corpus, question, example, rng) or example
    elif kind == "changed_passage":
        example = _changed_passage(corpus, question, example, rng) or example
    return _varied(corpus, question, example, rng)


def _elsewhere(corpus: Corpus, number: int, kind: str, rng: random.Random) -> Example | None:
    """The question on another paragraph of its article, or on one of the best found for it."""
    question = corpus.questions[number]
    if kind == "neighbour":
        candidates = _neighbours(corpus, question, reach=8)
    else:
        candidates = corpus.retrieved[number][: rng.choice((2, 5, 12))]
    if not candidates:
        return None
    paragraph = corpus.paragraphs[rng.choice(candidates)]
    return Example(question.text, paragraph.title, paragraph.text, (), kind)


def _neighbours(corpus: Corpus, question: Question, reach: int) -> list[int]:
    """Paragraphs of the same article, at most `reach` away, that do not hold the answer."""
    numbers = corpus.articles[corpus.paragraphs[question.paragraph].article]
    place = numbers.index(question.paragraph)
    near = numbers[max(0, place - reach) : place] + numbers[place + 1 : place + 1 + reach]
    answers = corpus.answers(question)
    return [n for n in near if not any(answer in corpus.paragraphs[n].text.lower() for answer in answers)]


SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])")


def sentences(text: str) -> list[tuple[int, int]]:
    """Characters `[start, end)` of sentences, roughly: after . ! or ? where white space and a capital follow."""
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    return list(zip([0, *ends], [*ends, len(text)], strict=True))


def without_answer(example: Example, answers: set[str]) -> Example | None:
    """The passage without the sentences that answer: right subject, missing fact. None if the answer stands again."""
    kept = [
        example.passage[start:end]
        for start, end in sentences(example.passage)
        if not any(start < span_end and span_start < end for span_start, span_end in example.spans)
    ]
    rest = "".join(kept)
    if len(kept) < 2 or any(answer in rest.lower() for answer in answers):
        return None
    return replace(example, passage=rest, spans=(), kind="removed")


NAME = re.compile(r"\b[A-Z][\w'’.-]*\w(?: (?:of |the |de |von )?[A-Z][\w'’.-]*\w)*")
NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
NOT_NAMES = frozenset(
    re.findall(
        r"\w+",
        """what who whom whose which when where why how in on at the a an is was are were did does do can could by for
        from to of and if this that it he she they there during after before although while since as with""",
    )
)
OPPOSITE_PAIRS = re.findall(
    r"(\w+)/(\w+)",
    """first/last largest/smallest highest/lowest most/least before/after increase/decrease north/south
    northern/southern east/west eastern/western oldest/youngest began/ended start/end more/fewer early/late won/lost
    above/below public/private positive/negative major/minor biggest/smallest larger/smaller higher/lower
    longest/shortest best/worst always/never import/export inside/outside begin/finish allowed/forbidden rise/fall
    increased/decreased earliest/latest common/rare accepted/rejected supported/opposed defeated/joined rich/poor""",
)
OPPOSITE = {word: other for one, two in OPPOSITE_PAIRS for word, other in ((one, two), (two, one))}
NEGATED = re.compile(r"^(who|what|which \w+) (is|was|are|were|did|does|could|would|has|have|had)\b(?! not)", re.I)


def names(text: str) -> list[str]:
    """Runs of capitalised words, without a sentence's small first word."""
    return [match for match in NAME.findall(text) if match.lower() not in NOT_NAMES]


def _changed_question(corpus: Corpus, question: Question, example: Example, rng: random.Random) -> Example | None:
    """The question about another name or number, or about the opposite; the passage no longer answers it."""
    ways = ["name", "number", "opposite"]
    rng.shuffle(ways)
    for way in ways:
        if way == "name":
            changed = _with_other_name(corpus, question, rng)
        elif way == "number":
            changed = _with_other_number(question.text, example.passage, rng)
        else:
            changed = _with_opposite(question.text, rng)
        if changed and changed != question.text:
            return replace(example, question=changed, spans=(), kind="changed_question")
    return None


def _with_other_name(corpus: Corpus, question: Question, rng: random.Random) -> str | None:
    own = [name for name in names(question.text) if not question.text.startswith(name) or " " in name]
    if not own:
        return None
    name = rng.choice(own)
    other = _other_name(corpus, question, name, rng)
    return question.text.replace(name, other) if other else None


def _other_name(corpus: Corpus, question: Question, name: str, rng: random.Random) -> str | None:
    """A name that shares no word with `name`, the question or an answer: of the passage, or of its article."""
    number = question.paragraph
    if rng.random() >= 0.5:
        number = rng.choice(corpus.articles[corpus.paragraphs[number].article])
    taken = set(re.findall(r"\w+", question.text.lower()))
    taken.update(word for answer in corpus.answers(question) for word in re.findall(r"\w+", answer))
    candidates = [
        other
        for other in names(corpus.paragraphs[number].text)
        if not taken & set(re.findall(r"\w+", other.lower())) and abs(other.count(" ") - name.count(" ")) <= 1
    ]
    return rng.choice(candidates) if candidates else None


def _with_other_number(question: str, passage: str, rng: random.Random) -> str | None:
    own = NUMBER.findall(question)
    if not own:
        return None
    number = rng.choice(own)
    other = other_number(number, rng)
    return None if other in passage else question.replace(number, other)


def other_number(number: str, rng: random.Random) -> str:
    digits = number.replace(",", "").replace(".", "")
    if re.fullmatch(r"1\d{3}|20\d\d", number):
        return str(int(number) + rng.choice((-1, 1)) * rng.randint(1, 40))
    return str(int(digits) + rng.randint(1, max(9, int(digits) // 2)))


def _with_opposite(question: str, rng: random.Random) -> str | None:
    words = question.split(" ")
    places = [place for place, word in enumerate(words) if word.lower() in OPPOSITE]
    if places:
        place = rng.choice(places)
        return " ".join([*words[:place], OPPOSITE[words[place].lower()], *words[place + 1 :]])
    if rng.random() < 0.5:
        return None
    return NEGATED.sub(lambda match: f"{match[0]}n't", question)


def _changed_passage(corpus: Corpus, question: Question, example: Example, rng: random.Random) -> Example | None:
    """The passage about another name or number than the question's."""
    answers = corpus.answers(question)
    shared = [
        name
        for name in {*names(question.text), *NUMBER.findall(question.text)}
        if len(name) > 1 and name in example.passage and not any(name.lower() in answer for answer in answers)
    ]
    if not shared:
        return None
    name = rng.choice(sorted(shared))
    other = other_number(name, rng) if NUMBER.fullmatch(name) else _other_name(corpus, question, name, rng)
    if not other:
        return None
    return replace(example, passage=example.passage.replace(name, other), spans=(), kind="changed_passage")


# --- the same variety for answerable and unanswerable, so that it tells nothing about which -----------------------


def _varied(corpus: Corpus, question: Question, example: Example, rng: random.Random) -> Example:
    """The example as retrieval might show it: cut to whole sentences, beside a neighbour, with or without a title."""
    draw = rng.random()
    if draw < 0.2:
        example = cropped(example, rng)
    elif draw < 0.4 and example.kind != "unanswerable":
        example = _beside_neighbour(corpus, question, example, rng)
    if rng.random() < 0.7:
        example = replace(example, title="")
    if rng.random() < 0.08:
        example = replace(example, question=example.question.lower().rstrip(" ?"))
    return example


def cropped(example: Example, rng: random.Random) -> Example:
    """A run of whole sentences that holds a reference where there is one; references outside of it are dropped."""
    parts = sentences(example.passage)
    anchor = rng.choice(example.spans or [(start, start + 1) for start, _ in parts])
    inside = [n for n, (start, end) in enumerate(parts) if start < anchor[1] and anchor[0] < end]
    first = rng.randint(0, inside[0])
    last = rng.randint(inside[-1], len(parts) - 1)
    start, end = parts[first][0], parts[last][1]
    spans = tuple((s - start, e - start) for s, e in example.spans if start <= s and e <= end)
    return replace(example, passage=example.passage[start:end].rstrip(), spans=spans)


def _beside_neighbour(corpus: Corpus, question: Question, example: Example, rng: random.Random) -> Example:
    """The passage with the start or the end of another paragraph of its article before or after it."""
    candidates = _neighbours(corpus, question, reach=2)
    other = corpus.paragraphs[rng.choice(candidates)].text if candidates else ""
    if not other or other in example.passage or example.passage in other or len(example.passage) > 1500:
        return example
    parts = sentences(other)
    gap = rng.choice((" ", "\n\n", "\n"))
    if rng.random() < 0.5:
        before = other[parts[rng.randrange(len(parts))][0] :].rstrip() + gap
        spans = tuple((start + len(before), end + len(before)) for start, end in example.spans)
        return replace(example, passage=before + example.passage, spans=spans)
    return replace(example, passage=example.passage + gap + other[: parts[rng.randrange(len(parts))][1]].rstrip())


# --- from examples to batches ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """An input and the places of its references: (start, end) in `window.ids`, ((0, 0),) for "no answer"."""

    window: reading.Window
    places: tuple[tuple[int, int], ...]


def to_targets(tokenizer: Tokenizer, examples: Sequence[Example], rng: random.Random) -> list[Target]:
    """One window for each example: one that holds a reference where there is one, else any."""
    questions = reading.to_pieces(tokenizer, [example.question for example in examples])
    titles = reading.to_pieces(tokenizer, [f"{example.title}." if example.title else "" for example in examples])
    passages = reading.to_pieces(tokenizer, [example.passage for example in examples])
    targets = []
    for example, question, title, passage in zip(examples, questions, titles, passages, strict=True):
        shown = reading.windows(question, title if example.title else None, passage)
        rng.shuffle(shown)
        found = [(window, _places(example, passage, window)) for window in shown]
        window, places = max(found, key=lambda pair: len(pair[1]))
        if places or not example.spans:
            targets.append(Target(window, tuple(places) or ((0, 0),)))
    return targets


def _places(example: Example, passage: reading.Pieces, window: reading.Window) -> list[tuple[int, int]]:
    """Places in the window of the references that lie wholly in it."""
    places = set()
    for start, end in example.spans:
        inside = [n for n, (left, right) in enumerate(passage.offsets) if left < end and start < right]
        if inside and window.first <= inside[0] and inside[-1] < window.first + window.count:
            shift = window.passage_from - window.first
            places.add((inside[0] + shift, inside[-1] + shift))
    return sorted(places)


# --- the loss and a step -----------------------------------------------------------------------------------------


def reader_loss(span: Tensor, answerable: Tensor, batch: Sequence[Target]) -> tuple[Tensor, Tensor]:
    """Sums over the batch: the span's loss and the answerability's, in nats.

    span (n, length, 2), answerable (n,).  The span's loss is -log of the probability of all references together,
    -log sum over r of p(start_r) p(end_r): the reader may choose the reference (marginal likelihood, Clark and
    Gardner 2018). "No answer" is the reference (0, 0). The answerability's is the logistic loss.
    """
    import torch

    most = max(len(target.places) for target in batch)
    padded = [list(target.places) + [(-1, -1)] * (most - len(target.places)) for target in batch]
    places = torch.tensor(padded)  # (n, most, 2)
    logp = span.log_softmax(dim=1)
    picked = logp.gather(1, places.clamp(min=0)).sum(-1)  # (n, most)
    picked = picked.masked_fill(places[:, :, 0] < 0, float("-inf"))
    has_answer = (places[:, 0, 0] > 0).float()
    logistic = torch.nn.functional.binary_cross_entropy_with_logits(answerable, has_answer, reduction="sum")
    return -picked.logsumexp(dim=1).sum(), logistic


def initial_weights(encoder: Path, seed: int) -> dict[str, Tensor]:
    """The encoder's tensors, frozen ones included, and new heads: normal with deviation 0.02, biases 0. float32."""
    import torch
    from safetensors.torch import load_file

    found = load_file(str(encoder / "model.safetensors"))
    generator = torch.Generator().manual_seed(seed)
    weights = {name: found[name].float() for name in reading.FROZEN_NAMES}
    for name, shape in reading.trained_names().items():
        if name in found:
            weights[name] = found[name].float()
        elif name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        else:
            weights[name] = torch.randn(shape, generator=generator) * 0.02
    return weights


# --- the run -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides a run's result, kept in the checkpoint; a run goes on only with the same, its ends excepted."""

    seed: int
    peak_rate: float
    warmup_steps: int
    batch_pieces: int
    pool_examples: int
    weight_decay: float
    data_sha256: str
    encoder_sha256: str


def train_reader(
    data: Path,
    encoder: Path,
    out: Path,
    *,
    stable_steps: int = 4000,
    decay_steps: int = 2000,
    seed: int = 0,
    peak_rate: float = 2e-4,
    warmup_steps: int = 300,
    batch_pieces: int = 6144,
    pool_examples: int = 2048,
    weight_decay: float = 0.01,
    checkpoint_minutes: float = 5.0,
    log_steps: int = 50,
    threads: int | None = None,
) -> Path:
    """Trains, or goes on where `out` stands, to the end of the decay; the folder of the finished reader, `out/reader`.

    data: a folder with `train/*.json` (SQuAD's format), and where they are there `train/qamr/`, `squad2_dev_half.json`.
    encoder: the folder of all-MiniLM-L6-v2 (tokenizer.json, model.safetensors).
    out: gets `run.safetensors` every `checkpoint_minutes`, `stable.safetensors` at the end of the stable part, and
    `log.jsonl`. To train longer, copy `stable.safetensors` over `run.safetensors` and call with more stable_steps.
    batch_pieces: word pieces in a batch, padding included; a batch's loss is divided by batch_pieces / 192, so that
    every example weighs the same.

    Raises TrainingDataError for bad data, ReaderFileError for a checkpoint of another recipe.
    """
    import torch

    if threads:
        torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    recipe = Recipe(
        seed,
        peak_rate,
        warmup_steps,
        batch_pieces,
        pool_examples,
        weight_decay,
        folder_sha256(data),
        sha256_of(encoder / "model.safetensors"),
    )
    corpus = load_corpus(data)
    tokenizer = reading.load_tokenizer(encoder)
    run = Run(
        initial_weights(encoder, seed),
        list(reading.trained_names()),
        asdict(recipe),
        out,
        scale=192 / batch_pieces,
    )

    def make(plans: Sequence[tuple[int, str]], rng: random.Random) -> tuple[list[Target], Counter[str]]:
        examples = [make_example(corpus, number, kind, rng) for number, kind in plans]
        return to_targets(tokenizer, examples, rng), Counter(example.kind for example in examples)

    train(
        run,
        stream(
            lambda epoch: plan_epoch(corpus, seed, epoch),
            make,
            seed,
            run.position,
            batch_pieces=batch_pieces,
            pool_examples=pool_examples,
        ),
        lambda batch: _losses(run.weights, batch),
        Schedule(peak_rate, warmup_steps, stable_steps, decay_steps),
        checkpoint_minutes=checkpoint_minutes,
        log_steps=log_steps,
        questions=len(corpus.questions),
        dropped=dict(corpus.dropped),
    )
    network.save_reader(out / "reader", run.weights, encoder_sha256=recipe.encoder_sha256)
    return out / "reader"


def _losses(weights: Mapping[str, Tensor], batch: Sequence[Target]) -> Losses:
    span, answerable = network.network(
        weights, network.to_batch([target.window for target in batch]), bfloat16=True, fused=False
    )
    span_loss, logistic = reader_loss(span, answerable, batch)
    return Losses(
        span_loss + logistic, {"span_loss": float(span_loss.detach()), "answerable_loss": float(logistic.detach())}
    )


def folder_sha256(data: Path) -> str:
    """One hash over names and bytes of every file below `data` that `load_corpus` reads."""
    paths = [path for path in sorted((data / "train").rglob("*")) if path.suffix in (".json", ".tsv")]
    paths += [data / DEV_FILE] if (data / DEV_FILE).is_file() else []
    lines = [f"{path.relative_to(data).as_posix()} {sha256_of(path)}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
