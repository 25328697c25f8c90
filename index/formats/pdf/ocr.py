"""The text in pictures, by RapidOCR and the models in its own wheel: the extra pilcrow[ocr]. Downloads nothing.

Reading a picture takes seconds, so whoever limits a reader's time is told when the first picture of a file begins.
"""

import time
from collections.abc import Callable
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
    """The lines of text in a picture with their boxes, from its lower left, in pixels divided by `scale`."""
    import numpy as np

    if _Pace.begun is None:
        _Pace.begun = time.monotonic()
        _Pace.announce()
    found = _engine()(np.asarray(picture.convert("RGB")))
    runs = []
    for order, (corners, text) in enumerate(zip(found.boxes if found.boxes is not None else (), found.txts or (),
                                                strict=True)):  # fmt: skip
        words = " ".join(clean(str(text)).split())
        if not words:
            continue
        left, right = float(corners[:, 0].min()) / scale, float(corners[:, 0].max()) / scale
        top, bottom = ((picture.height - float(y)) / scale for y in (corners[:, 1].min(), corners[:, 1].max()))
        height = top - bottom
        box = Box(left, bottom, right, top)
        runs.append(Run(words, box, bottom + 0.2 * height, round(0.75 * height, 1), False, order))
    return runs


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
