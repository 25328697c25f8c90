"""The engine of the bundled models: six layers of BERT on ONNX Runtime, whatever the weights.

Owns the graph's shape, its load, and how many inputs are run together. The encoder, the reader and every other model
on this backbone are tensors under the upstream names; this module does not know what their hidden states are for.

    ids, types -> hidden states (n, t, 384)

Nothing is padded: only inputs of one length are run together. From 64 pieces on an input by itself takes no longer than
its share of a batch, and without padding there is no mask, so that the attention operator takes its fastest way.

The graphs (made by `index.encoder.graph`) hold no weights. They are given as views of the memory-mapped
safetensors file, so that nothing is read that is not used: a query touches ten rows of the 47 MB of word embeddings.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextvars import ContextVar
from enum import StrEnum
from functools import cache, cached_property
from itertools import groupby
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WIDTH = 384
HEADS = 12
LAYERS = 6
INNER = 1536
POSITIONS = 512
VOCABULARY = 30522


class Precision(StrEnum):
    """How the linear layers multiply; everything else is float32 always."""

    FLOAT32 = "float32"
    INT8 = "int8"


_HERE = Path(__file__).parent
GRAPHS = {Precision.FLOAT32: _HERE / "bert.onnx", Precision.INT8: _HERE / "bert-int8.onnx"}
PROBE = _HERE / "probe.onnx"
# Behind the name of a tensor of 8-bit integers: that of its scales.
SCALE = ".scale"
# The biases of query, key and value, one after the other, as the attention operator wants them.
QKV_BIAS = "attention.self.bias"
# Pieces that are run together. From 64 on more of them gain nothing, and 256 keep short inputs' calls few.
BATCH_PIECES = 256

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]
Weight = NDArray[np.float32] | NDArray[np.int8]
T = TypeVar("T")
# What stops the models that a thread runs: whoever gives work to a thread of its own can set one there, and give it up.
STOP: ContextVar[Event] = ContextVar("STOP", default=Event())  # noqa: B039 (the default is never set)


def raise_if_cancelled(stop: Event | None = None) -> None:
    """Called before every batch. Raises CancelledError where `stop`, by default this thread's, is set."""
    if (stop or STOP.get()).is_set():
        raise CancelledError("nobody waits for it any more")


class Engine:
    """A model of all-MiniLM-L6-v2's shape, loaded."""

    def __init__(
        self,
        tensors: Mapping[str, NDArray[np.floating]],
        *,
        precision: Precision = Precision.FLOAT32,
        threads: int | None = None,
    ) -> None:
        """tensors: by their upstream names ("encoder.layer.0.output.dense.weight"), of any float type; float32 ones are
        used where they lie, and must stay. Others are passed over.

        precision: of the linear layers; see `fastest_precision`.
        threads: batches run at the same time; by default $OMP_NUM_THREADS, or one for each core.
        Raises KeyError for a tensor that is absent, ValueError for one of another shape.
        """
        self.threads = threads or n_cores()
        self.precision = precision
        self._weights = _initializers(tensors)
        if precision is Precision.INT8:
            self._weights.update(_quantized(self._weights))
        self._session = _session(GRAPHS[precision], self._weights)

    def hidden_states(self, ids: Integers, types: Integers) -> Floats:
        """The last layer, (n, t, WIDTH). ids, types: (n, t), no padding."""
        hidden: Floats = self._session.run(None, {"ids": ids, "types": types})[0]
        return hidden

    def run(
        self,
        inputs: Sequence[Sequence[int]],
        take: Callable[[Floats, Integers, Sequence[int]], Iterable[T]],
        *,
        second_from: Sequence[int] | None = None,
    ) -> list[T]:
        """What `take` makes of each input's hidden states, in the inputs' order; equal lengths are run together.

        inputs: ids of pieces, specials included, at most POSITIONS each.
        take: (hidden (n, t, WIDTH), lengths (n,), which are all t, numbers of the n inputs) -> one result for each of
        them; called from several threads at once.
        second_from: for each input the place where its second segment begins; by default there is none.
        Raises CancelledError where this thread's STOP is set meanwhile.
        """
        results: dict[int, T] = {}
        stop = STOP.get()

        def run_batch(numbers: Sequence[int]) -> None:
            raise_if_cancelled(stop)
            second = [second_from[n] for n in numbers] if second_from is not None else None
            ids, types = _stacked([inputs[n] for n in numbers], second)
            lengths = np.full(len(numbers), ids.shape[1], np.int32)
            found = take(self.hidden_states(ids, types), lengths, numbers)
            results.update(zip(numbers, found, strict=True))

        batches = list(_batches([len(ids) for ids in inputs], self.threads))
        if self.threads == 1 or len(batches) == 1:
            for numbers in batches:
                run_batch(numbers)
        else:
            list(self._pool.map(run_batch, batches))
        return [results[number] for number in range(len(inputs))]

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="engine")


