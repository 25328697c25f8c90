"""Who can answer on the page: the documents' own sentences, and each chat model that is on this machine.

Loads a model when it is first chosen, and remembers how long each takes here. Knows nothing of turns or HTML.
"""

import threading
from collections import deque
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from rag.generation.gguf_file import packaged_here
from rag.opened import OpenCollection

if TYPE_CHECKING:
    from rag.answering import Models
    from rag.generation.chat_model import ChatModel
    from rag.support.model import SupportModel

QUOTES, MODEL = "quotes", "model"
_PACKAGED = "packaged:"
# Of so many answers the time in the middle is told: the first one loads what it needs.
_TIMED = 9


class Answerers:
    """The choice, the models behind it, and their times."""

    def __init__(self, opened: OpenCollection) -> None:
        """opened: the collection; the model that it names comes first."""
        self._opened = opened
        self._loading = threading.Lock()
        self._loaded: dict[str, tuple[ChatModel, SupportModel]] = {}
        self._took: dict[str, deque[float]] = {}

    def choices(self) -> list[tuple[str, str]]:
        """(key, words) of each, the one that answers by default first; how many seconds it takes, where that is known.

        Without a model that was named, quotes come first: they are right more often than a small model's sentences.
        """
        named = self._opened.model_name
        first = [] if named is None else [(MODEL, named)]
        others = [(_PACKAGED + name, name) for name in packaged_here() if name != named]
        return [(key, words + self._pace(key)) for key, words in [*first, (QUOTES, "Quotes only"), *others]]

    def key_of(self, asked: object) -> str:
        """The key that a browser sent, or the default's where it sent none that is known."""
        known = [key for key, _ in self.choices()]
        return asked if isinstance(asked, str) and asked in known else known[0]

    @property
    def loading(self) -> bool:
        """Whether a model is being loaded now."""
        return self._loading.locked()

    def is_loaded(self, key: str) -> bool:
        """Whether choosing it costs no loading."""
        return not key.startswith(_PACKAGED) or key in self._loaded

    def models(self, key: str, own: "Models") -> "Models":
        """The models of an answerer. own: the collection's. Raises what loading a model raises."""
        if key == MODEL:
            return own
        if not key.startswith(_PACKAGED):
            return replace(own, model=None, support=None)
        from rag.generation.local_model import LocalModel
        from rag.support.model import bundled_support

        with self._loading:
            if key not in self._loaded:
                self._loaded[key] = LocalModel(key.removeprefix(_PACKAGED)), bundled_support()
            model, support = self._loaded[key]
        return replace(own, model=model, support=support)

    def took(self, key: str, seconds: float) -> None:
        """An answer was given in so many seconds."""
        self._took.setdefault(key, deque(maxlen=_TIMED)).append(seconds)

    def _pace(self, key: str) -> str:
        times = list(self._took.get(key, ()))
        return f", about {max(1, round(median(times)))} s" if times else ""
