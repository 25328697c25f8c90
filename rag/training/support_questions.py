"""The questions that the support model's claims are made of: SQuAD's form and QAMR, with other paragraphs for each."""

import re
from pathlib import Path

from rag.training.qamr import add_qamr
from rag.training.question_sets import DEV_FILE, HELD_OUT_ARTICLES, Corpus, add_squad, held_out_shingles
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
