"""Claims with texts that bear them out or do not: what the support model is trained on.

Owns which claims are made of questions, of paragraphs and of human claims, and how a claim comes to be unsupported. It
knows nothing of networks; `rag.training.support` learns from what is made here.

    question + answer -> statement (rag.training.statements)     against its paragraph, or one that lacks it, or changed
    a paragraph's sentence, lightly changed             against its paragraph, or one that lacks it, or changed
    human claims with evidence                          Fool Me Twice, FEVER Symmetric
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from rag.training import alterations
from rag.training.question_sets import DEV_FILE, Corpus, Question
from rag.training.statements import statement
from rag.training.steps import TrainingDataError, seeded, times
from rag.training.support_examples import Example, cropped, make_example, without_answer
from rag.training.support_questions import detokenise, load_corpus

# How many examples of each kind an epoch makes, on average: of a question, of a paragraph, of a human claim.
_QUESTION_RATES = {
    "answerable": 0.32,
    "other_answer": 0.17,
    "removed": 0.06,
    "neighbour": 0.04,
    "retrieved": 0.06,
    "changed_question": 0.07,
    "changed_passage": 0.03,
    "negated": 0.05,
    "joined": 0.16,
}
_PARAGRAPH_RATES = {
    "sentence": 1.0,
    "sentence_removed": 0.35,
    "sentence_elsewhere": 0.25,
    "sentence_changed": 0.45,
    "swapped": 1.0,
    "stitched": 0.2,
    "extended": 0.3,
}
# Posts and reviews are vague, and the answers of privacy policies make no statements.
_SHARE_OF_SOURCE = {"squadshifts_reddit": 0.4, "squadshifts_amazon": 0.4, "policyqa": 0.1}
_UNANSWERABLE_RATE = 2.0
CLAIM_RATE = 5
_MAX_ANSWER_WORDS = 25
_HELD_OUT_PAGES = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim, a text, and whether the text bears it out."""

    claim: str
    text: str
    supported: bool
    kind: str


@dataclass(frozen=True, slots=True)
class HumanClaim:
    """A claim that a person wrote, the sentences that decide it, and other sentences of the same page."""

    claim: str
    title: str
    evidence: tuple[str, ...]
    others: tuple[str, ...]
    supported: bool


@dataclass(slots=True)
class Material:
    """What pairs are made of.

    plausible: question id -> an answer that, as SQuAD 2.0's people say, looks right but is not.
    """

    corpus: Corpus
    claims: list[HumanClaim]
    plausible: dict[str, str] = field(default_factory=dict)
    questions_on: dict[int, list[Question]] = field(init=False)

    def __post_init__(self) -> None:
        """Questions by their paragraph."""
        self.questions_on = {}
        for question in self.corpus.questions:
            self.questions_on.setdefault(question.paragraph, []).append(question)


# --- reading the claims -------------------------------------------------------------------------------------------


def load_material(reading_data: Path, claims: Path) -> Material:
    """The question sets, and the claims in `claims`. Raises TrainingDataError where there is nothing."""
    corpus = load_corpus(reading_data)
    plausible = {}
    dev = reading_data / DEV_FILE
    if dev.is_file():
        for article in json.loads(dev.read_text(encoding="utf-8"))["data"]:
            for entry in article["paragraphs"]:
                for row in entry["qas"]:
                    if row.get("plausible_answers"):
                        plausible[str(row["id"])] = str(row["plausible_answers"][0]["text"])
    return Material(corpus, [c for c in load_claims(claims) if not is_held_out(c)], plausible)


def is_held_out(claim: HumanClaim) -> bool:
    """One page in ten of Fool Me Twice is kept for choosing between runs."""
    return bool(claim.title) and crc32(claim.title.encode()) % _HELD_OUT_PAGES == 0


def held_out_pairs(folder: Path) -> list[Pair]:
    """The claims of the pages that are not trained on, each with its page's title and its evidence."""
    return [
        Pair(claim.claim, f"Title: {claim.title}\n\n{' '.join(claim.evidence)}", claim.supported, "held out")
        for claim in load_claims(folder)
        if is_held_out(claim)
    ]


