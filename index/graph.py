"""Makes `bert.onnx`: the six-layer BERT of all-MiniLM-L6-v2 as an ONNX graph without weights.

    python -m index.graph        writes the graph again; needs the dev extra's `onnx`, which nothing else does

The initializers are named as the tensors of the upstream safetensors file, hold nothing, and are given at load by
`index.engine`: so one graph of a few kilobytes serves every model of this shape. A test makes it again and compares
the bytes.

Written with the operators that ONNX Runtime is fastest at, measured on one core with 1,024 pieces: LayerNormalization
after an Add takes 0.4 ms where the fused SkipLayerNormalization takes 2.0; a Gemm takes the weights as they are stored,
(out, in), where a MatMul wants them transposed; MultiHeadAttention adds the three biases while it transposes.
"""

import sys
from pathlib import Path
from typing import Any

from index.engine import GRAPH, HEADS, INNER, LAYERS, POSITIONS, QKV_BIAS, VOCABULARY, WIDTH

_OPSET = 20
_MICROSOFT = "com.microsoft"
_IR_VERSION = 9
_EPSILON = 1e-12


class _Graph:
    """Nodes and initializers as they are added; every method gives back the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def weight(self, name: str, *shape: int) -> str:
        """A float32 initializer that is given at load."""
        from onnx import TensorProto

        tensor = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="given at load")
        self.initializers.append(tensor)
        return name

    def constant(self, name: str, *values: int) -> str:
        """A small int64 vector that stands in the graph itself."""
        from onnx import TensorProto, helper

        self.initializers.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
        return name

    def linear(self, inputs: str, name: str, n_in: int, n_out: int, output: str) -> str:
        """inputs (pieces, n_in) -> (pieces, n_out), bias included."""
        weights = [self.weight(f"{name}.weight", n_out, n_in), self.weight(f"{name}.bias", n_out)]
        return self.node("Gemm", [inputs, *weights], output, transB=1)

    def norm(self, inputs: str, name: str, output: str) -> str:
        weights = [self.weight(f"{name}.weight", WIDTH), self.weight(f"{name}.bias", WIDTH)]
        return self.node("LayerNormalization", [inputs, *weights], output, epsilon=_EPSILON)


def build() -> bytes:
    """The graph, serialized: ids, types int32 (n, t) and lengths int32 (n,) -> hidden float32 (n, t, WIDTH)."""
    from onnx import TensorProto, helper

    graph = _Graph()
    graph.constant("flat", -1, WIDTH)
    hidden = _embeddings(graph)
    for layer in range(LAYERS):
        hidden = _layer(graph, layer, hidden)
    graph.node("Reshape", [hidden, "batched"], "hidden")
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT32, ["n", "t"]),
        helper.make_tensor_value_info("types", TensorProto.INT32, ["n", "t"]),
        helper.make_tensor_value_info("lengths", TensorProto.INT32, ["n"]),
    ]
    outputs = [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["n", "t", WIDTH])]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "bert", inputs, outputs, graph.initializers),
        producer_name="pilcrow",
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)],
    )
    return bytes(model.SerializeToString(deterministic=True))


def _embeddings(graph: _Graph) -> str:
    """Word, position and type embeddings, added and normalised: (pieces, WIDTH). Leaves `batched`: (n, t, WIDTH)."""
    name = "embeddings."
    words = graph.node("Gather", [graph.weight(f"{name}word_embeddings.weight", VOCABULARY, WIDTH), "ids"], "words")
    types = graph.node("Gather", [graph.weight(f"{name}token_type_embeddings.weight", 2, WIDTH), "types"], "segments")
    graph.node("Shape", ["ids"], "length", start=1)
    positions = graph.node(
        "Slice",
        [graph.weight(f"{name}position_embeddings.weight", POSITIONS, WIDTH), graph.constant("zero", 0), "length"],
        "positions",
    )
    graph.node("Shape", ["words"], "batched")
    summed = graph.node("Add", [graph.node("Add", [words, types], "words+segments"), positions], "summed")
    return graph.norm(graph.node("Reshape", [summed, "flat"], "pieces"), f"{name}LayerNorm", "embedded")


def _layer(graph: _Graph, layer: int, hidden: str) -> str:
    """One layer: attention, then two linear layers with a GELU between; each added to its input and normalised."""
    name = f"encoder.layer.{layer}."
    projected = [_projection(graph, f"{name}attention.self.{part}", hidden) for part in ("query", "key", "value")]
    mixed = graph.node(
        "MultiHeadAttention",
        [*projected, graph.weight(name + QKV_BIAS, 3 * WIDTH), "lengths"],
        f"{name}mixed",
        _MICROSOFT,
        num_heads=HEADS,
    )
    mixed = graph.node("Reshape", [mixed, "flat"], f"{name}mixed.flat")
    attended = graph.linear(mixed, f"{name}attention.output.dense", WIDTH, WIDTH, f"{name}attended")
    attended = graph.node("Add", [attended, hidden], f"{name}attended+hidden")
    attended = graph.norm(attended, f"{name}attention.output.LayerNorm", f"{name}attended.normal")
    inner = graph.linear(attended, f"{name}intermediate.dense", WIDTH, INNER, f"{name}inner")
    inner = graph.node("Gelu", [inner], f"{name}inner.gelu")
    outer = graph.linear(inner, f"{name}output.dense", INNER, WIDTH, f"{name}outer")
    outer = graph.node("Add", [outer, attended], f"{name}outer+attended")
    return graph.norm(outer, f"{name}output.LayerNorm", f"{name}outer.normal")


def _projection(graph: _Graph, name: str, hidden: str) -> str:
    """(pieces, WIDTH) -> (n, t, WIDTH), without its bias."""
    product = graph.node("Gemm", [hidden, graph.weight(f"{name}.weight", WIDTH, WIDTH)], f"{name}.flat", transB=1)
    return graph.node("Reshape", [product, "batched"], name)


if __name__ == "__main__":
    Path(GRAPH).write_bytes(build())
    sys.stdout.write(f"{GRAPH.name}: {GRAPH.stat().st_size:,} bytes\n")
