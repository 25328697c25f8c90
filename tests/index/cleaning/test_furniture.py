"""Kinds of paragraphs: hand labels of the sample, invented pages of other shapes, and what must never be lost."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import SAMPLE
from index.cleaning.furniture import classify, headline
from index.cleaning.rules import is_credit
from index.formats.content import Piece, laid_out, table
from index.formats.stated import stated_metadata
from index.paragraphs import Kind

BODY = "The committee of the town met on Tuesday and agreed, after a long debate, to mend the old bridge before winter."


def kinds(*blocks: str, title: str | None = None) -> list[str]:
    return [p.kind.value for p in classify("\n\n".join(blocks), "d", title=title)]


def test_the_sample_is_labelled_as_by_hand_and_no_body_is_lost() -> None:
    labels = json.loads((SAMPLE / "kinds.json").read_text())
    pairs = []
    for name, expected in labels.items():
        text = (SAMPLE / "articles" / name).read_text()
        found = classify(text, name, title=stated_metadata(text).get("title"))
        assert len(found) == len(expected)
        pairs += [(want, p.kind.value) for want, p in zip(expected, found, strict=True)]
    assert [pair for pair in pairs if pair[0] == "body" and pair[1] != "body"] == []
    assert sum(want == got for want, got in pairs) / len(pairs) >= 0.98


@pytest.mark.parametrize(
    "line",
    [
        "Menu Close",
        "<!-- analytics -->",
        "!-- Tag manager (tag.js) -->",
        "Skip to main content",
        "Leave a Comment",
        "Your email address will not be published. Required fields are marked *",
        "Scroll to Top",
        "Share this story",
        "Read more at Harbour Post.",
        "Stay informed and gain unlimited access to our unmatched reporting. Subscribe now.",
        "Get the Harbour Post’s biggest stories delivered right to your inbox. Sign up now.",
        "Register now",
        "Write an article and join a growing community of more than 9,000 authors from 70 institutions.",
        "Want to write?",
        "Home | News | Sport | Weather",
        "© Harbour Post. All rights reserved.",
        "We use cookies to improve your visit. Accept",
        "[Share](#s) | [Print](#p)",
        "Log in",
        "3 comments",
        "Ada Lind @adalind / 2 days",
    ],
)
def test_menus_pleas_forms_and_residue_near_the_ends_are_furniture(line: str) -> None:
    assert kinds(line, "Bridge to be mended before winter", BODY, BODY + " So it was.", line)[0] == "furniture"
    assert kinds("Bridge to be mended before winter", BODY, BODY + " So it was.", line)[-1] == "furniture"


@pytest.mark.parametrize(
    "line",
    [
        "Photo Illustration by Ann Example/Harbour Post/Wirepool",
        "The old bridge in the rain, seen from the mill on 3 March. Ann Example/WPL",
        "The mayor explains the plan (Harbour TV, May 2021).",
        "Photo: Harbour Post / staff",
        "File photo. Example Pictures",
        "The mill at night. (Example Pictures)",
    ],
)
def test_credits_and_picture_lines_are_captions_wherever_they_stand(line: str) -> None:
    assert kinds("Bridge to be mended", line, BODY, BODY + " It rained.") == ["heading", "caption", "body", "body"]
    assert kinds("Bridge to be mended", BODY, line, BODY + " It rained.") == ["heading", "body", "caption", "body"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Ann Example/WPL", True),
        ("(Ann Example via Harbour Post)", True),
        ("Photo: Harbour Post / staff", True),
        ("Photo Illustration by Ann Example/Harbour Post/Wirepool", True),
        ("(Example Pictures)", True),
        ("Photo: mayor.example.org", True),
        ("Photo: Mayor Ann Example opens the bridge", False),
        ("Map of the mill", False),
        ("Photo: the old bridge in the rain, seen from the mill on 3 March", False),
        ("The old bridge in the rain, seen from the mill on 3 March. Ann Example/WPL", False),
        ("The mill at night.", False),
        ("The mayor explains the plan (Harbour TV, May 2021).", False),
        ("", False),
    ],
)
def test_a_credit_alone_is_told_from_a_caption_that_says_something(line: str, expected: bool) -> None:
    assert is_credit(line) is expected


def test_section_headings_are_headings_and_a_line_without_text_below_is_furniture() -> None:
    assert kinds("Bridge to be mended", BODY, "An old quarrel", BODY + " It rained.", "Local news") == [
        "heading",
        "body",
        "heading",
        "body",
        "furniture",
    ]


def test_short_quotations_and_one_line_paragraphs_are_body() -> None:
    page = ["Bridge to be mended", BODY, "“He is not that brave,” she said.", "That should be a sign.", BODY + " So?"]
    assert kinds(*page) == ["heading", "body", "body", "body", "body"]


def test_a_country_is_not_taken_for_the_reader() -> None:
    assert kinds("Talks end", BODY, "He led the US mission for years.")[-1] == "body"


def test_a_text_that_speaks_to_its_reader_throughout_keeps_its_short_sentences() -> None:
    policy = "When you use the service we keep the address that you gave us, so that we can reach you about your order."
    assert kinds(policy, policy + " Always.", "You can ask us to delete it.") == ["body"] * 3


def test_a_single_line_that_is_no_sentence_is_kept() -> None:
    assert kinds("supersonic flow past a flat plate") == ["body"]


@given(st.text(max_size=400), st.lists(st.sampled_from(["Menu", BODY, "Sign up now.", "\n\n", "© x"]), max_size=8))
def test_a_document_that_has_a_sentence_is_never_all_furniture(text: str, blocks: list[str]) -> None:
    page = text + "\n\n" + "\n\n".join([*blocks, BODY])
    found = classify(page, "d")
    assert any(p.kind in (Kind.BODY, Kind.CAPTION) for p in found)
    assert [p.number for p in found] == list(range(1, len(found) + 1))
    assert [p.kind for p in found] == [p.kind for p in classify(page, "other name")]


def test_keep_all_leaves_no_furniture() -> None:
    found = classify(f"Menu\n\nTitle of it here\n\n{BODY}\n\nScroll to top", "d", keep_all=True)
    assert [p.kind.value for p in found] == ["body", "heading", "body", "body"]


def test_the_headline_is_the_line_that_says_something() -> None:
    text = f"Menu Close\n\nNews Opinion Sport\n\nHow the bridge was saved\n\n{BODY}"
    assert headline(text, classify(text, "d")) == "How the bridge was saved"
    assert headline(BODY, classify(BODY, "d")) is None


@pytest.mark.parametrize(
    "line",
    [
        "“You must leave now,” he told us.",
        "They left us no choice.",
        "The court ruled that cookies need consent, and the newsletter was stopped.",
    ],
)
def test_a_short_last_sentence_that_speaks_to_nobody_is_body(line: str) -> None:
    assert kinds("Talks end", BODY, BODY + " It rained.", line)[-1] == "body"


def test_rows_of_links_and_of_spaces_take_no_time_to_judge() -> None:
    assert kinds("[a](b) " * 29 + "x", BODY)[0] == "furniture"
    assert kinds(BODY, "x" + " " * 100_000 + "x")[0] == "body"


POLICY = [
    "Your privacy",
    "We collect your name, your e-mail address and what you tell us when you contact us.",
    "Please read this policy before you subscribe to our newsletter or create an account.",
    "You may ask us to delete your account at any time. Please write to us.",
    "We use cookies so that you can stay signed in. You can block them in your browser.",
    "If you do not agree, please do not use our services.",
]
ABSTRACTS = [
    "experimental investigation of the flow over a slender wing in a stream of low density .\n the pressure on it "
    "was measured at four angles . it was found that the lift falls with the density, as theory says it should .",
    "BACKGROUND: Whether fish oil lowers blood pressure is not known. METHODS: We asked 212 adults to keep a diary. "
    "RESULTS: It did not. CONCLUSION: Please interpret these findings with caution.",
    "Share prices fall when a company is taxed, and you cannot tax what you cannot see. Register it, then tax it.",
    "He was born in the town in 1911. See also the list of mayors. The old bridge is among the most read of his books.",
]


def test_policies_abstracts_and_arguments_lose_nothing() -> None:
    assert "furniture" not in kinds(*POLICY)
    for text in ABSTRACTS:
        assert "furniture" not in kinds(text)
    assert "furniture" not in kinds(*ABSTRACTS)


CLAUSE = "This agreement is governed by the law of the state in which the seller has its seat, and by no other law."


def test_near_copies_and_standard_clauses_stay_whatever_was_read_before() -> None:
    head = "Contract on the sale of the mill, number"
    texts = ["\n\n".join([f"{head} {n}", BODY, CLAUSE, CLAUSE + " Again.", CLAUSE]) for n in range(5)]
    forward = [[p.kind for p in classify(text, "d")] for text in texts]
    backward = [[p.kind for p in classify(text, "d")] for text in reversed(texts)]
    assert forward == backward[::-1]
    assert all(Kind.FURNITURE not in found for found in forward)


def flattened(*body: str) -> list[str]:
    menu = [
        "Home",
        "World",
        "Business",
        "Sport",
        "Weather",
        "Log in",
        "Subscribe",
        "Search",
        "Menu",
        "Video",
        "Opinion",
    ]
    head = ["The old bridge is saved at last", "By Ann Example", "4 May 2021", "Share", "Tweet"]
    teasers = [
        line
        for place in ("Northfield", "Eastham", "Westbrook", "Southport", "Hillside", "Lakeview")
        for line in (f"Fire destroys bakery in {place} overnight", "2 hours ago", "Read more")
    ]
    foot = [
        "Most read",
        *teasers,
        "Follow us",
        "Facebook",
        "Twitter",
        "© 2021 Harbour Post",
        "Privacy",
        "Terms",
        "Contact",
    ]
    return [*menu, *head, *body, *foot]


def test_of_a_flattened_page_the_article_is_kept_and_what_surrounds_it_is_not() -> None:
    body = [
        BODY,
        BODY.replace("bridge", "bridge over the river") + " The engineer said that it would take two years.",
        "“We are glad that it is over,” said the mayor of the town, who had asked for the money three times.",
        "The bridge was built in 1911 by the grandfather of the engineer who will now mend it with his own firm.",
        "He said it once more.",
        "Work will begin in the spring, when the water of the river is low, and will end in the autumn of next year.",
    ]
    blocks = flattened(*body)
    found = dict(zip(blocks, kinds(*blocks), strict=True))
    assert [found[block] for block in body] == ["body"] * len(body)
    assert found["The old bridge is saved at last"] == "heading"
    others = [block for block in blocks if block not in body and block != "The old bridge is saved at last"]
    assert [block for block in others if found[block] != "furniture"] == []


@pytest.mark.parametrize(
    "line",
    [
        "Close the lid before lifting the pan.",
        "Check the oil every week.",
        "Print the label twice.",
        "Contact: Ann Example, extension 12",
        "Keeper of the key: Bo Example",
        "Register the pump with the harbour office.",
        "Tip: it freezes well.",
    ],
)
def test_steps_and_facts_are_body_wherever_they_stand(line: str) -> None:
    assert kinds("The old mill", BODY, line, BODY + " So?")[2] == "body"
    assert kinds("The old mill", BODY, BODY + " So?", line)[-1] == "body"


def test_what_follows_the_last_long_sentence_is_kept_where_nothing_is_of_a_page() -> None:
    text = f"# Trip\n\n{BODY}\n\n## To take\n\n- a rope of 30 metres\n- two lamps\n\n## Help\n\nWarden: Ann Example"
    assert [p.stored_kind for p in classify(text, "d")] == [
        "heading 1", "body", "heading 2", "list item 1", "list item 1", "heading 2", "body",
    ]  # fmt: skip
    page = f"The old bridge\n\n{BODY}\n\nFire in the mill\n\nBoats are late\n\nSubscribe to our newsletter"
    assert [p.kind.value for p in classify(page, "d")] == ["heading", "body", *["furniture"] * 3]


def test_of_a_text_that_is_no_page_the_first_line_is_the_title_and_not_the_longest() -> None:
    text = f"Onion pie\n\nServes 6. Takes an hour.\n\nFilling\n\n700 g of onions\n3 eggs\n200 ml of cream\n\n{BODY}"
    found = classify(text, "d")
    assert headline(text, found) == "Onion pie"
    assert [p.kind.value for p in found] == ["heading", "body", "heading", *["list item"] * 3, "body"]


def test_blocks_that_a_reader_knows_stay_what_they_are_and_the_rest_is_judged() -> None:
    pieces = [
        Piece("Home", Kind.FURNITURE),
        Piece("The mill", Kind.HEADING, 1),
        Piece(f"{BODY}\n\n{BODY} Again."),
        Piece("Subscribe", Kind.LIST_ITEM, 1),
        *table([["Boat", "Crew"], ["Tern", ""]]),
        Piece("Log in"),
    ]
    text, blocks, _ = laid_out([pieces])
    found = classify(text, "d", blocks=blocks)
    assert [p.stored_kind for p in found] == [
        "furniture", "heading 1", "body", "body", "list item 1", "table row 1", "table row", "furniture",
    ]  # fmt: skip
    kept = classify(text, "d", blocks=blocks, keep_all=True)
    assert [p.kind.value for p in kept][-1] == "body"
    assert [text[p.start : p.end] for p in found[-2:]] == ["| Tern |  |", "Log in"]


def test_a_long_manual_of_short_lines_is_no_flattened_page() -> None:
    steps = [f"{n}. Turn the wheel to mark {n}." for n in range(1, 40)]
    text = "The old mill\n\n" + BODY + "\n\n" + "\n\n".join(steps)
    assert all(p.kind is not Kind.FURNITURE for p in classify(text, "d"))


GUIDE = """# Fetcher

