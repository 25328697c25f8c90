"""A conversation as a record: questions, what came of each, and its form as JSON and as Markdown.

The browser keeps conversations and sends them back, so what is read here is somebody's input: every field is checked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from index.collection import Filters
from index.dates import stated_date
from index.paragraphs import Kind
from rag.answers import REASONS, Answer, Evidence, ShortAnswer, answer_json, likely_right
from rag.citations import Cell, Citation, Claim, Verdict
from rag.printable import printable_line

JsonObject = dict[str, Any]

_FORM = 1
_STATES = ("asking", "done", "stopped", "failed")
_ID = re.compile(r"[A-Za-z0-9-]{1,40}")
# What Markdown would obey, anywhere (an address alone becomes a link, with ":" or "@") and where a line begins. Nothing
# of a document's text is markup: no picture is loaded when the file is read.
_OBEYED = re.compile(r"([\\`*_\[\]<>#|~!&$^{}:@])")
_LINE_START = re.compile(r"^(\d*)([-+=.)])")


class BadTranscript(ValueError):
    """A conversation that is not in the form of `exchange_json`; says which field."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what came of it.

    state: asking, done (there is an Answer), stopped (there may be a draft) or failed (there is a fault).
    asked: ISO 8601, UTC. draft: the text that was being written when it was stopped. related: texts of passages.
    """

    exchange_id: str
    question: str
    asked: str
    state: str = "asking"
    answer: Answer | None = None
    draft: str = ""
    fault: str = ""
    filters: Filters = field(default_factory=Filters)


def now() -> str:
    """The time as a record states it: ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def exchange_json(exchange: Exchange) -> JsonObject:
    """An exchange as the browser keeps it; the passages' texts are kept only where they are shown, when abstaining."""
    record: JsonObject = {
        "id": exchange.exchange_id,
        "question": exchange.question,
        "asked": exchange.asked,
        "state": exchange.state,
        "draft": exchange.draft,
        "fault": exchange.fault,
        "filters": _filters_json(exchange.filters),
        "answer": None,
    }
    if exchange.answer is not None:
        record["answer"] = answer_json(exchange.answer)
        for row, evidence in zip(record["answer"]["evidence"], exchange.answer.evidence, strict=True):
            row["text"] = evidence.text if exchange.answer.abstained else ""
    return record


def exchange_from_json(value: object) -> Exchange:
    """The exchange of a record. Raises BadTranscript for anything that `exchange_json` does not make."""
    record = _object(value, "exchange")
    exchange_id, state = _text(record, "id"), _text(record, "state")
    if not _ID.fullmatch(exchange_id) or state not in _STATES:
        raise BadTranscript("an exchange has no proper 'id' or 'state'")
    answer = record.get("answer")
    return Exchange(
        exchange_id=exchange_id,
        question=_text(record, "question"),
        asked=_text(record, "asked"),
        state=state,
        answer=None if answer is None else _answer(_object(answer, "answer")),
        draft=_text(record, "draft"),
        fault=_text(record, "fault"),
        filters=filters_from_json(record.get("filters")),
    )


def _filters_json(filters: Filters) -> JsonObject:
    """Filters as the page sends them."""
    return {
        "after": filters.after,
        "before": filters.before,
        "publisher": filters.publisher,
        "documents": list(filters.documents),
    }


def filters_from_json(value: object) -> Filters:
    """Filters from what the page sends; an empty string is no limit. Raises BadTranscript for another form or date."""
    record = _object(value or {}, "filters")
    dates = {}
    for key in ("after", "before"):
        stated = _optional(record, key)
        try:
            dates[key] = stated_date(stated) if stated else None
        except ValueError as error:
            raise BadTranscript(f"'{key}': {error}") from error
    documents = record.get("documents") or []
    if not isinstance(documents, list) or not all(isinstance(name, str) for name in documents):
        raise BadTranscript("'documents' is not a list of names")
    return Filters(dates["after"], dates["before"], _optional(record, "publisher") or None, tuple(documents))


