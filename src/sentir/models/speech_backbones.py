"""Speech backbones by name: self-supervised or ASR encoders on the raw waveform, through transformers.

Any other hub id or local folder of one of the `SPEECH_ARCHITECTURES` works too. Inputs are prepared as in
pretraining, with the normalization of the model's feature extractor:

- wav2vec 2.0, HuBERT and WavLM whose first convolution is normalized over time (``feat_extract_norm = "group"``,
  all base models) are affected by padding, so only clips of equal length share a batch, unpadded;
- those normalized over channels (``"layer"``) get padding and an attention mask;
- Whisper always gets 30 seconds; the vector is the mean over the clip's own frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentir.audio.decoding import SAMPLING_RATE, Waveform
from sentir.errors import WeightsError
from sentir.i18n import _, gettext_noop
from sentir.models.loading import (
    check_usable,
    load_config,
    load_from_source,
    load_weights,
    quiet_transformers,
    unusable_error,
)
from sentir.models.weights import WeightsSource, resolve_weights
from sentir.registry import Registry

if TYPE_CHECKING:
    from sentir.models.speech_encoder import SpeechEncoder

SPEECH_ARCHITECTURES = ("wav2vec2", "hubert", "wavlm", "whisper")
_RECIPE_KEY = "model.audio.weights"
_WHISPER_PREFIXES = {r"^model\.encoder\.": "", r"^encoder\.": ""}  # state-dict prefixes of a complete Whisper
# SpecAugment, which fails on clips of a few frames, and LayerDrop, which fails on several processes.
_DISABLED_SETTINGS = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0, "apply_spec_augment": False}
_DISABLED_SETTINGS |= {"layerdrop": 0.0, "encoder_layerdrop": 0.0}


@dataclass(frozen=True, slots=True)
class SpeechBackbone:
    """A speech encoder: Sentir's name and its hub id."""

    name: str
    hub_id: str

    def resolve_weights(self, weights: str | None = None) -> WeightsSource:
        """Return where the weights come from; ``weights`` (a folder or hub id) overrides ``hub_id``."""
        return resolve_weights(weights or self.hub_id)


SPEECH_BACKBONES = Registry(
    gettext_noop("speech backbone"),
    {
        spec.name: spec
        for spec in (
            SpeechBackbone("wav2vec2", "facebook/wav2vec2-base"),
            SpeechBackbone("hubert", "facebook/hubert-base-ls960"),
            SpeechBackbone("wavlm", "microsoft/wavlm-base-plus"),
            SpeechBackbone("whisper", "openai/whisper-base"),
        )
    },
)


def is_speech_backbone(name: str) -> bool:
    """Return whether a name is a speech backbone, a hub id or a folder, rather than a name of timm's."""
    return name in SPEECH_BACKBONES or "/" in name or "\\" in name


def get_speech_backbone(name: str) -> SpeechBackbone:
    """Return the spec called ``name``, or one for a hub id or local folder.

    Raises:
        UnknownNameError: if it is no known name, hub id or path.
    """
    if name not in SPEECH_BACKBONES and is_speech_backbone(name):
        return SpeechBackbone(name, name)
    spec: SpeechBackbone = SPEECH_BACKBONES.get(name)
    return spec


class SpeechFeatureExtractor:
    """A transformers feature extractor that also sets the length of a waveform: waveforms → inputs of an encoder.

    Args:
        extractor: the transformers feature extractor.
        config: the encoder's.

    Attributes:
        receptive_field: samples of one frame of the encoder.
        stride: samples between two frames.
        max_samples: longest input of the encoder; ``None`` = any length.
    """

    def __init__(self, extractor: Any, config: Any) -> None:
        self.extractor = extractor
        if config.model_type == "whisper":
            # Its second convolution halves the frames of the mel spectrogram.
            self.receptive_field = self.stride = 2 * extractor.hop_length
            self.max_samples: int | None = extractor.n_samples
            return
        self.receptive_field = self.stride = 1
        self.max_samples = None
        for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
            self.receptive_field += (kernel - 1) * self.stride
            self.stride *= stride

    def matches(self, config: Any) -> bool:
        """Return whether the outputs fit the encoder; a frame lasts at most a second."""
        if self.max_samples is None:
            return 0 < self.stride <= self.receptive_field <= SAMPLING_RATE
        frames, bands = config.max_source_positions, config.num_mel_bins
        return (
            self.stride > 0 and self.max_samples == frames * self.stride and self.extractor.feature_size == bands
        )

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
            values = self.extractor(
                waveform[: self.max_samples], sampling_rate=SAMPLING_RATE, return_tensors="np"
            )
            return values["input_features"][0]
        length = self.receptive_field + (self.num_frames(len(waveform)) - 1) * self.stride
        samples = np.zeros(length, dtype=np.float32)
        samples[: len(waveform)] = waveform[:length]
        return self.extractor(samples, sampling_rate=SAMPLING_RATE, return_tensors="np")["input_values"][0]

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
        return {
            "waveform": padded,
            "num_frames": np.array(
                [self.num_frames(0 if one is None else len(one)) for one in waveforms], dtype=np.int64
            ),
            "has_audio": np.array([one is not None for one in waveforms], dtype=bool),
        }

    def settings(self) -> tuple[object, ...]:
        """Return the settings of the extractor that its output depends on."""
        names = ("do_normalize", "padding_value", "feature_size", "n_fft", "hop_length", "chunk_length", "dither")
        return tuple(getattr(self.extractor, name, None) for name in names)


