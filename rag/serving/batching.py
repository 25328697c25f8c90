"""Calls that arrive together are made as one: many threads ask for a few inputs each, one of them runs all that wait.

Who finds nobody at work runs its own inputs at once, so a lone question waits for nothing. Who comes meanwhile waits,
and is in the next batch with all the others. Knows threads, the encoder and the reader.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from index.encoder.embedding import Encoder, EncoderIdentity, Vectors
from rag.reading.reader import Reader, Reading

Q = TypeVar("Q")
R = TypeVar("R")

# Inputs of a batch: enough to keep every core at work, few enough that the first of them need not wait for long.
_MOST_TEXTS, _MOST_PASSAGES = 64, 32


@dataclass(eq=False, slots=True)
class _Call(Generic[Q, R]):
    """What one thread asks for, and what it got. alone: nothing, since what it was run with has failed."""

    inputs: Sequence[Q]
    results: list[R] | None = None
    alone: bool = False


class MicroBatcher(Generic[Q, R]):
    """A function from inputs to as many results, whose calls from many threads are made as few."""

    def __init__(self, function: Callable[[Sequence[Q]], Sequence[R]], *, most: int) -> None:
        """most: inputs that are run together; a call that has more by itself is run as it is."""
        self._function = function
        self._most = most
        self._waiting: list[_Call[Q, R]] = []
        self._is_working = False
        self._changed = threading.Condition()

    def __call__(self, inputs: Sequence[Q]) -> list[R]:
        """The results of these inputs, in their order.

        Where a batch fails, each of its calls is run again by itself: only those whose inputs raise an error get it.
        """
        call: _Call[Q, R] = _Call(inputs)
        with self._changed:
            self._waiting.append(call)
        while (batch := self._turn(call)) is not None:
            self._run(batch)
        return list(self._function(inputs)) if call.results is None else call.results

    def _turn(self, call: _Call[Q, R]) -> list[_Call[Q, R]] | None:
        """The calls that this thread is to run now, oldest first; None when its own has been run."""
        with self._changed:
            self._changed.wait_for(lambda: call.results is not None or call.alone or not self._is_working)
            if call.results is not None or call.alone:
                return None
            self._is_working = True
            batch = [self._waiting.pop(0)]
            count = len(batch[0].inputs)
            while self._waiting and count + len(self._waiting[0].inputs) <= self._most:
                count += len(self._waiting[0].inputs)
                batch.append(self._waiting.pop(0))
            return batch

    def _run(self, batch: Sequence[_Call[Q, R]]) -> None:
        results: Sequence[R] | None = None
        try:
            with suppress(Exception):  # it is raised again where the call that is at fault is run alone
                results = self._function([one for call in batch for one in call.inputs])
        finally:
            with self._changed:
                start = 0
                for call in batch:
                    end = start + len(call.inputs)
                    call.results, call.alone = (None, True) if results is None else (list(results[start:end]), False)
                    start = end
                self._is_working = False
                self._changed.notify_all()


class BatchingEncoder:
    """An encoder for many threads."""

    def __init__(self, encoder: Encoder) -> None:
        """encoder: the one that does the work."""
        self.inside = encoder
        self._encode: MicroBatcher[str, Vectors] = MicroBatcher(
            lambda texts: list(encoder.encode(texts)), most=_MOST_TEXTS
        )

    @property
    def identity(self) -> EncoderIdentity:
        """Of the encoder inside."""
        return self.inside.identity

    @property
    def max_length(self) -> int:
        """Of the encoder inside."""
        return self.inside.max_length

    def count_pieces(self, texts: Sequence[str]) -> list[int]:
        """The number of word pieces of each text, specials not counted."""
        return self.inside.count_pieces(texts)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, as the encoder inside makes them."""
        return np.stack(self._encode(texts)) if texts else self.inside.encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """As the encoder inside."""
        return self.inside.encode_passages(texts)


class BatchingReader:
    """A reader for many threads."""

    def __init__(self, reader: Reader) -> None:
        """reader: the one that does the work."""
        self._read: MicroBatcher[tuple[str, str, str, int], Reading] = MicroBatcher(self._read_all, most=_MOST_PASSAGES)
        self._reader = reader

    def read(
        self, question: str, passages: Sequence[str], titles: Sequence[str] | None = None, *, n_spans: int = 5
    ) -> list[Reading]:
        """One Reading for each passage, in their order, as the reader inside makes them."""
        shown = titles if titles is not None else [""] * len(passages)
        return self._read([(question, p, t, n_spans) for p, t in zip(passages, shown, strict=True)])

    def _read_all(self, asked: Sequence[tuple[str, str, str, int]]) -> list[Reading]:
        questions, passages, titles, spans = zip(*asked, strict=True)
        readings = self._reader.read_pairs(questions, passages, titles, n_spans=max(spans))
        return [replace(r, spans=r.spans[:n]) for r, n in zip(readings, spans, strict=True)]
