"""Who says what in a document: direct and indirect speech, each with its speaker, by rules over its paragraphs.

A rule is kept where it is right in texts of many kinds; what no rule can tie to a speaker is left out, never guessed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.news.known_names import KnownNames
from index.news.naming import Named, is_adverbial, leading_name, phrase_at, subject
from index.news.quotation_marks import Quoted, quoted_spans
from index.news.saying import ACCORDING, ADVERB, AUXILIARY, VERB, is_a_statement, reported_from, said_places
from index.news.speakers import speaker_of
from index.news.turns import turns_of_speech
from index.paragraphs import Kind, Paragraph
from index.sentences import sentence_spans

_READ = frozenset((Kind.BODY, Kind.LIST_ITEM, Kind.CAPTION, Kind.FOOTNOTE))
_MARKS = re.compile("[\"“„«‘']|``")
_CUES = re.compile(rf"\b(?:{VERB}|[Aa]ccording to|quoted|quotes|cited|cites)\b|:\s*$")


@dataclass(frozen=True, slots=True)
class Quotation:
    """What somebody says: `[start, end)` in characters of the document, inside paragraph `number`.

    speaker: the fullest name that the document has for who says it, or the words that it uses ("the command").
    post: what the document says that the speaker is; None where it does not.
    direct: the words stand between marks, or behind the speaker's name as in minutes; else they are reported.
    named_start, named_end: the words that tell who speaks; where they name nobody ("he said"), see `told`.
    told: "name", "pronoun" where the name stands before, or "nearby" where a neighbouring quotation tells it.
    """

    start: int
    end: int
    number: int
    speaker: str
    post: str | None
    direct: bool
    named_start: int
    named_end: int
    told: str = "name"


def quotations(text: str, paragraphs: Sequence[Paragraph]) -> list[Quotation]:
    """The quotations of a document, in the order of its text; without those of an "I", whom nothing names."""
    read = [p for p in paragraphs if p.kind in _READ]
    spoken = turns_of_speech(text, read)
    found = [
        Quotation(turn.start, turn.end, turn.number, turn.speaker, turn.post, True, turn.named_start, turn.named_end)
        for turn in spoken
    ]
    in_turns = {turn.number for turn in spoken}
    known = KnownNames(text, read)
    before: _Read | None = None
    for paragraph in read:
        if paragraph.number in in_turns:
            before = None
            continue
        before = _Read(text, paragraph, known, before)
        found += before.found
    return sorted((q for q in found if q.speaker != "I"), key=lambda q: (q.start, q.end))


# A paragraph that is all one quotation goes on with the speaker before it where it has so many characters: in shorter
# ones people answer one another.
_LONG = 60
# Characters of a clause that says anything.
_SHORTEST = 12
_BEHIND_THE_VERB = re.compile(
    r"\s*[”\"’']?(?:[.,;!]|$)|\s+(?:in|on|at|to|during|as|when|after|while|before|last|this|earlier|later|yesterday"
    r"|today|by|via|from|through|\w+ly|\w+day)\b"
)
_GOES_ON = re.compile(r",\s(?!(?:adding|saying|and|but|who|which|as|though|while)\b)")


class _Read:
    """One paragraph, read: its quotations, and what the next one needs to know of it."""

    def __init__(self, text: str, paragraph: Paragraph, known: KnownNames, before: "_Read | None") -> None:
        self._text, self._paragraph, self._known, self._before = text, paragraph, known, before
        self.found: list[Quotation] = []
        start, end = paragraph.start, paragraph.end
        words = text[start:end]
        marked = _MARKS.search(words) is not None
        self._quotes = quoted_spans(text, start, end) if marked else []
        self.goes_on = bool(self._quotes) and not self._quotes[-1].closed
        self._masked = self._without_quotes()
        self.introduces = words.rstrip().endswith(":")
        if not (self._quotes or _CUES.search(words)):
            return
        self._sentences = [(start + a, start + b) for a, b in sentence_spans(self._masked)] or [(start, end)]
        taken = self._direct()
        for sentence in self._sentences:
            if not any(sentence[0] <= q.start < sentence[1] for q in taken):
                self._indirect(*sentence)
        self._carry_on(taken)
        self._join()

    def _without_quotes(self) -> str:
        """The paragraph, as long as it is, the words between marks masked but for what ends the last sentence."""
        start = self._paragraph.start
        chars = list(self._text[start : self._paragraph.end])
        for q in self._quotes:
            for n in range(q.start - start, q.end - start):
                if not (n == q.end - start - 1 and chars[n] in ".!?…"):
                    chars[n] = "q" if not chars[n].isspace() else " "
        return "".join(chars)

    def _at(self, start: int, end: int) -> str:
        """Masked characters, by their place in the document."""
        return self._masked[start - self._paragraph.start : end - self._paragraph.start]

    # Words between marks

    def _direct(self) -> list[Quotation]:
        taken: list[Quotation] = []
        for n, q in enumerate(self._quotes):
            left = self._quotes[n - 1].outer_end if n else self._paragraph.start
            right = self._quotes[n + 1].outer if n + 1 < len(self._quotes) else self._paragraph.end
            # Behind a full stop outside the marks another sentence begins.
            ended = self._text[q.outer_end : right][:1] in (".", ";", "!", "?")
            named = (None if ended else self._named_behind(q, right)) or self._named_before(q, left)
            if named is None or not self._is_speech(q):
                continue
            quotation = self._quotation(q.start, q.end, named, direct=True)
            if quotation is not None:
                taken.append(quotation)
        self.found += taken
        return taken

    def _is_speech(self, q: Quoted) -> bool:
        words = self._text[q.start : q.end].split()
        return len(words) > 2 or (bool(words) and words[-1][-1] in ",.!?…")

    def _named_behind(self, q: Quoted, right: int) -> Named | None:
        """The speaker in what follows a quotation: "..., said Ann Example", "..." Ann Example, a baker, told us."""
        rest = self._at(q.outer_end, right)
        sentence = re.split(r"(?<=[a-z\d)])[.!?](?:\s|$)|\n", rest, maxsplit=1)[0]
        lead = len(sentence) - len(sentence.lstrip(" ,—–-\n"))
        last = self._text[q.start : q.end].rstrip("])")[-1:]
        at = q.outer_end + lead
        words = sentence[lead:]
        inverted = re.match(rf"(?:{ADVERB})?({VERB}) ", words)
        if inverted:
            return self._phrase_at(at + inverted.end(), at + len(words))
        if match := re.match(r"[Aa]ccording to ", words):
            return self._phrase_at(at + match.end(), at + len(words))
        verb = re.search(rf" ({AUXILIARY})?({ADVERB})?({VERB})(?![\w-])", words)
        if verb is None or len(words[: verb.start()]) > 200:
            return None
        anew = words[:1].isupper() and last not in ",?!…—–-" and sentence[:1] != ","
        behind = words[verb.end() :]
        leads_on = re.search(r"[,:]\s*$", rest) and right < self._paragraph.end  # to the next quotation
        if anew and (leads_on or "," in words[: verb.start()] or is_adverbial(words)):
            return None
        if anew and (len(behind.split()) > 5 or re.match(r" (?:that|the|he|she|it|they|his|her)\b", behind)):
            return None
        return self._subject(at, at + verb.start())

    def _named_before(self, q: Quoted, left: int) -> Named | None:
        """The speaker in what leads up to a quotation: Ann Example said: "...", "According to her, '...'"."""
        start = max([a for a, _ in self._sentences if a <= q.outer] or [left])
        start = max(start, left)
        words = self._at(start, q.outer)
        according = ACCORDING.search(words)
        if according and re.search(r",\s*$", words):
            return self._phrase_at(start + according.end(), q.outer)
        if quoting := re.search(r"\b(?:[Tt]o quote|[Ii]n the words of) (?=\S+.*[,:]\s*$)", words):
            return self._phrase_at(start + quoting.end(), q.outer)
        verbs = list(re.finditer(rf"(?:^|(?<=[\s,;—]))({AUXILIARY})?({ADVERB})?({VERB})(?![\w-])", words))
        for verb in reversed(verbs):
            tail = words[verb.end() :]
            calls = verb[3] in ("called", "calls") and re.fullmatch(r"\s[^.;,:]{1,60}\s", tail)
            if not calls and not re.fullmatch(r"\s*(?:[,:;—–-]|that)?\s*|\s[^.;]{0,80}?[,:]\s*(?:that\s*)?", tail):
                continue
            if re.search(r"(?:n[’']t|\bto|\bnot|\bnever)\s*$", words[: verb.start()]):
                continue
            if inverted := self._inverted(words, verb, start, q.outer):
                return inverted
            named = self._subject(start, start + verb.start())
            if named is not None:
                return named
        if re.search(r":\s*$", words) and len(self._text[q.start : q.end].split()) > 4:
            return self._first_name(start, q.outer)
        return None

    def _inverted(self, words: str, verb: "re.Match[str]", start: int, end: int) -> Named | None:
        """Said Charles Example, of the mint: "..." """
        if words[: verb.start()].strip():
            return None
        return self._phrase_at(start + verb.end() + 1, end)

    # Reported words

    def _indirect(self, start: int, end: int) -> None:
        words = self._at(start, end)
        if words.rstrip("”\"’' ").endswith("?"):
            return
        said = (
            self._according(words, start, end)
            or self._cited_as_saying(words, start, end)
            or next(
                (
                    found
                    for verb in said_places(words)
                    if (found := self._reported(words, verb, start, end)) is not None
                ),
                None,
            )
        )
        if said is not None:
            self.found.append(said)

    def _according(self, words: str, start: int, end: int) -> Quotation | None:
        """What is so according to somebody: the rest of the sentence, or of its part between semicolons."""
        for match in ACCORDING.finditer(words):
            named = self._phrase_at(start + match.end(), end)
            if named is None or named.speaker.kind == "pronoun":
                continue
            if match.start() == 0:
                named = self._before_a_comma(named, end)
                comma = words.find(", ", named.end - start)
                return self._quotation(start + comma + 2, end, named, direct=False) if comma > 0 else None
            left = words.rfind("; ", 0, match.start()) + 2 if "; " in words[: match.start()] else 0
            upto = len(words[: match.start()].rstrip(" ,—–-("))
            if upto - left > _SHORTEST:
                return self._quotation(start + left, start + upto, named, direct=False)
        return None

    def _before_a_comma(self, named: Named, end: int) -> Named:
        """Without what was taken for a post behind a comma, where no other comma ends the phrase."""
        if named.speaker.kind != "name" or "," in self._at(named.end, end):
            return named
        phrase = self._at(named.start, end).split(",")[0]
        bare = speaker_of(phrase)
        return Named(bare, named.start, named.start + len(phrase)) if bare else named

    def _cited_as_saying(self, words: str, start: int, end: int) -> Quotation | None:
        """The paper quoted Ann Example, a baker, as saying that ..."""
        match = re.search(
            r"\b(?:quoted|quotes|cited|cites) (.{3,120}?),? as (?:saying|stating|telling \w+)(?: that)? ", words
        )
        named = self._phrase_at(start + match.start(1), start + match.end(1)) if match else None
        if match is None or named is None:
            return None
        return self._quotation(start + match.end(), end, named, direct=False)

    def _reported(self, words: str, verb: "re.Match[str]", start: int, end: int) -> Quotation | None:
        """What a word of saying reports: behind it, or before it where the sentence ends with it."""
        before, rest = words[: verb.start()], words[verb.end() :]
        if re.search(r"\b(?:which|whom)\s+\w+\s*$", before):
            return None
        if before.rstrip().endswith(",") and (said := self._ends_with(before, verb, start, end)) is not None:
            return said
        clause = reported_from(verb[0], rest)
        if clause is None and verb[0] in {"said", "says"} and is_a_statement(rest):
            lead = before.rpartition(", ")[0]
            clause = 0 if not lead or (is_adverbial(lead) and "," not in lead) else None
        if clause is None:
            return self._reported_before(words, verb, start, end)
        named = self._subject(start, start + verb.start())
        return self._quotation(start + verb.end() + clause, end, named, direct=False) if named else None

    def _reported_before(self, words: str, verb: "re.Match[str]", start: int, end: int) -> Quotation | None:
        """Reported words behind which somebody is named: "The mill is lost, Ann Example said"; or amid which."""
        before, rest = words[: verb.start()], words[verb.end() :]
        told = verb[0] in {"told", "tells"} or _BEHIND_THE_VERB.match(rest)
        goes_on = _GOES_ON.match(rest) is not None and len(rest.split()) > 3
        comma = before.rfind(", ")
        if comma < 0 or not (rest.startswith(",") or (told and len(rest.split()) < 12)):
            return None
        upto = comma + (0 if before.rstrip().endswith(",") else 2)
        named = self._subject(start + upto, start + verb.start())
        clause = before[:upto].rstrip(", ")
        if named is None or (len(clause.split()) < 4 and not goes_on):
            return None
        if goes_on:  # "The mill, she said, is lost"
            return self._quotation(start, end, named, direct=False)
        if "," not in clause and is_adverbial(clause.lstrip("-*• ")):
            return None
        return self._quotation(start, start + len(clause), named, direct=False)

    def _ends_with(self, before: str, verb: "re.Match[str]", start: int, end: int) -> Quotation | None:
        """Reported words whose sentence ends with the verb and its speaker: "..., warned Ann Example, a baker"."""
        named = self._phrase_at(start + verb.end() + 1, end)
        upto = start + len(before.rstrip().rstrip(","))
        if named is None or named.speaker.kind == "pronoun" or len(before.split()) < 4:
            return None
        behind = self._at(named.end, end).lstrip()
        closes = re.match(
            r"[,.;:—–(”\"]|$|(?:in|on|at|to|during|as|when|after|while|before|last|this|who|yesterday)\b", behind
        )
        return self._quotation(start, upto, named, direct=False) if closes else None

    # Quotations that name nobody

    def _carry_on(self, taken: list[Quotation]) -> None:
        """Gives the rest of a paragraph's quotations to the speaker of its others, or of the paragraph before."""
        for q in self._quotes:
            words = self._text[q.start : q.end].split()
            if len(words) < 4 or any(t.start <= q.start < t.end for t in self.found) or not self._stands_alone(q):
                continue
            near = [t for t in taken if t.start < q.start] or taken
            told = near[-1] if near else self._told_before(q)
            if told is not None:
                number = self._paragraph.number
                carried = replace(told, start=q.start, end=q.end, number=number, direct=True, told="nearby")
                self.found.append(carried)
                taken = taken or [carried]
        self.found.sort(key=lambda t: t.start)

    def _told_before(self, q: Quoted) -> Quotation | None:
        """Whose a quotation is that begins a paragraph: that of the paragraph before, where it goes on from there."""
        before = self._before
        begins = q is self._quotes[0] and not self._text[self._paragraph.start : q.outer].strip(" \n—–-*")
        if before is None or not before.found or not begins:
            return None
        last = before.found[-1]
        if before.goes_on and last.direct:
            return last
        if self._text[q.outer_end : self._paragraph.end].strip():
            return None
        alone = len({t.speaker for t in before.found}) == 1 and any(t.told != "nearby" for t in before.found)
        return last if before.introduces or (alone and q.end - q.start > _LONG) else None

    def _join(self) -> None:
        """Makes one of a quotation that its speaker's name only parts: "It is," she said, "too late." """
        joined: list[Quotation] = []
        for q in self.found:
            last = joined[-1] if joined else None
            if last and last.direct and q.direct and last.speaker == q.speaker and q.start - last.end < 200:
                between, ends = self._text[last.end : q.start], self._text[last.end - 1]
                named = last.end <= last.named_start < q.start
                goes_on = self._text[q.start].islower() or (ends == "," and re.search(r",\W*$", between))
                if named and goes_on and not re.search(r"[a-z][.!?]\s", between):
                    joined[-1] = replace(last, end=q.end)
                    continue
            joined.append(q)
        self.found = joined

    def _stands_alone(self, q: Quoted) -> bool:
        """Whether a sentence is nothing but a quotation, or nearly, or has another one whose speaker is told."""
        start, end = next(((a, b) for a, b in self._sentences if a <= q.start < b), (q.outer, q.outer_end))
        if any(start <= t.start < end for t in self.found):
            return True
        own = self._at(start, end)
        for other in self._quotes:
            if other.outer < end and other.outer_end > start:
                own = own.replace(self._at(max(other.outer, start), min(other.outer_end, end)), " ", 1)
        return len(own.split()) < 5

    # Who

    def _quotation(self, start: int, end: int, named: Named, *, direct: bool) -> Quotation | None:
        while start < end and self._text[start].isspace():
            start += 1
        while end > start and self._text[end - 1].isspace():
            end -= 1
        speaker, told = named.speaker, "name"
        if speaker.kind == "pronoun":
            if speaker.name == "I":
                if not direct:
                    return None
                return Quotation(start, end, self._paragraph.number, "I", None, direct, named.start, named.end, "name")
            known = self._antecedent(named.start)
            if known is None:
                return None
            name, post, told = known, None, "pronoun"
        elif speaker.kind == "name":
            name, post = self._known.fullest(speaker.name, named.start), speaker.post
            self._known.learn(name, post)
        else:
            name, post = speaker.name, None
        if speaker.kind != "post":
            post = post or self._known.post(name)
        if end - start < 2:
            return None
        return Quotation(start, end, self._paragraph.number, name, post, direct, named.start, named.end, told)

    def _phrase_at(self, start: int, end: int) -> Named | None:
        return _moved(
            phrase_at(self._masked, start - self._paragraph.start, end - self._paragraph.start), self._paragraph
        )

    def _subject(self, start: int, end: int) -> Named | None:
        return _moved(
            subject(self._masked, start - self._paragraph.start, end - self._paragraph.start), self._paragraph
        )

    def _first_name(self, start: int, end: int) -> Named | None:
        """Who a sentence that ends with a colon begins with: a name only."""
        speaker = leading_name(self._at(start, end).strip())
        return Named(speaker, start, start + len(speaker.name)) if speaker is not None else None

    def _antecedent(self, at: int) -> str | None:
        """Whom "he" or "she" means: who spoke, or whom the sentence before is about."""
        for reading in (self, self._before):
            if reading is None:
                return None
            person, alone = self._known.last_subject(reading._masked, reading._paragraph.start, at)
            spoke = [q for q in reading.found if q.named_start < at and q.told != "nearby"]
            last = max(spoke, key=lambda q: q.named_start, default=None)
            if last is not None and (person is None or last.named_start >= person[1]):
                return last.speaker if last.speaker != "I" else None
            if person is not None or alone is not None:
                return person[0] if person is not None else alone
        return None


def _moved(named: Named | None, paragraph: Paragraph) -> Named | None:
    """With places counted from the document's first character."""
    return replace(named, start=named.start + paragraph.start, end=named.end + paragraph.start) if named else None
