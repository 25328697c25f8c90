"""The last question once more, with one thing in it swapped: "and AX-2210?", "and in 2016?", "what about the port?".

Knows words; which of the last question's things a new one takes the place of is told by its form: a code for a code, a
year for a year, a name for a name, a noun for one with the same head or article.
"""

import re
from calendar import day_name, month_name

from rag.followup.referents import TITLE
from rag.followup.wording import AUX, DATES, PREPOSITIONS, worded
from rag.words import content_words, is_function_word, names

_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d(?:[-/]\d\d(?:\d\d)?)?\b")
# A token with a figure in it, and the scale that may follow: "AX-2210", "2.5", "200 million", "Q2", "18:30".
_SCALE = r"thousand|million|billion|trillion|hundred|percent|%"
_CODE = re.compile(rf"(?<![\w.])(?=[\w./:-]*\d)[\w$€£#][\w./:%-]*(?<![.:-])(?: (?:{_SCALE})\b)?", re.IGNORECASE)
_MONTH = re.compile(r"\b(?:" + "|".join(month_name[1:]) + r")\b")
_DAY = re.compile(r"\b(?:" + "|".join(day_name) + r")\b")
_PREPOSITION = re.compile(r"^(" + "|".join(sorted(PREPOSITIONS, key=len, reverse=True)) + r")\s+(?=\S)", re.IGNORECASE)
# "Indy for Q2": two things at once.
_TWO = re.compile(r"(\S+(?: \S+)?) ((?:for|in|at|on) \S*\d\S*)$", re.IGNORECASE)
# "And the fastest one?" after "Which car is the cheapest?"; "west" and "forest" are none.
_MOST = r"(?:most|least) \w+|(?!(?:for|inter|harv|cont|prot|requ|conqu|manif|sugg|b|n|p)est\b)[a-z]{3,}est"
_SUPERLATIVE = re.compile(rf"\b(?:{_MOST})\b", re.IGNORECASE)
_SUPERLATIVE_PART = re.compile(rf"(?:the )?({_MOST})(?: ones?)?$", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|a|an|this|that|its|their|his|her)\s+", re.IGNORECASE)


def swapped(part: str, query: str) -> str | None:
    """The query with `part` in the place of what has its form; None where nothing in it has.

    part: a noun, a name or a figure, perhaps with the preposition before it. query: a question that stands alone.
    """
    if part.casefold() in query.casefold():
        return None
    query = TITLE.sub(r"\1 ", query)
    two = _TWO.match(part)
    once = swapped(two[1], query) if two else None
    if two and once:
        return swapped(two[2], once) or once
    preposition = _PREPOSITION.match(part)
    bare = part[preposition.end() :] if preposition else part
    dated = next((pattern for pattern in (_MONTH, _DAY) if pattern.fullmatch(bare)), None)
    called = [name for name in names(f"x {bare}") if name in bare]
    figure = _figure_swapped(bare, query) if _CODE.search(bare) else None
    superlative = _SUPERLATIVE_PART.match(part)
    form = _SUPERLATIVE if superlative else dated
    if figure or form or (preposition and _CODE.search(bare)):
        return figure or (_replaced_last(form, superlative[1] if superlative else bare, query) if form else None)
    changed = None
    if preposition and not _shared_head(bare, query):
        changed = _after_preposition(preposition.group(1), bare, query, named=bool(called))
    is_name = called and len(called[0].split()) >= len(_ARTICLE.sub("", bare).split()) - 1
    if not changed and is_name and not _shared_head(bare, query):
        return _name_swapped(bare, query)
    return changed or _noun_swapped(bare, query)


