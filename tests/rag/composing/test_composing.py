"""Answers in the shape that was asked for, from real collections, encoder and reader."""

from collections.abc import Callable
from pathlib import Path

import pytest

from index.collection import Collection, Filters
from index.encoder.embedding import Encoder
from index.intake.indexing import index_paths
from rag.answering import Models, answer
from rag.answers import Answer
from rag.commands.text import answer_text
from rag.conversation import Turn
from rag.reading.reader import Reader

Ask = Callable[..., Answer]

MINUTES = """Minutes of the allotment society, 12 March 2024

Felix Sandoval said the new pump would cost 1,340 pounds. Ruth Nakamura objected because the old pump had been mended
only in January. The motion to buy the pump was carried. Colin Peverell and Ruth Nakamura voted against it. Oona Barrow
abstained.

The lease was signed by Oona Barrow on 4 May 2019. The rent of the field is 920 pounds a year.

What may not be burned:

- Wet leaves
- Painted wood
- Old tyres

| Plot | Holder | Size | Rent paid |
|---|---|---|---|
| 7 | Oona Barrow | 120 m2 | yes |
| 12 | Colin Peverell | 95 m2 | no |
| 3 | Ines Falk | 140 m2 | yes |
| 9 | Ruth Nakamura | 80 m2 | no |
"""
OLD = "Travel rules of Larkmoor Ltd, 2021\n\nEmployees of Larkmoor may claim 31 euros a day for meals.\n\nBe polite."
NEW = "Travel rules of Larkmoor Ltd, 2024\n\nEmployees of Larkmoor may claim 44 euros a day for meals.\n\nBe polite."
CRACK = (
    "Bridge in Marholt closed\n\nThe road bridge over the Lenne in Marholt was closed because an inspector found a "
    "crack in its third pier. Repairing the pier will cost about 3.5 million crowns, the county estimates."
)
COSTLY = (
    "Marholt bridge will cost more\n\nRepairing the cracked pier of the Lenne bridge in Marholt will cost about 5.2 "
    "million crowns, an engineer told the council on Monday."
)
FAQ = "Questions\n\nWho pays for the return?\n\nYou do, unless the item was faulty.\n\nMay I wrap it?\n\nPlease do."


@pytest.fixture
def asked(make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader) -> Callable[..., Ask]:
    """Texts by name -> a function that asks them."""

    def of(**texts: str) -> Ask:
        collection = make_collection("collection", **texts)
        return lambda question, **more: answer(collection, Models(encoder, reader), question, **more)

    return of


def quotes(a: Answer) -> list[str]:
    return [c.quote for c in a.citations]


def test_the_words_that_answer_come_first_then_the_sentence(asked: Callable[..., Ask]) -> None:
    a = asked(minutes=MINUTES)("Who signed the lease?")
    assert a.direct == "Oona Barrow"
    assert answer_text(a).splitlines()[0] == "Oona Barrow"
    assert quotes(a)[0] == "The lease was signed by Oona Barrow on 4 May 2019."


def test_two_questions_in_one_get_both_answers_and_one_that_is_not_answered_is_told(asked: Callable[..., Ask]) -> None:
    ask = asked(minutes=MINUTES)
    both = ask("Who signed the lease and how much is the rent of the field?")
    assert both.direct == "Oona Barrow; 920 pounds a year"
    assert [len(c.labels) for c in both.claims] == [1, 1]
    half = ask("Who signed the lease and who painted the Sistine Chapel?")
    assert half.direct == "Oona Barrow"
    assert half.notices == ("no passage was found that answers this part: Who painted the Sistine Chapel?",)
    own = ask("Who signed the lease, and what colour is it?")
    assert own.notices == ("no passage was found that answers this part: What colour is it?",)


def test_two_answers_in_one_sentence_are_cited_once(asked: Callable[..., Ask]) -> None:
    a = asked(minutes=MINUTES)("Who signed the lease and when was the lease signed?")
    assert a.direct == "Oona Barrow; 4 May 2019"
    assert len(a.claims) == len(a.citations) == 1
    assert "▸Oona Barrow◂ on ▸4 May 2019◂" in answer_text(a)