def conversation_json(title: str, exchanges: Sequence[Exchange], exported: str) -> JsonObject:
    """A whole conversation with its citations, for other programs."""
    return {
        "form": _FORM,
        "title": title,
        "exported": exported,
        "exchanges": [exchange_json(exchange) for exchange in exchanges],
    }


def conversation_markdown(title: str, exchanges: Sequence[Exchange], exported: str) -> str:
    """A whole conversation as Markdown, each citation a footnote with its quote and place.

    Footnotes are numbered through, since every answer begins again at [1].
    """
    blocks = [f"# {_plain(title)}", f"Exported {_plain(exported)} from Pilcrow."]
    notes: list[str] = []
    for exchange in exchanges:
        blocks += _exchange_markdown(exchange, notes)
    return "\n\n".join(blocks + notes) + "\n"


def _exchange_markdown(exchange: Exchange, notes: list[str]) -> list[str]:
    blocks = [f"## {_plain(exchange.question)}"]
    answer = exchange.answer
    if answer is None:
        said = {"stopped": "Stopped before there was an answer.", "failed": exchange.fault}
        return [*blocks, _plain(said.get(exchange.state) or "No answer yet.")]
    if answer.reason == "small_talk":
        return [*blocks, _plain(answer.text)]
    if answer.query.split() != answer.question.split():
        blocks.append(f"Asked as: {_plain(answer.query)}")
    if answer.abstained:
        blocks.append(f"*No answer. {REASONS.get(answer.reason or '', '')}".rstrip() + "*")
        blocks += [
            f"- {_plain(e.doc_id)}, paragraph {e.paragraph}: “{_plain(e.text)}”" for e in answer.evidence[:3] if e.text
        ]
    else:
        first = len(notes)
        blocks.append(" ".join(_claim_markdown(claim, first) for claim in answer.claims))
        notes += [_note(citation, first) for citation in answer.citations]
    return [*blocks, f"*{_plain(answer.generator)}, {likely_right(answer)}, asked {_plain(exchange.asked)}*"]


def _claim_markdown(claim: Claim, first: int) -> str:
    verdict = f" *({claim.verdict})*" if claim.verdict in (Verdict.WEAK, Verdict.UNSUPPORTED) else ""
    return _plain(claim.text) + "".join(f"[^{first + label}]" for label in claim.labels) + verdict


def _note(citation: Citation, first: int) -> str:
    parts = [citation.title or "", citation.publisher or "no outlet", citation.date or "no date", citation.file]
    place = f"paragraph {citation.paragraph}, characters {citation.start} to {citation.end}"
    if citation.page is not None:
        place = f"page {citation.page}, {place}"
    named = ", ".join(_plain(part) for part in parts if part)
    return f"[^{first + citation.label}]: “{_plain(citation.quote)}” {named}, {place}."


def _plain(text: str) -> str:
    """Text on one line that Markdown, and the terminal on which it may be read, takes for nothing but text."""
    return _LINE_START.sub(r"\1\\\2", _OBEYED.sub(r"\\\1", printable_line(text)))


# ---- Reading what the browser sends


def _verdict(record: JsonObject) -> Verdict:
    stated = _text(record, "verdict")
    try:
        return Verdict(stated)
    except ValueError as error:
        raise BadTranscript(f"'verdict' is '{stated}', which is none") from error


