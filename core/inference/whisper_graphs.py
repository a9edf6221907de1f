"""ONNX graphs of Whisper, built from the tensors of a checkpoint: encoder, decoder step, cross-attention cache, logits.

The decoder exists twice: in float32, and with 8-bit weights. Weights that float16 holds exactly (those of OpenAI's
checkpoints) are stored so and widened when a session is opened. The token embedding is a file of its own, since the
float32 logits read it too.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.inference.whisper import EMBEDDING, POSITIONS, WhisperShape

OPSETS = (helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1))
IR_VERSION = 10  # of the oldest onnxruntime that has these operators
EPSILON = 1e-5  # of every layer norm
SMALLEST = 1e-12  # largest magnitude of a row that is divided by it
LEVELS = 127  # of 8 bits, on each side of zero
ZERO_POINT = 128

Array = NDArray[np.float32]
Tensors = Mapping[str, Array]
Linear = Callable[[str, Array, Array | None], str]


class GraphBuilder:
    """Collects the nodes and constants of one ONNX graph. A method returns the name of its result."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add an operator with one result."""
        return self.ops(kind, *inputs, results=1, domain=domain, **attributes)[0]

    def ops(self, kind: str, *inputs: str, results: int, domain: str = "", **attributes: Any) -> list[str]:
        """Add an operator with several results."""
        names = [f"{kind}_{len(self._nodes)}_{index}" for index in range(results)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def constant(self, values: object) -> str:
        """Add a constant."""
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def weight(self, values: Array) -> str:
        """Add a float32 constant, stored as float16 where that changes nothing."""
        stored = narrowed(values)
        name = self.constant(stored)
        return name if stored.dtype == np.float32 else self.op("Cast", name, to=TensorProto.FLOAT)

    def name(self, result: str, name: str) -> None:
        """Give a result the name of an output."""
        self._nodes.append(helper.make_node("Identity", [result], [name]))

    def model(self, inputs: Mapping[str, Sequence[str | int]], outputs: Mapping[str, Sequence[str | int]]
              ) -> onnx.ModelProto:
        """The model, with float32 inputs and outputs of these shapes."""
        given, made = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in side.items()]
                       for side in (inputs, outputs))
        graph = helper.make_graph(self._nodes, "whisper", given, made, self._constants)
        return helper.make_model(graph, opset_imports=OPSETS, ir_version=IR_VERSION)

    def norm(self, x: str, tensors: Tensors, name: str) -> str:
        """Add a layer norm."""
        return self.op("LayerNormalization", x, self.weight(tensors[f"{name}.weight"]),
                       self.weight(tensors[f"{name}.bias"]), epsilon=EPSILON)

    def linear(self, x: str, weight: Array, bias: Array | None) -> str:
        """Add a float32 linear layer; `weight` (outputs, inputs)."""
        product = self.op("MatMul", x, self.weight(weight.T))
        return product if bias is None else self.op("Add", product, self.weight(bias))

    def linear_8bit(self, x: str, weight: Array, bias: Array | None) -> str:
        """Add a linear layer with 8-bit weights, a scale for each output, and inputs quantised row by row."""
        scales = np.maximum(np.abs(weight).max(axis=1) / LEVELS, np.float32(SMALLEST))
        quantised = (np.rint(weight / scales[:, None]) + ZERO_POINT).astype(np.uint8)
        largest = self.op("ReduceMax", self.op("Abs", x), self.constant(np.array([-1])), keepdims=1)
        largest = self.op("Max", largest, self.constant(np.float32(SMALLEST)))
        step, zero = self.constant(np.float32(1 / LEVELS)), self.constant(np.uint8(ZERO_POINT))
        rows = self.op("QuantizeLinear", self.op("Div", x, largest), step, zero)
        product = self.op("MatMulIntegerToFloat", rows, self.constant(quantised.T), step, self.constant(scales), zero,
                          self.constant(np.full(len(scales), ZERO_POINT, np.uint8)), domain="com.microsoft")
        product = self.op("Mul", product, largest)
        return product if bias is None else self.op("Add", product, self.weight(bias))

    def split_heads(self, x: str, heads: int, keys: bool = False) -> str:
        """(rows, tokens, width) -> (rows, heads, tokens, size), or (rows, heads, size, tokens) for keys."""
        x = self.op("Reshape", x, self.constant(np.array([0, 0, heads, -1])))
        return self.op("Transpose", x, perm=[0, 2, 3, 1] if keys else [0, 2, 1, 3])

    def join_heads(self, x: str) -> str:
        """(rows, heads, tokens, size) -> (rows, tokens, width)."""
        return self.op("Reshape", self.op("Transpose", x, perm=[0, 2, 1, 3]), self.constant(np.array([0, 0, -1])))


