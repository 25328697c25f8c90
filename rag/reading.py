"""The extractive reader: which characters of a passage answer a question, and how likely it is that none do.

The reader is the encoder's own six-layer transformer with trained weights and two small heads. Word and position
embeddings are the encoder's, frozen, and are read from the encoder's folder; the reader's file holds what was trained.
This module owns the network, its file, and the way from logits to characters. It does not know how it was trained
(`rag.training`), where passages come from, or what is done with the spans.

    [CLS] question [SEP] title. passage [SEP]  ->  start and end logits for each piece, one logit "it answers"

Position 0 ([CLS]) is the place of "no answer" for start and end, as in SQuAD 2.0 readers.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.embedding import bfloat16_is_fast, bundled_folder
from index.errors import PilcrowError

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
    from torch import Tensor

WIDTH = 384
HEADS = 12
LAYERS = 6
CLS, SEP, PAD = 101, 102, 0

MAX_PIECES = 384
MAX_QUESTION_PIECES = 64
MAX_TITLE_PIECES = 24
STRIDE_PIECES = 128
MAX_SPAN_PIECES = 48

BUNDLED_READER = Path(__file__).parent / "model" / "reader"
WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
FORMAT = 1


class ReaderFileError(PilcrowError):
    """A reader's or an encoder's files are absent or not those that they should be."""


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


def load_tokenizer(encoder: Path) -> Tokenizer:
    """The encoder's tokenizer without truncation or padding. Raises ReaderFileError where there is none."""
    from tokenizers import Tokenizer

    path = encoder / "tokenizer.json"
    if not path.is_file():
        raise ReaderFileError(f"no tokenizer.json in '{encoder}'; give the folder of the encoder all-MiniLM-L6-v2")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


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


