"""The engine of the bundled models: transformer encoders of two shapes on ONNX Runtime, whatever the weights.

Owns the shapes, their load, and how many inputs are run together. The encoder, the reader and every other model are
tensors under BERT's names; this module does not know what their hidden states are for.

    ids, types -> hidden states (n, t, width)

Nothing is padded: only inputs of one length are run together. From 64 pieces on an input by itself takes no longer than
its share of a batch, and without padding there is no mask, so that the attention operator takes its fastest way.

The graphs (made by `index.encoder.graph`) hold no weights. They are given as views of the memory-mapped
safetensors file, so that nothing is read that is not used: a query touches ten rows of the word embeddings.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from itertools import groupby
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


@dataclass(frozen=True, slots=True)
class Shape:
    """What a graph depends on: a BERT (Devlin et al. 2019), or an MPNet (Song et al. 2020).

    relative: MPNet's: no segments; a bias on every attention score that depends on the distance of its two pieces.
    """

    name: str
    width: int
    heads: int
    layers: int
    inner: int
    epsilon: float
    relative: bool = False


MINILM = Shape("bert", width=384, heads=12, layers=6, inner=1536, epsilon=1e-12)
MPNET = Shape("mpnet", width=768, heads=12, layers=12, inner=3072, epsilon=1e-5, relative=True)
SHAPES = {shape.name: shape for shape in (MINILM, MPNET)}

WIDTH = MINILM.width
POSITIONS = 512
VOCABULARY = 30522
WORDS = "embeddings.word_embeddings.weight"
# The bias of each head for each bucket of distances.
RELATIVE = "encoder.relative_attention_bias.weight"
_BUCKETS = 32
_FAR = 128


class Precision(StrEnum):
    """How the linear layers multiply; everything else is float32 always."""

    FLOAT32 = "float32"
    INT8 = "int8"


_HERE = Path(__file__).parent
_SUFFIXES = {Precision.FLOAT32: "", Precision.INT8: "-int8"}
GRAPHS = {
    (shape, precision): _HERE / f"{shape.name}{suffix}.onnx"
    for shape in SHAPES.values()
    for precision, suffix in _SUFFIXES.items()
}
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
    """A model of one of the shapes, loaded."""

    def __init__(
        self,
        tensors: Mapping[str, NDArray[np.floating] | NDArray[np.int8]],
        *,
        shape: Shape = MINILM,
        precision: Precision = Precision.FLOAT32,
        threads: int | None = None,
    ) -> None:
        """tensors: by their names ("encoder.layer.0.output.dense.weight"), of any float type, or as `quantized` makes
        them; what is float32 or int8 is used where it lies, and must stay. Others are passed over.

        precision: of the linear layers; see `fastest_precision`.
        threads: batches run at the same time; by default $OMP_NUM_THREADS, or one for each core.
        Raises KeyError for a tensor that is absent, ValueError for one of another shape.
        """
        self.shape = shape
        self.threads = threads or n_cores()
        self.precision = precision
        weights = _initializers(tensors, shape, precision)
        self._biases = _biases(weights.pop(RELATIVE)) if shape.relative else None
        self._session = _session(GRAPHS[shape, precision], weights)

    def hidden_states(self, ids: Integers, types: Integers) -> Floats:
        """The last layer, (n, t, width). ids, types: (n, t), no padding; a relative shape has no types."""
        second = {"types": types} if self._biases is None else {"bias": _of_length(self._biases, ids.shape[1])}
        hidden: Floats = self._session.run(None, {"ids": ids, **second})[0]
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
        take: (hidden (n, t, width), lengths (n,), which are all t, numbers of the n inputs) -> one result for each of
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


def _initializers(tensors: Mapping[str, NDArray[Any]], shape: Shape, precision: Precision) -> dict[str, Weight]:
    """The graph's weights by name, aligned and in C-order: views wherever the tensors are so already.

    Matrices of the linear layers, and the words of a relative shape, are int8 with their scales where the precision is
    INT8; everything else is float32.
    """
    weights: dict[str, Weight] = {}
    for name, dimensions in tensor_shapes(shape).items():
        tensor, scale = tensors[name], tensors.get(name + SCALE)
        stored = tensor.T if scale is not None and name != WORDS else tensor
        if stored.shape != dimensions:
            raise ValueError(f"'{name}' has shape {stored.shape}, not {dimensions}")
        if precision is Precision.INT8 and _is_matrix(name, shape):
            if scale is None:
                weights.update(quantized(name, tensor))
            else:
                weights[name] = np.require(tensor, np.int8, ["C", "A"])
                weights[name + SCALE] = np.require(scale, np.float32, ["C", "A"])
        else:
            exact = stored if scale is None else stored.astype(np.float32) * scale.astype(np.float32)[:, None]
            weights[name] = np.require(exact, np.float32, ["C", "A"])
    for layer in range(shape.layers):
        name = f"encoder.layer.{layer}."
        parts = [weights.pop(f"{name}attention.self.{part}.bias") for part in ("query", "key", "value")]
        weights[name + QKV_BIAS] = np.concatenate(parts).astype(np.float32)
    return weights


def tensor_shapes(shape: Shape = MINILM) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor that the engine needs, by BERT's names, matrices as they are trained: (out, in)."""
    width, inner = shape.width, shape.inner
    shapes: dict[str, tuple[int, ...]] = {
        WORDS: (VOCABULARY, width),
        "embeddings.position_embeddings.weight": (POSITIONS, width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
    }
    if shape.relative:
        shapes[RELATIVE] = (_BUCKETS, shape.heads)
    else:
        shapes["embeddings.token_type_embeddings.weight"] = (2, width)
    linear = {
        "attention.self.query": (width, width),
        "attention.self.key": (width, width),
        "attention.self.value": (width, width),
        "attention.output.dense": (width, width),
        "intermediate.dense": (inner, width),
        "output.dense": (width, inner),
    }
    for layer in range(shape.layers):
        prefix = f"encoder.layer.{layer}."
        for name, dimensions in linear.items():
            shapes[f"{prefix}{name}.weight"] = dimensions
            shapes[f"{prefix}{name}.bias"] = dimensions[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{prefix}{name}.weight"] = (width,)
            shapes[f"{prefix}{name}.bias"] = (width,)
    return shapes


def _is_matrix(name: str, shape: Shape) -> bool:
    """Whether the tensor of that name is of 8-bit integers in the graph of that precision."""
    return (name == WORDS and shape.relative) or (
        name.startswith("encoder.layer.") and name.endswith(".weight") and "LayerNorm" not in name
    )


def quantized(name: str, weight: NDArray[np.floating]) -> dict[str, Weight]:
    """A matrix (out, in) as int8 (in, out), and under its name with SCALE float32 (out,); words stay (words, width).

    weight = integer * scale, the largest of each output, or of each word, at 127.
    """
    exact = np.asarray(weight, np.float32)
    scales = np.maximum(np.abs(exact).max(axis=1) / np.float32(127), np.float32(1e-12))
    integers = np.rint(exact / scales[:, None]).astype(np.int8)
    return {name: np.ascontiguousarray(integers if name == WORDS else integers.T), name + SCALE: scales}


def quantized_model(tensors: Mapping[str, NDArray[np.floating]], shape: Shape) -> dict[str, Weight]:
    """All tensors of the shape as `Engine` uses them in 8 bits: a quarter of the bytes; others are passed over."""
    found: dict[str, Weight] = {}
    for name in tensor_shapes(shape):
        exact: dict[str, Weight] = {name: np.asarray(tensors[name], np.float32)}
        found.update(quantized(name, tensors[name]) if _is_matrix(name, shape) else exact)
    return found


def exact_model(tensors: Mapping[str, NDArray[Any]], shape: Shape) -> dict[str, Floats]:
    """The shape's tensors in float32 as they are trained, whether they are given so or as `quantized` makes them."""
    found: dict[str, Floats] = {}
    for name in tensor_shapes(shape):
        tensor, scale = np.asarray(tensors[name], np.float32), tensors.get(name + SCALE)
        if scale is not None:
            tensor = (tensor if name == WORDS else tensor.T) * np.asarray(scale, np.float32)[:, None]
        found[name] = np.ascontiguousarray(tensor)
    return found


def buckets(distances: NDArray[np.integer]) -> NDArray[np.int64]:
    """The bucket in [0, 32) of each distance, place of the key minus place of the query (Raffel et al. 2020, T5).

    Half of them for each direction; of these the first half for one distance each, the rest wider and wider up to 128.
    """
    half, exact = _BUCKETS // 2, _BUCKETS // 4
    away = np.abs(distances)
    wide = exact + (np.log(np.maximum(away, 1) / exact) / np.log(_FAR / exact) * (half - exact)).astype(np.int64)
    found: NDArray[np.int64] = np.where(away < exact, away, np.minimum(wide, half - 1))
    return found + np.where(distances > 0, half, 0)


def _biases(table: Weight) -> Floats:
    """(heads, 2 * POSITIONS - 1): the bias of every distance, from the farthest before to the farthest behind."""
    return np.ascontiguousarray(table[buckets(np.arange(1 - POSITIONS, POSITIONS))].T, np.float32)


def _of_length(biases: Floats, length: int) -> Floats:
    """(1, heads, length, length): row i holds the biases of distances -i to length - 1 - i."""
    near = biases[:, POSITIONS - length : POSITIONS + length - 1]
    rows = np.lib.stride_tricks.sliding_window_view(near, length, axis=1)[:, ::-1]
    return np.ascontiguousarray(rows)[None]


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
