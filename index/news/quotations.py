"""Who says what in a document: direct and indirect speech, each with its speaker, by rules over its paragraphs.

A rule is kept where it is right in texts of many kinds; what no rule can tie to a speaker is left out, never guessed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from index.news.known_names import KnownNames
from index.news.quotation_marks import Quoted, quoted_spans
from index.news.saying import ACCORDING, ADVERB, AUXILIARY, VERB, is_strong, names_a_verb, said_places
from index.news.speakers import Speaker, appositive, speaker_of
from index.news.turns import turns_of_speech
from index.paragraphs import Kind, Paragraph
from index.sentences import sentence_spans

_READ = frozenset((Kind.BODY, Kind.LIST_ITEM, Kind.CAPTION, Kind.FOOTNOTE))
_MARKS = re.compile("[\"“„«‘']|``")
_CUES = re.compile(rf"\b(?:{VERB}|[Aa]ccording to)\b|:\s*$")


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
    """The quotations of a document, in the order of its text."""
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
    return sorted(found, key=lambda q: (q.start, q.end))


@dataclass(frozen=True, slots=True)
class _Named:
    """A speaker, and the words that name them."""

    speaker: Speaker
    start: int
    end: int


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
            named = self._named_behind(q, right) or self._named_before(q, left)
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

    def _named_behind(self, q: Quoted, right: int) -> _Named | None:
        """The speaker in what follows a quotation: "..., said Ann Example", "..." Ann Example, a baker, told us."""
        rest = self._at(q.outer_end, right)
        sentence = re.split(r"(?<=[a-z\d)])[.!?](?:\s|$)|\n", rest, maxsplit=1)[0]
        lead = len(sentence) - len(sentence.lstrip(" ,—–-\n"))
        last = self._text[q.end - 1] if q.end > q.start else ""
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
        anew = words[:1].isupper() and last not in ",?!…—–-" and not sentence[:1] == ","
        behind = words[verb.end() :]
        if anew and (len(behind.split()) > 5 or re.match(r" (?:that|the|he|she|it|they|his|her)\b", behind)):
            return None
        return self._subject(at, at + verb.start())

    def _named_before(self, q: Quoted, left: int) -> _Named | None:
        """The speaker in what leads up to a quotation: Ann Example said: "...", "According to her, '...'"."""
        start = max([a for a, _ in self._sentences if a <= q.outer] or [left])
        start = max(start, left)
        words = self._at(start, q.outer)
        according = ACCORDING.search(words)
        if according and re.search(r",\s*$", words):
            return self._phrase_at(start + according.end(), q.outer)
        verbs = list(re.finditer(rf"(?:^|(?<=[\s,;—]))({AUXILIARY})?({ADVERB})?({VERB})(?![\w-])", words))
        for verb in reversed(verbs):
            tail = words[verb.end() :]
            if not re.fullmatch(r"\s*(?:[,:;—–-]|that)?\s*|\s[^.;]{0,80}?[,:]\s*(?:that\s*)?", tail):
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

    def _inverted(self, words: str, verb: "re.Match[str]", start: int, end: int) -> _Named | None:
        """Said Charles Example, of the mint: "..." """
        if words[: verb.start()].strip():
            return None
        return self._phrase_at(start + verb.end() + 1, end)

    # Reported words

    def _indirect(self, start: int, end: int) -> None:
        words = self._at(start, end)
        if words.rstrip("”\"’' ").endswith("?"):
            return
        said = self._according(words, start, end) or next(
            (
                found
                for verb in said_places(words)
                if (found := self._reported(words, verb, start, end)) is not None
            ),
            None,
        )
        if said is not None:
            self.found.append(said)

    def _according(self, words: str, start: int, end: int) -> Quotation | None:
        match = ACCORDING.search(words)
        if match is None:
            return None
        named = self._phrase_at(start + match.end(), end)
        if named is None or named.speaker.kind == "pronoun":
            return None
        if match.start() == 0:
            if named.speaker.kind == "name" and "," not in self._at(named.end, end):
                bare = speaker_of(self._at(named.start, end).split(",")[0])
                named = _Named(bare, named.start, named.start + self._at(named.start, end).find(",")) if bare else named
            comma = words.find(", ", named.end - start)
            return self._quotation(start + comma + 2, end, named, direct=False) if comma > 0 else None
        upto = start + len(words[: match.start()].rstrip(" ,—–-("))
        return self._quotation(start, upto, named, direct=False) if upto - start > 12 else None

    def _reported(self, words: str, verb: "re.Match[str]", start: int, end: int) -> Quotation | None:
        """What a word of saying reports: behind it, or before it where the sentence ends with it."""
        before, rest = words[: verb.start()], words[verb.end() :]
        if before.rstrip().endswith(",") and (said := self._ends_with(before, verb, start, end)) is not None:
            return said
        clause = _clause_behind(verb[0], rest)
        if clause is not None:
            named = self._subject(start, start + verb.start())
            if named is None or named.speaker.name == "I":
                return None
            return self._quotation(start + verb.end() + clause, end, named, direct=False)
        comma = before.rfind(", ")
        told = verb[0] in {"told", "tells"} and len(rest.split()) < 12
        if comma > 0 and (told or (len(rest.split()) < 12 and _BEHIND_THE_VERB.match(rest))):
            named = self._subject(start + _last_clause(before), start + verb.start())
            upto = start + _last_clause(before)
            while upto > start and self._text[upto - 1] in ", ":
                upto -= 1
        else:
            return None
        clause = self._text[start:upto]
        if named is None or named.speaker.name == "I" or len(clause.split()) < 4:
            return None
        if "," not in clause and _ADVERBIAL.match(clause.lstrip("-*• ")):
            return None
        return self._quotation(start, upto, named, direct=False)

    def _ends_with(self, before: str, verb: "re.Match[str]", start: int, end: int) -> Quotation | None:
        """Reported words whose sentence ends with the verb and its speaker: "..., warned Ann Example, a baker"."""
        named = self._phrase_at(start + verb.end() + 1, end)
        upto = start + len(before.rstrip().rstrip(","))
        if named is None or named.speaker.kind == "pronoun" or len(before.split()) < 4:
            return None
        behind = self._at(named.end, end).lstrip()
        closes = re.match(r"[,.;:—–(”\"]|$|(?:in|on|at|to|during|as|when|after|while|before|last|this|who|yesterday)\b", behind)
        return self._quotation(start, upto, named, direct=False) if closes else None

    # Quotations that name nobody

    def _carry_on(self, taken: list[Quotation]) -> None:
        """Gives the rest of a paragraph's quotations to the speaker of its others, or of the paragraph before."""
        left = [q for q in self._quotes if self._is_speech(q) and not any(t.start <= q.start < t.end for t in self.found)]
        left = [q for q in left if len(self._text[q.start : q.end].split()) > 3 and self._stands_alone(q)]
        before = self._before
        for n, q in enumerate(left):
            near = [t for t in taken if t.start < q.start] or taken
            told = near[-1] if near else None
            alone = q is self._quotes[0] and not self._text[self._paragraph.start : q.outer].strip(" \n—–-*")
            if told is None and alone and before is not None and before.found:
                last = before.found[-1]
                speakers = {t.speaker for t in before.found}
                whole = not self._text[q.outer_end : self._paragraph.end].strip(" \n")
                if (before.goes_on and last.direct) or (before.introduces and whole):
                    told = last
                elif whole and len(speakers) == 1 and q.end - q.start > 60 and last.told != "nearby":
                    told = last
            if told is not None:
                carried = replace(told, start=q.start, end=q.end, number=self._paragraph.number, direct=True, told="nearby")
                self.found.append(carried)
                if n == 0 and not taken:
                    taken = [carried]
        if not self.found and before is not None and before.goes_on and self._quotes:
            return
        self.found.sort(key=lambda t: t.start)

    def _join(self) -> None:
        """Makes one of a quotation that its speaker's name only parts: "It is," she said, "too late." """
        joined: list[Quotation] = []
        for q in self.found:
            last = joined[-1] if joined else None
            if last and last.direct and q.direct and last.speaker == q.speaker and q.start - last.end < 200:
                between, ends = self._text[last.end : q.start], self._text[last.end - 1]
                named = last.end <= last.named_start < q.start
                if named and (ends == "," or self._text[q.start].islower()) and not re.search(r"[a-z][.!?]\s", between):
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

    def _quotation(self, start: int, end: int, named: _Named, *, direct: bool) -> Quotation | None:
        while start < end and self._text[start].isspace():
            start += 1
        while end > start and self._text[end - 1].isspace():
            end -= 1
        speaker, told = named.speaker, "name"
        if speaker.kind == "pronoun":
            if speaker.name == "I":
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

    def _antecedent(self, at: int) -> str | None:
        """Whom "he" or "she" means: who spoke, or whom the sentence before is about."""
        for reading in (self, self._before):
            if reading is None:
                return None
            person, alone = self._known.last_subject(reading._paragraph, at)
            spoke = [q for q in reading.found if q.named_start < at and q.told != "nearby"]
            last = max(spoke, key=lambda q: q.named_start, default=None)
            if last is not None and (person is None or last.named_start >= person[1]):
                return last.speaker if last.speaker != "I" else None
            if person is not None or alone is not None:
                return person[0] if person is not None else alone
        return None

    def _phrase_at(self, start: int, end: int) -> _Named | None:
        """The speaker whose phrase begins at `start`, what stands behind a comma as post included."""
        words = self._at(start, end)
        stop = re.search(
            r"[,;:—–(“\"\n]|\.(?=\s|$)(?<!\b[A-Z]\.)(?<!\bMr\.)(?<!\bDr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bSt\.)"
            r"| (?:in|on|at|to|during|as|when|after|while|before|last|this|who|with|from|yesterday|today|earlier|later"
            r"|whose|which|that|by|and (?:then|he|she|it|was)|but|\w+ly) ",
            words,
        )
        piece = words[: stop.start()] if stop else words
        piece = re.sub(r" and [a-z].*$", "", piece)
        speaker = speaker_of(piece)
        if speaker is None:
            return None
        upto = start + len(piece)
        if stop and stop[0] == " from ":  # "Ann Example from the mint"
            pass
        if speaker.kind == "post" and stop and stop[0] == ",":
            name = _named_aside(words[stop.end() :].split(",")[0], speaker)
            if name is not None:
                return _Named(name, start, start + words.find(name.name) + len(name.name))
        post, behind = appositive(self._text, upto, end)
        if post and speaker.kind == "name":
            speaker, upto = Speaker(speaker.name, post, speaker.kind), behind
        return _Named(speaker, start, upto)

    def _subject(self, start: int, end: int) -> _Named | None:
        """The subject of a verb that begins at `end`, in a clause that begins at `start`."""
        words = self._at(start, end)
        begin = max((m.end() for m in _CLAUSE_BEGINS.finditer(words)), default=0)
        words, start = words[begin:], start + begin
        aside = words.rstrip().endswith(",")
        segments = [(m.start(), m.end()) for m in re.finditer(r"(?:\([^()]*\)|[^,])+", words)]
        segments = [(a, b) for a, b in segments if words[a:b].strip()]
        if not segments:
            return None
        if not aside:
            a, b = segments[-1]
            return self._head(words[a:b], start + a, None)
        for n, (a, b) in enumerate(segments):
            piece = words[a:b].strip()
            if _ADVERBIAL.match(piece):
                continue
            post = words[segments[n + 1][0] : segments[n + 1][1]].strip() if n + 1 < len(segments) else None
            return self._head(words[a:b], start + a, post)
        return None

    def _head(self, words: str, start: int, aside: str | None) -> _Named | None:
        """The speaker in a clause's words before its verb, which end with it or go on with a second verb."""
        lead = len(words) - len(words.lstrip())
        trimmed = re.sub(rf"(?: (?:has|have|had|who|also|later|then|now|once|again|already|further|even|\w+ly))+\s*$", "", words.rstrip())
        piece = _CONJUNCTION.sub("", trimmed.strip())
        inner = list(re.finditer(r"\b(?:that|as|because|when|while|and|but|where|if|what|which|whom|though|so|since|or)\s+", piece))
        tries = [piece]
        tries += [piece[m.end() :] for m in reversed(inner)]
        if pronoun := re.search(r"\b(?:he|she)$", piece):
            tries.append(pronoun[0])
        if second := re.search(r"^(.*?)\s+(?:and|but)(?:\s+then)?$", piece):
            tries = [second[1]]
        for phrase in (_LEADING_DAY.sub("", one) for one in tries):
            speaker = speaker_of(phrase) if _is_phrase(phrase) else _leading_name(phrase) if second else None
            if speaker is None:
                continue
            if aside and speaker.kind == "post":
                speaker = _named_aside(aside, speaker) or speaker
            at = start + lead + max(trimmed.strip().rfind(phrase), 0)
            if aside and speaker.kind == "name" and not aside.startswith(("who ", "which ")):
                post = appositive("," + aside, 0, len(aside) + 1)[0]
                speaker = Speaker(speaker.name, post or speaker.post, speaker.kind)
            return _Named(speaker, at, at + len(phrase))
        return None

    def _first_name(self, start: int, end: int) -> _Named | None:
        """Who a sentence that ends with a colon begins with: a name only."""
        words = self._at(start, end)
        speaker = _leading_name(words.strip())
        return _Named(speaker, start, start + len(speaker.name)) if speaker is not None else None


