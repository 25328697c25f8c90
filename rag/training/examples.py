"""Examples of a question with an excerpt, as the reader that ships learnt from them.

Owns the recipe: how many of which kind are made of each question set, and how. An excerpt is a run of whole sentences
of one document, as `rag.reading.excerpts` will show them: around the evidence, or where it is not.

    answerable    around the evidence; or a paragraph that a yes-or-no question is about
    hard          the sentences that match best but are not the evidence's; of other sets, a neighbouring paragraph
    other         anywhere in another document
    unanswerable  of a question that people wrote to have no answer: one of the best matching places, or any

Sets are `rag.training.question_sets`'s; what is learnt from an example, and how, is `rag.training.reader`'s.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.encoder.embedding import Encoder
from rag.training.question_sets import PEOPLE, Corpus, Question
from rag.training.steps import seeded, times

Span = tuple[int, int]
# For each people question, the cosine of every sentence of its document with it.
Cosines = Mapping[int, NDArray[np.float16]]


@dataclass(frozen=True, slots=True)
class Example:
    """What one input is made of.

    spans: in characters of `passage`, none where it does not answer, or where nobody marked what does. answerable: the
    passage answers. yes: which way it decides a yes-or-no question, None for any other or where that is not known.
    """

    question: str
    title: str
    passage: str
    spans: tuple[Span, ...]
    answerable: bool
    yes: bool | None
    kind: str


@dataclass(frozen=True, slots=True)
class Rates:
    """How many examples of each kind an epoch makes, on average, for one question.

    answerable, hard, other: of one that has an answer. unanswerable: of one that has none.
    """

    answerable: float = 0.0
    unanswerable: float = 0.0
    hard: float = 0.0
    other: float = 0.0


# Questions as people ask them; each is seen once an epoch at least.
_PEOPLE = Rates(answerable=1.0, unanswerable=1.0, hard=0.35, other=0.06)
# Of an answerable question of another set: so many examples on a neighbouring paragraph for one on its own.
_HARD_SHARE = 0.15
# (answerable, unanswerable) of the other sets that are learnt from, by their place in the data folder. Those that are
# least like people's questions the least: SQuAD's repeat the text's words. Not in it: reviews, posts and policies
# (vague, or answered by everything), sets that ask for counting or comparing, lower-cased and machine-made ones.
_SHARES = {
    "reading/more/afriqa_en.json": (0.08, 0.0),
    "reading/more/condaqa_spans.json": (0.5, 0.0),
    "reading/more/conditionalqa_spans.json": (0.6, 1.0),
    "reading/more/covidqa_part.json": (0.2, 0.0),
    "reading/more/fairytaleqa_spans.json": (0.12, 0.0),
    "reading/more/qed_nq_dev.json": (0.6, 0.0),
    "reading/more/quoref_contrast.json": (0.2, 0.0),
    "reading/more/selqa_sentence.json": (0.08, 0.0),
    "reading/more/squad2_train_unanswerable_joined.json": (0.0, 0.25),
    "reading/more/timeqa_human_train.json": (0.2, 0.5),
    "reading/more/tydiqa_en_train.json": (0.25, 0.0),
    "reading/train/squad_train_part.json": (0.11, 0.1),
    "reading/squad2_dev_half.json": (0.4, 0.6),
    "yesno/boolq_val.jsonl": (0.3, 0.0),
    "yesno/condaqa_yesno.jsonl": (0.04, 0.0),
    "yesno/conditionalqa_yesno.jsonl": (0.25, 0.0),
}
RATES: Mapping[str, Rates] = {
    PEOPLE: _PEOPLE,
    **{
        name: Rates(answerable, unanswerable, hard=0.0 if name.startswith("yesno/") else answerable * _HARD_SHARE)
        for name, (answerable, unanswerable) in _SHARES.items()
    },
}
# The files beside people/train that are read.
SETS = tuple(_SHARES)

# Characters of an excerpt, one of these at random: up to what `rag.reading.excerpts` shows.
_BUDGETS = (350, 600, 850, 1000, 1100, 1150)
# Of an unanswerable question without cosines at least so many, and of a paragraph in which nothing is marked.
_ANYWHERE_CHARACTERS = 850
_UNMARKED_CHARACTERS = 1300
_NEIGHBOURS = 6
# Of so many of the best matching sentences one is the middle of an excerpt that does not answer.
_BEST_WRONG = 5
_BEST_UNANSWERABLE = 4
_UNTITLED = 0.35
_LOWER_CASE = 0.06


def sentence_cosines(corpus: Corpus, encoder: Encoder) -> dict[int, NDArray[np.float16]]:
    """By number of each people question: the cosine of each sentence of its document with it, (sentences,)."""
    numbers = [
        n for n, question in enumerate(corpus.questions) if corpus.paragraphs[question.paragraph].source == PEOPLE
    ]
    asked = encoder.encode([corpus.questions[number].text for number in numbers])
    cosines: dict[int, NDArray[np.float16]] = {}
    of, vectors = -1, asked[:0]
    for number, vector in zip(numbers, asked, strict=True):
        paragraph = corpus.questions[number].paragraph
        if paragraph != of:  # the questions of one document stand together
            text = corpus.paragraphs[paragraph].text
            of, vectors = paragraph, encoder.encode([text[start:end] for start, end in corpus.sentences(paragraph)])
        cosines[number] = (vectors @ vector).astype(np.float16)
    return cosines


def plan_epoch(corpus: Corpus, seed: int, epoch: int) -> list[tuple[int, str]]:
    """(question number, kind) of every example of an epoch, shuffled. A rate's fraction is drawn for each question."""
    rng = seeded("plan", seed, epoch)
    plans: list[tuple[int, str]] = []
    for number, question in enumerate(corpus.questions):
        rates = RATES[corpus.paragraphs[question.paragraph].source]
        if question.spans or question.yes is not None:
            kinds = {"answerable": rates.answerable, "hard": rates.hard, "other": rates.other}
        else:
            kinds = {"unanswerable": rates.unanswerable}
        for kind, rate in kinds.items():
            plans += [(number, kind)] * times(rate, rng)
    rng.shuffle(plans)
    return plans


