"""Whether a text is English, which is what the bundled reader reads."""

import re
import threading
from functools import lru_cache
from typing import Any

# Words that English sentences are full of and that other languages' are not: "is", "of", "do", "to", "he" are Dutch,
# Portuguese, Polish or Finnish words, too.
_ENGLISH = re.compile(
    r"\b(?:the|and|were|did|does|what|which|who|whom|whose|when|where|why|how|from|with|this|they|she|been|there)\b",
    re.IGNORECASE,
)
# One such word in so many, and the language needs no model to be told.
_WORDS_PER_ENGLISH = 12
_MIN_WORDS = 3
_MIN_CERTAINTY = 0.35
_MAX_ENGLISH = 0.02
_load_lock = threading.Lock()


def other_language(text: str) -> str | None:
    """The ISO 639-1 code of the language of a text that is not English; None for English and where it cannot be told.

    By py3langid's model (Lui and Baldwin 2012), loaded only where the text is not plainly English. Names look like any
    language, so words with capitals are left out where a text has others.
    """
    words = text.split()
    foreign_script = any(char.isalpha() for char in text) and not any(
        char.isascii() and char.isalpha() for char in text
    )
    if not foreign_script and len(words) < _MIN_WORDS:
        return None
    if len(_ENGLISH.findall(text)) * _WORDS_PER_ENGLISH >= len(words):
        return None
    if not foreign_script and sum(word[:1].islower() for word in words) < max(2, len(words) / 4):
        return None
    ranked = dict(_identifier().rank(text[:2000]))
    language = max(ranked, key=lambda code: ranked[code])
    certain = (ranked[language] >= _MIN_CERTAINTY and ranked.get("en", 0.0) <= _MAX_ENGLISH) or foreign_script
    return str(language) if certain and language != "en" else None


def _identifier() -> Any:
    """The model, read once: each thread that came meanwhile would read its own, 80 MB and half a second of work."""
    with _load_lock:
        return _read_identifier()


@lru_cache(maxsize=1)
def _read_identifier() -> Any:
    from py3langid import langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
