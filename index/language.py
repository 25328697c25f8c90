"""Whether a text is English, which is what the bundled reader reads."""

import re
from functools import lru_cache
from typing import Any

# Words that English sentences are full of and other languages' are not; "in", "an", "die", "was" are left out.
_ENGLISH = re.compile(
    r"\b(?:the|of|and|to|is|are|were|did|does|do|has|have|had|what|which|who|whom|whose|when|where|why|how|by|for|from|"
    r"with|on|that|this|it|they|he|she|be|been|not|there)\b",
    re.IGNORECASE,
)
# At least this share of a text's words, and the language needs no model to be told.
_ENGLISH_SHARE = 0.15
# Names alone ("Lukashenko Putin?") look like any language; a judgement needs so many words and so much certainty.
_MIN_WORDS = 3
_MIN_CERTAINTY = 0.35
_MAX_ENGLISH = 0.02


def other_language(text: str) -> str | None:
    """The ISO 639-1 code of the language of a text that is not English; None for English and where it cannot be told.

    By py3langid's model (Lui and Baldwin 2012), loaded only where the text is not plainly English.
    """
    words = text.split()
    cjk = any("\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" for char in text)
    if (len(words) < _MIN_WORDS and not cjk) or len(_ENGLISH.findall(text)) >= _ENGLISH_SHARE * len(words):
        return None
    ranked = dict(_identifier().rank(text[:2000]))
    language = max(ranked, key=lambda code: ranked[code])
    certain = ranked[language] >= _MIN_CERTAINTY and ranked.get("en", 0.0) <= _MAX_ENGLISH
    return str(language) if certain and language != "en" else None


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid import langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
