"""The server's replies: OpenAI's forms made from an Answer, faults in either form, and all of them as schemas.

Pilcrow's own paths reply as `--json` does (`rag.answers`); the models here describe that for the OpenAPI page, and a
test holds the true replies against them. Nothing of HTTP.
"""

import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.answers import REASONS, Answer, JsonObject, answer_json
from rag.citations import Citation, Claim, plain_claim, row_words, with_markers
from rag.serving.requests import MODEL_WITH_SOURCES, NO_ANSWER, SOURCES_FOLLOW

# The beginning of what HTML takes for a tag.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")

# ---- OpenAI's forms


@dataclass(frozen=True, slots=True)
class Completion:
    """What one chat completion's reply or chunks have in common. created: seconds since 1970."""

    model: str
    completion_id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answer: Answer) -> JsonObject:
        """The reply in one piece. No usage is told, as nothing here counts the tokens of a chat model's dialect."""
        message = {"role": "assistant", "content": "".join(self._pieces(answer)), "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return self._form("chat.completion", choice) | {"pilcrow": answer_json(answer)}

    def first_chunk(self) -> JsonObject:
        """The chunk that opens a stream: who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def chunks(self, answer: Answer) -> Iterator[JsonObject]:
        """The answer sentence by sentence, then the chunk that ends it, which carries the whole Answer."""
        for piece in self._pieces(answer):
            yield self._chunk({"content": piece})
        yield self._chunk({}, "stop") | {"pilcrow": answer_json(answer)}

    def draft_chunk(self, text: str) -> JsonObject:
        """A chunk without content: the unchecked text so far, from its beginning."""
        return self._chunk({}) | {"pilcrow": {"draft": text}}

    def _pieces(self, answer: Answer) -> Iterator[str]:
        """What the text is made of; joined, it is the text."""
        yield from _sentences(answer)
        if self.model == MODEL_WITH_SOURCES and answer.citations:
            yield SOURCES_FOLLOW + "".join(f"\n- [{c.label}] {_place(c)}: {_quoted(c)}" for c in answer.citations)

    def _chunk(self, delta: JsonObject, finish_reason: str | None = None) -> JsonObject:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._form("chat.completion.chunk", choice)

    def _form(self, kind: str, choice: JsonObject) -> JsonObject:
        return {
            "id": self.completion_id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": [choice],
        }


def _sentences(answer: Answer) -> list[str]:
    """The answer's text, a claim each, or the one line that says why there is none."""
    if answer.reason == "small_talk":
        return [answer.text]
    if answer.abstained:
        return [NO_ANSWER + REASONS.get(answer.reason or "", "")]
    if with_markers(answer.claims) != answer.text:
        return [_defused(answer.text)]
    by_label = {citation.label: citation for citation in answer.citations}
    claims = [with_markers([_in_words(claim, by_label)]) for claim in answer.claims]
    return [_defused(piece) for piece in (*claims[:1], *(f" {claim}" for claim in claims[1:]))]


def _in_words(claim: Claim, by_label: Mapping[int, Citation]) -> Claim:
    """A claim that is a table's row, verbatim, with what its columns are called; any other as it is."""
    rows = (by_label[label] for label in claim.labels if by_label[label].cells)
    row = next((citation for citation in rows if plain_claim(citation.quote) == claim.text), None)
    return claim if row is None else replace(claim, text=plain_claim(row_words(row)))


def _quoted(citation: Citation) -> str:
    """What is cited: the quote, or a table's row with what its columns are called, which is no quote."""
    return _one_line(row_words(citation)) if citation.cells else f"“{_one_line(citation.quote)}”"


def _place(citation: Citation) -> str:
    parts = [citation.title, citation.publisher, citation.date, citation.file]
    page = f", page {citation.page}" if citation.page is not None else ""
    return _one_line(", ".join(part for part in parts if part) + f"{page}, paragraph {citation.paragraph}")


def _one_line(text: str) -> str:
    return _defused(" ".join(text.split()))


def _defused(text: str) -> str:
    """Text for which no client loads a picture, be it shown as Markdown or HTML; the citations hold the exact quote."""
    return _TAG.sub(r"\\<", text.replace("![", "!\\["))


def model_json(model: str, created: int) -> JsonObject:
    """One of the server's models in OpenAI's form."""
    return {"id": model, "object": "model", "created": created, "owned_by": "pilcrow"}


# ---- Schemas: what the OpenAPI page shows


class _Reply(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ClaimReply(_Reply):
    """One sentence of the answer, without markers. verdict: supported, weak, unsupported or unchecked."""

    text: str
    labels: list[int] = Field(description="The citations that bear it out.")
    support: float = Field(ge=0, le=1)
    verdict: str
    direct: str | None = Field(default=None, description="The words of it that answer.")
    meant: str | None = Field(default=None, description='Who the word that it begins with is: "she: Ann Example".')
    older: bool = Field(default=False, description="A newer document replaces the one that says it.")
    speaker: str | None = Field(default=None, description="Whose words it tells, where it says what somebody says.")
    quoted_instead: bool = Field(default=False, description="The document's sentence, in place of a model's own.")


class CellReply(_Reply):
    """A cell of a cited table row: characters [start, end) of the document, equal where it is empty."""

    head: str = Field(description="What its column is called; empty where nothing says.")
    start: int
    end: int


class ShownReply(_Reply):
    """Characters [start, end) of a document, counted in Unicode code points from 0, inside one paragraph."""

    document: str
    title: str | None
    publisher: str | None
    date: str | None
    page: int | None = Field(description="From 1, where the format has pages.")
    paragraph: int
    start: int
    end: int
    quote: str = Field(description="Those characters, verbatim.")
    paragraph_start: int
    paragraph_end: int
    also_in: list[str] = Field(description="Copies of the document.")
    kind: str = Field(description="Of the paragraph: body, list item, table row, code, caption, footnote or furniture.")
    headings: list[str] = Field(description="Those above the paragraph, the highest first.")
    cells: list[CellReply] = Field(description="Of a table row that is cited whole; else none.")
    renamed: str | None = Field(description="What the document's file is called since it was renamed.")


class CitationReply(ShownReply):
    """What a marker [label] in the answer points to."""

    label: int


class ShortAnswerReply(_Reply):
    """The words that answer: characters [start, end) of a document."""

    text: str
    start: int
    end: int
    document: str
    score: float


class EvidenceReply(_Reply):
    """A passage that was read."""

    document: str
    paragraph: int
    start: int
    end: int
    score: float
    rank: int


class HitReply(EvidenceReply):
    """A passage that was found."""

    text: str
    kind: str = Field(description="Of the last paragraph that it touches.")
    headings: list[str] = Field(description="Those above it, the highest first.")


class AnswerReply(_Reply):
    """An answer as `pilcrow ask --json` prints it. Abstained: no claims, no citations, and a reason."""

    question: str
    query: str = Field(description="What was searched with.")
    answer: str = Field(description="The claims, each with its markers [label].")
    abstained: bool
    reason: Literal["off_topic", "not_stated", "small_talk"] | None
    confidence: float = Field(
        ge=0, le=1, description="Calibrated probability that the first citation is right, or would have been."
    )
    claims: list[ClaimReply]
    citations: list[CitationReply]
    answers: list[ShortAnswerReply]
    evidence: list[EvidenceReply]
    generator: str
    notices: list[str]
    seconds: dict[str, float]
    direct: str | None = Field(description="The words that answer, in one line; null where the claims do.")
    polarity: Literal["yes", "no"] | None
    shape: Literal["fact", "yes_no", "several", "account", "gist", "comparison", "parts"]
    disputed: bool = Field(description="Sources disagree: each claim is another one's.")
    computed: str | None = Field(description="How the direct answer was computed, where no document states it.")


class HitsReply(_Reply):
    """Passages, best first."""

    question: str
    hits: list[HitReply]


class HealthReply(_Reply):
    """Whether questions can be answered now. answering: how many are, the queue included; room: how many may be."""

    status: Literal["ok"]
    answering: int
    room: int


class FaultReply(_Reply):
    """What was wrong, in one line."""

    error: str


class OpenAIError(_Reply):
    """What was wrong, and with which parameter."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIFaultReply(_Reply):
    """A fault as OpenAI's clients expect it."""

    error: OpenAIError


class ChatReplyMessage(_Reply):
    """The answer: its text with markers [label], which `pilcrow.citations` resolves."""

    role: Literal["assistant"]
    content: str
    refusal: None


class ChatChoice(_Reply):
    """The only choice."""

    index: int
    message: ChatReplyMessage
    logprobs: None
    finish_reason: Literal["stop"]


class ChatReply(_Reply):
    """OpenAI's chat completion with one field more, `pilcrow`: the whole Answer.

    A stream is of chat.completion.chunk objects; the one with a finish_reason carries `pilcrow`, and [DONE] follows.
    What comes as content has been checked. There is no usage, as no chat model's tokens are counted.
    """

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    pilcrow: AnswerReply


class ModelReply(_Reply):
    """A name that a request may give as its model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelsReply(_Reply):
    """The names that a request may give as its model."""

    object: Literal["list"]
    data: list[ModelReply]