def n_cores() -> int:
    """$OMP_NUM_THREADS where it is set, as for every other library; else the cores that this process may use."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _initializers(tensors: Mapping[str, NDArray[np.floating]]) -> dict[str, Weight]:
    """The graph's weights by name, float32, aligned and in C-order: views wherever the tensors are so already."""
    weights: dict[str, Weight] = {}
    for name, shape in tensor_shapes().items():
        tensor = tensors[name]
        if tensor.shape != shape:
            raise ValueError(f"'{name}' has shape {tensor.shape}, not {shape}")
        exact: Floats = np.require(tensor, np.float32, ["C", "A"])
        weights[name] = exact
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        parts = [weights.pop(f"{name}attention.self.{part}.bias") for part in ("query", "key", "value")]
        biases: Floats = np.concatenate(parts).astype(np.float32)
        weights[name + QKV_BIAS] = biases
    return weights


def tensor_shapes() -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor that the engine needs, as they are called upstream."""
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (VOCABULARY, WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    linear = {
        "attention.self.query": (WIDTH, WIDTH),
        "attention.self.key": (WIDTH, WIDTH),
        "attention.self.value": (WIDTH, WIDTH),
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (INNER, WIDTH),
        "output.dense": (WIDTH, INNER),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        for name, shape in linear.items():
            shapes[f"{prefix}{name}.weight"] = shape
            shapes[f"{prefix}{name}.bias"] = shape[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{prefix}{name}.weight"] = (WIDTH,)
            shapes[f"{prefix}{name}.bias"] = (WIDTH,)
    return shapes


def _quantized(weights: Mapping[str, Weight]) -> dict[str, Weight]:
    """The matrices of the linear layers as int8 (in, out), and under their names with SCALE float32 (out,).

    weight = integer * scale, the largest of each output at 127.
    """
    found: dict[str, Weight] = {}
    for name, weight in weights.items():
        if name.startswith("encoder.") and weight.ndim == 2:
            scales = np.maximum(weight.max(axis=1), -weight.min(axis=1)) / np.float32(127)
            scales = np.maximum(scales, np.float32(1e-12))
            found[name] = np.rint(weight / scales[:, None]).T.astype(np.int8, order="C")
            found[name + SCALE] = scales
    return found


def fastest_precision() -> Precision:
    """INT8 where it is exact, twice as fast as FLOAT32; FLOAT32 elsewhere."""
    return Precision.INT8 if int8_is_exact() else Precision.FLOAT32


@cache
def int8_is_exact() -> bool:
    """Whether this processor adds up products of 8-bit integers without saturating in between.

    Without VNNI, AMX or ARM's dot product, pairs of products are added in 16 bits, and large ones are cut off.
    """
    states, weights = np.full((16, 64), 255, np.uint8), np.full((64, 16), 127, np.int8)
    products = _session(PROBE, {}).run(None, {"states": states, "weights": weights})[0]
    return bool((products == 255 * 127 * 64).all())


def _session(graph: Path, weights: Mapping[str, Weight]) -> "InferenceSession":
    # From 1.29 on ONNX Runtime reports to Microsoft what it loads and runs, unless this is set before it begins: then
    # it neither sends anything nor marks the machine. The call silences what somebody else's import has begun.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    # A batch a thread: no thread waits for another inside of a layer, and none spins between calls.
    options.intra_op_num_threads = 1
    # Nothing is left to fuse, and looking for it takes longer than to load the rest.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_mem_pattern = False  # a plan is kept for every shape that was ever seen
    options.log_severity_level = 3
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in weights.values()]
    options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])


def _batches(lengths: Sequence[int], threads: int) -> Iterator[list[int]]:
    """Numbers of inputs of one length to run together, longest first; enough batches to keep every thread at work."""
    order = sorted(range(len(lengths)), key=lambda number: -lengths[number])
    room = min(BATCH_PIECES, -(-sum(lengths) // threads))
    for length, equal in groupby(order, key=lambda number: lengths[number]):
        numbers = list(equal)
        count = max(1, room // max(length, 1))
        yield from (numbers[start : start + count] for start in range(0, len(numbers), count))


def _stacked(inputs: Sequence[Sequence[int]], second_from: Sequence[int] | None) -> tuple[Integers, Integers]:
    """ids and types (n, t) of inputs of one length."""
    ids = np.array(inputs, np.int32)
    types = np.zeros_like(ids)
    for row, second in enumerate(second_from or ()):
        types[row, second:] = 1
    return ids, types
