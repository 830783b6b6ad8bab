"""8-bit graphs: integer weights with a scale per output, activations with a scale per token, in standard ONNX.

A scale per token (ZeroQuant, Yao et al. 2022) depends on nothing else in the batch, unlike onnxruntime's dynamic
quantization, whose scale is that of all activations together. Measured against that and against weights in
blocks (``MatMulNBits``) in ``docs/decisions/export.md``.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_MIN_ELEMENTS = 4096  # smaller weights stay float32
# Sums of two products of 8-bit activations and these fit 16 bits, so that CPUs without VNNI do not saturate.
_MAX_WEIGHT = 63
_MAX_TABLE = 127
_MAX_ACTIVATION = 127
_ZERO_POINT, _AXIS, _TINY, _INVERSE, _ONE = (
    f"quantization.{name}" for name in ("zero_point", "axis", "tiny", "inverse", "one")
)


def quantize_graph(model: ModelProto) -> ModelProto:
    """Return the 8-bit version of a graph.

    Matrix products with constant weights run on integers, and rows of embedding tables are integers.
    Convolutions, recurrent layers, attention scores and normalization stay float32.
    """
    quantized = ModelProto()
    quantized.CopyFrom(model)
    rewriter = _Rewriter(quantized.graph.initializer)
    nodes = [new for node in quantized.graph.node for new in rewriter.rewrite(node)]
    del quantized.graph.node[:]
    quantized.graph.node.extend(nodes)
    initializers = rewriter.initializers({name for node in nodes for name in node.input})
    del quantized.graph.initializer[:]
    quantized.graph.initializer.extend(initializers)
    facts = {one.key: one.value for one in model.metadata_props}
    helper.set_model_props(quantized, facts | {"precision": "int8"})
    return quantized


class _Rewriter:
    """Replaces nodes by their 8-bit versions, and collects the tensors that these take."""

    def __init__(self, initializers: Iterable[TensorProto]) -> None:
        self._tensors = {one.name: one for one in initializers}
        self._weights = {name for name, one in self._tensors.items() if _is_quantizable(one)}
        self._quantized_activations: set[str] = set()

    def rewrite(self, node: NodeProto) -> list[NodeProto]:
        """Return the nodes that take a node's place."""
        if node.op_type == "MatMul" and node.input[1] in self._weights:
            return [*self._quantize_activations(node.input[0]), *self._multiply(node)]
        if node.op_type == "Gather" and node.input[0] in self._weights:
            return self._gather(node)
        return [node]

    def initializers(self, used: set[str]) -> list[TensorProto]:
        """Return the tensors that nodes take."""
        constants = {
            _ZERO_POINT: np.uint8(_MAX_ACTIVATION + 1),
            _AXIS: np.array([-1], dtype=np.int64),
            _TINY: np.float32(np.finfo(np.float32).tiny * _MAX_ACTIVATION),
            _INVERSE: np.float32(1 / _MAX_ACTIVATION),
            _ONE: np.float32(1),
        }
        tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
        return [one for one in (*self._tensors.values(), *tensors) if one.name in used]

    def _quantize_activations(self, name: str) -> list[NodeProto]:
        """Return the nodes that scale each row of activations to integers, once for all that take them."""
        if name in self._quantized_activations:
            return []
        self._quantized_activations.add(name)
        return [
            helper.make_node("Abs", [name], [f"{name}.row_abs"]),
            helper.make_node("ReduceMax", [f"{name}.row_abs", _AXIS], [f"{name}.row_max"], keepdims=1),
            helper.make_node("Max", [f"{name}.row_max", _TINY], [f"{name}.row_range"]),
            helper.make_node("Mul", [f"{name}.row_range", _INVERSE], [f"{name}.row_scale"]),
            helper.make_node("Div", [name, f"{name}.row_scale"], [f"{name}.row_scaled"]),
            helper.make_node(
                "QuantizeLinear", [f"{name}.row_scaled", _ONE, _ZERO_POINT], [f"{name}.row_integers"]
            ),
        ]

    def _multiply(self, node: NodeProto) -> list[NodeProto]:
        (activations, weight), (output,) = node.input, node.output
        self._store_integers(weight, _MAX_WEIGHT, axis=0)
        sums, floats, scaled = f"{output}.sums", f"{output}.floats", f"{output}.scaled"
        integers = [f"{activations}.row_integers", f"{weight}.integers", _ZERO_POINT]
        return [
            helper.make_node("MatMulInteger", integers, [sums], name=node.name),
            helper.make_node("Cast", [sums], [floats], to=TensorProto.FLOAT),
            helper.make_node("Mul", [floats, f"{weight}.scales"], [scaled]),
            helper.make_node("Mul", [scaled, f"{activations}.row_scale"], [output]),
        ]

    def _gather(self, node: NodeProto) -> list[NodeProto]:
        """Return the nodes that gather rows of integers and scale them."""
        (table, index), (output,) = node.input, node.output
        self._store_integers(table, _MAX_TABLE, axis=1)
        integers, floats, scales = f"{output}.integers", f"{output}.floats", f"{output}.scales"
        return [
            helper.make_node("Gather", [f"{table}.integers", index], [integers]),
            helper.make_node("Gather", [f"{table}.scales", index], [scales]),
            helper.make_node("Cast", [integers], [floats], to=TensorProto.FLOAT),
            helper.make_node("Mul", [floats, scales], [output]),
        ]

    def _store_integers(self, name: str, largest: int, axis: int) -> None:
        if f"{name}.integers" in self._tensors:
            return
        integers, scales = quantize_tensor(numpy_helper.to_array(self._tensors[name]), largest, axis)
        for suffix, values in (("integers", integers), ("scales", scales)):
            self._tensors[f"{name}.{suffix}"] = numpy_helper.from_array(values, f"{name}.{suffix}")


def quantize_tensor(
    values: NDArray[np.float32], largest: int, axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round values to -largest … largest times a scale, which ``axis`` shares.

    Returns:
        The integers, and the scales, with a length of 1 along ``axis``.
    """
    limits = np.abs(values).max(axis=axis, keepdims=True)
    scales = (np.maximum(limits, np.finfo(np.float32).tiny * largest) / largest).astype(np.float32)
    return np.rint(values / scales).astype(np.int8), scales


def _is_quantizable(tensor: TensorProto) -> bool:
    is_matrix = len(tensor.dims) == 2 and tensor.data_type == TensorProto.FLOAT
    return is_matrix and bool(np.prod(tensor.dims) >= _MIN_ELEMENTS)
