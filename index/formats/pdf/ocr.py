"""The text in pictures, by RapidOCR and the models in its own wheel: the extra pilcrow[ocr]. Downloads nothing.

Reading a picture takes seconds, so whoever limits a reader's time is told when the first picture of a file begins.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.formats.content import clean
from index.formats.pdf.runs import Box, Run

if TYPE_CHECKING:
    from PIL.Image import Image

# For all pictures of one file together, and what its models take of memory beyond what the reader has.
SECONDS = 600.0
MEMORY_BYTES = 3_000_000_000
HINT = "pip install 'pilcrow[ocr]' to have them read"
# No new picture is begun after this share of the time.
_SHARE = 0.8
# Of a page that is upright the engine is surer than this, of one that is not it is not: .97 and more, .61 to .77.
_SURE = 0.85
# The engine reads a line that goes up the page as one that goes along it, only in the wrong order: then no less sure.
_NO_WORSE = 0.03
# Radians that lines may rise: less is level, more is no page laid askew.
_LEVEL, _ASKEW = 0.004, 0.3
# Boxes of lines in letters of one size differ by this factor at most.
_LIKE = 1.19
_BEFORE_NUMBERS = "on|at|of|in|to|by|from|until|before|after|since|than|and|is|was|for|about|page|pages"


class _Pace:
    """When the first picture of the file was begun, and who is told of it."""

    begun: float | None = None
    announce: Callable[[], None] = staticmethod(lambda: None)


def new_file(announce: Callable[[], None]) -> None:
    """Begins to count the time anew. announce: called before the first picture is read."""
    _Pace.begun = None
    _Pace.announce = staticmethod(announce)


def is_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("rapidocr") is not None


def has_time() -> bool:
    """Whether another picture of this file may be begun."""
    return _Pace.begun is None or time.monotonic() - _Pace.begun < _SHARE * SECONDS


def runs_in(picture: "Image", *, scale: float = 1.0) -> list[Run]:
    """The lines of text in a picture with their boxes, from its lower left, in pixels divided by `scale`.

    A page that lies on its side or stands on its head is turned first; boxes are then of the turned page.
    """
    from PIL.Image import Transpose

    if _Pace.begun is None:
        _Pace.begun = time.monotonic()
        _Pace.announce()
    found, height = _read(picture), picture.height
    lying = _is_lying(found)
    if lying or (found and _sureness(found) < _SURE):
        turns = (Transpose.ROTATE_90, Transpose.ROTATE_270) if lying else (Transpose.ROTATE_180,)
        for turned in map(picture.transpose, turns):
            other = _read(turned)
            if _sureness(other) > _sureness(found) - (_NO_WORSE if _is_lying(found) else 0):
                found, height = other, turned.height
    sizes = _sizes(found)
    runs = []
    for order, (line, size) in enumerate(zip(found, sizes, strict=True)):
        box = Box(line.box.left / scale, (height - line.box.top) / scale, line.box.right / scale,
                  (height - line.box.bottom) / scale)  # fmt: skip
        bottom = box.bottom + 0.2 * (box.top - box.bottom)
        runs.append(Run(line.text, box, bottom, round(0.75 * size / scale, 1), False, order))
    return runs


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that was read: its box in pixels from the picture's upper left, the height of its letters, and how sure
    the engine is of it, 0 to 1."""

    text: str
    box: Box
    height: float
    sureness: float


def _read(picture: "Image") -> list[_Line]:
    import numpy as np

    found = _engine()(np.asarray(picture.convert("RGB")))
    if found.boxes is None:
        return []
    lines = []
    for corners, text, sureness in zip(_straight(np.asarray(found.boxes)), found.txts, found.scores, strict=True):
        words = spaced(" ".join(clean(str(text)).split()))
        if words:
            (left, first), (right, last) = corners.min(axis=0), corners.max(axis=0)
            box = Box(float(left), float(first), float(right), float(last))
            lines.append(_Line(words, box, float(last - first), float(sureness)))
    return lines


def _straight(boxes: Any) -> Any:
    """The corners of the lines of a page that lies a little askew, (n, 4, 2) pixels, turned so that they are level."""
    import numpy as np

    across = boxes[:, 1] - boxes[:, 0]
    slant = np.arctan2(across[:, 1], across[:, 0])
    angle = float(np.median(slant[np.argsort(-np.abs(across[:, 0]))[: max(len(slant) // 2, 1)]]))
    if not _LEVEL < abs(angle) < _ASKEW:
        return boxes
    cos, sin = np.cos(angle), np.sin(angle)
    return boxes @ np.array([[cos, -sin], [sin, cos]])


def _is_lying(lines: Sequence[_Line]) -> bool:
    """Whether most letters stand in lines that go up or down the page."""
    letters = dict.fromkeys((True, False), 0)
    for line in lines:
        letters[line.box.top - line.box.bottom > line.box.right - line.box.left] += len(line.text)
    return letters[True] > letters[False]


def _sureness(lines: Sequence[_Line]) -> float:
    """Of a letter, on average; 0 where there is none."""
    letters = sum(len(line.text) for line in lines)
    return sum(line.sureness * len(line.text) for line in lines) / letters if letters else 0.0


def _sizes(lines: Sequence[_Line]) -> list[float]:
    """The height of each line's letters, the same for those that differ by no more than a "g" or a capital does."""
    sizes = [line.height for line in lines]
    left = sorted(range(len(lines)), key=lambda n: sizes[n])
    while left:
        letters = [n for n in left for _ in lines[n].text]
        middle = lines[letters[len(letters) // 2]].height
        like = [n for n in left if 1 / _LIKE < lines[n].height / middle < (_LIKE if len(lines[n].text) > 5 else 1.25)]
        for n in like:
            sizes[n] = middle
        left = [n for n in left if n not in like]
    return sizes


def spaced(words: str) -> str:
    """A line with the spaces that the engine loses before and behind a number, and behind a comma."""
    words = re.sub(r"(?<=[^\W\d_]{2},)(?=[A-Z][a-z])", " ", words)
    words = re.sub(rf"\b({_BEFORE_NUMBERS})(?=\d)", r"\1 ", words)
    return re.sub(r"(?<=\d)(?=[a-z]{4,}\b)", " ", words)


@cache
def _engine() -> Any:
    """The engine on one thread, its models named, so that it never looks for others."""
    import rapidocr
    from rapidocr import RapidOCR

    models = Path(rapidocr.__file__).parent / "models"
    named = {part: next(iter(sorted(models.glob(f"*_{part}*.onnx"))), None) for part in ("det", "rec")}
    if None in named.values():
        raise OSError(f"rapidocr has no models in '{models}'; install a version that brings them")
    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Det.model_path": str(named["det"]),
            "Rec.model_path": str(named["rec"]),
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
    )
