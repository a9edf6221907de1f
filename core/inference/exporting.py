"""Export of PyTorch modules to ONNX, and the comparison of both."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 18
SMALL = 1024  # values of a tensor that is stored as it is


def export(module: nn.Module, path: Path, inputs: Mapping[str, Tensor], outputs: Sequence[str],
           dynamic: Mapping[str, Sequence[int]]) -> None:
    """Write a module's graph to `path`, with its parameters in it.

    `inputs` by the names of `forward`'s arguments, in their order, on the CPU; `dynamic`: for each input the axes of
    any length (an example's length there is at least 2). Whatever the exporter raises passes.
    """
    shapes = {name: dict.fromkeys(dynamic.get(name, ()), torch.export.Dim.DYNAMIC) for name in inputs}
    with _quiet(), torch.no_grad():
        torch.onnx.export(module.eval(), (), str(path), kwargs=dict(inputs), input_names=list(inputs),
                          output_names=list(outputs), dynamic_shapes=shapes, opset_version=OPSET, dynamo=True,
                          external_data=False, verbose=False)
    graph = onnx.load(path)
    halve(graph)
    save(graph, path)


def save(model: onnx.ModelProto, path: Path) -> None:
    """Write a graph without what the exporter noted about each node: names of files, stacks of calls."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input):
        del part.metadata_props[:]
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.ClearField("doc_string")
    onnx.save(model, path)


def halve(model: onnx.ModelProto) -> None:
    """Store in float16 the parameters that lose nothing by it, with a cast where they are used.

    Rows that a Gather looks up are cast after it, so that a table of words is never widened as a whole.
    """
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < SMALL:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}:half"))
        readers = [node for node in graph.node if name in node.input]
        if all(node.op_type == "Gather" and node.input[0] == name for node in readers):
            for node in readers:
                rows, node.input[0] = node.output[0], f"{name}:half"
                node.output[0] = f"{rows}:half"
                casts.append((rows, helper.make_node("Cast", [node.output[0]], [rows], to=TensorProto.FLOAT)))
        else:
            casts.append(("", helper.make_node("Cast", [f"{name}:half"], [name], to=TensorProto.FLOAT)))
    _insert(graph, casts)


def _insert(graph: onnx.GraphProto, casts: Sequence[tuple[str, onnx.NodeProto]]) -> None:
    """Put each cast behind the node that makes its input, or first: nodes are in the order of computing."""
    nodes = [node for rows, node in casts if not rows]
    behind = {node.input[0]: node for rows, node in casts if rows}
    for node in graph.node:
        nodes += [node, *(behind[output] for output in node.output if output in behind)]
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)


def least_cosine(expected: Sequence[NDArray[np.floating]], computed: Sequence[NDArray[np.floating]]) -> float:
    """The least cosine between the vectors (last axis) of two lists of arrays; NaN where shapes differ or one is 0."""
    cosines = []
    for one, other in zip(expected, computed, strict=True):
        if one.shape != other.shape:
            return float("nan")
        left, right = (np.asarray(each, np.float64).reshape(-1, one.shape[-1]) for each in (one, other))
        lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            cosines.append(float(np.min((left * right).sum(axis=1) / lengths)))
    return float(np.min(cosines))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's many words, on stdout, in warnings and in the log."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "torch.export")]
    levels = [each.level for each in loggers]
    try:
        for each in loggers:
            each.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