def test_a_list_is_taken_whole_in_its_order(asked: Callable[..., Ask]) -> None:
    a = asked(minutes=MINUTES)("Which things may not be burned?")
    assert quotes(a) == ["Wet leaves", "Painted wood", "Old tyres"]
    assert a.direct == "Wet leaves; Painted wood; Old tyres"
    assert [c.labels for c in a.claims] == [(1,), (2,), (3,)]


def test_the_rows_that_a_question_picks_are_listed(asked: Callable[..., Ask]) -> None:
    ask = asked(minutes=MINUTES)
    assert ask("Which plot holders have not paid their rent?").direct == "Colin Peverell; Ruth Nakamura"
    assert ask("List all plot holders").direct == "Oona Barrow; Colin Peverell; Ines Falk; Ruth Nakamura"


def test_a_column_is_compared_and_added_up_with_its_rows_cited(asked: Callable[..., Ask]) -> None:
    ask = asked(minutes=MINUTES)
    largest = ask("Which holder has the largest size of plot?")
    assert largest.direct == "Ines Falk (140 m2)"
    assert largest.computed == "Compared in 4 rows: Size."
    assert largest.claims[0].labels == (1, 2, 3, 4)
    assert ask("How large are the plots in total?").direct == "435 m2"


def test_an_average_is_computed_over_a_column_with_its_rows_cited(asked: Callable[..., Ask]) -> None:
    ask = asked(minutes=MINUTES)
    mean = ask("What is the average size of the plots?")
    assert mean.direct == "108.75 m2"
    assert mean.computed == "The mean of 4 rows: Size."
    assert [c.labels for c in mean.claims] == [(1,), (2,), (3,), (4,)]
    assert ask("What is the average age of the holders?").computed is None
    assert ask("What is the median size of the plots?").abstained


def test_what_came_since_a_month_is_told_by_documents_that_can_know_of_it(asked: Callable[..., Ask]) -> None:
    def notice(day: str, words: str) -> str:
        return f"---\ndate: {day}\n---\n\nNotice of the harbour office at Sorn.\n\n{words}"

    ask = asked(
        early=notice("2023-03-02", "The harbour office has decided that dogs are forbidden on the pier of Sorn."),
        late=notice("2023-09-10", "The harbour office has decided that boats are forbidden at the pier of Sorn."),
    )
    since = ask("What has the harbour office of Sorn forbidden since May?")
    assert [c.date for c in since.citations] == ["2023-09-10"]
    assert since.notices == ("the month was taken to be that of 2023, as the newest document found is of 2023-09-10",)
    assert ask("What has the harbour office of Sorn forbidden since October 2023?").abstained


def test_what_cannot_be_compared_is_not_guessed(asked: Callable[..., Ask]) -> None:
    ask = asked(minutes=MINUTES)
    a = ask("Who is the tallest member of the society?")
    assert a.abstained
    assert any("not found in one table" in notice for notice in a.notices)
    average = ask("What is the average age of a holder?")
    assert average.abstained


def test_a_newer_document_comes_first_and_the_older_is_told_as_older(asked: Callable[..., Ask]) -> None:
    ask = asked(rules_2021=OLD, rules_2024=NEW)
    for question in (
        "What is the current meal allowance?",
        "What is the latest meal allowance for employees of Larkmoor?",
        "How much may employees of Larkmoor claim for meals?",
    ):
        a = ask(question)
        assert a.direct is not None
        assert "44 euros" in a.direct
        assert [(c.doc_id, claim.older) for c, claim in zip(a.citations, a.claims, strict=True)] == [
            ("rules_2024.txt", False), ("rules_2021.txt", True),
        ]  # fmt: skip
    dated = ask("How much could employees of Larkmoor claim for meals in 2021?")
    assert [c.doc_id for c in dated.citations] == ["rules_2021.txt"]


def test_sources_that_disagree_stand_side_by_side_and_copies_count_once(asked: Callable[..., Ask]) -> None:
    ask = asked(crack=CRACK, costly=COSTLY, copy=COSTLY)
    a = ask("How much will repairing the pier of the Marholt bridge cost?")
    assert a.disputed
    assert {c.doc_id for c in a.citations} == {"crack.txt", "copy.txt"}
    assert a.direct is not None
    assert "3.5 million" in a.direct
    assert "5.2 million" in a.direct
    assert "The sources disagree:" in answer_text(a)
    agreeing = ask("Why was the bridge in Marholt closed?")
    assert not agreeing.disputed


