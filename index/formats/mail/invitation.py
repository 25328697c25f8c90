"""A calendar part of a mail (iCalendar, RFC 5545): what is to happen, when, where, who asks whom."""

import re
from collections.abc import Iterator
from datetime import datetime

from index.formats.content import Piece, one_line
from index.paragraphs import Kind

_NAMES = {"SUMMARY": "Event", "DTSTART": "Start", "DTEND": "End", "DUE": "Due", "DURATION": "Duration",
          "LOCATION": "Location", "STATUS": "Status", "ORGANIZER": "Organizer", "ATTENDEE": "Attendees",
          "DESCRIPTION": "Description"}  # fmt: skip
_LINE = re.compile(r"(?P<name>[A-Za-z-]+)(?P<parameters>(?:;[^\":;]+=(?:\"[^\"]*\"|[^\":;]*))*):(?P<value>.*)")
_PARAMETER = re.compile(r";([^=;:\"]+)=(?:\"([^\"]*)\"|([^\":;]*))")
_ESCAPED = re.compile(r"\\(.)")


def invitation_pieces(text: str) -> list[Piece]:
    """Each event and task of a calendar as items, "Start: Tuesday, 4 March 2025, 09:00 (Europe/Oslo)"."""
    pieces = []
    for entry in _entries(text):
        for name, label in _NAMES.items():
            values = entry.get(name, [])
            if values:
                words = ", ".join(dict.fromkeys(values)) if name == "ATTENDEE" else values[0]
                pieces.append(Piece(f"{label}: {words}", Kind.LIST_ITEM, 1))
    return pieces


def _entries(text: str) -> Iterator[dict[str, list[str]]]:
    """What each VEVENT or VTODO says, by name; alarms and time zones inside are passed over."""
    entry: dict[str, list[str]] | None = None
    inside: list[str] = []
    for line in re.sub(r"\n[ \t]", "", text.replace("\r\n", "\n")).split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        name, value = found["name"].upper(), found["value"]
        if name == "BEGIN":
            inside.append(value.strip().upper())
            if inside[-1] in ("VEVENT", "VTODO"):
                entry = {}
        elif name == "END":
            if inside:
                inside.pop()
            if value.strip().upper() in ("VEVENT", "VTODO") and entry:
                yield entry
                entry = None
        elif entry is not None and name in _NAMES and inside and inside[-1] in ("VEVENT", "VTODO"):
            parameters = {key.upper(): quoted or bare for key, quoted, bare in _PARAMETER.findall(found["parameters"])}
            if words := _said(name, value, parameters):
                entry.setdefault(name, []).append(words)


def _said(name: str, value: str, parameters: dict[str, str]) -> str | None:
    if name in ("DTSTART", "DTEND", "DUE"):
        return _moment(value.strip(), parameters.get("TZID"))
    if name in ("ORGANIZER", "ATTENDEE"):
        address = re.sub(r"(?i)^mailto:", "", value.strip())
        named = parameters.get("CN", "").strip()
        return f"{named} <{address}>" if named and named != address else address
    return one_line(_ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], value))


def _moment(value: str, zone: str | None) -> str:
    for form in ("%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M", "%Y%m%d"):
        try:
            moment = datetime.strptime(value, form)
        except ValueError:
            continue
        day = f"{moment:%A}, {moment.day} {moment:%B} {moment.year:04}"
        where = " UTC" if form.endswith("Z") else f" ({zone})" if zone else ""
        return day if form == "%Y%m%d" else f"{day}, {moment:%H:%M}{where}"
    return value
