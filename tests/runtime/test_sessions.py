"""Sessions are opened on a provider that exists, or refused in words."""

import onnx
import pytest
from onnx import TensorProto, helper

from sentir.errors import RecognizerError
from sentir.runtime.sessions import available_threads, check_provider, open_session


def identity_graph() -> bytes:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", values[:1], values[1:])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10
    ).SerializeToString()


def test_a_session_runs_on_the_cpu():
    assert open_session(identity_graph()).run(None, {"x": onnx.numpy_helper.np.ones(2, "float32")})[
        0
    ].tolist() == [
        1.0,
        1.0,
    ]


def test_an_unknown_provider_is_named_with_those_known():
    with pytest.raises(RecognizerError, match=r"'tpu'; known: cpu, cuda, directml, coreml"):
        check_provider("tpu")


@pytest.mark.parametrize(
    ("provider", "package"), [("directml", "onnxruntime-directml"), ("cuda", "onnxruntime-gpu")]
)
def test_a_provider_that_is_not_installed_says_what_to_install(provider, package, monkeypatch):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(RecognizerError, match=package):
        open_session(identity_graph(), provider)


def test_a_damaged_file_is_named(tmp_path):
    file = tmp_path / "utterances.onnx"
    for content in (b"", b"no graph"):
        file.write_bytes(content)
        with pytest.raises(RecognizerError, match=r"utterances\.onnx"):
            open_session(file)
    with pytest.raises(RecognizerError, match=r"missing\.onnx"):
        open_session(tmp_path / "missing.onnx")


def test_threads_are_the_cores_of_this_process_and_few(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(3)), raising=False)
    assert available_threads() == 3
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(64)), raising=False)
    assert available_threads() == 8