def _named_aside(aside: str, post: Speaker) -> Speaker | None:
    """Who is named between commas behind a post: "the mayor of Exampleton, Ann Example,"."""
    named = speaker_of(aside.strip()) if re.match(r"\s*[^\W\d_a-z]", aside) else None
    if named is None or named.kind != "name" or len(aside.split()) > 6:
        return None
    said = re.sub(r"^(?:[Tt]he|[Aa]n?) ", "", post.name)
    return Speaker(named.name, said, "name")


_BEHIND_THE_VERB = re.compile(
    r"\s*[”\"’']?(?:[.,;!]|$)|\s+(?:in|on|at|to|during|as|when|after|while|before|last|this|earlier|later|yesterday|today|by"
    r"|via|from|through|\w+ly|\w+day)\b"
)
_CLAUSE_BEGINS = re.compile(r"[;:—–]\s+|\)\s+(?=[A-Z])|[”\"»’]\s+(?=[A-Z])|\b(?:and|but) (?=(?:he|she|[A-Z]\w+) $)")
_ADVERBIAL = re.compile(
    r"(?:In|On|At|After|Before|When|While|But|However|Earlier|Asked|Speaking|As|Since|During|For|By|With|If|Although"
    r"|Though|Meanwhile|Also|And|Yet|Later|Last|This|From|Despite|According|Then|Now|Today|Yesterday|Once|To|Responding"
    r"|Writing|Addressing|Commenting|Referring|Following|Citing|in|on|at|after|before|when|while|however|earlier|as"
    r"|since|during|for|by|with|if|though|later|too|also|\w+ly|Still|Even|Until|Under|Over|Through|Instead|Indeed)\b"
)
_DID = re.compile(r"[^\W\d_a-z]\w+ [a-z]+ed\b")
_CONJUNCTION = re.compile(r"^(?:although|though|while|as|because|and|but|But|And|when|where|so|yet|if|since|that|or)\s+")
_LEADING_DAY = re.compile(r"^(?:on|in|by|at|On|In|By|At) (?:\w+day|\w+ \d+|\d{4}|[A-Z]\w+) (?=the |a |an |[A-Z])")
_VERB_INSIDE = re.compile(
    r"\b(?:is|was|are|were|has|have|had|will|would|can|could|may|might|must|should|did|does|do|said|says|told|went"
    r"|came|made|took|got|that|which|who|where|when|because|if|not)\b"
)


