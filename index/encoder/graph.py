"""Makes the graphs that ship: a BERT of all-MiniLM-L6-v2's shape and an MPNet in ONNX, without weights.

    python -m index.encoder.graph        writes them again; needs the dev extra's `onnx`, which nothing else does

The initializers are named as the tensors of the upstream safetensors file, hold nothing, and are given at load by
`index.encoder.engine`: so a graph of a few kilobytes serves every model of this shape. A test makes the graphs again
and compares the bytes.

    bert.onnx, mpnet.onnx              float32
    bert-int8.onnx, mpnet-int8.onnx    products of 8-bit integers: the weights with a scale for each output, the states
                                       with a scale for each piece, so that what a text becomes does not depend on its
                                       neighbours in the batch
    probe.onnx                         one such product, to find out whether this processor's is exact

Written with the operators that ONNX Runtime is fastest at, measured on one core with 1,024 pieces: LayerNormalization
after an Add takes 0.4 ms where the fused SkipLayerNormalization takes 2.0; a Gemm takes the weights as they are stored,
(out, in), where a MatMul wants them transposed; MultiHeadAttention adds the three biases while it transposes, and
without a mask it never writes down the matrix of scores. In int8 the 36 products take 24 ms where they take 135 in
float32.
"""

import sys
from typing import Any

from index.encoder.engine import (
    GRAPHS,
    POSITIONS,
    PROBE,
    QKV_BIAS,
    SCALE,
    VOCABULARY,
    WORDS,
    Precision,
    Shape,
)

_OPSET = 20
_MICROSOFT = "com.microsoft"
_IR_VERSION = 9
# A GELU is never below -0.17. 16 of its 256 steps are for what is below zero; a step is at least 0.17 / 16.
_GELU_ZERO = 16
_GELU_LEAST = 0.17


