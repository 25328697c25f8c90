"""The extractive reader: which characters of a passage answer a question, and how likely it is that none do.

The reader is the encoder's own six-layer transformer with trained weights and two small heads. Word and position
embeddings are the encoder's, frozen, and are read from the encoder's folder; the reader's file holds what was trained.
This module owns its heads and the way from logits to characters; the transformer runs in `index.encoder.engine`, and
what lies on disk is `rag.reading.model_files`'s. It does not know how it was trained (`rag.training.reader`,
`rag.training.network`), where passages come from, or what is done with the spans.

    [CLS] question [SEP] title. passage [SEP]  ->  start and end logits for each piece, one logit "it answers"

Position 0 ([CLS]) is the place of "no answer" for start and end, as in SQuAD 2.0 readers.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.encoder.embedding import bundled_folder
from index.encoder.engine import WIDTH, Engine, Floats, Integers, Precision, fastest_precision, tensor_shapes
from rag.reading.model_files import open_files

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

CLS, SEP, PAD = 101, 102, 0

MAX_PIECES = 384
MAX_QUESTION_PIECES = 64
MAX_TITLE_PIECES = 24
STRIDE_PIECES = 128
MAX_SPAN_PIECES = 48

BUNDLED_READER = Path(__file__).parent.parent / "model" / "reader"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `[start, end)` of a passage; `passage[start:end] == text`; score is start plus end logit."""

    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of one passage.

    spans: without overlap, best first; empty only for a passage without a letter or a digit.
    null_score: the score of "no answer" in the window that holds the best span; comparable with `Span.score`.
    answerable: logit that the passage answers the question, the highest of its windows.
    probability: calibrated from both, in [0, 1].
    """

    spans: tuple[Span, ...]
    null_score: float
    answerable: float
    probability: float

    @property
    def margin(self) -> float:
        """The best span's score above that of "no answer"; minus infinity without a span."""
        return self.spans[0].score - self.null_score if self.spans else float("-inf")


@dataclass(frozen=True, slots=True)
class Pieces:
    """Word pieces of one text: ids, their characters `[start, end)`, and the number of the word each belongs to."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    words: list[int]


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the network: ids, where the second segment begins, and which pieces of the passage it shows.

    passage_from: index in `ids` of the first piece of the passage. Pieces before it (question, title) hold no span.
    first: number of that piece within the passage.  count: how many pieces of the passage follow.
    """

    ids: list[int]
    second_from: int
    passage_from: int
    first: int
    count: int