def test_what_stands_below_the_same_question_in_a_document_answers_it(asked: Callable[..., Ask]) -> None:
    a = asked(faq=FAQ)("Who pays for the return?")
    assert quotes(a) == ["You do, unless the item was faulty."]


def test_what_a_document_is_about_is_told_by_its_sentences_from_different_places(asked: Callable[..., Ask]) -> None:
    ask = asked(minutes=MINUTES, crack=CRACK, old=OLD, faq=FAQ)
    a = ask("What is this document about?", filters=Filters(documents=("crack.txt",)))
    assert a.shape == "gist"
    assert {c.doc_id for c in a.citations} == {"crack.txt"}
    assert quotes(a)[0].startswith("The road bridge over the Lenne")
    assert sum(len(claim.text.split()) for claim in a.claims) <= 90
    assert {c.doc_id for c in ask("Summarise the article about the bridge").citations} == {"crack.txt"}


def test_a_document_is_known_by_the_kind_that_its_name_says(asked: Callable[..., Ask]) -> None:
    ask = asked(minutes=MINUTES, crack=CRACK, costly=COSTLY, rules=OLD, faq=FAQ)
    assert {c.doc_id for c in ask("Summarise the minutes").citations} == {"minutes.txt"}
    assert ask("Summarise the text").abstained


def test_a_value_that_a_sentence_denies_is_not_the_answer(asked: Callable[..., Ask]) -> None:
    a = asked(d="The meeting did not take place on 4 May; it was moved to 11 May. Tea was served.")(
        "When did the meeting take place?"
    )
    assert a.direct == "11 May"


def test_a_yes_or_no_question_has_no_direct_words_and_a_place_for_its_polarity(asked: Callable[..., Ask]) -> None:
    a = asked(minutes=MINUTES)("Did Colin Peverell vote against the pump?")
    assert (a.direct, a.polarity, a.answers) == (None, None, ())


def test_an_account_does_not_go_on_in_a_document_that_lacks_what_is_named(asked: Callable[..., Ask]) -> None:
    ask = asked(
        hall=(
            "The Marholt ball\n\nIn former years the ballroom of Marholt was lighted by forty candles along the walls. "
            "The dancers came at eight."
        ),
        palace=(
            "The winter palace\n\nThe ballroom of the palace was lighted by a thousand candles in silver holders. "
            "Its ballroom was lit by lamps of oil in former years."
        ),
    )
    a = ask("How was the ballroom of Marholt lighted in former years?")
    assert "forty candles" in quotes(a)[0]
    assert {c.doc_id for c in a.citations} == {"hall.txt"}


def test_sources_of_equal_strength_stand_side_by_side_and_do_not_silence_one_another(asked: Callable[..., Ask]) -> None:
    towns = {"one": "the harbour", "two": "the old market", "three": "the chapel"}
    ask = asked(**{
        name: f"The sign of the cooper Tolmach near {place} belongs to Owner{name}, a cooper of the town."
        for name, place in towns.items()
    })  # fmt: skip
    a = ask("Who owns the sign of the cooper Tolmach?")
    assert a.disputed
    assert {c.doc_id for c in a.citations} == {"one.txt", "two.txt", "three.txt"}


def test_what_a_list_is_headed_by_gets_the_list_whole(asked: Callable[..., Ask]) -> None:
    ask = asked(minutes=MINUTES)
    assert quotes(ask("What may not be burned?")) == ["Wet leaves", "Painted wood", "Old tyres"]


SITES = """# Depots of the Varga line

The line has three depots, told of one after the other in the sections that follow.

## Holm

The foreman is Astrid Kvam and the depot was opened in 1987. It has 140 beds.

## Lund

The foreman is Mikko Salo and the depot was opened in 1994. It has 85 beds.

## Skive

The foreman is Ilze Berzina and the depot was opened in 2003. It has 61 beds.
"""
TICKETS = "ticket,subject,owner\nT-551,Broken hinge,Noor Aziz\nT-552,Wet cellar,Sven Lund\nT-553,Lost key,Ida Holt\n"
CHAT = """[12/03/2024, 09:14:02] Mona: who has the ladder of the yard?
[12/03/2024, 09:15:40] Per: Ulf has it since Monday
"""
LEASE = """Lease of Quay House

1. Term

1.1 The lease runs for five years from the first of May.

1.2 Either side may end it with ninety days of notice.

2. Rent

2.1 The rent is 640 crowns a month.

2.2 It is paid on the first day of each month.
"""


