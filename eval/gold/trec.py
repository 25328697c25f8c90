"""TREC's files: topics, qrels and runs in; qrels and runs out, so that trec_eval and others can check the figures.

    topics   <top><num> Number: 301 <title> words ... </top>      or  ID<TAB>words, a line each
    qrels    QUERY 0 DOCUMENT GRADE                                a run   QUERY Q0 DOCUMENT RANK SCORE TAG

Columns are parted by white space, so an id with white space in it is written with percent signs ("a%20b"), and read
back where the id it stands for is known.
"""

import itertools
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from eval.gold.datasets import BadDataset, Judgements
from rag.judgements import one_word, trec_lines

Scored = Sequence[tuple[str, float]]

_TOPIC = re.compile(r"<top>(.*?)(?=<top>|\Z)", re.DOTALL | re.IGNORECASE)
_NUMBER = re.compile(r"<num>\s*(?:Number:)?\s*([^\s<]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(?:Topic:)?(.*?)(?=<\w|</|\Z)", re.DOTALL | re.IGNORECASE)


def read_topics(path: Path) -> dict[str, str]:
    """Query id -> title, of TREC's `<top>` form or of lines "ID<TAB>words".

    Raises BadDataset with file and line for a topic without number or words, and for a number that comes twice.
    """
    text = _read(path)
    found = _marked_topics(text) if "<top>" in text.lower() else _line_topics(text, path)
    topics: dict[str, str] = {}
    for number, query, words in found:
        if not query or not words:
            what = f"topic '{query}' is empty" if query else "a topic has no number"
            raise BadDataset(f"{path}:{number}: {what}")
        if query in topics:
            raise BadDataset(f"{path}:{number}: topic '{query}' was there before")
        topics[query] = words
    if not topics:
        raise BadDataset(f"'{path}' holds no topic")
    return topics


def _marked_topics(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, id, title) of each `<top>`; "" where one is absent."""
    for topic in _TOPIC.finditer(text):
        line = text.count("\n", 0, topic.start()) + 1
        number, title = _NUMBER.search(topic[1]), _TITLE.search(topic[1])
        yield line, number[1] if number else "", " ".join(title[1].split()) if title else ""


def _line_topics(text: str, path: Path) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        query, tab, words = line.partition("\t")
        if not tab:
            raise BadDataset(f"{path}:{number}: neither '<top>' nor 'ID<TAB>words'")
        yield number, query.strip(), " ".join(words.split())


def read_qrels(
    path: Path, *, queries: Collection[str] | None = None, documents: Collection[str] = ()
) -> dict[str, dict[str, int]]:
    """Query id -> document id -> grade, of the queries with a relevant document.

    queries: those that may be judged; None is any. documents: known ids, for those written with percent signs.
    Raises BadDataset with file and line for a malformed row, an unknown query or a judgement that comes twice.
    """
    known, asked = _unquoted(documents), _unquoted(queries or ())
    judgements = Judgements(path, queries)
    for number, row in _rows(path):
        if len(row) != 4:
            raise BadDataset(f"{path}:{number}: not 'QUERY 0 DOCUMENT GRADE': {' '.join(row)}")
        judgements.add(number, asked.get(row[0], row[0]), known.get(row[2], row[2]), row[3])
    return judgements.judged()


def read_run(
    path: Path, *, queries: Collection[str] = (), documents: Collection[str] = ()
) -> dict[str, list[tuple[str, float]]]:
    """Query id -> (document id, score), best first, ties by id descending as trec_eval; its rank column is ignored.

    queries, documents: known ids, for those written with percent signs.

    Raises BadDataset with file and line for a malformed row, a score that is no number, a document that comes twice.
    """
    known, asked = _unquoted(documents), _unquoted(queries)
    run: dict[str, dict[str, float]] = {}
    for number, row in _rows(path):
        if len(row) != 6:
            raise BadDataset(f"{path}:{number}: not 'QUERY Q0 DOCUMENT RANK SCORE TAG': {' '.join(row)}")
        query, doc = asked.get(row[0], row[0]), known.get(row[2], row[2])
        try:
            score = float(row[4])
        except ValueError:
            score = math.nan
        if not math.isfinite(score):
            raise BadDataset(f"{path}:{number}: the score '{row[4]}' is not a number")
        if doc in run.setdefault(query, {}):
            raise BadDataset(f"{path}:{number}: '{doc}' was there before for query '{query}'")
        run[query][doc] = score
    if not run:
        raise BadDataset(f"'{path}' holds no result")
    return {query: ranked(scores) for query, scores in run.items()}


def ranked(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """(id, score), best first, ties by id descending as trec_eval."""
    return sorted(sorted(scores.items(), reverse=True), key=lambda pair: -pair[1])


def write_run(path: Path, run: Mapping[str, Scored], tag: str) -> None:
    """A run in TREC's form. Scores must not rise with rank: trec_eval sorts by them. Raises ValueError where they do.

    tag: the setting's name; its white space becomes "-".
    """
    name = "-".join(tag.split()) or "pilcrow"
    lines = []
    for query, ranking in run.items():
        if any(later[1] > earlier[1] for earlier, later in itertools.pairwise(ranking)):
            raise ValueError(f"the scores of query '{query}' rise with rank")
        lines += [f"{one_word(query)} Q0 {one_word(doc)} {rank} {score!r} {name}\n" for rank, (doc, score) in
                  enumerate(ranking, 1)]  # fmt: skip
    path.write_text("".join(lines), encoding="utf-8")


def write_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Judgements in TREC's form."""
    path.write_text(trec_lines(qrels), encoding="utf-8")


def _unquoted(identities: Collection[str]) -> dict[str, str]:
    return {one_word(identity): identity for identity in identities}


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(_read(path).split("\n"), 1):
        if row := line.split():
            yield number, row


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataset(f"'{path}' cannot be read ({error}); give a UTF-8 text file of TREC's form") from error
