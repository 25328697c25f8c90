"""Claims: pinned to verbatim characters of one paragraph, judged before they are shown as checked."""

import re
from collections.abc import Callable, Sequence

import pytest

from index.collection import Collection
from index.encoder.embedding import Encoder
from index.passages import Passage
from rag.citations import Sources
from rag.generation.checking import Checked, check
from rag.generation.markers import resolve
from rag.words import content_words

BRIDGE = (
    "The old bridge of the town was mended by the engineer Ann Example before the winter of 1998. "
    "The mayor, Bob Sample, paid for the work from the town's forest fund. "
    "Ann Example left the town in 2001.\n\n"
    "The tower was built in 1870 by Carl Specimen, who never saw it finished."
)
TOWER = "The tower of the castle fell in 1911, and nobody built it again."


class WordsOfClaim:
    """Supports a claim by the share of its words that the text holds; four in five make it weak."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        def share(claim: str, text: str) -> float:
            own = {word.casefold() for word in content_words(claim)}
            theirs = {word.casefold() for word in content_words(text)}
            numbers = set(re.findall(r"\d+", claim))
            held = 0.0 if numbers - set(re.findall(r"\d+", text)) else len(own & theirs) / max(len(own), 1)
            return held if held >= 0.99 else held / 2 if held >= 0.8 else held / 4

        return [share(claim, text) for claim, text in pairs]


Check = Callable[..., Checked]


@pytest.fixture
def checked(make_collection: Callable[..., Collection], encoder: Encoder) -> Check:
    collection = make_collection(bridge=BRIDGE, tower=TOWER)
    with collection.reading() as snapshot:
        passages: list[Passage] = [*snapshot.passages_of("bridge.txt"), *snapshot.passages_of("tower.txt")]
        sources = Sources(snapshot)
        sources.keep(["bridge.txt", "tower.txt"])

    def run(text: str, *, support: WordsOfClaim | None = None, strict: bool = False) -> Checked:
        said = resolve(text, len(passages)).sentences
        return check(said, passages, sources, encoder, support, strict=strict)

    return run


def number_of(checked: Check, words: str) -> int:
    """The number of the passage that holds these words."""
    for number in range(1, 9):
        found = checked(f"{words} [{number}].").citations
        if found and words in found[0].quote:
            return number
    raise AssertionError(words)


def test_each_number_is_pinned_to_the_sentence_that_says_it(checked: Check) -> None:
    n = number_of(checked, "forest fund")
    made = checked(f"Bob Sample paid for it. [{n}] In 2001 Ann Example left. [{n}]")
    assert [c.quote for c in made.citations] == [
        "The mayor, Bob Sample, paid for the work from the town's forest fund.",
        "Ann Example left the town in 2001.",
    ]
    assert [claim.labels for claim in made.claims] == [(1,), (2,)]
    for c in made.citations:
        assert BRIDGE[c.start : c.end] == c.quote
        assert c.paragraph_start <= c.start < c.end <= c.paragraph_end


def test_the_same_place_has_one_label_and_two_passages_have_two(checked: Check) -> None:
    n, m = number_of(checked, "forest fund"), number_of(checked, "of the castle")
    made = checked(
        f"Bob Sample paid for the work. [{n}] The mayor paid for the work. [{n}] The tower fell in 1911 [{m}][{n}]."
    )
    assert [claim.labels for claim in made.claims][:2] == [(1,), (1,)]
    assert made.claims[2].labels[0] == 2
    assert [c.label for c in made.citations] == list(range(1, len(made.citations) + 1))


def test_two_neighbouring_sentences_are_quoted_where_the_claim_needs_both(checked: Check) -> None:
    n = number_of(checked, "forest fund")
    (citation,) = checked(
        "Engineer Ann Example mended the old bridge before the winter of 1998, and mayor Bob Sample paid from the "
        f"town's forest fund [{n}]."
    ).citations
    assert citation.quote == BRIDGE[: BRIDGE.index(" Ann Example left")]


def test_fabricated_a_claim_that_no_document_states_is_unsupported(checked: Check) -> None:
    n = number_of(checked, "forest fund")
    made = checked(f"Ann Example mended the bridge in 2005. [{n}]", support=WordsOfClaim())
    assert [(claim.verdict, claim.support) for claim in made.claims] == [("unsupported", 0.0)]
    assert checked(f"Ann Example mended the bridge in 2005. [{n}]", support=WordsOfClaim(), strict=True).claims == ()


def test_misattributed_a_claim_that_another_document_states_is_judged_by_the_one_it_cites(checked: Check) -> None:
    n, m = number_of(checked, "forest fund"), number_of(checked, "of the castle")
    right, wrong = f"The castle's tower fell in 1911. [{m}]", f"The castle's tower fell in 1911. [{n}]"
    assert checked(right, support=WordsOfClaim()).claims[0].verdict == "supported"
    made = checked(wrong, support=WordsOfClaim())
    assert made.claims[0].verdict == "unsupported"
    assert made.citations[0].doc_id == "bridge.txt"
    assert checked(wrong, support=WordsOfClaim(), strict=True).dropped == 1


def test_misattributed_beside_a_right_citation_the_wrong_one_is_removed(checked: Check) -> None:
    n, m = number_of(checked, "forest fund"), number_of(checked, "of the castle")
    made = checked(f"The castle's tower fell in 1911. [{n}][{m}]", support=WordsOfClaim())
    assert [(claim.labels, claim.verdict) for claim in made.claims] == [((1,), "supported")]
    assert [c.doc_id for c in made.citations] == ["tower.txt"]
    assert made.removed == 1


def test_the_quote_is_the_sentence_that_bears_the_claim_out_and_not_the_one_that_sounds_like_it(
    checked: Check,
) -> None:
    class Prefers(WordsOfClaim):
        def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
            return [float("forest fund" in text) for _, text in pairs]

    n = number_of(checked, "forest fund")
    claim = f"Ann Example left the town in 2001, paid from a fund. [{n}]"
    assert "left the town" in checked(claim).citations[0].quote
    assert "forest fund" in checked(claim, support=Prefers()).citations[0].quote


def test_stitched_from_two_places_a_claim_is_judged_by_the_paragraph_that_is_quoted(checked: Check) -> None:
    n, m = number_of(checked, "forest fund"), number_of(checked, "of the castle")
    stitched = "Bob Sample paid for the tower of the castle"
    for cited in (n, m):
        assert checked(f"{stitched}. [{cited}]", support=WordsOfClaim()).claims[0].verdict == "unsupported"
    both = f"{stitched} [{n}][{m}]."
    assert checked(both, support=WordsOfClaim()).claims[0].verdict == "weak"  # though every word of it is cited


def test_never_checked_a_claim_without_a_check_is_unchecked_and_strict_leaves_it_out(checked: Check) -> None:
    n = number_of(checked, "forest fund")
    made = checked(f"Bob Sample paid for the work. [{n}] It was cheap.")
    assert [(claim.verdict, claim.support) for claim in made.claims] == [("unchecked", 0.0)] * 2
    assert checked(f"Bob Sample paid for the work. [{n}]", strict=True).claims == ()


def test_an_uncited_sentence_gets_the_passage_that_bears_it_out(checked: Check) -> None:
    made = checked("The tower of the castle fell in 1911.", support=WordsOfClaim())
    assert [(claim.labels, claim.verdict) for claim in made.claims] == [((1,), "supported")]
    assert made.citations[0].quote == TOWER


def test_an_uncited_sentence_that_nothing_bears_out_has_no_label_and_is_marked(checked: Check) -> None:
    made = checked("The river is deep and cold.", support=WordsOfClaim())
    assert [(claim.labels, claim.verdict) for claim in made.claims] == [((), "unsupported")]
    assert made.citations == ()


def test_strict_numbers_the_labels_of_what_is_left(checked: Check) -> None:
    n, m = number_of(checked, "forest fund"), number_of(checked, "of the castle")
    text = f"Ann Example died in 2005. [{n}] The tower of the castle fell in 1911. [{m}]"
    made = checked(text, support=WordsOfClaim(), strict=True)
    assert [claim.labels for claim in made.claims] == [(1,)]
    assert [(c.label, c.doc_id) for c in made.citations] == [(1, "tower.txt")]
    assert made.dropped == 1


def test_no_sentence_makes_no_claim(checked: Check) -> None:
    assert checked("", support=WordsOfClaim()) == Checked((), (), 0, 0)
