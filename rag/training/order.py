"""Trains the small network that orders passages: what search brings up for a question, with what answers first.

The people questions are asked of a collection of documents as the product asks them, and each passage that is found is
shown as `rag.reading.order` will show it. The run is `rag.training.steps`'s, the network `rag.training.network`'s.

    questions -> search -> candidates -> a group: one that answers, others that search ranks high -> steps of groups
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index.collection import Collection, Snapshot
from index.documents import Document
from index.encoder.embedding import BundledEncoder, Encoder
from index.encoder.weights import sha256_of
from index.intake.indexing import index_documents, row_document
from index.opening import create_collection, require_same
from rag.citations import Sources
from rag.reading import reader as reading
from rag.reading.excerpts import led
from rag.reading.model_files import load_tokenizer
from rag.reading.reader import trained_names
from rag.retrieval import retrieve
from rag.training import network
from rag.training.examples import crop, touching
from rag.training.question_sets import Corpus, load_questions, question_files, sha256_of_files
from rag.training.start import initial_weights, start_sha256
from rag.training.steps import Losses, Recipe, Run, Schedule, TrainingDataError, seeded, stream, train

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

DEV = "people/dev"
# Passages that are searched for a question.
DEPTH = 40
MAX_PIECES = 224
# In a group: passages that do not answer, most of them from the best of those, one from the others.
_NEGATIVES = 5
_BEST_NEGATIVES = 8
# The passage that answers is one of the best so many of those that hold the evidence.
_BEST_POSITIVES = 2
# Of an unanswerable question two of the best so many passages, in every second epoch.
_BEST_UNANSWERABLE = 4
_UNANSWERABLE_NEGATIVES = 2
_UNANSWERABLE_RATE = 0.5
_LOGISTIC_WEIGHT = 0.5
# Characters around the evidence where no passage that was found holds it, and of evidence that a passage must hold.
_OWN_CHARACTERS = 500
_HELD_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage as it is shown, with its document's title; holds: it has the question's evidence in it."""

    title: str
    text: str
    holds: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A question and what search finds for it, best first.

    own: what answers in its own document, where no passage that was found does; None for an unanswerable question.
    """

    question: str
    answerable: bool
    candidates: tuple[Candidate, ...]
    own: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Inputs that compete for one question; where it is answerable the first is what answers it."""

    windows: tuple[reading.Window, ...]
    answerable: bool


# --- what search finds ---------------------------------------------------------------------------------------------


def read_texts(path: Path, without: frozenset[str] = frozenset()) -> list[Document]:
    """The documents of a .jsonl of id, title, text and source; those of the sources in `without` are left out.

    Raises TrainingDataError for a row without them.
    """
    documents = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            doc_id, text, source = row["id"], row["text"], row["source"]
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingDataError(f"{path.name}:{number}: no text with id and source ({error!r})") from error
        if source not in without:
            documents.append(row_document(doc_id, f"{path.name}#{doc_id}", text, title=row.get("title") or None))
    return documents


def dev_sources(data: Path) -> frozenset[str]:
    """The sources of the people questions' dev documents: measured on, so neither asked nor searched here."""
    return frozenset(
        article["source"]
        for path in sorted((data / DEV).glob("*.json"))
        for article in json.loads(path.read_text(encoding="utf-8"))["data"]
    )


def collection_at(folder: Path, encoder: Encoder, documents: Sequence[Document]) -> Collection:
    """The documents' collection in `folder`, made or gone on with."""
    collection = create_collection(folder, encoder.identity)
    require_same(collection, encoder)
    index_documents(collection, encoder, documents)
    return collection