def padded_length(n_pieces: int) -> int:
    """The next multiple of 16: few different shapes, since the kernels that are made for each stay in memory."""
    return -(-n_pieces // 16) * 16


def to_batch(batch: Sequence[Window]) -> dict[str, Tensor]:
    """Padded tensors of some windows.

    ids, types: int64 (n, length).  real: bool (n, length), not padding.  passage: bool (n, length), may hold a span.
    """
    import torch

    length = padded_length(max(len(window.ids) for window in batch))
    ids = torch.full((len(batch), length), PAD)
    types = torch.zeros((len(batch), length), dtype=torch.int64)
    real = torch.zeros((len(batch), length), dtype=torch.bool)
    passage = torch.zeros((len(batch), length), dtype=torch.bool)
    for row, window in enumerate(batch):
        n = len(window.ids)
        ids[row, :n] = torch.tensor(window.ids)
        types[row, window.second_from : n] = 1
        real[row, :n] = True
        passage[row, window.passage_from : window.passage_from + window.count] = True
    return {"ids": ids, "types": types, "real": real, "passage": passage}


def trained_names() -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor in the reader's file. The transformer's names are the upstream ones."""
    inner = 4 * WIDTH
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
        "span.weight": (2, WIDTH),
        "span.bias": (2,),
        "answerable.dense.weight": (WIDTH, 2 * WIDTH),
        "answerable.dense.bias": (WIDTH,),
        "answerable.out.weight": (1, WIDTH),
        "answerable.out.bias": (1,),
    }
    linear = {
        "attention.self.query": (WIDTH, WIDTH),
        "attention.self.key": (WIDTH, WIDTH),
        "attention.self.value": (WIDTH, WIDTH),
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (inner, WIDTH),
        "output.dense": (WIDTH, inner),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        for name, shape in linear.items():
            shapes[f"{prefix}{name}.weight"] = shape
            shapes[f"{prefix}{name}.bias"] = shape[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{prefix}{name}.weight"] = (WIDTH,)
            shapes[f"{prefix}{name}.bias"] = (WIDTH,)
    return shapes


FROZEN_NAMES = ("embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight")


def network(
    weights: Mapping[str, Tensor], batch: Mapping[str, Tensor], *, bfloat16: bool, fused: bool
) -> tuple[Tensor, Tensor]:
    """Span logits, float32 (n, length, 2), and answerability logits, float32 (n,).

    Places that can hold neither a span nor "no answer" get minus infinity. A plain function of its weights, so that
    training and reading cannot differ, and so that neither needs the 8-second import of transformers.

    bfloat16: the transformer's arithmetic; the heads are float32 always.
    fused: PyTorch's fused attention: a third faster forwards, five times slower backwards (measured, 2 cores).
    """
    import torch

    hidden = hidden_states(weights, batch, dtype=torch.bfloat16 if bfloat16 else torch.float32, fused=fused).float()
    allowed = batch["passage"].clone()
    allowed[:, 0] = True
    span = torch.nn.functional.linear(hidden, weights["span.weight"], weights["span.bias"])
    span = span.masked_fill(~allowed[:, :, None], float("-inf"))
    return span, _answerable(weights, hidden, span)


def _answerable(weights: Mapping[str, Tensor], hidden: Tensor, span: Tensor) -> Tensor:
    """Logits (n,) from [CLS] and from the pieces where a span would start, so that it can look at the candidate."""
    import torch
    from torch.nn.functional import gelu, linear

    inside = span[:, :, 0].clone()
    inside[:, 0] = -1e4
    candidate = torch.einsum("nl,nlw->nw", inside.softmax(-1), hidden)
    seen = torch.cat([hidden[:, 0], candidate], dim=-1)
    inner = gelu(linear(seen, weights["answerable.dense.weight"], weights["answerable.dense.bias"]))
    return linear(inner, weights["answerable.out.weight"], weights["answerable.out.bias"])[:, 0]


def hidden_states(
    weights: Mapping[str, Tensor], batch: Mapping[str, Tensor], *, dtype: torch.dtype, fused: bool
) -> Tensor:
    """The last layer of BERT (Devlin et al. 2019) for each piece: (n, length, WIDTH) in `dtype`."""
    import torch
    from torch.nn.functional import gelu

    length = batch["ids"].shape[1]
    hidden = weights[FROZEN_NAMES[0]][batch["ids"]] + weights[FROZEN_NAMES[1]][:length]
    hidden = hidden + weights["embeddings.token_type_embeddings.weight"][batch["types"]]
    hidden = _norm(weights, "embeddings.LayerNorm", hidden.to(dtype))
    mask = torch.zeros(batch["real"].shape, dtype=dtype).masked_fill(~batch["real"], -1e4)  # (n, length)
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        mixed = _linear(weights, prefix + "attention.output.dense", _attend(weights, prefix, hidden, mask, fused))
        hidden = _norm(weights, prefix + "attention.output.LayerNorm", hidden + mixed)
        inner = gelu(_linear(weights, prefix + "intermediate.dense", hidden))
        hidden = _norm(weights, prefix + "output.LayerNorm", hidden + _linear(weights, prefix + "output.dense", inner))
    return hidden


def _attend(weights: Mapping[str, Tensor], prefix: str, hidden: Tensor, mask: Tensor, fused: bool) -> Tensor:
    import torch

    n, length, _ = hidden.shape
    size = WIDTH // HEADS

    def heads(name: str) -> Tensor:
        projected = _linear(weights, f"{prefix}attention.self.{name}", hidden)
        return projected.view(n, length, HEADS, size).transpose(1, 2)  # (n, HEADS, length, size)

    query, key, value = heads("query"), heads("key"), heads("value")
    if fused:
        mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value, mask[:, None, None, :])
    else:
        scores = (query * size**-0.5) @ key.transpose(-1, -2) + mask[:, None, None, :]
        mixed = scores.softmax(-1) @ value
    return mixed.transpose(1, 2).reshape(n, length, WIDTH)


def _linear(weights: Mapping[str, Tensor], name: str, hidden: Tensor) -> Tensor:
    from torch.nn.functional import linear

    return linear(hidden, weights[name + ".weight"].to(hidden.dtype), weights[name + ".bias"].to(hidden.dtype))


def _norm(weights: Mapping[str, Tensor], name: str, hidden: Tensor) -> Tensor:
    from torch.nn.functional import layer_norm

    scale, shift = weights[name + ".weight"].to(hidden.dtype), weights[name + ".bias"].to(hidden.dtype)
    return layer_norm(hidden, (WIDTH,), scale, shift, 1e-12)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_reader(folder: Path, weights: Mapping[str, Tensor], *, encoder_sha256: str, **about: object) -> None:
    """Writes the trained tensors as float16 and a config that names their hash and the encoder's."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: weights[name].detach().to(torch.float16).contiguous() for name in trained_names()}
    save_file(tensors, str(folder / WEIGHTS_FILE))
    config = {
        "format": FORMAT,
        "sha256": file_sha256(folder / WEIGHTS_FILE),
        "encoder_sha256": encoder_sha256,
        **about,
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def read_config(folder: Path) -> dict[str, Any]:
    """A reader's config. Raises ReaderFileError where it is absent, of another format, or its weights are altered."""
    path, weights = folder / CONFIG_FILE, folder / WEIGHTS_FILE
    if not path.is_file() or not weights.is_file():
        raise ReaderFileError(f"'{folder}' holds no reader; it should hold {CONFIG_FILE} and {WEIGHTS_FILE}")
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if config.get("format") != FORMAT:
        raise ReaderFileError(
            f"the reader in '{folder}' has format {config.get('format')}, this version reads {FORMAT}"
        )
    found = file_sha256(weights)
    if found != config["sha256"]:
        raise ReaderFileError(
            f"'{weights}' is not the file that was trained: its SHA-256 is {found}, not {config['sha256']}. "
            "Install the package again, or train: pilcrow train-reader"
        )
    return config


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


def bundled_reader() -> Reader:
    """The reader that ships. Raises ReaderFileError or EncoderMissing where files are absent or altered."""
    return Reader.open(BUNDLED_READER, bundled_folder())


class Reader:
    """The trained reader, in memory. It reads English; what it makes of other languages means nothing."""

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        tokenizer: Tokenizer,
        *,
        calibration: Calibration | None = None,
        bfloat16: bool | None = None,
        sha256: str = "",
    ) -> None:
        """weights: the trained tensors and the encoder's FROZEN_NAMES, of any float type.

        bfloat16: None asks the processor.  sha256: the identity of the weights' file, for reports.
        """
        import torch

        self.bfloat16 = bfloat16_is_fast() if bfloat16 is None else bfloat16
        inside = torch.bfloat16 if self.bfloat16 else torch.float32
        self._weights = {
            name: tensor.detach().to(inside if name.startswith("encoder.") else torch.float32)
            for name, tensor in weights.items()
        }
        self._tokenizer = tokenizer
        self.calibration = calibration or Calibration()
        self.sha256 = sha256

    @classmethod
    def open(cls, folder: Path, encoder: Path, *, bfloat16: bool | None = None) -> Reader:
        """The reader in `folder` on the embeddings in the folder `encoder`; both are checked by hash.

        Raises ReaderFileError where a file is absent, altered, or of another encoder than the reader was trained on.
        """
        from safetensors import safe_open
        from safetensors.torch import load_file

        config = read_config(folder)
        tokenizer = load_tokenizer(encoder)
        found = file_sha256(encoder / WEIGHTS_FILE)
        if found != config["encoder_sha256"]:
            raise ReaderFileError(
                f"the reader in '{folder}' was trained on an encoder with SHA-256 {config['encoder_sha256']}; "
                f"'{encoder}' has {found}. Give the folder of all-MiniLM-L6-v2"
            )
        weights = load_file(str(folder / WEIGHTS_FILE))
        with safe_open(str(encoder / WEIGHTS_FILE), framework="pt") as file:
            weights.update({name: file.get_tensor(name) for name in FROZEN_NAMES})
        calibration = Calibration(**config.get("calibration", {}))
        return cls(weights, tokenizer, calibration=calibration, bfloat16=bfloat16, sha256=config["sha256"])

    def read(
        self,
        question: str,
        passages: Sequence[str],
        titles: Sequence[str] | None = None,
        *,
        n_spans: int = 5,
        batch_pieces: int = 4096,
    ) -> list[Reading]:
        """One Reading for each passage, in their order.

        titles: shown to the network before the passage, never part of a span; "" for none.
        n_spans: at most so many spans a passage.  batch_pieces: word pieces in a batch, padding included.
        Raises ValueError where there are not as many titles as passages.
        """
        return self.read_pairs([question] * len(passages), passages, titles, n_spans=n_spans, batch_pieces=batch_pieces)

    def read_pairs(
        self,
        questions: Sequence[str],
        passages: Sequence[str],
        titles: Sequence[str] | None = None,
        *,
        n_spans: int = 5,
        batch_pieces: int = 4096,
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
        found = self._run([window for _, window in pairs], batch_pieces)
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

    def _run(self, shown: Sequence[Window], batch_pieces: int) -> list[tuple[NDArray[np.float32], float]]:
        """For each window the span logits of its passage's pieces and of "no answer" first, and the answer's logit."""
        import torch

        order = sorted(range(len(shown)), key=lambda number: -len(shown[number].ids))
        found: list[tuple[NDArray[np.float32], float]] = [(np.empty((0, 2), np.float32), 0.0)] * len(shown)
        start = 0
        with torch.inference_mode():
            while start < len(order):
                numbers = order[start : start + max(1, batch_pieces // padded_length(len(shown[order[start]].ids)))]
                start += len(numbers)
                span, answerable = network(
                    self._weights, to_batch([shown[n] for n in numbers]), bfloat16=self.bfloat16, fused=True
                )
                for row, number in enumerate(numbers):
                    first, count = shown[number].passage_from, shown[number].count
                    places = [0, *range(first, first + count)]
                    found[number] = span[row, places].numpy(), float(answerable[row])
        return found

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