def _figure_swapped(part: str, query: str) -> str | None:
    """A year for a year, a code for the code most like it; figures without a unit keep the one that was there."""
    if _YEAR.fullmatch(part):
        return _replaced_last(_YEAR, part, query)
    found = list(_CODE.finditer(query))
    new = _CODE.search(part)
    if not found or new is None:
        return None
    alike = [m for m in found if _shape(m.group()) == _shape(new.group())] or [
        m for m in found if _letters(m.group()) == _letters(new.group())
    ]
    old = (alike or [m for m in found if not _YEAR.fullmatch(m.group())] or found)[-1]
    before, after = part[: new.start()].strip().casefold(), part[new.end() :].strip()
    start, end = old.start(), old.end()
    text = part
    if new.group().isdigit() and not after:
        digits = re.match(r"[\d.,]+", query[start:])
        end = start + digits.end() if digits else end
        text = new.group()
    run = re.match(r"(?: (?:Plus|Pro|Max|Mini|Lite|Ultra|XL|SE|II|III))+\b", query[end:])
    if run and not after:
        end += run.end()  # "W2" for "W3 Plus"
    if before:
        # "cat 4" takes the place of "category 3"; "part AX-2210" that of "part AX-2201", or of "AX-2201" alone.
        preceding = re.search(r"([\w'’]+)\s+$", query[:start])
        if preceding and preceding.group(1).casefold().startswith(before.split()[-1].rstrip(".")):
            text = part[new.start() :] if len(before.split()) == 1 else part
    return f"{query[:start]}{text}{query[end:]}"


def _shape(code: str) -> str:
    return re.sub(r"\d+", "9", re.sub(r"[A-Z]+", "A", re.sub(r"[a-z]+", "a", code)))


def _letters(code: str) -> bool:
    return any(char.isalpha() for char in code)


def _replaced_last(pattern: re.Pattern[str], part: str, query: str) -> str | None:
    found = list(pattern.finditer(query))
    return f"{query[: found[-1].start()]}{part}{query[found[-1].end() :]}" if found else None


def _after_preposition(preposition: str, part: str, query: str, *, named: bool) -> str | None:
    """ "for Benin" in the place of "for Nigeria": what follows the same preposition, a name for a name."""
    for match in reversed(list(re.finditer(rf"\b{preposition}\s+", query, re.IGNORECASE))):
        rest = query[match.end() :]
        name = next((n for n in names(f"x {rest}") if re.match(rf"(?:the )?{re.escape(n)}(?!\w)", rest)), None)
        is_day = bool(name) and str(name).casefold().removesuffix("s") in DATES
        # "In London" may take the place of "in the harbour".
        is_place = named and not name and preposition.casefold() in ("in", "at", "near") and _ARTICLE.match(rest)
        if name and (named or is_day):
            end = rest.index(name) + len(name)
        elif is_place or (not named and not name):
            noun = _noun_at(rest)
            end = 0 if names(f"x {noun}") or re.search(r"\d", noun) else len(noun)
        else:
            continue
        if end:
            return f"{query[: match.end()]}{part}{rest[end:]}"
    return None


def _name_swapped(part: str, query: str) -> str | None:
    """The name of the query that is most like the new one: as many words, the same article; else the first."""
    old = [
        name for name in names(f"x {query}") if not set(name.casefold().split()) <= DATES and not re.search(r"\d", name)
    ]
    if not old:
        return None
    name = _ARTICLE.sub("", part)
    article = name != part

    def unlike(candidate: str) -> tuple[bool, int]:
        has_article = re.search(rf"\b(?:the|a|an) {re.escape(candidate)}", query) is not None
        return (has_article != article, abs(len(candidate.split()) - len(name.split())))

    best = min(old, key=unlike)
    start = query.index(best)
    before = query[:start]
    old_noun = _noun_at(query[start:])
    if worded(query).aux.casefold() in ("do", "does", "did") and query[start:].rstrip("?!. ") == old_noun:
        old_noun = old_noun.rpartition(" ")[0]  # the last word is the verb
    if article and re.search(r"\bthe $", before, re.IGNORECASE) and len(old_noun) > len(best):
        best = old_noun
    if article or re.search(r"\b(?:the|a|an) $", before, re.IGNORECASE):
        before = re.sub(r"\b(?:the|a|an) $", "", before, flags=re.IGNORECASE)
        name = part
    after = query[start + len(best) :]
    if re.match(r"['’]s\b", after):  # "Chile's" for "Norway's"
        name = re.sub(r"['’]s?$", "", name)
    return f"{before}{name}{after}"