def _answer(record: JsonObject) -> Answer:
    claims = tuple(
        Claim(
            _text(c, "text"),
            _labels(c),
            _number(c, "support"),
            _verdict(c),
            speaker=_optional(c, "speaker"),
            quoted_instead=c.get("quoted_instead") is True,
            direct=_optional(c, "direct") or "",
            meant=_optional(c, "meant"),
            older=c.get("older") is True,
        )
        for c in _rows(record, "claims")
    )
    citations = tuple(_citation(c) for c in _rows(record, "citations"))
    known = {citation.label for citation in citations}
    if any(label not in known for claim in claims for label in claim.labels):
        raise BadTranscript("a claim has a label without a citation")
    return Answer(
        question=_text(record, "question"),
        query=_text(record, "query"),
        text=_text(record, "answer"),
        claims=claims,
        citations=citations,
        answers=tuple(
            ShortAnswer(_text(a, "text"), _whole(a, "start"), _whole(a, "end"),
                        _text(a, "document"), _number(a, "score"))
            for a in _rows(record, "answers")
        ),
        evidence=tuple(
            Evidence(_text(e, "document"), _whole(e, "paragraph"), _whole(e, "start"), _whole(e, "end"),
                     _optional(e, "text") or "", _number(e, "score"), _whole(e, "rank"))
            for e in _rows(record, "evidence")
        ),
        abstained=record.get("abstained") is True,
        reason=_optional(record, "reason"),
        confidence=_number(record, "confidence"),
        generator=_text(record, "generator"),
        notices=_texts(record, "notices"),
        seconds={str(step): _number(record["seconds"], step) for step in _object(record.get("seconds"), "seconds")},
        direct=_optional(record, "direct"),
        shape=_optional(record, "shape") or "fact",
        disputed=record.get("disputed") is True,
        computed=_optional(record, "computed"),
        polarity=_optional(record, "polarity"),
    )  # fmt: skip


def _citation(record: JsonObject) -> Citation:
    page = record.get("page")
    citation = Citation(
        label=_whole(record, "label"),
        doc_id=_text(record, "document"),
        title=_optional(record, "title"),
        publisher=_optional(record, "publisher"),
        date=_optional(record, "date"),
        page=None,
        paragraph=_whole(record, "paragraph"),
        start=_whole(record, "start"),
        end=_whole(record, "end"),
        quote=_text(record, "quote"),
        paragraph_start=_whole(record, "paragraph_start"),
        paragraph_end=_whole(record, "paragraph_end"),
        also_in=_texts(record, "also_in"),
        kind=_kind(record),
        # Conversations that a browser kept from before there were these fields lack them.
        renamed=_optional(record, "renamed"),
        headings=_texts(record, "headings") if "headings" in record else (),
        cells=tuple(Cell(_text(c, "head"), _whole(c, "start"), _whole(c, "end")) for c in _rows(record, "cells"))
        if "cells" in record
        else (),
    )
    if any(not citation.start <= cell.start <= cell.end <= citation.end for cell in citation.cells):
        raise BadTranscript("a cell is not inside its citation")
    return citation if page is None else replace(citation, page=_whole(record, "page"))


def _kind(record: JsonObject) -> Kind:
    stated = record.get("kind", Kind.BODY)
    try:
        return Kind(stated)
    except ValueError as error:
        raise BadTranscript(f"'kind' is '{stated}', which is none") from error


def _object(value: object, what: str) -> JsonObject:
    if not isinstance(value, dict):
        raise BadTranscript(f"'{what}' is not an object")
    return value


def _rows(record: Mapping[str, object], key: str) -> list[JsonObject]:
    rows = record.get(key)
    if not isinstance(rows, list):
        raise BadTranscript(f"'{key}' is not a list")
    return [_object(row, key) for row in rows]


def _text(record: Mapping[str, object], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        raise BadTranscript(f"'{key}' is not text")
    return value


def _optional(record: Mapping[str, object], key: str) -> str | None:
    return None if record.get(key) is None else _text(record, key)


def _texts(record: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = record.get(key)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadTranscript(f"'{key}' is not a list of texts")
    return tuple(values)


def _labels(record: Mapping[str, object]) -> tuple[int, ...]:
    labels = record.get("labels")
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise BadTranscript("'labels' is not a list of numbers")
    return tuple(labels)


def _whole(record: Mapping[str, object], key: str) -> int:
    value = record.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadTranscript(f"'{key}' is not a whole number from 0")
    return value


def _number(record: Mapping[str, object], key: str) -> float:
    value = record.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadTranscript(f"'{key}' is not a number")
    return float(value)