def load_claims(folder: Path) -> list[HumanClaim]:
    """Every claim of the folder's `*.jsonl`. Raises TrainingDataError for a row without claim, evidence and label."""
    claims = [
        _human_claim(json.loads(line), f"{path.name}:{number}")
        for path in sorted(folder.glob("*.jsonl"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip()
    ]
    if not claims:
        raise TrainingDataError(f"no claims in '{folder}'; it should hold *.jsonl with claim, evidence and label")
    return claims


def _human_claim(row: Mapping[str, Any], where: str) -> HumanClaim:
    """A row of Fool Me Twice (text, gold_evidence, retrieved_evidence) or FEVER Symmetric (claim, evidence)."""
    try:
        supported = {"SUPPORTS": True, "REFUTES": False}[row["label"]]
        if "gold_evidence" in row:
            gold = tuple(entry["text"] for entry in row["gold_evidence"])
            others = tuple(e["text"] for e in row["retrieved_evidence"] if e["text"] not in gold)
            return HumanClaim(row["text"], row["wikipedia_page"], gold, others, supported)
        evidence = row["evidence"] if "evidence" in row else row["evidence_sentence"]
        claim, _ = detokenise(row["claim"].replace("--", "–").split())
        text, _ = detokenise(evidence.replace("--", "–").split())
    except (KeyError, TypeError) as error:
        raise TrainingDataError(
            f"{where}: no claim with evidence and a label SUPPORTS or REFUTES ({error!r})"
        ) from error
    return HumanClaim(claim, "", (text,), (), supported)


# --- pairs of a question --------------------------------------------------------------------------------------------


def _pair_of_question(material: Material, number: int, kind: str, rng: random.Random) -> Pair | None:
    """The question's statement with a text; None where its form, or the kind, gives none."""
    corpus = material.corpus
    question = corpus.questions[number]
    if kind == "unanswerable":
        return _of_unanswerable(material, number, rng)
    if kind == "joined":
        return _joined(material, number, rng)
    made = kind if kind not in ("other_answer", "negated") else "answerable"
    example = make_example(corpus, number, made, rng)
    if made == "answerable" and rng.random() < 0.5:
        example = cropped(example, rng)
    if not example.spans and made == "answerable":
        return None
    answer = _answer(corpus, question, example, rng)
    supported = bool(example.spans)
    if kind == "other_answer" or (not supported and rng.random() < 0.4):
        other = _other_answer(material, question, answer, example.passage, rng)
        if other is None and kind == "other_answer":
            return None
        answer, supported = other or answer, False
    claim = _statement(example.question, answer)
    if claim and kind == "negated":
        claim, supported = alterations.negated(claim, rng), False
    return Pair(claim, _titled(example, rng), supported, kind if not supported else "answerable") if claim else None


def _answer(corpus: Corpus, question: Question, example: Example, rng: random.Random) -> str:
    """A reference, as it stands in what is shown where it stands there."""
    text, spans = (
        (example.passage, example.spans)
        if example.spans
        else (corpus.paragraphs[question.paragraph].text, question.spans)
    )
    start, end = rng.choice(spans)
    return text[start:end]


def _statement(question: str, answer: str) -> str | None:
    return statement(question, answer) if len(answer.split()) <= _MAX_ANSWER_WORDS else None


def _titled(example: Example, rng: random.Random) -> str:
    if not example.title:
        return example.passage
    return rng.choice(("Title: {}\n\n{}", "{}. {}", "{}\n{}")).format(example.title, example.passage)


def _of_unanswerable(material: Material, number: int, rng: random.Random) -> Pair | None:
    question = material.corpus.questions[number]
    answer = material.plausible.get(question.question_id)
    example = make_example(material.corpus, number, "unanswerable", rng)
    claim = _statement(question.text, answer) if answer else None
    return Pair(claim, _titled(example, rng), False, "unanswerable") if claim else None


def _other_answer(material: Material, question: Question, answer: str, passage: str, rng: random.Random) -> str | None:
    """Something else of the answer's kind that the passage or its questions name; a number may be made up."""
    corpus = material.corpus
    references = corpus.answers(question)
    if alterations.NUMBER.search(answer) and rng.random() < 0.4:
        return alterations.NUMBER.sub(lambda match: alterations.other_number(match[0], rng), answer, count=1)
    if alterations.NUMBER.fullmatch(answer):
        found = alterations.NUMBER.findall(passage)
    elif answer[:1].isupper():
        found = alterations.names(passage)
    else:
        neighbours = [q for q in material.questions_on[question.paragraph] if q.spans]
        text = corpus.paragraphs[question.paragraph].text
        found = [text[q.spans[0][0] : q.spans[0][1]] for q in neighbours]
        found = [f for f in found if not f[:1].isupper() and not f[:1].isdigit() and len(f) < 3 * len(answer) + 20]
    others = sorted({f for f in found if not any(f.lower() in r or r in f.lower() for r in references)})
    return rng.choice(others) if others else None


def _joined(material: Material, number: int, rng: random.Random) -> Pair | None:
    """Two statements as one claim: borne out by the whole paragraph, not where one of them is missing or changed."""
    corpus = material.corpus
    first = corpus.questions[number]
    siblings = [q for q in material.questions_on[first.paragraph] if q.spans and q.spans != first.spans]
    if not first.spans or not siblings:
        return None
    second = rng.choice(siblings)
    paragraph = corpus.paragraphs[first.paragraph]
    example = Example("", paragraph.title if rng.random() < 0.3 else "", paragraph.text, second.spans, "joined")
    answers = [paragraph.text[q.spans[0][0] : q.spans[0][1]] for q in (first, second)]
    draw, supported = rng.random(), True
    if draw < 0.3:
        shorter = without_answer(example, corpus.answers(second))
        if shorter is None or not any(answer in shorter.passage.lower() for answer in corpus.answers(first)):
            return None
        example, supported = shorter, False
    elif draw < 0.55:
        other = _other_answer(material, second, answers[1], paragraph.text, rng)
        if other is None:
            return None
        answers[1], supported = other, False
    parts = [_statement(q.text, answer) for q, answer in zip((first, second), answers, strict=True)]
    if not parts[0] or not parts[1]:
        return None
    if rng.random() < 0.5:
        parts.reverse()
    return Pair(_and(str(parts[0]), str(parts[1]), rng), _titled(example, rng), supported, "joined")


def _and(one: str, two: str, rng: random.Random) -> str:
    if rng.random() < 0.3:
        return f"{one} {two}"
    lowered = two[0].lower() + two[1:] if two.split(maxsplit=1)[0].lower() in alterations.NOT_NAMES else two
    return f"{one[:-1]}{rng.choice((' and ', ', and ', ', while '))}{lowered}"


# --- pairs of a paragraph's own sentences --------------------------------------------------------------------------


def _pair_of_paragraph(corpus: Corpus, number: int, kind: str, rng: random.Random) -> Pair | None:
    """A sentence of the paragraph, lightly changed, with a text; None where the kind cannot be made of it."""
    paragraph = corpus.paragraphs[number]
    parts = [paragraph.text[start:end].strip() for start, end in alterations.sentences(paragraph.text)]
    fit = [n for n, part in enumerate(parts) if alterations.FITTING.fullmatch(part)]
    if not fit:
        return None
    place = rng.choice(fit)
    claim: str | None = alterations.lightly_changed(parts[place], paragraph.title, rng)
    low, high = _around(place, len(parts), rng)
    text = " ".join(parts[low:high])
    supported = kind == "sentence"
    if kind == "sentence_removed":
        text = " ".join(parts[low:place] + parts[place + 1 : high])
    elif kind == "sentence_elsewhere":
        near = _near(corpus, number)
        text = corpus.paragraphs[rng.choice(near)].text if near else ""
    elif kind == "sentence_changed":
        claim = alterations.changed_sentence(str(claim), paragraph.text, rng)
    elif kind == "swapped":
        claim = alterations.swapped(str(claim), paragraph.text, rng)
    elif kind == "stitched":
        claim = alterations.stitched(parts, place, rng)
    elif kind == "extended":
        claim = _extended(corpus, number, str(claim), rng)
    if not claim or len(claim.split()) < 4 or not text:
        return None
    title = paragraph.title if rng.random() < 0.25 else ""
    return Pair(claim, _titled(Example("", title, text, (), kind), rng), supported, kind)


def _around(place: int, n: int, rng: random.Random) -> tuple[int, int]:
    """A run of sentences, from the one at `place` alone to the whole paragraph."""
    draw = rng.random()
    if draw < 0.3:
        return 0, n
    return max(0, place - rng.randint(0, 3)), min(n, place + 1 + rng.randint(0, 3))


def _extended(corpus: Corpus, number: int, claim: str, rng: random.Random) -> str | None:
    """The sentence with a clause of another paragraph behind it."""
    near = _near(corpus, number)
    text = corpus.paragraphs[rng.choice(near)].text if near else ""
    others = [
        part
        for start, end in alterations.sentences(text)
        if alterations.FITTING.fullmatch(part := text[start:end].strip())
    ]
    if not others:
        return None
    tail = alterations.CLAUSE.split(rng.choice(others).rstrip("."), maxsplit=1)[rng.choice((0, -1))]
    return f"{claim.rstrip('.')}{rng.choice((', and ', ' and ', ', where ', ', while '))}{tail.strip()}."


def _near(corpus: Corpus, number: int) -> list[int]:
    """Other paragraphs of its article, at most six away."""
    return [n for n in corpus.articles[corpus.paragraphs[number].article] if n != number and abs(n - number) <= 6]


# --- pairs of a human claim ----------------------------------------------------------------------------------------


def pair_of_claim(claim: HumanClaim, rng: random.Random) -> Pair:
    """The claim with its evidence, alone or among other sentences of the page; now and then without the evidence."""
    others = list(claim.others)
    rng.shuffle(others)
    if claim.others and claim.supported and rng.random() < 0.15:
        shown, supported = others[: rng.randint(1, 4)], False
    else:
        shown, supported = list(claim.evidence), claim.supported
        if others and rng.random() < 0.5:
            for other in others[: rng.randint(1, 4)]:
                shown.insert(rng.randint(0, len(shown)), other)
    title = claim.title if rng.random() < 0.6 else ""
    return Pair(claim.claim, _titled(Example("", title, " ".join(shown), (), ""), rng), supported, "human")


# --- an epoch -------------------------------------------------------------------------------------------------------


def plan_epoch(material: Material, seed: int, epoch: int) -> list[tuple[str, int, str]]:
    """(of what, its number, kind) of every pair of an epoch, shuffled."""
    rng = seeded("support plan", seed, epoch)
    plans: list[tuple[str, int, str]] = []
    for number, question in enumerate(material.corpus.questions):
        rates = _QUESTION_RATES if question.spans else {"unanswerable": _UNANSWERABLE_RATE}
        share = _share(material.corpus.paragraphs[question.paragraph].source)
        for kind, rate in rates.items():
            plans += [("question", number, kind)] * times(rate * share, rng)
    for number, paragraph in enumerate(material.corpus.paragraphs):
        for kind, rate in _PARAGRAPH_RATES.items():
            plans += [("paragraph", number, kind)] * times(rate * _share(paragraph.source), rng)
    plans += [("claim", number, "human") for number in range(len(material.claims)) for _ in range(CLAIM_RATE)]
    rng.shuffle(plans)
    return plans


def _share(source: str) -> float:
    return next((share for name, share in _SHARE_OF_SOURCE.items() if source.startswith(name)), 1.0)


def make_pair(material: Material, plan: tuple[str, int, str], rng: random.Random) -> Pair | None:
    """The pair that a plan stands for; None where it cannot be made."""
    what, number, kind = plan
    if what == "question":
        return _pair_of_question(material, number, kind, rng)
    if what == "paragraph":
        return _pair_of_paragraph(material.corpus, number, kind, rng)
    return pair_of_claim(material.claims[number], rng)
