"""Support: the probability that a cited text bears a claim out.

    [CLS] claim [SEP] text [SEP]  ->  one logit  ->  with cosine and exact checks, a calibrated probability

The network is the bundled encoder's transformer with low-rank changes to its matrices, added when it is opened, and a
small head. This module owns the model's file, its head and the windows; the transformer runs in
`index.encoder.engine`. It does not know how it was trained (`rag.training.support`) or where claims and texts come
from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from index.encoder.embedding import Encoder, bundled_folder, open_encoder
from index.encoder.engine import WIDTH, Engine, Floats, Integers, Precision, fastest_precision, tensor_shapes
from index.sentences import sentence_spans
from rag.reading import reader as reading
from rag.reading.candidates import logistic
from rag.reading.model_files import open_files
from rag.reading.reader import CLS, FROZEN_NAMES, SEP, Pieces, Window, gelu
from rag.support.excerpt import excerpt, plain
from rag.support.facts import missing_names, missing_numbers, stands_in

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

# Columns of a matrix's change: 32 keep 0.99 of what a change of full rank does, and six layers of it take 2.7 MB.
RANK = 32
_HEAD_WIDTH = 64
MAX_PIECES = 256
MAX_CLAIM_PIECES = 128

# What a missing number leaves of support: never enough for Verdict.SUPPORTED.
MISSING = 0.49

BUNDLED_SUPPORT = Path(__file__).parent.parent / "model" / "support"

Array = TypeVar("Array", "NDArray[np.floating]", "Tensor")


def matrix_names() -> dict[str, tuple[int, int]]:
    """Name without ".weight" -> (out, in) of every matrix that gets a low-rank change."""
    return {
        name.removesuffix(".weight"): (shape[0], shape[1])
        for name, shape in tensor_shapes().items()
        if name.startswith("encoder.") and len(shape) == 2
    }


def trained_names() -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor in the file: a matrix's change is `up @ down`, vectors are kept whole."""
    shapes: dict[str, tuple[int, ...]] = {
        "head.look.weight": (1, WIDTH),
        "head.dense.weight": (_HEAD_WIDTH, 2 * WIDTH),
        "head.dense.bias": (_HEAD_WIDTH,),
        "head.out.weight": (1, _HEAD_WIDTH),
        "head.out.bias": (1,),
    }
    matrices = matrix_names()
    for name, (rows, columns) in matrices.items():
        shapes[f"{name}.up"] = (rows, RANK)
        shapes[f"{name}.down"] = (RANK, columns)
    for name, shape in tensor_shapes().items():
        if name not in FROZEN_NAMES and name.removesuffix(".weight") not in matrices:
            shapes[name] = shape
    return shapes


def merged(encoder: Mapping[str, Array], trained: Mapping[str, Array]) -> dict[str, Array]:
    """The network's tensors under the encoder's names: each matrix with its change added, the rest as trained.

    Arrays of numpy or of torch, all float32; where torch differentiates, it differentiates this, too.
    """
    weights = {name: encoder[name] for name in FROZEN_NAMES}
    for name in matrix_names():
        weights[f"{name}.weight"] = encoder[f"{name}.weight"] + trained[f"{name}.up"] @ trained[f"{name}.down"]
    weights.update({name: tensor for name, tensor in trained.items() if not name.endswith((".up", ".down"))})
    return weights


def support_window(claim: Pieces, text: Pieces, *, max_pieces: int = MAX_PIECES) -> Window:
    """The text beside the claim; a claim is cut at MAX_CLAIM_PIECES, the text where the window ends."""
    front = [CLS, *claim.ids[:MAX_CLAIM_PIECES], SEP]
    shown = text.ids[: max_pieces - len(front) - 1]
    return Window([*front, *shown, SEP], len(front), len(front), 0, len(shown))


def _head_logit(weights: Mapping[str, NDArray[np.floating]], hidden: Floats, second_from: int) -> float:
    """The logit from [CLS] and from the claim's pieces that matter most: one that nothing bears out is enough.

    hidden: (t, WIDTH) of one window. second_from: where the text begins. `rag.training.support` says it in PyTorch.
    """
    claim = hidden[1:second_from]
    looked = claim @ weights["head.look.weight"][0]
    share = np.exp(looked - looked.max())
    seen = np.concatenate([hidden[0], share / share.sum() @ claim])
    inner = gelu(weights["head.dense.weight"] @ seen + weights["head.dense.bias"])
    return float(weights["head.out.weight"][0] @ inner + weights["head.out.bias"][0])


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a claim and a text: the network's logit, their cosine, and whether something is missing."""

    logit: float
    cosine: float
    number_missing: bool
    name_missing: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """support = logistic(bias + weight * logit + cosine * cosine - name if a name is missing).

    Where a number is missing, MISSING of that. A missing number decides, a missing name weighs: texts imply names more
    often than numbers, and as a rule that decides it cost more than it told.
    """

    bias: float = 0.0
    weight: float = 1.0
    cosine: float = 0.0
    name: float = 0.0

    def support(self, seen: Evidence) -> float:
        """In [0, 1]; below what is supported where a number is missing."""
        found = self.bias + self.weight * seen.logit + self.cosine * seen.cosine - self.name * seen.name_missing
        return logistic(found) * (MISSING if seen.number_missing else 1.0)