def load_speech_encoder(
    name: str, *, weights: str | None = None, pretrained: bool = True, layers: tuple[int, ...] | None = None
) -> tuple[SpeechEncoder, SpeechFeatureExtractor]:
    """Load a speech backbone and its feature extractor.

    The convolutions of a pretrained wav2vec 2.0, HuBERT or WavLM stay frozen, as in their authors' fine-tuning.

    Args:
        name: a name in `SPEECH_BACKBONES`, a hub id or a local folder.
        weights: a folder or hub id to take the weights and feature extractor from instead.
        pretrained: ``False`` initializes the architecture randomly.
        layers: hidden layers to return; ``None`` = all.

    Raises:
        UnknownNameError: if there is no such backbone.
        WeightsError: if the weights can neither be found nor downloaded, or are no speech encoder for 16 kHz.
        RecipeError: if the encoder does not have the ``layers``.
    """
    from sentir.models.device import to_tensors
    from sentir.models.speech_encoder import SpeechEncoder

    source = get_speech_backbone(name).resolve_weights(weights)
    config = load_speech_config(source)
    extractor = SpeechFeatureExtractor(_load_hf_feature_extractor(source), config)
    if not extractor.matches(config):
        error = ValueError(_("its feature extractor does not fit its encoder"))
        raise unusable_error(source, error, recipe_key=_RECIPE_KEY)
    transformer = _load_transformer(source, config, pretrained)
    if pretrained and hasattr(transformer, "freeze_feature_encoder"):
        transformer.freeze_feature_encoder()
    encoder = SpeechEncoder(
        transformer,
        stride=extractor.stride,
        receptive_field=extractor.receptive_field,
        layers=layers,
        pretrained=pretrained,
    )
    if pretrained and extractor.max_samples is None:  # not the 30 seconds of Whisper
        silence = np.zeros(extractor.min_samples, dtype=np.float32)
        check_usable(source, lambda: encoder(**to_tensors(extractor.pad([silence]))), recipe_key=_RECIPE_KEY)
    return encoder, extractor


def load_speech_feature_extractor(name: str, *, weights: str | None = None) -> SpeechFeatureExtractor:
    """Load the feature extractor of a speech backbone, as `load_speech_encoder` does, without the backbone."""
    source = get_speech_backbone(name).resolve_weights(weights)
    return SpeechFeatureExtractor(_load_hf_feature_extractor(source), load_speech_config(source))


def load_speech_config(source: WeightsSource) -> Any:
    """Return the transformers configuration of a speech encoder, without SpecAugment and LayerDrop.

    Raises:
        WeightsError: if it can neither be found nor downloaded, or is of another architecture.
    """
    config = load_config(source, recipe_key=_RECIPE_KEY)
    if config.model_type not in SPEECH_ARCHITECTURES:
        raise WeightsError(
            _(
                "'{name}' is not a speech encoder: its architecture '{kind}' is none of {known}.",
                name=source.location,
                kind=config.model_type,
                known=", ".join(SPEECH_ARCHITECTURES),
            )
        )
    for key, value in _DISABLED_SETTINGS.items():
        if hasattr(config, key):
            setattr(config, key, value)
    return config


def _load_hf_feature_extractor(source: WeightsSource) -> Any:
    from transformers import AutoFeatureExtractor

    try:
        extractor = load_from_source(source, AutoFeatureExtractor.from_pretrained)
    except (OSError, ValueError) as error:
        raise unusable_error(source, error, recipe_key=_RECIPE_KEY) from error
    if extractor.sampling_rate != SAMPLING_RATE:
        raise WeightsError(
            _(
                "'{name}' cannot be used: its sampling rate is {found} Hz, Sentir's is {rate} Hz.",
                name=source.location,
                found=extractor.sampling_rate,
                rate=SAMPLING_RATE,
            )
        )
    return extractor


def _load_transformer(source: WeightsSource, config: Any, pretrained: bool) -> Any:
    from transformers import AutoModel
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    whisper = config.model_type == "whisper"
    build = partial(WhisperEncoder if whisper else AutoModel.from_config, config)
    if not pretrained:
        return build().float()
    extra: dict[str, Any] = {"key_mapping": _WHISPER_PREFIXES} if whisper else {}
    load = WhisperEncoder.from_pretrained if whisper else AutoModel.from_pretrained
    return load_weights(source, load, build, recipe_key=_RECIPE_KEY, config=config, **extra)


def save_speech_encoder(encoder: SpeechEncoder, extractor: SpeechFeatureExtractor, folder: Path) -> None:
    """Save an encoder and its feature extractor for `load_speech_encoder`.

    Args:
        folder: the target; weights are saved as safetensors.
    """
    with quiet_transformers():
        encoder.transformer.save_pretrained(folder)
    extractor.extractor.save_pretrained(folder)
