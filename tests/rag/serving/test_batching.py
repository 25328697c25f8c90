"""Calls from many threads that are made as few: each gets its own results, and nobody is left waiting."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from index.encoder.embedding import Encoder
from rag.reading.reader import Reader
from rag.serving.batching import BatchingEncoder, BatchingReader, MicroBatcher

TEXTS = [f"The {n}th bridge was mended in {1900 + n} by the town of Hrodna." for n in range(24)]


def test_calls_that_come_while_one_runs_are_made_as_one_in_their_order() -> None:
    batches: list[list[int]] = []
    go_on, running = threading.Event(), threading.Event()

    def double(numbers: Sequence[int]) -> list[int]:
        batches.append(list(numbers))
        running.set()
        assert go_on.wait(10)
        return [2 * number for number in numbers]

    gathered = MicroBatcher(double, most=4)
    with ThreadPoolExecutor(6) as threads:
        found = [threads.submit(gathered, [0])]
        assert running.wait(10)
        for number in range(1, 6):
            found.append(threads.submit(gathered, [number, -number]))
            while len(gathered._waiting) < number:
                pass
        go_on.set()
        assert [future.result(10) for future in found] == [[0], *([2 * n, -2 * n] for n in range(1, 6))]
    assert batches == [[0], [1, -1, 2, -2], [3, -3, 4, -4], [5, -5]]


def test_a_call_with_more_than_a_batch_holds_and_one_with_nothing_are_run_too() -> None:
    gathered = MicroBatcher(lambda numbers: [-number for number in numbers], most=2)
    assert gathered(range(5)) == [0, -1, -2, -3, -4]
    assert gathered([]) == []


def test_an_input_that_fails_fails_nobody_elses() -> None:
    go_on, running = threading.Event(), threading.Event()

    def invert(numbers: Sequence[int]) -> list[float]:
        running.set()
        assert go_on.wait(10)
        return [1 / number for number in numbers]

    gathered = MicroBatcher(invert, most=100)
    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(gathered, [8])
        assert running.wait(10)
        together = []
        for number in (1, 2, 4, 0, 5):
            together.append(threads.submit(gathered, [number]))
            while len(gathered._waiting) < len(together):
                pass
        go_on.set()
        assert first.result(10) == [0.125]
        assert [type(future.exception(10)) for future in together].count(ZeroDivisionError) == 1
        assert [together[n].result() for n in (0, 1, 2, 4)] == [[1.0], [0.5], [0.25], [0.2]]
    assert gathered([4]) == [0.25]


def test_the_encoder_gives_many_threads_the_vectors_that_it_gives_one(encoder: Encoder) -> None:
    gathering = BatchingEncoder(encoder)
    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(lambda text: gathering.encode([text])[0], TEXTS))
    np.testing.assert_allclose(np.stack(found), encoder.encode(TEXTS), atol=2e-3)
    assert gathering.encode([]).shape == (0, gathering.identity.dimension)
    assert (gathering.max_length, gathering.count_pieces(TEXTS[:2])) == (
        encoder.max_length,
        encoder.count_pieces(TEXTS[:2]),
    )


def test_the_reader_gives_many_threads_the_readings_that_it_gives_one(reader: Reader) -> None:
    gathering = BatchingReader(reader)

    def ask(number: int) -> list[tuple[str, ...]]:
        question = f"When was the {number}th bridge mended?"
        readings = gathering.read(question, TEXTS[number : number + 3], n_spans=2)
        expected = reader.read(question, TEXTS[number : number + 3], n_spans=2)
        assert [r.probability for r in readings] == pytest.approx([r.probability for r in expected], abs=1e-3)
        assert [s.text for r in readings for s in r.spans] == [s.text for r in expected for s in r.spans]
        return [tuple(span.text for span in reading.spans) for reading in readings]

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(ask, range(12)))
    assert [spans[0][0] for spans in found] == [str(1900 + n) for n in range(12)]
