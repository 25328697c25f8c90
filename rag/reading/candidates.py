"""What the reader found in the passages, in one order: spans in their sentences, by reading and retrieval together.

Knows hits, readings and sentences; decides which spans make an answer, not whether there is one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.cleaning.rules import is_credit
from index.paragraphs import Kind
from index.passages import Passage
from rag.citations import Sentence, Sources
from rag.reading.reader import PassageReader
from rag.retrieval import Hit

# score = margin + weight * answerability logit + weight * (fused score - the best fused score). Weights and the number
# of passages were tried on the held-out articles and the sample; the figures are in the model card.
_ANSWERABLE_WEIGHT = 0.5
_RETRIEVAL_WEIGHT = 15.0
# Characters of the neighbouring paragraphs that are read with a passage: news says who "he" is one paragraph earlier.
_CONTEXT_CHARACTERS = 800
# Spans asked of the reader for each text, of which those in the neighbours are passed over.
_SPANS = 8
# Score below the best at which another passage with the same words still counts as saying the same.
_AGREES_WITHIN = 4.0
# Score below the best at which another answer is still worth a sentence of its own.
_ALSO_WITHIN = 0.7
_MAX_LABELS = 2
_MAX_CLAIMS = 3

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
# Marks that change what a value is ("-5", "1.5", "C++", "$5") stay where they touch a digit, or stand behind a letter.
_MARKS = re.compile(r"(?<!\d)[^\w\s$€£%+#-](?!\d)|(?<=\d)[^\w\s%](?=\s|$)|(?<![\w])[-+#](?!\d)|[\"“”«»]")
_PICTURES = re.compile(
    r"\b(?:photo|picture|image|illustrat|video|film|camera|credit|agency|agencies|map)", re.IGNORECASE
)
_YES_OR_NO = re.compile(
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must)(?:n['’]t)? "
    r"(?!(?:you|we|they|anyone|anybody|somebody) (?:please )?(?:tell|know|say|explain|show|give|list|name)\b)"
    r"(?!.*\bor\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may answer: half-open `[start, end)` in characters of its document, inside `sentence`.

    score: the span's margin over "no answer", with what reader and retrieval say of its passage; higher is better.
    answerable: the reader's logit that the passage answers the question.
    """

    hit: Hit
    sentence: Sentence
    start: int
    end: int
    score: float
    answerable: float

    @property
    def text(self) -> str:
        """The span's characters."""
        return self.sentence.document.text[self.start : self.end]


def find_candidates(question: str, hits: Sequence[Hit], sources: Sources, reader: PassageReader) -> list[Candidate]:
    """The spans of all passages, best first, ties by rank and place; a span that is in no sentence is left out.

    Who took a picture answers no question but one about pictures.
    """
    if not hits:
        return []
    contexts = [_in_context(hit.passage, sources) for hit in hits]
    titles = [sources.document(hit.passage.doc_id).title or "" for hit in hits]
    about_pictures = bool(_PICTURES.search(question))
    readings = reader.read(question, [text for text, _ in contexts], titles, n_spans=_SPANS)
    found = []
    for hit, (_, lead), reading in zip(hits, contexts, readings, strict=True):
        sentences = [s for s in sources.sentences(hit.passage) if about_pictures or not _is_credit(s)]
        of_passage = _ANSWERABLE_WEIGHT * reading.answerable + _RETRIEVAL_WEIGHT * (hit.score - hits[0].score)
        for span in reading.spans:
            start, end = hit.passage.start + span.start - lead, hit.passage.start + span.end - lead
            sentence = max(sentences, key=lambda s: (_overlap(s, start, end), -s.start), default=None)
            if sentence is not None and hit.passage.start <= start and _overlap(sentence, start, end) > 0:
                score = span.score - reading.null_score + of_passage
                start, end = max(start, sentence.start), min(end, sentence.end)
                found.append(Candidate(hit, sentence, start, end, score, reading.answerable))
    return sorted(found, key=lambda c: (-c.score, c.hit.rank, c.start))


