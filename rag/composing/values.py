"""Values in a text: amounts, shares, dates and names, so that two of one kind can be compared. English."""

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from rag.words import names


class ValueKind(StrEnum):
    """What a value is; two values are compared only where they are of one kind and one unit."""

    MONEY = "money"
    PERCENT = "percent"
    DATE = "date"
    TIME = "time"
    NUMBER = "number"
    NAME = "name"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Value:
    """A value at `[start, end)` of a text. amount: in the unit; of a date year * 10000 + month * 100 + day, 0 where one
    is not said, of a time minutes after midnight; None of what has none. unit: "" for a bare number."""

    kind: ValueKind
    start: int
    end: int
    amount: float | None = None
    unit: str = ""

    @property
    def is_measured(self) -> bool:
        """Whether it is so much of a measure, a share or money, and no count of things."""
        return self.kind in (ValueKind.MONEY, ValueKind.PERCENT) or self.unit in _MEASURES

    def is_like(self, other: "Value") -> bool:
        """Whether two values are of one kind and unit."""
        return self.kind is other.kind and self.unit == other.unit


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?)"
)
_YEAR = r"(?P<year>(?:1[0-9]|20)\d\d)(?![\d.,]*\d)"
# Behind a number these say that it is no year.
_NO_COUNT = (
    r"(?!\s?(?:%|per cent|euros?|dollars?|pounds?|crowns?|francs?|yen|people|men|women|copies|times|units|pieces"
    r"|members|metres?|meters?|miles|feet|km|kg|tonnes?|tons?|hours|days|words|seats|votes|points)\b)"
)
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_DATES = tuple(
    re.compile(rf"(?<![\w.]){form}(?!\w)", re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})-(?P<number>[01]\d)(?:-(?P<day>[0-3]\d))?",
        rf"(?:the )?{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?",
        rf"{_MONTH} {_DAY}(?!\d)(?:,? {_YEAR})?",
        r"(?P<day>[0-3]?\d)[./](?P<number>[01]?\d)[./](?P<year>(?:1[0-9]|20)\d\d)",
        rf"{_MONTH},? {_YEAR}",
        rf"(?:in |since |until |by |from |year )?{_YEAR}{_NO_COUNT}",
    )
)
_TIME = re.compile(
    r"(?<![\w.:])(?P<hour>[0-2]?\d)(?:[:.](?P<minute>[0-5]\d))?\s?(?:(?P<half>[ap])\.?m\b\.?|(?P<clock>o[’']clock|h\b))"
    r"|(?<![\w.:])(?P<hour24>[0-2]?\d):(?P<minute24>[0-5]\d)(?![\w:])",
    re.IGNORECASE,
)
_SIGNS = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee"}
_CURRENCIES = {
    "eur": "euro", "usd": "dollar", "gbp": "pound", "cent": "cent", "pence": "penny", "pound": "pound", "euro": "euro",
    "dollar": "dollar", "franc": "franc", "chf": "franc", "yen": "yen", "rupee": "rupee", "krona": "krona",
    "kronor": "krona", "krone": "krone", "kroner": "krone", "zloty": "zloty", "rouble": "rouble", "ruble": "rouble",
    "yuan": "yuan", "peso": "peso", "lira": "lira", "rand": "rand", "shilling": "shilling",
}  # fmt: skip
_SCALES = {"hundred": 100.0, "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9}
_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_WORDS = {word: float(n) for n, word in enumerate(f"{_ONES} seventeen eighteen nineteen".split())}
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS |= {word: 20.0 + 10 * n for n, word in enumerate(_TENS.split())}
_WORDS |= {"dozen": 12.0}
# Units that mean the same at another scale: into seconds, metres and grams.
_SAME = {
    "second": ("second", 1.0), "sec": ("second", 1.0), "minute": ("second", 60.0), "min": ("second", 60.0),
    "hour": ("second", 3600.0), "day": ("second", 86400.0), "week": ("second", 604800.0),
    "month": ("month", 1.0), "year": ("month", 12.0),
    "m": ("metre", 1.0), "metre": ("metre", 1.0), "meter": ("metre", 1.0), "km": ("metre", 1000.0),
    "kilometre": ("metre", 1000.0), "kilometer": ("metre", 1000.0), "cm": ("metre", 0.01), "mm": ("metre", 0.001),
    "g": ("gram", 1.0), "gram": ("gram", 1.0), "kg": ("gram", 1000.0), "kilogram": ("gram", 1000.0),
    "tonne": ("gram", 1e6), "kilo": ("gram", 1000.0),
    "foot": ("metre", 0.3048), "feet": ("metre", 0.3048), "ft": ("metre", 0.3048), "inch": ("metre", 0.0254),
    "yard": ("metre", 0.9144), "mile": ("metre", 1609.344),
    "l": ("litre", 1.0), "litre": ("litre", 1.0), "liter": ("litre", 1.0), "ml": ("litre", 0.001),
    "gallon": ("litre", 3.785), "ha": ("hectare", 1.0), "hectare": ("hectare", 1.0), "acre": ("hectare", 0.4047),
}  # fmt: skip
_MEASURES = {name for name, _ in _SAME.values()}
_NUMBER_WORD = "|".join(_WORDS)
_AMOUNT = re.compile(
    rf"(?<![\w.,/-])(?P<sign>[$€£¥₹])?\s?(?P<minus>[-−])?(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?P<share>\s?%| ?per ?cent\b| percent\b)?"
    rf"|(?<![\w-])(?P<word>(?:{_NUMBER_WORD})(?:[- ](?:{_NUMBER_WORD}))?)(?![\w-])",
    re.IGNORECASE,
)
_SCALE = re.compile(r"[ -]?(hundred|thousand|million|billion|bn|m(?= (?:euro|dollar|pound))|k)\b", re.IGNORECASE)
_SIGNED_SCALE = re.compile(r"[ -]?(hundred|thousand|million|billion|bn|m|k)\b", re.IGNORECASE)
_UNIT = re.compile(r"[ -]?([A-Za-z°]+[²³23]?)(?!\d)")
# Behind a number these are no units.
_BEHIND = """
    and or of to in at on by for from with as is are was were a an the per more less fewer than had has have each it
    that which who but while when where after before since until about over under between did does do
"""
_NO_UNIT = frozenset(_BEHIND.split())


# A month or a season that is all of an answer; in a sentence "spring" may be water, and "fall" an accident.
_BEFORE_THEM = r"(?:(?:early|late|mid|this|next|last|the|in|by|until|since|before|after) )*"
_MONTH_ALONE = re.compile(_BEFORE_THEM + _MONTH, re.IGNORECASE)
_SEASON = re.compile(
    rf"{_BEFORE_THEM}(?P<season>spring|summer|autumn|fall|winter)(?:,? (?:of )?{_YEAR})?",
    re.IGNORECASE,
)
# Its middle month.
_MIDDLE = {"spring": 4, "summer": 7, "autumn": 10, "fall": 10, "winter": 1}
SEASON = "season"
# A place in a ranking, as a word: "the third-largest", "fifth"; in figures it is a number with a unit of its own.
RANK = "rank"
_ORDINALS_TEXT = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_ORDINAL_WORDS = _ORDINALS_TEXT.split()
_RANK = re.compile(
    rf"(?:(?:the|its|their|ranked|ranks|in) )*(?P<place>{'|'.join(_ORDINAL_WORDS)})"
    r"(?:[- ]\w+est\b|$| (?:among|of|in|behind)\b)",
    re.IGNORECASE,
)
# A part of a whole, in words: so many of a hundred.
_PARTS = {
    "half": 50.0, "a third": 100 / 3, "one third": 100 / 3, "two thirds": 200 / 3, "a quarter": 25.0,
    "one quarter": 25.0, "three quarters": 75.0, "a fifth": 20.0, "a tenth": 10.0,
}  # fmt: skip
_PART = re.compile(
    rf"(?:(?:about|around|almost|nearly|roughly|over|more than|less than|under) )?(?P<part>{'|'.join(_PARTS)})"
    r"(?=$| of (?!an? )| the\b)",
    re.IGNORECASE,
)
# Times of the day that have a name, in minutes after midnight.
_NAMED_TIMES = {"noon": 720.0, "midday": 720.0, "midnight": 0.0}
_NAMED_TIME = re.compile(rf"(?:(?:at|by|until|from) )?(?P<name>{'|'.join(_NAMED_TIMES)})\b", re.IGNORECASE)


def values(text: str) -> list[Value]:
    """The dates, times and amounts of a text, in order, without overlap."""
    found: list[Value] = []
    taken = [False] * (len(text) + 1)
    for value in [*_dates(text), *_times(text), *_amounts(text)]:
        if not any(taken[value.start : value.end]):
            taken[value.start : value.end] = [True] * (value.end - value.start)
            found.append(value)
    return sorted(found, key=lambda value: value.start)


def value_of(answer: str) -> Value:
    """What the words that answer are: their only value or first, a name, or OTHER."""
    found = _worded(answer) or next(iter(values(answer)), None) or _ranked(answer)
    if found:
        return found
    words = re.sub(r"^\W*(?:an?|the)\s", "", answer, flags=re.IGNORECASE).split()
    capitals = sum(word.strip("\"'“‘(")[:1].isupper() for word in words)
    if words and (names(answer) or capitals) and 2 * capitals >= len(words):
        return Value(ValueKind.NAME, 0, len(answer))
    return Value(ValueKind.OTHER, 0, len(answer))


def _worded(answer: str) -> Value | None:
    """A season, a month alone, a part of a whole or a time with a name, which no figure says."""
    plain = answer.strip(" .")
    season, alone = _SEASON.fullmatch(plain), _MONTH_ALONE.fullmatch(plain)
    part, named = _PART.match(plain), _NAMED_TIME.match(plain)
    if season:
        month = _MIDDLE[season["season"].casefold()]
        return Value(ValueKind.DATE, 0, len(answer), int(season["year"] or 0) * 10_000.0 + month * 100, SEASON)
    if alone:
        month = _MONTHS.index(alone["month"][:3].casefold()) + 1
        return Value(ValueKind.DATE, 0, len(answer), month * 100.0)
    if part:
        return Value(ValueKind.PERCENT, 0, len(answer), _PARTS[part["part"].casefold()])
    if named:
        return Value(ValueKind.TIME, 0, len(answer), _NAMED_TIMES[named["name"].casefold()])
    return None


def _ranked(answer: str) -> Value | None:
    place = _RANK.match(answer.strip(" ."))
    if place is None:
        return None
    return Value(ValueKind.NUMBER, 0, len(answer), 1.0 + _ORDINAL_WORDS.index(place["place"].casefold()), RANK)


def differ(one: str, other: str) -> bool:
    """Whether two answers are values of one kind that are not the same."""
    a, b = value_of(one), value_of(other)
    if a.kind is not b.kind or a.kind is ValueKind.OTHER:
        return False
    if a.kind is ValueKind.DATE:
        return _are_other_days(a, b)
    # "120" and "135 people" are comparable; "120 people" and "135 metres" are not.
    if a.unit != b.unit and (a.kind is not ValueKind.NUMBER or {a.unit, b.unit} & {*_MEASURES, RANK}):
        return False
    if a.kind is ValueKind.NAME:
        return not _name_words(one) & _name_words(other)
    return _are_other_amounts((one, a), (other, b))


def _are_other_amounts(said: tuple[str, Value], also: tuple[str, Value]) -> bool:
    """Whether two amounts of one unit, each with the words that it stands in, cannot be of one that is true."""
    (one, a), (other, b) = said, also
    if a.amount is None or b.amount is None or a.amount == b.amount:
        return False
    if _are_one_rounded(said, also) or _lies_within(a.amount, other) or _lies_within(b.amount, one):
        return False
    same = {value.amount for value in values(one)} & {value.amount for value in values(other)}
    return not same and not _may_be_one(_bound_of(one), a.amount, _bound_of(other), b.amount)


# Words before an amount that say it is not exact, by which way the true one lies.
_LOW = "more than|over|at least|(?:no|not) (?:less|fewer) than|upwards of|above"
_HIGH = "less than|fewer than|under|at most|up to|(?:no|not) more than|not over|as many as|as much as|below"
_NEAR = (
    "nearly|almost|about|around|roughly|some|approximately|close to"
    "|just (?:under|over|below|above)|a (?:little|bit) (?:under|over)"
)
BOUND = re.compile(
    rf"\b(?:(?P<near>{_NEAR})|(?P<low>{_LOW})|(?P<high>{_HIGH}))\s+(?=[$€£¥₹\d]|(?:{_NUMBER_WORD})\b)", re.IGNORECASE
)
# How far two amounts of which one is "about" so much may be apart and still be one, by the larger.
_ABOUT = 0.05


# How far a value may be from one that is rounded, by the larger: rounded to fewer decimals, from another unit, to whole
# hundreds; words for a part ("a third") are as near as that.
_DECIMALS, _UNITS, _HUNDREDS, _WORDED = 0.08, 0.05, 0.025, 0.03


def _are_one_rounded(one: tuple[str, Value], other: tuple[str, Value]) -> bool:
    """Whether two amounts, each with the words that it stands in, may be one, told more and less exactly."""
    (words, a), (other_words, b) = one, other
    low, high = sorted((abs(a.amount or 0.0), abs(b.amount or 0.0)))
    written, other_written = _written(words, a), _written(other_words, b)
    if written is None or other_written is None:
        return a.kind is ValueKind.PERCENT and high - low <= _WORDED * high
    step, decimals, unit = written
    other_step, other_decimals, other_unit = other_written
    if high - low > 0.5 * max(step, other_step) * (1 + 1e-9):
        return False
    if unit != other_unit:
        return high - low <= _UNITS * high
    if decimals != other_decimals:
        return high - low <= _DECIMALS * high
    return step != other_step and max(step, other_step) >= 100 and high - low <= _HUNDREDS * high


def _written(words: str, value: Value) -> tuple[float, int, str] | None:
    """How an amount is written: by how much it counts in the unit that amounts are kept in ("1.2 km": 100, "500": 100),
    its decimals, its unit; None where it has no figures."""
    match = _AMOUNT.search(words, value.start, value.end)
    if match is None or not match["digits"]:
        return None
    digits = match["digits"].replace(",", "")
    number, decimals = float(digits), len(digits.partition(".")[2])
    zeros = len(digits) - len(digits.rstrip("0")) if not decimals else 0
    scale = abs(value.amount or 0.0) / number if number else 1.0
    return 10.0 ** (zeros - decimals) * scale, decimals, words[match.end() : value.end].strip(" -").casefold()


_RANGE = re.compile(
    r"(?P<low>\d[\d,.]*)(?:\s?(?:-|–|to|and|or)\s?)(?P<high>\d[\d,.]*)"
    rf"|(?P<low_word>{_NUMBER_WORD}) (?:to|and|or) (?P<high_word>{_NUMBER_WORD})",
    re.IGNORECASE,
)


def _lies_within(amount: float, words: str) -> bool:
    """Whether an amount lies within a range that words name: 22 within "between 20 and 25 beds"."""
    match = _RANGE.search(words)
    if match is None:
        return False
    ends = [values(f"{match[side] or match[side + '_word']}{words[match.end() :]}") for side in ("low", "high")]
    return bool(ends[0] and ends[1]) and (ends[0][0].amount or 0.0) <= amount <= (ends[1][0].amount or 0.0)


def _bound_of(words: str) -> str:
    """Which way the true amount lies from the first that the words name: "low", "high" or "near"; "" if it is exact."""
    found = BOUND.search(words)
    return (found.lastgroup or "") if found else ""


def _may_be_one(bound: str, amount: float, other_bound: str, other: float) -> bool:
    """Whether two amounts that differ may be of one that is true: "more than 25" and "over 15", or "about 120" and
    118."""
    low, high = amount, other
    if low > high:
        low, high, bound, other_bound = high, low, other_bound, bound
    if bound == "low" or other_bound == "high":
        return True
    return "near" in (bound, other_bound) and high - low <= _ABOUT * abs(high)


def _are_other_days(one: Value, other: Value) -> bool:
    """Whether two dates cannot be one: "1922" and "3 May 1922" say the same, as far as they go; so may a month and a
    season."""
    (year, month, day), (year_2, month_2, day_2) = _date_parts(one.amount or 0), _date_parts(other.amount or 0)
    months_apart = min((month - month_2) % 12, (month_2 - month) % 12) if month and month_2 else 0
    allowed = 2 if one.unit != other.unit else 0
    return bool((year and year_2 and year != year_2) or months_apart > allowed or (day and day_2 and day != day_2))


def dated_days(text: str) -> list[tuple[int, tuple[int, int]]]:
    """Where each date that has a year begins in a text, in order, and its first and last day as numbers: 20230500 and
    20230599 of "May 2023"."""
    found = []
    for value in _dates(text):
        day = int(value.amount or 0)
        if day >= 10000:
            open_end = 9999 if day % 10000 == 0 else 99 if day % 100 == 0 else 0
            found.append((value.start, (day, day + open_end)))
    return sorted(found)


def scale_of(unit: str) -> float:
    """How much of the unit that amounts are kept in one of a unit as it is written is: 60 of "minutes"."""
    return _SAME.get(singular(unit), (unit, 1.0))[1]


def singular(word: str) -> str:
    """A noun's singular, as far as its ending tells, lower case."""
    word = word.casefold()
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(?:ss|sh|ch|x|z)es$", word):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2:
        return word[:-1]
    return word


# Words of a name that many have: posts and titles, and what a place or a body is.
_OF_MANY_TEXT = """
    mr mrs ms miss dr prof professor sir lady lord king queen prince princess pope saint president minister mayor
    captain general judge the lake mount river castle port cape isle island north south east west new old great
    upper lower county city town village province district republic street road square university institute college
    school museum church cathedral hotel hall house park bridge station airport company group bank party
    club union prize court office
"""
_OF_MANY = frozenset(_OF_MANY_TEXT.split())


def _name_words(text: str) -> set[str]:
    """The words of a name that tell it from others, lower case; all where it has no such."""
    found = {word.casefold().strip(".,'’\"“”") for word in text.split() if len(word) > 2 and word[0].isupper()}
    return found - _OF_MANY or found


def _date_parts(amount: float) -> tuple[int, int, int]:
    number = int(amount)
    return number // 10000, number // 100 % 100, number % 100


def _dates(text: str) -> list[Value]:
    found: list[Value] = []
    for form in _DATES:
        for match in form.finditer(text):
            if any(v.start < match.end() and match.start() < v.end for v in found):
                continue
            parts = match.groupdict()
            month = parts.get("month")
            number = _MONTHS.index(month.casefold()[:3]) + 1 if month else int(parts.get("number") or 0)
            amount = int(parts.get("year") or 0) * 10000 + number * 100 + int(parts.get("day") or 0)
            found.append(Value(ValueKind.DATE, match.start(), match.end(), float(amount)))
    return found


def _times(text: str) -> list[Value]:
    found = []
    for match in _TIME.finditer(text):
        hour = int(match["hour"] or match["hour24"])
        minute = int(match["minute"] or match["minute24"] or 0)
        if match["half"]:
            hour = hour % 12 + (12 if match["half"].casefold() == "p" else 0)
        found.append(Value(ValueKind.TIME, match.start(), match.end(), float(60 * hour + minute)))
    return found


def _amounts(text: str) -> list[Value]:
    found = []
    for match in _AMOUNT.finditer(text):
        amount = _amount(match)
        end = match.end()
        if match["share"]:
            found.append(Value(ValueKind.PERCENT, match.start(), end, amount))
            continue
        scale = (_SIGNED_SCALE if match["sign"] else _SCALE).match(text, end)
        if scale:
            amount *= _SCALES[scale[1].casefold()]
            end = scale.end()
        if match["sign"]:
            found.append(Value(ValueKind.MONEY, match.start(), end, amount, _SIGNS[match["sign"]]))
            continue
        unit = _UNIT.match(text, end)
        word = singular(unit[1]) if unit else ""
        if unit and word in _CURRENCIES:
            found.append(Value(ValueKind.MONEY, match.start(), unit.end(), amount, _CURRENCIES[word]))
        elif unit is None or not word or word in _NO_UNIT or (unit[1][0].isupper() and len(unit[1]) > 3):
            if not match["word"] or match["word"].casefold() != "one":
                found.append(Value(ValueKind.NUMBER, match.start(), end, amount))
        else:
            name, factor = _SAME.get(word, (word, 1.0))
            found.append(Value(ValueKind.NUMBER, match.start(), unit.end(), amount * factor, name))
    return found


def _amount(match: re.Match[str]) -> float:
    if match["word"]:
        return sum(_WORDS[word] for word in re.split("[- ]", match["word"].casefold()))
    number = float(match["digits"].replace(",", ""))
    return -number if match["minus"] else number


def column_values(cells: list[str]) -> list[Value] | None:
    """One value for each cell, all of one kind and unit; None where a cell has none, or another kind.

    Beside 600 and 800 a bare 1400 is a number and no year.
    """
    found = []
    for cell in cells:
        in_cell = values(cell)
        if not in_cell:
            return None
        found.append(in_cell[0])
    if {value.kind for value in found} == {ValueKind.DATE, ValueKind.NUMBER}:
        found = [_as_number(value, cell) for value, cell in zip(found, cells, strict=True)]
    return found if found and all(one.is_like(other) for one, other in pairwise(found)) else None


def _as_number(value: Value, cell: str) -> Value:
    """A cell of four digits, which may be a year, as the number that it is beside others."""
    words = cell.strip()
    return Value(ValueKind.NUMBER, value.start, value.end, float(words)) if _YEAR_ALONE.fullmatch(words) else value


_YEAR_ALONE = re.compile(r"\d{4}")
