"""Values: what is one, of which kind, and whether two differ."""

from itertools import pairwise

import pytest

from rag.composing.values import ValueKind, dated_days, differ, value_of, values


@pytest.mark.parametrize(
    ("text", "kind", "amount", "unit"),
    [
        ("14.20 euros", ValueKind.MONEY, 14.20, "euro"),
        ("$1,250", ValueKind.MONEY, 1250, "dollar"),
        ("£3.5m", ValueKind.MONEY, 3_500_000, "pound"),
        ("9.4 million euros", ValueKind.MONEY, 9_400_000, "euro"),
        ("12 per cent", ValueKind.PERCENT, 12, ""),
        ("7.5%", ValueKind.PERCENT, 7.5, ""),
        ("3 May 2024", ValueKind.DATE, 20240503, ""),
        ("May 3, 2024", ValueKind.DATE, 20240503, ""),
        ("2024-05-03", ValueKind.DATE, 20240503, ""),
        ("in 1931", ValueKind.DATE, 19310000, ""),
        ("half past, at 9:45", ValueKind.TIME, 585, ""),
        ("3 p.m.", ValueKind.TIME, 900, ""),
        ("45 minutes", ValueKind.NUMBER, 2700, "second"),
        ("1 hour", ValueKind.NUMBER, 3600, "second"),
        ("120 m2", ValueKind.NUMBER, 120, "m2"),
        ("twenty-two people", ValueKind.NUMBER, 22, "people"),
        ("6,000 drivers", ValueKind.NUMBER, 6000, "driver"),
        ("Ada Bramwell", ValueKind.NAME, None, ""),
        ("because it rained", ValueKind.OTHER, None, ""),
    ],
)
def test_a_value_has_its_kind_amount_and_unit(text: str, kind: ValueKind, amount: float, unit: str) -> None:
    value = value_of(text)
    assert (value.kind, value.amount, value.unit) == (kind, pytest.approx(amount) if amount else None, unit)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("35 euros", "48 euros"), ("120", "135 people"), ("3 May", "4 May"), ("1931", "in 1934"),
        ("12%", "13 per cent"),
        ("Kofi Mensah", "Martha Iversen"), ("two hours", "90 minutes"),
    ],
)  # fmt: skip
def test_values_of_one_kind_that_are_not_the_same_differ(one: str, other: str) -> None:
    assert differ(one, other)
    assert differ(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2,000 people", "about 2000 people"), ("60 minutes", "an hour or 1 hour"), ("1922", "3 May 1922"),
        ("Ada Bramwell", "Bramwell"), ("40 metres", "40 people"), ("because of rain", "because of snow"),
        ("35 euros", "in 1935"), ("twelve", "12"), ("3 May 2024", "May 3"),
    ],
)  # fmt: skip
def test_values_that_agree_or_are_of_different_kinds_do_not_differ(one: str, other: str) -> None:
    assert not differ(one, other)
    assert not differ(other, one)


def test_dates_that_have_a_year_are_found_among_other_numbers() -> None:
    found = dated_days("From 1998 to 2003, 2,000 people came; on 3 May 2021 and in June 2022 it was 1500 euros.")
    assert [days for _, days in found] == [
        (19980000, 19989999), (20030000, 20039999), (20210503, 20210503), (20220600, 20220699)
    ]  # fmt: skip


def test_what_is_found_does_not_overlap_and_stands_in_order() -> None:
    found = values("On 3 May 2024 at 9:45 it cost 14 euros, 5% more.")
    assert [v.kind for v in found] == [ValueKind.DATE, ValueKind.TIME, ValueKind.MONEY, ValueKind.PERCENT]
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("more than 25 agencies", "over 15 agencies", False),
        ("at least 20", "31", False),
        ("spring", "September", True),
        ("spring 2024", "September 2024", True),
        ("in spring", "April", False),
        ("spring", "3 May 2024", False),
        ("the spring of 2023", "spring 2024", True),
        ("winter", "December", False),
        ("up to 40", "31", False),
        ("about 120", "118", False),
        ("about 3.5 million crowns", "about 5.2 million crowns", True),
        ("at least 20", "11", True),
        ("up to 40", "52", True),
        ("fewer than 10", "more than 30", True),
        ("not more than 10", "31", True),
        ("not less than 10", "31", False),
    ],
)
def test_amounts_and_seasons_differ_only_where_they_cannot_be_one(one: str, other: str, apart: bool) -> None:
    assert differ(one, other) is apart
    assert differ(other, one) is apart


@pytest.mark.parametrize(("one", "other", "apart"), [
    ("1,206 metres", "1.2 km long", False),  # rounded
    ("1.2 kilometres long", "980 metres", True),
    ("5 miles long", "8 km", False),
    ("312 feet tall", "110 metres", True),
    ("500 singers", "503", False),
    ("30 people", "29 people", True),
    ("6.1 million euros", "just under 6 million euros", False),
    ("4.2 million euros", "just under 6 million euros", True),
    ("between 20 and 25 beds", "22 beds", False),
    ("between 20 and 25 beds", "31 beds", True),
    ("half of the power", "50 percent", False),
    ("a third", "33 percent", False),
    ("half of the power", "40 percent", True),
    ("noon on Saturdays", "Saturdays at 12:00", False),
    ("noon", "13:00", True),
    ("third-largest port of the country", "fifth", True),
    ("third-largest port of the country", "third", False),
    ("fifth", "12 ports", False),  # a place in a ranking is no number of things
    ("Lake Orme", "Lake Tarn", True),  # what many names have does not make them one
    ("Prof. Elin Marr", "Prof. Oskar Beyl", True),
    ("Prof. Elin Marr", "Dr Marr", False),
])  # fmt: skip
def test_values_told_more_and_less_exactly_are_one(one: str, other: str, apart: bool) -> None:
    assert differ(one, other) is apart
    assert differ(other, one) is apart
