"""`SpeechFeatureExtractor`: waveforms → the input of a speech encoder, in NumPy.

The formulas are those of transformers, whose ``preprocessor_config.json`` is read and written:

- wav2vec 2.0, HuBERT and WavLM take samples, with zero mean and unit variance if ``do_normalize`` is true
  (Baevski et al., NeurIPS 2020);
- Whisper takes 30 seconds of a log-mel spectrogram (Radford et al., ICML 2023), here computed in float64.
  Dithering is not applied, as it is random.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.audio.mel import MelSettings, hann_window, mel_filter_bank
from sentir.i18n import _
from sentir.logs import logger

PREPROCESSOR_CONFIG_FILE = "preprocessor_config.json"
SPEECH_ARCHITECTURES = ("wav2vec2", "hubert", "wavlm", "whisper")
_WAVEFORM_DEFAULTS = {
    "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    "do_normalize": True,
    "feature_size": 1,
    "padding_value": 0.0,
    "sampling_rate": SAMPLING_RATE,
}
_WHISPER_DEFAULTS = {
    "feature_extractor_type": "WhisperFeatureExtractor",
    "chunk_length": 30,
    "dither": 0.0,
    "feature_size": 80,
    "hop_length": 160,
    "n_fft": 400,
    "padding_value": 0.0,
    "sampling_rate": SAMPLING_RATE,
}
_WAVEFORM_CONVOLUTIONS = {"conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2)}
_DIGESTED = ("do_normalize", "padding_value", "feature_size", "n_fft", "hop_length", "chunk_length", "dither")
_SIZES = ("chunk_length", "feature_size", "hop_length", "n_fft")
_COMPUTED = ("mel_filters", "n_samples", "nb_max_frames")  # of old configurations
_MEL_RANGE = 8.0  # below the loudest value, in powers of ten


class SpeechFeatureExtractor:
    """Normalizes waveforms and sets their length: waveforms → inputs of an encoder.

    Args:
        settings: as in ``preprocessor_config.json``.
        config: of the encoder, as in ``config.json``.

    Raises:
        ValueError: if a setting is invalid.

    Attributes:
        receptive_field: samples of one frame of the encoder.
        stride: samples between two frames.
        max_samples: longest input of the encoder; ``None`` = any length.
    """

    def __init__(self, settings: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        is_whisper = config["model_type"] == "whisper"
        self._settings = {**(_WHISPER_DEFAULTS if is_whisper else _WAVEFORM_DEFAULTS), **settings}
        for key in ("sampling_rate", *(_SIZES if is_whisper else ())):
            if not isinstance(self._settings[key], int):
                raise ValueError(_("{file}: '{key}' is invalid", file=PREPROCESSOR_CONFIG_FILE, key=key))
        if self._settings.get("dither"):
            logger.warning(
                _("The dithering of the speech encoder is not applied: predictions are deterministic.")
            )
        if is_whisper:
            # Its second convolution halves the frames of the mel spectrogram.
            self.receptive_field = self.stride = 2 * self._settings["hop_length"]
            self.max_samples: int | None = self._settings["chunk_length"] * SAMPLING_RATE
            return
        self.receptive_field = self.stride = 1
        self.max_samples = None
        kernels, strides = ({**_WAVEFORM_CONVOLUTIONS, **config}[key] for key in _WAVEFORM_CONVOLUTIONS)
        for kernel, stride in zip(kernels, strides, strict=True):
            self.receptive_field += (kernel - 1) * self.stride
            self.stride *= stride

    def matches(self, config: Mapping[str, Any]) -> bool:
        """Return whether the outputs fit the encoder of a configuration; a frame lasts at most a second."""
        if self.max_samples is None:
            return 0 < self.stride <= self.receptive_field <= SAMPLING_RATE
        frames, bands = config.get("max_source_positions", 1500), config.get("num_mel_bins", 80)
        settings = self._settings
        return (
            self.stride > 0
            and self.max_samples == frames * self.stride
            and settings["feature_size"] == bands
            and settings["n_fft"] in range(2, self.max_samples, 2)
        )

    @property
    def sampling_rate(self) -> int:
        """Sampling rate of the waveforms that the encoder was trained on, in Hz."""
        return int(self._settings["sampling_rate"])

    @property
    def min_samples(self) -> int:
        """Length of the shortest input of the encoder; shorter clips are padded to it."""
        return self.max_samples or self.receptive_field

    def num_frames(self, num_samples: int) -> int:
        """Return how many frames of the encoder a clip has, at least one; longer clips are truncated."""
        if self.max_samples is not None:
            return max(1, -(-min(num_samples, self.max_samples) // self.stride))
        return max(0, num_samples - self.receptive_field) // self.stride + 1

    def extract(self, waveform: Waveform) -> NDArray[np.float32]:
        """Return the encoder's input of a waveform ``(samples,)``: samples, or Whisper's mel ``(bands, frames)``.

        Clips shorter than a frame are zero-padded; the samples after the last frame (less than 20 ms at 16 kHz)
        are dropped, so that clips with the same number of frames have the same length.
        """
        if self.max_samples is not None:
            return self._log_mel(waveform[: self.max_samples], self.max_samples)
        length = self.receptive_field + (self.num_frames(len(waveform)) - 1) * self.stride
        samples = np.zeros(length, dtype=np.float32)
        samples[: len(waveform)] = waveform[:length]
        if not self._settings["do_normalize"]:
            return samples
        return (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)

    def _log_mel(self, waveform: Waveform, length: int) -> NDArray[np.float32]:
        """Return Whisper's log-mel spectrogram ``(bands, frames)`` of a waveform, padded to a length."""
        n_fft, hop, padding = (self._settings[key] for key in ("n_fft", "hop_length", "padding_value"))
        samples = np.full(length, padding, dtype=np.float64)
        samples[: len(waveform)] = waveform
        padded = np.pad(samples, n_fft // 2, mode="reflect")
        num_frames = length // hop
        num_audible = num_frames if padding else min(num_frames, -(-(len(waveform) + n_fft // 2) // hop))
        frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[: num_audible * hop : hop]
        spectrum = np.fft.rfft(frames * self._window, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        mel = np.full((num_frames, self._filters.shape[1]), 1e-10)
        np.maximum(power @ self._filters, 1e-10, out=mel[:num_audible])
        log_mel = np.log10(mel.T)
        return ((np.maximum(log_mel, log_mel.max() - _MEL_RANGE) + 4) / 4).astype(np.float32)

    @cached_property
    def _window(self) -> NDArray[np.float64]:
        return hann_window(self._settings["n_fft"])

    @cached_property
    def _filters(self) -> NDArray[np.float64]:
        settings = self._settings
        return mel_filter_bank(MelSettings(n_fft=settings["n_fft"], n_mels=settings["feature_size"]))

    def pad(self, waveforms: Sequence[Waveform | None]) -> dict[str, NDArray[Any]]:
        """Return the inputs of a `SpeechEncoder` for n waveforms: ``waveform``, ``num_frames`` and ``has_audio``.

        Args:
            waveforms: ``(samples,)`` each, mono at 16 kHz; ``None`` where there is no audio.
        """
        empty = np.zeros(0, dtype=np.float32)
        rows = [self.extract(empty if one is None else one) for one in waveforms]
        padded = np.zeros((len(rows), *rows[0].shape[:-1], max(row.shape[-1] for row in rows)), dtype=np.float32)
        for target, row in zip(padded, rows, strict=True):
            target[..., : row.shape[-1]] = row
        num_frames = [self.num_frames(0 if one is None else len(one)) for one in waveforms]
        return {
            "waveform": padded,
            "num_frames": np.array(num_frames, dtype=np.int64),
            "has_audio": np.array([one is not None for one in waveforms], dtype=bool),
        }

    def settings(self) -> tuple[object, ...]:
        """Return the settings of the extractor that its output depends on."""
        return tuple(self._settings.get(name) for name in _DIGESTED)

    def save_pretrained(self, folder: Path) -> None:
        """Write ``preprocessor_config.json``, which ``AutoFeatureExtractor`` of transformers loads too."""
        tree = {key: value for key, value in self._settings.items() if key not in _COMPUTED}
        text = json.dumps(tree, ensure_ascii=False, indent=2, sort_keys=True)
        (folder / PREPROCESSOR_CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