def _is_credit(sentence: Sentence) -> bool:
    return sentence.paragraph.kind is Kind.CAPTION and is_credit(sentence.text)


def _in_context(passage: Passage, sources: Sources) -> tuple[str, int]:
    """The passage between its neighbouring body paragraphs, and where in that text it begins; a caption by itself."""
    text = sources.document(passage.doc_id).text
    body = [p for p in sources.paragraphs(passage.doc_id) if p.kind is Kind.BODY]
    own = [i for i, p in enumerate(body) if p.start < passage.end and passage.start < p.end]
    if not own:
        return passage.text, 0
    before = text[body[own[0] - 1].start : body[own[0] - 1].end][-_CONTEXT_CHARACTERS:] if own[0] else ""
    after = text[body[own[-1] + 1].start : body[own[-1] + 1].end] if own[-1] + 1 < len(body) else ""
    lead = f"{before}\n" if before else ""
    return f"{lead}{passage.text}\n{after[:_CONTEXT_CHARACTERS]}".rstrip(), len(lead)


def chosen(candidates: Sequence[Candidate], sources: Sources | None = None) -> list[list[Candidate]]:
    """The sentences of an answer, best first: for each, the candidate it is shown for, and those that agree with it.

    A sentence is shown once. A candidate agrees with another when its words or its whole sentence are the same, and it
    is in another passage.
    sources: tells copies, which are one source: of several only one is shown, the words in the earliest dated.
    """
    if not candidates:
        return []
    best = candidates[0].score
    groups: list[list[Candidate]] = []
    for candidate in candidates:
        if candidate.score < best - _AGREES_WITHIN:
            break
        if any(_same_sentence(candidate, other) for group in groups for other in group):
            continue
        agreeing = next((g for g in groups if _agree(g[0], candidate)), None)
        if agreeing is not None:
            elsewhere = not any(_same_source(candidate, other, sources) for other in agreeing)
            if elsewhere and len(agreeing) < _MAX_LABELS:
                agreeing.append(candidate)
        elif not groups or (candidate.score >= best - _ALSO_WITHIN and len(groups) < _MAX_CLAIMS):
            groups.append([candidate])
    return [[_earliest(candidate, sources) for candidate in group] for group in groups] if sources else groups


def same_words(one: str, other: str) -> bool:
    """Equal but for case, punctuation, articles and white space."""
    return _normal(one) == _normal(other)


def is_yes_or_no(question: str) -> bool:
    """Whether a question asks for a yes or a no: it begins with its verb, and asks nothing else and no choice."""
    return bool(_YES_OR_NO.match(question.lstrip("\"'“‘ ")))


def _agree(one: Candidate, other: Candidate) -> bool:
    return same_words(one.text, other.text) or one.sentence.text.split() == other.sentence.text.split()


def _same_source(one: Candidate, other: Candidate, sources: Sources | None) -> bool:
    """Whether two candidates are in one passage, or in copies of it."""
    copies = sources is not None and sources.are_copies(one.sentence.document.doc_id, other.sentence.document.doc_id)
    return one.hit.rank == other.hit.rank or (copies and one.hit.passage.doc_id != other.hit.passage.doc_id)


def _earliest(candidate: Candidate, sources: Sources) -> Candidate:
    """The candidate in the earliest dated document that has its sentence."""
    sentence = sources.earliest(candidate.sentence)
    moved = sentence.start - candidate.sentence.start
    return replace(candidate, sentence=sentence, start=candidate.start + moved, end=candidate.end + moved)


def _normal(text: str) -> str:
    """Lower case without articles and punctuation; the text itself where that leaves nothing."""
    return " ".join(_ARTICLES.sub(" ", _MARKS.sub("", text.casefold())).split()) or text


def _overlap(sentence: Sentence, start: int, end: int) -> int:
    return min(end, sentence.end) - max(start, sentence.start)


def _same_sentence(one: Candidate, other: Candidate) -> bool:
    a, b = one.sentence, other.sentence
    return (a.document.doc_id, a.start, a.end) == (b.document.doc_id, b.start, b.end)