def search(corpus: Corpus, snapshot: Snapshot, encoder: Encoder, rng: random.Random) -> list[Found]:
    """What the search of the product finds for each question of the corpus, in its order."""
    sources = Sources(snapshot)
    shown: dict[int, tuple[str, str]] = {}
    found = []
    for question in corpus.questions:
        text = corpus.paragraphs[question.paragraph].text
        start, end = question.settled_by if question.spans else (0, 0)
        evidence = _in_one_line(text[start:end])[:_HELD_CHARACTERS]
        candidates = []
        for hit in retrieve(snapshot, encoder, question.text, DEPTH):
            passage = hit.passage
            if passage.passage_id not in shown:
                shown[passage.passage_id] = (sources.document(passage.doc_id).title or "", led(passage, sources))
            holds = bool(evidence) and evidence in _in_one_line(passage.text)
            candidates.append(Candidate(*shown[passage.passage_id], holds))
        own = None
        if evidence and not any(candidate.holds for candidate in candidates):
            own = _own_passage(corpus, question.paragraph, (start, end), rng)
        found.append(Found(question.text, bool(question.spans), tuple(candidates), own))
    return found


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _own_passage(corpus: Corpus, paragraph: int, evidence: tuple[int, int], rng: random.Random) -> Candidate | None:
    """About as much of the document around the evidence as a passage is."""
    sentences = corpus.sentences(paragraph)
    inside = touching(sentences, evidence)
    if not inside:
        return None
    start, end = crop(sentences, inside[0], inside[-1], _OWN_CHARACTERS, rng)
    document = corpus.paragraphs[paragraph]
    return Candidate(document.title, document.text[start:end], holds=True)


# --- groups --------------------------------------------------------------------------------------------------------


def plan_epoch(found: Sequence[Found], seed: int, epoch: int) -> list[int]:
    """The numbers of the questions of an epoch, shuffled: half of the unanswerable, and all others with an answer."""
    rng = seeded("order plan", seed, epoch)
    numbers = [
        n
        for n, one in enumerate(found)
        if (one.own or any(candidate.holds for candidate in one.candidates))
        or (not one.answerable and one.candidates and rng.random() < _UNANSWERABLE_RATE)
    ]
    rng.shuffle(numbers)
    return numbers


def choose(found: Found, rng: random.Random) -> list[Candidate]:
    """The passages that compete for a question; what answers is the first. Of an unanswerable question none does."""
    wrong = [candidate for candidate in found.candidates if not candidate.holds]
    if not found.answerable:
        best = wrong[:_BEST_UNANSWERABLE]
        rng.shuffle(best)
        return best[:_UNANSWERABLE_NEGATIVES]
    right = [candidate for candidate in found.candidates if candidate.holds][:_BEST_POSITIVES]
    answer = rng.choice(right) if right or found.own is None else found.own
    best, others = wrong[:_BEST_NEGATIVES], wrong[_BEST_NEGATIVES:]
    rng.shuffle(best)
    rng.shuffle(others)
    n_best = max(0, min(_NEGATIVES, len(wrong)) - 1)
    return [answer, *best[:n_best], *others[:1]]


def to_groups(tokenizer: Tokenizer, found: Sequence[Found], chosen: Sequence[Sequence[Candidate]]) -> list[Group]:
    """The inputs of each question with its passages; a passage that is too long is cut at its end."""
    questions = reading.to_pieces(tokenizer, [one.question for one in found])
    flat = [candidate for group in chosen for candidate in group]
    titles = iter(reading.to_pieces(tokenizer, [f"{one.title}." if one.title else "" for one in flat]))
    texts = iter(reading.to_pieces(tokenizer, [one.text for one in flat]))
    return [
        Group(
            tuple(network.window_at(question, next(titles), next(texts), 0, max_pieces=MAX_PIECES) for _ in candidates),
            one.answerable,
        )
        for question, one, candidates in zip(questions, found, chosen, strict=True)
    ]


# --- the run -------------------------------------------------------------------------------------------------------


