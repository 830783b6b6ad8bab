"""Speech backbones by name: self-supervised or ASR encoders on the raw waveform, through transformers.

Any other hub id or local folder of one of the `SPEECH_ARCHITECTURES` works too. Inputs are prepared as in
pretraining, with the normalization of the model's feature extractor:

- wav2vec 2.0, HuBERT and WavLM whose first convolution is normalized over time (``feat_extract_norm = "group"``,
  all base models) are affected by padding, so only clips of equal length share a batch, unpadded;
- those normalized over channels (``"layer"``, all large models) get padding and an attention mask;
- Whisper always gets 30 seconds; only the clip's own frames are pooled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sentir.audio.decoding import SAMPLING_RATE
from sentir.errors import WeightsError
from sentir.i18n import _, gettext_noop
from sentir.models.config_checks import check_config_files, read_json_file
from sentir.models.loading import (
    LibraryErrors,
    check_usable,
    load_config,
    load_config_dict,
    load_from_source,
    load_weights,
    quiet_transformers,
    unusable_error,
)
from sentir.models.speech_features import (
    PREPROCESSOR_CONFIG_FILE,
    SPEECH_ARCHITECTURES,
    SpeechFeatureExtractor,
)
from sentir.models.weights import WeightsSource, find_local_file, resolve_weights
from sentir.registry import Registry

if TYPE_CHECKING:
    from sentir.models.speech_encoder import SpeechEncoder

_RECIPE_KEY = "model.audio.weights"
_WHISPER_PREFIXES = {r"^model\.encoder\.": "", r"^encoder\.": ""}  # state-dict prefixes of a complete Whisper
# SpecAugment, which fails on clips of a few frames, and LayerDrop, which fails on several processes.
_DISABLED_SETTINGS = {"mask_time_prob": 0.0, "mask_feature_prob": 0.0, "apply_spec_augment": False}
_DISABLED_SETTINGS |= {"layerdrop": 0.0, "encoder_layerdrop": 0.0}


@dataclass(frozen=True, slots=True)
class SpeechBackbone:
    """A speech encoder.

    Attributes:
        name: Sentir's.
        hub_id: of the weights.
        license: of the weights, according to their authors.
    """

    name: str
    hub_id: str
    license: str = ""

    def resolve_weights(self, weights: str | None = None) -> WeightsSource:
        """Return where the weights come from; ``weights`` (a folder or hub id) overrides ``hub_id``."""
        return resolve_weights(weights or self.hub_id)


SPEECH_BACKBONES = Registry(
    gettext_noop("speech backbone"),
    {
        spec.name: spec
        for spec in (
            SpeechBackbone("wav2vec2", "facebook/wav2vec2-base", "Apache-2.0"),
            SpeechBackbone("hubert", "facebook/hubert-base-ls960", "Apache-2.0"),
            SpeechBackbone("hubert-large", "facebook/hubert-large-ll60k", "Apache-2.0"),
            SpeechBackbone("wavlm", "microsoft/wavlm-base-plus", "MIT"),
            SpeechBackbone("wavlm-large", "microsoft/wavlm-large", "MIT"),
            SpeechBackbone("whisper", "openai/whisper-base", "Apache-2.0"),
            SpeechBackbone("whisper-large-v3", "openai/whisper-large-v3", "Apache-2.0"),
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
    extractor = _load_feature_extractor(source, config.to_dict())
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


def load_speech_feature_extractor(name: str) -> SpeechFeatureExtractor:
    """Load the feature extractor of a speech backbone, as `load_speech_encoder` does, without the backbone."""
    source = get_speech_backbone(name).resolve_weights()
    config = load_config_dict(source, recipe_key=_RECIPE_KEY)
    _check_architecture(source, str(config.get("model_type")))
    return _load_feature_extractor(source, config)


def load_speech_config(source: WeightsSource) -> Any:
    """Return the transformers configuration of a speech encoder, without SpecAugment and LayerDrop.

    Raises:
        WeightsError: if it can neither be found nor downloaded, or is of another architecture.
    """
    config = load_config(source, recipe_key=_RECIPE_KEY)
    _check_architecture(source, config.model_type)
    for key, value in _DISABLED_SETTINGS.items():
        if hasattr(config, key):
            setattr(config, key, value)
    return config


def _check_architecture(source: WeightsSource, kind: str) -> None:
    if kind not in SPEECH_ARCHITECTURES:
        raise WeightsError(
            _(
                "'{name}' is not a speech encoder: its architecture '{kind}' is none of {known}.",
                name=source.location,
                kind=kind,
                known=", ".join(SPEECH_ARCHITECTURES),
            )
        )


def _load_feature_extractor(source: WeightsSource, config: Mapping[str, Any]) -> SpeechFeatureExtractor:
    try:
        with LibraryErrors():
            extractor = SpeechFeatureExtractor(_load_settings(source), config)
            fits = extractor.matches(config)
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
    if not fits:
        reason = ValueError(_("its feature extractor does not fit its encoder"))
        raise unusable_error(source, reason, recipe_key=_RECIPE_KEY)
    return extractor


def _load_settings(source: WeightsSource) -> Mapping[str, Any]:
    """Return the settings of a feature extractor; transformers is used only to download them.

    Raises:
        OSError, ValueError: if there are none, or they are damaged.
    """
    check_config_files(source, partial(find_local_file, source))
    if path := find_local_file(source, PREPROCESSOR_CONFIG_FILE):
        return read_json_file(path)
    from transformers import AutoFeatureExtractor

    settings: Mapping[str, Any] = load_from_source(source, AutoFeatureExtractor.from_pretrained).to_dict()
    return settings


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
    extractor.save_pretrained(folder)
