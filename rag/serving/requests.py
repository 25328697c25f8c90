"""The requests that the server understands: Pilcrow's own, and OpenAI's chat completion.

What a body must be to be understood is here, as pydantic models that the OpenAPI page shows; nothing of HTTP.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from index.collection import Filters
from index.dates import stated_date
from rag.citations import without_markers

MAX_QUESTION = 4_000
MAX_MESSAGES = 200
_MAX_PASSAGES = 100
MAX_NAME = 1_000
_MAX_ANSWER = 20_000
# Turns that are looked at; a follow-up seldom goes further back than to the last one.
_MAX_TURNS = 10
# Of the two models that the server calls itself, the second ends its text with a list of what it cites, for clients
# that show nothing but text.
MODELS = MODEL, MODEL_WITH_SOURCES = "pilcrow", "pilcrow-with-sources"


# How a reply begins that holds no answer, and what stands before a reply's list of sources.
NO_ANSWER, SOURCES_FOLLOW = "No answer. ", "\n\nSources:\n"


def _asked(question: str) -> str:
    if not question.strip():
        raise ValueError("the question is empty")
    return question


Question = Annotated[str, Field(max_length=MAX_QUESTION, description="In plain words."), AfterValidator(_asked)]
Date = Annotated[str, Field(max_length=40), AfterValidator(stated_date)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class Narrowed(BaseModel):
    """Which documents may be looked at; what is absent is no limit. A document without a date passes no date."""

    model_config = ConfigDict(extra="forbid")

    after: Date | None = Field(default=None, description="Only documents of this date or later.")
    before: Date | None = Field(default=None, description="Only documents of this date or earlier.")
    publisher: Name | None = Field(default=None, description="Only documents of this outlet.")
    documents: list[Name] = Field(default=[], max_length=_MAX_PASSAGES, description="Only documents of these names.")

    def filters(self) -> Filters:
        """The same, as the collection knows it."""
        return Filters(self.after, self.before, self.publisher, tuple(self.documents))


class Before(BaseModel):
    """An earlier turn of the conversation."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(max_length=MAX_QUESTION)
    answer: str = Field(default="", max_length=_MAX_ANSWER, description="As it was replied; its markers mean nothing.")
    marked: str = Field(
        default="", max_length=_MAX_ANSWER, description="The reply's first short answer: whom 'he' may mean."
    )


class Asking(Narrowed):
    """What may be asked of an answer, beyond the question."""

    strict: bool = Field(default=False, description="Leave out of a model's answer what the documents do not bear out.")


class AskRequest(Asking):
    """A question to be answered."""

    question: Question
    history: list[Before] = Field(
        default=[], max_length=MAX_MESSAGES, description="The turns before it, oldest first: what 'it' and 'he' may be."
    )

    def turns(self) -> list[tuple[str, str, str]]:
        """The last turns before the question, oldest first: (question, answer without markers, marked words)."""
        return [(turn.question, unmarked(turn.answer), turn.marked) for turn in self.history[-_MAX_TURNS:]]


class SearchRequest(Narrowed):
    """A question whose nearest passages are wanted."""

    question: Question
    k: int = Field(default=10, ge=1, le=_MAX_PASSAGES, description="At most so many passages.")
    read: bool | None = Field(
        default=None, description="In the order in which /ask reads them; null is where it is a question."
    )


def _joined(content: object) -> object:
    """The text of a message that comes in parts."""
    if not isinstance(content, list):
        return content
    texts = []
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise ValueError(
                "content in parts must be of parts {'type': 'text', 'text': '...'}: text is all that is read"
            )
        texts.append(part["text"])
    return "\n".join(texts)


class ChatMessage(BaseModel):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, BeforeValidator(_joined)] = Field(description="Text, or a list of text parts.")


class TextFormat(BaseModel):
    """The only form of an answer."""

    type: Literal["text"]


class ChatExtras(Asking):
    """What a chat completion may ask of Pilcrow beyond OpenAI's form."""

    drafts: bool = Field(
        default=False,
        description="While streaming, also send the unchecked draft, as `pilcrow.draft` of chunks without content.",
    )


class ChatRequest(BaseModel):
    """OpenAI's request. The last message is the question; the user's and the assistant's before it are its history.

    Messages of the system are not followed. Parameters of sampling (temperature, max_tokens, seed...) have no effect.
    """

    model: str = Field(max_length=MAX_NAME, description=f"'{MODEL}' or '{MODEL_WITH_SOURCES}'.")
    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool = Field(default=False, description="Reply with server-sent events.")
    pilcrow: ChatExtras = Field(default_factory=ChatExtras, description="Pilcrow's own.")
    n: Literal[1] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = Field(default=None, description="There are none.")
    functions: Annotated[list[Any], Field(max_length=0)] | None = Field(default=None, description="There are none.")
    logprobs: Literal[False] | None = None
    response_format: TextFormat | None = None

    @property
    def question(self) -> str:
        """The last message's text."""
        return self.messages[-1].content

    def turns(self) -> list[tuple[str, str, str]]:
        """The last turns before the question, oldest first: (question, answer without markers, "")."""
        turns: list[tuple[str, str]] = []
        for message in self.messages[:-1]:
            if message.role == "user":
                turns.append((message.content[:MAX_QUESTION], ""))
            elif message.role == "assistant" and turns and not turns[-1][1]:
                turns[-1] = (turns[-1][0], unmarked(message.content[:_MAX_ANSWER]))
        return [(question, answer, "") for question, answer in turns[-_MAX_TURNS:]]


def unmarked(answer: str) -> str:
    """What an answer of this server said: without its markers and its list of sources; nothing where it had none."""
    said = answer.partition(SOURCES_FOLLOW)[0]
    return "" if said.startswith(NO_ANSWER) else without_markers(said)


class WrongRequest(Exception):
    """A request that is well formed but can't be done; carries what to tell, and OpenAI's names for it."""

    def __init__(
        self, message: str, *, param: str | None = None, code: str = "invalid_value", status: int = 400
    ) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status


def check(request: ChatRequest) -> None:
    """Raises WrongRequest for what the form alone does not tell."""
    if request.model not in MODELS:
        raise WrongRequest(
            f"there is no such model here; use '{MODEL}' or '{MODEL_WITH_SOURCES}'",
            param="model",
            code="model_not_found",
            status=404,
        )
    if request.messages[-1].role != "user":
        raise WrongRequest("the last message must be the user's: it is the question", param="messages")
    if not request.question.strip():
        raise WrongRequest("the question, the last message, is empty", param="messages")
    if len(request.question) > MAX_QUESTION:
        raise WrongRequest(
            f"the question, the last message, is longer than {MAX_QUESTION:,} characters",
            param="messages",
            code="string_above_max_length",
        )