@pytest.mark.parametrize(
    ("question", "right"),
    [("Who is the foreman of Lund?", "Mikko Salo"), ("Who is the foreman of Skive?", "Ilze Berzina")],
)
def test_what_other_sections_say_of_others_is_not_listed_with_the_answer(
    asked: Callable[..., Ask], question: str, right: str
) -> None:
    a = asked(sites=SITES)(question)
    assert a.direct == right
    assert len(a.citations) == 1


def test_another_record_of_a_file_says_nothing_of_the_one_that_is_named(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    (tmp_path / "tickets.csv").write_text(TICKETS)
    collection = make_collection("collection")
    index_paths(collection, encoder, [tmp_path / "tickets.csv"])
    a = answer(collection, Models(encoder, reader), "Who is the owner of ticket T-552?")
    assert a.direct == "Sven Lund"
    assert quotes(a) == ["owner: Sven Lund"]


def test_who_asks_is_not_listed_with_who_is_asked_for(asked: Callable[..., Ask]) -> None:
    a = asked(chat=CHAT)("Who has the ladder of the yard?")
    assert a.direct == "Ulf"
    assert len(a.citations) == 1


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does clause 1.2 say?", ["1.2 Either side may end it with ninety days of notice."]),
        ("What is said in section 2.1 of the lease?", ["2.1 The rent is 640 crowns a month."]),
    ],
)
def test_a_part_that_is_named_by_its_number_is_told(
    asked: Callable[..., Ask], question: str, expected: list[str]
) -> None:
    assert quotes(asked(lease=LEASE)(question)) == expected


def test_a_heading_with_a_number_gives_what_stands_below_it(asked: Callable[..., Ask]) -> None:
    manual = "# Pump\n\n## 4.1 Start\n\nOpen the inlet.\n\n## 4.2 Stop\n\nClose valve C first. Then cut the power.\n"
    ask = asked(pump=manual)
    assert quotes(ask("What does section 4.2 say?")) == ["Close valve C first.", "Then cut the power."]
    assert ask("What does section 4.3 say?").abstained
    assert ask("What does section 4.2 of the boiler manual say?").abstained


def test_who_leads_is_one_though_others_stand_near(asked: Callable[..., Ask]) -> None:
    text = (
        "The Marholt growers, led by Ilse Brandt, asked the county for a new well on Monday. Members of the Marholt "
        "growers such as Tomas Weir have said the old one is salty. Piet Aalders speaks for the Marholt growers."
    )
    a = asked(growers=text)("Who leads the Marholt growers?")
    assert a.direct == "Ilse Brandt"
    assert len(a.citations) == 1


def test_a_value_is_told_with_the_word_that_says_it_is_not_exact(asked: Callable[..., Ask]) -> None:
    ask = asked(
        one="Seed bank\n\nThe Marholt seed bank has worked with more than 25 schools in the county since it opened.",
        two="Schools\n\nOver 15 schools in the county have worked with the Marholt seed bank, its yearly report says.",
    )
    a = ask("How many schools has the Marholt seed bank worked with?")
    assert not a.disputed
    assert a.direct in ("more than 25 schools", "more than 25", "Over 15 schools", "Over 15")


MANUAL = """# Care of the Orla pump

## Air filter

Clean the air filter twice a year.

1. Switch the pump off.
2. Take the lid off.
3. Wash the filter in water.

## Power

| Model | Flow (l/min) | Noise (dB) | Price (EUR) |
|---|---|---|---|
| A1 | 20 | 61 | 90 |
| A2 | 35 | 66 | 120 |
| A2 Plus | 40 | 58 | 210 |
"""


def test_the_steps_below_a_heading_of_the_questions_words_are_taken_whole(asked: Callable[..., Ask]) -> None:
    a = asked(manual=MANUAL)("How do I clean the air filter?")
    assert quotes(a) == ["1. Switch the pump off.", "2. Take the lid off.", "3. Wash the filter in water."]


def test_the_cell_of_a_row_and_a_column_that_are_named_answers(asked: Callable[..., Ask]) -> None:
    ask = asked(manual=MANUAL)
    assert ask("What is the noise of the A2 pump?").direct == "66"
    assert ask("What is the price of the A2 Plus?").direct == "210"


