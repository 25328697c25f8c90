"""Answers: each citation resolves inside one paragraph, furniture is never cited, and silence where nothing is near."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from index.collection import Collection, Filters
from index.encoder.embedding import Encoder
from index.errors import BadSpan, UnknownDocument
from index.intake.indexing import index_paths
from index.paragraphs import Kind
from rag.answering import Models, answer
from rag.answers import Answer, Evidence, answer_json, evidence_of
from rag.citations import Sources, cite_span
from rag.commands.text import answer_text, hits_text, shown_text
from rag.conversation import Turn
from rag.page.markup import document_html, exchange_html
from rag.printable import plain
from rag.reading.candidates import is_yes_or_no
from rag.reading.reader import Reader
from rag.retrieval import retrieve
from rag.transcript import Exchange, conversation_markdown

QUESTIONS = [
    json.loads(line)
    for line in (Path(__file__).parent.parent.parent / "index" / "sample" / "questions.jsonl").read_text().splitlines()
]
ROWS = {row["question"]: row for row in QUESTIONS}
# To ask them all takes a minute: the quick part of the tests asks a third of each kind, the whole the others, too.
BY_KIND = sorted(QUESTIONS, key=lambda row: row["kind"])
PARTS = {"third": BY_KIND[::3], "others": [row for n, row in enumerate(BY_KIND) if n % 3]}


@pytest.fixture(scope="module", params=["third", pytest.param("others", marks=pytest.mark.long)])
def answers(request: pytest.FixtureRequest, sample: Collection, encoder: Encoder, reader: Reader) -> list[Answer]:
    return [answer(sample, Models(encoder, reader), row["question"]) for row in PARTS[request.param]]


def test_every_citation_resolves_to_its_quote_inside_one_paragraph_that_is_no_furniture(
    sample: Collection, answers: list[Answer]
) -> None:
    with sample.reading() as snapshot:
        for citation in (c for a in answers for c in a.citations):
            text = snapshot.document(citation.doc_id).text
            assert text[citation.start : citation.end] == citation.quote
            (inside,) = (p for p in snapshot.paragraphs(citation.doc_id) if p.number == citation.paragraph)
            assert inside.start == citation.paragraph_start <= citation.start < citation.end <= citation.paragraph_end
            assert inside.end == citation.paragraph_end
            assert inside.kind in (Kind.BODY, Kind.CAPTION)


def test_every_label_resolves_and_every_claim_is_what_its_first_citation_says(answers: list[Answer]) -> None:
    for a in answers:
        quotes = {c.label: " ".join(c.quote.split()) for c in a.citations}
        assert [label for claim in a.claims for label in claim.labels] == list(range(1, len(quotes) + 1))
        for claim in a.claims:
            assert quotes[claim.labels[0]] == claim.text
            assert claim.text + " " + "".join(f"[{label}]" for label in claim.labels) in a.text


def test_every_short_answer_lies_inside_a_cited_sentence(sample: Collection, answers: list[Answer]) -> None:
    with sample.reading() as snapshot:
        for a in answers:
            assert [s.score for s in a.answers] == sorted((s.score for s in a.answers), reverse=True)
            for short in a.answers:
                assert snapshot.document(short.doc_id).text[short.start : short.end] == short.text
                assert any(
                    c.doc_id == short.doc_id and c.start <= short.start < short.end <= c.end for c in a.citations
                )


def kind(answers: list[Answer], *kinds: str) -> list[Answer]:
    return [a for a in answers if ROWS[a.question]["kind"] in kinds]


def test_what_abstains_has_no_claims_and_a_reason_and_what_answers_has_claims(answers: list[Answer]) -> None:
    for a in answers:
        assert 0 <= a.confidence <= 1
        if a.abstained:
            assert (a.text, a.claims, a.citations, a.answers) == ("", (), (), ())
            assert a.reason in ("off_topic", "not_stated")
            assert a.evidence
        else:
            assert a.claims
            assert a.reason is None


def test_off_topic_questions_abstain_and_are_surely_not_answered(answers: list[Answer]) -> None:
    assert {(a.abstained, a.reason) for a in kind(answers, "off_topic")} == {(True, "off_topic")}
    assert max(a.confidence for a in kind(answers, "off_topic")) < 0.2


def test_what_the_documents_name_or_speak_of_is_not_off_topic_however_far_the_nearest_passage(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    text = "The old bridge of the town was mended by the engineer Ann Example before the winter of 1998."
    collection = make_collection(bridge=text)
    for question, reason in (
        ("How old is Ann Example?", "not_stated"),
        ("Where did Mozart write his last symphony?", "off_topic"),
        ("What did the winter cost the town?", "not_stated"),
        ("How many calories are in a banana?", "off_topic"),
    ):
        a = answer(collection, Models(encoder, reader), question, threshold=1.0)
        assert (a.abstained, a.reason) == (True, reason), question


def test_an_answer_stays_short(answers: list[Answer]) -> None:
    given = [len(a.citations) for a in answers if not a.abstained]
    assert sum(given) / len(given) <= 3


def test_a_yes_or_no_question_is_answered_by_a_sentence(answers: list[Answer]) -> None:
    asked = [a for a in answers if is_yes_or_no(a.question)]
    assert len(asked) >= 2
    assert {a.answers for a in asked} == {()}


@pytest.mark.parametrize("question", ["Wer hat die Brücke der Stadt repariert?", "Кто починил старый мост?"])
def test_a_question_that_is_not_english_gets_no_confident_answer_and_is_told_why(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader, question: str
) -> None:
    text = "The old bridge of the town was mended by the engineer Ann Example before the winter of 1998."
    found = answer(make_collection(page=text), Models(encoder, reader), question)
    assert (found.abstained, found.confidence) == (True, 0.0)
    assert "reads English only" in found.notices[0]
    assert found.evidence


def test_a_document_that_is_not_english_is_found_but_not_read(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    text = "Die alte Brücke der Stadt wurde von der Ingenieurin Ann Example vor dem Winter 1998 repariert."
    found = answer(make_collection(page=text), Models(encoder, reader), "Who repaired the old bridge?")
    assert found.abstained
    assert "not in English: 1 of 1" in found.notices[0]


def test_the_first_three_passages_hold_a_gold_paragraph_for_most_questions(answers: list[Answer]) -> None:
    answerable = [(ROWS[a.question], a) for a in answers if ROWS[a.question]["gold"]]
    right = [
        any((g["document"], g["paragraph"]) == (e.doc_id, e.paragraph) for g in row["gold"] for e in a.evidence[:3])
        for row, a in answerable
    ]
    assert sum(right) / len(right) >= 0.7


def test_an_empty_collection_or_question_abstains(
    make_collection: Callable[..., Collection], sample: Collection, encoder: Encoder, reader: Reader
) -> None:
    for collection, question in ((make_collection(), "Who?"), (sample, "   ")):
        empty = answer(collection, Models(encoder, reader), question)
        assert (empty.abstained, empty.confidence, empty.evidence) == (True, 0.0, ())
        assert any("no document yet" in notice for notice in empty.notices) is (collection is not sample)


def test_filters_reach_the_answer(sample: Collection, encoder: Encoder, reader: Reader) -> None:
    filters = Filters(publisher="Example Review")
    filtered = answer(sample, Models(encoder, reader), "Will troops be sent?", filters=filters, threshold=0.0)
    with sample.reading() as snapshot:
        outlets = {d.doc_id: d.publisher for d in snapshot.documents()}
    assert {outlets[e.doc_id] for e in filtered.evidence} == {"Example Review"}
    assert {c.publisher for c in filtered.citations} == {"Example Review"}


def test_the_json_form_has_the_fields_of_the_contract(answers: list[Answer]) -> None:
    row = answer_json(next(a for a in answers if a.claims))
    assert list(row) == [
        "question",
        "query",
        "answer",
        "abstained",
        "reason",
        "confidence",
        "claims",
        "citations",
        "answers",
        "evidence",
        "generator",
        "notices",
        "seconds",
        "direct",
        "polarity",
        "shape",
        "disputed",
        "computed",
    ]
    assert list(row["claims"][0]) == [
        "text", "labels", "support", "verdict", "speaker", "quoted_instead", "direct", "meant", "older",
    ]  # fmt: skip
    assert list(row["citations"][0]) == [
        "label",
        "document",
        "title",
        "publisher",
        "date",
        "page",
        "paragraph",
        "start",
        "end",
        "quote",
        "paragraph_start",
        "paragraph_end",
        "also_in",
        "kind",
        "headings",
        "cells",
        "renamed",
    ]
    assert list(row["evidence"][0]) == ["document", "paragraph", "start", "end", "score", "rank"]
    assert set(row["seconds"]) == {"retrieve", "read", "generate", "total"}
    json.dumps(row)


def test_a_span_is_shown_inside_its_paragraph_and_one_that_is_not_is_refused(sample: Collection) -> None:
    name = "city-poll-no-soldiers.txt"
    with sample.reading() as snapshot:
        sources = Sources(snapshot)
        paragraph = next(p for p in sources.paragraphs(name) if p.kind is Kind.BODY)
        citation = cite_span(sources, name, paragraph.start + 2, paragraph.start + 9)
        text = sources.document(name).text
        assert citation.quote == text[paragraph.start + 2 : paragraph.start + 9]
        assert f"▸{citation.quote}◂" in shown_text(text, citation)
        for start, end in ((5, 5), (-1, 4), (0, 10**9), (9, 4), (paragraph.start, paragraph.end + 5)):
            with pytest.raises(BadSpan):
                cite_span(sources, name, start, end)
        with pytest.raises(UnknownDocument):
            cite_span(sources, "nobody.txt", 0, 1)


def test_the_terminal_text_is_wrapped_names_its_sources_and_obeys_nothing(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    trap = (
        "The bridge of the town \x1b[2J\x1b]0;owned\x07 was mended by the committee in the winter of the flood \u202e."
    )
    collection = make_collection(trap=trap)
    shown = answer_text(answer(collection, Models(encoder, reader), "Who mended the bridge of the town?"))
    assert "[1] trap.txt · no date · no outlet · paragraph 1" in shown.replace("\n", " ")
    assert all(len(line) <= 50 for line in shown.splitlines())
    assert not set(shown) & set("\x1b\x07\u202e")
    nothing = answer_text(answer(collection, Models(encoder, reader), "What is the boiling point of nitrogen?"))
    assert nothing.startswith("No answer.")
    assert all(len(line) <= 50 for line in nothing.splitlines())
    assert hits_text([]) == "Nothing found."
    assert plain("a\tb\nc\x9bd") == "a\tb\nc\N{REPLACEMENT CHARACTER}d"


def test_what_a_renamed_file_is_called_now_is_told_wherever_it_is_cited(
    tmp_path: Path, make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    collection = make_collection(boat="Tove Rasmusson built the Kittiwake in a barn beside the river.")
    files = tmp_path / "collection-files"
    models, question = Models(encoder, reader), "Who built the Kittiwake?"
    assert answer(collection, models, question).citations[0].file == "boat.txt"
    (files / "boat.txt").rename(files / "ship.txt")
    index_paths(collection, encoder, [files])
    a = answer(collection, models, question)
    told = "boat.txt (now ship.txt)"
    assert told in answer_text(a)
    page = exchange_html(Exchange("a", question, "", "done", a))
    assert told in page
    assert told in conversation_markdown("x", [Exchange("a", question, "", "done", a)], "")
    assert answer_json(a)["citations"][0]["renamed"] == "ship.txt"
    with collection.reading() as snapshot:
        document = snapshot.document("boat.txt")
        assert told in document_html(document, snapshot.paragraphs("boat.txt"))


def test_the_terminal_shows_a_row_with_its_heads_the_cell_that_answers_marked_and_the_headings_above(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "| Mill | Year built | Wheels |\n|---|---|---|\n| Upper mill | 1871 | 3 |\n| Lower mill | | 2 |"
    collection = make_collection(mills=f"# Mills of the town\n\n## On the river\n\n{rows}\n")
    found = answer(collection, Models(encoder, reader), "How many wheels has the lower mill?")
    monkeypatch.setenv("COLUMNS", "80")
    wide = answer_text(found)
    assert "Mill: Lower mill; Year built: -; Wheels: ▸2◂ [1]" in wide
    assert "    Mills of the town › On the river\n" in wide
    assert wide.endswith("    Mill        Year built  Wheels\n    Lower mill  -           ▸2◂")
    monkeypatch.setenv("COLUMNS", "30")
    assert answer_text(found).endswith("    Mill: Lower mill\n    Year built: -\n    Wheels: ▸2◂")
    cited = found.citations[0]
    with collection.reading() as snapshot:
        text = snapshot.document("mills.txt").text
        whole = cite_span(Sources(snapshot), "mills.txt", cited.start, cited.end)
    monkeypatch.setenv("COLUMNS", "80")
    assert shown_text(text, whole).endswith("    Mill        Year built  Wheels\n    Lower mill  -           2")
    hits = hits_text(search_hits(collection, encoder, "lower mill"))
    assert "\n   On the river\n" in hits


def search_hits(collection: Collection, encoder: Encoder, question: str) -> list[Evidence]:
    with collection.reading() as snapshot:
        sources = Sources(snapshot)
        return [evidence_of(hit, sources) for hit in retrieve(snapshot, encoder, question)]


def test_markers_of_the_documents_own_are_not_taken_for_ours(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    text = "The bridge of the town was opened in 1998 after nine years of work.[12][3, 4]"
    found = answer(
        make_collection(page=text), Models(encoder, reader), "When was the bridge of the town opened?", threshold=0.0
    )
    assert found.text == "The bridge of the town was opened in 1998 after nine years of work.(12)(3, 4) [1]"
    assert found.citations[0].quote == text


def test_small_talk_has_a_line_and_no_evidence(sample: Collection, encoder: Encoder, reader: Reader) -> None:
    given = answer(sample, Models(encoder, reader), "Thank you!")
    assert (given.text, given.abstained, given.reason) == ("You're welcome.", True, "small_talk")
    assert (given.evidence, given.claims, given.citations) == ((), (), ())
    assert answer_text(given) == "You're welcome."


def test_what_a_question_may_mean_is_told_by_what_is_found(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    texts = {
        "ringworm": "Ringworm is an infection of the skin.\n\nThere is a cure for ringworm: a cream for two weeks.",
        "squall": "Squall fever is carried by gulls.\n\nThere is no cure for squall fever yet.",
        "ferry": "The night ferry to Oland leaves at ten.\n\nA ticket for the night ferry costs 20 euros.",
    }
    asked, models = make_collection(**texts), Models(encoder, reader)
    before = [Turn.of(answer(asked, models, "What is squall fever carried by?"))]
    on = answer(asked, models, "is there a cure?", history=before)
    anew = answer(asked, models, "when does the night ferry leave?", history=before)
    assert on.citations[0].doc_id == "squall.txt"
    assert (anew.citations[0].doc_id, anew.query) == ("ferry.txt", "when does the night ferry leave?")


def test_of_two_meanings_that_find_the_same_the_one_that_carries_less_is_told(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    texts = {"tower": "The Vessel tower is 198 metres tall.", "fires": "Painted wood may not be burned in the gardens."}
    asked, models = make_collection(**texts), Models(encoder, reader)
    before = [Turn.of(answer(asked, models, "How tall is the Vessel tower?"))]
    anew = answer(asked, models, "What may not be burned?", history=before)
    assert (anew.citations[0].doc_id, anew.query) == ("fires.txt", "What may not be burned?")


def test_who_else_is_not_answered_with_what_was_said(
    make_collection: Callable[..., Collection], encoder: Encoder, reader: Reader
) -> None:
    asked, models = make_collection(crane=(
        "Ana Ruiz repaired the harbour crane in May.\n\nThe crane stood still for a month.\n\n"
        "Karl Weiss repaired the harbour crane in June."
    )), Models(encoder, reader)  # fmt: skip
    first = answer(asked, models, "Who repaired the harbour crane?")
    second = answer(asked, models, "Who else?", history=[Turn.of(first)])
    assert "Ana Ruiz" in first.citations[0].quote
    assert all("Ana Ruiz" not in citation.quote for citation in second.citations)
