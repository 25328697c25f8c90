"""The part of an answer that a chat model writes: the evidence that fits, the draft as it grows, the claims checked.

Knows what was found and the models; `rag.answering` makes the Answer.
"""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from index.encoder.embedding import Encoder
from index.errors import ModelUnusable
from index.paragraphs import Kind
from index.passages import Passage
from index.sentences import sentence_spans
from rag.answers import Draft, Step
from rag.citations import Citation, Claim, Sources, Verdict
from rag.generation.chat_model import MAX_TOKENS, AnswerCut, ChatModel, Message, visible_text
from rag.generation.checking import Judge, check
from rag.generation.markers import draft, resolve
from rag.generation.prompt import ONE_SENTENCE, Exhibit, Sentence, answer_messages, says_no_answer
from rag.generation.prose import plain_prose
from rag.generation.quoting import Quotes, with_quotes
from rag.retrieval import Hit

# The end of a sentence, with what closes it and the markers behind it.
_END = re.compile(r"[.!?…][\"”’')\]]{0,3}(?:\s{0,2}\[[0-9, –-]{1,12}\])*(?=\s|$)")
# The same words four times in a row, looked for in the end of a text at every so manyth piece.
_LOOP = re.compile(r"(.{12,250}?)\1{3}$", re.DOTALL)
_LOOP_LENGTH, _LOOKS_EVERY = 1100, 8
# What a small model is asked for is one sentence, which is pinned in one of so many of the best passages.
_SENTENCE_TOKENS, _PINNED_IN = 80, 4
_NO_QUOTES = Quotes()
# An answer longer than this is a model that no longer knows what it says.
_MAX_CHARACTERS = 6000


@dataclass(frozen=True, slots=True)
class Written:
    """What a model made of the evidence; no claims where it said that the evidence does not answer.

    read: how many of the hits fitted its context, best first.
    """

    claims: tuple[Claim, ...]
    citations: tuple[Citation, ...]
    read: int
    notices: tuple[str, ...]


def write(
    question: str,
    query: str,
    hits: Sequence[Hit],
    *,
    sources: Sources,
    encoder: Encoder,
    model: ChatModel,
    support: Judge | None,
    strict: bool,
    quotes: Quotes = _NO_QUOTES,
    form: Sentence = ONE_SENTENCE,
) -> Generator[Step | Draft, None, Written]:
    """Writing and checking, as they happen. Closing it stops the model.

    quotes: the answer without a model; what the check does not bear out is quoted from it instead. form: how a small
    model is asked.
    """
    yield Step("writing")
    notices = []
    if model.is_small:
        messages = _asked_for_a_sentence(query, hits, quotes, sources, model=model, form=form)
        read = min(len(hits), _PINNED_IN)
    else:
        messages, read = _fitted(question, query, hits, sources, model)
        if read < len(hits):
            notices.append(f"the model was given the best {read} of {len(hits)} passages; more do not fit its context")
    passages = [hit.passage for hit in hits[:read]]
    evidence = [_shown(passage, sources) for passage in passages]
    text, cut = yield from _drafted(model, messages, evidence)
    if cut and not (model.is_small and quotes.claims):
        notices.append(cut)
    if not text:
        notices.append("the model gave no answer")
    if not text and not quotes.claims:
        return Written((), (), read, tuple(notices))
    yield Step("checking")
    resolved = resolve(plain_prose(text, evidence), read)
    sentences = [sentence for sentence in dict.fromkeys(resolved.sentences) if not says_no_answer(sentence.text)]
    if resolved.sentences and not sentences and not model.is_small:
        quotes = _NO_QUOTES  # a large model read more than the reader did, and is believed
    shown = quotes.cited(quotes.claims[0]) if model.is_small and quotes.claims else []
    checked = check(
        sentences, passages, sources, encoder, support, strict=strict and not quotes.claims, shown=shown[:1]
    )
    asked = [query, *quotes.words[:1], *_as_read(checked.citations, sources)] if model.is_small else []
    refused = {Verdict.UNSUPPORTED} | ({Verdict.WEAK} if model.is_small else set())
    refused |= {Verdict.UNCHECKED} if strict else set()
    claims, citations = with_quotes(checked.claims, checked.citations, quotes, refused=refused, built_of=asked)
    if resolved.wrong:
        notices.append(f"markers that point to no evidence, removed: {resolved.wrong}")
    if checked.removed:
        notices.append(
            f"citations that do not bear their sentence out, beside one that does, removed: {checked.removed}"
        )
    refusals = len(checked.claims) - sum(not claim.quoted_instead for claim in claims)
    left_out = checked.dropped + max(refusals - sum(claim.quoted_instead for claim in claims), 0)
    if left_out:
        notices.append(f"sentences that nothing bears out, left out: {left_out}")
    return Written(claims, citations, read, tuple(notices))