OVENS = """# Ovens of the Lumo range

| Model | Load (kg) | Baking time (min) | Peak (°C) | Price (EUR) | Steam |
|---|---|---|---|---|---|
| L-20 | 4 | 45 | 950 | 310 | no |
| L-30 | 6 | 40 | 1200 | 420 | 2 l tank |
| L-50 | 9 | – | 1400 |  | no |
| L-70 Pro | 12 | 30 | – | 990 | water pipe |

| Programme | Heat (°C) | Duration (min) |
|---|---|---|
| Eco 40-60 | 40 | 215 |
| Wool | 30 | 48 |

# Ovens sold

| Region | Spring | Autumn | Total |
|---|---|---|---|
| Coast | 31 | 44 | 75 |
| Hills | 12 |  | 12 |
| Total | 43 | 44 | 87 |
"""


@pytest.mark.parametrize(
    ("question", "cell"),
    [
        ("How much does the L-30 cost?", "420"),
        ("How many kg can the L-20 bake?", "4"),
        ("How long does the L-70 Pro take?", "30"),
        ("How long does Eco 40-60 take?", "215"),
        ("How many ovens were sold on the Coast in autumn?", "44"),
        ("What were the total sales in spring?", "43"),
        ("Which region sold 31 in spring?", "Coast"),
    ],
)
def test_a_cell_is_named_by_its_unit_and_by_what_asks_for_it(
    asked: Callable[..., Ask], question: str, cell: str
) -> None:
    a = asked(ovens=OVENS)(question)
    assert a.direct == cell
    assert a.confidence >= 0.75


PLANS = """# Plans of Inkwell

| Feature | Free | Team |
|---|---|---|
| Pages a month | 200 | 20,000 |
| Price (EUR) | 0 | 19 |

# Brews

| Drink | Water (ml) | Coffee (g) |
|---|---|---|
| Lungo | 110 | 9 |
| Hot water | 250 |  |
"""


def test_a_row_is_named_by_what_asks_for_it_and_a_rows_name_before_a_columns(asked: Callable[..., Ask]) -> None:
    ask = asked(plans=PLANS)
    assert ask("What does the Team plan cost?").direct == "19"
    assert ask("How much coffee goes into hot water?").abstained


def test_an_empty_cell_that_is_named_is_told_as_not_stated(asked: Callable[..., Ask]) -> None:
    ask = asked(ovens=OVENS)
    assert ask("How much does the L-50 cost?").abstained
    assert ask("How many ovens were sold in the Hills in autumn?").abstained


def test_a_row_or_a_year_that_a_table_has_not_is_told_as_not_stated(asked: Callable[..., Ask]) -> None:
    table = "| Station | 1911 | 2020 | 2021 |\n|---|---|---|---|\n| Skarn | 41 | 38 | n/a |\n| Tofte | 58 | 55 | 61 |\n"
    ask = asked(terns=f"# Terns\n\nNumber of terns that were counted at each station:\n\n{table}", ovens=OVENS)
    assert ask("How many terns did Tofte have in 2020?").direct == "55"
    assert ask("How many terns did Tofte have in 1911?").direct == "58"
    assert ask("How many terns did Skarn have in 2021?").abstained
    assert ask("How many terns did Tofte have in 2018?").abstained
    assert ask("What is the load of the Grande?").abstained


TERMS = """# Settings of the Quay server

## Keys

- bind: Address that the server listens at.
- idle_time: Minutes until a visitor is sent away. Set it to none to switch the idle time off.
- banner: Words above every page.
- mirror: Address of another server that has the same files.
"""


def test_how_a_thing_is_done_is_one_of_the_terms_and_not_all_of_them(asked: Callable[..., Ask]) -> None:
    a = asked(settings=TERMS)("How do I switch off the idle time?")
    assert [q.startswith("idle_time") or q.startswith("Set it to none") for q in quotes(a)] == [True] * len(quotes(a))
    assert quotes(a)


def test_rows_that_leave_a_cell_empty_or_look_like_years_are_compared(asked: Callable[..., Ask]) -> None:
    ask = asked(ovens=OVENS)
    assert ask("Which model has the highest peak?").direct == "L-50 (1400 °C)"
    assert ask("Which model takes the least baking time?").direct == "L-70 Pro (30 min)"


