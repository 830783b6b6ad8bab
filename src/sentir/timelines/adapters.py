"""Other people's speech recognition and diarization, with one method each; all are optional packages.

Any object with the method will do: these are protocols, and the classes here are for convenience.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sentir.audio.segments import SAMPLING_RATE, Waveform
from sentir.errors import TimelineError
from sentir.i18n import _
from sentir.timelines.document import Turn


class SpeechRecognizer(Protocol):
    """Recognizes the words of a turn."""

    name: str

    def transcribe(self, waveform: Waveform) -> str:
        """Return the words in ``(samples,)`` float32, mono at 16 kHz; ``""`` if there are none."""


class Diarizer(Protocol):
    """Finds who speaks when."""

    name: str

    def diarize(self, waveform: Waveform) -> list[Turn]:
        """Return turns with speakers in ``(samples,)`` float32, mono at 16 kHz: 230 MB per hour."""


class FasterWhisper:
    """Whisper by faster-whisper (CTranslate2).

    Args:
        model: size, folder, or name of a converted model.
    """

    def __init__(self, model: str = "small") -> None:
        module = _import("faster_whisper", "faster-whisper")
        self.name = f"faster-whisper:{model}"
        self._model = module.WhisperModel(model, compute_type="default")

    def transcribe(self, waveform: Waveform) -> str:
        """Return the words of a turn."""
        segments, _info = self._model.transcribe(waveform, condition_on_previous_text=False)
        return " ".join(segment.text.strip() for segment in segments)


class PocketSphinx:
    """CMU PocketSphinx with the small model of American English that its wheel carries.

    Args:
        model: unused; for the same form as the others.
    """

    def __init__(self, model: str = "") -> None:
        module = _import("pocketsphinx", "pocketsphinx")
        self.name = "pocketsphinx"
        self._decoder = module.Decoder(samprate=SAMPLING_RATE, loglevel="FATAL")

    def transcribe(self, waveform: Waveform) -> str:
        """Return the words of a turn."""
        samples = (np.clip(waveform, -1, 1) * 32767).astype(np.int16)
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), no_search=False, full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        return "" if found is None else str(found.hypstr)


class SherpaDiarizer:
    """Diarization by sherpa-onnx.

    Args:
        model: folder with ``segmentation.onnx`` (pyannote) and ``embedding.onnx`` (of speakers).
    """

    def __init__(self, model: str) -> None:
        sherpa = _import("sherpa_onnx", "sherpa-onnx")
        folder = Path(model)
        for file in ("segmentation.onnx", "embedding.onnx"):
            if not (folder / file).is_file():
                raise TimelineError(_("There is no file {path}.", path=folder / file))
        self.name = f"sherpa-onnx:{folder.name}"
        config = sherpa.OfflineSpeakerDiarizationConfig(
            segmentation=sherpa.OfflineSpeakerSegmentationModelConfig(
                pyannote=sherpa.OfflineSpeakerSegmentationPyannoteModelConfig(
                    model=str(folder / "segmentation.onnx")
                )
            ),
            embedding=sherpa.SpeakerEmbeddingExtractorConfig(model=str(folder / "embedding.onnx")),
            clustering=sherpa.FastClusteringConfig(num_clusters=-1, threshold=0.5),
        )
        self._diarization = sherpa.OfflineSpeakerDiarization(config)

    def diarize(self, waveform: Waveform) -> list[Turn]:
        """Return the turns of a recording."""
        segments = self._diarization.process(waveform).sort_by_start_time()
        return [Turn(max(0.0, one.start), one.end, f"speaker{one.speaker + 1}") for one in segments]


SPEECH_RECOGNIZERS: dict[str, Callable[[str], SpeechRecognizer]] = {
    "faster-whisper": FasterWhisper,
    "pocketsphinx": PocketSphinx,
}
DIARIZERS: dict[str, Callable[[str], Diarizer]] = {"sherpa-onnx": SherpaDiarizer}


def make_adapter(name: str, known: dict[str, Callable[[str], Any]]) -> Any:
    """Return the adapter ``NAME`` or ``NAME:MODEL``.

    Raises:
        TimelineError: if there is none of this name, its package is not installed, or it needs a model.
    """
    key, colon, model = name.partition(":")
    if key not in known:
        raise TimelineError(_("There is no '{name}'; known: {known}.", name=key, known=", ".join(known)))
    if key == "sherpa-onnx" and not model:
        raise TimelineError(_("'{name}' needs a folder of models: {name}:FOLDER.", name=key))
    return known[key](model) if colon else known[key]()  # type: ignore[call-arg]


def _import(module: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise TimelineError(
            _("The package {package} is missing; install it with: pip install {package}.", package=package)
        ) from error