def to_pieces(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Pieces]:
    """Word pieces of each text, without special pieces."""
    return [_pieces(encoding) for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def _pieces(encoding: Encoding) -> Pieces:
    words = [-1 if word is None else word for word in encoding.word_ids]
    return Pieces(list(encoding.ids), list(encoding.offsets), words)


def windows(
    question: Pieces,
    title: Pieces | None,
    passage: Pieces,
    *,
    max_pieces: int = MAX_PIECES,
    stride: int = STRIDE_PIECES,
) -> list[Window]:
    """The passage in as few windows as fit beside question and title; neighbours share at least `stride` pieces.

    Question and title are cut at MAX_QUESTION_PIECES and MAX_TITLE_PIECES. A passage without pieces gives one window.
    """
    head = [CLS, *question.ids[:MAX_QUESTION_PIECES], SEP]
    titled = head + (title.ids[:MAX_TITLE_PIECES] if title else [])
    room = max_pieces - len(titled) - 1
    if room <= stride:
        raise ValueError(f"max_pieces={max_pieces} leaves {room} pieces for the passage; stride is {stride}")
    return [
        Window([*titled, *passage.ids[first : first + room], SEP], len(head), len(titled), first, count)
        for first, count in _cuts(len(passage.ids), room, stride)
    ]


def _cuts(n_pieces: int, room: int, stride: int) -> list[tuple[int, int]]:
    """(first piece, pieces) of equally spread windows of `room` pieces that overlap by at least `stride`."""
    if n_pieces <= room:
        return [(0, n_pieces)]
    n_windows = 1 + -(-(n_pieces - room) // (room - stride))
    last = n_pieces - room
    return [(round(number * last / (n_windows - 1)), room) for number in range(n_windows)]


FROZEN_NAMES = ("embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight")


def trained_names() -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor in the reader's file. The transformer's names are the upstream ones."""
    return {
        **{name: shape for name, shape in tensor_shapes().items() if name not in FROZEN_NAMES},
        "span.weight": (2, WIDTH),
        "span.bias": (2,),
        "answerable.dense.weight": (WIDTH, 2 * WIDTH),
        "answerable.dense.bias": (WIDTH,),
        "answerable.out.weight": (1, WIDTH),
        "answerable.out.bias": (1,),
    }


@dataclass(frozen=True, slots=True)
class Calibration:
    """How margin and answerability make a probability: sigmoid(bias + margin * m + answerable * a)."""

    bias: float = 0.0
    margin: float = 0.0
    answerable: float = 1.0

    def probability(self, margin: float, answerable: float) -> float:
        """In [0, 1]; 0 where there is no span (margin is minus infinity)."""
        if margin == float("-inf"):
            return 0.0
        logit = self.bias + self.margin * margin + self.answerable * answerable
        return float(1.0 / (1.0 + np.exp(-np.clip(logit, -60.0, 60.0))))


class Heads:
    """The two heads on the transformer, in numpy: `rag.training.network` says the same in PyTorch."""

    def __init__(self, weights: Mapping[str, NDArray[np.floating]]) -> None:
        """weights: the tensors that begin with "span." and "answerable."; others are passed over."""
        self._weights = {
            name: np.asarray(tensor, np.float32)
            for name, tensor in weights.items()
            if name.startswith(("span.", "answerable."))
        }

    def logits(self, hidden: Floats, window: Window) -> tuple[Floats, float]:
        """Start and end logits (1 + window.count, 2), "no answer" first, and the logit that the window answers.

        hidden: (t, WIDTH), of one window.
        """
        passage = hidden[window.passage_from : window.passage_from + window.count]
        places = np.concatenate([hidden[:1], passage])
        span = places @ self._weights["span.weight"].T + self._weights["span.bias"]
        if window.count:
            likely = np.exp(span[1:, 0] - span[1:, 0].max())
            candidate = likely / likely.sum() @ passage
        else:
            candidate = hidden[0]
        seen = np.concatenate([hidden[0], candidate])
        inner = gelu(self._weights["answerable.dense.weight"] @ seen + self._weights["answerable.dense.bias"])
        answerable = self._weights["answerable.out.weight"][0] @ inner + self._weights["answerable.out.bias"][0]
        return span, float(answerable)


def gelu(x: Floats) -> Floats:
    """x times the normal distribution's mass below x (Hendrycks and Gimpel 2016), for a short vector."""
    mass = [0.5 * (1.0 + math.erf(value / math.sqrt(2.0))) for value in x.tolist()]
    return x * np.array(mass, np.float32)


def bundled_reader() -> Reader:
    """The reader that ships. Raises ModelFileError or EncoderMissing where files are absent or altered."""
    return Reader.open(BUNDLED_READER, bundled_folder())


class PassageReader(Protocol):
    """Reads passages for a question, as `Reader` does."""

    def read(
        self, question: str, passages: Sequence[str], titles: Sequence[str] | None = None, *, n_spans: int = 5
    ) -> list[Reading]:
        """One Reading for each passage, in their order."""
        ...


class Reader:
    """The trained reader, in memory. It reads English; what it makes of other languages means nothing."""

    def __init__(
        self,
        weights: Mapping[str, NDArray[np.floating]],
        tokenizer: Tokenizer,
        *,
        calibration: Calibration | None = None,
        precision: Precision | None = None,
        sha256: str = "",
    ) -> None:
        """weights: the trained tensors and the encoder's FROZEN_NAMES, of any float type.

        precision: of the transformer; None is the fastest that this processor has.
        sha256: the identity of the weights' file, for reports.
        """
        self._engine = Engine(weights, precision=precision or fastest_precision())
        self._heads = Heads(weights)
        self._tokenizer = tokenizer
        self.calibration = calibration or Calibration()
        self.sha256 = sha256

    @classmethod
    def open(cls, folder: Path, encoder: Path) -> Reader:
        """The reader in `folder` on the embeddings in the folder `encoder`; both are checked by hash.

        Raises ModelFileError where a file is absent, altered, or of another encoder than the reader was trained on.
        """
        files = open_files(folder, encoder)
        return cls(
            files.trained | {name: files.encoder[name] for name in FROZEN_NAMES},
            files.tokenizer,
            calibration=Calibration(**files.config.get("calibration", {})),
            sha256=files.config["sha256"],
        )

    def read(
        self,
        question: str,
        passages: Sequence[str],
        titles: Sequence[str] | None = None,
        *,
        n_spans: int = 5,
    ) -> list[Reading]:
        """One Reading for each passage, in their order.

        titles: shown to the network before the passage, never part of a span; "" for none.
        n_spans: at most so many spans a passage.
        Raises ValueError where there are not as many titles as passages.
        """
        return self.read_pairs([question] * len(passages), passages, titles, n_spans=n_spans)

    def read_pairs(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        titles: Sequence[str] | None = None,
        *,
        n_spans: int = 5,
    ) -> list[Reading]:
        """As `read`, with a question of its own for each passage."""
        shown = list(titles) if titles is not None else [""] * len(passages)
        if not len(questions) == len(passages) == len(shown):
            raise ValueError(f"{len(questions)} questions, {len(passages)} passages, {len(shown)} titles")
        pieces = to_pieces(self._tokenizer, passages)
        asked = self._each_once(questions)
        titled = self._each_once([f"{title}." if title else "" for title in shown])
        pairs = [
            (number, window)
            for number, passage in enumerate(pieces)
            for window in windows(asked[number], titled[number], passage)
        ]
        found = self._run([window for _, window in pairs])
        by_passage: list[list[_Found]] = [[] for _ in passages]
        for (number, window), (span, answerable) in zip(pairs, found, strict=True):
            spans = _search(passages[number], pieces[number], window, span, n_spans)
            by_passage[number].append(_Found(spans, float(span[0].sum()), answerable))
        return [self._reading(windows_found, n_spans) for windows_found in by_passage]

    def _each_once(self, texts: Sequence[str]) -> list[Pieces]:
        """Pieces of each text; a text that comes many times is cut once."""
        distinct = list(dict.fromkeys(texts))
        by_text = dict(zip(distinct, to_pieces(self._tokenizer, distinct), strict=True))
        return [by_text[text] for text in texts]

    def _run(self, shown: Sequence[Window]) -> list[tuple[Floats, float]]:
        """For each window the span logits of its passage's pieces and of "no answer" first, and the answer's logit."""

        def take(hidden: Floats, _lengths: Integers, numbers: Sequence[int]) -> list[tuple[Floats, float]]:
            return [self._heads.logits(states, shown[n]) for states, n in zip(hidden, numbers, strict=True)]

        return self._engine.run(
            [window.ids for window in shown], take, second_from=[window.second_from for window in shown]
        )

    def _reading(self, found: Sequence[_Found], n_spans: int) -> Reading:
        """The windows of a passage as one: spans by their margin over their own window's "no answer"."""
        best = max(found, key=lambda window: window.spans[0].score - window.null if window.spans else float("-inf"))
        # Only margins compare between windows, so every span is put on the scale of the best one's.
        spans = [
            Span(span.start, span.end, span.text, span.score - window.null + best.null)
            for window in found
            for span in window.spans
        ]
        spans.sort(key=lambda span: (-span.score, span.start, span.end))
        apart: list[Span] = []
        for span in spans:
            if all(span.end <= other.start or other.end <= span.start for other in apart):
                apart.append(span)
        answerable = max(window.answerable for window in found)
        margin = apart[0].score - best.null if apart else float("-inf")
        return Reading(tuple(apart[:n_spans]), best.null, answerable, self.calibration.probability(margin, answerable))


@dataclass(frozen=True, slots=True)
class _Found:
    """One window's spans, best first, its score of "no answer", and its logit that there is one."""

    spans: list[Span]
    null: float
    answerable: float


def _search(text: str, passage: Pieces, window: Window, logits: NDArray[np.float32], n_spans: int) -> list[Span]:
    """The best spans of a window, without overlap. logits: (1 + window.count, 2), "no answer" first."""
    words = passage.words[window.first : window.first + window.count]
    starts = np.array([n == 0 or words[n] != words[n - 1] for n in range(len(words))], dtype=bool)
    ends = np.array([n + 1 == len(words) or words[n] != words[n + 1] for n in range(len(words))], dtype=bool)
    offsets = passage.offsets[window.first : window.first + window.count]
    spoken = np.array([any(map(str.isalnum, text[start:end])) for start, end in offsets], dtype=bool)
    spans = []
    for first, last, score in best_spans(logits[1:], starts, ends, spoken, n_spans):
        start, end = _trimmed(text, offsets[first][0], offsets[last][1])
        if start < end:
            spans.append(Span(start, end, text[start:end], score))
    return spans


def best_spans(
    logits: NDArray[np.float32],
    starts: NDArray[np.bool_],
    ends: NDArray[np.bool_],
    spoken: NDArray[np.bool_],
    n_spans: int,
) -> list[tuple[int, int, float]]:
    """Up to n_spans (first piece, last piece, score) without overlap, each the best that the ones before it leave.

    logits: (n, 2) of start and end.  starts, ends: bool (n,), where a span may start and end: at words' borders.
    spoken: bool (n,), holds a letter or a digit; a span has at least one such piece, and at most MAX_SPAN_PIECES.
    Ties: the earliest start, then the shortest.
    """
    n = len(logits)
    if n == 0:
        return []
    length = min(MAX_SPAN_PIECES, n)
    begin = np.where(starts, logits[:, 0], -np.inf).astype(np.float64)
    finish = np.where(ends, logits[:, 1], -np.inf).astype(np.float64)
    scores = begin[:, None] + _diagonals(finish, length, -np.inf)  # (n, length): first piece, number of pieces - 1
    so_far = np.cumsum(spoken)
    scores[_diagonals(so_far, length, so_far[-1]) == (so_far - spoken)[:, None]] = -np.inf
    found: list[tuple[int, int, float]] = []
    while len(found) < n_spans:
        first, extra = divmod(int(scores.argmax()), length)
        score = float(scores[first, extra])
        if score == float("-inf"):
            break
        found.append((first, first + extra, score))
        scores[first : first + extra + 1] = -np.inf  # spans that start inside of it
        for start in range(max(0, first - length + 1), first):
            scores[start, first - start :] = -np.inf  # spans that start before it and reach into it
    return found


def _diagonals(values: NDArray[Any], length: int, beyond: float) -> NDArray[Any]:
    """(n, length): row i holds values[i : i + length], and `beyond` past the end."""
    padded = np.concatenate([values, np.full(length - 1, beyond, dtype=values.dtype)])
    return np.lib.stride_tricks.sliding_window_view(padded, length)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without white space at the ends or a comma after it, and with the marks that belong to the last character.

    The tokenizer drops accents that are characters of their own, so its offsets can end before one.
    """
    while end < len(text) and unicodedata.category(text[end])[0] == "M":
        end += 1
    while start < end and text[start].isspace():
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in ",;:"):
        end -= 1
    return start, end


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), in (0, 1)."""
    return 1 / (1 + math.exp(-min(max(x, -60.0), 60.0)))