def make_example(corpus: Corpus, cosines: Cosines, number: int, kind: str, rng: random.Random) -> Example | None:
    """The example that a plan stands for; None where its kind cannot be made of this question."""
    question = corpus.questions[number]
    own = corpus.paragraphs[question.paragraph]
    if kind == "answerable" and not question.spans:
        passage = own.text[:_UNMARKED_CHARACTERS]
        return Example(question.text, own.title, passage, (), answerable=True, yes=question.yes, kind=kind)
    example = _example(corpus, cosines, number, kind, rng)
    if example is None:
        return None
    if example.title and (example.passage.startswith(example.title) or rng.random() < _UNTITLED):
        example = replace(example, title="")
    if rng.random() < _LOWER_CASE:
        example = replace(example, question=example.question.lower().rstrip(" ?"))
    return example


def _example(corpus: Corpus, cosines: Cosines, number: int, kind: str, rng: random.Random) -> Example | None:
    question = corpus.questions[number]
    budget = rng.choice(_BUDGETS)
    if kind == "answerable":
        return _around_evidence(corpus, question, budget, rng)
    paragraph: int | None = question.paragraph
    if kind == "unanswerable":
        shown = _best_matching(corpus, question, cosines.get(number), budget, rng)
    elif kind == "hard" and number in cosines:
        shown = _beside_evidence(corpus, question, cosines[number], budget, rng)
    else:
        paragraph = _neighbour(corpus, question, rng) if kind == "hard" else _elsewhere(corpus, question, rng)
        shown = _anywhere(corpus, paragraph, budget, rng) if paragraph is not None else None
    if shown is None or paragraph is None:
        return None
    document = corpus.paragraphs[paragraph]
    passage = document.text[shown[0] : shown[1]]
    return Example(question.text, document.title, passage, (), answerable=False, yes=None, kind=kind)


def _around_evidence(corpus: Corpus, question: Question, budget: int, rng: random.Random) -> Example | None:
    """The evidence's sentences with others around them; references outside of those are dropped."""
    paragraph = corpus.paragraphs[question.paragraph]
    sentences = corpus.sentences(question.paragraph)
    inside = touching(sentences, question.settled_by)
    if not inside:
        return None
    start, end = crop(sentences, inside[0], inside[-1], budget, rng)
    spans = tuple((s - start, e - start) for s, e in question.spans if start <= s and e <= end)
    if not spans:
        return None
    passage = paragraph.text[start:end]
    return Example(question.text, paragraph.title, passage, spans, answerable=True, yes=question.yes, kind="answerable")