def test_a_column_that_says_no_or_what_tells_which_rows_are_asked_for(asked: Callable[..., Ask]) -> None:
    assert asked(ovens=OVENS)("Which models bake with steam?").direct == "L-30; L-70 Pro"


def test_a_row_that_no_word_of_the_question_picks_gives_way_to_a_sentence(asked: Callable[..., Ask]) -> None:
    rows = "| Month | Rent (EUR) | Power (EUR) |\n|---|---|---|\n| January | 2400 | 310 |\n| May | 2450 | 205 |"
    costs = f"# Costs of 2023\n\n{rows}"
    lease = "Lease of the Sorn office\n\nThe landlord lets the second floor. The rent is 3,050 euros a month."
    ask = asked(costs=costs, lease=lease)
    assert ask("What is the rent of the new office?").direct == "3,050 euros a month"
    assert ask("What was the rent in January?").direct == "2400"


def test_a_superlative_is_looked_up_in_the_column_that_measures_it(asked: Callable[..., Ask]) -> None:
    ask = asked(manual=MANUAL)
    assert ask("Which model is the quietest?").direct == "A2 Plus (58 dB)"
    assert ask("Which model is the cheapest?").direct == "A1 (90 EUR)"


def test_the_latest_on_a_thing_is_what_the_newest_document_about_it_tells(asked: Callable[..., Ask]) -> None:
    def article(day: str, title: str, words: str) -> str:
        return f"---\ndate: {day}\ntitle: {title}\n---\n\n{words}"

    ask = asked(
        old=article("2021-05-02", "Tunnel of Sorn planned", "The council plans a tunnel under the bay of Sorn."),
        new=article("2024-05-02", "Tunnel of Sorn flooded", "Water has flooded the new tunnel under the bay of Sorn."),
        other=article("2024-06-02", "Fair in Sorn", "The fair on the market square was visited by 900 people."),
    )
    assert quotes(ask("What's the latest on the tunnel?")) == [
        "Water has flooded the new tunnel under the bay of Sorn."
    ]
    assert quotes(ask("Tell me about the fair")) == ["The fair on the market square was visited by 900 people."]
    about = ask("Which articles are about the tunnel?")
    assert {c.doc_id for c in about.citations} == {"old.txt", "new.txt"}


def test_who_does_a_thing_is_a_name_and_not_what_somebody_else_is(asked: Callable[..., Ask]) -> None:
    text = "Jonah Reed starts on 1 April as a bookkeeper.\n\nDev Patel looks after Jonah Reed in the first weeks."
    assert asked(minutes=text)("Who looks after Jonah Reed?").direct == "Dev Patel"


def test_what_else_somebody_says_is_not_what_was_told(asked: Callable[..., Ask]) -> None:
    text = (
        "Lena Orr, the mayor of Varg, said that the harbour would open in May.\n\n"
        "Lena Orr also said that the harbour had cost nine million crowns.\n\n"
        "Ole Brandt, a farmer, said that the harbour was a waste of money."
    )
    ask = asked(article=text)
    first = ask("What did Lena Orr say about the harbour?")
    assert {claim.speaker for claim in first.claims} == {"Lena Orr"}
    other = ask("who else?", history=[Turn.of(first)])
    assert {claim.speaker for claim in other.claims} == {"Ole Brandt"}


def news(day: str, words: str) -> str:
    return f"---\ndate: {day}\n---\n\n{words}"


def test_sources_that_say_yes_and_no_stand_side_by_side(asked: Callable[..., Ask]) -> None:
    ask = asked(
        a=news("2021-03-01", "The railway to Cape Sorn is closed because of the landslide."),
        b=news("2021-05-01", "The railway to Cape Sorn is open again, after two months of work."),
        c=news("2021-05-02", "Dogs are not allowed on the beach of Cape Sorn in summer."),
        d=news("2021-05-03", "The hotel owners want dogs to be allowed on the beach of Cape Sorn."),
    )
    railway = ask("Is the railway to Cape Sorn open?")
    assert railway.disputed
    assert {c.date for c in railway.citations} == {"2021-03-01", "2021-05-01"}
    assert railway.direct is None
    assert not ask("Are dogs allowed on the beach of Cape Sorn?").disputed  # what is wanted is not so