class _Graph:
    """Nodes and initializers as they are added; every method gives back the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def weight(self, name: str, *shape: int, integers: bool = False) -> str:
        """An initializer that is given at load: float32, or int8."""
        from onnx import TensorProto

        kind = TensorProto.INT8 if integers else TensorProto.FLOAT
        tensor = TensorProto(name=name, dims=shape, data_type=kind, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="given at load")
        self.initializers.append(tensor)
        return name

    def constant(self, name: str, kind: str, value: float | list[int]) -> str:
        """A small constant that stands in the graph itself: kind is INT64, UINT8 or FLOAT."""
        from onnx import TensorProto, helper

        values = value if isinstance(value, list) else [value]
        shape = [len(values)] if isinstance(value, list) else []
        self.initializers.append(helper.make_tensor(name, getattr(TensorProto, kind), shape, values))
        return name

    def norm(self, inputs: str, name: str, output: str, shape: Shape) -> str:
        weights = [self.weight(f"{name}.weight", shape.width), self.weight(f"{name}.bias", shape.width)]
        return self.node("LayerNormalization", [inputs, *weights], output, epsilon=shape.epsilon)

    def serialized(
        self, name: str, inputs: dict[str, tuple[str, list[Any]]], output: tuple[str, str, list[Any]]
    ) -> bytes:
        from onnx import TensorProto, helper

        def info(value: str, kind: str, shape: list[Any]) -> Any:
            return helper.make_tensor_value_info(value, getattr(TensorProto, kind), shape)

        graph = helper.make_graph(
            self.nodes, name, [info(key, *value) for key, value in inputs.items()], [info(*output)], self.initializers
        )
        model = helper.make_model(
            graph,
            producer_name="pilcrow",
            ir_version=_IR_VERSION,
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)],
        )
        return bytes(model.SerializeToString(deterministic=True))


class _Floats:
    """Linear layers in float32."""

    def __init__(self, graph: _Graph) -> None:
        self.graph = graph

    def states(self, inputs: str) -> str:
        """What `product` multiplies."""
        return inputs

    gelus = states

    def product(self, states: str, name: str, n_in: int, n_out: int) -> str:
        """states (pieces, n_in) -> (pieces, n_out), without the bias."""
        return self.graph.node("Gemm", [states, self.graph.weight(f"{name}.weight", n_out, n_in)], name, transB=1)

    def linear(self, states: str, name: str, n_in: int, n_out: int) -> str:
        """states (pieces, n_in) -> (pieces, n_out)."""
        weights = [self.graph.weight(f"{name}.weight", n_out, n_in), self.graph.weight(f"{name}.bias", n_out)]
        return self.graph.node("Gemm", [states, *weights], name, transB=1)


class _Integers:
    """Linear layers in 8-bit integers: states of 0..255 around a zero, with a scale for each piece."""

    def __init__(self, graph: _Graph) -> None:
        self.graph = graph
        self.zeros: dict[str, str] = {}
        graph.constant("last", "INT64", [-1])
        graph.constant("one", "FLOAT", 1.0)
        graph.constant("127", "FLOAT", 127.0)
        graph.constant("least", "FLOAT", 1e-6)
        graph.constant("gelu.steps", "FLOAT", 255.0 - _GELU_ZERO)
        graph.constant("gelu.least", "FLOAT", _GELU_LEAST / _GELU_ZERO)
        graph.constant("zero.128", "UINT8", 128)
        graph.constant("zero.gelu", "UINT8", _GELU_ZERO)

    def states(self, inputs: str) -> str:
        """(pieces, n): scaled so that each piece's largest magnitude is 127 steps from the zero, 128."""
        node = self.graph.node
        high = node("ReduceMax", [inputs, "last"], f"{inputs}.high")
        low = node("Neg", [node("ReduceMin", [inputs, "last"], f"{inputs}.low")], f"{inputs}.-low")
        reach = node("Max", [high, low, "least"], f"{inputs}.reach")
        return self._quantized(inputs, node("Div", [reach, "127"], f"{inputs}.scale"), 128, "zero.128")

    def gelus(self, inputs: str) -> str:
        """(pieces, n) that came out of a GELU: the zero stands near the bottom, since nearly all is above it."""
        node = self.graph.node
        high = node("ReduceMax", [inputs, "last"], f"{inputs}.high")
        step = node("Div", [high, "gelu.steps"], f"{inputs}.step")
        return self._quantized(inputs, node("Max", [step, "gelu.least"], f"{inputs}.scale"), _GELU_ZERO, "zero.gelu")

    def _quantized(self, inputs: str, scale: str, zero: int, zero_name: str) -> str:
        from onnx import TensorProto, helper

        flat = self.graph.node("Squeeze", [scale, "last"], f"{scale}.flat")
        shape = self.graph.node("Shape", [flat], f"{scale}.shape")
        value = helper.make_tensor("value", TensorProto.UINT8, [1], [zero])
        zeros = self.graph.node("ConstantOfShape", [shape], f"{scale}.zeros", value=value)
        self.zeros[inputs] = zero_name
        return self.graph.node("QuantizeLinear", [inputs, flat, zeros], f"{inputs}.int8", axis=0)

    def product(self, states: str, name: str, n_in: int, n_out: int) -> str:
        """states (pieces, n_in) -> (pieces, n_out), without the bias."""
        inputs = states.removesuffix(".int8")
        weight = self.graph.weight(f"{name}.weight", n_in, n_out, integers=True)
        scales = self.graph.weight(f"{name}.weight{SCALE}", n_out)
        unscaled = self.graph.node(
            "MatMulIntegerToFloat",
            [states, weight, "one", scales, self.zeros[inputs]],
            f"{name}.unscaled",
            _MICROSOFT,
        )
        return self.graph.node("Mul", [unscaled, f"{inputs}.scale"], name)

    def linear(self, states: str, name: str, n_in: int, n_out: int) -> str:
        """states (pieces, n_in) -> (pieces, n_out)."""
        product = self.product(states, name, n_in, n_out)
        return self.graph.node("Add", [product, self.graph.weight(f"{name}.bias", n_out)], f"{name}.biased")


def build(shape: Shape, precision: Precision) -> bytes:
    """The graph, serialized: ids int32 (n, t), and types int32 (n, t) or bias float32 (1, heads, t, t) -> hidden.

    hidden: float32 (n, t, width); nothing is padded.
    """
    graph = _Graph()
    layers = _Integers(graph) if precision is Precision.INT8 else _Floats(graph)
    graph.constant("flat", "INT64", [-1, shape.width])
    hidden = _embeddings(graph, shape, precision)
    for layer in range(shape.layers):
        hidden = _layer(graph, layers, f"encoder.layer.{layer}.", hidden, shape)
    graph.node("Reshape", [hidden, "batched"], "hidden")
    inputs: dict[str, tuple[str, list[Any]]] = {"ids": ("INT32", ["n", "t"])}
    if shape.relative:
        inputs["bias"] = ("FLOAT", [1, shape.heads, "t", "t"])
    else:
        inputs["types"] = ("INT32", ["n", "t"])
    return graph.serialized(shape.name, inputs, ("hidden", "FLOAT", ["n", "t", shape.width]))


