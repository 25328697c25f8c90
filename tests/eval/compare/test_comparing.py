"""Settings compared on a small file of questions; where misses were lost; the report as a page."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from eval.compare.diagnosis import NEXT_STEP, Loss, counted, lost_in_search, next_step
from eval.compare.measured import Comparison, best_setting, compare_settings, worst
from eval.compare.page import page
from eval.compare.shown import UnitText
from eval.compare.text import comparison_figures, comparison_text
from eval.gold.places import Level, Places
from eval.gold.questions import Gold, Question, QuestionSet
from eval.measures.differences import compare_with
from eval.runs.rankings import Frame
from eval.runs.settings import BadSetting, parse_setting
from index.intake.indexing import row_document
from rag.reading.reader import Reader
from rag.retrieval import Way

TEXTS = {
    "bridge": "The old wooden bridge of the town was mended by the engineer Ann Example in 1998.",
    "mill": "The miller Bob Sample sold his mill to a baker from the city for forty coins.",
    "ravens": "Ravens are large black birds that build their nests on cliffs near the cold northern sea.",
    "library": "The library of the city keeps nine hundred maps of the harbour in a dry cellar.",
}
QUESTIONS = (
    Question("1", "Who mended the bridge?", (Gold("bridge", start=61, end=72),), ("Ann Example",)),
    Question("2", "Who sold his mill?", (Gold("mill", start=11, end=21),), ("Bob Sample",)),
    Question("3", "Which birds nest on cliffs?", (Gold("ravens", start=0, end=6),), ("Ravens",)),
    Question("4", "What does the harbour master eat?", ()),
    Question("5", "Who painted the ceiling?", (Gold("gone", start=0, end=6),), ("Nobody",)),
)


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> QuestionSet:
    path = tmp_path_factory.mktemp("set") / "q.jsonl"
    path.write_text("x")
    return QuestionSet(
        "town", path, QUESTIONS, lambda: (row_document(name, name, text) for name, text in TEXTS.items())
    )


@pytest.fixture(scope="module")
def compared(questions: QuestionSet, reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    settings = [parse_setting(text) for text in ("lexical", "fused", "read,k=2", "fused,passage=64")]
    return compare_settings(
        questions, settings, reader, answers=True, level=Level.PARAGRAPH, cache=tmp_path_factory.mktemp("cache")
    )


def test_settings_are_parsed_and_a_wrong_one_is_told() -> None:
    setting = parse_setting("read,k=16,passage=96")
    assert (setting.way, setting.read, setting.passages, setting.pieces) == (Way.FUSED, True, 16, 96)
    assert parse_setting("dense,encoder=some/folder").encoder == "some/folder"
    for text, message in (
        ("bm25", "no setting 'bm25'; there are dense, lexical, fused, read"),
        ("read,k=0", "'k=0' is none of"),
        ("fused,passage=5", "'passage=5' is none of"),
        ("run=nowhere.run", "does not exist"),
    ):
        with pytest.raises(BadSetting, match=re.escape(message)):
            parse_setting(text)


def test_every_setting_and_frame_is_measured_on_all_questions(compared: Comparison) -> None:
    assert [m.name for m in compared.settings] == ["lexical", "fused", "read,k=2", "fused,passage=64"]
    assert [m.name for m in compared.frames] == [Frame.RANDOM, Frame.BM25, Frame.ORACLE]
    assert compared.measure == "F1"
    for measured in compared.measured:
        assert np.isnan(measured.samples["nDCG@10"][3])  # nothing answers the fourth: no ranking of it is scored
        assert len(measured.asked) == 5
    by_name = {m.name: m for m in compared.measured}
    assert by_name[Frame.ORACLE].intervals["Recall@10"].mean == pytest.approx(3 / 4)  # one gold is in no document
    assert by_name["fused"].intervals["F1"].mean >= 0.6
    assert by_name["fused"].intervals["Citation recall"].mean == pytest.approx(3 / 4)
    assert by_name[Frame.RANDOM].intervals["F1"].mean <= by_name[Frame.ORACLE].intervals["F1"].mean
    assert [d.baseline for d in compared.differences] == ["lexical"] * 3


def test_the_same_run_gives_the_same_figures(
    compared: Comparison, questions: QuestionSet, reader: Reader, tmp_path: Path
) -> None:
    settings = [parse_setting(text) for text in ("lexical", "fused")]
    again = compare_settings(questions, settings, reader, answers=True, level=Level.PARAGRAPH, cache=tmp_path)
    for name in ("lexical", "fused"):
        one, other = (next(m for m in c.measured if m.name == name) for c in (compared, again))
        assert one.intervals == other.intervals
        assert one.run is not None
        assert other.run is not None
        assert one.run.rankings == other.run.rankings


def test_gold_that_is_in_no_document_is_lost_before_the_search(compared: Comparison) -> None:
    losses = compared.losses["fused"]
    assert losses["5"] is Loss.ABSENT
    assert {losses[key] for key in "123"} <= {Loss.NONE, Loss.ABSTAINED, Loss.MISREAD}
    assert any("gold that the collection does not hold" in notice for notice in compared.notices)


PLACES = Places({"d": 1}, {("d", 1): 1}, {"d 0-9": 1}, (("d", 0, 9),), (("d", 0, 9),), (), ())


@pytest.mark.parametrize(
    ("places", "final", "dense", "lexical", "loss"),
    [
        (PLACES, ["d"], [], [], Loss.NONE),
        (replace(PLACES, passages={}, absent=(Gold("d"),)), [], [], [], Loss.ABSENT),
        (replace(PLACES, passages={}, furniture=(Gold("d", paragraph=1),)), [], [], [], Loss.FURNITURE),
        (replace(PLACES, split=(Gold("d", start=0, end=9),)), [], [], [], Loss.SPLIT),
        (PLACES, ["x"], ["x"], ["y"], Loss.LOW_IN_BOTH),
        (PLACES, ["x"], ["d"], ["y"], Loss.LOW_IN_LEXICAL),
        (PLACES, ["x"], ["x"], ["d"], Loss.LOW_IN_DENSE),
        (PLACES, [*"abcdefghij".replace("d", "k"), "d"], ["d"], ["d"], Loss.LOW_IN_ORDER),
    ],
)
def test_a_miss_is_counted_at_the_first_wall(
    places: Places, final: list[str], dense: list[str], lexical: list[str], loss: Loss
) -> None:
    assert lost_in_search(places, Level.DOCUMENT, final, dense, lexical) is loss


def test_the_next_step_is_that_of_the_commonest_loss() -> None:
    losses = [Loss.NONE, Loss.SPLIT, Loss.LOW_IN_BOTH, Loss.SPLIT]
    assert counted(losses) == [(Loss.SPLIT, 2), (Loss.LOW_IN_BOTH, 1)]
    assert next_step(losses) == NEXT_STEP[Loss.SPLIT]
    assert next_step([Loss.NONE]) is None
    assert set(NEXT_STEP) == set(Loss) - {Loss.NONE}


def test_text_and_json_hold_the_figures(compared: Comparison) -> None:
    text, figures = comparison_text(compared), json.loads(json.dumps(comparison_figures(compared), allow_nan=False))
    fused = next(m for m in compared.settings if m.name == "fused")
    assert f"{fused.intervals['F1'].mean:.3f} [" in text
    assert "frame: gold first (oracle)" in text
    assert "not in the collection" in text
    assert figures["settings"]["fused"]["F1"]["mean"] == pytest.approx(fused.intervals["F1"].mean)
    assert set(figures["frames"]) == {Frame.RANDOM, Frame.BM25, Frame.ORACLE}
    assert figures["by_question"]["4"]["fused"] is None
    assert [d["setting"] for d in figures["differences"]] == ["fused", "read,k=2", "fused,passage=64"]


def test_the_worst_come_first_and_the_best_setting_is_named() -> None:
    samples = {"a": np.array([0.5, 1.0, np.nan, 0.0]), "b": np.array([0.9, 1.0, np.nan, 0.7])}
    (difference,) = compare_with("a", samples)
    assert difference.better == (3, 0)


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&</title></style>"


class _Elements(HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_nothing_from_documents_questions_or_names_becomes_markup(compared: Comparison) -> None:
    evil_questions = tuple(
        replace(q, text=EVIL + q.text, references=(EVIL, *q.references)) for q in compared.questions.questions
    )
    shown = {unit: UnitText(EVIL, EVIL, s.start, s.end, EVIL + s.text) for unit, s in compared.shown.items()}
    measured = tuple(replace(m, name=m.name if m.is_frame else EVIL + m.name) for m in compared.measured)
    evil = replace(
        compared,
        questions=replace(compared.questions, name=EVIL, questions=evil_questions),
        measured=measured,
        differences=tuple(
            replace(d, setting=EVIL + d.setting, baseline=EVIL + d.baseline) for d in compared.differences
        ),
        losses={EVIL + name: losses for name, losses in compared.losses.items()},
        shown=shown,
        notices=(EVIL,),
    )
    assert shown
    elements = _Elements()
    elements.feed(page(evil))
    assert not {"script", "img", "iframe", "link", "object", "form"} & set(elements.tags)
    assert not [name for name, _ in elements.attributes if name.startswith("on") or name in ("src", "srcset")]
    links = [value for name, value in elements.attributes if name == "href"]
    assert links
    assert all(value and value.startswith("#") for value in links)
    assert EVIL in elements.text


def test_every_link_of_the_page_leads_somewhere_and_nothing_is_fetched(compared: Comparison) -> None:
    elements = _Elements()
    written = page(compared)
    elements.feed(written)
    anchors = {value for name, value in elements.attributes if name == "id"}
    links = {value[1:] for name, value in elements.attributes if name == "href" and value}
    assert links <= anchors
    assert "http://" not in written.replace("http://www.w3.org", "")
    assert "https://" not in written
    assert "url(" not in written
    assert "default-src 'none'" in written
    assert best_setting(compared.settings, "F1").name in elements.text
    assert all(name in elements.text for name in ("Risk over coverage", "Reliability", "Recall over k", "Latency"))
    assert worst(compared.settings[0], "F1")