def _best_matching(
    corpus: Corpus, question: Question, cosines: NDArray[np.float16] | None, budget: int, rng: random.Random
) -> Span | None:
    """One of the places of the document that match the question best, the very best the most often."""
    if cosines is None:
        return _anywhere(corpus, question.paragraph, max(budget, _ANYWHERE_CHARACTERS), rng)
    order = _best_first(cosines)
    if not order:
        return None
    middle = order[min(int(rng.random() ** 2 * _BEST_UNANSWERABLE), len(order) - 1)]
    return crop(corpus.sentences(question.paragraph), middle, middle, budget, rng)


def _beside_evidence(
    corpus: Corpus, question: Question, cosines: NDArray[np.float16], budget: int, rng: random.Random
) -> Span | None:
    """Around a sentence that matches well, on one side of the evidence and without an answer; None if there is none."""
    text = corpus.paragraphs[question.paragraph].text
    sentences = corpus.sentences(question.paragraph)
    evidence = touching(sentences, question.settled_by)
    answers = corpus.answers(question)
    middles = [n for n in _best_first(cosines) if n not in evidence][:_BEST_WRONG]
    rng.shuffle(middles)
    for middle in middles:
        before = bool(evidence) and middle < evidence[0]
        side = [
            n for n in range(len(sentences)) if n not in evidence and (bool(evidence) and n < evidence[0]) == before
        ]
        place = side.index(middle)
        start, end = crop([sentences[n] for n in side], place, place, budget, rng)
        if not any(answer in text[start:end].lower() for answer in answers):
            return start, end
    return None


def _neighbour(corpus: Corpus, question: Question, rng: random.Random) -> int | None:
    """A paragraph of the same title near by that does not hold an answer."""
    own = corpus.paragraphs[question.paragraph]
    answers = corpus.answers(question)
    low, high = question.paragraph - _NEIGHBOURS, question.paragraph + _NEIGHBOURS
    near = [
        n
        for n in range(max(0, low), min(len(corpus.paragraphs), high + 1))
        if n != question.paragraph
        and (corpus.paragraphs[n].source, corpus.paragraphs[n].title) == (own.source, own.title)
        and not any(answer in corpus.paragraphs[n].text.lower() for answer in answers)
    ]
    return rng.choice(near) if near else None


def _elsewhere(corpus: Corpus, question: Question, rng: random.Random) -> int | None:
    """The paragraph of another question; None where that is this one's."""
    paragraph = rng.choice(corpus.questions).paragraph
    return paragraph if paragraph != question.paragraph else None


def _anywhere(corpus: Corpus, paragraph: int, budget: int, rng: random.Random) -> Span | None:
    sentences = corpus.sentences(paragraph)
    if not sentences:
        return None
    middle = rng.randrange(len(sentences))
    return crop(sentences, middle, middle, budget, rng)


def touching(sentences: Sequence[Span], span: Span) -> list[int]:
    """The numbers of the sentences that have characters in the span."""
    return [n for n, (start, end) in enumerate(sentences) if start < span[1] and span[0] < end]


def crop(sentences: Sequence[Span], first: int, last: int, budget: int, rng: random.Random) -> Span:
    """Characters from sentence `first` to `last`, with whole sentences before and after while `budget` allows.

    How much stands before and how much after is drawn, so that the place tells nothing. The budget is in characters.
    """
    before_rather = rng.random()
    while True:
        start, end = sentences[first][0], sentences[last][1]
        before = first > 0 and end - sentences[first - 1][0] <= budget
        after = last + 1 < len(sentences) and sentences[last + 1][1] - start <= budget
        if not before and not after:
            return start, end
        if before and (not after or rng.random() < before_rather):
            first -= 1
        else:
            last += 1


def _best_first(cosines: NDArray[np.float16]) -> list[int]:
    """Sentence numbers, the highest cosine first, ties in order."""
    return sorted(range(len(cosines)), key=lambda n: -float(cosines[n]))