def order_loss(logits: Tensor, batch: Sequence[Group]) -> tuple[Tensor, Tensor]:
    """Sums over the groups, in nats: that what answers comes first, and that each says whether it answers.

    logits: of all their windows, one group after the other. The first is -log of the softmax over an answerable
    group's windows at what answers (listwise, Cao et al. 2007); the second the mean logistic loss of a group.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    listwise, logistic, begin = torch.zeros(()), torch.zeros(()), 0
    for group in batch:
        said = logits[begin : begin + len(group.windows)]
        begin += len(group.windows)
        wanted = torch.zeros(len(said))
        if group.answerable:
            wanted[0] = 1.0
            listwise = listwise - said.log_softmax(0)[0]
        logistic = logistic + binary_cross_entropy_with_logits(said, wanted)
    return listwise, logistic


def train_order(
    data: Path,
    texts: Path,
    start: Path | None,
    encoder: Path,
    out: Path,
    *,
    stable_steps: int = 390,
    decay_steps: int = 260,
    seed: int = 0,
    peak_rate: float = 8e-5,
    warmup_steps: int = 50,
    batch_groups: int = 6,
    pool_examples: int = 384,
    weight_decay: float = 0.01,
    checkpoint_minutes: float = 5.0,
    log_steps: int = 20,
    threads: int | None = None,
) -> Path:
    """Trains, or goes on where `out` stands, to the end of the decay; the folder of the finished network, `out/order`.

    data: a folder with people/train, and people/dev, whose documents are left out of the search.
    texts: a .jsonl of documents to search, as `read_texts` takes it; their collection is kept in `out/collection`.
    start: the folder of a reader of the small shape, trained further here; None for the encoder's own weights.
    encoder: the folder of all-MiniLM-L6-v2. out: gets what `rag.training.steps.train` writes.
    batch_groups: questions in a step, each with up to six passages. threads: of PyTorch, as in `train_reader`.

    Raises TrainingDataError for bad data, ModelFileError for a start of another shape or a checkpoint of another
    recipe.
    """
    import torch

    if threads:
        torch.set_num_threads(threads)
    recipe = Recipe(
        seed,
        peak_rate,
        warmup_steps,
        batch_groups * (1 + _NEGATIVES) * MAX_PIECES,  # at most
        pool_examples,
        weight_decay,
        _data_sha256(data, texts),
        sha256_of(encoder / "model.safetensors"),
        start_sha256(start),
    )
    weights = initial_weights(encoder, seed, start=start)
    run = Run(weights, list(trained_names()), recipe, out, scale=1 / batch_groups)
    tokenizer = load_tokenizer(encoder)
    corpus, bundled = load_questions(data, ()), BundledEncoder()
    documents = read_texts(texts, dev_sources(data))
    with collection_at(out / "collection", bundled, documents) as collection, collection.reading() as snapshot:
        found = search(corpus, snapshot, bundled, seeded("order search", seed))

    def make(plans: Sequence[int], rng: random.Random) -> tuple[list[Group], Counter[str]]:
        asked = [found[number] for number in plans]
        groups = to_groups(tokenizer, asked, [choose(one, rng) for one in asked])
        return groups, Counter("answerable" if group.answerable else "unanswerable" for group in groups)

    train(
        run,
        stream(
            lambda epoch: plan_epoch(found, seed, epoch),
            make,
            seed,
            run.position,
            cut=lambda groups, _: [list(groups[n : n + batch_groups]) for n in range(0, len(groups), batch_groups)],
            pool_examples=pool_examples,
        ),
        lambda batch: _losses(run.weights, batch),
        Schedule(peak_rate, warmup_steps, stable_steps, decay_steps),
        checkpoint_minutes=checkpoint_minutes,
        log_steps=log_steps,
        questions=len(found),
        found=sum(any(candidate.holds for candidate in one.candidates) for one in found),
        documents=len(documents),
    )
    network.save_reader(out / "order", run.weights, encoder_sha256=recipe.encoder_sha256)
    return out / "order"


def _data_sha256(data: Path, texts: Path) -> str:
    """One hash over everything that is learnt from."""
    return hashlib.sha256(f"{sha256_of_files(data, question_files(data, ()))} {sha256_of(texts)}".encode()).hexdigest()


def _losses(weights: Mapping[str, Tensor], batch: Sequence[Group]) -> Losses:
    logits = _answerable(weights, [window for group in batch for window in group.windows])
    listwise, logistic = order_loss(logits, batch)
    return Losses(
        listwise + _LOGISTIC_WEIGHT * logistic,
        {"listwise_loss": float(listwise.detach()), "answerable_loss": float(logistic.detach())},
    )


def _answerable(weights: Mapping[str, Tensor], windows: Sequence[reading.Window]) -> Tensor:
    """Logits (n,) that each answers. The short and the long ones are run by themselves: less padding."""
    import torch

    shared = network.cast(weights, torch.bfloat16)
    by_length = sorted(range(len(windows)), key=lambda n: len(windows[n].ids))
    halves = [half for half in (by_length[: len(windows) // 2], by_length[len(windows) // 2 :]) if half]
    parts = [
        network.network(shared, network.to_batch([windows[n] for n in half]), bfloat16=True, fused=False).answerable
        for half in halves
    ]
    places = torch.tensor([n for half in halves for n in half]).argsort()
    return torch.cat(parts)[places]
