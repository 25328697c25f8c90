"""Counts as documents write them: "2", "b", "IV", "third". The names of the forms are Word's."""

from collections.abc import Callable, Mapping

_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
             "twelve": "twelfth"}  # fmt: skip


def written(count: int, form: str) -> str:
    """A number in one of Word's forms; in figures where the form is not known here."""
    form_of = _FORMS.get(form)
    return form_of(count) if form_of else str(count)


def _letter(count: int) -> str:
    """a to z, aa to zz, aaa..."""
    return chr(ord("a") + (count - 1) % 26) * ((count - 1) // 26 + 1) if 0 < count < 10_000 else str(count)


def roman(count: int) -> str:
    """A number in Roman figures; in Arabic ones where it has none."""
    if not 0 < count < 4000:
        return str(count)
    text = ""
    for worth, sign in zip(
        (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1),
        ("M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"),
        strict=True,
    ):
        text += sign * (count // worth)
        count %= worth
    return text


def _suffix(count: int) -> str:
    return "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")


def _in_words(count: int, *, ordinal: bool) -> str:
    if not 0 <= count < 100:
        return str(count)
    tens, ones = divmod(count, 10)
    words = [_ONES[count]] if count < 20 else [_TENS[tens], _ONES[ones]] if ones else [_TENS[tens]]
    if ordinal:
        last = words[-1]
        words[-1] = _ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return "-".join(words)


_FORMS: Mapping[str, Callable[[int], str]] = {
    "upperRoman": roman,
    "lowerRoman": lambda count: roman(count).lower(),
    "upperLetter": lambda count: _letter(count).upper(),
    "lowerLetter": _letter,
    "decimalZero": lambda count: f"{count:02}",
    "ordinal": lambda count: f"{count}{_suffix(count)}",
    "cardinalText": lambda count: _in_words(count, ordinal=False).capitalize(),
    "ordinalText": lambda count: _in_words(count, ordinal=True).capitalize(),
    "none": lambda _: "",
}
