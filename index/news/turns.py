"""Speech that is set under its speakers' names, as in minutes, hearings, plays and chats: "MS EXAMPLE: I agree." """

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from index.paragraphs import Paragraph

_LABEL = re.compile(
    r"\s*(?:[-*•]\s+)?(?:\[?\(?\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?\]?\)?\s*[-–]?\s*)?"
    r"[*_]{0,3}(?P<name>[^\W\d_a-z][\w.’'-]*(?: (?:[^\W\d_a-z][\w.’'-]*|de|van|von|of|the|al)){0,4})[*_]{0,3}"
    r"(?P<post> \([^()\n]{2,60}\))?[*_]{0,3}:[*_]{0,3}\s+(?=\S)"
)
_NO_SPEAKER = re.compile(
    r"(?:Notes?|Warning|Caution|Tip|Example|Examples|Question|Answer|Q|A|Re|Subject|Date|From|To|Cc|Location|Time|Title"
    r"|Author|Status|Summary|Step \w+|Section \w+|Part \w+|Chapter \w+|Figure \w+|Table \w+|PS|NB|Source|Sources|Update"
    r"|Action|Actions|Decision|Decisions|Present|Attendees|Apologies|Agenda|Result|Results|Conclusions?|Methods?"
    r"|Background|Objectives?|Important|Serves|Ingredients|Directions?|Method|Time|Yield|Tel|Phone|Fax|Email|Address"
    r"|Website|URL|Price|Hours|Type|Version|Description|Default|Usage|Name|References?|See|Link|Links|Monday|Tuesday"
    r"|Wednesday|Thursday|Friday|Saturday|Sunday|Motion|Moved|Seconded|Vote|Votes|In|On|At|For|If|The|This)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says in one paragraph: `[start, end)`; the name stands at `[named_start, named_end)`."""

    start: int
    end: int
    number: int
    speaker: str
    post: str | None
    named_start: int
    named_end: int


def turns_of_speech(text: str, paragraphs: Sequence[Paragraph]) -> list[Turn]:
    """The turns of a text that is set so: two speakers or more, one of them twice; else none."""
    labelled = []
    for paragraph in paragraphs:
        match = _LABEL.match(text, paragraph.start, paragraph.end)
        if match and not _NO_SPEAKER.fullmatch(match["name"]):
            labelled.append((paragraph, match))
    counts = Counter(match["name"].casefold() for _, match in labelled)
    several = len(counts) > 1 and max(counts.values()) > 1 and 2 * len(counts) <= len(labelled) + 1
    spoken = sum(paragraph.end - match.end() > 20 for paragraph, match in labelled)
    if not several or 4 * len(labelled) < len(paragraphs) or 2 * spoken < len(labelled):
        return []
    return [
        Turn(
            match.end(), paragraph.end, paragraph.number, _cased(match["name"]),
            match["post"].strip(" ()") if match["post"] else None, match.start("name"), match.end("name"),
        )
        for paragraph, match in labelled
    ]  # fmt: skip


def _cased(name: str) -> str:
    """A name in small letters where it was set in capitals."""
    return name.title() if name.isupper() and len(name) > 3 else name