def test_two_causes_and_two_holders_of_a_post_are_disputed(asked: Callable[..., Ask]) -> None:
    ask = asked(
        a=news("2020-01-05", "A cigarette caused the fire in the mill of Sorn. The mayor of Sorn is Ada Kemp."),
        b=news("2020-02-05", "The fire in the mill of Sorn was caused by an old heater. Two horses were saved."),
        c=news("2023-02-05", "The mayor of Sorn is Bo Lund. He opened the new bridge on Monday."),
    )
    cause = ask("What caused the fire in the mill of Sorn?")
    assert cause.disputed
    assert [c.date for c in cause.citations] in (["2020-01-05", "2020-02-05"], ["2020-02-05", "2020-01-05"])
    mayor = ask("Who is the mayor of Sorn?")
    assert mayor.disputed
    assert {c.date for c in mayor.citations} == {"2020-01-05", "2023-02-05"}


def test_what_a_sentence_calls_the_most_needs_no_values(asked: Callable[..., Ask]) -> None:
    ask = asked(flood="The flood\n\nThe flood came at night. The villages damaged were primarily Orby, Tarn and Holt.")
    a = ask("Which villages suffered most from the flood?")
    assert a.direct is not None
    assert "Orby" in a.direct
    assert a.computed is None


def test_the_most_of_the_records_of_a_file_is_told_by_what_they_are_called(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    path = tmp_path / "anchors.csv"
    path.write_text("code,name,weight (kg)\nA-1,Plough Tern,14\nA-2,Claw Skua,22.5\nA-3,Danforth Knot,9\n")
    collection = make_collection("records")
    index_paths(collection, encoder, [path])
    assert answer(collection, Models(encoder, reader), "Which anchor is the heaviest?").direct == "Claw Skua (22.5 kg)"


def test_a_copy_in_which_another_value_was_put_disagrees(asked: Callable[..., Ask]) -> None:
    text = (
        "The Oleander Prize is given every year to a translator. It was founded in 1998 by the bookseller Pia Holm and "
        "is worth 10,000 crowns. In 2021 the prize went to {}. The ceremony was held in the old customs house. The "
        "jury has five members, who serve for three years."
    )
    ask = asked(a=text.format("Mara Quist"), b=text.format("Ivo Tennant"), c="The customs house has a cafe.")
    winner = ask("Who won the Oleander Prize in 2021?")
    assert winner.disputed
    assert {c.doc_id for c in winner.citations} == {"a.txt", "b.txt"}
    assert not ask("Who founded the Oleander Prize?").disputed


def test_two_things_or_a_name_and_a_group_are_disputed_where_one_is_asked_for(asked: Callable[..., Ask]) -> None:
    ask = asked(
        a="The Court Tree at Lissa is an oak, about 600 years old. The wreck of the Halcyon was found by Piet Strand.",
        b="In 1974 navy divers discovered the wreck of the Halcyon. The Court Tree in Lissa is a mighty lime.",
    )
    assert ask("What kind of tree is the Court Tree at Lissa?").disputed
    assert ask("Who found the wreck of the Halcyon?").disputed


def test_what_is_so_in_one_case_does_not_disagree_with_another(asked: Callable[..., Ask]) -> None:
    ask = asked(
        e="Holm has 640 people, a chapel and an inn.",
        f="Gorm has 9,100 people and a mine.",
        a="In winter the library of Amble is open until 18:00. The hall was designed by the engineer Ada Strom.",
        b="In summer the library of Amble is open until 20:00. The hall was built by the firm Stahl from 1901 on.",
        c="In 2019 the mine at Kolt produced 3.1 million tonnes of ore.",
        d="In 2020 the mine at Kolt produced 2.6 million tonnes of ore.",
    )
    assert not ask("Until when is the library of Amble open?").disputed
    assert not ask("Who designed the hall?").disputed
    assert not ask("How many people live there?").disputed  # of which place is not said
    assert not ask("How much ore did the mine at Kolt produce in 2019?").disputed


def test_of_two_of_one_name_the_one_that_the_question_describes_answers(asked: Callable[..., Ask]) -> None:
    ask = asked(
        a="John Reed (1861-1930) was an architect. He was born in Amble and built the town hall of Pell.",
        b="John Reed (born 1990) is a footballer. He was born in Gorm and plays for Varn as a goalkeeper.",
        c="The singer Una Falk was born in Holm. She sang in Varg for nine years.",
        d="The rower Una Falk was born in Varg, where her mother kept an inn.",
    )
    player = ask("Where was the footballer John Reed born?")
    assert (player.disputed, player.direct) == (False, "Gorm")
    architect = ask("Where was John Reed the architect born?")
    assert (architect.disputed, architect.direct) == (False, "Amble")
    assert ask("Where was John Reed born?").disputed
    singer = ask("Where was the singer Una Falk born?")
    assert (singer.disputed, singer.direct) == (False, "Holm")


def test_what_takes_place_and_what_is_called_off_are_opposed(asked: Callable[..., Ask]) -> None:
    ask = asked(
        a="The Reed Festival will take place on the meadow in any weather. Dogs may run free in Dean Park, even off "
        "the lead, and there is a tap.",
        b="Because of the high water the Reed Festival has been called off. Dogs must be kept on a lead everywhere in "
        "Dean Park.",
        c="Sorn fever cannot be passed from person to person.",
        d="Sorn fever spreads from person to person by touch.",
    )
    assert ask("Will the Reed Festival take place?").disputed
    assert ask("Can dogs run off the lead in Dean Park?").disputed
    assert ask("Is Sorn fever passed from person to person?").disputed


BARN = """# Lease of the cider barn

## 1. Term

1.1 The barn is let for six years from 1 May 2022.

## 2. Use

2.1 The tenant may press and sell cider.

2.2 The tenant may not keep animals in the barn, other than one goat. It has to be tied up at night.

## 3. Quarrels

3.1 A quarrel is first put to the schoolmaster of Ellingby.

3.2 His word is final.
"""


@pytest.mark.parametrize(
    ("question", "part", "said"),
    [
        ("Which clause says we may keep a goat?", "2.2", "The tenant may not keep animals in the barn"),
        ("Which clause allows us to sell cider?", "2.1", "The tenant may press and sell cider"),
        ("Which section deals with quarrels?", "3. Quarrels", "A quarrel is first put to the schoolmaster"),
    ],
)
def test_which_clause_says_something_is_answered_by_its_number_or_heading(
    asked: Callable[..., Ask], question: str, part: str, said: str
) -> None:
    told = asked(lease=BARN)(question)
    assert told.direct == part
    assert said in told.citations[0].quote


def test_a_clause_that_no_document_has_is_not_named(asked: Callable[..., Ask]) -> None:
    assert asked(lease=BARN)("Which clause covers the solar panels on the roof?").abstained


def test_at_most_asks_for_a_limit_and_not_for_the_most_of_a_table(asked: Callable[..., Ask]) -> None:
    text = (
        "Rent of the barn\n\nThe rent rises with prices, but by no more than 7 per cent a year.\n\n"
        "| Rent | Sum |\n|---|---|\n| Rent of the barn | 900 euros |\n| Rent of the yard | 310 euros |\n"
    )
    told = asked(rent=text)("By how much can the rent rise at most?")
    assert "7 per cent" in (told.direct or "")
    assert told.computed is None


def test_an_item_that_is_an_amount_of_what_is_asked_answers(asked: Callable[..., Ask]) -> None:
    cake = "Plum cake\n\nIngredients\n\n- 450 g plums\n- 3 eggs\n- 200 ml milk\n- 80 g butter\n\nMethod\n\n"
    ask = asked(cake=f"{cake}Stone the plums and lay them on the dough, then bake it for an hour in a hot oven.")
    for question, amount in [("How much butter is needed?", "80 g"), ("How many plums are needed?", "450 g")]:
        a = ask(question)
        assert (a.direct or "").startswith(amount)
        assert a.confidence >= 0.75


def test_the_meaning_of_a_word_stands_below_it_in_a_glossary(asked: Callable[..., Ask]) -> None:
    words = (
        "# Words of the yard\n\n## Bight\n\nA bend of rope between its ends. It bears no load by itself.\n\n"
        "## Fid\n\nA cone of hard wood. With it the strands of a rope are opened.\n\n"
        "## Thimble\n\nA ring with a groove, laid into the eye of a rope.\n"
    )
    ask = asked(words=words, log="On Monday the fid, the mallet and two ropes were found in the boat of Piet Strand.")
    for question in ("What does the word fid mean?", "What is meant by “fid”?", "Define fid."):
        told = ask(question)
        assert told.citations[0].quote == "A cone of hard wood.", question
        assert "strands of a rope" in told.text
    assert not ask("What does the word marlinspike mean?").text.startswith("A cone")
