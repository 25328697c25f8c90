"""Lines of an answer: what each shows, and which words of it answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.paragraphs import Kind
from rag.citations import Sentence, Sources
from rag.composing.grids import record_label
from rag.composing.quotation import as_quoted, who_is_meant
from rag.composing.values import BOUND, values
from rag.reading.candidates import Candidate

_NOTE_MARK = re.compile(r"\[\d{1,3}\](?= [^\W\d_])")
_EDGES = " \t\n,;:—–"
# "who heads the office": what it says of somebody stands by itself without the word that ties it to the name.
_RELATIVE = re.compile(r"^(?:who|which|that) (?=[a-z]+(?:s|ed|d|ew|an|ad)\b)")
_PAIRS = {"(": ")", "[": "]", "“": "”", '"': '"', "‘": "’", "«": "»"}
# Words that answer are fewer than a sentence: of longer ones the sentence itself is the answer.
_MOST_WORDS = 14
# An item of a list up to so many words, without a full stop, is no sentence: it is what answers.
_ITEM_WORDS = 8
_NOBODY = "he she they it him her them this that these those who which i we you his their its"
_PRONOUNS = frozenset(_NOBODY.split())


@dataclass(frozen=True, slots=True)
class Line:
    """One statement of an answer: the candidate that it shows, then those that say the same elsewhere.

    direct: the words that answer, "" where the statement does. meant: the word that it begins with and whom it
    means. older: a newer document replaces the one that says this. also: other words of the same sentence that answer.
    """

    cited: tuple[Candidate, ...]
    direct: str = ""
    meant: tuple[str, str] | None = None
    older: bool = False
    also: tuple[Candidate, ...] = ()

    def with_words_of(self, other: "Line") -> "Line":
        """This line with the words that answer of another that has the same sentence."""
        words = "; ".join(dict.fromkeys(filter(None, (self.direct, other.direct))))
        return replace(self, direct=words, also=(*self.also, other.cited[0], *other.also))


def line_of(group: Sequence[Candidate], sources: Sources, *, direct: str | None = None, older: bool = False) -> Line:
    """The line that shows a group of candidates, each sentence as a reader would quote it.

    direct: None for the first candidate's own words.
    """
    quoted = tuple(replace(c, sentence=as_quoted(c.sentence, c.start, c.end)) for c in group)
    words = direct_words(group[0]) if direct is None else direct
    meant = who_is_meant(quoted[0].sentence, sources) or record_label(quoted[0].sentence, sources)
    if is_pronoun(words):
        words = meant[1] if meant and meant[0].casefold() == words.casefold() else ""
    return Line(quoted, words, meant, older)


def whole(sentence: Sentence, like: Candidate) -> Candidate:
    """A sentence as a candidate, all of it, found with another."""
    return replace(like, sentence=sentence, start=sentence.start, end=sentence.end)


def direct_words(candidate: Candidate) -> str:
    """The words that answer as they can stand by themselves; "" where they are no less than their sentence."""
    words = _tidy(bounded_words(candidate))
    sentence = candidate.sentence.text
    if _is_part_of_command(candidate, words):
        words = " ".join(sentence.split())
    if not any(char.isalnum() for char in words) or len(words.split()) > _MOST_WORDS:
        return ""
    if candidate.sentence.paragraph.kind is Kind.CODE:
        return words
    is_sentence = len(sentence.split()) > (3 if sentence.endswith((".", "!", "?", "”", '"')) else _ITEM_WORDS)
    return "" if len(words) > 0.8 * len(sentence) and is_sentence else words


def _is_part_of_command(candidate: Candidate, words: str) -> bool:
    """Whether words are some of those of a command, which is typed whole: a line of code that sets no value, "a: 1"."""
    line = candidate.sentence.text
    is_command = candidate.sentence.paragraph.kind is Kind.CODE and not re.search(r"[:=] |=", line) and "\n" not in line
    return is_command and len(line.split()) <= _MOST_WORDS and not re.fullmatch(r"[\W\d]*", words)


def bounded_words(candidate: Candidate) -> str:
    """The words that answer, with those before an amount that say it is not exact, and its unit behind it: "more than
    25 kg", where it is "25"."""
    sentence = candidate.sentence
    text = sentence.document.text
    if candidate.end <= sentence.start:  # the heading above it
        return " ".join(candidate.text.split())
    noted = _NOTE_MARK.match(text, candidate.end, sentence.end)
    if noted and candidate.text.strip()[-1:].isdigit():  # "4[1] kg": the mark of a note parts it from its unit
        behind = f"{candidate.text}{text[noted.end() : sentence.end]}"
        value = next(iter(values(behind)), None)
        if value is not None and value.start == 0 and value.is_measured and value.end > len(candidate.text):
            return " ".join(behind[: value.end].split())
    first = next(iter(values(text[candidate.start : sentence.end])), None)
    is_cut = first is not None and first.start == 0 and first.is_measured and text[candidate.end :][:1] in (" ", "%")
    end = max(candidate.end, candidate.start + first.end) if first and is_cut else candidate.end
    words = " ".join(text[candidate.start : end].split())
    before = " ".join(text[sentence.start : candidate.start].split())
    # The words may begin inside of them: of "not more than six" only "more than six".
    bounds = (found.start() for found in BOUND.finditer(f"{before} {words}") if found.end() > len(before))
    start = next(bounds, len(before))
    return f"{before[start:]} {words}" if start < len(before) else words


def is_pronoun(words: str) -> bool:
    """Whether words name nobody and nothing by themselves."""
    return words.casefold() in _PRONOUNS


def _tidy(words: str) -> str:
    """Without marks at the edges, and without half of a pair of brackets or quotation marks."""
    while True:
        before = words
        words = _RELATIVE.sub("", words.strip(_EDGES))
        if words.endswith(".") and not _is_short_form(words):
            words = words[:-1]
        for left, right in _PAIRS.items():
            if words.startswith(left) and right not in words[1:]:
                words = words[1:]
            if words.endswith(right) and left not in words[:-1]:
                words = words[:-1]
        if words.count('"') % 2:
            words = words.replace('"', "")
        if words.count("“") != words.count("”"):
            words = words.replace("“", "").replace("”", "")
        if words[:1] and words[-1:] and _PAIRS.get(words[0]) == words[-1] and len(words) > 2 and words[0] not in "([":
            words = words[1:-1]
        if words == before:
            return words


def _is_short_form(words: str) -> bool:
    """Whether the last word ends with a dot of its own: "a.m.", "Ltd.", "J."."""
    last = words.rsplit(maxsplit=1)[-1] if words.strip() else ""
    return "." in last[:-1] or last in ("Ltd.", "Inc.", "Co.", "Jr.", "Sr.", "etc.") or len(last) == 2
