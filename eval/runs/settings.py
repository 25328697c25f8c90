"""Settings to be compared: how hits are found, by whom they are ordered, how long passages are, how many are read.

fused                    search as `pilcrow search` does it          dense, lexical: one leg alone
read                     fused, the best in the order in which `pilcrow ask` reads them
fused,encoder=FOLDER     another encoder                             fused,passage=96   shorter passages
read,k=16                more passages read                          run=FILE           a run of somebody else's
fused,document=0         nothing for the rest of a document          fused,exact=no     exact things count no more
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index.encoder.embedding import BUNDLED, Encoder, Vectors, open_encoder
from index.errors import PilcrowError
from rag.answering import PASSAGES
from rag.retrieval import DENSE_WEIGHT, DOCUMENT_WEIGHT, Hit, Way

_READ = "read"
# A passage holds a title, a heading and some sentences; in fewer word pieces there is no room for the sentences.
_LEAST_PIECES = 32


class BadSetting(PilcrowError):
    """A setting that is none; says what there is."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way of finding and reading.

    name: as typed. read: whether the best are put in the order of reading. passages: how many the reader reads.
    document: the weight of a passage's document. exact: whether what has the question's exact things goes first.
    encoder: None is the bundled one, or the collection's. pieces: word pieces of a passage at most; None is the
    encoder's own length. run: a file that holds the rankings; nothing is searched then.
    """

    name: str
    way: Way = Way.FUSED
    read: bool = False
    passages: int = PASSAGES
    document: float = DOCUMENT_WEIGHT
    exact: bool = True
    encoder: str | None = None
    pieces: int | None = None
    run: Path | None = None

    @property
    def indexed_as(self) -> tuple[str | None, int | None]:
        """What decides the passages and vectors: settings that share it share a collection."""
        return self.encoder, self.pieces


def parse_setting(text: str) -> Setting:
    """The setting that a word of the command line stands for. Raises BadSetting, naming those that there are."""
    kind, *options = text.split(",")
    if kind.startswith("run="):
        path = Path(text.removeprefix("run="))
        if not path.is_file():
            raise BadSetting(f"setting '{text}': '{path}' does not exist; give a run in TREC's form")
        return Setting(path.stem, run=path)
    if kind not in (*(way.value for way in Way), _READ):
        raise BadSetting(f"no setting '{text}'; there are dense, lexical, fused, read and run=FILE, with options such "
                         "as read,k=16 or fused,passage=96 or fused,encoder=FOLDER")  # fmt: skip
    setting = Setting(text, Way.FUSED if kind == _READ else Way(kind), read=kind == _READ)
    for option in options:
        key, _, value = option.partition("=")
        setting = _with_option(setting, key, value)
    return setting


def _with_option(setting: Setting, key: str, value: str) -> Setting:
    if key == "encoder" and value:
        return replace(setting, encoder=value)
    if key == "k" and value.isdecimal() and int(value) >= 1:
        return replace(setting, passages=int(value))
    if key == "passage" and value.isdecimal() and int(value) >= _LEAST_PIECES:
        return replace(setting, pieces=int(value))
    if key == "exact" and value in ("yes", "no"):
        return replace(setting, exact=value == "yes")
    if key == "document" and re.fullmatch(r"0(\.\d+)?|1", value):
        return replace(setting, document=float(value))
    raise BadSetting(f"setting '{setting.name}': '{key}={value}' is none of encoder=NAME, k=1 or more, "
                     f"passage={_LEAST_PIECES} or more word pieces, document=0 to 1, exact=yes or no")  # fmt: skip


class ShortPassages:
    """An encoder for which passages are made shorter than it could read; vectors of the same text are the same."""

    def __init__(self, encoder: Encoder, pieces: int) -> None:
        """pieces: word pieces of a passage at most, specials included. Raises BadSetting where it reads fewer."""
        if pieces > encoder.max_length:
            read = f"the {encoder.max_length} word pieces that '{encoder.identity.name}' reads"
            raise BadSetting(f"passage={pieces} is more than {read}")
        self._encoder = encoder
        self.max_length = pieces
        self.identity = replace(encoder.identity, max_length=pieces)

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """The number of word pieces of each text, specials not counted."""
        return self._encoder.count_pieces(texts)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of queries."""
        return self._encoder.encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of what is stored."""
        return self._encoder.encode_passages(texts)


def encoder_of(setting: Setting, default: str = BUNDLED) -> Encoder:
    """The encoder that a setting is indexed and searched with."""
    encoder = open_encoder(setting.encoder or default, fetch=setting.encoder is not None)
    return ShortPassages(encoder, setting.pieces) if setting.pieces else encoder


def scored_by_rank(hits: Sequence[Hit]) -> list[Hit]:
    """Hits in their order with scores that fall with it, from the number of hits on: units are ranked by score."""
    return [replace(hit, score=float(len(hits) - n), rank=n + 1) for n, hit in enumerate(hits)]


def on_the_fused_scale(hits: list[Hit], way: Way) -> list[Hit]:
    """Hits of one leg with the share of the fused score that it gives, so that a reader weighs them as it does those.

    BM25 has no upper bound; its best of a question counts as 1.
    """
    if way is Way.FUSED or not hits:
        return hits
    if way is Way.DENSE:
        return [replace(hit, score=DENSE_WEIGHT * hit.cosine) for hit in hits]
    best = max(hit.bm25 for hit in hits) or 1.0
    return [replace(hit, score=(1 - DENSE_WEIGHT) * hit.bm25 / best) for hit in hits]