def _is_phrase(words: str) -> bool:
    """Whether words before a verb can be its subject: no other verb in them, and no more than a subject has."""
    return 0 < len(words.split()) <= 16 and not (_VERB_INSIDE.search(words) or names_a_verb(words) or _DID.search(words))


def _leading_name(words: str) -> Speaker | None:
    """The name or pronoun that words begin with."""
    of_one = re.match(r"[A-Z]\w+[’']s? (?:[\w-]+ ){0,2}?[a-z]+(?= )", words)
    if of_one and (speaker := speaker_of(of_one[0])) is not None:
        return speaker
    match = re.match(r"(?:He|She|he|she)\b|(?:[A-Z][\w’'.-]*)(?: (?:(?:de|van|von|al|bin|of|the) )*[A-Z][\w’'.-]*)*", words)
    return speaker_of(match[0]) if match else None


def _clause_behind(verb: str, rest: str) -> int | None:
    """Where the reported words begin behind a word of saying, from its end; None where none are reported there."""
    match = re.match(r"(?:,? [^,;.]{0,70}?)? (?:that|whether|how|why)\b(?=,? )", rest)
    if match and not re.search(r"\b(?:and|but|who|which|by)\b", match[0]):
        return match.end()
    if re.match(r" (?:to be|to have|that|if|what|when|where|who) ", rest):
        return 0
    if verb in _PROMISES and (match := re.match(r" to (?=\w)", rest)):
        return 0
    if verb in {"called", "urged", "urges", "warned", "warns", "denied", "denies", "proposed", "proposes"}:
        return 0 if re.match(r" (?:for|of|against|any|the|a|\w+ing)\b", rest) and len(rest.split()) > 2 else None
    if not is_strong(verb) and verb not in {"added", "adds", "announced", "explained", "stated", "believes", "believed"}:
        return None
    if verb not in {"said", "says"} and not _FINITE.search(rest):
        return None
    if verb in {"told", "tells"}:
        match = re.match(r" (?:him|her|them|us|me|reporters|(?:the |a )?[\w’'.]+(?: [\w’'.]+){0,4}?) (?=(?:he|she|it|they|his|her|the|there|we|its|their)\b)", rest)
        return match.end() if match else None
    clause = re.match(
        r" (?:(?:(?:on )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|yesterday|today) )?"
        r"(?=(?:he|she|it|they|we|I|there|this|these|his|her|their|its|the|a|an|some|no|all|most|many|both|[A-Z\d]\w*)\b)",
        rest,
    )
    return match.end() if clause and match is None and (match := clause) and len(rest.split()) > 3 else None


_FINITE = re.compile(r"\b(?:is|was|are|were|has|had|have|will|would|can|could|may|might|must|should|did|does|do|\w+ed)\b")
_PROMISES = frozenset("promised promises pledged pledges vowed vows agreed agrees proposed proposes offered claimed claims".split())


def _last_clause(before: str) -> int:
    """Where the words of the last clause begin, from its comma on; an aside behind the subject belongs to it."""
    comma = before.rfind(", ")
    if before.rstrip().endswith(","):
        return comma
    earlier = before.rfind(", ", 0, comma)
    del earlier
    return comma + 2


def speakers_of(found: Sequence[Quotation]) -> Iterator[str]:
    """The names of who speaks, each once, in order."""
    yield from dict.fromkeys(q.speaker for q in found)