def build_probe() -> bytes:
    """states uint8 (m, k) times weights int8 (k, n) -> products int32 (m, n)."""
    graph = _Graph()
    graph.node("MatMulInteger", ["states", "weights"], "products")
    inputs = {"states": ("UINT8", ["m", "k"]), "weights": ("INT8", ["k", "n"])}
    return graph.serialized("probe", inputs, ("products", "INT32", ["m", "n"]))


def _embeddings(graph: _Graph, shape: Shape, precision: Precision) -> str:
    """Word, position and type embeddings, added and normalised: (pieces, width). Leaves `batched`: (n, t, width)."""
    name = "embeddings."
    width = shape.width
    words = _words(graph, shape, precision)
    graph.node("Shape", ["ids"], "length", start=1)
    positions = graph.node(
        "Slice",
        [
            graph.weight(f"{name}position_embeddings.weight", POSITIONS, width),
            graph.constant("zero", "INT64", [0]),
            "length",
        ],
        "positions",
    )
    graph.node("Shape", [words], "batched")
    if not shape.relative:
        types = graph.weight(f"{name}token_type_embeddings.weight", 2, width)
        words = graph.node("Add", [words, graph.node("Gather", [types, "types"], "segments")], "words+segments")
    summed = graph.node("Add", [words, positions], "summed")
    return graph.norm(graph.node("Reshape", [summed, "flat"], "pieces"), f"{name}LayerNorm", "embedded", shape)


def _words(graph: _Graph, shape: Shape, precision: Precision) -> str:
    """Word embeddings: (n, t, width); of a relative shape in 8 bits with a scale for each word."""
    if precision is Precision.FLOAT32 or not shape.relative:
        return graph.node("Gather", [graph.weight(WORDS, VOCABULARY, shape.width), "ids"], "words")
    from onnx import TensorProto

    integers = graph.weight(WORDS, VOCABULARY, shape.width, integers=True)
    integers = graph.node("Gather", [integers, "ids"], "words.integers")
    scales = graph.node("Gather", [graph.weight(WORDS + SCALE, VOCABULARY), "ids"], "words.flat")
    scales = graph.node("Unsqueeze", [scales, "last"], "words.scale")
    return graph.node("Mul", [graph.node("Cast", [integers], "words.floats", to=TensorProto.FLOAT), scales], "words")


def _layer(graph: _Graph, layers: _Floats | _Integers, name: str, hidden: str, shape: Shape) -> str:
    """One layer: attention, then two linear layers with a GELU between; each added to its input and normalised."""
    width, inner_width = shape.width, shape.inner
    states = layers.states(hidden)
    projected = [
        graph.node(
            "Reshape", [layers.product(states, f"{name}attention.self.{part}", width, width), "batched"], name + part
        )
        for part in ("query", "key", "value")
    ]
    mixed = graph.node(
        "MultiHeadAttention",
        [*projected, graph.weight(name + QKV_BIAS, 3 * width), *(["", "bias"] if shape.relative else [])],
        f"{name}mixed",
        _MICROSOFT,
        num_heads=shape.heads,
    )
    mixed = graph.node("Reshape", [mixed, "flat"], f"{name}mixed.flat")
    attended = layers.linear(layers.states(mixed), f"{name}attention.output.dense", width, width)
    attended = graph.node("Add", [attended, hidden], f"{name}attended+hidden")
    attended = graph.norm(attended, f"{name}attention.output.LayerNorm", f"{name}attended", shape)
    inner = layers.linear(layers.states(attended), f"{name}intermediate.dense", width, inner_width)
    inner = graph.node("Gelu", [inner], f"{name}inner")
    outer = layers.linear(layers.gelus(inner), f"{name}output.dense", inner_width, width)
    outer = graph.node("Add", [outer, attended], f"{name}outer+attended")
    return graph.norm(outer, f"{name}output.LayerNorm", f"{name}outer", shape)


if __name__ == "__main__":
    for (made, exactness), path in GRAPHS.items():
        path.write_bytes(build(made, exactness))
    PROBE.write_bytes(build_probe())
    for path in (*GRAPHS.values(), PROBE):
        sys.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes\n")
