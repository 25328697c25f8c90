"""Faults as a caller is told of them: one line, a status, and nothing of this machine.

Pilcrow's own paths tell a fault as `{"error": "..."}`, those below /v1 in OpenAI's form.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from index.errors import BadSpan, PilcrowError, ServerFailed, UnknownDocument
from rag.answers import JsonObject
from rag.serving.jobs import Busy, Overdue, Stopped
from rag.serving.requests import WrongRequest

log = logging.getLogger("pilcrow.serving")


@dataclass(frozen=True, slots=True)
class Fault:
    """What a caller is told: the status, one line, OpenAI's code and the parameter it is about, further headers."""

    status: int
    message: str
    code: str
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def fault_body(path: str, fault: Fault) -> bytes:
    """A fault as JSON: in OpenAI's form below /v1, else one message."""
    form = openai_fault(fault) if path.startswith("/v1/") else {"error": fault.message}
    return json.dumps(form).encode()  # ASCII: a name that the caller made up may hold what UTF-8 cannot


def openai_fault(fault: Fault) -> JsonObject:
    """A fault in OpenAI's form."""
    kind = _KINDS.get(fault.status, "invalid_request_error" if fault.status < 500 else "server_error")
    return {"error": {"message": fault.message, "type": kind, "param": fault.param, "code": fault.code}}


_KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


def _misunderstood(error: Mapping[str, Any]) -> Fault:
    """The fault of a body or query that pydantic does not take: where, and what is wrong there."""
    if error["type"] == "json_invalid":
        return Fault(400, "the body is not valid JSON", "invalid_json")
    place = ".".join(str(step) for step in error["loc"][1:])
    message = str(error["msg"]).removeprefix("Value error, ")
    return Fault(400, f"{place}: {message}" if place else message, "invalid_value", place or None)


BROKEN = Fault(500, "something is broken in the server; its terminal says what", "internal_error")


def fault_of(error: Exception) -> Fault | None:
    """What a caller is told of an error, without anything of this machine; None for one that is a bug."""
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    fault: Fault | None = None
    match error:
        case WrongRequest():
            fault = Fault(error.status, str(error), error.code, error.param)
        case RequestValidationError():
            fault = _misunderstood(error.errors()[0])
        case UnknownDocument():
            fault = Fault(404, "the collection has no document of that name", "document_not_found", "documents")
        case BadSpan():
            fault = Fault(400, str(error), "bad_span")
        case PilcrowError():
            log.warning("%s", _without_quotes(error))
            fault = Fault(503, "this cannot be answered now; the server's terminal says why", "unavailable")
        case Busy():
            again = {"Retry-After": str(error.again_seconds)}
            fault = Fault(
                429, "too many questions at once; ask again a little later", "rate_limit_exceeded", None, again
            )
        case Stopped():
            fault = Fault(503, "the server is stopping", "stopping")
        case Overdue():
            fault = Fault(504, "the answer took too long and was given up", "timeout")
        case HTTPException():
            fault = _refused_by_router(error.status_code, dict(error.headers or {}))
    return fault


def _without_quotes(error: PilcrowError) -> str:
    """An error for the log. What a chat model's server said stands in parentheses, and may be the question."""
    return re.sub(r"\s*\(.*\)", "", str(error), flags=re.DOTALL) if isinstance(error, ServerFailed) else str(error)


def _refused_by_router(status: int, headers: dict[str, str]) -> Fault:
    messages = {404: "there is no such path; /docs lists them", 405: "this path does not take that method"}
    return Fault(status, messages.get(status, "the request could not be read"), "bad_request", None, headers)
