"""Questions with passages for the support model: as they are, or made unanswerable, each in the forms of retrieval.

Owns how a passage comes to lack the answer. Which claims are made of these, and how many, is
`rag.training.support_pairs`'s; the sets are `rag.training.question_sets`'s.
"""

import random
import re
from dataclasses import dataclass, replace

from rag.training.alterations import NUMBER, OPPOSITE, names, other_number, sentences
from rag.training.question_sets import Corpus, Question


@dataclass(frozen=True, slots=True)
class Example:
    """What one input is made of; spans are in characters of `passage`, none where it does not answer."""

    question: str
    title: str
    passage: str
    spans: tuple[tuple[int, int], ...]
    kind: str


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


_NEGATED = re.compile(r"^(who|what|which \w+) (is|was|are|were|did|does|could|would|has|have|had)\b(?! not)", re.I)


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


def _with_opposite(question: str, rng: random.Random) -> str | None:
    words = question.split(" ")
    places = [place for place, word in enumerate(words) if word.lower() in OPPOSITE]
    if places:
        place = rng.choice(places)
        return " ".join([*words[:place], OPPOSITE[words[place].lower()], *words[place + 1 :]])
    if rng.random() < 0.5:
        return None
    return _NEGATED.sub(lambda match: f"{match[0]}n't", question)


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
