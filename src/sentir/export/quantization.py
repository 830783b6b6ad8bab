"""8-bit graphs: weights of matrix products and embedding tables as integers, each with scales of its own.

Activations of a matrix product are quantized row by row, in blocks, while it runs: a row never depends on the
other rows of its batch, as it does with onnxruntime's dynamic quantization, which has one scale for all of them.
See ``docs/decisions/export.md`` for the measurements.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

BLOCK_SIZE = 64  # weights, and activations, that share a scale
_CONTRIB_DOMAIN = "com.microsoft"
_INT8_ACTIVATIONS = 4  # accuracy_level of MatMulNBits
_ZERO = 128  # of unsigned 8-bit weights
_MIN_ELEMENTS = 4096  # smaller weights stay float32


def quantize_graph(model: ModelProto) -> ModelProto:
    """Return the 8-bit version of a graph.

    Matrix products with constant weights become onnxruntime's ``MatMulNBits``
    (https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md); rows of embedding tables get a
    scale each. Convolutions, recurrent layers, attention scores and normalization stay float32.
    """
    quantized = ModelProto()
    quantized.CopyFrom(model)
    weights = {one.name: one for one in quantized.graph.initializer if _is_quantizable(one)}
    nodes: list[NodeProto] = []
    replaced: dict[str, list[TensorProto]] = {}
    for node in quantized.graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights:
            name = node.input[1]
            replaced.setdefault(name, _quantize_weight(weights[name]))
            nodes.append(_quantized_matmul(node, weights[name]))
        elif node.op_type == "Gather" and node.input[0] in weights:
            name = node.input[0]
            replaced.setdefault(name, _quantize_table(weights[name]))
            nodes += _quantized_gather(node)
        else:
            nodes.append(node)
    _replace_nodes(quantized, nodes, replaced)
    quantized.opset_import.append(helper.make_opsetid(_CONTRIB_DOMAIN, 1))
    facts = {one.key: one.value for one in model.metadata_props}
    helper.set_model_props(quantized, facts | {"precision": "int8"})
    return quantized


def _is_quantizable(tensor: TensorProto) -> bool:
    is_matrix = len(tensor.dims) == 2 and tensor.data_type == TensorProto.FLOAT
    return is_matrix and bool(np.prod(tensor.dims) >= _MIN_ELEMENTS)


def _replace_nodes(model: ModelProto, nodes: list[NodeProto], replaced: dict[str, list[TensorProto]]) -> None:
    """Put nodes in place of a graph's, and new initializers in place of those that no node takes any more."""
    used = {name for node in nodes for name in node.input}
    kept = [one for one in model.graph.initializer if one.name not in replaced or one.name in used]
    added = [one for tensors in replaced.values() for one in tensors]
    for repeated, values in ((model.graph.initializer, [*kept, *added]), (model.graph.node, nodes)):
        del repeated[:]
        repeated.extend(values)


def _quantize_weight(weight: TensorProto) -> list[TensorProto]:
    """Quantize a ``(K, N)`` weight in blocks of K; return integers ``(N, blocks, BLOCK_SIZE)`` and scales."""
    values = numpy_helper.to_array(weight).T
    width = -(-values.shape[1] // BLOCK_SIZE) * BLOCK_SIZE
    padded = np.zeros((len(values), width), dtype=np.float32)
    padded[:, : values.shape[1]] = values
    integers, scales = _round(padded.reshape(len(values), -1, BLOCK_SIZE))
    unsigned = (integers.astype(np.int16) + _ZERO).astype(np.uint8)
    return _as_tensors(weight.name, unsigned, scales[..., 0])


def _quantize_table(table: TensorProto) -> list[TensorProto]:
    return _as_tensors(table.name, *_round(numpy_helper.to_array(table)))


def _round(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round to -127 … 127 times a scale, which the last axis shares."""
    scales = np.maximum(np.abs(values).max(axis=-1, keepdims=True), np.finfo(np.float32).tiny * 127) / 127
    return np.rint(values / scales).astype(np.int8), scales.astype(np.float32)


def _as_tensors(name: str, integers: NDArray[np.integer], scales: NDArray[np.float32]) -> list[TensorProto]:
    return [
        numpy_helper.from_array(integers, f"{name}.integers"),
        numpy_helper.from_array(np.ascontiguousarray(scales), f"{name}.scales"),
    ]


def _quantized_matmul(node: NodeProto, weight: TensorProto) -> NodeProto:
    rows, columns = weight.dims
    return helper.make_node(
        "MatMulNBits",
        [node.input[0], f"{weight.name}.integers", f"{weight.name}.scales"],
        list(node.output),
        name=node.name,
        domain=_CONTRIB_DOMAIN,
        K=rows,
        N=columns,
        bits=8,
        block_size=BLOCK_SIZE,
        accuracy_level=_INT8_ACTIVATIONS,
    )


def _quantized_gather(node: NodeProto) -> list[NodeProto]:
    """Return the nodes that gather rows of integers and scale them."""
    (table, index), (output,) = node.input, node.output
    integers, floats, scales = f"{output}.integers", f"{output}.unscaled", f"{output}.scales"
    return [
        helper.make_node("Gather", [f"{table}.integers", index], [integers]),
        helper.make_node("Gather", [f"{table}.scales", index], [scales]),
        helper.make_node("Cast", [integers], [floats], to=TensorProto.FLOAT),
        helper.make_node("Mul", [floats, scales], [output]),
    ]