def write(folder: Path, tensors: Tensors, shape: WhisperShape) -> None:
    """Write all graphs and tables of a Whisper, given its tensors by the names of openai-whisper."""
    models = {"encoder": encoder(tensors, shape), "logits_8bit": logits_8bit(tensors, shape)}
    for kind, exact in (("exact", True), ("8bit", False)):
        models[f"cross_{kind}"] = cross_cache(tensors, shape, exact)
        models[f"step_{kind}"] = decoder_step(tensors, shape, exact)
    for name, model in models.items():
        onnx.save(model, folder / f"{name}.onnx")
    for file, name in ((EMBEDDING, "token_embedding.weight"), (POSITIONS, "positional_embedding")):
        np.save(folder / file, narrowed(tensors[f"decoder.{name}"]))


def narrowed(values: Array) -> NDArray[np.floating[Any]]:
    """The values in float16 where that changes nothing, else in float32."""
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), values) else values.astype(np.float32)


def encoder(tensors: Tensors, shape: WhisperShape) -> onnx.ModelProto:
    """mel (rows, bands, frames) -> states (rows, frames / 2, width)."""
    graph, own = GraphBuilder(), _part(tensors, "encoder.")
    x = "mel"
    for name, stride in (("conv1", 1), ("conv2", 2)):
        x = graph.op("Gelu", graph.op("Conv", x, graph.weight(own[f"{name}.weight"]), graph.weight(own[f"{name}.bias"]),
                                      kernel_shape=[3], pads=[1, 1], strides=[stride]))
    x = graph.op("Transpose", x, perm=[0, 2, 1])
    frames = graph.op("Shape", x, start=1, end=2)
    zero = graph.constant(np.array([0]))
    x = graph.op("Add", x, graph.op("Slice", graph.constant(own["positional_embedding"]), zero, frames, zero))
    for index in range(shape.encoder_layers):
        block = _part(own, f"blocks.{index}.")
        y = graph.norm(x, block, "attn_ln")
        query = graph.linear(y, block["attn.query.weight"], block["attn.query.bias"])
        key = graph.linear(y, block["attn.key.weight"], None)
        value = graph.linear(y, block["attn.value.weight"], block["attn.value.bias"])
        attended = graph.op("MultiHeadAttention", query, key, value, domain="com.microsoft",
                            num_heads=shape.encoder_heads)
        x = graph.op("Add", x, graph.linear(attended, block["attn.out.weight"], block["attn.out.bias"]))
        x = _mlp(graph, x, block, graph.linear)
    graph.name(graph.norm(x, own, "ln_post"), "states")
    return graph.model({"mel": ("rows", shape.bands, "frames")}, {"states": ("rows", "half", shape.width)})


def cross_cache(tensors: Tensors, shape: WhisperShape, exact: bool) -> onnx.ModelProto:
    """states (rows, frames, width) -> cross keys (rows, heads, size, frames) and values (rows, heads, frames, size)."""
    graph = GraphBuilder()
    linear = graph.linear if exact else graph.linear_8bit
    outputs: dict[str, Sequence[str | int]] = {}
    size = shape.width // shape.decoder_heads
    for index in range(shape.decoder_layers):
        block = _part(tensors, f"decoder.blocks.{index}.cross_attn.")
        stacked = linear("states", np.concatenate([block["key.weight"], block["value.weight"]]),
                         np.concatenate([np.zeros_like(block["value.bias"]), block["value.bias"]]))
        key, value = graph.ops("Split", stacked, results=2, axis=2, num_outputs=2)
        graph.name(graph.split_heads(key, shape.decoder_heads, keys=True), f"cross_key_{index}")
        graph.name(graph.split_heads(value, shape.decoder_heads), f"cross_value_{index}")
        outputs[f"cross_key_{index}"] = ("rows", shape.decoder_heads, size, "frames")
        outputs[f"cross_value_{index}"] = ("rows", shape.decoder_heads, "frames", size)
    return graph.model({"states": ("rows", "frames", shape.width)}, outputs)


