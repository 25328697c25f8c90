"""The questions that the support model's claims are made of: SQuAD's form and QAMR's (Michael et al. 2018).

Each with other paragraphs that search finds for it. QAMR's Penn Treebank tokens become running text.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from rag.training.question_sets import (
    DEV_FILE,
    HELD_OUT_ARTICLES,
    Corpus,
    Paragraph,
    Question,
    add_squad,
    held_out_shingles,
)
from rag.training.steps import TrainingDataError

_RETRIEVED_PARAGRAPHS = 12


def load_corpus(data: Path) -> Corpus:
    """What the support model learns from: `train/*.json`, `train/qamr/` and ten articles of the dev half in `data`.

    With other paragraphs searched for each question. Paragraphs that also stand in a held-out article are left out
    (`dropped` counts what was left out, and why). Raises TrainingDataError for a reference that is not where its offset
    says, and where there is nothing to read.
    """
    corpus = Corpus()
    dev = data / DEV_FILE
    held_out = held_out_shingles(dev)
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


def corpus_files(data: Path) -> list[Path]:
    """The files below `data` that `load_corpus` reads."""
    paths = [path for path in sorted((data / "train").rglob("*")) if path.suffix in (".json", ".tsv")]
    return paths + ([data / DEV_FILE] if (data / DEV_FILE).is_file() else [])


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
