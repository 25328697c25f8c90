"""How small chat models are best asked: real models, several forms of the prompt, questions with marked evidence.

    python -m eval.bench.prompts QUESTIONS.squad.json... --collection DIR --model smollm2 --save people-dev

Every question is searched and read once; then each model is asked in each form, checked, and quoted instead, by the
product's own code. The row "verbatim" is the answer without a model. A form that ships is one of these rows. With
--save, a row is in the file as soon as it is measured.
"""

import argparse
import json
import random
import re
import shlex
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from eval.measures.matching import normalise_answer
from eval.report.results import RESULTS, name_to_save, save_result, shipped_reader
from index.collection import Collection
from index.opening import open_collection
from rag.answering import PASSAGES, Models, answer
from rag.citations import Citation, Claim, Sources
from rag.generation.chat_model import MAX_TOKENS, AnswerCut, ChatModel, Message
from rag.generation.local_model import LocalModel
from rag.generation.markers import resolve
from rag.generation.prompt import ONE_SENTENCE, Sentence, says_no_answer
from rag.generation.prose import without_preamble
from rag.generation.quoting import Quotes
from rag.generation.writing import write
from rag.reading.order import DEPTH, in_reading_order
from rag.retrieval import Hit, retrieve

_RULES = ONE_SENTENCE.rules
_SHORT = ("Short answer: ", "\nWrite the short answer as one full sentence.")
_TOLD = ('The answer is "', '". Say it in one full sentence.')
# None: what large models are asked, eight numbered passages and every sentence cited.
FORMS: dict[str, Sentence | None] = {
    "with the words": Sentence(_RULES, 1, 'Answer in one full sentence with the words "', '".'),
    "with the words, 3 places": Sentence(_RULES, 3, 'Answer in one full sentence with the words "', '".'),
    "short answer": Sentence(_RULES, 1, *_SHORT),
    "the answer is": Sentence(_RULES, 1, *_TOLD),
    "no words": Sentence(_RULES, 1),
    "no words, 3 places": Sentence(_RULES, 3),
    "numbered": None,
}
_MARKER = re.compile(r"\[\d+\]")
_MARKUP = re.compile(r"\[\d+\]|^\s*(?:[-*•#>]|\d+[.)])\s|\n|https?://", re.MULTILINE)
# Words of the one sentence, and sentences where several are asked for.
_MOST_WORDS, _MOST_CITED = 60, 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its gold, and what was found and quoted without a model. evidence: "" where nothing answers."""

    question: str
    words: tuple[str, ...]
    evidence: str
    hits: Sequence[Hit]
    sources: Sources
    quotes: Quotes
    seconds: float


@dataclass(frozen=True, slots=True)
class Given:
    """What came of a question. raw: what the model itself said, None where it was not asked."""

    claims: Sequence[Claim]
    citations: Sequence[Citation]
    raw: str | None
    seconds: float


class Listening:
    """A chat model whose words are kept as it says them."""

    def __init__(self, model: ChatModel) -> None:
        """model: what says them."""
        self._model = model
        self.name, self.context, self.notices = model.name, model.context, model.notices
        self.is_small = True
        self.said = ""
        self.cut = False

    def count(self, messages: Sequence[Message]) -> int:
        """As the model counts."""
        return self._model.count(messages)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = MAX_TOKENS) -> Iterator[str]:
        """As the model says it."""
        self.said, self.cut = "", False
        try:
            for piece in self._model.stream(messages, max_tokens=max_tokens):
                self.said += piece
                yield piece
        except AnswerCut:
            self.cut = True
            raise


def read_questions(paths: Sequence[Path], n_answerable: int, n_unanswerable: int) -> list[dict[str, Any]]:
    """So many questions of each kind of SQuAD files, drawn with a fixed seed, with their "context"."""
    rows = [
        {**qa, "context": paragraph["context"]}
        for path in paths
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]
    random.Random(7).shuffle(rows)  # noqa: S311
    kinds = ([r for r in rows if not r["is_impossible"]], [r for r in rows if r["is_impossible"]])
    return kinds[0][:n_answerable] + kinds[1][:n_unanswerable]


def found(row: dict[str, Any], collection: Collection, models: Models) -> Asked:
    """The question searched, read, and answered by quotes."""
    began = perf_counter()
    question = " ".join(row["question"].split())
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        hits = retrieve(snapshot, models.encoder, question, DEPTH)
        sources.keep(hit.passage.doc_id for hit in hits)
    hits = in_reading_order(question, hits, sources, models.reader)
    plain = answer(collection, models, question, hits=hits)
    sources.keep(citation.doc_id for citation in plain.citations)
    marked = {claim.labels[0]: "" for claim in plain.claims}
    for citation in plain.citations:
        for short in plain.answers:
            if short.doc_id == citation.doc_id and citation.start <= short.start < citation.end:
                marked[citation.label] = short.text
    quotes = Quotes(plain.claims, plain.citations, tuple(marked[claim.labels[0]] for claim in plain.claims))
    place = row.get("evidence")
    return Asked(
        question,
        tuple(gold["text"] for gold in row["answers"]),
        row["context"][place["start"] : place["end"]] if place else "",
        hits[:PASSAGES], sources, quotes, perf_counter() - began,
    )  # fmt: skip


def given(asked: Asked, model: Listening, form: Sentence | None, models: Models) -> Given:
    """The answer of a model asked in a form; without waiting for it where the reader finds no answer."""
    if not asked.quotes.claims:
        return Given((), (), None, 0.0)
    model.is_small = form is not None
    began = perf_counter()
    writing = write(
        asked.question, asked.question, asked.hits, sources=asked.sources, encoder=models.encoder, model=model,
        support=models.support, strict=False, quotes=asked.quotes, form=form or ONE_SENTENCE,
    )  # fmt: skip
    while True:
        try:
            next(writing)
        except StopIteration as end:
            return Given(end.value.claims, end.value.citations, model.said.strip(), perf_counter() - began)


def figures(
    asked: Sequence[Asked], answers: Sequence[Given], *, numbered: bool = False
) -> dict[str, float | int | None]:
    """The row of one model and form; shares in [0, 1], seconds as medians; None where nothing is there to count.

    gold words: of the answerable questions with words, those whose answer has them; said: the same of what the model
    itself said, where it was asked. citation recall: a citation touches the marked evidence; precision: the share of
    an answer's citations that do. told: unanswerable questions without an answer. breaks form: of what models said.
    seconds: of the model and the check of what it said; of the verbatim answer, of searching and reading.
    """
    pairs = list(zip(asked, answers, strict=True))
    worded = [(a, g) for a, g in pairs if a.words]
    proven = [(a, g) for a, g in pairs if a.evidence]
    spoken = [(a, g) for a, g in pairs if g.raw is not None]
    claims = [claim for _, g in spoken for claim in g.claims]
    hits = [[_touches(c, a) for c in g.citations] for a, g in proven]
    return {
        "asked": len(spoken),
        "gold words": _mean([_has(" ".join(c.text for c in g.claims), a.words) for a, g in worded]),
        "said": _mean([_has(g.raw or "", a.words) for a, g in spoken if a.words]),
        "citation recall": _mean([any(own) for own in hits]),
        "citation precision": _mean([sum(own) / len(own) for own in hits if own]),
        "told": _mean([not g.claims for a, g in pairs if not a.evidence]),
        "breaks form": _mean([breaks_form(g.raw or "", numbered=numbered) for _, g in spoken]),
        "quoted instead": _mean([claim.quoted_instead for claim in claims]),
        "words": _mean([float(len(" ".join(c.text for c in g.claims).split())) for _, g in pairs if g.claims]),
        "seconds": round(statistics.median([g.seconds for _, g in spoken or pairs]), 2) if pairs else None,
    }


def breaks_form(said: str, *, numbered: bool = False) -> bool:
    """Whether what a model said is no plain short sentence: empty, endless, unfinished, a list, or with markers; or
    begins with "The answer is:". numbered: it was asked for one to five sentences, each with a marker."""
    if numbered:
        if says_no_answer(said):
            return False
        sentences = resolve(said, PASSAGES).sentences
        return (
            not 1 <= len(sentences) <= _MOST_CITED
            or not all(s.numbers for s in sentences)
            or _is_marked_up(_MARKER.sub("", said))
        )
    return len(said.split()) > _MOST_WORDS or _is_marked_up(said) or without_preamble(said) != said


def _is_marked_up(said: str) -> bool:
    """Whether a text is anything but plain sentences on one line, the last of them ended."""
    return not said.strip() or bool(_MARKUP.search(said)) or said.rstrip()[-1] not in ".!?”\"'’)"


def _has(text: str, words: Sequence[str]) -> bool:
    return any(f" {normalise_answer(gold)} " in f" {normalise_answer(text)} " for gold in words)


def _touches(citation: Citation, asked: Asked) -> bool:
    """Whether a citation has characters of the evidence, wherever the collection holds that text."""
    start = asked.sources.document(citation.doc_id).text.find(asked.evidence)
    return start >= 0 and citation.start < start + len(asked.evidence) and start < citation.end


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def command_of(arguments: Sequence[str]) -> str:
    """The command as a results file has it: of files and folders their names."""
    words = [Path(word).name if Path(word).exists() else word for word in arguments if word != "--show"]
    return shlex.join(["python", "-m", "eval.bench.prompts", *words])


def main() -> None:
    """The command."""
    from index.encoder.embedding import open_encoder
    from rag.reading.reader import bundled_reader
    from rag.support.model import bundled_support

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", nargs="+", type=Path, metavar="QUESTIONS")
    parser.add_argument("--collection", required=True, type=Path)
    parser.add_argument("--model", action="append", required=True)
    parser.add_argument("--call", metavar="NAME", help="what a model is called in the table, in place of its file")
    parser.add_argument("--form", action="append", choices=sorted(FORMS))
    parser.add_argument("--answerable", type=int, default=60)
    parser.add_argument("--unanswerable", type=int, default=30)
    parser.add_argument("--show", action="store_true", help="each question with what was said and what is shown")
    parser.add_argument("--save", type=name_to_save, metavar="NAME")
    options = parser.parse_args()
    models = Models(open_encoder(), bundled_reader(), support=bundled_support())
    rows = read_questions(options.questions, options.answerable, options.unanswerable)
    with open_collection(options.collection) as collection:
        asked = [found(row, collection, models) for row in rows]
    plain = [Given(a.quotes.claims, a.quotes.citations, None, a.seconds) for a in asked]
    table: dict[str, Any] = {"verbatim": figures(asked, plain)}
    record = {
        "answerable": sum(not row["is_impossible"] for row in rows),
        "unanswerable": sum(bool(row["is_impossible"]) for row in rows),
        "rows": table,
    }
    command = command_of(sys.argv[1:])
    for name in options.model:
        model = Listening(LocalModel(name))
        for form in options.form or FORMS:
            answers = [given(a, model, FORMS[form], models) for a in asked]
            row = table[f"{options.call or model.name} · {form}"] = figures(
                asked, answers, numbered=FORMS[form] is None
            )
            sys.stderr.write(f"{model.name} · {form}: {row}\n")
            for a, g in zip(asked, answers, strict=True) if options.show else ():
                shown = " ".join(f"{'“' if c.quoted_instead else ''}{c.text}" for c in g.claims)
                sys.stderr.write(f"  {a.question} | {g.raw} | {shown} | {'; '.join(a.words)}\n")
            if options.save:
                save_result(
                    f"prompts-{options.save}", record, command=command, data=options.questions[0].parent,
                    model_sha256=shipped_reader(), folder=RESULTS,
                )  # fmt: skip
    sys.stdout.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