def _noun_swapped(part: str, query: str) -> str | None:
    """A noun in the place of one with the same last word, or with an article where it has one."""
    same = _shared_head(part, query)
    if same:
        start = _noun_start(query, same.start())
        return f"{query[:start]}{part}{query[same.end() :]}"
    counted = re.match(r"(how many) ([a-z]+s)\b", query, re.IGNORECASE)
    if counted and re.fullmatch(r"[a-z]+(?:s|en)", part):
        return f"{counted[1]} {part}{query[counted.end() :]}"
    if not _ARTICLE.match(part):
        return _subject_swapped(part, query)
    article = "the" if re.match("the ", part, re.IGNORECASE) else "an?"
    found = [m for m in re.finditer(rf"\b{article}\s+", query, re.IGNORECASE) if m.start() >= len(worded(query).opener)]
    if not found:
        return None
    at = found[-1].start()
    old = _noun_at(query[at:])
    return f"{query[:at]}{part}{query[at + len(old) :]}" if old else None


def _subject_swapped(part: str, query: str) -> str | None:
    """ "Cats" in the place of "dogs" in "are dogs allowed?": one plural for another, without an article."""
    asks = re.match(r"(?:are|were|do|did|can|may|must|should|will|have) (?P<old>[a-z]+s)\b", query, re.IGNORECASE)
    if asks is None or not re.fullmatch(r"[a-z]+(?:s|en|le)", part):
        return None
    return f"{query[: asks.start('old')]}{part}{query[asks.end('old') :]}"


def appended(part: str, query: str) -> str | None:
    """The query with "in London" behind it; None where it has a phrase of that preposition, or is no whole question."""
    preposition = _PREPOSITION.match(part)
    parts = worded(query)
    if preposition is None or not parts.aux or not parts.rest or query.rstrip().endswith(")?"):
        return None
    if re.search(rf"\b{preposition[1]}\b", query, re.IGNORECASE) and not re.search(r"\d", part):
        return None
    return f"{query.rstrip('?!. ')} {part}?"


def _shared_head(part: str, query: str) -> re.Match[str] | None:
    """Where the query has the last word of a part that has more words than that: "usability testing"."""
    words = content_words(part)
    if len(words) < 2 or not words[-1].islower():
        return None
    return re.search(rf"\b{re.escape(words[-1])}\b(?!\s+of\b)", query, re.IGNORECASE)


def _noun_start(query: str, end: int) -> int:
    """Where the noun begins whose last word begins at `end`: function words, prepositions and verbs stop it."""
    start = end
    for match in reversed(list(re.finditer(r"[\w'’-]+\s+", query[:end]))):
        word = match.group().strip().casefold()
        if word in AUX or word in PREPOSITIONS or (is_function_word(word) and word not in ("the", "a", "an")):
            break
        start = match.start()
        if word in ("the", "a", "an"):
            break
    return start


def _noun_at(text: str) -> str:
    """The noun that a text begins with: an article and words up to a preposition, a verb's ending or a mark."""
    article = _ARTICLE.match(text)
    end = article.end() if article else 0
    for number, match in enumerate(re.finditer(r"[\w'’-]+", text[end:])):
        word = match.group().casefold()
        if text[end : end + match.start()].strip() and re.search(r"[,.;:?!]", text[end : end + match.start()]):
            break
        stops = word in AUX or word in PREPOSITIONS or is_function_word(word) or number >= 3
        if stops or (number and re.search(r"(?:ed|ing)$", word)):
            return text[: end + match.start()].rstrip()
    return text.rstrip("?!. ")