[![Build](https://img.example/build.svg)](https://ci.example/fetcher)

- [Install](#install)
- [Use](#use)

Fetcher reads a list of addresses and keeps what it finds there in one folder, with a note of when it was there last.

## Install

To install it, run this:

```
fetcher-setup --all
```

Log in, then start working with the hub:

```
fetcher login
```

## Use

- Sessions with cookie persistence
- Read more than one list at a time
- Close sockets when a read times out

Used by:

- [Heronry](https://heronry.example)
- [Larder](https://larder.example)

**Documentation**: [fetcher.example](https://fetcher.example)

## Changes

### 2.1

- Fix a file that was not closed ([#12](https://hub.example/12))
- Add `--quiet` by [@ada](https://hub.example/ada)

Sign up for our newsletter to be told of new versions.
"""


def test_a_guide_with_headings_lists_and_code_keeps_what_a_page_would_have_for_furniture() -> None:
    found = {GUIDE[p.start : p.end]: p.kind for p in classify(GUIDE, "d")}
    furniture = [words for words, kind in found.items() if kind is Kind.FURNITURE]
    assert furniture == [
        "[![Build](https://img.example/build.svg)](https://ci.example/fetcher)",
        "- [Install](#install)\n- [Use](#use)",
        "Sign up for our newsletter to be told of new versions.",
    ]
    assert found["## Changes"] is Kind.HEADING
    assert found["Close sockets when a read times out"] is Kind.LIST_ITEM


def test_the_clauses_of_a_law_are_no_script() -> None:
    law = [
        "§ 7-11. Who sits on the board.",
        "(a) The board is made up of the following persons, who are named by the council for a term of five years:",
        "(1) The Mayor;",
        "(2) The clerk, or an officer (if there is one) of the clerk;",
        "(3) Accept or refuse a fee(s) under section 4;",
        "(b) It meets in public.",
    ]
    assert "furniture" not in kinds(*law)
    assert kinds("Home", "track(page, 7);", "var x = 1;", BODY, BODY)[:3] == ["furniture"] * 3


def test_who_signed_an_article_and_when_is_furniture_below_it() -> None:
    assert kinds("Bridge", BODY, BODY + " So it was.", "Written by Ada Lind, RN on May 14, 2031")[-1] == "furniture"


@pytest.mark.parametrize(
    "words",
    [
        "By the river",
        "From Riga to Tartu",
        "By air",
        "Published works 2010 to 2020",
        "Updated rules of 2019",
        "Cookies and cream",
        "Log in",
        "Newsletter",
    ],
)
def test_a_marked_heading_with_a_text_below_it_is_no_byline_and_no_offer(words: str) -> None:
    assert kinds("# The mill", BODY, BODY, f"## {words}", BODY, BODY) == [
        "heading", "body", "body", "heading", "body", "body",
    ]  # fmt: skip


def test_a_line_that_places_something_is_no_byline() -> None:
    assert kinds("The mill", BODY, BODY, "By the river", BODY)[3] == "heading"


@pytest.mark.parametrize("words", ["By Ada Lind", "By our foreign staff", "From the foreign desk", "Posted 4 May 2031"])
def test_names_and_dates_marked_as_a_heading_are_a_byline(words: str) -> None:
    assert kinds("# The mill", f"## {words}", BODY, BODY, BODY)[1] == "furniture"
    assert kinds("The mill", words, BODY, BODY, BODY)[1] == "furniture"