def decoder_step(tensors: Tensors, shape: WhisperShape, exact: bool) -> onnx.ModelProto:
    """One step of the decoder for the embedded tokens x (rows, tokens, width).

    `mask` (tokens, past + tokens) is 0 or -inf. `hidden` (rows, tokens, width); `scores` (rows, watched heads, frames),
    the raw cross-attention of the last token. Keys and values come back with the new tokens.
    """
    graph = GraphBuilder()
    linear = graph.linear if exact else graph.linear_8bit
    heads, size = shape.decoder_heads, shape.width // shape.decoder_heads
    scale = np.float32(size**-0.5)
    inputs: dict[str, Sequence[str | int]] = {"x": ("rows", "tokens", shape.width), "mask": ("tokens", "total")}
    outputs: dict[str, Sequence[str | int]] = {"hidden": ("rows", "tokens", shape.width),
                                            "scores": ("rows", len(shape.watched), "frames")}
    last = graph.constant(np.array(-1))
    x, watched = "x", []
    for index in range(shape.decoder_layers):
        block = _part(tensors, f"decoder.blocks.{index}.")
        query_bias, value_bias = block["attn.query.bias"], block["attn.value.bias"]
        stacked = linear(graph.norm(x, block, "attn_ln"),
                         np.concatenate([block["attn.query.weight"] * scale, block["attn.key.weight"],
                                         block["attn.value.weight"]]),
                         np.concatenate([query_bias * scale, np.zeros_like(query_bias), value_bias]))
        query, key, value = graph.ops("Split", stacked, results=3, axis=2, num_outputs=3)
        keys = graph.op("Concat", f"past_key_{index}", graph.split_heads(key, heads, keys=True), axis=3)
        values = graph.op("Concat", f"past_value_{index}", graph.split_heads(value, heads), axis=2)
        weights = graph.op("Add", graph.op("MatMul", graph.split_heads(query, heads), keys), "mask")
        attended = graph.op("MatMul", graph.op("Softmax", weights, axis=-1), values)
        x = graph.op("Add", x, linear(graph.join_heads(attended), block["attn.out.weight"], block["attn.out.bias"]))
        query = linear(graph.norm(x, block, "cross_attn_ln"), block["cross_attn.query.weight"] * scale,
                       block["cross_attn.query.bias"] * scale)
        weights = graph.op("MatMul", graph.split_heads(query, heads), f"cross_key_{index}")
        at = [head for layer, head in shape.watched if layer == index]
        if at:
            newest = graph.op("Gather", weights, last, axis=2)
            watched.append(graph.op("Gather", newest, graph.constant(np.array(at)), axis=1))
        attended = graph.op("MatMul", graph.op("Softmax", weights, axis=-1), f"cross_value_{index}")
        x = graph.op("Add", x, linear(graph.join_heads(attended), block["cross_attn.out.weight"],
                                      block["cross_attn.out.bias"]))
        x = _mlp(graph, x, block, linear)
        for kind, result, past, total in (("key", keys, (size, "past"), (size, "total")),
                                          ("value", values, ("past", size), ("total", size))):
            graph.name(result, f"{kind}_{index}")
            inputs[f"past_{kind}_{index}"] = ("rows", heads, *past)
            inputs[f"cross_{kind}_{index}"] = ("rows", heads, *((size, "frames") if kind == "key" else
                                                                ("frames", size)))
            outputs[f"{kind}_{index}"] = ("rows", heads, *total)
    graph.name(graph.op("Concat", *watched, axis=1), "scores")
    graph.name(graph.norm(x, tensors, "decoder.ln"), "hidden")
    return graph.model(inputs, outputs)


def logits_8bit(tensors: Tensors, shape: WhisperShape) -> onnx.ModelProto:
    """hidden (rows, width) -> logits (rows, vocabulary)."""
    graph = GraphBuilder()
    graph.name(graph.linear_8bit("hidden", tensors["decoder.token_embedding.weight"], None), "logits")
    return graph.model({"hidden": ("rows", shape.width)}, {"logits": ("rows", shape.vocabulary)})


def _mlp(graph: GraphBuilder, x: str, block: Tensors, linear: Linear) -> str:
    """Add the second half of a block."""
    y = linear(graph.norm(x, block, "mlp_ln"), block["mlp.0.weight"], block["mlp.0.bias"])
    return graph.op("Add", x, linear(graph.op("Gelu", y), block["mlp.2.weight"], block["mlp.2.bias"]))


def _part(tensors: Tensors, prefix: str) -> dict[str, Array]:
    """The tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
