"""What the check does not bear out gives way to the document's sentence."""

from rag.citations import Citation, Claim, Verdict
from rag.generation.quoting import Quotes, says, with_quotes


def citation(label: int, start: int, quote: str) -> Citation:
    return Citation(label, "a.txt", None, None, None, None, 1, start, start + len(quote), quote, 0, 500)


BRIDGE, MAYOR = "Ann Example mended the bridge in 1998.", "Bob Sample paid 400 crowns."
QUOTES = Quotes(
    (Claim(BRIDGE, (1,), 1.0, "supported"), Claim(MAYOR, (2,), 1.0, "supported")),
    (citation(1, 0, BRIDGE), citation(2, 50, MAYOR)),
    ("Ann Example", "400 crowns"),
)

LARGE, SMALL = {Verdict.UNSUPPORTED}, {Verdict.UNSUPPORTED, Verdict.WEAK}


def test_what_is_not_borne_out_is_replaced_by_the_best_quote_and_says_so() -> None:
    claims, citations = with_quotes([Claim("Carl did it.", (), 0.1, "unsupported")], [], QUOTES, refused=LARGE)
    assert claims == (Claim(BRIDGE, (1,), 1.0, "supported", quoted_instead=True),)
    assert citations == (citation(1, 0, BRIDGE),)


def test_what_is_borne_out_and_has_the_marked_words_stays_alone() -> None:
    own = Claim("It was Ann Example.", (1,), 0.9, "supported")
    assert with_quotes([own], [citation(1, 0, BRIDGE)], QUOTES, refused=SMALL) == (
        (own,), (citation(1, 0, BRIDGE),),
    )  # fmt: skip


def test_a_second_sentence_that_is_refused_gives_way_to_the_next_quote_with_labels_in_order() -> None:
    own = Claim("It was Ann Example.", (1,), 0.9, "supported")
    lie = Claim("Carl paid.", (), 0.0, "unsupported")
    claims, citations = with_quotes([own, lie], [citation(1, 0, BRIDGE)], QUOTES, refused=LARGE)
    assert [(c.text, c.labels, c.quoted_instead) for c in claims] == [
        ("It was Ann Example.", (1,), False),
        (MAYOR, (2,), True),
    ]
    assert [(c.label, c.quote) for c in citations] == [(1, BRIDGE), (2, MAYOR)]


def test_true_sentences_that_do_not_answer_have_the_best_quote_before_them() -> None:
    beside = Claim("The bridge is old.", (1,), 0.9, "supported")
    claims, citations = with_quotes([beside], [citation(1, 90, "The old bridge.")], QUOTES, refused=SMALL)
    assert [(c.text, c.labels, c.quoted_instead) for c in claims] == [
        (BRIDGE, (1,), True),
        ("The bridge is old.", (2,), False),
    ]
    assert [(c.label, c.start) for c in citations] == [(1, 0), (2, 90)]


def test_a_weak_sentence_is_kept_of_a_large_model_and_not_of_a_small_one() -> None:
    weak = Claim("It was Ann Example.", (1,), 0.3, "weak")
    kept, _ = with_quotes([weak], [citation(1, 0, BRIDGE)], QUOTES, refused=LARGE)
    small, _ = with_quotes([weak], [citation(1, 0, BRIDGE)], QUOTES, refused=SMALL)
    assert [c.quoted_instead for c in (*kept, *small)] == [False, True]


def test_without_a_quote_what_is_refused_stays_as_it_was_judged() -> None:
    lie = Claim("Carl paid.", (), 0.0, "unsupported")
    assert with_quotes([lie], [], Quotes(), refused=SMALL) == ((lie,), ())


def test_a_model_that_says_nothing_is_quoted_for() -> None:
    claims, _ = with_quotes([], [], QUOTES, refused=SMALL)
    assert [c.text for c in claims] == [BRIDGE]


def test_words_are_said_with_all_their_numbers_and_half_of_the_rest() -> None:
    assert says("About 400 crowns were paid.", "400 crowns")
    assert not says("About 4,000 crowns were paid.", "400 crowns")
    assert says("The engineer Example did.", "Ann Example")
    assert not says("The mayor did.", "Ann Example")
    assert not says("", "it")


def test_of_a_small_model_what_it_was_not_shown_and_what_lacks_the_words_is_refused() -> None:
    shown = ["Who mended the bridge?"]
    cited = [citation(1, 0, BRIDGE)]

    def quoted(text: str) -> bool:
        own = Claim(text, (1,), 0.9, "supported")
        claims, _ = with_quotes([own], cited, QUOTES, refused=SMALL, built_of=shown)
        assert [c.text for c in claims[1:]] == [MAYOR]
        return claims[0].quoted_instead

    assert not quoted("The bridge was mended by Ann Example.")
    assert quoted("Ann Example, a famous protein researcher, mended the moon bridge.")
    assert quoted("The bridge was mended in 1998.")
    assert quoted("The bridge was mended by Ann.")  # half of the words
    assert not quoted("The bridge's mender was Ann Example.")


def test_what_else_answers_is_quoted_behind_the_one_sentence_of_a_small_model_and_not_twice() -> None:
    own = Claim("Ann Example mended the bridge.", (1,), 0.9, "supported")
    both = Claim("Ann Example mended the bridge for 400 crowns.", (1,), 0.9, "supported")
    cited, shown = [citation(1, 0, BRIDGE)], [BRIDGE, MAYOR]
    claims, citations = with_quotes([own], cited, QUOTES, refused=SMALL, built_of=shown)
    assert [(c.text, c.labels, c.quoted_instead) for c in claims] == [(own.text, (1,), False), (MAYOR, (2,), True)]
    assert [c.quote for c in citations] == [BRIDGE, MAYOR]
    assert with_quotes([both], cited, QUOTES, refused=SMALL, built_of=shown)[0] == (both,)