def cosines(pairs: Sequence[tuple[str, str]], encoder: Encoder) -> list[float]:
    """For each (claim, text) their cosine, in [-1, 1]; of a long text that of the best part that the encoder reads."""
    parts = [_parts(text, encoder) for _, text in pairs]
    vectors = encoder.encode_passages([*(claim for claim, _ in pairs), *(part for some in parts for part in some)])
    found, first = [], len(pairs)
    for claim, some in zip(vectors, parts, strict=False):
        found.append(float((vectors[first : first + len(some)] @ claim).max()))
        first += len(some)
    return found


def _parts(text: str, encoder: Encoder) -> list[str]:
    """The text in runs of sentences that fit the encoder; a sentence that is longer is left to it to cut."""
    room = encoder.max_length - 2
    if encoder.count_pieces([text])[0] <= room:
        return [text]
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    parts: list[list[str]] = [[]]
    used = 0
    for sentence, n_pieces in zip(sentences, encoder.count_pieces(sentences), strict=True):
        if parts[-1] and used + n_pieces > room:
            parts.append([])
            used = 0
        parts[-1].append(sentence)
        used += n_pieces
    return [" ".join(part) for part in parts]


def bundled_support() -> SupportModel:
    """The support model that ships. Raises ModelFileError or EncoderMissing where files are absent or altered."""
    return SupportModel.open(BUNDLED_SUPPORT, bundled_folder())


class SupportModel:
    """The trained support model, in memory. It knows English only."""

    def __init__(
        self,
        weights: Mapping[str, NDArray[np.floating]],
        tokenizer: Tokenizer,
        *,
        calibration: Calibration | None = None,
        precision: Precision | None = None,
        sha256: str = "",
    ) -> None:
        """weights: as `merged` makes them.

        precision: of the transformer; None is the fastest that this processor has.
        sha256: the identity of the file, for reports.
        """
        self._engine = Engine(weights, precision=precision or fastest_precision())
        self._encoder = open_encoder()
        self._head = {name: np.asarray(w, np.float32) for name, w in weights.items() if name.startswith("head.")}
        self._tokenizer = tokenizer
        self.calibration = calibration or Calibration()
        self.sha256 = sha256

    @classmethod
    def open(cls, folder: Path, encoder: Path) -> SupportModel:
        """The model in `folder` on the encoder in the folder `encoder`; both are checked by hash.

        Raises ModelFileError where a file is absent, altered, or of another encoder than the model was trained on.
        """
        files = open_files(folder, encoder, kind="support model", command="train-support")
        trained = {name: tensor.astype(np.float32) for name, tensor in files.trained.items()}
        return cls(
            merged(files.encoder, trained),
            files.tokenizer,
            calibration=Calibration(**files.config.get("calibration", {})),
            sha256=files.config["sha256"],
        )

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each (claim, cited text) the calibrated probability that the text bears the claim out, in [0, 1].

        What the text says word for word is 1.0, and the network is not asked. Of a text that is longer than a window
        `excerpt` is judged. A number of the claim that stands nowhere in the text leaves MISSING of it, a name lowers
        it.
        """
        asked = [pair for pair in pairs if not stands_in(*pair)]
        judged = dict(zip(asked, map(self.calibration.support, self.seen(asked)), strict=True))
        return [judged.get(pair, 1.0) for pair in pairs]

    def seen(self, pairs: Sequence[tuple[str, str]]) -> list[Evidence]:
        """What support is made of, for each (claim, cited text)."""
        whole = [(plain(claim), plain(text)) for claim, text in pairs]
        shown = [(claim, self._shown(claim, text)) for claim, text in whole]
        return [
            Evidence(logit, cosine, bool(missing_numbers(claim, text)), bool(missing_names(claim, text)))
            for (claim, text), logit, cosine in zip(
                whole, self.logits(shown), cosines(shown, self._encoder), strict=True
            )
        ]

    def _shown(self, claim: str, text: str) -> str:
        n_pieces = min(len(self._tokenizer.encode(claim, add_special_tokens=False)), MAX_CLAIM_PIECES)
        return excerpt(claim, text, self._tokenizer, MAX_PIECES - n_pieces - 3)

    def logits(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each (claim, text) the network's logit; of a text that is longer than a window that of its beginning."""
        claims = reading.to_pieces(self._tokenizer, [claim for claim, _ in pairs])
        texts = reading.to_pieces(self._tokenizer, [text for _, text in pairs])
        shown = [support_window(claim, text) for claim, text in zip(claims, texts, strict=True)]

        def take(hidden: Floats, _lengths: Integers, rows: Sequence[int]) -> list[float]:
            return [
                _head_logit(self._head, states, shown[n].second_from) for states, n in zip(hidden, rows, strict=True)
            ]

        return self._engine.run([w.ids for w in shown], take, second_from=[w.second_from for w in shown])
