"""8-bit graphs: close to float32, the same for a row in any batch, and safe from 16-bit saturation."""

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto, helper, numpy_helper

from sentir.export.quantization import quantize_graph, quantize_tensor
from sentir.runtime.sessions import open_session

RNG = np.random.default_rng(0)
TABLE, W1, W2 = (RNG.normal(size=shape).astype(np.float32) for shape in ((300, 64), (64, 96), (64, 96)))


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    """ids → rows of a table → two products that share their input, and a small one that stays float32."""
    small = RNG.normal(size=(96, 2)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["x"]),
        helper.make_node("MatMul", ["x", "w1"], ["a"]),
        helper.make_node("MatMul", ["x", "w2"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        helper.make_node("MatMul", ["c", "small"], ["y"]),
    ]
    tensors = {"table": TABLE, "w1": W1, "w2": W2, "small": small}
    initializers = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "t"])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("c", "y")]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [ids], outputs, initializers),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    helper.set_model_props(model, {"context": "none"})
    return model


def test_the_outputs_stay_close_and_the_file_shrinks(graph):
    quantized, ids = quantize_graph(graph), RNG.integers(0, 300, (5, 7))
    expected, ours = (open_session(m.SerializeToString()).run(["c"], {"ids": ids})[0] for m in (graph, quantized))
    error = np.abs(expected - ours)
    assert 0 < error.max() < 0.05 * expected.std() * 4
    assert quantized.ByteSize() < graph.ByteSize() / 3
    facts = {one.key: one.value for one in quantized.metadata_props}
    assert facts == {"context": "none", "precision": "int8"}
    assert [n.op_type for n in quantized.graph.node].count("QuantizeLinear") == 1, "shared by both products"
    assert [n.op_type for n in quantized.graph.node].count("MatMul") == 1, "the small one"
    assert {n.domain for n in quantized.graph.node} == {""}, "standard operators only"


def test_what_shares_a_batch_with_a_row_changes_no_bit(graph):
    session = open_session(quantize_graph(graph).SerializeToString())
    ids = RNG.integers(0, 300, (9, 4))
    together = session.run(["c"], {"ids": ids})[0]
    alone = np.concatenate([session.run(["c"], {"ids": row[None]})[0] for row in ids])
    np.testing.assert_array_equal(together, alone)


def test_a_row_of_zeros_is_zero(graph):
    model = onnx.ModelProto()
    model.CopyFrom(graph)
    zeros = numpy_helper.from_array(np.zeros_like(TABLE), "table")
    model.graph.initializer[0].CopyFrom(zeros)
    output = open_session(quantize_graph(model).SerializeToString()).run(
        ["c"], {"ids": np.zeros((1, 1), np.int64)}
    )
    assert not output[0].any()


@given(hnp.arrays(np.float32, (3, 5), elements=st.floats(-(2.0**90), 2.0**90, width=32)), st.sampled_from([0, 1]))
def test_rounding_is_at_most_half_a_step(values, axis):
    integers, scales = quantize_tensor(values, 63, axis)
    assert np.abs(integers).max() <= 63
    assert (np.abs(integers * scales.astype(np.float64) - values) <= 0.5001 * scales).all()


def test_sums_of_two_products_fit_16_bits(graph):
    quantized = quantize_graph(graph)
    weights = [one for one in quantized.graph.initializer if one.name in ("w1.integers", "w2.integers")]
    assert len(weights) == 2
    assert all(255 * 2 * int(np.abs(numpy_helper.to_array(one)).max()) < 2**15 for one in weights)
