"""Measures of a short answer's words against the references': exact match and token F1, as SQuAD scores them."""

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise_answer(text: str) -> str:
    """Lower case, without ASCII punctuation, without a, an, the, white space folded: SQuAD's definition (2016)."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, references: Sequence[str]) -> float:
    """1.0 where the normalised prediction equals that of a reference, else 0.0.

    EM = max over the references of [prediction = reference]     (Rajpurkar et al. 2016)

    Average: over the questions. Ties: of several references the best counts, once.
    Empty: no reference means that the question has no answer; "" is then right, and nothing else is.
    """
    return max(float(normalise_answer(prediction) == normalise_answer(text)) for text in references or ("",))


def token_f1(prediction: str, references: Sequence[str]) -> float:
    """The harmonic mean of precision and recall over the bag of normalised tokens, the best reference's; in [0, 1].

    F1 = max over the references of 2 * |tokens in both| / (|prediction's| + |reference's|)     (Rajpurkar et al. 2016)

    Average: over the questions. Ties: a token counts as often as it stands in both; of several references the best
    counts, once. Empty: where either side has no token, 1.0 if neither has, else 0.0; no reference is one of "".
    """
    return max(
        _token_f1(normalise_answer(prediction).split(), normalise_answer(r).split()) for r in references or ("",)
    )


def _token_f1(ours: Sequence[str], theirs: Sequence[str]) -> float:
    if not ours or not theirs:
        return float(list(ours) == list(theirs))
    shared = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * shared / (len(ours) + len(theirs))