def _drafted(
    model: ChatModel, messages: Sequence[Message], evidence: Sequence[str]
) -> Generator[Draft, None, tuple[str, str]]:
    """The answer as it grows; what the model said in the end, and in words why that was cut, "" where it was not.

    Of an answer that is cut, its whole sentences are left.
    """
    text = first = cut = ""
    most = _SENTENCE_TOKENS if model.is_small else MAX_TOKENS
    growing = visible_text(model, messages, max_tokens=max(1, min(most, model.context - model.count(messages))))
    try:
        for n, text in enumerate(growing, 1):
            if n % _LOOKS_EVERY == 0 and _LOOP.search(text[-_LOOP_LENGTH:]):
                cut = "the model began to repeat itself; its answer was cut off"
                break
            if len(text) > _MAX_CHARACTERS:
                cut = "the model did not come to an end; its answer was cut off"
                break
            if model.is_small and len(spans := sentence_spans(text)) > 1:
                first = text[: spans[0][1]]  # it was asked for one sentence, and goes on to say less and less
                break
            yield Draft(draft(plain_prose(text, evidence), len(evidence)))
    except AnswerCut:
        cut = "the model ran out of tokens before its answer was done; what is unfinished is left out"
    finally:
        growing.close()
    return (_whole_sentences(text), cut) if cut else (first or text, "")


def _fitted(
    question: str, query: str, hits: Sequence[Hit], sources: Sources, model: ChatModel
) -> tuple[list[Message], int]:
    """The prompt with as many of the best hits as leave room for an answer, and how many those are.

    Raises ModelUnusable where not even one fits.
    """
    exhibits = []
    for hit in hits:
        document = sources.document(hit.passage.doc_id)
        exhibits.append(Exhibit(_shown(hit.passage, sources), document.title, document.date, document.publisher))
    room = model.context - min(MAX_TOKENS, model.context // 4)
    for n in range(len(exhibits), 0, -1):
        messages = answer_messages(question, query, exhibits[:n])
        if model.count(messages) <= room:
            return messages, n
    raise ModelUnusable(
        f"'{model.name}' reads {model.context} tokens, too few for one passage and the question; use a model with more"
    )


def _asked_for_a_sentence(
    query: str, hits: Sequence[Hit], quotes: Quotes, sources: Sources, *, model: ChatModel, form: Sentence
) -> list[Message]:
    """The prompt of a small model: the sentences around what the reader marked, else the best passages.

    Raises ModelUnusable where not even one of them fits.
    """
    texts = [_around(claim, quotes, sources) for claim in quotes.claims]
    shown = [_shown(hit.passage, sources) for hit in hits]
    texts += [passage for passage in shown if not any(text in passage for text in texts)]
    texts = texts[: form.windows]
    room = model.context - _SENTENCE_TOKENS
    for n in range(len(texts), 0, -1):
        messages = form.messages(query, texts[:n], next(iter(quotes.words), ""))
        if model.count(messages) <= room:
            return messages
    raise ModelUnusable(
        f"'{model.name}' reads {model.context} tokens, too few for one passage and the question; use a model with more"
    )


def _around(claim: Claim, quotes: Quotes, sources: Sources) -> str:
    """The sentence that a claim quotes, with the one before and the one after it in its paragraph; a whole row."""
    cited = quotes.cited(claim)[0]
    text = sources.document(cited.doc_id).text
    spans = sentence_spans(text, cited.paragraph_start, cited.paragraph_end)
    own = [n for n, (start, end) in enumerate(spans) if start < cited.end and cited.start < end]
    if not own:
        return cited.quote
    first, last = spans[max(own[0] - 1, 0)], spans[min(own[-1] + 1, len(spans) - 1)]
    return sources.shown(cited.doc_id, first[0], last[1]).text


def _shown(passage: Passage, sources: Sources) -> str:
    """A passage as a model is given it: of a table each row with the heads of its columns, which need no row then."""
    touched = sources.touched(passage.doc_id, passage.start, passage.end)
    if all(p.kind is not Kind.TABLE_ROW for p in touched):
        return passage.text
    rows = sources.rows(passage.doc_id)
    told = [p for p in touched if p.number not in rows or not rows[p.number][1].is_head] or touched
    spans = [(max(p.start, passage.start), min(p.end, passage.end)) for p in told]
    return "\n".join(sources.shown(passage.doc_id, *span).text for span in spans)


def _as_read(citations: Sequence[Citation], sources: Sources) -> list[str]:
    """What is cited as the model was given it."""
    return [sources.shown(c.doc_id, c.start, c.end).text for c in citations]


def _whole_sentences(text: str) -> str:
    """The text up to the end of its last whole sentence and the markers behind that."""
    ends = [match.end() for match in _END.finditer(text)]
    return text[: ends[-1]] if ends else ""
