"""Golden inputs: what an exported model must predict, replayed when it is loaded.

``golden.npz`` holds the inputs of a few utterances by name, as `OnnxBackend.logits` takes them, and the logits
that the exporting machine computed. A model that takes longer than `REPLAY_SECONDS` for them is replayed once per
machine, version of onnxruntime and execution provider, which the state folder remembers.
"""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sentir.array_files import load_arrays
from sentir.errors import RecognizerError, SentirError
from sentir.i18n import _
from sentir.paths import state_dir
from sentir.runtime.files import GOLDEN_FILE, GRAPH_FILES, GRAPH_WEIGHT_FILES
from sentir.runtime.onnx_backend import OnnxBackend

REPLAY_SECONDS = 0.05
_LOGITS = "logits"
_PASSED_FOLDER = "replayed"  # in the state folder

Logits = NDArray[np.float32]


def save_golden(folder: Path, batch: Mapping[str, NDArray[Any]], logits: Logits) -> None:
    """Write the golden inputs of an exported model, and their ``(N, K)`` logits, without pickles."""
    arrays: dict[str, Any] = {**batch, _LOGITS: logits}
    np.savez_compressed(folder / GOLDEN_FILE, **arrays)


def load_golden(folder: Path) -> tuple[dict[str, NDArray[Any]], Logits]:
    """Read what `save_golden` wrote.

    Raises:
        OSError: if the file is missing.
        ValueError: if it is damaged.
    """
    batch = load_arrays(folder / GOLDEN_FILE)
    if _LOGITS not in batch:
        raise ValueError(_("it has no logits"))
    return batch, batch.pop(_LOGITS)


def check_golden(folder: Path, backend: OnnxBackend, agree: Callable[[Logits, Logits], bool]) -> None:
    """Refuse a runtime in which an exported model does not predict what it did where it was exported.

    Args:
        folder: of the model.
        backend: opened on it.
        agree: whether expected and computed logits agree.

    Raises:
        RecognizerError: naming the version of onnxruntime.
        OSError, ValueError: as `load_golden`.
    """
    passed = None
    with suppress(OSError, SentirError):  # no home, or one that cannot be read
        passed = _passed_file(folder, backend)
        if passed.exists():
            return
    batch, expected = load_golden(folder)
    start = time.perf_counter()
    computed = backend.logits(batch)
    seconds = time.perf_counter() - start
    if expected.shape != computed.shape or not agree(expected, computed):
        raise RecognizerError(
            _("{folder} predicts otherwise with onnxruntime {version} ('{provider}') than where it was exported; "
              "install another version of onnxruntime, or export the model again.",
              folder=folder, version=onnxruntime.__version__, provider=backend.provider)
        )  # fmt: skip
    if seconds > REPLAY_SECONDS and passed:
        with suppress(OSError):  # a home that cannot be written: it is replayed again
            passed.parent.mkdir(parents=True, exist_ok=True)
            passed.touch()


def _passed_file(folder: Path, backend: OnnxBackend) -> Path:
    """Return the file that exists once these graphs passed on this machine with this onnxruntime."""
    facts = [onnxruntime.__version__, backend.provider, platform.node(), platform.machine()]
    for path in (folder / name for name in (GOLDEN_FILE, *GRAPH_FILES.values(), *GRAPH_WEIGHT_FILES.values())):
        if path.exists():
            stat = path.stat()
            facts.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]
    return state_dir() / _PASSED_FOLDER / digest
