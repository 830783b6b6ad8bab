"""onnxruntime sessions on a chosen execution provider."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from sentir.errors import RecognizerError
from sentir.i18n import _
from sentir.worker_processes import count_cores

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
_PACKAGES = {"cuda": "onnxruntime-gpu", "directml": "onnxruntime-directml", "coreml": "onnxruntime"}
_ONNX_ERRORS = (  # they have no common class
    ort_errors.EPFail, ort_errors.Fail, ort_errors.InvalidArgument, ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf, ort_errors.NoModel, ort_errors.NoSuchFile, ort_errors.NotImplemented,
    ort_errors.RuntimeException, RuntimeError, ValueError,
)  # fmt: skip
_MAX_THREADS = 8  # more hardly help one utterance
_ERRORS_ONLY = 3


def open_session(
    model: Path | bytes, provider: str = "cpu", num_threads: int | None = None
) -> onnxruntime.InferenceSession:
    """Open a session on an ONNX model.

    Args:
        model: a file, or its bytes.
        provider: a name in `PROVIDERS`.
        num_threads: that share one operator; by default the available cores, at most 8.

    Raises:
        RecognizerError: if there is no such provider, it is not available here, or the model is damaged.
    """
    check_provider(provider)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads or available_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    source = str(model) if isinstance(model, Path) else model
    try:
        session = onnxruntime.InferenceSession(source, options, providers=[PROVIDERS[provider]])
    except _ONNX_ERRORS as error:
        raise RecognizerError(
            _("{file} cannot be opened by onnxruntime {version} ({why}); export the model again.",
              file=source if isinstance(model, Path) else "ONNX", version=onnxruntime.__version__,
              why=str(error).strip().partition("\n")[0])
        ) from error  # fmt: skip
    if session.get_providers()[0] != PROVIDERS[provider]:
        raise _unavailable_error(provider)
    return session


def check_provider(provider: str) -> None:
    """Check that an execution provider can be used.

    Raises:
        RecognizerError: if there is no such provider, or it is not in the installed onnxruntime.
    """
    if provider not in PROVIDERS:
        raise RecognizerError(
            _("There is no execution provider '{name}'; known: {known}.",
              name=provider, known=", ".join(PROVIDERS))
        )  # fmt: skip
    if PROVIDERS[provider] not in onnxruntime.get_available_providers():
        raise _unavailable_error(provider)


def available_threads() -> int:
    """Return how many threads a session has by default."""
    return min(count_cores(), _MAX_THREADS)


def _unavailable_error(provider: str) -> RecognizerError:
    return RecognizerError(
        _("The execution provider '{name}' is not available here; install the package {package} and its "
          "drivers, or use 'cpu'.", name=provider, package=_PACKAGES.get(provider, "onnxruntime"))
    )  # fmt: skip
