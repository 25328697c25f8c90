"""The names that a document has for people and bodies, the fullest for each, and what it says they are."""

import re
from collections.abc import Sequence

from index.news.roles import EMPTY, is_post
from index.news.speakers import NAMES, appositive, looks_like_a_person, speaker_of
from index.paragraphs import Paragraph

_ADVERBIAL_BEFORE = re.compile(r"(?:^|[.!?…]\s+|\n)(?:\W*|[A-Z][\w ]{1,40}, )$")


class KnownNames:
    """Names of two words or more where they stand, and the shorter ones that mean the same."""

    def __init__(self, text: str, paragraphs: Sequence[Paragraph]) -> None:
        self._text = text
        self._full: dict[str, list[tuple[int, str]]] = {}
        self._first: dict[str, list[tuple[int, str]]] = {}
        self._posts: dict[str, str | None] = {}
        self._people: dict[str, bool] = {}
        for paragraph in paragraphs:
            for match in NAMES.finditer(text, paragraph.start, paragraph.end):
                speaker = speaker_of(_without_lead(match[0]))
                if speaker is None or speaker.kind != "name" or " " not in speaker.name:
                    continue
                words = speaker.name.removeprefix("the ").split()
                at = match.start() + max(match[0].rfind(words[0]), 0)
                self._full.setdefault(words[-1], []).append((at, speaker.name))
                if looks_like_a_person(speaker.name):
                    self._first.setdefault(words[0], []).append((at, speaker.name))

    def fullest(self, name: str, at: int) -> str:
        """The fullest name of whom `name` means at a place; the name itself where that may be several."""
        words = name.split()
        if len(words) > 1:
            return name
        for known in (self._full, self._first):
            places = known.get(name, [])
            names = list(dict.fromkeys(full for _, full in places))
            if len(names) == 1:
                return names[0]
            if names:
                before = [full for place, full in places if at - 1500 < place < at]
                return before[-1] if len(set(before)) == 1 else name
        return name

    def post(self, name: str) -> str | None:
        """What the document says that the bearer of a full name is; None where it does not."""
        if " " not in name:
            return None
        if name not in self._posts:
            self._posts[name] = next(filter(None, map(self._post_at, self._places(name))), None)
        return self._posts[name]

    def learn(self, name: str, post: str | None) -> None:
        """Keeps what an attribution says of a full name, for those that say nothing."""
        if post and " " in name and not self.post(name):
            self._posts[name] = post

    def _is_person(self, name: str) -> bool:
        """Whether "he" or "she" may be one of this name: nothing is in it, across it or near it."""
        if name not in self._people:
            place = re.compile(rf"\b(?:in|In|across|near|outside|throughout) {re.escape(name)}\b")
            self._people[name] = looks_like_a_person(name) and place.search(self._text) is None
        return self._people[name]

    def _places(self, name: str) -> list[int]:
        return [place for place, full in self._full.get(name.rsplit(" ", 1)[-1], []) if full == name][:6]

    def _post_at(self, at: int) -> str | None:
        end = at
        if match := NAMES.match(self._text, at):
            end = match.end()
        behind = appositive(self._text, end, min(len(self._text), end + 200))[0]
        if behind:
            return behind
        before = re.search(r"(?:[\w’'-]+ ){1,8}$", self._text[max(0, at - 90) : at])
        words = before[0].split() if before else []
        for n in range(len(words)):
            if is_post(words[n:]) and not any(re.fullmatch(_NO_MODIFIER, w) for w in words[n:]):
                shown = words[n:]
                return " ".join(shown[1:] if shown[0].lower() in {"the", "a", "an"} and len(shown) > 1 else shown)
        return None

    def last_subject(self, words: str, start: int, at: int) -> tuple[tuple[str, int] | None, str | None]:
        """The person whom the last sentence before `at` begins with, and where; and the only one named there.

        words: a paragraph that begins at `start`, what is quoted in it masked. None where there is none.
        """
        found: tuple[str, int] | None = None
        people: set[str] = set()
        for match in NAMES.finditer(words, 0, max(0, at - start)):
            if words[max(0, match.start() - 4) : match.start()].lower() == "the ":
                continue
            speaker = speaker_of(_without_lead(match[0]))
            if speaker is None or speaker.kind != "name":
                continue
            place = start + match.start()
            name = self.fullest(speaker.name, place)
            if self._is_person(name) or (speaker.post and " " not in speaker.post):
                people.add(name)
                begins = _ADVERBIAL_BEFORE.search(words[max(0, match.start() - 60) : match.start()])
                found = (name, place) if begins else found
        return found, next(iter(people)) if len(people) == 1 else None


_NO_MODIFIER = r"and|or|but|said|says|told|with|to|by|was|is|were|are|when|while|as|that|who|from|in|on|at|of|for"


def _without_lead(name: str) -> str:
    """A name without the word that only begins its sentence."""
    words = name.split()
    while len(words) > 1 and words[0] in EMPTY:
        words = words[1:]
    return " ".join(words)
